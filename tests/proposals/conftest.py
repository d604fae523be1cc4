"""A small SAM on the disk and in memory."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.proposals.models import SamSettings
from napari_sepl.proposals.weights import Checkpoint, LoadedSam, load_sam
from tests.proposals.tiny_sam import need_sam, save_tiny

ALL_MASKS = SamSettings(
    points_per_side=6, pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=0.95
)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    need_sam()
    return save_tiny(tmp_path_factory.mktemp("weights") / "tiny.pth", seed=2)


@pytest.fixture(scope="session")
def sam(checkpoint: Checkpoint) -> LoadedSam:
    return load_sam(checkpoint, "cpu")


@pytest.fixture
def image() -> NDArray[np.uint8]:
    """An image of soft blobs."""
    return blobs((90, 120))


def blobs(shape: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros((*shape, 3))
    for _ in range(12):
        row, col, size = rng.random() * shape[0], rng.random() * shape[1], rng.integers(5, 30)
        inside = (rows - row) ** 2 + (cols - col) ** 2 < size**2
        image[inside] = rng.integers(0, 255, 3)
    return (image + rng.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8)


def labels_in_a_corner(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Pseudo-labels of two classes in a fifth of the image."""
    labels = np.zeros(shape, np.uint8)
    labels[: (shape[0] + 1) // 2, : shape[1] // 5] = 3
    labels[: shape[0] // 4, shape[1] // 5 : 3 * shape[1] // 5] = 7
    labels[-1, -1] = 255
    return labels


def dense(masks: Any) -> NDArray[np.bool_]:
    return np.array([masks.decode(index) for index in range(len(masks))], np.bool_)
