"""What every hostile file must meet: it is read and kept as it is, or refused in clear words."""

from __future__ import annotations

import unicodedata

from coldshare.errors import ColdshareError
from coldshare.vault import read_share


def is_clear(error: ColdshareError) -> bool:
    """One sentence or a few, fit for a terminal, with something to do next."""
    text = error.message + error.next_step
    return (
        10 < len(error.message) < 1000
        and error.next_step != ""
        and not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)
        and "\u202e" not in text
    )


def refusal(data: bytes, password: str | None = None) -> ColdshareError | None:
    """The error that `data` meets, if any. Any other exception is a failure of the test."""
    try:
        share = read_share(data, password=password)
    except ColdshareError as error:
        return error
    assert share.original == data
    return None


def refuses_clearly(data: bytes, password: str | None = None) -> None:
    """`data` is either read, and kept as it is, or refused in clear words."""
    error = refusal(data, password)
    assert error is None or is_clear(error)
