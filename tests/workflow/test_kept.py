"""Runs that are stopped and go on: the tables are those of a run that was not."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.progress import progress_file, read_progress
from napari_sepl.workflow.measure import kept
from napari_sepl.workflow.spread.processes import Processes
from tests.workflow.keeping import (
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
    assert keeping.told == f"{table}: goes on after {done} of 4 samples"
    assert counted(run) == list(IDS[done:])
    assert tables(run, tmp_path / "1") == tables(whole, tmp_path / "2")
    keeping.save()
    keeping.end()
    assert not progress_file(table).exists()


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
    broken = spec.masks / "a10.json" if begin is begin_sweep else spec.out / "a10.png"
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
    assert not progress_file(table).exists()
    monkeypatch.setattr(kept, "EVERY", 0)
    monkeypatch.setattr(kept, "_SHARE", 0)
    run = begin(spec)
    run.keep_beside(table)
    for number, _ in enumerate(run, 1):
        found = read_progress(progress_file(table))
        assert found is not None
        assert list(found.stamps) == list(IDS[:number])


def interrupted_at_b(
    run: Run, table: Path, patched: pytest.MonkeyPatch, interrupt: Callable[[], None]
) -> None:
    """Count until something happens while b is added."""
    plain = type(run)._add

    def add(self: Run, sample_id: str, counts: object) -> None:
        if sample_id == "b":
            interrupt()
        plain(self, sample_id, counts)  # type: ignore[arg-type]

    patched.setattr(type(run), "_add", add)
    keeping = run.keep_beside(table)
    with pytest.raises((KeyboardInterrupt, MemoryError)):
        list(run)
    keeping.save()
    assert keeping.holds


@BOTH
def test_ctrl_c_waits_until_a_sample_is_whole(
    spec: DatasetSpec, table: Path, tmp_path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a shell gives the programs it starts in the background none
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patched:
            ctrl_c = partial(signal.raise_signal, signal.SIGINT)
            interrupted_at_b(begin(spec), table, patched, ctrl_c)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    whole, run = begin(spec), begin(spec)
    list(whole)
    assert "goes on after 3 of 4" in run.keep_beside(table).told
    assert counted(run) == ["c"]
    assert tables(run, tmp_path / "1") == tables(whole, tmp_path / "2")


@BOTH
def test_half_a_sample_is_never_written(
    spec: DatasetSpec, table: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise MemoryError

    stop_after(begin(spec), table, 1)
    before = progress_file(table).read_bytes()
    interrupted_at_b(begin(spec), table, monkeypatch, full)
    assert progress_file(table).read_bytes() == before
