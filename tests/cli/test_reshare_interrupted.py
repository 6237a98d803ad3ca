"""`coldshare reshare` broken off anywhere, and gone on with: one backup, one report that counts, nothing lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coldshare import files, generations, identity
from coldshare.cli import backing
from coldshare.cli.ui import Ui
from coldshare.device import discovery
from coldshare.device.address import Address
from coldshare.device.errors import TokenGoneError
from coldshare.device.transport.sim import SimTransport
from coldshare.files import OutputError
from coldshare.identity import fingerprint
from coldshare.ledger import events as e
from coldshare.ledger import folders, record
from coldshare.ledger.errors import LedgerFailedError
from coldshare.ledger.queries import Reshare
from coldshare.ledger.store import Ledger
from coldshare.places.folder import Folder
from coldshare.reshare import steps
from coldshare.reshare.report import Signed
from support.computers import SEAL, Computer
from support.resharing import Story, good
from support.shell import COLDSHARE, Shell, failed

pytestmark = pytest.mark.slow


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def states(who: Computer) -> list[str]:
    """Of all that is at its place."""
    return [one["state"] for one in good(who("list", *who.at, "--json")).json["backups"]]


def ids(who: Computer) -> list[str]:
    return [one["backup_id"] for one in good(who("list", *who.at, "--json")).json["backups"]]


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(backing, "back_up", _interrupt)


def _meanwhile(patch: pytest.MonkeyPatch) -> None:
    def step(ui: Ui, step: str, done: int, total: int) -> None:
        if step in ("writing", "storing"):
            raise KeyboardInterrupt

    patch.setattr(Ui, "on_step", step)


def _while_it_is_read_back(patch: pytest.MonkeyPatch) -> None:
    def step(ui: Ui, step: str, done: int, total: int) -> None:
        if step == "reading":
            raise KeyboardInterrupt

    patch.setattr(Ui, "on_step", step)


def _before_the_ledger_knows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(record, "backed_up", _interrupt)
    patch.setattr(folders, "backed_up", _interrupt)


def _before_the_report(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(steps, "report", _interrupt)


def _before_the_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(files, "write_private", _interrupt)


POINTS = [_before, _meanwhile, _while_it_is_read_back, _before_the_ledger_knows, _before_the_report, _before_the_file]
#: What goes wrong at each of these is not the same.
QUICK = {("phone", _before_the_ledger_knows), ("laptop", _meanwhile), ("laptop", _before_the_report)}


def _points() -> Iterator[Any]:
    for name in ("phone", "laptop"):
        for point in POINTS:
            marks = [] if (name, point) in QUICK else [pytest.mark.slow]
            yield pytest.param(name, point, marks=marks, id=f"{name}{point.__name__}")


@pytest.mark.parametrize(("name", "interrupt"), list(_points()))
def test_next(story: Story, monkeypatch: pytest.MonkeyPatch, name: str, interrupt: Callable[[Any], None]) -> None:
    who: Computer = getattr(story, name)
    who.backup(f"old-{name}.vult")
    (old,) = ids(who)
    with monkeypatch.context() as patch:
        interrupt(patch)
        said = story.next(who, "--report", "mine.report")
    assert said.status == 130 or (interrupt is _while_it_is_read_back and who is story.laptop), said
    assert old in ids(who)
    assert not story.file("mine.report").exists() or said.status == 0
    if said.status:
        said = good(story.next(who, "--report", "mine.report"))
    assert "Reported:" in said.out
    assert sorted(states(who)) == ["active", "next"]
    new = next(one for one in ids(who) if one != old)
    told = story.signed("mine.report")
    assert [one.backup_id.hex() for one in told.report.kept] == [new]
    state = story.state(who)
    assert [(one["party"], one["state"]) for one in state["awaited"]][["phone", "laptop"].index(name)] == (
        who.name,
        "reported",
    )
    assert state["objections"] == []
    assert who.told().count("reshare_started") == 1


@pytest.mark.parametrize("resumed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_token_is_pulled_out(story: Story, monkeypatch: pytest.MonkeyPatch, resumed: bool) -> None:
    """The same again is a backup anew; with coldshare resume first, the one that was on its way is what is reported."""
    story.phone.backup("old-phone.vult")
    write, passed = SimTransport.write, [0]

    def pulled(transport: SimTransport, report: bytes) -> None:
        passed[0] += 1
        if passed[0] > 1500:
            raise TokenGoneError
        write(transport, report)

    with monkeypatch.context() as patch:
        patch.setattr(SimTransport, "write", pulled)
        text = failed(story.next(story.phone, "--report", "r"), "token_gone", 6, as_json=False)
    assert "coldshare resume" in text
    if resumed:
        good(story.phone("resume", *story.phone.at))
    before = ids(story.phone)
    good(story.next(story.phone, "--report", "r"))
    assert sorted(states(story.phone)) == ["active", "next"]
    assert (ids(story.phone) == before) is resumed
    assert [one.backup_id.hex() for one in story.signed("r").report.kept] == ids(story.phone)[1:]


# --- finish


def retired_at(story: Story, who: Computer) -> None:
    """Its place and its ledger both have the old one as retired."""
    assert sorted(states(who)) == ["active", "retired"]
    assert [one["retired"] for one in story.state(who)["leftovers"] if one["party"] == who.name] == [True]


@pytest.mark.parametrize("name", ["phone", "laptop"])
@pytest.mark.parametrize(
    "done",
    [pytest.param(False, marks=pytest.mark.slow), True],
    ids=["before_its_place_knows", "before_the_ledger_knows"],
)
def test_finish(story: Story, monkeypatch: pytest.MonkeyPatch, name: str, done: bool) -> None:
    reports = story.reported()
    who: Computer = getattr(story, name)
    good(story.join(who, *reports), 8)
    retire, in_folder = generations.retire, Folder.retire

    def cut(original: Callable[..., object]) -> Callable[..., object]:
        def retiring(*given: object) -> object:
            if done:
                original(*given)
            raise TokenGoneError

        return retiring

    with monkeypatch.context() as patch:
        patch.setattr(generations, "retire", cut(retire))
        patch.setattr(Folder, "retire", cut(in_folder))
        failed(who("reshare", "finish", *who.at), "token_gone", 6, as_json=False)
    assert story.state(who)["finished"] is not None
    assert story.counts(who) == story.new.generation
    assert sorted(states(who)) == (["active", "retired"] if done else ["active", "next"])
    said = good(who("reshare", "finish", *who.at), 8)
    assert "Finished: generation" in said.out
    known = {one.state for one in who.view().backups(story.vault) if one.party == who.name}
    assert known == {e.ACTIVE, e.RETIRED}
    retired_at(story, who)
    assert who.told().count("reshare_finished") == 1


def test_finish_leaves_another_token_alone(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.joined()
    other = story.computers.with_token("Other")
    monkeypatch.setattr(discovery, "only", lambda labels: Address.parse(other.at[1]))
    said = good(story.phone("reshare", "finish"), 8)
    assert said.out.startswith("Finished: ")
    assert states(story.phone) == ["active", "next"]


def test_a_wrong_file_begins_no_reshare(story: Story) -> None:
    """The ledger knows a vault that was reshared already, and does not know this share, which is from before that."""
    story.phone.backup("new-phone.vult")
    before = story.phone.told()
    text = failed(story.next(story.phone, run="old"), "reshare_new_share", 5, as_json=False)
    assert "This share has never been reshared" in text
    assert story.phone.told() == before
    failed(story.phone("reshare", "status"), "no_reshare", 3, as_json=False)


def test_finish_is_refused_on_the_token(story: Story) -> None:
    """The ledger has it, the token has not, and is asked again; one with nothing to retire is left alone."""
    story.joined()
    no = ("--at", "sim:Phone.token?user=reject", "--pin-file", "pin")
    failed(story.phone("reshare", "finish", *no), "rejected", 5, as_json=False)
    assert story.state(story.phone)["finished"] is not None
    assert states(story.phone) == ["active", "next"]
    with story.phone.here():
        other = story.computers.with_token("Other")
    good(story.phone("reshare", "finish", *other.at), 8)
    said = good(story.phone("reshare", "finish", "--at", "folder:media-Laptop/stick"), 8)
    assert "Nothing was retired at folder:" in said.out
    good(story.phone("reshare", "finish", *story.phone.at), 8)
    retired_at(story, story.phone)


@pytest.mark.parametrize("where", ["phone", "laptop"])
def test_finish_takes_the_token_that_is_plugged_in(story: Story, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """If it has an old share beside a newer one; else none is touched, or even looked for."""
    reports, who = story.reported(), getattr(story, where)
    good(story.join(who, *reports), 8)
    looked: list[int] = []

    def only(labels: object) -> Address:
        looked.append(1)
        return Address.parse(story.phone.at[1])

    monkeypatch.setattr(discovery, "only", only)
    said = good(who("reshare", "finish", "--pin-file", "pin"), 8)
    assert said.out.startswith("Retired: " if where == "phone" else "Finished: ")
    assert bool(looked) is (where == "phone")
    assert "coldshare reshare finish\n" not in said.out
    looked.clear()
    said = good(who("reshare", "finish", "--pin-file", "pin"), 8)
    assert said.out.startswith("Finished: ")
    assert looked == []


# --- join and abort


def test_join(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off between two reports; and again, with all of them."""
    reports = story.reported()
    take, taken = steps.take, []

    def second(ledger: Ledger, signed: Signed, *, compared: bool) -> Reshare:
        if taken:
            raise KeyboardInterrupt
        taken.append(signed)
        return take(ledger, signed, compared=compared)

    with monkeypatch.context() as patch:
        patch.setattr(steps, "take", second)
        assert story.join(story.phone, *reports[1:]).status == 130
    assert [one["state"] for one in story.state(story.phone)["awaited"]] == ["reported", "reported", "awaited"]
    good(story.join(story.phone, *reports), 8)
    assert story.state(story.phone)["ready"] is True
    assert story.phone.told().count("reshare_reported") == 3
    before = story.phone.told()
    good(story.join(story.phone, *reports), 8)
    assert story.phone.told() == before


