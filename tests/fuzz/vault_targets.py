"""Vault files of every kind, and zips of them."""

from __future__ import annotations

import base64
import hashlib
import json
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from random import Random
from typing import Any

from coldshare.errors import ColdshareError
from coldshare.vault import archive as zips
from coldshare.vault import encryption, split
from coldshare.vault.limits import MAX_ARCHIVE_ENTRIES, MAX_ARCHIVE_SIZE, MAX_FILE_SIZE
from coldshare.vault.names import displayed
from coldshare.vault.synthetic import ChainGroup, make_key_import, make_vault
from coldshare.vault.vault_pb2 import VaultContainer
from fuzz.script import Script
from vault import gg20
from vault.builders import close_vult, open_vult, pack, rebuild
from vault.clearly import is_clear, refuses_clearly
from vault.gg20 import open_gg20
from vault.old_json import cbc, fields_of, hexed

_PASSWORD = "pw"


def _counted() -> Any:
    calls = iter(range(1 << 30))
    return lambda count: hashlib.shake_256(b"draw %d" % next(calls)).digest(count)


@cache
def _vults() -> tuple[bytes, ...]:
    """Plain files: DKLS and a seed import, the same in every process, and GG20."""
    return (
        make_vault("Test vault", ["phone", "laptop"], 2, created_at=1_700_000_000, random=_counted())[0].vult,
        make_key_import("Seed", ["a", "b"], 2, [ChainGroup(("Bitcoin",))], random=_counted())[0].vult,
        _gg20(),
    )


class _Draws:
    """In the place of the `secrets` module: the same draws in every process, or no crash could be run again."""

    def __init__(self) -> None:
        random = Random(1)
        self.randbits = random.getrandbits
        self.randbelow = random.randrange
        self.token_hex = lambda count: random.randbytes(count).hex()


@cache
def _gg20() -> bytes:
    real, gg20.secrets = gg20.secrets, _Draws()  # type: ignore[assignment]
    try:
        for made_of in (gg20.prime, gg20.germain, gg20._own_numbers):
            made_of.cache_clear()
        return gg20.make_gg20("Old vault", ["phone", "laptop", "tablet"])[0].vult()
    finally:
        gg20.secrets = real


@cache
def _messages() -> tuple[bytes, ...]:
    """The vault messages inside."""
    containers = (VaultContainer.FromString(base64.b64decode(vult)) for vult in _vults())
    return tuple(base64.b64decode(container.vault) for container in containers)


@contextmanager
def _few_iterations() -> Iterator[None]:
    real = encryption.VLT2_ITERATIONS
    encryption.VLT2_ITERATIONS = 1  # type: ignore[misc]
    try:
        yield
    finally:
        encryption.VLT2_ITERATIONS = real  # type: ignore[misc]


def _encrypted(script: Script, vault: bytes) -> bytes:
    """A file that the password opens, in every way that the apps encrypt."""
    text = vault.hex().encode()
    match script.number() % 4:
        case 0:
            sealed = _gcm(encryption.legacy_key(_PASSWORD.encode()), vault)
            return pack(sealed, VaultContainer(version=1, is_encrypted=True))
        case 1:
            salt = b"s" * encryption.SALT_SIZE
            sealed = encryption.vlt2_key(_PASSWORD.encode(), salt)
            return pack(
                encryption.VLT2_MAGIC + salt + _gcm(sealed, vault), VaultContainer(version=1, is_encrypted=True)
            )
        case 2:
            return cbc(script.edit(text), _PASSWORD)
        case _:
            return _gcm(encryption.legacy_key(_PASSWORD.encode()), script.edit(text))


