"""Masks without SAM: regions of similar colour at several scales.

They do not follow objects. ``studies.regions`` measures SEPL with them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.core.masks.runs import join
from napari_sepl.files.images import as_rgb
from napari_sepl.proposals.maker import MaskProgress, OnProgress, ignore

_Pair = tuple[NDArray[np.int32], NDArray[np.int32]]


class RegionSettings(BaseModel):
    """The settings of the regions; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scales: tuple[float, ...] = Field(
        (25.0, 75.0), min_length=1, title="scales",
        description="Larger scales give larger regions (Felzenszwalb's k, for colours of 0-255).",
    )  # fmt: skip
    smallest: int = Field(
        20, ge=1, title="smallest region", description="Pixels of the smallest region."
    )


class RegionMasks:
    """Generates masks of regions; a `Maker`.

    Parameters
    ----------
    settings : RegionSettings
        The scales.
    """

    def __init__(self, settings: RegionSettings | None = None) -> None:
        self._settings = settings or RegionSettings()

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,  # noqa: ARG002  regions need no prompts
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Make the masks of one image.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
            Grey, RGB or RGBA.
        pseudo : (H, W) uint8, optional
            Not used.
        on_progress : callable
            Called after each scale.

        Returns
        -------
        MaskSet
            The regions of each scale in the settings' order, each scale's followed by those that
            have holes with them filled, without duplicates and scores.

        Raises
        ------
        InputError
            If the array is not an image.
        """
        from skimage.segmentation import felzenszwalb

        image = as_rgb(image)
        shape = (image.shape[0], image.shape[1])
        found: dict[bytes, _Pair] = {}
        for number, scale in enumerate(self._settings.scales):
            regions = felzenszwalb(image, scale=scale, min_size=self._settings.smallest)
            for starts, stops in (*_split(regions), *_filled(regions)):
                found.setdefault(starts.tobytes() + stops.tobytes(), (starts, stops))
            on_progress(MaskProgress(number + 1, len(self._settings.scales)))
        return MaskSet(join(shape, found.values()), MaskScores.unknown(len(found)))


def _filled(regions: NDArray[np.integer[Any]]) -> Iterator[_Pair]:
    """Yield the runs of regions with their holes filled, of an (H, W) map of region numbers.

    The blurred rim of an object is a region of its own, a ring; filled it is the object. Regions at
    the image's edge are left out: what lies in them is no object of one outline.
    """
    from scipy.ndimage import binary_fill_holes, find_objects

    height, width = regions.shape
    for number, (rows, cols) in enumerate(find_objects(regions + 1)):
        if 0 in (rows.start, cols.start) or (rows.stop == height or cols.stop == width):
            continue
        region = regions[rows, cols] == number
        whole = binary_fill_holes(region)
        if whole.sum() > region.sum():
            canvas = np.zeros(regions.shape, np.uint8)
            canvas[rows, cols] = whole
            yield _split(canvas)[1]


def _split(regions: NDArray[np.integer[Any]]) -> list[_Pair]:
    """Return the runs of each region of an (H, W) map of region numbers, in their order."""
    flat = regions.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate([[0], edges]).astype(np.int32)
    stops = np.concatenate([edges, [flat.size]]).astype(np.int32)
    order = np.argsort(flat[starts], kind="stable")
    cuts = np.flatnonzero(np.diff(flat[starts][order])) + 1
    return list(zip(np.split(starts[order], cuts), np.split(stops[order], cuts), strict=True))
