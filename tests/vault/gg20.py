"""Throw-away GG20 vaults, as vultisig/mobile-tss-lib writes them, and taking one apart to change one thing.

The Paillier and ring-Pedersen primes are short, so that a vault is made in no time; nothing that is checked depends on
their size. Everything else is of honest size.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import lcm
from typing import Any

from coldshare.vault.curves import ED25519_ORDER, SECP256K1_ORDER, ed25519_times_base, secp256k1_times_base
from coldshare.vault.vault_pb2 import Vault, VaultContainer

P_ED = 2**255 - 19
P_SECP = 2**256 - 2**32 - 977


@dataclass
class Gg20Share:
    """A share in pieces, all of them open to change. `ecdsa` and `eddsa` are the JSON of the key shares."""

    vault: Vault
    ecdsa: dict[str, Any]
    eddsa: dict[str, Any]

    def vult(self) -> bytes:
        """The file, with the key shares as they are now; those of the vault beyond two stay."""
        rest = list(self.vault.key_shares)[2:]
        del self.vault.key_shares[:]
        for text in (self.ecdsa, self.eddsa):
            self.vault.key_shares.add(public_key=text["pub_key"], keyshare=json.dumps(text, indent=2))
        self.vault.key_shares.extend(rest)
        return pack(self.vault)

    def edited(self, change: Callable[[Gg20Share], object]) -> bytes:
        """The file with one change; this share stays as it is."""
        copy = Gg20Share(Vault.FromString(self.vault.SerializeToString()), *map(_copy, (self.ecdsa, self.eddsa)))
        change(copy)
        return copy.vult()


def pack(vault: Vault) -> bytes:
    inner = base64.b64encode(vault.SerializeToString()).decode()
    return base64.b64encode(VaultContainer(version=1, vault=inner).SerializeToString())


def _copy(value: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(value))
    return copied


def open_gg20(vult: bytes) -> Gg20Share:
    container = VaultContainer.FromString(base64.b64decode(vult))
    vault = Vault.FromString(base64.b64decode(container.vault))
    return Gg20Share(vault, *(json.loads(share.keyshare) for share in vault.key_shares))


def is_prime(n: int) -> bool:
    """Fermat's test to two bases: enough for random numbers."""
    return n % 3 != 0 and n % 5 != 0 and n % 7 != 0 and pow(2, n - 1, n) == pow(3, n - 1, n) == 1


@cache
def prime(number: int, bits: int = 128) -> int:
    """A prime; another one for every `number`."""
    candidate = secrets.randbits(bits) | 1 << (bits - 1) | 1
    while not is_prime(candidate):
        candidate += 2
    return candidate


@cache
def germain(number: int, bits: int = 96) -> int:
    """A prime p such that 2p + 1 is one."""
    candidate = secrets.randbits(bits) | 1 << (bits - 1) | 1
    while not (is_prime(candidate) and is_prime(2 * candidate + 1)):
        candidate += 2
    return candidate


