"""Lines on a small display: wrapped and paged, never cut, and no two names alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coldshare_firmware import screens
from coldshare_pico.text import pages, plain, wrap

lines = st.lists(st.text(max_size=100), min_size=1, max_size=9)


def test_what_a_person_sees() -> None:
    shown = pages(["RELEASE to restore?", "Savings", "share of Anna's iPhone", screens.CONFIRM], 16, 8)
    assert shown == [["RELEASE to", "restore?", "Savings", "share of Anna's", "iPhone", "Press YES or NO"]]


def test_other_letters_are_their_numbers() -> None:
    assert plain("Zoë {1}") == "Zo{eb} {7b}1{7d}"
    assert plain("\u202eevil\x1b[2J") == "{202e}evil{1b}[2J"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_two_lines_look_alike(one: str, other: str) -> None:
    assert (plain(one) == plain(other)) is (one == other)
    assert all(32 <= ord(char) < 127 for char in plain(one))


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=200), st.integers(4, 30))
def test_wrapping_loses_nothing_but_spaces_at_the_breaks(line: str, width: int) -> None:
    rows = list(wrap(line, width))
    assert all(len(row) <= width for row in rows)
    at = 0
    for number, row in enumerate(rows):
        assert line[at : at + len(row)] == row
        at += len(row)
        if number + 1 < len(rows) and len(row) < width:
            assert line[at] == " "  # only where it is broken at a space
            at += 1
        elif number + 1 < len(rows) and line[at : at + 1] == " " and line[at:] != rows[number + 1][: len(line) - at]:
            at += not line[at:].startswith(rows[number + 1])
    assert at == len(line)


@given(lines, st.integers(16, 21), st.integers(3, 8))
def test_every_row_is_on_some_page(shown: list[str], width: int, height: int) -> None:
    rows = [row for line in shown for row in wrap(plain(line), width)]
    found = pages(shown, width, height)
    assert all(len(page) <= height and all(len(row) <= width for row in page) for page in found)
    if len(found) == 1:
        assert found[0] == rows
        return
    assert all(len(page) == height for page in found)
    together = [row for page in found for row in page[:-1]]
    assert together[: len(rows)] == rows
    assert not any(together[len(rows) :])
    assert [page[-1].split()[1] for page in found] == [str(n + 1) for n in range(len(found))]
