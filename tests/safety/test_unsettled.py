"""A device is lost or found, and asked about, while a reshare is halfway: nobody knows which shares the others have."""

from __future__ import annotations

import pytest

from coldshare.errors import EXIT_ATTEND
from coldshare.ledger import events as e
from coldshare.safety.errors import StaleShareError
from coldshare.safety.found import found
from coldshare.safety.returning import Coming, Wish, check
from coldshare.safety.standing import Standing, assess_vault
from coldshare.safety.unsettled import unsettled
from coldshare.safety.ways import Ways, ways
from reshare.story import NOW, Run, Told, backup_id, plan_of, reported, two

OLD, NEW = two()
VAULT = OLD.facts[0].public_key_ecdsa
PLAN = plan_of(OLD, NEW)
NEWER = e.GenerationNewer(VAULT, NEW.generation, OLD.generation)
ABORT, STATUS = "coldshare reshare abort Savings", "coldshare reshare status Savings"


def begun() -> Told:
    """All old shares are backed up and opened, the tablet is lost, and a reshare without it was planned."""
    return Told().stored(OLD, 0, 1, 2).tell(e.DeviceLost(VAULT, "Tablet")).compared(0, 1, 2).started(PLAN)


def half(*numbers: int) -> Told:
    """These have a new share, backed up and reported."""
    told = begun().tell(NEWER).stored(NEW, *numbers, at=10)
    return told.reported(PLAN, *(reported(NEW, number, OLD.generation) for number in numbers))


def after_loss(told: Told, party: str) -> Ways:
    view = told.view()
    (vault,) = view.vaults()
    return ways(view, vault, party, {})


def standing(told: Told) -> Standing:
    (vault,) = told.view().vaults()
    return assess_vault(told.view(), vault, NOW + 10**9)


def test_before_there_is_a_new_share_all_is_as_it_was() -> None:
    told = begun()
    assert unsettled(told.view(), VAULT) is None
    assert after_loss(told, "Laptop").verdict == "both"
    check(told.view(), Coming.of(backup_id(2, OLD.generation), OLD.share("Tablet")), Wish("new tablet"))


@pytest.mark.parametrize("numbers", [(0,), (0, 1)])
@pytest.mark.parametrize("party", ["Phone", "Laptop", "Tablet", "Watch"])
def test_nothing_is_recommended_after_a_loss(numbers: tuple[int, ...], party: str) -> None:
    told = half(*numbers).tell(e.DeviceLost(VAULT, party))
    what = after_loss(told, party)
    assert (what.verdict, what.helped) == ("half_reshared", False)
    assert not what.import_.possible
    assert not what.reshare.possible
    assert what.older == what.after == ()
    assert [one.command for one in what.missing] == ["", STATUS, ABORT, f"coldshare lost {party}"]
    (never,) = what.never
    assert "Do not remove the vault from any device" in never.words
    assert "destroy no backup of either generation" in never.words


def test_backups_of_either_generation_are_told() -> None:
    what = after_loss(half(0), "Phone")
    assert {one.copy.backup.generation for one in what.import_.sources} == {OLD.generation, NEW.generation}


@pytest.mark.parametrize("party", ["Phone", "Tablet"])
def test_a_device_that_was_found_stays_as_it_is(party: str) -> None:
    told = half(0).tell(e.DeviceLost(VAULT, party))
    view = told.view()
    (vault,) = view.vaults()
    (own,) = (one for one in view.parties(VAULT) if one.party == party)
    note = found(view, vault, own)
    assert note.code == "half_reshared"
    assert "Leave the device as it is" in note.words
    assert "Remove" not in note.words
    assert ABORT in note.words


@pytest.mark.parametrize("run", [OLD, NEW], ids=["old", "new"])
def test_no_share_comes_back_meanwhile(run: Run) -> None:
    share = run.share("Phone")
    told = half(0).tell(e.DeviceLost(VAULT, "Phone"))
    with pytest.raises(StaleShareError) as refused:
        check(told.view(), Coming.of(backup_id(0, share.generation), share), Wish("new phone"))
    assert refused.value.message.startswith("A reshare of this vault is under way")
    assert STATUS in refused.value.next_step
    assert ABORT in refused.value.next_step


def test_the_verdict_claims_nothing_of_those_that_are_awaited() -> None:
    now = standing(half(0))
    assert (now.verdict, now.exit_status, now.margin) == ("half_reshared", EXIT_ATTEND, None)
    assert {one.party: one.awaited for one in now.parties} == {"Phone": False, "Laptop": True, "Watch": True}
    assert now.half is not None
    assert (now.half.reported, now.half.awaited) == (("Phone",), ("Laptop", "Watch"))
    (finding,) = (one for one in now.findings if one.code == "half_reshared")
    assert STATUS in finding.next_step
    assert ABORT in finding.next_step
    assert not [one for one in now.findings if one.code == "resharing"]


def test_when_all_have_reported_the_new_shares_are_what_there_is() -> None:
    told = half(0, 1, 2)
    assert unsettled(told.view(), VAULT) is None
    assert (standing(told).verdict, standing(told).margin) == ("safe", 3)
    assert after_loss(told, "Laptop").verdict == "both"


def test_a_report_that_counts_no_more_tells_nothing() -> None:
    told = half(0, 1, 2)
    told.tell(e.IdentityTakenBack(reported(NEW, 1, OLD.generation).public_key))
    now = standing(told)
    assert now.half is not None
    assert now.half.awaited == ("Laptop",)
    assert now.verdict == "half_reshared"


def test_given_up_the_old_shares_count() -> None:
    told = half(0).tell(e.ReshareAborted(PLAN.plan))
    assert unsettled(told.view(), VAULT) is None
    assert after_loss(told, "Laptop").generation == told.view().generation(VAULT, OLD.generation)


def test_finished_the_new_ones_do() -> None:
    told = half(0, 1, 2).tell(e.ReshareFinished(PLAN.plan, NEW.generation))
    assert unsettled(told.view(), VAULT) is None
    assert after_loss(told, "Tablet").verdict == "not_member"


def test_without_a_plan_the_newest_counts() -> None:
    """Backed up with --newer, by somebody who never asked coldshare about a reshare."""
    told = Told(NEWER).stored(OLD, 0, 1, 2).stored(NEW, 0, at=10)
    assert unsettled(told.view(), VAULT) is None
