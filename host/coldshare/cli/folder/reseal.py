"""`coldshare reseal` in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli import entry
from coldshare.cli.describe import declared_json, headline, slots_json
from coldshare.cli.folder.common import WITHOUT, command_at, file_of, no_pin, on_wait, opens, place_json
from coldshare.cli.handing import new_code
from coldshare.cli.opening import remember
from coldshare.cli.render import Result

if TYPE_CHECKING:
    from pathlib import Path

    from coldshare.cli.opening import Opening
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address


_FLASH = "If somebody may have the old password, that is no help against a copy: reshare the vault."


def reseal(
    at: Address,
    prefix: str | None,
    opening: Opening,
    new_password_file: str | None,
    new_password: bool,
    recovery_out: Path | None,
    no_recovery: bool,
    kdf_memory: int | None,
    several: list[str],
    pin_file: str | None,
    ui: Ui,
) -> Result:
    from coldshare.handling import process
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder
    from coldshare.seal import KdfParams

    no_pin(pin_file)
    kdf = None
    if kdf_memory is not None:
        kdf = KdfParams(memory_kib=kdf_memory << 10)
        kdf.check_write()
    code = new_code(ui, recovery_out, no_recovery, must_say=True)
    if code is None:
        ui.note(WITHOUT)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
    process.expect(kept.backup_id)
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
        on_wait=on_wait(ui),
        on_step=ui.on_step,
    )
    remember(ui, done.backup_id, done.declaration, file_of(at, done.backup_id))
    ledger.resealed(ui.note, at.where, done)
    old, new = done.old_id.hex(), done.backup_id.hex()
    return Result(
        {
            "backup_id": new,
            "old_backup_id": old,
            **place_json(at),
            **declared_json(done.declaration),
            "sealed_size": done.sealed_size,
            **slots_json(done.slots),
            "recovery_file": None if recovery_out is None else str(recovery_out),
            "password_changed": password is not None and password != key,
            "warnings": several,
        },
        [
            f"Resealed: {headline(done.declaration)} is in {at.where} as {new[:8]}. {old[:8]} was removed.",
            *opens(done.recovery, recovery_out),
            f"Copies of {old[:8]} elsewhere, and what flash memory may keep of it, still open as they did. {_FLASH}",
            f"Next: {command_at('verify', at)}",
        ],
    )
