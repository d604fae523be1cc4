"""Making masks: which model, with what, and where they go."""

from pathlib import Path

from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit
from napari.utils import progress
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.gui.panels.sam_settings import SamSettingsPanel
from napari_sepl.proposals.device import AUTO
from napari_sepl.proposals.models import MODELS, REGIONS, model_names

_DEVICES = (AUTO, "cuda", "mps", "cpu")


class MasksPanel(QWidget):
    """The model, its settings, and the buttons.

    Attributes
    ----------
    make_pressed, pending_pressed : Signal(MaskChoice)
        Make masks of what is open, or of all pending samples.
    cancel_pressed, save_pressed : Signal()
    """

    make_pressed = Signal(object)
    pending_pressed = Signal(object)
    cancel_pressed = Signal()
    save_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ComboBox(label="model", choices=model_names(), value=_first_choice())
        self.checkpoint = FileEdit(label="own weights", mode="r", nullable=True, value=None)
        self.settings = SamSettingsPanel()
        self.device = ComboBox(label="device", choices=_DEVICES)
        self.guided = CheckBox(label="near pseudo-labels only", value=True)
        self.note = QLabel("")
        self.note.setWordWrap(True)
        self.bar = QProgressBar()
        self.make, self.cancel = QPushButton("Make masks"), QPushButton("Cancel")
        self.pending, self.save = QPushButton("Make for all pending"), QPushButton("Save masks…")
        self.pending_text = QLabel("")
        self.pending_text.setWordWrap(True)
        self._under_way = False
        self._activity: progress | None = None
        self._lay_out()
        for option in (self.model, self.checkpoint, self.device):
            option.changed.connect(lambda _: self._show_choice())
        self.make.clicked.connect(lambda: self.make_pressed.emit(self.choice))
        self.pending.clicked.connect(lambda: self.pending_pressed.emit(self.choice))
        self.cancel.clicked.connect(lambda _: self.cancel_pressed.emit())
        self.save.clicked.connect(lambda _: self.save_pressed.emit())
        self._show_choice()
        self.show_pending("")
        self.show_making(0, 0, "")

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.options = Container(
            widgets=[self.model, self.checkpoint, self.device, self.guided], labels=True
        )
        self.options.margins = (0, 0, 0, 0)
        column.addWidget(self.options.native)
        column.addWidget(self.settings)
        column.addWidget(self.note)
        column.addWidget(self.bar)
        column.addWidget(self.pending_text)
        for buttons in ((self.make, self.pending), (self.cancel, self.save)):
            row = QHBoxLayout()
            for button in buttons:
                row.addWidget(button)
            column.addLayout(row)

    @property
    def choice(self) -> MaskChoice:
        """What is chosen now."""
        weights = self.checkpoint.line_edit.value
        return MaskChoice(
            str(self.model.value),
            Path(weights) if weights else None,
            self.settings.settings,
            str(self.device.value),
            bool(self.guided.value),
        )

    def show_making(self, done: int, total: int, what: str) -> None:
        """Show how far the making of masks has come, here and in napari's activity dock.

        0 of 0 when it is over.
        """
        under_way = self._under_way = total > 0
        self.bar.setVisible(under_way)
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self.bar.setFormat(f"{what}: %p %")
        self.make.setEnabled(not under_way)
        self.cancel.setEnabled(under_way)
        self._enable_pending()
        self._show_activity(done, total, what)

    def _show_activity(self, done: int, total: int, what: str) -> None:
        activity = self._activity
        if activity is not None and (activity.total != total or activity.desc != what):
            activity.close()
            activity = None
        if activity is None and total > 0:
            activity = progress(total=total, desc=what)
        if activity is not None:
            activity.update(done - activity.n)
        self._activity = activity

    def show_pending(self, text: str) -> None:
        """Show which samples of the dataset wait for masks; empty without a dataset."""
        self.pending_text.setText(text)
        self.pending_text.setVisible(bool(text))
        self._enable_pending()

    def _enable_pending(self) -> None:
        self.pending.setEnabled(bool(self.pending_text.text()) and not self._under_way)

    def show_model(self, about: str) -> None:
        """Show which model is loaded, and where it computes."""
        self.note.setText(about)

    def _show_choice(self) -> None:
        """Say of the model what the user should know before pressing the button."""
        name = str(self.model.value)
        sam = name != REGIONS
        for option in (self.checkpoint, self.device, self.guided):
            option.enabled = sam
        self.settings.setEnabled(sam)
        if not sam:
            told = "Regions of like colour, without weights. They know nothing of objects."
        elif not MODELS[name].is_installed:
            told = "Not installed: pip install 'napari-sepl[sam]'"
        elif self.choice.checkpoint is not None:
            told = ""
        else:
            told = f"Weights of {MODELS[name].size / 1e9:.1f} GB are fetched at first use."
        self.note.setText(told)


def _first_choice() -> str:
    """Return the paper's model where it is installed, else what works at once."""
    return "vit_h" if MODELS["vit_h"].is_installed else REGIONS
