"""Taking the base64 layers apart loses nothing, whatever the input."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldshare.vault import MAX_FILE_SIZE, Part, split
from coldshare.vault.layers import MAX_ITEMS
from coldshare.vault.synthetic import encrypt_legacy, make_vault
from coldshare.vault.vault_pb2 import KeyShare, Vault, VaultContainer

from .builders import Opened, edit, open_vult, pack, rebuild

VULT = make_vault("Test vault", ["phone", "laptop"], 2)[0].vult


def leaves(parts: list[Part]) -> int:
    return sum(len(part) if isinstance(part, bytes) else leaves(part) for part in parts)


def depth(part: Part) -> int:
    return 0 if isinstance(part, bytes) else 1 + max(map(depth, part), default=0)


def lists(part: Part) -> list[list[Part]]:
    return [] if isinstance(part, bytes) else [part, *(found for inner in part for found in lists(inner))]


def is_sound(data: bytes) -> bool:
    parts = split(data)
    return (
        rebuild(parts) == data
        and depth(parts) <= 4
        and all(len(found) <= MAX_ITEMS for found in lists(parts))
        and all(part for found in lists(parts) for part in found)
    )


def test_a_plain_file_loses_three_layers(vult: bytes) -> None:
    opened = open_vult(vult)
    (container,) = split(vult)
    assert isinstance(container, list)
    before, vault = container
    assert isinstance(before, bytes)
    assert before.startswith(b"\x08\x01\x12")
    assert isinstance(vault, list)
    assert [part if isinstance(part, bytes) else len(part) for part in vault][1::2] == [1, 1]
    assert vault[1] == [bytes(opened.ecdsa)]
    assert vault[3] == [bytes(opened.eddsa)]
    assert is_sound(vult)
    assert leaves(split(vult)) < 0.43 * len(vult)


def test_an_encrypted_file_loses_two(vult: bytes) -> None:
    encrypted = encrypt_legacy(vult, "pw")
    (container,) = split(encrypted)
    assert isinstance(container, list)
    _, vault, after = container
    assert isinstance(vault, list)
    (ciphertext,) = vault
    assert isinstance(ciphertext, bytes)
    assert after == b"\x18\x01"
    assert is_sound(encrypted)
    assert leaves(split(encrypted)) < 0.563 * len(encrypted)


@pytest.mark.parametrize(
    ("file", "ratio"),
    [
        ("real/TestDKLS1of2.vult", 0.4226),
        ("real/Test-part1of2.vult", 0.5632),
        ("real/TestSecureVault-cfa0-share1of2.vult", 0.5626),
        ("made/orig_2of3/SimVault-2903-share1of3.vult", 0.4223),
        ("made/orig_2of3/SimVault-2903-share1of3.pbkdf2.vult", 0.5626),
        ("made/orig_2of3/SimVault-2903-share1of3.legacy.vult", 0.5626),
    ],
)
def test_how_much_smaller_a_file_becomes(fixtures: Path, file: str, ratio: float) -> None:
    data = (fixtures / file).read_bytes()
    assert leaves(split(data)) <= ratio * len(data)


def test_every_file_rebuilds(fixtures: Path) -> None:
    files = sorted(fixtures.rglob("*.vult"))
    assert len(files) == 20
    for file in files:
        assert is_sound(file.read_bytes())


@pytest.mark.parametrize("tail", [b"\n", b"\r\n", b" \t\n\n"])
def test_white_space_at_the_end_survives(vult: bytes, tail: bytes) -> None:
    parts = split(vult + tail)
    assert parts == [*split(vult), tail]


def variants(vult: bytes) -> dict[str, bytes]:
    def share_text(change: bytes) -> bytes:
        opened = open_vult(vult)
        opened.vault.key_shares[1].keyshare += change.decode()
        return pack(opened.vault.SerializeToString())

    def many_signers(opened: Opened) -> None:
        opened.vault.signers[:] = ["x"] * 500

    raw = open_vult(vult).vault.SerializeToString()
    one = KeyShare(public_key="00", keyshare="QUJD")
    return {
        "empty": b"",
        "a letter": b"A",
        "line breaks": base64.encodebytes(base64.b64decode(vult)),
        "url-safe": base64.urlsafe_b64encode(base64.b64decode(vult)),
        "no padding": base64.b64encode(base64.b64decode(vult) + b"x").rstrip(b"="),
        "stray bits": b"QUJ=",
        "padding inside": b"QQ==QQ==",
        "four levels of base64": base64.b64encode(pack(pack(vult))),
        "key share with a line break": share_text(b"\n"),
        "key share not base64": share_text(b"!"),
        "many signers": edit(vult, many_signers),
        "unknown fields around": pack(b"\x7a\x01x" + raw + b"\x98\x06\x01"),
        "truncated inside": pack(raw[:-3]),
        "a padded length": pack(b"\x0a\x81\x00x" + raw),
        "20 key shares": pack(Vault(key_shares=[one] * 20).SerializeToString()),
        "40 key shares": pack(Vault(key_shares=[one] * 40).SerializeToString()),
        "100 key shares": pack(Vault(key_shares=[one] * 100).SerializeToString()),
        "two vaults": base64.b64encode(VaultContainer(vault="QUJD").SerializeToString() * 2),
        "100 vaults": base64.b64encode(VaultContainer(vault="QUJD").SerializeToString() * 100),
        "a key share with two shares": pack(
            Vault(key_shares=[one]).SerializeToString()[:1] + b"\x06\x12\x00\x12\x02QQ"
        ),
        "random": bytes(range(256)) * 4,
        "zeros": bytes(10_000),
        "bytes that are all white space": b" \n" * 50,
        "over the limit": bytes(MAX_FILE_SIZE + 1),
    }


VARIANTS = variants(VULT)


@pytest.mark.parametrize("name", VARIANTS)
def test_odd_files_rebuild(name: str) -> None:
    assert is_sound(VARIANTS[name])


def test_what_cannot_be_undone_stays_whole() -> None:
    assert split(b"QUJ=") == [b"QUJ="]
    assert split(b"not base64!") == [b"not base64!"]
    assert split(b"") == []
    assert split(b"QUJD") == [[b"ABC"]]


def test_too_many_parts_stay_one_literal() -> None:
    parts = split(VARIANTS["40 key shares"])
    vault = parts[0][-1]
    assert isinstance(vault, list)
    assert [type(part) for part in vault] == [bytes]
    assert len(split(VARIANTS["20 key shares"])[0][-1]) > 20


def test_only_the_layer_that_does_not_come_back_is_kept(vult: bytes) -> None:
    opened = open_vult(vult)
    opened.vault.key_shares[1].keyshare += "\n"
    (container,) = split(pack(opened.vault.SerializeToString()))
    vault = container[-1]
    assert isinstance(vault, list)
    assert [bytes(opened.ecdsa)] in vault
    assert sum(isinstance(part, list) for part in vault) == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
@example(b"\n")
@example(b"QQ==\n")
def test_any_bytes_rebuild(data: bytes) -> None:
    assert is_sound(data)
    assert is_sound(base64.b64encode(data))
    assert is_sound(base64.b64encode(b"\x08\x01\x12" + data))
    assert is_sound(pack(data))
    assert is_sound(pack(b"\x3a" + bytes([len(data) % 128]) + data) + b"\n")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda number, value: bytes([number << 3 | 2, len(value)]) + value,
            st.sampled_from([1, 2, 3, 7, 9]),
            st.binary(max_size=40).map(base64.b64encode)
            | st.binary(max_size=40)
            | st.binary(max_size=30).map(
                lambda raw: b"\x12" + bytes([len(base64.b64encode(raw))]) + base64.b64encode(raw)
            ),
        ),
        max_size=80,
    ),
    st.integers(0, 2000),
    st.integers(0, 255),
)
def test_any_message_rebuilds(fields: list[bytes], at: int, value: int) -> None:
    message = b"".join(fields)
    assert is_sound(pack(message))
    assert is_sound(base64.b64encode(message))
    damaged = bytearray(pack(message))
    damaged[at % len(damaged)] = value
    assert is_sound(bytes(damaged))
