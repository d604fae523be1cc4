"""Drawing polygons back into label maps, as the readers of each format do."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = Sequence[Sequence[float]]
"""Corners (x, y)."""


def draw_as_pillow(target: NDArray[np.uint8], points: Points, class_id: int) -> None:
    """Write a class where Pillow draws a polygon, filled and outlined, as labelme does."""
    corners = np.asarray(points)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    place = target[top:bottom, left:right]
    picture = Image.new("L", place.shape[::-1])
    moved = [(x - left, y - top) for x, y in corners.tolist()]
    ImageDraw.Draw(picture).polygon(moved, fill=1, outline=1)
    place[np.asarray(picture) > 0] = class_id


def draw_as_yolo(target: NDArray[np.uint8], shares: Points, class_id: int) -> None:
    """Write a class where ultralytics draws a polygon of shares: cut to whole pixels, outlined."""
    height, width = target.shape
    whole = np.trunc(np.asarray(shares) * (width, height))
    draw_as_pillow(target, whole.tolist(), class_id)
