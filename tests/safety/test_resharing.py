"""What status says while a reshare is under way, and where another computer may know more."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.safety.standing import assess_vault
from coldshare.safety.verdicts import Finding
from reshare.story import NOW, Told, plan_of, two

OLD, NEW = two()
VAULT = OLD.facts[0].public_key_ecdsa
PLAN = plan_of(OLD, NEW)
NEWER = e.GenerationNewer(VAULT, NEW.generation, OLD.generation)
STATUS = "coldshare reshare status Savings"


def said(told: Told, code: str) -> list[Finding]:
    (vault,) = told.view().vaults()
    return [one for one in assess_vault(told.view(), vault, NOW).findings if one.code == code]


def one(told: Told, code: str) -> Finding:
    (found,) = said(told, code)
    return found


def test_that_it_is_under_way() -> None:
    told = Told().stored(OLD, 0, 1, 2)
    assert said(told, "resharing") == []
    told.started(PLAN)
    found = one(told, "resharing")
    assert found.words.startswith(f"It is being reshared, away from generation {OLD.generation.hex()[:8]}.")
    assert found.next_step == f"What it waits for: {STATUS}"
    assert not found.counts
    # Nobody has a new share yet: what is to be backed up is the old one.
    assert "coldshare backup FILE" in one(Told().stored(OLD, 0, 1).started(PLAN), "not_all_backed_up").next_step


def test_what_is_to_be_backed_up_meanwhile() -> None:
    told = Told(NEWER).stored(OLD, 0, 1, 2).stored(NEW, 0, at=10)
    older, none = said(told, "not_all_backed_up")
    assert older.next_step == "Export the vault file on that device, and: coldshare backup FILE --newer"
    assert "coldshare backup FILE" in none.next_step
    told.started(PLAN)
    older, none = said(told, "not_all_backed_up")
    assert (older.parties, none.parties) == (("Laptop",), ("Watch",))
    assert older.next_step == "Export the vault file on that device, and: coldshare reshare next FILE"
    assert none.next_step.startswith("Export the vault file on that device, and: coldshare reshare next FILE.")


def test_backups_of_two_generations_meanwhile() -> None:
    told = Told(NEWER).stored(OLD, 0, 1).stored(NEW, 0, at=10)
    assert "coldshare backup FILE --newer" in one(told, "mixed_generations").next_step
    assert said(told.started(PLAN), "mixed_generations") == []  # so a reshare looks on its way
    # Given up: what was told of the new generation counts no more, and those backups are no mixture.
    assert said(told.tell(e.ReshareAborted(PLAN.plan)), "mixed_generations") == []
    (old,) = said(told, "old_copies")
    assert {backup.generation for backup in old.backups} == {NEW.generation}


def test_old_copies_are_kept_meanwhile() -> None:
    told = Told(NEWER).stored(OLD, 0, 1, 2).stored(NEW, 0, 1, 2, at=10).started(PLAN)
    found = one(told, "old_copies")
    assert found.next_step == f"Keep them until the reshare is finished: {STATUS}"
    told.tell(e.ReshareFinished(PLAN.plan, NEW.generation))
    assert said(told, "resharing") == []
    assert one(told, "old_copies").next_step.startswith("When the newer ones have signed once: coldshare remove ")


def test_what_is_older_still_is_not_kept() -> None:
    """Of the reshare before this one something was left."""
    last = NEW.reshared(("Phone", "Laptop"), 2)
    told = Told(NEWER, e.GenerationNewer(VAULT, last.generation, NEW.generation))
    told.stored(OLD, 0).stored(NEW, 0, 1, at=10).stored(last, 0, at=20).started(plan_of(NEW, last))
    keep, rest = said(told, "old_copies")
    assert {backup.generation for backup in keep.backups} == {NEW.generation}
    assert keep.next_step == f"Keep them until the reshare is finished: {STATUS}"
    assert {backup.generation for backup in rest.backups} == {OLD.generation}
    assert rest.next_step.startswith("When the newer ones have signed once: coldshare remove ")


def test_a_ledger_that_knows_its_own_party_only() -> None:
    """The others may have been backed up long ago, by their own computers."""
    found = one(Told().stored(OLD, 0), "not_all_backed_up")
    assert found.parties == ("Laptop", "Tablet")
    assert found.next_step == (
        "Export the vault file on each of these devices, and: coldshare backup FILE. If another computer has backed up "
        "Laptop or Tablet already, take in its ledger: coldshare ledger join FILE"
    )


def test_not_of_whom_it_has_heard() -> None:
    told = Told().stored(OLD, 0, 1)
    (laptop,) = (one for one in told.view().backups() if one.party == "Laptop")
    told.tell(e.BackupGone(laptop.place, laptop.backup_id, e.REMOVED))
    found = one(told, "not_all_backed_up")
    assert found.parties == ("Laptop", "Tablet")
    assert "has backed up Tablet already, take in its ledger: coldshare ledger join FILE" in found.next_step
    (told.stored(OLD, 2))
    found = one(told, "not_all_backed_up")
    assert found.parties == ("Laptop",)
    assert "ledger join" not in found.next_step
