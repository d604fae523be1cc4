"""The command `evaluate`."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from napari_sepl.files.dataset_spec import DatasetSpec, write_dataset

from napari_sepl.core.classes import VOC
from napari_sepl.workflow.measure.agreement import Evaluation
from napari_sepl.workflow.measure.counted import CountStep
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from tests.files.making import save_picture
from tests.program import Run
from tests.workflow.sweeping import IDS, rectangles, write_samples


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "evaluate")


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    spec = write_samples(tmp_path / "samples")
    spec.out.mkdir()
    for seed, sample_id in enumerate(IDS):
        drawn = rectangles(np.random.default_rng(100 + seed), 12, 8, 15, 3)
        save_picture(spec.out / f"{sample_id}.png", drawn)
    return spec


@pytest.fixture
def dataset(spec: DatasetSpec, tmp_path: Path) -> Path:
    """Write the dataset's TOML file."""
    write_dataset(tmp_path / "dataset.toml", spec)
    return tmp_path / "dataset.toml"


def expected(spec: DatasetSpec, *, baseline: bool = True) -> Evaluation:
    assert spec.truth is not None
    run = EvaluationRun(spec.out, spec.truth, VOC, baseline=spec.pseudo if baseline else None)
    list(run)
    return run.evaluation


def test_a_dataset_is_compared_with_its_pseudo_labels(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    save = tmp_path / "new" / "e.csv"
    code, out, _ = run(dataset, "--out", save, "--as-released")
    evaluation = expected(spec)
    assert code == 0
    assert evaluation.baseline is not None
    assert evaluation.running_baseline is not None
    lines = out.splitlines()
    assert lines[0] == "4 samples: 4 counted"
    mean, before = evaluation.labels.mean, evaluation.baseline.mean
    shares = (mean.iou, mean.iou - before.iou, mean.precision, mean.recall, mean.boundary_iou)
    told = [f"{100 * share:.2f}" for share in shares]
    told[1] = f"{100 * shares[1]:+.2f}"
    assert lines[2].split() == ["mean", *told]
    assert [line.split()[0] for line in lines[3:8]] == [
        "background", VOC.name(3), "cat", "dog", "person",
    ]  # fmt: skip
    assert lines[4].endswith("not in the truth, so in no mean")
    assert lines[8].startswith(
        f"as released, mean over images, labels: mIoU {100 * evaluation.running.iou:.2f} %"
    )
    assert f"baseline: mIoU {100 * evaluation.running_baseline.iou:.2f} %" in lines[9]
    names = ("e.csv", "e-classes.csv", "e.json", "e-released.csv")
    assert lines[10] == f"saved {', '.join(str(save.with_name(name)) for name in names)}"


def test_folders_alone_do_and_save_nothing(run: Run, spec: DatasetSpec) -> None:
    before = sorted(spec.out.parent.rglob("*"))
    code, out, _ = run("--labels", spec.out, "--truth", spec.truth, "--workers", 2)
    mean = expected(spec, baseline=False).labels.mean
    assert code == 0
    columns = [mean.iou, mean.precision, mean.recall, mean.boundary_iou]
    assert out.splitlines()[2].split()[1:] == [f"{100 * share:.2f}" for share in columns]
    assert "as released" not in out
    assert sorted(spec.out.parent.rglob("*")) == before


def test_options_stand_before_the_dataset(run: Run, dataset: Path, spec: DatasetSpec) -> None:
    code, out, _ = run(dataset, "--labels", spec.truth, "--baseline", spec.out)
    assert code == 0
    assert out.splitlines()[2].split()[1] == "100.00"


def test_a_list_and_classes_count(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("b\nc\n")
    (tmp_path / "my.toml").write_text(
        "classes = [" + ", ".join(f'{{name = "n{k}"}}' for k in range(16)) + "]"
    )
    words = ["--labels", spec.out, "--truth", spec.truth, "--list", tmp_path / "list.txt"]
    code, out, _ = run(*words, "--classes", tmp_path / "my.toml")
    assert code == 0
    assert out.startswith("2 samples: 2 counted\n")
    assert "\nn12 " in out


def test_failures_are_told_and_the_rest_is_counted(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    (spec.out / "a2.png").write_text("[")
    assert spec.truth is not None
    (spec.truth / "b.png").unlink()
    code, out, err = run(dataset, "--out", tmp_path / "e.csv")
    assert code == 1
    assert out.startswith("3 samples: 2 counted, 1 failed\n")
    assert any(line.startswith(f"{spec.out / 'a2.png'}: found") for line in err.splitlines())
    assert "b: no truth, left out" in err.splitlines()
    assert (tmp_path / "e.csv").exists()


def test_ctrl_c_saves_no_table(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = EvaluationRun.__iter__

    def stopped_after_one(self: EvaluationRun) -> Iterator[CountStep]:
        yield next(iter(plain(self)))
        raise KeyboardInterrupt

    monkeypatch.setattr(EvaluationRun, "__iter__", stopped_after_one)
    code, out, err = run(dataset, "--out", tmp_path / "e.csv")
    assert code == 130
    assert out == "4 samples: 1 counted\n"
    assert "Stopped. What is counted is kept; the same command goes on from here." in err
    assert not (tmp_path / "e.csv").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--truth", "t"], "--labels is missing"),
        (["--labels", "t"], "--truth is missing"),
        (["--labels", "t", "--truth", "t", "--out", "e.json"], "does not end in .csv"),
    ],
)
def test_what_is_not_enough_is_refused(run: Run, words: list[str], told: str) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert told in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("option", [("--background", 0.3), ("--pseudo-format", "irn")])
def test_what_is_for_a_baseline_is_refused_without_one(
    run: Run, tmp_path: Path, option: tuple[str, object]
) -> None:
    code, _, err = run("--labels", tmp_path, "--truth", tmp_path, *option)
    assert code == 2
    assert "are for a --baseline" in err
