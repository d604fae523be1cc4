"""Stores whose tables, pages or place mean harm are refused in one sentence, in little memory."""

import os
import sqlite3
import struct
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.files.store import (
    Store,
    StoreCorruptError,
    connections,
    recover,
    store_file,
)
from napari_sepl.files.store.place import companions, lock_file
from napari_sepl.files.store.schema import PAGE_SIZE
from tests.files.hostile import LOOP, NOW, change, refused, use
from tests.files.test_store import EVERYTHING, same
from tests.messages import raises_input_error

# --- tables


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (f"CREATE TRIGGER t AFTER UPDATE ON sample BEGIN {LOOP}; END", "its trigger t "),
        ("CREATE TRIGGER t AFTER INSERT ON edit_log BEGIN DELETE FROM sample; END", "trigger t "),
        (f"CREATE VIEW v AS {LOOP}", "its view v "),
        (
            f"DROP TABLE session; CREATE VIEW session (key, value) AS SELECT ({LOOP}), '1'",
            "session",
        ),
        ("CREATE TABLE more (x)", "its table more "),
        ("CREATE INDEX i ON sample (note)", "its index i "),
        ("CREATE INDEX i ON sample (length(note))", "its index i "),
        ("CREATE INDEX i ON sample (note) WHERE note > ''", "its index i "),
        ("CREATE VIRTUAL TABLE f USING fts5 (x)", "its table f"),
        ("DROP TABLE session; CREATE VIRTUAL TABLE session USING fts5 (key, value)", "session"),
        ("DROP TABLE session; CREATE TABLE session (key, value AS (key))", "its table session "),
        ("ALTER TABLE sample ADD COLUMN x AS (note || note)", "its table sample "),
        (
            """DROP TABLE session; CREATE TABLE session
            (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID""",
            "session",
        ),
        ("DROP TABLE session", "its tables are not a store's"),
        ("DROP INDEX edit_log_of_sample", "its tables are not a store's"),
        ("ANALYZE", "its table sqlite_stat1 "),
        (
            """PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage =
            (SELECT rootpage FROM sqlite_master WHERE name = 'sample') WHERE name = 'session'""",
            "two of its tables are in one place",
        ),
        (
            """PRAGMA writable_schema = ON; UPDATE sqlite_master SET tbl_name = 'sample'
            WHERE name = 'edit_log_of_sample'""",
            "found a damaged store",
        ),
    ],
)
def test_tables_that_are_not_a_stores_are_refused(made: Path, script: str, told: str) -> None:
    change(made, script)
    before = made.read_bytes()
    for write in (True, False):
        with refused(told), Store.open(made, who="ana", write=write):
            pass
    assert made.read_bytes() == before
    kept = recover(made, who="ana").kept
    assert kept.read_bytes() == before
    with Store.open(made, who="ana") as store:
        assert same(store.review("a", NOW), EVERYTHING)
        store.put_review(replace(EVERYTHING, note="written"))


