"""What happened to vaults, shares and places: the events that a ledger is made of, and their bytes.

An event is written once and never changed. Its id is random; `time` is the clock of the computer that recorded it, and
`position` is that time, or a microsecond after the latest event that its ledger knew, whichever is later. So what one
ledger recorded stays in order though a clock is turned back, and two ledgers together have one order, that of
(position, id). Of what two computers recorded that order says nothing; see `order`.

The shape of a kind is fixed: what is to be told differently some day gets a kind of its own. A kind that this version
does not know is kept as it is and changes no table (`Unknown`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from coldshare.ledger.shapes import Bytes, Flag, Items, Maybe, Nested, Number, ShapeError, Text, pack, unpack
from coldshare_iface import codec, wire
from coldshare_iface.codec import CodecError

__all__ = [
    "ACTIVE",
    "BACKED_UP",
    "BODIES",
    "COMPUTER",
    "DAMAGED",
    "DESTROYED",
    "EVENT_MAX",
    "FILE",
    "FOLDER",
    "FORMAT",
    "GIVEN_UP",
    "GONE",
    "HANDLED",
    "HEADS_MAX",
    "HOST_SIZE",
    "KEYLESS",
    "MISSING",
    "NEXT",
    "OTHER_PLACE",
    "PLACES",
    "PLAN_SIZE",
    "POSITION_MAX",
    "REMOVED",
    "REPLACED",
    "REPORT_MAX",
    "RESTORED",
    "RETIRED",
    "STATES",
    "TIME_MAX",
    "TOKEN",
    "UNCONFIRMED",
    "VERIFIED",
    "WIPED",
    "BackupFailed",
    "BackupGone",
    "BackupRestored",
    "BackupState",
    "BackupStored",
    "BackupVerified",
    "Body",
    "DeviceFound",
    "DeviceLost",
    "DeviceRestored",
    "DrillResult",
    "Event",
    "EventError",
    "GenerationNewer",
    "GenerationRetired",
    "GenerationUnRetired",
    "Head",
    "HostNamed",
    "IdentityCompared",
    "IdentityTakenBack",
    "LedgerJoined",
    "Place",
    "PlaceBuiltIn",
    "PlaceDescribed",
    "PlaceFound",
    "PlaceLost",
    "PlaceNamed",
    "PlaceReached",
    "PlaceWiped",
    "ReshareAborted",
    "ReshareFinished",
    "ReshareReported",
    "ReshareStarted",
    "Share",
    "ShareHandled",
    "SingleHostAccepted",
    "Unknown",
    "VaultExtras",
    "VaultSeen",
]

FORMAT: Final = 1
UUID_SIZE: Final = 16
HOST_SIZE: Final = 16
#: Bytes of one event. The largest known one, a vault of 32 parties with the longest names, has less.
EVENT_MAX: Final = 8192
#: Microseconds since 1970: the end of the year 9999, and what a 64-bit column of any database holds.
TIME_MAX: Final = 253_402_300_799_999_999
POSITION_MAX: Final = (1 << 62) - 1
_PARTIES_MAX: Final = 32
PLAN_SIZE: Final = 16
#: Bytes of a signed report, with the most parties of the longest names; see `reshare.report`.
REPORT_MAX: Final = 7168
_NAMES_MAX: Final = 64
#: Computers of which one event can tell up to where their events are known.
HEADS_MAX: Final = 64

# Kinds of places.
TOKEN, FOLDER, FILE, COMPUTER, OTHER_PLACE = 1, 2, 3, 4, 9
PLACES: Final = {TOKEN: "token", FOLDER: "folder", FILE: "file", COMPUTER: "computer", OTHER_PLACE: "other"}

# What a backup is at its place.
UNCONFIRMED, ACTIVE, NEXT, RETIRED, DAMAGED, KEYLESS = range(1, 7)
STATES: Final = {
    UNCONFIRMED: "unconfirmed",
    ACTIVE: "active",
    NEXT: "next",
    RETIRED: "retired",
    DAMAGED: "damaged",
    KEYLESS: "keyless",
}

# Why a backup is not at its place any more.
REMOVED, DESTROYED, REPLACED, WIPED, MISSING, GIVEN_UP = range(1, 7)
GONE: Final = {
    REMOVED: "removed",
    DESTROYED: "destroyed",
    REPLACED: "replaced",
    WIPED: "wiped",
    MISSING: "missing",
    GIVEN_UP: "given_up",
}

# Why a computer had a share in the clear.
BACKED_UP, VERIFIED, RESTORED = range(1, 4)
HANDLED: Final = {BACKED_UP: "backed_up", VERIFIED: "verified", RESTORED: "restored"}

_VAULT = Bytes(1, wire.VAULT_ID_MAX)
_NAME = Text(0, wire.NAME_MAX)
_PARTY = Text(1, wire.NAME_MAX)
_GENERATION = Bytes(wire.GENERATION_SIZE, wire.GENERATION_SIZE)
_BACKUP = Bytes(wire.BACKUP_ID_SIZE, wire.BACKUP_ID_SIZE)
_DIGEST = Bytes(wire.DIGEST_SIZE, wire.DIGEST_SIZE)
_HOST = Bytes(HOST_SIZE, HOST_SIZE)
_SIZE = Number(0, 1 << 40)
_LIBRARY = Number(1, 1 << 16)
_NUMBER_OF_PARTIES = Number(1, 1 << 16)
_STATE = Number(UNCONFIRMED, KEYLESS)
_WORDS = Maybe(Text(1, 200))
_POINT = Bytes(1, 32)
_POINTS = Items(_POINT, _PARTIES_MAX)
_PUBLIC = Bytes(32, 33)
_PUBLICS = Items(_PUBLIC, _PARTIES_MAX)
_PARTIES = Items(_PARTY, _PARTIES_MAX)
_PLAN = Bytes(PLAN_SIZE, PLAN_SIZE)


class EventError(ValueError):
    """Bytes that are no event. It quotes nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where backups are: `kind` is TOKEN, FOLDER, FILE, COMPUTER or OTHER_PLACE; `ident` is a token's serial (8 bytes),
    a computer's id in the ledger (16), and for the others whatever the place is known by."""

    kind: Annotated[int, Number(1, 255)]
    ident: Annotated[bytes, Bytes(1, 32)]

    def __str__(self) -> str:
        return f"{PLACES.get(self.kind, f'place-{self.kind}')}:{self.ident.hex()}"


