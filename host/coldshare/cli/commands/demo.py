"""`coldshare demo`: the main job on three software tokens, told as it happens."""

from __future__ import annotations

import click

from coldshare.cli.options import json_option
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui


@click.command("demo", short_help="Show the main job on software tokens.")
@click.option("--reshare", is_flag=True, help="Show a reshare instead: old shares and new ones, never mixed.")
@json_option
def command(reshare: bool, as_json: bool) -> Result:
    """Show the main job: three shares onto three software tokens, a device lost, its share back.

    Everything is thrown away at the end. Takes a few seconds and needs no hardware.
    """
    ui = Ui(quiet=as_json)
    return _reshare(ui) if reshare else _main(ui)


def _main(ui: Ui) -> Result:
    from coldshare.demo import run

    told = run(ui.note)
    return Result(
        {
            "vault": told.vault,
            "tokens": told.tokens,
            "restored": told.restored,
            "identical": told.identical,
            "seconds": round(told.seconds, 1),
        },
        [f"The restored file and the lost one are identical, byte for byte. All of it took {told.seconds:.1f} s."],
    )


def _reshare(ui: Ui) -> Result:
    from coldshare.demo_reshare import run

    told = run(ui.note)
    return Result(
        {
            "vault": told.vault,
            "older": told.older.hex(),
            "newer": told.newer.hex(),
            "complete": told.complete,
            "seconds": round(told.seconds, 1),
        },
        [f"All of it took {told.seconds:.1f} s, with software tokens and a vault that is thrown away."],
    )
