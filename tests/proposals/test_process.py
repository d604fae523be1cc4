"""Work in another process: heard of, stopped at once, and its death is one error."""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.masks import mask_file, read_masks
from napari_sepl.proposals import process
from napari_sepl.proposals.maker import (
    MaskProgress,
    OnProgress,
    OpeningError,
    ProposalError,
    StoppedError,
    ignore,
)
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.sam import SamMasks, open_sam
from napari_sepl.proposals.weights import Checkpoint, LoadedSam, load_sam
from napari_sepl.workflow.masks import made_by_sam, propose_folder
from napari_sepl.workflow.results import Outcome, SampleResult
from tests.files.dataset.opening import open_images
from tests.files.making import save_image
from tests.proposals.conftest import ALL_MASKS, blobs, labels_in_a_corner
from tests.proposals.tiny_sam import need_sam
from tests.waiting import wait_until


class Worker:
    """What is served in the tests."""

    def __init__(self, start: int) -> None:
        if start < -1:
            os.abort()
        if start < 0:
            raise InputError("start", found=str(start), expected="0 or more")
        self.count = start

    def add(self, number: int) -> int:
        self.count += number
        return self.count

    def tell(self, number: int, on_progress: Callable[[Any], None]) -> str:
        for index in range(number):
            on_progress(index)
        return "answer"

    def process(self) -> int:
        return os.getpid()

    def die(self, code: int) -> None:
        os._exit(code)

    def kill(self, number: int) -> None:
        os.kill(os.getpid(), number)

    def fail(self) -> None:
        raise InputError("the image", found="nothing", expected="something")

    def break_down(self) -> None:
        raise ZeroDivisionError("by nothing")

    def hang(self, on_progress: Callable[[Any], None]) -> None:
        on_progress("hanging")
        time.sleep(600)


@pytest.fixture
def remote() -> Iterator[Remote]:
    with Remote(Worker, 10) as remote:
        yield remote


def test_the_object_lives_on_between_calls_in_one_process(remote: Remote) -> None:
    assert remote.process_id is None
    assert remote.call("add", 5) == 15
    assert remote.call("add", 5) == 20
    assert remote.call("process") == remote.process_id != os.getpid()


def test_progress_arrives_in_order(remote: Remote) -> None:
    heard: list[int] = []
    assert remote.call("tell", 3, on_progress=heard.append) == "answer"
    assert heard == [0, 1, 2]


def test_an_error_of_ours_keeps_its_words_and_the_process(remote: Remote) -> None:
    first = remote.call("process")
    with pytest.raises(ProposalError, match=r"^the image: found nothing; expected something\.$"):
        remote.call("fail")
    with pytest.raises(ProposalError, match="failed: ZeroDivisionError: by nothing"):
        remote.call("break_down")
    assert remote.call("process") == first


def test_a_factory_that_fails_is_tried_again(remote: Remote) -> None:
    with Remote(Worker, -1) as failing:
        for _ in range(2):
            with pytest.raises(OpeningError, match="start: found -1"):
                failing.call("add", 1)


def test_what_fails_once_it_is_made_is_another_error(remote: Remote) -> None:
    for method in ("fail", "fail", "break_down"):
        with pytest.raises(ProposalError) as caught:
            remote.call(method)
        assert not isinstance(caught.value, OpeningError)


