"""The command `sweep`: the best thresholds for a dataset and for each class."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import (
    complain_of_stop,
    count,
    give_json,
    note,
    note_unused,
    save_result,
    say,
    say_saved,
)
from napari_sepl.cli._dataset import DatasetOptions, note_index, note_scores, takes_dataset
from napari_sepl.cli._options import (
    Overwrite,
    Scheduler,
    Workers,
    check_ending,
    choose_executor,
    params_of,
    resumable_table,
    seen_dataset,
    setting,
)
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.sweep import MOST, threshold_grid
from napari_sepl.core.stopping import STOPPED
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.workflow.measure.sweep import DEFAULTS, STEPS, Point, Sweep, SweepRun, write_sweep

Steps = Annotated[
    int, typer.Option(min=2, max=MOST - 1, help="Number of values from 0 to 1 for t1, and for t2.")
]

_EDGES = {
    "t1 = 0": "a mask that touches its class passes by o_s",
    "t1 = 1": "no mask passes by o_s",
    "t2 = 0": "a mask that touches its class passes by o_p",
    "t2 = 1": "no mask passes by o_p",
}
"""What a threshold at the edge of the grid means under `paper`."""

_EDGES_OF = {
    Strategy.RELEASED: {
        "t2 = 0": "all masks pass by o_p",
        "t2 = 1": "only a mask that contains the whole class passes by o_p",
    },
    Strategy.TREE: {
        "t1 = 0": "pixels of a mask outside its class cost nothing",
        "t1 = 1": "only masks completely inside their class are selected",
        "t2 = 0": "uncovered pseudo-labels are dropped where a mask is selected",
        "t2 = 1": "uncovered pseudo-labels are kept",
    },
}
"""What differs under other strategies."""


@command("napari-sepl sweep voc.toml --workers 2 --table sweep.csv", json=True)
@takes_dataset(
    "images", "pseudo", "masks", "ground_truth", "list_file", "classes", "pseudo_format",
    "mask_classes",
    needs=("images", "pseudo", "masks"),
)  # fmt: skip
def sweep_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    *,
    steps: Steps = STEPS,
    strategy: Annotated[Strategy, setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, setting("conflict")] = DEFAULTS.conflict,
    background: Annotated[float | None, setting("background")] = None,
    table: Annotated[
        Path | None,
        resumable_table(
            "CSV file with a row per pair; with ground truth, one per class goes beside it."
        ),
    ] = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """Find the best thresholds for a dataset: mIoU for every pair of t1 and t2.

    Without ground truth, shows the agreement with the pseudo-labels. Saves no labels.
    """
    grids = (threshold_grid(steps, default) for default in (DEFAULTS.t1, DEFAULTS.t2))
    params = params_of(strategy=strategy, conflict=conflict, background=background)
    spec = dataset.find().spec
    check_ending("--table", table, "a CSV table", ".csv")
    executor = choose_executor(workers, scheduler)
    index = SampleIndex.open(
        seen_dataset(scheduler, spec), (Role.IMAGE, Role.PSEUDO, Role.MASKS), (Role.TRUTH,)
    )
    note_scores(index, background)
    run = SweepRun(index, params, *grids, executor=executor)
    if table is not None:
        run.keep_beside(table, overwrite=overwrite)
    code, failures = count(run)
    note_unused(run.without_truth, "ground truth")
    note_index(index, "pseudo-labels")
    if code == STOPPED:
        complain_of_stop(run.checkpoint)
        return code
    if run.sweep.samples:
        compared = Role.TRUTH if run.sweep.against_truth else Role.PSEUDO
        run.require_counted(float(run.sweep.matches.mean_iou.max()), compared)
        write = partial(write_sweep, sweep=run.sweep, guard=run.guard)
        code, files = save_result(code, table, write, run.checkpoint)
        _say_result(run.sweep)
        say_saved(files)
    counts = {
        "counted": run.sweep.samples,
        "failed": failures.content(),
        "left_out": {"no pseudo-labels": index.unused, "no ground truth": run.without_truth},
    }
    give_json(counts | _content(run.sweep))
    return code


def _say_result(sweep: Sweep) -> None:
    """Print the default pair, the best pair, and the best of each class."""
    if not sweep.against_truth:
        note("no ground truth: agreement is mean IoU with the pseudo-labels, 100 % if equal")
    for name, point in (("default", sweep.default), ("best", sweep.best)):
        if point is not None:
            say(f"{name:<15} {_pair(point)}{_shares(sweep, point)}")
    for line in _class_lines(sweep):
        say(line)
    if sweep.best is not None:
        edges = dict(_at_edge(sweep, sweep.best))
        if edges:
            meant = "; ".join(f"at {edge}, {why}" for edge, why in edges.items())
            say(f"the best pair is at the edge of the grid: {meant}")
        if (sweep.best.t1, sweep.best.t2) == (DEFAULTS.t1, DEFAULTS.t2):
            say("the best pair is the default")
        else:
            say(f"to use the best pair: --t1 {sweep.best.t1:.4g} --t2 {sweep.best.t2:.4g}")


def _at_edge(sweep: Sweep, point: Point) -> Iterator[tuple[str, str]]:
    """Yield the thresholds of a pair that are 0 or 1, and what that means."""
    meant = _EDGES | _EDGES_OF.get(sweep.params.strategy, {})
    for name, value in (("t1", point.t1), ("t2", point.t2)):
        if value in (0, 1):
            edge = f"{name} = {value:g}"
            yield edge, meant[edge]


def _pair(point: Point) -> str:
    return f"t1 {point.t1:<6.4g}t2 {point.t2:<6.4g}"


def _shares(sweep: Sweep, point: Point) -> str:
    """Return the result of a pair, in percent."""
    row, col = sweep.position(point.t1, point.t2) or (0, 0)
    name = "mIoU" if sweep.against_truth else "agreement"
    return f"{name} {100 * point.iou:.2f} %, changed {100 * sweep.change[row, col]:.2f} % of pixels"


def _class_lines(sweep: Sweep) -> Iterator[str]:
    for row in sweep.best_of_classes:
        shares = f"IoU {100 * row.best.iou:.2f} %, at the defaults {100 * row.default:.2f} %"
        yield f"{sweep.classes.name(row.class_id):<15} {_pair(row.best)}{shares}"


def _content(sweep: Sweep) -> dict[str, Any]:
    """Return a sweep for JSON: rows of "mean_iou" and "change" are t1."""
    classes = [
        {
            "class_id": row.class_id,
            "class": sweep.classes.name(row.class_id),
            "t1": row.best.t1,
            "t2": row.best.t2,
            "iou": row.best.iou,
            "iou_at_default": row.default,
        }
        for row in sweep.best_of_classes
    ]
    return {
        "against": "ground truth" if sweep.against_truth else "pseudo-labels",
        "default": _point(sweep, sweep.default),
        "best": _point(sweep, sweep.best),
        "classes": classes,
        "t1": sweep.t1.tolist(),
        "t2": sweep.t2.tolist(),
        "mean_iou": sweep.matches.mean_iou.tolist(),
        "change": sweep.change.tolist(),
    }


def _point(sweep: Sweep, point: Point | None) -> dict[str, float] | None:
    if point is None:
        return None
    row, col = sweep.position(point.t1, point.t2) or (0, 0)
    change = float(sweep.change[row, col])
    return {"t1": point.t1, "t2": point.t2, "mean_iou": point.iou, "change": change}
