"""`coldshare reshare` when it does not come to its end, when it was not the last one, and when the lost one is back."""

from __future__ import annotations

from typing import Any

import pytest

from reshare.story import AFTER
from support.computers import SEAL, Computer
from support.resharing import Story, good
from support.shell import Shell, failed
from support.terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def standing(who: Computer) -> dict[str, Any]:
    (one,) = who("status", "--json").json["vaults"]
    assert isinstance(one, dict)
    return one


def held(who: Computer) -> list[tuple[str, str]]:
    """(id, state) of all that is at its place."""
    return [(one["backup_id"], one["state"]) for one in good(who("list", *who.at, "--json")).json["backups"]]


# --- a device that never completes


def test_a_device_that_never_completes(story: Story) -> None:
    """The Watch's app never ended. The reshare is given up, and another one is made later."""
    story.backed_up()
    phone, laptop = story.phone, story.laptop
    good(phone("lost", "Tablet"))
    good(phone("reshare", "start", "Savings", "--join", "Watch"))
    good(story.next(phone))
    good(story.join(phone, story.report(laptop)), 8)
    good(laptop("ledger", "export", "laptop.ledger"))
    good(phone("ledger", "join", "laptop.ledger"))
    said = good(phone("reshare", "status", "savings"), 8)
    assert "Watch (new)  waits for: coldshare reshare next NEW.vult, on its computer" in said.out
    assert "Not finished: Not reported yet: Watch." in failed_text(phone("reshare", "status").out)
    failed(phone("reshare", "finish", *phone.at), "reshare_incomplete", 5, as_json=False)
    assert [state for _, state in held(phone)] == ["active", "next"]

    answer = good(phone("reshare", "abort", "--json")).json
    assert answer["counts"] == story.old.generation.hex()
    assert answer["given_up"] == [story.new.generation.hex()]
    new = {backup_id for who in (phone, laptop) for backup_id, state in held(who) if state == "next"}
    assert {one["backup_id"] for one in answer["to_remove"]} == new
    assert story.counts(phone) == story.old.generation
    assert standing(phone)["generation"] == story.old.generation.hex()
    (waiting,) = [backup_id for backup_id, state in held(phone) if state == "next"]
    assert f"coldshare remove {waiting[:8]}" in phone("status").out
    assert f"coldshare retire {waiting[:8]}" not in phone("status").out
    failed(phone("reshare", "status"), "no_reshare", 3, as_json=False)
    failed(phone("reshare", "finish"), "no_reshare", 3, as_json=False)
    failed(phone("reshare", "abort"), "no_reshare", 3, as_json=False)
    text = failed(phone("backup", "new-phone.vult", *SEAL, *phone.at, "--newer"), "stale_share", 5, as_json=False)
    assert "the reshare that made it was given up" in text
    for backup_id, state in held(phone):
        if state == "next":
            good(phone("remove", backup_id[:8], *phone.at))
    assert [state for _, state in held(phone)] == ["active"]

    # The next attempt. What was reported of the first one does not count.
    again = story.old.reshared(AFTER, 2, "the next attempt")
    story.write("again", again)
    # Their devices have the new shares, so the old ones come back onto them first.
    assert {one["party"]: one["device"]["state"] for one in standing(phone)["members"]} == {
        "Phone": "stale",
        "Laptop": "stale",
        "Tablet": "lost",
    }
    answer = good(phone("reshare", "start", "Savings", "--new", "1", "--json")).json
    assert answer["restore_first"] == ["Phone", "Laptop"]
    good(phone("restore", *phone.at, "--password-file", "pw", "--onto", "Phone", "--out", "back.vult"))
    assert story.file("back.vult").read_bytes() == story.old.vults[0]
    assert standing(phone)["members"][0]["device"]["state"] == "restored"
    said = good(phone("reshare", "join", "Laptop-new.report"), 8)
    assert "it is about a share from before the reshare, or of one that was given up." in said.out
    failed(story.next(phone), "reshare_new_share", 5, as_json=False)
    good(story.next(phone, run="again"))
    assert [one["state"] for one in story.state(phone)["awaited"]] == ["reported", "rejected", "awaited"]
    assert story.state(phone)["newer"] == again.generation.hex()


