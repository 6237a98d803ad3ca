"""The modelled flash: NOR rules, what a power cut leaves, and littlefs on top of it."""

from __future__ import annotations

import errno
from random import Random

import pytest

from coldshare_sim.flash import BLOCK, KEY_SIZE, SIZE, Chip, KeyBlocks, Operation
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.trace import MODES, FlashTrace


def test_programming_only_clears_bits() -> None:
    chip = Chip()
    chip.program(10, b"\xf0\x0f")
    chip.program(10, b"\x3c\xff")
    assert chip.read(9, 4) == b"\xff\x30\x0f\xff"


def test_erasing_sets_one_block() -> None:
    chip = Chip(bytes(SIZE))
    chip.erase(BLOCK)
    assert chip.read(0, SIZE) == bytes(BLOCK) + b"\xff" * BLOCK + bytes(SIZE - 2 * BLOCK)


def test_a_hook_sees_everything_first_and_may_refuse() -> None:
    chip = Chip()
    seen: list[Operation] = []
    chip.before = seen.append
    KeyBlocks(chip).program(1, 256, b"abc")
    KeyBlocks(chip).erase(1)
    assert seen == [("program", BLOCK + 256, b"abc"), ("erase", BLOCK, b"\xff" * BLOCK)]

    def refuse(operation: Operation) -> None:
        raise OSError(errno.EIO, "no")

    chip.before = refuse
    with pytest.raises(OSError, match="no"):
        chip.program(0, b"x")
    assert chip.read(0, 1) == b"\xff"


def traced() -> FlashTrace:
    chip = Chip()
    chip.program(0, b"\xf0" * 256)
    trace = FlashTrace(chip)
    chip.program(256, bytes(256))
    trace.mark("programmed")
    chip.erase(0)
    trace.stop()
    chip.program(512, bytes(10))
    return trace


def test_a_cut_between_operations() -> None:
    trace = traced()
    assert [operation.kind for operation in trace.operations] == ["program", "erase"]
    assert trace.marks == {"programmed": 1}
    assert list(trace.instants()) == [0, 1, 2]
    assert trace.image(0) == trace.start
    assert trace.image(1)[:512] == b"\xf0" * 256 + bytes(256)
    assert trace.image(2)[:512] == b"\xff" * 512
    assert trace.image(2)[512:522] == b"\xff" * 10, "what came after stop() is not in the story"


def test_a_cut_in_an_operation() -> None:
    trace = traced()
    half = trace.image(0, "half")
    assert half[256:512] == bytes(128) + b"\xff" * 128
    assert trace.image(1, "half")[:BLOCK] == trace.image(2)[: BLOCK // 2] + trace.image(1)[BLOCK // 2 : BLOCK]
    torn = trace.image(0, "random", Random(1))
    assert torn[:256] == b"\xf0" * 256
    assert torn[256:512] not in (bytes(256), b"\xff" * 256)
    # A program can only clear bits, an erase can only set them, however it ends.
    erased = trace.image(1, "random", Random(1))
    assert all(new & old == old for new, old in zip(erased[:256], b"\xf0" * 256, strict=True))


def test_all_cuts_at_once_are_the_single_ones() -> None:
    trace = traced()
    assert list(trace.images()) == [
        (at, mode, trace.image(at, mode)) for at in trace.instants() for mode in MODES if at < 2 or mode == "clean"
    ]
    assert [(at, mode) for at, mode, _ in trace.images(("half",), {1, 2})] == [(1, "half")]


@pytest.fixture
def files() -> LittleFiles:
    return LittleFiles(Chip())


def test_files(files: LittleFiles) -> None:
    files.mkdir("/b")
    files.mkdir("/b")
    files.write("/b/x", b"one")
    files.append("/b/x", b"two")
    files.append("/b/y", b"three")
    assert files.listdir("/b") == ["x", "y"]
    assert (files.size("/b/x"), files.read("/b/x", 1, 3), files.read("/b/x", 4, 99)) == (6, b"net", b"wo")
    files.rename("/b/x", "/b/y")
    assert files.listdir("/b") == ["y"]
    assert files.read("/b/y", 0, 99) == b"onetwo"
    files.write("/b/y", b"new")
    assert files.read("/b/y", 0, 99) == b"new"
    files.remove("/b/y")
    assert files.listdir("/b") == []


def test_missing_files_have_their_errno(files: LittleFiles) -> None:
    for action in (
        lambda: files.size("/x"),
        lambda: files.read("/x", 0, 1),
        lambda: files.remove("/x"),
        lambda: files.rename("/x", "/y"),
        lambda: files.listdir("/x"),
        lambda: files.write("/no/x", b""),
    ):
        with pytest.raises(OSError) as raised:  # noqa: PT011 - the errno is the point
            action()
        assert raised.value.errno == errno.ENOENT


def test_a_full_file_system_has_its_errno(files: LittleFiles) -> None:
    assert files.free() > 1_400_000
    with pytest.raises(OSError) as raised:  # noqa: PT011 - the errno is the point
        files.write("/x", bytes(files.free() + 1))
    assert raised.value.errno == errno.ENOSPC
    files.write("/y", b"still usable")
    assert files.read("/y", 0, 99) == b"still usable"


class Cut(BaseException):
    """Nothing that anybody catches."""


def test_what_a_hook_raises_comes_out_as_it_was() -> None:
    """littlefs' C code is in between, and would have dropped it."""
    chip = Chip()
    files = LittleFiles(chip)
    files.write("/x", b"old")

    def cut(operation: Operation) -> None:
        raise Cut

    chip.before = cut
    for action in (
        lambda: files.write("/x", bytes(9000)),
        lambda: files.append("/x", bytes(9000)),
        lambda: files.rename("/x", "/y"),
        lambda: files.remove("/x"),
        lambda: files.mkdir("/z"),
    ):
        with pytest.raises(Cut):
            action()
    chip.before = None
    assert LittleFiles(chip).read("/x", 0, 99) == b"old"


def test_a_blank_chip_is_formatted_and_a_used_one_never() -> None:
    chip = Chip()
    LittleFiles(chip).write("/x", b"kept")
    assert bytes(chip.image[:KEY_SIZE]) == b"\xff" * KEY_SIZE
    assert LittleFiles(chip).read("/x", 0, 99) == b"kept"
