"""A folder that keeps sealed shares: every one twice, each with its digest, and an index that says what counts.

What is on a stick can be lost at any moment, and its file system (FAT, exFAT) promises little: a rename can leave both
names or none, and what was not waited for arrives in any order or in pieces. So

- a sealed share is written to new names, both copies, and waited for and read back before the index knows of it;
- the index alone decides. It stands there twice and is overwritten in place, one copy after the other; each has a
  sequence number and a digest, so one good copy, the old or the new one, is there at every moment;
- before a share's files are written or removed the index names them as loose, so that what a power cut leaves behind
  is known for what it is. Files that the index does not know at all are never removed: they are shown as unlisted.

This knows nothing of seals and keys: sealed shares are bytes here. One object is for one process that has the folder's
lock; everything it is asked is read from the folder again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from coldshare.places.errors import (
    FolderDamagedError,
    FolderForeignError,
    FolderFullError,
    FolderIndexError,
    FolderNotFoundError,
    FolderOtherGenerationError,
    FolderOtherPartyError,
    FolderReadBackError,
    FolderRetiredGenerationError,
    FolderWaitingError,
    NoFolderPlaceError,
    from_os,
)
from coldshare.places.files import ENTRIES_MAX, Files, Found, OnWait, OsFiles
from coldshare.places.format import (
    BACKUP_ID_LEN,
    BACKUPS_MAX,
    INDEX_MAX,
    INDEX_NAMES,
    LOOSE_MAX,
    README_NAME,
    RETIRED_MAX,
    SALT_LEN,
    TAG_MAX,
    Index,
    Listed,
    Record,
    Retired,
    State,
    backup_names,
    stem_of,
)
from coldshare.places.readme import README

__all__ = ["FOLDER_NAME", "Contents", "Finding", "Folder", "Kept", "Plan", "Stored", "open_folder", "place_of"]

#: The folder that coldshare makes in the one that it is given.
FOLDER_NAME: Final = "coldshare"
#: What systems leave on sticks by themselves.
_JUNK: Final = (".ds_store", "thumbs.db", "desktop.ini")
_OUR_README: Final = README.encode("ascii")

#: (bytes done, bytes in all), while a share is written or read back.
Progress = Callable[[int, int], None]
_T = TypeVar("_T", Index, Record)


def _silent(done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup in the folder. `present` says of each copy whether a file of the right size is there."""

    record: Record
    state: State
    present: tuple[bool, bool]

    @property
    def backup_id(self) -> bytes:
        return self.record.backup_id

    @property
    def live(self) -> bool:
        return self.state != State.RETIRED


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the folder. `strangers` are names of files that are not coldshare's; `crowded` is True when shares of
    two parties of one vault lie there, which nobody but a person can have brought together. `place_id` (16 bytes) tells
    this folder from others, wherever its stick is plugged in; a copy of the whole folder has the same."""

    place_id: bytes
    backups: tuple[Kept, ...]
    retired: tuple[Retired, ...]
    strangers: tuple[str, ...]
    crowded: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `mends` says that `Folder.repair` would put it right."""

    name: str
    words: str
    mends: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A backup that was stored. `replaced` gave way to it, `older` is of another generation and stands beside it."""

    kept: Kept
    replaced: tuple[Kept, ...]
    older: Kept | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new backup would be, what would give way to it, and what of another generation it would stand beside."""

    state: State
    replaced: tuple[Kept, ...]
    older: Kept | None


@dataclass(frozen=True, slots=True)
class _View:
    """The folder as it was just read. `copies` are the two of the index, None for a bad one; `names` has what is
    coldshare's by its name in lower case, because FAT does not tell `A` from `a`."""

    names: dict[str, Found]
    copies: tuple[Index | None, Index | None]
    strangers: tuple[str, ...]
    kept: tuple[Kept, ...] = ()
    bad_tags: tuple[str, ...] = ()
    debris: tuple[str, ...] = field(default=())

    @property
    def index(self) -> Index | None:
        good = [copy for copy in self.copies if copy is not None]
        return max(good, key=lambda copy: copy.sequence, default=None)

    @property
    def empty(self) -> bool:
        """Nothing that anybody could miss: at most an index that was never whole."""
        return self.index is None and not any(stem_of(name) for name in self.names)


