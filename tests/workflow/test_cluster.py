"""Many items over a real Dask scheduler and two real workers, one of which is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from napari_sepl import Params
from napari_sepl.core.errors import SeplError
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.parallel import cluster as workflow
from napari_sepl.workflow.parallel.cluster import Cluster
from napari_sepl.workflow.parallel.processes import AHEAD, DIED
from napari_sepl.workflow.results import Outcome
from tests.waiting import PATIENCE
from tests.workflow import deadly
from tests.workflow.checkpointing import (
    BOTH,
    Begin,
    counted,
    stop_after,
    tables,
    write_labelled_samples,
)
from tests.workflow.dataset import STEMS, Dataset

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")

ROOT = Path(__file__).parents[2]


def start(*words: str) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
    }
    command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class Dask:
    """A scheduler and two workers, on this computer alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        words = ("--host", "127.0.0.1", "--port", str(port))
        self.scheduler = start("scheduler", *words, "--dashboard-address", "127.0.0.1:0")
        self.workers: list[subprocess.Popen[bytes]] = []

    def await_two_workers(self) -> None:
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            self.workers.append(self.start_worker())
        with distributed.Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE)

    def start_worker(self) -> "subprocess.Popen[bytes]":
        words = (self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny")
        more = ("--dashboard-address", "127.0.0.1:0", "--local-directory", str(self.folder))
        return start("worker", *words, *more, "--death-timeout", str(PATIENCE))

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
        for process in (*self.workers, self.scheduler):
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    dask = Dask(tmp_path_factory.mktemp("dask"))
    try:
        yield dask
    finally:
        dask.close()


@pytest.fixture
def dask(started: Dask) -> Dask:
    started.await_two_workers()
    return started


def lost(number: int, why: str) -> int:
    assert why == DIED
    return -number


def test_answers_come_in_order_and_items_as_needed(dask: Dask) -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(40):
            asked.append(number)
            yield number

    answers = Cluster(dask.address).run(deadly.square, numbers(), lost)
    assert next(answers) == 0
    assert len(asked) <= 2 * AHEAD
    assert list(answers) == [n * n for n in range(1, 40)]


@pytest.mark.long
def test_a_worker_killed_midway_loses_nothing(dask: Dask, tmp_path: Path) -> None:
    go = tmp_path / "go"
    answers = Cluster(dask.address).run(partial(deadly.wait_for, go), range(30), lost)
    go.touch()
    assert [next(answers) for _ in range(5)] == list(range(5))
    go.unlink()  # from here on both workers wait, each with an item in hand
    time.sleep(0.2)
    dask.workers[0].send_signal(signal.SIGKILL)
    dask.workers[0].wait(PATIENCE)
    go.touch()
    assert list(answers) == list(range(5, 30))


def test_a_folder_is_enhanced_though_a_worker_dies(dask: Dask, tmp_path: Path) -> None:
    samples = Dataset(tmp_path)
    expected = samples.run()
    assert set(expected.values()) == {Outcome.SAVED}
    saved = samples.saved()
    out = tmp_path / "again"
    steps = enhance_folder(samples.index(out=out), Params(), executor=Cluster(dask.address))
    first = next(steps)
    dask.workers[1].kill()
    assert [step.sample_id for step in (first, *steps)] == list(STEMS)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == saved
    again = enhance_folder(samples.index(out=out), Params(), executor=Cluster(dask.address))
    assert {step.outcome for step in again} == {Outcome.PRESENT}


@pytest.mark.long
@BOTH
def test_a_run_that_was_stopped_goes_on_elsewhere(dask: Dask, tmp_path: Path, begin: Begin) -> None:
    spec, table = write_labelled_samples(tmp_path / "samples"), tmp_path / "table.csv"
    cluster = Cluster(dask.address)
    stop_after(begin(spec, cluster), table, 1)
    stop_after(begin(spec), table, 1)
    run, whole = begin(spec, cluster), begin(spec)
    assert "resumes after 2 of 4" in run.keep_beside(table).note
    assert counted(run) == ["b", "c"]
    list(whole)
    assert tables(run, tmp_path / "1") == tables(whole, tmp_path / "2")


@pytest.mark.long
def test_workers_that_all_go_are_told(dask: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "PATIENCE", 2.0)
    go = dask.folder / "go"
    waiting = Cluster(dask.address).run(partial(deadly.wait_for, go), range(30), lost)
    monkeypatch.setattr(workflow, "PATIENCE", PATIENCE)
    go.touch()
    assert next(waiting) == 0
    go.unlink()
    monkeypatch.setattr(workflow, "PATIENCE", 2.0)
    for worker in dask.workers:
        worker.kill()
    with pytest.raises(SeplError, match="has no workers left"):
        list(waiting)


def test_nobody_at_the_address_leaves_no_noise() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    code = f"""
from napari_sepl.core.errors import SeplError
from napari_sepl.workflow.parallel.cluster import Cluster

try:
    list(Cluster({address!r}).run(abs, [1], abs))
except SeplError:
    print("told")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "told\n", "")


def test_nobody_at_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "CONNECTING", 1.0)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(SeplError, match=f"^no Dask scheduler answers: {address} "):
        list(Cluster(address).run(deadly.square, [1], lost))


@pytest.mark.long
def test_a_scheduler_that_goes_is_told(dask: Dask, tmp_path: Path) -> None:
    """The last of the tests that need one."""
    go = tmp_path / "go"
    answers = Cluster(dask.address).run(partial(deadly.wait_for, go), range(30), lost)
    go.touch()
    next(answers)
    go.unlink()
    dask.scheduler.kill()
    dask.scheduler.wait(PATIENCE)
    with pytest.raises(SeplError, match=f"The Dask scheduler at {dask.address} is gone"):
        list(answers)
