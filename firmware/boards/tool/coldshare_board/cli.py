"""`coldshare-board`: the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from coldshare_console import as_json_option, print_answer
from coldshare_console import run as run_program

if TYPE_CHECKING:
    from coldshare_board.install import Plan

# Everything else is imported by the command that needs it: `--help` should not pay for a compiler.

_port = click.option("--port", metavar="PORT", help="The board's port, such as /dev/ttyACM0 or COM3.")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="coldshare", prog_name="coldshare-board", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Make a token out of a Raspberry Pi Pico 2 or Pico that runs the official MicroPython image.

    The page about boards says what to buy and what such a token protects: docs/board.md
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@_port
@click.option(
    "--buttons",
    type=click.Choice(["pins", "bootsel"]),
    help="Two buttons on pins (the default on a new board), or the board's own BOOTSEL for everything.",
)
@click.option("--replace", is_flag=True, help="Overwrite another program's boot.py and main.py.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@as_json_option
def install(port: str | None, buttons: str | None, replace: bool, dry_run: bool, as_json: bool) -> None:
    """Put the firmware onto the board, or a newer one in its place. Shares and keys on it stay as they are."""
    from coldshare_board import release
    from coldshare_board.install import install as put
    from coldshare_board.install import plan
    from coldshare_board.link import connect
    from coldshare_board.ports import find

    where = port or find()
    new = release.build()
    with connect(where) as board:
        what = plan(board, new, buttons, replace)
        if not dry_run and not what.nothing:
            click.echo(f"Copying {len(what.files)} files to {where} ...", err=True)
            put(board, what)
    data = {
        "port": where,
        "machine": what.facts.machine,
        "micropython": ".".join(map(str, what.facts.version)),
        "release": new.id,
        "before": what.facts.release or None,
        "buttons": what.buttons,
        "files": len(what.files),
        "bytes": sum(len(new.files[name]) for name in what.files),
        "dry_run": dry_run,
        "changed": not (dry_run or what.nothing),
    }
    print_answer("install", data, _lines(what, where, dry_run), as_json)


def _lines(what: Plan, where: str, dry_run: bool) -> list[str]:
    if what.nothing:
        return [f"The board at {where} has this firmware already, every file of it (release {what.release.id})."]
    copied = f"{len(what.files)} files, {sum(len(what.release.files[name]) for name in what.files):,} bytes"
    before = f" in place of {what.facts.release}" if what.facts.release not in ("", what.release.id) else ""
    if dry_run:
        return [f"Would copy {copied} to {where}: release {what.release.id}{before}. Nothing was changed."]
    return [
        f"Release {what.release.id}{before} is on the board: {copied}, each read back and compared.",
        "Unplug it and plug it in again: then it is a token. Set it up with: coldshare init",
    ]


@cli.command()
@_port
@as_json_option
def check(port: str | None, as_json: bool) -> None:
    """Say what is on the board. Nothing is changed, and no secret leaves it."""
    from coldshare_board.check import check as look
    from coldshare_board.link import connect
    from coldshare_board.ports import find

    where = port or find()
    with connect(where) as board:
        found = look(board)
    lines = [
        f"board         {found.machine}",
        f"MicroPython   {found.micropython}" + ("" if found.suits else f": {found.why}"),
        f"firmware      {found.firmware}",
        f"buttons       {found.buttons or '-'}",
        f"key area      {found.keys or '-'}",
        f"sealed shares {found.shares}",
        f"free          {found.free:,} of {found.total:,} bytes",
    ]
    if found.fault:
        lines.append("last fault    " + " / ".join(found.fault))
    print_answer("check", {"port": where, **found.as_dict()}, lines, as_json)


def run(argv: Sequence[str]) -> int:
    """The exit status."""
    return run_program(cli, "coldshare-board", argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare-board` and exit."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))
