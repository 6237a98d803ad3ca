"""What is peculiar to a family of vaults: who reshares it, what that leaves behind, and what to do in which app.

One class per family. The rest of `coldshare.reshare` knows of a family what `Family` says, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from coldshare.reshare.errors import ReshareRefusedError
from coldshare.vault.facts import is_server_id
from coldshare_iface import wire

__all__ = ["FAMILIES", "Committee", "Concern", "Family", "family_of"]

#: "refuse": no reshare with that. "accept": only when a person says that it is known, by its code. "note": only said.
Weight: TypeAlias = Literal["refuse", "accept", "note"]


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to know before a reshare. `code` is stable."""

    code: str
    weight: Weight
    words: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Committee:
    """Who takes part. `old` are all parties before, `staying` those of them that take part, `joining` the new ones by
    their ids or, where those are not known yet, by what people call the devices; `new` counts all that join.

    `keys` and `chains` name what the vault has besides its two keys, as `ledger.queries.View.extras` does.
    """

    name: str
    old: tuple[str, ...]
    old_threshold: int
    staying: tuple[str, ...]
    joining: tuple[str, ...]
    new: int
    keys: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()

    @property
    def parties(self) -> int:
        return len(self.staying) + self.new


class Family(Protocol):
    """The parts of a reshare that differ from family to family."""

    def threshold(self, parties: int) -> int:
        """How many of so many parties can sign after a reshare."""
        ...

    def concerns(self, committee: Committee) -> list[Concern]:
        """What speaks against it, or has to be known."""
        ...

    def steps(self, committee: Committee) -> list[str]:
        """What people do in the app, in order."""
        ...


def vultisig_threshold(parties: int) -> int:
    """Two thirds, rounded up: the vendor's apps make no other. Source: the vendor's SDK, `getKeygenThreshold`."""
    return -(-2 * parties // 3)


class VultisigDkls:
    """Vultisig's vaults of the DKLS library. The apps reshare the ECDSA and the EdDSA key, and nothing else."""

    def threshold(self, parties: int) -> int:
        return vultisig_threshold(parties)

    def concerns(self, committee: Committee) -> list[Concern]:
        found = []
        if committee.keys:
            listed = ", ".join(committee.keys)
            weight: Weight = "accept" if committee.new else "note"
            words = f"A reshare leaves these keys of the vault as they are: {listed}."
            if committee.new:
                words += (
                    f" A device that joins has no share of them, so with fewer old devices they may be lost: {listed}."
                )
            found.append(Concern("other_keys", weight, words, "Move what these keys hold before you reshare."))
        found += _server(committee)
        return found

    def steps(self, committee: Committee) -> list[str]:
        return _app_steps(committee)


class VultisigKeyImport(VultisigDkls):
    """Vaults made from an imported seed: one more share for each chain with a key of its own."""

    def concerns(self, committee: Committee) -> list[Concern]:
        chains = ", ".join(committee.chains) or "its chains"
        words = f"This vault was made from an imported seed. A reshare leaves the shares of {chains} as they are."
        weight: Weight = "note"
        if committee.new:
            weight = "accept"
            words += (
                " A device that joins has none of them: what is on these chains then depends on the old devices alone."
            )
        concern = Concern("chain_keys", weight, words, "Move what is on these chains to a vault of another kind first.")
        return [concern, *super().concerns(committee)]


class VultisigGg20:
    """Vultisig's older vaults. Their library is no longer used for a reshare: the app moves them to DKLS first."""

    def threshold(self, parties: int) -> int:
        return vultisig_threshold(parties)

    def concerns(self, committee: Committee) -> list[Concern]:
        return [
            Concern(
                "gg20",
                "refuse",
                "This vault is of the older library, GG20. It is migrated to DKLS in the app before it is reshared.",
                "Migrate it in the app, with all its devices. Then back up every device's new share, with coldshare "
                "backup FILE --newer, and begin again.",
            )
        ]

    def steps(self, committee: Committee) -> list[str]:
        return []


def _server(committee: Committee) -> Sequence[Concern]:
    if not any(is_server_id(party) for party in (*committee.old, *committee.staying, *committee.joining)):
        return []
    words = (
        "The vendor's server is a party of this fast vault. The app reshares with it by itself, and asks for the "
        "vault's password. The server writes no report, so its part is not checked here."
    )
    return [Concern("server", "note", words)]


def _app_steps(committee: Committee) -> list[str]:
    first, *others = _devices(committee.staying) or committee.staying
    joining = list(committee.joining) + [
        f"new device {number}" for number in range(len(committee.joining) + 1, committee.new + 1)
    ]
    joining = _devices(joining)
    devices = [first, *others, *joining]
    by_itself = " The vendor's server takes part by itself." if len(devices) < committee.parties else ""
    steps = [f"On {first}: open the vault {committee.name!r}, its settings, Reshare. The app shows a QR code."]
    steps += [f"On {party}: join with the same vault, by scanning that code." for party in others]
    steps += [f"On {party}: a new device. Install the app, choose to join, and scan that code." for party in joining]
    steps += [
        f"On {first}: begin when all {len(devices)} devices are listed and no other: {', '.join(devices)}."
        f"{by_itself} Keep all apps open until every one says that it is done.",
        "On every device: export the vault again, with the password of its own that the app asks for. It is a new "
        "file: the old one is stale now.",
        "On every device: send a small amount, or sign a test message, before anything old is destroyed.",
    ]
    return steps


def _devices(parties: Sequence[str]) -> list[str]:
    """All but the vendor's server, on which nobody opens an app."""
    return [party for party in parties if not is_server_id(party)]


#: By the number of the library, as in a declaration.
FAMILIES: Final[dict[int, Family]] = {
    wire.LIBRARY_DKLS: VultisigDkls(),
    wire.LIBRARY_KEYIMPORT: VultisigKeyImport(),
    wire.LIBRARY_GG20: VultisigGg20(),
}


def family_of(library: int) -> Family:
    """Raises ReshareRefusedError for a library that coldshare does not know."""
    try:
        return FAMILIES[library]
    except KeyError:
        raise ReshareRefusedError(
            f"This vault is of a kind that coldshare does not know (library {library}).",
            next_step="Update coldshare; until then reshare it without: the token asks at backup FILE --newer.",
        ) from None
