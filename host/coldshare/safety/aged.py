"""Rule 5, for what is only looked at: whether a share is an old one, by what a ledger knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.safety.resharing import under_way

if TYPE_CHECKING:
    from coldshare.ledger.queries import View

__all__ = ["given_up", "is_old", "why_old"]


def is_old(view: View | None, vault: bytes | None, generation: bytes | None) -> bool | None:
    """True for a generation that was replaced or given up, False for the one that counts, and for one that a reshare
    leaves as long as that is under way; None where nothing tells."""
    if view is None or vault is None or generation is None:
        return None
    if any(one.older == generation for one in under_way(view, vault)):
        return False
    own = view.generation(vault, generation)
    if generation in view.given_up(vault) or (own is not None and own.older_than - {generation}):
        return True
    current = view.current(vault)
    return False if current is not None and current.generation == generation else None


def given_up(view: View, vault: bytes) -> frozenset[bytes]:
    """The generations that count nowhere though nothing has replaced them: they are not older than the one that counts,
    they went with their reshare."""
    return frozenset(
        one.generation
        for one in view.generations(vault)
        if one.generation in view.given_up(vault) and not one.older_than - {one.generation}
    )


def why_old(view: View, vault: bytes, generation: bytes) -> str:
    """What became of an old one: `and generation 1a2b3c4d has replaced it`."""
    current = view.current(vault)
    own = view.generation(vault, generation)
    newer = own.older_than - {generation} if own is not None else frozenset()
    if not newer:
        return "which was given up"
    by = current.generation if current is not None and current.generation in newer else None
    return f"and {f'generation {by.hex()[:8]}' if by is not None else 'a newer one'} has replaced it"
