"""Runs rows against a token. One row never spoils the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import CannotError
from coldshare.conformance.rules import BrokenRuleError, Row
from coldshare.conformance.speaker import FrameRefusedError, SilenceError, UnexpectedAnswerError
from coldshare_iface.framing import FrameError
from coldshare_iface.session import LocalProtocolError, RemoteProtocolError

PASS = "pass"
FAIL = "fail"
SKIP = "skip"

#: What a token that does not keep to the contract makes its host run into.
_BROKEN = (
    BrokenRuleError,
    FrameRefusedError,
    SilenceError,
    UnexpectedAnswerError,
    FrameError,
    RemoteProtocolError,
    LocalProtocolError,
)


@dataclass(frozen=True)
class Outcome:
    """Of one row. `why` is empty for a pass. Time as it passed for the token."""

    row: Row
    result: str
    why: str
    milliseconds: int


def run(bench: Bench, rows: Iterable[Row], on_outcome: Callable[[Outcome], None] | None = None) -> list[Outcome]:
    """Every row in turn. Raises what the way to the token raises when it is gone (DeviceError)."""
    outcomes = []
    for row in rows:
        started = bench.operator.now_ms()
        result, why = _one(bench, row)
        outcome = Outcome(row, result, why, bench.operator.now_ms() - started)
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
    return outcomes


def _one(bench: Bench, row: Row) -> tuple[str, str]:
    spoilt = True
    try:
        bench.begin(row.needs)
        row.check(bench)
        spoilt = row.spoils
    except CannotError as error:
        return SKIP, str(error)
    except _BROKEN as error:
        return FAIL, str(error)
    except (KeyError, TypeError, IndexError) as error:
        # A reply without a field that it must have, or with one of another type.
        return FAIL, f"an answer is not of the form it must have ({type(error).__name__}: {error})"
    finally:
        bench.end(row.needs, spoilt=spoilt)
    return PASS, ""
