"""Sealing, parsing and opening: what opens, what does not, and what is said about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from coldshare.errors import ColdshareError, InputError, IntegrityError, SecretError
from coldshare.seal import (
    DamagedSealError,
    Factor,
    Factors,
    KdfCostError,
    KdfParams,
    MissingFactorError,
    SealTooLargeError,
    UnsupportedSealError,
    WeakPasswordError,
    WrongFactorError,
    parse,
    primitives,
    profile,
    seal,
    unpack,
)
from coldshare_iface import codec

Make = Callable[..., bytes]

PASSWORD = "tidal-orchid-velvet-92-kettle"
TOKEN = Factors(token=b"t" * 32)
RECOVERY = Factors(recovery=b"r" * 32)
BOTH = Factors(password=PASSWORD, token=b"t" * 32)
ALL = Factors(password=PASSWORD, token=b"t" * 32, fido2=b"f" * 32, recovery=b"r" * 32)
PUBLIC: dict[str, Any] = {"backup_id": bytes(16), "declaration_digest": bytes(32)}


# --- there and back ------------------------------------------------------------------------------------


def test_password_and_token_with_the_real_kdf(make: Make, plaintext: bytes) -> None:
    sealed = make(BOTH)
    envelope = parse(sealed)
    assert envelope.open(BOTH) == plaintext
    for factors in (Factors(password=PASSWORD + "!", token=b"t" * 32), Factors(password=PASSWORD, token=b"u" * 32)):
        with pytest.raises(WrongFactorError, match="the password is wrong, or this token is not the one"):
            envelope.open(factors)


def test_what_is_readable_without_a_secret(make: Make) -> None:
    envelope = parse(make(BOTH, RECOVERY))
    assert (envelope.version, envelope.suite) == (1, 1)
    assert envelope.backup_id == bytes(range(16))
    assert envelope.declaration_digest == bytes(range(32))
    assert [slot.factors for slot in envelope.slots] == [Factor.PASSWORD | Factor.TOKEN, Factor.RECOVERY]
    assert [slot.names for slot in envelope.slots] == [("password", "token"), ("recovery",)]
    assert [slot.kdf for slot in envelope.slots] == [KdfParams(64 << 10, 3, 4), None]


def test_nothing_of_the_content_is_readable(make: Make) -> None:
    sealed = make()
    for word in (b"small share", b"declared", b"Vault"):
        assert word not in sealed


@pytest.mark.parametrize("bits", range(1, 16))
def test_every_combination_of_factors(bits: int, make: Make, plaintext: bytes, fast_argon2: list[KdfParams]) -> None:
    chosen = {
        name: getattr(ALL, name)
        for name, factor in (("password", 1), ("token", 2), ("fido2", 4), ("recovery", 8))
        if bits & factor
    }
    envelope = parse(make(Factors(**chosen)))
    assert envelope.slots[0].factors == bits
    assert envelope.open(ALL) == plaintext
    for name in chosen:
        wrong = dict(chosen, **{name: "another" if name == "password" else b"x" * 32})
        with pytest.raises(WrongFactorError):
            envelope.open(Factors(**wrong))
        with pytest.raises(MissingFactorError) as missing:
            envelope.open(Factors(**{**chosen, name: None}))
        assert missing.value.needed == (tuple(chosen),)


def test_factors_do_not_stand_in_for_one_another(make: Make) -> None:
    """The same 32 bytes under another name open nothing."""
    envelope = parse(make(Factors(token=b"s" * 32)))
    with pytest.raises(MissingFactorError):
        envelope.open(Factors(recovery=b"s" * 32))


def test_eight_slots_each_open(make: Make, plaintext: bytes) -> None:
    tokens = [Factors(token=bytes([number]) * 32) for number in range(8)]
    envelope = parse(make(*tokens))
    assert all(envelope.open(token) == plaintext for token in tokens)
    with pytest.raises(WrongFactorError, match="this token is not the one"):
        envelope.open(Factors(token=b"x" * 32))


def test_slots_without_a_password_are_tried_first(make: Make, plaintext: bytes, fast_argon2: list[KdfParams]) -> None:
    envelope = parse(make(BOTH, TOKEN))
    fast_argon2.clear()
    assert envelope.open(BOTH) == plaintext
    assert fast_argon2 == []


def test_two_seals_of_the_same_share_have_nothing_in_common() -> None:
    one, other = (parse(seal(b"same", slots=[TOKEN], **PUBLIC)) for _ in range(2))
    assert one.iv != other.iv
    assert one.commitment != other.commitment
    assert one.ciphertext != other.ciphertext
    assert one.slots[0].salt != other.slots[0].salt
    assert one.slots[0].wrapped != other.slots[0].wrapped


@pytest.mark.parametrize("length", [1, 1000, 1 << 20])
def test_lengths_and_overhead(length: int) -> None:
    body = os.urandom(length)
    sealed = seal(body, slots=[TOKEN], **PUBLIC)
    assert len(sealed) - length <= 240
    assert parse(sealed).open(TOKEN) == body


# --- what cannot be told apart is not pretended to be ----------------------------------------------------


def test_missing_factors_are_named(make: Make, fast_argon2: list[KdfParams]) -> None:
    with pytest.raises(MissingFactorError) as missing:
        parse(make(BOTH, RECOVERY)).open(Factors(token=b"t" * 32))
    assert missing.value.needed == (("password", "token"), ("recovery",))
    assert "the password and the token; or with the recovery code" in str(missing.value)


def test_a_slot_of_a_later_version_is_passed_over_and_authenticated(make: Make, plaintext: bytes) -> None:
    def later(parts: list[Any]) -> None:
        parts[3].append([b"", {1: -5, profile.SLOT: {1: 16 | 2, 2: b"s" * 16, 9: ["anything"]}}, b"w" * 40])

    sealed = make()
    # `_with` seals anew, as a later version would.
    body = _with(sealed, later)
    assert [slot.known for slot in parse(body).slots] == [True, False]
    assert parse(body).open(TOKEN) == plaintext
    # Alone it is named for what it is.
    alone = _edit(body, lambda parts: parts[3].pop(0))
    with pytest.raises(MissingFactorError, match="does not know") as missing:
        parse(alone).open(ALL)
    assert missing.value.needed == ((),)
    # Changed afterwards, it spoils the file for every slot.
    with pytest.raises(DamagedSealError):
        parse(_edit(body, lambda parts: parts[3][1][1][profile.SLOT].update({9: ["else"]}))).open(TOKEN)


# --- hostile and damaged files ---------------------------------------------------------------------------


def _take(sealed: bytes) -> list[Any]:
    return codec.decode(sealed, limit=1 << 21, negative_keys=True, tag=96)  # type: ignore[return-value]


def _put(parts: list[Any]) -> bytes:
    return codec.encode(parts, limit=1 << 21, negative_keys=True, tag=96)


def _edit(sealed: bytes, change: Callable[[list[Any]], object]) -> bytes:
    """Change the decoded message, and write it back."""
    parts = _take(sealed)
    change(parts)
    return _put(parts)


def _with(sealed: bytes, change: Callable[[list[Any]], object]) -> bytes:
    """Change the slots of a message that opens with TOKEN and encrypt again, as one who has the file key can."""
    envelope = parse(sealed)
    file_key = primitives.unwrap(envelope.slots[0].key(TOKEN), envelope.slots[0].wrapped)
    body = envelope.decrypt(file_key)
    changed = parse(_edit(sealed, change))
    key = primitives.hkdf_expand(file_key, b"coldshare/seal/1 body")
    ciphertext = primitives.encrypt(key, changed.iv, body, changed.aad)
    return _edit(_edit(sealed, change), lambda parts: parts.__setitem__(2, ciphertext))


def test_every_flipped_bit_is_refused(make: Make, fast_argon2: list[KdfParams]) -> None:
    sealed = make(BOTH)
    whole = int.from_bytes(sealed, "big")
    allow = lambda kdf: True  # noqa: E731
    for bit in range(8 * len(sealed)):
        with pytest.raises(ColdshareError):
            parse((whole ^ 1 << bit).to_bytes(len(sealed), "big")).open(ALL, allow_cost=allow)


def test_a_flipped_bit_in_each_byte_of_a_file_with_several_slots(make: Make, fast_argon2: list[KdfParams]) -> None:
    """Whichever slot is used, damage to any other one shows too."""
    sealed = make(BOTH, RECOVERY, Factors(fido2=b"f" * 32))
    for opener in (BOTH, RECOVERY, Factors(fido2=b"f" * 32)):
        for position in range(len(sealed)):
            damaged = bytearray(sealed)
            damaged[position] ^= 1 << (position % 8)
            with pytest.raises(ColdshareError):
                parse(bytes(damaged)).open(opener, allow_cost=lambda kdf: True)


def test_every_truncation_and_a_trailing_byte_are_refused(make: Make) -> None:
    sealed = make()
    for length in range(len(sealed)):
        with pytest.raises(DamagedSealError, match="the bytes end in the middle"):
            parse(sealed[:length])
    with pytest.raises(DamagedSealError, match="there are bytes after the value"):
        parse(sealed + b"\x00")


def test_the_key_commitment_is_compared_before_anything_is_decrypted(
    make: Make, plaintext: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does decrypt under the key of the slot is refused when the header commits to another key."""
    envelope = parse(make())
    other_key = b"o" * 32

    def commit_to_another_key(parts: list[Any]) -> None:
        header = codec.decode(parts[0], negative_keys=True)
        assert isinstance(header, dict)
        header[profile.COMMIT] = primitives.hkdf_expand(other_key, b"coldshare/seal/1 commit")
        parts[0] = codec.encode(header, negative_keys=True)

    forged = parse(_with(make(), commit_to_another_key))
    file_key = primitives.unwrap(envelope.slots[0].key(TOKEN), envelope.slots[0].wrapped)
    body_key = primitives.hkdf_expand(file_key, b"coldshare/seal/1 body")
    assert primitives.decrypt(body_key, forged.iv, forged.ciphertext, forged.aad) == plaintext

    monkeypatch.setattr(primitives, "decrypt", lambda *_: pytest.fail("it was decrypted"))
    with pytest.raises(DamagedSealError) as refused:
        forged.open(TOKEN)
    assert refused.value.where == "commitment"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda slots: slots.pop(0), id="first slot taken away"),
        pytest.param(lambda slots: slots.pop(), id="last slot taken away"),
        pytest.param(lambda slots: slots.reverse(), id="slots in another order"),
        pytest.param(lambda slots: slots.append(slots[0]), id="slot repeated"),
        pytest.param(lambda slots: slots.append(_take_foreign()), id="foreign slot added"),
        pytest.param(lambda slots: slots.__setitem__(2, _take_foreign()), id="slot replaced"),
    ],
)
def test_slots_cannot_be_changed(change: Callable[[list[Any]], object], make: Make) -> None:
    tokens = [Factors(token=bytes([number]) * 32) for number in range(3)]
    sealed = _edit(make(*tokens), lambda parts: change(parts[3]))
    with pytest.raises(DamagedSealError) as refused:
        parse(sealed).open(tokens[1])
    assert refused.value.where == "body"


