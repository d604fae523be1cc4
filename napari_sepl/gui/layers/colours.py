"""Class colours as napari wants them, the same on every layer."""

from collections.abc import Collection
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from napari_sepl.core.classes import ClassList
from napari_sepl.core.overlap import IGNORE

REFUSED = IGNORE
"""The value that draws a refused mask's outline on the masks layer."""

_REFUSED_COLOUR = (0.85, 0.85, 0.85, 0.75)


def label_colours(classes: ClassList, hidden: Collection[int] = ()) -> DirectLabelColormap:
    """Return the colours of a label layer; the background and hidden classes are clear."""
    palette = classes.palette() / 255
    shown = [label for label in (*range(1, len(classes)), IGNORE) if label not in hidden]
    colours: dict[int | None, Any] = {label: np.append(palette[label], 1.0) for label in shown}
    return _colormap(colours)


def outline_colours(classes: ClassList, hidden: Collection[int] = ()) -> DirectLabelColormap:
    """Return the colours of the mask outlines: their class's if taken, grey if refused."""
    palette = classes.palette() / 255
    shown = [label for label in range(1, len(classes)) if label not in hidden]
    colours: dict[int | None, Any] = {label: np.append(palette[label], 1.0) for label in shown}
    return _colormap({**colours, REFUSED: np.array(_REFUSED_COLOUR)})


def _colormap(colours: dict[int | None, Any]) -> DirectLabelColormap:
    clear = np.zeros(4)
    return DirectLabelColormap(color_dict={**colours, 0: clear, None: clear})
