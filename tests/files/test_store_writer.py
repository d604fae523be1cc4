import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from napari_sepl.core.errors import SaveError, SeplError
from napari_sepl.files.store import (
    LogEntry,
    Review,
    Status,
    Store,
    StoreWriter,
    store_file,
)
from tests.files.test_store import EVERYTHING, same
from tests.waiting import PATIENCE, wait_until


class Heard:
    """What a writer tells of, in the order it does."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def error(self, error: SeplError) -> None:
        self.told.append(str(error))

    def saved(self) -> None:
        self.told.append("saved")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def writer(store: Store, heard: Heard) -> Iterator[StoreWriter]:
    made = StoreWriter(store, heard.error, heard.saved, retry=0.02)
    yield made
    made.abandon()


class Gate:
    """A write that keeps the writer busy until it is let through."""

    def __init__(self, writer: StoreWriter) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        writer.submit(self)
        assert self.reached.wait(PATIENCE)

    def __call__(self, _: Store) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE)


class Failing:
    """A store whose disk is full until it has room."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self.attempts = 0
        whole = store._writer

        def writer() -> object:
            self.attempts += 1
            if self.full:
                raise SaveError("the disk is full")
            return whole()

        monkeypatch.setattr(store, "_writer", writer)


def test_a_review_is_on_the_disk_soon_after_it_is_put(store: Store, writer: StoreWriter) -> None:
    writer.put_review(EVERYTHING, [LogEntry("stroke")])
    wait_until(lambda: store.review("a") is not None)
    assert same(store.review("a"), EVERYTHING)
    assert writer.flush(PATIENCE)
    assert writer.pending == 0


def test_the_order_is_kept(store: Store, writer: StoreWriter) -> None:
    for number in range(50):
        if number % 2:
            writer.submit(partial(Store.log_edit, sample_id="a", entry=LogEntry(str(number))))
        else:
            writer.put_review(Review("a"), [LogEntry(str(number))])
    assert writer.flush(PATIENCE)
    assert [e.entry.kind for e in store.log("a")] == [str(number) for number in range(50)]


def test_reviews_of_one_sample_that_wait_in_a_row_are_written_once(
    store: Store, writer: StoreWriter
) -> None:
    gate = Gate(writer)
    for number in range(5):
        writer.put_review(Review("a", seconds=number), [LogEntry(f"a{number}")])
    writer.put_review(Review("b"), [LogEntry("b")])
    writer.put_review(Review("a", note="last"), [LogEntry("a5")])
    assert writer.pending == 4
    gate.open.set()
    assert writer.flush(PATIENCE)
    kinds = [e.entry.kind for e in store.log("a")]
    assert kinds == ["a0", "a1", "a2", "a3", "a4", "a5"]  # no step is lost
    assert len({e.at for e in store.log("a")}) <= 2
    assert same(store.review("a"), Review("a", note="last"))


def test_what_waits_is_read_back_before_it_is_written(store: Store, writer: StoreWriter) -> None:
    store.put_review(Review("b", note="old"))
    gate = Gate(writer)
    writer.put_review(EVERYTHING)
    writer.put_review(Review("c"))
    writer.put_review(replace(EVERYTHING, note="newest"))
    assert same(writer.review("a"), replace(EVERYTHING, note="newest"))
    assert same(writer.review("b"), Review("b", note="old"))
    assert store.review("a") is None
    assert writer.review("d") is None
    gate.open.set()
    assert writer.flush(PATIENCE)
    assert same(writer.review("a"), store.review("a"))


def test_a_full_disk_is_reported_once_and_nothing_is_lost(
    store: Store, writer: StoreWriter, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Failing(store, monkeypatch)
    for number in range(4):
        writer.put_review(Review("ab"[number % 2], note=str(number)), [LogEntry(str(number))])
    writer.submit(lambda s: s.put_status("a", Status.ACCEPTED))
    wait_until(lambda: disk.attempts > 5)
    assert not writer.flush(0.01)
    assert (writer.pending, heard.told) == (5, ["the disk is full"])
    review = writer.review("a")
    assert review is not None
    assert review.note == "2"
    disk.full = False
    assert writer.flush(PATIENCE)
    wait_until(lambda: heard.told == ["the disk is full", "saved"])
    assert same(store.review("a"), Review("a", Status.ACCEPTED, note="2"))
    assert [e.entry.kind for e in store.log("b")] == ["1", "3"]
    disk.full = True
    writer.submit(lambda s: s.put_status("b", Status.SKIPPED))
    wait_until(lambda: heard.told == ["the disk is full", "saved", "the disk is full"])
    disk.full = False
    assert writer.flush(PATIENCE)


def test_closing_gives_nothing_up(
    store: Store, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StoreWriter(store, heard.error, retry=0.02)
    disk = Failing(store, monkeypatch)
    writer.put_review(EVERYTHING)
    assert not writer.close(0.05)
    assert writer.pending == 1
    disk.full = False
    assert writer.close(PATIENCE)
    assert same(store.review("a"), EVERYTHING)
    with pytest.raises(SaveError, match=r"nothing more can be saved: .* was closed"):
        writer.put_review(EVERYTHING)
    with pytest.raises(SaveError, match="nothing more can be saved"):
        writer.submit(lambda s: s.put_session({}))
    assert writer.close(0)


def test_abandoning_returns_how_much_is_given_up(
    store: Store, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StoreWriter(store, heard.error)
    Failing(store, monkeypatch)
    writer.put_review(EVERYTHING)
    writer.put_review(Review("b"))
    wait_until(lambda: heard.told)
    assert writer.abandon() == 2


def test_a_fault_in_one_write_is_reported_and_does_not_stop_the_others(
    store: Store, writer: StoreWriter, heard: Heard
) -> None:
    writer.submit(lambda s: s.no_such_method())  # type: ignore[attr-defined]
    writer.put_review(EVERYTHING)
    assert writer.flush(PATIENCE)
    assert same(store.review("a"), EVERYTHING)
    (told,) = heard.told
    assert told.startswith(f"a change is lost by an internal error: {store.path}: AttributeError")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_listener_that_fails_does_not_stop_the_writer(store: Store) -> None:
    def fail(_: SeplError) -> None:
        raise RuntimeError("the window is gone")

    writer = StoreWriter(store, fail)
    writer.submit(lambda s: s.no_such_method())  # type: ignore[attr-defined]
    writer.put_review(EVERYTHING)
    assert writer.close(PATIENCE)
    assert same(store.review("a"), EVERYTHING)


def test_a_store_that_was_damaged_is_replaced_and_takes_what_waits(
    tmp_path: Path, heard: Heard
) -> None:
    path = store_file(tmp_path)
    store = Store.open(path, who="ana")
    writer = StoreWriter(store, heard.error, retry=0.02)
    writer.submit(lambda s: s.put_status("before", Status.ACCEPTED))
    assert writer.flush(PATIENCE)
    store.close()
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    writer.put_review(EVERYTHING)
    writer.recover()
    with writer.store as again:
        assert writer.close(PATIENCE)
        assert again.statuses()["before"].status is Status.ACCEPTED
        assert same(again.review("a"), EVERYTHING)


def test_many_threads_may_write_and_read(store: Store, writer: StoreWriter) -> None:
    def work(name: str) -> None:
        for number in range(20):
            writer.put_review(Review(name, seconds=number), [LogEntry(str(number))])
            review = writer.review(name)
            assert review is not None
            assert review.seconds == number
            store.statuses()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(PATIENCE)
    for name in "abcd":
        assert [int(e.entry.kind) for e in store.log(name)] == list(range(20))
        assert store.statuses()[name].edits == 20
