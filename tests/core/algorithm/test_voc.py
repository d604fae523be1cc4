"""120 real images with simulated masks, pixel for pixel against the plain version."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from tests.core.masks.reference import coco_decode
from tests.core.naive import naive_enhance

VOC = Path(__file__).parents[4] / "shared" / "data" / "voc"
IDS = (VOC / "train120.txt").read_text().split() if VOC.is_dir() else []
SETTINGS = [
    Params(t1=t1, t2=t2, strategy=strategy, conflict=conflict)
    for strategy in Strategy
    for conflict in Conflict
    for t1, t2 in [(0.5, 0.85), (0.3, 0.4)]
]
DEFAULTS = [params for params in SETTINGS if params.t1 == 0.5]
FEW = IDS[::24]
"""The plain version takes seconds for an image: only these are compared in each run of CI."""


def test_the_images_are_here() -> None:
    if not IDS:
        pytest.skip(f"no PASCAL VOC images in {VOC}")
    assert len(IDS) == 120


@pytest.mark.parametrize(
    "image_id",
    [name if name in FEW else pytest.param(name, marks=pytest.mark.long) for name in IDS],
)
def test_as_naive(image_id: str) -> None:
    pseudo = np.array(Image.open(VOC / "pseudo_transcam" / f"{image_id}.png"))
    records = json.loads((VOC / "masks_simulated" / f"{image_id}.json").read_text())
    dense = coco_decode([record["segmentation"] for record in records])
    overlap = measure_overlap(pseudo, MaskSet.from_rle(records))
    for params in SETTINGS if image_id in FEW else DEFAULTS:
        enhanced = paint(overlap, assign(overlap, params), params)
        assert np.array_equal(enhanced, naive_enhance(pseudo, dense, params)), params