@dataclass(frozen=True, slots=True)
class Share:
    """Whose share it is, as a declaration tells it: `vault` is its ECDSA public key, `party` as a token shows it."""

    vault: Annotated[bytes, _VAULT]
    name: Annotated[str, _NAME]
    party: Annotated[str, _PARTY]
    generation: Annotated[bytes, _GENERATION]
    threshold: Annotated[int, _NUMBER_OF_PARTIES]
    parties: Annotated[int, _NUMBER_OF_PARTIES]
    library: Annotated[int, _LIBRARY]


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """All events that the computer `host` recorded up to `position`."""

    host: Annotated[bytes, _HOST]
    position: Annotated[int, Number(0, POSITION_MAX)]


_PLACE = Nested(Place)
_SHARE = Nested(Share)


@dataclass(frozen=True, slots=True)
class Body:
    """What an event tells. `fact` says that it is not worth telling again when it changes nothing."""

    kind: ClassVar[int] = 0
    name: ClassVar[str] = ""
    fact: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class HostNamed(Body):
    """The computer that records this is called so."""

    kind, name, fact = 1, "host_named", True
    host_name: Annotated[str, Text(0, wire.LABEL_MAX)]


@dataclass(frozen=True, slots=True)
class VaultSeen(Body):
    """A vault as one of its shares describes it, checked. Lists are by party index.

    `chain_code_digest` is SHA-256 of b"coldshare chain code\\0" and the chain code. `points_ecdsa` and
    `public_shares_ecdsa` are x_k and S_k of every party; `public_share_eddsa` is S_i of `share.party` at `point_eddsa`.
    """

    kind, name, fact = 2, "vault_seen", True
    share: Annotated[Share, _SHARE]
    signers: Annotated[tuple[str, ...], Items(_PARTY, _PARTIES_MAX)]
    reshared: Annotated[bool, Flag()]
    public_key_eddsa: Annotated[bytes, Bytes(32, 32)]
    chain_code_digest: Annotated[bytes, _DIGEST]
    points_ecdsa: Annotated[tuple[bytes, ...], _POINTS]
    public_shares_ecdsa: Annotated[tuple[bytes, ...], _PUBLICS]
    point_eddsa: Annotated[bytes, _POINT]
    public_share_eddsa: Annotated[bytes, _PUBLIC]


@dataclass(frozen=True, slots=True)
class ShareHandled(Body):
    """The computer that records this had that share in the clear (rule 1)."""

    kind, name, fact = 3, "share_handled", True
    share: Annotated[Share, _SHARE]
    why: Annotated[int, Number(BACKED_UP, RESTORED)]


