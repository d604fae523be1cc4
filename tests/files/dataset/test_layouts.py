from pathlib import Path
from typing import Any

import pytest

from napari_sepl.core.errors import InputError
from napari_sepl.files.dataset.layouts import layout
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
)
from tests.files.making import refused


def make(root: Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)


def test_the_voc_layout(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages", "pseudo_transcam", "masks_simulated", "ImageSets/Segmentation")
    out = tmp_path / "out"
    plain = layout("voc", tmp_path, out)
    assert plain == DatasetSpec(
        images=tmp_path / "JPEGImages",
        pseudo=tmp_path / "pseudo_transcam",
        masks=tmp_path / "masks_simulated",
        out=out,
    )
    make(tmp_path, "SegmentationClass")
    lists = tmp_path / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("a")
    full = layout("voc", tmp_path, out, split="train")
    assert (full.ground_truth, full.list_file) == (
        tmp_path / "SegmentationClass",
        lists / "train.txt",
    )
    with refused(lists, "found no list 'train_aug':", "expected one of train"):
        layout("voc", tmp_path, out, split="train_aug")
    (lists / "train.txt").unlink()
    with refused(lists, "expected train.txt; there is no list"):
        layout("voc", tmp_path, out, split="train")


def test_what_is_given_is_not_looked_for(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages", "SegmentationClass")
    told: dict[str, Any] = {
        name: tmp_path / "elsewhere" / name
        for name in ("pseudo", "masks", "ground_truth", "image_labels", "list_file")
    }
    spec = layout("voc", tmp_path, tmp_path / "out", classes="my.toml", **told)
    assert {name: getattr(spec, name) for name in told} == told
    assert spec.classes == "my.toml"
    assert (
        layout("voc", tmp_path, tmp_path, **(told | {"ground_truth": None})).ground_truth
        is not None
    )


def test_no_folder_or_several_for_the_pseudo_labels_are_reported(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages", "masks")
    with refused(tmp_path, "no folder for names that begin with pseudo", "the pseudo folder"):
        layout("voc", tmp_path, tmp_path / "out")
    make(tmp_path, "pseudo_a", "Pseudo_b")
    with refused(tmp_path, "Pseudo_b, pseudo_a for names that begin with pseudo"):
        layout("voc", tmp_path, tmp_path / "out")
    make(tmp_path, "SAM")
    with refused(tmp_path, "SAM, masks for names that begin with masks and sam"):
        layout("voc", tmp_path, tmp_path / "out", pseudo=tmp_path / "pseudo_a")
    with refused(tmp_path / "gone", "no such file or folder"):
        layout("voc", tmp_path / "gone", tmp_path / "out")


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train2017", None), ("images/val2014", "val"), ("train2014", "train2014")],
)
def test_the_coco_layout(tmp_path: Path, folder: str, split: str | None) -> None:
    make(tmp_path, folder, f"pseudo/{Path(folder).name}", "masks")
    assert layout("coco", tmp_path, tmp_path / "out", split=split) == DatasetSpec(
        images=tmp_path / folder,
        pseudo=tmp_path / "pseudo" / Path(folder).name,
        masks=tmp_path / "masks",
        out=tmp_path / "out",
        classes="coco",
    )


def test_coco_without_images_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "train2017")
    with refused(tmp_path, "none of the folders val, val2017, val2014, images/val"):
        layout("coco", tmp_path, tmp_path / "out", split="val")


def test_a_layout_of_another_name_is_refused(tmp_path: Path) -> None:
    with refused("layout", "the name 'ade'", "voc or coco"):
        layout("ade", tmp_path, tmp_path)


def test_a_layout_without_masks_looks_for_them_in_out(tmp_path: Path) -> None:
    for name in ("JPEGImages", "pseudo"):
        (tmp_path / name).mkdir()
    spec = layout("voc", tmp_path, tmp_path / "out")
    assert spec.masks == tmp_path / "out" / "masks"
    (tmp_path / "pseudo").rmdir()
    with pytest.raises(InputError, match="no folder for names that begin with pseudo"):
        layout("voc", tmp_path, tmp_path / "out")
