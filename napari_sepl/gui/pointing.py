"""Pointing at masks: what is under the cursor, and what a person decides on it."""

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

    Of several it is the smallest, until the user walks from part to whole; then it stays the one
    walked to while the cursor is on it.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the layers and the view.

    Attributes
    ----------
    text : str
        What is told of the region; empty for none.
    pointed : Signal(object)
        Emitted with the region, or None, when another one is pointed at.
    told : Signal
        Emitted when there is something new to tell although the cursor did not move.
    """

    pointed = Signal(object)
    told = Signal()

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
        """The region that is pointed at; None for none."""
        if self._chosen in self._nest:
            return self._chosen
        return self._nest[0] if self._nest else None

    # --- looking

    def hover(self, row: int, col: int) -> None:
        """Point at a pixel, which may lie outside the image."""
        self._pixel, self._named = (row, col), None
        self._find()
        self.refresh()

    def name(self, region: int) -> None:
        """Point at a region that was named elsewhere, until the cursor moves on the image."""
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
        """Go from part to whole by so many steps, or back."""
        region = self.region
        if region is not None:
            at = self._nest.index(region) + step
            self._chosen = self._nest[min(max(at, 0), len(self._nest) - 1)]
            self.refresh()
            self.told.emit()

    def to_whole(self) -> None:
        """Point at the next larger region here."""
        self.walk(1)

    def to_part(self) -> None:
        """Point at the next smaller region here."""
        self.walk(-1)

    def refresh(self) -> None:
        """Draw and tell of the region as it is now."""
        document = self._context.document
        region = self.region
        self.text = "" if document is None or region is None else self._tell(document, region)
        self._draw(document, region)
        self._context.view.show_mask(self.text)

    def follow(self) -> None:
        """Draw and tell of what is here now, after a change; masks may have come or gone."""
        self._find()
        self.refresh()

    def forget(self) -> None:
        """Point at nothing: another image is open."""
        self._pixel, self._named = (-1, -1), None
        self._nest, self._chosen, self._drawn, self.text = [], None, None, ""

    def _tell(self, document: Document, region: int) -> str:
        text = explain_region(document.inputs, document.resolved, region)
        if len(self._nest) > 1:
            text += f" · {self._nest.index(region) + 1} of {len(self._nest)} here"
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

    def take(self) -> None:
        """Take the region for the current class, or leave it to SEPL if that was decided."""
        self._decide(self._context.class_id)

    def refuse(self) -> None:
        """Refuse the region, or leave it to SEPL if that was decided."""
        self._decide(REJECT)

    def refuse_parts(self) -> None:
        """Refuse the mask and all masks in it, in one step."""
        region, document = self.region, self._context.settled()
        if document is not None and region is not None and region >= 0:
            inputs = document.inputs
            within = regions_within(inputs, inputs.masks.decode(region))
            self._put(document, {region, *within}, REJECT)

    def to_background(self) -> None:
        """Take the region for background, over all that claim its pixels; again: leave it."""
        self._decide(0)

    def keep_pseudo(self) -> None:
        """Keep the pseudo-labels of the class under the cursor beside its masks; again: leave."""
        document = self._context.settled()
        region = self._nest[-1] if self._nest else 0
        if document is None or region >= 0:
            self._context.view.tell("There are no pseudo-labels of a class under the cursor.")
            return
        kept = document.annotations.decisions.get(region) == -region
        self._put(document, [region], None if kept else -region)

    def leave(self) -> None:
        """Leave the region to SEPL."""
        region, document = self.region, self._context.settled()
        if document is not None and region is not None:
            self._put(document, [region], None)

    def take_as(self) -> None:
        """Ask for a class, and take the region for it."""
        document, region = self._context.settled(), self.region
        if document is None or region is None:
            return
        now = document.resolved.assignment.class_of(region)
        class_id = self._context.view.ask_class(document.inputs.classes, now)
        if class_id is not None:
            self._put(document, [region], class_id)

    def circle(self, vertices: NDArray[np.float64], class_id: int) -> None:
        """Decide on all masks that lie inside a lasso: take them for a class, or refuse them.

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
            self._put(document, regions, class_id)
        else:
            self._context.view.tell("No mask lies inside the line.")

    def pick_class(self) -> None:
        """Paint and take with the class under the cursor from now on."""
        document = self._context.settled()
        height, width = document.inputs.shape if document is not None else (0, 0)
        row, col = self._pixel
        if document is not None and 0 <= row < height and 0 <= col < width:
            self._context.choose_class(int(document.resolved.labels[row, col]))

    def clear_class(self) -> None:
        """Leave to SEPL all that was taken for the current class, or refused of it."""
        document = self._context.settled()
        if document is None:
            return
        class_id, assignment = self._context.class_id, document.resolved.assignment
        regions = [r for r in assignment.decisions if assignment.class_of(r) == class_id]
        self._put(document, regions, None)

    def clear_image(self) -> None:
        """Leave all regions of the image to SEPL."""
        document = self._context.settled()
        if document is not None:
            self._put(document, document.annotations.decisions, None)

    def _decide(self, class_id: int) -> None:
        document, region = self._context.settled(), self.region
        if document is None or region is None:
            return
        decided = document.annotations.decisions.get(region) == class_id
        self._put(document, [region], None if decided else class_id)

    def _put(self, document: Document, regions: Iterable[int], class_id: int | None) -> None:
        view = self._context.view
        if class_id == IGNORE:
            view.warn("Masks cannot be selected for ignore: paint it, or choose another class.")
            return
        try:
            document.decide(regions, class_id)
        except InputError as error:
            view.warn(str(error))
        self.refresh()
        self.told.emit()


def outline(inputs: Inputs, region: int) -> NDArray[np.int32]:
    """Return the row-major positions of a region's outline."""
    width = 2 * line_width(inputs.shape)
    if region >= 0:
        return trace_region(inputs.masks.runs, region, width)
    if -region in inputs.vanished:
        return np.zeros(0, np.int32)
    column = int(inputs.overlap.class_ids.searchsorted(-region))
    return trace_region(inputs.overlap.seeds, column, width)
