"""Layers over the image: a heat map, the outline under the cursor, prompts."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_sepl.core.labels.pixels import Box
from napari_sepl.core.labels.scores import Scores
from napari_sepl.gui.layers.drawing import forget_history, redraw, resize, set_if_new
from napari_sepl.gui.strokes import line_positions


class HeatLayer:
    """An image layer of one class's scores, hidden until asked for; another class, another map.

    Attributes
    ----------
    layer : Image
        The layer. It is light that is added to the picture: black where nothing is seen.
    """

    def __init__(self) -> None:
        self.layer = Image(
            np.zeros((1, 1), np.float32), name="CAM", colormap="inferno", blending="additive",
            opacity=0.7, visible=False, contrast_limits=(0, 1),
        )  # fmt: skip
        self._scores: Scores | None = None
        self._class_id = 0
        self._shown: tuple[Scores, int] | None = None
        self.layer.events.visible.connect(self._draw)

    def open(self, scores: Scores | None, class_id: int) -> None:
        """Show another image's scores; none where its pseudo-labels are hard."""
        self._scores = scores
        self.choose(class_id)

    def choose(self, class_id: int) -> None:
        """Show this class's scores."""
        self._class_id = class_id
        self._draw()

    def _draw(self) -> None:
        """Draw what is to be seen, once it is."""
        if self._scores is None or not self.layer.visible:
            return
        wanted = (self._scores, self._class_id)
        if self._shown is None or self._shown[0] is not wanted[0] or self._shown[1] != wanted[1]:
            self._shown = wanted
            heat = map_of(self._scores, self._class_id)
            self.layer.data = heat
            highest = float(heat.max(initial=0))
            set_if_new(self.layer, "contrast_limits", [0.0, max(1.0, highest)])


def map_of(scores: Scores, class_id: int) -> NDArray[np.float32]:
    """Return the (H, W) float32 scores of a class, of the background for 0; zeros for others."""
    found = np.flatnonzero(scores.class_ids == class_id)
    if class_id == 0 and scores.own is not None:
        return scores.own
    return scores.maps[int(found[0])] if len(found) else np.zeros(scores.shape, np.float32)


_HIGHLIGHT = (1.0, 1.0, 1.0, 1.0)


class Highlight:
    """A label layer on top of all others, written in place.

    Attributes
    ----------
    layer : Labels
        1 on the outline, 0 elsewhere.
    """

    def __init__(self) -> None:
        self.layer = Labels(np.zeros((1, 1), np.uint8), name="under the cursor")
        clear = np.zeros(4)
        self.layer.colormap = DirectLabelColormap(
            color_dict={1: np.array(_HIGHLIGHT), 0: clear, None: clear}
        )
        self._drawn = np.zeros(0, np.int32)

    def open(self, shape: tuple[int, int]) -> None:
        """Point at nothing, on another image."""
        if self.layer.data.shape == shape:
            self.show(np.zeros(0, np.int32))
        else:
            self._drawn = np.zeros(0, np.int32)
            resize(self.layer, np.zeros(shape, np.uint8))
        forget_history(self.layer)
        set_if_new(self.layer, "editable", False)

    def show(self, positions: NDArray[np.int32]) -> None:
        """Draw other pixels, given as row-major positions."""
        if not len(positions) and not len(self._drawn):
            return
        flat = self.layer.data.reshape(-1)
        flat[self._drawn] = 0
        flat[positions] = 1
        rows, cols = np.divmod(np.concatenate([self._drawn, positions]), self.layer.data.shape[1])
        box = Box(int(rows.min()), int(cols.min()), int(rows.max()) + 1, int(cols.max()) + 1)
        self._drawn = positions
        redraw(self.layer, box)


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
