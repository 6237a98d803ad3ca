"""Where the fuzzer starts: `python -m fuzz.seeds` writes `corpus/` anew from our vectors and from made-up vaults.

Files whose names begin with `found-` are inputs that once broke a target. They stay.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from zipfile import ZipInfo

from coldshare.ledger import interchange
from coldshare.ledger.shapes import pack as packed
from coldshare.recovery import RecoveryCode
from coldshare.reshare.report import Signed
from coldshare.reshare.report import text as report_text
from coldshare.seal import pack
from coldshare.seal.padding import unpad
from coldshare_iface import codec, framing, stream, wire
from fuzz import seal_targets, token_targets, wire_targets
from fuzz.targets import CORPUS, TARGETS
from ledger.samples import BODIES, UNKNOWN
from ledger.samples import event as ledger_event
from reshare.story import reports, two
from vault.zips import zipped

VECTORS = Path(codec.__file__).with_name("vectors")
#: Files of one target, so that the corpus stays small.
MOST = 20

Seeds = dict[str, bytes]


def _vectors(kind: str, *names: str) -> list[dict[str, Any]]:
    """The vectors of a kind, or those of these names."""
    paths = [VECTORS / kind / f"{name}.json" for name in names] or sorted((VECTORS / kind).glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _number(value: int, width: int = 1) -> bytes:
    return value.to_bytes(width, "big")


def _string(data: bytes) -> bytes:
    return _number(len(data)) + data


def _frames() -> Seeds:
    """Report by report, as the script of the target has them: 0, 0 and a string."""
    return {
        vector["name"]: _number(wire_targets.SIZES.index(vector["report_size"]))
        + b"".join(b"\0\0" + _string(bytes.fromhex(report)) for report in vector["reports"])
        for vector in _vectors("frames")
        if vector["report_size"] == wire.REPORT_FS and len(vector["reports"]) <= 5
    } | {"long": bytes.fromhex("00 01 00 ff") + bytes(range(255)) + bytes.fromhex("1c 40 00")}


def _stream() -> Seeds:
    hello = stream.Hello(64, "approve").encode()
    frames = stream.frame(hello) + stream.frame(bytes(64)) + stream.frame(b"")
    return {
        "frames": _number(1024, 2) + b"\x07" + frames,
        "hello": _number(1024, 2) + b"\xff" + hello,
        "refused": _number(1024, 2) + b"\x01" + stream.Hello(1024, None, "busy").encode(),
        "short": _number(10, 2) + b"\x01" + frames,
    }


def _cbor() -> Seeds:
    seeds = {
        vector["name"]: bytes.fromhex(vector["hex"])
        for vector in _vectors("cbor")
        if vector["name"] not in ("empty", "tag", "float", "too-long", "first-fault-wins") and len(vector["hex"]) < 800
    }
    return seeds | {"not-utf8": bytes.fromhex("83 63e08080 64f0808080 63eda080")}


def _noise() -> Seeds:
    """Each message that crosses, as it is and with a byte changed."""
    seeds = {}
    for number, (_, message, event, _) in enumerate(wire_targets._channels()):
        name = f"{number}-{event}"
        # Its last byte, so that nothing but a tag is wrong.
        seeds[f"{name}-changed"] = _number(number) + b"\1\1\0\1\1\1\1x"
        if message and number % 2:
            seeds[name] = _number(number) + b"\1\0\0"
        elif number in (0, 2, 5):
            seeds[f"{name}-payload"] = _number(number) + b"\3\3pay"
    return seeds


def _messages() -> Seeds:
    names = (
        *(
            "info-reply",
            "list-reply",
            "pairings-reply",
            "open-reply",
            "reserve-reply",
            "error-reply-pin",
            "chunk-reply",
        ),
        *("reserve-request", "begin-request", "chunk-request", "unlock-request", "info-request", "unpair-request"),
    )
    seeds = {name: _vectors("messages", name)[0] for name in names}
    for name in ("usual", "most", "turned-name"):
        seeds[f"declaration-{name}"] = _vectors("declaration", name)[0]
    listed = codec.decode(bytes.fromhex(seeds["list-reply"]["hex"]))
    assert isinstance(listed, dict)
    backup: Any = listed[1]
    return {name: b"\0" + bytes.fromhex(vector["hex"]) for name, vector in seeds.items()} | {
        "backup": b"\0" + codec.encode(backup[0]),
        "made": bytes([2 | 4 | 8 << 3]) + bytes([0x41, 1, 7, 0x42, 2, 65, 66, 5, 0x45, 1, 2, 3]),
    }


def _reports() -> Seeds:
    """Commands on the channel of a host, each a whole message and two looks for the answer."""

    def said(*steps: tuple[int, int, bytes]) -> bytes:
        return b"\0" + b"".join(
            b"\2" + _number(cid) + _number(cmd) + _string(body) + b"\0\2" for cid, cmd, body in steps
        )

    info = codec.encode({0: wire.OP_INFO})
    shaken = bytes(range(32))
    return {
        "ping": said((0, wire.CMD_PING, b"ping")),
        "init": said((3, wire.CMD_INIT, bytes(8)), (1, wire.CMD_PLAIN, info)),
        "plain": said((0, wire.CMD_PLAIN, info), (0, wire.CMD_PLAIN, codec.encode({0: wire.OP_IDENTIFY}))),
        "pair": said((0, wire.CMD_PAIR, shaken), (0, wire.CMD_PAIR, shaken * 3)),
        "session": said((0, wire.CMD_SESSION, shaken * 2 + bytes(8))),
        "record": said((0, wire.CMD_RECORD, bytes(64)), (0, wire.CMD_CANCEL, b"")),
        "late": b"\0" + b"\2\0\1" + _string(b"x" * 100) + b"\2\0" + b"\1\xff\3",
    }


def _requests() -> Seeds:
    """Operations with fields that fit: the person's answer, the op, a byte, then 25 bytes for each field."""

    def step(op: int, *fields: bytes, answer: int = 0) -> bytes:
        head = _number(answer) + _number(op) + b"\1"
        usual = token_targets._USUAL.get(op, ((0,),) * len(fields))
        if len(usual) == len(fields):
            return head + b"\1" + b"".join(field.ljust(25, b"\0") for field in fields)
        return head + b"\0" + _number(len(fields)) + b"".join(fields)

    mine, reserved, fresh = b"\0\0", b"\0\1", b"\0\4"
    size, digest = b"\0\5", b"\0"
    everything, rest = (b"\0" + _number(start) + _number(len(token_targets._KEPT), 2) for start in (0, 1))
    whole = [
        step(wire.OP_BEGIN, reserved, size, digest),
        step(wire.OP_CHUNK, b"\0\4", rest),
        step(wire.OP_PREPARE, reserved),
        step(wire.OP_COMMIT, reserved),
        step(wire.OP_CONFIRM, reserved),
    ]
    return {
        "transfer": b"\0" + b"".join(whole),
        "early": b"\0" + b"".join(reversed(whole)),
        "abort": b"\0" + whole[0] + step(wire.OP_ABORT, reserved) + b"".join(whole[1:3]),
        "reserve": b"\0" + step(wire.OP_RESERVE, b"\1") + step(wire.OP_BEGIN, fresh, size, digest),
        "reshared": b"\0"
        + step(wire.OP_RESERVE_NEXT, b"\2\1")
        + step(wire.OP_BEGIN, fresh, size, digest)
        + step(wire.OP_CHUNK, b"\0\0", everything)
        + step(wire.OP_PREPARE, fresh)
        + step(wire.OP_COMMIT, fresh, answer=4)
        + step(wire.OP_CONFIRM, fresh)
        + step(wire.OP_RETIRE, fresh, b"\0\0")
        + step(wire.OP_UN_RETIRE, fresh, b"\0\0")
        + step(wire.OP_DESTROY, mine, answer=4)
        + step(wire.OP_AUDIT, b"\0\1"),
        "read": b"\0" + step(wire.OP_OPEN, mine, b"\0\1") + step(wire.OP_READ, mine, b"\0\0"),
        "remove": b"\0" + step(wire.OP_REMOVE, mine, answer=4) + step(wire.OP_LIST, b"\2\0\0"),
        "pins": b"\6" + b"".join(step(wire.OP_UNLOCK, _number(0) + _number(pin)) for pin in (1, 1, 0, 1, 1, 1)),
        "manage": b"\0"
        + step(wire.OP_PAIRINGS)
        + step(wire.OP_LABEL, b"\0\2")
        + step(wire.OP_CHANGE_PIN, b"\0\0", b"\0\3")
        + step(wire.OP_UNPAIR, b"\0\3", b"\0\1"),
        "wipe": b"\7" + step(wire.OP_WIPE, answer=4),
        "pair": b"\7" + _number(0) + _number(wire.OP_PAIR_ACCEPT) + b"\1\0\1\1\2",
        "locked": b"\6" + b"".join(whole),
    }


