"""The layer that shows how strongly the current class is held for seen."""

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_sepl.core.scores import Scores
from napari_sepl.gui.layers.drawing import set_if_new


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
