"""Several people, each at a computer of their own with a place of their own. Nobody has said --single-host there."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from coldshare import handling
from coldshare.ledger.queries import View
from coldshare.ledger.store import Ledger
from support.desk import Desk
from support.shell import Said, Shell

SEAL = ("--password-file", "pw", "--no-recovery")


@dataclass
class Computer:
    """One home directory. `at` are the options that reach its own place: a token whose person agrees to all that is
    asked on it, or a folder."""

    name: str
    home: Path
    at: tuple[str, ...]
    shell: Shell
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *argv: str, stdin: bytes = b"") -> Said:
        """A command there; each is a process of its own, as far as rule 1 goes."""
        with self.here():
            said = self.shell(*argv, stdin=stdin)
            self._check(said)
        return said

    def spawn(self, *argv: str, stdin: bytes = b"") -> Said:
        """In a process of its own."""
        with self.here():
            said = self.shell.spawn(*argv, stdin=stdin)
            self._check(said)
        return said

    @contextmanager
    def here(self) -> Iterator[None]:
        """What runs in the block runs on this computer."""
        with self.monkeypatch.context() as patch, handling.process.fresh():
            patch.setenv("COLDSHARE_HOME", str(self.home))
            patch.delenv("COLDSHARE_SINGLE_HOST", raising=False)
            patch.setattr(platform, "node", lambda: f"{self.name}'s desk")
            patch.setattr(self.shell, "home", self.home)
            yield

    def _check(self, said: Said) -> None:
        key = self.home / "identity.key"
        if key.is_file():
            self.shell.secrets.add("signing key", key.read_bytes())
        self.shell.check(said.out + said.err)

    def view(self) -> View:
        with Ledger(self.home / "ledger.sqlite", create=False) as ledger:
            return ledger.view()

    def told(self) -> list[str]:
        """The names of all that its ledger has recorded, in order; nothing without a ledger."""
        if not (self.home / "ledger.sqlite").exists():
            return []
        with Ledger(self.home / "ledger.sqlite", create=False) as ledger:
            return [event.body.name for event in ledger.events()]

    def backup(self, file: str, *more: str) -> str:
        """The share in `file` goes to its own place. The id."""
        said = self("backup", file, *SEAL, *self.at, *more, "--json")
        assert said.status == 0, said.out
        backup_id: str = said.json["backup_id"]
        return backup_id


class Computers:
    """Those of a test, in one folder with the files of `Shell`."""

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = shell
        self._monkeypatch = monkeypatch
        self._tokens = 0

    def with_token(self, name: str) -> Computer:
        path = self.shell.folder / f"{name}.token"
        computer = self._computer(name, ("--at", f"sim:{path.name}?user=approve", "--pin-file", "pin"))
        path.write_bytes(Desk(computer.home).token(self._tokens, f"Safe {name}").image)
        self._tokens += 1
        return computer

    def with_stick(self, name: str) -> Computer:
        """Folders that lie side by side would be looked into, as if they were on one stick."""
        where = f"media-{name}/stick"
        (self.shell.folder / where).mkdir(parents=True)
        return self._computer(name, ("--at", f"folder:{where}"))

    def somewhere(self, name: str) -> Computer:
        """One with no place at all."""
        return self._computer(name, ())

    def _computer(self, name: str, at: tuple[str, ...]) -> Computer:
        home = self.shell.folder / f"home-{name}"
        home.mkdir()
        return Computer(name, home, at, self.shell, self._monkeypatch)
