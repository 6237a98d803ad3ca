"""`coldshare doctor`: why a token cannot be used here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.complete import addresses
from coldshare.cli.options import json_option
from coldshare.cli.render import Json, Result
from coldshare.cli.ui import Ui
from coldshare.errors import EXIT_DEVICE

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.doctor.finding import Finding


def _address(context: click.Context, parameter: click.Parameter, text: str | None) -> Address | None:
    if text is None or context.resilient_parsing:
        return None
    from coldshare.device.address import Address
    from coldshare.device.transport import check_supported

    address = Address.parse(text)
    check_supported(address)
    return address


@click.command("doctor", short_help="Find out why a token cannot be used here.")
@click.option(
    "--at",
    metavar="ADDR",
    envvar="COLDSHARE_AT",
    shell_complete=addresses,
    callback=_address,
    help="Look at this token, too. Also COLDSHARE_AT.",
)
@click.option("--bundle", metavar="FILE", help="Write the findings to FILE, a zip for a bug report that names nobody.")
@json_option
def command(at: Address | None, bundle: str | None, as_json: bool) -> Result:
    """Look at the libraries, the rules and permissions, this computer's own records, and every token that is plugged
    in: one line for each, ok, warn or FAIL, and what to do about it.

    Nothing is unlocked or changed, and a token that does not answer holds up nothing else. The exit status is 6 when
    something failed.
    """
    from coldshare.doctor.bundle import contents, write
    from coldshare.doctor.conversation import ask
    from coldshare.doctor.examine import examine
    from coldshare.doctor.finding import worst

    ui = Ui(quiet=as_json)
    findings = examine(at, ask, ui.note)
    level = worst(findings)
    lines = [line for finding in findings for line in _lines(finding)]
    data: dict[str, Json] = {
        "ok": level != "fail",
        "worst": level,
        "checks": [_json(finding) for finding in findings],
        "bundle": None,
    }
    if bundle is not None:
        files = contents(findings)
        write(Path(bundle), files)
        data["bundle"] = {"file": bundle, "holds": list(files)}
        lines += ["", f"{bundle} holds {', '.join(files)}: no serial, no name, no path and no secret is in it."]
    return Result(data, lines, EXIT_DEVICE if level == "fail" else 0)


_LEVELS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


def _lines(finding: Finding) -> list[str]:
    check = finding.check.replace("_", " ")
    lines = [f"{_LEVELS[finding.level]:5} {check:11} {finding.says}"]
    if finding.mend:
        lines.append(f"{'':17} What now: {finding.mend}")
    return lines


def _json(finding: Finding) -> Json:
    return {
        "check": finding.check,
        "level": finding.level,
        "reason": finding.reason,
        "message": finding.says,
        "next": finding.mend or None,
        "serial": finding.serial or None,
        "facts": dict(finding.facts),
    }
