"""What is possible after a loss, in words for somebody who is frightened: short steps, and commands to be pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from coldshare.cli.judged import kind, proofs, where
from coldshare.cli.paper import GAP, Line, head, numbered, point, typed
from coldshare.reshare.family import vultisig_threshold
from coldshare.safety.advice import Note, listed
from coldshare.safety.sources import OPENS
from coldshare.vault.facts import is_server_id

if TYPE_CHECKING:
    from coldshare.cli.render import Look
    from coldshare.ledger.queries import PlaceInfo
    from coldshare.safety.sources import Source
    from coldshare.safety.ways import OldSet, Ways

__all__ = ["lines"]

_POSSIBLE: Final[dict[str, tuple[str, Look]]] = {
    "both": ("There are two ways back, and both are possible now.", "good"),
    "import": ("There is a way back: import its backup.", "good"),
    "reshare": ("There is a way back: reshare from the other devices.", "good"),
    "neither": ("NEITHER WAY BACK IS POSSIBLE NOW.", "danger"),
    "unordered": ("NOTHING CAN BE RECOMMENDED YET: nothing tells which generation of this vault counts.", "danger"),
    "half_reshared": ("NOTHING CAN BE RECOMMENDED YET: a reshare of this vault is under way.", "attend"),
    "not_member": ("Nothing has to be brought back.", "good"),
}


def lines(ways: Ways, now: int) -> list[Line]:
    """All of it, most urgent first. Every command stands alone in its line. `now` is in microseconds since 1970."""
    out = [head(*_POSSIBLE[ways.verdict]), *_signs(ways)]
    if ways.helped and ways.member:
        out += [GAP, *_which(ways)]
    if first := _first(ways):
        out += _section(first, ways.missing)
    if ways.import_.possible:
        out += [GAP, head(f"WAY A: import the backup of {ways.party}"), *numbered(_import(ways, now))]
        out += _others(ways.import_.sources[1:], now)
    if ways.reshare.possible:
        out += [GAP, head(f"WAY B: reshare without {ways.party}"), *numbered(_reshare(ways, now))]
        out += [point(f"Note: {note.words}", "attend") for note in ways.reshare.notes]
    for one in ways.older:
        out += [GAP, *_older(one, now)]
    if not ways.import_.possible and ways.import_.sources:
        out += _kept(ways, now)
    out += _section("What NOT to do", ways.never, "attend")
    if not first:
        out += _section("What is missing", ways.missing)
    return [*out, *_section("Afterwards", ways.after)]


def _first(ways: Ways) -> str:
    """Under which words what is missing comes first; empty where it can wait."""
    if not ways.helped:
        return "Look for this first" if ways.verdict == "neither" else "Do this first"
    return "Do this first" if is_server_id(ways.party) else ""


def _signs(ways: Ways) -> Iterator[Line]:
    generation = ways.generation
    if generation is None or not ways.member:
        return
    ready = [one.title for one in ways.reshare.ready]
    left = listed(ready) if ready else "none"
    t, unknown = generation.threshold, ways.reshare.unknown
    if len(ready) >= t:
        yield Line(f"Without it the vault can still sign: it needs {t} of {generation.parties}, and has {left}.")
    elif ways.verdict == "neither":
        yield Line(
            f"Signing needs {t} of {generation.parties} shares, and {ways.reach or 'none'} can be had. "
            f"The other devices left: {left}."
        )
    else:
        if unknown:
            left = f"{f'{left}, and ' if ready else ''}{unknown} that this ledger does not know"
        yield Line(
            f"Until then the vault may not be able to sign: it needs {t} of {generation.parties}. "
            f"The other devices left: {left}."
        )


def _which(ways: Ways) -> Iterator[Line]:
    yield Line("First of all: reset no other device, and import nothing anywhere but as it is written here.")
    if is_server_id(ways.party):
        return
    told = {"import": "way A", "reshare": "way B"}
    destroyed, stolen = ways.recommended.destroyed, ways.recommended.stolen
    if destroyed is not None:
        yield point(f"The device is destroyed, or was wiped, for certain: {told[destroyed]}.")
    if stolen == "reshare":
        words = "way B, and soon. Until then, whoever has it has a share that works."
    elif _noted(ways, "chain_keys"):
        words = "way A, and then move the funds to a new vault: a reshare does not renew all of its keys."
    elif _noted(ways, "gg20_migrate"):
        words = (
            "way A; then migrate the vault in the wallet's app, and reshare. Until then, whoever has it has a share."
        )
    else:
        words = "way A, and then a reshare with the new device: only that outdates the share on the lost one."
    yield point(f"Somebody may have it: {words}")


def _noted(ways: Ways, code: str) -> bool:
    return any(note.code == code for note in ways.reshare.notes)


def _import(ways: Ways, now: int) -> Iterator[list[Line]]:
    best, onto = ways.import_.sources[0], ways.import_.onto
    yield [
        Line(
            f"Take a device that has no share of {ways.vault.name!r}, with the wallet's app on it. Here it is called "
            f"{onto!r}; any name of its own will do."
        )
    ]
    yield from _elsewhere(ways)
    yield _restore(best, now)
    yield [Line(f"Import {best.out} in the app on that device. Then delete the file.")]
    for one in ways.import_.also:
        source = one.sources[0]
        yield [Line(f"That is not enough to sign. Bring {one.party} back, too, onto another device, {one.onto!r}:")]
        yield _restore(source, now)
        yield [Line(f"Import {source.out} in the app on {one.onto!r}. Then delete the file.")]
    yield [Line("Let the vault sign something small. Then look at where you stand:"), typed("coldshare status")]


def _elsewhere(ways: Ways) -> Iterator[list[Line]]:
    """Whoever sees the command first would type it first."""
    if any(note.code == "single_host" for note in ways.never):
        yield [
            Line(
                "Not on this computer: it has had another party's share (rule 1). Take what it knows along to one that "
                "has had none, and go on there:"
            ),
            typed("coldshare ledger export ledger.txt"),
            typed("coldshare ledger import ledger.txt"),
        ]


def _restore(source: Source, now: int) -> list[Line]:
    best, *others = source.openings
    out = [
        Line(f"{_fetch(best.absent)}Restore backup {_named(source, now)}. It opens with {OPENS[best.by]}:"),
        typed(best.command),
    ]
    for one in others:
        fetch = f"g{_fetch(one.absent)[1:-2]}, and open it " if one.absent else ""
        out += [Line(f"Or {fetch}with {OPENS[one.by]}:"), typed(one.command)]
    return out


def _fetch(absent: Sequence[PlaceInfo]) -> str:
    return f"Get {listed([_place(info) for info in absent])}. " if absent else ""


def _place(info: PlaceInfo) -> str:
    return f"{info.title} ({', '.join([kind(info.place), *where(info)])})"


def _named(one: Source, now: int) -> str:
    backup = one.copy.backup
    return f"{backup.backup_id.hex()[:8]}, at {_place(one.copy.place)}: {', '.join(proofs(backup, now))}"


def _others(rest: Sequence[Source], now: int) -> Iterator[Line]:
    if rest:
        yield Line("Other backups of it, if that one fails:", mark="  ")
    for one in rest:
        yield point(_named(one, now))
        yield typed(one.openings[0].command)


def _reshare(ways: Ways, now: int) -> Iterator[list[Line]]:
    reshare = ways.reshare
    if reshare.first:
        yield from _elsewhere(ways)
    for one in reshare.first:
        source = one.sources[0]
        yield [
            Line(
                f"{one.party} has to take part, and has no device that could. Bring its share back first, onto a "
                f"device without a share of this vault, here called {one.onto!r}:"
            )
        ]
        yield _restore(source, now)
        yield [Line(f"Import {source.out} in the wallet's app on {one.onto!r}. Then delete the file.")]
    if _noted(ways, "gg20_migrate"):
        back = ", also the one of way A" if ways.import_.possible else ""
        yield [
            Line(f"Migrate the vault in the wallet's app, with all its devices{back}. Only then can it be reshared.")
        ]
    if reshare.command:
        begun = "A reshare of it has begun already. See what it waits for:"
        yield [
            Line(begun if reshare.under_way else "Let coldshare check that it can be made, and say what to mind:"),
            typed(reshare.command),
        ]
    names = [*(one.title for one in reshare.ready), *(one.onto for one in reshare.first)]
    if reshare.unknown:
        names.append(f"the {reshare.unknown} that this ledger does not know")
    names.append(f"a new device in place of {ways.party}")
    count = len(reshare.ready) + len(reshare.first) + reshare.unknown + 1
    begin = "If no app has made it yet: in" if reshare.under_way else "In"
    yield [
        Line(
            f"{begin} the wallet's app, begin a reshare of {ways.vault.name!r}. Let these take part: {listed(names)}. "
            f"Of these {count}, any {vultisig_threshold(count)} sign afterwards. Whoever takes no part is no party "
            "any more, and keeps an old share."
        )
    ]
    own = "On every device export the vault file. Back it up on a computer of its own, into a place of its own"
    if reshare.command:
        yield [Line(f"{own}; that checks and reports the new share, too:"), typed("coldshare reshare next FILE")]
        yield [Line("Bring the reports together:"), typed("coldshare reshare join REPORT")]
        yield [
            Line(
                "Let the vault sign something small. When it has, and all reports are there, let the new shares count:"
            ),
            typed("coldshare reshare finish"),
        ]
        yield [Line("Look at where you stand:"), typed("coldshare status")]
    else:
        yield [Line(f"{own}, and prove it:"), typed("coldshare backup FILE --newer"), typed("coldshare verify")]
        yield [Line("Let the vault sign something small. Then look at where you stand:"), typed("coldshare status")]


def _older(one: OldSet, now: int) -> Iterator[Line]:
    generation = one.generation
    live = f" {listed(one.live)} may still have one on the device." if one.live else ""
    yield head(f"LAST RESORT: older shares, of generation {generation.generation.hex()[:8]}", "attend")
    yield Line(
        f"Any {generation.threshold} of them sign with each other, and with nothing newer. There are backups of "
        f"{listed(sorted(one.sources))}.{live}",
        mark="  ",
    )
    handiest = sorted(one.sources, key=lambda party: (not one.sources[party][0].at_hand, party))
    steps = []
    for party in handiest[: generation.threshold]:
        best = one.sources[party][0]
        steps += [
            [Line(f"{party}, onto an empty device of its own:")],
            _restore(best, now),
            [Line(f"Import {best.out} there. Then delete the file.")],
        ]
    steps.append([Line("When they have signed together, reshare at once, or move the funds to a new vault.")])
    yield from numbered(steps)


def _kept(ways: Ways, now: int) -> Iterator[Line]:
    alone = "They cannot be used yet" if ways.generation is None else "Alone they cannot sign"
    yield GAP
    yield head(f"Backups of {ways.party} that would open. {alone}; keep them:")
    for one in ways.import_.sources:
        generation = one.copy.backup.generation if ways.generation is None else None
        yield point(_named(one, now) + ("" if generation is None else f"; generation {generation.hex()[:8]}"))


def _section(title: str, notes: Iterable[Note], look: Look = "strong") -> Iterator[Line]:
    for number, note in enumerate(notes):
        if number == 0:
            yield GAP
            yield head(f"{title}:", look)
        yield point(note.words + (f" (rule {note.rule})" if note.rule is not None else ""))
        if note.command:
            yield typed(note.command)
