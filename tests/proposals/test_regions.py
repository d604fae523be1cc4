"""Regions cover the image at every scale, and do no harm to real pseudo-labels."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from skimage.segmentation import felzenszwalb

from napari_sepl import enhance
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.files.images import read_image
from napari_sepl.files.labels import read_labels
from napari_sepl.proposals.maker import MaskProgress
from napari_sepl.proposals.regions import RegionMasks, RegionSettings
from tests.messages import raises_input_error
from tests.proposals.conftest import blobs, dense


@pytest.mark.parametrize("shape", [(60, 80), (80, 60), (5, 40)])
def test_each_scale_covers_the_image_once(shape: tuple[int, int]) -> None:
    image = blobs(shape)
    for scale in (10.0, 200.0):
        regions = felzenszwalb(image, scale=scale, min_size=20)
        masks = dense(RegionMasks(RegionSettings(scales=(scale,))).make(image))
        assert len(masks) >= regions.max() + 1
        masks = masks[: regions.max() + 1]
        np.testing.assert_array_equal(np.argmax(masks, axis=0), regions)
        assert (masks.sum(axis=0) == 1).all()


def test_scales_follow_each_other_and_no_region_comes_twice() -> None:
    image = blobs((60, 80))
    heard: list[MaskProgress] = []
    both = RegionMasks(RegionSettings(scales=(10, 200))).make(image, on_progress=heard.append)
    single = [RegionMasks(RegionSettings(scales=(s,))).make(image) for s in (10, 200)]
    every = [mask.tobytes() for masks in single for mask in dense(masks)]
    assert [mask.tobytes() for mask in dense(both)] == list(dict.fromkeys(every))
    assert [(progress.done, progress.total) for progress in heard] == [(1, 2), (2, 2)]
    twice = RegionMasks(RegionSettings(scales=(10, 10))).make(image)
    assert twice.digest == single[0].digest


def test_an_object_whose_rim_is_a_region_of_its_own_is_found_whole() -> None:
    image = np.full((40, 60, 3), 90, np.uint8)
    image[10:30, 20:50] = (200, 60, 60)
    image[0:5] = (20, 200, 20)  # at the edge: no hole of what lies around it
    masks = dense(RegionMasks().make(image))
    whole = np.zeros((40, 60), np.bool_)
    whole[10:30, 20:50] = True
    assert max((mask & whole).sum() / (mask | whole).sum() for mask in masks) > 0.9


def test_grey_images_have_regions_and_settings_have_bounds() -> None:
    grey = blobs((60, 80))[..., 0]
    assert len(RegionMasks().make(grey)) > 1
    with raises_input_error("image", found="an array"):
        RegionMasks().make(np.zeros((4, 5), np.float32))
    for wrong in ({"scales": ()}, {"smallest": 0}, {"depth": 1}):
        with pytest.raises(ValidationError):
            RegionSettings.model_validate(wrong)


@pytest.mark.parametrize("step", [12, pytest.param(3, marks=pytest.mark.long)])
def test_they_do_no_harm_to_published_pseudo_labels(shared_data: Path, step: int) -> None:
    """On some of the images, for time; `studies.regions` measures all."""
    voc = shared_data / "voc"
    before = after = Confusion(np.zeros((256, 256), np.int64))
    for name in (voc / "train120.txt").read_text().split()[::step]:
        pseudo = read_labels(voc / "pseudo_transcam" / f"{name}.png")
        truth = read_labels(voc / "SegmentationClass" / f"{name}.png")
        masks = RegionMasks().make(read_image(voc / "JPEGImages" / f"{name}.jpg"))
        before += Confusion.of(pseudo, truth)
        after += Confusion.of(enhance(pseudo, masks), truth)
    assert np.nanmean(after.iou) >= np.nanmean(before.iou)
