"""Makes the vectors in firmware_iface/coldshare_iface/vectors: `python tests/iface/make_vectors.py` writes them.

Everything is derived from fixed labels, so that two runs give the same files; test_vectors.py compares. What the
fields mean is written in vectors/README.md.
"""

from __future__ import annotations

import hashlib
import json
import runpy
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from coldshare_iface import codec, framing, wire
from coldshare_iface.noise import Handshake
from coldshare_iface.primitives import NativeAes, NativeSuite
from coldshare_iface.session import Session
from coldshare_iface.suite import A128cbcHs256, hkdf, hmac_sha256

FOLDER = Path(__file__).parents[2] / "firmware_iface/coldshare_iface/vectors"
Vector = dict[str, Any]


def fixed(label: str, size: int = 32) -> bytes:
    """Bytes that look random and never change."""
    return hkdf(b"", label.encode(), b"coldshare vector", size)


# --- frames -----------------------------------------------------------------------------------------------

CID = b"\x00\x00\x00\x01"
OTHER_CID = b"\x00\x00\x00\x02"


def count(n: int) -> bytes:
    """0, 1, 2, ... 250, 0, 1, ...: a period that no report size shares."""
    return bytes([i % 251 for i in range(n)])


def frames() -> Iterator[Vector]:
    def message(cid: bytes, cmd: int, data: bytes) -> Vector:
        return {"cid": cid.hex(), "cmd": cmd, "data": data.hex()}

    def whole(name: str, comment: str, cid: bytes, cmd: int, data: bytes, size: int = wire.REPORT_FS) -> Vector:
        reports = [report.hex() for report in framing.split(cid, cmd, data, size)]
        messages = [message(cid, cmd, data)]
        both = {"reports": reports, "messages": messages, "split": True}
        return {"name": name, "comment": comment, "report_size": size, **both, "expect": "ok"}

    def stream(
        name: str,
        comment: str,
        reports: list[bytes],
        messages: list[Vector],
        error: tuple[int, str, bytes] | None = None,
        reason: str = "",
    ) -> Vector:
        out = {"name": name, "comment": comment, "report_size": wire.REPORT_FS}
        out |= {"reports": [r.hex() for r in reports], "messages": messages, "split": False}
        if error is None:
            return out | {"expect": "ok"}
        at, code, cid = error
        return out | {"expect": code, "reason": reason, "error": {"report": at, "cid": cid.hex()}}

    record = wire.CMD_RECORD
    yield whole("empty", "no data: one report", CID, wire.CMD_PAIR, b"")
    yield whole("keepalive", "the token waits for a button", CID, wire.CMD_KEEPALIVE, bytes((wire.KEEPALIVE_PERSON,)))
    yield whole("init", "a channel is asked for", wire.CID_BROADCAST, wire.CMD_INIT, count(8))
    granted = count(8) + CID + bytes((wire.FRAME_VERSION, 0, 1, 0, 0))
    yield whole("init-answer", "nonce, channel, 2, firmware 0.1.0, no flags", wire.CID_BROADCAST, 6, granted)
    yield whole("full-report", "57 bytes fill the first report", CID, record, count(57))
    yield whole("two-reports", "58 bytes need a second one", CID, record, count(58))
    yield whole("three-full-reports", "57 + 59 + 59 bytes: no padding", CID, record, count(175))
    yield whole("longest", "7609 bytes: sequence numbers 0 to 127", CID, record, count(wire.MESSAGE_MAX))
    yield whole(
        "longest-high-speed", "7609 bytes in reports of 1024", CID, record, count(wire.MESSAGE_MAX), wire.REPORT_HS
    )

    ping = framing.split(CID, wire.CMD_PING, count(100))
    long = framing.split(CID, record, count(175))
    pinged = message(CID, wire.CMD_PING, count(100))
    init = framing.split(CID, wire.CMD_INIT, count(8))
    inited = message(CID, wire.CMD_INIT, count(8))
    cancel = framing.split(CID, wire.CMD_CANCEL, b"")
    cancelled = message(CID, wire.CMD_CANCEL, b"")
    other = framing.split(OTHER_CID, wire.CMD_PING, count(100))
    yield stream("stray-continuation", "a continuation of nothing is ignored", [ping[1], *ping], [pinged])
    yield stream("init-in-the-middle", "INIT starts the channel afresh", [long[0], *init, *ping], [inited, pinged])
    yield stream("cancel-in-the-middle", "CANCEL drops half a message", [long[0], *cancel, *ping], [cancelled, pinged])
    busy = "the channel that speaks goes on unharmed"
    error = (1, "CHANNEL_BUSY", OTHER_CID)
    yield stream("busy-init", busy, [ping[0], other[0], ping[1]], [pinged], error, "another channel starts a message")
    yield stream("busy-continuation", busy, [ping[0], other[1], ping[1]], [pinged], error, "another channel continues")
    gone = "the message is lost, the next one is read"
    error = (1, "INVALID_SEQ", CID)
    yield stream("skipped", gone, [long[0], long[2], *ping], [pinged], error, "report 0 is missing")
    error = (2, "INVALID_SEQ", CID)
    yield stream("repeated", gone, [long[0], long[1], long[1], *ping], [pinged], error, "report 0 comes twice")
    error = (1, "INVALID_SEQ", CID)
    yield stream("new-message-too-early", gone, [long[0], ping[0], *ping], [pinged], error, "the first is not whole")
    error = (0, "INVALID_LEN", CID)
    yield stream("short-report", "63 bytes", [ping[0][:63], *ping], [pinged], error, "not the size of a report")
    too_long = CID + bytes((record | 0x80, 7610 >> 8, 7610 & 0xFF)) + count(57)
    yield stream("too-long", "a message of 7610 bytes", [too_long, *ping], [pinged], error, "at most 7609 bytes")


# --- cbor -------------------------------------------------------------------------------------------------

GOOD_CBOR = {
    "map": ("a3000118180219010003", "keys of three lengths, ascending", "{0: 1, 24: 2, 256: 3}"),
    "integers": (
        "880017181818ff1901001a000100001b00000001000000001bffffffffffffffff",
        "every width of a head",
        "[0, 23, 24, 255, 256, 65536, 4294967296, 18446744073709551615]",
    ),
    "negative": ("82203bffffffffffffffff", "the ends of the range", "[-1, -18446744073709551616]"),
    "strings": (
        "8440410060" + "64f09f988a",
        "empty, one byte, and outside the basic plane",
        "[h'', h'00', \"\", \"😀\"]",
    ),
    "constants": ("83f4f5f6", "all there are", "[false, true, null]"),
    "deepest": ("8181818181818180", "eight containers", "[[[[[[[[]]]]]]]]"),
    "most-items": ("9840" + "00" * 64, "64 items", "64 zeros in an array"),
}
BAD_CBOR = [
    ("empty", "", "truncated", 0, "nothing at all"),
    ("cut-string", "820043aabb", "truncated", 2, "three bytes announced, two there"),
    ("trailing", "a0" + "00", "trailing", 1, "a byte after the value"),
    ("long-integer", "1817", "not_minimal", 0, "23 fits the head"),
    ("long-length", "590001aa", "not_minimal", 0, "a length in two bytes that fits the head"),
    ("indefinite-array", "9f00ff", "indefinite", 0, "the length is left open"),
    ("reserved", "811c", "reserved", 1, "additional information 28"),
    ("key-order", "a201000000", "key_order", 3, "key 0 after key 1"),
    ("duplicate-key", "a201000100", "duplicate_key", 3, "key 1 twice"),
    ("text-key", "a1616100", "key_type", 1, "a text as a key"),
    ("negative-key", "a12000", "key_type", 1, "-1 as a key"),
    ("tag", "c100", "tag", 0, "a date"),
    ("undefined", "f7", "simple", 0, "undefined"),
    ("float", "f93c00", "float", 0, "1.0"),
    ("overlong-utf8", "62c080", "utf8", 0, "U+0000 in two bytes"),
    ("too-deep", "818181818181818180", "depth", 8, "a ninth container"),
    ("too-many-items", "9841" + "00" * 65, "items", 0, "65 items"),
    ("first-fault-wins", "a21817009fff", "not_minimal", 1, "left to right: a long key before an open array"),
]


