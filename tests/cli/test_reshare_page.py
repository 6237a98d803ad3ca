"""docs/reshare.md, typed as it is printed: each party at a computer of its own, with a place of its own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from coldshare.files import write_private
from coldshare.identity import fingerprint
from coldshare.ledger.events import REPORT_MAX
from coldshare.reshare import errors
from coldshare.reshare.family import FAMILIES, Committee, vultisig_threshold
from coldshare.reshare.joining import OBJECTIONS, TRIES_MAX
from coldshare.reshare.progress import SEVERAL_PARTIES
from coldshare.reshare.report import text
from reshare.story import AFTER, TABLE, identity, made, reports
from support.computers import SEAL, Computer, Computers
from support.page import Typed, fits, typed
from support.shell import Said, Shell
from support.terminal import Terminal

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reshare.md").read_text(encoding="utf-8")
#: The ids that the page gives to the old and the new backups of each party.
OLD = {"Phone": "1a2b3c4d", "Laptop": "5e6f7a8b", "Tablet": "9c0d1e2f"}
NEW = {"Phone": "a1b2c3d4", "Laptop": "e5f6a7b8", "Watch": "c9d0e1f2"}
SPARE = "0f1e2d3c"
STICKS = {"/media/you/STICK": "media-Laptop/stick", "/media/you/SPARE": "media-spare/stick"}


class World:
    """A vault, its Tablet lost, the files that each device exported before and after the reshare, and four computers.
    The phone's knows what the laptop's and the tablet's know."""

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = shell
        old = made()
        for run, end in ((old, ""), (old.reshared(AFTER, 2), "-new")):
            for party, vult in zip(run.parties, run.vults, strict=True):
                shell.write(f"{party.lower()}{end}.vult", vult)
                shell.secrets.add_share(vult)
        computers = Computers(shell, monkeypatch)
        self.who: dict[str, Computer] = {}
        for number, party in enumerate((*TABLE, "Watch")):
            make = computers.with_stick if party == "Laptop" else computers.with_token
            self.who[party] = make(party)
            write_private(self.who[party].home / "identity.key", bytes([number + 1]) * 32, replace=False)
        (shell.folder / STICKS["/media/you/SPARE"]).mkdir(parents=True)
        self.ids = {self.who[party].backup(f"{party.lower()}.vult")[:8]: OLD[party] for party in TABLE}
        phone = self.who["Phone"]
        for party in TABLE[1:]:
            for who, verb in ((self.who[party], "export"), (phone, "join")):
                assert who("ledger", verb, f"{party}.ledger").status == 0
        assert phone("lost", "Tablet").status == 0

    def type(self, one: Typed) -> tuple[int, list[str]]:
        """The command on that computer, as it is printed, and what is seen of it: with `plugged`, its token is there;
        with `asked`, a person is, who says yes."""
        who = self.who[one.words[1].capitalize()]
        command = one.command
        for told, real in STICKS.items():
            command = command.replace(told, str(self.shell.folder / real))
        program, *argv = shlex.split(command)
        assert program == "coldshare"
        for real, short in self.ids.items():
            argv = [word.replace(short, real) for word in argv]
        if "asked" in one.words:
            with who.here(), Terminal(*argv, cwd=self.shell.folder) as terminal:
                terminal.answer("[y/N]: ", "y")
                status, shown = terminal.finish(), terminal.screen
                self.shell.check(shown)
            return status, shown.splitlines()
        if argv[0] == "destroy" and "plugged" not in one.words:
            argv.append("--yes")  # a stick has no button, so it is asked here
        argv += SEAL if {"next", "backup"} & {*argv[:2]} else ()
        said = who(*argv, *(who.at if "plugged" in one.words else ()))
        self.learn(who)
        return said.status, self._shown(said)

    def learn(self, who: Computer) -> None:
        """The ids of what was backed up there."""
        for one in who.view().backups():
            if one.party in NEW:
                short = SPARE if NEW[one.party] in self.ids.values() else NEW[one.party]
                self.ids.setdefault(one.backup_id.hex()[:8], short)

    def _shown(self, said: Said) -> list[str]:
        """What stays: notes on the way go to standard error, and so does the error at the end."""
        lines = said.out.splitlines() + (said.err.splitlines()[-2:] if said.status in (3, 5, 7) else [])
        return [self._as_printed(line) for line in lines]

    def _as_printed(self, line: str) -> str:
        for told, real in STICKS.items():
            line = line.replace(str(self.shell.folder / real), told)
        for real, short in self.ids.items():
            line = line.replace(real, short)
        return line


