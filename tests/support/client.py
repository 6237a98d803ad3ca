"""A host that knows the wire and nothing else: it says exactly what a test tells it to, right or wrong.

The real client is careful; this one has to be able to lie, stop half-way and ask for what it should not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.request import CHUNK
from coldshare_iface import codec, framing, wire
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import Session
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.person import Person
from coldshare_sim.token import SoftToken

YES, NO, NOBODY, HELD = BUTTON_YES, BUTTON_NO, BUTTON_NONE, BUTTON_HELD
PIN = "483920"
WRONG = "000000"
LABEL = "Safe A"
HOST = "desk"

Map = dict[int, Any]


class FrameRefusedError(Exception):
    """The token answered with a CTAPHID error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:02x}")
        self.code = code


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


def declaration(**changes: Any) -> bytes:
    """A declaration, with some of its fields replaced: vault, name, party, generation, threshold, parties, nonce."""
    fields: dict[str, Any] = {
        "vault": b"\x02" + b"v" * 32,
        "name": "Savings",
        "party": "Phone",
        "generation": b"\xab\xcd\x01\x02" + b"g" * 28,
        "threshold": 2,
        "parties": 3,
        "library": wire.LIBRARY_DKLS,
        "nonce": b"n" * 16,
    }
    fields.update(changes)
    return codec.encode(dict(enumerate(fields.values(), start=1)))


def blob(size: int, seed: int = 1) -> bytes:
    return Random(seed).randbytes(size)


