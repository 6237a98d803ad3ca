"""A desk to test at: a computer with its pairing keys, and tokens lying on it. The tokens run the real firmware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

from coldshare import backup, declare
from coldshare.device.errors import TokenGoneError
from coldshare.device.history import Head
from coldshare.device.pairings import Pairing, PairingStore
from coldshare.device.token import TokenClient
from coldshare.seal import Factors, KdfParams, pack, primitives, seal
from coldshare.vault import read_share, split
from coldshare.vault.synthetic import SyntheticShare, make_vault
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_SLOTS, S_ID, S_STATE
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold
from coldshare_iface import codec, framing, wire
from coldshare_iface.framing import Assembler
from coldshare_iface.messages import Declaration
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import Session
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip, KeyBlocks
from coldshare_sim.person import Person
from coldshare_sim.token import SoftToken

PIN = "483920483920"
PASSWORD = "tidal-orchid-velvet-92-kettle"
_argon2id = primitives.argon2id

#: The least that coldshare ever writes.
KDF = KdfParams(memory_kib=64 * 1024, passes=3, lanes=4)


class Presses:
    """A person who gives these answers, one per question, and the last one from then on.

    YES is held where the screen asks for that.
    """

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self._pending = BUTTON_NONE
        self.questions: list[list[str]] = []

    def show(self, lines: list[str], question: bool) -> None:
        self._pending = BUTTON_NONE
        if question:
            self.questions.append(lines)
            self._pending = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if self._pending == BUTTON_YES and asks_to_hold(lines):
                self._pending = BUTTON_HELD

    def button(self) -> int:
        pressed, self._pending = self._pending, BUTTON_NONE
        return pressed

    def close(self) -> None:
        pass


def approves() -> Presses:
    return Presses(BUTTON_YES)


def rejects() -> Presses:
    return Presses(BUTTON_NO)


def stares() -> Presses:
    """Looks at the token and presses nothing."""
    return Presses(BUTTON_NONE)


class Cable:
    """A transport to a token. `budget` is how many reports, both ways, pass before it is pulled out."""

    report_size = wire.REPORT_FS

    def __init__(self, token: SoftToken, budget: int | None = None) -> None:
        self.token = token
        self.unattended = True
        self.closed = False
        self.passed = 0
        self.budget = budget

    def _pass(self) -> None:
        if self.budget is not None and self.passed >= self.budget:
            raise TokenGoneError
        self.passed += 1

    def write(self, report: bytes) -> None:
        self._pass()
        self.token.write(report)

    def read(self, timeout: float) -> bytes | None:
        report = self.token.read(timeout)
        if report is not None:
            self._pass()
        return report

    def close(self) -> None:
        self.closed = True


def power_up(chip: Chip, person: Person | None = None) -> SoftToken:
    """The token on that chip, in a time of its own."""
    return SoftToken(chip, person or approves(), clock=VirtualClock())


@cache
def _ready_image(number: int, label: str) -> tuple[bytes, Pairing]:
    """Setting a token up takes a moment, and one is like the other; `number` tells different tokens apart."""
    chip = Chip()
    kept = _OneKey()
    client = TokenClient(Cable(power_up(chip)))
    client.pair(kept, lambda code: True, "desk")
    client.connect(kept)
    client.set_up(PIN, label)
    assert kept.pairing is not None
    return bytes(chip.image), kept.pairing


@cache
def _stored_image() -> tuple[bytes, bytes]:
    """The id of a backup of the first share of `vault()`, and a token that holds it."""
    image, pairing = _ready_image(0, "Safe A")
    chip, kept = Chip(image), _OneKey()
    kept.keep(pairing)
    client = TokenClient(Cable(power_up(chip)))
    client.connect(kept)
    client.unlock(PIN)
    return put_share(client, vault()[0].vult).backup_id, bytes(chip.image)


class _OneKey(PairingStore):
    """Keeps one pairing in memory."""

    pairing: Pairing | None = None

    def __init__(self) -> None:
        super().__init__(Path())

    def check(self) -> None:
        pass

    def find(self, serial: bytes) -> Pairing | None:
        return self.pairing

    def keep(self, pairing: Pairing) -> None:
        self.pairing = pairing

    def remember(self, serial: bytes, label: str) -> None:
        if self.pairing is not None:
            self.pairing = replace(self.pairing, label=label)

    def saw(self, serial: bytes, psk_id: bytes, head: Head) -> None:
        if self.pairing is not None:
            self.pairing = replace(self.pairing, seen=head)


class Desk:
    """A computer and what it knows. Every token made here is set up and paired with it."""

    def __init__(self, folder: Path) -> None:
        self.store = PairingStore(folder / "pairings.json")

    def token(self, number: int = 0, label: str = "Safe A") -> Chip:
        image, pairing = _ready_image(number, label)
        self.store.keep(pairing)
        return Chip(image)

    def stored(self) -> tuple[Chip, bytes]:
        """A token that holds the first share of `vault()`, and the id of that backup."""
        self.token()
        backup_id, image = _stored_image()
        return Chip(image), backup_id

    def rewind(self) -> None:
        """Forget how far the tokens' records went: the test is going to put an older image back itself."""
        for pairing in self.store.all():
            self.store.keep(replace(pairing, seen=None))

    def client(
        self,
        chip: Chip,
        person: Person | None = None,
        *,
        budget: int | None = None,
        cancel: Event | None = None,
        on_status: Callable[[int], None] | None = None,
    ) -> TokenClient:
        """Plugged in, connected and unlocked. The first `budget` reports after that pass."""
        cable = Cable(power_up(chip, person))
        client = TokenClient(cable, cancel=cancel, on_status=on_status)
        client.connect(self.store)
        client.unlock(PIN)
        cable.passed = 0
        cable.budget = budget
        return client

    def held(self, chip: Chip) -> list[tuple[str, bool, str, str]]:
        """What a list shows after the token was plugged in anew: (id, unconfirmed, party, generation)."""
        return [
            (held.backup_id.hex(), held.pending, held.declaration.party, held.declaration.generation.hex())
            for held in self.client(chip).backups()
        ]


