"""The commands, and what happens around every one of them: results and errors become text or JSON in one place."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from coldshare import __version__
from coldshare.cli.render import Result, print_error, print_result
from coldshare.interrupts import afterwards
from coldshare_iface.errors import ColdshareError

#: Modules of `coldshare.cli.commands`, in the order in which people need them.
COMMANDS = (
    "init",
    "backup",
    "resume",
    "list",
    "status",
    "lost",
    "verify",
    "restore",
    "export",
    "reseal",
    "inspect",
    "pair",
    "label",
    "pin",
    "pairings",
    "retire",
    "un-retire",
    "destroy",
    "remove",
    "audit",
    "wipe",
    "ledger",
    "reshare",
    "place",
    "drill",
    "tokens",
    "udev",
    "doctor",
    "completion",
    "demo",
)

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class _Lazy(click.Group):
    """Loads a command's module when the command is wanted, so that none pays for another's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        command: click.Command = import_module(f"coldshare.cli.commands.{module}").command
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coldshare", message="%(prog)s %(version)s")
def cli() -> None:
    """Back up the shares of a threshold wallet onto hardware tokens, and bring them back.

    Every share gets a token of its own: two shares of one vault never belong in one place.
    """


class InterruptError(ColdshareError):
    """Interrupted."""

    code = "interrupted"
    exit_status = EXIT_INTERRUPTED
    next_step = "Run the command again when you like. coldshare list shows what the token holds."


class UsageError(ColdshareError):
    """The command line is not right."""

    code = "usage"
    exit_status = EXIT_USAGE


class _OutputStreamError(ColdshareError):
    """The answer could not be written to standard output."""

    code = "stdout_failed"
    next_step = "What the command did is done. Look before you run it again: coldshare list"


class _UnexpectedError(ColdshareError):
    """Something happened that coldshare did not foresee."""

    code = "unexpected"
    next_step = "Please report this. Run it again with COLDSHARE_DEBUG=1 to see where it happened; check what you post."


def run(argv: Sequence[str], program: click.Command = cli, prog_name: str = "coldshare") -> int:
    """The exit status. Nothing escapes: every failure is one sentence and a next step, or one JSON object."""
    argv = list(argv) or ["--help"]
    as_json = "--json" in argv[: argv.index("--") if "--" in argv else len(argv)]  # behind that it is a name
    name = next((word for word in argv if word in COMMANDS), "") if program is cli else str(program.name)
    outcome = _outcome(argv, program, prog_name)
    status = None
    try:
        with afterwards():  # what was done is told first
            status = _say(outcome, name, as_json)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED if status is None else status
    except BrokenPipeError:
        _drop_stdout()
        return 1  # nobody listens any more
    except OSError as error:
        _drop_stdout()
        return _say(_OutputStreamError(f"The answer could not be written: {error.strerror}."), name, as_json=False)
    return status


def _outcome(argv: list[str], program: click.Command, prog_name: str) -> Result | ColdshareError | int:
    try:
        result: Any = program.main(args=argv, prog_name=prog_name, standalone_mode=False)
    except ColdshareError as error:
        return error
    except (KeyboardInterrupt, click.Abort):
        return InterruptError()
    except click.ClickException as error:
        return _usage(error)
    except Exception as error:
        if os.environ.get("COLDSHARE_DEBUG"):
            raise
        # Only the kind: the text of an unforeseen error could hold anything.
        return _UnexpectedError(f"Something unforeseen happened ({type(error).__name__}).")
    return result if isinstance(result, Result | int) else 0


def _say(outcome: Result | ColdshareError | int, name: str, as_json: bool) -> int:
    if isinstance(outcome, int):
        return outcome
    if isinstance(outcome, Result):
        print_result(outcome, name, as_json)
    else:
        print_error(outcome, name, as_json)
    return outcome.exit_status


def _drop_stdout() -> None:
    """Or the interpreter would try to write what is left when it ends, and complain."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _usage(error: click.ClickException) -> ColdshareError:
    text = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_for = context.command_path if context is not None else "coldshare"
    return UsageError(text if text.endswith((".", "?")) else f"{text}.", next_step=f"See: {help_for} --help")
