"""A backup that is cut short, at any point and in any way: the token holds what it held, or the new backup too and
says that it is unconfirmed. Trying again always works."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from coldshare import restore
from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare_iface import wire
from coldshare_iface.errors import CancelledError, ColdshareError
from coldshare_iface.messages import Declaration
from coldshare_sim.flash import Chip
from support.desk import PASSWORD, Cable, Desk, approves, put_share, slots, stares, vault

SEALED = bytes(range(256)) * 80


def declared() -> bytes:
    return Declaration(
        vault=b"\x02" * 33,
        name="Savings",
        party="Phone",
        generation=bytes(32),
        threshold=2,
        parties=3,
        library=wire.LIBRARY_DKLS,
        nonce=bytes(16),
    ).encode()


def store(client: TokenClient) -> bytes:
    """What `backup` does with the token, without the second that sealing takes."""
    import hashlib

    backup_id = client.reserve(declared()).backup_id
    client.put(backup_id, SEALED)
    client.commit(backup_id)
    client.get(backup_id, len(SEALED), hashlib.sha256(SEALED).digest())
    client.confirm(backup_id)
    return backup_id


@pytest.mark.slow
def test_a_cable_pulled_out_after_any_report(desk: Desk) -> None:
    chip = desk.token()
    old = store(desk.client(chip))
    client = desk.client(chip)
    image = bytes(chip.image)
    store(client)
    carrier = client._transport
    assert isinstance(carrier, Cable)
    total = carrier.passed
    assert total > 700
    outcomes = []
    for budget in range(0, total, 11):
        chip = Chip(image)
        desk.rewind()
        with pytest.raises(TokenGoneError):
            store(desk.client(chip, budget=budget))
        held = [(entry[0], entry[1]) for entry in desk.held(chip)]
        if held == [(old.hex(), False)]:
            outcomes.append("old")
        elif held[0] == (old.hex(), False) and len(held) == 2 and held[1][1]:
            outcomes.append("both")
        else:
            assert len(held) == 1
            assert not held[0][1]
            outcomes.append("new")
        if budget % 5 == 0:
            newest = store(desk.client(chip))
            assert [entry[0] for entry in desk.held(chip)] == [newest.hex()]
    # In this order, and nothing else in between.
    assert outcomes == sorted(outcomes, key=["old", "both", "new"].index)
    assert {"old", "both"} <= set(outcomes)


@pytest.mark.parametrize("budget", [3, 40, 1000, 2300, 2370, 4000])
def test_a_whole_backup_cut_short_says_how_it_stands(desk: Desk, budget: int) -> None:
    chip, backup_id = desk.stored()
    old = backup_id.hex()
    with pytest.raises(TokenGoneError) as caught:
        put_share(desk.client(chip, budget=budget), vault()[0].vult)
    held = desk.held(chip)
    assert held[0][:2] == (old, False)
    if len(held) == 2:
        assert held[1][1]
        assert "coldshare verify" in caught.value.next_step
    else:
        assert len(held) == 1
    new = put_share(desk.client(chip), vault()[0].vult)
    assert [entry[0] for entry in desk.held(chip)] == [new.backup_id.hex()]


class StopError(Exception):
    """Something that nobody foresaw."""


STEPS = [("sealing", 0), ("writing", 0), ("writing", 60_000), ("confirming", 0), ("reading", 0), ("reading", 60_000)]


def at(step: str, done: int, action: Any) -> Any:
    """An `on_step` that acts once, when that step has come so far."""
    fired = Event()

    def on_step(now: str, count: int, total: int) -> None:
        if now == step and count >= done and not fired.is_set():
            fired.set()
            action()

    return on_step


def raises(error: BaseException) -> Any:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(("step", "done"), STEPS)
@pytest.mark.parametrize("how", ["cancel", "ctrl-c", "fault"])
def test_stopping_at_any_step(desk: Desk, step: str, done: int, how: str) -> None:
    chip, backup_id = desk.stored()
    old = backup_id.hex()
    cancel = Event()
    client = desk.client(chip, cancel=cancel)
    action, kind = {
        "cancel": (cancel.set, CancelledError),
        "ctrl-c": (raises(KeyboardInterrupt()), KeyboardInterrupt),
        "fault": (raises(StopError()), StopError),
    }[how]
    with pytest.raises(kind) as caught:
        put_share(client, vault()[0].vult, on_step=at(step, done, action))
    stored = step == "reading"
    held = desk.held(chip)
    assert [entry[1] for entry in held] == ([False, True] if stored else [False])
    assert held[0][0] == old
    assert len(slots(chip)) == len(held), "a reservation is left behind"
    if isinstance(caught.value, ColdshareError):
        assert caught.value.exit_status == 130
        assert ("coldshare verify" in caught.value.next_step) == stored
        assert ("Nothing was changed" in caught.value.next_step) != stored


@pytest.mark.parametrize("how", ["cancel", "ctrl-c"])
def test_stopping_while_the_token_waits_for_its_button(desk: Desk, how: str) -> None:
    chip = desk.token()
    cancel = Event()

    def on_status(status: int) -> None:
        if status == wire.KEEPALIVE_PERSON:
            if how == "ctrl-c":
                raise KeyboardInterrupt
            cancel.set()

    client = desk.client(chip, stares(), cancel=cancel, on_status=on_status)
    with pytest.raises(CancelledError if how == "cancel" else KeyboardInterrupt):
        put_share(client, vault()[0].vult)
    assert slots(chip) == []


def test_an_event_that_is_set_already_asks_the_token_nothing(desk: Desk) -> None:
    chip, _ = desk.stored()
    cancel = Event()
    client = desk.client(chip, person := approves(), cancel=cancel)
    (held,) = client.backups()
    cancel.set()
    for use in (client.backups, lambda: restore.verify(client, held, PASSWORD)):
        with pytest.raises(CancelledError):
            use()
    assert person.questions == []


@pytest.mark.parametrize(("step", "done"), [("confirming", 0), ("reading", 0), ("reading", 60_000), ("opening", 0)])
@pytest.mark.parametrize("how", ["cancel", "ctrl-c"])
def test_stopping_a_restore_at_any_step_writes_nothing(
    desk: Desk, tmp_path: Path, step: str, done: int, how: str
) -> None:
    chip, _ = desk.stored()
    cancel = Event()
    client = desk.client(chip, cancel=cancel)
    (held,) = client.backups()
    action, kind = (cancel.set, CancelledError) if how == "cancel" else (raises(KeyboardInterrupt()), KeyboardInterrupt)
    with pytest.raises(kind):
        restore.restore(client, held, PASSWORD, tmp_path / "out", on_step=at(step, done, action))
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    restore.restore(desk.client(chip), held, PASSWORD, tmp_path / "out")


@pytest.mark.parametrize("first", [True, False], ids=["first backup", "replacing one"])
def test_a_host_that_died_before_it_confirmed(desk: Desk, first: bool) -> None:
    """The list says so, verify finishes it, and without the password it stays as it is."""
    chip = desk.token()
    if not first:
        put_share(desk.client(chip), vault()[0].vult)
    new = died_unconfirmed(desk, chip)
    client = desk.client(chip)
    *before, pending = client.backups()
    assert (pending.backup_id, pending.pending) == (new, True)
    assert len(before) == (0 if first else 1)

    looked = restore.verify(client, pending, None)
    assert not looked.confirmed
    assert [held.pending for held in client.backups()] == [False] * len(before) + [True]

    with pytest.raises(ColdshareError):
        restore.verify(client, pending, "not the password")
    assert [held.pending for held in client.backups()] == [False] * len(before) + [True]

    assert restore.verify(client, pending, PASSWORD).confirmed
    assert [(held.backup_id, held.pending) for held in client.backups()] == [(new, False)]


def test_backing_up_again_heals_too(desk: Desk) -> None:
    chip, _ = desk.stored()
    died_unconfirmed(desk, chip)
    done = put_share(desk.client(chip), vault()[0].vult)
    assert done.replaced == 2
    assert [entry[:2] for entry in desk.held(chip)] == [(done.backup_id.hex(), False)]


def test_an_unconfirmed_first_backup_is_not_lost_when_the_second_try_dies_as_well(desk: Desk) -> None:
    chip = desk.token()
    first = died_unconfirmed(desk, chip)
    second = died_unconfirmed(desk, chip)
    assert [entry[:2] for entry in desk.held(chip)] == [(first.hex(), False), (second.hex(), True)]


def test_two_of_them_are_told_apart_in_words(desk: Desk) -> None:
    chip, _ = desk.stored()
    died_unconfirmed(desk, chip)
    with pytest.raises(restore.AmbiguousBackupError, match=r"\(Phone\).*\(Phone, unconfirmed\)"):
        restore.choose(desk.client(chip).backups(), None)


def died_unconfirmed(desk: Desk, chip: Chip) -> bytes:
    """Back up, with a computer that stops between the press and the read-back. The id of the backup."""
    client = desk.client(chip)
    committed: list[bytes] = []
    commit = client.commit

    def dies(backup_id: bytes) -> None:
        commit(backup_id)
        committed.append(backup_id)
        raise StopError

    client.commit = dies  # type: ignore[method-assign]
    with pytest.raises(StopError):
        put_share(client, vault()[0].vult)
    return committed[0]
