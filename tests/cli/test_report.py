"""The command `report`."""

from functools import partial
from pathlib import Path

import pytest

from napari_sepl.files.dataset.specification import DatasetSpec
from tests.messages import assert_says, says
from tests.program import Run
from tests.workflow.sweeping import IDS


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "report")


def test_it_writes_one_page_and_may_write_it_anew(run: Run, dataset: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "report.html"
    for words in ((), ("--overwrite",)):
        code, out, _ = run(dataset, "--to", page, *words)
        assert code == 0
        assert f"{len(IDS)} counted" in out
        assert f"saved {page}" in out
        assert "(0.0 MB)" not in out
    code, out, err = run(dataset, "--to", page)
    assert (code, out) == (1, "")
    assert says(err, f"exists: {page}; --overwrite replaces it, or choose another --to.")
    assert "SEPL on dataset" in page.read_text()
    assert "Thresholds" in page.read_text()


def test_no_page_where_a_folder_is(run: Run, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "r.html").mkdir()
    code, _, err = run(dataset, "--to", tmp_path / "r.html")
    assert code == 1
    assert f"a folder has that name: {tmp_path / 'r.html'}" in err


def test_settings_and_no_sweep(run: Run, dataset: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert run(dataset, "--to", page, "--t1", 0.25, "--no-sweep", "--shown", 0)[0] == 0
    assert "<td>t1</td><td>0.25</td>" in page.read_text()
    assert "Thresholds" not in page.read_text()
    assert "Lost most" not in page.read_text()


def test_a_file_of_another_program_stays(run: Run, dataset: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    code, _, err = run(dataset, "--to", page)
    assert code == 1
    assert says(err, "not written by napari-sepl", page, "choose another --to")
    assert page.read_text() == "mine"


def test_failures_are_named_and_the_page_is_written(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.pseudo is not None
    (spec.pseudo / "b.png").write_bytes(b"no image")
    page = tmp_path / "report.html"
    code, out, err = run(dataset, "--to", page)
    assert code == 1
    assert "3 counted, 1 failed" in out
    assert "b.png" in err
    assert "b.png" in page.read_text()


def test_masks_are_enough_without_an_output_folder(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    folders = [f"--{role}={getattr(spec, role)}" for role in ("images", "pseudo", "masks")]
    code, out, _ = run(*folders, "--to", tmp_path / "report.html")
    assert code == 0
    assert f"{len(IDS)} counted" in out
    assert (tmp_path / "report.html").exists()


def test_the_help_shows_what_the_settings_are_without_an_option(run: Run) -> None:
    assert_says(run("--help")[1], "the review's, or 0.5", "or 0.85", "or paper", "or highest-id")


def test_samples_that_lack_a_file_are_counted(
    run: Run, dataset: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.pseudo is not None
    assert spec.masks is not None
    assert spec.ground_truth is not None
    (spec.pseudo / "c.png").unlink()
    (spec.masks / "b.json").unlink()
    (spec.ground_truth / "a2.png").unlink()
    code, _, err = run(dataset, "--to", tmp_path / "report.html")
    assert code == 0
    assert says(err, "1 sample: no pseudo-labels, so not used: c")
    assert says(err, "1 sample: no masks, so not used: b")
    assert says(err, "1 sample: no ground truth, so in no IoU: a2")


@pytest.mark.parametrize("name", ["r.pdf", "r", "r.html.gz"])
def test_only_a_page_is_written(run: Run, dataset: Path, tmp_path: Path, name: str) -> None:
    code, _, err = run(dataset, "--to", tmp_path / name)
    assert code == 2
    assert_says(err, f"does not end in .html or .htm: {tmp_path / name}; an HTML page is written")
    assert not (tmp_path / name).exists()
