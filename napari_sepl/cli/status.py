"""The command `status`: how far the review of a dataset is."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import complain, count, give_json, note, save_result, say, say_saved
from napari_sepl.cli._dataset import DatasetOptions, takes_dataset
from napari_sepl.cli._options import Overwrite, check_ending
from napari_sepl.core.stopping import STOPPED
from napari_sepl.workflow.measure.status import SHOWN, StatusRun, write_status
from napari_sepl.workflow.review.record import open_record
from napari_sepl.workflow.review.selection import Selection, open_labels


@command("napari-sepl status voc.toml --table status.csv", json=True)
@takes_dataset(
    "images", "pseudo", "masks", "out", "list_file", "classes", "pseudo_format", "mask_classes",
    needs=("out",),
)  # fmt: skip
def status_command(
    dataset: DatasetOptions,
    *,
    table: Annotated[Path | None, typer.Option(help="CSV file with a row per sample.")] = None,
    overwrite: Overwrite = False,
) -> int:
    """Show how far a review is: samples by status, annotator and class, notes, time spent.

    Reads the record in --out, also while a window has it open.
    """
    spec = dataset.find().spec
    check_ending("--table", table, "a CSV table", ".csv")
    with open_record(spec.output, "status") as store:
        if store is None:
            note(f"no record yet: {spec.output}")
        selection = Selection(open_labels(spec, None, may_be_empty=store is not None), store)
        run = StatusRun(selection)
        if table is not None:
            run.check_table(table, overwrite=overwrite)
        code, failures = count(run)
    if code == STOPPED:
        complain("Stopped: the counts need all samples, so nothing is shown.")
        return code
    write = partial(write_status, selection=selection, guard=run.guard)
    code, files = save_result(code, table, write)
    if not selection.has_inputs and selection.is_reviewed:
        note("inputs not checked, so outdated samples count as before: give the dataset as well.")
    _say(run)
    say_saved(files)
    give_json({"failed": failures.content(), **run.content()})
    return code


def _say(run: StatusRun) -> None:
    counts = [f"{run.counts[one]:,} {one}" for one in SHOWN if run.counts[one]]
    say(f"{len(run.selection.standings):,} in the dataset: {', '.join(counts)}")
    if run.annotators:
        say(f"{'annotator':<20}{'samples':>9}{'accepted':>10}{'time':>10}")
    for who, one in run.annotators.items():
        name = who or "(only looked at)"
        say(f"{name:<20}{one.samples:>9,}{one.accepted:>10,}{_time(one.seconds):>10}")
    if run.pixels.any():
        say(f"{'accepted labels':<20}{'images':>9}{'pixels':>14}")
    for _, name, images, pixels in run.classes:
        say(f"{name:<20}{images:>9,}{pixels:>14,}")
    for sample_id, roles in run.selection.changed.items():
        say(f"outdated: {sample_id} ({', '.join(roles)} changed)")
    for sample_id, text in run.notes.items():
        say(f"note: {sample_id}: {text}")


def _time(seconds: float) -> str:
    """Return a time as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
