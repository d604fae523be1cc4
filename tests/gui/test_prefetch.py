from collections.abc import Callable
from typing import Any

import pytest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.gui.context import Prepared
from napari_sepl.gui.queue.prefetch import Prefetch
from tests.document.drawing import cat_and_dog
from tests.gui.immediate import Immediate


class Delayed(Immediate):
    """Does nothing until `go_on`."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def run(self, task: str, work: Any, done: Any, failed: Any) -> None:
        self.waiting.append(lambda: super(Delayed, self).run(task, work, done, failed))

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()


class Reader:
    """Counts what is read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __call__(self, row: int) -> Prepared:
        self.read.append(row)
        if row == 13:
            raise InputError("13.png", found="nothing", expected="an image")
        return Prepared.of(cat_and_dog(sample_id=str(row)), Params())


@pytest.fixture
def reader() -> Reader:
    return Reader()


def take(ahead: Prefetch, row: int) -> list[Prepared | SeplError]:
    got: list[Prepared | SeplError] = []
    ahead.take(row, got.append, got.append)
    return got


def test_a_prefetched_sample_is_there_at_once(reader: Reader) -> None:
    background = Delayed()
    ahead = Prefetch(background, reader)
    ahead.want([1, 2])
    background.go_on()
    (opened,) = take(ahead, 2)
    assert isinstance(opened, Prepared)
    assert opened.document.inputs.sample_id == "2"
    assert reader.read == [1, 2]


def test_a_requested_sample_is_not_read_twice(reader: Reader) -> None:
    background = Delayed()
    ahead = Prefetch(background, reader)
    ahead.want([1])
    got = take(ahead, 1)
    assert not got
    background.go_on()
    assert len(got) == 1
    assert reader.read == [1]


def test_the_same_document_comes_back(reader: Reader) -> None:
    ahead = Prefetch(Immediate(), reader)
    first, again = take(ahead, 1), take(ahead, 1)
    assert first[0] is again[0]


def test_the_longest_unused_goes_first(reader: Reader) -> None:
    ahead = Prefetch(Immediate(), reader, keep_samples=3)
    ahead.want([1, 2, 3])
    take(ahead, 1)
    ahead.want([4])
    assert ahead.rows == [3, 1, 4]


def test_memory_is_bounded_but_one_is_kept(reader: Reader) -> None:
    ahead = Prefetch(Immediate(), reader, keep_bytes=1)
    ahead.want([1, 2, 3])
    assert ahead.rows == [3]


def test_a_failed_sample_is_read_again_next_time(reader: Reader) -> None:
    ahead = Prefetch(Immediate(), reader)
    (error,) = take(ahead, 13)
    assert isinstance(error, InputError)
    take(ahead, 13)
    assert reader.read == [13, 13]


def test_a_dropped_sample_does_not_arrive(reader: Reader) -> None:
    background = Delayed()
    ahead = Prefetch(background, reader)
    got = take(ahead, 1)
    ahead.forget()
    background.go_on()
    assert not got
    assert not ahead.rows
