#!/usr/bin/env python3
"""Open a sealed backup of coldshare without coldshare.

This is for the day when coldshare itself is gone. It is one file, and needs Python 3.11 or newer and one package that
many other programs use:

    python3 -m pip install "cryptography>=44"       (for a recovery code alone an older one will do)

WHAT YOU NEED

  * the sealed backup: a file, usually coldshare-XXXXXXXX.seal, where XXXXXXXX is the short id of the backup;
  * what opens it: the recovery code, 9 groups of 4 letters and digits, on the paper with the same short id.

HOW TO USE IT

    python3 recover.py coldshare-1a2b3c4d.seal                  what is it, and what opens it?
    python3 recover.py coldshare-1a2b3c4d.seal share.vult       open it, and write the vault file to share.vult

You are asked for the recovery code. What you type is not shown. Capitals, spaces and hyphens do not matter, and 0 or O,
1 or I or L are the same. Secrets can also be in files; they never belong on the command line, where other people who
use the computer can read them:

    --recovery-file FILE   the code; lines that begin with # are notes
    --password-file FILE   the password of the backup (not the one of the vault file)
    --token-file FILE      64 hexadecimal digits: the secret that the token released for this backup
    --fido2-file FILE      64 hexadecimal digits: the hmac-secret output of a FIDO2 key

A backup usually opens in one of two ways: with the password AND the secret of its token, or with the recovery code
alone. The way that is tried is the one that uses every file you gave; what else it takes you are asked for.

The vault file that comes out is the one that was backed up, byte for byte, and its digest has been checked. Only you
can read it, and no existing file is ever overwritten. Import it into the wallet's app. Whoever has it has your share:
use a computer that you trust, offline if you can, and delete the file when the import is done.

The exit status is 0 when all went well, 1 when not, 2 for a wrong command line.

HOW IT WORKS

The sealed file is a COSE_Encrypt message (RFC 9052) in deterministic CBOR (RFC 8949). A random file key encrypts the
body. Each recipient, here called a slot, holds that key wrapped (RFC 3394) under a key made from the slot's secrets:

    key of a slot  = HKDF-SHA256(salt of the slot, secrets, "coldshare/seal/1 slot" || slot header)
    secrets        = Argon2id(password)? || token? || fido2? || recovery?          32 bytes each, in this order
    recovery       = HKDF-SHA256(no salt, the 160 bits of the code, "coldshare/recovery/1")
    commitment     = HKDF-Expand(file key, "coldshare/seal/1 commit")              compared before decrypting
    key of body    = HKDF-Expand(file key, "coldshare/seal/1 body")                AES-256-GCM
    external_aad   = SHA-256 of all slot headers and wrapped keys

The body is padded with 0x80 and zeros. Inside is a map with the original file as a tree of parts, perhaps deflated: a
byte string stands for itself, a list for the base64 of what its items give. Its length and SHA-256 are beside it.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import hmac
import os
import sys
import unicodedata
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

# Labels of the headers, and the lengths of those that are byte strings.
VERSION, SUITE, BACKUP_ID, COMMIT, DECLARATION, SLOT = range(-1129512962, -1129512968, -1)
LENGTHS = {5: 12, BACKUP_ID: 16, COMMIT: 32, DECLARATION: 32}
# The factors by their bit, in the order of the key derivation.
FACTORS = {1: "password", 2: "token", 4: "fido2", 8: "recovery"}
WORDS = {"password": "the password", "token": "the token's secret", "fido2": "the FIDO2 secret"}
WORDS["recovery"] = "the recovery code"
# Bytes. No honest file is beyond them.
PLAINTEXT_MAX, ORIGINAL_MAX, SECRET_MAX = 1 << 20, 16 << 20, 16 << 10
SEALED_MAX = PLAINTEXT_MAX + (1 << 16)


class Trouble(Exception):  # noqa: N818
    """Something that the person must know. Its text never holds a secret."""


class Slot(NamedTuple):
    """One way to open the file: the factors that it needs, none where only a later version knows them."""

    needs: tuple[str, ...]
    header: dict[int, Any]
    wrapped: bytes


class Sealed(NamedTuple):
    """The sealed file as anybody can read it."""

    protected: bytes
    header: dict[int, Any]
    ciphertext: bytes
    slots: list[Slot]


# --- secrets -------------------------------------------------------------------------------------------------------


def recovery_factor(typed: str) -> bytes:
    """Check a recovery code as it was typed, and return the 32 bytes that it stands for."""
    code = "".join(c for c in typed.upper() if not (c.isspace() or c == "\u2212" or unicodedata.category(c) == "Pd"))
    code = code.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(code) != 36:
        raise Trouble(f"A recovery code has 36 letters and digits, in 9 groups of 4; these are {len(code)}.")
    symbols = ["0123456789ABCDEFGHJKMNPQRSTVWXYZ".find(c) for c in code]
    if -1 in symbols:
        raise Trouble(
            f"In group {symbols.index(-1) // 4 + 1} is a character that no recovery code has. (There is no U.)"
        )
    if remainder(symbols):
        for at in range(36):
            if any(not remainder([*symbols[:at], other, *symbols[at + 1 :]]) for other in range(32)):
                raise Trouble(f"The recovery code has a mistake in it. Look at group {at // 4 + 1} first.")
        raise Trouble("The recovery code has a mistake in it, or more than one. Compare it with the paper.")
    number = sum(symbol << 5 * at for at, symbol in enumerate(reversed(symbols[:32])))
    return hkdf(b"", number.to_bytes(20, "big"), b"coldshare/recovery/1")


def remainder(symbols: list[int]) -> int:
    """1 and the symbols, a polynomial over GF(32), modulo x^4 + x^2 + 2x + 3: 0 for a code without mistake."""
    state = 1
    for symbol in symbols:
        top, state = state >> 15, (state & 0x7FFF) << 5 ^ symbol
        for bit, multiple in enumerate((0x00443, 0x00886, 0x0110C, 0x02218, 0x040B5)):
            if top >> bit & 1:
                state ^= multiple
    return state


def password_bytes(password: str) -> bytes:
    """The bytes that a password stands for: any space is U+0020, then Unicode NFC, then UTF-8."""
    if not password or any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        raise Trouble("The password is empty, or has a control character in it such as a line break or a tab.")
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced).encode("utf-8")


def secret_bytes(text: str) -> bytes:
    if len(text.strip()) != 64 or not set(text.strip().lower()) <= set("0123456789abcdef"):
        raise Trouble("The secret of a token or of a FIDO2 key has 64 hexadecimal digits.")
    return bytes.fromhex(text)


READERS = {"password": password_bytes, "token": secret_bytes, "fido2": secret_bytes, "recovery": recovery_factor}


def from_file(name: str, path: str) -> bytes:
    try:
        text = read(path, SECRET_MAX).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Trouble(f"{path} is not text, so it does not hold {WORDS[name]}.") from None
    if name == "recovery":
        text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return READERS[name](text.removesuffix("\n").removesuffix("\r"))


def from_person(name: str) -> bytes | None:
    """What the person types, asked for again until it can be right; None for nothing."""
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                typed = getpass.getpass(f"Type {WORDS[name]} (it is not shown; Enter alone if you do not have it): ")
        except (getpass.GetPassWarning, EOFError):
            raise Trouble(f"There is no terminal to ask for {WORDS[name]}. Use --{name}-file FILE.") from None
        try:
            return READERS[name](typed) if typed else None
        except Trouble as trouble:
            print(trouble, file=sys.stderr)


# --- the sealed file -----------------------------------------------------------------------------------------------


def need(condition: object, where: str) -> None:
    if not condition:
        raise Trouble(f"This is no sealed backup, or it is damaged ({where}). If you have another copy, try that.")


def parse(data: bytes) -> Sealed:
    """Take the file apart. Needs no secret, and proves nothing."""
    need(len(data) <= SEALED_MAX and data[:2] == b"\xd8\x60", "size or first bytes")  # CBOR tag 96: COSE_Encrypt
    message = decode(data[2:], "envelope")
    need(isinstance(message, list) and len(message) == 4, "envelope")
    protected, unprotected, ciphertext, recipients = message
    need(isinstance(protected, bytes) and unprotected == {} and isinstance(recipients, list), "envelope")
    header = decode(protected, "header")
    need(isinstance(header, dict) and VERSION in header and SUITE in header, "header")
    if (header[VERSION], header[SUITE]) != (1, 1):
        raise Trouble("This backup has a later format than this program knows. Look for a newer recover.py.")
    need(header.keys() == {1, VERSION, SUITE, *LENGTHS} and header[1] == 3, "header")  # 3: A256GCM
    need(all(isinstance(header[at], bytes) and len(header[at]) == size for at, size in LENGTHS.items()), "header")
    need(isinstance(ciphertext, bytes) and 16 < len(ciphertext) <= PLAINTEXT_MAX + 16, "body")
    need(1 <= len(recipients) <= 8, "slots")
    return Sealed(protected, header, ciphertext, [parse_slot(recipient) for recipient in recipients])


def parse_slot(recipient: Any) -> Slot:
    need(isinstance(recipient, list) and len(recipient) == 3 and recipient[0] == b"", "slots")
    unprotected, wrapped = recipient[1:]
    need(isinstance(wrapped, bytes) and len(wrapped) == 40, "slots")
    need(isinstance(unprotected, dict) and unprotected.keys() == {1, SLOT} and unprotected[1] == -5, "slots")  # A256KW
    header = unprotected[SLOT]
    need(isinstance(header, dict) and isinstance(header.get(1), int) and header[1] > 0, "slots")
    need(isinstance(header.get(2), bytes) and len(header[2]) == 16, "slots")
    if header[1] > 15:
        return Slot((), header, wrapped)
    need(header.keys() == ({1, 2, 3} if header[1] & 1 else {1, 2}), "slots")
    if header[1] & 1:
        need(isinstance(header[3], list) and len(header[3]) == 3, "slots")
        need(all(isinstance(number, int) for number in header[3]), "slots")
        memory_kib, passes, lanes = header[3]
        if not (1 <= lanes <= 8 and 1 <= passes <= 10 and 8 * lanes <= memory_kib <= 1 << 20):
            raise Trouble("This file asks for more memory or time than any backup of coldshare. Do not trust it.")
    return Slot(tuple(name for bit, name in FACTORS.items() if header[1] & bit), header, wrapped)


def open_sealed(sealed: Sealed, given: dict[str, bytes], ask: Callable[[str], bytes | None]) -> bytes:
    """Try each slot that needs everything given, and beyond it only what can be typed. Return the plaintext."""
    secrets: dict[str, bytes | None] = {**given}
    possible = given.keys() | {"password", "recovery"}
    fitting = [slot for slot in sealed.slots if slot.needs and given.keys() <= set(slot.needs) <= possible]
    tried: list[str] = []
    for slot in sorted(fitting, key=lambda slot: "password" in slot.needs):
        for name in slot.needs:
            if name not in secrets:
                secrets[name] = ask(name)
        known = {name: secret for name, secret in secrets.items() if secret is not None}
        if known.keys() >= set(slot.needs):
            tried += [WORDS[name] for name in slot.needs if WORDS[name] not in tried]
            try:
                return decrypt(sealed, aes_key_unwrap(slot_key(slot, known), slot.wrapped))
            except InvalidUnwrap:
                continue
    if not tried:
        raise Trouble(f"What you gave does not open this backup. It opens with one of:\n{ways(sealed)}")
    raise Trouble(
        f"It does not open: {' or '.join(tried)} is not the one of this backup, whose id begins with "
        f"{short_id(sealed)}. A file that was damaged in its slots looks the same."
    )


def slot_key(slot: Slot, secrets: dict[str, bytes]) -> bytes:
    """The key that the file key was wrapped under, if the secrets are right."""
    salt = slot.header[2]
    parts = [
        argon2id(secrets[name], salt, *slot.header[3]) if name == "password" else secrets[name] for name in slot.needs
    ]
    return hkdf(salt, b"".join(parts), b"coldshare/seal/1 slot" + encode(slot.header))


def argon2id(password: bytes, salt: bytes, memory_kib: int, passes: int, lanes: int) -> bytes:
    print(f"Trying the password. This takes {memory_kib >> 10} MiB of memory and a moment.", file=sys.stderr)
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib).derive(password)
    except (ImportError, UnsupportedAlgorithm):
        raise Trouble("A password needs the package cryptography, version 44 or newer, with Argon2id.") from None
    except MemoryError:
        raise Trouble(f"This computer does not have the {memory_kib >> 10} MiB of memory that this takes.") from None


def hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256, 32 bytes (RFC 5869)."""
    return expand(hmac.digest(salt, secret, "sha256"), info)


