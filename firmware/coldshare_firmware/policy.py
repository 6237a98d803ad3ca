"""Which backup may stand beside which: rules 1 and 5, decided by the token itself. Portable subset.

Pure functions over the slots of the key area and the list of retired generations; names never appear here, only
keyed tags. Generations have no order of their own: a person names the newer one, and what is retired stays retired.
"""

from coldshare_firmware.keys import RESERVED, S_GENERATION, S_ID, S_PARTY, S_STATE, S_VAULT
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    Slot = list[bytes | int]
    Slots = list[Slot]
    #: [vault tag, the first bytes of the tags of its retired generations one after another, oldest first], ...
    Retired = list[list[bytes]]

# A retired generation is remembered by the first bytes of its tag: with 16 backups all of it has to fit one block.
MARK = 8


def of_vault(slots: "Slots", vault: bytes) -> "Slots":
    """The backups of that vault that count: neither reservations nor retired ones."""
    out = []
    for slot in slots:
        if slot[S_VAULT] == vault and slot[S_STATE] != RESERVED and slot[S_STATE] != wire.BACKUP_RETIRED:
            out.append(slot)
    return out


def standing(slots: "Slots", vault: bytes) -> "Slot | None":
    """What a new backup of that vault is held against: the ACTIVE one, or a PENDING one that is alone."""
    first = None
    for slot in of_vault(slots, vault):
        if slot[S_STATE] == wire.BACKUP_ACTIVE:
            return slot
        if first is None:
            first = slot
    return first


def refuse(slots: "Slots", retired: "Retired", tags: "tuple[bytes, bytes, bytes]", newer: bool) -> int:
    """STATUS_OK, or why a share with these tags (vault, party, generation) must not be stored.

    With `newer` a person is going to be asked whether its generation is newer than the one that stands here.
    """
    vault, party, generation = tags
    kept = 0
    old = is_retired(retired, vault, generation)
    for slot in slots:
        if slot[S_STATE] != RESERVED:
            kept += 1
            if slot[S_VAULT] == vault:
                if slot[S_PARTY] != party:
                    return wire.STATUS_OTHER_PARTY
                if slot[S_STATE] == wire.BACKUP_RETIRED and slot[S_GENERATION] == generation:
                    old = True  # its mark may have fallen out of the list
    if old:
        return wire.STATUS_RETIRED
    here = of_vault(slots, vault)
    base = standing(slots, vault)
    next_one = newer and base is not None and base[S_GENERATION] != generation
    if not next_one:
        for slot in here:
            if slot[S_GENERATION] != generation:
                return wire.STATUS_OTHER_GENERATION
    # What gives way at `commit` or `confirm` makes room: a full token must still be able to refresh what it holds. A
    # share of another generation stays beside the one that stands here.
    room = wire.BACKUPS_MAX + len(here)
    if next_one:
        room -= 1
    return wire.STATUS_NO_SPACE if kept >= room else wire.STATUS_OK


def commit(slots: "Slots", backup_id: bytes) -> "Slots":
    """The slots once `backup_id` is stored: it is PENDING beside the ACTIVE one.

    An older PENDING becomes ACTIVE when there is no ACTIVE one, because it was acknowledged and must not be lost;
    otherwise it, or an older NEXT, gives way.
    """
    vault = tag(find(slots, backup_id), S_VAULT)
    base = standing(slots, vault)
    out = []
    for slot in slots:
        if slot[S_ID] == backup_id:
            out.append(_with_state(slot, wire.BACKUP_PENDING))
        elif slot is base:
            out.append(_with_state(slot, wire.BACKUP_ACTIVE))
        elif slot[S_VAULT] != vault or slot[S_STATE] == RESERVED or slot[S_STATE] == wire.BACKUP_RETIRED:
            out.append(slot)
    return out


def confirm(slots: "Slots", backup_id: bytes) -> "Slots":
    """The slots once the host has read the PENDING `backup_id` back.

    It is ACTIVE and what it replaces is gone. Beside an ACTIVE one of another generation it is NEXT, and both stay.
    """
    new = find(slots, backup_id)
    base = standing(slots, tag(new, S_VAULT))
    beside = base is not None and base[S_GENERATION] != new[S_GENERATION]
    out = []
    for slot in slots:
        if slot[S_ID] == backup_id:
            out.append(_with_state(slot, wire.BACKUP_NEXT if beside else wire.BACKUP_ACTIVE))
        elif beside or slot is not base:
            out.append(slot)
    return out


