"""`coldshare reshare start`: what is looked at before a reshare; and what every command of the group answers with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coldshare.vault.synthetic import ChainGroup, make_key_import, make_vault
from reshare.story import TABLE, draws, made
from support.computers import SEAL, Computer
from support.resharing import Story, good
from support.shell import Shell, failed
from support.terminal import Terminal
from vault.gg20 import make_gg20

GROUPS = [ChainGroup(("Bitcoin",)), ChainGroup(("Solana",), is_eddsa=True)]
NEW = ("--leave", "Tablet", "--new", "1")


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


@pytest.fixture
def phone(story: Story) -> Computer:
    """Its old share is backed up, and that is all that its computer knows."""
    story.backed_up()
    return story.phone


def test_the_old_library_is_refused(story: Story) -> None:
    story.shell.write("gg20.vult", make_gg20("Savings", TABLE, keys=(1234567, 7654321))[0].vult())
    story.phone.backup("gg20.vult")
    before = story.phone.told()
    for more in ((), ("--accept", "gg20"), ("--look",)):
        text = failed(story.phone("reshare", "start", "Savings", *NEW, *more), "reshare_refused", 5, as_json=False)
        assert "GG20" in text
        assert "Migrate it in the app" in text
    assert story.phone.told() == before


@pytest.fixture
def imported(story: Story) -> Computer:
    """A vault from an imported seed, with a key of its own for Bitcoin and for Solana."""
    shares = make_key_import("Seed", TABLE, 2, GROUPS, random=draws("imported"))
    story.shell.write("seed.vult", shares[0].vult)
    story.phone.backup("seed.vult")
    return story.phone


def test_chains_of_their_own_are_to_be_accepted(imported: Computer) -> None:
    before = imported.told()
    text = failed(imported("reshare", "start", "Seed", *NEW), "reshare_refused", 5, as_json=False)
    assert "leaves the shares of Bitcoin, Solana as they are" in text
    assert "A device that joins has none of them" in text
    assert "--accept chain_keys" in text
    failed(
        imported("reshare", "start", "Seed", *NEW, "--accept", "other", "--json"), "reshare_refused", 5, as_json=True
    )
    answer = good(imported("reshare", "start", "Seed", *NEW, "--look", "--json")).json
    assert answer["reshare"] is None
    first, *_ = answer["concerns"]
    assert (first["code"], first["weight"]) == ("chain_keys", "accept")
    assert imported.told() == before
    # Where nobody joins, there is nothing to accept.
    answer = good(imported("reshare", "start", "Seed", "--leave", "Tablet", "--look", "--json")).json
    assert [one["weight"] for one in answer["concerns"]] == ["note", "note", "note"]
    answer = good(imported("reshare", "start", "Seed", *NEW, "--accept", "chain_keys", "--json")).json
    assert answer["reshare"] is not None
    assert imported.told()[len(before) :] == ["reshare_started"]


@pytest.mark.slow
@pytest.mark.parametrize("yes", [False, True], ids=["no", "yes"])
def test_a_person_accepts(imported: Computer, yes: bool) -> None:
    with imported.here(), Terminal("reshare", "start", "Seed", *NEW, cwd=imported.shell.folder) as terminal:
        terminal.until("This vault was made from an imported seed.")
        terminal.answer("Go on all the same?", "y" if yes else "n")
        assert terminal.finish() == (0 if yes else 5)
    assert ("reshare_started" in imported.told()) is yes


def test_a_look_records_nothing(phone: Computer) -> None:
    before = phone.told()
    said = good(phone("reshare", "start", "Savings", *NEW, "--look"))
    assert said.out.startswith("Possible: a reshare of 'Savings' to 2 of 3.")
    assert phone.told() == before
    failed(phone("reshare", "status"), "no_reshare", 3, as_json=False)
    good(phone("reshare", "start", "savings", *NEW))
    assert phone.told()[len(before) :] == ["reshare_started"]


@pytest.mark.parametrize(
    ("argv", "code", "status", "words"),
    [
        (["Nobody"], "unknown_vault", 3, "There is: 'Savings'"),
        (["Savings", "--leave", "Watch"], "reshare_refused", 5, "Watch is no party of the generation that counts."),
        (["Savings", "--join", "Phone"], "reshare_refused", 5, "Phone is a party already, so it cannot join."),
        (["Savings", "--join", "W", "--join", "W"], "reshare_refused", 5, "W is named twice"),
        (["Savings", "--join", "W\x1b[2J"], "reshare_refused", 5, "this id cannot be shown as it is"),
        (["Savings", "--new", "30"], "reshare_refused", 5, "at most 32 parties"),
        (["Savings", "--new", "-1"], "usage", 2, "--new"),
        (["Savings", "--leave", "Phone", "--leave", "Laptop"], "reshare_refused", 5, "needs 2 of the old shares"),
        ([], "usage", 2, "VAULT"),
    ],
)
def test_what_cannot_be_planned(phone: Computer, argv: list[str], code: str, status: int, words: str) -> None:
    before = phone.told()
    for more in ([], ["--look"]):
        assert words in failed(phone("reshare", "start", *argv, *more), code, status, as_json=False)
        assert words in failed(phone("reshare", "start", *argv, *more, "--json"), code, status, as_json=True)
    assert phone.told() == before


def test_too_many_lost_ones(phone: Computer) -> None:
    """What is missing is said, and which backup has to be restored first where one is enough."""
    phone("lost", "Tablet")
    assert phone("lost", "Laptop").status == 9
    text = failed(phone("reshare", "start", "Savings", "--new", "2"), "reshare_refused", 5, as_json=False)
    assert "A reshare needs 2 of the old shares, and 1 can take part: Phone." in text
    assert "coldshare lost" in text
    # The Phone's backup is at hand, and is of use only when its device is lost itself.
    good(phone("lost", "--found", "Laptop"))
    phone("lost", "Phone")
    answer = good(phone("reshare", "start", "Savings", "--new", "2", "--look", "--json")).json
    assert answer["restore_first"] == ["Phone"]
    assert answer["steps"][0].startswith("Restore Phone onto a new device: coldshare restore --backup ")


@pytest.mark.slow
def test_the_own_report_of_several_vaults(story: Story) -> None:
    story.reported()
    twin = made(seed="twin", name="Holidays")
    for prefix, run in (("h1", twin), ("h2", twin.reshared(TABLE, 2))):
        story.write(prefix, run)
    other = story.computers.with_stick("another stick")
    good(story.phone("backup", "h1-phone.vult", *SEAL, *other.at))
    good(story.phone("reshare", "next", "h2-phone.vult", *SEAL, *other.at))
    assert "name the VAULT" in failed(story.phone("reshare", "report"), "usage", 2, as_json=False)
    for name in ("Savings", "Holidays"):
        assert f"Reported: Phone of '{name}'" in good(story.phone("reshare", "report", name)).out


@pytest.mark.slow
def test_several_vaults(story: Story, phone: Computer) -> None:
    """A name that two have is settled by digits of the key; each of them can be reshared at the same time."""
    twin = made(seed="twin")
    story.shell.write("twin.vult", twin.vults[0])
    story.shell.secrets.add_share(twin.vults[0])
    other = story.computers.with_stick("another stick")
    phone("backup", "twin.vult", *SEAL, *other.at)
    text = failed(phone("reshare", "start", "Savings", *NEW), "vault_ambiguous", 3, as_json=False)
    assert "public key" in text
    keys = [story.vault.hex(), twin.facts[0].public_key_ecdsa.hex()]
    for key in keys:
        good(phone("reshare", "start", key[:12], *NEW))
    shown = good(phone("reshare", "status", "--json"), 8).json["reshares"]
    assert {one["vault"]["public_key_ecdsa"] for one in shown} == set(keys)
    for verb in ("finish", "abort"):
        assert "name the VAULT" in failed(phone("reshare", verb), "usage", 2, as_json=False)
    good(phone("reshare", "abort", keys[0][:12]))
    assert [one["vault"]["public_key_ecdsa"] for one in phone("reshare", "status", "--json").json["reshares"]] == keys[
        1:
    ]


def test_without_a_ledger(story: Story) -> None:
    story.reported()
    nobody = story.computers.somewhere("Nobody")
    for argv in (["start", "Savings"], ["report"], ["status"], ["finish"], ["abort"]):
        text = failed(nobody("reshare", *argv), "no_ledger", 3, as_json=False)
        assert "coldshare reshare join REPORT" in text
    assert nobody.told() == []
    # One that knows another vault only says what it lacks.
    watch = story.computers.with_stick("Somebody")
    twin = make_vault("Holidays", TABLE, 2, random=draws("holidays"))
    story.shell.write("holidays.vult", twin[0].vult)
    watch.backup("holidays.vult")
    said = watch("reshare", "next", "new-watch.vult", *SEAL, *watch.at)
    assert "does not know which generation of the vault counted" in failed(said, "no_reshare", 3, as_json=False)


# --- what they answer with


def test_json(story: Story) -> None:
    """The keys of every answer, and their types; docs/cli.md has them."""
    story.backed_up()
    phone, laptop, watch = story.everybody
    answer = good(phone("reshare", "start", "Savings", *NEW, "--json")).json
    assert shape(answer) == {
        "ok": "bool", "command": "str", "vault": {"name": "str", "public_key_ecdsa": "str"}, "reshare": "str",
        "older": "str", "staying": ["str"], "joining": [], "joining_unnamed": "int", "leaving": ["str"],
        "threshold": "int", "parties": "int", "restore_first": [], "steps": ["str"],
        "concerns": [{"code": "str", "weight": "str", "words": "str", "next": "str"}],
    }  # fmt: skip
    party = {"party": "str", "joins": "bool", "state": "str", "fingerprint": "NoneType", "host": "NoneType"}
    party["reported"] = "NoneType"
    reshare: dict[str, Any] = {
        "reshare": "str", "vault": {"name": "str", "public_key_ecdsa": "str"}, "older": "str", "newer": "NoneType",
        "threshold": "int", "parties": "int", "started": "str", "finished": "NoneType", "ready": "bool",
        "awaited": [party], "unnamed": "int", "objections": [], "leftovers": [], "taken_back": [],
        "compared_elsewhere": [],
    }  # fmt: skip
    answer = good(phone("reshare", "status", "--json"), 8).json
    assert shape(answer) == {"ok": "bool", "command": "str", "reshares": [reshare]}
    answer = good(story.next(phone, "--report", "phone.report", "--json")).json
    reported = {**party, "fingerprint": "str", "host": "str", "reported": "str"}
    left = {"backup_id": "str", "party": "str", "generation": "str", "place": "str", "title": "str"}
    reshare |= {
        "newer": "str",
        "awaited": [reported, party],
        "leftovers": [{**left, "retired": "bool", "lost": "bool"}],
    }
    told = {
        "ok": "bool", "command": "str", "party": "str", "generation": "str", "report": "str", "report_file": "str",
        "fingerprint": "str", "reshare": reshare, "warnings": [],
    }  # fmt: skip
    assert answer["backup"]["beside"]["generation"] == story.old.generation.hex()
    assert shape({**answer, "backup": None}) == {**told, "backup": "NoneType"}
    again = good(phone("reshare", "report", "--json")).json
    assert shape(again) == {**told, "backup": "NoneType", "report_file": "NoneType"}
    assert again["report"] == answer["report"]
    answer = good(watch("reshare", "join", "phone.report", "--json"), 8).json
    stranger = {"party": "str", "host": "str", "fingerprint": "str", "why": "str", "words": "str"}
    assert shape(answer) == {
        "ok": "bool", "command": "str", "taken": "int", "strangers": [stranger], "unread": [], "warnings": [],
        "reshares": [],
    }  # fmt: skip
    good(story.join(watch, "phone.report"), 8)
    good(story.join(phone, story.report(laptop), story.report(watch)), 8)
    answer = good(phone("reshare", "finish", "--json"), 8).json
    reshare |= {"finished": "str", "awaited": [reported]}
    assert shape(answer) == {"ok": "bool", "command": "str", "retired": "NoneType", "reshare": reshare}
    answer = good(phone("reshare", "finish", *phone.at, "--json"), 8).json
    assert shape(answer["reshare"]) == reshare
    assert (answer["retired"]["retired"]["state"], answer["retired"]["active"]["state"]) == ("retired", "active")


@pytest.mark.slow
def test_json_of_abort(story: Story) -> None:
    story.joined()
    answer = good(story.phone("reshare", "abort", "--json")).json
    assert shape(answer) == {
        "ok": "bool", "command": "str", "vault": {"name": "str", "public_key_ecdsa": "str"}, "counts": "str",
        "given_up": ["str"], "to_remove": [{"backup_id": "str", "place": "str"}],
    }  # fmt: skip


def shape(value: Any) -> Any:
    """Its keys and types. Of a list the one shape that all in it have."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        shapes = {json.dumps(shape(one), sort_keys=True): shape(one) for one in value}
        return list(shapes.values())
    return type(value).__name__


