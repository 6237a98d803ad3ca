"""What happened to a vault, told in events: what tests of the judgement begin with."""

from __future__ import annotations

from collections.abc import Sequence

from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Event, Place, Share
from coldshare.ledger.projection import fold
from coldshare.ledger.queries import Backup, View
from coldshare.safety.standing import Standing, assess

VAULT, OTHER_VAULT = bytes([2]) * 33, bytes([3]) * 33
OLD, NEW, NEWEST = bytes([4]) * 32, bytes([5]) * 32, bytes([6]) * 32
SAFE_A, SAFE_B, SAFE_C = (Place(e.TOKEN, bytes([number]) * 8) for number in (1, 2, 3))
STICK_A, STICK_B = (Place(e.FOLDER, bytes([number]) * 16) for number in (1, 2))
FILE_A, FILE_B = (Place(e.FILE, bytes([number]) * 16) for number in (1, 2))
DESK, LAP = bytes([7]) * 16, bytes([8]) * 16
SECOND = 1_000_000
TABLE = ("Phone", "Laptop", "Tablet")


def share(
    party: str = "Phone", generation: bytes = OLD, *, vault: bytes = VAULT, threshold: int = 2, parties: int = 3
) -> Share:
    return Share(vault, "Savings", party, generation, threshold, parties, 2)


def backup_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


class Story:
    """Events, a second after each other unless `now`, in microseconds since 1970, is set."""

    def __init__(self, *bodies: Body) -> None:
        self.now = 1_700_000_000 * SECOND
        self.events: list[Event] = []
        self.tell(*bodies)

    def tell(self, *bodies: Body, host: bytes = DESK) -> Story:
        for body in bodies:
            self.now += SECOND
            number = len(self.events)
            self.events.append(Event(number.to_bytes(16, "big"), self.now, number, host, body))
        return self

    def seen(self, generation: bytes = OLD, signers: Sequence[str] = TABLE, *, threshold: int = 2) -> Story:
        """A vault file of that generation was read: all names of its parties are known."""
        self.tell(vault_seen(share(signers[0], generation, threshold=threshold, parties=len(signers)), signers))
        return self

    def stored(
        self,
        number: int,
        place: Place,
        party: str = "Phone",
        generation: bytes = OLD,
        *,
        recovery: bool | None = False,
        opened: bool = True,
        whose: Share | None = None,
        state: int = e.ACTIVE,
    ) -> Story:
        """Backup `number` went to that place; with `opened` its seal was opened afterwards."""
        whose = whose or share(party, generation)
        self.tell(e.BackupStored(place, backup_id(number), whose, 1000, state, recovery))
        if opened:
            self.tell(e.BackupVerified(place, backup_id(number), whose, 1000, state, None, opened=True))
        return self

    def all_backed_up(self, generation: bytes = OLD, first: int = 1) -> Story:
        """A token and a verified backup for each of the three."""
        for number, (party, place) in enumerate(zip(TABLE, (SAFE_A, SAFE_B, SAFE_C), strict=True)):
            self.stored(first + number, place, party, generation)
            self.tell(e.PlaceReached(place, DESK, reaches=False))  # else that computer reaches them all
        return self

    def view(self, host: bytes = DESK) -> View:
        return View(fold(self.events), host)

    def standing(self, *, after: int = SECOND) -> Standing:
        """Of the one vault, so many microseconds after the last event."""
        (found,) = assess(self.view(), self.now + after).standings
        return found

    def backup(self, number: int, place: Place) -> Backup:
        (found,) = (one for one in self.view().backups(place=place, gone=True) if one.backup_id == backup_id(number))
        return found


def vault_seen(whose: Share, signers: Sequence[str]) -> e.VaultSeen:
    return e.VaultSeen(
        share=whose,
        signers=tuple(signers),
        reshared=whose.generation != OLD,
        public_key_eddsa=bytes([9]) * 32,
        chain_code_digest=bytes([10]) * 32,
        points_ecdsa=tuple(bytes([number]) for number in range(1, len(signers) + 1)),
        public_shares_ecdsa=tuple(bytes([number]) * 33 for number in range(1, len(signers) + 1)),
        point_eddsa=b"\1",
        public_share_eddsa=bytes([11]) * 32,
    )