def test_a_missing_rule_of_the_log_is_refused(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("DROP TRIGGER edit_log_stays")
    with refused("its tables are not a store's"):
        use(made)


@pytest.mark.long
def test_endless_tables_are_refused_in_little_time(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.executemany(
            "INSERT INTO sqlite_master VALUES ('view', ?, ?, 0, ?)",
            ((f"v{n}", f"v{n}", f"CREATE VIEW v{n} AS SELECT 1") for n in range(300_000)),
        )
    with pytest.raises(StoreCorruptError, match="more rows than its size allows"):
        use(made)


# --- pages


def interior(child: int) -> bytes:
    """Return an inner page of a table that names one other page as often as it can."""
    count = (PAGE_SIZE - 12) // 7
    cells = struct.pack(">IB", child, 1) * count
    start = PAGE_SIZE - len(cells)
    pointers = struct.pack(f">{count}H", *range(start, PAGE_SIZE, 5))
    head = struct.pack(">BHHHBI", 5, 0, count, start, 0, child)
    return (head + pointers).ljust(start, b"\0") + cells


def multiply(path: Path, levels: int) -> None:
    """Make each row of the samples' table appear 584 ** levels times."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'sample'"
        page = connection.execute(query).fetchone()[0]
    content = bytearray(path.read_bytes())
    for _ in range(levels):
        content += interior(page)
        page = len(content) // PAGE_SIZE
    struct.pack_into(">I", content, 28, page)
    content[92:96] = content[24:28]
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'sample'", (page,))


@pytest.mark.parametrize("levels", [1, 5])
def test_pages_that_are_named_often_are_found_at_opening(made: Path, levels: int) -> None:
    multiply(made, levels)
    with refused("found a damaged store"):
        use(made)


def test_endless_rows_of_a_large_store_end_its_reading(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    multiply(made, 5)
    monkeypatch.setattr(connections, "CHECKED_AT_ONCE", 0)
    with Store.open(made, who="ana") as store:
        for read in (store.statuses, store.summaries):
            with refused("more text than its size allows"):
                read()
        with pytest.raises(StoreCorruptError, match="out of order"):
            store.check()


def test_endless_rows_without_text_end_too(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    multiply(made, 5)
    monkeypatch.setattr(connections, "CHECKED_AT_ONCE", 0)
    with (
        Store.open(made, who="ana") as store,
        refused("more rows than its size allows"),
        store._read() as connection,
    ):
        connection.execute("SELECT count(note) FROM sample WHERE note = 'x'").fetchone()


def test_recovery_of_endless_rows_ends(made: Path) -> None:
    multiply(made, 5)
    recovery = recover(made, who="ana")
    assert recovery.samples == 1
    use(made)


@pytest.mark.parametrize("place", [28, 24, 16, 18, 19, 20, 21, 32, 36, 44, 52, 56, 92])
@pytest.mark.parametrize("value", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4)])
def test_numbers_in_the_head_of_the_file_are_refused_or_harmless(
    made: Path, place: int, value: bytes
) -> None:
    content = bytearray(made.read_bytes())
    content[place : place + 4] = value
    if place == 28:  # as if SQLite had counted
        content[92:96] = content[24:28]
    made.write_bytes(content)
    try:
        use(made)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  either is right
    else:
        assert (place, value) != (28, b"\x7f\xff\xff\xff")


# --- what lies in the place of the store, and beside it


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


def beside(path: Path) -> list[Path]:
    return [path, *companions(path), lock_file(path)]


@posix_only
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder", "lost link"])
def test_what_is_no_file_is_refused(made: Path, tmp_path: Path, number: int, kind: str) -> None:
    victim = tmp_path / "image.png"
    victim.write_bytes(b"an input")
    place = beside(made)[number]
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        targets = {"link": victim, "device": Path("/dev/zero"), "lost link": tmp_path / "no"}
        place.symlink_to(targets[kind])
    found = {"pipe": "a named pipe", "folder": "a folder"}.get(kind, "a link")
    for write in (True, False):
        with raises_input_error(place, found=found):
            Store.open(made, who="ana", write=write)
    with raises_input_error(place, found=found):
        recover(made, who="ana")
    assert victim.read_bytes() == b"an input"
    assert sorted(tmp_path.iterdir()) == [victim, made.parent]


@posix_only
@pytest.mark.parametrize("number", range(1, 5))
def test_a_second_name_of_an_input_is_refused(made: Path, tmp_path: Path, number: int) -> None:
    victim = tmp_path / "image.png"
    victim.write_bytes(b"an input")
    place = beside(made)[number]
    place.unlink(missing_ok=True)
    place.hardlink_to(victim)
    with raises_input_error(place, found="a file that has a second name"):
        Store.open(made, who="ana")
    assert victim.read_bytes() == b"an input"


@posix_only
def test_a_store_and_its_lock_may_have_second_names_in_a_backup(made: Path, tmp_path: Path) -> None:
    for number, file in enumerate((made, lock_file(made))):
        (tmp_path / f"backup{number}").hardlink_to(file)
    use(made)


def test_a_journal_that_names_another_file_removes_nothing(made: Path, tmp_path: Path) -> None:
    victim = tmp_path / "image.png"
    victim.write_bytes(b"an input")
    name = str(victim).encode()
    magic = bytes.fromhex("d9d505f920a163d7")
    head = magic + struct.pack(">IIIII", 0, 1, made.stat().st_size // PAGE_SIZE, 512, PAGE_SIZE)
    ending = struct.pack(">I", PAGE_SIZE) + name + struct.pack(">II", len(name), sum(name)) + magic
    journal = companions(made)[-1]
    journal.write_bytes(head.ljust(512, b"\0") + ending)
    for write in (True, False):
        with raises_input_error(journal, found="a journal that names another file"):
            Store.open(made, who="ana", write=write)
    assert victim.read_bytes() == b"an input"


@pytest.mark.parametrize("ending", ["-wal", "-journal", "-shm"])
def test_rubbish_beside_a_store_changes_nothing(made: Path, ending: str) -> None:
    made.with_name(made.name + ending).write_bytes(b"rubbish" * 1000)
    try:
        use(made)
    except SeplError as error:
        assert "\n" not in str(error)  # noqa: PT017  either is right
        for file in companions(made):
            file.unlink(missing_ok=True)
    with Store.open(made, who="ana") as store:
        assert same(store.review("a", NOW), EVERYTHING)


def test_the_waiting_changes_of_another_store_are_checked_like_its_file(
    made: Path, tmp_path: Path
) -> None:
    other = store_file(tmp_path / "other")
    with Store.open(other, who="eve") as store:
        store.put_review(EVERYTHING)
    change(other, f"CREATE VIEW v AS {LOOP}")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE more (x)")
        made.with_name(f"{made.name}-wal").write_bytes(companions(other)[0].read_bytes())
    with refused("is not a store's"):
        use(made)


@pytest.mark.parametrize("text", [b"\xff{", b"[" * 4000, b'{"who": 1}', b"x" * 10_000, b""])
def test_a_lock_file_of_another_person_hides_only_the_name(made: Path, text: bytes) -> None:
    with Store.open(made, who="ana"):
        lock_file(made).write_bytes(text)
        with Store.open(made, who="bo") as second:
            assert second.reason == "it is open in another window (of an unknown user)"
