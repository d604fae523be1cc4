"""Runs that are stopped: they go on to the same tables, or say why all is counted again."""

import os
from pathlib import Path

import pytest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.measure import checkpoint, evaluate, sweep
from napari_sepl.workflow.measure.checkpoint import checkpoint_file, read_checkpoint
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from napari_sepl.workflow.measure.sweep import DEFAULTS, SweepRun
from napari_sepl.workflow.parallel.processes import Processes
from tests.files.dataset.opening import open_labels
from tests.workflow.checkpointing import (
    BOTH,
    T1,
    T2,
    Begin,
    Run,
    begin_evaluation,
    begin_sweep,
    counted,
    stop_after,
    tables,
    write_labelled_samples,
)
from tests.workflow.sweeping import IDS


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return write_labelled_samples(tmp_path / "samples")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@BOTH
@pytest.mark.parametrize("stops", [[1], [3], [1, 2], [4]])
def test_a_stopped_run_goes_on_to_the_same_tables(
    spec: DatasetSpec, table: Path, tmp_path: Path, begin: Begin, stops: list[int]
) -> None:
    whole = begin(spec)
    assert counted(whole) == list(IDS)
    for count in stops:
        stop_after(begin(spec), table, count)
    run, done = begin(spec), sum(stops)
    keeping = run.keep_beside(table)
    assert keeping.note == f"resumes after {done} of 4 samples: {table}"
    assert counted(run) == list(IDS[done:])
    assert tables(run, tmp_path / "1") == tables(whole, tmp_path / "2")
    keeping.save()
    keeping.end()
    assert not checkpoint_file(table).exists()


@BOTH
def test_it_goes_on_in_other_processes(
    spec: DatasetSpec, table: Path, tmp_path: Path, begin: Begin
) -> None:
    whole = begin(spec)
    list(whole)
    stop_after(begin(spec, Processes(2)), table, 2)
    run = begin(spec)
    run.keep_beside(table)
    assert counted(run) == ["b", "c"]
    assert tables(run, tmp_path / "1") == tables(whole, tmp_path / "2")


@BOTH
def test_without_a_table_nothing_is_kept(spec: DatasetSpec, tmp_path: Path, begin: Begin) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert counted(begin(spec)) == list(IDS)
    assert sorted(tmp_path.rglob("*")) == before


@BOTH
def test_a_sample_that_failed_is_tried_again_and_has_its_place(
    spec: DatasetSpec, table: Path, tmp_path: Path, begin: Begin
) -> None:
    whole = begin(spec)
    list(whole)
    broken = spec.folder("masks") / "a10.json" if begin is begin_sweep else spec.output / "a10.png"
    content = broken.read_bytes()
    broken.write_bytes(b"[")
    first = begin(spec)
    keeping = first.keep_beside(table)
    assert [step.sample_id for step in first if step.message] == ["a10"]
    keeping.save()
    broken.write_bytes(content)
    run = begin(spec)
    run.keep_beside(table)
    assert counted(run) == ["a10"]
    assert tables(run, tmp_path / "1") == tables(whole, tmp_path / "2")


