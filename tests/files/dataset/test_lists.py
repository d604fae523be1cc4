import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.files.dataset.lists import SampleFinder, natural_order, read_list
from napari_sepl.files.dataset.names import alike, list_line
from tests.files.making import refused

FLAT = {"a", "b", "c", "x.y", "my dog", "my", "2007_000032", "b,c"}
NESTED = {"train/a", "val/a", "val/b", "val/deep/c d"}


def read(folder: Path, content: str | bytes, known: set[str]) -> dict[str, str]:
    path = folder / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_list(path, known)


def test_samples_come_in_the_order_of_the_list_each_once(tmp_path: Path) -> None:
    listed = "# mine\nc\n\n/JPEGImages/b.jpg /SegmentationClassAug/b.png\nx.y,-1\n#\nc\nz 1\n"
    assert list(read(tmp_path, listed, FLAT)) == ["c", "b", "x.y", "z 1"]
    assert list(read(tmp_path, "\ufeffb\r\na\r\n", FLAT)) == ["b", "a"]


def test_of_a_list_of_a_class_the_samples_that_hold_it_count(tmp_path: Path) -> None:
    assert list(read(tmp_path, "a -1\nc  1\nz  0\nb\t1\n", FLAT)) == ["c", "b"]
    with refused(tmp_path / "list.txt", "no sample with the mark 1"):
        read(tmp_path, "a -1\nc  0\n", FLAT)
    assert list(read(tmp_path, "a -1\nc  2\n", FLAT)) == ["a -1", "c  2"]
    assert list(read(tmp_path, "my 1\nmy 0\n", {"my", "my 1"})) == ["my 1", "my 0"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_lists_of_windows_programs_are_read(tmp_path: Path, encoding: str) -> None:
    content = "my dog\r\nD:\\set\\images\\a.jpg\r\n".encode(encoding)
    assert list(read(tmp_path, content, FLAT)) == ["my dog", "a"]


def test_comments_and_quotes_are_no_part_of_a_name(tmp_path: Path) -> None:
    listed = 'a  # the first\n#b.jpg\n"my dog"\n"C:\\temp\\b.png"\nx#y\n#z'
    assert list(read(tmp_path, listed, FLAT | {"x#y", "#z"})) == ["a", "my dog", "b", "x#y", "#z"]


def test_what_is_no_text_is_named_with_its_place(tmp_path: Path) -> None:
    with refused(tmp_path / "list.txt", "a NUL character in line 2"):
        read(tmp_path, "a\nb\0c\n", FLAT)
    with refused(tmp_path / "list.txt", "not text in UTF-8 (byte 3)"):
        read(tmp_path, "Caf\xe9\n".encode("latin-1"), FLAT)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)


@given(st.sets(NAMES, min_size=1, max_size=4))
def test_every_name_that_we_list_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, names: set[str]
) -> None:
    names = {one for one in names if "\\" not in one and not alike(names)} or {"a"}
    content = "".join(f"{list_line(one)}\n" for one in names)
    found = read(tmp_path_factory.mktemp("lists"), content, names)
    assert found == dict.fromkeys(found, "")
    assert set(found) == names


@pytest.mark.parametrize(("line", "sample_id"), [
    ("a", "a"),
    ("a.jpg", "a"),
    ("./a.png", "a"),
    ("a.npy", "a"),
    ("/data/JPEGImages/a.JPG", "a"),
    ("/data/JPEGImages/a", "a"),
    ("JPEGImages\\a.jpg", "a"),
    ("C:\\data\\a.jpg C:\\labels\\a.png", "a"),
    ("/JPEGImages/a /SegmentationClassAug/a", "a"),
    ("images/a.jpg labels/a_gt.png", "a"),
    ("a\t-1", "a"),
    ("a,1", "a"),
    ("x.y", "x.y"),
    ("x.y.png", "x.y"),
    ("my dog", "my dog"),
    ("my dog.jpg", "my dog"),
    ("my dog.jpg\tmy dog.png", "my dog"),
    ("my dog.jpg,my dog.png", "my dog"),
    ("my images/a.jpg", "a"),
    ("data/my images/my dog.jpg", "my dog"),
    ("b,c.jpg", "b,c"),
    ("img/b,c.jpg", "b,c"),
    ("JPEGImages/2007_000032.jpg", "2007_000032"),
])  # fmt: skip
def test_what_a_line_stands_for(line: str, sample_id: str) -> None:
    assert SampleFinder(FLAT).named_by(line) == (sample_id, "")


@pytest.mark.parametrize(
    "line", ["my cat", "my cat 9", "my cat.jpg", "a 1", "val/a", "z/known.jpg", "..", "../a", "/"]
)
def test_a_line_that_names_no_sample_stands_for_itself(line: str) -> None:
    assert SampleFinder(FLAT).named_by(line) == (line, "")


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
    ("test/b.jpg", "test/b.jpg"),  # which is another sample than val/b
])  # fmt: skip
def test_what_a_line_stands_for_where_there_are_sub_folders(line: str, sample_id: str) -> None:
    assert SampleFinder(NESTED).named_by(line) == (sample_id, "")


@pytest.mark.parametrize("line", ["a", "a.png"])
def test_a_line_that_may_name_two_samples_reports_both(line: str) -> None:
    assert SampleFinder(NESTED).named_by(line) == (line, "in train/ and val/; write train/a")


def test_columns_that_name_two_samples_are_reported() -> None:
    line = "images/a.jpg labels/b.png"
    assert SampleFinder(FLAT).named_by(line) == (line, "names a and b")


def test_lines_that_name_one_sample_in_two_folders_are_reported(tmp_path: Path) -> None:
    listed = "train/a.jpg\nval/a.jpg\nb.jpg\nimg/b.jpg\n/data/img/b.jpg\n"
    assert read(tmp_path, listed, FLAT) == {
        "a": "the list names it as train/a.jpg and as val/a.jpg", "b": "",
    }  # fmt: skip


def test_a_list_without_samples_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with refused(path, "no such file"):
        read_list(path, FLAT)
    with refused(path, "no sample"):
        read(tmp_path, b" \n\n", FLAT)
    with refused(path, "not text"):
        read(tmp_path, b"\xff\xfd", FLAT)


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


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="open pipes have no names")
@pytest.mark.parametrize("content", ["c\n\nb\n", "c\n" * 100_000 + "b"])
def test_a_pipe_of_the_shell_is_read_to_its_end(content: str) -> None:
    read_end, write_end = os.pipe()

    def write() -> None:
        with os.fdopen(write_end, "w") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert list(read_list(Path(f"/dev/fd/{read_end}"), FLAT)) == ["c", "b"]
    finally:
        os.close(read_end)
        writer.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_that_nobody_may_write_to_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "list.txt")
    with refused(tmp_path / "list.txt", "a named pipe", "one sample a line"):
        read_list(tmp_path / "list.txt", FLAT)
