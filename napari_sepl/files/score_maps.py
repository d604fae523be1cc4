"""From what a file of scores holds to maps by label, as large as the image."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.labels.scores import BackgroundRule, Scores, enlarge, find_factor, resize
from napari_sepl.files._opening import brief, pixels
from napari_sepl.files.class_pngs import read_class_pngs
from napari_sepl.files.scores import PSEUDO_FORMATS, Layout, ScoreFormat

Shape = tuple[int, int]

_MAX_SCORES = 2**31
"""8 GiB as float32."""

_MOST_LARGER, _ANY = 4, 2**22
"""Maps to be resized have at most so many times the image's pixels, or so many pixels."""

_TOO_HIGH = 2**31
"""All class ids are below."""

_FROM_0 = (Layout.CAMS, Layout.KEYED, Layout.CLASS_PNGS)
_NAME_OF_FIELD = {
    field: name
    for name, fmt in reversed(PSEUDO_FORMATS.items())
    for field in fmt.fields
    if field != "cam"
}
_KEYS = frozenset(name for fmt in PSEUDO_FORMATS.values() for name in fmt.keys)
FIELDS = _NAME_OF_FIELD.keys() | _KEYS | {"cam"}
"""The names that a dictionary of scores may have."""

"""Fields that one format alone has, or that the first of two is as good for."""

_SURE, _UNSURE = 0.99, 0.5
"""Shares of pixels whose scores sum to 1, from which a dictionary is one of probabilities, and up
to which it is none: where a CAM has its peak, the maps of one class sum to 1 as well."""