def expand(key: bytes, info: bytes) -> bytes:
    return hmac.digest(key, info + b"\x01", "sha256")


def decrypt(sealed: Sealed, file_key: bytes) -> bytes:
    """The padded plaintext. When this returns, everything in the sealed file is as it was sealed."""
    need(hmac.compare_digest(expand(file_key, b"coldshare/seal/1 commit"), sealed.header[COMMIT]), "commitment")
    slots = encode([[slot.header, slot.wrapped] for slot in sealed.slots])
    aad = encode(["Encrypt", sealed.protected, hashlib.sha256(slots).digest()])
    try:
        return AESGCM(expand(file_key, b"coldshare/seal/1 body")).decrypt(sealed.header[5], sealed.ciphertext, aad)
    except InvalidTag:
        raise Trouble(
            "This backup was damaged or changed after it was made. If you have another copy, try that."
        ) from None


def unpack(plaintext: bytes) -> tuple[bytes, bytes, dict[int, Any]]:
    """The original file, whole and checked; the declaration to the token; and what was recorded about the share."""
    content = plaintext.rstrip(b"\0")
    exponent = len(content).bit_length() - 1
    zeros = max(0, exponent - exponent.bit_length())
    # PADME: the length is rounded up to that many zero bits.
    need(content[-1:] == b"\x80" and len(plaintext) == -(-len(content) >> zeros) << zeros, "padding")
    fields = decode(content[:-1], "content")
    need(isinstance(fields, dict) and fields.keys() == set(range(1, 9)), "content")
    version, compression, tree, tree_size, size, digest, declaration, record = (fields[key] for key in range(1, 9))
    if version != 1 or compression not in (0, 1):
        raise Trouble("This backup has a later format than this program knows. Look for a newer recover.py.")
    need(isinstance(tree, bytes) and isinstance(tree_size, int) and 0 < tree_size < ORIGINAL_MAX + (1 << 16), "content")
    need(isinstance(digest, bytes) and isinstance(declaration, bytes) and isinstance(record, dict), "content")
    if compression:
        inflater = zlib.decompressobj(-15)
        try:
            tree = inflater.decompress(tree, tree_size + 1)
        except zlib.error:
            tree = b""
        need(inflater.eof and not inflater.unused_data, "content")
    parts = decode(tree, "content")
    need(len(tree) == tree_size and isinstance(parts, list), "content")
    original = rebuild(parts, 4)
    need(len(original) == size and len(original) <= ORIGINAL_MAX, "length of the file")
    need(hmac.compare_digest(hashlib.sha256(original).digest(), digest), "digest of the file")
    return original, declaration, record


