"""Anything may happen, in any order, between restarts and clocks that jump: the ledger answers as its history says.

The model keeps nothing but the list of what happened, and looks for each answer from its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from coldshare.ledger import events as e
from coldshare.ledger import interchange
from coldshare.ledger.events import Body, Place
from coldshare.ledger.store import Ledger
from ledger.samples import OTHER_VAULT, VAULT, Clock
from ledger.strategies import GENERATIONS, IDS, PARTIES, PLACES, bodies

_GOOD = (e.BackupStored, e.BackupVerified, e.BackupRestored)
_SEEN = (*_GOOD, e.BackupState, e.BackupFailed, e.DrillResult)


class History:
    """What happened, oldest first, each with its time."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Body]] = []

    def about(self, place: Place, backup_id: bytes) -> list[tuple[int, Body]]:
        """All that concerns one backup at one place."""
        return [
            (time, body)
            for time, body in self.told
            if (isinstance(body, (*_SEEN, e.BackupGone)) and (body.place, body.backup_id) == (place, backup_id))
            or (isinstance(body, e.PlaceWiped) and body.place == place)
        ]

    def gone(self, place: Place, backup_id: bytes) -> int | None:
        """Why it is not there: the first reason since it was last seen."""
        first = None
        known = any(not isinstance(body, e.PlaceWiped) for _, body in self.about(place, backup_id))
        for _, body in reversed(self.about(place, backup_id)):
            if isinstance(body, _SEEN):
                return first
            first = body.why if isinstance(body, e.BackupGone) else e.WIPED
        # It was never seen there. Then only its own end tells of it, and a wipe before that told of nothing.
        ends = [body.why for _, body in self.about(place, backup_id) if isinstance(body, e.BackupGone)]
        return ends[0] if known else None

    def known(self, place: Place) -> set[bytes]:
        return {
            body.backup_id for _, body in self.told if isinstance(body, (*_SEEN, e.BackupGone)) and body.place == place
        }

    def state(self, place: Place, backup_id: bytes) -> int:
        states = [body.state for _, body in self.about(place, backup_id) if hasattr(body, "state")]
        return states[-1] if states else e.ACTIVE

    def opened(self, place: Place, backup_id: bytes) -> int | None:
        times = [
            time
            for time, body in self.about(place, backup_id)
            if isinstance(body, e.BackupRestored)
            or (isinstance(body, e.BackupVerified) and body.opened)
            or (isinstance(body, e.DrillResult) and body.good)
        ]
        return times[-1] if times else None

    def failed(self, place: Place, backup_id: bytes) -> str | None:
        """The last failure that nothing has answered: what was found inside is answered by opening it alone."""
        opened = read = False
        for _, body in reversed(self.about(place, backup_id)):
            good = body.good if isinstance(body, e.DrillResult) else getattr(body, "opened", True)
            if isinstance(body, e.BackupFailed):
                if not opened and not (read and body.code == "integrity"):
                    return body.code
            elif isinstance(body, e.DrillResult) and not good:
                if not opened:
                    return "drill"
            elif isinstance(body, (*_GOOD, e.DrillResult)):
                read = True
                opened = opened or (good and not isinstance(body, e.BackupStored))
        return None

    def label(self, place: Place) -> str:
        said = [body.label for _, body in self.told if isinstance(body, e.PlaceNamed) and body.place == place]
        return said[-1] if said else ""

    def described(self, place: Place) -> tuple[str | None, str | None]:
        said = [body for _, body in self.told if isinstance(body, e.PlaceDescribed) and body.place == place]
        return (said[-1].location, said[-1].custodian) if said else (None, None)

    def place_lost(self, place: Place) -> bool:
        said = [b for _, b in self.told if isinstance(b, (e.PlaceLost, e.PlaceFound)) and b.place == place]
        return bool(said) and isinstance(said[-1], e.PlaceLost)

    def device_lost(self, vault: bytes, party: str) -> bool:
        kinds = (e.DeviceLost, e.DeviceFound, e.DeviceRestored)
        said = [b for _, b in self.told if isinstance(b, kinds) and (b.vault, b.party) == (vault, party)]
        return bool(said) and isinstance(said[-1], e.DeviceLost)

    def retired(self, vault: bytes, generation: bytes) -> set[Place | None]:
        where: dict[Place | None, bool] = {}
        for number, (_, body) in enumerate(self.told):
            if isinstance(body, e.ReshareFinished | e.ReshareAborted):
                decided = self._decided(number, vault, generation)
                where |= {} if decided is None or (decided is False and None not in where) else {None: decided}
            if not isinstance(body, e.GenerationRetired | e.GenerationUnRetired):
                continue
            if (body.vault, body.generation) == (vault, generation):
                where[body.place] = isinstance(body, e.GenerationRetired)
        return {place for place, is_so in where.items() if is_so}

    def _decided(self, number: int, vault: bytes, generation: bytes) -> bool | None:
        """Whether the end of a reshare, told then, gives that generation up (True), or lets it count (False)."""
        before = [body for _, body in self.told[:number]]
        _, end = self.told[number]
        assert isinstance(end, e.ReshareFinished | e.ReshareAborted)
        ends = {plan: _end(before, plan) for plan in {one.plan for one in before if isinstance(one, e.ReshareStarted)}}
        plan = next((one for one in before if isinstance(one, e.ReshareStarted) and one.plan == end.plan), None)
        if plan is None or plan.vault != vault or isinstance(ends[plan.plan], e.ReshareFinished):
            return None
        if isinstance(end, e.ReshareFinished):
            return False if end.generation == generation else None
        if ends[plan.plan] is not None:
            return None
        newer = _newer(before, vault, plan.older)
        made = {
            body.generation
            for one, body in ends.items()
            if isinstance(body, e.ReshareFinished) and _plan(before, one).vault == vault
        }
        return True if generation in newer - made - {plan.older} else None

    def handled(self) -> set[tuple[bytes, str, bytes, int]]:
        return {
            (body.share.vault, body.share.party, body.share.generation, body.why)
            for _, body in self.told
            if isinstance(body, e.ShareHandled)
        }


