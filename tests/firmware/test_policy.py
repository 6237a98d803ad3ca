"""What may stand beside what: one party of a vault, one generation, at most sixteen backups."""

from __future__ import annotations

import pytest

from coldshare_iface import wire
from support.client import NO, Bench, blob, declaration, secrets

PHONE = declaration()
OTHER_PARTY = declaration(party="Laptop")
OTHER_GENERATION = declaration(generation=b"h" * 32)
OTHER_VAULT = declaration(vault=b"\x03" + b"w" * 32, name="Second")


def states(bench: Bench) -> dict[bytes, int]:
    return {held[1]: held[2] for held in bench.host.list()}


@pytest.mark.parametrize(
    ("declared", "status"),
    [(OTHER_PARTY, wire.STATUS_OTHER_PARTY), (OTHER_GENERATION, wire.STATUS_OTHER_GENERATION)],
    ids=["party", "generation"],
)
@pytest.mark.parametrize("confirm", [True, False], ids=["active", "pending"])
def test_refused_at_reserve(ready: Bench, declared: bytes, status: int, confirm: bool) -> None:
    held, _ = ready.host.put(blob(100), PHONE, confirm=confirm)
    asked = len(ready.person.questions)
    before = ready.image
    assert ready.host.ask(wire.OP_RESERVE, declared) == {0: status}
    assert ready.image == before
    assert len(ready.person.questions) == asked
    assert list(states(ready)) == [held]
    ready.power_cycle()
    ready.host.again()
    assert ready.host.ask(wire.OP_RESERVE, declared) == {0: status}


def test_party_goes_before_generation(ready: Bench) -> None:
    """A share of another party is that, whatever its generation."""
    ready.host.put(blob(100), PHONE)
    declared = declaration(party="Laptop", generation=b"h" * 32)
    assert ready.host.status(wire.OP_RESERVE, declared) == wire.STATUS_OTHER_PARTY


def test_refused_at_commit(ready: Bench) -> None:
    """Two reservations cannot both be there, so the rule is made to fail at the second gate only: by the slots."""
    keys = ready.token._token._keys
    backup_id, _ = ready.host.reserve(OTHER_PARTY)
    ready.host.send(backup_id, blob(100))
    from coldshare_firmware.keys import F_SLOTS

    tags = [keys.tag(b"vault", b"\x02" + b"v" * 32), bytes(16), bytes(16)]
    keys.change({F_SLOTS: [*keys.slots, [b"i" * 16, b"f" * 32, wire.BACKUP_ACTIVE, *tags]]})
    asked = len(ready.person.questions)
    assert ready.host.status(wire.OP_COMMIT, backup_id) == wire.STATUS_OTHER_PARTY
    assert len(ready.person.questions) == asked


def test_a_second_vault_is_welcome(ready: Bench) -> None:
    first, _ = ready.host.put(blob(100), PHONE)
    second, _ = ready.host.put(blob(200), OTHER_VAULT)
    assert states(ready) == {first: wire.BACKUP_ACTIVE, second: wire.BACKUP_ACTIVE}


def test_the_same_share_replaces(ready: Bench) -> None:
    """The old one stays readable until the host has read the new one back and said so."""
    old_data, new_data = blob(5000, 1), blob(5000, 2)
    old, old_factor = ready.host.put(old_data)
    new, new_factor = ready.host.reserve(declaration(nonce=b"m" * 16, name="Renamed"))
    ready.host.send(new, new_data)
    ready.host.ok(wire.OP_COMMIT, new)
    assert ready.person.questions[-1][0] == "Replace this share?"
    assert states(ready) == {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_PENDING}
    assert ready.host.ok(wire.OP_OPEN, old, wire.PURPOSE_VERIFY)[4] == old_factor
    assert ready.host.get(old, 5000) == old_data
    ready.host.ok(wire.OP_CONFIRM, new)
    assert states(ready) == {new: wire.BACKUP_ACTIVE}
    assert ready.host.status(wire.OP_OPEN, old, wire.PURPOSE_VERIFY) == wire.STATUS_NOT_FOUND
    assert ready.host.status(wire.OP_READ, old, 0) == wire.STATUS_NOT_FOUND
    assert secrets(ready.image, old_factor) == []
    assert ready.host.ok(wire.OP_OPEN, new, wire.PURPOSE_VERIFY)[4] == new_factor
    assert ready.host.get(new, 5000) == new_data


def test_the_first_backup_is_pending_until_confirmed(ready: Bench) -> None:
    held, _ = ready.host.put(blob(100), confirm=False)
    assert states(ready) == {held: wire.BACKUP_PENDING}
    ready.power_cycle()
    ready.host.again()
    assert states(ready) == {held: wire.BACKUP_PENDING}
    ready.host.ok(wire.OP_CONFIRM, held)
    ready.host.ok(wire.OP_CONFIRM, held)
    assert states(ready) == {held: wire.BACKUP_ACTIVE}


def test_an_unconfirmed_backup_is_not_lost_to_the_next_one(ready: Bench) -> None:
    """It was acknowledged. With nothing else of its vault there, it becomes the one to fall back on."""
    first, _ = ready.host.put(blob(100), confirm=False)
    second, _ = ready.host.put(blob(200, 2), confirm=False)
    assert states(ready) == {first: wire.BACKUP_ACTIVE, second: wire.BACKUP_PENDING}
    third, _ = ready.host.put(blob(300, 3), confirm=False)
    assert states(ready) == {first: wire.BACKUP_ACTIVE, third: wire.BACKUP_PENDING}
    ready.host.ok(wire.OP_CONFIRM, third)
    assert states(ready) == {third: wire.BACKUP_ACTIVE}


