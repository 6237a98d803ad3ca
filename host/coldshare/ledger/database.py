"""The file that a ledger is in: how it is made, opened and kept from others, and what its errors mean.

All that only SQLite knows is here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from coldshare.errors import ColdshareError
from coldshare.ledger.errors import (
    LedgerBusyError,
    LedgerDamagedError,
    LedgerFailedError,
    LedgerForeignError,
    NoLedgerError,
)

__all__ = ["Database"]

#: Seconds that a command waits for another one, which writes for a moment only.
_BUSY: Final = 10.0
_WRITE: Final = "coldshare_write"
#: Bytes at the beginning of every file of SQLite that is not empty.
_HEADER: Final = 100
#: Bytes of a file that is opened at all: far more than the most events there can be.
_SIZE_MAX: Final = 2 << 30
_FAILED: Final = frozenset(
    (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
)
_READ_ONLY: Final = frozenset((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN))
_BUSY_CODES: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))


class Database:
    """One file, mode 0600. `writable` is False where only reading it is possible."""

    def __init__(self, path: Path, *, create: bool, tables: Set[str], busy: float = _BUSY) -> None:
        """A file that is not empty must have these `tables`, and perhaps others.

        Raises NoLedgerError without `create` when there is none, LedgerFailedError, LedgerForeignError.
        """
        self.path = path
        self._tables = tables
        self.writable = True
        self._busy = busy
        with self.errors():
            if create:
                _make(path)
            _check_file(path)
            try:
                self._open("mode=rw")
            except DBAPIError as error:
                if _primary(error) not in _READ_ONLY or _has_content(path.with_name(path.name + "-wal")):
                    raise
                # On a read-only medium SQLite cannot make the files that it shares with other processes beside ours.
                self.writable = False
                self._open("mode=ro&immutable=1")

    def close(self) -> None:
        with suppress(SQLAlchemyError, sqlite3.Error):
            self._connection.close()

    def _open(self, mode: str) -> None:
        self._connection = _engine(f"{self.path.absolute().as_uri()}?{mode}", self._busy).connect()
        try:
            with _as_dbapi_error():
                self._probe()
        except BaseException:
            self.close()
            raise

    def _driver(self) -> sqlite3.Connection:
        driver: sqlite3.Connection = self._connection.connection.driver_connection  # type: ignore[assignment]
        return driver

    def _probe(self) -> None:
        """Settings of this connection, and a first look, which is where an unusable file shows."""
        driver = self._driver()
        driver.execute("PRAGMA trusted_schema = OFF")
        driver.execute("PRAGMA cell_size_check = ON")
        # What was recorded is on disk before the command says so.
        driver.execute("PRAGMA synchronous = FULL")
        found = driver.execute("SELECT type, name FROM sqlite_master").fetchall()
        if any(kind not in ("table", "index") for kind, _ in found):
            raise LedgerForeignError(f"{self.path} has triggers or views, which no ledger has.")
        #: Of its tables; none in a file that was just made.
        self.names = frozenset(name for kind, name in found if kind == "table" and not str(name).startswith("sqlite_"))
        if self.names and not self._tables <= self.names:
            raise LedgerForeignError(f"{self.path} is not a ledger.")
        if self.writable and driver.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            driver.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One moment of the ledger, whatever others write meanwhile."""
        with self.errors(), self._connection.begin():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Alone until the end, and then all of it is on disk, or nothing."""
        if not self.writable:
            raise LedgerFailedError(f"{self.path} can be read, but not written.")
        with self.errors():
            connection = self._connection.execution_options(**{_WRITE: True})
            try:
                with connection.begin():
                    yield connection
            finally:
                self._connection = self._connection.execution_options(**{_WRITE: False})

    def integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the file."""
        with self.errors(), _as_dbapi_error():
            found = [str(line) for (line,) in self._driver().execute("PRAGMA integrity_check(20)")]
        return [] if found == ["ok"] else found

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What SQLite and SQLAlchemy raise, as one of ours."""
        try:
            yield
        except ColdshareError:
            raise
        except DBAPIError as error:
            raise self._ours(error) from None
        except SQLAlchemyError as error:
            raise LedgerDamagedError(f"{self.path} is damaged ({type(error).__name__}).") from None
        except FileNotFoundError:
            raise NoLedgerError from None
        except OSError as error:
            raise LedgerFailedError(f"{self.path} cannot be used: {os.strerror(error.errno or 0)}.") from None

    def _ours(self, error: DBAPIError) -> ColdshareError:
        code = _primary(error)
        reason = f"{error.orig}".rstrip(".")
        if code in _BUSY_CODES:
            return LedgerBusyError(f"Another program keeps {self.path} locked.")
        if code in _FAILED:
            return LedgerFailedError(f"{self.path} cannot be opened or written: {reason}.")
        if code == sqlite3.SQLITE_NOTADB:
            return LedgerForeignError(f"{self.path} is not a ledger.")
        return LedgerDamagedError(f"{self.path} is damaged: {reason}.")


@lru_cache(maxsize=8)
def _engine(uri: str, busy: float) -> Engine:
    """It keeps no connection, only the SQL of statements: a command opens its ledger several times."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=busy, isolation_level=None)

    # Values never reach logs or the texts of errors.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE, False)
        # Whoever is going to write says so at once, or two of them could wait for one another.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _make(path: Path) -> None:
    """An empty file, readable by nobody else from its first moment. SQLite gives the ones beside it the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600))


def _check_file(path: Path) -> None:
    """A link or something else in its place is not followed; a copy that came back readable by others is closed."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise LedgerForeignError(f"{path} is a link, or no file at all.")
    found = path.stat()
    if 0 < found.st_size < _HEADER:
        raise LedgerForeignError(f"{path} is not a ledger.")  # SQLite would take it for an empty one
    if found.st_size > _SIZE_MAX:
        raise LedgerForeignError(f"{path} is longer than any ledger can be.")
    if os.name == "posix" and found.st_mode & 0o077:
        with suppress(OSError):
            path.chmod(0o600)


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _primary(error: DBAPIError) -> int:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else sqlite3.SQLITE_ERROR


@contextmanager
def _as_dbapi_error() -> Iterator[None]:
    """What the driver raises when it is asked directly, as SQLAlchemy would raise it."""
    try:
        yield
    except sqlite3.Error as error:
        raise DBAPIError("", None, error) from None
