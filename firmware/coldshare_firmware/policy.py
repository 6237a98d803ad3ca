"""Which backup may stand beside which: rules 1 and 5, decided by the token itself. Portable subset.

Pure functions over the slots of the key area; names never appear here, only keyed tags.
"""

from coldshare_firmware.keys import RESERVED, S_GENERATION, S_ID, S_PARTY, S_STATE, S_VAULT
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    Slot = list[bytes | int]


def refuse(slots: "list[Slot]", vault: bytes, party: bytes, generation: bytes) -> int:
    """STATUS_OK, or why a share with these tags must not be stored."""
    room = wire.BACKUPS_MAX
    for slot in slots:
        if slot[S_STATE] == RESERVED or slot[S_VAULT] != vault:
            continue
        # What it replaces goes at `confirm`: a full token must still be able to refresh what it holds.
        room = wire.BACKUPS_MAX + 1
        if slot[S_PARTY] != party:
            return wire.STATUS_OTHER_PARTY
        if slot[S_GENERATION] != generation:
            return wire.STATUS_OTHER_GENERATION
    if len([slot for slot in slots if slot[S_STATE] != RESERVED]) >= room:
        return wire.STATUS_NO_SPACE
    return wire.STATUS_OK


def replaces(slots: "list[Slot]", vault: bytes) -> bool:
    """True when the token already keeps a backup of this vault, so that storing another one replaces it."""
    return any([slot[S_VAULT] == vault and slot[S_STATE] != RESERVED for slot in slots])


def commit(slots: "list[Slot]", backup_id: bytes) -> "list[Slot]":
    """The slots once `backup_id` is stored: it is PENDING beside the ACTIVE one.

    An older PENDING becomes ACTIVE when there is no ACTIVE one, because it was acknowledged and must not be lost;
    otherwise it gives way.
    """
    new = find(slots, backup_id)
    vault = new[S_VAULT]
    has_active = any([slot[S_VAULT] == vault and slot[S_STATE] == wire.BACKUP_ACTIVE for slot in slots])
    out = []
    for slot in slots:
        if slot[S_ID] == backup_id:
            out.append(_with_state(slot, wire.BACKUP_PENDING))
        elif slot[S_VAULT] == vault and slot[S_STATE] == wire.BACKUP_PENDING:
            if not has_active:
                out.append(_with_state(slot, wire.BACKUP_ACTIVE))
        else:
            out.append(slot)
    return out


def confirm(slots: "list[Slot]", backup_id: bytes) -> "list[Slot]":
    """The slots once the host has read `backup_id` back: it is ACTIVE, what it replaces is gone."""
    vault = find(slots, backup_id)[S_VAULT]
    out = []
    for slot in slots:
        if slot[S_ID] == backup_id:
            out.append(_with_state(slot, wire.BACKUP_ACTIVE))
        elif slot[S_VAULT] != vault or slot[S_STATE] == RESERVED:
            out.append(slot)
    return out


def find(slots: "list[Slot]", backup_id: bytes) -> "Slot":
    """The slot of that id; KeyError when there is none."""
    for slot in slots:
        if slot[S_ID] == backup_id:
            return slot
    raise KeyError("no such backup")


def _with_state(slot: "Slot", state: int) -> "Slot":
    changed = list(slot)
    changed[S_STATE] = state
    return changed
