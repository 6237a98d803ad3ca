"""`coldshare-conformance` as people and CIs run it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from coldshare.cli.app import run
from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.cli import cli
from coldshare_sim.flash import create, read_image
from support.shell import Said
from support.terminal import Terminal

KIT = str(Path(sys.executable).with_name("coldshare-conformance"))
SIM = str(Path(sys.executable).with_name("coldshare-sim"))
AGREED = "--destroy-everything-on-it"
SOME = "frames-ping,frames-cancel,pairing-press,manage-label"


@pytest.fixture
def kit(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs it in this process, away from a terminal."""

    def kit(*argv: str) -> Said:
        status = run(argv, cli, "coldshare-conformance")
        out, err = capfd.readouterr()
        return Said(status, out, err)

    return kit


def outside(*argv: str, **environment: str) -> Said:
    done = subprocess.run(
        [KIT, *argv],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env=os.environ | environment,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    argv = [SIM, "serve", str(folder / "a.token"), "--create", "--unix", str(folder / "token")]
    process = subprocess.Popen(
        [*argv, "--control", str(folder / "control"), *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said: dict[str, str] = json.loads(process.stdout.readline())
        yield said
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_a_good_token_passes(kit: Callable[..., Said], tmp_path: Path) -> None:
    said = kit(f"sim:{tmp_path / 'a.token'}", "--only", SOME, AGREED)
    assert said.status == 0
    assert said.out.splitlines()[-1] == "4 rows: 4 passed."
    assert "\nframes\n  pass   frames-ping " in said.out
    assert "serial" in said.err


@pytest.mark.parametrize(("carrier", "skipped"), [("hid-hs", "bulk-short"), ("bulk", "frames-filling")])
def test_another_carrier(carrier: str, skipped: str, kit: Callable[..., Said], tmp_path: Path) -> None:
    where = f"sim:{tmp_path / 'a.token'}?carrier={carrier}"
    answer = kit(where, "--only", f"{SOME},bulk-short,bulk-refused,frames-filling", AGREED, "--json")
    assert (answer.status, answer.json["passed"], answer.json["skipped"]) == (0, 6, 1)
    (row,) = [row for row in answer.json["rows"] if row["result"] == "skip"]
    assert row["name"] == skipped
    assert "the rule is about" in row["why"]


def test_a_broken_one_fails_and_says_why(kit: Callable[..., Said], tmp_path: Path) -> None:
    said = kit(f"sim:{tmp_path / 'a.token'}?break=manage-label", "--only", SOME, AGREED)
    assert said.status == 1
    assert said.out.splitlines()[-1] == "4 rows: 3 passed, 1 failed."
    assert "the answer after NO: OK (0) instead of REJECTED (10)" in said.out
    assert "coldshare-sim BROKEN" in said.err


def test_a_control_socket_of_another_token_is_none_of_its_business(
    kit: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDSHARE_SIM_CONTROL", str(tmp_path / "none"))
    assert kit(f"sim:{tmp_path / 'a.token'}", "--only", "frames-ping", AGREED).status == 0


def test_json_and_junit(kit: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    path.write_text("what was there before, and longer than what comes" * 100)
    where = f"sim:{tmp_path / 'a.token'}?break=manage-label"
    answer = kit(where, "--only", SOME, AGREED, "--json", "--junit", str(path))
    assert answer.status == 1
    assert answer.json["command"] == "conformance"
    assert (answer.json["ok"], answer.json["passed"], answer.json["failed"]) == (False, 3, 1)
    assert len(answer.json["token"]["serial"]) == 16
    root = ElementTree.parse(path).getroot()
    assert (root.get("tests"), root.get("failures")) == ("4", "1")


def test_the_rows_are_listed_without_a_token(kit: Callable[..., Said]) -> None:
    said = kit("--list")
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[-1] == f"{len(catalogue())} rows."
    answer = kit("--list", "--section", "frames,pin", "--json").json
    assert {row["section"] for row in answer["rows"]} == {"frames", "pin"}
    assert set(answer["rows"][0]) == {"name", "section", "title"}


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ((), "usage"),
        (("sim:x", "--only", "frames-pong"), "usage"),
        (("sim:x", "--section", "poems"), "usage"),
        (("sim:x", "--only", "frames-ping", "--section", "pin"), "usage"),
        (("sim:x", "--frobnicate"), "usage"),
        (("nothing", AGREED), "bad_address"),
        (("sim:x?break=frames-pong", AGREED), "bad_address"),
        (("sim:x?user=approve", AGREED), "bad_address"),
        (("sim:x", AGREED, "--junit", "no/such/folder/out.xml"), "report_file"),
        (("sim+unix:none", AGREED, "--control", "none"), "no_control"),
        (("sim+unix:none", AGREED), "nobody_there"),
        (("sim:x",), "not_confirmed"),
    ],
)
def test_what_is_wrong_is_named(
    kit: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.delenv("COLDSHARE_SIM_CONTROL", raising=False)
    answer = kit(*argv, "--json")
    assert answer.json["error"]["code"] == code
    assert answer.json["error"]["next"]
    assert answer.status == {"usage": 2, "bad_address": 2, "report_file": 3, "no_control": 6}.get(code, 5)


def test_nothing_is_changed_before_somebody_agrees(kit: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    create(path)
    kit(f"sim:{path}", "--only", "frames-ping", AGREED)
    kit(f"sim:{path}", "--only", "backup-pending", AGREED)
    before = read_image(path)
    said = outside(f"sim:{path}", "--only", "frames-ping")
    assert said.status == 5
    assert "not_confirmed" in said.err
    assert read_image(path) == before


def test_a_person_agrees_by_typing_the_serial(tmp_path: Path) -> None:
    argv = (f"sim:{tmp_path / 'a.token'}", "--only", "frames-ping")
    with Terminal(*argv, cwd=tmp_path, program=(KIT,)) as terminal:
        terminal.answer("To agree, type ", "yes")
        assert terminal.finish() == 5
    with Terminal(*argv, cwd=tmp_path, program=(KIT,)) as terminal:
        line = terminal.until("new.")
        serial = line.split("serial ")[1].split(",")[0]
        terminal.answer("To agree, type ", serial)
        assert terminal.finish() == 0
        assert "1 rows: 1 passed." in terminal.screen


def test_a_served_token_and_a_broken_one(short: Path) -> None:
    with serving(short) as said:
        good = outside(said["at"], "--only", SOME, AGREED, COLDSHARE_SIM_CONTROL=said["control"])
    assert (good.status, good.out.splitlines()[-1]) == (0, "4 rows: 4 passed.")
    with serving(short, "--break", "pairing-press") as said:
        bad = outside(said["at"], "--only", SOME, AGREED, "--json", "--control", said["control"])
    assert bad.status == 1
    assert [row["name"] for row in bad.json["rows"] if row["result"] != "pass"] == ["pairing-press"]


def test_a_token_that_goes_away_in_the_middle(kit: Callable[..., Said], tmp_path: Path) -> None:
    where = f"sim:{tmp_path / 'a.token'}?fault=unplug:to-host:error"
    path = tmp_path / "out.xml"
    argv = (where, "--only", "frames-ping,frames-sequence,frames-busy", AGREED, "--junit", str(path))
    answer = kit(*argv, "--json")
    assert answer.status == 6
    assert [row["name"] for row in answer.json["rows"]] == ["frames-ping"]
    assert (answer.json["not_tried"], answer.json["error"]["code"]) == (2, "token_gone")
    assert ElementTree.parse(path).getroot().get("errors") == "1"
    said = kit(*argv)
    assert said.status == 6
    assert said.out.splitlines()[-1] == "3 rows: 1 passed, 2 not tried."
    assert "token_gone" in said.err


def test_ctrl_c_says_what_came_out_so_far(short: Path) -> None:
    with serving(short) as said:
        argv = [KIT, said["at"], "--control", said["control"], AGREED, "--section", "frames,screens"]
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        assert process.stdout is not None
        while "frames-filling" not in process.stdout.readline():  # behind it is a question that takes a minute
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "not tried" in out.splitlines()[-1]
    assert "interrupted" in err


def test_help_touches_nothing(tmp_path: Path) -> None:
    said = outside(f"sim:{tmp_path / 'a.token'}", "--help")
    assert said.status == 0
    assert "DESTROYS EVERYTHING" in said.out
    assert not list(tmp_path.iterdir())


def test_the_simulator_names_its_flaws() -> None:
    text = subprocess.run([SIM, "flaws"], capture_output=True, text=True, check=True).stdout
    answer = json.loads(subprocess.run([SIM, "flaws", "--json"], capture_output=True, check=True).stdout)
    assert [flaw["id"] for flaw in answer["flaws"]] == [line.split()[0] for line in text.splitlines()]
    assert {flaw["id"] for flaw in answer["flaws"]} <= {row.name for row in catalogue()}


def test_the_simulator_serves_no_flaw_that_there_is_not(short: Path) -> None:
    argv = [SIM, "serve", str(short / "a.token"), "--create", "--unix", str(short / "token")]
    done = subprocess.run([*argv, "--user", "approve", "--break", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown_flaw" in done.stderr
    assert not (short / "a.token").exists()
