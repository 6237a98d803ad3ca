"""What a person reads, word for word: the screens are the token's only way to be honest with them."""

from __future__ import annotations

import pytest

from coldshare_firmware import screens
from coldshare_firmware.declaration import Declaration
from coldshare_iface import wire
from support.client import LABEL, PIN, WRONG, Bench, Host, blob, declaration

SERIAL = bytes(range(8))
SHARE = ["Savings", "share of Phone", "2 of 3 / gen abcd0102", "Press YES or NO"]


def release(purpose: int, state: int) -> list[str]:
    return screens.release(SERIAL * 2, Declaration(declaration()), purpose, state)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (screens.idle(wire.TOKEN_NEW, "", SERIAL, 8), ["coldshare", "not set up", "0001020304050607"]),
        (screens.idle(wire.TOKEN_READY, LABEL, SERIAL, 8), ["coldshare", "Safe A", "0001020304050607"]),
        (
            screens.idle(wire.TOKEN_READY, LABEL, SERIAL, 7),
            ["coldshare", "Safe A", "0001020304050607", "PIN attempts left: 7"],
        ),
        (
            screens.idle(wire.TOKEN_BURNT, "", SERIAL, 0),
            ["BURNT", "too many wrong PINs", "keys destroyed", "0001020304050607"],
        ),
        (
            screens.idle(wire.TOKEN_BURNT, "", bytes(8), 0),
            ["KEYS LOST", "flash damaged", "sealed shares are left,", "the keys for them not"],
        ),
        (screens.identify(LABEL, SERIAL), ["HERE I AM", "Safe A", "0001020304050607"]),
        (screens.identify("", SERIAL), ["HERE I AM", "not set up", "0001020304050607"]),
        (
            screens.compare("AAAAA BBBBB CCCCC DDDDD"),
            ["Pair? Compare:", "AAAAA BBBBB", "CCCCC DDDDD", "same on the computer?"],
        ),
        (
            screens.pair("AAAAA BBBBB CCCCC DDDDD", "desk", False),
            ["Pair with desk?", "AAAAA BBBBB", "CCCCC DDDDD", "Press YES or NO"],
        ),
        (
            screens.pair("AAAAA BBBBB CCCCC DDDDD", "desk", True),
            ["Pair with desk?", "AAAAA BBBBB", "CCCCC DDDDD", "to copy sealed shares", "HOLD YES 2 s, or NO"],
        ),
        (screens.set_up(LABEL), ["Set up this token?", "Safe A", "Press YES or NO"]),
        (screens.another_try(5), ["Try another PIN?", "5 attempts left", "then all keys go", "Press YES or NO"]),
        (
            screens.another_try(1),
            ["Try another PIN?", "the LAST attempt:", "if wrong, all keys go", "Press YES or NO"],
        ),
        (screens.store(Declaration(declaration()), False), ["Store this share?", *SHARE]),
        (screens.store(Declaration(declaration()), True), ["Replace this share?", *SHARE]),
        (
            screens.store_newer(Declaration(declaration()), b"\xab\xcd\x01\x03" + bytes(28), []),
            ["Keep as NEWER?", *SHARE[:-1], "newer than gen abcd0103", "Press YES or NO"],
        ),
        (
            screens.store_newer(Declaration(declaration()), None, [b"\xab\xcd\x01\x04" + bytes(28)]),
            ["Keep as NEWER?", *SHARE[:-1], "newer than gen (unknown)", "in place of gen abcd0104", "Press YES or NO"],
        ),
        (release(wire.PURPOSE_VERIFY, wire.BACKUP_ACTIVE), ["RELEASE to verify?", *SHARE]),
        (release(wire.PURPOSE_RESTORE, wire.BACKUP_ACTIVE), ["RELEASE to restore?", *SHARE]),
        (
            release(wire.PURPOSE_RESTORE, wire.BACKUP_RETIRED),
            ["RELEASE to restore?", *SHARE[:-1], "RETIRED: an old share", "Press YES or NO"],
        ),
        (
            screens.release(SERIAL * 2, None, wire.PURPOSE_VERIFY, wire.BACKUP_ACTIVE),
            ["RELEASE to verify?", "(its name is damaged)", "backup 00010203", "Press YES or NO"],
        ),
        (
            screens.release(SERIAL * 2, None, wire.PURPOSE_RESTORE, wire.BACKUP_KEYLESS),
            ["RELEASE to restore?", "sealed, its key is gone", "backup 00010203", "Press YES or NO"],
        ),
        (
            screens.store(Declaration(declaration(name="   ")), False),
            ["Store this share?", "(vault without a name)", *SHARE[1:]],
        ),
        (screens.label("Safe A", "Safe B"), ["New label?", "Safe B", "instead of Safe A", "Press YES or NO"]),
        (screens.change_pin("Safe A"), ["Change the PIN?", "Safe A", "Press YES or NO"]),
        (screens.unpair("desk", SERIAL), ["Forget computer?", "desk", "pairing 00010203", "Press YES or NO"]),
        (screens.unpair_others("desk", 1), ["Forget 1 computer?", "all but desk", "Press YES or NO"]),
        (screens.unpair_others("desk", 7), ["Forget 7 computers?", "all but desk", "Press YES or NO"]),
        (
            screens.destroy(SERIAL * 2, Declaration(declaration()), False),
            ["DESTROY this share?", *SHARE[:-1], "backup 00010203", "HOLD YES 2 s, or NO"],
        ),
        (
            screens.destroy(SERIAL * 2, None, False),
            ["DESTROY this share?", "(its name is damaged)", "backup 00010203", "HOLD YES 2 s, or NO"],
        ),
        (
            screens.destroy(SERIAL * 2, Declaration(declaration()), True),
            ["DESTROY old share?", *SHARE[:-1], "backup 00010203", "HOLD YES 2 s, or NO"],
        ),
        (
            screens.retire(Declaration(declaration()), b"\xab\xcd\x01\x01" + bytes(28)),
            [
                "RETIRE old share?",
                "Savings",
                "share of Phone",
                "old gen abcd0101",
                "new gen abcd0102",
                "HOLD YES 2 s, or NO",
            ],
        ),
        (
            screens.un_retire(Declaration(declaration()), b"\xab\xcd\x01\x01" + bytes(28)),
            [
                "Take OLD share back?",
                "Savings",
                "share of Phone",
                "gen abcd0101 counts again",
                "HOLD YES 2 s, or NO",
            ],
        ),
        (
            screens.wipe(wire.TOKEN_READY, LABEL, 2),
            ["WIPE this token?", "Safe A", "2 shares", "and all keys go", "HOLD YES 2 s, or NO"],
        ),
        (
            screens.wipe(wire.TOKEN_NEW, "", 0),
            ["WIPE this token?", "not set up", "0 shares", "and all keys go", "HOLD YES 2 s, or NO"],
        ),
        (
            screens.wipe(wire.TOKEN_BURNT, "", 1),
            ["WIPE this token?", "burnt", "1 share", "and all keys go", "HOLD YES 2 s, or NO"],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_words(lines: list[str], expected: list[str]) -> None:
    assert lines == expected


def test_the_whole_story_on_the_screen(bench: Bench) -> None:
    """Every question is followed by the idle screen, whatever the answer."""
    host = bench.host
    code = host.handshake()
    host.ask(wire.OP_PAIR_ACCEPT, "desk")
    host.pair()
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.ask(wire.OP_UNLOCK, WRONG)
    host.ok(wire.OP_UNLOCK, PIN)
    backup_id, _ = host.put(blob(3000))
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    host.put(blob(3000))
    headlines = [(lines[0], question) for lines, question in bench.person.screens]
    pairing = [("Pair? Compare:", False), ("Pair with desk?", True), ("coldshare", False)]
    assert headlines == [
        ("coldshare", False),
        *pairing,
        *pairing,
        ("Set up this token?", True),
        ("coldshare", False),
        ("coldshare", False),  # PIN attempts left: 7
        ("coldshare", False),  # the unlocking took that line away again
        ("Store this share?", True),
        ("coldshare", False),
        ("RELEASE to verify?", True),
        ("coldshare", False),
        ("Replace this share?", True),
        ("coldshare", False),
    ]
    assert bench.person.screens[1][0][1:3] == [code[:11], code[12:]]
    assert bench.person.screen == ["coldshare", LABEL, host.read_info()[4].hex()]


def test_a_comparison_that_comes_to_nothing_leaves_the_screen(bench: Bench) -> None:
    bench.host.handshake()
    assert bench.person.screen[0] == "Pair? Compare:"
    Host(bench.token).hello()
    assert bench.person.screen[0] == "Pair? Compare:", "a stranger does not wipe it"
    bench.host.call(wire.CMD_INIT, bytes(8))
    assert bench.person.screen[0] == "coldshare"


def test_no_secret_on_any_screen(ready: Bench) -> None:
    backup_id, factor = ready.host.put(blob(500))
    ready.host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    ready.host.ask(wire.OP_UNLOCK, WRONG)
    shown = str(ready.person.screens)
    for secret in (PIN, WRONG, factor.hex(), ready.host.psk.hex()):
        assert secret not in shown
