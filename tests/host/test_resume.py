"""A backup whose link breaks goes on where it stopped, whatever was turned off meanwhile; and what it does not do."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from coldshare import restore
from coldshare.device.errors import (
    DeviceError,
    SessionLostError,
    TokenChannelBusyError,
    TokenGoneError,
    TokenTimeoutError,
    WrongTokenError,
)
from coldshare.device.token import TokenClient
from coldshare.handover import ToFile
from coldshare.outbox import Entry, Outbox, outbox_path
from coldshare.recovery import parse_file
from coldshare.reseal import reseal
from coldshare.resume import (
    NothingToResumeError,
    OtherTokenError,
    ReservationLostError,
    Resumed,
    choose,
    give_up,
    resume,
)
from coldshare_firmware.keyarea import KeyArea, StorageError
from coldshare_firmware.keys import RESERVED
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_iface.errors import (
    CancelledError,
    ColdshareError,
    PersonTimeoutError,
    ProtocolError,
    RejectedError,
    TokenStorageError,
)
from coldshare_iface.messages import Contents
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from support.desk import (
    KDF,
    PASSWORD,
    Cable,
    Desk,
    Presses,
    approves,
    power_up,
    put_share,
    rejects,
    slots,
    stares,
    vault,
)

SHARE = vault()[0].vult
OTHER = vault("Other")[0].vult


@pytest.fixture
def outbox(home: Path) -> Outbox:
    return Outbox(outbox_path())


class Break:
    """Raises once, when the backup has come so far. As an `on_step`, and once it is made it counts what crosses."""

    def __init__(self, step: str, done: int, error: BaseException) -> None:
        self.step, self.done, self.error = step, done, error

    def __call__(self, step: str, done: int, total: int) -> None:
        if step == self.step and done >= self.done:
            self.done = sys.maxsize
            raise self.error


def broken(desk: Desk, chip: Chip, outbox: Outbox, step: str = "writing", done: int = 60_000, **options: Any) -> Entry:
    """Back up until the token is pulled out, there. What is kept of it."""
    with pytest.raises(TokenGoneError):
        put_share(desk.client(chip), SHARE, outbox=outbox, on_step=Break(step, done, TokenGoneError()), **options)
    return only(outbox)


def only(outbox: Outbox) -> Entry:
    (waiting,) = outbox.waiting()
    return outbox.load(waiting)


def go_on(desk: Desk, chip: Chip, outbox: Outbox, person: Presses | None = None, **options: Any) -> Resumed:
    """Everything was turned off and on again: another token, another channel, another look at the disk."""
    return resume(desk.client(chip, person), only(outbox), outbox=outbox, **options)


def opens(desk: Desk, chip: Chip, backup_id: bytes, original: bytes = SHARE) -> None:
    """The token holds that backup alone, confirmed, and it is the share."""
    assert [entry[:2] for entry in desk.held(chip)] == [(backup_id.hex(), False)]
    assert slots(chip) == [(backup_id, wire.BACKUP_ACTIVE)]
    client = desk.client(chip)
    (held,) = client.backups()
    checked = restore.verify(client, held, PASSWORD)
    assert checked.original == original


def total_reports(desk: Desk) -> tuple[int, dict[str, int]]:
    """How many reports a whole backup takes, and how many had passed when each step began."""
    client = desk.client(desk.token())
    carrier = client._transport
    assert isinstance(carrier, Cable)
    began: dict[str, int] = {}
    confirm = client.confirm

    def on_step(step: str, done: int, total: int) -> None:
        began.setdefault(step, carrier.passed)

    def confirming(backup_id: bytes) -> None:
        on_step("confirm", 0, 0)
        confirm(backup_id)

    client.confirm = confirming  # type: ignore[method-assign]
    put_share(client, SHARE, on_step=on_step)
    return carrier.passed, began


# --- the link


@pytest.mark.slow
def test_a_cable_pulled_out_after_any_report(desk: Desk, outbox: Outbox) -> None:
    """Whenever that is: what is left can be resumed, or there is nothing left; and only the rest crosses again."""
    total, began = total_reports(desk)
    ends = [*began.values(), total]
    near = {max(0, end + step) for end in ends for step in (-2, -1, 0, 1)}
    outcomes: list[str] = []
    for budget in sorted({*range(0, total, total // 7), *near}):
        chip = desk.token()
        try:
            whole = put_share(desk.client(chip, budget=budget), SHARE, outbox=outbox)
        except TokenGoneError as error:
            next_step = error.next_step
        else:
            # Only what is asked after the confirmation was missed.
            assert outbox.waiting() == []
            opens(desk, chip, whole.backup_id)
            outcomes.append("done")
            continue
        if not outbox.waiting():
            assert budget < began["writing"] + 2
            outcomes.append("nothing")
            continue
        assert "coldshare resume" in next_step
        entry = only(outbox)
        person = approves()
        client = desk.client(chip, person)
        carrier = client._transport
        assert isinstance(carrier, Cable)
        done = resume(client, entry, outbox=outbox)
        if done.already:
            outcomes.append("confirmed")
            assert person.questions == []
        elif done.offset is None:
            outcomes.append("stored")
            assert [lines[0] for lines in person.questions] == ["RELEASE to verify?"]
        else:
            outcomes.append("unfinished")
            assert [lines[0] for lines in person.questions] == ["Store this share?"]
            # The way back is whole; of the way there only the rest.
            sent = len(entry.sealed) - done.offset
            both_ways = len(entry.sealed) + sent
            assert both_ways / 59 < carrier.passed < both_ways / 59 * 1.06 + 40
        assert outbox.waiting() == []
        opens(desk, chip, entry.backup_id)
    order = ["nothing", "unfinished", "stored", "confirmed", "done"]
    assert outcomes == sorted(outcomes, key=order.index)
    assert set(outcomes) == set(order)


def test_it_goes_on_at_the_last_stored_chunk(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    entry = broken(desk, chip, outbox)
    assert slots(chip) == [(entry.backup_id, 0)]
    seen: list[int] = []

    def on_step(step: str, done: int, total: int) -> None:
        if step == "writing":
            seen.append(done)
            assert total == len(entry.sealed)

    done = go_on(desk, chip, outbox, on_step=on_step)
    assert done.offset is not None
    assert 60_000 <= done.offset < 70_000
    assert (seen[0], seen[-1]) == (done.offset, len(entry.sealed))
    assert all(before < after for before, after in pairwise(seen))
    assert not done.already
    opens(desk, chip, entry.backup_id)


def test_cut_again_and_again(desk: Desk, outbox: Outbox) -> None:
    """A few chunks at a time, and still it gets there."""
    chip = desk.token()
    entry = broken(desk, chip, outbox, done=0)
    offsets: list[int] = []
    for _ in range(200):
        client = desk.client(chip, budget=400)

        def on_step(step: str, done: int, total: int) -> None:
            if step == "writing":
                offsets.append(done)

        with pytest.raises(TokenGoneError) as caught:
            resume(client, only(outbox), outbox=outbox, on_step=on_step)
        assert "coldshare resume" in caught.value.next_step
        if offsets[-1] == len(entry.sealed):
            break
    assert offsets == sorted(offsets)
    assert len(set(offsets)) > 10
    go_on(desk, chip, outbox)
    opens(desk, chip, entry.backup_id)


def test_it_replaces_the_earlier_one_only_when_it_is_read_back(desk: Desk, outbox: Outbox) -> None:
    chip, old = desk.stored()
    entry = broken(desk, chip, outbox)
    assert [held[:2] for held in desk.held(chip)] == [(old.hex(), False)]
    with pytest.raises(TokenGoneError):
        go_on(desk, chip, outbox, on_step=Break("reading", 0, TokenGoneError()))
    assert [held[:2] for held in desk.held(chip)] == [(old.hex(), False), (entry.backup_id.hex(), True)]
    assert only(outbox).committed
    go_on(desk, chip, outbox)
    opens(desk, chip, entry.backup_id)


@pytest.mark.parametrize(
    "error", [TokenGoneError(), TokenTimeoutError(), SessionLostError(), TokenChannelBusyError(), ProtocolError()]
)
@pytest.mark.parametrize("step", ["writing", "confirming", "reading"])
def test_every_kind_of_broken_link(desk: Desk, outbox: Outbox, step: str, error: ColdshareError) -> None:
    chip = desk.token()
    with pytest.raises(type(error)) as caught:
        put_share(desk.client(chip), SHARE, outbox=outbox, on_step=Break(step, 0, error))
    assert "coldshare resume" in caught.value.next_step
    done = go_on(desk, chip, outbox)
    assert (done.offset is None) == (step == "reading")
    opens(desk, chip, done.entry.backup_id)


def test_another_program_that_takes_the_session(desk: Desk, outbox: Outbox) -> None:
    """The token keeps power, and both programs speak to it: the second session ends the first."""
    chip = desk.token()
    token = power_up(chip)

    def client() -> TokenClient:
        client = TokenClient(Cable(token))
        client.connect(desk.store)
        client.unlock("483920483920")
        return client

    class Intrudes:
        done = False

        def __call__(self, step: str, done: int, total: int) -> None:
            if step == "writing" and done > 50_000 and not self.done:
                self.done = True
                client()

    with pytest.raises(SessionLostError) as caught:
        put_share(client(), SHARE, outbox=outbox, on_step=Intrudes())
    assert "no other program" in caught.value.next_step
    done = resume(client(), only(outbox), outbox=outbox)
    assert done.offset is not None
    assert done.offset > 50_000
    opens(desk, chip, done.entry.backup_id)


@pytest.mark.parametrize("lost", ["commit", "confirm"])
def test_an_answer_that_was_lost(desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    chip = desk.token()
    method = getattr(TokenClient, lost)

    def answer_lost(client: TokenClient, backup_id: bytes) -> None:
        method(client, backup_id)
        raise TokenGoneError

    with monkeypatch.context() as patch:
        patch.setattr(TokenClient, lost, answer_lost)
        with pytest.raises(TokenGoneError) as caught:
            put_share(desk.client(chip), SHARE, outbox=outbox)
    assert "coldshare resume" in caught.value.next_step
    done = go_on(desk, chip, outbox)
    assert (done.offset, done.already) == (None, lost == "confirm")
    assert outbox.waiting() == []
    opens(desk, chip, done.entry.backup_id)


KILLED = """
import os, signal, sys
from pathlib import Path
from coldshare.outbox import Outbox, outbox_path
from coldshare.seal import primitives
from coldshare_sim.flash import Flash
from support.desk import Desk, put_share, quick_argon2id, vault

