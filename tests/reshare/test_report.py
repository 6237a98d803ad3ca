"""A report: pinned bytes, one way to say a thing, nothing altered passes, and nothing in it is secret."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from importlib import resources
from typing import Any

import pycddl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import EVENT_MAX, REPORT_MAX, TIME_MAX, Event, Place, Share
from coldshare.ledger.shapes import pack
from coldshare.reshare.errors import ReportError, ReportForgedError
from coldshare.reshare.report import LABEL_MAX, TEXT_MAX, Kept, Report, Signed, encode, read, sign, text
from coldshare_iface import codec
from coldshare_iface.text import unshowable
from reshare.story import computer, identity, report_on, reported, two
from support.shell import share_secrets

CDDL = pycddl.Schema(resources.files("coldshare.reshare").joinpath("report.cddl").read_text(encoding="utf-8"))
CONTEXT = b"coldshare reshare report 1\0"
HEAD = "COLDSHARE:REPORT:1:"

#: A change here is a change of the format: reports that are on their way could not be read any more.
SMALL = Report(
    time=1_760_000_000_000_000,
    host=bytes(range(16)),
    host_name="desk",
    share=Share(b"\2" * 33, "Savings", "Phone", b"\5" * 32, 2, 2, 2),
    older=b"\4" * 32,
    signers=("Phone", "Laptop"),
    public_key_eddsa=b"\6" * 32,
    chain_code_digest=b"\7" * 32,
    points_ecdsa=(b"\1", b"\2"),
    public_shares_ecdsa=(b"\x08" * 33, b"\x09" * 33),
    point_eddsa=b"\1",
    public_share_eddsa=b"\x0a" * 32,
    digest=b"\x0b" * 32,
    kept=(Kept(Place(e.TOKEN, bytes(range(8))), "Safe A", bytes(range(16, 32)), 1000, e.NEXT),),
)
GOLDEN = (
    "a40001015901c2ae011b000640b5eece00000250000102030405060708090a0b0c0d0e0f03646465736b04a7015821020202"
    "0202020202020202020202020202020202020202020202020202020202020267536176696e6773036550686f6e6504582005"
    "0505050505050505050505050505050505050505050505050505050505050505020602070205582004040404040404040404"
    "0404040404040404040404040404040404040404040406826550686f6e65664c6170746f7007582006060606060606060606"
    "0606060606060606060606060606060606060606060608582007070707070707070707070707070707070707070707070707"
    "070707070707070982410141020a825821080808080808080808080808080808080808080808080808080808080808080808"
    "58210909090909090909090909090909090909090909090909090909090909090909090b41010c58200a0a0a0a0a0a0a0a0a"
    "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0d58200b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
    "0b0b0b0b0b0b0b0b0e81a501a201010248000102030405060702665361666520410350101112131415161718191a1b1c1d1e"
    "1f041903e805030258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c035840cc8d71be7a"
    "35a69dc01dc19246649d9883c89043643c9873bafa5619d1d5a62129a4f2651c745f22b34aee0ef11605827ad92fa7bc939e"
    "63eca9ff5e604c0902"
)
GOLDEN_TEXT = (
    "COLDSHARE:REPORT:1:UQAACAKZAHBK4AI3AADEBNPOZYAAAASQAAAQEAYEAUDAOCAJBIFQYDIOB4BWIZDFONVQJJYBLAQQEAQCA"
    "IBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAJTVGYLWNFXGO4YDMVIGQ33OMUCFQIAFAUCQKBIFAUCQKBIFAUCQK"
    "BIFAUCQKBIFAUCQKBIFAUCQKBIFAUCQEBQCA4BAKWBAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCANATFK"
    "BUG63TFMZGGC4DUN5YAOWBAAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAQWBAA4DQOBYHA4DQOBYHA4DQO"
    "BYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQTASBAFAQECUCLAQQQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIL"
    "AQQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBNAQCDCYEAFAUCQKBIFAUCQKBIFAUCQKBIFAUCQKBIFAU"
    "CQKBIFAUCQKBIFAUDKYEAFQWCYLBMFQWCYLBMFQWCYLBMFQWCYLBMFQWCYLBMFQWCYLBMFQWDUBUUA2EAIBAJEAAAICAMCAKBQHA"
    "JTFGYLGMUQECA2QCAIREEYUCULBOGAZDINRYHI6D4CBSA7IAUBQEWBARKEOHXLUBHYZL7KS3MWTZOS5OLFGOCN7DWKBEG7TOSEAD"
    "NAPN5OAGWCAZSGXDPT2GWTJ3QA5YGJEMZE5TCB4RECDMQ6JQ4527JLBTUOVUYQSTJHSMUOHIXZCWNFO4DXRCYCYE6WZF6T3ZE46M"
    "PWKT726MBGASAQ"
)


@cache
def signed() -> Signed:
    old, new = two()
    return reported(new, 0, old.generation)


def enclosed(payload: bytes, number: int = 0) -> bytes:
    """Whatever it is, signed as a report."""
    key = identity(number)
    return codec.encode({0: 1, 1: payload, 2: key.public, 3: key.sign(CONTEXT + payload)}, limit=1 << 16)


def envelope() -> dict[int, Any]:
    found = codec.decode(signed().data, limit=REPORT_MAX)
    assert isinstance(found, dict)
    return found


def inside() -> dict[int, Any]:
    found = codec.decode(envelope()[1], limit=REPORT_MAX)
    assert isinstance(found, dict)
    return found


def refused(data: bytes) -> None:
    with pytest.raises(ReportError) as caught:
        read(data)
    assert caught.value.next_step
    assert caught.value.message


# --- its bytes


def test_golden_bytes_and_text() -> None:
    made = sign(SMALL, identity(0))
    assert made.data.hex() == GOLDEN
    assert text(made) == GOLDEN_TEXT
    assert read(bytes.fromhex(GOLDEN)) == read(GOLDEN_TEXT.encode()) == made
    assert read(encode(made)) == made
    assert made.digest == hashlib.sha256(made.data).digest()


def test_they_are_as_described() -> None:
    for one in (sign(SMALL, identity(0)), signed()):
        CDDL.validate_cbor(one.data)
        assert codec.decode(one.data, limit=REPORT_MAX) == {
            0: 1,
            1: codec.encode(pack(one.report), limit=REPORT_MAX),
            2: one.public_key,
            3: one.data[-64:],
        }


def test_the_description_allows_no_other() -> None:
    """Each of its lines is needed: without one field, or with one too many, it is none."""
    whole, payload = envelope(), inside()
    for wrong in (
        {**whole, 0: 2},
        {**whole, 4: 0},
        {key: value for key, value in whole.items() if key != 3},
        {**whole, 2: bytes(31)},
        {**whole, 1: codec.encode({**payload, len(payload) + 1: 0}, limit=REPORT_MAX)},
        *(
            {**whole, 1: codec.encode({k: v for k, v in payload.items() if k != key}, limit=REPORT_MAX)}
            for key in payload
        ),
    ):
        with pytest.raises(pycddl.ValidationError):
            CDDL.validate_cbor(codec.encode(wrong, limit=REPORT_MAX))


def test_a_report_is_a_line_for_a_qr_code() -> None:
    line = text(signed())
    assert re.fullmatch(r"COLDSHARE:REPORT:1:[A-Z2-7]+", line)  # all of it alphanumeric: ISO/IEC 18004, table 5
    assert base64.b32decode(line[len(HEAD) :] + "=" * (-len(line[len(HEAD) :]) % 8)) == signed().data
    assert encode(signed()) == line.encode() + b"\n"
    assert len(line) <= 4296, "a vault of three fits into one code"


# --- how it arrives


def _wrapped(line: str) -> str:
    return "\r\n".join(line[at : at + 76] for at in range(0, len(line), 76))


@pytest.mark.parametrize(
    "how",
    [
        _wrapped,
        str.lower,
        lambda line: f"\n\n  {line}\t\n",
        lambda line: f"\ufeff{line}\r\n",
        lambda line: "".join(f"> {part}\r\n" for part in _wrapped(line).split("\r\n")),
        lambda line: "".join(f">> >{part}\n" for part in _wrapped(line.lower()).split("\r\n")),
        lambda line: " ".join(line),
        lambda line: line.replace("COLDSHARE:", "coldshare :").title(),
    ],
    ids=["wrapped", "lower", "white", "mark", "quoted", "twice-quoted", "spread", "capitals"],
)
def test_what_editors_and_mails_do_to_it(how: Callable[[str], str]) -> None:
    assert read(how(text(signed())).encode()) == signed()


@pytest.mark.parametrize(
    "how",
    [
        lambda line: "",
        lambda line: HEAD,
        lambda line: line[:-1],
        lambda line: line + "A",
        lambda line: line + "AAAAAAAA",
        lambda line: line + "======",
        lambda line: line + line,
        lambda line: "Here it is: " + line,
        lambda line: line + "\nRegards",
        lambda line: line[: len(HEAD)] + "0" + line[len(HEAD) + 1 :],
        lambda line: line[: len(HEAD)] + "1" + line[len(HEAD) + 1 :],
        lambda line: line[len(HEAD) :],
        lambda line: line.replace("REPORT", "REPOR"),
        lambda line: line[:60] + "\u2028" + line[60:],
        lambda line: line[:60] + "\0" + line[60:],
        lambda line: line[:60] + "\u017f" + line[61:],
    ],
)
def test_text_that_is_none(how: Callable[[str], str]) -> None:
    refused(how(text(signed())).encode())


def test_the_last_character_has_one_form() -> None:
    """Base32 has spare bits at the end: only the form in which they are zero is read."""
    for length in range(1, 40):
        body = base64.b32encode(bytes(length)).decode().rstrip("=")
        spare = -length * 8 % 5
        for number in range(1, 1 << spare):
            refused((HEAD + body[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[number]).encode())


def test_text_with_any_character_changed() -> None:
    line = text(signed())
    for at in range(0, len(line), 7):
        changed = line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1 :]
        with pytest.raises((ReportError, ReportForgedError)):
            read(changed.encode())


def test_other_versions_say_so() -> None:
    for data in (text(signed()).replace(":1:", ":2:").encode(), codec.encode({**envelope(), 0: 2}, limit=REPORT_MAX)):
        with pytest.raises(ReportError, match="another version") as caught:
            read(data)
        assert caught.value.next_step == "Update coldshare."


def test_it_is_never_quoted() -> None:
    """What came from elsewhere is not shown before it was proved."""
    for data in (b"\x1b[2J evil", b"COLDSHARE:REPORT:9:\x1b[2J", enclosed(b"\x1b[2J")):
        with pytest.raises(ReportError) as caught:
            read(data)
        assert "[2J" not in caught.value.message + caught.value.next_step


# --- nothing altered passes


def test_any_bit_turned_over() -> None:
    data = signed().data
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises((ReportError, ReportForgedError)):
            read(bytes(changed))


def test_a_bit_of_what_was_signed_is_a_forgery() -> None:
    data = signed().data
    start = data.index(envelope()[1])
    for at in range(start * 8, (start + len(envelope()[1])) * 8, 5):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(ReportForgedError):
            read(bytes(changed))


def test_cut_at_every_length() -> None:
    data = signed().data
    for length in range(len(data)):
        refused(data[:length])
    line = text(signed())
    for length in range(0, len(line), 3):
        refused(line[:length].encode())


def test_more_after_it() -> None:
    for more in (b"\0", b"\xa0", signed().data, b"\n"):
        refused(signed().data + more)


def test_signed_by_another_or_for_something_else() -> None:
    whole, payload = envelope(), envelope()[1]
    other = identity(1)
    for wrong in (
        {**whole, 2: other.public},
        {**whole, 3: other.sign(CONTEXT + payload)},
        {**whole, 3: identity(0).sign(payload)},
        {**whole, 3: identity(0).sign(CONTEXT[:-1] + payload)},
        {**whole, 3: identity(0).sign(b"coldshare reshare report 2\0" + payload)},
        {**whole, 3: bytes(64)},
    ):
        with pytest.raises(ReportForgedError):
            read(codec.encode(wrong, limit=REPORT_MAX))
    again = read(codec.encode({**whole, 2: other.public, 3: other.sign(CONTEXT + payload)}, limit=REPORT_MAX))
    assert (again.report, again.public_key) == (signed().report, other.public)


@pytest.mark.parametrize(
    "change",
    [
        {0: True},
        {0: "1"},
        {0: None},
        {1: "text"},
        {1: {}},
        {1: b""},
        {1: None},
        {2: bytes(31)},
        {2: bytes(33)},
        {2: "x" * 32},
        {3: bytes(63)},
        {3: bytes(65)},
        {3: 0},
        {4: 0},
    ],
    ids=str,
)
def test_a_wrong_envelope(change: dict[int, Any]) -> None:
    with pytest.raises((ReportError, ReportForgedError)):
        read(codec.encode({**envelope(), **change}, limit=REPORT_MAX))
    for missing in range(4):
        refused(codec.encode({key: value for key, value in envelope().items() if key != missing}, limit=REPORT_MAX))


def _not_canonical(payload: bytes) -> list[bytes]:
    """The same value in other bytes: a longer head, an indefinite map, keys out of order."""
    assert payload[0] == 0xAE
    first = bytes([payload[0], 0x01, 0x1B]) + payload[3:]
    assert first == payload
    return [
        b"\xb8\x0e" + payload[1:],
        b"\xbf" + payload[1:] + b"\xff",
        payload[:1] + b"\x18\x01" + payload[2:],
        payload[:1] + payload[11:29] + payload[1:11] + payload[29:],
        b"\xd9\xd9\xf7" + payload,
    ]


def test_signed_and_yet_not_as_it_is_written() -> None:
    """A key of one's own signs anything: what is inside is as strictly read as if nobody had signed it."""
    payload = envelope()[1]
    for wrong in (*_not_canonical(payload), payload + b"\0", payload[:-1], b"", b"\xf6", b"\x80"):
        refused(enclosed(wrong))
    whole = signed().data
    for wrong in (b"\xb8\x04" + whole[1:], b"\xbf" + whole[1:] + b"\xff", b"\xa4\x18\x00" + whole[2:]):
        refused(wrong)


