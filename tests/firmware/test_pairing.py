"""Pairing and sessions: who gets a key, and what happens to everybody else."""

from __future__ import annotations

import pytest

from coldshare_iface import codec, wire
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import RemoteProtocolError, Session
from support.client import NO, NOBODY, PIN, WRONG, YES, Bench, FrameRefusedError, Puppet, as_map, secrets


def test_both_sides_show_the_same_code(bench: Bench) -> None:
    code = bench.host.handshake()
    assert " ".join(bench.person.screen[1:3]) == code
    assert len(code.replace(" ", "")) == 20
    assert bench.person.questions == []


def test_the_key_comes_after_host_and_button(bench: Bench) -> None:
    code = bench.host.handshake()
    reply = bench.host.ask(wire.OP_PAIR_ACCEPT, "desk")
    assert reply[0] == wire.STATUS_OK
    assert [len(reply[1]), len(reply[2])] == [wire.PSK_ID_SIZE, wire.PSK_SIZE]
    assert bench.person.questions == [["Pair with desk?", code[:11], code[12:], "Press YES or NO"]]
    assert bench.person.screen[0] == "coldshare"


def test_no_key_before_the_host_accepts(bench: Bench) -> None:
    """Whatever a host sends instead of its acceptance, the channel is gone and nobody was asked."""
    bench.host.handshake()
    assert bench.host.status(wire.OP_LIST, 0) == wire.STATUS_UNKNOWN_OP
    with pytest.raises(FrameRefusedError) as refused:
        bench.host.call(wire.CMD_RECORD, bytes(64))
    assert refused.value.code == wire.ERR_SESSION
    assert bench.person.questions == []


@pytest.mark.parametrize(
    ("answer", "status"), [(NO, wire.STATUS_REJECTED), (NOBODY, wire.STATUS_TIMED_OUT)], ids=["no", "nobody"]
)
def test_no_key_without_a_press(bench: Bench, answer: int, status: int) -> None:
    bench.person.default = answer
    before = bench.image
    assert bench.host.pair()[0] == status
    assert bench.image == before
    assert bench.person.screen == bench.person.screens[0][0]
    bench.person.default = YES
    assert bench.host.pair()[0] == wire.STATUS_OK


def test_a_minute_is_what_a_person_has(bench: Bench) -> None:
    bench.person.default = NOBODY
    before = bench.clock.now_ms()
    bench.host.pair()
    assert bench.clock.now_ms() - before == wire.PERSON_TIMEOUT_MS
    assert set(bench.host.keepalives) == {wire.KEEPALIVE_PERSON}
    assert len(bench.host.keepalives) == wire.PERSON_TIMEOUT_MS // wire.KEEPALIVE_MS


def test_the_pairing_channel_ends_with_the_key(bench: Bench) -> None:
    bench.host.pair()
    assert bench.host.session is not None
    assert bench.host.session.state == "closed"
    with pytest.raises(FrameRefusedError):
        bench.host.call(wire.CMD_RECORD, bytes(64))


def test_eight_hosts_and_no_ninth(bench: Bench) -> None:
    keys = []
    for number in range(wire.PAIRINGS_MAX):
        host = bench.second_host(f"host {number}")
        assert host.pair()[0] == wire.STATUS_OK
        keys.append((host.psk_id, host.psk))
    asked = len(bench.person.questions)
    assert bench.second_host("one too many").pair() == {0: wire.STATUS_PAIRINGS_FULL}
    assert len(bench.person.questions) == asked
    assert len({key for _, key in keys}) == wire.PAIRINGS_MAX
    for psk_id, psk in keys:
        bench.host.open(psk_id=psk_id, psk=psk)
        assert bench.host.status(wire.OP_LIST, 0) == wire.STATUS_NOT_SET_UP


