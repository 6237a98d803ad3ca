"""The rows of the projection in memory. A household's whole ledger is a few thousand of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from coldshare.ledger.tables import PROJECTED

__all__ = ["Row", "RowError", "Rows"]

#: Values by column. Which type each has is the table's to say; `Rows` has checked it.
Row: TypeAlias = dict[str, Any]
_Key: TypeAlias = tuple[Any, ...]

_KEYS: Final = {name: tuple(column.name for column in table.primary_key) for name, table in PROJECTED.items()}
_DEFAULTS: Final[dict[str, Row]] = {
    name: {
        column.name: None if column.nullable else False if isinstance(column.type, Boolean) else None
        for column in table.columns
    }
    for name, table in PROJECTED.items()
}
_TYPES: Final = ((Boolean, bool), (BigInteger, int), (Integer, int), (LargeBinary, bytes), (Text, str))


class RowError(ValueError):
    """A row that no event can have made. It quotes nothing."""


class Rows:
    """Rows by table and primary key. `changes` counts what `put` has changed."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[_Key, Row]] = {name: {} for name in PROJECTED}
        self._stored: set[tuple[str, _Key]] = set()
        self._dirty: dict[tuple[str, _Key], None] = {}
        self.changes = 0

    def load(self, name: str, row: Mapping[Any, Any]) -> None:
        """A row as it is in the database. Raises RowError."""
        checked = {column.name: _checked(column, row[column.name]) for column in PROJECTED[name].columns}
        key = tuple(checked[column] for column in _KEYS[name])
        self._tables[name][key] = checked
        self._stored.add((name, key))

    def get(self, name: str, *key: Any) -> Row | None:
        return self._tables[name].get(key)

    def all(self, name: str, /, **wanted: Any) -> list[Row]:
        """Those whose columns have these values, in the order of their keys."""
        table = self._tables[name]
        found = (table[key] for key in sorted(table))
        return [row for row in found if all(row[column] == value for column, value in wanted.items())]

    def put(self, name: str, /, *key: Any, **values: Any) -> Row:
        """Make the row of that key, or change these columns of it."""
        before = self._tables[name].get(key)
        columns = _KEYS[name]
        row = (
            {**_DEFAULTS[name], **dict(zip(columns, key, strict=True)), **values}
            if before is None
            else {**before, **values}
        )
        if row != before:
            self._tables[name][key] = row
            self._dirty[name, key] = None
            self.changes += 1
        return row

    def dirty(self) -> Iterator[tuple[Table, Row, bool]]:
        """What has changed since it was loaded; True for a row that is new."""
        for name, key in self._dirty:
            yield PROJECTED[name], self._tables[name][key], (name, key) not in self._stored

    def same(self, other: Rows) -> list[str]:
        """The names of the tables in which the two differ."""
        return [name for name in PROJECTED if self._tables[name] != other._tables[name]]

    def key_of(self, table: Table, row: Row) -> Row:
        return {column: row[column] for column in _KEYS[table.name]}


def _checked(column: Column[Any], value: Any) -> Any:
    if value is None and column.nullable:
        return None
    wanted = next(python for kind, python in _TYPES if isinstance(column.type, kind))
    if type(value) is not wanted:
        raise RowError(column.name)
    return value
