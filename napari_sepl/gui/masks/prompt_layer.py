"""The layer of prompts: points, a box, and the mask that SAM would make of them."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_sepl.core.pixels import Box
from napari_sepl.gui.layers.drawing import forget_history, redraw, resize, set_if_new
from napari_sepl.gui.strokes import line_positions

_PREVIEW, _ON, _BESIDE, _BOX = 1, 2, 3, 4
_COLOURS = {
    _PREVIEW: (0.00, 0.85, 0.95, 0.55),
    _ON: (0.10, 0.95, 0.20, 1.0),
    _BESIDE: (1.00, 0.15, 0.10, 1.0),
    _BOX: (1.00, 0.90, 0.10, 1.0),
}
_POINT = 5
"""Radius of a point's disc, in line widths."""


@dataclass(frozen=True, eq=False)
class Prompts:
    """What SAM is asked with, in pixels of the image.

    Parameters
    ----------
    points : tuple of (float, float)
        (row, col) of points.
    labels : tuple of bool
        Whether each point is on the object rather than beside it.
    box : tuple of float, optional
        First row, first column, last row and last column of a box around the object.
    region : (H, W) bool, optional
        A rough mask to start from.
    """

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[bool, ...] = ()
    box: tuple[float, float, float, float] | None = None
    region: NDArray[np.bool_] | None = None

    @property
    def given(self) -> bool:
        """Whether there is anything to ask with."""
        return bool(self.points) or self.box is not None or self.region is not None


class PromptLayer:
    """A label layer that shows prompts and what came of them; the mouse adds to it.

    Attributes
    ----------
    layer : Labels
        The layer, in the viewer while prompts are on.
    """

    def __init__(self) -> None:
        self.layer = Labels(np.zeros((1, 1), np.uint8), name="prompts")
        clear = np.zeros(4)
        colours: dict[int | None, Any] = {k: np.array(colour) for k, colour in _COLOURS.items()}
        self.layer.colormap = DirectLabelColormap(color_dict={**colours, 0: clear, None: clear})

    def open(self, shape: tuple[int, int]) -> None:
        """Show nothing, on another image."""
        if self.layer.data.shape != shape:
            resize(self.layer, np.zeros(shape, np.uint8))
        elif self.layer.data.any():
            self.layer.data[...] = 0
            self.layer.refresh(extent=False, highlight=False)
        forget_history(self.layer)
        set_if_new(self.layer, "editable", False)

    def show(self, prompts: Prompts, preview: NDArray[np.bool_] | None, line: int) -> None:
        """Draw other prompts and another preview.

        Parameters
        ----------
        prompts : Prompts
            What was asked with.
        preview : (H, W) bool, optional
            The mask that came of it.
        line : int
            Width of lines, in pixels.
        """
        drawn = self.layer.data
        drawn[...] = 0 if preview is None else preview  # True is _PREVIEW
        if prompts.box is not None:
            _draw_box(drawn, prompts.box, line)
        for (row, col), on in zip(prompts.points, prompts.labels, strict=True):
            _draw_disc(drawn, row, col, _POINT * line, _ON if on else _BESIDE)
        redraw(self.layer, Box(0, 0, *drawn.shape))


def _draw_box(drawn: NDArray[np.uint8], box: tuple[float, float, float, float], line: int) -> None:
    top, left, bottom, right = box
    corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
    for start, stop in pairwise(corners):
        shape = (drawn.shape[0], drawn.shape[1])
        drawn.reshape(-1)[line_positions(start, stop, shape, line)] = _BOX


def _draw_disc(drawn: NDArray[np.uint8], row: float, col: float, radius: int, value: int) -> None:
    top, left = max(0, round(row) - radius), max(0, round(col) - radius)
    part = drawn[top : round(row) + radius + 1, left : round(col) + radius + 1]
    rows, cols = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    part[(rows - row) ** 2 + (cols - col) ** 2 <= radius**2] = value
