"""A ledger against what a place says."""

from __future__ import annotations

from dataclasses import replace

from coldshare.ledger import events as e
from coldshare.ledger.differences import Listed, held, news, share_of
from coldshare.ledger.store import Ledger
from coldshare_iface import wire
from coldshare_iface.messages import Backup, Contents, Declaration, Unnamed
from ledger.samples import ID, NEW, OLD, OTHER_ID, SAFE, SHARE, STICK, VAULT

DECLARED = Declaration(VAULT, "Savings", "Phone", OLD, 2, 3, wire.LIBRARY_DKLS, bytes(16))


def backup(state: int) -> Backup:
    return Backup(ID, state, 10, DECLARED, DECLARED.encode())


def test_states_of_a_token() -> None:
    told = {
        wire.BACKUP_PENDING: e.UNCONFIRMED,
        wire.BACKUP_ACTIVE: e.ACTIVE,
        wire.BACKUP_NEXT: e.NEXT,
        wire.BACKUP_RETIRED: e.RETIRED,
        wire.BACKUP_KEYLESS: e.KEYLESS,
    }
    for state, ours in told.items():
        assert held(Contents((backup(state),), ())) == [Listed(ID, SHARE, 10, ours)]
    unnamed = {wire.BACKUP_ACTIVE: e.DAMAGED, wire.BACKUP_KEYLESS: e.KEYLESS, wire.BACKUP_RETIRED: e.RETIRED}
    for state, ours in unnamed.items():
        assert held(Contents((), (Unnamed(ID, state, 10),))) == [Listed(ID, None, 10, ours)]
    assert share_of(DECLARED) == SHARE


def test_what_is_news(ledger: Ledger) -> None:
    ledger.record([e.BackupStored(SAFE, ID, SHARE, 10, e.ACTIVE, recovery=True)])
    ledger.record([e.BackupStored(STICK, OTHER_ID, SHARE, 10, e.ACTIVE, recovery=True)])
    view = ledger.view()
    assert news(view, SAFE, [Listed(ID, SHARE, 10, e.ACTIVE)]) == []
    # A burnt token does not say whose it is; the ledger knows.
    assert news(view, SAFE, [Listed(ID, None, 10, e.ACTIVE)]) == []
    assert news(view, SAFE, []) == [e.BackupGone(SAFE, ID, e.MISSING)]
    for listed in (
        Listed(ID, SHARE, 10, e.KEYLESS),
        Listed(ID, SHARE, 11, e.ACTIVE),
        Listed(ID, e.Share(VAULT, "Savings", "Laptop", OLD, 2, 3, 2), 10, e.ACTIVE),
    ):
        (body,) = news(view, SAFE, [listed])
        assert body == e.BackupState(SAFE, ID, listed.share, listed.size, listed.state)
    both = [Listed(ID, SHARE, 10, e.ACTIVE), Listed(OTHER_ID, SHARE, 10, e.NEXT)]
    ledger.record(news(view, SAFE, both))
    assert news(ledger.view(), SAFE, both) == []
    assert len(ledger.view().backups()) == 3
    ledger.record(news(ledger.view(), SAFE, []))
    assert [one.place for one in ledger.view().backups()] == [STICK]
    ledger.record(news(ledger.view(), SAFE, both))  # and it is found again
    assert len(ledger.view().backups()) == 3


def test_what_a_place_shows_of_the_order_of_generations(ledger: Ledger) -> None:
    newer = replace(SHARE, generation=NEW)
    told = e.GenerationNewer(VAULT, NEW, OLD)
    for old, new, known in (
        (e.RETIRED, e.ACTIVE, True),
        (e.ACTIVE, e.NEXT, True),
        (e.RETIRED, e.NEXT, True),
        (e.ACTIVE, e.UNCONFIRMED, False),
        (e.ACTIVE, e.ACTIVE, False),
        (e.KEYLESS, e.RETIRED, False),
    ):
        both = [Listed(ID, SHARE, 10, old), Listed(OTHER_ID, newer, 10, new)]
        assert (told in news(ledger.view(), SAFE, both)) is known
    # Of two parties nothing follows, and the ledger is not told what it knows, nor the opposite of it.
    other = replace(newer, party="Laptop")
    assert told not in news(
        ledger.view(), SAFE, [Listed(ID, SHARE, 10, e.RETIRED), Listed(OTHER_ID, other, 10, e.ACTIVE)]
    )
    both = [Listed(ID, SHARE, 10, e.RETIRED), Listed(OTHER_ID, newer, 10, e.ACTIVE)]
    ledger.record(news(ledger.view(), SAFE, both))
    current = ledger.view().current(VAULT)
    assert current is not None
    assert current.generation == NEW
    assert news(ledger.view(), SAFE, both) == []
    turned = [Listed(ID, SHARE, 10, e.ACTIVE), Listed(OTHER_ID, newer, 10, e.RETIRED)]
    assert not any(isinstance(body, e.GenerationNewer) for body in news(ledger.view(), SAFE, turned))