def _take_foreign() -> Any:
    return _take(seal(b"foreign", slots=[TOKEN], **PUBLIC))[3][0]


def _header(change: Callable[[dict[int, Any]], object]) -> Callable[[list[Any]], object]:
    def changed(parts: list[Any]) -> None:
        header: Any = codec.decode(parts[0], negative_keys=True)
        change(header)
        parts[0] = codec.encode(header, negative_keys=True)

    return changed


def _slot(change: Callable[[dict[int, Any]], object]) -> Callable[[list[Any]], object]:
    return lambda parts: change(parts[3][0][1][profile.SLOT])


DAMAGE: list[tuple[str, str, Callable[[list[Any]], object]]] = [
    ("envelope", "three parts", lambda parts: parts.pop()),
    ("envelope", "five parts", lambda parts: parts.append(0)),
    ("envelope", "no parts", lambda parts: parts.clear()),
    ("envelope", "unprotected header", lambda parts: parts[1].update({4: b"kid"})),
    ("envelope", "unprotected header is a list", lambda parts: parts.__setitem__(1, [])),
    ("envelope", "detached content", lambda parts: parts.__setitem__(2, None)),
    ("envelope", "recipients are a map", lambda parts: parts.__setitem__(3, {})),
    ("slots", "no recipients", lambda parts: parts[3].clear()),
    ("slots", "nine recipients", lambda parts: parts[3].extend(parts[3] * 8)),
    ("body", "no body", lambda parts: parts.__setitem__(2, b"")),
    ("body", "only a tag", lambda parts: parts.__setitem__(2, b"t" * 16)),
    ("protected header", "empty", lambda parts: parts.__setitem__(0, b"")),
    ("protected header", "not a map", lambda parts: parts.__setitem__(0, b"\x80")),
    ("protected header", "trailing byte", lambda parts: parts.__setitem__(0, parts[0] + b"\x00")),
    ("protected header", "another algorithm", _header(lambda header: header.update({1: 24}))),
    ("protected header", "no algorithm", _header(lambda header: header.pop(1))),
    ("protected header", "no version", _header(lambda header: header.pop(profile.VERSION))),
    ("protected header", "version true", _header(lambda header: header.update({profile.VERSION: True}))),
    ("protected header", "version text", _header(lambda header: header.update({profile.VERSION: "1"}))),
    ("protected header", "suite true", _header(lambda header: header.update({profile.SUITE: True}))),
    ("protected header", "no IV", _header(lambda header: header.pop(5))),
    ("protected header", "long IV", _header(lambda header: header.update({5: bytes(13)}))),
    ("protected header", "IV is a list", _header(lambda header: header.update({5: [0] * 12}))),
    ("protected header", "short id", _header(lambda header: header.update({profile.BACKUP_ID: bytes(15)}))),
    ("protected header", "short commitment", _header(lambda header: header.update({profile.COMMIT: b""}))),
    ("protected header", "text digest", _header(lambda header: header.update({profile.DECLARATION: "a" * 32}))),
    ("protected header", "one label more", _header(lambda header: header.update({4: b"kid"}))),
    ("slot 1", "recipient of two parts", lambda parts: parts[3][0].pop()),
    ("slot 1", "recipient with recipients", lambda parts: parts[3][0].append([])),
    ("slot 1", "recipient is null", lambda parts: parts[3].__setitem__(0, None)),
    ("slot 1", "protected header", lambda parts: parts[3][0].__setitem__(0, b"\xa0")),
    ("slot 1", "another wrap", lambda parts: parts[3][0][1].update({1: -3})),
    ("slot 1", "key id", lambda parts: parts[3][0][1].update({4: b"kid"})),
    ("slot 1", "no slot header", lambda parts: parts[3][0][1].pop(profile.SLOT)),
    ("slot 1", "slot header is a list", lambda parts: parts[3][0][1].update({profile.SLOT: []})),
    ("slot 1", "short key", lambda parts: parts[3][0].__setitem__(2, b"w" * 24)),
    ("slot 1", "no factors", _slot(lambda slot: slot.pop(1))),
    ("slot 1", "zero factors", _slot(lambda slot: slot.update({1: 0}))),
    ("slot 1", "negative factors", _slot(lambda slot: slot.update({1: -2}))),
    ("slot 1", "factors true", _slot(lambda slot: slot.update({1: True}))),
    ("slot 1", "short salt", _slot(lambda slot: slot.update({2: bytes(8)}))),
    ("slot 1", "no salt", _slot(lambda slot: slot.pop(2))),
    ("slot 1", "negative key", _slot(lambda slot: slot.update({-1: 0}))),
    ("slot 1", "one key more", _slot(lambda slot: slot.update({4: 0}))),
    ("slot 1", "parameters without password", _slot(lambda slot: slot.update({3: [65536, 3, 4]}))),
    ("slot 1", "password without parameters", _slot(lambda slot: slot.update({1: 3}))),
    ("slot 1", "two parameters", _slot(lambda slot: slot.update({1: 3, 3: [65536, 3]}))),
    ("slot 1", "four parameters", _slot(lambda slot: slot.update({1: 3, 3: [65536, 3, 4, 5]}))),
    ("slot 1", "parameter true", _slot(lambda slot: slot.update({1: 3, 3: [65536, 3, True]}))),
    ("slot 1", "text parameter", _slot(lambda slot: slot.update({1: 3, 3: [65536, 3, "4"]}))),
    ("slot 1", "later slot, too big", _slot(lambda slot: slot.update({1: 16, 9: bytes(256)}))),
    ("slot 1", "later slot, negative key", _slot(lambda slot: slot.update({1: 16, 9: {-1: 0}}))),
]


