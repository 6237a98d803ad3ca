"""Which vault and which party somebody means."""

from __future__ import annotations

import shlex

import pytest

from coldshare.ledger import events as e
from coldshare.safety.named import (
    PartyAmbiguousError,
    PartyUnknownError,
    UnknownVaultError,
    VaultAmbiguousError,
    choose,
    party,
    vault_argument,
    vaults,
)
from safety.story import OLD, OTHER_VAULT, VAULT, Story, backup_id, vault_seen

SPENDING = e.Share(OTHER_VAULT, "Spending", "Phone", OLD, 2, 2, 2)
STORY = Story().seen(signers=("iPhone-ab12", "iPad-cd34", "Phone")).tell(vault_seen(SPENDING, ("Phone", "Laptop")))
STORY.tell(e.DeviceRestored(VAULT, "iPad-cd34", "Laptop", OLD, backup_id(1)))


def found(text: str, vault: str | None = None) -> list[tuple[str, str]]:
    view = STORY.view()
    return [
        (one.name, of.party)
        for one, of in party(view, [one for one in view.vaults() if vault in (None, one.name)], text)
    ]


def test_the_exact_name_in_every_vault_that_has_it() -> None:
    assert found("Phone") == [("Savings", "Phone"), ("Spending", "Phone")]
    assert found("Phone", "Spending") == [("Spending", "Phone")]


def test_the_name_of_a_device_that_took_its_place_comes_after_the_parties() -> None:
    assert found("Laptop") == [("Spending", "Laptop")]
    assert found("Laptop", "Savings") == [("Savings", "iPad-cd34")]
    assert found("Laptop", "Spending") == [("Spending", "Laptop")]


@pytest.mark.parametrize("text", ["iphone-ab12", "IPH", "iph"])
def test_the_beginning_is_enough_whatever_the_case(text: str) -> None:
    assert found(text) == [("Savings", "iPhone-ab12")]


def test_two_that_begin_so() -> None:
    with pytest.raises(PartyAmbiguousError, match=r"'ip' can be iPad-cd34, iPhone-ab12\."):
        found("ip")


@pytest.mark.parametrize("text", ["", "Watch", "hone"])
def test_nobody_is_called_so(text: str) -> None:
    with pytest.raises(PartyUnknownError, match=r"There are: Laptop, Phone, iPad-cd34, iPhone-ab12\."):
        found(text)


def test_a_long_list_is_cut() -> None:
    story = Story().seen(signers=tuple(f"Device {number:02}" for number in range(15)))
    view = story.view()
    with pytest.raises(PartyUnknownError, match="Device 11 and 3 more"):
        party(view, view.vaults(), "x")


@pytest.mark.parametrize("text", ["Savings", "SAVINGS ", "0202", VAULT.hex(), VAULT.hex().upper()])
def test_a_vault_by_name_or_key(text: str) -> None:
    assert [one.vault for one in vaults(STORY.view(), text)] == [VAULT]


@pytest.mark.parametrize("text", ["", "02", "Saving"])
def test_no_vault_is_called_so(text: str) -> None:
    with pytest.raises(UnknownVaultError, match=r"There is: 'Savings', 'Spending'\."):
        vaults(STORY.view(), text)
    assert len(vaults(STORY.view(), None)) == 2


def test_two_vaults_of_one_name() -> None:
    twin = e.Share(OTHER_VAULT, "Savings", "Phone", OLD, 2, 2, 2)
    view = Story().seen().tell(vault_seen(twin, ("A", "B"))).view()
    with pytest.raises(VaultAmbiguousError):
        vaults(view, "Savings")
    assert len(choose(view.vaults(), "Savings")) == 2
    assert [one.vault for one in vaults(view, "0303")] == [OTHER_VAULT]


@pytest.mark.parametrize(
    ("name", "other", "argument"),
    [
        ("Savings", "Spending", "Savings"),
        ("Ada's vault", "Spending", "'Ada'\"'\"'s vault'"),
        ("Savings", "savings ", VAULT.hex()),
        (" ", "Spending", VAULT.hex()),
        ("--all", "Spending", VAULT.hex()),
    ],
)
def test_a_vault_on_a_command_line(name: str, other: str, argument: str) -> None:
    whose = e.Share(VAULT, name, "Phone", OLD, 2, 2, 2), e.Share(OTHER_VAULT, other, "Phone", OLD, 2, 2, 2)
    view = Story(*(vault_seen(one, ("Phone", "Laptop")) for one in whose)).view()
    (vault,) = (one for one in view.vaults() if one.vault == VAULT)
    assert vault_argument(view, vault) == argument
    assert vaults(view, shlex.split(argument)[0]) == [vault]


# --- how a letter and its accent are put together


NFC, NFD = "Andr\xe9's phone", "Andre\u0301's phone"


def named(*signers: str, device: str | None = None) -> Story:
    story = Story().seen(signers=signers)
    return story if device is None else story.tell(e.DeviceRestored(VAULT, signers[0], device, OLD, backup_id(1)))


@pytest.mark.parametrize(("kept", "typed"), [(NFC, NFD), (NFD, NFC), (NFC, NFD.upper())])
def test_the_other_form_of_a_name_is_the_name(kept: str, typed: str) -> None:
    for story in (named(kept, "Laptop"), named("Phone", "Laptop", device=kept)):
        view = story.view()
        ((_, one),) = party(view, view.vaults(), typed)
        assert kept in (one.party, one.device), "it is kept as it came, byte for byte"


def test_the_other_form_of_the_beginning() -> None:
    view = named(NFD, "Laptop").view()
    ((_, one),) = party(view, view.vaults(), "ANDR\xc9")
    assert one.party == NFD


def test_of_two_forms_the_exact_one_counts_and_any_other_is_refused() -> None:
    view = named(NFC, NFD, "Laptop").view()
    for name in (NFC, NFD):
        ((_, one),) = party(view, view.vaults(), name)
        assert one.party == name
    with pytest.raises(PartyAmbiguousError) as refused:
        party(view, view.vaults(), NFC.upper())
    assert ascii(NFC) in refused.value.message, "or nobody could tell the two apart"
    assert ascii(NFD) in refused.value.message


def test_vaults_of_two_forms() -> None:
    one = e.Share(VAULT, "Caf\xe9", "Phone", OLD, 2, 2, 2)
    two = e.Share(OTHER_VAULT, "Cafe\u0301", "Phone", OLD, 2, 2, 2)
    alone = Story().tell(vault_seen(one, ("A", "B")))
    assert [found.vault for found in vaults(alone.view(), "cafe\u0301")] == [VAULT]
    both = alone.tell(vault_seen(two, ("A", "B"))).view()
    for share in (one, two):
        assert [found.vault for found in vaults(both, share.name)] == [share.vault]
    with pytest.raises(VaultAmbiguousError):
        vaults(both, "CAF\xc9")
    for vault in both.vaults():
        (again,) = vaults(both, *shlex.split(vault_argument(both, vault)))
        assert again == vault
