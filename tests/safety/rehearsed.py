"""Throw-away vaults with what only a test may know of them, and ledgers that tell of their drills."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypedDict

from coldshare.declare import LIBRARIES, showable_name, showable_party
from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Event, Place, Share
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import View
from coldshare.ledger.record import vault_seen
from coldshare.vault import ShareFacts, read_share
from coldshare.vault.synthetic import make_vault
from safety.integers import L, N, at_zero
from support.reshare import generations
from support.shell import share_secrets

HERE, THERE = bytes([1]) * 16, bytes([2]) * 16
DAY = 86_400 * 1_000_000
NOW = 1_760_000_000_000_000
NAMES = ("Phone", "Laptop", "Tablet", "Watch", "Desk")


@dataclass(frozen=True)
class Secret:
    """One share: what a file says of it, and its two secrets at their points."""

    facts: ShareFacts
    vult: bytes
    ecdsa: tuple[int, int]
    eddsa: tuple[int, int]

    @property
    def party(self) -> str:
        return showable_party(self.facts.party)

    @property
    def share(self) -> Share:
        facts = self.facts
        return Share(
            facts.public_key_ecdsa,
            showable_name(facts.vault_name),
            self.party,
            facts.generation,
            facts.threshold,
            facts.parties,
            LIBRARIES[facts.library],
        )


def secret(vult: bytes) -> Secret:
    facts, scalars = read_share(vult).facts, share_secrets(vult, None)
    return Secret(
        facts,
        vult,
        (int.from_bytes(facts.points_ecdsa[facts.index], "big"), int.from_bytes(scalars["s_i"], "big")),
        (facts.index + 1, int.from_bytes(scalars["EdDSA s_i"], "little")),
    )


@cache
def vault(threshold: int, parties: int) -> list[Secret]:
    return [secret(one.vult) for one in make_vault("Savings", NAMES[:parties], threshold)]


@cache
def reshared() -> list[list[Secret]]:
    """Two generations of one 2-of-3 vault, the older first."""
    return [[secret(one.vult) for one in run] for run in generations(2)]


def keys(shares: Sequence[Secret]) -> tuple[int, int]:
    """The two private keys, which nobody but a test ever has."""
    some = shares[: shares[0].facts.threshold]
    return at_zero([one.ecdsa for one in some], N), at_zero([one.eddsa for one in some], L)


def place(number: int) -> Place:
    return Place(e.TOKEN, bytes([number]) * 8)


def backup_id(number: int) -> bytes:
    return bytes([number]) * 16


def stored(one: Secret, number: int, *, recovery: bool = True) -> list[Body]:
    """Backup `number`, at the place of that number, and what its file told."""
    return [
        *vault_seen(one.share, one.facts),
        e.BackupStored(place(number), backup_id(number), one.share, 1000, e.ACTIVE, recovery),
    ]


class Values(TypedDict, total=False):
    """What a drill records of a share."""

    ecdsa: bytes
    eddsa: bytes
    digest: bytes


def drilled(one: Secret, number: int, *, good: bool = True, instead: Values | None = None) -> list[Body]:
    """As the command records it, with `instead` of what is so."""
    facts, values = one.facts, instead or {}
    result = e.DrillResult(
        place(number),
        backup_id(number),
        one.share,
        good,
        values.get("ecdsa", facts.public_shares_ecdsa[facts.index]) if good else None,
        values.get("eddsa", facts.public_share_eddsa) if good else None,
        values.get("digest", hashlib.sha256(one.vult).digest()),
    )
    return [*(vault_seen(one.share, facts) if good and not values else []), result]


class Told:
    """A ledger in memory, told one thing after the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, bodies: Sequence[Body], *, at: int = NOW, host: bytes = HERE) -> Told:
        for body in bodies:
            number = len(self.events)
            self.events.append(Event(number.to_bytes(16, "big"), at, number + 1, host, body))
        return self

    @property
    def view(self) -> View:
        return View(fold(self.events), HERE)
