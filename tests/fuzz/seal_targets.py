"""Sealed files: anything, true ones with damage, and ones sealed again by somebody who has the keys."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from coldshare.errors import ColdshareError
from coldshare.seal import Factors, KdfParams, pack, parse, primitives, profile, unpack
from coldshare.seal import seal as make
from coldshare.seal.content import _deflate
from coldshare.seal.padding import pad, unpad
from coldshare_iface import codec
from coldshare_iface.codec import CodecError
from fuzz.script import Script

_PASSWORD = "tidal-orchid-velvet-92-kettle"
_TOKEN = Factors(token=b"t" * 32)
_ALL = Factors(password=_PASSWORD, token=b"t" * 32, fido2=b"f" * 32, recovery=b"r" * 32)
_SHARE = b"a small share, " * 12
_OPTIONS: dict[str, Any] = {"limit": profile.SEALED_MAX, "negative_keys": True}


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """SHA-256 in the place of Argon2id, which would take all the time there is. Its bounds still hold."""
    real = primitives.argon2id

    def hashed(password: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
        assert 8 * lanes <= memory_kib <= 1 << 20
        assert 1 <= passes <= 10
        assert 1 <= lanes <= 8
        return hashlib.sha256(b"%d %d %d " % (memory_kib, passes, lanes) + salt + password).digest()

    primitives.argon2id = hashed
    try:
        yield
    finally:
        primitives.argon2id = real


@cache
def sealed_files() -> tuple[bytes, ...]:
    """True sealed files of a small share; call it under `cheap_passwords`."""
    plaintext = pack(_SHARE, [_SHARE], declaration=b"declared", record={1: "Vault"})
    draws = iter(range(256))
    return tuple(
        make(
            plaintext,
            backup_id=bytes(range(16)),
            declaration_digest=bytes(range(32)),
            slots=slots,
            kdf=KdfParams(64 << 10, 3, 4),
            random=lambda count: hashlib.shake_256(b"draw %d" % next(draws)).digest(count),
        )
        for slots in (
            [_TOKEN],
            [Factors(password=_PASSWORD, token=b"t" * 32), Factors(recovery=b"r" * 32)],
            [Factors(fido2=b"f" * 32)],
        )
    )


def _clear(error: ColdshareError) -> None:
    assert error.code != "error"
    assert error.message
    assert error.next_step


def _file(data: bytes, resealed: bool = False) -> None:
    try:
        envelope = parse(data)
    except ColdshareError as error:
        _clear(error)
        return
    # Nothing was read that is not there, and nothing was passed over.
    slots = [[b"", {1: profile.A256KW, profile.SLOT: slot.header}, slot.wrapped] for slot in envelope.slots]
    again = [envelope.protected, {}, envelope.ciphertext, slots]
    assert codec.encode(again, tag=profile.COSE_ENCRYPT, **_OPTIONS) == data
    for factors in (_TOKEN, _ALL, Factors(password=_PASSWORD)):
        try:
            plaintext = envelope.open(factors, allow_cost=lambda cost: True)
        except ColdshareError as error:
            _clear(error)
        else:
            assert resealed or data in sealed_files()
            _content(plaintext)


def _content(plaintext: bytes) -> None:
    try:
        content = unpack(plaintext)
    except ColdshareError as error:
        _clear(error)
        return
    assert len(content.original) <= profile.ORIGINAL_MAX
    inner = codec.decode(unpad(plaintext), limit=profile.PLAINTEXT_MAX)
    assert pad(codec.encode(inner, limit=profile.PLAINTEXT_MAX)) == plaintext


def _value(script: Script, depth: int = 3) -> object:
    """Like `Script.value`, for the shapes of a tree of parts."""
    if depth and script.number() % 3 == 0:
        return [_value(script, depth - 1) for _ in range(script.number() % 5)]
    return script.string() if script.number() % 8 else script.value()


def _joined(tree: list[object]) -> bytes:
    """What a tree of parts stands for, without whatever is no part."""
    return b"".join(
        base64.b64encode(_joined(part)) if isinstance(part, list) else part
        for part in tree
        if isinstance(part, (bytes, list))
    )


def _made_content(script: Script) -> bytes:
    """A content map with true lengths and digests around a tree from the script, some of it wrong."""
    tree = [_value(script) for _ in range(script.number() % 5)]
    try:
        encoded = codec.encode(tree, items=256, limit=1 << 20)
    except CodecError:
        encoded = script.rest()
    original = _joined(tree)
    deflated = script.flag()
    stored = script.edit(_deflate(encoded)) if deflated else encoded
    fields: dict[int, object] = {
        1: 1,
        2: int(deflated),
        3: stored,
        4: len(encoded),
        5: len(original),
        6: hashlib.sha256(original).digest(),
        7: script.string(),
        8: {},
    }
    for _ in range(script.number() % 3):
        key = script.number() % 10
        fields[key] = script.value()
    try:
        return pad(codec.encode(fields, limit=profile.PLAINTEXT_MAX))
    except CodecError:
        return pad(script.rest())


def _resealed(script: Script) -> bytes:
    """A true file with its header, its slots or its content changed, and encrypted again under the true file key."""
    base = sealed_files()[0]
    envelope = parse(base)
    file_key = primitives.unwrap(envelope.slots[0].key(_TOKEN), envelope.slots[0].wrapped)
    body = _made_content(script) if script.flag() else envelope.decrypt(file_key)
    parts: Any = codec.decode(base, tag=profile.COSE_ENCRYPT, **_OPTIONS)
    header: Any = codec.decode(envelope.protected, negative_keys=True)
    kind = script.number()
    if kind & 1:
        label = script.pick(list(header))
        header[label] = script.value()
    if kind & 2:
        labels = {profile.SLOT_FACTORS: script.number(), profile.SLOT_SALT: script.take(16).ljust(16, b"s")}
        if script.flag():
            labels[profile.SLOT_KDF] = [script.number(script.number() % 5), script.number(), script.number()]  # type: ignore[assignment]
        if script.flag():
            labels[script.number() % 12] = script.value()  # type: ignore[assignment]
        recipient: Any = [b"", {1: profile.A256KW, profile.SLOT: labels}, script.take(40).ljust(40, b"w")]
        if script.number() % 8 == 0:
            at = script.number() % 3
            recipient[at] = script.value()
        parts[3].insert(script.number() % 2, recipient)
    parts[0] = codec.encode(header, negative_keys=True)
    changed = codec.encode(parts, tag=profile.COSE_ENCRYPT, **_OPTIONS)
    try:
        now = parse(changed)
    except ColdshareError:
        return changed
    parts[2] = primitives.encrypt(primitives.hkdf_expand(file_key, profile.INFO_BODY), now.iv, body, now.aad)
    return codec.encode(parts, tag=profile.COSE_ENCRYPT, **_OPTIONS)


def _rebuilt(script: Script) -> bytes:
    """A true file with one of its parts replaced, and nothing encrypted again."""
    parts: Any = codec.decode(script.pick(sealed_files()), tag=profile.COSE_ENCRYPT, **_OPTIONS)
    where: Any = parts
    for _ in range(script.number() % 4):
        inner = where[script.number() % len(where)] if isinstance(where, list) else None
        if not isinstance(inner, list) or not inner:
            break
        where = inner
    at = script.number() % len(where)
    where[at] = script.value()
    return codec.encode(parts, tag=profile.COSE_ENCRYPT, **_OPTIONS)


def seal(data: bytes) -> None:
    """No sealed file but a true one opens; a content is what it says or is refused; keys and memory stay bounded."""
    with cheap_passwords():
        script = Script(data)
        match script.number() % 6:
            case 0:
                _file(script.rest())
            case 1:
                _file(script.edit(script.pick(sealed_files())))
            case 2:
                _content(pad(script.rest()))
            case 3:
                _content(_made_content(script))
            case 4:
                with suppress(CodecError):
                    _file(_resealed(script), resealed=True)
            case 5:
                with suppress(CodecError):
                    _file(_rebuilt(script))
