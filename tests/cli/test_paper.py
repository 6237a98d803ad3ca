"""Long answers, for a pipe and for a terminal."""

from __future__ import annotations

from coldshare.cli.paper import GAP, Line, drawn, head, numbered, plain, point, typed

LINES = [
    head("Way A"),
    *numbered([[Line("one two three four five six seven"), typed("coldshare restore --out a-file")], [Line("eight")]]),
    GAP,
    point("nine ten eleven twelve thirteen fourteen", "attend"),
]


def shown(width: int) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in drawn(LINES, width)]


def test_whole_lines_for_a_pipe() -> None:
    assert plain(LINES) == [
        "Way A",
        "  1. one two three four five six seven",
        "       coldshare restore --out a-file",
        "  2. eight",
        "",
        "  - nine ten eleven twelve thirteen fourteen",
    ]


def test_words_are_wrapped_below_their_beginning_and_commands_are_not() -> None:
    assert shown(28) == [
        "Way A",
        "  1. one two three four five",
        "     six seven",
        "       coldshare restore --out a-file",
        "  2. eight",
        "",
        "  - nine ten eleven twelve",
        "    thirteen fourteen",
    ]
    assert shown(120) == plain(LINES)


def test_a_word_that_is_too_long_stays_whole() -> None:
    assert [text for ((_, _), (text, _)) in drawn([point("a " + "b" * 50)], 30)] == ["a", "b" * 50]


def test_how_it_looks() -> None:
    looks = {text: look for ((_, _), (text, look)) in drawn(LINES, 120)}
    assert looks["Way A"] == looks["coldshare restore --out a-file"] == "strong"
    assert looks["nine ten eleven twelve thirteen fourteen"] == "attend"
    assert looks["eight"] == "plain"


def test_ten_steps_stand_below_each_other() -> None:
    steps = plain(numbered([[Line("x"), Line("y")]] * 10))
    assert (steps[0], steps[18], steps[19]) == ("  1. x", " 10. x", "     y")
