"""Rule 1 over places: what should be apart and is together, by what the ledger knows and people have said.

One place never holds shares of two parties of one vault. And nobody and nothing should reach those of `t` parties: not
one location, custodian, account or computer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import PlaceInfo, View
from coldshare.safety.carriers import Copy, copies

__all__ = ["By", "Together", "together"]

By: TypeAlias = Literal["place", "location", "custodian", "account", "computer"]
_SAID: Final[tuple[By, ...]] = ("location", "custodian", "account")


@dataclass(frozen=True, slots=True)
class Together:
    """Shares of `parties`, enough to sign or of two parties in one place, are reached by one thing.

    `what` is the place's title, the location, custodian or account, or the computer's name; `generation` is that of
    the shares, None for a place, where it does not matter. `places` are where they are. `serious` is False where a
    person has accepted it, and where a computer reaches tokens only, which ask for PIN and button.
    """

    by: By
    what: str
    generation: bytes | None
    threshold: int
    parties: tuple[str, ...]
    places: tuple[Place, ...]
    serious: bool
    accepted: bool = False

    @property
    def words(self) -> str:
        named = f"{', '.join(self.parties[:-1])} and {self.parties[-1]}"
        if self.by == "place":
            return f"{self.what} holds shares of {len(self.parties)} parties: {named}. One place is for one party."
        enough = f"{self.threshold} are enough to sign."
        shares = f"shares of {named}; {enough}"
        if self.by == "computer":
            if self.accepted:
                return f"The computer {self.what} reaches {shares} That was accepted."
            if not self.serious:
                return f"The computer {self.what} has been used with {self._held_by} that hold {shares}"
            return f"The computer {self.what} has had, or can copy, {shares}"
        told = {"location": "kept at one location", "custodian": "kept by one custodian", "account": "in one account"}
        return f"The shares of {named} are {told[self.by]}: {self.what}. {enough}"

    @property
    def _held_by(self) -> str:
        return "tokens" if all(place.kind == e.TOKEN for place in self.places) else "tokens and other places"


def together(view: View, vault: bytes, *, found: list[Copy] | None = None) -> list[Together]:
    """All that should be apart. `found` are the vault's `copies`, where the caller has them."""
    held = copies(view, vault) if found is None else found
    return [*_places(held), *_said(view, vault, held), *_computers(view, vault, held)]


def _alike(words: str) -> str:
    """The same for what a person takes for the same: in any case, with any spaces, from any keyboard."""
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())


def _parties(pairs: set[tuple[str, Place]]) -> tuple[str, ...]:
    return tuple(sorted({party for party, _ in pairs}))


def _where(pairs: set[tuple[str, Place]]) -> tuple[Place, ...]:
    return tuple(sorted({place for _, place in pairs}))


def _places(held: list[Copy]) -> Iterator[Together]:
    by_place: dict[Place, list[Copy]] = {}
    for one in held:
        by_place.setdefault(one.backup.place, []).append(one)
    for place, there in sorted(by_place.items()):
        parties = tuple(sorted({one.backup.party for one in there if one.backup.party is not None}))
        if len(parties) > 1:
            yield Together("place", there[0].place.title, None, 2, parties, (place,), serious=True)


def _said(view: View, vault: bytes, held: list[Copy]) -> Iterator[Together]:
    thresholds = {one.generation: one.threshold for one in view.generations(vault)}
    #: By what is said, told alike as `_alike` has it, and generation: the words, and who is where.
    groups: dict[tuple[By, str, bytes], tuple[str, set[tuple[str, Place]]]] = {}

    def add(info: PlaceInfo, party: str | None, generation: bytes | None) -> None:
        if party is None or generation is None or info.lost is not None:
            return
        for by in _SAID:
            words: str | None = getattr(info, by)
            if words is not None and words.strip():
                key = (by, _alike(words), generation)
                groups.setdefault(key, (words, set()))[1].add((party, info.place))

    for one in held:
        add(one.place, one.backup.party, one.backup.generation)
    computers = {info.place.ident: info for info in view.places() if info.place.kind == e.COMPUTER}
    for handled in view.handled(vault):
        if handled.host in computers:
            add(computers[handled.host], handled.party, handled.generation)
    for (by, _, generation), (words, pairs) in sorted(groups.items(), key=lambda item: item[0]):
        parties = _parties(pairs)
        if len(parties) >= max(2, thresholds.get(generation, 2)):
            yield Together(by, words, generation, thresholds.get(generation, 2), parties, _where(pairs), serious=True)


def _computers(view: View, vault: bytes, held: list[Copy]) -> Iterator[Together]:
    accepted = {(one.host, one.generation) for one in view.accepted(vault)}
    handled = view.handled(vault)
    for host in view.hosts():
        for generation in view.generations(vault):
            clear = {
                (one.party, Place(e.COMPUTER, one.host))
                for one in handled
                if (one.host, one.generation) == (host.host, generation.generation)
            }
            sealed: set[tuple[str, Place]] = set()
            tokens: set[tuple[str, Place]] = set()
            for one in held:
                backup = one.backup
                if backup.party is None or backup.generation != generation.generation or one.place.lost is not None:
                    continue
                if host.host in one.place.hosts:
                    (tokens if backup.place.kind == e.TOKEN else sealed).add((backup.party, backup.place))
            enough = max(2, generation.threshold)
            near = clear | sealed
            was_accepted = (host.host, generation.generation) in accepted
            if len(_parties(near)) >= enough:
                pairs, serious = near, not was_accepted
            elif len(_parties(near | tokens)) >= enough:
                pairs, serious = near | tokens, False
            else:
                continue
            yield Together(
                "computer",
                host.name or host.host.hex()[:8],
                generation.generation,
                generation.threshold,
                _parties(pairs),
                _where(pairs),
                serious=serious,
                accepted=was_accepted,
            )
