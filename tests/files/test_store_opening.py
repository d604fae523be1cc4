"""Who may open a store: other versions, other programs, other windows, closed folders."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.store import (
    Status,
    Store,
    StoreCorruptError,
    StoreNewerError,
    StoreReadOnlyError,
    StoreWriter,
    recover,
    schema,
    store_file,
)
from napari_sepl.files.store.lock import StoreLock, lock_file, read_holder
from tests.files.test_store import EVERYTHING, same

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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return store_file(tmp_path / "out")


def make_old(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)


def test_a_store_of_version_1_is_read_by_this_one(path: Path) -> None:
    make_old(path)
    with Store.open(path, who="ana") as store:
        review = store.review("a")
        assert review is not None
        assert review.status is Status.ACCEPTED
        assert review.params is not None
        assert (review.params.t1, review.note) == (0.25, "old")
        store.put_review(EVERYTHING)
        assert same(store.review("a"), EVERYTHING)
        assert [e.who for e in store.log("a")] == ["bo", "ana"]


def test_the_first_migration_still_makes_version_1(tmp_path: Path) -> None:
    make_old(tmp_path / "old")
    with (
        closing(sqlite3.connect(tmp_path / "old")) as old,
        closing(sqlite3.connect(":memory:")) as new,
    ):
        schema.MIGRATIONS[0](new)
        assert schema.read_tables(old) == schema.read_tables(new)


def add_column(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE sample ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")


def fail_halfway(connection: sqlite3.Connection) -> None:
    add_column(connection)
    raise sqlite3.OperationalError("no such thing")


def test_an_older_store_becomes_a_newer_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_column))
    with pytest.raises(InputError, match="version 1, which may not be changed here"):
        Store.open(path, who="ana", write=False)
    with Store.open(path, who="ana") as store:
        assert same(store.review("a"), EVERYTHING)
        store.put_status("b", Status.SKIPPED)
    with closing(sqlite3.connect(path)) as connection:
        assert schema.read_version(connection) == 2
        assert connection.execute("SELECT colour FROM sample").fetchall() == [("red",), ("red",)]
    with Store.open(path, who="ana", write=False) as store:
        assert same(store.review("a"), EVERYTHING)


def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, fail_halfway))
        with pytest.raises(sqlite3.OperationalError, match="no such thing"):
            Store.open(path, who="ana")
    with Store.open(path, who="ana") as store:
        assert not store.read_only
        assert same(store.review("a"), EVERYTHING)


def test_a_store_of_a_newer_version_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_column))
        with Store.open(path, who="ana") as store:
            store.put_review(EVERYTHING)
    before = path.read_bytes()
    for _ in range(2):  # the lock is free again after the first refusal
        with pytest.raises(StoreNewerError) as caught:
            Store.open(path, who="ana")
        assert str(caught.value) == (
            f"{path}: found a store of schema version 2, made by a later napari-sepl; "
            "expected version 1 or older; update napari-sepl."
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


def test_a_folder_in_the_stores_place_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError) as caught:
        Store.open(path, who="ana")
    assert str(path) in str(caught.value)


def test_a_store_that_is_to_be_read_must_be_there(path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected the store of a review"):
        Store.open(path, who="ana", write=False)
    assert not list(path.parent.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SaveError, match=r"the folder could not be made \(File exists\)"):
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


# --- two windows


def test_a_second_window_reads_and_is_told_who_writes(path: Path) -> None:
    with Store.open(path, who="ana") as first, Store.open(path, who="bo") as second:
        assert second.read_only
        assert second.holder is not None
        assert (second.holder.who, second.holder.process) == ("ana", os.getpid())
        assert second.reason == f"it is open in another window ({second.holder})"
        assert f"ana on {second.holder.host}, process {os.getpid()}, since 20" in second.reason
        first.put_review(EVERYTHING)
        assert same(second.review("a"), EVERYTHING)  # as soon as it is written
        for write in (
            lambda: second.put_status("a", Status.SKIPPED),
            lambda: second.put_session({"current": "a"}),
            lambda: StoreWriter(second, print),
        ):
            with pytest.raises(StoreReadOnlyError, match="read-only: it is open in another window"):
                write()
        second.close()
        first.put_status("a", Status.ACCEPTED)
    with Store.open(path, who="bo") as third:
        assert not third.read_only


def test_reading_on_purpose_takes_nothing_from_the_window(path: Path) -> None:
    with Store.open(path, who="ana") as window, Store.open(path, who="", write=False) as other:
        assert other.read_only
        assert other.reason == "it was opened to be read"
        assert other.holder is None
        window.put_review(EVERYTHING)
        assert same(other.review("a"), EVERYTHING)


OPEN = """
import os, sys
from napari_sepl.files.store import Store
from pathlib import Path
store = Store.open(Path(sys.argv[1]), who="other")
print("read-only" if store.read_only else "writes", flush=True)
sys.stdin.readline()
"""


def other_process(path: Path, code: str = OPEN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_process_reads_until_the_first_is_gone_however_it_went(path: Path) -> None:
    with other_process(path) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "writes\n"
        with Store.open(path, who="ana") as store:
            assert store.read_only
            assert store.holder is not None
            assert (store.holder.who, store.holder.process) == ("other", first.pid)
        first.kill()
        first.wait()
        with Store.open(path, who="ana") as store:
            assert not store.read_only
            with other_process(path) as second:
                assert second.communicate("\n")[0] == "read-only\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_keep_the_lock_of_a_dead_parent(path: Path) -> None:
    code = OPEN.replace("print(", "os.fork() and print(")
    with other_process(path, code) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "writes\n"
        with Store.open(path, who="ana") as store:
            assert store.read_only
        first.kill()
        os.waitpid(first.pid, 0)
        with Store.open(path, who="ana") as store:  # the child waits for its stdin still
            assert not store.read_only


def test_a_damaged_lock_file_hides_only_the_name(path: Path) -> None:
    with Store.open(path, who="ana"):
        lock_file(path).write_bytes(b"\xff{")
        assert read_holder(path) is None
        with Store.open(path, who="bo") as second:
            assert second.reason == "it is open in another window (of an unknown user)"


def test_recovery_waits_for_the_window_that_has_the_store(path: Path) -> None:
    with Store.open(path, who="ana"), pytest.raises(SaveError, match="open in another window"):
        recover(path, who="bo")
    assert len(list(path.parent.iterdir())) == 2


# --- folders that are closed to writing

READ_CLOSED = """
import os, sys
from pathlib import Path
from napari_sepl.core.errors import SeplError
from napari_sepl.files.store import Status, Store, StoreReadOnlyError
path = Path(sys.argv[1])
os.chmod(path.parent, 0o555)
os.chmod(path, 0o444) if path.exists() else None
if os.getuid() == 0:
    os.setuid(65534)
