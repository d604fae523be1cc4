"""How masks are generated: model, settings, device; and the buttons of SAM's prompts."""

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
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_sepl.gui.actions import ActionButton, When
from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.gui.panels.widgets import line_up, stack
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
        self.checkpoint = FileEdit(label="weights (optional)", mode="r", nullable=True, value=None)
        self.settings = SamSettingsPanel()
        self.device = ComboBox(label="device", choices=_DEVICES)
        self.guided = CheckBox(label="near pseudo-labels only", value=True)
        self.checkpoint.tooltip = "File with the weights of the model; downloaded if empty"
        self.device.tooltip = "Where the model runs; auto takes a graphics card if there is one"
        self.guided.tooltip = "Generate masks only near the pseudo-labels, which is faster"
        self.note, self.pending_text = QLabel(), QLabel()
        self.bar = QProgressBar()
        self.make, self.cancel = ActionButton("generate_masks"), ActionButton("cancel")
        self.pending, self.save = ActionButton("generate_pending"), ActionButton("save_masks")
        self._under_way = False
        self._activity: progress | None = None
        self._lay_out()
        for option in (self.model, self.checkpoint, self.device):
            option.changed.connect(lambda _: self._show_choice())
        self._show_choice()
        self.show_pending("")
        self.show_making(0, 0, "")

    def _lay_out(self) -> None:
        for text in (self.note, self.pending_text):
            text.setWordWrap(True)
        self.options = Container(
            widgets=[self.model, self.checkpoint, self.device, self.guided], labels=True
        )
        self.options.margins = (0, 0, 0, 0)
        stack(
            self.options.native, self.settings, self.note, self.bar, self.pending_text,
            line_up(self.make, self.pending), line_up(self.cancel, self.save), parent=self,
        )  # fmt: skip

    @property
    def choice(self) -> MaskChoice:
        """The chosen model and settings."""
        weights = self.checkpoint.line_edit.value
        return MaskChoice(
            str(self.model.value),
            Path(weights) if weights else None,
            self.settings.settings,
            str(self.device.value),
            bool(self.guided.value),
        )

    def show_making(self, done: int, total: int, what: str) -> None:
        """Show the progress of mask generation, here and in the activity dock; 0 of 0: none."""
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
        """Show which samples of the dataset have no masks; empty without a dataset."""
        self.pending_text.setText(text)
        self.pending_text.setVisible(bool(text))
        self._enable_pending()

    def _enable_pending(self) -> None:
        self.pending.setEnabled(bool(self.pending_text.text()) and not self._under_way)

    def show_model(self, about: str) -> None:
        """Show which model is loaded, and on which device."""
        self.note.setText(about)

    def _show_choice(self) -> None:
        """Show what the chosen model needs and cannot do."""
        name = str(self.model.value)
        sam = name != REGIONS
        for option in (self.checkpoint, self.device, self.guided):
            option.enabled = sam
        self.settings.setEnabled(sam)
        if not sam:
            note = "Regions of similar colour: needs no weights, but does not recognise objects."
        elif not MODELS[name].is_installed:
            note = "Not installed: pip install 'napari-sepl[sam]'"
        elif self.choice.checkpoint is not None:
            note = ""
        else:
            note = f"Downloads {MODELS[name].size / 1e9:.1f} GB of weights at first use."
        self.note.setText(note)


def _first_choice() -> str:
    """Return the paper's model if it is installed, else the one that needs no weights."""
    return "vit_h" if MODELS["vit_h"].is_installed else REGIONS


_DECIMALS = 3
_MOST = 1_000_000  # for a field without an upper bound
_MORE = "All settings…"


class SamSettingsPanel(QWidget):
    """A preset, and a button that shows the fields to change it.

    Attributes
    ----------
    settings_changed : Signal(SamSettings)
        A preset was chosen, or a field changed.
    preset : QComboBox
        The initial settings.
    more : QPushButton
        Shows and hides the fields; its text has the number of changed ones.
    fields : dict of str to QSpinBox or QDoubleSpinBox
        A field for each setting, by its name.
    """

    settings_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preset = QComboBox()
        for name, preset in PRESETS.items():
            self.preset.addItem(name)
            self.preset.setItemData(self.preset.count() - 1, preset.about, 3)  # the tooltip
        self.more = QPushButton(_MORE)
        self.more.setCheckable(True)
        self.fields = {name: _field(name) for name in SamSettings.model_fields}
        self._form = QWidget()
        self._lay_out()
        self.preset.currentTextChanged.connect(lambda _: self._start_over())
        self.more.toggled.connect(self._form.setVisible)
        self._start_over()

    def _lay_out(self) -> None:
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        for name, field in self.fields.items():
            field.valueChanged.connect(lambda _: self._show_changed())
            form.addRow(str(SamSettings.model_fields[name].title), field)
        self._form.setVisible(False)
        stack(self.preset, self.more, self._form, parent=self)

    @property
    def settings(self) -> SamSettings:
        """The preset with the changed fields; other settings keep digits that fields round."""
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
        """Set the fields to the preset."""
        for name, value in self._preset():
            with signals_blocked(self.fields[name]):
                self.fields[name].setValue(value)
        self._show_changed()

    def _show_changed(self) -> None:
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
_OFF = "Prompts need a SAM model: choose one above."


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
        grid = QGridLayout()
        for number, button in enumerate(self.buttons.values()):
            grid.addWidget(button, number // 2, number % 2)
        stack(grid, self.text, parent=self)
        self.show_prompting(on=False, text="")

    def show_prompting(self, *, on: bool, text: str) -> None:
        """Show whether SAM takes prompts, and what it is doing."""
        self.buttons["prompt"].setChecked(on)
        for button in self.buttons.values():
            if button.action.when in {When.PROMPTING, When.ON_PROMPTS}:
                button.setEnabled(on)
        self.text.setText(text if on else _OFF)
