"""Reports held together: when all is well, who is the odd one out when it is not, and nothing altered gets through."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cache
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.identity import fingerprint
from coldshare.ledger.events import Place, Share
from coldshare.ledger.queries import Reshare
from coldshare.reshare.joining import OBJECTIONS, Joined, Known, join, sound
from coldshare.reshare.report import Kept, Report, Signed, sign
from coldshare_iface import wire
from reshare.story import (
    AFTER,
    NOW,
    SECOND,
    Run,
    identity,
    made,
    plan_of,
    report_on,
    reported,
    reports,
    share_of,
    two,
)
from safety.integers import L, at_zero, ed25519, fit
from support.shell import share_secrets
from vault.gg20 import make_gg20

SHAPES = {"2 of 2": (2, 2), "2 of 3": (3, 2), "3 of 4": (4, 3), "4 of 5": (5, 4)}
NAMES = ("Phone", "Laptop", "Watch", "Desk", "Attic")


def shaped(shape: str) -> tuple[Run, Run]:
    """A 2-of-3 vault and what a reshare to that shape made of it; Phone and Laptop stay."""
    parties, threshold = SHAPES[shape]
    old = made()
    return old, old.reshared(NAMES[:parties], threshold)


def codes(joined: Joined) -> list[tuple[str, str]]:
    return [(one.code, one.party) for one in joined.objections]


def changed(all_of_them: Sequence[Signed], number: int, **other: Any) -> list[Signed]:
    """The same reports, one of them altered and signed again by its own computer."""
    out = list(all_of_them)
    out[number] = sign(replace(out[number].report, **other), identity(number))
    return out


def within(report: Report, **other: Any) -> dict[str, Any]:
    return {"share": replace(report.share, **other)}


# --- all is well


@pytest.mark.parametrize("shape", SHAPES)
def test_all_is_well(shape: str) -> None:
    old, new = shaped(shape)
    plan, all_of_them = plan_of(old, new), reports(new, old.generation)
    joined = join(plan, all_of_them)
    assert joined.complete
    assert joined.good == tuple(all_of_them)
    assert (joined.generation, joined.missing, joined.objections) == (new.generation, (), ())
    assert joined.plan is plan
    for size in range(len(all_of_them)):
        for some in combinations(all_of_them, size):
            part = join(plan, some)
            assert not part.complete
            assert part.objections == ()
            assert part.missing == tuple(name for name in new.parties if name not in {one.report.party for one in some})
            assert part.generation == (new.generation if some else None)


def test_the_vendors_own_files(fixtures_dir: Path) -> None:
    old, new = (
        Run.of([(fixtures_dir / f"made/{folder}/SimVault-2903-share{k}of3.vult").read_bytes() for k in (1, 2, 3)])
        for folder in ("orig_2of3", "reshared_1_2_4")
    )
    plan = plan_of(old, new)
    assert len(plan.staying) == 2
    assert len(plan.joining) == 1
    all_of_them = reports(new, old.generation)
    assert join(plan, all_of_them).complete
    assert join(replace(plan, joining=()), all_of_them).complete
    # The device that was lost turns up, and its old share is reported: it says nothing against the new ones.
    stray = reported(old, 2, old.generation)
    assert codes(join(plan, [stray])) == [("older_generation", old.parties[2])]
    assert join(plan, [stray, *all_of_them]).complete
    # One that stays has exported too early.
    early = [reported(old, 0, old.generation), *all_of_them[1:]]
    joined = join(plan, early)
    assert (joined.complete, joined.missing) == (False, (old.parties[0],))
    assert codes(joined) == [("older_generation", old.parties[0])]


def test_new_devices_whose_ids_nobody_knew() -> None:
    old, new = shaped("4 of 5")
    all_of_them = reports(new, old.generation)
    for known in range(4):
        plan = replace(plan_of(old, new), joining=NAMES[2 : 2 + known])
        assert join(plan, all_of_them).complete
        assert join(plan, all_of_them[:1]).missing == NAMES[1:5]
        assert join(plan, []).missing == NAMES[: 2 + known]
    stranger = replace(plan_of(old, new), joining=("Watch", "Desk", "Tablet"))
    joined = join(stranger, all_of_them)
    assert joined.good == ()
    assert {code for code, _ in codes(joined)} == {"committee"}
    assert "Attic was not planned to join" in joined.objections[0].words


def test_the_vendors_server_is_not_waited_for() -> None:
    old = made(("Phone", "Server-12345"))
    new = old.reshared(("Phone", "Server-12345", "Laptop"), 2)
    plan = plan_of(old, new)
    without = [reported(new, number, old.generation) for number in (0, 2)]
    joined = join(plan, without)
    assert joined.complete
    assert join(plan, without[:1]).missing == ("Laptop",)
    assert join(plan, []).missing == ("Phone", "Laptop")
    assert join(plan, reports(new, old.generation)).complete, "should somebody have its share, it fits too"
    lied = sign(replace(without[1].report, public_share_eddsa=ed25519(7)), identity(2))
    assert codes(join(plan, [without[0], lied])) == [("wrong_share", "")]


# --- what is said against a report


def _other_vault(plan: Reshare) -> list[Signed]:
    foreign = made(seed="another vault")
    return [reported(foreign.reshared(AFTER, 2), 0, foreign.generation)]


def _unsound(report: Report) -> Report:
    return replace(report, points_ecdsa=(report.points_ecdsa[0],) * 3)


def _wrong_share(shape: str, number: int) -> list[Signed]:
    """The EdDSA share of that party is off by one."""
    old, new = shaped(shape)
    wrong = ed25519(int.from_bytes(share_secrets(new.vults[number], None)["EdDSA s_i"], "little") + 1)
    return changed(reports(new, old.generation), number, public_share_eddsa=wrong)


#: For each code: reports that bring it forth for the Phone, and nothing else that is said.
MADE: dict[str, Callable[[Reshare, list[Signed]], list[Signed]]] = {
    "other_reshare": lambda plan, good: changed(good, 0, older=b"x" * 32),
    "other_vault": lambda plan, good: [*_other_vault(plan), *good[1:]],
    "older_generation": lambda plan, good: changed(good, 0, **within(good[0].report, generation=plan.older)),
    "other_keys": lambda plan, good: changed(good, 0, chain_code_digest=b"y" * 32),
    "committee": lambda plan, good: changed(good, 0, signers=("Phone", "Tablet", "Watch")),
    "unsound": lambda plan, good: [sign(_unsound(good[0].report), identity(0)), *good[1:]],
    "twice": lambda plan, good: [*good, changed(good, 0, digest=b"x" * 32)[0]],
    "two_computers": lambda plan, good: [*good, sign(replace(good[0].report, host=b"x" * 16), identity(7))],
    "disagrees": lambda plan, good: changed(good, 0, chain_code_digest=b"x" * 32),
    "wrong_share": lambda plan, good: _wrong_share("2 of 3", 0),
    "no_backup": lambda plan, good: changed(good, 0, kept=()),
}


def test_every_objection_is_made_here() -> None:
    assert MADE.keys() == OBJECTIONS.keys()


@pytest.mark.parametrize("code", MADE)
def test_each_objection(code: str) -> None:
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    known = Known(chain_code_digest=good[1].report.chain_code_digest) if code == "other_keys" else Known()
    joined = join(plan, MADE[code](plan, good), known)
    assert codes(joined) == [(code, "Phone")]
    assert not joined.complete
    assert "Phone" in joined.objections[0].words
    assert joined.generation == new.generation
    counted = code in ("twice", "two_computers", "wrong_share", "no_backup")
    assert joined.missing == (() if counted else ("Phone",))
    assert len(joined.good) == (3 if counted else 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: within(one, threshold=1), "numbers of parties"),
        (lambda one: within(one, threshold=4), "numbers of parties"),
        (lambda one: within(one, parties=2), "numbers of parties"),
        (lambda one: {"signers": ("Phone", "Laptop")}, "numbers of parties"),
        (lambda one: {"signers": ("Phone", "Laptop", "Laptop")}, "numbers of parties"),
        (lambda one: {"signers": ("Tablet", "Laptop", "Watch")}, "none of the signers"),
        (lambda one: {"points_ecdsa": one.points_ecdsa[:2]}, "one public share for each"),
        (lambda one: {"public_shares_ecdsa": (*one.public_shares_ecdsa, one.public_shares_ecdsa[0])}, "for each"),
        (lambda one: {"points_ecdsa": (b"\0", *one.points_ecdsa[1:])}, "points are not distinct"),
        (
            lambda one: {"points_ecdsa": (bytes.fromhex(f"{_N + 2:064x}"), *one.points_ecdsa[1:])},
            "points are not distinct",
        ),
        (lambda one: {"public_shares_ecdsa": (b"\2" + b"\xff" * 32,) * 3}, "ECDSA values is no point"),
        (lambda one: {"public_shares_ecdsa": (bytes(32),) * 3}, "ECDSA values is no point"),
        (lambda one: {"public_key_eddsa": bytes(32)}, "EdDSA values is no point"),
        (lambda one: {"public_key_eddsa": b"\1" + bytes(31)}, "EdDSA values is no point"),  # the neutral element
        (lambda one: {"public_share_eddsa": b"\xff" * 32}, "EdDSA values is no point"),
        (lambda one: {"point_eddsa": b"\0"}, "EdDSA point is zero"),
        (lambda one: {"point_eddsa": bytes.fromhex(f"{L:064x}")}, "EdDSA point is zero"),
        (lambda one: {"point_eddsa": b"\2"}, "not that of its place"),
        (lambda one: {"point_eddsa": bytes.fromhex(f"{L + 1:064x}")}, "not that of its place"),
        (lambda one: {"public_shares_ecdsa": one.public_shares_ecdsa[::-1]}, "not those of the vault's ECDSA key"),
        (lambda one: {"points_ecdsa": one.points_ecdsa[::-1]}, "not those of the vault's ECDSA key"),
        (lambda one: within(one, threshold=3), "not those of the vault's ECDSA key"),
    ],
)
def test_what_cannot_be_true(change: Callable[[Report], dict[str, Any]], words: str) -> None:
    old, new = two()
    report = report_on(new, 0, old.generation)
    assert sound(report) is None
    why = sound(replace(report, **change(report)))
    assert why is not None
    assert words in why


_N = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def test_a_key_that_is_no_point() -> None:
    """Of a vault that nobody has: the plan would have to be its too."""
    old, new = two()
    report = report_on(new, 0, old.generation)
    for key in (b"\2" + b"\xff" * 32, b"\2", bytes(33), b"\4" + bytes(63)):
        why = sound(replace(report, **within(report, vault=key)))
        assert why == "one of its ECDSA values is no point of the curve"


def test_the_committee_is_the_planned_one() -> None:
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    for other, words in (
        ({"staying": ("Phone", "Laptop", "Tablet"), "joining": ()}, "Tablet is not among the parties that it names"),
        ({"threshold": 3}, "planned are 3 of 3, it says 2 of 3"),
        ({"parties": 4}, "planned are 2 of 4, it says 2 of 3"),
        ({"joining": ("Desk",)}, "Watch was not planned to join"),
        ({"staying": ("Phone",), "joining": ("Desk", "Attic")}, "Laptop, Watch was not planned to join"),
    ):
        joined = join(replace(plan, **other), good)  # type: ignore[arg-type]
        assert [one.code for one in joined.objections] == ["committee"] * 3
        assert words in joined.objections[0].words
        assert (joined.good, joined.generation) == ((), None)


# --- altered and signed again


@cache
def _another() -> Run:
    """Another reshare of the same vault to the same committee."""
    return made().reshared(AFTER, 2, seed="another")


def _swapped(signers: tuple[str, ...], party: str) -> tuple[str, ...]:
    """The two others change places."""
    out = list(signers)
    a, b = (number for number, one in enumerate(signers) if one != party)
    out[a], out[b] = out[b], out[a]
    return tuple(out)


#: For each field another value that could be true, and what is said of whoever says it.
ALTERED: dict[str, tuple[Callable[[Report], dict[str, Any]], str | None]] = {
    "time": (lambda one: {"time": 0}, None),
    "host": (lambda one: {"host": b"x" * 16}, None),
    "host_name": (lambda one: {"host_name": "another"}, None),
    "share.vault": (lambda one: within(one, vault=made(seed="another vault").facts[0].public_key_ecdsa), "other_vault"),
    "share.name": (lambda one: within(one, name="Spendings"), None),
    "share.party": (lambda one: within(one, party="Tablet"), "unsound"),
    "share.generation": (lambda one: within(one, generation=_another().generation), "disagrees"),
    "share.threshold": (lambda one: within(one, threshold=3), "unsound"),
    "share.parties": (lambda one: within(one, parties=4), "unsound"),
    "share.library": (lambda one: within(one, library=wire.LIBRARY_KEYIMPORT), "disagrees"),
    "older": (lambda one: {"older": _another().generation}, "other_reshare"),
    "signers": (lambda one: {"signers": _swapped(one.signers, one.party)}, "disagrees"),
    "public_key_eddsa": (lambda one: {"public_key_eddsa": ed25519(5)}, "disagrees"),
    "chain_code_digest": (lambda one: {"chain_code_digest": b"x" * 32}, "disagrees"),
    "points_ecdsa": (
        lambda one: {"points_ecdsa": tuple(b"\0" + point[-1:] for point in one.points_ecdsa)},
        "disagrees",
    ),
    "public_shares_ecdsa": (
        lambda one: {"public_shares_ecdsa": _another().facts[0].public_shares_ecdsa},
        "disagrees",
    ),
    "point_eddsa": (lambda one: {"point_eddsa": b"\x07"}, "unsound"),
    "public_share_eddsa": (lambda one: {"public_share_eddsa": ed25519(5)}, "wrong_share"),
    "digest": (lambda one: {"digest": b"x" * 32}, None),
    "kept": (lambda one: {"kept": ()}, "no_backup"),
}
#: What nobody else can know, and what changes nothing that is claimed of shares. Of `kept` only that there is one.
ALTERS_NOTHING = {"time", "host", "host_name", "share.name", "digest"}


def test_every_field_is_altered_here() -> None:
    names = {one.name for one in fields(Report)} - {"share"} | {f"share.{one.name}" for one in fields(Share)}
    assert ALTERED.keys() == names
    assert {name for name, (_, code) in ALTERED.items() if code is None} == ALTERS_NOTHING


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("name", ALTERED)
def test_the_odd_one_out_has_a_name(name: str, number: int) -> None:
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    alter, code = ALTERED[name]
    altered = alter(good[number].report)
    joined = join(plan, changed(good, number, **altered))
    party = "Tablet" if name == "share.party" else new.parties[number]
    assert codes(joined) == ([] if code is None else [(code, party)])
    assert joined.complete is (code is None)
    assert joined.generation == new.generation, "the two others agree"
    if code in ("disagrees", "wrong_share"):
        assert f"{party} is the odd one out" in joined.objections[0].words


@pytest.mark.parametrize(
    "name", [name for name, (_, code) in ALTERED.items() if code == "disagrees" and name != "signers"]
)
def test_two_of_two_disagree_and_nobody_is_blamed(name: str) -> None:
    old, new = shaped("2 of 2")
    plan, good = plan_of(old, new), reports(new, old.generation)
    if name == "public_shares_ecdsa":
        other = old.reshared(NAMES[:2], 2, seed="another")
        altered = {"public_shares_ecdsa": other.facts[0].public_shares_ecdsa}
    else:
        altered = ALTERED[name][0](good[1].report)
    joined = join(plan, changed(good, 1, **altered))
    assert codes(joined) == [("disagrees", "")]
    assert "nothing tells which is right: Phone; Laptop." in joined.objections[0].words
    assert (joined.good, joined.generation, joined.missing) == ((), None, ("Phone", "Laptop"))


def test_two_against_two() -> None:
    old, new = shaped("3 of 4")
    good = reports(new, old.generation)
    for field in ("chain_code_digest", "public_key_eddsa"):
        altered = changed(changed(good, 1, **{field: ed25519(5)}), 3, **{field: ed25519(5)})
        joined = join(plan_of(old, new), altered)
        assert codes(joined) == [("disagrees", "")]
        assert "Phone, Watch; Laptop, Desk" in joined.objections[0].words
    apart = changed(changed(good, 1, chain_code_digest=b"x" * 32), 3, chain_code_digest=b"y" * 32)
    joined = join(plan_of(old, new), apart)
    assert codes(joined) == [("disagrees", "Laptop"), ("disagrees", "Desk")]
    assert joined.missing == ("Laptop", "Desk")


def test_two_generations_are_not_mixed() -> None:
    """The app was interrupted, and two attempts have each reached some devices."""
    old, new = two()
    plan, first, second = plan_of(old, new), reports(new, old.generation), reports(_another(), old.generation)
    joined = join(plan, [first[0], first[1], second[2]])
    assert codes(joined) == [("disagrees", "Watch")]
    assert "generation" in joined.objections[0].words
    assert (joined.generation, joined.missing) == (new.generation, ("Watch",))
    joined = join(plan, [first[0], second[1]])
    assert codes(joined) == [("disagrees", "")]
    assert joined.generation is None


@cache
def _shares(shape: str) -> tuple[list[tuple[int, int]], int]:
    """(x, f(x)) of every party on the EdDSA curve, and f(0): what only a test knows."""
    _, new = shaped(shape)
    shares = [
        (number + 1, int.from_bytes(share_secrets(one, None)["EdDSA s_i"], "little"))
        for number, one in enumerate(new.vults)
    ]
    return shares, at_zero(shares[: SHAPES[shape][1]], L)


@pytest.mark.parametrize(
    ("shape", "wrong", "named"),
    [
        ("2 of 2", [0], ""),
        ("2 of 3", [1], "Laptop"),
        ("2 of 3", [0, 1], ""),
        ("2 of 3", [0, 1, 2], ""),
        ("3 of 4", [3], "Desk"),
        ("4 of 5", [0], "Phone"),
        ("4 of 5", [4], "Attic"),
        ("4 of 5", [1, 3], ""),
    ],
    ids=str,
)
def test_wrong_eddsa_shares(shape: str, wrong: list[int], named: str) -> None:
    old, new = shaped(shape)
    shares, _ = _shares(shape)
    told = reports(new, old.generation)
    for number in wrong:
        told = changed(told, number, public_share_eddsa=ed25519(shares[number][1] + 7 ** (40 + number)))
    joined = join(plan_of(old, new), told)
    assert codes(joined) == [("wrong_share", named)]
    assert not joined.complete
    # With a report still to come, what can be said is said.
    threshold = SHAPES[shape][1]
    if len(told) > threshold:
        part = join(plan_of(old, new), told[:threshold])
        assert [one.code for one in part.objections] == (["wrong_share"] if any(n < threshold for n in wrong) else [])


@cache
def _polynomial(parties: int, threshold: int) -> tuple[Reshare, list[Signed], Run]:
    """All reports of a vault of that shape, which the vendor's apps would not make."""
    names = tuple(f"Device {number}" for number in range(parties))
    old = made(names, threshold)
    new = old.reshared(names, threshold)
    return plan_of(old, new), reports(new, old.generation), new