@dataclass(frozen=True, slots=True)
class PlaceNamed(Body):
    """The label that the place itself bears."""

    kind, name, fact = 4, "place_named", True
    place: Annotated[Place, _PLACE]
    label: Annotated[str, Text(0, 200)]


@dataclass(frozen=True, slots=True)
class PlaceDescribed(Body):
    """What a person says of a place, all of it; None for what is not said."""

    kind, name, fact = 5, "place_described", True
    place: Annotated[Place, _PLACE]
    called: Annotated[str | None, _WORDS]
    location: Annotated[str | None, _WORDS]
    custodian: Annotated[str | None, _WORDS]
    account: Annotated[str | None, _WORDS]
    note: Annotated[str | None, _WORDS]


@dataclass(frozen=True, slots=True)
class PlaceReached(Body):
    """Whether that computer can reach the place."""

    kind, name, fact = 6, "place_reached", True
    place: Annotated[Place, _PLACE]
    host: Annotated[bytes, _HOST]
    reaches: Annotated[bool, Flag()]


@dataclass(frozen=True, slots=True)
class PlaceLost(Body):
    """The place itself cannot be found. Always worth telling: somebody else may have said the contrary meanwhile."""

    kind, name = 7, "place_lost"
    place: Annotated[Place, _PLACE]


@dataclass(frozen=True, slots=True)
class PlaceFound(Body):
    kind, name = 8, "place_found"
    place: Annotated[Place, _PLACE]


@dataclass(frozen=True, slots=True)
class PlaceWiped(Body):
    """Everything there was destroyed. `successor` is the ident of the new, empty place that it is now."""

    kind, name = 9, "place_wiped"
    place: Annotated[Place, _PLACE]
    successor: Annotated[bytes | None, Maybe(Bytes(1, 32))]


@dataclass(frozen=True, slots=True)
class VaultExtras(Body):
    """What the vault has besides its two keys: `keys` that coldshare cannot check, and `chains` with a key of their
    own. No more than 64 of each are named."""

    kind, name, fact = 10, "vault_extras", True
    vault: Annotated[bytes, _VAULT]
    generation: Annotated[bytes, _GENERATION]
    keys: Annotated[tuple[str, ...], Items(Text(1, 32), _NAMES_MAX)]
    chains: Annotated[tuple[str, ...], Items(Text(1, 64), _NAMES_MAX)]


@dataclass(frozen=True, slots=True)
class PlaceBuiltIn(Body):
    """Whether the place is on a disk of the computer that records this, and lost together with it."""

    kind, name, fact = 11, "place_built_in", True
    place: Annotated[Place, _PLACE]
    built_in: Annotated[bool, Flag()]


@dataclass(frozen=True, slots=True)
class LedgerJoined(Body):
    """What the computer that records this has of others, from now on: so what it records later was later. In the order
    of their ids; of more than HEADS_MAX computers some are not named."""

    kind, name = 12, "ledger_joined"
    heads: Annotated[tuple[Head, ...], Items(Nested(Head), HEADS_MAX)]


@dataclass(frozen=True, slots=True)
class BackupStored(Body):
    """A sealed share is at that place, written and read back. `size` in bytes, `recovery` whether a code opens it."""

    kind, name = 16, "backup_stored"
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    share: Annotated[Share | None, Maybe(_SHARE)]
    size: Annotated[int, _SIZE]
    state: Annotated[int, _STATE]
    recovery: Annotated[bool | None, Maybe(Flag())]


@dataclass(frozen=True, slots=True)
class BackupState(Body):
    """Found at that place in that state, not read. `size` in bytes."""

    kind, name, fact = 17, "backup_state", True
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    share: Annotated[Share | None, Maybe(_SHARE)]
    size: Annotated[int, _SIZE]
    state: Annotated[int, _STATE]


@dataclass(frozen=True, slots=True)
class BackupVerified(Body):
    """Read back whole; `opened` when its seal was opened and the share inside checked, too."""

    kind, name = 18, "backup_verified"
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    share: Annotated[Share | None, Maybe(_SHARE)]
    size: Annotated[int, _SIZE]
    state: Annotated[int, _STATE]
    recovery: Annotated[bool | None, Maybe(Flag())]
    opened: Annotated[bool, Flag()]


@dataclass(frozen=True, slots=True)
class BackupFailed(Body):
    """It could not be proved good; `code` is that of the error."""

    kind, name = 19, "backup_failed"
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    code: Annotated[str, Text(1, 64)]