def _gcm(key: bytes, plaintext: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = b"n" * encryption.NONCE_SIZE
    return nonce + AESGCM(key).encrypt(nonce, plaintext, None)


def _share(script: Script) -> bytes:
    """A DKLS file with bytes of its key shares written over."""
    opened = open_vult(_vults()[0])
    for _ in range(1 + script.number() % 4):
        share = opened.eddsa if script.flag() else opened.ecdsa
        at = script.number(2) % len(share)
        share[at] = script.number()
    if script.number() % 8 == 0:
        del opened.ecdsa[script.number(3) % len(opened.ecdsa) :]
    return close_vult(opened)


def _put_in(script: Script, value: Any) -> Any:
    """`value`, a JSON value, with one place in it replaced."""
    if isinstance(value, dict) and value and script.number() % 8:
        name = script.pick(sorted(value))
        return {**value, name: _put_in(script, value[name])}
    if isinstance(value, list) and value and script.number() % 8:
        at = script.number() % len(value)
        return [*value[:at], _put_in(script, value[at]), *value[at + 1 :]]
    match script.number() % 8:
        case 0:
            return script.number(script.number() % 40)
        case 1:
            return -script.number()
        case 2:
            return script.string().decode(errors="replace")
        case 3:
            return script.pick((None, True, [], {}, 1.5, "", 0, "9" * 700))
        case 4 if isinstance(value, int):
            return value + 1
        case 5:
            return [value] * (script.number() % 70)
        case 6:
            return {"Curve": "secp256k1", "Coords": [script.number(32), script.number(32)]}
    return value


def _gg20_file(script: Script) -> bytes:
    """A GG20 file with places in the JSON of its key shares replaced, or that text cut up."""
    opened = open_gg20(_gg20())
    for _ in range(script.number() % 3):
        if script.flag():
            opened.ecdsa = _put_in(script, opened.ecdsa)
        else:
            opened.eddsa = _put_in(script, opened.eddsa)
    texts = [json.dumps(text) for text in (opened.ecdsa, opened.eddsa)]
    if script.number() % 4 == 0:
        texts[0] = script.edit(texts[0].encode()).decode(errors="replace")
    for share, text in zip(opened.vault.key_shares, texts, strict=True):
        share.keyshare = text
    return pack(opened.vault.SerializeToString())


def vult(data: bytes) -> None:
    """Every file is read and kept as it is, or refused in clear words; its layers always give it back."""
    script = Script(data)
    password = None
    kind = script.number()
    match kind % 10:
        case 0:
            made = script.rest()
        case 1:
            made = base64.b64encode(script.rest())
        case 2:
            made = pack(script.rest())
        case 3:
            made = pack(script.edit(script.pick(_messages())))
        case 4:
            made = _share(script)
        case 5:
            made = _gg20_file(script)
        case 6:
            old = _put_in(script, {"version": "v1", "vault": fields_of(script.pick(_vults()))})
            made = hexed(old) if script.flag() else json.dumps(old).encode()
        case 7:
            text = json.dumps({"version": "v1", "vault": fields_of(_gg20())}).encode()
            made = script.edit(text).hex().encode()
        case 8:
            password = _PASSWORD if kind & 16 else None
            made = _encrypted(script, script.edit(script.pick(_messages())))
        case _:
            made = script.edit(script.pick(_vults()))
    with _few_iterations():
        refuses_clearly(made, password)
    assert rebuild(split(made)) == made


# --- zips


def _zip(script: Script) -> bytes:
    """A zip with all its checksums right, of members that the script describes, and perhaps damaged afterwards."""
    file = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as made:
        warnings.simplefilter("ignore")  # two of one name
        for _ in range(script.number() % 5):
            name = script.string().decode(errors="replace").replace("\0", "") or "vault.vult"
            entry = zipfile.ZipInfo(name)
            entry.external_attr = script.pick((0, 0o100600 << 16, 0o120777 << 16, 0o40755 << 16, script.number(4)))
            entry.compress_type = script.pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
            content = script.string() * (1 + script.number() * (1 if script.number() % 32 else 400))
            made.writestr(entry, content)
        made.comment = script.string()
    return script.edit(file.getvalue())


def archive(data: bytes) -> None:
    """A zip is refused in clear words, or its members are bounded and what the standard library reads, too."""
    script = Script(data)
    made = script.rest() if script.number() % 4 == 0 else _zip(script)
    try:
        opened = zips.open_archive(made)
    except ColdshareError as error:
        assert is_clear(error)
        return
    assert 1 <= len(opened.members) <= MAX_ARCHIVE_ENTRIES
    assert sum(len(member.data) for member in opened.members) <= MAX_ARCHIVE_SIZE
    assert [member.number for member in opened.members] == list(range(1, 1 + len(opened.members)))
    with zipfile.ZipFile(BytesIO(made)) as other:
        contents = []
        for entry in other.infolist():
            with suppress(Exception):  # folders, links and what else was left out
                contents.append(other.read(entry))
    for member in opened.members:
        assert len(member.data) <= MAX_FILE_SIZE
        assert member.data in contents
        assert displayed(member.name) == member.name
        try:
            chosen = zips.choose_member(opened.members, member.name)
            assert chosen == member or [one.name for one in opened.members].count(member.name) > 1
        except ColdshareError as error:
            assert is_clear(error)
        assert zips.choose_member(opened.members, str(member.number)).data is not None
