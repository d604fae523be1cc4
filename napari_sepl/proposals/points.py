"""The points that prompt SAM: the generator's grid, or its points in and near pseudo-labels.

Points and crop boxes are (x, y) here, as in segment-anything.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.proposals.models import SamSettings

MARGIN = 1 / 40
"""The largest distance of points from a pseudo-label, as a share of the image's longer side.

It is a little more than half the diagonal of a cell of the paper's grid, so that the smallest
label has a point.
"""


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of the image that SAM gets on its own, and its points.

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
        The grid and the crops; segment-anything's own functions make both.
    pseudo : (H, W) uint8, optional
        Pseudo-labels, which restrict the points to those in `near_labels`; a crop may then have
        none.
    margin : float
        Share of the image's longer side.

    Returns
    -------
    list of Crop
        The whole image first.
    """
    from segment_anything.utils import amg

    if pseudo is not None and pseudo.shape != shape:
        raise InputError(
            "pseudo-labels", found=f"shape {pseudo.shape}", expected=f"shape {shape} as the image"
        )
    near = None if pseudo is None else near_labels(pseudo, margin)
    grids = amg.build_all_layer_point_grids(
        settings.points_per_side, settings.crop_n_layers, settings.crop_n_points_downscale_factor
    )
    boxes, layers = amg.generate_crop_boxes(
        shape, settings.crop_n_layers, settings.crop_overlap_ratio
    )
    crops = []
    for (x0, y0, x1, y1), layer in zip(boxes, layers, strict=True):
        if x1 <= x0 or y1 <= y0:  # in an image of very few rows or columns
            continue
        points = grids[layer] * np.array([[x1 - x0, y1 - y0]])
        if near is not None:
            cols, rows = (points + np.array([x0, y0])).astype(np.intp).T  # positive: the floor
            cols, rows = np.minimum(cols, shape[1] - 1), np.minimum(rows, shape[0] - 1)
            points = points[near[rows, cols]]
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
