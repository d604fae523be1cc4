"""The rule for the background of soft scores: which one, and a slider for its value."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget
from superqt import QLabeledDoubleSlider
from superqt.utils import signals_blocked

from napari_sepl.core.scores import BackgroundRule, Scores

_DECIMALS = 3
_RANGES = {
    BackgroundRule.PLANE: (0.0, 0.999),
    BackgroundRule.EXPONENT: (1.0, 32.0),
    BackgroundRule.OWN: (0.0, 4.0),
}
"""What the slider spans; a value from elsewhere widens it."""

_STEPS = {BackgroundRule.PLANE: 0.01, BackgroundRule.EXPONENT: 0.25, BackgroundRule.OWN: 0.05}
_STARTS = {BackgroundRule.PLANE: 0.25, BackgroundRule.EXPONENT: 4.0, BackgroundRule.OWN: 1.0}
"""The values to start from where a method has another rule of its own."""

_TOLD = {
    BackgroundRule.PLANE: "plane: the background scores this much everywhere",
    BackgroundRule.EXPONENT: "exponent: the background scores 1 − the highest score to this power",
    BackgroundRule.OWN: "own: the background has scores of its own; this is their factor",
}


class BackgroundControl(QWidget):
    """A choice of rules and a slider, shown only for soft scores.

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
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.rules)
        self._scores: Scores | None = None
        self._value: float | None = None
        self.slider.valueChanged.connect(self._on_moved)
        self.rules.currentTextChanged.connect(self._on_chosen)

    @property
    def value(self) -> float | None:
        """The value as it stands; None for the method's own."""
        return self._value

    def show_value(self, value: float | None) -> None:
        """Set the slider without saying so."""
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
        self.setToolTip(f"{_TOLD[rule]}. The method's own value is {own}.")

    def show_scores(self, scores: Scores | None) -> None:
        """Show the rule of an image's scores, or nothing for hard labels."""
        self._scores = scores
        self.rules.setVisible(scores is not None and scores.own is None)
        self.show_value(self._value)

    def _on_moved(self, value: float) -> None:
        self._value = round(value, _DECIMALS)  # as shown, not as the slider counts inside
        self.moved.emit()

    def _on_chosen(self, name: str) -> None:
        rule = BackgroundRule(name)
        own = self._scores is not None and self._scores.rule() is rule
        self.show_value(None if own else _STARTS[rule])
        self.chosen.emit()