def read_scores(
    path: Path,
    fmt: ScoreFormat,
    value: Any = None,
    shape: Shape | None = None,
    classes: ClassList | None = None,
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
        Height and width of the image, to which maps of another size are resized; without it they
        stay as they are.
    classes : ClassList, optional
        The classes, where their labels have gaps: then the files' numbers are positions in it.

    Raises
    ------
    InputError
        If the file does not hold what the format says, or maps of an image turned by 90°.
    """
    if fmt.layout is Layout.CLASS_PNGS:
        found: dict[int, NDArray[Any]] = {**read_class_pngs(path, shape)}
    elif fmt.layout in (Layout.STACK, Layout.BARE_STACK, Layout.LOGITS):
        found = _by_place(path, value, fmt)
        if fmt.layout is Layout.LOGITS and classes is not None:
            _check_count(path, len(found), classes)
    elif fmt.layout in (Layout.CAMS, Layout.PROBABILITIES):
        found = _by_number(path, value, fmt)
    else:
        found = _by_keys(path, value, fmt)
    return _scores(path, fmt, found, shape, classes)


def guess_format(path: Path, value: Any, classes: ClassList | None = None) -> ScoreFormat:
    """Return the format of a dictionary, by its content, or of an array, by the class list.

    Raises
    ------
    InputError
        If it is in no known format, or in one of two.
    """
    if isinstance(value, np.ndarray):
        return _guess_stack(path, value, classes)
    if not isinstance(value, Mapping):
        raise InputError(path, found=f"a {type(value).__name__}", expected="a dictionary of maps")
    if any(isinstance(key, str) for key in value):
        return _guess_keyed(path, value)
    if 0 not in value:
        return PSEUDO_FORMATS["psa"]
    share = share_of_ones(path, value)
    if _UNSURE < share < _SURE:
        raise InputError(
            path,
            found=f"a map with the key 0 whose scores sum, with the others, to 1 on {share:.0%} of "
            "the pixels (background of a CRF, or the first class of a CAM)",
            expected="--pseudo-format crf, or the method's name, such as psa",
        )
    return PSEUDO_FORMATS["crf" if share >= _SURE else "psa"]


def _guess_stack(path: Path, value: NDArray[Any], classes: ClassList | None) -> ScoreFormat:
    """Return whether the first map of an array is the background's, by the number of classes."""
    count = without_axes(value).shape[0] if value.ndim > 2 else 1
    if classes is None:
        return PSEUDO_FORMATS["stack"]
    whole = {len(classes), classes.size}
    is_whole, is_bare = count in whole, count + 1 in whole
    if is_whole != is_bare:
        name = "stack" if is_whole else "stack-no-background"
        return PSEUDO_FORMATS[name]
    raise InputError(
        path,
        found=f"{count} maps for the {len(classes) - 1} classes of {classes.title}",
        expected=f"{len(classes)} with the background first, or {len(classes) - 1} without it; "
        "another class list by --classes, or --pseudo-format stack or stack-no-background",
    )


def _check_count(path: Path, count: int, classes: ClassList) -> None:
    if count not in (len(classes), classes.size):
        raise InputError(
            path,
            found=f"{count} maps for the {len(classes) - 1} classes of {classes.title}",
            expected=f"{len(classes)}, the background first; another class list by --classes",
        )


def _guess_keyed(path: Path, value: Mapping[Any, Any]) -> ScoreFormat:
    if "valid_lam" in value:
        return PSEUDO_FORMATS["more" if "keys" in value else "excel"]
    for field, name in _NAME_OF_FIELD.items():
        if field in value:
            return PSEUDO_FORMATS[name]
    if "fg_cls" in value and "keys" not in value:
        return PSEUDO_FORMATS["fma-wsss"]
    cam, keys = value.get("cam"), value.get("keys")
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
    field = _first_of(fmt.fields, value)
    named = _first_of(fmt.keys, value)
    if field is None or named is None or not isinstance(value[named], np.ndarray | list):
        names = f"{' or '.join(fmt.keys)} and {' or '.join(fmt.fields)}"
        raise InputError(path, found=_described(value), expected=f"{names} for {fmt.name}")
    keys, maps = value[named], value[field]
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
    if fmt.layout is Layout.KEYED_EITHER:  # labels from here on, for 0 is the background
        ids = [0] * (len(maps) == len(ids) + 1) + [key + 1 for key in ids]
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


def _first_of(names: Sequence[str], value: Any) -> str | None:
    """Return the first of some names that a dictionary has."""
    return next((one for one in names if isinstance(value, Mapping) and one in value), None)


def without_axes(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array without axes of length one before the last three."""
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    return array


def _by_place(path: Path, value: Any, fmt: ScoreFormat) -> dict[int, NDArray[Any]]:
    """Return maps by the places of their classes in the class list, the background's as 0."""
    maps = value
    if fmt.layout is Layout.LOGITS:
        field = _first_of(fmt.fields, value)
        maps = None if field is None else value[field]
    maps = without_axes(maps) if isinstance(maps, np.ndarray) else maps
    first = int(fmt.layout is Layout.BARE_STACK)
    if first and isinstance(maps, np.ndarray) and maps.ndim == 2:
        maps = maps[np.newaxis]
    if not isinstance(maps, np.ndarray) or maps.ndim != 3 or not 2 <= len(maps) + first <= IGNORE:
        found = f"an array of shape {maps.shape}" if hasattr(maps, "shape") else _described(value)
        raise InputError(path, found=found, expected="scores of shape (classes, H, W)")
    return {number: _map(path, number, one) for number, one in enumerate(maps, first)}


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
    path: Path,
    fmt: ScoreFormat,
    found: dict[int, NDArray[Any]],
    shape: Shape | None,
    classes: ClassList | None,
) -> Scores:
    """Return maps in the order of their labels, as large as the image."""
    if fmt.layout in _FROM_0:
        found = {key + 1: one for key, one in found.items()}
    if classes is not None and classes.has_gaps:
        found = _by_label(path, found, fmt, classes)
    has_own = fmt.layout not in (*_FROM_0, Layout.KEYED_FROM_1, Layout.BARE_STACK)
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
        maps, text = _resized(path, maps, shape)
    if fmt.scaled:
        np.maximum(maps, 0, out=maps)
        maps /= np.maximum(maps.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    if fmt.layout is Layout.LOGITS:
        maps = _softmax(maps)
    background, default = (maps[0], 1.0) if own else (None, fmt.background)
    try:
        scores = Scores(np.array(ids, np.uint8), maps[len(own) :], default, background)
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
    if fmt.layout in (Layout.STACK, Layout.BARE_STACK):  # a map for every class, most of them empty
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


def _by_label(
    path: Path, found: Mapping[int, NDArray[Any]], fmt: ScoreFormat, classes: ClassList
) -> dict[int, NDArray[Any]]:
    """Return maps by label, given by their places in a class list with gaps.

    An array that has a map for each number up to the highest label has them by label already.
    """
    in_place = fmt.layout in (Layout.STACK, Layout.BARE_STACK, Layout.LOGITS)
    if in_place and max(found) + 1 == classes.size:
        return {label: one for label, one in found.items() if label in classes.positions}
    if max(found, default=0) >= len(classes):
        raise InputError(
            path,
            found=f"scores for place {max(found)} among the classes",
            expected=f"1 to {len(classes) - 1}, the classes of {classes.title} in order",
        )
    return {classes.ids[place]: one for place, one in found.items()}


def _resized(
    path: Path, maps: NDArray[np.float32], shape: Shape
) -> tuple[NDArray[np.float32], str]:
    """Return maps as large as the image, and what was done, in words."""
    size = maps.shape[1], maps.shape[2]
    factor = find_factor(size, shape)
    if factor is not None:
        return enlarge(maps, factor, shape), f", enlarged {factor} times (bilinear)"
    if (size[0] - size[1]) * (shape[0] - shape[1]) < 0:
        raise InputError(
            path,
            found=f"scores of {pixels(size)}",
            expected=f"those of an image of {pixels(shape)} "
            "(was the image's EXIF orientation ignored?)",
        )
    if size[0] * size[1] > max(_MOST_LARGER * shape[0] * shape[1], _ANY):
        raise InputError(
            path,
            found=f"scores of {pixels(size)}",
            expected=f"at most {_MOST_LARGER} times the image's {pixels(shape)}",
        )
    return resize(maps, shape), f", resized from {size[0]} × {size[1]} pixels (bilinear)"


def _softmax(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of logits, (classes, H, W), which must be finite to be told apart."""
    if not np.isfinite(maps).all():
        return maps
    powers = np.exp(maps - maps.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0), np.float32)
