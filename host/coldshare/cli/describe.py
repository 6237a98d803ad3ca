"""Backups and declarations in words and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.cli.render import Json
    from coldshare.restore import CheckedFile, Held
    from coldshare.seal import Slot
    from coldshare_iface.messages import Declaration

#: Rule 5, said wherever an old share leaves its place.
RETIRED = (
    "This backup is RETIRED: a newer generation of the vault has taken its place. Its share never replaces a newer one "
    "and does not work with the newer ones. It still works with the other old ones."
)


def declared_json(declared: Declaration) -> dict[str, Json]:
    from coldshare.declare import library_name

    return {
        "vault": {"name": declared.name, "public_key_ecdsa": declared.vault.hex()},
        "party": declared.party,
        "threshold": declared.threshold,
        "parties": declared.parties,
        "generation": declared.generation.hex(),
        "library": library_name(declared.library),
    }


_NOBODY: dict[str, Json] = {
    "vault": None,
    "party": None,
    "threshold": None,
    "parties": None,
    "generation": None,
    "library": None,
}


def backup_json(held: Held, declaration: Declaration | None = None) -> dict[str, Json]:
    """`declaration` is for one without a name whose seal was opened; what is not known of a backup is null."""
    told = declared(held) or declaration
    return {
        "backup_id": held.backup_id.hex(),
        "state": state(held),
        "sealed_size": held.size,
        **(_NOBODY if told is None else declared_json(told)),
    }


def file_json(checked: CheckedFile) -> dict[str, Json]:
    """An exported file, which no token has to be there for."""
    return {
        "backup_id": checked.backup_id.hex(),
        "sealed_size": checked.sealed_size,
        **declared_json(checked.declaration),
    }


def declared(held: Held) -> Declaration | None:
    """What the token says of it, if it still knows."""
    from coldshare_iface.messages import Backup

    return held.declaration if isinstance(held, Backup) else None


def state(held: Held) -> str:
    """`active`, `unconfirmed`, `next` or `retired`; `damaged` for one without a name; `keyless` on a burnt token."""
    from coldshare_iface import wire

    if held.state == wire.BACKUP_KEYLESS:
        return "keyless"
    if held.state == wire.BACKUP_RETIRED:
        return "retired"
    if declared(held) is None:
        return "damaged"
    return {wire.BACKUP_PENDING: "unconfirmed", wire.BACKUP_NEXT: "next"}.get(held.state, "active")


def headline(declared: Declaration) -> str:
    return f"the share of {declared.party} of {declared.name!r}"


def what(held: Held, declaration: Declaration | None = None) -> str:
    """As `headline`, also for a backup without a name."""
    told = declared(held) or declaration
    return "a backup without a name" if told is None else headline(told)


def slots_json(slots: Sequence[Slot]) -> dict[str, Json]:
    """The ways to open a seal. `recovery` says whether a recovery code alone is one of them."""
    return {
        "slots": [
            {
                "factors": [*slot.names, *([] if slot.known else ["unknown"])],
                "kdf": None
                if slot.kdf is None
                else {"memory_mib": slot.kdf.memory_kib >> 10, "passes": slot.kdf.passes, "lanes": slot.kdf.lanes},
            }
            for slot in slots
        ],
        "recovery": has_recovery(slots),
    }


def has_recovery(slots: Sequence[Slot]) -> bool:
    return any(slot.known and slot.names == ("recovery",) for slot in slots)


_FACTORS = {
    "password": "its password",
    "token": "its token",
    "fido2": "its FIDO2 key",
    "recovery": "its recovery code",
}


def ways(slots: Sequence[Slot]) -> str:
    """In words: `its password and its token together (Argon2id with ...), or with its recovery code alone`."""
    told = []
    for slot in slots:
        if not slot.known:
            told.append("something that this version does not know")
            continue
        words = " and ".join(_FACTORS[name] for name in slot.names)
        words += " together" if len(slot.names) > 1 else " alone"
        told.append(words if slot.kdf is None else f"{words} ({slot.kdf})")
    return ", or with ".join(told)
