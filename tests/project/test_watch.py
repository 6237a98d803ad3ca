"""The watch over secrets hears a leak in every spelling, and is on while the suite runs."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import pytest

from coldshare.backup import backup
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport.sim import SimTransport
from coldshare.seal import Factors, KdfParams
from coldshare.vault.synthetic import make_vault
from coldshare_iface import wire
from coldshare_sim.person import person_for
from coldshare_sim.token import SoftToken
from support.watch import Watch, watch

SECRET = bytes(range(7, 39))


@pytest.mark.parametrize(
    "said",
    [
        SECRET.hex(),
        SECRET.hex().upper(),
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode(),
        repr(SECRET),
        repr(list(SECRET)),
        str(int.from_bytes(SECRET, "big")),
    ],
)
def test_every_spelling(said: str) -> None:
    listener = Watch()
    listener.note("factor", SECRET)
    assert listener.heard(f"DEBUG something {said} something") == "factor"
    assert listener.heard("DEBUG nothing") is None
    listener.forget()
    assert listener.heard(said) is None


def test_it_hears_what_passes_through_the_code(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A whole backup, and its secrets are known to the watch while none of them was said at any level."""
    caplog.set_level(logging.DEBUG)
    token = SoftToken(tmp_path / "a.token", person_for("approve"), create=True)
    store = PairingStore(tmp_path / "pairings.json")
    share = make_vault("Watched", ["a", "b"], 2)[0]
    with TokenClient(SimTransport(token, wire.REPORT_FS, unattended=True)) as client:
        client.pair(store, lambda code: True)
        client.connect(store)
        client.set_up("48392017", "Safe")
        backup(client, share.vult, "tidal-orchid-velvet-92-kettle", kdf=KdfParams(64 * 1024, 3, 4))
    pairing = store.find(client.info.serial)
    assert pairing is not None
    assert watch.heard("48392017") == "PIN"
    assert watch.heard("tidal-orchid-velvet-92-kettle") == "password"
    assert watch.heard(pairing.psk.hex()) == "pairing key"
    Factors(token=SECRET)
    assert watch.heard(SECRET.hex()) == "token factor"
    assert caplog.text, "the log is on"
    assert watch.heard(caplog.text) is None
