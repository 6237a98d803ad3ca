"""The runner of `make fuzz`: what it makes of what libFuzzer says, and that a broken property does not get past it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import __main__ as runner
from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
DONE = b"""#9 NEW    cov: 97 ft: 120 corp: 3/9b
#1000 DONE   cov: 111 ft: 490 corp: 125/2819b
stat::number_of_executed_units: 1000
stat::peak_rss_mb:              64
"""
RAISED = b"\n === Uncaught Python exception: ===\nAssertionError: 1 == 2\nTraceback (most recent call last):\n"
FOUND = Path("crash-1")


def test_a_run_without_a_crash() -> None:
    outcome = runner.outcome("frames", 0, DONE, [])
    assert (outcome.execs, outcome.covered, outcome.peak_mb, outcome.crashes, outcome.why) == (1000, 111, 64, 0, "")


@pytest.mark.parametrize(
    ("status", "log", "found", "why"),
    [
        (77, RAISED + DONE, [FOUND], "AssertionError: 1 == 2"),
        (1, b"ModuleNotFoundError: atheris", [], "it ended with status 1"),
        (-9, DONE, [], "it ended with status -9"),
        (None, DONE, [], "it did not end in its time"),
        (0, b"", [], "nothing was run"),
        (0, DONE, [FOUND], "an input took too much time or memory"),
    ],
)
def test_a_run_that_is_none_or_not_a_good_one(status: int | None, log: bytes, found: list[Path], why: str) -> None:
    outcome = runner.outcome("frames", status, log, found)
    assert (outcome.crashes, outcome.why) == (1, why)


def test_the_words_are_written_as_libfuzzer_reads_them() -> None:
    assert runner.dictionary([b"PK", b'"\\\x00']) == '"\\x50\\x4b"\n"\\x22\\x5c\\x00"\n'


def test_the_table() -> None:
    outcomes = [runner.Outcome("frames", 1000, 111, 64), runner.Outcome("seal", 50, 7, 80, (FOUND,), "it broke")]
    assert runner.table(outcomes, 10).splitlines() == [
        "target  execs  per second  covered  peak MB  crashes",
        "frames   1000         100      111       64        0",
        "seal       50           5        7       80        1",
    ]


def test_one_input_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--run", "address", str(TARGETS["address"].seeds[0])]) == 0
    assert "is content" in capsys.readouterr().out


def test_the_command_that_is_printed_runs_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    file = tmp_path / "crash-1"
    file.write_bytes(b"\0sim:a")
    said = subprocess.run(runner.again("address", file), shell=True, capture_output=True, text=True, check=False)
    assert said.stdout == f"address is content with {os.path.relpath(file)}.\n", said.stderr


@pytest.mark.parametrize("arguments", [["nothing"], ["frames", "nothing"]])
def test_a_target_that_is_none(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        runner.main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("chosen", [[], ["frames"]])
def test_only_a_run_of_all_targets_is_recorded(chosen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[dict[str, float]] = []
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr("bench.record.record", lambda figures: recorded.append(figures))
    monkeypatch.setattr(runner, "has_atheris", lambda: True)
    monkeypatch.setattr(runner, "run", lambda target, seconds: runner.Outcome(target.name, 10, 1, 1))
    monkeypatch.setenv("PYTHONPATH", "")
    assert runner.main(["--seconds", "1", *chosen]) == 0
    assert recorded == ([] if chosen else [{"fuzz_execs": 10 * len(TARGETS), "fuzz_crashes": 0}])


@pytest.mark.skipif(not runner.has_atheris(), reason="atheris is not installed: make fuzz does")
def test_a_broken_property_is_found_kept_and_counted(tmp_path: Path) -> None:
    """A target that minds one byte, in the place of `address`; the real runner, the real atheris."""
    program = f"""
import dataclasses, pathlib, sys
from fuzz import __main__ as runner, targets
runner.OUTPUT = pathlib.Path({str(tmp_path)!r})
sys.exit(runner.main(["address", "--seconds", "20", "--jobs", "1"]))
"""
    broken = """
import dataclasses
from fuzz import targets
def minds(data):
    assert b"!" not in data, "an exclamation mark"
targets.TARGETS["address"] = dataclasses.replace(targets.TARGETS["address"], run=minds)
"""
    (tmp_path / "sitecustomize.py").write_text(broken)
    path = os.pathsep.join((str(tmp_path), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")))
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1, said.stdout + said.stderr
    assert "address: AssertionError: an exclamation mark" in said.stdout
    assert said.stdout.splitlines()[-1] == "fuzz_crashes 1"
    (found,) = (tmp_path / "address").glob("crash-*")
    assert b"!" in found.read_bytes()
    assert f"--run address {os.path.relpath(found, ROOT)}" in said.stdout
