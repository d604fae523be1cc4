"""Stores that another person made to do harm are refused in one sentence, in little memory."""

import json
import os
import sqlite3
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.core.labels.pixels import PixelRuns
from napari_sepl.document.edits import StrokeEdit
from napari_sepl.files.store import (
    ImageNow,
    LogEntry,
    Store,
    StoreCorruptError,
    connections,
    entry_of,
    recover,
    steps_of,
    store_file,
)
from napari_sepl.files.store.encoding import encode_overlay
from napari_sepl.files.store.place import companions, lock_file
from napari_sepl.files.store.schema import PAGE_SIZE
from tests.files.test_store import DIGESTS, EVERYTHING, same
from tests.messages import raises_input_error

NOW = ImageNow((2, 3), DIGESTS["image"])
MOST = 40 * 2**20
"""Bytes of memory that a refusal may take at its peak; each bomb would take 256 MB or more."""

LOOP = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
STROKE = StrokeEdit(PixelRuns(np.int32([0]), np.int32([2]), np.int16([-1]), np.int16([3])), "brush")


@pytest.fixture
def made(path: Path) -> Path:
    """A store with one whole review and its log, which was closed."""
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING, [entry_of(STROKE)])
        store.put_session({"sample": "a"})
    return path


def change(path: Path, script: str, *values: object) -> None:
    """Change a store as its maker could, past all rules."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        for trigger in ("keeps", "stays"):
            connection.execute(f"DROP TRIGGER edit_log_{trigger}")
        if values:
            connection.execute(script, values)
        else:
            connection.executescript(script)
        for trigger, event in (("keeps", "DELETE"), ("stays", "UPDATE")):
            connection.execute(
                f"CREATE TRIGGER edit_log_{trigger} BEFORE {event} ON edit_log "
                "BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END"
            )


@contextmanager
def refused(*parts: str) -> Iterator[None]:
    """Expect an InputError of one line, in little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            yield
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 700
    for part in parts:
        assert part in text
    text.encode()


def use(path: Path) -> None:
    """Open a store and read all of it, as the window does."""
    with Store.open(path, who="ana") as store:
        store.statuses()
        store.session()
        store.review("a", NOW)
        steps_of(store.log("a"), NOW.shape)


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
        ("ALTER TABLE sample ADD COLUMN x AS (randomblob(100000000))", "its table sample "),
        (
            "DROP TABLE session; CREATE TABLE session (key TEXT PRIMARY KEY NOT NULL, "
            "value TEXT NOT NULL) WITHOUT ROWID",
            "session",
        ),
        ("DROP TABLE session", "its tables are not a store's"),
        ("DROP INDEX edit_log_of_sample", "its tables are not a store's"),
        ("ANALYZE", "its table sqlite_stat1 "),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = (SELECT rootpage "
            "FROM sqlite_master WHERE name = 'sample') WHERE name = 'session'",
            "two of its tables are in one place",
        ),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET tbl_name = 'sample' "
            "WHERE name = 'edit_log_of_sample'",
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
        with pytest.raises(SaveError, match="recovery") as caught:
            pytest.fail(f"{store.put_many_statuses}") if False else store.check()
    assert caught


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


# --- values


DEEP = "[" * 100_000 + "]" * 100_000
NESTED = "[" * 50 + "]" * 50
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", b"a"),
        ("status", "done"),
        ("status", 1),
        ("status", b"accepted"),
        ("edits", "x"),
        ("edits", -1),
        ("edits", 2**62),
        ("edits", 0.5),
        ("changed", float("inf")),
        ("changed", 1.5),
        ("changed", -0.1),
        ("changed", "x"),
        ("note", b"\0"),
    ],
)
def test_what_no_queue_shows_is_refused_at_opening(made: Path, column: str, value: object) -> None:
    change(made, f"UPDATE sample SET {column} = ?", value)
    with refused("found a damaged store"):
        use(made)


def test_text_that_is_no_text_is_refused(made: Path) -> None:
    change(made, "UPDATE sample SET note = CAST(x'ff' AS TEXT)")
    with refused("found a damaged store"):
        use(made)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("seconds", -1),
        ("seconds", float("inf")),
        ("seconds", "x"),
        ("seconds", 1e300),
        ("params", DEEP),
        ("params", NESTED),
        ("params", '{"t1": NaN}'),
        ("params", '{"t1": 1e999}'),
        ("params", f'{{"t1": {DIGITS}}}'),
        ("params", '{"t1": -1}'),
        ("params", '{"strategy": "magic"}'),
        ("params", b"{}"),
        ("digests", DEEP),
        ("digests", NESTED),
        ("digests", "[]"),
        ("digests", '{"masks": 1}'),
        ("digests", '{"masks": "\\ud800"}'),
        ("digests", f"[{DIGITS}]"),
        ("stamps", '{"image": ["x"]}'),
        ("stamps", "x"),
        ("labels", b"x"),
        ("locked", "[300]"),
        ("locked", "[-1]"),
        ("locked", "[true]"),
        ("locked", "[1.0]"),
        ("locked", "3"),
        ("locked", DEEP),
    ],
)
def test_what_no_review_says_is_refused_naming_the_sample(
    made: Path, column: str, value: object
) -> None:
    change(made, f"UPDATE sample SET {column} = ?", value)
    with Store.open(made, who="ana") as store:
        with refused(f"{made}, sample a: found a damaged record"):
            store.review("a", NOW)
        with refused(f"{made}, sample a: found a damaged record"):
            store.short_review("a")
        assert f"{made}, sample a: found a damaged record" in store.summaries()["a"].problem


