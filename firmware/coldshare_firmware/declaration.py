"""What a host says about a share it hands over. The token shows it, keeps it, and decides by it. Portable subset.

The sealed share is opaque here, so a declaration can lie. It cannot lie unnoticed: its SHA-256 is in the seal's
authenticated header, and `verify` and `restore` compare.
"""

from coldshare_firmware import cbor
from coldshare_iface import wire
from coldshare_iface.text import unshowable

# Fields (`protocol.cddl`: declaration)
D_VAULT = 1
D_NAME = 2
D_PARTY = 3
D_GENERATION = 4
D_THRESHOLD = 5
D_PARTIES = 6
D_LIBRARY = 7
D_NONCE = 8
_PARTIES_MAX = 64


class Declaration:
    """A parsed declaration; ValueError for anything the contract does not allow."""

    def __init__(self, data: bytes) -> None:
        if len(data) > wire.DECLARATION_MAX:
            raise ValueError("declaration too long")
        try:
            fields = cbor.decode(data)
        except cbor.CborError:
            raise ValueError("declaration is not CBOR of the profile")
        if not isinstance(fields, dict) or sorted(fields) != [1, 2, 3, 4, 5, 6, 7, 8]:
            raise ValueError("declaration with missing or unknown fields")
        self.vault = _bytes(fields[D_VAULT], 1, wire.VAULT_ID_MAX)
        self.name = _text(fields[D_NAME], 0, wire.NAME_MAX)
        self.party = _text(fields[D_PARTY], 1, wire.NAME_MAX)
        self.generation = _bytes(fields[D_GENERATION], wire.GENERATION_SIZE, wire.GENERATION_SIZE)
        self.parties = _uint(fields[D_PARTIES], 1, _PARTIES_MAX)
        self.threshold = _uint(fields[D_THRESHOLD], 1, self.parties)
        self.library = _uint(fields[D_LIBRARY], 1, 255)
        _bytes(fields[D_NONCE], wire.DECLARATION_NONCE, wire.DECLARATION_NONCE)
        self.data = data


def _bytes(value: object, low: int, high: int) -> bytes:
    if not isinstance(value, bytes) or not low <= len(value) <= high:
        raise ValueError("a byte string of the wrong size")
    return value


def _uint(value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or value is True or value is False or not low <= value <= high:
        raise ValueError("a number out of range")
    return value


def _text(value: object, low: int, high: int) -> str:
    """Text that is safe to show: no control characters, nothing that turns the direction of writing."""
    if not isinstance(value, str) or not low <= len(value.encode()) <= high:
        raise ValueError("a text of the wrong size")
    for char in value:
        if unshowable(ord(char)):
            raise ValueError("a text with characters that cannot be shown")
    return value
