"""What a sweep found: a heat map over t1 and t2 to click on, and the best pairs by class."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.core.labels.classes import ClassList
from napari_sepl.workflow.measure.sweep import ClassBest, Point

_BACKGROUND = (38, 41, 48)
_PADDING = 0.05
"""Room around the thresholds 0 and 1, a share of the way between them: their cells are seen."""

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class SurfacePanel(QWidget):
    """What each pair of thresholds gives, as colours; the present and the best pair marked.

    Attributes
    ----------
    pair_chosen : Signal(float, float)
        The thresholds t1 and t2 of a cell that was clicked.
    """

    pair_chosen = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = pg.PlotWidget(background=_BACKGROUND)
        self.plot.setLabel("bottom", "t1 (share of mask)")
        self.plot.setLabel("left", "t2 (share of class)")
        self.plot.setMinimumSize(260, 220)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setRange(xRange=(0, 1), yRange=(0, 1), padding=_PADDING)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.image = pg.ImageItem(axisOrder="col-major")
        self.bar = pg.ColorBarItem(colorMap="viridis", interactive=False, width=12)
        self.bar.axis.setScale(100)  # in percent, as the numbers beside it
        self.bar.setImageItem(self.image, insert_in=self.plot.getPlotItem())
        self.present = pg.ScatterPlotItem(symbol="o", size=14, brush=None, pen=_pen(_WHITE))
        self.best = pg.ScatterPlotItem(symbol="star", size=16, brush=_WHITE, pen=_pen(_BLACK))
        for item in (self.image, self.present, self.best):
            self.plot.addItem(item)
        self.text = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        layout.addWidget(self.text)
        self._t1 = self._t2 = np.zeros(0)
        self._shares = np.zeros((0, 0))
        scene = self.plot.scene()
        scene.sigMouseMoved.connect(self._on_move)
        scene.sigMouseClicked.connect(self._on_click)

    def show_surface(
        self,
        t1: NDArray[np.float64],
        t2: NDArray[np.float64],
        shares: NDArray[np.float64],
        best: Point | None,
    ) -> None:
        """Draw a surface.

        Parameters
        ----------
        t1, t2 : (A,) and (B,) float64
            Thresholds at equal distances, ascending.
        shares : (A, B) float64
            Shares in 0..1 or differences of them; NaN is left clear.
        best : Point, optional
            The pair that is marked with a star.
        """
        self._t1, self._t2, self._shares = t1, t2, shares
        self.image.setImage(shares.astype(np.float32), autoLevels=False)
        self.image.setRect(_cells(t1, t2))
        self.bar.setLevels(_levels(shares))
        self.best.setData(*(([best.t1], [best.t2]) if best is not None else ([], [])))

    def clear(self) -> None:
        """Draw no surface: there is none yet, and none to click on."""
        self._shares = np.zeros((0, 0))
        self.image.clear()
        self.best.setData([], [])
        self.text.setText("")

    def show_pair(self, t1: float, t2: float) -> None:
        """Mark the thresholds as they are now."""
        self.present.setData([t1], [t2])

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return which cell is at a point of the scene; None beside the surface."""
        view = self.plot.getViewBox()
        if not self._shares.size or not view.sceneBoundingRect().contains(point):
            return None
        at = view.mapSceneToView(point)
        row, col = (
            int(np.abs(grid - value).argmin())
            for grid, value in ((self._t1, at.x()), (self._t2, at.y()))
        )
        return row, col

    def _on_move(self, point: QPointF) -> None:
        cell = self.cell_at(point)
        if cell is None:
            self.text.setText("")
            return
        share = self._shares[cell]
        told = "—" if np.isnan(share) else f"{100 * share:.2f} %"
        self.text.setText(f"t1 {self._t1[cell[0]]:.4g}, t2 {self._t2[cell[1]]:.4g}: {told}")

    def _on_click(self, event: Any) -> None:
        cell = self.cell_at(event.scenePos())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.pair_chosen.emit(float(self._t1[cell[0]]), float(self._t2[cell[1]]))


def _cells(t1: NDArray[np.float64], t2: NDArray[np.float64]) -> QRectF:
    """Return the rectangle whose equal cells have the thresholds in their middle."""
    wide, high = (float(grid[-1] - grid[0]) / max(1, len(grid) - 1) for grid in (t1, t2))
    left, bottom = float(t1[0]) - wide / 2, float(t2[0]) - high / 2
    return QRectF(left, bottom, wide * len(t1), high * len(t2))


def _levels(shares: NDArray[np.float64]) -> tuple[float, float]:
    known = shares[~np.isnan(shares)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.005, high + 0.005)


def _pen(colour: tuple[int, int, int]) -> Any:
    return pg.mkPen(*colour, width=2)


_HEADERS = ("class", "t1", "t2", "IoU", "Δ to the paper's")


class BestPairs(QTableWidget):
    """A line for each class; none without truth.

    Attributes
    ----------
    class_chosen : Signal(int)
        The class of a line that was chosen.
    """

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADERS), parent)
        self.setHorizontalHeaderLabels(_HEADERS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(20)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._class_ids: list[int] = []
        self.cellClicked.connect(lambda row, _: self.class_chosen.emit(self._class_ids[row]))

    def show_rows(self, rows: Sequence[ClassBest], classes: ClassList) -> None:
        """Show what fits each class."""
        self._class_ids = [row.class_id for row in rows]
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            best = row.best
            gain = 100 * (best.iou - row.default)
            texts = (
                classes.name(row.class_id), f"{best.t1:.4g}", f"{best.t2:.4g}",
                f"{100 * best.iou:.2f}", "" if math.isnan(gain) else f"{gain:+.2f}",
            )  # fmt: skip
            for column, text in enumerate(texts):
                self.setItem(line, column, _item(text, to_the_right=column > 0))


def _item(text: str, *, to_the_right: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    if to_the_right:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
