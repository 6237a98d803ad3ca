"""Rule 1 for computers, on the command line: refused, accepted, remembered. Every command is a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coldshare.declare import declare
from coldshare.handling import process
from coldshare.ledger import events as e
from coldshare.ledger.differences import share_of
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.vault import read_share
from support.desk import PASSWORD, PIN, Desk, put_share, vault
from support.reshare import generations
from support.shell import Said, Shell, failed
from support.stages import Stages
from support.terminal import Terminal

PW = ("--password-file", "pw")
SEAL = (*PW, "--no-recovery")
PIN_FILE = ("--pin-file", "pin")
#: Whoever is asked anything there says no.
TOKEN = ("--at", "sim:laptop.token?carrier=bulk&user=reject", *PIN_FILE)
YES_TOKEN = ("--at", "sim:laptop.token?carrier=bulk&user=approve", *PIN_FILE)
EMPTY = ("--at", "sim:empty.token?carrier=bulk&user=approve", *PIN_FILE)
THIRD = ("--at", "sim:third.token?carrier=bulk&user=approve", *PIN_FILE)
STICK = ("--at", "folder:laptop")
NEW_PASSWORD = "walnut-harbor-sixteen-lunar-moth"
NEW = (*PW, "--new-password-file", "new", "--no-recovery")

#: What is done with the laptop's share, by name. The file is a copy from the laptop's stick.
AT_TOKEN = {
    "backup": ("backup", "laptop.vult", *SEAL, *EMPTY),
    "verify": ("verify", *PW, *TOKEN),
    "restore": ("restore", *PW, "--out", "back", *TOKEN),
    "reseal": ("reseal", *NEW, *TOKEN),
}
AT_FOLDER = {
    "verify stick": ("verify", *PW, *STICK),
    "restore stick": ("restore", *PW, "--out", "back", *STICK),
    "reseal stick": ("reseal", *NEW, *STICK),
    "verify file": ("verify", "--from", "laptop.seal", *PW),
    "restore file": ("restore", "--from", "laptop.seal", *PW, "--out", "back"),
}
TO_FOLDER = {"backup stick": ("backup", "laptop.vult", *SEAL, "--at", "folder:bare")}


class Computer(Shell):
    """Commands as this computer's person gives them, each a process that has done nothing before."""

    def __call__(self, *argv: str, stdin: bytes = b"") -> Said:
        with process.fresh():
            return super().__call__(*argv, stdin=stdin)

    @contextmanager
    def other(self, name: str) -> Iterator[None]:
        """Another computer."""
        with self._monkeypatch.context() as patch:
            patch.setenv("COLDSHARE_HOME", str(self.folder / name))
            yield

    def things(self) -> dict[str, object]:
        """All that is there but for the records of this computer."""
        return {name: what for name, what in self.snapshot().items() if not name.startswith(".home")}


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


def handled() -> set[str]:
    """Whose shares the ledger says that this computer has handled."""
    if not ledger_path().exists():
        return set()
    with Ledger(ledger_path(), create=False) as ledger:
        return {one.party for one in ledger.view().handled() if one.host == ledger.host}


def accepted() -> int:
    with Ledger(ledger_path(), create=False) as ledger:
        return len(ledger.view().accepted())