def secp_xy(point: bytes) -> list[int]:
    x = int.from_bytes(point[1:], "big")
    y = pow(x**3 + 7, (P_SECP + 1) // 4, P_SECP)
    return [x, y if y % 2 == point[0] % 2 else P_SECP - y]


def ed_xy(point: bytes) -> list[int]:
    y = int.from_bytes(point, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    d = -121665 * pow(121666, -1, P_ED) % P_ED
    square = (y * y - 1) * pow(d * y * y + 1, -1, P_ED) % P_ED
    x = pow(square, (P_ED + 3) // 8, P_ED)
    if (x * x - square) % P_ED:
        x = x * pow(2, (P_ED - 1) // 4, P_ED) % P_ED
    return [P_ED - x if x % 2 != sign else x, y]


def make_gg20(
    name: str,
    parties: Sequence[str],
    *,
    threshold: int | None = None,
    prefix: str = "",
    keys: tuple[int, int] | None = None,
    factors: bool = True,
) -> list[Gg20Share]:
    """One share per party, in their order. `keys` are the secrets, so that a reshare can keep them."""
    count = len(parties)
    t = threshold or -(-2 * count // 3)
    points = {party: int.from_bytes((prefix + party).encode(), "big") for party in parties}
    order = sorted(parties, key=points.__getitem__)
    ks = [points[party] for party in order]
    orders = (SECP256K1_ORDER, ED25519_ORDER)
    polynomials = [
        [(keys or (None, None))[half] or secrets.randbelow(q - 1) + 1]
        + [secrets.randbelow(q - 1) + 1 for _ in range(t - 1)]
        for half, q in enumerate(orders)
    ]

    def ecdsa_point(secret: int) -> bytes:
        return secp256k1_times_base((secret % SECP256K1_ORDER).to_bytes(32, "big")) or b""

    def eddsa_point(secret: int) -> bytes:
        return ed25519_times_base((secret % ED25519_ORDER).to_bytes(32, "little")) or b""

    xs = [
        [evaluate(polynomials[0], k, SECP256K1_ORDER) for k in ks],
        [evaluate(polynomials[1], k, ED25519_ORDER) for k in ks],
    ]
    ecdsa_key, eddsa_key = ecdsa_point(polynomials[0][0]), eddsa_point(polynomials[1][0])
    big_x = [
        [{"Curve": "secp256k1", "Coords": secp_xy(ecdsa_point(x))} for x in xs[0]],
        [{"Curve": "ed25519", "Coords": ed_xy(eddsa_point(x))} for x in xs[1]],
    ]
    own = [_own_numbers(index, factors) for index in range(count)]
    chain_code = secrets.token_hex(32)
    made = []
    for party in parties:
        index = order.index(party)
        common = {
            "keygen_committee_keys": sorted(parties),
            "local_party_key": party,
            "reshare_prefix": prefix,
        }
        ecdsa = {
            "pub_key": ecdsa_key.hex(),
            "ecdsa_local_data": {
                **own[index],
                "Xi": xs[0][index],
                "ShareID": ks[index],
                "Ks": ks,
                "NTildej": [numbers["NTildei"] for numbers in own],
                "H1j": [numbers["H1i"] for numbers in own],
                "H2j": [numbers["H2i"] for numbers in own],
                "BigXj": big_x[0],
                "PaillierPKs": [{"N": numbers["PaillierSK"]["N"]} for numbers in own],
                "ECDSAPub": {"Curve": "secp256k1", "Coords": secp_xy(ecdsa_key)},
            },
            "eddsa_local_data": dict.fromkeys(("Xi", "ShareID", "Ks", "BigXj", "EDDSAPub")),
            **common,
            "chain_code_hex": chain_code,
        }
        eddsa = {
            "pub_key": eddsa_key.hex(),
            "ecdsa_local_data": dict.fromkeys((*own[index], "Xi", "ShareID", "Ks", "BigXj", "ECDSAPub")),
            "eddsa_local_data": {
                "Xi": xs[1][index],
                "ShareID": ks[index],
                "Ks": ks,
                "BigXj": big_x[1],
                "EDDSAPub": {"Curve": "ed25519", "Coords": ed_xy(eddsa_key)},
            },
            **common,
            "chain_code_hex": "",
        }
        vault = Vault(
            name=name,
            public_key_ecdsa=ecdsa_key.hex(),
            public_key_eddsa=eddsa_key.hex(),
            signers=[party, *(other for other in parties if other != party)],  # own name first, as the apps do
            hex_chain_code=chain_code,
            local_party_id=party,
            reshare_prefix=prefix,
        )
        vault.created_at.seconds = 1_700_000_000 + index
        share = Gg20Share(vault, _copy(ecdsa), _copy(eddsa))
        share.vult()
        made.append(share)
    return made


def evaluate(coefficients: Sequence[int], at: int, order: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * at + coefficient) % order
    return value


@cache
def _own_numbers(index: int, factors: bool) -> dict[str, Any]:
    p, q = prime(2 * index), prime(2 * index + 1)
    small_p, small_q = germain(2 * index), germain(2 * index + 1)
    ring, alpha = (2 * small_p + 1) * (2 * small_q + 1), 65537
    h1 = pow(7, 2, ring)
    key: dict[str, Any] = {"N": p * q, "LambdaN": lcm(p - 1, q - 1), "PhiN": (p - 1) * (q - 1)}
    return {
        "PaillierSK": {**key, "P": p, "Q": q} if factors else key,
        "NTildei": ring,
        "H1i": h1,
        "H2i": pow(h1, alpha, ring),
        "Alpha": alpha,
        "Beta": pow(alpha, -1, small_p * small_q),
        "P": small_p,
        "Q": small_q,
    }
