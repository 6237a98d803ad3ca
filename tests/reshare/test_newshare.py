"""One party's new share: what it has to be, what plan it tells by itself, and what is reported of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.queries import Reshare, View
from coldshare.ledger.record import chain_code_digest
from coldshare.reshare.errors import NoReshareError, ReshareNewShareError
from coldshare.reshare.newshare import begun_by, check_new, kept_of, report_on
from coldshare.reshare.report import LABEL_MAX
from coldshare.vault import ShareFacts
from coldshare_iface import wire
from reshare.story import (
    AFTER,
    NOW,
    Run,
    Told,
    backup_id,
    computer,
    identity,
    made,
    plan_of,
    reported,
    reports,
    share_of,
    token,
    two,
)
from reshare.story import report_on as told_by


def check(view: View, plan: Reshare, facts: ShareFacts) -> None:
    check_new(view, plan, facts, share_of(facts), chain_code_digest(facts.chain_code))


def begun(old: Run, new: Run) -> tuple[Told, Reshare]:
    plan = plan_of(old, new)
    return Told().stored(old, *range(len(old.parties))).started(plan).compared(0, 1, 2), plan


# --- what it has to be


def test_every_new_share_is_good() -> None:
    old, new = two()
    told, plan = begun(old, new)
    for number, facts in enumerate(new.facts):
        check(told.view(), plan, facts)
        told.stored(new, number, at=10).reported(plan, reported(new, number, old.generation))
    for facts in new.facts:
        check(told.view(), plan, facts)  # once more, when all is reported


def test_the_vendors_own(fixtures_dir: Path) -> None:
    old, new = (
        Run.of([(fixtures_dir / f"made/{folder}/SimVault-2903-share{k}of3.vult").read_bytes() for k in (1, 2, 3)])
        for folder in ("orig_2of3", "reshared_1_2_4")
    )
    told, plan = begun(old, new)
    for facts in new.facts:
        check(told.view(), plan, facts)
    for facts in old.facts:
        with pytest.raises(ReshareNewShareError, match="from before the reshare"):
            check(told.view(), plan, facts)


def test_a_party_whose_id_is_too_long_for_a_screen() -> None:
    """Plans, reports and tokens have it as it is shown; the vault file has it as it is."""
    odd = "x" * 120
    old = made((odd, "Laptop", "Tablet"))
    new = old.reshared((odd, "Laptop", "Watch"), 2)
    told, plan = begun(old, new)
    assert plan.staying[0] != odd
    for facts in new.facts:
        check(told.view(), plan, facts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts: {"public_key_ecdsa": made(seed="another").facts[0].public_key_ecdsa}, "of another vault"),
        (lambda facts: {"public_key_eddsa": made(seed="another").facts[0].public_key_eddsa}, "another EdDSA key"),
        (lambda facts: {"chain_code": bytes(32)}, "another chain code"),
        (lambda facts: {"generation": made().generation}, "from before the reshare"),
        (lambda facts: {"reshared": False}, "never been reshared"),
        (lambda facts: {"library": "GG20"}, "older library, GG20"),
        (lambda facts: {"signers": ("Phone", "Tablet", "Watch")}, "Laptop is not a party any more"),
        (lambda facts: {"signers": ("Desk", "Tablet", "Watch")}, "Phone, Laptop is not a party any more"),
        (lambda facts: {"threshold": 3}, "3 of 3 can sign, and planned were 2 of 3"),
        (lambda facts: {"parties": 4}, "2 of 4 can sign, and planned were 2 of 3"),
    ],
)
def test_what_it_is_not(change: Callable[[ShareFacts], dict[str, Any]], words: str) -> None:
    old, new = two()
    told, plan = begun(old, new)
    facts = new.facts[0]
    with pytest.raises(ReshareNewShareError, match=words) as caught:
        check(told.view(), plan, replace(facts, **change(facts)))
    assert "exported after the reshare" in caught.value.next_step


def test_shares_of_two_attempts() -> None:
    old, new = two()
    told, plan = begun(old, new)
    told.reported(plan, reported(new, 0, old.generation))
    other = old.reshared(AFTER, 2, seed="another attempt")
    with pytest.raises(ReshareNewShareError, match="different generations never sign together") as caught:
        check(told.view(), plan, other.facts[1])
    assert "Invalid final_session_id" in caught.value.message
    assert new.generation.hex()[:8] in caught.value.message
    # What a stranger has reported refuses nothing.
    strange = Told(*(one.body for one in told.events if not isinstance(one.body, e.IdentityCompared)))
    check(strange.view(), plan, other.facts[1])


def test_a_share_that_was_replaced_or_given_up() -> None:
    oldest, old = two()
    new = old.reshared(("Phone", "Laptop", "Desk"), 2)
    vault = old.facts[0].public_key_ecdsa
    told = Told().stored(oldest, 0).stored(old, 0, at=10)
    told.tell(e.GenerationNewer(vault, old.generation, oldest.generation))
    plan = plan_of(old, new)
    told.started(plan)
    check(told.view(), plan, new.facts[0])
    with pytest.raises(ReshareNewShareError, match="replaced already, or given up"):
        check(told.view(), replace(plan, staying=("Phone", "Laptop")), oldest.facts[0])
    told.stored(new, 0, at=20).tell(e.GenerationRetired(vault, new.generation, None))
    with pytest.raises(ReshareNewShareError, match="replaced already, or given up"):
        check(told.view(), plan, new.facts[0])


# --- the plan that it tells


def test_where_nobody_has_planned() -> None:
    old, new = two()
    told = Told().stored(old, 0, 1, 2)
    started = begun_by(told.view(), share_of(new.facts[0]), new.parties)
    assert (started.vault, started.older) == (old.facts[0].public_key_ecdsa, old.generation)
    assert (started.staying, started.joining) == (("Phone", "Laptop"), ("Watch",))
    assert (started.threshold, started.parties) == (2, 3)
    assert len(started.plan) == 16
    assert begun_by(told.view(), share_of(new.facts[0]), new.parties).plan != started.plan
    # A token was told that it is newer, before anybody reported.
    told.stored(new, 0, at=10).tell(e.GenerationNewer(started.vault, new.generation, old.generation))
    assert begun_by(told.view(), share_of(new.facts[0]), new.parties).older == old.generation


def test_what_tells_no_plan() -> None:
    old, new = two()
    with pytest.raises(NoReshareError, match="does not know which generation") as caught:
        begun_by(Told().view(), share_of(new.facts[0]), new.parties)
    assert "coldshare reshare join" in caught.value.next_step
    told = Told().stored(old, 0)
    with pytest.raises(ReshareNewShareError, match="counts already"):
        begun_by(told.view(), share_of(old.facts[0]), old.parties)
    other = old.reshared(AFTER, 2, seed="another")
    told.stored(other, 0, at=10)
    with pytest.raises(NoReshareError):  # two that nothing orders
        begun_by(told.view(), share_of(new.facts[0]), new.parties)
    vault = old.facts[0].public_key_ecdsa
    told.tell(e.GenerationNewer(vault, other.generation, old.generation))
    assert begun_by(told.view(), share_of(new.facts[0]), new.parties).older == other.generation
    with pytest.raises(ReshareNewShareError, match="replaced already"):
        begun_by(told.view(), share_of(old.facts[0]), old.parties)


def test_after_one_that_was_given_up() -> None:
    """It leaves what counts again, not what was given up."""
    old, new = two()
    failed = old.reshared(AFTER, 2, seed="failed")
    vault = old.facts[0].public_key_ecdsa
    told = Told().stored(old, 0, 1, 2).stored(failed, 0, at=10)
    told.tell(e.GenerationNewer(vault, failed.generation, old.generation))
    told.tell(e.GenerationRetired(vault, failed.generation, None))
    assert begun_by(told.view(), share_of(new.facts[0]), new.parties).older == old.generation
    with pytest.raises(ReshareNewShareError, match="given up"):
        begun_by(told.view(), share_of(failed.facts[0]), failed.parties)


# --- what is reported of it


def test_what_counts_as_kept() -> None:
    old, new = two()
    told = Told().stored(old, 0).stored(new, 0, 1, at=10)
    share = new.share("Phone")
    (kept,) = kept_of(told.view(), share)
    assert (kept.place, kept.backup_id) == (token(10), backup_id(0, new.generation))
    assert (kept.label, kept.size, kept.state) == ("", 1000, e.ACTIVE)
    told.tell(e.PlaceNamed(token(10), "é" * (LABEL_MAX // 2)), e.PlaceNamed(token(20), "x" * (LABEL_MAX + 1)))
    told.tell(e.BackupStored(token(20), b"n" * 16, share, 2000, e.NEXT, None))
    told.tell(e.BackupState(token(21), b"u" * 16, share, 2000, e.UNCONFIRMED))  # never read back
    told.tell(
        e.BackupStored(token(22), b"f" * 16, share, 2000, e.NEXT, None), e.BackupFailed(token(22), b"f" * 16, "x")
    )
    told.tell(e.BackupStored(token(23), b"g" * 16, share, 1, e.NEXT, None))
    told.tell(e.BackupGone(token(23), b"g" * 16, e.REMOVED))
    found = {one.place: one for one in kept_of(told.view(), share)}
    assert found.keys() == {token(10), token(20)}
    assert found[token(10)].label == "é" * (LABEL_MAX // 2)
    assert (found[token(20)].size, found[token(20)].state) == (2000, e.NEXT)
    assert found[token(20)].label == ""  # half a path leads nowhere
    assert kept_of(told.view(), new.share("Watch")) == []


def test_the_report() -> None:
    old, new = two()
    told, plan = begun(old, new)
    told.stored(new, 0, at=10)
    facts, share = new.facts[0], new.share("Phone")
    kept = kept_of(told.view(), share)
    made_ = report_on(
        plan,
        facts,
        share,
        chain_code_digest=chain_code_digest(facts.chain_code),
        digest=hashlib.sha256(new.vults[0]).digest(),
        kept=kept * 9,
        time=NOW,
        host=computer(0),
        host_name="desk 0",
        signers=new.parties,
    )
    assert made_ == told_by(new, 0, old.generation, time=NOW, kept=tuple(kept * 8))
    assert share.library == wire.LIBRARY_DKLS
    assert identity(0).public == reports(new, old.generation)[0].public_key
