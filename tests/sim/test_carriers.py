"""`sim:PATH?carrier=`: the host's own client over HID at both speeds, and over bulk."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from coldshare.device.address import Address
from coldshare.device.errors import AddressError, TokenGoneError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare_iface import framing, wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.token import SoftToken
from support.client import NONCE, Puppet, blob, declaration
from support.desk import PIN

CARRIERS = {"hid": wire.REPORT_FS, "hid-hs": wire.REPORT_HS, "bulk": wire.BULK_FRAME_MAX}


@pytest.mark.parametrize(("carrier", "size"), CARRIERS.items())
def test_a_share_crosses_it_both_ways(carrier: str, size: int, tmp_path: Path) -> None:
    address = Address.parse(f"sim:{tmp_path / 'a.token'}?user=approve&carrier={carrier}")
    store, data = PairingStore(tmp_path / "pairings"), blob(20_000)
    transport = open_transport(address, create=True)
    assert transport.report_size == size
    with TokenClient(transport) as client:
        client.pair(store, lambda code: True)
        client.connect(store)
        client.set_up(PIN, "Safe A")
        reserved = client.reserve(declaration())
        client.put(reserved.backup_id, data)
        client.commit(reserved.backup_id)
        client.confirm(reserved.backup_id)
    # It is the same token over any of them.
    for other in CARRIERS:
        address = Address.parse(f"sim:{tmp_path / 'a.token'}?user=approve&carrier={other}")
        with TokenClient(open_transport(address)) as client:
            client.connect(store)
            client.unlock(PIN)
            opened = client.open(reserved.backup_id, wire.PURPOSE_VERIFY)
            assert client.get(reserved.backup_id, opened.size, opened.digest) == data


@pytest.mark.parametrize("options", ["carrier=usb", "carrier="])
def test_a_carrier_that_will_not_do(options: str, tmp_path: Path) -> None:
    with pytest.raises(AddressError):
        open_transport(Address.parse(f"sim:{tmp_path / 'a.token'}?user=approve&{options}"), create=True)
    assert not list(tmp_path.iterdir())


def test_faults_happen_to_frames(tmp_path: Path) -> None:
    where = f"sim:{tmp_path / 'a.token'}?user=approve&carrier=bulk&fault=unplug:to-host:1"
    with closing(open_transport(Address.parse(where), create=True)) as transport, pytest.raises(TokenGoneError):
        TokenClient(transport)


def test_ctrl_c_loses_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes in the middle of the firmware's step: the step is finished, and what it said is there afterwards."""
    token = SoftToken(Chip(), Puppet(), clock=VirtualClock())
    (init,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE)
    token.write(init)
    answer = token.poll()
    assert answer is not None
    token.write(framing.split(answer[15:19], wire.CMD_PING, bytes(100))[0])  # half a message: the token waits for more
    token.write_bulk(init[:15])
    poll = token._token.poll

    def interrupted(bulk: bool = False) -> bytes | None:
        os.kill(os.getpid(), signal.SIGINT)
        return poll(bulk)

    monkeypatch.setattr(token._token, "poll", interrupted)
    with pytest.raises(KeyboardInterrupt):
        token.poll_bulk()
    assert token.poll_bulk() == wire.CID_BROADCAST + bytes((wire.CMD_ERROR | 0x80, 0, 1, wire.ERR_CHANNEL_BUSY))
    token.close()
