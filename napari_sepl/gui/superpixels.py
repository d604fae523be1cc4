"""The superpixel brush: paint whole regions that mask borders cut the image into."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.pixels import Box
from napari_sepl.document.document import Document
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.layers.drawing import redraw


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
        self._atoms: NDArray[np.int32] | None = None
        self.on = False

    def toggle(self) -> None:
        """Take the brush up, or lay it down."""
        self.on = not self.on
        self._context.view.correct.show_superpixels(self.on)
        self._atoms = None
        if self.on:
            self.prepare()

    def prepare(self) -> None:
        """Find the regions of the image that is open, in the background."""
        document = self._context.document
        if document is None or not self.on:
            return
        self._atoms = None
        inputs = document.inputs

        def done(boxes: list[tuple[slice, slice] | None]) -> None:
            if self._context.document is document:
                self._boxes, self._atoms = boxes, inputs.atoms

        self._context.background.run(
            "superpixels",
            lambda: ndimage.find_objects(inputs.atoms),
            done,
            lambda error: self._context.view.warn(str(error)),
        )

    def paint(self, document: Document, row: int, col: int, class_id: int) -> None:
        """Paint the region at a pixel on the shown labels; the stroke's end absorbs it."""
        height, width = document.inputs.shape
        if not (0 <= row < height and 0 <= col < width):
            return
        if self._atoms is None:
            self._context.view.show_mask("finding the regions between mask borders…")
            return
        number = int(self._atoms[row, col])
        if number == 0:
            self._context.view.show_mask("no mask holds this pixel: use the brush here")
            return
        box = self._boxes[number - 1]
        if box is None:
            return
        shown, region = self._context.layers.enhanced.data[box], self._atoms[box] == number
        if document.said.protected:
            region &= ~np.isin(document.resolved.final[box], list(document.said.protected))
        if (shown[region] != class_id).any():
            shown[region] = class_id
            rows, cols = box
            redraw(self._context.layers.enhanced, Box(rows.start, cols.start, rows.stop, cols.stop))
