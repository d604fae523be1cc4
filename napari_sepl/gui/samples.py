"""The sample images of the package."""

from functools import partial
from pathlib import Path
from typing import Any

from napari_sepl.files.images import read_image
from napari_sepl.files.samples import Sample

_SAMPLE_KEY = "napari_sepl_sample"

NAMES = ("chelsea", "astronaut", "coffee")


def sample_folder() -> Path:
    """Return the folder of the sample images, in the installed package or its source tree."""
    package = Path(__file__).parents[1]
    installed = package / "sample_data"
    return installed if installed.is_dir() else package.parent / "sample_data"


def sample_of(name: str) -> Sample:
    """Return the files of one sample image."""
    folder = sample_folder()
    return Sample(
        name,
        folder / "images" / f"{name}.jpg",
        folder / "pseudo" / f"{name}.png",
        folder / "masks" / f"{name}.json",
        None,
    )


def _open(name: str) -> list[tuple[Any, dict[str, Any], str]]:
    """Return the image as a layer, and open the other files in the widget."""
    from napari_sepl.gui.commands import widget_of_current_viewer  # noqa: PLC0415

    widget = widget_of_current_viewer()
    sample = sample_of(name)

    def open_around() -> None:
        added = [la for la in widget.viewer.layers if la.metadata.get(_SAMPLE_KEY) == name]
        widget.open_sample(sample, "coco", given=added[-1:])

    widget.controller.context.background.later("sample", 0, open_around)
    return [(read_image(sample.image), {"name": name, "metadata": {_SAMPLE_KEY: name}}, "image")]


open_chelsea = partial(_open, "chelsea")
open_astronaut = partial(_open, "astronaut")
open_coffee = partial(_open, "coffee")
