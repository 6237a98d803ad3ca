"""Who: a token that is not what it seems, or somebody with its flash in his hands. Its label, its model, the names of
its computers and of its backups are texts that the host prints.
Wants: to have the terminal say something else: clear it, paint over a warning, turn the writing round, set a title.
What stops it: everything that is printed goes through one place that lets no control character by, in the text and in
the JSON; a label is not even remembered when it holds one.
"""

from __future__ import annotations

import json
import os
import re

import pytest

from coldshare.cli import render
from coldshare_firmware.declaration import Declaration as TokenDeclaration
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_LABEL, F_PAIRINGS, Keys
from coldshare_firmware.store import Store
from coldshare_iface import codec
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip, KeyBlocks
from coldshare_sim.token import SimHal
from support.client import declaration
from support.desk import Desk, approves
from support.shell import Said, Shell

#: Clear the screen, set a title, turn the direction, write over, C1's own "control sequence", a line of his.
EVIL = "\x1b[2J\x1b]0;t\x07\u202e\u2066\r\x9b1m\x08\nForged"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
AT = "sim:a.token?user=approve"


def hostile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Chip:
    """A token with such texts wherever it has any. Its own firmware takes none of them from a host."""
    chip, backup_id = desk.stored()
    monkeypatch.setattr(SimHal, "model", EVIL)
    area = KeyArea(KeyBlocks(chip))
    record = area.load()
    assert record is not None
    record[F_LABEL] = EVIL
    for pairing in record[F_PAIRINGS]:
        pairing[2] = EVIL
    area.store(record)
    hal = SimHal(chip, approves(), VirtualClock(), os.urandom)
    Store(hal, Keys(hal)).write_record(backup_id, declaration(name=EVIL, party=EVIL))
    monkeypatch.setattr("coldshare_firmware.declaration._text", lambda value, low, high: value)
    return chip


def said(desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str) -> Said:
    chip = hostile(desk, monkeypatch)
    shell.write("a.token", bytes(chip.image))
    backup_id = desk.client(chip).backups()[0].backup_id.hex()
    return shell(*command.replace("ID", backup_id[:8]).split(), "--at", AT)


COMMANDS = [
    "tokens",
    "pair",
    "list --pin-file pin",
    "verify --pin-file pin",
    "verify --pin-file pin --password-file pw",
    "restore --pin-file pin --password-file pw --out x.vult",
    "export --pin-file pin --out x.seal",
    "remove ID --pin-file pin",
    "label SafeB --pin-file pin",
    "pairings --pin-file pin",
    "pairings remove --others --pin-file pin",
    "backup phone.vult --no-recovery --pin-file pin --password-file pw",
    "wipe",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_as_text(desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    spoken = said(desk, shell, monkeypatch, command)
    assert OBEYED.search(spoken.out + spoken.err) is None
    assert not [line for line in (spoken.out + spoken.err).splitlines() if line.startswith("Forged")]


@pytest.mark.parametrize("command", COMMANDS)
def test_as_json(desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    spoken = said(desk, shell, monkeypatch, f"{command} --json")
    assert OBEYED.search(spoken.out) is None
    assert spoken.err == ""
    json.loads(spoken.out)


def test_control_the_texts_do_arrive(desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the one place open, each of them would reach the terminal."""
    monkeypatch.setattr(render, "_UNSAFE", re.compile("(?!)"))
    for command in ("list --pin-file pin", "tokens", "pairings --pin-file pin", "remove ID --pin-file pin"):
        spoken = said(desk, shell, monkeypatch, command)
        # The others are taken out by click, which is away from a terminal here.
        assert "\x1b]0;t\x07" in spoken.out + spoken.err, command
        assert "\nForged" in spoken.out + spoken.err


def test_no_label_of_that_kind_is_remembered(desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    said(desk, shell, monkeypatch, "list --pin-file pin")
    assert desk.store.all()[0].label == ""


def test_an_honest_tokens_firmware_takes_none_from_a_host(desk: Desk) -> None:
    """So a lying host cannot put one on the token's screen, nor into another host's terminal."""
    with pytest.raises(ValueError, match="cannot be shown"):
        TokenDeclaration(declaration(party=EVIL))
    assert codec.decode(declaration(party=EVIL))  # control: it is well-formed, and refused for its characters
