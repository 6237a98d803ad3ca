"""How much of a token a share takes."""

from __future__ import annotations

from pathlib import Path

from bench.figures import Figure
from bench.share import Share
from bench.token import KDF, PASSWORD, PIN, new_token, power_up
from coldshare.backup import backup
from coldshare.device.token import TokenClient


def measure(folder: Path, share: Share) -> list[Figure]:
    return [
        _stored(folder, share, "plain", share.plain, None),
        _stored(folder, share, "encrypted", share.encrypted, share.vault_password),
    ]


def _stored(folder: Path, share: Share, kind: str, data: bytes, vault_password: str | None) -> Figure:
    path, store = new_token(folder, f"stored-{kind}")
    with TokenClient(power_up(path)) as client:
        client.connect(store)
        client.unlock(PIN)
        backup(client, data, PASSWORD, vault_password=vault_password, kdf=KDF)
        # The token's word, not ours.
        size = client.backups()[0].size
    return Figure(
        f"stored_over_file_{kind}{share.suffix}", size / len(data), f"{size:,} of {len(data):,} B, {share.origin}"
    )
