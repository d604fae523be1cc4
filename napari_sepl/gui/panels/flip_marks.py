"""Marks under a slider: where a mask would be taken or refused."""

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPoint
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt import QLabeledDoubleSlider

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
        Where the marks are, 0..1.
    """

    def __init__(self, slider: QLabeledDoubleSlider, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = slider
        self.values = np.zeros(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, _HEIGHT)
        column.setSpacing(0)
        column.addWidget(slider)

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
