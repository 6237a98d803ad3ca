"""A vault that is reshared, by people at computers of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coldshare.identity import fingerprint
from coldshare.ledger.queries import Generation
from coldshare.reshare.report import Signed, read
from coldshare.vault import read_share
from reshare.story import AFTER, Run, made
from support.computers import SEAL, Computer, Computers
from support.shell import Said, Shell


def good(said: Said, status: int = 0) -> Said:
    assert said.status == status, (said.status, said.out, said.err)
    return said


class Story:
    """A 2-of-3 vault: of Phone, who has a token, of Laptop with a stick, and of Tablet, whose device is lost. The app
    has reshared it, and Watch, with a stick, has taken the Tablet's place.

    The files are `old-phone.vult` and so on, and `new-phone.vult`; nothing was backed up yet.
    """

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch, stages: pytest.TempPathFactory) -> None:
        self.shell = shell
        self._stages = stages.getbasetemp() / "stages of a reshare"
        self.computers = Computers(shell, monkeypatch)
        self.old = made()
        self.new = self.old.reshared(AFTER, 2)
        self.vault = self.old.facts[0].public_key_ecdsa
        self.write("old", self.old)
        self.write("new", self.new)
        self.phone = self.computers.with_token("Phone")
        self.laptop = self.computers.with_stick("Laptop")
        self.watch = self.computers.with_stick("Watch")
        self._at_first = self._files()

    def _files(self) -> set[Path]:
        return set(self.shell.folder.iterdir())

    @property
    def everybody(self) -> tuple[Computer, Computer, Computer]:
        return self.phone, self.laptop, self.watch

    def write(self, prefix: str, run: Run) -> None:
        for party, vult in zip(run.parties, run.vults, strict=True):
            self.shell.write(f"{prefix}-{party.lower()}.vult", vult)
            self.shell.secrets.add_share(vult)
            self.shell.secrets.add("chain code", read_share(vult).facts.chain_code)

    def next(self, who: Computer, *more: str, run: str = "new") -> Said:
        return who("reshare", "next", f"{run}-{who.name.lower()}.vult", *SEAL, *who.at, *more)

    def report(self, who: Computer, run: str = "new") -> str:
        """Its new share is backed up, and the report is in this file."""
        name = f"{who.name}-{run}.report"
        good(self.next(who, "--report", name, run=run))
        return name

    def signed(self, report: str) -> Signed:
        return read((self.shell.folder / report).read_bytes())

    def join(self, who: Computer, *reports: str) -> Said:
        """Take in these reports, whose keys were all compared."""
        keys = [one for report in reports for one in ("--trust", fingerprint(self.signed(report).public_key))]
        return who("reshare", "join", *reports, *keys)

    def backed_up(self) -> None:
        """The old shares of Phone and Laptop, each by its own computer."""

        def build() -> None:
            self.phone.backup("old-phone.vult")
            self.laptop.backup("old-laptop.vult")

        self._staged("backed up", build)

    def reported(self) -> list[str]:
        """And the new ones, by everybody; the Watch's computer heard of the reshare by the Phone's report."""

        def build() -> None:
            self.backed_up()
            self.report(self.phone)
            good(self.join(self.watch, self.report(self.laptop)), 8)
            self.report(self.watch)

        self._staged("reported", build)
        return [f"{who.name}-new.report" for who in self.everybody]

    def joined(self) -> list[str]:
        """And the Phone's computer has all reports."""

        def build() -> None:
            good(self.join(self.phone, *self.reported()), 8)

        self._staged("joined", build)
        return [f"{who.name}-new.report" for who in self.everybody]

    def finished(self) -> None:
        """And has finished; the old share on its token is retired."""

        def build() -> None:
            self.joined()
            good(self.phone("reshare", "finish", *self.phone.at), 8)

        self._staged("finished", build)

    def _staged(self, name: str, build: Callable[[], None]) -> None:
        """What takes a while is done once, and copied. Labels of sticks are then paths of another test's folder. A test
        that has done more before does it for itself: no other one shall have that."""
        kept = self._stages / name
        own = self._files() != self._at_first
        if kept.exists():
            shutil.copytree(kept, self.shell.folder, dirs_exist_ok=True)
        else:
            build()
            if not own:
                shutil.copytree(self.shell.folder, kept)

    def state(self, who: Computer) -> dict[str, Any]:
        """What `reshare status --json` says of the one reshare."""
        (one,) = who("reshare", "status", "--json").json["reshares"]
        assert isinstance(one, dict)
        return one

    def counts(self, who: Computer) -> bytes:
        """The generation that counts for that computer."""
        found = who.view().current(self.vault)
        assert isinstance(found, Generation)
        return found.generation

    def file(self, name: str) -> Path:
        return self.shell.folder / name
