"""Rule 5, for what is only looked at: `list` and `drill` say which shares are old, on tokens and on sticks."""

from __future__ import annotations

from typing import Any

import pytest

from coldshare.cli.older import OLD
from support.computers import SEAL, Computer
from support.resharing import Story, good
from support.shell import Shell


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def listed(who: Computer) -> list[tuple[str, bool | None]]:
    return [(one["state"], one["old"]) for one in good(who("list", *who.at, "--json")).json["backups"]]


def rows(who: Computer) -> list[str]:
    """The last column, and whatever stands below the table about what is old."""
    out = good(who("list", *who.at)).out.splitlines()
    states = [line.split()[-2:] for line in out if " kB" in line]
    return [" ".join(words) if words[0].endswith(",") else words[1] for words in states] + [OLD] * (OLD in out)


def test_before_during_and_after_a_reshare(story: Story) -> None:
    phone, laptop, _ = story.everybody
    story.backed_up()
    for who in (phone, laptop):
        assert listed(who) == [("active", False)]
        assert rows(who) == ["active"]
    story.reported()
    for who in (phone, laptop):  # the old one still counts
        assert listed(who) == [("active", False), ("next", False)]
        assert rows(who) == ["active", "next"]
    story.finished()
    assert listed(phone) == [("retired", True), ("active", False)]
    assert rows(phone) == ["retired", "active"]
    # The laptop's computer hears of it, and its stick does not.
    good(phone("ledger", "export", "told"))
    good(laptop("ledger", "join", "told"))
    assert listed(laptop) == [("active", True), ("next", False)]
    assert rows(laptop) == ["active, OLD", "next", OLD]


def test_a_token_that_nobody_has_told(story: Story) -> None:
    """The tablet's has the old share, and nothing beside it."""
    story.finished()
    tablet = story.computers.with_token("Tablet")
    tablet.backup("old-tablet.vult")
    good(story.phone("ledger", "export", "told"))
    assert rows(tablet) == ["active"]
    good(tablet("ledger", "join", "told"))
    assert listed(tablet) == [("active", True)]
    assert rows(tablet) == ["active, OLD", OLD]


def test_a_computer_that_knows_nothing(story: Story) -> None:
    story.backed_up()
    for who in (story.phone, story.laptop):
        (who.home / "ledger.sqlite").unlink()
        assert listed(who) == [("active", None)]
        assert rows(who) == ["active"]
        (who.home / "ledger.sqlite").write_bytes(b"no ledger at all")
        assert listed(who) == [("active", None)]


def test_what_was_given_up(story: Story) -> None:
    laptop = story.laptop
    story.backed_up()
    good(laptop("reshare", "next", "new-laptop.vult", *SEAL, *laptop.at))
    good(laptop("reshare", "abort", "--yes"))
    assert listed(laptop) == [("active", False), ("next", True)]
    assert rows(laptop) == ["active", "next, OLD", OLD]
    assert "counts once" not in good(laptop("list", *laptop.at)).out


def drilled(who: Computer, prefix: str, status: int = 0) -> tuple[dict[str, Any], str]:
    argv = ("drill", *who.at, *SEAL[:2], "--backup", prefix)
    return good(who(*argv, "--json"), status).json, good(who(*argv), status).out


def test_a_drill_of_an_old_backup_says_so(story: Story) -> None:
    story.finished()
    phone, laptop = story.phone, story.laptop
    good(phone("ledger", "export", "told"))
    good(laptop("ledger", "join", "told"))
    old, new = story.old.generation.hex()[:8], story.new.generation.hex()[:8]
    for who in (phone, laptop):
        first, second = (one["backup_id"] for one in good(who("list", *who.at, "--json")).json["backups"])
        answer, out = drilled(who, first)
        assert answer["old"] is True
        (said,) = answer["warnings"]
        assert said.startswith(f"This share is OLD: it is of generation {old}, and generation {new} has replaced it.")
        assert said.endswith("It still works with the other old ones.")
        assert said in out
        assert answer["rehearsal"]["rehearsed"] == []
        answer, out = drilled(who, second)
        assert (answer["old"], answer["warnings"]) == (False, [])
        assert "OLD" not in out
        assert answer["rehearsal"]["rehearsed"] == [who.name]