def _off(new: Run, told: list[Signed], errors: dict[int, int]) -> list[Signed]:
    """The EdDSA shares of these parties are wrong by so much."""
    for number, error in errors.items():
        share = int.from_bytes(share_secrets(new.vults[number], None)["EdDSA s_i"], "little")
        told = changed(told, number, public_share_eddsa=ed25519((share + error) % L))
    return told


@pytest.mark.parametrize("wrong", [(0, 1), (2, 4), (0,), (4,)], ids=str)
def test_wrong_eddsa_shares_are_named_one_by_one(wrong: tuple[int, ...]) -> None:
    plan, good, new = _polynomial(5, 2)
    joined = join(plan, _off(new, good, {number: 7**40 + number for number in wrong}))
    assert codes(joined) == [("wrong_share", f"Device {number}") for number in wrong]
    for one in joined.objections:
        assert f"The EdDSA share of {one.party} does not fit those of the others" in one.words
    assert (joined.complete, joined.missing) == (False, ())


def test_wrong_shares_that_go_together_are_outvoted() -> None:
    """Two that lie alike, on a polynomial of their own with the same key: three others say otherwise. Two do not."""
    plan, good, new = _polynomial(5, 2)
    lie = _off(new, good, {0: 7 * 1, 2: 7 * 3})
    joined = join(plan, lie)
    assert codes(joined) == [("wrong_share", "Device 0"), ("wrong_share", "Device 2")]
    (said,) = join(plan, lie[:4]).objections
    assert said.party == ""
    assert "nothing tells which of them are wrong: Device 0, Device 1, Device 2, Device 3." in said.words
    assert "These would go together: Device 0, Device 2; or Device 1, Device 3." in said.words
    assert "coldshare reshare next" in said.words
    assert "Device 4" in {one.report.party for one in joined.good}, "one more report tells"


