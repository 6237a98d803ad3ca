"""Which shares are old, by what a ledger was told."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.safety.aged import is_old, why_old
from coldshare.safety.resharing import under_way
from reshare.story import Told, plan_of, two

OLD, NEW = two()
VAULT = OLD.facts[0].public_key_ecdsa
NEWER = e.GenerationNewer(VAULT, NEW.generation, OLD.generation)
PLAN = plan_of(OLD, NEW)


def flags(told: Told) -> tuple[bool | None, bool | None]:
    """Whether the old and the new one are old."""
    view = told.view()
    return is_old(view, VAULT, OLD.generation), is_old(view, VAULT, NEW.generation)


def test_nothing_tells() -> None:
    assert is_old(None, VAULT, OLD.generation) is None
    view = Told().view()
    assert is_old(view, VAULT, OLD.generation) is None
    for vault, generation in ((None, OLD.generation), (VAULT, None)):
        assert is_old(Told().stored(OLD, 0).view(), vault, generation) is None
    assert flags(Told().stored(OLD, 0).stored(NEW, 0, at=10)) == (None, None)


def test_the_only_one_counts() -> None:
    assert flags(Told().stored(OLD, 0)) == (False, None)


def test_one_that_was_replaced_is_old() -> None:
    told = Told(NEWER).stored(OLD, 0).stored(NEW, 0, at=10)
    assert flags(told) == (True, False)
    assert why_old(told.view(), VAULT, OLD.generation) == f"and generation {NEW.generation.hex()[:8]} has replaced it"


def test_not_as_long_as_the_reshare_is_under_way() -> None:
    told = Told(NEWER).stored(OLD, 0).stored(NEW, 0, at=10).started(PLAN)
    assert under_way(told.view(), VAULT)
    assert flags(told) == (False, False)
    told.tell(e.ReshareFinished(PLAN.plan, NEW.generation))
    assert flags(told) == (True, False)


def test_what_was_given_up_is_old() -> None:
    told = Told(NEWER).stored(OLD, 0).stored(NEW, 0, at=10).started(PLAN)
    told.tell(e.ReshareAborted(PLAN.plan), e.GenerationRetired(VAULT, NEW.generation, None))
    assert flags(told) == (False, True)
    assert why_old(told.view(), VAULT, NEW.generation) == "which was given up"


def test_two_steps_back() -> None:
    last = NEW.reshared(("Phone", "Laptop"), 2)
    told = Told(NEWER, e.GenerationNewer(VAULT, last.generation, NEW.generation))
    told.stored(OLD, 0).stored(NEW, 0, at=10).stored(last, 0, at=20)
    assert flags(told) == (True, True)
    assert why_old(told.view(), VAULT, OLD.generation) == f"and generation {last.generation.hex()[:8]} has replaced it"


def test_replaced_by_several_that_nothing_orders() -> None:
    other = OLD.reshared(("Phone", "Laptop"), 2, seed="other")
    told = Told(NEWER, e.GenerationNewer(VAULT, other.generation, OLD.generation))
    told.stored(OLD, 0).stored(NEW, 0, at=10).stored(other, 0, at=20)
    assert flags(told) == (True, None)
    assert why_old(told.view(), VAULT, OLD.generation) == "and a newer one has replaced it"
