"""Sealing: a share in, a file that only the right factors open out (COSE_Encrypt, RFC 9052 section 5).

    plaintext = pack(original, parts, declaration=declaration, record=record)
    sealed = seal(plaintext, backup_id=..., declaration_digest=..., slots=[Factors(password=..., token=...)])

    envelope = parse(sealed)                      # needs no secret
    content = unpack(envelope.open(Factors(password=..., token=...)))

Importing this package is cheap: the cryptography and the password scorer load when they are first used.
The format is written down in `seal.cddl`, its numbers and their reasons in `profile`.
"""

from __future__ import annotations

from coldshare.seal.content import Content, Part, pack, rebuild, unpack
from coldshare.seal.envelope import Envelope, parse, seal
from coldshare.seal.errors import (
    DamagedSealError,
    KdfCostError,
    KdfUnavailableError,
    MissingFactorError,
    PasswordFormError,
    RebuildError,
    SealTooLargeError,
    UnsupportedSealError,
    WeakPasswordError,
    WrongFactorError,
)
from coldshare.seal.kdf import DEFAULT_KDF, AllowCost, KdfParams
from coldshare.seal.password import check_password, normalise_password
from coldshare.seal.slots import Factor, Factors, Slot

__all__ = [
    "DEFAULT_KDF",
    "AllowCost",
    "Content",
    "DamagedSealError",
    "Envelope",
    "Factor",
    "Factors",
    "KdfCostError",
    "KdfParams",
    "KdfUnavailableError",
    "MissingFactorError",
    "Part",
    "PasswordFormError",
    "RebuildError",
    "SealTooLargeError",
    "Slot",
    "UnsupportedSealError",
    "WeakPasswordError",
    "WrongFactorError",
    "check_password",
    "normalise_password",
    "pack",
    "parse",
    "rebuild",
    "seal",
    "unpack",
]
