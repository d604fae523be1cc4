"""Label layers that are written in place, and their colours."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import ArrayLike, NDArray

from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE, Box


def label_layer(name: str, *, opacity: float) -> Labels:
    """Return an empty label layer."""
    return Labels(np.zeros((1, 1), np.uint8), name=name, opacity=opacity)


def show_labels(layer: Labels, labels: NDArray[np.uint8]) -> None:
    """Give a layer its own copy of other labels, and an empty history."""
    if layer.data.shape == labels.shape:
        layer.data[...] = labels
        layer.refresh(extent=False, highlight=False)
    else:
        resize(layer, labels.copy())
    forget_history(layer)


def clear_layer(layer: Labels, shape: tuple[int, int]) -> None:
    """Empty a layer that nobody may paint on, and fit it to an image of this shape."""
    if layer.data.shape != shape:
        resize(layer, np.zeros(shape, np.uint8))
    elif layer.data.any():
        layer.data[...] = 0
        layer.refresh(extent=False, highlight=False)
    forget_history(layer)
    set_if_new(layer, "editable", False)


def resize(layer: Labels, labels: NDArray[np.uint8]) -> None:
    """Give a layer labels of another size, without the event of new data.

    The event renews the layer's colours, which do not change, and the viewer's axes, which the
    image layer renews anyway: 7 ms a layer.
    """
    with layer.events.data.blocker():
        layer.data = labels


def set_if_new(layer: Layer, name: str, value: object) -> None:
    """Set an attribute if its value differs: napari redraws each time."""
    if getattr(layer, name) != value:
        setattr(layer, name, value)


def redraw(layer: Labels, box: Box) -> None:
    """Send a changed part of an in-place written label layer to the screen.

    A full ``layer.refresh()`` slices again, and costs 10 ms more at 4096².
    """
    if not layer.visible:
        return
    if layer.contour:
        layer.refresh(thumbnail=False, highlight=False, extent=False)
        return
    layer.events.labels_update(data=layer.data[box.slices], offset=[box.top, box.left])


def forget_history(layer: Labels) -> None:
    """Empty napari's own undo history: the document keeps the history."""
    layer._reset_history()  # noqa: SLF001  # no public way; tests would see it go


def displayable(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image with colour as 8 bits, as napari's RGB layers expect."""
    if image.ndim == 3 and image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    return image


REJECTED = IGNORE
"""The value that draws a rejected mask's outline on the masks layer."""

_REJECTED_COLOUR = (0.85, 0.85, 0.85, 0.75)


def label_colours(classes: ClassList, hidden: Collection[int] = ()) -> DirectLabelColormap:
    """Return the colours of a label layer; the background and hidden classes are clear."""
    palette = classes.palette() / 255
    labels = (*classes.ids[1:], IGNORE)
    return colormap({label: palette[label] for label in labels if label not in hidden})


def outline_colours(classes: ClassList, hidden: Collection[int] = ()) -> DirectLabelColormap:
    """Return the colours of the mask outlines: of the class if selected, grey if rejected."""
    palette = classes.palette() / 255
    shown = {label: palette[label] for label in classes.ids[1:] if label not in hidden}
    return colormap({**shown, REJECTED: _REJECTED_COLOUR})


def colormap(colours: Mapping[int, ArrayLike]) -> DirectLabelColormap:
    """Return a colour map of RGB or RGBA colours, 0..1; values without one are clear."""
    shown: dict[int | None, NDArray[np.float64]] = {0: np.zeros(4), None: np.zeros(4)}
    shown.update({int(value): np.append(rgb, 1.0)[:4] for value, rgb in colours.items()})
    return DirectLabelColormap(color_dict=shown)
