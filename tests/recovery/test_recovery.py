"""The recovery code: what its checksum promises, what may be typed, and that nothing shows it by accident."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare import recovery
from coldshare.errors import SecretError
from coldshare.recovery import (
    ALPHABET,
    MistypedRecoveryCodeError,
    OtherRecoveryCodeError,
    RecoveryCode,
    RecoveryCodeFormError,
    parse_file,
    short_id,
)
from coldshare.seal import Factors, WrongFactorError, pack, parse, seal

SECRET = hashlib.sha256(b"coldshare").digest()[:20]
CODE = RecoveryCode(SECRET)
TEXT = "09Y9-YX56-W8NB-TMY7-NYV9-2MMD-AY4V-8X4Z-FK9E"
SYMBOLS = TEXT.replace("-", "")

codes = st.binary(min_size=20, max_size=20).map(RecoveryCode)


# --- pinned -----------------------------------------------------------------------------------------------


def test_pinned() -> None:
    """A change here is a change of the format: papers that people keep would no longer open anything."""
    assert CODE.text == TEXT
    assert CODE.groups == tuple(TEXT.split("-"))
    assert CODE.rows == (TEXT[:14], TEXT[15:29], TEXT[30:])
    assert CODE.factor().hex() == "ddf62bf06c2881a25918c6e7eb7e284009422952ec4aac1b554048d5491704d3"
    assert RecoveryCode.parse(TEXT) == CODE
    assert TEXT in (recovery.__doc__ or "")


def test_the_secret_is_crockford_base32_and_the_factor_hkdf() -> None:
    """By the description, with none of our code."""
    symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    bits = "".join(f"{byte:08b}" for byte in SECRET)
    assert "".join(symbols[int(bits[at : at + 5], 2)] for at in range(0, 160, 5)) == SYMBOLS[:32]
    extracted = hmac.digest(bytes(32), SECRET, "sha256")
    assert CODE.factor() == hmac.digest(extracted, b"coldshare/recovery/1\x01", "sha256")


@given(codes)
def test_there_and_back(code: RecoveryCode) -> None:
    assert RecoveryCode.parse(code.text) == code
    assert len(code.text) == 44


def test_generated_codes_take_20_bytes_of_the_source_and_differ() -> None:
    asked: list[int] = []

    def source(length: int) -> bytes:
        asked.append(length)
        return SECRET

    assert RecoveryCode.generate(source) == CODE
    assert asked == [20]
    assert RecoveryCode.generate() != RecoveryCode.generate()


@pytest.mark.parametrize("length", [0, 16, 19, 21, 32])
def test_a_secret_of_another_length_is_a_mistake_in_the_program(length: int) -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        RecoveryCode(bytes(length))
    with pytest.raises(ValueError, match="20 bytes"):
        RecoveryCode.generate(lambda _: bytes(length))


# --- the checksum, with arithmetic of its own ---------------------------------------------------------------

POWERS = [1]
while len(POWERS) < 31:
    double = POWERS[-1] << 1
    POWERS.append(double ^ 0b100101 if double & 32 else double)
LOGARITHMS = {power: number for number, power in enumerate(POWERS)}

Polynomial = tuple[int, ...]
G: Polynomial = (0, 1, 2, 3)


def times(a: int, b: int) -> int:
    return POWERS[(LOGARITHMS[a] + LOGARITHMS[b]) % 31] if a and b else 0


def scaled(vector: Sequence[int], factor: int) -> Polynomial:
    return tuple(times(one, factor) for one in vector)


def added(a: Sequence[int], b: Sequence[int]) -> Polynomial:
    return tuple(x ^ y for x, y in zip(a, b, strict=True))


def point(vector: Sequence[int]) -> Polynomial:
    """The same for all multiples of `vector`."""
    first = next((one for one in vector if one), 0)
    return scaled(vector, POWERS[-LOGARITHMS[first] % 31]) if first else tuple(vector)


def powers_of_x(g: Polynomial, count: int) -> list[Polynomial]:
    """x^0, x^1, ... modulo x^4 + g, highest coefficient first."""
    found: list[Polynomial] = [(0, 0, 0, 1)]
    while len(found) < count:
        *_, last = found
        found.append(added((*last[1:], 0), scaled(g, last[0])))
    return found


def any_three_independent(columns: Sequence[Polynomial]) -> bool:
    """No column is a combination of two others: then no code word has three symbols or fewer that are not 0."""
    points = [point(column) for column in columns]
    if any(not any(one) for one in points) or len(set(points)) < len(points):
        return False
    return not any(
        point(added(a, scaled(b, factor))) in points
        for a, b in itertools.combinations(points, 2)
        for factor in range(1, 32)
    )


def bits(vector: Sequence[int]) -> int:
    return vector[0] << 15 | vector[1] << 10 | vector[2] << 5 | vector[3]


def rank(vectors: Sequence[Polynomial]) -> int:
    """Over GF(2), of up to 20 vectors of 20 bits."""
    leading: dict[int, int] = {}
    for vector in map(bits, vectors):
        while vector and vector.bit_length() in leading:
            vector ^= leading[vector.bit_length()]
        if vector:
            leading[vector.bit_length()] = vector
    return len(leading)


def swapped_groups_always_show(columns: Sequence[Polynomial]) -> bool:
    """What changes when groups change places is their difference, in both: no difference may come to nothing."""
    return all(
        rank([scaled(added(columns[at], columns[at + 4 * apart]), 1 << bit) for at in range(4) for bit in range(5)])
        == 20
        for apart in range(1, 9)
    )


def remainder(symbols: Sequence[int]) -> Polynomial:
    columns = powers_of_x(G, 37)[::-1]
    total: Polynomial = (0, 0, 0, 0)
    for symbol, column in zip([1, *symbols], columns, strict=True):
        total = added(total, scaled(column, symbol))
    return total


@given(st.lists(st.integers(0, 31), min_size=36, max_size=36))
def test_the_checksum_is_the_remainder_that_is_described(symbols: list[int]) -> None:
    assert recovery._remainder(symbols) == bits(remainder(symbols))


def test_any_two_codes_differ_in_four_symbols() -> None:
    """So up to three wrong symbols are noticed, whichever they are; two swapped symbols are two wrong ones."""
    assert any_three_independent(powers_of_x(G, 36))


def test_two_groups_that_changed_places_are_noticed() -> None:
    assert swapped_groups_always_show(powers_of_x(G, 36))


def test_a_group_that_is_all_wrong_is_noticed() -> None:
    columns = powers_of_x(G, 36)
    for first in range(0, 36, 4):
        assert rank([scaled(columns[first + at], 1 << bit) for at in range(4) for bit in range(5)]) == 20


def test_the_polynomial_is_the_first_with_these_properties() -> None:
    earlier = itertools.takewhile(lambda g: g != G, itertools.product(range(32), repeat=4))
    assert not any(
        any_three_independent(columns) and swapped_groups_always_show(columns)
        for columns in (powers_of_x(g, 36) for g in earlier)
    )


# --- slips of the hand --------------------------------------------------------------------------------------


def replaced(at: int, symbol: str) -> str:
    return SYMBOLS[:at] + symbol + SYMBOLS[at + 1 :]


def test_every_single_wrong_symbol_is_refused() -> None:
    for at in range(36):
        for symbol in ALPHABET:
            typed = replaced(at, symbol)
            assert (recovery._remainder([ALPHABET.index(one) for one in typed]) == 0) == (typed == SYMBOLS)


@pytest.mark.parametrize("at", range(36))
@pytest.mark.parametrize("shift", [1, 7, 31])
def test_one_wrong_symbol_is_located(at: int, shift: int) -> None:
    typed = replaced(at, ALPHABET[ALPHABET.index(SYMBOLS[at]) ^ shift])
    with pytest.raises(MistypedRecoveryCodeError, match=f"one character in group {at // 4 + 1} is") as caught:
        RecoveryCode.parse(typed)
    assert caught.value.groups == (at // 4 + 1,)
    assert f"group {at // 4 + 1} " in caught.value.next_step


@pytest.mark.parametrize("at", range(35))
def test_swapped_neighbours_are_located(at: int) -> None:
    a, b = SYMBOLS[at], SYMBOLS[at + 1]
    typed = SYMBOLS[:at] + b + a + SYMBOLS[at + 2 :]
    if a == b:
        assert RecoveryCode.parse(typed) == CODE
        return
    with pytest.raises(MistypedRecoveryCodeError, match=r"two characters .* are swapped") as caught:
        RecoveryCode.parse(typed)
    assert caught.value.groups == tuple(sorted({at // 4 + 1, (at + 1) // 4 + 1}))


@given(codes, st.data())
def test_up_to_three_wrong_symbols_are_refused(code: RecoveryCode, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, 35), min_size=1, max_size=3, unique=True))
    typed = list(code.text.replace("-", ""))
    for place in places:
        typed[place] = data.draw(st.sampled_from(ALPHABET.replace(typed[place], "")))
    with pytest.raises(MistypedRecoveryCodeError):
        RecoveryCode.parse("".join(typed))


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations(range(9), 2)])
def test_swapped_groups_are_refused(a: int, b: int) -> None:
    groups = list(CODE.groups)
    groups[a], groups[b] = groups[b], groups[a]
    with pytest.raises(MistypedRecoveryCodeError):
        RecoveryCode.parse("-".join(groups))


@pytest.mark.parametrize("symbol", ALPHABET)
def test_one_symbol_all_along_is_no_code(symbol: str) -> None:
    with pytest.raises(MistypedRecoveryCodeError):
        RecoveryCode.parse(symbol * 36)


def test_two_slips_far_apart_give_no_hint_or_a_hint_but_no_code() -> None:
    with pytest.raises(MistypedRecoveryCodeError) as caught:
        RecoveryCode.parse("A" + SYMBOLS[1:30] + "0" + SYMBOLS[31:])
    assert caught.value.groups == ()
    assert "every group" in caught.value.next_step


# --- what may be typed --------------------------------------------------------------------------------------

OTHER = RecoveryCode(bytes(range(20)))


@pytest.mark.parametrize(
    "form",
    [
        str.lower,
        str.swapcase,
        lambda text: text.replace("-", ""),
        lambda text: text.replace("-", " "),
        lambda text: text.replace("-", "\n"),
        lambda text: text.replace("-", " - "),
        lambda text: text.replace("-", "\u2013"),
        lambda text: text.replace("-", "\u2011"),
        lambda text: text.replace("-", "\u2212"),
        lambda text: text.replace("-", "\u00a0"),
        lambda text: f"  {text}\r\n",
        lambda text: "-".join(text.replace("-", "")),
        lambda text: text[:7] + "-" + text[7:],
    ],
)
def test_forms_that_are_the_same_code(form: Callable[[str], str]) -> None:
    assert RecoveryCode.parse(form(TEXT)) == CODE


@pytest.mark.parametrize(("typed", "meant"), [("O", "0"), ("o", "0"), ("I", "1"), ("i", "1"), ("L", "1"), ("l", "1")])
def test_letters_that_look_like_digits(typed: str, meant: str) -> None:
    text = OTHER.text
    assert meant in text
    assert RecoveryCode.parse(text.replace(meant, typed)) == OTHER


@pytest.mark.parametrize(
    ("typed", "message", "groups"),
    [
        ("", "is empty", ()),
        (" -\n", "is empty", ()),
        (TEXT.replace("W8NB", "W8UB"), "a character in group 3 that", (3,)),
        (TEXT.replace("W8NB", "W8N*").replace("FK9E", "F\u00dc9E"), "a character in groups 3, 9 that", (3, 9)),
        (SYMBOLS.replace("W8NB", "W8UB"), "a character in group 3 that", (3,)),
        # What upper() would make two letters or another one of.
        (TEXT.replace("W8NB", "W8\u00dfB"), "a character in group 3 that", (3,)),
        (TEXT.replace("W8NB", "W8\u0131B"), "a character in group 3 that", (3,)),
        (TEXT.replace("W8NB", "W8\uff2eB"), "a character in group 3 that", (3,)),
        (TEXT.replace("W8NB", "W8\u0661B"), "a character in group 3 that", (3,)),
        (TEXT.replace("W8NB", "W8B"), "not 4 characters in group 3 of", (3,)),
        (TEXT.replace("W8NB", "W8BBB"), "not 4 characters in group 3 of", (3,)),
        (TEXT.replace("W8NB-", ""), "There are 8 groups of 4", ()),
        (TEXT[:4], "There are 1 group of 4", ()),
        (TEXT + "-0000", "There are 10 groups of 4", ()),
        (SYMBOLS[:-1], "There are 35 characters", ()),
        (SYMBOLS + "0", "There are 37 characters", ()),
        ("0" * 257, "too long", ()),
        ("\0", "a character in group 1 that", (1,)),
    ],
)
def test_what_is_no_code(typed: str, message: str, groups: tuple[int, ...]) -> None:
    with pytest.raises(RecoveryCodeFormError, match=message) as caught:
        RecoveryCode.parse(typed)
    assert caught.value.groups == groups
    assert caught.value.next_step


@given(st.text(max_size=300) | st.text(alphabet=ALPHABET + "-oilu \n", max_size=60))
def test_anything_typed_is_a_code_or_an_error_of_ours(typed: str) -> None:
    try:
        code = RecoveryCode.parse(typed)
    except SecretError:
        return
    assert RecoveryCode.parse(code.text) == code


# --- confirming, and the file -------------------------------------------------------------------------------


def test_confirming() -> None:
    CODE.confirm(TEXT.lower())
    with pytest.raises(OtherRecoveryCodeError):
        CODE.confirm(OTHER.text)
    with pytest.raises(MistypedRecoveryCodeError):
        CODE.confirm(TEXT.replace("W8NB", "W8NC"))


@given(codes, st.binary(min_size=16, max_size=16))
def test_a_recovery_file_is_read_back(code: RecoveryCode, backup_id: bytes) -> None:
    text = code.file_text(backup_id)
    assert text.isascii()
    assert text.endswith("\n")
    for form in (text, text.replace("\n", "\r\n"), text.rstrip("\n")):
        read = parse_file(form)
        assert (read.code, read.short_id) == (code, backup_id.hex()[:8])


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        (TEXT, None),
        (f"{TEXT}\n", None),
        (f"# mine\n\n{TEXT[:20]}\n# in between\n{TEXT[20:]}", None),
        (f"  #   backup 0123abcd  \n{TEXT}", "0123abcd"),
        (f"# backup 0123ABCD\n{TEXT}", None),
        (f"# backup 0123abcd and more\n{TEXT}", None),
    ],
)
def test_a_file_may_have_the_code_alone_or_other_notes(text: str, noted: str | None) -> None:
    read = parse_file(text)
    assert (read.code, read.short_id) == (CODE, noted)


@pytest.mark.parametrize("text", ["", "# backup 0123abcd\n", "#\n", f"{TEXT}\n{TEXT}\n"])
def test_a_file_without_one_code(text: str) -> None:
    with pytest.raises(RecoveryCodeFormError):
        parse_file(text)


def test_the_short_id() -> None:
    assert short_id(bytes(range(16))) == "00010203"
    for length in (0, 15, 17):
        with pytest.raises(ValueError, match="16 bytes"):
            short_id(bytes(length))


# --- secrecy ------------------------------------------------------------------------------------------------


def shown(error: BaseException) -> Iterator[str]:
    yield str(error)
    yield repr(error)
    yield repr(vars(error))
    yield getattr(error, "next_step", "")
    yield "".join(traceback.format_exception(error))


def test_nothing_shows_the_code_by_accident() -> None:
    texts = [repr(CODE), str(CODE), f"{CODE}", repr(parse_file(TEXT)), str(parse_file(TEXT)), repr([CODE])]
    for typed in (TEXT.replace("W8NB", "W8NC"), TEXT.replace("W8NB", "W8N?"), TEXT[:-1], TEXT[:-5], TEXT + TEXT):
        with pytest.raises(SecretError) as caught:
            RecoveryCode.parse(typed)
        texts += shown(caught.value)
    with pytest.raises(OtherRecoveryCodeError) as other:
        CODE.confirm(OTHER.text)
    texts += shown(other.value)
    secrets = [*CODE.groups, SECRET.hex(), repr(SECRET), CODE.factor().hex(), OTHER.groups[1]]
    for text in texts:
        assert not [secret for secret in secrets if secret in text]


def test_codes_are_values() -> None:
    assert RecoveryCode.parse(TEXT) == CODE
    assert hash(RecoveryCode.parse(TEXT)) == hash(CODE)
    assert pickle.loads(pickle.dumps(CODE)) == CODE


# --- with the seal ------------------------------------------------------------------------------------------


def test_a_seal_opens_with_its_code_and_with_no_other() -> None:
    plaintext = pack(b"share", [b"share"], declaration=b"d", record={})
    sealed = seal(
        plaintext,
        backup_id=bytes(16),
        declaration_digest=bytes(32),
        slots=[Factors(token=b"t" * 32), Factors(recovery=CODE.factor())],
    )
    assert parse(sealed).open(Factors(recovery=RecoveryCode.parse(TEXT).factor())) == plaintext
    with pytest.raises(WrongFactorError, match="recovery code is wrong"):
        parse(sealed).open(Factors(recovery=OTHER.factor()))
