"""What is said in the clear, and CBOR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coldshare_firmware import cbor
from coldshare_firmware.keys import F_SERIAL
from coldshare_iface import wire
from coldshare_sim.broken.making import FLAWS, Flaw, around, flaw, with_words


def _info(token: Any, change: Callable[[dict[int, Any]], None]) -> None:
    fields: Any = cbor.decode(token.info())
    change(fields)
    # It stays as true as it was about everything else.
    token.info = lambda: cbor.encode(dict(sorted((fields | {5: token._keys.state, 4: _serial(token)}).items())))


def _serial(token: Any) -> Any:
    return token._keys.record[F_SERIAL]


@flaw("clear-info")
def _versions(token: Any) -> None:
    """Its info names a version that nobody has."""
    _info(token, lambda fields: fields.update({1: [7]}))


@flaw("clear-capabilities")
def _capabilities(token: Any) -> None:
    """Its info leaves out that it keeps an audit ring."""
    _info(token, lambda fields: fields[6].remove(wire.CAP_AUDIT))


@flaw("clear-nothing-else")
def _nothing_else(token: Any) -> None:
    """It lists its backups in the clear."""

    def plain(original: Any, cid: bytes, data: bytes) -> None:
        if data == cbor.encode({0: wire.OP_LIST, 1: 0}):
            token._port.send(cid, wire.CMD_PLAIN, cbor.encode({0: 0, 1: [], 2: 0}))
        else:
            original(cid, data)

    around(token, "_plain", plain)


def _lenient(data: bytes) -> bytes:
    """The same value, encoded as it should have been; cbor2 is not strict."""
    import cbor2

    value = cbor2.loads(data)
    fields = {key: item for key, item in value.items() if isinstance(key, int) and key >= 0}
    return cbor.encode(dict.fromkeys(sorted(fields), 0) | {0: fields[0]})


_REASONS = {
    "trailing": "bytes after the value",
    "not_minimal": "numbers that could be shorter",
    "indefinite": "indefinite lengths",
    "key_order": "keys out of order",
    "duplicate_key": "keys that come twice",
    "key_type": "keys that are no unsigned integers",
    "tag": "tags",
    "float": "floating-point numbers",
    "simple": "any simple value",
    "depth": "values nested too deeply",
    "items": "arrays that are too long",
}


def _cbor(reason: str) -> Flaw:
    def flaw(token: Any) -> None:
        def plain(original: Any, cid: bytes, data: bytes) -> None:
            try:
                cbor.decode(data)
            except cbor.CborError as error:
                if error.args[0] == reason:
                    data = _lenient(data)
            original(cid, data)

        around(token, "_plain", plain)

    return with_words(flaw, f"It takes CBOR with {_REASONS[reason]}.")


for _reason in _REASONS:
    FLAWS["cbor-" + _reason.replace("_", "-")] = _cbor(_reason)
