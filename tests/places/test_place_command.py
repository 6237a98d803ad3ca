"""`coldshare place`: what people say of places, and what coldshare concludes from it."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from coldshare.cli.app import cli, run
from coldshare.ledger import events as e
from coldshare.ledger.events import Body, DeviceLost, HostNamed, Place, PlaceLost, PlaceNamed, PlaceWiped, ShareHandled
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.places import surroundings
from coldshare.seal import primitives
from support.desk import PASSWORD, PIN, Desk, quick_argon2id, vault
from support.reshare import generations
from support.shell import Said, Shell, failed

SAFE, CARD = "sim:safe.token?carrier=bulk&user=approve", "sim:card.token?carrier=bulk&user=approve"
OFFICE = bytes(range(100, 116))
TOLD = "Savings: NO backup of"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a folder as every test here begins with, and beside it the one that tests work in."""
    folder = tmp_path_factory.mktemp("places") / "desk"
    (folder / "stick").mkdir(parents=True)
    (folder / "pw").write_text(PASSWORD)
    (folder / "pin").write_text(PIN)
    for share in vault():
        (folder / f"{share.party.lower()}.vult").write_bytes(share.vult)
    desk = Desk(folder / ".home")
    (folder / "safe.token").write_bytes(desk.token(0, "Safe A").image)
    (folder / "card.token").write_bytes(desk.token(1, "Card").image)
    with pytest.MonkeyPatch.context() as patch:
        _here(patch, folder)
        for argv in (("phone.vult", "--at", "folder:stick"), ("laptop.vult", "--pin-file", "pin", "--at", SAFE)):
            assert run(("backup", *argv, "--password-file", "pw", "--no-recovery", "--json")) == 0
    shutil.copytree(folder, folder.with_name("ready"))
    return folder


def _here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLDSHARE_HOME", str(folder / ".home"))
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stick(ready: Path) -> Path:
    return ready / "stick"


