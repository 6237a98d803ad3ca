"""`coldshare status`: what it says, how it ends, and what it looks like."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from coldshare.cli import when
from coldshare.cli.app import COMMANDS
from coldshare.cli.judged import Book, lines
from coldshare.cli.judged_json import standing_json
from coldshare.cli.picture import draw
from coldshare.cli.render import Result, print_result, safe
from coldshare.ledger import events as e
from coldshare.ledger.events import Event, Place, Share
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.safety.due import HALF_YEAR
from coldshare.safety.standing import VERDICTS, assess
from ledger.strategies import bodies
from safety.rehearsed import drilled, stored
from safety.rehearsed import vault as real_vault
from safety.story import (
    DESK,
    LAP,
    NEW,
    OLD,
    OTHER_VAULT,
    SAFE_A,
    SAFE_B,
    SAFE_C,
    SECOND,
    STICK_A,
    TABLE,
    VAULT,
    Story,
    backup_id,
    share,
)
from support.shell import COLDSHARE, Said, Shell, failed
from support.terminal import Terminal

PAGE = (Path(__file__).parents[2] / "docs" / "status.md").read_text(encoding="utf-8")
STICK = "/media/ada/STICK OF MINE"
_BOX = "╭╮╰╯┌┐└┘┏┓┗┛"


# --- what happened


def told() -> Story:
    """Three parties with a verified backup each, on tokens that have names."""
    return Story().seen().all_backed_up().tell(*(e.PlaceNamed(place, name) for place, name in _NAMES.items()))


_NAMES = {SAFE_A: "Safe A", SAFE_B: "Safe B", SAFE_C: "Grandma's drawer"}


def safe_vault() -> Story:
    return told()


def device_lost() -> Story:
    return told().tell(e.DeviceLost(VAULT, "Tablet"))


def never_verified() -> Story:
    story = (
        Story().seen().stored(1, SAFE_A, "Phone").stored(2, SAFE_B, "Laptop").stored(3, STICK_A, "Tablet", opened=False)
    )
    return story.tell(e.PlaceNamed(STICK_A, STICK), *_apart(SAFE_A, SAFE_B, STICK_A))


def not_all_backed_up() -> Story:
    return Story().seen().stored(1, SAFE_A, "Phone").stored(2, SAFE_B, "Laptop")


def unknown_parties() -> Story:
    return Story().stored(1, SAFE_A, "Phone")


def at_one_location() -> Story:
    places = (e.PlaceDescribed(place, None, where, None, None, None) for place, where in _WHERE.items())
    return told().tell(*places)


_WHERE = {SAFE_A: "my desk", SAFE_B: "My  Desk"}


def wrong_shares() -> Story:
    return told().tell(e.BackupFailed(SAFE_B, backup_id(2), "seal_damaged"))


def mixed_generations() -> Story:
    story = told().seen(NEW).stored(7, STICK_A, "Phone", NEW)
    return story.tell(e.PlaceNamed(STICK_A, STICK), *_apart(STICK_A))


def reshared() -> Story:
    story = told().seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD))
    return story.stored(7, SAFE_A, "Phone", NEW, state=e.NEXT).tell(*_apart(SAFE_A))


def half_reshared() -> Story:
    """One new share is backed up, and of the others nobody has told."""
    story = told().tell(e.ReshareStarted(bytes(16), VAULT, OLD, ("Phone", "Laptop", "Tablet"), (), 2, 3)).seen(NEW)
    return story.tell(e.GenerationNewer(VAULT, NEW, OLD)).stored(7, SAFE_A, "Phone", NEW, state=e.NEXT)


def below_threshold() -> Story:
    story = Story().seen().stored(1, SAFE_A, "Phone").stored(2, STICK_A, "Laptop").tell(e.PlaceNamed(STICK_A, STICK))
    return story.tell(e.PlaceLost(STICK_A), e.DeviceLost(VAULT, "Laptop"), e.DeviceLost(VAULT, "Tablet"))


def fast_vault() -> Story:
    phone = Share(VAULT, "Fast", "Phone", OLD, 2, 2, 2)
    return Story().seen(signers=("Phone", "Server-5521")).stored(1, SAFE_A, whose=phone)


_LONG = "A very long name of a device that nobody would ever give to one, but people do it all the same"


def nine_parties() -> Story:
    names = ("Phone", "Laptop", "Tablet", "Server-1234", _LONG, "東京の携帯電話", "iPad", "Old Pixel", "Desk")
    story = Story().seen(signers=names, threshold=6)
    for number, name in enumerate(names):
        if name.startswith("Server-"):
            continue
        place = Place(e.TOKEN, bytes([40 + number]) * 8)
        whose = Share(VAULT, "Savings", name, OLD, 6, 9, 2)
        story.stored(20 + number, place, whose=whose, opened=number % 3 != 1)
        story.tell(e.PlaceNamed(place, f"Safe {number}"), *_apart(place))
    return story.tell(e.DeviceLost(VAULT, "Desk"), e.DeviceRestored(VAULT, "Desk", "New Desk", OLD, backup_id(28)))


def _apart(*places: Place) -> list[e.PlaceReached]:
    return [e.PlaceReached(place, DESK, reaches=False) for place in places]


STORIES: dict[str, Callable[[], Story]] = {
    story.__name__: story
    for story in (
        safe_vault,
        device_lost,
        never_verified,
        not_all_backed_up,
        unknown_parties,
        at_one_location,
        wrong_shares,
        mixed_generations,
        reshared,
        half_reshared,
        below_threshold,
        fast_vault,
        nine_parties,
    )
}
#: The verdict, its exit status, and a next step that is said.
EXPECTED = {
    "safe_vault": ("safe", 0, ""),
    "device_lost": ("device_lost", 8, "coldshare lost Tablet"),
    "never_verified": (
        "never_verified",
        8,
        "coldshare verify --backup 00000000 --at 'folder:/media/ada/STICK OF MINE'",
    ),
    "not_all_backed_up": ("not_all_backed_up", 8, "coldshare backup FILE"),
    "unknown_parties": ("not_all_backed_up", 8, "coldshare ledger join FILE"),
    "at_one_location": ("together", 8, "coldshare place set 'Safe A' --location WHERE"),
    "wrong_shares": ("wrong_shares", 9, "coldshare remove 00000000"),
    "mixed_generations": ("mixed_generations", 9, "coldshare backup FILE --newer"),
    "reshared": ("mixed_generations", 9, "coldshare backup FILE --newer"),
    "half_reshared": ("half_reshared", 8, "coldshare reshare abort Savings"),
    "below_threshold": ("below_threshold", 9, "coldshare place found '/media/ada/STICK OF MINE'"),
    "fast_vault": ("safe", 0, ""),
    "nine_parties": ("never_verified", 8, "coldshare verify --backup 00000000"),
}


@pytest.fixture
def keep(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes that the ledger of this computer, a second (or `after`, in microseconds) later."""

    def keep(story: Story, *, after: int = SECOND) -> None:
        keep_events(story.events)
        monkeypatch.setattr(when, "now", lambda: story.now + after)

    return keep


