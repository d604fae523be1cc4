"""The command `sweep`: which thresholds fit a dataset, and each of its classes."""

from collections.abc import Iterator
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
    Pseudo,
    PseudoFormat,
    Root,
    Split,
    Truth,
    read_whole_spec,
    tell_scores,
)
from napari_sepl.cli._settings import params_of, setting
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen_dataset
from napari_sepl.cli._table import check_csv
from napari_sepl.core.corners import MOST
from napari_sepl.core.params import Conflict, Strategy
from napari_sepl.core.sweep import threshold_grid
from napari_sepl.files.dataset import Dataset
from napari_sepl.workflow.measure.sweep import DEFAULTS, STEPS, Point, Sweep, SweepRun
from napari_sepl.workflow.measure.sweep_table import write_sweep

Steps = Annotated[
    int, typer.Option(min=2, max=MOST - 1, help="Thresholds from 0 to 1, of t1 and of t2.")
]


def sweep_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    steps: Steps = STEPS,
    strategy: Annotated[Strategy, setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, setting("conflict")] = DEFAULTS.conflict,
    background: Annotated[float | None, setting("background")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV file for all pairs; with truth a second one beside it. With it, the same "
            "command goes on after a stop."
        ),
    ] = None,
    images: Images = None,
    pseudo: Pseudo = None,
    pseudo_format: PseudoFormat = None,
    masks: Masks = None,
    truth: Truth = None,
    list_file: ListFile = None,
    layout: Layout = None,
    root: Root = None,
    split: Split = None,
    classes: Classes = None,
) -> None:
    """Tell which thresholds fit a dataset best: mIoU with the truth at every pair of them.

    Without truth, how far the labels agree with the pseudo-labels. No label is saved.
    """
    check_csv(out)
    told = {
        "pseudo": pseudo, "masks": masks, "truth": truth, "list_file": list_file,
        "classes": classes, "pseudo_format": pseudo_format,
    }  # fmt: skip
    spec = read_whole_spec(dataset, images, layout, root, split, out, told)
    grids = (threshold_grid(steps, default) for default in (DEFAULTS.t1, DEFAULTS.t2))
    params = params_of(strategy=strategy, conflict=conflict, background=background)
    spread = choose_spread(workers, scheduler)
    opened = Dataset.open(seen_dataset(scheduler, spec))
    tell_scores(map(opened.sample, opened.ids))
    run = SweepRun(opened, params, *grids, spread=spread)
    kept = None if out is None else run.keep_beside(out)
    code = count(run, len(run), "sweep", lambda: run.sweep.samples, kept)
    if run.without_truth:
        complain(f"{listing(run.without_truth)}: no truth, left out")
    if code == STOPPED:
        complain_of_stop(kept)
    elif run.sweep.samples:
        _tell(run.sweep)
        if kept is not None:
            typer.echo(
                f"saved {' and '.join(map(str, write_sweep(kept.table, run.sweep, run.guard)))}"
            )
            kept.end()
    raise typer.Exit(code)


def _tell(sweep: Sweep) -> None:
    """Print the pairs that matter."""
    if not sweep.against_truth:
        complain("no truth: agreement, mean IoU with the pseudo-labels, is 100 % without a change")
    for name, point in (("default", sweep.default), ("best", sweep.best)):
        if point is not None:
            typer.echo(f"{name:<15} {_pair(point)}{_shares(sweep, point)}")
    for line in _class_lines(sweep):
        typer.echo(line)


def _pair(point: Point) -> str:
    return f"t1 {point.t1:<6.4g}t2 {point.t2:<6.4g}"


def _shares(sweep: Sweep, point: Point) -> str:
    """Return what a pair of the grid gives, in percent."""
    row, col = sweep.position(point.t1, point.t2) or (0, 0)
    name = "mIoU" if sweep.against_truth else "agreement"
    return f"{name} {100 * point.iou:.2f} %, changed {100 * sweep.change[row, col]:.2f} %"


def _class_lines(sweep: Sweep) -> Iterator[str]:
    for row in sweep.best_of_classes:
        shares = f"IoU {100 * row.best.iou:.2f} %, by default {100 * row.default:.2f} %"
        yield f"{sweep.classes.name(row.class_id):<15} {_pair(row.best)}{shares}"
