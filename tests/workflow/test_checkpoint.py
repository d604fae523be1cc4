"""Runs that are stopped and go on: the tables are those of a run that was not."""

from pathlib import Path

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.measure import checkpoint
from napari_sepl.workflow.measure.checkpoint import checkpoint_file, read_checkpoint
from napari_sepl.workflow.spread.processes import Processes
from tests.workflow.checkpointing import (
    BOTH,
    Begin,
    Run,
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
    assert keeping.note == f"{table}: resumes after {done} of 4 samples"
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
