"""Reading pseudo-labels of any format: label maps as they are, or soft scores."""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.scores import Scores, cut_scores
from napari_sepl.files import arrays, class_pngs, pickles
from napari_sepl.files import labels as label_files
from napari_sepl.files.labels import given_labels, read_given_labels, read_labels
from napari_sepl.files.score_maps import FIELDS, guess_format, read_scores
from napari_sepl.files.scores import AUTO, PSEUDO_FORMATS, SCORE_SUFFIXES, Layout, check_format

_SEEN = "taken for "


def read_pseudo(
    path: Path,
    name: str = AUTO,
    *,
    sample_id: str | None = None,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
    classes: ClassList | None = None,
) -> NDArray[np.uint8] | Scores:
    """Read the pseudo-labels of one image, or the scores that give them.

    Parameters
    ----------
    path : Path
        The file; of several for the classes any one.
    name : str
        The format's name in `PSEUDO_FORMATS`, or "auto" to detect it; then ``Scores.origin``
        names the detected one.
    sample_id : str, optional
        The image's id, whose last part tells ``cat_7.png`` of the image ``cat`` from a label map.
    shape : tuple of int, optional
        Height and width of the image, to which scores are resized; a label map of another size is
        refused.
    of : object
        The image's name in an error.
    classes : ClassList, optional
        The classes, which tell the colours of label maps, and whether an array of scores has a map
        for the background; without it label maps in colours are refused.

    Returns
    -------
    (H, W) uint8, or Scores

    Raises
    ------
    InputError
        If the file cannot be read, is not of the format, or may be of several.
    """
    check_format(name)
    if name == AUTO:
        return _read_unnamed(path, sample_id, shape, of, classes)
    fmt = PSEUDO_FORMATS[name]
    if path.suffix.lower() not in fmt.suffixes:
        raise InputError(
            path,
            found=f"the ending {path.suffix or 'of no kind'}",
            expected=f"{' or '.join(sorted(fmt.suffixes))} for --pseudo-format {name}",
        )
    if fmt.layout in (Layout.LABELS, Layout.COLOURS):
        return _read_labels(path, shape, of, classes, by_colour=fmt.layout is Layout.COLOURS)
    value = None if fmt.layout is Layout.CLASS_PNGS else _read_scores_file(path)
    return read_scores(path, fmt, value, shape, classes)


def read_pseudo_labels(
    path: Path,
    name: str = AUTO,
    *,
    sample_id: str | None = None,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
    background: float | None = None,
    classes: ClassList | None = None,
) -> NDArray[np.uint8]:
    """Read pseudo-labels; scores become labels at the background's value.

    Parameters
    ----------
    path, name, sample_id, shape, of, classes
        As for `read_pseudo`.
    background : float, optional
        As for `cut_scores`.

    Returns
    -------
    (H, W) uint8

    Raises
    ------
    InputError
        As `read_pseudo` does.
    """
    read = read_pseudo(path, name, sample_id=sample_id, shape=shape, of=of, classes=classes)
    return cut_scores(read, background) if isinstance(read, Scores) else read


def _read_unnamed(
    path: Path,
    sample_id: str | None,
    shape: tuple[int, int] | None,
    of: object,
    classes: ClassList | None,
) -> NDArray[np.uint8] | Scores:
    if path.suffix.lower() in SCORE_SUFFIXES:
        value = _read_scores_file(path, or_labels=True)
        is_flat = _is_flat(value)
        if classes is not None and is_flat and not _may_be_scores(value, classes):
            return given_labels(path, value, classes, shape, of)
        if value is not None and not (classes is None and is_flat):
            fmt = guess_format(path, value, classes)
            return _seen(read_scores(path, fmt, value, shape, classes))
    elif _is_of_class(path, sample_id) and class_pngs.is_surely_scores(path):
        scores = read_scores(path, PSEUDO_FORMATS["l2g"], shape=shape, classes=classes)
        return _seen(scores)
    return _read_labels(path, shape, of, classes)


def _read_labels(
    path: Path,
    shape: tuple[int, int] | None,
    of: object,
    classes: ClassList | None,
    *,
    by_colour: bool | None = None,
) -> NDArray[np.uint8]:
    if classes is None:
        return read_labels(path, shape, of)
    return read_given_labels(path, classes, shape, of, by_colour=by_colour)


def _read_scores_file(path: Path, *, or_labels: bool = False) -> Any:
    """Return the array or the dictionary in a file; None where `or_labels` and it has labels."""
    suffix = path.suffix.lower()
    if suffix in arrays.TENSOR_SUFFIXES:
        is_torch = suffix != ".safetensors"
        value = pickles.read_torch_file(path) if is_torch else arrays.read_safetensors(path)
        return _unpacked(value)
    if suffix in pickles.SUFFIXES or (suffix == ".npy" and pickles.holds_objects(path)):
        return pickles.read_pickled(path)
    names = arrays.archive_names(path) if suffix == ".npz" else []
    wanted = {one for one in names if one in FIELDS or one.isdecimal()}
    if wanted and not (or_labels and "labels" in names):
        return _unpacked(arrays.read_archive(path, wanted.__contains__))
    with arrays.open_array(path, ("labels", "arr_0") if or_labels else ("arr_0",)) as stored:
        header = stored.header
        if or_labels and (header.dtype.kind != "f" or len(header.shape) < 2):
            return None
        return np.array(stored.whole())


def _unpacked(value: Any) -> Any:
    """Return the only tensor of a file by itself, and names that are numbers as numbers."""
    if not isinstance(value, dict) or not value:
        return value
    if len(value) == 1 and not value.keys() & FIELDS and not _are_numbers(value):
        return next(iter(value.values()))
    return {int(key): one for key, one in value.items()} if _are_numbers(value) else value


def _is_flat(value: Any) -> bool:
    return isinstance(value, np.ndarray) and len(label_files.without_axes(value.shape)) == 2


def _may_be_scores(value: NDArray[Any], classes: ClassList) -> bool:
    """Return whether one map is that of the only class: it has fractions."""
    is_only = len(classes) == 2 and value.dtype.kind == "f"
    return is_only and not np.array_equal(value, np.round(value))


def _are_numbers(value: dict[Any, Any]) -> bool:
    return all(isinstance(key, str) and key.isascii() and key.isdecimal() for key in value)


def is_named(origin: str, name: str) -> bool:
    """Return whether a `Scores.origin`, empty for a label map, is one that this format gives."""
    if name == AUTO:
        return not origin or origin.startswith(_SEEN)
    return (
        origin.startswith(f"{name}: ")
        if origin
        else PSEUDO_FORMATS[name].layout in (Layout.LABELS, Layout.COLOURS)
    )


def _seen(scores: Scores) -> Scores:
    return replace(scores, origin=_SEEN + scores.origin)


def _is_of_class(path: Path, sample_id: str | None) -> bool:
    """Return whether a PNG is named as one class's scores of the sample are."""
    parts = class_pngs.split_stem(path.stem)
    if parts is None or sample_id is None or path.suffix.lower() != ".png":
        return False
    return parts[0] == PurePosixPath(sample_id).name
