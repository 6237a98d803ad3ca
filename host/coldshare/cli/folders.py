"""The commands at a folder instead of a token: `--at folder:PATH`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import RETIRED, declared_json, has_recovery, headline, slots_json, ways
from coldshare.cli.handing import new_code
from coldshare.cli.older import COMBINE
from coldshare.cli.opening import Opening, index, remember
from coldshare.cli.render import Result, size, table
from coldshare.cli.tracing import wanted as traced
from coldshare.cli.ui import Ui
from coldshare.errors import EXIT_INTEGRITY, ColdshareError, RefusedError

if TYPE_CHECKING:
    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.places.folder import Contents, Finding, Folder, Kept
    from coldshare.places.format import Retired
    from coldshare.restore import CheckedFile
    from coldshare_iface.messages import Declaration

__all__ = [
    "backup",
    "destroy",
    "export",
    "is_folder",
    "list_",
    "remove",
    "reseal",
    "restore",
    "retire",
    "un_retire",
    "verify",
]

WEAKER = (
    "A folder is weaker than a token: it has no PIN, no screen and no button. Whoever has the stick can copy what is "
    "on it and try passwords for as long as they like, so the password alone protects the share."
)
WITHOUT = "Without a recovery code this backup is gone when its password is forgotten."
_STATES = {
    "next": "A next one is of a newer generation, and counts once the old one is retired: coldshare retire ID",
    "retired": "A retired one is of an older generation. Old shares still work with each other: coldshare destroy ID",
    "unlisted": (
        "An unlisted one is whole, but the folder's list does not have it: it was copied there, or the list was made "
        "anew. Back the share up again and it is replaced; coldshare retire ID says that it is the older one of two."
    ),
}
_CROWDED = (
    "Two shares of one vault are in this folder. Whoever finds the stick has both. Move one of them to another stick: "
    "back it up there, verify it, and then coldshare remove ID here."
)


class ConfirmationNeededError(RefusedError):
    """What is destroyed here is destroyed without a button, so a person has to say yes."""

    code = "confirmation_needed"
    next_step = "Run this in a terminal, or say it with --yes."


def is_folder(at: Address | None) -> bool:
    return at is not None and at.scheme == "folder"


def _no_pin(pin_file: str | None) -> None:
    if pin_file is not None:
        raise click.UsageError("a folder has no PIN: leave --pin-file out")
    if traced():
        raise click.UsageError("--trace is for the link to a token; a folder has none")


def _waiting(ui: Ui) -> Callable[[], None]:
    return lambda: ui.note("Another coldshare uses this folder. Waiting until it has finished ...")


def _place(at: Address) -> dict[str, Json]:
    from coldshare.places.folder import place_of

    return {"place": {"folder": str(place_of(at.where))}}


def _warn(at: Address, ui: Ui) -> list[str]:
    from coldshare.places.folder import place_of
    from coldshare.places.surroundings import warnings

    found = warnings(place_of(at.where))
    for words in found:
        ui.note(f"Note: {words}")
    return found


def _state(kept: Kept) -> str:
    return kept.state.name.lower()


def _short(kept: Kept) -> str:
    return kept.backup_id.hex()[:8]


def _json(kept: Kept, declaration: Declaration | None = None) -> dict[str, Json]:
    told: dict[str, Json] = {} if declaration is None else declared_json(declaration)
    return {
        "backup_id": kept.backup_id.hex(),
        "state": _state(kept),
        "sealed_size": kept.record.size,
        "copies": sum(kept.present),
        **told,
    }


def _opens(recovery: bool, out: Path | None) -> list[str]:
    lines = ["It opens with its password alone. Write the password down, and keep it apart from the stick."]
    if recovery:
        where = f"in {out}" if out is not None else "on your paper"
        lines.append(f"It also opens with the recovery code {where}, alone. Keep that apart from the stick, too.")
    return lines


def backup(
    at: Address,
    file: Path,
    member: str | None,
    password_file: str | None,
    vault_password_file: str | None,
    recovery_out: Path | None,
    no_recovery: bool,
    newer: bool,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    from coldshare.cli.vaultfile import read_vault_file
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    recovery = new_code(ui, recovery_out, no_recovery)
    data, vault_password, facts = read_vault_file(file, vault_password_file, ui, member)
    ui.note(f"{facts.vault_name}: the share of {facts.party}, {facts.threshold} of {facts.parties}, checked.")
    shares.check_backup(at.where, facts, index(), newer=newer)
    around = _warn(at, ui)
    ui.note(WEAKER)
    if recovery is None:
        ui.note(WITHOUT)
    password = entry.get(
        password_file,
        "password for this backup",
        "--password-file",
        check=lambda text: shares.check_alone(text, (facts.vault_name, facts.party)),
        new=True,
    )
    done = shares.backup(
        at.where,
        data,
        password,
        index=index(),
        recovery=recovery,
        vault_password=vault_password,
        newer=newer,
        on_wait=_waiting(ui),
        on_step=ui.on_step,
    )
    place = _place(at)
    path = _file_of(at, done.backup_id)
    remember(ui, done.backup_id, done.declaration, path)
    ledger.backed_up(ui.note, at.where, done)
    short = done.backup_id.hex()[:8]
    older = done.older
    lines = [
        f"Backed up: the share of {facts.party} of {facts.vault_name!r} is in {path.parent} as {short}, twice.",
        f"{size(done.file_size)} became {size(done.sealed_size)}, written, waited for and read back.",
    ]
    if done.replaced:
        lines.append("It replaced the earlier backup of the same share; a recovery code of that one does not open it.")
    lines += [f"Note: {warning}" for warning in facts.warnings]
    lines += _opens(done.recovery, recovery_out)
    if older is not None:
        lines += [
            f"It is newer than {_short(older)}. Both are kept: {_short(older)} counts until you retire it.",
            "Retire it when every party's newer share is backed up and the reshared vault has signed once.",
        ]
    lines.append(
        "Eject the stick, and put it away. Try it once: "
        + _command("verify" if older is None else f"retire {_short(older)}", at)
    )
    return Result(
        {
            "backup_id": done.backup_id.hex(),
            **place,
            **declared_json(done.declaration),
            "file_size": done.file_size,
            "sealed_size": done.sealed_size,
            "replaced": len(done.replaced),
            "beside": None if older is None else _json(older),
            "recovery": done.recovery,
            "recovery_file": None if recovery_out is None else str(recovery_out),
            "warnings": [*facts.warnings, WEAKER, *around, *([] if done.recovery else [WITHOUT])],
        },
        lines,
    )


def _command(words: str, at: Address) -> str:
    import shlex

    return f"coldshare {words} --at {shlex.quote(str(at))}"


def _file_of(at: Address, backup_id: bytes) -> Path:
    from coldshare.places.folder import place_of
    from coldshare.places.format import backup_names

    return place_of(at.where) / backup_names(backup_id)[0]


def list_(at: Address, pin_file: str | None, as_json: bool) -> Result:
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        contents = folder.contents()
        where = folder.where
    noted = _noted(contents.backups)
    lines = [where]
    rows = [
        [
            _short(one),
            *noted.get(one.backup_id, ("?", "?")),
            size(one.record.size),
            f"{sum(one.present)} of 2",
            _state(one),
        ]
        for one in contents.backups
    ]
    if rows:
        lines += table(["BACKUP", "VAULT", "SHARE OF", "SIZE", "COPIES", "STATE"], rows)
        lines.append("The folder does not say whose shares it holds: the names are from this computer's ledger.")
        if len(noted) < len(rows):
            lines.append(f"Of the others it learns from {_command('verify', at)}")
    else:
        lines.append(f"No backup yet. Next: {_command('backup FILE.vult', at)}")
    found = {_state(one) for one in contents.backups}
    lines += [words for name, words in _STATES.items() if name in found]
    if not all(all(one.present) for one in contents.backups):
        lines.append(f"Not every copy is there. What is wrong, and what mends it: {_command('verify', at)}")
    lines += _about(contents)
    return Result(
        {
            **_place(at),
            "backups": [
                {
                    **_json(one),
                    "noted": dict(zip(("vault", "party"), noted[one.backup_id], strict=True))
                    if one.backup_id in noted
                    else None,
                }
                for one in contents.backups
            ],
            "strangers": list(contents.strangers),
            "crowded": contents.crowded,
        },
        lines,
    )


def _noted(backups: Sequence[Kept]) -> dict[bytes, tuple[str, str]]:
    """The names of vault and party, by the id of the backup, as far as this computer's ledger has them."""
    from coldshare.ledger.store import Ledger, ledger_path

    ids = {one.backup_id for one in backups}
    try:
        with Ledger(ledger_path(), create=False) as ledger:
            view = ledger.view()
    except ColdshareError:
        return {}
    names = {vault.vault: vault.name for vault in view.vaults()}
    return {
        one.backup_id: (names[one.vault], one.party)
        for one in view.backups(gone=True)
        if one.backup_id in ids and one.vault in names and one.party is not None
    }