def keep_events(events: list[Event]) -> None:
    with Ledger(ledger_path()) as ledger:
        ledger.merge(events)


# --- what it says, and how it ends


@pytest.mark.parametrize("name", STORIES)
def test_every_verdict(shell: Shell, keep: Callable[..., None], name: str) -> None:
    verdict, status, step = EXPECTED[name]
    keep(STORIES[name]())
    said = shell("status")
    assert (said.status, said.err) == (status, "")
    assert f"\n  {verdict.replace('_', ' ').upper()}: " in said.out
    assert step in said.out
    answer = shell("status", "--json")
    assert answer.status == status
    (vault,) = answer.json["vaults"]
    assert (vault["verdict"], vault["exit_status"]) == (verdict, status)
    steps = [finding["next"] for finding in vault["findings"]]
    assert any(step in one for one in steps) or not step


def test_every_verdict_is_tried() -> None:
    assert {verdict for verdict, _, _ in EXPECTED.values()} == set(VERDICTS)
    assert set(EXPECTED) == set(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_every_next_step_is_a_command_that_there_is(shell: Shell, keep: Callable[..., None], name: str) -> None:
    keep(STORIES[name](), after=2 * HALF_YEAR)
    commands = re.findall(r"coldshare ([a-z-]+)", shell("status").out)
    assert commands
    assert set(commands) <= set(COMMANDS)


def test_safe_says_how_much_may_be_lost(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault())
    out = shell("status").out
    assert out.startswith("Savings: 2 of 3, DKLS, generation 04040404\n  SAFE: You can lose any 3 more things.\n")
    assert "  Shares: 2 sign, 3 of 3 can be reached: 1 to spare.\n" in out


def test_how_much_may_be_lost_is_not_said_of_what_cannot_be_relied_on(shell: Shell, keep: Callable[..., None]) -> None:
    story = device_lost()
    keep(story)
    assert "  Any 2 more things may be lost.\n" in shell("status").out
    keep(story.tell(e.BackupFailed(SAFE_B, backup_id(2), "seal_damaged")))
    assert "may be lost" not in shell("status").out


def test_the_parties_without_a_backup_are_named(shell: Shell, keep: Callable[..., None]) -> None:
    """Rule 2."""
    keep(not_all_backed_up())
    assert "not_all_backed_up: No backup that would open: Tablet.\n" in shell("status").out
    (vault,) = shell("status", "--json").json["vaults"]
    assert [one["parties"] for one in vault["findings"] if one["code"] == "not_all_backed_up"] == [["Tablet"]]


def test_why_a_backup_would_not_open(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault().tell(e.PlaceLost(SAFE_B), e.BackupState(SAFE_A, backup_id(1), None, 1000, e.UNCONFIRMED)))
    out = shell("status").out
    assert "No backup that would open: Laptop (Safe B: its place is lost).\n" in out
    assert "    Safe B (token): 00000000, its place is lost, since 2023-11-14; verified" in out
    assert "The backup of Phone at Safe A was stored, and never read back.\n" in out
    assert "    Next: Finish it: coldshare verify --backup 00000000\n" in out


def test_vaults_of_one_name_are_told_apart(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault().stored(9, STICK_A, whose=Share(OTHER_VAULT, "Savings", "Phone", NEW, 2, 3, 2)))
    out = shell("status").out
    assert "Savings, key 02020202: 2 of 3" in out
    assert "Savings, key 03030303: 2 of 3" in out


def test_a_vault_without_a_name(shell: Shell, keep: Callable[..., None]) -> None:
    keep(Story().stored(1, SAFE_A, whose=Share(VAULT, "", "Phone", NEW, 2, 3, 2)))
    assert shell("status").out.startswith("key 02020202: 2 of 3")
    assert picture(Story().stored(1, SAFE_A, whose=Share(VAULT, "", "P", NEW, 2, 3, 2)), 80)[0].startswith("┌─ key 02")


def test_what_rests_on_the_vendor_says_so(shell: Shell, keep: Callable[..., None]) -> None:
    keep(fast_vault())
    said = shell("status")
    assert said.status == 0
    assert "SAFE: You can lose any one more thing, as long as the server signs.\n" in said.out


def test_a_party_of_unknown_name_is_no_safety(shell: Shell, keep: Callable[..., None]) -> None:
    keep(unknown_parties())
    assert "Of 2 of its parties this ledger does not even know the names" in shell("status").out


def test_what_is_due_is_reminded_of_and_ends_with_8(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault(), after=HALF_YEAR + SECOND)
    said = shell("status")
    assert said.status == 8
    assert "  SAFE: You can lose any 3 more things.\n" in said.out
    assert "  3 backups should be looked at again.\n" in said.out
    assert "The backup of Phone at Safe A was never drilled.\n    Next: coldshare drill --backup 00000000\n" in said.out
    (vault,) = shell("status", "--json").json["vaults"]
    assert (vault["verdict"], vault["exit_status"]) == ("safe", 8)
    assert [one["what"] for one in vault["reminders"]] == ["drill"] * 3


def test_a_date_that_is_still_to_come_is_said_and_asked_for_again(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault(), after=-10 * HALF_YEAR)
    said = shell("status")
    assert said.status == 8
    assert "verified 2023-11-14, which is still to come, never drilled" in said.out
    assert "  note: A clock was wrong, or this computer's is: " in said.out
    assert (
        "  due: The backup of Phone at Safe A was verified on 2023-11-14, as it seems. That is still to come: do it "
        "again.\n    Next: coldshare verify --backup 00000000\n"
    ) in said.out
    (vault,) = shell("status", "--json").json["vaults"]
    assert [(one["what"], one["due"], one["believable"]) for one in vault["reminders"]] == [("verify", None, False)] * 3
    assert "to_come" in [one["code"] for one in vault["findings"]]


def test_what_a_finding_asks_for_is_not_asked_for_twice(shell: Shell, keep: Callable[..., None]) -> None:
    keep(never_verified())
    (vault,) = shell("status", "--json").json["vaults"]
    assert vault["reminders"] == []
    keep(never_verified().stored(9, SAFE_A, "Phone", opened=False))
    (vault,) = shell("status", "--json").json["vaults"]
    assert [(one["what"], one["party"], one["last"]) for one in vault["reminders"]] == [("verify", "Phone", None)]


AWAY = "On another computer: this one has had the shares of other parties."


def had_here(story: Story, *bodies: e.Body) -> Story:
    """This computer has had the phone's share, and two are enough to sign."""
    with Ledger(ledger_path()) as ledger:
        return story.tell(e.ShareHandled(share("Phone"), e.VERIFIED), *bodies, host=ledger.host)


def test_what_this_computer_would_be_refused_is_asked_of_another_one(shell: Shell, keep: Callable[..., None]) -> None:
    story = had_here(never_verified())
    keep(story)
    assert f"Next: Prove it. {AWAY} coldshare verify --backup 00000000 --at " in shell("status").out
    with Ledger(ledger_path()) as ledger:
        keep(story.tell(e.SingleHostAccepted(VAULT, OLD), host=ledger.host))
    assert "Next: Prove it: coldshare verify --backup 00000000 --at " in shell("status").out


def test_so_is_what_is_due(shell: Shell, keep: Callable[..., None]) -> None:
    story = had_here(safe_vault())
    keep(story, after=HALF_YEAR + SECOND)
    said = shell("status").out
    assert said.count("was never drilled.\n    Next: coldshare drill --backup ") == 1, "the phone's own"
    assert said.count(f"was never drilled.\n    Next: {AWAY} coldshare drill --backup ") == 2
    keep(story, after=-10 * HALF_YEAR)
    assert f"and then: coldshare verify --backup 00000000; {AWAY} coldshare verify --backup " in shell("status").out


def test_when_a_device_was_lost_and_when_a_backup_was_verified(shell: Shell, keep: Callable[..., None]) -> None:
    keep(device_lost(), after=12 * 86_400 * SECOND)
    out = shell("status").out
    assert "  Tablet: its device: LOST 12 days ago (2023-11-14)\n" in out
    assert "verified 12 days ago (2023-11-14), never drilled\n" in out


def test_a_restored_device_bears_its_name(shell: Shell, keep: Callable[..., None]) -> None:
    keep(device_lost().tell(e.DeviceRestored(VAULT, "Tablet", "new tablet", OLD, backup_id(3))))
    said = shell("status")
    assert said.status == 0
    assert "  Tablet: new tablet: alive, restored today (2023-11-14)\n" in said.out


def test_where_a_place_is_and_who_has_it(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault().tell(e.PlaceDescribed(SAFE_A, "the grey one", "bank", "Ada", "box 7", None)))
    assert "    the grey one (token, bank, with Ada, account box 7): 00000000, verified" in shell("status").out


def test_backups_without_a_name_and_contradictions(shell: Shell, keep: Callable[..., None]) -> None:
    story = safe_vault().tell(
        e.BackupState(STICK_A, backup_id(77), None, 1000, e.ACTIVE),
        e.PlaceNamed(STICK_A, STICK),
        e.PlaceDescribed(SAFE_A, "twin", None, None, None, None),
        e.PlaceDescribed(SAFE_B, "twin", None, None, None, None),
    )
    keep(story)
    said = shell("status")
    assert said.status == 8
    assert f"Nobody has told whose share backup 00000000 at {STICK} is.\n" in said.out
    assert "  Next: coldshare verify --backup 00000000 --at 'folder:/media/ada/STICK OF MINE'\n" in said.out
    assert re.search("^CONFLICT: .* are both called 'twin'.$", said.out, re.MULTILINE)
    answer = shell("status", "--json").json
    assert [one["backup_id"] for one in answer["nameless"]] == [backup_id(77).hex()]
    assert [one["code"] for one in answer["conflicts"]] == ["place_twice"]


def test_the_worst_vault_decides(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault().stored(9, STICK_A, whose=Share(OTHER_VAULT, "Pension", "Phone", NEW, 2, 3, 2)))
    assert shell("status").status == 8
    assert [one["vault"]["name"] for one in shell("status", "--json").json["vaults"]] == ["Pension", "Savings"]


@pytest.mark.parametrize("name", ["Savings", "savings", "0202", "02" * 33])
def test_one_vault_by_name_or_key(shell: Shell, keep: Callable[..., None], name: str) -> None:
    keep(safe_vault().stored(9, STICK_A, whose=Share(OTHER_VAULT, "Pension", "Phone", NEW, 2, 3, 2)))
    said = shell("status", name)
    assert said.status == 0
    assert "Savings: " in said.out
    assert "Pension" not in said.out


def test_what_belongs_to_no_vault_is_left_out_where_one_is_named(shell: Shell, keep: Callable[..., None]) -> None:
    keep(safe_vault().tell(e.BackupState(STICK_A, backup_id(77), None, 1000, e.ACTIVE)))
    assert shell("status").status == 8
    assert shell("status", "Savings").status == 0


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("name", ["Nothing", "020", ""])
def test_a_vault_that_is_not_there(shell: Shell, keep: Callable[..., None], name: str, as_json: bool) -> None:
    keep(safe_vault())
    said = shell("status", name, *(["--json"] if as_json else []))
    assert "'Savings'" in failed(said, "unknown_vault", 3, as_json=as_json)


def test_no_ledger(shell: Shell) -> None:
    said = shell("status")
    assert (said.status, said.err) == (8, "")
    assert said.out.startswith("Nothing is known, so nothing is proved.")
    assert "coldshare ledger rescan" in said.out
    answer = shell("status", "--json").json
    assert answer["ok"] is True
    assert (answer["vaults"], answer["exit_status"]) == ([], 8)
    assert "coldshare ledger" in answer["next"]
    assert not ledger_path().exists()


def test_a_ledger_without_a_vault(shell: Shell, keep: Callable[..., None]) -> None:
    keep(Story(e.HostNamed("desk")))
    said = shell("status")
    assert said.status == 8
    assert "coldshare backup FILE" in said.out


def test_a_ledger_that_cannot_be_read(shell: Shell) -> None:
    ledger_path().parent.mkdir(exist_ok=True)
    ledger_path().write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    failed(shell("status", "--json"), "ledger_foreign", 3, as_json=True)


def test_nothing_is_written(shell: Shell, keep: Callable[..., None]) -> None:
    keep(below_threshold())
    before = shell.snapshot()
    shell("status")
    shell("status", "--json")
    assert shell.snapshot() == before


# --- next steps, by where the backup is


FILE = Place(e.FILE, bytes([9]) * 16)
PATH = "/home/ada/my backups/coldshare-1a2b3c4d.seal"


def steps(story: Story, code: str) -> list[str]:
    (standing,) = assess(story.view(), story.now + SECOND).standings
    return [one.next_step for one in standing.findings if one.code == code]


def number(start: str) -> bytes:
    return bytes.fromhex(start) + bytes(12)


def at(place: Place, ident: str, party: str = "Phone", generation: bytes = OLD, **more: Any) -> list[e.Body]:
    """Stored there and verified."""
    whose = Share(VAULT, "Savings", party, generation, 2, 3, 2)
    state = more.get("state", e.ACTIVE)
    return [
        e.BackupStored(place, number(ident), whose, 1000, state, recovery=True),
        *([e.BackupVerified(place, number(ident), whose, 1000, state, None, opened=True)] * more.get("opened", True)),
    ]


def test_an_exported_file_is_verified_from_its_path() -> None:
    story = Story().seen().tell(*at(FILE, "1a2b3c4d", opened=False), e.PlaceNamed(FILE, PATH))
    assert steps(story, "never_verified") == [f"Prove it: coldshare verify --from '{PATH}'"]


def test_a_bad_exported_file_is_deleted_and_the_ledger_told() -> None:
    story = Story().seen().tell(*at(FILE, "1a2b3c4d"), e.PlaceNamed(FILE, PATH))
    (step,) = steps(story.tell(e.BackupFailed(FILE, number("1a2b3c4d"), "integrity")), "wrong_shares")
    assert step.endswith(f"and then: rm '{PATH}', and then: coldshare place lost '{PATH}'")


def test_how_an_old_share_goes_depends_on_what_stands_beside_it() -> None:
    story = (
        Story()
        .seen()
        .tell(
            *at(SAFE_A, "aaaaaaaa"),
            *at(SAFE_B, "bbbbbbbb", "Laptop", state=e.RETIRED),
            *at(SAFE_C, "cccccccc", "Tablet"),
            *at(FILE, "ffffffff"),
            e.PlaceNamed(FILE, PATH),
        )
    )
    story.seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD), *at(SAFE_A, "dddddddd", "Phone", NEW, state=e.NEXT))
    (step,) = steps(story, "old_copies")
    told = step.removeprefix("When the newer ones have signed once: ").split("; ")
    assert sorted(told) == [
        "coldshare destroy bbbbbbbb",
        "coldshare remove cccccccc",
        "coldshare retire aaaaaaaa, and then coldshare destroy aaaaaaaa",
        f"rm '{PATH}', and then: coldshare place lost '{PATH}'",
    ]


