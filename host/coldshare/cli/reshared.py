"""What the `reshare` commands have to say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from coldshare.cli.render import Result, table
from coldshare.cli.when import date, moment
from coldshare.errors import EXIT_ATTEND

if TYPE_CHECKING:
    from pathlib import Path

    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.ledger.events import Place
    from coldshare.ledger.queries import Backup, Reshare, View
    from coldshare.reshare.plan import Prepared
    from coldshare.reshare.progress import Awaited, Leftover, Progress
    from coldshare.reshare.report import Signed
    from coldshare.reshare.whose import Doubt
    from coldshare_iface.errors import ColdshareError

__all__ = [
    "aborted",
    "before_abort",
    "distrusted",
    "finished",
    "fits_nothing",
    "joined",
    "reported",
    "started",
    "status",
    "to_retire",
    "unasked",
    "what_now",
    "why_not",
]

_STATES = {
    "awaited": "waits for: coldshare reshare next NEW.vult, on its computer",
    "stranger": "its report is signed with a key that nobody has compared with that computer",
    "rejected": "its report does not count",
    "reported": "backed up and reported",
    "server": "the vendor's server, which reports nothing",
}
#: Rule 5. An old share is never called void.
_STILL = (
    "Old shares still sign with each other: whoever collects as many of them as the vault needed before can move "
    "everything. That ends only when enough of them are destroyed, on devices and at places alike. A vault file that "
    "was exported before the reshare is a copy as well."
)


def started(prepared: Prepared, plan: Reshare | None) -> Result:
    committee = prepared.committee
    steps = [f"{number}. {step}" for number, step in enumerate(prepared.steps, start=1)]
    joining = committee.new - len(committee.joining)
    data: dict[str, Json] = {
        "vault": {"name": prepared.vault.name, "public_key_ecdsa": prepared.vault.vault.hex()},
        "reshare": None if plan is None else plan.plan.hex(),
        "older": prepared.older.hex(),
        "staying": list(committee.staying),
        "joining": list(committee.joining),
        "joining_unnamed": joining,
        "leaving": [party for party in committee.old if party not in committee.staying],
        "threshold": prepared.threshold,
        "parties": prepared.parties,
        "restore_first": [one.party for one in prepared.restores],
        "concerns": [
            {"code": one.code, "weight": one.weight, "words": one.words, "next": one.next_step}
            for one in prepared.concerns
        ],
        "steps": list(prepared.steps),
    }
    head = "Possible" if plan is None else "Begun"
    return Result(
        data,
        [
            f"{head}: a reshare of {prepared.vault.name!r} to {prepared.threshold} of {prepared.parties}.",
            *(f"Note: {' '.join(filter(None, (one.words, one.next_step)))}" for one in prepared.concerns),
            "What to do, in this order:",
            *steps,
            "Until then the shares of now count, and their backups stay as they are.",
        ],
    )


def reported(
    view: View, plan: Reshare, signed: Signed, backed: Result | None, out: Path | None, warnings: Sequence[str] = ()
) -> Result:
    from coldshare.identity import fingerprint
    from coldshare.reshare.progress import progress
    from coldshare.reshare.report import text

    told, line = signed.report, text(signed)
    now = progress(view, plan)
    lines = [] if backed is None else [*backed.lines[:-1]]
    places = ", ".join(_title(view, one.place, one.label) for one in told.kept)
    lines += [
        f"Reported: {told.party} of {told.share.name!r} has its new share, backed up at {places}.",
        f"This computer signs as {told.host_name}, {fingerprint(signed.public_key)}. Whoever joins the report compares "
        "that.",
        f"The report is in {out}." if out is not None else "The report, for a file, a mail or a QR code:",
        *([] if out is not None else [line]),
        "It holds no secret. To bring it to another computer: coldshare reshare join REPORT",
        *_waits(now),
    ]
    return Result(
        {
            "backup": None if backed is None else backed.data,
            "party": told.party,
            "generation": told.share.generation.hex(),
            "report": line,
            "report_file": None if out is None else str(out),
            "fingerprint": fingerprint(signed.public_key),
            "reshare": _json(view, now),
            "warnings": [*warnings],
        },
        lines,
    )


def joined(
    view: View,
    plans: Sequence[Reshare],
    taken: int,
    strangers: Sequence[tuple[Signed, Doubt]],
    bad: Sequence[ColdshareError],
    warnings: Sequence[str],
) -> Result:
    """`taken` reports were read, and `bad` says why others were not."""
    from coldshare.identity import fingerprint

    result = status(view, plans)
    count = f"{taken - len(strangers)} of {taken}" if strangers else str(taken)
    lines = [f"Taken in: {count} report{'' if taken == 1 else 's'}."]
    lines += [_not_taken(signed, doubt) for signed, doubt in strangers]
    lines += [f"NOT read: {one.message} {one.next_step}" for one in bad]
    lines += [f"Note: {one}" for one in warnings]
    data = {
        **result.data,
        "taken": taken - len(strangers),
        "strangers": [
            {
                "party": one.report.party,
                "host": one.report.host_name,
                "fingerprint": fingerprint(one.public_key),
                "why": doubt.why,
                "words": doubt.words,
            }
            for one, doubt in strangers
        ],
        "unread": [{"code": one.code, "words": one.message, "next": one.next_step} for one in bad],
        "warnings": [*warnings],
    }
    # Where nothing was taken in, nothing follows on whether a reshare is under way.
    return Result(
        data, [*lines, *(result.lines if plans else [])], EXIT_ATTEND if strangers or bad else result.exit_status
    )


def fits_nothing(trusted: str, found: Sequence[Signed]) -> str:
    """That a `--trust` is of none of the reports that were found."""
    from coldshare.identity import fingerprint

    signed = ", ".join(f"{one.report.party} by {fingerprint(one.public_key)}" for one in found)
    return f"--trust {trusted} fits none of the reports that were given. They are of {signed}."


def _not_taken(one: Signed, doubt: Doubt) -> str:
    import shlex

    from coldshare.identity import fingerprint

    key, party = fingerprint(one.public_key), one.report.party
    head = f"NOT taken in: that of {party}, by {one.report.host_name!r}"
    if doubt.why == "stranger":
        return (
            f"{head}, whose key {key} nobody has compared. See that the computer itself shows the same (coldshare "
            f"reshare report), and then: coldshare reshare join REPORT --trust {key}"
        )
    if doubt.why == "taken_back":
        return f"{head}: {doubt.words} That computer has to make a new one: coldshare reshare next says how."
    if doubt.final:
        return f"{head}: {doubt.words} Ask in person who has made it."
    trust = key if doubt.why == "other_key" else shlex.quote(f"{key}={party}")
    return (
        f"{head}: {doubt.words} Ask why, in person. If it is right, and the computer itself shows {key}: "
        f"coldshare reshare join REPORT --trust {trust}"
    )


def distrusted(view: View, keys: Sequence[bytes], own: Path | None) -> Result:
    """What these keys have signed, and what is to be done about it. `own` is the file of this computer's key, where it
    is one of them."""
    from coldshare.identity import fingerprint
    from coldshare.paths import written
    from coldshare.reshare.whose import signed_by
    from coldshare.safety import commands

    names = sorted({one.name for one in view.identities() if one.public_key in keys})
    key = fingerprint(keys[0])
    whose = f" of {', '.join(repr(one) for one in names)}" if names else ", which nobody has compared"
    lines = [f"The key {key}{whose} counts no more, and neither does what it has signed:"]
    reports: list[Json] = []
    ids: set[bytes] = set()
    for plan in (one for one in view.reshares() if one.aborted is None):
        told = {one.report.party: one.report for public in keys for one in signed_by(view, public, [plan])}
        for party, report in sorted(told.items()):
            ids |= {one.backup_id for one in report.kept}
            said = f"  the report of {party} of {_name(view, plan)!r}"
            again = "it has to be reported again, with another key" if plan.open else "that reshare is finished"
            lines.append(f"{said}: {again}.")
            reports.append(
                {
                    "vault": {"name": _name(view, plan), "public_key_ecdsa": plan.vault.hex()},
                    "reshare": plan.plan.hex(),
                    "party": party,
                    "generation": report.share.generation.hex(),
                    "finished": moment(plan.finished),
                }
            )
    if not reports:
        lines = [f"{lines[0].removesuffix(':')}. No report of a reshare here is signed with it."]
    if own is not None:
        lines.append(
            f"It is this computer's own key: what it reports counts nowhere, until it has a new one. Move "
            f"{written(str(own))} away and run coldshare reshare next again; the other computers compare the new key."
        )
    places = {one.place: one for one in view.places()}
    # What somebody has opened is there, whoever has told of it.
    unproved = [one for one in view.backups() if one.backup_id in ids and one.opened is None]
    for one in unproved:
        where = places[one.place]
        lines.append(
            f"It told of backup {one.backup_id.hex()[:8]} of {one.party}, at {where.title}. Prove it: "
            f"{commands.verify(one, where)}"
        )
    return Result(
        {
            "fingerprint": key,
            "hosts": [*names],
            "ours": own is not None,
            "reports": reports,
            "to_verify": [{"backup_id": one.backup_id.hex(), "place": str(one.place)} for one in unproved],
        },
        lines,
    )


def status(view: View, plans: Iterable[Reshare]) -> Result:
    from coldshare.reshare.progress import progress

    found = [progress(view, one) for one in plans]
    lines: list[str] = []
    for one in found:
        lines += [*([""] if lines else []), *_lines(view, one)]
    waiting = any(not _settled(one) for one in found)
    return Result(
        {"reshares": [_json(view, one) for one in found]},
        lines or ["No reshare is under way."],
        EXIT_ATTEND if waiting else 0,
    )


def finished(view: View, now: Progress, at: Address | None, retired: Result | None) -> Result:
    """`at` is where an old share was to be retired, and `retired` what came of it, None where there was none."""
    lines = [] if retired is None else [*retired.lines[:1]]
    if at is not None and retired is None:
        lines.append(f"Nothing was retired at {at}: this computer knows of no old share beside a newer one there.")
    new = now.plan.generation or b""
    lines.append(f"Finished: generation {new.hex()[:8]} of {_name(view, now.plan)!r} counts from now on.")
    lines += [*_elsewhere(now), *_left(view, now)]
    return Result(
        {"retired": None if retired is None else retired.data, "reshare": _json(view, now)},
        lines,
        0 if _settled(now) else EXIT_ATTEND,
    )


def before_abort(view: View, now: Progress) -> list[str]:
    """What to know before a reshare is given up."""
    plan = now.plan
    newer = {one.generation for one in view.generations(plan.vault) if plan.older in one.newer_than}
    # Some may have backed their new share up, and not reported it.
    backed_up = {one.party for one in view.backups(plan.vault, gone=True) if one.generation in newer}
    reported = [one.party for one in now.parties if one.report is not None or one.party in backed_up]
    if not reported:
        return ["No party has reported a new share. If no app has begun either, nothing is lost by giving up."]
    return [
        f"These have new shares already, and their apps keep no old one: {', '.join(reported)}.",
        "To go back, the old share of as many parties as the vault needs is restored from its backup and imported "
        "anew. If the app has finished on every device, go on instead: the vault has moved.",
    ]


def aborted(view: View, after: View, given_up: Progress) -> Result:
    """`view` is from before it, `given_up` how far the reshare had come."""
    from coldshare.safety import commands

    plan = given_up.plan
    new = after.given_up(plan.vault) - view.given_up(plan.vault)
    made = [one for one in after.backups(plan.vault) if one.generation in new]
    places = {info.place: info for info in after.places()}
    counts = after.current(plan.vault)
    short = "No known generation" if counts is None else f"Generation {counts.generation.hex()[:8]}"
    name = _name(after, plan)
    lines = [f"Given up: the reshare of {name!r}. {short} counts{', as before' if counts is not None else ''}."]
    if new:
        lines += before_abort(view, given_up)
    for one in made:
        where = places[one.place]
        lines.append(
            f"Of the new generation there is {one.backup_id.hex()[:8]}, at {where.title}. To remove it: "
            f"{commands.remove(one, where)}"
        )
    return Result(
        {
            "vault": {"name": name, "public_key_ecdsa": plan.vault.hex()},
            "counts": None if counts is None else counts.generation.hex(),
            "given_up": sorted(one.hex() for one in new),
            "to_remove": [{"backup_id": one.backup_id.hex(), "place": str(one.place)} for one in made],
        },
        lines,
    )


def why_not(now: Progress) -> str:
    """Why a reshare cannot be finished yet."""
    waiting = [one.party for one in now.parties if one.state == "awaited"]
    strangers = [one.party for one in now.parties if one.state == "stranger"]
    parts = []
    if waiting:
        parts.append(f"Not reported yet: {', '.join(waiting)}.")
    if now.unknown:
        parts.append(f"{now.unknown} more part{'y has' if now.unknown == 1 else 'ies have'} to report.")
    if strangers:
        parts.append(f"Signed with a key that nobody has compared with that computer: {', '.join(strangers)}.")
    parts += [one.words for one in now.joined.objections]
    return " ".join(parts) or "The reports do not go together."


def what_now(now: Progress) -> str | None:
    """What to do where nobody is missing, and the reports do not go together; None where somebody is."""
    codes = [one.code for one in now.joined.objections]
    if not codes or now.unknown or any(one.state in ("awaited", "stranger") for one in now.parties):
        return None
    if "two_computers" in codes:
        return "Take the key of the wrong one back: coldshare reshare distrust FINGERPRINT"
    if set(codes) == {"no_backup"}:
        return (
            "Back the new share up on its own computer, and join the new report: coldshare reshare next NEW.vult "
            "--at PLACE"
        )
    return (
        "Export the vault again on the device that is named, on its computer run coldshare reshare next NEW.vult, and "
        "join the new report. Until then sign nothing, and destroy nothing."
    )


def _settled(now: Progress) -> bool:
    """Finished, and nothing old is left that is known of and in reach: at a lost place there is nothing to be done."""
    return now.plan.finished is not None and all(one.copy.place.lost is not None for one in now.leftovers)


def _name(view: View, plan: Reshare) -> str:
    vault = view.vault(plan.vault)
    return plan.vault.hex()[:8] if vault is None else vault.name


def _lines(view: View, now: Progress) -> list[str]:
    plan = now.plan
    name = f"{_name(view, plan)!r}, {plan.threshold} of {plan.parties}"
    if plan.finished is not None:
        return [f"{name}: reshared, finished on {date(plan.finished)}.", *_of_keys(now), *_left(view, now)]
    new = f", to {now.joined.generation.hex()[:8]}" if now.joined.generation is not None else ""
    lines = [f"{name}: being reshared since {date(plan.started)}, away from generation {plan.older.hex()[:8]}{new}."]
    rows = [[f"{one.party}{' (new)' if one.joining else ''}", _STATES[one.state]] for one in now.parties]
    rows += [["? (new)", _STATES["awaited"]]] * now.unknown
    lines += table(["PARTY", "STATE"], rows)
    lines += [f"NOT GOOD: {one.words}" for one in now.joined.objections]
    return [*lines, *_several(now), *_of_keys(now), *_waits(now)]


def _several(now: Progress) -> list[str]:
    """Computers that have reported of several parties. It may be so, and a person should know."""
    by_key: dict[bytes, list[Signed]] = {}
    for one in now.joined.good:
        by_key.setdefault(one.public_key, []).append(one)
    return [
        f"One computer, {said[0].report.host_name!r}, has reported of {', '.join(one.report.party for one in said)}."
        for said in by_key.values()
        if len(said) > 1
    ]


def _elsewhere(now: Progress) -> list[str]:
    """What counts by the word of another ledger."""
    from coldshare.identity import fingerprint

    return [
        f"Compared by another computer, not here: {one.report.host_name!r}, {fingerprint(one.public_key)} of "
        f"{one.report.party}."
        for one in now.compared_elsewhere
    ]


def unasked(said: Sequence[Signed]) -> str:
    """That a key speaks for several parties, and this computer has asked nobody whether it may."""
    from coldshare.identity import fingerprint

    parties = ", ".join(one.report.party for one in said)
    return (
        f"One computer, {said[0].report.host_name!r} ({fingerprint(said[0].public_key)}), has reported of {parties}. A "
        "ledger that was joined has brought that, and nobody was asked about it here. It has the shares of all of "
        "them, or speaks for others."
    )


def _of_keys(now: Progress) -> list[str]:
    return [*_elsewhere(now), *_distrusted(now)]


def _distrusted(now: Progress) -> list[str]:
    from coldshare.identity import fingerprint

    return [
        f"Counts no more: the report of {one.report.party} by {one.report.host_name!r}, whose key "
        f"{fingerprint(one.public_key)} was taken back."
        for one in now.taken_back
    ]


def _waits(now: Progress) -> list[str]:
    if now.plan.finished is not None:
        return []
    if now.ready:
        return [
            "Every party has its new share, they go together, and each is backed up.",
            "When the reshared vault has signed once: coldshare reshare finish --at PLACE, at every place with an old "
            "share",
        ]
    return [f"Not finished: {why_not(now)}"]


def to_retire(view: View, plan: Reshare, place: Place | None) -> Backup | None:
    """The old share at that place that a newer one of the same party stands beside."""
    from coldshare.reshare.progress import progress

    for one in progress(view, plan).leftovers:
        if one.copy.backup.place == place and not one.retired and _beside_newer(view, plan, one):
            return one.copy.backup
    return None


def _beside_newer(view: View, plan: Reshare, left: Leftover) -> bool:
    old = left.copy.backup
    return any(
        (one.party, one.generation) == (old.party, plan.generation) for one in view.backups(plan.vault, place=old.place)
    )


def _left(view: View, now: Progress) -> list[str]:
    devices = _old_devices(view, now)
    if not now.leftovers:
        lines = ["No backup of an older share is known any more."]
        if devices:
            # Nothing tells when they are gone, so this is said for good, and asks for nothing.
            lines.append(
                f"The live shares on what was not reshared are left: {', '.join(devices)}. Delete the vault in the app "
                "there, if you ever can."
            )
        return [*lines, _STILL] if devices else lines
    lines = ["Known copies of old shares, still to be destroyed:"]
    lines += [f"  {_leftover(one, _beside_newer(view, now.plan, one))}" for one in now.leftovers]
    if devices:
        lines.append(
            f"  and the live shares on what was not reshared: {', '.join(devices)}. Delete the vault in the app there, "
            "if you ever can."
        )
    return [*lines, _STILL]


def _old_devices(view: View, now: Progress) -> list[str]:
    """Parties of the older generation that are not in the new one: their devices have their old shares still."""
    old = view.generation(now.plan.vault, now.plan.older)
    names = {one.party for one in now.parties}
    return [] if old is None else [one.party for one in old.members if one.party not in names]


def _leftover(left: Leftover, beside_newer: bool) -> str:
    """`beside_newer`: the share of the new generation is at the same place, and there takes the place of the old."""
    from coldshare.ledger import events as e
    from coldshare.safety import commands

    backup, place = left.copy.backup, left.copy.place
    named = f"{backup.backup_id.hex()[:8]}, {backup.party or 'of nobody known'}, at {place.title}"
    if place.lost is not None:
        return f"{named}: that place is lost, and so is the copy out of reach."
    if backup.place.kind == e.FILE:
        return f"{named}: delete the file, and every copy of it. {commands.remove(backup, place)}"
    if left.retired:
        return f"{named}: {commands.destroy(backup, place)}"
    if not beside_newer:
        return f"{named}: {commands.remove(backup, place)}"
    return f"{named}: coldshare reshare finish{commands.behind(place)}"


def _title(view: View, place: object, label: str) -> str:
    return next((info.title for info in view.places() if info.place == place), label or str(place))


def _json(view: View, now: Progress) -> dict[str, Json]:
    from coldshare.identity import fingerprint

    plan = now.plan
    return {
        "reshare": plan.plan.hex(),
        "vault": {"name": _name(view, plan), "public_key_ecdsa": plan.vault.hex()},
        "older": plan.older.hex(),
        "newer": None if now.joined.generation is None else now.joined.generation.hex(),
        "threshold": plan.threshold,
        "parties": plan.parties,
        "started": moment(plan.started),
        "finished": moment(plan.finished),
        "ready": now.ready,
        "awaited": [_party(one) for one in now.parties],
        "unnamed": now.unknown,
        "objections": [
            {"code": one.code, "party": one.party or None, "words": one.words} for one in now.joined.objections
        ],
        "compared_elsewhere": [
            {"party": one.report.party, "host": one.report.host_name, "fingerprint": fingerprint(one.public_key)}
            for one in now.compared_elsewhere
        ],
        "taken_back": [
            {
                "party": one.report.party,
                "host": one.report.host_name,
                "fingerprint": fingerprint(one.public_key),
                "reported": moment(one.report.time),
            }
            for one in now.taken_back
        ],
        "leftovers": [
            {
                "backup_id": one.copy.backup.backup_id.hex(),
                "party": one.copy.backup.party,
                "generation": None if one.copy.backup.generation is None else one.copy.backup.generation.hex(),
                "place": str(one.copy.backup.place),
                "title": one.copy.place.title,
                "retired": one.retired,
                "lost": one.copy.place.lost is not None,
            }
            for one in now.leftovers
        ],
    }


def _party(one: Awaited) -> dict[str, Json]:
    from coldshare.identity import fingerprint

    return {
        "party": one.party,
        "joins": one.joining,
        "state": one.state,
        "fingerprint": None if one.report is None else fingerprint(one.report.public_key),
        "host": None if one.report is None else one.report.report.host_name,
        "reported": None if one.report is None else moment(one.report.report.time),
    }