def test_a_session_needs_its_own_key(ready: Bench) -> None:
    other = ready.second_host()
    other.pair()
    for psk_id, psk in (
        (ready.host.psk_id, other.psk),
        (other.psk_id, ready.host.psk),
        (ready.host.psk_id, bytes(32)),
        (bytes(8), ready.host.psk),
    ):
        with pytest.raises(FrameRefusedError) as refused:
            other.open(psk_id=psk_id, psk=psk)
        assert refused.value.code == wire.ERR_SESSION
    assert other.open().status(wire.OP_LIST, 0) == wire.STATUS_LOCKED


@pytest.mark.parametrize("field", [1, 2, 3, 5, 6, 8])
def test_info_altered_on_the_way_breaks_the_handshake(ready: Bench, field: int) -> None:
    """A man in the middle who wants an older version or fewer capabilities gets no channel at all."""
    info = as_map(ready.host.info)
    old = info[field]
    info[field] = [*old, 9] if isinstance(old, list) else old + "0" if isinstance(old, str) else old + 1
    altered = codec.encode(info)
    with pytest.raises(FrameRefusedError) as refused:
        ready.host.open(info=altered)
    assert refused.value.code == wire.ERR_SESSION
    session = Session(NativeSuite(), initiator=True)
    session.pairing(altered, NativeSuite().generate())
    reply = ready.host.call(wire.CMD_PAIR, session.write_handshake())
    with pytest.raises(RemoteProtocolError):
        session.read_handshake(reply)


def test_a_man_in_the_middle_shows_two_codes(bench: Bench) -> None:
    """Two handshakes, one with each side: the codes differ, and the token's person is asked about the wrong one."""
    middle = bench.second_host("middle")
    code = middle.handshake()
    info = bench.host.info
    host, false_token = Session(NativeSuite(), initiator=True), Session(NativeSuite(), initiator=False)
    host.pairing(info, NativeSuite().generate())
    false_token.pairing(info, NativeSuite().generate())
    false_token.read_handshake(host.write_handshake())
    host.read_handshake(false_token.write_handshake())
    false_token.read_handshake(host.write_handshake())
    assert host.code == false_token.code
    assert host.code != code
    assert " ".join(bench.person.screen[1:3]) == code


def test_garbage_in_every_handshake_message(ready: Bench) -> None:
    host = ready.host
    for cmd, data in (
        (wire.CMD_PAIR, b""),
        (wire.CMD_PAIR, bytes(31)),
        (wire.CMD_PAIR, bytes(32)),  # a key of low order
        (wire.CMD_SESSION, b""),
        (wire.CMD_SESSION, host.psk_id),
        (wire.CMD_SESSION, host.psk_id + bytes(64)),
        (wire.CMD_RECORD, b""),
        (wire.CMD_RECORD, bytes(31)),
        (wire.CMD_RECORD, bytes(7600)),
    ):
        with pytest.raises(FrameRefusedError) as refused:
            host.call(cmd, data)
        assert refused.value.code == wire.ERR_SESSION
        assert host.read_info()[0] == wire.STATUS_OK
    host.again()


def test_a_second_handshake_message_that_does_not_verify(bench: Bench) -> None:
    session = Session(NativeSuite(), initiator=True)
    session.pairing(bench.host.info, NativeSuite().generate())
    session.read_handshake(bench.host.call(wire.CMD_PAIR, session.write_handshake()))
    third = bytearray(session.write_handshake())
    third[5] ^= 1
    with pytest.raises(FrameRefusedError):
        bench.host.call(wire.CMD_PAIR, bytes(third))
    assert bench.host.pair()[0] == wire.STATUS_OK


def test_a_recorded_session_cannot_be_played_again(ready: Bench) -> None:
    host = ready.host
    host.read_info()
    session = Session(NativeSuite(), initiator=True)
    session.session(host.info, host.psk_id, host.psk)
    first = host.psk_id + session.write_handshake()
    session.read_handshake(host.call(wire.CMD_SESSION, first))
    host.session = session
    unlock = host.seal(wire.OP_UNLOCK, PIN)
    assert host.opened(host.call(wire.CMD_RECORD, unlock))[0] == wire.STATUS_OK
    with pytest.raises(FrameRefusedError):
        host.call(wire.CMD_RECORD, unlock)
    host.call(wire.CMD_SESSION, first)  # the token answers with a new key of its own
    with pytest.raises(FrameRefusedError):
        host.call(wire.CMD_RECORD, unlock)


