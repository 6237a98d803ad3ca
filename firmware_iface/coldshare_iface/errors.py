"""The root of every error that coldshare raises, and the errors of the protocol itself (host side).

Each class has a stable `code` for scripts, a sentence for a person (the message) and the next step to take.
The class docstring is the default sentence, so that what is documented is what is read.
"""

from __future__ import annotations

from typing import ClassVar


class ColdshareError(Exception):
    """Something went wrong that coldshare has no better words for."""

    code: ClassVar[str] = "error"
    #: Exit status of the command line tool; the table is in docs/cli.md.
    exit_status: ClassVar[int] = 1
    #: What the person can do now; overridden per instance where more is known.
    next_step: str = ""

    def __init__(self, message: str | None = None, *, next_step: str | None = None) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").strip())
        if next_step is not None:
            self.next_step = next_step

    @property
    def message(self) -> str:
        """The sentence for a person; it never holds a secret."""
        return str(self)
