"""`coldshare status` after a reshare was given up: what it made is no older generation, in words, drawing and JSON."""

from __future__ import annotations

import pytest

from coldshare.cli.judged import Book, lines
from coldshare.cli.judged_json import standing_json
from coldshare.cli.picture import draw
from coldshare.ledger import events as e
from coldshare.safety.standing import Standing, assess_vault
from reshare.story import NOW, Told, plan_of, two

OLD, NEW = two()
PLAN = plan_of(OLD, NEW)
NEWER = e.GenerationNewer(PLAN.vault, NEW.generation, OLD.generation)
BEFORE, AFTER = OLD.generation.hex()[:8], NEW.generation.hex()[:8]


def made() -> Told:
    """The Phone, and the Watch, which is to join, have backed up their new shares."""
    return Told().stored(OLD, 0, 1, 2).started(PLAN).tell(NEWER).stored(NEW, 0, 2, at=10)


def shown(told: Told) -> tuple[Standing, list[str], str]:
    """What is found, the words of it line by line, and the drawing on one line."""
    view = told.view()
    (vault,) = view.vaults()
    standing = assess_vault(view, vault, NOW)
    drawn = ["".join(text for text, _ in line) for line in draw(standing, Book(view), NOW, 120)]
    return standing, lines(standing, Book(view), NOW), "\n".join(drawn)


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_was_given_up_is_no_older_generation(by_hand: bool) -> None:
    told = made()
    told.tell(e.GenerationRetired(PLAN.vault, NEW.generation, None) if by_hand else e.ReshareAborted(PLAN.plan))
    standing, words, drawn = shown(told)
    assert standing.generation is not None
    assert standing.generation.generation == OLD.generation
    (watch,) = (line for line in words if line.startswith("  Watch, no party: "))
    (phone,) = (line for line in words if "Safe" not in line and line.startswith("    ") and AFTER in line)
    for line in (watch, phone):
        assert f"given-up generation {AFTER}" in line
    assert drawn.count(f"given-up generation {AFTER}") == 2
    assert "No party of this generation\n" in drawn
    assert "older generation" not in " ".join([*words, drawn])
    member = standing_json(standing)["members"][0]  # type: ignore[index]
    assert member["older"] == []
    assert [one["generation"] for one in member["given_up"]] == [NEW.generation.hex()]


def test_what_was_replaced_is_one() -> None:
    finished = made().tell(
        e.ReshareFinished(PLAN.plan, NEW.generation), e.GenerationRetired(PLAN.vault, OLD.generation, None)
    )
    standing, words, drawn = shown(finished)
    assert "Tablet, no party any more: " in " ".join(words)
    assert f"older generation {BEFORE}" in " ".join(words)
    assert drawn.count(f"older generation {BEFORE}") == 3
    assert "given-up" not in " ".join([*words, drawn])
    member = standing_json(standing)["members"][0]  # type: ignore[index]
    assert [one["generation"] for one in member["older"]] == [OLD.generation.hex()]
    assert member["given_up"] == []


def test_both_at_once() -> None:
    """Of the reshare before something is left, too."""
    third = NEW.reshared(("Phone", "Laptop", "Watch"), 2, seed="third")
    told = made().tell(
        e.ReshareFinished(PLAN.plan, NEW.generation), e.GenerationRetired(PLAN.vault, OLD.generation, None)
    )
    plan = plan_of(NEW, third)
    told.started(plan).tell(e.GenerationNewer(PLAN.vault, third.generation, NEW.generation)).stored(third, 0, at=20)
    told.tell(e.ReshareAborted(plan.plan))
    standing, _, drawn = shown(told)
    assert f"older generation {BEFORE}" in drawn
    assert f"given-up generation {third.generation.hex()[:8]}" in drawn
    member = standing_json(standing)["members"][0]  # type: ignore[index]
    assert [[one["generation"] for one in member[name]] for name in ("older", "given_up")] == [
        [OLD.generation.hex()],
        [third.generation.hex()],
    ]
