"""The file of a ledger: private, whole, and never taken for another thing than it is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection, text

from coldshare.errors import ColdshareError
from coldshare.files import write_private
from coldshare.ledger import events as e
from coldshare.ledger import store
from coldshare.ledger.errors import (
    LedgerAlteredError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerForeignError,
    LedgerFullError,
    LedgerNewerError,
    NoLedgerError,
)
from coldshare.ledger.projection import fold
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.safety.conflicts import conflicts
from ledger.samples import BODIES, HOST, ID, NEW, OLD, SAFE, SHARE, UNKNOWN, VAULT, Clock, event

posix = pytest.mark.skipif(os.name != "posix", reason="modes and limits of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def sql(path: Path, *statements: str) -> list[object]:
    """Behind the ledger's back."""
    with closing(sqlite3.connect(path)) as connection:
        answers = [connection.execute(statement).fetchall() for statement in statements]
        connection.commit()
    return answers


@cache
def everything() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        with Ledger(path, now=Clock()) as ledger:
            for body in BODIES:
                ledger.record([body])
        return path.read_bytes()


@pytest.fixture
def full(home: Path) -> Path:
    """The file of a ledger in which everything happened once."""
    home.mkdir(mode=0o700)
    write_private(ledger_path(), everything(), replace=False)
    return ledger_path()


# --- the file


