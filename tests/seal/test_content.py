"""What is inside: the tree gives the file back byte for byte, or nothing is made and nothing is returned."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.errors import ColdshareError
from coldshare.seal import (
    DamagedSealError,
    RebuildError,
    SealTooLargeError,
    UnsupportedSealError,
    content,
    pack,
    rebuild,
    unpack,
)
from coldshare.seal.padding import pad, padme, unpad
from coldshare_iface import codec
from coldshare_iface.codec import CodecError


def _b64(data: bytes) -> bytes:
    return base64.b64encode(data)


# --- the tree --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], b""),
        ([b"a", b"b"], b"ab"),
        ([[b"a"]], b"YQ=="),
        ([[]], b""),
        ([b"<", [b"a", b"b"], b">"], b"<YWI=>"),
        ([[b"x", [b"y", [b"z"]]]], _b64(b"x" + _b64(b"y" + _b64(b"z")))),
        ([[[[[b"deep"]]]]], _b64(_b64(_b64(_b64(b"deep"))))),
    ],
)
def test_rebuild(parts: list[Any], expected: bytes) -> None:
    assert rebuild(parts) == expected


def test_rebuild_is_bounded_in_depth_and_size() -> None:
    with pytest.raises(DamagedSealError, match="more than 4 layers"):
        rebuild([[[[[[b"deeper"]]]]]])
    shared = bytes(1 << 20)
    assert len(rebuild([shared] * 16)) == 16 << 20
    too_large: list[Any] = [[shared] * 16 + [b"!"], [[shared] * 13], [[[[[shared] * 6]]]]]
    for parts in too_large:
        with pytest.raises(SealTooLargeError, match="more than 16777216 bytes"):
            rebuild(parts)


_trees = st.recursive(
    st.lists(st.binary(max_size=20), max_size=4), lambda inner: st.lists(st.binary(max_size=9) | inner, max_size=4)
)


def _layers(parts: Any) -> int:
    return 1 + max((_layers(part) for part in parts), default=0) if isinstance(parts, list) else 0


@settings(deadline=None)
@given(_trees.filter(lambda parts: _layers(parts) <= 5), st.binary(max_size=30), st.binary(max_size=30))
def test_whatever_the_tree_it_comes_back(parts: list[Any], declaration: bytes, name: bytes) -> None:
    original = rebuild(parts)
    back = unpack(pack(original, parts, declaration=declaration, record={1: name, 2: [None, True]}))
    assert (back.original, back.declaration, back.record) == (original, declaration, {1: name, 2: [None, True]})


# --- pack ------------------------------------------------------------------------------------------------


def test_a_nested_file_takes_the_room_of_its_innermost_bytes() -> None:
    share = os.urandom(40_000)
    inner = b"\x0a" + _b64(share) + b"\x12"
    original = _b64(b"\x08\x01" + _b64(inner))
    packed = pack(original, [[b"\x08\x01", [b"\x0a", [share], b"\x12"]]], declaration=b"", record={})
    assert len(packed) < 0.45 * len(original)
    assert unpack(packed).original == original


def test_compression_only_when_the_sealed_file_gets_smaller() -> None:
    assert _fields(pack(b"a" * 5000, [b"a" * 5000], declaration=b"", record={}))[2] == 1
    noise = os.urandom(5000)
    assert _fields(pack(noise, [noise], declaration=b"", record={}))[2] == 0
    # Deflate saves a few bytes here, and the padding takes them back.
    mixed = os.urandom(5000) + bytes(20)
    assert _fields(pack(mixed, [mixed], declaration=b"", record={}))[2] == 0


@pytest.mark.parametrize(
    ("original", "parts"),
    [
        (b"a", [b"b"]),
        (b"a", []),
        (b"YQ==", [b"a"]),
        (b"YQ", [[b"a"]]),
        (b"YR==", [[b"a"]]),
        (b"YQ==\n", [[b"a"]]),
        (b"a", [[[[[[b"a"]]]]]]),
        (b"a", ["a"]),
        (b"a", [97]),
        (b"a", [None]),
        (b"a", [[[[[[[[[b"a"]]]]]]]]]),
        (b"a" * 257, [b"a"] * 257),
    ],
)
def test_pack_refuses_parts_that_do_not_give_the_original_back(original: bytes, parts: list[Any]) -> None:
    with pytest.raises(RebuildError) as refused:
        pack(original, parts, declaration=b"", record={})
    assert refused.value.code == "seal_rebuild"


def test_pack_looks_at_what_comes_back_and_not_at_what_went_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_deflate", lambda data: zlib.compress(bytes(len(data)), wbits=-15))
    with pytest.raises(RebuildError):
        pack(b"a" * 5000, [b"a" * 5000], declaration=b"", record={})


def test_pack_refuses_large_files() -> None:
    large = bytes((16 << 20) + 1)
    with pytest.raises(SealTooLargeError, match="16777217 bytes; at most 16777216"):
        pack(large, [large], declaration=b"", record={})
    noise = os.urandom(1 << 20)
    with pytest.raises(SealTooLargeError, match="in its most compact form; at most 1048576"):
        pack(noise, [noise], declaration=b"", record={})
    zeros = bytes(16 << 20)
    assert unpack(pack(zeros, [zeros], declaration=b"", record={})).original == zeros


def test_pack_refuses_a_record_outside_the_profile() -> None:
    for record in ({"name": 1}, {1: 1.5}, {-1: 0}):
        with pytest.raises(CodecError):
            pack(b"a", [b"a"], declaration=b"", record=record)  # type: ignore[arg-type]


# --- unpack ----------------------------------------------------------------------------------------------


def _fields(packed: bytes) -> dict[int, Any]:
    return codec.decode(unpad(packed), limit=1 << 20)  # type: ignore[return-value]


def _changed(**change: Any) -> bytes:
    fields = _fields(pack(b"share" * 100, [b"share" * 100], declaration=b"d", record={}))
    fields.update({int(key[1:]): value for key, value in change.items()})
    return pad(codec.encode({key: value for key, value in fields.items() if value != "gone"}, limit=1 << 20))


def _raw(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


TREE = codec.encode([b"share" * 100])


def test_the_unchanged_content_is_accepted() -> None:
    assert unpack(_changed()).original == b"share" * 100
    assert unpack(_changed(k2=0, k3=TREE)).original == b"share" * 100


@pytest.mark.parametrize("key", range(1, 9))
@pytest.mark.parametrize("value", ["gone", None, "text", -1, True, [b""]])
def test_unpack_refuses_a_missing_or_mistyped_field(key: int, value: object) -> None:
    with pytest.raises((DamagedSealError, UnsupportedSealError)):
        unpack(_changed(**{f"k{key}": value}))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"k9": 0}, id="one key more"),
        pytest.param({"k4": 1}, id="shorter than it inflates"),
        pytest.param({"k4": len(TREE) + 1}, id="longer than it inflates"),
        pytest.param({"k5": 499}, id="another original length"),
        pytest.param({"k6": bytes(32)}, id="another digest"),
        pytest.param({"k6": bytes(31)}, id="a short digest"),
        pytest.param({"k3": b""}, id="nothing to inflate"),
        pytest.param({"k3": _raw(TREE)[:-1]}, id="deflate cut off"),
        pytest.param({"k3": _raw(TREE) + b"\x00"}, id="bytes after deflate"),
        pytest.param({"k3": b"\xff" * 10}, id="no deflate"),
        pytest.param({"k3": zlib.compress(TREE)}, id="zlib wrapper"),
        pytest.param({"k3": _raw(b"\xf6"), "k4": 1}, id="null instead of parts"),
        pytest.param({"k3": _raw(b"\x81\x00"), "k4": 2}, id="an integer as part"),
        pytest.param({"k3": _raw(b"\x81\x60"), "k4": 2}, id="a text as part"),
        pytest.param({"k2": 0, "k3": TREE + b"\x00", "k4": len(TREE) + 1}, id="bytes after the parts"),
        pytest.param({"k2": 0, "k3": b"\x81" * 6 + b"\x40", "k4": 7}, id="five layers"),
        pytest.param({"k2": 0, "k3": b"\x81" * 9 + b"\x40", "k4": 10}, id="deeper than the codec goes"),
        pytest.param({"k8": []}, id="record is a list"),
    ],
)
def test_unpack_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(DamagedSealError) as refused:
        unpack(_changed(**change))
    assert refused.value.where == "content"


@pytest.mark.parametrize("change", [{"k1": 2}, {"k2": 2}])
def test_unpack_names_another_version_or_compression(change: dict[str, int]) -> None:
    with pytest.raises(UnsupportedSealError):
        unpack(_changed(**change))


def test_unpack_does_not_inflate_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = _raw(bytes(64 << 20))
    with pytest.raises(SealTooLargeError, match="inflates to 67108864 bytes"):
        unpack(_changed(k3=bomb, k4=64 << 20))
    # One that lies about its size is stopped one byte after the size that it named.
    asked: list[int] = []
    inflater = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._real = inflater(wbits)
            self.eof, self.unused_data = False, b""

        def decompress(self, data: bytes, length: int) -> bytes:
            inflated = self._real.decompress(data, length)
            asked.append(len(inflated))
            self.eof = self._real.eof
            return inflated

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(DamagedSealError, match="to the length that it records"):
        unpack(_changed(k3=bomb, k4=1000))
    assert asked[-1] == 1001


def test_unpack_builds_no_more_than_an_original() -> None:
    parts = codec.encode([[[[[bytes(6 << 20)]]]]], limit=1 << 23)
    # Four layers of base64 make 6 MiB into 19.
    declared = 4 * -(-4 * -(-4 * -(-4 * -(-(6 << 20) // 3) // 3) // 3) // 3)
    with pytest.raises(SealTooLargeError, match="more than 16777216"):
        unpack(_changed(k3=_raw(parts), k4=len(parts), k5=declared))


@pytest.mark.parametrize("plaintext", [b"", b"\x80", b"\x00" * 8, b"\x01", pad(b""), pad(b"\x00"), pad(b"\x80")])
def test_unpack_refuses_short_input(plaintext: bytes) -> None:
    with pytest.raises(DamagedSealError):
        unpack(plaintext)


def test_unpack_refuses_long_input() -> None:
    with pytest.raises(SealTooLargeError):
        unpack(bytes((1 << 20) + 1))


@settings(deadline=None)
@given(st.binary(max_size=200).map(pad) | st.binary(max_size=200))
def test_unpack_never_raises_anything_else(plaintext: bytes) -> None:
    with pytest.raises(ColdshareError):
        unpack(plaintext)


def test_the_digest_is_of_the_original() -> None:
    assert _fields(_changed())[6] == hashlib.sha256(b"share" * 100).digest()


# --- padding ---------------------------------------------------------------------------------------------


def test_padme_lengths() -> None:
    known = {1: 1, 2: 2, 8: 8, 9: 10, 10: 10, 17: 18, 100: 104, 1000: 1024, 1025: 1088, 100_000: 100_352}
    assert {length: padme(length) for length in known} == known
    assert padme(1 << 20) == 1 << 20
    assert padme((1 << 20) - 1) == 1 << 20


@settings(deadline=None)
@given(st.integers(1, 1 << 24))
def test_padme_costs_less_than_twelve_percent_and_is_its_own_fixed_point(length: int) -> None:
    padded = padme(length)
    assert length <= padded < 1.12 * length
    assert padme(padded) == padded


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_padding_comes_off(data: bytes) -> None:
    assert unpad(pad(data)) == data
    assert len(pad(data)) == padme(len(data) + 1)


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"\x00",
        b"a",
        b"a\x00",
        b"a\x81",
        b"\x80\x00",
        b"a" * 8 + b"\x80",
        pad(b"a" * 99) + b"\x00",
        pad(b"a" * 99)[:-1],
    ],
)
def test_other_padding_is_refused(padded: bytes) -> None:
    with pytest.raises(DamagedSealError) as refused:
        unpad(padded)
    assert refused.value.where == "padding"