def cbor() -> Iterator[Vector]:
    for name, (hexed, comment, value) in GOOD_CBOR.items():
        yield {"name": name, "comment": comment, "hex": hexed, "diagnostic": value, "expect": "ok"}
    for name, hexed, reason, at, comment in BAD_CBOR:
        yield {"name": name, "comment": comment, "hex": hexed, "expect": reason, "reason": comment, "at": at}
    # Its own size is the fault, so the bytes are described, not written out.
    long = {"hex": "591db7", "then_zeros": 7607}
    why = "one byte above the limit, well-formed otherwise"
    yield {"name": "too-long", "comment": "7610 bytes", **long, "expect": "size", "reason": why, "at": 7609}


# --- suite ------------------------------------------------------------------------------------------------


def suite() -> Iterator[Vector]:
    key, aes = fixed("suite key"), NativeAes()
    cipher = A128cbcHs256(aes, key)

    def vector(name: str, comment: str, nonce: int, ad: bytes, plaintext: bytes) -> Vector:
        sealed = cipher.encrypt(nonce, ad, plaintext)
        inputs = {
            "key": key.hex(),
            "nonce": nonce.to_bytes(8, "big").hex(),
            "ad": ad.hex(),
            "plaintext": plaintext.hex(),
        }
        iv = aes.ecb_encrypt(key[16:], nonce.to_bytes(16, "big"))
        return {"name": name, "comment": comment, **inputs, "iv": iv.hex(), "ciphertext": sealed.hex(), "expect": "ok"}

    yield vector("empty", "one block of padding", 0, b"", b"")
    yield vector("whole-block", "sixteen bytes get a block of padding", 2, b"", count(16))
    yield vector("associated-data", "as in a handshake, where it is the hash", 0, fixed("ad"), fixed("static key"))
    yield vector("large-nonce", "the nonce has 64 bits", (1 << 64) - 2, b"ad", count(40))

    nonce, ad = 7, b"ad"
    good = cipher.encrypt(nonce, ad, count(20))

    def bad(name: str, reason: str, expect: str, ciphertext: bytes, nonce: int = 7, ad: bytes = b"ad") -> Vector:
        inputs = {
            "key": key.hex(),
            "nonce": nonce.to_bytes(8, "big").hex(),
            "ad": ad.hex(),
            "ciphertext": ciphertext.hex(),
        }
        return {"name": name, "comment": "must not decrypt", **inputs, "expect": expect, "reason": reason}

    def padded(body: bytes) -> bytes:
        iv = aes.ecb_encrypt(key[16:], nonce.to_bytes(16, "big"))
        out = aes.cbc_encrypt(key[16:], iv, body)
        return out + hmac_sha256(key[:16], ad, iv, out, (8 * len(ad)).to_bytes(8, "big"))[:16]

    yield bad("flipped-body", "one bit of the first block", "tag", bytes((good[0] ^ 1,)) + good[1:])
    yield bad("flipped-tag", "one bit of the tag", "tag", good[:-1] + bytes((good[-1] ^ 0x80,)))
    yield bad("other-ad", "other associated data", "tag", good, ad=b"da")
    yield bad("only-a-tag", "16 bytes: no room for a block", "length", good[-16:])
    yield bad("odd-length", "47 bytes: not whole blocks", "length", good[:-1])
    yield bad("padding-zero", "padding of 0 under a good tag", "padding", padded(bytes(16)))
    yield bad("padding-17", "padding of 17 under a good tag", "padding", padded(bytes([17] * 32)))


# --- noise ------------------------------------------------------------------------------------------------

INFO = codec.encode({0: 0, 1: [1], 2: "a board", 3: "0.1.0", 4: fixed("serial", 8), 5: 1, 6: [1, 2], 7: 7609, 8: 7424})
OTHER_INFO = codec.encode(
    {0: 0, 1: [1, 2], 2: "a board", 3: "0.1.0", 4: fixed("serial", 8), 5: 1, 6: [1, 2], 7: 7609, 8: 7424}
)
PSK_ID, PSK = fixed("psk id", 8), fixed("psk")
KEYS = {
    "host_static": fixed("host static"),
    "host_ephemeral": fixed("host ephemeral"),
    "token_static": fixed("token static"),
    "token_ephemeral": fixed("token ephemeral"),
}
HOST, TOKEN = "host", "token"


class FixedSuite(NativeSuite):
    """Makes one known ephemeral key; `lies` names private keys whose public key is given out as all zeros."""

    def __init__(self, ephemeral: bytes, lies: tuple[bytes, ...] = ()) -> None:
        super().__init__()
        self._ephemeral = ephemeral
        self._lies = lies

    def generate(self) -> bytes:
        return self._ephemeral

    def public(self, private: bytes) -> bytes:
        return bytes(32) if private in self._lies else super().public(private)


def session(role: str, pattern: str, info: bytes = INFO, psk: bytes = PSK, lies: tuple[bytes, ...] = ()) -> Session:
    one = Session(FixedSuite(KEYS[role + "_ephemeral"], lies), role == HOST)
    if pattern == "XX":
        one.pairing(info, KEYS[role + "_static"])
    else:
        one.session(info, PSK_ID, psk)
    return one


def handshake(role: str, pattern: str) -> Handshake:
    """The same state a layer below, where payloads can be written."""
    prologue = wire.LABEL_PAIRING + INFO if pattern == "XX" else wire.LABEL_SESSION + PSK_ID + INFO
    static, psk = (KEYS[role + "_static"], None) if pattern == "XX" else (None, PSK)
    return Handshake(NativeSuite(), pattern, role == HOST, prologue, static, psk, KEYS[role + "_ephemeral"])


def step(sender: str, message: bytes, plaintext: bytes | None = None) -> Vector:
    out = {"from": sender, "what": "handshake" if plaintext is None else "record", "hex": message.hex()}
    return out if plaintext is None else out | {"plaintext": plaintext.hex()}


def run(host: Session, token: Session, handshakes: int, records: Iterable[bytes] = ()) -> list[Vector]:
    """Let both sides talk, and write down what they say."""
    steps = []
    for i in range(handshakes):
        here, there, sender = (host, token, HOST) if i % 2 == 0 else (token, host, TOKEN)
        message = here.write_handshake()
        there.read_handshake(message)
        steps.append(step(sender, message))
    for i, plaintext in enumerate(records):
        here, there, sender = (host, token, HOST) if i % 2 == 0 else (token, host, TOKEN)
        record = here.seal(plaintext)
        there.open(record)
        steps.append(step(sender, record, plaintext))
    return steps


ACCEPT = codec.encode({0: wire.OP_PAIR_ACCEPT, 1: "a computer"})
KEY = codec.encode({0: 0, 1: PSK_ID, 2: PSK})
REQUEST = codec.encode({0: wire.OP_LIST, 1: 0})
REPLY = codec.encode({0: 0, 1: [], 2: 0})
LENGTHS = {"XX": 3, "NNpsk0": 2}


def flip(message: bytes, at: int) -> bytes:
    out = bytearray(message)
    out[at] ^= 1
    return bytes(out)


