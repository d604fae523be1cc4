"""A sweep as tables."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from napari_sepl.files.guard import NO_INPUTS, Guard
from napari_sepl.workflow.measure.sweep import Sweep
from napari_sepl.workflow.measure.tables import class_table, encode_csv, sweep_files, write_tables


def write_sweep(path: Path, sweep: Sweep, guard: Guard = NO_INPUTS) -> list[Path]:
    """Write a sweep as a table, and the best pair of each class as a second one beside it.

    The first has a row for each pair: t1, t2, mean_iou (with the truth; without truth agreement,
    which is mean IoU with the pseudo-labels), change, then the IoU of each class in any of them.
    The second has a row for each class, and is written only with truth. Shares are in 0..1 with
    all digits; one that is not defined is empty.

    Parameters
    ----------
    path : Path
        The first file; its folder is made if need be.
    sweep : Sweep
        What to write.
    guard : Guard
        Tells what is not to be written over; earlier tables of sweeps are.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError, SaveError
        As `write_tables`.
    """
    contents = {path: encode_csv(_surface_rows(sweep))}
    if sweep.against_truth:
        contents[class_table(path)] = encode_csv(_class_rows(sweep))
    return write_tables(contents, sweep_files(path), guard)


def _surface_rows(sweep: Sweep) -> Iterable[list[object]]:
    iou, mean, change = sweep.matches.iou, sweep.matches.mean_iou, sweep.change
    present = np.flatnonzero(~np.isnan(iou).all(axis=(1, 2))).tolist()
    names = [f"iou {sweep.classes.name(class_id)}" for class_id in present]
    yield ["t1", "t2", "mean_iou" if sweep.against_truth else "agreement", "change", *names]
    for i, j in np.ndindex(mean.shape):
        yield [sweep.t1[i], sweep.t2[j], mean[i, j], change[i, j], *iou[present, i, j]]


def _class_rows(sweep: Sweep) -> Iterable[list[object]]:
    yield ["class_id", "class", "t1", "t2", "iou", "iou_at_default"]
    for row in sweep.best_of_classes:
        best, name = row.best, sweep.classes.name(row.class_id)
        yield [row.class_id, name, best.t1, best.t2, best.iou, row.default]
