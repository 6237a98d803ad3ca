"""The Noise implementation under standard ciphers: published transcripts, and a peer that somebody else wrote."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from coldshare_iface.noise import CipherState, Handshake, NoiseError
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.suite import A128cbcHs256, TagError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library dates from 2020
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