def test_two_parties_in_one_place_are_taken_apart() -> None:
    story = (
        Story().seen().tell(*at(STICK_A, "aaaaaaaa"), *at(STICK_A, "bbbbbbbb", "Laptop"), e.PlaceNamed(STICK_A, STICK))
    )
    assert steps(story, "together")[0] == (
        "Back the share of Phone up onto a place of its own, verify it, and remove it here: "
        "coldshare remove aaaaaaaa --at 'folder:/media/ada/STICK OF MINE'"
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [("location", ("bank", None, None)), ("custodian", (None, "Ada", None)), ("account", (None, None, "drive"))],
)
def test_what_is_said_of_two_places_is_taken_apart(option: str, said: tuple[str | None, ...]) -> None:
    story = told().tell(*(e.PlaceDescribed(place, None, *said, None) for place in (SAFE_B, SAFE_C)))
    (step,) = steps(story, "together")
    assert f"coldshare place set 'Safe B' --{option} " in step


def test_a_computer_that_has_had_enough_shares() -> None:
    story = told().tell(*(e.ShareHandled(Share(VAULT, "Savings", one, OLD, 2, 3, 2), e.BACKED_UP) for one in TABLE[:2]))
    (step,) = steps(story, "together")
    assert "on a computer of its own" in step
    assert "--single-host" in step
    assert steps(story.tell(e.SingleHostAccepted(VAULT, OLD)), "together") == []


