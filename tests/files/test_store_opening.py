"""Opening what is there: stores of other versions, other programs' files, nothing at all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.store import (
    Store,
    StoreCorruptError,
    StoreNewerError,
    schema,
    store_file,
)
from tests.files.hostile import LOOP
from tests.files.test_store import EVERYTHING
from tests.messages import raises_input_error

ROOT = Path(__file__).parents[2]

VERSION_1 = """
CREATE TABLE store (id TEXT NOT NULL, made_at TEXT NOT NULL, who TEXT NOT NULL);
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
);
CREATE TABLE overlay (
    sample_id TEXT PRIMARY KEY NOT NULL REFERENCES sample (id),
    runs BLOB NOT NULL
);
CREATE TABLE mask_override (
    sample_id TEXT NOT NULL REFERENCES sample (id),
    masks_digest TEXT NOT NULL,
    mask_index INTEGER NOT NULL CHECK (mask_index >= 0),
    class_id INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 254),
    PRIMARY KEY (sample_id, masks_digest, mask_index)
);
CREATE TABLE edit_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    sample_id TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    blob BLOB
);
CREATE INDEX edit_log_of_sample ON edit_log (sample_id, seq);
CREATE TRIGGER edit_log_keeps BEFORE DELETE ON edit_log
BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END;
CREATE TRIGGER edit_log_stays BEFORE UPDATE ON edit_log
BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END;
CREATE TABLE session (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
PRAGMA application_id = 0x5345504C;
PRAGMA user_version = 1;
INSERT INTO store VALUES ('5e', '2025-01-01T00:00:00.000Z', 'bo');
INSERT INTO sample (id, status, note, who, updated_at, params)
VALUES ('a', 'accepted', 'old', 'bo', '2025-01-01T00:00:00.000Z',
        '{"t1":0.25,"t2":0.85,"strategy":"paper","conflict":"ascending"}');
INSERT INTO edit_log (sample_id, at, who, kind, payload)
VALUES ('a', '2025-01-01T00:00:00.000Z', 'bo', 'status', '{}');
"""
"""A store as version 1 of the tables made it; never to be changed."""


def make_old(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)


@pytest.mark.parametrize("write", [True, False])
def test_a_store_of_an_earlier_version_is_left_alone(path: Path, write: bool) -> None:
    make_old(path)
    before = path.read_bytes()
    for _ in range(2):  # the lock is free again after the first refusal
        with pytest.raises(InputError) as caught:
            Store.open(path, who="ana", write=write)
        assert not isinstance(caught.value, StoreCorruptError)
        assert str(caught.value) == (
            f"found a store of schema version 1, made by an earlier napari-sepl: {path}; "
            f"expected version {schema.VERSION}; move it away to begin a new one."
        )
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_a_store_of_any_earlier_version_is_left_alone_whatever_it_holds(
    path: Path, version: int
) -> None:
    make_old(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute(f"CREATE TRIGGER t AFTER UPDATE ON sample BEGIN {LOOP}; END")
    before = path.read_bytes()
    with raises_input_error(path, found=f"a store of schema version {version}, made by an earlier"):
        Store.open(path, who="ana")
    assert path.read_bytes() == before
    assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}-lock"}


def test_a_store_of_a_newer_version_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "VERSION", schema.VERSION + 1)
        with Store.open(path, who="ana") as store:
            store.put_review(EVERYTHING)
    before = path.read_bytes()
    for _ in range(2):  # the lock is free again after the first refusal
        with pytest.raises(StoreNewerError) as caught:
            Store.open(path, who="ana")
        assert str(caught.value) == (
            f"found a store of schema version {schema.VERSION + 1}, made by a later "
            f"napari-sepl: {path}; expected version {schema.VERSION}; update napari-sepl."
        )
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE places (id, url)")
    before = path.read_bytes()
    with pytest.raises(InputError, match="a database of another program") as caught:
        Store.open(path, who="ana")
    assert not isinstance(caught.value, StoreCorruptError)
    assert path.read_bytes() == before


def test_a_folder_in_the_stores_place_is_reported(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError) as caught:
        Store.open(path, who="ana")
    assert str(path) in str(caught.value)


def test_a_store_that_is_to_be_read_must_be_there(path: Path) -> None:
    with raises_input_error(found="no such file", expected="the store of a review"):
        Store.open(path, who="ana", write=False)
    assert not list(path.parent.iterdir())


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SaveError, match=r"^a file has that name: "):
        Store.open(store_file(tmp_path / "out"), who="ana")


def test_what_a_lost_store_left_behind_is_kept_out_of_the_new_one(path: Path) -> None:
    store = Store.open(path, who="ana")
    store.put_review(EVERYTHING)
    wal = path.with_name(f"{path.name}-wal")
    left = wal.read_bytes()
    store.close()
    path.unlink()
    wal.write_bytes(left)
    with Store.open(path, who="ana") as new:
        assert new.statuses() == {}
        kept = [file for file in path.parent.iterdir() if ".leftover-" in file.name]
        assert [file.read_bytes() for file in kept] == [left]