def test_too_many_wrong_shares_to_tell() -> None:
    """As many as that are right do not outvote those that are wrong."""
    plan, good, new = _polynomial(5, 2)
    three = {0: 7**40, 1: 7**41, 3: 7**42}
    (said,) = join(plan, _off(new, good, three)).objections
    assert (said.code, said.party) == ("wrong_share", "")
    assert "These would go together: Device 2, Device 4." in said.words
    (said,) = join(plan, _off(new, good, {**three, 4: 7**43})).objections
    assert "would go together" not in said.words
    # As many reports as signing needs: each could be the wrong one.
    (said,) = join(plan, _off(new, good, {0: 7**40})[:2]).objections
    assert "nothing tells which of them are wrong: Device 0, Device 1." in said.words


def test_wrong_ecdsa_lists_are_named_one_by_one() -> None:
    """Each report has all public shares, so what it says alone is held against the key, and then outvoted."""
    plan, good, new = _polynomial(5, 2)
    others = [made(new.parties, 2).reshared(new.parties, 2, seed=f"another {n}").facts[0] for n in range(2)]
    told = changed(good, 1, public_shares_ecdsa=others[0].public_shares_ecdsa)
    told = changed(told, 3, public_shares_ecdsa=others[1].public_shares_ecdsa)
    assert codes(join(plan, told)) == [("disagrees", "Device 1"), ("disagrees", "Device 3")]
    told = changed(good, 1, public_shares_ecdsa=good[1].report.public_shares_ecdsa[::-1])
    told = changed(told, 3, points_ecdsa=good[3].report.points_ecdsa[::-1])
    assert codes(join(plan, told)) == [("unsound", "Device 1"), ("unsound", "Device 3")]


