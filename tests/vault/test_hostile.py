"""Every field of a file can lie. The answer is one clear sentence with a stable code, never a traceback."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldshare.errors import ColdshareError, InputError
from coldshare.vault import MAX_FILE_SIZE, read_share
from coldshare.vault.errors import FieldError, FileDamagedError, FileTooLargeError
from coldshare.vault.synthetic import encrypt_legacy, make_vault
from coldshare.vault.vault_pb2 import Vault, VaultContainer

from .builders import Opened, edit, open_vult, pack
from .clearly import is_clear, refuses_clearly

VULT = make_vault("Test vault", ["phone", "laptop"], 2, created_at=1_700_000_000)[0].vult


def zip_file() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.vult", VULT)
    return file.getvalue()


def container(**fields: object) -> bytes:
    return base64.b64encode(VaultContainer(**fields).SerializeToString())  # type: ignore[arg-type]


#: As ciphertext looks: every value about as often as every other.
RANDOM = b"".join(hashlib.sha256(bytes([k % 256, k // 256])).digest() for k in range(600))

NOT_VAULT_FILES: list[tuple[str, bytes, str, str]] = [
    ("empty", b"", "vault_file_empty", "empty"),
    ("only white space", b" \n\r\n", "vault_file_empty", "empty"),
    ("zip", zip_file(), "vault_archive", "This is a zip"),
    ("empty zip", b"PK\x05\x06" + bytes(18), "vault_archive", "This is a zip"),
    ("a file of random bytes", RANDOM, "vault_password_needed", "Nothing tells what this file is"),
    ("base64 of random bytes", base64.b64encode(RANDOM), "vault_password_needed", "Nothing tells what this file is"),
    ("hexadecimal of no json", bytes(range(64)).hex().encode(), "vault_file_damaged", "there is no vault inside"),
    ("half a byte missing", b'{"version":"v1"}'.hex().encode()[:-1], "vault_file_damaged", "half a byte"),
    ("few random bytes", RANDOM[:8_000], "not_a_vault_file", "is not a vault file"),
    ("jpeg", bytes.fromhex("ffd8ffe000104a46494600"), "not_a_vault_file", "byte 0 is not a base64 character"),
    ("elf", b"\x7fELF" + bytes(60), "not_a_vault_file", "byte 0"),
    ("prose", b"Dear diary, today I backed up my vault.", "not_a_vault_file", "byte 4"),
    ("utf-16", "CAES".encode("utf-16-le"), "not_a_vault_file", "byte 1"),
    ("byte order mark", b"\xef\xbb\xbf" + VULT, "not_a_vault_file", "byte 0"),
    ("base64 of prose", base64.b64encode(b"Dear diary"), "not_a_vault_file", "no vault container"),
    ("base64 of nothing that fits", base64.b64encode(b"\x08\x01"), "not_a_vault_file", "no vault inside"),
    ("padding only", b"====", "not_a_vault_file", "byte 0"),
    ("url-safe base64", VULT[:40] + b"-_" + VULT[42:], "vault_file_damaged", "byte 40"),
    ("line breaks inside", VULT[:64] + b"\n" + VULT[64:], "vault_file_damaged", "byte 64"),
    ("cut at a multiple of four", VULT[:40_000], "vault_file_damaged", "field 2 should have"),
    ("cut elsewhere", VULT[:40_001], "vault_file_damaged", "40001 characters are not a multiple of four"),
    ("doubled", VULT + VULT, "vault_file_damaged", ""),
    ("container of a number", base64.b64encode(b"\x10\x01"), "not_a_vault_file", "no vault"),
    ("vault not base64", container(version=1, vault="!!!!"), "vault_file_damaged", "byte 0"),
    ("vault is prose", container(version=1, vault="RGVhciBkaWFyeQ=="), "vault_file_damaged", "inside this file"),
    ("vault text not UTF-8", base64.b64encode(b"\x08\x01\x12\x02\xff\xfe"), "not_a_vault_file", "no vault"),
    ("newer container", container(version=2, vault="AAAA"), "not_yet_container", "version 2"),
    ("huge version", container(version=2**64 - 1, vault="AAAA"), "not_yet_container", "version 18446744"),
    ("no version", container(vault="AAAA"), "not_yet_container", "version 0"),
    ("empty vault of an encrypted file", container(version=1, is_encrypted=True), "not_a_vault_file", "no vault"),
    ("a group", base64.b64encode(b"\x08\x01\x12\x00\x1b\x1c"), "vault_file_damaged", "wire type 3"),
    ("field number 0", base64.b64encode(b"\x08\x01\x12\x00\x02\x00"), "vault_file_damaged", "field number"),
    ("endless number", base64.b64encode(b"\x08\x01\x12" + b"\xff" * 12), "vault_file_damaged", "64 bits"),
    ("huge length", base64.b64encode(b"\x08\x01\x12" + b"\xff" * 9 + b"\x01"), "vault_file_damaged", "field 2"),
    ("a million fields", base64.b64encode(b"\x08\x01" * 1_000_000), "not_a_vault_file", "no vault container"),
    ("a vault of many fields", pack(b"\x50\x01" * 5000), "vault_file_damaged", "more than 256 fields"),
]


@pytest.mark.parametrize(
    ("data", "code", "says"), [row[1:] for row in NOT_VAULT_FILES], ids=[row[0] for row in NOT_VAULT_FILES]
)
def test_a_file_that_is_something_else(data: bytes, code: str, says: str) -> None:
    with pytest.raises(ColdshareError) as refused:
        read_share(data)
    assert isinstance(refused.value, InputError) is (code != "vault_password_needed")
    assert refused.value.code == code
    assert says in refused.value.message
    assert is_clear(refused.value)


def test_a_file_over_the_limit_is_not_looked_at() -> None:
    with pytest.raises(FileTooLargeError, match="16 MiB") as refused:
        read_share(bytes(MAX_FILE_SIZE + 1))
    assert refused.value.code == "vault_file_too_large"


def test_a_file_at_the_limit_is() -> None:
    with pytest.raises(InputError) as refused:
        read_share(bytes(MAX_FILE_SIZE))
    assert refused.value.code == "not_a_vault_file"


def field(name: str, value: object) -> Callable[[Opened], None]:
    def change(opened: Opened) -> None:
        if isinstance(value, list):
            getattr(opened.vault, name)[:] = value
        else:
            setattr(opened.vault, name, value)

    return change


def share_text(index: int, text: str) -> bytes:
    opened = open_vult(VULT)
    opened.vault.key_shares[index].keyshare = text
    return pack(opened.vault.SerializeToString())


B_HEX = "58" + "66" * 31


def extra_key_share(key: str, text: str = "AA==") -> Callable[[Opened], object]:
    return lambda opened: opened.vault.key_shares.add(public_key=key, keyshare=text)


BIDI = "\u202egnihsihp"
LIES: list[tuple[Callable[[Opened], object], str, str]] = [
    (field("public_key_ecdsa", ""), "vault_field_invalid", "public_key_ecdsa should be 66 hexadecimal digits"),
    (field("public_key_ecdsa", "0x" + "0" * 64), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_ecdsa", "02" * 32), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_ecdsa", "02" * 33 + "0"), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_ecdsa", "02 " * 22), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_ecdsa", "\uff10" * 66), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_ecdsa", "02" * 33 + "\n"), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_ecdsa", "f" * 1_000_000), "vault_field_invalid", "public_key_ecdsa"),
    (field("public_key_eddsa", "02" * 33), "vault_field_invalid", "public_key_eddsa should be 64 hexadecimal"),
    (field("hex_chain_code", "no"), "vault_field_invalid", "hex_chain_code should be 64 hexadecimal digits"),
    (field("name", "n" * 257), "vault_field_invalid", "name has 257 bytes; 256 is the limit"),
    (field("name", "\u00e9" * 129), "vault_field_invalid", "name has 258 bytes"),
    (field("reshare_prefix", "n" * 257), "vault_field_invalid", "reshare_prefix has 257 bytes"),
    (field("reshare_prefix", "a\x1b[2Jb"), "vault_field_invalid", "reshare_prefix holds control characters"),
    (field("local_party_id", ""), "vault_field_invalid", "local_party_id is empty"),
    (field("local_party_id", " \t"), "vault_field_invalid", "local_party_id is empty"),
    (field("local_party_id", "p" * 257), "vault_field_invalid", "local_party_id has 257 bytes"),
    (field("local_party_id", "phone\x1b[2J"), "vault_field_invalid", "control characters (phone\ufffd[2J)"),
    (field("local_party_id", BIDI), "vault_field_invalid", "control characters (\ufffdgnihsihp)"),
    (field("signers", ["phone", BIDI]), "vault_field_invalid", "signers holds control characters"),
    (field("signers", ["phone", "lap\u2028top"]), "vault_field_invalid", "signers holds control characters"),
    (field("signers", ["phone", "phone"]), "vault_field_invalid", "signers names the party phone more than once"),
    (field("signers", ["phone", ""]), "vault_field_invalid", "signers is empty"),
    (field("signers", []), "share_mismatch", "names 0, the share is for 2"),
    (field("signers", [f"p{k}" for k in range(33)]), "vault_field_invalid", "names 33 parties; 32 is the limit"),
    (field("signers", [f"p{k}" for k in range(200)]), "vault_field_invalid", "names 200 parties"),
    (field("lib_type", 0), "", ""),
    (field("lib_type", 2), "", ""),
    (field("lib_type", 7), "not_yet_library", "library 7"),
    (field("lib_type", -1), "not_yet_library", "library -1"),
    (field("lib_type", 2**31 - 1), "not_yet_library", "library 2147483647"),
    (lambda o: o.vault.key_shares.__delitem__(1), "share_mismatch", "There is none for the vault's EdDSA key"),
    (lambda o: o.vault.key_shares.__delitem__(slice(0, 2)), "share_mismatch", "none for the vault's ECDSA key"),
    (lambda o: o.vault.key_shares.extend([o.vault.key_shares[1]] * 63), "vault_field_invalid", "holds 65 key shares"),
    (extra_key_share(B_HEX), "share_mismatch", "A key share names another public key"),
    (extra_key_share("0" * 65537), "vault_field_invalid", "key_shares has 65537 bytes"),
    (extra_key_share("00", "A" * 65537), "vault_field_invalid", "share of 65537 bytes of an unknown kind"),
    (field("public_key_mldsa44", "0" * 65537), "vault_field_invalid", "public_key_mldsa44 has 65537 bytes"),
    (field("public_key_frozt", "a\nb"), "vault_field_invalid", "public_key_frozt holds control characters"),
]


@pytest.mark.parametrize(("change", "code", "says"), LIES, ids=[f"{n}-{row[1]}" for n, row in enumerate(LIES)])
def test_a_field_that_lies(change: Callable[[Opened], object], code: str, says: str) -> None:
    changed = edit(VULT, change)
    if not code:
        assert read_share(changed)
        return
    with pytest.raises(ColdshareError) as refused:
        read_share(changed)
    assert refused.value.code == code
    assert says in refused.value.message
    assert is_clear(refused.value)
    if isinstance(refused.value, FieldError):
        assert refused.value.field in says or refused.value.field in refused.value.message


@pytest.mark.parametrize("text", ['{"pubkey":"02"}', "", "AAAA", "not base64", "[]", "5", "null"])
def test_no_library_and_no_dkls_share_is_gg20(text: str) -> None:
    opened = open_vult(VULT)
    opened.vault.ClearField("lib_type")
    for share in opened.vault.key_shares:
        share.keyshare = text
    with pytest.raises(FieldError) as refused:
        read_share(pack(opened.vault.SerializeToString()))
    assert refused.value.field.startswith("key_shares")
    assert is_clear(refused.value)


@pytest.mark.parametrize(
    ("index", "text", "code", "says"),
    [
        (0, "!!!!", "vault_field_invalid", "ECDSA share that is damaged: in its base64, byte 0"),
        (1, "AAA", "vault_field_invalid", "EdDSA share that is damaged: in its base64, 3 characters"),
        (1, "AAAB\n", "vault_field_invalid", "EdDSA share that is damaged"),
        (1, "AB==", "vault_field_invalid", "have stray bits"),
        (0, '{"gg20": 1}', "vault_field_invalid", "key_shares.ecdsa_local_data should be an object"),
        (0, "\u00e9" * 4, "vault_field_invalid", "ECDSA share that is damaged"),
        (0, "", "share_layout", "It has 0 bytes"),
        (1, "", "share_layout", "It has 0"),
    ],
)
def test_a_key_share_that_is_not_base64(index: int, text: str, code: str, says: str) -> None:
    with pytest.raises(ColdshareError) as refused:
        read_share(share_text(index, text))
    assert refused.value.code == code
    assert says in refused.value.message
    assert is_clear(refused.value)


def test_a_vault_name_is_shown_without_what_a_screen_would_obey() -> None:
    share = read_share(edit(VULT, field("name", "Safe\x1b[2J\u202eevil\n\u2068")))
    assert share.facts.vault_name == "Safe\ufffd[2J\ufffdevil\ufffd\ufffd"
    assert any("control characters" in warning for warning in share.facts.warnings)


def test_a_vault_without_a_name_is_a_warning() -> None:
    assert any("no name" in warning for warning in read_share(edit(VULT, field("name", " "))).facts.warnings)


@pytest.mark.parametrize("seconds", [-1, 253_402_300_800, 2**63 - 1, -(2**63)])
def test_a_date_that_is_none_is_left_out(seconds: int) -> None:
    facts = read_share(edit(VULT, lambda opened: setattr(opened.vault.created_at, "seconds", seconds))).facts
    assert facts.created_at is None
    assert any("created_at" in warning for warning in facts.warnings)


def test_no_date_is_no_warning() -> None:
    facts = read_share(edit(VULT, lambda opened: opened.vault.ClearField("created_at"))).facts
    assert facts.created_at is None
    assert facts.warnings == ()


def test_fields_that_are_new_are_a_warning() -> None:
    raw = open_vult(VULT).vault.SerializeToString() + b"\x7a\x01x" + b"\x98\x06\x01"
    facts = read_share(pack(raw)).facts
    assert any("(15, 99)" in warning for warning in facts.warnings)


def test_fields_that_are_new_inside_a_message_are_a_warning_too() -> None:
    raw = open_vult(VULT).vault.SerializeToString() + b"\x3a\x06\x0a\x0200\x18\x01" + b"\x5a\x05\x0a\x01x\x20\x01"
    with pytest.raises(FieldError, match="names no chain"):
        read_share(pack(raw))
    raw = open_vult(VULT).vault.SerializeToString() + b"\x3a\x06\x0a\x0200\x18\x01"
    facts = read_share(pack(raw)).facts
    assert any("(7.3)" in warning for warning in facts.warnings)


def test_fields_stated_twice_are_a_warning_and_the_last_counts() -> None:
    raw = open_vult(VULT).vault.SerializeToString() + Vault(name="Second").SerializeToString()
    facts = read_share(pack(raw)).facts
    assert facts.vault_name == "Second"
    assert any("more than once (1)" in warning for warning in facts.warnings)


def test_a_broken_message_inside_a_field() -> None:
    with pytest.raises(FileDamagedError, match="a broken message"):
        read_share(pack(b"\x3a\x02\xff\xff"))
    with pytest.raises(FileDamagedError, match="not UTF-8"):
        read_share(pack(b"\x0a\x02\xff\xff"))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 7, 8, 12, 100, 4096, 50_000, 157_000, -5, -4, -3, -2, -1])
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_truncated_file(length: int, encrypted: bool) -> None:
    data = encrypt_legacy(VULT, "pw") if encrypted else VULT
    with pytest.raises(ColdshareError) as refused:
        read_share(data[:length], password="pw")
    assert is_clear(refused.value)


def test_a_truncated_vault_inside() -> None:
    raw = open_vult(VULT).vault.SerializeToString()
    for length in [*range(0, 300, 7), 1000, 80_000, len(raw) - 200, len(raw) - 1]:
        with pytest.raises(ColdshareError) as refused:
            read_share(pack(raw[:length]))
        assert is_clear(refused.value)


# The last character before one "=" carries 4 bits, before two 2; a flip in the rest would leave the value as it is.
@pytest.mark.parametrize("offset", [*range(24), 200, 400, 600, 800, 50_000, len(VULT) - 3, len(VULT) - 1])
def test_a_flipped_bit_is_refused_or_harmless(offset: int) -> None:
    for bit in range(8):
        damaged = bytearray(VULT)
        damaged[offset] ^= 1 << bit
        refuses_clearly(bytes(damaged))


def test_every_flipped_bit_of_a_share_header_is_refused() -> None:
    """The numbers there are bound to each other, but for the ids, the zeta seeds and what nothing checks."""
    opened = open_vult(VULT)
    unbound = {*range(11, 43), *range(108, 140)} | {172 + 98 * k + j for k in range(2) for j in range(66, 98)}
    for offset in range(172 + 98 * 2):
        changed = bytearray(opened.ecdsa)
        changed[offset] ^= 1 << (offset % 8)
        data = edit(VULT, lambda o, changed=changed: o.ecdsa.__setitem__(slice(None), changed))
        if offset in unbound:
            assert read_share(data)
        else:
            with pytest.raises(ColdshareError) as refused:
                read_share(data)
            assert is_clear(refused.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600))
@example(b"PK")
@example(b"CAES")
@example(b"A===")
def test_any_bytes(data: bytes) -> None:
    refuses_clearly(data)
    refuses_clearly(base64.b64encode(data), "pw")
    refuses_clearly(base64.b64encode(b"\x08\x01\x12" + data))
    refuses_clearly(pack(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100), st.text(max_size=5))
def test_any_encrypted_bytes(blob: bytes, password: str) -> None:
    sealed = VaultContainer(version=1, is_encrypted=True)
    refuses_clearly(pack(blob, sealed), password)
    refuses_clearly(pack(blob, sealed))


TEXTS = st.text(max_size=40) | st.just("phone") | st.just("laptop")


@settings(max_examples=200, deadline=None)
@given(
    name=TEXTS,
    signers=st.lists(TEXTS, max_size=4),
    party=TEXTS,
    prefix=TEXTS,
    seconds=st.integers(-(2**63), 2**63 - 1),
    lib_type=st.sampled_from([0, 1, 1, 1, 2, 3, -1]),
    keep_keys=st.booleans(),
    key=st.text(max_size=70),
)
def test_any_fields(
    name: str,
    signers: list[str],
    party: str,
    prefix: str,
    seconds: int,
    lib_type: int,
    keep_keys: bool,
    key: str,
) -> None:
    def change(opened: Opened) -> None:
        vault = opened.vault
        vault.name, vault.local_party_id, vault.reshare_prefix = name, party, prefix
        vault.signers[:] = signers
        vault.created_at.seconds = seconds
        vault.lib_type = lib_type  # type: ignore[assignment]
        if not keep_keys:
            vault.public_key_ecdsa = vault.key_shares[0].public_key = key

    refuses_clearly(edit(VULT, change))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_bytes_in_a_share_header(writes: list[tuple[int, int]]) -> None:
    def change(opened: Opened) -> None:
        for offset, value in writes:
            opened.ecdsa[offset] = value
            opened.eddsa[offset % 132] = value

    refuses_clearly(edit(VULT, change))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=8), st.integers(0, 8))
def test_any_damage_to_the_vault_message(at: int, insert: bytes, remove: int) -> None:
    raw = open_vult(VULT).vault.SerializeToString()
    at = at if at < 400 else len(raw) - at % 500
    refuses_clearly(pack(raw[:at] + insert + raw[at + remove :]))
