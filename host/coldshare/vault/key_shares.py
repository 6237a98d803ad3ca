"""Which key share is of which key, and what to do where a key has several.

Apps have written a key's share twice, and seed imports made two shares of one key where two chains derive the same
one. The iOS app takes the first of them, Android and the desktop the last. Copies that are equal count once. Where
they differ, every one is checked: if one fails, the file is refused, because some app would take that one. If all are
sound, they are kept, and a warning says who takes which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from . import base64text
from .checks import Checks
from .errors import FieldError
from .limits import MAX_COPIES, MAX_UNKNOWN_SIZE
from .message import KeyShareText

_T = TypeVar("_T")


class KeyShares:
    """The key shares of one file, by key. Secret."""

    def __init__(self, shares: Iterable[KeyShareText]) -> None:
        """Raises `FieldError` for more different shares of one key than `MAX_COPIES`."""
        self._texts: dict[str, list[str]] = {}
        self._left: dict[str, None] = {}
        self.warnings: list[str] = []
        for share in shares:
            texts = self._texts.setdefault(share.public_key, [])
            self._left[share.public_key] = None
            if share.text not in texts:
                texts.append(share.text)
            if len(texts) > MAX_COPIES:
                raise FieldError("key_shares", f"holds more than {MAX_COPIES} different key shares of one key")

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def need(self, key: str, what: str, checks: Checks) -> None:
        """Raise `ShareMismatchError` where there is no share of `key`; `what` names it."""
        checks.require("key_share_keys", key in self._texts, f"There is none for {what}.")

    def left(self) -> list[str]:
        """The keys that nobody has asked for yet."""
        return list(self._left)

    def read(self, key: str, what: str, checks: Checks, reader: Callable[[str, Checks], _T]) -> list[_T]:
        """What `reader` makes of each different share of `key`, in the file's order; at least one.

        `what` names the key in errors and warnings. Raises what `reader` raises, and `ShareMismatchError` where there
        is no share.
        """
        self.need(key, what, checks)
        texts = self._take(key)
        if len(texts) == 1:
            return [reader(texts[0], checks)]
        self.warnings.append(
            f"The file holds {len(texts)} different key shares for {what}. All of them pass their checks and are kept,"
            " but apps differ: iOS takes the first, Android and the desktop the last. Before you rely on this backup,"
            " make sure that every device still signs with that key."
        )
        return [
            reader(text, checks.within(f"Of the {len(texts)} key shares for {what} it is number {number}."))
            for number, text in enumerate(texts, start=1)
        ]

    def read_one(self, key: str, what: str, checks: Checks, reader: Callable[[str, Checks], _T]) -> _T:
        """As `read`, for a key whose shares must all say the same, or nobody could tell which one would be used."""
        first, *others = self.read(key, what, checks, reader)
        if others:
            where = f"Those for {what} are of different parties or generations."
            checks.require("key_share_copies", all(other == first for other in others), where)
        return first

    def keep(self, key: str) -> bool:
        """Take the shares of a key that cannot be looked into; whether there are any. Raises `FieldError`."""
        texts = self._take(key)
        for text in texts:
            if len(text) > MAX_UNKNOWN_SIZE:
                raise FieldError(
                    "key_shares",
                    f"holds a share of {len(text)} bytes of an unknown kind; {MAX_UNKNOWN_SIZE} is the limit",
                )
        return bool(texts)

    def _take(self, key: str) -> list[str]:
        self._left.pop(key, None)
        return self._texts.get(key, [])


def raw_share(half: str, text: str) -> bytes:
    """The bytes of a DKLS key share. Raises `FieldError`."""
    try:
        return base64text.decode(text.encode())
    except base64text.Base64Error as error:
        raise FieldError("key_shares", f"holds an {half} share that is damaged: in its base64, {error}") from None