def failed_text(out: str) -> str:
    return " ".join(out.split())


def test_given_up_by_mistake(story: Story) -> None:
    """All apps had finished. Nothing is lost: what was given up is taken up again."""
    phone = story.phone
    reports = story.joined()
    before = held(phone)
    good(phone("reshare", "abort"))
    failed(phone("reshare", "finish"), "no_reshare", 3, as_json=False)
    text = failed(story.next(phone), "reshare_new_share", 5, as_json=False)
    assert "--given-up" in text
    good(story.next(phone, "--given-up"))
    assert held(phone) == before
    assert story.counts(phone) == story.new.generation
    assert [one["state"] for one in story.state(phone)["awaited"]] == ["reported", "awaited", "awaited"]
    good(story.join(phone, *reports[1:]), 8)
    good(phone("reshare", "finish", *phone.at), 8)
    assert sorted(state for _, state in held(phone)) == ["active", "retired"]
    # But what was replaced is not taken up again so.
    told = phone.told()
    text = failed(story.next(phone, "--given-up", run="old"), "reshare_new_share", 5, as_json=False)
    assert "--given-up" not in text
    assert phone.told() == told
    assert story.counts(phone) == story.new.generation


def test_the_ledger_of_one_who_has_not_given_it_up(story: Story) -> None:
    """It is joined afterwards, and does not begin the reshare anew; what it brings is called what it is."""
    phone, laptop, _ = story.everybody
    story.backed_up()
    good(phone("reshare", "start", "Savings", "--leave", "Tablet", "--new", "1"))
    good(story.next(laptop))
    good(phone("reshare", "abort", "--json"))
    good(laptop("ledger", "export", "laptop.ledger"))
    good(phone("ledger", "join", "laptop.ledger"))
    failed(phone("reshare", "status"), "no_reshare", 3, as_json=False)
    now = standing(phone)
    assert now["generation"] == story.old.generation.hex()
    (laptops,) = (one for one in now["members"] if one["party"] == "Laptop")
    assert [one["generation"] for one in laptops["given_up"]] == [story.new.generation.hex()]
    assert laptops["older"] == []
    said = phone("status")
    assert f"given-up generation {story.new.generation.hex()[:8]}" in said.out
    assert "older generation" not in said.out
    good(phone("ledger", "export", "phone.ledger"))
    good(laptop("ledger", "join", "phone.ledger"))
    failed(laptop("reshare", "status"), "no_reshare", 3, as_json=False)
    assert story.counts(laptop) == story.old.generation


def test_planned_otherwise_than_it_was_made(story: Story) -> None:
    """The plan was for two devices, the app was used with three: the plan gives way, and no share is given up."""
    phone, laptop, _ = story.everybody
    story.backed_up()
    good(phone("reshare", "start", "Savings", "--leave", "Tablet"))
    laptops = story.report(laptop)
    said = good(story.join(phone, laptops), 8)
    assert "planned are 2 of 2, it says 2 of 3" in said.out
    failed(story.next(phone), "reshare_new_share", 5, as_json=False)
    answer = good(phone("reshare", "abort", "--json")).json
    assert (answer["given_up"], answer["to_remove"]) == ([], [])
    good(story.next(phone))
    good(story.join(phone, laptops), 8)
    assert [one["state"] for one in story.state(phone)["awaited"]] == ["reported", "reported", "awaited"]


def test_the_new_share_at_a_place_of_its_own(story: Story) -> None:
    """No place was asked which one is newer, and it is known all the same; and given up with all else."""
    story.backed_up()
    stick = story.computers.with_stick("another stick")
    argv = ("reshare", "next", "new-phone.vult", *SEAL, *stick.at)
    good(story.phone(*argv))
    assert story.counts(story.phone) == story.new.generation
    answer = good(story.phone("reshare", "abort", "--json")).json
    assert answer["given_up"] == [story.new.generation.hex()]
    assert story.counts(story.phone) == story.old.generation