primitives.argon2id = quick_argon2id
step, done = sys.argv[2], int(sys.argv[3])

def on_step(now, count, total):
    if now == step and count >= done:
        os.kill(os.getpid(), signal.SIGKILL)

home = Path(os.environ["COLDSHARE_HOME"])
share = Path(sys.argv[4]).read_bytes()
client = Desk(home).client(Flash(Path(sys.argv[1])))
put_share(client, share, outbox=Outbox(outbox_path()), on_step=on_step)
"""


@pytest.mark.parametrize(
    ("step", "done"), [("writing", 0), ("writing", 60_000), ("confirming", 0), ("reading", 60_000)]
)
def test_a_process_that_is_killed(desk: Desk, outbox: Outbox, tmp_path: Path, step: str, done: int) -> None:
    """Token and computer go down together, in the middle of it."""
    image, share = tmp_path / "a.token", tmp_path / "share"
    image.write_bytes(desk.token().image)
    share.write_bytes(SHARE)
    argv = [sys.executable, "-c", KILLED, str(image), step, str(done), str(share)]
    path = str(Path(__file__).parents[1])
    killed = subprocess.run(argv, capture_output=True, env=os.environ | {"PYTHONPATH": path}, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    chip = Chip(image.read_bytes())
    finished = go_on(desk, chip, outbox)
    assert finished.offset is None if step == "reading" else finished.offset is not None
    if finished.offset is not None:
        assert finished.offset >= done
    opens(desk, chip, finished.entry.backup_id)
    assert outbox.waiting() == []


def test_a_token_that_lost_what_was_staged_gets_it_again(desk: Desk, outbox: Outbox) -> None:
    """The token's word counts, not what was answered before."""
    chip = desk.token()
    broken(desk, chip, outbox)
    LittleFiles(chip).remove("/s/blob")
    done = go_on(desk, chip, outbox)
    assert done.offset == 0
    opens(desk, chip, done.entry.backup_id)


