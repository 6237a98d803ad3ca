"""What makes the tests quick and changes nothing that they see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_MEMORY = Path("/dev/shm")
#: More than a run has ever had there at a time.
_ROOM = 4 << 30


def files_in_memory() -> None:
    """Keep temporary files in memory where there is room for them and they may be run there.

    What is stored is on disk before a command says so: on a real disk the tests would wait longer than they compute. A
    folder that was asked for, with pytest's own variable or as TMPDIR, is left as it is.
    """
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or "TMPDIR" in os.environ:
        return
    try:
        free, flags = shutil.disk_usage(_MEMORY).free, os.statvfs(_MEMORY).f_flag
    except (OSError, AttributeError):
        return
    if free >= _ROOM and not flags & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK):
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_MEMORY)


def passwords_scored_once(patch: pytest.MonkeyPatch) -> None:
    """The same few passwords, with the same hints, are in thousands of tests."""
    import zxcvbn  # type: ignore[import-untyped]

    @cache
    def scored(password: str, hints: tuple[str, ...]) -> dict[str, Any]:
        return dict(real(password, user_inputs=list(hints)))

    def once(password: str, user_inputs: Sequence[str] = ()) -> dict[str, Any]:
        return dict(scored(password, tuple(user_inputs)))

    real = zxcvbn.zxcvbn
    patch.setattr(zxcvbn, "zxcvbn", once)
