"""Faults of a cable over which frames go: a frame counts as a report."""

from __future__ import annotations

import pytest

from coldshare_iface import framing, wire
from coldshare_iface.framing import Assembler
from coldshare_sim.clock import VirtualClock
from coldshare_sim.faults import FaultyToken, UnpluggedError, parse
from coldshare_sim.flash import Chip
from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.gadget import Gadget
from support.client import NONCE, Host, Puppet
from support.gadget import GadgetWire

BULK = wire.BULK_FRAME_MAX


class Cable:
    """A token at a faulty cable, spoken to over bulk."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.token = FaultyToken(Chip(), Puppet(), clock=self.clock)
        self.write(wire.CID_BROADCAST, wire.CMD_INIT, NONCE)
        (answer,) = self.said()
        self.cid = answer[2][8:12]

    def arm(self, spec: str) -> None:
        self.token.arm(parse(spec))

    def write(self, cid: bytes, cmd: int, message: bytes) -> None:
        self.token.write_bulk(framing.split(cid, cmd, message, BULK)[0])

    def ping(self, *messages: bytes) -> None:
        for message in messages:
            self.write(self.cid, wire.CMD_PING, message)

    def echo(self, message: bytes) -> list[bytes]:
        self.ping(message)
        return self.heard()

    def said(self) -> list[tuple[bytes, int, bytes]]:
        found = []
        while (frame := self.token.poll_bulk()) is not None:
            whole = Assembler(BULK).feed(frame)
            assert whole is not None
            found.append(whole)
        return found

    def heard(self) -> list[bytes]:
        """The messages that came back on our channel."""
        return [message for cid, cmd, message in self.said() if (cid, cmd) == (self.cid, wire.CMD_PING)]


@pytest.fixture
def cable() -> Cable:
    return Cable()


@pytest.mark.parametrize("direction", ["to-token", "to-host"])
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("drop:{}:2", [b"1", b"3"]),
        ("duplicate:{}:2", [b"1", b"2", b"2", b"3"]),
        ("reorder:{}:1", [b"2", b"1", b"3"]),
        ("replay:{}:3=1", [b"1", b"2", b"1", b"3"]),
        ("corrupt:{}:2=56", [b"1", b"\xb2", b"3"]),
        ("drop:{}:ping.3", [b"1", b"2"]),
    ],
)
def test_what_becomes_of_a_frame(cable: Cable, direction: str, spec: str, expected: list[bytes]) -> None:
    cable.arm(spec.format(direction))
    cable.ping(b"1", b"2", b"3")
    assert cable.heard() == expected
    assert cable.token.pending == ()


@pytest.mark.parametrize("direction", ["to-token", "to-host"])
def test_a_token_that_falls_silent(cable: Cable, direction: str) -> None:
    cable.arm(f"stall:{direction}:2")
    assert [cable.echo(message) for message in (b"1", b"2", b"3")] == [[b"1"], [], []]


def test_a_frame_that_is_cut_short(cable: Cable) -> None:
    cable.arm("truncate:to-token:1")
    cable.ping(b"1")
    assert cable.said() == [(cable.cid, wire.CMD_ERROR, bytes((wire.ERR_INVALID_LEN,)))]


def test_a_frame_that_is_late(cable: Cable) -> None:
    cable.arm("delay:to-host:1=2")
    cable.ping(b"1")
    assert cable.heard() == []
    assert cable.token.waiting
    cable.clock.sleep(2)
    assert cable.heard() == [b"1"]


@pytest.mark.parametrize("what", ["ping", "init"])
def test_a_strangers_frame(cable: Cable, what: str) -> None:
    cable.arm(f"foreign:to-token:1={what},foreign:to-host:1={what}")
    cable.ping(b"1")
    said = cable.said()
    assert (cable.cid, wire.CMD_PING, b"1") in said
    assert len(said) == 3


@pytest.mark.parametrize("spec", ["unplug:to-token:1", "unplug:to-host:1"])
def test_pulled_out(cable: Cable, spec: str) -> None:
    cable.arm(spec)
    with pytest.raises(UnpluggedError):
        cable.echo(b"1")
    with pytest.raises(UnpluggedError):
        cable.token.poll_bulk()
    with pytest.raises(UnpluggedError):
        cable.token.drop_bulk()
    cable.token.power_cycle()
    assert cable.said() == []


def test_clearing_a_halt_drops_what_is_on_the_cable(cable: Cable) -> None:
    cable.arm("delay:to-host:1=2")
    cable.ping(b"1", b"2")
    assert cable.heard() == []
    cable.token.drop_bulk()
    cable.clock.sleep(3)
    assert cable.heard() == []
    cable.ping(b"3")
    assert cable.heard() == [b"3"]


def test_each_carrier_has_its_own_order() -> None:
    """What is held back on one overtakes nothing on the other, and the numbers are of both."""
    token = FaultyToken(Chip(), Puppet(), clock=VirtualClock())
    gadget = Gadget(token, Speed.FULL)
    gadget.control(bytes.fromhex("0009010000000000"), b"")
    hid, bulk = Host(GadgetWire(gadget)), Host(GadgetWire(gadget, bulk=True))
    hid.channel()
    bulk.channel()
    token.arm(parse("reorder:to-token:1"))
    hid.write(wire.CMD_PING, b"hid")
    assert bulk.call(wire.CMD_PING, b"bulk") == b"bulk"
    assert token.passed.to_token == 2
    assert hid.token.read(0) is None
    hid.write(wire.CMD_PING, b"more")
    assert [hid.answer(wire.CMD_PING) for _ in range(2)] == [b"more", b"hid"]


@pytest.mark.parametrize("bulk", [False, True])
def test_a_report_that_is_too_short_to_name_a_channel(bulk: bool) -> None:
    token = FaultyToken(Chip(), Puppet(), parse("drop:to-host:99"), clock=VirtualClock())
    (token.write_bulk if bulk else token.write)(b"")
    said = (token.poll_bulk if bulk else token.poll)()
    assert said is not None
    assert said[4] == wire.CMD_ERROR | 0x80
    token.close()
