"""Why masks were taken: the threshold plane and the table of masks, side by side."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QSplitter, QWidget

from napari_sepl.document.explain import list_masks
from napari_sepl.gui.panels.mask_table import MaskTable
from napari_sepl.gui.panels.plane import PlanePanel

if TYPE_CHECKING:
    from napari_sepl.gui.controller import Controller

TITLE = "Why masks were taken (SEPL)"


class WhyDock(QWidget):
    """Follows the controller's document; its lines move the sliders, and back.

    Parameters
    ----------
    controller : Controller
        Has the document, the view and the pointing at masks.
    """

    def __init__(self, controller: "Controller", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.plane, self.table = PlanePanel(), MaskTable()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.plane)
        split.addWidget(self.table)
        split.setSizes([300, 600])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(split)
        self.plane.dragged.connect(self._on_drag)
        self.plane.drag_ended.connect(controller.end_drag)
        for panel in (self.plane, self.table):
            panel.mask_chosen.connect(controller.pointing.name)
        self.table.take_pressed.connect(lambda mask: self._decide(mask, take=True))
        self.table.refuse_pressed.connect(lambda mask: self._decide(mask, take=False))
        controller.showing.followed.connect(self.follow)
        controller.pointing.pointed.connect(self.show_region)
        self.follow()

    def follow(self) -> None:
        """Show the masks of the image that is open as they are now."""
        document = self._controller.document
        if document is None or not self.isVisible():
            return
        rows = list_masks(document.inputs, document.resolved)
        classes = document.inputs.classes
        self.plane.show_params(document.params)
        self.plane.show_rows(rows, classes)
        self.table.show_rows(rows, classes)
        self.show_region(self._controller.pointing.region)

    def show_region(self, region: int | None) -> None:
        """Show which mask is pointed at; pseudo-labels have no dot and no row."""
        mask_index = region if region is not None and region >= 0 else None
        self.plane.show_mask(mask_index)
        self.table.show_mask(mask_index)

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Catch up with what happened while the panel was hidden."""
        super().showEvent(event)
        self.follow()

    def _on_drag(self, name: str, value: float) -> None:
        document = self._controller.document
        if document is not None:
            params = document.params.model_copy(update={name: value})
            self._controller.set_params(params, dragging=True)
            self._controller.view.show_params(params)

    def _decide(self, mask_index: int, *, take: bool) -> None:
        pointing = self._controller.pointing
        pointing.name(mask_index)
        (pointing.take if take else pointing.refuse)()
