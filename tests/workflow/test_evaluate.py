"""Evaluations of a small dataset against numpy, and of PASCAL VOC against known figures."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.analysis.metrics import BoundaryCounts, Confusion, ReleasedMetrics
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.workflow.measure import evaluate as workflow
from napari_sepl.workflow.measure.evaluate import EvaluationRun, write_evaluation
from napari_sepl.workflow.measure.metrics import Evaluation
from napari_sepl.workflow.measure.tables import class_table, released_table
from napari_sepl.workflow.parallel.processes import Processes
from napari_sepl.workflow.results import Outcome, SampleResult
from tests.core.cases import Labels
from tests.files.dataset.opening import open_labels
from tests.files.making import save_image
from tests.messages import says
from tests.workflow.checkpointing import write_labelled_samples
from tests.workflow.sweeping import IDS, SHAPE, read_table

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Write the samples, and other labels of them into the output folder."""
    return write_labelled_samples(tmp_path / "samples")


def run_over(spec: DatasetSpec, *, baseline: bool = True, workers: int = 1) -> EvaluationRun:
    optional = (Role.TRUTH, Role.PSEUDO)[: 1 + baseline]
    index = SampleIndex.open(spec, (Role.LABELS,), optional, lead=Role.LABELS)
    return EvaluationRun(index, executor=Processes(workers))


def evaluated(spec: DatasetSpec, **options: bool) -> Evaluation:
    """Run over a dataset of which nothing fails."""
    run = run_over(spec, **options)
    assert list(run) == [SampleResult(sample_id, Outcome.COUNTED) for sample_id in IDS]
    return run.evaluation


def maps(spec: DatasetSpec, folder: Path) -> list[tuple[Labels, Labels]]:
    assert spec.ground_truth is not None
    return [
        (read_labels(folder / f"{name}.png"), read_labels(spec.ground_truth / f"{name}.png"))
        for name in IDS
    ]


@pytest.mark.parametrize("side", ["labels", "baseline"])
def test_classes_as_their_definitions(spec: DatasetSpec, side: str) -> None:
    evaluation = evaluated(spec)
    both = maps(spec, spec.output if side == "labels" else spec.folder("pseudo"))
    found, truth = (np.array(stack) for stack in zip(*both, strict=True))
    inside = truth != 255
    for row in evaluation.class_figures:
        figures = getattr(row, side)
        k = row.class_id
        hit = ((found == k) & (truth == k)).sum()
        union = (((found == k) | (truth == k)) & inside).sum()
        assert row.pixels == (truth == k).sum()
        assert figures.iou == (hit / union if union else pytest.approx(np.nan, nan_ok=True))
        boundaries = sum((BoundaryCounts.of(*pair) for pair in both), BoundaryCounts.nothing())
        np.testing.assert_equal(figures.boundary_iou, boundaries.iou[k])
    assert [row.class_id for row in evaluation.class_figures] == [0, 3, 8, 12, 15]


def test_means_are_over_the_classes_of_the_truth(spec: DatasetSpec) -> None:
    evaluation = evaluated(spec)
    of_truth = [row for row in evaluation.class_figures if row.pixels]
    assert [row.class_id for row in of_truth] == [0, 8, 12, 15]
    for name in ("iou", "precision", "recall", "boundary_iou"):
        values = [getattr(row.labels, name) for row in of_truth]
        assert getattr(evaluation.labels.mean, name) == pytest.approx(np.mean(values))
    only_labels = next(row for row in evaluation.class_figures if row.class_id == 3)
    assert only_labels.labels.iou == 0
    assert np.isnan(only_labels.labels.recall)


def test_images_have_their_own_figures(spec: DatasetSpec) -> None:
    evaluation = evaluated(spec)
    assert [row.sample_id for row in evaluation.images] == list(IDS)
    for row, pair, before in zip(
        evaluation.images, maps(spec, spec.output), maps(spec, spec.folder("pseudo")), strict=True
    ):
        present = sorted(set(np.unique(pair[1]).tolist()) - {255})
        iou = Confusion.of(*pair).iou
        assert row.iou == {k: iou[k] for k in present}
        assert row.labels.iou == pytest.approx(np.mean(iou[present]))
        assert row.baseline is not None
        assert row.change == row.labels.iou - row.baseline.iou
        assert row.running == ReleasedMetrics.of(Confusion.of(*pair))
        assert row.released_baseline == ReleasedMetrics.of(Confusion.of(*before))
    changes = [row.change for row in evaluation.class_figures if row.pixels]
    assert len(set(changes)) == 4


def test_without_a_baseline_there_is_no_change(spec: DatasetSpec) -> None:
    evaluation = evaluated(spec, baseline=False)
    assert evaluation.baseline is None
    assert evaluation.released_baseline is None
    assert all(row.baseline is None and np.isnan(row.change) for row in evaluation.images)
    assert all(row.baseline is None and np.isnan(row.change) for row in evaluation.class_figures)


def test_two_processes_count_as_one(spec: DatasetSpec) -> None:
    (spec.output / "a10.png").write_bytes(b"no image")
    runs = [run_over(spec, workers=workers) for workers in (1, 2)]
    steps = [list(run) for run in runs]
    assert steps[0] == steps[1]
    first, second = (run.evaluation for run in runs)
    assert first.images == second.images
    np.testing.assert_array_equal(first.labels.regions.counts, second.labels.regions.counts)
    np.testing.assert_array_equal(first.labels.boundaries.right, second.labels.boundaries.right)


