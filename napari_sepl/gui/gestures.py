"""Mouse and keys of one viewer, turned into calls of its controller."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from qtpy.QtCore import Qt

from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.keys import bind_keys
from napari_sepl.gui.queue_dock import TITLE, QueueDock
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background

if TYPE_CHECKING:
    from napari.viewer import Viewer


_QUEUE_HEIGHT = 520


class Gestures:
    """Listens to one viewer, for as long as the viewer lives.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer; its callback lists keep this object alive.
    controller : Controller
        Told of everything.
    background : Background
        Where slow work runs.
    """

    def __init__(self, viewer: "Viewer", controller: Controller, background: Background) -> None:
        self.viewer = viewer
        self.controller = controller
        self.background = background
        self.queue: QueueDock | None = None
        viewer.mouse_move_callbacks.append(self._on_mouse_move)
        viewer.mouse_drag_callbacks.append(self._on_mouse_drag)
        viewer.events.status.connect(self._on_status)
        controller.layers.enhanced.events.paint.connect(controller.stroke_ended)
        for target in (viewer, *controller.layers.label_layers):
            bind_keys(target, controller)

    def open_dataset(self, spec: DatasetSpec, view: View) -> None:
        """Open a dataset in the queue, docking it where it is not."""
        window = self.viewer.window
        if self.queue is None:
            self.queue = QueueDock(self.viewer, self.controller, view, self.background)
        if self.queue not in window.dock_widgets.values():
            dock = window.add_dock_widget(self.queue, name=TITLE, area="right")
            self.queue.window().resizeDocks([dock], [_QUEUE_HEIGHT], Qt.Orientation.Vertical)
        self.queue.open(spec)

    def _on_status(self, event: Any) -> None:  # noqa: ARG002
        """Add the mask under the cursor to what napari says of the active layer's pixel."""
        status, text = self.viewer.status, self.controller.hovered
        if isinstance(status, dict) and text and not status["coordinates"].endswith(text):
            self.viewer.status = {**status, "coordinates": f"{status['coordinates']}   {text}"}

    def _on_mouse_move(self, viewer: Any, event: Any) -> None:  # noqa: ARG002  # napari's signature
        row, col = self.controller.layers.enhanced.world_to_data(event.position)[-2:]
        self.controller.hover(round(row), round(col))

    def _on_mouse_drag(self, viewer: Any, event: Any) -> Iterator[None]:  # noqa: ARG002
        yield
        while event.type == "mouse_move":
            yield
        self.controller.stroke_ended()


_listening: WeakValueDictionary[int, Gestures] = WeakValueDictionary()


def gestures_of(
    viewer: "Viewer", view: View, make_background: Callable[[], Background]
) -> Gestures:
    """Return what listens to the viewer, with its controller, shown in `view` from now on.

    A dock widget that was closed and opened again finds the image, its strokes and its history
    as they were.
    """
    gestures = _listening.get(id(viewer))
    if gestures is None or gestures.viewer is not viewer:
        background = make_background()
        gestures = Gestures(viewer, Controller(viewer, view, background), background)
        _listening[id(viewer)] = gestures
    gestures.controller.attach(view)
    return gestures