def test_an_old_share_with_no_newer_one_beside_it(story: Story) -> None:
    """There is nothing that it could give way to, so it is removed; which is what is printed, and works."""
    story.backed_up()
    phone = story.phone
    (old,) = held(phone)
    stick = story.computers.with_stick("another stick")
    good(phone("reshare", "next", "new-phone.vult", *SEAL, *stick.at))
    good(story.join(phone, story.report(story.laptop)), 8)
    good(phone("reshare", "report", "--out", "phone.report"))
    good(story.join(story.watch, "phone.report"), 8)
    good(story.join(phone, story.report(story.watch)), 8)
    said = good(phone("reshare", "finish", *phone.at), 8)
    assert "Nothing was retired at sim:Phone.token" in said.out
    assert f"  {old[0][:8]}, Phone, at Safe Phone: coldshare remove {old[0][:8]}\n" in said.out
    good(phone("remove", old[0][:8], *phone.at))
    assert held(phone) == []
    good(phone("reshare", "finish"))


def test_given_up_before_anything_was_reported(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share was backed up, and then the computer broke off."""
    from coldshare.reshare import steps

    story.backed_up()

    def off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "report", off)
        assert story.next(story.phone).status == 130
    said = good(story.phone("reshare", "abort"))
    assert f"Generation {story.old.generation.hex()[:8]} counts, as before." in said.out
    assert "These have new shares already, and their apps keep no old one: Phone." in said.out
    (new,) = [backup_id for backup_id, state in held(story.phone) if state == "next"]
    assert f"coldshare remove {new[:8]}" in said.out
    assert story.counts(story.phone) == story.old.generation
    good(story.phone("remove", new[:8], *story.phone.at))
    assert [state for _, state in held(story.phone)] == ["active"]


@pytest.mark.slow
@pytest.mark.parametrize("yes", [False, True], ids=["no", "yes"])
def test_a_person_gives_it_up(story: Story, yes: bool) -> None:
    story.joined()
    with story.phone.here(), Terminal("reshare", "abort", cwd=story.shell.folder) as terminal:
        terminal.until("These have new shares already, and their apps keep no old one: Phone, Laptop, Watch.")
        terminal.answer("Give it up?", "y" if yes else "")
        assert terminal.finish() == (0 if yes else 130)
    assert ("reshare_aborted" in story.phone.told()) is yes


# --- the lost device is back


def test_the_lost_device_is_back_with_its_old_share(story: Story) -> None:
    """Its share is old: it goes nowhere, and what is said of it is never that it is void."""
    tablet = story.computers.with_token("Tablet")
    old = tablet.backup("old-tablet.vult")
    story.finished()
    phone = story.phone
    good(tablet("ledger", "export", "tablet.ledger"))
    good(phone("ledger", "join", "tablet.ledger"))
    said = good(phone("lost", "--found", "Tablet"), 8)
    assert "The vault has been reshared without it. Its share is old" in said.out
    assert "does not sign together with the newer ones" in said.out

    # On a computer that knows, it is refused by a token that knows nothing and by a fresh stick.
    with phone.here():
        fresh = story.computers.with_token("Fresh")
    stick = story.computers.with_stick("Fresh stick")
    for at in (fresh.at, stick.at):
        for more in ([], ["--newer"]):
            argv = ["backup", "old-tablet.vult", *SEAL, *at, *more]
            text = failed(phone(*argv, "--json"), "stale_share", 5, as_json=True)
            assert "its generation" in text
            assert f"Generation {story.new.generation.hex()[:8]} counts." in text
    failed(phone("reshare", "next", "old-tablet.vult", *SEAL, *stick.at), "reshare_new_share", 5, as_json=False)
    assert list(story.file("media-Fresh stick/stick").iterdir()) == []
    assert held(fresh) == []

    # Its backup opens, and what it is, is said first.
    argv_ = ["restore", "--backup", old[:8], *tablet.at, "--password-file", "pw", "--out", "back.vult"]
    good(phone("ledger", "export", "phone.ledger"))
    good(tablet("ledger", "join", "phone.ledger"))
    text = failed(tablet(*argv_, "--onto", "a new tablet"), "stale_share", 5, as_json=False)
    assert story.old.generation.hex()[:8] in text or "older" in text
    said = good(tablet(*argv_))
    assert "old" in said.out + said.err
    assert story.file("back.vult").read_bytes() == story.old.vults[2]


def test_an_old_copy_that_is_out_of_reach(story: Story) -> None:
    """It stays listed, and nobody is asked to do what cannot be done."""
    story.finished()
    phone = story.phone
    good(phone("reshare", "status"), 8)
    good(phone("place", "lost", "Safe Phone"))
    said = good(phone("reshare", "status"))
    assert "at Safe Phone: that place is lost, and so is the copy out of reach." in said.out
    assert "Old shares still sign with each other" in said.out
    (left,) = story.state(phone)["leftovers"]
    assert left["lost"] is True


# --- another one


def test_a_token_keeps_the_share_that_counts(story: Story) -> None:
    """Its old one was never retired after the first reshare, when the second one comes."""
    story.joined()
    phone = story.phone
    good(phone("reshare", "finish", "Savings"), 8)
    before = held(phone)
    assert [state for _, state in before] == ["active", "next"]
    story.write("third", story.new.reshared(AFTER, 2, "second"))
    text = failed(story.next(phone, run="third"), "reshare_refused", 5, as_json=False)
    assert held(phone) == before
    good(phone("retire", before[0][0][:8], *phone.at))
    assert f"coldshare retire {before[0][0][:8]}" in text
    good(story.next(phone, run="third"))
    assert sorted(state for _, state in held(phone)) == ["active", "next", "retired"]


@pytest.mark.slow
def test_a_second_reshare_on_top(story: Story) -> None:
    """The committee grows to 3 of 4. Reports of the first one are replayed, and places that missed a step catch up."""
    story.finished()
    phone, laptop, watch = story.everybody
    reports = ["Phone-new.report", "Laptop-new.report", "Watch-new.report"]
    good(phone("ledger", "export", "done.ledger"))
    for who in (laptop, watch):
        good(who("ledger", "join", "done.ledger"))
    # The Laptop's old share was never retired on its stick.
    assert [state for _, state in held(laptop)] == ["active", "next"]
    third = story.new.reshared((*AFTER, "Desk"), 3, "second")
    story.write("third", third)
    answer = good(phone("reshare", "start", "Savings", "--join", "Desk", "--json")).json
    assert (answer["threshold"], answer["parties"], answer["staying"]) == (3, 4, ["Phone", "Laptop", "Watch"])
    for report in reports:
        said = phone("reshare", "join", report)
        assert said.status in (3, 8)
    assert story.state(phone)["newer"] is None
    failed(story.next(phone), "reshare_new_share", 5, as_json=False)
    failed(story.next(phone, run="old"), "reshare_new_share", 5, as_json=False)
    # A place that still has two generations is put in order first, or a backup that counts would be replaced.
    text = failed(story.next(laptop, run="third"), "reshare_refused", 5, as_json=False)
    oldest, _ = held(laptop)
    assert f"coldshare retire {oldest[0][:8]} --at folder:" in text
    assert [state for _, state in held(laptop)] == ["active", "next"]
    good(laptop("retire", oldest[0][:8], *laptop.at))
    files = [story.report(who, "third") for who in (phone, laptop, watch)]
    desk = story.computers.with_token("Desk")
    good(story.join(desk, files[0]), 8)
    assert "--newer" not in good(story.next(desk, run="third")).err
    files.append(story.report(desk, "third"))
    good(story.join(phone, *files), 8)
    good(phone("reshare", "finish", *phone.at), 8)
    assert story.counts(phone) == third.generation
    assert sorted(state for _, state in held(phone)) == ["active", "retired", "retired"]
    good(story.join(laptop, *files), 8)
    good(laptop("reshare", "finish", *laptop.at), 8)
    assert [state for _, state in held(laptop) if state != "retired"] == ["active"]
    new = next(backup_id for backup_id, state in held(laptop) if state == "active")
    (kept,) = [one for one in laptop.view().backups(story.vault) if one.backup_id.hex() == new]
    assert kept.generation == third.generation
    # Both older generations are listed, and neither comes back.
    left = {one["generation"] for one in story.state(phone)["leftovers"]}
    assert left == {story.old.generation.hex(), story.new.generation.hex()}
    for run in ("old", "new"):
        failed(phone("backup", f"{run}-phone.vult", *SEAL, *phone.at), "stale_share", 5, as_json=False)
