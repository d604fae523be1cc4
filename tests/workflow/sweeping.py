"""A small dataset whose labels depend on both thresholds."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl import MaskSet
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from tests.files.making import save_image

IDS = ("a2", "a10", "b", "c")
SHAPE = (30, 40)


def rectangles(rng: np.random.Generator, *values: int) -> NDArray[np.uint8]:
    """Return a map with a rectangle of each value, the last on top."""
    drawn = np.zeros(SHAPE, np.uint8)
    for value in values:
        row, col, height, width = rng.integers([0, 0, 5, 5], [20, 25, 20, 25])
        drawn[row : row + height, col : col + width] = value
    return drawn


def write_samples(root: Path, ids: Sequence[str] = IDS) -> DatasetSpec:
    """Write samples of three classes, each with ground truth."""
    for role in ("images", "pseudo", "masks", "ground_truth"):
        (root / role).mkdir(parents=True)
    for seed, sample_id in enumerate(ids):
        rng = np.random.default_rng(seed)
        masks = np.array([rectangles(rng, 1) for _ in range(15)])
        save_image(root / "images" / f"{sample_id}.png", rectangles(rng, 99))
        save_image(root / "pseudo" / f"{sample_id}.png", rectangles(rng, 8, 12, 255))
        save_image(root / "ground_truth" / f"{sample_id}.png", rectangles(rng, 12, 8, 15, 255))
        write_masks(root / "masks" / f"{sample_id}.json", MaskSet.from_dense(masks))
    roles = ("images", "pseudo", "masks", "ground_truth", "out")
    return DatasetSpec(**{role: root / role for role in roles})


def options(spec: DatasetSpec, *roles: str) -> list[object]:
    """Return the options of a command that name some folders of a dataset."""
    return [word for role in roles for word in (f"--{role.replace('_', '-')}", getattr(spec, role))]


def read_table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))
