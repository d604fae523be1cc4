from pathlib import Path

import numpy as np
import pytest

from napari_sepl.files.masks import looks_like_masks, read_masks
from tests.files.making import (
    SHAPE,
    equal,
    random_masks,
    refused,
    save_amg_folder,
    save_image,
    save_palette_png,
)

DENSE = random_masks(12)


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


@pytest.mark.parametrize("kind", ["1", "few bits", "values", "palette"])
def test_any_value_but_zero_is_mask(tmp_path: Path, kind: str) -> None:
    mask = DENSE[0]
    folder = save_amg_folder(tmp_path / "cat", DENSE[:1])
    path = folder / "0.png"
    if kind == "1":
        save_image(path, mask)
    elif kind == "few bits":
        save_image(path, mask.astype(np.uint8) * 255, bits=4)
    elif kind == "values":
        save_image(path, mask * np.arange(1, 41, dtype=np.uint8))
    else:
        save_palette_png(path, mask.astype(np.uint8), bytes([255] * 3 + [0] * 3))
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
    save_image(folder / "3.png", np.zeros((*SHAPE, 3), np.uint8))
    with refused(folder / "3.png", "mode RGB", "black and white"):
        read_masks(folder)


@pytest.mark.parametrize(
    ("table", "told"),
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
def test_a_damaged_table_is_told(tmp_path: Path, table: str, told: list[str]) -> None:
    folder = save_amg_folder(tmp_path / "cat", DENSE[:1])
    (folder / "metadata.csv").write_bytes(table.encode("latin-1"))
    with refused(folder / "metadata.csv", *told):
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
