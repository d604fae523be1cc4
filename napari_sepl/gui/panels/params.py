"""The parameters: one control for each, with marks at the critical thresholds."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPoint, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget
from superqt import QLabeledDoubleSlider
from superqt.utils import signals_blocked

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.scores import BackgroundRule, Scores
from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.panels.widgets import line_up, stack

_DECIMALS = 3
_RANGES = {
    BackgroundRule.PLANE: (0.0, 0.999),
    BackgroundRule.EXPONENT: (1.0, 32.0),
    BackgroundRule.OWN: (0.0, 4.0),
}
"""Range of the slider; a value outside widens it."""

_STEPS = {BackgroundRule.PLANE: 0.01, BackgroundRule.EXPONENT: 0.25, BackgroundRule.OWN: 0.05}
_STARTS = {BackgroundRule.PLANE: 0.25, BackgroundRule.EXPONENT: 4.0, BackgroundRule.OWN: 1.0}
"""The initial value of each rule that is not the method's own."""

_TIPS = {
    BackgroundRule.PLANE: "plane: the background score is this value at every pixel",
    BackgroundRule.EXPONENT: (
        "exponent: the background score is (1 − highest class score) to the power of this value"
    ),
    BackgroundRule.OWN: "own: the file has background scores; they are multiplied by this value",
}


class BackgroundControl(QWidget):
    """A choice of rules and a slider for the background of CAM scores.

    Attributes
    ----------
    moved : Signal
        The slider moved.
    chosen : Signal
        Another rule was chosen.
    slider : QLabeledDoubleSlider
    rules : QComboBox
    """

    moved = Signal()
    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("background")
        self.slider.setDecimals(_DECIMALS)
        self.rules = QComboBox()
        self.rules.addItems([str(BackgroundRule.PLANE), str(BackgroundRule.EXPONENT)])
        line_up(self.slider, self.rules, parent=self).setStretch(0, 1)
        self._scores: Scores | None = None
        self._value: float | None = None
        self.slider.valueChanged.connect(self._on_moved)
        self.rules.currentTextChanged.connect(self._on_chosen)

    @property
    def value(self) -> float | None:
        """The current value; None for the method's default."""
        return self._value

    def show_value(self, value: float | None) -> None:
        """Set the slider without a signal."""
        self._value = value
        if self._scores is None:
            return
        rule = self._scores.rule(value)
        shown = self._scores.default if value is None else value
        with signals_blocked(self.slider), signals_blocked(self.rules):
            self.rules.setCurrentText(str(rule))
            low, high = _RANGES[rule]
            self.slider.setRange(min(low, shown), max(high, shown))
            self.slider.setSingleStep(_STEPS[rule])
            self.slider.setValue(shown)
        own = f"{self._scores.default:g}"
        self.setToolTip(f"{_TIPS[rule]}. The method's default is {own}.")

    def show_scores(self, scores: Scores | None) -> None:
        """Show the rule of an image's CAM scores, or none for pseudo-labels."""
        self._scores = scores
        self.rules.setVisible(scores is not None and scores.own is None)
        self.show_value(self._value)

    def _on_moved(self, value: float) -> None:
        self._value = round(value, _DECIMALS)  # the value on screen, not the slider's internal one
        self.moved.emit()

    def _on_chosen(self, name: str) -> None:
        rule = BackgroundRule(name)
        own = self._scores is not None and self._scores.rule() is rule
        self.show_value(None if own else _STARTS[rule])
        self.chosen.emit()


_HEIGHT, _HANDLE = 5, 12  # pixels: of the marks, and of the slider's handle as napari draws it
_COLOUR = QColor(180, 190, 210)


class MarkedSlider(QWidget):
    """A slider from 0 to 1 with marks below it.

    Parameters
    ----------
    slider : QLabeledDoubleSlider
        The slider.

    Attributes
    ----------
    values : (M,) float64
        The marks, 0..1.
    """

    def __init__(self, slider: QLabeledDoubleSlider, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = slider
        self.values = np.zeros(0)
        stack(slider, parent=self).setContentsMargins(0, 0, 0, _HEIGHT)

    def show_marks(self, values: NDArray[np.float64]) -> None:
        """Draw other marks."""
        if not np.array_equal(values, self.values):
            self.values = values
            self.update()

    def places(self) -> NDArray[np.int64]:
        """Return (M,) int64: the columns of the marks, in pixels of this widget."""
        groove = self._slider._slider  # noqa: SLF001  # superqt has no public name for it
        left = groove.mapTo(self, QPoint(0, 0)).x() + _HANDLE / 2
        places = left + self.values * (groove.width() - _HANDLE)
        return np.asarray(np.rint(places), np.int64)

    def paintEvent(self, _event: object) -> None:  # noqa: N802
        """Draw the marks."""
        painter = QPainter(self)
        painter.setPen(_COLOUR)
        for x in np.unique(self.places()).tolist():
            painter.drawLine(x, self.height() - _HEIGHT, x, self.height() - 1)
        painter.end()


_STEP = 0.01

_FIELDS = {name: field for name, field in Params.model_fields.items() if name != "background"}
"""The parameters of every image; the background has a control of its own."""

_REST = 600
"""Milliseconds without a move by wheel or keys after which a drag counts as ended."""


class ParamsPanel(QWidget):
    """Sliders and choices made from the fields of Params.

    Attributes
    ----------
    params_changed : Signal(Params, bool)
        The parameters, and whether a slider is still moving.
    drag_ended : Signal
        A slider was released, or rests after wheel or keys.
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
        self.background.chosen.connect(lambda: self._emit(moving=False))
        self.background.slider.sliderReleased.connect(self.drag_ended)
        self.show_scores(None)
        self.defaults = ActionButton("defaults")
        values = ", ".join(f"{name} = {field.default}" for name, field in _FIELDS.items())
        self.defaults.setToolTip(f"Set {values}, and the method's default background")
        self.defaults.clicked.connect(self._set_defaults)
        form.addRow("", self.defaults)

    @property
    def params(self) -> Params:
        """The parameters that the controls show."""
        values = {name: _value(self.controls[name]) for name in _FIELDS}
        return Params.model_validate(values | {"background": self.background.value})

    def show_params(self, params: Params) -> None:
        """Set the controls without a signal."""
        self.background.show_value(params.background)
        for name in _FIELDS:
            control, value = self.controls[name], getattr(params, name)
            with signals_blocked(control):
                if isinstance(control, QComboBox):
                    control.setCurrentText(str(value))
                else:
                    control.setValue(value)

    def show_scores(self, scores: Scores | None) -> None:
        """Show the control of the background for CAM scores, and hide it for pseudo-labels."""
        self.background.show_scores(scores)
        self._form.setRowVisible(self.background, scores is not None)

    def show_critical_thresholds(self, t1: NDArray[np.float64], t2: NDArray[np.float64]) -> None:
        """Mark the thresholds at which masks change between selected and rejected."""
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
        slider.sliderReleased.connect(self.drag_ended)
        return slider

    def _emit(self, *, moving: bool) -> None:
        self.params_changed.emit(self.params, moving)
        if moving:
            self._rest.start()

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
    return round(control.value(), _DECIMALS)  # the value on screen, not the slider's internal one
