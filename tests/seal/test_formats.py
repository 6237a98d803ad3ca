"""The format itself: pinned bytes, the CDDL, and implementations that are not ours."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from typing import Any

import cbor2
import pycddl  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from pycose.keys.symmetric import SymmetricKey
from pycose.messages.enccommon import EncCommon
from pycose.messages.encmessage import EncMessage

from coldshare.seal import Factors, pack, parse, primitives, profile
from coldshare.seal.padding import unpad
from coldshare_iface import codec

Make = Callable[..., bytes]

TOKEN = Factors(token=b"t" * 32)
BOTH = Factors(password="tidal-orchid-velvet-92-kettle", token=b"t" * 32)
RECOVERY = Factors(recovery=b"r" * 32)

GOLDEN_SHA256 = "2aeee44691f1a33894d4a91558e9ad784eda3630f61fa35fa6f98f7f2c149dfe"
GOLDEN = (
    "d860845881a70103054c5232aee890ac8675e3206c263a43530001013a43530002013a435300035000010203040506070809"
    "0a0b0c0d0e0f3a435300045820c356dd69583745963237ae14a494003e6170eebb7eb14db568bc25ade86372d13a43530005"
    "5820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa05868cb0cf194d1f4391d1de9284377"
    "4bf3c744ef3d89f0033896db6e9e47640554314f15e62688d31b44412735509116aaa0bcfbc0f61a64b203339f281b6434e3"
    "709947e363aff200adc94a10b514ad3f83668a93035dbac1d0b8ab2e64ae68b02cd9eb46bdee5e92d3828340a201243a4353"
    "0006a30103025048cca4353b1ef105c4afdfb3494707ab03831a0001000003045828a0fb34f7fdc6b129ec3531bc27bb1d5a"
    "c53a4e122f0f9b792ecabd8c6246ce19a47e2267d76fa5128340a201243a43530006a201080250d608ff90a19daeb5d9d1b0"
    "088cfe4bb058281f59bf2647b4cfabe59ec9bf25ec2e7f79876038bba9ba05d13af595ac792d545fecfea29f6d25ab"
)


def test_golden_bytes(make: Make) -> None:
    """A change here is a change of the format: old backups would no longer open."""
    sealed = make(BOTH, RECOVERY)
    assert sealed.hex() == GOLDEN
    assert hashlib.sha256(sealed).hexdigest() == GOLDEN_SHA256


def test_golden_file_opens(plaintext: bytes) -> None:
    assert parse(bytes.fromhex(GOLDEN)).open(RECOVERY) == plaintext


def test_labels_are_private_and_show_in_a_hex_dump() -> None:
    labels = [
        profile.VERSION,
        profile.SUITE,
        profile.BACKUP_ID,
        profile.COMMIT,
        profile.DECLARATION,
        profile.SLOT,
    ]
    for number, label in enumerate(labels, 1):
        assert label < -65536
        assert cbor2.dumps(label) == b"\x3aCS\x00" + bytes([number])
        assert f" {label}" in (profile.__doc__ or "")


# --- opened by hand --------------------------------------------------------------------------------------


def _hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    return _expand(hmac.digest(salt, secret, "sha256"), info)


def _expand(key: bytes, info: bytes) -> bytes:
    return hmac.digest(key, info + b"\x01", "sha256")


def test_opened_by_hand_from_the_description(make: Make, plaintext: bytes) -> None:
    """Every step of the description again, with cbor2 and the plain functions, and none of our code."""
    message = cbor2.loads(make(BOTH, RECOVERY))
    assert message.tag == 96
    protected, unprotected, ciphertext, recipients = message.value
    assert unprotected == {}
    header = cbor2.loads(protected)
    assert list(header) == [1, 5, -1129512962, -1129512963, -1129512964, -1129512965, -1129512966]
    assert (header[1], header[-1129512962], header[-1129512963]) == (3, 1, 1)

    for index, factors in ((0, BOTH), (1, RECOVERY)):
        empty, slot_unprotected, wrapped = recipients[index]
        slot = slot_unprotected[-1129512967]
        assert (empty, slot_unprotected[1]) == (b"", -5)
        if index == 0:
            memory, passes, lanes = slot[3]
            kdf = Argon2id(salt=slot[2], length=32, iterations=passes, lanes=lanes, memory_cost=memory)
            secret = kdf.derive(b"tidal-orchid-velvet-92-kettle") + (factors.token or b"")
        else:
            secret = factors.recovery or b""
        kek = _hkdf(slot[2], secret, b"coldshare/seal/1 slot" + cbor2.dumps(slot, canonical=True))
        file_key = aes_key_unwrap(kek, wrapped)
        assert header[-1129512965] == _expand(file_key, b"coldshare/seal/1 commit")
        slots = cbor2.dumps([[one[1][-1129512967], one[2]] for one in recipients], canonical=True)
        aad = cbor2.dumps(["Encrypt", protected, hashlib.sha256(slots).digest()])
        assert AESGCM(_expand(file_key, b"coldshare/seal/1 body")).decrypt(header[5], ciphertext, aad) == plaintext


def test_pycose_unwraps_and_decrypts(make: Make, plaintext: bytes) -> None:
    """COSE as somebody else wrote it: the same Enc_structure, the same key wrap."""
    sealed = make(TOKEN, RECOVERY)
    envelope = parse(sealed)
    # Its own `decode` expects lists below a tag, where cbor2 6 has tuples.
    message: Any = EncMessage.from_cose_obj(cbor2.loads(sealed[2:]), allow_unknown_attributes=True)
    assert message.phdr_encoded == envelope.protected

    recipient, slot = message.recipients[1], envelope.slots[1]
    recipient.key = SymmetricKey(k=slot.key(RECOVERY))
    file_key = recipient.decrypt(None)
    assert file_key == primitives.unwrap(slot.key(RECOVERY), slot.wrapped)

    slots = [[slot.header, slot.wrapped] for slot in envelope.slots]
    message.external_aad = hashlib.sha256(codec.encode(slots)).digest()
    assert message._enc_structure == envelope.aad
    message.key = SymmetricKey(k=_expand(file_key, b"coldshare/seal/1 body"))
    assert EncCommon.decrypt(message) == plaintext


def test_argon2id_is_the_reference_function() -> None:
    """A known answer of the reference implementation (test.c, version 0x13)."""
    derived = primitives.argon2id(b"password", b"somesalt", memory_kib=256, passes=2, lanes=1)
    assert derived.hex() == "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"


# --- CDDL ------------------------------------------------------------------------------------------------

CDDL = (resources.files("coldshare.seal") / "seal.cddl").read_text(encoding="utf-8")
# pycddl 0.6.4 applies a `.cbor` inside an array to every item of the array. The header is validated by itself.
SEAL = pycddl.Schema(CDDL.replace("bstr .cbor protected-header", "bstr"))


def _rule(name: str) -> pycddl.Schema:
    return pycddl.Schema(f"start = {name}\n{CDDL}")


def test_sealed_files_follow_the_cddl(make: Make) -> None:
    for slots in ((TOKEN,), (BOTH, RECOVERY), (RECOVERY,) * 8):
        sealed = make(*slots)
        SEAL.validate_cbor(sealed)
        protected, _, _, recipients = cbor2.loads(sealed).value
        _rule("protected-header").validate_cbor(protected)
        for recipient in recipients:
            _rule("slot-header").validate_cbor(cbor2.dumps(recipient[1][profile.SLOT]))


@pytest.mark.parametrize("share", [b"short", b"compressible " * 100])
def test_content_follows_the_cddl(share: bytes) -> None:
    packed = pack(share, [share], declaration=b"d", record={0: "Vault", 7: [1, True, None]})
    content = unpad(packed)
    _rule("content").validate_cbor(content)
    assert cbor2.loads(content)[2] == (len(share) > 100)


@pytest.mark.parametrize("parts", [[], [b"a"], [b"a", [b"b", [b"c", []]], b""]])
def test_parts_follow_the_cddl(parts: list[Any]) -> None:
    _rule("parts").validate_cbor(cbor2.dumps(parts))


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("slot-header", {1: 3, 2: bytes(16)}),
        ("other-slot", {1: 2, 2: bytes(16), 3: [65536, 3, 4]}),
        ("later-slot", {1: 2, 2: bytes(16), 9: 0}),
        ("slot-header", {1: 0, 2: bytes(16)}),
        ("slot-header", {1: 3, 2: bytes(16), 3: [65536, 11, 4]}),
        ("slot-header", {1: 2, 2: bytes(15)}),
        ("protected-header", {1: 3}),
        ("content", {1: 1}),
        ("content", {1: 1, 2: 2, 3: b"\x80", 4: 1, 5: 0, 6: bytes(32), 7: b"", 8: {}}),
        ("content", {1: 1, 2: 0, 3: b"\x01", 4: 1, 5: 0, 6: bytes(32), 7: b"", 8: {}}),
        ("content", {1: 1, 2: 0, 3: b"\x80", 4: 1, 5: 0, 6: bytes(32), 7: b"", 8: {}, 9: 0}),
        ("content", {1: 1, 2: 0, 3: b"\x80", 4: 1, 5: 0, 6: bytes(32), 7: b"", 8: []}),
        ("parts", [1]),
        ("parts", b""),
    ],
)
def test_the_cddl_refuses(rule: str, value: object) -> None:
    with pytest.raises(pycddl.ValidationError):
        _rule(rule).validate_cbor(cbor2.dumps(value))


# --- start-up --------------------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, coldshare.seal as seal; seal.parse, seal.KdfParams();"
        "print(sorted({'cryptography', 'zxcvbn'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
