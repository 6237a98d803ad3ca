"""Whatever a folder or a file is called, a command that is printed for it works as it was pasted."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from coldshare.cli.render import safe
from coldshare.device.address import Address
from coldshare.device.errors import AddressError
from coldshare.ledger import events as e
from coldshare.ledger.queries import PlaceInfo
from coldshare.paths import label, path_of, whole, written
from coldshare.places.at_hand import address_text, at_hand
from coldshare.safety import commands
from support.desk import PASSWORD, vault
from support.ledgers import kinds, view
from support.shell import Said, Shell

#: As the system gives them: any bytes but NUL, and those that are no text as surrogates.
PATHS = st.binary(min_size=1, max_size=60).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"/")))
ODD = ("what? now", "100%41", "-dash", 'it\'s "so"', "two\nlines", "\u202eback", "caf\xe9 e\u0301", "~", "a\\b")
PW = ("--password-file", "pw", "--no-recovery")


@given(PATHS)
@example("/a?user=approve")
@example("file:///a%41")
@example("?")
def test_an_address_that_is_printed_is_read_as_the_same(where: str) -> None:
    address = Address("folder", where)
    for text in (str(address), address_text(address)):
        assert safe(text) == text, "a terminal shows all of it"
        assert shlex.split(shlex.quote(text)) == [text]
        assert Address.parse(text) == address


@given(PATHS)
def test_a_path_comes_back(path: str) -> None:
    assert path_of(written(path)) == path
    if not path.startswith("file://") and path.isprintable():
        assert written(path) == path


@given(PATHS)
def test_what_is_behind_a_verb_is_read_as_the_label(path: str) -> None:
    here = Path("/" + path)
    kept = label(here)
    assume(whole(kept))
    for kind, ident in ((e.FOLDER, b"f"), (e.FILE, b"g")):
        info = PlaceInfo(e.Place(kind, ident), kept, None, None, None, None, None, (), None, None)
        option, text = shlex.split(commands.behind(info))
        read = Address.parse(text).where if option == "--at" else path_of(text)
        assert read == str(here)


def test_a_path_that_the_ledger_does_not_have_whole_is_not_printed_as_if_it_had() -> None:
    kept = label(Path("/" + "\xe9" * 120))
    assert len(kept.encode()) <= 200
    assert not whole(kept)
    assert whole(label(Path("/" + "e" * 199)))
    # Of another computer's folder a report tells no path at all: without --at the command would mean a token.
    for kind, text, behind in (
        (e.FOLDER, kept, " --at folder:PATH"),
        (e.FILE, kept, " --from FILE"),
        (e.FOLDER, "", " --at folder:PATH"),
        (e.FILE, "", " --from FILE"),
        (e.TOKEN, "", ""),
    ):
        info = PlaceInfo(e.Place(kind, b"x"), text, None, None, None, None, None, (), None, None)
        assert commands.behind(info) == behind


@pytest.mark.parametrize("text", ["folder:", "folder:file://"])
def test_an_address_of_nothing(text: str) -> None:
    with pytest.raises(AddressError, match="and then nothing"):
        Address.parse(text)


def test_what_no_path_has_is_not_read_into_one() -> None:
    assert Address.parse("folder:file:///a%00b").where == "file:///a%00b"


# --- as they are typed


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pw", PASSWORD, secret="password")
    (share, *_) = vault()
    shell.write("phone.vult", share.vult)
    shell.secrets.add_share(share.vult)
    return shell


def good(said: Said) -> Said:
    assert said.status == 0, said.out + said.err
    return said


def paste(shell: Shell, line: str, *more: str) -> Said:
    """As `line` stands there, after whatever sentence."""
    program, *words = shlex.split(line[line.index("coldshare ") :])
    assert program == "coldshare"
    return good(shell(*words, *more))


def printed(said: Said, verb: str) -> str:
    (line,) = [line for line in (said.out + said.err).splitlines() if f"coldshare {verb} " in line]
    return line


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if number % 4 else []) for number, name in enumerate(ODD)]
)
def test_a_folder(shell: Shell, name: str) -> None:
    (shell.folder / name).mkdir()
    before = good(shell("backup", "phone.vult", *PW, "--at", str(Address("folder", str(shell.folder / name)))))
    paste(shell, printed(before, "verify"), *PW[:2])
    kinds_before = len(kinds())
    (reached,) = at_hand(view()).places.values()
    assert Address.parse(reached.address).where == str(shell.folder / name)
    good(shell("list", *shlex.split(reached.command)))
    (told,) = good(shell("place", "list", "--json")).json["places"][:1]
    paste(shell, f"coldshare place show {shlex.quote(told['label'])}")
    assert good(shell("ledger", "rescan", *shlex.split(reached.command), "--json")).json["label"] == told["label"]
    assert len(kinds()) == kinds_before, "it is the same place under the same name"
    good(shell("export", *shlex.split(reached.command), "--out", f"{name}.seal"))
    sealed = next(one for one in at_hand(view()).places.values() if one.place.kind == e.FILE)
    paste(shell, f"coldshare verify {sealed.command}", *PW[:2])


def test_the_path_of_an_export_is_quoted(shell: Shell) -> None:
    (shell.folder / "stick").mkdir()
    good(shell("backup", "phone.vult", *PW, "--at", "folder:stick"))
    done = good(shell("export", "--at", "folder:stick", "--out", "a b'c?.seal"))
    paste(shell, printed(done, "verify"), *PW[:2])


def test_a_home_is_a_home_in_the_ledger_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(shell.folder))
    (shell.folder / "stick").mkdir()
    done = good(shell("backup", "phone.vult", *PW, "--at", "folder:~/stick"))
    paste(shell, printed(done, "verify"), *PW[:2])
    (reached,) = at_hand(view()).places.values()
    assert reached.address == f"folder:{shell.folder / 'stick'}"
