"""What is said in the clear, and the shapes of requests."""

from __future__ import annotations

from coldshare.conformance.bench import LABEL, PIN, Bench
from coldshare.conformance.rules import ANY, NEW, READY, expect, expect_equal, expect_reply, expect_status, row
from coldshare.conformance.speaker import as_map, op_name
from coldshare_iface import wire
from coldshare_iface.messages import Info

_CAPABILITIES = {wire.CAP_BACKUP, wire.CAP_SCREEN, wire.CAP_MANAGE, wire.CAP_GENERATIONS, wire.CAP_AUDIT}


@row("clear-info", "messages")
def info(bench: Bench) -> None:
    """info says versions, model, firmware, serial, state, capabilities and sizes, each time the same."""
    first = bench.host.read_info()
    said = Info.decode(bench.host.info)
    expect(wire.PROTOCOL_VERSION in said.versions, "protocol version 1 is not among the versions")
    expect(said.serial != bytes(wire.SERIAL_SIZE), "the serial is zeros")
    expect_equal(bench.host.read_info(), first, "a second answer")


@row("clear-capabilities", "versions-and-capabilities")
def capabilities(bench: Bench) -> None:
    """The token names the capabilities that this kit tests."""
    bench.host.read_info()
    missing = _CAPABILITIES - Info.decode(bench.host.info).capabilities
    expect(not missing, f"it does not name {sorted(missing)}; without them rows below fail")


@row("clear-nothing-else", "messages", needs=READY)
def nothing_else(bench: Bench) -> None:
    """In the clear nothing but info and identify is answered, unlocked or not."""
    for op, *fields in ((wire.OP_LIST, 0), (wire.OP_UNLOCK, PIN), (wire.OP_PAIRINGS,), (wire.OP_WIPE,), (99,)):
        expect_reply(bench.host.plain(op, *fields), wire.STATUS_UNKNOWN_OP, f"the answer to {op_name(op)}")


@row("clear-identify", "messages", needs=READY, screen=True)
def identify(bench: Bench) -> None:
    """identify shows the label and the serial, and needs no pairing."""
    expect_reply(bench.speaker().plain(wire.OP_IDENTIFY), wire.STATUS_OK)
    serial = bench.host.read_info()[4].hex()
    shown = " ".join(bench.operator.screen())
    expect(LABEL in shown and serial in shown, f"the screen says {shown!r}")


@row("clear-state", "messages", needs=NEW)
def state(bench: Bench) -> None:
    """A wiped token says that it is new."""
    expect_equal(bench.host.read_info()[5], wire.TOKEN_NEW, "the state in info")


@row("requests-extra-field", "messages", needs=READY)
def extra_field(bench: Bench) -> None:
    """A field too many is BAD_REQUEST."""
    expect_status(bench.host.status(wire.OP_PAIRINGS, 0), wire.STATUS_BAD_REQUEST)


@row("requests-missing-field", "messages", needs=READY)
def missing_field(bench: Bench) -> None:
    """A field missing is BAD_REQUEST."""
    expect_status(bench.host.status(wire.OP_LIST), wire.STATUS_BAD_REQUEST)


@row("requests-type", "messages", needs=READY)
def wrong_type(bench: Bench) -> None:
    """A field of another type is BAD_REQUEST."""
    expect_status(bench.host.status(wire.OP_LIST, "0"), wire.STATUS_BAD_REQUEST, "the status for a text")
    expect_status(bench.host.status(wire.OP_REMOVE, "0" * 16), wire.STATUS_BAD_REQUEST, "the status for a text")


@row("requests-true", "messages", needs=READY)
def true_is_no_number(bench: Bench) -> None:
    """true is not 1, where a number is asked for."""
    expect_status(bench.host.status(wire.OP_AUDIT, True), wire.STATUS_BAD_REQUEST)


@row("requests-size", "messages", needs=READY)
def size(bench: Bench) -> None:
    """A size out of bounds is BAD_REQUEST."""
    expect_status(bench.host.status(wire.OP_REMOVE, bytes(15)), wire.STATUS_BAD_REQUEST, "the status for 15 bytes")
    expect_status(bench.host.status(wire.OP_REMOVE, bytes(17)), wire.STATUS_BAD_REQUEST, "the status for 17 bytes")


@row("requests-unshowable", "messages", needs=READY)
def unshowable(bench: Bench) -> None:
    """A text that a screen must not show is BAD_REQUEST."""
    for text in ("two\nlines", "turn\u202eed", "\x1b[2J", "zero\u200bwidth"):
        expect_status(bench.host.status(wire.OP_LABEL, text), wire.STATUS_BAD_REQUEST, f"the status for {text!r}")


@row("requests-unknown", "messages", needs=READY)
def unknown(bench: Bench) -> None:
    """An op that the contract does not have, or not in a session, is UNKNOWN_OP."""
    for op, *fields in ((0,), (wire.OP_INFO,), (wire.OP_PAIR_ACCEPT, "x"), (wire.OP_WIPE,), (200,)):
        expect_status(bench.host.status(op, *fields), wire.STATUS_UNKNOWN_OP, f"the status of {op_name(op)}")


# In the clear, so that each is one message. What is taken for a request all the same is UNKNOWN_OP there.
_STRICT = {
    "truncated": (b"\xa2\x00\x06\x01", "bytes that end in the middle"),
    "trailing": (b"\xa2\x00\x06\x01\x00\x00", "a byte after the value"),
    "not-minimal": (b"\xa2\x00\x06\x01\x18\x00", "a number that could be shorter"),
    "indefinite": (b"\xbf\x00\x06\x01\x00\xff", "an indefinite length"),
    "key-order": (b"\xa2\x01\x00\x00\x06", "keys out of order"),
    "duplicate-key": (b"\xa3\x00\x06\x01\x00\x01\x00", "a key that comes twice"),
    "key-type": (b"\xa3\x00\x06\x01\x00\x20\x00", "a key that is no unsigned integer"),
    "reserved": (b"\xa2\x00\x06\x01\x1c", "a head that is not assigned"),
    "tag": (b"\xa2\x00\x06\x01\xc1\x00", "a tag"),
    "float": (b"\xa2\x00\x06\x01\xf9\x00\x00", "a floating-point number"),
    "simple": (b"\xa2\x00\x06\x01\xf7", "a simple value"),
    "utf8": (b"\xa2\x00\x10\x01\x61\xff", "a text that is no UTF-8"),
    "depth": (b"\xa2\x00\x06\x01" + b"\x81" * 8 + b"\x00", "values nested too deeply"),
    "items": (b"\xa2\x00\x06\x01\x98\x41" + b"\x00" * 65, "an array of 65 items"),
}


def _strict(name: str, data: bytes, what: str) -> None:
    def check(bench: Bench) -> None:
        reply = as_map(bench.host.call(wire.CMD_PLAIN, data))
        expect_reply(reply, wire.STATUS_BAD_REQUEST)

    check.__doc__ = f"CBOR with {what} is BAD_REQUEST."
    row(f"cbor-{name}", "cbor", needs=ANY)(check)


for _name, (_data, _what) in _STRICT.items():
    _strict(_name, _data, _what)


@row("requests-order", "messages", needs=READY)
def order(bench: Bench) -> None:
    """The shape is judged before the channel and the token's state: BAD_REQUEST, where LOCKED would do too."""
    host = bench.host.open()
    expect_status(host.status(wire.OP_AUDIT, "1"), wire.STATUS_BAD_REQUEST, "the status of an audit of another type")
    expect_status(host.status(wire.OP_WIPE, 0), wire.STATUS_BAD_REQUEST, "the status of a wipe with a field too many")
