"""The sealed file: made by `seal`, read by `parse`, opened by `Envelope.open`.

Three keys hang together. The file key is random, fresh for each seal, and wrapped in every slot. HKDF-Expand
makes two keys of it: one encrypts the body, the other one stands in the protected header as a commitment.
AES-GCM and AES key wrap do not commit to a key: without the commitment one file could be built to open with two
passwords to two different shares. So it is compared before anything is decrypted.

COSE leaves recipients out of what the body authenticates. Here their digest is the external_aad, so that a slot
cannot be taken away, added, changed or moved without the file failing to open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from coldshare.seal import primitives, profile
from coldshare.seal.errors import (
    DamagedSealError,
    KdfCostError,
    MissingFactorError,
    SealTooLargeError,
    UnsupportedSealError,
    WrongFactorError,
)
from coldshare.seal.kdf import DEFAULT_KDF, AllowCost, KdfParams
from coldshare.seal.password import check_password
from coldshare.seal.slots import Factor, Factors, Slot, parse_recipient, slot_header, slot_key
from coldshare_iface import codec
from coldshare_iface.codec import CodecError, Value

__all__ = ["Envelope", "parse", "seal"]


def seal(
    plaintext: bytes,
    *,
    backup_id: bytes,
    declaration_digest: bytes,
    slots: Sequence[Factors],
    kdf: KdfParams = DEFAULT_KDF,
    hints: Iterable[str] = (),
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return `plaintext` sealed: one COSE_Encrypt message with a slot for each entry of `slots`.

    `plaintext` is what `content.pack` returns, 1 to 1,048,576 bytes, already padded. `backup_id` has 16 bytes,
    `declaration_digest` 32; both are readable without a secret. A slot opens with all the factors of its entry
    together. Passwords are checked against zxcvbn, which takes `hints` as words to expect. `random(n)` returns n
    bytes and is called for the file key (32), the IV (12), then one salt (16) for each slot.

    The result is opened again, with the keys at hand, before it is returned.

    Raises `SealTooLargeError`, `WeakPasswordError`, `PasswordFormError`, `KdfCostError`, `KdfUnavailableError`,
    and ValueError for arguments that no person can have typed.
    """
    if len(backup_id) != profile.BACKUP_ID_LEN or len(declaration_digest) != profile.DIGEST_LEN:
        raise ValueError("the backup id has 16 bytes and the declaration digest 32")
    if not 1 <= len(slots) <= profile.SLOTS_MAX or not all(factors.bits for factors in slots):
        raise ValueError(f"a sealed file has 1 to {profile.SLOTS_MAX} slots, each with a factor")
    if not plaintext:
        raise ValueError("there is nothing to seal")
    if len(plaintext) > profile.PLAINTEXT_MAX:
        raise SealTooLargeError(
            f"This share is {len(plaintext)} bytes when packed; at most {profile.PLAINTEXT_MAX} can be sealed."
        )
    if any(factors.password is not None for factors in slots):
        kdf.check_write()
    hints = tuple(hints)
    for password in dict.fromkeys(factors.password for factors in slots):
        if password is not None:
            check_password(password, hints)

    file_key = _draw(random, profile.KEY_LEN)
    iv = _draw(random, profile.IV_LEN)
    keys: list[bytes] = []
    written: list[tuple[dict[int, Value], bytes]] = []
    for factors in slots:
        salt = _draw(random, profile.SALT_LEN)
        slot_kdf = kdf if factors.bits & Factor.PASSWORD else None
        header = slot_header(factors.bits, salt, slot_kdf)
        keys.append(slot_key(header, salt, slot_kdf, factors))
        written.append((header, primitives.wrap(keys[-1], file_key)))
    protected = codec.encode(
        {
            profile.COSE_ALG: profile.A256GCM,
            profile.COSE_IV: iv,
            profile.VERSION: profile.VERSION_1,
            profile.SUITE: profile.SUITE_1,
            profile.BACKUP_ID: backup_id,
            profile.COMMIT: primitives.hkdf_expand(file_key, profile.INFO_COMMIT),
            profile.DECLARATION: declaration_digest,
        },
        negative_keys=True,
    )
    ciphertext = primitives.encrypt(
        primitives.hkdf_expand(file_key, profile.INFO_BODY), iv, plaintext, _enc_structure(protected, written)
    )
    recipients = [
        [b"", {profile.COSE_ALG: profile.A256KW, profile.SLOT: header}, wrapped] for header, wrapped in written
    ]
    sealed = codec.encode(
        [protected, {}, ciphertext, recipients],
        limit=profile.SEALED_MAX,
        negative_keys=True,
        tag=profile.COSE_ENCRYPT,
    )
    if not _opens(sealed, keys, plaintext):
        raise DamagedSealError("body", "it was damaged on this computer while it was made")
    return sealed