def retire(slots: "Slots", newer: "Slot", generation: bytes) -> "Slots":
    """The slots once a person has said that `generation` (a tag) is older than that of `newer`, which was read back."""
    vault = tag(newer, S_VAULT)
    out = []
    active = False
    for slot in slots:
        if slot[S_VAULT] == vault and slot[S_STATE] != RESERVED:
            if slot[S_GENERATION] == generation:
                slot = _with_state(slot, wire.BACKUP_RETIRED)
            elif slot[S_STATE] == wire.BACKUP_ACTIVE:
                active = True
        out.append(slot)
    return out if active else [_with_state(slot, wire.BACKUP_ACTIVE) if slot is newer else slot for slot in out]


def un_retire(slots: "Slots", vault: bytes, generation: bytes) -> "Slots":
    """The slots once a person has taken that back: the retired one is ACTIVE, the one that stood here is NEXT.

    The caller has seen to it that nothing PENDING or NEXT is in the way.
    """
    old = None
    for slot in slots:
        if slot[S_VAULT] == vault and slot[S_STATE] == wire.BACKUP_RETIRED and slot[S_GENERATION] == generation:
            old = slot
    out = []
    for slot in slots:
        if slot is old:
            slot = _with_state(slot, wire.BACKUP_ACTIVE)
        elif old is not None and slot[S_VAULT] == vault and slot[S_STATE] == wire.BACKUP_ACTIVE:
            slot = _with_state(slot, wire.BACKUP_NEXT)
        out.append(slot)
    return out


def remove(slots: "Slots", retired: "Retired", backup_id: bytes) -> "tuple[Slots, Retired]":
    """Both once `backup_id` is gone. A NEXT that stood behind it takes its place, and its generation is retired: that
    much a person has said before. A vault of which nothing is left is forgotten."""
    gone = find(slots, backup_id)
    vault = tag(gone, S_VAULT)
    out = [slot for slot in slots if slot is not gone]
    if gone[S_STATE] == wire.BACKUP_ACTIVE:
        for i in range(len(out)):
            if out[i][S_VAULT] == vault and out[i][S_STATE] == wire.BACKUP_NEXT:
                out[i] = _with_state(out[i], wire.BACKUP_ACTIVE)
                retired = with_retired(retired, vault, tag(gone, S_GENERATION))
    if not any([slot[S_VAULT] == vault and slot[S_STATE] != RESERVED for slot in out]):
        retired = [entry for entry in retired if entry[0] != vault]
    return out, retired


# --- retired generations
def is_retired(retired: "Retired", vault: bytes, generation: bytes) -> bool:
    mark = generation[:MARK]
    return any([entry[0] == vault and mark in _marks(entry[1]) for entry in retired])


def with_retired(retired: "Retired", vault: bytes, generation: bytes) -> "Retired":
    """The list with one more. A vault's oldest falls out when there are too many of it, or of all: such a generation
    is one that nothing orders again, and takes a person's word."""
    marks = b"".join([entry[1] for entry in retired if entry[0] == vault]) + generation[:MARK]
    out = [entry for entry in retired if entry[0] != vault]
    room = wire.RETIRED_MAX - sum([len(entry[1]) // MARK for entry in out])
    if room < 1:
        # Another vault has to give: the one that remembers most.
        most = max([len(entry[1]) for entry in out])
        for i in range(len(out)):
            if len(out[i][1]) == most:
                out[i] = [out[i][0], out[i][1][MARK:]]
                break
        room = 1
    out.append([vault, marks[-MARK * min(room, wire.RETIRED_PER_VAULT) :]])
    return out


def without_retired(retired: "Retired", vault: bytes, generation: bytes) -> "Retired":
    mark = generation[:MARK]
    out = []
    for entry in retired:
        if entry[0] == vault:
            entry = [vault, b"".join([kept for kept in _marks(entry[1]) if kept != mark])]
        if entry[1]:
            out.append(entry)
    return out


def _marks(packed: bytes) -> "list[bytes]":
    return [packed[at : at + MARK] for at in range(0, len(packed), MARK)]


# --- slots
def find(slots: "Slots", backup_id: bytes) -> "Slot":
    """The slot of that id; KeyError when there is none."""
    for slot in slots:
        if slot[S_ID] == backup_id:
            return slot
    raise KeyError("no such backup")


def tag(slot: "Slot", which: int) -> bytes:
    """The id, factor or one of the tags of a slot, by position."""
    value = slot[which]
    if isinstance(value, int):
        raise TypeError("a slot with a number in the wrong place")
    return value


def state(slot: "Slot") -> int:
    """RESERVED, or one of `wire.BACKUP_*`."""
    value = slot[S_STATE]
    if not isinstance(value, int):
        raise TypeError("a slot without a state")
    return value


def _with_state(slot: "Slot", state: int) -> "Slot":
    changed = list(slot)
    changed[S_STATE] = state
    return changed
