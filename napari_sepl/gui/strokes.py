"""Lines that a person draws on an image, as pixels."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_STRAIGHT = 0.08
"""Largest bend of a straight line, as a share of its length."""


def fill_polygon(vertices: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (H, W) bool: the pixels inside a polygon of (row, col) corners."""
    mask = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(mask).polygon([(col, row) for row, col in vertices.tolist()], fill=1)
    return np.asarray(mask, np.bool_)


def is_straight(vertices: NDArray[np.float64]) -> bool:
    """Return whether a line of (row, col) corners is almost straight from start to end.

    A straight line encloses no area, so it is no lasso.
    """
    down, right = vertices[-1] - vertices[0]
    length = float(np.hypot(down, right))
    rows, cols = (vertices - vertices[0]).T
    bend = np.abs(down * cols - right * rows).max()  # of the farthest corner, times the length
    return bool(length and bend <= _STRAIGHT * length**2)


def box_between(start: NDArray[np.float64], stop: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (5, 2): the corners, back to the first, of the box between two (row, col) points."""
    (top, left), (bottom, right) = start, stop
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left), (top, left)])


def draw_box(corners: NDArray[np.float64], shape: tuple[int, int], width: int) -> NDArray[np.int32]:
    """Return the row-major positions of the sides of a box that lie in the image."""
    top, left = np.rint(corners.min(axis=0)).astype(int)
    bottom, right = np.rint(corners.max(axis=0)).astype(int)
    half = (width + 1) // 2
    rows, cols = (top - half, bottom + half), (left - half, right + half)
    strips = [_block(shape, (row - half, row + half), cols) for row in (top, bottom)] + [
        _block(shape, rows, (col - half, col + half)) for col in (left, right)
    ]
    return np.concatenate(strips)


def _block(
    shape: tuple[int, int], rows: tuple[int, int], cols: tuple[int, int]
) -> NDArray[np.int32]:
    row = np.arange(*np.clip(rows, 0, shape[0]), dtype=np.int32)
    col = np.arange(*np.clip(cols, 0, shape[1]), dtype=np.int32)
    return np.asarray((row[:, np.newaxis] * shape[1] + col).ravel(), np.int32)


def line_positions(
    start: tuple[float, float], stop: tuple[float, float], shape: tuple[int, int], width: int
) -> NDArray[np.int32]:
    """Return the row-major positions of a straight line that lie in the image."""
    steps = int(max(abs(stop[0] - start[0]), abs(stop[1] - start[1]))) + 1
    rows = np.linspace(start[0], stop[0], steps + 1)[:, np.newaxis]
    cols = np.linspace(start[1], stop[1], steps + 1)[:, np.newaxis]
    near = np.arange(width) - width // 2
    down, right = (offsets.ravel() for offsets in np.meshgrid(near, near))
    row, col = np.rint(rows + down).astype(int).ravel(), np.rint(cols + right).astype(int).ravel()
    inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
    return np.asarray(row[inside] * shape[1] + col[inside], np.int32)