@pytest.fixture
def shell(
    tmp_path: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Computer:
    """A stick `laptop`, a file `laptop.seal` and a token `laptop.token` with the laptop's share, which another computer
    has made; two tokens and a stick `bare` with nothing; and the vault files of two generations."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    shell = Computer(tmp_path, monkeypatch, capsys)
    for content, what in ((PIN, "PIN"), (PASSWORD, "password"), (NEW_PASSWORD, "new password")):
        shell.secrets.add(what, content)
    for share in vault():
        shell.secrets.add_share(share.vult)
    shell.stages = stages
    shell.step("handling", lambda: make_all(shell))
    return shell


def make_all(shell: Computer) -> None:
    for name, content in (("pin", PIN), ("pw", PASSWORD), ("new", NEW_PASSWORD)):
        shell.write(name, content)
    for share in vault():
        shell.write(f"{share.party.lower()}.vult", share.vult)
    for number, run in enumerate(generations(2), start=1):
        for share in run:
            shell.write(f"{share.party.lower()}-{number}.vult", share.vult)
    desk = Desk(shell.home)
    token = desk.token(0)
    with process.fresh(), desk.client(token) as client:
        put_share(client, vault()[1].vult)
    (shell.folder / "laptop.token").write_bytes(token.image)
    for number, name in enumerate(("empty", "third"), start=1):
        (shell.folder / f"{name}.token").write_bytes(desk.token(number, name).image)
    for name in ("laptop", "bare"):
        (shell.folder / name).mkdir()
    with shell.other(".laptop"):
        good(shell("backup", "laptop.vult", *SEAL, *STICK))
    sealed = [path for path in (shell.folder / "laptop" / "coldshare").glob("*.a") if path.name != "index.a"]
    shutil.copyfile(sealed[0], shell.folder / "laptop.seal")


@pytest.fixture
def phone(shell: Computer) -> Computer:
    """This computer has backed up the phone's share."""

    def back_up() -> None:
        good(shell("backup", "phone.vult", *SEAL, *THIRD))
        # Rule 1 for places is not what is tried here.
        (shell.home / "exports.json").unlink()

    shell.step("phone", back_up)
    assert handled() == {"Phone"}
    return shell


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", [*AT_TOKEN, *TO_FOLDER])
def test_refused_before_anybody_is_asked(phone: Computer, name: str, as_json: bool) -> None:
    """Neither the person at the token, who would say no, nor whoever has the password: there is no such file."""
    before = phone.things()
    argv = (AT_TOKEN | TO_FOLDER)[name]
    argv = tuple("nowhere" if word == "pw" else word for word in argv)
    text = failed(phone(*argv, *(["--json"] if as_json else [])), "single_host", 5, as_json=as_json)
    for word in ("Phone", "Laptop", "'Savings'", "--single-host"):
        assert word in text
    assert phone.things() == before
    assert handled() == {"Phone"}


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", AT_FOLDER)
def test_refused_once_its_seal_has_told_whose_it_is(phone: Computer, name: str, as_json: bool) -> None:
    """Nothing is written or said of it. But it was in the clear here, and the ledger does not hide that."""
    before = phone.things()
    more = ["--json"] if as_json else []
    text = failed(phone(*AT_FOLDER[name], *more), "single_host", 5, as_json=as_json)
    assert "was opened now" in text
    assert phone.things() == before
    assert handled() == {"Phone", "Laptop"}
    # To try again does not help.
    text = failed(phone(*AT_FOLDER[name], *more), "single_host", 5, as_json=as_json)
    assert "Nobody has accepted that" in text
    assert phone.things() == before


@pytest.mark.parametrize("name", AT_FOLDER)
def test_what_the_ledger_knows_is_not_even_opened(phone: Computer, name: str) -> None:
    with phone.other(".laptop"):
        good(phone("ledger", "export", "theirs"))
    good(phone("ledger", "join", "theirs"))
    argv = tuple("nowhere" if word == "pw" else word for word in AT_FOLDER[name])
    assert "one too many" in failed(phone(*argv), "single_host", 5, as_json=False)
    assert handled() == {"Phone"}


@pytest.mark.parametrize("name", [*AT_TOKEN, *AT_FOLDER, *TO_FOLDER])
def test_accepted_by_the_option(phone: Computer, name: str) -> None:
    argv = tuple(word.replace("user=reject", "user=approve") for word in (AT_TOKEN | AT_FOLDER | TO_FOLDER)[name])
    answer = good(phone(*argv, "--single-host", "--json")).json
    sentence = next(words for words in answer["warnings"] if "can then sign alone" in words)
    assert sentence.startswith("Whoever controls this computer, now or later")
    assert accepted() == 1
    assert handled() == {"Phone", "Laptop"}


def test_accepted_by_the_environment_and_said(phone: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("0", ""):
        monkeypatch.setenv("COLDSHARE_SINGLE_HOST", value)
        failed(phone("verify", *PW, *YES_TOKEN), "single_host", 5, as_json=False)
    monkeypatch.setenv("COLDSHARE_SINGLE_HOST", "1")
    said = good(phone("verify", *PW, *YES_TOKEN))
    assert said.err.count("can then sign alone: with 2 shares of 'Savings'") == 1
    monkeypatch.delenv("COLDSHARE_SINGLE_HOST")
    # From now on it is only recalled, once, for every party of that generation.
    for argv in (("verify", *PW, *YES_TOKEN), ("restore", *PW, "--out", "back", *STICK)):
        said = good(phone(*argv))
        assert said.err.count("It was accepted") == 1
        assert "can then sign alone" not in said.err
    answer = good(phone("backup", "tablet.vult", *SEAL, *EMPTY, "--json")).json
    assert sum("It was accepted" in words for words in answer["warnings"]) == 1
    assert accepted() == 1


def test_the_option_alone_says_nothing(shell: Computer) -> None:
    """Where nothing is too many, there is nothing to accept."""
    answer = good(shell("verify", *PW, *YES_TOKEN, "--single-host", "--json")).json
    assert answer["warnings"] == []
    assert accepted() == 0


def test_alone_it_works(shell: Computer) -> None:
    """The laptop's own computer does what it likes with the laptop's share, at every place."""
    all_of_it = AT_TOKEN | AT_FOLDER | TO_FOLDER
    for name in sorted(all_of_it, key=lambda name: name.startswith("reseal")):  # after which the password is another
        (shell.folder / "back").unlink(missing_ok=True)
        good(shell(*(word.replace("user=reject", "user=approve") for word in all_of_it[name])))
    assert handled() == {"Laptop"}


def test_another_generation_is_counted_apart(shell: Computer) -> None:
    good(shell("backup", "phone-1.vult", *SEAL, *THIRD))
    good(shell("backup", "laptop-2.vult", *SEAL, *EMPTY))
    failed(shell("backup", "tablet-1.vult", *SEAL, "--at", "folder:bare"), "single_host", 5, as_json=False)
    said = shell("backup", "tablet-2.vult", *SEAL, "--at", "folder:bare", "--json")
    assert "Laptop" in failed(said, "single_host", 5, as_json=True)
    # And accepted apart.
    good(shell("backup", "laptop-1.vult", *SEAL, "--at", "folder:bare", "--single-host"))
    failed(shell("backup", "phone-2.vult", *SEAL, "--at", "folder:laptop"), "single_host", 5, as_json=False)


def test_what_opens_nothing_is_never_refused(phone: Computer) -> None:
    good(phone("verify", "--no-password", *YES_TOKEN))
    good(phone("verify", "--no-password", *STICK))
    good(phone("list", *YES_TOKEN))
    good(phone("export", "--out", "mine.seal", *YES_TOKEN))
    assert handled() == {"Phone"}


def test_what_another_computer_did_is_not_ours(shell: Computer) -> None:
    """Its ledger tells what it handled and what its person accepted. Neither is true of this computer."""
    share = declare(read_share(vault()[0].vult).facts)
    with shell.other(".theirs"), Ledger(ledger_path()) as ledger:
        ledger.record(
            [e.ShareHandled(share_of(share), e.RESTORED), e.SingleHostAccepted(share.vault, share.generation)]
        )
    with shell.other(".theirs"):
        good(shell("ledger", "export", "theirs"))
    good(shell("ledger", "import", "theirs"))
    assert accepted() == 1
    good(shell("verify", *PW, *YES_TOKEN))
    assert handled() == {"Laptop"}
    failed(shell("backup", "phone.vult", *SEAL, "--at", "folder:bare"), "single_host", 5, as_json=False)


def test_a_ledger_that_cannot_be_read(phone: Computer) -> None:
    """Then this computer has no memory, and says so. A process still knows what it has done itself."""
    ledger_path().write_bytes(b"not a ledger at all" * 300)
    said = good(phone("verify", *PW, *YES_TOKEN))
    assert said.err.count("cannot be read, so nobody knows here which shares it handled") == 1
    answer = good(phone("verify", *PW, *YES_TOKEN, "--json")).json
    assert sum("cannot be read" in words for words in answer["warnings"]) == 1
    with process.fresh():
        good(Shell.__call__(phone, "verify", *PW, *YES_TOKEN))
        said = Shell.__call__(phone, "backup", "phone.vult", *SEAL, "--at", "folder:bare")
        assert said.status == 5
        assert "single_host" in said.err
    said = good(phone("verify", *PW, *YES_TOKEN, "--single-host"))


def test_to_look_at_a_file_is_noted_and_not_recorded(phone: Computer) -> None:
    assert not any("one too many" in words for words in good(phone("inspect", "phone.vult", "--json")).json["warnings"])
    for _ in range(2):
        said = good(phone("inspect", "laptop.vult"))
        assert said.out.count("one too many") == 1
        answer = good(phone("inspect", "laptop.vult", "--json")).json
        assert sum("one too many" in words for words in answer["warnings"]) == 1
    assert handled() == {"Phone"}
    good(phone("backup", "phone.vult", *SEAL, *EMPTY))


def run(shell: Computer, *argv: str) -> Terminal:
    return Terminal(*argv, cwd=shell.folder)


def test_a_person_is_asked_and_says_no(phone: Computer) -> None:
    before = phone.things()
    with run(phone, "backup", "laptop.vult", *SEAL, "--at", "folder:bare", "--single-host") as terminal:
        asked = terminal.until("Accept that, for good? [y/N]:")
        assert "can then sign alone" in " ".join(asked.split())
        terminal.type("n\n")
        assert terminal.finish() == 5
        assert "single_host" in terminal.screen
        assert terminal.sane
    assert phone.things() == before
    assert (accepted(), handled()) == (0, {"Phone"})


@pytest.mark.slow
def test_a_person_is_asked_and_says_yes(phone: Computer) -> None:
    """Once; and without the option nobody is asked, because nobody should come to say yes by habit."""
    argv = ("backup", "laptop.vult", *SEAL, "--at", "folder:bare")
    with run(phone, *argv) as terminal:
        assert terminal.finish() == 5
        assert "Accept" not in terminal.screen
    with run(phone, *argv, "--single-host") as terminal:
        terminal.answer("Accept that, for good? [y/N]:", "y")
        assert terminal.finish() == 0, terminal.screen
    assert (accepted(), handled()) == (1, {"Phone", "Laptop"})
    with run(phone, *argv) as terminal:
        assert terminal.finish() == 0, terminal.screen
        assert "It was accepted" in terminal.screen


def test_two_commands_at_once(shell: Computer) -> None:
    """The first one waits for a person who thinks of a password. The second one has another party's share meanwhile."""
    with run(shell, "backup", "laptop.vult", "--no-recovery", "--at", "folder:bare") as terminal:
        terminal.until("Password for this backup:")
        good(shell("backup", "phone.vult", *SEAL, *THIRD))
        before = shell.things()
        terminal.type(f"{PASSWORD}\n")
        terminal.answer("The same once more:", PASSWORD)
        assert terminal.finish() == 5, terminal.screen
        assert "single_host" in terminal.screen
    assert shell.things() == before
    assert handled() == {"Phone"}


@pytest.mark.parametrize("where", [YES_TOKEN, STICK, ("--from", "laptop.seal")])
def test_a_restore_that_cannot_write(shell: Computer, where: tuple[str, ...]) -> None:
    """The seal was open, and then no file can be called so: the share was here all the same."""
    failed(shell("restore", *PW, *where, "--out", "x" * 300), "output_failed", 3, as_json=False)
    assert handled() == {"Laptop"}
    failed(shell("backup", "phone.vult", *SEAL, *THIRD), "single_host", 5, as_json=False)


def test_a_backup_that_breaks_off_counts(shell: Computer) -> None:
    """It is sealed and waits to be resumed, which needs no share any more."""
    away = ("--at", "sim:third.token?user=approve&fault=unplug:to-token:600", *PIN_FILE)
    failed(shell("backup", "phone.vult", *SEAL, *away), "token_gone", 6, as_json=False)
    assert handled() == {"Phone"}
    failed(shell("backup", "laptop.vult", *SEAL, *EMPTY), "single_host", 5, as_json=False)


def test_a_backup_that_is_resumed_counts(shell: Computer) -> None:
    """Whoever began it was killed, and wrote nothing down."""
    away = ("--at", "sim:third.token?user=approve&fault=unplug:to-token:600", *PIN_FILE)
    failed(shell("backup", "phone.vult", *SEAL, *away), "token_gone", 6, as_json=False)
    ledger_path().unlink()
    good(shell("resume", *THIRD))
    assert handled() == {"Phone"}


def test_a_backup_that_never_began_does_not(shell: Computer) -> None:
    failed(shell("backup", "phone.vult", *SEAL, *TOKEN), "other_party", 5, as_json=False)
    assert handled() == set()
