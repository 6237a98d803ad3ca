"""Vaults and places of one name, and names like options: what is printed means one thing, and can be typed."""

from __future__ import annotations

import re
import shlex

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.events import Body
from coldshare.ledger.store import Ledger, ledger_path
from safety.story import NEW, OLD, OTHER_VAULT, SAFE_A, SAFE_B, VAULT, backup_id, share, vault_seen
from support.shell import Shell

KEYS = ("key 02020202", "key 03030303")


def record(*bodies: Body) -> None:
    with Ledger(ledger_path()) as ledger:
        ledger.record(list(bodies))


def printed(text: str) -> list[list[str]]:
    """Every command about places or devices in it, as its words."""
    found = re.findall(r"coldshare ((?:place|lost) .*?)(?:;|\.?$|\. )", text, re.MULTILINE)
    return [shlex.split(one) for one in found]


@pytest.fixture
def two_vaults(shell: Shell) -> Shell:
    whose = share("Phone"), share("Phone", NEW, vault=OTHER_VAULT)
    for number, (one, place) in enumerate(zip(whose, (SAFE_A, SAFE_B), strict=True)):
        record(
            vault_seen(one, ("Phone", "Laptop", "Tablet")),
            e.PlaceNamed(place, "Safe A"),
            e.BackupStored(place, backup_id(number), one, 1000, e.ACTIVE, False),
        )
    return shell


@pytest.mark.parametrize("argv", [("status",), ("lost", "Phone"), ("lost", "--found", "Phone"), ("drill", "--list")])
def test_two_vaults_of_one_name(two_vaults: Shell, argv: tuple[str, ...]) -> None:
    said = two_vaults(*argv).out
    for key in KEYS:
        assert f"Savings, {key}: " in said


def test_two_places_of_one_label(two_vaults: Shell) -> None:
    """What says that one of them is found names that one."""
    lost = [e.DeviceLost(VAULT, party) for party in ("Phone", "Laptop")]
    record(e.PlaceLost(SAFE_A), *lost)
    for argv in (("status",), ("lost", "Phone")):
        said = two_vaults(*argv).out
        assert ["place", "found", str(SAFE_A)] in printed(said), said
    assert two_vaults("place", "found", str(SAFE_A)).status == 0
    record(*(e.PlaceDescribed(place, None, "office", None, None, None) for place in (SAFE_A, SAFE_B)))
    record(e.BackupStored(SAFE_B, backup_id(7), share("Laptop"), 1000, e.ACTIVE, False))
    assert ["place", "set", str(SAFE_A), "--location", "WHERE"] in printed(two_vaults("status").out)


@pytest.mark.parametrize("party", ["-rf", "--json", "it's $(me)"])
def test_a_party_with_any_name(shell: Shell, party: str) -> None:
    one = share(party, OLD)
    record(
        vault_seen(one, (party, "Laptop", "Tablet")),
        e.BackupStored(SAFE_A, backup_id(1), one, 1000, e.ACTIVE, False),
        e.BackupVerified(SAFE_A, backup_id(1), one, 1000, e.ACTIVE, None, opened=True),
        e.DeviceLost(VAULT, party),
    )
    (words,) = [one for one in printed(shell("status").out) if one[0] == "lost"]
    said = shell(*words)
    assert said.status == 0, said.err
    assert f"the device of {party} is lost" in said.out
    record(e.PlaceLost(SAFE_A), e.DeviceLost(VAULT, "Laptop"))
    found = [one for one in printed(shell("status").out) if one[:2] == ["lost", "--found"] and one[-1] == party]
    assert shell(*found[0]).status == 0
