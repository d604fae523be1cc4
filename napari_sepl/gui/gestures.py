"""Mouse and keys of one viewer, turned into calls of its controller."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from napari_sepl.gui.controller import Controller
from napari_sepl.gui.keys import bind_keys
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Gestures:
    """Listens to one viewer, for as long as the viewer lives.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer; its callback lists keep this object alive.
    controller : Controller
        Told of everything.
    """

    def __init__(self, viewer: "ViewerModel", controller: Controller) -> None:
        self.viewer = viewer
        self.controller = controller
        viewer.layers.events.inserted.connect(self._on_layer_inserted)
        viewer.mouse_move_callbacks.append(self._on_mouse_move)
        viewer.mouse_drag_callbacks.append(self._on_mouse_drag)
        viewer.events.status.connect(self._on_status)
        bind_keys(viewer, controller)

    def _on_status(self, event: Any) -> None:  # noqa: ARG002
        """Add the mask under the cursor to what napari says of the active layer's pixel."""
        status, text = self.viewer.status, self.controller.hovered
        if isinstance(status, dict) and text and not status["coordinates"].endswith(text):
            self.viewer.status = {**status, "coordinates": f"{status['coordinates']}   {text}"}

    def _on_layer_inserted(self, event: Any) -> None:
        layer = event.value
        if layer in self.controller.layers.in_use:
            bind_keys(layer, self.controller)
        if layer is self.controller.layers.enhanced:
            layer.events.paint.connect(self.controller.stroke_ended)

    def _on_mouse_move(self, viewer: Any, event: Any) -> None:  # noqa: ARG002  # napari's signature
        row, col = self.controller.layers.enhanced.world_to_data(event.position)[-2:]
        self.controller.hover(round(row), round(col))

    def _on_mouse_drag(self, viewer: Any, event: Any) -> Iterator[None]:  # noqa: ARG002
        yield
        while event.type == "mouse_move":
            yield
        self.controller.stroke_ended()


_listening: WeakValueDictionary[int, Gestures] = WeakValueDictionary()


def controller_of(viewer: "ViewerModel", view: View, background: Background) -> Controller:
    """Return the viewer's one controller, shown in `view` from now on.

    A dock widget that was closed and opened again finds the image, its strokes and its history
    as they were.
    """
    gestures = _listening.get(id(viewer))
    if gestures is None or gestures.viewer is not viewer:
        gestures = Gestures(viewer, Controller(viewer, view, background))
        _listening[id(viewer)] = gestures
    gestures.controller.attach(view)
    return gestures.controller
