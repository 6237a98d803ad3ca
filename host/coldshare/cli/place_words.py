"""Places in words and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coldshare.cli.judged import where
from coldshare.cli.render import Json, size, table
from coldshare.cli.when import date, moment
from coldshare.ledger import events as e

if TYPE_CHECKING:
    from coldshare.ledger.queries import Backup, Handled, PlaceInfo, View
    from coldshare.places.at_hand import AtHand
    from coldshare.safety.apart import Together

__all__ = ["SAID", "Book", "loud", "together_json"]

#: What a person says of a place.
SAID: Final = ("called", "location", "custodian", "account", "note")
_WHY: Final = {e.BACKED_UP: "to back it up", e.VERIFIED: "to verify a backup", e.RESTORED: "to restore it"}
_APART: Final = "Keep them apart: whoever gets at all of them can sign without you."


def loud(found: Iterable[Together]) -> list[str]:
    """Rule 1 for a person, a sentence or two each."""
    return [f"{one.words} {_APART}" if one.serious else one.words for one in found]


def together_json(found: Iterable[Together]) -> list[dict[str, Json]]:
    return [
        {
            "by": one.by,
            "what": one.what,
            "generation": None if one.generation is None else one.generation.hex(),
            "parties": list(one.parties),
            "threshold": one.threshold,
            "places": [str(place) for place in one.places],
            "serious": one.serious,
            "accepted": one.accepted,
            "words": one.words,
        }
        for one in found
    ]


@dataclass(frozen=True)
class Book:
    """What is known of the places of one ledger. `this` is the id of this computer, `at_hand` what can be reached."""

    view: View
    this: bytes
    places: Sequence[PlaceInfo]
    at_hand: AtHand

    def title(self, info: PlaceInfo) -> str:
        """What to call it in a sentence, with its kind."""
        if info.place.kind != e.COMPUTER:
            return f"{info.title!r} ({e.PLACES.get(info.place.kind, 'place')})"
        if info.place.ident == self.this:
            return "this computer" if info.called is None else f"this computer, {info.called!r}"
        return (
            f"the computer {info.title!r}"
            if info.label or info.called
            else f"a computer ({info.place.ident.hex()[:8]})"
        )

    def host(self, host: bytes) -> str:
        """A computer in a list."""
        if host == self.this:
            return "this computer"
        info = next((one for one in self.places if (one.place.kind, one.place.ident) == (e.COMPUTER, host)), None)
        return (info.called or info.label if info is not None else "") or host.hex()[:8]

    def reached_by(self, info: PlaceInfo) -> list[str]:
        """The computers that reach it, this one first."""
        return [self.host(host) for host in sorted(info.hosts, key=lambda one: (one != self.this, self.host(one)))]

    def vault(self, vault: bytes | None) -> str:
        """Its name, or the beginning of its key."""
        if vault is None:
            return "?"
        known = self.view.vault(vault)
        return (known.name if known is not None else "") or vault.hex()[:8]

    def handled(self, info: PlaceInfo) -> list[Handled]:
        """What that computer had in the clear."""
        if info.place.kind != e.COMPUTER:
            return []
        return [one for one in self.view.handled() if one.host == info.place.ident]

    # --- in words

    def rows(self) -> list[str]:
        """All of them, a line each."""
        head = ["PLACE", "KIND", "WHERE, AND WITH WHOM", "SHARES OF", "REACHED BY", ""]
        rows = [
            [
                self._short(one),
                e.PLACES.get(one.place.kind, "?"),
                ", ".join(where(one)),
                self._holds(one),
                ", ".join(self.reached_by(one)),
                self._now(one),
            ]
            for one in self.places
        ]
        if all(host == self.this for one in self.places for host in one.hosts):
            del head[4]
            for row in rows:
                del row[4]
        return table(head, rows)

    def lines(self, info: PlaceInfo) -> list[str]:
        """All that is known of one."""
        title = self.title(info)
        told = [(name, getattr(info, name)) for name in SAID[1:]]
        reached = ", ".join(self.reached_by(info))
        here = self.at_hand.places.get(info.place)
        fields = [
            ("label", info.label if info.label != info.title or info.place.kind == e.COMPUTER else ""),
            *told,
            ("reached by", reached),
            ("on a disk of", ", ".join(map(self.host, info.built_into))),
            ("at hand", here.command if here is not None else ""),
            ("lost", "" if info.lost is None else f"since {date(info.lost)}"),
            ("wiped", "" if info.wiped is None else date(info.wiped)),
        ]
        out = [f"{title[:1].upper()}{title[1:]}, {info.place}"]
        out += [f"  {name}: {value}" for name, value in fields if value]
        out += [f"  {self._backup(one)}" for one in self.view.backups(place=info.place)]
        whys: dict[tuple[bytes, str, bytes], list[str]] = {}
        for one in self.handled(info):
            whys.setdefault((one.vault, one.party, one.generation), []).append(_WHY[one.why])
        for (vault, party, generation), why in whys.items():
            name = self.vault(vault)
            out.append(
                f"  had in the clear: the share of {party} of {name!r}, {', '.join(why)}; "
                f"generation {generation.hex()[:8]}"
            )
        return out

    def _short(self, info: PlaceInfo) -> str:
        return self.host(info.place.ident) if info.place.kind == e.COMPUTER else info.title

    def _holds(self, info: PlaceInfo) -> str:
        by_vault: dict[str, list[str]] = {}
        for one in self.view.backups(place=info.place):
            state = "FAILED" if one.failed_code else "" if one.state == e.ACTIVE else e.STATES[one.state]
            words = f"{one.party or 'nobody knows whom'}{f' ({state})' if state else ''}"
            by_vault.setdefault(self.vault(one.vault), []).append(words)
        clear: dict[str, list[str]] = {}
        for handled in self.handled(info):
            clear.setdefault(self.vault(handled.vault), []).append(handled.party)
        return "; ".join(
            [
                *(f"{vault}: {', '.join(sorted(parties))}" for vault, parties in sorted(by_vault.items())),
                *(
                    f"{vault}: {', '.join(sorted(set(parties)))}, in the clear"
                    for vault, parties in sorted(clear.items())
                ),
            ]
        )

    def _now(self, info: PlaceInfo) -> str:
        if info.wiped is not None:
            return "wiped"
        here = info.place in self.at_hand
        return ("LOST, and at hand" if here else "LOST") if info.lost is not None else "at hand" if here else ""

    def _backup(self, one: Backup) -> str:
        whose = "a share of nobody knows whom" if one.party is None else f"the share of {one.party}"
        when = f"opened {date(one.opened)}" if one.opened else "never opened to prove it"
        drilled = f", drilled {date(one.drilled)}" if one.drilled else ""
        failed = f"; FAILED {date(one.failed)} ({one.failed_code})" if one.failed and one.failed_code else ""
        vault = "" if one.vault is None else f" of {self.vault(one.vault)!r}"
        what = f"{whose}{vault}, {e.STATES[one.state]}, {size(one.size)}"
        return f"{one.backup_id.hex()[:8]}: {what}; {when}{drilled}{failed}"

    # --- in JSON

    def json(self, info: PlaceInfo) -> dict[str, Json]:
        here = self.at_hand.places.get(info.place)
        return {
            "place": str(info.place),
            "kind": e.PLACES.get(info.place.kind, str(info.place.kind)),
            "this_computer": (info.place.kind, info.place.ident) == (e.COMPUTER, self.this),
            "title": info.title,
            "label": info.label,
            **{name: getattr(info, name) for name in SAID},
            "reached_by": [
                {"host": host.hex(), "name": self.host(host), "this_computer": host == self.this} for host in info.hosts
            ],
            "built_into": [host.hex() for host in info.built_into],
            "lost": moment(info.lost),
            "wiped": moment(info.wiped),
            "at_hand": None if here is None else {"address": here.address, "command": here.command},
            "backups": [self._backup_json(one) for one in self.view.backups(place=info.place)],
            "in_the_clear": [
                {**self._whose(one.vault, one.party, one.generation), "why": e.HANDLED[one.why]}
                for one in self.handled(info)
            ],
        }

    def _whose(self, vault: bytes | None, party: str | None, generation: bytes | None) -> dict[str, Json]:
        names = {one.vault: one.name for one in self.view.vaults()}
        named: Json = None if vault is None else {"name": names.get(vault, ""), "public_key_ecdsa": vault.hex()}
        return {"vault": named, "party": party, "generation": None if generation is None else generation.hex()}

    def _backup_json(self, one: Backup) -> dict[str, Json]:
        return {
            "backup_id": one.backup_id.hex(),
            "state": e.STATES[one.state],
            "sealed_size": one.size,
            **self._whose(one.vault, one.party, one.generation),
            "recovery": one.recovery,
            **{name: moment(getattr(one, name)) for name in ("stored", "read_back", "opened", "restored", "drilled")},
            "failed": moment(one.failed),
            "failed_code": one.failed_code,
        }
