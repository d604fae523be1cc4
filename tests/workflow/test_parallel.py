"""Many items over processes of this computer, some of which are killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from napari_sepl.core.errors import SeplError
from napari_sepl.workflow.parallel.processes import (
    AHEAD,
    DIED,
    GIVEN_UP,
    HERE,
    MOST,
    TRIES,
    Done,
    Pace,
    Processes,
    do_each,
)
from tests.waiting import PATIENCE, wait_until
from tests.workflow import deadly


def lost(number: int, why: str) -> int:
    assert why == DIED
    return -number


@pytest.mark.parametrize("executor", [HERE, Processes(2)])
def test_answers_come_in_order(executor: Processes) -> None:
    assert list(executor.run(deadly.square, range(40), lost)) == [n * n for n in range(40)]
    assert list(executor.run(deadly.square, [], lost)) == []


def test_items_are_asked_for_as_needed() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(400):
            asked.append(number)
            yield number

    answers = Processes(2).run(deadly.square, numbers(), lost)
    assert next(answers) == 0
    assert len(asked) == 2 * AHEAD
    next(answers)
    assert 2 * AHEAD < len(asked) <= 2 * AHEAD + MOST
    assert list(answers) == [n * n for n in range(2, 400)]


def test_slow_items_go_one_by_one() -> None:
    pace = Pace()
    pace.note(Done([0], 0.001))
    assert pace.size == MOST
    pace.note(Done([0] * 4, 0.04))
    assert pace.size == 5
    pace.note(Done([0, 0], 3.0))
    assert pace.size == 1


def test_what_was_answered_before_a_function_raises_is_given() -> None:
    """Nine items of a bundle are done before the tenth fails."""
    done = do_each(lambda n: 1 / (9 - n), range(20))
    assert len(done.answers) == 9
    assert isinstance(done.error, ZeroDivisionError)


def test_a_process_killed_midway_loses_nothing(tmp_path: Path) -> None:
    work = partial(deadly.end_once, tmp_path)
    assert list(Processes(2).run(work, range(30), lost)) == list(range(30))
    assert (tmp_path / "ended").exists()
    assert len(list(tmp_path.glob("5-*"))) == 2


def test_an_item_that_kills_every_process_is_given_up_alone() -> None:
    answers = list(Processes(2).run(deadly.square_or_end, range(20), lost))
    assert answers == [-7 if n == 7 else n * n for n in range(20)]


def test_where_nothing_works_there_is_an_end() -> None:
    answers = Processes(2).run(deadly.end, range(1, 100), lambda _number, _why: None)
    assert [next(answers) for _ in range(GIVEN_UP)] == [None] * GIVEN_UP
    with pytest.raises(SeplError, match="Of 2 processes each ended without a word"):
        next(answers)
    assert TRIES == 2


def test_what_a_function_raises_ends_the_run() -> None:
    with pytest.raises(KeyError):
        list(Processes(2).run(deadly.raise_key_error, range(20), lost))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.workflow.deadly", str(tmp_path)], cwd=root
    )
    try:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        workers = [int(path.name) for path in tmp_path.iterdir()]
        assert victim.pid not in workers
        assert all(_lives(worker) for worker in workers)
    finally:
        victim.kill()
        victim.wait(PATIENCE)
    wait_until(lambda: not any(_lives(worker) for worker in workers))


def _lives(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_run_that_is_left_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    answers = Processes(2).run(partial(_process_id, tmp_path / "go"), range(40), lost)
    workers = {next(answers) for _ in range(8)}
    answers.close()  # as Ctrl+C does on its way out
    assert os.getpid() not in workers
    wait_until(lambda: not any(_lives(worker) for worker in workers))


def _process_id(path: Path, number: int) -> int:
    deadly.wait_for(path, number)
    return os.getpid()
