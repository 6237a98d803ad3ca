"""Names from a file, made fit to be shown on a terminal and on a token's small screen.

A name can carry characters that move the cursor, change colors or reverse the writing direction, so that the
person approves something other than what they read. Two answers:

- A **vault name** is a label. It is shown with U+FFFD in place of each such character, and a warning says so.
- A **party id** is an identity: rules compare it and people approve it. One that cannot be shown as it is is
  refused, because two ids that differ must never look the same.

Joiners and variation selectors stay: emoji and several scripts need them.
"""

from __future__ import annotations

import unicodedata
from typing import Final

REPLACEMENT: Final = "�"

# Cc control, Cs lone surrogates, Zl and Zp line and paragraph separators.
_UNSHOWABLE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Unicode Bidi_Control: UAX #9, section 2.
_BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_showable(text: str) -> bool:
    """Whether `text` can be shown as it is."""
    return not any(_is_unshowable(character) for character in text)


def displayed(text: str) -> str:
    """`text` with every character that must not reach a screen replaced by U+FFFD."""
    return "".join(REPLACEMENT if _is_unshowable(character) else character for character in text)


def _is_unshowable(character: str) -> bool:
    return character in _BIDI_CONTROLS or unicodedata.category(character) in _UNSHOWABLE_CATEGORIES
