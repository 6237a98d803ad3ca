"""MicroPython's own littlefs under a power cut at every instant, through the board's own files.

`run(IMAGE, COPY, MODE)` prints how often the old file and the new one were found whole, and how often neither.
IMAGE and COPY are paths of files it may write.
"""
# ruff: noqa: PTH123, SIM105 - MicroPython has neither pathlib nor contextlib

from coldshare_sim.mpy.device.hal import Blocks, Files, Flash

BLOCKS = 40
SIZE = 20000
PIECE = 1024


class CutError(OSError):
    pass


class Fragile(Flash):
    """Loses power in operation `left` (from 1), of which `mode` says what it leaves: nothing, half or all of it."""

    left = 0
    count = 0
    mode = "clean"

    def program(self, offset, data):
        if self._cut():
            part = {"clean": 0, "half": len(data) // 2, "done": len(data)}[self.mode]
            Flash.program(self, offset, bytes(data[:part]))
            raise CutError(5)
        Flash.program(self, offset, data)

    def erase(self, offset):
        if self._cut():
            part = {"clean": 0, "half": 2048, "done": 4096}[self.mode]
            self._file.seek(offset)
            self._file.write(b"\xff" * part)
            raise CutError(5)
        Flash.erase(self, offset)

    def _cut(self):
        self.count += 1
        if self.left and self.count > self.left:
            raise CutError(5)  # no power any more
        return self.count == self.left


def replace(files, byte):
    """As the firmware takes a share: piece by piece into one place, then whole to the other."""
    try:
        files.remove("/new")
    except OSError:
        pass
    data = bytes((byte,)) * PIECE
    for at in range(0, SIZE, PIECE):
        files.append("/new", data[: SIZE - at])
    files.rename("/new", "/kept")


def copy(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        for _ in range(2 + BLOCKS):
            new.write(old.read(4096))


def kept(files):
    if files.size("/kept") != SIZE:
        return 0
    first = files.read("/kept", 0, 1)[0]
    for at in range(0, SIZE, PIECE):
        if files.read("/kept", at, PIECE) != bytes((first,)) * min(PIECE, SIZE - at):
            return 0
    return first


def run(image, saved, mode):
    with open(image, "wb") as file:
        for _ in range(2 + BLOCKS):
            file.write(b"\xff" * 4096)
    replace(Files(Blocks(Flash(image), BLOCKS)), 1)
    copy(image, saved)
    flash = Fragile(image)
    files = Files(Blocks(flash, BLOCKS))
    flash.count = 0
    replace(files, 2)
    total = flash.count
    found = {0: 0, 1: 0, 2: 0}
    last = 1
    for left in range(1, total + 1):
        copy(saved, image)
        flash = Fragile(image)
        files = Files(Blocks(flash, BLOCKS))
        flash.count, flash.left, flash.mode = 0, left, mode
        try:
            replace(files, 2)
            raise AssertionError("no cut")
        except OSError:
            pass
        files = Files(Blocks(Flash(image), BLOCKS))
        now = kept(files)
        found[now] += 1
        if now < last:
            raise AssertionError("the old file is back")
        last = now
        if left % 7 == 0:
            replace(files, 3)
            if kept(files) != 3:
                raise AssertionError("no use after the cut")
    print(total, found[1], found[2], found[0])
