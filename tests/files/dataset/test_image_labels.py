from pathlib import Path

import pytest

from napari_sepl.core.labels.classes import COCO, VOC, ClassList
from napari_sepl.files.dataset.lists import read_image_labels
from tests.files.making import refused

KNOWN = {"2007_000032", "2007_000033", "none", "a", "b", "train/c", "val/c"}


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
    assert read_image_labels(path, VOC, KNOWN) == {
        "2007_000032": (1, 15),
        "2007_000033": (11, 16, 20),
        "none": (),
    }
    assert read_image_labels(write(tmp_path, "\ufeffa trafficlight\r\n"), COCO, KNOWN) == {
        "a": (10,)
    }


@pytest.mark.parametrize("word", ["dgo", "0", "21", "255", "background", "1.0", "-1"])
def test_a_class_that_is_not_known_is_named_with_its_line(tmp_path: Path, word: str) -> None:
    path = write(tmp_path, f"a dog\nb {word} cat\n")
    with refused(f"{path}, line 2", f"the class {word}", "labels 1 to 20 of the class list voc"):
        read_image_labels(path, VOC, KNOWN)


def test_a_name_that_two_classes_share_but_for_spaces_stands_for_neither(tmp_path: Path) -> None:
    classes = ClassList("mine", ("background", "tea pot", "teapot"), ())
    assert read_image_labels(write(tmp_path, "a 1 2"), classes, KNOWN) == {"a": (1, 2)}
    with refused(tmp_path / "tags.txt", "the class teapot"):
        read_image_labels(write(tmp_path, "a teapot"), classes, KNOWN)


def test_a_sample_on_two_lines_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a dog\nb cat\na.jpg cat\n")
    with refused(f"{path}, line 3", "a again"):
        read_image_labels(path, VOC, KNOWN)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, b"a \xff\xfe")
    with refused(path, "not text"):
        read_image_labels(path, VOC, KNOWN)


def test_samples_in_sub_folders_are_named_by_their_paths(tmp_path: Path) -> None:
    known = {"train/a", "val/a", "val/b"}
    path = write(tmp_path, "train/a dog\nimages/val/a.jpg cat\nb\n")
    assert read_image_labels(path, VOC, known) == {"train/a": (12,), "val/a": (8,), "val/b": ()}
    path = write(tmp_path, "test/a dog\nval/a cat\ntest2/a cat\n")  # of which two are unknown
    assert read_image_labels(path, VOC, known) == {"val/a": (8,)}
    path = write(tmp_path, "train/a dog\ntrain/a.png cat\n")
    with refused(f"{path}, line 2", "train/a again"):
        read_image_labels(path, VOC, known)


def test_a_file_of_other_samples_alone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "\nelsewhere dog\nnowhere cat\n")
    with refused(path, "no sample of the dataset (the first: elsewhere)"):
        read_image_labels(path, VOC, KNOWN)
    assert read_image_labels(write(tmp_path, "\n"), VOC, KNOWN) == {}