@dataclass(frozen=True, slots=True)
class BackupRestored(Body):
    """Its seal was opened, the share inside checked, and the vault file written out."""

    kind, name = 20, "backup_restored"
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    share: Annotated[Share, _SHARE]
    size: Annotated[int, _SIZE]


@dataclass(frozen=True, slots=True)
class BackupGone(Body):
    """It is not there any more; `why` is one of GONE."""

    kind, name, fact = 21, "backup_gone", True
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    why: Annotated[int, Number(REMOVED, GIVEN_UP)]


@dataclass(frozen=True, slots=True)
class GenerationNewer(Body):
    """A person said that `newer` has replaced `older`."""

    kind, name, fact = 32, "generation_newer", True
    vault: Annotated[bytes, _VAULT]
    newer: Annotated[bytes, _GENERATION]
    older: Annotated[bytes, _GENERATION]


@dataclass(frozen=True, slots=True)
class GenerationRetired(Body):
    """It counts no more, at that place or, where `place` is None, anywhere."""

    kind, name, fact = 33, "generation_retired", True
    vault: Annotated[bytes, _VAULT]
    generation: Annotated[bytes, _GENERATION]
    place: Annotated[Place | None, Maybe(_PLACE)]


@dataclass(frozen=True, slots=True)
class GenerationUnRetired(Body):
    """That was taken back."""

    kind, name, fact = 34, "generation_un_retired", True
    vault: Annotated[bytes, _VAULT]
    generation: Annotated[bytes, _GENERATION]
    place: Annotated[Place | None, Maybe(_PLACE)]


@dataclass(frozen=True, slots=True)
class DeviceLost(Body):
    """The device with the live share of that party is lost."""

    kind, name = 48, "device_lost"
    vault: Annotated[bytes, _VAULT]
    party: Annotated[str, _PARTY]


@dataclass(frozen=True, slots=True)
class DeviceFound(Body):
    kind, name = 49, "device_found"
    vault: Annotated[bytes, _VAULT]
    party: Annotated[str, _PARTY]


@dataclass(frozen=True, slots=True)
class DeviceRestored(Body):
    """A new device, called `device`, has the share of that party from a backup."""

    kind, name = 50, "device_restored"
    vault: Annotated[bytes, _VAULT]
    party: Annotated[str, _PARTY]
    device: Annotated[str, Text(1, 200)]
    generation: Annotated[bytes, _GENERATION]
    backup_id: Annotated[bytes, _BACKUP]


@dataclass(frozen=True, slots=True)
class SingleHostAccepted(Body):
    """A person accepts that the computer that records this handles enough shares of that generation to sign alone."""

    kind, name, fact = 51, "single_host_accepted", True
    vault: Annotated[bytes, _VAULT]
    generation: Annotated[bytes, _GENERATION]


@dataclass(frozen=True, slots=True)
class DrillResult(Body):
    """A rehearsal of one backup: public values only. `good` says that the share passed its own arithmetic.

    `public_share_ecdsa` and `public_share_eddsa` are S_i as the opened share gives them, `digest` is SHA-256 of the
    vault file.
    """

    kind, name = 64, "drill_result"
    place: Annotated[Place, _PLACE]
    backup_id: Annotated[bytes, _BACKUP]
    share: Annotated[Share, _SHARE]
    good: Annotated[bool, Flag()]
    public_share_ecdsa: Annotated[bytes | None, Maybe(_PUBLIC)]
    public_share_eddsa: Annotated[bytes | None, Maybe(_PUBLIC)]
    digest: Annotated[bytes, _DIGEST]


@dataclass(frozen=True, slots=True)
class IdentityCompared(Body):
    """A person has compared the key with which the computer `of`, called `host_name`, signs its reports."""

    kind, name, fact = 80, "identity_compared", True
    of: Annotated[bytes, _HOST]
    host_name: Annotated[str, Text(0, wire.LABEL_MAX)]
    public_key: Annotated[bytes, Bytes(32, 32)]


@dataclass(frozen=True, slots=True)
class ReshareStarted(Body):
    """A reshare of that vault is planned: away from `older`, to `parties` parties of which `threshold` can sign.

    `staying` are the parties that take their share along, `joining` the new ones, as far as their ids are known.
    """

    kind, name = 81, "reshare_started"
    plan: Annotated[bytes, _PLAN]
    vault: Annotated[bytes, _VAULT]
    older: Annotated[bytes, _GENERATION]
    staying: Annotated[tuple[str, ...], _PARTIES]
    joining: Annotated[tuple[str, ...], _PARTIES]
    threshold: Annotated[int, _NUMBER_OF_PARTIES]
    parties: Annotated[int, _NUMBER_OF_PARTIES]