@BOTH
def test_it_is_written_on_the_way_where_it_is_time(
    spec: DatasetSpec, table: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(spec)
    run.keep_beside(table)
    next(iter(run))
    assert not checkpoint_file(table).exists()
    monkeypatch.setattr(checkpoint, "EVERY", 0)
    monkeypatch.setattr(checkpoint, "_SHARE", 0)
    run = begin(spec)
    run.keep_beside(table)
    for number, _ in enumerate(run, 1):
        about, _ = read_checkpoint(checkpoint_file(table))
        assert list(about["stamps"]) == list(IDS[:number])


@BOTH
@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_half_a_sample_is_never_written(
    spec: DatasetSpec,
    table: Path,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    stop: type[BaseException],
) -> None:
    stop_after(begin(spec), table, 1)
    before = checkpoint_file(table).read_bytes()
    run = begin(spec)
    plain = type(run)._add

    def add(self: Run, sample_id: str, counts: object) -> None:
        plain(self, sample_id, counts)  # type: ignore[arg-type]
        if sample_id == "b":
            raise stop

    monkeypatch.setattr(type(run), "_add", add)
    keeping = run.keep_beside(table)
    with pytest.raises(stop):
        list(run)
    keeping.save()
    assert keeping.holds
    assert checkpoint_file(table).read_bytes() == before


@BOTH
def test_a_disk_that_is_full_for_a_while_costs_no_run(
    spec: DatasetSpec, table: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SaveError("the disk is full")

    monkeypatch.setattr(checkpoint, "EVERY", 0)
    monkeypatch.setattr(checkpoint, "_SHARE", 0)
    run = begin(spec)
    keeping = run.keep_beside(table)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "write_whole", full)
        assert counted(run) == list(IDS)
        keeping.save()
        assert (keeping.problem, keeping.holds) == ("the disk is full", False)
    keeping.save()
    assert (keeping.problem, keeping.holds) == ("", True)


def expect_anew(run: Run, table: Path, told: str) -> None:
    keeping = run.keep_beside(table)
    assert told in keeping.note
    assert "counted again" in keeping.note
    assert not keeping.holds
    ids = run.ids
    assert counted(run) == list(ids)
    keeping.save()
    about, _ = read_checkpoint(checkpoint_file(table))
    assert list(about["stamps"]) == list(ids)


@pytest.mark.parametrize(
    ("begin", "role"),
    [(begin_sweep, role) for role in ("images", "pseudo", "masks", "ground_truth")]
    + [(begin_evaluation, role) for role in ("out", "pseudo", "ground_truth")],
)
def test_after_a_change_of_a_file_all_are_counted_anew(
    spec: DatasetSpec, table: Path, begin: Begin, role: str
) -> None:
    stop_after(begin(spec), table, 2)
    folder = getattr(spec, role)
    (later,) = folder.glob("b.*")
    os.utime(later, ns=(0, 0))  # which is not counted yet
    assert "resumes after 2" in begin(spec).keep_beside(table).note
    (file,) = folder.glob("a10.*")
    os.utime(file, ns=(0, 0))
    expect_anew(begin(spec), table, "files of a10 have changed")
    for file in folder.glob("a*.*"):
        os.utime(file, ns=(0, 1))
    expect_anew(begin(spec), table, "files of a2 and of 1 more samples have changed")


@BOTH
def test_a_file_that_changes_while_it_is_read_counts_as_changed(
    spec: DatasetSpec, table: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sweep if begin is begin_sweep else evaluate
    plain = module._count if module is sweep else module._compare

    def change_first(*words: object) -> object:
        assert spec.ground_truth is not None
        os.utime(spec.ground_truth / "a2.png", ns=(0, 0))
        return plain(*words)

    monkeypatch.setattr(module, plain.__name__, change_first)
    stop_after(begin(spec), table, 1)
    monkeypatch.undo()
    assert "files of a2 have changed" in begin(spec).keep_beside(table).note


@BOTH
def test_without_a_sample_that_was_counted_all_are_counted_anew(
    spec: DatasetSpec, table: Path, begin: Begin
) -> None:
    stop_after(begin(spec), table, 2)
    for folder in (spec.folder("pseudo"), spec.output):
        (folder / "a2.png").unlink()
    expect_anew(begin(spec), table, "a2 was counted, and is none of the samples any more")


@pytest.mark.parametrize(
    ("begin", "other"),
    [
        (begin_sweep, "pseudo_format"),
        (begin_sweep, "masks"),
        (begin_evaluation, "pseudo"),
    ],
)
def test_other_folders_and_formats_are_another_run(
    spec: DatasetSpec, table: Path, tmp_path: Path, begin: Begin, other: str
) -> None:
    stop_after(begin(spec), table, 2)
    if other == "pseudo_format":
        spec = spec.model_copy(update={other: "labels"})
    else:
        moved = getattr(spec, other).rename(tmp_path / "moved")
        spec = spec.model_copy(update={other: moved})
    expect_anew(begin(spec), table, f"kept by a run that differs in {other}: ")


def test_other_settings_of_a_sweep_are_another_run(spec: DatasetSpec, table: Path) -> None:
    stop_after(begin_sweep(spec), table, 2)
    dataset = SampleIndex.open(spec)
    params = Params(t1=0.1, strategy=Strategy.RELEASED, background=0.3)
    for run, told in [
        (SweepRun(dataset, params, T1, T2), "differs in strategy, background: "),
        (SweepRun(dataset, params, T1[:2], T2), "differs in t1: "),
        (SweepRun(dataset, DEFAULTS, T1[:2], T2[:1]), "differs in strategy, background, t2: "),
    ]:
        expect_anew(run, table, told)


def test_other_classes_and_cuts_of_an_evaluation_are_another_run(
    spec: DatasetSpec, table: Path
) -> None:
    stop_after(begin_evaluation(spec), table, 2)
    places = {"ground_truth": spec.ground_truth, "classes": "coco"}
    for run, told in [
        (begin_evaluation(spec.model_copy(update={"pseudo": None})), "pseudo"),
        (EvaluationRun(open_labels(spec.output, **places)), "classes"),
        (EvaluationRun(open_labels(spec.output, **places, pseudo=spec.pseudo), background=0.3),
         "background, pseudo"),
    ]:  # fmt: skip
        expect_anew(run, table, f"differs in {told}: ")


def test_the_other_command_and_another_version_are_another_run(
    spec: DatasetSpec, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(begin_sweep(spec), table, 2)
    expect_anew(begin_evaluation(spec), table, "differs in command, ")
    monkeypatch.setattr(checkpoint, "__version__", "0.0.1")
    expect_anew(begin_evaluation(spec), table, "differs in version: ")


@BOTH
@pytest.mark.parametrize("length", [0, 10, 40, 1000])
def test_of_a_damaged_file_nothing_is_taken(
    spec: DatasetSpec, table: Path, begin: Begin, length: int
) -> None:
    stop_after(begin(spec), table, 2)
    path = checkpoint_file(table)
    path.write_bytes(path.read_bytes()[:length])
    expect_anew(begin(spec), table, str(path))
