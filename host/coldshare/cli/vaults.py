"""Which vaults of a ledger a person means."""

from __future__ import annotations

from coldshare.safety.named import UnknownVaultError, choose

__all__ = ["UnknownVaultError", "choose"]