@pytest.fixture
def world(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(shell, monkeypatch)


WORLDS = ("story", "stuck", "already", "spare")


@pytest.mark.parametrize("name", WORLDS)
def test_the_page(world: World, name: str) -> None:
    if name in ("stuck", "spare"):
        phone = world.who["Phone"]
        assert phone("reshare", "start", "Savings", "--new", "1").status == 0
        assert phone("reshare", "next", "phone-new.vult", *SEAL, *phone.at).status == 0
        world.learn(phone)
    count = 0
    for one in typed(PAGE):
        if one.words[0] != name:
            continue
        status, shown = world.type(one)
        assert fits(shown, one.says), f"{one.words} $ {one.command}\n" + "\n".join(shown)
        assert status in (0, 8) or one.says[0].startswith("Error"), one.command
        count += 1
    assert count


def test_every_world_of_the_page_is_one() -> None:
    assert {one.words[0] for one in typed(PAGE)} == set(WORLDS)


@pytest.mark.slow
def test_once_more_without_the_device_that_never_completes(world: World) -> None:
    """The laptop has no new share. Phone and Watch, who have, are enough: the app makes another one of them."""
    phone, watch = world.who["Phone"], world.who["Watch"]
    third = made().reshared(AFTER, 2).reshared(("Phone", "Watch"), 2)
    for party, vult in zip(third.parties, third.vults, strict=True):
        world.shell.write(f"{party.lower()}-newest.vult", vult)

    def do(who: Computer, verb: str, *argv: str, status: int = 0) -> Said:
        said = who("reshare", verb, *argv)
        assert said.status == status, said.err
        return said

    keys = [word for number in (0, 3) for word in ("--trust", fingerprint(identity(number).public))]
    for end in ("new", "newest"):
        if end == "newest":
            for who in (phone, watch):
                do(who, "abort", "--yes")
        do(phone, "next", f"phone-{end}.vult", *SEAL, *phone.at, "--report", f"phone-{end}")
        do(watch, "join", f"phone-{end}", *keys, status=8)
        do(watch, "next", f"watch-{end}.vult", *SEAL, *watch.at, "--report", f"watch-{end}")
    do(phone, "join", "watch-newest", *keys, status=8)
    counts = f"Finished: generation {third.generation.hex()[:8]} of 'Savings' counts from now on."
    for who in (phone, watch):
        assert counts in do(who, "finish", *who.at, status=8).out


def test_every_code_is_named_with_its_status() -> None:
    (table,) = re.findall(r"\| code \| status \| when \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    told = {code: int(status) for code, status in re.findall(r"^\| `([a-z_]+)` \| (\d) \|", table, re.MULTILINE)}
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert told == {kind.code: kind.exit_status for kind in kinds}


def test_every_objection_is_named() -> None:
    (table,) = re.findall(r"\| code in `objections` \| it says \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE) == [*OBJECTIONS]


def test_every_code_to_accept_is_named() -> None:
    committee = Committee("Savings", TABLE, 2, TABLE[:2], (), 1, keys=("ML-DSA-44",), chains=("Solana",))
    weighed = [one for family in FAMILIES.values() for one in family.concerns(committee) if one.weight == "accept"]
    assert set(re.findall(r"`--accept (\w+)`", PAGE)) == {one.code for one in weighed} | {SEVERAL_PARTIES}


def test_the_numbers() -> None:
    (told,) = re.findall(r"rounded up: (.*)\.$", PAGE, re.MULTILINE)
    pairs = [(int(signers), int(parties)) for signers, parties in re.findall(r"(\d) of (\d)", told)]
    assert pairs == [(vultisig_threshold(parties), parties) for parties in range(2, 7)]
    assert f"at most {REPORT_MAX} bytes" in PAGE
    assert f"{TRIES_MAX} sets are tried at most" in PAGE
    old = made()
    new = old.reshared(AFTER, 2)
    assert {f"{len(text(one)):.1e}" for one in reports(new, old.generation)} == {f"{1200:.1e}"}


def test_what_a_person_compares_is_the_fingerprint() -> None:
    shown = set(re.findall(r"\b(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}\b", PAGE))
    assert shown == {fingerprint(identity(number).public) for number in (0, 1, 3)}


def test_every_key_is_named_in_the_page_of_the_command_line(world: World) -> None:
    (section,) = re.findall(r"^## Reshares$.*?(?=^## )", (DOCS / "cli.md").read_text(), re.MULTILINE | re.DOTALL)
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE))
    assert rows["report"].startswith("the same")
    rows["report"] += rows["next"]
    phone = world.who["Phone"]

    def check(verb: str, *argv: str) -> dict[str, Any]:
        answer = phone("reshare", verb, *argv, "--json").json
        named = set(re.findall(r"`(\w+)`", rows[verb]))
        assert set(answer) - {"ok", "command"} <= named, verb
        return answer

    for one in check("start", "Savings", "--new", "1")["concerns"]:
        assert set(one) <= set(re.findall(r"`(\w+)`", rows["start"]))
    check("next", "phone-new.vult", *SEAL, *phone.at, "--report", "phone.report")
    check("report")
    (found,) = check("join", "phone.report")["reshares"]
    words = set(re.findall(r"`(\w+)`", section))
    for key, value in found.items():
        assert key in words
        for entry in value if isinstance(value, list) else ():
            assert set(entry) <= set(re.findall(r"`(\w+)`", rows[key])), key
    assert found["leftovers"]
    check("status")
    for one in check("abort")["to_remove"]:
        assert set(one) <= set(re.findall(r"`(\w+)`", rows["abort"]))
    check("distrust", fingerprint(identity(0).public))
