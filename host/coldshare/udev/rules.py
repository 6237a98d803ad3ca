"""The rules file as it came with this installation."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from coldshare.udev.errors import RulesMissingError

NAME = "70-coldshare.rules"


def shipped() -> bytes:
    """Its content. Raises RulesMissingError."""
    try:
        files = metadata.files("coldshare") or []
        # It lies outside of every package, so that `pip install --prefix=/usr` puts it where udev looks.
        found = next((Path(str(file.locate())) for file in files if file.name == NAME), None)
        if found is None:
            raise RulesMissingError
        return found.read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise RulesMissingError from error
