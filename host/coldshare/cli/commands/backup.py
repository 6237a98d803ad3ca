"""`coldshare backup FILE`: one share onto one token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import backup_json, declared_json
from coldshare.cli.folder import backup as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.handing import WITHOUT, new_code, opens, recovery_options, warn
from coldshare.cli.opening import remember
from coldshare.cli.options import open_token, password_option, place_options, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.ui import Ui
from coldshare.cli.unfinished import announce, outbox
from coldshare.cli.vaultfile import member_option, read_vault_file, vault_password_option

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare.vault import ShareFacts
    from coldshare_iface.messages import Backup

_REPLACED = "It replaced the earlier backup of the same share; a recovery code of that one does not open this one."


@click.command("backup", short_help="Put a share onto a token or a stick, sealed.")
@click.argument("file", type=click.Path(path_type=Path))
@member_option
@password_option
@vault_password_option
@recovery_options
@single_host_option
@click.option("--newer", is_flag=True, help="After a reshare: FILE is newer than the share that the token holds.")
@place_options
def command(
    file: Path,
    newer: bool,
    member: str | None,
    password_file: str | None,
    vault_password_file: str | None,
    recovery_out: Path | None,
    no_recovery: bool,
    single_host: bool,
    at: Address,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Check the share in FILE, seal it, put it onto the token and read it back.

    FILE stays as it is; of a zip one file is backed up, the one that --member names. The token must not hold a share
    of another party of the same vault. The backup also gets a recovery code, for the day when token or password is
    lost. When the link breaks, coldshare resume goes on where it stopped.

    After a reshare every share is new, and the token refuses one of another generation than it holds. With --newer it
    asks you whether this one is the newer one, and keeps both. The new one counts once the old one is retired.

    --at folder:PATH puts it into a folder, on a stick that you put away. There its password alone protects it.
    """
    from coldshare import backup as use_case
    from coldshare.declare import declare
    from coldshare.handling import process
    from coldshare.ledger import record
    from coldshare.seal import check_password

    if is_folder(at):
        given = (at, file, member, password_file, vault_password_file, recovery_out, no_recovery, newer, single_host)
        return at_folder.backup(*given, pin_file, as_json)
    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    recovery = new_code(ui, recovery_out, no_recovery)
    data, vault_password, facts = read_vault_file(file, vault_password_file, ui, member)
    ui.note(f"{facts.vault_name}: the share of {facts.party}, {facts.threshold} of {facts.parties}, checked.")
    declaration = declare(facts)
    process.check(declaration)
    warn(ui, recovery, no_recovery)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        known = outbox(ui)
        ended = announce(ui, known, client.info.serial, declaration.vault, declaration.party)
        with ui.prompting():
            password = entry.get(
                password_file,
                "password for this backup",
                "--password-file",
                check=lambda text: check_password(text, (facts.vault_name, facts.party, label)),
                new=True,
            )
        if newer:
            _say_what_is_older(client, facts, ui)
        done = use_case.backup(
            client,
            data,
            password,
            recovery=recovery,
            vault_password=vault_password,
            label=label,
            newer=newer,
            outbox=known,
            on_step=ui.on_step,
        )
    remember(ui, done.backup_id, done.declaration)
    record.backed_up(ui.note, client.info.serial, label, done)
    # With --no-recovery it was said before the backup was made; a script hears it here only.
    warnings = [*done.warnings, *([] if done.recovery else [WITHOUT]), *several]
    short = done.backup_id.hex()[:8]
    return Result(
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
            "recovery_file": None if recovery_out is None else str(recovery_out),
            "warnings": warnings,
        },
        [
            f"Backed up: the share of {done.facts.party} of {done.facts.vault_name!r} is on {label!r} as {short}.",
            f"{size(done.file_size)} became {size(done.sealed_size)}, written and read back.",
            *([_REPLACED] if done.replaced else []),
            *ended.values(),
            *(f"Note: {warning}" for warning in done.warnings),
            *opens(done.recovery, recovery_out),
            *([] if done.older is None else _beside(done.older)),
            f"Next: coldshare {'verify' if done.older is None else f'retire {done.older.backup_id.hex()[:8]}'}",
        ],
    )


def _say_what_is_older(client: TokenClient, facts: ShareFacts, ui: Ui) -> None:
    """Nobody but the person knows which generation is newer, so what is compared is said."""
    older = [
        held
        for held in client.backups()
        if held.declaration.vault == facts.public_key_ecdsa
        and held.declaration.generation != facts.generation
        and not held.retired
    ]
    if not older:
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
