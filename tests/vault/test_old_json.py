"""The oldest backups: every form they come in gives the facts that the same share gives as a `.vult`."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.errors import ColdshareError
from coldshare.vault import Encryption, Form, read_share, split
from coldshare.vault.encryption import looks_encrypted
from coldshare.vault.errors import FileDamagedError, ShareCheckError, VaultPasswordNeededError, VaultPasswordWrongError
from coldshare.vault.synthetic import make_vault

from .builders import rebuild
from .clearly import is_clear, refuses_clearly
from .gg20 import make_gg20
from .old_json import android, cbc, fields_of, gcm, hexed, ios, ios_bare, wrapped

GG20 = make_gg20("Old vault", ["phone", "laptop", "tablet"])[0].vult()
DKLS = make_vault("Newer vault", ["phone", "laptop"], 2, created_at=1_700_000_000)[0].vult

FORMS: dict[str, tuple[Callable[[dict[str, Any]], bytes], Encryption]] = {
    "ios": (ios, Encryption.NONE),
    "ios, bare": (ios_bare, Encryption.NONE),
    "android": (android, Encryption.NONE),
    "upper case": (lambda vault: ios(vault).upper(), Encryption.NONE),
    "line break": (lambda vault: ios(vault) + b"\r\n", Encryption.NONE),
    "no hexadecimal": (lambda vault: json.dumps(vault).encode(), Encryption.NONE),
    "encrypted": (lambda vault: gcm(ios(vault), "pw"), Encryption.LEGACY),
    "encrypted, base64": (lambda vault: wrapped(gcm(android(vault), "pw")), Encryption.LEGACY),
    "cbc, base64": (lambda vault: wrapped(cbc(android(vault), "pw")), Encryption.CBC),
    "cbc": (lambda vault: cbc(ios(vault), "pw"), Encryption.CBC),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("vult", [GG20, DKLS], ids=["GG20", "DKLS"])
def test_every_form(vult: bytes, name: str) -> None:
    make, encryption = FORMS[name]
    vault = fields_of(vult)
    if vult == DKLS:
        vault["libType"] = 1
    data = make(vault)
    share = read_share(data, password="pw")
    expected = read_share(vult)
    assert share.original == data
    assert (share.form, share.encryption) == (Form.OLD_JSON, encryption)
    assert expected.form is Form.VULT
    assert dataclasses.replace(share.facts, created_at=None) == dataclasses.replace(expected.facts, created_at=None)
    dated = name not in ("android", "encrypted, base64", "cbc, base64")
    assert share.facts.created_at == (expected.facts.created_at if dated else None)
    assert share.describe()["form"] == "old_json"
    assert rebuild(split(data)) == data
    if encryption is not Encryption.NONE:
        with pytest.raises(VaultPasswordNeededError) as needed:
            read_share(data)
        assert is_clear(needed.value)
        with pytest.raises(VaultPasswordWrongError):
            read_share(data, password="not this one")


@pytest.mark.parametrize("vult", [GG20, DKLS], ids=["GG20", "DKLS"])
def test_hexadecimal_is_left_to_compression(vult: bytes) -> None:
    data = ios(fields_of(vult))
    assert split(data) == [data]
    assert len(zlib.compress(data, 9)) < 0.6 * len(data)


@pytest.mark.parametrize(
    ("library", "warned"), [(0, False), (1, True), ("GG20", False), ("DKLS", True), ("gg20", False), (None, False)]
)
def test_a_library_that_is_named(library: object, warned: bool) -> None:
    facts = read_share(ios({**fields_of(GG20), "libType": library})).facts
    assert facts.library == "GG20"
    assert any("its key shares are GG20" in warning for warning in facts.warnings) is warned


def test_no_library_is_no_reason_to_doubt_dkls() -> None:
    facts = read_share(ios(fields_of(DKLS))).facts
    assert facts.library == "DKLS"
    assert any("names none" in warning for warning in facts.warnings)


def test_the_vendors_shares(fixtures: Path) -> None:
    for file in ("Test-part1of2.vult", "Test-part2of2.vult", "TestDKLS2of2.vult"):
        vult = (fixtures / "real" / file).read_bytes()
        share = read_share(gcm(ios(fields_of(vult)), "pw"), password="pw")
        expected = read_share(vult).facts
        warnings = () if expected.library == "GG20" else share.facts.warnings
        assert dataclasses.replace(share.facts, warnings=()) == dataclasses.replace(expected, warnings=())
        assert share.facts.warnings == warnings


def without(name: str) -> bytes:
    return ios({key: value for key, value in fields_of(GG20).items() if key != name})


def having(**values: object) -> bytes:
    return ios({**fields_of(GG20), **values})


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (hexed([]), "vault_file_damaged", "there is no vault inside"),
        (hexed({}), "vault_field_invalid", "pubKeyECDSA should be a text"),
        (hexed({"vault": {}}), "vault_field_invalid", "vault.pubKeyECDSA should be a text"),
        (hexed({"vault": 5, "version": "v1"}), "vault_field_invalid", "field vault should be an object"),
        (hexed({"vault": {}, "version": "v2"}), "not_yet_container", "version v2; coldshare knows version v1"),
        (hexed({"vault": {}, "version": 1}), "vault_field_invalid", "version should be a text"),
        (hexed({"vault": {}, "version": "\x1b" * 99}), "not_yet_container", "\ufffd" * 32),
        (b"{}", "vault_field_invalid", "pubKeyECDSA"),
        (b"{", "vault_file_damaged", "its content is not JSON, at character 1"),
        (b"{" + b"[" * 100_000, "vault_file_damaged", "nests more than 16 deep"),
        (b'{"a":' + b"9" * 100_000 + b"}", "vault_file_damaged", "a number of 100000 digits"),
        (b'{"a":1e999, "a":1}', "vault_file_damaged", "two fields of one name"),
        (b'{"a":"\xff"}'.hex().encode(), "vault_file_damaged", "not UTF-8"),
        (ios(fields_of(GG20))[:-2], "vault_file_damaged", "is not JSON"),
        (ios(fields_of(GG20))[:-1], "vault_file_damaged", "half a byte"),
        (without("signers"), "vault_field_invalid", "vault.signers should be a list"),
        (without("keyshares"), "vault_field_invalid", "vault.keyshares should be a list"),
        (without("localPartyID"), "vault_field_invalid", "vault.localPartyID should be a text"),
        (having(signers=["phone", 5]), "vault_field_invalid", "vault.signers[1] should be a text"),
        (having(keyshares=[]), "share_mismatch", "There is none for the vault's ECDSA key"),
        (having(keyshares=[{"pubkey": "00"}]), "vault_field_invalid", "keyshares[0].keyshare should be a text"),
        (having(keyshares=[{"pubkey": "0", "keyshare": "\ud800"}]), "vault_field_invalid", "half of a character"),
        (having(hexChainCode="00" * 32), "share_mismatch", "hex_chain_code"),
        (having(libType=7), "not_yet_library", "library 7"),
        (having(libType="FROST\x1b"), "not_yet_library", "library FROST\ufffd"),
        (having(libType=[]), "vault_field_invalid", "vault.libType should name a signing library"),
        (having(localPartyID="watch"), "share_mismatch", "local_party_id says watch"),
    ],
    ids=range(27),
)
def test_a_backup_that_lies(data: bytes, code: str, says: str) -> None:
    with pytest.raises(ColdshareError) as refused:
        read_share(data)
    assert refused.value.code == code
    assert says in refused.value.message
    assert is_clear(refused.value)


@pytest.mark.parametrize("date", [None, "2024", True, [], 1e999, -1e999, 1e300, -1e300, 2**200])
def test_a_date_that_is_none_is_left_out(date: object) -> None:
    assert read_share(ios({**fields_of(GG20), "createdAt": None})).facts.created_at is None
    text = json.dumps({**fields_of(GG20), "createdAt": 0.5})
    shown = {1e999: "1e999", -1e999: "-1e999"}.get(date) if isinstance(date, float) else None  # type: ignore[arg-type]
    changed = text.replace('"createdAt": 0.5', f'"createdAt": {shown or json.dumps(date)}')
    assert read_share(changed.encode()).facts.created_at is None


def test_a_share_that_fails_its_arithmetic_is_refused_in_any_form() -> None:
    share = make_gg20("v", ["phone", "laptop"])[0]
    share.ecdsa["ecdsa_local_data"]["Xi"] += 1
    with pytest.raises(ShareCheckError):
        read_share(gcm(ios(fields_of(share.vult())), "pw"), password="pw")


@pytest.mark.parametrize("start", [b"{", b"{}", b" ", b"\n", b"CAES", b"0123456789ab", b"VLT\x02", b"\x08\x01\x12\x0a"])
def test_a_ciphertext_that_begins_like_something_else(start: bytes) -> None:
    data = gcm(ios(fields_of(GG20)), "pw", start)
    for file in (data, wrapped(data)):
        assert read_share(file, password="pw").original == file
        with pytest.raises(VaultPasswordNeededError):
            read_share(file)


def test_a_ciphertext_that_ends_like_text() -> None:
    """White space at the end of a text means nothing; that of a ciphertext is part of its tag."""
    data = next(file for file in iter(lambda: gcm(b"ab" * 9000, "pw"), None) if file[-1:] in (b" ", b"\n", b"\t"))
    with pytest.raises(FileDamagedError, match="there is no vault inside"):
        read_share(data, password="pw")


class TestLooksEncrypted:
    @pytest.mark.parametrize("size", [8_192, 20_000, 65_536, 200_000])
    def test_ciphertext_does(self, size: int) -> None:
        for _ in range(20):
            assert looks_encrypted(gcm(bytes(size), "pw"))

    def test_other_things_do_not(self, fixtures: Path) -> None:
        text = Path(__file__).read_bytes()
        for data in (text, zlib.compress(text * 3), bytes(10_000), bytes(range(256)) * 100 + bytes(400), b"", GG20):
            assert not looks_encrypted(data)
        for file in fixtures.rglob("*.vult"):
            assert not looks_encrypted(file.read_bytes())

    def test_short_things_do_not(self) -> None:
        assert not looks_encrypted(gcm(bytes(8_000), "pw"))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([*fields_of(GG20), "libType", "publicKeyMLDSA44"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_value_in_any_field(name: str, value: object) -> None:
    refuses_clearly(having(**{name: value}))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100), st.text(max_size=60))
def test_any_content(raw: bytes, text: str) -> None:
    refuses_clearly(raw.hex().encode())
    refuses_clearly(b"{" + raw)
    refuses_clearly(("{" + text).encode("utf-8", "surrogatepass").hex().encode())
    refuses_clearly(gcm(raw.hex().encode() + bytes(17_000), "pw"), "pw")
    refuses_clearly(cbc(raw + bytes(17_000), "pw"), "pw")
