"""What people do with a folder: put a share there, prove that it opens, get it back, seal it anew.

As with a token, everything that can be refused is refused before anything is written, and what was there before counts
until the new one has been read back. Unlike with a token there is no factor that has to be there, too: the password
alone opens the seal, or the recovery code alone.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coldshare import declare
from coldshare.backup import OnStep, _silent
from coldshare.errors import ColdshareError
from coldshare.handling import process
from coldshare.places.errors import (
    FolderMeanwhileError,
    FolderRecordError,
    NoFolderPlaceError,
    WeakAloneError,
)
from coldshare.places.folder import Contents, Folder, Kept, open_folder, place_of
from coldshare.places.format import BACKUP_ID_LEN, Retired, State
from coldshare.places.neighbours import check_file_system
from coldshare.restore import (
    AmbiguousBackupError,
    CheckedFile,
    NothingToRestoreError,
    check_out,
    verify_sealed,
    write_out,
)
from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare.export_index import ExportIndex
    from coldshare.handover import Handover
    from coldshare.places.files import OnWait
    from coldshare.restore import Key, OnOpened
    from coldshare.seal import AllowCost, KdfParams, Slot
    from coldshare.vault import ShareFacts
    from coldshare_iface.messages import Declaration

__all__ = [
    "GUESSES_ALONE",
    "FolderBackup",
    "FolderReseal",
    "backup",
    "check_alone",
    "check_backup",
    "choose",
    "generation_of",
    "live",
    "newer_than",
    "reseal",
    "restore",
    "retired",
    "verify",
]

#: Guesses that zxcvbn must expect, at least, of a password that protects a share alone. With a token 10**10 are enough
#: for somebody who has copied the sealed share, because the token's factor is missing, and whoever has the factor had
#: the token in their hands. Who finds a stick has all there is to guess against, for as long as they like: at the
#: default cost of Argon2id, and some hundred guesses a second for a good graphics card, 10**10 are half a card-year, or
#: a weekend of a hundred rented ones. 10**14 are ten thousand times that.
GUESSES_ALONE: Final = 10**14


@dataclass(frozen=True, slots=True)
class FolderBackup:
    """A share that is in a folder. Sizes in bytes. `older` is of another generation and stands beside it."""

    backup_id: bytes
    facts: ShareFacts
    declaration: Declaration = field(repr=False)
    file_size: int
    sealed_size: int
    replaced: tuple[Kept, ...]
    older: Kept | None
    recovery: bool


@dataclass(frozen=True, slots=True)
class FolderReseal:
    """A share that was sealed anew in its folder. `old_id` is gone from it."""

    old_id: bytes
    backup_id: bytes
    declaration: Declaration = field(repr=False)
    sealed_size: int
    slots: tuple[Slot, ...]
    had_recovery: bool
    recovery: bool


def check_alone(password: str, hints: Sequence[str] = ()) -> None:
    """Raise WeakAloneError, or what `seal.check_password` raises, for a password that may not protect a share alone."""
    from coldshare.seal import check_password
    from coldshare.seal.password import guesses

    check_password(password, hints)
    if guesses(password, hints) < GUESSES_ALONE:
        raise WeakAloneError


def check_backup(where: str, facts: ShareFacts, index: ExportIndex, *, newer: bool = False) -> frozenset[bytes]:
    """Raise what `backup` would refuse, before anybody is asked for anything. Writes nothing. Returns the ids of those
    whose place it would take."""
    declaration = declare.declare(facts)
    process.check(declaration)
    _, there = _check(where, declaration.vault, declaration.party, declaration.generation, newer, index)
    return there


def _check(
    where: str, vault: bytes, party: str, generation: bytes, newer: bool, index: ExportIndex
) -> tuple[bytes, frozenset[bytes]]:
    """The id for the new backup, and those of the backups whose place it would take."""
    place = place_of(where)
    backup_id = secrets.token_bytes(BACKUP_ID_LEN)
    there: frozenset[bytes] = frozenset()
    with suppress(NoFolderPlaceError), open_folder(where, write=False) as folder:
        backup_id = folder.draw_id()
        there = _ids(folder.check(vault, party, generation, newer=newer).replaced)
    check_file_system(place, backup_id, vault, party, index)
    return backup_id, there


def _ids(found: Sequence[Kept]) -> frozenset[bytes]:
    return frozenset(one.backup_id for one in found)


def backup(
    where: str,
    data: bytes,
    password: str,
    *,
    index: ExportIndex,
    recovery: Handover | None = None,
    vault_password: str | None = None,
    kdf: KdfParams | None = None,
    newer: bool = False,
    replacing: frozenset[bytes] | None = None,
    on_wait: OnWait | None = None,
    on_step: OnStep = _silent,
) -> FolderBackup:
    """Put the share in the vault file `data` into the folder `where`, which must be there.

    It opens with the password alone; with `recovery` also with a new recovery code alone, which is handed over before
    anything is stored. With `newer` the share may be of a newer generation than the one in the folder, and both are
    kept until the old one is retired. `index` is what this computer remembers, for rule 1. `replacing` is what
    `check_backup` has returned, if it was asked: no other backup of this share gives way.

    Raises the classes of `coldshare.vault.errors`, `coldshare.seal.errors` and `coldshare.places.errors`, and
    `coldshare.handling.SeveralSharesError` where this process has handled the shares of other parties (rule 1).
    """
    from coldshare.seal import DEFAULT_KDF, Factors, pack, seal
    from coldshare.vault import read_share, split

    share = read_share(data, password=vault_password)
    facts = share.facts
    hints = (facts.vault_name, facts.party)
    check_alone(password, hints)
    declaration = declare.declare(facts)
    process.take(declaration)
    declared = declaration.encode()
    plaintext = pack(data, split(data), declaration=declared, record=declare.record(share))
    vault, party, generation = declaration.vault, declaration.party, declaration.generation
    backup_id, there = _check(where, vault, party, generation, newer, index)
    slots = [Factors(password=password)]
    try:
        if recovery is not None:
            slots.append(Factors(recovery=recovery.give(backup_id).factor()))
        on_step("sealing", 0, len(plaintext))
        sealed = seal(
            plaintext,
            backup_id=backup_id,
            declaration_digest=declare.digest(declared),
            slots=slots,
            kdf=kdf or DEFAULT_KDF,
            hints=hints,
        )
        with open_folder(where, write=True, create=True, on_wait=on_wait) as folder:
            found = _ids(folder.check(vault, party, generation, newer=newer).replaced)
            if not found <= (there if replacing is None else replacing):
                raise FolderMeanwhileError
            stored = folder.store(
                backup_id,
                sealed,
                vault,
                party,
                generation,
                newer=newer,
                progress=lambda done, total: on_step("storing", done, total),
            )
    except BaseException as error:
        _say_of_code(error, where, backup_id, recovery)
        raise
    return FolderBackup(
        backup_id=backup_id,
        facts=facts,
        declaration=declaration,
        file_size=len(data),
        sealed_size=len(sealed),
        replaced=stored.replaced,
        older=stored.older,
        recovery=recovery is not None,
    )


def _say_of_code(error: BaseException, where: str, backup_id: bytes, recovery: Handover | None) -> None:
    """After a failure: whether the new recovery code opens anything. Where that cannot be seen, it may."""
    if recovery is None:
        return
    here = True
    with suppress(ColdshareError):
        try:
            with open_folder(where, write=False) as folder:
                here = any(one.backup_id == backup_id for one in folder.contents().backups)
        except NoFolderPlaceError:
            here = False
    words = recovery.kept() if here else recovery.void()
    if isinstance(error, ColdshareError):
        error.next_step = f"{error.next_step} {words}".strip()
    elif words:
        recovery.say(words)


def live(backups: Sequence[Kept]) -> list[Kept]:
    """Those that are not retired; all of them, if all are."""
    return [one for one in backups if one.live] or list(backups)


def choose(backups: Sequence[Kept], prefix: str | None) -> Kept:
    """The backup whose id begins with `prefix`, or the only one. Raises NothingToRestoreError, AmbiguousBackupError."""
    wanted = (prefix or "").lower().replace("-", "")
    found = [one for one in (backups if wanted else live(backups)) if one.backup_id.hex().startswith(wanted)]
    if not found:
        words = f"No backup in this folder has an id that begins with {wanted!r}." if backups else None
        raise NothingToRestoreError(
            words or "There is no backup in this folder.",
            next_step="Check that this is the right stick: coldshare list --at folder:PATH",
        )
    if len(found) > 1:
        listed = "; ".join(f"{one.backup_id.hex()[:8]} ({one.state.name.lower()})" for one in found)
        raise AmbiguousBackupError(f"Several backups in this folder fit: {listed}.")
    return found[0]


def verify(
    folder: Folder,
    kept: Kept,
    key: Key,
    *,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
) -> CheckedFile:
    """Read a good copy, open it, and hold what is inside against what it says and what the folder lists.

    Raises as `restore.verify_sealed`, FolderDamagedError, and FolderRecordError for a share that the folder lists as
    another one.
    """
    from coldshare.seal import WrongFactorError

    sealed = folder.read(kept, lambda done, total: on_step("reading", done, total))
    try:
        checked = verify_sealed(sealed, key, allow_cost=allow_cost, on_step=on_step)
    except WrongFactorError as error:
        if isinstance(key, str):
            error.next_step = "Type the password again; is it the one of this backup? Nothing was changed."
        raise
    told, record = checked.declaration, kept.record
    if not (
        hmac.compare_digest(checked.backup_id, record.backup_id)
        and record.is_vault(told.vault)
        and record.is_party(told.vault, told.party)
        and record.is_generation(told.generation)
    ):
        raise FolderRecordError
    return checked


def restore(
    folder: Folder,
    kept: Kept,
    key: Key,
    out: Path,
    *,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
    on_opened: OnOpened | None = None,
) -> CheckedFile:
    """As `verify`, and then write the vault file to `out`: mode 0600, never over an existing file, and read back."""
    check_out(out)
    checked = verify(folder, kept, key, allow_cost=allow_cost, on_step=on_step)
    if on_opened is not None:
        on_opened(checked.declaration, checked.original)
    write_out(out, checked.original)
    return checked


def reseal(
    where: str,
    kept: Kept,
    key: Key,
    *,
    password: str | None = None,
    recovery: Handover | None = None,
    kdf: KdfParams | None = None,
    allow_cost: AllowCost | None = None,
    on_wait: OnWait | None = None,
    on_step: OnStep = _silent,
) -> FolderReseal:
    """Open the backup with `key` and put the same share into the same folder, sealed anew; the old one is removed.

    `password` is the new one; None keeps the one that `key` is, and raises ValueError when that is a recovery code.
    With `recovery` a new code is handed over first; without it the new backup has none. `kdf` None keeps the cost, but
    never below the default. Raises as `verify` and `backup`, and `reseal.ResealRetiredError`.
    """
    from coldshare.reseal import ResealCheckError, ResealRetiredError, kept_cost
    from coldshare.seal import Factor, Factors, pack, parse, seal, unpack
    from coldshare.vault import split

    if not kept.live:
        raise ResealRetiredError
    if password is None and not isinstance(key, str):
        raise ValueError("a share that was opened with a recovery code needs a new password")
    if kdf is not None:
        kdf.check_write()
    with open_folder(where, write=False, on_wait=on_wait) as folder:
        checked = verify(folder, kept, key, allow_cost=allow_cost, on_step=on_step)
        backup_id = folder.draw_id()
    told = checked.declaration
    hints = (told.name, told.party)
    new_password = key if password is None and isinstance(key, str) else password or ""
    check_alone(new_password, hints)
    declaration = replace(told, nonce=secrets.token_bytes(wire.DECLARATION_NONCE))
    declared = declaration.encode()
    plaintext = pack(checked.original, split(checked.original), declaration=declared, record={**checked.record})
    slots = [Factors(password=new_password)]
    try:
        code = recovery.give(backup_id).factor() if recovery is not None else None
        if code is not None:
            slots.append(Factors(recovery=code))
        on_step("sealing", 0, len(plaintext))
        sealed = seal(
            plaintext,
            backup_id=backup_id,
            declaration_digest=declare.digest(declared),
            slots=slots,
            kdf=kdf or kept_cost(checked.slots),
            hints=hints,
        )
        on_step("opening", 0, len(sealed))
        envelope = parse(sealed)
        for factors in slots:
            content = unpack(envelope.open(factors, allow_cost=lambda cost: True))
            if (content.original, content.record, content.declaration) != (checked.original, checked.record, declared):
                raise ResealCheckError
        with open_folder(where, write=True, on_wait=on_wait) as folder:
            folder.store(
                backup_id,
                sealed,
                declaration.vault,
                declaration.party,
                declaration.generation,
                instead_of=kept.backup_id,
                progress=lambda done, total: on_step("storing", done, total),
            )
    except BaseException as error:
        _say_of_code(error, where, backup_id, recovery)
        raise
    return FolderReseal(
        old_id=kept.backup_id,
        backup_id=backup_id,
        declaration=declaration,
        sealed_size=len(sealed),
        slots=envelope.slots,
        had_recovery=any(slot.factors == Factor.RECOVERY for slot in checked.slots),
        recovery=recovery is not None,
    )


def newer_than(contents: Contents, old: Kept) -> Kept:
    """The backup that would take the place of `old`. Raises `generations.NoNewerError`."""
    from coldshare.generations import NoNewerError

    others = [
        one
        for one in contents.backups
        if one.live and one.record.same_share(old.record) and one.record.generation != old.record.generation
    ]
    if not others:
        raise NoNewerError(
            "There is no newer backup in this folder that could take the place of the old one.",
        )
    if old.state == State.NEXT and any(one.state == State.ACTIVE for one in others):
        active = next(one for one in others if one.state == State.ACTIVE)
        raise NoNewerError(
            f"Backup {old.backup_id.hex()[:8]} is the newer one of the two in this folder.",
            next_step=f"To retire the older one: coldshare retire {active.backup_id.hex()[:8]}",
        )
    return min(others, key=lambda one: (one.state != State.NEXT, one.state != State.ACTIVE))


def retired(contents: Contents, prefix: str | None) -> list[Kept]:
    """What `destroy` may be asked for: the retired backup whose id begins so, or all. Raises NotRetiredError."""
    from coldshare.generations import NotRetiredError

    if prefix is not None:
        kept = choose(contents.backups, prefix)
        if kept.live:
            raise NotRetiredError(f"Backup {kept.backup_id.hex()[:8]} is not retired.")
        return [kept]
    found = [one for one in contents.backups if not one.live]
    if not found:
        raise NotRetiredError("No backup in this folder is retired.", next_step="Nothing was changed.")
    return found


def generation_of(kept: Kept) -> Retired:
    """The generation of a backup, as a folder remembers retired ones."""
    return Retired(kept.record.salt, kept.record.vault, kept.record.generation)
