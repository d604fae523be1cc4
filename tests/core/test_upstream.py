"""Something changed upstream: what this package trusts of others still holds."""

import numpy as np
from pycocotools import mask as coco

from tests.core.drawing import mask
from tests.core.masks.reference import coco_decode, coco_encode

DRAWN = mask("..##...", ".####..", ".####.#", "......#")
TEXT = "5211001O50"


def test_pycocotools_encodes_a_known_mask_to_the_known_text() -> None:
    assert coco_encode(DRAWN) == {"size": [4, 7], "counts": TEXT}


def test_pycocotools_decodes_the_known_text() -> None:
    np.testing.assert_array_equal(coco_decode([{"size": [4, 7], "counts": TEXT}])[0], DRAWN)


def test_pycocotools_leaves_out_a_trailing_zero() -> None:
    packed = coco.frPyObjects({"size": [2, 2], "counts": [2, 2]}, 2, 2)
    assert packed["counts"] == coco.encode(np.asfortranarray([[0, 1], [0, 1]], np.uint8))["counts"]
