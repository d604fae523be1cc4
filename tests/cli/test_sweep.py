"""The command `sweep`."""

import csv
import json
from functools import partial
from pathlib import Path

import pytest

from napari_sepl import Params
from napari_sepl.cli.sweep import _at_edge
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
)
from napari_sepl.workflow.measure.sweep import Point, Sweep, SweepRun
from tests.messages import assert_says, says
from tests.program import Run
from tests.workflow.sweeping import options


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "sweep")


def expected(spec: DatasetSpec, params: Params | None = None) -> Sweep:
    run = SweepRun(SampleIndex.open(spec), params or Params())
    list(run)
    return run.sweep


@pytest.mark.parametrize("option", ["layout", "root", "split"])
def test_what_has_no_use_beside_a_file_is_refused(run: Run, dataset: Path, option: str) -> None:
    code, _, err = run(dataset, f"--{option}", "voc")
    assert code == 2
    assert_says(err, f"--{option}: ", "leave")


def test_a_split_without_a_layout_is_refused(run: Run, spec: DatasetSpec) -> None:
    code, _, err = run(*options(spec, "images", "pseudo", "masks"), "--split", "val")
    assert code == 2
    assert "--split: there is no --root" in err


def test_it_tells_the_best_pairs_and_saves_all(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    save = tmp_path / "new" / "sweep.csv"
    code, out, _ = run(dataset, "--table", save)
    sweep = expected(spec)
    assert code == 0
    assert sweep.best is not None
    assert sweep.default is not None
    lines = out.splitlines()
    assert lines[0] == "4 samples: 4 counted"
    assert lines[1].split()[:5] == ["default", "t1", "0.5", "t2", "0.85"]
    best = ["best", "t1", f"{sweep.best.t1:g}", "t2", f"{sweep.best.t2:g}", "mIoU"]
    assert lines[2].split()[:6] == best
    for line, point in zip(lines[1:3], (sweep.default, sweep.best), strict=True):
        row, col = sweep.position(point.t1, point.t2) or (-1, -1)
        change = f"changed {100 * sweep.change[row, col]:.2f} % of pixels"
        assert line.endswith(f"mIoU {100 * point.iou:.2f} %, {change}")
    assert [line.split()[0] for line in lines[3:7]] == ["background", "cat", "dog", "person"]
    for line, found in zip(lines[3:7], sweep.best_of_classes, strict=True):
        told = f"IoU {100 * found.best.iou:.2f} %, at the defaults {100 * found.default:.2f} %"
        assert line.endswith(told)
    assert lines[-2] == f"to use the best pair: --t1 {sweep.best.t1:.4g} --t2 {sweep.best.t2:.4g}"
    assert lines[-1] == f"saved {save}, {save.with_name('sweep-classes.csv')}"
    assert len(list(csv.DictReader(save.read_text().splitlines()))) == 21 * 21


def test_a_best_pair_that_is_the_default_needs_no_option(
    run: Run, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sweep, "best", property(lambda sweep: sweep.default))
    out = run(dataset)[1]
    assert "the best pair is the default" in out
    assert "to use" not in out


def test_without_a_file_nothing_is_saved(run: Run, spec: DatasetSpec) -> None:
    words = options(spec, "images", "pseudo", "masks", "ground_truth")
    code, out, _ = run(*words, "--steps", 3)
    assert code == 0
    assert "saved" not in out
    assert not spec.output.exists()


def test_without_truth_it_tells_the_agreement(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    save = tmp_path / "sweep.csv"
    code, out, err = run(*options(spec, "images", "pseudo", "masks"), "--table", save, "--steps", 3)
    assert code == 0
    assert "agreement" in out
    assert "best" not in out
    assert "no ground truth: agreement is mean IoU with the pseudo-labels" in err
    rows = list(csv.DictReader(save.read_text().splitlines()))
    assert [float(row["t2"]) for row in rows[:4]] == [0, 0.5, 0.85, 1]
    assert len(rows) == 3 * 4
    assert not (tmp_path / "sweep-classes.csv").exists()


def test_every_option_counts(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("b\nc\n")
    (tmp_path / "my.toml").write_text(
        "classes = [" + ", ".join(f'{{name = "n{k}"}}' for k in range(16)) + "]"
    )
    words = [*options(spec, "images", "pseudo", "masks", "ground_truth"), "--strategy", "released"]
    words += ["--conflict", "pseudo", "--list", tmp_path / "list.txt"]
    code, out, _ = run(*words, "--classes", tmp_path / "my.toml", "--workers", 2)
    params = Params(strategy=Strategy.RELEASED, conflict=Conflict.PSEUDO)
    two = spec.model_copy(update={"list_file": tmp_path / "list.txt"})
    sweep = expected(two, params)
    assert code == 0
    assert sweep.best is not None
    assert out.startswith("2 samples: 2 counted\n")
    assert f"mIoU {100 * sweep.best.iou:.2f} %" in out.splitlines()[2]
    assert "\nn12 " in out


def test_a_layout_is_found(run: Run, spec: DatasetSpec) -> None:
    assert spec.images is not None
    root = spec.images.parent
    spec.images.rename(root / "JPEGImages")
    assert spec.ground_truth is not None
    spec.ground_truth.rename(root / "SegmentationClass")
    code, out, _ = run("--layout", "voc", "--root", root, "--steps", 2)
    assert (code, out.splitlines()[0]) == (0, "4 samples: 4 counted")


def test_failures_are_told_one_a_line_and_the_rest_is_counted(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.masks is not None
    (spec.masks / "a2.json").write_text("[")
    assert spec.ground_truth is not None
    (spec.ground_truth / "b.png").unlink()
    code, out, err = run(dataset, "--table", tmp_path / "sweep.csv", "--steps", 3)
    assert code == 1
    assert out.startswith("3 samples: 2 counted, 1 failed\n")
    lines = err.splitlines()
    assert says(err, spec.masks / "a2.json", "found damaged")
    assert "1 sample: no ground truth, so not used: b" in lines
    assert (tmp_path / "sweep.csv").exists()


def test_where_all_fail_nothing_is_told(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.masks is not None
    for path in spec.masks.iterdir():
        path.write_text("[")
    code, out, _ = run(dataset, "--table", tmp_path / "sweep.csv")
    assert (code, out) == (1, "4 samples: 0 counted, 4 failed\n")
    assert not (tmp_path / "sweep.csv").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--steps", "1"], "--steps"),
        (["--steps", "1000"], "--steps"),
        (["--workers", "0"], "--workers"),
        (["--strategy", "oak"], "--strategy"),
        (["--conflict", "none"], "--conflict"),
        (["--table", "sweep.png"], "does not end in .csv"),
        (["--t1", "0.5"], "--t1"),
    ],
)
def test_wrong_usage_is_exit_code_two(
    run: Run, dataset: Path, options: list[str], told: str
) -> None:
    code, _, err = run(dataset, *options)
    assert code == 2
    assert told in err


def test_missing_folders_are_wrong_usage(run: Run, spec: DatasetSpec) -> None:
    code, _, err = run()
    assert code == 2
    assert "--images is missing" in err
    code, _, err = run(*options(spec, "images", "pseudo"))
    assert code == 2
    assert "--masks is missing" in err
    assert spec.masks is not None
    spec.masks.rename(spec.masks.with_name("others"))
    assert spec.images is not None
    spec.images.rename(spec.images.with_name("JPEGImages"))
    code, _, err = run("--layout", "voc", "--root", spec.images.parent)
    assert code == 2
    assert "--masks is missing" in err


def test_a_dataset_that_cannot_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "dataset.toml"
    path.write_text("[")
    code, out, err = run(path)
    assert (code, out) == (1, "")
    assert says(err, "napari-sepl: ", path, "found text that is not valid TOML (")


def test_a_best_pair_at_the_edge_of_the_grid_is_said(
    run: Run, dataset: Path, spec: DatasetSpec
) -> None:
    code, out, _ = run(dataset, "--steps", 2, "--ground-truth", spec.pseudo)
    best = next(line for line in out.splitlines() if line.startswith("best "))
    values = {name: float(best.split(name)[1].split()[0]) for name in ("t1", "t2")}
    named = [f"at {name} = {value:g}, " for name, value in values.items() if value in (0, 1)]
    assert named
    assert code == 0
    assert says(out, "the best pair is at the edge of the grid: ", *named)
    assert not any(
        f"at {name} = {value:g}, " in out for name, value in values.items() if 0 < value < 1
    )


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (Strategy.PAPER, {"t1 = 1": "no mask passes by o_s", "t2 = 1": "no mask passes by o_p"}),
        (Strategy.RELEASED, {"t1 = 1": "no mask passes by o_s", "t2 = 0": "all masks pass by o_p"}),
        (Strategy.TREE, {"t1 = 0": "cost nothing", "t2 = 1": "pseudo-labels are kept"}),
    ],
)
def test_what_an_edge_means_follows_from_the_strategy(
    spec: DatasetSpec, strategy: Strategy, told: dict[str, str]
) -> None:
    sweep = expected(spec, Params(strategy=strategy))
    t1, t2 = (float(edge.split()[-1]) for edge in told)
    meant = dict(_at_edge(sweep, Point(t1, t2, 0.5)))
    assert list(meant) == list(told)
    assert all(words in meant[edge] for edge, words in told.items())
    assert not dict(_at_edge(sweep, Point(0.5, 0.85, 0.5)))


def test_samples_without_pseudo_labels_are_counted(run: Run, spec: DatasetSpec) -> None:
    assert spec.pseudo is not None
    (spec.pseudo / "c.png").unlink()
    words = (
        "--images", spec.images, "--pseudo", spec.pseudo, "--masks", spec.masks,
        "--ground-truth", spec.ground_truth, "--json",
    )  # fmt: skip
    _, out, err = run(*words)
    assert says(err, "1 sample: no pseudo-labels, so not used: c")
    assert json.loads(out)["left_out"] == {"no pseudo-labels": ["c"], "no ground truth": []}