def noise() -> Iterator[Vector]:
    def base(pattern: str, name: str, comment: str) -> Vector:
        names = KEYS if pattern == "XX" else {k: v for k, v in KEYS.items() if "ephemeral" in k}
        out = {"name": name, "comment": comment, "pattern": pattern, "info": INFO.hex()}
        out |= {key: value.hex() for key, value in names.items()}
        return out if pattern == "XX" else out | {"psk_id": PSK_ID.hex(), "psk": PSK.hex()}

    def honest(pattern: str, records: Iterable[bytes]) -> tuple[list[Vector], Session]:
        host, token = session(HOST, pattern), session(TOKEN, pattern)
        return run(host, token, LENGTHS[pattern], records), host

    def digest(pattern: str) -> str:
        pair = {HOST: handshake(HOST, pattern), TOKEN: handshake(TOKEN, pattern)}
        for i in range(LENGTHS[pattern]):
            writer, reader = (HOST, TOKEN) if i % 2 == 0 else (TOKEN, HOST)
            pair[reader].read(pair[writer].write())
        return pair[HOST].hash.hex()

    def good(pattern: str, name: str, comment: str, records: list[bytes], state: str) -> Vector:
        steps, host = honest(pattern, records)
        ends = {"handshake_hash": digest(pattern), "code": host.code, "ends": state}
        return base(pattern, name, comment) | {"roles": [HOST, TOKEN], "steps": steps, **ends, "expect": "ok"}

    xx = good("XX", "pairing", "host accepts, token gives its key, the channel closes", [ACCEPT, KEY], "closed")
    nn = good("NNpsk0", "session", "two requests and their replies", [REQUEST, REPLY, REQUEST, REPLY], "open")
    yield xx
    yield nn

    def bad(pattern: str, name: str, role: str, steps: list[Vector], expect: str, reason: str) -> Vector:
        parts = {"roles": [role], "steps": steps, "ends": "closed", "expect": expect, "reason": reason}
        return base(pattern, name, f"the {role} must close the channel at the last step") | parts

    def flipped(pattern: str, number: int, at: int, name: str, what: str) -> Vector:
        vector = xx if pattern == "XX" else nn
        steps = [dict(one) for one in vector["steps"][: number + 1]]
        steps[-1]["hex"] = flip(bytes.fromhex(steps[-1]["hex"]), at).hex()
        receiver = TOKEN if steps[-1]["from"] == HOST else HOST
        return bad(pattern, name, receiver, steps, "tag", f"one bit of {what} is changed")

    def changed(
        pattern: str, number: int, name: str, change: Callable[[bytes], bytes], expect: str, reason: str
    ) -> Vector:
        out = flipped(pattern, number, 0, name, "")
        honest_step = (xx if pattern == "XX" else nn)["steps"][number]
        out["steps"][-1]["hex"] = change(bytes.fromhex(honest_step["hex"])).hex()
        return out | {"expect": expect, "reason": reason}

    def liar(pattern: str, number: int, name: str, expect: str, reason: str, **how: Any) -> Vector:
        """The writer of message `number` is set up in another way than the reader expects."""
        role = HOST if number % 2 == 0 else TOKEN
        other = TOKEN if role == HOST else HOST
        pair = {other: session(other, pattern), role: session(role, pattern, **how)}
        steps = []
        for i in range(number + 1):
            writer = HOST if i % 2 == 0 else TOKEN
            message = pair[writer].write_handshake()
            steps.append(step(writer, message))
            if i < number:
                pair[TOKEN if writer == HOST else HOST].read_handshake(message)
        return bad(pattern, name, other, steps, expect, reason)

    def payload(pattern: str, number: int, name: str) -> Vector:
        pair = {HOST: handshake(HOST, pattern), TOKEN: handshake(TOKEN, pattern)}
        steps = []
        for i in range(number + 1):
            writer, reader = (HOST, TOKEN) if i % 2 == 0 else (TOKEN, HOST)
            message = pair[writer].write(b"early" if i == number else b"")
            pair[reader].read(message)
            steps.append(step(writer, message))
        receiver = TOKEN if number % 2 == 0 else HOST
        return bad(pattern, name, receiver, steps, "payload", "handshake payloads are empty")

    host, token = session(HOST, "XX"), session(TOKEN, "XX")
    first = host.write_handshake()
    token.read_handshake(flip(first, 5))
    steps = [step(HOST, first), step(TOKEN, token.write_handshake())]
    yield bad("XX", "pair-1-key-changed", HOST, steps, "tag", "the token got another ephemeral key than was sent")
    yield changed("XX", 0, "pair-1-short", lambda m: m[:-1], "short", "31 bytes are no key")
    yield payload("XX", 0, "pair-1-payload")
    yield liar("XX", 0, "pair-1-low-order", "low_order", "an ephemeral key of zeros", lies=(KEYS["host_ephemeral"],))
    yield flipped("XX", 1, 0, "pair-2-key-changed", "the ephemeral key")
    yield flipped("XX", 1, 32, "pair-2-static-changed", "the encrypted static key")
    yield changed("XX", 1, "pair-2-short", lambda m: m[:80], "short", "the encrypted static key is cut off")
    yield payload("XX", 1, "pair-2-payload")
    yield liar("XX", 1, "pair-2-other-info", "tag", "the token said something else in the clear", info=OTHER_INFO)
    yield liar("XX", 1, "pair-2-low-order", "low_order", "a static key of zeros", lies=(KEYS["token_static"],))
    yield flipped("XX", 2, 0, "pair-3-static-changed", "the encrypted static key")
    yield payload("XX", 2, "pair-3-payload")
    yield liar("XX", 2, "pair-3-low-order", "low_order", "a static key of zeros", lies=(KEYS["host_static"],))
    yield flipped("XX", 3, 0, "accept-changed", "the host's acceptance")
    yield flipped("XX", 4, 0, "key-changed", "the token's key")
    early = [*xx["steps"][:3], xx["steps"][4]]
    yield bad("XX", "key-before-acceptance", HOST, early, "turn", "nothing was accepted")
    late = [*xx["steps"], dict(xx["steps"][3])]
    yield bad("XX", "record-after-pairing", TOKEN, late, "turn", "the pairing channel has closed")

    yield flipped("NNpsk0", 0, 0, "session-1-key-changed", "the ephemeral key")
    yield payload("NNpsk0", 0, "session-1-payload")
    yield liar("NNpsk0", 0, "session-1-other-psk", "tag", "another pairing key", psk=fixed("another psk"))
    yield liar("NNpsk0", 0, "session-1-other-info", "tag", "the host was told something else", info=OTHER_INFO)
    yield liar("NNpsk0", 0, "session-1-low-order", "low_order", "a key of zeros", lies=(KEYS["host_ephemeral"],))
    yield flipped("NNpsk0", 1, 0, "session-2-key-changed", "the ephemeral key")
    yield flipped("NNpsk0", 1, -1, "session-2-tag-changed", "the tag")
    yield payload("NNpsk0", 1, "session-2-payload")
    yield liar("NNpsk0", 1, "session-2-low-order", "low_order", "a key of zeros", lies=(KEYS["token_ephemeral"],))
    yield flipped("NNpsk0", 2, 0, "record-changed", "a record")
    yield changed("NNpsk0", 2, "record-cut", lambda m: m[:-16], "tag", "the last 16 bytes are missing")
    steps = nn["steps"]
    yield bad("NNpsk0", "record-replayed", TOKEN, [*steps[:3], steps[2]], "tag", "the same record again")
    yield bad("NNpsk0", "record-reordered", TOKEN, [*steps[:2], steps[4]], "tag", "the second record first")


# --- declaration ------------------------------------------------------------------------------------------

DECLARED: dict[int, Any] = {
    1: b"\x02" + fixed("vault"),
    2: "Savings",
    3: "iPhone-A1B",
    4: fixed("generation"),
    5: 2,
    6: 3,
    7: wire.LIBRARY_DKLS,
    8: fixed("nonce", 16),
}
DECLARATION = codec.encode(DECLARED)


def without(fields: dict[Any, Any], key: int | str) -> dict[Any, Any]:
    return {k: v for k, v in fields.items() if k != key}


def declaration() -> Iterator[Vector]:
    def vector(name: str, comment: str, fields: dict[int, Any], reason: str = "", shape: str = "bad") -> Vector:
        out = {"name": name, "comment": comment, "rule": "declaration", "hex": codec.encode(fields).hex()}
        return out | ({"shape": shape, "expect": "BAD_DECLARATION", "reason": reason} if reason else {"expect": "ok"})

    yield vector("usual", "a share of a 2-of-3 vault", DECLARED)
    most = {1: bytes(64), 2: "n" * 96, 3: "ü" * 48, 4: bytes(32), 5: 64, 6: 64, 7: 255, 8: bytes(16)}
    yield vector("most", "every field as large as it may be", most)
    bad = "must be refused"
    yield vector("missing-nonce", bad, without(DECLARED, 8), "field 8 is missing")
    yield vector("unknown-field", bad, DECLARED | {9: 0}, "there is no field 9")
    yield vector("long-vault", bad, DECLARED | {1: bytes(65)}, "a vault id has at most 64 bytes")
    yield vector("long-name", bad, DECLARED | {2: "ü" * 49}, "98 bytes, though only 49 characters")
    yield vector("empty-party", bad, DECLARED | {3: ""}, "a party has a name")
    yield vector("turned-name", bad, DECLARED | {3: "a\u202ephone"}, "U+202E turns the direction of writing", "good")
    yield vector("two-line-name", bad, DECLARED | {2: "Savings\n2 of 2"}, "a line feed would forge a screen", "good")
    yield vector("short-generation", bad, DECLARED | {4: bytes(31)}, "a generation has 32 bytes")
    yield vector("no-threshold", bad, DECLARED | {5: 0}, "a threshold is at least 1")
    yield vector("high-threshold", bad, DECLARED | {5: 4}, "a threshold is at most the number of parties", "good")
    yield vector("many-parties", bad, DECLARED | {6: 65}, "at most 64 parties")
    yield vector("no-library", bad, DECLARED | {7: 0}, "libraries count from 1")
    yield vector("long-nonce", bad, DECLARED | {8: bytes(17)}, "a nonce has 16 bytes")


