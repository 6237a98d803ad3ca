"""The cryptography of the seal against C2SP Wycheproof, through the very functions that the seal calls."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from coldshare.seal import primitives, profile
from coldshare.seal.primitives import AuthenticationError


def cases(vectors_dir: Path, name: str, count: int) -> list[dict[str, Any]]:
    """Every test of a file; `count` of them, so that an empty file is no success. Hexadecimal is decoded."""
    data = json.loads((vectors_dir / "wycheproof" / f"{name}_test.json").read_text())
    tests = [test for group in data["testGroups"] for test in group["tests"]]
    assert len(tests) == data["numberOfTests"] == count
    texts = {"tcId", "comment", "flags", "result", "size"}
    return [
        {key: value if key in texts else bytes.fromhex(value) for key, value in test.items()}
        | {"flags": set(test["flags"])}
        for test in tests
    ]


def test_aes_gcm(vectors_dir: Path) -> None:
    opened = 0
    for test in cases(vectors_dir, "aes_gcm", 316):
        sealed = test["ct"] + test["tag"]
        arguments = (test["key"], test["iv"])
        if not 8 <= len(test["iv"]) <= 128:
            # Lengths that the library has no use for; the seal reads none but 12 bytes.
            with pytest.raises(ValueError, match=r"[Nn]once"):
                primitives.decrypt(*arguments, sealed, test["aad"])
        elif test["result"] == "valid":
            assert primitives.encrypt(*arguments, test["msg"], test["aad"]) == sealed, test["tcId"]
            assert primitives.decrypt(*arguments, sealed, test["aad"]) == test["msg"], test["tcId"]
            opened += len(test["iv"]) == profile.IV_LEN and len(test["key"]) == profile.KEY_LEN
        else:
            assert test["flags"] == {"ModifiedTag"}
            with pytest.raises(AuthenticationError):
                primitives.decrypt(*arguments, sealed, test["aad"])
    assert opened, "nothing was opened in the one form that the seal has"


def test_aes_key_wrap(vectors_dir: Path) -> None:
    unwrapped = 0
    for test in cases(vectors_dir, "aes_wrap", 165):
        if test["result"] == "valid":
            assert primitives.wrap(test["key"], test["msg"]) == test["ct"], test["tcId"]
            assert primitives.unwrap(test["key"], test["ct"]) == test["msg"], test["tcId"]
            unwrapped += len(test["key"]) == profile.KEY_LEN
            continue
        # "acceptable" are secrets of 8 bytes, which RFC 3394 does not have; ours have 32, and those are refused, too.
        with pytest.raises(AuthenticationError):
            primitives.unwrap(test["key"], test["ct"])
        if test["flags"] & {"WrongDataSize", "EmptyKey", "ShortKey"}:
            with pytest.raises(ValueError, match="wrap"):
                primitives.wrap(test["key"], test["msg"])
    assert unwrapped


def test_hkdf(vectors_dir: Path) -> None:
    """The seal asks for 32 bytes, always; a shorter output is the beginning of a longer one."""
    for test in cases(vectors_dir, "hkdf_sha256", 86):
        if test["result"] != "valid":
            assert test["flags"] == {"SizeTooLarge"}
            continue
        derived = primitives.hkdf(test["salt"], test["ikm"], test["info"])
        assert len(derived) == profile.KEY_LEN
        assert derived[: test["size"]] == test["okm"][: profile.KEY_LEN], test["tcId"]
        extracted = hmac.digest(test["salt"] or bytes(32), test["ikm"], "sha256")
        assert primitives.hkdf_expand(extracted, test["info"]) == derived
