"""Seal a share on a token anew: another password, another recovery code or none, another cost of the password.

The token keeps the old backup until the new one has been read back and opened, so that it holds a good one at every
moment. The vault file and its record go over as they are. The declaration tells the same with a fresh nonce, so that
nothing in the open ties the new sealed share to an old export of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coldshare.backup import OnStep, _silent, drop, store
from coldshare.errors import IntegrityError, RefusedError
from coldshare.outbox import Waiting
from coldshare.recovery import short_id
from coldshare_iface import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.device.token import TokenClient
    from coldshare.handover import Handover
    from coldshare.outbox import Outbox
    from coldshare.restore import Key
    from coldshare.seal import AllowCost, Content, KdfParams, Slot
    from coldshare_iface.messages import Backup, Declaration

__all__ = [
    "ResealCheckError",
    "ResealResult",
    "ResealRetiredError",
    "ResealWaitingError",
    "check_alone",
    "kept_cost",
    "reseal",
]


class ResealCheckError(IntegrityError):
    """The new sealed share does not open as it should."""

    code = "reseal_check"
    next_step = (
        "The old backup is still on the token and still counts. Verify it with coldshare verify, and do not rely on "
        "this computer's memory or this token until it is explained."
    )


class ResealRetiredError(RefusedError):
    """This backup is retired: a newer generation has taken its place, and the old one is kept as it is."""

    code = "reseal_retired"
    next_step = "Reseal the newer one. When every new backup is verified, destroy this one: coldshare destroy ID"


class ResealWaitingError(RefusedError):
    """Two generations of this share stand side by side on the token, so there is no room for a third backup of it."""

    code = "reseal_waiting"
    next_step = "Settle first which one counts: coldshare retire ID, of the old one. Then reseal the other one."


@dataclass(frozen=True, slots=True)
class ResealResult:
    """A share that was sealed anew. `old_id` is gone from the token; `slots` are the ways to open the new one."""

    old_id: bytes
    backup_id: bytes
    declaration: Declaration = field(repr=False)
    sealed_size: int
    slots: tuple[Slot, ...]
    had_recovery: bool
    recovery: bool


def reseal(
    client: TokenClient,
    held: Backup,
    key: Key,
    *,
    password: str | None = None,
    recovery: Handover | None = None,
    kdf: KdfParams | None = None,
    label: str = "",
    allow_cost: AllowCost | None = None,
    outbox: Outbox | None = None,
    on_step: OnStep = _silent,
) -> ResealResult:
    """Open the backup `held` with `key` and put the same share onto the same token, sealed anew.

    `password` is the new one; None keeps the one that `key` is, and raises ValueError when that is a recovery code.
    With `recovery` a new code is handed over before the token stores anything; without it the new backup has none.
    `kdf` is what the password costs; None keeps the cost, but never below the default. What `outbox` has for backups
    that the token gives up for this one is dropped.

    The person presses twice: to release the old one and to store the new one. After an error the token holds the old
    backup, and perhaps the new one beside it, unconfirmed; `next_step` says so. Raises as `restore.verify` and
    `backup.backup`, ResealCheckError, and ResealRetiredError or ResealWaitingError for a backup that is not the only
    one of its vault that counts: the token could not keep it until the new one has been read back.
    """
    from coldshare.restore import check_parties, fetch, open_envelope, open_fetched
    from coldshare.seal import Factor, check_password, pack, parse
    from coldshare.vault import split

    check_alone(held, client.backups())
    check_parties(held)
    if password is None:
        if not isinstance(key, str):
            raise ValueError("a share that was opened with a recovery code needs a new password")
        hints: tuple[str, ...] = ()
        password = key
    else:
        hints = (held.declaration.name, held.declaration.party, label)
        check_password(password, hints)
    if kdf is not None:
        kdf.check_write()
    fetched = fetch(client, held, wire.PURPOSE_VERIFY, on_step=on_step)
    before = open_fetched(fetched, key, allow_cost=allow_cost, on_step=on_step)
    client.check_cancelled()
    if held.pending:
        client.confirm(held.backup_id)  # it has proved good, and the new one must not push it aside
        if outbox is not None:
            drop(outbox, Waiting(client.info.serial, held.backup_id))
    declaration = replace(held.declaration, nonce=secrets.token_bytes(wire.DECLARATION_NONCE))
    declared = declaration.encode()
    plaintext = pack(before.original, split(before.original), declaration=declared, record={**before.record})
    new_password = password

    def check(sealed: bytes, factor: bytes, code: bytes | None) -> None:
        """Open the new one in every way that it is meant to open."""
        from coldshare.seal import Factors, unpack

        on_step("opening", 0, len(sealed))
        envelope = parse(sealed)
        contents = [open_envelope(envelope, new_password, factor, lambda cost: True)]
        if code is not None:
            contents.append(unpack(envelope.open(Factors(recovery=code))))
        if not all(_same(content, before, declared) for content in contents):
            raise ResealCheckError

    backup_id, sealed = store(
        client,
        declaration,
        plaintext,
        password,
        recovery=recovery,
        kdf=kdf or kept_cost(fetched.envelope.slots),
        hints=hints,
        unconfirmed=_UNCONFIRMED,
        unknown=_UNKNOWN,
        outbox=outbox,
        # To go on later, without the new password, could not do the check above. The old backup would go, and with it
        # the only share that is known to open; a vault file to begin with anew there may be none. So a link that
        # breaks before the press means to begin again, and after it `verify` with the new password does the check.
        resumable=False,
        on_step=on_step,
        check=check,
    )
    return ResealResult(
        old_id=held.backup_id,
        backup_id=backup_id,
        declaration=declaration,
        sealed_size=len(sealed),
        slots=parse(sealed).slots,
        had_recovery=any(slot.factors == Factor.RECOVERY for slot in fetched.envelope.slots),
        recovery=recovery is not None,
    )


def check_alone(held: Backup, backups: Sequence[Backup]) -> None:
    """Raise ResealRetiredError or ResealWaitingError for a backup that cannot be sealed anew as things stand."""
    if held.retired:
        raise ResealRetiredError
    for other in backups:
        same = other.declaration.vault == held.declaration.vault
        if same and not other.retired and other.declaration.generation != held.declaration.generation:
            raise ResealWaitingError


def older_exports(old_id: bytes, had_recovery: bool) -> str:
    """What to tell a person about files that were exported before."""
    if had_recovery:
        return (
            f"Sealed files that were exported of {short_id(old_id)} still open with its old recovery code. With its "
            "old password they no longer open: the token has destroyed its secret for them. Destroy those files."
        )
    return (
        f"Sealed files that were exported of {short_id(old_id)} no longer open: the token has destroyed its secret for "
        "them. Export the new one."
    )


_UNCONFIRMED = (
    "The old backup is still on the token and still counts. The new one is beside it, stored but not confirmed: "
    "coldshare list shows both. Finish with coldshare verify --backup ID and the new password, or run coldshare "
    "reseal --backup ID again on the old one."
)
_UNKNOWN = (
    "The old backup is still on the token. Plug the token in again and look with coldshare list. If it shows a second "
    "one as unconfirmed, finish with coldshare verify --backup ID and the new password; otherwise nothing was changed: "
    "run coldshare reseal again."
)


def _same(after: Content, before: Content, declared: bytes) -> bool:
    return after.original == before.original and after.record == before.record and after.declaration == declared


def kept_cost(slots: tuple[Slot, ...]) -> KdfParams:
    """The dearest password of the old seal, or the default where that costs more."""
    from coldshare.seal import DEFAULT_KDF

    old = [slot.kdf for slot in slots if slot.kdf is not None and slot.kdf.above_default]
    return max(old, key=lambda kdf: kdf.memory_kib * kdf.passes, default=DEFAULT_KDF)
