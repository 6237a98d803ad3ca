"""What the reader says about the vendor's own files, and what it never says."""

from __future__ import annotations

import base64
import copy
import dataclasses
import itertools
import json
import pickle
from pathlib import Path

import pytest

from coldshare.vault import CHECKS, Encryption, VaultShare, read_share
from coldshare.vault.curves import ED25519_ORDER, lagrange
from coldshare.vault.errors import (
    NotYetContainerError,
    VaultPasswordNeededError,
    VaultPasswordWrongError,
)
from coldshare.vault.synthetic import SyntheticShare, make_vault

from .builders import Opened, edit, open_vult, pack

FAST = "0333e3d4df9cc071be24fd6c995421036074a1a88e5d3e0bc211b7ef4330078d9b"
SECURE = "03165c66e1c84d4d5b761e3061d311f2b4e63009b354e4b18fecb9657a0397cfa0"
MADE = "027e02a124e4580d5fa82fe180c69bb6734fbda3eb0e294f03e93fc7e75f592903"
FAST_1 = "f4b5c331ce4db4f8f9e356fa875000b481b87f65fce6fd9d8e09c515bf5f7dc9"
SECURE_1 = "657d17234b4bfeede4524b7ef78ff4b70b94aad59895af2235f8d0d329eb33ae"
MADE_1 = "6e681c58a9c4e02dd949e887b55849b9423e8d3f8e64d23fa6a7bd4e39b2f445"
MADE_2 = "10240bceb3849d7a43a6f560c37e0fe38294856b20ac92c653111d419b637e18"

REAL_PASSWORD = "Password123!"
MADE_PASSWORD = "correct horse 2-of-3"

FAST_SIGNERS = ("Server-06287", "Dorian\u2019s Mac mini-ABC")
SECURE_SIGNERS = ("iPhone-5C9", "jp\u2019s MacBook Air-EE5")
BEFORE = ("iPhone-a1b2c3d4e5f60718", "MacBook-1122334455667788", "Pixel-99aabbccddeeff00")
AFTER = (*BEFORE[:2], "Token-4444444444444444")

# file, password, encryption, vault name, ECDSA key, generation, signers, index, reshared
FILES = [
    ("real/TestDKLS1of2.vult", None, "none", "Test Fast Vault DKLS", FAST, FAST_1, FAST_SIGNERS, 0, False),
    ("real/TestDKLS2of2.vult", None, "none", "Test Fast Vault DKLS", FAST, FAST_1, FAST_SIGNERS, 1, False),
    (
        "real/TestSecureVault-cfa0-share1of2.vult",
        REAL_PASSWORD,
        "legacy",
        "TestSecureVault",
        SECURE,
        SECURE_1,
        SECURE_SIGNERS,
        0,
        False,
    ),
    (
        "real/TestSecureVault-cfa0-share2of2-Nopassword.vult",
        None,
        "none",
        "TestSecureVault",
        SECURE,
        SECURE_1,
        SECURE_SIGNERS,
        1,
        False,
    ),
]
for folder, generation, signers, reshared in (
    ("orig_2of3", MADE_1, BEFORE, False),
    ("reshared_1_2_4", MADE_2, AFTER, True),
):
    for index in range(3):
        stem = f"made/{folder}/SimVault-2903-share{index + 1}of3"
        told = ("Sim Vault", MADE, generation, signers, index, reshared)
        FILES.append((f"{stem}.vult", None, "none", *told))
        FILES.append((f"{stem}.pbkdf2.vult", MADE_PASSWORD, "vlt2", *told))
        if index == 0:
            FILES.append((f"{stem}.legacy.vult", MADE_PASSWORD, "legacy", *told))