def _about(contents: Contents) -> list[str]:
    lines = [_CROWDED] if contents.crowded else []
    if contents.strangers:
        names = ", ".join(contents.strangers[:5])
        lines.append(f"Not coldshare's, and left alone: {names}{', ...' if len(contents.strangers) > 5 else ''}")
    return lines


def verify(
    at: Address, prefix: str | None, opening: Opening, no_password: bool, repair: bool, pin_file: str | None, ui: Ui
) -> Result:
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.errors import FolderIndexError
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    mended: list[Finding] = []
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        findings = folder.scrub()
    for one in findings:
        ui.note(f"{one.name} {one.words}.")
    if any(one.mends for one in findings) and (repair or _agreed(ui)):
        with open_folder(at.where, write=True, on_wait=_waiting(ui)) as folder:
            mended = folder.repair()
            findings = folder.scrub()
        ui.note("What could be mended is mended." if mended else "There was nothing to mend any more.")
    opened: list[tuple[Kept, CheckedFile]] = []
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        try:
            contents = folder.contents()
        except FolderIndexError as error:
            error.next_step = error.next_step.replace("folder:PATH", str(at))
            raise
        chosen = (
            [shares.choose(contents.backups, prefix)]
            if prefix or not contents.backups
            else shares.live(contents.backups)
        )
        read = [(kept, _read(folder, kept, at, ui)) for kept in chosen]
    if not no_password:
        # Nobody else has to wait for the folder while a person types.
        key = opening.key(", or leave the seals closed with --no-password")
        with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
            for kept in chosen:
                try:
                    done = shares.verify(folder, kept, key, allow_cost=opening.allow_cost, on_step=ui.on_step)
                except ColdshareError as error:
                    ledger.failed(ui.note, at.where, kept, error)
                    if len(chosen) > 1:
                        error.args = (f"{_short(kept)}: {error.message}",)
                    raise
                opened.append((kept, done))
    ledger.verified(ui.note, at.where, opened, chosen)
    for kept, done in opened:
        remember(ui, kept.backup_id, done.declaration, _file_of(at, kept.backup_id))
    left_out = [kept for kept in contents.backups if kept not in chosen and not kept.live]
    lines = [line for kept, done in opened for line in _lines(kept, done)]
    if no_password:
        lines += [
            f"Read back: {_short(kept)}, {size(length)}. The digest is right; the seal was not opened."
            for kept, length in read
        ]
    lines += [f"Mended: {one.name} {one.words}." for one in mended]
    bad = [one for one in findings if one.mends or one.name.endswith((".a", ".b"))]
    if bad:
        lines += [f"Not good: {one.name} {one.words}." for one in bad]
        if any(one.mends for one in bad):
            lines.append(f"To write it anew from what is good: {_command('verify --repair', at)}")
        lines.append("A stick that loses files is worn out: back the share up onto another one as well.")
    else:
        lines.append(f"Both copies of everything in {at.where} were read from the disk, and are alike.")
    lines += [f"Left out: {_short(kept)}, retired. --backup names it." for kept in left_out]
    lines += _about(contents)
    told = {kept.backup_id: done for kept, done in opened}
    return Result(
        {
            **_place(at),
            "backups": [
                {
                    **_json(kept, told[kept.backup_id].declaration if kept.backup_id in told else None),
                    **(slots_json(told[kept.backup_id].slots) if kept.backup_id in told else {}),
                    "opened": kept.backup_id in told,
                }
                for kept in chosen
            ],
            "findings": [{"file": one.name, "says": one.words, "mends": one.mends} for one in findings],
            "mended": [{"file": one.name, "says": one.words} for one in mended],
            "strangers": list(contents.strangers),
            "crowded": contents.crowded,
        },
        lines,
        EXIT_INTEGRITY if bad else 0,
    )


