"""Bad days of the disk: full, gone, back again. Nothing saved before is lost."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.store import Review, Status, Store, StoreCorruptError, store_file
from tests.files.test_store import EVERYTHING, same

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(store: Store) -> Store:
    store.put_review(EVERYTHING)
    return store


def large() -> Review:
    """A review that takes about a megabyte."""
    noise = np.random.default_rng(0).integers(-1, 200, (600, 600)).astype(np.int16)
    return replace(EVERYTHING, overlay=noise)


def limit_pages(store: Store, pages: int) -> None:
    assert store._access.writer is not None
    store._access.writer.execute(f"PRAGMA max_page_count = {pages}")


def integrity(store: Store) -> list[tuple[str]]:
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall()


def test_a_full_disk_is_reported_and_the_store_can_be_used_on(store: Store) -> None:
    limit_pages(store, 1)  # no more than there are
    for _ in range(3):
        with pytest.raises(SaveError) as caught:
            store.put_review(large())
        assert str(caught.value) == (
            f"the change could not be saved: {store.path} (the disk is full); "
            "what was saved before is untouched."
        )
        assert same(store.review("a"), EVERYTHING)
        assert [e.entry.kind for e in store.log("a")] == ["status", "saved"]
    limit_pages(store, 10**6)
    store.put_review(large())
    assert same(store.review("a"), large())
    assert integrity(store) == [("ok",)]


def test_a_full_disk_in_the_middle_of_many_changes_undoes_them_all(store: Store) -> None:
    limit_pages(store, 1)
    with pytest.raises(SaveError, match="the disk is full"):
        store.put_many_statuses({f"s{n}": Status.ACCEPTED for n in range(5000)})
    assert list(store.statuses()) == ["a"]
    limit_pages(store, 10**6)
    assert len(store.put_many_statuses({f"s{n}": Status.ACCEPTED for n in range(5000)})) == 5000


FULL = """
import resource, signal, sys
from pathlib import Path
from napari_sepl.core.errors import SaveError
from napari_sepl.files.store import Store
from tests.files.test_store import EVERYTHING, same
from tests.files.test_store_disk import large

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(Path(sys.argv[1]), who="ana")
store.put_review(EVERYTHING)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for _ in range(2):
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, most))
    for _ in range(3):
        try:
            store.put_review(large())
        except SaveError as error:
            print(error)
        assert same(store.review("a"), EVERYTHING)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    store.put_review(large())
    assert same(store.review("a"), large())
    store.put_review(EVERYTHING)
store.close()
print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files there")
def test_files_that_may_not_grow_are_as_a_full_disk(tmp_path: Path) -> None:
    path = store_file(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = run.stdout.splitlines()
    assert told[-1] == "done"
    assert len(told) == 7
    assert all(line.startswith(f"the change could not be saved: {path} (the ") for line in told[:6])
    with Store.open(path, who="ana") as store:
        assert same(store.review("a"), EVERYTHING)
        assert integrity(store) == [("ok",)]


def test_a_full_disk_at_the_start_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    path = store_file(tmp_path)
    with pytest.raises(SaveError, match="No space left on device"):
        Store.open(path, who="ana")
    assert [file.name for file in tmp_path.iterdir()] == ["napari-sepl.sqlite-lock"]
    monkeypatch.undo()
    with Store.open(path, who="ana") as store:
        assert not store.read_only


def test_a_folder_that_is_gone_is_reported_and_used_again_when_it_is_back(store: Store) -> None:
    out = store.path.parent
    away = out.with_name("away")
    out.rename(away)
    for _ in range(2):
        with pytest.raises(SaveError, match="the store is gone: No such file or directory"):
            store.put_status("a", Status.ACCEPTED)
    assert not out.exists()
    away.rename(out)
    store.put_status("a", Status.ACCEPTED)
    assert same(store.review("a"), replace(EVERYTHING, status=Status.ACCEPTED))


def test_a_folder_that_comes_back_as_another_is_used_again(store: Store) -> None:
    """As a network disk that was connected again: the same files, but no longer the open ones."""
    out = store.path.parent
    shutil.copytree(out, out.with_name("copy"))
    shutil.rmtree(out)
    with pytest.raises(SaveError, match="the store is gone"):
        store.put_status("a", Status.ACCEPTED)
    out.with_name("copy").rename(out)
    store.put_status("b", Status.SKIPPED)
    assert same(store.review("a"), EVERYTHING)  # read from the folder that is back
    with Store.open(store.path, who="bo") as second:
        assert second.read_only
        assert set(second.statuses()) == {"a", "b"}
    store.close()
    with Store.open(store.path, who="ana") as again:
        assert set(again.statuses()) == {"a", "b"}
        assert integrity(again) == [("ok",)]


def test_another_store_in_its_place_is_left_alone(store: Store) -> None:
    out = store.path.parent
    out.rename(out.with_name("away"))
    with Store.open(store.path, who="bo") as other:
        other.put_review(replace(EVERYTHING, sample_id="theirs"))
        with pytest.raises(SaveError, match="another store has taken its place"):
            store.put_status("a", Status.ACCEPTED)
    with pytest.raises(SaveError, match="another store has taken its place"):
        store.put_status("a", Status.ACCEPTED)
    assert same(store.review("a"), EVERYTHING)
    with Store.open(store.path, who="bo") as other:
        assert not other.read_only
        assert list(other.statuses()) == ["theirs"]
    shutil.rmtree(out)
    out.with_name("away").rename(out)
    store.put_status("a", Status.ACCEPTED)
    assert same(store.review("a"), replace(EVERYTHING, status=Status.ACCEPTED))


def test_a_store_that_is_damaged_while_it_is_open_is_reported(store: Store) -> None:
    other = replace(EVERYTHING, sample_id="b")
    store.put_review(other)
    store.close()
    content = bytearray(store.path.read_bytes())
    content[4096 * 2 : 4096 * 4] = os.urandom(4096 * 2)
    with Store.open(store.path, who="ana") as again:
        store.path.write_bytes(bytes(content))  # the same file, other pages
        with pytest.raises(StoreCorruptError, match="found a damaged store"):
            again.put_review(other)
    with pytest.raises(StoreCorruptError, match="found a damaged store"):
        Store.open(store.path, who="ana")


def test_another_program_that_writes_is_waited_for_and_reported(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store._access.writer is not None
    store._access.writer.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SaveError, match="another program keeps it locked"):
            store.put_status("a", Status.ACCEPTED)
        assert same(store.review("a"), EVERYTHING)
        other.execute("ROLLBACK")
    store.put_status("a", Status.ACCEPTED)
