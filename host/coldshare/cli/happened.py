"""What was done to a token, in words: the entries of its audit ring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare.cli.render import Json
    from coldshare.device.history import Entry, History
    from coldshare.device.token import TokenClient
    from coldshare_iface.messages import Paired

#: Of each kind: what a script gets, and what a person reads.
_EVENTS = {
    wire.EVENT_SET_UP: ("set_up", "set up"),
    wire.EVENT_PAIRED: ("paired", "paired with"),
    wire.EVENT_UNPAIRED: ("unpaired", "forgot"),
    wire.EVENT_WRONG_PINS: ("wrong_pins", "wrong PIN before the right one"),
    wire.EVENT_PIN_CHANGED: ("pin_changed", "PIN changed"),
    wire.EVENT_LABELLED: ("labelled", "another label"),
    wire.EVENT_STORED: ("stored", "share stored"),
    wire.EVENT_CONFIRMED: ("confirmed", "share read back and confirmed"),
    wire.EVENT_RELEASED: ("released", "share RELEASED"),
    wire.EVENT_REMOVED: ("removed", "backup destroyed"),
    wire.EVENT_RETIRED: ("retired", "older generation retired, in favour of"),
    wire.EVENT_UN_RETIRED: ("un_retired", "older generation taken back"),
    wire.EVENT_DESTROYED: ("destroyed", "retired backup destroyed"),
    wire.EVENT_BURNT: ("burnt", "all keys destroyed after too many wrong PINs"),
}
_PURPOSES = {wire.PURPOSE_VERIFY: "verify", wire.PURPOSE_RESTORE: "restore"}


class Computers:
    """Names for the computers in a token's record. A name is what a computer said of itself when it was paired."""

    def __init__(self, ours: bytes, known: Sequence[Paired]) -> None:
        self._ours = ours
        self._names = {one.psk_id: one.host for one in known}

    def name(self, psk_id: bytes) -> str:
        if psk_id == self._ours:
            return "this computer"
        if psk_id in self._names:
            return f"{self._names[psk_id]} ({psk_id.hex()[:8]})"
        return f"a computer it has forgotten ({psk_id.hex()[:8]})"

    def json(self, psk_id: bytes) -> Json:
        if not psk_id:
            return None
        return {"id": psk_id.hex(), "host": self._names.get(psk_id), "this_computer": psk_id == self._ours}


def computers(client: TokenClient) -> Computers:
    can = wire.CAP_MANAGE in client.info.capabilities
    return Computers(client.psk_id, client.pairings() if can else [])


def code(entry: Entry) -> str:
    return _EVENTS[entry.event][0] if entry.event in _EVENTS else f"event_{entry.event}"


def words(entry: Entry, known: Computers) -> str:
    """What was done, without to which backup and by whom."""
    if entry.event not in _EVENTS:
        return f"something this version does not know ({entry.event})"
    text = _EVENTS[entry.event][1]
    if entry.event == wire.EVENT_WRONG_PINS:
        return f"{entry.detail} {text}" if entry.detail == 1 else f"{entry.detail} {text.replace('PIN', 'PINs', 1)}"
    if entry.event == wire.EVENT_RELEASED:
        return f"{text} to {_PURPOSES.get(entry.detail, 'an unknown end')}"
    if entry.event == wire.EVENT_PAIRED:
        return f"{text} {known.name(entry.subject)}"
    if entry.event == wire.EVENT_UNPAIRED:
        return f"{text} {known.name(entry.subject)}" if entry.detail == 1 else f"{text} {entry.detail} computers"
    return text


def backup_id(entry: Entry) -> bytes:
    """The backup that an entry is about; empty for none."""
    return entry.subject if len(entry.subject) == wire.BACKUP_ID_SIZE else b""


def gap(history: History) -> str:
    """What a record that does not reach back to what was seen before says. One that had room is no usual one."""
    if history.since is None or history.head.count - history.since > wire.AUDIT_MAX:
        return "more was done to it than its record holds"
    first = history.entries[0].number if history.entries else history.head.count + 1
    missing = first - history.since - 1
    entries = "1 entry of its record is" if missing == 1 else f"{missing} entries of its record are"
    return (
        f"{entries} MISSING that it has room for: its flash was full or damaged, or somebody took them out. What was "
        "done then, and whether it was put back to an earlier state, nobody can tell"
    )


def notices(client: TokenClient) -> list[str]:
    """What an owner should hear of before anything else: done since this computer's last visit, and not by it."""
    history = client.history
    if history is None or history.since is None:
        return []
    lines = []
    if not history.known:
        lines.append(gap(history))
    wrong = sum(entry.detail for entry in history.entries if entry.event == wire.EVENT_WRONG_PINS)
    if wrong:
        lines.append(f"{wrong} wrong PIN{'' if wrong == 1 else 's'}")
    told = [
        entry
        for entry in history.entries
        if (entry.event == wire.EVENT_RELEASED and entry.host != client.psk_id)
        or (entry.event == wire.EVENT_PAIRED and entry.subject != client.psk_id)
    ]
    if told:
        known = computers(client)
        for entry in told:
            line = words(entry, known)
            if entry.event == wire.EVENT_RELEASED:
                line += f": backup {backup_id(entry).hex()[:8]}, to {known.name(entry.host)}"
            if line not in lines:
                lines.append(line)
    if not lines:
        return []
    return [
        "Since this computer saw this token last:",
        *(f"  {line}" for line in lines),
        "If that was not you, look closer: coldshare audit",
    ]
