"""Images of a flash chip by the hundred thousand: they share their blocks, and what reads the same is run once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Generic, TypeVar

from coldshare_sim.flash import BLOCK, SIZE, Chip, Operation
from coldshare_sim.trace import MODES, torn

#: A chip's content, block by block. Images cut out of one trace share all but a few of them.
Image = tuple[bytes, ...]

_ERASED = b"\xff" * BLOCK
BLANK: Image = (_ERASED,) * (SIZE // BLOCK)

T = TypeVar("T")


class BlockChip(Chip):
    """A chip that copies a block when it changes, and notes what was read of the image that it began with.

    `footprint` has the blocks in the order in which they were first read, without those that were erased before that:
    whatever ran on this chip depends on these and on no other byte of the image.
    """

    def __init__(self, image: Image = BLANK) -> None:
        # Not Chip's own: that copies 1.4 MB.
        self.blocks = list(image)
        self.before = None
        self.footprint: list[int] = []
        self._settled: set[int] = set()

    @property
    def image(self) -> bytes:  # type: ignore[override]
        return b"".join([self._block(number) for number in range(len(self.blocks))])

    @property
    def now(self) -> Image:
        """The content, and not a read by the token."""
        return tuple(self.blocks)

    def _block(self, number: int) -> bytes:
        if number not in self._settled:
            self._settled.add(number)
            self.footprint.append(number)
        return self.blocks[number]

    def read(self, offset: int, size: int) -> bytes:
        number, start = divmod(offset, BLOCK)
        if start + size <= BLOCK:
            return self._block(number)[start : start + size]
        numbers = range(number, (offset + size - 1) // BLOCK + 1)
        return b"".join([self._block(each) for each in numbers])[start : start + size]

    def _put(self, offset: int, data: bytes) -> None:
        number, start = divmod(offset, BLOCK)
        if len(data) == BLOCK:
            self._settled.add(number)
            self.blocks[number] = _ERASED if data == _ERASED else data
            return
        block = self._block(number)
        self.blocks[number] = block[:start] + data + block[start + len(data) :]

    def look(self) -> BlockChip:
        """Another chip with this content, to look at. Whoever reads there has read here."""
        other = BlockChip(self.now)
        other.footprint, other._settled = self.footprint, self._settled
        other.before = _refuse
        return other


def _refuse(operation: Operation) -> None:
    raise RuntimeError(f"looking at a chip made it {operation.kind} something")


def cuts(
    image: Image, operations: Sequence[Operation], modes: Iterable[str] = MODES
) -> Iterator[tuple[int, str, Image]]:
    """(instant, mode, what is left) for every instant of a trace that began with `image`; the last one is its end."""
    blocks = list(image)
    for at, operation in enumerate(operations):
        number, start = divmod(operation.offset, BLOCK)
        end = start + len(operation.data)
        whole = blocks[number]
        for mode in modes:
            # The noise depends on the instant alone, so that a case can be made again.
            part = torn(whole[start:end], operation, mode, Random(at))
            blocks[number] = whole if mode == "clean" else _same(whole[:start] + part + whole[end:])
            yield at, mode, tuple(blocks)
        blocks[number] = _same(whole[:start] + torn(whole[start:end], operation, "whole") + whole[end:])
    yield len(operations), "clean", tuple(blocks)


def after(image: Image, operations: Iterable[Operation]) -> Image:
    """What a trace makes of an image."""
    blocks = list(image)
    for operation in operations:
        number, start = divmod(operation.offset, BLOCK)
        whole = blocks[number]
        end = start + len(operation.data)
        blocks[number] = _same(whole[:start] + torn(whole[start:end], operation, "whole") + whole[end:])
    return tuple(blocks)


def _same(block: bytes) -> bytes:
    """The one blank block: most of a chip is blank, and comparing an object with itself is quick."""
    return _ERASED if block == _ERASED else block


class _Node:
    """A block that is read next, and where its content leads."""

    __slots__ = ("block", "ways")

    def __init__(self, block: int) -> None:
        self.block = block
        self.ways: dict[bytes, object] = {}


class _Leaf(Generic[T]):
    __slots__ = ("outcome",)

    def __init__(self, outcome: T) -> None:
        self.outcome = outcome


class Memo(Generic[T]):
    """What `run` makes of an image; run once for all images that agree in everything it reads.

    A run is deterministic: which block it reads next depends on the blocks that it has read, and on nothing else. So
    the blocks of an image lead through a tree to the outcome, or to where nobody has been yet. This is no model of
    the file system: nothing is assumed about which blocks matter.
    """

    def __init__(self, run: Callable[[BlockChip], T]) -> None:
        self._run = run
        self._root: object = None
        #: How often `run` was called.
        self.runs = 0

    def __call__(self, image: Image) -> T:
        place = self._root
        while isinstance(place, _Node):
            place = place.ways.get(image[place.block])
        if isinstance(place, _Leaf):
            outcome: T = place.outcome
            return outcome
        self.runs += 1
        chip = BlockChip(image)
        leaf = _Leaf(self._run(chip))
        self._plant(image, chip.footprint, leaf)
        return leaf.outcome

    def _plant(self, image: Image, footprint: list[int], leaf: _Leaf[T]) -> None:
        places: list[object] = [*map(_Node, footprint), leaf]
        node: _Node | None = None
        for place in places:
            there = self._root if node is None else node.ways.get(image[node.block])
            if there is None:
                if node is None:
                    self._root = place
                else:
                    node.ways[image[node.block]] = place
            elif not isinstance(there, _Node) or not isinstance(place, _Node) or there.block != place.block:
                raise RuntimeError("two runs on the same blocks went different ways: something here is not determined")
            else:
                place = there
            if isinstance(place, _Node):
                node = place
