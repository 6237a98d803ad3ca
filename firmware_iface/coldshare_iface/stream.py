"""Reports over a byte stream: how a software token in another process is reached. Sans-IO; no board has this.

Everything is a length of two bytes, big-endian, and that many bytes. The token's side speaks first and says hello, in
JSON; after that each side sends reports of exactly the size that the hello named.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

VERSION = 1
HELLO_MAX = 512
#: Who may press the token's buttons by themselves. `None` is a person, or nobody.
USERS = ("approve", "reject")
#: What a hello can say instead of going on.
REFUSALS = ("busy",)
_HEADER = 2
_REPORT_MIN, _REPORT_MAX = 64, 1024


class StreamError(Exception):
    """The other side does not speak this; nothing that follows can be trusted to begin where it seems to."""


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(_HEADER, "big") + data


class Frames:
    """Cuts a stream. `feed` takes any number of bytes; `next` gives what is whole, one at a time.

    A length outside `smallest` and `largest` raises StreamError at once, before any of it has to be kept.
    """

    def __init__(self, smallest: int, largest: int) -> None:
        self.smallest = smallest
        self.largest = largest
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        self._held += data

    def next(self) -> bytes | None:
        if len(self._held) < _HEADER:
            return None
        size = int.from_bytes(self._held[:_HEADER], "big")
        if not self.smallest <= size <= self.largest:
            raise StreamError(f"a length of {size} bytes")
        end = _HEADER + size
        if len(self._held) < end:
            return None
        data = bytes(self._held[_HEADER:end])
        del self._held[:end]
        return data


@dataclass(frozen=True, slots=True)
class Hello:
    """What the token's side says first. `refused` is a reason, and the connection ends there."""

    report_size: int
    user: str | None = None
    refused: str | None = None

    def encode(self) -> bytes:
        body: dict[str, int | str] = {"coldshare-sim": VERSION, "report_size": self.report_size}
        if self.user is not None:
            body["user"] = self.user
        if self.refused is not None:
            body["refused"] = self.refused
        return json.dumps(body, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Hello:
        """Raises StreamError. Members that are not known are passed over: a later version may say more."""
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            raise StreamError("no hello") from None
        if not isinstance(body, dict) or body.get("coldshare-sim") != VERSION:
            raise StreamError("no hello of this version")
        size, user, refused = body.get("report_size"), body.get("user"), body.get("refused")
        if type(size) is not int or not _REPORT_MIN <= size <= _REPORT_MAX:
            raise StreamError("a hello without a report size")
        if user is not None and user not in USERS:
            raise StreamError("a hello with an unknown user")
        if refused is not None and not isinstance(refused, str):
            raise StreamError("a hello with an unknown refusal")
        return cls(size, user, refused)
