"""The command `report`: a dataset on one page."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import STOPPED, complain, complain_of_stop, count, listing
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
from napari_sepl.cli._settings import params_of, setting
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen_dataset
from napari_sepl.core.params import Conflict, Strategy
from napari_sepl.files.guard import Guard, inputs_of
from napari_sepl.files.store import Store, store_file
from napari_sepl.workflow.report.counting import ReportRun
from napari_sepl.workflow.report.page import SHOWN, check_page, make_page, write_page
from napari_sepl.workflow.review.scan import list_for_review


def report_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    to: Annotated[Path, typer.Option(help="The HTML file.")] = Path("report.html"),
    shown: Annotated[int, typer.Option(min=0, help="Worst and best images to show.")] = SHOWN,
    sweep: Annotated[bool, typer.Option(help="Count every pair of thresholds too.")] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is no report.")
    ] = False,
    t1: Annotated[float | None, setting("t1")] = None,
    t2: Annotated[float | None, setting("t2")] = None,
    strategy: Annotated[Strategy | None, setting("strategy")] = None,
    conflict: Annotated[Conflict | None, setting("conflict")] = None,
    background: Annotated[float | None, setting("background")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
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
) -> None:
    """Write a dataset's metrics, worst and best images, causes and settings as one HTML page.

    Reviewed samples count with their labels of the review, all others with those that SEPL makes.
    """
    told = {
        "pseudo": pseudo, "masks": masks, "truth": truth, "tags": tags,
        "list_file": list_file, "classes": classes, "pseudo_format": pseudo_format,
    }  # fmt: skip
    place = out if dataset is not None else out or to.parent
    spec = needed("images", read_spec(dataset, images, layout, root, split, place, told))
    guard = Guard(inputs_of(spec), overwrite)
    check_page(to, guard)
    settings = {
        "t1": t1, "t2": t2, "strategy": strategy, "conflict": conflict, "background": background,
    }  # fmt: skip
    chosen = {name: value for name, value in settings.items() if value is not None}
    start = params_of(**chosen) if chosen else None
    with ExitStack() as stack:
        record, store = store_file(spec.out), None
        if record.exists():
            store = stack.enter_context(Store.open(record, who="report", write=False))
        listed = list_for_review(seen_dataset(scheduler, spec))
        spread = choose_spread(workers, scheduler)
        run = ReportRun(listed, store, start, sweep=sweep, spread=spread)
        code = count(run, len(run), "report", lambda: len(run.report.images))
        if listed.unmatched:
            complain(f"{listing([u.sample_id for u in listed.unmatched])}: files missing, left out")
        if code == STOPPED:
            complain_of_stop()
        elif run.report.images:
            page = make_page(run, shown, title=_title(dataset, spec.images))
            write_page(to, page, guard)
            typer.echo(f"saved {to} ({len(page) / 2**20:.1f} MB)")
    raise typer.Exit(code)


def _title(dataset: Path | None, images: Path) -> str:
    return f"SEPL on {dataset.stem if dataset is not None else images.name}"
