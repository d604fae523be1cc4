"""Keys: those that napari's label layers leave free, and Ctrl+Z, which the document owns."""

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

KEYS = {
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
    "save": "S",
    "accept": "A",
    "outlines": "O",
}
"""What each key does, by the controller's method of that name, as shown to the user."""


QUEUE_KEYS = {
    "previous": "K",
    "next": "J",
    "next_pending": "N",
    "worst_pending": "Shift+N",
    "skip": "W",
    "flag": "G",
    "reopen": "R",
}
"""The same for the methods of the navigator, where a dataset is open."""


POINT_KEYS = {
    "refuse": "D",
    "refuse_parts": "Shift+D",
    "to_background": "8",
    "keep_pseudo": "9",
    "leave": "U",
    "take_as": "T",
    "pick_class": "I",
}
"""The same for what is under the cursor."""


PALETTE_KEYS = {"quick_pick": "Q", "superpixels": "Y", "why": "Shift+W", "heat": "Shift+Q"}
"""The same for the tools of the panel "Correct"."""


COMPARE_KEYS = {
    "compare": "C",
    "swipe": "Shift+C",
    "where_from": "H",
    "difference": "Shift+H",
    "errors": "Shift+E",
}
"""The same for comparing with pseudo-labels and truth."""


PROMPT_KEYS = {"prompt": "Shift+P", "snap": "Shift+S"}
"""The same for SAM's prompts."""


ANSWER_KEYS = {"add": "Enter", "drop": "Escape", "back": "Backspace"}
"""The same while the layer of prompts is active."""


WALK_KEYS = {"to_part": "[", "to_whole": "]"}
"""The same for walking the masks under the cursor; while painting they size the brush."""


MOUSE = {
    "click": "take the mask under the cursor for the current class; again: leave it to SEPL",
    "Alt+click": "refuse it; again: leave it to SEPL",
    "Shift+wheel": "walk from part to whole",
    "Shift+drag": "circle masks to take them for the current class; straight across: a box",
    "Ctrl+Shift+drag": "the same to refuse them",
    "click, Alt+click, Shift+drag on the layer of prompts": "a point on the object, a point "
    "beside it, a box around it",
}
"""What the mouse does while nothing is painted."""


_MEANINGS = {
    "undo": "undo the last step on this image",
    "redo": "do it again",
    "save": "save without accepting",
    "accept": "accept: save, and go on to the next",
    "compare": "swap enhanced labels and pseudo-labels",
    "swipe": "pseudo-labels left of a divider, enhanced labels right of it, on and off",
    "difference": "how labels differ from the pseudo-labels, on and off",
    "errors": "how labels differ from the truth, on and off",
    "outlines": "mask outlines on and off",
    "refuse": "refuse the mask under the cursor",
    "refuse_parts": "refuse it with all masks in it",
    "to_background": "take it for background",
    "keep_pseudo": "keep the pseudo-labels under the cursor beside the masks of their class",
    "leave": "leave it to SEPL",
    "take_as": "take it for another class",
    "pick_class": "paint and take with the class under the cursor",
    "to_part": "point at a smaller mask here",
    "to_whole": "point at a larger mask here",
    "quick_pick": "choose the class to paint and take with",
    "where_from": "where each pixel came from, on and off",
    "superpixels": "superpixel brush on and off",
    "heat": "heat map of the current class's scores, on and off",
    "why": "threshold plane and table of masks, on and off",
    "prompt": "prompt SAM with points and boxes, on and off",
    "snap": "let SAM redraw the outline of the current class",
    "add": "add SAM's mask, taken for the current class",
    "drop": "drop all prompts",
    "back": "take back the last prompt",
    "previous": "previous sample",
    "next": "next sample",
    "next_pending": "next pending sample",
    "worst_pending": "the pending sample that is suspected most",
    "skip": "skip this sample",
    "flag": "flag it for somebody else to look at",
    "reopen": "make it pending again",
}


def all_keys() -> dict[str, str]:
    """Return the key of each action that has one."""
    return {
        **KEYS,
        **POINT_KEYS,
        **WALK_KEYS,
        **PALETTE_KEYS,
        **COMPARE_KEYS,
        **PROMPT_KEYS,
        **ANSWER_KEYS,
        **QUEUE_KEYS,
    }


def key_of(name: str) -> str:
    """Return the key of an action; empty if it has none."""
    return all_keys().get(name, "")


def meaning_of(name: str) -> str:
    """Return what an action does."""
    return _MEANINGS[name]


def describe_keys() -> str:
    """Return a table of all keys and what they do, as HTML."""
    meanings = [(key, _MEANINGS[name]) for name, key in all_keys().items()]
    rows = [
        f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{meaning}</td></tr>"
        for key, meaning in [*MOUSE.items(), *meanings]
    ]
    return f"<table width='100%'>{''.join(rows)}</table>"


def bind_keys(target: Any, owner: object, keys: Mapping[str, str]) -> None:
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


_WIDTH, _HEIGHT = 720, 640


class KeysBox(QDialog):
    """Lists which key and which movement of the mouse does what; scrolled where it is too high."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys of SEPL")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(describe_keys())
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        area = QScrollArea()
        area.setWidget(text)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(area)
        column.addWidget(close)
        self.resize(_WIDTH, _HEIGHT)


def show_keys(parent: QWidget) -> None:
    """Show all keys, once however often it is asked for, and let the user work on."""
    box = parent.findChild(KeysBox) or KeysBox(parent)
    box.show()
    box.raise_()
