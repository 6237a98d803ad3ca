"""`coldshare-sim`: make software tokens and see what is in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare_console import as_json_option, print_answer
from coldshare_console import run as run_program

if TYPE_CHECKING:
    from coldshare_sim.look import Facts

# Everything else is imported by the command that needs it: `--version` and `--help` should not pay for a flash chip.

_path = click.argument("path", type=click.Path(path_type=Path))
_user = click.option(
    "--user", type=click.Choice(["approve", "reject"]), help="Who presses its buttons, if nobody at the terminal does."
)

_fault = click.option("--fault", metavar="SPEC", help="What goes wrong, as in drop:to-token:17 (docs/simulator.md).")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="coldshare", prog_name="coldshare-sim", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Tokens made of software: the real firmware on a modelled flash chip. One file is one token.

    Use one with: coldshare init --at sim:PATH
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command(short_help="Make a blank software token.")
@_path
@as_json_option
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
    print_answer("new", _data(path, facts), lines, as_json)


@cli.command(short_help="Say what a software token holds.")
@_path
@as_json_option
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
    print_answer("show", _data(path, facts), lines, as_json)


@cli.command(short_help="Serve a token to other processes.")
@_path
@click.option(
    "--unix", type=click.Path(path_type=Path), help="Serve at this unix socket; only your account may use it."
)
@click.option("--tcp", metavar="127.0.0.1:PORT", help="Serve at this port of this computer; 0 lets the system choose.")
@_user
@click.option("--control", metavar="PATH|127.0.0.1:PORT", help="Screen and buttons at this socket (docs/simulator.md).")
@click.option("--ready-fd", type=int, metavar="N", help="Say there, and not on standard output, when it can be used.")
@click.option("--create", is_flag=True, help="Make a blank token at PATH if there is none.")
@_fault
@click.option("--break", "flaw", metavar="ID", help="Break that rule of the contract (see: coldshare-sim flaws).")
def serve(
    path: Path,
    unix: Path | None,
    tcp: str | None,
    user: str | None,
    control: str | None,
    ready_fd: int | None,
    create: bool,
    fault: str | None,
    flaw: str | None,
) -> None:
    """Serve the software token at PATH to other processes, until SIGTERM or Ctrl-C.

    One line of JSON says when it can be used; its "at" is the address for coldshare --at. Never for real shares.
    """
    from coldshare_sim import serving

    serving.serve(path, unix, tcp, user, control, ready_fd, create=create, fault=fault, flaw=flaw)


@cli.command(short_help="Plug a token into this computer's USB.")
@_path
@click.option("--speed", type=click.Choice(["fs", "hs"]), default="fs", help="Of the bus: full (the default) or high.")
@click.option("--listen", metavar="127.0.0.1:PORT", help="Wait at this port for usbip attach; 0: the system chooses.")
@_user
@click.option("--control", metavar="PATH|127.0.0.1:PORT", help="Screen, buttons and cable there (docs/simulator.md).")
@click.option("--ready-fd", type=int, metavar="N", help="Say there, and not on standard output, when it can be used.")
@click.option("--create", is_flag=True, help="Make a blank token at PATH if there is none.")
@_fault
@click.option("--break", "flaw", metavar="ID", help="Break that rule of the contract (see: coldshare-sim flaws).")
def plug(
    path: Path,
    speed: str,
    listen: str | None,
    user: str | None,
    control: str | None,
    ready_fd: int | None,
    create: bool,
    fault: str | None,
    flaw: str | None,
) -> None:
    """Put the software token at PATH onto a USB bus of this computer, until SIGTERM or Ctrl-C.

    Linux has a virtual bus (vhci_hcd) and shows the token to every program as it shows a real one; root must plug it
    in. One line of JSON says when it can be used; its "at" is the address for coldshare --at.
    """
    from coldshare_sim.usb.plug import plug

    plug(path, speed, listen, user, control, ready_fd, create=create, fault=fault, flaw=flaw)


@cli.command(short_help="Name the rules that a token can break.")
@as_json_option
def flaws(as_json: bool) -> None:
    """Name the rules of the contract that a software token can break, and what it does then.

    They are for testing what tests tokens: sim:PATH?break=ID and serve --break ID.
    """
    from coldshare_sim import broken

    found = {name: broken.sentence(name) for name in broken.names()}
    if as_json:
        rows = [{"id": name, "does": does} for name, does in found.items()]
        click.echo(json.dumps({"ok": True, "command": "flaws", "flaws": rows}, ensure_ascii=False, indent=2))
        return
    width = max(map(len, found))
    for name, does in found.items():
        click.echo(f"{name:<{width}}  {does}")


@cli.command(
    "exec",
    short_help="Run a command with a fresh token.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--user", type=click.Choice(["approve", "reject"]), default="approve", help="Who presses its buttons.")
@click.option("--pin-file", type=click.Path(path_type=Path), help="Set the token up with the PIN in this file.")
@click.option("--label", default="Simulator", help="The token's label, with --pin-file.")
@click.option("--tcp", is_flag=True, help="Serve it over TCP instead of a unix socket.")
@_fault
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(
    user: str, pin_file: Path | None, label: str, tcp: bool, fault: str | None, command: tuple[str, ...]
) -> int:
    """Run COMMAND with a fresh software token: coldshare-sim exec -- pytest

    The command finds its address in COLDSHARE_AT and an empty COLDSHARE_HOME. Its exit status is ours, and nothing of
    the token is left behind.
    """
    from coldshare_sim import serving

    return serving.execute(command, user, pin_file, label, tcp=tcp, fault=fault)


@cli.command(short_help="Copy a token that nobody uses.")
@_path
@click.argument("out", type=click.Path(path_type=Path))
@as_json_option
def snapshot(path: Path, out: Path, as_json: bool) -> None:
    """Copy the software token at PATH, as it is, to the file OUT. A token in use is not copied."""
    _copy(path, out)
    print_answer(
        "snapshot", {"path": str(path), "out": str(out)}, [f"{out} is a copy of the token at {path}."], as_json
    )


@cli.command(short_help="Make a token out of a snapshot.")
@click.argument("snapshot_file", metavar="IN", type=click.Path(path_type=Path))
@_path
@as_json_option
def restore(snapshot_file: Path, path: Path, as_json: bool) -> None:
    """Make a software token at PATH out of the snapshot IN. Nothing is overwritten."""
    _copy(snapshot_file, path)
    lines = [f"The token at {path} is what it was when {snapshot_file} was made."]
    print_answer("restore", {"in": str(snapshot_file), "path": str(path)}, lines, as_json)


def _copy(path: Path, out: Path) -> None:
    from coldshare_sim.flash import create, read_image

    create(out, read_image(path))


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


def run(argv: Sequence[str]) -> int:
    """The exit status."""
    return run_program(cli, "coldshare-sim", argv, passing_on=("exec",))


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare-sim` and exit."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))
