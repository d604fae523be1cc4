"""A small SAM in a process of its own: killed from outside, stopped, and a batch gone on with."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.masks import mask_file, read_masks
from napari_sepl.proposals.maker import (
    MaskProgress,
    OnProgress,
    ProposalError,
    StoppedError,
    ignore,
)
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.sam import SamMasks, open_sam
from napari_sepl.proposals.weights import Checkpoint, LoadedSam
from napari_sepl.workflow.masks.propose import propose_folder
from napari_sepl.workflow.masks.record import made_by_sam
from napari_sepl.workflow.outcome import Outcome, Step
from tests.files.dataset.opening import open_images
from tests.files.making import save_picture
from tests.proposals.conftest import ALL_MASKS, blobs, labels_in_a_corner
from tests.proposals.needs import need_sam

need_sam()

SHAPE = (60, 80)
SMALL_BATCHES = ALL_MASKS.model_copy(update={"points_per_batch": 4})


@pytest.fixture
def remote(checkpoint: Checkpoint) -> Iterator[Remote]:
    with Remote(open_sam, checkpoint, "cpu", SMALL_BATCHES) as remote:
        yield remote


def at_second_batch(action: Callable[[], object]) -> Callable[[MaskProgress], None]:
    """Return what does something once, when a process tells of its second batch of points."""

    def told(progress: MaskProgress) -> None:
        if progress.done == 8:
            action()

    return told


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_killed_by_somebody_else_it_is_one_error_and_the_next_call_works(
    remote: Remote, sam: LoadedSam, picture: NDArray[np.uint8]
) -> None:
    def kill() -> None:
        assert remote.process_id is not None
        os.kill(remote.process_id, signal.SIGKILL)

    with pytest.raises(ProposalError, match="was killed, most likely because this computer's mem"):
        RemoteMasks(remote).make(picture, None, at_second_batch(kill))
    assert remote.process_id is None
    masks = RemoteMasks(remote).make(picture)
    assert masks.digest == SamMasks(sam, SMALL_BATCHES).make(picture).digest


def test_it_is_stopped_amid_its_points(remote: Remote, picture: NDArray[np.uint8]) -> None:
    def stop() -> None:
        stopping = threading.Thread(target=remote.stop)
        stopping.start()
        while not remote._stopped:
            time.sleep(0.001)

    with pytest.raises(StoppedError):  # also if it was done by then
        RemoteMasks(remote).make(picture, None, at_second_batch(stop))
    assert remote.process_id is None
    assert len(RemoteMasks(remote).make(picture)) > 0


def test_it_tells_where_it_computes(checkpoint: Checkpoint, picture: NDArray[np.uint8]) -> None:
    heard: list[str] = []
    with Remote(open_sam, checkpoint, "cpu", SMALL_BATCHES, opened=heard.append) as remote:
        for _ in range(2):
            RemoteMasks(remote).make(picture)
    assert len(heard) == 1
    assert heard[0].startswith("the tiny SAM on cpu (")


def folder_of_three(root: Path) -> SampleIndex:
    for folder in ("images", "pseudo"):
        (root / folder).mkdir()
    for seed, stem in enumerate("abc"):
        save_picture(root / "images" / f"{stem}.png", blobs(SHAPE, seed))
        save_picture(root / "pseudo" / f"{stem}.png", labels_in_a_corner(SHAPE))
    return open_images(root / "images", Role.PSEUDO, pseudo=root / "pseudo")


def test_a_batch_is_gone_on_with(
    remote: Remote, sam: LoadedSam, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    index, out = folder_of_three(tmp_path), tmp_path / "out"
    made_with = made_by_sam(checkpoint, SMALL_BATCHES)

    def go_on(told: OnProgress) -> list[Step]:
        return list(propose_folder(index, out, RemoteMasks(remote), made_with, told=told))

    def stop_at_second_image(_progress: MaskProgress) -> None:
        if mask_file(out, "a").exists():
            remote.stop()

    with pytest.raises(StoppedError):
        go_on(stop_at_second_image)
    assert sorted(path.name for path in out.glob("[a-z]*")) == ["a.json"]
    before = mask_file(out, "a").stat().st_mtime_ns
    assert [step.outcome for step in go_on(ignore)] == [Outcome.PRESENT, *[Outcome.SAVED] * 2]
    assert mask_file(out, "a").stat().st_mtime_ns == before
    for seed, stem in enumerate("abc"):
        here = SamMasks(sam, SMALL_BATCHES).make(blobs(SHAPE, seed), labels_in_a_corner(SHAPE))
        assert read_masks(mask_file(out, stem), SHAPE).digest == here.digest
