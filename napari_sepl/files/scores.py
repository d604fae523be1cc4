"""The formats of pseudo-labels by the methods that write them, and readers of soft scores."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.labels.scores import BackgroundRule, Scores, enlarge, find_factor
from napari_sepl.files import labels as label_files
from napari_sepl.files import pickles
from napari_sepl.files._opening import brief, pixels
from napari_sepl.files.class_pngs import read_class_pngs
from napari_sepl.files.validation import nearest

AUTO = "auto"
"""The name that leaves it to each file's content."""


class Layout(StrEnum):
    """How a file holds the scores of one image."""

    LABELS = "label map"
    CAMS = "CAM dictionary, classes counted from 0"
    PROBABILITIES = "CRF dictionary, 0 for the background and classes counted from 1"
    KEYED = "dictionary with keys, classes counted from 0"
    KEYED_FROM_1 = "dictionary with keys, 0 in front and classes counted from 1"
    KEYED_OWN = "dictionary with keys, the background's scores in front"
    STACK = "array (classes, H, W), the background first"
    CLASS_PNGS = "one grey PNG for each class, counted from 0"


@dataclass(frozen=True)
class ScoreFormat:
    """The format of a method's files.

    Parameters
    ----------
    name : str
        Its name for `--pseudo-format`.
    layout : Layout
        How a file holds the scores.
    background : float
        The method's own value for the background's rule; see `core.labels.scores.cut_scores`.
    fields : tuple of str
        Of a dictionary with keys, the names that its maps may have, the best first.
    """

    name: str
    layout: Layout
    background: float
    fields: tuple[str, ...] = ()

    @property
    def suffixes(self) -> frozenset[str]:
        """Endings, in lower case, of the files that hold it."""
        if self.layout is Layout.LABELS:
            return label_files.SUFFIXES
        if self.layout is Layout.CLASS_PNGS:
            return frozenset((".png",))
        return frozenset((".npy",)) if self.layout is Layout.STACK else _DICTIONARIES


_DICTIONARIES = pickles.SUFFIXES | {".npy"}
SUFFIXES = label_files.SUFFIXES | pickles.SUFFIXES
"""Endings, in lower case, of all files of pseudo-labels."""

_COARSE = ("high_res", "cam")
PSEUDO_FORMATS = {
    one.name: one
    for one in (
        ScoreFormat("labels", Layout.LABELS, 0),
        ScoreFormat("psa", Layout.CAMS, 0.2),
        ScoreFormat("seam", Layout.CAMS, 0.26),
        ScoreFormat("eps", Layout.CAMS, 0.2),
        ScoreFormat("transcam", Layout.CAMS, 0.42),
        ScoreFormat("ppc", Layout.CAMS, 0.26),
        ScoreFormat("mctformer", Layout.CAMS, 0.39),
        ScoreFormat("irn", Layout.KEYED, 0.15, _COARSE),
        ScoreFormat("clims", Layout.KEYED, 0.15, _COARSE),
        ScoreFormat("clip-es", Layout.KEYED, 2, ("attn_highres",)),
        ScoreFormat("puzzlecam", Layout.KEYED_FROM_1, 0.25, ("rw", "hr_cam", "cam")),
        ScoreFormat("recurseed", Layout.KEYED_FROM_1, 2, ("seed",)),
        ScoreFormat("sipe", Layout.KEYED_OWN, 1, ("IS_CAM",)),
        ScoreFormat("l2g", Layout.CLASS_PNGS, 0.25),
        ScoreFormat("rca", Layout.CLASS_PNGS, 0.25),  # its own rule asks for saliency maps
        ScoreFormat("crf", Layout.PROBABILITIES, 1),
        ScoreFormat("stack", Layout.STACK, 1),
    )
}
"""The formats by name; `auto` stands for one of them."""


def check_format(name: str) -> str:
    """Return the name of a format, or raise InputError that lists them all."""
    if name != AUTO and name not in PSEUDO_FORMATS:
        known = (AUTO, *PSEUDO_FORMATS)
        expected = f"{', '.join(known)}{nearest(name, known)}"
        raise InputError("pseudo-format", found=repr(name), expected=expected)
    return name


