"""The firmware's own X25519 against C2SP Wycheproof and against another implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare_firmware.x25519 import x25519
from coldshare_iface.noise import Handshake, NoiseError
from coldshare_iface.primitives import NativeSuite
from support.agreement import quick_x25519

BASE = b"\x09" + bytes(31)


def vectors(vectors_dir: Path) -> list[dict[str, Any]]:
    data = json.loads((vectors_dir / "wycheproof" / "x25519_test.json").read_text())
    tests = [test for group in data["testGroups"] for test in group["tests"]]
    assert len(tests) == data["numberOfTests"] == 518
    return tests


def test_wycheproof(vectors_dir: Path) -> None:
    for test in vectors(vectors_dir):
        shared = x25519(bytes.fromhex(test["private"]), bytes.fromhex(test["public"]))
        assert shared.hex() == test["shared"], test["tcId"]
        assert quick_x25519(bytes.fromhex(test["private"]), bytes.fromhex(test["public"])) == shared
        assert (shared == bytes(32)) == ("ZeroSharedSecret" in test["flags"]), test["tcId"]


def test_wycheproof_on_the_host(vectors_dir: Path) -> None:
    """Every result that is no public key of low order; those are refused before Noise sees the zeros."""
    for test in vectors(vectors_dir):
        private, public = bytes.fromhex(test["private"]), bytes.fromhex(test["public"])
        if "ZeroSharedSecret" in test["flags"]:
            with pytest.raises(NoiseError, match="low order"):
                NativeSuite().dh(private, public)
        else:
            assert NativeSuite().dh(private, public).hex() == test["shared"], test["tcId"]


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_another_implementation(mine: bytes, theirs: bytes) -> None:
    native = NativeSuite()
    assert x25519(mine, BASE) == native.public(mine) == quick_x25519(mine, BASE)
    assert x25519(mine, native.public(theirs)) == native.dh(theirs, native.public(mine))


#: The points of small order and their non-canonical encodings (RFC 7748 section 7, Wycheproof "LowOrderPublic").
LOW_ORDER = [
    bytes(32).hex(),
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
]


class TokenDh(NativeSuite):
    """The token's DH, which does not refuse anything by itself."""

    def dh(self, private: bytes, public: bytes) -> bytes:
        return x25519(private, public)


@pytest.mark.parametrize("suite", [NativeSuite(), TokenDh()], ids=["host", "token"])
@pytest.mark.parametrize("point", LOW_ORDER)
def test_low_order_keys_end_the_handshake(point: str, suite: NativeSuite) -> None:
    responder = Handshake(suite, "XX", False, b"", b"s" * 32)
    responder.read(bytes.fromhex(point))
    with pytest.raises(NoiseError, match="low order"):
        responder.write()


def test_a_slow_board_is_called_on_the_way() -> None:
    """At the same places whatever the key, so that what it says then tells nothing of the key."""
    steps: list[None] = []
    assert x25519(b"\x11" * 32, BASE, lambda: steps.append(None)) == x25519(b"\x11" * 32, BASE)
    assert len(steps) == 16
    x25519(b"\xfe" * 32, BASE, lambda: steps.append(None))
    assert len(steps) == 32
