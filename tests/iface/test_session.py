"""The channel's life: every step in the table works, every other one is refused, and errors close it for good."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare_iface import session as rules
from coldshare_iface import wire
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import (
    RECORD_MAX,
    TRANSITIONS,
    LocalProtocolError,
    RemoteProtocolError,
    Session,
    pairing_code,
)
from coldshare_iface.suite import A128cbcHs256

INFO, PSK_ID, PSK = b"info", b"psk id 8", b"k" * 32
Pair = dict[str, Session]
HOST, TOKEN = "host", "token"
ROLES = (HOST, TOKEN)
#: Who sends it. A record goes both ways.
SENDER = {
    rules.PAIR_1: (HOST,),
    rules.PAIR_2: (TOKEN,),
    rules.PAIR_3: (HOST,),
    rules.ACCEPT: (HOST,),
    rules.KEY: (TOKEN,),
    rules.SESSION_1: (HOST,),
    rules.SESSION_2: (TOKEN,),
    rules.RECORD: ROLES,
}
HANDSHAKES = {rules.PAIR_1, rules.PAIR_2, rules.PAIR_3, rules.SESSION_1, rules.SESSION_2}


def pair(purpose: str) -> Pair:
    out = {HOST: Session(NativeSuite(), True), TOKEN: Session(NativeSuite(), False)}
    for role, one in out.items():
        if purpose == "pairing":
            one.pairing(INFO, role.encode().ljust(32, b"s"))
        else:
            one.session(INFO, PSK_ID, PSK)
    return out


def send(both: Pair, event: str, sender: str) -> None:
    """One message crosses."""
    here, there = both[sender], both[TOKEN if sender == HOST else HOST]
    if event in HANDSHAKES:
        there.read_handshake(here.write_handshake())
    else:
        assert there.open(here.seal(event.encode())) == event.encode()


#: How to get to every state: the purpose of the channel and what has crossed.
PATHS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fresh (pairing)": ("pairing", ()),
    rules.XX_1: ("pairing", (rules.PAIR_1,)),
    rules.XX_2: ("pairing", (rules.PAIR_1, rules.PAIR_2)),
    rules.COMPARE: ("pairing", (rules.PAIR_1, rules.PAIR_2, rules.PAIR_3)),
    rules.ACCEPTED: ("pairing", (rules.PAIR_1, rules.PAIR_2, rules.PAIR_3, rules.ACCEPT)),
    rules.CLOSED: ("pairing", (rules.PAIR_1, rules.PAIR_2, rules.PAIR_3, rules.ACCEPT, rules.KEY)),
    "fresh (session)": ("session", ()),
    rules.NN_1: ("session", (rules.SESSION_1,)),
    rules.OPEN: ("session", (rules.SESSION_1, rules.SESSION_2)),
}


def reach(name: str) -> Pair:
    purpose, events = PATHS[name]
    both = pair(purpose)
    for event in events:
        send(both, event, SENDER[event][0])
    assert {one.state for one in both.values()} == {name.split(" ")[0]}
    return both


def events_of(name: str) -> list[str]:
    """What the table allows next, for a channel of this purpose."""
    purpose = PATHS[name][0]
    wrong = (rules.SESSION_1,) if purpose == "pairing" else (rules.PAIR_1,)
    return [event for state, event in TRANSITIONS if state == name.split(" ")[0] and event not in wrong]


def holds_keys(one: Session) -> bool:
    return any(type(value).__name__ in ("Handshake", "CipherState") for value in vars(one).values())


def test_the_paths_reach_every_state_and_use_every_transition() -> None:
    states = {state for state, _ in TRANSITIONS} | set(TRANSITIONS.values())
    assert {name.split(" ")[0] for name in PATHS} == states
    assert {event for name in PATHS for event in events_of(name)} == set(SENDER)


@pytest.mark.parametrize("name", PATHS)
def test_every_step_in_the_table_is_taken(name: str) -> None:
    for event in events_of(name):
        for sender in SENDER[event]:
            both = reach(name)
            send(both, event, sender)
            assert {one.state for one in both.values()} == {TRANSITIONS[name.split(" ")[0], event]}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PATHS)
def test_every_other_step_of_our_own_is_refused_and_changes_nothing(name: str, role: str) -> None:
    mine = [event for event in events_of(name) if role in SENDER[event]]
    steps: dict[str, Callable[[Session], object]] = {
        "handshake": lambda one: one.write_handshake(),
        "record": lambda one: one.seal(b"x"),
    }
    for kind, step in steps.items():
        if any((event in HANDSHAKES) == (kind == "handshake") for event in mine):
            continue
        both = reach(name)
        state = both[role].state
        with pytest.raises(LocalProtocolError):
            step(both[role])
        assert both[role].state == state
        for event in events_of(name):  # and the channel goes on as if nothing had been tried
            send(both, event, SENDER[event][0])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PATHS)
def test_every_other_step_of_the_peer_closes_the_channel(name: str, role: str) -> None:
    other = TOKEN if role == HOST else HOST
    theirs = [event for event in events_of(name) if other in SENDER[event]]
    steps: dict[str, Callable[[Session], object]] = {
        "handshake": lambda one: one.read_handshake(bytes(64)),
        "record": lambda one: one.open(bytes(64)),
    }
    for kind, step in steps.items():
        if any((event in HANDSHAKES) == (kind == "handshake") for event in theirs):
            continue
        one = reach(name)[role]
        with pytest.raises(RemoteProtocolError):
            step(one)
        assert one.state == rules.CLOSED
        assert not holds_keys(one)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [name for name in PATHS if name != rules.CLOSED])
def test_what_does_not_verify_closes_the_channel(name: str, role: str) -> None:
    other = TOKEN if role == HOST else HOST
    for event in events_of(name):
        if other not in SENDER[event] or event == rules.PAIR_1:  # the first pairing message has nothing to verify
            continue
        both = reach(name)
        good = both[other].write_handshake() if event in HANDSHAKES else both[other].seal(b"x")
        bad = good[:-1] + bytes((good[-1] ^ 1,))
        with pytest.raises(RemoteProtocolError):
            both[role].read_handshake(bad) if event in HANDSHAKES else both[role].open(bad)
        assert both[role].state == rules.CLOSED
        assert not holds_keys(both[role])
        with pytest.raises(RemoteProtocolError):  # the good one comes too late
            both[role].read_handshake(good) if event in HANDSHAKES else both[role].open(good)


@pytest.mark.parametrize("name", PATHS)
def test_close_forgets_the_keys(name: str) -> None:
    for one in reach(name).values():
        assert holds_keys(one) == (name != rules.CLOSED)
        one.close()
        assert one.state == rules.CLOSED
        assert not holds_keys(one)
        for step in (one.write_handshake, lambda one=one: one.seal(b"")):
            with pytest.raises(LocalProtocolError):
                step()


def test_a_channel_is_used_once() -> None:
    for name in PATHS:
        for one in reach(name).values():
            with pytest.raises(LocalProtocolError, match="used already"):
                one.session(INFO, PSK_ID, PSK)
            with pytest.raises(LocalProtocolError, match="used already"):
                one.pairing(INFO, b"s" * 32)


def test_an_unprepared_channel_does_nothing() -> None:
    one = Session(NativeSuite(), True)
    for step in (one.write_handshake, lambda: one.seal(b"")):
        with pytest.raises(LocalProtocolError):
            step()
    with pytest.raises(RemoteProtocolError):
        one.read_handshake(bytes(32))
    assert one.state == rules.CLOSED


def test_the_longest_record_fills_a_message() -> None:
    both = reach(rules.OPEN)
    record = both[HOST].seal(bytes(RECORD_MAX))
    assert len(record) <= wire.MESSAGE_MAX < A128cbcHs256.cipherlen(RECORD_MAX + 1)
    assert both[TOKEN].open(record) == bytes(RECORD_MAX)
    with pytest.raises(LocalProtocolError, match="too long"):
        both[HOST].seal(bytes(RECORD_MAX + 1))
    send(both, rules.RECORD, HOST)


def test_both_sides_see_one_code_and_it_is_never_the_same_twice() -> None:
    codes = set()
    for _ in range(5):
        both = reach(rules.COMPARE)
        assert both[HOST].code == both[TOKEN].code
        codes.add(both[HOST].code)
    assert len(codes) == 5


def test_a_man_in_the_middle_gets_another_code() -> None:
    left, right = pair("pairing"), pair("pairing")
    for both in (left, right):
        for event in (rules.PAIR_1, rules.PAIR_2, rules.PAIR_3):
            send(both, event, SENDER[event][0])
    assert left[HOST].code != right[TOKEN].code


@given(st.binary(min_size=32, max_size=32))
def test_the_code_is_the_start_of_the_base32_of_the_hash(digest: bytes) -> None:
    code = pairing_code(digest)
    assert code.replace(" ", "") == base64.b32encode(digest)[:20].decode()
    assert [len(group) for group in code.split(" ")] == [wire.CODE_GROUP] * wire.CODE_GROUPS


@pytest.mark.parametrize("change", ["info", "psk id", "psk"])
def test_a_session_needs_the_same_info_id_and_key_on_both_sides(change: str) -> None:
    host, token = Session(NativeSuite(), True), Session(NativeSuite(), False)
    host.session(INFO, PSK_ID, PSK)
    token.session(
        b"other" if change == "info" else INFO,
        b"psk id 9" if change == "psk id" else PSK_ID,
        bytes(32) if change == "psk" else PSK,
    )
    with pytest.raises(RemoteProtocolError):
        token.read_handshake(host.write_handshake())


@given(st.lists(st.booleans(), max_size=12))
def test_records_go_both_ways_in_any_order(turns: list[bool]) -> None:
    both = reach(rules.OPEN)
    for turn in turns:
        send(both, rules.RECORD, HOST if turn else TOKEN)
