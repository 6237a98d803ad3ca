"""Power cuts at every instant, on MicroPython's own littlefs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coldshare_iface import wire
from coldshare_sim import flash
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.process import MpyToken
from support.client import Host, Puppet, blob, declaration
from support.mpy import Desks

Run = Callable[[str], str]


@pytest.mark.parametrize("mode", ["clean", "half", "done"])
def test_a_file_is_replaced_whole_or_not_at_all(mode: str, micropython: Run, tmp_path: Path) -> None:
    """20 kB on 40 blocks, piece by piece and then renamed, cut in every operation."""
    places = ", ".join(repr(str(tmp_path / name)) for name in ("image", "saved"))
    total, old, new, neither = map(int, micropython(f"import powercut; powercut.run({places}, {mode!r})").split())
    assert total > 100
    assert (old + new, neither) == (total, 0)
    # It is the new one only from the rename on: the very last operation, or not even that.
    assert new <= 1


# --- the firmware on it
OLD, NEW = blob(2500, 1), blob(3000, 2)


class Recorded:
    """What a token did to its flash, and what that would have left behind at every instant."""

    def __init__(self, image: bytes, trace: bytes) -> None:
        self.image = image
        self.operations: list[tuple[int, bytes]] = []  # the bytes of an erase are the blank block
        at = 0
        while at < len(trace):
            offset, size = struct.unpack_from(">IH", trace, at + 1)
            data = trace[at + 7 : at + 7 + size]
            self.operations.append((offset, data if trace[at : at + 1] == b"p" else b""))
            at += 7 + size

    def images(self, every: int) -> Iterator[tuple[int, bytes]]:
        """(operations done, the image) with every `every`th operation half done, and at the end."""
        held = bytearray(self.image)
        for number, (offset, data) in enumerate(self.operations):
            size = len(data) or flash.BLOCK
            before = bytes(held[offset : offset + size])
            after = flash.cleared(before, data) if data else b"\xff" * flash.BLOCK
            if number % every == 0:
                held[offset : offset + size] = after[: size // 2] + before[size // 2 :]
                yield number, bytes(held)
            held[offset : offset + size] = after
        yield len(self.operations), bytes(held)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_the_firmware_loses_nothing(every: int, desks: Desks, engine: Engine, tmp_path: Path) -> None:
    """While one share takes the place of another there is always one whole; once it is acknowledged, the new one."""
    desk = desks().make_ready()
    desk.host.put(OLD)
    desk.token.close()
    before, trace = desk.path.read_bytes(), tmp_path / "trace"
    again = desks(trace=trace)
    again.host.psk_id, again.host.psk = desk.host.psk_id, desk.host.psk
    host = again.host.again()
    asked = trace.stat().st_size
    backup_id, _ = host.reserve()
    host.send(backup_id, NEW, 1000)
    prepared = len(Recorded(before, trace.read_bytes()).operations)
    host.ok(wire.OP_COMMIT, backup_id)
    committed = len(Recorded(before, trace.read_bytes()).operations)
    host.ok(wire.OP_CONFIRM, backup_id)
    again.token.close()
    recorded = Recorded(before, trace.read_bytes())
    assert asked > 0
    assert prepared < committed < len(recorded.operations)
    assert list(recorded.images(1000))[-1][1] == again.path.read_bytes()
    for done, image in recorded.images(every):
        path = tmp_path / f"{done}.token"
        path.write_bytes(image)
        with closing(MpyToken(path, Puppet(), engine)) as token:
            host = Host(token).hello()
            host.psk_id, host.psk = desk.host.psk_id, desk.host.psk
            host.again()
            held = []
            for entry in host.list():
                size = host.ok(wire.OP_OPEN, entry[1], wire.PURPOSE_RESTORE)[1]
                held.append(host.get(entry[1], size))
            if done < prepared:
                assert held == [OLD], f"instant {done}"
            elif done >= committed:
                assert NEW in held, f"instant {done}"
            assert held
            assert all(data in (OLD, NEW) for data in held)
            backup_id, _ = host.put(OLD, declaration(vault=b"another"))
            assert host.get(backup_id, len(OLD)) == OLD
        path.unlink()