def _image() -> Seeds:
    """One piece of damage each: to a block of the key area, or to a file by its number."""
    edit = b"\1\0\5\0\1\1x"
    files = len(token_targets._ready(wire.REPORT_HS)[0].board.kept.files)
    return {
        "keys-0": b"\0\0\0" + edit,
        "keys-1": b"\0\0\1" + edit,
        "both-keys": b"\1\0\0" + edit + b"\0\1" + edit,
        **{f"file-{number}": b"\0\1" + _number(number) + b"\2" + edit for number in range(files)},
        **{f"gone-{number}": b"\0\1" + _number(number) + b"\0" for number in range(files)},
        "stray": b"\0\1\0\1\4\5stray",
    }


def _link() -> Seeds:
    return {
        "answer": b"\3\0" + _string(b"pong") + b"\0" + b"\3\1" + _string(b"record") + b"\0",
        "keepalives": b"\2\1\2\2\1\2\1" + b"\3\0" + _string(b"pong") + b"\0",
        "error": b"\3\2" + _string(b"\x06") + b"\0\3\2" + _string(b"\xf0") + b"\0",
        "raw": b"\0\0" + _string(framing.split(b"\0\0\0\1", wire.CMD_PING, b"raw")[0]),
    }


def _replies() -> Seeds:
    """For each thing that a client can ask: a failure, an empty success, and one with the usual fields."""
    return {
        f"{number:02}": _number(number) + b"\x12\1" + _number(number) + b"\1\1\1\2" + b"\x0a\1\3\1" + b"\x07\x06\0"
        for number in range(len(token_targets._ASK))
    }


