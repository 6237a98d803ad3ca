"""Where the conversations happen: a token on a cable that counts, a person who thinks, and what a host remembers."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from littlefs import LittleFS

from coldshare.device.errors import TokenGoneError
from coldshare.device.pairings import Pairing, PairingStore
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_LABEL, F_PAIRINGS, F_SLOTS, F_STATE, S_FACTOR, S_ID, S_STATE
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold
from coldshare_iface import wire
from coldshare_iface.messages import Declaration
from coldshare_sim.clock import VirtualClock
from coldshare_sim.faults import TO_HOST, TO_TOKEN, Fault, FaultyToken, UnpluggedError
from coldshare_sim.flash import BLOCK, FILE_BLOCKS, PAGE, Chip, KeyBlocks
from coldshare_sim.littlefs import LittleFiles

PIN = "483920"
LABEL = "Safe A"
HOST = "desk"
#: Two chunks, the second one smaller: 204 reports, and as many to read it back.
BLOB = Random(5).randbytes(12_000)
#: The backup that BLOB replaces.
OLD = Random(4).randbytes(700)
#: Seconds in which the person reads what the token shows: long enough for some keepalives.
THINKS = 0.6


class HangError(BaseException):
    """A conversation that goes on and on. Not an Exception: nothing on the way may take it for one of its own."""


class Person:
    """Reads for a while, then presses YES, for as long as the token wants."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        #: Seconds between a question and its answer.
        self.thinks = THINKS
        self._until = -1.0
        self._button = BUTTON_NONE
        self.screens: list[list[str]] = []
        #: The first line of every question that was answered.
        self.answered: list[str] = []

    def show(self, lines: list[str], question: bool) -> None:
        self.screens.append(lines)
        self._until = self._clock.now_ms() + self.thinks * 1000
        self._button = (BUTTON_HELD if asks_to_hold(lines) else BUTTON_YES) if question else BUTTON_NONE

    def button(self) -> int:
        if self._button == BUTTON_NONE or self._clock.now_ms() < self._until:
            return BUTTON_NONE
        pressed, self._button = self._button, BUTTON_NONE
        self.answered.append(self.screens[-1][0])
        return pressed

    def close(self) -> None:
        pass


class Store(PairingStore):
    """Pairing keys in memory."""

    def __init__(self, *pairings: Pairing) -> None:
        super().__init__(Path())
        self.pairings = {pairing.serial: pairing for pairing in pairings}

    def check(self) -> None:
        pass

    def find(self, serial: bytes) -> Pairing | None:
        return self.pairings.get(serial)

    def keep(self, pairing: Pairing) -> None:
        self.pairings[pairing.serial] = pairing

    def _replace(self, serial: bytes, change: Callable[[Pairing], Pairing]) -> None:
        if serial in self.pairings:
            self.pairings[serial] = change(self.pairings[serial])


class Token:
    """The token on its cable. Every program at it sees every report, as on HID."""

    def __init__(self, image: bytes, faults: tuple[Fault, ...] = (), seed: int = 7) -> None:
        self.clock = VirtualClock()
        self.person = Person(self.clock)
        self.chip = Chip(image)
        self.sim = FaultyToken(self.chip, self.person, faults, clock=self.clock, random=Random(seed).randbytes)
        self._carriers: list[Carrier] = []
        self.reads = 0
        self.reads_max = -1
        self.until = -1.0
        #: (direction, command, whether it begins a message) of every report so far, without faults.
        self.reports: list[tuple[str, int, bool]] = []
        self._messages: dict[tuple[str, bytes], int] = {}

    @property
    def now(self) -> float:
        return self.clock.now_ms() / 1000

    def carrier(self) -> Carrier:
        carrier = Carrier(self)
        self._carriers.append(carrier)
        return carrier

    def note(self, direction: str, report: bytes) -> None:
        begins = len(report) > 4 and bool(report[4] & 0x80)
        if begins:
            self._messages[direction, report[:4]] = report[4] & 0x7F
        self.reports.append((direction, self._messages.get((direction, report[:4]), -1), begins))

    def pump(self, timeout: float) -> None:
        self.reads += 1
        if 0 <= self.reads_max < self.reads:
            raise HangError(f"more than {self.reads_max} reads")
        if 0 <= self.until < self.now:
            raise HangError(f"more than {self.until} seconds")
        report = self.sim.read(timeout)
        if report is not None:
            self.note(TO_HOST, report)
            for carrier in self._carriers:
                carrier.arrived.append(report)

    def unplug(self) -> None:
        self.sim.unplug()

    def plug_in(self) -> None:
        """New power, empty cable; programs that had it open have lost it."""
        self._carriers.clear()
        self.sim.power_cycle()


