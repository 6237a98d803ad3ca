"""`coldshare reshare`: from start to the last old copy, by people at computers of their own, with tokens and sticks."""

from __future__ import annotations

import re
import shlex

import pytest

from coldshare.identity import fingerprint
from coldshare.reshare.report import read, text
from coldshare.vault import read_share
from support.computers import SEAL, Computer
from support.desk import PASSWORD, PIN
from support.resharing import Story, good
from support.shell import Shell, failed, share_secrets
from support.terminal import Terminal

#: What rule 5 never calls an old share.
NEVER = re.compile(r"\b(void|worthless|useless|invalid|harmless|revoked|stop working)\b", re.IGNORECASE)
STILL = "Old shares still sign with each other"


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def test_from_the_start_until_every_old_copy_is_destroyed(story: Story) -> None:
    phone, laptop, watch = story.everybody
    tablet = story.computers.with_token("Tablet")
    olds = {who.name: who.backup(f"old-{who.name.lower()}.vult") for who in (phone, laptop, tablet)}
    _tell(phone, laptop, tablet)
    good(phone("lost", "Tablet"))
    said = good(phone("reshare", "start", "Savings", "--new", "1"))
    assert said.out.startswith("Begun: a reshare of 'Savings' to 2 of 3.\nWhat to do, in this order:\n1. On Phone: ")
    assert "On new device 1: a new device." in said.out
    assert "Tablet" not in said.out
    said = good(phone("reshare", "status"), 8)
    assert "? (new)" in said.out
    assert "Not reported yet: Phone, Laptop. 1 more party has to report." in said.out

    # Each on its own computer. The new device's knows nothing, and is given a report first.
    reports = [story.report(phone), story.report(laptop)]
    assert "coldshare reshare join REPORT" in failed(story.next(watch), "no_ledger", 3, as_json=False)
    said = good(watch("reshare", "join", reports[0]), 8)
    key = fingerprint(story.signed(reports[0]).public_key)
    assert "Taken in: 0 of 1 report." in said.out
    assert f"{key} nobody has compared" in said.out
    assert f"coldshare reshare join REPORT --trust {key}" in said.out
    assert key in good(phone("reshare", "report", "Savings")).out
    said = good(watch("reshare", "join", reports[0], "--trust", key.lower().replace("-", "")), 8)
    assert "Phone   backed up and reported" in said.out
    reports.append(story.report(watch))

    # All reports come together at the Phone's. Until then both generations are there, and the old one stands.
    assert "Not reported yet: Laptop, Watch." in failed(
        phone("reshare", "finish"), "reshare_incomplete", 5, as_json=False
    )
    for who in (phone, laptop):
        states = [one["state"] for one in good(who("list", *who.at, "--json")).json["backups"]]
        assert states == ["active", "next"]
    said = good(story.join(phone, *reports), 8)
    assert "Taken in: 3 reports." in said.out
    assert "Every party has its new share, they go together, and each is backed up." in said.out
    said = good(phone("reshare", "finish", *phone.at), 8)
    assert said.out.startswith(f"Retired: generation {story.old.generation.hex()[:8]}")
    assert f"Finished: generation {story.new.generation.hex()[:8]} of 'Savings' counts from now on." in said.out
    assert STILL in said.out
    assert "the live shares on what was not reshared: Tablet" in said.out

    # The Laptop's hears of it by a ledger.
    _tell(laptop, phone)
    said = good(laptop("reshare", "finish", *laptop.at), 8)
    assert said.out.startswith(f"Retired: {olds['Laptop'][:8]}")
    _tell(phone, laptop)

    # What is printed is done.
    said = good(phone("reshare", "status"), 8)
    verbs = {}
    for who in (phone, laptop, tablet):
        (line,) = [one for one in said.out.splitlines() if olds[who.name][:8] in one]
        verb, backup_id, *at = shlex.split(line.partition("coldshare ")[2])
        verbs[who.name] = verb
        assert backup_id == olds[who.name][:8]
        assert at == (["--at", f"folder:{story.file('media-Laptop/stick')}"] if who is laptop else [])
        good(who(verb, backup_id, *(at or who.at), *(["--yes"] if at else [])))
        _tell(phone, who)
    assert verbs == {"Phone": "destroy", "Laptop": "destroy", "Tablet": "remove"}
    for verb in ("status", "finish"):
        said = good(phone("reshare", verb))
        assert "No backup of an older share is known any more." in said.out
        # The Tablet has its own still, wherever it is.
        assert "The live shares on what was not reshared are left: Tablet." in said.out
        assert STILL in said.out
    assert story.counts(phone) == story.new.generation


def _tell(who: Computer, *others: Computer) -> None:
    """The ledgers of others come to that computer."""
    for one in others:
        good(one("ledger", "export", "told.ledger"))
        good(who("ledger", "join", "told.ledger"))
        (one.shell.folder / "told.ledger").unlink()


