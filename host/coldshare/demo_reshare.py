"""The story that `coldshare demo --reshare` tells: a device is lost, the vault is reshared, and nothing is mixed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from coldshare import generations
from coldshare.declare import declare
from coldshare.demo import PARTIES, TOKENS, DemoFailedError, Stage, stage
from coldshare.identity import Identity, fingerprint
from coldshare.ledger.differences import share_of
from coldshare.ledger.events import NEXT, PLAN_SIZE, TOKEN, Place
from coldshare.ledger.queries import Reshare
from coldshare.ledger.record import chain_code_digest
from coldshare.reshare.joining import join
from coldshare.reshare.newshare import report_on
from coldshare.reshare.report import Kept, Signed, read, sign, text
from coldshare.vault import read_share
from coldshare.vault.synthetic import make_vault
from coldshare.vault.synthetic_reshare import reshare_vault
from coldshare_iface.errors import OtherGenerationError, RetiredGenerationError

__all__ = ["Reshared", "run"]

_NEW_PARTY = "Watch"
_NEW_TOKEN = "Safe D"


@dataclass(frozen=True, slots=True)
class Reshared:
    """`older` and `newer` are the generations; `complete` that all parties' reports went together."""

    vault: str
    older: bytes
    newer: bytes
    complete: bool
    seconds: float


def run(say: Callable[[str], None]) -> Reshared:
    """Play the story in a temporary folder, one sentence at a time."""
    start = time.monotonic()
    with stage(say) as on:
        plan, newer, complete = _play(on)
    if not complete:
        raise DemoFailedError("The reports of a reshare without a fault do not go together.")
    return Reshared("Demo vault", plan.older, newer, complete, time.monotonic() - start)


def _play(on: Stage) -> tuple[Reshare, bytes, bool]:
    say = on.say
    say("A throw-away vault: any 2 of 3 devices can sign. Each share is on a software token of its own.")
    old = make_vault("Demo vault", PARTIES, 2)
    for share, label in zip(old, TOKENS, strict=True):
        with on.new_token(label) as client:
            on.back_up(client, share.vult)
        say(f"  {label}: the share of {share.party}")
    facts = read_share(old[0].vult).facts

    say("")
    say(f"{PARTIES[2]} is lost. The app reshares the vault from {PARTIES[0]} and {PARTIES[1]}, and {_NEW_PARTY} joins:")
    parties = (*PARTIES[:2], _NEW_PARTY)
    new = reshare_vault([old[0].vult, old[1].vult], parties, 2)
    newer = read_share(new[0].vult).facts.generation
    say(f"  the same keys, and every share is new: generation {facts.generation.hex()[:8]} became {newer.hex()[:8]}")

    say("")
    say("A token takes no share of another generation by itself:")
    with on.token(TOKENS[0]) as client:
        try:
            on.back_up(client, new[0].vult)
        except OtherGenerationError as refusal:
            say(f"  {refusal}")
        else:
            raise DemoFailedError("The token took a share of another generation without a question.")

    say("")
    say("Asked on its screen, it puts the new one beside the old one. The old one counts until all parties are done:")
    plan = Reshare(
        bytes(PLAN_SIZE),
        facts.public_key_ecdsa,
        facts.generation,
        2,
        3,
        bytes(16),
        0,
        None,
        None,
        None,
        PARTIES[:2],
        (),
    )
    reports = []
    for share, label in zip(new, (*TOKENS[:2], _NEW_TOKEN), strict=True):
        with on.new_token(label) if label == _NEW_TOKEN else on.token(label) as client:
            done = on.back_up(client, share.vult, newer=True)
            kept = Kept(Place(TOKEN, client.info.serial), label, done.backup_id, done.sealed_size, NEXT)
        reports.append(_report(on.folder / f"{share.party}.key", plan, share.vult, kept))
        signed = reports[-1]
        say(
            f"  {label}: the new share of {share.party}. Its computer reports public values only, "
            f"{len(text(signed))} characters, signed as {fingerprint(signed.public_key)}"
        )

    say("")
    say("Any computer can join the reports. One that is about the share from before is found out at once:")
    false = replace(reports[1].report, share=replace(reports[1].report.share, generation=facts.generation))
    tried = join(plan, [reports[0], sign(false, Identity.load(on.folder / f"{PARTIES[1]}.key")), reports[2]])
    for objection in tried.objections:
        say(f"  {objection.words}")
    if tried.complete or not tried.objections:
        raise DemoFailedError("A report about an old share was taken for a new one.")
    joined = join(plan, reports)
    if joined.complete:
        say("And the true ones: one generation, every 2 of the 3 give both keys, every party has a backup.")

    say("")
    say("So the old generation gives way. Each token asks for a held button, and never takes an old share again:")
    for share, label in zip(old[:2], TOKENS[:2], strict=True):
        _retire(on, label, share.vult, newer)
    say("")
    say(f"What is left to do: destroy the old shares, on {TOKENS[0]} and {TOKENS[1]}, and on {TOKENS[2]} that of")
    say(
        f"{PARTIES[2]}. Old shares still sign with each other: any 2 of them, wherever they are, could move everything."
    )
    return plan, newer, joined.complete


def _report(key: Path, plan: Reshare, vult: bytes, kept: Kept) -> Signed:
    """As the computer of that party makes it; read again as another one does."""
    facts = read_share(vult).facts
    report = report_on(
        plan,
        facts,
        share_of(declare(facts)),
        chain_code_digest=chain_code_digest(facts.chain_code),
        digest=hashlib.sha256(vult).digest(),
        kept=[kept],
        time=0,
        host=hashlib.sha256(facts.party.encode()).digest()[:16],
        host_name=f"{facts.party}'s computer",
        signers=facts.signers,
    )
    return read(text(sign(report, Identity.load(key))).encode())


def _retire(on: Stage, label: str, old: bytes, newer: bytes) -> None:
    with on.token(label) as client:
        held = client.backups()
        new = next(one for one in held if one.declaration.generation == newer)
        was = next(one for one in held if one.declaration.generation != newer)
        generations.retire(client, new, was.declaration.generation)
        try:
            on.back_up(client, old)
        except RetiredGenerationError as refusal:
            on.say(f"  {label}: {refusal}")
        else:
            raise DemoFailedError("The token took a share of a generation that was retired.")
