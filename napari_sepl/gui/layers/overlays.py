"""Layers over the image: heat map, outline under the cursor, prompts."""

from dataclasses import dataclass

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_sepl.core.labels.pixels import Box
from napari_sepl.core.labels.scores import Scores
from napari_sepl.gui.layers.drawing import clear_layer, colormap, label_layer, redraw, set_if_new
from napari_sepl.gui.strokes import draw_box


class HeatLayer:
    """An image layer with the scores of the current class, hidden at first.

    Attributes
    ----------
    layer : Image
        The layer. It is added to the image, so that scores of 0 are clear.
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
        """Show another image's scores; None for hard pseudo-labels."""
        self._scores = scores
        self.choose(class_id)

    def choose(self, class_id: int) -> None:
        """Show this class's scores."""
        self._class_id = class_id
        self._draw()

    def _draw(self) -> None:
        """Draw the scores, if the layer is visible."""
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


class Highlight:
    """A label layer on top of all others, written in place.

    Attributes
    ----------
    layer : Labels
        1 on the outline, 0 elsewhere.
    """

    def __init__(self) -> None:
        self.layer = label_layer("under the cursor", opacity=0.7)
        self.layer.colormap = colormap({1: (1.0, 1.0, 1.0)})
        self._drawn = np.zeros(0, np.int32)

    def open(self, shape: tuple[int, int]) -> None:
        """Show nothing, on another image."""
        self._drawn = np.zeros(0, np.int32)
        clear_layer(self.layer, shape)

    def show(self, positions: NDArray[np.int32]) -> None:
        """Draw the pixels at these row-major positions, and no others."""
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
    """Prompts for SAM, in pixels of the image.

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
        """Whether there is any prompt."""
        return bool(self.points) or self.box is not None or self.region is not None


class PromptLayer:
    """A label layer that shows prompts and the mask that SAM returned.

    Attributes
    ----------
    layer : Labels
        The layer, in the viewer while prompts are on.
    """

    def __init__(self) -> None:
        self.layer = label_layer("prompts", opacity=0.7)
        self.layer.colormap = colormap(_COLOURS)

    def open(self, shape: tuple[int, int]) -> None:
        """Show nothing, on another image."""
        clear_layer(self.layer, shape)

    def show(self, prompts: Prompts, preview: NDArray[np.bool_] | None, line: int) -> None:
        """Draw prompts and the preview of a mask.

        Parameters
        ----------
        prompts : Prompts
            The prompts.
        preview : (H, W) bool, optional
            The mask that SAM returned.
        line : int
            Width of lines, in pixels.
        """
        drawn = self.layer.data
        drawn[...] = 0 if preview is None else preview  # True is _PREVIEW
        if prompts.box is not None:
            corners = np.array(prompts.box).reshape(2, 2)
            drawn.reshape(-1)[draw_box(corners, (drawn.shape[0], drawn.shape[1]), line)] = _BOX
        for (row, col), on in zip(prompts.points, prompts.labels, strict=True):
            _draw_disc(drawn, row, col, _POINT * line, _ON if on else _BESIDE)
        redraw(self.layer, Box(0, 0, *drawn.shape))


def _draw_disc(drawn: NDArray[np.uint8], row: float, col: float, radius: int, value: int) -> None:
    top, left = max(0, round(row) - radius), max(0, round(col) - radius)
    part = drawn[top : round(row) + radius + 1, left : round(col) + radius + 1]
    rows, cols = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    part[(rows - row) ** 2 + (cols - col) ** 2 <= radius**2] = value
