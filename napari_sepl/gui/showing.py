"""Keeping the layers and the panels up to date with the document that is open."""

from psygnal import Signal

from napari_sepl.core.algorithm.assignment import find_critical_thresholds
from napari_sepl.document.class_rows import count_classes
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.saving import Saving

_SMALL = 1_000_000
"""Pixels up to which outlines and counts follow every slider move (under 3 ms)."""

_PAUSE = 120
"""Milliseconds of rest after which those of larger images follow, and all thumbnails."""


class Showing:
    """Follows one document: the labels at once, the rest at once or after a moment.

    Parameters
    ----------
    context : ReviewContext
        Has the view, the layers and the background.
    saving : Saving
        Knows how far a document is.

    Attributes
    ----------
    followed : Signal
        Emitted when outlines and counts are up to date with the labels.
    """

    followed = Signal()

    def __init__(self, context: ReviewContext, saving: Saving) -> None:
        self._context = context
        self._layers = layers = context.layers
        self._saving = saving
        self._document: Document | None = None
        self._origin = ""
        layers.enhanced.events.selected_label.connect(self._on_class)
        for layer in layers.per_pixel:
            layer.events.visible.connect(self._show_legends)

    def watch(self, document: Document) -> None:
        """Follow this document, and the last one no longer."""
        if self._document is not None:
            self._document.changed.disconnect(self._on_changed)
            self._document.marked.disconnect(self._on_marked)
        self._document = document
        document.changed.connect(self._on_changed)
        document.marked.connect(self._on_marked)
        self.show_all()
        self._tell_scores(document.inputs)

    def show_all(self) -> None:
        """Show everything in the panels, as in a view that has just come."""
        document = self._document
        if document is not None:
            view = self._context.view
            self._layers.show_colours(document.inputs)
            view.classes.show_all()
            view.params.show_scores(document.inputs.scores)
            view.params.show_params(document.params)
            view.correct.show_class(self._context.class_id, document.inputs.classes)
            self._follow()
            self._on_marked()

    def toggle_heat(self) -> None:
        """Show or hide how strongly the current class is held for seen."""
        document, layer = self._document, self._layers.heat.layer
        if document is None or document.inputs.scores is None:
            told = "These pseudo-labels are no soft scores: there is no map of them."
            self._context.view.tell(told)
        else:
            layer.visible = not layer.visible

    def _tell_scores(self, inputs: Inputs) -> None:
        """Say what soft scores were taken for, once as long as it stays the same."""
        origin = "" if inputs.scores is None else inputs.scores.origin
        if origin and origin != self._origin:
            self._context.view.tell(f"Soft scores, {origin}.")
            self._origin = origin

    # --- what follows

    def _on_changed(self, resolved: Resolved) -> None:
        self._layers.show(resolved)
        if self._document is not None:
            self._layers.show_pseudo(self._document.inputs)
        if resolved.labels.size <= _SMALL:
            self._follow()
        else:
            self._context.background.later("follow", _PAUSE, self._follow)
        self._context.background.later("thumbnails", _PAUSE, self._layers.refresh_thumbnails)

    def _follow(self) -> None:
        if self._document is not None:
            self._layers.show_outlines(self._document.inputs, self._document.resolved.assignment)
            self._count()
            self._show_critical_thresholds(self._document)
            self._show_legends()
            self.followed.emit()

    def _count(self) -> None:
        document = self._document
        if document is not None:
            current = self._context.class_id
            rows = count_classes(document.inputs, document.resolved, current)
            self._context.view.classes.show_classes(rows, document.inputs.classes, current)

    def _show_critical_thresholds(self, document: Document) -> None:
        self._context.view.params.show_critical_thresholds(
            *find_critical_thresholds(document.inputs.overlap, document.params)
        )

    def _show_legends(self) -> None:
        document = self._document
        if document is not None:
            legends = self._layers.per_pixel.show(document.inputs, document.resolved)
            self._context.view.compare.show_legends(legends)

    def _on_class(self) -> None:
        document = self._document
        self._layers.heat.choose(self._context.class_id)
        if document is not None and document is self._context.document:
            self._context.view.correct.show_class(self._context.class_id, document.inputs.classes)
            self._count()

    def _on_marked(self) -> None:
        document, view = self._document, self._context.view
        if document is not None:
            view.history.show_history(document.history, document.inputs.classes)
            kept = self._saving.target.recorded or not document.unsaved
            state = str(document.status) if kept else "not saved"
            view.show_title(f"{document.inputs.sample_id} — {state}")
