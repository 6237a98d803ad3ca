"""Which vaults of a ledger a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from coldshare.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.ledger.queries import Vault

__all__ = ["UnknownVaultError", "choose"]

#: Digits of a key that are enough.
_DIGITS_MIN: Final = 4


class UnknownVaultError(InputError):
    """The ledger knows no vault that is called so."""

    code: ClassVar[str] = "unknown_vault"
    next_step = "To see them all: coldshare status. If it is on a token or a stick: coldshare ledger rescan --at ADDR"


def choose(vaults: Sequence[Vault], text: str) -> list[Vault]:
    """Those with that name, else with a name that differs in case only, else with a key (ECDSA, hexadecimal) that
    begins so. Names are given freely, so there can be several. Raises UnknownVaultError."""
    folded = text.strip().casefold()
    digits = folded if len(folded) >= _DIGITS_MIN else None
    ways = (
        [one for one in vaults if one.name == text],
        [one for one in vaults if one.name.strip().casefold() == folded],
        [one for one in vaults if digits is not None and one.vault.hex().startswith(digits)],
    )
    for found in ways:
        if found:
            return found
    names = ", ".join(repr(one.name) for one in vaults) or "none"
    raise UnknownVaultError(f"No vault is known as {text!r}. There is: {names}.")