@pytest.mark.parametrize("step", ["finish", "abort"])
def test_the_ledger_takes_all_of_a_step_or_nothing(story: Story, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    story.joined()
    before = story.phone.told()

    def full(*_: object) -> None:
        raise LedgerFailedError

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "_commit", full)
        failed(story.phone("reshare", step), "ledger_failed", 3, as_json=False)
    assert story.phone.told() == before
    assert story.state(story.phone)["ready"] is True
    assert story.phone("reshare", step).status == (8 if step == "finish" else 0)


# --- a home that is of no use


def test_a_signing_key_that_is_broken(story: Story) -> None:
    """Before anything is stored. Without the key there is a new one, which has to be compared again."""
    story.backed_up()
    key = story.phone.home / "identity.key"
    key.write_bytes(b"short")
    before = story.phone.told(), ids(story.phone)
    for argv in (["next", "new-phone.vult", *SEAL, *story.phone.at], ["report"]):
        text = failed(story.phone("reshare", *argv), "identity_unreadable", 3, as_json=False)
        assert "is not a signing key, or is damaged" in text
    assert (story.phone.told(), ids(story.phone)) == before
    key.unlink()
    story.report(story.phone)
    assert len(key.read_bytes()) == 32


def test_a_home_without_room(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """No signing key can be made, so nothing is stored."""
    story.backed_up()
    before = ids(story.phone)

    def full(path: Path, data: bytes, *, replace: bool) -> None:
        raise OutputError(f"{path} cannot be written: {os.strerror(errno.ENOSPC)}.")

    with monkeypatch.context() as patch:
        patch.setattr(identity, "write_private", full)
        text = failed(story.next(story.phone), OutputError.code, 3, as_json=False)
    assert "identity.key" in text
    assert ids(story.phone) == before
    good(story.next(story.phone))


def test_a_ledger_that_takes_nothing(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails after the backup: that stands, and is reported the next time, without a second one."""
    story.backed_up()
    record_ = Ledger.record

    def full(ledger: Ledger, bodies: list[e.Body]) -> object:
        if any(isinstance(one, e.ReshareReported) for one in bodies):
            raise LedgerFailedError
        return record_(ledger, bodies)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", full)
        failed(story.next(story.phone, "--report", "r"), "ledger_failed", 3, as_json=False)
    assert not story.file("r").exists()
    before = ids(story.phone)
    assert len(before) == 2
    good(story.next(story.phone, "--report", "r"))
    assert ids(story.phone) == before


@pytest.mark.parametrize(
    "command",
    ["next", "join", *(pytest.param(one, marks=pytest.mark.slow) for one in ("status", "finish", "abort", "report"))],
)
def test_a_ledger_that_is_broken(story: Story, command: str) -> None:
    reports = story.reported()
    path = story.phone.home / "ledger.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    before = story.shell.snapshot()
    argv = {
        "next": ["new-phone.vult", *SEAL, *story.phone.at],
        "join": [reports[1]],
    }.get(command, [])
    said = story.phone("reshare", command, *argv)
    assert said.status == 3, said
    assert "Error (ledger_" in said.err
    assert story.shell.snapshot() == before


# --- processes


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["Sealing", "Writing", "Reading back"])
def test_killed(story: Story, moment: str) -> None:
    story.backed_up()
    (old,) = ids(story.phone)
    argv = [COLDSHARE, "reshare", "next", "new-phone.vult", *SEAL, *story.phone.at, "--report", "r"]
    with story.phone.here(), subprocess.Popen(argv, cwd=story.shell.folder, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(moment.encode()):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    good(story.next(story.phone, "--report", "r"))
    assert sorted(states(story.phone)) == ["active", "next"]
    (new,) = [one for one in ids(story.phone) if one != old]
    assert [one.backup_id.hex() for one in story.signed("r").report.kept] == [new]


@pytest.mark.slow
def test_two_at_once(story: Story) -> None:
    """The software token serves one of them, and the other one is told so; there is one backup, and a report on it."""
    story.backed_up()
    (old,) = ids(story.phone)
    argv = [COLDSHARE, "reshare", "next", "new-phone.vult", *SEAL, *story.phone.at]
    with story.phone.here():
        both = [subprocess.Popen(argv, cwd=story.shell.folder, stdout=subprocess.PIPE) for _ in range(2)]
        said = [one.communicate()[0] for one in both]
    assert sorted(one.returncode for one in both) in ([0, 0], [0, 6]), said
    good(story.next(story.phone))
    assert sorted(states(story.phone)) == ["active", "next"]
    (new,) = [one for one in ids(story.phone) if one != old]
    good(story.phone("reshare", "report", "--out", "r"))
    assert [one.backup_id.hex() for one in story.signed("r").report.kept] == [new]
    # Both may have begun it, and it is one all the same.
    assert [one["state"] for one in story.state(story.phone)["awaited"]] == ["reported", "awaited", "awaited"]


@pytest.mark.slow
def test_two_that_join_at_once(story: Story) -> None:
    reports = story.reported()
    keys = [one for name in reports for one in ("--trust", fingerprint(story.signed(name).public_key))]
    with story.phone.here():
        both = [
            subprocess.Popen([COLDSHARE, "reshare", "join", name, *keys], cwd=story.shell.folder)
            for name in reports[1:] * 2
        ]
        assert [one.wait() for one in both] == [8] * 4
    assert story.state(story.phone)["ready"] is True
    assert story.phone.told().count("reshare_reported") == 3
