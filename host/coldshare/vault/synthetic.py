"""Throw-away vaults of honest size and layout, for the demo and for tests. They hold nobody's money.

Both halves of every share are true Shamir shares of fresh keys, laid out as the DKLS library's keygen writes them:
`read_share` accepts them, and any `t` of them interpolate to the keys. They cannot sign, because the OT seeds are
random and agree with no other party's. They are never zeros: two shares with zeroed seeds would sign, under seeds
that anyone can guess.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from . import base64text, curves
from .dkls import MAGIC, OT_SEEDS_SIZE
from .encryption import NONCE_SIZE, SALT_SIZE, VLT2_MAGIC, legacy_key, vlt2_key
from .limits import MAX_PARTIES

#: Gives so many random bytes.
Random = Callable[[int], bytes]

#: Every other draw is in range, or nearly every one: so many misses in a row do not happen by chance.
_MAX_TRIES: Final = 256
_BAD_RANDOM: Final = "the random source repeats itself or is stuck"


@dataclass(frozen=True, slots=True)
class SyntheticShare:
    """One party's share of a throw-away vault."""

    party: str
    #: As the vendor's phone apps name it.
    file_name: str
    #: The plain `.vult` file.
    vult: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChainGroup:
    """Chains that have one key among them, besides the vault's own two keys."""

    chains: tuple[str, ...]
    is_eddsa: bool = False


@dataclass(frozen=True, slots=True)
class _Generation:
    """What all shares of one keygen have in common."""

    parties: int
    threshold: int
    session_id: bytes
    chain_code: bytes
    ecdsa_key: bytes
    ecdsa_key_id: bytes
    points: list[bytes]
    public_shares: list[bytes]
    eddsa_key: bytes
    eddsa_key_id: bytes
    eddsa_chain_code: bytes


def make_vault(
    name: str,
    party_ids: Sequence[str],
    threshold: int,
    *,
    created_at: int = 0,
    random: Random = secrets.token_bytes,
) -> list[SyntheticShare]:
    """A new vault in which any `threshold` of `party_ids` can sign, one share per party in their order.

    `created_at` is in Unix seconds. Raises `ValueError` for a committee that no vault can have.
    """
    return _make(name, party_ids, threshold, [], created_at, random)


def make_key_import(
    name: str,
    party_ids: Sequence[str],
    threshold: int,
    groups: Sequence[ChainGroup],
    *,
    created_at: int = 0,
    random: Random = secrets.token_bytes,
) -> list[SyntheticShare]:
    """As `make_vault`, a vault as the apps make one of an imported seed: every group of chains has a key of its own."""
    return _make(name, party_ids, threshold, groups, created_at, random)


def _make(
    name: str,
    party_ids: Sequence[str],
    threshold: int,
    groups: Sequence[ChainGroup],
    created_at: int,
    random: Random,
) -> list[SyntheticShare]:
    parties = len(party_ids)
    if not 2 <= threshold <= parties <= MAX_PARTIES or len(set(party_ids)) != parties:
        raise ValueError("a vault has 2 to 32 different parties and a threshold from 2 to their number")
    keygens = [_keygen(parties, threshold, random) for _ in range(1 + len(groups))]
    shares = []
    for index, party in enumerate(party_ids):
        root, *others = ((keygen.generation, keygen.share(index, random)) for keygen in keygens)
        vult = _vult(name, party_ids, index, root, list(zip(groups, others, strict=True)), created_at)
        shares.append(SyntheticShare(party, _file_name(name, keygens[0].generation, index), vult))
    return shares


@dataclass(frozen=True, slots=True)
class _Keygen:
    """A run of keygen, with the secrets of all parties."""

    generation: _Generation
    ecdsa_secrets: list[bytes]
    eddsa_secrets: list[bytes]
    zeta_seeds: dict[tuple[int, int], bytes]

    def share(self, index: int, random: Random) -> tuple[bytes, bytes]:
        """The raw ECDSA and EdDSA share of a party."""
        return (
            _dkls_share(self.generation, index, self.ecdsa_secrets[index], self.zeta_seeds, random),
            _schnorr_share(self.generation, index, self.eddsa_secrets[index]),
        )


def _keygen(parties: int, threshold: int, random: Random) -> _Keygen:
    order = curves.SECP256K1_ORDER
    points = _distinct(parties, order, random)
    ecdsa = [_scalar(order, random) for _ in range(threshold)]
    ecdsa_secrets = [_evaluate(ecdsa, point, order).to_bytes(32, "big") for point in points]
    eddsa = [_scalar(curves.ED25519_ORDER, random) for _ in range(threshold)]
    generation = _Generation(
        parties=parties,
        threshold=threshold,
        session_id=random(32),
        chain_code=random(32),
        ecdsa_key=_secp256k1_public(ecdsa[0].to_bytes(32, "big")),
        ecdsa_key_id=random(32),
        points=[point.to_bytes(32, "big") for point in points],
        public_shares=[_secp256k1_public(secret) for secret in ecdsa_secrets],
        eddsa_key=_ed25519_public(eddsa[0].to_bytes(32, "little")),
        eddsa_key_id=random(32),
        eddsa_chain_code=random(32),
    )
    return _Keygen(
        generation,
        ecdsa_secrets,
        [_evaluate(eddsa, k + 1, curves.ED25519_ORDER).to_bytes(32, "little") for k in range(parties)],
        {(a, b): random(32) for a in range(parties) for b in range(a + 1, parties)},
    )