@pytest.mark.slow
def test_the_largest_committee() -> None:
    """22 of 32: two wrong ones are found, four are too many to try."""
    plan, good, new = _polynomial(32, 22)
    joined = join(plan, _off(new, good, {3: 7**40, 30: 7**41}))
    assert codes(joined) == [("wrong_share", "Device 3"), ("wrong_share", "Device 30")]
    (said,) = join(plan, _off(new, good, {3: 7**40, 9: 7**41, 20: 7**42, 30: 7**43})).objections
    assert "too many to try all sets" in said.words


def test_fewer_than_they_say_could_sign() -> None:
    """All have the same EdDSA share, the key itself: each of them could sign alone."""
    old, new = two()
    told = reports(new, old.generation)
    for number in range(3):
        told = changed(told, number, public_share_eddsa=new.facts[0].public_key_eddsa)
    joined = join(plan_of(old, new), told)
    assert codes(joined) == [("wrong_share", "")]
    assert joined.objections[0].words == "Already 1 of the EdDSA shares give the key."


@settings(max_examples=15)
@given(st.sampled_from(sorted(SHAPES)), st.data())
def test_the_arithmetic_is_that_of_the_secrets(shape: str, data: st.DataObject) -> None:
    old, new = shaped(shape)
    shares, secret = _shares(shape)
    threshold = SHAPES[shape][1]
    who = data.draw(st.lists(st.integers(0, len(shares) - 1), unique=True, min_size=1))
    # Errors that lie on a polynomial of their own, with 0 at 0, would be another sharing of the same key.
    errors = {one: data.draw(st.sampled_from([0, 0, 0, 1])) * 7 ** (40 + one) for one in who}
    told = reports(new, old.generation)
    values = {one: (shares[one][0], (shares[one][1] + errors[one]) % L) for one in who}
    for one in who:
        told = changed(told, one, public_share_eddsa=ed25519(values[one][1]))
    joined = join(plan_of(old, new), [told[one] for one in who])

    points = [values[one] for one in who]
    expected: list[tuple[str, str]] = []
    if len(who) >= threshold and not fit(points, threshold, secret, L):
        odd = [
            one
            for one in who
            if len(who) > threshold and fit([x for x in points if x is not values[one]], threshold, secret, L)
        ]
        expected = [("wrong_share", new.parties[odd[0]] if len(odd) == 1 else "")]
    assert codes(joined) == expected
    assert joined.complete is (len(who) == len(shares) and not any(errors.values()))