def rebuild(parts: list[Any], layers: int) -> bytes:
    joined = []
    for part in parts:
        need(isinstance(part, bytes) or (isinstance(part, list) and layers), "content")
        joined.append(part if isinstance(part, bytes) else base64.b64encode(rebuild(part, layers - 1)))
    return b"".join(joined)


# --- deterministic CBOR, as much of it as coldshare uses -----------------------------------------------------------


def decode(data: bytes, where: str) -> Any:
    try:
        value, end = read_item(data, 0, 8)
    except (LookupError, ValueError):  # it ends too early, or breaks a rule
        value, end = None, -1
    need(end == len(data), where)
    return value


def read_item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value at that offset, and the offset behind it. A value has one encoding; others are refused."""
    major, count, start = data[at] >> 5, data[at] & 31, at + 1
    if major == 7:
        return {20: False, 21: True, 22: None}[count], start
    if count > 23:
        width = {24: 1, 25: 2, 26: 4, 27: 8}[count]
        count, start = int.from_bytes(data[start : start + width], "big"), start + width
        if start > len(data) or count < (24 if width == 1 else 1 << 4 * width):
            raise ValueError("cut off, or not the shortest form")
    if major < 2:
        return (-1 - count if major else count), start
    if major < 4:
        end = start + count
        if end > len(data):
            raise ValueError("cut off")
        return (data[start:end] if major == 2 else data[start:end].decode("utf-8")), end
    if major == 6 or not depth:
        raise ValueError("a tag, or too deep")
    items: list[Any] = []
    pairs: dict[int, Any] = {}
    last = b""
    for _ in range(count):
        if major == 5:
            key, end = read_item(data, start, 0)
            if data[start] >> 5 > 1 or data[start:end] <= last:
                raise ValueError("a key that is no integer, or not in order")
            last = data[start:end]
            pairs[key], start = read_item(data, end, depth - 1)
        else:
            item, start = read_item(data, start, depth - 1)
            items.append(item)
    return (pairs if major == 5 else items), start


def encode(value: Any) -> bytes:
    """The one encoding of what `decode` gave, or of a part of it."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(sorted(encode(key) + encode(item) for key, item in value.items()))
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    return head(2, len(value)) + value if isinstance(value, bytes) else head(3, len(value.encode())) + value.encode()


