"""`coldshare restore --onto`: rules 3, 4 and 5 for a device that takes a share, at tokens, in folders, from files."""

from __future__ import annotations

import shlex
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.queries import Party
from coldshare.ledger.store import Ledger, ledger_path
from support.desk import PASSWORD, Desk, vault
from support.ledgers import kinds, tell, vault_id, view
from support.reshare import generations
from support.shell import Said, Shell, failed
from support.stages import Stages, same_folder
from support.terminal import Terminal

PW = ("--password-file", "pw")
SEAL = (*PW, "--no-recovery")
#: A token whose person says no to whatever it asks.
NO_TOKEN = ("--at", "sim:a.token?carrier=bulk&user=reject", "--pin-file", "pin")
TOKEN = ("--at", "sim:a.token?carrier=bulk&user=approve", "--pin-file", "pin")
STICK = ("--at", "folder:stick")
FILE = ("--from", "copy.seal")
NEW = ("--onto", "new phone", "--out", "back.vult")


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


def lost(party: str = "Phone") -> None:
    tell(e.DeviceLost(vault_id(), party))


def party(name: str = "Phone") -> Party:
    (found,) = (one for one in view().parties(vault_id()) if one.party == name)
    return found


def nothing_came(shell: Shell) -> None:
    assert not [one.name for one in shell.folder.iterdir() if one.name.startswith(("back", ".coldshare"))]


def stored(shell: Shell, where: str, name: str = "phone.vult", *more: str) -> str:
    """Back up that share at a token, in a folder, or in a file of its own. The id."""
    return shell.step(("stored", where, name, more), lambda: _stored(shell, where, name, *more))


