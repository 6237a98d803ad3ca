"""The tables of a ledger: the events, and what they come to.

Everything but `ledger` and `event` is a projection: it can be thrown away and made again from the events.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text

__all__ = ["EVENT", "LEDGER", "METADATA", "PROJECTED", "PROJECTION", "SCHEMA"]

#: The version of the two tables that are kept. A newer one is refused, an older one is migrated.
SCHEMA: Final = 1
#: The version of the projection, to be raised with every change of its tables, of `projection.py`, or of the kinds.
PROJECTION: Final = 9

METADATA: Final = MetaData()

LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    Column("schema", Integer, nullable=False),
    Column("projection", Integer, nullable=False),
    Column("host", LargeBinary(16), nullable=False),
)

EVENT: Final = Table(
    "event",
    METADATA,
    Column("uuid", LargeBinary(16), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # SHA-256 of data
)
Index("event_order", EVENT.c.position, EVENT.c.uuid)


def _key(name: str, kind: type[LargeBinary] | type[Integer] | type[BigInteger] | type[Text]) -> Column[object]:
    return Column(name, kind(), primary_key=True, autoincrement=False)


def _bytes(name: str, *, nullable: bool = True) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def _text(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _number(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _flag(name: str, *, nullable: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=nullable)


def _told() -> tuple[Column[Any], ...]:
    """Which of the things that `order` names, who has recorded it, and where it stands there."""
    return (
        _key("what", Integer),
        _key("host", LargeBinary),
        _number("position", nullable=False),
        _number("time", nullable=False),
    )


#: By name; times are microseconds since 1970.
PROJECTED: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        Table("host", METADATA, _key("host", LargeBinary), _text("name", nullable=False)),
        Table(
            "vault",
            METADATA,
            _key("vault", LargeBinary),
            _text("name", nullable=False),
            _number("library", nullable=False),
            _bytes("public_key_eddsa"),
            _bytes("chain_code_digest"),
        ),
        Table(
            "generation",
            METADATA,
            _key("vault", LargeBinary),
            _key("generation", LargeBinary),
            _number("threshold", nullable=False),
            _number("parties", nullable=False),
            _flag("reshared", nullable=True),
            _flag("disputed"),
        ),
        Table("newer", METADATA, *(_key(name, LargeBinary) for name in ("vault", "newer", "older"))),
        Table(
            "retirement",
            METADATA,
            _key("vault", LargeBinary),
            _key("generation", LargeBinary),
            _key("place_kind", Integer),  # 0 for everywhere
            _key("place_ident", LargeBinary),
            _flag("retired"),
        ),
        Table(
            "member",
            METADATA,
            _key("vault", LargeBinary),
            _key("generation", LargeBinary),
            _key("party", Text),
            _number("number"),
            _bytes("point_ecdsa"),
            _bytes("public_share_ecdsa"),
            _bytes("point_eddsa"),
            _bytes("public_share_eddsa"),
        ),
        Table("party", METADATA, _key("vault", LargeBinary), _key("party", Text)),
        # What `order` keeps: the last word of each computer, and where it stands.
        Table(
            "heard",
            METADATA,
            *(_key(name, LargeBinary) for name in ("host", "other")),
            _key("position", BigInteger),
            _number("upto", nullable=False),
        ),
        Table(
            "sight",
            METADATA,
            *(_key(name, LargeBinary) for name in ("vault", "generation")),
            _key("party", Text),  # empty for the generation as such
            _key("host", LargeBinary),
            _number("position", nullable=False),  # the first one
        ),
        Table(
            "device_told",
            METADATA,
            _key("vault", LargeBinary),
            _key("party", Text),
            *_told(),
            _text("device"),
            _bytes("generation"),
        ),
        Table("place_told", METADATA, _key("kind", Integer), _key("ident", LargeBinary), *_told()),
        Table(
            "backup_told",
            METADATA,
            _key("place_kind", Integer),
            _key("place_ident", LargeBinary),
            _key("backup_id", LargeBinary),
            *_told(),
            _text("code", nullable=False),
        ),
        Table(
            "place",
            METADATA,
            _key("kind", Integer),
            _key("ident", LargeBinary),
            _text("label", nullable=False),
            *(_text(name) for name in ("called", "location", "custodian", "account", "note")),
            _number("lost"),
            _number("wiped"),
        ),
        Table(
            "reach",
            METADATA,
            _key("place_kind", Integer),
            _key("place_ident", LargeBinary),
            _key("host", LargeBinary),
            _flag("reaches"),
            _flag("built_in"),
        ),
        Table(
            "sealed",
            METADATA,
            _key("backup_id", LargeBinary),
            _bytes("vault"),
            _text("party"),
            _bytes("generation"),
            _flag("recovery", nullable=True),
            _flag("disputed"),
        ),
        Table(
            "backup",
            METADATA,
            _key("place_kind", Integer),
            _key("place_ident", LargeBinary),
            _key("backup_id", LargeBinary),
            _number("size", nullable=False),
            _number("state", nullable=False),
            *(_number(name) for name in ("stored", "read_back", "opened", "restored", "drilled")),
            _number("gone"),
            _number("gone_at"),
        ),
        Table(
            "handled",
            METADATA,
            _key("host", LargeBinary),
            _key("vault", LargeBinary),
            _key("party", Text),
            _key("generation", LargeBinary),
            _key("why", Integer),
        ),
        Table("accepted", METADATA, *(_key(name, LargeBinary) for name in ("host", "vault", "generation"))),
        Table(
            "extra",
            METADATA,
            _key("vault", LargeBinary),
            _key("generation", LargeBinary),
            _key("kind", Integer),  # 1 a key, 2 a chain
            _key("name", Text),
        ),
        Table(
            "identity",
            METADATA,
            _key("host", LargeBinary),
            _key("public_key", LargeBinary),
            _key("by", LargeBinary),  # the computer where it was compared
            _text("name", nullable=False),
        ),
        Table("taken_back", METADATA, _key("public_key", LargeBinary), _number("time", nullable=False)),
        Table(
            "reshare",
            METADATA,
            _key("plan", LargeBinary),
            _bytes("vault", nullable=False),
            _bytes("older", nullable=False),
            _number("threshold", nullable=False),
            _number("parties", nullable=False),
            _bytes("host", nullable=False),
            _number("started", nullable=False),
            _number("finished"),
            _number("aborted"),
            _bytes("generation"),
        ),
        Table(
            "reshare_party",
            METADATA,
            _key("plan", LargeBinary),
            _key("party", Text),
            _number("number", nullable=False),
            _flag("joining"),
        ),
        Table(
            "reshare_report",
            METADATA,
            _key("plan", LargeBinary),
            _key("party", Text),
            _key("digest", LargeBinary),  # SHA-256 of report
            _key("by", LargeBinary),  # the computer that took it in
            _bytes("report", nullable=False),
            _number("time", nullable=False),
        ),
        Table(
            "drill",
            METADATA,
            _key("place_kind", Integer),
            _key("place_ident", LargeBinary),
            _key("backup_id", LargeBinary),
            _bytes("vault", nullable=False),
            _text("party", nullable=False),
            _bytes("generation", nullable=False),
            _number("time", nullable=False),
            _bytes("host", nullable=False),
            _flag("good"),
            _bytes("public_share_ecdsa"),
            _bytes("public_share_eddsa"),
            _bytes("digest", nullable=False),
        ),
    )
}