def test_a_process_that_cannot_be_started_is_one_error(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_process: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.context.SpawnProcess.start", refuse)
        with pytest.raises(OpeningError, match=r"could not be started \(Resource temporarily"):
            remote.call("add", 1)
    assert remote.call("add", 1) == 11


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_kill_and_a_crash_are_one_error_and_the_next_call_works(remote: Remote) -> None:
    with pytest.raises(ProposalError, match="was killed, most likely because this computer's mem"):
        remote.call("kill", signal.SIGKILL)
    with pytest.raises(ProposalError, match=r"crashed \(SIGSEGV\)"):
        remote.call("kill", signal.SIGSEGV)
    with pytest.raises(ProposalError, match="ended with exit code 3"):
        remote.call("die", 3)
    assert remote.call("add", 1) == 11
    crash = pytest.raises(OpeningError, match=r"crashed \(SIGABRT\)")
    with Remote(Worker, -2) as crashing, crash:
        crashing.call("add", 1)


def test_a_process_that_died_meanwhile_is_replaced(remote: Remote) -> None:
    first = remote.call("process")
    os.kill(first, signal.SIGTERM)
    wait_until(lambda: not remote._process.is_alive())
    assert remote.call("process") != first


def test_stop_ends_it_at_once_from_another_thread(remote: Remote) -> None:
    stopped: list[float] = []

    def stop(_told: object) -> None:
        def now() -> None:
            stopped.append(time.monotonic())
            remote.stop()

        threading.Thread(target=now).start()

    with pytest.raises(StoppedError):
        remote.call("hang", on_progress=stop)
    assert time.monotonic() - stopped[0] < 120  # where without a stop it would be 600
    assert remote.process_id is None
    assert remote.call("add", 1) == 11


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not wait for process numbers")
def test_many_stops_at_once_are_one(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = os.waitpid

    def slow(*arguments: Any) -> tuple[int, int]:
        answer = waited(*arguments)
        time.sleep(0.02)  # while the end of the process is known to one thread only
        return answer

    monkeypatch.setattr(os, "waitpid", slow)
    for _ in range(3):
        stops = [threading.Thread(target=remote.stop) for _ in range(8)]

        def stop(_told: object, stops: list[threading.Thread] = stops) -> None:
            for each in stops:
                each.start()

        with pytest.raises(StoppedError):
            remote.call("hang", on_progress=stop)
        for each in stops:
            each.join()
        assert remote.process_id is None


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that a process gets to end by itself: more than a slow computer needs to kill it."""
    monkeypatch.setattr(process, "_PATIENCE", 120.0)
    return 120.0


def test_a_call_may_stop_itself(remote: Remote, patient: float) -> None:
    start = time.monotonic()
    with pytest.raises(StoppedError):
        remote.call("hang", on_progress=lambda _progress: remote.stop())
    assert time.monotonic() - start < patient / 2
    assert remote.call("add", 1) == 11


def test_stop_while_it_starts(remote: Remote, patient: float) -> None:
    def stop() -> None:
        while remote.process_id is None:
            time.sleep(0.001)
        remote.stop()

    threading.Thread(target=stop).start()
    start = time.monotonic()
    with pytest.raises(StoppedError):
        remote.call("hang", on_progress=lambda _progress: None)
    assert time.monotonic() - start < patient / 2


def test_an_answer_given_up_is_not_received_by_the_next_call(remote: Remote) -> None:
    def interrupted(_told: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remote.call("tell", 2, on_progress=interrupted)
    assert remote.call("add", 1) == 11


def test_ctrl_c_is_left_to_the_one_who_asked(remote: Remote) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no signals")
    first = remote.call("process")
    os.kill(first, signal.SIGINT)
    assert remote.call("process") == first


def test_leaving_ends_the_process() -> None:
    with Remote(Worker, 0) as remote:
        number = remote.call("process")
    assert remote.process_id is None
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


# --- with a small SAM


def test_sam_makes_the_same_masks_there(checkpoint: Checkpoint, image: NDArray[np.uint8]) -> None:
    heard: list[MaskProgress] = []
    pseudo = np.zeros(image.shape[:2], np.uint8)
    pseudo[:40, :40] = 1
    with Remote(open_sam, checkpoint, "cpu", ALL_MASKS) as remote:
        masks = RemoteMasks(remote).make(image, pseudo, heard.append)
        assert heard[-1].done == heard[-1].total > 0
        here = SamMasks(load_sam(checkpoint, "cpu"), ALL_MASKS)
        assert masks.digest == here.make(image, pseudo).digest
        with pytest.raises(ProposalError, match=r"image: found an array of shape \(2, 2, 9\)"):
            RemoteMasks(remote).make(np.zeros((2, 2, 9), np.uint8))


def test_a_missing_checkpoint_is_reported_by_the_other_process(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    need_sam()
    gone = Checkpoint(checkpoint.model, tmp_path / "gone.pth", "")
    missing = pytest.raises(ProposalError, match=r"^found No such file or directory: .*gone\.pth; ")
    with Remote(open_sam, gone, "cpu", ALL_MASKS) as remote, missing:
        remote.call("make", np.zeros((4, 4), np.uint8))


SHAPE = (60, 80)
SMALL_BATCHES = ALL_MASKS.model_copy(update={"points_per_batch": 4})


@pytest.fixture
def sam_remote(checkpoint: Checkpoint) -> Iterator[Remote]:
    with Remote(open_sam, checkpoint, "cpu", SMALL_BATCHES) as remote:
        yield remote


def test_it_is_stopped_amid_its_points(sam_remote: Remote, image: NDArray[np.uint8]) -> None:
    def stop_at_second_batch(progress: MaskProgress) -> None:
        if progress.done == 8:
            threading.Thread(target=sam_remote.stop).start()
            wait_until(lambda: sam_remote._stopped)

    with pytest.raises(StoppedError):  # also if it was done by then
        RemoteMasks(sam_remote).make(image, None, stop_at_second_batch)
    assert sam_remote.process_id is None
    assert len(RemoteMasks(sam_remote).make(image)) > 0


def test_it_names_its_device(checkpoint: Checkpoint, image: NDArray[np.uint8]) -> None:
    heard: list[str] = []
    with Remote(open_sam, checkpoint, "cpu", SMALL_BATCHES, opened=heard.append) as remote:
        for _ in range(2):
            RemoteMasks(remote).make(image)
    assert len(heard) == 1
    assert heard[0].startswith("the tiny SAM on cpu (")


def folder_of_three(root: Path) -> SampleIndex:
    for folder in ("images", "pseudo"):
        (root / folder).mkdir()
    for seed, stem in enumerate("abc"):
        save_image(root / "images" / f"{stem}.png", blobs(SHAPE, seed))
        save_image(root / "pseudo" / f"{stem}.png", labels_in_a_corner(SHAPE))
    return open_images(root / "images", Role.PSEUDO, pseudo=root / "pseudo")


def test_a_batch_is_gone_on_with(
    sam_remote: Remote, sam: LoadedSam, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    index, out = folder_of_three(tmp_path), tmp_path / "out"
    made_with = made_by_sam(checkpoint, SMALL_BATCHES)

    def go_on(heard: OnProgress) -> list[SampleResult[object]]:
        return list(propose_folder(index, out, RemoteMasks(sam_remote), made_with, told=heard))

    def stop_at_second_image(_progress: MaskProgress) -> None:
        if mask_file(out, "a").exists():
            sam_remote.stop()

    with pytest.raises(StoppedError):
        go_on(stop_at_second_image)
    assert sorted(path.name for path in out.glob("[a-z]*")) == ["a.json"]
    before = mask_file(out, "a").stat().st_mtime_ns
    assert [step.outcome for step in go_on(ignore)] == [Outcome.PRESENT, *[Outcome.SAVED] * 2]
    assert mask_file(out, "a").stat().st_mtime_ns == before
    for seed, stem in enumerate("abc"):
        here = SamMasks(sam, SMALL_BATCHES).make(blobs(SHAPE, seed), labels_in_a_corner(SHAPE))
        assert read_masks(mask_file(out, stem), SHAPE).digest == here.digest
