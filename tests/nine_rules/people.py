"""The people who have a vault: a computer, a token and a stick for each party."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from coldshare.handling import process
from support.desk import PASSWORD, PIN, Desk
from support.reshare import generations
from support.shell import Said, Shell, failed
from support.stages import Stages

PARTIES = ("phone", "laptop", "tablet")
PW = ("--password-file", "pw")
SEAL = (*PW, "--no-recovery")


def token(name: str, *, person: str = "approve") -> tuple[str, ...]:
    """That party's token. `person` "reject" presses no whatever it asks. Whole frames take the least time."""
    return ("--at", f"sim:{name}.token?carrier=bulk&user={person}", "--pin-file", "pin")


def stick(name: str) -> tuple[str, ...]:
    """Mounted where its owner has it: nobody's is beside another one's."""
    return ("--at", f"folder:media/{name}/stick")


#: The two kinds of places that every verb takes.
KINDS = {"token": token, "stick": stick}


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


class People(Shell):
    """Commands in a process of their own each, on the computer of whoever sits there: `with people.at("laptop")`."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stages: Stages
    ) -> None:
        super().__init__(folder, monkeypatch, capsys)
        self.stages = stages
        self._sit("phone")

    def _sit(self, name: str) -> None:
        self.home = self.folder / f".{name}"
        self._monkeypatch.setenv("COLDSHARE_HOME", str(self.home))

    def sit_down_everywhere(self) -> None:
        self.step("people", self._sit_down_everywhere)

    def _sit_down_everywhere(self) -> None:
        self.write("pin", PIN)
        self.write("pw", PASSWORD)
        for suffix, run in zip(("", "-2"), generations(2), strict=True):
            for share in run:
                self.write(f"{share.party.lower()}{suffix}.vult", share.vult)
        for number, name in enumerate(PARTIES):
            (self.folder / "media" / name / "stick").mkdir(parents=True)
            for other in PARTIES:
                chip = Desk(self.folder / f".{other}").token(number, f"Safe {name}")
                (self.folder / f"{name}.token").write_bytes(chip.image)

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        before = self.home.name[1:]
        self._sit(name)
        try:
            yield
        finally:
            self._sit(before)

    def __call__(self, *argv: str, stdin: bytes = b"") -> Said:
        with process.fresh():
            return super().__call__(*argv, stdin=stdin)

    def things(self) -> dict[str, object]:
        """All that is there, but for the records of computers."""
        return {name: what for name, what in self.snapshot().items() if not name.startswith(".")}

    def back_up(self, name: str, *where: str, file: str = "", more: tuple[str, ...] = ()) -> str:
        """On that party's computer, and verified there. The id."""
        return self.step(("back up", name, where, file, more), lambda: self._back_up(name, where, file, more))

    def _back_up(self, name: str, where: tuple[str, ...], file: str, more: tuple[str, ...]) -> str:
        with self.at(name):
            answer = good(self("backup", file or f"{name}.vult", *SEAL, *where, *more, "--json")).json
            backup_id: str = answer["backup_id"]
            good(self("verify", *PW, *where, "--backup", backup_id))
        return backup_id

    def back_up_all(self, suffix: str = "", more: tuple[str, ...] = ()) -> dict[str, str]:
        """Each at its own token. Ids by party."""
        return {name: self.back_up(name, *token(name), file=f"{name}{suffix}.vult", more=more) for name in PARTIES}

    def gather(self, into: str = "phone") -> None:
        """The others bring their ledgers."""
        self.step(("gather", into), lambda: self._gather(into))

    def _gather(self, into: str) -> None:
        for name in PARTIES:
            if name != into and (self.folder / f".{name}").exists():
                export = self.folder / f"{name}.ledger"
                export.unlink(missing_ok=True)
                with self.at(name):
                    if self("ledger", "export", str(export)).status:
                        continue
                with self.at(into):
                    good(self("ledger", "join", str(export)))

    def status(self) -> tuple[int, dict[str, Any]]:
        """How `status` ends, and what it says of the one vault."""
        said = self("status", "--json")
        (found,) = said.json["vaults"]
        return said.status, found

    def refused(self, argv: tuple[str, ...], code: str, status: int = 5) -> str:
        """It is, in text and in JSON, and nothing is different afterwards. Sentence and next step."""
        before = self.things()
        text = failed(self(*argv), code, status, as_json=False)
        error = self(*argv, "--json").json["error"]
        assert error["code"] == code
        assert error["next"] in text
        assert self.things() == before, "something was written"
        return text