@pytest.mark.slow
def test_ledgers_instead_of_reports(story: Story) -> None:
    """What a report tells is in the ledger, too, and whose it is goes with it."""
    phone, laptop, watch = story.everybody
    story.backed_up()
    good(phone("reshare", "start", "Savings", "--leave", "Tablet", "--new", "1"))
    good(story.next(phone))
    _tell(watch, phone)
    _tell(laptop, phone)
    good(story.next(watch))
    good(story.next(laptop))
    _tell(phone, laptop, watch)
    assert story.state(phone)["ready"] is True
    good(phone("reshare", "finish", *phone.at), 8)
    _tell(laptop, phone)
    assert story.state(laptop)["finished"] is not None
    good(laptop("reshare", "finish", *laptop.at), 8)
    assert [one.open for one in phone.view().reshares()] == [False]
    # A computer that was not there at all sees the same.
    nobody = story.computers.somewhere("Nobody")
    _tell(nobody, laptop)
    assert story.counts(nobody) == story.new.generation
    assert [one["retired"] for one in story.state(nobody)["leftovers"]] == [True, True]


def test_what_is_said_of_the_old_ones_afterwards(story: Story) -> None:
    """By status, list, restore and drill; and that they sign with each other is said where they are listed."""
    story.finished()
    phone = story.phone
    old = next(one for one in good(phone("list", *phone.at, "--json")).json["backups"] if one["state"] == "retired")
    short = old["backup_id"][:8]
    pw = ("--password-file", "pw")
    said = {
        "status": phone("status"),
        "reshare": good(phone("reshare", "status"), 8),
        "list": good(phone("list", *phone.at)),
        "restore": good(phone("restore", "--backup", short, *phone.at, *pw, "--out", "back")),
        "drill": phone("drill", "--backup", short, *phone.at, *pw),
    }
    for command, one in said.items():
        words = " ".join((one.out + one.err).split())
        assert short in words or command == "restore", command
        assert not NEVER.search(words), command
        assert re.search(r"\b(old|older|OLD|retired|RETIRED)\b", words), command
    for command in ("status", "reshare"):
        assert "sign with each other" in said[command].out
    words = failed(
        phone("restore", "--backup", short, *phone.at, *pw, "--onto", "new phone", "--although-alive", "--out", "b"),
        "stale_share",
        5,
        as_json=False,
    )
    assert not NEVER.search(words)
    assert not story.file("b").exists()


def test_two_generations_that_nothing_orders(story: Story) -> None:
    """Neither is taken for the newer one. A share that says that it was reshared settles it: by reshare next."""
    story.backed_up()
    phone = story.phone
    other = story.computers.with_stick("another stick")
    good(phone("backup", "new-phone.vult", "--password-file", "pw", "--no-recovery", *other.at))
    words = failed(phone("reshare", "start", "Savings", "--new", "1"), "reshare_refused", 5, as_json=False)
    assert "Nothing tells which generation of 'Savings' counts" in words
    said = phone("status")
    assert story.old.generation.hex()[:8] in said.out
    assert story.new.generation.hex()[:8] in said.out
    third = story.new.reshared(story.new.parties, 2, "a third one")
    story.write("third", third)
    failed(story.next(phone, run="third"), "no_reshare", 3, as_json=False)
    words = failed(story.next(phone, run="old"), "reshare_new_share", 5, as_json=False)
    assert "has never been reshared" in words
    good(story.next(phone))
    assert story.counts(phone) == story.new.generation


@pytest.mark.slow
def test_a_second_place(story: Story) -> None:
    """The new share goes to another stick, too, and the report has both."""
    story.backed_up()
    story.report(story.phone)
    stick = story.computers.with_stick("another stick")
    good(story.phone("reshare", "next", "new-phone.vult", *SEAL, *stick.at, "--report", "both"))
    told = story.signed("both").report
    assert len(told.kept) == 2
    good(story.join(story.laptop, "both"), 8)
    assert len([one for one in story.laptop.view().backups() if one.generation == story.new.generation]) == 2


def test_a_report_has_no_secret(story: Story) -> None:
    for name, run in zip(story.reported(), story.new.vults, strict=True):
        data = story.signed(name).data
        secrets = [*share_secrets(run, None).values(), read_share(run).facts.chain_code]
        assert not [one for one in secrets if one in data]
        assert read(text(read(data)).encode()).data == data


@pytest.mark.slow
def test_a_person_at_a_terminal(story: Story) -> None:
    """Everything is typed, the button is pressed, and a Ctrl-C at the password leaves nothing."""
    story.backed_up()
    phone = story.phone
    at = phone.at[1].partition("?")[0]
    argv = ("reshare", "next", "new-phone.vult", "--at", at, "--no-recovery")
    before = good(phone("list", *phone.at)).out
    with phone.here(), Terminal(*argv, cwd=story.shell.folder) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        terminal.until("Password for this backup")
        assert terminal.interrupt() == 130
        assert terminal.sane
    assert good(phone("list", *phone.at)).out == before
    with phone.here(), Terminal(*argv, cwd=story.shell.folder) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        terminal.answer("Password for this backup", PASSWORD)
        terminal.answer("The same once more", PASSWORD)
        terminal.until("is to be NEWER than")
        terminal.press("y")
        terminal.until("Reported: Phone of 'Savings' has its new share")
        assert terminal.finish() == 0
        story.shell.check(terminal.raw)