def _plan(told: Sequence[Body], plan: bytes) -> e.ReshareStarted:
    """As it was told first."""
    return next(one for one in told if isinstance(one, e.ReshareStarted) and one.plan == plan)


def _end(told: Sequence[Body], plan: bytes) -> Body | None:
    """How that reshare has ended: a finish counts whenever it comes; giving up one ends all away from the same
    generation that have begun."""
    begun = False
    end: Body | None = None
    own = _plan(told, plan)
    for number, body in enumerate(told):
        if isinstance(body, e.ReshareStarted) and body.plan == plan:
            begun = True
        elif isinstance(body, e.ReshareFinished) and body.plan == plan and begun:
            return body
        elif isinstance(body, e.ReshareAborted) and begun and end is None:
            named = [one for one in told[:number] if isinstance(one, e.ReshareStarted) and one.plan == body.plan]
            if not named or (named[0].vault, named[0].older) != (own.vault, own.older):
                continue
            if body.plan == plan or _end(told[:number], body.plan) is None:
                end = body
    return end


def _newer(told: Sequence[Body], vault: bytes, older: bytes) -> set[bytes]:
    steps = [(one.newer, one.older) for one in told if isinstance(one, e.GenerationNewer) and one.vault == vault]
    found: set[bytes] = set()
    while more := {newer for newer, left in steps if left in {older, *found}} - found:
        found |= more
    return found


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.sqlite"
        self.clock = Clock()
        self.history = History()
        self.ledger = Ledger(self.path, now=self.clock)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.folder.cleanup()

    @rule(happened=st.lists(bodies, min_size=1, max_size=4))
    def record(self, happened: list[Body]) -> None:
        before = self.clock.now
        for event in self.ledger.record(happened):
            assert event.time > before
        self.history.told += [(before + number * 1_000_000, body) for number, body in enumerate(happened, start=1)]

    @rule(seconds=st.integers(-1000, 1000))
    def turn_the_clock(self, seconds: int) -> None:
        self.clock.now += seconds * 1_000_000

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self.path, now=self.clock)

    @rule()
    def rebuild(self) -> None:
        self.ledger.rebuild()

    @rule()
    def move_to_another_computer(self) -> None:
        """The file is exported and taken in elsewhere; then that one goes on."""
        data = interchange.encode(self.ledger.events())
        self.ledger.close()
        self.path = self.path.with_name(f"{self.path.stem}x.sqlite")
        self.ledger = Ledger(self.path, now=self.clock)
        self.ledger.join(interchange.decode(data))

    @invariant()
    def it_answers_as_its_history_says(self) -> None:
        if not hasattr(self, "ledger"):
            return
        view, history = self.ledger.view(), self.history
        places = {one.place: one for one in view.places()}
        for place in PLACES:
            held = {one.backup_id: one for one in view.backups(place=place, gone=True)}
            assert set(held) == history.known(place)
            for backup_id in IDS:
                if backup_id in held:
                    one = held[backup_id]
                    assert one.gone == history.gone(place, backup_id)
                    assert one.state == history.state(place, backup_id)
                    assert one.opened == history.opened(place, backup_id)
                    assert one.failed_code == history.failed(place, backup_id)
            if place in places:
                assert places[place].label == history.label(place)
                assert (places[place].location, places[place].custodian) == history.described(place)
                assert (places[place].lost is not None) == history.place_lost(place)
            else:
                assert not held
        for vault in (VAULT, OTHER_VAULT):
            parties = {one.party: one for one in view.parties(vault)}
            for party in PARTIES:
                lost = party in parties and parties[party].lost is not None
                assert lost == history.device_lost(vault, party)
            for one_generation in view.generations(vault):
                where = history.retired(vault, one_generation.generation)
                assert one_generation.retired == bool(where)
                assert set(one_generation.retired_at) == where - {None}
            assert {one.generation for one in view.generations(vault)} <= set(GENERATIONS)
        assert {(one.vault, one.party, one.generation, one.why) for one in view.handled()} == history.handled()

    @invariant()
    def the_tables_follow_from_the_events(self) -> None:
        if hasattr(self, "ledger"):
            assert self.ledger.check() == []


LedgerMachine.TestCase.settings = settings(max_examples=4, stateful_step_count=15)
TestLedger = LedgerMachine.TestCase


@pytest.mark.slow
class TestLedgerLonger(LedgerMachine.TestCase):
    settings = settings(max_examples=25, stateful_step_count=30)