# --- GG20: nobody reshares it here any more, but what comes is judged


@cache
def gg20() -> tuple[Run, Run]:
    keys = (secrets.randbelow(_N - 1) + 1, secrets.randbelow(L - 1) + 1)
    old = make_gg20("Savings", ["Phone", "Laptop", "Tablet"], keys=keys)
    new = make_gg20("Savings", ["Phone", "Laptop", "Watch"], prefix="ab12", keys=keys)
    return tuple(Run.of([one.vult() for one in run]) for run in (old, new))  # type: ignore[return-value]


def of_party(run: Run, older: bytes) -> dict[str, Signed]:
    """The files' order is not that of the index."""
    return {
        facts.party: sign(
            replace(
                report_on(run, number, older),
                share=share_of(facts),
            ),
            identity(number),
        )
        for number, facts in enumerate(run.facts)
    }


def test_gg20() -> None:
    old, new = gg20()
    plan = plan_of(old, new)
    told = of_party(new, old.generation)
    assert {one.report.share.library for one in told.values()} == {wire.LIBRARY_GG20}
    joined = join(plan, told.values())
    assert joined.objections == ()
    assert joined.complete
    phone, watch = told["Phone"], told["Watch"]
    same_point = sign(replace(phone.report, point_eddsa=watch.report.point_eddsa), identity(0))
    joined = join(plan, [same_point, told["Laptop"], watch])
    assert codes(joined) == [("wrong_share", "")]
    assert "the same point" in joined.objections[0].words
    off = sign(replace(phone.report, public_share_eddsa=ed25519(9)), identity(0))
    assert codes(join(plan, [off, told["Laptop"], watch])) == [("wrong_share", "Phone")]
    as_dkls = sign(replace(phone.report, **within(phone.report, library=wire.LIBRARY_DKLS)), identity(0))
    assert codes(join(plan, [as_dkls, told["Laptop"], watch])) == [("unsound", "Phone")]


