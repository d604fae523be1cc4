"""The surface over a dataset against enhancing it at each pair; its best points; its tables."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl import Params
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.analysis.sweep import SweepCounts, threshold_grid
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.guard import Guard
from napari_sepl.files.labels import read_labels
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.measure import sweep as workflow
from napari_sepl.workflow.measure.sweep import DEFAULTS, STEPS, Point, Sweep, SweepRun, write_sweep
from napari_sepl.workflow.measure.tables import class_table
from napari_sepl.workflow.parallel.processes import Processes
from napari_sepl.workflow.results import Outcome, SampleResult
from tests.files.making import save_image
from tests.messages import raises_input_error, says
from tests.workflow.sweeping import IDS, read_table

T1, T2 = np.array([0.2, 0.5, 0.7]), np.array([0.3, 0.85])


def run_over(spec: DatasetSpec, params: Params = DEFAULTS, workers: int = 1) -> SweepRun:
    return SweepRun(SampleIndex.open(spec), params, T1, T2, executor=Processes(workers))


def swept(spec: DatasetSpec, params: Params = DEFAULTS, workers: int = 1) -> Sweep:
    """Run over a dataset of which nothing fails."""
    run = run_over(spec, params, workers)
    assert list(run) == [SampleResult(sample_id, Outcome.COUNTED) for sample_id in IDS]
    return run.sweep


def enhanced_at(spec: DatasetSpec, out: Path, params: Params) -> tuple[Confusion, Confusion, float]:
    """Enhance the folder; return the labels against truth and pseudo-labels, and the change."""
    index = SampleIndex.open(spec.model_copy(update={"out": out}))
    for step in enhance_folder(index, params):
        assert not step.message
    to_truth = to_pseudo = Confusion(np.zeros((256, 256), np.int64))
    changed = []
    for sample in map(index.sample, index.ids):
        assert sample.truth is not None
        labels, pseudo = read_labels(out / f"{sample.sample_id}.png"), read_labels(sample.pseudo)
        to_truth += Confusion.of(labels, read_labels(sample.truth))
        to_pseudo += Confusion.of(labels, pseudo)
        changed.append(np.mean(labels != pseudo))
    return to_truth, to_pseudo, float(np.mean(changed))


@pytest.mark.parametrize(
    ("strategy", "conflict"),
    [(Strategy.PAPER, Conflict.HIGHEST_ID), (Strategy.PAPER, Conflict.SMALLEST),
     (Strategy.RELEASED, Conflict.PSEUDO)],
)  # fmt: skip
def test_as_enhancing_the_folder_at_each_pair(
    spec: DatasetSpec, tmp_path: Path, strategy: Strategy, conflict: Conflict
) -> None:
    params = Params(strategy=strategy, conflict=conflict)
    with_truth = swept(spec, params)
    without = swept(spec.model_copy(update={"ground_truth": None}), params)
    assert with_truth.samples == without.samples == 4
    assert with_truth.matches.mean_iou.std() > 0
    assert without.matches.mean_iou.std() > 0
    for i, j in np.ndindex(3, 2):
        at = params.model_copy(update={"t1": T1[i], "t2": T2[j]})
        to_truth, to_pseudo, change = enhanced_at(spec, tmp_path / f"{i} {j}", at)
        for sweep, confusion in ((with_truth, to_truth), (without, to_pseudo)):
            np.testing.assert_array_equal(sweep.matches.iou[:, i, j], confusion.iou[:21])
            assert sweep.matches.mean_iou[i, j] == pytest.approx(
                confusion.iou[confusion.wanted > 0].mean()
            )
            assert sweep.change[i, j] == pytest.approx(change)


def test_two_processes_count_as_one(spec: DatasetSpec) -> None:
    (spec.folder("masks") / "a10.json").write_text("[")
    runs = [run_over(spec, workers=workers) for workers in (1, 2)]
    steps = [list(run) for run in runs]
    assert steps[0] == steps[1]
    first, second = (run.sweep.matches for run in runs)
    np.testing.assert_array_equal(first.right, second.right)
    np.testing.assert_array_equal(first.painted, second.painted)
    np.testing.assert_array_equal(first.wanted, second.wanted)


def test_failures_are_told_and_the_rest_is_counted(spec: DatasetSpec, tmp_path: Path) -> None:
    (spec.folder("masks") / "a2.json").write_text("[")
    save_image(spec.folder("ground_truth") / "b.png", np.zeros((40, 30), np.uint8))
    save_image(spec.folder("ground_truth") / "c.png", np.full((30, 40), 21, np.uint8))
    save_image(spec.folder("pseudo") / "z.png", np.zeros((30, 40), np.uint8))
    run = run_over(spec)
    assert len(run) == 5
    steps = list(run)
    assert [step.sample_id for step in steps] == ["z", *IDS]
    told = {step.sample_id: step.message for step in steps}
    assert told["z"] == "z: no image"
    assert says(told["a2"], spec.folder("masks") / "a2.json", "found damaged")
    assert told["a10"] == ""
    truth, image = spec.folder("ground_truth"), spec.folder("images") / "b.png"
    found = "found labels of 40 × 30 pixels (height × width)"
    expected = f"expected 30 × 40 pixels (height × width) as {image}"
    assert says(told["b"], truth / "b.png", found, expected)
    assert says(told["c"], truth / "c.png", "found label 21", "expected 0 to 20")
    assert (run.sweep.samples, run.sweep.counts.pixels) == (1, 1200)


def test_an_image_beyond_the_memory_is_a_failure(
    spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(workflow, "load_enhanceable", full)
    step = next(iter(run_over(spec)))
    assert (
        step.message
        == f"too large for the memory of this computer: {spec.folder('images') / 'a2.png'}"
    )


def test_samples_without_truth_are_left_out(spec: DatasetSpec) -> None:
    assert spec.ground_truth is not None
    (spec.ground_truth / "b.png").unlink()
    run = run_over(spec)
    assert [step.sample_id for step in run] == ["a2", "a10", "c"]
    assert run.without_truth == ["b"]
    for sample_id in ("a2", "a10", "c"):
        (spec.ground_truth / f"{sample_id}.png").unlink()
    with raises_input_error("truth", found="no ground truth", expected="a label file"):
        run_over(spec)


def test_what_is_counted_so_far_can_be_asked_for(spec: DatasetSpec) -> None:
    run = run_over(spec)
    assert run.sweep.samples == 0
    assert run.sweep.best is None
    steps = iter(run)
    next(steps)
    early = run.sweep
    right = early.matches.right.copy()
    list(steps)
    assert (early.samples, run.sweep.samples) == (1, 4)
    np.testing.assert_array_equal(early.matches.right, right)
    assert run.sweep.matches.right.sum() > right.sum()


def test_the_grids_are_checked_and_hold_the_defaults(spec: DatasetSpec) -> None:
    run = SweepRun(SampleIndex.open(spec), DEFAULTS)
    assert (len(run.t1), len(run.t2)) == (STEPS, STEPS)
    assert run.sweep.position(DEFAULTS.t1, DEFAULTS.t2) == (10, 17)
    with pytest.raises(InputError, match="grid of t2"):
        SweepRun(SampleIndex.open(spec), DEFAULTS, T1, T2[::-1])


def sweep_with(iou: NDArray[np.float64], t1: NDArray[np.float64], t2: NDArray[np.float64]) -> Sweep:
    """Return a sweep in which background has these IoU, in hundredths."""
    counts = SweepCounts.nothing(21, (len(t1), len(t2)), truth=True)
    assert counts.truth is not None
    counts.truth.wanted[0] = 100
    counts.truth.right[0] = counts.truth.painted[0] = iou
    return Sweep(t1, t2, DEFAULTS, VOC, counts, 1)


def test_of_equal_pairs_the_one_closest_to_the_paper_is_best() -> None:
    grid1, grid2 = threshold_grid(21, 0.5), threshold_grid(21, 0.85)
    iou = np.full((21, 21), 40)
    assert sweep_with(iou, grid1, grid2).best == Point(0.5, 0.85, 0.4)
    iou[2, 20] = iou[8, 17] = iou[12, 17] = iou[10, 15] = 41  # of which three are as close
    assert sweep_with(iou, grid1, grid2).best == Point(0.4, 0.85, 0.41)
    iou[20, 0] = 42
    sweep = sweep_with(iou, grid1, grid2)
    assert sweep.best == Point(1.0, 0.0, 0.42)
    assert sweep.default == Point(0.5, 0.85, 0.4)
    (background,) = sweep.best_of_classes
    assert (background.class_id, background.best, background.default) == (0, sweep.best, 0.4)


def test_a_grid_without_the_defaults_has_no_default() -> None:
    sweep = sweep_with(np.full((1, 1), 40), np.array([0.1]), np.array([0.2]))
    assert sweep.default is None
    assert np.isnan(sweep.best_of_classes[0].default)


def test_without_truth_nothing_is_best(spec: DatasetSpec) -> None:
    sweep = swept(spec.model_copy(update={"ground_truth": None}))
    assert not sweep.against_truth
    assert sweep.best is None
    assert sweep.best_of_classes == []
    assert sweep.default is not None
    assert sweep.default.iou == sweep.matches.mean_iou[1, 1]


def test_the_tables_read_back(spec: DatasetSpec, tmp_path: Path) -> None:
    sweep = swept(spec)
    path = tmp_path / "sweep.csv"
    assert write_sweep(path, sweep) == [path, tmp_path / "sweep-classes.csv"]
    rows = read_table(path)
    names = ["iou background", "iou cat", "iou dog", "iou person"]
    assert list(rows[0]) == ["t1", "t2", "mean_iou", "change", *names]
    for row, (i, j) in zip(rows, product(range(3), range(2)), strict=True):
        assert (float(row["t1"]), float(row["t2"])) == (T1[i], T2[j])
        assert float(row["mean_iou"]) == sweep.matches.mean_iou[i, j]
        assert float(row["change"]) == sweep.change[i, j]
        ious = [float(row[name]) for name in names]
        assert ious == sweep.matches.iou[[0, 8, 12, 15], i, j].tolist()
    of_classes = read_table(class_table(path))
    assert [row["class"] for row in of_classes] == ["background", "cat", "dog", "person"]
    for row, best in zip(of_classes, sweep.best_of_classes, strict=True):
        assert int(row["class_id"]) == best.class_id
        assert Point(float(row["t1"]), float(row["t2"]), float(row["iou"])) == best.best
        assert float(row["iou_at_default"]) == best.default


def test_the_table_without_truth_is_one_and_leaves_empty_what_is_not_defined(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    sweep = swept(spec.model_copy(update={"ground_truth": None}))
    path = tmp_path / "sweep.csv"
    assert write_sweep(path, sweep) == [path]
    assert list(read_table(path)[0]) == [
        "t1", "t2", "agreement", "change", "iou background", "iou cat", "iou dog",
    ]  # fmt: skip
    sweep.counts.pseudo.painted[1, 0, 1] = 5  # an aeroplane at one pair alone
    write_sweep(path, sweep, Guard(overwrite=True))
    planes = [row["iou aeroplane"] for row in read_table(path)]
    assert planes == ["", "0.0", "", "", "", ""]


def test_a_table_that_cannot_be_written_is_told(spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match=r"^a file has that name: "):
        write_sweep(tmp_path / "file" / "sweep.csv", swept(spec))