# --- what ends it


@pytest.mark.parametrize("how", ["no", "cancel", "ctrl-c", "fault", "time"])
def test_what_is_no_broken_link_ends_it_as_ever(desk: Desk, outbox: Outbox, tmp_path: Path, how: str) -> None:
    chip = desk.token()
    path = tmp_path / "code"
    person = {"no": rejects, "time": stares}.get(how, approves)()
    cancel = Event()
    action: dict[str, tuple[Any, type[BaseException]]] = {
        "no": (None, RejectedError),
        "time": (None, PersonTimeoutError),
        "cancel": (cancel.set, CancelledError),
        "ctrl-c": (KeyboardInterrupt(), KeyboardInterrupt),
        "fault": (ZeroDivisionError(), ZeroDivisionError),
    }
    act, kind = action[how]

    def on_step(step: str, done: int, total: int) -> None:
        if step == "writing" and done > 60_000:
            assert outbox.waiting() != []
            if isinstance(act, BaseException):
                raise act
            if act is not None:
                act()

    with pytest.raises(kind):
        put_share(
            desk.client(chip, person, cancel=cancel), SHARE, outbox=outbox, recovery=ToFile(path), on_step=on_step
        )
    assert outbox.waiting() == []
    assert slots(chip) == []
    assert not path.exists()