def _setup(kind: int, request: int, value: int = 0, index: int = 0, length: int = 0) -> bytes:
    return struct.pack("<BBHHH", kind, request, value, index, length)


#: What a computer asks a new device.
_ASKED = (
    _setup(0x80, 6, 0x0100, 0, 18),
    _setup(0x80, 6, 0x0F00, 0, 5),
    _setup(0x80, 6, 0x0200, 0, 9),
    _setup(0x80, 6, 0x0303, 0x0409, 255),
    _setup(0x00, 9, 1),
    _setup(0x81, 6, 0x2200, 0, 255),
)


def _device() -> Seeds:
    """Step by step, as the script of the target has them."""
    init = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, bytes(range(8)))[0]
    frame = b"\1\1\3\x08" + bytes(range(8)) + b"\0" + b"\0\1" + b"\0"
    report = b"\2\0" + _string(init)
    fetch_hid, fetch_bulk = b"\3\0\0\x40", b"\3\2\x40\0"
    asked = b"".join(b"\0\0" + setup for setup in _ASKED)
    halt, clear = b"\0\0" + _setup(0x02, 3, 0, 0x02), b"\0\0" + _setup(0x02, 1, 0, 0x02)
    half = b"\1\1\4\x40" + bytes(64) + b"\3" + b"\0\0" + b"\1\0\x80"
    return {
        "enumerated": b"\0\0" + asked,
        "hid": b"\0\1" + report + b"\5" + fetch_hid,
        "bulk": b"\0\1" + frame + b"\5" + fetch_bulk,
        "bulk-high": b"\1\1" + frame + b"\5" + fetch_bulk + fetch_bulk,
        "both": b"\0\1" + report + frame + b"\5\5" + fetch_bulk + fetch_hid,
        "halted": b"\0\1" + halt + frame + clear + frame + b"\5" + fetch_bulk,
        "half": b"\0\1" + half + clear + frame + b"\5" + fetch_bulk,
        "two-halves": b"\0\1" + half + half + b"\1\0\0" + b"\5" + fetch_bulk,
        "left-behind": b"\0\1" + frame + b"\5\4\xff\5" + fetch_bulk,
        "report-by-control": b"\0\1\0\0" + _setup(0x21, 9, 0x0200, 0, 64) + init + b"\5" + fetch_hid,
    }


