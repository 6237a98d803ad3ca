"""`coldshare audit`, what is said after an unlock, and a token that was put back to an earlier state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coldshare.cli.happened import gap
from coldshare.device.history import Entry, Head, History
from coldshare.device.token import TokenClient
from coldshare_iface import wire
from coldshare_iface.errors import PinWrongError
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from support.desk import Cable, Desk, power_up, put_share, vault
from support.shell import Said, Shell, failed

YES = ("--at", "sim:a.token?user=approve", "--pin-file", "pin")


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """A token with the share of the phone on it, seen by this computer."""
    desk = Desk(shell.home)
    chip = desk.token()
    with desk.client(chip) as client:
        put_share(client, vault()[0].vult)
    (shell.folder / "a.token").write_bytes(chip.image)
    shell.write("wrong", "918273", secret="wrong PIN")
    return shell


@pytest.fixture
def visitor(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on another computer."""
    home = str(ready.home)

    def run(*argv: str) -> Said:
        monkeypatch.setenv("COLDSHARE_HOME", str(ready.folder / ".other"))
        try:
            return ready(*argv)
        finally:
            monkeypatch.setenv("COLDSHARE_HOME", home)

    return run


def audit(shell: Shell) -> dict[str, Any]:
    answer: dict[str, Any] = good(shell("audit", *YES, "--json")).json
    return answer


def test_audit(ready: Shell) -> None:
    said = good(ready("audit", *YES))
    assert "4 entries so far" in said.out
    for words in (
        "paired with this computer",
        "set up",
        "share stored",
        "share read back and confirmed",
        "the share of Phone of 'Savings'",
        "It goes on from number 4, which this computer saw last; nothing is new",
    ):
        assert words in said.out
    answer = audit(ready)
    assert (answer["count"], answer["goes_on"], answer["seen_before"]) == (4, True, 4)
    assert [entry["event"] for entry in answer["entries"]] == ["paired", "set_up", "stored", "confirmed"]
    paired, _, stored, _ = answer["entries"]
    assert (paired["asked_by"], paired["computer"]["this_computer"]) == (None, True)
    assert stored["asked_by"] == {"id": ready.store.all()[0].psk_id.hex(), "host": "desk", "this_computer": True}
    assert (stored["share"]["party"], len(stored["backup_id"])) == ("Phone", 32)
    assert not any(entry["new"] for entry in answer["entries"])


def test_what_others_did_is_said_once_and_marked(ready: Shell, visitor: Any) -> None:
    good(visitor("pair", "--at", YES[1]))
    good(visitor("restore", *YES, "--password-file", "pw", "--out", "taken"))
    answer = audit(ready)
    assert (answer["seen_before"], answer["count"]) == (4, 6)
    assert [entry["number"] for entry in answer["entries"] if entry["new"]] == [5, 6]
    released = answer["entries"][-1]
    assert (released["event"], released["detail"]) == ("released", wire.PURPOSE_RESTORE)
    assert released["asked_by"]["this_computer"] is False

    good(visitor("verify", *YES, "--password-file", "pw"))
    said = good(ready("list", *YES))
    assert "Since this computer saw this token last:" in said.err
    assert "share RELEASED to verify" in said.err
    assert "coldshare audit" in said.err
    assert "Since this computer" not in good(ready("list", *YES)).err
    said = good(ready("audit", *YES))
    assert "share RELEASED to restore" in said.out
    assert "nothing is new" in said.out


