"""The key shares of the GG20 library: JSON, one per curve. Their layout, and whether their numbers belong together.

    {pub_key, ecdsa_local_data: {...}, eddsa_local_data: {...}, keygen_committee_keys: [party ids],
     local_party_key: party id, chain_code_hex, reshare_prefix}

Each text fills the data of its own curve and leaves the other's null. In both: Xi (secret), ShareID = own x_k,
Ks = [x_k], BigXj = [Xk*G as {Curve, Coords: [x, y]}], and the public key, ECDSAPub or EDDSAPub. In the ECDSA data
besides: the party's Paillier key (PaillierSK, secret) and ring-Pedersen numbers (NTildei, H1i, H2i and their secrets
Alpha, Beta, P, Q), and those of all parties (PaillierPKs, NTildej, H1j, H2j).

x_k is the party's name: reshare_prefix + party id, as UTF-8, read as a big-endian number. All lists are in the order
of Ks, which ascends; that place is the party index. (`signers` of the vault around them has another order on every
device.) A keygen leaves reshare_prefix empty, a reshare never does. The threshold is nowhere in the share: the library
computes it from the number of parties, and so does this reader, which then proves it (`gg20_degree`).

The Paillier and ring-Pedersen secrets are checked with Python's integers, which are not constant-time; it happens on
the owner's own computer, once per reading. Xi goes to libsecp256k1 and libsodium, as all shares do.
Source: vultisig/mobile-tss-lib, tss/local_state.go, tss.go, common.go; bnb-chain/tss-lib v2.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from . import curves, json_text
from .checks import Checks
from .errors import FieldError
from .fields import bounded, identity, showable
from .json_text import JsonError, JsonObject
from .limits import MAX_PARTIES
from .shamir import Interpolate, PublicShares, check_public_shares

_WHERE: Final = "key_shares"
_GENERATION_LABEL: Final = b"coldshare/1 gg20 generation"


@dataclass(frozen=True, slots=True)
class Gg20Public:
    """The public values of a checked pair of key shares. Every tuple is by party index."""

    threshold: int
    index: int
    parties: tuple[str, ...]
    #: 32 bytes; see `generation_of`.
    generation: bytes
    #: Empty before the first reshare.
    reshare_prefix: str
    chain_code: bytes
    #: x_k mod the order of the curve, 32 bytes big endian.
    points_ecdsa: tuple[bytes, ...]
    points_eddsa: tuple[bytes, ...]
    #: BigXj: 33 bytes compressed, and 32 bytes.
    public_shares_ecdsa: tuple[bytes, ...]
    public_shares_eddsa: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Gg20Half:
    """The public values of one key share."""

    committee: frozenset[str]
    party: str
    reshare_prefix: str
    chain_code_hex: str
    #: Ks, as they are.
    points: tuple[int, ...]
    own_point: int
    public_shares: tuple[bytes, ...]
    public_key: bytes


@dataclass(frozen=True, slots=True)
class _Curve:
    half: str
    data: str
    key: str
    name: str
    order: int
    from_coordinates: Callable[[int, int], bytes | None]
    times_base: Callable[[int], bytes | None]
    interpolate: Interpolate


def _times_g(secret: int) -> bytes | None:
    return curves.secp256k1_times_base(secret.to_bytes(32, "big"))


def _times_b(secret: int) -> bytes | None:
    return curves.ed25519_times_base(secret.to_bytes(32, "little"))


_ECDSA: Final = _Curve(
    half="ECDSA",
    data="ecdsa_local_data",
    key="ECDSAPub",
    name="secp256k1",
    order=curves.SECP256K1_ORDER,
    from_coordinates=curves.secp256k1_from_coordinates,
    times_base=_times_g,
    interpolate=curves.secp256k1_interpolate,
)
_EDDSA: Final = _Curve(
    half="EdDSA",
    data="eddsa_local_data",
    key="EDDSAPub",
    name="ed25519",
    order=curves.ED25519_ORDER,
    from_coordinates=curves.ed25519_from_coordinates,
    times_base=_times_b,
    interpolate=curves.ed25519_interpolate,
)


def threshold_of(parties: int) -> int:
    """Parties needed to sign, of so many: two thirds, rounded up. (The library stores one less.)"""
    return -(-2 * parties // 3)


def generation_of(ecdsa: Gg20Half, eddsa: Gg20Half) -> bytes:
    """An id of the keygen or reshare that made these shares: 32 bytes, no secret.

    GG20 has no session id. This is SHA-256 over a label, the reshare prefix, both public keys and, for every party,
    x_k and its public shares Xk*G on both curves; each part preceded by its size. All parties of one generation hold
    the same lists in the same order, so it is equal for all of them. A reshare draws new polynomials, so every Xk*G
    changes, even where the committee (and with it the prefix, a CRC-32 of the names) is one that was there before.
    Both halves count: shares of which only one half has been reshared are of a generation of their own.
    """
    digest = hashlib.sha256()
    parts = [_GENERATION_LABEL, ecdsa.reshare_prefix.encode(), ecdsa.public_key, eddsa.public_key]
    for point, ecdsa_share, eddsa_share in zip(ecdsa.points, ecdsa.public_shares, eddsa.public_shares, strict=True):
        parts += [_point_name(point), ecdsa_share, eddsa_share]
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def read_gg20_ecdsa(text: str, checks: Checks) -> Gg20Half:
    """The public values of an ECDSA key share, after every check that needs only it.

    Raises `FieldError` with the path of a field that is missing or of the wrong kind, `ShareCheckError`.
    """
    share = _parse(text)
    half = _read_half(share, _ECDSA, checks)
    _check_paillier(share.record(_ECDSA.data), half, checks)
    return half


def read_gg20_eddsa(text: str, checks: Checks) -> Gg20Half:
    """As `read_gg20_ecdsa`, for the EdDSA key share."""
    return _read_half(_parse(text), _EDDSA, checks)


def join_halves(ecdsa: Gg20Half, eddsa: Gg20Half, checks: Checks) -> Gg20Public:
    """Both halves as one share. Raises `ShareCheckError` where they are not of one, `FieldError`."""
    for what, of_ecdsa, of_eddsa in (
        ("keygen_committee_keys", ecdsa.committee, eddsa.committee),
        ("local_party_key", ecdsa.party, eddsa.party),
        ("reshare_prefix", ecdsa.reshare_prefix, eddsa.reshare_prefix),
        ("Ks", ecdsa.points, eddsa.points),
        ("chain_code_hex", ecdsa.chain_code_hex, eddsa.chain_code_hex or ecdsa.chain_code_hex),
    ):
        checks.require("gg20_halves", of_ecdsa == of_eddsa, f"They differ in {what}.")
    try:
        chain_code = bytes.fromhex(ecdsa.chain_code_hex)
    except ValueError:
        raise FieldError(f"{_WHERE}.chain_code_hex", "should be hexadecimal digits, and is not") from None
    by_point = {_point(ecdsa.reshare_prefix, party): party for party in ecdsa.committee}
    return Gg20Public(
        threshold=threshold_of(len(ecdsa.points)),
        index=ecdsa.points.index(ecdsa.own_point),
        parties=tuple(by_point[point] for point in ecdsa.points),
        generation=generation_of(ecdsa, eddsa),
        reshare_prefix=ecdsa.reshare_prefix,
        chain_code=chain_code,
        points_ecdsa=_in_field(ecdsa.points, curves.SECP256K1_ORDER),
        points_eddsa=_in_field(eddsa.points, curves.ED25519_ORDER),
        public_shares_ecdsa=ecdsa.public_shares,
        public_shares_eddsa=eddsa.public_shares,
    )


def _parse(text: str) -> JsonObject:
    try:
        return json_text.parse(text, root=_WHERE)
    except JsonError as error:
        raise FieldError(_WHERE, str(error)) from None


def _read_half(share: JsonObject, curve: _Curve, checks: Checks) -> Gg20Half:
    data = share.record(curve.data)
    where = f"It is the {curve.half} one. "
    names = share.texts("keygen_committee_keys")
    checks.require("gg20_parties", 2 <= len(names) <= MAX_PARTIES, f"{where}It names {len(names)} of them.")
    committee = frozenset(identity(share.path("keygen_committee_keys"), name) for name in names)
    party = identity(share.path("local_party_key"), share.text("local_party_key"))
    prefix_at = share.path("reshare_prefix")
    prefix = showable(prefix_at, bounded(prefix_at, share.text("reshare_prefix", default="")))

    points = data.integers("Ks")
    points_xy = data.records("BigXj")
    checks.require(
        "gg20_lists",
        len(points) == len(points_xy) == len(names),
        f"{where}For {len(names)} parties there are {len(points)} Ks and {len(points_xy)} BigXj.",
    )
    reduced = {point % curve.order for point in points}
    checks.require(
        "gg20_points",
        points == sorted(points) and len(reduced) == len(points) and 0 not in reduced,
        f"{where}The field is {data.path('Ks')}.",
    )
    expected = sorted(_point(prefix, name) for name in committee)
    checks.require("gg20_names", points == expected, f"{where}The field is {data.path('Ks')}.")
    own = data.integer("ShareID")
    checks.require("gg20_share_id", own == _point(prefix, party), f"{where}The field is {data.path('ShareID')}.")
    checks.require("gg20_party", party in committee, f"{where}It says {party}, which the committee does not name.")
    index = points.index(own)

    public_key = _coordinates(data.record(curve.key), curve)
    checks.require("gg20_public_key_valid", public_key is not None, f"{where}It is {data.path(curve.key)}.")
    public_shares = []
    for at, xy in enumerate(points_xy):
        value = _coordinates(xy, curve)
        checks.require("gg20_public_shares_valid", value is not None, f"{where}It is {data.path('BigXj')}[{at}].")
        public_shares.append(value or b"")
    secret = data.integer("Xi")
    checks.require("gg20_secret_range", 0 < secret < curve.order, f"{where}The field is {data.path('Xi')}.")
    checks.require(
        "gg20_own_public_share",
        curve.times_base(secret) == public_shares[index],
        f"{where}Xi does not belong to BigXj[{index}].",
    )
    half = Gg20Half(
        committee=committee,
        party=party,
        reshare_prefix=prefix,
        chain_code_hex=bounded(share.path("chain_code_hex"), share.text("chain_code_hex", default="")).lower(),
        points=tuple(points),
        own_point=own,
        public_shares=tuple(public_shares),
        public_key=public_key or b"",
    )
    field_points = [point % curve.order for point in points]
    threshold = threshold_of(len(points))
    shares = PublicShares(field_points, public_shares, half.public_key, threshold, curve.interpolate)
    check_public_shares(shares, "gg20", where, checks)
    return half


def _check_paillier(data: JsonObject, half: Gg20Half, checks: Checks) -> None:
    """The numbers that GG20 signs with besides Xi: without them the share cannot sign, whatever Xi is."""
    parties, index = len(half.points), half.points.index(half.own_point)
    key = data.record("PaillierSK")
    n, totient, exponent = key.integer("N"), key.integer("PhiN"), key.integer("LambdaN")
    ring, h1, h2 = data.integer("NTildei"), data.integer("H1i"), data.integer("H2i")
    listed = {name: data.integers(name) for name in ("NTildej", "H1j", "H2j")}
    listed["PaillierPKs"] = [public.integer("N") for public in data.records("PaillierPKs")]
    for name, values in listed.items():
        checks.require("gg20_lists", len(values) == parties, f"For {parties} parties there are {len(values)} {name}.")
    for name, own in (("PaillierPKs", n), ("NTildej", ring), ("H1j", h1), ("H2j", h2)):
        checks.require("gg20_paillier_listed", listed[name][index] == own, f"The field is {data.path(name)}[{index}].")
    factors = (key.integer("P"), key.integer("Q")) if key.has("P") and key.has("Q") else None
    checks.require("gg20_paillier", _is_paillier(n, totient, exponent, factors), f"It is {data.path('PaillierSK')}.")
    alpha, beta, p, q = (data.integer(name) for name in ("Alpha", "Beta", "P", "Q"))
    checks.require(
        "gg20_ring_pedersen",
        p > 0
        and q > 0
        and ring == (2 * p + 1) * (2 * q + 1)
        and alpha * beta % (p * q) == 1
        and pow(h1, alpha, ring) == h2,
        f"They are NTildei, H1i, H2i, Alpha, Beta, P and Q of {data.path('')[:-1]}.",
    )


def _is_paillier(n: int, totient: int, exponent: int, factors: tuple[int, int] | None) -> bool:
    """Whether n = p*q, totient = (p-1)*(q-1), and the exponent is one of the group. Older shares lack p and q."""
    if not (n > 1 and n % 2 and 0 < exponent <= totient < n):
        return False
    half_sum, odd = divmod(n - totient + 1, 2)
    square = half_sum * half_sum - n
    if odd or square < 0 or math.isqrt(square) ** 2 != square:
        return False
    root = math.isqrt(square)
    known = factors is None or sorted(factors) == [half_sum - root, half_sum + root]
    return known and half_sum - root > 1 and totient % exponent == 0 and pow(2, exponent, n) == 1


def _coordinates(point: JsonObject, curve: _Curve) -> bytes | None:
    if point.text("Curve") != curve.name:
        raise FieldError(point.path("Curve"), f"should be {curve.name}, and is not")
    coordinates = point.integers("Coords")
    if len(coordinates) != 2:
        raise FieldError(point.path("Coords"), f"should be 2 numbers, and is {len(coordinates)}")
    return curve.from_coordinates(*coordinates)


def _point(prefix: str, party: str) -> int:
    return int.from_bytes((prefix + party).encode(), "big")


def _point_name(point: int) -> bytes:
    return point.to_bytes((point.bit_length() + 7) // 8, "big")


def _in_field(points: Sequence[int], order: int) -> tuple[bytes, ...]:
    return tuple((point % order).to_bytes(32, "big") for point in points)
