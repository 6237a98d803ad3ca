"""What drills come to, against a model that knows the secrets and computes with plain integers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import Body
from coldshare.safety.conflicts import conflicts
from coldshare.safety.due import HALF_YEAR
from coldshare.safety.rehearsal import PERIOD, Rehearsal, rehearse
from coldshare.vault.synthetic import ChainGroup, make_key_import
from safety.integers import L, N, at_zero, ed25519, fit, secp256k1
from safety.rehearsed import (
    DAY,
    HERE,
    NOW,
    THERE,
    Secret,
    Told,
    Values,
    backup_id,
    drilled,
    keys,
    place,
    reshared,
    stored,
    vault,
)


def judged(told: Told, one: Secret, now: int = NOW) -> Rehearsal:
    return rehearse(told.view, one.share.vault, now)


def everything(threshold: int = 2, parties: int = 3) -> tuple[list[Secret], Told]:
    """A vault with a backup of every party; backup k is at place k."""
    shares, told = vault(threshold, parties), Told()
    for number, one in enumerate(shares):
        told.tell(stored(one, number), at=NOW - 400 * DAY)
    return shares, told


def wrong_by(one: Secret, curve: str) -> Values:
    """What a drill would record of a share whose secret is off by one."""
    if curve == "ecdsa":
        return {"ecdsa": secp256k1(one.ecdsa[1] + 1)}
    return {"eddsa": ed25519(one.eddsa[1] + 1)}


@pytest.mark.parametrize(("threshold", "parties"), [(2, 2), (2, 3), (3, 4), (3, 5)])
def test_the_model_and_the_files_agree(threshold: int, parties: int) -> None:
    shares = vault(threshold, parties)
    ecdsa, eddsa = keys(shares)
    facts = shares[0].facts
    assert (secp256k1(ecdsa), ed25519(eddsa)) == (facts.public_key_ecdsa, facts.public_key_eddsa)
    assert fit([one.ecdsa for one in shares], threshold, ecdsa, N)
    assert fit([one.eddsa for one in shares], threshold, eddsa, L)
    for one in shares:
        assert secp256k1(one.ecdsa[1]) == one.facts.public_shares_ecdsa[one.facts.index]
        assert ed25519(one.eddsa[1]) == one.facts.public_share_eddsa


def test_half_a_year() -> None:
    assert PERIOD == HALF_YEAR == 182 * DAY


# --- the way to a proof


def test_nothing_was_rehearsed() -> None:
    shares, told = everything()
    found = judged(told, shares[0])
    assert found.verdict == "not_yet"
    assert [(one.party, one.good, one.due) for one in found.backups] == [
        ("Phone", None, NOW), ("Laptop", None, NOW), ("Tablet", None, NOW),
    ]  # fmt: skip
    assert (found.fresh, found.open, found.without) == ((), ("Phone", "Laptop", "Tablet"), ())
    assert len(found.due(NOW)) == 3
    assert found.words[0] == "Savings: not proved yet. It takes 2 parties, and none was rehearsed."


def test_one_after_the_other_over_hosts_and_days() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0), at=NOW - 20 * DAY)
    first = judged(told, shares[0])
    assert (first.verdict, first.fresh, first.open) == ("not_yet", ("Phone",), ("Laptop", "Tablet"))
    told.tell([e.HostNamed("attic"), *drilled(shares[1], 1)], at=NOW - 10 * DAY, host=THERE)
    found = judged(told, shares[0])
    assert found.verdict == "proved"
    assert found.proved_by == (("Laptop", NOW - 10 * DAY), ("Phone", NOW - 20 * DAY))
    assert (found.since, found.until) == (NOW - 20 * DAY, NOW + 162 * DAY)
    assert [one.by for one in found.backups] == [HERE.hex()[:8], "attic", None]
    # The spare is part of the verdict: it is what is due.
    assert [(one.party, one.due) for one in found.due(NOW)] == [("Tablet", NOW)]
    assert found.next_due == NOW
    told.tell(drilled(shares[2], 2), at=NOW)
    found = judged(told, shares[0])
    assert (found.verdict, found.due(NOW), found.next_due) == ("proved", (), NOW + 162 * DAY)
    # The youngest t are the ones that prove.
    assert found.proved_by == (("Laptop", NOW - 10 * DAY), ("Tablet", NOW))
    head, limits = found.words
    assert "these 2 prove signing ability: Laptop (2025-09-29), Tablet (2025-10-09)" in head
    assert "OT seeds" in limits


def test_it_ends_with_the_day() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0), at=NOW).tell(drilled(shares[1], 1), at=NOW + DAY)
    told.tell(drilled(shares[2], 2), at=NOW + DAY)
    last = NOW + DAY + PERIOD
    assert judged(told, shares[0], last - DAY).verdict == "proved"
    assert judged(told, shares[0], last - 1).verdict == "proved"
    found = judged(told, shares[0], last)
    assert (found.verdict, found.fresh, found.proved_by) == ("overdue", (), ())
    assert found.words[0] == "Savings: overdue. 2 parties were rehearsed once, and none was in the last six months."
    assert [one.due for one in found.backups] == [NOW + PERIOD, last, last]
    assert [one.party for one in found.due(last)] == ["Phone", "Laptop", "Tablet"]


def test_a_date_in_the_future_proves_nothing() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1), at=NOW + 400 * DAY, host=THERE)
    found = judged(told, shares[0])
    assert (found.verdict, found.fresh) == ("overdue", ("Phone",))
    assert [one.due for one in found.backups] == [NOW + PERIOD, NOW, NOW]
    assert judged(told, shares[0], NOW + 399 * DAY).verdict == "overdue"  # the other one is too old by then
    told.tell(drilled(shares[1], 1), at=NOW + DAY // 2, host=THERE)
    assert judged(told, shares[0]).verdict == "proved", "clocks differ by hours"


def test_two_backups_of_one_party_are_one_party() -> None:
    shares, told = everything()
    told.tell(stored(shares[0], 7)).tell(drilled(shares[0], 0)).tell(drilled(shares[0], 7))
    found = judged(told, shares[0])
    assert (found.verdict, found.fresh) == ("not_yet", ("Phone",))
    told.tell(drilled(shares[1], 1))
    assert judged(told, shares[0]).verdict == "proved"
    assert [one.party for one in judged(told, shares[0]).backups] == ["Phone", "Phone", "Laptop", "Tablet"]


@pytest.mark.parametrize("latest", [0, 7])
def test_the_latest_drill_of_a_party_counts(latest: int) -> None:
    shares, told = everything()
    told.tell(stored(shares[0], 7)).tell(drilled(shares[1], 1))
    for number in (0, 7):
        told.tell(drilled(shares[0], number), at=NOW if number == latest else NOW - 200 * DAY)
    found = judged(told, shares[0])
    assert found.proved_by == (("Laptop", NOW), ("Phone", NOW))
    assert [one.copy.backup.backup_id for one in found.due(NOW) if one.party == "Phone"] == [backup_id(7 - latest)]


def test_another_generation_does_not_count() -> None:
    (old, new), told = reshared(), Told()
    told.tell(stored(old[0], 0)).tell(stored(old[1], 1)).tell(drilled(old[0], 0)).tell(drilled(old[1], 1))
    assert judged(told, old[0]).verdict == "proved"
    told.tell(stored(new[0], 2)).tell(drilled(new[0], 2))
    found = judged(told, new[0])
    assert (found.verdict, len(found.backups), found.generation) == ("no_generation", 3, None)
    assert "2 generations" in found.words[0]
    assert found.next_due is None
    told.tell([e.GenerationNewer(new[0].share.vault, new[0].share.generation, old[0].share.generation)])
    found = judged(told, new[0])
    assert (found.verdict, found.fresh, [one.party for one in found.backups]) == ("not_yet", ("Phone",), ["Phone"])
    assert found.without == ("Laptop", "Tablet")
    told.tell(stored(new[2], 3)).tell(drilled(new[2], 3))
    assert judged(told, new[0]).verdict == "proved"


def test_a_date_that_is_still_to_come_hides_no_drill_that_can_be_believed() -> None:
    """Two backups of one party, one of which was drilled by a clock ten years ahead."""
    shares, told = everything()
    told.tell(stored(shares[0], 7)).tell(drilled(shares[0], 7), at=NOW + 3650 * DAY)
    told.tell(drilled(shares[1], 1))
    assert judged(told, shares[0]).verdict == "overdue"
    told.tell(drilled(shares[0], 0), at=NOW - DAY)
    found = judged(told, shares[0])
    assert (found.verdict, found.proved_by) == ("proved", (("Laptop", NOW), ("Phone", NOW - DAY)))
    assert [one.due for one in found.backups] == [NOW - DAY + PERIOD, NOW, NOW + PERIOD, NOW]


def test_what_is_not_there_proves_nothing() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1))
    assert judged(told, shares[0]).verdict == "proved"
    told.tell([e.PlaceLost(place(1))])
    found = judged(told, shares[0])
    assert (found.verdict, found.fresh, found.without) == ("not_yet", ("Phone",), ("Laptop",))
    assert [one.due for one in found.backups] == [NOW + PERIOD, None, NOW]
    told.tell([e.PlaceFound(place(1))])
    assert judged(told, shares[0]).verdict == "proved"
    told.tell([e.BackupGone(place(1), backup_id(1), e.REMOVED)])
    found = judged(told, shares[0])
    assert (found.verdict, len(found.backups)) == ("not_yet", 2)


def test_an_export_without_its_token_is_no_spare() -> None:
    shares, told = everything()
    file = e.Place(e.FILE, bytes(16))
    (seen, kept) = stored(shares[0], 7, recovery=False)
    assert isinstance(kept, e.BackupStored)
    told.tell([seen, kept, replace(kept, place=file)])
    assert [one.due for one in judged(told, shares[0]).backups if one.copy.backup.place == file] == [NOW]
    told.tell([e.BackupGone(place(7), backup_id(7), e.REMOVED)])
    assert [one.due for one in judged(told, shares[0]).backups if one.copy.backup.place == file] == [None]


def test_a_computer_that_had_its_share_is_not_asked_for_another_one() -> None:
    shares, told = everything()
    told.tell([e.HostNamed("desk"), e.ShareHandled(shares[0].share, e.VERIFIED)])
    told.tell([e.ShareHandled(shares[1].share, e.VERIFIED)], host=THERE)
    found = judged(told, shares[0])
    assert [one.elsewhere for one in found.backups] == [False, True, True]
    assert [one.party for one in found.due(NOW)] == ["Phone", "Laptop", "Tablet"]
    told.tell([e.SingleHostAccepted(shares[0].share.vault, shares[0].share.generation)])
    assert not any(one.elsewhere for one in judged(told, shares[0]).backups)


def test_a_file_stays_where_it_is() -> None:
    shares, told = vault(2, 3), Told()
    told.tell([e.HostNamed("desk")]).tell([e.HostNamed("attic")], host=THERE)
    (seen, kept) = stored(shares[0], 0)
    assert isinstance(kept, e.BackupStored)
    told.tell([seen, kept, replace(kept, place=e.Place(e.FILE, bytes(16)))], host=THERE)
    told.tell([replace(kept, place=e.Place(e.FILE, bytes([1]) * 16))])
    assert {one.copy.backup.place: one.only_at for one in judged(told, shares[0]).backups} == {
        place(0): None,
        e.Place(e.FILE, bytes(16)): "attic",
        e.Place(e.FILE, bytes([1]) * 16): None,
    }


def test_who_has_no_drill_goes_first() -> None:
    shares, told = everything()
    told.tell(stored(shares[0], 7)).tell(drilled(shares[0], 0), at=NOW - 10 * DAY)
    found = judged(told, shares[0])
    assert [one.party for one in found.due(NOW)] == ["Laptop", "Tablet", "Phone"]


# --- what is wrong


def test_a_share_that_fails_its_own_arithmetic() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1)).tell(drilled(shares[2], 2, good=False))
    found = judged(told, shares[0])
    assert (found.verdict, [one.wrong is not None for one in found.backups]) == ("wrong", [False, False, True])
    assert found.proved_by == (("Laptop", NOW), ("Phone", NOW)), "the others can sign all the same"
    assert any("prove signing ability all the same" in line for line in found.words)
    assert found.backups[2].wrong == "its share FAILED its own arithmetic in the last drill"
    assert any(line.startswith("Wrong: backup 02020202 of Tablet at ") for line in found.words)
    told.tell(drilled(shares[2], 2))
    assert judged(told, shares[0]).verdict == "proved"


def test_a_bad_drill_of_what_is_lost_now() -> None:
    shares, told = everything()
    told.tell(drilled(shares[2], 2, good=False)).tell([e.PlaceLost(place(2))])
    found = judged(told, shares[0])
    assert (found.verdict, found.unproved) == ("not_yet", ())


def test_a_seal_that_failed_after_a_good_drill() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1))
    told.tell([e.BackupFailed(place(1), backup_id(1), "seal_damaged")])
    found = judged(told, shares[0])
    assert (found.verdict, found.fresh, found.backups[1].due) == ("wrong", ("Phone",), NOW)
    assert [one.party for one in found.due(NOW)] == ["Tablet", "Laptop"], (
        "what is wrong wants another backup, not a drill"
    )


@pytest.mark.parametrize("curve", ["ecdsa", "eddsa"])
@pytest.mark.parametrize("odd", [0, 1, 2])
def test_the_odd_one_out_is_named(curve: str, odd: int) -> None:
    shares, told = everything()
    for number, one in enumerate(shares):
        told.tell(drilled(one, number, instead=wrong_by(one, curve) if number == odd else None))
    found = judged(told, shares[0])
    assert (found.verdict, found.odd, found.in_question) == ("wrong", (shares[odd].party,), ())
    others = {one.party for number, one in enumerate(shares) if number != odd}
    assert {party for party, _ in found.proved_by} == others
    assert [one.wrong is not None for one in found.backups] == [number == odd for number in range(3)]


@pytest.mark.parametrize("curve", ["ecdsa", "eddsa"])
def test_with_just_enough_nobody_can_tell_who(curve: str) -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1, instead=wrong_by(shares[1], curve)))
    found = judged(told, shares[0])
    assert (found.verdict, found.odd, found.in_question) == ("wrong", (), ("Laptop", "Phone"))
    assert (found.fresh, found.proved_by) == ((), ())
    assert any(line.startswith("In question: Laptop, Phone.") for line in found.words)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [(0,), (1, 2, 30)], ids=str)
def test_a_large_vault(wrong: tuple[int, ...]) -> None:
    """Of 32 parties 22 sign: far more sets than anybody tries."""
    chance = Random(1)
    points = [chance.randrange(1, N) for _ in range(32)]
    ecdsa, eddsa = ([chance.randrange(1, order) for _ in range(22)] for order in (N, L))

    def value(coefficients: list[int], at: int, order: int) -> int:
        return sum(one * pow(at, power, order) for power, one in enumerate(coefficients)) % order

    names = tuple(f"Device {number}" for number in range(32))
    shares = [value(ecdsa, point, N) for point in points]
    publics = tuple(secp256k1(one) for one in shares)
    told = Told()
    for number, name in enumerate(names):
        share = e.Share(secp256k1(ecdsa[0]), "Large", name, bytes(32), 22, 32, 2)
        own = ed25519(value(eddsa, number + 1, L))
        bytes_of = tuple(point.to_bytes(32, "big") for point in points)
        key = ed25519(eddsa[0])
        seen = e.VaultSeen(share, names, False, key, bytes(32), bytes_of, publics, bytes([number + 1]), own)
        drill = e.DrillResult(
            place(number),
            backup_id(number),
            share,
            True,
            secp256k1(shares[number] + 1) if number in wrong else publics[number],
            own,
            bytes(32),
        )
        told.tell([seen, e.BackupStored(place(number), backup_id(number), share, 1000, e.ACTIVE, True), drill])
    found = rehearse(told.view, secp256k1(ecdsa[0]), NOW)
    assert (found.verdict, found.in_question, len(found.proved_by)) == ("wrong", (), 22)
    assert set(found.odd) == {names[number] for number in wrong}


def on_another_line(one: Secret) -> Values:
    """The share of that party in another sharing of the same keys."""
    return {"ecdsa": secp256k1(one.ecdsa[1] + 7 * one.ecdsa[0]), "eddsa": ed25519(one.eddsa[1] + 9 * one.eddsa[0])}


@pytest.mark.parametrize(("parties", "odd", "in_question"), [(4, 0, 4), (5, 2, 0)])
def test_two_sharings_under_one_name(parties: int, odd: int, in_question: int) -> None:
    """Two of each can sign, and never one of each."""
    shares, told = everything(2, parties)
    for number, one in enumerate(shares):
        told.tell(drilled(one, number, instead=on_another_line(one) if number in (2, 3) else None))
    found = judged(told, shares[0])
    assert (found.verdict, len(found.odd), len(found.in_question)) == ("wrong", odd, in_question)
    assert [party for party, _ in found.proved_by] == ([] if in_question else ["Desk", "Laptop"])


@pytest.mark.parametrize("point", [b"\0", N.to_bytes(32, "big"), "of another party"], ids=str)
def test_points_that_nobody_can_have(point: bytes | str) -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1))
    seen = stored(shares[0], 0)[0]
    assert isinstance(seen, e.VaultSeen)
    phone, _, tablet = seen.points_ecdsa
    told.tell([replace(seen, points_ecdsa=(phone, point if isinstance(point, bytes) else phone, tablet))])
    found = judged(told, shares[0])
    assert (found.verdict, found.in_question) == ("wrong", ("Laptop", "Phone"))


def test_one_that_differs_from_what_its_file_told() -> None:
    shares, told = everything()
    told.tell(drilled(shares[1], 1, instead=wrong_by(shares[1], "eddsa")))
    found = judged(told, shares[0])
    assert (found.verdict, found.in_question) == ("wrong", ("Laptop",))


def test_two_values_for_one_party() -> None:
    shares, told = everything()
    told.tell(stored(shares[0], 7)).tell(drilled(shares[0], 0))
    told.tell(drilled(shares[0], 7, instead=wrong_by(shares[0], "ecdsa")))
    found = judged(told, shares[0])
    assert (found.verdict, found.in_question, found.fresh) == ("wrong", ("Phone",), ())
    told.tell(drilled(shares[1], 1))
    found = judged(told, shares[0])
    assert (found.verdict, found.odd) == ("wrong", ("Phone",))
    assert [one.wrong is not None for one in found.backups] == [False, True, False, False]
    assert found.proved_by == (("Laptop", NOW), ("Phone", NOW))


def test_one_backup_with_two_digests() -> None:
    """The id is drawn once, and a seal is never written twice: the file inside cannot have changed."""
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1)).tell(
        drilled(shares[0], 0, instead={"digest": bytes(32)})
    )
    found = judged(told, shares[0])
    assert (found.verdict, found.backups[0].wrong) == ("wrong", "it was told to be two different shares")
    assert "backup_twice" in [one.code for one in conflicts(told.view)]


def test_a_copy_with_another_digest() -> None:
    shares, told = everything()
    file = e.Place(e.FILE, bytes(16))
    (body,) = drilled(shares[0], 0, instead={"digest": bytes(32)})
    assert isinstance(body, e.DrillResult)
    told.tell(drilled(shares[0], 0)).tell([replace(body, place=file)])
    assert judged(told, shares[0]).verdict == "wrong"


def test_values_that_are_no_points() -> None:
    shares, told = everything()
    kinds: list[Values] = [
        {"ecdsa": bytes(33)},
        {"ecdsa": bytes([2]) * 32},
        {"eddsa": bytes(32)},
        {"eddsa": bytes([2]) * 33},
    ]
    for junk in kinds:
        again = Told()
        again.events = list(told.events)
        again.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1)).tell(drilled(shares[2], 2, instead=junk))
        assert judged(again, shares[0]).odd == ("Tablet",), junk


# --- what cannot be proved


def without(body: Body, **changes: object) -> Body:
    assert isinstance(body, e.VaultSeen)
    return replace(body, **changes)  # type: ignore[arg-type]


def test_no_points_no_proof() -> None:
    """A vault of more parties than an event has room for, or a ledger of what tokens told alone."""
    shares, told = vault(2, 3), Told()
    for number in (0, 1):
        told.tell([stored(shares[number], number)[1], drilled(shares[number], number)[1]])
    found = judged(told, shares[0])
    assert (found.verdict, found.fresh) == ("not_yet", ())
    assert found.unproved == ("Not proved: the ledger does not know the vault's EdDSA key.",)
    told.tell([without(stored(shares[0], 0)[0], points_ecdsa=(), public_shares_ecdsa=())])
    found = judged(told, shares[0])
    assert found.verdict == "not_yet"
    assert len(found.unproved) == 2
    assert all("where its share lies" in words for words in found.unproved)
    told.tell(stored(shares[0], 0)[:1])
    assert judged(told, shares[0]).verdict == "proved", "DKLS: the point on the EdDSA polynomial is the index"


def test_no_public_shares_no_proof() -> None:
    shares, told = everything()
    (body,) = [one for one in drilled(shares[1], 1) if isinstance(one, e.DrillResult)]
    told.tell(drilled(shares[0], 0)).tell([replace(body, public_share_eddsa=None)])
    found = judged(told, shares[0])
    assert (found.verdict, found.fresh, found.open) == ("not_yet", ("Phone",), ("Laptop", "Tablet"))
    assert found.unproved == ("Not proved for Laptop: the public values of its share were not recorded.",)
    told.tell(drilled(shares[2], 2))
    found = judged(told, shares[0])
    assert (found.verdict, found.proved_by) == ("proved", (("Phone", NOW), ("Tablet", NOW)))
    assert judged(told, shares[0], NOW + 200 * DAY).verdict == "overdue"


def test_one_signer_is_no_threshold() -> None:
    one, told = vault(2, 3)[0], Told()
    share = replace(one.share, threshold=1)
    (seen,) = stored(one, 0)[:1]
    told.tell([without(seen, share=share), e.BackupStored(place(0), backup_id(0), share, 1000, e.ACTIVE, True)])
    assert judged(told, one).verdict == "no_generation"


def test_disputed_numbers() -> None:
    shares, told = everything()
    told.tell(drilled(shares[0], 0)).tell(drilled(shares[1], 1))
    told.tell([e.ShareHandled(replace(shares[0].share, threshold=1), e.VERIFIED)])
    found = judged(told, shares[0])
    assert (found.verdict, found.proved_by) == ("no_generation", ())


def test_keys_of_single_chains_are_not_proved() -> None:
    made = make_key_import(
        "Imported", ["Phone", "Laptop"], 2, [ChainGroup(("Bitcoin",)), ChainGroup(("Solana",), True)]
    )
    shares, told = [secret_of_import(one.vult) for one in made], Told()
    for number, one in enumerate(shares):
        told.tell(stored(one, number)).tell(drilled(one, number))
    found = judged(told, shares[0])
    assert found.verdict == "proved"
    (words,) = found.unproved
    assert "the keys of single chains" in words


def secret_of_import(vult: bytes) -> Secret:
    """Its own two keys come first in the file, so the lengths do not say which share is which."""
    from coldshare.vault import read_share

    return Secret(read_share(vult).facts, vult, (0, 0), (0, 0))


def test_an_unknown_vault() -> None:
    with pytest.raises(KeyError):
        rehearse(Told().view, b"\2" * 33, NOW)


# --- against the model

_AGES = st.sampled_from([0, 1, 100, 181, 182, 183, 500])


@st.composite
def _drills(draw: st.DrawFn) -> tuple[list[Secret], list[tuple[int, int, int, int]]]:
    """(party, age in days, error of its ECDSA secret, error of its EdDSA secret), at most one of each party."""
    threshold, parties = draw(st.sampled_from([(2, 2), (2, 3), (3, 4), (3, 5)]))
    who = draw(st.lists(st.integers(0, parties - 1), unique=True, max_size=parties))
    wrong = st.sampled_from([0, 0, 0, 0, 0, 1])
    # Errors that are themselves values of a polynomial with f(0) = 0 would be another sharing of the same key.
    return vault(threshold, parties), [
        (one, draw(_AGES), draw(wrong) * 7 ** (40 + one), draw(wrong) * 11 ** (40 + one)) for one in who
    ]


@settings(max_examples=20)
@given(_drills())
def test_the_verdict_is_that_of_the_secrets(made: tuple[list[Secret], list[tuple[int, int, int, int]]]) -> None:
    shares, drills = made
    told = Told()
    for number, one in enumerate(shares):
        told.tell(stored(one, number), at=NOW - 900 * DAY)
    for number, age, ecdsa, eddsa in sorted(drills, key=lambda one: -one[1]):
        one = shares[number]
        values: Values = {"ecdsa": secp256k1(one.ecdsa[1] + ecdsa), "eddsa": ed25519(one.eddsa[1] + eddsa)}
        told.tell(drilled(one, number, instead=values if ecdsa or eddsa else None), at=NOW - age * DAY)
    found = judged(told, shares[0])

    threshold = shares[0].facts.threshold
    secrets = keys(shares)

    def together(some: tuple[tuple[int, int, int, int], ...]) -> bool:
        ecdsa = [(shares[one[0]].ecdsa[0], shares[one[0]].ecdsa[1] + one[2]) for one in some]
        eddsa = [(shares[one[0]].eddsa[0], shares[one[0]].eddsa[1] + one[3]) for one in some]
        return fit(ecdsa, threshold, secrets[0], N) and fit(eddsa, threshold, secrets[1], L)

    largest = next(
        (
            fitting
            for size in range(len(drills), threshold - 1, -1)
            if (fitting := [some for some in combinations(drills, size) if together(some)])
        ),
        [],
    )
    good = {one[0] for one in drills if not (one[2] or one[3])}
    fresh = {one[0] for one in drills if one[0] in good and one[1] < 182}
    if len(good) < len(drills):
        expected = "wrong"
    elif len(fresh) >= threshold:
        expected = "proved"
    elif len(good) >= threshold:
        expected = "overdue"
    else:
        expected = "not_yet"
    assert found.verdict == expected
    if len(largest) == 1:
        sound = {one[0] for one in largest[0]}
        assert sound == good
        assert set(found.odd) == {shares[one[0]].party for one in drills if one[0] not in sound}
    elif len(drills) >= threshold:
        assert set(found.in_question) == {shares[one[0]].party for one in drills}
    if found.proved_by:
        named = [shares[number] for number in fresh if shares[number].party in dict(found.proved_by)]
        assert len(named) == threshold
        assert secp256k1(at_zero([one.ecdsa for one in named], N)) == shares[0].facts.public_key_ecdsa
        assert ed25519(at_zero([one.eddsa for one in named], L)) == shares[0].facts.public_key_eddsa


@pytest.mark.slow
def test_the_verdict_is_that_of_many_more_secrets() -> None:
    settings(max_examples=200)(given(_drills())(test_the_verdict_is_that_of_the_secrets.hypothesis.inner_test))()
