"""Samples of different classes on disk, for the scan to find."""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from tests.document.drawing import cat_and_dog

BIRD, PERSON = 3, 15
CLASSES = [(8, 12), (8, 12), (8, 12), (8, 12), (), (BIRD, PERSON), (BIRD,)]
IDS = [f"s{number}" for number in range(1, 8)]


def make_dataset(root: Path) -> DatasetSpec:
    """Make seven samples s1 to s7 of different classes."""
    inputs = cat_and_dog()
    folders = {name: root / name for name in ("images", "pseudo", "masks")}
    for folder in folders.values():
        folder.mkdir()
    for name, class_ids in zip(IDS, CLASSES, strict=True):
        pseudo = np.zeros_like(inputs.pseudo)
        for place, class_id in enumerate(class_ids):
            pseudo[10 * place : 10 * place + 8, 5:20] = class_id
        Image.fromarray(pseudo).save(folders["pseudo"] / f"{name}.png")
        Image.fromarray(inputs.image).save(folders["images"] / f"{name}.png")
        write_masks(folders["masks"] / f"{name}.json", inputs.masks)
    return DatasetSpec(**folders, out=root / "out")