@pytest.mark.parametrize("error", [CancelledError(), KeyboardInterrupt(), ZeroDivisionError()])
def test_once_it_is_stored_it_can_be_finished_whatever_stopped_it(
    desk: Desk, outbox: Outbox, error: BaseException
) -> None:
    chip, _ = desk.stored()
    with pytest.raises(type(error)) as caught:
        put_share(desk.client(chip), SHARE, outbox=outbox, on_step=Break("reading", 0, error))
    if isinstance(caught.value, ColdshareError):
        assert "coldshare resume" in caught.value.next_step
        assert "coldshare verify" in caught.value.next_step
    done = go_on(desk, chip, outbox)
    opens(desk, chip, done.entry.backup_id)


def test_bytes_that_come_back_wrong_are_not_tried_again(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip, old = desk.stored()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "read", lambda store, backup_id, offset, length: bytes(length))
        with pytest.raises(WrongTokenError):
            put_share(desk.client(chip), SHARE, outbox=outbox)
    assert outbox.waiting() == []
    assert desk.held(chip)[0][:2] == (old.hex(), False)


def test_no_at_the_token_while_it_is_resumed(desk: Desk, outbox: Outbox, tmp_path: Path) -> None:
    chip = desk.token()
    entry = broken(desk, chip, outbox, recovery=ToFile(tmp_path / "code"))
    with pytest.raises(RejectedError) as caught:
        go_on(desk, chip, outbox, rejects())
    assert "given up" in caught.value.next_step
    assert f"recovery code of {entry.backup_id.hex()[:8]} opens nothing" in caught.value.next_step
    assert outbox.waiting() == []
    assert slots(chip) == []


@pytest.mark.parametrize("how", ["nobody", "cancel", "ctrl-c"])
def test_a_pause_while_it_is_resumed_is_one_more_pause(desk: Desk, outbox: Outbox, how: str) -> None:
    chip = desk.token()
    broken(desk, chip, outbox)
    cancel = Event()
    kind: type[BaseException]
    if how == "nobody":
        client, step, kind = desk.client(chip, stares()), Break("", 0, ZeroDivisionError()), PersonTimeoutError
    else:
        error = CancelledError() if how == "cancel" else KeyboardInterrupt()
        client, step, kind = desk.client(chip, cancel=cancel), Break("writing", 90_000, error), type(error)
    with pytest.raises(kind) as caught:
        resume(client, only(outbox), outbox=outbox, on_step=step)
    if isinstance(caught.value, ColdshareError):
        assert "still unfinished" in caught.value.next_step
    done = go_on(desk, chip, outbox)
    assert done.offset is not None
    assert done.offset >= 90_000
    opens(desk, chip, done.entry.backup_id)


