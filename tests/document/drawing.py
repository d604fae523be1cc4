"""A small image whose right answers can be seen."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks

SHAPE = (40, 60)


def cat_and_dog(*, truth: bool = False, sample_id: str = "pets") -> Inputs:
    """A cat (8) on the left, a dog (12) on the right.

    Mask 0 is the whole cat (o_s 0.5625, o_p 1), mask 1 its head (o_s 1), mask 2 the dog
    (o_s 0.4, o_p 1), mask 3 lies on background, mask 4 has no pixel.
    """
    pseudo = np.zeros(SHAPE, np.uint8)
    pseudo[5:20, 5:20] = 8
    pseudo[10:20, 40:48] = 12
    masks = np.zeros((5, *SHAPE), bool)
    masks[0, 5:25, 5:25] = True
    masks[1, 5:10, 5:20] = True
    masks[2, 10:30, 40:50] = True
    masks[3, 35:40, :10] = True
    true_labels = np.zeros(SHAPE, np.uint8)
    true_labels[5:25, 5:25] = 8
    true_labels[10:30, 40:50] = 12
    image = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    return Inputs(
        sample_id,
        image,
        pseudo,
        MaskSet.from_dense(masks),
        VOC,
        true_labels if truth else None,
        {"image": "i", "pseudo": "p", "masks": "m"},
    )


def save_pets(root: Path, pseudo: dict[str, NDArray[np.uint8] | None]) -> DatasetSpec:
    """Save the cat and the dog as samples, each with its own pseudo-labels or, for None, theirs."""
    inputs = cat_and_dog()
    spec = DatasetSpec(**{role: root / role for role in ("images", "pseudo", "masks", "out")})
    for sample_id, labels in pseudo.items():
        for role, array in (("images", inputs.image), ("pseudo", labels)):
            path = root / role / f"{sample_id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(inputs.pseudo if array is None else array).save(path)
        path = root / "masks" / f"{sample_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_masks(path, inputs.masks)
    return spec
