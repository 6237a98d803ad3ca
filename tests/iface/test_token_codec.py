"""Two codecs, one contract: what the host's reads, the token's reads too, and what it refuses it calls the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coldshare_firmware import cbor
from coldshare_iface import codec, wire

CASES: list[dict[str, Any]] = [
    case
    for case in json.loads(Path(__file__).with_name("codec_cases.json").read_text())
    if "options" not in case  # what only seals need, the token does not have
]


def host(data: bytes) -> object:
    try:
        return codec.decode(data)
    except codec.CodecError as error:
        return error.reason, error.at


def token(data: bytes) -> object:
    try:
        return cbor.decode(data)
    except cbor.CborError as error:
        return error.reason, error.at


def same(data: bytes) -> None:
    # repr, because True == 1 and the order of keys counts.
    assert repr(token(data)) == repr(host(data))


def _id(case: dict[str, Any]) -> str:
    return f"{case.get('reason', 'good')}: {case['note']}"


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_the_table(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    same(data)
    if "reason" in case:
        assert token(data) == (case["reason"], case["at"])
    else:
        assert cbor.encode(cbor.decode(data)) == data
    for length in range(len(data)):
        same(data[:length])


def test_rfc_8949_appendix_a(vectors_dir: Path) -> None:
    """Both refuse for the same reason at the same place, or both read what is said; `test_codec` has which."""
    examples = json.loads((vectors_dir / "cbor" / "appendix_a.json").read_text())
    accepted = 0
    for one in examples:
        data = bytes.fromhex(one["hex"])
        same(data)
        value = token(data)
        if not isinstance(value, tuple):
            accepted += 1
            assert cbor.encode(value) == codec.encode(value) == data
            if "decoded" in one:
                assert value == one["decoded"]
    assert (len(examples), accepted) == (82, 34)


#: Heads and strings that arbitrary bytes seldom hit.
_PIECES = (
    "00 17 18 1817 1818 19 190100 1a 1b 1bffffffffffffffff 20 38 3bffffffffffffffff 40 41 4161 58 5818 60 61 6161"
    " 62c3a9 62c080 63eda080 64f09f988a 64f4908080 80 81 82 83 9840 9841 9f a0 a1 a100 a2 a20000 b840 bf c0 d860"
    " dc e0 f0 f4 f5 f6 f7 f8 f81f f9 fa fb fc ff"
)
_pieces = st.sampled_from([bytes.fromhex(piece) for piece in _PIECES.split()])


@given(st.binary(max_size=64) | st.lists(_pieces, max_size=24).map(b"".join))
@example(b"\x81" * 8 + b"\x80")
@example(b"\xa1\x00" * 9)
def test_arbitrary_bytes(data: bytes) -> None:
    same(data)


@pytest.mark.parametrize("length", [wire.MESSAGE_MAX, wire.MESSAGE_MAX + 1])
def test_the_size_limit(length: int) -> None:
    same(b"\x59" + (length - 3).to_bytes(2, "big") + bytes(length - 3))
    same(bytes(length))


_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), (1 << 64) - 1)
    | st.sampled_from([0, 23, 24, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, -24, -25, -256, -257])
    | st.binary(max_size=300)
    | st.text(max_size=40)
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.integers(0, (1 << 64) - 1), inner, max_size=6),
    max_leaves=20,
)


def written_by_host(value: object) -> object:
    try:
        return codec.encode(value)
    except codec.CodecError as error:
        return error.reason


def written_by_token(value: object) -> object:
    try:
        return cbor.encode(value)
    except cbor.CborError as error:
        return error.reason


@given(_values)
@example([[[[[[[[]]]]]]]])
@example([[[[[[[[[]]]]]]]]])
@example({0: [{0: [{0: [{0: [{}]}]}]}]})
@example([0] * 64)
@example([0] * 65)
@example(dict.fromkeys(range(65)))
def test_values(value: Any) -> None:
    assert written_by_token(value) == written_by_host(value)


@given(_values, st.data())
def test_a_changed_byte(value: Any, choice: st.DataObject) -> None:
    data = written_by_host(value)
    if isinstance(data, bytes):
        changed = bytearray(data)
        changed[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
        same(bytes(changed))


@pytest.mark.parametrize(
    "value",
    [1.5, 1 << 64, -(1 << 64) - 1, {"a": 0}, {-1: 0}, {True: 0}, {1 << 64: 0}, object(), {1, 2}, 1j],
    ids=lambda value: type(value).__name__,
)
def test_what_neither_writes(value: object) -> None:
    # The token's codec has fewer words for what its own code would have to get wrong.
    assert isinstance(written_by_token(value), str)
    assert isinstance(written_by_host(value), str)


def test_the_limits_are_one() -> None:
    assert (codec.LIMIT, codec.ITEMS, codec.DEPTH) == (wire.MESSAGE_MAX, wire.CBOR_ITEMS, wire.CBOR_DEPTH)


@given(st.binary(max_size=40))
@example(b"\xf4\x90\x80\x80")
@example(b"\xf5\x80\x80\x80")
@example(b"\xff")
@example(b"\xed\x9f\xbf\xee\x80\x80")
def test_utf8_is_judged_as_python_judges_it(data: bytes) -> None:
    encoded = codec._head(3, len(data)) + data
    same(encoded)
