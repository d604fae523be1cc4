"""The command line: the one place that prints.

Commands that open the window import it inside the command: the others must start without Qt.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_sepl import __version__
from napari_sepl.core.errors import SeplError
from napari_sepl.core.params import Conflict, Params, Strategy
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset_spec import DatasetSpec, read_dataset
from napari_sepl.files.dataset_spec import layout as make_layout
from napari_sepl.files.label_png import Provenance, read_provenance
from napari_sepl.files.pairing import pair_by_stem
from napari_sepl.files.samples import Sample, load_enhanceable
from napari_sepl.workflow.enhance import Outcome, Step, enhance_folder

STOPPED = 130  # what shells expect of a program that Ctrl+C stopped
DEFAULTS = Params()
LISTED = 10  # names shown of a long list
TOLD = {
    Outcome.SAVED: "saved",
    Outcome.PRESENT: "already there",
    Outcome.KEPT: "kept, edited by a person",
    Outcome.FAILED: "failed",
}

app = typer.Typer(
    name="napari-sepl",
    help="Turn rough class activation maps into precise segmentation labels, with SAM's masks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; an expected error becomes one line on stderr and exit code 1."""
    try:
        app()
    except SeplError as error:
        _complain(f"napari-sepl: {error}")
        sys.exit(1)


def _setting(name: str) -> Any:
    """Return the option for a field of Params, with its help and bounds."""
    field = Params.model_fields[name]
    bounds = {
        option: value
        for bound in field.metadata
        for option, value in (
            ("min", getattr(bound, "ge", None)),
            ("max", getattr(bound, "le", None)),
        )
        if value is not None
    }
    return typer.Option(f"--{name}", help=field.description, **bounds)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command("enhance")
def enhance_command(  # noqa: PLR0913  each option is an argument
    *,
    images: Annotated[Path, typer.Option(help="Folder of pictures.")],
    pseudo: Annotated[Path, typer.Option(help="Folder of pseudo-labels.")],
    masks: Annotated[Path, typer.Option(help="Folder of masks, a file or folder per picture.")],
    out: Annotated[Path, typer.Option(help="Folder for the enhanced labels.")],
    t1: Annotated[float, _setting("t1")] = DEFAULTS.t1,
    t2: Annotated[float, _setting("t2")] = DEFAULTS.t2,
    strategy: Annotated[Strategy, _setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, _setting("conflict")] = DEFAULTS.conflict,
    list_file: Annotated[
        Path | None, typer.Option("--list", help="Text file with the samples to do, one a line.")
    ] = None,
    classes: Annotated[str, typer.Option(help="voc, coco or a TOML file.")] = "voc",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace labels that no person has edited.")
    ] = False,
) -> None:
    """Enhance the pseudo-labels of a folder and save them as label PNGs."""
    params = _params(t1=t1, t2=t2, strategy=strategy, conflict=conflict)
    class_list = read_class_list(classes)
    pairing = pair_by_stem(images, pseudo, masks, list_file=list_file)
    total = len(pairing.samples) + len(pairing.unmatched)
    events = enhance_folder(pairing, out, class_list, params, overwrite=overwrite)
    code = _follow(events, total)
    if pairing.without_pseudo:
        _complain(f"{_listing(pairing.without_pseudo)}: no pseudo-labels, left out")
    raise typer.Exit(code)


ScreenshotOption = Annotated[
    Path | None,
    typer.Option(help="Save a picture of the window there and end; needs no display, but Xvfb."),
]


@app.command("demo")
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


