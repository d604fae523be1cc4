import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pycocotools import mask as coco

from napari_sepl import MaskSet
from napari_sepl.core.masks.mask_set import MaskScores
from napari_sepl.files.masks import looks_like_masks, read_masks, write_masks
from tests.files.making import (
    SHAPE,
    equal,
    random_masks,
    refused,
    save_amg_folder,
    save_image,
    save_json,
)
from tests.messages import raises_input_error

DENSE = random_masks(12)
RECORDS = [{"segmentation": rle} for rle in MaskSet.from_dense(DENSE).to_rle()]

scores = hnp.arrays(
    np.float32, 3, elements=st.floats(-2, 2, width=32) | st.sampled_from([np.nan, np.inf])
)


@settings(deadline=None)
@given(
    dense=hnp.arrays(np.bool_, (3, 7, 5)), ious=scores, points=hnp.arrays(
        np.float32, (3, 2), elements=st.floats(0, 4000, width=32) | st.just(np.nan)
    )
)  # fmt: skip
def test_masks_written_and_read_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    dense: NDArray[np.bool_],
    ious: NDArray[np.float32],
    points: NDArray[np.float32],
) -> None:
    path = tmp_path_factory.mktemp("m") / "a.json"
    unknown = MaskScores.unknown(3)
    told = MaskScores(ious, unknown.stability_score, points, unknown.crop_box)
    write_masks(path, MaskSet.from_dense(dense, scores=told))
    masks = read_masks(path, (7, 5))
    assert equal(masks, dense)
    np.testing.assert_array_equal(
        masks.scores.predicted_iou, np.where(np.isfinite(ious), ious, np.nan)
    )
    whole = np.isfinite(points).all(axis=1, keepdims=True)
    np.testing.assert_array_equal(masks.scores.point, np.where(whole, points, np.nan))
    assert np.isnan(masks.scores.stability_score).all()
    assert np.isnan(masks.scores.crop_box).all()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_the_json_is_as_amg_writes_it_and_pycocotools_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    known = {"predicted_iou": 0.9207, "point_coords": [[3.5, 2.0]], "crop_box": [0, 0, 40, 30]}
    told = MaskScores.from_records([known, {"stability_score": 0.5}])
    masks = np.zeros((2, *SHAPE), np.bool_)
    masks[0, 4:9, 20:33] = masks[1, 29, 39] = True
    write_masks(path, MaskSet.from_dense(masks, scores=told))
    first, second = json.loads(path.read_text())
    np.testing.assert_array_equal(coco.decode(first["segmentation"]), masks[0])
    assert first["area"] == 5 * 13
    assert first["bbox"] == coco.toBbox(first["segmentation"]).tolist() == [20, 4, 13, 5]
    assert first["predicted_iou"] == 0.9207
    assert first["point_coords"] == [[3.5, 2.0]]
    assert first["crop_box"] == [0, 0, 40, 30]
    assert set(second) == {"segmentation", "area", "bbox", "stability_score"}


@pytest.mark.parametrize(
    "content",
    [
        RECORDS,
        [record["segmentation"] for record in RECORDS],
        {"image": {"height": 30, "width": 40}, "annotations": RECORDS},
        {"images": [{"id": 1}], "annotations": RECORDS},
    ],
)
def test_every_layout_of_json(tmp_path: Path, content: object) -> None:
    assert equal(read_masks(save_json(tmp_path / "a.json", content), SHAPE), DENSE)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int32])
def test_stacks(tmp_path: Path, dtype: type[Any]) -> None:
    stack = DENSE.astype(dtype) * 200
    np.save(tmp_path / "a.npy", stack)
    np.savez_compressed(tmp_path / "b.npz", stack)
    np.savez(tmp_path / "c.npz", other=np.zeros(2), masks=stack)
    for name in ("a.npy", "b.npz", "c.npz"):
        assert equal(read_masks(tmp_path / name, SHAPE), DENSE)


@pytest.mark.parametrize("content", [[], {"annotations": []}])
def test_an_empty_list_is_no_mask_of_the_images_size(tmp_path: Path, content: object) -> None:
    path = save_json(tmp_path / "a.json", content)
    masks = read_masks(path, SHAPE)
    assert (len(masks), masks.shape) == (0, SHAPE)
    with refused(path, "no mask", "or the image's shape"):
        read_masks(path)