@pytest.fixture
def shell(ready: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The phone's share is in the folder `stick`, the laptop's on the token `safe.token`. `card.token` is empty."""
    shutil.rmtree(ready)
    shutil.copytree(ready.with_name("ready"), ready)
    _here(monkeypatch, ready)
    shell = Shell(ready, monkeypatch, capsys)
    shell.secrets.add("password", PASSWORD)
    shell.secrets.add("PIN", PIN)
    for share in vault():
        shell.secrets.add_share(share.vult)
    return shell


def good(said: Said) -> Said:
    assert said.status == 0, said.out + said.err
    return said


def backup(shell: Shell, party: str, at: str, *more: str) -> None:
    code = () if "--recovery-out" in more else ("--no-recovery",)
    pin = () if at.startswith("folder:") else ("--pin-file", "pin")
    good(shell("backup", f"{party}.vult", "--password-file", "pw", *code, *more, *pin, "--at", at))


def export(shell: Shell, at: str, folder: str) -> Path:
    (shell.folder / folder).mkdir()
    good(shell("export", "--out", folder, "--pin-file", "pin", "--at", at))
    (path,) = (shell.folder / folder).iterdir()
    return path


def place(shell: Shell, *words: str) -> dict[str, Any]:
    """The answer."""
    return good(shell("place", *words, "--json")).json


def words(shell: Shell, *argv: str) -> str:
    return good(shell("place", *argv)).out


def titles(shell: Shell) -> dict[str, dict[str, Any]]:
    return {one["title"]: one for one in place(shell, "list")["places"]}


def tell(*bodies: Body, host: bytes | None = None) -> None:
    """Another computer's ledger comes in, or with `host` None this one's goes on."""
    with Ledger(ledger_path()) as ours:
        if host is None:
            ours.record(bodies)
            return
        path = ledger_path().parent / "other.db"
        given = iter([host])
        with Ledger(path, random=lambda size: next(given, None) or secrets.token_bytes(size)) as theirs:
            theirs.record(bodies)
            ours.merge(theirs.events())
        path.unlink()


def share(party: str) -> e.Share:
    """As the ledger has it."""
    with Ledger(ledger_path()) as ledger:
        view = ledger.view()
    (found,) = view.vaults()
    (generation,) = view.generations(found.vault)
    return e.Share(found.vault, "Savings", party, generation.generation, 2, 3, found.library)


# --- looking


def test_without_a_ledger(shell: Shell) -> None:
    ledger_path().unlink()
    for argv in ((), ("list",)):
        assert words(shell, *argv).startswith("Nothing is recorded yet. ")
        assert place(shell, *argv)["places"] == []
    for argv in (("set", "this", "--called", "desk"), ("show", "this"), ("lost", "stick"), ("found", "stick")):
        failed(shell("place", *argv), "no_ledger", 3, as_json=False)
    assert not ledger_path().exists()


def test_what_there_is(shell: Shell, stick: Path) -> None:
    found = titles(shell)
    here = next(one for one in found.values() if one["this_computer"])
    assert {one["title"]: one["kind"] for one in found.values() if one is not here} == {
        "Safe A": "token",
        str(stick): "folder",
    }
    assert here["kind"] == "computer"
    assert {(one["party"], one["why"]) for one in here["in_the_clear"]} == {
        ("Phone", "backed_up"),
        ("Laptop", "backed_up"),
    }
    (held,) = found["Safe A"]["backups"]
    assert (held["party"], held["vault"]["name"], held["state"]) == ("Laptop", "Savings", "active")
    assert held["stored"] is not None
    assert held["opened"] is None
    assert found["Safe A"]["at_hand"] is None, "a software token is never looked for"
    assert found[str(stick)]["at_hand"] == {"address": f"folder:{stick}", "command": f"--at folder:{stick}"}
    assert [one["this_computer"] for one in found["Safe A"]["reached_by"]] == [True]


def test_the_same_in_words(shell: Shell, stick: Path) -> None:
    lines = words(shell).splitlines()
    assert words(shell, "list").splitlines() == lines
    assert "REACHED BY" not in lines[0], "there is but one computer"
    by_name = {line.split("  ")[0]: line for line in lines}
    assert by_name[str(stick)].endswith("  at hand")
    assert "  Savings: Phone  " in by_name[str(stick)]
    assert by_name["Safe A"].endswith("Savings: Laptop")
    assert by_name["this computer"].endswith("Savings: Laptop, Phone, in the clear")
    shown = words(shell, "show", "Safe A")
    assert "the share of Laptop of 'Savings', active" in shown
    assert "never opened to prove it" in shown
    assert words(shell, "show", "this").count("had in the clear: the share of") == 2


def test_a_group_with_json_and_without_a_command(shell: Shell) -> None:
    assert place(shell) == place(shell, "list")


def test_the_token_that_is_named_is_at_hand(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for argv in (("list", "--at", SAFE), ("--at", SAFE)):
        (found,) = [one for one in place(shell, *argv)["places"] if one["title"] == "Safe A"]
        assert found["at_hand"] == {"address": SAFE, "command": f"--at '{SAFE}'"}
    assert place(shell, "show", SAFE)["at_hand"]["address"] == SAFE
    monkeypatch.setenv("COLDSHARE_AT", SAFE)
    assert place(shell, "show", "Safe A")["at_hand"]["address"] == SAFE
    assert titles(shell)["Safe A"]["at_hand"]["address"] == SAFE
    monkeypatch.setenv("COLDSHARE_AT", "sim:gone.token")
    assert "sim:gone.token cannot be reached" in words(shell)


def test_a_backup_that_failed_and_one_of_nobody_knows_whom(shell: Shell, stick: Path) -> None:
    with Ledger(ledger_path()) as ledger:
        (held,) = ledger.view().backups(place=Place(e.FOLDER, bytes.fromhex(titles(shell)[str(stick)]["place"][7:])))
        ledger.record(
            [
                e.BackupFailed(held.place, held.backup_id, "folder_damaged"),
                e.BackupState(held.place, bytes(16), None, 1000, e.RETIRED),
            ]
        )
    assert "?: nobody knows whom (retired); Savings: Phone (FAILED)" in words(shell)
    shown = words(shell, "show", "folder:stick")
    assert "(folder_damaged)" in shown
    assert "00000000: a share of nobody knows whom, retired" in shown


# --- naming a place


@pytest.mark.parametrize(
    ("how", "title"),
    [
        ("safe a", "Safe A"),
        (" Safe A ", "Safe A"),
        ("SERIAL", "Safe A"),
        ("SERIAL"[:6] + ":4", "Safe A"),
        ("hid:SERIAL", "Safe A"),
        ("usb:SERIAL", "Safe A"),
        ("token:SERIAL", "Safe A"),
        ("sim:safe.token", "Safe A"),
        ("folder:stick", "STICK"),
        ("stick", "STICK"),
        ("./stick", "STICK"),
        ("STICK", "STICK"),
        ("folder:STICK", "STICK"),
        ("FILE", "FILE"),
        ("drive/NAME", "FILE"),
        ("this", "THIS"),
        ("COMPUTER", "THIS"),
    ],
)
def test_ways_to_name_a_place(shell: Shell, stick: Path, how: str, title: str) -> None:
    path = export(shell, SAFE, "drive")
    found = titles(shell)
    (here,) = [one["title"] for one in found.values() if one["this_computer"]]
    told = {
        "SERIAL": found["Safe A"]["place"].removeprefix("token:"),
        "STICK": str(stick),
        "FILE": str(path),
        "NAME": path.name,
        "THIS": here,
        "COMPUTER": here.upper(),
    }
    if how.startswith("SERIAL:"):
        how = told["SERIAL"][:4].upper()
    for name, value in told.items():
        how, title = how.replace(name, value), title.replace(name, value)
    assert place(shell, "show", how)["title"] == title


def test_a_file_whose_path_is_longer_than_its_label(shell: Shell) -> None:
    path = export(shell, SAFE, "d" * 250)
    (found,) = [one for one in titles(shell).values() if one["kind"] == "file"]
    assert (len(found["label"].encode()), found["label"][-1]) == (200, "\u2026")
    assert place(shell, "show", str(path.relative_to(shell.folder)))["place"] == found["place"]


def test_a_name_comes_first(shell: Shell) -> None:
    """Before the beginning of another one's serial, and whatever the case."""
    serial = titles(shell)["Safe A"]["place"].removeprefix("token:")
    good(shell("place", "set", "stick", "--called", serial[:4].upper()))
    assert place(shell, "show", serial[:4])["kind"] == "folder"
    assert place(shell, "show", serial[:5])["kind"] == "token"


@pytest.mark.parametrize("name", ["nowhere", "", "0" * 16, "Safe", "abc", "\x1b[2J", "a\0b", "~nobody/x", "token:00"])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_name_of_nothing(shell: Shell, name: str, as_json: bool) -> None:
    said = shell("place", "lost", name, *(["--json"] if as_json else []))
    told = failed(said, "place_unknown", 3, as_json=as_json)
    assert "'Safe A' (token " in told
    assert "\x1b" not in said.out + said.err


def test_too_few_digits(shell: Shell) -> None:
    serial = titles(shell)["Safe A"]["place"].removeprefix("token:")
    failed(shell("place", "show", serial[:3]), "place_unknown", 3, as_json=False)


def test_many_places_in_a_message(shell: Shell) -> None:
    tell(*(PlaceNamed(Place(e.TOKEN, bytes([number]) * 8), f"token {number}") for number in range(20)))
    told = failed(shell("place", "show", "nowhere"), "place_unknown", 3, as_json=False)
    assert told.count("(token ") <= 8
    assert "and 15 more" in told


def test_two_that_are_called_the_same(shell: Shell, stick: Path) -> None:
    one, two = Place(e.TOKEN, bytes([1]) * 8), Place(e.TOKEN, bytes([2]) * 8)
    tell(PlaceNamed(one, "Twin"), PlaceNamed(two, "twin"))
    told = failed(shell("place", "lost", "twin"), "place_ambiguous", 3, as_json=False)
    assert "'Twin' (token 01010101), 'twin' (token 02020202)" in told
    assert place(shell, "show", "0202")["title"] == "twin"
    # What to type in the advice is what means this one and no other.
    assert f"coldshare place found {two}" in words(shell, "lost", "0202")


def test_two_sticks_at_one_path(shell: Shell, stick: Path) -> None:
    """The one that is there is read; of two that were there, nobody can tell."""
    (first,) = [one["place"] for one in titles(shell).values() if one["kind"] == "folder"]
    shutil.move(stick / "coldshare", shell.folder / "kept")
    shell.home.rename(shell.folder / "kept.home")
    backup(shell, "phone", "folder:stick")
    with Ledger(ledger_path()) as other:
        events = other.events()
    shutil.rmtree(shell.home)
    (shell.folder / "kept.home").rename(shell.home)
    told = failed(shell("place", "show", "folder:stick"), "place_unseen", 3, as_json=False)
    assert "coldshare ledger rescan --at folder:stick" in told
    with Ledger(ledger_path()) as ledger:
        ledger.merge(events)
    assert place(shell, "show", "folder:stick")["place"] != first
    failed(shell("place", "show", "stick"), "place_ambiguous", 3, as_json=False)
    shutil.rmtree(stick / "coldshare")
    failed(shell("place", "show", "folder:stick"), "place_ambiguous", 3, as_json=False)
    assert place(shell, "show", first)["place"] == first


def test_a_token_that_was_never_seen(shell: Shell) -> None:
    for address in ("hid:0011223344556677", "sim:card.token", CARD):
        told = failed(shell("place", "set", address, "--called", "x"), "place_unseen", 3, as_json=False)
        assert "coldshare ledger rescan --at " in told
    failed(shell("place", "show", "sim:none.token"), "no_such_token", 6, as_json=False)
    failed(shell("place", "show", "hid:12"), "bad_address", 2, as_json=False)
    failed(shell("place", "show", "folder:nowhere"), "folder_not_found", 3, as_json=False)


def test_a_lost_stick_is_known_by_where_it_was(shell: Shell, stick: Path) -> None:
    shutil.rmtree(stick)
    answer = place(shell, "lost", f"folder:{stick}")
    assert (answer["label"], answer["changed"]) == (str(stick), True)


# --- saying what it is


def test_describing(shell: Shell) -> None:
    answer = place(shell, "set", "stick", "--called", "grey", "--location", "bank", "--custodian", " Ada ")
    assert answer["changed"] is True
    assert (answer["called"], answer["location"], answer["custodian"], answer["account"]) == (
        "grey", "bank", "Ada", None,
    )  # fmt: skip
    answer = place(shell, "set", "GREY", "--account", "drive", "--note", "beside the deeds")
    assert (answer["called"], answer["location"], answer["account"], answer["note"]) == (
        "grey", "bank", "drive", "beside the deeds",
    )  # fmt: skip
    assert place(shell, "set", "grey", "--location", "bank")["changed"] is False
    assert "The ledger had it so already." in words(shell, "set", "grey", "--location", "bank")
    answer = place(shell, "set", "grey", "--called", "", "--location", " ")
    assert (answer["called"], answer["location"], answer["custodian"]) == (None, None, "Ada")
    log = good(shell("ledger", "log")).out
    assert "called 'grey', location 'bank', custodian 'Ada'" in log
    assert "with Ada, account drive" in words(shell)
    assert place(shell, "set", "stick", "--custodian", "", "--account", "", "--note", "")["changed"]
    assert "nothing is said of it any more" in good(shell("ledger", "log")).out


def test_nothing_is_said(shell: Shell) -> None:
    failed(shell("place", "set", "stick"), "usage", 2, as_json=False)


@pytest.mark.parametrize(
    ("option", "text"),
    [("--called", "x" * 201), ("--note", "é" * 101), ("--location", "bank\x1b[2J"), ("--custodian", "Ada\u202e")],
)
def test_words_that_cannot_be_kept(shell: Shell, option: str, text: str) -> None:
    said = shell("place", "set", "stick", option, text)
    failed(said, "place_text", 3, as_json=False)
    assert "\x1b" not in said.err
    assert place(shell, "set", "stick", "--note", "é" * 100)["note"] == "é" * 100


@pytest.mark.parametrize(
    "name", ["Safe A", "SAFE A", "grey", "this", "This", "this computer", "hid:x", "folder:stick", "-x", "COMPUTER"]
)
def test_names_that_mean_something_else(shell: Shell, name: str) -> None:
    good(shell("place", "set", "this", "--called", "desk"))
    tell(HostNamed("office"), host=OFFICE)
    good(shell("place", "set", "office", "--called", "grey"))
    (here,) = [one["label"] for one in titles(shell).values() if one["this_computer"]]
    name = name.replace("COMPUTER", here)
    told = failed(shell("place", "set", "stick", f"--called={name}"), "place_name", 5, as_json=False)
    assert repr(name) in told
    # Its own name is no reason.
    assert place(shell, "set", "Safe A", "--called", "SAFE a")["called"] == "SAFE a"


def test_the_name_of_a_wiped_token_is_free(shell: Shell) -> None:
    good(shell("place", "set", "Safe A", "--called", "grey"))
    place_of = bytes.fromhex(titles(shell)["grey"]["place"].removeprefix("token:"))
    tell(PlaceWiped(Place(e.TOKEN, place_of), bytes(8)))
    assert place(shell, "set", "stick", "--called", "grey")["kind"] == "folder"
    assert place(shell, "show", "grey")["kind"] == "folder"
    assert any(line.endswith("wiped") for line in words(shell).splitlines())


# --- rule 1, by what is said


def notes(shell: Shell, *argv: str) -> str:
    """What is said besides; JSON says the same."""
    said = [line.removeprefix("Note: ") for line in words(shell, *argv).splitlines() if line.startswith("Note: ")]
    return "\n".join(said)


@pytest.mark.parametrize(
    ("option", "by", "told"),
    [
        ("--location", "location", "kept at one location: bank"),
        ("--custodian", "custodian", "kept by one custodian: bank"),
        ("--account", "account", "in one account: bank"),
    ],
)
def test_what_brings_enough_shares_together_is_said_and_done(shell: Shell, option: str, by: str, told: str) -> None:
    assert notes(shell, "set", "stick", option, "bank") == ""
    answer = place(shell, "set", "Safe A", option, "BANK")
    (found,) = answer["together"]
    assert (found["by"], found["parties"], found["threshold"]) == (by, ["Laptop", "Phone"], 2)
    (warning,) = answer["warnings"]
    assert told in warning.replace("BANK", "bank")
    assert "can sign without you" in warning
    assert titles(shell)["Safe A"][by] == "BANK", "it is done all the same"
    # It is said when it comes to be so, and in the list.
    assert notes(shell, "set", "Safe A", "--note", "x") == ""
    assert told in notes(shell, "list").replace("BANK", "bank")
    assert place(shell, "set", "Safe A", option, "home")["together"] == []
    assert told not in notes(shell, "list").replace("BANK", "bank")


def test_one_party_twice_at_one_location_is_fine(shell: Shell) -> None:
    backup(shell, "laptop", CARD)
    good(shell("place", "set", "Safe A", "--location", "bank"))
    assert place(shell, "set", "Card", "--location", "bank")["together"] == []


def test_two_files_in_one_account(shell: Shell) -> None:
    """A file that was handed to a cloud drive is an exported one, and says whose account it is in."""
    backup(shell, "tablet", CARD)
    one, two = export(shell, SAFE, "one"), export(shell, CARD, "two")
    good(shell("place", "set", str(one), "--account", "ada@drive"))
    (found,) = place(shell, "set", str(two), "--account", "ada@drive")["together"]
    assert (found["by"], found["parties"]) == ("account", ["Laptop", "Tablet"])


def test_which_computers_reach_a_place(shell: Shell, stick: Path) -> None:
    tell(HostNamed("office"), ShareHandled(share("Laptop"), e.BACKED_UP), host=OFFICE)
    answer = place(shell, "set", "stick", "--reached-by", "Office")
    assert {one["name"] for one in answer["reached_by"]} == {"this computer", "office"}
    assert any(line.split("  ")[-2:] == ["this computer, office", "at hand"] for line in words(shell).splitlines())
    (found,) = [one for one in answer["together"] if one["what"] == "office"]
    assert (found["by"], found["parties"]) == ("computer", ["Laptop", "Phone"])
    answer = place(shell, "set", "stick", "--not-reached-by", OFFICE.hex()[:6], "--not-reached-by", "this")
    assert (answer["reached_by"], answer["together"]) == ([], [])
    assert "does not reach" in good(shell("ledger", "log")).out


@pytest.mark.parametrize(
    ("argv", "code", "status"),
    [
        (("stick", "--reached-by", "nobody"), "place_unknown", 3),
        (("stick", "--reached-by", "Safe A"), "place_unknown", 3),
        (("stick", "--reached-by", "this", "--not-reached-by", "this"), "usage", 2),
        (("this", "--reached-by", "this"), "usage", 2),
    ],
)
def test_computers_that_are_none(shell: Shell, argv: tuple[str, ...], code: str, status: int) -> None:
    before = words(shell)
    failed(shell("place", "set", *argv, "--location", "bank"), code, status, as_json=False)
    assert words(shell) == before


def test_a_computer_is_a_place(shell: Shell) -> None:
    """It can be at a location, too: what it had in the clear counts."""
    tell(HostNamed("office"), ShareHandled(share("Tablet"), e.VERIFIED), host=OFFICE)
    good(shell("place", "set", "office", "--location", "bank", "--custodian", "Ada"))
    assert "the share of Tablet of 'Savings', to verify a backup" in words(shell, "show", "office")
    (found,) = place(shell, "set", "stick", "--location", "bank")["together"]
    assert found["parties"] == ["Phone", "Tablet"]
    assert "Savings: Tablet, in the clear" in words(shell)
    said = words(shell, "lost", "office")
    assert "The computer 'office' is recorded as LOST." in said
    assert "no share in the clear" in said
    failed(shell("place", "lost", "this"), "place_here", 5, as_json=False)


# --- lost and found


def test_the_only_backup_is_lost(shell: Shell, stick: Path) -> None:
    good(shell("place", "set", "stick", "--called", "grey stick"))
    said = words(shell, "lost", "grey stick")
    assert said.startswith("'grey stick' (folder) is recorded as LOST.\n")
    assert f"{TOLD} Phone is left. Its device has its share" in said
    assert "try passwords for as long as they like" in said
    assert "coldshare place found 'grey stick'" in said
    line = next(line for line in words(shell).splitlines() if line.startswith("grey stick"))
    assert line.endswith("LOST, and at hand")
    assert "is recorded as LOST already." in words(shell, "lost", "grey stick")
    said = words(shell, "found", "grey stick")
    assert "Savings: Phone has this backup again." in said
    assert f"coldshare verify --at folder:{stick}" in said
    assert "was not recorded as lost" in words(shell, "found", "grey stick")


def test_in_json(shell: Shell) -> None:
    answer = place(shell, "lost", "Safe A")
    (touched,) = answer["shares"]
    assert (touched["party"], touched["device"], touched["older"], touched["others"]) == ("Laptop", "alive", False, [])
    assert answer["lost"] is not None
    assert place(shell, "lost", "Safe A")["shares"] == []
    answer = place(shell, "found", "Safe A")
    assert (answer["changed"], answer["lost"], len(answer["shares"])) == (True, None, 1)


def test_another_backup_is_left(shell: Shell) -> None:
    backup(shell, "laptop", CARD)
    assert "Savings: Laptop has another backup, at 'Card'." in words(shell, "lost", "Safe A")
    assert f"{TOLD} Laptop is left" in words(shell, "lost", "Card"), "the other one is lost already"


def test_the_device_is_lost_too(shell: Shell) -> None:
    tell(DeviceLost(share("Phone").vault, "Phone"))
    said = words(shell, "lost", "stick")
    assert "its device does not have its share either" in said
    assert "coldshare lost Phone" in said


def test_an_exported_file_needs_its_token(shell: Shell) -> None:
    """Its password opens it only together with the token that is lost; a recovery code opens it alone."""
    export(shell, SAFE, "drive")
    assert f"{TOLD} Laptop is left" in words(shell, "lost", "Safe A")
    good(shell("place", "found", "Safe A"))
    backup(shell, "tablet", CARD, "--recovery-out", "code")
    shell.secrets.add("code", (shell.folder / "code").read_text().splitlines()[2])
    path = export(shell, CARD, "other")
    assert f"Savings: Tablet has another backup, at {str(path)!r}." in words(shell, "lost", "Card")


def test_the_token_cannot_be_read_and_still_opens_the_file(shell: Shell) -> None:
    export(shell, SAFE, "drive")
    token = Place(e.TOKEN, bytes.fromhex(titles(shell)["Safe A"]["place"].removeprefix("token:")))
    (backup_id,) = [bytes.fromhex(one["backup_id"]) for one in titles(shell)["Safe A"]["backups"]]
    tell(e.BackupFailed(token, backup_id, "seal_damaged"))
    assert f"{TOLD} Laptop is left" in words(shell, "lost", "Safe A")


def test_old_shares_are_never_called_void(shell: Shell) -> None:
    for name, (share, *_) in zip(("older", "newer"), generations(2), strict=True):
        shell.write(f"{name}.vult", share.vult)
        shell.secrets.add_share(share.vult)
    backup(shell, "older", CARD)
    backup(shell, "newer", CARD, "--newer")
    said = words(shell, "lost", "Card")
    assert "an older share of" in said
    assert "Old shares still work with each other." in said


def test_what_held_nothing(shell: Shell) -> None:
    token = Place(e.TOKEN, bytes([7]) * 8)
    tell(PlaceNamed(token, "Empty"))
    assert "NO backup" not in words(shell, "lost", "Empty")
    assert place(shell, "found", "Empty")["shares"] == []


def test_a_lost_place_of_a_kind_to_come(shell: Shell) -> None:
    """A newer version may know more kinds of places."""
    tell(PlaceNamed(Place(77, b"xyzzy"), "hologram"), PlaceLost(Place(77, b"xyzzy")))
    assert "hologram" in words(shell)
    assert "LOST already" in words(shell, "lost", "hologram")


# --- completion


def offered(incomplete: str) -> list[str]:
    group = cli.get_command(click.Context(cli), "place")
    assert isinstance(group, click.Group)
    (which,) = [one for one in group.commands["show"].params if one.name == "which"]
    return [one.value for one in which.shell_complete(click.Context(group), incomplete)]


def test_names_are_completed(shell: Shell) -> None:
    good(shell("place", "set", "stick", "--called", "grey"))
    assert {"this", "grey"} <= set(offered(""))
    assert offered("gr") == ["grey"]
    assert "Safe A" not in offered("S"), "a shell would take it apart"
    assert offered("folder:st") == ["folder:stick/"]
    ledger_path().unlink()
    assert offered("") == ["this"]


def test_json_is_one_object_of_text(shell: Shell) -> None:
    answer = place(shell, "list")
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["ok"], answer["command"]) == (True, "place")


