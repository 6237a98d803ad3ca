"""Before a reshare: whether it can be made with what is there, and what has to be done first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coldshare.declare import showable_party
from coldshare.ledger.queries import Vault, View
from coldshare.reshare.errors import ReshareOpenError, ReshareRefusedError
from coldshare.reshare.family import Committee, Concern, Family, family_of
from coldshare.safety import commands
from coldshare.safety.carriers import Copy
from coldshare.safety.resharing import under_way
from coldshare.safety.standing import PartyStanding, Standing, assess_vault
from coldshare.vault.limits import MAX_PARTIES

__all__ = ["Prepared", "RestoreFirst", "prepare"]


@dataclass(frozen=True, slots=True)
class RestoreFirst:
    """A party that is to take part and has no live device: its share comes from one of these, onto a new one."""

    party: str
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A reshare that can begin. `threshold` of `parties` can sign afterwards. `restores` come first."""

    vault: Vault
    older: bytes
    committee: Committee
    threshold: int
    restores: tuple[RestoreFirst, ...]
    concerns: tuple[Concern, ...]
    steps: tuple[str, ...]

    @property
    def parties(self) -> int:
        return self.committee.parties

    @property
    def to_accept(self) -> tuple[Concern, ...]:
        return tuple(one for one in self.concerns if one.weight == "accept")


def prepare(
    view: View,
    vault: Vault,
    now: int,
    *,
    leaving: Sequence[str] = (),
    joining: Sequence[str] = (),
    new: int | None = None,
) -> Prepared:
    """A plan for that vault. `leaving` are parties that do not take part; without any, those whose device is lost.

    `joining` names new parties; `new` counts them, where it is more than that or their ids are not known. `now` is in
    microseconds since 1970. Raises ReshareOpenError and ReshareRefusedError.
    """
    if under_way(view, vault.vault):
        raise ReshareOpenError
    standing = assess_vault(view, vault, now)
    generation = standing.generation
    if generation is None:
        raise ReshareRefusedError(
            f"Nothing tells which generation of {vault.name!r} counts, so nobody knows which shares to reshare.",
            next_step="Back up every device's own share as it is now: coldshare backup FILE --newer",
        )
    if generation.disputed:
        raise ReshareRefusedError(
            f"Generation {generation.generation.hex()[:8]} of {vault.name!r} was told with different numbers of "
            "parties or signers, so nobody knows how many of its shares a reshare needs."
        )
    names = [one.party for one in standing.parties]
    _check_names(names, leaving, joining)
    staying, restores = _survivors(standing, leaving)
    committee = Committee(
        name=vault.name,
        old=tuple(names),
        old_threshold=generation.threshold,
        staying=tuple(one.party for one in staying),
        joining=tuple(joining),
        new=max(len(joining), new or 0),
        keys=view.extras(vault.vault, generation.generation)[0],
        chains=view.extras(vault.vault, generation.generation)[1],
    )
    if len(staying) < generation.threshold:
        raise ReshareRefusedError(
            f"A reshare needs {generation.threshold} of the old shares, and {len(staying)} can take part: "
            f"{', '.join(committee.staying) or 'none'}.",
            next_step="See what is missing, and where it could be: coldshare status, coldshare lost PARTY",
        )
    if committee.parties < 2:
        raise ReshareRefusedError(
            "A vault has at least two parties.", next_step="Let another device stay, or join: --join NAME"
        )
    if committee.parties > MAX_PARTIES:
        raise ReshareRefusedError(
            f"A vault has at most {MAX_PARTIES} parties, and this would have {committee.parties}.",
            next_step="Let fewer devices join.",
        )
    family = family_of(vault.library)
    threshold = family.threshold(committee.parties)
    concerns = [*family.concerns(committee), *_backups(staying), *_to_spare(committee, threshold)]
    for one in concerns:
        if one.weight == "refuse":
            raise ReshareRefusedError(one.words, next_step=one.next_step)
    return Prepared(
        vault=vault,
        older=generation.generation,
        committee=committee,
        threshold=threshold,
        restores=restores,
        concerns=tuple(concerns),
        steps=_steps(family, committee, restores),
    )


def _check_names(names: Sequence[str], leaving: Sequence[str], joining: Sequence[str]) -> None:
    for party in leaving:
        if party not in names:
            raise ReshareRefusedError(
                f"{party} is no party of the generation that counts.", next_step=f"Its parties are: {', '.join(names)}"
            )
    for party in joining:
        if party in names:
            raise ReshareRefusedError(
                f"{party} is a party already, so it cannot join.",
                next_step="Every device that joins has an id of its own; the app shows it. Without ids: --new NUMBER",
            )
        if showable_party(party) != party:
            raise ReshareRefusedError(
                f"{showable_party(party)!r}: this id cannot be shown as it is.",
                next_step="Count the devices that join, without their ids: --new NUMBER",
            )
        if joining.count(party) > 1:
            raise ReshareRefusedError(f"{party} is named twice as a device that joins.", next_step="Name it once.")


def _survivors(standing: Standing, leaving: Sequence[str]) -> tuple[list[PartyStanding], tuple[RestoreFirst, ...]]:
    """Who takes part, and who of these has to be restored first: only as many as the threshold needs."""
    threshold = standing.generation.threshold if standing.generation is not None else 0
    candidates = [one for one in standing.parties if one.party not in leaving]
    live = [one for one in candidates if one.live]
    sealed = [one for one in candidates if not one.live and one.usable]
    # Who is named as leaving has been chosen; else a lost device comes back only if it is needed.
    needed = max(threshold - len(live), 0)
    back = sealed[:needed]
    taking = [one for one in standing.parties if one in live or one in back]
    return taking, tuple(RestoreFirst(one.party, one.usable) for one in back)


def _backups(staying: Sequence[PartyStanding]) -> list[Concern]:
    """Of those that take part: whoever does not keeps its share whatever becomes of the reshare."""
    without = [one.party for one in staying if not one.usable and one.device != "server"]
    if not without:
        return []
    words = f"These have no backup of the share that they have now: {', '.join(without)}."
    return [
        Concern(
            "no_way_back",
            "note",
            f"{words} If the reshare fails halfway, there is no way back for them.",
            "Back them up before you begin: coldshare backup FILE",
        )
    ]


def _to_spare(committee: Committee, threshold: int) -> list[Concern]:
    """Whether it takes away what there was to spare."""
    if threshold < committee.parties or committee.old_threshold >= len(committee.old):
        return []
    return [
        Concern(
            "none_to_spare",
            "note",
            f"Afterwards all {committee.parties} devices are needed to sign, and there is none to spare any more.",
            "To keep one to spare, let one more device join: --new NUMBER",
        )
    ]


def _steps(family: Family, committee: Committee, restores: Sequence[RestoreFirst]) -> tuple[str, ...]:
    first = [_restore(one) for one in restores]
    new = " A new device's computer takes in another party's report before." if committee.new else ""
    after = [
        f"On each device's own computer: coldshare reshare next NEW.vult --at PLACE, for its own new file.{new}",
        "Bring the reports together on one computer: coldshare reshare join REPORT...",
        "When all have reported: coldshare reshare finish --at PLACE, for every place with an older share.",
    ]
    return (*first, *family.steps(committee), *after)


def _restore(one: RestoreFirst) -> str:
    backup, place = one.copies[0].backup, one.copies[0].place
    command = (
        f"coldshare restore --backup {backup.backup_id.hex()[:8]} --onto DEVICE --out FILE{commands.behind(place)}"
    )
    return f"Restore {one.party} onto a new device: {command}, from {place.title}; import it in the app there."
