import numpy as np

from napari_sepl.document.regions import regions_at, regions_within
from tests.document.drawing import SHAPE, cat_and_dog


def test_regions_are_listed_from_part_to_whole() -> None:
    inputs = cat_and_dog()
    assert regions_at(inputs, 6, 6) == [1, 0, -8]
    assert regions_at(inputs, 22, 22) == [0]
    assert regions_at(inputs, 37, 2) == [3]
    assert regions_at(inputs, 0, 0) == []
    assert regions_at(inputs, -1, 5) == regions_at(inputs, 40, 5) == []


def test_a_lasso_picks_masks_that_lie_nine_tenths_inside() -> None:
    inputs = cat_and_dog()
    inside = np.zeros(SHAPE, bool)
    inside[:, :23] = True  # 360 of the 400 pixels of mask 0
    assert regions_within(inputs, inside) == [0, 1, 3]
    inside[24, 22] = False
    assert regions_within(inputs, inside) == [1, 3]
    assert regions_within(inputs, np.zeros(SHAPE, bool)) == []
