"""The dock widget: panels, buttons and keys around one controller."""

from collections.abc import Collection, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_sepl.core.classes import ClassList
from napari_sepl.core.params import Params
from napari_sepl.document.class_rows import ClassRow
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.samples import Sample, load
from napari_sepl.gui.gestures import gestures_of
from napari_sepl.gui.keys import KEYS
from napari_sepl.gui.panels.classes import ClassPanel
from napari_sepl.gui.panels.params import ParamsPanel
from napari_sepl.gui.panels.sources import SourcesPanel
from napari_sepl.gui.settings import preferred_params
from napari_sepl.gui.sources import read_layers
from napari_sepl.gui.worker import QtBackground

if TYPE_CHECKING:
    from napari.viewer import Viewer


_WIDTH = 380
"""Pixels that the legend needs to show all its columns."""


class SeplWidget(QWidget):
    """SEPL in napari: open, drag the thresholds, paint, accept or save.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = napari_viewer
        self.sources = SourcesPanel()
        self.params = ParamsPanel()
        self.classes = ClassPanel()
        self.title = QLabel("no image is open")
        self.busy = QLabel("")
        self.mask_text = QLabel("")
        self.mask_text.setWordWrap(True)
        self.mask_text.setMinimumHeight(48)
        self.sources_box = QCollapsible("Sources")
        self.buttons = {
            name: QPushButton(text)
            for name, text in (
                ("undo", "Undo"),
                ("redo", "Redo"),
                ("save", "Save"),
                ("accept", "Accept"),
            )
        }
        self._lay_out()
        self.params.show_params(preferred_params())
        self.gestures = gestures_of(napari_viewer, self, QtBackground)
        self.controller = self.gestures.controller
        self._connect()

    # --- building

    def _lay_out(self) -> None:
        self.title.setObjectName("title")
        self.title.setStyleSheet("font-weight: bold")
        self.sources_box.addWidget(self.sources)
        self.sources_box.expand(animate=False)
        self.setMinimumWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.addWidget(self.title)
        column.addWidget(self.busy)
        for part in (self.sources_box, self.params, self.classes, self.mask_text):
            column.addWidget(part)
        for names in (("undo", "redo"), ("save", "accept")):
            row = QHBoxLayout()
            for name in names:
                row.addWidget(self.buttons[name])
            column.addLayout(row)
        self.busy.setVisible(False)
        for name, button in self.buttons.items():
            button.setToolTip(KEYS[name])

    def _connect(self) -> None:
        controller = self.controller
        self.destroyed.connect(lambda: controller.window_closed(self))
        self.sources.files_chosen.connect(self._open_files)
        self.sources.layers_chosen.connect(self._use_layers)
        self.params.params_changed.connect(
            lambda params, dragging: controller.set_params(params, dragging=dragging)
        )
        self.params.drag_ended.connect(controller.end_drag)
        self.classes.class_chosen.connect(controller.choose_class)
        self.classes.hidden_changed.connect(controller.hide_classes)
        for name, button in self.buttons.items():
            button.clicked.connect(getattr(controller, name))
        self.viewer.layers.events.inserted.connect(self.sources.reset_choices)
        self.viewer.layers.events.removed.connect(self.sources.reset_choices)
        self.sources.reset_choices()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Watch the main window, once there is one, for being closed with unsaved work."""
        super().showEvent(event)
        self.window().removeEventFilter(self)
        self.window().installEventFilter(self)

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
            Layers that show some of the files already.
        """
        if self.may_leave():
            self.controller.open(
                lambda: load(sample, read_class_list(classes)),
                params=self.params.params,
                folder=folder,
                files=[p for p in astuple(sample)[1:] if p is not None],
                given=given,
            )

    def open_dataset(self, spec: DatasetSpec) -> None:
        """Open a dataset in the queue, at the sample of last time."""
        if self.may_leave():
            self.gestures.open_dataset(spec, self)

    def _open_files(self, choice: Any) -> None:
        sample = Sample(choice.image.stem, choice.image, choice.pseudo, choice.masks, choice.truth)
        self.open_sample(sample, choice.classes)

    def _use_layers(self, choice: Any) -> None:
        if self.may_leave():
            given = [layer for layer in (choice.image, choice.pseudo) if layer is not None]
            self.controller.open(
                lambda: read_layers(choice), params=self.params.params, given=given
            )

    # --- closing

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ask before the main window closes with unsaved work."""
        closing = event is not None and event.type() == QEvent.Type.Close
        if closing and watched is self.window() and not self.may_leave():
            event.ignore()  # type: ignore[union-attr]  # closing implies an event
            return True
        return bool(super().eventFilter(watched, event))

    def may_leave(self) -> bool:
        """Ask what to do with unsaved work; True if the image may be left.

        A dataset's work is in its store already, and nothing need be asked.
        """
        queue = self.gestures.queue
        if queue is not None and queue.reviewing is not None:
            queue.close_dataset()
            return True
        document = self.controller.settled()
        if document is None or not document.unsaved:
            return True
        box = QMessageBox(self)
        box.setWindowTitle("Unsaved labels")
        box.setText(f"The labels of {document.inputs.sample_id} are not saved.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        answer = box.exec()
        if answer == buttons.Save:
            self.controller.save()
            self.controller.wait()
            return not document.unsaved
        return bool(answer == buttons.Discard)

    # --- View: what the controller shows

    def show_title(self, text: str) -> None:
        """Show which image is open and whether it is saved."""
        self.title.setText(text)
        self.sources_box.collapse(animate=False)

    def show_params(self, params: Params) -> None:
        """Show settings that did not come from the sliders."""
        self.params.show_params(params)

    def show_classes(self, rows: Sequence[ClassRow], classes: ClassList) -> None:
        """Show what became of each class."""
        self.classes.show_classes(rows, classes)

    def show_steps(self, undo: str | None, redo: str | None) -> None:
        """Show what undo and redo would do."""
        for name, step in (("undo", undo), ("redo", redo)):
            self.buttons[name].setEnabled(step is not None)
            self.buttons[name].setToolTip(f"{KEYS[name]}: {step}" if step else KEYS[name])

    def show_mask(self, text: str) -> None:
        """Show the mask under the cursor."""
        self.mask_text.setText(text)

    def show_busy(self, text: str) -> None:
        """Show that something is under way."""
        self.busy.setText(text)
        self.busy.setVisible(bool(text))
        self.buttons["save"].setEnabled(not text)
        self.buttons["accept"].setEnabled(not text)

    def tell(self, text: str) -> None:
        """Tell the user that something was done."""
        show_info(text)

    def warn(self, text: str) -> None:
        """Tell the user that something went wrong."""
        show_error(text)

    def ask_folder(self, sample_id: str) -> Path | None:
        """Ask for the folder that the labels go to."""
        folder = QFileDialog.getExistingDirectory(self, f"Folder for {sample_id}.png")
        return Path(folder) if folder else None

    def confirm(self, question: str) -> bool:
        """Ask a question that is answered by yes or no."""
        answer = QMessageBox.question(self, "SEPL", question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def confirm_replace(self, path: Path) -> bool:
        """Ask whether a file may be replaced."""
        return self.confirm(
            f"{path} exists already and was not written in this window. Replace it?"
        )
