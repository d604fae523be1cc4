"""Damaged stores are reported, kept, and read as far as possible."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from napari_sepl import Params
from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.files.store import (
    LogEntry,
    Review,
    Status,
    Store,
    StoreCorruptError,
    connections,
    recover,
    store_file,
)
from napari_sepl.files.store.schema import PAGE_SIZE
from tests.files.test_store import EVERYTHING, same

COUNT = 300
STATUSES = tuple(Status)


def review_of(number: int) -> Review:
    return replace(
        EVERYTHING,
        sample_id=f"s{number:04}",
        status=STATUSES[number % 4],
        params=Params(t1=number / COUNT),
        overlay=EVERYTHING.overlay if number % 3 else None,
        decisions={number: 1} if number % 5 == 0 else {},
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a store with 300 samples, in which every table has several pages."""
    path = store_file(tmp_path_factory.mktemp("sound"))
    with Store.open(path, who="ana") as store:
        for number in range(COUNT):
            store.put_review(review_of(number), [LogEntry("params"), LogEntry("stroke")])
        store.put_session({"current": "s0042"})
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return store_file(tmp_path)


def use(path: Path) -> str:
    """Open a store and read all of it; return what it refuses with, or an empty text."""
    try:
        with Store.open(path, who="ana") as store:
            for sample_id in store.statuses():
                store.review(sample_id)
                store.log(sample_id)
            store.session()
    except (InputError, SaveError) as error:
        return str(error)
    return ""


def check_recovery(path: Path) -> int:
    """Recover a damaged store and return how many samples are as they were."""
    damaged = path.read_bytes()
    recovery = recover(path, who="ana")
    assert recovery.kept.read_bytes() == damaged
    assert recovery.kept != path
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with Store.open(path, who="ana") as store:
        assert not store.read_only
        rows = store.statuses()
        assert len(rows) == recovery.samples
        whole = sum(same(store.review(s), review_of(int(s[1:]))) for s in rows if s[1:].isdigit())
        assert store.log("")[-1].entry.kind == "recovered"
        store.put_review(review_of(COUNT))
    assert not [file for file in path.parent.iterdir() if file.name.startswith(".sepl-")]
    return whole


def test_a_sound_store_is_recovered_whole(path: Path, sound: bytes) -> None:
    path.write_bytes(sound)
    recovery = recover(path, who="bo")
    assert (recovery.samples, recovery.gaps) == (COUNT, 0)
    assert (recovery.overlays, recovery.decisions) == (COUNT * 2 // 3, COUNT // 5)
    assert str(recovery).startswith("Recovered 300 samples, 200 of them with painted pixels, 60 ")
    assert str(recovery.kept) in str(recovery)
    with Store.open(path, who="ana") as store:
        for number in range(COUNT):
            assert same(store.review(f"s{number:04}"), review_of(number))
        assert store.session() == {"current": "s0042"}
        assert [e.entry.kind for e in store.log("s0001")] == ["params", "stroke", "status", "saved"]
        assert {e.who for e in store.log("s0001")} == {"ana"}


def test_recovering_twice_keeps_both_files(path: Path, sound: bytes) -> None:
    path.write_bytes(sound)
    kept = {recover(path, who="ana").kept for _ in range(3)}
    assert len(kept) == 3
    assert all(file.exists() for file in kept)


def test_a_store_cut_off_anywhere_is_reported_and_kept(path: Path, sound: bytes) -> None:
    cuts = [0, 1, 15, 16, 99, 100, 1000, PAGE_SIZE - 1, PAGE_SIZE]
    cuts += [round(len(sound) * share / 12) for share in range(1, 12)] + [len(sound) - 1]
    saved = []
    for cut in cuts:
        path.write_bytes(sound[:cut])
        with pytest.raises(StoreCorruptError, match="found a damaged store"):
            Store.open(path, who="ana")
        assert path.read_bytes() == sound[:cut]
        saved.append(check_recovery(path))
    assert saved[0] == 0
    assert saved[-1] >= COUNT - 10
    assert saved[-4] > COUNT / 3


@pytest.mark.parametrize("length", [16, 100, PAGE_SIZE])
def test_a_store_that_lost_its_beginning_is_recovered(
    path: Path, sound: bytes, length: int
) -> None:
    path.write_bytes(bytes(length) + sound[length:])
    with pytest.raises(StoreCorruptError, match="file is not a database"):
        Store.open(path, who="ana")
    assert check_recovery(path) == COUNT


def test_a_file_that_is_something_else_is_kept(path: Path) -> None:
    content = b"GIF89a" * 5000
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match="file is not a database"):
        Store.open(path, who="ana")
    assert check_recovery(path) == 0


@pytest.mark.parametrize("flips", [30, pytest.param(1000, marks=pytest.mark.long)])
def test_flipped_bits_are_reported_or_harmless(path: Path, sound: bytes, flips: int) -> None:
    chance = random.Random(5)  # noqa: S311
    anywhere = (chance.randrange(len(sound)) for _ in range(flips))
    places = [*range(100), *range(100, 160, 7), *anywhere]
    refused = 0
    for place in places:
        damaged = bytearray(sound)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(damaged))
        refused += bool(use(path))
        for file in path.parent.iterdir():
            file.unlink()
    assert refused > 40