# --- messages ---------------------------------------------------------------------------------------------

ID = fixed("backup id", 16)
BLOB = count(1000)
DIGEST = hashlib.sha256(BLOB).digest()
FACTOR = fixed("factor")
LISTED = {1: ID, 2: wire.BACKUP_ACTIVE, 3: len(BLOB), 4: DECLARATION}
NAMELESS = {1: fixed("another id", 16), 2: wire.BACKUP_ACTIVE, 3: len(BLOB)}
OLD_GENERATION = fixed("old generation")

REQUESTS: dict[str, dict[int, Any]] = {
    "info": {0: wire.OP_INFO},
    "identify": {0: wire.OP_IDENTIFY},
    "pair-accept": {0: wire.OP_PAIR_ACCEPT, 1: "a computer"},
    "set-up": {0: wire.OP_SET_UP, 1: "483920", 2: "Safe A"},
    "unlock": {0: wire.OP_UNLOCK, 1: "483920"},
    "list": {0: wire.OP_LIST, 1: 0},
    "reserve": {0: wire.OP_RESERVE, 1: DECLARATION},
    "begin": {0: wire.OP_BEGIN, 1: ID, 2: len(BLOB), 3: DIGEST},
    "chunk": {0: wire.OP_CHUNK, 1: 984, 2: BLOB[984:]},
    "prepare": {0: wire.OP_PREPARE, 1: ID},
    "commit": {0: wire.OP_COMMIT, 1: ID},
    "confirm": {0: wire.OP_CONFIRM, 1: ID},
    "abort": {0: wire.OP_ABORT, 1: ID},
    "open": {0: wire.OP_OPEN, 1: ID, 2: wire.PURPOSE_RESTORE},
    "read": {0: wire.OP_READ, 1: ID, 2: 984},
    "label": {0: wire.OP_LABEL, 1: "Safe B"},
    "change-pin": {0: wire.OP_CHANGE_PIN, 1: "483920", 2: "271828"},
    "pairings": {0: wire.OP_PAIRINGS},
    "unpair": {0: wire.OP_UNPAIR, 1: PSK_ID, 2: wire.UNPAIR_ONE},
    "remove": {0: wire.OP_REMOVE, 1: ID},
    "wipe": {0: wire.OP_WIPE},
    "reserve-next": {0: wire.OP_RESERVE_NEXT, 1: DECLARATION},
    "retire": {0: wire.OP_RETIRE, 1: ID, 2: OLD_GENERATION},
    "un-retire": {0: wire.OP_UN_RETIRE, 1: ID, 2: OLD_GENERATION},
    "destroy": {0: wire.OP_DESTROY, 1: ID},
    "audit": {0: wire.OP_AUDIT, 1: 1},
}
DONE = {0: wire.STATUS_OK}
NO_HOST = bytes(wire.PSK_ID_SIZE)


def entry(number: int, event: int, host: bytes, about: bytes = b"", detail: int = 0) -> bytes:
    """One entry of the audit ring."""
    return number.to_bytes(4, "big") + bytes((event,)) + detail.to_bytes(3, "big") + host + about.ljust(16, b"\0")


def chained(before: bytes, entries: Iterable[bytes]) -> list[bytes]:
    """The hash after each of them."""
    hashes = []
    for one in entries:
        before = hashlib.sha256(before + one).digest()
        hashes.append(before)
    return hashes


NO_HASH = bytes(32)
LIFE = [
    entry(1, wire.EVENT_PAIRED, NO_HOST, PSK_ID),
    entry(2, wire.EVENT_SET_UP, PSK_ID),
    entry(3, wire.EVENT_STORED, PSK_ID, ID),
    entry(4, wire.EVENT_CONFIRMED, PSK_ID, ID),
    entry(5, wire.EVENT_RELEASED, PSK_ID, ID, wire.PURPOSE_RESTORE),
    entry(6, wire.EVENT_WRONG_PINS, PSK_ID, b"", 2),
]
HASHES = chained(NO_HASH, LIFE)
REPLIES: dict[str, Any] = {
    "info": codec.decode(INFO),
    "identify": DONE,
    "pair-accept": {0: 0, 1: PSK_ID, 2: PSK},
    "set-up": DONE,
    "unlock": {0: 0, 1: "Safe A", 2: 2, 3: DIGEST},
    "list": {0: 0, 1: [LISTED], 2: 1},
    "reserve": {0: 0, 1: ID, 2: FACTOR},
    "begin": {0: 0, 1: 0, 2: 7424},
    "chunk": {0: 0, 1: len(BLOB)},
    "prepare": {0: 0, 1: DIGEST},
    "commit": DONE,
    "confirm": {0: 0, 1: 4, 2: DIGEST},
    "abort": DONE,
    "open": {0: 0, 1: len(BLOB), 2: DIGEST, 3: DECLARATION, 4: FACTOR},
    "read": {0: 0, 1: BLOB[984:]},
    "label": DONE,
    "change-pin": DONE,
    "pairings": {0: 0, 1: [{1: PSK_ID, 2: "a computer"}]},
    "unpair": DONE,
    "remove": DONE,
    "wipe": DONE,
    "reserve-next": {0: 0, 1: ID, 2: FACTOR},
    "retire": DONE,
    "un-retire": DONE,
    "destroy": DONE,
    "audit": {0: 0, 1: len(LIFE), 2: HASHES[-1], 3: 1, 4: NO_HASH, 5: b"".join(LIFE)},
}


PAIRED = REPLIES["pairings"][1]


def where(op: str) -> str:
    return "plain" if op in ("info", "identify") else "pairing" if op in ("pair-accept", "wipe") else "session"