def encrypt_legacy(vult: bytes, password: str, *, random: Random = secrets.token_bytes) -> bytes:
    """A plain `.vult` as the older apps encrypt it: one SHA-256 of the password. For tests only."""
    nonce = random(NONCE_SIZE)
    return _encrypted(vult, lambda vault: nonce + _seal(legacy_key(password.encode()), nonce, vault))


def encrypt_vlt2(vult: bytes, password: str, *, random: Random = secrets.token_bytes) -> bytes:
    """A plain `.vult` as the current apps encrypt it, `VLT\\x02`. For tests only."""
    salt, nonce = random(SALT_SIZE), random(NONCE_SIZE)
    key = vlt2_key(password.encode(), salt)
    return _encrypted(vult, lambda vault: VLT2_MAGIC + salt + nonce + _seal(key, nonce, vault))


def _distinct(count: int, order: int, random: Random) -> list[int]:
    points = [_scalar(order, random) for _ in range(count)]
    if len(set(points)) != count:
        raise ValueError(_BAD_RANDOM)
    return points


def _scalar(order: int, random: Random) -> int:
    """Uniform in 1..order-1, by rejection; both orders are above 2^252, so the top bits are cut to fit."""
    for _ in range(_MAX_TRIES):
        scalar = int.from_bytes(random(32), "big") >> (256 - order.bit_length())
        if 0 < scalar < order:
            return scalar
    raise ValueError(_BAD_RANDOM)


def _evaluate(coefficients: Sequence[int], at: int, order: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * at + coefficient) % order
    return value


def _secp256k1_public(secret: bytes) -> bytes:
    return _not_infinity(curves.secp256k1_times_base(secret))


def _ed25519_public(secret: bytes) -> bytes:
    return _not_infinity(curves.ed25519_times_base(secret))


def _not_infinity(point: bytes | None) -> bytes:
    if point is None:
        raise ValueError(_BAD_RANDOM)
    return point


def _dkls_share(
    generation: _Generation,
    index: int,
    secret: bytes,
    zeta_seeds: dict[tuple[int, int], bytes],
    random: Random,
) -> bytes:
    parties = generation.parties
    # One seed per pair of parties, in the order of the others; the library leaves the last slot empty.
    zeta = [zeta_seeds[min(index, k), max(index, k)] for k in range(parties) if k != index] + [bytes(32)]
    header = (
        MAGIC
        + bytes(4)
        + bytes([parties, generation.threshold, index])
        + generation.session_id
        + generation.chain_code
        + generation.ecdsa_key
        + generation.ecdsa_key_id
        + secret
    )
    entries = [
        b"\x00" + public_share + point + seed
        for public_share, point, seed in zip(generation.public_shares, generation.points, zeta, strict=True)
    ]
    return header + b"".join(entries) + random(OT_SEEDS_SIZE * (parties - 1))


def _schnorr_share(generation: _Generation, index: int, secret: bytes) -> bytes:
    return (
        bytes([generation.threshold, generation.parties, index])
        + secret
        + generation.eddsa_key
        + generation.eddsa_key_id
        + b"\x00"
        + generation.eddsa_chain_code
    )


#: What one party has of one keygen: the public side, the raw ECDSA share and the raw EdDSA share.
_Part: TypeAlias = "tuple[_Generation, tuple[bytes, bytes]]"


def _vult(
    name: str,
    party_ids: Sequence[str],
    index: int,
    root: _Part,
    groups: Sequence[tuple[ChainGroup, _Part]],
    created_at: int,
) -> bytes:
    from google.protobuf.timestamp_pb2 import Timestamp

    from .vault_pb2 import LIB_TYPE_DKLS, LIB_TYPE_KEYIMPORT, Vault, VaultContainer

    generation, (ecdsa_share, eddsa_share) = root
    vault = Vault(
        name=name,
        public_key_ecdsa=generation.ecdsa_key.hex(),
        public_key_eddsa=generation.eddsa_key.hex(),
        signers=party_ids,
        created_at=Timestamp(seconds=created_at),
        hex_chain_code=generation.chain_code.hex(),
        local_party_id=party_ids[index],
        lib_type=LIB_TYPE_KEYIMPORT if groups else LIB_TYPE_DKLS,
    )
    keys = [(generation.ecdsa_key, ecdsa_share), (generation.eddsa_key, eddsa_share)]
    for group, (of_group, shares) in groups:
        key = of_group.eddsa_key if group.is_eddsa else of_group.ecdsa_key
        keys.append((key, shares[group.is_eddsa]))
        for chain in group.chains:
            vault.chain_public_keys.add(chain=chain, public_key=key.hex(), is_eddsa=group.is_eddsa)
    for key, share in keys:
        vault.key_shares.add(public_key=key.hex(), keyshare=base64text.encode(share).decode())
    inner = base64text.encode(vault.SerializeToString(deterministic=True)).decode()
    return base64text.encode(VaultContainer(version=1, vault=inner).SerializeToString(deterministic=True))


def _file_name(name: str, generation: _Generation, index: int) -> str:
    safe = re.sub(r"[^\w-]", "", name)
    return f"{safe}-{generation.ecdsa_key.hex()[-4:]}-share{index + 1}of{generation.parties}.vult"


def _encrypted(vult: bytes, seal: Callable[[bytes], bytes]) -> bytes:
    from .vault_pb2 import VaultContainer

    container = VaultContainer.FromString(base64text.decode(vult))
    container.vault = base64text.encode(seal(base64text.decode(container.vault.encode()))).decode()
    container.is_encrypted = True
    return base64text.encode(container.SerializeToString(deterministic=True))


def _seal(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, plaintext, None)
