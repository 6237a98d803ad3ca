"""Judges a file of rules by `udevadm verify`: python tests/udev/lint.py FILE

That needs the udevadm of systemd 254 or newer. Where this computer has none, Debian's is unpacked aside.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from coldshare_sim import debian

SUITE = "trixie"
# udevadm and all that it is linked with, so that it runs on any release.
PACKAGES = (
    *("udev", "libsystemd-shared", "libc6", "libacl1", "libblkid1", "libcap2", "libkmod2", "liblzma5", "libpcre2-8-0"),
    *("libselinux1", "libssl3t64", "libzstd1"),
)
NEEDED = 254


def find() -> tuple[str, ...] | None:
    """The command that is a udevadm with `verify`."""
    installed = shutil.which("udevadm")
    candidates: list[tuple[str, ...]] = [(installed,)] if installed else []
    for root in sorted(cache().glob(f"{SUITE}-*")):
        command = debian.command(root, "usr/bin/udevadm")
        candidates += [command] if command is not None else []
    return next((command for command in candidates if version(command) >= NEEDED), None)


def cache() -> Path:
    return user_cache_path("coldshare") / "udevadm"


def version(command: Sequence[str]) -> int:
    """Which systemd it belongs to; 0 when it does not run."""
    with suppress(OSError):
        said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        return int(found[0]) if (found := re.match(r"\d+", said)) else 0
    return 0


def prepare() -> tuple[str, ...]:
    """The command, after downloading it where there is none. Raises debian.DebianError."""
    command = find()
    if command is None:
        tool = debian.missing_tool()
        if tool is not None:
            raise debian.DebianError(f"there is no udevadm of systemd {NEEDED} or newer, and no {tool} to get it with")
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache(), prefix="new-") as name:
            root = debian.unpack(SUITE, PACKAGES, Path(name))
            exact = re.sub(r"[^\w.+~-]", "_", next(iter(Path(name).glob("debs/udev_*.deb"))).stem)
            with suppress(OSError):  # somebody else was faster
                root.rename(cache() / f"{SUITE}-{exact}")
        command = find()
    if command is None:
        raise debian.DebianError("Debian's udevadm does not run on this computer")
    return command


def verify(command: Sequence[str], rules: Path) -> tuple[bool, str]:
    """Whether it has nothing against the file, and what it says."""
    done = subprocess.run(
        # Nobody's accounts matter: the rules name none.
        [*command, "verify", "--resolve-names=never", str(rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    # Its own word that it looked at all, beside its status.
    return done.returncode == 0 and re.search(r"^\s*Success: 1$", said, re.MULTILINE) is not None, said


def main(argv: Sequence[str]) -> int:
    try:
        command = prepare()
    except debian.DebianError as error:
        print(f"The rules cannot be judged: {error}.", file=sys.stderr)
        return 1
    good, said = verify(command, Path(argv[0]))
    print(f"udevadm of systemd {version(command)}: {said.strip()}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
