"""`info` says what any file or folder is taken for."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.class_lists import encode_class_list
from tests.files.making import (
    SHAPE,
    random_labels,
    random_masks,
    save_amg_folder,
    save_image,
    save_json,
)
from tests.messages import says
from tests.program import Run

RGB = np.random.default_rng(3).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
SIZE = "30 × 40 (height × width)"


def facts(run: Run, path: Path) -> dict[str, list[str]]:
    code, out, err = run("info", path, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert says(run("info", path)[1], "taken for", found["taken_for"])
    told: dict[str, list[str]] = found["facts"]
    return told | {"taken_for": [found["taken_for"]]}


def test_images_and_labels(run: Run, tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.jpg", RGB)
    assert facts(run, path) == {
        "taken_for": ["an image (JPEG)"], "size": [SIZE], "pixels": ["RGB, 8 bits"],
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.tif", RGB.astype(np.uint16), photometric="rgb")
    assert facts(run, tmp_path / "a.tif")["pixels"] == ["RGB, 16 bits"]
    labels = random_labels(top=3)
    labels[0, 0] = 255
    found = facts(run, save_image(tmp_path / "a.png", labels))
    assert found["taken_for"] == ["labels (PNG, one class a pixel), or a grey image"]
    assert found["labels"] == ["0, 1, 2, 255, 255 is ignore"]


def test_arrays_and_masks(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", random_masks())
    found = facts(run, tmp_path / "a.npy")
    assert "masks" in found["taken_for"][0]
    assert (found["masks"], found["size"]) == (["4"], [SIZE])
    np.save(tmp_path / "cam.npy", {3: np.ones(SHAPE, np.float32)}, allow_pickle=True)  # type: ignore[arg-type]
    assert facts(run, tmp_path / "cam.npy")["classes"] == ["4"]
    folder = save_amg_folder(tmp_path / "m", random_masks())
    assert facts(run, folder)["taken_for"] == ["masks of one image (a folder of PNGs)"]


def test_lists_class_lists_and_datasets(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(encode_class_list(VOC))
    assert facts(run, tmp_path / "c.toml")["taken_for"] == ["a class list"]
    (tmp_path / "l.txt").write_text("a\n# b\nc\n")
    assert facts(run, tmp_path / "l.txt")["lines"] == ["2"]
    for name in ("a_leftImg8bit.png", "b_leftImg8bit.png"):
        (tmp_path / "images").mkdir(exist_ok=True)
        save_image(tmp_path / "images" / name, RGB)
    (tmp_path / "pseudo").mkdir()
    save_image(tmp_path / "pseudo" / "a_gtFine_labelIds.png", random_labels())
    (tmp_path / "set.toml").write_text('images = "images"\npseudo = "pseudo"\n')
    found = facts(run, tmp_path / "set.toml")
    assert (found["samples"], found["with image"]) == (["1"], ["2"])
    assert found["suffix"] == ["image: _leftImg8bit", "pseudo-labels: _gtFine_labelIds"]


def test_folders(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "train").mkdir(parents=True)
    for name in ("a_rgb.png", "b_rgb.png", "c.jpg", "train/d_rgb.png"):
        save_image(folder / name, RGB)
    found = facts(run, folder)
    assert found["samples"] == ["4"]
    assert found["formats"] == ["3 .png, 1 .jpg"]
    assert found["suffix"] == ["_rgb (3 of 4)"]
    assert found["sub-folder"] == ["train/ (1)"]
    assert found["first"] == ["a_rgb.png: an image (PNG)"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"{}", "found"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.png", b"no image", "no image in a known format"),
        ("a.docx", b"PK", "a file ending in .docx"),
        ("a.toml", b'images = "C:\\data"', "single quotes"),
        ("a.txt", b"\n", "no line"),
        ("a.npy", b"\x93NUMPY\x01\x00", "damaged or cut-off"),
    ],
)
def test_the_reason_comes_first_where_nothing_can_be_read(
    run: Run, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    code, out, err = run("info", path)
    assert (code, out) == (1, "")
    assert err.startswith("napari-sepl: found ")
    assert says(err, path, told)


def test_an_empty_folder_is_named(run: Run, tmp_path: Path) -> None:
    code, _, err = run("info", tmp_path)
    assert code == 1
    assert says(err, "no file that is read", tmp_path)


def test_our_record_and_exports(run: Run, tmp_path: Path) -> None:
    Image.fromarray(random_labels()).save(tmp_path / "a.png")
    (tmp_path / "napari-sepl.sqlite").write_bytes(b"")
    assert facts(run, tmp_path)["taken_for"] == ["a folder of labels"]
    assert "record" in facts(run, tmp_path / "napari-sepl.sqlite")["taken_for"][0]
    save_json(tmp_path / "napari-sepl-export.json", {"settings": {"format": "voc"}})
    assert facts(run, tmp_path)["export"] == ["of napari-sepl, format voc"]
