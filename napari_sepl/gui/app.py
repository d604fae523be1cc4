"""Starting napari with the widget, from the command line."""

from pathlib import Path

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_sepl.core.errors import SaveError
from napari_sepl.files.samples import Sample
from napari_sepl.gui.commands import widget_of

_WINDOW = (1400, 900)
_ROUNDS = 20


def run(
    sample: Sample, classes: str, folder: Path | None = None, screenshot: Path | None = None
) -> None:
    """Open one image in a window of its own and stay until the window is closed.

    Parameters
    ----------
    sample : Sample
        The files of the image.
    classes : str
        A built-in class list's name, or a TOML file.
    folder : Path, optional
        Where accepted labels go; asked for at the first save if left out.
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
    widget.open_sample(sample, classes, folder)
    if screenshot is None:
        napari.run()
        return
    widget.controller.wait()
    try:
        take_screenshot(viewer, screenshot)
    finally:
        viewer.close()


def take_screenshot(viewer: napari.Viewer, path: Path) -> None:
    """Save a picture of the whole window, when its layout has come to rest."""
    for _ in range(_ROUNDS):
        QApplication.processEvents()
    picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False))
    try:
        picture.save(path)
    except (OSError, ValueError) as error:  # ValueError: no format goes by that ending
        raise SaveError(f"{path}: the screenshot could not be written: {error}") from error
