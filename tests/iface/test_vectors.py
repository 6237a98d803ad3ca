"""The committed vectors: they are what the generator makes, the code does what they say, and none is missing."""

from __future__ import annotations

import ast
import hashlib
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycddl  # type: ignore[import-untyped]
import pytest

from coldshare_firmware import jobs, keys, policy, request, screens
from coldshare_firmware.audit import Audit
from coldshare_firmware.cbor import CborError
from coldshare_firmware.cbor import decode as token_decode
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keyarea import KeyArea, StorageError
from coldshare_firmware.keys import Keys
from coldshare_firmware.manage import Manage
from coldshare_firmware.ops import Operations
from coldshare_firmware.person import OpError
from coldshare_firmware.pin import PinGate, check_format
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
    if vector["expect"] == "unknown_layout":
        with pytest.raises(StorageError):
            Keys(new_board(vector["blocks"]))
    elif record is not None:
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


# --- what may stand beside what ----------------------------------------------------------------------------

STATES = {
    "RESERVED": keys.RESERVED,
    "PENDING": wire.BACKUP_PENDING,
    "ACTIVE": wire.BACKUP_ACTIVE,
    "NEXT": wire.BACKUP_NEXT,
    "RETIRED": wire.BACKUP_RETIRED,
}
CONTENT = b"sealed"


def labelled(label: str, size: int = 32) -> bytes:
    return hashlib.sha256(label.encode()).digest()[:size]


def declared(vault: str, party: str, generation: str) -> bytes:
    share = messages.Declaration(labelled(vault), vault, party, labelled(generation), 2, 3, 2, bytes(16))
    return share.encode()


class Ruled:
    """A token that holds what a vector says, and what it asks a person."""

    def __init__(self, board: Any, before: Vector) -> None:
        self.asked: list[str] = []
        show = board.show

        def shown(lines: list[str], question: bool) -> None:
            if question:
                self.asked.append(lines[0])
            show(lines, question)

        board.show = shown
        self.board, self.keys = board, Keys(board)
        self.keys.found()
        self.store = Store(board, self.keys)
        self.labels: dict[bytes, str] = {}
        slots = []
        for one in before["slots"]:
            backup_id = labelled(one["id"], 16)
            record = declared(one["vault"], one["party"], one["generation"])
            tags = self.keys.tags(Declaration(record))
            slots.append([backup_id, labelled("factor"), STATES[one["state"]], *tags])
            self.store.write_record(backup_id, record)
            self.labels[backup_id] = one["id"]
            self.labels.update(zip(tags[:2], (one["vault"], one["party"]), strict=True))
            self.generation(one["vault"], one["generation"])
        retired = []
        for vault, generations in before["retired"].items():
            tags_of = [self.generation(vault, label) for label in generations]
            vault_tag = self.keys.tag(b"vault", labelled(vault))
            self.labels[vault_tag] = vault
            retired.append([vault_tag, b"".join([tag[:8] for tag in tags_of])])
        self.keys.change({keys.F_STATE: wire.TOKEN_READY, keys.F_SLOTS: slots, keys.F_RETIRED: retired})
        audit = Audit(board, self.keys)
        self.ops = Operations(board, self.keys, self.store, audit, PinGate(board, self.keys, audit))
        self.ops._unlocked = True

    def generation(self, vault: str, label: str) -> bytes:
        tag = self.keys.generation_tag(labelled(vault), labelled(label))
        self.labels[tag] = label
        self.labels[tag[:8]] = label
        return tag

    def do(self, op: int, *fields: object) -> int:
        try:
            job = self.ops.run(op, list(fields))
            while True:
                _, reply = jobs.advance(job)
                if reply is not None:
                    return int(reply[0])
        except OpError as error:
            return error.status

    def happens(self, event: Vector, before: Vector) -> int:
        backup_id = labelled(event["id"], 16)
        vaults = {one["id"]: one["vault"] for one in before["slots"]}
        if event["do"] in ("commit", "confirm"):
            if event["do"] == "commit":
                digest = hashlib.sha256(CONTENT).digest()
                assert self.do(wire.OP_BEGIN, backup_id, len(CONTENT), digest) == wire.STATUS_OK
                assert self.do(wire.OP_CHUNK, 0, CONTENT) == wire.STATUS_OK
                assert self.do(wire.OP_PREPARE, backup_id) == wire.STATUS_OK
            return self.do(wire.OP_COMMIT if event["do"] == "commit" else wire.OP_CONFIRM, backup_id)
        if event["do"] in ("remove", "destroy"):
            return self.do(wire.OP_REMOVE if event["do"] == "remove" else wire.OP_DESTROY, backup_id)
        self.generation(vaults[event["id"]], event["generation"])
        op = wire.OP_RETIRE if event["do"] == "retire" else wire.OP_UN_RETIRE
        return self.do(op, backup_id, labelled(event["generation"]))

    @property
    def held(self) -> Vector:
        """What it holds now, in the words of a vector."""
        names = {value: name for name, value in STATES.items()}
        slots = []
        for backup_id, _, state, *tags in self.keys.slots:
            words = [self.labels[part] for part in (backup_id, *tags)]  # type: ignore[index]
            parts = dict(zip(("id", "vault", "party", "generation"), words, strict=True))
            slots.append(parts | {"state": names[state]})  # type: ignore[index]
        retired = {
            self.labels[vault]: [self.labels[marks[at : at + 8]] for at in range(0, len(marks), 8)]
            for vault, marks in self.keys.retired
        }
        return {"slots": slots, "retired": retired}