def _read(folder: Folder, kept: Kept, at: Address, ui: Ui) -> int:
    from coldshare.ledger import folders as ledger

    try:
        return len(folder.read(kept))
    except ColdshareError as error:
        ledger.failed(ui.note, at.where, kept, error)
        raise


def _agreed(ui: Ui) -> bool:
    if ui.quiet or not entry.person_here():
        return False
    return click.confirm("Write what is damaged anew, from what is good?", default=False, err=True)


def _lines(kept: Kept, done: CheckedFile) -> list[str]:
    lines = [
        f"Good: {_short(kept)}, {headline(done.declaration)}, its seal opened, its file rebuilt byte for byte.",
        f"Opens with {ways(done.slots)}.",
    ]
    state = _state(kept)
    if state == "retired":
        lines.append(RETIRED)
    elif state in _STATES:
        lines.append(_STATES[state])
    return lines


def restore(
    at: Address, out: Path, prefix: str | None, opening: Opening, pin_file: str | None, ui: Ui
) -> tuple[dict[str, Json], Declaration, int, list[str]]:
    """What the command says of it is the same as for a token."""
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
    warnings = [] if kept.live else [RETIRED]
    for warning in warnings:
        ui.note(f"Note: {warning}")
    key = opening.key()
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        done = shares.restore(folder, kept, key, out, allow_cost=opening.allow_cost, on_step=ui.on_step)
    remember(ui, kept.backup_id, done.declaration, _file_of(at, kept.backup_id))
    ledger.restored(ui.note, at.where, done)
    return {**_place(at), **_json(kept, done.declaration)}, done.declaration, len(done.original), warnings


