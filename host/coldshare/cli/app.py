"""The commands, and what happens around every one of them: results and errors become text or JSON in one place."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from coldshare import __version__
from coldshare.cli.render import Result, print_error, print_result
from coldshare_iface.errors import ColdshareError

#: Modules of `coldshare.cli.commands`, in the order in which people need them.
COMMANDS = ("init", "backup", "list", "verify", "restore", "inspect", "pair", "demo")

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class _Lazy(click.Group):
    """Loads a command's module when the command is wanted, so that none pays for another's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"coldshare.cli.commands.{cmd_name}").command
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coldshare", message="%(prog)s %(version)s")
def cli() -> None:
    """Back up the shares of a threshold wallet onto hardware tokens, and bring them back.

    Every share gets a token of its own: two shares of one vault never belong in one place.
    """


class _InterruptedError(ColdshareError):
    """Interrupted."""

    code = "interrupted"
    exit_status = EXIT_INTERRUPTED
    next_step = "Run the command again when you like; nothing was left half-done."


class _UsageError(ColdshareError):
    """The command line is not right."""

    code = "usage"
    exit_status = EXIT_USAGE


class _UnexpectedError(ColdshareError):
    """Something happened that coldshare did not foresee."""

    code = "unexpected"
    next_step = "Please report this. Run it again with COLDSHARE_DEBUG=1 to see where it happened; check what you post."


def run(argv: Sequence[str]) -> int:
    """The exit status. Nothing escapes: every failure is one sentence and a next step, or one JSON object."""
    as_json = "--json" in argv
    name = next((word for word in argv if word in COMMANDS), "")
    try:
        result: Any = cli.main(args=list(argv), prog_name="coldshare", standalone_mode=False)
    except ColdshareError as error:
        return _fail(error, name, as_json)
    except (KeyboardInterrupt, click.Abort):
        return _fail(_InterruptedError(), name, as_json)
    except click.ClickException as error:
        return _fail(_usage(error), name, as_json)
    except Exception as error:
        import os

        if os.environ.get("COLDSHARE_DEBUG"):
            raise
        # Only the kind: the text of an unforeseen error could hold anything.
        return _fail(_UnexpectedError(f"Something unforeseen happened ({type(error).__name__})."), name, as_json)
    if isinstance(result, Result):
        print_result(result, name, as_json)
        return result.exit_status
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException) -> ColdshareError:
    text = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_for = context.command_path if context is not None else "coldshare"
    return _UsageError(text if text.endswith(".") else f"{text}.", next_step=f"See: {help_for} --help")


def _fail(error: ColdshareError, name: str, as_json: bool) -> int:
    print_error(error, name, as_json)
    return error.exit_status
