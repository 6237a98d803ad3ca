"""The Noise protocol framework (revision 34), as much of it as the channel uses. Sans-IO, portable subset.

The DH function and the cipher are injected (`suite`), so that this very code is proven with ChaChaPoly and AESGCM
against published vectors and run with A128CBC-HS256 (`suite.A128cbcHs256`), whose ciphertexts are longer than
plaintext + 16: wherever Noise writes n + 16 this file asks the cipher for `cipherlen(n)`.
"""

from coldshare_iface.suite import TagError, hmac_sha256, sha256

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_iface.types import Aead, Suite

# Message patterns (Noise sections 7.5 and 9.4). The initiator writes the even rows, the responder the odd ones.
PATTERNS = {
    "NN": (("e",), ("e", "ee")),
    "NNpsk0": (("psk", "e"), ("e", "ee")),
    "XX": (("e",), ("e", "ee", "s", "es"), ("s", "se")),
}
_DH = 32
_NONCE_END = (1 << 64) - 1  # Noise reserves the last nonce


class NoiseError(Exception):
    """A handshake or transport message does not verify, or has an impossible shape."""


class CipherState:
    """A key and its counter (Noise section 5.1)."""

    def __init__(self, cipher: "Aead") -> None:
        self._cipher = cipher
        self._nonce = 0

    def _next(self) -> int:
        nonce = self._nonce
        if nonce >= _NONCE_END:
            raise NoiseError("the nonces of this channel are used up")
        self._nonce = nonce + 1
        return nonce

    def encrypt(self, ad: bytes, plaintext: bytes) -> bytes:
        return self._cipher.encrypt(self._next(), ad, plaintext)

    def decrypt(self, ad: bytes, ciphertext: bytes) -> bytes:
        try:
            return self._cipher.decrypt(self._next(), ad, ciphertext)
        except TagError:
            raise NoiseError("a message does not verify")

    def seal(self, buffer: "bytearray | memoryview", size: int) -> None:
        """Encrypt the first `size` bytes of `buffer` in place, without associated data."""
        self._cipher.seal(self._next(), b"", buffer, size)

    def open(self, buffer: "bytearray | memoryview") -> int:
        """Decrypt `buffer` in place; the length of the plaintext."""
        try:
            return self._cipher.open(self._next(), b"", buffer)
        except TagError:
            raise NoiseError("a message does not verify")