def test_a_no_at_the_button_changes_nothing(ready: Bench) -> None:
    old, _ = ready.host.put(blob(100))
    new, _ = ready.host.reserve()
    ready.host.send(new, blob(200))
    before = ready.image
    ready.person.default = NO
    assert ready.host.status(wire.OP_COMMIT, new) == wire.STATUS_REJECTED
    assert ready.image == before
    assert states(ready) == {old: wire.BACKUP_ACTIVE}


def test_sixteen_backups(ready: Bench) -> None:
    host = ready.host
    ids = [host.put(blob(50, n), declaration(vault=bytes([n]) * 33))[0] for n in range(wire.BACKUPS_MAX)]
    before = ready.image
    assert host.status(wire.OP_RESERVE, declaration(vault=b"x" * 33)) == wire.STATUS_NO_SPACE
    assert ready.image == before
    assert [held[1] for held in host.list()] == ids
    assert len(host.ok(wire.OP_LIST, 0)[1]) == wire.LIST_PAGE
    assert host.ok(wire.OP_LIST, 16) == {0: 0, 1: [], 2: 16}
    ready.power_cycle()
    assert len(host.again().list()) == wire.BACKUPS_MAX


def test_a_full_token_can_refresh_what_it_holds(ready: Bench) -> None:
    host = ready.host
    ids = [host.put(blob(50, n), declaration(vault=bytes([n]) * 33))[0] for n in range(wire.BACKUPS_MAX)]
    new = host.put(blob(60, 99), declaration(vault=bytes([3]) * 33), confirm=False)[0]
    assert len(host.list()) == wire.BACKUPS_MAX + 1
    assert host.status(wire.OP_RESERVE, declaration(vault=bytes([4]) * 33)) == wire.STATUS_NO_SPACE
    ready.power_cycle()
    host.again()
    host.ok(wire.OP_CONFIRM, new)
    assert {held[1] for held in host.list()} == {*ids, new} - {ids[3]}


def test_the_longest_declarations_fit_the_list_and_the_key_area(ready: Bench) -> None:
    for n in range(wire.BACKUPS_MAX):
        declared = declaration(
            vault=bytes([n]) * wire.VAULT_ID_MAX, name="n" * wire.NAME_MAX, party="p" * wire.NAME_MAX, parties=64
        )
        ready.host.put(blob(30, n), declared)
    for n in range(1, wire.PAIRINGS_MAX):
        assert ready.second_host(str(n) * wire.LABEL_MAX).pair()[0] == wire.STATUS_OK
    assert len(ready.host.again().list()) == wire.BACKUPS_MAX


def test_no_room_for_the_blob(ready: Bench) -> None:
    host = ready.host
    first, _ = host.reserve()
    host.send(first, blob(wire.BLOB_MAX))
    host.ok(wire.OP_COMMIT, first)
    host.ok(wire.OP_CONFIRM, first)
    second, _ = host.reserve(OTHER_VAULT)
    assert host.status(wire.OP_BEGIN, second, wire.BLOB_MAX, bytes(32)) == wire.STATUS_NO_SPACE
    assert host.ok(wire.OP_BEGIN, second, 1000, bytes(32))[1] == 0
    host.ok(wire.OP_ABORT, second)
    assert states(ready) == {first: wire.BACKUP_ACTIVE}


@pytest.mark.parametrize(
    "changes",
    [
        {"vault": b""},
        {"vault": bytes(wire.VAULT_ID_MAX + 1)},
        {"name": "n" * (wire.NAME_MAX + 1)},
        {"name": "two\nlines"},
        {"name": "\u202eesrever"},
        {"party": ""},
        {"party": "\u200b"},
        {"generation": bytes(31)},
        {"threshold": 0},
        {"threshold": 4},
        {"parties": 65},
        {"library": 0},
        {"library": True},
        {"nonce": bytes(15)},
        {"extra": 1},
        {"name": b"bytes"},
        {"threshold": -1},
    ],
    ids=str,
)
def test_a_declaration_that_is_none(ready: Bench, changes: dict[str, object]) -> None:
    before = ready.image
    assert ready.host.status(wire.OP_RESERVE, declaration(**changes)) == wire.STATUS_BAD_DECLARATION
    assert ready.image == before


def test_a_declaration_that_is_not_even_cbor(ready: Bench) -> None:
    for data in (b"\x00", b"\xa1", b"\xff" * 40, declaration() + b"\x00", bytes(512)):
        assert ready.host.status(wire.OP_RESERVE, data) == wire.STATUS_BAD_DECLARATION
    for data in (b"", bytes(513)):
        assert ready.host.status(wire.OP_RESERVE, data) == wire.STATUS_BAD_REQUEST


def test_no_name_in_the_clear(ready: Bench) -> None:
    """Names and identifiers are on flash, and nobody who has only the file system can read them."""
    declared = declaration(vault=b"look-for-this-vault-id-everywhere", name="NAME-TO-FIND", party="PARTY-TO-FIND")
    ready.host.put(blob(500), declared)
    assert secrets(ready.image, b"look-for-this-vault-id", b"NAME-TO-FIND", b"PARTY-TO-FIND", b"g" * 28) == []
