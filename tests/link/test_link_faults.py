"""A sample of the cases for `make test`, and that the judge would see what it is there to see."""

from __future__ import annotations

from collections import defaultdict

import pytest

from coldshare.device.link import Link, _Patience
from coldshare_firmware.request import CHUNK
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_iface.errors import PersonTimeoutError
from coldshare_sim.faults import DIRECTIONS, KINDS, TO_HOST, TO_TOKEN, parse
from link.cases import HOSTS, STOPS, Case, baseline, cases
from link.conversations import CONVERSATIONS, Talk
from link.judge import RIGHT, documented, judge
from link.run import run
from link.world import BLOB, Token


def _by_kind() -> dict[tuple[str, str], list[Case]]:
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases():
        groups[case.conversation, case.kind].append(case)
    return groups


GROUPS = _by_kind()


def test_every_kind_at_every_report_of_every_conversation() -> None:
    assert {kind for _, kind in GROUPS} == {*KINDS, *HOSTS, *STOPS}
    assert {name for name, _ in GROUPS} == set(CONVERSATIONS)
    for (name, kind), group in GROUPS.items():
        base = baseline(name)
        if kind == "cut":
            assert len(group) == 3 * base.operations
            continue
        places = {case.what.partition("=")[0] for case in group}
        mark = "@" if kind in (*HOSTS, *STOPS) else ":"
        everywhere = {f"{kind}{mark}{report.direction}:{report.number}" for report in base.reports}
        # The first two reports of each direction have nothing before them that could come again.
        assert places == everywhere if kind != "replay" else len(everywhere - places) <= 4
        for case in group:
            assert mark == "@" or ",".join(str(fault) for fault in parse(case.what)).startswith(kind)


@pytest.mark.parametrize("group", GROUPS.values(), ids=["-".join(key) for key in GROUPS])
def test_some(group: list[Case]) -> None:
    """One in the middle; `make crash` has them all."""
    case = group[len(group) // 2]
    assert judge(case).bad == "", str(case)


def test_a_transfer_goes_on_at_the_last_stored_chunk() -> None:
    """Pulled out all over the transfer: the token goes on from where it is, even where the host was not told."""
    resumed = set()
    base = baseline("backup")
    for direction in DIRECTIONS:
        for report in base.way(direction)[:: 1 if direction == TO_HOST else 16]:
            if report.begins or direction == TO_TOKEN:
                outcome = judge(Case("backup", f"unplug:{direction}:{report.number}"))
                assert outcome.bad == ""
                resumed.add(outcome.resumed)
    # (where it went on, what the host knew): nothing yet, after each chunk with and without its answer.
    assert {(0, 0), (CHUNK, 0), (CHUNK, CHUNK), (len(BLOB), CHUNK), (len(BLOB), len(BLOB))} <= resumed


@pytest.mark.parametrize("seconds", [20.0, wire.PERSON_TIMEOUT_MS / 1000 - 1])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_person_who_thinks_for_long_is_waited_for(name: str, seconds: float) -> None:
    conversation = CONVERSATIONS[name]()
    start = conversation.start()
    token = Token(start.image)
    token.person.thinks = seconds
    talk = Talk(start, token, start.memory(), token.carrier())
    conversation.talk(talk)
    conversation.check(talk)
    asked = len(token.person.answered)
    keepalives = sum(command == wire.CMD_KEEPALIVE for _, command, _ in token.reports)
    assert asked
    assert keepalives >= asked * seconds * 1000 // wire.KEEPALIVE_MS
    assert token.now >= asked * seconds


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_a_person_who_never_presses_ends_the_request_and_nothing_else(name: str) -> None:
    conversation = CONVERSATIONS[name]()
    start = conversation.start()
    token = Token(start.image)
    token.person.thinks = wire.PERSON_TIMEOUT_MS / 1000 + 1
    talk = Talk(start, token, start.memory(), token.carrier())
    with pytest.raises(PersonTimeoutError):
        conversation.talk(talk)
    assert talk.client is not None
    talk.list(talk.client)
    token.person.thinks = 1
    conversation.finish(Talk(start, token, talk.memory, token.carrier()))


def test_the_runner_counts() -> None:
    """What `make crash` keeps."""
    chosen = [group[0] for (name, _), group in GROUPS.items() if name == "pair"]
    done = run(chosen, workers=1)
    assert done["link_fault_cases"] == len(chosen)
    assert done["link_fault_bad"] == 0
    assert sum(done["outcomes"].values()) == sum(done["kinds"].values()) == len(chosen)
    assert set(done["outcomes"]) <= {RIGHT, "interrupted", *documented()}


# --- it would be seen


def _last(name: str, direction: str) -> int:
    """The number of the first report of the last message in that direction."""
    return [report for report in baseline(name).way(direction) if report.begins][-1].number


def test_a_stale_answer_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("backup", f"duplicate:to-token:{_last('backup', TO_TOKEN)}")
    assert judge(case).bad == ""
    monkeypatch.setattr(Link, "restart", lambda link: None)
    assert "stale answer" in judge(case).bad


def test_a_hang_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("restore", f"drop:to-host:{_last('restore', TO_HOST)}")
    assert judge(case).name == "token_timeout"
    monkeypatch.setattr(_Patience, "silence", lambda patience: None)
    assert "HangError" in judge(case).bad


def test_a_chunk_that_is_forgotten_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("backup", f"stall:to-host:{_last('backup', TO_HOST)}")
    monkeypatch.setattr(Store, "append", lambda store, data: None)
    assert "acknowledged" in judge(case).bad


def test_a_fault_that_never_happens_would_be_seen() -> None:
    assert "never happened" in judge(Case("restore", "drop:to-token:100000")).bad


def test_an_error_that_explains_nothing_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("backup", f"drop:to-host:{_last('backup', TO_HOST)}")
    monkeypatch.setattr("coldshare.device.link.TokenTimeoutError", PersonTimeoutError)
    assert "does not explain" in judge(case).bad
