"""What stands between the firmware and the host: as a kernel would, it holds reports until they are read."""

from __future__ import annotations

from coldshare_iface import framing, wire
from coldshare_sim.flash import Chip
from coldshare_sim.token import SoftToken
from support.desk import power_up
from support.served import init_report

NONCE = b"8 bytes."
PINGED = bytes(range(200))


def channel(token: SoftToken) -> bytes:
    token.write(init_report())
    report = token.read(1)
    assert report is not None
    return report[15:19]


def ping(token: SoftToken, cid: bytes) -> list[bytes]:
    """The answer that is to come: it has as many reports as the question."""
    reports = framing.split(cid, wire.CMD_PING, PINGED, wire.REPORT_FS)
    for report in reports:
        token.write(report)
    return list(reports)


def test_what_was_not_read_before_a_fresh_start_never_comes() -> None:
    token = power_up(Chip())
    one, other = channel(token), channel(token)
    answers = ping(token, other), ping(token, one)
    assert token.read(1) == answers[0][0]
    token.write(init_report(one, NONCE))
    assert [token.read(1) for _ in answers[0][1:]] == answers[0][1:], "another channel hears all of its own"
    report = token.read(1)
    assert report is not None
    assert report[:4] == one
    assert report[7:15] == NONCE
    assert not token.waiting
    assert token.read(1) is None


def test_it_is_waiting_until_everything_was_read() -> None:
    token = power_up(Chip())
    for expected in ping(token, channel(token)):
        assert token.waiting
        assert token.read(1) == expected
    assert not token.waiting


def test_what_was_not_read_is_gone_with_the_power() -> None:
    token = power_up(Chip())
    cid = channel(token)
    ping(token, cid)
    token.read(1)
    token.power_cycle()
    assert not token.waiting
    assert token.read(1) is None
