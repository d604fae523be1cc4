"""Which points SAM is asked about: the generator's grid, or its points in and near pseudo-labels.

Beside SAM the order is (x, y): points and crop boxes here are as segment-anything has them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.proposals.models import SamSettings

MARGIN = 1 / 40
"""How far from a pseudo-label points still count, as a share of the image's longer side.

A little more than half the diagonal of a cell of the paper's grid, so that the smallest label has
a point.
"""


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of the image that SAM looks at on its own, and the points it is asked about there.

    Parameters
    ----------
    box : tuple of int
        x0, y0, x1, y1 in pixels of the image, x1 and y1 exclusive.
    points : (P, 2) float64
        (x, y) in pixels of the crop.
    """

    box: tuple[int, int, int, int]
    points: NDArray[np.float64]


def plan_crops(
    shape: tuple[int, int],
    settings: SamSettings,
    pseudo: NDArray[np.uint8] | None = None,
    margin: float = MARGIN,
) -> list[Crop]:
    """Return the crops of an image with the points of each; segment-anything must be installed.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image in pixels.
    settings : SamSettings
        The grid and the crops; both are made by segment-anything's own functions.
    pseudo : (H, W) uint8, optional
        Pseudo-labels. With them only those points stay, of each crop, that `near_labels` keeps;
        a crop may then have none.
    margin : float
        Share of the image's longer side.

    Returns
    -------
    list of Crop
        The whole image first.
    """
    from segment_anything.utils import amg

    near = None if pseudo is None else near_labels(_fitting(pseudo, shape), margin)
    grids = amg.build_all_layer_point_grids(
        settings.points_per_side, settings.crop_n_layers, settings.crop_n_points_downscale_factor
    )
    boxes, layers = amg.generate_crop_boxes(
        shape, settings.crop_n_layers, settings.crop_overlap_ratio
    )
    crops = []
    for (x0, y0, x1, y1), layer in zip(boxes, layers, strict=True):
        if x1 <= x0 or y1 <= y0:  # of an image of very few rows or columns
            continue
        points = grids[layer] * np.array([[x1 - x0, y1 - y0]])
        if near is not None:
            points = points[_at(near, points + np.array([x0, y0]))]
        crops.append(Crop((x0, y0, x1, y1), points))
    return crops


def near_labels(pseudo: NDArray[np.uint8], margin: float = MARGIN) -> NDArray[np.bool_]:
    """Return (H, W) bool: the pixels in and near pseudo-labels.

    Parameters
    ----------
    pseudo : (H, W) uint8
        Pseudo-labels; background and 255, which matches no class, do not count.
    margin : float
        A pixel is near if its centre is at most this share of the image's longer side away from
        the centre of a labelled pixel, in a straight line.
    """
    labelled = (pseudo != 0) & (pseudo != IGNORE)
    if not labelled.any():
        return np.zeros(pseudo.shape, np.bool_)
    distances = ndimage.distance_transform_edt(~labelled)
    near: NDArray[np.bool_] = distances <= margin * max(pseudo.shape)
    return near


def _at(near: NDArray[np.bool_], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (P,) bool: what `near` says of the pixels that points (x, y) of the image lie in."""
    cols, rows = points.astype(np.intp).T  # points are positive: this is the floor
    height, width = near.shape
    held: NDArray[np.bool_] = near[np.minimum(rows, height - 1), np.minimum(cols, width - 1)]
    return held


def _fitting(pseudo: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    if pseudo.shape != shape:
        raise InputError(
            "pseudo-labels", found=f"shape {pseudo.shape}", expected=f"shape {shape} as the image"
        )
    return pseudo
