"""A software token at the end of a cable to which faults happen, and whose power can be cut."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from coldshare_iface import framing, wire
from coldshare_sim.clock import Clock, VirtualClock
from coldshare_sim.faults import spec
from coldshare_sim.faults.spec import TO_HOST, TO_TOKEN, Fault
from coldshare_sim.flash import Chip, Operation
from coldshare_sim.person import Person
from coldshare_sim.token import SoftToken
from coldshare_sim.trace import FlashTrace

#: Seconds that a report takes on a virtual clock, as at full speed: a side that chatters for ever uses its time up.
_REPORT = 0.001
# A computer of whose channel and question nobody knows.
_STRANGER = b"\xfe\xfe\xfe\xfe"
_NONCE = b"stranger"
_INITIAL = 0x80
_T = TypeVar("_T")


class UnpluggedError(Exception):
    """The token has been pulled out, or has no power any more."""


class Passed(NamedTuple):
    """Reports each way and operations of the flash."""

    to_token: int
    to_host: int
    flash: int


class _Carrier:
    """What is still under way to the other end over HID, or over bulk."""

    def __init__(self) -> None:
        self.queue: deque[tuple[float, bytes]] = deque()  # (when it arrives, the report)
        self.held: list[bytes] = []  # waits for the next report to overtake it


class _Way:
    """One direction: what has been sent. A frame on bulk counts as a report."""

    def __init__(self) -> None:
        self.sent = 0
        self.carriers = (_Carrier(), _Carrier())
        self.history: list[tuple[bool, bytes]] = []  # (whether over bulk, the report)
        self._messages: dict[bytes, int] = {}  # the command of the last message of each channel
        self._of: dict[int, int] = {}  # reports that belonged to each command

    def count(self, report: bytes) -> tuple[int, int]:
        """The command of the message that this report belongs to (-1: none), and how many of them there were."""
        self.sent += 1
        cid, code = report[:4], report[4] if len(report) > len(wire.CID_BROADCAST) else 0
        command = code & ~_INITIAL if code & _INITIAL else self._messages.get(cid, -1)
        self._messages[cid] = command
        self._of[command] = self._of.get(command, 0) + 1
        return command, self._of[command]

    @property
    def empty(self) -> bool:
        hid, bulk = self.carriers
        return not (hid.queue or hid.held or bulk.queue or bulk.held)

    @property
    def moving(self) -> bool:
        """Whether something will arrive by and by, without anything else being sent."""
        return any(carrier.queue for carrier in self.carriers)

    def clear(self) -> None:
        self.carriers = (_Carrier(), _Carrier())


class FaultyToken(SoftToken):
    """A software token whose reports and whose power suffer `faults`, each of them once, then go on undisturbed.

    Time is virtual unless `clock` says otherwise, and each report takes a millisecond of it. Once the token is pulled
    out, `write`, `poll` and `read` raise UnpluggedError until `power_cycle`.
    """

    def __init__(
        self,
        where: Path | Chip,
        person: Person,
        faults: Iterable[Fault] = (),
        *,
        create: bool = False,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = os.urandom,
        report_size: int = wire.REPORT_FS,
    ) -> None:
        super().__init__(
            where, person, create=create, clock=clock or VirtualClock(), random=random, report_size=report_size
        )
        self._gone = False
        self._stalled = False
        self.arm(faults)

    # --- what is to happen, and what has
    def arm(self, faults: Iterable[Fault]) -> None:
        """From now on these faults, counted from now on, and no earlier ones."""
        self._faults = list(faults)
        self._ways = {TO_TOKEN: _Way(), TO_HOST: _Way()}
        self._operations = 0
        self._remember = max((fault.last for fault in self._faults if fault.kind == spec.REPLAY), default=0)
        if self.chip.before != self._operation:
            self._before, self.chip.before = self.chip.before, self._operation

    @property
    def passed(self) -> Passed:
        """How much there was since `arm`: the numbers of a spec run up to these."""
        return Passed(self._ways[TO_TOKEN].sent, self._ways[TO_HOST].sent, self._operations)

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults that have not happened yet."""
        return tuple(self._faults)

    @property
    def gone(self) -> bool:
        """Whether it has been pulled out."""
        return self._gone

    def power_cycle(self) -> None:
        """Plug it in anew: nothing is left on the cable. Faults that have not happened yet still can."""
        for way in self._ways.values():
            way.clear()
        self._gone = self._stalled = False
        super().power_cycle()

    def unplug(self) -> None:
        """Pull it out now."""
        self._gone = True

    # --- reports
    def write(self, report: bytes) -> None:
        self._send(report, False)

    def write_bulk(self, frame: bytes) -> None:
        self._send(frame, True)

    def poll(self) -> bytes | None:
        return self._fetch(False)

    def poll_bulk(self) -> bytes | None:
        return self._fetch(True)

    def _send(self, report: bytes, bulk: bool) -> None:
        self._check()
        self._tick()
        if self._clear():
            self._ways[TO_TOKEN].sent += 1
            self._feed(report, bulk)
            return
        self._spoil(TO_TOKEN, report, bulk)
        self._check()
        self._deliver()

    def _fetch(self, bulk: bool) -> bytes | None:
        self._check()
        fetch = super().poll_bulk if bulk else super().poll
        if self._clear():
            said = self._powered(fetch)
            if said is not None:
                self._ways[TO_HOST].sent += 1
                self._tick()
            return said
        self._deliver()
        while not self._stalled:
            arrived = self._arrived(TO_HOST, bulk)
            if arrived is not None:
                self._tick()
                return arrived
            report = self._powered(fetch)
            if report is None:
                return None
            self._spoil(TO_HOST, report, bulk)
            self._check()
        return None

    def drop_bulk(self) -> None:
        self._check()
        self._ways[TO_HOST].carriers[True].queue.clear()
        super().drop_bulk()

    def _feed(self, report: bytes, bulk: bool) -> None:
        self._powered(partial(super().write_bulk if bulk else super().write, report))

    @property
    def waiting(self) -> bool:
        return not self._dead and (super().waiting or any(way.moving for way in self._ways.values()))

    @property
    def busy(self) -> bool:
        return not self._dead and super().busy

    def close(self) -> None:
        self.chip.before = self._before
        super().close()

    # --- on the way
    def _clear(self) -> bool:
        """Whether there is nothing that could happen to a report, and nothing under way that it could overtake."""
        if self._faults or self._stalled:
            return False
        return self._ways[TO_TOKEN].empty and self._ways[TO_HOST].empty

    @property
    def _dead(self) -> bool:
        return self._gone or self._stalled

    def _check(self) -> None:
        if self._gone:
            raise UnpluggedError("the token has been pulled out")

    def _tick(self) -> None:
        if isinstance(self.clock, VirtualClock):
            self.clock.sleep(_REPORT)

    def _arrived(self, direction: str, bulk: bool) -> bytes | None:
        queue = self._ways[direction].carriers[bulk].queue
        return queue.popleft()[1] if queue and queue[0][0] <= self.clock.now_ms() else None

    def _deliver(self) -> None:
        """What has arrived at the token."""
        for bulk in (False, True):
            while not self._stalled and (report := self._arrived(TO_TOKEN, bulk)) is not None:
                self._feed(report, bulk)

    def _powered(self, step: Callable[[], _T]) -> _T:
        """A step of the firmware. One in which power is cut has no outcome, whatever it says."""
        try:
            done = step()
        except BaseException:
            self._check()
            raise
        self._check()
        return done

    def _spoil(self, direction: str, report: bytes, bulk: bool) -> None:
        """Send one report on its way, with the faults that are due for it."""
        if self._stalled:
            return
        way = self._ways[direction]
        carrier = way.carriers[bulk]
        command, ordinal = way.count(report)
        batch, late = [report], 0.0
        for fault in self._due(direction, way.sent, command, ordinal):
            if fault.kind in (spec.STALL, spec.UNPLUG):
                self._stalled, self._gone = fault.kind == spec.STALL, fault.kind == spec.UNPLUG
                return
            if fault.kind == spec.DELAY:
                late += fault.seconds * 1000
            elif fault.kind == spec.REORDER:
                carrier.held, batch = carrier.held + batch, []
            elif fault.kind == spec.REPLAY:
                batch = [one for over, one in way.history[fault.value - 1 : fault.last] if over == bulk] + batch
            else:
                batch = _spoiled(fault, batch, wire.BULK_FRAME_MAX if bulk else self.report_size)
        if len(way.history) < self._remember:
            way.history.append((bulk, report))
        if batch:
            batch += carrier.held
            carrier.held = []
        due = max(self.clock.now_ms() + late, carrier.queue[-1][0] if carrier.queue else 0)
        carrier.queue.extend((due, one) for one in batch)

    def _due(self, direction: str, number: int, command: int, ordinal: int) -> list[Fault]:
        due = [
            fault
            for fault in self._faults
            if fault.direction == direction
            and (
                fault.number == ordinal and spec.COMMANDS[fault.message] == command
                if fault.message
                else fault.number == number
            )
        ]
        for fault in due:
            self._faults.remove(fault)
        return due

    # --- power
    def _operation(self, operation: Operation) -> None:
        """Before an operation of the flash; after a cut there are none."""
        if self._gone:
            raise UnpluggedError("the token has no power")
        self._operations += 1
        for fault in self._faults:
            if fault.kind == spec.CUT and fault.number == self._operations:
                self._faults.remove(fault)
                self._gone = True
                self._tear(operation, fault.name)
                raise UnpluggedError("power was cut")
        if self._before is not None:
            self._before(operation)

    def _tear(self, operation: Operation, mode: str) -> None:
        trace = FlashTrace(self.chip)
        trace.operations.append(operation)
        image = trace.image(0, mode, Random(self._operations))  # noqa: S311 - bit noise, no secret
        self.chip.before = self._operation
        self.chip.leave(operation.offset, image[operation.offset : operation.offset + len(operation.data)])


