"""The commands `demo` and `open`, which start the window and import Qt only then."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command, require_there
from napari_sepl.cli._dataset import DatasetOptions, takes_dataset
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.samples import Sample, load_enhanceable
from napari_sepl.files.scores import AUTO

ScreenshotOption = Annotated[
    Path | None,
    typer.Option(help="Save an image of the window and exit; without a display, needs Xvfb."),
]


@command("napari-sepl demo --sample astronaut")
def demo_command(
    *,
    sample: Annotated[str, typer.Option(help="chelsea, astronaut or coffee.")] = "coffee",
    out: Annotated[Path | None, typer.Option(help="Folder for accepted labels.")] = None,
    screenshot: ScreenshotOption = None,
) -> None:
    """Open a sample image in the window."""
    with _screen(screenshot):
        from napari_sepl.gui.app import run  # noqa: PLC0415
        from napari_sepl.gui.samples import NAMES, sample_of  # noqa: PLC0415

        if sample not in NAMES:
            raise typer.BadParameter(f"--sample: found {sample!r}; expected {', '.join(NAMES)}")
        run(lambda widget: widget.open_sample(sample_of(sample), "coco", out), screenshot)


@command("napari-sepl open --images JPEGImages --pseudo cam_png --masks sam_json --out labels")
@takes_dataset(*DatasetSpec.model_fields, needs=("images", "pseudo", "out"))
def open_command(
    dataset: DatasetOptions,
    *,
    image: Annotated[
        Path | None,
        typer.Option(
            help="One image; --pseudo, --masks and --ground-truth then name its files.",
        ),
    ] = None,
    screenshot: ScreenshotOption = None,
) -> None:
    """Open a dataset or one image in the window, to review and correct its labels."""
    if image is not None:
        _open_image(image, dataset, screenshot)
        return
    spec = dataset.find().spec
    with _screen(screenshot):
        from napari_sepl.gui.app import run  # noqa: PLC0415

        run(lambda widget: widget.open_dataset(spec), screenshot)


def _open_image(image: Path, dataset: DatasetOptions, screenshot: Path | None) -> None:
    require_there(image=image)
    files = dataset.one_image()
    masks, truth, out = files.get("masks"), files.get("ground_truth"), files.get("out")
    sample = Sample(
        image.stem, image, files["pseudo"], masks, truth, files.get("pseudo_format", AUTO),
        mask_classes=bool(files.get("mask_classes")),
    )  # fmt: skip
    classes = files.get("classes", "voc")
    load_enhanceable(sample, read_class_list(classes))  # report a bad file before the window opens
    if out is not None:
        make_folder(out)
    with _screen(screenshot):
        from napari_sepl.gui.app import run  # noqa: PLC0415

        run(lambda widget: widget.open_sample(sample, classes, out), screenshot)


@contextmanager
def _screen(screenshot: Path | None) -> Iterator[None]:
    """Provide a display inside the block, or report why there is none."""
    from napari_sepl.gui import display  # noqa: PLC0415

    display.require_binding()
    if screenshot is None:
        display.require_display()
    elif not display.has_display():
        again = [sys.executable, "-m", "napari_sepl", *sys.argv[1:]]
        raise typer.Exit(display.run_on_virtual_display(again))
    yield