def messages() -> Iterator[Vector]:
    def vector(name: str, comment: str, rule: str, value: Any, place: str) -> Vector:
        data = value if isinstance(value, bytes) else codec.encode(value)
        return {"name": name, "comment": comment, "rule": rule, "where": place, "hex": data.hex(), "expect": "ok"}

    def bad(name: str, op: str, value: Any, reason: str, expect: str = "BAD_REQUEST", shape: str = "bad") -> Vector:
        out = vector(name, "must be refused", op + "-request", value, where(op))
        return out | {"shape": shape, "expect": expect, "reason": reason}

    def bad_reply(name: str, op: str, value: Any, reason: str, shape: str = "bad") -> Vector:
        out = vector(name, "a host must not take this", op + "-reply", value, where(op))
        return out | {"shape": shape, "expect": "bad_reply", "reason": reason}

    for op, fields in REQUESTS.items():
        yield vector(op + "-request", f"asks to {op}", op + "-request", fields, where(op))
    for op, fields in REPLIES.items():
        if fields != DONE:
            yield vector(op + "-reply", f"the answer to {op}", op + "-reply", fields, where(op))
    comment = "the answer to " + ", ".join(op for op, fields in REPLIES.items() if fields == DONE)
    yield vector("done-reply", comment, "done", DONE, "session")
    others = REQUESTS["unpair"] | {2: wire.UNPAIR_OTHERS}
    yield vector("unpair-request-others", "asks to forget all other hosts", "unpair-request", others, "session")
    yield vector("pairings-reply-full", "as many as there can be", "pairings-reply", {0: 0, 1: PAIRED * 8}, "session")
    yield vector("list-reply-empty", "nothing is kept", "list-reply", {0: 0, 1: [], 2: 0}, "session")
    damaged = {0: 0, 1: [LISTED, NAMELESS], 2: 2}
    yield vector("list-reply-damaged", "the record of the second one is damaged", "list-reply", damaged, "session")
    lost = {0: 0, 1: [LISTED | {3: 0}], 2: 1}
    yield vector("list-reply-no-blob", "the flash has lost the sealed share", "list-reply", lost, "session")
    behind = {0: 0, 1: [LISTED | {2: wire.BACKUP_RETIRED}, NAMELESS | {2: wire.BACKUP_NEXT}], 2: 2}
    yield vector("list-reply-generations", "one is retired, one is next", "list-reply", behind, "session")
    burnt = {0: 0, 1: [NAMELESS | {2: wire.BACKUP_KEYLESS}], 2: 1}
    yield vector("list-reply-burnt", "a burnt token knows no names", "list-reply", burnt, "session")
    nameless = without(REPLIES["open"], 3)
    yield vector("open-reply-damaged", "the record is damaged, the factor is not", "open-reply", nameless, "session")
    keyless = without(nameless, 4)
    yield vector("open-reply-burnt", "a burnt token has no factor", "open-reply", keyless, "session")
    later_page = {0: 0, 1: 40, 2: HASHES[-1], 3: 38, 4: HASHES[2], 5: b"".join(LIFE[3:])}
    yield vector("audit-reply-later", "entries 38 to 40 of 40", "audit-reply", later_page, "session")
    ended = {0: 0, 1: 6, 2: HASHES[-1], 3: 7, 4: HASHES[-1], 5: b""}
    yield vector("audit-reply-end", "nothing after entry 6", "audit-reply", ended, "session")
    fresh = {0: 0, 1: 0, 2: NO_HASH, 3: 1, 4: NO_HASH, 5: b""}
    yield vector("audit-reply-new", "nothing has been entered yet", "audit-reply", fresh, "session")
    most = {0: 0, 1: 2**32 - 1, 2: NO_HASH, 3: 2**32, 4: NO_HASH, 5: b""}
    yield vector("audit-reply-last", "no number is larger", "audit-reply", most, "session")
    full = {0: 0, 1: 32, 2: NO_HASH, 3: 1, 4: NO_HASH, 5: bytes(1024)}
    yield vector("audit-reply-full", "32 entries, the most that one answer holds", "audit-reply", full, "session")
    later = REPLIES["info"] | {1: [1, 7], 6: [1, 2, 99], 9: {0: "unheard of"}}
    yield vector("info-reply-later", "a host ignores what it does not know", "info-reply", later, "plain")
    locked = {0: wire.STATUS_LOCKED}
    yield vector("error-reply", "locked", "error-reply", locked, "session") | {"status": "LOCKED"}
    wrong = {0: wire.STATUS_PIN_WRONG, 1: 7}
    yield vector("error-reply-pin", "seven attempts left", "error-reply", wrong, "session") | {"status": "PIN_WRONG"}
    offset = {0: wire.STATUS_BAD_OFFSET, 1: 984}
    old = {0: wire.STATUS_RETIRED}
    yield vector("error-reply-retired", "an old generation", "error-reply", old, "session") | {"status": "RETIRED"}
    yield vector("error-reply-offset", "go on at 984", "error-reply", offset, "session") | {"status": "BAD_OFFSET"}

    ask = REQUESTS
    yield bad("not-cbor", "list", codec.encode(ask["list"]) + b"\0", "a byte after the value")
    yield bad("not-a-map", "list", [wire.OP_LIST, 0], "a request is a map")
    yield bad("no-op", "list", {1: 0}, "field 0 is missing")
    yield bad("op-is-true", "info", {0: True}, "true is not 1")
    yield bad("unknown-op", "list", {0: 99}, "there is no op 99", "UNKNOWN_OP")
    yield bad("unknown-op-in-the-clear", "info", ask["unlock"], "only info and identify are", "UNKNOWN_OP")
    yield bad("info-in-a-record", "list", ask["info"], "info is asked in the clear", "UNKNOWN_OP")
    yield bad("accept-in-a-session", "list", ask["pair-accept"], "for the pairing channel only", "UNKNOWN_OP")
    yield bad("unlock-while-pairing", "pair-accept", ask["unlock"], "for a session only", "UNKNOWN_OP")
    yield bad("info-unknown-field", "info", ask["info"] | {1: 0}, "there is no field 1")
    yield bad("accept-long-name", "pair-accept", ask["pair-accept"] | {1: "n" * 33}, "at most 32 bytes")
    forged = ask["pair-accept"] | {1: "me?\nPress YES"}
    yield bad("accept-two-line-name", "pair-accept", forged, "a line feed would forge a screen", shape="good")
    yield bad("set-up-no-label", "set-up", without(ask["set-up"], 2), "field 2 is missing")
    letters = ask["set-up"] | {1: "48392O"}
    yield bad("set-up-letter", "set-up", letters, "a PIN is digits only", "PIN_FORMAT", "good")
    yield bad("unlock-number", "unlock", ask["unlock"] | {1: 483920}, "a PIN is text")
    yield bad("list-negative", "list", ask["list"] | {1: -1}, "a start is not negative")
    yield bad("list-true", "list", ask["list"] | {1: True}, "true is not 1")
    yield bad("reserve-long", "reserve", ask["reserve"] | {1: bytes(513)}, "at most 512 bytes")
    broken = ask["reserve"] | {1: codec.encode(without(DECLARED, 8))}
    yield bad("reserve-bad-declaration", "reserve", broken, "field 8 is missing inside", "BAD_DECLARATION", "good")
    yield bad("begin-too-large", "begin", ask["begin"] | {2: wire.BLOB_MAX + 1}, "above the largest blob")
    yield bad("begin-short-digest", "begin", ask["begin"] | {3: bytes(31)}, "a digest has 32 bytes")
    yield bad("chunk-too-long", "chunk", ask["chunk"] | {2: bytes(7571)}, "no token can take more than 7570")
    yield bad("prepare-no-id", "prepare", without(ask["prepare"], 1), "field 1 is missing")
    yield bad("commit-unknown-field", "commit", ask["commit"] | {2: 0}, "there is no field 2")
    yield bad("confirm-short-id", "confirm", ask["confirm"] | {1: ID[:15]}, "an id has 16 bytes")
    yield bad("abort-long-id", "abort", ask["abort"] | {1: ID + b"\0"}, "an id has 16 bytes")
    yield bad("open-no-purpose", "open", ask["open"] | {2: 0}, "purposes are 1 and 2")
    yield bad("read-null", "read", ask["read"] | {2: None}, "an offset is a number")
    yield bad("wipe-in-a-session", "list", ask["wipe"], "for a pairing channel only", "UNKNOWN_OP")
    yield bad("wipe-in-the-clear", "info", ask["wipe"], "only info and identify are", "UNKNOWN_OP")
    yield bad("wipe-unknown-field", "wipe", ask["wipe"] | {1: True}, "there is no field 1")
    yield bad("remove-while-pairing", "wipe", ask["remove"], "for a session only", "UNKNOWN_OP")
    yield bad("remove-short-id", "remove", ask["remove"] | {1: ID[:15]}, "an id has 16 bytes")
    yield bad("label-empty", "label", ask["label"] | {1: ""}, "a label has at least one byte")
    yield bad("label-long", "label", ask["label"] | {1: "ü" * 17}, "34 bytes, though only 17 characters")
    turned = ask["label"] | {1: "Safe\u202eB"}
    yield bad("label-turned", "label", turned, "U+202E turns the direction of writing", shape="good")
    yield bad("change-pin-no-new-one", "change-pin", without(ask["change-pin"], 2), "field 2 is missing")
    short = ask["change-pin"] | {2: "271"}
    yield bad("change-pin-short", "change-pin", short, "a new PIN has at least 4 digits", "PIN_FORMAT", "good")
    odd = ask["change-pin"] | {1: "48392O"}
    yield bad("change-pin-letter", "change-pin", odd, "the old PIN is digits only, too", "PIN_FORMAT", "good")
    yield bad("pairings-start", "pairings", ask["pairings"] | {1: 0}, "there is no field 1")
    yield bad("unpair-short-id", "unpair", ask["unpair"] | {1: PSK_ID[:7]}, "a psk id has 8 bytes")
    yield bad("unpair-no-which", "unpair", ask["unpair"] | {2: 0}, "which is 1 or 2")
    yield bad("reserve-next-long", "reserve-next", ask["reserve-next"] | {1: bytes(513)}, "at most 512 bytes")
    broken = ask["reserve-next"] | {1: codec.encode(DECLARED | {5: 0})}
    why = "a threshold of 0 inside"
    yield bad("reserve-next-bad-declaration", "reserve-next", broken, why, "BAD_DECLARATION", "good")
    yield bad("reserve-next-while-pairing", "wipe", ask["reserve-next"], "for a session only", "UNKNOWN_OP")
    yield bad("retire-short-generation", "retire", ask["retire"] | {2: bytes(31)}, "a generation has 32 bytes")
    yield bad("retire-no-generation", "retire", without(ask["retire"], 2), "field 2 is missing")
    yield bad("retire-number", "retire", ask["retire"] | {2: 1}, "a generation is bytes")
    yield bad("un-retire-short-id", "un-retire", ask["un-retire"] | {1: ID[:15]}, "an id has 16 bytes")
    yield bad("un-retire-long-generation", "un-retire", ask["un-retire"] | {2: bytes(33)}, "a generation has 32 bytes")
    yield bad("destroy-unknown-field", "destroy", ask["destroy"] | {2: OLD_GENERATION}, "there is no field 2")
    yield bad("destroy-in-the-clear", "info", ask["destroy"], "only info and identify are", "UNKNOWN_OP")
    yield bad("audit-from-nought", "audit", ask["audit"] | {1: 0}, "entries count from 1")
    yield bad("audit-too-far", "audit", ask["audit"] | {1: 2**32}, "a number has four bytes")
    yield bad("audit-no-number", "audit", without(ask["audit"], 1), "field 1 is missing")

    yield bad_reply("reply-no-status", "unlock", {1: "Safe A"}, "field 0 is missing")
    yield bad_reply("reply-true-status", "commit", {0: True}, "true is not a status")
    yield bad_reply("info-reply-no-serial", "info", without(REPLIES["info"], 4), "field 4 is missing")
    yield bad_reply("pairings-reply-no-name", "pairings", {0: 0, 1: [without(PAIRED[0], 2)]}, "field 2 is missing")
    yield bad_reply("pairings-reply-nine", "pairings", {0: 0, 1: PAIRED * 9}, "a token keeps at most 8")

    def lists(*entries: dict[int, Any]) -> dict[int, Any]:
        return {0: 0, 1: list(entries), 2: len(entries)}

    yield bad_reply("list-reply-bad-state", "list", lists(LISTED | {2: 6}), "the states are 1 to 5")
    yield bad_reply("list-reply-reserved", "list", lists(LISTED | {2: 0}), "a reservation is not listed")
    yield bad_reply("list-reply-no-size", "list", lists(without(LISTED, 3)), "field 3 is missing")
    yield bad_reply(
        "list-reply-empty-name", "list", lists(LISTED | {4: b""}), "a name is there or not; it is not empty"
    )
    yield bad_reply("list-reply-twice", "list", lists(LISTED, LISTED), "no id is listed twice", shape="good")
    yield bad_reply("open-reply-no-digest", "open", without(REPLIES["open"], 2), "field 2 is missing")
    yield bad_reply("open-reply-short-factor", "open", REPLIES["open"] | {4: bytes(31)}, "a factor has 32 bytes")
    yield bad_reply("open-reply-no-blob", "open", REPLIES["open"] | {1: 0}, "nothing that is empty is released")
    page = REPLIES["audit"]
    yield bad_reply("audit-reply-no-head", "audit", without(page, 2), "field 2 is missing")
    yield bad_reply("audit-reply-short-head", "audit", page | {2: bytes(31)}, "a hash has 32 bytes")
    yield bad_reply("audit-reply-from-nought", "audit", page | {3: 0}, "entries count from 1")
    yield bad_reply("audit-reply-too-long", "audit", page | {5: bytes(1056)}, "at most 32 entries")


