"""Which computer can open a backup: none that would come to handle enough shares to sign, and a file only its own."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.ledger.queries import Backup, Generation, Host, PlaceInfo, View

__all__ = ["do", "host_name", "only_at", "sentence", "too_many_here"]


def too_many_here(view: View, generation: Generation, party: str) -> bool:
    """Rule 1 for computers: whether this one would come to have had enough shares in the clear."""
    others = view.had(view.host, generation) - {party}
    return bool(others) and len(others) + 1 >= generation.threshold


def only_at(view: View, info: PlaceInfo) -> str | None:
    """The computer with that file, where it is not this one. A file cannot be carried over; a token or a stick can."""
    if info.place.kind != e.FILE or view.host in info.hosts:
        return None
    return next((host_name(one) for one in view.hosts() if one.host in info.hosts), None)


def host_name(host: Host) -> str:
    return host.name or host.host.hex()[:8]


def sentence(too_many: bool, at: str | None) -> str:
    """Where to open it, by the answers of the two above. Empty for here."""
    if too_many:
        return "On another computer: this one has had the shares of other parties."
    return "" if at is None else f"On the computer {at}, which has the file."


def do(view: View, backup: Backup, info: PlaceInfo, words: str, command: str) -> str:
    """`words`, and the command that opens that backup, with the computer where it is to be run if that is not this one:
    `Prove it: coldshare ...`, `Prove it. On another computer: ... coldshare ...`."""
    whose = None
    if backup.vault is not None and backup.generation is not None:
        whose = view.generation(backup.vault, backup.generation)
    too_many = whose is not None and too_many_here(view, whose, backup.party or "")
    where = sentence(too_many, only_at(view, info))
    if not where:
        return f"{words}: {command}" if words else command
    return f"{words}. {where} {command}" if words else f"{where} {command}"
