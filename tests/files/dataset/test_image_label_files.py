"""Image-level labels as people have them: cls_labels.npy, VOC's lists, COCO, folders, CSV."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.core.labels.classes import BUILT_IN, VOC, ClassList
from napari_sepl.files.dataset.image_labels import open_image_labels
from tests.files.dataset.filling import fill
from tests.files.making import refused

KNOWN = {"2007_000032", "2007_000033", "a", "train/b"}


def row(*labels: int, classes: ClassList = VOC, background: bool = False) -> Any:
    """Return a row of 0 and 1 for the classes of labels."""
    marks = np.isin(classes.ids[0 if background else 1 :], labels)
    return marks.astype(np.float32)


def save(path: Path, value: Any) -> Path:
    np.save(path, value, allow_pickle=True)
    return path


@pytest.mark.parametrize("background", [False, True])
def test_a_dictionary_of_rows(tmp_path: Path, background: bool) -> None:
    value = {
        "2007_000032": row(1, 20, background=background),
        "a": row(background=background),
        "train/b": row(0, 7, background=background),
        "elsewhere": row(3, background=background),
    }
    found = open_image_labels(save(tmp_path / "cls_labels.npy", value), VOC, KNOWN)
    assert found == {"2007_000032": (1, 20), "a": (), "train/b": (7,)}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value))
    assert open_image_labels(tmp_path / "a.pkl", VOC, KNOWN) == found


def test_numbers_stand_for_the_names_of_voc_and_coco(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npy", {2007000032: row(5), 2007000033: row(6)})
    assert open_image_labels(path, VOC, KNOWN) == {"2007_000032": (5,), "2007_000033": (6,)}
    classes = BUILT_IN["coco-official"]
    path = save(tmp_path / "b.npy", {9: row(1, 90, classes=classes)})
    known = {"COCO_train2014_000000000009"}
    assert open_image_labels(path, classes, known) == {min(known): (1, 90)}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "a list"),
        ({"a": row()[:19]}, "19 numbers for 'a'"),
        ({"a": row() + 2}, "something else than 0 and 1 for 'a'"),
        ({"a": "cat"}, "for 'a'"),
        ({"a": [[1], [1, 0]]}, "for 'a'"),
        ({"elsewhere": row()}, "no sample of the dataset"),
    ],
)
def test_other_dictionaries_are_reported(tmp_path: Path, value: Any, message: str) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(value))
    with refused(path, message):
        open_image_labels(path, VOC, KNOWN)


def test_what_runs_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    save(path, {"a": Path("x")})
    with refused(path, "the Python object pathlib"):
        open_image_labels(path, VOC, KNOWN)


def test_only_1_counts_in_the_lists_of_voc(tmp_path: Path) -> None:
    folder = fill(tmp_path / "Main", "train.txt", "tvmonitor_val.txt")
    (folder / "dog_train.txt").write_text("2007_000032  1\n2007_000033 -1\na  0\n")
    (folder / "dog_val.txt").write_text("train/b  1\nelsewhere 1\n")
    (folder / "diningtable_train.txt").write_text("2007_000032  1\n2007_000033  1\n")
    assert open_image_labels(folder, VOC, KNOWN) == {
        "2007_000032": (11, 12), "2007_000033": (11,), "a": (), "train/b": (12,),
    }  # fmt: skip
    (folder / "cat_train.txt").write_text("a  1\na 2\n")
    with refused(folder / "cat_train.txt", "line 2", "1, 0 or -1"):
        open_image_labels(folder, VOC, KNOWN)


def test_folders_of_classes(tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "by", "cat/a.jpg", "dog/a.png", "tv_monitor/deep/2007_000032.jpg", "cat/x.txt",
        "background/2007_000033.jpg",
    )  # fmt: skip
    found = open_image_labels(folder, VOC, KNOWN)
    assert found == {"a": (8, 12), "2007_000032": (20,), "2007_000033": ()}
    known = {"cat/a", "dog/a"}
    assert open_image_labels(folder, VOC, known) == {"cat/a": (8,), "dog/a": (12,)}
    (folder / "lion").mkdir()
    with refused(folder, "the folder lion, which is no class", "aeroplane_train.txt"):
        open_image_labels(folder, VOC, KNOWN)
    with refused(tmp_path / "none", "no folder"):
        open_image_labels(fill(tmp_path / "none", "a.txt"), VOC, KNOWN)


def coco() -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "2007_000032.jpg"},
                   {"id": 9, "file_name": "x.jpg"}],
        "annotations": [{"image_id": 7, "category_id": 62}, {"image_id": 7, "category_id": 18},
                        {"image_id": 7, "category_id": 62}, {"image_id": 9, "category_id": 99}],
        "categories": [{"id": 62, "name": "chair"}, {"id": 18, "name": "dog"}],
    }  # fmt: skip


def save_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("name", "labels"), [("voc", (9, 12)), ("coco", (17, 57)), ("coco-official", (18, 62))]
)
def test_categories_of_coco_go_by_their_names(
    tmp_path: Path, name: str, labels: tuple[int, ...]
) -> None:
    path = save_json(tmp_path / "instances.json", coco())
    assert open_image_labels(path, BUILT_IN[name], KNOWN) == {"a": labels, "2007_000032": ()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": 3}, "no list of images"),
        ({"images": [{"id": 3}]}, "id and file_name in each of images"),
        ({"annotations": [{"image_id": 7, "category_id": [1]}]}, "category_id in each"),
        ({"annotations": [{"image_id": 7, "category_id": 5}]}, "the category 5"),
        ({"categories": [{"id": 62, "name": "throne"}, {"id": 18, "name": "dog"}]}, "'throne'"),
    ],
)
def test_other_json_is_reported(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = save_json(tmp_path / "a.json", coco() | change)
    with refused(path, message):
        open_image_labels(path, VOC, KNOWN)
    with refused(save_json(path, []), "a list"):
        open_image_labels(path, VOC, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "a,cat,dog\n2007_000032,dining table\n",
        "image,labels\na.jpg,cat dog\n2007_000032.jpg,diningtable\n",
        "id;filename;label\n1;a.jpg;cat|dog\n2;2007_000032.jpg;11\n",
        "file_name\tclass\r\na.png\tcat\r\na.png\tdog\r\n2007_000032.png\tdining_table\r\n",
        '"image","class"\n"a.jpg","cat, dog"\n"2007_000032.jpg","dining table"\n\n',
        "image,cat,dog,dining table\na,1,1,0\n2007_000032,0,0,1.0\nelsewhere,1,1,1\n",
        "\ufefffilename,cat,dog,diningtable\na.jpg,1,1,-1\n2007_000032.jpg,0,,1\n",
    ],
)
def test_tables_of_classes(tmp_path: Path, text: str) -> None:
    path = tmp_path / ("a.tsv" if "\t" in text else "a.csv")
    path.write_bytes(text.encode())
    assert open_image_labels(path, VOC, KNOWN) == {"a": (8, 12), "2007_000032": (11,)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no row"),
        ("a,cat\n2007_000032,lion\n", "found the class lion"),
        ("image,label\nx,cat\n", "no sample of the dataset"),
        ('a,"cat\n', "line"),
    ],
)
def test_other_tables_are_reported(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with refused(path, message):
        open_image_labels(path, VOC, KNOWN)
