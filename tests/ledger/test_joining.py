"""Two ledgers become one: the same one whoever goes first, and what they tell differently is named."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger import interchange
from coldshare.ledger.errors import LedgerFileError, LedgerNewerError
from coldshare.ledger.events import Event
from coldshare.ledger.history import Names
from coldshare.ledger.joining import differing, foreign, heads
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import View
from coldshare.ledger.store import Ledger
from coldshare.safety.conflicts import conflicts
from ledger.samples import BODIES, HOST, ID, NEW, OLD, SAFE, SHARE, STICK, UNKNOWN, VAULT, Clock, event
from ledger.strategies import bodies

POOL = [*BODIES, UNKNOWN]
_events = st.lists(
    st.builds(
        lambda number, body, host, time: event(body, number, time=time, host=bytes([host]) * 16),
        st.integers(0, 10**6),
        bodies | st.sampled_from(POOL),
        st.integers(0, 2),
        st.integers(0, 50),
    ),
    max_size=25,
    unique_by=lambda one: one.uuid,
)


def united(folder: Path, name: str, *parts: list[Event]) -> tuple[list[Event], View, list[str]]:
    """The ledger into which the parts were taken, one after the other."""
    path = folder / f"{name}.sqlite"
    for beside in folder.glob(f"{name}.*"):
        beside.unlink()
    with Ledger(path, now=Clock(0)) as ledger:
        for part in parts:
            ledger.merge(part)
        return ledger.events(), ledger.view(), ledger.check()


@settings(max_examples=5)
@given(_events, st.data())
def test_a_union_is_the_same_however_it_is_made(
    tmp_path_factory: pytest.TempPathFactory, pool: list[Event], data: st.DataObject
) -> None:
    """Commutative, associative, idempotent: by events, by every table, and by what is asked of them."""
    check_union(tmp_path_factory, pool, data)


@pytest.mark.slow
@settings(max_examples=60)
@given(_events, st.data())
def test_a_union_of_more(tmp_path_factory: pytest.TempPathFactory, pool: list[Event], data: st.DataObject) -> None:
    check_union(tmp_path_factory, pool, data)


def check_union(tmp_path_factory: pytest.TempPathFactory, pool: list[Event], data: st.DataObject) -> None:
    subset = st.lists(st.sampled_from(pool), unique_by=lambda one: one.uuid) if pool else st.just([])
    a, b, c = data.draw(subset), data.draw(subset), data.draw(subset)
    folder = tmp_path_factory.mktemp("union")
    events, view, wrong = united(folder, "one", a, b, c)
    assert wrong == []
    assert {one.uuid for one in events} == {one.uuid for part in (a, b, c) for one in part}
    b_and_c = united(folder, "part", c, b)[0]
    for number, parts in enumerate(([c, b, a], [b, c, a, b], [a, b_and_c], [a + b_and_c, events])):
        again, other, wrong = united(folder, f"other{number}", *map(list, parts))
        assert again == events
        assert other.rows.same(view.rows) == []
        assert conflicts(other) == conflicts(view)
        assert wrong == []
    assert interchange.encode(events) == interchange.encode(reversed(events))
    assert interchange.decode(interchange.encode(events)) == events


def test_what_came_later_counts_wherever_it_was_recorded(tmp_path: Path) -> None:
    """One person destroys a backup that the other one stored; the ledgers meet afterwards."""
    stored = event(e.BackupStored(SAFE, ID, SHARE, 1, e.ACTIVE, None), 1, host=b"a" * 16)
    gone = event(e.BackupGone(SAFE, ID, e.DESTROYED), 2, host=b"b" * 16)
    for parts in ([stored], [gone]), ([gone], [stored]):
        _, view, _ = united(tmp_path, "x", *parts)
        assert view.backups() == []
        (backup,) = view.backups(gone=True)
        assert backup.gone == e.DESTROYED
        assert backup.party == "Phone"


def test_conflicts_have_names(tmp_path: Path) -> None:
    other = e.Share(VAULT, "Savings", "Laptop", OLD, 2, 2, 2)
    mine = [
        event(e.BackupStored(SAFE, ID, SHARE, 1, e.ACTIVE, None), 1),
        event(e.GenerationNewer(VAULT, NEW, OLD), 2),
        event(e.PlaceDescribed(SAFE, "the grey one", "bank", None, None, None), 3),
    ]
    theirs = [
        event(e.BackupStored(STICK, ID, other, 1, e.ACTIVE, None), 4),
        event(e.GenerationNewer(VAULT, OLD, NEW), 5),
        event(e.PlaceDescribed(STICK, "the grey one", None, None, None, None), 6),
        event(e.PlaceDescribed(SAFE, "the grey one", "at home", None, None, None), 7),
    ]
    _, view, _ = united(tmp_path, "x", mine, theirs)
    codes = [one.code for one in conflicts(view)]
    assert codes == ["backup_twice", "generation_twice", "generation_order", "place_twice"]
    told = differing(mine, theirs)
    assert told == differing(theirs, mine)
    assert [(one.place, one.what, one.values) for one in told] == [(SAFE, "location", ("at home", "bank"))]
    assert "'at home' in one ledger and 'bank'" in told[0].words(Names(view))


def test_what_goes_on_from_the_other_differs_in_nothing() -> None:
    first = [event(e.PlaceDescribed(SAFE, "grey", "bank", None, None, None), 1)]
    later = [*first, event(e.PlaceDescribed(SAFE, "grey", "at home", None, None, None), 2)]
    assert differing(first, later) == differing(later, first) == []


def test_who_is_a_stranger() -> None:
    a, b = [event(BODIES[0], 1)], [event(BODIES[0], 2)]
    assert foreign(a, b)
    assert not foreign(a, a + b)
    assert not foreign([], b)
    assert not foreign(a, [])


# --- the file

EVENTS = [event(body, number) for number, body in enumerate((BODIES[3], BODIES[15]))]
GOLDEN = (
    "coldshare-ledger 1\n"
    "pwABAVAAAAAAAAAAAAAAAAAAAAAAAhsABgokGB5AAAMbAAYKJBgeQAAEUDAxMjM0NTY3ODk6Ozw9Pj8FBAaiAaIBAQJIAAECAwQF"
    "BgcCZlNhZmUgQQ==\n"
    "pwABAVAAAAAAAAAAAAAAAAAAAAABAhsABgokGB5AAAMbAAYKJBgeQAEEUDAxMjM0NTY3ODk6Ozw9Pj8FFQajAaIBAQJIAAECAwQF"
    "BgcCUBAREhMUFRYXGBkaGxwdHh8DAQ==\n"
    "end 2 63fb1b4f54954a8785641b19c8849349e46b95448ae9a2e23668b19b20095030\n"
)


def test_golden_file() -> None:
    assert interchange.encode(EVENTS).decode() == GOLDEN
    assert interchange.decode(GOLDEN.encode()) == EVENTS


def test_the_last_line_is_a_digest_of_all_events() -> None:
    head, *body, end = GOLDEN.splitlines()
    assert head == "coldshare-ledger 1"
    digest = hashlib.sha256(b"".join(base64.b64decode(line) for line in body)).hexdigest()
    assert end == f"end 2 {digest}"


def test_mail_may_turn_the_ends_of_lines() -> None:
    assert interchange.decode(GOLDEN.replace("\n", "\r\n").encode()) == EVENTS


def test_an_empty_one() -> None:
    assert interchange.decode(interchange.encode([])) == []


def test_everything_comes_through() -> None:
    events = [event(body, number) for number, body in enumerate(POOL)]
    assert interchange.decode(interchange.encode(events)) == events
    assert fold(interchange.decode(interchange.encode(events))).same(fold(events)) == []


def test_cut_off_anywhere() -> None:
    for size in range(len(GOLDEN)):
        with pytest.raises(LedgerFileError):
            interchange.decode(GOLDEN.encode()[:size])


def test_a_character_changed_anywhere() -> None:
    for at in range(len(GOLDEN)):
        damaged = bytearray(GOLDEN.encode())
        damaged[at] ^= 1
        with pytest.raises((LedgerFileError, LedgerNewerError)):
            interchange.decode(bytes(damaged))


@pytest.mark.parametrize("change", ["swap", "drop", "twice", "blank", "space", "more"])
def test_lines_that_are_not_as_they_were(change: str) -> None:
    head, one, two, end = GOLDEN.splitlines()
    lines = {
        "swap": [head, two, one, end],
        "drop": [head, one, end],
        "twice": [head, one, one, two, end],
        "blank": [head, one, "", two, end],
        "space": [head, one + " ", two, end],
        "more": [head, one, two, end, end],
    }[change]
    with pytest.raises(LedgerFileError):
        interchange.decode("".join(f"{line}\n" for line in lines).encode())


def test_an_event_that_is_there_twice() -> None:
    with pytest.raises(LedgerFileError, match="twice"):
        interchange.decode(interchange.encode([EVENTS[0], EVENTS[0]]))


def test_a_later_format() -> None:
    with pytest.raises(LedgerNewerError):
        interchange.decode(GOLDEN.replace("ledger 1", "ledger 2").encode())


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(LedgerFileError):
        interchange.decode(data)


def test_a_file_that_is_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(interchange, "FILE_MAX", 100)
    (tmp_path / "x").write_text(GOLDEN)
    with pytest.raises(LedgerFileError, match="too long"):
        interchange.read(tmp_path / "x")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerFileError, match="cannot be read"):
        interchange.read(tmp_path / "x")


def test_an_order_that_another_host_took() -> None:
    """Times that are the same: the ids decide, so that everybody sees one order."""
    same = [Event(bytes([number]) * 16, 5, 5, HOST, BODIES[0]) for number in range(3)]
    assert interchange.decode(interchange.encode(reversed(same))) == same


# --- what came first


def test_who_takes_in_a_ledger_knows_it_from_then_on(tmp_path: Path) -> None:
    clock = Clock()
    with Ledger(tmp_path / "a", now=clock) as ours, Ledger(tmp_path / "b", now=clock) as theirs:
        theirs.record([e.PlaceLost(SAFE)])
        merged = ours.join(theirs.events())
        assert len(merged.new) == 1
        joined = ours.events()[-1]
        assert joined.body == e.LedgerJoined((e.Head(theirs.host, theirs.events()[-1].position),))
        assert ours.check() == []
        ours.join(theirs.events())  # no news, and nothing is told of it
        assert ours.events()[-1] == joined
        theirs.join(ours.events())  # that somebody knows this ledger is no news either
        assert theirs.events() == ours.events()
        ours.record([e.PlaceFound(SAFE)])
        assert theirs.join(ours.events()).new == (ours.events()[-1],)
        assert [one.lost for one in theirs.view().places()] == [None]


def test_a_full_ledger_takes_in_what_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from coldshare.ledger import store

    with Ledger(tmp_path / "a") as ours:
        monkeypatch.setattr(store, "EVENTS_MAX", 2)
        ours.join([event(BODIES[0], 1), event(BODIES[0], 2)])
        assert [one.body for one in ours.events()] == [BODIES[0]] * 2
        assert ours.check() == []


def test_what_is_seen_again_after_its_end_is_news(tmp_path: Path) -> None:
    """By a clock that was ahead the end came first. Who knows of both and sees it has something to tell."""
    listed = e.BackupState(SAFE, ID, SHARE, 1, e.ACTIVE)
    clock = Clock()
    with Ledger(tmp_path / "a", now=clock) as ours, Ledger(tmp_path / "b", now=clock) as theirs:
        ours.record([listed])
        theirs.record([e.BackupGone(SAFE, ID, e.REMOVED)])
        clock.now += 10**12
        ours.record([e.BackupVerified(SAFE, ID, SHARE, 1, e.ACTIVE, None, opened=True)])
        ours.join(theirs.events())
        assert ours.view().backups() == []
        assert len(ours.record([listed])) == 1
        assert len(ours.view().backups()) == 1
        assert ours.record([listed]) == []
        assert ours.check() == []


def test_of_more_computers_than_an_event_has_room_for_some_are_not_named() -> None:
    """Then nothing orders what these recorded."""
    many = [event(BODIES[0], number, host=number.to_bytes(16, "big")) for number in range(200)]
    named = heads(many, HOST)
    assert len(named) == e.HEADS_MAX
    joined = event(e.LedgerJoined(named), time=e.TIME_MAX)
    assert Event.decode(joined.encode()) == joined
