"""`coldshare backup` into a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli import entry
from coldshare.cli.describe import declared_json
from coldshare.cli.folder.common import (
    WITHOUT,
    backup_json,
    command_at,
    file_of,
    no_pin,
    on_wait,
    opens,
    place_json,
    short_of,
)
from coldshare.cli.opening import index, remember
from coldshare.cli.render import Result, size

if TYPE_CHECKING:
    from coldshare.cli.backing import ToBackUp
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address


WEAKER = (
    "A folder is weaker than a token: it has no PIN, no screen and no button. Whoever has the stick can copy what is "
    "on it and try passwords for as long as they like, so the password alone protects the share."
)


def backup(ui: Ui, at: Address, given: ToBackUp, pin_file: str | None) -> Result:
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares

    no_pin(pin_file)
    facts, recovery, recovery_out = given.facts, given.recovery, given.recovery_out
    there = shares.check_backup(at.where, facts, index(), newer=given.newer)
    around = _warn(at, ui)
    ui.note(WEAKER)
    if recovery is None:
        ui.note(WITHOUT)
    password = entry.get(
        given.password_file,
        "password for this backup",
        "--password-file",
        check=lambda text: shares.check_alone(text, (facts.vault_name, facts.party)),
        new=True,
    )
    done = shares.backup(
        at.where,
        given.data,
        password,
        index=index(),
        recovery=recovery,
        vault_password=given.vault_password,
        newer=given.newer,
        replacing=there,
        on_wait=on_wait(ui),
        on_step=ui.on_step,
    )
    place = place_json(at)
    path = file_of(at, done.backup_id)
    remember(ui, done.backup_id, done.declaration, path)
    ledger.backed_up(ui.note, at.where, done)
    short, older = done.backup_id.hex()[:8], done.older
    lines = [
        f"Backed up: the share of {facts.party} of {facts.vault_name!r} is in {path.parent} as {short}, twice.",
        f"{size(done.file_size)} became {size(done.sealed_size)}, written, waited for and read back.",
    ]
    if done.replaced:
        lines.append("It replaced the earlier backup of the same share; a recovery code of that one does not open it.")
    lines += [f"Note: {warning}" for warning in facts.warnings]
    lines += opens(done.recovery, recovery_out)
    if older is not None:
        lines += [
            f"It is newer than {short_of(older)}. Both are kept: {short_of(older)} counts until you retire it.",
            "Retire it when every party's newer share is backed up and the reshared vault has signed once.",
        ]
    lines.append(
        "Eject the stick, and put it away. Try it once: "
        + command_at("verify" if older is None else f"retire {short_of(older)}", at)
    )
    return Result(
        {
            "backup_id": done.backup_id.hex(),
            **place,
            **declared_json(done.declaration),
            "file_size": done.file_size,
            "sealed_size": done.sealed_size,
            "replaced": len(done.replaced),
            "beside": None if older is None else backup_json(older),
            "recovery": done.recovery,
            "recovery_file": None if recovery_out is None else str(recovery_out),
            "warnings": [*facts.warnings, WEAKER, *around, *([] if done.recovery else [WITHOUT]), *given.several],
        },
        lines,
    )


def _warn(at: Address, ui: Ui) -> list[str]:
    from coldshare.places.folder import place_of
    from coldshare.places.surroundings import warnings

    found = warnings(place_of(at.where))
    for words in found:
        ui.note(f"Note: {words}")
    return found