_PARTY, _NAME = 96, 96
#: Field by field: the smallest and the largest that is read, and what is not.
BYTES = {
    2: (16, 16),
    5: (32, 32),
    7: (32, 32),
    8: (32, 32),
    11: (1, 32),
    12: (32, 32),
    13: (32, 32),
}
OTHER_TYPES: tuple[Any, ...] = (0, -1, True, None, b"", "", b"x" * 65, "x" * 201, [0], {1: 0}, [[]], "\x1b[2J")


def test_every_field_is_named_here() -> None:
    assert len(fields(Report)) == len(inside()) == 14


@pytest.mark.parametrize("key", BYTES)
def test_bytes_of_the_right_length(key: int) -> None:
    low, high = BYTES[key]
    for length in {0, low - 1, low, high, high + 1}:
        data = enclosed(codec.encode({**inside(), key: bytes(length)}, limit=REPORT_MAX))
        if low <= length <= high:
            assert read(data).data == data
        else:
            refused(data)


@pytest.mark.parametrize(("low", "high", "key"), [(0, TIME_MAX, 1)])
def test_numbers_in_their_range(low: int, high: int, key: int) -> None:
    for number in (low - 1, low, high, high + 1):
        data = enclosed(codec.encode({**inside(), key: number}, limit=REPORT_MAX))
        if low <= number <= high:
            assert read(data).report.time == number
        else:
            refused(data)


