"""Debian's packages, as this computer's apt would get them, unpacked aside instead of installed.

apt chooses and checks everything: versions are looked up, signatures verified, and of what a package needs only that is
fetched which this computer lacks. Its own lists and caches are left alone.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kernel.vm.errors import VmError

_TIMEOUT = 600
_TOOLS = ("apt-get", "apt-cache", "dpkg-deb")


class Apt:
    """apt with a state of its own below the empty folder `work`."""

    def __init__(self, work: Path) -> None:
        for tool in _TOOLS:
            if shutil.which(tool) is None:
                raise VmError(f"There is no {tool} here: the kernel tests need Debian or something like it.")
        self._archives = work / "cache/archives"
        self._debs = work / "debs"
        self._debs.mkdir()
        (self._archives / "partial").mkdir(parents=True)
        (work / "lists/partial").mkdir(parents=True)
        self._options = [
            *("-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}"),
            # Nobody else is at work in that folder, and it belongs to whoever runs this.
            *("-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User="),
        ]

    def update(self) -> None:
        """Fetch the lists. Sources that are of no use here may fail: what is missing shows at the next step."""
        self._run("apt-get", "-qq", "update", check=False)

    def version(self, package: str) -> str:
        """The version that apt would take."""
        said = self._run("apt-cache", "policy", package)
        for line in said.splitlines():
            name, _, value = line.strip().partition(": ")
            if name == "Candidate" and value != "(none)":
                return value
        raise VmError(f"apt knows no package {package}: these tests need Debian's, on x86-64.")

    def dependency(self, package: str, beginning: str) -> str:
        """The dependency of `package` whose name begins so."""
        said = self._run("apt-cache", "depends", "--important", package)
        for line in said.splitlines():
            kind, _, name = line.strip().partition(": ")
            if kind == "Depends" and name.startswith(beginning):
                return name
        raise VmError(f"Debian's {package} depends on no {beginning}*.")

    def download(self, *packages: str) -> list[Path]:
        """Exactly these packages."""
        found: list[Path] = []
        for package in packages:
            self._run("apt-get", "-qq", "download", package, folder=self._debs)
            found += self._debs.glob(f"{package}_*.deb")
        return found

    def closure(self, *packages: str) -> list[Path]:
        """These packages and what they need and this computer has not; nothing if they are installed."""
        before = set(self._archives.glob("*.deb"))
        self._run("apt-get", "-qq", "-y", "--no-install-recommends", "--download-only", "install", *packages)
        return sorted(set(self._archives.glob("*.deb")) - before)

    def _run(self, tool: str, *arguments: str, folder: Path | None = None, check: bool = True) -> str:
        try:
            done = subprocess.run(
                [tool, *self._options, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise VmError(f"{tool} has not finished in {_TIMEOUT} seconds; is the network there?") from error
        if check and done.returncode:
            reasons = [line for line in done.stderr.splitlines() if line.startswith("E:")]
            reason = reasons[0] if reasons else f"it ends with {done.returncode}"
            raise VmError(f"{tool} {arguments[-1]} failed: {reason}")
        return done.stdout


def unpack(packages: Sequence[Path], root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for package in packages:
        done = subprocess.run(
            ["dpkg-deb", "-x", str(package), str(root)], capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise VmError(f"{package.name} cannot be unpacked: {done.stderr.strip()}")