def export(at: Address, out: Path, prefix: str | None, pin_file: str | None, as_json: bool) -> Result:
    from coldshare import export as use_case
    from coldshare.files import OutputExistsError
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder
    from coldshare.seal import parse

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    use_case.check_name(out)
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
        sealed = folder.read(kept)
    try:
        done = use_case.export_unnamed(sealed, out, index=index())
    except OutputExistsError as error:
        error.next_step = "Name another file or folder with --out."
        raise
    slots = parse(sealed).slots
    ledger.exported(ui.note, done, kept, slots)
    lines = [
        f"Exported: backup {_short(kept)}, sealed, is in {done.path} ({size(done.size)}).",
        f"It opens with {ways(slots)}.",
    ]
    if has_recovery(slots):
        lines.append("Keep the recovery code apart from it: whoever has both has the share.")
    if not kept.live:
        lines.append(RETIRED)
    lines += [
        f"Note: {path} is a sealed share that this computer does not know. It must not be one of another party."
        for path in done.unknown
    ]
    lines += [
        f"Note: a share of another party of this vault was exported to {path}. Keep the two in different places."
        for path in done.elsewhere
    ]
    lines.append(f"Try it once: coldshare verify --from {done.path}")
    return Result(
        {
            **_place(at),
            **_json(kept),
            **slots_json(slots),
            "out": str(done.path),
            "unknown": [str(path) for path in done.unknown],
            "elsewhere": [str(path) for path in done.elsewhere],
        },
        lines,
    )


