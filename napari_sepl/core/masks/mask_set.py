"""The masks of one image."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, check_size
from napari_sepl.core.masks import rle
from napari_sepl.core.masks.brought import BroughtClasses, joined
from napari_sepl.core.masks.runs import Runs, join, paint_runs, pixel_count, runs_of_mask
from napari_sepl.core.masks.segmentations import read_segmentation, segmentation_of
from napari_sepl.core.masks.transpose import to_rows


@dataclass(frozen=True, eq=False)
class MaskScores:
    """SAM's ratings of each mask; NaN where there are none.

    Parameters
    ----------
    predicted_iou, stability_score : (N,) float32
        SAM's estimates of the quality of a mask.
    point : (N, 2) float32
        The prompt that gave the mask, as SAM writes it: (x, y) = (col, row).
    crop_box : (N, 4) float32
        The crop with the mask: x, y, width, height.
    """

    predicted_iou: NDArray[np.float32]
    stability_score: NDArray[np.float32]
    point: NDArray[np.float32]
    crop_box: NDArray[np.float32]

    @classmethod
    def unknown(cls, count: int) -> "MaskScores":
        """Return NaN for `count` masks."""

        def blank(*shape: int) -> NDArray[np.float32]:
            return np.full(shape, np.nan, np.float32)

        return cls(blank(count), blank(count), blank(count, 2), blank(count, 4))

    def followed_by(self, other: "MaskScores") -> "MaskScores":
        """Return the scores of both, `other`'s last."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return MaskScores(*map(np.concatenate, pairs))

    @classmethod
    def from_records(cls, records: Sequence[Mapping[str, Any]]) -> "MaskScores":
        """Read the scores from amg.py's JSON records; missing or malformed ones become NaN."""
        scores = cls.unknown(len(records))
        maps = [one if isinstance(one, Mapping) else _NO_RECORD for one in records]
        for column, key in zip(vars(scores).values(), _KEYS, strict=True):
            values = [one.get(key) for one in maps]
            if set(map(type, values)) == _NOTHING:
                continue
            if key == "point_coords":
                values = [
                    one[0] if isinstance(one, list | tuple) and one else None for one in values
                ]
            column[:] = _numbers(values, column.shape)  # a tenth of the time of one by one
            if np.isnan(column).any():
                for index, value in enumerate(values):
                    column[index] = _numbers(value, column[index].shape)
        return scores


_KEYS = ("predicted_iou", "stability_score", "point_coords", "crop_box")
"""The keys of amg.py's records, in the order of `MaskScores`."""

_NOTHING = {type(None)}
_NO_RECORD: Mapping[str, Any] = {}