# --- drills


def test_drills_that_prove_signing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    story = _rehearsal()
    keep_events(story.events)
    monkeypatch.setattr(when, "now", lambda: story.now + SECOND)
    said = shell("status")
    assert said.status == 0, said.out
    assert "  Drills: These 2 prove signing ability: Laptop (2023-11-14), Tablet (2023-11-14). That holds" in said.out
    (vault,) = shell("status", "--json").json["vaults"]
    assert vault["rehearsal"]["verdict"] == "proved"
    assert [one["party"] for one in vault["rehearsal"]["proved_by"]] == ["Laptop", "Tablet"]


def test_a_drill_that_does_not_fit_the_others_is_said_loudly(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, _, tablet = real_vault(2, 3)
    told_wrong = tablet.facts.public_shares_ecdsa[tablet.facts.index]
    story = _rehearsal().tell(*drilled(phone, 1, instead={"ecdsa": told_wrong}))
    keep_events(story.events)
    monkeypatch.setattr(when, "now", lambda: story.now + SECOND)
    said = shell("status")
    assert said.status == 9
    assert "\n  WRONG SHARES: " in said.out
    assert "coldshare drill" in said.out


def test_two_drills_that_do_not_fit_leave_both_in_question(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, laptop, tablet = real_vault(2, 3)
    told_wrong = tablet.facts.public_shares_ecdsa[tablet.facts.index]
    story = Story(*stored(phone, 1), *stored(laptop, 2), *stored(tablet, 3), *drilled(laptop, 2))
    keep_events(story.tell(*drilled(phone, 1, instead={"ecdsa": told_wrong})).events)
    monkeypatch.setattr(when, "now", lambda: story.now + SECOND)
    said = shell("status")
    assert said.status == 9
    assert "What drills have recorded of Laptop, Phone does not fit together" in said.out


def _rehearsal() -> Story:
    story = Story()
    for number, one in enumerate(real_vault(2, 3), start=1):
        story.tell(*stored(one, number), *drilled(one, number), host=bytes([number]) * 16)
    return story


# --- real backups


AT = {"phone": "sim:a.token?user=approve", "laptop": "sim:b.token?user=approve", "tablet": "folder:stick"}


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


def _back_up(shell: Shell, who: str) -> None:
    pin = [] if AT[who].startswith("folder:") else ["--pin-file", "pin"]
    if pin:
        good(shell("init", "--at", AT[who], "--label", f"Safe of {who}", *pin))
    good(shell("backup", f"{who}.vult", "--at", AT[who], *pin, "--password-file", "pw", "--no-recovery"))


def _verify(shell: Shell, who: str) -> None:
    pin = [] if AT[who].startswith("folder:") else ["--pin-file", "pin"]
    good(shell("verify", "--at", AT[who], *pin, "--password-file", "pw"))


def _verdict(shell: Shell) -> str:
    answer = shell("status", "--json")
    (vault,) = answer.json["vaults"]
    assert vault["exit_status"] == answer.status
    verdict = vault["verdict"]
    assert isinstance(verdict, str)
    return verdict


def test_from_the_first_backup_to_safe_on_tokens_and_a_stick(shell: Shell) -> None:
    (shell.folder / "stick").mkdir()
    _back_up(shell, "phone")
    assert _verdict(shell) == "not_all_backed_up"
    assert "No backup that would open: Laptop, Tablet." in shell("status").out
    _back_up(shell, "laptop")
    _back_up(shell, "tablet")
    assert _verdict(shell) == "never_verified"
    for who in AT:
        _verify(shell, who)
    # One computer has had all three, and a person has accepted that.
    said = shell("status")
    assert said.status == 0, said.out
    assert "  SAFE: You can lose any 3 more things.\n" in said.out
    assert "That was accepted." in said.out
    assert "    Safe of phone (token): " in said.out
    assert f"    {shell.folder / 'stick'} (folder): " in said.out
    assert "verified today (" in said.out


def test_what_it_tells_to_do_does_it(shell: Shell) -> None:
    """The command of a finding, as it stands, and the password."""
    (shell.folder / "stick").mkdir()
    _back_up(shell, "tablet")
    (vault,) = shell("status", "--json").json["vaults"]
    (step,) = [one["next"] for one in vault["findings"] if one["code"] == "never_verified"]
    words = step.removeprefix("Prove it: coldshare ").split()
    good(shell(*words, "--password-file", "pw"))
    (vault,) = shell("status", "--json").json["vaults"]
    assert "never_verified" not in [one["code"] for one in vault["findings"]]


# --- JSON


_VAULT_KEYS = {
    *("vault", "library", "threshold", "parties", "generation", "reshared", "candidates", "verdict", "sentence"),
    *("exit_status", "margin", "reachable", "unknown_parties", "members", "strangers", "findings", "reminders"),
    *("together", "rehearsal"),
}
_BACKUP_KEYS = {
    *("backup_id", "party", "generation", "state", "sealed_size", "recovery", "stored", "read_back", "opened"),
    *("restored", "drilled", "failed", "failed_code", "usable", "fault", "rests_on", "lost_with", "place"),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_shape_of_the_answer(shell: Shell, keep: Callable[..., None], name: str) -> None:
    keep(STORIES[name](), after=HALF_YEAR)
    answer = shell("status", "--json").json
    assert set(answer) == {"ok", "command", "exit_status", "vaults", "nameless", "conflicts"}
    assert (answer["ok"], answer["command"]) == (True, "status")
    for vault in answer["vaults"]:
        assert set(vault) == _VAULT_KEYS
        assert set(vault["rehearsal"]) == {"verdict", "words", "proved_by", "until", "next_due"}
        for member in vault["members"]:
            assert set(member) == {
                *("party", "index", "device", "reachable", "verified", "drilled", "backups", "older", "given_up"),
            }
            assert set(member["device"]) == {"state", "awaited", "in_doubt", "name", "lost", "restored"}
            assert member["device"]["state"] in ("alive", "restored", "stale", "lost", "server")
            for backup in [*member["backups"], *member["older"], *member["given_up"], *vault["strangers"]]:
                _check_backup(backup)
        for finding in vault["findings"]:
            assert set(finding) == {"code", "counts", "words", "next", "parties", "backups"}
            assert finding["counts"] is (finding["code"] in VERDICTS)
            assert finding["words"].endswith(".")
        for reminder in vault["reminders"]:
            assert set(reminder) == {"what", "backup_id", "place", "party", "last", "due", "believable"}
        assert vault["exit_status"] <= answer["exit_status"]


def _check_backup(backup: dict[str, Any]) -> None:
    assert set(backup) == _BACKUP_KEYS
    assert set(backup["place"]) == {"place", "kind", "title", "location", "custodian", "account", "lost"}
    assert backup["usable"] is (backup["fault"] is None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", backup["stored"])


def test_every_key_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.partition("\n## Status\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", section))
    assert named >= _VAULT_KEYS
    assert named >= _BACKUP_KEYS
    assert named >= {"state", "name", "lost", "index", "older", "given_up", "kind", "title", "location", "custodian"}


# --- the picture


def picture(story: Story, width: int, *, after: int = SECOND) -> list[str]:
    view = story.view()
    now = story.now + after
    (standing,) = assess(view, now).standings
    return ["".join(text for text, _ in line) for line in draw(standing, Book(view), now, width)]


@pytest.mark.parametrize("name", STORIES)
def test_it_fits_from_40_to_120_columns(name: str) -> None:
    story = STORIES[name]()
    for width in range(40, 121, 4):
        lines = picture(story, width, after=HALF_YEAR)
        assert max(cell_len(line) for line in lines) == width  # the box
        end = next(number for number, line in enumerate(lines) if line[0:1] in "╰└┗" and line)
        assert {cell_len(line) for line in lines[: end + 1]} == {width}
        assert all(line == line.rstrip() or line[0] in "│┃" for line in lines), "blanks at an end wrap a line"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", STORIES)
def test_it_tells_all_that_the_text_does(name: str, width: int) -> None:
    verdict, _, step = EXPECTED[name]
    story = STORIES[name]()
    drawn = " ".join(" ".join(picture(story, width)).translate(str.maketrans("", "", "│┃")).split())
    assert verdict.replace("_", " ").upper() in drawn
    assert " ".join(step.split()) in drawn
    (standing,) = assess(story.view(), story.now + SECOND).standings
    for party in standing.parties:
        assert party.party[:20] in drawn
    for finding in standing.findings:
        assert " ".join(finding.words.split()) in drawn


def test_signs_differ_where_colours_do() -> None:
    drawn = {name: "\n".join(picture(story(), 80)) for name, story in STORIES.items()}
    assert "✔ SAFE" in drawn["safe_vault"]
    assert "▲ DEVICE LOST" in drawn["device_lost"]
    assert "✖ BELOW THRESHOLD" in drawn["below_threshold"]
    assert "●──●──┃──■" in drawn["device_lost"]
    assert "●──✕──┃──✕" in drawn["below_threshold"]
    assert "●──◆──┃" in drawn["fast_vault"]
    assert "●──?──┃──?" in drawn["unknown_parties"]
    never = "\n".join(picture(never_verified().tell(e.DeviceLost(VAULT, "Tablet")), 80))
    assert "●──●──┃──□" in never
    assert {drawn[name][0] for name in ("safe_vault", "device_lost", "below_threshold")} == {"╭", "┌", "┏"}


def test_every_sign_is_in_the_legend() -> None:
    for story in STORIES.values():
        lines = picture(story(), 80)
        legend = lines[max(number for number, line in enumerate(lines) if line == "") :]
        for sign in "●◆■□✕◌?":
            used = any(line.lstrip(" │├└─").startswith(f"{sign} ") for line in lines[:-3] if line[0:1] not in _BOX)
            assert not used or any(f"{sign} " in line for line in legend), (sign, lines)


def test_nobody_knows_is_a_sign_too() -> None:
    assert picture(unknown_parties(), 120)[-1].endswith("? nobody knows")


def test_long_names_are_cut() -> None:
    lines = picture(nine_parties(), 60)
    assert any(line.startswith("  A very long name of a device") and "…  share 5 of 9" in line for line in lines)
    path = next(line for line in picture(below_threshold(), 64) if "MINE" in line)
    assert "…" in path


def test_thirty_two_parties_have_room_in_40_columns() -> None:
    names = tuple(f"P{number}" for number in range(32))
    lines = picture(Story().seen(signers=names, threshold=22), 40)
    assert any("●" * 22 + "┃" + "●" * 10 in line for line in lines)


EVIL = "a\x1b[2J\x07\x9b31m\u202eb\u2066c\nd\re"


def test_a_name_does_nothing_to_the_terminal() -> None:
    whose = Share(VAULT, EVIL, EVIL, OLD, 2, 3, 2)
    story = (
        Story()
        .stored(1, SAFE_A, whose=whose)
        .tell(
            e.PlaceNamed(SAFE_A, EVIL),
            e.PlaceDescribed(SAFE_A, None, EVIL, EVIL, EVIL, EVIL),
            e.BackupFailed(SAFE_A, backup_id(1), EVIL),
            e.DeviceLost(VAULT, EVIL),
            e.DeviceRestored(VAULT, EVIL, EVIL, OLD, backup_id(1)),
        )
    )
    for width in (40, 80, 120):
        for line in picture(story, width):
            assert cell_len(safe(line)) <= width


def test_the_picture_in_the_documentation() -> None:
    story = _documented()
    drawn = "\n".join(picture(story, 80, after=12 * 86_400 * SECOND))
    (shown,) = re.findall(r"<!-- picture -->\n```\n(.*?)\n```\n", PAGE, re.DOTALL)
    assert shown == drawn


def _documented() -> Story:
    """Numbers as a real ledger has them: ids begin differently."""
    whose = {name: Share(VAULT, "Savings", name, bytes.fromhex("5c0ffee1") + bytes(28), 2, 3, 2) for name in TABLE}
    ids = {
        name: bytes.fromhex(start) + bytes(12)
        for name, start in zip(TABLE, ("1a2b3c4d", "93fe0b11", "07d4e2aa"), strict=True)
    }
    story = Story(e.HostNamed("desk"))
    story.seen(whose["Phone"].generation)
    for name, place in zip(TABLE, (SAFE_A, SAFE_B, STICK_A), strict=True):
        story.tell(
            e.BackupStored(place, ids[name], whose[name], 1000, e.ACTIVE, recovery=True),
            *([] if name == "Tablet" else [_verified(place, ids[name], whose[name])]),
            *_apart(place),
        )
    return story.tell(
        e.PlaceNamed(SAFE_A, "Safe A"),
        e.PlaceNamed(SAFE_B, "Safe B"),
        e.PlaceNamed(STICK_A, "/media/ada/STICK"),
        e.PlaceDescribed(SAFE_A, None, "bank", None, None, None),
        e.PlaceDescribed(SAFE_B, None, "Lisbon", "Grandma", None, None),
        e.DeviceLost(VAULT, "Laptop"),
    )


def _verified(place: Place, ident: bytes, whose: Share) -> e.BackupVerified:
    return e.BackupVerified(place, ident, whose, 1000, e.ACTIVE, None, opened=True)


# --- where it is drawn


class _Screen(io.TextIOWrapper):
    """A terminal, as far as a program can tell."""

    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, write_through=True)

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, *, encoding: str = "utf-8", **environment: str) -> str:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen = _Screen(encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    result = Result({}, ["in words"], picture=lambda width: [(("● drawn", "danger"), (f" {width}", "plain"))])
    print_result(result, "status", as_json=False)
    return screen.bytes.getvalue().decode(encoding)


def test_a_terminal_gets_the_picture_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, COLUMNS="100")
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == "● drawn 100\n"
    assert "\x1b[31m" in text


def test_no_color_takes_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, NO_COLOR="1", COLUMNS="100") == "● drawn 100\n"


