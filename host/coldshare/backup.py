"""Back up: one share, checked, sealed, onto one token, and read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coldshare import declare
from coldshare.device.errors import DeviceError
from coldshare.errors import IntegrityError
from coldshare_iface.errors import ColdshareError, OtherPartyError, ProtocolError

if TYPE_CHECKING:
    from coldshare.device.token import TokenClient
    from coldshare.seal import KdfParams
    from coldshare.vault import ShareFacts
    from coldshare_iface.messages import Declaration

#: (step, bytes done, bytes in all); the steps are `sealing`, `writing`, `confirming` and `reading`.
OnStep = Callable[[str, int, int], None]


def _silent(step: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A share that is on a token. Sizes in bytes."""

    backup_id: bytes
    facts: ShareFacts
    declaration: Declaration = field(repr=False)
    file_size: int
    sealed_size: int
    replaced: int
    warnings: tuple[str, ...]


def backup(
    client: TokenClient,
    data: bytes,
    password: str,
    *,
    vault_password: str | None = None,
    kdf: KdfParams | None = None,
    label: str = "",
    on_step: OnStep = _silent,
) -> BackupResult:
    """Put the share in the vault file `data` onto an unlocked token.

    Everything that can be refused is refused before the token stores a byte. What it held before stays until the new
    backup has been read back. Raises the classes of `coldshare.vault.errors`, `coldshare.seal.errors`,
    `coldshare.device.errors` and `coldshare_iface.errors`. After an error before the press on the token nothing of
    this backup is left behind; after one that comes later it is there, unconfirmed, and `next_step` says so.
    """
    from coldshare.seal import DEFAULT_KDF, Factors, check_password, pack, seal
    from coldshare.vault import read_share, split

    share = read_share(data, password=vault_password)
    facts = share.facts
    hints = (facts.vault_name, facts.party, label)
    check_password(password, hints)
    declaration = declare.declare(facts)
    declared = declaration.encode()
    plaintext = pack(data, split(data), declaration=declared, record=declare.record(share))
    before = [held for held in client.backups() if held.declaration.vault == declaration.vault]
    try:
        reservation = client.reserve(declared)
    except OtherPartyError as error:
        raise _named(error, declaration, [held.declaration for held in before]) from error
    backup_id = reservation.backup_id
    committing = committed = False
    try:
        on_step("sealing", 0, len(plaintext))
        sealed = seal(
            plaintext,
            backup_id=backup_id,
            declaration_digest=declare.digest(declared),
            slots=[Factors(password=password, token=reservation.factor)],
            kdf=kdf or DEFAULT_KDF,
            hints=hints,
        )
        client.put(backup_id, sealed, lambda done, total: on_step("writing", done, total))
        on_step("confirming", 0, 0)
        committing = True
        client.commit(backup_id)
        committed = True
        client.get(backup_id, len(sealed), _sha256(sealed), lambda done, total: on_step("reading", done, total))
        client.confirm(backup_id)
    except BaseException as error:
        if not committed:
            client.give_up(backup_id)
        if isinstance(error, ColdshareError) and not isinstance(error, IntegrityError):
            if committed:
                error.next_step = _UNCONFIRMED
            elif committing and isinstance(error, DeviceError | ProtocolError):
                error.next_step = _UNKNOWN
        raise
    return BackupResult(
        backup_id=backup_id,
        facts=facts,
        declaration=declaration,
        file_size=len(data),
        sealed_size=len(sealed),
        replaced=len(before),
        warnings=facts.warnings,
    )


_UNCONFIRMED = (
    "The token has stored this backup beside what it held before, but it was not read back to the end. "
    "Finish it with coldshare verify, or run coldshare backup again."
)
_UNKNOWN = (
    "Plug the token in again and look with coldshare list. If it shows this backup as unconfirmed, finish it with "
    "coldshare verify; otherwise nothing was changed: run coldshare backup again."
)


def _sha256(data: bytes) -> bytes:
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
