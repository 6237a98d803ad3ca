"""`coldshare-board`: the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from coldshare_board.install import Plan
    from coldshare_iface.errors import ColdshareError

# Everything else is imported by the command that needs it: `--help` should not pay for a compiler.

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
_port = click.option("--port", metavar="PORT", help="The board's port, such as /dev/ttyACM0 or COM3.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")


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
@_as_json
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
    _print("install", data, _lines(what, where, dry_run), as_json)


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
@_as_json
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
    _print("check", {"port": where, **found.as_dict()}, lines, as_json)


def _print(command: str, data: dict[str, Any], lines: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"ok": True, "command": command, **data}, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo(line)


def run(argv: Sequence[str]) -> int:
    """The exit status. Every failure is one sentence and a next step, or one JSON object."""
    from coldshare_iface.errors import ColdshareError

    command = next((word for word in argv if word in cli.commands), "")
    as_json = "--json" in argv
    try:
        status = cli.main(args=list(argv), prog_name="coldshare-board", standalone_mode=False)
    except ColdshareError as error:
        return _fail(error, command, as_json)
    except click.ClickException as error:
        return _fail(_usage(error), command, as_json)
    except (KeyboardInterrupt, click.Abort):
        return _EXIT_INTERRUPTED
    return status if isinstance(status, int) else 0


def _usage(error: click.ClickException) -> ColdshareError:
    from coldshare_iface.errors import ColdshareError

    class UsageError(ColdshareError):
        """The command line is not right."""

        code = "usage"
        exit_status = _EXIT_USAGE

    text = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_for = context.command_path if context is not None else "coldshare-board"
    return UsageError(text if text.endswith(".") else f"{text}.", next_step=f"See: {help_for} --help")


def _fail(error: ColdshareError, command: str, as_json: bool) -> int:
    if as_json:
        body = {"code": error.code, "message": error.message, "next": error.next_step}
        click.echo(json.dumps({"ok": False, "command": command, "error": body}, ensure_ascii=False, indent=2))
    else:
        click.secho(f"Error ({error.code}): {error.message}", fg="red", err=True)
        if error.next_step:
            click.echo(f"What now: {error.next_step}", err=True)
    return error.exit_status


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare-board` and exit."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))