def _usb_ip() -> Seeds:
    """A connection that begins with an operation, and ones on which URBs follow at once."""
    imported = struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1")
    asked = b"".join(b"\3\5" + bytes(4) + b"\0\xff" + b"\0" + setup for setup in _ASKED[:4])
    waits, unlink = b"\3\2" + bytes(4) + b"\0\x40" + bytes(9), b"\1\1"
    return {
        "list": bytes(3) + _string(struct.pack(">HHI", 0x0111, 0x8005, 0)),
        "import": bytes(3) + _string(imported),
        "in-pieces": bytes(3) + _string(imported[:7]) + b"\0" + _string(imported[7:]),
        "another-version": bytes(3) + _string(struct.pack(">HHI", 0x0106, 0x8005, 0)),
        "asked": b"\0\1" + asked,
        "unlinked": b"\1\1" + waits + unlink,
        "waits": b"\0\1" + waits * 3,
        "raw": b"\0\1\0" + _string(struct.pack(">12I", 1, 1, 0x10002, 1, 1, 0, 64, 0, 0, 0, 0, 0)),
    }


def _history() -> Seeds:
    """Rings of 10 entries: how many, the entries, what was seen, the oldest one kept, entries in a page, the pages."""
    ring = b"\x0a" + bytes(range(28)) * 10
    return {
        "new": ring + b"\0\0" + b"\0\7" + b"\0" * 9,
        "seen": ring + b"\4\1\1" + b"\0\7" + b"\0" * 9,
        "all-of-it": ring + b"\4\1\1" + b"\0\7" + b"\1" + b"\0" * 9,
        "cut-short": ring + b"\2\1\1" + b"\5\2" + b"\0" * 9,
        "another": ring + b"\x0b\1\1" + bytes(32) + b"\0\7" + b"\0" * 9,
        "rolled-back": ring + b"\4\1\0\0\x14" + b"\0\7" + b"\0" * 9,
        "changed": ring + b"\4\1\1" + b"\0\7" + b"\0\3\2\1\0\6\0\1\1x",
        "empty": b"\0" + b"\0\0" + b"\0\7" + b"\0",
    }


def _seal() -> Seeds:
    with seal_targets.cheap_passwords():
        files = seal_targets.sealed_files()
    plain = unpad(pack(b"a share", [b"a share"], declaration=b"d", record={1: "Vault"}))
    deflated = unpad(pack(b"ab" * 99, [b"ab" * 99], declaration=b"", record={}))
    return {
        **{f"file-{number}": b"\0" + file for number, file in enumerate(files)},
        "changed": b"\1\0\1" + _number(200, 2) + b"\0\1\1x",
        "content": b"\2" + plain,
        "deflated": b"\2" + deflated,
        "made": b"\3\3" + b"\1\1\3abc" * 3 + b"\0\0\0",
        "made-deflated": b"\3\2" + b"\1\1\3abc" * 2 + b"\1\0\0\0",
        "resealed": b"\4\0\0",
        "resealed-slot": b"\4\0\2\2" + bytes(16) + b"\0\0" + bytes(40) + b"\1",
        "resealed-costly": b"\4\0\2\1" + bytes(16) + b"\1\4\7\xff\xff\xff\3\4\0" + bytes(40) + b"\1",
        "rebuilt-header": b"\5\0\0\1\x4e\4\1",
        "resealed-kdf": b"\4\0\2\3" + bytes(16) + b"\1\3\1\0\0\3\4\0" + bytes(40) + b"\1",
    }


