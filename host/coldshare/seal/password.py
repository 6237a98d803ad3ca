"""Which passwords may seal a share, and which bytes a password stands for.

The same password typed on another system must open the backup. Keyboards and input methods disagree about two
things: whether an accented letter is one character or a letter and a mark, and whether the wide-looking space
that came out is a space. So a password is prepared as RFC 8265 section 4.2 (OpaqueString) does it: spaces of any
kind become U+0020, then Unicode NFC, then UTF-8. Not NFKC: it folds characters together that people chose to be
different, and those that it would help with differ on screen too. Control characters are refused: they come from
files and pasting, never from a keyboard. So are characters that this Python's Unicode does not know, because
their normal form is not settled yet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from coldshare.seal.errors import PasswordFormError, WeakPasswordError

__all__ = ["check_password", "guesses", "normalise_password"]

#: Guesses that zxcvbn must expect, at least. Argon2id then makes each of them cost about a second.
GUESSES_MIN: Final = 10**10
#: Bytes of UTF-8. No password is refused for being long; this is for the wrong file given as password file.
PASSWORD_MAX: Final = 4096

# zxcvbn raises above this many characters, and takes seconds for some; what follows can only add strength.
_SCORED: Final = 72
_HINT_MAX: Final = 100
_HINTS_MAX: Final = 100


def normalise_password(password: str) -> bytes:
    """Return the bytes that `password` stands for, or raise `PasswordFormError`. Says nothing about strength."""
    if not password:
        raise PasswordFormError("The password is empty.")
    if len(password) > PASSWORD_MAX:
        raise _too_long()
    for character in password:
        category = unicodedata.category(character)
        if category in ("Cc", "Cs"):
            raise PasswordFormError(
                "The password has a control character in it, such as a line break or a tab, or it is not text."
            )
        if category == "Cn":
            raise PasswordFormError("The password has a character in it that is too new for this computer's Python.")
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    encoded = unicodedata.normalize("NFC", spaced).encode("utf-8")
    if len(encoded) > PASSWORD_MAX:
        raise _too_long()
    return encoded


def check_password(password: str, hints: Iterable[str] = ()) -> None:
    """Raise `WeakPasswordError`, with the reason and a suggestion, when `password` is too easy to guess.

    `hints` are words that an attacker would try first: the names of the vault, the party and the token. They
    count whole and word by word. Only the first 72 characters are scored. `PasswordFormError` as in
    `normalise_password`.
    """
    result = _scored(password, hints)
    if result["guesses"] >= GUESSES_MIN:
        return
    feedback = result["feedback"]
    # zxcvbn explains only what it finds poor, and it is content long before we are.
    reason = feedback["warning"] or "It would be found within ten thousand million guesses."
    raise WeakPasswordError(
        f"This password is too easy to guess. {reason.rstrip('.')}.",
        next_step=" ".join(feedback["suggestions"]) or "Add another word or two. Uncommon words are better.",
    )


def guesses(password: str, hints: Iterable[str] = ()) -> int:
    """How many guesses somebody who knows `hints` is expected to need. Raises as `normalise_password`."""
    return int(_scored(password, hints)["guesses"])


def _scored(password: str, hints: Iterable[str]) -> dict[str, Any]:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]

    text = normalise_password(password).decode("utf-8")
    return dict(zxcvbn(text[:_SCORED], user_inputs=_words(hints)))


def _words(hints: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for hint in hints:
        whole = hint[:_HINT_MAX]
        for word in (whole, *re.split(r"[\W_]+", whole)):
            # Shorter words are in everything and would only confuse the score.
            if len(word) > 2:
                found[word] = None
    return list(found)[:_HINTS_MAX]


def _too_long() -> PasswordFormError:
    return PasswordFormError(
        f"The password is longer than {PASSWORD_MAX} bytes. Is this the right file? Long passwords are welcome, "
        "but not that long."
    )
