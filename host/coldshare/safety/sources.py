"""Where a share can be brought back from: backups that would open, what opens them, and the command that does it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import PlaceInfo, View
from coldshare.safety import commands
from coldshare.safety.carriers import Copy
from coldshare.safety.returning import same_name

__all__ = ["OPENS", "Opener", "Opening", "Reached", "Source", "new_device", "sources"]

Opener: TypeAlias = Literal["password_and_token", "password", "recovery_code"]
#: What each is called.
OPENS: Final[Mapping[Opener, str]] = {
    "password_and_token": "its password and its token",
    "password": "its password",
    "recovery_code": "its recovery code",
}
#: For each place that is at hand, what goes behind a verb there, quoted for a shell: `--at folder:/media/you/STICK`.
Reached: TypeAlias = Mapping[Place, str]


@dataclass(frozen=True, slots=True)
class Opening:
    """One way to open a backup. `command` is whole; `places` must be at hand for it, `absent` are those that are
    not."""

    by: Opener
    command: str
    places: tuple[PlaceInfo, ...]
    absent: tuple[PlaceInfo, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A backup of one share that would open, and every way to do it that the ledger knows, the handiest first. `out` is
    the vault file that the commands write."""

    copy: Copy
    out: str
    openings: tuple[Opening, ...]

    @property
    def at_hand(self) -> bool:
        """Whether everything is here for one of the ways, but what a person knows or has on paper."""
        return any(not one.absent for one in self.openings)


def new_device(view: View, vault: bytes, party: str) -> str:
    """What to call the device that gets the share of `party`: a name that neither a party nor a device has."""
    told = view.parties(vault)
    taken = [one.party for one in told] + [one.device for one in told if one.device is not None]
    name, number = f"new {party}", 1
    while any(same_name(name, other) for other in taken):
        number += 1
        name = f"new {party} {number}"
    return name


def sources(view: View, held: Iterable[Copy], reached: Reached, *, onto: str | None) -> tuple[Source, ...]:
    """Those of `held` that would open: what is at hand first, then what was proved last.

    The commands restore onto the device called `onto`; with None they only write the vault file.
    """
    places = {info.place: info for info in view.places()}
    found = [
        Source(one, _file(view, one), tuple(_openings(view, one, places, reached, onto))) for one in held if one.usable
    ]
    return tuple(sorted(found, key=_order))


def _order(one: Source) -> tuple[bool, int, int, bytes]:
    backup = one.copy.backup
    return not one.at_hand, -(backup.opened or 0), -(backup.drilled or 0), backup.backup_id


def _file(view: View, one: Copy) -> str:
    """A name that no shell and no file system takes amiss. A device is lost with its shares of all vaults, and each of
    them goes into a file of its own."""
    backup = one.backup
    party = _plain(backup.party or "") or "share"
    others = {other.vault for other in view.backups() if other.party == backup.party} - {backup.vault}
    if not others or backup.vault is None:
        return f"restored-{party}.vult"
    names = {vault.vault: _plain(vault.name) for vault in view.vaults()}
    own = names.get(backup.vault, "")
    # Not every file system tells capitals apart.
    alike = not own or any(names.get(other or b"", "").casefold() == own.casefold() for other in others)
    return f"restored-{backup.vault.hex()[:8] if alike else own}-{party}.vult"


def _plain(name: str) -> str:
    return re.sub("[^A-Za-z0-9._-]+", "-", name).strip("-.")


def _openings(
    view: View, one: Copy, places: Mapping[Place, PlaceInfo], reached: Reached, onto: str | None
) -> Iterable[Opening]:
    backup, own = one.backup, one.place
    tokens: list[PlaceInfo] = []
    by: Opener = "password_and_token"
    if own.place.kind == e.FILE:
        same = [other for other in view.backups(gone=True) if other.backup_id == backup.backup_id]
        if any(other.place.kind == e.FOLDER for other in same):
            by = "password"
        else:
            tokens = [
                places[other.place]
                for other in same
                if other.place.kind == e.TOKEN
                and other.gone is None
                and other.state != e.KEYLESS
                and places[other.place].lost is None
            ]
    elif own.place.kind != e.TOKEN:
        by = "password"
    found = []
    if backup.state != e.KEYLESS:
        if tokens:
            found += [_opening(view, one, by, [own, token], reached, onto) for token in tokens]
        elif own.place.kind != e.FILE or by == "password" or not backup.recovery:
            found.append(_opening(view, one, by, [own], reached, onto))
    if backup.recovery:
        found.append(_opening(view, one, "recovery_code", [own], reached, onto))
    # A password may be asked for where it is enough; a code stays on its paper as long as it can.
    return sorted(found, key=lambda way: (bool(way.absent), way.by == "recovery_code"))


def _opening(view: View, one: Copy, by: Opener, needed: list[PlaceInfo], reached: Reached, onto: str | None) -> Opening:
    words = ["coldshare", "restore"]
    if one.place.place.kind != e.FILE:
        words += ["--backup", one.backup.backup_id.hex()[:8]]
    words += ["--out", shlex.quote(_file(view, one))]
    if onto is not None:
        words += ["--onto", shlex.quote(onto)]
    if by == "recovery_code":
        words.append("--recovery")
    # What is not here is named by where it was last. A token needs no address when it is the one that is plugged in.
    words += [where for info in needed if (where := reached.get(info.place) or commands.behind(info).strip())]
    return Opening(by, " ".join(words), tuple(needed), tuple(info for info in needed if info.place not in reached))
