"""The contract's vectors, inside MicroPython: `run(KIND, FOLDER, IMAGE)` prints a line for each.

IMAGE is the path of a flash image, for the kinds that need a board and where there is littlefs.
"""
# ruff: noqa: B904, PTH123, PTH208 - MicroPython has neither causes nor pathlib

import gc
import json
import os
import sys
from binascii import hexlify, unhexlify


def names(module, prefix, value):
    """`value`'s name in there, without the prefix."""
    for name in dir(module):
        if name.startswith(prefix) and getattr(module, name) == value:
            return name[len(prefix) :]
    raise AssertionError("no name for " + str(value))


def fails(kind, action, *values):
    """What `action` raised, which must be a `kind`."""
    try:
        action(*values)
    except kind as error:
        return error
    raise AssertionError("nothing was raised")


def same(a, b):
    assert a == b, str(a)[:100] + " is not " + str(b)[:100]


# --- frames
def frames(vector):
    from coldshare_iface import framing, wire
    from coldshare_iface.framing import Assembler, FrameError

    for gathers in (False, True):
        assembler = Assembler(vector["report_size"])
        failure, where, whole = "ok", None, 0
        for i, report in enumerate(vector["reports"]):
            if gathers and not assembler.busy:
                assembler.buffer = bytearray(wire.MESSAGE_MAX)
            try:
                message = assembler.feed(unhexlify(report))
            except FrameError as error:
                failure = names(wire, "ERR_", error.code)
                where = {"report": i, "cid": hexlify(error.cid).decode()}
                continue
            if message is not None:
                expected = vector["messages"][whole]
                whole += 1
                cid, cmd, data = message
                if gathers and assembler.gathered:
                    same(data, b"")
                    data = memoryview(assembler.buffer)[: assembler.gathered]
                same([hexlify(cid).decode(), cmd], [expected["cid"], expected["cmd"]])
                same(bytes(data), unhexlify(expected["data"]))
        same(whole, len(vector["messages"]))
        same((failure, where), (vector["expect"], vector.get("error")))
        gc.collect()
    if vector["split"]:
        message = vector["messages"][0]
        cid, cmd, data = unhexlify(message["cid"]), message["cmd"], unhexlify(message["data"])
        size = vector["report_size"]
        same(framing.count(len(data), size), len(vector["reports"]))
        for i, report in enumerate(vector["reports"]):
            same(framing.cut(cid, cmd, data, i, size), unhexlify(report))
        gc.collect()
        for i, report in enumerate(framing.split(cid, cmd, data, size)):
            same(report, unhexlify(vector["reports"][i]))


# --- cbor
def cbor(vector):
    from coldshare_firmware.cbor import CborError, decode, encode

    data = unhexlify(vector["hex"]) + bytes(vector.get("then_zeros", 0))
    for given in (data, memoryview(data)):
        if vector["expect"] == "ok":
            same(encode(decode(given)), data)
        else:
            error = fails(CborError, decode, given)
            same((error.reason, error.at), (vector["expect"], vector["at"]))


# --- suite
def suite(vector):
    from boards import Aes
    from coldshare_iface.suite import A128cbcHs256, TagError

    says = {"length": "impossible length", "tag": "tag does not verify", "padding": "padding under a good tag"}
    key, ad, sealed = [unhexlify(vector[name]) for name in ("key", "ad", "ciphertext")]
    nonce = int(vector["nonce"], 16)
    cipher = A128cbcHs256(Aes(), key)
    buffer = bytearray(sealed)
    if vector["expect"] == "ok":
        plaintext = unhexlify(vector["plaintext"])
        same(cipher.encrypt(nonce, ad, plaintext), sealed)
        same(cipher.encrypt_iv(unhexlify(vector["iv"]), ad, plaintext), sealed)
        same(cipher.decrypt(nonce, ad, sealed), plaintext)
        same(bytes(buffer[: cipher.open(nonce, ad, buffer)]), plaintext)
        cipher.seal(nonce, ad, buffer, len(plaintext))
        same(bytes(buffer), sealed)
    else:
        for action, given in ((cipher.decrypt, sealed), (cipher.open, buffer)):
            assert says[vector["expect"]] in str(fails(TagError, action, nonce, ad, given))


