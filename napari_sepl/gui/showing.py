"""Updates layers and panels after changes of the open document."""

from psygnal import Signal

from napari_sepl.core.algorithm.assignment import find_critical_thresholds
from napari_sepl.document.class_rows import count_classes
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.saving import Saving
from napari_sepl.workflow.review.queue import OUTDATED

_SMALL = 1_000_000
"""Pixels up to which outlines and counts follow each slider move (under 3 ms)."""

_PAUSE = 120
"""Milliseconds of rest after which those of larger images, and thumbnails, follow."""


class Showing:
    """Shows one document: labels at once, all else at once or after a short rest.

    Parameters
    ----------
    context : ReviewContext
        Has the view, the layers and the background.
    saving : Saving
        Knows the status of a document.

    Attributes
    ----------
    followed : Signal
        Emitted when outlines and counts were updated.
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
        """Show this document in place of the last one."""
        if self._document is not None:
            self._document.changed.disconnect(self._on_changed)
            self._document.marked.disconnect(self._on_marked)
            self._document.refused.disconnect(self._on_refused)
        self._document = document
        document.changed.connect(self._on_changed)
        document.marked.connect(self._on_marked)
        document.refused.connect(self._on_refused)
        self.show_all()
        self._show_origin(document.inputs)

    def show_all(self) -> None:
        """Show everything in the panels, for a new view."""
        document = self._document
        if document is not None:
            view = self._context.view
            view.show_read_only(on=bool(document.refusal))
            self._layers.enhanced.editable = not document.refusal
            self._layers.show_colours(document.inputs)
            view.classes.show_all()
            view.params.show_scores(document.inputs.scores)
            view.params.show_params(document.params)
            view.correct.show_class(self._context.class_id, document.inputs.classes)
            self._follow()
            self._on_marked()

    def toggle_heat(self) -> None:
        """Show or hide the scores of the current class."""
        document, layer = self._document, self._layers.heat.layer
        if document is None or document.inputs.scores is None:
            self._context.view.show_info("No heat map: the pseudo-labels are not soft scores.")
        else:
            layer.visible = not layer.visible
            self._layers.restore()

    def _show_origin(self, inputs: Inputs) -> None:
        """Show how soft scores were read, once until that changes."""
        origin = "" if inputs.scores is None else inputs.scores.origin
        if origin and origin != self._origin:
            self._context.view.show_info(f"Soft scores, {origin}.")
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
            self._context.view.params.show_critical_thresholds(
                *find_critical_thresholds(self._document.inputs.overlap, self._document.params)
            )
            self._show_legends()
            self.followed.emit()

    def _count(self) -> None:
        document = self._document
        if document is not None:
            current = self._context.class_id
            rows = count_classes(document.inputs, document.resolved, current)
            self._context.view.classes.show_classes(rows, document.inputs.classes, current)

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

    def _on_refused(self, reason: str) -> None:
        """Show why nothing changed, and all controls as they were."""
        document, view = self._document, self._context.view
        if document is not None:
            self._layers.show(document.resolved)
            view.params.show_params(document.params)
            self._count()
            view.show_error(reason)

    def _on_marked(self) -> None:
        document, view = self._document, self._context.view
        if document is not None:
            view.history.show_history(document.history, document.inputs.classes)
            kept = self._saving.target.recorded or not document.unsaved
            state = OUTDATED if document.outdated else str(document.status)
            if document.refusal:
                state += ", read-only"
            elif not kept:
                state = "not saved"
            view.show_title(f"{document.inputs.sample_id} — {state}")
