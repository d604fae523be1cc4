"""Masks: which model makes them, with what, where they go; and SAM's prompts."""

from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit
from napari.utils import progress
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.gui.actions import ActionButton, When
from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.proposals.device import AUTO
from napari_sepl.proposals.models import (
    MODELS,
    PRESETS,
    REGIONS,
    SamSettings,
    find_preset,
    model_names,
)

_DEVICES = (AUTO, "cuda", "mps", "cpu")


class MasksPanel(QWidget):
    """The model, its settings, and the buttons."""

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
        self.make, self.cancel = ActionButton("generate_masks"), ActionButton("cancel")
        self.pending, self.save = ActionButton("generate_pending"), ActionButton("save_masks")
        self.pending_text = QLabel("")
        self.pending_text.setWordWrap(True)
        self._under_way = False
        self._activity: progress | None = None
        self._lay_out()
        for option in (self.model, self.checkpoint, self.device):
            option.changed.connect(lambda _: self._show_choice())
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


_DECIMALS = 3
_MOST = 1_000_000  # of a field without an upper bound
_MORE = "All settings…"


class SamSettingsPanel(QWidget):
    """A preset, and behind a button the fields that may differ from it.

    Attributes
    ----------
    settings_changed : Signal(SamSettings)
        A preset was chosen, or a field changed.
    preset : QComboBox
        The settings to start from.
    more : QPushButton
        Shows the fields and hides them; tells how many differ from the preset.
    fields : dict of str to QSpinBox or QDoubleSpinBox
        A field for each setting, by its name.
    """

    settings_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preset = QComboBox()
        for name, preset in PRESETS.items():
            self.preset.addItem(name)
            self.preset.setItemData(self.preset.count() - 1, preset.about, 3)  # its tool tip
        self.more = QPushButton(_MORE)
        self.more.setCheckable(True)
        self.fields = {name: _field(name) for name in SamSettings.model_fields}
        self._form = QWidget()
        self._lay_out()
        self.preset.currentTextChanged.connect(lambda _: self._start_over())
        self.more.toggled.connect(self._form.setVisible)
        self._start_over()

    def _lay_out(self) -> None:
        column, form = QVBoxLayout(self), QFormLayout(self._form)
        for layout in (column, form):
            layout.setContentsMargins(0, 0, 0, 0)
        for name, field in self.fields.items():
            field.valueChanged.connect(lambda _: self._tell())
            form.addRow(str(SamSettings.model_fields[name].title), field)
        self._form.setVisible(False)
        for part in (self.preset, self.more, self._form):
            column.addWidget(part)

    @property
    def settings(self) -> SamSettings:
        """The preset with what was changed; what was not is exact, also where fields round."""
        return self._preset().model_copy(update=self._changed())

    def _preset(self) -> SamSettings:
        return find_preset(self.preset.currentText()).settings

    def _changed(self) -> dict[str, Any]:
        preset = self._preset()
        return {
            name: field.value()
            for name, field in self.fields.items()
            if field.value() != round(getattr(preset, name), _DECIMALS)
        }

    def _start_over(self) -> None:
        """Set the fields as the preset has them."""
        for name, value in self._preset():
            self.fields[name].blockSignals(True)
            self.fields[name].setValue(value)
            self.fields[name].blockSignals(False)
        self._tell()

    def _tell(self) -> None:
        count = len(self._changed())
        self.more.setText(f"{_MORE} ({count} changed)" if count else _MORE)
        self.settings_changed.emit(self.settings)


def _field(name: str) -> QSpinBox | QDoubleSpinBox:
    """Return a field with the bounds of a setting."""
    setting = SamSettings.model_fields[name]
    bounds: dict[str, Any] = {}
    for bound in setting.metadata:
        bounds |= {key: getattr(bound, key) for key in ("ge", "le", "lt") if hasattr(bound, key)}
    field = QSpinBox() if setting.annotation is int else QDoubleSpinBox()
    step = 1.0 if setting.annotation is int else 10.0**-_DECIMALS
    if isinstance(field, QDoubleSpinBox):
        field.setDecimals(_DECIMALS)
        field.setSingleStep(0.01)
    highest = bounds["lt"] - step if "lt" in bounds else bounds.get("le", _MOST)
    field.setRange(bounds["ge"], highest)
    field.setToolTip(str(setting.description))
    return field


_BUTTONS = ("prompt", "refine", "add_mask", "remove_prompts")
_OFF = "Prompts need one of SAM's models, chosen above."


class PromptsPanel(QWidget):
    """The buttons, and a line of text.

    Attributes
    ----------
    buttons : dict of str to ActionButton
        The buttons.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {name: ActionButton(name) for name in _BUTTONS}
        self.buttons["prompt"].setCheckable(True)
        self.text = QLabel("")
        self.text.setWordWrap(True)
        column, grid = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for number, button in enumerate(self.buttons.values()):
            grid.addWidget(button, number // 2, number % 2)
        column.addLayout(grid)
        column.addWidget(self.text)
        self.show_prompting(on=False, text="")

    def show_prompting(self, *, on: bool, text: str) -> None:
        """Show whether prompts are taken, and what SAM is at."""
        self.buttons["prompt"].setChecked(on)
        for button in self.buttons.values():
            if button.action.when in {When.PROMPTING, When.ON_PROMPTS}:
                button.setEnabled(on)
        self.text.setText(text if on else _OFF)
