"""Masks as values: what JSON or a pickle holds for one image, in the layouts of many programs."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.brought import NAME_KEYS, SCORE_KEYS, BroughtClasses
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.segmentations import KEYS
from napari_sepl.files._opening import brief, check_density, check_size
from napari_sepl.files.image_formats import read_embedded
from napari_sepl.files.masks.pictures import IMAGE, MOST_MASKS
from napari_sepl.files.masks.stacks import masks_of_array

EXPECTED = "a list of masks, as amg.py --convert-to-rle writes it"
_LISTS = ("masks", "segmentations", "pred_masks")
_NAME_LISTS = ("class_names", "labels", "classes", "names", *NAME_KEYS)
_SCORE_LISTS = ("scores", "confidences", *SCORE_KEYS)
_HOLE = "__background__"
_IGNORE = "__ignore__"  # labelme's own label of ignored pixels
_NO_AREA = ("point", "points", "line", "linestrip")


def masks_of_value(value: Any, path: Path, shape: tuple[int, int] | None) -> MaskSet:
    """Return the masks of one image.

    Parameters
    ----------
    value : list, mapping or array
        A list of masks, or one; a mapping with such a list under "annotations" or "masks", or
        with a mask for each key; a stack or a map of numbers as array or as lists; the content of
        a labelme or an ISAT file.
    path : Path
        Named in errors.
    shape : tuple of int, optional
        Height and width of the image.

    Raises
    ------
    InputError
        If it is nothing of these, or of another size.
    """
    if isinstance(value, np.ndarray):
        return masks_of_array(path, value, shape)
    if isinstance(value, Mapping):
        return _of_mapping(value, path, shape)
    if not isinstance(value, list | tuple):
        kind = "a number" if type(value) in (int, float) else f"a {type(value).__name__}"
        raise InputError(path, found=f"{kind} ({brief(value)})", expected=EXPECTED)
    array = _rows(value, shape)
    return masks_of_array(path, array, shape) if array is not None else of_list(value, path, shape)


def of_list(
    records: Sequence[Any],
    path: Path,
    shape: tuple[int, int] | None,
    size: tuple[int, int] | None = None,
    categories: Mapping[int, str] | None = None,
) -> MaskSet:
    """Return the masks of a list of records.

    Parameters
    ----------
    records : sequence
        As for `MaskSet.from_rle`.
    path : Path
        Named in errors.
    shape : tuple of int, optional
        Height and width of the image.
    size : tuple of int, optional
        Height and width of the image as the file tells them.
    categories : mapping of int to str, optional
        Names of the classes that records have by number.

    Raises
    ------
    InputError
        If a record is malformed, or the sizes differ.
    """
    if size is not None:
        check_size(path, size, shape, IMAGE, what="masks")
    if len(records) > MOST_MASKS:
        found = f"{len(records):,} masks"
        raise InputError(path, found=found, expected=f"up to {MOST_MASKS:,}")
    shape = shape or size
    try:
        masks = MaskSet.from_rle(records, shape=None if records else shape, source=path)
    except InputError:
        if shape is None:
            raise
        # polygons need it; where sizes differ, it tells which mask is wrong
        masks = MaskSet.from_rle(records, shape=shape, source=path)
    if categories:
        brought = BroughtClasses.from_records(records, categories)
        masks = replace(masks, brought=brought)
    return masks


def _rows(value: Sequence[Any], shape: tuple[int, int] | None) -> Any:
    """Return the array of an (H, W) list of bool, or of whole numbers if H, W are the image's."""
    if not value or not all(isinstance(row, list | tuple) and row for row in value):
        return None
    width = len(value[0])
    if any(len(row) != width for row in value):
        return None
    if all(type(pixel) is bool for row in value for pixel in row):
        return np.array(value, np.bool_)
    if shape == (len(value), width) and all(
        type(pixel) is int and abs(pixel) < 2**31 for row in value for pixel in row
    ):
        return np.array(value, np.int32)
    return None