# --- replayed, repeated, by another hand


def test_reports_of_an_earlier_reshare() -> None:
    oldest = made()
    old = oldest.reshared(("Phone", "Laptop", "Watch"), 2)
    new = old.reshared(("Phone", "Laptop", "Desk"), 2)
    plan, good, earlier = plan_of(old, new), reports(new, old.generation), reports(old, oldest.generation)
    joined = join(plan, earlier)
    assert codes(joined) == [("older_generation", name) for name in ("Phone", "Laptop", "Watch")]
    assert (joined.good, joined.generation, joined.complete) == ((), None, False)
    assert join(plan, [*earlier, *good]).complete, "they say nothing about this one"
    assert join(plan, [*earlier, *good[1:]]).missing == ("Phone",)
    # Of another attempt, which was given up: the same parties, the same older generation.
    attempt = reports(old.reshared(("Phone", "Laptop", "Desk"), 2, seed="attempt"), old.generation)
    late = [sign(replace(one.report, time=one.report.time + SECOND), identity(k)) for k, one in enumerate(good)]
    assert join(plan, attempt).complete
    given_up = Known(void=frozenset({attempt[0].report.share.generation}))
    assert codes(join(plan, attempt, given_up)) == [("older_generation", name) for name in ("Phone", "Laptop", "Desk")]
    for told in ([*attempt, *late], [*late, *attempt]):
        assert join(plan, told).generation == new.generation
        assert join(plan, told).complete
        assert join(plan, told, given_up).complete
    # A clock that went wrong then does not keep it alive.
    ahead = [sign(replace(one.report, time=NOW * 2), identity(k)) for k, one in enumerate(attempt)]
    assert join(plan, [*ahead, *good], given_up).complete
    for shifted in (replace(good[0].report, older=oldest.generation), replace(good[0].report, older=new.generation)):
        assert codes(join(plan, [sign(shifted, identity(0)), *good[1:]])) == [("other_reshare", "Phone")]


