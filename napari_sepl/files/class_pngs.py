"""Readers of scores in one grey image for each class: ID_0.png, ID_14.png, …, counted from 0."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.files._opening import check_size, is_there
from napari_sepl.files.image_formats import open_image

_NAME = re.compile(r"(.+)_(0|[1-9][0-9]{0,2})")
_EXPECTED = "scores of a class as a PNG of 8 bits grey"
_GREYEST = 90
"""The highest label that a label map in grey is likely to have; COCO's highest is 80, or 90 with
the gaps in its numbering."""


def split_stem(stem: str) -> tuple[str, int] | None:
    """Return sample and class of a file of scores by its stem; None for other stems."""
    match = _NAME.fullmatch(stem)
    if match is None or int(match[2]) + 1 >= IGNORE:
        return None
    return match[1], int(match[2])


def group_class_pngs(
    names: Mapping[str, str], images: Collection[str], *, only: bool = False
) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Return for each sample one of its files: its own, or the lowest class's PNG.

    A file whose stem is that of an image is the image's own, even where it ends like one of a
    class: 2007_000032 is no class 32 of a sample 2007.

    Parameters
    ----------
    names : mapping of str to str
        Stem to the name of the file.
    images : collection of str
        Stems of the images.
    only : bool
        Leave out files that are of no class.

    Returns
    -------
    names : dict of str to str
        Sample to the name of its file.
    both : dict of str to tuple of str
        Samples with a file of their own and PNGs of classes: one of each kind.
    """
    found: dict[str, str] = {}
    classes: dict[str, tuple[int, str]] = {}
    for stem, name in names.items():
        parts = None if stem in images else split_stem(stem)
        if parts is not None and (only or parts[0] in images) and name.lower().endswith(".png"):
            sample_id, class_id = parts
            classes[sample_id] = min(classes.get(sample_id, (IGNORE, "")), (class_id, name))
        elif not only:
            found[stem] = name
    both = {one: (found.pop(one), classes.pop(one)[1]) for one in found.keys() & classes.keys()}
    return found | {sample_id: name for sample_id, (_, name) in classes.items()}, both


def class_files(path: Path) -> dict[int, Path]:
    """Return the files of all classes of a sample, given one of them, by class from 0."""
    parts = split_stem(path.stem)
    if parts is None:
        raise InputError(path, found="a name without a class", expected="a name such as cat_7.png")
    places = {c: path.with_name(f"{parts[0]}_{c}{path.suffix}") for c in range(IGNORE - 1)}
    return {class_id: place for class_id, place in places.items() if is_there(place, _EXPECTED)}


def files_of(path: Path, sample_id: str) -> list[Path]:
    """Return all files of a sample's pseudo-labels, given one of them."""
    stem = PurePosixPath(sample_id).name
    parts = None if path.stem == stem else split_stem(path.stem)
    if parts is None or parts[0] != stem:
        return [path]
    return list(class_files(path).values())


def read_class_pngs(
    path: Path, shape: tuple[int, int] | None = None
) -> dict[int, NDArray[np.float32]]:
    """Read the scores of all classes of a sample.

    Parameters
    ----------
    path : Path
        One of the files.
    shape : tuple of int, optional
        Height and width of the image; larger scores are refused before they are unpacked.

    Returns
    -------
    dict of int to (H, W) float32
        By class, counted from 0; 255 is a score of 1.

    Raises
    ------
    InputError
        If a file is no grey PNG of 8 bits, or larger than the image.
    """
    return {class_id: _read(place, shape) for class_id, place in class_files(path).items()}


def _read(path: Path, shape: tuple[int, int] | None) -> NDArray[np.float32]:
    with open_image(path, _EXPECTED) as image:
        size = image.height, image.width
        if shape is not None and (size[0] > shape[0] or size[1] > shape[1]):
            check_size(path, size, shape, what="scores")
        if image.format != "PNG" or image.mode != "L":
            raise InputError(
                path, found=f"a {image.format} of mode {image.mode}", expected=_EXPECTED
            )
        image.load()
        return np.array(image).astype(np.float32) / np.float32(IGNORE)


def is_surely_scores(path: Path) -> bool:
    """Return whether a PNG named as scores of a class has greys that no label map has.

    Raises
    ------
    InputError
        If it might be a label map just as well.
    """
    with open_image(path, "a PNG") as image:
        if image.mode != "L":
            return False
        image.load()
        greys = np.unique(np.array(image))
    if ((greys > _GREYEST) & (greys < IGNORE)).any():
        return True
    raise InputError(
        path,
        found="a grey image that may be a label map, or the scores of one class",
        expected="--pseudo-format labels, l2g or rca",
    )
