"""`coldshare reseal`: the same share on the same token, with another password, recovery code or cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import declared_json, headline, slots_json
from coldshare.cli.folder import reseal as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.handing import new_code, opens, recovery_options, warn
from coldshare.cli.opening import Opening, index, opening_options, remember
from coldshare.cli.options import backup_option, open_token, place_options, unlock
from coldshare.cli.render import Result
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui
from coldshare.cli.unfinished import announce, outbox
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("reseal", short_help="Change password or recovery code.")
@backup_option
@opening_options
@click.option("--new-password-file", metavar="FILE", help="Read the new password from FILE (- for standard input).")
@click.option("--new-password", is_flag=True, help="Change the password; the new one is typed at a prompt.")
@recovery_options
@single_host_option
@click.option(
    "--kdf-memory", metavar="MIB", type=int, help="What trying a password takes: 64 to 1024 MiB of memory, usually 256."
)
@place_options
def command(
    prefix: str | None,
    password_file: str | None,
    recovery_file: str | None,
    recovery: bool,
    allow_cost: bool,
    new_password_file: str | None,
    new_password: bool,
    recovery_out: Path | None,
    no_recovery: bool,
    single_host: bool,
    kdf_memory: int | None,
    at: Address,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Seal a backup anew, on its token: another password, a new recovery code or none, another cost of a password.

    The token keeps the old one until the new one has been read back and opened. The old recovery code does not open
    the new one. With --recovery-file a forgotten password is replaced. When the link breaks before the press that
    stores the new one, the old one is as it was: begin again.
    """
    from coldshare import reseal as use_case
    from coldshare.ledger import record
    from coldshare.restore import check_parties, choose
    from coldshare.seal import KdfParams, check_password

    if new_password and new_password_file is not None:
        raise click.UsageError("--new-password and --new-password-file exclude each other")
    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    if is_folder(at):
        opening = Opening(ui, password_file, recovery_file, recovery, allow_cost)
        given = (new_password_file, new_password, recovery_out, no_recovery, kdf_memory)
        return told(at_folder.reseal(at, prefix, opening, *given, several, pin_file, ui), Used(folder=at.where))
    kdf = None
    if kdf_memory is not None:
        kdf = KdfParams(memory_kib=kdf_memory << 10)
        kdf.check_write()
    code = new_code(ui, recovery_out, no_recovery, must_say=True)
    warn(ui, code, no_recovery)
    opening = Opening(ui, password_file, recovery_file, recovery, allow_cost)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        backups = client.backups()
        held = choose(backups, prefix)
        use_case.check_alone(held, backups)
        check_parties(held)
        known = outbox(ui)
        whose = held.declaration
        ended = announce(ui, known, client.info.serial, whose.vault, whose.party, but=held.backup_id)
        key = opening.key()
        password = None
        if new_password or new_password_file is not None or opening.by_recovery:
            hints = (held.declaration.name, held.declaration.party, label)
            with ui.prompting():
                password = entry.get(
                    new_password_file,
                    "new password for this backup",
                    "--new-password-file",
                    check=lambda text: check_password(text, hints),
                    new=True,
                )
        done = use_case.reseal(
            client,
            held,
            key,
            password=password,
            recovery=code,
            kdf=kdf,
            label=label,
            allow_cost=opening.allow_cost,
            outbox=known,
            on_step=ui.on_step,
        )
    remember(ui, done.backup_id, done.declaration)
    record.resealed(ui.note, client.info.serial, label, done)
    try:
        older = index().files(done.old_id)
    except ColdshareError:
        older = ()
    old, new = done.old_id.hex(), done.backup_id.hex()
    result = Result(
        {
            "backup_id": new,
            "old_backup_id": old,
            "token": {"label": label, "serial": client.info.serial.hex()},
            **declared_json(done.declaration),
            "sealed_size": done.sealed_size,
            **slots_json(done.slots),
            "recovery_file": None if recovery_out is None else str(recovery_out),
            "password_changed": password is not None and password != key,
            "older_exports": [str(path) for path in older],
            "gave_up": list(ended),
            "warnings": several,
        },
        [
            f"Resealed: {headline(done.declaration)} is on {label!r} as {new[:8]}. {old[:8]} is gone from it.",
            *ended.values(),
            *opens(done.recovery, recovery_out),
            use_case.older_exports(done.old_id, done.had_recovery),
            *(f"It was exported to {path}." for path in older),
            "Next: coldshare verify",
        ],
    )
    return told(result, Used(token=client.info.serial))
