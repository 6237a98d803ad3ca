"""Taking a vault file apart, changing one thing, and putting it together again. Uses only the standard library and
the generated messages, so that a fault in the reader cannot hide here."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from coldshare.vault import Part
from coldshare.vault.vault_pb2 import Vault, VaultContainer


@dataclass
class Opened:
    """A vault file in pieces, all of them open to change."""

    container: VaultContainer
    vault: Vault
    ecdsa: bytearray
    eddsa: bytearray


def open_vult(vult: bytes) -> Opened:
    container = VaultContainer.FromString(base64.b64decode(vult))
    vault = Vault.FromString(base64.b64decode(container.vault))
    ecdsa, eddsa = (bytearray(base64.b64decode(share.keyshare)) for share in vault.key_shares)
    return Opened(container, vault, ecdsa, eddsa)


def close_vult(opened: Opened) -> bytes:
    """Puts the raw shares back, as far as the vault still has a place for them."""
    for share, raw in zip(opened.vault.key_shares, (opened.ecdsa, opened.eddsa), strict=False):
        share.keyshare = base64.b64encode(raw).decode()
    return pack(opened.vault.SerializeToString(), opened.container)


def pack(vault: bytes, container: VaultContainer | None = None) -> bytes:
    """A vault file around the bytes of a vault, whatever they are."""
    container = container or VaultContainer(version=1)
    container.vault = base64.b64encode(vault).decode()
    return base64.b64encode(container.SerializeToString())


def edit(vult: bytes, change: Callable[[Opened], object]) -> bytes:
    opened = open_vult(vult)
    change(opened)
    return close_vult(opened)


def rebuild(parts: list[Part]) -> bytes:
    """What `split` promises, as short as it can be said."""
    return b"".join(part if isinstance(part, bytes) else base64.b64encode(rebuild(part)) for part in parts)
