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

from coldshare_sim.mpy.errors import MicroPythonMissingError, PreparationError

#: Names an interpreter to use instead of what is found.
VARIABLE = "COLDSHARE_MICROPYTHON"
#: The first Debian release with a `micropython` package.
SUITE = "trixie"
_PACKAGES = ("micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7")
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR = "http://deb.debian.org/debian"
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
        command = _aside(root)
        if command is not None:
            yield command


def _aside(root: Path) -> tuple[str, ...] | None:
    """The command for a package unpacked at `root`: its own loader and libraries, for the system's may be older."""
    program = root / "usr/bin/micropython"
    for loader in sorted(root.glob("usr/lib*/**/ld-linux-*.so.*")):
        libraries = sorted({str(path.parent) for path in root.glob("usr/lib/**/libmbed*.so.*")} | {str(loader.parent)})
        return (str(loader), "--library-path", ":".join(libraries), str(program))
    return None


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
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise PreparationError(
                f"There is no {tool} on this computer to get MicroPython with.",
                next_step=f"Install MicroPython {_NEEDED[0]}.{_NEEDED[1]} or newer, or name it in {VARIABLE}.",
            )
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache(), prefix="new-") as name:
            work = Path(name)
            root = _download(work)
            version = re.sub(r"[^\w.+~-]", "_", next(iter(work.glob("debs/micropython_*.deb"))).stem)
            final = cache() / f"{SUITE}-{version}"
            with suppress(OSError):  # somebody else was faster
                os.rename(root, final)  # noqa: PTH104
    except OSError as error:
        raise PreparationError(f"MicroPython cannot be unpacked: {error.strerror}.") from error
    try:
        return find()
    except MicroPythonMissingError as error:
        raise PreparationError("Debian's MicroPython does not run on this computer.") from error


def _download(work: Path) -> Path:
    """Debian's packages, with a private state of apt, unpacked into a folder below `work`."""
    for folder in ("lists/partial", "cache/archives/partial", "debs", "root"):
        (work / folder).mkdir(parents=True)
    signed = f" [signed-by={_KEYRING}]" if _KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb{signed} {_mirror()} {SUITE} main\n", encoding="utf-8")
    options = [
        *("-o", f"Dir::Etc::SourceList={work / 'sources.list'}", "-o", "Dir::Etc::SourceParts=-"),
        *("-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}"),
        *("-o", "APT::Sandbox::User="),  # the folder is this user's own
    ]
    _run(["apt-get", *options, "-qq", "update"], work)
    _run(["apt-get", *options, "-qq", "download", *_PACKAGES], work / "debs")
    for package in sorted((work / "debs").glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(work / "root")], work)
    return work / "root"


def _mirror() -> str:
    """Where this machine gets Debian from, if it is Debian."""
    for source in _SOURCES:
        files = sorted(source.iterdir()) if source.is_dir() else [source]
        for file in files:
            if file.suffix not in (".list", ".sources"):
                continue
            with suppress(OSError, UnicodeDecodeError):
                text = re.sub(r"^\s*#.*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
                found = re.search(r"(?:^URIs:\s*|^deb\s+(?:\[[^]]*\]\s+)?)(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
                if found:
                    return found[1]
    return _MIRROR


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PreparationError(f"{command[0]} has not finished in {_TIMEOUT} seconds.") from error
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("E:", "dpkg"))]
        why = said[0] if said else f"status {done.returncode}"
        raise PreparationError(f"{command[0]} could not get MicroPython from Debian: {why}")