# --- on this computer's own disk


def test_a_folder_on_a_disk_of_this_computer(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that looks at it writes down where it is, and what that means is said where the place is."""
    looks = (("drill", "--password-file", "pw"), ("verify", "--password-file", "pw"), ("ledger", "rescan"))
    for number, look in enumerate(looks):
        for there in (True, False):
            monkeypatch.setattr(surroundings, "built_in", lambda path, there=there: there)
            good(shell(*look, "--at", "folder:stick"))
            assert [len(place(shell, "show", "stick")["built_into"]), number] == [int(there), number]
    monkeypatch.setattr(surroundings, "built_in", lambda path: True)
    backup(shell, "phone", "folder:stick")
    monkeypatch.setattr(surroundings, "built_in", lambda path: None)
    good(shell("verify", "--password-file", "pw", "--at", "folder:stick"))
    assert "on a disk of: this computer" in words(shell, "show", "stick")
    assert "on a computer's own disk" in words(shell, "list")
    assert "folder, on a computer's own disk" in shell("status").out
    place(shell, "set", "stick", "--not-reached-by", "this")
    assert place(shell, "show", "stick")["built_into"] == []
    (phone,) = [one for one in shell("status", "--json").json["vaults"][0]["members"] if one["party"] == "Phone"]
    (copy,) = phone["backups"]
    assert copy["lost_with"] == copy["place"]["place"]
