"""The drawing of a vault for a terminal: its verdict, its shares and their threshold, and who has what where.

Every sign means something by its shape; colours repeat it. Columns are cells of a terminal, in which some characters
take two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coldshare.cli import judged
from coldshare.cli.render import Drawn, Look, Piece, safe
from coldshare.cli.when import date
from coldshare.errors import EXIT_ATTEND, EXIT_DANGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coldshare.safety.carriers import Copy
    from coldshare.safety.standing import Finding, PartyStanding, Standing

__all__ = ["draw", "draw_others"]

_LIVE, _SERVER, _PROVED, _SEALED, _BAD, _OLD, _UNKNOWN = "●", "◆", "■", "□", "✕", "◌", "?"
_LEGEND: Final = {
    _LIVE: "live",
    _SERVER: "the vendor's",
    _PROVED: "sealed and verified",
    _SEALED: "sealed, never verified",
    _BAD: "lost, or no good",
    _OLD: "another generation",
    _UNKNOWN: "nobody knows",
}
_SIGN_LOOKS: Final[dict[str, Look]] = {
    _LIVE: "good",
    _SERVER: "good",
    _PROVED: "good",
    _SEALED: "attend",
    _BAD: "danger",
    _OLD: "faint",
    _UNKNOWN: "attend",
}
_STATUS_LOOKS: Final[dict[int, Look]] = {0: "good", EXIT_ATTEND: "attend", EXIT_DANGER: "danger"}
_STATUS_SIGNS: Final = {0: "✔", EXIT_ATTEND: "▲", EXIT_DANGER: "✖"}
#: Corners and lines: the worse, the heavier.
_BOXES: Final = {0: "╭─╮│╰╯", EXIT_ATTEND: "┌─┐│└┘", EXIT_DANGER: "┏━┓┃┗┛"}
_FORK, _LAST, _DOWN = "├─", "└─", "│ "
_MARGIN: Final = 2
#: From so many columns on, what there is to say of a thing stands beside its title.
_BESIDE: Final = 64


def draw(standing: Standing, book: judged.Book, now: int, width: int) -> list[Drawn]:
    """`width` in columns, 40 at least. `now` is in microseconds since 1970."""
    trees = [list(_tree(one, standing, now)) for one in standing.parties]
    strangers = [
        _leaf(copy, now, old=judged.aged(copy, standing), whose=copy.backup.party) for copy in standing.strangers
    ]
    out = [*_box(standing, safe(book.vault(standing.vault)), width), ()]
    titles = [title for tree in trees for _, title, _ in tree] + [title for _, title, _ in strangers]
    column = min(max((_cells(title) for title in titles), default=0), max((width - 12) * 2 // 5, 10))
    for one, tree in zip(standing.parties, trees, strict=True):
        out += _party(one, standing, width)
        out += _leaves(tree, column, width)
    if strangers:
        out.append((("  No party of this generation", "strong"),))
        out += _leaves(strangers, column, width)
    if drills := judged.rehearsed(standing, now):
        out += [(), *_hanging("  Drills  ", "strong", drills, width)]
    out += _findings(standing, book, now, width)
    out += _legend([sign for tree in [*trees, strangers] for sign, _, _ in tree], standing, width)
    return out


# --- the verdict, in a box


def _status(standing: Standing) -> int:
    """That of the verdict alone: what is due does not make it less safe today."""
    from coldshare.safety.standing import VERDICTS

    return VERDICTS[standing.verdict][1]


def _box(standing: Standing, called: str, width: int) -> Iterator[Drawn]:
    status = _status(standing)
    look = _STATUS_LOOKS[status]
    left, across, right, side, low_left, low_right = tuple(_BOXES[status])
    inner = width - 4
    facts = " · ".join(judged.summary(standing))
    name = _cut(called, inner - 2)
    room = inner - _cells(name) - 5
    beside = _cells(facts) <= room
    line = across * (width - 5 - _cells(name) - (_cells(facts) + 3 if beside else 0))
    top: list[Piece] = [(f"{left}{across} ", look), (name, "strong"), (f" {line}", look)]
    if beside:
        top.extend([(" ", "plain"), (facts, "plain"), (f" {across}", look)])
    yield (*top, (right, look))
    rows: list[Drawn] = []
    if not beside:
        rows.extend(_lines(facts, "plain", inner))
    loud, meaning = judged.headline(standing)
    sign = _STATUS_SIGNS[status]
    shout: Look = look if look == "danger" else "strong"
    head: list[Piece] = [(sign, look), (f" {loud}", shout)]
    if _width(head) + 2 + _cells(meaning) <= inner:
        rows.append((*head, (f"  {meaning}", "plain")))
    else:
        rows.extend([head, *_lines(meaning, "plain", inner)])
    rows.extend(_gauge(standing, inner))
    if lose := judged.may_lose(standing):
        rows.append(((lose, "plain"),))
    if standing.reminders:
        rows.extend(_lines(f"▲ {judged.overdue(standing)}", "attend", inner))
    for row in rows:
        used = _width(row)
        yield ((f"{side} ", look), *row, (" " * (inner - used), "plain"), (f" {side}", look))
    yield ((f"{low_left}{across * (width - 2)}{low_right}", look),)


def _gauge(standing: Standing, room: int) -> Iterator[Drawn]:
    """A sign for every share, the best first, and a bar behind as many as signing needs."""
    generation = standing.generation
    if generation is None:
        return
    signs = [*(_share(one) for one in standing.parties), *(_UNKNOWN for _ in range(standing.unknown))]
    signs.sort(key=[_LIVE, _SERVER, _PROVED, _SEALED, _UNKNOWN, _BAD].index)
    join = "──" if len(signs) * 3 + 3 <= room else "─" if len(signs) * 2 + 2 <= room else ""
    row: list[Piece] = []
    for number, sign in enumerate(signs):
        if number:
            bar = number == generation.threshold
            row.append((join, "faint"))
            if bar:
                row.extend([("┃", "strong"), (join, "faint")])
        row.append((sign, _SIGN_LOOKS[sign]))
    if generation.threshold >= len(signs):
        row.extend([(join, "faint"), ("┃", "strong")])
    told = judged.needs(standing)
    if _width(row) + 3 + _cells(told) <= room:
        yield (*row, (f"   {told}", "plain"))
        return
    yield tuple(row)
    yield from _lines(told, "plain", room)


def _share(one: PartyStanding) -> str:
    """The sign of the best that there is of a share."""
    if one.live:
        return _SERVER if one.device == "server" else _LIVE
    if not one.usable:
        return _BAD
    return _SEALED if one.verified is None else _PROVED


# --- who has what

#: A sign, a title, and lines of what there is to say.
_Leaf = tuple[str, str, "Sequence[Piece]"]


def _party(one: PartyStanding, standing: Standing, width: int) -> Iterator[Drawn]:
    generation = standing.generation
    number = ""
    if generation is not None and one.number is not None:
        number = f"share {one.number + 1} of {generation.parties}"
    name = _cut(safe(one.party), width - _MARGIN - (len(number) + 2 if number else 0))
    yield ((" " * _MARGIN, "plain"), (name, "strong"), (f"  {number}" if number else "", "faint"))


def _tree(one: PartyStanding, standing: Standing, now: int) -> Iterator[_Leaf]:
    title, became = judged.device(one, now)
    sign = _SERVER if one.device == "server" else _LIVE if one.live else _BAD
    yield sign, title, [(became, "plain" if one.live else "danger")]
    for copy in one.copies:
        yield _leaf(copy, now)
    for copy in one.older:
        yield _leaf(copy, now, old=judged.aged(copy, standing))
    if not one.copies and one.device != "server":
        yield _BAD, "no backup", [("" if one.older == () else "of the generation that counts", "attend")]


def _leaf(copy: Copy, now: int, *, old: str = "", whose: str | None = None) -> _Leaf:
    """`old` says of which generation it is, where that is not the one that counts; `whose`, of a stranger."""
    backup, info = copy.backup, copy.place
    what = f"{judged.kind(info.place)} {backup.backup_id.hex()[:8]}"
    where: list[Piece] = [(words, "plain") for words in judged.where(info)]
    opened, drilled = judged.proofs(backup, now)
    if old:
        told = old if whose is None else f"{whose} · {old}"
        return _OLD, info.title, [(what, "faint"), *where, (told, "faint"), (opened, "faint")]
    if copy.fault is not None:
        return _BAD, info.title, [(what, "plain"), *where, (judged.fault(copy), "danger")]
    proved = backup.opened is not None
    look: Look = "plain" if proved else "attend"
    return _PROVED if proved else _SEALED, info.title, [(what, "plain"), *where, (opened, look), (drilled, "plain")]


def _leaves(leaves: Sequence[_Leaf], column: int, width: int) -> Iterator[Drawn]:
    """`column` is the room for titles, where what there is to say stands beside them."""
    indent = " " * _MARGIN
    beside = width >= _BESIDE
    left = _MARGIN + 4 + (column + 2 if beside else 0)
    for number, (sign, title, said) in enumerate(leaves):
        last = number == len(leaves) - 1
        lead: list[Piece] = [(f"{indent}{_LAST if last else _FORK}", "faint"), (sign, _SIGN_LOOKS[sign])]
        rows = _flow(said, width - left)
        name = _cut_title(safe(title), column if beside else width - left)
        if beside or (len(rows) == 1 and _cells(name) + 2 + _width(rows[0]) <= width - left):
            pad = column - _cells(name) + 2 if beside else 2
            yield (*lead, (f" {name}{' ' * pad if rows else ''}", "plain"), *(rows.pop(0) if rows else ()))
        else:
            yield (*lead, (f" {name}", "plain"))
        down = f"{indent}{'  ' if last else _DOWN}"
        for row in rows:
            yield ((down, "faint"), (" " * (left - len(down)), "plain"), *row)


def _flow(said: Iterable[Piece], room: int) -> list[list[Piece]]:
    """As many of them on a line as have room there."""
    rows: list[list[Piece]] = []
    for words, look in said:
        text = safe(words)
        if not text:
            continue
        if rows and _width(rows[-1]) + 3 + _cells(text) <= room:
            rows[-1].extend([(" · ", "faint"), (text, look)])
        else:
            rows.extend(list(row) for row in _lines(text, look, room))
    return rows


def _width(row: Iterable[Piece]) -> int:
    return sum(_cells(text) for text, _ in row)


# --- what to do


def _findings(standing: Standing, book: judged.Book, now: int, width: int) -> Iterator[Drawn]:
    counting = [one for one in standing.findings if one.counts]
    notes = [one for one in standing.findings if not one.counts]
    if counting:
        yield ()
        yield (("  What to do", "strong"),)
        for number, one in enumerate(counting, start=1):
            yield from _item(f"{number}.", one, width)
    if standing.reminders:
        yield ()
        yield (("  Due", "strong"),)
        for reminder in standing.reminders:
            words, command = book.reminder(reminder, now)
            since = f" Due since {date(reminder.due)}." if reminder.due else ""
            yield from _hanging("  ▲ ", "attend", f"{words}{since}", width)
            yield from _hanging("    → ", "strong", command, width)
    if notes:
        yield ()
        yield (("  Good to know", "strong"),)
        for one in notes:
            yield from _item("·", one, width)


def _item(head: str, one: Finding, width: int) -> Iterator[Drawn]:
    from coldshare.safety.standing import VERDICTS

    look: Look = _STATUS_LOOKS[VERDICTS[one.code][1]] if one.counts else "faint"
    yield from _hanging(f"  {head} ", look, one.words, width)
    if one.next_step:
        yield from _hanging(f"  {' ' * len(head)} → ", "strong", one.next_step, width)


def _hanging(head: str, look: Look, text: str, width: int) -> Iterator[Drawn]:
    for number, line in enumerate(_wrap(safe(text), width - len(head))):
        yield (head if not number else " " * len(head), look), (line, "plain")


def _legend(signs: Iterable[str], standing: Standing, width: int) -> Iterator[Drawn]:
    used = {*signs, *([_UNKNOWN] if standing.unknown and standing.generation is not None else [])}
    entries = [f"{sign} {words}" for sign, words in _LEGEND.items() if sign in used]
    yield ()
    line = ""
    for entry in entries:
        if line and _cells(line) + 3 + _cells(entry) > width - _MARGIN:
            yield ((f"  {line}", "faint"),)
            line = ""
        line = f"{line}   {entry}" if line else entry
    yield ((f"  {line}", "faint"),)


def draw_others(said: Iterable[tuple[str, str]], width: int) -> Iterator[Drawn]:
    """What belongs to no vault: sentences, each with a next step or an empty one."""
    for number, (words, step) in enumerate(said):
        if not number:
            yield ()
        yield from _hanging("  ▲ ", "attend", words, width)
        if step:
            yield from _hanging("    → ", "strong", step, width)


def _lines(text: str, look: Look, room: int) -> list[Drawn]:
    return [((line, look),) for line in _wrap(text, room)]


# --- columns


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, room: int) -> str:
    """`text` in so many columns, with … where something is missing."""
    from rich.cells import set_cell_size

    return text if _cells(text) <= room else f"{set_cell_size(text, max(room - 1, 0)).rstrip()}…"


def _cut_title(text: str, room: int) -> str:
    """Of a path it is the end that tells which one it is."""
    if not text.startswith("/") or _cells(text) <= room:
        return _cut(text, room)
    while _cells(text) > room - 1:
        text = text[1:]
    return f"…{text}"


def _wrap(text: str, room: int) -> list[str]:
    """Lines of so many columns. Only a word that has no room in one is broken."""
    lines: list[str] = []
    line = ""
    for word in safe(text).split(" "):
        if line and _cells(line) + 1 + _cells(word) <= room:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        line = word
        while _cells(line) > room:
            at = max(number for number in range(1, len(line) + 1) if number == 1 or _cells(line[:number]) <= room)
            lines.append(line[:at])
            line = line[at:]
    return [*lines, line] if line or not lines else lines
