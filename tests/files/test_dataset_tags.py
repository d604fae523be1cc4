from pathlib import Path

import pytest
from napari_sepl.files.dataset_tags import read_tags

from napari_sepl.core.classes import COCO, VOC, ClassList
from tests.files.making import refused


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "tags.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_names_and_labels_may_be_mixed_and_come_in_any_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "2007_000032 person 1 aeroplane\n\n"
        "JPEGImages/2007_000033.jpg\tDiningTable tv_monitor potted-plant\n"
        "none\n",
    )
    assert read_tags(path, VOC) == {
        "2007_000032": (1, 15),
        "2007_000033": (11, 16, 20),
        "none": (),
    }
    assert read_tags(write(tmp_path, "\ufeffa trafficlight\r\n"), COCO) == {"a": (10,)}


@pytest.mark.parametrize("word", ["dgo", "0", "21", "255", "background", "1.0", "-1"])
def test_a_class_that_is_not_known_is_named_with_its_line(tmp_path: Path, word: str) -> None:
    path = write(tmp_path, f"a dog\nb {word} cat\n")
    with refused(f"{path}, line 2", f"the class {word}", "labels 1 to 20 of the class list voc"):
        read_tags(path, VOC)


def test_a_name_that_two_classes_share_but_for_spaces_stands_for_neither(tmp_path: Path) -> None:
    classes = ClassList("mine", ("background", "tea pot", "teapot"), ())
    assert read_tags(write(tmp_path, "a 1 2"), classes) == {"a": (1, 2)}
    with refused(tmp_path / "tags.txt", "the class teapot"):
        read_tags(write(tmp_path, "a teapot"), classes)


def test_a_sample_told_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a dog\nb cat\na.jpg cat\n")
    with refused(f"{path}, line 3", "a again"):
        read_tags(path, VOC)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, b"a \xff\xfe")
    with refused(path, "not text"):
        read_tags(path, VOC)
