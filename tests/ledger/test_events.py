"""The bytes of an event: pinned, described, and nothing else passes for one."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from importlib import resources

import pycddl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import BODIES, Event, EventError
from coldshare.ledger.history import Names, body_json
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import View
from coldshare_iface import codec
from ledger.samples import BODIES as SAMPLES
from ledger.samples import HOST, ID, SAFE, SHARE, UNKNOWN, event

CDDL = pycddl.Schema(resources.files("coldshare.ledger").joinpath("ledger.cddl").read_text(encoding="utf-8"))

GOLDEN_STORED = (
    "a70001015000000000000000000000000000000001021b00060a24181e4000031b00060a24181e4001045030313233343536"
    "3738393a3b3c3d3e3f051006a601a20101024800010203040506070250101112131415161718191a1b1c1d1e1f03a7015821"
    "0202020202020202020202020202020202020202020202020202020202020202020267536176696e6773036550686f6e6504"
    "58200404040404040404040404040404040404040404040404040404040404040404050206030702041903e8050206f5"
)
#: SHA-256 of every kind's event, as `samples` has it.
GOLDEN: dict[str, str] = {
    "host_named": "2b37e0e190a74abd118d4c9fe4888baf",
    "vault_seen": "e8ed9276a7905932b2d13492e168e2ad",
    "share_handled": "8da410c20d622c2402c8b987f237162f",
    "place_named": "7ef0dfc0bbc2eac1e45408601a7e0c7e",
    "place_described": "3939f12b71f3c749de0d26ead341996b",
    "place_reached": "dcae294c4c3db81e96481ca2babb84ec",
    "place_lost": "25410b6ff27df544027c6fdc3f3774db",
    "place_found": "089830d510032e3e919a8dbadbde2015",
    "place_wiped": "1dba8f156517af563d2a450de95c41d0",
    "vault_extras": "93183bbaccf5158eae8e139898d526af",
    "place_built_in": "4299cd5f9cda8bcf2cf50a610bc70e17",
    "backup_stored": "a872c18f5751bf406044ce3c70453953",
    "backup_state": "a4c09d8ed2cc91069f209f0637fc00a0",
    "backup_verified": "238b98ba5810830a8dd28731454a5eb2",
    "backup_failed": "eb6647aae08a230f176d6736933fe7ab",
    "backup_restored": "f64fe06e8b7e6717cb7f80d5fbf8c6be",
    "backup_gone": "22132e335a78901b7da39ed6c91ea020",
    "generation_newer": "19915f3c130b5e2f824c4ecd03528544",
    "generation_retired": "bc07e039f0b11d47a983199410814025",
    "generation_un_retired": "69b7a290764cc724e9ba365386ad847f",
    "device_lost": "90ecd13f8a9e33b9715c120b29496fc1",
    "device_found": "26eb39376881e7aed67f68e60bb61fff",
    "device_restored": "9e6c41ced4e2ea33646c0e4c35fc45f1",
    "single_host_accepted": "5464df2da8262649769fa3775f9a6259",
    "drill_result": "52508162985becd234e33fb5ac78f90a",
    "identity_compared": "123612698bcd038e17f16b46e8f75d52",
    "reshare_started": "f636a798cb9d3a3bbb83ba89e76f0a17",
    "reshare_reported": "45a3a6bbc6c3d532260a0425a1e33b5b",
    "reshare_finished": "0e8a09f1cc191c9405099a0de5ee97d9",
    "reshare_aborted": "6037a0128385c1afb415bdea4f88e2fb",
    "identity_taken_back": "00b9bc6591c7109c03c85a04d74bac68",
    "ledger_joined": "c36fa28b49c056942d005e1ecb28e0ca",
}


def test_there_is_a_sample_of_every_kind() -> None:
    assert [type(body) for body in SAMPLES] == list(BODIES.values())
    assert len({body.kind for body in SAMPLES}) == len({body.name for body in SAMPLES}) == len(SAMPLES)


def test_golden_bytes() -> None:
    stored = event(e.BackupStored(SAFE, ID, SHARE, 1000, e.ACTIVE, recovery=True), 1)
    assert stored.encode().hex() == GOLDEN_STORED
    assert Event.decode(bytes.fromhex(GOLDEN_STORED)) == stored


@pytest.mark.parametrize("body", SAMPLES, ids=lambda body: body.name)
def test_golden_digest_of_every_kind(body: e.Body) -> None:
    """A change here is a change of the format: ledgers that people have could not be read any more."""
    data = event(body).encode()
    assert hashlib.sha256(data).hexdigest()[:32] == GOLDEN[body.name]
    assert Event.decode(data) == event(body)
    CDDL.validate_cbor(data)


def test_what_is_not_known_is_kept() -> None:
    data = event(UNKNOWN).encode()
    read = Event.decode(data)
    assert read.body == UNKNOWN
    assert read.encode() == data
    CDDL.validate_cbor(data)


@pytest.mark.parametrize("body", SAMPLES, ids=lambda body: body.name)
def test_no_shape_has_room_for_more_or_less(body: e.Body) -> None:
    head = codec.decode(event(body).encode())
    assert isinstance(head, dict)
    inner = head[6]
    assert isinstance(inner, dict)
    for changed in ({**inner, len(inner) + 1: 0}, {key: inner[key] for key in list(inner)[:-1]}):
        with pytest.raises(EventError):
            Event.decode(codec.encode({**head, 6: changed}))
    for key, value in inner.items():
        for wrong in (-1, [b"x", "y"], {1: value}, "\x1b[2J", bytes(7500)):
            with pytest.raises(EventError):
                Event.decode(codec.encode({**head, 6: {**inner, key: wrong}}, limit=e.EVENT_MAX))


@pytest.mark.parametrize(
    "change",
    [
        {0: 2},
        {0: True},
        {1: b"short"},
        {2: -1},
        {2: e.TIME_MAX + 1},
        {3: e.POSITION_MAX + 1},
        {4: b""},
        {5: 0},
        {5: "1"},
    ],
    ids=str,
)
def test_a_wrong_head(change: dict[int, codec.Encodable]) -> None:
    head = codec.decode(event(SAMPLES[0]).encode())
    assert isinstance(head, dict)
    with pytest.raises(EventError):
        Event.decode(codec.encode({**head, **change}))


def test_an_event_has_seven_fields() -> None:
    head = codec.decode(event(SAMPLES[0]).encode())
    assert isinstance(head, dict)
    for changed in ({**head, 7: 0}, {key: value for key, value in head.items() if key != 3}):
        with pytest.raises(EventError):
            Event.decode(codec.encode(changed))


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(EventError):
        Event.decode(data)


def test_any_bit_turned_over() -> None:
    """Either it is refused, or it is another event that says so in the same bytes."""
    data = event(SAMPLES[9]).encode()
    for at in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        try:
            read = Event.decode(bytes(damaged))
        except EventError:
            continue
        assert read != event(SAMPLES[9])
        assert read.encode() == damaged


def test_the_largest_vault_has_room() -> None:
    name = "\N{GREEK SMALL LETTER ALPHA}" * 48
    largest = e.VaultSeen(
        share=e.Share(bytes(64), name, name, bytes(32), 65536, 65536, 65536),
        signers=(name,) * 32,
        reshared=True,
        public_key_eddsa=bytes(32),
        chain_code_digest=bytes(32),
        points_ecdsa=(bytes(32),) * 32,
        public_shares_ecdsa=(bytes(33),) * 32,
        point_eddsa=bytes(32),
        public_share_eddsa=bytes(32),
    )
    assert Event.decode(event(largest).encode()).body == largest


@pytest.mark.parametrize(
    "body",
    [
        e.HostNamed("x" * 33),
        e.PlaceNamed(SAFE, "escape \x1b[2J"),
        e.BackupGone(SAFE, ID[1:], e.REMOVED),
        e.BackupGone(SAFE, ID, 7),
        e.BackupStored(SAFE, ID, replace(SHARE, party=""), 0, e.ACTIVE, None),
        e.Unknown(5000, bytes(e.EVENT_MAX)),
    ],
)
def test_what_has_no_room_is_not_written(body: e.Body) -> None:
    with pytest.raises(EventError):
        event(body).encode()


@pytest.mark.parametrize("body", [*SAMPLES, UNKNOWN], ids=lambda body: body.name or "unknown")
def test_every_kind_has_words(body: e.Body) -> None:
    names = Names(View(fold([event(one, number) for number, one in enumerate(SAMPLES)]), HOST))
    words = names.words(body)
    assert words
    assert "does not know" not in words
    assert len(body_json(body)) == (0 if isinstance(body, e.Unknown) else len(fields(body)))