def test_reports_from_another_vault() -> None:
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    (foreign,) = _other_vault(plan)
    assert codes(join(plan, [foreign])) == [("other_vault", "Phone")]
    assert join(plan, [foreign, *good]).complete
    assert join(plan, [foreign, *good[1:]]).missing == ("Phone",)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_two_reports_of_one_party(order: list[int]) -> None:
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    first = good[0].report

    def both(number: int, **other: Any) -> Joined:
        """The first report and a second one, signed by computer `number`."""
        pair = [good[0], sign(replace(first, **other), identity(number))]
        return join(plan, [pair[order[0]], *good[1:], pair[order[1]]])

    later = first.time + 1
    # The same, backed up at one more place: the later one counts.
    more = (*first.kept, Kept(Place(2, b"x" * 16), "", b"y" * 16, 5, 2))
    joined = both(0, time=later, kept=more)
    assert (joined.complete, joined.good[0].report.kept) == (True, more)
    joined = both(0, time=later, kept=())
    assert codes(joined) == [("no_backup", "Phone")]
    # Exported once more: another file of the same share, by the same computer.
    joined = both(0, time=later, digest=b"x" * 32)
    assert (joined.complete, joined.good[0].report.digest) == (True, b"x" * 32)
    assert both(0, time=first.time - 1, digest=b"x" * 32).good[0].report.digest == first.digest
    joined = both(0, digest=b"x" * 32)
    assert codes(joined) == [("twice", "Phone")]
    assert "They have the same time" in joined.objections[0].words
    # What was wrong and was put right.
    assert both(0, time=first.time - 1, chain_code_digest=b"x" * 32).complete
    assert both(0, time=first.time - 1, point_eddsa=b"\7").complete
    assert codes(both(0, time=later, point_eddsa=b"\7")) == [("unsound", "Phone")]


@pytest.mark.parametrize("alike", [True, False])
def test_two_computers_report_of_one_party(alike: bool) -> None:
    """One of them may be another party's, and lie; in nothing but the backup perhaps. None is believed."""
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    for time in (-1, 0, 1):
        lie = {"host": b"x" * 16, "host_name": "Laptop's desk", "time": good[0].report.time + time}
        other = sign(replace(good[0].report, **lie, **({} if alike else {"digest": b"x" * 32})), identity(1))
        for told in ([*good, other], [other, *good]):
            joined = join(plan, told)
            assert codes(joined) == [("two_computers", "Phone")]
            assert not joined.complete
            words = joined.objections[0].words
            assert f"'desk 0' ({fingerprint(identity(0).public)})" in words
            assert f'"Laptop\'s desk" ({fingerprint(identity(1).public)})' in words
            assert ("say the same" in words) is alike
            assert joined.missing == (() if alike else ("Phone",)), "nothing tells which one is right"


def test_another_computer_says_what_cannot_be_true() -> None:
    """The right report counts, and who has spoken in its name is to be seen all the same."""
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    lie = sign(replace(good[0].report, point_eddsa=b"\7"), identity(5))
    joined = join(plan, [*good, lie])
    assert codes(joined) == [("unsound", "Phone"), ("two_computers", "Phone")]
    assert (joined.good[0], joined.complete) == (good[0], False)
    # On something else: that says nothing here, whoever says it.
    elsewhere = sign(replace(good[0].report, older=b"x" * 32), identity(5))
    assert join(plan, [*good, elsewhere]).complete


def test_the_computer_that_said_it_first_said_it_again() -> None:
    """What a key says last takes the place of what it said before."""
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    first = good[0].report
    right = sign(replace(first, time=first.time + 1), identity(0))
    wrong = sign(replace(first, digest=b"x" * 32), identity(0))
    for told in permutations((wrong, right)):
        assert codes(join(plan, [*told, *good[1:]])) == []


def test_what_is_known_of_the_vault() -> None:
    """All parties together could say another key; whoever knows the vault from before is not taken in."""
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    true = good[0].report
    known = Known(public_key_eddsa=true.public_key_eddsa, chain_code_digest=true.chain_code_digest)
    assert join(plan, good, known).complete
    assert join(plan, good, replace(known, public_key_eddsa=None)).complete
    for other in (replace(known, public_key_eddsa=ed25519(5)), replace(known, chain_code_digest=b"x" * 32)):
        joined = join(plan, good, other)
        assert codes(joined) == [("other_keys", party) for party in AFTER]
        assert (joined.good, joined.missing, joined.complete) == ((), AFTER, False)
    assert "7" * 8 not in repr(replace(known, chain_code_digest=b"7" * 32))


def test_a_party_that_nobody_planned() -> None:
    old, new = two()
    plan, good = plan_of(old, new), reports(new, old.generation)
    # The lost Tablet reports its old share, as of this reshare.
    stray = reported(old, 2, old.generation)
    assert join(plan, [*good, stray]).complete
    # It says that it is of the new generation: then somebody lies, and that is no matter to pass over.
    lie = sign(
        replace(good[2].report, share=replace(good[2].report.share, party="Tablet"), signers=(*AFTER[:2], "Tablet")),
        identity(9),
    )
    joined = join(plan, [*good, lie])
    assert codes(joined) == [("committee", "Tablet")]
    assert (joined.complete, len(joined.good)) == (False, 3)


# --- in general


_TIMES = (NOW, NOW + 1, NOW + 2)
_VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"digest": b"x" * 32},
    {"kept": ()},
    {"chain_code_digest": b"x" * 32},
    {"point_eddsa": b"\7"},
    {"older": b"x" * 32},
    {"public_share_eddsa": ed25519(5)},
)


