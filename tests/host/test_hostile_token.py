"""A token may be anything that was plugged in. Whatever it answers, the host ends with an error of its own, soon, and
with nothing wrong believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare import declare, restore
from coldshare.declare import DeclarationMismatchError
from coldshare.device import history
from coldshare.device.errors import CapabilityError, VersionError, WrongTokenError
from coldshare.device.token import TokenClient
from coldshare.seal.errors import WrongFactorError
from coldshare.vault import read_share
from coldshare_iface import codec, wire
from coldshare_iface.errors import ColdshareError, ProtocolError, ReplyError
from coldshare_iface.messages import Backup, Opened, Unnamed
from coldshare_sim.littlefs import LittleFiles
from support.bits import flip
from support.desk import PASSWORD, PIN, Desk, Puppet, approves, puppet_client, put_share, store_as, vault

SEALED = b"sealed" * 1000
DIGEST = hashlib.sha256(SEALED).digest()


# --- what it says of itself


def info(**changes: Any) -> bytes:
    fields = codec.decode(Puppet(lambda op, request: {}).info)
    assert isinstance(fields, dict)
    fields.update({int(key[1:]): value for key, value in changes.items()})
    return codec.encode({key: value for key, value in fields.items() if value is not None})


def meet(raw: bytes) -> TokenClient:
    return TokenClient(Puppet(lambda op, request: {}, info=raw))


def test_what_it_does_not_know_is_how_the_protocol_grows() -> None:
    client = meet(info(_1=[1, 2, 9], _6=[1, 77], _20="later", _21={1: [b"x"]}))
    assert client.info.versions == (1, 2, 9)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (info(_1=[2, 3]), VersionError),
        (info(_1=[]), VersionError),
        (info(_6=[]), CapabilityError),
        (info(_4=b"short"), ReplyError),
        (info(_4=None), ReplyError),
        (info(_5="new"), ReplyError),
        (info(_7=10**6), ReplyError),
        (info(_8=0), ReplyError),
        (info(_0=1), ColdshareError),
        (info(_0=999), ReplyError),
        (b"", ReplyError),
        (b"\x80", ReplyError),
    ],
)
def test_what_will_not_do_is_named(raw: bytes, kind: type[ColdshareError]) -> None:
    with pytest.raises(kind):
        meet(raw)


@given(st.binary(max_size=200))
def test_any_bytes_as_info(raw: bytes) -> None:
    with pytest.raises(ColdshareError):
        meet(raw)


# --- its answers in the secure channel

_leaf = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 40),
    st.binary(max_size=70),
    st.sampled_from([bytes(16), bytes(32), DIGEST, SEALED[:100]]),
    st.text(max_size=20),
    st.booleans(),
    st.none(),
)
_value = st.recursive(
    _leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=9), st.dictionaries(st.integers(0, 9), inner, max_size=5)),
    max_leaves=12,
)
_reply = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(st.integers(0, 5), _value, max_size=6).map(codec.encode),
    # Mostly with the status that lets the rest be looked at.
    st.dictionaries(st.integers(1, 5), _value, max_size=5).map(lambda fields: codec.encode({0: 0, **fields})),
    st.builds(lambda status, detail: codec.encode({0: status, 1: detail}), st.integers(0, 30), _leaf),
)

OPERATIONS = {
    "set up": lambda client: client.set_up(PIN, "Safe A"),
    "unlock": lambda client: client.unlock(PIN),
    "list": lambda client: client.backups(),
    "reserve": lambda client: client.reserve(b"declaration"),
    "put": lambda client: client.put(bytes(16), SEALED),
    "commit": lambda client: client.commit(bytes(16)),
    "confirm": lambda client: client.confirm(bytes(16)),
    "give up": lambda client: client.give_up(bytes(16)),
    "open": lambda client: client.open(bytes(16), wire.PURPOSE_VERIFY),
    "get": lambda client: client.get(bytes(16), len(SEALED), DIGEST),
    "audit": lambda client: history.read(client.audit, None),
}


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=15)  # `make fuzz` tries far more
@given(replies=st.lists(_reply, min_size=1, max_size=4))
def test_any_answer_to_any_question(name: str, replies: list[bytes]) -> None:
    """The last answer is repeated for ever; the conversation ends all the same."""
    pending = list(replies)
    client = puppet_client(lambda op, request: pending.pop(0) if len(pending) > 1 else pending[0])
    try:
        OPERATIONS[name](client)
    except ColdshareError as error:
        assert error.message and error.code != "error"  # noqa: PT017, PT018 - either way of ending is fine


def test_a_list_without_end_and_lists_that_lie_about_their_length(desk: Desk) -> None:
    one = listed(desk)
    other = {**one, 1: b"another id......"}
    for replies, says in (
        ([{1: [one], 2: 5}, {1: [], 2: 5}], "announces more"),
        ([{1: [one], 2: 16}], "twice"),
        ([{1: [one, other], 2: 1}], "more backups than it announces"),
        ([{1: [one], 2: 18}], "out of bounds"),
        ([{1: [one] * 9, 2: 9}], "out of bounds"),
        ([{1: [one], 2: 2}, {1: [one], 2: 2}], "twice"),
        ([{1: [one | {2: 6}], 2: 1}], "out of bounds"),
        ([{1: [one | {3: 2**40}], 2: 1}], "out of bounds"),
        ([{1: [one | {4: b"\xa0"}], 2: 1}], "missing or unknown"),
        ([{1: ["backup"], 2: 1}], "not a map"),
    ):
        pending: list[Any] = list(replies)
        client = puppet_client(lambda op, request, p=pending: p.pop(0) if len(p) > 1 else p[0])  # type: ignore[misc]
        with pytest.raises(ReplyError, match=says):
            client.backups()


def listed(desk: Desk) -> dict[int, Any]:
    held = stolen(desk, 0).held
    return {1: held.backup_id, 2: wire.BACKUP_ACTIVE, 3: held.size, 4: held.declared}


@pytest.mark.parametrize("chunk", [1, 500, 7424, wire.MESSAGE_MAX])
def test_any_chunk_size_it_asks_for_fits_a_record(chunk: int) -> None:
    sealed = SEALED[:1000] if chunk == 1 else SEALED * 4
    taken = bytearray()

    def answer(op: int, request: dict[int, Any]) -> dict[int, Any]:
        if op == wire.OP_BEGIN:
            return {1: 0, 2: chunk}
        if op == wire.OP_CHUNK:
            taken.extend(request[2])
            return {1: len(taken)}
        return {1: hashlib.sha256(taken).digest()}

    puppet_client(answer).put(bytes(16), sealed)
    assert taken == sealed


@pytest.mark.parametrize(
    ("begin", "chunk", "digest", "kind"),
    [
        ({1: 0, 2: 0}, None, None, ReplyError),
        ({1: 0, 2: 8000}, None, None, ReplyError),
        ({1: len(SEALED) + 1, 2: 7424}, None, None, ReplyError),
        ({1: 0, 2: 1000}, 999, None, ReplyError),
        ({1: 0, 2: 1000}, 0, None, ReplyError),
        ({1: len(SEALED), 2: 7424}, None, bytes(32), WrongTokenError),
    ],
)
def test_lies_while_a_share_is_transferred(
    begin: dict[int, Any], chunk: int | None, digest: bytes | None, kind: type[ColdshareError]
) -> None:
    def answer(op: int, request: dict[int, Any]) -> dict[int, Any]:
        if op == wire.OP_BEGIN:
            return begin
        return {1: chunk} if op == wire.OP_CHUNK else {1: digest}

    with pytest.raises(kind):
        puppet_client(answer).put(bytes(16), SEALED)


@pytest.mark.parametrize(
    "data", [b"", b"x" * (len(SEALED) + 1), b"x" * 7000], ids=["nothing", "more than was asked", "other bytes"]
)
def test_lies_while_a_share_is_read(data: bytes) -> None:
    client = puppet_client(lambda op, request: {1: data[: 6000 if len(data) == 7000 else None]})
    with pytest.raises((ReplyError, WrongTokenError)):
        client.get(bytes(16), len(SEALED), DIGEST)


@pytest.mark.parametrize("size", [0, wire.BLOB_MAX + 1, 2**63])
def test_a_backup_of_an_impossible_size_is_not_waited_for(size: int) -> None:
    client = puppet_client(lambda op, request: {1: size, 2: bytes(32), 3: b"d", 4: bytes(32)})
    with pytest.raises(ReplyError):
        client.open(bytes(16), wire.PURPOSE_VERIFY)


def test_a_record_that_does_not_verify_ends_the_channel_in_words() -> None:
    puppet = Puppet(lambda op, request: {})
    client = puppet_client(puppet.answer)
    carrier: Any = client._transport
    seal = carrier._session.seal
    carrier._session.seal = lambda plaintext: flip(seal(plaintext))
    for _ in range(2):
        with pytest.raises(ProtocolError, match="secure channel"):
            client.commit(bytes(16))


# --- real backups in the wrong hands: a token that has seen them replays them


@dataclass(frozen=True)
class Stolen:
    """All that a token knows of a backup."""

    held: Backup
    opened: Opened
    sealed: bytes


def stolen(desk: Desk, number: int) -> Stolen:
    known = _STOLEN.get(number)
    if known is None:
        chip = desk.token()
        put_share(desk.client(chip), vault()[number].vult)
        client = desk.client(chip)
        (held,) = client.backups()
        opened = client.open(held.backup_id, wire.PURPOSE_RESTORE)
        known = _STOLEN[number] = Stolen(held, opened, client.get(held.backup_id, opened.size, opened.digest))
    return known


_STOLEN: dict[int, Stolen] = {}


def replay(of: Stolen, listed_as: Backup | None = None, **lies: Any) -> tuple[TokenClient, Backup]:
    """A client of a token that holds `of`, with some of it replaced."""
    opened = replace(of.opened, **{key: value for key, value in lies.items() if key != "sealed"})
    sealed = lies.get("sealed", of.sealed)

    def answer(op: int, request: dict[int, Any]) -> dict[int, Any]:
        if op == wire.OP_OPEN:
            return {1: opened.size, 2: opened.digest, 3: opened.declared, 4: opened.factor}
        return {1: sealed[request[2] : request[2] + 7424]}

    return puppet_client(answer), listed_as or of.held


def refused(client: TokenClient, held: Backup, kind: type[ColdshareError], out: Path) -> None:
    with pytest.raises(kind):
        restore.verify(client, held, PASSWORD)
    with pytest.raises(kind):
        restore.restore(client, held, PASSWORD, out)
    assert not out.exists()


def test_replayed_as_it_was_it_is_good(desk: Desk, tmp_path: Path) -> None:
    """The puppet itself is no reason to refuse, so what follows is refused for its lie."""
    client, held = replay(stolen(desk, 0))
    assert restore.verify(client, held, PASSWORD).opened
    restore.restore(client, held, PASSWORD, tmp_path / "a.vult")
    assert (tmp_path / "a.vult").read_bytes() == vault()[0].vult


def test_another_backups_bytes(desk: Desk, tmp_path: Path) -> None:
    mine, other = stolen(desk, 0), stolen(desk, 1)
    client, held = replay(mine, sealed=other.sealed, size=len(other.sealed), digest=other.opened.digest)
    refused(client, held, DeclarationMismatchError, tmp_path / "a")


def test_another_backup_altogether_under_this_ones_name(desk: Desk, tmp_path: Path) -> None:
    """Everything of the other one, listed as this one: the two declarations differ."""
    other = stolen(desk, 1)
    refused(*replay(other, listed_as=stolen(desk, 0).held), DeclarationMismatchError, tmp_path / "a")
    renamed = replace(other.held, declaration=stolen(desk, 0).held.declaration)
    refused(*replay(other, listed_as=renamed), DeclarationMismatchError, tmp_path / "a")


def test_another_declaration(desk: Desk, tmp_path: Path) -> None:
    mine, other = stolen(desk, 0), stolen(desk, 1)
    listed_as = replace(mine.held, declaration=other.held.declaration, declared=other.held.declared)
    client, held = replay(mine, listed_as=listed_as, declared=other.opened.declared)
    refused(client, held, DeclarationMismatchError, tmp_path / "a")


def test_another_factor(desk: Desk, tmp_path: Path) -> None:
    client, held = replay(stolen(desk, 0), factor=stolen(desk, 1).opened.factor)
    refused(client, held, WrongFactorError, tmp_path / "a")


def test_another_digest(desk: Desk, tmp_path: Path) -> None:
    refused(*replay(stolen(desk, 0), digest=bytes(32)), WrongTokenError, tmp_path / "a")


def test_bytes_that_changed_under_a_digest_that_fits_them(desk: Desk, tmp_path: Path) -> None:
    mine = stolen(desk, 0)
    changed = mine.sealed[:-200] + bytes((mine.sealed[-200] ^ 1,)) + mine.sealed[-199:]
    lies: dict[str, Any] = {"sealed": changed, "digest": hashlib.sha256(changed).digest()}
    refused(*replay(mine, **lies), ColdshareError, tmp_path / "a")
    cut = mine.sealed[:-1]
    lies = {"sealed": cut, "size": len(cut), "digest": hashlib.sha256(cut).digest()}
    refused(*replay(mine, **lies), ColdshareError, tmp_path / "a")


def test_a_backup_that_no_longer_reads_as_it_was_written_is_not_confirmed(desk: Desk) -> None:
    """The read-back of `backup` meets a token whose flash lost a bit; the old backup stays."""
    chip, old = desk.stored()
    client = desk.client(chip, approves())
    exchange = client._exchange

    def rotten(request: bytes, cancel: Any) -> dict[int, Any]:
        reply = exchange(request, cancel)
        if codec.decode(request)[0] == wire.OP_READ:  # type: ignore[index]
            reply[1] = bytes(len(reply[1]))  # type: ignore[arg-type]
        return reply

    client._exchange = rotten  # type: ignore[method-assign]
    with pytest.raises(WrongTokenError) as caught:
        put_share(client, vault()[0].vult)
    assert caught.value.code == "token_lied"
    assert "Do not rely on this token" in caught.value.next_step
    held = desk.held(chip)
    assert (held[0][0], held[0][1]) == (old.hex(), False)
    assert held[1][1]


def test_a_name_that_comes_or_goes_between_list_and_release(desk: Desk, tmp_path: Path) -> None:
    """Listed without a name and released with one, or the other way round: one of the two is a lie."""
    mine = stolen(desk, 0)
    unnamed = Unnamed(mine.held.backup_id, wire.BACKUP_ACTIVE, mine.held.size)
    client, _ = replay(mine)
    for out in (tmp_path / "a", tmp_path / "b"):
        with pytest.raises(DeclarationMismatchError):
            restore.restore(client, unnamed, PASSWORD, out)
        assert not out.exists()
    client = puppet_client(lambda op, request: {1: mine.opened.size, 2: mine.opened.digest, 4: mine.opened.factor})
    with pytest.raises(DeclarationMismatchError):
        restore.verify(client, mine.held, PASSWORD)


@pytest.mark.parametrize("which", [("header",), ("inside",), ("header", "inside")])
def test_a_lie_in_the_seal_of_an_unnamed_backup(desk: Desk, tmp_path: Path, which: tuple[str, ...]) -> None:
    """Then only the seal itself says what the token was told, and it must be of one mind with the share."""
    chip = desk.token()
    client = desk.client(chip)
    told = declare.declare(read_share(vault()[0].vult).facts)
    lie = replace(told, party="Laptop")
    backup_id = store_as(client, told, vault()[0].vult, **dict.fromkeys(which, lie))
    LittleFiles(chip).write(f"/r/{backup_id.hex()}", b"damaged")
    client = desk.client(chip)
    (unnamed,) = client.contents().unnamed
    with pytest.raises(DeclarationMismatchError):
        restore.restore(client, unnamed, PASSWORD, tmp_path / "a")
    assert not (tmp_path / "a").exists()
