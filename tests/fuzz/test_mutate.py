"""What changes CBOR for the fuzzer takes no longer than a target does."""

from __future__ import annotations

import cbor2
import pytest

from fuzz.mutate import change_cbor


def test_one_item_is_another() -> None:
    data = cbor2.dumps({1: [2, b"three"]})
    changed = {change_cbor(data, seed) for seed in range(30)}
    assert len(changed - {None}) > 10
    for one in changed - {None}:
        cbor2.loads(one)


@pytest.mark.parametrize("before", [b"", b"\x81", b"\xa1\0", b"\xc6", b"\xd9\1\2\x81"], ids=bytes.hex)
def test_maps_in_the_keys_of_maps(before: bytes) -> None:
    """Forty deep, and each sorted by writing it."""
    data = before + b"\xa1" * 40 + bytes(41)
    for seed in range(20):
        change_cbor(data, seed)


@pytest.mark.parametrize("width", [b"\xd8", b"\xd9\0", b"\xda\0\0\0", b"\xdb\0\0\0\0\0\0\0"], ids=["1", "2", "4", "8"])
def test_values_that_stand_in_several_places_are_left_alone(width: bytes) -> None:
    """Each of these is twice the one before, forty times over."""
    shared, reference = width + b"\x1c", width + b"\x1d"
    items = [shared + b"\x80"]
    for number in range(40):
        again = reference + cbor2.dumps(number)
        items.append(shared + b"\x82" + again + again)
    data = bytes([0x98, len(items)]) + b"".join(items)
    assert all(change_cbor(data, seed) is None for seed in range(20))
