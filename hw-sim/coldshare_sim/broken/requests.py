"""Requests, after the channel and before they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coldshare_firmware import cbor
from coldshare_iface import wire
from coldshare_sim.broken.making import around, flaw


def _requests(token: Any, change: Callable[[dict[int, Any]], None]) -> None:
    def new_session(original: Any, cid: bytes) -> Any:
        current = original(cid)

        def opened(original: Any, record: bytearray) -> bytes:
            plaintext = bytes(original(record))
            try:
                fields: Any = cbor.decode(plaintext)
            except cbor.CborError:
                return plaintext
            if isinstance(fields, dict) and isinstance(fields.get(0), int):
                change(fields)
            return cbor.encode(fields)

        around(current, "open_in_place", opened)
        return current

    around(token, "_new_session", new_session)


@flaw("requests-true")
def _true(token: Any) -> None:
    """It takes true for 1 where an entry's number is asked for."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == wire.OP_AUDIT and fields.get(1) is True:
            fields[1] = 1

    _requests(token, change)


@flaw("requests-extra-field")
def _extra_field(token: Any) -> None:
    """It ignores a field that `pairings` does not have."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_PAIRINGS, 1: 0}:
            del fields[1]

    _requests(token, change)


@flaw("requests-missing-field")
def _missing_field(token: Any) -> None:
    """It lists from the start when nobody says from where."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_LIST}:
            fields[1] = 0

    _requests(token, change)


@flaw("requests-type")
def _type(token: Any) -> None:
    """It takes a text for a number."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_LIST, 1: "0"}:
            fields[1] = 0

    _requests(token, change)


@flaw("requests-size")
def _size(token: Any) -> None:
    """It takes the first 16 bytes of a longer backup id."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == wire.OP_REMOVE and isinstance(fields.get(1), bytes) and len(fields[1]) == 17:
            fields[1] = fields[1][:16]

    _requests(token, change)


@flaw("requests-unshowable")
def _unshowable(token: Any) -> None:
    """It shows texts that turn the direction of writing."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == wire.OP_LABEL and isinstance(fields.get(1), str):
            fields[1] = fields[1].replace("turn\u202eed", "turned")

    _requests(token, change)


@flaw("requests-unknown")
def _unknown(token: Any) -> None:
    """It takes op 200 for `pairings`."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == 200:
            fields[0] = wire.OP_PAIRINGS

    _requests(token, change)


@flaw("requests-order")
def _order(token: Any) -> None:
    """It says that it knows no wipe in a session before it has looked at the fields."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_WIPE, 1: 0}:
            del fields[1]

    _requests(token, change)
