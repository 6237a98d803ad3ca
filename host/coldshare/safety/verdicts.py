"""The words of a judgement: its verdicts, what led to one, and how a party stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from coldshare.errors import EXIT_ATTEND, EXIT_DANGER
from coldshare.ledger.queries import Backup
from coldshare.safety.carriers import Carrier, Copy
from coldshare.safety.devices import Device
from coldshare.safety.due import latest

__all__ = ["VERDICTS", "Finding", "PartyStanding"]

#: Every verdict, the worst first: what it means, and the exit status of a command that reports it.
VERDICTS: Final[Mapping[str, tuple[str, int]]] = {
    "below_threshold": ("fewer shares can be reached than signing needs", EXIT_DANGER),
    "mixed_generations": ("the shares are of generations that do not sign together", EXIT_DANGER),
    "wrong_shares": ("there are enough shares, but some are wrong", EXIT_DANGER),
    "together": ("shares that should be apart are together", EXIT_ATTEND),
    "half_reshared": ("a reshare is under way, and not every party has reported its new share", EXIT_ATTEND),
    "not_all_backed_up": ("it can sign, but not every party has a backup", EXIT_ATTEND),
    "never_verified": ("every party has a backup, but some were never opened to prove them", EXIT_ATTEND),
    "device_lost": ("a device is lost, and its share is not on a new one yet", EXIT_ATTEND),
    "safe": ("safe", 0),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. `code` is a verdict, or for what is only said: `resharing`, `old_copies`, `old_device`,
    `server`, `single_host`, `reached`, `to_come`. `next_step` is what to do, empty for nothing."""

    code: str
    words: str
    next_step: str = ""
    parties: tuple[str, ...] = ()
    backups: tuple[Backup, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it spoils the verdict."""
        return self.code in VERDICTS


@dataclass(frozen=True, slots=True)
class PartyStanding:
    """A party of the generation that counts. `copies` are its backups of that generation, `older` of all others.

    Dates are told as they look at `now`.

    `awaited`: a reshare has made shares of that generation, and nobody has reported whether this party has one.
    `in_doubt`: its device counts as one with a share of another generation only because nothing orders two events.
    `device` is what became of the device with its live share, `device_name` the new one's name; `lost` and `restored`
    since when.
    """

    party: str
    number: int | None
    device: Device
    awaited: bool
    in_doubt: bool
    device_name: str | None
    lost: int | None
    restored: int | None
    copies: tuple[Copy, ...]
    older: tuple[Copy, ...]
    now: int

    @property
    def live(self) -> bool:
        """Whether a device of its own can sign."""
        return self.device in ("alive", "restored", "server")

    @property
    def usable(self) -> tuple[Copy, ...]:
        return tuple(one for one in self.copies if one.usable)

    @property
    def reachable(self) -> bool:
        return self.live or bool(self.usable)

    @property
    def verified(self) -> int | None:
        """When the seal of one that would open was opened last."""
        return latest((one.backup.opened for one in self.usable), self.now)

    @property
    def drilled(self) -> int | None:
        return latest((one.backup.drilled for one in self.usable), self.now)

    @property
    def carriers(self) -> frozenset[Carrier]:
        own: set[Carrier] = {one.carrier for one in self.usable}
        if self.device == "restored":
            # Two parties that came onto a device of one name have one thing to lose.
            own.add((self.device_name or self.party).casefold())
        elif self.device == "alive":
            own.add(self.party.casefold())
        return frozenset(own)
