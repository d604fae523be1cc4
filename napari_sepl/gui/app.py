"""Starting napari with the widget, from the command line."""

from collections.abc import Callable
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_sepl.core.errors import SaveError
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.widget import SeplWidget

_WINDOW = (1400, 900)
_ROUNDS = 20


def run(start: Callable[[SeplWidget], None], screenshot: Path | None = None) -> None:
    """Open a window and stay until it is closed.

    Parameters
    ----------
    start : callable
        Opens something in the widget.
    screenshot : Path, optional
        Save a picture of the window there and return, instead of staying.

    Raises
    ------
    SaveError
        If the screenshot cannot be written.
    """
    viewer = napari.Viewer(title="napari-sepl")
    viewer.window.resize(*_WINDOW)
    widget = widget_of(viewer)
    start(widget)
    if screenshot is None:
        napari.run()
        return
    widget.controller.context.background.wait()
    try:
        take_screenshot(viewer, screenshot)
    finally:
        widget.window().close()
        # no event loop ends here, which would take the window down while Python is all there
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def take_screenshot(viewer: napari.Viewer, path: Path) -> None:
    """Save a picture of the whole window, when its layout has come to rest."""
    for _ in range(_ROUNDS):
        QApplication.processEvents()
    picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False))
    try:
        picture.save(path)
    except (OSError, ValueError) as error:  # ValueError: no format goes by that ending
        raise SaveError(f"{path}: the screenshot could not be written: {error}") from error
