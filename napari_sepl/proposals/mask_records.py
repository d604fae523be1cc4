"""Records of SAM's masks as numpy arrays, with boxes and scores, before they are a MaskSet."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.core.masks.runs import Runs, join, runs_of_mask

Pair = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class MaskRecords:
    """Records of masks.

    Parameters
    ----------
    runs : list of (starts, stops)
        Pixels of each mask in the image, column by column.
    boxes : (N, 4) float32
        x0, y0, x1, y1 in the image, of the first and the last pixel; zeros of an empty mask.
    predicted_iou, stability_score : (N,) float32
        SAM's own estimates.
    points : (N, 2) float64
        (x, y) in the image.
    crop_boxes : (N, 4) int64
        x0, y0, x1, y1.
    """

    runs: list[Pair]
    boxes: NDArray[np.float32]
    predicted_iou: NDArray[np.float32]
    stability_score: NDArray[np.float32]
    points: NDArray[np.float64]
    crop_boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.runs)

    @classmethod
    def join(cls, parts: Iterable["MaskRecords"]) -> "MaskRecords":
        """Return the records of several parts, in order; of none, no record."""
        held = [_NOTHING, *parts]
        runs = [pair for part in held for pair in part.runs]
        rest = {
            field.name: np.concatenate([getattr(part, field.name) for part in held])
            for field in fields(cls)[1:]
        }
        return cls(runs, **rest)

    def choose(self, kept: NDArray[np.intp]) -> "MaskRecords":
        """Return the records of the indices `kept`, in order."""
        runs = [self.runs[index] for index in kept]
        return MaskRecords(runs, **{f.name: getattr(self, f.name)[kept] for f in fields(self)[1:]})

    def unique(self, scores: NDArray[Any], threshold: float) -> "MaskRecords":
        """Return the masks whose boxes overlap (IoU) no better one's above `threshold`; best first.

        It runs on the processor, for boxes are few and not every device supports it.
        """
        import torch
        from torchvision.ops.boxes import batched_nms

        boxes, one_kind = torch.as_tensor(self.boxes), torch.zeros(len(self))
        kept = batched_nms(boxes, torch.as_tensor(scores), one_kind, threshold)
        return self.choose(kept.numpy())

    def tidied(self, shape: tuple[int, int], smallest: int, threshold: float) -> "MaskRecords":
        """Return masks without duplicates, and without holes and islands below `smallest` pixels.

        Of duplicates, masks that did not change stay.
        """
        changed = np.zeros(len(self), np.bool_)
        boxes, runs = self.boxes.copy(), list(self.runs)
        for index, pair in enumerate(self.runs):
            mask, changed[index] = tidy_mask(join(shape, [pair]).decode(0), smallest)
            if changed[index]:
                runs[index] = runs_of_mask(mask)
                boxes[index] = box_of(join(shape, [runs[index]]))
        tidied = MaskRecords(
            runs, boxes, self.predicted_iou, self.stability_score, self.points, self.crop_boxes
        )
        return tidied.unique((~changed).astype(np.float32), threshold)

    def as_masks(self, shape: tuple[int, int]) -> MaskSet:
        """Return a MaskSet with the scores of segment-anything's records."""
        x0, y0, x1, y1 = self.crop_boxes.T
        crops = np.stack([x0, y0, x1 - x0, y1 - y0], axis=1).astype(np.float32)
        scores = MaskScores(
            self.predicted_iou, self.stability_score, self.points.astype(np.float32), crops
        )
        return MaskSet(join(shape, self.runs), scores)


def box_of(region: Runs) -> NDArray[np.float32]:
    """Return (4,) float32: x0, y0, x1, y1 of the first region's first and last pixel."""
    row, col, height, width = region.boxes[0].tolist()
    if not height:
        return np.zeros(4, np.float32)
    return np.array([col, row, col + width - 1, row + height - 1], np.float32)


_NOTHING = MaskRecords(
    [], np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32),
    np.zeros((0, 2)), np.zeros((0, 4), np.int64),
)  # fmt: skip


_ALL_EIGHT = np.ones((3, 3), np.bool_)


def tidy_mask(mask: NDArray[np.bool_], smallest: int) -> tuple[NDArray[np.bool_], bool]:
    """Fill holes and then drop islands of fewer than `smallest` pixels.

    Parameters
    ----------
    mask : (H, W) bool
        A mask.
    smallest : int
        Pixels. Neighbours at a corner are connected. If all islands are smaller, the largest
        stays (of equal ones the first by rows).

    Returns
    -------
    (H, W) bool
        The tidied mask.
    bool
        Whether anything was filled or dropped.
    """
    filled, first = _remove(mask, smallest, "holes")
    tidied, second = _remove(filled, smallest, "islands")
    return tidied, first or second


def _remove(
    mask: NDArray[np.bool_], smallest: int, what: Literal["holes", "islands"]
) -> tuple[NDArray[np.bool_], bool]:
    regions, count = ndimage.label(~mask if what == "holes" else mask, _ALL_EIGHT)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    small = sizes < smallest
    small[0] = False  # no region
    if not small.any():
        return mask, False
    if what == "holes":
        return mask | small[regions], True
    kept = ~small
    kept[0] = False
    if not kept.any():
        kept[1 + int(np.argmax(sizes[1:]))] = True
    return kept[regions], True
