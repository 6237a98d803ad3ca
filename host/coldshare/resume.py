"""Go on with a backup whose link broke: only what the token does not have yet crosses again, and no password is needed.

What is sent is what the first try sealed and opened once (`coldshare.outbox`); what is read back is compared with it,
byte for byte, before the token may forget what this replaces. So a backup that was resumed has been through the same
checks as one that was not. A reseal has one more, which needs the new password: it is not kept for going on.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from coldshare import backup, declare
from coldshare.backup import OnStep, _silent
from coldshare.device.errors import DeviceError, NotPairedError, SessionRefusedError, WrongTokenError
from coldshare.errors import EXIT_DEVICE, InputError, IntegrityError, RefusedError
from coldshare.recovery import short_id
from coldshare_iface import wire
from coldshare_iface.errors import (
    BadStateError,
    BurntError,
    ColdshareError,
    NoSuchBackupError,
    OtherGenerationError,
    OtherPartyError,
    ProtocolError,
    RejectedError,
    RetiredGenerationError,
    TokenStorageError,
)

if TYPE_CHECKING:
    from coldshare.device.token import TokenClient
    from coldshare.outbox import Entry, Outbox, Waiting

__all__ = [
    "NothingToResumeError",
    "OtherTokenError",
    "ReservationLostError",
    "Resumed",
    "choose",
    "give_up",
    "out_of_reach",
    "resume",
    "void",
]


class NothingToResumeError(InputError):
    """This computer has no unfinished backup to go on with."""

    code: ClassVar[str] = "nothing_to_resume"
    next_step = "See what the token holds: coldshare list. To make a backup: coldshare backup FILE"


class OtherTokenError(InputError):
    """The unfinished backup was on its way to another token."""

    code: ClassVar[str] = "resume_other_token"
    next_step = (
        "Plug that one in, or name it with --at. If it is lost or was wiped since, it has forgotten what it had of "
        "that backup: coldshare resume --forget drops it here, too."
    )


class ReservationLostError(RefusedError):
    """The token has forgotten this backup: another one was begun on it since."""

    code: ClassVar[str] = "resume_forgotten"
    next_step = "What this computer had kept of it is dropped. Back the share up again: coldshare backup FILE"


#: Errors before the press after which this very backup will never be stored.
_FINAL = (RejectedError, OtherPartyError, OtherGenerationError, RetiredGenerationError, IntegrityError)
_AGAIN = "That backup is given up. If it is still wanted, begin anew: coldshare backup FILE"
_UNFINISHED = "The backup is still unfinished: coldshare resume goes on with it, coldshare resume --forget gives it up."


@dataclass(frozen=True, slots=True)
class Resumed:
    """A backup that is finished. `offset` is how many of its bytes the token had when the writing went on, None when
    it had stored it before; `already` says that it had even been confirmed, and nothing was left to do."""

    entry: Entry
    offset: int | None
    already: bool


def choose(outbox: Outbox, serial: bytes | None, prefix: str | None = None) -> list[Waiting]:
    """The unfinished backups for the token `serial`, or for all, whose ids begin with `prefix`.

    Raises NothingToResumeError, OtherTokenError, and OutboxError when there is no looking.
    """
    wanted = (prefix or "").lower().replace("-", "")
    known = outbox.waiting()
    found = [one for one in known if one.backup_id.hex().startswith(wanted)]
    if known and not found:
        raise NothingToResumeError(f"No unfinished backup on this computer has an id that begins with {wanted!r}.")
    if not found:
        raise NothingToResumeError
    here = [one for one in found if serial in (None, one.serial)]
    if not here:
        raise OtherTokenError
    return here


def resume(client: TokenClient, entry: Entry, *, outbox: Outbox, on_step: OnStep = _silent) -> Resumed:
    """Finish the backup of `entry` on an unlocked token, and drop it from `outbox`.

    The person presses once: to store it, or, when the token had stored it before the link broke, to release it for
    the read-back. Raises ReservationLostError, and as `backup.backup`. The entry stays unless the backup is confirmed
    or can never be; `next_step` says which.
    """
    if entry.serial != client.info.serial:
        raise OtherTokenError
    offset: int | None = None
    stored = False
    try:
        contents = client.contents()
        if any(one.backup_id == entry.backup_id for one in contents.unnamed):
            raise TokenStorageError  # it has stored it, and lost whose it is
        held = next((held for held in contents.backups if held.backup_id == entry.backup_id), None)
        stored = held is not None
        if held is None:
            offset = _write(client, entry, on_step)
            stored = True
            outbox.mark_committed(entry)
        elif held.declared != entry.declared:
            raise declare.DeclarationMismatchError("The token lists this backup as another one than it was told.")
        if held is None or held.pending:
            _read_back(client, entry, on_step, release=held is not None)
            client.confirm(entry.backup_id)
    except BaseException as error:
        gone = isinstance(error, ReservationLostError)
        final = gone or isinstance(error, IntegrityError if stored else _FINAL)
        if final:
            if not stored:
                client.give_up(entry.backup_id)
            backup.drop(outbox, entry.waiting)
        if isinstance(error, ColdshareError):
            error.next_step = _next_step(error, entry, final=final, stored=stored)
        raise
    backup.drop(outbox, entry.waiting)
    return Resumed(entry, offset, already=held is not None and not held.pending)


def void(entry: Entry) -> str:
    """What to tell the person about the recovery code of a backup that is not on its token, and never will be."""
    if not entry.recovery:
        return ""
    short = short_id(entry.backup_id)
    if entry.committed:
        # It was on the token for a while, and whoever has a copy from then has the share by this code alone.
        return f"The recovery code of {short} opens files that were exported of it; if there are none, destroy it."
    return f"The recovery code of {short} opens nothing: destroy it."


def give_up(client: TokenClient, waiting: Waiting) -> bool:
    """Let an unlocked token forget a backup that it has not stored. True when it had stored it: then it stays there.

    Raises what the token says when it cannot: nobody may be told that its secret is gone while it is not.
    """
    with suppress(BadStateError):
        client.abort(waiting.backup_id)
    return waiting.backup_id in backup.stored(client)


def out_of_reach(error: ColdshareError) -> bool:
    """Whether `error` says that this token cannot be spoken to now, or by this computer, or ever again."""
    return error.exit_status == EXIT_DEVICE or isinstance(error, NotPairedError | SessionRefusedError | BurntError)


def _write(client: TokenClient, entry: Entry, on_step: OnStep) -> int:
    """Send what is missing and have it stored. How many bytes were there before."""
    offsets: list[int] = []

    def progress(done: int, total: int) -> None:
        offsets.append(done)
        on_step("writing", done, total)

    try:
        client.put(entry.backup_id, entry.sealed, progress)
        on_step("confirming", 0, 0)
        client.commit(entry.backup_id)
    except NoSuchBackupError as error:
        if entry.committed:
            raise ReservationLostError(
                "The token had stored this backup and holds it no more: it was removed, or another one replaced it."
            ) from error
        raise ReservationLostError from error
    return offsets[0]


def _read_back(client: TokenClient, entry: Entry, on_step: OnStep, *, release: bool) -> None:
    """Compare what the token has stored with what it was sent. `release` it first: only the channel in which it was
    committed reads it without a press."""
    digest = backup.sha256(entry.sealed)
    if release:
        on_step("confirming", 0, 0)
        opened = client.open(entry.backup_id, wire.PURPOSE_VERIFY)
        if (opened.size, opened.digest, opened.declared) != (len(entry.sealed), digest, entry.declared):
            raise WrongTokenError("The token has stored other bytes than it was sent.")
    size = len(entry.sealed)
    read = client.get(entry.backup_id, size, digest, lambda done, total: on_step("reading", done, total))
    if read != entry.sealed:
        raise WrongTokenError("The token has stored other bytes than it was sent.")


def _next_step(error: ColdshareError, entry: Entry, *, final: bool, stored: bool) -> str:
    if final and stored:
        return error.next_step
    if final:
        again = error.next_step if isinstance(error, ReservationLostError | IntegrityError) else _AGAIN
        return f"{void(entry)} {again}".strip()
    if isinstance(error, DeviceError | ProtocolError):
        return backup.GO_ON_UNCONFIRMED if stored else backup.GO_ON
    return f"{_UNFINISHED} {error.next_step}"