try:
    store = Store.open(path, who="other")
    print(store.read_only, sorted(store.statuses()), store.reason, sep="|")
    store.put_status("a", Status.SKIPPED)
except SeplError as error:
    print(type(error).__name__, error, sep="|")
"""


@pytest.fixture
def open_to_all() -> Path:  # type: ignore[misc]
    """A folder that another user may look into, which tmp_path is not."""
    folder = Path(f"/tmp/sepl-closed-{os.getpid()}")  # noqa: S108
    folder.mkdir()
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


@posix_only
def test_a_store_in_a_closed_folder_is_read(open_to_all: Path) -> None:
    path = store_file(open_to_all)
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    with other_process(path, READ_CLOSED) as other:
        told = other.communicate()[0].splitlines()
    assert told[0] == "True|['a']|its folder cannot be written to (Permission denied)"
    assert told[1] == (
        f"StoreReadOnlyError|{path}: the store is read-only: "
        "its folder cannot be written to (Permission denied)."
    )


@posix_only
def test_a_closed_folder_without_a_store_is_told(open_to_all: Path) -> None:
    path = store_file(open_to_all)
    with other_process(path, READ_CLOSED) as other:
        told = other.communicate()[0]
    assert told == (
        f"SaveError|{path}: the store could not be made: "
        "its folder cannot be written to (Permission denied).\n"
    )


@posix_only
def test_a_closed_file_is_read(open_to_all: Path) -> None:
    path = store_file(open_to_all)
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    open_to_all.chmod(0o777)
    lock_file(path).chmod(0o666)
    code = READ_CLOSED.replace("os.chmod(path.parent, 0o555)", "")
    with other_process(path, code) as other:
        told = other.communicate()[0].splitlines()
    assert told[0] == (
        "True|['a']|it cannot be written to (the file or its folder cannot be written to)"
    )


def test_a_disk_without_locks_is_no_place_to_write(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(path, who="ana").close()

    def no_locks(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(StoreLock, "take", no_locks)
    with Store.open(path, who="ana") as store:
        assert store.reason == "its folder cannot be written to (Function not implemented)"