def _of_mapping(value: Mapping[Any, Any], path: Path, shape: tuple[int, int] | None) -> MaskSet:
    if isinstance(value.get("shapes"), list):
        return _of_labelme(value, path, shape)
    if isinstance(value.get("objects"), list):
        return _of_isat(value, path, shape)
    if "annotations" in value:
        images = value.get("images", [None])
        if not isinstance(images, list):
            raise InputError(path, found=f"images {brief(images)}", expected="a list of images")
        if len(images) != 1:
            raise several(path, len(images))
        if not isinstance(value["annotations"], list):
            found = f"annotations that are a {type(value['annotations']).__name__}"
            raise InputError(path, found=found, expected=EXPECTED)
        first = images[0] if isinstance(images[0], Mapping) else value
        size = size_of(first) or size_of(value)
        return of_list(value["annotations"], path, shape, size, categories_of(value))
    if "counts" in value or any(key in value for key in KEYS):
        return of_list([value], path, shape)
    for key in _LISTS:
        if isinstance(value.get(key), list | tuple | np.ndarray):
            return _of_columns(value, value[key], path, shape)
    parts = list(value.values())
    if parts and all(isinstance(one, Mapping | np.ndarray) for one in parts):
        return of_list(parts, path, shape)
    raise InputError(path, found=f"JSON that holds a dict with {_keys(value)}", expected=EXPECTED)


def several(path: Path, count: int) -> InputError:
    """Return the error of masks of several images where those of one were asked for."""
    return InputError(path, found=f"masks of {count} images", expected="masks of one image")


def _keys(value: Mapping[Any, Any]) -> str:
    return ", ".join(brief(key) for key in list(value)[:5]) or "nothing"


