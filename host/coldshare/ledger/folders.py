"""What the commands at a folder tell the ledger; as `record`, for places that cannot say whose shares they hold.

Whose share a backup is, the ledger knows from when it was stored or opened. What else is in the folder, and in which
state, is looked at each time, so that what another computer did to the stick is noticed, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from coldshare.errors import EXIT_INTEGRITY, ColdshareError
from coldshare.ledger import events as e
from coldshare.ledger.differences import Listed, news, share_of
from coldshare.ledger.events import Body, Place
from coldshare.ledger.record import Say, file_place, has_code, keep, named, overwritten, vault_seen
from coldshare.paths import home, label

if TYPE_CHECKING:
    from coldshare.export import Exported
    from coldshare.ledger.store import Ledger
    from coldshare.places.folder import Contents, Kept
    from coldshare.places.shares import FolderBackup, FolderReseal
    from coldshare.restore import CheckedFile
    from coldshare.seal import Slot

__all__ = [
    "backed_up",
    "changed",
    "exported",
    "failed",
    "here",
    "listed",
    "place_and_contents",
    "resealed",
    "restored",
    "retired",
    "verified",
]

#: The ledger's words for the states in a folder, by their names. An unlisted one waits for somebody to settle it.
_STATES: Final = {"ACTIVE": e.ACTIVE, "NEXT": e.NEXT, "RETIRED": e.RETIRED, "UNLISTED": e.UNCONFIRMED}


def place_and_contents(where: str) -> tuple[Place, Contents]:
    """What is in the folder now. Raises as `places.folder.open_folder`."""
    from coldshare.places.folder import open_folder

    with open_folder(where, write=False) as folder:
        contents = folder.contents()
    return Place(e.FOLDER, contents.place_id), contents


def listed(contents: Contents) -> list[Listed]:
    return [Listed(kept.backup_id, None, kept.record.size, _state(kept)) for kept in contents.backups]


def backed_up(say: Say, where: str, done: FolderBackup) -> None:
    share = share_of(done.declaration)

    def build(ledger: Ledger) -> list[Body]:
        place, contents = place_and_contents(where)
        bodies = here(place, where)
        bodies += [*vault_seen(share, done.facts), e.ShareHandled(share, e.BACKED_UP)]
        bodies += [e.BackupGone(place, kept.backup_id, e.REPLACED) for kept in done.replaced]
        older = None if done.older is None else _generation(ledger, done.older.backup_id)
        if older is not None and older != share.generation:
            bodies.append(e.GenerationNewer(share.vault, share.generation, older))
        state = _states(contents).get(done.backup_id, e.ACTIVE)
        return [*bodies, e.BackupStored(place, done.backup_id, share, done.sealed_size, state, done.recovery)]

    keep(say, build)


def verified(say: Say, where: str, opened: Sequence[tuple[Kept, CheckedFile]], read: Sequence[Kept]) -> None:
    """`read` were read back whole, and of these the seals of `opened` were opened, too."""

    def build(ledger: Ledger) -> list[Body]:
        place, contents = place_and_contents(where)
        bodies = [*here(place, where), *_noticed(ledger, place, contents, e.MISSING)]
        states, told = _states(contents), {kept.backup_id: done for kept, done in opened}
        for kept in read:
            done = told.get(kept.backup_id)
            share = None if done is None else share_of(done.declaration)
            code = None if done is None else has_code(done.slots)
            if share is not None:
                bodies.append(e.ShareHandled(share, e.VERIFIED))
            state = states.get(kept.backup_id, _state(kept))
            size = kept.record.size
            bodies.append(e.BackupVerified(place, kept.backup_id, share, size, state, code, opened=share is not None))
        return bodies

    keep(say, build)


def failed(say: Say, where: str, kept: Kept, error: ColdshareError) -> None:
    """As `record.failed`."""
    if error.exit_status == EXIT_INTEGRITY:
        keep(say, lambda ledger: [e.BackupFailed(place_and_contents(where)[0], kept.backup_id, error.code)])


def restored(say: Say, where: str, done: CheckedFile) -> None:
    share = share_of(done.declaration)

    def build(ledger: Ledger) -> list[Body]:
        place, _ = place_and_contents(where)
        restored = e.BackupRestored(place, done.backup_id, share, done.sealed_size)
        return [*here(place, where), e.ShareHandled(share, e.RESTORED), restored]

    keep(say, build)


def resealed(say: Say, where: str, done: FolderReseal) -> None:
    share = share_of(done.declaration)

    def build(ledger: Ledger) -> list[Body]:
        place, contents = place_and_contents(where)
        state = _states(contents).get(done.backup_id, e.ACTIVE)
        return [
            *here(place, where),
            e.ShareHandled(share, e.VERIFIED),
            e.BackupGone(place, done.old_id, e.REPLACED),
            e.BackupStored(place, done.backup_id, share, done.sealed_size, state, done.recovery),
        ]

    keep(say, build)


def retired(
    say: Say, where: str, newer: bytes, generation: bytes | None, old: bytes | None, *, back: bool = False
) -> None:
    """A generation was retired in favour of that of the backup `newer`, or (`back`) taken back.

    It is `generation`, or that of the backup `old`. What the ledger does not know of the two is left out.
    """

    def build(ledger: Ledger) -> list[Body]:
        place, contents = place_and_contents(where)
        bodies = here(place, where)
        wanted = generation or (None if old is None else _generation(ledger, old))
        row = ledger.view().rows.get("sealed", newer)
        if row is not None and row["vault"] is not None and wanted is not None:
            vault = row["vault"]
            if back:
                bodies.append(e.GenerationUnRetired(vault, wanted, place))
            else:
                if row["generation"] != wanted:
                    bodies.append(e.GenerationNewer(vault, row["generation"], wanted))
                bodies.append(e.GenerationRetired(vault, wanted, place))
        return [*bodies, *_noticed(ledger, place, contents, e.MISSING)]

    keep(say, build)


def changed(say: Say, where: str, gone: Sequence[Kept], why: int) -> None:
    """These were taken out of the folder; `why` is one of `events.GONE`."""

    def build(ledger: Ledger) -> list[Body]:
        place, contents = place_and_contents(where)
        bodies: list[Body] = []
        for kept in gone:
            bodies += [
                e.BackupState(place, kept.backup_id, None, kept.record.size, _state(kept)),
                e.BackupGone(place, kept.backup_id, why),
            ]
        return [*here(place, where), *_noticed(ledger, place, contents, why), *bodies]

    keep(say, build)


def here(place: Place, where: str) -> list[Body]:
    """By which path it is there now, for a folder bears no name of its own; whether it is lost with this computer."""
    from coldshare.places import surroundings

    path = home(where)
    within = surroundings.built_in(path.resolve())
    return [*named(place, label(path)), *([] if within is None else [e.PlaceBuiltIn(place, within)])]


def exported(say: Say, done: Exported, kept: Kept, slots: Sequence[Slot]) -> None:
    """A sealed share went from the folder into a file of its own."""

    def build(ledger: Ledger) -> list[Body]:
        place = file_place(ledger.host, done.path)
        state = e.ACTIVE if kept.live else e.RETIRED
        stored = e.BackupStored(place, done.backup_id, None, done.size, state, has_code(slots))
        return [*named(place, label(done.path.absolute())), *overwritten(ledger, place, done.backup_id), stored]

    keep(say, build)


def _noticed(ledger: Ledger, place: Place, contents: Contents, why: int) -> list[Body]:
    """What is there, and in which state; what is not there any more is gone, because of `why`."""
    found = news(ledger.view(), place, listed(contents))
    return [e.BackupGone(place, one.backup_id, why) if isinstance(one, e.BackupGone) else one for one in found]


def _generation(ledger: Ledger, backup_id: bytes) -> bytes | None:
    row = ledger.view().rows.get("sealed", backup_id)
    generation: bytes | None = None if row is None else row["generation"]
    return generation


def _state(kept: Kept) -> int:
    return _STATES[kept.state.name]


def _states(contents: Contents) -> dict[bytes, int]:
    return {kept.backup_id: _state(kept) for kept in contents.backups}