@pytest.mark.parametrize(("columns", "width"), [("20", 40), ("40", 40), ("120", 120), ("500", 120)])
def test_no_narrower_than_40_no_wider_than_120(monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    assert shown(monkeypatch, NO_COLOR="1", COLUMNS=columns) == f"● drawn {width}\n"


def test_a_terminal_that_cannot_show_it_gets_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, encoding="ascii") == "in words\n"
    assert shown(monkeypatch, encoding="latin-1") == "in words\n"
    assert shown(monkeypatch, TERM="dumb") == "in words\n"


def test_on_a_real_terminal(shell: Shell, keep: Callable[..., None], folder: Path) -> None:
    keep(below_threshold())
    with Terminal("status", cwd=folder) as terminal:
        assert terminal.finish() == 9
        screen = terminal.screen
        raw = terminal.raw
    assert "┃ ✖ BELOW THRESHOLD  Fewer shares can be reached than signing needs." in screen
    assert "\x1b[31m" in raw
    assert cell_len(screen.splitlines()[0]) == 120


def test_away_from_a_terminal_there_is_neither_colour_nor_drawing(shell: Shell, keep: Callable[..., None]) -> None:
    keep(below_threshold())
    said = shell.spawn("status")
    assert said.status == 9
    assert "\x1b" not in said.out
    assert not set(said.out) & set("│┃╭┌┏●■✖")
    assert said.out.isascii()


