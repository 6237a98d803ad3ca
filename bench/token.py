"""Software tokens that are ready for a backup."""

from __future__ import annotations

from pathlib import Path

from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport.sim import SimTransport
from coldshare.seal import KdfParams
from coldshare_firmware.person import BUTTON_YES
from coldshare_iface import wire
from coldshare_sim.clock import Clock
from coldshare_sim.person import ScriptedPerson
from coldshare_sim.token import SoftToken

PIN = "483920"
PASSWORD = "tidal-orchid-velvet-92-kettle"
#: The least that is ever written. No figure counts the key derivation.
KDF = KdfParams(memory_kib=64 * 1024, passes=3, lanes=4)


def power_up(path: Path, *, create: bool = False, clock: Clock | None = None) -> SimTransport:
    """A token whose person presses YES at once."""
    token = SoftToken(path, ScriptedPerson(BUTTON_YES), create=create, clock=clock)
    return SimTransport(token, wire.REPORT_FS, unattended=True)


def new_token(folder: Path, name: str) -> tuple[Path, PairingStore]:
    """A token that is paired and set up, has nothing on it, and is unplugged."""
    path = folder / f"{name}.token"
    store = PairingStore(folder / f"{name}.json")
    with TokenClient(power_up(path, create=True)) as client:
        client.pair(store, lambda code: True, "bench")
        client.connect(store)
        client.set_up(PIN, name)
    return path, store
