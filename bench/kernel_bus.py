"""Real USB, measured inside of the machine of tests/kernel: a put over each carrier against the same bytes, raw.

`python -m bench.kernel_bus FILE` runs there and writes what `bench.kernel` makes figures of.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hidraw  # type: ignore[import-not-found]
import usb.core  # type: ignore[import-untyped]
import usb.util  # type: ignore[import-untyped]

from bench.kernel_token import TIMES
from bench.token import PIN, new_token
from coldshare.device import discovery
from coldshare.device.address import Address
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport import Transport, open_transport
from coldshare.device.transport.usb import backend
from coldshare_iface import wire
from coldshare_iface.messages import Declaration
from kernel.guest.bus import SIMULATOR, Plug, settle, wait_for

#: Figure, speed, carrier, rounds: emulated time varies a lot, and the slow carrier is slow.
CARRIERS = (("bulk", "hs", "usb", 7), ("hid_hs", "hs", "hid", 7), ("hid_fs", "fs", "hid", 4))
SIZE = 128 << 10
_LOOKS = 15
_OUT = 0x02


@dataclass
class Round:
    """Seconds by the clock: a put, its read-back, and what went out in the put, sent to a sink by the library alone.

    `sink` is the processor time that the simulator of the sink took for that.
    """

    put: float
    get: float
    raw: float
    sink: float


@dataclass
class Split:
    """Seconds of a put, by the clock, and of processor time in it. Taking the times takes time, too."""

    put: float
    host_code: float
    host_library: float
    token_firmware: float
    token_flash: float
    token_bus: float


class Recording:
    """Notes what goes out, and the processor time of the library and the kernel below it."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.report_size = inner.report_size
        self.unattended = inner.unattended
        self.written: list[bytes] = []
        self.seconds = 0.0

    def _timed(self, function: Callable[[], Any]) -> Any:
        start = time.thread_time()
        try:
            return function()
        finally:
            self.seconds += time.thread_time() - start

    def write(self, report: bytes) -> None:
        self.written.append(report)
        self._timed(lambda: self._inner.write(report))

    def read(self, timeout: float) -> bytes | None:
        report: bytes | None = self._timed(lambda: self._inner.read(timeout))
        return report

    def close(self) -> None:
        self._inner.close()


def _simulator(kind: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "bench.kernel_token", kind)


def _times(plug: Plug, path: Path) -> dict[str, float]:
    path.unlink(missing_ok=True)
    plug.process.send_signal(signal.SIGUSR1)
    wait_for("the simulator's times", path.exists)
    seconds: dict[str, float] = json.loads(path.read_text())
    return seconds


def _declared() -> bytes:
    return Declaration(
        vault=b"\x02" * 33,
        name="Savings",
        party="Phone",
        generation=bytes(32),
        threshold=2,
        parties=3,
        library=wire.LIBRARY_DKLS,
        nonce=os.urandom(16),
    ).encode()


def _put(client: TokenClient) -> tuple[bytes, bytes]:
    """What a backup does with the token once it is sealed. The id, and the digest for the read-back."""
    sealed = os.urandom(SIZE)
    backup_id = client.reserve(_declared()).backup_id
    client.put(backup_id, sealed)
    client.commit(backup_id)
    return backup_id, hashlib.sha256(sealed).digest()


def _round(plug: Plug, sink: Plug, carrier: str, store: PairingStore) -> Round:
    cable = Recording(open_transport(Address.parse(plug.at(carrier))))
    with TokenClient(cable) as client:
        client.connect(store)
        client.unlock(PIN)
        cable.written.clear()
        start = time.perf_counter()
        backup_id, digest = _put(client)
        put = time.perf_counter() - start
        written = list(cable.written)
        start = time.perf_counter()
        client.get(backup_id, SIZE, digest)
        get = time.perf_counter() - start
        client.confirm(backup_id)
    before = sink.cpu()
    raw = _raw(sink, carrier, written)
    return Round(put, get, raw, sink.cpu() - before)


def _split(plug: Plug, carrier: str, store: PairingStore, times: Path) -> Split:
    cable = Recording(open_transport(Address.parse(plug.at(carrier))))
    with TokenClient(cable) as client:
        client.connect(store)
        client.unlock(PIN)
        before = _times(plug, times)
        cable.seconds = 0.0
        host, start = time.thread_time(), time.perf_counter()
        backup_id, _ = _put(client)
        put, host, library = time.perf_counter() - start, time.thread_time() - host, cable.seconds
        spent = {layer: seconds - before.get(layer, 0.0) for layer, seconds in _times(plug, times).items()}
        client.confirm(backup_id)
    return Split(put, host - library, library, spent["firmware"], spent["flash"], spent["other"])


def _raw(plug: Plug, carrier: str, written: list[bytes]) -> float:
    """Seconds that hidapi or pyusb take to send these bytes to a device that does nothing with them."""
    if carrier == "hid":
        device = hidraw.device()
        device.open_path(str(plug.nodes["hid"]).encode())
        framed = [b"\0" + report for report in written]
        start = time.perf_counter()
        for report in framed:
            device.write(report)
        seconds = time.perf_counter() - start
        device.close()
        return seconds
    bus, number = (int(part) for part in plug.nodes["usb"].parts[-2:])
    found: Any = usb.core.find(backend=backend(), bus=bus, address=number)
    usb.util.claim_interface(found, 1)
    start = time.perf_counter()
    for frame in written:
        found.write(_OUT, frame, 5000)
    seconds = time.perf_counter() - start
    usb.util.dispose_resources(found)
    return seconds


@contextmanager
def _plugged(path: Path, speed: str, program: tuple[str, ...] = SIMULATOR) -> Iterator[Plug]:
    plug = Plug(path, speed, "--user", "approve", "--create", program=program)
    try:
        yield plug
    finally:
        plug.close()


def _carrier(folder: Path, name: str, speed: str, carrier: str, rounds: int) -> dict[str, Any]:
    path, store = new_token(folder, name)
    times = folder / f"{name}.times"
    os.environ[TIMES] = str(times)
    sink = _plugged(folder / "sink.token", speed, _simulator("sink"))
    with _plugged(path, speed) as token, sink as other:
        taken = [asdict(_round(token, other, carrier, store)) for _ in range(rounds)]
    with _plugged(path, speed, _simulator("timed")) as token:
        splits = [asdict(_split(token, carrier, store, times)) for _ in range(2)]
    return {"rounds": taken, "split": min(splits, key=lambda one: one["put"])}


def _enumerate() -> None:
    hidraw.enumerate(wire.USB_VENDOR, wire.USB_PRODUCT)
    list(usb.core.find(find_all=True, backend=backend(), idVendor=wire.USB_VENDOR, idProduct=wire.USB_PRODUCT))


def _median(function: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_LOOKS):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _discovery(folder: Path) -> dict[str, float]:
    with _plugged(folder / "found.token", "hs") as plug:
        assert [one.serial for one in discovery.find()] == [plug.serial]
        return {"discovery": _median(discovery.find), "enumerate": _median(_enumerate)}


def main(out: Path) -> None:
    subprocess.run(["/lib/systemd/systemd-udevd", "--daemon"], check=True, capture_output=True)
    settle()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["COLDSHARE_HOME"] = str(folder / "home")
        measured: dict[str, Any] = {"size": SIZE, "discovery": _discovery(folder)}
        for figure, speed, carrier, rounds in CARRIERS:
            measured[figure] = _carrier(folder, figure, speed, carrier, rounds)
            print(f"{figure}: measured", flush=True)
    out.write_text(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