@pytest.mark.parametrize("key", range(1, 15))
def test_a_field_of_another_type(key: int) -> None:
    """Nothing else passes for it; what does is an empty or a shorter text or list, which has its own meaning."""
    right = inside()[key]
    for wrong in OTHER_TYPES:
        if type(wrong) is type(right) and wrong in (0, "", []):
            continue
        refused(enclosed(codec.encode({**inside(), key: wrong}, limit=REPORT_MAX)))
    refused(enclosed(codec.encode({k: v for k, v in inside().items() if k != key}, limit=REPORT_MAX)))


def test_a_field_too_many() -> None:
    for key in (0, 15, 100, 2**32):
        refused(enclosed(codec.encode({**inside(), key: 0}, limit=REPORT_MAX)))


def _inner(key: int, change: dict[int, Any]) -> dict[int, Any]:
    return {**inside(), key: {**inside()[key], **change}}


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        (1, [b"x", b"x" * 64], [b"", b"x" * 65, "x", None]),
        (2, ["", "x" * 96, "é" * 48], ["x" * 97, "é" * 49, "a\nb", "\u202e", b"x", 1]),
        (3, ["x", "x" * 96], ["", "x" * 97, "\0", b"x"]),
        (4, [bytes(32)], [bytes(31), bytes(33), "x" * 32]),
        (5, [1, 65536], [0, -1, 65537, True]),
        (6, [1, 65536], [0, -1, 65537, True]),
        (7, [1, 65536], [0, -1, 65537, True, None]),
    ],
)
def test_the_fields_of_the_share(key: int, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        data = enclosed(codec.encode(_inner(4, {key: value}), limit=REPORT_MAX))
        assert read(data).data == data
        CDDL.validate_cbor(data)
    for value in bad:
        refused(enclosed(codec.encode(_inner(4, {key: value}), limit=REPORT_MAX)))
    refused(enclosed(codec.encode(_inner(4, {8: 0}), limit=REPORT_MAX)))


def _kept(change: dict[int, Any]) -> dict[int, Any]:
    (one,) = inside()[14]
    return {**inside(), 14: [{**one, **change}]}


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({1: {1: 1, 2: b"x"}}, True),
        ({1: {1: 255, 2: b"x" * 32}}, True),
        ({1: {1: 0, 2: b"x"}}, False),
        ({1: {1: 256, 2: b"x"}}, False),
        ({1: {1: 1, 2: b""}}, False),
        ({1: {1: 1, 2: b"x" * 33}}, False),
        ({1: {1: 1}}, False),
        ({2: ""}, True),
        ({2: "é" * 32}, True),
        ({2: "\x1b"}, False),
        ({2: "x" * 65}, False),
        ({3: bytes(15)}, False),
        ({3: bytes(17)}, False),
        ({4: 0}, True),
        ({4: 1 << 40}, True),
        ({4: (1 << 40) + 1}, False),
        ({4: -1}, False),
        ({5: 0}, False),
        ({5: 1}, True),
        ({5: 6}, True),
        ({5: 7}, False),
        ({6: 0}, False),
    ],
    ids=str,
)
def test_the_fields_of_a_backup(change: dict[int, Any], good: bool) -> None:
    data = enclosed(codec.encode(_kept(change), limit=REPORT_MAX))
    if good:
        assert read(data).data == data
        CDDL.validate_cbor(data)
    else:
        refused(data)


