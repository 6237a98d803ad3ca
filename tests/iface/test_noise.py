"""The Noise implementation under standard ciphers: published transcripts, and a peer that somebody else wrote."""

from __future__ import annotations

import hmac
import json
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as AesCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.padding import PKCS7

from coldshare_firmware.x25519 import x25519
from coldshare_iface.noise import CipherState, Handshake, NoiseError
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import CLOSED, OPEN, RECORD_MAX, RemoteProtocolError, Session
from coldshare_iface.suite import A128cbcHs256, TagError
from support.bits import flip

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library dates from 2020
    from noise.backends.default import DefaultNoiseBackend  # type: ignore[import-untyped]
    from noise.connection import Keypair, NoiseConnection  # type: ignore[import-untyped]


class StandardCipher:
    """ChaChaPoly or AESGCM as Noise section 12 lays out their nonces."""

    def __init__(self, name: str, key: bytes) -> None:
        self._aead = AESGCM(key) if name == "AESGCM" else ChaCha20Poly1305(key)
        self._order: Any = "big" if name == "AESGCM" else "little"

    def encrypt(self, nonce: int, ad: bytes, plaintext: bytes) -> bytes:
        return self._aead.encrypt(bytes(4) + nonce.to_bytes(8, self._order), plaintext, ad)

    def decrypt(self, nonce: int, ad: bytes, ciphertext: bytes) -> bytes:
        try:
            return self._aead.decrypt(bytes(4) + nonce.to_bytes(8, self._order), ciphertext, ad)
        except InvalidTag:
            raise TagError from None


class StandardSuite(NativeSuite):
    """X25519 with a cipher that Noise names; its ciphertexts are plaintext + 16."""

    def __init__(self, cipher: str) -> None:
        super().__init__()
        self._name = cipher
        self.name = f"25519_{cipher}_SHA256"

    def cipher(self, key: bytes) -> Any:
        return StandardCipher(self._name, key)

    def cipherlen(self, n: int) -> int:
        return n + 16


CIPHERS = ("ChaChaPoly", "AESGCM")
PATTERNS = ("NN", "NNpsk0", "XX")


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_cacophony(vectors_dir: Path, pattern: str, cipher: str) -> None:
    data = json.loads((vectors_dir / "noise" / "cacophony_25519_sha256.json").read_text())
    (vector,) = (v for v in data["vectors"] if v["protocol_name"] == f"Noise_{pattern}_25519_{cipher}_SHA256")

    def side(who: str) -> Handshake:
        def key(name: str) -> bytes | None:
            value = vector.get(f"{who}_{name}")
            return None if value is None else bytes.fromhex(value)

        (psk,) = vector.get(f"{who}_psks", [""])
        prologue = bytes.fromhex(vector[f"{who}_prologue"])
        secret = bytes.fromhex(psk) or None
        return Handshake(
            StandardSuite(cipher), pattern, who == "init", prologue, key("static"), secret, key("ephemeral")
        )

    pair = [side("init"), side("resp")]
    ciphers: list[tuple[CipherState, CipherState]] = []
    for i, message in enumerate(vector["messages"]):
        payload, ciphertext = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        writer, reader = i % 2, 1 - i % 2
        if not pair[0].finished:
            assert pair[writer].write(payload) == ciphertext
            assert pair[reader].read(ciphertext) == payload
            continue
        if not ciphers:
            assert [one.hash.hex() for one in pair] == [vector["handshake_hash"]] * 2
            ciphers = [one.split() for one in pair]
        assert ciphers[writer][0].encrypt(b"", payload) == ciphertext
        assert ciphers[reader][1].decrypt(b"", ciphertext) == payload
    assert ciphers


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("initiator", [True, False])
@pytest.mark.parametrize("pattern", ["NNpsk0", "XX"])
def test_noiseprotocol_as_the_peer(pattern: str, initiator: bool, cipher: str) -> None:
    psk, prologue, secret = b"k" * 32, b"coldshare test", b"s" * 32
    peer = NoiseConnection.from_name(f"Noise_{pattern}_25519_{cipher}_SHA256".encode())
    if initiator:
        peer.set_as_responder()
    else:
        peer.set_as_initiator()
    peer.set_prologue(prologue)
    if pattern == "XX":
        peer.set_keypair_from_private_bytes(Keypair.STATIC, b"p" * 32)
    else:
        peer.set_psks(psk)
    peer.start_handshake()
    ours = Handshake(StandardSuite(cipher), pattern, initiator, prologue, secret if pattern == "XX" else None, psk=psk)
    while not ours.finished:
        if ours.my_turn:
            assert bytes(peer.read_message(ours.write(b"from us"))) == b"from us"
        else:
            assert ours.read(bytes(peer.write_message(b"from them"))) == b"from them"
    assert peer.handshake_finished
    assert peer.get_handshake_hash() == ours.hash
    if pattern == "XX":
        assert ours.remote_static == ours_public(b"p" * 32)
    send, receive = ours.split()
    for i in range(3):
        assert peer.decrypt(send.encrypt(b"", b"out %d" % i)) == b"out %d" % i
        assert receive.decrypt(b"", peer.encrypt(b"in %d" % i)) == b"in %d" % i