def key_record(chip: Chip) -> dict[int, Any]:
    """What is in the token's key area."""
    record = KeyArea(KeyBlocks(Chip(bytes(chip.image)))).load()
    assert record is not None
    return record


def slots(chip: Chip) -> list[tuple[bytes, int]]:
    """(backup id, state) of everything the token's key area knows, reservations (state 0) too."""
    return [(slot[S_ID], slot[S_STATE]) for slot in key_record(chip)[F_SLOTS]]


@cache
def vault(name: str = "Savings", parties: tuple[str, ...] = ("Phone", "Laptop", "Tablet")) -> list[SyntheticShare]:
    """A throw-away 2-of-n vault; the same one every time it is asked for."""
    return make_vault(name, parties, 2)


def put_share(client: TokenClient, data: bytes, **options: Any) -> backup.BackupResult:
    return backup.backup(client, data, PASSWORD, kdf=KDF, **options)


def store_as(
    client: TokenClient,
    told: Declaration,
    original: bytes,
    *,
    record: dict[int, codec.Encodable] | None = None,
    header: Declaration | None = None,
    inside: Declaration | None = None,
    vault_password: str | None = None,
) -> bytes:
    """A backup as a lying host makes one: the token is `told` one thing, the seal's `header` and `inside` another."""
    reservation = client.reserve(told.encode())
    plaintext = pack(
        original,
        [original] if record is not None else split(original),
        declaration=(inside or told).encode(),
        record=record if record is not None else declare.record(read_share(original, password=vault_password)),
    )
    sealed = seal(
        plaintext,
        backup_id=reservation.backup_id,
        declaration_digest=declare.digest((header or told).encode()),
        slots=[Factors(password=PASSWORD, token=reservation.factor)],
        kdf=KDF,
    )
    client.put(reservation.backup_id, sealed)
    client.commit(reservation.backup_id)
    client.confirm(reservation.backup_id)
    return reservation.backup_id


#: What a puppet answers to (operation, fields of the request): the reply's bytes, or its fields without the status.
Answer = Callable[[int, dict[int, Any]], "bytes | dict[int, codec.Encodable]"]


class Puppet:
    """A token whose every answer is the test's. Frames and secure channel are real, the messages are made up."""

    report_size = wire.REPORT_FS
    unattended = True
    pairing = Pairing(serial=bytes(range(8)), psk_id=b"puppet!!", psk=bytes(32))

    def __init__(self, answer: Answer, info: bytes | None = None) -> None:
        self.answer = answer
        default = codec.encode(
            {
                0: wire.STATUS_OK,
                1: [wire.PROTOCOL_VERSION],
                2: "puppet",
                3: "0",
                4: self.pairing.serial,
                5: wire.TOKEN_READY,
                6: [wire.CAP_BACKUP],
                7: wire.MESSAGE_MAX,
                8: 7424,
            }
        )
        self.info = default if info is None else info
        self.requests: list[int] = []
        self._assembler = Assembler()
        self._session: Session | None = None
        self._out: list[bytes] = []

    def send(self, cid: bytes, cmd: int, payload: bytes) -> None:
        self._out += framing.split(cid, cmd, payload)

    def write(self, report: bytes) -> None:
        message = self._assembler.feed(report)
        if message is None:
            return
        cid, cmd, data = message
        if cmd == wire.CMD_INIT:
            self.send(cid, cmd, data + b"pupp" + bytes((wire.FRAME_VERSION, 0, 0, 0, 0)))
        elif cmd == wire.CMD_PLAIN:
            self.send(cid, cmd, self.info)
        elif cmd == wire.CMD_SESSION:
            session = Session(NativeSuite(), initiator=False)
            session.session(self.info, self.pairing.psk_id, self.pairing.psk)
            session.read_handshake(data[wire.PSK_ID_SIZE :])
            self.send(cid, cmd, session.write_handshake())
            self._session = session
        elif cmd == wire.CMD_RECORD and self._session is not None:
            request = codec.decode(self._session.open(data))
            assert isinstance(request, dict)
            op = request.pop(0)
            assert isinstance(op, int)
            self.requests.append(op)
            reply = self.answer(op, request)
            if not isinstance(reply, bytes):
                fields: dict[int, codec.Encodable] = {0: wire.STATUS_OK}
                fields.update(reply)
                reply = codec.encode(fields)
            self.send(cid, cmd, self._session.seal(reply))

    def read(self, timeout: float) -> bytes | None:
        return self._out.pop(0) if self._out else None

    def close(self) -> None:
        pass


def puppet_client(answer: Answer, **options: Any) -> TokenClient:
    """Connected to a puppet."""
    client = TokenClient(Puppet(answer), **options)
    kept = _OneKey()
    kept.keep(Puppet.pairing)
    client.connect(kept)
    return client


def bounded(reports: Sequence[bytes]) -> list[bytes]:
    """Reports of the size that the wire carries."""
    return [report[: wire.REPORT_FS].ljust(wire.REPORT_FS, b"\0") for report in reports]


def quick_argon2id(password: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
    """Argon2id with less memory. coldshare has no option for that, so a test puts this in place of the function."""
    return _argon2id(password, salt, memory_kib=8 * lanes, passes=1, lanes=lanes)
