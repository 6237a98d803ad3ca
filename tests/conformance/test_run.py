"""Rows that fail, cannot, raise, or find the token gone; and that none of them spoils the next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import NOBODY, CannotError
from coldshare.conformance.rules import ANY, PAIRED, READY, BrokenRuleError, Row, expect_reply
from coldshare.conformance.run import ERROR, FAIL, PASS, SKIP, Outcome, TokenSilentError, run
from coldshare.conformance.speaker import FrameRefusedError, Map, SilenceError, Speaker, UnexpectedAnswerError
from coldshare.device.errors import TokenGoneError
from coldshare_iface import wire
from conformance.conftest import rows, sim_bench


def made(check: Callable[[Bench], None], needs: str = ANY, *, spoils: bool = False, screen: bool = False) -> Row:
    return Row("made-up", "A made-up rule", "frames", needs, spoils, check, screen)


def after(row: Row, bench: Bench | None = None) -> Outcome:
    """What comes of that row; the rows behind it pass all the same."""
    first, *rest = run(bench or sim_bench(), [row, *rows("frames-ping", "manage-pairings", "frames-busy")])
    assert [(one.row.name, one.result) for one in rest] == [
        (name, PASS) for name in ("frames-ping", "frames-busy", "manage-pairings")
    ]
    return first


def test_a_rule_that_does_not_hold() -> None:
    def check(bench: Bench) -> None:
        raise BrokenRuleError("it hums")

    assert (after(made(check)).result, after(made(check)).why) == (FAIL, "it hums")


@pytest.mark.parametrize("error", [FrameRefusedError(6), UnexpectedAnswerError("what?")])
def test_what_a_bad_token_makes_its_host_run_into(error: Exception) -> None:
    def check(bench: Bench) -> None:
        raise error

    outcome = after(made(check))
    assert (outcome.result, outcome.why) == (FAIL, str(error))


def test_errors_are_named_for_people() -> None:
    assert str(FrameRefusedError(wire.ERR_CHANNEL_BUSY)) == "the token answers ERROR CHANNEL_BUSY (0x06)"
    with pytest.raises(
        BrokenRuleError, match=r"^the answer: LOCKED \(5\) instead of BAD_OFFSET \(20\) with field 1: 7$"
    ):
        expect_reply({0: wire.STATUS_LOCKED}, wire.STATUS_BAD_OFFSET, detail=7)


def test_a_key_is_not_said_whole() -> None:
    key = bytes(range(32))
    with pytest.raises(BrokenRuleError) as raised:
        expect_reply({0: 0, 1: key}, wire.STATUS_REJECTED)
    assert key.hex() not in str(raised.value)
    assert "00010203.. (32 bytes)" in str(raised.value)


def test_a_reply_without_what_it_must_have() -> None:
    outcome = after(made(lambda bench: {0: 0}[1]))  # type: ignore[arg-type, return-value]
    assert outcome.result == FAIL
    assert "not the form" in outcome.why


def test_what_the_operator_cannot() -> None:
    def check(bench: Bench) -> None:
        raise CannotError("the plug is out of reach")

    outcome = after(made(check))
    assert (outcome.result, outcome.why) == (SKIP, "the plug is out of reach")


def test_a_mistake_of_the_kit() -> None:
    def check(bench: Bench) -> None:
        raise RuntimeError("a bug")

    outcome = after(made(check))
    assert outcome.result == ERROR
    assert "RuntimeError: a bug" in outcome.why


def test_half_a_message_and_an_open_question_are_cleared_away() -> None:
    def half(bench: Bench) -> None:
        bench.token.write(bench.host.reports(wire.CMD_PING, bytes(100))[0])
        raise BrokenRuleError("and gave up")

    def question(bench: Bench) -> None:
        bench.operator.answer = NOBODY
        bench.host.start(wire.OP_LABEL, "Other")
        bench.host.read(keepalives=True)
        raise BrokenRuleError("and gave up")

    assert after(made(half)).result == FAIL
    assert after(made(question, READY)).result == FAIL
    # The same where nobody can cut the power.
    for check, needs in ((half, ANY), (question, READY)):
        bench = sim_bench()
        bench.operator.by_hand = True
        assert after(made(check, needs), bench).result == FAIL


def test_a_spoilt_token_is_made_anew() -> None:
    def check(bench: Bench) -> None:
        bench.put(b"left behind")

    first, second = run(sim_bench(), [made(check, READY, spoils=True), *rows("backup-pending")])
    assert (first.result, second.result, second.why) == (PASS, PASS, "")


def test_trouble_before_a_row_is_named() -> None:
    # A token that asks no host in: the row needs one.
    bench = sim_bench()

    def refuse() -> None:
        raise UnexpectedAnswerError("wipe is refused")

    bench.wipe = refuse  # type: ignore[method-assign]
    (outcome,) = run(bench, [made(lambda bench: None, PAIRED)])
    assert (outcome.result, outcome.why) == (FAIL, "while the token was made paired: wipe is refused")


def test_no_screen_no_row() -> None:
    bench = sim_bench()
    bench.operator.reads_screen = False
    (outcome,) = run(bench, [made(lambda bench: 1 / 0, screen=True)])  # type: ignore[arg-type, return-value]
    assert outcome.result == SKIP
    assert "screen" in outcome.why


def test_nobody_is_asked_for_hundreds_of_presses() -> None:
    bench = sim_bench()
    bench.operator.by_hand = True
    (outcome,) = run(bench, rows("audit-kept"))
    assert outcome.result == SKIP
    assert "presses" in outcome.why


def test_a_token_that_falls_silent_is_switched_off_and_on() -> None:
    # The fault is over with the power cycle.
    outcomes = list(run(sim_bench(fault="stall:to-host:ping.3"), rows("frames-ping", "frames-filling")))
    assert [(one.row.name, one.result) for one in outcomes] == [("frames-ping", FAIL), ("frames-filling", PASS)]
    assert "does not answer" in outcomes[0].why


def test_a_token_that_stays_silent_ends_the_run() -> None:
    bench = sim_bench()

    def silent(bench: Bench) -> None:
        raise SilenceError("The token does not answer.")

    def cannot() -> None:
        raise CannotError("nobody is there")

    bench.operator.power_cycle = cannot  # type: ignore[method-assign]
    outcomes: list[Outcome] = []
    with pytest.raises(TokenSilentError):
        outcomes.extend(run(bench, [made(silent), *rows("frames-ping")]))
    assert [one.result for one in outcomes] == [FAIL]


def test_a_token_that_is_pulled_out_ends_the_run() -> None:
    bench = sim_bench(fault="unplug:to-host:error")
    outcomes: list[Outcome] = []
    with pytest.raises(TokenGoneError):
        outcomes.extend(run(bench, rows("frames-ping", "frames-sequence", "frames-busy")))
    assert [(one.row.name, one.result) for one in outcomes] == [("frames-ping", PASS)]


class Endless:
    """A token that says one thing for ever, whatever it is asked."""

    report_size = wire.REPORT_FS

    def __init__(self, report: bytes) -> None:
        self._report = report.ljust(wire.REPORT_FS, b"\0")

    def write(self, report: bytes) -> None:
        pass

    def read(self, timeout: float) -> bytes:
        return self._report


@pytest.mark.parametrize(
    ("own", "rest", "why"),
    [
        (True, bytes((wire.CMD_KEEPALIVE | 0x80, 0, 1, wire.KEEPALIVE_PROCESSING)), "for minutes"),
        (True, b"\x05a continuation of nothing", "without end"),
        (False, bytes((wire.CMD_PING | 0x80, 0, 1)), "without end"),
    ],
    ids=["keepalives", "continuations", "another channel"],
)
def test_reports_without_end_are_no_answer(own: bool, rest: bytes, why: str) -> None:
    bench = sim_bench()
    bench.begin(ANY)
    bench.host.token = Endless((bench.host.cid if own else b"\xee\xee\xee\xee") + rest)
    with pytest.raises(SilenceError, match=why):
        bench.host.call(wire.CMD_PING, b"x")


@pytest.mark.parametrize(
    ("what", "reply"),
    [
        (lambda host: host.get(bytes(16), 10), {0: 0, 1: b""}),
        (lambda host: host.send(bytes(16), bytes(10), 4), {0: 0, 1: 0}),
        (lambda host: host.list(), {0: 0, 1: [], 2: 3}),
        (lambda host: host.list(), {0: 0, 1: [{}], 2: 1 << 63}),
    ],
    ids=["read", "chunk", "list", "list without end"],
)
def test_a_token_that_never_gets_on_is_left(what: Callable[[Speaker], object], reply: Map) -> None:
    host = sim_bench().stranger()
    host.ask = lambda op, *fields: reply  # type: ignore[method-assign]
    with pytest.raises(UnexpectedAnswerError):
        what(host)
