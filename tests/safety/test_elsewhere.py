"""Which computer may open a backup, for what a judgement tells a person to type: as `coldshare.handling` decides."""

from __future__ import annotations

import pytest

from coldshare.handling import Registry, SeveralSharesError
from coldshare.ledger import events as e
from coldshare.safety.elsewhere import too_many_here
from safety.story import LAP, OLD, TABLE, VAULT, Story, share


@pytest.mark.parametrize("threshold", [1, 2, 3])
@pytest.mark.parametrize("had", [(), ("Phone",), ("Laptop",), ("Laptop", "Tablet")], ids=str)
def test_as_the_rule_itself_decides(threshold: int, had: tuple[str, ...]) -> None:
    story, rule = Story().seen(threshold=threshold), Registry(lambda several: True)
    for party in had:
        whose = share(party, threshold=threshold)
        story.tell(e.ShareHandled(whose, e.BACKED_UP))
        rule.take(whose)
    rule.accept = None
    rule._accepted.clear()
    refused = False
    try:
        rule.check(share("Phone", threshold=threshold))
    except SeveralSharesError:
        refused = True
    generation = story.view().generation(VAULT, OLD)
    assert generation is not None
    assert too_many_here(story.view(), generation, "Phone") == refused
    assert not too_many_here(story.view(LAP), generation, "Phone"), "another computer has had none"


def test_what_was_accepted_here_is_no_hindrance() -> None:
    story = Story().seen().tell(*(e.ShareHandled(share(party), e.BACKED_UP) for party in TABLE[1:]))
    generation = story.view().generation(VAULT, OLD)
    assert generation is not None
    assert too_many_here(story.view(), generation, "Phone")
    story.tell(e.SingleHostAccepted(VAULT, OLD))
    assert not too_many_here(story.view(), generation, "Phone")
