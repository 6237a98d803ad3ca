"""Events of a ledger, as somebody else's export or a damaged file brings them."""

from __future__ import annotations

from coldshare.ledger import interchange
from coldshare.ledger.errors import LedgerFileError, LedgerNewerError
from coldshare.ledger.events import Event, EventError, Unknown
from coldshare.ledger.history import Names, body_json
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import View
from coldshare.safety.conflicts import conflicts
from coldshare_iface.text import unshowable
from ledger.samples import BODIES, HOST
from ledger.samples import event as sample

#: Before it stands one of everything, so that it meets what it could disagree with.
_BEFORE = [sample(body, number) for number, body in enumerate(BODIES)]


def event(data: bytes) -> None:
    """An event is what its bytes say and nothing else, and then everything can be asked of a ledger that has it."""
    try:
        read = Event.decode(data)
    except EventError:
        return
    assert read.encode() == data
    events = [*_BEFORE, read] if read.uuid not in {one.uuid for one in _BEFORE} else [read]
    assert interchange.decode(interchange.encode(events)) == sorted(events, key=lambda one: one.order)
    rows = fold(events)
    assert rows.same(fold(reversed(events))) == []
    if isinstance(read.body, Unknown):
        assert rows.same(fold(one for one in events if one is not read)) == []
    view = View(rows, HOST)
    names = Names(view)
    assert names.words(read.body)
    # A vault's or a place's name is shown to a person.
    assert not any(unshowable(ord(char)) for char in names.words(read.body))
    body_json(read.body)
    view.places(), view.backups(gone=True), view.handled(), view.drills(), conflicts(view), view.hosts()
    for vault in view.vaults():
        view.parties(vault.vault), view.generations(vault.vault), view.current(vault.vault)


def exported(data: bytes) -> None:
    """Either it is the one file that these events have, or it is refused."""
    try:
        events = interchange.decode(data)
    except (LedgerFileError, LedgerNewerError):
        return
    assert interchange.decode(interchange.encode(events)) == events