@dataclass(frozen=True, slots=True)
class ReshareReported(Body):
    """One party's signed report, as it was written; see `reshare.report`."""

    kind, name, fact = 82, "reshare_reported", True
    plan: Annotated[bytes, _PLAN]
    party: Annotated[str, _PARTY]
    report: Annotated[bytes, Bytes(1, REPORT_MAX)]


@dataclass(frozen=True, slots=True)
class ReshareFinished(Body):
    """Every party has reported, and `generation` counts from now on."""

    kind, name, fact = 83, "reshare_finished", True
    plan: Annotated[bytes, _PLAN]
    generation: Annotated[bytes, _GENERATION]


@dataclass(frozen=True, slots=True)
class ReshareAborted(Body):
    """It was given up; the older generation counts as before."""

    kind, name = 84, "reshare_aborted"
    plan: Annotated[bytes, _PLAN]


@dataclass(frozen=True, slots=True)
class IdentityTakenBack(Body):
    """That key signs for nobody any more: it was compared wrongly, or its computer is gone. For good, whoever compares
    it again, so that no order of events can bring it back."""

    kind, name, fact = 85, "identity_taken_back", True
    public_key: Annotated[bytes, Bytes(32, 32)]


@dataclass(frozen=True, slots=True)
class Unknown(Body):
    """An event of a newer version: kept, shown as what it is, and otherwise without effect."""

    number: int
    value: codec.Value


#: Every kind that this version knows.
BODIES: Final[dict[int, type[Body]]] = {
    one.kind: one
    for one in (
        HostNamed,
        VaultSeen,
        ShareHandled,
        PlaceNamed,
        PlaceDescribed,
        PlaceReached,
        PlaceLost,
        PlaceFound,
        PlaceWiped,
        VaultExtras,
        BackupStored,
        BackupState,
        BackupVerified,
        BackupFailed,
        BackupRestored,
        BackupGone,
        GenerationNewer,
        GenerationRetired,
        GenerationUnRetired,
        DeviceLost,
        DeviceFound,
        DeviceRestored,
        SingleHostAccepted,
        DrillResult,
        IdentityCompared,
        ReshareStarted,
        ReshareReported,
        ReshareFinished,
        ReshareAborted,
        PlaceBuiltIn,
        IdentityTakenBack,
        LedgerJoined,
    )
}
_KIND = Number(1, 1 << 16)
_UUID = Bytes(UUID_SIZE, UUID_SIZE)
_TIME = Number(0, TIME_MAX)
_POSITION = Number(0, POSITION_MAX)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `host` is the id of the computer that recorded it, times are microseconds since 1970."""

    uuid: bytes
    time: int
    position: int
    host: bytes
    body: Body

    @property
    def order(self) -> tuple[int, bytes]:
        """By this, events of any number of ledgers are in one order."""
        return self.position, self.uuid

    def encode(self) -> bytes:
        """Deterministic CBOR; `ledger.cddl` describes it. Raises EventError for a value that has no room in it."""
        body = self.body
        try:
            return codec.encode(
                {
                    0: FORMAT,
                    1: _UUID.check(self.uuid),
                    2: _TIME.check(self.time),
                    3: _POSITION.check(self.position),
                    4: _HOST.check(self.host),
                    5: body.number if isinstance(body, Unknown) else body.kind,
                    6: body.value if isinstance(body, Unknown) else pack(body),
                },
                limit=EVENT_MAX,
            )
        except (ShapeError, CodecError):
            raise EventError("an event that cannot be written") from None

    @classmethod
    def decode(cls, data: bytes) -> Event:
        """Raises EventError."""
        try:
            fields = codec.decode(data, limit=EVENT_MAX)
            if not isinstance(fields, dict) or sorted(fields) != list(range(7)) or fields[0] != FORMAT:
                raise EventError("another format")
            if type(fields[0]) is not int:
                raise EventError("another format")
            number = _KIND.read(fields[5])
            body = unpack(BODIES[number], fields[6]) if number in BODIES else Unknown(number, fields[6])
            return cls(
                uuid=_UUID.read(fields[1]),
                time=_TIME.read(fields[2]),
                position=_POSITION.read(fields[3]),
                host=_HOST.read(fields[4]),
                body=body,
            )
        except (ShapeError, CodecError):
            raise EventError("not an event") from None
