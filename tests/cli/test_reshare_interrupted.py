"""`coldshare reshare` broken off anywhere, and gone on with: one backup, one report that counts, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coldshare import files, generations
from coldshare.cli import backing
from coldshare.cli.ui import Ui
from coldshare.device import discovery
from coldshare.device.address import Address
from coldshare.device.errors import TokenGoneError
from coldshare.ledger import folders, record
from coldshare.places.folder import Folder
from coldshare.reshare import steps
from support.computers import Computer
from support.resharing import Story, good
from support.shell import Shell, failed


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


@pytest.mark.parametrize("interrupt", POINTS, ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("name", ["phone", pytest.param("laptop", marks=pytest.mark.slow)])
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


# --- finish


def retired_at(story: Story, who: Computer) -> None:
    """Its place and its ledger both have the old one as retired."""
    assert sorted(states(who)) == ["active", "retired"]
    assert [one["retired"] for one in story.state(who)["leftovers"] if one["party"] == who.name] == [True]


@pytest.mark.parametrize("name", ["phone", "laptop"])
@pytest.mark.parametrize("done", [False, True], ids=["before_its_place_knows", "before_the_ledger_knows"])
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
    retired_at(story, who)
    assert who.told().count("reshare_finished") == 1


def test_a_wrong_file_begins_no_reshare(story: Story) -> None:
    """The ledger knows a vault that was reshared already, and does not know this share, which is from before that."""
    story.phone.backup("new-phone.vult")
    before = story.phone.told()
    text = failed(story.next(story.phone, run="old"), "reshare_new_share", 5, as_json=False)
    assert "This share has never been reshared" in text
    assert story.phone.told() == before
    failed(story.phone("reshare", "status"), "no_reshare", 3, as_json=False)


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
