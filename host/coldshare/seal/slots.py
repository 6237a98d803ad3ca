"""The slots of a sealed file: which factors open it, and the key that they make together.

All factors of one slot are needed; any one slot is enough. A slot is a COSE recipient with A256KW
(RFC 9052 section 8.5.2, RFC 9053 section 6.2.1) that holds the wrapped file key.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from coldshare.seal import primitives, profile
from coldshare.seal.errors import DamagedSealError
from coldshare.seal.kdf import KdfParams
from coldshare.seal.password import normalise_password
from coldshare_iface import codec
from coldshare_iface.codec import CodecError, Value

__all__ = ["Factor", "Factors", "Slot"]


class Factor(enum.IntFlag):
    """The bits of a slot's factor mask. Their order is the order of the secrets in the key derivation."""

    PASSWORD = 1
    TOKEN = 2
    FIDO2 = 4
    RECOVERY = 8


_KNOWN = int(Factor.PASSWORD | Factor.TOKEN | Factor.FIDO2 | Factor.RECOVERY)
_NAMES = {
    Factor.PASSWORD: "password",
    Factor.TOKEN: "token",
    Factor.FIDO2: "fido2",
    Factor.RECOVERY: "recovery",
}


def factor_names(bits: int) -> tuple[str, ...]:
    """Return the stable names of the known factors in `bits`, in their fixed order."""
    return tuple(name for factor, name in _NAMES.items() if bits & factor)


@dataclass(frozen=True, eq=False, repr=False)
class Factors:
    """The secrets at hand, for sealing or for opening: a password, and 32-byte secrets.

    `token` is what the token releases for one backup, `fido2` a hmac-secret output, `recovery` what a recovery
    code expands to. Raises ValueError for a secret of another length. The repr names what is there, and no more.
    """

    password: str | None = None
    token: bytes | None = None
    fido2: bytes | None = None
    recovery: bytes | None = None

    def __post_init__(self) -> None:
        for name in ("token", "fido2", "recovery"):
            secret = getattr(self, name)
            if secret is not None and len(secret) != profile.KEY_LEN:
                raise ValueError(f"the {name} secret must have {profile.KEY_LEN} bytes")

    @property
    def bits(self) -> Factor:
        """The factors that are there."""
        bits = Factor(0)
        for factor, name in _NAMES.items():
            if getattr(self, name) is not None:
                bits |= factor
        return bits

    def __repr__(self) -> str:
        return f"Factors({', '.join(factor_names(self.bits))})"


@dataclass(frozen=True)
class Slot:
    """One way to open a sealed file, as its public header describes it.

    `factors` is the mask as read; it may have bits that this version does not know. `kdf` is there exactly when
    `Factor.PASSWORD` is in a known mask. `header` is the whole slot header, `wrapped` the 40-byte wrapped key.
    """

    factors: int
    salt: bytes
    kdf: KdfParams | None
    header: dict[int, Value] = field(repr=False)
    wrapped: bytes = field(repr=False)

    @property
    def known(self) -> bool:
        """False when the slot asks for a factor that this version of coldshare has never heard of."""
        return not self.factors & ~_KNOWN

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the factors that the slot asks for; those that are unknown have none."""
        return factor_names(self.factors)

    def opens_with(self, factors: Factors) -> bool:
        """True when `factors` holds everything that the slot asks for; whether it is right shows later."""
        return self.known and not self.factors & ~factors.bits

    def key(self, factors: Factors) -> bytes:
        """Return the 32-byte key-encryption key. Runs Argon2id when a password is among the factors."""
        return slot_key(self.header, self.salt, self.kdf, factors)


def slot_header(bits: int, salt: bytes, kdf: KdfParams | None) -> dict[int, Value]:
    """Return the slot header for writing."""
    header: dict[int, Value] = {profile.SLOT_FACTORS: int(bits), profile.SLOT_SALT: salt}
    if kdf is not None:
        header[profile.SLOT_KDF] = [kdf.memory_kib, kdf.passes, kdf.lanes]
    return header


def slot_key(header: dict[int, Value], salt: bytes, kdf: KdfParams | None, factors: Factors) -> bytes:
    """HKDF-SHA256 over the secrets that `header` names, in the fixed order, bound to the whole header.

    Raises ValueError when `factors` lacks one of them, `PasswordFormError` and `KdfCostError` for the password.
    """
    bits = header[profile.SLOT_FACTORS]
    if not isinstance(bits, int):
        raise ValueError("the slot header has no factor mask")
    secrets: list[bytes] = []
    if bits & Factor.PASSWORD:
        if factors.password is None or kdf is None:
            raise ValueError("the slot needs a password and its parameters")
        secrets.append(kdf.derive(normalise_password(factors.password), salt))
    for factor, secret in (
        (Factor.TOKEN, factors.token),
        (Factor.FIDO2, factors.fido2),
        (Factor.RECOVERY, factors.recovery),
    ):
        if bits & factor:
            if secret is None:
                raise ValueError(f"the slot needs the factor {_NAMES[factor]}")
            secrets.append(secret)
    return primitives.hkdf(salt, b"".join(secrets), profile.INFO_SLOT + codec.encode(header))


def parse_recipient(recipient: Value, number: int) -> Slot:
    """Return the slot that one COSE recipient holds. `number` counts from 1, for messages.

    Raises `DamagedSealError` when the shape is wrong and `KdfCostError` for parameters out of bounds.
    """
    where = f"slot {number}"
    match recipient:
        case [b"", {profile.COSE_ALG: profile.A256KW, profile.SLOT: dict(header), **others}, bytes(wrapped)]:
            if others or len(wrapped) != profile.WRAPPED_LEN:
                raise DamagedSealError(where, "it does not have the form of a slot")
        case _:
            raise DamagedSealError(where, "it does not have the form of a slot")
    bits, salt = header.get(profile.SLOT_FACTORS), header.get(profile.SLOT_SALT)
    if not isinstance(bits, int) or isinstance(bits, bool) or bits <= 0:
        raise DamagedSealError(where, "it names no factors")
    if not isinstance(salt, bytes) or len(salt) != profile.SALT_LEN:
        raise DamagedSealError(where, "its salt is not there or has a wrong length")
    try:
        codec.encode(header, limit=profile.SLOT_HEADER_MAX)
    except CodecError as error:
        raise DamagedSealError(where, f"in its header, {codec.REASONS[error.reason]}") from error
    if bits & ~_KNOWN:
        # A later version may describe its factors with more keys. They are authenticated all the same.
        return Slot(bits, salt, None, header, wrapped)
    keys = {profile.SLOT_FACTORS, profile.SLOT_SALT}
    kdf = None
    if bits & Factor.PASSWORD:
        keys.add(profile.SLOT_KDF)
        kdf = _parse_kdf(header.get(profile.SLOT_KDF), where)
    if header.keys() != keys:
        raise DamagedSealError(where, "its header has keys that do not belong to its factors")
    return Slot(bits, salt, kdf, header, wrapped)


def _parse_kdf(value: Value, where: str) -> KdfParams:
    numbers = value if isinstance(value, list) else []
    integers = [number for number in numbers if isinstance(number, int) and not isinstance(number, bool)]
    if len(numbers) != 3 or len(integers) != 3:
        raise DamagedSealError(where, "its password parameters are not three integers")
    kdf = KdfParams(*integers)
    kdf.check_read()
    return kdf
