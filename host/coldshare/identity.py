"""The key with which this computer signs what it tells others: an Ed25519 key (RFC 8032) in a file of its own.

It says nothing about a share and opens nothing. Whoever copies it can tell other computers things in this one's name.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coldshare.errors import InputError
from coldshare.files import OutputError, OutputExistsError, write_private
from coldshare.home import home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["PUBLIC_SIZE", "SIGNATURE_SIZE", "Identity", "IdentityError", "fingerprint", "identity_path", "signed_by"]

PUBLIC_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
_SEED_SIZE: Final = 32
#: 80 bits: nobody finds another key with the same ones.
_FINGERPRINT_BYTES: Final = 10


class IdentityError(InputError):
    """The file with this computer's signing key cannot be used."""

    code = "identity_unreadable"
    next_step = (
        "Bring it back from a backup of this computer. Or move it away: the next report makes a new key, which the "
        "other computers have to compare again."
    )


def identity_path() -> Path:
    return home() / "identity.key"


class Identity:
    """A signing key. It is never shown; `public` is its public half, 32 bytes."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public: bytes = key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"Identity({fingerprint(self.public)})"

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)

    @classmethod
    def load(cls, path: Path | None = None) -> Identity:
        """This computer's, made the first time. Raises IdentityError, OutputError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        where = identity_path() if path is None else path
        seed = _read(where)
        if seed is None:
            made = Ed25519PrivateKey.generate()
            with suppress(OSError):
                where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(OutputExistsError):  # another process was first: its key is the one
                write_private(where, made.private_bytes_raw(), replace=False)
            seed = _read(where)
            if seed is None:
                raise OutputError(f"{where} cannot be written.")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))


def _read(path: Path) -> bytes | None:
    # Without O_NONBLOCK a pipe in its place would have us wait for somebody to write into it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise IdentityError(f"{path} is no file.")
        if os.name == "posix" and mode & 0o077:
            with suppress(OSError):
                os.fchmod(descriptor, 0o600)
        seed = os.read(descriptor, _SEED_SIZE + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        os.close(descriptor)
    if len(seed) != _SEED_SIZE:
        raise IdentityError(f"{path} is not a signing key, or is damaged.")
    return seed


def _unreadable(path: Path, error: OSError) -> IdentityError:
    return IdentityError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.")


def signed_by(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the key `public` has signed exactly these bytes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """What two people compare: 16 letters and digits in groups of four, of the key's SHA-256."""
    text = base64.b32encode(hashlib.sha256(public).digest()[:_FINGERPRINT_BYTES]).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
