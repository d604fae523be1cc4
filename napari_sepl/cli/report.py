"""The command `report`: a dataset on one HTML page."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import complain_of_stop, count, note, note_unused, say, size
from napari_sepl.cli._dataset import DatasetOptions, note_index, note_scores, takes_dataset
from napari_sepl.cli._options import (
    Outdated,
    OutdatedUse,
    Overwrite,
    Scheduler,
    Statuses,
    Unreviewed,
    Workers,
    check_ending,
    choose_executor,
    choose_labels,
    params_of,
    seen_dataset,
    setting,
)
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.stopping import STOPPED
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.store import Store
from napari_sepl.workflow.report.page import SHOWN, check_page, make_page, write_page
from napari_sepl.workflow.report.report import ReportRun
from napari_sepl.workflow.review.record import open_record
from napari_sepl.workflow.review.selection import ACCEPTED, AS_ENHANCED, Choice, Selection


def _setting(name: str) -> Any:
    """Return the option for a field of Params; its default is the review's."""
    default = Params.model_fields[name].default
    return setting(name, "the review's, or " + str(getattr(default, "value", default)))


@command("napari-sepl report voc.toml --to report.html")
@takes_dataset(
    "images", "pseudo", "masks", "out", "ground_truth", "image_labels", "list_file", "classes",
    "pseudo_format", "mask_classes", needs=("images", "pseudo", "masks"),
)  # fmt: skip
def report_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    *,
    to: Annotated[Path, typer.Option(help="HTML file to write, ending in .html or .htm.")] = Path(
        "report.html"
    ),
    shown: Annotated[
        int, typer.Option(min=0, help="Number of worst and of best images to show.")
    ] = SHOWN,
    sweep: Annotated[bool, typer.Option(help="Add the mIoU of every pair of thresholds.")] = True,
    status: Statuses = None,
    everything: Unreviewed = False,
    outdated: Outdated = OutdatedUse.LEAVE_OUT,
    t1: Annotated[float | None, _setting("t1")] = None,
    t2: Annotated[float | None, _setting("t2")] = None,
    strategy: Annotated[Strategy | None, _setting("strategy")] = None,
    conflict: Annotated[Conflict | None, _setting("conflict")] = None,
    background: Annotated[float | None, setting("background")] = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """Write a dataset's metrics, worst and best images, causes and settings as one HTML page.

    Accepted samples count with their labels in --out; where nothing was reviewed, all samples do,
    with their enhanced labels.
    """
    settings = {
        "t1": t1, "t2": t2, "strategy": strategy, "conflict": conflict, "background": background,
    }  # fmt: skip
    chosen = {name: value for name, value in settings.items() if value is not None}
    start = params_of(**chosen) if chosen else None
    check_ending("--to", to, "an HTML page", ".html", ".htm")
    named = dataset.find()
    choice = choose_labels(status, everything, outdated)
    with open_record(named.spec.out, "report") as store:
        index = SampleIndex.open(seen_dataset(scheduler, named.spec))
        note_scores(index, background)
        selection = _select(index, store, choice, start)
        executor = choose_executor(workers, scheduler)
        run = ReportRun(selection, sweep=sweep, executor=executor, page=to)
        run.guard = replace(run.guard, overwrite=overwrite)
        check_page(to, run.guard)
        code, _ = count(run)
        _note_left_out(run)
        if code == STOPPED:
            complain_of_stop()
        elif run.report.images:
            if run.report.agreement_after is not None:
                run.require_counted(run.report.agreement_after.mean.iou)
            page = make_page(run, shown, title=f"SEPL on {named.name}")
            write_page(to, page, run.guard)
            say(f"saved {to} ({size(len(page))})")
    return code


def _select(
    index: SampleIndex, store: Store | None, choice: Choice, start: Params | None
) -> Selection:
    """Select the labels; where nothing was reviewed and nothing asked for, SEPL makes all."""
    selection = Selection(index, store, choice, start)
    if choice == ACCEPTED and not selection.is_reviewed:
        return Selection(index, store, AS_ENHANCED, start)
    selection.require_any()
    return selection


def _note_left_out(run: ReportRun) -> None:
    """Print which samples are not on the page, or not in its IoU."""
    index, selection = run.index, run.selection
    if not selection.choice.enhances:
        note(selection.line())
    note_index(index, "pseudo-labels")
    note_unused(selection.without_masks, "masks")
    if Role.TRUTH in index.folders:
        lacking = index.without(Role.TRUTH, run.ids)
        note_unused(lacking, "ground truth", "in no IoU")
