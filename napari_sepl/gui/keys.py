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


_MEANINGS = {
    "undo": "undo the last step on this image",
    "redo": "do it again",
    "save": "save without accepting",
    "accept": "accept: save, and go on to the next",
    "compare": "swap enhanced labels and pseudo-labels",
    "outlines": "mask outlines on and off",
    "previous": "previous sample",
    "next": "next sample",
    "next_pending": "next pending sample",
    "skip": "skip this sample",
    "flag": "flag it for somebody else to look at",
    "reopen": "make it pending again",
}


def describe_keys() -> str:
    """Return a table of all keys and what they do, as HTML."""
    rows = [f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{_MEANINGS[name]}</td></tr>"
            for name, key in {**KEYS, **QUEUE_KEYS}.items()]  # fmt: skip
    return f"<table>{''.join(rows)}</table>"


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
