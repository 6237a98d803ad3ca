"""`coldshare-sim`: make software tokens and see what is in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from coldshare_iface.errors import ColdshareError
    from coldshare_sim.look import Facts

# Everything else is imported by the command that needs it: `--version` and `--help` should not pay for a flash chip.

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
_path = click.argument("path", type=click.Path(path_type=Path))


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="coldshare", prog_name="coldshare-sim", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Tokens made of software: the real firmware on a modelled flash chip. One file is one token.

    Use one with: coldshare init --at sim:PATH
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@_path
@_as_json
def new(path: Path, as_json: bool) -> None:
    """Make a blank software token at PATH."""
    from coldshare_sim.flash import create
    from coldshare_sim.look import look
    from coldshare_sim.person import AbsentPerson
    from coldshare_sim.token import SoftToken

    create(path)
    try:
        SoftToken(path, AbsentPerson()).close()  # the first power-up gives it its serial number
    except BaseException:
        path.unlink()
        raise
    facts = look(path)
    lines = [f"A new software token is at {path}. Set it up with: coldshare init --at sim:{path} --label NAME"]
    _print("new", _data(path, facts), lines, as_json)


@cli.command()
@_path
@_as_json
def show(path: Path, as_json: bool) -> None:
    """Say what the software token at PATH is and holds, as far as that takes no PIN. Nothing is changed."""
    from coldshare_sim.look import look

    facts = look(path)
    lines = [
        f"state             {facts.state}",
        f"serial            {facts.serial or '-'}",
        f"backups           {facts.backups}",
        f"paired computers  {facts.pairings}",
        f"PIN attempts left {facts.attempts_left}",
        f"free              {facts.free:,} bytes",
    ]
    _print("show", _data(path, facts), lines, as_json)


def _data(path: Path, facts: Facts) -> dict[str, str | int | None]:
    return {
        "path": str(path),
        "state": facts.state,
        "serial": facts.serial,
        "backups": facts.backups,
        "pairings": facts.pairings,
        "attempts_left": facts.attempts_left,
        "free": facts.free,
    }


def _print(command: str, data: Mapping[str, str | int | None], lines: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"ok": True, "command": command, **data}, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo(line)


def run(argv: Sequence[str]) -> int:
    """The exit status. Every failure is one sentence and a next step, or one JSON object."""
    from coldshare_iface.errors import ColdshareError

    command = next((word for word in argv if word in cli.commands), "")
    try:
        status = cli.main(args=list(argv), prog_name="coldshare-sim", standalone_mode=False)
    except ColdshareError as error:
        return _fail(error, command, "--json" in argv)
    except click.ClickException as error:
        return _fail(_usage(error), command, "--json" in argv)
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
    help_for = context.command_path if context is not None else "coldshare-sim"
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
    """Run `coldshare-sim` and exit."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))
