"""Put a release onto a board, so that at every instant the board starts the old one, the new one, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from coldshare_board import device
from coldshare_board.device import Facts
from coldshare_board.errors import CopyError, ForeignFilesError, NoRoomError
from coldshare_board.link import Board
from coldshare_board.release import BOOT, BUTTONS, HOME, MAIN, Release, boot, is_ours, main

#: Blocks that the token itself needs to begin with: the key area, its folders, a little of everything.
_SPARE_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to happen to a board."""

    facts: Facts
    release: Release
    buttons: str
    #: Paths below the release's folder that are missing or differ.
    files: tuple[str, ...]
    #: Whether main.py and boot.py are written.
    main: bool
    boot: bool
    #: Folders of other releases that go at the end.
    old: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        return not (self.files or self.main or self.boot or self.old)


def plan(board: Board, release: Release, buttons: str | None = None, replace: bool = False) -> Plan:
    """Look at the board. Without `buttons` those stay that it has, or become pins. `replace` allows to overwrite a
    boot.py and main.py of somebody else's.

    Raises WrongBoardError, MicroPythonTooOldError, ForeignFilesError and NoRoomError.
    """
    facts = device.look(board)
    device.suits(facts)
    foreign = [path for path, text in ((BOOT, facts.boot), (MAIN, facts.main)) if text and not is_ours(text)]
    if foreign and not replace:
        raise ForeignFilesError(f"There is a {' and a '.join(foreign)} of another program on the board.")
    buttons = buttons or facts.buttons or BUTTONS[0]
    names = sorted(release.files)
    paths = [f"{release.folder}/{name}" for name in names]
    found = device.digests(board, [*paths, MAIN, BOOT])
    files = tuple(
        name for name, digest in zip(names, found[:-2], strict=True) if digest != _digest(release.files[name])
    )
    needed = sum(facts.needs(len(release.files[name])) for name in files) + _SPARE_BLOCKS * facts.block
    if needed > facts.free:
        raise NoRoomError(f"The firmware takes {needed:,} bytes on the board, and {facts.free:,} are free.")
    return Plan(
        facts,
        release,
        buttons,
        files,
        found[-2] != _digest(main()),
        found[-1] != _digest(boot(release, buttons)),
        tuple(name for name in facts.releases if name != release.id),
    )


def install(board: Board, what: Plan, told: Callable[[int, int], None] | None = None) -> None:
    """Do it. `told` hears how many of how many bytes are there. Raises CopyError, and what the link raises.

    boot.py comes last: until it is renamed into its place the board starts as before. The token's own files and its
    keys are not touched.
    """
    release = what.release
    total = sum(len(release.files[name]) for name in what.files)
    done = 0
    device.make_folder(board, HOME)
    device.make_folder(board, release.folder)
    for folder in sorted({name.split("/")[0] for name in what.files}):
        device.make_folder(board, f"{release.folder}/{folder}")
    for name in what.files:
        board.write(f"{release.folder}/{name}", release.files[name])
        done += len(release.files[name])
        if told is not None:
            told(done, total)
    verify(board, release)
    for wanted, path, data in ((what.main, MAIN, main()), (what.boot, BOOT, boot(release, what.buttons))):
        if wanted:
            board.write(f"{path}.new", data)
            _same(board, {f"{path}.new": data})
            device.rename(board, f"{path}.new", path)
    for name in what.old:
        device.remove_folder(board, f"{HOME}/{name}")


def verify(board: Board, release: Release) -> None:
    """Compare every file of the release with what the board reads. Raises CopyError."""
    _same(board, {f"{release.folder}/{name}": data for name, data in sorted(release.files.items())})


def _same(board: Board, files: dict[str, bytes]) -> None:
    found = device.digests(board, list(files))
    bad = [path for (path, data), digest in zip(files.items(), found, strict=True) if digest != _digest(data)]
    if bad:
        raise CopyError(f"{len(bad)} of {len(files)} files on the board differ from what was sent, {bad[0]} first.")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
