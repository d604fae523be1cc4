"""The command `init`."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.cli import init
from napari_sepl.files.dataset.specification import DatasetSpec, read_dataset
from tests.files.cam_files import cams, save_cam_dict
from tests.messages import assert_says, says
from tests.program import Run
from tests.workflow.sweeping import SHAPE, options


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "init")


def test_it_writes_what_it_was_told_and_says_what_is_there(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    to = tmp_path / "samples" / "pets.toml"
    code, out, _ = run(
        *options(spec, "images", "pseudo", "masks", "out"),
        "--ground-truth", spec.ground_truth, "--to", to,
    )  # fmt: skip
    assert code == 0
    assert read_dataset(to) == spec
    assert_says(
        out,
        "4 samples with all files that are named",
        f"image 4 {spec.images} (height × width {SHAPE[0]} × {SHAPE[1]})",
        f"label maps, the first {SHAPE[0]} × {SHAPE[1]}",
        f"masks 4 {spec.masks} (.json)",
        f"ground truth 4 {spec.ground_truth} (.png)",
        f"saved {to}",
    )


def test_what_does_not_pair_is_named(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    assert spec.images is not None
    assert spec.masks is not None
    (spec.images / "b.png").unlink()
    for sample_id in ("a2", "c"):
        (spec.masks / f"{sample_id}.json").unlink()
    code, out, err = run(*options(spec, "images", "pseudo", "masks"), "--to", tmp_path / "s.toml")
    assert code == 0
    assert_says(out, "1 sample with all files")
    assert_says(err, "2 samples: no masks: a2, c", "b: no image")
    assert read_dataset(tmp_path / "s.toml").masks == spec.masks


def test_scores_are_recognised(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "cam").mkdir()
    for sample_id in ("b", "c"):
        save_cam_dict(tmp_path / "cam" / f"{sample_id}.npy", cams(shape=SHAPE), [3, 14])
    words = ("--images", spec.images, "--pseudo", tmp_path / "cam", "--to", tmp_path / "s.toml")
    code, out, _ = run(*words)
    assert code == 0
    assert_says(out, "CAM dictionary")


def test_a_file_that_is_there_is_never_replaced(
    run: Run, spec: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dataset.toml").write_text("mine")
    code, _, err = run(*options(spec, "images", "pseudo"))
    assert code == 1
    assert_says(err, "exists: dataset.toml")
    assert Path("dataset.toml").read_text() == "mine"
    code, _, err = run(*options(spec, "images", "pseudo"), "--to", "set.txt")
    assert code == 2
    assert not Path("set.txt").exists()


def test_a_layout_becomes_a_file(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    assert spec.images is not None
    root = spec.images.parent
    spec.images.rename(root / "JPEGImages")
    code, out, _ = run(root, "--out", root / "out", "--to", root / "dataset.toml")
    assert code == 0, out
    found = read_dataset(root / "dataset.toml")
    assert (found.images, found.pseudo, found.out) == (
        root / "JPEGImages", root / "pseudo", root / "out",
    )  # fmt: skip
    assert found.classes == "voc"


def test_nothing_that_pairs_writes_no_file(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "x.npy", np.zeros(SHAPE, np.uint8))
    words = ("--images", spec.images, "--pseudo", tmp_path / "other", "--to", tmp_path / "s.toml")
    code, _, err = run(*words)
    assert code == 1
    assert_says(err, "none that can be used")
    assert not (tmp_path / "s.toml").exists()


def test_a_dataset_without_output_folder_names_the_remedy(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "sub" / "s.toml"
    code, _, err = run(*options(spec, "images", "pseudo", "masks"), "--to", to)
    assert code == 0
    assert_says(err, f'add --out FOLDER, or the line out = "labels" to {to}')


def test_only_samples_that_have_all_files_count(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.ground_truth is not None
    (spec.ground_truth / "c.png").unlink()
    words = (*options(spec, "images", "pseudo", "masks"), "--ground-truth", spec.ground_truth)
    code, out, err = run(*words, "--to", tmp_path / "s.toml")
    assert code == 0
    assert_says(out, "3 samples with all files that are named", "ground truth 3")
    assert_says(err, "1 sample: no ground truth: c")


def test_with_a_list_its_samples_count(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("b\nc\n")
    words = (*options(spec, "images", "pseudo"), "--list", tmp_path / "list.txt")
    code, out, _ = run(*words, "--to", tmp_path / "s.toml")
    assert code == 0
    assert_says(out, "2 samples with all files", "image 2", "pseudo-labels 2")


def test_samples_whose_files_cannot_be_read_are_counted(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.pseudo is not None
    assert spec.images is not None
    assert spec.masks is not None
    (spec.pseudo / "a2.png").write_text("no image")
    for path, suffix in ((spec.images / "b.png", ".png"), (spec.masks / "c.json", ".json")):
        assert path.suffix == suffix
        path.write_bytes(path.read_bytes()[:-40])
    words = options(spec, "images", "pseudo", "masks")
    code, out, err = run(*words, "--to", tmp_path / "s.toml")
    assert code == 1
    assert says(out, "1 sample with all files", "3 with a file that cannot be read")
    assert says(out, "headers of those of all samples; not their contents")
    for path in (spec.pseudo / "a2.png", spec.images / "b.png", spec.masks / "c.json"):
        assert says(err, path, "found")
    assert read_dataset(tmp_path / "s.toml").images == spec.images


def test_the_first_pseudo_labels_are_read_whole(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.pseudo is not None
    path = spec.pseudo / "a2.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    code, out, err = run(*options(spec, "images", "pseudo"), "--to", tmp_path / "s.toml")
    assert code == 1
    assert says(out, "3 samples with all files", "1 with a file that cannot be read")
    assert says(err, path, "checksum")


def test_of_many_samples_some_are_checked(
    run: Run, spec: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "_CHECKED", 2)
    code, out, _ = run(*options(spec, "images", "pseudo"), "--to", tmp_path / "s.toml")
    assert code == 0
    assert says(out, "headers of those of 2 of 4 samples")


def test_what_is_needed_and_not_named_is_said(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    code, _, err = run(*options(spec, "images", "masks"), "--to", tmp_path / "s.toml")
    assert code == 0
    assert says(err, "no pseudo-labels are named: enhance needs --pseudo")


def test_no_file_is_written_into_a_folder_of_the_dataset_but_out(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    named = options(spec, "images", "pseudo", "masks")
    named += ["--ground-truth", spec.ground_truth]
    before = sorted(tmp_path.rglob("*"))
    for folder in (spec.images, spec.pseudo, spec.masks, spec.ground_truth):
        assert folder is not None
        for to in (folder / "s.toml", folder / "new" / "s.toml"):
            code, out, err = run(*named, "--to", to)
            assert (code, out) == (1, "")
            assert says(err, to, "a place in an input folder", f"a place outside {folder} to")
    assert sorted(tmp_path.rglob("*")) == before
    out_folder = tmp_path / "out"
    assert run(*named, "--out", out_folder, "--to", out_folder / "s.toml")[0] == 0


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="open pipes have no names")
@pytest.mark.parametrize("option", ["--list", "--image-labels"])
def test_a_pipe_cannot_be_named_in_a_file(
    run: Run, spec: DatasetSpec, tmp_path: Path, option: str
) -> None:
    ends = os.pipe()
    words = (*options(spec, "images"), option, f"/dev/fd/{ends[0]}", "--to", tmp_path / "s.toml")
    code, _, err = run(*words)
    for end in ends:
        os.close(end)
    assert code == 2
    assert_says(err, f"{option}: found a pipe; expected a file")
    assert not (tmp_path / "s.toml").exists()


def test_images_whose_names_begin_with_a_dot_are_named(
    run: Run, spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.images is not None
    (spec.images / "._b.jpg").write_text("as macOS leaves it")
    (spec.images / ".DS_Store").write_text("no image")
    code, out, err = run(*options(spec, "images", "pseudo"), "--to", tmp_path / "s.toml")
    assert code == 0
    assert_says(out, "4 samples with all files")
    assert "names that begin with a dot, so not used: ._b.jpg" in err.splitlines()
