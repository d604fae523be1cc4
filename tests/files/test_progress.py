"""What a run has counted: as it was or not at all; and states of files that differ."""

import os
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.progress import (
    Progress,
    progress_file,
    read_progress,
    remove_progress,
    stamp_files,
    write_progress,
)
from tests.messages import raises_input_error

SUMS = {
    "counts": np.arange(12, dtype=np.int64).reshape(3, 4),
    "shares": np.array([0.1, np.nan, 1 / 3]),
    "none": np.empty((0, 7)),
    "pixels": np.array(2**40),
}
PROGRESS = Progress({"t1": [0.1, 0.5], "truth": None}, {"b": 2**64 - 1, "ä\udc80": 0}, SUMS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = progress_file(tmp_path / "sweep.csv")
    write_progress(path, PROGRESS)
    return path


def test_it_reads_back(path: Path) -> None:
    assert path.name == ".sweep.csv.sepl-progress"
    read = read_progress(path)
    assert read is not None
    assert read.key == PROGRESS.key
    assert list(read.stamps.items()) == list(PROGRESS.stamps.items())
    assert list(read.sums) == list(SUMS)
    for name, array in SUMS.items():
        assert read.sums[name].dtype == array.dtype
        np.testing.assert_array_equal(read.sums[name], array)
        assert read.sums[name].flags.writeable  # the run adds to it


def test_where_nothing_is_kept_nothing_is_read(tmp_path: Path) -> None:
    assert read_progress(progress_file(tmp_path / "sweep.csv")) is None
    remove_progress(progress_file(tmp_path / "sweep.csv"))


def test_it_can_be_removed(path: Path) -> None:
    remove_progress(path)
    assert read_progress(path) is None
    path.mkdir()
    with pytest.raises(SaveError, match="could not be removed"):
        remove_progress(path)


def test_no_part_of_it_is_taken_for_the_whole(path: Path) -> None:
    content = path.read_bytes()
    for length in (*range(0, len(content), 97), len(content) - 1):
        path.write_bytes(content[:length])
        with raises_input_error(expected="what a stopped run had counted"):
            read_progress(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(InputError, match="damaged"):
        read_progress(path)


def test_a_changed_byte_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    for place in range(0, len(content), 53):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with raises_input_error(expected="what a stopped run had counted"):
            read_progress(path)


def test_other_files_are_told(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, counts=np.zeros(3))
    with raises_input_error(found="something else", expected="what a stopped run"):
        read_progress(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        read_progress(path)


def test_states_of_files_differ(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.png", tmp_path / "masks"
    folder.mkdir()
    seen = []

    def look() -> None:
        stamp = stamp_files([file, folder])
        assert stamp == stamp_files([file, folder])
        assert 0 <= stamp < 2**64
        seen.append(stamp)

    look()  # without the file
    file.write_bytes(b"1")
    os.utime(file, ns=(0, 1))
    look()
    os.utime(file, ns=(0, 2))
    look()
    file.write_bytes(b"12")
    os.utime(file, ns=(0, 2))
    look()
    (folder / "0.png").write_bytes(b"1")
    os.utime(folder / "0.png", ns=(0, 1))
    look()
    os.utime(folder / "0.png", ns=(0, 2))  # which the folder's own time does not tell
    look()
    (folder / "0.png").rename(folder / "1.png")
    look()
    seen.append(stamp_files([folder, file]))
    assert len(set(seen)) == len(seen) == 8
