"""A full heap comes at any line: the old state or the new one, and a token that knows which of the two it is."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import coldshare_firmware
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_AUDIT, F_FAILS, F_NAMES_KEY, F_STATE
from coldshare_iface import wire
from support.bare import Bare
from support.client import PIN, WRONG, declaration

FIRMWARE = Path(coldshare_firmware.__file__).parent
#: Where it may come. What runs the jobs and talks to the host has its own answer to it (test_frames.py).
FILES = {
    str(FIRMWARE / f"{name}.py")
    for name in ("audit", "generations", "incoming", "keyarea", "keys", "manage", "outgoing", "pin", "policy", "store")
}
OLD, NEW = b"a" * 32, b"b" * 32
SEALED = b"sealed" * 50
every_line = pytest.mark.parametrize("step", [113, pytest.param(3, marks=pytest.mark.slow)], ids=["some", "many"])
Act = Callable[[Bare], tuple[object, ...]]


class FullAt:
    """Runs something, and lets the heap be full at one line of it; with `for_good` there is no room for what is read
    from the key area after that either. `reached` says whether there was such a line, `where` which one."""

    def __init__(self, token: Bare, line: int, for_good: bool = False) -> None:
        self._blocks = token.board.blocks
        self._left = line
        self._for_good = for_good
        self.reached = False
        self.where = ""

    def __call__(self, run: Callable[[], dict[int, Any]]) -> dict[int, Any]:
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            return run()
        except MemoryError:
            return {0: wire.STATUS_STORAGE}  # before the job began: the host gets an ERROR
        finally:
            sys.settrace(before)
            vars(self._blocks).pop("read", None)

    def _call(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._line if frame.f_code.co_filename in FILES else None

    def _line(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self._left -= 1
            if self._left < 0:
                self.reached = True
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                if self._for_good:
                    vars(self._blocks)["read"] = no_room
                raise MemoryError  # which also ends the tracing
        return self._line


def no_room(*where: int) -> bytes:
    raise MemoryError


def put(token: Bare, generation: bytes, upto: str = "confirm") -> bytes:
    backup_id: bytes = token.ask(wire.OP_RESERVE_NEXT, declaration(generation=generation))[1]
    digest = hashlib.sha256(SEALED).digest()
    for op, *fields in (
        (wire.OP_BEGIN, backup_id, len(SEALED), digest),
        (wire.OP_CHUNK, 0, SEALED),
        (wire.OP_PREPARE, backup_id),
        (wire.OP_COMMIT, backup_id),
        (wire.OP_CONFIRM, backup_id),
    ):
        if op == {"commit": wire.OP_COMMIT, "confirm": wire.OP_CONFIRM}.get(upto):
            break
        assert token.ask(op, *fields)[0] == wire.STATUS_OK
    return backup_id


def reshared(token: Bare) -> tuple[bytes, bytes]:
    return put(token, OLD, ""), put(token, NEW, "")


def retired(token: Bare) -> tuple[bytes, bytes]:
    old, new = reshared(token)
    assert token.ask(wire.OP_RETIRE, new, OLD) == {0: wire.STATUS_OK}
    return old, new


ACTS: dict[str, Act] = {
    "reserve": lambda token: (wire.OP_RESERVE, declaration()),
    "commit": lambda token: (wire.OP_COMMIT, (put(token, OLD, ""), put(token, NEW, "commit"))[1]),
    "confirm": lambda token: (wire.OP_CONFIRM, (put(token, OLD, ""), put(token, NEW, "confirm"))[1]),
    "open": lambda token: (wire.OP_OPEN, put(token, OLD, ""), wire.PURPOSE_RESTORE),
    "retire": lambda token: (wire.OP_RETIRE, reshared(token)[1], OLD),
    "un-retire": lambda token: (wire.OP_UN_RETIRE, retired(token)[1], OLD),
    "destroy": lambda token: (wire.OP_DESTROY, retired(token)[0]),
    "remove": lambda token: (wire.OP_REMOVE, reshared(token)[0]),
    "label": lambda token: (wire.OP_LABEL, "Safe B"),
    "change-pin": lambda token: (wire.OP_CHANGE_PIN, PIN, "271828"),
}


def prepared(act: Act) -> tuple[Bare, tuple[object, ...]]:
    token = Bare()
    return token, act(token)


def on_flash(token: Bare) -> dict[int, Any]:
    record = KeyArea(token.board.blocks).load(repair=False)
    assert record is not None
    return record


@every_line
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("act", ACTS)
def test_a_full_heap_at_any_line(act: str, for_good: bool, step: int) -> None:
    outcomes = set()
    token, request = prepared(ACTS[act])
    files, blocks = dict(token.board.kept.files), list(token.board.blocks.blocks)
    before = on_flash(token)
    assert token.ask(*request)[0] == wire.STATUS_OK  # type: ignore[arg-type]
    done = on_flash(token)
    assert (done != before) or act == "open"
    for line in range(0, 10_000, step):
        token, request = prepared(ACTS[act])
        assert (token.board.kept.files, token.board.blocks.blocks) == (files, blocks), "the same every time"
        full = FullAt(token, line, for_good)
        reply = full(lambda: token.ask(*request))  # type: ignore[arg-type]  # noqa: B023
        now = on_flash(token)
        if for_good:
            token.ask(wire.OP_LIST, 0)  # the heap is free again: before anything is decided the flash is read
        assert token.keys.record == now, full.where
        outcomes.add(reply[0])
        if reply[0] == wire.STATUS_OK:
            assert now[F_AUDIT][0] == done[F_AUDIT][0]
        else:
            assert sorted(reply) == [0], "nothing but the status"
            assert now[F_AUDIT][0] in (before[F_AUDIT][0], done[F_AUDIT][0])
        token.power_up()
        assert on_flash(token) == now
        token.ask(wire.OP_LIST, 0)
        assert token.ask(wire.OP_LABEL, "goes on")[0] == wire.STATUS_OK
        if not full.reached:
            break
    assert outcomes == {wire.STATUS_OK, wire.STATUS_STORAGE}
    assert line > 30


@every_line
@pytest.mark.parametrize("wrong", [0, 2, 7])
def test_a_full_heap_gives_no_free_guess(wrong: int, step: int) -> None:
    for line in range(0, 10_000, step):
        token = Bare()
        token.keys.change({F_FAILS: wrong})
        names = token.keys.record[F_NAMES_KEY]
        full = FullAt(token, line)
        reply = full(lambda: token.ask(wire.OP_UNLOCK, WRONG))  # noqa: B023
        now = on_flash(token)
        counted = now[F_FAILS] == wrong + 1
        assert counted or (now[F_FAILS], reply) == (wrong, {0: wire.STATUS_STORAGE})
        if wrong == 7 and counted:
            # Burnt now, or by whatever comes next, whatever PIN it brings.
            token.power_up()
            assert token.ask(wire.OP_UNLOCK, PIN) == {0: wire.STATUS_BURNT}
            now = on_flash(token)
            assert now[F_STATE] == wire.TOKEN_BURNT
            assert not any(names in block for block in token.board.blocks.blocks)
        if not full.reached:
            break
    assert reply[0] in (wire.STATUS_PIN_WRONG, wire.STATUS_BURNT)
    assert line > 30
