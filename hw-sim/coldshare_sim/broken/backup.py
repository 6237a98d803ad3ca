"""The way of a share there and back."""

from __future__ import annotations

from typing import Any

from coldshare_firmware.keys import F_SLOTS, S_ID, S_STATE
from coldshare_firmware.person import OpError
from coldshare_iface import transfer, wire
from coldshare_sim.broken.making import FLAWS, Job, flaw, instead_of, no_is_yes, operations, slot_state

FLAWS["backup-press"] = no_is_yes("Store this share?", "It stores a share although NO was pressed.")
FLAWS["backup-open-press"] = no_is_yes("RELEASE to restore?", "It releases a share although NO was pressed.")
FLAWS["backup-abort"] = instead_of(
    wire.OP_ABORT, wire.STATUS_BAD_STATE, {}, "It says that it has forgotten what it has committed."
)
FLAWS["backup-declaration"] = instead_of(
    wire.OP_RESERVE, wire.STATUS_BAD_DECLARATION, wire.STATUS_BAD_REQUEST, "It calls a bad declaration a bad request."
)
FLAWS["backup-not-found"] = instead_of(
    wire.OP_OPEN, wire.STATUS_NOT_FOUND, wire.STATUS_STORAGE, "It calls an unknown backup a damaged one."
)
FLAWS["backup-offset"] = instead_of(
    wire.OP_CHUNK, wire.STATUS_BAD_OFFSET, wire.STATUS_BAD_OFFSET, "It does not say which offset it expects."
)


@flaw("backup-read-back")
@operations(wire.OP_COMMIT)
def _read_back(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """After commit it wants another press before it is read back."""
    reply = yield from job()
    token._ops._outgoing.opened = b""
    return reply


@flaw("backup-pending")
@operations(wire.OP_CONFIRM)
def _pending(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It refuses a confirm that comes twice."""
    if slot_state(token, values[0]) == wire.BACKUP_ACTIVE:
        raise OpError(wire.STATUS_BAD_STATE)
    return (yield from job())


@flaw("backup-replaced")
@operations(wire.OP_CONFIRM)
def _replaced(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """What a share replaces is still listed after confirm."""
    before = list(token._keys.slots)
    reply = yield from job()
    gone = [slot for slot in before if slot[S_ID] not in [kept[S_ID] for kept in token._keys.slots]]
    if gone and len(before) == 2:
        token._keys.change({F_SLOTS: token._keys.slots + gone})
    return reply


@flaw("backup-kept")
@operations(wire.OP_COMMIT)
def _kept(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """A backup that was never confirmed is lost to the next one."""
    alone = [slot[S_ID] for slot in token._keys.slots if slot[S_STATE] == wire.BACKUP_PENDING]
    active = any(slot[S_STATE] == wire.BACKUP_ACTIVE for slot in token._keys.slots)
    reply = yield from job()
    if alone and not active and values[0] not in alone:
        token._keys.change({F_SLOTS: [slot for slot in token._keys.slots if slot[S_ID] not in alone]})
    return reply


@flaw("backup-resume")
def _resume(token: Any) -> None:
    """It forgets at power-up how far a transfer had come."""
    store = token._ops._outgoing._store
    staged = store.staged()
    if staged is not None and store.staged_size() < staged[1]:
        store.drop_staged()


@flaw("backup-past-the-end")
@operations(wire.OP_CHUNK)
def _past_the_end(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It says that it has stored a chunk which passes the end."""
    try:
        return (yield from job())
    except transfer.TransferError as error:
        if error.status != wire.STATUS_BAD_REQUEST:
            raise
        return {1: values[0] + len(values[1])}


@flaw("backup-digest")
@operations(wire.OP_PREPARE)
def _digest(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not compare what it stored with what was announced."""
    try:
        return (yield from job())
    except transfer.TransferError as error:
        if error.status != wire.STATUS_BAD_DIGEST:
            raise
        return {1: bytes(32)}


FLAWS["backup-prepare-first"] = instead_of(
    wire.OP_PREPARE, wire.STATUS_BAD_STATE, {1: bytes(32)}, "It prepares before the last chunk is there."
)


@flaw("backup-read-opened")
@operations(wire.OP_READ)
def _read_opened(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """Once one backup is opened, it lets all be read."""
    outgoing = token._ops._outgoing
    opened = outgoing.opened
    if opened:
        outgoing.opened = values[0]
    try:
        return (yield from job())
    finally:
        outgoing.opened = opened


@flaw("backup-sixteen")
@operations(wire.OP_RESERVE)
def _sixteen(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """A full token does not replace what it holds."""
    if len(token._keys.slots) >= wire.BACKUPS_MAX:
        raise OpError(wire.STATUS_NO_SPACE)
    return (yield from job())


FLAWS["backup-begin-committed"] = instead_of(
    wire.OP_BEGIN, wire.STATUS_BAD_STATE, {1: 0, 2: 1024}, "It begins anew with what it has committed."
)


@flaw("backup-begin-other")
@operations(wire.OP_BEGIN)
def _begin_other(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It takes what it has of other bytes for the beginning of these."""
    staged = token._ops._outgoing._store.staged_size()
    reply = yield from job()
    return {**reply, 1: staged} if reply[1] == 0 and 0 < staged < values[1] else reply


@flaw("backup-list-pages")
@operations(wire.OP_LIST)
def _list_pages(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It gives seven backups at a time."""
    reply = yield from job()
    return {**reply, 1: reply[1][: wire.LIST_PAGE - 1]}


@flaw("backup-prepared-power")
def _prepared_power(token: Any) -> None:
    """It forgets at power-up what had arrived whole."""
    store = token._ops._outgoing._store
    staged = store.staged()
    if staged is not None and store.staged_size() == staged[1]:
        store.drop_staged()
