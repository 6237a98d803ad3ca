"""`coldshare-sim`: what it prints, what it answers a script, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coldshare_firmware.keys import F_FAILS, Keys
from coldshare_iface import wire
from coldshare_sim.cli import main
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import SIZE, Chip, Flash
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal, SoftToken
from support.client import WRONG, Bench, blob, secrets


class Run:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *argv: object, status: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in argv])
        out, err = self._capsys.readouterr()
        assert left.value.code == status, err
        assert (err == "") == (status == 0 or "--json" in argv)
        return out + err

    def json(self, *argv: object, status: int = 0) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self(*argv, "--json", status=status))
        assert value["ok"] is (status == 0)
        return value

    def fails(self, *argv: object, code: str, status: int = 6) -> None:
        """The same failure in words and as JSON."""
        error = self.json(*argv, status=status)["error"]
        assert error["code"] == code
        assert sorted(error) == ["code", "message", "next"]
        words = self(*argv, status=status)
        assert words == f"Error ({code}): {error['message']}\nWhat now: {error['next']}\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.token"


def test_new_and_show(run: Run, path: Path) -> None:
    assert str(path) in run("new", path)
    before = path.read_bytes()
    shown = run.json("show", path)
    serial = shown.pop("serial")
    assert len(bytes.fromhex(serial)) == wire.SERIAL_SIZE
    assert shown == {
        "ok": True,
        "command": "show",
        "path": str(path),
        "state": "new",
        "backups": 0,
        "pairings": 0,
        "attempts_left": 8,
        "free": 1_400_832,
    }
    assert f"serial            {serial}" in run("show", path)
    assert path.read_bytes() == before


def test_new_answers_a_script(run: Run, path: Path) -> None:
    made = run.json("new", path)
    shown = run.json("show", path)
    assert {**made, "command": "show"} == shown


def test_new_never_overwrites(run: Run, path: Path) -> None:
    path.write_bytes(b"letters")
    run.fails("new", path, code="token_exists")
    assert path.read_bytes() == b"letters"
    run.fails("new", path.parent / "no" / "folder", code="token_file")


def test_a_used_token(run: Run, path: Path) -> None:
    bench = Bench().make_ready()
    bench.host.put(blob(50_000))
    bench.host.reserve()
    bench.host.ask(wire.OP_UNLOCK, WRONG)
    path.write_bytes(bench.image)
    shown = run.json("show", path)
    assert (shown["state"], shown["backups"], shown["pairings"], shown["attempts_left"]) == ("ready", 1, 1, 7)
    assert 1_300_000 < shown["free"] < 1_400_000
    text = run("show", path)
    known = Keys(SimHal(Chip(bench.image), AbsentPerson(), VirtualClock(), bytes)).record
    every = [value for key in (2, 3, 4) for value in [known[key]]] + [slot[1] for slot in known[10]]
    assert secrets(text.encode(), *[value.hex().encode() for value in every]) == []
    assert path.read_bytes() == bench.image


def test_a_burnt_token_and_one_without_keys(run: Run, path: Path) -> None:
    bench = Bench().make_ready()
    bench.host.put(blob(500))
    damaged = bytearray(bench.image)
    Keys(SimHal(bench.chip, AbsentPerson(), VirtualClock(), bytes)).change({F_FAILS: wire.PIN_ATTEMPTS})
    path.write_bytes(bench.clone().image)
    shown = run.json("show", path)
    assert (shown["state"], shown["backups"], shown["attempts_left"]) == ("burnt", 1, 0)
    for block in (0, 4096):
        damaged[block + 20] ^= 1
    path.write_bytes(damaged)
    shown = run.json("show", path)
    assert (shown["state"], shown["backups"], shown["serial"]) == ("keys_lost", 1, None)
    assert "serial            -" in run("show", path)
    assert path.read_bytes() == damaged


def test_a_blank_chip_is_new(run: Run, path: Path) -> None:
    path.write_bytes(b"\xff" * SIZE)
    assert run.json("show", path)["state"] == "new"
    assert path.read_bytes() == b"\xff" * SIZE


def test_what_is_no_token(run: Run, path: Path) -> None:
    run.fails("show", path, code="no_such_token")
    run.fails("show", path.parent, code="not_a_token")
    path.write_bytes(bytes(10))
    run.fails("show", path, code="not_a_token")
    path.write_bytes(bytes(SIZE))
    run.fails("show", path, code="token_damaged")


def test_a_token_in_use(run: Run, path: Path) -> None:
    token = SoftToken(path, AbsentPerson(), create=True)
    assert isinstance(token.chip, Flash)
    run.fails("show", path, code="token_busy")
    run.fails("new", path, code="token_exists")
    token.close()
    assert run.json("show", path)["state"] == "new"


def test_usage(run: Run, path: Path) -> None:
    for argv in (["show"], ["show", path, "--no-such-option"], ["no-such-command"]):
        run.fails(*argv, code="usage", status=2)
    assert "Usage: coldshare-sim" in run()
    assert "Usage: coldshare-sim" in run("--help")
    assert "Usage: coldshare-sim show" in run("show", "-h")


def test_version_without_the_flash_chip() -> None:
    """`--version` and `--help` load no more than the command line itself."""
    program = (
        "import sys; from coldshare_sim.cli import run; run(sys.argv[1:]);"
        "print([name for name in ('littlefs', 'cryptography', 'coldshare_firmware') if name in sys.modules])"
    )
    for option in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", program, option], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("[]\n")
        assert done.stdout.startswith(("coldshare-sim 0.", "Usage:"))


def test_snapshot_and_restore(run: Run, path: Path) -> None:
    run("new", path)
    copy, again = path.with_name("copy"), path.with_name("again.token")
    assert run.json("snapshot", path, copy) == {"ok": True, "command": "snapshot", "path": str(path), "out": str(copy)}
    assert copy.read_bytes() == path.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert run.json("restore", copy, again) == {"ok": True, "command": "restore", "in": str(copy), "path": str(again)}
    assert run.json("show", again)["serial"] == run.json("show", path)["serial"]


def test_snapshots_never_overwrite_and_respect_the_owner(run: Run, path: Path) -> None:
    token = SoftToken(path, AbsentPerson(), create=True)
    copy = path.with_name("copy")
    run.fails("snapshot", path, copy, code="token_busy")
    token.close()
    run("snapshot", path, copy)
    before = copy.read_bytes()
    run.fails("snapshot", path, copy, code="token_exists")
    run.fails("restore", copy, path, code="token_exists")
    run.fails("restore", path.with_name("none"), path, code="no_such_token")
    path.with_name("letters").write_bytes(b"letters")
    run.fails("restore", path.with_name("letters"), path.with_name("new"), code="not_a_token")
    run.fails("snapshot", path, path.parent / "no" / "folder", code="token_file")
    assert copy.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.token", "copy", "letters"]
