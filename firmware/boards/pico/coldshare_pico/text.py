"""Lines that fit on a small display. Portable subset; no machine access.

Nothing is cut: what is too wide is wrapped, what is too long is paged. The display has letters for ASCII only; any
other character is written as its number, `{e9}` for U+00E9, so that two names that differ never look alike.
"""

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Iterator


def plain(line: str) -> str:
    """`line` in printable ASCII. The braces themselves are written as numbers, too."""
    out = []
    for char in line:
        code = ord(char)
        out.append(char if 32 <= code < 127 and char not in "{}" else "{%x}" % code)
    return "".join(out)


def wrap(line: str, width: int) -> "Iterator[str]":
    """`line` in rows of at most `width`, broken at a space where there is one in the row's second half."""
    while len(line) > width:
        # A space right behind the row is a place to break, too.
        at = line.rfind(" ", width // 2, width + 1)
        if at < 0:
            yield line[:width]
            line = line[width:]
        else:
            yield line[:at]
            line = line[at + 1 :]
    yield line


def pages(lines: "list[str]", width: int, height: int) -> "list[list[str]]":
    """The screens that show `lines` one after another, each of at most `height` rows.

    Where there are several, the last row of each says which one it is.
    """
    rows = []
    for line in lines:
        rows += list(wrap(plain(line), width))
    if len(rows) <= height:
        return [rows]
    room = height - 1
    count = (len(rows) + room - 1) // room
    out = []
    for i in range(count):
        page = rows[i * room : (i + 1) * room]
        page += [""] * (room - len(page))
        out.append(page + ["-- " + str(i + 1) + " of " + str(count) + " --"])
    return out