def place_of(where: str) -> Path:
    """The folder that `folder:WHERE` keeps its files in; it need not be there. Raises FolderNotFoundError."""
    try:
        path = Path(where).expanduser().resolve(strict=True)
        if not path.is_dir():
            raise FolderNotFoundError(f"{where} is no folder.")
        if path.name.lower() == FOLDER_NAME and any(map(_is_ours, islice(path.iterdir(), ENTRIES_MAX))):
            return path  # the folder itself was named
    except (OSError, RuntimeError, ValueError):  # a loop of links, a home that nobody knows, a NUL
        raise FolderNotFoundError(f"There is no folder {where}.") from None
    return path / FOLDER_NAME


def _is_ours(path: Path) -> bool:
    return path.name.lower() in INDEX_NAMES or stem_of(path.name.lower()) is not None


@contextmanager
def open_folder(where: str, *, write: bool, create: bool = False, on_wait: OnWait | None = None) -> Iterator[Folder]:
    """The place `folder:WHERE`, with its lock: for one process to write, or for many to read.

    Raises FolderNotFoundError, NoFolderPlaceError where nothing was ever stored and not `create`, and what `from_os`
    makes of a failure.
    """
    path = place_of(where)
    if not create and not path.exists() and not path.is_symlink():
        raise NoFolderPlaceError(f"There is no folder {FOLDER_NAME!r} in {path.parent}, so no backup is there.")
    try:
        files = OsFiles(path, create=create, exclusive=write, on_wait=on_wait)
    except OSError as error:
        raise from_os(error, str(path)) from error
    try:
        yield Folder(files, str(path))
    finally:
        files.release()


