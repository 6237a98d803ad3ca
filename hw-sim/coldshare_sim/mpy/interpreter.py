"""MicroPython itself: what is installed, or Debian's package unpacked aside, which installs nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from coldshare_sim import debian
from coldshare_sim.mpy.errors import MicroPythonMissingError, PreparationError

#: Names an interpreter to use instead of what is found.
VARIABLE = "COLDSHARE_MICROPYTHON"
#: The first Debian release with a `micropython` package.
SUITE = "trixie"
_PACKAGES = ("micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7")
_TIMEOUT = 300
# It must be new enough, and have littlefs 2 and AES.
_PROBE = "import sys,vfs,cryptolib;vfs.VfsLfs2;print(sys.implementation[0],*sys.implementation[1][:3])"
_NEEDED = (1, 23, 0)


def cache() -> Path:
    """The folder of this user for what was prepared."""
    return user_cache_path("coldshare") / "micropython"


def find() -> tuple[str, ...]:
    """The command that runs MicroPython. Raises MicroPythonMissingError."""
    named = os.environ.get(VARIABLE)
    if named:
        if _version((named,)) is None:
            raise MicroPythonMissingError(
                f"{VARIABLE} names {named}, which is no MicroPython that can run the firmware."
            )
        return (named,)
    for command in _candidates():
        if _version(command) is not None:
            return command
    raise MicroPythonMissingError


def _candidates() -> Iterator[tuple[str, ...]]:
    installed = shutil.which("micropython")
    if installed:
        yield (installed,)
    for root in sorted(cache().glob(f"{SUITE}-*")):
        command = debian.command(root, "usr/bin/micropython")
        if command is not None:
            yield command


def _version(command: Sequence[str]) -> tuple[int, ...] | None:
    """Which MicroPython that is; None when it is none, too old, or lacks something."""
    try:
        said = subprocess.run(  # noqa: S603
            [*command, "-c", _PROBE], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        ).stdout.split()
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    if said[:1] != ["micropython"] or not all(part.isdigit() for part in said[1:]):
        return None
    version = tuple(int(part) for part in said[1:])
    return version if version >= _NEEDED else None


def prepare() -> tuple[str, ...]:
    """The command, after downloading Debian's packages where there is none. Raises PreparationError."""
    with suppress(MicroPythonMissingError):
        return find()
    if os.environ.get(VARIABLE):
        return find()
    tool = debian.missing_tool()
    if tool is not None:
        raise PreparationError(
            f"There is no {tool} on this computer to get MicroPython with.",
            next_step=f"Install MicroPython {_NEEDED[0]}.{_NEEDED[1]} or newer, or name it in {VARIABLE}.",
        )
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache(), prefix="new-") as name:
            work = Path(name)
            root = debian.unpack(SUITE, _PACKAGES, work)
            version = re.sub(r"[^\w.+~-]", "_", next(iter(work.glob("debs/micropython_*.deb"))).stem)
            final = cache() / f"{SUITE}-{version}"
            with suppress(OSError):  # somebody else was faster
                os.rename(root, final)  # noqa: PTH104
    except OSError as error:
        raise PreparationError(f"MicroPython cannot be unpacked: {error.strerror}.") from error
    except debian.DebianError as error:
        raise PreparationError(f"MicroPython cannot be had from Debian: {error}.") from error
    try:
        return find()
    except MicroPythonMissingError as error:
        raise PreparationError("Debian's MicroPython does not run on this computer.") from error
