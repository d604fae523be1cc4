"""kill -9 of a process that writes, at random moments: what was acknowledged is there."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.files.store import LogEntry, Review, Status, Store, StoreWriter, store_file
from tests.waiting import wait_until

SAMPLES = 7
SHAPE = (60, 80)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the writers are forked")


def painted(number: int) -> NDArray[np.int16]:
    """Return an overlay that only this number gives."""
    overlay = np.full(SHAPE, -1, np.int16)
    overlay.ravel()[number % 4000 : number % 4000 + 500] = number % 255
    return overlay


def review_of(number: int) -> Review:
    """Return the review of step `number`."""
    statuses = tuple(Status)
    return Review(
        f"s{number % SAMPLES}",
        statuses[number % 4],
        overlay=painted(number),
        decisions={number: 1},
        note=str(number),
        digests={"masks": "3d" * 32},
    )


def step_logged(number: int) -> Callable[[Store], None]:
    return lambda store: store.log_edit("step", LogEntry("step", {"n": number}))


def write_until_killed(path: Path, acknowledged: int) -> None:
    """Write step after step, and acknowledge each number once it is said to be on the disk."""
    with Store.open(path, who="ana") as store:
        number = len([row for row in store.log("step") if row.entry.kind == "step"])
        writer = StoreWriter(store, print)
        while True:
            for _ in range(random.randrange(1, 4)):  # noqa: S311
                writer.put_review(review_of(number), [LogEntry("stroke", {"number": number})])
                writer.submit(step_logged(number))
                number += 1
            if writer.flush(10):
                os.write(acknowledged, f"{number}\n".encode())


def fork_writers() -> None:
    """Fork a writer for each path on stdin, so that each need not import everything again."""
    for line in sys.stdin:
        path, acknowledgements = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            write_until_killed(Path(path), os.open(acknowledgements, flags, 0o600))
            os._exit(1)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


@dataclass
class Writers:
    """The process that forks writers."""

    process: subprocess.Popen[str]

    def ask(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def writers() -> Iterator[Writers]:
    code = "from tests.files.test_store_killed import fork_writers; fork_writers()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Writers(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.long)])
def test_what_was_acknowledged_outlives_the_writer(
    tmp_path: Path, writers: Writers, kills: int
) -> None:
    path, acknowledgements = store_file(tmp_path), tmp_path / "acknowledged"
    chance = random.Random(time.time_ns())  # noqa: S311  other moments each time
    for _ in range(kills):
        wanted = acknowledged_in(acknowledgements) + chance.randrange(20)
        writers.ask(f"{path}\t{acknowledgements}")
        child = int(writers.answer())
        wait_until(lambda: acknowledged_in(acknowledgements) >= wanted, seconds=0.002)  # noqa: B023
        time.sleep(chance.uniform(0, 0.02))  # into the next write
        os.kill(child, signal.SIGKILL)
        assert writers.answer() == "gone"
        check_store(path, acknowledged_in(acknowledgements))


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.long)])
def test_a_writer_killed_while_it_makes_the_store_leaves_none_or_a_whole_one(
    tmp_path: Path, writers: Writers, kills: int
) -> None:
    chance = random.Random(time.time_ns())  # noqa: S311
    for number in range(kills):
        path, acknowledgements = store_file(tmp_path / f"{number}"), tmp_path / f"{number}.txt"
        writers.ask(f"{path}\t{acknowledgements}")
        child = int(writers.answer())
        time.sleep(chance.uniform(0, 0.015))
        os.kill(child, signal.SIGKILL)
        assert writers.answer() == "gone"
        Store.open(path, who="ana").close()
        check_store(path, acknowledged_in(acknowledgements))


def acknowledged_in(file: Path) -> int:
    """Return how many steps were acknowledged in all."""
    lines = file.read_text().splitlines() if file.exists() else []
    return int(lines[-1]) if lines else 0


def check_store(path: Path, acknowledged: int) -> None:
    """Look that all steps that were acknowledged are there, and each step whole."""
    if not path.exists():
        assert not acknowledged
        return
    with Store.open(path, who="ana") as store:
        assert not store.read_only  # the lock went with its owner
        done = [row.entry.payload["n"] for row in store.log("step")]
        assert done == list(range(len(done)))
        assert len(done) >= acknowledged
        for sample in range(SAMPLES):
            check_sample(store, sample, len(done))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_sample(store: Store, sample: int, done: int) -> None:
    strokes = [row.entry for row in store.log(f"s{sample}") if row.entry.kind == "stroke"]
    # a writer that died between a review and its step left the step to the next one
    numbers = list(dict.fromkeys(entry.payload["number"] for entry in strokes))
    expected = [number for number in range(done) if number % SAMPLES == sample]
    assert numbers[: len(expected)] == expected
    assert len(numbers) - len(expected) in (0, 1)  # a review whose step was not logged yet
    review = store.review(f"s{sample}")
    if not numbers:
        assert review is None
        return
    assert review is not None
    whole = review_of(numbers[-1])
    assert (review.note, review.status) == (whole.note, whole.status)
    assert review.decisions == whole.decisions
    assert review.overlay is not None
    np.testing.assert_array_equal(review.overlay, painted(numbers[-1]))