def test_ones_own_releases_are_no_news(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    good(ready("verify", *YES, "--password-file", "pw"))
    # One that fails afterwards: this computer has not seen the end of that visit.
    failed(ready("verify", *YES, "--password-file", "wrong"), "factor_wrong", 4, as_json=False)
    assert "Since this computer" not in good(ready("list", *YES)).err


def test_wrong_pins_are_said(ready: Shell) -> None:
    for _ in range(2):
        failed(ready("list", "--at", YES[1], "--pin-file", "wrong"), "pin_wrong", 4, as_json=False)
    said = good(ready("list", *YES))
    assert "  2 wrong PINs" in said.err
    assert good(ready("list", *YES, "--json")).json["ok"]
    assert "2 wrong PINs before the right one" in good(ready("audit", *YES)).out


def test_a_computer_that_it_has_forgotten(ready: Shell, visitor: Any) -> None:
    good(visitor("pair", "--at", YES[1]))
    good(visitor("verify", *YES, "--password-file", "pw"))
    good(ready("pairings", "remove", "--others", *YES))
    said = good(ready("audit", *YES))
    assert "a computer it has forgotten" in said.out
    (one,) = [entry for entry in audit(ready)["entries"] if entry["event"] == "released"]
    assert one["asked_by"]["host"] is None


def test_the_first_look(ready: Shell, visitor: Any) -> None:
    good(visitor("pair", "--at", YES[1]))
    said = good(visitor("audit", *YES))
    assert "for the first time" in said.out
    assert "Since this computer" not in said.err
    assert "4 entries" not in said.out


def test_a_ring_that_does_not_reach_back(ready: Shell, folder: Path) -> None:
    """The flash has lost what was between: that is said, and is no proof of anything."""
    chip = Chip((folder / "a.token").read_bytes())
    client = TokenClient(Cable(power_up(chip)))
    client.connect(ready.store)
    client.unlock("483920483920")
    for number in range(3):
        client.set_label(f"Safe {number}")
    client.close()
    files = LittleFiles(chip)
    for name in files.listdir("/a"):
        files.remove(f"/a/{name}")
    (folder / "a.token").write_bytes(chip.image)
    said = good(ready("audit", *YES))
    assert "None of them can be read any more" in said.out
    assert "does not reach back to number 4" in said.out
    assert "3 entries of its record are MISSING that it has room for" in said.err
    assert "3 entries of its record are MISSING" in said.out


@pytest.mark.parametrize(
    ("count", "first", "says"),
    [
        (4 + wire.AUDIT_MAX + 1, 6, "more was done to it than its record holds"),
        (4 + wire.AUDIT_MAX, 6, "1 entry of its record is MISSING"),
        (10, 8, "3 entries of its record are MISSING"),
        (10, None, "6 entries of its record are MISSING"),
    ],
)
def test_a_gap_where_there_was_room_is_no_usual_one(count: int, first: int | None, says: str) -> None:
    entries = () if first is None else (Entry(first, wire.EVENT_LABELLED, 0, b"", b""),)
    assert says in gap(History(Head(count, bytes(32)), entries, known=False, since=4))


def test_a_token_that_was_put_back(ready: Shell, folder: Path) -> None:
    before = (folder / "a.token").read_bytes()
    good(ready("label", "Safe Z", *YES))
    good(ready("remove", good(ready("list", *YES, "--json")).json["backups"][0]["backup_id"], *YES))
    (folder / "a.token").write_bytes(before)
    for as_json in (False, True):
        for argv in (("list",), ("audit",), ("verify", "--password-file", "pw")):
            said = ready(*argv, *YES, *(["--json"] if as_json else []))
            text = failed(said, "token_rolled_back", 7, as_json=as_json)
            assert "coldshare pair" in text
            assert "stale" in text
    # Whoever has put it back themselves says so by pairing.
    good(ready("pair", "--at", YES[1]))
    said = good(ready("list", *YES))
    assert "Safe A" in said.out
    assert "for the first time" not in good(ready("audit", *YES)).out


def test_an_attempt_in_between_breaks_nothing(ready: Shell, folder: Path) -> None:
    chip = Chip((folder / "a.token").read_bytes())
    client = TokenClient(Cable(power_up(chip)))
    client.connect(ready.store)
    with pytest.raises(PinWrongError):
        client.unlock("000000")
    (folder / "a.token").write_bytes(chip.image)
    answer = audit(ready)
    assert (answer["goes_on"], answer["entries"][-1]["event"]) == (True, "wrong_pins")
