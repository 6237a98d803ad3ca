"""The vault files that are backed up: the real ones where they are at hand, else made-up ones of the same layout."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import SYNTHETIC
from coldshare.vault.synthetic import encrypt_vlt2, make_vault

_REAL = Path("made", "orig_2of3", "SimVault-2903-share1of3.vult")
_REAL_SIZE = 313_256
_REAL_PASSWORD = "correct horse 2-of-3"


@dataclass(frozen=True, slots=True)
class Share:
    """One share of a 2-of-3 vault, plain and encrypted. `suffix` goes behind every figure measured on it."""

    plain: bytes = field(repr=False)
    encrypted: bytes = field(repr=False)
    vault_password: str = field(repr=False)
    suffix: str
    origin: str


def share() -> Share:
    """Raises ValueError when the variable is set and the file is another one than the figures are defined by."""
    folder = os.environ.get("COLDSHARE_FIXTURES")
    if folder:
        path = Path(folder) / _REAL
        plain = path.read_bytes()
        if len(plain) != _REAL_SIZE:
            raise ValueError(f"{_REAL} has {len(plain)} bytes, not {_REAL_SIZE}")
        encrypted = path.with_suffix(".pbkdf2.vult").read_bytes()
        return Share(plain, encrypted, _REAL_PASSWORD, "", _REAL.stem)
    plain = make_vault("SimVault", ("iPhone", "MacBook", "Pixel"), 2)[0].vult
    return Share(plain, encrypt_vlt2(plain, _REAL_PASSWORD), _REAL_PASSWORD, SYNTHETIC, "a SYNTHETIC vault")
