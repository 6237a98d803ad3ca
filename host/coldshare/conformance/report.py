"""What came out, as text for a person, as JSON, and as JUnit XML for a CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree

from coldshare.cli.render import Json, safe
from coldshare.conformance.rules import Row
from coldshare.conformance.run import ERROR, FAIL, PASS, SKIP, Outcome
from coldshare_iface.errors import ColdshareError

#: Where the sections are.
CONTRACT = "firmware_iface/README.md"
_WIDTH = 34
_MARKS = {PASS: "pass", FAIL: "FAIL", SKIP: "skip", ERROR: "ERROR"}


@dataclass(frozen=True)
class About:
    """The token that was tested, as it says itself."""

    serial: str
    model: str
    firmware: str
    state: str


def line(outcome: Outcome) -> str:
    """One row of the table, and below it why it is no pass."""
    row = outcome.row
    first = f"  {_MARKS[outcome.result]:<5}  {row.name:<{_WIDTH}}  {row.title}"
    return first if outcome.result == PASS else f"{first}\n         {outcome.why}"


def passed(outcomes: Iterable[Outcome]) -> bool:
    return all(outcome.result in (PASS, SKIP) for outcome in outcomes)


def closing(outcomes: Sequence[Outcome], wanted: int) -> str:
    """The last line. `wanted` is how many rows there were to run."""
    counts = Counter(outcome.result for outcome in outcomes)
    words = {PASS: "passed", FAIL: "failed", ERROR: "were errors of this kit", SKIP: "skipped"}
    parts = [f"{counts[result]} {word}" for result, word in words.items() if counts[result] or result == PASS]
    if len(outcomes) < wanted:
        parts.append(f"{wanted - len(outcomes)} not tried")
    return f"{wanted} rows: {', '.join(parts)}."


def described(row: Row) -> dict[str, Json]:
    return {"name": row.name, "section": row.section, "title": row.title}


def as_json(
    about: About, outcomes: Sequence[Outcome], wanted: int, error: ColdshareError | None = None
) -> dict[str, Json]:
    """`ok` only if every row was tried and none failed."""
    counts = Counter(outcome.result for outcome in outcomes)
    answer: dict[str, Json] = {
        "ok": error is None and passed(outcomes),
        "token": {"serial": about.serial, "model": about.model, "firmware": about.firmware, "state": about.state},
        "rows": [
            described(outcome.row)
            | {"result": outcome.result, "why": outcome.why or None, "milliseconds": outcome.milliseconds}
            for outcome in outcomes
        ],
        "passed": counts[PASS],
        "failed": counts[FAIL],
        "errors": counts[ERROR],
        "skipped": counts[SKIP],
        "not_tried": wanted - len(outcomes),
    }
    if error is not None:
        answer["error"] = {"code": error.code, "message": error.message, "next": error.next_step}
    return answer


def junit(about: About, outcomes: Iterable[Outcome], error: ColdshareError | None = None) -> bytes:
    """A suite for each section, a case for each row; what ended the run too early is a case of its own."""
    root = ElementTree.Element("testsuites", name="coldshare-conformance")
    for section, group in groupby(outcomes, key=lambda outcome: outcome.row.section):
        _suite(root, section, about, list(_cases(section, group)))
    if error is not None:
        case = ElementTree.Element("testcase", classname="run", name=error.code, time="0.000")
        ElementTree.SubElement(case, "error", message=safe(error.message))
        _suite(root, "run", about, [case])
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _cases(section: str, outcomes: Iterable[Outcome]) -> Iterator[ElementTree.Element]:
    for outcome in outcomes:
        seconds = f"{outcome.milliseconds / 1000:.3f}"
        case = ElementTree.Element("testcase", classname=section, name=outcome.row.name, time=seconds)
        if outcome.result != PASS:
            tag = {FAIL: "failure", ERROR: "error", SKIP: "skipped"}[outcome.result]
            said = ElementTree.SubElement(case, tag, message=safe(outcome.why))
            said.text = f"{safe(outcome.row.title)}. See {CONTRACT}#{section}"
        yield case


def _suite(root: ElementTree.Element, name: str, about: About, cases: list[ElementTree.Element]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    properties = ElementTree.SubElement(suite, "properties")
    for key in ("serial", "model", "firmware"):
        ElementTree.SubElement(properties, "property", name=key, value=safe(getattr(about, key)))
    suite.extend(cases)
