"""label, pin, pairings, remove, wipe and tokens, as people and scripts use them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from coldshare.device.token import TokenClient
from coldshare_iface import wire
from coldshare_iface.errors import BurntError, PinWrongError
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from support.desk import PIN, Cable, Desk, power_up
from support.shell import Said, Shell, failed, holds, key_record
from support.terminal import CTRL_C, Terminal

AT = "sim:a.token"
YES = f"{AT}?user=approve"
NO = f"{AT}?user=reject"
PINS = ("--pin-file", "pin")
NEW_PIN = "271828"


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """A token with the share of the phone on it."""
    chip, backup_id = Desk(shell.home).stored()
    (shell.folder / "a.token").write_bytes(chip.image)
    shell.write("new", NEW_PIN, secret="new PIN")
    shell.write("wrong", "918273", secret="wrong PIN")
    shell.write("id", backup_id.hex())
    return shell


def held(shell: Shell) -> str:
    return (shell.folder / "id").read_text()


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


def burn(shell: Shell) -> None:
    """In a time of its own: it takes minutes."""
    path = shell.folder / "a.token"
    chip = Chip(path.read_bytes())
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt % wire.PIN_PER_POWER_UP == 0:
            client = TokenClient(Cable(power_up(chip)))
            client.connect(shell.store)
        with pytest.raises((PinWrongError, BurntError)):
            client.unlock("000000")
    path.write_bytes(chip.image)
    assert good(shell("tokens", "--at", YES, "--json")).json["here"]["state"] == "burnt"


# --- label and PIN


def test_label(ready: Shell) -> None:
    said = good(ready("label", "Safe B", "--at", YES, *PINS))
    assert "'Safe B' now; it was 'Safe A'" in said.out
    said = good(ready("label", "Safe C", "--at", YES, *PINS, "--json")).json
    assert (said["token"]["label"], said["before"]) == ("Safe C", "Safe B")
    assert good(ready("tokens", "--json")).json["tokens"][0]["label"] == "Safe C"


@pytest.mark.parametrize("name", ["", "n" * 33, "Safe\nB", "Safe\u202eB"])
def test_a_label_that_is_none(ready: Shell, name: str) -> None:
    failed(ready("label", name, "--at", YES, *PINS, "--json"), "usage", 2, as_json=True)


def test_pin(ready: Shell) -> None:
    said = good(ready("pin", "--at", YES, *PINS, "--new-pin-file", "new"))
    assert "has a new PIN" in said.out
    failed(ready("list", "--at", YES, *PINS), "pin_wrong", 4, as_json=False)
    good(ready("list", "--at", YES, "--pin-file", "new"))
    good(ready("pin", "--at", YES, "--pin-file", "new", "--new-pin-file", "-", "--json", stdin=PIN.encode()))
    good(ready("list", "--at", YES, *PINS))


def test_what_a_change_of_pin_refuses(ready: Shell) -> None:
    ready.write("short", "12")
    before = key_record(ready.folder / "a.token")
    for argv, code, status in (
        (("--at", YES, *PINS, "--new-pin-file", "pin"), "same_pin", 4),
        (("--at", YES, *PINS, "--new-pin-file", "short"), "pin_format", 4),
        (("--at", YES, *PINS), "secret_needed", 4),
        (("--at", YES, "--pin-file", "-", "--new-pin-file", "-"), "secret_file", 3),
        (("--at", NO, *PINS, "--new-pin-file", "new"), "rejected", 5),
    ):
        failed(ready("pin", *argv, "--json", stdin=PIN.encode()), code, status, as_json=True)
        assert key_record(ready.folder / "a.token") == before
    failed(ready("pin", "--at", YES, "--pin-file", "wrong", "--new-pin-file", "new"), "pin_wrong", 4, as_json=False)
    assert key_record(ready.folder / "a.token")[8] == 1


def test_a_change_of_pin_at_a_terminal(ready: Shell, folder: Path) -> None:
    with Terminal("pin", "--at", AT, cwd=folder) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        terminal.answer("New PIN (4 to 12 digits): ", "12")
        terminal.until("A PIN has 4 to 12 digits")
        terminal.answer("New PIN (4 to 12 digits): ", NEW_PIN)
        terminal.answer("The same once more: ", NEW_PIN)
        terminal.until("Change the PIN?")
        terminal.press("y")
        assert terminal.finish() == 0
        ready.check(terminal.raw)
    good(ready("list", "--at", YES, "--pin-file", "new"))


# --- pairings


def test_pairings(ready: Shell, folder: Path) -> None:
    other = Shell(folder, ready._monkeypatch, ready._capsys)
    ready._monkeypatch.setenv("COLDSHARE_HOME", str(folder / ".other"))
    good(other("pair", "--at", YES))
    mine = good(other("pairings", "--at", YES, *PINS, "--json")).json
    assert [one["this_computer"] for one in mine["pairings"]] == [False, True]
    ready._monkeypatch.setenv("COLDSHARE_HOME", str(ready.home))
    said = good(ready("pairings", "list", "--at", YES, *PINS))
    assert [line.endswith("this computer") for line in said.out.splitlines()[2:]] == [True, False]
    theirs = mine["pairings"][1]["id"]
    said = good(ready("pairings", "remove", theirs[:6], "--at", YES, *PINS, "--json")).json
    assert [one["id"] for one in said["removed"]] == [theirs]
    assert "knows no other computer" in good(ready("pairings", "remove", "--others", "--at", YES, *PINS)).out
    ready._monkeypatch.setenv("COLDSHARE_HOME", str(folder / ".other"))
    failed(other("list", "--at", YES, *PINS), "session_refused", 5, as_json=False)


def test_all_others(ready: Shell, folder: Path) -> None:
    for name in ("one", "two"):
        ready._monkeypatch.setenv("COLDSHARE_HOME", str(folder / name))
        good(ready("pair", "--at", YES))
    ready._monkeypatch.setenv("COLDSHARE_HOME", str(ready.home))
    failed(ready("pairings", "remove", "--others", "--at", NO, *PINS), "rejected", 5, as_json=False)
    said = good(ready("pairings", "remove", "--others", "--at", YES, *PINS, "--json")).json
    assert [one["this_computer"] for one in said["removed"]] == [False, False]
    assert len(good(ready("pairings", "--at", YES, *PINS, "--json")).json["pairings"]) == 1


def test_a_computer_that_removes_itself_keeps_no_key(ready: Shell) -> None:
    said = good(ready("pairings", "remove", "desk", "--at", YES, *PINS))
    assert "That was this computer" in said.out
    assert ready.store.all() == []
    failed(ready("list", "--at", YES, *PINS), "not_paired", 5, as_json=False)


@pytest.mark.parametrize(
    ("argv", "code", "status"),
    [
        (("list", "abcd"), "usage", 2),
        (("list", "--others"), "usage", 2),
        (("remove",), "usage", 2),
        (("remove", "abcd", "--others"), "usage", 2),
        (("add",), "usage", 2),
        (("remove", "nobody"), "no_such_pairing", 3),
    ],
)
def test_pairings_that_are_none(ready: Shell, argv: tuple[str, ...], code: str, status: int) -> None:
    failed(ready("pairings", *argv, "--at", YES, *PINS, "--json"), code, status, as_json=True)


# --- remove


def test_remove(ready: Shell) -> None:
    wanted = held(ready)
    said = good(ready("remove", wanted[:8], "--at", YES, *PINS))
    assert said.err.startswith("To be destroyed: the share of Phone of 'Savings'")
    assert said.out.startswith("Destroyed: the share of Phone of 'Savings'")
    assert holds(ready.folder / "a.token") == (1, "Safe A", [])
    failed(ready("remove", wanted[:8], "--at", YES, *PINS, "--json"), "no_backup", 3, as_json=True)


def test_remove_as_json(ready: Shell) -> None:
    said = good(ready("remove", held(ready).upper(), "--at", YES, *PINS, "--json")).json
    assert (said["removed"]["backup_id"], said["removed"]["party"]) == (held(ready), "Phone")


@pytest.mark.parametrize("wanted", ["", "-", "--", "abc", "----", "Savings", "abcg"])
def test_nothing_is_removed_by_a_slip(ready: Shell, wanted: str) -> None:
    before = holds(ready.folder / "a.token")
    failed(ready("remove", "--at", YES, *PINS, "--json", "--", wanted), "usage", 2, as_json=True)
    assert holds(ready.folder / "a.token") == before


def test_remove_is_refused_at_the_token(ready: Shell) -> None:
    before = holds(ready.folder / "a.token")
    failed(ready("remove", held(ready), "--at", NO, *PINS), "rejected", 5, as_json=False)
    failed(ready("remove", held(ready), "--at", AT, *PINS), "no_person", 6, as_json=False)
    assert holds(ready.folder / "a.token") == before


def test_a_damaged_record_leaves_a_backup_that_opens(ready: Shell) -> None:
    wanted = held(ready)
    chip = Chip((ready.folder / "a.token").read_bytes())
    LittleFiles(chip).write(f"/r/{wanted}", b"damaged")
    (ready.folder / "a.token").write_bytes(chip.image)
    (one,) = good(ready("list", "--at", YES, *PINS, "--json")).json["backups"]
    assert (one["backup_id"], one["state"], one["vault"], one["party"]) == (wanted, "damaged", None, None)
    assert one["sealed_size"] > 100_000
    assert "lost the name" in good(ready("list", "--at", YES, *PINS)).out
    said = good(ready("verify", "--at", YES, *PINS, "--password-file", "pw"))
    assert "the share of Phone of 'Savings', read back whole" in said.out
    assert "Back the share up anew" in said.out
    (one,) = good(ready("verify", "--at", YES, *PINS, "--password-file", "pw", "--json")).json["backups"]
    assert (one["state"], one["party"], one["opened"]) == ("damaged", "Phone", True)
    (one,) = good(ready("verify", "--at", YES, *PINS, "--no-password", "--json")).json["backups"]
    assert (one["party"], one["opened"]) == (None, False)
    good(ready("restore", "--at", YES, *PINS, "--password-file", "pw", "--out", "back.vult"))
    assert (ready.folder / "back.vult").read_bytes() == (ready.folder / "phone.vult").read_bytes()
    said = good(ready("remove", wanted[:8], "--at", YES, *PINS))
    assert "a backup without a name" in said.out
    assert good(ready("list", "--at", YES, *PINS, "--json")).json["backups"] == []


def test_a_short_press_at_the_terminal_and_then_a_long_one(ready: Shell, folder: Path) -> None:
    with Terminal("remove", held(ready)[:8], "--at", AT, cwd=folder) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        terminal.until("DESTROY this share?")
        terminal.until("keys: h = HOLD YES, n = NO")
        terminal.until("HOLD its button for two seconds.")
        time.sleep(0.2)
        terminal.type("y")
        terminal.until("Keep YES down for 2 s")
        terminal.until("keys: h = HOLD YES, n = NO")
        time.sleep(0.2)
        terminal.type("h")
        assert terminal.finish() == 0
        assert "Destroyed" in terminal.screen
        assert terminal.sane
    assert holds(folder / "a.token") == (1, "Safe A", [])


# --- wipe


def test_wipe_and_begin_again(ready: Shell) -> None:
    before = good(ready("tokens", "--json")).json["tokens"][0]["serial"]
    said = good(ready("wipe", "--at", YES, "--json")).json
    assert (said["serial_before"], said["serial"] == before, said["pairing_forgotten"]) == (before, False, True)
    assert ready.store.all() == []
    assert holds(ready.folder / "a.token") == (0, "", [])
    good(ready("init", "--at", YES, "--label", "Safe B", "--pin-file", "new"))
    good(ready("backup", "laptop.vult", "--at", YES, "--pin-file", "new", "--password-file", "pw"))


def test_wipe_from_a_computer_it_has_never_seen(ready: Shell, folder: Path) -> None:
    ready._monkeypatch.setenv("COLDSHARE_HOME", str(folder / ".other"))
    said = good(ready("wipe", "--at", YES))
    assert "Wiped" in said.out
    assert not (folder / ".other").exists()


def test_wipe_of_a_burnt_token(ready: Shell) -> None:
    burn(ready)
    text = failed(ready("list", "--at", YES, *PINS), "burnt", 4, as_json=False)
    assert "coldshare wipe" in text
    good(ready("wipe", "--at", YES))
    good(ready("init", "--at", YES, "--label", "Safe B", *PINS))


def test_wipe_is_refused_at_the_token(ready: Shell) -> None:
    before = holds(ready.folder / "a.token")
    failed(ready("wipe", "--at", NO), "rejected", 5, as_json=False)
    failed(ready("wipe", "--at", AT), "no_person", 6, as_json=False)
    failed(ready("wipe", "--at", "sim:none.token"), "no_such_token", 6, as_json=False)
    assert holds(ready.folder / "a.token") == before
    assert not (ready.folder / "none.token").exists()
    good(ready("list", "--at", YES, *PINS))


def test_wipe_with_a_pairing_file_that_cannot_be_read(ready: Shell) -> None:
    (ready.home / "pairings.json").write_text("{")
    said = good(ready("wipe", "--at", YES))
    assert "old pairing key is still on this computer" in said.out
    assert holds(ready.folder / "a.token") == (0, "", [])


def test_ctrl_c_while_it_asks_to_wipe(ready: Shell, folder: Path) -> None:
    before = holds(folder / "a.token")
    with Terminal("wipe", "--at", AT, cwd=folder) as terminal:
        terminal.until("WIPE this token?")
        terminal.until("HOLD its button")
        terminal.type(CTRL_C)
        assert terminal.finish() == 130
        assert terminal.sane
    assert holds(folder / "a.token") == before


# --- tokens


def test_tokens(shell: Shell) -> None:
    assert "knows no token yet" in good(shell("tokens")).out
    assert good(shell("tokens", "--json")).json["tokens"] == []
    assert not shell.home.exists()


def test_tokens_and_what_is_here(ready: Shell) -> None:
    (known,) = good(ready("tokens", "--json")).json["tokens"]
    assert known["label"] == "Safe A"
    before = (ready.folder / "a.token").read_bytes()
    here = good(ready("tokens", "--at", AT, "--json")).json["here"]
    assert here == {
        "address": AT,
        "serial": known["serial"],
        "state": "ready",
        "model": "coldshare-sim",
        "firmware": "0.1.0",
        "capabilities": ["backup", "screen", "manage", "generations", "audit"],
        "paired": True,
        "label": "Safe A",
    }
    assert (ready.folder / "a.token").read_bytes() == before
    ready._monkeypatch.setenv("COLDSHARE_AT", AT)
    assert "can: backup, screen, manage, generations, audit" in good(ready("tokens")).out


def test_a_token_that_is_not_there_is_an_answer(ready: Shell) -> None:
    said = good(ready("tokens", "--at", "sim:none.token", "--json")).json
    assert said["here"]["error"]["code"] == "no_such_token"
    assert len(said["tokens"]) == 1
    assert "There is no software token" in good(ready("tokens", "--at", "sim:none.token")).out
    failed(ready("tokens", "--at", "none:x"), "bad_address", 2, as_json=False)


def test_an_entry_without_a_label(ready: Shell) -> None:
    """As an earlier coldshare wrote it."""
    path = ready.home / "pairings.json"
    document = json.loads(path.read_bytes())
    for entry in document["pairings"]:
        entry.pop("label", None)
    path.write_text(json.dumps(document))
    assert good(ready("tokens", "--json")).json["tokens"][0]["label"] is None
    good(ready("list", "--at", YES, *PINS))
    assert good(ready("tokens", "--json")).json["tokens"][0]["label"] == "Safe A"
