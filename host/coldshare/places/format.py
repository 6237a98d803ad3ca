"""What coldshare writes into a folder besides sealed shares. `folder.cddl` beside this module says the same in CDDL.

========================  ==========================================================================================
name                      what
========================  ==========================================================================================
``readme.txt``            for whoever finds it
``index.a``, ``index.b``  what counts: the backups, their states, the retired generations; twice
``1a2b3c4d.a``, ``.b``    one sealed share, twice: the COSE message itself, as docs/recover.py opens it
``1a2b3c4d.tag``          the record of that share, so that the index can be written anew from the files
========================  ==========================================================================================

Names have eight and three characters in lower case, so that no file system shortens, folds or collides them.

Nothing here names a vault or a party. They stand as tags, HMAC-SHA256 under the folder's salt, which lies beside them:
whoever knows the public key of a vault can see whether its share is here, and whoever does not learns nothing.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from coldshare.places.errors import FolderNewerError
from coldshare_iface import codec, wire
from coldshare_iface.codec import CodecError, Value

__all__ = [
    "BACKUPS_MAX",
    "BACKUP_ID_LEN",
    "INDEX_MAX",
    "INDEX_NAMES",
    "LOOSE_MAX",
    "README_NAME",
    "RETIRED_MAX",
    "SALT_LEN",
    "SEALED_MAX",
    "TAG_MAX",
    "Index",
    "Listed",
    "Record",
    "Retired",
    "State",
    "backup_names",
    "stem_of",
]

_FORMAT: Final = 1
SALT_LEN: Final = 16
BACKUP_ID_LEN: Final = wire.BACKUP_ID_SIZE
TAG_LEN: Final = 32
_DIGEST_LEN: Final = 32

#: Bytes.
SEALED_MAX: Final = wire.BLOB_MAX
TAG_MAX: Final = 512
INDEX_MAX: Final = 48 << 10
#: Of backups, of retired generations, and of ids whose files are on their way; each is a list in the index.
BACKUPS_MAX: Final = 64
RETIRED_MAX: Final = 64
LOOSE_MAX: Final = 64
#: The index takes whole blocks, so that a change of it seldom needs room: on a full disk, too, a backup can be removed.
_BLOCK: Final = 4096
_SEQUENCE_MAX: Final = (1 << 63) - 1

INDEX_NAMES: Final = ("index.a", "index.b")
README_NAME: Final = "readme.txt"
_OURS: Final = re.compile(r"([0-9a-f]{8})\.(a|b|tag)", re.ASCII)


class State(enum.IntEnum):
    """What a backup is. UNLISTED is one whose files are whole and that the index does not know; it is never written."""

    UNLISTED = 0
    ACTIVE = 1
    NEXT = 2
    RETIRED = 3


def backup_names(backup_id: bytes) -> tuple[str, str, str]:
    """The names of the two copies and of the record."""
    stem = backup_id.hex()[:8]
    return f"{stem}.a", f"{stem}.b", f"{stem}.tag"


def stem_of(name: str) -> str | None:
    """The beginning of the id that a file of ours is named by, None for any other name. `name` in lower case."""
    found = _OURS.fullmatch(name)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Record:
    """What a folder knows of a sealed share without opening it. `size` and `digest` (SHA-256) are those of its file;
    the tags are keyed by `salt`."""

    backup_id: bytes
    salt: bytes = field(repr=False)
    vault: bytes = field(repr=False)
    party: bytes = field(repr=False)
    generation: bytes = field(repr=False)
    size: int
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, backup_id: bytes, salt: bytes, vault: bytes, party: str, generation: bytes, sealed: bytes) -> Record:
        """For a share of `party` of the vault with that public key, of that generation (32 bytes)."""
        return cls(
            backup_id=backup_id,
            salt=salt,
            vault=_tag(salt, b"vault", vault),
            party=_tag(salt, b"party", vault + b"\0" + party.encode()),
            generation=_tag(salt, b"generation", generation),
            size=len(sealed),
            digest=hashlib.sha256(sealed).digest(),
        )

    def is_vault(self, vault: bytes) -> bool:
        return hmac.compare_digest(self.vault, _tag(self.salt, b"vault", vault))

    def is_party(self, vault: bytes, party: str) -> bool:
        return hmac.compare_digest(self.party, _tag(self.salt, b"party", vault + b"\0" + party.encode()))

    def is_generation(self, generation: bytes) -> bool:
        return hmac.compare_digest(self.generation, _tag(self.salt, b"generation", generation))

    def same_share(self, other: Record) -> bool:
        """Of the same party of the same vault, as far as the tags can tell: those of two folders never do."""
        return (self.salt, self.vault, self.party) == (other.salt, other.vault, other.party)

    def fits(self, sealed: bytes) -> bool:
        return len(sealed) == self.size and hmac.compare_digest(hashlib.sha256(sealed).digest(), self.digest)

    def encode(self) -> bytes:
        return _with_digest(self._fields())

    def _fields(self) -> dict[int, codec.Encodable]:
        return {
            0: _FORMAT,
            1: self.backup_id,
            2: self.salt,
            3: self.vault,
            4: self.party,
            5: self.generation,
            6: self.size,
            7: self.digest,
        }

    @classmethod
    def decode(cls, data: bytes) -> Record:
        """Raises ValueError for anything that `encode` did not write, FolderNewerError for a later version."""
        fields = _checked(data, TAG_MAX)
        match fields:
            case {
                1: bytes(backup_id),
                2: bytes(salt),
                3: bytes(vault),
                4: bytes(party),
                5: bytes(generation),
                6: int(size),
                7: bytes(digest),
            }:
                record = cls(backup_id, salt, vault, party, generation, size, digest)
            case _:
                raise ValueError("fields")
        lengths = (len(backup_id), len(salt), *map(len, (vault, party, generation, digest)))
        if lengths != (BACKUP_ID_LEN, SALT_LEN, TAG_LEN, TAG_LEN, TAG_LEN, _DIGEST_LEN):
            raise ValueError("lengths")
        if not 1 <= size <= SEALED_MAX or record.encode() != data:
            raise ValueError("bounds")
        return record


@dataclass(frozen=True, slots=True)
class Listed:
    """A backup in the index."""

    record: Record
    state: State


@dataclass(frozen=True, slots=True)
class Retired:
    """A generation of a vault that a newer one has replaced, as tags under `salt`. It outlives its backups."""

    salt: bytes = field(repr=False)
    vault: bytes = field(repr=False)
    generation: bytes = field(repr=False)

    @classmethod
    def of(cls, like: Record, generation: bytes) -> Retired:
        """The generation with that id (32 bytes), of the vault of `like`."""
        return cls(like.salt, like.vault, _tag(like.salt, b"generation", generation))

    def holds(self, vault: bytes, generation: bytes) -> bool:
        return hmac.compare_digest(self.vault, _tag(self.salt, b"vault", vault)) and hmac.compare_digest(
            self.generation, _tag(self.salt, b"generation", generation)
        )

    def of_record(self, record: Record) -> bool:
        return (self.salt, self.vault, self.generation) == (record.salt, record.vault, record.generation)


@dataclass(frozen=True, slots=True)
class Index:
    """What counts in a folder. `sequence` grows by one with every change; of two good copies the higher one counts.

    `loose` are ids of backups whose files are not all written yet, or not all removed: whoever comes next removes them.
    """

    sequence: int
    salt: bytes = field(repr=False)
    backups: tuple[Listed, ...] = ()
    retired: tuple[Retired, ...] = ()
    loose: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """CBOR, 0x80, and zeros up to whole blocks."""
        body = _with_digest(
            {
                0: _FORMAT,
                1: self.sequence,
                2: self.salt,
                3: [[listed.record.encode(), int(listed.state)] for listed in self.backups],
                4: [[one.salt, one.vault, one.generation] for one in self.retired],
                5: list(self.loose),
            }
        )
        return body + b"\x80" + bytes(-(len(body) + 1) % _BLOCK)

    @classmethod
    def decode(cls, data: bytes) -> Index:
        """Raises ValueError for anything that `encode` did not write, FolderNewerError for a later version."""
        body = data.rstrip(b"\0")
        if not body.endswith(b"\x80"):
            raise ValueError("padding")
        match _checked(body[:-1], INDEX_MAX):
            case {1: int(sequence), 2: bytes(salt), 3: list(backups), 4: list(retired), 5: list(loose)}:
                pass
            case _:
                raise ValueError("fields")
        if len(salt) != SALT_LEN or not 1 <= sequence <= _SEQUENCE_MAX:
            raise ValueError("bounds")
        index = cls(
            sequence,
            salt,
            tuple(map(_listed, backups)),
            tuple(map(_retired, retired)),
            tuple(one for one in loose if isinstance(one, bytes) and len(one) == BACKUP_ID_LEN),
        )
        stems = [listed.record.backup_id[:4] for listed in index.backups]
        # Two names for one file, or one that is to be removed and to be kept: no program of ours writes that.
        if len({*stems, *(one[:4] for one in index.loose)}) != len(stems) + len(index.loose):
            raise ValueError("twice")
        if index.encode() != data:
            raise ValueError("encoding")
        return index


def _listed(entry: Value) -> Listed:
    match entry:
        case [bytes(record), int(state)] if state in (State.ACTIVE, State.NEXT, State.RETIRED):
            return Listed(Record.decode(record), State(state))
    raise ValueError("backup")


def _retired(entry: Value) -> Retired:
    match entry:
        case [bytes(salt), bytes(vault), bytes(generation)]:
            if (len(salt), len(vault), len(generation)) == (SALT_LEN, TAG_LEN, TAG_LEN):
                return Retired(salt, vault, generation)
    raise ValueError("generation")


def _tag(salt: bytes, what: bytes, value: bytes) -> bytes:
    return hmac.digest(salt, b"coldshare/folder/1 " + what + b"\0" + value, "sha256")


def _with_digest(fields: dict[int, codec.Encodable]) -> bytes:
    """Deterministic CBOR, with the SHA-256 of all the rest at its end."""
    digest = hashlib.sha256(codec.encode(fields, limit=INDEX_MAX)).digest()
    return codec.encode({**fields, max(fields) + 1: digest}, limit=INDEX_MAX)


def _checked(data: bytes, limit: int) -> dict[int, Value]:
    """The fields. Who decodes them compares with the encoding, and that holds the digest, too."""
    try:
        fields = codec.decode(data, limit=limit)
    except CodecError as error:
        raise ValueError(error.reason) from error
    if not isinstance(fields, dict) or not isinstance(fields.get(0), int) or isinstance(fields.get(0), bool):
        raise ValueError("no map")
    version = fields[0]
    if isinstance(version, int) and version > _FORMAT:
        # Only what is whole can be of a newer version; anything else is damage.
        last = max(fields)
        digest = fields.pop(last)
        if isinstance(digest, bytes) and hashlib.sha256(codec.encode(fields, limit=limit)).digest() == digest:
            raise FolderNewerError
        raise ValueError("version")
    return fields
