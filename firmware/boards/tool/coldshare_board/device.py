"""What is asked of a board, and what it answers. The snippets here run on the board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coldshare_board.errors import MicroPythonTooOldError, NotMicroPythonError, WrongBoardError
from coldshare_board.link import Board
from coldshare_board.release import BOOT, HOME, MAIN, named

#: USB devices in Python, which coldshare is one of, came with this version.
NEEDED = (1, 23, 0)
CHIPS = ("RP2040", "RP2350")

_FACTS = f"""
import os, sys
def _text(path):
    try:
        with open(path) as file:
            return file.read(2000)
    except OSError:
        return ""
def _names(path):
    try:
        return sorted([entry[0] for entry in os.ilistdir(path)])
    except OSError:
        return []
try:
    import machine
    _usb = hasattr(machine, "USBDevice")
except ImportError:
    _usb = False
_i = sys.implementation
_s = os.statvfs("/")
print(repr((_i.name, tuple(_i.version[:3]), getattr(_i, "_machine", ""), _usb, _s[0], _s[2], _s[3],
    _text({BOOT!r}), _text({MAIN!r}), _names({HOME!r}), len(_names("/b")), _text("/coldshare.fault"))))
"""

# The key area's two blocks hold secrets: the board says whether they are blank, nothing else leaves it.
_KEYS = """
import os, rp2
from coldshare_pico import flash
class _Files:
    def size(self, path):
        return os.stat(path)[6]
    def read(self, path, offset, length):
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(length)
def _keys():
    chip = rp2.Flash()
    try:
        blocks = flash.find(chip, _Files())
    except flash.LayoutError as error:
        return "damaged: " + str(error)
    if blocks is None:
        return "not made yet"
    area = flash.KeyBlocks(chip, blocks)
    used = False
    for block in range(2):
        for at in range(0, 4096, 256):
            if area.read(block, at, 256) != b"\\xff" * 256:
                used = True
    return "in use" if used else "blank"
print(repr(_keys()))
"""

_DIGESTS = """
import hashlib
def _digest(path):
    try:
        file = open(path, "rb")
    except OSError:
        return ""
    seal = hashlib.sha256()
    while True:
        data = file.read(1024)
        if not data:
            break
        seal.update(data)
    file.close()
    return "".join(["%02x" % byte for byte in seal.digest()])
print(repr([_digest(path) for path in {paths!r}]))
"""

_REMOVE = """
import os
def _remove(path):
    for entry in os.ilistdir(path):
        inner = path + "/" + entry[0]
        if entry[1] & 0x4000:
            _remove(inner)
        else:
            os.remove(inner)
    os.rmdir(path)
_remove({path!r})
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """A board as it is found. Sizes in bytes."""

    version: tuple[int, int, int]
    machine: str
    usb: bool
    block: int
    total: int
    free: int
    boot: str
    main: str
    releases: tuple[str, ...]
    #: How many sealed shares its token keeps.
    blobs: int
    #: Where the firmware failed last, if it ever did.
    fault: str

    @property
    def release(self) -> str:
        """The release that starts at power-up; empty when there is none."""
        return named(self.boot)[0]

    @property
    def buttons(self) -> str:
        return named(self.boot)[1]

    def needs(self, size: int) -> int:
        """Bytes that a file of `size` takes: whole blocks, and one for a file's place in its folder is ample."""
        return (size + self.block - 1) // self.block * self.block


def look(board: Board) -> Facts:
    """Raises NotMicroPythonError."""
    answer = board.ask(_FACTS)
    if not isinstance(answer, tuple) or answer[0] != "micropython":
        raise NotMicroPythonError(f"The board runs {str(answer)[:40]}, not MicroPython.")
    _, version, machine, usb, block, total, free, boot, main, releases, blobs, fault = answer
    return Facts(
        tuple(version), machine, usb, block, total * block, free * block, boot, main, tuple(releases), blobs, fault
    )


def suits(facts: Facts) -> None:
    """Raises WrongBoardError and MicroPythonTooOldError."""
    if not any(chip in facts.machine for chip in CHIPS):
        raise WrongBoardError(f"This firmware is for the RP2040 and the RP2350; the board is: {facts.machine}.")
    if facts.version < NEEDED:
        found, needed = (".".join(map(str, version)) for version in (facts.version, NEEDED))
        raise MicroPythonTooOldError(f"The board runs MicroPython {found}; it takes {needed} or newer.")
    if not facts.usb:
        raise WrongBoardError("The board's MicroPython cannot be a USB device of its own (it has no USBDevice).")


def digests(board: Board, paths: list[str]) -> list[str]:
    """SHA-256 in hexadecimal of those files, as the board reads them; empty for a file that is not there."""
    found: Any = board.ask(_DIGESTS.format(paths=paths))
    return list(map(str, found))


def keys(board: Board, release: str) -> str:
    """What the key area is: `not made yet`, `blank`, `in use`, or what is wrong with it."""
    return str(board.ask(f"import sys\nsys.path.insert(0, {HOME + '/' + release!r})\n" + _KEYS))


def make_folder(board: Board, path: str) -> None:
    board.run(f"import os\ntry:\n os.mkdir({path!r})\nexcept OSError as e:\n if e.args[0]!=17:\n  raise")


def rename(board: Board, old: str, new: str) -> None:
    """`new` is replaced whole."""
    board.run(f"import os\nos.rename({old!r},{new!r})")


def remove_folder(board: Board, path: str) -> None:
    board.run(_REMOVE.format(path=path))
