"""Which vault and which party a person means by what they type."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from coldshare.errors import InputError
from coldshare.ledger.queries import Party, Vault, View

__all__ = [
    "PartyAmbiguousError",
    "PartyUnknownError",
    "UnknownVaultError",
    "VaultAmbiguousError",
    "choose",
    "folded",
    "meant",
    "party",
    "vault_argument",
    "vaults",
]

#: Digits of a vault's key that are enough.
_DIGITS_MIN: Final = 4
#: Names that a message lists.
_LISTED_MAX: Final = 12


class PartyUnknownError(InputError):
    """The ledger knows no party that is called so."""

    code: ClassVar[str] = "party_unknown"
    next_step = (
        "Type the name as coldshare list or coldshare status shows it. If it is a token or a stick that is lost: "
        "coldshare place lost PLACE. If this computer has not seen that vault yet: coldshare ledger rescan --at ADDR, "
        "with a place that has a share of it, or coldshare ledger import FILE"
    )


class PartyAmbiguousError(InputError):
    """More than one party is meant by that."""

    code: ClassVar[str] = "party_ambiguous"
    next_step = (
        "Type more of the name, or all of it. Of two that look the same, copy the one that you mean from: coldshare "
        "status --json"
    )


class UnknownVaultError(InputError):
    """The ledger knows no vault that is called so."""

    code: ClassVar[str] = "unknown_vault"
    next_step = "To see them all: coldshare status. If it is on a token or a stick: coldshare ledger rescan --at ADDR"


class VaultAmbiguousError(InputError):
    """More than one vault is called so."""

    code: ClassVar[str] = "vault_ambiguous"
    next_step = "Name it by the first digits of its public key: coldshare status --json shows them."


def folded(name: str) -> str:
    """`name` for the comparison with another one, where nothing is called exactly so.

    What people type is looked up so, and nothing is kept so: names stay as they came, byte for byte. A letter with its
    accent is one character or two, as one system or another writes it (NFC, NFD), and is compared as one. Case does not
    matter, and spaces at the ends neither.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def choose(vaults: Sequence[Vault], text: str) -> list[Vault]:
    """Those with that name, else with one that is the same when both are `folded`, else with a key (ECDSA, hexadecimal)
    that begins so. Names are given freely, so there can be several. Raises UnknownVaultError."""
    wanted = folded(text)
    digits = wanted if len(wanted) >= _DIGITS_MIN else None
    ways = (
        [one for one in vaults if one.name == text],
        [one for one in vaults if folded(one.name) == wanted],
        [one for one in vaults if digits is not None and one.vault.hex().startswith(digits)],
    )
    for found in ways:
        if found:
            return found
    names = ", ".join(repr(one.name) for one in vaults) or "none"
    raise UnknownVaultError(f"No vault is known as {text!r}. There is: {names}.")


def vaults(view: View, text: str | None) -> list[Vault]:
    """The one vault that is meant by `text`, all for None. Raises UnknownVaultError and VaultAmbiguousError."""
    known = view.vaults()
    if text is None:
        return known
    found = choose(known, text)
    if len(found) > 1:
        raise VaultAmbiguousError(f"{len(found)} vaults are known as {text!r}.")
    return found


def vault_argument(view: View, vault: Vault) -> str:
    """How a command names that vault and no other, quoted for a shell."""
    others = [one for one in view.vaults() if one.vault != vault.vault]
    name = vault.name
    plain = bool(name.strip()) and not name.startswith("-")
    if plain and not any(folded(one.name) == folded(name) for one in others):
        return shlex.quote(name)
    return vault.vault.hex()


def party(view: View, among: Sequence[Vault], text: str) -> list[tuple[Vault, Party]]:
    """The party called `text` in every one of these vaults that has it, at least one.

    The exact name counts first, then that of a device onto which a party was restored, then both when they are
    `folded`, then the beginning of a name. Raises PartyUnknownError and PartyAmbiguousError.
    """
    everyone = [(vault, one) for vault in among for one in view.parties(vault.vault)]
    wanted = folded(text)
    ways: tuple[Callable[[Party], bool], ...] = (
        lambda one: one.party == text,
        lambda one: one.device == text,
        lambda one: folded(one.party) == wanted,
        lambda one: bool(wanted) and folded(one.device or "") == wanted,
        lambda one: bool(wanted) and folded(one.party).startswith(wanted),
    )
    for way in ways:
        found = [(vault, one) for vault, one in everyone if way(one)]
        names = {one.party for _, one in found}
        if len(names) > 1:
            raise PartyAmbiguousError(f"{text!r} can be {_listed(_apart(sorted(names)))}.")
        if found:
            return found
    there = sorted({one.party for _, one in everyone})
    raise PartyUnknownError(f"No party is known as {text!r}. There are: {_listed(there)}.")


def meant(names: Iterable[str], text: str) -> list[str]:
    """Those of the names that are called exactly so, else the same when both are `folded`, else that begin so."""
    every, wanted = list(dict.fromkeys(names)), folded(text)
    ways = (
        [one for one in every if one == text],
        [one for one in every if folded(one) == wanted],
        [one for one in every if wanted and folded(one).startswith(wanted)],
    )
    return next((found for found in ways if found), [])


def _apart(names: Sequence[str]) -> list[str]:
    """Names that look the same are spelled out: `'Andr\\xe9'`, `'Andre\\u0301'`."""
    forms = [unicodedata.normalize("NFC", name) for name in names]
    return [ascii(name) if forms.count(form) > 1 else name for name, form in zip(names, forms, strict=True)]


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _LISTED_MAX
    return (", ".join(every[:_LISTED_MAX]) + (f" and {more} more" if more > 0 else "")) or "none"