def _numbers(value: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a value of a JSON record as numbers, NaN for anything else."""
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.full(shape, np.nan)
    return numbers if numbers.shape == shape else np.full(shape, np.nan)


@dataclass(frozen=True, eq=False)
class MaskSet:
    """The masks of one image, overlapping and nested, as runs.

    The index of a mask is its position in its file. Empty masks keep their index and are never
    selected.

    Parameters
    ----------
    runs : Runs
        The pixels of each mask.
    scores : MaskScores
        SAM's ratings of each mask.
    brought : BroughtClasses, optional
        The classes that the masks bring along; None if none does. They do not count in `digest`.
    """

    runs: Runs
    scores: MaskScores
    brought: BroughtClasses | None = None

    @classmethod
    def from_dense(
        cls,
        masks: NDArray[Any] | Iterable[NDArray[Any]],
        *,
        shape: tuple[int, int] | None = None,
        scores: MaskScores | None = None,
    ) -> "MaskSet":
        """Build from a (N, H, W) array, or any iterable of (H, W) arrays; non-zero is mask.

        Parameters
        ----------
        masks : (N, H, W) array or iterable of (H, W) arrays
            Bool or any integer type. An iterable is read one mask at a time.
        shape : tuple of int, optional
            Height and width; required only if there may be no mask.
        scores : MaskScores, optional
            SAM's ratings of each mask.

        Raises
        ------
        InputError
            If a mask is not two-dimensional, or their sizes differ.
        """
        if isinstance(masks, np.ndarray):
            if masks.ndim != 3:
                raise InputError(
                    "masks", found=f"an array of shape {masks.shape}", expected="shape (N, H, W)"
                )
            shape = shape or (int(masks.shape[1]), int(masks.shape[2]))
        parts = []
        for index, mask in enumerate(masks):
            shape = shape or (int(mask.shape[0]), int(mask.shape[-1]))
            if mask.shape != shape:
                raise InputError(
                    f"mask {index}", found=f"shape {mask.shape}", expected=f"shape {shape}"
                )
            parts.append(runs_of_mask(mask))
        if shape is None:
            raise InputError("masks", found="no mask", expected="a mask, or the image's shape")
        return cls(join(shape, parts), scores or MaskScores.unknown(len(parts)))

    @classmethod
    def from_rle(
        cls,
        records: Sequence[Mapping[str, Any]],
        *,
        shape: tuple[int, int] | None = None,
        source: object = "masks",
    ) -> "MaskSet":
        """Build from records of masks, such as COCO's and SamAutomaticMaskGenerator's.

        Parameters
        ----------
        records : sequence of mapping
            COCO RLE dicts ``{"size", "counts"}``, compressed or not, bare or under
            "segmentation" in records that may have "predicted_iou", "stability_score",
            "point_coords" and "crop_box"; what else `read_segmentation` reads in place of the
            dict; and classes as `BroughtClasses.from_records` reads them.
        shape : tuple of int, optional
            Height and width; required if there may be no mask, or polygons.
        source : object
            The file to name in an error.

        Raises
        ------
        InputError
            If a record is malformed, or sizes differ.
        """
        runs = _read_uniform(records, source)
        if runs is None or shape not in (None, runs.shape):
            parts = []
            for index, record in enumerate(records):
                name = f"{source}, mask {index}"
                size, part = read_segmentation(segmentation_of(record), shape, name)
                shape = shape or size
                check_size(name, size, shape, "the image and other masks")
                parts.append(part)
            if shape is None:
                raise InputError(source, found="no mask", expected="a mask, or the image's shape")
            runs = join(shape, parts)
        return cls(runs, MaskScores.from_records(records), BroughtClasses.from_records(records))

    def __len__(self) -> int:
        return len(self.runs)

    def followed_by(self, other: "MaskSet") -> "MaskSet":
        """Return the masks of both, `other`'s last.

        Raises
        ------
        InputError
            If the sizes differ.
        """
        check_size("masks", other.shape, self.shape, "the other masks")
        return MaskSet(
            self.runs.followed_by(other.runs),
            self.scores.followed_by(other.scores),
            joined(self.brought, len(self), other.brought, len(other)),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.runs.shape

    @cached_property
    def brought_labels(self) -> NDArray[np.uint8]:
        """(N,) uint8: the label that each mask is selected for by the class it brings, else 0."""
        if self.brought is None or self.brought.labels is None:
            return np.zeros(len(self), np.uint8)
        return self.brought.labels

    @property
    def areas(self) -> NDArray[np.int64]:
        """(N,) int64: pixels of each mask."""
        return self.runs.areas

    @property
    def boxes(self) -> NDArray[np.int32]:
        """(N, 4) int32: row, column, height and width of each mask's bounding box."""
        return self.runs.boxes

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.runs.nbytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 over size and pixels, the same for all file formats."""
        digest = hashlib.sha256(np.asarray(self.shape, "<i8").tobytes())
        for array, dtype in (
            (self.runs.offsets, "<i8"),
            (self.runs.starts, "<i4"),
            (self.runs.stops, "<i4"),
        ):
            digest.update(array.astype(dtype, copy=False).tobytes())
        return digest.hexdigest()

    def decode(self, index: int) -> NDArray[np.bool_]:
        """Return mask `index` as an (H, W) bool array."""
        return self.runs.decode(index)

    def to_rle(self) -> list[dict[str, Any]]:
        """Return each mask as a compressed COCO RLE dict."""
        return [rle.write_rle(*self.runs.of(index), self.shape) for index in range(len(self))]

    def at(self, row: int, col: int) -> NDArray[np.intp]:
        """Return the indices of the masks that contain a pixel, smallest first."""
        held = np.flatnonzero(self.runs.contains(row, col))
        return held[np.argsort(self.areas[held], kind="stable")]

    def topmost(self) -> NDArray[np.int32]:
        """Return (H, W) int32: index + 1 of the smallest mask at each pixel, 0 without."""
        flat = np.zeros(self.shape[0] * self.shape[1], np.int32)
        order = np.argsort(self.areas, kind="stable")[::-1]  # of equal ones the first on top
        paint_runs(flat, *self.runs.arrays, order, (order + 1).astype(np.int32))
        return to_rows(flat, self.shape)


def _read_uniform(records: Sequence[Any], source: object) -> Runs | None:
    """Return the runs of compressed masks of one size; None for anything else."""
    if not records or set(map(type, records)) != {dict}:
        return None
    parts: list[Any] = [record.get("segmentation") for record in records]
    if set(map(type, parts)) == _NOTHING:
        parts = list(records)
    if set(map(type, parts)) != {dict}:
        return None
    sizes, texts = [part.get("size") for part in parts], [part.get("counts") for part in parts]
    if set(map(type, texts)) not in ({str}, {bytes}):
        return None
    if set(map(type, sizes)) - {list, tuple} or set(map(type, chain(*sizes))) != {int}:
        return None
    if sizes.count(sizes[0]) != len(sizes):
        return None
    shape = rle.read_size(parts[0], f"{source}, mask 0")
    pixel_count(shape, f"{source}, mask 0")
    runs = rle.read_all_runs(texts, shape)
    return None if runs is None else Runs(shape, *runs)