def head(major: int, count: int) -> bytes:
    if count < 24:
        return bytes([major << 5 | count])
    info, width = next((24 + power, 1 << power) for power in range(4) if count < 1 << (8 << power))
    return bytes([major << 5 | info]) + count.to_bytes(width, "big")


# --- the command ---------------------------------------------------------------------------------------------------


def ways(sealed: Sealed) -> str:
    unknown = "something that this program does not know"
    return "\n".join("  - " + (" and ".join(WORDS[name] for name in slot.needs) or unknown) for slot in sealed.slots)


def short_id(sealed: Sealed) -> str:
    identity: bytes = sealed.header[BACKUP_ID]
    return identity.hex()[:8]


def shown(name: object) -> str:
    """A name that somebody chose, safe for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(name))[:100]


def read(path: str, limit: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > limit:
        raise Trouble(f"{path} is too large.")
    return data


def write_new(path: Path, data: bytes) -> None:
    """Write a file that did not exist, for its owner only, and read it back. Leave nothing there when that fails."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise Trouble(f"{path} exists already, and nothing is overwritten. Name another file.") from None
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror}.") from None
    good = False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        good = path.read_bytes() == data
        if not good:
            raise Trouble(f"{path} does not read back as it was written. Use another disk.")
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        if not good:
            path.unlink(missing_ok=True)


