"""The one file on the computer that holds secrets for longer than a command."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare.device.pairings import Pairing, PairingsError, PairingStore
from coldshare.files import OutputError

A = Pairing(serial=b"serial-a", psk_id=b"psk-id-a", psk=bytes(range(32)))
B = Pairing(serial=b"serial-b", psk_id=b"psk-id-b", psk=bytes(range(32, 64)))


@pytest.fixture
def store(home: Path) -> PairingStore:
    return PairingStore(home / "deep" / "pairings.json")


def test_nothing_is_known_at_first_and_nothing_is_made_by_asking(store: PairingStore) -> None:
    assert store.find(A.serial) is None
    assert not store.path.parent.exists()


def test_what_is_kept_is_found_by_a_later_process(store: PairingStore) -> None:
    store.keep(A)
    store.keep(B)
    again = PairingStore(store.path)
    assert again.find(A.serial) == A
    assert again.find(B.serial) == B
    assert again.find(b"serial-c") is None


def test_pairing_again_forgets_the_earlier_key(store: PairingStore) -> None:
    store.keep(A)
    newer = Pairing(A.serial, b"psk-id-2", bytes(32))
    store.keep(newer)
    assert store.find(A.serial) == newer
    assert A.psk.hex() not in store.path.read_text()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_only_its_owner_can_read_it(store: PairingStore) -> None:
    before = os.umask(0)
    try:
        store.keep(A)
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    store.path.chmod(0o644)
    store.keep(B)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_change_that_fails_loses_nothing(store: PairingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.keep(A)
    before = store.path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError):
        store.keep(B)
    monkeypatch.undo()
    assert store.path.read_bytes() == before
    assert sorted(path.name for path in store.path.parent.iterdir()) == [store.path.name, "pairings.lock"]


def test_its_form_is_pinned(store: PairingStore) -> None:
    """Other versions of coldshare read this file."""
    store.keep(B)
    store.keep(A)
    assert json.loads(store.path.read_bytes()) == {
        "format": 1,
        "pairings": [
            {"serial": A.serial.hex(), "psk_id": A.psk_id.hex(), "psk": A.psk.hex()},
            {"serial": B.serial.hex(), "psk_id": B.psk_id.hex(), "psk": B.psk.hex()},
        ],
    }


def test_a_label_is_remembered_beside_the_key(store: PairingStore) -> None:
    store.keep(A)
    store.remember(A.serial, "Safe A")
    assert store.find(A.serial) == Pairing(A.serial, A.psk_id, A.psk, "Safe A")
    (entry,) = json.loads(store.path.read_bytes())["pairings"]
    assert entry == {"serial": A.serial.hex(), "psk_id": A.psk_id.hex(), "psk": A.psk.hex(), "label": "Safe A"}
    before = store.path.stat().st_mtime_ns
    store.remember(A.serial, "Safe A")
    assert store.path.stat().st_mtime_ns == before, "nothing new, nothing written"
    store.remember(B.serial, "a token that is not paired")
    assert store.all() == [Pairing(A.serial, A.psk_id, A.psk, "Safe A")]


@pytest.mark.parametrize("label", [None, 7, ["x"], {}, "Safe\x1b[2J", "Safe\u202e", "Safe\ud800", "\u00e9" * 17])
def test_a_label_that_is_none_costs_no_key(store: PairingStore, label: object) -> None:
    store.keep(A)
    document = json.loads(store.path.read_bytes())
    document["pairings"][0]["label"] = label
    store.path.write_text(json.dumps(document))
    assert store.find(A.serial) == A


def test_the_tokens_own_key_is_remembered_and_that_it_was_burnt(store: PairingStore) -> None:
    known = Pairing(A.serial, A.psk_id, A.psk, token_key=b"k" * 32, burnt=True)
    store.keep(known)
    store.remember(A.serial, "Safe A")
    assert store.all() == [replace(known, label="Safe A")]
    (entry,) = json.loads(store.path.read_bytes())["pairings"]
    assert (entry["token_key"], entry["burnt"]) == ((b"k" * 32).hex(), True)


def test_a_pairing_is_forgotten(store: PairingStore) -> None:
    store.keep(A)
    store.keep(B)
    assert store.all() == [A, B]
    assert store.forget(A.serial)
    assert store.all() == [B]
    assert A.psk.hex() not in store.path.read_text()
    assert not store.forget(A.serial)


def test_forgetting_makes_no_file(store: PairingStore) -> None:
    assert not store.forget(A.serial)
    assert store.all() == []
    assert not store.path.parent.exists()


GOOD = {"serial": "00" * 8, "psk_id": "00" * 8, "psk": "5e" * 32}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({"format": 1}).encode(),
        json.dumps({"format": 2, "pairings": []}).encode(),
        json.dumps({"format": 1, "pairings": 3}).encode(),
        json.dumps({"format": 1, "pairings": ["x"]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD, {"serial": "00"}]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD, GOOD | {"psk": "5f" * 32}]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD | {"psk": "5e"}]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD | {"psk": "zz" * 32}]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD | {"psk": 5}]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD | {"token_key": "6b" * 31}]}).encode(),
        json.dumps({"format": 1, "pairings": [GOOD | {"token_key": None}]}).encode(),
        json.dumps({"format": 1, "pairings": []}).encode() + b" " * 1024 * 1024,
    ],
    ids=lambda content: f"{len(content)} bytes, {content[-40:]!r}",
)
def test_a_damaged_or_foreign_file_is_named_and_left_alone(store: PairingStore, content: bytes) -> None:
    store.path.parent.mkdir(parents=True)
    store.path.write_bytes(content)
    uses: list[Callable[[], object]] = [lambda: store.find(A.serial), lambda: store.keep(A), store.check]
    for use in uses:
        with pytest.raises(PairingsError) as caught:
            use()
        assert str(store.path) in caught.value.message
        # What is in it could be a key: neither the words nor a traceback may show it.
        assert "5e5e" not in repr(caught.value) + repr(caught.value.__cause__)
        assert caught.value.__suppress_context__
    assert store.path.read_bytes() == content


def test_a_folder_in_its_place(store: PairingStore) -> None:
    store.path.mkdir(parents=True)
    with pytest.raises(PairingsError, match="directory") as caught:
        store.find(A.serial)
    # Keys that nobody could look at are not to be thrown away.
    assert "move it away" not in caught.value.next_step


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = PairingStore(tmp_path / "file" / "home" / "pairings.json")
    with pytest.raises((OutputError, PairingsError)):
        store.check()
    with pytest.raises((OutputError, PairingsError)):
        store.keep(A)


def test_no_key_is_shown_by_accident() -> None:
    for text in (repr(A), str(A), f"{A}", f"{[A]!r}"):
        assert A.psk.hex() not in text
        assert repr(A.psk) not in text
        assert "psk=" not in text


def test_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each reads, adds its own and writes: without a lock one of them would write the other's away."""
    program = (
        "import sys; from pathlib import Path; from coldshare.device.pairings import Pairing, PairingStore\n"
        "store = PairingStore(Path(sys.argv[1]))\n"
        "for n in range(40): store.keep(Pairing(bytes([int(sys.argv[2]), n]) * 4, bytes(8), bytes(range(32))))\n"
    )
    path = tmp_path / "home" / "pairings.json"
    both = [subprocess.Popen([sys.executable, "-c", program, str(path), which]) for which in ("1", "2")]
    assert [one.wait() for one in both] == [0, 0]
    assert len(PairingStore(path).all()) == 80
