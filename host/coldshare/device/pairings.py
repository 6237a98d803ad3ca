"""The pairing keys of this computer, one file, readable by its owner only. Never part of the ledger."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldshare.errors import InputError
from coldshare.files import OutputError, write_private
from coldshare_iface import wire

_FORMAT = 1
_SIZE_MAX = 1024 * 1024


class PairingsError(InputError):
    """The file with this computer's pairing keys cannot be read."""

    code = "pairings_unreadable"
    next_step = "Restore it from a backup, or move it away and pair with each token again: coldshare pair"


@dataclass(frozen=True, slots=True)
class Pairing:
    """What lets this computer talk to one token. `psk` is a secret."""

    serial: bytes
    psk_id: bytes
    psk: bytes = field(repr=False)


class PairingStore:
    """Pairings by token serial. Every change rewrites the file atomically, mode 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, serial: bytes) -> Pairing | None:
        return self._load().get(serial)

    def check(self) -> None:
        """Raise now what would go wrong later: a token must not hand out a key that cannot be kept."""
        self._load()
        self._make_folder()

    def keep(self, pairing: Pairing) -> None:
        """Remember `pairing`; an earlier one with the same token is forgotten."""
        pairings = self._load()
        pairings[pairing.serial] = pairing
        entries = [
            {"serial": p.serial.hex(), "psk_id": p.psk_id.hex(), "psk": p.psk.hex()}
            for _, p in sorted(pairings.items())
        ]
        text = json.dumps({"format": _FORMAT, "pairings": entries}, indent=1) + "\n"
        self._make_folder()
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
                data = file.read(_SIZE_MAX + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise PairingsError(f"{self.path} cannot be read: {os.strerror(error.errno or 0)}.") from error
        try:
            return _parse(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # The cause could quote a key, so it is not passed on.
            raise PairingsError(f"{self.path} is not a file of pairing keys, or is damaged.") from None


def _parse(data: bytes) -> dict[bytes, Pairing]:
    if len(data) > _SIZE_MAX:
        raise ValueError
    document: Any = json.loads(data)
    if document["format"] != _FORMAT:
        raise ValueError
    # Whole or not at all: a key that is passed over here would be lost with the next change.
    pairings: dict[bytes, Pairing] = {}
    for entry in document["pairings"]:
        pairing = Pairing(*(bytes.fromhex(entry[name]) for name in ("serial", "psk_id", "psk")))
        sizes = (len(pairing.serial), len(pairing.psk_id), len(pairing.psk))
        if sizes != (wire.SERIAL_SIZE, wire.PSK_ID_SIZE, wire.PSK_SIZE):
            raise ValueError
        pairings[pairing.serial] = pairing
    return pairings
