"""The dock widget: panels and buttons, connected to one controller."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from qtpy import PYSIDE_VERSION
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.samples import Sample, load
from napari_sepl.gui.actions import connect_buttons
from napari_sepl.gui.display import trouble_with
from napari_sepl.gui.docks import docks_of
from napari_sepl.gui.panels.sources import read_layers
from napari_sepl.gui.preferences import preferred_params
from napari_sepl.gui.review_panels import ReviewPanels
from napari_sepl.gui.worker import QtBackground

if TYPE_CHECKING:
    from napari.viewer import Viewer


class SeplWidget(ReviewPanels):
    """SEPL in napari: open, drag the thresholds, paint, accept or save.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = napari_viewer
        self.params.show_params(preferred_params())
        self.docks = docks_of(napari_viewer, self, QtBackground)
        self.controller = self.docks.controller
        self._connect()
        if trouble := trouble_with(PYSIDE_VERSION, sys.version_info[:2]):
            self.show_error(trouble)

    def _connect(self) -> None:
        controller = self.controller
        self.destroyed.connect(lambda: controller.window_closed(self))
        self.destroyed.connect(
            lambda: controller.making.pending_changed.disconnect(self.masks.show_pending)
        )
        self.sources.files_chosen.connect(self._open_files)
        self.sources.layers_chosen.connect(self._use_layers)
        self.sources.dataset_chosen.connect(self.open_dataset)
        self.sources.refused.connect(self.show_error)
        self.params.params_changed.connect(
            lambda params, dragging: controller.set_params(params, dragging=dragging)
        )
        self.params.drag_ended.connect(controller.end_drag)
        self.classes.class_chosen.connect(controller.context.choose_class)
        self.classes.hidden_changed.connect(controller.hide_classes)
        self.classes.lock_changed.connect(controller.lock)
        self.diagnosis.finding_chosen.connect(controller.diagnosing.point_at)
        self.history.step_chosen.connect(controller.go_to)
        self.masks.show_pending(controller.making.pending_shown)
        self.masks.show_making(*controller.making.shown)
        controller.making.pending_changed.connect(self.masks.show_pending)
        for box in self.panels.values():
            box.toggled.connect(self._emit_panels)
        connect_buttons(self, self.docks.do)
        self.viewer.layers.events.inserted.connect(self.sources.reset_choices)
        self.viewer.layers.events.removed.connect(self.sources.reset_choices)
        self.sources.reset_choices()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Watch the main window for a close with unsaved work."""
        super().showEvent(event)
        self.window().removeEventFilter(self)
        self.window().installEventFilter(self)

    def _emit_panels(self) -> None:
        expanded = {name: bool(box.isExpanded()) for name, box in self.panels.items()}
        self.controller.panels_toggled.emit(expanded)

    # --- opening

    def open_sample(
        self,
        sample: Sample,
        classes: str,
        folder: Path | None = None,
        given: Collection[Layer] = (),
    ) -> None:
        """Open the files of one image.

        Parameters
        ----------
        sample : Sample
            The files.
        classes : str
            A built-in class list's name, or a TOML file.
        folder : Path, optional
            Where accepted labels go; asked for at the first save if left out.
        given : collection of Layer
            The user's own layers of some of the files.
        """
        if self._may_leave():
            self.controller.open(
                lambda: load(sample, read_class_list(classes)),
                # the background's value may mean nothing for another image's scores
                params=self.params.params.model_copy(update={"background": None}),
                folder=folder,
                sample=sample,
                given=given,
            )

    def open_dataset(self, spec: DatasetSpec) -> None:
        """Open a dataset in the queue, at its last open sample."""
        if self._in_dataset or self._may_leave():  # the queue closes its dataset itself
            self.docks.open_dataset(spec)

    def _open_files(self, choice: Any) -> None:
        files = (choice.image, choice.pseudo, choice.masks, choice.truth)
        sample = Sample(choice.image.stem, *files, choice.pseudo_format)
        self.open_sample(sample, choice.classes)

    def _use_layers(self, choice: Any) -> None:
        if self._may_leave():
            given = [layer for layer in (choice.image, choice.pseudo) if layer is not None]
            self.controller.open(
                lambda: read_layers(choice), params=self.params.params, given=given
            )

    # --- closing

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ask before the main window closes with unsaved work; close the record once it has.

        napari asks too, so that a close may still be cancelled after this.
        """
        if event is not None and watched is self.window():
            if event.type() == QEvent.Type.Close and not self.may_close():
                event.ignore()
                return True
            if event.type() == QEvent.Type.Hide and not event.spontaneous():
                self._release()
        return bool(super().eventFilter(watched, event))

    @property
    def _in_dataset(self) -> bool:
        return self.docks.queue is not None and self.docks.queue.reviewing is not None

    def may_close(self) -> bool:
        """Ask what to do with unsaved work; True if the image may be closed.

        Nothing is asked where a record has it.
        """
        document = self.controller.context.settled()
        is_kept = self._in_dataset or self.controller.recording.is_recorded
        if document is None or is_kept or not document.unsaved:
            return True
        box = QMessageBox(self)
        box.setWindowTitle("Unsaved labels")
        box.setText(
            f"The labels of {document.inputs.sample_id} are in no record. Save a copy of them?"
        )
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        answer = box.exec()
        if answer == buttons.Save:
            self.controller.save_copy()
            self.controller.context.background.wait()
            return not document.unsaved
        return bool(answer == buttons.Discard)

    def _may_leave(self) -> bool:
        """Close what is open, for something else, unless a person wants to stay."""
        if not self.may_close():
            return False
        self._release()
        return True

    def _release(self) -> None:
        """Close the record of what is open; all of it is in there."""
        if self.docks.queue is not None and self._in_dataset:
            self.docks.queue.close_dataset()
        else:
            self.controller.recording.close()
