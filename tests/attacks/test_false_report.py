"""Who: somebody who sends reports on a reshare, by mail or on a shared drive, and later also one of the parties'
computers itself.
Wants: a reshare to be finished, and the old shares destroyed, while a party has no new share, a share of another
generation, or one that does not sign with the others.
What stops him: a report counts only with the signature of a key that a person has compared, only for the computer that
showed that key, and only while nobody else reports of the same party; it says which generation it
leaves, and those that were replaced or given up count for nothing; and the shares are held together by arithmetic on
public points, whatever a report says of them.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.queries import View
from coldshare.reshare import joining, progress
from coldshare.reshare import report as reports_module
from coldshare.reshare.errors import ReportForgedError
from coldshare.reshare.joining import Known
from coldshare.reshare.report import Signed, read, sign
from coldshare_iface import codec
from reshare.story import Run, Told, computer, identity, plan_of, report_on, reported, reports, token, two

OLD, NEW = two()
PLAN = plan_of(OLD, NEW)
PHONE, LAPTOP, WATCH = reports(NEW, OLD.generation)


def told(*signed: Signed, compared: tuple[int, ...] = (0, 1, 2)) -> Told:
    """A computer that knows the reshare, and has taken in these reports."""
    return Told().stored(OLD, 0, 1, 2).started(PLAN).compared(*compared).reported(PLAN, *signed)


def finishes(ledger: Told) -> bool:
    """Whether `reshare finish` would go on."""
    plan = ledger.plan(PLAN)
    return progress.progress(ledger.view(), plan).ready


def test_without_an_attack_it_is_finished_when_all_have_reported() -> None:
    assert finishes(told(PHONE, LAPTOP, WATCH))
    assert not finishes(told(PHONE, LAPTOP))


@pytest.mark.parametrize("defended", [True, False])
def test_an_altered_report(monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """The Watch has reported that its share has no backup yet. On its way that becomes one. The control: a host that
    does not look at the signature."""
    honest = reported(NEW, 2, OLD.generation, kept=())
    fields = codec.decode(honest.data, limit=e.REPORT_MAX)
    lie = codec.decode(WATCH.data, limit=e.REPORT_MAX)
    assert isinstance(fields, dict)
    assert isinstance(lie, dict)
    data = codec.encode({**fields, 1: lie[1]}, limit=e.REPORT_MAX)
    assert not finishes(told(PHONE, LAPTOP, honest))
    if defended:
        with pytest.raises(ReportForgedError):
            read(data)
    else:
        monkeypatch.setattr(reports_module, "signed_by", lambda public, data, signature: True)
        assert finishes(told(PHONE, LAPTOP, read(data)))


@pytest.mark.parametrize("defended", [True, False])
def test_a_report_with_a_key_of_his_own(defended: bool) -> None:
    """What is held together in it is public, or follows from the others' reports, so he can write one as good as a true
    one. The control: a person who says yes without comparing."""
    his = sign(replace(WATCH.report, host=computer(9)), identity(9))
    ledger = told(PHONE, LAPTOP, his, compared=(0, 1) if defended else (0, 1, 9))
    assert finishes(ledger) is not defended
    (state,) = (
        one.state for one in progress.progress(ledger.view(), ledger.plan(PLAN)).parties if one.party == "Watch"
    )
    assert state == ("stranger" if defended else "reported")


@pytest.mark.parametrize("defended", [True, False])
def test_another_partys_report_by_a_compared_computer(monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """The Laptop's computer, which somebody else controls, reports of the Watch as if it were the Watch's own. The
    control: a host that looks at the key alone."""
    lie = sign(WATCH.report, identity(1))
    ledger = told(PHONE, LAPTOP, lie)
    if not defended:
        keys = {identity(number).public for number in range(3)}
        monkeypatch.setattr(progress, "counts", lambda view, signed: signed.public_key in keys)
    assert finishes(ledger) is not defended


@pytest.mark.parametrize("defended", [True, False])
def test_another_partys_report_under_its_own_name(monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """It reports of the Watch under its own id, and the Watch has reported that nothing is backed up yet. The control:
    a host for which the later one of two reports counts."""
    nothing = reported(NEW, 2, OLD.generation, kept=())
    lie = sign(replace(WATCH.report, host=computer(1), time=WATCH.report.time + 1), identity(1))
    ledger = told(PHONE, LAPTOP, nothing, lie)
    if not defended:
        monkeypatch.setattr(joining, "_two_computers", lambda reports, alike: joining.Objection("other_vault", "", ""))
    assert finishes(ledger) is not defended
    if defended:
        (said,) = progress.progress(ledger.view(), ledger.plan(PLAN)).joined.objections
        assert (said.code, said.party) == ("two_computers", "Watch")


@pytest.mark.parametrize("defended", [True, False])
def test_a_key_that_was_taken_back(monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """Somebody has said yes too early, and takes it back. The thief sends his report once more, and a ledger in which
    the key was compared later. The control: a host that counts what was compared last."""
    his = sign(replace(WATCH.report, host=computer(9)), identity(9))
    ledger = told(PHONE, LAPTOP, his, compared=(0, 1, 9))
    ledger.tell(e.IdentityTakenBack(identity(9).public)).compared(9).reported(PLAN, his)
    if not defended:
        monkeypatch.setattr(View, "taken_back", lambda view: {})
    assert finishes(ledger) is not defended


@pytest.mark.parametrize("defended", [True, False])
def test_reports_on_an_attempt_that_was_given_up(monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """True ones, of true keys, sent once more after the reshare was begun anew. The control: a host that does not know
    what was given up."""
    ledger = told(PHONE, LAPTOP, WATCH)
    ledger.tell(e.ReshareAborted(PLAN.plan), e.GenerationRetired(PLAN.vault, NEW.generation, None))
    again = plan_of(OLD, OLD.reshared(("Phone", "Laptop", "Watch"), 2, seed="again"))
    ledger.started(again).reported(again, PHONE, LAPTOP, WATCH)
    if not defended:
        monkeypatch.setattr(progress, "known_before", lambda view, plan: Known())
    assert progress.progress(ledger.view(), ledger.plan(again)).ready is not defended


def test_reports_on_the_shares_from_before() -> None:
    """From the reshare that made these: they say themselves which generation they are of."""
    earlier = OLD.reshared(("Phone", "Laptop", "Tablet"), 2, seed="earlier")
    old = [reported(OLD, number, earlier.generation) for number in range(2)]
    assert not finishes(told(*old, WATCH))


@pytest.mark.parametrize("defended", [True, False])
def test_a_share_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """By the Watch's own computer, which somebody else controls: its EdDSA share is none of this vault, and its report
    says that all is well. The control: a host that believes each report for itself."""
    other = OLD.reshared(("Phone", "Laptop", "Watch"), 2, seed="other").facts[2]
    lie = reported(NEW, 2, OLD.generation, public_share_eddsa=other.public_share_eddsa)
    if not defended:
        monkeypatch.setattr(joining, "_arithmetic", lambda good: [])
    ledger = told(PHONE, LAPTOP, lie)
    assert finishes(ledger) is not defended
    if defended:
        (said,) = progress.progress(ledger.view(), ledger.plan(PLAN)).joined.objections
        assert (said.code, said.party) == ("wrong_share", "Watch")


def test_what_remains_a_backup_that_was_never_made() -> None:
    """A compared computer is believed in what nobody else can look at. A drill of that backup finds it out."""
    nothing = report_on(NEW, 2, OLD.generation)
    assert nothing.kept[0].place == token(2)
    assert finishes(told(PHONE, LAPTOP, sign(nothing, identity(2))))


def test_control_a_ledger_that_is_joined_brings_reports_and_no_trust() -> None:
    """Whoever has his ledger joined can write any report into it; his keys come along only if he wrote them there, and
    then what he says is what the person took in from him."""
    his = sign(replace(WATCH.report, host=computer(9)), identity(9))
    assert not finishes(told(PHONE, LAPTOP, his, compared=(0, 1)))
    assert finishes(told(PHONE, LAPTOP, his, compared=(0, 1)).compared(9))


def test_nothing_in_a_report_helps_to_sign() -> None:
    """He reads all of them."""
    for run, signed in ((NEW, PHONE), (NEW, LAPTOP), (NEW, WATCH)):
        for secret in secrets_of(run):
            assert secret not in signed.data


def secrets_of(run: Run) -> list[bytes]:
    from support.shell import share_secrets

    return [value for vult in run.vults for value in share_secrets(vult, None).values()] + [run.facts[0].chain_code]
