"""Packages of a Debian release, unpacked aside. Nothing is installed, and this computer's apt hears nothing of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR = "http://deb.debian.org/debian"
_TIMEOUT = 300


class DebianError(Exception):
    """The packages cannot be had; the text says why, as a clause."""


def missing_tool() -> str | None:
    """The program that is needed and not on this computer, if there is one."""
    return next((tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None), None)


def unpack(suite: str, packages: Sequence[str], work: Path) -> Path:
    """Download `packages` of `suite` with a private state of apt, and unpack them into a folder below `work`.

    `work` must be an empty folder; the packages stay in its `debs`. Raises DebianError and OSError.
    """
    for folder in ("lists/partial", "cache/archives/partial", "debs", "root"):
        (work / folder).mkdir(parents=True)
    signed = f" [signed-by={_KEYRING}]" if _KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb{signed} {_mirror()} {suite} main\n", encoding="utf-8")
    options = [
        *("-o", f"Dir::Etc::SourceList={work / 'sources.list'}", "-o", "Dir::Etc::SourceParts=-"),
        *("-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}"),
        *("-o", "APT::Sandbox::User="),  # the folder is this user's own
    ]
    _run(["apt-get", *options, "-qq", "update"], work)
    _run(["apt-get", *options, "-qq", "download", *packages], work / "debs")
    for package in sorted((work / "debs").glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(work / "root")], work)
    return work / "root"


def command(root: Path, program: str) -> tuple[str, ...] | None:
    """How to run `program` (a path below `root`) with the loader and the libraries that were unpacked beside it."""
    for loader in sorted(root.glob("usr/lib*/**/ld-linux-*.so.*")):
        folders = {str(path.parent) for ends in ("so", "so.*") for path in root.glob(f"usr/lib/**/*.{ends}")}
        return (str(loader), "--library-path", ":".join(sorted(folders)), str(root / program))
    return None


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
        raise DebianError(f"{command[0]} has not finished in {_TIMEOUT} seconds") from error
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("E:", "dpkg"))]
        raise DebianError(f"{command[0]} says: {said[0]}" if said else f"{command[0]} ends with {done.returncode}")