def packed(height: int, width: int, runs: int, content: bytes, form: int = 1) -> bytes:
    return zlib.compress(struct.pack("<BIII", form, height, width, runs) + content)


ZEROS = bytes(2**28)
OVERLAYS: dict[str, Any] = {
    "a bomb": packed(2, 3, 1, ZEROS),
    "a bomb with many runs": packed(2, 3, 2**28 // 10, ZEROS),
    "another size": encode_overlay(np.full((3, 2), 7, np.int16)),
    "an enormous size": encode_overlay(np.full((1, 1), 7, np.int16)),
    "a size without end": packed(2**32 - 1, 2**32 - 1, 1, bytes(10)),
    "no size": packed(0, 3, 0, b""),
    "another format": packed(2, 3, 0, b"", form=2),
    "runs cut off": packed(2, 3, 2, struct.pack("<iih", 0, 1, 3)),
    "a negative gap": packed(2, 3, 1, struct.pack("<iih", -1, 1, 3)),
    "a negative length": packed(2, 3, 1, struct.pack("<iih", 0, -1, 3)),
    "no length": packed(2, 3, 1, struct.pack("<iih", 0, 0, 3)),
    "beyond the image": packed(2, 3, 1, struct.pack("<iih", 0, 7, 3)),
    "more runs than pixels": packed(2, 3, 7, bytes(70)),
    "lengths beyond 32 bits": packed(
        2, 3, 2, struct.pack("<iiiihh", 0, 2**31 - 1, 2**31 - 1, 2**31 - 1, 3, 3)
    ),
    "a label that there is not": packed(2, 3, 1, struct.pack("<iih", 0, 1, 256)),
    "a label below none": packed(2, 3, 1, struct.pack("<iih", 0, 1, -2)),
    "bytes after the end": packed(2, 3, 1, struct.pack("<iih", 0, 1, 3)) + b"more",
    "no zlib": b"x" * 50,
    "nothing": b"",
    "a text": "x" * 50,
    "a number": 5,
}


@pytest.mark.parametrize("table", ["overlay", "locked_pixels"])
@pytest.mark.parametrize("what", OVERLAYS)
def test_a_map_that_is_not_the_images_is_refused(made: Path, table: str, what: str) -> None:
    change(made, f"UPDATE {table} SET value = ?", OVERLAYS[what])
    with Store.open(made, who="ana") as store:
        with refused(f"{made}, sample a: found a damaged record"):
            store.review("a", NOW)
        short = store.short_review("a")
        assert short is not None
        assert short.status is EVERYTHING.status
    recovery = recover(made, who="ana")
    assert recovery.samples == 1


def test_maps_of_another_image_are_left_out_where_the_image_changed(made: Path) -> None:
    with Store.open(made, who="ana") as store:
        with refused("overlay: 2 × 3 pixels where the image has 5 × 5"):
            store.review("a", ImageNow((5, 5)))
        other = store.review("a", ImageNow((5, 5), "another digest"))
        assert other is not None
        assert (other.overlay, other.locked_pixels, other.prompted) == (None, None, {})
        assert other.decisions == EVERYTHING.decisions
        assert same(store.review("a", ImageNow((2, 3), "another digest")), EVERYTHING)


def mask(
    size: object = (2, 3), counts: object = (1, 5), rating: object = 0.5, index: Any = 9
) -> str:
    return json.dumps([[index, json.dumps({"size": size, "counts": counts}), rating]])


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("prompted", mask(size=(3, 2))),
        ("prompted", mask(size=(32768, 32768), counts=[2**30])),
        ("prompted", mask(size=(2**40, 2**40), counts=[])),
        ("prompted", mask(size=(-2, -3))),
        ("prompted", mask(size="23")),
        ("prompted", mask(counts=[-1, 7])),
        ("prompted", mask(counts=[6, 2**63])),
        ("prompted", mask(counts="\u00ff")),
        ("prompted", mask(counts=[[1], [5]])),
        ("prompted", mask(rating=float("nan"))),
        ("prompted", mask(rating="good")),
        ("prompted", mask(index=-1)),
        ("prompted", mask(index=2**40)),
        ("prompted", mask(index=True)),
        ("prompted", "[[9, null, 0.5]]"),
        ("prompted", json.dumps([[9, DEEP, 0.5]])),
        ("prompted", json.dumps([[9, "x", 0.5]] * 70_000)),
        ("prompted", DEEP),
        ("prompted", b"[]"),
        ("decisions", "[[0, 300]]"),
        ("decisions", "[[0, -2]]"),
        ("decisions", "[[-255, 1]]"),
        ("decisions", "[[1.5, 1]]"),
        ("decisions", "[[0, true]]"),
        ("decisions", f"[[{DIGITS}, 1]]"),
        ("decisions", f"[[{2**70}, 1]]"),
        ("decisions", "[[0, NaN]]"),
        ("decisions", "[[0]]"),
        ("decisions", "{}"),
        ("decisions", DEEP),
    ],
)
def test_masks_and_decisions_that_cannot_be_are_refused(
    made: Path, table: str, value: object
) -> None:
    change(made, f"UPDATE {table} SET value = ?", value)
    with Store.open(made, who="ana") as store, refused("sample a: found a damaged record"):
        store.review("a", NOW)


