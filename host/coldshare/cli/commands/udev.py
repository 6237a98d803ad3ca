"""`coldshare udev`: the permission to use a token on Linux."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from coldshare.cli.options import json_option
from coldshare.cli.render import Json, Result
from coldshare.cli.ui import Ui
from coldshare.errors import EXIT_DEVICE

if TYPE_CHECKING:
    from coldshare.udev.check import Installed
    from coldshare.udev.install import Plan


@click.command("udev", short_help="Let the person at this computer use tokens (Linux).")
@click.argument("action", type=click.Choice(["print", "check", "install"]))
@click.option("--dry-run", is_flag=True, help="With install: say what would be done, and do nothing.")
@json_option
def command(action: str, dry_run: bool, as_json: bool) -> Result:
    """Rules for udev, which let whoever sits at this computer use a token without being root.

    \b
    print    writes the rules to standard output
    check    says whether they are installed and are the present ones; exit status 0 or 6
    install  copies them to /etc/udev/rules.d and makes udev use them; needs root
    """
    if dry_run and action != "install":
        raise click.UsageError("--dry-run belongs to install")
    if action == "print":
        return _print()
    if sys.platform != "linux":
        return Result(
            {"needed": False}, ["udev is a part of Linux. On this system tokens need no permission to be installed."]
        )
    if action == "check":
        return _check()
    return _install(dry_run, Ui(quiet=as_json))


def _print() -> Result:
    from coldshare.udev.rules import NAME, shipped

    text = shipped().decode()
    return Result({"name": NAME, "rules": text}, text.splitlines())


def _check() -> Result:
    from coldshare.udev import check
    from coldshare.udev.rules import shipped

    found = check.check(shipped(), check.FOLDERS)
    good = found.state == check.CURRENT
    return Result(_json(found), _describe(found), 0 if good else EXIT_DEVICE)


def _json(found: Installed) -> dict[str, Json]:
    return {
        "needed": True,
        "state": found.state,
        "path": None if found.path is None else str(found.path),
        "misplaced": [str(path) for path in found.misplaced],
        "shadowed": [str(path) for path in found.shadowed],
    }


def _describe(found: Installed) -> list[str]:
    from coldshare.udev import check

    mend = check.mend(found)
    return [
        check.says(found) + (f" Next: {mend}" if mend else ""),
        *(f"{path} has no effect: {found.path} has the same name." for path in found.shadowed),
        *(f"{path} is read at the wrong time; {check.NUMBERS} Remove it." for path in found.misplaced),
    ]


def _install(dry_run: bool, ui: Ui) -> Result:
    from coldshare.device import sysfs
    from coldshare.udev import check, install
    from coldshare.udev.rules import shipped

    rules = shipped()
    tokens = sysfs.tokens()
    todo = install.plan(rules, tokens, check.FOLDERS)
    if dry_run:
        lines = ["This is what would be done:"]
        lines += [f"  {step.words}{': ' if step.command else ''}{shlex.join(step.command)}" for step in todo.steps]
        return Result(_planned(todo, done=False), lines)
    install.install(rules, todo, ui.note)
    after = check.check(rules, check.FOLDERS)
    here = f"{len(tokens)} token{'s' if len(tokens) != 1 else ''} plugged in now" if tokens else "no token plugged in"
    lines = [f"Whoever sits at this computer may use tokens now ({here}).", *_describe(after)]
    return Result(_planned(todo, done=True), lines)


def _planned(todo: Plan, *, done: bool) -> dict[str, Json]:
    return {
        "needed": True,
        "done": done,
        "path": str(todo.path),
        "written": todo.write and done,
        "steps": [{"says": step.words, "command": list(step.command)} for step in todo.steps],
    }
