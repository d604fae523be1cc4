"""The tables of a store, and the check of their rows. There is one version of them.

The facts of a sample come from the fields of `Review`.
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from napari_sepl.files._opening import brief
from napari_sepl.files.store.review import FACTS, Review
from napari_sepl.files.store.values import (
    parse_count,
    parse_json,
    parse_object,
    parse_sample_id,
    parse_text,
)

APPLICATION_ID = 0x5345504C
"""Marks the file as ours, for programs that look: "SEPL"."""

PAGE_SIZE = 4096
"""Bytes of a page, SQLite's own default; recovery relies on it, and on the first page describing
all tables."""

VERSION = 5
"""Increased with each change of the tables: a store of another version is refused."""


class Column(NamedTuple):
    """A column: its name, its type and constraints, and a function that raises for bad values."""

    name: str
    sql: str
    check: Callable[[Any], object]


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    name : str
        Its name.
    columns : tuple of Column
        Its columns.
    of_samples : bool
        Whether its first column is the id of a row of the samples' table.
    recovered : bool
        Whether recovery saves its rows; False if they can be computed again.
    """

    name: str
    columns: tuple[Column, ...]
    of_samples: bool = False
    recovered: bool = True

    @property
    def sql(self) -> str:
        """The statement that creates it."""
        columns = ", ".join(f"{column.name} {column.sql}" for column in self.columns)
        return f"CREATE TABLE {self.name} ({columns})"

    def check(self, row: tuple[Any, ...]) -> None:
        """Raise ValueError or TypeError for a row with a bad value."""
        for column, value in zip(self.columns, row, strict=True):
            column.check(value)


def _text(name: str, sql: str = "TEXT NOT NULL") -> Column:
    return Column(name, sql, parse_text)


def _anything(value: object) -> None:
    """Raise nothing."""


def _maybe_bytes(value: object) -> None:
    if not isinstance(value, bytes | None):
        raise TypeError(f"{brief(value)} in the place of bytes")


def _default_of(name: str) -> str:
    """Return the SQL of a fact's value in a new review."""
    value = FACTS[name].write(getattr(Review(""), name))
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else repr(value)


_ID, _OF_SAMPLE = "TEXT PRIMARY KEY NOT NULL", "TEXT PRIMARY KEY NOT NULL REFERENCES sample (id)"

TABLES = (
    Table("store", (_text("id"), _text("made_at"), _text("who"))),
    Table(
        "sample",
        (
            Column("id", _ID, parse_sample_id),
            Column("edits", "INTEGER NOT NULL DEFAULT 0", parse_count),
            *(
                Column(name, f"{fact.sql} DEFAULT {_default_of(name)}", fact.read)
                for name, fact in FACTS.items()
                if not fact.long
            ),
            _text("who"),
            _text("updated_at"),
        ),
    ),
    *(
        Table(
            name,
            (
                _text("sample_id", _OF_SAMPLE),
                Column("value", fact.sql, fact.check or fact.read),
            ),
            of_samples=True,
        )
        for name, fact in FACTS.items()
        if fact.long
    ),
    Table(
        "edit_log",
        (
            Column("seq", "INTEGER PRIMARY KEY AUTOINCREMENT", _anything),
            _text("sample_id"),
            _text("at"),
            _text("who"),
            _text("kind"),
            Column("payload", "TEXT NOT NULL", parse_object),
            Column("blob", "BLOB", _maybe_bytes),
        ),
    ),
    Table("session", (_text("key", _ID), Column("value", "TEXT NOT NULL", parse_json))),
    Table(
        "sample_facts",
        (_text("sample_id", _ID), _text("stamp"), Column("facts", "TEXT NOT NULL", parse_object)),
        recovered=False,
    ),
)

_RULES = (
    "CREATE INDEX edit_log_of_sample ON edit_log (sample_id, seq)",
    *(
        f"CREATE TRIGGER edit_log_{name} BEFORE {change} ON edit_log "
        "BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END"
        for name, change in (("keeps", "DELETE"), ("stays", "UPDATE"))
    ),
)


def read_version(connection: sqlite3.Connection) -> int:
    """Return the version of a store's tables; 0 has none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in (*(table.sql for table in TABLES), *_RULES):
        connection.execute(statement)


def fill_new(connection: sqlite3.Connection, at: str, who: str) -> None:
    """Make a new store in an empty database."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("BEGIN IMMEDIATE")
    _make_tables(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("INSERT INTO store VALUES (?, ?, ?)", (secrets.token_hex(16), at, who))
    connection.execute("COMMIT")


@cache
def expected_tables() -> frozenset[tuple[str, ...]]:
    """Return `read_tables` of an undamaged store."""
    with sqlite3.connect(":memory:") as connection:
        _make_tables(connection)
        made = read_tables(connection)
    connection.close()
    return made


def read_tables(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    """Return kind, name, table and definition of each table, index, view and trigger.

    Raises
    ------
    sqlite3.DatabaseError
        If two tables or indexes are in one place.
    """
    rows = connection.execute("SELECT type, name, tbl_name, sql, rootpage FROM sqlite_master")
    tables, places = [], []
    for *table, place in rows.fetchall():
        tables.append(tuple(map(str, table)))
        if place:
            places.append(place)
    if len(set(places)) < len(places):
        raise sqlite3.DatabaseError("two of its tables are in one place")
    return frozenset(tables)
