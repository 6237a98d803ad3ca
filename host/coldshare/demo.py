"""The story that `coldshare demo` tells. Real firmware, real cryptography, a throw-away vault.

This process handles every share of a vault, which rule 1 forbids for a real one; it is accepted here because the
vault is made for the purpose and guards nothing.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coldshare import backup, handling, restore
from coldshare.backup import BackupResult
from coldshare.device.address import Address
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare.errors import IntegrityError
from coldshare.seal import KdfParams
from coldshare.vault.synthetic import make_vault
from coldshare_iface.errors import OtherPartyError

PARTIES = ("Phone", "Laptop", "Tablet")
# The least that coldshare ever writes, so that three seals and a look inside take seconds, not half a minute.
_KDF = KdfParams(memory_kib=64 * 1024, passes=3, lanes=4)
TOKENS = ("Safe A", "Safe B", "Safe C")


@dataclass(frozen=True, slots=True)
class Told:
    vault: str
    tokens: int
    restored: str
    identical: bool
    seconds: float


class DemoFailedError(IntegrityError):
    """The demo did not get back what it had stored."""

    code = "demo_failed"
    next_step = "Please report this; do not trust coldshare with a real share until it is explained."


class Stage:
    """Where a story is played: a folder that is thrown away, and tokens that this process knows the PIN of."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.password = "-".join(secrets.token_hex(3) for _ in range(4))
        self._store = PairingStore(folder / "pairings.json")
        self._pin = "".join(secrets.choice("0123456789") for _ in range(6))

    @contextmanager
    def new_token(self, label: str) -> Iterator[TokenClient]:
        """A token that is set up now, unlocked."""
        with _token(self.folder, label, create=True) as client:
            client.pair(self._store, lambda code: True, "demo")
            client.connect(self._store)
            client.set_up(self._pin, label)
            yield client

    @contextmanager
    def token(self, label: str) -> Iterator[TokenClient]:
        """One that was set up before, unlocked."""
        with _token(self.folder, label) as client:
            client.connect(self._store)
            client.unlock(self._pin)
            yield client

    def back_up(self, client: TokenClient, vult: bytes, *, newer: bool = False) -> BackupResult:
        return backup.backup(client, vult, self.password, kdf=_KDF, newer=newer)


@contextmanager
def stage(say: Callable[[str], None]) -> Iterator[Stage]:
    """All shares of a vault pass through this process, which is accepted, and said."""
    with (
        tempfile.TemporaryDirectory(prefix="coldshare-demo-") as folder,
        handling.process.fresh(lambda several: _accept(several, say)),
    ):
        yield Stage(Path(folder), say)


def run(say: Callable[[str], None]) -> Told:
    """Play the story in a temporary folder, one sentence at a time."""
    start = time.monotonic()
    with stage(say) as on:
        identical = _play(on)
    if not identical:
        raise DemoFailedError
    return Told("Demo vault", len(TOKENS), PARTIES[2], identical, time.monotonic() - start)


def _play(on: Stage) -> bool:
    say = on.say
    say("A throw-away vault: any 2 of 3 devices can sign. Its files have the size and layout of real ones.")
    shares = make_vault("Demo vault", PARTIES, 2)
    for share in shares:
        (on.folder / share.file_name).write_bytes(share.vult)
        say(f"  {share.file_name}: the share of {share.party}, {len(share.vult):,} bytes")

    say("")
    say("Three software tokens, each running the token's real firmware on a modelled flash chip.")
    for share, label in zip(shares, TOKENS, strict=True):
        with on.new_token(label) as client:
            done = on.back_up(client, share.vult)
        say(
            f"  {label}: the share of {share.party} sealed to {done.sealed_size:,} bytes, confirmed on the token, "
            "read back"
        )

    say("")
    say("Two shares of one vault never belong in one place. The token sees to that by itself:")
    with on.token(TOKENS[0]) as client:
        try:
            on.back_up(client, shares[1].vult)
        except OtherPartyError as refusal:
            say(f"  {refusal}")
        else:
            raise DemoFailedError("The token took the shares of two parties of one vault.")

    lost = shares[2]
    (on.folder / lost.file_name).unlink()
    say("")
    say(f"{lost.party} is lost, and its share with it. {TOKENS[2]} comes out of its drawer:")
    out = on.folder / f"restored-{lost.file_name}"
    with on.token(TOKENS[2]) as client:
        held = restore.choose(client.backups(), None)
        restore.restore(client, held, on.password, out)
    say(f"  {out.name}: {out.stat().st_size:,} bytes, ready to import on a new device")
    say("")
    return out.read_bytes() == lost.vult


def _accept(several: handling.Several, say: Callable[[str], None]) -> bool:
    say(f"  One computer for so many shares is refused, too, unless that is accepted. {several.sentence}")
    return True


def _token(folder: Path, label: str, *, create: bool = False) -> TokenClient:
    path = folder / f"{label.replace(' ', '-').lower()}.token"
    transport = open_transport(Address("sim", str(path), {"user": "approve"}), create=create)
    return TokenClient.over(transport)
