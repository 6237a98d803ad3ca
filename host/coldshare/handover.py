"""How a new recovery code gets into a person's hands: before the token stores anything that it opens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from coldshare.errors import SecretError
from coldshare.files import OutputError, OutputExistsError, write_private
from coldshare.recovery import RecoveryCode, parse_file
from coldshare.restore import ReadBackError, check_out

__all__ = ["Handover", "ToFile"]


class Handover(ABC):
    """`backup` and `reseal` call `give` once, before they seal, and then either nothing, `void` or `kept`."""

    def say(self, words: str) -> None:  # noqa: B027 - a library has nobody to tell
        """Called with what `void` or `kept` returned when no error of coldshare can carry it."""

    @abstractmethod
    def give(self, backup_id: bytes) -> RecoveryCode:
        """Make a code and return it once the person has it. Whatever this raises ends the backup."""

    @abstractmethod
    def void(self) -> str:
        """The backup was not made, and the code opens nothing: take it back. Returns a sentence for the person."""

    @abstractmethod
    def kept(self) -> str:
        """It went wrong later: the token has, or may have, what the code opens, or will have it once the backup is
        resumed. Returns a sentence for the person."""


class ToFile(Handover):
    """Into a file of its own, mode 0600, never over an existing one, and read back."""

    def __init__(self, path: Path) -> None:
        """Raises OutputExistsError or OutputError for what can be known now."""
        self.path = path
        self._written = False
        try:
            check_out(path)
        except OutputExistsError as error:
            error.next_step = "Name another file with --recovery-out."
            raise
        except OutputError as error:
            error.next_step = "Name a file in a folder that is there, and that you may write in, with --recovery-out."
            raise

    def give(self, backup_id: bytes) -> RecoveryCode:
        code = RecoveryCode.generate()
        write_private(self.path, code.file_text(backup_id).encode(), replace=False)
        self._written = True
        try:
            good = parse_file(self.path.read_text(encoding="utf-8")).code == code
        except (OSError, ValueError, SecretError):
            good = False
        if not good:
            raise ReadBackError(next_step="The disk may be failing. Name a file on another one with --recovery-out.")
        return code

    def void(self) -> str:
        if self._written:
            self.path.unlink(missing_ok=True)
        return ""

    def kept(self) -> str:
        return f"Keep {self.path}: it has the recovery code of that backup." if self._written else ""
