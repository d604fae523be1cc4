"""Runs whose label maps are numbered otherwise than the class list says, or hold no class."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_sepl import MaskSet
from napari_sepl.files.masks import write_masks
from tests.files.cam_files import save_cam_dict
from tests.files.making import save_image
from tests.messages import plain
from tests.program import Run

SHAPE = (20, 30)


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    """Four samples without pseudo-labels; the options that name them."""
    mask = np.zeros((1, *SHAPE), bool)
    mask[0, 5:15, 5:20] = True
    for role in ("images", "pseudo", "masks"):
        (tmp_path / role).mkdir()
    for stem in "abcd":
        save_image(tmp_path / "images" / f"{stem}.png", np.zeros(SHAPE, np.uint8))
        write_masks(tmp_path / "masks" / f"{stem}.json", MaskSet.from_dense(mask))
    roles = ("images", "pseudo", "masks", "out")
    return [word for role in roles for word in (f"--{role}", tmp_path / role)]


def give(folder: Path, **labels: int) -> None:
    """Write a label map with a square of one label for each sample."""
    for stem, label in labels.items():
        pixels = np.zeros(SHAPE, np.uint8)
        pixels[6:14, 6:18] = label
        pixels[0] = 255
        save_image(folder / "pseudo" / f"{stem}.png", pixels)


def test_official_numbers_under_coco_end_the_run(
    run: Run, words: list[object], tmp_path: Path
) -> None:
    give(tmp_path, a=62, b=18, c=88, d=1)
    code, _, err = run("enhance", *words, "--classes", "coco")
    assert code == 1
    assert "labels 88 in c" in plain(err)
    assert "--classes coco-official has them all" in plain(err)
    assert not (tmp_path / "out").exists()
    code, out, _ = run("enhance", *words, "--classes", "coco-official")
    assert (code, out) == (0, "4 samples: 4 saved\n")
    saved = np.asarray(Image.open(tmp_path / "out" / "c.png"))
    assert set(np.unique(saved)) == {0, 88, 255}


def test_one_label_outside_costs_its_sample_alone(
    run: Run, words: list[object], tmp_path: Path
) -> None:
    give(tmp_path, a=7, b=8, c=77, d=1)
    code, out, err = run("enhance", *words)
    assert (code, out) == (1, "4 samples: 3 saved, 1 failed\n")
    assert "label 77" in plain(err)
    give(tmp_path, d=44)
    code, _, err = run("enhance", *words, "--overwrite")
    assert "labels 44, 77 in c, d" in plain(err)


def test_train_ids_are_asked_about_and_read_one_higher(
    run: Run, words: list[object], tmp_path: Path
) -> None:
    give(tmp_path, a=13, b=1, c=2, d=18)
    code, out, err = run("enhance", *words, "--classes", "cityscapes")
    assert (code, out) == (1, "4 samples: 4 failed\n")
    assert "--classes cityscapes-trainids" in plain(err)
    code, _, err = run("enhance", *words, "--classes", "cityscapes-trainids")
    assert code == 0
    assert "0 of the files, road, is 1" in plain(err)
    saved = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    assert set(np.unique(saved)) == {1, 14, 255}


@pytest.mark.parametrize("label", [0, 255])
def test_a_run_without_any_class_is_no_success(
    run: Run, words: list[object], tmp_path: Path, label: int
) -> None:
    give(tmp_path, **dict.fromkeys("abcd", label))
    code, out, err = run("enhance", *words)
    assert (code, out) == (1, "4 samples: 4 saved without any class\n")
    assert "only 0 (background) and 255 (ignore)" in plain(err)
    give(tmp_path, a=7)
    code, out, err = run("enhance", *words, "--overwrite")
    assert (code, out) == (0, "4 samples: 1 saved, 3 saved without any class\n")


def test_that_scores_are_resized_is_printed(run: Run, words: list[object], tmp_path: Path) -> None:
    for stem in "abcd":
        maps = np.zeros((1, 64, 64), np.float32)
        maps[0, 20:40, 20:40] = 1
        save_cam_dict(tmp_path / "pseudo" / f"{stem}.npy", maps, [6])
    code, _, err = run("enhance", *words)
    assert code == 0
    assert len(re.findall("resized from 64 × 64 pixels", plain(err))) == 1
