"""All settings of SAM's generator: a preset, and a field for each of them."""

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.proposals.models import PRESETS, SamSettings, find_preset

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