# --- noise
def noise(vector):
    from boards import Aes
    from coldshare_firmware.x25519 import TokenSuite
    from coldshare_iface.session import RemoteProtocolError, Session

    says = {
        "tag": "does not verify",
        "short": "too short",
        "low_order": "low order",
        "payload": "with a payload",
        "turn": "out of turn",
    }

    class Board:
        aes = Aes()

        def __init__(self, ephemeral):
            self.ephemeral = ephemeral

        def random(self, n):
            same(n, len(self.ephemeral))
            return self.ephemeral

    def play(side, role, step):
        data = unhexlify(step["hex"])
        if step["what"] == "handshake":
            if step["from"] == role:
                same(side.write_handshake(), data)
            else:
                side.read_handshake(data)
        elif step["from"] == role:
            same(side.seal(unhexlify(step["plaintext"])), data)
        else:
            same(side.open(data), unhexlify(step["plaintext"]))

    def play_and_answer(side, role, step):
        play(side, role, step)
        side.write_handshake()

    for role in vector["roles"]:
        side = Session(TokenSuite(Board(unhexlify(vector[role + "_ephemeral"]))), role == "host")
        info = unhexlify(vector["info"])
        if vector["pattern"] == "XX":
            side.pairing(info, unhexlify(vector[role + "_static"]))
        else:
            side.session(info, unhexlify(vector["psk_id"]), unhexlify(vector["psk"]))
        for step in vector["steps"][:-1]:
            play(side, role, step)
        if vector["expect"] == "ok":
            play(side, role, vector["steps"][-1])
            same(side.code, vector["code"])
        else:
            error = fails(RemoteProtocolError, play_and_answer, side, role, vector["steps"][-1])
            assert says[vector["expect"]] in str(error)
        same(side.state, vector["ends"])


# --- declarations and messages
def declaration(vector):
    from coldshare_firmware.declaration import Declaration

    data = unhexlify(vector["hex"])
    if vector["expect"] == "ok":
        same(Declaration(data).data, data)
    else:
        fails(ValueError, Declaration, data)


def messages(vector):
    from coldshare_firmware import request
    from coldshare_firmware.cbor import CborError, decode, encode
    from coldshare_firmware.declaration import Declaration
    from coldshare_firmware.person import OpError
    from coldshare_firmware.pin import check_format
    from coldshare_iface import wire

    if not vector["rule"].endswith("-request"):
        return False  # a reply: the host's business
    data = unhexlify(vector["hex"])

    def judge():
        try:
            asked = decode(data)
        except CborError:
            raise OpError(wire.STATUS_BAD_REQUEST)
        plain = vector["where"] == "plain"
        op, values = request.fields(asked, request.PLAIN) if plain else request.fields(asked)
        if not plain and (vector["where"] == "pairing") != (op in request.PAIRING):
            raise OpError(wire.STATUS_UNKNOWN_OP)
        if op in (wire.OP_SET_UP, wire.OP_UNLOCK, wire.OP_CHANGE_PIN):
            check_format(values[0])
        if op == wire.OP_CHANGE_PIN:
            check_format(values[1])
        if op in (wire.OP_RESERVE, wire.OP_RESERVE_NEXT):
            try:
                Declaration(values[0])
            except ValueError:
                raise OpError(wire.STATUS_BAD_DECLARATION)

    if vector["expect"] == "ok":
        judge()
        same(encode(decode(data)), data)
    else:
        same(names(wire, "STATUS_", fails(OpError, judge).status), vector["expect"])
    return True


# --- transfer
def transfer(vector):
    from coldshare_iface import wire
    from coldshare_iface.transfer import Transfer, TransferError

    one = Transfer()
    failure = "ok"
    for event in vector["events"]:
        status, detail = "OK", None
        what, backup_id = event["do"], unhexlify(event.get("id", ""))
        try:
            if what == "begin":
                one.begin(backup_id, event["size"], unhexlify(event["digest"]), event["offset"])
            elif what == "chunk":
                one.chunk(event["offset"], event["length"])
            elif what == "prepare":
                one.prepare(backup_id, unhexlify(event["digest"]))
            elif what == "commit":
                one.commit(backup_id)
            elif what == "confirm":
                one.confirm(backup_id)
            else:
                one.abort()
        except TransferError as error:
            status, detail = names(wire, "STATUS_", error.status), error.detail
            failure = status
        same((status, detail, one.state), (event["status"], event.get("detail"), event["state"]))
    same(failure, vector["expect"])


# --- screens
def screens(vector):
    from coldshare_firmware import screens
    from coldshare_firmware.declaration import Declaration

    given = dict(vector["given"])
    for name in ("serial", "backup_id", "psk_id", "older", "generation"):
        if given.get(name) is not None:
            given[name] = unhexlify(given[name])
    if "gone" in given:
        given["gone"] = [unhexlify(generation) for generation in given["gone"]]
    if given.get("declared") is not None:
        given["declared"] = Declaration(unhexlify(given["declared"]))
    if vector["screen"] == "retire":
        given["newer"] = given.pop("declared")
    lines = getattr(screens, vector["screen"].replace("-", "_"))(**given)
    same(lines, vector["lines"])
    waits = "held" if screens.asks_to_hold(lines) else "yes" if screens.CONFIRM in lines else None
    same(waits, vector["waits"])


