"""The contract's vectors about what may stand beside what, and about the audit ring, inside MicroPython."""

from binascii import hexlify, unhexlify

from boards import board as new_board
from coldshare_firmware import cbor, jobs, keys, screens
from coldshare_firmware.audit import Audit
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keys import Keys
from coldshare_firmware.manage import Manage
from coldshare_firmware.ops import Operations
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NONE, BUTTON_YES, OpError
from coldshare_firmware.pin import PinGate
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_iface.suite import sha256

STATES = {
    "RESERVED": keys.RESERVED,
    "PENDING": wire.BACKUP_PENDING,
    "ACTIVE": wire.BACKUP_ACTIVE,
    "NEXT": wire.BACKUP_NEXT,
    "RETIRED": wire.BACKUP_RETIRED,
}
CONTENT = b"sealed"


def same(a, b):
    assert a == b, str(a)[:300] + " is not " + str(b)[:300]


def label(text, size=32):
    return sha256(text.encode())[:size]


def declared(vault, party, generation):
    fields = {1: label(vault), 2: vault, 3: party, 4: label(generation), 5: 2, 6: 3, 7: 2, 8: bytes(16)}
    return cbor.encode(fields)


class Person:
    """Says yes to everything, held where it must be, and remembers what was asked."""

    def __init__(self):
        self.asked = []
        self.pressed = BUTTON_NONE

    def show(self, lines, question):
        self.pressed = BUTTON_NONE
        if question:
            self.asked.append(lines[0])
            self.pressed = BUTTON_HELD if screens.asks_to_hold(lines) else BUTTON_YES

    def button(self):
        pressed, self.pressed = self.pressed, BUTTON_NONE
        return pressed


class Ruled:
    """A token that holds what a vector says."""

    def __init__(self, image, before):
        self.person = Person()
        board = new_board(image, self.person)
        self.keys = Keys(board)
        self.keys.found()
        store = Store(board, self.keys)
        self.labels = {}
        slots = []
        for one in before["slots"]:
            backup_id = label(one["id"], 16)
            record = declared(one["vault"], one["party"], one["generation"])
            tags = self.keys.tags(Declaration(record))
            slots.append([backup_id, label("factor"), STATES[one["state"]], tags[0], tags[1], tags[2]])
            store.write_record(backup_id, record)
            self.labels[backup_id] = one["id"]
            self.labels[tags[0]] = one["vault"]
            self.labels[tags[1]] = one["party"]
            self.generation(one["vault"], one["generation"])
        retired = []
        for vault in before["retired"]:
            marks = b"".join([self.generation(vault, text)[:8] for text in before["retired"][vault]])
            tag = self.keys.tag(b"vault", label(vault))
            self.labels[tag] = vault
            retired.append([tag, marks])
        self.keys.change({keys.F_STATE: wire.TOKEN_READY, keys.F_SLOTS: slots, keys.F_RETIRED: retired})
        audit = Audit(board, self.keys)
        self.ops = Operations(board, self.keys, store, audit, PinGate(board, self.keys, audit))
        self.ops._unlocked = True

    def generation(self, vault, text):
        tag = self.keys.generation_tag(label(vault), label(text))
        self.labels[tag] = text
        self.labels[tag[:8]] = text
        return tag

    def do(self, op, *fields):
        try:
            job = self.ops.run(op, list(fields))
            while True:
                _, reply = jobs.advance(job)
                if reply is not None:
                    return reply[0]
        except OpError as error:
            return error.status

    def happens(self, event, before):
        backup_id = label(event["id"], 16)
        what = event["do"]
        if what == "commit":
            same(self.do(wire.OP_BEGIN, backup_id, len(CONTENT), sha256(CONTENT)), wire.STATUS_OK)
            same(self.do(wire.OP_CHUNK, 0, CONTENT), wire.STATUS_OK)
            same(self.do(wire.OP_PREPARE, backup_id), wire.STATUS_OK)
            return self.do(wire.OP_COMMIT, backup_id)
        simple = {"confirm": wire.OP_CONFIRM, "remove": wire.OP_REMOVE, "destroy": wire.OP_DESTROY}
        if what in simple:
            return self.do(simple[what], backup_id)
        vault = [one["vault"] for one in before["slots"] if one["id"] == event["id"]][0]  # noqa: RUF015
        self.generation(vault, event["generation"])
        return self.do(wire.OP_RETIRE if what == "retire" else wire.OP_UN_RETIRE, backup_id, label(event["generation"]))

    def held(self):
        """What it holds now, in the words of a vector."""
        names = {}
        for name in STATES:
            names[STATES[name]] = name
        slots = []
        for slot in self.keys.slots:
            backup_id, _, state, vault, party, generation = slot
            slots.append(
                {
                    "id": self.labels[backup_id],
                    "state": names[state],
                    "vault": self.labels[vault],
                    "party": self.labels[party],
                    "generation": self.labels[generation],
                }
            )
        retired = {}
        for vault, marks in self.keys.retired:
            retired[self.labels[vault]] = [self.labels[marks[at : at + 8]] for at in range(0, len(marks), 8)]
        return {"slots": slots, "retired": retired}


def policy(vector, image, status_name, first_line):
    token = Ruled(image, vector["before"])
    same(token.held(), vector["before"])
    for offer in vector.get("offers", []):
        record = declared(offer["vault"], offer["party"], offer["generation"])
        status = token.do(wire.OP_RESERVE_NEXT if offer["next"] else wire.OP_RESERVE, record)
        same(status_name(status), offer["status"])
    if "event" in vector:
        status = token.happens(vector["event"], vector["before"])
        same(status_name(status), "OK" if vector["expect"] == "ok" else vector["expect"])
        same(token.held(), vector["after"])
        same(token.person.asked, [first_line(vector["asks"])] if vector["asks"] else [])


# --- the audit ring
def ring(image, files, count, head):
    board = new_board(image, Person())
    board.files.mkdir("/a")
    for path in files:
        board.files.write(path, unhexlify(files[path]))
    known = Keys(board)
    known.found()
    known.change({keys.F_AUDIT: [count, unhexlify(head)]})
    return board, known, Audit(board, known)


def enter(log, one):
    log.host = unhexlify(one["host"])
    return log.enter(one["event"], unhexlify(one["about"]), one["detail"])


def audit(vector, image):
    if "entries" in vector:
        board, known, log = ring(image, {}, 0, "00" * 32)
        for one in vector["entries"]:
            head = enter(log, one)
            same([head[0], hexlify(head[1]).decode()], [one["number"], one["hash"]])
            size = board.files.size("/a/00000001")
            same(board.files.read("/a/00000001", size - wire.AUDIT_ENTRY, size), unhexlify(one["hex"]))
            known.change({keys.F_AUDIT: head})
        return
    board, known, log = ring(image, vector["files"], vector["count"], vector["head"])
    manage = Manage(board, known, Store(board, known), log)
    for told in vector.get("answers", []):
        _, reply = jobs.advance(manage.audit(told["start"]))
        same(cbor.encode(reply), unhexlify(told["reply"]))
    if "enter" in vector:
        count, head = enter(log, vector["enter"])
        same((count, hexlify(head).decode()), (vector["count_after"], vector["head_after"]))
        after = vector["files_after"]
        same(["/a/" + name for name in board.files.listdir("/a")], sorted(after))
        for path in after:
            same(board.files.read(path, 0, board.files.size(path)), unhexlify(after[path]))
