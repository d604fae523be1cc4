"""What a run has counted: as it was or not at all; and states of files that differ."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.workflow.measure.checkpoint import (
    RunCheckpoint,
    from_arrays,
    read_checkpoint,
    stamp_files,
    to_arrays,
)


@dataclass(frozen=True, eq=False)
class Part:
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sums:
    part: Part
    other: Part | None
    shares: NDArray[np.float64]
    pixels: int


SUMS = Sums(
    Part(np.arange(12, dtype=np.int64).reshape(3, 4)), None, np.array([0.1, np.nan, 1 / 3]), 2**40
)
EMPTY = Sums(Part(np.zeros((3, 4), np.int64)), None, np.zeros(3), 0)
KEY = {"t1": [0.1, 0.5], "truth": None}


def checkpoint(folder: Path) -> RunCheckpoint:
    return RunCheckpoint(folder / "sweep.csv", KEY, lambda _: [], lambda: to_arrays(SUMS, "sums"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    kept = checkpoint(tmp_path)
    kept.stamps = {"b": stamp_files([]), "ä": stamp_files([])}
    kept.save()
    assert kept.holds
    return kept.path


def test_it_reads_back(path: Path) -> None:
    assert path.name == ".sweep.csv.sepl-checkpoint.npz"
    kept = checkpoint(path.parent)
    arrays = kept.resume(["ä", "b", "c"])
    assert arrays is not None
    assert list(kept.stamps) == ["b", "ä"]
    read = from_arrays(EMPTY, arrays, "sums")
    np.testing.assert_array_equal(read.part.counts, SUMS.part.counts)
    np.testing.assert_array_equal(read.shares, SUMS.shares)
    assert (read.other, read.pixels) == (None, 2**40)
    assert read.part.counts.flags.writeable  # the run adds to it


def test_where_nothing_is_kept_nothing_is_read(tmp_path: Path) -> None:
    kept = checkpoint(tmp_path)
    assert kept.resume(["a"]) is None
    assert not kept.note
    kept.save()  # nothing is counted
    kept.end()
    assert not kept.path.exists()


def test_it_can_be_removed(path: Path) -> None:
    checkpoint(path.parent).end()
    assert not path.exists()
    path.mkdir()
    with pytest.raises(SaveError, match="could not be removed"):
        checkpoint(path.parent).end()


def test_no_part_of_it_is_taken_for_the_whole(path: Path) -> None:
    content = path.read_bytes()
    for length in (*range(0, len(content), 97), len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="expected what a stopped run had counted"):
            read_checkpoint(path)


def test_a_changed_byte_is_noticed_or_changes_nothing(path: Path) -> None:
    content, (about, sums) = path.read_bytes(), read_checkpoint(path)
    noticed = 0
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            told, read = read_checkpoint(path)
        except InputError:
            noticed += 1
            continue
        assert told == about
        for name, array in sums.items():
            if name in read:  # a name that is not there is not taken for another
                np.testing.assert_array_equal(read[name], array)
    assert noticed > len(content) / 7 / 2


def test_other_files_are_refused(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, counts=np.zeros(3))
    with pytest.raises(InputError, match="expected what a stopped run had counted"):
        read_checkpoint(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="found a folder"):
        read_checkpoint(path)


def test_states_of_files_differ(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.png", tmp_path / "masks"
    folder.mkdir()
    seen = []

    def look() -> None:
        stamp = stamp_files([file, folder])
        assert stamp == stamp_files([file, folder])
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
