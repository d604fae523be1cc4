"""Tools that clean a class, and the superpixel brush."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.labels.cleaning import (
    cut_at_borders,
    drop_islands,
    fill_holes,
    grow_to_borders,
)
from napari_sepl.core.labels.pixels import Box
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.layers.drawing import redraw

Labels = NDArray[np.uint8]


class Cleaning:
    """The tools that clean the current class, run in the background.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the class and the view.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context

    def fill_holes(self, largest: int) -> None:
        """Fill holes of the current class of at most `largest` pixels."""
        self._run(f"fill holes of up to {largest:,} pixels in", fill_holes, lambda _: largest)

    def remove_small_regions(self, smallest: int) -> None:
        """Remove regions of the current class of fewer than `smallest` pixels."""
        self._run(f"remove regions below {smallest:,} pixels of", drop_islands, lambda _: smallest)

    def grow(self) -> None:
        """Grow the current class to the mask borders around it."""
        self._run("grow to mask borders:", grow_to_borders, attrgetter("superpixels"))

    def cut(self) -> None:
        """Cut the current class at the mask borders inside it."""
        self._run("cut at mask borders:", cut_at_borders, attrgetter("superpixels"))

    def _run(
        self, text: str, clean: Callable[..., Labels], option: Callable[[Inputs], Any]
    ) -> None:
        """Clean the current class in the background; `option` returns what `clean` needs."""
        document, view = self._context.settled(), self._context.view
        if document is None:
            return
        class_id, mark = self._context.class_id, document.history.mark
        labels, inputs = document.resolved.labels, document.inputs
        locked = document.annotations.locked
        step = f"{text} {inputs.classes.name(class_id)}"

        def done(cleaned: Labels) -> None:
            view.show_busy("")
            if self._context.settled() is not document or document.history.mark != mark:
                view.show_error(f"The labels changed meanwhile. Not done: {step}.")
            elif np.array_equal(cleaned, labels):
                view.show_info(f"Nothing to do: {step}.")
            else:
                document.absorb(cleaned, step)

        view.show_busy(f"{step}…")
        self._context.background.run(
            "clean",
            lambda: clean(labels, class_id, option(inputs), locked=locked),
            done,
            self._context.show_failure,
        )


class Superpixels:
    """A brush that paints whole superpixels: the regions between mask borders.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the layers and the view.

    Attributes
    ----------
    on : bool
        Whether a drag paints regions rather than moving the image.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._boxes: list[tuple[slice, slice] | None] = []
        self._superpixels: NDArray[np.int32] | None = None
        self.on = False

    def toggle(self) -> None:
        """Turn the brush on or off."""
        self.on = not self.on
        self._context.view.correct.show_superpixels(self.on)
        self._superpixels = None
        if self.on:
            self.prepare()

    def prepare(self) -> None:
        """Compute the superpixels of the open image in the background."""
        document = self._context.document
        if document is None or not self.on:
            return
        self._superpixels = None
        inputs = document.inputs

        def done(boxes: list[tuple[slice, slice] | None]) -> None:
            if self._context.document is document:
                self._boxes, self._superpixels = boxes, inputs.superpixels

        self._context.background.run(
            "superpixels",
            lambda: ndimage.find_objects(inputs.superpixels),
            done,
            self._context.show_failure,
        )

    def paint(self, document: Document, row: int, col: int, class_id: int) -> None:
        """Paint the region at a pixel on the shown labels; the stroke's end absorbs it."""
        height, width = document.inputs.shape
        if not (0 <= row < height and 0 <= col < width):
            return
        if self._superpixels is None:
            self._context.view.show_mask("Computing superpixels…")
            return
        number = int(self._superpixels[row, col])
        if number == 0:
            self._context.view.show_mask("No mask covers this pixel: use the normal brush here")
            return
        box = self._boxes[number - 1]
        if box is None:
            return
        shown, region = self._context.layers.enhanced.data[box], self._superpixels[box] == number
        if document.annotations.locked:
            region &= ~np.isin(document.resolved.labels[box], list(document.annotations.locked))
        if (shown[region] != class_id).any():
            shown[region] = class_id
            rows, cols = box
            redraw(self._context.layers.enhanced, Box(rows.start, cols.start, rows.stop, cols.stop))
