"""Masks as people keep them: whatever holds the same masks is read as the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.errors import InputError
from napari_sepl.files.masks import MASK_FORMATS, read_masks
from tests.files.making import SHAPE, equal, random_masks, refused, save_image, save_json
from tests.files.mask_writers import (
    NUMBERED,
    WRITERS,
    compressed,
    generated,
    isat,
    labelme,
    numbered,
    rimmed,
)

DENSE = random_masks(5)
DISJOINT = np.array([numbered(DENSE) == at for at in range(1, 6)])

small = hnp.arrays(
    np.bool_, st.tuples(st.integers(1, 4), st.integers(3, 9), st.integers(9, 20))
)  # wide enough that packed rows have another shape


@pytest.mark.parametrize("kind", [*WRITERS, *NUMBERED])
def test_every_format_gives_the_same_masks(tmp_path: Path, kind: str) -> None:
    masks = DENSE if kind in WRITERS else DISJOINT
    path = (WRITERS | NUMBERED)[kind](tmp_path / "a", masks)
    assert equal(read_masks(path, SHAPE, "a"), masks)


@settings(deadline=None, max_examples=40)
@given(masks=small, kind=st.sampled_from(list(WRITERS)))
def test_any_masks_are_the_same_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, masks: NDArray[np.bool_], kind: str
) -> None:
    if kind in ("grey stack", "PNGs with rims"):
        # without a pixel of half grey or more they are refused, and one alone may be numbers
        masks = np.concatenate([masks, masks])
        masks[:, 0, 0] = True
    path = WRITERS[kind](tmp_path_factory.mktemp("m") / "a", masks)
    kept = masks[masks.any(axis=(1, 2))] if kind == "ISAT" else masks  # it has no empty objects
    shape = (masks.shape[1], masks.shape[2])
    assert equal(read_masks(path, shape, "a"), kept)


def test_scores_of_generate_are_kept(tmp_path: Path) -> None:
    path = WRITERS["generate, np.save"](tmp_path / "a", DENSE)
    scores = read_masks(path, SHAPE).scores
    np.testing.assert_array_equal(scores.predicted_iou, 0.5 + np.arange(5) / 64)
    np.testing.assert_array_equal(scores.point[4], [1.5, 2.0])
    assert scores.stability_score[0] == 0.75
    assert generated(DENSE)[0]["crop_box"] == scores.crop_box[0].tolist()


@pytest.mark.parametrize(
    "content", [compressed(DENSE[0]), {"segmentation": compressed(DENSE[0])}, DENSE[0].tolist()]
)
def test_one_mask_need_not_be_in_a_list(tmp_path: Path, content: object) -> None:
    assert equal(read_masks(save_json(tmp_path / "a.json", content), SHAPE), DENSE[:1])


def test_polygons_of_one_mask_are_united_and_lists_of_points_are_polygons(tmp_path: Path) -> None:
    inside = np.zeros((3, *SHAPE), np.bool_)
    inside[0, 2:5, 1:9] = inside[0, 10:12, 20:25] = True
    inside[1, 2:5, 1:9] = inside[2, 2:5, 1:9] = True
    records = [
        {"segmentation": [[1, 2, 9, 2, 9, 5, 1, 5], [20.0, 10, 25, 10, 25, 12, 20, 12]]},
        {"segmentation": [1, 2, 9, 2, 9, 5, 1, 5]},
        {"segmentation": [[1, 2], [9, 2], [9, 5], [1, 5]]},
    ]
    assert equal(read_masks(save_json(tmp_path / "a.json", records), SHAPE), inside)


def test_lines_enclose_nothing_and_corners_may_lie_outside(tmp_path: Path) -> None:
    records = [{"segmentation": [[1, 1, 5, 5]]}, {"segmentation": []},
               {"segmentation": [[-5, -5, 45, -5, 45, 35, -5, 35]]}]  # fmt: skip
    masks = read_masks(save_json(tmp_path / "a.json", records), SHAPE)
    assert masks.areas.tolist() == [0, 0, 30 * 40]


@pytest.mark.parametrize(
    "polygons",
    [
        [[0, 0, 1e300, 0, 5, 5]], [[0, 0, -1000, 0, 5, 5]], [[0, 0, 1, 1, 2]],
        [[0, 0, "a", 1, 2, 2]], [[0, 0, None, 1, 2, 2]], [[0, 0, 1, 1, 2, 2], 3],
        [[[0, 0, 1], [1, 1, 2]]],
        [[0, 0, 40, 29] * 200_000],
    ],
)  # fmt: skip
def test_polygons_that_are_none_are_named(tmp_path: Path, polygons: list[Any]) -> None:
    path = save_json(tmp_path / "a.json", [{"segmentation": polygons}])
    with refused(f"{path}, mask 0", "polygon"):
        read_masks(path, SHAPE)


# --- pictures


def test_numbers_may_have_gaps_and_void_is_none(tmp_path: Path) -> None:
    numbers = np.zeros(SHAPE, np.uint8)
    numbers[:3], numbers[5:7], numbers[9] = 2, 5, 255
    save_image(tmp_path / "a.png", numbers[:9])
    image = read_masks(tmp_path / "a.png")
    assert image.areas.tolist() == [120, 80]
    palette = Image.fromarray(numbers)
    palette.putpalette(bytes(768))
    palette.save(tmp_path / "b.png")  # VOC's SegmentationObject: 255 is a rim of no object
    assert read_masks(tmp_path / "b.png").areas.tolist() == [120, 80]


def test_a_grey_picture_is_not_taken_for_numbers(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", rimmed(DENSE[0]))
    np.save(tmp_path / "a.npy", rimmed(DENSE[0]))
    for name in ("a.png", "a.npy"):
        with refused(tmp_path / name, "one mask with a grey rim, or 3 masks by number?"):
            read_masks(tmp_path / name, SHAPE)
    save_image(tmp_path / "b.png", DENSE[0].astype(np.uint8) * 255)
    assert equal(read_masks(tmp_path / "b.png", SHAPE), DENSE[:1])


def test_other_numbers_are_reported(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", numbered(DENSE) + 0.5)
    with refused(tmp_path / "a.npy", "fractions"):
        read_masks(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.full(SHAPE, np.nan, np.float32))
    with refused(tmp_path / "b.npy", "fractions"):
        read_masks(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", DENSE * np.float32(0.7))
    with refused(tmp_path / "c.npy", "numbers other than 0 and 1", "scores"):
        read_masks(tmp_path / "c.npy")
    save_image(tmp_path / "d.png", np.zeros((*SHAPE, 3), np.uint8))
    with refused(tmp_path / "d.png", "an image of mode RGB"):
        read_masks(tmp_path / "d.png")
    np.save(tmp_path / "e.npy", np.arange(300 * 300, dtype=np.int32).reshape(300, 300))
    with refused(tmp_path / "e.npy", "89,999 numbers"):
        read_masks(tmp_path / "e.npy")
    tifffile.imwrite(tmp_path / "f.tif", np.zeros((*SHAPE, 3), np.uint8))
    with refused(tmp_path / "f.tif", "RGB"):
        read_masks(tmp_path / "f.tif")


def test_dark_values_are_asked_about_unless_other_masks_are_grey(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    save_image(folder / "0.png", np.where(DENSE[0], 100 - 50 * DENSE[1], 0).astype(np.uint8))
    with refused(folder / "0.png", "many values, up to 100"):
        read_masks(folder)
    save_image(folder / "1.png", rimmed(DENSE[1]))
    assert read_masks(folder).areas.tolist() == [0, DENSE[1].sum()]


def test_the_order_of_names_has_numbers_as_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    for at, name in enumerate(["m2 x.png", "m10 a.png", "m10 b.png", "n.png"]):
        save_image(folder / name, DENSE[at])
    assert equal(read_masks(folder), DENSE[:4])


def test_two_files_of_one_number_are_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    for name in ("3.png", "03.png", "4.png"):
        save_image(folder / name, DENSE[0])
    with refused(folder, "03.png and 3.png", "the same number"):
        read_masks(folder)


@pytest.mark.parametrize("place", ["a/1.png", "a.png"])
def test_one_flipped_bit_in_a_png_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "a").mkdir()
    path = tmp_path / place
    save_image(path, numbered(DISJOINT).astype(np.uint8))
    content = path.read_bytes()
    start = content.index(b"IDAT") + 4
    for offset in range(start, len(content) - 16, 7):
        altered = bytearray(content)
        altered[offset] ^= 16
        path.write_bytes(altered)
        with refused(path, "damaged"):
            read_masks(tmp_path / place.split("/", maxsplit=1)[0], SHAPE)


@pytest.mark.parametrize("size", [(1024, 1024), (683, 1024), (256, 256), (171, 256)])
def test_masks_at_sams_input_size_are_refused_with_that_reason(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    np.save(tmp_path / "a.npy", np.zeros((1, *size), np.bool_))
    save_json(tmp_path / "a.json", [{"size": size, "counts": [size[0] * size[1]]}])
    save_image(tmp_path / "a.png", np.zeros(size, np.uint8))
    (tmp_path / "a").mkdir()
    save_image(tmp_path / "a" / "0.png", np.zeros(size, np.uint8))
    for name in ("a.npy", "a.json", "a.png", "a"):
        with pytest.raises(InputError, match="SAM's input size"):
            read_masks(tmp_path / name, (400, 600))


# --- labelme, ISAT


def test_labelme_s_shapes_are_united_by_group(tmp_path: Path) -> None:
    def shape(label: str, kind: str, points: list[list[float]], group: int | None = None) -> Any:
        return {"label": label, "shape_type": kind, "points": points, "group_id": group}

    shapes = [
        shape("dog", "polygon", [[1, 1], [4, 1], [4, 4], [1, 4]], 1),
        shape("cat", "rectangle", [[10, 10], [13, 12]]),
        shape("dog", "polygon", [[20, 20], [22, 20], [22, 22], [20, 22]], 1),
        shape("dog", "point", [[3, 3]]),
        shape("__ignore__", "rectangle", [[0, 0], [9, 9]]),
        shape("ball", "circle", [[30, 15], [30, 20]]),
    ]
    content = {"shapes": shapes, "imageHeight": 30, "imageWidth": 40}
    masks = read_masks(save_json(tmp_path / "a.json", content), SHAPE)
    assert masks.areas[:2].tolist() == [9 + 4, 6]
    assert 70 < masks.areas[2] < 85
    assert masks.brought is not None
    assert masks.brought.names == ("dog", "cat", "ball")
    for fault in (shape("a", "cube", [[1, 1]]), 5, shape("a", "polygon", [[1, 1, 2]]),
                  shape("a", "mask", [[0, 0], [3, 3]]) | {"mask": "bm8="},
                  shape("a", "mask", [[0, 0], [1e300, 3]]) | {"mask": ""}):  # fmt: skip
        path = save_json(tmp_path / "b.json", content | {"shapes": [*shapes, fault]})
        with refused(f"{path}, shape 6"):
            read_masks(path, SHAPE)


def test_isat_s_background_is_cut_out_of_what_is_below(tmp_path: Path) -> None:
    def one(category: str, group: object, low: int, high: int) -> dict[str, Any]:
        ring = [[low, low], [high, low], [high, high], [low, high]]
        return {"category": category, "group": group, "segmentation": ring}

    content = {
        "info": {"width": 40, "height": 30},
        "objects": [one("cat", 1, 0, 10), one("__background__", 1, 2, 4), one("dog", "", 20, 25)],
    }
    masks = read_masks(save_json(tmp_path / "a.json", content), SHAPE)
    assert masks.areas.tolist() == [100 - 4, 25]
    assert masks.brought is not None
    assert masks.brought.names == ("cat", "dog")
    with refused(tmp_path / "a.json", "30 × 40", "31 × 40"):
        read_masks(tmp_path / "a.json", (31, 40))


# --- crafted content


@pytest.mark.parametrize(
    "text",
    [
        '[{"size": [100000, 100000], "counts": "0"}]',
        '[{"size": [%s, 5], "counts": "0"}]' % ("9" * 30),
        '[{"size": [%s, 5], "counts": "0"}]' % ("9" * 5000),
        '[{"size": [4, 5], "counts": [%s]}]' % ("9" * 5000),
        '[{"size": [4, 5], "counts": [%s]}]' % ("9" * 30),
        '[{"size": [4, 5], "counts": "b\'%s"}]' % ("(" * 50_000),
        '[{"size": [4, 5], "counts": "\\u0000\\u0000"}]',
        '{"shapes": [%s' % ("[" * 100_000),
        '[{"segmentation": %s}]' % ("[" * 900 + "]" * 900),
        '{"images": [{"id": 1, "width": 9}], "annotations": [{"image_id": 1, "rle": [[0, 0, 4]]}]}',
        '{"images": [], "annotations": [{"image_id": {"a": 1}}]}',
        '{"images": [], "annotations": [{"image_id": 1},]}',
        '{"images": [{"id": 1}, {"id": 1}], "annotations": [{"image_id": 1}]}',
        '{"annotations": [{"image_id": %s}]}' % ("9" * 5000),
        '{"annotations": [{"image_id": 1, "segmentation": %s}]}' % ("[" * 100_000),
        '{"annotations": [{"image_id": 1',
        '{"masks": {"a": 5}, "image_id"',
    ],
)
def test_crafted_json_is_one_line_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with refused(path):
        read_masks(path)


def test_files_that_only_take_room_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", np.zeros((20_000, 20_000), np.uint16))
    np.savez_compressed(tmp_path / "b.npz", np.zeros((1, 20_000, 20_000), np.uint16))
    size = {"imageHeight": 40_000, "imageWidth": 50_000}
    save_json(tmp_path / "c.json", labelme(DENSE) | size)
    save_json(tmp_path / "d.json", isat(DENSE) | {"info": {"height": 40_000, "width": 50_000}})
    for name in ("a.npz", "b.npz", "c.json", "d.json"):
        with refused(tmp_path / name, "pixels", "in a file so small"):
            read_masks(tmp_path / name)
        with refused(tmp_path / name, "30 × 40"):
            read_masks(tmp_path / name, SHAPE)


def test_an_rle_of_too_large_a_size_names_its_file(tmp_path: Path) -> None:
    path = save_json(tmp_path / "a.json", [{"size": [2**16, 2**16], "counts": [2**32]}])
    with refused(path, "(65536, 65536)", "2**31"):
        read_masks(path)


def test_utf_16_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = json.dumps([compressed(mask) for mask in DENSE])
    for coding in ("utf-16", "utf-8-sig", "utf-32"):
        (tmp_path / "a.json").write_text(text, coding)
        assert equal(read_masks(tmp_path / "a.json", SHAPE), DENSE)


def test_the_black_of_a_palette_is_outside_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number, mask in enumerate(DENSE):
        image = Image.fromarray((~mask).astype(np.uint8))
        image.putpalette(bytes([255, 255, 255, 0, 0, 0]))
        image.save(tmp_path / "a" / f"{number}.png")
    assert equal(read_masks(tmp_path / "a", SHAPE), DENSE)


@pytest.mark.parametrize("named", [False, True])
def test_each_array_of_an_archive_is_a_mask(tmp_path: Path, named: bool) -> None:
    path = tmp_path / "a.npz"
    if named:
        np.savez(path, **{f"mask_{number}": one for number, one in enumerate(DENSE)})
    else:
        np.savez(path, *DENSE)
    assert equal(read_masks(path, SHAPE), DENSE)


def test_the_file_of_one_image_of_sa_1b_is_not_one_of_many(tmp_path: Path) -> None:
    about = {"image_id": 1, "width": SHAPE[1], "height": SHAPE[0], "file_name": "sa_1.jpg"}
    records = [{"segmentation": compressed(mask), "id": 1} for mask in DENSE]
    path = save_json(tmp_path / "sa_1.json", {"image": about, "annotations": records})
    assert equal(read_masks(path, SHAPE), DENSE)


def test_each_format_is_listed_with_what_tells_it() -> None:
    assert all(one.role == "masks" and one.origin and one.recognised for one in MASK_FORMATS)
    assert len({one.name for one in MASK_FORMATS}) == len(MASK_FORMATS)
