"""Runs that keep what they have counted, over a small dataset with labels."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.measure.evaluate import EvaluationRun, write_evaluation
from napari_sepl.workflow.measure.sweep import DEFAULTS, SweepRun, write_sweep
from napari_sepl.workflow.parallel.processes import HERE, Executor
from tests.files.making import save_image
from tests.workflow.sweeping import IDS, rectangles, write_samples

T1, T2 = np.array([0.2, 0.5, 0.7]), np.array([0.3, 0.85])
Run = SweepRun | EvaluationRun
Begin = Callable[..., Run]


def write_labelled_samples(root: Path) -> DatasetSpec:
    """Write the samples, and other labels of them into the output folder."""
    spec = write_samples(root)
    spec.output.mkdir()
    for seed, sample_id in enumerate(IDS):
        drawn = rectangles(np.random.default_rng(100 + seed), 12, 8, 15, 3)
        save_image(spec.output / f"{sample_id}.png", drawn)
    return spec


def begin_sweep(spec: DatasetSpec, executor: Executor = HERE) -> SweepRun:
    return SweepRun(SampleIndex.open(spec), DEFAULTS, T1, T2, executor=executor)


def begin_evaluation(spec: DatasetSpec, executor: Executor = HERE) -> EvaluationRun:
    index = SampleIndex.open(spec, (Role.LABELS, Role.TRUTH), (Role.PSEUDO,), lead=Role.LABELS)
    return EvaluationRun(index, executor=executor)


BOTH = pytest.mark.parametrize("begin", [begin_sweep, begin_evaluation])


def tables(run: Run, folder: Path) -> dict[str, bytes]:
    """Write the tables of a run; return their bytes by name."""
    folder.mkdir()
    if isinstance(run, SweepRun):
        files = write_sweep(folder / "t.csv", run.sweep)
    else:
        files = write_evaluation(folder / "t.csv", run.evaluation, running=True)
    return {file.name: file.read_bytes() for file in files}


def stop_after(run: Run, table: Path, count: int) -> None:
    """Count some samples, and keep them."""
    keeping = run.keep_beside(table)
    for step in islice(run, count):
        assert not step.message
    keeping.save()


def counted(run: Run) -> list[str]:
    """Go through a run of which nothing fails; return the samples that were counted."""
    steps = list(run)
    assert not any(step.message for step in steps)
    return [step.sample_id for step in steps]
