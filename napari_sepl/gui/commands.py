"""The commands, readers and writers in napari's manifest."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog

from napari_sepl.core.algorithm.paint import as_labels
from napari_sepl.core.errors import SeplError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.specification import looks_like_dataset, read_dataset
from napari_sepl.files.label_png import write_label_png
from napari_sepl.files.masks import looks_like_masks, read_masks
from napari_sepl.gui.panels.sources import MASKS_KEY

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_sepl.gui.widget import SeplWidget


_DOCK = "Enhance pseudo-labels (SEPL)"


def widget_of(viewer: "Viewer") -> "SeplWidget":
    """Return the SEPL widget docked in a viewer, docking one if there is none."""
    from napari_sepl.gui.widget import SeplWidget  # noqa: PLC0415  # readers do without it

    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, SeplWidget):
            return widget
    widget = SeplWidget(viewer)
    viewer.window.add_dock_widget(widget, name=_DOCK, area="right")
    return widget


def widget_of_current_viewer() -> "SeplWidget":
    """Return the SEPL widget of the current viewer."""
    viewer = napari.current_viewer() or napari.Viewer()
    return widget_of(viewer)


def open_review(viewer: "napari.Viewer") -> None:
    """Dock the widget, and offer the viewer's layers as its sources."""
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
    queue = widget_of(viewer).docks.queue
    if queue is None or queue.reviewing is None:
        show_error("Open a dataset to export it.")
        return
    queue.export()


def show_shortcuts(viewer: "napari.Viewer") -> None:
    """Show all keys and mouse gestures."""
    widget_of(viewer).show_shortcuts()


def save_selected_labels(viewer: "napari.Viewer") -> None:
    """Ask for a file and write the selected labels layer to it as a VOC palette PNG."""
    layer = viewer.layers.selection.active
    if not isinstance(layer, Labels):
        show_error("Select a labels layer to save it.")
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


LayerTuple = tuple[Any, dict[str, Any], str]


def get_mask_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerTuple]] | None:
    """Return a reader for COCO RLE JSON files and folders that amg.py wrote, else None."""
    paths = [path] if isinstance(path, str) else path
    return _read if all(looks_like_masks(Path(p)) for p in paths) else None


def get_dataset_reader(path: str | list[str]) -> Callable[[str | list[str]], list[Any]] | None:
    """Return a reader that opens a dataset's TOML file in the queue, else None."""
    if not isinstance(path, str) or not looks_like_dataset(Path(path)):
        return None
    return _open_dataset


def _open_dataset(path: str | list[str]) -> list[Any]:
    """Open the dataset, which adds its own layers."""
    widget = widget_of_current_viewer()
    widget.open_dataset(read_dataset(Path(str(path))))
    return [(None,)]


def _read(path: str | list[str]) -> list[LayerTuple]:
    return [_layer(Path(p)) for p in ([path] if isinstance(path, str) else path)]


def _layer(path: Path) -> LayerTuple:
    """Return masks as one labels layer, smallest on top, with all masks in its metadata."""
    masks = read_masks(path)
    shown = {
        "name": f"{path.stem} masks",
        "metadata": {MASKS_KEY: masks},
        "features": {
            "index": range(len(masks) + 1),
            "area": [0, *masks.areas.tolist()],
            "predicted_iou": [float("nan"), *masks.scores.predicted_iou.tolist()],
            "stability_score": [float("nan"), *masks.scores.stability_score.tolist()],
        },
    }
    return masks.topmost(), shown, "labels"


def write_voc_png(path: str, data: Any, meta: dict[str, Any]) -> list[str]:  # noqa: ARG001
    """Write labels 0..255 as a palette PNG in the VOC colours, index = label."""
    write_label_png(Path(path), as_labels(data, "labels layer"), VOC, None)
    return [path]
