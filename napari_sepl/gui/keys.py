"""Keys: those that napari's label layers leave free, and Ctrl+Z, which the document owns."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sepl.gui.controller import Controller

KEYS = {
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
    "save": "S",
    "accept": "A",
    "compare": "C",
    "outlines": "O",
}
"""What each key does, by the controller's method of that name, as shown to the user."""


def bind_keys(target: Any, controller: "Controller") -> None:
    """Bind all keys on a viewer or a layer.

    They are bound on our layers too, because a layer's keys beat the viewer's, and a label
    layer's own Ctrl+Z would otherwise write its last image's pixels back.
    """
    for name, keys in KEYS.items():
        shortcut = keys.replace("Ctrl", "Control").replace("+", "-")
        target.bind_key(shortcut, _call(getattr(controller, name)), overwrite=True)


def _call(method: Callable[[], None]) -> Callable[[Any], None]:
    def call(_: Any) -> None:
        method()

    call.__doc__ = method.__doc__
    return call
