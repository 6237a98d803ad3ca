"""The life of a token whose firmware runs under MicroPython, through reports, at 192 KiB of heap."""

from __future__ import annotations

from typing import Any

from coldshare_iface import wire
from coldshare_sim.mpy.engine import HEAP
from support.client import LABEL, blob

BACKUP = blob(140 * 1024)


def test_a_share_comes_and_goes(desks: Any) -> None:
    """Pair, set up, unlock, put and get, and again after a power cycle."""
    assert HEAP == 192 * 1024
    desk = desks().make_ready()
    host = desk.host
    backup_id, _ = host.put(BACKUP)
    assert host.get(backup_id, len(BACKUP)) == BACKUP
    desk.power_cycle()
    host.again()
    assert [entry[1] for entry in host.list()] == [backup_id]
    assert host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)[1] == len(BACKUP)
    assert host.get(backup_id, len(BACKUP)) == BACKUP
    assert desk.person.screen[:2] == ["coldshare", LABEL]