def test_a_flipped_bit_closes_the_channel(ready: Bench) -> None:
    record = bytearray(ready.host.seal(wire.OP_LIST, 0))
    record[20] ^= 4
    with pytest.raises(FrameRefusedError) as refused:
        ready.host.call(wire.CMD_RECORD, bytes(record))
    assert refused.value.code == wire.ERR_SESSION
    with pytest.raises(FrameRefusedError):
        ready.host.ask(wire.OP_LIST, 0)


@pytest.mark.parametrize("how", ["session", "init", "pair", "power"])
def test_unlocked_ends_with_the_session(ready: Bench, how: str) -> None:
    host = ready.host
    if how == "init":
        reply = host.call(wire.CMD_INIT, bytes(8))
        assert reply[8:12] == host.cid
    elif how == "pair":
        ready.second_host().pair()
    elif how == "power":
        ready.power_cycle()
        host.hello()
    if how != "session":
        with pytest.raises(FrameRefusedError):
            host.ask(wire.OP_LIST, 0)
    host.open()
    assert host.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED


def test_a_wrong_pin_locks_what_was_open(ready: Bench) -> None:
    ready.host.ask(wire.OP_UNLOCK, WRONG)
    assert ready.host.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED


def test_another_host_takes_the_session_and_not_the_pin(ready: Bench) -> None:
    other = ready.second_host()
    other.psk_id, other.psk = ready.host.psk_id, ready.host.psk
    other.open()
    assert other.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED
    with pytest.raises(FrameRefusedError) as refused:
        ready.host.ask(wire.OP_LIST, 0)
    assert refused.value.code == wire.ERR_SESSION


def test_pairings_survive_and_hosts_names_are_nowhere_but_in_the_key_area(bench: Bench) -> None:
    bench.host.name = "a name to look for"
    bench.host.pair()
    bench.power_cycle()
    bench.host.hello().open()
    area = 2 * 4096
    assert secrets(bench.image[area:], b"a name to look for", bench.host.psk) == []


def test_nothing_but_info_and_identify_in_the_clear(ready: Bench) -> None:
    for op in range(32):
        reply = ready.host.plain(op)
        known = op in (wire.OP_INFO, wire.OP_IDENTIFY)
        assert reply[0] == (wire.STATUS_OK if known else wire.STATUS_UNKNOWN_OP)
    for data in (
        b"",
        b"\xa1",
        codec.encode([1]),
        codec.encode({1: 1}),
        codec.encode({0: True}),
        codec.encode({0: b""}),
    ):
        assert as_map(ready.host.call(wire.CMD_PLAIN, data)) == {0: wire.STATUS_BAD_REQUEST}
    assert as_map(ready.host.call(wire.CMD_PLAIN, codec.encode({0: 1, 1: 1}))) == {0: wire.STATUS_BAD_REQUEST}


def test_info_names_no_secret_and_no_label(ready: Bench) -> None:
    info = ready.host.read_info()
    assert sorted(info) == list(range(9))
    assert info[5] == wire.TOKEN_READY
    assert "Safe A" not in str(info)


def test_identify_leaves_the_screen_after_ten_seconds(ready: Bench) -> None:
    ready.host.plain(wire.OP_IDENTIFY)
    assert ready.person.screen[0] == "HERE I AM"
    assert ready.token.read(9.9) is None
    assert ready.person.screen[0] == "HERE I AM"
    ready.token.read(0.2)
    ready.token.read(0.2)
    assert ready.person.screen[0] == "coldshare"


def test_a_person_may_be_a_program() -> None:
    """A generator can look at the screen it is asked about."""

    bench = Bench()

    def careful() -> object:
        yield YES if bench.person.screen[0] == "Pair with desk?" else NO

    bench.person._answers = careful()  # type: ignore[assignment]
    assert bench.host.pair()[0] == wire.STATUS_OK
    assert Puppet([NO]).default == YES
