"""A vault that is reshared, by people at computers of their own."""

from __future__ import annotations

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

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = shell
        self.computers = Computers(shell, monkeypatch)
        self.old = made()
        self.new = self.old.reshared(AFTER, 2)
        self.vault = self.old.facts[0].public_key_ecdsa
        self.write("old", self.old)
        self.write("new", self.new)
        self.phone = self.computers.with_token("Phone")
        self.laptop = self.computers.with_stick("Laptop")
        self.watch = self.computers.with_stick("Watch")

    @property
    def everybody(self) -> tuple[Computer, Computer, Computer]:
        return self.phone, self.laptop, self.watch

    def write(self, prefix: str, run: Run) -> None:
        for party, vult in zip(run.parties, run.vults, strict=True):
            self.shell.write(f"{prefix}-{party.lower()}.vult", vult)
            self.shell.secrets.add_share(vult)
            self.shell.secrets.add("chain code", read_share(vult).facts.chain_code)

    def backed_up(self) -> None:
        """The old shares of Phone and Laptop, each by its own computer."""
        self.phone.backup("old-phone.vult")
        self.laptop.backup("old-laptop.vult")

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

    def reported(self) -> list[str]:
        """Everybody has reported; the Watch's computer heard of the reshare by the Phone's report."""
        reports = [self.report(self.phone), self.report(self.laptop)]
        good(self.join(self.watch, reports[0]), 8)
        return [*reports, self.report(self.watch)]

    def finished(self) -> None:
        """All of it, on the Phone's computer; the old share on its token is retired."""
        self.backed_up()
        good(self.join(self.phone, *self.reported()), 8)
        good(self.phone("reshare", "finish", *self.phone.at), 8)

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
