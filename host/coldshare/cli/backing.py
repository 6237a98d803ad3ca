"""A share that was read goes to a place: what `backup` does, and `reshare next` too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.cli import entry
from coldshare.cli.describe import backup_json, declared_json
from coldshare.cli.folder import backup as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.handing import WITHOUT, opens, warn
from coldshare.cli.ledgers import known
from coldshare.cli.opening import remember
from coldshare.cli.options import open_token, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.unfinished import announce, outbox

if TYPE_CHECKING:
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare.handover import Handover
    from coldshare.outbox import Outbox, Waiting
    from coldshare.vault import ShareFacts
    from coldshare_iface.messages import Backup, Declaration

__all__ = ["ToBackUp", "back_up"]

_REPLACED = "It replaced the earlier backup of the same share; a recovery code of that one does not open this one."


@dataclass(frozen=True, slots=True)
class ToBackUp:
    """A vault file that was read and checked, and what its backup is to be.

    `vault_password` opened it, None for a plain one. `password_file` is where the backup's password comes from, None
    for a person; `recovery` how a new code is handed over, None for none, to `recovery_out` where that is a file;
    `several` are warnings about what this computer handled before (`single_host.watch_parties`). `newer` as for the use
    case; `asked` says that a person asked for that.
    """

    data: bytes = field(repr=False)
    vault_password: str | None = field(repr=False)
    facts: ShareFacts
    password_file: str | None
    recovery: Handover | None
    recovery_out: Path | None
    no_recovery: bool
    newer: bool
    several: Sequence[str]
    asked: bool = True


def back_up(ui: Ui, at: Address, given: ToBackUp, pin_file: str | None) -> Result:
    """Put it onto the token or into the folder, and read it back. An old share, by the ledger, is refused."""
    _refuse_old(given.facts)
    if is_folder(at):
        return told(at_folder.backup(ui, at, given, pin_file), Used(folder=at.where))
    return _onto_token(ui, at, given, pin_file)


def _refuse_old(facts: ShareFacts) -> None:
    """Raise StaleShareError for a share of a generation that was replaced, or given up (rule 5)."""
    view = known()
    if view is None:
        return  # what cannot be recorded either is said when the command has done its work
    from coldshare.declare import declare
    from coldshare.ledger.differences import share_of
    from coldshare.reshare.newshare import only_given_up
    from coldshare.safety.errors import StaleShareError

    vault, generation = facts.public_key_ecdsa, facts.generation
    if generation not in view.given_up(vault):
        return
    current = view.current(vault)
    counts = f" Generation {current.generation.hex()[:8]} counts." if current is not None else ""
    short = generation.hex()[:8]
    if only_given_up(view, share_of(declare(facts))):
        raise StaleShareError(
            f"This share of {facts.party} is of generation {short}, and the reshare that made it was given up.{counts}",
            next_step="Back up the share that counts. If the app has finished that reshare on every device after all: "
            "coldshare reshare next FILE --given-up",
        )
    raise StaleShareError(
        f"This is an old share of {facts.party}: its generation, {short}, was retired everywhere.{counts}",
        next_step="Export the share that is on the device now, and back that up. An old one never takes the place of a "
        "newer one.",
    )


def _onto_token(ui: Ui, at: Address, given: ToBackUp, pin_file: str | None) -> Result:
    from coldshare import backup as use_case
    from coldshare.declare import declare
    from coldshare.handling import process
    from coldshare.ledger import record
    from coldshare.seal import check_password

    facts = given.facts
    declaration = declare(facts)
    process.check(declaration)
    warn(ui, given.recovery, given.no_recovery)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        known = outbox(ui)
        ended = announce(ui, known, client.info.serial, declaration.vault, declaration.party)
        with ui.prompting():
            password = entry.get(
                given.password_file,
                "password for this backup",
                "--password-file",
                check=lambda text: check_password(text, (facts.vault_name, facts.party, label)),
                new=True,
            )
        if given.newer:
            _say_what_is_older(client, facts, ui, asked=given.asked)
        with _counted(ui, known, client.info.serial, declaration):
            done = use_case.backup(
                client,
                given.data,
                password,
                recovery=given.recovery,
                vault_password=given.vault_password,
                label=label,
                newer=given.newer,
                outbox=known,
                on_step=ui.on_step,
            )
    remember(ui, done.backup_id, done.declaration)
    record.backed_up(ui.note, client.info.serial, label, done)
    # With --no-recovery it was said before the backup was made; a script hears it here only.
    warnings = [*done.warnings, *([] if done.recovery else [WITHOUT]), *given.several]
    short = done.backup_id.hex()[:8]
    result = Result(
        {
            "backup_id": done.backup_id.hex(),
            "token": {"label": label, "serial": client.info.serial.hex()},
            **declared_json(done.declaration),
            "file_size": done.file_size,
            "sealed_size": done.sealed_size,
            "replaced": done.replaced,
            "beside": None if done.older is None else backup_json(done.older),
            "gave_up": list(ended),
            "recovery": done.recovery,
            "recovery_file": None if given.recovery_out is None else str(given.recovery_out),
            "warnings": warnings,
        },
        [
            f"Backed up: the share of {done.facts.party} of {done.facts.vault_name!r} is on {label!r} as {short}.",
            f"{size(done.file_size)} became {size(done.sealed_size)}, written and read back.",
            *([_REPLACED] if done.replaced else []),
            *ended.values(),
            *(f"Note: {warning}" for warning in done.warnings),
            *opens(done.recovery, given.recovery_out),
            *([] if done.older is None else _beside(done.older)),
            f"Next: coldshare {'verify' if done.older is None else f'retire {done.older.backup_id.hex()[:8]}'}",
        ],
    )
    return told(result, Used(token=client.info.serial))


@contextmanager
def _counted(ui: Ui, known: Outbox, serial: bytes, declaration: Declaration) -> Iterator[None]:
    """A backup that breaks off and waits to be resumed has been sealed here, so this computer had that share."""
    from coldshare.errors import ColdshareError
    from coldshare.ledger import events, record

    before: set[Waiting] = set()
    with suppress(ColdshareError):
        before.update(known.waiting(serial))
    try:
        yield
    except BaseException:
        with suppress(ColdshareError):
            if not before.issuperset(known.waiting(serial)):
                record.handled(ui.note, declaration, events.BACKED_UP)
        raise


def _say_what_is_older(client: TokenClient, facts: ShareFacts, ui: Ui, *, asked: bool) -> None:
    """Nobody but the person knows which generation is newer, so what is compared is said."""
    older = [
        held
        for held in client.backups()
        if held.declaration.vault == facts.public_key_ecdsa
        and held.declaration.generation != facts.generation
        and not held.retired
    ]
    if not older:
        if asked:
            ui.note("The token holds no share of another generation of this vault, so --newer changes nothing.")
        return
    for held in older:
        short, generation = held.backup_id.hex()[:8], held.declaration.generation.hex()[:8]
        ui.note(
            f"Generation {facts.generation.hex()[:8]}, in this file, is to be NEWER than {generation}, which is on the "
            f"token as {short}. The token asks you."
        )
    if not facts.reshared:
        ui.note(
            "Note: this share does not say that its vault was ever reshared, so it is rather the older one. It can be "
            "newer only if the vault was moved to new keyshares in another way. Check before you press YES."
        )


def _beside(older: Backup) -> list[str]:
    old, generation = older.backup_id.hex()[:8], older.declaration.generation.hex()[:8]
    return [
        f"It is newer than {old}, generation {generation}. The token keeps both: {old} counts until you retire it.",
        "Retire it when every party's newer share is backed up and the reshared vault has signed once.",
    ]
