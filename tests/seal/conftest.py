"""A fast stand-in for Argon2id, and sealed files that are the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from coldshare.seal import Factors, KdfParams, pack, primitives, seal

Make = Callable[..., bytes]

TOKEN = Factors(token=b"t" * 32)


def counted() -> Callable[[int], bytes]:
    """Return a source of bytes that differ in each call and agree in each run."""
    calls = 0

    def draw(length: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(b"draw %d" % calls).digest(length)

    return draw


@pytest.fixture
def fast_argon2(monkeypatch: pytest.MonkeyPatch) -> list[KdfParams]:
    """Put SHA-256 in the place of Argon2id, and return the list of the costs that were asked for."""
    asked: list[KdfParams] = []

    def hashed(password: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
        asked.append(KdfParams(memory_kib, passes, lanes))
        return hashlib.sha256(b"%d %d %d " % (memory_kib, passes, lanes) + salt + password).digest()

    monkeypatch.setattr(primitives, "argon2id", hashed)
    return asked


@pytest.fixture(scope="session")
def plaintext() -> bytes:
    """A small packed share, 88 bytes."""
    return pack(b"a small share", [b"a small share"], declaration=b"declared", record={1: "Vault"})


@pytest.fixture(scope="session")
def make(plaintext: bytes) -> Make:
    """Seal the small share with the given slots, or with a token alone."""

    def made(*slots: Factors, kdf: KdfParams | None = None, body: bytes = plaintext) -> bytes:
        return seal(
            body,
            backup_id=bytes(range(16)),
            declaration_digest=bytes(range(32)),
            slots=slots or (TOKEN,),
            kdf=kdf or KdfParams(64 << 10, 3, 4),
            random=counted(),
        )

    return made
