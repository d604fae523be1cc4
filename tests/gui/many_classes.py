"""Samples of different classes on disk, for the scan to find."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.files.dataset.specification import DatasetSpec
from tests.document.drawing import SHAPE, save_pets

BIRD, PERSON = 3, 15
CLASSES = [(8, 12), (8, 12), (8, 12), (8, 12), (), (BIRD, PERSON), (BIRD,)]
IDS = [f"s{number}" for number in range(1, 8)]


def make_dataset(root: Path) -> DatasetSpec:
    """Make seven samples s1 to s7 of different classes."""
    pseudo = dict[str, NDArray[np.uint8] | None]()
    for name, class_ids in zip(IDS, CLASSES, strict=True):
        labels = pseudo[name] = np.zeros(SHAPE, np.uint8)
        for place, class_id in enumerate(class_ids):
            labels[10 * place : 10 * place + 8, 5:20] = class_id
    return save_pets(root, pseudo)