@pytest.mark.parametrize(
    ("where", "change"), [(where, change) for where, _, change in DAMAGE], ids=[d[1] for d in DAMAGE]
)
def test_parse_names_the_damaged_part(where: str, change: Callable[[list[Any]], object], make: Make) -> None:
    with pytest.raises(DamagedSealError) as refused:
        parse(_edit(make(), change))
    assert refused.value.where == where
    assert where in str(refused.value)


@pytest.mark.parametrize("label", [profile.VERSION, profile.SUITE])
def test_another_version_or_suite_is_named_whatever_else_changed(label: int, make: Make) -> None:
    newer = _edit(make(), _header(lambda header: (header.update({label: 2}), header.pop(5))))
    for shape in (
        newer,
        _edit(newer, lambda parts: parts.append("more")),
        _edit(newer, lambda parts: parts[3].clear()),
    ):
        with pytest.raises(UnsupportedSealError, match="2; this coldshare knows 1"):
            parse(shape)


def test_too_large_is_said_before_parsing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SealTooLargeError, match="1048577 bytes; at most 1048576") as refused:
        parse(_edit(make(), lambda parts: parts.__setitem__(2, bytes((1 << 20) + 17))))
    assert refused.value.code == "seal_too_large"
    monkeypatch.setattr(codec, "decode", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(SealTooLargeError, match="at most 1114112"):
        parse(bytes(profile.SEALED_MAX + 1))


BOUNDS = [
    ((1 << 20) + 1, 3, 4),
    (1 << 40, 3, 4),
    ((1 << 64) - 1, 3, 4),
    (65536, 11, 4),
    (65536, (1 << 32) + 1, 4),
    (65536, 3, 9),
    (65536, 3, 0),
    (65536, 0, 4),
    (0, 3, 4),
    (31, 3, 4),
    (-65536, 3, 4),
    (65536, -1, 4),
]


@pytest.mark.parametrize("parameters", BOUNDS)
def test_kdf_parameters_out_of_bounds_are_refused_before_allocating(
    parameters: tuple[int, int, int], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(primitives, "argon2id", lambda *_, **__: pytest.fail("it was run"))
    with pytest.raises(KdfCostError) as refused:
        parse(_edit(make(), _slot(lambda slot: slot.update({1: 3, 3: list(parameters)}))))
    assert refused.value.code == "kdf_cost"


@pytest.mark.parametrize("kdf", [KdfParams(1 << 20, 3, 4), KdfParams(256 << 10, 4, 4), KdfParams(128 << 10, 7, 1)])
def test_cost_above_the_default_is_asked_for(
    kdf: KdfParams, make: Make, plaintext: bytes, fast_argon2: list[KdfParams]
) -> None:
    envelope = parse(make(BOTH, kdf=kdf))
    fast_argon2.clear()
    with pytest.raises(KdfCostError, match="more than coldshare uses by itself"):
        envelope.open(BOTH)
    with pytest.raises(KdfCostError):
        envelope.open(BOTH, allow_cost=lambda asked: False)
    assert fast_argon2 == []
    seen: list[KdfParams] = []
    assert envelope.open(BOTH, allow_cost=lambda asked: seen.append(asked) or True) == plaintext  # type: ignore[func-returns-value]
    assert seen == fast_argon2 == [kdf]


def test_a_costly_slot_does_not_stand_in_the_way_of_another(make: Make, fast_argon2: list[KdfParams]) -> None:
    envelope = parse(make(BOTH, RECOVERY, kdf=KdfParams(1 << 20, 3, 4)))
    fast_argon2.clear()
    envelope.open(Factors(password=PASSWORD, token=b"t" * 32, recovery=b"r" * 32))
    assert fast_argon2 == []


# --- sealing refuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kdf", [KdfParams((64 << 10) - 1, 3, 4), KdfParams(64 << 10, 2, 4), KdfParams(64 << 10, 3, 0)])
def test_seal_refuses_a_cheap_or_unreadable_kdf(kdf: KdfParams, make: Make) -> None:
    with pytest.raises(KdfCostError):
        make(BOTH, kdf=kdf)
    # Where no password is stretched the parameters do not matter.
    make(TOKEN, kdf=kdf)


def test_seal_refuses_a_weak_password_in_any_slot(make: Make) -> None:
    with pytest.raises(WeakPasswordError):
        make(TOKEN, Factors(password="hunter2", token=b"t" * 32))
    with pytest.raises(WeakPasswordError):
        seal(b"x", slots=[Factors(password="SimVault-Safe-A", token=bytes(32))], hints=["SimVault", "Safe A"], **PUBLIC)


def test_seal_refuses_a_large_plaintext() -> None:
    with pytest.raises(SealTooLargeError, match="1048577 bytes when packed; at most 1048576"):
        seal(bytes((1 << 20) + 1), slots=[TOKEN], **PUBLIC)


@pytest.mark.parametrize(
    "change",
    [
        {"plaintext": b""},
        {"backup_id": bytes(15)},
        {"declaration_digest": bytes(31)},
        {"slots": []},
        {"slots": [TOKEN] * 9},
        {"slots": [TOKEN, Factors()]},
        {"random": lambda length: bytes(length - 1)},
    ],
)
def test_seal_refuses_what_is_a_fault_of_the_caller(change: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"plaintext": b"x", "slots": [TOKEN], **PUBLIC, **change}
    with pytest.raises(ValueError, match=r"\w"):
        seal(arguments.pop("plaintext"), **arguments)


@pytest.mark.parametrize("function", ["encrypt", "wrap", "hkdf_expand"])
def test_seal_opens_what_it_made(function: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that miscalculates once gives an error, not a backup."""
    right, calls = getattr(primitives, function), 0

    def wrong_once(*arguments: bytes) -> bytes:
        nonlocal calls
        calls += 1
        result: bytes = right(*arguments)
        return bytes([result[0] ^ (calls == 1)]) + result[1:]

    monkeypatch.setattr(primitives, function, wrong_once)
    with pytest.raises(DamagedSealError, match="while it was made"):
        make()


def test_factors_are_32_bytes() -> None:
    for name in ("token", "fido2", "recovery"):
        with pytest.raises(ValueError, match=f"the {name} secret must have 32 bytes"):
            Factors(**{name: b"short"})  # type: ignore[arg-type]


# --- secrets and errors ----------------------------------------------------------------------------------


def test_no_repr_and_no_error_holds_a_secret(make: Make, fast_argon2: list[KdfParams]) -> None:
    assert repr(ALL) == "Factors(password, token, fido2, recovery)"
    envelope = parse(make(BOTH))
    texts = [repr(envelope), repr(unpack(envelope.open(BOTH)))]
    for factors in (Factors(password="s3cret", token=b"s3cret".ljust(32)), Factors(password="s3cret")):
        with pytest.raises(ColdshareError) as refused:
            envelope.open(factors)
        texts += [str(refused.value), refused.value.next_step, repr(refused.value)]
    for text in texts:
        assert "s3cret" not in text
        assert "tidal" not in text
        assert "small share" not in text


def test_codes_and_families() -> None:
    from coldshare.seal import errors

    families = {
        "seal_too_large": InputError,
        "seal_unsupported": InputError,
        "kdf_cost": InputError,
        "kdf_unavailable": InputError,
        "password_form": SecretError,
        "password_weak": SecretError,
        "factor_missing": SecretError,
        "factor_wrong": SecretError,
        "seal_damaged": IntegrityError,
        "seal_rebuild": IntegrityError,
    }
    classes = {getattr(errors, name).code: getattr(errors, name) for name in errors.__all__}
    assert classes.keys() == families.keys()
    for code, family in families.items():
        assert issubclass(classes[code], family)
        assert classes[code].__doc__
        assert classes[code].next_step


# --- arbitrary input -------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_parse_never_raises_anything_else(data: bytes) -> None:
    with pytest.raises(ColdshareError):
        parse(data)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-70000, 70000) | st.binary(max_size=50) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from([1, 2, 3, 5, *range(profile.SLOT, profile.VERSION + 1)]), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_parse_of_a_message_with_one_part_replaced(data: st.DataObject, make: Make) -> None:
    """Structure that is right everywhere but in one place reaches deeper than random bytes."""
    parts = _take(make())
    paths: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        for key in range(len(value)) if isinstance(value, list) else value:
            paths.append((value, key))
            if isinstance(value[key], (list, dict)):
                collect(value[key])

    header = codec.decode(parts[0], negative_keys=True)
    collect(parts)
    collect(header)
    container, key = data.draw(st.sampled_from(paths))
    container[key] = data.draw(_values)
    try:
        if data.draw(st.booleans()) and isinstance(parts, list) and container is header:
            parts[0] = codec.encode(header, negative_keys=True)
        sealed = _put(parts)
    except codec.CodecError:
        reject()  # nested more deeply, with what is around it, than may be written at all
    if sealed == make():
        return
    with pytest.raises(ColdshareError):
        parse(sealed).open(TOKEN)