def _spoiled(fault: Fault, batch: list[bytes], size: int) -> list[bytes]:
    """What arrives instead of `batch` on a carrier whose reports have `size` bytes."""
    if fault.kind == spec.DROP:
        return []
    if fault.kind == spec.DUPLICATE:
        return batch * 2
    if fault.kind == spec.TRUNCATE:
        return [report[: fault.value if fault.value >= 0 else len(report) // 2] for report in batch]
    if fault.kind == spec.CORRUPT:
        return [_turned(report, fault.value) for report in batch]
    if fault.direction == TO_TOKEN:
        return _foreign(fault.name, _NONCE, size) + batch
    answer = _NONCE + _STRANGER + bytes((wire.FRAME_VERSION, 0, 0, 0, 0))
    return _foreign(fault.name, answer, size) + batch


def _turned(report: bytes, bit: int) -> bytes:
    """`report` with one bit turned over; a report that has no such bit stays as it is."""
    spoilt = bytearray(report)
    if bit // 8 < len(spoilt):
        spoilt[bit // 8] ^= 0x80 >> bit % 8
    return bytes(spoilt)


def _foreign(name: str, init: bytes, size: int) -> list[bytes]:
    """Another computer's message, or the token's answer to one."""
    if name == spec.INIT:
        return framing.split(wire.CID_BROADCAST, wire.CMD_INIT, init, size)
    return framing.split(_STRANGER, wire.CMD_PING, bytes(min(size, wire.MESSAGE_MAX)), size)
