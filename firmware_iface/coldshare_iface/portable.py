"""Which half of the contract a token runs, and where the sources of what runs on one are. For tools and tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

#: The modules of this package that both sides import. The others are the host's alone.
HALF = ("wire", "text", "framing", "suite", "noise", "session", "transfer")
#: The module of a package that type checkers read, and nothing else does.
TYPES = "types.py"


def sources(*packages: ModuleType) -> Iterator[tuple[str, Path]]:
    """(path below a folder, without a suffix; source) of every module in the half and in `packages`, always in the
    same order."""
    half = Path(__file__).parent
    for stem in HALF:
        yield f"{half.name}/{stem}", half / f"{stem}.py"
    for package in packages:
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            if path.name != TYPES:
                yield f"{package.__name__}/{path.stem}", path
