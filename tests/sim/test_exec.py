"""`coldshare-sim exec`: a command with a token of its own, its exit status, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coldshare.seal import primitives
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SoftToken
from support.desk import PASSWORD, PIN, quick_argon2id, vault
from support.served import Served
from support.shell import Shell

# Every test starts processes; test_serve has a served token without that.
pytestmark = pytest.mark.slow

SIM = str(Path(sys.executable).with_name("coldshare-sim"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files are made; whatever is left there was not cleaned up."""
    with tempfile.TemporaryDirectory(prefix="cs-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)
        assert list(Path(folder).iterdir()) == []


def run(*argv: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SIM, "exec", *map(str, argv)], capture_output=True, text=True, check=False, timeout=60, **options
    )


def shell(script: str) -> list[str]:
    return ["--", "sh", "-c", script]


def test_the_command_has_a_token_and_a_home(here: Path) -> None:
    done = run(*shell("coldshare list --json; echo $?; env; ls -A $COLDSHARE_HOME"), env=os.environ | path())
    assert (done.returncode, done.stderr) == (0, "")
    assert '"not_paired"' in done.stdout
    assert f"COLDSHARE_AT=sim+unix:{here}/" in done.stdout
    assert "?user=approve\n" in done.stdout
    assert f"COLDSHARE_HOME={here}/" in done.stdout
    assert f"COLDSHARE_SIM_CONTROL={here}/" in done.stdout


def path() -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_a_token_that_is_set_up(here: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PIN)
    options = ["--tcp", "--user", "reject", "--label", "Safe B", "--pin-file", tmp_path / "pin"]
    done = run(
        *options,
        *shell(f"echo $COLDSHARE_AT >&2; coldshare list --json --pin-file {tmp_path}/pin"),
        env=os.environ | path(),
    )
    assert done.returncode == 0
    assert done.stderr.startswith("sim+tcp:127.0.0.1:")
    assert done.stderr.endswith("?user=reject\n")
    assert json.loads(done.stdout)["token"]["label"] == "Safe B"
    assert run("--pin-file", tmp_path / "none", "--", "true").returncode == 3


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -9 $$"], 128 + 9),
        (["no-such-command-anywhere"], 127),
        (["/"], 126),
        (["sh", "-c", 'test "$1" = --json', "sh", "--json"], 0),
    ],
)
def test_the_exit_status_is_the_commands(here: Path, command: list[str], status: int) -> None:
    assert run("--", *command).returncode == status


def test_no_command(here: Path) -> None:
    done = run()
    assert done.returncode == 2
    assert done.stderr.startswith("Error (usage): ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command_and_everything_is_cleaned_up(here: Path, number: signal.Signals) -> None:
    script = f"trap 'exit 40' {number.name.removeprefix('SIG')}; echo started; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [SIM, "exec", *shell(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "started\n"
        running.send_signal(number)
        assert running.wait(30) == 40


def test_a_folder_too_deep_for_a_unix_socket(here: Path) -> None:
    deep = here / ("d" * 100)
    deep.mkdir()
    done = run(*shell("echo $COLDSHARE_AT"), env=os.environ | {"TMPDIR": str(deep)})
    assert done.stdout.startswith("sim+tcp:127.0.0.1:")
    deep.rmdir()


# --- the same over every kind of address
@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    shell.write("phone.vult", vault()[0].vult)
    return shell


def story(shell: Shell, at: str) -> list[dict[str, Any]]:
    """The main job at that address, without what differs from token to token."""
    secret = ["--pin-file", "pin", "--password-file", "pw"]
    told = []
    for command in (
        ["list", "--pin-file", "pin"],
        ["init", "--label", "Safe A", "--pin-file", "pin"],
        ["init", "--label", "Safe A", "--pin-file", "pin"],
        ["backup", "phone.vult", *secret, "--no-recovery"],
        ["list", "--pin-file", "pin"],
        ["verify", *secret],
        ["restore", *secret, "--out", f"back-{len(at)}"],
    ):
        told.append(without_ids(shell(*command, "--at", at, "--json").json))
    assert (shell.folder / f"back-{len(at)}").read_bytes() == vault()[0].vult
    return told


def without_ids(value: Any) -> Any:
    """What is random in an answer, and where the test has put the file."""
    if isinstance(value, dict):
        return {
            key: without_ids(inner)
            for key, inner in value.items()
            if key not in ("serial", "backup_id", "out", "digest")
        }
    return [without_ids(inner) for inner in value] if isinstance(value, list) else value


def test_every_kind_of_address_gives_the_same_answers(desk: Shell, serve: Any) -> None:
    over_unix: Served = serve()
    over_tcp: Served = serve(tcp=True)
    SoftToken(desk.folder / "a.token", AbsentPerson(), create=True).close()
    told = story(desk, "sim:a.token?user=approve")
    assert [answer["ok"] for answer in told] == [False, True, False, True, True, True, True]
    assert story(desk, over_unix.address) == told
    assert story(desk, over_tcp.address) == told