@st.composite
def _told(draw: st.DrawFn) -> list[Signed]:
    old, new = two()
    out = []
    for _ in range(draw(st.integers(0, 7))):
        number = draw(st.integers(0, 2))
        run = draw(st.sampled_from([new, new, new, _another()]))
        report = report_on(run, number, old.generation, time=draw(st.sampled_from(_TIMES)))
        report = replace(report, **draw(st.sampled_from(_VARIANTS)))
        out.append(sign(report, identity(draw(st.sampled_from([number, number, 7])))))
    return out


@settings(max_examples=25)
@given(_told(), st.data())
def test_the_order_in_which_they_come_says_nothing(told: list[Signed], data: st.DataObject) -> None:
    old, new = two()
    plan = plan_of(old, new)
    joined = join(plan, told)
    again = data.draw(st.permutations(told))
    assert join(plan, again) == joined
    assert join(plan, [*again, *told]) == joined
    assert join(plan, iter(again)) == joined
    assert {one.code for one in joined.objections} <= OBJECTIONS.keys()
    assert all(one.words for one in joined.objections)
    reported_by = {one.report.party for one in joined.good}
    assert len(reported_by) == len(joined.good)
    assert all(one in told for one in joined.good)
    if joined.good:
        signers = joined.good[0].report.signers
        assert [one.report.party for one in joined.good] == [one for one in signers if one in reported_by]
        assert set(joined.missing) == set(signers) - reported_by
    if joined.complete:
        assert reported_by == set(new.parties)
        assert all(one.report.kept for one in joined.good)
        assert len({one.report.share.generation for one in joined.good}) == 1
        for curve in ([one.report.public_share_eddsa for one in joined.good],):
            assert ed25519(5) not in curve


_bytes = st.binary(min_size=32, max_size=32)
_eddsa = st.integers(1, L - 1).map(ed25519)
#: Any other value of a field, valid or not.
_OTHER: dict[str, st.SearchStrategy[Any]] = {
    "time": st.integers(0, 1 << 50),
    "host": st.binary(min_size=16, max_size=16),
    "host_name": st.sampled_from(["", "x"]),
    "share.vault": st.sampled_from([made(seed="another vault").facts[0].public_key_ecdsa, b"x"]),
    "share.name": st.sampled_from(["", "x"]),
    "share.party": st.sampled_from(["Tablet", *NAMES]),
    "share.generation": _bytes,
    "share.threshold": st.integers(1, 6),
    "share.parties": st.integers(1, 6),
    "share.library": st.integers(1, 5),
    "older": _bytes,
    "signers": st.lists(st.sampled_from(["Tablet", *NAMES]), max_size=5).map(tuple),
    "public_key_eddsa": _eddsa | _bytes,
    "chain_code_digest": _bytes,
    "points_ecdsa": st.lists(st.integers(0, 6).map(lambda n: bytes([n])), max_size=5).map(tuple),
    "public_shares_ecdsa": st.lists(st.sampled_from(_another().facts[0].public_shares_ecdsa), max_size=5).map(tuple),
    "point_eddsa": st.integers(0, 6).map(lambda n: bytes([n])),
    "public_share_eddsa": _eddsa | _bytes,
    "digest": _bytes,
    "kept": st.just(()),
}


def test_every_field_can_be_another() -> None:
    assert _OTHER.keys() == ALTERED.keys()


@settings(max_examples=50)
@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(_OTHER)), st.data())
def test_nothing_altered_gets_through(shape: str, name: str, data: st.DataObject) -> None:
    """One report says something else in one field, signed again with its own key."""
    old, new = shaped(shape)
    plan, good = plan_of(old, new), reports(new, old.generation)
    number = data.draw(st.integers(0, len(good) - 1))
    report, value = good[number].report, data.draw(_OTHER[name])
    if name.startswith("share."):
        before = getattr(report.share, name[6:])
        altered = within(report, **{name[6:]: value})
    else:
        before = getattr(report, name)
        altered = {name: value}
        if name.startswith("point"):
            # Leading zeros are another way to write the same number.
            lists = isinstance(value, tuple)
            if [int.from_bytes(one, "big") for one in (value if lists else [value])] == [
                int.from_bytes(one, "big") for one in (before if lists else [before])
            ]:
                value = before
                altered = {name: before}
    joined = join(plan, changed(good, number, **altered))
    assert joined.complete is (value == before or name in ALTERS_NOTHING)


_SHAPE = st.sampled_from(sorted(SHAPES))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "given_what"),
    [
        (test_the_arithmetic_is_that_of_the_secrets, (_SHAPE, st.data())),
        (test_the_order_in_which_they_come_says_nothing, (_told(), st.data())),
        (test_nothing_altered_gets_through, (_SHAPE, st.sampled_from(sorted(_OTHER)), st.data())),
    ],
    ids=["arithmetic", "order", "altered"],
)
def test_more_often(test: Any, given_what: tuple[Any, ...]) -> None:
    settings(max_examples=300)(given(*given_what)(test.hypothesis.inner_test))()
