"""One of everything that a ledger can hold."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.ledger.events import Event, Place, Share

VAULT, OTHER_VAULT = bytes([2]) * 33, bytes([3]) * 33
OLD, NEW = bytes([4]) * 32, bytes([5]) * 32
SHARE = Share(VAULT, "Savings", "Phone", OLD, 2, 3, 2)
SAFE = Place(e.TOKEN, bytes(range(8)))
STICK = Place(e.FOLDER, bytes(range(16)))
ID, OTHER_ID = bytes(range(16, 32)), bytes(range(32, 48))
HOST = bytes(range(48, 64))
PLAN = bytes([14]) * 16

#: One body of every kind, in the order of their numbers.
BODIES: tuple[e.Body, ...] = (
    e.HostNamed("desk"),
    e.VaultSeen(
        share=SHARE,
        signers=("Phone", "Laptop", "Tablet"),
        reshared=True,
        public_key_eddsa=bytes([6]) * 32,
        chain_code_digest=bytes([7]) * 32,
        points_ecdsa=(b"\1", b"\2", b"\3"),
        public_shares_ecdsa=(bytes([8]) * 33, bytes([9]) * 33, bytes([10]) * 33),
        point_eddsa=b"\1",
        public_share_eddsa=bytes([11]) * 32,
    ),
    e.ShareHandled(SHARE, e.BACKED_UP),
    e.PlaceNamed(SAFE, "Safe A"),
    e.PlaceDescribed(SAFE, "the grey one", "bank", "Ada", None, None),
    e.PlaceReached(SAFE, HOST, reaches=False),
    e.PlaceLost(SAFE),
    e.PlaceFound(SAFE),
    e.PlaceWiped(SAFE, bytes(8)),
    e.VaultExtras(VAULT, OLD, ("ML-DSA",), ("Bitcoin", "Solana")),
    e.BackupStored(SAFE, ID, SHARE, 1000, e.ACTIVE, recovery=True),
    e.BackupState(SAFE, ID, None, 1000, e.DAMAGED),
    e.BackupVerified(SAFE, ID, SHARE, 1000, e.ACTIVE, recovery=None, opened=True),
    e.BackupFailed(SAFE, ID, "seal_damaged"),
    e.BackupRestored(SAFE, ID, SHARE, 1000),
    e.BackupGone(SAFE, ID, e.REMOVED),
    e.GenerationNewer(VAULT, NEW, OLD),
    e.GenerationRetired(VAULT, OLD, SAFE),
    e.GenerationUnRetired(VAULT, OLD, None),
    e.DeviceLost(VAULT, "Phone"),
    e.DeviceFound(VAULT, "Phone"),
    e.DeviceRestored(VAULT, "Phone", "new phone", OLD, ID),
    e.SingleHostAccepted(VAULT, OLD),
    e.DrillResult(SAFE, ID, SHARE, True, bytes([8]) * 33, bytes([11]) * 32, bytes([12]) * 32),
    e.IdentityCompared(HOST, "desk", bytes([13]) * 32),
    e.ReshareStarted(PLAN, VAULT, OLD, ("Phone", "Laptop"), ("Watch",), 2, 3),
    e.ReshareReported(PLAN, "Phone", b"report"),
    e.ReshareFinished(PLAN, NEW),
    e.ReshareAborted(PLAN),
    e.PlaceBuiltIn(SAFE, built_in=True),
    e.IdentityTakenBack(bytes([13]) * 32),
    e.LedgerJoined((e.Head(HOST, 5),)),
)
UNKNOWN = e.Unknown(999, {1: "later", 7: [b"x", True, None]})


def event(body: e.Body, number: int = 0, *, time: int = 1_700_000_000_000_000, host: bytes = HOST) -> Event:
    return Event(number.to_bytes(16, "big"), time, time + number, host, body)


class Clock:
    """Microseconds since 1970; every look takes one second."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now
