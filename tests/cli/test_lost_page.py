"""docs/lost.md on the worst day: every command runs as it is printed, and says what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare import handling
from coldshare.ledger import events as e
from coldshare.ledger.store import Ledger, ledger_path
from support.desk import Desk
from support.page import fits, typed
from support.shell import Said, Shell
from support.stages import Stages, same_folder

PAGE = (Path(__file__).parents[2] / "docs" / "lost.md").read_text(encoding="utf-8")
#: The ids that the page gives to the backups of each party.
SHORT = {"Phone": "1a2b3c4d", "Laptop": "5e6f7a8b", "Tablet": "9c0d1e2f"}
SECRETS = {"restore": ("--pin-file", "pin", "--password-file", "pw")}


class World:
    """A vault on three devices, a place for each, and a computer for each party; this is the phone's, and it knows what
    the others know."""

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = shell
        self._patch = monkeypatch
        self.ids: dict[str, str] = {}
        monkeypatch.delenv("COLDSHARE_SINGLE_HOST", raising=False)
        self.root = shell.folder
        self.ids = shell.step("lost page", self._make)
        self._as("Phone")

    def _make(self) -> dict[str, str]:
        (self.root / "media/you/STICK").mkdir(parents=True)
        for number, party in enumerate(("Phone", "Laptop")):
            label = f"Safe {'AB'[number]}"
            home = self._home(party)
            (self.root / f"{label}.token").write_bytes(bytes(Desk(home).token(number, label).image))
        self._backup("Phone", self._at("Safe A"), "--pin-file", "pin")
        self._backup("Laptop", self._at("Safe B"), "--pin-file", "pin")
        self._backup("Tablet", f"folder:{self.root}/media/you/STICK")
        for party in ("Laptop", "Tablet"):
            self._as(party)
            self._good("ledger", "export", str(self.root / f"{party}.txt"))
            self._as("Phone")
            self._good("ledger", "join", str(self.root / f"{party}.txt"))
        self._good("place", "set", "Safe A", "--location", "bank")
        self._good("place", "set", "Safe B", "--location", "Lisbon", "--custodian", "Grandma")
        return self.ids

    def _home(self, party: str) -> Path:
        return self.shell.home / party

    def _at(self, label: str) -> str:
        return f"sim:{self.root}/{label}.token?user=approve"

    def _as(self, party: str) -> None:
        self._patch.setenv("COLDSHARE_HOME", str(self._home(party)))

    def _good(self, *argv: str) -> Said:
        with handling.process.fresh():
            said = self.shell(*argv)
        assert said.status == 0, (argv, said.out, said.err)
        return said

    def _backup(self, party: str, at: str, *pin: str) -> None:
        self._as(party)
        secret = (*pin, "--password-file", "pw")
        answer = self._good("backup", f"{party.lower()}.vult", "--at", at, *secret, "--no-recovery", "--json").json
        self.ids[answer["backup_id"][:8]] = SHORT[party]
        self._good("verify", "--at", at, *secret)

    def tell(self, *bodies: e.Body) -> None:
        with Ledger(ledger_path()) as ledger:
            ledger.record(list(bodies))

    def type(self, command: str, plugged: str) -> Said:
        """As it is printed, with the page's paths and ids; what it asks for is answered from files."""
        program, verb, *rest = shlex.split(command)
        assert program == "coldshare"
        for real, short in self.ids.items():
            rest = [word.replace(short, real) for word in rest]
        rest = [re.sub(r"^((?:folder:)?)/media/", rf"\1{self.root}/media/", word) for word in rest]
        if plugged:
            self._patch.setenv("COLDSHARE_AT", self._at(plugged))
        with handling.process.fresh():
            said = self.shell(verb, *rest, *SECRETS.get(verb, ()))
        self._patch.delenv("COLDSHARE_AT", raising=False)
        return said

    def shown(self, said: Said) -> list[str]:
        out = said.out.replace(str(self.root), "")
        for real, short in self.ids.items():
            out = out.replace(real, short)
        return out.splitlines()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def world(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> World:
    shell.stages = Stages(shell.folder, tmp_path_factory)
    return World(shell, monkeypatch)


def place(title: str) -> e.Place:
    with Ledger(ledger_path(), create=False) as ledger:
        (one,) = (info.place for info in ledger.view().places() if info.title == title)
    return one


def the_vault() -> bytes:
    with Ledger(ledger_path(), create=False) as ledger:
        (one,) = ledger.view().vaults()
    return one.vault


def nothing(world: World) -> None:
    pass


def laptop_and_safe(world: World) -> None:
    """The laptop went before, with its token; and nobody finds the token of the phone."""
    world.tell(e.DeviceLost(the_vault(), "Laptop"), e.PlaceLost(place("Safe A")), e.PlaceLost(place("Safe B")))


def phone(world: World) -> None:
    world.tell(e.DeviceLost(the_vault(), "Phone"))


BEFORE: dict[str, Callable[[World], None]] = {
    "phone": nothing,
    "stolen": nothing,
    "neither": laptop_and_safe,
    "stick": nothing,
    "found": phone,
}


@pytest.mark.parametrize("name", BEFORE)
def test_the_page(world: World, name: str) -> None:
    BEFORE[name](world)
    count = 0
    for one in typed(PAGE):
        if one.words[0] != name:
            continue
        said = world.type(one.command, " ".join(one.words[1:]))
        shown = world.shown(said)
        assert fits(shown, one.says), f"$ {one.command}\n" + "\n".join(shown) + said.err
        assert said.status == (9 if any(line.startswith("NEITHER") for line in one.says) else 0)
        count += 1
    assert count


def test_every_world_of_the_page_is_one() -> None:
    assert {one.words[0] for one in typed(PAGE)} == set(BEFORE)
