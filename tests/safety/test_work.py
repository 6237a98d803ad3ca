"""A judgement of a large ledger takes no longer for every question that it asks twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import View
from coldshare.ledger.rows import Row, Rows
from coldshare.safety.standing import assess
from coldshare.safety.ways import ways
from safety.story import DESK, OLD, Story


class Counted(Rows):
    """Rows that count how often a whole table was gone through."""

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self.__dict__.update(rows.__dict__)
        self.looked: Counter[str] = Counter()

    def all(self, name: str, /, **wanted: Any) -> list[Row]:
        self.looked[name] += 1
        return super().all(name, **wanted)


def test_places_and_backups_are_gone_through_once() -> None:
    parties = [f"Party {number}" for number in range(12)]
    story = Story().seen(signers=parties, threshold=8)
    for number, party in enumerate(parties):
        story.stored(number, Place(e.TOKEN, number.to_bytes(8, "big")), party, OLD)
    rows = Counted(fold(story.events))
    view = View(rows, DESK)
    (standing,) = assess(view, story.now).standings
    assert len(standing.parties) == len(view.places()) == 12
    for party in parties:
        assert ways(view, standing.vault, party, {}).verdict == "both"
    assert [rows.looked[name] for name in ("place", "reach", "backup")] == [1, 1, 1]