@dataclass(frozen=True)
class Envelope:
    """A sealed file as anybody can read it. Nothing here is proven until `open` succeeds."""

    version: int
    suite: int
    backup_id: bytes
    declaration_digest: bytes
    slots: tuple[Slot, ...]
    protected: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    commitment: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)

    def open(self, factors: Factors, *, allow_cost: AllowCost | None = None) -> bytes:
        """Return the plaintext that was sealed; `content.unpack` takes it apart.

        Slots that ask for more than `factors` has are passed over; the others are tried, those without a
        password first. When a slot costs more than the default, `allow_cost` is asked; without it the slot is
        refused.

        Raises `WrongFactorError` when a slot was tried in vain, `MissingFactorError` when none could be tried,
        `KdfCostError` when cost was the obstacle, `PasswordFormError`, and `DamagedSealError` when the file is
        not as it was sealed.
        """
        candidates = [slot for slot in self.slots if slot.opens_with(factors)]
        if not candidates:
            raise _missing(self.slots)
        too_costly: KdfParams | None = None
        tried: list[Slot] = []
        for slot in sorted(candidates, key=lambda slot: slot.kdf is not None):
            if slot.kdf is not None and slot.kdf.above_default and not (allow_cost and allow_cost(slot.kdf)):
                too_costly = slot.kdf
                continue
            tried.append(slot)
            try:
                file_key = primitives.unwrap(slot.key(factors), slot.wrapped)
            except primitives.AuthenticationError:
                continue
            return self.decrypt(file_key)
        if too_costly is not None:
            raise KdfCostError(
                f"Trying a password on this sealed file takes {too_costly}, more than coldshare uses by itself.",
                next_step="Allow it if you know who sealed the file and this computer has the memory.",
            )
        raise _wrong(tried)

    def decrypt(self, file_key: bytes) -> bytes:
        """Return the plaintext, given the 32-byte file key. Raises `DamagedSealError`."""
        commitment = primitives.hkdf_expand(file_key, profile.INFO_COMMIT)
        if not hmac.compare_digest(commitment, self.commitment):
            raise DamagedSealError("commitment", "its key is not the one that its header commits to")
        try:
            return primitives.decrypt(
                primitives.hkdf_expand(file_key, profile.INFO_BODY), self.iv, self.ciphertext, self.aad
            )
        except primitives.AuthenticationError:
            raise DamagedSealError("body", "its header, slots or content are not as they were sealed") from None

    @property
    def aad(self) -> bytes:
        """The encoded Enc_structure of the body."""
        return _enc_structure(self.protected, [(slot.header, slot.wrapped) for slot in self.slots])


def parse(sealed: bytes) -> Envelope:
    """Return what `sealed` says in the open. Needs no secret, and proves nothing.

    Raises `SealTooLargeError` before looking at a byte, `UnsupportedSealError` for another version or suite,
    `KdfCostError` for password parameters out of bounds, `DamagedSealError` for everything else.
    """
    if len(sealed) > profile.SEALED_MAX:
        raise SealTooLargeError(f"This file has {len(sealed)} bytes; a sealed file has at most {profile.SEALED_MAX}.")
    match _decode(sealed, "envelope", tag=profile.COSE_ENCRYPT):
        case [bytes(protected), dict(unprotected), bytes(ciphertext), list(recipients)]:
            pass
        case [bytes(protected), *_]:
            # A later version may have another shape. Then its number is what matters.
            _parse_protected(protected)
            raise DamagedSealError("envelope", "it does not have the four parts of a sealed file")
        case _:
            raise DamagedSealError("envelope", "it does not have the four parts of a sealed file")
    fields = _parse_protected(protected)
    if unprotected:
        raise DamagedSealError("envelope", "it has a header that nothing protects")
    if len(ciphertext) <= profile.TAG_LEN:
        raise DamagedSealError("body", "it is empty")
    if len(ciphertext) > profile.PLAINTEXT_MAX + profile.TAG_LEN:
        raise SealTooLargeError(
            f"This sealed file holds {len(ciphertext) - profile.TAG_LEN} bytes; "
            f"at most {profile.PLAINTEXT_MAX} are allowed."
        )
    if not 1 <= len(recipients) <= profile.SLOTS_MAX:
        raise DamagedSealError("slots", f"there are {len(recipients)} of them, not 1 to {profile.SLOTS_MAX}")
    return Envelope(
        version=profile.VERSION_1,
        suite=profile.SUITE_1,
        backup_id=fields[profile.BACKUP_ID],
        declaration_digest=fields[profile.DECLARATION],
        slots=tuple(parse_recipient(recipient, number) for number, recipient in enumerate(recipients, 1)),
        protected=protected,
        iv=fields[profile.COSE_IV],
        commitment=fields[profile.COMMIT],
        ciphertext=ciphertext,
    )


