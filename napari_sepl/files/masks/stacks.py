"""Masks as one array of numbers: a stack, a map of numbers, or bits packed by numpy."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.core.masks.runs import join, runs_of_mask
from napari_sepl.core.masks.segmentations import check_binary
from napari_sepl.files import arrays
from napari_sepl.files._opening import check_density, check_pixel_count, check_size, reading
from napari_sepl.files.masks.pictures import IMAGE, MOST_MASKS, HalfGrey, masks_of_numbers

_NAMES = ("masks", "arr_0", "packed", "segmentation", "segmentations")
_SHAPE = "shape"
_KINDS = "buif"
_MOST_BYTES = 2**30
"""Of a compressed array that is unpacked at once, being packed or with the masks last."""

_Shape = tuple[int, ...]


def read_stack(path: Path, wanted: tuple[int, int] | None) -> MaskSet:
    """Read the array of a .npy or .npz file, one mask in memory at a time.

    Parameters
    ----------
    path : Path
        The file. In a .npz with several arrays the one named "masks" counts, beside "shape" any
        other; where all are (H, W), each is a mask.
    wanted : tuple of int, optional
        Height and width of the image.

    Raises
    ------
    InputError
        If it is damaged, of another size, or holds other numbers than masks do.
    """
    if each := _one_a_mask(path):
        return _of_planes(path, iter(each), (len(each), *each[0].shape), wanted)
    names, told = _members(path)
    with arrays.open_array(path, names) as stored:
        header = stored.header
        shape = _plain(header.shape, wanted)
        packed = _packing(shape, header.dtype, told, wanted)
        if packed is not None:
            check_size(path, packed.size, wanted, IMAGE, what="masks")
            _check_room(path, stored)
            return MaskSet.from_dense(_unpacked(stored.whole(), packed), shape=packed.size)
        _check_kind(path, header.shape, shape, header.dtype)
        if _is_last(shape, wanted):
            _check_room(path, stored)
            turned = np.moveaxis(stored.whole().reshape(shape), -1, 0)
            return _of_planes(path, iter(turned), turned.shape, wanted)
        plain = replace(stored, header=replace(header, shape=shape))
        if len(shape) == 2 or (shape[0] == 1 and header.dtype.kind in "iu"):
            _check_plane(path, shape, header.dtype, wanted)
            return _of_one(path, plain.whole().reshape(shape[-2:]), wanted, stacked=len(shape) > 2)
        _check_plane(path, shape, header.dtype, wanted)
        return _of_planes(path, plain.planes(path), shape, wanted)


def masks_of_array(path: Path, array: NDArray[Any], wanted: tuple[int, int] | None) -> MaskSet:
    """Return the masks of an array in memory, as `read_stack` does."""
    shape = _plain(array.shape, wanted)
    _check_kind(path, array.shape, shape, array.dtype)
    array = array.reshape(shape)
    if _is_last(shape, wanted):
        array = np.moveaxis(array, -1, 0)
    if len(shape) == 2 or (shape[0] == 1 and array.dtype.kind in "iu"):
        return _of_one(path, array.reshape(shape[-2:]), wanted, stacked=len(shape) > 2)
    return _of_planes(path, iter(array), array.shape, wanted)


def _of_one(
    path: Path, array: NDArray[Any], wanted: tuple[int, int] | None, *, stacked: bool
) -> MaskSet:
    """Return the masks of an (H, W) array: one of a stack of a single mask, else by numbers."""
    if stacked and len(np.unique(array[array != 0])) < 2:
        return _of_planes(path, iter([array]), (1, *array.shape), wanted)
    return masks_of_numbers(path, np.asarray(array), wanted)


def _of_planes(
    path: Path, planes: Iterator[NDArray[Any]], shape: _Shape, wanted: tuple[int, int] | None
) -> MaskSet:
    check_size(path, shape[1:], wanted, IMAGE, what="masks")
    cut, parts = HalfGrey(), []
    for plane in planes:
        check_binary(plane, path)
        parts.append(cut.runs(plane, path) if plane.dtype == np.uint8 else runs_of_mask(plane))
    cut.check()
    runs = join((shape[1], shape[2]), parts)
    return MaskSet(runs, MaskScores.unknown(len(runs)))


def _plain(shape: _Shape, wanted: tuple[int, int] | None) -> _Shape:
    """Return a shape with at most three axes, where the others have length one."""
    while len(shape) > 3 and 1 in shape:
        inner = [axis for axis in range(len(shape) - 2) if shape[axis] == 1]
        axis = inner[0] if inner else shape.index(1)
        shape = shape[:axis] + shape[axis + 1 :]
    if len(shape) == 3 and shape[2] == 1 and (wanted is None or shape[:2] == wanted):
        return shape[:2]
    return shape


def _is_last(shape: _Shape, wanted: tuple[int, int] | None) -> bool:
    """Return whether the masks are along the last axis, by the size of the image."""
    return len(shape) == 3 and wanted is not None and shape[:2] == wanted != shape[1:]


def _check_kind(path: Path, told: _Shape, shape: _Shape, dtype: np.dtype[Any]) -> None:
    if (
        len(shape) not in (2, 3)
        or dtype.kind not in _KINDS
        or 0 in shape[-2:]
        or min(shape) > MOST_MASKS
        or (len(shape) == 3 and shape[0] > MOST_MASKS)
    ):
        raise InputError(
            path,
            found=f"an array of shape {told} and type {dtype}",
            expected=f"masks of shape (N, H, W), bool or whole numbers, N up to {MOST_MASKS}, or "
            "one number a mask of shape (H, W)",
        )


def _check_plane(
    path: Path, shape: _Shape, dtype: np.dtype[Any], wanted: tuple[int, int] | None
) -> None:
    """Raise InputError if one mask has another size or takes too much memory."""
    check_size(path, shape[-2:], wanted, IMAGE, what="masks")
    check_pixel_count(path, shape[-2:])
    if wanted is None:
        check_density(path, shape[-2:], dtype.itemsize)


def _check_room(path: Path, stored: arrays.StoredArray) -> None:
    if not stored.mapped and stored.header.nbytes > _MOST_BYTES:
        raise InputError(
            path,
            found=f"a compressed array of {stored.header.nbytes:,} bytes",
            expected=f"shape (N, H, W), not packed, for over {_MOST_BYTES:,}",
        )


def _one_a_mask(path: Path) -> list[NDArray[Any]]:
    """Return the arrays of a .npz in which each is a mask, (H, W); none of any other file."""
    names = arrays.archive_names(path)
    if len(names) < 2 or {*_NAMES, _SHAPE} & {*names} - {"arr_0"}:
        return []
    found = list(arrays.read_archive(path, lambda _: True).values())
    shapes = {array.shape for array in found}
    is_plain = len(shapes) == 1 and all(array.dtype.kind in _KINDS for array in found)
    return found if is_plain and found[0].ndim == 2 and len(found) <= MOST_MASKS else []


def _members(path: Path) -> tuple[tuple[str, ...], _Shape | None]:
    """Return the names of the array that counts, and the shape that a .npz tells beside it."""
    with reading(path, "an array") as file:
        if file.read(2) != b"PK":
            return _NAMES, None
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            members = [name.removesuffix(".npy") for name in archive.namelist()]
    if len(members) < 2 or _SHAPE not in members:
        return _NAMES, None
    told = arrays.read_array(path, (_SHAPE,))
    if told.dtype.kind not in "iu" or told.shape not in ((2,), (3,)):
        return _NAMES, None
    others = [name for name in members if name != _SHAPE]
    return (tuple(others) if len(others) == 1 else _NAMES), tuple(map(int, told))


class _Packing(NamedTuple):
    """How np.packbits packed masks: in `masks` × `lines` parts, each filled up to whole bytes."""

    masks: int
    size: tuple[int, int]
    lines: int
    """H where rows are packed, 1 where masks are; 0 for all masks in one row of bits."""


def _packing(
    shape: _Shape, dtype: np.dtype[Any], told: _Shape | None, wanted: tuple[int, int] | None
) -> _Packing | None:
    """Return how masks are packed; None for anything else."""
    size = told[-2:] if told is not None else wanted
    if dtype != np.uint8 or size is None or min(size) < 1:
        return None
    height, width = size
    pixels = height * width
    of_row, of_mask = -(-width // 8), -(-pixels // 8)
    found = None
    if len(shape) == 1:
        count = told[0] if told is not None and len(told) == 3 else 8 * shape[0] // pixels
        if -(-count * pixels // 8) == shape[0]:
            found = _Packing(count, (height, width), 0)
    elif len(shape) == 2 and shape != (height, width):
        if shape[1] == of_mask:
            found = _Packing(shape[0], (height, width), 1)
        elif shape == (height, of_row):
            found = _Packing(1, (height, width), height)
    elif len(shape) == 3 and shape[1:] == (height, of_row) != (height, width):
        found = _Packing(shape[0], (height, width), height)
    return found if found is not None and 0 < found.masks <= MOST_MASKS else None


def _unpacked(packed: NDArray[Any], how: _Packing) -> Iterator[NDArray[np.bool_]]:
    """Yield one mask at a time."""
    pixels = how.size[0] * how.size[1]
    if how.lines:
        packed = packed.reshape(how.masks, how.lines, -1)
    for index in range(how.masks):
        if how.lines:
            bits = np.unpackbits(packed[index], axis=1, count=pixels // how.lines)
        else:
            first, last = index * pixels, (index + 1) * pixels
            bits = np.unpackbits(packed.ravel()[first // 8 : -(-last // 8)])
            bits = bits[first % 8 : first % 8 + pixels]
        yield bits.reshape(how.size).view(np.bool_)
