"""Pictures as SAM takes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError


def as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture as (H, W, 3) uint8.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
        Grey is repeated, transparency is passed over, and of 16 bits the upper 8 are kept, as
        when OpenCV reads a picture for segment-anything's own script.

    Raises
    ------
    InputError
        If it is something else.
    """
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))
    if not shaped or image.dtype not in (np.uint8, np.uint16) or 0 in image.shape:
        raise InputError(
            "image",
            found=f"an array of shape {image.shape} and type {image.dtype}",
            expected="grey, RGB or RGBA of 8 or 16 bits",
        )
    eight = image if image.dtype == np.uint8 else image >> 8
    colours = np.stack([eight] * 3, -1) if image.ndim == 2 else eight[..., :3]
    return np.ascontiguousarray(colours, np.uint8)
