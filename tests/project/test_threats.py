"""The page of attacks and the tests that run them are one list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
ATTACKS = sorted((ROOT / "tests" / "attacks").glob("test_*.py"))
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")][2:]


def test_every_attack_is_on_the_page_and_nothing_else() -> None:
    named = [name for row in ROWS for name in re.findall(r"`(test_\w+\.py)`", row[2])]
    assert sorted(named) == [path.name for path in ATTACKS]


def test_every_row_is_whole() -> None:
    assert len(ROWS) == len(ATTACKS)
    for row in ROWS:
        assert len(row) == 4
        assert all(cell.strip() for cell in row), row


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert links
    for link in links:
        assert (ROOT / "docs" / link).is_file(), link
    assert "(threats.md)" in (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_each_says_who_attacks_what_they_want_and_what_stops_them(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    places = [re.search(word, text, re.MULTILINE) for word in (r"^Who: ", r"^Wants: ", r"^What stops (him|it): ")]
    assert all(places)
    assert [place.start() for place in places if place] == sorted(place.start() for place in places if place)


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_each_shows_that_the_attack_would_succeed(path: Path) -> None:
    """By a control in its own right, or by a case in which the defence is missing."""
    text = path.read_text(encoding="utf-8")
    assert "def test_control_" in text or '"defended", [True, False]' in text
