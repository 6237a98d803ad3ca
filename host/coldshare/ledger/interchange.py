"""An exported ledger: text, one event a line, so that it can be printed, mailed and looked at.

    coldshare-ledger 1
    <an event, base64>
    ...
    end <number of events> <SHA-256 of all events, one after the other, hexadecimal>

Lines end with LF, CR LF is read too. Events are in their order, so the same ledger gives the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from coldshare.ledger.errors import LedgerFileError, LedgerNewerError
from coldshare.ledger.events import Event, EventError
from coldshare.ledger.store import EVENTS_MAX

__all__ = ["FILE_MAX", "decode", "encode", "read"]

_NAME: Final = "coldshare-ledger"
_VERSION: Final = 1
#: Bytes of a file that is read at all.
FILE_MAX: Final = 64 << 20


def encode(events: Iterable[Event]) -> bytes:
    """The file for these events."""
    encoded = [event.encode() for event in sorted(events, key=lambda one: one.order)]
    lines = [f"{_NAME} {_VERSION}", *(base64.b64encode(one).decode() for one in encoded)]
    lines.append(f"end {len(encoded)} {_digest(encoded)}")
    return "".join(f"{line}\n" for line in lines).encode()


def decode(data: bytes) -> list[Event]:
    """The events of a file, in order. Raises LedgerFileError, and LedgerNewerError for a format of later times."""
    if len(data) > FILE_MAX:
        raise LedgerFileError("The file is too long to be an exported ledger.")
    try:
        lines = data.decode("ascii").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise LedgerFileError("The file is not an exported ledger.") from None
    head = lines[0].split(" ")
    if head[0] != _NAME or len(head) != 2 or not head[1].isdigit():
        raise LedgerFileError("The file is not an exported ledger.")
    if head[1] != str(_VERSION):
        raise LedgerNewerError(
            "The file was exported by a newer version of coldshare.", next_step="Update coldshare on this computer."
        )
    if len(lines) < 3 or lines[-1] != "" or not lines[-2].startswith("end "):
        raise LedgerFileError("The exported ledger is cut off: its last line is missing.")
    body = lines[1:-2]
    if len(body) > EVENTS_MAX:
        raise LedgerFileError("The file has more events than a ledger can hold.")
    encoded, events = [], []
    for number, line in enumerate(body, start=1):
        try:
            one = base64.b64decode(line, validate=True)
            event = Event.decode(one)
        except (binascii.Error, ValueError, EventError):
            raise LedgerFileError(f"Event {number} in the exported ledger is damaged.") from None
        if base64.b64encode(one).decode() != line:
            raise LedgerFileError(f"Event {number} in the exported ledger is damaged.")
        encoded.append(one)
        events.append(event)
    if lines[-2] != f"end {len(encoded)} {_digest(encoded)}":
        raise LedgerFileError("The exported ledger is damaged: its events are not the ones that its last line counts.")
    if len({event.uuid for event in events}) != len(events):
        raise LedgerFileError("The exported ledger has an event twice.")
    return sorted(events, key=lambda one: one.order)


def read(path: Path) -> list[Event]:
    """The events of that file. Raises as `decode`."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX + 1)
    except OSError as error:
        raise LedgerFileError(
            f"{path} cannot be read: {error.strerror}.", next_step="Check the path, and that you may read the file."
        ) from None
    return decode(data)


def _digest(encoded: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for one in encoded:
        digest.update(one)
    return digest.hexdigest()
