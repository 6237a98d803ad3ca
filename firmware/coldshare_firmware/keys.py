"""What the token knows about itself: the record in the key area, with names. Portable subset.

A change is made on a copy and becomes true only once it is on flash: `change()` is the one way to alter anything.
"""

from coldshare_firmware.keyarea import KeyArea, StorageError
from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_iface.suite import hkdf, hmac_sha256

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.declaration import Declaration
    from coldshare_firmware.types import Hal, Map

LAYOUT = 2
# Before there were generations and an audit ring. Read, and replaced by the first change.
_LAYOUT_1 = 1
# Fields of the record; `protocol.cddl` describes it too (key-record).
F_LAYOUT = 0
F_SERIAL = 1
F_STATIC = 2
F_NAMES_KEY = 3
F_TAG_KEY = 4
F_STATE = 5
F_LABEL = 6
F_PIN = 7  # [salt, HMAC(salt, pin)]
F_FAILS = 8
F_PAIRINGS = 9  # [[psk id, psk, host name], ...]
F_SLOTS = 10  # [[backup id, factor, state, vault tag, party tag, generation tag], ...]
F_AUDIT = 11  # [how many entries there have been, the hash of the last one]
F_RETIRED = 12  # see policy.Retired

# A slot, by position
S_ID = 0
S_FACTOR = 1
S_STATE = 2
S_VAULT = 3
S_PARTY = 4
S_GENERATION = 5

# Slot states beyond those on the wire
RESERVED = 0
_TAG = 16


class Keys:
    """The token's secrets and counters, as they are on flash."""

    def __init__(self, hal: "Hal") -> None:
        self._hal = hal
        self._area = KeyArea(hal.keys)
        record = _current(self._area.load())
        self.fresh = record is None
        self.lost = False  # the key area is unreadable: what is here is in memory only
        self._stale = False  # a write has failed, and which record the flash holds could not be read either
        self.record: Map = record if record is not None else {}

    def _blank(self, state: int, serial: bytes, fails: int) -> "Map":
        """A record with new keys and nothing else in it."""
        random = self._hal.random
        return {
            F_LAYOUT: LAYOUT,
            F_SERIAL: serial,
            F_STATIC: random(wire.KEY_SIZE),
            F_NAMES_KEY: random(wire.KEY_SIZE),
            F_TAG_KEY: random(wire.KEY_SIZE),
            F_STATE: state,
            F_LABEL: "",
            F_PIN: [],
            F_FAILS: fails,
            F_PAIRINGS: [],
            F_SLOTS: [],
            F_AUDIT: [0, bytes(wire.DIGEST_SIZE)],
            F_RETIRED: [],
        }

    def found(self) -> None:
        """A new identity: for a token that has none yet, or in place of everything that an old one knew."""
        self.lost = False
        self._write(self._blank(wire.TOKEN_NEW, self._hal.random(wire.SERIAL_SIZE), 0))

    def lose(self) -> None:
        """There are sealed shares and no readable keys: offer nothing, and write nothing over what is there."""
        self.record = self._blank(wire.TOKEN_BURNT, bytes(wire.SERIAL_SIZE), wire.PIN_ATTEMPTS)
        self.lost = True

    def _write(self, record: "Map") -> None:
        try:
            if not self.lost:
                self._stale = True
                self._area.store(record)
            self.record = record
            self._stale = False
            self.fresh = False
        except Exception:  # a full heap comes at any line too
            self.reload(False)  # the old record or the new one: never act on what the flash does not hold
            raise

    def change(self, updates: "Map") -> None:
        """Replace the given fields, on flash first. Raises StorageError or OSError; `record` is what flash holds."""
        record = dict(self.record)
        record.update(updates)
        self._write(record)

    def reload(self, repair: bool = True) -> None:
        """Read the record back from flash, for counters that must be there before anything depends on them."""
        record = _current(self._area.load(repair))
        if record is None:
            raise StorageError("the key area is unreadable")
        self.record = record
        self._stale = False

    def settle(self) -> None:
        """Know what the flash holds before anything is decided. Raises OpError (STORAGE) when that cannot be."""
        if self._stale:
            try:
                self.reload(False)
            except (StorageError, OSError, MemoryError):
                raise OpError(wire.STATUS_STORAGE)

    def burn(self, audit: "list[int | bytes]") -> None:
        """After the last wrong PIN: every secret goes. The serial stays, sealed blobs stay under opaque ids, and the
        head of the audit ring goes on: `audit` is what it is then."""
        record = self._blank(wire.TOKEN_BURNT, self.record[F_SERIAL], wire.PIN_ATTEMPTS)
        record[F_AUDIT] = audit
        self._write(record)

    # --- reading
    @property
    def state(self) -> int:
        return int(self.record[F_STATE])

    @property
    def retired(self) -> "list[list[bytes]]":
        retired: list[list[bytes]] = self.record[F_RETIRED]
        return retired

    @property
    def slots(self) -> "list[list[bytes | int]]":
        slots: list[list[bytes | int]] = self.record[F_SLOTS]
        return slots

    def slot(self, backup_id: bytes) -> "list[bytes | int]":
        """The slot of that backup or reservation. Raises OpError (NOT_FOUND)."""
        for slot in self.slots:
            if slot[S_ID] == backup_id:
                return slot
        raise OpError(wire.STATUS_NOT_FOUND)

    def psk(self, psk_id: bytes) -> "bytes | None":
        """The pairing key of that id."""
        for entry in self.record[F_PAIRINGS]:
            if entry[0] == psk_id:
                key: bytes = entry[1]
                return key
        return None

    def host(self, psk_id: bytes) -> "str | None":
        """The name of the host that holds that pairing key."""
        for entry in self.record[F_PAIRINGS]:
            if entry[0] == psk_id:
                name: str = entry[2]
                return name
        return None

    def tag(self, kind: bytes, *parts: bytes) -> bytes:
        """A keyed name for a vault, party or generation: says "the same" and nothing else. Never leaves the token."""
        data = [len(part).to_bytes(2, "big") + part for part in parts]
        return hmac_sha256(self.record[F_TAG_KEY], kind, b"\x00", *data)[:_TAG]

    def tags(self, declared: "Declaration") -> "tuple[bytes, bytes, bytes]":
        """The tags of a declared share: vault, party, generation."""
        vault = declared.vault
        party = self.tag(b"party", vault, declared.party.encode())
        return self.tag(b"vault", vault), party, self.generation_tag(vault, declared.generation)

    def generation_tag(self, vault: bytes, generation: bytes) -> bytes:
        return self.tag(b"generation", vault, generation)

    def names_key(self, backup_id: bytes) -> bytes:
        """The key under which the record of one backup is encrypted on littlefs, used for one text only."""
        return hkdf(b"", self.record[F_NAMES_KEY], b"coldshare/1 record" + backup_id, wire.KEY_SIZE)


def _current(record: "Map | None") -> "Map | None":
    """A record as this firmware has it. Raises StorageError for a layout that it does not know."""
    if record is None or record.get(F_LAYOUT) == LAYOUT:
        return record
    if record.get(F_LAYOUT) != _LAYOUT_1:
        raise StorageError("the key area has a layout this firmware does not know")
    record[F_LAYOUT] = LAYOUT
    record[F_AUDIT] = [0, bytes(wire.DIGEST_SIZE)]
    record[F_RETIRED] = []
    return record
