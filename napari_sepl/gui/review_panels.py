"""The panels of the dock widget."""

from collections.abc import Mapping
from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible, QElidingLabel

from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.edits import InputsChoice
from napari_sepl.gui.actions import ACTIONS, ActionButton, describe_shortcuts
from napari_sepl.gui.panels.classes import WIDTH, ClassPanel
from napari_sepl.gui.panels.compare import ComparePanel
from napari_sepl.gui.panels.correct import CorrectPanel, QuickPick
from napari_sepl.gui.panels.diagnosis import DiagnosisPanel
from napari_sepl.gui.panels.history import HistoryPanel
from napari_sepl.gui.panels.masks import MasksPanel, PromptsPanel
from napari_sepl.gui.panels.outdated import OutdatedPanel
from napari_sepl.gui.panels.params import ParamsPanel
from napari_sepl.gui.panels.sources import SourcesPanel
from napari_sepl.gui.panels.widgets import line_up

_NOTHING = "no image is open"

_SHORTCUTS_SIZE = 720, 640

_LINES = 3
"""Lines of a mask's text; a fixed number, so that the layout does not move with the cursor."""


class ReviewPanels(QWidget):
    """All panels of one image, as a `View`.

    Attributes
    ----------
    sources, params, classes, diagnosis, compare, correct, masks, prompts, history : QWidget
        The panels.
    panels : dict of str to QCollapsible
        The collapsible panels, by name.
    buttons : dict of str to ActionButton
        Undo, redo, save and accept.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sources = SourcesPanel()
        self.params = ParamsPanel()
        self.classes = ClassPanel()
        self.compare = ComparePanel()
        self.diagnosis = DiagnosisPanel()
        self.outdated = OutdatedPanel()
        self.title = QLabel(_NOTHING)
        self.busy = QElidingLabel()
        self.mask_text = QLabel("")
        self.mask_text.setWordWrap(True)
        self.mask_text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.mask_text.setFixedHeight(_LINES * self.mask_text.fontMetrics().lineSpacing())
        self.sources_box = QCollapsible("Sources")
        self.correct = CorrectPanel()
        self.history = HistoryPanel()
        self.masks = MasksPanel()
        self.prompts = PromptsPanel()
        self.panels = {
            "sources": self.sources_box,
            "correct": QCollapsible("Correct"),
            "masks": QCollapsible("Masks"),
            "history": QCollapsible("History"),
        }
        self.buttons = self.history.buttons | {
            name: ActionButton(name) for name in ("save_copy", "accept")
        }
        self.thresholds, self.queue = ActionButton("masks_and_thresholds"), ActionButton("queue")
        self._lay_out()

    def _lay_out(self) -> None:
        self.title.setObjectName("title")
        self.title.setStyleSheet("font-weight: bold")
        self.sources_box.addWidget(self.sources)
        self.sources_box.expand(animate=False)
        self.setMinimumWidth(WIDTH)
        self.classes.width_changed.connect(self.setMinimumWidth)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(9, 2, 9, 2)
        row = QHBoxLayout()  # one line, so that a short message moves nothing
        row.addWidget(self.title)
        row.addWidget(self.busy, 1)
        outside.addLayout(row)
        outside.addWidget(self.outdated)
        outside.addWidget(self.diagnosis.headline)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        for box in self.panels.values():
            box.layout().setContentsMargins(0, 0, 0, 0)
        for name in ("correct", "masks", "history"):
            self.panels[name].addWidget(getattr(self, name))
            self.panels[name].collapse(animate=False)
        docks = QWidget()
        row = QHBoxLayout(docks)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.thresholds)
        row.addWidget(self.queue)
        for part in (
            self.sources_box, self.params, self.classes, self.diagnosis, self.compare, docks,
            self.panels["correct"], self.panels["masks"], self.panels["history"],
        ):  # fmt: skip
            column.addWidget(part)
        self.panels["masks"].addWidget(self.prompts)
        self.masks.settings.more.toggled.connect(self._fit_masks)
        column.addStretch(1)
        outside.addWidget(_scroll_area(inside))
        outside.addWidget(self.mask_text)  # visible wherever the panels are scrolled to
        parts = [_alone(self.buttons[name]) for name in ("undo", "redo", "accept")]
        self._changing = (
            self.params, self.correct, self.masks, self.prompts, self.history, *parts,
        )  # fmt: skip
        outside.addLayout(line_up(*parts[:2], self.buttons["save_copy"], parts[2]))
        self.busy.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def _fit_masks(self) -> None:
        """Fit the height of the masks panel, which else stays as at its expansion."""
        for part in (self.masks.settings, self.masks):
            part.layout().activate()
        if self.panels["masks"].isExpanded():
            self.panels["masks"].expand(animate=False)

    # --- View

    def show_title(self, text: str) -> None:
        """Show which image is open and whether it is saved."""
        if self.title.text() == _NOTHING:
            self.sources_box.collapse(animate=False)
        self.title.setText(text)

    def show_outdated(self, text: str, refusals: Mapping[InputsChoice, str]) -> None:
        """Show which inputs of the sample changed, and the choices."""
        self.outdated.show_outdated(text, refusals)

    def show_mask(self, text: str) -> None:
        """Show the mask under the cursor."""
        self.mask_text.setText(text)
        self.mask_text.setToolTip(text)

    def show_busy(self, text: str) -> None:
        """Show what is in progress."""
        self.busy.setText(text)
        self.busy.setToolTip(text)
        self.buttons["save_copy"].setEnabled(not text)
        self.buttons["accept"].setEnabled(not text)

    def show_read_only(self, *, on: bool) -> None:
        """Disable the controls that change the image; its button saves a copy all the same."""
        for part in self._changing:
            part.setEnabled(not on)

    def show_panels(self, expanded: Mapping[str, bool]) -> None:
        """Expand and collapse panels, by name."""
        for name, box in self.panels.items():
            if name in expanded and box.isExpanded() != expanded[name]:
                (box.expand if expanded[name] else box.collapse)(animate=False)

    def show_info(self, text: str) -> None:
        """Show a message."""
        show_info(text)

    def show_error(self, text: str) -> None:
        """Show an error message."""
        show_error(text)

    def ask_folder(self, sample_id: str) -> Path | None:
        """Ask for the folder that the labels go to."""
        folder = QFileDialog.getExistingDirectory(self, f"Folder for {sample_id}.png")
        return Path(folder) if folder else None

    def ask_copy_file(self, sample_id: str) -> Path | None:
        """Ask for the PNG file that a copy of the labels goes to."""
        name = f"{Path(sample_id).name}-copy.png"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save a copy", name, "labels (*.png)")
        return Path(chosen).with_suffix(".png") if chosen else None

    def ask_masks_file(self, sample_id: str) -> Path | None:
        """Ask for the JSON file that the masks go to."""
        name = f"{Path(sample_id).name}.json"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save masks", name, "masks (*.json)")
        return Path(chosen) if chosen else None

    def show_shortcuts(self) -> None:
        """Show all keys and mouse gestures, in one box at a time."""
        box = self.findChild(ShortcutsBox) or ShortcutsBox(self)
        box.show()
        box.raise_()

    def ask_class(self, classes: ClassList, current: int) -> int | None:
        """Ask for a class, by its name or number."""
        popup = QuickPick(classes, current, self)
        return popup.chosen if popup.exec() else None

    def confirm(self, question: str) -> bool:
        """Ask a yes-no question."""
        answer = QMessageBox.question(self, "SEPL", question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def confirm_replace(self, path: Path) -> bool:
        """Ask whether a file may be replaced."""
        return self.confirm(f"Replace {path}? It exists and was not written in this window.")


class ShortcutsBox(QDialog):
    """Lists all keys and mouse gestures."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(ACTIONS["shortcuts"].title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(describe_shortcuts())
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(_scroll_area(text))
        column.addWidget(close)
        self.resize(*_SHORTCUTS_SIZE)


def _alone(button: QWidget) -> QWidget:
    """Return a widget around a button, to disable it whatever enables the button itself."""
    around = QWidget()
    line_up(button, parent=around)
    return around


def _scroll_area(inside: QWidget) -> QScrollArea:
    """Return an area that scrolls panels which are higher than the screen."""
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
