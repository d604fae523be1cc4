"""Reading pseudo-labels of any format: label maps as they are, or soft scores."""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.scores import Scores, cut_scores
from napari_sepl.files import arrays, class_pngs, pickles
from napari_sepl.files.labels import read_labels
from napari_sepl.files.scores import (
    AUTO,
    PSEUDO_FORMATS,
    Layout,
    check_format,
    guess_format,
    read_scores,
)

_SEEN = "taken for "


def read_pseudo(
    path: Path,
    name: str = AUTO,
    *,
    sample_id: str | None = None,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
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
        Height and width of the image, to which coarse scores are enlarged; a label map of another
        size is refused.
    of : object
        The image's name in an error.

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
        return _read_unnamed(path, sample_id, shape, of)
    fmt = PSEUDO_FORMATS[name]
    if path.suffix.lower() not in fmt.suffixes:
        raise InputError(
            path,
            found=f"the ending {path.suffix or 'of no kind'}",
            expected=f"{' or '.join(sorted(fmt.suffixes))} for --pseudo-format {name}",
        )
    if fmt.layout is Layout.LABELS:
        return read_labels(path, shape, of)
    value: Any = None
    if fmt.layout is Layout.STACK:
        value = np.array(arrays.read_array(path, ()))
    elif fmt.layout is not Layout.CLASS_PNGS:
        value = pickles.read_pickled(path)
    return read_scores(path, fmt, value, shape)


def read_pseudo_labels(
    path: Path,
    name: str = AUTO,
    *,
    sample_id: str | None = None,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
    background: float | None = None,
) -> NDArray[np.uint8]:
    """Read pseudo-labels; scores become labels at the background's value.

    Parameters
    ----------
    path, name, sample_id, shape, of
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
    read = read_pseudo(path, name, sample_id=sample_id, shape=shape, of=of)
    return cut_scores(read, background) if isinstance(read, Scores) else read


def _read_unnamed(
    path: Path, sample_id: str | None, shape: tuple[int, int] | None, of: object
) -> NDArray[np.uint8] | Scores:
    suffix = path.suffix.lower()
    value: Any = None
    if suffix in pickles.SUFFIXES or (suffix == ".npy" and pickles.holds_objects(path)):
        value = pickles.read_pickled(path)
    elif suffix == ".npy":
        with arrays.open_array(path, ()) as stored:
            if stored.header.dtype.kind == "f" and len(stored.header.shape) == 3:
                value = np.array(stored.whole())
    elif _is_of_class(path, sample_id) and class_pngs.is_surely_scores(path):
        return _seen(read_scores(path, PSEUDO_FORMATS["l2g"], shape=shape))
    if value is None:
        return read_labels(path, shape, of)
    return _seen(read_scores(path, guess_format(path, value), value, shape))


def is_named(origin: str, name: str) -> bool:
    """Return whether a `Scores.origin`, empty for a label map, is one that this format gives."""
    if name == AUTO:
        return not origin or origin.startswith(_SEEN)
    return (
        origin.startswith(f"{name}: ") if origin else PSEUDO_FORMATS[name].layout is Layout.LABELS
    )


def _seen(scores: Scores) -> Scores:
    return replace(scores, origin=_SEEN + scores.origin)


def _is_of_class(path: Path, sample_id: str | None) -> bool:
    """Return whether a PNG is named as one class's scores of the sample are."""
    parts = class_pngs.split_stem(path.stem)
    if parts is None or sample_id is None or path.suffix.lower() != ".png":
        return False
    return parts[0] == PurePosixPath(sample_id).name