class Host:
    """One computer at one token's cable."""

    def __init__(self, token: SoftToken, name: str = HOST) -> None:
        self.token = token
        self.name = name
        self.cid = wire.CID_BROADCAST
        self.info = b""
        self.session: Session | None = None
        self.psk_id = b""
        self.psk = b""
        #: Every keepalive since the last request.
        self.keepalives: list[int] = []
        self._assembler = framing.Assembler(token.report_size)

    # --- frames
    def write(self, cmd: int, data: bytes = b"") -> None:
        for report in framing.split(self.cid, cmd, data, self.token.report_size):
            self.token.write(report)

    def read(self, timeout: float = 120.0, keepalives: bool = False) -> tuple[int, bytes]:
        """The next message for this host's channel: (command, data)."""
        while True:
            report = self.token.read(timeout)
            if report is None:
                raise TimeoutError
            if report[:4] != self.cid:
                continue
            message = self._assembler.feed(report)
            if message is None:
                continue
            if message[1] == wire.CMD_KEEPALIVE and not keepalives:
                self.keepalives.append(message[2][0])
                continue
            return message[1], message[2]

    def call(self, cmd: int, data: bytes = b"") -> bytes:
        self.keepalives = []
        self.write(cmd, data)
        answered, reply = self.read()
        if answered == wire.CMD_ERROR:
            raise FrameRefusedError(reply[0])
        assert answered == cmd
        return reply

    def cancel(self) -> None:
        self.write(wire.CMD_CANCEL)

    def hello(self) -> Host:
        """A channel, and the token's `info`."""
        self.cid = wire.CID_BROADCAST
        self._assembler.reset()
        nonce = b"\x01\x02\x03\x04\x05\x06\x07\x08"
        reply = self.call(wire.CMD_INIT, nonce)
        assert reply[:8] == nonce
        self.cid = reply[8:12]
        self.read_info()
        return self

    def plain(self, op: int) -> Map:
        return as_map(self.call(wire.CMD_PLAIN, codec.encode({0: op})))

    def read_info(self) -> Map:
        self.info = self.call(wire.CMD_PLAIN, codec.encode({0: wire.OP_INFO}))
        return as_map(self.info)

    # --- channels
    def handshake(self) -> str:
        """Pairing up to the comparison; the code on the host's side."""
        self.read_info()
        self.session = Session(NativeSuite(), initiator=True)
        self.session.pairing(self.info, NativeSuite().generate())
        self.session.read_handshake(self.call(wire.CMD_PAIR, self.session.write_handshake()))
        assert self.call(wire.CMD_PAIR, self.session.write_handshake()) == b""
        return self.session.code

    def pair(self) -> Map:
        self.handshake()
        reply = self.ask(wire.OP_PAIR_ACCEPT, self.name)
        if reply[0] == wire.STATUS_OK:
            self.psk_id, self.psk = reply[1], reply[2]
        return reply

    def wipe(self) -> Map:
        """Whoever is at the cable can ask for it; it takes no pairing."""
        self.handshake()
        return self.ask(wire.OP_WIPE)

    def open(self, info: bytes | None = None, psk_id: bytes | None = None, psk: bytes | None = None) -> Host:
        """A session under the pairing key, or under what the test gives instead."""
        if info is None:
            self.read_info()
            info = self.info
        psk_id = self.psk_id if psk_id is None else psk_id
        self.session = Session(NativeSuite(), initiator=True)
        self.session.session(info, psk_id, self.psk if psk is None else psk)
        self.session.read_handshake(self.call(wire.CMD_SESSION, psk_id + self.session.write_handshake()))
        return self

    def seal(self, op: int, *fields: object) -> bytes:
        assert self.session is not None
        return self.session.seal(codec.encode(dict(enumerate((op, *fields)))))

    def opened(self, record: bytes) -> Map:
        assert self.session is not None
        return as_map(self.session.open(record))

    def ask(self, op: int, *fields: object) -> Map:
        return self.opened(self.call(wire.CMD_RECORD, self.seal(op, *fields)))

    def start(self, op: int, *fields: object) -> None:
        """Send a request and do not wait for its answer."""
        self.keepalives = []
        self.write(wire.CMD_RECORD, self.seal(op, *fields))

    def finish(self) -> Map:
        """The answer to what `start` sent."""
        cmd, reply = self.read()
        if cmd == wire.CMD_ERROR:
            raise FrameRefusedError(reply[0])
        assert cmd == wire.CMD_RECORD
        return self.opened(reply)

    def ok(self, op: int, *fields: object) -> Map:
        reply = self.ask(op, *fields)
        assert reply[0] == wire.STATUS_OK, reply
        return reply

    def status(self, op: int, *fields: object) -> int:
        return int(self.ask(op, *fields)[0])

    # --- whole steps
    def again(self) -> Host:
        """After a lost session or a power cycle: a new channel, a new session, unlocked."""
        self.hello().open()
        self.ok(wire.OP_UNLOCK, PIN)
        return self

    def reserve(self, declared: bytes | None = None) -> tuple[bytes, bytes]:
        reply = self.ok(wire.OP_RESERVE, declaration() if declared is None else declared)
        return reply[1], reply[2]

    def begin(self, backup_id: bytes, data: bytes) -> int:
        return int(self.ok(wire.OP_BEGIN, backup_id, len(data), hashlib.sha256(data).digest())[1])

    def send(self, backup_id: bytes, data: bytes, chunk: int = CHUNK) -> None:
        """Up to and including `prepare`."""
        offset = self.begin(backup_id, data)
        while offset < len(data):
            offset = self.ok(wire.OP_CHUNK, offset, data[offset : offset + chunk])[1]
        assert self.ok(wire.OP_PREPARE, backup_id)[1] == hashlib.sha256(data).digest()

    def put(self, data: bytes, declared: bytes | None = None, confirm: bool = True) -> tuple[bytes, bytes]:
        """A whole backup: (its id, its factor)."""
        backup_id, factor = self.reserve(declared)
        self.send(backup_id, data)
        self.ok(wire.OP_COMMIT, backup_id)
        if confirm:
            self.ok(wire.OP_CONFIRM, backup_id)
        return backup_id, factor

    def get(self, backup_id: bytes, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.ok(wire.OP_READ, backup_id, len(data))[1]
        return data

    def list(self) -> list[Map]:
        out: list[Map] = []
        while True:
            reply = self.ok(wire.OP_LIST, len(out))
            out += reply[1]
            if len(out) >= reply[2]:
                return out


def as_map(data: bytes) -> Map:
    value = codec.decode(data)
    assert isinstance(value, dict)
    return value


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