def reseal(
    at: Address,
    prefix: str | None,
    opening: Opening,
    new_password_file: str | None,
    new_password: bool,
    recovery_out: Path | None,
    no_recovery: bool,
    kdf_memory: int | None,
    pin_file: str | None,
    ui: Ui,
) -> Result:
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder
    from coldshare.seal import KdfParams

    _no_pin(pin_file)
    kdf = None
    if kdf_memory is not None:
        kdf = KdfParams(memory_kib=kdf_memory << 10)
        kdf.check_write()
    code = new_code(ui, recovery_out, no_recovery, must_say=True)
    if code is None:
        ui.note(WITHOUT)
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
    key = opening.key()
    password = None
    if new_password or new_password_file is not None or opening.by_recovery:
        password = entry.get(
            new_password_file,
            "new password for this backup",
            "--new-password-file",
            check=shares.check_alone,
            new=True,
        )
    done = shares.reseal(
        at.where,
        kept,
        key,
        password=password,
        recovery=code,
        kdf=kdf,
        allow_cost=opening.allow_cost,
        on_wait=_waiting(ui),
        on_step=ui.on_step,
    )
    remember(ui, done.backup_id, done.declaration, _file_of(at, done.backup_id))
    ledger.resealed(ui.note, at.where, done)
    old, new = done.old_id.hex(), done.backup_id.hex()
    return Result(
        {
            "backup_id": new,
            "old_backup_id": old,
            **_place(at),
            **declared_json(done.declaration),
            "sealed_size": done.sealed_size,
            **slots_json(done.slots),
            "recovery_file": None if recovery_out is None else str(recovery_out),
            "password_changed": password is not None and password != key,
        },
        [
            f"Resealed: {headline(done.declaration)} is in {at.where} as {new[:8]}. {old[:8]} was removed.",
            *_opens(done.recovery, recovery_out),
            f"Copies of {old[:8]} elsewhere, and what flash memory may keep of it, still open as they did. {_FLASH}",
            f"Next: {_command('verify', at)}",
        ],
    )


_FLASH = "If somebody may have the old password, that is no help against a copy: reshare the vault."


def retire(
    at: Address, prefix: str | None, generation: bytes, newer: str | None, pin_file: str | None, as_json: bool
) -> Result:
    from coldshare.generations import AlreadyRetiredError, NoNewerError
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=True, on_wait=_waiting(ui)) as folder:
        contents = folder.contents()
        if prefix is not None:
            old = shares.choose(contents.backups, prefix)
            if not old.live:
                raise AlreadyRetiredError
            new, wanted = shares.newer_than(contents, old), shares.generation_of(old)
        else:
            new = shares.choose(contents.backups, newer)
            wanted = _generation(new, generation)
            if not new.live or wanted.of_record(new.record):
                raise NoNewerError(f"Backup {_short(new)} is retired itself, or is of that very generation.")
        folder.retire(new, wanted)
        contents = folder.contents()
    gone = next((one for one in contents.backups if wanted.of_record(one.record)), None)
    ledger.retired(ui.note, at.where, new.backup_id, generation, None if gone is None else gone.backup_id)
    new = next(one for one in contents.backups if one.backup_id == new.backup_id)
    lines = [f"Retired: {'that generation' if gone is None else _short(gone)}. {_short(new)} is the active one."]
    if gone is not None:
        lines.append(f"{_short(gone)} is kept and still opens; coldshare un-retire {_short(gone)} takes this back.")
    lines.append(COMBINE)
    if gone is not None:
        lines.append(f"When every party's newer backup is verified: {_command(f'destroy {_short(gone)}', at)}")
    return Result(
        {**_place(at), "retired": None if gone is None else _json(gone), "active": _json(new)},
        lines,
    )


def un_retire(
    at: Address, prefix: str | None, generation: bytes, newer: str | None, pin_file: str | None, as_json: bool
) -> Result:
    from coldshare.generations import NotRetiredError
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=True, on_wait=_waiting(ui)) as folder:
        contents = folder.contents()
        one = shares.choose(contents.backups, prefix or newer)
        wanted = shares.generation_of(one) if prefix is not None else _generation(one, generation)
        if wanted not in contents.retired:
            raise NotRetiredError("That generation is not retired in this folder.", next_step=_command("list", at))
        folder.un_retire(wanted)
        contents = folder.contents()
    old = next((one for one in contents.backups if wanted.of_record(one.record)), None)
    ledger.retired(ui.note, at.where, one.backup_id, generation, None if old is None else old.backup_id, back=True)
    waiting = (
        None
        if old is None
        else next(
            (one for one in contents.backups if one.record.same_share(old.record) and _state(one) == "next"), None
        )
    )
    lines = ["Taken back: that generation is not retired any more."]
    if old is None:
        lines.append("No backup of it is in this folder; one can be stored here again: coldshare backup FILE --newer")
    else:
        lines.append(f"{_short(old)} is the active one.")
        if waiting is not None:
            lines.append(f"{_short(waiting)} waits beside it, and counts once the older one is retired.")
    return Result(
        {
            **_place(at),
            "active": None if old is None else _json(old),
            "newer": None if waiting is None else _json(waiting),
        },
        lines,
    )


