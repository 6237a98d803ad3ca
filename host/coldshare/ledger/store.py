"""A ledger: events that are only ever added, and the tables that follow from them, in one transaction."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from coldshare.files import locked
from coldshare.home import ledger_path
from coldshare.ledger.database import Database
from coldshare.ledger.errors import (
    LedgerAlteredError,
    LedgerDamagedError,
    LedgerFullError,
    LedgerNewerError,
    NoLedgerError,
)
from coldshare.ledger.events import (
    HOST_SIZE,
    POSITION_MAX,
    TIME_MAX,
    UUID_SIZE,
    Body,
    Event,
    EventError,
    LedgerJoined,
)
from coldshare.ledger.joining import heads
from coldshare.ledger.projection import fold, news
from coldshare.ledger.queries import View
from coldshare.ledger.rows import RowError, Rows
from coldshare.ledger.tables import EVENT, LEDGER, METADATA, PROJECTED, PROJECTION, SCHEMA

__all__ = ["EVENTS_MAX", "Ledger", "Merged", "ledger_path"]

EVENTS_MAX: Final = 65_536

#: What changes the kept tables from that version to the next. The projection needs none: it is made anew.
MIGRATIONS: Final[dict[int, Callable[[Connection], None]]] = {}


def _now() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Merged:
    """What a union with other events brought: those that were `new`, and how many were `known` already."""

    new: tuple[Event, ...]
    known: int


class Ledger:
    """The ledger in that file. Every change goes through `record` or `merge`; nothing is ever taken out.

    Its methods raise `LedgerBusyError`, `LedgerFailedError` and `LedgerDamagedError`. `now` is the time in microseconds
    since 1970.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        now: Callable[[], int] = _now,
        random: Callable[[int], bytes] = secrets.token_bytes,
        busy: float | None = None,
    ) -> None:
        """Open it, make it where there is none and `create` says so, and bring an older one up to date.

        Also raises NoLedgerError, LedgerForeignError and LedgerNewerError.
        """
        self.path = path
        self._now = now
        self._random = random
        waits = {} if busy is None else {"busy": busy}
        if create:
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Making and migrating: one process at a time, which SQLite alone does not see to while there is no table.
            with locked(path):
                self._database = Database(path, create=True, tables=_KEPT, **waits)
                self._begin(create)
        else:
            self._database = Database(path, create=False, tables=_KEPT, **waits)
            self._begin(create)

    def _begin(self, create: bool) -> None:
        try:
            self._prepare(create)
        except BaseException:
            self._database.close()
            raise

    @property
    def writable(self) -> bool:
        return self._database.writable

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, bodies: Sequence[Body]) -> list[Event]:
        """Add what happened just now, all of it or nothing. What is no news is left out; returns what was added.

        Raises LedgerFullError, and ValueError for a body that the format has no room for.
        """
        with self._database.writing() as connection:
            rows = self._load(connection)
            position = _last(connection)
            added: list[Event] = []
            for body in bodies:
                now = self._time()
                event = Event(
                    uuid=self._random(UUID_SIZE),
                    time=now,
                    position=min(max(now, position + 1), POSITION_MAX),
                    host=self.host,
                    body=body,
                )
                if not news(rows, event):
                    continue
                position = event.position
                added.append(event)
            self._commit(connection, added, rows)
        return added

    def moment(self) -> int:
        """The time, or where the clock was turned back since, the position of what would be recorded now: what other
        computers are told with it comes after all that this one has recorded."""
        with self._database.reading() as connection:
            return min(max(self._time(), _last(connection) + 1), TIME_MAX)

    def _time(self) -> int:
        return min(max(self._now(), 0), TIME_MAX)

    def merge(self, events: Iterable[Event]) -> Merged:
        """Take in the events of another ledger, or of this one from before: the union of both, whatever came first.

        Raises LedgerAlteredError and LedgerFullError; then nothing has changed.
        """
        given = {event.uuid: event for event in events}
        with self._database.writing() as connection:
            ours = {event.uuid: event for event in self._events(connection)}
            for uuid, event in given.items():
                if uuid in ours and ours[uuid] != event:
                    raise LedgerAlteredError(
                        f"Event {uuid.hex()[:8]} stands in both ledgers and says different things."
                    )
            new = sorted((event for uuid, event in given.items() if uuid not in ours), key=lambda one: one.order)
            if new:
                self._commit(connection, new, fold([*ours.values(), *new]), anew=True)
        return Merged(tuple(new), len(given) - len(new))

    def join(self, events: Iterable[Event]) -> Merged:
        """As `merge`, for the whole ledger of another computer: from now on it is certain that what this one records
        came after what stands there."""
        merged = self.merge(events)
        if any(not isinstance(event.body, LedgerJoined) for event in merged.new):
            # Without room for that nothing is lost but an order.
            with suppress(LedgerFullError):
                self.record([LedgerJoined(heads(self.events(), self.host))])
        return merged

    def _commit(self, connection: Connection, added: Sequence[Event], rows: Rows, *, anew: bool = False) -> None:
        """The one place where events and tables are written. `rows` are what all events come to, `added` included."""
        if not added:
            return
        if _count(connection) + len(added) > EVENTS_MAX:
            raise LedgerFullError(f"{self.path} has no room for more than {EVENTS_MAX} events.")
        connection.execute(insert(EVENT), [_row(event) for event in added])
        if anew:
            self._write_anew(connection, rows)
            return
        for table, row, new in rows.dirty():
            if new:
                connection.execute(insert(table).values(**row))
            else:
                key = rows.key_of(table, row)
                connection.execute(
                    update(table).where(*(table.c[name] == value for name, value in key.items())).values(**row)
                )

    def events(self) -> list[Event]:
        """All of them, in order."""
        with self._database.reading() as connection:
            return list(self._events(connection))

    def view(self) -> View:
        """What they come to, at one moment."""
        with self._database.reading() as connection:
            return View(fold(self._events(connection)) if self._stale else self._load(connection), self.host)

    def check(self) -> list[str]:
        """What is wrong with it, in sentences; nothing where all is well. The tables are held against the events."""
        try:
            found = self._database.integrity()
            with self._database.reading() as connection:
                events = self._check_events(connection, found)
                if not self._stale:
                    try:
                        differ = fold(events).same(self._load(connection))
                    except LedgerDamagedError:
                        found.append("The tables hold what no event can have put there.")
                    else:
                        found += [f"The table {name!r} does not follow from the events." for name in differ]
        except LedgerDamagedError as error:
            return [error.message]
        return found

    def _check_events(self, connection: Connection, found: list[str]) -> list[Event]:
        good = []
        for number, row in enumerate(connection.execute(_IN_ORDER), start=1):
            try:
                good.append(_event(*row))
            except EventError:
                found.append(f"Event {number} is damaged.")
        return good

    def readable(self) -> tuple[list[Event], int]:
        """All events that can be read of a damaged ledger, and how many others there are."""
        found: list[str] = []
        with self._database.reading() as connection:
            return self._check_events(connection, found), len(found)

    def rebuild(self) -> None:
        """Make the tables anew from the events."""
        with self._database.writing() as connection:
            self._write_anew(connection, fold(self._events(connection)))

    # --- the file

    def _prepare(self, create: bool) -> None:
        self._stale = False
        if not self._database.names and not create:
            raise NoLedgerError
        if not self._database.names:
            with self._database.writing() as connection:
                self.host = self._random(HOST_SIZE)
                METADATA.create_all(connection)
                connection.execute(insert(LEDGER).values(id=1, schema=SCHEMA, projection=PROJECTION, host=self.host))
            return
        with self._database.reading() as connection:
            schema, projection, self.host = self._versions(connection)
        if schema > SCHEMA or projection > PROJECTION:
            raise LedgerNewerError(f"{self.path} was written by a newer version of coldshare.")
        if (schema, projection) == (SCHEMA, PROJECTION):
            return
        if not self._database.writable:
            if schema != SCHEMA:
                raise LedgerDamagedError(f"{self.path} is of an older version, and cannot be brought up to date here.")
            self._stale = True
            return
        with self._database.writing() as connection:
            schema, _, _ = self._versions(connection)
            for version in range(schema, SCHEMA):
                MIGRATIONS[version](connection)
            self._write_anew(connection, fold(self._events(connection)))
            connection.execute(update(LEDGER).values(schema=SCHEMA, projection=PROJECTION))

    def _versions(self, connection: Connection) -> tuple[int, int, bytes]:
        rows = connection.execute(select(LEDGER.c.schema, LEDGER.c.projection, LEDGER.c.host)).all()
        match rows:
            case [(int(schema), int(projection), bytes(host))] if len(host) == HOST_SIZE and schema > 0:
                return schema, projection, host
        raise LedgerDamagedError(f"{self.path} does not say which version it is.")

    def _events(self, connection: Connection) -> Iterator[Event]:
        for number, row in enumerate(connection.execute(_IN_ORDER), start=1):
            try:
                yield _event(*row)
            except EventError:
                raise LedgerDamagedError(f"{self.path} is damaged: event {number} cannot be read.") from None

    def _load(self, connection: Connection) -> Rows:
        rows = Rows()
        try:
            for name, whole in _WHOLE.items():
                for row in connection.execute(whole).mappings():
                    rows.load(name, row)
        except RowError:
            raise LedgerDamagedError(
                f"{self.path} is damaged: its tables hold what no event can have put there."
            ) from None
        return rows

    @staticmethod
    def _write_anew(connection: Connection, rows: Rows) -> None:
        tables = list(PROJECTED.values())
        METADATA.drop_all(connection, tables)
        METADATA.create_all(connection, tables)
        for name, table in PROJECTED.items():
            found = rows.all(name)
            if found:
                connection.execute(insert(table), found)


