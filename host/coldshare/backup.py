"""Back up: one share, checked, sealed, onto one token, and read back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coldshare import declare
from coldshare.device.errors import DeviceError
from coldshare.errors import IntegrityError
from coldshare.handling import process
from coldshare.outbox import Entry
from coldshare_iface import wire
from coldshare_iface.errors import (
    ColdshareError,
    OtherGenerationError,
    OtherPartyError,
    ProtocolError,
    RetiredGenerationError,
    TokenError,
    TokenStorageError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.device.token import TokenClient
    from coldshare.handover import Handover
    from coldshare.outbox import Outbox, Waiting
    from coldshare.seal import KdfParams
    from coldshare.vault import ShareFacts
    from coldshare_iface.messages import Backup, Declaration

#: (step, bytes done, bytes in all); the steps are `sealing`, `writing`, `confirming` and `reading`.
OnStep = Callable[[str, int, int], None]


def _silent(step: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A share that is on a token. Sizes in bytes. `recovery` says whether a recovery code opens it, too. `older` is the
    backup of an older generation that it stands beside until that is retired; `replaced` counts what gave way to it,
    and `gone` are the ids of those."""

    backup_id: bytes
    facts: ShareFacts
    declaration: Declaration = field(repr=False)
    file_size: int
    sealed_size: int
    replaced: int
    recovery: bool
    warnings: tuple[str, ...]
    older: Backup | None = None
    gone: tuple[bytes, ...] = ()


def backup(
    client: TokenClient,
    data: bytes,
    password: str,
    *,
    recovery: Handover | None = None,
    vault_password: str | None = None,
    kdf: KdfParams | None = None,
    label: str = "",
    newer: bool = False,
    outbox: Outbox | None = None,
    on_step: OnStep = _silent,
) -> BackupResult:
    """Put the share in the vault file `data` onto an unlocked token.

    It opens with the password and the token together. With `recovery` it also opens with a new recovery code alone,
    which is handed over before the token is asked to store anything.

    Everything that can be refused is refused before the token stores a byte. What it held before stays until the new
    backup has been read back. Raises the classes of `coldshare.vault.errors`, `coldshare.seal.errors`,
    `coldshare.device.errors` and `coldshare_iface.errors`, and `coldshare.handling.SeveralSharesError` where this
    process has handled the shares of other parties (rule 1). After an error before the press on the token nothing of
    this backup is left behind; after one that comes later it is there, unconfirmed, and `next_step` says so.

    With `newer` the share may be of a newer generation than the one on the token. The person confirms that there, and
    both are kept until the old one is retired. Without it another generation is refused.

    With `outbox` a link that breaks is no end: what was on its way is kept there, and `resume.resume` goes on.
    """
    from coldshare.seal import DEFAULT_KDF, check_password, pack
    from coldshare.vault import read_share, split

    share = read_share(data, password=vault_password)
    facts = share.facts
    hints = (facts.vault_name, facts.party, label)
    check_password(password, hints)
    declaration = declare.declare(facts)
    process.take(declaration)
    plaintext = pack(data, split(data), declaration=declaration.encode(), record=declare.record(share))
    before = [held for held in client.backups() if held.declaration.vault == declaration.vault]
    try:
        backup_id, sealed = store(
            client,
            declaration,
            plaintext,
            password,
            recovery=recovery,
            kdf=kdf or DEFAULT_KDF,
            hints=hints,
            unconfirmed=_UNCONFIRMED,
            unknown=_UNKNOWN,
            newer=newer,
            outbox=outbox,
            resumable=True,
            on_step=on_step,
        )
    except OtherPartyError as error:
        raise _named(error, declaration, [held.declaration for held in before]) from error
    except (OtherGenerationError, RetiredGenerationError) as error:
        from coldshare.generations import say_what_is_here

        say_what_is_here(error, declaration, before)
        raise
    # The token's own rules: what stood here stays beside a share of another generation, what is retired stays anyway.
    standing = next((held for held in before if held.state == wire.BACKUP_ACTIVE), None)
    standing = standing or next((held for held in before if held.pending), None)
    stay = [
        held
        for held in before
        if held.retired or (held is standing and held.declaration.generation != declaration.generation)
    ]
    beside = [held for held in stay if not held.retired and held.declaration.generation != declaration.generation]
    return BackupResult(
        backup_id=backup_id,
        facts=facts,
        declaration=declaration,
        file_size=len(data),
        sealed_size=len(sealed),
        replaced=len(before) - len(stay),
        recovery=recovery is not None,
        warnings=facts.warnings,
        older=beside[0] if beside else None,
        gone=tuple(held.backup_id for held in before if held not in stay),
    )


_UNCONFIRMED = (
    "The token has stored this backup beside what it held before, but it was not read back to the end. "
    "Finish it with coldshare verify, or run coldshare backup again."
)
_UNKNOWN = (
    "Plug the token in again and look with coldshare list. If it shows this backup as unconfirmed, finish it with "
    "coldshare verify; otherwise nothing was changed: run coldshare backup again."
)
#: The same two, and the error before the press, when this computer has kept what was on its way.
GO_ON = (
    "The token keeps what has arrived, and this computer the rest. Plug the token in again, see that no other program "
    "uses it, and go on where it stopped with coldshare resume, which needs no password."
)
GO_ON_UNKNOWN = (
    "Nobody knows whether the token has stored this backup. Plug it in again and run coldshare resume, which finds out "
    "and finishes it, without a password."
)
GO_ON_UNCONFIRMED = (
    "The token has stored this backup beside what it held before, but it was not read back to the end. Finish it with "
    "coldshare resume, which needs no password, or with coldshare verify."
)

