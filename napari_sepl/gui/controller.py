"""What happens when something is dragged, clicked, painted or opened."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer
from psygnal import Signal

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.params import Params
from napari_sepl.document.class_rows import count_classes
from napari_sepl.document.document import Document
from napari_sepl.document.edits import Edit
from napari_sepl.document.explain import explain_mask
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.layers import ReviewLayers, line_width
from napari_sepl.gui.opened import Opened
from napari_sepl.gui.saving import Saving
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background

if TYPE_CHECKING:
    from napari.components import ViewerModel

_SMALL = 1_000_000
"""Pixels up to which outlines and counts follow every slider move (under 3 ms)."""

_PAUSE = 120
"""Milliseconds of rest after which those of larger images follow, and all thumbnails."""


class Controller:
    """Connects one viewer, one view and the document that is open.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers go.
    view : View
        The panels.
    background : Background
        Where slow work runs.

    Attributes
    ----------
    stepped : Signal
        Emitted with the document, "do", "undo" or "redo", and the edit.
    """

    stepped = Signal(Document, str, object)

    def __init__(self, viewer: "ViewerModel", view: View, background: Background) -> None:
        self._viewer = viewer
        self._view = view
        self._background = background
        self._gesture = 0
        self._dragging = False
        self._hidden: frozenset[int] = frozenset()
        self.hovered = ""
        self.layers = ReviewLayers(viewer)
        self.document: Document | None = None
        self.saving = Saving(view, background)

    def attach(self, view: View) -> None:
        """Show everything in another view from now on."""
        self._view = self.saving.view = view
        if self.document is not None:
            view.show_params(self.document.params)
            self._count()
            self._on_marked()

    def window_closed(self, view: View) -> None:
        """Stop what would still reach for a view that is gone, unless another has taken over."""
        if self._view is view:
            self._background.stop()

    # --- opening

    def open(
        self,
        read: Callable[[], Inputs],
        *,
        params: Params | None = None,
        folder: Path | None = None,
        files: Collection[Path] = (),
        given: Collection[Layer] = (),
    ) -> None:
        """Read an image in the background and show it.

        Parameters
        ----------
        read : callable
            Returns the Inputs; may raise SeplError, which is told to the user.
        params : Params, optional
            Settings to start from.
        folder : Path, optional
            Where accepted labels go; asked for at the first save if left out.
        files : collection of Path
            The files that are read, which saving must not write over.
        given : collection of Layer
            Layers of the user's own that hold the image and the pseudo-labels.
        """

        def show(opened: Opened) -> None:
            self._view.show_busy("")
            self.show(opened, folder=folder, files=files, given=given)

        self._view.show_busy("reading…")
        start = params or Params()
        self._background.run("open", lambda: Opened.of(read(), start), show, self._refuse)

    def _refuse(self, error: SeplError) -> None:
        self._view.show_busy("")
        self._view.warn(str(error))

    def show(
        self,
        opened: Opened,
        *,
        folder: Path | None = None,
        files: Collection[Path] = (),
        given: Collection[Layer] = (),
        before: str = "pending",
    ) -> None:
        """Show an image that was prepared.

        Parameters
        ----------
        opened : Opened
            The image.
        folder, files, given
            As for `open`.
        before : str
            What is said of the image until somebody touches it.
        """
        self.settled()
        self.saving.folder, self.saving.inputs, self.saving.before = folder, files, before
        if self.document is not None:
            self.document.changed.disconnect(self._on_changed)
            self.document.stepped.disconnect(self._on_stepped)
            self.document.marked.disconnect(self._on_marked)
        document = self.document = opened.document
        self._hidden = frozenset()
        fits = self.layers.shown.shape == document.inputs.shape
        self.layers.open(document.inputs, document.resolved, opened.outlines, given)
        if not fits:
            # A hidden layer keeps the extent of its last image until it is shown.
            shown = [layer for layer in self._viewer.layers if layer.visible]
            self._viewer.fit_to_view(layers=shown)
        self._select_label(document)
        document.changed.connect(self._on_changed)
        document.stepped.connect(self._on_stepped)
        document.marked.connect(self._on_marked)
        self._view.show_params(document.params)
        self._count()
        self._on_marked()

    def _select_label(self, document: Document) -> None:
        """Give the brush the largest class, so that a first stroke paints something sensible."""
        areas = document.inputs.overlap.seeds.areas
        if len(areas):
            self.choose_class(int(document.inputs.overlap.class_ids[np.argmax(areas)]))

    # --- what a person does

    def set_params(self, params: Params, *, dragging: bool = False) -> None:
        """Change the settings; all moves of one drag become one step of the history."""
        # While a slider is dragged the mouse cannot paint: only its first move looks for strokes.
        document = self.document if self._dragging else self.settled()
        if document is None:
            return
        self._dragging = dragging
        document.set_params(params, gesture=self._gesture if dragging else None)

    def end_drag(self) -> None:
        """Say that the slider was let go: the next move is a new step."""
        self._gesture += 1
        self._dragging = False

    def stroke_ended(self) -> None:
        """Absorb what was painted, as soon as napari has written it."""
        self._background.later("stroke", 0, self._absorb)

    def _absorb(self) -> None:
        self.settled()

    def settled(self) -> Document | None:
        """Absorb any stroke on screen and return the document; None if none is open."""
        document = self.document
        if document is None:
            return None
        try:
            document.absorb(self.layers.shown)
        except InputError as error:
            self._view.warn(f"{error} The stroke was taken back.")
            self.layers.show(document.resolved)
        return document

    def undo(self) -> None:
        """Take back the last step."""
        document = self.settled()
        if document is not None and document.undo() is not None:
            self._view.show_params(document.params)

    def redo(self) -> None:
        """Do the last undone step again."""
        document = self.settled()
        if document is not None and document.redo() is not None:
            self._view.show_params(document.params)

    def save(self) -> None:
        """Write the labels as shown."""
        document = self.settled()
        if document is not None:
            self.saving.save(document, accept=False)

    def accept(self) -> None:
        """Write the labels as shown and call the image done."""
        document = self.settled()
        if document is not None:
            self.saving.save(document, accept=True)

    def compare(self) -> None:
        """Show the pseudo-labels in place of the enhanced ones, or the other way round."""
        enhanced, pseudo = self.layers.enhanced, self.layers.pseudo
        enhanced.visible = not enhanced.visible
        pseudo.contour = 2 * line_width(self.layers.shown.shape) if enhanced.visible else 0
        pseudo.visible = True

    def outlines(self) -> None:
        """Show or hide the mask outlines."""
        self.layers.masks.visible = not self.layers.masks.visible

    def later(self, work: Callable[[], None]) -> None:
        """Call `work` when napari has finished what it is doing now."""
        self._background.later("work", 0, work)

    def wait(self) -> None:
        """Return when files under way are written."""
        self._background.wait()

    def choose_class(self, class_id: int) -> None:
        """Paint with this class from now on."""
        self.layers.enhanced.selected_label = class_id

    def hide_classes(self, hidden: frozenset[int]) -> None:
        """Show all classes but these."""
        self._hidden = hidden
        if self.document is not None:
            self.layers.show_colours(self.document.inputs, hidden)

    def hover(self, row: int, col: int) -> None:
        """Tell of the smallest mask at a pixel, which may lie outside the image."""
        document = self.document
        if document is None:
            return
        height, width = document.inputs.shape
        inside = 0 <= row < height and 0 <= col < width
        under = document.inputs.masks.at(row, col) if inside else np.zeros(0, np.intp)
        text = explain_mask(document.inputs, document.resolved, int(under[0])) if len(under) else ""
        if text and len(under) > 1:
            text += f" · {len(under) - 1} more below"
        self.hovered = text
        self._view.show_mask(text)

    # --- what follows

    def _on_changed(self, resolved: Resolved) -> None:
        self.layers.show(resolved)
        if resolved.final.size <= _SMALL:
            self._follow()
        else:
            self._background.later("follow", _PAUSE, self._follow)
        self._background.later("thumbnails", _PAUSE, self.layers.refresh_thumbnails)

    def _follow(self) -> None:
        if self.document is not None:
            self.layers.show_outlines(self.document.resolved.assignment)
            self._count()

    def _count(self) -> None:
        document = self.document
        if document is not None:
            rows = count_classes(document.inputs, document.resolved.final)
            self._view.show_classes(rows, document.inputs.classes)

    def _on_stepped(self, kind: str, edit: Edit) -> None:
        if self.document is not None:
            self.stepped.emit(self.document, kind, edit)

    def _on_marked(self) -> None:
        document = self.document
        if document is None:
            return
        classes, history = document.inputs.classes, document.history
        self._view.show_steps(
            history.done[-1].describe(classes) if history.done else None,
            history.undone[-1].describe(classes) if history.undone else None,
        )
        self._view.show_title(f"{document.inputs.sample_id} — {self.saving.state_of(document)}")
