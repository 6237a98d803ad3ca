"""What a person reads on the token before pressing a button. Portable subset.

Each screen is a list of lines, the first one the question or headline; the board wraps them. A screen says what will
happen, to what, and nothing that only the host knows.
"""

from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.declaration import Declaration

CONFIRM = "Press YES or NO"
# What destroys keys takes a button that is held.
HOLD = "HOLD YES 2 s, or NO"
HOLD_ON = "Keep YES down for 2 s"


def asks_to_hold(lines: "list[str]") -> bool:
    """True for a question that a short press does not answer."""
    return lines[-1] == HOLD or lines[-1] == HOLD_ON


def idle(state: int, label: str, serial: bytes, left: int) -> "list[str]":
    """`left` PIN attempts: shown as soon as one is spent, so that an owner sees that somebody has tried."""
    if state == wire.TOKEN_NEW:
        return ["coldshare", "not set up", serial.hex()]
    if state == wire.TOKEN_BURNT:
        if serial == bytes(wire.SERIAL_SIZE):  # the serial went with the keys
            return ["KEYS LOST", "flash damaged", "sealed shares are left,", "the keys for them not"]
        return ["BURNT", "too many wrong PINs", "keys destroyed", serial.hex()]
    if left < wire.PIN_ATTEMPTS:
        return ["coldshare", label, serial.hex(), "PIN attempts left: " + str(left)]
    return ["coldshare", label, serial.hex()]


def identify(label: str, serial: bytes) -> "list[str]":
    return ["HERE I AM", label or "not set up", serial.hex()]


def compare(code: str) -> "list[str]":
    return ["Pair? Compare:", code[:11], code[12:], "same on the computer?"]


def pair(code: str, host: str, burnt: bool) -> "list[str]":
    """Whoever pairs with a burnt token gets copies of what is left on it, and nobody has to know a PIN for that."""
    head = ["Pair with " + host + "?", code[:11], code[12:]]
    return head + (["to copy sealed shares", HOLD] if burnt else [CONFIRM])


def set_up(label: str) -> "list[str]":
    return ["Set up this token?", label, CONFIRM]


def another_try(left: int) -> "list[str]":
    if left == 1:
        return ["Try another PIN?", "the LAST attempt:", "if wrong, all keys go", CONFIRM]
    return ["Try another PIN?", str(left) + " attempts left", "then all keys go", CONFIRM]


def _name(declared: "Declaration") -> str:
    return declared.name.strip() or "(vault without a name)"


def _gen(generation: "bytes | None") -> str:
    return "(unknown)" if generation is None else generation[:4].hex()


def _backup(backup_id: bytes) -> str:
    return "backup " + backup_id[:4].hex()


def _share(declared: "Declaration") -> "list[str]":
    return [
        _name(declared),
        "share of " + declared.party,
        str(declared.threshold) + " of " + str(declared.parties) + " / gen " + _gen(declared.generation),
    ]


def _what(backup_id: bytes, declared: "Declaration | None") -> "list[str]":
    return ["(its name is damaged)", _backup(backup_id)] if declared is None else _share(declared)


def store(declared: "Declaration", replaces: bool) -> "list[str]":
    head = "Replace this share?" if replaces else "Store this share?"
    return [head] + _share(declared) + [CONFIRM]


def store_newer(declared: "Declaration", older: "bytes | None", gone: "list[bytes | None]") -> "list[str]":
    """Nothing but this press orders two generations. `older` is that of the share that stands here, `gone` are those of
    PENDING or NEXT ones that give way to the new one."""
    lines = ["newer than gen " + _gen(older)] + ["in place of gen " + _gen(one) for one in gone]
    return ["Keep as NEWER?"] + _share(declared) + lines + [CONFIRM]


def release(backup_id: bytes, declared: "Declaration | None", purpose: int, state: int) -> "list[str]":
    # Either way the computer gets all that it asks for, and only its own word says what for. So both say "release".
    head = "RELEASE to restore?" if purpose == wire.PURPOSE_RESTORE else "RELEASE to verify?"
    if state == wire.BACKUP_KEYLESS:
        return [head, "sealed, its key is gone", _backup(backup_id), CONFIRM]
    note = ["RETIRED: an old share"] if state == wire.BACKUP_RETIRED else []
    return [head] + _what(backup_id, declared) + note + [CONFIRM]


def label(old: str, new: str) -> "list[str]":
    return ["New label?", new, "instead of " + old, CONFIRM]


def change_pin(label: str) -> "list[str]":
    return ["Change the PIN?", label, CONFIRM]


def unpair(host: str, psk_id: bytes) -> "list[str]":
    return ["Forget computer?", host, "pairing " + psk_id[:4].hex(), CONFIRM]


def unpair_others(host: str, count: int) -> "list[str]":
    return ["Forget " + _count(count, "computer") + "?", "all but " + host, CONFIRM]


def retire(newer: "Declaration", generation: bytes) -> "list[str]":
    return [
        "RETIRE old share?",
        _name(newer),
        "share of " + newer.party,
        "old gen " + _gen(generation),
        "new gen " + _gen(newer.generation),
        HOLD,
    ]


def un_retire(declared: "Declaration", generation: bytes) -> "list[str]":
    head = ["Take OLD share back?", _name(declared), "share of " + declared.party]
    return head + ["gen " + _gen(generation) + " counts again", HOLD]


def destroy(backup_id: bytes, declared: "Declaration | None", retired: bool) -> "list[str]":
    """`declared` is None where the record is damaged: such a backup can be removed, too."""
    head = "DESTROY old share?" if retired else "DESTROY this share?"
    what = _what(backup_id, declared)
    return [head] + what + ([] if declared is None else [_backup(backup_id)]) + [HOLD]


def wipe(state: int, label: str, shares: int) -> "list[str]":
    name = "not set up" if state == wire.TOKEN_NEW else "burnt" if state == wire.TOKEN_BURNT else label
    return ["WIPE this token?", name, _count(shares, "share"), "and all keys go", HOLD]


def _count(n: int, what: str) -> str:
    return str(n) + " " + what + ("" if n == 1 else "s")
