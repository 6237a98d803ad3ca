"""How the programs beside `coldshare` answer: an exit status, and sentences or one JSON object.

`coldshare-sim` and `coldshare-board` do without the host's packages; this is what they have in common.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from coldshare_iface.errors import ColdshareError

# Errors are imported once a command runs: `--version` and `--help` should not pay for them.

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130

as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")


def print_answer(command: str, data: Mapping[str, Any], lines: Sequence[str], as_json: bool) -> None:
    """What came out: `data` for a program, or `lines` for a person."""
    if as_json:
        click.echo(json.dumps({"ok": True, "command": command, **data}, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo(line)


def run(program: click.Group, name: str, argv: Sequence[str], *, passing_on: Collection[str] = ()) -> int:
    """The exit status. Every failure is one sentence and a next step, or one JSON object.

    Commands in `passing_on` hand a --json on to another program: it is not theirs.
    """
    from coldshare_iface.errors import ColdshareError

    command = next((word for word in argv if word in program.commands), "")
    as_json = "--json" in argv and command not in passing_on
    try:
        status = program.main(args=list(argv), prog_name=name, standalone_mode=False)
    except ColdshareError as error:
        return _fail(error, command, as_json)
    except click.ClickException as error:
        return _fail(_usage(error, name), command, as_json)
    except (KeyboardInterrupt, click.Abort):
        return _EXIT_INTERRUPTED
    return status if isinstance(status, int) else 0


def _usage(error: click.ClickException, name: str) -> ColdshareError:
    from coldshare_iface.errors import ColdshareError

    class UsageError(ColdshareError):
        """The command line is not right."""

        code = "usage"
        exit_status = _EXIT_USAGE

    text = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_for = context.command_path if context is not None else name
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
