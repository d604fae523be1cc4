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
    save_palette_png,
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
    ("content", "message"),
    [
        ('{"a": 1}', ["JSON that holds a dict with 'a'", "a list of masks"]),
        ("3", ["a number (3)", "a list of masks"]),
        ('["text"]', ["mask 0", "'text'", "COCO RLE"]),
        ('[{"size": [0, 5], "counts": "05"}]', ["a.json, mask 0", "size [0, 5]"]),
        ('[{"segmentation": [[1, 2, 3, 4, 5, 6]]}]', ["mask 0", "polygons without the size"]),
        ('[{"segmentation": [[1, 2, 3, 4, 5]]}]', ["mask 0", "polygons without the size"]),
        ('[{"segmentation": 7}]', ["mask 0", "found 7", "COCO RLE"]),
        ('[{"size": [2, 2], "counts": [1, 2]}]', ["mask 0", "3 pixels"]),
        ('[{"size": [2, 2], "counts": [4]}, {"size": [2, 3], "counts": [6]}]', ["mask 1", "2 × 3"]),
        ('{"images": [1, 2], "annotations": []}', ["masks of 2 images", "one image"]),
        ('{"images": 5, "annotations": []}', ["images 5", "a list of images"]),
        ('{"annotations": {"a": 1}}', ["annotations that are a dict"]),
        ("[" * 100_000, ["damaged or cut-off", "nested too deeply"]),
        ("", ["damaged or cut-off"]),
        ("\xff", ["damaged or cut-off"]),
    ],
)
def test_other_json_is_reported(tmp_path: Path, content: str, message: list[str]) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("latin-1"))
    with refused(path, *message):
        read_masks(path)


@pytest.mark.parametrize(
    "array",
    [
        DENSE.astype(np.complex64), np.zeros((2, 0, 4), bool), np.zeros((2, 2, 3, 4), bool),
        np.zeros(5, bool), np.array(7),
    ],
)  # fmt: skip
def test_other_stacks_are_reported(tmp_path: Path, array: NDArray[Any]) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)
    with refused(path, f"shape {array.shape} and type {array.dtype}", "shape (N, H, W)"):
        read_masks(path)


