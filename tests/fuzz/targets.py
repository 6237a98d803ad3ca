"""Every target, with what the fuzzer should know about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fuzz import (
    ledger_targets,
    place_targets,
    reshare_targets,
    seal_targets,
    text_targets,
    token_targets,
    usb_targets,
    vault_targets,
    wire_targets,
)

CORPUS = Path(__file__).with_name("corpus")

#: Heads of CBOR and short items that arbitrary bytes seldom hit.
_CBOR = (
    "00 17 18ff 1900ff 1a0000ffff 1b00000000ffffffff 1bffffffffffffffff 20 38ff 3bffffffffffffffff 40 4161 58ff 60"
    " 6161 62c3a9 63eda080 64f09f988a 64f4908080 80 8100 9840 9841 9f a0 a10000 a2000100 b840 bf c0 d860 d81c f4 f5 f6"
    " f7 f8ff f93c00 fa fb ff"
)
CBOR_WORDS = tuple(bytes.fromhex(word) for word in _CBOR.split())
JSON_WORDS = (
    b'{"', b'"}', b'":', b'",', b"[", b"]", b"null", b"true", b"1e9", b"-1", b"\\u0000", b"\\ud800", b"\\u202e", b"NaN",
    b'"format": 1', b'"pairings"', b'"serial"', b'"psk_id"', b'"psk"', b'"label"', b'"key"', b'"backups"', b'"backup"',
    b'"vault"', b'"party"', b'"files"', b'"coldshare-sim"', b'"report_size"', b'"user"', b'"refused"',
)  # fmt: skip
LEDGER_WORDS = (b"coldshare-ledger 1\n", b"\nend 0 ", b"\r\n", b"pwABAVA", b"==")
REPORT_WORDS = (
    b"COLDSHARE:REPORT:1:",
    b"COLDSHARE:REPORT:2:",
    b"> ",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"=",
    b"\xa4\x00\x01\x01",
)
ZIP_WORDS = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b"\x01\x00")
VULT_WORDS = (
    b"\x08\x01\x12", b"\x18\x01", b"VLT\x02", b"CAES", b"secp256k1", b"ecdsa_local_data", b"eddsa_local_data", b"Ks",
    b"ShareID", b"BigXj", b"Coords", b"pubKeyECDSA", b"keyshares", b"signers", b"libType", b"createdAt",
)  # fmt: skip
TEXT_WORDS = (
    b"sim:", b"hid:", b"sim+tcp:", b"?user=", b"approve", b"127.0.0.1:", b"[::1]:", b"localhost:", b"%00", b"&", b"# ",
    b"# backup 00010203", b"\xe2\x80\x93", b"\xe2\x88\x92", b"0OIL1", b"\n",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """`run` takes any bytes, and raises when a property is broken and never else. `longest` bounds those bytes."""

    name: str
    run: Callable[[bytes], None] = field(repr=False)
    longest: int = 512
    words: tuple[bytes, ...] = field(default=(), repr=False)
    #: The input is one CBOR item, so that it can be changed item by item.
    is_cbor: bool = False
    #: Runs in `make test`: a slow target gets fewer.
    examples: int = 60

    @property
    def seeds(self) -> list[Path]:
        return sorted((CORPUS / self.name).iterdir())


TARGETS = {
    target.name: target
    for target in (
        Target("frames", wire_targets.frames),
        Target("stream", wire_targets.served_stream, words=JSON_WORDS),
        Target("cbor_host", wire_targets.cbor_host, 1024, CBOR_WORDS, is_cbor=True),
        Target("cbor_token", wire_targets.cbor_token, 1024, CBOR_WORDS, is_cbor=True),
        Target("cbor_both", wire_targets.cbor_both, 1024, CBOR_WORDS, is_cbor=True),
        Target("noise", wire_targets.noise, 256),
        Target("messages", wire_targets.messages, 640, CBOR_WORDS),
        Target("reports", token_targets.reports, 1024, examples=30),
        Target("requests", token_targets.requests, 1024, examples=30),
        Target("image", token_targets.image, examples=30),
        Target("link", token_targets.link),
        Target("replies", token_targets.replies, examples=30),
        Target("history", token_targets.history),
        Target("device", usb_targets.device, 1024, examples=30),
        Target("usb_ip", usb_targets.usb_ip, 1024, examples=30),
        Target("seal", seal_targets.seal, 1024, CBOR_WORDS, examples=40),
        Target("vult", vault_targets.vult, 1024, VULT_WORDS, examples=40),
        Target("archive", vault_targets.archive, 1024, ZIP_WORDS, examples=40),
        Target("recovery", text_targets.recovery, words=TEXT_WORDS),
        Target("address", text_targets.address, words=TEXT_WORDS),
        Target("pairings", text_targets.pairings, 1024, JSON_WORDS),
        Target("exports", text_targets.exports, 1024, JSON_WORDS),
        Target("ledger", ledger_targets.event, 1024, CBOR_WORDS, is_cbor=True, examples=40),
        Target("ledger_file", ledger_targets.exported, 1024, LEDGER_WORDS),
        Target("reshare_report", reshare_targets.report, 1024, CBOR_WORDS, is_cbor=True, examples=40),
        Target("reshare_file", reshare_targets.report_file, 1536, REPORT_WORDS),
        Target("place", place_targets.place, 256, examples=40),
    )
}
