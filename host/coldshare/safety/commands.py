"""Commands as a person can paste them, by what a ledger knows of a place. Whether it is at hand is not looked at."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from coldshare.ledger import events as e
from coldshare.ledger.queries import Backup, PlaceInfo, Vault, View
from coldshare.paths import path_of, whole
from coldshare.safety.carriers import computers
from coldshare.safety.named import folded, vault_argument

__all__ = [
    "argument",
    "behind",
    "destroy",
    "drill",
    "found",
    "lost",
    "missing",
    "named",
    "remove",
    "reshare_abort",
    "reshare_status",
    "retire",
    "verify",
]


def behind(info: PlaceInfo) -> str:
    """What stands behind a verb to reach it: ` --at folder:/media/stick`. Empty for a token, which is plugged in.

    A path that the ledger does not have, or not whole, the person has to know: ` --at folder:PATH`.
    """
    if info.place.kind == e.FOLDER:
        return f" --at {shlex.quote(f'folder:{info.label}')}" if whole(info.label) else " --at folder:PATH"
    if info.place.kind == e.FILE:
        return f" --from {shlex.quote(info.label)}" if whole(info.label) else " --from FILE"
    return ""


def named(info: PlaceInfo, places: Iterable[PlaceInfo] = ()) -> str:
    """How `coldshare place` finds it, and none of the other `places`: by its title, else by its id."""
    title = folded(info.title)
    alike = any(title in (folded(one.title), folded(one.label)) for one in places if one.place != info.place)
    return str(info.place) if alike or title.startswith("-") else shlex.quote(info.title)


def argument(name: str) -> str:
    """A name as the last argument on a command line, whatever it begins with."""
    quoted = shlex.quote(name)
    return f"-- {quoted}" if name.startswith("-") else quoted


def lost(party: str) -> str:
    return f"coldshare lost {argument(party)}"


def found(party: str, device: str | None = None) -> str:
    """`device` says which one, where the share was on several."""
    said = "" if device is None else f" --device {shlex.quote(device)}"
    return f"coldshare lost --found{said} {argument(party)}"


def missing(info: PlaceInfo, places: Iterable[PlaceInfo]) -> PlaceInfo:
    """What is lost, where `info` went with it: itself, or the computer that it is on."""
    if info.lost is not None:
        return info
    within = (one for one in places if one.place.kind == e.COMPUTER and one.place.ident in computers(info))
    return next((one for one in within if one.lost is not None), info)


def verify(backup: Backup, info: PlaceInfo) -> str:
    return f"coldshare verify{_which(backup, info)}"


def drill(backup: Backup, info: PlaceInfo) -> str:
    return f"coldshare drill{_which(backup, info)}"


def remove(backup: Backup, info: PlaceInfo) -> str:
    """Of an exported file nothing but itself is removed, and the ledger has to be told."""
    if info.place.kind == e.FILE:
        plain = whole(info.label) and path_of(info.label) == info.label
        file = shlex.quote(info.label) if plain else "FILE"
        return f"rm {file}, and then: coldshare place lost {named(info)}"
    return f"coldshare remove {_short(backup)}{behind(info)}"


def retire(backup: Backup, info: PlaceInfo) -> str:
    return f"coldshare retire {_short(backup)}{behind(info)}"


def destroy(backup: Backup, info: PlaceInfo) -> str:
    return f"coldshare destroy {_short(backup)}{behind(info)}"


def _which(backup: Backup, info: PlaceInfo) -> str:
    return f"{'' if info.place.kind == e.FILE else f' --backup {_short(backup)}'}{behind(info)}"


def _short(backup: Backup) -> str:
    return backup.backup_id.hex()[:8]


def reshare_status(view: View, vault: Vault) -> str:
    """What says what a reshare of that vault waits for."""
    return f"coldshare reshare status {vault_argument(view, vault)}"


def reshare_abort(view: View, vault: Vault) -> str:
    """What gives a reshare of that vault up."""
    return f"coldshare reshare abort {vault_argument(view, vault)}"
