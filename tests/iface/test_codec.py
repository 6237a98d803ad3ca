"""The strict codec: what it accepts, what it refuses and under which name, and that it never does worse."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldshare_iface import codec
from coldshare_iface.codec import CodecError, decode, encode

# The same table judges the token's codec; `at` and `reason` are missing where the bytes are accepted.
CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("codec_cases.json").read_text())
GOOD = [case for case in CASES if "reason" not in case]
BAD = [case for case in CASES if "reason" in case]


def _id(case: dict[str, Any]) -> str:
    return f"{case.get('reason', 'good')}: {case['note']}"


@pytest.mark.parametrize("case", GOOD, ids=_id)
def test_accepts_and_writes_back(case: dict[str, Any]) -> None:
    data, options = bytes.fromhex(case["hex"]), case.get("options", {})
    assert encode(decode(data, **options), **options) == data


@pytest.mark.parametrize("case", BAD, ids=_id)
def test_refuses_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(CodecError) as refused:
        decode(bytes.fromhex(case["hex"]), **case.get("options", {}))
    assert (refused.value.reason, refused.value.at) == (case["reason"], case["at"])
    assert refused.value.code == "cbor"
    assert codec.REASONS[case["reason"]] in str(refused.value)


def test_the_table_has_no_case_twice_and_every_reason() -> None:
    keys = [(case["hex"], str(case.get("options"))) for case in CASES]
    assert len(keys) == len(set(keys))
    assert {case["reason"] for case in BAD} == set(codec.REASONS) - {"int_range", "type"}


@pytest.mark.parametrize("case", GOOD, ids=_id)
def test_every_prefix_is_refused(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    for length in range(len(data)):
        with pytest.raises(CodecError, match="the bytes end in the middle"):
            decode(data[:length], **case.get("options", {}))


# --- RFC 8949 appendix A -------------------------------------------------------------------------------

#: What the profile refuses of the appendix, and why; everything else must be accepted.
APPENDIX_A_REFUSED = {
    "tag": "c249010000000000000000 c349010000000000000000 c074323031332d30332d32315432303a30343a30305a"
    " c11a514b67b0 c1fb41d452d9ec200000 d74401020304 d818456449455446"
    " d82076687474703a2f2f7777772e6578616d706c652e636f6d",
    "float": "f90000 f98000 f93c00 fb3ff199999999999a f93e00 f97bff fa47c35000 fa7f7fffff fb7e37e43c8800759c"
    " f90001 f90400 f9c400 fbc010666666666666 f97c00 f97e00 f9fc00 fa7f800000 fa7fc00000 faff800000"
    " fb7ff0000000000000 fb7ff8000000000000 fbfff0000000000000",
    "simple": "f7 f0 f818 f8ff",
    "key_type": "a26161016162820203 826161a161626163 a56161614161626142616361436164614461656145",
    "indefinite": "5f42010243030405ff 7f657374726561646d696e67ff 9fff 9f018202039f0405ffff 9f01820203820405ff"
    " 83018202039f0405ff 83019f0203ff820405 9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff"
    " bf61610161629f0203ffff 826161bf61626163ff bf6346756ef563416d7421ff",
}


def test_rfc_8949_appendix_a(vectors_dir: Path) -> None:
    examples = json.loads((vectors_dir / "cbor" / "appendix_a.json").read_text())
    refused = {data: reason for reason, listed in APPENDIX_A_REFUSED.items() for data in listed.split()}
    assert refused.keys() <= {one["hex"] for one in examples}
    for one in examples:
        data = bytes.fromhex(one["hex"])
        if one["hex"] in refused:
            with pytest.raises(CodecError) as error:
                decode(data)
            assert error.value.reason == refused[one["hex"]]
            continue
        assert encode(decode(data)) == data
        assert decode(data) == cbor2.loads(data)
        if "decoded" in one:
            assert decode(data) == one["decoded"]
    assert len(examples) - len(refused) == 34


# --- encode --------------------------------------------------------------------------------------------


class Colour(enum.IntEnum):
    RED = 7


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.0, "float"),
        (float("nan"), "float"),
        (1 << 64, "int_range"),
        (-(1 << 64) - 1, "int_range"),
        ({1 << 64: 0}, "int_range"),
        ({"a": 0}, "key_type"),
        ({b"a": 0}, "key_type"),
        ({True: 0}, "key_type"),
        ({None: 0}, "key_type"),
        ({(1,): 0}, "key_type"),
        ({-1: 0}, "key_type"),
        ({1.0: 0}, "key_type"),
        ("\ud800", "utf8"),
        ({1, 2}, "type"),
        (frozenset(), "type"),
        (object(), "type"),
        (1j, "type"),
        (range(3), "type"),
        (cbor2.undefined, "simple"),
        (cbor2.CBORSimpleValue(1), "simple"),
        (cbor2.CBORTag(96, []), "tag"),
        ([0] * 65, "items"),
        (dict.fromkeys(range(65)), "items"),
        ([[[[[[[[[]]]]]]]]], "depth"),
        ({0: [{0: [{0: [{0: [{}]}]}]}]}, "depth"),
        (bytes(codec.LIMIT - 2), "size"),
        ([[1.0]], "float"),
        ({0: {0: {0: "\udfff"}}}, "utf8"),
    ],
)
def test_encode_refuses_by_name(value: object, reason: str) -> None:
    with pytest.raises(CodecError) as refused:
        encode(value)
    assert (refused.value.reason, refused.value.at) == (reason, None)


def test_encode_ends_on_a_list_inside_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(CodecError, match="nested too deeply"):
        encode(loop)


@pytest.mark.parametrize(
    ("value", "hexed"),
    [
        ((1, 2), "820102"),
        (Colour.RED, "07"),
        ({Colour.RED: Colour.RED}, "a10707"),
        (bytearray(b"a"), "4161"),
        (memoryview(b"a"), "4161"),
        ({256: 0, 0: 1, 24: 2}, "a300011818021901" + "0000"),
        (bytes(codec.LIMIT - 3), "591db6" + "00" * (codec.LIMIT - 3)),
        ([False, 0, True, 1], "84f400f501"),
    ],
)
def test_encode_writes(value: object, hexed: str) -> None:
    assert encode(value).hex() == hexed


def test_options_are_shared_by_both_directions() -> None:
    value = [{-1: [0] * 100}]
    options: dict[str, Any] = {"limit": 200, "items": 100, "depth": 3, "negative_keys": True, "tag": 1 << 40}
    data = encode(value, **options)
    assert decode(data, **options) == value
    for change in ({"limit": len(data) - 1}, {"items": 99}, {"depth": 2}, {"negative_keys": False}):
        with pytest.raises(CodecError):
            encode(value, **options | change)
        with pytest.raises(CodecError):
            decode(data, **options | change)
    with pytest.raises(CodecError):
        decode(data)


def test_the_same_list_twice_is_written_twice() -> None:
    inner = [1]
    assert encode([inner, inner]).hex() == "8281018101"


def test_decode_takes_any_buffer() -> None:
    assert decode(bytearray(b"\x01")) == decode(memoryview(b"\x01")) == 1


def test_a_deep_caller_limit_does_not_recurse() -> None:
    with pytest.raises(CodecError, match="nested too deeply"):
        decode(b"\x81" * 1_000_000, limit=1 << 20, depth=300)
    assert decode(b"\x81" * 300 + b"\x00", depth=300)


# --- properties ----------------------------------------------------------------------------------------

_integers = st.integers(-(1 << 64), (1 << 64) - 1)
_scalars = st.none() | st.booleans() | _integers | st.binary(max_size=40) | st.text(max_size=20)


def _values(keys: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    return st.recursive(
        _scalars,
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=20,
    )


@settings(deadline=None)
@given(_values(st.integers(0, (1 << 64) - 1)), st.booleans())
def test_round_trip(value: Any, negative_keys: bool) -> None:
    data = encode(value, depth=32, negative_keys=negative_keys)
    back = decode(data, depth=32, negative_keys=negative_keys)
    assert back == value
    assert _shape(back) == _shape(value)
    # cbor2 is an independent encoder; its canonical order equals ours where keys are unsigned.
    assert data == cbor2.dumps(value, canonical=True)


@settings(deadline=None)
@given(_values(_integers))
def test_round_trip_with_negative_keys_in_bytewise_order(value: Any) -> None:
    data = encode(value, depth=32, negative_keys=True)
    back = decode(data, depth=32, negative_keys=True)
    assert back == value
    for keys in _key_lists(back):
        encoded = [cbor2.dumps(key) for key in keys]
        assert encoded == sorted(encoded)


def _shape(value: Any) -> Any:
    """Tell True from 1, which compare equal."""
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return {key: _shape(value[key]) for key in sorted(value)} if isinstance(value, dict) else type(value)


def _key_lists(value: Any) -> list[list[int]]:
    if isinstance(value, list):
        return [keys for item in value for keys in _key_lists(item)]
    if isinstance(value, dict):
        return [list(value), *(keys for item in value.values() for keys in _key_lists(item))]
    return []


#: Heads that arbitrary bytes seldom hit.
_PIECES = "00 18 1818 19 20 38 41 6161 80 81 82 9840 a0 a1 a100 a2 c0 d860 f4 f6 f7 f9 ff"
_pieces = st.sampled_from([bytes.fromhex(h) for h in _PIECES.split()])


@settings(deadline=None)
@given(
    st.binary(max_size=64) | st.lists(_pieces, max_size=24).map(b"".join),
    st.booleans(),
    st.sampled_from([None, 0, 96]),
)
@example(bytes.fromhex("d81c9fd81d00ff"), False, None)
def test_arbitrary_bytes_are_refused_or_have_no_other_encoding(
    data: bytes, negative_keys: bool, tag: int | None
) -> None:
    failure: CodecError | None
    try:
        value = decode(data, negative_keys=negative_keys, tag=tag)
    except CodecError as error:
        value, failure = None, error
    else:
        failure = None
    if failure is None:
        assert encode(value, negative_keys=negative_keys, tag=tag) == data
    else:
        assert failure.reason in codec.REASONS
        assert failure.at in range(len(data) + 1)


@settings(deadline=None)
@given(_values(st.integers(0, (1 << 64) - 1)), st.data())
def test_a_changed_byte_is_refused_or_has_no_other_encoding(value: Any, choice: st.DataObject) -> None:
    data = bytearray(encode(value, depth=32))
    data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
    try:
        changed = decode(data, depth=32)
    except CodecError:
        return
    assert encode(changed, depth=32) == data
