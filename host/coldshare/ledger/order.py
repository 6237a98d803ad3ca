"""What came before what, as far as anything tells it but clocks.

One computer's events are in the order of their positions, however its clock was turned. Of two computers' events one
came first where the other computer had taken in that ledger before (`LedgerJoined`). All others are in no order,
whatever their times say: clocks are wrong by hours and by years. The tables of this module keep of each computer the
last word on every question that an order decides, so that whoever asks can take the more careful reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Event
from coldshare.ledger.rows import Row, Rows

__all__ = [
    "BAD",
    "FOUND",
    "GONE",
    "GOOD",
    "HERE",
    "INSIDE",
    "LOST",
    "OPENED",
    "READ",
    "RESTORED",
    "UNREADABLE",
    "WIPED",
    "Mark",
    "Order",
    "note",
    "of_backup",
    "settles",
]

# What is told of a device, and of a place.
LOST, FOUND, RESTORED, WIPED = 1, 2, 3, 4
# What is told of a backup: what was wrong inside of it, that it could not be read back whole, that it is not there any
# more, that its state is one in which it does not open; and the contrary of each.
INSIDE, UNREADABLE, GONE, BAD, OPENED, READ, HERE, GOOD = range(1, 9)
_BAD_STATES: Final = (e.UNCONFIRMED, e.DAMAGED, e.KEYLESS)
#: What reading a backup shows, so that reading it again shows that it is over. All else was found inside.
_BY_READING: Final = frozenset(("integrity", "folder_damaged", "folder_index", "folder_read_back", "token_lied"))


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an event stands: which computer recorded it, and at which position."""

    host: bytes
    position: int

    @classmethod
    def of(cls, row: Row) -> Mark:
        return cls(row["host"], row["position"])


class Order:
    def __init__(self, rows: Rows) -> None:
        self._heard: dict[tuple[bytes, bytes], list[tuple[int, int]]] = {}
        for row in rows.all("heard"):
            self._heard.setdefault((row["host"], row["other"]), []).append((row["position"], row["upto"]))

    def before(self, one: Mark, other: Mark) -> bool:
        """Whether it is certain that `one` came first. False also where nothing orders the two."""
        if one.host == other.host:
            return one.position < other.position
        heard = self._heard.get((other.host, one.host), ())
        return any(at < other.position and upto >= one.position for at, upto in heard)

    def unanswered(self, asks: Iterable[Row], answers: Iterable[Row]) -> list[Row]:
        """Those of `asks` to which no answer is certain to have come later, the last by position at the end."""
        later = [Mark.of(one) for one in answers]
        open_ = [one for one in asks if not any(self.before(Mark.of(one), mark) for mark in later)]
        return sorted(open_, key=lambda one: (one["position"], one["host"]))


def of_backup(told: Iterable[Row], of_place: Iterable[Row]) -> list[Row]:
    """What was told of a backup, of its place what concerns it: that all there was destroyed."""
    wiped = ({**row, "what": GONE, "code": str(e.WIPED)} for row in of_place if row["what"] == WIPED)
    return [*told, *wiped]


def settles(rows: Rows, event: Event) -> bool:
    """Whether a fact that changes no other table says what was in doubt: then it is worth recording."""
    body = event.body
    if not isinstance(body, e.BackupState):
        return False
    kind, ident = body.place.kind, body.place.ident
    told = of_backup(
        rows.all("backup_told", place_kind=kind, place_ident=ident, backup_id=body.backup_id),
        rows.all("place_told", kind=kind, ident=ident),
    )
    answered = [(GONE, HERE), *([] if body.state in _BAD_STATES else [(BAD, GOOD)])]
    order = Order(rows)
    return any(
        order.unanswered((one for one in told if one["what"] == ask), (one for one in told if one["what"] == answer))
        for ask, answer in answered
    )


def note(rows: Rows, event: Event) -> None:
    """Keep what this event says of the order of things."""
    host, position = event.host, event.position
    body = event.body
    told = {"position": position, "time": event.time}
    for vault, generation, party in _sighted(body):
        if rows.get("sight", vault, generation, party, host) is None:
            rows.put("sight", vault, generation, party, host, position=position)
    if isinstance(body, e.LedgerJoined):
        for head in body.heads:
            rows.put("heard", host, head.host, position, upto=head.position)
    elif isinstance(body, e.DeviceRestored):
        onto = {"device": body.device, "generation": body.generation}
        rows.put("device_told", body.vault, body.party, RESTORED, host, **told, **onto)
    elif isinstance(body, e.DeviceLost | e.DeviceFound):
        what = LOST if isinstance(body, e.DeviceLost) else FOUND
        rows.put("device_told", body.vault, body.party, what, host, **told)
    elif isinstance(body, e.PlaceLost | e.PlaceFound | e.PlaceWiped):
        what = {e.PlaceLost: LOST, e.PlaceFound: FOUND, e.PlaceWiped: WIPED}[type(body)]
        rows.put("place_told", body.place.kind, body.place.ident, what, host, **told)
    elif isinstance(body, _OF_A_BACKUP):
        for what, code in _of_a_backup(body):
            key = body.place.kind, body.place.ident, body.backup_id
            rows.put("backup_told", *key, what, host, **told, code=code)


_OF_A_BACKUP: Final = (
    e.BackupStored,
    e.BackupState,
    e.BackupVerified,
    e.BackupFailed,
    e.BackupRestored,
    e.BackupGone,
    e.DrillResult,
)


def _of_a_backup(body: Body) -> Iterator[tuple[int, str]]:
    """What it tells of a backup; with a code: of an error, or the number of a state or of a reason."""
    if isinstance(body, e.BackupGone):
        yield GONE, str(body.why)
        return
    yield HERE, ""
    state = getattr(body, "state", None)
    if state is not None:
        yield (BAD if state in _BAD_STATES else GOOD), str(state)
    if isinstance(body, e.BackupFailed):
        yield (UNREADABLE if body.code in _BY_READING else INSIDE), body.code
    elif isinstance(body, e.DrillResult) and not body.good:
        yield INSIDE, "drill"
    elif not isinstance(body, e.BackupState):
        yield READ, ""
        if not isinstance(body, e.BackupStored) and getattr(body, "opened", True):
            yield OPENED, ""


def _sighted(body: Body) -> Iterator[tuple[bytes, bytes, str]]:
    """The generations that were there when this was recorded: vault, generation, and the party whose share was, or an
    empty one."""
    share = getattr(body, "share", None)
    if share is not None:
        yield share.vault, share.generation, share.party
    elif isinstance(body, e.DeviceRestored):
        yield body.vault, body.generation, body.party
    elif isinstance(body, e.GenerationNewer):
        yield body.vault, body.newer, ""
        yield body.vault, body.older, ""
    elif isinstance(body, e.GenerationRetired | e.GenerationUnRetired):
        yield body.vault, body.generation, ""
