"""Making a store's file, and looking at one before it is trusted."""

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files.store import schema
from napari_sepl.files.store._sqlite import (
    UNREADABLE,
    connect,
    corrupt,
    error_code,
    reading,
    saving,
    unsaved,
)
from napari_sepl.files.store.errors import StoreNewerError

CHECKED_AT_ONCE = 64 * 2**20
"""Bytes up to which a store is read whole when it is opened; a second at 64 MB a second."""

_CLOSED_FOLDER = (
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
)  # fmt: skip
_MOST_VERSIONS = 10_000  # more than there will be: a number beyond it is damage


def now() -> str:
    """Return the time in UTC as the store writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_file(path: Path, who: str) -> None:
    """Make a new store under a name of its own and then give it this one.

    So a file of that name is a whole store, and an empty one is damage. Only the holder of the
    lock may call it.

    Raises
    ------
    SaveError
        If it cannot be made.
    """
    part = path.with_name(f".sepl-{secrets.token_hex(8)}.part")
    with saving(path):
        try:
            with closing(connect(part, mode="rwc")) as connection:
                schema.fill_new(connection, now(), who)
            _keep_leftovers(path)
            part.replace(path)
        except OSError as error:
            raise unsaved(path, error.strerror or str(error)) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def companions(path: Path) -> list[Path]:
    """Return the files that SQLite keeps beside a database."""
    return [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal")]


def _keep_leftovers(path: Path) -> None:
    """Set aside what a store that is gone left behind: SQLite would take it for the new one's."""
    for companion in companions(path):
        if companion.exists():
            companion.rename(free_name(companion, "leftover"))


def free_name(path: Path, why: str) -> Path:
    """Return a name beside `path` that no file has, with the time and the reason in it."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        suffix = f"-{number}" * (number > 1)
        free = path.with_name(f"{path.name}.{why}-{stamp}{suffix}")
        if not any(os.path.lexists(name) for name in (free, *companions(free))):
            return free
        number += 1


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a store for reading, also where its folder cannot be written to.

    SQLite needs to write beside a store even to read it, unless it is told that the file does
    not change; which is true only where nothing is left to be merged into it. Of an empty file it
    would delete what is left to be merged, so such a one is not shown to it.
    """
    if not path.stat().st_size:
        raise corrupt(path, "its file is empty")
    connection = connect(path, mode="ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except UNREADABLE as error:
        connection.close()
        if error_code(error) not in _CLOSED_FOLDER or _is_unmerged(path):
            raise
        connection = connect(path, mode="ro&immutable=1")
    return connection


def check(path: Path, connection: sqlite3.Connection, *, may_migrate: bool) -> None:
    """Look whether a file is a store that can be used; of a large one not at every page.

    Raises
    ------
    StoreNewerError
        If a later version made it.
    StoreCorruptError
        If it is damaged.
    InputError
        If it is another program's, or of an older version and may not be changed.
    """
    with reading(path):
        tables = schema.read_tables(connection)
        _check_mark(path, connection, tables)
        version = schema.read_version(connection)
        check_version(path, version, may_migrate=may_migrate)
        if not schema.expected_tables(version) <= tables:
            raise corrupt(path, "its tables are not a store's")
        if path.stat().st_size % schema.PAGE_SIZE and not _is_unmerged(path):
            raise corrupt(path, "its file was cut off")  # SQLite takes what is missing for zeros
        if path.stat().st_size <= CHECKED_AT_ONCE:
            check_pages(path, connection)


def check_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Read all of a store and raise StoreCorruptError if any page of it is damaged."""
    with reading(path):
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise corrupt(path, verdict)


def _check_mark(
    path: Path, connection: sqlite3.Connection, tables: frozenset[tuple[str, ...]]
) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID:
        return
    if tables and not any(name == "edit_log" for _kind, name, _sql in tables):
        raise InputError(
            path, found="a database of another program", expected="a store, or no file"
        )
    raise corrupt(path, "its first bytes are not a store's")


def check_version(path: Path, version: int, *, may_migrate: bool) -> None:
    """Raise InputError if a store of this version of the tables cannot be used, or be made so."""
    newest = len(schema.MIGRATIONS)
    if not 0 < version <= _MOST_VERSIONS:
        raise corrupt(path, f"its schema version is {version}")
    if version > newest:
        raise StoreNewerError(
            path,
            found=f"a store of schema version {version}, made by a later napari-sepl",
            expected=f"version {newest} or older; update napari-sepl",
        )
    if version < newest and not may_migrate:
        raise InputError(
            path,
            found=f"a store of schema version {version}, which may not be changed here",
            expected=f"version {newest}; open it once in a folder that can be written to",
        )


def _is_unmerged(path: Path) -> bool:
    """Tell whether the last changes are beside the file still, which may be half-merged then."""
    wal = companions(path)[0]
    return wal.exists() and wal.stat().st_size > 0


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open a checked store for writing and bring it to the newest version.

    Each transaction is forced to the disk before it counts as done (synchronous = FULL), so it
    outlives a killed process and a pulled plug. Where the disk allows no WAL, as some network
    disks, SQLite stays with its rollback journal, which keeps the same promise and is slower.
    """
    connection = connect(path, mode="rw")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        _try_to_write(connection)
        schema.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _try_to_write(connection: sqlite3.Connection) -> None:
    """Raise SQLite's error where nothing can be written; BEGIN alone does not find out."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = schema.read_version(connection)
        connection.execute(f"PRAGMA user_version = {version}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
