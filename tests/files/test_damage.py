"""Files that are cut off or altered are refused by name, or read as they were: nothing between."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_sepl import MaskSet
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.images import image_size, read_image
from napari_sepl.files.label_png import encode_label_png, read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks, write_masks
from tests.files.making import (
    REJECTED,
    answer_of,
    provenance,
    random_labels,
    random_masks,
    save_image,
)

RGB = np.random.default_rng(4).integers(0, 256, (24, 32, 3)).astype(np.uint8)
LABELS = random_labels((24, 32))
MASKS = MaskSet.from_dense(random_masks(3, (24, 32)))


def write_label(path: Path) -> None:
    path.write_bytes(encode_label_png(LABELS, VOC, provenance()))


Case = tuple[str, Callable[[Path], object], Callable[[Path], object]]
CASES: list[Case] = [
    ("rgb.png", read_image, lambda p: save_image(p, RGB)),
    ("rgb.jpg", read_image, lambda p: save_image(p, RGB)),
    ("rgb.webp", read_image, lambda p: save_image(p, RGB, lossless=True)),
    ("rgb.gif", read_image, lambda p: Image.fromarray(RGB).quantize().save(p)),
    ("rgb.tga", read_image, lambda p: save_image(p, RGB, compression="tga_rle")),
    ("plain.tif", read_image, lambda p: tifffile.imwrite(p, RGB, photometric="rgb")),
    ("tiles.tif", read_image, lambda p: tifffile.imwrite(
        p, RGB, photometric="rgb", compression="lzw", tile=(16, 16))),
    ("jpeg.tif", read_image, lambda p: tifffile.imwrite(
        p, RGB, photometric="ycbcr", compression="jpeg")),
    ("size.jpg", image_size, lambda p: save_image(p, RGB)),
    ("grey.png", read_labels, lambda p: save_image(p, LABELS)),
    ("label.png", read_labels, write_label),
    ("record.png", read_provenance, write_label),
    ("labels.npy", read_labels, lambda p: np.save(p, LABELS)),
    ("labels.npz", read_labels, lambda p: np.savez_compressed(p, LABELS)),
    ("masks.json", read_masks, lambda p: write_masks(p, MASKS)),
    ("masks.npz", read_masks, lambda p: np.savez(p, random_masks(3, (24, 32)))),
]  # fmt: skip
cases = pytest.mark.parametrize(("name", "read", "write"), CASES, ids=[name for name, *_ in CASES])


def same(first: Any, second: Any) -> bool:
    if isinstance(first, MaskSet) and isinstance(second, MaskSet):
        return first.digest == second.digest
    return np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second


@cases
def test_a_cut_off_file_is_refused_or_was_whole_enough(
    tmp_path: Path, name: str, read: Callable[[Path], Any], write: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    write(path)
    whole, content = read(path), path.read_bytes()
    refusals = 0
    for length in {*range(0, len(content), 23), *range(max(0, len(content) - 40), len(content))}:
        path.write_bytes(content[:length])
        answer = answer_of(read, path)
        if answer is REJECTED:
            refusals += 1
        else:
            assert same(answer, whole), length
    assert refusals > 5


@functools.cache
def content_of(name: str, folder: Path) -> bytes:
    write = next(write for other, _read, write in CASES if other == name)
    write(folder / name)
    return (folder / name).read_bytes()


def read_altered(
    folder: Path,
    name: str,
    read: Callable[[Path], Any],
    places: list[tuple[float, int]],
    head: bool,
) -> None:
    content = bytearray(content_of(name, folder))
    for place, value in places:
        content[int(place * (min(150, len(content)) if head else len(content)))] = value
    path = folder / name
    path.write_bytes(content)
    answer_of(read, path)


altered = given(
    places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3),
    head=st.booleans(),
)


@cases
@settings(deadline=None, max_examples=40)
@altered
def test_an_altered_file_gives_an_input_error_or_an_answer_never_another_error(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    read: Callable[[Path], Any],
    write: Callable[[Path], object],
    places: list[tuple[float, int]],
    head: bool,
) -> None:
    read_altered(tmp_path_factory.getbasetemp(), name, read, places, head)


@pytest.mark.long
@cases
@settings(deadline=None, max_examples=2000)
@altered
def test_thousands_of_altered_files(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    read: Callable[[Path], Any],
    write: Callable[[Path], object],
    places: list[tuple[float, int]],
    head: bool,
) -> None:
    read_altered(tmp_path_factory.getbasetemp(), name, read, places, head)