def _generation(like: Kept, generation: bytes) -> Retired:
    from coldshare.places.format import Retired

    return Retired.of(like.record, generation)


def remove(at: Address, prefix: str, yes: bool, pin_file: str | None, as_json: bool) -> Result:
    from coldshare.ledger import events
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
    _confirm([kept], yes, ui)
    with open_folder(at.where, write=True, on_wait=_waiting(ui)) as folder:
        kept = shares.choose(folder.contents().backups, kept.backup_id.hex())
        folder.remove([kept])
        after = {one.backup_id: one for one in folder.contents().backups}
    ledger.changed(ui.note, at.where, [kept], events.REMOVED)
    follows = next((one for one in after.values() if _follows(one, kept)), None)
    lines = [f"Removed: backup {_short(kept)} is no longer in {at.where}."]
    if follows is not None:
        lines.append(f"{_short(follows)} is the active one now; the generation of {_short(kept)} is retired here.")
    lines += [_REMAINS, "Copies elsewhere are not touched: files that were exported, tokens, the vault file itself."]
    return Result(
        {**_place(at), "removed": _json(kept), "active_now": None if follows is None else _json(follows)}, lines
    )


def _follows(one: Kept, gone: Kept) -> bool:
    """Whether `one` has taken the place of what was removed."""
    return _state(gone) == "active" and _state(one) == "active" and one.record.same_share(gone.record)


_REMAINS = (
    "Flash memory keeps what was removed until it writes over it, and nobody can tell when. It stays sealed, under its "
    "password and its recovery code. To be rid of it, destroy the stick."
)


def destroy(at: Address, prefix: str | None, yes: bool, pin_file: str | None, as_json: bool) -> Result:
    from coldshare.cli.older import known_paths
    from coldshare.ledger import events
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    _no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=False, on_wait=_waiting(ui)) as folder:
        chosen = shares.retired(folder.contents(), prefix)
    _confirm(chosen, yes, ui)
    ids = [kept.backup_id for kept in chosen]
    with open_folder(at.where, write=True, on_wait=_waiting(ui)) as folder:
        folder.remove([kept for kept in folder.contents().backups if kept.backup_id in ids and not kept.live])
    ledger.changed(ui.note, at.where, chosen, events.DESTROYED)
    here = [_file_of(at, one) for one in ids]
    copies = [path for path in known_paths(ids) if path not in here]
    count = f"{len(copies)} exported cop{'y' if len(copies) == 1 else 'ies'}"
    return Result(
        {
            **_place(at),
            "destroyed": [_json(kept) for kept in chosen],
            "known_copies": [str(path) for path in copies],
        },
        [
            *(f"Destroyed: backup {_short(kept)}, retired, is no longer in {at.where}." for kept in chosen),
            _REMAINS,
            f"This computer knows of {count} of what was destroyed.",
            *(f"Destroy that too: {path}" for path in copies),
            "The old shares of the other parties are on their devices and in their backups. " + COMBINE,
        ],
    )


def _confirm(chosen: Iterable[Kept], yes: bool, ui: Ui) -> None:
    """A token asks with a button that is held. Here the terminal asks, or --yes has answered."""
    listed: Sequence[Kept] = list(chosen)
    for kept in listed:
        ui.note(f"To be destroyed: backup {_short(kept)}, {_state(kept)}, {size(kept.record.size)}.")
    if yes:
        return
    if ui.quiet or not entry.person_here():
        raise ConfirmationNeededError
    if not click.confirm("Destroy it?" if len(listed) == 1 else "Destroy them all?", default=False, err=True):
        raise click.Abort