@pytest.mark.parametrize(
    ("file", "password", "encryption", "name", "key", "generation", "signers", "index", "reshared"),
    FILES,
    ids=[row[0] for row in FILES],
)
def test_the_facts_of_a_file(
    fixtures: Path,
    file: str,
    password: str | None,
    encryption: str,
    name: str,
    key: str,
    generation: str,
    signers: tuple[str, ...],
    index: int,
    reshared: bool,
) -> None:
    data = (fixtures / file).read_bytes()
    share = read_share(data, password=password)
    facts = share.facts
    assert share.original == data
    assert share.encryption is Encryption(encryption)
    assert facts.vault_name == name
    assert facts.public_key_ecdsa.hex() == key
    assert facts.generation.hex() == generation
    assert (facts.party, facts.signers, facts.index) == (signers[index], signers, index)
    assert (facts.threshold, facts.parties) == (2, len(signers))
    assert facts.reshared is reshared
    assert facts.library == "DKLS"
    assert facts.fast_vault is (key == FAST)
    assert facts.is_server is (facts.party == "Server-06287")
    assert facts.reshare_prefix == ""
    assert facts.created_at is not None
    assert 1_700_000_000 < facts.created_at < 1_800_000_000
    assert bool(facts.warnings) is facts.is_server
    assert len(facts.public_key_eddsa) == len(facts.chain_code) == len(facts.public_share_eddsa) == 32
    assert [len(point) for point in facts.public_shares_ecdsa] == [33] * facts.parties
    assert [check.name for check in facts.checks if check.result == "ok"] != []


@pytest.mark.parametrize("file", [row[0] for row in FILES if row[2] == "legacy"])
def test_an_encrypted_file_without_its_password(fixtures: Path, file: str) -> None:
    data = (fixtures / file).read_bytes()
    with pytest.raises(VaultPasswordNeededError, match="needed to check the share before it is stored"):
        read_share(data)
    with pytest.raises(VaultPasswordWrongError):
        read_share(data, password="not this one")
    with pytest.raises(VaultPasswordWrongError):
        read_share(data, password="")


@pytest.mark.parametrize("folder", ["orig_2of3", "reshared_1_2_4"])
def test_recorded_eddsa_shares_of_any_two_parties_give_the_key(fixtures: Path, folder: str) -> None:
    """What one share cannot tell about its EdDSA half, the recorded public values of two can."""
    from nacl import bindings

    facts = [read_share(path.read_bytes()).facts for path in sorted((fixtures / "made" / folder).glob("*of3.vult"))]
    assert len(facts) == 3
    for pair in itertools.combinations(facts, 2):
        coefficients = lagrange([party.index + 1 for party in pair], 0, ED25519_ORDER)
        terms = [
            bindings.crypto_scalarmult_ed25519_noclamp(coefficient.to_bytes(32, "little"), party.public_share_eddsa)
            for coefficient, party in zip(coefficients, pair, strict=True)
        ]
        assert bindings.crypto_core_ed25519_add(*terms) == facts[0].public_key_eddsa


def test_every_share_of_a_generation_names_it_alike(shares: list[SyntheticShare]) -> None:
    facts = [read_share(share.vult).facts for share in shares]
    assert len({each.generation for each in facts}) == 1
    assert len({each.public_shares_ecdsa for each in facts}) == 1
    assert [each.party for each in facts] == ["phone", "laptop", "tablet"]


@pytest.mark.parametrize(
    ("signers", "fast", "server"),
    [
        (("Server-1234", "phone"), True, True),
        (("phone", "Server-1234"), True, False),
        (("phone", "VultiSignerApp"), True, False),
        (("phone", "Vultisigner-9"), True, False),
        (("phone", "My Server-1"), False, False),
    ],
)
def test_fast_vaults_are_told_by_their_signers(signers: tuple[str, str], fast: bool, server: bool) -> None:
    facts = read_share(make_vault("v", signers, 2)[0].vult).facts
    assert (facts.fast_vault, facts.is_server) == (fast, server)
    assert facts.servers == tuple(signer for signer in signers if fast and signer != "phone")
    assert any("belongs on no device" in warning for warning in facts.warnings) is server
    assert any("requested again" in warning for warning in facts.warnings) is server


def test_a_library_that_is_not_named_is_told_by_the_share(vult: bytes) -> None:
    share = read_share(edit(vult, lambda opened: opened.vault.ClearField("lib_type")))
    assert share.facts.library == "DKLS"
    assert any("GG20" in warning for warning in share.facts.warnings)


def test_key_shares_may_come_in_either_order_and_in_capitals(vult: bytes) -> None:
    opened = open_vult(vult)
    ecdsa, eddsa = opened.vault.key_shares
    ecdsa.public_key = ecdsa.public_key.upper()
    swapped = [eddsa, ecdsa]
    del opened.vault.key_shares[:]
    opened.vault.key_shares.extend(swapped)
    assert read_share(pack(opened.vault.SerializeToString())).facts.party == "phone"


