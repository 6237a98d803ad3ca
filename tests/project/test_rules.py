"""The page of the nine rules and the tests that show them are one list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")][2:]
TESTS = {path.name: path for path in (ROOT / "tests" / "nine_rules").glob("test_*.py")}


def test_every_rule_is_on_the_page_once_and_in_order() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 10)]
    for row in ROWS:
        assert len(row) == 4
        assert all(row), row


def test_every_rule_has_its_file_and_no_file_is_of_no_rule() -> None:
    assert [row[3] for row in ROWS] == [f"`test_rule_{number}.py`" for number in range(1, 10)]
    assert sorted(TESTS) == [f"test_rule_{number}.py" for number in range(1, 10)]


@pytest.mark.parametrize("name", sorted(TESTS))
def test_each_says_its_rule_and_tries_it_with_commands(name: str) -> None:
    tree = ast.parse(TESTS[name].read_text(encoding="utf-8"))
    number = re.findall(r"\d", name)[0]
    assert (ast.get_docstring(tree) or "").startswith(f"Rule {number}: ")
    tests = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")]
    with_commands = [one for one in tests if any(arg.arg == "people" for arg in one.args.args)]
    assert len(with_commands) >= 3


def test_what_it_names_is_there() -> None:
    modules = [path for row in ROWS for path in re.findall(r"`([\w/]+\.py)`", row[2])]
    assert modules
    for path in modules:
        assert (ROOT / "host" / "coldshare" / path).is_file(), path
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    for link in links:
        assert (ROOT / "docs" / link).is_file(), link
