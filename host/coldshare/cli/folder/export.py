"""`coldshare export` from a folder."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from coldshare.cli.describe import RETIRED, has_recovery, slots_json, ways
from coldshare.cli.folder.common import backup_json, no_pin, on_wait, place_json, short_of
from coldshare.cli.opening import index
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui
from coldshare.paths import written

if TYPE_CHECKING:
    from pathlib import Path

    from coldshare.device.address import Address


def export(at: Address, out: Path, prefix: str | None, pin_file: str | None, as_json: bool) -> Result:
    from coldshare import export as use_case
    from coldshare.files import OutputExistsError
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder
    from coldshare.seal import parse

    no_pin(pin_file)
    ui = Ui(quiet=as_json)
    use_case.check_name(out)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
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
        f"Exported: backup {short_of(kept)}, sealed, is in {done.path} ({size(done.size)}).",
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
    lines.append(f"Try it once: coldshare verify --from {shlex.quote(written(str(done.path)))}")
    return Result(
        {
            **place_json(at),
            **backup_json(kept),
            **slots_json(slots),
            "out": str(done.path),
            "unknown": [str(path) for path in done.unknown],
            "elsewhere": [str(path) for path in done.elsewhere],
        },
        lines,
    )
