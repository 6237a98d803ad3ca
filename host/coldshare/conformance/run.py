"""Runs rows against a token. One row never spoils the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import CannotError
from coldshare.conformance.presses import PRESSES, TIRING
from coldshare.conformance.rules import BULK, HID, BrokenRuleError, Row
from coldshare.conformance.speaker import FrameRefusedError, SilenceError, UnexpectedAnswerError
from coldshare.device.errors import TokenTimeoutError
from coldshare_iface.errors import ColdshareError
from coldshare_iface.framing import FrameError
from coldshare_iface.session import LocalProtocolError, RemoteProtocolError

PASS = "pass"
FAIL = "fail"
SKIP = "skip"
ERROR = "error"

#: What a token that does not keep to the contract makes its host run into.
BROKEN = (
    BrokenRuleError,
    FrameRefusedError,
    SilenceError,
    UnexpectedAnswerError,
    FrameError,
    RemoteProtocolError,
    LocalProtocolError,
)

_ELSEWHERE = {
    HID: "the rule is about the reports of HID; on bulk a message is one frame",
    BULK: "the rule is about frames on bulk, and this is HID",
}


class TokenSilentError(TokenTimeoutError):
    """The token says nothing any more, so the rows that are left were not tried."""

    code = "token_silent"
    next_step = "Look at the last row: it made the token stop. Cut its power and run those that are left, with --only."


@dataclass(frozen=True)
class Outcome:
    """Of one row. `why` is empty for a pass. Time as it passed for the token; `presses` are those of the row itself."""

    row: Row
    result: str
    why: str
    milliseconds: int
    presses: int


def run(bench: Bench, rows: Iterable[Row]) -> Iterator[Outcome]:
    """Every row in turn. Raises what the way to the token raises when it is gone, and TokenSilentError."""
    for row in rows:
        bench.operator.begins(row.title)
        started = bench.operator.now_ms()
        result, why, silent = _one(bench, row)
        yield Outcome(row, result, why, max(0, bench.operator.now_ms() - started), bench.presses)
        if silent and not bench.revive():
            raise TokenSilentError


def _one(bench: Bench, row: Row) -> tuple[str, str, bool]:
    """Result, reason, and whether the token has said nothing where it had to."""
    bench.presses = 0
    if row.carrier not in ("", bench.carrier):
        return SKIP, _ELSEWHERE[row.carrier], False
    if row.screen and not bench.operator.reads_screen:
        return SKIP, "nobody here can read the token's screen for the kit", False
    if bench.operator.by_hand and PRESSES.get(row.name, 0) > TIRING:
        return SKIP, f"it takes {PRESSES[row.name]} presses, which nobody is asked for", False
    spoilt, clean = True, False
    doing = f"while the token was made {row.needs}: "
    try:
        bench.begin(row.needs)
        doing, bench.presses = "", 0
        row.check(bench)
        spoilt, clean = row.spoils, True
    except CannotError as error:
        return SKIP, str(error), False
    except SilenceError as error:
        clean = True  # or rather: there is nobody to clean up with
        return FAIL, f"{doing}{error}", True
    except (RemoteProtocolError, LocalProtocolError) as error:
        return FAIL, f"{doing}the host's end of the secure channel breaks: {error}", False
    except FrameError as error:
        return FAIL, f"{doing}the token breaks the rules of frames: {error}", False
    except BROKEN as error:
        return FAIL, f"{doing}{error}", False
    except (KeyError, TypeError, IndexError, ValueError) as error:
        # A reply without a field that it must have, or with one of another type.
        return FAIL, f"{doing}an answer has not the form that it must have ({type(error).__name__}: {error})", False
    except ColdshareError:
        clean = True  # the way to the token is gone
        raise
    except Exception as error:
        return ERROR, f"{doing}the kit itself failed ({type(error).__name__}: {error})", False
    finally:
        bench.end(row.needs, spoilt=spoilt, clean=clean)
    return PASS, "", False