@pytest.mark.parametrize("value", [DEEP, NESTED, '{"a": NaN}', "1e999", DIGITS, b"1", "{", "'1'"])
def test_a_session_that_no_window_notes_is_refused(made: Path, value: object) -> None:
    change(made, "UPDATE session SET value = ?", value)
    with refused("found a damaged store (the session: "):
        use(made)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", DEEP), ("payload", NESTED), ("payload", "[]"), ("payload", '{"told": NaN}'),
        ("payload", b"{}"), ("payload", "x"), ("kind", b"stroke"), ("at", b"x"), ("who", b"x"),
        ("blob", "text"), ("blob", 5),
    ],
)  # fmt: skip
def test_entries_that_no_log_has_are_refused(made: Path, column: str, value: object) -> None:
    change(made, f"UPDATE edit_log SET {column} = ? WHERE kind = 'stroke'", value)
    with Store.open(made, who="ana") as store, refused("sample a: found a damaged record"):
        store.log("a")


@pytest.mark.parametrize(
    "blob",
    [
        None,
        packed(0, 0, 1, ZEROS),
        packed(0, 0, 2**28 // 12, ZEROS),
        packed(0, 0, 1, struct.pack("<iihh", 0, 7, -1, 3)),
        packed(0, 0, 1, struct.pack("<iihh", -1, 1, -1, 3)),
        packed(0, 0, 1, struct.pack("<iihh", 0, 1, -1, 300)),
        packed(0, 0, 1, struct.pack("<iihh", 0, 1, -1, 3))[:-3],
    ],
)
def test_a_stroke_beyond_the_image_is_a_gap_in_the_history(made: Path, blob: bytes | None) -> None:
    with Store.open(made, who="ana") as store:
        assert [edit for _kind, edit in steps_of(store.log("a"), NOW.shape)][0].text == "brush"
    change(made, "UPDATE edit_log SET blob = ? WHERE kind = 'stroke'", blob)
    tracemalloc.start()
    with Store.open(made, who="ana") as store:
        kinds = [type(edit) for _kind, edit in steps_of(store.log("a"), NOW.shape)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert StrokeEdit not in kinds
    assert peak < MOST


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("decision", {"regions": [[2**70, None, 1]]}),
        ("decision", {"regions": [[0, None, 300]]}),
        ("decision", {"regions": [[True, None, 1]]}),
        ("lock", {"class_id": 300, "lock": True}),
        ("lock", {"class_id": True, "lock": True}),
        ("prompt", {"index": -1, "class_id": 1, "added": True, "rle": "{}"}),
        ("prompt", {"index": 9, "class_id": 300, "added": True, "rle": "{}"}),
        (
            "prompt",
            {"index": 9, "class_id": 1, "added": True, "predicted_iou": 0.5,
             "rle": '{"size": [32768, 32768], "counts": [1073741824]}'},
        ),
        ("params", {"before": {"t1": -1}, "after": {}}),
        ("params", {"before": {}, "after": {}, "gesture": 5}),
        ("status", {"before": "pending", "after": "done"}),
    ],
)  # fmt: skip
def test_a_step_that_nobody_takes_is_a_gap_in_the_history(
    made: Path, kind: str, payload: dict[str, Any]
) -> None:
    with Store.open(made, who="ana") as store:
        store.log_edit("a", LogEntry(kind, payload))
        assert steps_of(store.log("a"), NOW.shape) == []


@pytest.mark.parametrize("size", [pytest.param(2**30 - 100, marks=pytest.mark.long), 2**27 + 1])
def test_an_enormous_text_is_refused(made: Path, size: int) -> None:
    if size > 2**28:
        pytest.importorskip("resource")
    change(made, f"UPDATE sample SET note = CAST(zeroblob({size}) AS TEXT)")
    with refused("a value is too large"):
        use(made)


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