def test_an_empty_stack_is_no_mask(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", DENSE[:0])
    assert len(read_masks(tmp_path / "a.npy", SHAPE)) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"a": 1}', ["JSON that holds a dict", "a list of masks"]),
        ("3", ["JSON that holds a int"]),
        ('["text"]', ["mask 0", "'text'", "COCO RLE"]),
        ('[{"size": [0, 5], "counts": "05"}]', ["a.json, mask 0", "size [0, 5]"]),
        ('[{"segmentation": [[1, 2, 3, 4, 5, 6]]}]', ["mask 0", "COCO RLE"]),
        ('[{"size": [2, 2], "counts": [1, 2]}]', ["mask 0", "3 pixels"]),
        ('[{"size": [2, 2], "counts": [4]}, {"size": [2, 3], "counts": [6]}]', ["mask 1", "2 × 3"]),
        ('{"images": [1, 2], "annotations": []}', ["masks of 2 images", "one image"]),
        ('{"images": 5, "annotations": []}', ["damaged"]),
        ('{"annotations": {"a": 1}}', ["JSON that holds a dict"]),
        ("[" * 100_000, ["damaged or cut-off", "nested too deeply"]),
        ("", ["damaged or cut-off"]),
        ("\xff", ["damaged or cut-off"]),
    ],
)
def test_other_json_is_told(tmp_path: Path, content: str, told: list[str]) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("latin-1"))
    with refused(path, *told):
        read_masks(path)


@pytest.mark.parametrize(
    "array", [DENSE[0], DENSE.astype(np.float32), DENSE[np.newaxis], np.zeros((2, 0, 4), bool)]
)
def test_other_stacks_are_told(tmp_path: Path, array: NDArray[Any]) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)
    with refused(path, f"shape {array.shape} and type {array.dtype}", "shape (N, H, W)"):
        read_masks(path)


def test_masks_of_another_image_are_told_whatever_their_format(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", DENSE)
    save_json(tmp_path / "a.json", RECORDS)
    save_amg_folder(tmp_path / "a", DENSE)
    for name in ("a.npy", "a.json", "a"):
        with refused(tmp_path / name, "30 × 40", "31 × 40", "the masks of another image?"):
            read_masks(tmp_path / name, (31, 40))


def test_what_masks_are_not_stored_in_is_told(tmp_path: Path) -> None:
    image = save_image(tmp_path / "a.png", DENSE[0])
    with refused(image, "a file ending in '.png'", "amg.py"):
        read_masks(image)
    for name in ("gone", "gone.json", "gone.npz"):
        with refused(tmp_path / name, "no such file"):
            read_masks(tmp_path / name)


def test_masks_are_told_from_other_things_by_a_glance(tmp_path: Path) -> None:
    assert looks_like_masks(save_amg_folder(tmp_path / "cat", DENSE))
    (tmp_path / "cat" / "metadata.csv").unlink()
    assert looks_like_masks(tmp_path / "cat")
    (tmp_path / "cat" / "0.png").unlink()
    assert not looks_like_masks(tmp_path / "cat")
    write_masks(tmp_path / "a.json", MaskSet.from_dense(DENSE))
    assert looks_like_masks(tmp_path / "a.json")
    assert looks_like_masks(save_json(tmp_path / "b.json", [RECORDS[0]["segmentation"]]))
    (tmp_path / "a.json").rename(tmp_path / "a.txt")
    assert not looks_like_masks(tmp_path / "a.txt")
    assert not looks_like_masks(save_json(tmp_path / "c.json", {"answer": 42}))
    assert not looks_like_masks(tmp_path / "gone.json")


@pytest.mark.parametrize("wrong", range(3))
def test_the_mask_that_does_not_fit_the_image_is_named(tmp_path: Path, wrong: int) -> None:
    records = [{"size": [2, 2], "counts": [4]} for _ in range(3)]
    records[wrong] = {"size": [4, 1], "counts": [4]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records))
    with raises_input_error(f"{path}, mask {wrong}", found="4 × 1", expected="2 × 2"):
        read_masks(path, (2, 2))
    with raises_input_error(f"{path}, mask {1 if wrong == 0 else 0}", expected="4 × 1"):
        read_masks(path, (4, 1))
