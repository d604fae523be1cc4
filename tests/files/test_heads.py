"""Looking at the beginning and the end of files."""

from pathlib import Path

import numpy as np
import pytest

from napari_sepl.files.heads import check_head
from tests.files.making import random_labels, save_image
from tests.messages import raises_input_error


@pytest.fixture(params=["p.png", "p.tif", "p.npy", "object.npy", "p.npz", "m.json"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A whole file of each kind."""
    path = tmp_path / str(request.param)
    if path.suffix == ".json":
        path.write_text('[{"segmentation": 1}]\n')
    elif path.name == "object.npy":
        np.save(path, np.array({1: 2}, object), allow_pickle=True)
    elif path.suffix == ".npy":
        np.save(path, random_labels())
    elif path.suffix == ".npz":
        np.savez(path, labels=random_labels(), other=random_labels())
    else:
        save_image(path, random_labels())
    return path


def test_whole_files_pass(path: Path) -> None:
    check_head(path)


def test_cut_off_and_empty_files_do_not(path: Path) -> None:
    content = path.read_bytes()
    if path.name != "object.npy":  # how long a pickle is its header does not tell
        path.write_bytes(content[: -len(content) // 2])
        with raises_input_error(path):
            check_head(path)
    path.write_bytes(b"")
    with raises_input_error(path):
        check_head(path)


def test_bytes_after_the_end_of_a_png_are_no_fault(tmp_path: Path) -> None:
    save_image(tmp_path / "p.png", random_labels())
    with (tmp_path / "p.png").open("ab") as file:
        file.write(b"more")
    check_head(tmp_path / "p.png")


def test_folders_of_masks_hold_something(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    with raises_input_error(tmp_path / "masks", found="an empty folder"):
        check_head(tmp_path / "masks")
    (tmp_path / "masks" / "0.png").write_bytes(b"x")
    check_head(tmp_path / "masks")