@of("policy")
def test_policy(vector: Vector, new_board: NewBoard) -> None:
    token = Ruled(new_board(), vector["before"])
    assert token.held == vector["before"]
    for offer in vector.get("offers", []):
        record = declared(offer["vault"], offer["party"], offer["generation"])
        status = token.do(wire.OP_RESERVE_NEXT if offer["next"] else wire.OP_RESERVE, record)
        assert status_name(status) == offer["status"], offer
    if "event" in vector:
        status = token.happens(vector["event"], vector["before"])
        assert status_name(status) == ("OK" if vector["expect"] == "ok" else vector["expect"])
        assert token.held == vector["after"]
        lines = VECTORS[f"screens/{vector['asks']}.json"]["lines"][:1] if vector["asks"] else []
        assert token.asked == lines


def test_every_rule_has_a_vector() -> None:
    """Every status that the rules can give, every step, and every state that a backup can be in."""
    policy_vectors = [vector for vector in VECTORS.values() if vector["kind"] == "policy"]
    offered = {offer["status"] for vector in policy_vectors for offer in vector.get("offers", [])}
    assert offered == names_of(policy, "STATUS_")
    steps = {vector["event"]["do"] for vector in policy_vectors if "event" in vector}
    assert steps == {"commit", "confirm", "retire", "un-retire", "remove", "destroy"}
    assert expected("policy") == {"BAD_STATE", "NOT_FOUND"}
    states = {slot["state"] for vector in policy_vectors for slot in vector["before"]["slots"]}
    assert states == set(STATES)


# --- the audit ring ----------------------------------------------------------------------------------------


def ring(board: Any, vector: Vector) -> Audit:
    """The ring of a token whose files and head a vector gives."""
    for path, data in vector["files"].items():
        board.files.write(path, bytes.fromhex(data))
    known = Keys(board)
    known.found()
    known.change({keys.F_AUDIT: [vector["count"], bytes.fromhex(vector["head"])]})
    return Audit(board, known)


def enter(log: Audit, one: Vector) -> Any:
    log.host = bytes.fromhex(one["host"])
    return log.enter(one["event"], bytes.fromhex(one["about"]), one["detail"])


@of("audit")
def test_audit(vector: Vector, new_board: NewBoard) -> None:
    board = new_board()
    if "entries" in vector:
        log = ring(board, {"files": {}, "count": 0, "head": bytes(32).hex()})
        for one in vector["entries"]:
            head = enter(log, one)
            assert [head[0], head[1].hex()] == [one["number"], one["hash"]]
            assert board.kept.files["/a/00000001"][-wire.AUDIT_ENTRY :].hex() == one["hex"]
            log._keys.change({keys.F_AUDIT: head})
        return
    log = ring(board, vector)
    for told in vector.get("answers", []):
        (_, reply) = jobs.advance(Manage(board, log._keys, Store(board, log._keys), log).audit(told["start"]))
        assert codec.encode(reply).hex() == told["reply"]
        schema("audit-reply").validate_cbor(bytes.fromhex(told["reply"]))
    if "enter" in vector:
        count, head = enter(log, vector["enter"])
        assert (count, head.hex()) == (vector["count_after"], vector["head_after"])
        files = {path: data.hex() for path, data in board.kept.files.items()}
        assert files == vector["files_after"]


def test_every_event_has_a_vector() -> None:
    told = {one["event"] for one in VECTORS["audit/chain.json"]["entries"]}
    assert told == {value for name, value in vars(wire).items() if name.startswith("EVENT_")}


# --- screens -----------------------------------------------------------------------------------------------


@of("screens")
def test_screens(vector: Vector) -> None:
    given = dict(vector["given"])
    for name in ("serial", "backup_id", "psk_id", "older", "generation"):
        if given.get(name) is not None:
            given[name] = bytes.fromhex(given[name])
    if "gone" in given:
        given["gone"] = [bytes.fromhex(generation) for generation in given["gone"]]
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
