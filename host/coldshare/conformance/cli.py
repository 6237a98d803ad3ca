"""`coldshare-conformance`: does that token keep to the contract? Its options, and what it prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from coldshare import __version__
from coldshare.cli import usable_streams
from coldshare.cli.app import InterruptError, UsageError, run
from coldshare.cli.entry import person_here
from coldshare.cli.render import Result, print_result, safe
from coldshare.errors import InputError, RefusedError

if TYPE_CHECKING:
    from coldshare.conformance.bench import Bench
    from coldshare.conformance.report import About
    from coldshare.conformance.rules import Row
    from coldshare.conformance.run import Outcome
    from coldshare_iface.errors import ColdshareError

# Everything else is imported when it is needed: `--help` opens no token and waits for nothing.

_NAME = "conformance"
_FAILED = 1


class NotConfirmedError(RefusedError):
    """A run destroys everything on the token, and nobody has agreed to that."""

    code = "not_confirmed"
    next_step = "Nothing was changed. Type the serial when you are asked, or give --destroy-everything-on-it."


class ReportFileError(InputError):
    """The report cannot be written to that file."""

    code = "report_file"
    next_step = "Check the path, and that you may write there."


class CutShortError(InterruptError):
    """Interrupted: the rows that are left were not tried."""

    next_step = "Run it again when you like. The token may be in any state; a run begins with wiping it."


@click.command(_NAME, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coldshare-conformance", message="%(prog)s %(version)s")
@click.argument("address", metavar="ADDR", required=False)
@click.option("--list", "listing", is_flag=True, help="Name the rows and touch no token.")
@click.option("--only", metavar="ID[,ID]", help="These rows and no others.")
@click.option("--section", metavar="NAME[,NAME]", help="The rows of these sections of the contract.")
@click.option(
    "--control",
    metavar="PATH|127.0.0.1:PORT",
    envvar="COLDSHARE_SIM_CONTROL",
    help="The control socket of a served software token. Also COLDSHARE_SIM_CONTROL.",
)
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write JUnit XML there, too.")
@click.option(
    "--destroy-everything-on-it", "agreed", is_flag=True, help="Agree to what a run does, without being asked."
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def cli(
    address: str | None,
    listing: bool,
    only: str | None,
    section: str | None,
    control: str | None,
    junit: Path | None,
    agreed: bool,
    as_json: bool,
) -> Result:
    """Test whether the token at ADDR keeps to the contract, rule by rule. It DESTROYS EVERYTHING on that token.

    sim:PATH and sim+mpy:PATH are tested by themselves, a served software token through its control socket. At any
    other token you are told here when to press, and when to unplug it.
    """
    rows = _chosen(only, section)
    if listing:
        return _listed(rows)
    if address is None:
        raise UsageError("Which token? Name its address.", next_step="See: coldshare-conformance --help")
    return _tested(address, rows, control, junit, agreed=agreed, as_json=as_json)


def _chosen(only: str | None, section: str | None) -> list[Row]:
    from coldshare.conformance.catalogue import SECTIONS, catalogue

    rows = catalogue()
    if section is not None:
        wanted = _named(section, set(SECTIONS), "section")
        rows = [row for row in rows if row.section in wanted]
    if only is not None:
        wanted = _named(only, {row.name for row in rows}, "row")
        rows = [row for row in rows if row.name in wanted]
    return rows


def _named(text: str, known: set[str], what: str) -> set[str]:
    names = {name.strip() for name in text.split(",")}
    for name in sorted(names - known):
        raise UsageError(f"There is no {what} {name!r}.", next_step="See them with: coldshare-conformance --list")
    return names


def _listed(rows: Sequence[Row]) -> Result:
    from coldshare.conformance.report import described

    lines = []
    for section, group in groupby(rows, key=lambda row: row.section):
        lines += [section, *(f"  {row.name:<34}  {row.title}" for row in group), ""]
    return Result({"rows": [described(row) for row in rows]}, [*lines, f"{len(rows)} rows."])


def _tested(
    address: str, rows: Sequence[Row], control: str | None, junit: Path | None, *, agreed: bool, as_json: bool
) -> Result:
    from coldshare.conformance import report
    from coldshare.conformance.opening import open_bench
    from coldshare.device.address import Address

    terminal = (_say, _ask) if person_here() else None
    with ExitStack() as stack:
        file = stack.enter_context(_report_file(junit)) if junit is not None else None
        bench = open_bench(Address.parse(address), control, terminal)
        stack.callback(bench.close)
        about = _about(bench)
        _confirm(bench, about, rows, agreed=agreed, quiet=as_json)
        outcomes, error = _run(bench, rows, quiet=as_json)
        if file is not None:
            file.truncate(0)
            file.write(report.junit(about, outcomes, error))
    status = error.exit_status if error is not None else 0 if report.passed(outcomes) else _FAILED
    lines = ["", report.closing(outcomes, len(rows))]
    if error is not None and not as_json:
        print_result(Result({}, lines), _NAME, as_json=False)
        raise error
    return Result(report.as_json(about, outcomes, len(rows), error), lines, status)


def _report_file(path: Path) -> IO[bytes]:
    """Opened before the run: nobody presses for half an hour to learn that there is no such folder."""
    try:
        return path.open("ab")
    except OSError as error:
        raise ReportFileError(f"{path} cannot be written: {error.strerror}.") from error


def _about(bench: Bench) -> About:
    """What the token says of itself; a token that cannot even do that is tested all the same."""
    from coldshare.conformance.report import About
    from coldshare.conformance.run import BROKEN
    from coldshare.conformance.speaker import SilenceError
    from coldshare.device.errors import DeviceError, TokenTimeoutError
    from coldshare_iface import wire
    from coldshare_iface.errors import ColdshareError
    from coldshare_iface.messages import Info

    states = {wire.TOKEN_NEW: "new", wire.TOKEN_READY: "ready", wire.TOKEN_BURNT: "burnt"}
    try:
        host = bench.speaker()
        info = Info.decode(host.info)
        host.plain(wire.OP_IDENTIFY)
    except SilenceError:
        raise TokenTimeoutError from None
    except DeviceError:
        raise
    except (*BROKEN, ColdshareError):
        return About("", "(info cannot be read)", "", "")
    return About(info.serial.hex(), info.model, info.firmware, states.get(info.state, "unknown"))


def _confirm(bench: Bench, about: About, rows: Sequence[Row], *, agreed: bool, quiet: bool) -> None:
    from coldshare.conformance.catalogue import presses

    if not quiet:
        name = f"serial {about.serial}" if about.serial else "a token that does not say its serial"
        _say(
            f"{about.model} {about.firmware}, {name}, {about.state or 'state unknown'}. Its label is on its screen now."
        )
        if bench.operator.by_hand:
            _say(f"{len(rows)} rows: about {presses(rows)} presses.")
    if agreed:
        return
    if quiet or not person_here():
        raise NotConfirmedError
    word = about.serial or "destroy"
    if _ask(f"Everything on this token will be destroyed. To agree, type {word}").strip() != word:
        raise NotConfirmedError


def _run(bench: Bench, rows: Sequence[Row], *, quiet: bool) -> tuple[list[Outcome], ColdshareError | None]:
    """What came out, and what ended it too early."""
    from coldshare.conformance import report
    from coldshare.conformance.run import run as run_rows
    from coldshare_iface.errors import ColdshareError

    outcomes: list[Outcome] = []
    section = ""
    try:
        for outcome in run_rows(bench, rows):
            outcomes.append(outcome)
            if not quiet:
                if outcome.row.section != section:
                    section = outcome.row.section
                    click.echo(f"\n{section}")
                click.echo("\n".join(safe(line) for line in report.line(outcome).split("\n")))
    except (KeyboardInterrupt, click.Abort):
        return outcomes, CutShortError()
    except ColdshareError as error:
        return outcomes, error
    return outcomes, None


def _say(text: str) -> None:
    click.echo("\n".join(safe(line) for line in text.split("\n")), err=True)


def _ask(text: str) -> str:
    answer: str = click.prompt(safe(text), default="", show_default=False, err=True)
    return answer


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare-conformance` and exit."""
    usable_streams()
    sys.exit(run(sys.argv[1:] if argv is None else argv, cli, "coldshare-conformance"))
