"""docs/drill.md, typed as it is printed, by two people at two computers."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from coldshare import drill, handling
from coldshare.cli import when
from coldshare.errors import EXIT_ATTEND, EXIT_DANGER
from coldshare.ledger import store
from coldshare.safety.rehearsal import PERIOD, Verdict
from support.desk import PASSWORD
from support.shell import Said, Shell

PAGE = (Path(__file__).parents[2] / "docs" / "drill.md").read_text(encoding="utf-8")
#: The ids that the page gives to the backups, whose shares they are, and when each is drilled there.
SHORT = {"ada": "1a2b3c4d", "ben": "5e6f7a8b"}
SHARES = {"ada": "phone", "ben": "laptop"}
DAYS = {"ada": datetime(2026, 5, 1, 12, tzinfo=UTC), "ben": datetime(2026, 5, 3, 12, tzinfo=UTC)}


def blocks() -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """(who, [(command, lines that it prints)])."""
    for who, text in re.findall(r"```console (\w+)\n(.*?)```", PAGE, re.DOTALL):
        typed: list[tuple[str, list[str]]] = []
        for line in text.splitlines():
            if line.startswith("$ coldshare "):
                typed.append((line.removeprefix("$ coldshare "), []))
            else:
                typed[-1][1].append(line)
        yield who, typed


def pattern(lines: list[str], ids: dict[str, str]) -> str:
    """`...` stands for the rest of a line, or alone for any number of lines."""
    out = ""
    for line in lines:
        for short, real in ids.items():
            line = line.replace(short, real)
        if line == "...":
            out += r"(?:.*\n)*"
        else:
            words = re.escape(line.removesuffix("..."))
            out += words.replace(r"\ \ ", r"\ +") + (r".*\n" if line.endswith("...") else r"\n")
    return out


def _micros(who: str) -> int:
    return int(DAYS[who].timestamp()) * 1_000_000


def test_two_people(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0
    monkeypatch.setattr(when, "now", lambda: now)
    monkeypatch.setattr(store, "time", SimpleNamespace(time_ns=lambda: now * 1000))
    monkeypatch.delenv("COLDSHARE_SINGLE_HOST", raising=False)

    def run(who: str, *argv: str) -> Said:
        monkeypatch.chdir(shell.folder / who)
        monkeypatch.setenv("COLDSHARE_HOME", str(shell.folder / f".{who}"))
        with handling.process.fresh():
            return shell(*argv)

    ids = {}
    for who, share in SHARES.items():
        now = _micros(who)
        (shell.folder / who / f"{who}-stick").mkdir(parents=True)
        (shell.folder / who / f"{who}-password").write_text(PASSWORD)
        shutil.move(shell.folder / f"{share}.vult", shell.folder / who / "share.vult")
        at = ("--at", f"folder:{who}-stick", "--password-file", f"{who}-password", "--no-recovery")
        said = run(who, "backup", "share.vult", *at, "--json")
        assert said.status == 0, said.out
        ids[SHORT[who]] = said.json["backup_id"][:8]
    told = 0
    for who, typed in blocks():
        now = max(now if told else 0, _micros(who))
        for command, lines in typed:
            said = run(who, *shlex.split(command))
            assert said.status == 0, (command, said.err)
            assert re.fullmatch(pattern(lines, ids), said.out), (command, said.out)
            told += 1
        for giver, taker in (("ada", "ben"), ("ben", "ada")):
            file = shell.folder / giver / f"from-{giver}.txt"
            if file.exists():
                shutil.copy(file, shell.folder / taker)
    assert told == 8


def test_what_it_says_of_numbers() -> None:
    assert f"counts for {PERIOD // 86_400_000_000}\ndays" in PAGE
    table = dict(re.findall(r"^\| `(\w+)` \| .* \| (\d)[^|]*\|$", PAGE, re.MULTILINE))
    assert table == {
        "proved": "0",
        "not_yet": str(EXIT_ATTEND),
        "overdue": str(EXIT_ATTEND),
        "no_generation": str(EXIT_ATTEND),
        "wrong": str(EXIT_DANGER),
    }
    assert set(table) == set(Verdict.__args__)  # type: ignore[attr-defined]
    assert drill.DrillFailedError.exit_status == 7
