"""Small pictures with labels over them, as a page holds them in itself."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.differences import ERROR_COLOURS, find_errors
from napari_sepl.core.overlap import IGNORE
from napari_sepl.files.images import as_rgb

WIDTH = 320
"""Pixels across, at most."""

_OPACITY = 0.55
_GREY = (200, 200, 200)
_QUALITY = 80


@dataclass(frozen=True)
class Tile:
    """A picture of a page.

    Parameters
    ----------
    title : str
        What it shows.
    source : str
        A data URI.
    """

    title: str
    source: str


def draw_tiles(
    image: NDArray[Any],
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None,
    palette: NDArray[np.uint8],
) -> list[Tile]:
    """Draw an image with its pseudo-labels, its labels and, given the truth, its errors.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
        The picture.
    before, after : (H, W) uint8
        Pseudo-labels and labels.
    truth : (H, W) uint8, optional
        True labels.
    palette : (256, 3) uint8
        The colour of each label.
    """
    step = max(1, -(-image.shape[1] // WIDTH))
    small = [array[::step, ::step] for array in (as_rgb(image), before, after)]
    tiles = [("pseudo-labels", small[1], palette), ("labels", small[2], palette)]
    if truth is not None:
        true = truth[::step, ::step]
        tiles += [("truth", true, palette), ("errors", find_errors(true, small[2]), _ERRORS)]
    return [Tile(title, as_uri(lay_over(small[0], drawn, p))) for title, drawn, p in tiles]


_ERRORS = np.zeros((256, 3), np.uint8)
_ERRORS[list(ERROR_COLOURS)] = 255 * np.array(list(ERROR_COLOURS.values()))


def lay_over(
    colours: NDArray[np.uint8], labels: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: a picture with labels over it; background is clear, ignore grey."""
    palette = palette.copy()
    palette[IGNORE] = _GREY
    mixed = (1 - _OPACITY) * colours + _OPACITY * palette[labels]
    return np.where((labels > 0)[..., np.newaxis], mixed, colours).astype(np.uint8)


def as_uri(colours: NDArray[np.uint8]) -> str:
    """Return an (H, W, 3) uint8 picture as a data URI of a JPEG."""
    stream = io.BytesIO()
    Image.fromarray(colours).save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
