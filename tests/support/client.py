"""A token on a bench, a person who does what the test says, and a host that knows the wire and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from coldshare.conformance.speaker import (
    NONCE,
    FrameRefusedError,
    Map,
    Speaker,
    as_map,
    declaration,
)
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.person import Person
from coldshare_sim.token import SoftToken

YES, NO, NOBODY, HELD = BUTTON_YES, BUTTON_NO, BUTTON_NONE, BUTTON_HELD
PIN = "483920483920"
WRONG = "000000"
LABEL = "Safe A"
HOST = "desk"

__all__ = [
    "HELD",
    "HOST",
    "LABEL",
    "NO",
    "NOBODY",
    "NONCE",
    "PIN",
    "WRONG",
    "YES",
    "Bench",
    "FrameRefusedError",
    "Host",
    "Map",
    "Puppet",
    "as_map",
    "blob",
    "chunks",
    "declaration",
    "secrets",
]


class Puppet:
    """A person whose every answer is given by `answers` (a list or a generator), and by `default` after them.

    `NOBODY` leaves the question unanswered, `YES` is a short press and `HELD` a long one.
    `screens` is what was to be read, with True for questions.
    """

    def __init__(self, answers: Iterable[int] = (), default: int = YES) -> None:
        self._answers = iter(answers)
        self.default = default
        self.screens: list[tuple[list[str], bool]] = []
        self._pressed = NOBODY

    def show(self, lines: list[str], question: bool) -> None:
        self.screens.append((lines, question))
        self._pressed = next(self._answers, self.default) if question else NOBODY

    def press(self, button: int) -> None:
        self._pressed = button

    def button(self) -> int:
        pressed, self._pressed = self._pressed, NOBODY
        return pressed

    def close(self) -> None:
        pass

    @property
    def screen(self) -> list[str]:
        """What is on the screen now."""
        return self.screens[-1][0]

    @property
    def questions(self) -> list[list[str]]:
        return [lines for lines, question in self.screens if question]


def blob(size: int, seed: int = 1) -> bytes:
    return Random(seed).randbytes(size)


class Host(Speaker):
    """A computer at the cable of a token whose PIN, label and shares are those of every test."""

    token: SoftToken

    def hello(self) -> Host:
        super().hello()
        return self

    def open(self, info: bytes | None = None, psk_id: bytes | None = None, psk: bytes | None = None) -> Host:
        super().open(info, psk_id, psk)
        return self

    def again(self) -> Host:
        """After a lost session or a power cycle: a new channel, a new session, unlocked."""
        self.hello().open()
        self.ok(wire.OP_UNLOCK, PIN)
        return self

    def reserve(self, declared: bytes | None = None) -> tuple[bytes, bytes]:
        return super().reserve(declaration() if declared is None else declared)

    def send(self, backup_id: bytes, data: bytes, chunk: int = CHUNK) -> None:
        super().send(backup_id, data, chunk)

    def put(self, data: bytes, declared: bytes | None = None, confirm: bool = True) -> tuple[bytes, bytes]:
        """A whole backup: (its id, its factor)."""
        backup_id, factor = self.reserve(declared)
        self.send(backup_id, data)
        self.ok(wire.OP_COMMIT, backup_id)
        if confirm:
            self.ok(wire.OP_CONFIRM, backup_id)
        return backup_id, factor


@dataclass
class Bench:
    """A token on a bench: its chip, its clock, the person at it and the host on its cable."""

    chip: Chip = field(default_factory=Chip)
    person: Puppet = field(default_factory=Puppet)
    clock: VirtualClock = field(default_factory=VirtualClock)
    seed: int = 7
    report_size: int = wire.REPORT_FS

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.token = self.soft(self.person)
        self.host = Host(self.token).hello()

    def soft(self, person: Person) -> SoftToken:
        return SoftToken(
            self.chip, person, clock=self.clock, random=self.random.randbytes, report_size=self.report_size
        )

    def power_cycle(self) -> Host:
        """Pull the plug and put it back; the host knows nothing of it yet."""
        self.token.power_cycle()
        return self.host

    def second_host(self, name: str = "laptop") -> Host:
        return Host(self.token, name).hello()

    def make_ready(self) -> Bench:
        """Paired, set up, unlocked."""
        self.host.pair()
        self.host.open()
        self.host.ok(wire.OP_SET_UP, PIN, LABEL)
        self.host.hello().open()
        self.host.ok(wire.OP_UNLOCK, PIN)
        return self

    @property
    def image(self) -> bytes:
        return bytes(self.chip.image)

    def clone(self, image: bytes | None = None, person: Puppet | None = None) -> Bench:
        """Another bench with this chip's content, powered up, its host knowing the pairing key and nothing else."""
        other = Bench(Chip(self.image if image is None else image), person or Puppet(), seed=self.seed + 1)
        other.host.psk_id, other.host.psk = self.host.psk_id, self.host.psk
        return other


def secrets(where: bytes | Path, *needles: bytes) -> list[bytes]:
    """Those of the needles that are somewhere in the image."""
    data = where.read_bytes() if isinstance(where, Path) else where
    return [needle for needle in needles if needle in data]


def chunks(size: int, step: int = CHUNK) -> list[int]:
    """The offsets between chunks."""
    return list(range(0, size, step))
