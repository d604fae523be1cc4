"""The commands `demo` and `open`: they start the window, which is imported only then."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._dataset import (
    Classes,
    DatasetFile,
    Images,
    Layout,
    ListFile,
    Masks,
    Out,
    Pseudo,
    PseudoFormat,
    Root,
    Split,
    Tags,
    Truth,
    needed,
    read_spec,
)
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.samples import Sample, load_enhanceable
from napari_sepl.files.score_formats import AUTO, check_format

ScreenshotOption = Annotated[
    Path | None,
    typer.Option(help="Save a picture of the window there and end; needs no display, but Xvfb."),
]


def demo_command(
    *,
    sample: Annotated[str, typer.Option(help="chelsea, astronaut or coffee.")] = "coffee",
    out: Annotated[Path | None, typer.Option(help="Folder for accepted labels.")] = None,
    screenshot: ScreenshotOption = None,
) -> None:
    """Open a sample picture in the window."""
    with _screen(screenshot):
        from napari_sepl.gui.app import run  # noqa: PLC0415
        from napari_sepl.gui.samples import NAMES, sample_of  # noqa: PLC0415

        if sample not in NAMES:
            raise typer.BadParameter(f"--sample: {sample!r} is none of {', '.join(NAMES)}")
        run(lambda widget: widget.open_sample(sample_of(sample), "coco", out), screenshot)


def open_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    image: Annotated[Path | None, typer.Option(help="One picture.", exists=True)] = None,
    images: Images = None,
    pseudo: Pseudo = None,
    pseudo_format: PseudoFormat = None,
    masks: Masks = None,
    truth: Truth = None,
    tags: Tags = None,
    list_file: ListFile = None,
    layout: Layout = None,
    root: Root = None,
    split: Split = None,
    classes: Classes = None,
    out: Out = None,
    screenshot: ScreenshotOption = None,
) -> None:
    """Open one image, or a whole dataset, in the window, to review and edit its labels."""
    told = {
        "pseudo": pseudo, "masks": masks, "truth": truth, "tags": tags,
        "list_file": list_file, "classes": classes, "pseudo_format": pseudo_format,
    }  # fmt: skip
    spec = read_spec(dataset, images, layout, root, split, out, told)
    if spec is None:
        picture, labels = needed("image", image), needed("pseudo", pseudo)
        form = check_format(pseudo_format or AUTO)
        sample = Sample(picture.stem, picture, labels, masks, truth, form)
        _open_image(sample, classes or "voc", out, screenshot)
        return
    with _screen(screenshot):
        from napari_sepl.gui.app import run  # noqa: PLC0415

        run(lambda widget: widget.open_dataset(spec), screenshot)


def _open_image(sample: Sample, classes: str, out: Path | None, screenshot: Path | None) -> None:
    load_enhanceable(sample, read_class_list(classes))  # a bad file is told before a window opens
    if out is not None:
        make_folder(out)
    with _screen(screenshot):
        from napari_sepl.gui.app import run  # noqa: PLC0415

        run(lambda widget: widget.open_sample(sample, classes, out), screenshot)


@contextmanager
def _screen(screenshot: Path | None) -> Iterator[None]:
    """Have a screen to draw on inside the block, or say why there is none."""
    from napari_sepl.gui import display  # noqa: PLC0415

    display.require_binding()
    if screenshot is None:
        display.require_display()
    elif not display.has_display():
        again = [sys.executable, "-m", "napari_sepl", *sys.argv[1:]]
        raise typer.Exit(display.run_on_virtual_display(again))
    yield