class Folder:
    """The storage in one folder. `where` is for messages. Every method raises the classes of `places.errors`."""

    def __init__(self, files: Files, where: str, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self.where = where
        self._files = files
        self._random = random

    # --- looking

    def contents(self) -> Contents:
        """What is there, without reading the shares. Raises NoFolderPlaceError, FolderIndexError."""
        with self._asked():
            view = self._look()
            index = self._index_of(view)
            return Contents(index.salt, view.kept, index.retired, view.strangers, _crowded(view.kept))

    def check(self, vault: bytes, party: str, generation: bytes, *, newer: bool = False) -> Plan:
        """What `store` would do with such a share. Raises what it would refuse."""
        with self._asked():
            view = self._look()
            retired = () if view.empty else self._index_of(view).retired
            return _plan(view.kept, retired, vault, party, generation, newer=newer)

    def draw_id(self) -> bytes:
        """A random id for a new backup, whose names are free."""
        with self._asked():
            view = self._look()
            while True:
                backup_id = self._random(BACKUP_ID_LEN)
                if _free(view, backup_id):
                    return backup_id

    def read(self, kept: Kept, progress: Progress = _silent) -> bytes:
        """The sealed share, from the first copy that has its digest. Raises FolderDamagedError."""
        with self._asked():
            names = self._names()
            for name in backup_names(kept.backup_id)[:2]:
                data = self._copy(names, name, kept.record)
                progress(kept.record.size, kept.record.size)
                if data is not None:
                    return data
        raise FolderDamagedError(f"Both copies of backup {_short(kept)} in {self.where} are damaged or gone.")

    def scrub(self, backups: Iterable[Kept] | None = None) -> list[Finding]:
        """Read everything, or the index and these backups, from the disk, and tell what is not as it should be."""
        with self._asked():
            view = self._look()
            if view.empty:
                raise self._nothing()
            return [*self._index_findings(view), *self._backup_findings(view, backups), *_other_findings(view)]

    # --- changing

    def store(
        self,
        backup_id: bytes,
        sealed: bytes,
        vault: bytes,
        party: str,
        generation: bytes,
        *,
        newer: bool = False,
        instead_of: bytes | None = None,
        progress: Progress = _silent,
    ) -> Stored:
        """Keep a sealed share of `party` of the vault with that public key, of that generation.

        What it held before counts until both copies of this one have been written, waited for and read back. Refuses
        another party of the vault (rule 1), a retired generation, and another generation without `newer` (rule 5).
        With `instead_of` it takes the state of the backup with that id, and its place.
        """
        with self._asked():
            view = self._begin()
            index = self._index_of(view)
            plan = _plan(view.kept, index.retired, vault, party, generation, newer=newer, instead_of=instead_of)
            if not _free(view, backup_id):
                raise FolderForeignError(f"The name of this backup is taken in {self.where}: {backup_id.hex()[:8]}.")
            if len(index.backups) >= BACKUPS_MAX:
                raise FolderFullError(f"There are {BACKUPS_MAX} backups in {self.where} already, and no room for more.")
            record = Record.of(backup_id, index.salt, vault, party, generation, sealed)
            view = self._commit(view, replace(index, loose=(backup_id,)))
            try:
                self._write_backup(record, sealed, progress)
            except BaseException:
                with suppress(OSError):
                    self._remove_files([backup_id])
                raise
            gone = [kept.backup_id for kept in plan.replaced]
            stay = [listed for listed in index.backups if listed.record.backup_id not in gone]
            if plan.older is not None and plan.older.state == State.UNLISTED:
                stay.append(Listed(plan.older.record, State.ACTIVE))
            after = replace(
                self._index_of(view),
                backups=(*stay, Listed(record, plan.state)),
                loose=tuple(gone[:LOOSE_MAX]),
            )
            try:
                self._commit(view, after)
            except OSError as error:
                unknown = from_os(error, self.where)
                unknown.next_step += " This backup counts if coldshare list shows it."
                raise unknown from error
            # The new one is there, whatever comes now; whoever writes next removes what is left.
            with suppress(OSError):
                self._remove_files(gone[:LOOSE_MAX])
            return Stored(Kept(record, plan.state, (True, True)), plan.replaced, plan.older)

    def retire(self, newer: Kept, generation: Retired) -> None:
        """Let that generation count as older than `newer`, of the same vault, whose copies are read for that.

        Raises FolderDamagedError for a `newer` that is not whole, FolderFullError after 64 generations.
        """
        self.read(newer)
        with self._asked():
            view = self._begin()
            index = self._index_of(view)
            if generation not in index.retired and len(index.retired) >= RETIRED_MAX:
                raise FolderFullError(f"There are {RETIRED_MAX} retired generations in {self.where} already.")
            listed = dict(_states(view.kept, index))
            for kept in view.kept:
                if generation.of_record(kept.record):
                    listed[kept.record] = State.RETIRED
            listed[newer.record] = State.ACTIVE
            retired = tuple(dict.fromkeys((*index.retired, generation)))
            self._commit(view, replace(index, backups=_listing(listed), retired=retired, loose=()))

    def un_retire(self, generation: Retired) -> None:
        """Take that back: its backup, if there is one, is the active one, and the newer one waits beside it.

        Raises FolderWaitingError when another one waits already.
        """
        with self._asked():
            view = self._begin()
            index = self._index_of(view)
            listed = dict(_states(view.kept, index))
            old = next((kept for kept in view.kept if generation.of_record(kept.record)), None)
            if old is not None:
                others = [
                    record
                    for record, state in listed.items()
                    if record.same_share(old.record) and state in (State.ACTIVE, State.NEXT)
                ]
                if len(others) > 1:
                    raise FolderWaitingError
                listed.update(dict.fromkeys(others, State.NEXT))
                listed[old.record] = State.ACTIVE
            retired = tuple(one for one in index.retired if one != generation)
            self._commit(view, replace(index, backups=_listing(listed), retired=retired, loose=()))

    def remove(self, backups: Sequence[Kept]) -> None:
        """Remove the files of these. Where the active one goes, a next one takes its place and the generation of the
        one that went is retired. Flash memory may still hold what was removed."""
        with self._asked():
            view = self._begin()
            index = self._index_of(view)
            gone = {kept.backup_id for kept in backups}
            states = dict(_states(view.kept, index))
            retired = list(index.retired)
            listed = {record: state for record, state in states.items() if record.backup_id not in gone}
            for record, state in states.items():
                if record.backup_id in gone and state == State.ACTIVE:
                    for other in listed:
                        if listed[other] == State.NEXT and other.same_share(record):
                            listed[other] = State.ACTIVE
                            retired.append(Retired(record.salt, record.vault, record.generation))
            ids = [kept.backup_id for kept in backups][:LOOSE_MAX]
            after = replace(
                index,
                backups=_listing(listed),
                retired=tuple(dict.fromkeys(retired))[-RETIRED_MAX:],
                loose=tuple(ids),
            )
            self._commit(view, after)
            self._remove_files(ids)

    def repair(self) -> list[Finding]:
        """Put right what `scrub` says it would, and return that: a bad copy from the good one, the index from the
        files. A share of which no copy is good is left alone."""
        findings = [finding for finding in self.scrub() if finding.mends]
        with self._asked():
            view = self._look()
            index = view.index
            if index is None:
                index = self._rebuilt(view)
                view = replace(view, kept=self._kept(view.names, index)[0])
                self._commit(view, index)
            elif any(copy != index for copy in view.copies):
                self._commit(view, index)
            for kept in view.kept:
                self._mend(view.names, kept)
            self._write_readme(view)
            self._files.sync_names()
        return findings

    # --- the index

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise from_os(error, self.where) from error

    def _names(self) -> dict[str, Found]:
        return self._sorted_names()[0]

    def _sorted_names(self) -> tuple[dict[str, Found], tuple[str, ...]]:
        names: dict[str, Found] = {}
        strangers = []
        for found in sorted(self._files.scan(), key=lambda found: found.name, reverse=True):
            low = found.name.lower()
            if low not in names and (low in (*INDEX_NAMES, README_NAME) or stem_of(low)):
                names[low] = found
            elif low not in _JUNK and not low.startswith("._"):
                strangers.append(found.name)
        return names, tuple(sorted(strangers))

    def _look(self) -> _View:
        names, strangers = self._sorted_names()
        a, b = (self._index_copy(names, name) for name in INDEX_NAMES)
        view = _View(names, (a, b), strangers)
        if view.empty:
            return view
        kept, bad, debris = self._kept(names, view.index)
        return replace(view, kept=kept, bad_tags=bad, debris=debris)

    def _index_copy(self, names: dict[str, Found], name: str) -> Index | None:
        return self._decoded(names, name, INDEX_MAX, Index.decode)

    def _decoded(self, names: dict[str, Found], name: str, limit: int, decode: Callable[[bytes], _T]) -> _T | None:
        """None where there is no such file, or a damaged one. Raises FolderForeignError for what is no file, and
        FolderNewerError."""
        found = names.get(name)
        if found is None:
            return None
        if not found.plain:
            raise FolderForeignError(f"{found.name} in {self.where} is a folder, a link or a device, and no file.")
        if found.size > limit:
            return None
        with suppress(ValueError):
            return decode(self._files.read(found.name, limit))
        return None

    def _kept(
        self, names: dict[str, Found], index: Index | None
    ) -> tuple[tuple[Kept, ...], tuple[str, ...], tuple[str, ...]]:
        """Every backup that the index or a record tells of; the names of bad records; the names of what is neither."""
        listed = {} if index is None else {one.record.backup_id.hex()[:8]: one for one in index.backups}
        loose = set() if index is None else {one.hex()[:8] for one in index.loose}
        retired = () if index is None else index.retired
        kept = [Kept(one.record, one.state, _present(names, one.record)) for one in listed.values()]
        bad, debris = [], []
        for stem in sorted({found for found in map(stem_of, names) if found}):
            record = self._decoded(names, f"{stem}.tag", TAG_MAX, Record.decode)
            if record is not None and record.backup_id.hex()[:8] != stem:
                record = None
            if stem in listed:
                if record != listed[stem].record:
                    bad.append(f"{stem}.tag")
            elif stem not in loose:
                present = (False, False) if record is None else _present(names, record)
                if record is None or not any(present):
                    debris += [name for name in names if stem_of(name) == stem]
                    continue
                old = any(one.of_record(record) for one in retired)
                kept.append(Kept(record, State.RETIRED if old else State.UNLISTED, present))
        return tuple(kept), tuple(bad), tuple(debris)

    def _index_of(self, view: _View) -> Index:
        """Raises NoFolderPlaceError, FolderIndexError."""
        if view.index is not None:
            return view.index
        if view.empty:
            raise self._nothing()
        raise FolderIndexError(f"Both copies of the list of what is in {self.where} are damaged or gone.")

    def _nothing(self) -> NoFolderPlaceError:
        return NoFolderPlaceError(f"No backup is in {self.where}.")

    def _begin(self) -> _View:
        """Before a change: both copies of the index alike, and nothing loose. Makes what an empty folder needs."""
        view = self._look()
        if view.empty:
            self._write_readme(view)
            return self._commit(view, Index(0, self._random(SALT_LEN)))
        index = self._index_of(view)
        if any(copy != index for copy in view.copies):
            view = self._commit(view, index)
        if index.loose:
            self._remove_files(index.loose)
            view = self._look()
        return view

    def _commit(self, view: _View, index: Index) -> _View:
        """Make `index` what counts: one copy, then the other one, each waited for and read back. The copy that is not
        the present index, if there is one, goes first, so that a good one is there all the time."""
        after = replace(index, sequence=index.sequence + 1)
        data = after.encode()
        present = view.index
        order = sorted(range(2), key=lambda number: view.copies[number] == present)
        names = dict(view.names)
        for number in order:
            name = INDEX_NAMES[number]
            if name in names:
                self._overwrite(names[name].name, data)
            else:
                self._write_new(name, data)
                self._files.sync_names()
                names[name] = Found(name, len(data), plain=True)
            if self._files.read(names[name].name, INDEX_MAX) != data:
                raise FolderReadBackError(f"The list of what is in {self.where} does not read back.")
        return replace(view, names=names, copies=(after, after))

    def _rebuilt(self, view: _View) -> Index:
        """From the records. Of two generations of one share nobody but a person knows the order, so both stay
        unlisted; so do shares of two parties of one vault, and what has no good copy."""
        whole = [kept for kept in view.kept if any(self._good(view.names, kept))]
        salt = whole[0].record.salt if whole else self._random(SALT_LEN)
        listed = {}
        for kept in whole:
            rivals = [
                one.record
                for one in whole
                if (one.record.salt, one.record.vault) == (kept.record.salt, kept.record.vault)
            ]
            alike = {(one.party, one.generation) for one in rivals} == {(kept.record.party, kept.record.generation)}
            if alike and not any(one in listed for one in rivals):
                listed[kept.record] = State.ACTIVE
        return Index(0, salt, _listing(listed))

    # --- files

    def _write_backup(self, record: Record, sealed: bytes, progress: Progress) -> None:
        contents = dict(zip(backup_names(record.backup_id), (sealed, sealed, record.encode()), strict=True))
        total, done = sum(map(len, contents.values())), 0
        for name, data in contents.items():
            self._write_new(name, data)
            done += len(data)
            progress(done, total)
        self._files.sync_names()
        for name, data in contents.items():
            if self._files.read(name, len(data)) != data:
                raise FolderReadBackError(f"{name} in {self.where} does not read back as it was written.")

    def _write_readme(self, view: _View) -> None:
        """Whatever a person has written there stays."""
        found = view.names.get(README_NAME)
        if found is None:
            self._write_new(README_NAME, _OUR_README)
        elif found.plain and not found.size:
            self._overwrite(found.name, _OUR_README)

    def _write_new(self, name: str, data: bytes) -> None:
        """A new file, on the disk when this returns; its name is only after `sync_names`."""
        self._fill(self._files.create(name), data)

    def _overwrite(self, name: str, data: bytes) -> None:
        self._fill(self._files.open(name), data)

    def _fill(self, handle: int, data: bytes) -> None:
        try:
            self._files.write(handle, data)
            self._files.truncate(handle, len(data))
            self._files.sync(handle)
        finally:
            self._files.close(handle)

    def _remove_files(self, ids: Iterable[bytes]) -> None:
        names = self._names()
        removed = False
        for backup_id in ids:
            for name in backup_names(backup_id):
                if name in names and names[name].plain:
                    self._files.remove(names[name].name)
                    removed = True
        if removed:
            self._files.sync_names()

    def _copy(self, names: dict[str, Found], name: str, record: Record) -> bytes | None:
        """The file, if it is what the record says."""
        found = names.get(name)
        if found is None or not found.plain or found.size != record.size:
            return None
        data = self._files.read(found.name, record.size)
        return data if record.fits(data) else None

    def _good(self, names: dict[str, Found], kept: Kept) -> tuple[bool, bool]:
        a, b = (self._copy(names, name, kept.record) is not None for name in backup_names(kept.backup_id)[:2])
        return a, b

    def _mend(self, names: dict[str, Found], kept: Kept) -> None:
        copies = [self._copy(names, name, kept.record) for name in backup_names(kept.backup_id)[:2]]
        good = next((data for data in copies if data is not None), None)
        wanted: list[tuple[str, bytes]] = []
        if good is not None:
            wanted = [
                (name, good)
                for name, data in zip(backup_names(kept.backup_id)[:2], copies, strict=True)
                if data is None
            ]
        tag = backup_names(kept.backup_id)[2]
        if self._decoded(names, tag, TAG_MAX, Record.decode) != kept.record:
            wanted.append((tag, kept.record.encode()))
        for name, data in wanted:
            if name not in names:
                self._write_new(name, data)
                self._files.sync_names()
            elif names[name].plain:
                self._overwrite(names[name].name, data)
            else:
                continue  # somebody's link or folder: it is told, and theirs to move
            if self._files.read(names[name].name if name in names else name, len(data)) != data:
                raise FolderReadBackError(f"{name} in {self.where} does not read back as it was written.")

    # --- findings

    def _index_findings(self, view: _View) -> list[Finding]:
        index = view.index
        if index is None:
            return [Finding("index", "both copies of the list are damaged or gone; it can be made anew", mends=True)]
        return [
            Finding(name, "is damaged or gone" if copy is None else "is older than the other copy", mends=True)
            for name, copy in zip(INDEX_NAMES, view.copies, strict=True)
            if copy != index
        ]

    def _backup_findings(self, view: _View, backups: Iterable[Kept] | None) -> list[Finding]:
        wanted = None if backups is None else {kept.backup_id for kept in backups}
        findings = []
        for kept in view.kept:
            if wanted is not None and kept.backup_id not in wanted:
                continue
            good = self._good(view.names, kept)
            for name, fine in zip(backup_names(kept.backup_id)[:2], good, strict=True):
                if not fine:
                    words = "is damaged" if name in view.names else "is gone"
                    foreign = name in view.names and not view.names[name].plain
                    end = "the other copy is good" if any(good) else "and so is the other copy"
                    findings.append(Finding(name, f"{words}; {end}", mends=any(good) and not foreign))
        findings += [
            Finding(name, "is damaged or gone; the list has what it says", mends=True) for name in view.bad_tags
        ]
        return findings


def _other_findings(view: _View) -> list[Finding]:
    findings = []
    readme = view.names.get(README_NAME)
    if readme is None or (readme.plain and not readme.size):
        findings.append(Finding(README_NAME, "is gone or empty", mends=True))
    findings += [Finding(name, "belongs to no backup that is whole", mends=False) for name in view.debris]
    return findings


def _plan(
    kept: Sequence[Kept],
    retired: Sequence[Retired],
    vault: bytes,
    party: str,
    generation: bytes,
    *,
    newer: bool,
    instead_of: bytes | None = None,
) -> Plan:
    """What a new backup does to what is there, by rules 1 and 5. What no index lists counts, too."""
    of_vault = [one for one in kept if one.record.is_vault(vault)]
    other = next((one for one in of_vault if not one.record.is_party(vault, party)), None)
    if other is not None:
        raise FolderOtherPartyError(
            f"Backup {_short(other)} in this folder is the share of another party of the same vault."
        )
    if instead_of is not None:
        old = next((one for one in of_vault if one.backup_id == instead_of), None)
        if old is None or not old.live:
            raise FolderWaitingError("The backup whose place this one is to take is not in this folder any more.")
        return Plan(State.ACTIVE if old.state == State.UNLISTED else old.state, (old,), None)
    if any(one.holds(vault, generation) for one in retired):
        raise FolderRetiredGenerationError
    live = [one for one in of_vault if one.live]
    same = tuple(one for one in live if one.record.is_generation(generation))
    others = [one for one in live if one not in same]
    state = next((one.state for one in same if one.state != State.UNLISTED), None)
    if state == State.ACTIVE and others:
        raise FolderOtherGenerationError(
            "A share of another generation waits beside the one that counts, and this is the one that counts now.",
            next_step=(
                f"If the other one is newer, this one is stale: coldshare retire {_short(same[0])}. If it should not "
                f"be there: coldshare remove {_short(others[0])}"
            ),
        )
    if state is not None:
        return Plan(state, same, next((one for one in others if one.state == State.ACTIVE), None))
    if not others:
        return Plan(State.ACTIVE, same, None)
    if len(others) > 1:
        raise FolderWaitingError(
            f"Several shares of other generations are in this folder: {', '.join(map(_short, others))}."
        )
    if not newer:
        raise FolderOtherGenerationError(
            f"Backup {_short(others[0])} in this folder is the share of this party from another generation."
        )
    return Plan(State.NEXT, same, others[0])


def _free(view: _View, backup_id: bytes) -> bool:
    """Whether no file and no backup has the names that this one needs."""
    stem = backup_id.hex()[:8]
    return all(stem_of(name) != stem for name in view.names) and all(_short(one) != stem for one in view.kept)


def _states(kept: Sequence[Kept], index: Index) -> Iterator[tuple[Record, State]]:
    """What the index lists, and what is of a retired generation though no index lists it."""
    yield from ((one.record, one.state) for one in index.backups)
    listed = {one.record for one in index.backups}
    yield from ((one.record, one.state) for one in kept if one.state == State.RETIRED and one.record not in listed)


def _listing(states: dict[Record, State]) -> tuple[Listed, ...]:
    return tuple(Listed(record, state) for record, state in states.items())[:BACKUPS_MAX]


def _present(names: dict[str, Found], record: Record) -> tuple[bool, bool]:
    a, b = (
        name in names and names[name].plain and names[name].size == record.size
        for name in backup_names(record.backup_id)[:2]
    )
    return a, b


def _crowded(kept: Sequence[Kept]) -> bool:
    parties: dict[tuple[bytes, bytes], bytes] = {}
    return any(
        parties.setdefault((one.record.salt, one.record.vault), one.record.party) != one.record.party for one in kept
    )


def _short(kept: Kept) -> str:
    return kept.backup_id.hex()[:8]
