"""Before a reshare: who takes part, what comes first, what speaks against it, and what to do in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coldshare.ledger import events as e
from coldshare.reshare.errors import ReshareOpenError, ReshareRefusedError
from coldshare.reshare.family import FAMILIES, Committee, family_of, vultisig_threshold
from coldshare.reshare.plan import Prepared, prepare
from coldshare_iface import wire
from reshare.story import SECOND, TABLE, Run, Told, made, plan_of, share_of, started, token, two

NAMES = ("Phone", "Laptop", "Tablet", "Watch", "Desk", "Attic", "Cellar")


def told_of(run: Run, *numbers: int) -> Told:
    """A ledger that knows these backups, by default all."""
    return Told().stored(run, *(numbers or range(len(run.parties))))


def planned(
    told: Told,
    *,
    leaving: tuple[str, ...] = (),
    joining: tuple[str, ...] = (),
    new: int | None = None,
) -> Prepared:
    view = told.view()
    return prepare(view, view.vaults()[0], told.now + SECOND, leaving=leaving, joining=joining, new=new)


def lost(told: Told, *parties: str) -> Told:
    (vault,) = told.view().vaults()
    return told.tell(*(e.DeviceLost(vault.vault, party) for party in parties))


def codes(prepared: Prepared) -> list[tuple[str, str]]:
    return [(one.code, one.weight) for one in prepared.concerns]


# --- how many can sign


@pytest.mark.parametrize(
    ("parties", "threshold"), [(2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (8, 6), (9, 6), (32, 22)]
)
def test_two_thirds_rounded_up(parties: int, threshold: int) -> None:
    assert vultisig_threshold(parties) == threshold
    assert {family.threshold(parties) for family in FAMILIES.values()} == {threshold}
    # The rule once more, with plain integers: the least t with 3t >= 2n.
    assert 3 * threshold >= 2 * parties > 3 * (threshold - 1)


@pytest.mark.parametrize(
    ("before", "joining", "leaving", "expected"),
    [
        (3, (), ("Tablet",), (2, 2)),
        (3, ("Watch",), ("Tablet",), (2, 3)),
        (3, (), (), (2, 3)),
        (3, ("Watch",), (), (3, 4)),
        (3, ("Watch", "Desk"), (), (4, 5)),
        (3, ("Watch", "Desk", "Attic"), (), (4, 6)),
        (3, ("Watch", "Desk", "Attic", "Cellar"), (), (5, 7)),
        (5, (), ("Desk",), (3, 4)),
    ],
    ids=str,
)
def test_the_new_committee(
    before: int, joining: tuple[str, ...], leaving: tuple[str, ...], expected: tuple[int, int]
) -> None:
    run = made(NAMES[:before], vultisig_threshold(before))
    prepared = planned(told_of(run), joining=joining, leaving=leaving)
    assert (prepared.threshold, prepared.parties) == expected
    assert prepared.committee.staying == tuple(name for name in run.parties if name not in leaving)
    assert prepared.committee.joining == joining
    assert prepared.committee.old == run.parties
    assert prepared.committee.old_threshold == vultisig_threshold(before)
    assert prepared.older == run.generation
    assert prepared.vault.vault == run.facts[0].public_key_ecdsa
    spare = prepared.threshold < prepared.parties
    assert (prepared.restores, codes(prepared)) == ((), [] if spare else [("none_to_spare", "note")])


def test_new_devices_counted_or_named() -> None:
    told = told_of(made())
    assert planned(told, new=2).parties == 5
    assert planned(told, new=2, joining=("Watch",)).parties == 5
    assert planned(told, new=1, joining=("Watch", "Desk")).parties == 5
    assert planned(told, new=0).parties == 3
    prepared = planned(told, new=2, joining=("Watch",))
    assert (prepared.committee.joining, prepared.committee.new) == (("Watch",), 2)
    assert "On Watch: a new device." in prepared.steps[3]
    assert "On new device 2: a new device." in prepared.steps[4]


# --- who takes part


def test_a_lost_device_stays_out_when_it_is_not_needed() -> None:
    prepared = planned(lost(told_of(made()), "Tablet"), joining=("Watch",))
    assert prepared.committee.staying == ("Phone", "Laptop")
    assert prepared.restores == ()
    assert not any("Restore" in step for step in prepared.steps)


def test_a_lost_device_is_restored_first_when_it_is_needed() -> None:
    told = lost(told_of(made()), "Tablet", "Phone")
    prepared = planned(told, joining=("Watch",))
    (first,) = prepared.restores
    assert first.party == "Phone"
    assert [one.backup.party for one in first.copies] == ["Phone"]
    assert prepared.committee.staying == ("Phone", "Laptop")
    assert prepared.steps[0].startswith("Restore Phone onto a new device: coldshare restore --backup ")
    assert first.copies[0].backup.backup_id.hex()[:8] in prepared.steps[0]
    assert "from" in prepared.steps[0]
    assert first.copies[0].place.title in prepared.steps[0]
    # Whoever is named as leaving is not brought back for it.
    prepared = planned(told, leaving=("Phone",))
    assert [one.party for one in prepared.restores] == ["Tablet"]
    assert prepared.committee.staying == ("Laptop", "Tablet")


def test_only_as_many_come_back_as_are_needed() -> None:
    run = made(NAMES[:5], 4)
    for gone, back in (((), ()), (("Desk",), ()), (("Phone", "Desk"), ("Phone",)), (NAMES[1:5], NAMES[1:4])):
        prepared = planned(lost(told_of(run), *gone), joining=("Attic",))
        assert tuple(one.party for one in prepared.restores) == back
        assert prepared.committee.staying == tuple(name for name in run.parties if name not in gone or name in back)
        assert [step.split(" onto ")[0] for step in prepared.steps[: len(back)]] == [f"Restore {name}" for name in back]


def test_a_backup_that_would_not_open_brings_nobody_back() -> None:
    told = lost(told_of(made()), "Tablet", "Phone")
    told.tell(e.PlaceLost(token(0)))
    assert [one.party for one in planned(told).restores] == ["Tablet"]
    told.tell(e.PlaceLost(token(2)))
    with pytest.raises(ReshareRefusedError, match="needs 2 of the old shares, and 1 can take part: Laptop"):
        planned(told)


def test_too_few_survivors() -> None:
    run = made()
    told = lost(Told().stored(run, 0), *TABLE)
    with pytest.raises(ReshareRefusedError, match="needs 2 of the old shares, and 1 can take part: Phone") as caught:
        planned(told, joining=("Watch", "Desk"))
    assert "coldshare lost" in caught.value.next_step
    told.tell(e.PlaceLost(token(0)))
    with pytest.raises(ReshareRefusedError, match="and 0 can take part: none"):
        planned(told)
    alive = told_of(run)
    with pytest.raises(ReshareRefusedError, match="and 1 can take part: Laptop"):
        planned(alive, leaving=("Phone", "Tablet"))
    assert planned(alive, leaving=("Phone",)).threshold == 2


def test_a_restored_device_with_a_share_that_is_old_is_no_survivor() -> None:
    old, new = two()
    told = told_of(old).stored(new, 0, 1, at=10)
    vault = old.facts[0].public_key_ecdsa
    told.tell(e.GenerationNewer(vault, new.generation, old.generation), e.DeviceLost(vault, "Phone"))
    told.tell(e.DeviceRestored(vault, "Phone", "spare", old.generation, b"x" * 16))
    prepared = planned(told)
    assert prepared.older == new.generation
    assert prepared.committee.staying == ("Laptop", "Watch")
    told.tell(e.DeviceRestored(vault, "Phone", "spare", new.generation, b"x" * 16))
    assert planned(told).committee.staying == ("Phone", "Laptop", "Watch")


# --- what nobody can plan


def test_names() -> None:
    told = told_of(made())
    with pytest.raises(ReshareRefusedError, match="Watch is no party") as caught:
        planned(told, leaving=("Watch",))
    assert "Phone, Laptop, Tablet" in caught.value.next_step
    with pytest.raises(ReshareRefusedError, match="Tablet is a party already"):
        planned(told, joining=("Tablet",))
    with pytest.raises(ReshareRefusedError, match="Tablet is a party already"):
        planned(told, joining=("Tablet",), leaving=("Tablet",))
    with pytest.raises(ReshareRefusedError, match="Watch is named twice"):
        planned(told, joining=("Watch", "Desk", "Watch"))
    assert planned(told, leaving=("Tablet", "Tablet")).parties == 2
    with pytest.raises(ReshareRefusedError, match="no party"):
        planned(told, leaving=("phone",))


@pytest.mark.parametrize("name", ["", "\x1b[2J", "x" * 97, "a\nb", "\u202e", "Watch #0123456789ab"])
def test_names_that_nothing_can_show(name: str) -> None:
    """They would have no room in an event, or would be shown as another name."""
    with pytest.raises(ReshareRefusedError, match="cannot be shown") as caught:
        planned(told_of(made()), joining=(name,))
    assert "--new" in caught.value.next_step
    assert "\x1b" not in caught.value.message


def test_too_many_and_too_few_parties() -> None:
    told = told_of(made())
    assert planned(told, new=29).parties == 32
    with pytest.raises(ReshareRefusedError, match="at most 32 parties, and this would have 33"):
        planned(told, new=30)
    with pytest.raises(ReshareRefusedError, match="at most 32"):
        planned(told, joining=tuple(f"device {number}" for number in range(30)))
    assert planned(told, leaving=("Tablet",)).parties == 2


def test_one_at_a_time() -> None:
    old, new = two()
    told = told_of(old).started(plan_of(old, new))
    with pytest.raises(ReshareOpenError):
        planned(told)
    other = made(seed="another vault")
    told.stored(other, 0, 1, 2, at=20)
    view = told.view()
    (another,) = (one for one in view.vaults() if one.vault == other.facts[0].public_key_ecdsa)
    assert prepare(view, another, told.now).parties == 3
    told.tell(e.ReshareAborted(plan_of(old, new).plan))
    (first,) = (one for one in told.view().vaults() if one.vault == old.facts[0].public_key_ecdsa)
    assert prepare(told.view(), first, told.now).parties == 3


def test_after_one_that_was_finished() -> None:
    old, new = two()
    vault = old.facts[0].public_key_ecdsa
    told = told_of(old).started(plan_of(old, new)).stored(new, 0, 1, 2, at=10)
    with pytest.raises(ReshareOpenError):
        planned(told)
    told.tell(e.GenerationNewer(vault, new.generation, old.generation))
    told.tell(e.ReshareFinished(plan_of(old, new).plan, new.generation))
    prepared = planned(told, leaving=("Watch",))
    assert prepared.older == new.generation
    assert prepared.committee.old == ("Phone", "Laptop", "Watch")
    assert prepared.committee.staying == ("Phone", "Laptop")


def test_generations_that_nothing_orders() -> None:
    old, new = two()
    told = told_of(old).stored(new, 0, at=10)
    with pytest.raises(ReshareRefusedError, match="Nothing tells which generation of 'Savings' counts") as caught:
        planned(told)
    assert "--newer" in caught.value.next_step
    vault = old.facts[0].public_key_ecdsa
    told.tell(e.GenerationNewer(vault, new.generation, old.generation))
    assert planned(told).older == new.generation
    told.tell(e.GenerationRetired(vault, new.generation, None))
    assert planned(told).older == old.generation


def test_a_generation_that_was_told_in_two_ways() -> None:
    """A threshold that is too low would have too few shares taken to the reshare."""
    run = made()
    told = told_of(run)
    told.tell(e.ShareHandled(replace(share_of(run.facts[0]), threshold=1), e.BACKED_UP))
    with pytest.raises(ReshareRefusedError, match="told with different numbers"):
        planned(told)


# --- what speaks against it


def test_gg20_is_migrated_first() -> None:
    run = made()
    told = Told().tell(
        *(e.ShareHandled(replace(share_of(facts), library=wire.LIBRARY_GG20), e.BACKED_UP) for facts in run.facts)
    )
    with pytest.raises(ReshareRefusedError, match="older library, GG20") as caught:
        planned(told)
    assert "Migrate it in the app" in caught.value.next_step
    with pytest.raises(ReshareRefusedError, match="GG20"):
        planned(told, joining=("Watch",))


def test_a_library_that_nobody_knows() -> None:
    run = made()
    told = Told().tell(*(e.ShareHandled(replace(share_of(one), library=9), e.BACKED_UP) for one in run.facts))
    with pytest.raises(ReshareRefusedError, match=r"does not know \(library 9\)"):
        planned(told)
    for number in (wire.LIBRARY_DKLS, wire.LIBRARY_GG20, wire.LIBRARY_KEYIMPORT):
        assert family_of(number) is FAMILIES[number]
    assert len(FAMILIES) == 3


@pytest.mark.parametrize("library", [wire.LIBRARY_DKLS, wire.LIBRARY_KEYIMPORT])
def test_what_a_new_device_would_lack(library: int) -> None:
    run = made()
    told = told_of(run)
    vault = run.facts[0].public_key_ecdsa
    told.tell(*(e.ShareHandled(replace(share_of(facts), library=library), e.BACKED_UP) for facts in run.facts))
    told.tell(e.VaultExtras(vault, run.generation, ("ML-DSA",), ("Bitcoin", "Solana")))
    of_chains = [("chain_keys", "accept")] if library == wire.LIBRARY_KEYIMPORT else []
    prepared = planned(told, joining=("Watch",))
    assert codes(prepared) == [*of_chains, ("other_keys", "accept")]
    assert prepared.to_accept == prepared.concerns
    words = " ".join(one.words for one in prepared.concerns)
    assert "ML-DSA" in words
    assert ("Bitcoin, Solana" in words) is bool(of_chains)
    assert all(one.next_step for one in prepared.concerns)
    assert codes(planned(told, new=1)) == codes(prepared)
    # Nobody joins: nothing is lacking, and it is only said.
    prepared = planned(told, leaving=("Tablet",))
    of_chains = [*((code, "note") for code, _ in of_chains), ("other_keys", "note")]
    assert codes(prepared) == [*of_chains, ("none_to_spare", "note")]
    assert prepared.to_accept == ()


def test_an_imported_seed_without_names_of_its_chains() -> None:
    run = made()
    told = told_of(run)
    told.tell(
        *(e.ShareHandled(replace(share_of(one), library=wire.LIBRARY_KEYIMPORT), e.BACKED_UP) for one in run.facts)
    )
    (concern,) = planned(told, joining=("Watch",)).concerns
    assert (concern.code, concern.weight) == ("chain_keys", "accept")
    assert "its chains" in concern.words


def test_extras_of_an_older_generation_are_not_held_against_it() -> None:
    old, new = two()
    vault = old.facts[0].public_key_ecdsa
    told = told_of(old).stored(new, 0, 1, 2, at=10)
    told.tell(e.GenerationNewer(vault, new.generation, old.generation))
    told.tell(e.VaultExtras(vault, old.generation, ("ML-DSA",), ()))
    assert codes(planned(told, joining=("Desk",))) == []


def test_none_to_spare() -> None:
    told = lost(told_of(made()), "Tablet")
    (concern,) = planned(told).concerns
    assert (concern.code, concern.weight) == ("none_to_spare", "note")
    assert "all 2 devices are needed" in concern.words
    assert codes(planned(told, new=1)) == []


def test_no_way_back() -> None:
    prepared = planned(told_of(made(), 0, 2))
    (concern,) = prepared.concerns
    assert (concern.code, concern.weight) == ("no_way_back", "note")
    assert "Laptop." in concern.words
    assert concern.next_step.endswith("coldshare backup FILE")
    assert codes(planned(told_of(made()))) == []


def test_a_fast_vault() -> None:
    run = made(("Phone", "Server-12345"))
    prepared = planned(told_of(run, 0), joining=("Laptop",))
    assert codes(prepared) == [("server", "note")], "it has no backup, and needs none"
    assert prepared.committee.staying == ("Phone", "Server-12345")
    assert (prepared.threshold, prepared.parties) == (2, 3)
    assert not any("On Server" in step for step in prepared.steps)
    begin = next(step for step in prepared.steps if "begin when" in step)
    assert "all 2 devices are listed and no other: Phone, Laptop." in begin
    assert "server takes part by itself" in begin
    # Away from it: what is to know about it is said all the same.
    prepared = planned(told_of(made(("Phone", "Server-12345", "Laptop")), 0, 2), leaving=("Server-12345",))
    assert codes(prepared) == [("server", "note"), ("none_to_spare", "note")]
    assert "by itself" not in " ".join(prepared.steps)
    # The server's number comes first.
    prepared = planned(told_of(made(("Server-12345", "Phone")), 1), joining=("Laptop",))
    assert prepared.steps[0].startswith("On Phone: open the vault")


# --- what to do, in order


def _of(prepared: Prepared, party: str) -> list[int]:
    return [number for number, step in enumerate(prepared.steps) if step.startswith(f"On {party}: ")]


@pytest.mark.parametrize("gone", [(), ("Tablet",), ("Phone", "Tablet"), NAMES[:3]])
@pytest.mark.parametrize("joining", [(), ("Attic",), ("Attic", "Cellar")])
def test_the_steps(gone: tuple[str, ...], joining: tuple[str, ...]) -> None:
    run = made(NAMES[:5], 4)
    prepared = planned(lost(told_of(run), *gone), joining=joining, new=len(joining) + 1)
    steps, committee = prepared.steps, prepared.committee
    first, *others = committee.staying
    everybody = [*committee.staying, *joining, f"new device {len(joining) + 1}"]
    assert len(everybody) == prepared.parties
    restores = len(prepared.restores)
    # Restored first, every one once; then each device once, the first of all twice: it opens, and it begins.
    assert [step.startswith("Restore ") for step in steps] == [True] * restores + [False] * (len(steps) - restores)
    assert [one.party for one in prepared.restores] == [step.split()[1] for step in steps[:restores]]
    opened, begun = _of(prepared, first)
    assert opened == restores
    assert [_of(prepared, name) for name in everybody[1:]] == [
        [opened + number] for number in range(1, prepared.parties)
    ]
    assert begun == opened + prepared.parties
    assert all("join with the same vault" in steps[_of(prepared, name)[0]] for name in others)
    assert all("a new device" in steps[_of(prepared, name)[0]] for name in everybody[len(others) + 1 :])
    assert f"all {prepared.parties} devices are listed and no other: {', '.join(everybody)}." in steps[begun]
    assert not any(name in " ".join(steps[restores:]) for name in gone if name not in committee.staying)
    # Exported, tried, reported, joined, finished.
    rest = steps[begun + 1 :]
    assert [
        next(number for number, step in enumerate(rest) if words in step)
        for words in ("export the vault again", "send a small amount", "reshare next", "reshare join", "reshare finish")
    ] == [0, 1, 2, 3, 4]
    assert len(rest) == 5


def test_the_steps_name_the_vault_as_it_is_called() -> None:
    run = made(name="Ada's \N{WHITE SMILING FACE}")
    assert "'\N{WHITE SMILING FACE}" not in planned(told_of(run)).steps[0]
    assert "Ada's \N{WHITE SMILING FACE}" in planned(told_of(run)).steps[0]


def test_gg20_has_no_steps() -> None:
    committee = Committee("v", TABLE, 2, TABLE, (), 0)
    family = FAMILIES[wire.LIBRARY_GG20]
    assert family.steps(committee) == []
    assert [one.weight for one in family.concerns(committee)] == ["refuse"]


def test_what_is_planned_has_room_in_the_ledger() -> None:
    old, new = two()
    prepared = planned(told_of(old), joining=("Watch",), leaving=("Tablet",))
    plan = replace(
        plan_of(old, new),
        staying=prepared.committee.staying,
        joining=prepared.committee.joining,
        threshold=prepared.threshold,
        parties=prepared.parties,
    )
    told = told_of(old).started(plan)
    assert told.plan(plan).staying == ("Phone", "Laptop")
    assert e.Event.decode(told.events[-1].encode()).body == started(plan)