@pytest.mark.parametrize(
    ("key", "one", "most"),
    [(6, "x", 32), (9, b"x", 32), (10, b"x" * 33, 32)],
    ids=["signers", "points", "shares"],
)
def test_lists_have_an_end(key: int, one: Any, most: int) -> None:
    assert read(enclosed(codec.encode({**inside(), key: [one] * most}, limit=REPORT_MAX)))
    refused(enclosed(codec.encode({**inside(), key: [one] * (most + 1)}, limit=REPORT_MAX)))
    (kept,) = inside()[14]
    assert read(enclosed(codec.encode({**inside(), 14: [kept] * 8}, limit=REPORT_MAX)))
    refused(enclosed(codec.encode({**inside(), 14: [kept] * 9}, limit=REPORT_MAX)))


# --- its size


def largest() -> Report:
    name = "\N{GREEK SMALL LETTER ALPHA}" * 48
    kept = Kept(Place(255, b"x" * 32), "\N{GREEK SMALL LETTER BETA}" * (LABEL_MAX // 2), b"x" * 16, 1 << 40, 6)
    return Report(
        time=TIME_MAX,
        host=b"x" * 16,
        host_name="\N{GREEK SMALL LETTER GAMMA}" * 16,
        share=Share(b"x" * 64, name, name, b"x" * 32, 65536, 65536, 65536),
        older=b"x" * 32,
        signers=(name,) * 32,
        public_key_eddsa=b"x" * 32,
        chain_code_digest=b"x" * 32,
        points_ecdsa=(b"x" * 32,) * 32,
        public_shares_ecdsa=(b"x" * 33,) * 32,
        point_eddsa=b"x" * 32,
        public_share_eddsa=b"x" * 32,
        digest=b"x" * 32,
        kept=(kept,) * 8,
    )


def test_the_largest_vault_has_room() -> None:
    """In a report, in an event of the ledger, and as text with all its line breaks."""
    made = sign(largest(), identity(0))
    assert read(made.data) == made
    CDDL.validate_cbor(made.data)
    assert len(made.data) <= REPORT_MAX
    event = Event(
        bytes(16), TIME_MAX, e.POSITION_MAX, bytes(16), e.ReshareReported(b"x" * 16, "\u03b1" * 48, made.data)
    )
    assert len(event.encode()) <= EVENT_MAX
    assert Event.decode(event.encode()) == event
    quoted = "".join(f"> {part}\r\n" for part in _wrapped(text(made)).split("\r\n"))
    assert len(quoted) < TEXT_MAX
    assert read(quoted.encode()) == made


def test_too_much_is_not_looked_at() -> None:
    refused(b"x" * (TEXT_MAX + 1))
    refused(b" " * (TEXT_MAX + 1))
    padding = TEXT_MAX - len(text(signed()))
    assert read(text(signed()).encode() + b"\n" * padding) == signed()
    refused(text(signed()).encode() + b"\n" * (padding + 1))
    refused(b"\xa4" + bytes(REPORT_MAX))
    refused((HEAD + base64.b32encode(bytes(REPORT_MAX + 5)).decode()).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"host_name": "x" * 33},
        {"host_name": "a\x1bb"},
        {"signers": ("x" * 97,)},
        {"signers": ("x",) * 33},
        {"signers": ["x"]},
        {"time": TIME_MAX + 1},
        {"time": True},
        {"older": bytes(31)},
        {"point_eddsa": b""},
        {"kept": (1,)},
        {"share": None},
    ],
    ids=str,
)
def test_what_has_no_room_is_not_signed(change: dict[str, Any]) -> None:
    with pytest.raises(ReportError, match="no room"):
        sign(replace(SMALL, **change), identity(0))