_PROTECTED_LENGTHS = {
    profile.COSE_IV: profile.IV_LEN,
    profile.BACKUP_ID: profile.BACKUP_ID_LEN,
    profile.COMMIT: profile.KEY_LEN,
    profile.DECLARATION: profile.DIGEST_LEN,
}
_PROTECTED_NUMBERS = (profile.COSE_ALG, profile.VERSION, profile.SUITE)


def _parse_protected(protected: bytes) -> dict[int, bytes]:
    """Return the byte strings of the protected header, by label, all present and of the right length."""
    where = "protected header"
    header = _decode(protected, where)
    if not isinstance(header, dict):
        raise DamagedSealError(where, "it is not a map")
    # The version comes first: a later one may change everything else here.
    for label, supported, name in (
        (profile.VERSION, profile.VERSION_1, "version"),
        (profile.SUITE, profile.SUITE_1, "suite"),
    ):
        number = header.get(label)
        if not isinstance(number, int) or isinstance(number, bool):
            raise DamagedSealError(where, f"it has no {name}")
        if number != supported:
            raise UnsupportedSealError(
                f"This sealed file has the format {name} {number}; this coldshare knows {supported}."
            )
    if header.get(profile.COSE_ALG) != profile.A256GCM:
        raise DamagedSealError(where, "its algorithm is not the one of its suite")
    if header.keys() != {*_PROTECTED_NUMBERS, *_PROTECTED_LENGTHS}:
        raise DamagedSealError(where, "it does not have exactly the labels of its version")
    fields: dict[int, bytes] = {}
    for label, length in _PROTECTED_LENGTHS.items():
        value = header[label]
        if not isinstance(value, bytes) or len(value) != length:
            raise DamagedSealError(where, f"label {label} is not a byte string of {length} bytes")
        fields[label] = value
    return fields


def _decode(data: bytes, where: str, tag: int | None = None) -> Value:
    try:
        return codec.decode(data, limit=profile.SEALED_MAX, negative_keys=True, tag=tag)
    except CodecError as error:
        raise DamagedSealError(where, f"{codec.REASONS[error.reason]}, at byte {error.at}") from error


def _enc_structure(protected: bytes, slots: Sequence[tuple[dict[int, Value], bytes]]) -> bytes:
    """Return the Enc_structure of RFC 9052 section 5.3, with the digest of all slots as external_aad."""
    slots_digest = hashlib.sha256(codec.encode([[header, wrapped] for header, wrapped in slots])).digest()
    return codec.encode(["Encrypt", protected, slots_digest])


def _opens(sealed: bytes, keys: Sequence[bytes], plaintext: bytes) -> bool:
    """Tell whether every slot of `sealed` leads to `plaintext`. Deriving the keys again would cost seconds."""
    envelope = parse(sealed)
    try:
        return all(
            envelope.decrypt(primitives.unwrap(key, slot.wrapped)) == plaintext
            for slot, key in zip(envelope.slots, keys, strict=True)
        )
    except (primitives.AuthenticationError, DamagedSealError):
        return False


def _draw(random: Callable[[int], bytes], length: int) -> bytes:
    drawn = random(length)
    if len(drawn) != length:
        raise ValueError(f"the source of randomness gave {len(drawn)} bytes instead of {length}")
    return drawn


_WORDS = {
    "password": "the password",
    "token": "the token",
    "fido2": "the FIDO2 key",
    "recovery": "the recovery code",
}


def _missing(slots: Sequence[Slot]) -> MissingFactorError:
    ways = [
        " and ".join(_WORDS[name] for name in slot.names)
        if slot.known
        else "something that this version of coldshare does not know"
        for slot in slots
    ]
    listed = "; or with ".join(dict.fromkeys(ways))
    return MissingFactorError(
        f"What was given is not enough to open this sealed file. It opens with {listed}.",
        [slot.names if slot.known else () for slot in slots],
    )


_WRONG = {
    "password": "the password is wrong",
    "token": "this token is not the one that it was sealed with",
    "fido2": "this FIDO2 key is not the one that it was sealed with",
    "recovery": "the recovery code is wrong",
}


def _wrong(tried: Sequence[Slot]) -> WrongFactorError:
    """Say what can be wrong. Inside one slot nothing tells the factors apart, and damage looks the same."""
    names = [name for name in _WRONG if any(name in slot.names for slot in tried)]
    return WrongFactorError(
        f"This sealed file does not open: {', or '.join(_WRONG[name] for name in names)}. "
        "A sealed file that was damaged in its slots looks the same."
    )
