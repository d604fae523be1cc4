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
        Save a screenshot there and return, instead of staying.

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
        # no event loop ends here that would delete the window before Python exits
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def take_screenshot(viewer: napari.Viewer, path: Path) -> None:
    """Save a screenshot of the whole window, after its layout settled."""
    for _ in range(_ROUNDS):
        QApplication.processEvents()
    image = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False))
    try:
        image.save(path)
    except (OSError, ValueError) as error:  # ValueError: unknown file ending
        raise SaveError(f"The screenshot could not be written: {path}: {error}") from error