class Handshake:
    """One run of a pattern (Noise section 5.3), for either role.

    `local_static` and `psk` are given where the pattern needs them. After the last message `finished` is true and
    `split()` gives the two transport ciphers, `hash` the handshake hash.
    """

    def __init__(
        self,
        suite: "Suite",
        pattern: str,
        initiator: bool,
        prologue: bytes,
        local_static: "bytes | None" = None,
        psk: "bytes | None" = None,
        ephemeral: "bytes | None" = None,
    ) -> None:
        self._suite = suite
        self._rows = PATTERNS[pattern]
        self._initiator = initiator
        self._row = 0
        self._psk = psk
        self._s = local_static
        self._e = ephemeral  # fixed only in tests; otherwise made when the pattern says so
        self._re = b""
        self.remote_static = b""
        self._cipher: CipherState | None = None
        self._psk_mode = "psk" in pattern
        name = ("Noise_" + pattern + "_" + suite.name).encode()
        self.hash = name + bytes(32 - len(name)) if len(name) <= 32 else sha256(name)
        self._ck = self.hash
        self._mix_hash(prologue)

    @property
    def finished(self) -> bool:
        return self._row == len(self._rows)

    @property
    def my_turn(self) -> bool:
        """True when the next message of the pattern is ours to write."""
        return not self.finished and (self._row % 2 == 0) == self._initiator

    def _mix_hash(self, data: bytes) -> None:
        self.hash = sha256(self.hash, data)

    def _hkdf(self, secret: bytes, outputs: int) -> "list[bytes]":
        temp = hmac_sha256(self._ck, secret)
        out = []
        last = b""
        for i in range(1, outputs + 1):
            last = hmac_sha256(temp, last, bytes((i,)))
            out.append(last)
        return out

    def _mix_key(self, secret: bytes) -> None:
        self._ck, key = self._hkdf(secret, 2)
        self._cipher = CipherState(self._suite.cipher(key))

    def _mix_key_and_hash(self, secret: bytes) -> None:
        self._ck, temp, key = self._hkdf(secret, 3)
        self._mix_hash(temp)
        self._cipher = CipherState(self._suite.cipher(key))

    def _encrypt_and_hash(self, plaintext: bytes) -> bytes:
        out = plaintext if self._cipher is None else self._cipher.encrypt(self.hash, plaintext)
        self._mix_hash(out)
        return out

    def _decrypt_and_hash(self, data: bytes) -> bytes:
        out = data if self._cipher is None else self._cipher.decrypt(self.hash, data)
        self._mix_hash(data)
        return out

    def _dh(self, token: str) -> None:
        # "es" is the initiator's ephemeral with the responder's static key, whoever we are.
        mine = token[0] if self._initiator else token[1]
        theirs = token[1] if self._initiator else token[0]
        private = self._e if mine == "e" else self._s
        public = self._re if theirs == "e" else self.remote_static
        if private is None:
            raise NoiseError("this pattern needs a static key")
        shared = self._suite.dh(private, public)
        if shared == bytes(_DH):
            raise NoiseError("the peer sent a public key of low order")
        self._mix_key(shared)

    def write(self, payload: bytes = b"") -> bytes:
        """Our next handshake message."""
        if not self.my_turn:
            raise NoiseError("not our turn in the handshake")
        out = b""
        for token in self._rows[self._row]:
            if token == "e":
                if self._e is None:
                    self._e = self._suite.generate()
                public = self._suite.public(self._e)
                out += public
                self._mix_hash(public)
                if self._psk_mode:
                    self._mix_key(public)
            elif token == "s":
                if self._s is None:
                    raise NoiseError("this pattern needs a static key")
                out += self._encrypt_and_hash(self._suite.public(self._s))
            elif token == "psk":
                self._mix_psk()
            else:
                self._dh(token)
        out += self._encrypt_and_hash(payload)
        self._row += 1
        return out

    def read(self, message: bytes) -> bytes:
        """The payload of the peer's next handshake message. Raises NoiseError."""
        if self.finished or self.my_turn:
            raise NoiseError("not the peer's turn in the handshake")
        at = 0
        for token in self._rows[self._row]:
            if token == "e":
                self._re = self._take(message, at, _DH)
                at += _DH
                self._mix_hash(self._re)
                if self._psk_mode:
                    self._mix_key(self._re)
            elif token == "s":
                size = _DH if self._cipher is None else self._suite.cipherlen(_DH)
                self.remote_static = self._decrypt_and_hash(self._take(message, at, size))
                at += size
            elif token == "psk":
                self._mix_psk()
            else:
                self._dh(token)
        payload = self._decrypt_and_hash(message[at:])
        self._row += 1
        return payload

    def _mix_psk(self) -> None:
        if self._psk is None:
            raise NoiseError("this pattern needs a pre-shared key")
        self._mix_key_and_hash(self._psk)

    @staticmethod
    def _take(message: bytes, at: int, size: int) -> bytes:
        if len(message) < at + size:
            raise NoiseError("a handshake message is too short")
        return message[at : at + size]

    def split(self) -> "tuple[CipherState, CipherState]":
        """The (sending, receiving) ciphers of this side (Noise section 5.2)."""
        if not self.finished:
            raise NoiseError("the handshake is not finished")
        first, second = self._hkdf(b"", 2)
        a = CipherState(self._suite.cipher(first))
        b = CipherState(self._suite.cipher(second))
        return (a, b) if self._initiator else (b, a)
