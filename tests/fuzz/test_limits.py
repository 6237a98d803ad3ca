"""Every parser has an end: one byte more is refused before anything is made of it, one less is looked at."""

from __future__ import annotations

import hashlib
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from coldshare.device.address import _TEXT_MAX, Address
from coldshare.device.errors import AddressError
from coldshare.device.pairings import PairingsError, PairingStore
from coldshare.errors import ColdshareError
from coldshare.export_index import ExportIndex, ExportIndexError
from coldshare.recovery import RecoveryCode, RecoveryCodeFormError
from coldshare.reshare.errors import ReportError
from coldshare.reshare.report import TEXT_MAX
from coldshare.reshare.report import read as read_report
from coldshare.seal import KdfCostError, KdfParams, SealTooLargeError, parse, profile, unpack
from coldshare.seal.content import _TREE_MAX, _deflate
from coldshare.seal.padding import pad
from coldshare.vault import MAX_FILE_SIZE, open_archive, read_share
from coldshare.vault.errors import ArchiveTooLargeError, FileTooLargeError
from coldshare.vault.limits import MAX_ARCHIVE_ENTRIES, MAX_ARCHIVE_SIZE
from coldshare_firmware import cbor, request
from coldshare_firmware.cbor import CborError
from coldshare_firmware.declaration import Declaration as TokenDeclaration
from coldshare_firmware.person import OpError
from coldshare_iface import codec, stream, wire
from coldshare_iface.codec import CodecError
from coldshare_iface.errors import ReplyError
from coldshare_iface.framing import Assembler, FrameError
from coldshare_iface.messages import Declaration, decode_reply
from support.client import declaration

CID = b"\x00\x00\x00\x01"


def _bstr(size: int) -> bytes:
    """CBOR of so many bytes in all: a byte string, its head included."""
    return codec.encode(bytes(size - 3), limit=1 << 30)


def _declared(size: int) -> bytes:
    """A declaration of so many bytes; too many of them are its nonce, whose length takes two bytes then."""
    return declaration(nonce=bytes(size - 2 - len(declaration(nonce=b""))))


def _zipped(count: int) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(f"{number}.vult"), b"x")
    return file.getvalue()


def _announce(size: int) -> bytes:
    return (CID + bytes((0x80 | wire.CMD_PING,)) + size.to_bytes(2, "big")).ljust(wire.REPORT_FS, b"\0")


def _content(inflated: int) -> bytes:
    """A content that says it inflates to so much, and does."""
    tree = codec.encode([bytes(inflated - 6)], limit=inflated)
    fields = {1: 1, 2: 1, 3: _deflate(tree), 4: inflated, 5: inflated - 6, 6: bytes(32), 7: b"", 8: {}}
    return pad(codec.encode(fields, limit=profile.PLAINTEXT_MAX))


def _stream(size: int) -> None:
    frames = stream.Frames(1, stream.HELLO_MAX)
    frames.feed(size.to_bytes(2, "big"))
    frames.next()


def _chunk(size: int) -> object:
    return request.fields({0: wire.OP_CHUNK, 1: 0, 2: bytes(size)})


#: What is parsed, how it is made of a size, what refuses it, and with which error (and words, where others share it).
LIMITS: dict[str, tuple[int, Callable[[int], Any], Callable[[Any], object], type[Exception], str]] = {
    "message": (wire.MESSAGE_MAX, _announce, lambda one: Assembler().feed(one), FrameError, "longer than"),
    "served stream": (stream.HELLO_MAX, lambda size: size, _stream, stream.StreamError, "a length"),
    "CBOR, host": (codec.LIMIT, _bstr, codec.decode, CodecError, "too long"),
    "CBOR, token": (codec.LIMIT, _bstr, cbor.decode, CborError, "size"),
    "reply": (codec.LIMIT, _bstr, decode_reply, ReplyError, r"\(size"),
    "declaration, host": (wire.DECLARATION_MAX, _declared, Declaration.decode, ReplyError, r"\(size"),
    "declaration, token": (wire.DECLARATION_MAX, _declared, TokenDeclaration, ValueError, "too long"),
    "chunk": (request.CHUNK, lambda size: size, _chunk, OpError, ""),
    "sealed file": (profile.SEALED_MAX, bytes, parse, SealTooLargeError, "a sealed file has at most"),
    "sealed content": (profile.PLAINTEXT_MAX, bytes, unpack, SealTooLargeError, "The content has"),
    "inflated content": (_TREE_MAX, _content, unpack, SealTooLargeError, "inflates to"),
    "Argon2id": (1 << 20, lambda size: KdfParams(size, 1, 1), KdfParams.check_read, KdfCostError, ""),
    "vault file": (MAX_FILE_SIZE, bytes, read_share, FileTooLargeError, ""),
    "zip": (MAX_ARCHIVE_SIZE, bytes, open_archive, ArchiveTooLargeError, ""),
    "entries of a zip": (MAX_ARCHIVE_ENTRIES, _zipped, open_archive, ArchiveTooLargeError, ""),
    "recovery code": (256, lambda size: "-" * size, RecoveryCode.parse, RecoveryCodeFormError, "too long"),
    "report": (TEXT_MAX, lambda size: b" " * size, read_report, ReportError, "too long to be a report"),
    "address": (_TEXT_MAX, lambda size: "sim:".ljust(size, "a"), Address.parse, AddressError, "at most"),
}


@pytest.mark.parametrize("what", LIMITS)
def test_one_more_is_refused_and_costs_nothing(what: str) -> None:
    limit, made, parser, error, says = LIMITS[what]
    data = made(limit + 1)
    tracemalloc.start()
    try:
        with pytest.raises(error, match=says or None):
            parser(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Inflating, copying or decoding what is too large would show; importing what is needed for it is about this much.
    assert peak < 400_000


@pytest.mark.parametrize("what", LIMITS)
def test_what_is_at_the_limit_is_looked_at(what: str) -> None:
    limit, made, parser, error, says = LIMITS[what]
    try:
        parser(made(limit))
    except (ColdshareError, CborError, ValueError) as refused:
        # For another reason than its size.
        assert type(refused) is not error or (says and not re.search(says, str(refused)))


@pytest.mark.parametrize(
    ("size", "use", "error"),
    [
        (1 << 20, lambda path: PairingStore(path).all(), PairingsError),
        (4 << 20, lambda path: ExportIndex(path).files(bytes(16)), ExportIndexError),
    ],
    ids=["pairing store", "export index"],
)
def test_files_of_ours_have_an_end(
    size: int, use: Callable[[Path], object], error: type[ColdshareError], tmp_path: Path
) -> None:
    path = tmp_path / "file.json"
    known = '{"format": 1, "pairings": [], "backups": [], "key": "' + hashlib.sha256(b"").hexdigest() + '"}'
    path.write_text(known.ljust(size))
    assert use(path) in ([], ())
    path.write_text(known.ljust(size + 1))
    with pytest.raises(error):
        use(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # nothing of it is on the disk, and it is not read either
    with pytest.raises(error):
        use(path)
