"""The pairing keys of this computer, one file, readable by its owner only. Never part of the ledger."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coldshare.device.history import Head
from coldshare.errors import InputError
from coldshare.files import OutputError, locked, write_private
from coldshare_iface import wire
from coldshare_iface.text import unshowable

_FORMAT = 1
_SIZE_MAX = 1024 * 1024


class PairingsError(InputError):
    """The file with this computer's pairing keys cannot be read."""

    code = "pairings_unreadable"
    next_step = "Restore it from a backup, or move it away and pair with each token again: coldshare pair"


@dataclass(frozen=True, slots=True)
class Pairing:
    """What lets this computer talk to one token. `psk` is a secret. `label` is the token's when it was last seen.

    `token_key` is the public key (32 bytes) that the token proved to have when it was paired; empty when that is not
    known. `seen` is the head of its audit ring when it was last seen. `burnt` says that it had destroyed its keys when
    it was paired: this pairing is for a token in that state, and `token_key` stays the one from before.
    """

    serial: bytes
    psk_id: bytes
    psk: bytes = field(repr=False)
    label: str = ""
    token_key: bytes = b""
    seen: Head | None = None
    burnt: bool = False


class PairingStore:
    """Pairings by token serial. Every change rewrites the file atomically, mode 0600, one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, serial: bytes) -> Pairing | None:
        return self._load().get(serial)

    def all(self) -> list[Pairing]:
        """Every token that this computer is paired with, by serial."""
        return [pairing for _, pairing in sorted(self._load().items())]

    def remember(self, serial: bytes, label: str) -> None:
        """The label of a token that was just seen."""
        self._replace(serial, lambda pairing: replace(pairing, label=label))

    def saw(self, serial: bytes, psk_id: bytes, head: Head) -> None:
        """The head of its audit ring, checked. Another process may have seen a later one; that one stays."""

        def later(pairing: Pairing) -> Pairing:
            old = pairing.seen
            ours = pairing.psk_id == psk_id and (old is None or old.count <= head.count)
            return replace(pairing, seen=head) if ours else pairing

        self._replace(serial, later)

    def _replace(self, serial: bytes, change: Callable[[Pairing], Pairing]) -> None:
        pairing = self.find(serial)
        if pairing is None or change(pairing) == pairing:
            return
        with locked(self.path):
            pairings = self._load()
            if serial in pairings:
                pairings[serial] = change(pairings[serial])
                self._write(pairings)

    def forget(self, serial: bytes) -> bool:
        """Drop the pairing with that token. False when there is none."""
        if serial not in self._load():
            return False
        with locked(self.path):
            pairings = self._load()
            pairings.pop(serial, None)
            self._write(pairings)
        return True

    def check(self) -> None:
        """Raise now what would go wrong later: a token must not hand out a key that cannot be kept."""
        self._load()
        self._make_folder()

    def keep(self, pairing: Pairing) -> None:
        """Remember `pairing`; an earlier one with the same token is forgotten."""
        self._make_folder()
        with locked(self.path):
            pairings = self._load()
            pairings[pairing.serial] = pairing
            self._write(pairings)

    def _write(self, pairings: dict[bytes, Pairing]) -> None:
        entries = [
            {"serial": p.serial.hex(), "psk_id": p.psk_id.hex(), "psk": p.psk.hex()}
            | ({"label": p.label} if p.label else {})
            | ({"token_key": p.token_key.hex()} if p.token_key else {})
            | ({"burnt": True} if p.burnt else {})
            | ({"seen": {"count": p.seen.count, "head": p.seen.hash.hex()}} if p.seen is not None else {})
            for _, p in sorted(pairings.items())
        ]
        text = json.dumps({"format": _FORMAT, "pairings": entries}, indent=1) + "\n"
        write_private(self.path, text.encode(), replace=True)

    def _make_folder(self) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"The folder {folder} cannot be made: {os.strerror(error.errno or 0)}.") from error

    def _load(self) -> dict[bytes, Pairing]:
        try:
            with self.path.open("rb") as file:
                _close_to_others(file.fileno())
                data = file.read(_SIZE_MAX + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise PairingsError(
                f"{self.path} cannot be read: {os.strerror(error.errno or 0)}.",
                next_step="The keys in it may be whole. See that you may read it, and try again.",
            ) from error
        try:
            return _parse(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # The cause could quote a key, so it is not passed on.
            raise PairingsError(f"{self.path} is not a file of pairing keys, or is damaged.") from None


def _close_to_others(descriptor: int) -> None:
    """A copy from a backup may have come back readable by others. Some file systems know no such thing."""
    if sys.platform != "win32" and os.fstat(descriptor).st_mode & 0o077:
        with suppress(OSError):
            os.fchmod(descriptor, 0o600)


def _parse(data: bytes) -> dict[bytes, Pairing]:
    if len(data) > _SIZE_MAX:
        raise ValueError
    document: Any = json.loads(data)
    if document["format"] != _FORMAT:
        raise ValueError
    # Whole or not at all: a key that is passed over here would be lost with the next change.
    pairings: dict[bytes, Pairing] = {}
    for entry in document["pairings"]:
        serial, psk_id, psk = (bytes.fromhex(entry[name]) for name in ("serial", "psk_id", "psk"))
        token_key = bytes.fromhex(entry.get("token_key", ""))
        label = entry.get("label", "")
        # A label that is none is no reason to be without the key.
        pairing = Pairing(serial, psk_id, psk, _label(label), token_key, _seen(entry), entry.get("burnt") is True)
        sizes = (len(pairing.serial), len(pairing.psk_id), len(pairing.psk))
        if sizes != (wire.SERIAL_SIZE, wire.PSK_ID_SIZE, wire.PSK_SIZE) or len(token_key) not in (0, wire.KEY_SIZE):
            raise ValueError
        if pairing.serial in pairings:
            raise ValueError
        pairings[pairing.serial] = pairing
    return pairings


def _label(value: object) -> str:
    """`value` if it can be a token's label, or else none: it is shown, and a token may have said anything."""
    if not isinstance(value, str) or any(unshowable(ord(char)) for char in value):
        return ""
    return value if len(value.encode()) <= wire.LABEL_MAX else ""


def _seen(entry: dict[str, Any]) -> Head | None:
    seen = entry.get("seen")
    if seen is None:
        return None
    head = Head(seen["count"], bytes.fromhex(seen["head"]))
    if not isinstance(head.count, int) or head.count < 0 or len(head.hash) != wire.DIGEST_SIZE:
        raise ValueError
    return head