def suffixes_of(name: str) -> frozenset[str]:
    """Return the endings of the files that hold a format, in lower case."""
    return SUFFIXES if name == AUTO else PSEUDO_FORMATS[name].suffixes


Shape = tuple[int, int]

_MAX_SCORES = 2**31
"""8 GiB as float32."""

_TOO_HIGH = 2**31
"""All class ids are below."""

_FROM_0 = (Layout.CAMS, Layout.KEYED, Layout.CLASS_PNGS)
_NAME_OF_FIELD = {
    field: name
    for name, fmt in reversed(PSEUDO_FORMATS.items())
    for field in fmt.fields
    if field != "cam"
}
"""Fields that one format alone has, or that the first of two is as good for."""

_SURE, _UNSURE = 0.99, 0.5
"""Shares of pixels whose scores sum to 1, from which a dictionary is one of probabilities, and up
to which it is none: where a CAM has its peak, the maps of one class sum to 1 as well."""


def read_scores(
    path: Path, fmt: ScoreFormat, value: Any = None, shape: Shape | None = None
) -> Scores:
    """Return the scores that a file holds.

    Parameters
    ----------
    path : Path
        The file; one of several where each class has its own.
    fmt : ScoreFormat
        What it is to be read as.
    value : optional
        What was read from the file; nothing for a format of images.
    shape : tuple of int, optional
        Height and width of the image, to which coarse maps are enlarged; without it they stay
        coarse.

    Raises
    ------
    InputError
        If the file does not hold what the format says, or maps of another size than the image.
    """
    if fmt.layout is Layout.CLASS_PNGS:
        found: dict[int, NDArray[Any]] = {**read_class_pngs(path, shape)}
    elif fmt.layout is Layout.STACK:
        found = _by_place(path, value)
    elif fmt.layout in (Layout.CAMS, Layout.PROBABILITIES):
        found = _by_number(path, value, fmt)
    else:
        found = _by_keys(path, value, fmt)
    return _scores(path, fmt, found, shape)


def guess_format(path: Path, value: Any) -> ScoreFormat:
    """Return the format of a dictionary or an array, by its content alone.

    Raises
    ------
    InputError
        If it is in no known format, or in one of two.
    """
    if isinstance(value, np.ndarray):
        return PSEUDO_FORMATS["stack"]
    if not isinstance(value, Mapping):
        raise InputError(path, found=f"a {type(value).__name__}", expected="a dictionary of maps")
    if "keys" in value:
        return _guess_keyed(path, value)
    if 0 not in value:
        return PSEUDO_FORMATS["psa"]
    share = share_of_ones(path, value)
    if _UNSURE < share < _SURE:
        raise InputError(
            path,
            found=f"a map with the key 0 whose scores sum, with the others, to 1 on {share:.0%} of "
            "the pixels: background of a CRF, or the first class of a CAM",
            expected="--pseudo-format crf, or the method's name, such as psa",
        )
    return PSEUDO_FORMATS["crf" if share >= _SURE else "psa"]


def _guess_keyed(path: Path, value: Mapping[Any, Any]) -> ScoreFormat:
    for field, name in _NAME_OF_FIELD.items():
        if field in value:
            return PSEUDO_FORMATS[name]
    cam, keys = value.get("cam"), value["keys"]
    if isinstance(cam, np.ndarray) and isinstance(keys, np.ndarray) and cam.ndim:
        ahead = keys.size == len(cam) + 1
        return PSEUDO_FORMATS["puzzlecam" if ahead else "irn"]
    fields = sorted({field for fmt in PSEUDO_FORMATS.values() for field in fmt.fields})
    expected = f"keys and one of {', '.join(fields)}"
    raise InputError(path, found=_described(value), expected=expected)


