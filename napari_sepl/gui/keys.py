"""Keys: those that napari's label layers leave free, and Ctrl+Z, which the document owns."""

from collections.abc import Callable, Mapping
from typing import Any

KEYS = {
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
    "save": "S",
    "accept": "A",
    "compare": "C",
    "outlines": "O",
}
"""What each key does, by the controller's method of that name, as shown to the user."""


QUEUE_KEYS = {
    "previous": "K",
    "next": "J",
    "next_pending": "N",
    "skip": "W",
    "flag": "G",
    "reopen": "R",
}
"""The same for the methods of the navigator, where a dataset is open."""


def bind_keys(target: Any, owner: object, keys: Mapping[str, str] = KEYS) -> None:
    """Bind keys to an owner's methods, on a viewer or a layer.

    They are bound on our layers too, because a layer's keys beat the viewer's, and a label
    layer's own Ctrl+Z would otherwise write its last image's pixels back.
    """
    for name, key in keys.items():
        shortcut = key.replace("Ctrl", "Control").replace("+", "-")
        target.bind_key(shortcut, _call(getattr(owner, name)), overwrite=True)


def _call(method: Callable[[], None]) -> Callable[[Any], None]:
    def call(_: Any) -> None:
        method()

    call.__doc__ = method.__doc__
    return call