def _stored(shell: Shell, where: str, name: str, *more: str) -> str:
    at = TOKEN if where == "token" else STICK
    if where == "token":
        (shell.folder / "a.token").write_bytes(bytes(Desk(shell.home).token().image))
    answer = good(shell("backup", name, *SEAL, *more, *at, "--json")).json
    backup_id: str = answer["backup_id"]
    if where == "file":
        copy = shell.folder / "stick" / "coldshare" / f"{backup_id[:8]}.a"
        (shell.folder / "copy.seal").write_bytes(copy.read_bytes())
    return backup_id


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def shell(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    (shell.folder / "stick").mkdir()
    for number, shares in enumerate(generations(2), 1):
        shell.write(f"phone-{number}.vult", shares[0].vult)
        shell.write(f"laptop-{number}.vult", shares[1].vult)
        for share in shares[:2]:
            shell.secrets.add_share(share.vult)
    shell.stages = Stages(shell.folder, tmp_path_factory)
    return shell


@pytest.fixture(params=["token", "folder", "file"])
def source(shell: Shell, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Where the phone's share is restored from."""
    stored(shell, request.param)
    return {"token": TOKEN, "folder": STICK, "file": FILE}[request.param]


def test_rule_3_a_lost_party_comes_back_on_a_new_device(shell: Shell, source: tuple[str, ...]) -> None:
    lost()
    said = good(shell("restore", *source, *PW, *NEW))
    file = shell.folder / "back.vult"
    assert file.read_bytes() == vault()[0].vult
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Import it on new phone, and nowhere else." in said.out
    assert "On Laptop or Tablet it would turn that device into Phone." in said.out
    assert "Whoever has the lost device of Phone has this share, too." in said.out
    assert said.out.splitlines()[-1] == "Next: coldshare status"
    back = party()
    assert (back.lost, back.device) == (None, "new phone")
    assert back.restored_generation == view().generations(vault_id())[0].generation
    assert kinds()[-3:] == ["share_handled", "backup_restored", "device_restored"]


def test_json(shell: Shell, source: tuple[str, ...]) -> None:
    answer = good(shell("restore", *source, *PW, "--out", "plain", "--json")).json
    assert (answer["onto"], answer["turned"]) == (None, None)
    (note,) = answer["warnings"]
    assert "Phone is not lost" in note
    assert "two devices one share" in note
    assert party().restored is None
    lost()
    answer = good(shell("restore", *source, *PW, *NEW, "--json")).json
    assert (answer["onto"], answer["turned"], answer["warnings"]) == ("new phone", None, [])
    assert answer["party"] == "Phone"


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_rule_3_a_party_that_is_alive(shell: Shell, source: tuple[str, ...], as_json: bool) -> None:
    """Nobody is asked for a password, or to press a button, for what is refused."""
    before = kinds()
    json = ["--json"] if as_json else []
    asked = NO_TOKEN if source == TOKEN else source
    said = shell("restore", *asked, *NEW, *json)
    text = failed(said, "party_alive", 5, as_json=as_json)
    assert "it gives two devices one share, and brings no party back" in text
    assert "coldshare lost Phone" in text
    assert kinds() == before
    nothing_came(shell)


def test_rule_3_the_way_that_the_refusal_names(shell: Shell, source: tuple[str, ...]) -> None:
    failed(shell("restore", *source, *PW, *NEW), "party_alive", 5, as_json=False)
    assert shell("lost", "Phone").status == 0
    good(shell("restore", *source, *PW, *NEW))
    assert party().device == "new phone"


def test_rule_3_although_it_is_alive(shell: Shell, source: tuple[str, ...]) -> None:
    answer = good(shell("restore", *source, *PW, *NEW, "--although-alive", "--json")).json
    assert "two devices one share" in answer["warnings"][0]
    assert party().device == "new phone"
    assert (shell.folder / "back.vult").read_bytes() == vault()[0].vult


def test_duplicate(shell: Shell, source: tuple[str, ...]) -> None:
    lost()
    good(shell("restore", *source, *PW, *NEW))
    (shell.folder / "back.vult").unlink()
    before = kinds()
    error = shell("restore", *source, "--onto", "New Phone", "--out", "back.vult", "--json").json["error"]
    assert (error["code"], error["vendor"]) == ("duplicate_vault", "DUPLICATE_VAULT")
    assert kinds() == before
    nothing_came(shell)
    # Deleted before it was imported: without a device it is written once more.
    good(shell("restore", *source, *PW, "--out", "back.vult"))


def test_rule_4_the_device_of_another_party(shell: Shell, source: tuple[str, ...]) -> None:
    lost()
    before = kinds()
    argv = ("restore", *(NO_TOKEN if source == TOKEN else source), "--onto", "laptop", "--out", "back.vult")
    error = shell(*argv, "--json").json["error"]
    assert (error["code"], error["vendor"]) == ("other_device_share", "OTHER_DEVICE_SHARE")
    assert "would turn it into Phone" in error["message"]
    assert "--turn Laptop --into Phone" in error["next"]
    for names in (
        ("--turn", "Laptop"),
        ("--turn", "Tablet", "--into", "Phone"),
        ("--turn", "Phone", "--into", "Laptop"),
    ):
        assert "do not fit" in failed(shell(*argv, *names), "other_device_share", 5, as_json=False)
    assert kinds() == before
    nothing_came(shell)


def test_rule_4_both_named_by_hand(shell: Shell, source: tuple[str, ...]) -> None:
    lost()
    names = ("--onto", "laptop", "--turn", "Laptop", "--into", "Phone")
    said = good(shell("restore", *source, *PW, *names, "--out", "back.vult"))
    assert "NO backup of it is known" in said.err
    assert "The device of Laptop counts as lost now." in said.out
    assert "On Tablet it would turn that device into Phone." in said.out
    assert party("Laptop").lost is not None
    assert (party().lost, party().device) == (None, "laptop")
    assert kinds()[-2:] == ["device_lost", "device_restored"]


def test_rule_4_json_says_who_is_gone(shell: Shell, source: tuple[str, ...]) -> None:
    lost()
    names = ("--onto", "my old one", "--turn", "Tablet", "--into", "Phone")
    answer = good(shell("restore", *source, *PW, *names, "--out", "back.vult", "--json")).json
    assert (answer["onto"], answer["turned"]) == ("my old one", "Tablet")
    assert party("Tablet").lost is not None


TYPED = ("restore", *STICK, *PW, "--onto", "Laptop", "--out", "back.vult")


@pytest.mark.slow
def test_rule_4_both_names_typed(shell: Shell, folder: Path) -> None:
    good(shell.spawn("backup", "phone.vult", *SEAL, *STICK))
    lost()
    with Terminal(*TYPED, cwd=folder) as terminal:
        terminal.until("would turn it into Phone")
        terminal.answer("type whose device that is: ", "laptop")
        terminal.answer("And whose it is to become: ", "phone")
        assert terminal.finish() == 0
        assert terminal.sane
        shell.check(terminal.raw)
    assert party("Laptop").lost is not None
    assert party().device == "Laptop"


@pytest.mark.slow
def test_rule_4_nothing_or_another_name_typed(shell: Shell, folder: Path) -> None:
    good(shell.spawn("backup", "phone.vult", *SEAL, *STICK))
    lost()
    with Terminal(*TYPED, cwd=folder) as terminal:
        terminal.answer("type whose device that is: ", "")
        assert terminal.finish() == 5
        assert "Error (other_device_share)" in terminal.screen
    with Terminal(*TYPED, cwd=folder) as terminal:
        terminal.answer("type whose device that is: ", "Laptop")
        terminal.answer("And whose it is to become: ", "Tablet")
        assert terminal.finish() == 5
        assert "do not fit" in terminal.screen
    nothing_came(shell)
    assert party("Laptop").lost is None


@pytest.mark.parametrize("where", ["token", "folder"])
def test_rule_5_an_older_share_never_replaces_a_newer_one(shell: Shell, where: str) -> None:
    old = stored(shell, where, "phone-1.vult")
    at = TOKEN if where == "token" else STICK
    new: str = good(shell("backup", "phone-2.vult", *SEAL, "--newer", *at, "--json")).json["backup_id"]
    lost()
    before = kinds()
    asked = NO_TOKEN if where == "token" else STICK
    argv = ("restore", *asked, *NEW, "--backup", old)
    error = shell(*argv, "--json").json["error"]
    assert (error["code"], error["vendor"]) == ("stale_share", "STALE_SHARE")
    assert "never sign together" in error["message"]
    assert f"coldshare restore --backup {new[:8]}" in error["next"]
    assert kinds() == before
    nothing_came(shell)
    # The command that it names works.
    command = error["next"].partition("coldshare ")[2].partition(" FILE")[0]
    more = () if where == "folder" else TOKEN
    good(shell(*shlex.split(command), "back.vult", *PW, *more))
    assert (shell.folder / "back.vult").read_bytes() == generations(2)[1][0].vult
    # And the old one is written where nobody says that it goes onto a device.
    said = good(shell("restore", *at, *PW, "--backup", old, "--out", "old.vult"))
    assert "Old shares sign with each other" in said.err
    assert "Never import it where a newer share of this party is." in said.out


def test_rule_5_the_place_knows_it_where_no_ledger_does(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    old = stored(shell, "token", "phone-1.vult")
    new: str = good(shell("backup", "phone-2.vult", *SEAL, "--newer", *TOKEN, "--json")).json["backup_id"]
    ledger_path().unlink()
    argv = ("restore", *NO_TOKEN, *NEW, "--backup", old)
    assert "its place has it as an old one" in failed(shell(*argv), "stale_share", 5, as_json=False)
    good(shell("ledger", "rescan", *TOKEN))
    current = view().current(vault_id())
    assert current is not None, "the token has shown which one is the newer"
    assert "has replaced it" in failed(shell(*argv), "stale_share", 5, as_json=False)
    lost()
    good(shell("restore", *TOKEN, *PW, *NEW, "--backup", new))
    assert (shell.folder / "back.vult").read_bytes() == generations(2)[1][0].vult


def test_rule_5_retired(shell: Shell) -> None:
    old = stored(shell, "folder", "phone-1.vult")
    good(shell("backup", "phone-2.vult", *SEAL, "--newer", *STICK))
    good(shell("retire", old, *STICK))
    lost()
    failed(shell("restore", *STICK, *NEW, "--backup", old), "stale_share", 5, as_json=False)
    good(shell("restore", *STICK, *PW, *NEW))
    assert (shell.folder / "back.vult").read_bytes() == generations(2)[1][0].vult


def test_incompatible(shell: Shell, source: tuple[str, ...]) -> None:
    """What the ledger knows of the vault from elsewhere does not fit what is in the seal."""
    with Ledger(ledger_path()) as ledger:
        (seen,) = (event.body for event in ledger.events() if isinstance(event.body, e.VaultSeen))
    tell(replace(seen, public_key_eddsa=bytes(32)))
    lost()
    error = shell("restore", *source, *PW, *NEW, "--json").json["error"]
    assert (error["code"], error["vendor"]) == ("incompatible_vault", "INCOMPATIBLE_VAULT")
    assert "another EdDSA key" in error["message"]
    assert party().lost is not None
    assert "device_restored" not in kinds()
    assert kinds()[-1] == "share_handled", "it was in the clear here"
    nothing_came(shell)


def test_nobody_knows_whether_the_party_is_alive(
    shell: Shell, source: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger_path().unlink()
    answer = good(shell("restore", *source, *PW, *NEW, "--json")).json
    (said,) = answer["warnings"]
    assert "stop" in said
    assert party().device == "new phone"


def test_whose_it_is_may_be_known_only_when_it_is_open(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("COLDSHARE_HOME", str(shell.folder / ".another-home"))
        stored(shell, "file")
    # This computer has never seen that backup; it knows the vault from another share.
    (shell.folder / "drawer" / "stick").mkdir(parents=True)
    good(shell("backup", "laptop.vult", *SEAL, "--at", "folder:drawer/stick"))
    before = kinds()
    failed(shell("restore", *FILE, *PW, *NEW), "party_alive", 5, as_json=False)
    nothing_came(shell)
    assert kinds() == [*before, "share_handled"]
    lost()
    good(shell("restore", *FILE, *PW, *NEW))


def test_a_file_with_a_password_of_its_own(shell: Shell) -> None:
    """What is inside cannot be looked at then, and what it was told to be is judged."""
    from coldshare.vault.synthetic import encrypt_vlt2

    data = encrypt_vlt2(vault()[0].vult, "its-own-password")
    shell.write("locked.vult", data)
    shell.write("own", "its-own-password", secret="vault password")
    good(shell("backup", "locked.vult", "--vault-password-file", "own", *SEAL, *STICK))
    failed(shell("restore", *STICK, *PW, *NEW), "party_alive", 5, as_json=False)
    lost()
    good(shell("restore", *STICK, *PW, *NEW))
    assert (shell.folder / "back.vult").read_bytes() == data


def test_a_ledger_that_cannot_be_read(shell: Shell) -> None:
    stored(shell, "folder")
    ledger_path().write_bytes(b"this is no ledger, and long enough to be one" * 100)
    text = failed(shell("restore", *STICK, *PW, *NEW), "ledger_foreign", 3, as_json=False)
    assert "Without --onto the file is written, and nothing is checked." in text
    nothing_came(shell)
    good(shell("restore", *STICK, *PW, "--out", "back.vult"))
    assert (shell.folder / "back.vult").read_bytes() == vault()[0].vult


@pytest.mark.parametrize(
    "argv",
    [
        ("--turn", "Laptop", "--into", "Phone"),
        ("--although-alive",),
        ("--onto", ""),
        ("--onto", "  "),
        ("--onto", "x" * 201),
        ("--onto", "\u202egnp"),
        ("--onto", "two\nlines"),
        ("--onto", "new phone", "--turn", "\x1b[2J", "--into", "Phone"),
    ],
)
def test_names_that_are_none(shell: Shell, argv: tuple[str, ...]) -> None:
    stored(shell, "folder")
    failed(shell("restore", *STICK, *PW, "--out", "back.vult", *argv), "usage", 2, as_json=False)
    nothing_came(shell)


def test_the_longest_name(shell: Shell) -> None:
    stored(shell, "folder")
    lost()
    name = "ä" * 100
    good(shell("restore", *STICK, *PW, "--onto", f" {name} ", "--out", "back.vult"))
    assert party().device == name
    assert PASSWORD not in str(kinds())
