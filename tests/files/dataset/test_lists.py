import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.files.dataset.lists import SampleFinder, natural_order, read_list
from tests.files.making import refused

FLAT = {"a", "b", "c", "x.y", "my dog", "my", "2007_000032"}
NESTED = {"train/a", "val/a", "val/b", "val/deep/c d"}


def read(folder: Path, content: str | bytes, known: set[str]) -> list[str]:
    path = folder / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_list(path, known)


def test_samples_come_in_the_order_of_the_list_each_once(tmp_path: Path) -> None:
    listed = "c  1\n\n/JPEGImages/b.jpg /SegmentationClassAug/b.png\nx.y -1\nc\nz\n"
    assert read(tmp_path, listed, FLAT) == ["c", "b", "x.y", "z"]
    assert read(tmp_path, "\ufeffb\r\na\r\n", FLAT) == ["b", "a"]


@pytest.mark.parametrize(("line", "sample_id"), [
    ("a", "a"),
    ("a.jpg", "a"),
    ("./a.png", "a"),
    ("/data/JPEGImages/a.JPG", "a"),
    ("JPEGImages\\a.jpg", "a"),
    ("C:\\data\\a.jpg C:\\labels\\b.png", "a"),
    ("images/a.jpg labels/b.png", "a"),
    ("a 1", "a"),
    ("a\t-1", "a"),
    ("x.y", "x.y"),
    ("x.y.png", "x.y"),
    ("my dog", "my dog"),
    ("my dog.jpg", "my dog"),
    ("JPEGImages/my dog.jpg", "my dog"),
    ("my cat", "my"),
    ("JPEGImages/2007_000032.jpg", "2007_000032"),
    ("nothing/known.jpg", "known"),
    ("..", ".."),
    ("../../etc/passwd", "passwd"),
    ("/", ""),
])  # fmt: skip
def test_what_a_line_stands_for(line: str, sample_id: str) -> None:
    assert SampleFinder(FLAT)(line) == sample_id


@pytest.mark.parametrize(("line", "sample_id"), [
    ("train/a", "train/a"),
    ("val/a.jpg", "val/a"),
    ("/train/a.jpg /train/a.png", "train/a"),
    ("/data/images/val/a.png", "val/a"),
    ("images\\val\\a.png", "val/a"),
    ("val/deep/c d.jpg", "val/deep/c d"),
    ("/images/val/deep/c d.jpg", "val/deep/c d"),
    ("b", "val/b"),
    ("b.jpg", "val/b"),
    ("a", "a"),  # of which there are two, so it is no sample
    ("test/b.jpg", "b"),  # which is another sample than val/b
])  # fmt: skip
def test_what_a_line_stands_for_where_there_are_sub_folders(line: str, sample_id: str) -> None:
    assert SampleFinder(NESTED)(line) == sample_id


def test_a_list_without_samples_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with refused(path, "no such file"):
        read_list(path, FLAT)
    with refused(path, "no sample"):
        read(tmp_path, b" \n\n", FLAT)
    with refused(path, "not text"):
        read(tmp_path, b"\xff\xfe", FLAT)


def test_numbers_in_names_count_as_numbers() -> None:
    assert natural_order(["a10b", "a2", "b", "10", "9", "a2b", "a02", ""]) == [
        "", "9", "10", "a02", "a2", "a2b", "a10b", "b",
    ]  # fmt: skip


@given(st.lists(st.text("a0129²٣.-/"), unique=True), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_where_names_start(
    names: list[str], shuffler: random.Random
) -> None:
    shuffled = list(names)
    shuffler.shuffle(shuffled)
    assert natural_order(shuffled) == natural_order(names)
