"""Which vaults and which party a person means by what they type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from coldshare.errors import InputError
from coldshare.ledger.queries import Party, Vault, View

__all__ = ["PartyAmbiguousError", "PartyUnknownError", "VaultAmbiguousError", "VaultUnknownError", "party", "vaults"]

#: Digits of a vault's key that are enough, when no other one begins so.
_DIGITS_MIN: Final = 4
#: Names that a message lists.
_LISTED_MAX: Final = 12


class PartyUnknownError(InputError):
    """The ledger knows no party that is called so."""

    code: ClassVar[str] = "party_unknown"
    next_step = (
        "Type the name as coldshare list or coldshare status shows it. If this computer has not seen that vault yet: "
        "coldshare ledger rescan --at ADDR, with a place that has a share of it, or coldshare ledger import FILE"
    )


class PartyAmbiguousError(InputError):
    """More than one party is meant by that."""

    code: ClassVar[str] = "party_ambiguous"
    next_step = "Type more of the name, or all of it."


class VaultUnknownError(InputError):
    """The ledger knows no vault that is called so."""

    code: ClassVar[str] = "vault_unknown"
    next_step = "Type its name, or the first digits of its public key. coldshare status shows them all."


class VaultAmbiguousError(InputError):
    """More than one vault is called so."""

    code: ClassVar[str] = "vault_ambiguous"
    next_step = "Name it by the first digits of its public key: coldshare status --json shows them."


def vaults(view: View, text: str | None) -> list[Vault]:
    """The vault called `text`, or whose ECDSA key begins with it in hexadecimal; all for None.

    Raises VaultUnknownError and VaultAmbiguousError.
    """
    known = view.vaults()
    if text is None:
        return known
    digits = text.lower()
    ways: tuple[Callable[[Vault], bool], ...] = (
        lambda one: one.name == text,
        lambda one: one.name.casefold() == text.casefold(),
        lambda one: len(digits) >= _DIGITS_MIN and one.vault.hex().startswith(digits),
    )
    for way in ways:
        found = [one for one in known if way(one)]
        if len(found) > 1:
            raise VaultAmbiguousError(f"{len(found)} vaults are known as {text!r}.")
        if found:
            return found
    raise VaultUnknownError(f"No vault is known as {text!r}. There are: {_listed(one.name for one in known)}.")


def party(view: View, among: Sequence[Vault], text: str) -> list[tuple[Vault, Party]]:
    """The party called `text` in every one of these vaults that has it, at least one.

    The exact name counts first, then that of a device onto which a party was restored, then the beginning of a name,
    whatever its case. Raises PartyUnknownError and PartyAmbiguousError.
    """
    everyone = [(vault, one) for vault in among for one in view.parties(vault.vault)]
    wanted = text.casefold()
    ways: tuple[Callable[[Party], bool], ...] = (
        lambda one: one.party == text,
        lambda one: one.device == text,
        lambda one: one.party.casefold() == wanted,
        lambda one: bool(wanted) and one.party.casefold().startswith(wanted),
    )
    for way in ways:
        found = [(vault, one) for vault, one in everyone if way(one)]
        names = {one.party for _, one in found}
        if len(names) > 1:
            raise PartyAmbiguousError(f"{text!r} can be {_listed(sorted(names))}.")
        if found:
            return found
    there = sorted({one.party for _, one in everyone})
    raise PartyUnknownError(f"No party is known as {text!r}. There are: {_listed(there)}.")


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _LISTED_MAX
    return (", ".join(every[:_LISTED_MAX]) + (f" and {more} more" if more > 0 else "")) or "none"