def test_every_subcommand_takes_json(phone: Computer) -> None:
    said = good(phone("reshare", "--help"))
    listed = [line.split()[0] for line in said.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == ["start", "next", "report", "join", "status", "finish", "abort", "distrust"]
    assert "..." not in said.out.partition("Commands:")[2]
    for verb in listed:
        assert "--json" in good(phone("reshare", verb, "--help")).out


def test_a_fast_vault(story: Story) -> None:
    """The vendor's server takes part, reports nothing, and is waited for by nobody."""
    server = "Server-12345"
    old = made(("Phone", "Laptop", server), 2, "server")
    new = old.reshared(("Phone", server, "Watch"), 2)
    story.write("s1", old)
    story.write("s2", new)
    story.phone.backup("s1-phone.vult")
    answer = good(story.phone("reshare", "start", "Savings", "--leave", "Laptop", "--join", "Watch", "--json")).json
    assert (answer["staying"], [one["code"] for one in answer["concerns"]]) == (["Phone", server], ["server"])
    assert not [one for one in answer["steps"] if one.startswith(f"On {server}")]
    assert {one["party"]: one["state"] for one in story.state(story.phone)["awaited"]} == {
        "Phone": "awaited",
        server: "server",
        "Watch": "awaited",
    }
    good(story.join(story.watch, story.report(story.phone, "s2")), 8)
    good(story.join(story.phone, story.report(story.watch, "s2")), 8)
    answer = good(story.phone("reshare", "finish", "--json"), 8).json
    assert answer["reshare"]["newer"] == new.generation.hex()
