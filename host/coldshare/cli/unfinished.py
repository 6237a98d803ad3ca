"""Backups whose link broke, as the commands speak of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from coldshare.cli.describe import headline
from coldshare.cli.options import pairings
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.cli.ui import Ui
    from coldshare.outbox import Entry, Outbox, Waiting


def outbox(ui: Ui) -> Outbox:
    from coldshare.outbox import Outbox, outbox_path

    return Outbox(outbox_path(), ui.note)


def name_token(serial: bytes) -> str:
    """By its label, where this computer knows it."""
    with suppress(ColdshareError):
        known = pairings().find(serial)
        if known is not None and known.label:
            return f"{known.label!r} (serial {serial.hex()})"
    return f"the token with serial {serial.hex()}"


def describe(entry: Entry | None, waiting: Waiting) -> str:
    """`the share of Phone of 'Savings', backup 1a2b3c4d`; None stands for one that cannot be read."""
    what = "" if entry is None else f"{headline(entry.declaration)}, "
    return f"{what}backup {waiting.backup_id.hex()[:8]}"


def load(known: Outbox, waiting: Waiting) -> Entry | None:
    try:
        return known.load(waiting)
    except ColdshareError:
        return None


def finished(ui: Ui, serial: bytes, backup_id: bytes) -> None:
    """The token has confirmed that backup, by whatever way."""
    from coldshare.backup import drop
    from coldshare.outbox import Waiting

    drop(outbox(ui), Waiting(serial, backup_id))


def announce(ui: Ui, known: Outbox, serial: bytes, vault: bytes, party: str, *, but: bytes = b"") -> dict[str, str]:
    """Say which unfinished backups, `but` for that one, a new one of that share ends on the token.

    Their ids, each with what to say when that has happened. Until then they can be resumed, so no word here may make
    anybody throw a recovery code away.
    """
    found: list[Waiting] = []
    with known.spoken("This computer cannot tell whether there is an unfinished backup for this token"):
        found = known.waiting(serial)
    ended = {}
    for one in found:
        if one.backup_id == but:
            continue
        entry = load(known, one)
        same = entry is not None and (entry.declaration.vault, entry.declaration.party) == (vault, party)
        stored = entry is not None and entry.committed
        if stored and not same:
            continue  # it is on the token, and stays there
        if stored:
            words = "is on this token, not confirmed; coldshare resume would finish it. This one replaces it."
        elif same:
            words = "is unfinished; coldshare resume would go on with it. This one starts over and takes its place."
        else:
            words = "was on its way to this token, and is given up for this one."
        ui.note(f"Note: {describe(entry, one)}, {words}")
        after = f"The unfinished backup {one.backup_id.hex()[:8]} was given up for it."
        if entry is not None and entry.recovery and not stored:
            after += " The recovery code of that one opens nothing: destroy it."
        ended[one.backup_id.hex()] = after
    return ended