def run(options: argparse.Namespace) -> None:
    sealed = parse(read(options.sealed, SEALED_MAX))
    print(f"{options.sealed} is a sealed backup. Its id begins with {short_id(sealed)}. It opens with one of:")
    print(ways(sealed), flush=True)
    if options.out is None:
        return
    if os.path.lexists(options.out):
        raise Trouble(f"{options.out} exists already, and nothing is overwritten. Name another file.")
    files = {name: getattr(options, f"{name}_file") for name in WORDS}
    given = {name: from_file(name, path) for name, path in files.items() if path is not None}
    original, declaration, record = unpack(open_sealed(sealed, given, from_person))
    write_new(options.out, original)
    print(f"Opened: the share of {shown(record.get(2))}, a party of the vault {shown(record.get(1))}.")
    print(f"Written: {options.out}, {len(original)} bytes, SHA-256 {hashlib.sha256(original).hexdigest()}")
    if not hmac.compare_digest(hashlib.sha256(declaration).digest(), sealed.header[DECLARATION]):
        print("Note: the computer that made this backup told the token something else about it.")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("sealed", metavar="SEALED", help="the sealed backup")
    parser.add_argument("out", metavar="OUT", nargs="?", type=Path, help="the vault file to write; it must not exist")
    for name, words in WORDS.items():
        parser.add_argument(f"--{name}-file", metavar="FILE", help=f"read {words} from this file")
    try:
        run(parser.parse_args())
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
