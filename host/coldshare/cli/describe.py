"""Backups and declarations in words and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coldshare.cli.render import Json
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


def state(held: Backup) -> str:
    return "unconfirmed" if held.pending else "active"


def headline(declared: Declaration) -> str:
    return f"the share of {declared.party} of {declared.name!r}"