@posix
def test_it_is_private_from_its_first_moment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    connect = sqlite3.connect

    def looking(*args: object, **options: object) -> sqlite3.Connection:
        made.append(mode(ledger_path()))
        return connect(*args, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(sqlite3, "connect", looking)
    before = os.umask(0)
    try:
        with Ledger(ledger_path()) as ledger:
            ledger.record([BODIES[0]])
            beside = {path.name: mode(path) for path in home.iterdir()}
    finally:
        os.umask(before)
    assert made == [0o600]
    assert set(beside) >= {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"}
    assert set(beside.values()) == {0o600}
    assert mode(home) == 0o700


@posix
def test_a_copy_that_came_back_open_is_closed(full: Path) -> None:
    full.chmod(0o644)
    with Ledger(full, create=False):
        assert mode(full) == 0o600


def test_it_is_in_wal_mode_and_waits_for_the_disk(ledger: Ledger) -> None:
    driver = ledger._database._driver()
    assert driver.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert driver.execute("PRAGMA synchronous").fetchone() == (2,)


def test_none_is_made_where_none_is_wanted(home: Path) -> None:
    with pytest.raises(NoLedgerError):
        Ledger(ledger_path(), create=False)
    assert not home.exists()


def test_a_file_of_no_bytes_is_a_new_ledger(home: Path) -> None:
    """What a process leaves that was killed right after it had made the file."""
    home.mkdir()
    ledger_path().write_bytes(b"")
    with Ledger(ledger_path()) as ledger:
        assert ledger.events() == []


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("what", ["text", "database", "trigger", "link", "folder"])
def test_what_is_no_ledger_is_left_as_it_is(full: Path, what: str, create: bool) -> None:
    if what != "trigger":
        for path in full.parent.iterdir():
            path.unlink()
    if what == "text":
        full.write_bytes(b"my notes\n" * 500)
    elif what == "database":
        sql(full, "CREATE TABLE notes (words TEXT)")
    elif what == "trigger":
        sql(full, "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END")
    elif what == "link":
        full.with_name("elsewhere").write_bytes(b"")
        full.symlink_to(full.with_name("elsewhere"))
    else:
        full.mkdir()
    before = full.read_bytes() if full.is_file() else None
    with pytest.raises(LedgerForeignError):
        Ledger(full, create=create)
    assert (full.read_bytes() if full.is_file() else None) == before


def test_a_file_that_is_too_long(full: Path) -> None:
    os.truncate(full, (2 << 30) + 1)
    with pytest.raises(LedgerForeignError, match="longer"):
        Ledger(full)


# --- what is recorded


def test_what_happened_is_there_after_a_restart(full: Path) -> None:
    with Ledger(full) as ledger:
        assert [one.body for one in ledger.events()] == list(BODIES)
        assert ledger.check() == []
        view = ledger.view()
        assert [one.name for one in view.vaults()] == ["Savings"]
        assert {one.host for one in ledger.events()} == {ledger.host}


def test_tables_follow_from_the_events(full: Path) -> None:
    with Ledger(full) as ledger:
        before = ledger.view().rows
        assert fold(ledger.events()).same(before) == []
        ledger.rebuild()
        assert ledger.view().rows.same(before) == []


def test_what_is_no_news_is_not_recorded_twice(ledger: Ledger) -> None:
    facts = [body for body in BODIES if body.fact]
    for body in facts:
        ledger.record([body])
    count = len(ledger.events())
    assert ledger.record([BODIES[1], BODIES[2], BODIES[3], BODIES[16]]) == []
    assert len(ledger.events()) == count
    # That it was verified once more is news.
    assert len(ledger.record([BODIES[12]])) == len(ledger.record([BODIES[12]])) == 1


def test_a_clock_that_goes_back_does_not_turn_the_order(ledger: Ledger, clock: Clock) -> None:
    ledger.record([e.BackupStored(SAFE, ID, SHARE, 1, e.ACTIVE, None)])
    clock.now -= 365 * 86400 * 1_000_000
    (gone,) = ledger.record([e.BackupGone(SAFE, ID, e.REMOVED)])
    stored = ledger.events()[0]
    assert gone.time < stored.time
    assert gone.position == stored.position + 1
    assert ledger.view().backups() == []
    assert ledger.check() == []


def test_a_clock_from_before_1970_and_one_from_after_9999(ledger: Ledger, clock: Clock) -> None:
    clock.now = -10_000_000
    ledger.record([BODIES[10]])
    clock.now = 1 << 70
    ledger.record([BODIES[12]])
    clock.now = 0
    ledger.record([BODIES[15]])
    assert [one.body for one in ledger.events()] == [BODIES[10], BODIES[12], BODIES[15]]


def test_several_at_once_are_all_there_or_none(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        ledger.record([BODIES[10], e.PlaceNamed(SAFE, "x" * 500)])
    assert ledger.events() == []
    assert ledger.view().backups() == []


def test_a_later_kind_is_kept_and_changes_no_table(ledger: Ledger) -> None:
    before = ledger.view().rows
    ledger.merge([event(UNKNOWN, 1)])
    assert ledger.view().rows.same(before) == []
    assert [one.body for one in ledger.events()] == [UNKNOWN]
    ledger.rebuild()
    assert [one.body for one in ledger.events()] == [UNKNOWN]


def test_it_has_an_end(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "EVENTS_MAX", 2)
    ledger.record([BODIES[10], BODIES[12]])
    with pytest.raises(LedgerFullError):
        ledger.record([BODIES[15]])
    with pytest.raises(LedgerFullError):
        ledger.merge([event(BODIES[15], 9)])
    assert len(ledger.events()) == 2
    assert len(ledger.view().backups()) == 1


def test_an_altered_event_changes_nothing(ledger: Ledger) -> None:
    ledger.merge([event(BODIES[10], 1)])
    with pytest.raises(LedgerAlteredError):
        ledger.merge([event(BODIES[0], 2), event(BODIES[15], 1)])
    assert [one.body for one in ledger.events()] == [BODIES[10]]


# --- versions

#: The kept tables of version 1, as they were first written. Never to be changed.
VERSION_1 = (
    "CREATE TABLE ledger (id INTEGER NOT NULL, schema INTEGER NOT NULL, projection INTEGER NOT NULL,"
    " host BLOB NOT NULL, PRIMARY KEY (id))",
    "CREATE TABLE event (uuid BLOB NOT NULL, position BIGINT NOT NULL, data BLOB NOT NULL, digest BLOB NOT NULL,"
    " PRIMARY KEY (uuid))",
    "CREATE INDEX event_order ON event (position, uuid)",
)


def version_1(path: Path, projection: int = 0) -> None:
    """A ledger of version 1 with every event, whose tables are of another time."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        for statement in VERSION_1:
            connection.execute(statement)
        connection.execute("CREATE TABLE backup (something TEXT)")
        connection.execute("INSERT INTO ledger VALUES (1, 1, ?, ?)", (projection, HOST))
        for number, body in enumerate(BODIES):
            row = store._row(event(body, number))
            connection.execute("INSERT INTO event VALUES (:uuid, :position, :data, :digest)", row)
        connection.commit()


def test_tables_of_another_time_are_made_anew() -> None:
    version_1(ledger_path())
    with Ledger(ledger_path()) as ledger:
        assert ledger.host == HOST
        assert [one.body for one in ledger.events()] == list(BODIES)
        assert ledger.check() == []
        assert len(ledger.view().places()) == 2
        ledger.record([BODIES[10]])
    with Ledger(ledger_path(), create=False) as ledger:
        assert len(ledger.view().backups()) == 1


def test_a_step_to_the_next_version(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none yet, so the test has one of its own."""

    def step(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE event ADD COLUMN colour TEXT"))

    monkeypatch.setattr(store, "SCHEMA", 2)
    monkeypatch.setitem(store.MIGRATIONS, 1, step)
    with Ledger(full) as ledger:
        assert len(ledger.events()) == len(BODIES)
        assert ledger.check() == []
    assert sql(full, "SELECT schema FROM ledger") == [[(2,)]]


def test_a_step_that_fails_leaves_the_old_version(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(connection: Connection) -> None:
        connection.execute(text("DELETE FROM event"))
        connection.execute(text("no such thing"))

    monkeypatch.setattr(store, "SCHEMA", 2)
    monkeypatch.setitem(store.MIGRATIONS, 1, step)
    with pytest.raises(ColdshareError):
        Ledger(full)
    monkeypatch.undo()
    monkeypatch.setenv("COLDSHARE_HOME", str(full.parent))
    with Ledger(full) as ledger:
        assert len(ledger.events()) == len(BODIES)
        assert ledger.check() == []


@pytest.mark.parametrize("column", ["schema", "projection"])
def test_a_newer_version_is_refused(full: Path, column: str) -> None:
    sql(full, f"UPDATE ledger SET {column} = 99")
    for create in (True, False):
        with pytest.raises(LedgerNewerError):
            Ledger(full, create=create)
    sql(full, f"UPDATE ledger SET {column} = 1")
    with Ledger(full) as ledger:
        assert ledger.check() == []


# --- damage


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger",
        "UPDATE ledger SET host = x'00'",
        "UPDATE ledger SET schema = 'one'",
        "UPDATE ledger SET schema = 0",
    ],
)
def test_a_ledger_that_does_not_say_what_it_is(full: Path, statement: str) -> None:
    sql(full, statement)
    with pytest.raises(LedgerDamagedError):
        Ledger(full)


@pytest.mark.parametrize(
    "change",
    [
        "data = x'00'",
        "data = zeroblob(20000)",
        "data = 'text'",
        "digest = zeroblob(32)",
        "uuid = zeroblob(16)",
        "position = 7",
        "position = 'x'",
    ],
)
def test_a_damaged_event_is_named_and_the_others_are_saved(full: Path, change: str) -> None:
    sql(full, f"UPDATE event SET {change} WHERE rowid = 3")
    with Ledger(full) as ledger:
        with pytest.raises(LedgerDamagedError):
            ledger.events()
        assert any("Event" in words for words in ledger.check())
        events, lost = ledger.readable()
        assert lost == 1
        assert len(events) == len(BODIES) - 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE backup SET state = 'text'",
        "UPDATE backup SET gone = 3",
        "DELETE FROM backup",
        "UPDATE vault SET name = x'00'",
        "UPDATE vault SET name = 'Mallory'",
        "UPDATE place SET label = 'Safe B'",
        "INSERT INTO newer VALUES (x'01', x'02', x'03')",
        "DROP TABLE party",
    ],
)
def test_tables_that_do_not_follow_are_found_and_made_anew(full: Path, statement: str) -> None:
    sql(full, statement)
    with Ledger(full) as ledger:
        assert ledger.check() != []
        ledger.rebuild()
        assert ledger.check() == []
        assert ledger.view().vaults()[0].name == "Savings"


@pytest.mark.parametrize("step", [5120, pytest.param(512, marks=pytest.mark.slow)])
def test_damaged_pages(full: Path, step: int) -> None:
    """Whatever of it is overwritten: it is said, or it did not matter; and the file is left as it is."""
    whole = full.read_bytes()
    said = 0
    for at in range(0, len(whole), step):
        full.write_bytes(whole[:at] + bytes(512) + whole[at + 512 :])
        try:
            with Ledger(full, create=False) as ledger:
                found = ledger.check()
                events = ledger.readable()[0]
            said += bool(found)
            assert found or [one.body for one in events] == list(BODIES)
        except (LedgerDamagedError, LedgerForeignError, LedgerNewerError):
            said += 1
    assert said > 5
    full.write_bytes(whole)
    with Ledger(full) as ledger:
        assert ledger.check() == []


def test_a_file_that_is_cut_off(full: Path) -> None:
    whole = full.read_bytes()
    for size in range(1, len(whole), 4096):
        full.write_bytes(whole[:size])
        try:
            with Ledger(full, create=False) as ledger:
                assert ledger.check() != []
        except (LedgerDamagedError, LedgerForeignError):
            pass


# --- others at the same file, and disks that fail


def test_another_program_keeps_it_locked(full: Path) -> None:
    with closing(sqlite3.connect(full, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Ledger(full, busy=0) as ledger:
            with pytest.raises(LedgerBusyError):
                ledger.record([BODIES[10]])
            assert len(ledger.events()) == len(BODIES)  # reading waits for nobody
            other.execute("ROLLBACK")
            ledger.record([BODIES[10]])
            assert len(ledger.events()) == len(BODIES) + 1


_LIMITED = """
import resource, sys
from pathlib import Path
from coldshare.errors import ColdshareError
from coldshare.ledger.store import Ledger
from ledger.samples import BODIES
path, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
done = 0
try:
    with Ledger(path) as ledger:
        for _ in range(40):
            ledger.record([BODIES[10], BODIES[12]])
            done += 1
except ColdshareError as error:
    print(error.code, done)
else:
    print("done", done)
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )


@posix
@pytest.mark.parametrize(
    "limit", [120_000, *(pytest.param(limit, marks=pytest.mark.slow) for limit in (0, 9000, 150_000))]
)
def test_a_full_disk(home: Path, limit: int) -> None:
    said = run(_LIMITED, str(ledger_path()), str(limit))
    code, done = said.stdout.split()
    assert code == "ledger_failed", said
    with Ledger(ledger_path()) as ledger:
        assert ledger.check() == []
        assert len(ledger.events()) == 2 * int(done)
        ledger.record([BODIES[10]])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="to become somebody else takes root")
def test_a_home_that_can_only_be_read() -> None:
    script = """
import os, sys
from pathlib import Path
from coldshare.errors import ColdshareError
from coldshare.ledger.store import Ledger
from ledger.samples import BODIES
os.setgid(65534); os.setuid(65534)
with Ledger(Path(sys.argv[1]), create=False) as ledger:
    print(ledger.writable, len(ledger.events()), len(ledger.view().places()), ledger.check())
    try:
        ledger.record([BODIES[10]])
    except ColdshareError as error:
        print(error.code)
"""
    with TemporaryDirectory() as folder:  # pytest's own folders let nobody else in
        Path(folder).chmod(0o755)
        path = Path(folder) / "ledger.sqlite"
        path.write_bytes(everything())
        path.chmod(0o644)
        said = run(script, str(path))
        assert [one.name for one in Path(folder).iterdir()] == ["ledger.sqlite"]
    assert said.stdout.split("\n")[:2] == [f"False {len(BODIES)} 2 []", "ledger_failed"], said.stderr


def test_a_home_in_which_nothing_can_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ColdshareError) as caught:
        Ledger(tmp_path / "file" / "ledger.sqlite")
    assert caught.value.code in ("ledger_failed", "output_failed")
    assert caught.value.next_step


def test_a_copy_of_the_file_alone_is_whole(full: Path, tmp_path: Path) -> None:
    """Closing puts everything into the one file, which is what people copy."""
    shutil.copy(full, tmp_path / "copy.sqlite")
    with Ledger(tmp_path / "copy.sqlite") as ledger:
        assert len(ledger.events()) == len(BODIES)


def test_nothing_is_logged_and_no_error_quotes(full: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Ledger(full) as ledger:
        ledger.record([e.BackupRestored(SAFE, ID, SHARE, 1)])
        sql(full, "DROP TABLE sealed")
        with pytest.raises(ColdshareError) as caught:
            ledger.record([e.BackupRestored(SAFE, ID, SHARE, 1)])
    said = caplog.text + caught.value.message
    assert "Savings" not in said
    assert "Phone" not in said


def test_the_order_of_generations(ledger: Ledger) -> None:
    third = bytes([6]) * 32
    ledger.record([e.BackupStored(SAFE, ID, SHARE, 1, e.ACTIVE, None)])
    view = ledger.view()
    current = view.current(VAULT)
    assert current is not None
    assert current.generation == OLD
    other = e.Share(VAULT, "Savings", "Phone", NEW, 2, 3, 2)
    ledger.record([e.BackupState(SAFE, bytes(16), other, 1, e.NEXT)])
    assert ledger.view().current(VAULT) is None  # nobody said which is newer
    ledger.record([e.GenerationNewer(VAULT, NEW, OLD), e.GenerationNewer(VAULT, third, NEW)])
    view = ledger.view()
    assert [one.generation for one in view.generations(VAULT)] == [OLD, NEW]
    assert view.generations(VAULT)[1].newer_than == {OLD}
    assert view.generations(VAULT)[0].older_than == {NEW, third}
    last = e.Share(VAULT, "Savings", "Phone", third, 2, 3, 2)
    ledger.record([e.BackupState(SAFE, bytes(15) + b"x", last, 1, e.NEXT)])
    view = ledger.view()
    assert [one.generation for one in view.generations(VAULT)] == [OLD, NEW, third]
    current = view.current(VAULT)
    assert current is not None
    assert current.generation == third
    assert conflicts(view) == []
    ledger.record([e.GenerationNewer(VAULT, OLD, third)])
    view = ledger.view()
    assert view.current(VAULT) is None
    assert {one.code for one in conflicts(view)} == {"generation_order"}


def test_a_moment_comes_after_all_that_was_recorded(ledger: Ledger, clock: Clock) -> None:
    assert ledger.moment() == clock.now
    ledger.record([BODIES[0]])
    clock.now -= 10**12
    (last,) = ledger.events()
    assert ledger.moment() == last.position + 1
    clock.now += 10**13
    assert ledger.moment() == clock.now
