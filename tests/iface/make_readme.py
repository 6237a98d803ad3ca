"""Fills in the generated parts of firmware_iface/README.md: `python tests/iface/make_readme.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`. The numbers come from wire.py, the state tables
from session.py and transfer.py, the screens from their vectors; here are only the words beside them. test_readme.py
compares, so that the prose and the code cannot drift apart.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from coldshare_firmware import pin, request
from coldshare_iface import codec, session, transfer, wire

README = Path(__file__).parents[2] / "firmware_iface/README.md"
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

COMMANDS = {
    "PING": "any bytes | the same bytes",
    "INIT": "nonce | nonce, channel, versions | see below",
    "CANCEL": "nothing | no answer of its own",
    "KEEPALIVE": "- | one status byte",
    "ERROR": "- | one error byte",
    "PLAIN": "CBOR request in the clear | CBOR reply",
    "PAIR": "Noise XX message | Noise XX message, or nothing after the third",
    "SESSION": "psk id and Noise NNpsk0 message | Noise NNpsk0 message",
    "RECORD": "encrypted CBOR request | encrypted CBOR reply",
}
ERRORS = {
    "INVALID_CMD": "a command that this token does not know",
    "INVALID_PAR": "reserved; not sent in version 1",
    "INVALID_LEN": "a report of the wrong size, a message too long, an INIT without 8 bytes",
    "INVALID_SEQ": "a report is missing, repeated or out of order; the message is dropped",
    "MSG_TIMEOUT": "the next report of a message did not come; the message is dropped",
    "CHANNEL_BUSY": "another channel's message, or a request, is under way; nothing is dropped",
    "INVALID_CHANNEL": "a channel that this token has not given out since power-up",
    "OTHER": "the token ran out of memory; its secure channel may have closed",
    "SESSION": "no secure channel here, or one that has just been closed by a fault",
}
STATUSES = {
    "OK": "done",
    "BAD_REQUEST": "not CBOR of the profile, or not the shape of this request",
    "UNKNOWN_OP": "no such op, or not here: in the clear, while pairing, in a session",
    "NOT_SET_UP": "the token has no PIN yet",
    "ALREADY_SET_UP": "the token has a PIN",
    "LOCKED": "`unlock` first",
    "PIN_WRONG": "wrong; detail: attempts left",
    "PIN_REPLUG": "three wrong PINs since power-up; no more until the next one",
    "BURNT": "the keys are destroyed, now or before",
    "PIN_FORMAT": "not a PIN: nothing was counted",
    "REJECTED": "the person pressed NO",
    "TIMED_OUT": "nobody pressed",
    "CANCELLED": "the host sent CANCEL",
    "PAIRINGS_FULL": "no room for another host",
    "BAD_DECLARATION": "a declaration that the contract does not allow",
    "OTHER_PARTY": "a share of another party of this vault is here",
    "OTHER_GENERATION": "a share of another generation of this vault is here",
    "NO_SPACE": "no room for another backup, or for this blob",
    "NOT_FOUND": "no backup, reservation, transfer or pairing of that id",
    "BAD_STATE": "not now: another step comes first, or it is too late",
    "BAD_OFFSET": "detail: the offset that the token expects; for `read`, the size",
    "BAD_DIGEST": "the stored bytes are not the announced ones; the transfer starts from nothing",
    "STORAGE": "the flash failed, or what is on it is damaged",
    "RETIRED": "a person has said that this generation is an old one",
}
#: Everything in wire.py that is neither a command, an error, an op nor a status.
LIMITS = {
    "USB_VENDOR": "USB vendor id",
    "USB_PRODUCT": "USB product id: pid.codes' test id, so match the product string too",
    "USB_PRODUCT_STRING": "USB product string",
    "HID_USAGE_PAGE": "HID usage page",
    "USB_BULK_INTERFACE": "class, subclass and protocol of the interface for bulk transfers",
    "REPORT_FS": "bytes in a report, full speed",
    "REPORT_HS": "bytes in a report, high speed",
    "MESSAGE_MAX": "bytes in a message, on every carrier",
    "BULK_FRAME_MAX": "bytes in a frame on bulk",
    "CID_BROADCAST": "the channel on which channels are asked for",
    "INIT_NONCE": "bytes in the nonce of INIT",
    "FRAME_VERSION": "the CTAPHID protocol version in the answer to INIT",
    "KEEPALIVE_PROCESSING": "keepalive: the token works, or lets a back-off pass",
    "KEEPALIVE_PERSON": "keepalive: the token waits for a button",
    "PROTOCOL_VERSION": "the version of this document",
    "PSK_ID_SIZE": "bytes in a psk id",
    "PSK_SIZE": "bytes in a pairing key",
    "KEY_SIZE": "bytes in any other key",
    "PAIRINGS_MAX": "hosts that a token keeps",
    "LABEL_PAIRING": "starts the prologue of a pairing",
    "LABEL_SESSION": "starts the prologue of a session",
    "CODE_ALPHABET": "letters of the comparison code",
    "CODE_GROUPS": "groups of the comparison code",
    "CODE_GROUP": "letters in a group",
    "CAP_BACKUP": "capability: reserve, transfer, list, open, read",
    "CAP_SCREEN": "capability: the person reads on the token what the press is for",
    "CAP_MANAGE": "capability: label, change-pin, pairings, unpair, remove, wipe",
    "CAP_GENERATIONS": "capability: reserve-next, retire, un-retire, destroy",
    "CAP_AUDIT": "capability: audit",
    "TOKEN_NEW": "state in `info`: no PIN yet",
    "TOKEN_READY": "state in `info`: in use",
    "TOKEN_BURNT": "state in `info`: the keys are destroyed",
    "PURPOSE_VERIFY": "purpose of `open`: verify",
    "PURPOSE_RESTORE": "purpose of `open`: restore",
    "UNPAIR_ONE": "which of `unpair`: that host",
    "UNPAIR_OTHERS": "which of `unpair`: all hosts but that one",
    "BACKUP_ACTIVE": "state of a backup: read back and confirmed, or kept from before",
    "BACKUP_PENDING": "state of a backup: committed, not confirmed",
    "BACKUP_NEXT": "state of a backup: of a newer generation than the ACTIVE one, and confirmed",
    "BACKUP_RETIRED": "state of a backup: of a generation that a newer one has replaced",
    "BACKUP_KEYLESS": "state of a backup: the token has destroyed its factor",
    "EVENT_SET_UP": "audit: the token has its PIN and label",
    "EVENT_PAIRED": "audit: a host was paired; about its psk id",
    "EVENT_UNPAIRED": "audit: hosts were forgotten; about the psk id named, detail: how many",
    "EVENT_WRONG_PINS": "audit: the right PIN after wrong ones; detail: how many",
    "EVENT_PIN_CHANGED": "audit: another PIN",
    "EVENT_LABELLED": "audit: another label",
    "EVENT_STORED": "audit: `commit`; about the backup",
    "EVENT_CONFIRMED": "audit: `confirm`; about the backup",
    "EVENT_RELEASED": "audit: `open` with a factor; about the backup, detail: the purpose",
    "EVENT_REMOVED": "audit: `remove`; about the backup",
    "EVENT_RETIRED": "audit: `retire`; about the newer backup",
    "EVENT_UN_RETIRED": "audit: `un-retire`; about the backup named",
    "EVENT_DESTROYED": "audit: `destroy`; about the backup",
    "EVENT_BURNT": "audit: the keys are destroyed",
    "LIBRARY_GG20": "library: GG20",
    "LIBRARY_DKLS": "library: DKLS",
    "LIBRARY_KEYIMPORT": "library: KeyImport",
    "SERIAL_SIZE": "bytes in a serial",
    "BACKUP_ID_SIZE": "bytes in a backup id",
    "DIGEST_SIZE": "bytes in a digest (SHA-256)",
    "FACTOR_SIZE": "bytes in the token's factor for a seal",
    "GENERATION_SIZE": "bytes in a generation id",
    "DECLARATION_NONCE": "bytes in the nonce of a declaration",
    "DECLARATION_MAX": "bytes in an encoded declaration",
    "VAULT_ID_MAX": "bytes in a vault id",
    "NAME_MAX": "bytes of UTF-8 in a vault's or party's name, a model, a firmware version",
    "LABEL_MAX": "bytes of UTF-8 in a token's label and in a host's name",
    "PIN_MIN": "digits in a PIN, at least",
    "PIN_MAX": "digits in a PIN, at most",
    "PIN_ATTEMPTS": "wrong PINs in all before the keys are destroyed",
    "PIN_PER_POWER_UP": "wrong PINs per power-up",
    "BACKUPS_MAX": "backups on a token; one more while it replaces one of them",
    "RETIRED_PER_VAULT": "retired generations that a token remembers of one vault",
    "RETIRED_MAX": "retired generations that a token remembers of all vaults together",
    "AUDIT_MAX": "entries of the audit ring that can be read",
    "AUDIT_ENTRY": "bytes in an entry of the audit ring",
    "AUDIT_PAGE": "entries in one answer to `audit`, and in one segment of the ring",
    "BLOB_MAX": "bytes in a sealed share",
    "LIST_PAGE": "backups in one answer to `list`",
    "PERSON_TIMEOUT_MS": "milliseconds in which a person presses",
    "HOLD_MS": "milliseconds, of powered time, after which a button is held",
    "SETTLE_MS": "milliseconds that a question is on the screen before a press can be an answer to it",
    "KEEPALIVE_MS": "milliseconds between two keepalives",
    "FRAME_TIMEOUT_MS": "milliseconds between two reports of one message",
    "CBOR_ITEMS": "items in an array, pairs in a map",
    "CBOR_DEPTH": "containers inside one another",
}

#: What is left of a record for the bytes of a chunk: a map head, op, two keys, the largest offset, a length.
CHUNK_MAX = session.RECORD_MAX - len(codec.encode({0: wire.OP_CHUNK, 1: wire.BLOB_MAX, 2: b""})) - 2
#: op: where, what the token must be, button?, request, reply, statuses besides BAD_REQUEST and (unlocked) LOCKED.
OPS = {
    "INFO": ("clear", "any", "", "", "versions, model, firmware, serial, state, capabilities, sizes", ""),
    "IDENTIFY": ("clear", "any", "", "", "", ""),
    "PAIR_ACCEPT": ("pairing", "any", "yes; burnt: held", "host name", "psk id, psk", "PAIRINGS_FULL person"),
    "SET_UP": ("session", "new", "yes", "PIN, label", "", "PIN_FORMAT ALREADY_SET_UP BURNT person"),
    "UNLOCK": (
        "session",
        "ready",
        "4th try on",
        "PIN",
        "label, count and head of the audit ring",
        "PIN_FORMAT PIN_WRONG PIN_REPLUG BURNT person",
    ),
    "LIST": ("session", "unlocked or burnt", "", "start", "backups, how many in all", ""),
    "RESERVE": (
        "session",
        "unlocked",
        "",
        "declaration",
        "backup id, factor",
        "BAD_DECLARATION OTHER_PARTY RETIRED OTHER_GENERATION NO_SPACE",
    ),
    "BEGIN": (
        "session",
        "unlocked",
        "",
        "backup id, size, SHA-256",
        "offset, chunk size",
        "NOT_FOUND BAD_STATE NO_SPACE",
    ),
    "CHUNK": ("session", "unlocked", "", "offset, bytes", "next offset", "BAD_STATE BAD_OFFSET NO_SPACE"),
    "PREPARE": ("session", "unlocked", "", "backup id", "SHA-256 of what is stored", "NOT_FOUND BAD_STATE BAD_DIGEST"),
    "COMMIT": (
        "session",
        "unlocked",
        "yes",
        "backup id",
        "",
        "NOT_FOUND BAD_STATE OTHER_PARTY RETIRED OTHER_GENERATION NO_SPACE person",
    ),
    "CONFIRM": ("session", "unlocked", "", "backup id", "count and head of the audit ring", "NOT_FOUND BAD_STATE"),
    "ABORT": ("session", "unlocked", "", "backup id", "", "BAD_STATE"),
    "OPEN": (
        "session",
        "unlocked or burnt",
        "yes",
        "backup id, purpose",
        "size, SHA-256, declaration, factor",
        "NOT_FOUND person",
    ),
    "READ": ("session", "unlocked or burnt", "", "backup id, offset", "bytes", "BAD_STATE BAD_OFFSET NOT_FOUND"),
    "LABEL": ("session", "unlocked", "yes", "label", "", "person"),
    "CHANGE_PIN": (
        "session",
        "ready",
        "yes; 4th try on also before",
        "old PIN, new PIN",
        "",
        "PIN_FORMAT PIN_WRONG PIN_REPLUG BURNT person",
    ),
    "PAIRINGS": ("session", "unlocked", "", "", "psk ids and host names", ""),
    "UNPAIR": ("session", "unlocked", "yes", "psk id, which", "", "NOT_FOUND person"),
    "REMOVE": ("session", "unlocked", "held", "backup id", "", "NOT_FOUND person"),
    "WIPE": ("pairing", "any", "held", "", "", "person"),
    "RESERVE_NEXT": (
        "session",
        "unlocked",
        "",
        "declaration",
        "backup id, factor",
        "BAD_DECLARATION OTHER_PARTY RETIRED OTHER_GENERATION NO_SPACE",
    ),
    "RETIRE": ("session", "unlocked", "held", "a newer backup's id, old generation", "", "NOT_FOUND BAD_STATE person"),
    "UN_RETIRE": (
        "session",
        "unlocked",
        "held",
        "id of any backup of the vault, old generation",
        "",
        "NOT_FOUND BAD_STATE person",
    ),
    "DESTROY": ("session", "unlocked", "held", "backup id", "", "NOT_FOUND BAD_STATE person"),
    "AUDIT": ("session", "unlocked", "", "first number", "how many, head, first, hash before it, entries", ""),
}


def table(heads: str, rows: Iterable[Iterable[object]]) -> str:
    columns = heads.split(" | ")
    lines = [f"| {heads} |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [str(cell) for cell in row]
        if len(cells) != len(columns):
            raise ValueError(f"{cells} in a table of {columns}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def numbers(prefix: str) -> dict[str, int]:
    """The numbers of wire.py whose names start with `prefix`, in their order there."""
    return {name.removeprefix(prefix): value for name, value in vars(wire).items() if name.startswith(prefix)}


def commands() -> str:
    rows = []
    for name, number in numbers("CMD_").items():
        request_, reply, *_ = COMMANDS[name].split(" | ")
        rows.append((f"`0x{number:02x}`", name, request_, reply))
    return table("command | name | host to token | token to host", rows)


def errors() -> str:
    return table("byte | name | why", [(f"`0x{n:02x}`", name, ERRORS[name]) for name, n in numbers("ERR_").items()])


def statuses() -> str:
    return table("status | name | meaning", [(n, name, STATUSES[name]) for name, n in numbers("STATUS_").items()])


def limits() -> str:
    def shown(value: object) -> str:
        if isinstance(value, bytes):
            return f"`{value.hex()}`" if value[0] > 0x7E else f"`{value.decode()}`"
        return f"`{value}`"

    hexadecimal = {"USB_VENDOR", "USB_PRODUCT", "HID_USAGE_PAGE"}
    rows = []
    for name, value in vars(wire).items():
        if name.isupper() and not name.startswith(("CMD_", "ERR_", "OP_", "STATUS_")):
            rows.append((name, f"`0x{value:04x}`" if name in hexadecimal else shown(value), LIMITS[name]))
    return table("name | value | what", rows)


def ops() -> str:
    rows = []
    for name, number in numbers("OP_").items():
        where, state, button, asks, answers, refusals = OPS[name]
        op = name.lower().replace("_", "-")
        words = refusals.replace("person", "REJECTED TIMED_OUT CANCELLED").split()
        rows.append((number, f"`{op}`", where, state, button, asks, answers, ", ".join(words)))
    return table("op | name | where | token is | button | request | reply | refusals", rows)


def transitions(rules: dict[tuple[str, str], str]) -> str:
    rows = [(f"`{state}`", f"`{event}`", f"`{following}`") for (state, event), following in rules.items()]
    return table("state | event | next state", rows)


def diagram(rules: dict[tuple[str, str], str], first: str) -> str:
    def safe(state: str) -> str:
        return state.replace("-", "_")

    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {safe(first)}"]
    lines += [f"    {safe(state)} --> {safe(following)}: {event}" for (state, event), following in rules.items()]
    return "\n".join([*lines, "```"]) + "\n"


def machine(rules: dict[tuple[str, str], str], first: str) -> str:
    return transitions(rules) + "\n" + diagram(rules, first)


def back_off() -> str:
    rows = []
    for wrong, seconds in enumerate(pin.BACK_OFF):
        pressed = "yes" if wrong >= pin._BUTTON_FROM else ""
        rows.append((wrong, seconds, pressed, wire.PIN_ATTEMPTS - wrong - 1 or "none: the keys are destroyed"))
    return table("wrong so far | seconds to wait | button | left if this one is wrong", rows)


def reasons() -> str:
    never = {"int_range", "type"}
    return table(
        "reason | meaning", [(f"`{reason}`", text) for reason, text in codec.REASONS.items() if reason not in never]
    )


def shown() -> str:
    """The screens, by the vectors; test_vectors.py holds the firmware against those."""
    made = beside("make_vectors.py", "screens")()
    rows = [(vector["comment"], " · ".join(vector["lines"]), vector["waits"] or "") for vector in made]
    return table("when | what is shown | waits", rows)


def beside(name: str, what: str) -> Any:
    """What a module next to this one makes or keeps."""
    return runpy.run_path(str(Path(__file__).with_name(name)))[what]


def admission() -> str:
    rows = []
    for _, here, _, _, offers in beside("policy_vectors.py", "HERE"):
        for offered, statuses in offers.items():
            what = "a share of another party" if offered == "Q" else f"generation {offered}"
            rows.append((here, what, *statuses))
    return table("what is here | what is offered | `reserve` | `reserve-next`", rows)


def generation_states() -> str:
    """The steps that the vectors show, by the states of the backups of one vault."""
    rules: dict[tuple[str, str], str] = {}
    for vector in beside("policy_vectors.py", "policy")():
        words = vector["comment"].replace(",", "").split()
        if "event" not in vector or vector["expect"] != "ok" or words[0] != vector["event"]["do"]:
            continue  # not a step, or one whose comment says something else than which
        before, after = (vault_state(vector[when]["slots"]) for when in ("before", "after"))
        if rules.setdefault((before, vector["comment"]), after) != after:
            raise ValueError(f"{vector['name']} goes elsewhere than another step of that name")
    return machine(rules, "nothing")


def vault_state(slots: list[dict[str, str]]) -> str:
    states = [slot["state"].lower() for slot in slots if slot["vault"] == "V"]
    return "-".join(state for state in ("active", "pending", "next") if state in states) or "nothing"


def sizes() -> str:
    record = f"The longest plaintext of a record is {session.RECORD_MAX} bytes. "
    return record + f"A token can ask for chunks of up to {CHUNK_MAX} bytes; ours asks for {request.CHUNK}.\n"


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": errors,
    "ops": ops,
    "statuses": statuses,
    "reasons": reasons,
    "limits": limits,
    "sizes": sizes,
    "back-off": back_off,
    "screens": shown,
    "admission": admission,
    "generation-states": generation_states,
    "channel-states": lambda: machine(session.TRANSITIONS, session.FRESH),
    "transfer-states": lambda: machine(transfer.TRANSITIONS, transfer.EMPTY),
}


def filled(text: str) -> str:
    """`text` with every generated part made anew."""
    return _PART.sub(lambda match: match[1] + PARTS[match[2]]() + match[3], text)


def parts_in(text: str) -> list[str]:
    return [match[2] for match in _PART.finditer(text)]


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
