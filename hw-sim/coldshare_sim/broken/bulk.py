"""Bulk, and what the two carriers have to do with each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coldshare_firmware.channels import is_bulk
from coldshare_firmware.keys import F_SERIAL
from coldshare_iface import wire
from coldshare_sim.broken.making import around, flaw

_HEADER = 7
_PING = wire.CMD_PING | 0x80


@flaw("bulk-first-bit")
def _first_bit(token: Any) -> None:
    """The first bit of a channel id is 1 on HID and 0 on bulk."""

    def turned(data: bytes) -> bytes:
        return data if data[:4] == wire.CID_BROADCAST else bytes((data[0] ^ 0x80,)) + data[1:]

    def feed(original: Any, data: bytes) -> Any:
        return original(turned(bytes(data)) if len(data) >= _HEADER else data)

    def fetch(original: Any, *bulk: bool) -> bytes | None:
        said = original(*bulk)
        if said is None:
            return None
        if said[4] == wire.CMD_INIT | 0x80:
            at = _HEADER + wire.INIT_NONCE
            said = said[:at] + turned(said[at:])
        return turned(said)

    around(token._port, "feed", feed)
    around(token._port, "feed_bulk", feed)
    around(token._port, "fetch", fetch)


def _frames_in(token: Any, change: Callable[[bytes], bytes]) -> None:
    """What comes on bulk is taken for something else."""
    around(token._port, "feed_bulk", lambda original, frame: original(change(bytes(frame))))


def _frames_out(token: Any, change: Callable[[bytes], bytes]) -> None:
    """What is said on bulk is something else."""

    def fetch(original: Any, bulk: bool = False) -> bytes | None:
        said: bytes | None = original(bulk)
        return change(said) if bulk and said is not None else said

    around(token._port, "fetch", fetch)


@flaw("bulk-longest")
def _longest(token: Any) -> None:
    """It sends a message in two frames that is a byte shorter than the longest."""
    left: list[bytes] = []

    def fetch(original: Any, bulk: bool = False) -> bytes | None:
        if bulk and left:
            return left.pop()
        said: bytes | None = original(bulk)
        if not bulk or said is None or len(said) != wire.BULK_FRAME_MAX - 1:
            return said
        left.append(said[:4] + b"\0" + said[4096:])
        return said[:4096]

    around(token._port, "fetch", fetch)


@flaw("bulk-unfilled")
def _unfilled(token: Any) -> None:
    """It fills up frames that are shorter than a packet, where its message is some tens of bytes."""
    _frames_out(token, lambda said: said.ljust(64, b"\0") if said[4] == _PING and 30 < len(said) < 60 else said)


@flaw("bulk-packets")
def _packets(token: Any) -> None:
    """It waits for more after a frame of a multiple of 512 bytes, and never gets it."""

    def feed(original: Any, frame: bytes) -> Any:
        return original(frame) if len(frame) % 512 or frame[4] != _PING else None

    around(token._port, "feed_bulk", feed)


@flaw("bulk-short")
def _short(token: Any) -> None:
    """It takes what has come of a frame that is too short."""

    def change(frame: bytes) -> bytes:
        size = len(frame) - _HEADER
        return frame[:5] + size.to_bytes(2, "big") + frame[_HEADER:] if 0 <= size < _size(frame) else frame

    _frames_in(token, change)


@flaw("bulk-long")
def _long(token: Any) -> None:
    """It ignores what comes behind a frame's message."""
    _frames_in(token, lambda frame: frame[: _HEADER + _size(frame)] if len(frame) >= _HEADER else frame)


def _size(frame: bytes) -> int:
    return int.from_bytes(frame[5:7], "big")


@flaw("bulk-too-long")
def _too_long(token: Any) -> None:
    """It says nothing about a frame that is too long."""

    def feed(original: Any, frame: bytes) -> Any:
        return None if len(frame) > wire.BULK_FRAME_MAX else original(frame)

    around(token._port, "feed_bulk", feed)


@flaw("bulk-two")
def _two(token: Any) -> None:
    """A frame that comes makes it forget a PING's answer that was not fetched."""

    def feed(original: Any, frame: bytes) -> Any:
        port = token._port
        for cid in [entry[0] for entry in port._out if entry[1] == wire.CMD_PING and entry[4]]:
            port.forget(cid)
        return original(frame)

    around(token._port, "feed_bulk", feed)


@flaw("bulk-same")
def _same(token: Any) -> None:
    """It has another serial for whoever asks over the carrier that was not used first."""
    first: list[bool] = []

    def plain(original: Any, cid: bytes, data: bytes) -> None:
        first.append(is_bulk(cid))
        original(cid, data)
        entry = token._port._out[-1]
        if is_bulk(cid) != first[0]:
            serial = token._keys.record[F_SERIAL]
            entry[2] = bytes(entry[2]).replace(serial, bytes(len(serial)))

    around(token, "_plain", plain)


@flaw("bulk-answers")
def _answers(token: Any) -> None:
    """It answers a PING on both carriers."""

    def send(original: Any, cid: bytes, cmd: int, payload: bytes) -> None:
        original(cid, cmd, payload)
        if cmd == wire.CMD_PING:
            original(bytes((cid[0] ^ 0x80,)) + cid[1:], cmd, payload)

    around(token._port, "send", send)


@flaw("bulk-refused")
def _refused(token: Any) -> None:
    """It takes any channel on either carrier."""
    channels = token._port._channels
    around(channels, "known", lambda original, cid, bulk: original(cid, is_bulk(cid)))


@flaw("bulk-half")
def _half(token: Any) -> None:
    """It takes a frame in the middle of a message on HID, which is lost then."""

    def feed(original: Any, frame: bytes) -> Any:
        token._port._assembler.reset()
        return original(frame)

    around(token._port, "feed_bulk", feed)


@flaw("bulk-question")
def _question(token: Any) -> None:
    """It answers info on the other carrier while a question waits."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        if token._job is not None and cmd == wire.CMD_PLAIN and is_bulk(cid) != is_bulk(token._job_cid):
            token._plain(cid, data)
        else:
            original(cid, cmd, data)

    around(token, "_message", message)