# --- rules and the audit ring
def policy(vector):
    from rules import policy

    from coldshare_iface import wire

    def first_line(name):
        with open(FOLDER + "/screens/" + name + ".json") as file:
            return json.load(file)["lines"][0]

    policy(vector, IMAGE, lambda status: names(wire, "STATUS_", status), first_line)


def audit(vector):
    from rules import audit

    audit(vector, IMAGE)


# --- persisted
class Panel:
    def show(self, lines, question):
        pass

    def button(self):
        return 0


def blocks(images):
    """The board, with these key blocks."""
    from boards import board

    return board(IMAGE, Panel(), images)


def held(hal):
    return [hexlify(hal.keys.read(i, 0, 4096).rstrip(b"\xff")).decode() for i in range(2)]


def keyarea(vector):
    from coldshare_firmware.cbor import encode
    from coldshare_firmware.keyarea import KeyArea, StorageError
    from coldshare_firmware.keys import Keys

    hal = blocks(vector["blocks"])
    record = KeyArea(hal.keys).load()
    same(None if record is None else hexlify(encode(record)).decode(), vector["record"])
    same(held(hal), vector["blocks_after"])
    if vector["expect"] == "unknown_layout":
        fails(StorageError, Keys, blocks(vector["blocks"]))
    elif record is not None:
        known = Keys(blocks(vector["blocks"])).record
        same(hexlify(encode(known)).decode(), vector.get("becomes", vector["record"]))


def storing():
    """What the first `store` writes is the golden block of a new token, the second one's that of one in use."""
    from coldshare_firmware.cbor import decode
    from coldshare_firmware.keyarea import KeyArea

    hal = blocks(("", ""))
    area = KeyArea(hal.keys)
    same(area.load(), None)
    for name in ("new", "ready"):
        with open(FOLDER + "/keyarea/" + name + ".json") as file:
            vector = json.load(file)
        area.store(decode(unhexlify(vector["record"])))
        same(held(hal), vector["blocks"])


def files(vector):
    from coldshare_firmware import keys
    from coldshare_firmware.declaration import Declaration
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.store import Store
    from coldshare_iface import suite

    with open(FOLDER + "/keyarea/ready.json") as file:
        hal = blocks(json.load(file)["blocks"])
    known = Keys(hal)
    store = Store(hal, known)
    name = vector["name"]
    if name == "record":
        backup_id, sealed = unhexlify(vector["backup_id"]), unhexlify(vector["hex"])
        same(hexlify(known.names_key(backup_id)).decode(), vector["key"])
        hal.files.write(vector["path"], sealed)
        same(store.read_record(backup_id), unhexlify(vector["declaration"]))
        store.write_record(backup_id, unhexlify(vector["declaration"]))
        same(hal.files.read(vector["path"], 0, 4096), sealed)
    elif name == "staged-meta":
        from coldshare_firmware.cbor import decode

        asked = decode(unhexlify(vector["hex"]))
        store.stage(*asked)
        same(hal.files.read(vector["path"], 0, 4096), unhexlify(vector["hex"]))
        same(store.staged(), tuple(asked))
    elif name == "tags":
        declared = Declaration(unhexlify(vector["declaration"]))
        for tag, parts in (
            ("vault", (b"vault", declared.vault)),
            ("party", (b"party", declared.vault, declared.party.encode())),
            ("generation", (b"generation", declared.vault, declared.generation)),
        ):
            same(hexlify(known.tag(*parts)).decode(), vector["tags"][tag])
    elif name == "pin":
        verifier = suite.hmac_sha256(unhexlify(vector["salt"]), vector["pin"].encode())
        same(hexlify(verifier).decode(), vector["verifier"])
        same([hexlify(part).decode() for part in known.record[keys.F_PIN]], [vector["salt"], vector["verifier"]])
    else:
        raise AssertionError("nobody here knows this file")


def run(kind, folder, image):
    global FOLDER, IMAGE
    FOLDER, IMAGE = folder, image
    check = globals()[kind]
    for entry in sorted(os.listdir(folder + "/" + kind)):
        gc.collect()
        with open(folder + "/" + kind + "/" + entry) as file:
            vector = json.load(file)
        try:
            said = "skipped" if check(vector) is False else "ok"
        except Exception as error:
            sys.print_exception(error, sys.stderr)
            said = "failed"
        print(said, entry[:-5])
        vector = None
    if kind == "keyarea":
        storing()
