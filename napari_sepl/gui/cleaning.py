"""Cleaning one class of an image: each tool is one step of the history."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.cleaning import cut_at_borders, drop_islands, fill_holes, grow_to_borders
from napari_sepl.document.document import Document
from napari_sepl.gui.context import ReviewContext

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
                labels, class_id, largest, protected=document.said.protected
            ),
        )

    def drop_islands(self, smallest: int) -> None:
        """Drop regions of the current class of fewer pixels."""
        self._run(
            f"drop islands below {smallest:,} pixels of",
            lambda document, labels, class_id: drop_islands(
                labels, class_id, smallest, protected=document.said.protected
            ),
        )

    def grow(self) -> None:
        """Grow the current class to the mask borders around it."""
        self._run(
            "grow to mask borders:",
            lambda document, labels, class_id: grow_to_borders(
                labels, class_id, document.inputs.atoms, protected=document.said.protected
            ),
        )

    def cut(self) -> None:
        """Cut the current class at the mask borders inside it."""
        self._run(
            "cut at mask borders:",
            lambda document, labels, class_id: cut_at_borders(
                labels, class_id, document.inputs.atoms, protected=document.said.protected
            ),
        )

    def _run(self, told: str, work: Callable[[Document, Labels, int], Labels]) -> None:
        document, view = self._context.settled(), self._context.view
        if document is None:
            return
        class_id, mark = self._context.class_id, document.history.mark
        labels = document.resolved.final
        named = f"{told} {document.inputs.classes.name(class_id)}"

        def done(cleaned: Labels) -> None:
            view.show_busy("")
            if self._context.settled() is not document or document.history.mark != mark:
                view.warn(f"Not done, for the labels changed meanwhile: {named}.")
            elif np.array_equal(cleaned, labels):
                view.tell(f"Nothing to do: {named}.")
            else:
                document.absorb(cleaned, named)

        def failed(error: Exception) -> None:
            view.show_busy("")
            view.warn(str(error))

        view.show_busy(f"{named}…")
        self._context.background.run(
            "clean", lambda: work(document, labels, class_id), done, failed
        )