def size_of(image: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return height and width as a record of an image tells them; None if it does not."""
    for height, width in _SIDES:
        sides = (image.get(height), image.get(width))
        if all(type(side) is int and 0 < side < 2**31 for side in sides):
            return sides  # type: ignore[return-value]
    return None


_SIDES = (("height", "width"), ("img_height", "img_width"), ("imageHeight", "imageWidth"))


def categories_of(value: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of COCO's categories by their numbers."""
    listed = value.get("categories")
    return {
        one["id"]: one["name"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping) and type(one.get("id")) is int and type(one.get("name")) is str
    }


def _of_columns(
    value: Mapping[str, Any], held: Any, path: Path, shape: tuple[int, int] | None
) -> MaskSet:
    """Return the masks of a list or stack beside lists of their classes and scores."""
    masks = masks_of_value(held if isinstance(held, np.ndarray) else list(held), path, shape)
    if masks.brought is not None:
        return masks
    columns = {"class_name": _NAME_LISTS, "score": _SCORE_LISTS}
    found = {}
    for key, names in columns.items():
        for name in names:
            column = value.get(name)
            if isinstance(column, list | tuple | np.ndarray) and len(column) == len(masks):
                found[key] = list(column)
                break
    records = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    return replace(masks, brought=BroughtClasses.from_records(records))


def _of_labelme(value: Mapping[str, Any], path: Path, shape: tuple[int, int] | None) -> MaskSet:
    """Return the masks of a labelme file: shapes of one label and group_id are one mask."""
    size = size_of(value)
    shape = _checked(path, size, shape)
    objects: dict[object, list[MaskSet]] = {}
    names: dict[object, str] = {}
    for index, one in enumerate(value["shapes"]):
        source = f"{path}, shape {index}"
        if not isinstance(one, Mapping) or not isinstance(one.get("points"), list):
            raise InputError(source, found=brief(one), expected="a shape of labelme")
        if one.get("shape_type") in _NO_AREA or one.get("label") == _IGNORE:
            continue
        group = one.get("group_id")
        label = one.get("label") if isinstance(one.get("label"), str) else ""
        key: object = index if type(group) is not int else (label, group)
        names[key] = str(label)
        part = _labelme_shape(one, source, shape)
        objects.setdefault(key, []).append(part)
    return _united(objects, names, path, shape)


def _checked(
    path: Path, size: tuple[int, int] | None, shape: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Return the size that a file tells or else its image has; refuse one that only takes room."""
    if size is not None:
        check_size(path, size, shape, IMAGE, what="masks")
        if shape is None:
            check_density(path, size, 1)
    return shape or size


def _labelme_shape(one: Mapping[str, Any], source: str, shape: tuple[int, int] | None) -> MaskSet:
    kind, points = one.get("shape_type") or "polygon", one["points"]
    if shape is None:
        raise InputError(source, found="no imageHeight and imageWidth", expected="both")
    if kind == "mask":
        return MaskSet.from_dense([_labelme_mask(one, source, shape)])
    try:
        corners = np.asarray(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        corners = np.zeros(0)
    if corners.ndim != 2 or corners.shape[1] != 2 or not np.isfinite(corners).all():
        raise InputError(source, found=f"points {brief(points)}", expected="[x, y] each")
    if kind == "rectangle" and len(corners) == 2:
        (left, top), (right, bottom) = corners
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    elif kind == "circle" and len(corners) == 2:
        turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
        radius = np.hypot(*(corners[1] - corners[0]))
        corners = corners[0] + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    elif kind != "polygon" and kind not in ("rotated_rectangle", "oriented_rectangle"):
        raise InputError(
            source, found=f"a shape of the type {brief(kind)}",
            expected="polygon, rectangle, circle or mask",
        )  # fmt: skip
    return MaskSet.from_rle(
        [{"segmentation": [corners.ravel().tolist()]}], shape=shape, source=source
    )


_CORNERS = 360


def _labelme_mask(one: Mapping[str, Any], source: str, shape: tuple[int, int]) -> Any:
    """Return the (H, W) bool of a shape that holds a PNG of the pixels within its box."""
    try:
        (left, top), (right, bottom) = (map(round, point) for point in one["points"])
        content = base64.b64decode(one["mask"], validate=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(source, found="a damaged mask", expected="a PNG in base64") from error
    size = (bottom - top + 1, right - left + 1)
    if min(left, top, *size) < 0 or bottom >= shape[0] or right >= shape[1]:
        raise InputError(source, found="a mask outside the image", expected="one inside")
    inside = np.zeros(shape, np.bool_)
    pixels = read_embedded(content, Path(source), size)
    inside[top : bottom + 1, left : right + 1] = pixels != 0
    return inside


def _of_isat(value: Mapping[str, Any], path: Path, shape: tuple[int, int] | None) -> MaskSet:
    """Return the masks of an ISAT file: objects of one category and group are one mask.

    Objects of the category ``__background__`` are cut out of those in lower layers.
    """
    info = value.get("info")
    size = size_of(info) if isinstance(info, Mapping) else None
    shape = _checked(path, size, shape)
    objects: dict[object, list[MaskSet]] = {}
    names: dict[object, str] = {}
    for index, one in enumerate(value["objects"]):
        source = f"{path}, object {index}"
        if not isinstance(one, Mapping) or "segmentation" not in one:
            raise InputError(source, found=brief(one), expected="an object of ISAT")
        name, group = one.get("category"), one.get("group")
        name = name if isinstance(name, str) else ""
        key: object = (name, group) if isinstance(group, int | str) and group != "" else index
        part = MaskSet.from_rle([one["segmentation"]], shape=shape, source=source)
        if name == _HOLE:
            for other, parts in objects.items():
                dense = _dense(parts) & ~part.decode(0)
                objects[other] = [MaskSet.from_dense([dense])]
            continue
        names[key] = name
        objects.setdefault(key, []).append(part)
    return _united(objects, names, path, shape)


def _united(
    objects: Mapping[object, list[MaskSet]],
    names: Mapping[object, str],
    path: Path,
    shape: tuple[int, int] | None,
) -> MaskSet:
    """Return one mask for each object, of all its parts, with its class."""
    if not objects and shape is None:
        raise InputError(path, found="no mask", expected="a mask, or the image's shape")
    masks = MaskSet.from_dense(map(_dense, objects.values()), shape=shape)
    records = [{"class_name": names[key]} for key in objects]
    return replace(masks, brought=BroughtClasses.from_records(records))


def _dense(parts: Sequence[MaskSet]) -> Any:
    inside = parts[0].decode(0)
    for part in parts[1:]:
        inside = inside | part.decode(0)
    return inside
