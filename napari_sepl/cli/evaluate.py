"""The command `evaluate`: what labels are worth, against the truth."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import STOPPED, complain, complain_of_stop, count, listing
from napari_sepl.cli._dataset import DatasetFile, ListFile, PseudoFormat
from napari_sepl.cli._settings import setting
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen
from napari_sepl.cli._table import check_csv
from napari_sepl.core.running import RunningFigures
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset_spec import read_dataset
from napari_sepl.files.guard import inputs_of
from napari_sepl.files.score_formats import AUTO, check_format
from napari_sepl.workflow.measure.agreement import Evaluation, Figures
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from napari_sepl.workflow.measure.evaluation_table import write_evaluation


def evaluate_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    labels: Annotated[
        Path | None, typer.Option(help="Folder of labels; the dataset's own if left out.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder of true labels.")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Folder of labels to compare with; a dataset's pseudo-labels."),
    ] = None,
    pseudo_format: PseudoFormat = None,
    background: Annotated[float | None, setting("background")] = None,
    list_file: ListFile = None,
    classes: Annotated[str | None, typer.Option(help="voc, coco or a TOML file.")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV file for all images; beside it one of classes, and JSON. With it, the same "
            "command goes on after a stop."
        ),
    ] = None,
    as_released: Annotated[
        bool,
        typer.Option("--as-released", help="Tell the figures of the authors' program too."),
    ] = False,
) -> None:
    """Tell what labels are worth: IoU, precision and recall of each class, and along outlines."""
    check_csv(out)
    spec = None if dataset is None else read_dataset(dataset)
    if spec is not None:
        labels, truth = labels or spec.out, truth or spec.truth
        baseline, list_file = baseline or spec.pseudo, list_file or spec.list_file
        classes = classes or spec.classes
        pseudo_format = pseudo_format or spec.pseudo_format
    if baseline is None and (pseudo_format is not None or background is not None):
        raise typer.BadParameter("--pseudo-format and --background are for a --baseline")
    run = EvaluationRun(
        seen(scheduler, _needed("labels", labels)),
        seen(scheduler, _needed("truth", truth)),
        read_class_list(classes or "voc"),
        baseline=seen(scheduler, baseline),
        list_file=list_file,
        spread=choose_spread(workers, scheduler),
        pseudo_format=check_format(pseudo_format or AUTO),
        background=background,
    )
    given = () if spec is None else inputs_of(spec)
    kept = None if out is None else run.keep_beside(out, given)
    code = count(run, len(run), "evaluate", lambda: len(run.evaluation.images), kept)
    if run.without_truth:
        complain(f"{listing(run.without_truth)}: no truth, left out")
    if code == STOPPED:
        complain_of_stop(kept)
    elif run.evaluation.images:
        _tell(run.evaluation, as_released=as_released)
        if kept is not None:
            files = write_evaluation(kept.table, run.evaluation, run.guard, running=as_released)
            typer.echo(f"saved {', '.join(map(str, files))}")
            kept.end()
    raise typer.Exit(code)


def _needed(name: str, value: Path | None) -> Path:
    if value is None:
        raise typer.BadParameter(
            f"--{name} is missing: name a dataset's TOML file with truth, or --labels and --truth"
        )
    return value


def _tell(evaluation: Evaluation, *, as_released: bool) -> None:
    """Print the means, then a line for each class."""
    for line in _lines(evaluation):
        typer.echo(line)
    if as_released:
        typer.echo(_running("labels", evaluation.running))
        if evaluation.running_baseline is not None:
            typer.echo(_running("baseline", evaluation.running_baseline))


def _lines(evaluation: Evaluation) -> Iterator[str]:
    baseline = evaluation.baseline
    yield f"{'':<15}{'IoU':>8}{'change':>8}{'precision':>11}{'recall':>8}{'boundary IoU':>14}"
    mean = evaluation.labels.mean
    change = mean.iou - baseline.mean.iou if baseline else float("nan")
    yield _line("mean", mean, change)
    for row in evaluation.class_figures:
        note = "" if row.pixels else "  not in the truth, so in no mean"
        yield _line(row.name, row.labels, row.change) + note


def _line(name: str, figures: Figures, change: float) -> str:
    """Return a line in percent, with nothing where a share is not defined."""
    told = (
        _percent(figures.iou, 8),
        _percent(change, 8, "+"),
        _percent(figures.precision, 11),
        _percent(figures.recall, 8),
        _percent(figures.boundary_iou, 14),
    )
    return f"{name:<15}{''.join(told)}".rstrip()


def _percent(share: float, width: int, sign: str = "") -> str:
    return " " * width if math.isnan(share) else f"{100 * share:{sign}{width}.2f}"


def _running(name: str, figures: RunningFigures) -> str:
    return (
        f"as released, mean over images, {name}: mIoU {100 * figures.iou:.2f} %, "
        f"precision {100 * figures.precision:.2f} %, recall {100 * figures.recall:.2f} %"
    )
