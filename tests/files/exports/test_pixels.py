"""Formats that hold pixels hold each of them; polygons lose what is told."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_sepl.core.analysis.provenance import SoftLabels
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.polygons import Holes, Instances, find_segments
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import ExportSettings, Labelled
from tests.core.cases import quick
from tests.files.exports.reading import (
    LABELS,
    Labels,
    coco_labels,
    encode,
    labelme_labels,
    yolo_labels,
)

ANY = st.sampled_from(Instances)


def without_ignore(labels: Labels) -> Labels:
    return np.where(labels == 255, np.uint8(0), labels)


def only(files: Mapping[str, bytes]) -> bytes:
    (content,) = files.values()
    return content


@quick
@given(LABELS)
def test_palette_and_grey_pngs_and_arrays(labels: Labels) -> None:
    with Image.open(io.BytesIO(only(encode(labels, "voc").encoded.files))) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), labels)
        assert image.getpalette() == VOC.palette().ravel().tolist()
    with Image.open(io.BytesIO(only(encode(labels, "png").encoded.files))) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), labels)
    made = encode(labels, "folders").encoded
    assert list(made.files) == ["masks/train/cat.png"]
    with Image.open(io.BytesIO(only(made.files))) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), labels)
    array = np.load(io.BytesIO(only(encode(labels, "npy").encoded.files)), allow_pickle=False)
    assert array.dtype == np.uint8
    assert np.array_equal(array, labels)


@quick
@given(LABELS, ANY)
def test_coco_run_lengths(labels: Labels, instances: Instances) -> None:
    made = encode(labels, "coco", instances=instances)
    content = json.loads(only(made.whole()))
    assert made.encoded.drawn is None
    expected = without_ignore(labels)
    assert np.array_equal(coco_labels(content, {k: k for k in range(1, 21)}), expected)
    segments = find_segments(labels, instances)
    areas = sorted((one.class_id, one.area) for one in segments)
    told = sorted((one["category_id"], one["area"]) for one in content["annotations"])
    assert told == areas


@quick
@given(LABELS, ANY, st.sampled_from(Holes), st.sampled_from((0.0, 1.0)))
def test_coco_polygons(labels: Labels, instances: Instances, holes: Holes, off: float) -> None:
    choices: dict[str, Any] = {"instances": instances, "holes": holes, "tolerance": off}
    made = encode(labels, "coco-polygons", **choices)
    content = json.loads(only(made.whole()))
    assert made.encoded.drawn is not None
    read = coco_labels(content, {k: k for k in range(1, 21)})
    assert np.array_equal(read, made.encoded.drawn)
    if holes is Holes.CUT and not off:
        assert np.array_equal(read, without_ignore(labels))


@quick
@given(LABELS, ANY, st.sampled_from(Holes), st.sampled_from((0.0, 1.0)))
def test_labelme_polygons(labels: Labels, instances: Instances, holes: Holes, off: float) -> None:
    choices: dict[str, Any] = {"instances": instances, "holes": holes, "tolerance": off}
    made = encode(labels, "labelme", **choices)
    read = labelme_labels(only(made.encoded.files), only(made.whole()))
    assert made.encoded.drawn is not None
    assert np.array_equal(read, made.encoded.drawn)
    if holes is Holes.CUT and not off:
        assert np.array_equal(read, labels)  # ignore too


@quick
@given(LABELS, ANY)
def test_labelme_masks(labels: Labels, instances: Instances) -> None:
    made = encode(labels, "labelme-masks", instances=instances)
    read = labelme_labels(only(made.encoded.files), only(made.whole()))
    assert np.array_equal(read, labels)


@quick
@given(LABELS, ANY, st.sampled_from(Holes), st.sampled_from((0.0, 1.0)))
def test_yolo_polygons(labels: Labels, instances: Instances, holes: Holes, off: float) -> None:
    choices: dict[str, Any] = {"instances": instances, "holes": holes, "tolerance": off}
    made = encode(labels, "yolo", **choices)
    read = yolo_labels(only(made.encoded.files), labels.shape)
    assert made.encoded.drawn is not None
    assert np.array_equal(read, made.encoded.drawn)
    if holes is Holes.CUT and not off:
        assert np.array_equal(read, without_ignore(labels))


def test_filled_holes_are_a_loss_and_what_lies_in_them_stays() -> None:
    labels = np.full((9, 9), 1, np.uint8)
    labels[2:7, 2:7] = 0
    labels[4, 4] = 2
    for name in ("coco-polygons", "yolo", "labelme"):
        made = encode(labels, name, holes=Holes.FILL)
        assert made.encoded.drawn is not None
        assert np.count_nonzero(made.encoded.drawn == 1) == 80
        assert made.encoded.drawn[4, 4] == 2


@quick
@given(LABELS)
def test_soft_labels(labels: Labels) -> None:
    class_ids = np.array([0, 3], np.uint8)
    soft = SoftLabels(class_ids, np.full((2, *labels.shape), 0.5, np.float16))
    settings = ExportSettings(format="soft")
    sample = Labelled("cat", labels, VOC, soft=soft)
    encoded = EXPORT_FORMATS["soft"].encode(sample, settings)
    with np.load(io.BytesIO(only(encoded.files)), allow_pickle=False) as archive:
        assert np.array_equal(archive["labels"], labels)
        assert np.array_equal(archive["class_ids"], class_ids)
        assert archive["probabilities"].dtype == np.float16
        assert np.array_equal(archive["probabilities"], soft.probabilities)


@pytest.mark.parametrize("name", [name for name in EXPORT_FORMATS if name != "soft"])
def test_the_same_labels_give_the_same_bytes(name: str) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (20, 30)).astype(np.uint8)
    first, second = encode(labels, name).encoded, encode(labels, name).encoded
    assert first.files == second.files
    assert first.entry == second.entry


@quick
@given(LABELS)
def test_opencv_fills_yolos_polygons_to_the_pixel(labels: Labels) -> None:
    cv2 = pytest.importorskip("cv2")  # what ultralytics draws with
    content = only(encode(labels, "yolo").encoded.files)
    drawn = np.zeros(labels.shape, np.uint8)
    for line in content.decode("ascii").splitlines():
        class_id, *shares = line.split()
        points = np.array(shares, np.float64).reshape(-1, 2) * labels.shape[::-1]
        cv2.fillPoly(drawn, [points.astype(np.int32)], int(class_id) + 1)
    assert np.array_equal(drawn, without_ignore(labels))
