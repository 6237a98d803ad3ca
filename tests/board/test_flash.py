"""The key area in the middle of littlefs, on MicroPython's own littlefs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from board.console import blank, console
from coldshare_board import install, release
from coldshare_board.link import Board, connect
from coldshare_sim.mpy.engine import Engine

BLOCK = 4096
_BEGIN = """
import gc, os, sys
sys.path.insert(0, {folder!r})
import rp2
from coldshare_pico import flash
chip = rp2.Flash()
files = flash.Files(chip)
"""


@pytest.fixture(scope="module")
def installed(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """A chip with the modules that are needed, and the folder it is in."""
    ours = release.build()
    needed = ("coldshare_micropython/", "coldshare_pico/")
    only = release.Release(ours.id, {name: ours.files[name] for name in ours.files if name.startswith(needed)})
    path = blank(tmp_path_factory.mktemp("flash") / "chip")
    with console(engine, path) as port, connect(port) as board:
        install.install(board, install.plan(board, only))
    return path.read_bytes(), ours.folder


@pytest.fixture
def chip(installed: tuple[bytes, str], tmp_path: Path) -> Path:
    path = tmp_path / "chip"
    path.write_bytes(installed[0])
    return path


@pytest.fixture
def board(engine: Engine, chip: Path, installed: tuple[bytes, str]) -> Iterator[Board]:
    with console(engine, chip) as port, connect(port) as board:
        board.run(_BEGIN.format(folder=installed[1]))
        yield board


def reserve(board: Board) -> tuple[int, int]:
    first, second = board.ask("print(flash.reserve(chip, files, os.urandom))")
    return first, second


def test_it_is_made_once_and_blank(board: Board, chip: Path) -> None:
    assert board.ask("print(flash.find(chip, files))") is None
    blocks = reserve(board)
    assert reserve(board) == blocks
    assert board.ask("print(flash.find(chip, files))") == blocks
    image = chip.read_bytes()
    for block in blocks:
        assert image[block * BLOCK : (block + 1) * BLOCK] == b"\xff" * BLOCK


def test_littlefs_never_touches_it(board: Board, chip: Path) -> None:
    """Files come, grow and go until every other block was written again; the two stay as they are."""
    blocks = reserve(board)
    board.run(
        "keys = flash.KeyBlocks(chip, flash.find(chip, files))\n"
        "for n in range(2):\n"
        " keys.erase(n)\n"
        " for at in range(0, 4096, 256):\n"
        "  keys.program(n, at, bytes((17 + n,)) * 256)"
    )
    before = chip.read_bytes()
    for first in range(0, 60, 5):  # mpremote waits ten seconds for a command, on a busy computer, too
        board.run(
            f"for n in range({first}, {first + 5}):\n"
            " path = '/b%d' % (n % 7)\n"
            " for _ in range(5):\n"
            "  files.append(path, bytes((n,)) * 9000)\n"
            " if n % 3 == 0:\n"
            "  files.remove(path)\n"
            " files._mounted = None\n"  # mount anew
            " gc.collect()"
        )
    after = chip.read_bytes()
    for n, block in enumerate(blocks):
        assert after[block * BLOCK : (block + 1) * BLOCK] == bytes((17 + n,)) * BLOCK
    changed = [n for n in range(352) if before[n * BLOCK : (n + 1) * BLOCK] != after[n * BLOCK : (n + 1) * BLOCK]]
    assert len(changed) > 250
    assert board.ask("print(flash.find(chip, files))") == blocks


def test_what_is_erased_is_gone_from_the_chip(board: Board, chip: Path) -> None:
    reserve(board)
    secret = bytes(range(64, 128)) * 4
    board.run(f"keys = flash.KeyBlocks(chip, flash.find(chip, files))\nkeys.program(1, 512, {secret!r})")
    assert board.ask("print(keys.read(1, 512, 4))") == secret[:4]
    assert chip.read_bytes().count(secret) == 1
    board.run("keys.erase(1)")
    assert secret not in chip.read_bytes()


def test_a_file_that_is_not_the_reservation_is_refused(board: Board) -> None:
    def refusal(code: str) -> str:
        board.run(code)
        said = board.ask(
            "try:\n flash.reserve(chip, files, os.urandom)\n print(repr(''))\n"
            "except flash.LayoutError as e:\n print(repr(str(e)))"
        )
        return str(said)

    assert refusal("files.write('/coldshare.keys', b'short')") == "the file of the key area has another size"
    assert refusal("files.write('/coldshare.keys', bytes(8241))") == "the file of the key area has no mark"
    board.run("files.remove('/coldshare.keys')")
    blocks = reserve(board)
    # The mark twice on the chip: which of them is the file's cannot be known.
    assert "2 times" in refusal(
        "for n in range(351, 300, -1):\n"
        " page = bytearray(256)\n"
        " chip.readblocks(n, page, 0)\n"
        " if page == b'\\xff' * 256:\n"
        "  break\n"
        "mark = files.read('/coldshare.keys', 8188, 53)\n"
        "chip.writeblocks(n, bytearray(8) + mark + b'\\xff' * (256 - 61), 0)"
    )
    assert all(block > 1 for block in blocks)


def test_cut_while_it_is_made_it_is_made_at_the_next_power_up(board: Board) -> None:
    board.run("files.write('/coldshare.new', b'x' * 5000)")
    blocks = reserve(board)
    assert len(set(blocks)) == 2
    assert board.ask("print('coldshare.new' in os.listdir('/'))") is False
