"""Lines that a person draws on an image, as pixels."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw


def fill_polygon(vertices: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (H, W) bool: the pixels inside a polygon of (row, col) corners."""
    picture = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(picture).polygon([(col, row) for row, col in vertices.tolist()], fill=1)
    return np.asarray(np.asarray(picture) != 0, np.bool_)


def line_positions(
    start: tuple[float, float], stop: tuple[float, float], shape: tuple[int, int], width: int
) -> NDArray[np.int32]:
    """Return the row-major positions of a straight line, as far as it lies in the image."""
    steps = int(max(abs(stop[0] - start[0]), abs(stop[1] - start[1]))) + 1
    rows = np.linspace(start[0], stop[0], steps + 1)[:, np.newaxis]
    cols = np.linspace(start[1], stop[1], steps + 1)[:, np.newaxis]
    near = np.arange(width) - width // 2
    down, right = (offsets.ravel() for offsets in np.meshgrid(near, near))
    row, col = np.rint(rows + down).astype(int).ravel(), np.rint(cols + right).astype(int).ravel()
    inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
    return np.asarray(row[inside] * shape[1] + col[inside], np.int32)
