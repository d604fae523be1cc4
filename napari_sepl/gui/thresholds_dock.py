"""The dock with the threshold plane and the table of masks."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.explain import MaskRows, list_masks
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.panels.mask_table import MaskTable

_SMALLEST, _LARGEST = 6.0, 34.0  # diameters of dots, in pixels of the screen
_GREY = (150, 150, 150)
_LINE = {"color": (240, 240, 240), "width": 2}
_HOVERED = {"color": (255, 220, 40), "width": 4}
_DECIMALS = 3


class PlanePanel(QWidget):
    """Dots for masks: size by area, colour by class, filled if selected.

    Attributes
    ----------
    dragged : Signal(str, float)
        A line was moved: "t1" or "t2", and where to.
    drag_ended : Signal
        The line was released.
    mask_chosen : Signal(int)
        The cursor is over a mask's dot.
    """

    dragged = Signal(str, float)
    drag_ended = Signal()
    mask_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = pg.PlotWidget(background=(38, 41, 48))
        self.plot.setLabel("bottom", "o_s: share of the mask inside the class")
        self.plot.setLabel("left", "o_p: share of the class inside the mask")
        room = 0.06  # so that dots at 0 and 1 are seen whole
        self.plot.setRange(xRange=(0, 1), yRange=(0, 1), padding=room)
        self.plot.setMinimumSize(220, 200)
        self.dots = pg.ScatterPlotItem(hoverable=True, pxMode=True)
        self.dots.sigHovered.connect(self._on_hover)
        self.ring = pg.ScatterPlotItem(pen=pg.mkPen(255, 255, 255, width=3), brush=None)
        self.lines = {
            name: pg.InfiniteLine(
                angle=angle, movable=True, bounds=(0, 1), pen=_LINE, hoverPen=_HOVERED,
                label=name, labelOpts={"position": 0.95, "color": (240, 240, 240)},
            )
            for name, angle in (("t1", 90), ("t2", 0))
        }  # fmt: skip
        for item in (self.dots, self.ring, *self.lines.values()):
            self.plot.addItem(item)
        for name, line in self.lines.items():
            line.sigDragged.connect(lambda at, name=name: self._on_drag(name, at))
            line.sigPositionChangeFinished.connect(self.drag_ended)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._rows: MaskRows | None = None
        self._sizes = np.zeros(0)

    def show_rows(self, rows: MaskRows, classes: ClassList) -> None:
        """Show the masks of an image as they are now."""
        self._rows, self._sizes = rows, _sizes(rows.areas)
        palette = classes.palette()
        class_ids = rows.assignment.class_ids
        colours = np.where((class_ids > 0)[:, None], palette[class_ids], _GREY)
        order = np.argsort(-rows.areas, kind="stable")  # small ones on top
        selected = rows.assignment.selected
        self.dots.setData(
            x=rows.o_s[order], y=rows.o_p[order], size=self._sizes[order], data=order,
            pen=[pg.mkPen(*map(int, c), width=2) for c in colours[order]],
            brush=[pg.mkBrush(*map(int, c), 200 if t else 0)
                   for c, t in zip(colours[order], selected[order], strict=True)],
        )  # fmt: skip

    def show_params(self, params: Params) -> None:
        """Draw the thresholds as lines, for strategies in which they are borders."""
        for name, line in self.lines.items():
            line.setVisible(params.strategy.method.borders is not None)
            if line.value() != getattr(params, name):
                line.setValue(getattr(params, name))

    def show_mask(self, mask_index: int | None) -> None:
        """Draw a ring around a mask's dot, or around none."""
        rows = self._rows
        if rows is None or mask_index is None or not 0 <= mask_index < len(rows):
            self.ring.setData([], [])
            return
        at = [rows.o_s[mask_index]], [rows.o_p[mask_index]]
        self.ring.setData(*at, size=self._sizes[mask_index] + 8)

    def _on_drag(self, name: str, line: pg.InfiniteLine) -> None:
        self.dragged.emit(name, round(float(line.value()), _DECIMALS))

    def _on_hover(self, _item: object, spots: NDArray[np.object_], event: object) -> None:  # noqa: ARG002
        if len(spots):
            self.mask_chosen.emit(int(spots[-1].data()))


def _sizes(areas: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (N,) diameters, by the root of the area."""
    largest = max(1, int(areas.max(initial=1)))
    return _SMALLEST + (_LARGEST - _SMALLEST) * np.sqrt(areas / largest)


TITLE = "Masks and thresholds (SEPL)"


class ThresholdsDock(QWidget):
    """Follows the controller's document; its lines move the sliders, and back.

    Parameters
    ----------
    controller : Controller
        Has the document, the view and the pointing at masks.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._context = controller.context
        self.plane, self.table = PlanePanel(), MaskTable()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.plane)
        split.addWidget(self.table)
        split.setSizes([300, 600])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(split)
        self.plane.dragged.connect(
            lambda name, value: controller.set_thresholds(dragging=True, **{name: value})
        )
        self.plane.drag_ended.connect(controller.end_drag)
        for panel in (self.plane, self.table):
            panel.mask_chosen.connect(controller.pointing.point_at)
        self.table.select_pressed.connect(lambda mask: self._decide(mask, self._context.class_id))
        self.table.reject_pressed.connect(lambda mask: self._decide(mask, REJECT))
        controller.showing.followed.connect(self.follow)
        controller.pointing.pointed.connect(self.show_region)
        self.follow()

    def follow(self) -> None:
        """Show the masks of the image that is open as they are now."""
        document = self._context.document
        if document is None or not self.isVisible():
            return
        rows = list_masks(document.inputs, document.resolved)
        classes = document.inputs.classes
        self.plane.show_params(document.params)
        self.plane.show_rows(rows, classes)
        self.table.show_rows(rows, classes)
        self.show_region(self._controller.pointing.region)

    def show_region(self, region: int | None) -> None:
        """Mark the mask under the cursor; pseudo-labels have no dot and no row."""
        mask_index = region if region is not None and region >= 0 else None
        self.plane.show_mask(mask_index)
        self.table.show_mask(mask_index)

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Show what changed while the dock was hidden."""
        super().showEvent(event)
        self.follow()

    def _decide(self, mask_index: int, class_id: int) -> None:
        self._controller.pointing.point_at(mask_index)
        self._controller.pointing.decide(class_id)
