"""Somebody between the host and the token: he holds the cable, and the real ones are at its two ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coldshare_iface import framing, session, wire
from coldshare_iface.framing import Assembler
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import XX_2, Session
from coldshare_sim.token import SoftToken
from support.client import Host, Map, as_map

_CHANNEL = b"wire"


class Wire:
    """A transport that hands every message on and keeps a copy. What he does beyond that is for a subclass to say.

    `sent` and `answered` are what the host said and what it was told: (command, message).
    """

    report_size = wire.REPORT_FS
    unattended = False

    def __init__(self, token: SoftToken) -> None:
        self.token = token
        #: His own way to the token.
        self.far = Host(token, "desk").hello()
        self.sent: list[tuple[int, bytes]] = []
        self.answered: list[tuple[int, bytes]] = []
        self._assembler = Assembler(self.report_size)
        self._out: list[bytes] = []

    def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
        """What the host is answered."""
        self.far.write(cmd, data)
        return self.far.read()

    @property
    def records(self) -> int:
        """How many encrypted requests the host has let out."""
        return sum(cmd == wire.CMD_RECORD for cmd, _ in self.sent)

    @property
    def heard(self) -> bytes:
        """Everything that went through his hands."""
        return b"".join(data for _, data in self.sent + self.answered)

    # --- the host's end of the cable
    def write(self, report: bytes) -> None:
        message = self._assembler.feed(report)
        if message is None:
            return
        cid, cmd, data = message
        if cmd == wire.CMD_INIT:
            if cid != wire.CID_BROADCAST:
                self.far.call(wire.CMD_INIT, bytes(wire.INIT_NONCE))
            self._send(cid, cmd, data + _CHANNEL + bytes((wire.FRAME_VERSION, 0, 0, 0, 0)))
            return
        self.sent.append((cmd, data))
        answer = self.pass_on(cmd, data)
        self.answered.append(answer)
        self._send(cid, *answer)

    def _send(self, cid: bytes, cmd: int, data: bytes) -> None:
        self._out += framing.split(cid, cmd, data, self.report_size)

    def read(self, timeout: float) -> bytes | None:
        return self._out.pop(0) if self._out else None

    def close(self) -> None:
        pass


class Middle(Wire):
    """To each side he is the other one: two handshakes with keys of his own, and every message read in between."""

    def __init__(self, token: SoftToken) -> None:
        super().__init__(token)
        self.near: Session | None = None
        #: The pairing key, once he has it.
        self.psk_id, self.psk = b"", b""
        #: Requests as he reads them.
        self.requests: list[Map] = []

    def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
        if cmd == wire.CMD_PAIR:
            return cmd, self._pair(data)
        if cmd == wire.CMD_SESSION and self.psk:
            return cmd, self._session(data)
        if cmd == wire.CMD_RECORD and self.near is not None:
            return cmd, self._record(self.near, data)
        return super().pass_on(cmd, data)

    def _pair(self, data: bytes) -> bytes:
        if self.near is not None and self.near.state == XX_2:
            self.near.read_handshake(data)
            return b""
        self.far.handshake()
        self.near = Session(NativeSuite(), initiator=False)
        self.near.pairing(self.far.info, NativeSuite().generate())
        self.near.read_handshake(data)
        return self.near.write_handshake()

    def _session(self, data: bytes) -> bytes:
        self.far.open(psk_id=self.psk_id, psk=self.psk)
        self.near = Session(NativeSuite(), initiator=False)
        self.near.session(self.far.info, self.psk_id, self.psk)
        self.near.read_handshake(data[wire.PSK_ID_SIZE :])
        return self.near.write_handshake()

    def _record(self, near: Session, data: bytes) -> bytes:
        plaintext = near.open(data)
        self.requests.append(as_map(plaintext))
        return near.seal(self.answer(plaintext))

    def answer(self, plaintext: bytes) -> bytes:
        """What the host's request gets: the token's own answer, read on the way."""
        far = self.far.session
        assert far is not None
        reply = far.open(self.far.call(wire.CMD_RECORD, far.seal(plaintext)))
        fields = as_map(reply)
        if as_map(plaintext)[0] == wire.OP_PAIR_ACCEPT and fields[0] == wire.STATUS_OK:
            self.psk_id, self.psk = fields[1], fields[2]
        return reply


def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides send their records in the clear and check nothing about them; everything else is as it was."""

    def seal(self: Session, parts: list[bytes], room: Callable[[int], Any]) -> Any:
        self._step(session._RECORDS[self.state])
        record = room(sum(len(part) for part in parts))
        record[:] = b"".join(parts)
        return record

    def open_(self: Session, record: bytearray | memoryview) -> memoryview:
        self._step(session._RECORDS[self.state])
        return memoryview(record)

    monkeypatch.setattr(Session, "seal_parts", seal)
    monkeypatch.setattr(Session, "open_in_place", open_)