def test_only_one_half_reshared_is_a_warning(vult: bytes) -> None:
    def reshare_ecdsa(opened: Opened) -> None:
        opened.ecdsa[108:140] = opened.ecdsa[75:107]

    def reshare_both(opened: Opened) -> None:
        reshare_ecdsa(opened)
        opened.eddsa[67:99] = opened.eddsa[35:67]

    half, both = read_share(edit(vult, reshare_ecdsa)).facts, read_share(edit(vult, reshare_both)).facts
    assert half.reshared
    assert any("stopped halfway" in warning for warning in half.warnings)
    assert both.reshared
    assert both.warnings == ()


def test_extra_bytes_that_the_header_announces_are_fine(vult: bytes) -> None:
    def add_extra(opened: Opened) -> None:
        opened.ecdsa[4:8] = (5).to_bytes(4, "big")
        opened.ecdsa += b"extra"

    assert read_share(edit(vult, add_extra)).facts.parties == 3


def test_a_container_that_is_newer(vult: bytes) -> None:
    def newer(opened: Opened) -> None:
        opened.container.version = 2

    with pytest.raises(NotYetContainerError, match="version 2"):
        read_share(edit(vult, newer))


def test_a_line_break_at_the_end_is_kept(vult: bytes) -> None:
    share = read_share(vult + b"\r\n")
    assert share.original == vult + b"\r\n"


def test_a_description_is_json_of_stable_keys(vult: bytes) -> None:
    told = read_share(vult).describe()
    assert json.loads(json.dumps(told)) == told
    assert list(told) == [
        "vault_name",
        "public_key_ecdsa",
        "public_key_eddsa",
        "party",
        "signers",
        "index",
        "threshold",
        "parties",
        "library",
        "generation",
        "reshared",
        "fast_vault",
        "is_server",
        "servers",
        "created_at",
        "reshare_prefix",
        "points_ecdsa",
        "public_shares_ecdsa",
        "point_eddsa",
        "public_share_eddsa",
        "public_shares_eddsa",
        "chains",
        "extra_keys",
        "checks",
        "warnings",
        "form",
        "encryption",
        "file_size",
    ]
    checks = told["checks"]
    assert isinstance(checks, list)
    assert {"name": "dkls_own_public_share", "check": "s_i*G == S_i", "result": "ok"} in checks


def test_every_check_is_made_on_a_sound_share(vult: bytes) -> None:
    made = {check.name for check in read_share(vult).facts.checks if check.result == "ok"}
    other = {name for name in CHECKS if name.startswith(("gg20_", "chain_"))} | {"key_share_copies"}
    assert made == set(CHECKS) - other


class TestSecrecy:
    """The secret leaves only as `original`."""

    @pytest.fixture
    def share(self, vult: bytes) -> VaultShare:
        return read_share(vult)

    @staticmethod
    def secrets_of(vult: bytes) -> list[str]:
        """Both secret scalars, a zeta seed, the start of the OT seeds and of the file, in every usual dress."""
        opened = open_vult(vult)
        secrets = [opened.ecdsa[140:172], opened.ecdsa[238:270], opened.ecdsa[466:498], opened.eddsa[3:35]]
        forms = [vult[:32].decode()]
        for secret in map(bytes, secrets):
            forms += [secret.hex(), repr(secret)[2:-1], base64.b64encode(secret).decode()[:-2]]
            forms += [str(int.from_bytes(secret, order)) for order in ("big", "little")]
        return forms

    def test_nothing_printed_holds_it(self, vult: bytes, share: VaultShare) -> None:
        printed = [
            repr(share),
            str(share),
            f"{share}",
            json.dumps(share.describe()),
            repr(share.facts),
            repr(dataclasses.asdict(share.facts)),
            repr(share.facts.checks),
        ]
        for secret in self.secrets_of(vult):
            assert not [text for text in printed if secret in text]

    def test_the_chain_code_is_not_described(self, share: VaultShare) -> None:
        code = share.facts.chain_code
        assert code.hex() not in json.dumps(share.describe())
        assert repr(code) not in repr(share.facts)
        assert repr(code) in repr(dataclasses.asdict(share.facts))  # or the line above would prove nothing

    def test_it_cannot_be_dumped(self, share: VaultShare) -> None:
        for dump in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="secret"):
                dump(share)
        with pytest.raises(TypeError):
            vars(share)
        assert not dataclasses.is_dataclass(share)

    def test_shares_are_not_compared_by_content(self, vult: bytes, share: VaultShare) -> None:
        assert share != read_share(vult)
