"""`coldshare doctor` and its bundle."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare.doctor import bundle, conversation
from coldshare.doctor.finding import Finding
from support.shell import Shell, failed

from .conftest import Computer


@pytest.fixture
def shell(
    computer: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    folder = tmp_path / "alice"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(conversation, "ask", conversation.converse)
    return Shell(folder, monkeypatch, capsys)


def test_a_line_for_everything(computer: Computer, shell: Shell) -> None:
    computer.install_rules()
    plug = computer.plug()
    said = shell("doctor")
    assert said.status == 0
    lines = said.out.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert [line for line in lines if "round trip" in line and f"hid:{plug.serial}: answers in" in line]
    assert f"Asking the token at hid:{plug.serial} ..." in said.err


def test_what_failed_and_what_to_do(computer: Computer, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.plug()
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(computer.bus.nodes)))
    said = shell("doctor")
    assert said.status == 6
    lines = said.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("FAIL  permission"))
    assert lines[at + 1].startswith("                  What now: ")
    answer = shell("doctor", "--json").json
    assert (answer["ok"], answer["worst"]) == (False, "fail")
    for check in answer["checks"]:
        assert set(check) == {"check", "level", "reason", "message", "next", "serial", "facts"}
    assert {(one["check"], one["level"]) for one in answer["checks"] if one["level"] == "fail"} == {
        ("permission", "fail")
    }


def test_a_token_by_its_address(computer: Computer, shell: Shell) -> None:
    answer = shell("doctor", "--at", "sim:none.token", "--json")
    assert answer.status == 6
    assert answer.json["checks"][-1]["reason"] == "no_such_token"
    failed(shell("doctor", "--at", "nonsense"), "bad_address", 2, as_json=False)


def test_the_bundle_names_nobody(computer: Computer, shell: Shell, process: Callable[..., None]) -> None:
    computer.install_rules()
    first, second = computer.plug(label="Grandma's safe"), computer.plug(number=1, label="Safe of Bob")
    stranger = computer.bus.plug(computer.desk.token(2, "Third"), first.gadget.speed)
    stranger.product = "Eve's lamp"
    computer.bus.tell(stranger)
    process(4711, "bobs-wallet", first.hid_path)
    said = shell("doctor", "--bundle", "report.zip")
    assert "report.zip holds README.txt, report.json, 70-coldshare.rules" in said.out
    path = shell.folder / "report.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
    assert list(files) == ["README.txt", "report.json", "70-coldshare.rules"]
    everything = "".join(files.values())
    shell.check(everything)
    # All of this was seen.
    for word in (first.serial, second.serial, "Grandma's safe", "Eve's lamp", "bobs-wallet", str(computer.root)):
        assert word in said.out
    for word in (
        *(plug.serial[start : start + 8] for plug in (first, second, stranger) for start in (0, 8)),
        *("Grandma", "Bob", "Eve", "bobs-wallet", "4711", "alice", "/tmp", str(computer.root), os.uname().nodename),
    ):
        assert word not in files["report.json"]
        assert word not in files["README.txt"]
    report = json.loads(files["report.json"])
    tokens = [one.get("token") for one in report["checks"] if one["check"] == "pairing"]
    assert sorted(tokens) == [1, 2]
    checks = {one["check"] for one in report["checks"]}
    assert checks >= {"coldshare", "hidapi", "udev_rules", "permission", "in_use", "round_trip"}


def test_the_bundle_overwrites_nothing(computer: Computer, shell: Shell) -> None:
    shell.write("mine.zip", "mine")
    failed(shell("doctor", "--bundle", "mine.zip"), "output_exists", 3, as_json=False)
    assert (shell.folder / "mine.zip").read_text() == "mine"
    answer = shell("doctor", "--bundle", "new.zip", "--json").json
    assert answer["bundle"] == {"file": "new.zip", "holds": ["README.txt", "report.json", "70-coldshare.rules"]}


def test_only_what_is_meant_for_it_gets_into_a_bundle() -> None:
    """Whatever a probe says to the person here stays here."""
    finding = Finding("x", "fail", "why", "/home/alice says", "chown alice", "00112233aabbccdd", {"number": 1})
    report = json.loads(bundle.contents([finding])["report.json"])
    assert report["checks"] == [{"check": "x", "level": "fail", "reason": "why", "number": 1, "token": 1}]
