"""Clocks that are wrong by an hour or by ten years: what came first is told by no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.identity import Identity
from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Event
from coldshare.ledger.joining import heads
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import Party, View
from coldshare.reshare.report import Report, Signed, sign
from coldshare.safety.conflicts import conflicts
from coldshare.safety.devices import device, in_doubt
from coldshare.safety.errors import PartyAliveError
from coldshare.safety.returning import Coming, Wish, check
from coldshare.safety.standing import assess
from safety.story import NEW, NEWEST, OLD, SAFE_A, SAFE_B, SECOND, STICK_A, VAULT, backup_id, share, vault_seen

HOUR, TEN_YEARS = 3600 * SECOND, 3650 * 86_400 * SECOND
WRONG = (-TEN_YEARS, -HOUR, 0, HOUR, TEN_YEARS)
NOW = 1_800_000_000 * SECOND
LOST, FOUND = e.DeviceLost(VAULT, "Phone"), e.DeviceFound(VAULT, "Phone")
NEWER, GIVEN_UP = e.GenerationNewer(VAULT, NEW, OLD), e.GenerationRetired(VAULT, NEW, None)


def restored(generation: bytes = OLD) -> e.DeviceRestored:
    return e.DeviceRestored(VAULT, "Phone", "new phone", generation, backup_id(1))


def stored(party: str = "Phone", generation: bytes = NEW, place: e.Place = SAFE_A) -> e.BackupStored:
    number = 1 + (generation == NEW) + 2 * (party != "Phone")
    return e.BackupStored(place, backup_id(number), share(party, generation), 1000, e.ACTIVE, None)


def comes() -> Coming:
    """The newer share, from a place that has an older one beside it."""
    return replace(Coming.of(backup_id(2), share("Phone", NEW)), replaces=frozenset({OLD}))


@dataclass
class Computer:
    """A ledger in memory, as `Ledger` keeps it. `ahead`: by how much its clock is, in microseconds."""

    host: bytes
    ahead: int = 0
    events: list[Event] = field(default_factory=list)

    def tell(self, *bodies: Body, now: int = NOW) -> None:
        for body in bodies:
            latest = max((one.position for one in self.events), default=-1)
            time = now + self.ahead
            ident = self.host[:8] + len(self.events).to_bytes(8, "big")
            self.events.append(Event(ident, time, max(time, latest + 1), self.host, body))

    def join(self, other: Computer, *, now: int = NOW) -> None:
        known = {one.uuid for one in self.events}
        self.events += [one for one in other.events if one.uuid not in known]
        self.tell(e.LedgerJoined(heads(self.events, self.host)), now=now)


def view(*computers: Computer) -> View:
    return View(fold({one.uuid: one for computer in computers for one in computer.events}.values()), computers[0].host)


def phone(seen: View) -> Party:
    return next(one for one in seen.parties(VAULT) if one.party == "Phone")


def is_now(seen: View, generation: bytes = NEW) -> str:
    doubt = "?" if in_doubt(seen, phone(seen), generation) else ""
    return f"{device(seen, phone(seen), generation)}{doubt}"


@pytest.fixture
def desk() -> Computer:
    return Computer(bytes([7]) * 16)


@pytest.fixture
def lap() -> Computer:
    return Computer(bytes([8]) * 16)


# --- one computer, whose clock is turned in between


@pytest.mark.parametrize("ahead", WRONG)
def test_a_newer_backup_from_before_the_restore_of_an_older_one(desk: Computer, ahead: int) -> None:
    desk.tell(stored(generation=OLD), stored())
    desk.ahead = ahead
    desk.tell(LOST, restored())
    assert is_now(view(desk)) == "stale"
    # So a newer share may come onto it: nobody takes it for one that has that already.
    assert check(view(desk), comes(), Wish("new phone")).turned is None


@pytest.mark.parametrize("ahead", WRONG)
def test_a_reshare_after_it(desk: Computer, ahead: int) -> None:
    desk.tell(stored(generation=OLD), LOST, restored())
    desk.ahead = ahead
    desk.tell(stored(), NEWER)
    assert is_now(view(desk)) == "restored"
    with pytest.raises(PartyAliveError):
        check(view(desk), comes(), Wish("third phone"))


@pytest.mark.parametrize("ahead", WRONG)
def test_a_reshare_that_was_given_up_after_the_restore_or_before(desk: Computer, ahead: int) -> None:
    desk.tell(stored(generation=OLD), LOST, restored())
    desk.ahead = ahead
    desk.tell(stored(), NEWER, GIVEN_UP)
    assert is_now(view(desk), OLD) == "stale"
    desk.ahead = -ahead
    desk.tell(restored())
    assert is_now(view(desk), OLD) == "restored"


@pytest.mark.parametrize("ahead", WRONG)
def test_lost_and_found(desk: Computer, ahead: int) -> None:
    desk.tell(stored(generation=OLD), LOST, e.PlaceLost(SAFE_A))
    desk.ahead = ahead
    desk.tell(FOUND, e.PlaceFound(SAFE_A))
    assert is_now(view(desk), OLD) == "alive"
    assert [one.lost for one in view(desk).places()] == [None]
    desk.ahead = -ahead
    desk.tell(LOST, e.PlaceLost(SAFE_A))
    assert is_now(view(desk), OLD) == "lost"
    assert view(desk).places()[0].lost is not None
    assert conflicts(view(desk)) == []


def test_what_a_token_lists_of_a_given_up_generation_is_a_share_that_was_made(desk: Computer) -> None:
    """Nobody knows since when it is there; so the device may have gone along."""
    desk.tell(NEWER, e.BackupState(SAFE_A, backup_id(2), share("Phone", NEW), 1000, e.ACTIVE), GIVEN_UP)
    assert is_now(view(desk), OLD) == "stale"


# --- two computers, whose ledgers are joined in the end


@pytest.mark.parametrize("ahead", WRONG)
@pytest.mark.parametrize("party", ["Phone", "Laptop"])
def test_another_computer_backed_up_the_newer_share_and_nobody_knows_when(
    desk: Computer, lap: Computer, ahead: int, party: str
) -> None:
    """A share of the newer generation turns up on the computer of the restore as well: nothing is proved by it."""
    lap.ahead = ahead
    lap.tell(stored(party, place=SAFE_B))
    desk.tell(stored(generation=OLD), LOST, restored(), stored())
    assert is_now(view(desk)) == "restored"  # as far as that computer knows
    seen = view(desk, lap)
    assert is_now(seen) == "stale?"
    (said,) = check(seen, comes(), Wish("new phone")).warnings
    assert "Nothing tells whether the share on new phone is of the generation that counts" in said


@pytest.mark.parametrize("ahead", WRONG)
def test_what_was_known_when_it_was_restored_came_before(desk: Computer, lap: Computer, ahead: int) -> None:
    lap.ahead = ahead
    lap.tell(stored())
    desk.join(lap)
    desk.tell(LOST, restored())
    assert is_now(view(desk)) == "stale"


@pytest.mark.parametrize("ahead", WRONG)
def test_who_knows_of_the_restore_comes_after_it(desk: Computer, lap: Computer, ahead: int) -> None:
    desk.tell(stored(generation=OLD), LOST, restored())
    lap.ahead = ahead
    lap.join(desk)
    lap.tell(stored("Laptop", place=SAFE_B), stored())
    assert is_now(view(lap)) == "restored"
    # By way of a third one, too.
    third = Computer(bytes([9]) * 16, -ahead)
    third.join(lap)
    third.tell(restored(NEW), LOST)
    assert is_now(view(third)) == "lost"


PLAN = bytes([1]) * 16


def report(computer: Computer, party: str = "Phone", generation: bytes = NEW, *, key: int = 1) -> Signed:
    """As that computer would write it now."""
    told = Report(
        time=max(NOW + computer.ahead, *(one.position + 1 for one in computer.events)),
        host=computer.host,
        host_name="desk",
        share=share(party, generation),
        older=OLD,
        signers=("Phone", "Laptop"),
        public_key_eddsa=bytes(32),
        chain_code_digest=bytes(32),
        points_ecdsa=(),
        public_shares_ecdsa=(),
        point_eddsa=b"\1",
        public_share_eddsa=bytes(32),
        digest=bytes(32),
        kept=(),
    )
    return sign(told, Identity(Ed25519PrivateKey.from_private_bytes(bytes([key]) * 32)))


def taken_in(signed: Signed) -> list[Body]:
    compared = e.IdentityCompared(signed.report.host, "desk", signed.public_key)
    return [compared, e.ReshareReported(PLAN, signed.report.party, signed.data)]


@pytest.mark.parametrize("ahead", WRONG)
def test_its_own_report_settles_it(desk: Computer, lap: Computer, ahead: int) -> None:
    """The others report from their computers, which do not know of the restore."""
    lap.ahead = ahead
    lap.tell(stored("Laptop", place=SAFE_B), NEWER, e.ReshareStarted(PLAN, VAULT, OLD, ("Phone", "Laptop"), (), 2, 2))
    desk.tell(LOST)
    early = report(desk)
    desk.tell(restored())
    desk.ahead = -ahead
    desk.tell(stored())
    assert is_now(view(desk, lap)) == "stale?"
    # What another party reports, or of another generation, or what was reported before, says nothing of it.
    for one in (report(desk, "Laptop"), report(desk, generation=NEWEST), early):
        lap.tell(*taken_in(one))
        assert is_now(view(desk, lap)) == "stale?"
    # Nor does the report of a computer that knows nothing of the restore, or one whose key nobody has compared.
    lap.tell(*taken_in(report(lap, key=2)), taken_in(report(desk, key=3))[1])
    assert is_now(view(desk, lap)) == "stale?"
    lap.tell(*taken_in(report(desk)))
    assert is_now(view(desk, lap)) == "restored"
    taken_back = Computer(bytes([9]) * 16)
    taken_back.tell(e.IdentityTakenBack(report(desk).public_key))
    assert is_now(view(desk, lap, taken_back)) == "stale?"
    lap.tell(e.ReshareAborted(PLAN))
    assert is_now(view(desk, lap)).startswith("stale")


@pytest.mark.parametrize("ahead", WRONG)
def test_given_up_here_and_restored_there(desk: Computer, lap: Computer, ahead: int) -> None:
    lap.ahead = ahead
    desk.tell(stored(), NEWER, GIVEN_UP)
    lap.tell(LOST, restored())
    assert is_now(view(desk, lap), OLD) == "stale?"
    lap.join(desk)
    assert is_now(view(lap), OLD) == "stale?"
    lap.tell(restored())
    assert is_now(view(lap), OLD) == "restored"


@pytest.mark.parametrize("ahead", WRONG)
def test_lost_here_and_found_there(desk: Computer, lap: Computer, ahead: int) -> None:
    """Each says so of itself: then it counts as lost, with a sentence, until somebody who knows of both says more."""
    desk.tell(stored(generation=OLD), LOST, e.PlaceLost(SAFE_A), e.BackupFailed(SAFE_A, backup_id(1), "integrity"))
    lap.ahead = ahead
    good = e.BackupVerified(SAFE_A, backup_id(1), None, 1000, e.ACTIVE, None, opened=True)
    lap.tell(FOUND, e.PlaceFound(SAFE_A), good)
    seen = view(desk, lap)
    assert is_now(seen, OLD) == "lost"
    assert seen.places()[0].lost is not None
    assert seen.backups()[0].failed_code == "integrity"
    # Where its clock says that it was found before, nobody wonders.
    told = ["device_unordered", "place_unordered", "backup_unordered"] if ahead > 0 else []
    assert [one.code for one in conflicts(seen)] == told
    if told:
        device, _, backup = conflicts(seen)
        assert device.words.endswith("coldshare lost --found Phone")
        assert backup.words.endswith("It counts as failed. Verify it once more: coldshare verify --backup 00000000")
        assert assess(seen, NOW).exit_status >= 8
    lap.join(desk)
    lap.tell(FOUND, e.PlaceFound(SAFE_A), good)
    seen = view(lap, desk)
    assert is_now(seen, OLD) == "alive"
    assert (seen.places()[0].lost, seen.backups()[0].failed, conflicts(seen)) == (None, None, [])


def test_a_name_that_looks_like_an_option(desk: Computer, lap: Computer) -> None:
    """What the line says to do can be typed as it stands."""
    desk.tell(stored("-x", OLD), e.DeviceLost(VAULT, "-x"))
    lap.ahead = max(WRONG)
    lap.tell(e.DeviceFound(VAULT, "-x"))
    (conflict,) = conflicts(view(desk, lap))
    assert conflict.words.endswith("coldshare lost --found -- -x")


@pytest.mark.parametrize("ahead", WRONG)
def test_removed_here_and_seen_there(desk: Computer, lap: Computer, ahead: int) -> None:
    """It counts for nothing until somebody who knows of its removal has seen it."""
    lap.ahead = ahead
    listed = e.BackupState(SAFE_A, backup_id(1), share(), 1000, e.ACTIVE)
    lap.tell(stored(generation=OLD), stored("Laptop", OLD, SAFE_B), listed)
    desk.tell(stored(generation=OLD), e.BackupGone(SAFE_A, backup_id(1), e.REMOVED), e.PlaceWiped(SAFE_B, None))
    desk.tell(e.BackupState(STICK_A, backup_id(1), share(), 1000, e.KEYLESS))
    lap.tell(e.BackupState(STICK_A, backup_id(1), share(), 1000, e.ACTIVE))
    seen = view(desk, lap)
    assert {one.place: one.gone for one in seen.backups(gone=True)} == {
        SAFE_A: e.REMOVED,
        SAFE_B: e.WIPED,
        STICK_A: None,
    }
    assert [one.state for one in seen.backups(place=STICK_A)] == [e.KEYLESS]
    lap.join(desk)
    lap.tell(listed, e.BackupState(STICK_A, backup_id(1), share(), 1000, e.ACTIVE))
    assert {one.place: one.state for one in view(lap).backups()} == {SAFE_A: e.ACTIVE, STICK_A: e.ACTIVE}


@pytest.mark.parametrize("ahead", WRONG)
def test_two_restorations_that_nothing_orders(desk: Computer, lap: Computer, ahead: int) -> None:
    lap.ahead = ahead
    lap.tell(restored(NEW))
    desk.tell(restored(OLD))
    assert is_now(view(desk, lap), NEW) == "stale"
    assert is_now(view(desk, lap), OLD) == "stale"
    desk.join(lap)
    desk.tell(restored(NEW))
    assert is_now(view(desk), NEW) == "restored"


def test_a_report_tells_of_no_whole_ledger(desk: Computer, lap: Computer) -> None:
    """What came with a report counts for the computer that reported, and says not that its ledger is known."""
    from coldshare.ledger.joining import stood_for

    lap.tell(stored(generation=OLD), LOST)
    told = Event(stood_for(b"report", 3), NOW + 5, NOW + 5, lap.host, stored())
    third = Computer(bytes([9]) * 16)
    third.tell(e.ReshareReported(bytes(16), "Phone", b"report"))
    third.events.append(told)
    desk.join(third)
    assert [head.host for head in heads(desk.events, desk.host)] == [third.host]
    desk.tell(FOUND)
    assert is_now(view(desk, lap), OLD) == "lost"


# --- any history, by any clocks

STEPS: Sequence[Body] = (
    LOST,
    FOUND,
    restored(OLD),
    restored(NEW),
    stored(generation=OLD),
    stored(),
    stored("Laptop", place=SAFE_B),
    e.PlaceLost(SAFE_A),
    e.PlaceFound(SAFE_A),
    e.BackupFailed(SAFE_A, backup_id(1), "seal_damaged"),
    e.BackupVerified(SAFE_A, backup_id(1), None, 1000, e.ACTIVE, None, opened=True),
    e.BackupState(SAFE_A, backup_id(1), None, 1000, e.KEYLESS),
    e.BackupGone(SAFE_A, backup_id(1), e.REMOVED),
    e.PlaceWiped(SAFE_A, None),
)
#: Which computer; what it tells, or which other one's ledger it takes in; and by how much its clock is ahead then.
steps = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(STEPS) | st.integers(0, 2), st.sampled_from(WRONG)), max_size=14
)


def played(story: list[tuple[int, Any, int]], *, right: bool) -> View:
    computers = [Computer(bytes([number]) * 16) for number in (7, 8, 9)]
    for number, (which, what, ahead) in enumerate([(0, vault_seen(share(), ("Phone", "Laptop")), 0), *story]):
        computer = computers[which]
        computer.ahead = 0 if right else ahead
        now = NOW + number * SECOND
        if isinstance(what, Body):
            computer.tell(what, now=now)
        elif what != which:
            computer.join(computers[what], now=now)
    return view(*computers)


def answers(seen: View) -> dict[str, object]:
    return {
        "device": [is_now(seen, one) for one in (OLD, NEW)],
        "places": [one.lost is None for one in seen.places()],
        "backups": [(one.gone is None, one.failed is None, one.state) for one in seen.backups(gone=True)],
    }


def check_clocks(story: list[tuple[int, Any, int]]) -> None:
    by_right, by_wrong = played(story, right=True), played(story, right=False)
    assert answers(by_right) == answers(by_wrong), "no clock makes a difference"
    told = [body for _, body, _ in story if isinstance(body, Body)]
    # Never more hopeful than what was so.
    devices = [body for body in told if isinstance(body, e.DeviceLost | e.DeviceFound | e.DeviceRestored)]
    if devices and isinstance(devices[-1], e.DeviceLost):
        assert phone(by_wrong).lost is not None
    places = [body for body in told if isinstance(body, e.PlaceLost | e.PlaceFound)]
    if places and isinstance(places[-1], e.PlaceLost):
        assert all(one.lost is not None for one in by_wrong.places() if one.place == SAFE_A)
    kept = [body for body in told if getattr(body, "backup_id", b"") == backup_id(1) or isinstance(body, e.PlaceWiped)]
    kept = [body for body in kept if not isinstance(body, e.DeviceRestored)]
    if kept and isinstance(kept[-1], e.BackupGone | e.PlaceWiped):
        assert not [one for one in by_wrong.backups() if one.backup_id == backup_id(1)]
    states = [body.state for body in kept if isinstance(body, e.BackupStored | e.BackupState | e.BackupVerified)]
    if states[-1:] == [e.KEYLESS]:
        assert {one.state for one in by_wrong.backups(gone=True) if one.backup_id == backup_id(1)} == {e.KEYLESS}
    proofs = [body for body in told if isinstance(body, e.BackupFailed | e.BackupVerified)]
    if proofs and isinstance(proofs[-1], e.BackupFailed):
        assert any(one.failed is not None for one in by_wrong.backups(place=SAFE_A, gone=True))
    came = [number for number, body in enumerate(told) if isinstance(body, e.DeviceRestored)]
    if came and is_now(by_wrong, NEW) == "restored":
        last = told[came[-1]]
        assert isinstance(last, e.DeviceRestored)
        before = [body for body in told[: came[-1]] if isinstance(body, e.BackupStored | e.DeviceRestored)]
        made = {body.share.generation if isinstance(body, e.BackupStored) and body.share else OLD for body in before}
        assert last.generation == NEW or NEW not in made


@settings(max_examples=60)
@given(steps)
def test_no_clock_makes_a_difference(story: list[tuple[int, Any, int]]) -> None:
    check_clocks(story)


@pytest.mark.slow
@settings(max_examples=3000)
@given(steps)
def test_no_clock_makes_a_difference_ever(story: list[tuple[int, Any, int]]) -> None:
    check_clocks(story)
