"""Masks to text and back by pycocotools, the format's own implementation."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco


def coco_decode(segmentations: Sequence[dict[str, Any]]) -> NDArray[np.bool_]:
    """Return the (N, H, W) pixels of one compressed RLE dict or more."""
    with warnings.catch_warnings():  # pycocotools 2.0.11 with numpy 2: "__array__ ... copy"
        warnings.simplefilter("ignore", DeprecationWarning)
        pixels = coco.decode(list(segmentations))
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0)).astype(np.bool_)


def coco_encode(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the compressed RLE dict of an (H, W) mask, its counts as text."""
    encoded = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


def counts_of(mask: NDArray[np.bool_]) -> list[int]:
    """Return the uncompressed counts of an (H, W) mask, trailing zero left out."""
    flat = mask.ravel(order="F").tolist()
    counts, value = [0], False
    for pixel in flat:
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return counts