@app.command("open")
def open_command(  # noqa: PLR0913  each option is an argument
    dataset: Annotated[
        Path | None, typer.Argument(help="A dataset's TOML file.", exists=True, dir_okay=False)
    ] = None,
    *,
    image: Annotated[Path | None, typer.Option(help="One picture.", exists=True)] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of pictures.")] = None,
    pseudo: Annotated[Path | None, typer.Option(help="Its, or their, pseudo-labels.")] = None,
    masks: Annotated[Path | None, typer.Option(help="Its, or their, masks.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Its, or their, true labels.")] = None,
    tags: Annotated[Path | None, typer.Option(help="File of image-level classes.")] = None,
    list_file: Annotated[
        Path | None, typer.Option("--list", help="Text file with the samples to open, one a line.")
    ] = None,
    layout: Annotated[str | None, typer.Option(help="voc or coco: folders by their names.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the layout.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of the layout, train say.")] = None,
    classes: Annotated[str | None, typer.Option(help="voc, coco or a TOML file.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for labels and for the record of the review.")
    ] = None,
    screenshot: ScreenshotOption = None,
) -> None:
    """Open one image, or a whole dataset, in the window, to review and edit its labels."""
    given = {
        "pseudo": pseudo, "masks": masks, "truth": truth, "tags": tags,
        "list_file": list_file, "classes": classes,
    }  # fmt: skip
    told = {name: value for name, value in given.items() if value is not None}
    if dataset is not None:
        spec = read_dataset(dataset)
    elif layout is not None:
        spec = make_layout(layout, _needed("root", root), _needed("out", out), split=split, **told)
    elif images is not None:
        folders = {"images": images, "out": _needed("out", out)}
        _needed("pseudo", pseudo), _needed("masks", masks)
        spec = DatasetSpec.model_validate({**folders, **told})
    else:
        files = _needed("pseudo", pseudo), _needed("masks", masks)
        sample = Sample((_needed("image", image)).stem, _needed("image", image), *files, truth)
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


def _needed(name: str, value: Path | None) -> Path:
    if value is None:
        raise typer.BadParameter(
            f"--{name} is missing: open takes a dataset's TOML file; or --image, --pseudo and "
            "--masks; or --images, --pseudo, --masks and --out; or --layout, --root and --out"
        )
    return value


@contextmanager
def _screen(screenshot: Path | None) -> Iterator[None]:
    """Have a screen to draw on inside the block, or say why there is none."""
    from napari_sepl.gui import display  # noqa: PLC0415

    display.require_binding()
    if screenshot is None:
        display.require_display()
    elif not display.has_display():
        again = [sys.executable, "-m", "napari_sepl.cli", *sys.argv[1:]]
        raise typer.Exit(display.run_on_virtual_display(again))
    yield


@app.command("info")
def info_command(file: Annotated[Path, typer.Argument(help="A label PNG.")]) -> None:
    """Tell how a label file was made."""
    provenance = read_provenance(file)
    if provenance is None:
        _complain(f"{file}: napari-sepl did not write this file; it tells nothing of its making.")
        raise typer.Exit(1)
    for name, value in _facts(provenance):
        typer.echo(f"{name:<15}{value}")


def _params(**settings: object) -> Params:
    try:
        return Params.model_validate(settings)
    except ValidationError as error:  # what the options' bounds let through: "nan"
        first = error.errors()[0]
        raise typer.BadParameter(f"--{first['loc'][0]}: {first['msg']}") from error


def _follow(events: Iterable[Step], total: int) -> int:
    """Show a bar while the run goes on, then its summary; return the exit code."""
    counts: Counter[Outcome] = Counter()
    failures: list[str] = []
    stopped = False
    columns = (TextColumn("enhance"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("enhance", total=total)
        try:
            for event in events:
                counts[event.outcome] += 1
                if event.message:
                    failures.append(event.message)
                bar.advance(task)
        except KeyboardInterrupt:
            stopped = True
    _summarise(counts, failures, total)
    if stopped:
        _complain("Stopped. What is saved is whole; the same command goes on from here.")
        return STOPPED
    return 1 if failures else 0


def _summarise(counts: Counter[Outcome], failures: Sequence[str], total: int) -> None:
    told = [f"{counts[outcome]} {TOLD[outcome]}" for outcome in Outcome if counts[outcome]]
    typer.echo(f"{total} sample{'s' * (total != 1)}: {', '.join(told) or 'nothing done'}")
    for message in failures:
        _complain(message)


def _facts(provenance: Provenance) -> list[tuple[str, object]]:
    params = provenance.params.model_dump(mode="json")
    return [
        ("made by", f"napari-sepl {provenance.version}"),
        ("sample", provenance.sample_id),
        *params.items(),
        ("classes", provenance.classes),
        ("edited", "by a person" if provenance.edited else "no"),
        *((f"{role} sha256", digest) for role, digest in sorted(provenance.digests.items())),
    ]


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(names[:LISTED])
    more = len(names) - LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def _complain(message: str) -> None:
    typer.echo(message.replace("\n", " "), err=True)


if __name__ == "__main__":
    main()
