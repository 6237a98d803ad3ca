"""--trace at the command line, where nothing of what is traced may be a secret."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from coldshare.cli.options import at_option, open_token
from coldshare.cli.ui import Ui
from coldshare.device.address import Address
from coldshare.seal import primitives
from coldshare_iface import wire
from support.desk import quick_argon2id
from support.shell import Shell, failed

from .conftest import always_full


@pytest.fixture(autouse=True)
def quick_kdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)


INIT = ("init", "--label", "Safe A", "--pin-file", "pin")
BACKUP = ("backup", "phone.vult", "--pin-file", "pin", "--password-file", "pw", "--no-recovery")


def test_a_whole_life_without_a_secret_or_a_name(shell: Shell) -> None:
    assert shell(*INIT, "--trace", "t1").status == 0
    said = shell(*BACKUP, "--trace", "t2", "--json").json
    assert shell("restore", "--pin-file", "pin", "--password-file", "pw", "--out", "back", "--trace", "t3").status == 0
    text = "".join((shell.folder / name).read_text(encoding="utf-8") for name in ("t1", "t2", "t3"))
    shell.check(text)
    serial = said["token"]["serial"]
    for word in (serial, said["backup_id"], "Safe A", "Phone", said["vault"]["name"], "a.token", str(shell.folder)):
        assert word not in text
    # Words of the contract, numbers, and channel ids: nothing that is longer.
    for line in text.splitlines():
        for key, value in json.loads(line).items():
            assert not isinstance(value, str) or key in ("coldshare", "begun") or len(value) <= 30, line
    assert not re.search(r"[0-9a-f]{16}", text)
    assert {"INIT", "PLAIN", "PAIR", "SESSION", "RECORD", "KEEPALIVE"} <= set(re.findall('"cmd": "([A-Z]+)"', text))


def test_whole_reports_hold_no_secret_either(shell: Shell) -> None:
    said = shell(*INIT, "--trace", "t1", "--trace-raw")
    assert "It holds no PIN" in said.err
    assert shell(*BACKUP, "--trace", "t2", "--trace-raw").status == 0
    text = "".join((shell.folder / name).read_text(encoding="utf-8") for name in ("t1", "t2"))
    shell.check(text)
    raw = b"".join(bytes.fromhex(found) for found in re.findall('"raw": "([0-9a-f]+)"', text))
    assert shell.store.all()[0].serial in raw
    assert b"Safe A" not in raw


def test_one_file_for_a_command_that_opens_a_token_twice(shell: Shell) -> None:
    shell(*INIT)

    @click.command()
    @at_option
    def twice(at: Address) -> None:
        for _ in range(2):
            with open_token(at, Ui(quiet=True)) as client:
                assert client.info.state == wire.TOKEN_READY

    twice(["--trace", "t1"], standalone_mode=False)
    events = [line for line in map(json.loads, Path("t1").read_text().splitlines()) if "event" in line]
    assert [event["event"] for event in events] == ["open", "close"] * 2


def test_a_token_that_cannot_be_opened_is_in_it(shell: Shell) -> None:
    failed(shell("list", "--at", "sim:none.token", "--trace", "t1"), "no_such_token", 6, as_json=False)
    last = json.loads(Path("t1").read_text().splitlines()[-1])
    assert (last["event"], last["carrier"], last["failed"]) == ("open", "sim", "no_such_token")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_is_there_already(as_json: bool, shell: Shell) -> None:
    shell(*INIT)
    before = shell.write("t1", "mine")
    said = shell("list", "--pin-file", "pin", "--trace", before, *(["--json"] if as_json else []))
    failed(said, "output_exists", 3, as_json=as_json)
    assert Path("t1").read_text() == "mine"


def test_whole_reports_of_nothing(shell: Shell) -> None:
    shell(*INIT)
    failed(shell("list", "--pin-file", "pin", "--trace-raw"), "usage", 2, as_json=False)


def test_a_trace_that_ends_early_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    shell(*INIT)
    monkeypatch.setattr("coldshare.device.trace.open_private", lambda path: always_full())
    said = shell("list", "--pin-file", "pin", "--trace", "t1")
    assert said.status == 0
    assert "The trace is not whole" in said.err
