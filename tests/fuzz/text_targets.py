"""Text that people type, and the files in which coldshare keeps what it knows."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from coldshare.device.address import _OPTIONS, Address
from coldshare.device.errors import AddressError, NoAddressError
from coldshare.device.pairings import PairingsError, PairingStore
from coldshare.errors import SecretError
from coldshare.export_index import ExportIndex, ExportIndexError
from coldshare.recovery import ALPHABET, RecoveryCode, parse_file
from coldshare_iface import wire
from coldshare_iface.text import unshowable
from fuzz.script import Script


def _typed(data: bytes) -> str:
    """As Python reads what a terminal or a file gives it."""
    return data.decode("utf-8", "surrogateescape")


def recovery(data: bytes) -> None:
    """A recovery code is the one that was written down, or is refused without being quoted."""
    script = Script(data)
    code = RecoveryCode(script.take(20).ljust(20, b"c"))
    match script.number() % 4:
        case 0:
            typed = _typed(script.rest())
        case 1:
            typed = _typed(script.edit(code.text.encode()))
        case 2:
            typed = _typed(script.edit(code.file_text(bytes(range(16))).encode()))
        case _:
            # One symbol another, two neighbours swapped: what the checksum is for.
            symbols = list("".join(code.groups))
            for _ in range(script.number() % 4):
                at = script.number() % 36
                symbols[at] = script.pick(ALPHABET)
            at = script.number() % 72
            if at < 35:
                symbols[at], symbols[at + 1] = symbols[at + 1], symbols[at]
            typed = "".join(symbols)
            wrong = sum(a != b for a, b in zip(typed, "".join(code.groups), strict=True))
            assert _parsed(RecoveryCode.parse, typed) == (code if not wrong else None) or wrong > 3
            return
    for read in (RecoveryCode.parse, lambda text: parse_file(text).code):
        parsed = _parsed(read, typed)
        if parsed is not None:
            assert RecoveryCode.parse(parsed.text) == parsed
            assert RecoveryCode.parse("\n".join(parsed.rows).lower()) == parsed
            assert len(parsed.factor()) == 32


def _parsed(read: Callable[[str], RecoveryCode], typed: str) -> RecoveryCode | None:
    try:
        return read(typed)
    except SecretError as error:
        assert error.code.startswith("recovery_code")
        assert error.next_step
        assert all(1 <= group <= max(9, len(typed)) for group in error.groups)  # type: ignore[attr-defined]
        said = error.message + error.next_step
        assert said.isprintable()
        # Nothing typed is quoted.
        assert not [word for word in typed.split() if len(word) > 12 and word in said]
        return None


def address(data: bytes) -> None:
    """An address is read into parts that give it back, or refused in a sentence that a terminal can show."""
    script = Script(data)
    scheme = script.pick(("", *_OPTIONS))
    text = _typed(script.rest())
    text = f"{scheme}:{text}" if scheme else text
    try:
        parsed = Address.parse(text)
    except (AddressError, NoAddressError) as error:
        assert error.next_step
        assert error.message.isprintable()
        assert len(error.message) < 200 + 12 * len(text)
        return
    if parsed.scheme == "folder":  # a path is encoded where no terminal would show it
        assert not any(unshowable(ord(char)) for char in str(parsed))
    else:
        assert text.partition("?")[0] == str(parsed)
    assert parsed.where
    assert parsed.options.keys() <= _OPTIONS[parsed.scheme].keys()
    assert Address.parse(str(parsed)).where == parsed.where


class _File:
    """A file that is in memory only: a disk would be what takes the time, and what is waited for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self, mode: str) -> IO[bytes]:
        assert mode == "rb"
        in_memory = hasattr(os, "memfd_create")
        file = os.fdopen(os.memfd_create("fuzz"), "w+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
        file.write(self._data)
        file.seek(0)
        return file

    def __str__(self) -> str:
        return "a file"


def pairings(data: bytes) -> None:
    """A store of pairing keys is read whole, with nothing in it that a later command stumbles over, or refused."""
    store = PairingStore(_File(data))  # type: ignore[arg-type]
    try:
        kept = store.all()
    except PairingsError as error:
        assert error.message.isprintable()
        return
    # What is passed over here would be lost with the next change.
    assert len(kept) == len(json.loads(data)["pairings"])
    for pairing in kept:
        assert (len(pairing.serial), len(pairing.psk_id), len(pairing.psk)) == (
            wire.SERIAL_SIZE,
            wire.PSK_ID_SIZE,
            wire.PSK_SIZE,
        )
        assert not any(unshowable(ord(character)) for character in pairing.label)
        assert len(pairing.label.encode()) <= wire.LABEL_MAX


def exports(data: bytes) -> None:
    """An index of exports is read whole or refused, and can be asked and told about any backup."""
    index = ExportIndex(_File(data))  # type: ignore[arg-type]
    path = Path("a.sealed")
    try:
        files = index.files(bytes(range(16)))
        neighbours = index.check(bytes(16), b"vault", "party", [(path, bytes(range(16))), (path, None)])
    except ExportIndexError as error:
        assert error.message.isprintable()
        return
    assert all(isinstance(file, Path) for file in (*files, *neighbours.elsewhere))
    assert len(index._load().backups) == len(json.loads(data)["backups"])