def test_no_to_the_read_back_leaves_it_unconfirmed(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    entry = broken(desk, chip, outbox, "reading", 0)
    with pytest.raises(RejectedError) as caught:
        go_on(desk, chip, outbox, rejects())
    assert "still unfinished" in caught.value.next_step
    assert [held[:2] for held in desk.held(chip)] == [(entry.backup_id.hex(), True)]
    go_on(desk, chip, outbox)
    opens(desk, chip, entry.backup_id)


@pytest.mark.parametrize("what", ["digest", "read", "declaration"])
def test_a_token_that_stored_something_else(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It is not confirmed, so the old one still counts; and there is no going on with it."""
    chip, old = desk.stored()
    entry = broken(desk, chip, outbox, "reading", 0)
    with monkeypatch.context() as patch:
        if what == "read":
            patch.setattr(Store, "read", lambda store, backup_id, offset, length: bytes(length))
        elif what == "digest":
            opened = TokenClient.open
            patch.setattr(TokenClient, "open", lambda client, *args: replace(opened(client, *args), digest=bytes(32)))
        else:
            contents = TokenClient.contents

            def other(client: TokenClient) -> Contents:
                real = contents(client)
                return replace(real, backups=tuple(replace(held, declared=b"") for held in real.backups))

            patch.setattr(TokenClient, "contents", other)
        with pytest.raises(ColdshareError) as caught:
            go_on(desk, chip, outbox)
    assert caught.value.exit_status == 7
    assert outbox.waiting() == []
    assert [held[:2] for held in desk.held(chip)] == [(old.hex(), False), (entry.backup_id.hex(), True)]


def test_a_record_that_was_damaged_since(desk: Desk, outbox: Outbox) -> None:
    """The token has the bytes and cannot say whose they are: a person has to look, and nothing is dropped."""
    chip = desk.token()
    entry = broken(desk, chip, outbox, "reading", 0)
    LittleFiles(chip).write(f"/r/{entry.backup_id.hex()}", b"damaged")
    with pytest.raises(TokenStorageError) as caught:
        go_on(desk, chip, outbox)
    assert "still unfinished" in caught.value.next_step
    assert only(outbox).backup_id == entry.backup_id
    # A backup of something else leaves it alone.
    put_share(desk.client(chip), OTHER, outbox=outbox)
    assert only(outbox).backup_id == entry.backup_id
    assert give_up(desk.client(chip), entry.waiting)


# --- what else can have happened meanwhile


def test_finished_twice(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    entry = broken(desk, chip, outbox)
    go_on(desk, chip, outbox)
    assert outbox.keep(entry)  # as if another process had kept it meanwhile
    person = approves()
    done = go_on(desk, chip, outbox, person)
    assert done.already
    assert person.questions == []
    assert outbox.waiting() == []
    opens(desk, chip, entry.backup_id)


def test_the_token_has_forgotten_it(desk: Desk, outbox: Outbox, tmp_path: Path) -> None:
    """Another computer has begun another backup on it since."""
    chip = desk.token()
    entry = broken(desk, chip, outbox, recovery=ToFile(tmp_path / "code"))
    elsewhere = put_share(desk.client(chip), OTHER)
    with pytest.raises(ReservationLostError) as caught:
        go_on(desk, chip, outbox)
    assert "another one was begun" in caught.value.message
    assert "coldshare backup FILE" in caught.value.next_step
    assert "opens nothing" in caught.value.next_step
    assert outbox.waiting() == []
    opens(desk, chip, elsewhere.backup_id, OTHER)
    assert entry.backup_id.hex() not in [held[0] for held in desk.held(chip)]


def test_the_token_had_it_and_it_was_removed(desk: Desk, outbox: Outbox, tmp_path: Path) -> None:
    """By then it could have been exported, so nobody is told that its code opens nothing."""
    chip = desk.token()
    entry = broken(desk, chip, outbox, "reading", 0, recovery=ToFile(tmp_path / "code"))
    desk.client(chip).remove(entry.backup_id)
    with pytest.raises(ReservationLostError, match="holds it no more") as caught:
        go_on(desk, chip, outbox)
    assert "opens files that were exported of it" in caught.value.next_step
    assert "opens nothing" not in caught.value.next_step
    assert outbox.waiting() == []


def test_another_token(desk: Desk, outbox: Outbox) -> None:
    chip, other = desk.token(), desk.token(1, "Safe B")
    entry = broken(desk, chip, outbox)
    client = desk.client(other)
    with pytest.raises(OtherTokenError):
        choose(outbox, client.info.serial)
    with pytest.raises(OtherTokenError):
        resume(client, entry, outbox=outbox)
    assert only(outbox) == entry
    assert slots(other) == []


def test_a_wiped_token_is_another_one(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    broken(desk, chip, outbox)
    client = TokenClient(Cable(power_up(chip)))
    client.wipe()
    with pytest.raises(OtherTokenError) as caught:
        choose(outbox, client.info.serial)
    assert "wiped" in caught.value.next_step
    assert "--forget" in caught.value.next_step


def test_choosing(desk: Desk, outbox: Outbox) -> None:
    with pytest.raises(NothingToResumeError):
        choose(outbox, None)
    chip = desk.token()
    entry = broken(desk, chip, outbox)
    assert choose(outbox, None) == choose(outbox, entry.serial) == [entry.waiting]
    assert choose(outbox, None, entry.backup_id.hex()[:5].upper()) == [entry.waiting]
    with pytest.raises(NothingToResumeError, match="zz"):
        choose(outbox, None, "zz")


def test_a_new_backup_begins_anew_and_forgets_the_old_try(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    old = broken(desk, chip, outbox)
    new = broken(desk, chip, outbox)
    assert new.backup_id != old.backup_id
    done = go_on(desk, chip, outbox)
    opens(desk, chip, done.entry.backup_id)


def test_a_backup_of_another_vault_leaves_a_stored_one_to_be_finished(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    stored = broken(desk, chip, outbox, "reading", 0)
    put_share(desk.client(chip), OTHER, outbox=outbox)
    assert only(outbox).backup_id == stored.backup_id
    assert go_on(desk, chip, outbox).offset is None
    assert [held[1] for held in desk.held(chip)] == [False, False]


def test_a_backup_of_the_same_share_ends_a_stored_one(desk: Desk, outbox: Outbox) -> None:
    chip, _ = desk.stored()
    broken(desk, chip, outbox, "reading", 0)
    done = put_share(desk.client(chip), SHARE, outbox=outbox)
    assert outbox.waiting() == []
    opens(desk, chip, done.backup_id)


def test_giving_it_up(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    entry = broken(desk, chip, outbox)
    assert not give_up(desk.client(chip), entry.waiting)
    assert slots(chip) == []


def test_giving_it_up_on_a_token_that_cannot_forget(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its flash fails, so its secret is still there, and nobody is told otherwise."""

    def fail(area: KeyArea, record: object) -> None:
        raise StorageError

    chip = desk.token()
    entry = broken(desk, chip, outbox)
    client = desk.client(chip)
    monkeypatch.setattr(KeyArea, "store", fail)
    with pytest.raises(TokenStorageError):
        give_up(client, entry.waiting)
    assert slots(chip) == [(entry.backup_id, RESERVED)]


def test_giving_up_one_that_was_stored_leaves_it(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    entry = broken(desk, chip, outbox, "reading", 0)
    assert give_up(desk.client(chip), entry.waiting)
    assert slots(chip) == [(entry.backup_id, wire.BACKUP_PENDING)]


# --- the recovery code


@pytest.mark.parametrize("step", ["writing", "confirming", "reading"])
def test_a_recovery_code_stays_and_opens_what_was_resumed(
    desk: Desk, outbox: Outbox, tmp_path: Path, step: str
) -> None:
    chip = desk.token()
    path = tmp_path / "code"
    with pytest.raises(TokenGoneError) as caught:
        put_share(
            desk.client(chip),
            SHARE,
            outbox=outbox,
            recovery=ToFile(path),
            on_step=Break(step, 0, TokenGoneError()),
        )
    assert f"Keep {path}" in caught.value.next_step
    assert only(outbox).recovery
    go_on(desk, chip, outbox)
    client = desk.client(chip)
    (held,) = client.backups()
    assert restore.verify(client, held, parse_file(path.read_text())).original == SHARE


# --- what is kept, and what when it cannot be


def test_it_is_what_the_token_gets_and_no_secret(desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    factors: list[bytes] = []
    reserve = TokenClient.reserve

    def listening(client: TokenClient, declaration: bytes, **options: Any) -> Any:
        reservation = reserve(client, declaration, **options)
        factors.append(reservation.factor)
        return reservation

    monkeypatch.setattr(TokenClient, "reserve", listening)
    chip = desk.token()
    entry = broken(desk, chip, outbox)
    (path,) = outbox.folder.iterdir()
    kept = path.read_bytes()
    (factor,) = factors
    assert entry.sealed in kept
    for secret in (factor, PASSWORD.encode(), factor.hex().encode(), SHARE[:64], SHARE[1000:1064]):
        assert secret not in kept
    go_on(desk, chip, outbox)
    client = desk.client(chip)
    (held,) = client.backups()
    assert hashlib.sha256(entry.sealed).digest() == client.open(held.backup_id, wire.PURPOSE_VERIFY).digest


def test_where_nothing_can_be_kept_a_backup_is_possible_all_the_same(desk: Desk, home: Path, tmp_path: Path) -> None:
    """And after a broken link it is as if there were no such thing: it starts over, and the code is void."""
    chip = desk.token()
    (home / "outbox").write_bytes(b"a file where the folder should be")
    said: list[str] = []
    outbox = Outbox(outbox_path(), said.append)
    path = tmp_path / "code"
    with pytest.raises(TokenGoneError) as caught:
        put_share(
            desk.client(chip),
            SHARE,
            outbox=outbox,
            recovery=ToFile(path),
            on_step=Break("writing", 60_000, TokenGoneError()),
        )
    assert "resume" not in caught.value.next_step
    assert not path.exists()
    assert slots(chip) == []
    done = put_share(desk.client(chip), SHARE, outbox=outbox)
    opens(desk, chip, done.backup_id)
    assert any("starts over" in words for words in said)


def test_damaged_ones_do_not_stand_in_the_way(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    broken(desk, chip, outbox)
    (path,) = outbox.folder.iterdir()
    path.write_bytes(path.read_bytes()[:5000])
    done = put_share(desk.client(chip), SHARE, outbox=outbox)
    opens(desk, chip, done.backup_id)
    assert outbox.waiting() == []


def test_a_bit_that_rots_on_the_disk_never_gets_to_the_token(desk: Desk, outbox: Outbox) -> None:
    """The read-back would compare rot with rot."""
    chip = desk.token()
    entry = broken(desk, chip, outbox)
    (path,) = outbox.folder.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ColdshareError) as caught:
        outbox.load(entry.waiting)
    assert caught.value.code == "outbox_unreadable"


# --- a reseal is not resumed: nobody could check, without its password, that the new one opens


@pytest.mark.parametrize("step", ["writing", "confirming", "reading", "opening"])
def test_a_reseal_keeps_nothing_and_the_old_one_counts(desk: Desk, outbox: Outbox, step: str) -> None:
    chip, old = desk.stored()
    client = desk.client(chip)
    (held,) = client.backups()
    sealed_again = Event()

    def on_step(now: str, done: int, total: int) -> None:
        if now == "sealing":
            sealed_again.set()
        if sealed_again.is_set() and now == step:
            raise TokenGoneError

    with pytest.raises(TokenGoneError) as caught:
        reseal(client, held, PASSWORD, password=None, kdf=KDF, outbox=outbox, on_step=on_step)
    assert outbox.waiting() == []
    assert "coldshare resume" not in caught.value.next_step
    first, *more = desk.held(chip)
    assert first[:2] == (old.hex(), False)
    assert [entry[1] for entry in more] == ([True] if step in ("reading", "opening") else [])


def test_a_reseal_ends_what_was_on_its_way(desk: Desk, outbox: Outbox) -> None:
    chip, _ = desk.stored()
    broken(desk, chip, outbox)
    client = desk.client(chip)
    (held,) = client.backups()
    done = reseal(client, held, PASSWORD, password=None, kdf=KDF, outbox=outbox)
    assert outbox.waiting() == []
    opens(desk, chip, done.backup_id)


def test_a_reseal_of_one_that_was_not_confirmed_finishes_that_first(desk: Desk, outbox: Outbox) -> None:
    chip = desk.token()
    broken(desk, chip, outbox, "reading", 0)
    client = desk.client(chip)
    (held,) = client.backups()
    assert held.pending
    with pytest.raises(DeviceError):
        reseal(
            client, held, PASSWORD, password=None, kdf=KDF, outbox=outbox, on_step=Break("sealing", 0, DeviceError())
        )
    assert outbox.waiting() == []
    opens(desk, chip, held.backup_id)
