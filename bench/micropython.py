"""What the firmware takes under MicroPython's unix port, precompiled: memory, and KiB per second on this machine.

The heap there has words of 64 bits; on a board they have 32, and most of what is counted here takes half as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bench.figures import Figure
from bench.token import PIN
from coldshare.conformance.speaker import (
    FrameRefusedError,
    SilenceError,
    Speaker,
    UnexpectedAnswerError,
    declaration,
)
from coldshare_firmware.person import BUTTON_YES
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire
from coldshare_iface.errors import ColdshareError
from coldshare_sim.mpy import engine
from coldshare_sim.mpy.engine import HEAP, Engine
from coldshare_sim.mpy.errors import CrashedError
from coldshare_sim.mpy.process import MpyToken
from coldshare_sim.person import ScriptedPerson

_KIB = 1024
_SIZE = 140 * _KIB
_STEP = 2 * _KIB
_LEAST = 32 * _KIB
_ROUNDS = 3
_LONGEST = {"name": "n" * wire.NAME_MAX, "party": "p" * wire.NAME_MAX}


class Life:
    """A token from its first power-up on, at a heap of that many bytes."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        path = folder / "micropython.token"
        path.unlink(missing_ok=True)
        self.token = MpyToken(path, ScriptedPerson(BUTTON_YES), engine, create=True)
        self.host = Speaker(self.token)

    def begin(self) -> None:
        self.host.hello()
        self.host.pair()
        self.host.open()
        self.host.ok(wire.OP_SET_UP, PIN, "bench")

    def put(self, data: bytes, declared: bytes) -> bytes:
        host = self.host
        backup_id, _ = host.reserve(declared)
        host.send(backup_id, data, CHUNK)
        host.ok(wire.OP_COMMIT, backup_id)
        host.ok(wire.OP_CONFIRM, backup_id)
        return backup_id

    def plain(self) -> None:
        """Pair, set up, put and get 140 KiB."""
        self.begin()
        data = bytes(range(256)) * (_SIZE // 256)
        assert self.host.get(self.put(data, declaration()), _SIZE) == data

    def full(self) -> None:
        """The same on a token that has as many hosts and backups as it can, with names as long as they can be."""
        self.begin()
        for number in range(wire.PAIRINGS_MAX - 1):
            Speaker(self.token, str(number) * wire.LABEL_MAX).hello().pair()
        self.host.hello().open()
        self.host.ok(wire.OP_UNLOCK, PIN)
        for number in range(wire.BACKUPS_MAX):
            self.put(b"small", declaration(vault=bytes((number,)) * wire.VAULT_ID_MAX, **_LONGEST))
        self.host.list()
        data = bytes(range(256)) * (_SIZE // 256)
        replaced = declaration(vault=bytes((7,)) * wire.VAULT_ID_MAX, nonce=b"o" * 16, **_LONGEST)
        assert self.host.get(self.put(data, replaced), _SIZE) == data


def _lives(folder: Path, found: Engine, heap: int, story: Callable[[Life], None]) -> bool:
    try:
        life = Life(folder, replace(found, heap=heap))
        with closing(life.token):
            story(life)
    except CrashedError as error:
        if error.log is not None:
            error.log.unlink()
        return False
    except (FrameRefusedError, UnexpectedAnswerError, SilenceError):
        return False
    return True


def _least(folder: Path, found: Engine, story: Callable[[Life], None]) -> int:
    """The smallest heap, in steps, at which the story comes to its end."""
    low, high = _LEAST, HEAP + 64 * _KIB
    while high - low > _STEP:
        middle = (low + high) // 2 // _STEP * _STEP
        if _lives(folder, found, middle, story):
            high = middle
        else:
            low = middle
    return high


def measure(folder: Path) -> list[Figure]:
    """Nothing where there is no MicroPython."""
    try:
        found = engine.find()
    except ColdshareError:
        return []
    life = Life(folder, found)
    with closing(life.token):
        fresh = life.token.memory()
        life.plain()
        used = life.token.memory()
    data = bytes(range(256)) * (_SIZE // 256)
    life = Life(folder, found)
    best = {"put": float("inf"), "get": float("inf")}
    with closing(life.token):
        life.begin()
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            backup_id = life.put(data, declaration())
            middle = time.perf_counter()
            life.host.get(backup_id, _SIZE)
            best["put"] = min(best["put"], middle - start)
            best["get"] = min(best["get"], time.perf_counter() - middle)
    heaps = {name: _least(folder, found, story) for name, story in (("plain", Life.plain), ("full", Life.full))}
    what = f"-X heapsize, by bisection; {_SIZE // _KIB} KiB put and got"
    return [
        Figure("micropython_peak_heap_kib", heaps["full"] / _KIB, f"{what}, {wire.BACKUPS_MAX} backups, 8 hosts"),
        Figure("micropython_plain_heap_kib", heaps["plain"] / _KIB, f"{what}, one backup"),
        Figure("micropython_heap_in_use_kib", used / _KIB, f"gc.mem_alloc after it; {fresh / _KIB:.1f} at power-up"),
        Figure("micropython_put_kib_per_second", _SIZE / _KIB / best["put"], f"at {HEAP // _KIB} KiB of heap"),
        Figure("micropython_get_kib_per_second", _SIZE / _KIB / best["get"], f"at {HEAP // _KIB} KiB of heap"),
    ]