#: What a ledger has in every version.
_KEPT: Final = frozenset((LEDGER.name, EVENT.name))
#: Every row of each table. Made once: SQLAlchemy would look at each anew whenever a ledger is read.
_WHOLE: Final = {name: select(table) for name, table in PROJECTED.items()}
_IN_ORDER: Final = select(EVENT.c.uuid, EVENT.c.position, EVENT.c.data, EVENT.c.digest).order_by(
    EVENT.c.position, EVENT.c.uuid
)


def _row(event: Event) -> dict[str, object]:
    data = event.encode()
    return {"uuid": event.uuid, "position": event.position, "data": data, "digest": hashlib.sha256(data).digest()}


def _event(uuid: object, position: object, data: object, digest: object) -> Event:
    """The event of a row. Raises EventError for one that was not written so."""
    if not isinstance(data, bytes) or hashlib.sha256(data).digest() != digest:
        raise EventError("damaged")
    event = Event.decode(data)
    if (event.uuid, event.position) != (uuid, position):
        raise EventError("damaged")
    return event


def _last(connection: Connection) -> int:
    """The latest position, -1 where there is none."""
    latest = connection.execute(select(func.max(EVENT.c.position))).scalar()
    return -1 if latest is None else _number(latest)


def _count(connection: Connection) -> int:
    return _number(connection.execute(select(func.count()).select_from(EVENT)).scalar())


def _number(value: object) -> int:
    if type(value) is not int:
        raise LedgerDamagedError("The ledger is damaged: a number in it is none.")
    return value
