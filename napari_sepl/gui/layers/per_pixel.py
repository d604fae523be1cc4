"""Layers with a value for each pixel: label source, difference, errors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_sepl.core.analysis.differences import (
    DIFFERENCE_NAMES,
    ERROR_COLOURS,
    ERROR_NAMES,
    Difference,
    find_differences,
    find_errors,
)
from napari_sepl.core.analysis.provenance import NAMES, Source
from napari_sepl.core.labels.pixels import copy_changes, count_labels
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.layers.drawing import colormap, label_layer, redraw, resize, set_if_new

Colour = tuple[float, float, float]

_SOURCE_COLOURS: dict[int, Colour] = {
    Source.IGNORED: (0.55, 0.55, 0.55),
    Source.KEPT: (0.95, 0.75, 0.10),
    Source.BY_O_P: (0.45, 0.30, 0.85),
    Source.BY_O_S: (0.15, 0.55, 0.95),
    Source.BROUGHT: (0.55, 0.80, 0.20),
    Source.PERSON: (0.10, 0.80, 0.35),
    Source.PROMPTED: (0.00, 0.75, 0.75),
    Source.PINNED: (1.00, 0.45, 0.75),
    Source.PAINTED: (0.95, 0.25, 0.15),
}
_DIFFERENCE_COLOURS: dict[int, Colour] = {
    Difference.GAINED: (0.10, 0.80, 0.35),
    Difference.LOST: (0.95, 0.25, 0.15),
    Difference.CHANGED: (0.95, 0.75, 0.10),
    Difference.IGNORED: (0.55, 0.55, 0.55),
}

_OPACITY = 0.75


@dataclass(frozen=True)
class LegendRow:
    """A line of a layer's legend.

    Parameters
    ----------
    name : str
        The name of the value.
    colour : tuple of float
        Red, green and blue, 0..1; black for what is clear.
    share : float
        Share of the image's pixels, 0..1.
    """

    name: str
    colour: Colour
    share: float


class PixelLayer:
    """A label layer with a legend, hidden at first.

    Parameters
    ----------
    title : str
        The layer's name.
    names : mapping of int to str
        The name of each value.
    colours : mapping of int to Colour
        Its colour; values without one are clear.
    find : callable
        Returns the values, (H, W) uint8, or None where the image has none.

    Attributes
    ----------
    layer : Labels
        The layer.
    """

    def __init__(
        self,
        title: str,
        names: Mapping[Any, str],
        colours: Mapping[int, Colour],
        find: Callable[[Inputs, Resolved], NDArray[np.uint8] | None],
    ) -> None:
        self._names, self._colours, self._find = names, colours, find
        self.layer: Labels = label_layer(title, opacity=_OPACITY)
        self.layer.colormap = colormap(colours)
        self.layer.visible = False

    def open(self, shape: tuple[int, int]) -> None:
        """Fit the layer to another image."""
        if self.layer.data.shape != shape:
            resize(self.layer, np.zeros(shape, np.uint8))
        set_if_new(self.layer, "editable", False)

    def show(self, inputs: Inputs, resolved: Resolved) -> list[LegendRow]:
        """Update the layer if it is visible, and return its legend; empty while hidden."""
        found = self._find(inputs, resolved) if self.layer.visible else None
        if found is None:
            return []
        box = copy_changes(found, self.layer.data)
        if box is not None:
            redraw(self.layer, box)
        counts = count_labels(found)
        return [
            LegendRow(name, self._colours.get(value, (0, 0, 0)), int(counts[value]) / found.size)
            for value, name in self._names.items()
            if counts[value]
        ]


class PixelLayers:
    """The layers with a value for each pixel, by the name of the action that shows each.

    Iterating gives the layers from the bottom to the top.
    """

    def __init__(self) -> None:
        self._by_name = {
            "label_source": PixelLayer(
                "label source", NAMES, _SOURCE_COLOURS, lambda _, resolved: resolved.find_sources()
            ),
            "difference": PixelLayer(
                "difference",
                DIFFERENCE_NAMES,
                _DIFFERENCE_COLOURS,
                lambda inputs, resolved: find_differences(inputs.pseudo, resolved.labels),
            ),
            "errors": PixelLayer("errors", ERROR_NAMES, ERROR_COLOURS, _errors),
        }

    def __getitem__(self, name: str) -> Labels:
        return self._by_name[name].layer

    def __iter__(self) -> Iterator[Labels]:
        return (pixel_layer.layer for pixel_layer in self._by_name.values())

    def open(self, inputs: Inputs) -> list[Labels]:
        """Fit the layers to another image, and return those that it has values for."""
        for name in self._offered(inputs):
            self._by_name[name].open(inputs.shape)
        return [self[name] for name in self._offered(inputs)]

    def toggle(self, name: str) -> None:
        """Show one layer in place of the others, or hide it."""
        for other in self._by_name:
            shown = other == name and not self[name].visible
            set_if_new(self[other], "visible", shown)

    def show(self, inputs: Inputs, resolved: Resolved) -> dict[str, list[LegendRow]]:
        """Update the visible layer.

        Returns
        -------
        dict of str to list of LegendRow
            The legend of each layer that the image has values for; empty while hidden.
        """
        return {name: self._by_name[name].show(inputs, resolved) for name in self._offered(inputs)}

    def _offered(self, inputs: Inputs) -> list[str]:
        return [name for name in self._by_name if name != "errors" or inputs.truth is not None]


def _errors(inputs: Inputs, resolved: Resolved) -> NDArray[np.uint8] | None:
    return None if inputs.truth is None else find_errors(inputs.truth, resolved.labels)
