"""The tables of a store, and how older ones become them.

A change of the tables is a new function at the end of `MIGRATIONS`; those before it never change,
for stores that they made are out there.
"""

import secrets
import sqlite3
from collections.abc import Callable
from functools import cache

APPLICATION_ID = 0x5345504C
"""Marks the file as ours, for programs that look: "SEPL"."""

PAGE_SIZE = 4096
"""Bytes of a page, SQLite's own default; recovery counts on it."""

_VERSION_1 = (
    "CREATE TABLE store (id TEXT NOT NULL, made_at TEXT NOT NULL, who TEXT NOT NULL)",
    # What the queue shows comes first and what is long last, in a table of its own: SQLite reads
    # a row from its beginning, and rows of a few hundred bytes are what makes the queue fast.
    """
    CREATE TABLE sample (
        id TEXT PRIMARY KEY NOT NULL,
        status TEXT NOT NULL DEFAULT 'pending'
            CHECK (status IN ('pending', 'accepted', 'skipped', 'flagged')),
        edits INTEGER NOT NULL DEFAULT 0,
        changed REAL,
        note TEXT NOT NULL DEFAULT '',
        seconds REAL NOT NULL DEFAULT 0,
        who TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        params TEXT,
        digests TEXT NOT NULL DEFAULT '{}',
        labels TEXT NOT NULL DEFAULT ''
    )
    """,
    """
    CREATE TABLE overlay (
        sample_id TEXT PRIMARY KEY NOT NULL REFERENCES sample (id),
        runs BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE mask_override (
        sample_id TEXT NOT NULL REFERENCES sample (id),
        masks_digest TEXT NOT NULL,
        mask_index INTEGER NOT NULL CHECK (mask_index >= 0),
        class_id INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 254),
        PRIMARY KEY (sample_id, masks_digest, mask_index)
    )
    """,
    """
    CREATE TABLE edit_log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        sample_id TEXT NOT NULL,
        at TEXT NOT NULL,
        who TEXT NOT NULL,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        blob BLOB
    )
    """,
    "CREATE INDEX edit_log_of_sample ON edit_log (sample_id, seq)",
    """
    CREATE TRIGGER edit_log_keeps BEFORE DELETE ON edit_log
    BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END
    """,
    """
    CREATE TRIGGER edit_log_stays BEFORE UPDATE ON edit_log
    BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END
    """,
    "CREATE TABLE session (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
)


_VERSION_2 = (
    "CREATE TABLE sample_facts "
    "(sample_id TEXT PRIMARY KEY NOT NULL, stamp TEXT NOT NULL, facts TEXT NOT NULL)"
)


# Decisions on pseudo-labels are kept beside those on masks, under their class's number below 0.
# Masks made by prompts are COCO RLE; unlike overrides they outlive the masks they were made beside.
_VERSION_3 = (
    """
    CREATE TABLE mask_override_3 (
        sample_id TEXT NOT NULL REFERENCES sample (id),
        masks_digest TEXT NOT NULL,
        mask_index INTEGER NOT NULL CHECK (mask_index >= -254),
        class_id INTEGER NOT NULL CHECK (class_id BETWEEN -1 AND 254),
        PRIMARY KEY (sample_id, masks_digest, mask_index)
    )
    """,
    """
    INSERT INTO mask_override_3
    SELECT sample_id, masks_digest, mask_index, iif(class_id = 0, -1, class_id) FROM mask_override
    """,
    "DROP TABLE mask_override",
    "ALTER TABLE mask_override_3 RENAME TO mask_override",
    """
    CREATE TABLE protection (
        sample_id TEXT PRIMARY KEY NOT NULL REFERENCES sample (id),
        class_ids TEXT NOT NULL,
        runs BLOB
    )
    """,
    """
    CREATE TABLE prompted_mask (
        sample_id TEXT NOT NULL REFERENCES sample (id),
        mask_index INTEGER NOT NULL CHECK (mask_index >= 0),
        rle TEXT NOT NULL,
        predicted_iou REAL,
        PRIMARY KEY (sample_id, mask_index)
    )
    """,
)


def _make_version_1(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_1:
        connection.execute(statement)


def _make_version_2(connection: sqlite3.Connection) -> None:
    connection.execute(_VERSION_2)


def _make_version_3(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_3:
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _make_version_1,
    _make_version_2,
    _make_version_3,
)
"""Position n takes a store from version n to n + 1."""


def read_version(connection: sqlite3.Connection) -> int:
    """Return the version of a store's tables; 0 has none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a store to the newest version, each step in a transaction of its own."""
    for version in range(read_version(connection), len(MIGRATIONS)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[version](connection)
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def fill_new(connection: sqlite3.Connection, at: str, who: str) -> None:
    """Make a new store in an empty database."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrate(connection)
    connection.execute("INSERT INTO store VALUES (?, ?, ?)", (secrets.token_hex(16), at, who))


@cache
def _expected(migrations: tuple[object, ...], version: int) -> frozenset[tuple[str, ...]]:  # noqa: ARG001
    with sqlite3.connect(":memory:") as connection:
        for migration in MIGRATIONS[:version]:
            migration(connection)
        made = read_tables(connection)
    connection.close()
    return made


def expected_tables(version: int) -> frozenset[tuple[str, ...]]:
    """Return what `read_tables` gives of an undamaged store of a version."""
    return _expected(MIGRATIONS, version)


def read_tables(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    """Return kind, name and definition, but for spaces, of each table, index and trigger."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return frozenset((kind, name, "".join(sql.split())) for kind, name, sql in rows.fetchall())
