"""Life with a token: its label, its hosts, and how it forgets everything."""

from __future__ import annotations

from coldshare.conformance.bench import PIN, Bench
from coldshare.conformance.operator import AGREE, REFUSE
from coldshare.conformance.rules import (
    NEW,
    READY,
    BrokenRuleError,
    expect,
    expect_equal,
    expect_error,
    expect_reply,
    row,
)
from coldshare.conformance.speaker import FrameRefusedError, Speaker
from coldshare_iface import wire


@row("manage-label", "messages", needs=READY, spoils=True)
def label(bench: Bench) -> None:
    """label takes a press, and unlock says it from then on."""
    host = bench.host
    bench.operator.answer = REFUSE
    expect_reply(host.ask(wire.OP_LABEL, "Other"), wire.STATUS_REJECTED, "the answer after NO")
    bench.operator.answer = AGREE
    host.ok(wire.OP_LABEL, "Other")
    expect_equal(host.ok(wire.OP_UNLOCK, PIN).get(1), "Other", "the label in the answer to unlock")


@row("manage-pairings", "messages", needs=READY)
def pairings(bench: Bench) -> None:
    """pairings names the hosts, with their psk ids."""
    host = bench.host
    expect_equal(host.ok(wire.OP_PAIRINGS), {0: 0, 1: [{1: host.psk_id, 2: "desk"}]}, "the answer")


@row("manage-unpair", "messages", needs=READY, spoils=True)
def unpair(bench: Bench) -> None:
    """A host that is forgotten gets no session any more, and its own ends with the answer."""
    host = bench.host
    other = bench.speaker("laptop")
    bench.pair(other)
    host = bench.unlock()
    host.ok(wire.OP_UNPAIR, other.psk_id, wire.UNPAIR_ONE)
    expect(not _opens(bench, other), "the forgotten host still gets a session")
    host = bench.unlock()
    host.ok(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_ONE)
    try:
        host.call(wire.CMD_RECORD, host.seal(wire.OP_LIST, 0))
    except FrameRefusedError as error:
        expect_error(error.code, wire.ERR_SESSION, "the error byte for its next request")
        return
    raise BrokenRuleError("the session of a forgotten host goes on")


def _opens(bench: Bench, host: Speaker) -> bool:
    try:
        bench.speaker().open(psk_id=host.psk_id, psk=host.psk)
    except FrameRefusedError as error:
        expect_error(error.code, wire.ERR_SESSION, "the error byte for a pairing key")
        return False
    return True


@row("manage-remove", "messages", needs=READY, spoils=True)
def remove(bench: Bench) -> None:
    """remove destroys a backup and leaves the others."""
    first = bench.put(bench.blob(50))
    second = bench.put(bench.blob(50), vault=b"\x03" + b"w" * 32)
    bench.host.ok(wire.OP_REMOVE, first)
    expect_equal(bench.states(), {second: wire.BACKUP_ACTIVE}, "the list")


@row("manage-remove-held", "messages", needs=READY, spoils=True)
def remove_held(bench: Bench) -> None:
    """remove takes a button that is held."""
    bench.short_press(wire.OP_REMOVE, bench.put(bench.blob(50)))


@row("wipe-all", "wipe", needs=READY, spoils=True)
def wipe(bench: Bench) -> None:
    """wipe needs no PIN and no pairing, and leaves a new token with another serial."""
    bench.put(bench.blob(50))
    before = bench.host.read_info()[4]
    stranger = bench.speaker("stranger")
    expect_reply(stranger.wipe(), wire.STATUS_OK)
    info = stranger.read_info()
    expect_equal(info[5], wire.TOKEN_NEW, "the state in info")
    expect(info[4] != before, "the serial is the old one")
    expect(not _opens(bench, bench.host), "an old pairing still opens a session")


@row("wipe-held", "wipe", needs=NEW, spoils=True)
def wipe_held(bench: Bench) -> None:
    """wipe takes a button that is held."""
    bench.host.handshake()
    bench.short_press(wire.OP_WIPE)


@row("manage-unpair-others", "messages", needs=READY, spoils=True)
def unpair_others(bench: Bench) -> None:
    """unpair forgets all hosts but one, and asks nobody when there is no other."""
    other = bench.speaker("laptop")
    bench.pair(other)
    host = bench.unlock()
    host.ok(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_OTHERS)
    left = [pairing[1] for pairing in host.ok(wire.OP_PAIRINGS)[1]]
    expect_equal(left, [host.psk_id], "the hosts that are left")
    bench.operator.answer = REFUSE
    expect_reply(host.ask(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_OTHERS), wire.STATUS_OK, "the answer to another one")


@row("wipe-no", "wipe", needs=READY)
def wipe_no(bench: Bench) -> None:
    """A NO to wipe leaves everything."""
    before = bench.host.read_info()[4]
    bench.operator.answer = REFUSE
    expect_reply(bench.speaker("stranger").wipe(), wire.STATUS_REJECTED, "the answer after NO")
    bench.operator.answer = AGREE
    expect_equal(bench.host.read_info()[4], before, "the serial")
    expect(_opens(bench, bench.host), "the pairing is gone")