def _described(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"no dictionary, but a {type(value).__name__}"
    keys = [key[:40] if isinstance(key, str) else brief(key) for key in list(value)[:8]]
    return f"a dictionary of {', '.join(keys) or 'nothing'}"


def share_of_ones(path: Path, value: Mapping[Any, Any]) -> float:
    """Return the share of pixels, 0..1, on which the maps of a dictionary sum to 1."""
    maps = [_map(path, key, one) for key, one in value.items()]
    if not 0 < len(maps) <= IGNORE or len({one.shape for one in maps}) > 1:
        return 0.0
    total = np.zeros(maps[0].shape)
    for one in maps:  # one by one, for a file can hold one map under many keys
        total += one
    return float(np.mean(np.abs(total - 1) < 1e-3)) if total.size else 0.0


def _by_number(path: Path, value: Any, fmt: ScoreFormat) -> dict[int, NDArray[Any]]:
    if not isinstance(value, Mapping) or not all(
        type(key) is int and abs(key) < _TOO_HIGH for key in value
    ):
        raise InputError(path, found=_described(value), expected=f"a {fmt.layout} for {fmt.name}")
    if fmt.layout is Layout.PROBABILITIES:
        if value and 0 not in value:
            raise InputError(
                path, found=_described(value), expected="the background's probability as 0"
            )
    elif 0 in value and len(value) > 1 and share_of_ones(path, value) >= _SURE:
        raise InputError(
            path,
            found="maps that sum to 1 everywhere, as those of a CRF",
            expected=f"a {fmt.layout} for {fmt.name}; or --pseudo-format crf",
        )
    return {key: _map(path, key, one) for key, one in value.items()}


def _by_keys(path: Path, value: Any, fmt: ScoreFormat) -> dict[int, NDArray[Any]]:
    """Return the maps by the keys that stand beside them."""
    field = next((f for f in fmt.fields if isinstance(value, Mapping) and f in value), None)
    if field is None or not isinstance(value.get("keys"), np.ndarray | list):
        names = " or ".join(fmt.fields)
        raise InputError(path, found=_described(value), expected=f"keys and {names} for {fmt.name}")
    keys, maps = value["keys"], value[field]
    ids = _whole_numbers(keys)
    if ids is None:
        text = f"keys of shape {keys.shape}" if isinstance(keys, np.ndarray) else "a list of keys"
        raise InputError(path, found=text, expected="a row of class ids, whole numbers")
    if not isinstance(maps, list) and not (isinstance(maps, np.ndarray) and maps.ndim):
        raise InputError(path, found=f"no maps as {field}", expected="a map for each key")
    if fmt.layout is Layout.KEYED_FROM_1 and ids[:1] == [0] and len(ids) == len(maps) + 1:
        ids = ids[1:]
    elif fmt.layout is Layout.KEYED_FROM_1 and ids:
        raise InputError(
            path,
            found=f"{len(ids)} keys from {ids[0]} on for {len(maps)} maps",
            expected=f"0 and a key for each map, as {fmt.name} writes them",
        )
    if len(ids) != len(maps) or len(set(ids)) != len(ids):
        raise InputError(
            path,
            found=f"the keys {ids[:12]} for {len(maps)} maps",
            expected="a key of its own for each map",
        )
    if fmt.layout is Layout.KEYED_OWN and ids[:1] != [0]:
        raise InputError(path, found=f"the keys {ids[:12]}", expected="0 for the background first")
    return {key: _map(path, key, one) for key, one in zip(ids, maps, strict=True)}


def _whole_numbers(keys: Any) -> list[int] | None:
    """Return numbers as class ids; None if they are no row of whole numbers from 0 on."""
    try:
        row = np.asarray(keys)
    except ValueError:  # lists of different lengths
        return None
    if row.ndim != 1 or row.dtype.kind not in "iuf":
        return None
    whole = (row >= 0) & (row < _TOO_HIGH) & (row == np.floor(row))
    return row.astype(np.int64).tolist() if whole.all() else None


def _by_place(path: Path, value: Any) -> dict[int, NDArray[Any]]:
    if not isinstance(value, np.ndarray) or value.ndim != 3 or not 2 <= len(value) <= IGNORE:
        found = f"an array of shape {value.shape}" if hasattr(value, "shape") else _described(value)
        raise InputError(path, found=found, expected="scores of shape (classes, H, W)")
    return {number: _map(path, number, one) for number, one in enumerate(value)}


def _map(path: Path, key: Any, one: Any) -> NDArray[Any]:
    if not isinstance(one, np.ndarray) or one.ndim != 2 or one.dtype.kind not in "fiub":
        text = f"shape {one.shape}" if isinstance(one, np.ndarray) else type(one).__name__
        raise InputError(
            path,
            found=f"{text} for the scores of class {brief(key)}",
            expected="a map (H, W) of numbers",
        )
    return one


def _scores(
    path: Path, fmt: ScoreFormat, found: dict[int, NDArray[Any]], shape: Shape | None
) -> Scores:
    """Return maps in the order of their labels, as large as the image."""
    if fmt.layout in _FROM_0:
        found = {key + 1: one for key, one in found.items()}
    has_own = fmt.layout not in (*_FROM_0, Layout.KEYED_FROM_1)
    own = [0] if has_own and 0 in found else []
    ids = _labels(path, fmt, {label: one for label, one in found.items() if label not in own})
    sizes = {one.shape for one in found.values()}
    if len(sizes) > 1:
        text = " and ".join(pixels(size) for size in sorted(sizes)[:3])
        raise InputError(path, found=f"maps of {text}", expected="maps of one size")
    size = next(iter(sizes), shape or (0, 0))
    _check_shared(path, list(found.values()))
    _check_size(path, len(ids), shape or size)
    maps = np.array([found[label] for label in own + ids], np.float32)
    maps, text = maps.reshape(len(own) + len(ids), *size), ""
    if shape is not None and size != shape:
        factor = find_factor(size, shape)
        if factor is None:
            raise _of_other_size(path, size, shape)
        maps, text = enlarge(maps, factor, shape), f", enlarged {factor} times (bilinear)"
    background = maps[0] if own else None
    try:
        scores = Scores(np.array(ids, np.uint8), maps[len(own) :], fmt.background, background)
    except InputError as error:
        raise InputError(path, found=error.found, expected=error.expected) from error
    rule = scores.rule()
    value = "" if rule is BackgroundRule.OWN else f" {fmt.background:g}"
    origin = f"{fmt.name}: {fmt.layout}{text}; by default background: {rule}{value}"
    return replace(scores, origin=origin)


def _labels(path: Path, fmt: ScoreFormat, found: Mapping[int, NDArray[Any]]) -> list[int]:
    """Return the labels that there are scores for, ascending."""
    ids = sorted(found)
    if ids and not 0 < ids[0] <= ids[-1] < IGNORE:
        raise InputError(path, found=f"the classes {ids[:12]}", expected="labels from 1 to 254")
    if fmt.layout is Layout.STACK:  # which has a map for every class there is, most of them empty
        return [label for label in ids if found[label].any()]
    return ids


def _check_shared(path: Path, maps: list[NDArray[Any]]) -> None:
    """Refuse maps that share their numbers, of which a small file could hold a great many."""
    places = {one.__array_interface__["data"][0] for one in maps if one.size}
    if len(places) < sum(bool(one.size) for one in maps):
        raise InputError(path, found="one map for several classes", expected="a map for each class")


def _check_size(path: Path, count: int, shape: Shape) -> None:
    if count * shape[0] * shape[1] > _MAX_SCORES:
        found = f"scores of {count} classes for {pixels(shape)}"
        raise InputError(path, found=found, expected=f"at most {_MAX_SCORES:,} scores in all")


def _of_other_size(path: Path, size: Shape, shape: Shape) -> InputError:
    turned = " (was the image's EXIF orientation ignored?)" * (size == shape[::-1])
    return InputError(
        path,
        found=f"scores of {pixels(size)}",
        expected=f"{pixels(shape)} as the image, or those divided by a whole number{turned}",
    )