def _vult() -> Seeds:
    container = b"\x08\x01\x12"
    edits = b"\1" + _number(100, 2) + b"\0\1\1x"
    return {
        **{f"kind-{kind}": _number(kind) + bytes(8) for kind in range(10)},
        "encrypted": b"\x18" + b"\0" * 3,
        "raw": b"\0CAES",
        "container": b"\1" + container + b"\4AAAA\x18\x01",
        "message": b"\2" + b"\x0a\4name\x12\x02ab\x3a\4\x0a\0\x12\0",
        "message-edited": b"\3\0" + edits,
        "header": b"\4\1\0" + _number(100, 2) + b"\xff" + b"\1" + _number(40, 2) + b"\xff",
        "json": b"\6" + b"\1\1\1\1\0\3\1",
        "json-text": b"\7" + edits,
        "json-quote": b'\7\1\0\1\0\0\1"',
    }


def _archive() -> Seeds:
    first, second = ZipInfo("a.vult"), ZipInfo("b/b.vult")  # these were all made in 1980
    stored = zipped((first, b"one"), method=0)
    described = b"\3" + b"\6a.vult\0\1\4abcd\1\1" + b"\6b.vult\1\0\4abcd\1\1" + b"\5c/\0\0\0\3\0\0\0\0\0"
    return {
        "two": b"\0" + zipped((first, b"one"), (second, b"two" * 50)),
        "stored": b"\0" + stored,
        "checksum": b"\0" + stored.replace(b"one", b"two"),
        "nothing": b"\0" + zipped(),
        "described": b"\1" + described,
        "large": b"\1\1\1a\0\1\xff" + b"x" * 255 + b"\xff\0\0\0",
        "damaged": b"\1\1\1a\0\1\4abcd\1\1\0" + b"\1" + _number(20, 2) + b"\0\1\1\1",
    }


def _recovery() -> Seeds:
    code = RecoveryCode(bytes(range(20)))
    secret = code.secret
    return {
        "text": secret + b"\0" + code.text.encode(),
        "spaced": secret + b"\0" + " ".join(code.groups).lower().encode(),
        "file": secret + b"\0" + code.file_text(bytes(range(16))).encode(),
        "edited": secret + b"\1\1" + _number(3, 2) + b"\0\1\1O",
        "file-edited": secret + b"\2\1" + _number(30, 2) + b"\0\0\3\xe2\x80\x93",
        "wrong": secret + b"\3\1\5\7\xff",
        "swapped": secret + b"\3\0\6",
    }


def _address() -> Seeds:
    texts = (
        *("sim:a.token", "sim:a.token?user=approve", "sim:a?user=reject&user=approve", "hid:0001", "usb:0001?x=1"),
        *("sim+tcp:127.0.0.1:7000", "sim+tcp:[::1]:65535?user=approve", "sim+tcp:10.0.0.1:1", "sim+unix:/tmp/s"),
        *("folder:/media/stick", "nothing:there", "sim", "sim:?user=approve", "sim:a?user=%61pprove"),
    )
    return {f"{number:02}": b"\0" + text.encode() for number, text in enumerate(texts)}


def _pairings() -> Seeds:
    entry = {"serial": "00" * 8, "psk_id": "11" * 8, "psk": "22" * 32}
    documents: Iterable[object] = (
        {"format": 1, "pairings": []},
        {"format": 1, "pairings": [entry]},
        {"format": 1, "pairings": [{**entry, "label": "Safe A"}, {**entry, "serial": "01" * 8}]},
        {"format": 1, "pairings": [entry, entry]},
        {"format": 2, "pairings": []},
        {"format": 1, "pairings": [{**entry, "psk": "22"}]},
        {"format": 1, "pairings": [{**entry, "label": "Safe\ud800\u202e"}]},
    )
    return {f"{number:02}": json.dumps(document).encode() for number, document in enumerate(documents)}


def _exports() -> Seeds:
    entry = {"backup": bytes(range(16)).hex(), "vault": "33" * 32, "party": "44" * 32, "files": ["/a/b.sealed"]}
    key = hashlib.sha256(b"key").hexdigest()
    documents: Iterable[object] = (
        {"format": 1, "key": key, "backups": []},
        {"format": 1, "key": key, "backups": [entry]},
        {"format": 1, "key": key, "backups": [entry, {**entry, "backup": "55" * 16, "files": []}]},
        {"format": 1, "key": key, "backups": [entry, entry]},
        {"format": 1, "key": "00", "backups": []},
        {"format": 1, "key": key, "backups": [{**entry, "files": [1]}]},
        {"format": 1, "key": key, "backups": [{**entry, "files": ["\ud800\0"]}]},
    )
    return {f"{number:02}": json.dumps(document).encode() for number, document in enumerate(documents)}