# --- what it costs


LOADED = """
import sys
from coldshare.cli.app import run
try:
    run(sys.argv[1:])
finally:
    print("LOADED", *sys.modules)
"""


@pytest.mark.parametrize("argv", [["status"], ["status", "--json"]], ids=" ".join)
def test_it_loads_the_ledger_and_no_cryptography(keep: Callable[..., None], argv: list[str]) -> None:
    keep(nine_parties())
    done = subprocess.run([sys.executable, "-c", LOADED, *argv], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.rpartition("LOADED")[2].split()}
    assert "sqlalchemy" in loaded
    assert not loaded & {"cryptography", "nacl", "coincurve", "google", "hid", "usb", "argon2", "zxcvbn", "rich"}


# --- the page


def test_the_page_has_every_verdict_with_its_status() -> None:
    told = dict(re.findall(r"^\| `([a-z_]+)` \| .* \| (\d) \|$", PAGE, re.MULTILINE))
    assert told == {verdict: str(status) for verdict, (_, status) in VERDICTS.items()}


@pytest.mark.parametrize(("name", "mailed"), [("safe_vault", False), ("below_threshold", True)])
def test_the_line_for_cron(keep: Callable[..., None], folder: Path, name: str, mailed: bool) -> None:
    (line,) = re.findall(r"<!-- cron -->\n```\n0 9 \* \* 1  (.*)\n```\n", PAGE)
    # The ledger's dates are of 2023, and cron has no other clock: what is due counts, unless it is fresh.
    story = STORIES[name]()
    shift = when.now() - story.now - SECOND
    moved = [Event(one.uuid, one.time + shift, one.position + shift, one.host, one.body) for one in story.events]
    keep_events(moved)
    tools = folder / "tools"
    tools.mkdir()
    mail = tools / "mail"
    mail.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > mailed\ncat >> mailed\n', encoding="utf-8")
    mail.chmod(mail.stat().st_mode | stat.S_IXUSR)
    path = os.pathsep.join([str(tools), str(Path(COLDSHARE).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "HOME": str(folder)}
    subprocess.run(["/bin/sh", "-c", line], cwd=folder, env=environment, check=True)
    assert (folder / "mailed").exists() is mailed
    if mailed:
        text = (folder / "mailed").read_text(encoding="utf-8")
        assert text.startswith("-s\ncoldshare: look at your backups\nyou@example.org\n")
        assert "BELOW THRESHOLD" in text


# --- whatever is in a ledger


@given(st.lists(st.tuples(bodies, st.sampled_from((DESK, LAP))), max_size=25), st.integers(0, 3))
def test_there_is_no_ledger_that_cannot_be_shown(told: list[tuple[e.Body, bytes]], halves: int) -> None:
    story = Story()
    for body, host in told:
        story.tell(body, host=host)
    view, now = story.view(), story.now + halves * HALF_YEAR
    overview = assess(view, now)
    book = Book(view)
    json.dumps([standing_json(one) for one in overview.standings])
    for standing in overview.standings:
        safe_today = standing.verdict == "safe"
        assert standing.exit_status in ((0, 8) if safe_today else (8, 9))
        assert not safe_today or (standing.margin or 0) >= 1
        text = lines(standing, book, now)
        for width in (40, 80, 120):
            drawn = ["".join(text for text, _ in line) for line in draw(standing, book, now, width)]
            assert max(cell_len(line) for line in drawn) == width
        assert f"  {standing.verdict.replace('_', ' ').upper()}: " in text[1]
    for backup in overview.nameless:
        assert all(book.nameless(backup))
