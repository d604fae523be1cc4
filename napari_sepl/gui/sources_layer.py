"""The layer that shows where each pixel's label came from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_sepl.core.pixels import Box, copy_changes
from napari_sepl.core.provenance import NAMES, Source, count_sources
from napari_sepl.gui.drawing import label_layer, redraw, set_if_new

_COLOURS: dict[Source, tuple[float, float, float]] = {
    Source.IGNORED: (0.55, 0.55, 0.55),
    Source.KEPT: (0.95, 0.75, 0.10),
    Source.BY_O_P: (0.45, 0.30, 0.85),
    Source.BY_O_S: (0.15, 0.55, 0.95),
    Source.PERSON: (0.10, 0.80, 0.35),
    Source.PROMPTED: (0.00, 0.75, 0.75),
    Source.PINNED: (1.00, 0.45, 0.75),
    Source.PAINTED: (0.95, 0.25, 0.15),
}


@dataclass(frozen=True)
class SourceRow:
    """A line of the layer's legend.

    Parameters
    ----------
    name : str
        What it came from.
    colour : tuple of float
        Red, green and blue, 0..1; black for what is clear.
    share : float
        Share of the image's pixels, 0..1.
    """

    name: str
    colour: tuple[float, float, float]
    share: float


class SourcesLayer:
    """A label layer of `Source` values, hidden until asked for.

    Attributes
    ----------
    layer : Labels
        The layer.
    """

    def __init__(self) -> None:
        self.layer: Labels = label_layer("where from", opacity=0.75)
        clear = np.zeros(4)
        colours: dict[int | None, Any] = {0: clear, None: clear}
        colours.update({int(source): np.array([*rgb, 1.0]) for source, rgb in _COLOURS.items()})
        self.layer.colormap = DirectLabelColormap(color_dict=colours)
        self.layer.visible = False

    def open(self, shape: tuple[int, int]) -> None:
        """Fit another image."""
        if self.layer.data.shape != shape:
            self.layer.data = np.zeros(shape, np.uint8)
        set_if_new(self.layer, "editable", False)

    def show(self, found: NDArray[np.uint8]) -> list[SourceRow]:
        """Show where pixels came from, and return the legend."""
        box = copy_changes(found, self.layer.data)
        if box is not None:
            redraw(self.layer, Box(0, 0, *found.shape))
        return [
            SourceRow(NAMES[source], _COLOURS.get(source, (0, 0, 0)), count / found.size)
            for source, count in count_sources(found).items()
        ]