def test_failures_are_told_and_the_rest_is_counted(spec: DatasetSpec, tmp_path: Path) -> None:
    assert spec.ground_truth is not None
    save_image(spec.output / "a2.png", np.zeros((40, 30), np.uint8))
    save_image(spec.output / "a10.png", np.full(SHAPE, 21, np.uint8))
    (spec.folder("pseudo") / "b.png").unlink()
    (spec.ground_truth / "c.png").unlink()
    save_image(spec.output / "d.png", np.zeros(SHAPE, np.uint8))
    save_image(spec.ground_truth / "d.png", np.zeros(SHAPE, np.uint8))
    save_image(spec.folder("pseudo") / "d.png", np.zeros(SHAPE, np.uint8))
    run = run_over(spec)
    assert len(run) == 4
    told = {step.sample_id: step.message for step in run}
    assert told == {
        "b": "b: no pseudo-labels",
        "a2": told["a2"],
        "a10": told["a10"],
        "d": "",
    }
    found = "found labels of 40 × 30 pixels (height × width)"
    expected = f"expected 30 × 40 pixels (height × width) as {spec.ground_truth / 'a2.png'}"
    assert says(told["a2"], spec.output / "a2.png", found, expected)
    assert says(told["a10"], spec.output / "a10.png", "found label 21", "expected 0 to 20")
    assert run.without_truth == ["c"]
    assert [row.sample_id for row in run.evaluation.images] == ["d"]
    assert np.isnan(run.evaluation.running.iou)


def test_a_list_misses_what_is_not_there(spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("c\nz\na2\n")
    run = run_over(spec.model_copy(update={"list_file": tmp_path / "list.txt"}))
    assert [(step.sample_id, step.message) for step in run] == [
        ("z", "z: no labels"), ("c", ""), ("a2", ""),
    ]  # fmt: skip


def test_folders_without_a_pair_are_refused(spec: DatasetSpec) -> None:
    told = "found 4 label files, none with all of labels, ground truth"
    empty = spec.output / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=told):
        EvaluationRun(open_labels(spec.output, ground_truth=empty))
    with pytest.raises(InputError, match="found no ground_truth; expected a folder of it"):
        EvaluationRun(open_labels(spec.output))


def test_an_image_beyond_the_memory_is_a_failure(
    spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(workflow, "read_labels", full)
    step = next(iter(run_over(spec)))
    assert step.message == f"too large for the memory of this computer: {spec.output / 'a2.png'}"


def test_the_tables_and_the_json_read_back(spec: DatasetSpec, tmp_path: Path) -> None:
    evaluation = evaluated(spec)
    path = tmp_path / "e.csv"
    files = write_evaluation(path, evaluation, running=True)
    assert files == [path, class_table(path), path.with_suffix(".json"), released_table(path)]
    told = json.loads(files[2].read_text())
    assert told["mean"] == vars(evaluation.labels.mean)
    assert evaluation.baseline is not None
    assert told["baseline_mean"] == vars(evaluation.baseline.mean)
    assert told["classes"][1]["recall"] is None  # class 3, which the truth does not hold
    for row, line, of_json in zip(evaluation.images, read_table(path), told["images"], strict=True):
        assert line["sample_id"] == of_json["sample_id"] == row.sample_id
        assert float(line["iou"]) == of_json["iou"] == row.labels.iou
        assert float(line["change"]) == of_json["change"] == row.change
        for k in (0, 8, 12, 15):
            cell = line[f"iou {VOC.name(k)}"]
            assert (float(cell) if cell else None) == row.iou.get(k)
        assert of_json["classes"] == {str(k): iou for k, iou in row.iou.items()}
    for figures, line in zip(evaluation.class_figures, read_table(files[1]), strict=True):
        assert (int(line["class_id"]), line["class"]) == (figures.class_id, figures.name)
        assert float(line["iou"]) == figures.labels.iou
        assert line["recall"] == ("" if not figures.pixels else str(figures.labels.recall))
    for row, line in zip(evaluation.images, read_table(files[3]), strict=True):
        assert row.released_baseline is not None
        assert float(line["after_sam_mIoU"]) == row.running.iou
        delta = row.running.iou - row.released_baseline.iou
        assert float(line["mIoU_delta"]) == delta


def test_without_a_baseline_the_tables_have_no_columns_for_it(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    files = write_evaluation(tmp_path / "e.csv", evaluated(spec, baseline=False), running=True)
    for file in (files[0], files[1], files[3]):
        header = file.read_text().splitlines()[0]
        assert "baseline" not in header
        assert "pseudo" not in header
        assert "change" not in header
    assert json.loads(files[2].read_text())["baseline_mean"] is None


def test_a_table_that_cannot_be_written_is_told(spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match=r"^a file has that name: "):
        write_evaluation(tmp_path / "file" / "e.csv", evaluated(spec))


def test_pascal_voc_gives_the_known_figures() -> None:
    known_file = DATA / "truth120.json"
    if not known_file.is_file():
        pytest.skip(f"no known figures in {known_file}")
    known = json.loads(known_file.read_text())
    voc = DATA / "voc"
    run = EvaluationRun(
        open_labels(
            voc / "pseudo_transcam",
            Role.TRUTH,
            ground_truth=voc / "SegmentationClass",
            list_file=voc / "train120.txt",
        )
    )
    assert not [step.message for step in run if step.message]
    evaluation = run.evaluation
    assert len(evaluation.images) == known["images"]
    of_truth = [row for row in evaluation.class_figures if row.pixels]
    assert len(of_truth) == known["classes_in_truth"]
    mean = evaluation.labels.mean
    told = [round(100 * share, 4) for share in (mean.iou, mean.precision, mean.recall)]
    assert told == [known["miou"], known["mean_precision"], known["mean_recall"]]
    ious = {str(row.class_id): round(100 * row.labels.iou, 4) for row in of_truth}
    assert ious == known["iou"]