def test_damage_in_what_sqlite_quotes_is_reported(path: Path, sound: bytes) -> None:
    """Python cannot read a message with such text, and raises no error of SQLite's."""
    damaged = sound.replace(b"CREATE TABLE session", b"CREATE TABL\xce session")
    assert damaged != sound
    path.write_bytes(damaged)
    with pytest.raises(StoreCorruptError, match="found a damaged store"):
        Store.open(path, who="ana")
    assert check_recovery(path) == COUNT


@pytest.mark.parametrize("times", [6, pytest.param(100, marks=pytest.mark.long)])
def test_blocks_of_rubbish_cost_only_what_was_there(path: Path, sound: bytes, times: int) -> None:
    chance = random.Random(6)  # noqa: S311
    for _ in range(times):
        damaged = bytearray(sound)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(1, len(sound) // PAGE_SIZE) * PAGE_SIZE
            damaged[place : place + PAGE_SIZE] = chance.randbytes(PAGE_SIZE)
        path.write_bytes(bytes(damaged))
        check_recovery(path)
        for file in path.parent.iterdir():
            file.unlink()


def test_a_large_store_is_looked_through_on_demand(
    path: Path, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'overlay'"
        start = (connection.execute(query).fetchone()[0] - 1) * PAGE_SIZE
    damaged = bytearray(sound)
    damaged[start : start + PAGE_SIZE] = bytes(PAGE_SIZE)
    path.write_bytes(bytes(damaged))
    with pytest.raises(StoreCorruptError):
        Store.open(path, who="ana")
    monkeypatch.setattr(connections, "CHECKED_AT_ONCE", len(sound) - 1)
    with Store.open(path, who="ana") as store:
        assert len(store.statuses()) == COUNT
        with pytest.raises(StoreCorruptError):
            store.check()
        with pytest.raises(StoreCorruptError):
            store.review("s0001")
        with pytest.raises(StoreCorruptError):
            store.put_review(review_of(1))
        store.put_status("s0001", Status.SKIPPED)
        assert store.statuses()["s0001"].status is Status.SKIPPED
    assert check_recovery(path) == COUNT // 3


def test_samples_in_the_log_alone_are_restored(path: Path, sound: bytes) -> None:
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sample SET params = 'x' WHERE id IN ('s0001', 's0003')")
    recovery = recover(path, who="ana")
    assert (recovery.samples, recovery.gaps) == (COUNT, 2)
    with Store.open(path, who="ana") as store:
        review = store.review("s0001")
        assert review is not None
        assert review.status is review_of(1).status
        assert review.overlay is not None
        assert (review.params, review.digests) == (None, {})


def test_a_killed_writers_last_changes_are_recovered_too(path: Path, sound: bytes) -> None:
    """The last changes of a store that was not closed are in the file beside it."""
    path.write_bytes(sound)
    store = Store.open(path, who="ana")
    store.put_status("new", Status.ACCEPTED)
    wal = path.with_name(f"{path.name}-wal")
    main, beside = path.read_bytes(), wal.read_bytes()
    store.close()
    for start, opened in product((0, 16, 100, PAGE_SIZE), (False, True)):
        path.write_bytes(bytes(start) + main[start:])
        wal.write_bytes(beside)
        if opened:
            use(path)  # whatever comes of it, nothing is lost
        kept = recover(path, who="ana").kept
        assert opened or kept.with_name(f"{kept.name}-wal").read_bytes() == beside
        with Store.open(path, who="ana") as again:
            assert again.statuses()["new"].status is Status.ACCEPTED
            assert len(again.statuses()) == COUNT + 1


def test_a_file_that_was_half_merged_when_its_writer_died_is_sound(
    path: Path, sound: bytes
) -> None:
    path.write_bytes(sound)
    with Store.open(path, who="ana") as store:
        store.put_status("new", Status.ACCEPTED)
        wal = path.with_name(f"{path.name}-wal").read_bytes()
        main = path.read_bytes()
    path.write_bytes(main + bytes(100))  # a page was being added
    path.with_name(f"{path.name}-wal").write_bytes(wal)
    with Store.open(path, who="ana") as store:
        assert store.statuses()["new"].status is Status.ACCEPTED
        assert same(store.review("s0001"), review_of(1))


def test_a_store_of_which_only_the_last_changes_are_left_is_recovered_from_them(
    path: Path,
) -> None:
    store = Store.open(path, who="ana")
    for number in range(3):
        store.put_review(review_of(number))
    wal = path.with_name(f"{path.name}-wal")
    beside = wal.read_bytes()
    store.close()
    path.write_bytes(b"")
    wal.write_bytes(beside)
    with pytest.raises(StoreCorruptError):
        Store.open(path, who="ana")
    assert wal.read_bytes() == beside
    assert check_recovery(path) == 3


@pytest.mark.parametrize("step", ["shutil.copy2", "shutil.copyfile", "pathlib.Path.replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_recovery_that_is_stopped_loses_nothing(
    path: Path, sound: bytes, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise error

    damaged = bytes(100) + sound[100:]
    path.write_bytes(damaged)
    path.with_name(f"{path.name}-wal").write_bytes(b"beside")
    with monkeypatch.context() as patched:
        patched.setattr(step, stop)
        with pytest.raises((SaveError, KeyboardInterrupt), match=r"^$|No space left on device"):
            recover(path, who="ana")
    assert path.read_bytes() == damaged
    assert b"beside" in [file.read_bytes() for file in path.parent.glob("*-wal")]
    assert check_recovery(path) == COUNT


def test_nothing_to_recover_is_reported(path: Path) -> None:
    with pytest.raises(SeplError, match="could not be recovered"):
        recover(path, who="ana")