class PaddedCipher:
    """A128CBC-HS256 behind a counter, from the description alone, as noiseprotocol wants a cipher."""

    def initialize(self, key: bytes) -> None:
        self.mac_key, self.aes_key = key[:16], key[16:]

    def _cbc(self, nonce: int) -> tuple[bytes, AesCipher[modes.CBC]]:
        block = AesCipher(algorithms.AES(self.aes_key), modes.ECB()).encryptor()
        iv = block.update(bytes(8) + nonce.to_bytes(8, "big")) + block.finalize()
        return iv, AesCipher(algorithms.AES(self.aes_key), modes.CBC(iv))

    def _tag(self, iv: bytes, ad: bytes | None, body: bytes) -> bytes:
        ad = ad or b""
        return hmac.digest(self.mac_key, ad + iv + body + struct.pack(">Q", 8 * len(ad)), "sha256")[:16]

    def encrypt(self, k: bytes, n: int, ad: bytes | None, plaintext: bytes) -> bytes:
        iv, cbc = self._cbc(n)
        padder = PKCS7(128).padder()
        encryptor = cbc.encryptor()
        body = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
        return body + self._tag(iv, ad, body)

    def decrypt(self, k: bytes, n: int, ad: bytes | None, ciphertext: bytes) -> bytes:
        iv, cbc = self._cbc(n)
        body, tag = ciphertext[:-16], ciphertext[-16:]
        if not hmac.compare_digest(tag, self._tag(iv, ad, body)):
            raise InvalidTag
        decryptor, unpadder = cbc.decryptor(), PKCS7(128).unpadder()
        padded = decryptor.update(body) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()


class PaddedBackend(DefaultNoiseBackend):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.ciphers["A128CBCHS256"] = PaddedCipher


class TokenSuite(NativeSuite):
    """X25519 as the token computes it."""

    def public(self, private: bytes) -> bytes:
        return x25519(private, b"\x09" + bytes(31))

    def dh(self, private: bytes, public: bytes) -> bytes:
        return x25519(private, public)


@pytest.mark.parametrize("suite", [NativeSuite(), TokenSuite()], ids=["host", "token"])
@pytest.mark.parametrize("initiator", [True, False])
def test_noiseprotocol_in_a_session_of_ours(initiator: bool, suite: NativeSuite) -> None:
    """The very protocol of a session, name, prologue and cipher included. (Of XX it could not be the peer: it has 48
    bytes for an encrypted key, where CIPHERLEN is 64.)"""
    info, psk_id, psk = b"info", b"psk id 8", b"k" * 32
    peer = NoiseConnection.from_name(b"Noise_NNpsk0_25519_A128CBCHS256_SHA256", backend=PaddedBackend())
    if initiator:
        peer.set_as_responder()
    else:
        peer.set_as_initiator()
    peer.set_prologue(b"coldshare/1 session" + psk_id + info)
    peer.set_psks(psk)
    peer.start_handshake()
    ours = Session(suite, initiator)
    ours.session(info, psk_id, psk)
    for turn in range(2):
        if (turn == 0) == initiator:
            assert bytes(peer.read_message(ours.write_handshake())) == b""
        else:
            ours.read_handshake(bytes(peer.write_message()))
    assert peer.handshake_finished
    assert ours.state == OPEN
    for size in (0, 15, 16, 17, RECORD_MAX):
        assert peer.decrypt(ours.seal(bytes(size))) == bytes(size)
        assert ours.open(peer.encrypt(bytes(size))) == bytes(size)
    with pytest.raises(RemoteProtocolError):
        ours.open(flip(peer.encrypt(b"damaged")))
    assert ours.state == CLOSED


def ours_public(private: bytes) -> bytes:
    return NativeSuite().public(private)


def a_pair(pattern: str = "NNpsk0", **change: Any) -> tuple[Handshake, Handshake]:
    keys: dict[str, Any] = {"local_static": b"s" * 32, "psk": b"k" * 32} | change
    host = Handshake(NativeSuite(), pattern, True, b"p", **keys)
    return host, Handshake(NativeSuite(), pattern, False, b"p", **keys)


@pytest.mark.parametrize(
    ("pattern", "sizes"),
    # Keys are 32 bytes, an encrypted key CIPHERLEN(32) = 64, an empty payload under a key CIPHERLEN(0) = 32.
    [("XX", (32, 32 + 64 + 32, 64 + 32)), ("NNpsk0", (32 + 32, 32 + 32)), ("NN", (32, 32 + 32))],
)
def test_message_sizes_with_the_padded_cipher(pattern: str, sizes: tuple[int, ...]) -> None:
    host, token = a_pair(pattern)
    for i, size in enumerate(sizes):
        writer, reader = (host, token) if i % 2 == 0 else (token, host)
        message = writer.write()
        assert len(message) == size
        assert reader.read(message) == b""
    assert host.hash == token.hash
    assert A128cbcHs256.cipherlen(32) == 64


def test_turns_are_kept() -> None:
    host, token = a_pair()
    for call in (token.write, host.split, lambda: host.read(b"")):
        with pytest.raises(NoiseError):
            call()
    token.read(host.write())
    host.read(token.write())
    for side in (host, token):
        assert side.finished
        assert not side.my_turn
        for last in (side.write, lambda side=side: side.read(bytes(64))):
            with pytest.raises(NoiseError):
                last()


def test_missing_keys_are_named() -> None:
    with pytest.raises(NoiseError, match="pre-shared"):
        a_pair(psk=None)[0].write()
    host, token = a_pair("XX", local_static=None)
    token.read(host.write())
    with pytest.raises(NoiseError, match="static"):
        token.write()


def test_the_last_nonce_is_never_used() -> None:
    state = CipherState(A128cbcHs256(NativeSuite()._aes, bytes(32)))
    state._nonce = (1 << 64) - 2
    state.encrypt(b"", b"")
    for call in (state.encrypt, state.decrypt):
        with pytest.raises(NoiseError, match="used up"):
            call(b"", b"")
