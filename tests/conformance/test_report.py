"""The table, the JSON and the JUnit XML of one made-up run."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from coldshare.conformance import report
from coldshare.conformance.report import About
from coldshare.conformance.run import ERROR, FAIL, PASS, SKIP, Outcome, TokenSilentError
from conformance.conftest import rows

ABOUT = About("0011223344556677", "a model", "1.2.3", "new")


@pytest.fixture
def outcomes() -> list[Outcome]:
    ping, filling, busy, chain = rows("frames-ping", "frames-filling", "frames-busy", "audit-chain")
    return [
        Outcome(ping, PASS, "", 1500, 0),
        Outcome(filling, FAIL, "the answer: <1> & \x1b[2J\u202e", 250, 0),
        Outcome(busy, SKIP, "no screen", 0, 0),
        Outcome(chain, ERROR, "a bug", 10, 2),
    ]


def test_the_table(outcomes: list[Outcome]) -> None:
    lines = [report.line(outcome) for outcome in outcomes]
    assert lines[0].split(maxsplit=2)[:2] == ["pass", "frames-ping"]
    assert lines[1].split("\n")[0].startswith("  FAIL ")
    assert lines[1].split("\n")[1].strip() == outcomes[1].why.strip()
    assert report.closing(outcomes, 6) == (
        "6 rows: 1 passed, 1 failed, 1 were errors of this kit, 1 skipped, 2 not tried."
    )
    assert report.closing(outcomes[:1], 1) == "1 rows: 1 passed."


def test_what_passes(outcomes: list[Outcome]) -> None:
    assert report.passed([outcomes[0], outcomes[2]])
    assert not report.passed(outcomes[:2])
    assert not report.passed(outcomes[3:])


def test_json(outcomes: list[Outcome]) -> None:
    answer = json.loads(json.dumps(report.as_json(ABOUT, outcomes, 5)))
    assert answer["token"] == {"serial": ABOUT.serial, "model": "a model", "firmware": "1.2.3", "state": "new"}
    counts = {key: answer[key] for key in ("passed", "failed", "errors", "skipped", "not_tried")}
    assert counts == {"passed": 1, "failed": 1, "errors": 1, "skipped": 1, "not_tried": 1}
    assert not answer["ok"]
    assert answer["rows"][0] == {
        "name": "frames-ping",
        "section": "frames",
        "title": outcomes[0].row.title,
        "result": "pass",
        "why": None,
        "milliseconds": 1500,
    }
    assert report.as_json(ABOUT, outcomes[:1], 1)["ok"]
    ended = report.as_json(ABOUT, outcomes[:1], 2, TokenSilentError())
    assert not ended["ok"]
    assert ended["error"]["code"] == "token_silent"  # type: ignore[index, call-overload]


def test_junit(outcomes: list[Outcome]) -> None:
    written = report.junit(ABOUT, outcomes)
    root = ElementTree.fromstring(written)  # raises for what is no XML
    assert written.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n")
    assert root.tag == "testsuites"
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [suite.get("name") for suite in root] == ["frames", "rules-for-the-receiver", "audit-ring"]
    first = root[0]
    assert (first.get("tests"), first.get("failures"), first.get("time")) == ("2", "1", "1.750")
    serial = first.find("properties/property")
    assert serial is not None
    assert serial.attrib == {"name": "serial", "value": ABOUT.serial}
    case = first.findall("testcase")[1]
    assert (case.get("classname"), case.get("name"), case.get("time")) == ("frames", "frames-filling", "0.250")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "the answer: <1> & \ufffd[2J\ufffd"
    assert "firmware_iface/README.md#frames" in (failure.text or "")


def test_junit_of_a_run_that_was_cut_short(outcomes: list[Outcome]) -> None:
    root = ElementTree.fromstring(report.junit(ABOUT, outcomes[:1], TokenSilentError()))
    assert (root.get("tests"), root.get("errors"), root.get("failures")) == ("2", "1", "0")
    assert root[-1].find("testcase/error") is not None
