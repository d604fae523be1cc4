"""The mask under the cursor, and a person's decisions on it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.outlines import trace_region
from napari_sepl.document.document import Document
from napari_sepl.document.explain import explain_region
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.regions import has_region, regions_at, regions_within
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.layers.layers import line_width
from napari_sepl.gui.strokes import fill_polygon

_NOTHING = np.zeros(0, np.int32)


class Pointing:
    """The region under the cursor: a mask, or the pseudo-labels of a class.

    Where regions nest it is the smallest, until the user walks from part to whole; the region
    reached then stays while the cursor is on it.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the layers and the view.

    Attributes
    ----------
    text : str
        Describes the region; empty for none.
    pointed : Signal(object)
        Emitted with the region, or None, when another one is pointed at.
    text_changed : Signal
        Emitted when `text` changed although the cursor did not move.
    """

    pointed = Signal(object)
    text_changed = Signal()

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._pixel = (-1, -1)
        self._named: int | None = None
        self._nest: list[int] = []
        self._chosen: int | None = None
        self._drawn: tuple[Inputs, int] | None = None
        self.text = ""

    @property
    def region(self) -> int | None:
        """The region under the cursor; None for none."""
        if self._chosen in self._nest:
            return self._chosen
        return self._nest[0] if self._nest else None

    # --- looking

    def hover(self, row: int, col: int) -> None:
        """Point at a pixel, which may lie outside the image."""
        self._pixel, self._named = (row, col), None
        self._find()
        self.refresh()

    def point_at(self, region: int) -> None:
        """Point at a region chosen in a panel, until the cursor moves on the image."""
        self._named = region
        self._find()
        self.refresh()

    def _find(self) -> None:
        document = self._context.document
        if document is not None and self._named is not None:
            there = has_region(document.inputs, self._named)
            self._nest, self._chosen = [self._named] if there else [], None
            return
        self._nest = regions_at(document.inputs, *self._pixel) if document is not None else []
        if self._chosen not in self._nest:
            self._chosen = None

    def walk(self, step: int) -> None:
        """Point at a region so many levels larger, or smaller where negative."""
        region = self.region
        if region is not None:
            at = self._nest.index(region) + step
            self._chosen = self._nest[min(max(at, 0), len(self._nest) - 1)]
            self.refresh()
            self.text_changed.emit()

    def refresh(self) -> None:
        """Draw and describe the region as it is now."""
        document = self._context.document
        region = self.region
        self.text = "" if document is None or region is None else self._describe(document, region)
        self._draw(document, region)
        self._context.view.show_mask(self.text)

    def follow(self) -> None:
        """Find the region again after a change, in which masks may have come or gone."""
        self._find()
        self.refresh()

    def forget(self) -> None:
        """Point at nothing, on another image."""
        self._pixel, self._named = (-1, -1), None
        self._nest, self._chosen, self._drawn, self.text = [], None, None, ""

    def _describe(self, document: Document, region: int) -> str:
        text = explain_region(document.inputs, document.resolved, region)
        if len(self._nest) > 1:
            level = self._nest.index(region) + 1
            text += f" · level {level} of {len(self._nest)} (part to whole)"
        parent = int(document.inputs.tree.parents[region]) if region >= 0 else -1
        return text + (f" · part of mask {parent}" if parent >= 0 else "")

    def _draw(self, document: Document | None, region: int | None) -> None:
        wanted = None if document is None or region is None else (document.inputs, region)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        self.pointed.emit(region)
        self._context.layers.highlight.show(_NOTHING if wanted is None else outline(*wanted))

    # --- deciding

    def decide(self, class_id: int) -> None:
        """Select the region for a class, or reject it by `REJECT`; again: reset the decision."""
        document, region = self._context.settled(), self.region
        if document is None or region is None:
            return
        decided = document.annotations.decisions.get(region) == class_id
        self._set(document, [region], None if decided else class_id)

    def reject_with_parts(self) -> None:
        """Reject the mask and all masks inside it, in one step."""
        region, document = self.region, self._context.settled()
        if document is not None and region is not None and region >= 0:
            inputs = document.inputs
            within = regions_within(inputs, inputs.masks.decode(region))
            self._set(document, {region, *within}, REJECT)

    def keep_pseudo(self) -> None:
        """Keep the pseudo-labels of the class under the cursor beside its masks; again: reset."""
        document = self._context.settled()
        region = self._nest[-1] if self._nest else 0
        if document is None or region >= 0:
            self._context.view.show_info("There are no pseudo-labels of a class under the cursor.")
            return
        kept = document.annotations.decisions.get(region) == -region
        self._set(document, [region], None if kept else -region)

    def reset(self) -> None:
        """Reset the decision on the region to automatic."""
        region, document = self.region, self._context.settled()
        if document is not None and region is not None:
            self._set(document, [region], None)

    def select_for_class(self) -> None:
        """Ask for a class, and select the region for it."""
        document, region = self._context.settled(), self.region
        if document is None or region is None:
            return
        now = document.resolved.assignment.class_of(region)
        class_id = self._context.view.ask_class(document.inputs.classes, now)
        if class_id is not None:
            self._set(document, [region], class_id)

    def decide_inside(self, vertices: NDArray[np.float64], class_id: int) -> None:
        """Select all masks inside a lasso for a class, or reject them.

        Parameters
        ----------
        vertices : (V, 2) float
            Row and column of the lasso's corners.
        class_id : int
            The class, or `REJECT`.
        """
        document = self._context.settled()
        if document is None or len(vertices) < 3:
            return
        regions = regions_within(document.inputs, fill_polygon(vertices, document.inputs.shape))
        if regions:
            self._set(document, regions, class_id)
        else:
            self._context.view.show_info("No mask lies inside the line.")

    def choose_class_here(self) -> None:
        """Make the class under the cursor the current class."""
        document = self._context.settled()
        height, width = document.inputs.shape if document is not None else (0, 0)
        row, col = self._pixel
        if document is not None and 0 <= row < height and 0 <= col < width:
            self._context.choose_class(int(document.resolved.labels[row, col]))

    def reset_class(self) -> None:
        """Reset all decisions on regions of the current class to automatic."""
        document = self._context.settled()
        if document is None:
            return
        class_id, assignment = self._context.class_id, document.resolved.assignment
        regions = [r for r in assignment.decisions if assignment.class_of(r) == class_id]
        self._set(document, regions, None)

    def reset_image(self) -> None:
        """Reset all decisions on the image to automatic."""
        document = self._context.settled()
        if document is not None:
            self._set(document, document.annotations.decisions, None)

    def _set(self, document: Document, regions: Iterable[int], class_id: int | None) -> None:
        view = self._context.view
        if class_id == IGNORE:
            view.show_error(
                "Masks cannot be selected for ignore: paint it, or choose another class."
            )
            return
        try:
            document.decide(regions, class_id)
        except InputError as error:
            view.show_error(str(error))
        self.refresh()
        self.text_changed.emit()


def outline(inputs: Inputs, region: int) -> NDArray[np.int32]:
    """Return the row-major positions of a region's outline."""
    width = 2 * line_width(inputs.shape)
    if region >= 0:
        return trace_region(inputs.masks.runs, region, width)
    if -region in inputs.vanished:
        return np.zeros(0, np.int32)
    column = int(inputs.overlap.class_ids.searchsorted(-region))
    return trace_region(inputs.overlap.seeds, column, width)
