"""`sweep` and `evaluate`, stopped and killed, go on where they were."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.cli import sweep as sweep_command
from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.workflow.measure.checkpoint import checkpoint_file
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from napari_sepl.workflow.measure.sweep import SweepRun
from napari_sepl.workflow.results import Outcome, SampleResult
from tests.files.making import save_image
from tests.messages import says
from tests.program import Run
from tests.workflow.checkpointing import write_labelled_samples

RUNS: dict[str, Any] = {"sweep": SweepRun, "evaluate": EvaluationRun}
BOTH = pytest.mark.parametrize("command", RUNS)

KILLED_AFTER_TWO = """
import os, signal
from napari_sepl.workflow.measure import checkpoint

checkpoint.EVERY = checkpoint._SHARE = 0
save = checkpoint.RunCheckpoint.save

def save_and_die(self):
    save(self)
    if len(self.stamps) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint.RunCheckpoint.save = save_and_die
from napari_sepl.cli import main
main()
"""


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return write_labelled_samples(tmp_path / "samples")


def files_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def check_going_on(run: Run, command: str, dataset: Path, folder: Path, *options: str) -> None:
    """Go on after two samples, to what a run tells and saves that was never stopped."""
    code, out, err = run(command, dataset, "--table", folder / "t.csv", *options)
    assert code == 0
    assert f"resumes after 2 of 4 samples: {folder / 't.csv'}" in err
    whole = folder.with_name("whole")
    code, expected, err = run(command, dataset, "--table", whole / "t.csv")
    assert (code, out) == (0, expected.replace(str(whole), str(folder)))
    assert "resumes" not in err
    assert out.startswith("4 samples: 4 counted\n")
    assert files_in(folder) == files_in(whole)
    assert all(name.startswith("t") for name in files_in(folder))


@BOTH
@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_after_ctrl_c_the_same_command_goes_on(
    run: Run,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    options: tuple[str, ...],
) -> None:
    plain = RUNS[command].__iter__

    def stopped_after_two(self: SweepRun | EvaluationRun) -> Iterator[SampleResult[None]]:
        steps = plain(self)
        yield next(steps)
        yield next(steps)
        raise KeyboardInterrupt

    table = tmp_path / "out" / "t.csv"
    before = None
    if options:  # there is a table of an earlier run
        assert run(command, dataset, "--table", table)[0] == 0
        code, out, err = run(command, dataset, "--table", table)
        assert (code, out) == (1, "")
        assert says(err, f"exists: {table}; --overwrite replaces it, or choose another --table.")
        before = table.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(RUNS[command], "__iter__", stopped_after_two)
        code, out, err = run(command, dataset, "--table", table, *options)
    assert (code, out) == (130, "4 samples: 2 counted\n")
    assert "Stopped. The counts so far are kept; the same command resumes." in err
    assert (table.read_bytes() if table.exists() else None) == before
    assert list(table.parent.glob("*.npz")) == [checkpoint_file(table)]
    check_going_on(run, command, dataset, table.parent, *options)


@BOTH
def test_where_a_table_may_not_be_the_table_itself_is_named(
    run: Run, dataset: Path, spec: DatasetSpec, command: str
) -> None:
    assert spec.pseudo is not None
    table = spec.pseudo / "t.csv"
    code, _, err = run(command, dataset, "--table", table)
    assert code == 1
    assert says(err, table, "found a place in an input folder", f"outside {spec.pseudo} to")


@pytest.mark.parametrize("command", [*RUNS, "report"])
def test_ground_truth_of_only_ignore_is_no_success(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path, command: str
) -> None:
    assert spec.ground_truth is not None
    for path in spec.ground_truth.iterdir():
        save_image(path, np.full_like(read_labels(path), 255))
    to = ("--to", "x.html") if command == "report" else ("--table", "x.csv")
    code, out, err = run(command, dataset, to[0], tmp_path / "new" / to[1])
    assert (code, out) == (1, "4 samples: 4 counted\n")
    assert says(err, spec.ground_truth, "found only pixels of 255 (ignore)", "expected ground")
    assert not list((tmp_path / "new").iterdir())


@BOTH
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9")
def test_after_kill_9_the_same_command_goes_on(
    run: Run, dataset: Path, tmp_path: Path, command: str
) -> None:
    table = tmp_path / "out" / "t.csv"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_TWO, command, dataset, "--table", table],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert list(table.parent.glob("*.npz")) == [checkpoint_file(table)]
    check_going_on(run, command, dataset, table.parent)


@BOTH
def test_without_a_table_ctrl_c_keeps_nothing(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def stopped(self: SweepRun | EvaluationRun) -> Iterator[SampleResult[None]]:
        yield SampleResult("a2", Outcome.COUNTED)
        raise KeyboardInterrupt

    monkeypatch.setattr(RUNS[command], "__iter__", stopped)
    before = sorted(tmp_path.rglob("*"))
    code, _, err = run(command, dataset)
    assert code == 130
    assert "nothing is saved" in err
    assert "resumes" not in err
    assert sorted(tmp_path.rglob("*")) == before


@BOTH
def test_what_is_damaged_is_said_and_counted_anew(
    run: Run, dataset: Path, tmp_path: Path, command: str
) -> None:
    table = tmp_path / "t.csv"
    checkpoint_file(table).write_text("no progress")
    code, out, err = run(command, dataset, "--table", table)
    assert code == 0
    assert out.startswith("4 samples: 4 counted\n")
    problem = "found damaged content, or something else"
    assert says(err, checkpoint_file(table), problem, "All samples are counted again.")
    assert not checkpoint_file(table).exists()


def test_what_is_counted_is_kept_until_the_table_is_saved(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **_named: object) -> None:
        raise SaveError("the disk is full")

    table = tmp_path / "out" / "t.csv"
    with monkeypatch.context() as patched:
        patched.setattr(sweep_command, "write_sweep", full)
        code, shown, err = run("sweep", dataset, "--table", table)
    assert code == 1
    assert "the disk is full" in err
    assert "best " in shown  # a result that cannot be saved is not lost
    assert "not saved, shown here only" in shown
    assert "saved " not in shown
    code, out, err = run("sweep", dataset, "--table", table)
    assert code == 0
    assert "resumes after 4 of 4 samples" in err
    assert out.startswith("4 samples: 4 counted\n")
    assert not checkpoint_file(table).exists()
