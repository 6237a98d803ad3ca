"""What the flash went through, and what a power cut at any instant of it leaves behind."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from random import Random

from coldshare_sim.flash import Chip, Operation, cleared

#: How an operation that power is cut from ends: not begun, half of its bytes done, each of its bits done or not.
MODES = ("clean", "half", "random")


class FlashTrace:
    """Records every operation of a chip from now on. `marks` remembers instants by name, such as an acknowledgement.

    With `n` operations there are `n + 1` instants: cutting at `i` leaves the first `i` done, and the next one in the
    state that the mode says.
    """

    def __init__(self, chip: Chip) -> None:
        self.start = bytes(chip.image)
        self.operations: list[Operation] = []
        self.marks: dict[str, int] = {}
        self._chip = chip
        chip.before = self.operations.append

    def mark(self, name: str) -> None:
        """Whatever was done up to here was done when `name` happened."""
        self.marks[name] = len(self.operations)

    def stop(self) -> None:
        self._chip.before = None

    def instants(self) -> range:
        return range(len(self.operations) + 1)

    def image(self, at: int, mode: str = "clean", random: Random | None = None) -> bytes:
        """The chip when power was cut at instant `at`."""
        image = bytearray(self.start)
        for operation in self.operations[:at]:
            _apply(image, operation)
        if mode != "clean" and at < len(self.operations):
            _tear(image, self.operations[at], mode, random or Random(at))  # noqa: S311 - bit noise, no secret
        return bytes(image)

    def images(
        self, modes: Sequence[str] = MODES, instants: Container[int] | None = None
    ) -> Iterator[tuple[int, str, bytes]]:
        """(instant, mode, chip) for all instants or the given ones, without replaying each from the start."""
        image = bytearray(self.start)
        for at in self.instants():
            last = at == len(self.operations)
            if instants is None or at in instants:
                for mode in modes:
                    if last and mode != "clean":
                        continue
                    left = bytearray(image)
                    if not last:
                        _tear(left, self.operations[at], mode, Random(at))  # noqa: S311 - bit noise, no secret
                    yield at, mode, bytes(left)
            if not last:
                _apply(image, self.operations[at])


def _apply(image: bytearray, operation: Operation) -> None:
    _tear(image, operation, "whole", None)


def _tear(image: bytearray, operation: Operation, mode: str, random: Random | None) -> None:
    offset, size = operation.offset, len(operation.data)
    image[offset : offset + size] = torn(bytes(image[offset : offset + size]), operation, mode, random)


def torn(old: bytes, operation: Operation, mode: str, random: Random | None = None) -> bytes:
    """What `operation` makes of the `old` bytes under it when it ends as `mode` says; "whole" is no cut at all.

    `random` is the noise of mode "random", which needs it.
    """
    if mode == "clean":
        return old
    new = operation.data if operation.kind == "erase" else cleared(old, operation.data)
    size = len(new)
    if mode == "whole":
        return new
    if mode == "half":
        return new[: size // 2] + old[size // 2 :]
    if random is None:
        raise ValueError("no noise for mode " + mode)
    # Each bit has made it or has not.
    made = int.from_bytes(random.randbytes(size), "big")
    before, after = int.from_bytes(old, "big"), int.from_bytes(new, "big")
    return ((before & ~made) | (after & made)).to_bytes(size, "big")