#: Holds what was read back against what was meant: the sealed share, the token's factor and the recovery code.
Check = Callable[[bytes, bytes, bytes | None], None]


def store(
    client: TokenClient,
    declaration: Declaration,
    plaintext: bytes,
    password: str,
    *,
    recovery: Handover | None,
    kdf: KdfParams,
    hints: Sequence[str],
    unconfirmed: str,
    unknown: str,
    newer: bool = False,
    outbox: Outbox | None,
    resumable: bool,
    on_step: OnStep,
    check: Check | None = None,
) -> tuple[bytes, bytes]:
    """Seal `plaintext` and put it onto the token as a new backup; its id, and the sealed bytes.

    In this order: room on the token, the recovery code in the person's hands, the transfer, the press, the read-back,
    `check` of it, and only then the word that makes the token forget what this replaces. `unconfirmed` and `unknown`
    are the next steps of an error after the press, and of one that leaves open whether there was one.

    What `outbox` has for backups that the token gives up for this one is dropped. With `resumable` it keeps this one
    until it is confirmed, so that a broken link leaves something to go on with; not so with a `check`, which nobody
    could do later.
    """
    from coldshare.seal import Factors, seal

    declared = declaration.encode()
    reservation = client.reserve(declared, newer=newer)
    backup_id, factor = reservation.backup_id, reservation.factor
    entry: Entry | None = None
    committing = committed = False
    try:
        drop_forgotten(client, outbox)
        slots = [Factors(password=password, token=factor)]
        code = recovery.give(backup_id).factor() if recovery is not None else None
        if code is not None:
            slots.append(Factors(recovery=code))
        client.check_cancelled()
        on_step("sealing", 0, len(plaintext))
        sealed = seal(
            plaintext,
            backup_id=backup_id,
            declaration_digest=declare.digest(declared),
            slots=slots,
            kdf=kdf,
            hints=hints,
        )
        if outbox is not None and resumable:
            entry = Entry(client.info.serial, backup_id, declared, sealed, recovery=code is not None)
            if not outbox.keep(entry):
                entry = None
        client.put(backup_id, sealed, lambda done, total: on_step("writing", done, total))
        on_step("confirming", 0, 0)
        committing = True
        client.commit(backup_id)
        committed = True
        if outbox is not None and entry is not None:
            outbox.mark_committed(entry)
        read = client.get(backup_id, len(sealed), sha256(sealed), lambda done, total: on_step("reading", done, total))
        if check is not None:
            check(read, factor, code)
            client.check_cancelled()
        client.confirm(backup_id)
    except BaseException as error:
        broken = isinstance(error, DeviceError | ProtocolError)
        stays = entry is not None and (broken or committed) and not isinstance(error, IntegrityError)
        if not stays:
            if not committed:
                client.give_up(backup_id)
            if outbox is not None and entry is not None:
                drop(outbox, entry.waiting)
        # A token that refuses has stored nothing. Without its answer, or when its storage failed, nobody knows.
        answered = isinstance(error, TokenError) and not isinstance(error, TokenStorageError)
        refused = not stays and (not committing or (not committed and answered))
        words = "" if recovery is None else recovery.void() if refused else recovery.kept()
        if isinstance(error, ColdshareError):
            if not isinstance(error, IntegrityError):
                if committed:
                    error.next_step = GO_ON_UNCONFIRMED if stays else unconfirmed
                elif committing and broken:
                    error.next_step = GO_ON_UNKNOWN if stays else unknown
                elif stays:
                    error.next_step = GO_ON
            error.next_step = f"{error.next_step} {words}".strip()
        elif recovery is not None and words:
            recovery.say(words)
        raise
    if outbox is not None and entry is not None:
        drop(outbox, entry.waiting)
    with suppress(ColdshareError):  # the backup is there, whatever comes now
        drop_forgotten(client, outbox)
    return backup_id, sealed


def drop_forgotten(client: TokenClient, outbox: Outbox | None) -> None:
    """Drop what `outbox` has for this token and the token cannot finish any more.

    To be called when there is no reservation but one of our own. Raises what `TokenClient.contents` raises.
    """
    if outbox is None:
        return
    waiting: list[Waiting] = []
    with outbox.spoken(_STILL_THERE):
        waiting = outbox.waiting(client.info.serial)
    held = stored(client) if waiting else frozenset()
    for one in waiting:
        if one.backup_id not in held:
            drop(outbox, one)


def stored(client: TokenClient) -> frozenset[bytes]:
    """The ids of all backups on the token, whether or not it can tell whose they are."""
    contents = client.contents()
    return frozenset(held.backup_id for held in contents.backups) | {lost.backup_id for lost in contents.unnamed}


def drop(outbox: Outbox, waiting: Waiting) -> None:
    """Drop an entry. That it could not be removed is said, and changes nothing of what was done."""
    with outbox.spoken(_STILL_THERE):
        outbox.drop(waiting)


_STILL_THERE = "An unfinished backup that is of no use any more is still on this computer"


def sha256(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(data).digest()


def _named(error: OtherPartyError, wanted: Declaration, held: list[Declaration]) -> OtherPartyError:
    """The token knows its parties by keyed tags only; the list it gives us has their names."""
    others = sorted({other.party for other in held if other.party != wanted.party})
    if others:
        error.args = (
            f"This token already holds the share of {', '.join(others)}, another party of the vault "
            f"{wanted.name!r}; it refuses the share of {wanted.party}.",
        )
    return error
