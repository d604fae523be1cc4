"""Label layers written in place, which napari would redraw whole, and their colours."""

from collections.abc import Collection
from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE, Box


def label_layer(name: str, *, opacity: float) -> Labels:
    """Return an empty label layer of ours."""
    return Labels(np.zeros((1, 1), np.uint8), name=name, opacity=opacity)


def show_labels(layer: Labels, labels: NDArray[np.uint8]) -> None:
    """Give a layer its own copy of other labels, and an empty history."""
    if layer.data.shape == labels.shape:
        layer.data[...] = labels
        layer.refresh(extent=False, highlight=False)
    else:
        resize(layer, labels.copy())
    forget_history(layer)


def resize(layer: Labels, labels: NDArray[np.uint8]) -> None:
    """Give a layer labels of another size, without telling of new data.

    Who hears of new data renews the layer's colours, which stay as they are, and the viewer's
    axes, for which it is enough that the image tells: 7 ms a layer.
    """
    with layer.events.data.blocker():
        layer.data = labels


def set_if_new(layer: Layer, name: str, value: object) -> None:
    """Set an attribute that is not so already: napari redraws for each."""
    if getattr(layer, name) != value:
        setattr(layer, name, value)


def redraw(layer: Labels, box: Box) -> None:
    """Send a changed part of an in-place written label layer to the screen.

    A full ``layer.refresh()`` would slice anew, and costs 10 ms more at 4096².
    """
    if not layer.visible:
        return
    if layer.contour:
        layer.refresh(thumbnail=False, highlight=False, extent=False)
        return
    layer.events.labels_update(data=layer.data[box.slices], offset=[box.top, box.left])


def forget_history(layer: Labels) -> None:
    """Empty napari's own undo history: the document keeps the history of an image."""
    layer._reset_history()  # noqa: SLF001  # no public way; tests would see it go


def displayable(image: NDArray[Any]) -> NDArray[Any]:
    """Return a picture that napari draws: colour as 8 bits, which its RGB layers expect."""
    if image.ndim == 3 and image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    return image


REJECTED = IGNORE
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
    return _colormap({**colours, REJECTED: np.array(_REFUSED_COLOUR)})


def _colormap(colours: dict[int | None, Any]) -> DirectLabelColormap:
    clear = np.zeros(4)
    return DirectLabelColormap(color_dict={**colours, 0: clear, None: clear})
