"""Throw-away vaults that are reshared, what each party reports, and ledgers that tell of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coldshare.declare import LIBRARIES, showable_name, showable_party
from coldshare.identity import Identity
from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Event, Place, Share
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import Reshare, View
from coldshare.ledger.record import chain_code_digest, vault_seen
from coldshare.reshare.report import Kept, Report, Signed, sign
from coldshare.vault import ShareFacts, read_share
from coldshare.vault.synthetic import make_vault
from coldshare.vault.synthetic_reshare import reshare_vault

NOW = 1_760_000_000_000_000
SECOND = 1_000_000
TABLE = ("Phone", "Laptop", "Tablet")
AFTER = ("Phone", "Laptop", "Watch")


def draws(seed: str) -> Callable[[int], bytes]:
    """A source of bytes that gives the same ones every time."""
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


@dataclass(frozen=True)
class Run:
    """One generation: the files of all parties, and what they say, by index."""

    vults: tuple[bytes, ...]
    facts: tuple[ShareFacts, ...]

    @classmethod
    def of(cls, vults: Sequence[bytes]) -> Run:
        return cls(tuple(vults), tuple(read_share(one).facts for one in vults))

    @property
    def generation(self) -> bytes:
        return self.facts[0].generation

    @property
    def parties(self) -> tuple[str, ...]:
        return tuple(showable_party(one) for one in self.facts[0].signers)

    def share(self, party: str) -> Share:
        """As it is declared."""
        return share_of(self.facts[self.parties.index(party)])

    def reshared(self, parties: Sequence[str], threshold: int, seed: str = "reshare") -> Run:
        return _reshared(self, tuple(parties), threshold, seed)


@cache
def made(parties: tuple[str, ...] = TABLE, threshold: int = 2, seed: str = "keygen", name: str = "Savings") -> Run:
    """A vault; the same one every time it is asked for."""
    return Run.of([one.vult for one in make_vault(name, parties, threshold, random=draws(seed))])


@cache
def _reshared(old: Run, parties: tuple[str, ...], threshold: int, seed: str) -> Run:
    own = draws(f"{seed} {old.generation.hex()}")
    return Run.of([one.vult for one in reshare_vault(old.vults, parties, threshold, random=own)])


def two() -> tuple[Run, Run]:
    """A 2-of-3 vault whose Tablet was lost, and what it became: the Watch has taken its place."""
    old = made()
    return old, old.reshared(AFTER, 2)


def share_of(facts: ShareFacts) -> Share:
    return Share(
        facts.public_key_ecdsa,
        showable_name(facts.vault_name),
        showable_party(facts.party),
        facts.generation,
        facts.threshold,
        facts.parties,
        LIBRARIES[facts.library],
    )


def identity(number: int) -> Identity:
    """The signing key of computer `number`."""
    return Identity(Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32))


def computer(number: int) -> bytes:
    """Its id in its ledger."""
    return bytes([number + 1]) * 16


def token(number: int) -> Place:
    return Place(e.TOKEN, bytes([number + 1]) * 8)


def backup_id(number: int, generation: bytes = b"") -> bytes:
    return hashlib.sha256(b"%d " % number + generation).digest()[:16]


def report_on(run: Run, number: int, older: bytes, **other: Any) -> Report:
    """What the computer of party `number` tells of its new share; `other` fields instead."""
    facts = run.facts[number]
    told = Report(
        time=NOW + number * SECOND,
        host=computer(number),
        host_name=f"desk {number}",
        share=share_of(facts),
        older=older,
        signers=run.parties,
        public_key_eddsa=facts.public_key_eddsa,
        chain_code_digest=chain_code_digest(facts.chain_code),
        points_ecdsa=facts.points_ecdsa,
        public_shares_ecdsa=facts.public_shares_ecdsa,
        point_eddsa=facts.point_eddsa,
        public_share_eddsa=facts.public_share_eddsa,
        digest=hashlib.sha256(run.vults[number]).digest(),
        kept=(Kept(token(number), f"Safe {number}", backup_id(number, run.generation), 1000, e.NEXT),),
    )
    return replace(told, **other)


def reported(run: Run, number: int, older: bytes, **other: Any) -> Signed:
    """The same, signed by that computer."""
    return sign(report_on(run, number, older, **other), identity(number))


def reports(run: Run, older: bytes) -> list[Signed]:
    """Those of all parties, by index."""
    return [reported(run, number, older) for number in range(len(run.parties))]


def plan_of(old: Run, new: Run, **other: Any) -> Reshare:
    """The plan of a reshare that came out as planned."""
    plan = Reshare(
        plan=hashlib.sha256(old.generation + new.generation).digest()[:16],
        vault=old.facts[0].public_key_ecdsa,
        older=old.generation,
        threshold=new.facts[0].threshold,
        parties=new.facts[0].parties,
        host=computer(0),
        started=NOW,
        finished=None,
        aborted=None,
        generation=None,
        staying=tuple(party for party in new.parties if party in old.parties),
        joining=tuple(party for party in new.parties if party not in old.parties),
    )
    return replace(plan, **other)


class Told:
    """A ledger in memory. Things are told a second after each other, by computer 0 unless another one is named."""

    def __init__(self, *bodies: Body) -> None:
        self.events: list[Event] = []
        self.now = NOW
        self.tell(*bodies)

    def tell(self, *bodies: Body, by: int = 0) -> Told:
        for body in bodies:
            self.now += SECOND
            uuid = hashlib.sha256(b"%d %d" % (by, self.now)).digest()[:16]
            self.events.append(Event(uuid, self.now, self.now, computer(by), body))
        return self

    def stored(self, run: Run, *numbers: int, at: int = 0, state: int = e.ACTIVE) -> Told:
        """The shares of these parties were backed up and read back, each on the token of its number plus `at`."""
        for number in numbers:
            share = share_of(run.facts[number])
            self.tell(*vault_seen(share, run.facts[number]), by=number)
            kept = backup_id(number, run.generation)
            self.tell(e.BackupStored(token(number + at), kept, share, 1000, state, False), by=number)
            self.tell(e.BackupVerified(token(number + at), kept, share, 1000, state, None, opened=True), by=number)
        return self

    def started(self, plan: Reshare, by: int = 0) -> Told:
        return self.tell(started(plan), by=by)

    def compared(self, *numbers: int) -> Told:
        """Somebody has compared the keys of these computers."""
        return self.tell(*(e.IdentityCompared(computer(one), f"desk {one}", identity(one).public) for one in numbers))

    def reported(self, plan: Reshare, *signed: Signed, by: int = 0) -> Told:
        return self.tell(*(e.ReshareReported(plan.plan, one.report.party, one.data) for one in signed), by=by)

    def view(self, host: int = 0) -> View:
        return View(fold(self.events), computer(host))

    def plan(self, plan: Reshare) -> Reshare:
        """As the ledger knows it now."""
        (found,) = (one for one in self.view().reshares() if one.plan == plan.plan)
        return found


def started(plan: Reshare) -> Body:
    return e.ReshareStarted(plan.plan, plan.vault, plan.older, plan.staying, plan.joining, plan.threshold, plan.parties)