class Carrier:
    """One program's transport. `before` is called with (direction, number) before each of its reports passes."""

    report_size = wire.REPORT_FS
    unattended = True

    def __init__(self, token: Token) -> None:
        self._token = token
        self.arrived: deque[bytes] = deque()
        self.before: Callable[[str, int], None] | None = None
        self._passed = {TO_TOKEN: 0, TO_HOST: 0}
        self.closed = False

    def clock(self) -> float:
        return self._token.now

    def _step(self, direction: str) -> None:
        self._passed[direction] += 1
        if self.before is not None:
            self.before(direction, self._passed[direction])

    def write(self, report: bytes) -> None:
        self._step(TO_TOKEN)
        self._token.note(TO_TOKEN, report)
        try:
            self._token.sim.write(report)
        except UnpluggedError as error:
            raise TokenGoneError from error

    def read(self, timeout: float) -> bytes | None:
        if not self.arrived:
            try:
                self._token.pump(timeout)
            except UnpluggedError as error:
                raise TokenGoneError from error
        if not self.arrived:
            return None
        self._step(TO_HOST)
        return self.arrived.popleft()

    def close(self) -> None:
        self.closed = True


class _Files(LittleFiles):
    """The same files, read in blocks: looking is what most of the time would go to."""

    def _littlefs(self, disk_version: int) -> LittleFS:
        return LittleFS(
            context=self._blocks,
            mount=False,
            block_size=BLOCK,
            block_count=FILE_BLOCKS,
            read_size=BLOCK,
            prog_size=PAGE,
            cache_size=BLOCK,
            lookahead_size=48,
            disk_version=disk_version,
        )

    def close(self) -> None:
        """Its buffers are not Python's to collect."""
        self._fs.unmount()


@dataclass
class Seen:
    """What is on the chip, read past the firmware: (state, factor, blob) of every slot, the pairings, the label."""

    slots: dict[bytes, tuple[int, bytes, bytes]]
    pairings: dict[bytes, bytes]
    state: int
    label: str
    #: Bytes of a transfer under way.
    staged: int

    @property
    def kept(self) -> dict[bytes, tuple[int, bytes]]:
        """(state, blob) of what counts as a backup."""
        return {key: (state, data) for key, (state, _, data) in self.slots.items() if state}


def look(chip: Chip) -> Seen:
    copy = Chip(bytes(chip.image))
    record: dict[int, Any] | None = KeyArea(KeyBlocks(copy)).load()
    assert record is not None
    files = _Files(copy)
    slots = {}
    for slot in record[F_SLOTS]:
        path = f"/b/{slot[S_ID].hex()}"
        data = files.read(path, 0, files.size(path)) if slot[S_STATE] else b""
        slots[bytes(slot[S_ID])] = (int(slot[S_STATE]), bytes(slot[S_FACTOR]), data)
    staged = files.size("/s/blob") if "blob" in files.listdir("/s") else 0
    files.close()
    pairings = {bytes(entry[0]): bytes(entry[1]) for entry in record[F_PAIRINGS]}
    return Seen(slots, pairings, record[F_STATE], record[F_LABEL], staged)


def declared(nonce: int = 0) -> bytes:
    return Declaration(
        vault=b"\x02" * 33,
        name="Savings",
        party="Phone",
        generation=bytes(32),
        threshold=2,
        parties=3,
        library=wire.LIBRARY_DKLS,
        nonce=bytes([nonce] * 16),
    ).encode()


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass
class Memory:
    """What a host knows, and still knows after it was restarted."""

    store: Store
    backup_id: bytes = b""
    factor: bytes = b""
    #: Bytes of BLOB that the token has acknowledged.
    acknowledged: int = 0
    #: Where a transfer went on after a fault, and how much the first program knew to be there.
    resumed: tuple[int, int] | None = None
    #: Steps that the token has acknowledged.
    done: list[str] = field(default_factory=list)
