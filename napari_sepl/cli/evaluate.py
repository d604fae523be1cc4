"""The command `evaluate`: labels against the ground truth."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import (
    complain_of_stop,
    count,
    give_json,
    note,
    save_result,
    say,
    say_saved,
)
from napari_sepl.cli._dataset import (
    DatasetOptions,
    Labels,
    note_index,
    note_scores,
    takes_dataset,
)
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
    resumable_table,
    seen,
    seen_dataset,
    setting,
)
from napari_sepl.core.analysis.metrics import ReleasedMetrics
from napari_sepl.core.errors import name_first
from napari_sepl.core.stopping import STOPPED
from napari_sepl.files.dataset.index import NAMED, Role
from napari_sepl.workflow.measure.evaluate import (
    EvaluationRun,
    evaluation_content,
    open_to_evaluate,
    write_evaluation,
)
from napari_sepl.workflow.measure.metrics import Evaluation, Figures
from napari_sepl.workflow.review.selection import Selection, select_labels


@command("napari-sepl evaluate voc.toml --list val.txt --table evaluation.csv", json=True)
@takes_dataset(
    "pseudo", "out", "ground_truth", "list_file", "classes", "pseudo_format",
    needs=("ground_truth",),
)  # fmt: skip
def evaluate_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    *,
    labels: Labels = None,
    status: Statuses = None,
    everything: Unreviewed = False,
    outdated: Outdated = OutdatedUse.LEAVE_OUT,
    background: Annotated[float | None, setting("background")] = None,
    table: Annotated[
        Path | None,
        resumable_table("CSV file with a row per image; one per class, and JSON, go beside it."),
    ] = None,
    as_released: Annotated[
        bool, typer.Option("--as-released", help="Add the metrics of the authors' program.")
    ] = False,
    overwrite: Overwrite = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """Compare labels with the ground truth: IoU, precision, recall and boundary IoU.

    The labels are those in --out, the accepted ones where it was reviewed; the pseudo-labels, if
    there are any, are the baseline.
    """
    spec = dataset.find_with_labels(labels).spec
    if spec.pseudo is None and background is not None:
        raise typer.BadParameter("--background is for the pseudo-labels; name them by --pseudo")
    check_ending("--table", table, "a CSV table", ".csv")
    spec, labels = seen_dataset(scheduler, spec), seen(scheduler, labels)
    choice = choose_labels(status, everything, outdated)
    with select_labels(spec, labels, choice, "evaluate") as selection:
        index = open_to_evaluate(spec, labels, selection)
        note_index(index)
        note_scores(index, background)
        run = EvaluationRun(
            index,
            selection,
            background=background,
            executor=choose_executor(workers, scheduler),
        )
        if table is not None:
            run.keep_beside(table, overwrite=overwrite)
        code, failures = count(run)
    if code == STOPPED:
        complain_of_stop(run.checkpoint)
        return code
    found = _say_left_out(run, selection)
    if run.evaluation.images:
        run.require_counted(run.evaluation.labels.mean.iou)
        write = partial(
            write_evaluation, evaluation=run.evaluation, guard=run.guard, running=as_released
        )
        code, files = save_result(code, table, write, run.checkpoint)
        _say_result(run.evaluation, as_released=as_released)
        say_saved(files)
    counts = {"counted": len(run.evaluation.images), "failed": failures.content(), **found}
    give_json(counts | evaluation_content(run.evaluation))
    return code


def _say_left_out(run: EvaluationRun, selection: Selection | None) -> dict[str, object]:
    """Print how many samples are not compared and why; return it for JSON."""
    found = {NAMED[role]: run.index.count(role) for role in (Role.LABELS, Role.TRUTH)}
    index = run.index
    if selection is None:
        bare = [*run.without_labels, *index.without(Role.LABELS, index.asked)]
        left_out = {"no labels": bare, "no ground truth": index.without(Role.TRUTH, index.asked)}
    else:
        left_out = {"no ground truth": index.without(Role.TRUTH, selection.ids)}
    reasons = [
        f"{len(ids):,} with {why} ({name_first(ids)})" for why, ids in left_out.items() if ids
    ]
    if reasons:
        counts = ", ".join(f"{name} of {number:,}" for name, number in found.items())
        say(f"{counts} samples; not compared: {', '.join(reasons)}")
    content: dict[str, object] = {"found": found, "left_out": left_out}
    if selection is not None:
        note(selection.line())
        content["review"] = selection.content()
    return content


def _say_result(evaluation: Evaluation, *, as_released: bool) -> None:
    """Print the means, then one line per class."""
    for line in _lines(evaluation):
        say(line)
    if as_released:
        say(_released("labels", evaluation.running))
        if evaluation.released_baseline is not None:
            say(_released("baseline", evaluation.released_baseline))


def _lines(evaluation: Evaluation) -> Iterator[str]:
    baseline = evaluation.baseline
    counted = sum(row.pixels > 0 for row in evaluation.class_figures)
    against = "; change against the pseudo-labels" if baseline else ""
    yield f"in percent; mean over {counted} classes{against}"
    yield f"{'':<15}{'IoU':>8}{'change':>8}{'precision':>11}{'recall':>8}{'boundary IoU':>14}"
    mean = evaluation.labels.mean
    change = mean.iou - baseline.mean.iou if baseline else float("nan")
    yield _line("mean", mean, change)
    for row in evaluation.class_figures:
        note = "" if row.pixels else "  not in the ground truth, not in the mean"
        yield _line(row.name, row.labels, row.change) + note


def _line(name: str, figures: Figures, change: float) -> str:
    """Return a line in percent, blank where a share is undefined."""
    columns = (
        _percent(figures.iou, 8),
        _percent(change, 8, "+"),
        _percent(figures.precision, 11),
        _percent(figures.recall, 8),
        _percent(figures.boundary_iou, 14),
    )
    return f"{name:<15}{''.join(columns)}".rstrip()


def _percent(share: float, width: int, sign: str = "") -> str:
    return " " * width if math.isnan(share) else f"{100 * share:{sign}{width}.2f}"


def _released(name: str, figures: ReleasedMetrics) -> str:
    return (
        f"as released, mean over images, {name}: mIoU {100 * figures.iou:.2f} %, "
        f"precision {100 * figures.precision:.2f} %, recall {100 * figures.recall:.2f} %"
    )
