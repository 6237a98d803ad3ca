"""`coldshare reshare`: from start to the last old copy, by people at computers of their own, with tokens and sticks."""

from __future__ import annotations

import re
import shlex

import pytest

from coldshare.identity import fingerprint
from support.computers import Computer
from support.resharing import Story, good
from support.shell import Shell, failed

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
    text = failed(story.next(watch), "no_ledger", 3, as_json=False)
    assert "coldshare reshare join REPORT" in text
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
    assert story.counts(phone) == story.new.generation


def _tell(who: Computer, *others: Computer) -> None:
    """The ledgers of others come to that computer."""
    for one in others:
        good(one("ledger", "export", "told.ledger"))
        good(who("ledger", "join", "told.ledger"))
        (one.shell.folder / "told.ledger").unlink()
