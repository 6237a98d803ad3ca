"""What the ledger has as lost and a command uses all the same: the person hears of it, and it stays as lost."""

from __future__ import annotations

import shlex
import shutil

import pytest

from coldshare.ledger import interchange
from coldshare.ledger.events import COMPUTER, Place, PlaceLost
from coldshare.ledger.store import Ledger, ledger_path
from places.test_place_command import SAFE, export, good, place, ready, shell, stick
from support.ledgers import kinds, view
from support.reshare import generations
from support.shell import Shell

__all__ = ["ready", "shell", "stick"]

PW, PIN = ("--password-file", "pw"), ("--pin-file", "pin")
FOLDER, TOKEN = ("--at", "folder:stick"), ("--at", SAFE, *PIN)
VERBS = {
    "list": (),
    "verify": PW,
    "restore": (*PW, "--out", "back.vult"),
    "drill": PW,
    "export": ("--out", "copy.seal"),
    "backup": ("SHARE", *PW, "--no-recovery"),
    "reseal": (*PW, "--no-recovery"),
    "ledger rescan": (),
}


def use(shell: Shell, verb: str, *where: str, share: str = "phone") -> list[str]:
    """The warnings of it, which the text has, too."""
    words = [f"{share}.vult" if word == "SHARE" else word for word in VERBS[verb]]
    argv = (*verb.split(), *words, *where)
    answer = good(shell(*argv, "--json")).json
    for name in ("back.vult", "copy.seal"):
        (shell.folder / name).unlink(missing_ok=True)
    found = [one for one in answer["warnings"] if "as lost" in one]
    lines = [line for line in good(shell(*argv)).out.splitlines() if "as lost" in line]
    assert lines == [f"Note: {one}" for one in found]
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder(shell: Shell, verb: str) -> None:
    assert use(shell, verb, *FOLDER) == []
    for name in ("back.vult", "copy.seal"):
        (shell.folder / name).unlink(missing_ok=True)
    place(shell, "lost", "stick")
    (said,) = use(shell, verb, *FOLDER)
    assert "place_found" not in kinds(), "what only a person can know, nobody says instead"
    good(shell(*shlex.split(said[said.index("coldshare ") :])[1:]))
    assert kinds()[-1] == "place_found"
    assert use(shell, "list", *FOLDER) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_token(shell: Shell, verb: str) -> None:
    place(shell, "lost", "Safe A")
    (said,) = use(shell, verb, *TOKEN, share="laptop")
    assert said.endswith("coldshare place found 'Safe A'")


def test_a_file_and_the_token_that_opens_it(shell: Shell) -> None:
    path = export(shell, SAFE, "drive")
    place(shell, "lost", str(path))
    at = ("--from", str(path), "--at", SAFE, *PIN)
    for verb in ("verify", "drill", "restore"):
        (said,) = use(shell, verb, *at)
        assert str(path) in said
    place(shell, "lost", "Safe A")
    assert len(use(shell, "verify", *at)) == 2


@pytest.mark.parametrize("where", [FOLDER, TOKEN], ids=["folder", "token"])
def test_what_gives_way_and_goes(shell: Shell, where: tuple[str, ...]) -> None:
    older, newer = (next(share.vult for share in some if share.party == "Phone") for some in generations(2))
    shell.write("older.vult", older)
    shell.write("newer.vult", newer)
    place(shell, "lost", "stick" if where is FOLDER else "Safe A")
    (old, new) = (
        good(shell("backup", f"{name}.vult", *PW, "--no-recovery", *more, *where, "--json")).json["backup_id"]
        for name, more in (("older", ()), ("newer", ("--newer",)))
    )
    yes = ("--yes",) if where is FOLDER else ()
    for argv in (("retire", old), ("un-retire", old), ("retire", old), ("destroy", old, *yes), ("remove", new, *yes)):
        (said,) = good(shell(*argv, *where, "--json")).json["warnings"]
        assert "as lost" in said, argv


def test_this_computer(shell: Shell) -> None:
    """Somebody else's ledger has said so."""
    with Ledger(ledger_path()) as ledger, Ledger(shell.folder / "theirs") as theirs:
        theirs.record([PlaceLost(Place(COMPUTER, ledger.host))])
        shell.write("theirs.ledger", interchange.encode(theirs.events()))
    good(shell("ledger", "join", "theirs.ledger"))
    (said,) = use(shell, "list", *FOLDER)
    good(shell(*shlex.split(said[said.index("coldshare ") :])[1:]))
    assert use(shell, "list", *FOLDER) == []


def test_without_a_ledger_nothing_is_said(shell: Shell) -> None:
    shutil.rmtree(ledger_path().parent)
    assert good(shell("list", *FOLDER, "--json")).json["warnings"] == []
    assert not ledger_path().exists()


def test_a_ledger_that_cannot_be_read_is_no_reason_to_fail(shell: Shell) -> None:
    ledger_path().write_bytes(b"rot")
    assert good(shell("list", *FOLDER, "--json")).json["warnings"] == []


def test_it_is_still_lost(shell: Shell) -> None:
    place(shell, "lost", "stick")
    use(shell, "verify", *FOLDER)
    (info,) = [one for one in view().places() if one.label.endswith("stick")]
    assert info.lost is not None
