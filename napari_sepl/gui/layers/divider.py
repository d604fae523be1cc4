"""The divider of the swipe, at which two layers are clipped."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget
from vispy.visuals.filters.clipping_planes import PlanesClipper

from napari_sepl.gui.comparing import Comparing
from napari_sepl.gui.layers.layers import ReviewLayers

if TYPE_CHECKING:
    from napari.viewer import Viewer

_WIDTH = 15
"""Width in canvas pixels in which the mouse grabs the divider; odd, for a middle."""

_LINE = 2
_LIGHT, _DARK = QColor(255, 255, 255), QColor(0, 0, 0, 160)


class Divider(QWidget):
    """Lies on the canvas of one viewer while the swipe is on; the mouse drags it.

    It is a widget, so that a drag on it moves neither the brush nor the camera. The graphics card
    clips the labels when it draws them, so no layer is written, and slider moves take no longer.

    Parameters
    ----------
    viewer : Viewer
        Whose canvas it lies on.
    layers : ReviewLayers
        Has the two layers that are clipped.
    comparing : Comparing
        Has the swipe.
    """

    def __init__(self, viewer: "Viewer", layers: ReviewLayers, comparing: Comparing) -> None:
        whole = getattr(viewer, "__wrapped__", viewer)  # napari wraps the viewer for plugins
        self._canvas: Any = whole.window._qt_viewer.canvas  # noqa: SLF001  # no public way
        super().__init__(self._canvas.native)
        self._viewer = viewer
        self._layers, self._comparing = layers, comparing
        self._cut: dict[Any, PlanesClipper] = {}
        self._held_at = 0.0
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.hide()
        self._comparing.changed.connect(self.follow)
        self._canvas._scene_canvas.events.draw.connect(self._on_draw, position="last")  # noqa: SLF001

    def follow(self) -> None:
        """Clip the layers at the current divider, and move the line there."""
        nodes = self._wanted()
        for node in [node for node in self._cut if node not in nodes]:
            node.detach(self._cut.pop(node))
            node.update()
        for node, side in nodes.items():
            if node not in self._cut:
                self._cut[node] = PlanesClipper(coord_system="visual")
                node.attach(self._cut[node])
            # The visible side of the plane: (point, normal) in (x, y, z).
            plane = ((self._comparing.divider, 0, 0), (side, 0, 0))
            self._cut[node].clipping_planes = np.array([plane], np.float32)
            node.update()
        self._place()

    def _wanted(self) -> dict[Any, int]:
        """Return the visual of each layer, and which side of the divider it shows."""
        if not self._comparing.swiping or self._viewer.dims.ndisplay != 2:
            return {}
        sides: list[tuple[Labels, int]] = [(self._layers.pseudo, -1), (self._layers.enhanced, 1)]
        visuals = self._canvas.layer_to_visual
        return {visuals[layer].node: side for layer, side in sides if layer in visuals}

    def _on_draw(self, _: object) -> None:
        """Follow the camera, and layers that were removed and added again."""
        if self._comparing.swiping or self._cut:
            if self._wanted().keys() != self._cut.keys():
                self.follow()
            else:
                self._place()

    # --- the line

    def _place(self) -> None:
        """Move the line to the divider, or to the edge of the canvas beyond which it lies."""
        if not self._cut:
            self.hide()
            return
        column = self._layers.enhanced.data_to_world((0, self._comparing.divider - 0.5))[-1]
        x = float(self._canvas.view.scene.transform.map([column, 0, 0, 1])[0])
        size = self._canvas.native.size()
        left = round(min(max(x, 0.0), size.width() - 1.0)) - _WIDTH // 2
        if (self.x(), self.y(), self.height()) != (left, 0, size.height()):
            self.setGeometry(left, 0, _WIDTH, size.height())
        self.show()

    def paintEvent(self, _: QPaintEvent | None) -> None:  # noqa: N802
        """Draw a light line with dark edges, and a grip in its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = _WIDTH // 2
        painter.fillRect(middle - _LINE, 0, 2 * _LINE + 1, self.height(), _DARK)
        painter.fillRect(middle - _LINE // 2, 0, _LINE + 1, self.height(), _LIGHT)
        painter.setPen(QPen(_DARK, 1))
        painter.setBrush(_LIGHT)
        radius = middle - 0.5
        painter.drawEllipse(QPointF(middle + 0.5, self.height() / 2), radius, radius)
        painter.end()

    # --- the mouse

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Grab the divider."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held_at = event.position().x() - _WIDTH // 2

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Move the divider with the mouse."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            x = self.mapToParent(event.position()).x() - self._held_at
            column = float(self._canvas.view.scene.transform.imap([x, 0, 0, 1])[0])
            world = [0.0] * (self._viewer.dims.ndim - 1) + [column]
            self._comparing.move_divider(self._layers.enhanced.world_to_data(world)[-1] + 0.5)