def test_masks_of_another_image_are_reported_whatever_their_format(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", DENSE)
    save_json(tmp_path / "a.json", RECORDS)
    save_amg_folder(tmp_path / "a", DENSE)
    for name in ("a.npy", "a.json", "a"):
        with refused(tmp_path / name, "30 × 40", "31 × 40", "the masks of another image?"):
            read_masks(tmp_path / name, (31, 40))


def test_what_masks_are_not_stored_in_is_reported(tmp_path: Path) -> None:
    image = save_image(tmp_path / "a.bmp", DENSE[0])
    with refused(image, "a file ending in '.bmp'", "amg.py"):
        read_masks(image)
    for name in ("gone", "gone.json", "gone.npz", "gone.png", "gone.pkl"):
        with refused(tmp_path / name, "no such file"):
            read_masks(tmp_path / name)


def test_masks_look_unlike_other_things(tmp_path: Path) -> None:
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


def test_a_folder_as_amg_writes_it(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    masks = read_masks(folder, SHAPE)
    assert equal(masks, DENSE)  # 2.png before 10.png
    np.testing.assert_allclose(masks.scores.predicted_iou, np.arange(12) / 1000, atol=1e-6)
    np.testing.assert_array_equal(masks.scores.point[:, 0], np.arange(12) + 0.5)
    np.testing.assert_array_equal(masks.scores.crop_box[11], [0, 0, 40, 30])


def test_the_table_orders_by_id_whatever_the_order_of_its_lines(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    head, *lines = (folder / "metadata.csv").read_text().splitlines()
    (folder / "metadata.csv").write_text("\r\n".join([head, *reversed(lines)]))
    masks = read_masks(folder)
    assert equal(masks, DENSE)
    np.testing.assert_allclose(masks.scores.predicted_iou, np.arange(12) / 1000, atol=1e-6)


def test_a_folder_without_its_table_is_read_without_scores(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    (folder / "metadata.csv").unlink()
    (folder / "overview.png").write_bytes(b"not a mask")
    masks = read_masks(folder, SHAPE)
    assert equal(masks, DENSE)
    assert np.isnan(masks.scores.predicted_iou).all()


def test_columns_that_are_missing_or_empty_are_unknown_scores(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE[:2])
    (folder / "metadata.csv").write_text("id,stability_score,predicted_iou\n0,0.5,\n1,,0.25\n")
    told = read_masks(folder).scores
    np.testing.assert_array_equal(told.stability_score, [0.5, np.nan])
    np.testing.assert_array_equal(told.predicted_iou, [np.nan, 0.25])
    assert np.isnan(told.point).all()


def test_a_table_without_lines_is_no_mask(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE[:0])
    assert len(read_masks(folder, SHAPE)) == 0
    (folder / "metadata.csv").unlink()
    with refused(folder, "no mask"):
        read_masks(folder, SHAPE)


@pytest.mark.parametrize("kind", ["1", "few bits", "one", "seven", "palette", "colours"])
def test_any_value_but_zero_is_mask(tmp_path: Path, kind: str) -> None:
    mask = DENSE[0]
    folder = save_amg_folder(tmp_path / "cat", DENSE[:1])
    path = folder / "0.png"
    if kind == "1":
        save_image(path, mask)
    elif kind == "few bits":
        save_image(path, mask.astype(np.uint8) * 255, bits=4)
    elif kind in ("one", "seven"):
        save_image(path, mask * np.uint8(1 if kind == "one" else 7))
    elif kind == "colours":
        save_image(path, np.repeat(mask.astype(np.uint8)[..., np.newaxis] * 255, 3, axis=2))
    else:
        save_palette_png(path, mask.astype(np.uint8), bytes([0] * 3 + [0, 0, 128]))
    assert equal(read_masks(folder), DENSE[:1])


def test_a_missing_mask_is_named(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    (folder / "7.png").unlink()
    (folder / "9.png").unlink()
    with refused(folder / "7.png", "no such file (2 of 12 masks are missing)", "metadata.csv"):
        read_masks(folder)


def test_a_mask_the_table_does_not_know_is_named(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    save_image(folder / "12.png", DENSE[0])
    with refused(folder / "metadata.csv", "no line for 12.png"):
        read_masks(folder)


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    save_image(folder / "3.png", DENSE[0].T.copy())
    with refused(folder / "3.png", "40 × 30 pixels", "30 × 40 pixels", "0.png"):
        read_masks(folder)


def test_a_mask_in_colours_is_named(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE)
    colours = np.zeros((*SHAPE, 3), np.uint8)
    colours[3, 4] = 255, 0, 0
    save_image(folder / "3.png", colours)
    with refused(folder / "3.png", "mode RGB", "black and white"):
        read_masks(folder)
    save_image(folder / "3.png", np.zeros((*SHAPE, 4), np.uint8))
    with refused(folder / "3.png", "transparent pixels", "black and white"):
        read_masks(folder)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", ["None", "a column named id"]),
        ("number,area\n0,3\n", ["['number', 'area']", "a column named id"]),
        ("id,predicted_iou\n0,high\n", ["line 2", "could not convert", "'high'"]),
        ("id,predicted_iou\n0,0.5\nx,0.5\n", ["line 3", "'x'"]),
        ("id,predicted_iou\n0,0.5\n0,0.5\n", ["line 3", "mask 0 again"]),
        ('id,predicted_iou\n0,"0.5\n', ["unexpected end of data"]),
        ("id,predicted_iou\n\xff", ["utf-8"]),
    ],
)
def test_a_damaged_table_is_reported(tmp_path: Path, table: str, message: list[str]) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE[:1])
    (folder / "metadata.csv").write_bytes(table.encode("latin-1"))
    with refused(folder / "metadata.csv", *message):
        read_masks(folder)


def test_the_real_masks_of_the_truck(shared_data: Path) -> None:
    folder = shared_data / "truck" / "masks_amg"
    assert looks_like_masks(folder)
    masks = read_masks(folder, (1200, 1800))
    areas = np.loadtxt(folder / "metadata.csv", delimiter=",", skiprows=1, usecols=1)
    np.testing.assert_array_equal(masks.areas, areas)
    assert len(masks) == 47
    assert masks.scores.predicted_iou[0] == np.float32(1.0317078828811646)
    assert masks.scores.stability_score[46] > 0.9
    np.testing.assert_array_equal(masks.scores.point[1], [703.125, 318.75])
    np.testing.assert_array_equal(masks.scores.crop_box[46], [0, 0, 1800, 1200])
