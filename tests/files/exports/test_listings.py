"""Names, numbers and lists around the pixels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from napari_sepl.core.labels.classes import BUILT_IN, COCO, VOC, ClassList, ClassMap
from napari_sepl.core.labels.polygons import Instances
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import ExportSettings, ImageFiles, Listing
from napari_sepl.files.exports.coco import category_ids
from tests.files.exports.reading import coco_of, encode, whole_files

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
CAT = np.array([[0, 8, 8], [0, 0, 8]], np.uint8)


def whole(
    name: str, splits: dict[str, list[str]], classes: ClassList = VOC, **choices: Any
) -> dict[str, bytes]:
    entry = encode(CAT, name).encoded.entry
    listing = Listing(classes, splits, lambda ids: ((one, entry) for one in ids))
    return whole_files(listing, ExportSettings(format=name, **choices))


@pytest.mark.parametrize(
    ("folder", "lists_in"),
    [
        ("SegmentationClass", "Segmentation"), ("SegmentationClassAug", "SegmentationAug"),
        ("labels", "labels"), ("Class", "Class"),
    ],
)  # fmt: skip
def test_voc_lists(folder: str, lists_in: str) -> None:
    files = whole("voc", {"train": ["b", "a"], "val": ["c"]}, folder=folder)
    lists = {name: text for name, text in files.items() if name.endswith(".txt")}
    assert lists == {
        f"ImageSets/{lists_in}/train.txt": b"b\na\n",
        f"ImageSets/{lists_in}/val.txt": b"c\n",
        f"ImageSets/{lists_in}/trainval.txt": b"a\nb\nc\n",
    }


@pytest.mark.parametrize("name", ["voc", "png", "npy", "soft"])
def test_class_lists_are_read_back(name: str, tmp_path: Path) -> None:
    odd = ClassList("odd", ("background", 'a "q" \\ \x7fé'), ((0, 0, 0), (1, 200, 3)))
    files = whole(name, {"train": ["a"]}, odd) if name != "soft" else whole_files(
        Listing(odd, {"train": ["a"]}), ExportSettings(format=name)
    )  # fmt: skip
    (tmp_path / "classes.toml").write_bytes(files["classes.toml"])
    read = read_class_list(tmp_path / "classes.toml")
    assert (read.names, read.colours) == (odd.names, odd.colours)


def test_images_go_where_readers_look() -> None:
    places = {name: encode(CAT, name).encoded.image for name in EXPORT_FORMATS if name != "soft"}
    assert places == {
        "voc": "JPEGImages/cat.jpg", "png": "images/cat.jpg", "npy": "images/cat.jpg",
        "coco": "train/cat.jpg", "coco-polygons": "train/cat.jpg", "yolo": "images/train/cat.jpg",
        "folders": "images/train/cat.jpg",
        "labelme": "cat.jpg", "labelme-masks": "cat.jpg",
    }  # fmt: skip


def test_labelme_names_the_image_from_its_own_folder() -> None:
    for pictures, place in ((ImageFiles.NO, "../cat.jpg"), (ImageFiles.COPY, "cat.jpg")):
        encoded = encode(CAT, "labelme", pictures=pictures).encoded
        assert json.loads(encoded.files["cat.json"])["imagePath"] == place


def test_yolo_yaml() -> None:
    told = yaml.safe_load(whole("yolo", {"train": ["a"], "val": ["b"]})["data.yaml"])
    assert (told["train"], told["val"]) == ("images/train", "images/val")
    assert told["names"] == dict(enumerate(VOC.names[1:]))
    alone = yaml.safe_load(whole("yolo", {"train": ["a"]})["data.yaml"])
    assert (alone["train"], alone["val"]) == ("images/train", "images/train")


def test_folders_for_ultralytics_and_lightly() -> None:
    files = whole("folders", {"train": ["a"], "val": ["b"]})
    told = yaml.safe_load(files["data.yaml"])
    assert (told["train"], told["val"], told["masks_dir"]) == (
        "images/train", "images/val", "masks",
    )  # fmt: skip
    assert told["names"] == dict(enumerate(VOC.names))
    classes = {int(number): name for number, name in json.loads(files["classes.json"]).items()}
    assert classes == told["names"]
    alone = yaml.safe_load(whole("folders", {"val": ["a"]})["data.yaml"])
    assert (alone["train"], alone["val"]) == ("images/val", "images/val")


def test_folders_name_image_and_mask_for_hugging_face() -> None:
    files = whole("folders", {"train": ["a"], "val": ["b"]})
    lines = files["metadata.jsonl"].splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0]) == {
        "file_name": "images/train/cat.jpg", "mask_file_name": "masks/train/cat.png",
        "split": "train",
    }  # fmt: skip


def test_categories_have_cocos_own_numbers() -> None:
    numbers = category_ids(COCO)
    named = {name: numbers[at] for at, name in enumerate(COCO.names) if at}
    assert named["person"] == 1
    assert named["stop sign"] == 13  # 12 was left out
    assert named["toothbrush"] == 90
    assert len(named) == 80
    assert category_ids(VOC) == {k: k for k in range(1, 21)}


def test_categories_are_those_of_cocos_own_file() -> None:
    path = SHARED / "coco_tiny"
    if not path.is_dir():
        pytest.skip(f"{path} is not there")
    (file,) = path.glob("*.json")
    official = {one["name"]: one["id"] for one in json.loads(file.read_text())["categories"]}
    assert len(official) == 80
    numbers = category_ids(COCO)
    assert {name: numbers[at] for at, name in enumerate(COCO.names) if at} == official


def test_mapped_classes_keep_cocos_numbers_while_they_are_cocos() -> None:
    fewer = ClassMap.of(COCO, "m", to_background=["person"]).classes
    assert category_ids(fewer)[1] == 2  # bicycle
    other = ClassMap.of(COCO, "m", rename={"person": "human"}).classes
    assert category_ids(other)[80] == 80


@pytest.mark.parametrize(
    ("ids", "numbers"),
    [
        (["000000000139", "000000000285"], [139, 285]),
        (["COCO_train2014_000000000009", "COCO_val2014_000000000011"], [9, 11]),
        (["2007_000032", "2007_000039"], [1, 2]),
        (["000000000139", "other"], [1, 2]),
        (["139", "0139"], [1, 2]),
    ],
)
def test_coco_numbers_images_as_their_names_do(ids: list[str], numbers: list[int]) -> None:
    files = whole("coco", {"train": ids[:1], "val": ids[1:]})
    told = [json.loads(files[f"annotations/instances_{split}.json"]) for split in ("train", "val")]
    assert [one["images"][0]["id"] for one in told] == numbers
    assert [one["annotations"][0]["image_id"] for one in told] == numbers


def test_coco_objects() -> None:
    labels = np.zeros((6, 8), np.uint8)
    labels[1:3, 2:5] = labels[4, 0] = 8
    for instances, boxes in (
        (Instances.COMPONENTS, [[2, 1, 3, 2], [0, 4, 1, 1]]),
        (Instances.CLASS, [[0, 1, 5, 4]]),
    ):
        made = encode(labels, "coco-polygons", instances=instances)
        coco = coco_of(json.loads(*made.whole().values()))
        objects = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(catNms=["cat"])))
        assert [one["bbox"] for one in objects] == boxes
        assert sum(one["area"] for one in objects) == 7
        assert all(one["iscrowd"] == 0 for one in objects)
        (image,) = coco.loadImgs(objects[0]["image_id"])
        assert (image["height"], image["width"], image["file_name"]) == (6, 8, "cat.jpg")
        assert len(coco.getCatIds()) == 20


def test_options_of_formats_are_settings() -> None:
    for name, one in EXPORT_FORMATS.items():
        assert set(one.options) <= ExportSettings.model_fields.keys() - {"format"}, name


def test_classes_with_gaps_keep_cocos_numbers_and_are_counted_for_yolo(tmp_path: Path) -> None:
    official = BUILT_IN["coco-official"]
    labels = np.array([[90, 90, 0], [90, 90, 13]], np.uint8)
    made = encode(labels, "coco", official)
    content = json.loads(*made.whole().values())
    assert {one["category_id"] for one in content["annotations"]} == {13, 90}
    assert {one["id"]: one["name"] for one in content["categories"]}[90] == "toothbrush"
    lines = encode(labels, "yolo", official).encoded.files["labels/train/cat.txt"].decode()
    numbers = {line.split()[0] for line in lines.splitlines()}
    names = yaml.safe_load(encode(labels, "yolo", official).whole()["data.yaml"])["names"]
    assert {names[int(number)] for number in numbers} <= {"toothbrush", "stop sign"}
    (tmp_path / "c.toml").write_bytes(encode(labels, "png", official).whole()["classes.toml"])
    read = read_class_list(tmp_path / "c.toml")
    assert (read.ids, read.names) == (official.ids, official.names)
    own = ClassList("own.toml", ("background", "a", "b"), VOC.colours[:3], (0, 13, 90))
    assert category_ids(own) == {13: 13, 90: 90}
