"""What the host tells a token about a share, and what it records inside the seal."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from coldshare.errors import IntegrityError
from coldshare_iface import wire
from coldshare_iface.messages import Declaration
from coldshare_iface.text import unshowable

if TYPE_CHECKING:
    from coldshare.vault import ShareFacts, VaultShare
    from coldshare_iface.codec import Encodable, Value

LIBRARIES = {"GG20": wire.LIBRARY_GG20, "DKLS": wire.LIBRARY_DKLS, "KEYIMPORT": wire.LIBRARY_KEYIMPORT}
_MARKED = re.compile(r" #[0-9a-f]{12}\Z")
_LIBRARY_NAMES = {number: name for name, number in LIBRARIES.items()}


class DeclarationMismatchError(IntegrityError):
    """What the token was told about this share is not what was sealed."""

    code = "declaration_mismatch"
    next_step = (
        "The computer that made this backup lied to the token, or the token lies now. Do not rely on this backup: "
        "make a new one of the device's own share, on another computer."
    )
    #: Where the seal was opened, and only the share inside is not what all else says: the declaration, and SHA-256 of
    #: the vault file. Neither is secret.
    inside: tuple[Declaration, bytes] | None = None


def declare(facts: ShareFacts) -> Declaration:
    """The declaration of a share; its nonce is fresh, so no two are equal."""
    return Declaration(
        vault=facts.public_key_ecdsa,
        name=showable_name(facts.vault_name),
        party=showable_party(facts.party),
        generation=facts.generation,
        threshold=facts.threshold,
        parties=facts.parties,
        library=LIBRARIES[facts.library],
        nonce=secrets.token_bytes(wire.DECLARATION_NONCE),
    )


def digest(declared: bytes) -> bytes:
    """The 32 bytes in the seal's header that bind it to what the token was told."""
    return hashlib.sha256(declared).digest()


def library_name(number: int) -> str:
    return _LIBRARY_NAMES.get(number, f"library {number}")


def agree(declared: Declaration, facts: ShareFacts) -> None:
    """Raise DeclarationMismatchError, naming the field, unless `declared` tells of this very share."""
    for field, said, found in (
        ("vault", declared.vault, facts.public_key_ecdsa),
        ("name of the vault", declared.name, showable_name(facts.vault_name)),
        ("party", declared.party, showable_party(facts.party)),
        ("generation", declared.generation, facts.generation),
        ("threshold", declared.threshold, facts.threshold),
        ("number of parties", declared.parties, facts.parties),
        ("library", declared.library, LIBRARIES[facts.library]),
    ):
        if said != found:
            raise DeclarationMismatchError(f"The token was told another {field} than the share inside has.")


def agree_record(declared: Declaration, record: dict[int, Value]) -> None:
    """As `agree`, for a share that cannot be looked at: by what was recorded when it could."""
    name, party, signers = record.get(1), record.get(2), record.get(3)
    for field, said, found in (
        ("vault", declared.vault, record.get(5)),
        ("name of the vault", declared.name, showable_name(name) if isinstance(name, str) else None),
        ("party", declared.party, showable_party(party) if isinstance(party, str) else None),
        ("generation", declared.generation, record.get(7)),
        ("threshold", declared.threshold, record.get(14)),
        ("number of parties", declared.parties, len(signers) if isinstance(signers, list) else None),
        ("library", declared.library, record.get(15)),
    ):
        if said != found:
            raise DeclarationMismatchError(f"The token was told another {field} than was recorded with the share.")


def record(share: VaultShare) -> dict[int, Encodable]:
    """The public facts that travel inside the seal, for the day when other shares are compared with this one."""
    facts = share.facts
    return {
        1: facts.vault_name,
        2: facts.party,
        3: list(facts.signers),
        4: facts.index,
        5: facts.public_key_ecdsa,
        6: facts.public_key_eddsa,
        7: facts.generation,
        8: facts.reshared,
        9: list(facts.points_ecdsa),
        10: list(facts.public_shares_ecdsa),
        11: facts.public_share_eddsa,
        12: str(share.encryption),
        13: facts.point_eddsa,
        14: facts.threshold,
        15: LIBRARIES[facts.library],
    }


def showable_name(text: str) -> str:
    """A vault's name as a token can show it: at most 96 bytes, nothing invisible."""
    return _cut(_visible(text), wire.NAME_MAX)


def showable_party(party: str) -> str:
    """A party's id as a token can show it. Ids that had to be altered stay apart by a mark of the original.

    An id that looks as if it were marked is marked too, or a party could take the altered name of another one.
    """
    shown = _visible(party)
    if shown == party and 1 <= len(party.encode()) <= wire.NAME_MAX and not _MARKED.search(party):
        return party
    mark = " #" + hashlib.sha256(party.encode()).hexdigest()[:12]
    return _cut(shown, wire.NAME_MAX - len(mark)) + mark


def _visible(text: str) -> str:
    return "".join("?" if unshowable(ord(char)) else char for char in text)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
