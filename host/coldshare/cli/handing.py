"""A new recovery code on its way to a person: into a file, or onto the terminal and back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli import entry
from coldshare.cli.ui import Ui
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.handover import Handover

F = TypeVar("F", bound=Callable[..., Any])

WITHOUT = "Without a recovery code this backup is gone after 8 wrong PINs, or when its password is forgotten."
_NOBODY = "There is no terminal to show a recovery code on, so none is made. --recovery-out FILE makes one."
_SILENCE = "--no-recovery does without one and without this warning."

_out = click.option(
    "--recovery-out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the new recovery code to FILE, which must not exist. Otherwise it is shown on the terminal, once.",
)
_none = click.option("--no-recovery", is_flag=True, help="Make no recovery code.")


def recovery_options(function: F) -> F:
    """--recovery-out and --no-recovery."""
    return _out(_none(function))


def new_code(ui: Ui, out: Path | None, none: bool, *, must_say: bool = False) -> Handover | None:
    """How the code is handed over, or None for a backup without one.

    With --json, and with `must_say` wherever it cannot be shown, one of the options is needed.
    """
    if out is not None and none:
        raise click.UsageError("--recovery-out and --no-recovery exclude each other")
    if out is not None:
        return _to_file(ui, out)
    if none:
        return None
    here = entry.person_here() and sys.stderr.isatty()
    if ui.quiet or (must_say and not here):
        where = "with --json" if ui.quiet else "without a terminal"
        raise click.UsageError(f"{where}, say where the recovery code goes: --recovery-out FILE, or --no-recovery")
    return _on_terminal(ui) if here else None


def warn(ui: Ui, recovery: Handover | None, none: bool) -> None:
    """What a backup without a recovery code means, before it is made."""
    if recovery is None:
        ui.note(WITHOUT if none else f"{_NOBODY} {WITHOUT} {_SILENCE}")


def opens(recovery: bool, out: Path | None) -> list[str]:
    """What to say at the end of what opens the new backup."""
    lines = ["It opens with this token and its password together. Write the password down, apart from the token."]
    if recovery:
        where = f"in {out}" if out is not None else "on your paper"
        lines += [
            f"It also opens with the recovery code {where}, alone. Keep that apart from the token and from every copy.",
            "For the day when the token is lost, keep a copy that the code opens: coldshare export --out FOLDER",
        ]
    return lines


def _to_file(ui: Ui, out: Path) -> Handover:
    from coldshare.handover import ToFile

    class Spoken(ToFile):
        def say(self, words: str) -> None:
            ui.note(words)

    return Spoken(out)


def _on_terminal(ui: Ui) -> Handover:
    from coldshare.handover import Handover
    from coldshare.recovery import RecoveryCode, short_id

    class OnTerminal(Handover):
        """Shown on a screen of its own, which leaves nothing to scroll back to, and typed back from the paper."""

        _given = False

        def give(self, backup_id: bytes) -> RecoveryCode:
            code = RecoveryCode.generate()
            with ui.prompting(), _own_screen():
                while not self._shown_and_typed(code, short_id(backup_id)):
                    pass
            self._given = True
            return code

        def _shown_and_typed(self, code: RecoveryCode, short: str) -> bool:
            """True once the person has typed it. An empty line: show it again."""
            _clear()
            click.echo(f"Recovery code of backup {short}\n", err=True)
            for row in code.rows:
                click.echo(f"    {row}", err=True)
            click.echo(
                f"\nWrite it on paper, with the {short} beside it. It opens this one share, without token and password."
                "\nKeep it apart from the token and from every copy of the backup. It is shown only now.\n",
                err=True,
            )
            click.prompt("Press Enter when it is on paper", default="", show_default=False, hide_input=True, err=True)
            _clear()
            while True:
                typed = str(click.prompt("Type it from the paper (Enter shows it again)", default="", **_PLAIN))
                if not typed.strip():
                    return False
                try:
                    code.confirm(typed)
                except ColdshareError as error:
                    click.echo(f"{error.message} {error.next_step}", err=True)
                    continue
                return True

        def say(self, words: str) -> None:
            ui.note(words)

        def void(self) -> str:
            return "The recovery code on your paper opens nothing now: throw it away." if self._given else ""

        def kept(self) -> str:
            return "Keep the recovery code on your paper: it is that backup's." if self._given else ""

    return OnTerminal()


_PLAIN: dict[str, Any] = {"show_default": False, "err": True}


def _clear() -> None:
    click.echo("\x1b[2J\x1b[H", nl=False, err=True)


@contextmanager
def _own_screen() -> Iterator[None]:
    """The terminal's second screen: what is on it is not in the history of the first."""
    click.echo("\x1b[?1049h", nl=False, err=True)
    try:
        yield
    finally:
        _clear()
        click.echo("\x1b[?1049l", nl=False, err=True)