# --- transfer ---------------------------------------------------------------------------------------------


def transfer() -> Iterator[Vector]:
    size, digest, other = 1000, DIGEST.hex(), hashlib.sha256(b"other").hexdigest()
    first, second = ID.hex(), fixed("another id", 16).hex()

    def do(event: str, status: str, state: str, **fields: Any) -> Vector:
        return {"do": event, **fields, "status": status, "state": state}

    def begin(status: str = "OK", state: str = "filling", **change: Any) -> Vector:
        return do("begin", status, state, **({"id": first, "size": size, "digest": digest, "offset": 0} | change))

    def chunk(offset: int, length: int, state: str = "filling", status: str = "OK", **detail: int) -> Vector:
        return do("chunk", status, state, offset=offset, length=length, **detail)

    def prepare(state: str = "prepared", status: str = "OK", **change: Any) -> Vector:
        return do("prepare", status, state, **({"id": first, "digest": digest} | change))

    def act(event: str, state: str, status: str = "OK", backup_id: str = first) -> Vector:
        return do(event, status, state, id=backup_id)

    def vector(name: str, comment: str, *events: Vector) -> Vector:
        return {"name": name, "comment": comment, "events": list(events), "expect": "ok"}

    def bad(name: str, reason: str, *events: Vector) -> Vector:
        expect = next(event["status"] for event in events if event["status"] != "OK")
        return vector(name, "a refusal changes nothing", *events) | {"expect": expect, "reason": reason}

    filled = (begin(), chunk(0, 600), chunk(600, 400, "whole"))
    committed = (*filled, prepare(), act("commit", "committed"))
    yield vector("straight", "the usual way", *committed, act("confirm", "confirmed"))
    again = (*filled, prepare(), prepare(), act("commit", "committed"), act("commit", "committed"))
    done = (act("confirm", "confirmed"), act("confirm", "confirmed"))
    yield vector("every-step-twice", "an answer was lost: repeat", begin(), begin(), *again[1:], *done)
    resumed = begin(offset=600)
    yield vector("resume", "after power loss the token says where to go on", resumed, chunk(600, 400, "whole"))
    yield vector("resume-whole", "all bytes had arrived", begin(state="whole", offset=1000), prepare())
    late = (*filled, begin(state="whole"), prepare(), begin(state="prepared"))
    yield vector("begin-late", "what is there stays", *late, act("commit", "committed"))
    anew = begin(id=second)
    yield vector("other-id", "another id starts from nothing", begin(), chunk(0, 600), anew, chunk(0, 600))
    gone = act("abort", "empty")
    yield vector("abort", "given up at any time before the commit", begin(), gone, *filled, gone, *late, gone, begin())
    yield vector("abort-too-late", "what is committed stays", *committed, act("abort", "committed"))

    yield bad("chunk-before-begin", "nothing has begun", chunk(0, 1, "empty", "BAD_STATE"))
    behind = chunk(0, 600, "filling", "BAD_OFFSET", detail=600)
    ahead = chunk(601, 1, "filling", "BAD_OFFSET", detail=600)
    yield bad("chunk-ahead", "a gap", begin(), chunk(0, 600), ahead, chunk(600, 400, "whole"))
    yield bad("chunk-repeated", "these bytes are there", begin(), chunk(0, 600), behind)
    yield bad("chunk-past-end", "1001 of 1000 bytes", begin(), chunk(0, 1001, "filling", "BAD_REQUEST"))
    yield bad("prepare-too-early", "bytes are missing", begin(), prepare("filling", "BAD_STATE"))
    yield bad("prepare-other-id", "no such transfer", *filled, prepare("whole", "NOT_FOUND", id=second))
    yield bad("prepare-bad-digest", "the flash kept other bytes", *filled, prepare("whole", "BAD_DIGEST", digest=other))
    yield bad("commit-unprepared", "nothing was read back", *filled, act("commit", "whole", "BAD_STATE"))
    yield bad("commit-other-id", "no such transfer", *filled, prepare(), act("commit", "prepared", "NOT_FOUND", second))
    yield bad("confirm-uncommitted", "nothing to confirm", *filled, act("confirm", "whole", "BAD_STATE"))
    refused = (begin("BAD_STATE", "committed", digest=other), act("confirm", "confirmed"))
    after = (*committed, *refused, begin("BAD_STATE", "confirmed", digest=other))
    yield bad("begin-committed", "it is there, with other content", *after)
    yield bad("begin-too-large", "above the limit", begin("BAD_REQUEST", "empty", size=wire.BLOB_MAX + 1))


# --- persisted --------------------------------------------------------------------------------------------

TAG_KEY, NAMES_KEY = fixed("tag key"), fixed("names key")
PIN, PIN_SALT = "483920", fixed("pin salt", 16)


