"""Backups and declarations in words and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.cli.render import Json
    from coldshare.restore import CheckedFile
    from coldshare.seal import Slot
    from coldshare_iface.messages import Backup, Declaration


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


def backup_json(held: Backup) -> dict[str, Json]:
    return {
        "backup_id": held.backup_id.hex(),
        "state": state(held),
        "sealed_size": held.size,
        **declared_json(held.declaration),
    }


def file_json(checked: CheckedFile) -> dict[str, Json]:
    """An exported file, which no token has to be there for."""
    return {
        "backup_id": checked.backup_id.hex(),
        "sealed_size": checked.sealed_size,
        **declared_json(checked.declaration),
    }


def state(held: Backup) -> str:
    return "unconfirmed" if held.pending else "active"


def headline(declared: Declaration) -> str:
    return f"the share of {declared.party} of {declared.name!r}"


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
