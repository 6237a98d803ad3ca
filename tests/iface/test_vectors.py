"""The committed vectors: they are what the generator makes, the code does what they say, and none is missing."""

from __future__ import annotations

import ast
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycddl  # type: ignore[import-untyped]
import pytest

from coldshare_firmware import keys, request, screens
from coldshare_firmware.cbor import CborError
from coldshare_firmware.cbor import decode as token_decode
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import Keys
from coldshare_firmware.person import OpError
from coldshare_firmware.pin import check_format
from coldshare_firmware.store import Store
from coldshare_iface import codec, framing, messages, suite, wire
from coldshare_iface import transfer as transfer_rules
from coldshare_iface.codec import CodecError
from coldshare_iface.errors import ReplyError, TokenError
from coldshare_iface.framing import Assembler, FrameError
from coldshare_iface.primitives import NativeAes, NativeSuite
from coldshare_iface.session import RemoteProtocolError, Session
from coldshare_iface.suite import A128cbcHs256, TagError
from coldshare_iface.transfer import Transfer, TransferError

IFACE = Path(codec.__file__).parent
FOLDER = IFACE / "vectors"
CDDL = (IFACE / "protocol.cddl").read_text(encoding="utf-8")

Vector = dict[str, Any]
NewBoard = Callable[..., Any]
VECTORS: dict[str, Vector] = {
    path.relative_to(FOLDER).as_posix(): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*/*.json"))
}


def of(kind: str) -> pytest.MarkDecorator:
    """The vectors of one kind, as the parameters of a test."""
    chosen = [vector for vector in VECTORS.values() if vector["kind"] == kind]
    return pytest.mark.parametrize("vector", chosen, ids=[vector["name"] for vector in chosen])


def status_name(status: int) -> str:
    names = [name for name, value in vars(wire).items() if name.startswith("STATUS_") and value == status]
    return names[0].removeprefix("STATUS_")


def schema(rule: str) -> pycddl.Schema:
    return pycddl.Schema(f"start = {rule}\n{CDDL}")


def test_the_committed_files_are_what_the_generator_makes() -> None:
    made = runpy.run_path(str(Path(__file__).with_name("make_vectors.py")))["vectors"]()
    assert sorted(made) == sorted(VECTORS)
    for path, text in made.items():
        assert (FOLDER / path).read_text(encoding="utf-8") == text, path


@pytest.mark.parametrize("path", VECTORS)
def test_every_vector_says_what_it_is(path: str) -> None:
    vector = VECTORS[path]
    assert path == f"{vector['kind']}/{vector['name']}.json"
    assert vector["comment"]
    assert ("reason" in vector) == (vector["expect"] != "ok")


# --- frames ------------------------------------------------------------------------------------------------


@of("frames")
def test_frames(vector: Vector) -> None:
    assembler = Assembler(vector["report_size"])
    whole, failure, where = [], "ok", None
    for i, report in enumerate(vector["reports"]):
        try:
            message = assembler.feed(bytes.fromhex(report))
        except FrameError as error:
            names = [n for n, v in vars(wire).items() if n.startswith("ERR_") and v == error.code]
            failure = names[0].removeprefix("ERR_")
            where = {"report": i, "cid": error.cid.hex()}
            continue
        if message is not None:
            whole.append({"cid": message[0].hex(), "cmd": message[1], "data": message[2].hex()})
    assert whole == vector["messages"]
    assert (failure, where) == (vector["expect"], vector.get("error"))
    if vector["split"]:
        cid, cmd, data = (vector["messages"][0][key] for key in ("cid", "cmd", "data"))
        reports = framing.split(bytes.fromhex(cid), cmd, bytes.fromhex(data), vector["report_size"])
        assert [report.hex() for report in reports] == vector["reports"]


# --- cbor --------------------------------------------------------------------------------------------------


@of("cbor")
def test_cbor(vector: Vector) -> None:
    data = bytes.fromhex(vector["hex"]) + bytes(vector.get("then_zeros", 0))
    if vector["expect"] == "ok":
        assert codec.encode(codec.decode(data)) == data
        assert token_decode(data) == codec.decode(data)
        return
    with pytest.raises(CodecError) as host:
        codec.decode(data)
    with pytest.raises(CborError) as token:
        token_decode(data)
    assert (host.value.reason, host.value.at) == (vector["expect"], vector["at"])
    assert (token.value.reason, token.value.at) == (vector["expect"], vector["at"])


# --- suite -------------------------------------------------------------------------------------------------

TAG_ERRORS = {"length": "impossible length", "tag": "tag does not verify", "padding": "padding under a good tag"}


@of("suite")
def test_suite(vector: Vector) -> None:
    key, ad, sealed = (bytes.fromhex(vector[name]) for name in ("key", "ad", "ciphertext"))
    nonce = int(vector["nonce"], 16)
    cipher = A128cbcHs256(NativeAes(), key)
    if vector["expect"] == "ok":
        plaintext = bytes.fromhex(vector["plaintext"])
        assert cipher.encrypt(nonce, ad, plaintext) == sealed
        assert cipher.encrypt_iv(bytes.fromhex(vector["iv"]), ad, plaintext) == sealed
        assert cipher.decrypt(nonce, ad, sealed) == plaintext
        assert cipher.cipherlen(len(plaintext)) == len(sealed)
    else:
        with pytest.raises(TagError, match=TAG_ERRORS[vector["expect"]]):
            cipher.decrypt(nonce, ad, sealed)


# --- noise -------------------------------------------------------------------------------------------------

CHANNEL_ERRORS = {
    "tag": "does not verify",
    "short": "too short",
    "low_order": "low order",
    "payload": "with a payload",
    "turn": "out of turn",
}


class OneKeySuite(NativeSuite):
    """The ephemeral key comes from the vector."""

    def __init__(self, ephemeral: bytes) -> None:
        super().__init__()
        self._ephemeral = ephemeral

    def generate(self) -> bytes:
        return self._ephemeral


def prepared(vector: Vector, role: str) -> Session:
    one = Session(OneKeySuite(bytes.fromhex(vector[role + "_ephemeral"])), role == "host")
    info = bytes.fromhex(vector["info"])
    if vector["pattern"] == "XX":
        one.pairing(info, bytes.fromhex(vector[role + "_static"]))
    else:
        one.session(info, bytes.fromhex(vector["psk_id"]), bytes.fromhex(vector["psk"]))
    return one


def play(side: Session, role: str, step: Vector) -> None:
    """Do one step from the point of view of `role`."""
    data = bytes.fromhex(step["hex"])
    if step["what"] == "handshake":
        if step["from"] == role:
            assert side.write_handshake() == data
        else:
            side.read_handshake(data)
    elif step["from"] == role:
        assert side.seal(bytes.fromhex(step["plaintext"])) == data
    else:
        assert side.open(data).hex() == step["plaintext"]


def play_and_answer(side: Session, role: str, step: Vector) -> None:
    """A key of low order may show only when the answer is computed; nothing is sent then."""
    play(side, role, step)
    side.write_handshake()


@of("noise")
def test_noise(vector: Vector) -> None:
    for role in vector["roles"]:
        side = prepared(vector, role)
        for step in vector["steps"][:-1]:
            play(side, role, step)
        if vector["expect"] == "ok":
            play(side, role, vector["steps"][-1])
            assert side.code == vector["code"]
        else:
            with pytest.raises(RemoteProtocolError, match=CHANNEL_ERRORS[vector["expect"]]):
                play_and_answer(side, role, vector["steps"][-1])
        assert side.state == vector["ends"]


# --- declarations and messages -----------------------------------------------------------------------------


@of("declaration")
def test_declaration(vector: Vector) -> None:
    data = bytes.fromhex(vector["hex"])
    if vector["expect"] == "ok":
        declared = messages.Declaration.decode(data)
        assert declared.encode() == data
        assert Declaration(data).party == declared.party
    else:
        with pytest.raises(ValueError, match=r"declaration|size|range|shown"):
            Declaration(data)
        with pytest.raises(OpError) as refused:
            judge("reserve-request", "session", codec.encode({0: wire.OP_RESERVE, 1: data}))
        assert status_name(refused.value.status) == vector["expect"]


def judge(rule: str, place: str, data: bytes) -> None:
    """What the token checks before it looks at its own state. Raises OpError."""
    try:
        asked = token_decode(data)
    except CborError:
        raise OpError(wire.STATUS_BAD_REQUEST) from None
    op, values = request.fields(asked, request.PLAIN) if place == "plain" else request.fields(asked)
    if place != "plain" and (place == "pairing") != (op in request.PAIRING):
        raise OpError(wire.STATUS_UNKNOWN_OP)
    if op in (wire.OP_SET_UP, wire.OP_UNLOCK, wire.OP_CHANGE_PIN):
        check_format(values[0])
    if op == wire.OP_CHANGE_PIN:
        check_format(values[1])
    if op in (wire.OP_RESERVE, wire.OP_RESERVE_NEXT):
        assert isinstance(values[0], bytes)
        try:
            Declaration(values[0])
        except ValueError:
            raise OpError(wire.STATUS_BAD_DECLARATION) from None


def read_reply(rule: str, data: bytes) -> None:
    """What the host's typed readers make of it. Raises ReplyError or TokenError."""
    if rule == "info-reply":
        messages.Info.decode(data)
        return
    reply = messages.decode_reply(data)
    if rule == "list-reply":
        messages.Contents.decode(messages.take(reply, 1, list))
    elif rule == "pairings-reply":
        messages.Paired.decode_all(reply)
    elif rule == "open-reply":
        messages.Opened.decode(reply)
    elif rule == "audit-reply":
        messages.AuditPage.decode(reply)


@of("messages")
def test_messages(vector: Vector) -> None:
    rule, data = vector["rule"], bytes.fromhex(vector["hex"])
    if rule.endswith("-request"):
        if vector["expect"] == "ok":
            judge(rule, vector["where"], data)
            assert codec.encode(codec.decode(data)) == data
            return
        with pytest.raises(OpError) as refused:
            judge(rule, vector["where"], data)
        assert status_name(refused.value.status) == vector["expect"]
    elif vector["expect"] == "bad_reply":
        with pytest.raises(ReplyError):
            read_reply(rule, data)
    elif rule == "error-reply":
        with pytest.raises(TokenError) as told:
            read_reply(rule, data)
        assert status_name(told.value.status) == vector["status"]
        assert told.value.detail == codec.decode(data).get(1)  # type: ignore[union-attr]
    else:
        read_reply(rule, data)


SHAPED = [vector for vector in VECTORS.values() if "rule" in vector and "hex" in vector]


@pytest.mark.parametrize("vector", SHAPED, ids=[f"{vector['kind']}/{vector['name']}" for vector in SHAPED])
def test_the_cddl_says_the_same(vector: Vector) -> None:
    data, rule = bytes.fromhex(vector["hex"]), schema(vector["rule"])
    try:
        codec.decode(data)
    except CodecError:
        assert vector["shape"] == "bad"  # not CBOR of the profile, which is judged first
        return
    if vector["expect"] == "ok" or vector["shape"] == "good":
        rule.validate_cbor(data)
    else:
        with pytest.raises(pycddl.ValidationError):
            rule.validate_cbor(data)


# --- transfer ----------------------------------------------------------------------------------------------


def do(transfer: Transfer, event: Vector) -> None:
    what, backup_id = event["do"], bytes.fromhex(event.get("id", ""))
    if what == "begin":
        transfer.begin(backup_id, event["size"], bytes.fromhex(event["digest"]), event["offset"])
    elif what == "chunk":
        transfer.chunk(event["offset"], event["length"])
    elif what == "prepare":
        transfer.prepare(backup_id, bytes.fromhex(event["digest"]))
    elif what == "commit":
        transfer.commit(backup_id)
    elif what == "confirm":
        transfer.confirm(backup_id)
    else:
        transfer.abort()


@of("transfer")
def test_transfer(vector: Vector) -> None:
    transfer = Transfer()
    failure = "ok"
    for event in vector["events"]:
        status, detail = "OK", None
        try:
            do(transfer, event)
        except TransferError as error:
            status, detail = status_name(error.status), error.detail
            failure = status
        assert (status, detail, transfer.state) == (event["status"], event.get("detail"), event["state"])
    assert failure == vector["expect"]


# --- persisted ---------------------------------------------------------------------------------------------


@of("keyarea")
def test_keyarea(vector: Vector, new_board: NewBoard) -> None:
    blocks = new_board(vector["blocks"]).blocks
    record = KeyArea(blocks).load()
    assert (None if record is None else codec.encode(record).hex()) == vector["record"]
    assert blocks.blocks == new_board(vector["blocks_after"]).blocks.blocks
    if record is not None:
        schema(vector["rule"]).validate_cbor(bytes.fromhex(vector["record"]))
        known = Keys(new_board(vector["blocks"])).record
        assert codec.encode(known).hex() == vector.get("becomes", vector["record"])
        schema("key-record").validate_cbor(codec.encode(known))


def test_storing_the_golden_records_gives_the_golden_blocks(new_board: NewBoard) -> None:
    """new is what the first `store` writes, into block A; ready what the second one writes, into block B."""
    blocks = new_board().blocks
    area = KeyArea(blocks)
    assert area.load() is None
    for name in ("new", "ready"):
        vector = VECTORS[f"keyarea/{name}.json"]
        area.store(codec.decode(bytes.fromhex(vector["record"])))  # type: ignore[arg-type]
        assert blocks.blocks == new_board(vector["blocks"]).blocks.blocks


def test_files(new_board: NewBoard) -> None:
    """A token with the golden key block reads and writes the golden files."""
    board = new_board(VECTORS["keyarea/ready.json"]["blocks"])
    known = Keys(board)
    store = Store(board, known)
    record, meta = VECTORS["files/record.json"], VECTORS["files/staged-meta.json"]
    backup_id, sealed = bytes.fromhex(record["backup_id"]), bytes.fromhex(record["hex"])
    assert known.names_key(backup_id).hex() == record["key"]
    board.files.write(record["path"], sealed)
    assert store.read_record(backup_id).hex() == record["declaration"]
    store.write_record(backup_id, bytes.fromhex(record["declaration"]))
    assert board.files.read(record["path"], 0, 4096) == sealed
    asked = codec.decode(bytes.fromhex(meta["hex"]))
    assert isinstance(asked, list)
    store.stage(*asked)  # type: ignore[arg-type]
    assert board.files.read(meta["path"], 0, 4096).hex() == meta["hex"]
    assert store.staged() == tuple(asked)


def test_tags_and_pin(new_board: NewBoard) -> None:
    known = Keys(new_board(VECTORS["keyarea/ready.json"]["blocks"]))
    vector = VECTORS["files/tags.json"]
    declared = Declaration(bytes.fromhex(vector["declaration"]))
    tags = {
        "vault": known.tag(b"vault", declared.vault).hex(),
        "party": known.tag(b"party", declared.vault, declared.party.encode()).hex(),
        "generation": known.tag(b"generation", declared.vault, declared.generation).hex(),
    }
    assert tags == vector["tags"]
    assert [tag.hex() for tag in known.slots[0][3:]] == list(tags.values())  # type: ignore[union-attr]
    pin = VECTORS["files/pin.json"]
    assert suite.hmac_sha256(bytes.fromhex(pin["salt"]), pin["pin"].encode()).hex() == pin["verifier"]
    assert [part.hex() for part in known.record[keys.F_PIN]] == [pin["salt"], pin["verifier"]]


# --- screens -----------------------------------------------------------------------------------------------


@of("screens")
def test_screens(vector: Vector) -> None:
    given = dict(vector["given"])
    for name in ("serial", "backup_id", "psk_id", "older", "generation"):
        if given.get(name) is not None:
            given[name] = bytes.fromhex(given[name])
    if given.get("declared") is not None:
        given["declared"] = Declaration(bytes.fromhex(given["declared"]))
    if vector["screen"] == "retire":
        given["newer"] = given.pop("declared")
    lines = getattr(screens, vector["screen"].replace("-", "_"))(**given)
    assert lines == vector["lines"]
    assert ("held" if screens.asks_to_hold(lines) else "yes" if screens.CONFIRM in lines else None) == vector["waits"]


def test_every_screen_has_a_vector() -> None:
    tree = ast.parse(Path(screens.__file__).read_text(encoding="utf-8"))
    made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}
    assert made - {"asks_to_hold"} == {
        v["screen"].replace("-", "_") for v in VECTORS.values() if v["kind"] == "screens"
    }


# --- nothing is without a vector ---------------------------------------------------------------------------


def expected(kind: str) -> set[str]:
    return {vector["expect"] for vector in VECTORS.values() if vector["kind"] == kind} - {"ok"}


def names_of(module: Any, prefix: str) -> set[str]:
    """Every `wire.PREFIX...` that the source of `module` mentions, without the prefix."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name.removeprefix(prefix) for name in found if name.startswith(prefix)}


def test_every_failure_has_a_vector() -> None:
    assert expected("frames") == names_of(framing, "ERR_")
    # What only `encode` can say has no bytes.
    assert expected("cbor") == set(codec.REASONS) - {"int_range", "type"}
    assert expected("suite") == set(TAG_ERRORS)
    assert expected("noise") == set(CHANNEL_ERRORS)
    assert expected("transfer") == names_of(transfer_rules, "STATUS_")
    statuses = names_of(request, "STATUS_") | {"PIN_FORMAT", "BAD_DECLARATION"}
    assert expected("messages") == statuses | {"bad_reply"}
    assert expected("declaration") == {"BAD_DECLARATION"}


def test_every_transition_has_a_vector() -> None:
    seen = set()
    for vector in (vector for vector in VECTORS.values() if vector["kind"] == "transfer"):
        transfer = Transfer()
        for event in vector["events"]:
            before = transfer.state
            try:
                do(transfer, event)
            except TransferError:
                continue
            what = "last" if event["do"] == "chunk" and transfer.offset == transfer.size else event["do"]
            seen.add((before, what))
    assert set(transfer_rules.TRANSITIONS) <= seen


def test_every_message_has_a_vector_and_a_rule() -> None:
    rules = {vector["rule"] for vector in SHAPED if vector["expect"] == "ok"}
    for name in (name for name in vars(wire) if name.startswith("OP_")):
        op = name.removeprefix("OP_").lower().replace("_", "-")
        assert f"{op}-request" in rules
        assert f"{op}-reply" in rules or f"{op}-reply = done\n" in CDDL
        schema(f"{op}-request")
        schema(f"{op}-reply")
    assert {"declaration", "error-reply", "staged-meta", "done"} <= rules
