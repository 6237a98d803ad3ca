"""Changing CBOR item by item, so that what comes out is CBOR again, if not of the profile."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import cbor2

_NUMBERS = (0, 1, 23, 24, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 64) - 1, 1 << 64, -1, -24, -(1 << 64))


#: Tags 28 and 29, of whatever width: values that stand in several places. Written out, twenty of them are a million.
_SHARED = re.compile(rb"(?:\xd8|\xd9\0|\xda\0{3}|\xdb\0{7})[\x1c\x1d]")


def change_cbor(data: bytes, seed: int) -> bytes | None:
    """`data` with one item of it changed, written the shortest way; None where it is no CBOR, or grows without end."""
    random = Random(seed)
    if _SHARED.search(data):
        return None
    try:
        changed = _change(cbor2.loads(data), random)
        # cbor2 sorts the keys of a map by writing each: a map in a key of a map, and so on, is written 2 ** depth times
        return cbor2.dumps(changed, canonical=_plain_keys(changed) and random.random() < 0.8)
    except Exception:  # a fuzzer's input; whatever cbor2 makes of it, there is another way to change it
        return None


def _plain_keys(value: Any) -> bool:
    """Whether no key of a map holds other items."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if not all(isinstance(key, (int, str, bytes, float, type(None))) for key in one):
                return False
            todo += one.values()
        elif isinstance(one, (list, tuple)):
            todo += one
        elif isinstance(one, cbor2.CBORTag):
            todo.append(one.value)
        elif not isinstance(one, (int, str, bytes, float, type(None))):
            return False  # a set, and whatever else cbor2 makes of a tag
    return True


def _change(value: Any, random: Random) -> Any:
    if isinstance(value, (list, tuple)) and value and random.random() < 0.8:
        items = list(value)
        at = random.randrange(len(items))
        match random.randrange(6):
            case 0:
                del items[at]
            case 1:
                items.insert(at, _leaf(random))
            case 2:
                items *= random.choice((2, 33, 65))
            case _:
                items[at] = _change(items[at], random)
        return items[:300]
    if isinstance(value, dict) and value and random.random() < 0.8:
        pairs = dict(value)
        key = random.choice(list(pairs))
        match random.randrange(6):
            case 0:
                del pairs[key]
            case 1:
                pairs[random.choice((_leaf(random), len(pairs), random.randrange(80)))] = pairs[key]
            case _:
                pairs[key] = _change(pairs[key], random)
        return pairs
    match random.randrange(8):
        case 0:
            return [value]
        case 1:
            return {random.randrange(30): value}
        case 2:
            return cbor2.CBORTag(random.choice((2, 24, 28, 29, 96, 258)), value)
        case 3 if isinstance(value, (bytes, str)):
            return value * random.randrange(4)
        case 4 if isinstance(value, int):
            return value + random.choice((-1, 1))
    return _leaf(random)


def _leaf(random: Random) -> Any:
    match random.randrange(7):
        case 0 | 1:
            return random.choice(_NUMBERS)
        case 2:
            return random.randbytes(random.choice((0, 1, 8, 16, 23, 24, 32, 33)))
        case 3:
            return "".join(random.choice("aZé\u202e\U0001f60a\x00") for _ in range(random.randrange(6)))
        case 4:
            return random.choice((None, True, False, cbor2.undefined, 1.5, [], {}))
        case 5:
            deep: Any = 0
            for _ in range(random.randrange(12)):
                deep = [deep] if random.random() < 0.5 else {0: deep}
            return deep
    return random.randrange(1 << 16)
