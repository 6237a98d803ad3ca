"""Reading a file that a person named, bounded."""

from __future__ import annotations

from pathlib import Path

from .errors import FileTooLargeError, FileUnreadableError
from .limits import MAX_FILE_SIZE
from .names import displayed


def read_file(path: Path) -> bytes:
    """The bytes of the file at `path`, at most `MAX_FILE_SIZE`. Pipes are fine, directories are not.

    Raises `FileUnreadableError`, `FileTooLargeError`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_SIZE + 1)
    except IsADirectoryError:
        raise FileUnreadableError(
            f"{displayed(str(path))} is a directory, not a vault file.",
            next_step="Name the `.vult` file inside it.",
        ) from None
    except OSError as error:
        raise FileUnreadableError(
            f"{displayed(str(path))} cannot be read: {error.strerror or type(error).__name__}."
        ) from None
    except ValueError:  # a path with a NUL in it
        raise FileUnreadableError(f"{displayed(str(path))} is not a path that can be opened.") from None
    if len(data) > MAX_FILE_SIZE:
        raise FileTooLargeError
    return data