def tag(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join([len(part).to_bytes(2, "big") + part for part in parts])
    return hmac_sha256(TAG_KEY, kind, b"\0", data)[:16]


TAGS = {
    "vault": tag(b"vault", DECLARED[1]),
    "party": tag(b"party", DECLARED[1], DECLARED[3].encode()),
    "generation": tag(b"generation", DECLARED[1], DECLARED[4]),
}
NEW = {
    0: 2,
    1: fixed("serial", 8),
    2: KEYS["token_static"],
    3: NAMES_KEY,
    4: TAG_KEY,
    5: wire.TOKEN_NEW,
    6: "",
    7: [],
    8: 0,
    9: [],
    10: [],
    11: [0, NO_HASH],
    12: [],
}
SLOT = [ID, FACTOR, wire.BACKUP_ACTIVE, TAGS["vault"], TAGS["party"], TAGS["generation"]]
READY = NEW | {
    5: wire.TOKEN_READY,
    6: "Safe A",
    7: [PIN_SALT, hmac_sha256(PIN_SALT, PIN.encode())],
    9: [[PSK_ID, PSK, "a computer"]],
    10: [SLOT],
    11: [4, HASHES[3]],
}
NEXT_SLOT = [
    fixed("another id", 16),
    fixed("another factor"),
    wire.BACKUP_NEXT,
    TAGS["vault"],
    TAGS["party"],
    tag(b"generation", DECLARED[1], fixed("next generation")),
]
MARKS = tag(b"generation", DECLARED[1], fixed("first generation"))[:8]
MARKS += tag(b"generation", DECLARED[1], fixed("second generation"))[:8]
RESHARED = READY | {10: [SLOT, NEXT_SLOT], 11: [6, HASHES[5]], 12: [[TAGS["vault"], MARKS]]}
LARGEST = READY | {
    6: "l" * wire.LABEL_MAX,
    8: wire.PIN_ATTEMPTS,
    9: [[fixed(f"psk id {n}", 8), fixed(f"psk {n}"), "n" * wire.LABEL_MAX] for n in range(wire.PAIRINGS_MAX)],
    10: [[fixed(f"id {n}", 16), fixed(f"factor {n}"), 4 if n else 0, *[bytes([n]) * 16] * 3] for n in range(18)],
    11: [2**32 - 1, HASHES[5]],
    12: [[bytes([n]) * 16, fixed(f"marks {n}", 8 * 4)] for n in range(16)],
}
LAYOUT_1 = {key: value for key, value in READY.items() if key < 11} | {0: 1}


def block(sequence: int, record: dict[int, Any]) -> bytes:
    payload = codec.encode(record)
    data = b"csk1" + sequence.to_bytes(4, "big") + len(payload).to_bytes(2, "big") + payload
    return data + hashlib.sha256(data).digest()


def keyarea() -> Iterator[Vector]:
    def vector(
        name: str, comment: str, a: bytes, b: bytes, active: str | None, record: dict[int, Any] | None, reason: str = ""
    ) -> Vector:
        value = None if record is None else codec.encode(record).hex()
        blocks = [a.hex(), b.hex()]
        after = {"A": [a.hex(), ""], "B": ["", b.hex()], None: blocks}[active]
        rule = "key-record-1" if record is not None and record[0] == 1 else "key-record"
        out: Vector = {"name": name, "comment": comment, "rule": rule, "blocks": blocks}
        out |= {"blocks_after": after, "record": value}
        return out | ({"expect": "damaged", "reason": reason} if reason else {"expect": "ok"})

    one, two = block(1, NEW), block(2, READY)
    yield vector("blank", "a chip that was never used", b"", b"", None, None)
    yield vector("new", "a token after its first power-up", one, b"", "A", NEW)
    yield vector("ready", "a token with a PIN, a pairing and a backup", b"", two, "B", READY)
    burnt = block(9, NEW | {5: wire.TOKEN_BURNT, 8: wire.PIN_ATTEMPTS})
    yield vector("burnt", "after the eighth wrong PIN", burnt, b"", "A", NEW | {5: wire.TOKEN_BURNT, 8: 8})
    reshared = "an ACTIVE and a NEXT backup, two retired generations, six entries in the ring"
    yield vector("reshared", reshared, block(7, RESHARED), b"", "A", RESHARED)
    burnt_after = NEW | {5: wire.TOKEN_BURNT, 8: wire.PIN_ATTEMPTS, 11: [6, HASHES[5]]}
    yield vector(
        "burnt-and-recorded", "the head of the ring outlives the keys", b"", block(8, burnt_after), "B", burnt_after
    )
    became = READY | {11: [0, NO_HASH]}
    old = "layout 1: read as layout 2 with an empty ring, and written so by the next change"
    yield vector("layout-1", old, b"", block(2, LAYOUT_1), "B", LAYOUT_1) | {"becomes": codec.encode(became).hex()}
    later = block(3, READY | {0: 3})
    reason = "layout 3 is of a later version: the token does not start, and touches nothing"
    unread = vector("layout-3", "a record of a later version", later, b"", "A", READY | {0: 3}, reason)
    yield without(unread, "rule") | {"expect": "unknown_layout"}
    yield vector("largest", "as much as the limits allow at once", block(2**32 - 1, LARGEST), b"", "A", LARGEST)
    yield vector("both-valid", "cut before the erase: the newer one counts, the older one goes", one, two, "B", READY)
    yield vector("larger-sequence", "sequences are numbers, not bytes", block(256, NEW), block(255, READY), "A", NEW)
    torn = two[:256]
    yield vector("torn", "cut after the first page", one, torn, "A", NEW, "the newer block is not whole")
    half = one[: len(one) // 2] + bytes(len(one) - len(one) // 2)
    yield vector("half-erased", "cut during the erase", half, two, "B", READY, "the older block is half erased")
    yield vector("bad-checksum", "one bit of the newer block", one, flip(two, 60), "A", NEW, "the checksum is wrong")
    long = two[:8] + b"\xff\xff" + two[10:]
    yield vector("bad-length", "a length past the end", one, long, "A", NEW, "the length is impossible")
    text = b"csk1" + (3).to_bytes(4, "big") + b"\x00\x01" + b"\x60"
    text += hashlib.sha256(text).digest()
    yield vector("not-a-record", "a good checksum over a text", one, text, "A", NEW, "the record is no map")
    yield vector(
        "nothing-left", "both are damaged: nothing is erased", flip(one, 60), torn, None, None, "no block is whole"
    )


def files() -> Iterator[Vector]:
    key = hkdf(b"", NAMES_KEY, b"coldshare/1 record" + ID, 32)
    sealed = A128cbcHs256(NativeAes(), key).encrypt(0, ID, DECLARATION)
    record = {"names_key": NAMES_KEY.hex(), "backup_id": ID.hex(), "key": key.hex(), "declaration": DECLARATION.hex()}
    path = "/r/" + ID.hex()
    yield {"name": "record", "comment": "a declaration at rest", **record, "path": path, "hex": sealed.hex()} | {
        "expect": "ok"
    }
    meta = codec.encode([ID, len(BLOB), DIGEST])
    comment = "the transfer under way"
    yield {"name": "staged-meta", "comment": comment, "rule": "staged-meta", "path": "/s/meta", "hex": meta.hex()} | {
        "expect": "ok"
    }
    tags = {name: value.hex() for name, value in TAGS.items()}
    inputs = {"tag_key": TAG_KEY.hex(), "declaration": DECLARATION.hex()}
    yield {"name": "tags", "comment": "what a slot says of a vault", **inputs, "tags": tags, "expect": "ok"}
    verifier = hmac_sha256(PIN_SALT, PIN.encode()).hex()
    pin = {"salt": PIN_SALT.hex(), "pin": PIN, "verifier": verifier}
    yield {"name": "pin", "comment": "what is kept of a PIN", **pin, "expect": "ok"}


# --- screens ----------------------------------------------------------------------------------------------


def screens() -> Iterator[Vector]:
    serial = bytes(range(wire.SERIAL_SIZE))
    number, backup_id = serial.hex(), (serial * 2).hex()
    declared = codec.encode({1: b"\x02", 2: "Savings", 3: "iPhone", 4: b"\xb2" * 32, 5: 2, 6: 3, 7: 2, 8: bytes(16)})
    older = (b"\xa1" * 32).hex()
    code = "ABCDE FGHIJ KLMNO PQRST"
    whose = ["Savings", "share of iPhone"]
    share = [*whose, "2 of 3 / gen b2b2b2b2"]
    damaged = ["(its name is damaged)", "backup 00010203"]

    def vector(name: str, when: str, screen: str, lines: list[str], waits: str | None = None, **given: Any) -> Vector:
        last = {"yes": ["Press YES or NO"], "held": ["HOLD YES 2 s, or NO"], None: []}[waits]
        out = {"name": name, "comment": when, "screen": screen, "given": given}
        return out | {"lines": lines + last, "waits": waits, "expect": "ok"}

    def idle(name: str, when: str, lines: list[str], state: int, label: str, left: int, serial: str = number) -> Vector:
        return vector(name, when, "idle", lines, state=state, label=label, serial=serial, left=left)

    def about(name: str, when: str, screen: str, lines: list[str], waits: str, **given: Any) -> Vector:
        """A question about a share."""
        return vector(name, when, screen, lines, waits, declared=declared.hex(), **given)

    def release(name: str, when: str, lines: list[str], purpose: int, state: int, named: bool = True) -> Vector:
        given = {"backup_id": backup_id, "declared": declared.hex() if named else None}
        return vector(name, when, "release", lines, "yes", **given, purpose=purpose, state=state)

    def destroy(name: str, when: str, lines: list[str], retired: bool, named: bool = True) -> Vector:
        given = {"backup_id": backup_id, "declared": declared.hex() if named else None}
        return vector(name, when, "destroy", lines, "held", **given, retired=retired)

    new, ready, burnt = wire.TOKEN_NEW, wire.TOKEN_READY, wire.TOKEN_BURNT
    yield idle("idle-new", "idle, new", ["coldshare", "not set up", number], new, "", 8)
    yield idle("idle-ready", "idle, ready", ["coldshare", "Safe A", number], ready, "Safe A", 8)
    lines = ["coldshare", "Safe A", number, "PIN attempts left: 6"]
    yield idle("idle-wrong-pins", "idle, after wrong PINs", lines, ready, "Safe A", 6)
    yield idle("idle-burnt", "idle, burnt", ["BURNT", "too many wrong PINs", "keys destroyed", number], burnt, "", 0)
    lines = ["KEYS LOST", "flash damaged", "sealed shares are left,", "the keys for them not"]
    yield idle("idle-lost", "idle, key area unreadable", lines, burnt, "", 0, bytes(8).hex())
    lines = ["HERE I AM", "Safe A", number]
    yield vector("identify", "`identify`", "identify", lines, label="Safe A", serial=number)
    lines = ["Pair? Compare:", "ABCDE FGHIJ", "KLMNO PQRST", "same on the computer?"]
    yield vector("compare", "third pairing message", "compare", lines, code=code)
    lines = ["Pair with a computer?", "ABCDE FGHIJ", "KLMNO PQRST"]
    yield vector("pair", "`pair-accept`", "pair", lines, "yes", code=code, host="a computer", burnt=False)
    lines = [*lines, "to copy sealed shares"]
    yield vector("pair-burnt", "`pair-accept`, burnt", "pair", lines, "held", code=code, host="a computer", burnt=True)
    yield vector("set-up", "`set-up`", "set-up", ["Set up this token?", "Safe A"], "yes", label="Safe A")
    lines = ["Try another PIN?", "4 attempts left", "then all keys go"]
    yield vector("another-try", "`unlock`, 4th try on", "another-try", lines, "yes", left=4)
    lines = ["Try another PIN?", "the LAST attempt:", "if wrong, all keys go"]
    yield vector("last-try", "`unlock`, last try", "another-try", lines, "yes", left=1)
    yield about("store", "`commit`", "store", ["Store this share?", *share], "yes", replaces=False)
    when = "`commit`, over one of the same generation"
    yield about("replace", when, "store", ["Replace this share?", *share], "yes", replaces=True)
    when = "`commit`, beside one of another generation"
    lines = ["Keep as NEWER?", *share, "newer than gen a1a1a1a1"]
    yield about("store-newer", when, "store-newer", lines, "yes", older=older, gone=[])
    lines = ["Keep as NEWER?", *share, "newer than gen (unknown)"]
    damaged_one = when + " whose record is damaged"
    yield about("store-newer-damaged", damaged_one, "store-newer", lines, "yes", older=None, gone=[])
    lines = ["Keep as NEWER?", *share, "newer than gen a1a1a1a1", "in place of gen c3c3c3c3"]
    third = when + ", and a third one goes"
    gone = [(b"\xc3" * 32).hex()]
    yield about("store-newer-replace", third, "store-newer", lines, "yes", older=older, gone=gone)
    verify, restore = wire.PURPOSE_VERIFY, wire.PURPOSE_RESTORE
    active = wire.BACKUP_ACTIVE
    yield release("verify", "`open` to verify", ["RELEASE to verify?", *share], verify, active)
    yield release("restore", "`open` to restore", ["RELEASE to restore?", *share], restore, active)
    lines = ["RELEASE to restore?", *share, "RETIRED: an old share"]
    yield release("restore-retired", "`open`, RETIRED", lines, restore, wire.BACKUP_RETIRED)
    yield release(
        "restore-damaged", "`open`, record damaged", ["RELEASE to restore?", *damaged], restore, active, named=False
    )
    lines = ["RELEASE to restore?", "sealed, its key is gone", "backup 00010203"]
    yield release("restore-keyless", "`open`, burnt", lines, restore, wire.BACKUP_KEYLESS, named=False)
    lines = ["New label?", "Safe B", "instead of Safe A"]
    yield vector("label", "`label`", "label", lines, "yes", old="Safe A", new="Safe B")
    yield vector("change-pin", "`change-pin`", "change-pin", ["Change the PIN?", "Safe A"], "yes", label="Safe A")
    lines = ["Forget computer?", "a computer", "pairing 00010203"]
    yield vector("unpair", "`unpair` one", "unpair", lines, "yes", host="a computer", psk_id=number)
    lines = ["Forget 3 computers?", "all but a computer"]
    yield vector("unpair-others", "`unpair` others", "unpair-others", lines, "yes", host="a computer", count=3)
    lines = ["RETIRE old share?", *whose, "old gen a1a1a1a1", "new gen b2b2b2b2"]
    yield about("retire", "`retire`", "retire", lines, "held", generation=older)
    lines = ["Take OLD share back?", *whose, "gen a1a1a1a1 counts again"]
    yield about("un-retire", "`un-retire`", "un-retire", lines, "held", generation=older)
    lines = ["DESTROY this share?", *share, "backup 00010203"]
    yield destroy("remove", "`remove`", lines, False)
    yield destroy("remove-damaged", "`remove`, record damaged", ["DESTROY this share?", *damaged], False, named=False)
    yield destroy("destroy", "`destroy`", ["DESTROY old share?", *share, "backup 00010203"], True)
    lines = ["WIPE this token?", "Safe A", "2 shares", "and all keys go"]
    yield vector("wipe", "`wipe`, ready", "wipe", lines, "held", state=ready, label="Safe A", shares=2)
    lines = ["WIPE this token?", "not set up", "0 shares", "and all keys go"]
    yield vector("wipe-new", "`wipe`, new", "wipe", lines, "held", state=new, label="", shares=0)
    lines = ["WIPE this token?", "burnt", "1 share", "and all keys go"]
    yield vector("wipe-burnt", "`wipe`, burnt", "wipe", lines, "held", state=burnt, label="", shares=1)


def beside(kind: str) -> Callable[[], Iterator[Vector]]:
    """The vectors of a kind that has a module of its own next to this one."""
    make: Callable[[], Iterator[Vector]] = runpy.run_path(str(Path(__file__).with_name(f"{kind}_vectors.py")))[kind]
    return make


KINDS: dict[str, Callable[[], Iterator[Vector]]] = {
    "frames": frames,
    "cbor": cbor,
    "suite": suite,
    "noise": noise,
    "messages": messages,
    "declaration": declaration,
    "transfer": transfer,
    "keyarea": keyarea,
    "files": files,
    "screens": screens,
    "policy": beside("policy"),
    "audit": beside("audit"),
}


def vectors() -> dict[str, str]:
    """Every file, by its path below the folder."""
    out: dict[str, str] = {}
    for kind, make in KINDS.items():
        for vector in make():
            path = f"{kind}/{vector['name']}.json"
            if path in out:
                raise ValueError(f"two vectors are called {path}")
            out[path] = json.dumps({"kind": kind, **vector}, indent=1, ensure_ascii=False) + "\n"
    return out


def main() -> None:
    made = vectors()
    for old in FOLDER.glob("*/*.json"):
        if old.relative_to(FOLDER).as_posix() not in made:
            old.unlink()
    for path, text in made.items():
        file = FOLDER / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    print(f"{len(made)} vectors")


if __name__ == "__main__":
    main()
