"""Correcting a class by hand: cleaning, each a step of the history, and the superpixel brush."""

from collections.abc import Callable

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
        """Fill holes of the current class of up to so many pixels."""
        self._run(
            f"fill holes of up to {largest:,} pixels in",
            lambda document, labels, class_id: fill_holes(
                labels, class_id, largest, locked=document.annotations.locked
            ),
        )

    def drop_islands(self, smallest: int) -> None:
        """Drop regions of the current class of fewer pixels."""
        self._run(
            f"drop islands below {smallest:,} pixels of",
            lambda document, labels, class_id: drop_islands(
                labels, class_id, smallest, locked=document.annotations.locked
            ),
        )

    def grow(self) -> None:
        """Grow the current class to the mask borders around it."""
        self._run(
            "grow to mask borders:",
            lambda document, labels, class_id: grow_to_borders(
                labels, class_id, document.inputs.superpixels, locked=document.annotations.locked
            ),
        )

    def cut(self) -> None:
        """Cut the current class at the mask borders inside it."""
        self._run(
            "cut at mask borders:",
            lambda document, labels, class_id: cut_at_borders(
                labels, class_id, document.inputs.superpixels, locked=document.annotations.locked
            ),
        )

    def _run(self, told: str, work: Callable[[Document, Labels, int], Labels]) -> None:
        document, view = self._context.settled(), self._context.view
        if document is None:
            return
        class_id, mark = self._context.class_id, document.history.mark
        labels = document.resolved.labels
        named = f"{told} {document.inputs.classes.name(class_id)}"

        def done(cleaned: Labels) -> None:
            view.show_busy("")
            if self._context.settled() is not document or document.history.mark != mark:
                view.warn(f"Not done, for the labels changed meanwhile: {named}.")
            elif np.array_equal(cleaned, labels):
                view.tell(f"Nothing to do: {named}.")
            else:
                document.absorb(cleaned, named)

        view.show_busy(f"{named}…")
        self._context.background.run(
            "clean", lambda: work(document, labels, class_id), done, self._context.refuse
        )


class Superpixels:
    """A brush whose bristles are as large as the regions it touches.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the layers and the view.

    Attributes
    ----------
    on : bool
        Whether a drag paints regions rather than moving the picture.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._boxes: list[tuple[slice, slice] | None] = []
        self._superpixels: NDArray[np.int32] | None = None
        self.on = False

    def toggle(self) -> None:
        """Take the brush up, or lay it down."""
        self.on = not self.on
        self._context.view.correct.show_superpixels(self.on)
        self._superpixels = None
        if self.on:
            self.prepare()

    def prepare(self) -> None:
        """Find the regions of the image that is open, in the background."""
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
            lambda error: self._context.view.warn(str(error)),
        )

    def paint(self, document: Document, row: int, col: int, class_id: int) -> None:
        """Paint the region at a pixel on the shown labels; the stroke's end absorbs it."""
        height, width = document.inputs.shape
        if not (0 <= row < height and 0 <= col < width):
            return
        if self._superpixels is None:
            self._context.view.show_mask("finding the regions between mask borders…")
            return
        number = int(self._superpixels[row, col])
        if number == 0:
            self._context.view.show_mask("no mask holds this pixel: use the brush here")
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