def _place() -> Seeds:
    """Scripts of `place_targets`: a folder, what is changed in it, strangers, and what is done then."""
    scripts = {
        "mended": "00 01 00 01 00 00 00 00",
        "copied together": "00 01 00 04 03 00 00 00 01 01 01 00",
        "forged": "01 02 00 05" + "07" * 16 + "00 00 00 00 01 01 01 00 02 01 00 00 00 00",
        "an index of somebody": "02 01 00 06 00 02" + "07" * 40 + "00 01 01 05",
        "stored": "00 00 00 00 00 01 02 01 01 01",
        "removed": "01 00 00 00 00 02 01",
        "retired": "01 00 00 00 00 03 01 01",
        "strangers": "02 00 01 03 61 62 63 01 00 01 02 61 62 00",
    }
    return {name.replace(" ", "_"): bytes.fromhex(text) for name, text in scripts.items()}


def _ledger() -> Seeds:
    names = (
        *("host_named", "vault_seen", "share_handled", "place_described", "place_wiped", "vault_extras"),
        *("backup_stored", "backup_state", "backup_verified", "drill_result", "reshare_started", "reshare_reported"),
    )
    bodies = {body.name: body for body in BODIES}
    made = {name: ledger_event(bodies[name], 100).encode() for name in names}
    return {**made, "unknown": ledger_event(UNKNOWN, 100).encode()}


def _ledger_file() -> Seeds:
    bodies = {body.name: body for body in BODIES}
    one, two = ledger_event(bodies["place_lost"], 1), ledger_event(bodies["device_lost"], 2)
    made = {
        f"{number:02}": interchange.encode(events) for number, events in enumerate(([], [one], [one, two], [one, one]))
    }
    crlf = made["01"].replace(b"\n", b"\r\n")
    return {**made, "crlf": crlf, "cut": made["02"][:-20], "later": b"coldshare-ledger 2\n"}


def _signed() -> list[Signed]:
    old, new = two()
    return reports(new, old.generation)


def _report() -> Seeds:
    """What a computer signs: the reports of a 2-of-3 vault."""
    return {one.report.party: codec.encode(packed(one.report)) for one in _signed()}


def _report_file() -> Seeds:
    one, two_, _ = _signed()
    line = report_text(one)
    quoted = "".join(f"> {line[at : at + 76]}\r\n" for at in range(0, len(line), 76))
    return {
        "bytes": one.data,
        "text": line.encode(),
        "lower": line.lower().encode(),
        "quoted": quoted.encode(),
        "mark": b"\xef\xbb\xbf" + report_text(two_).encode() + b"\r\n",
        "cut": line[:-1].encode(),
        "later": line.replace(":1:", ":2:")[:60].encode(),
    }


MAKERS: dict[str, Callable[[], Seeds]] = {
    "frames": _frames,
    "stream": _stream,
    "cbor_host": _cbor,
    "cbor_token": _cbor,
    "cbor_both": _cbor,
    "noise": _noise,
    "messages": _messages,
    "reports": _reports,
    "requests": _requests,
    "image": _image,
    "link": _link,
    "replies": _replies,
    "device": _device,
    "usb_ip": _usb_ip,
    "history": _history,
    "seal": _seal,
    "vult": _vult,
    "archive": _archive,
    "recovery": _recovery,
    "address": _address,
    "pairings": _pairings,
    "exports": _exports,
    "ledger": _ledger,
    "ledger_file": _ledger_file,
    "reshare_report": _report,
    "reshare_file": _report_file,
    "place": _place,
}


def seeds(name: str) -> Seeds:
    """The seeds of one target, by file name."""
    made = MAKERS[name]()
    longest = TARGETS[name].longest
    return {file: data for file, data in sorted(made.items())[:MOST] if len(data) <= longest}


def main() -> None:
    for name in TARGETS:
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if not path.name.startswith("found-"):
                path.unlink()
        for file, data in seeds(name).items():
            (folder / file).write_bytes(data)


if __name__ == "__main__":
    main()
