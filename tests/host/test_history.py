"""A token's audit ring as this computer checks it: an honest one is read whole, and no other one passes for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.device import history
from coldshare.device.errors import RolledBackError
from coldshare.device.history import Entry, Head
from coldshare.device.token import TokenClient
from coldshare.files import OutputError
from coldshare_iface import wire
from coldshare_iface.errors import ReplyError
from coldshare_iface.messages import AuditPage
from coldshare_sim.flash import Chip
from support.desk import PIN, Cable, Desk, power_up, put_share, vault

HOST = b"computer"
ZERO = bytes(wire.DIGEST_SIZE)
Ask = Callable[[int], AuditPage]


def entry(number: int, event: int = wire.EVENT_STORED, detail: int = 0, subject: bytes = b"") -> bytes:
    data = number.to_bytes(4, "big") + bytes((event,)) + detail.to_bytes(3, "big") + HOST
    return data + subject.ljust(16, b"\0")


@dataclass
class Ring:
    """An honest ring of so many entries, of which the last `kept` can be read."""

    count: int
    kept: int = wire.AUDIT_MAX
    salt: int = 0
    page: int = wire.AUDIT_PAGE

    def entries(self) -> list[bytes]:
        return [entry(number, detail=self.salt) for number in range(1, self.count + 1)]

    def head(self, number: int | None = None) -> Head:
        number = self.count if number is None else number
        link = ZERO
        for data in self.entries()[:number]:
            link = hashlib.sha256(link + data).digest()
        return Head(number, link)

    def ask(self, start: int) -> AuditPage:
        first = max(1, start, self.count + 1 - min(self.kept, wire.AUDIT_MAX))
        first = min(first, self.count + 1)
        entries = self.entries()[first - 1 : first - 1 + self.page]
        return AuditPage(self.count, self.head().hash, first, self.head(first - 1).hash, b"".join(entries))


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, wire.AUDIT_PAGE), st.booleans())
def test_an_honest_ring_is_read_whole(count: int, before: int, page: int, everything: bool) -> None:
    ring = Ring(count, page=page)
    seen = ring.head(min(before, count))
    read = history.read(ring.ask, seen, everything=everything)
    assert read.head == ring.head()
    first = max(1, count + 1 - wire.AUDIT_MAX)
    wanted = first if everything else max(first, seen.count + 1)
    assert [one.number for one in read.entries] == list(range(wanted, count + 1))
    assert read.since == seen.count
    assert read.known == (wanted <= seen.count + 1)


def test_the_first_look_knows_nothing_before() -> None:
    read = history.read(Ring(3).ask, None)
    assert (read.known, read.since, len(read.entries)) == (False, None, 3)


def test_entries_that_were_lost_are_a_gap_and_no_lie() -> None:
    """A flash that did not take an entry stops nothing; the chain goes on without it."""
    ring = Ring(40, kept=5)
    read = history.read(ring.ask, ring.head(20))
    assert (read.known, [one.number for one in read.entries]) == (False, [36, 37, 38, 39, 40])
    read = history.read(Ring(40, kept=0).ask, ring.head(20))
    assert (read.known, read.entries, read.head) == (False, (), ring.head())
    assert history.read(ring.ask, ring.head(35)).known


@given(st.integers(1, 80), st.integers(1, 80))
def test_an_older_state_is_found_out(count: int, back: int) -> None:
    ring = Ring(count)
    with pytest.raises(RolledBackError):
        history.read(Ring(max(count - back, 0)).ask, ring.head())


@given(st.integers(1, 80), st.integers(0, 80))
def test_an_older_state_that_went_on_is_found_out(count: int, more: int) -> None:
    """Put back, and used until it has as many entries as before, or more: they are other ones."""
    seen = Ring(count).head()
    with pytest.raises(RolledBackError):
        history.read(Ring(count + more, salt=1).ask, seen)


@given(st.integers(1, 70), st.data())
def test_no_changed_bit_passes(count: int, data: st.DataObject) -> None:
    ring = Ring(count)
    seen = ring.head(data.draw(st.integers(0, count)))
    honest = history.read(ring.ask, seen, everything=True)
    target = data.draw(st.integers(1, count))
    at = data.draw(st.integers(0, wire.AUDIT_ENTRY * 8 - 1))

    def ask(start: int) -> AuditPage:
        page = ring.ask(start)
        offset = (target - page.first) * wire.AUDIT_ENTRY
        if not 0 <= offset < len(page.entries):
            return page
        entries = bytearray(page.entries)
        entries[offset + at // 8] ^= 1 << at % 8
        return replace(page, entries=bytes(entries))

    with pytest.raises((ReplyError, RolledBackError)):
        history.read(ask, seen, everything=True)
    assert len(honest.entries) == count


def lie(**changes: object) -> Ask:
    return lambda start: replace(Ring(40).ask(start), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lie(head=b"\1" * 32), ReplyError),
        (lie(before=b"\1" * 32), ReplyError),
        (lie(count=39), ReplyError),
        (lie(count=41), ReplyError),
        (lie(count=10), RolledBackError),
        (lie(count=0xFFFFFFFF), ReplyError),
        (lie(first=30), ReplyError),
        (lie(first=20), ReplyError),
        (lie(first=42), ReplyError),
        (lie(entries=b""), ReplyError),
        (lie(entries=bytes(31)), ReplyError),
        (lie(entries=entry(21) * 2), ReplyError),
    ],
)
def test_lies_about_the_ring(ask: Ask, error: type[Exception]) -> None:
    with pytest.raises(error):
        history.read(ask, Ring(40).head(20))


def test_a_ring_that_moves_while_it_is_read() -> None:
    rings = iter([Ring(60), Ring(61)])
    with pytest.raises(ReplyError, match="do not belong together"):
        history.read(lambda start: next(rings).ask(start), None)


def test_an_endless_ring_ends() -> None:
    """A token that gives one entry at a time of four thousand million is asked for no more than a ring has."""
    asked = []

    def ask(start: int) -> AuditPage:
        asked.append(start)
        return AuditPage(0xFFFFFFFF, ZERO, start, ZERO, entry(start))

    with pytest.raises(ReplyError):
        history.read(ask, Head(1, ZERO))
    assert len(asked) <= 2


def test_what_an_entry_says() -> None:
    assert Entry.decode(entry(7, wire.EVENT_RELEASED, wire.PURPOSE_RESTORE, b"s" * 16)) == Entry(
        7, wire.EVENT_RELEASED, wire.PURPOSE_RESTORE, HOST, b"s" * 16
    )
    assert Entry.decode(entry(7, wire.EVENT_PAIRED, subject=b"paired!!")).subject == b"paired!!"
    assert Entry.decode(entry(7, wire.EVENT_SET_UP)).subject == b""
    nobody = entry(7, wire.EVENT_BURNT)[:8] + bytes(8) + bytes(16)
    assert Entry.decode(nobody).host == b""


# --- with a real token


def test_each_visit_goes_on_from_the_last_one(desk: Desk) -> None:
    chip = desk.token()
    with desk.client(chip) as client:
        assert client.history is not None
        assert client.history.since is None
        put_share(client, vault()[0].vult)
    with desk.client(chip) as client:
        assert client.history is not None
        assert (client.history.known, client.history.entries) == (True, ())
    # An error ends a visit without another look; its entries are there at the next one, as our own.
    client = desk.client(chip)
    client.set_label("Safe Z")
    client.close()
    with desk.client(chip) as client:
        assert client.history is not None
        (one,) = client.history.entries
        assert (one.event, one.host) == (wire.EVENT_LABELLED, client.psk_id)


def test_rule_5_a_token_that_was_put_back_is_refused(desk: Desk) -> None:
    """Stale backups could come back with it, and a retired generation count again."""
    chip = desk.token()
    image = bytes(chip.image)
    with desk.client(chip) as client:
        put_share(client, vault()[0].vult)
    with pytest.raises(RolledBackError):
        desk.client(Chip(image))
    assert desk.client(chip).backups()
    desk.rewind()
    assert desk.client(Chip(image)).backups() == []


def test_a_new_pairing_begins_anew(desk: Desk) -> None:
    chip = desk.token()
    image = bytes(chip.image)
    with desk.client(chip) as client:
        put_share(client, vault()[0].vult)
    older = Chip(image)
    with pytest.raises(RolledBackError):
        desk.client(older)
    label = desk.store.all()[0].label
    client = TokenClient(Cable(power_up(older)))
    client.pair(desk.store, lambda code: True)
    assert desk.store.all()[0].label == label
    client.connect(desk.store)
    client.unlock(PIN)
    assert client.history is not None
    assert client.history.since is None


def test_a_record_that_cannot_be_kept_here_is_no_reason_to_fail(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk a share can still be brought back, and a backup that the token has confirmed is made."""
    from coldshare.device import pairings

    def fail(*_: object, **__: object) -> None:
        raise OutputError

    chip = desk.token()
    with monkeypatch.context() as full:
        full.setattr(pairings, "write_private", fail)
        with desk.client(chip) as client:
            put_share(client, vault()[0].vult)
            assert [held.pending for held in client.backups()] == [False]
    with desk.client(chip) as client:
        assert client.history is not None
        assert client.history.since is None
    assert desk.store.all()[0].seen is not None
