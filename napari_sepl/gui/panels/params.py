"""The settings: one control for each field of Params."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton, QWidget
from superqt import QLabeledDoubleSlider
from superqt.utils import signals_blocked

from napari_sepl.core.params import Params
from napari_sepl.core.scores import Scores
from napari_sepl.gui.panels.background import BackgroundControl
from napari_sepl.gui.panels.flip_marks import MarkedSlider

_STEP = 0.01
_DECIMALS = 3

_FIELDS = {name: field for name, field in Params.model_fields.items() if name != "background"}
"""The settings that count for every image; the background has a control of its own kind."""

_REST = 600
"""Milliseconds after which moves by wheel or keys count as ended."""


class ParamsPanel(QWidget):
    """Sliders and choices made from the fields of Params.

    Attributes
    ----------
    params_changed : Signal(Params, bool)
        The settings, and whether a slider is moving: dragged, or stepped by wheel or keys.
    drag_ended : Signal
        A slider was let go, or rested for a while after wheel or keys.
    """

    params_changed = Signal(object, bool)
    drag_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.controls: dict[str, QLabeledDoubleSlider | QComboBox] = {}
        self.marked: dict[str, MarkedSlider] = {}
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._rested)
        form = self._form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        self.background = BackgroundControl()
        for name, field in _FIELDS.items():
            control = self._control(field.annotation, field.default)
            control.setObjectName(name)
            control.setToolTip(str(field.description))
            self.controls[name] = control
            row = control
            if isinstance(control, QLabeledDoubleSlider):
                row = self.marked[name] = MarkedSlider(control)
            form.addRow(str(field.title), row)
        self.controls["background"] = self.background.slider
        form.addRow(str(Params.model_fields["background"].title), self.background)
        self.background.moved.connect(lambda: self._emit(moving=True))
        self.background.moved.connect(self._rest.start)
        self.background.chosen.connect(lambda: self._emit(moving=False))
        self.background.slider.sliderReleased.connect(self.drag_ended)
        self.show_scores(None)
        self.defaults = QPushButton("The paper's values")
        values = ", ".join(f"{name} = {field.default}" for name, field in _FIELDS.items())
        self.defaults.setToolTip(f"Set {values}, and the background as the method has it")
        self.defaults.clicked.connect(self._set_defaults)
        form.addRow("", self.defaults)

    @property
    def params(self) -> Params:
        """The settings as the controls stand."""
        told = {name: _value(self.controls[name]) for name in _FIELDS}
        return Params.model_validate(told | {"background": self.background.value})

    def show_params(self, params: Params) -> None:
        """Set the controls without saying so."""
        self.background.show_value(params.background)
        for name in _FIELDS:
            control, value = self.controls[name], getattr(params, name)
            with signals_blocked(control):
                if isinstance(control, QComboBox):
                    control.setCurrentText(str(value))
                else:
                    control.setValue(value)

    def show_scores(self, scores: Scores | None) -> None:
        """Show the background's rule for soft scores, and none for hard labels."""
        self.background.show_scores(scores)
        self._form.setRowVisible(self.background, scores is not None)

    def show_flips(self, t1: NDArray[np.float64], t2: NDArray[np.float64]) -> None:
        """Show where masks would be taken or refused by each threshold."""
        self.marked["t1"].show_marks(t1)
        self.marked["t2"].show_marks(t2)

    def _control(self, kind: Any, default: Any) -> QLabeledDoubleSlider | QComboBox:
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            combo = QComboBox()
            combo.addItems([str(choice) for choice in kind])
            combo.currentTextChanged.connect(lambda _: self._emit(moving=False))
            return combo
        slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        slider.setRange(0.0, 1.0)
        slider.setSingleStep(_STEP)
        slider.setDecimals(_DECIMALS)
        slider.setValue(default)
        slider.valueChanged.connect(lambda _: self._emit(moving=True))
        slider.valueChanged.connect(lambda _: self._rest.start())
        slider.sliderReleased.connect(self.drag_ended)
        return slider

    def _emit(self, *, moving: bool) -> None:
        self.params_changed.emit(self.params, moving)

    def _rested(self) -> None:
        sliders = [c for c in self.controls.values() if isinstance(c, QLabeledDoubleSlider)]
        if not any(slider.isSliderDown() for slider in sliders):
            self.drag_ended.emit()

    def _set_defaults(self) -> None:
        self.show_params(Params())
        self._emit(moving=False)


def _value(control: QLabeledDoubleSlider | QComboBox) -> Any:
    if isinstance(control, QComboBox):
        return control.currentText()
    return round(control.value(), _DECIMALS)  # as shown, not as the slider counts inside
