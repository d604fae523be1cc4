"""What the entries of napari's menus do."""

from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog

from napari_sepl.core.errors import SeplError
from napari_sepl.files.dataset.specification import read_dataset
from napari_sepl.gui import keys_box
from napari_sepl.gui.writers import write_voc_png

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_sepl.gui.widget import SeplWidget

_DOCK = "Enhance pseudo-labels (SEPL)"


def widget_of(viewer: "Viewer") -> "SeplWidget":
    """Return the SEPL widget docked in a viewer, docking one if there is none."""
    from napari_sepl.gui.widget import SeplWidget  # noqa: PLC0415  # it imports this package's menus

    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, SeplWidget):
            return widget
    widget = SeplWidget(viewer)
    viewer.window.add_dock_widget(widget, name=_DOCK, area="right")
    return widget


def widget_of_current_viewer() -> "SeplWidget":
    """Return the SEPL widget of the viewer in front."""
    viewer = napari.current_viewer() or napari.Viewer()
    return widget_of(viewer)


def open_review(viewer: "napari.Viewer") -> None:
    """Dock the widget, with the layers at hand as its sources."""
    widget = widget_of(viewer)
    widget.sources.setCurrentIndex(1)


def open_dataset(viewer: "napari.Viewer") -> None:
    """Ask for a dataset's TOML file and open it in the queue."""
    path, _ = QFileDialog.getOpenFileName(None, "Open dataset", "", "Dataset (*.toml)")
    if not path:
        return
    try:
        widget_of(viewer).open_dataset(read_dataset(Path(path)))
    except SeplError as error:
        show_error(str(error))


def export_dataset(viewer: "napari.Viewer") -> None:
    """Show the dialog that exports the dataset in the queue."""
    queue = widget_of(viewer).gestures.queue
    if queue is None or queue.reviewing is None:
        show_error("Open the dataset that is to be exported.")
        return
    queue.export()


def show_keys(viewer: "napari.Viewer") -> None:
    """Show which key does what."""
    keys_box.show_keys(widget_of(viewer))


def save_selected_labels(viewer: "napari.Viewer") -> None:
    """Ask for a file and write the selected labels layer to it as a VOC palette PNG."""
    layer = viewer.layers.selection.active
    if not isinstance(layer, Labels):
        show_error("Select the labels layer that is to be saved.")
        return
    path, _ = QFileDialog.getSaveFileName(
        None, "Save labels as", f"{layer.name}.png", "PNG (*.png)"
    )
    if not path:
        return
    try:
        written = write_voc_png(str(Path(path).with_suffix(".png")), np.asarray(layer.data), {})
    except SeplError as error:
        show_error(str(error))
    else:
        show_info(f"Saved: {written[0]}")