# --- what is in it


def test_no_secret_and_no_chain_code_is_in_it() -> None:
    old, new = two()
    for number, vult in enumerate(new.vults):
        one = reported(new, number, old.generation)
        facts = new.facts[number]
        hidden = {**share_secrets(vult, None), "chain code": facts.chain_code}
        for data in (one.data, text(one).encode(), repr(one).encode(), str(one.report).encode()):
            for value in hidden.values():
                for form in (value, value[::-1], value.hex().encode(), base64.b64encode(value), repr(value).encode()):
                    assert form not in data
                assert base64.b32encode(value[:30]).rstrip(b"=") not in data
        assert facts.generation in one.data
        assert facts.public_shares_ecdsa[2] in one.data


def test_two_of_one_party_and_one_of_two() -> None:
    old, new = two()
    assert reported(new, 0, old.generation) == signed()
    assert reported(new, 1, old.generation).digest != signed().digest
    assert signed().report.party == "Phone"
    assert signed().report.host == computer(0)
    assert report_on(new, 0, old.generation, time=5).time == 5


# --- anything that has room


_text = st.text(st.characters(exclude_categories=["Cs"]).filter(lambda char: not unshowable(ord(char))), max_size=20)
_name = _text.filter(lambda one: len(one.encode()) <= 96)
_party = _name.filter(bool)
_32 = st.binary(min_size=32, max_size=32)
_point = st.binary(min_size=1, max_size=32)
_16 = st.binary(min_size=16, max_size=16)
_number = st.integers(1, 65536)
_places = st.builds(Place, st.integers(1, 255), _point)
_reports = st.builds(
    Report,
    time=st.integers(0, TIME_MAX),
    host=_16,
    host_name=_text.filter(lambda one: len(one.encode()) <= 32),
    share=st.builds(Share, st.binary(min_size=1, max_size=64), _name, _party, _32, _number, _number, _number),
    older=_32,
    signers=st.lists(_party, max_size=32).map(tuple),
    public_key_eddsa=_32,
    chain_code_digest=_32,
    points_ecdsa=st.lists(_point, max_size=32).map(tuple),
    public_shares_ecdsa=st.lists(st.binary(min_size=32, max_size=33), max_size=32).map(tuple),
    point_eddsa=_point,
    public_share_eddsa=_32,
    digest=_32,
    kept=st.lists(
        st.builds(
            Kept,
            _places,
            _text.filter(lambda one: len(one.encode()) <= LABEL_MAX),
            _16,
            st.integers(0, 1 << 40),
            st.integers(1, 6),
        ),
        max_size=8,
    ).map(tuple),
)


@settings(max_examples=20)
@given(_reports, st.integers(0, 5), st.randoms(use_true_random=False))
def test_what_is_signed_is_read(report: Report, number: int, random: Any) -> None:
    made = sign(report, identity(number))
    assert made.report == report
    assert made.public_key == identity(number).public
    CDDL.validate_cbor(made.data)
    line = text(made)
    at = random.randrange(len(line))
    for form in (made.data, line.encode(), encode(made), (line[:at].lower() + "\n> " + line[at:]).encode()):
        assert read(form) == made


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    for form in (data, HEAD.encode() + data, enclosed(data)):
        refused(form)


@pytest.mark.slow
def test_what_is_signed_is_read_many_more_times() -> None:
    given_what = (_reports, st.integers(0, 5), st.randoms(use_true_random=False))
    settings(max_examples=200)(given(*given_what)(test_what_is_signed_is_read.hypothesis.inner_test))()
