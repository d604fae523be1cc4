"""The command `evaluate`."""

import errno
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from napari_sepl.workflow.measure.metrics import Evaluation
from tests.files.making import save_image
from tests.messages import assert_says, plain, says
from tests.program import Run
from tests.workflow.checkpointing import write_labelled_samples


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "evaluate")


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return write_labelled_samples(tmp_path / "samples")


def expected(spec: DatasetSpec, *, baseline: bool = True) -> Evaluation:
    index = SampleIndex.open(
        spec, (Role.LABELS, Role.TRUTH), (Role.PSEUDO,) if baseline else (), lead=Role.LABELS
    )
    run = EvaluationRun(index)
    list(run)
    return run.evaluation


def test_a_dataset_is_compared_with_its_pseudo_labels(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    save = tmp_path / "new" / "e.csv"
    code, out, _ = run(dataset, "--table", save, "--as-released")
    evaluation = expected(spec)
    assert code == 0
    assert evaluation.baseline is not None
    assert evaluation.released_baseline is not None
    lines = out.splitlines()
    assert lines[0] == "4 samples: 4 counted"
    assert lines[1] == "in percent; mean over 4 classes; change against the pseudo-labels"
    mean, before = evaluation.labels.mean, evaluation.baseline.mean
    shares = (mean.iou, mean.iou - before.iou, mean.precision, mean.recall, mean.boundary_iou)
    told = [f"{100 * share:.2f}" for share in shares]
    told[1] = f"{100 * shares[1]:+.2f}"
    assert lines[3].split() == ["mean", *told]
    assert [line.split()[0] for line in lines[4:9]] == [
        "background", VOC.name(3), "cat", "dog", "person",
    ]  # fmt: skip
    assert lines[5].endswith("not in the ground truth, not in the mean")
    assert lines[9].startswith(
        f"as released, mean over images, labels: mIoU {100 * evaluation.running.iou:.2f} %"
    )
    assert f"baseline: mIoU {100 * evaluation.released_baseline.iou:.2f} %" in lines[10]
    names = ("e.csv", "e-classes.csv", "e.json", "e-released.csv")
    assert lines[11] == f"saved {', '.join(str(save.with_name(name)) for name in names)}"


def test_folders_alone_do_and_save_nothing(run: Run, spec: DatasetSpec) -> None:
    before = sorted(spec.output.parent.rglob("*"))
    code, out, _ = run("--labels", spec.out, "--ground-truth", spec.ground_truth, "--workers", 2)
    mean = expected(spec, baseline=False).labels.mean
    assert code == 0
    columns = [mean.iou, mean.precision, mean.recall, mean.boundary_iou]
    assert out.splitlines()[3].split()[1:] == [f"{100 * share:.2f}" for share in columns]
    assert "as released" not in out
    assert sorted(spec.output.parent.rglob("*")) == before


def test_options_stand_before_the_dataset(run: Run, dataset: Path, spec: DatasetSpec) -> None:
    code, out, _ = run(dataset, "--labels", spec.ground_truth, "--pseudo", spec.out)
    assert code == 0
    assert out.splitlines()[3].split()[1] == "100.00"


def test_a_list_and_classes_count(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("b\nc\n")
    (tmp_path / "my.toml").write_text(
        "classes = [" + ", ".join(f'{{name = "n{k}"}}' for k in range(16)) + "]"
    )
    words = [
        "--labels",
        spec.out,
        "--ground-truth",
        spec.ground_truth,
        "--list",
        tmp_path / "list.txt",
    ]
    code, out, _ = run(*words, "--classes", tmp_path / "my.toml")
    assert code == 0
    assert out.startswith("2 samples: 2 counted\n")
    assert "\nn12 " in out


def test_failures_are_told_and_the_rest_is_counted(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    (spec.output / "a2.png").write_text("[")
    assert spec.ground_truth is not None
    (spec.ground_truth / "b.png").unlink()
    code, out, err = run(dataset, "--table", tmp_path / "e.csv")
    assert code == 1
    assert out.startswith("4 samples: 2 counted, 2 failed\n")
    assert says(err, spec.output / "a2.png", "found")
    assert "b: no ground truth" in err.splitlines()
    assert (tmp_path / "e.csv").exists()


def test_a_table_that_cannot_be_saved_is_told_as_such_and_replaces_nothing(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "new" / "e.csv"
    assert run(dataset, "--table", table)[0] == 0
    before = {path.name: path.read_bytes() for path in table.parent.iterdir()}

    def write_all_but_json(part: Path, content: bytes) -> None:
        if content.startswith(b"{"):
            raise OSError(errno.ENOSPC, "No space left on device")
        part.write_bytes(content)

    monkeypatch.setattr("napari_sepl.files.atomic._write_through", write_all_but_json)
    code, out, err = run(dataset, "--table", table, "--overwrite", "--as-released")
    assert code == 1
    assert "e.json (No space left on device); what was there before" in err
    assert out.splitlines()[1] == "not saved, shown here only:"
    kept = {path.name: path.read_bytes() for path in table.parent.glob("[!.]*")}
    assert {name: kept[name] for name in before} == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ground-truth", "."], "--out is missing"),
        (["--labels", "."], "--ground-truth is missing"),
        (["--labels", ".", "--ground-truth", ".", "--table", "e.json"], "does not end in .csv"),
    ],
)
def test_what_is_not_enough_is_refused(run: Run, words: list[str], told: str) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert told in plain(err)


def test_what_is_for_a_baseline_is_refused_without_one(run: Run, tmp_path: Path) -> None:
    code, _, err = run("--labels", tmp_path, "--ground-truth", tmp_path, "--background", 0.3)
    assert code == 2
    assert_says(err, "--background is for the pseudo-labels")


def test_what_one_side_alone_has_is_counted_on_one_line(run: Run, spec: DatasetSpec) -> None:
    assert spec.ground_truth is not None
    assert spec.pseudo is not None
    for sample_id in ("a2", "c"):
        (spec.output / f"{sample_id}.png").unlink()
    (spec.ground_truth / "b.png").unlink()
    save_image(spec.pseudo / "baseline_alone.png", np.zeros((2, 2), np.uint8))
    words = ("--labels", spec.out, "--ground-truth", spec.ground_truth, "--pseudo", spec.pseudo)
    _, out, _ = run(*words)
    assert says(
        out,
        "labels of 2, ground truth of 3 samples; not compared: "
        "2 with no labels (a2, c), 1 with no ground truth (b)",
    )
    _, out, _ = run(*words, "--json")
    told = json.loads(out)
    assert told["found"] == {"labels": 2, "ground truth": 3}
    assert told["left_out"] == {"no labels": ["a2", "c"], "no ground truth": ["b"]}
    _, out, _ = run("--labels", spec.out, "--ground-truth", spec.out)
    assert "not compared" not in out
