"""The outline of what the cursor points at."""

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_sepl.core.pixels import Box
from napari_sepl.gui.layers.drawing import forget_history, redraw, resize, set_if_new

_COLOUR = (1.0, 1.0, 1.0, 1.0)


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
            color_dict={1: np.array(_COLOUR), 0: clear, None: clear}
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
