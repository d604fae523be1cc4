"""The command `masks`, with the regions and with a small SAM."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress, TaskID

from napari_sepl.cli import masks as command
from napari_sepl.files.masks import read_masks
from napari_sepl.proposals import models
from napari_sepl.proposals.models import MODELS, SamSettings
from napari_sepl.proposals.regions import RegionMasks
from napari_sepl.proposals.weights import CACHE, Checkpoint
from tests.files.making import save_image
from tests.messages import plain, says
from tests.program import Run
from tests.proposals.conftest import blobs, labels_in_a_corner
from tests.proposals.server import serving
from tests.proposals.tiny_sam import TINY, need_sam, save_tiny

SHAPE = (60, 80)
EASY = ("--pred-iou-thresh", 0, "--stability-score-thresh", 0, "--points-per-side", 4)


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "masks")


@pytest.fixture
def folders(tmp_path: Path) -> list[object]:
    """Three pictures, two of them with pseudo-labels; the options that name them."""
    for role in ("images", "pseudo"):
        (tmp_path / role).mkdir()
    for seed, stem in enumerate(("a", "b", "c")):
        save_image(tmp_path / "images" / f"{stem}.png", blobs(SHAPE, seed))
    for stem in ("a", "b"):
        save_image(tmp_path / "pseudo" / f"{stem}.png", labels_in_a_corner(SHAPE))
    return ["--images", tmp_path / "images", "--masks", tmp_path / "out"]


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    need_sam()
    monkeypatch.setitem(MODELS, "tiny", TINY)
    return save_tiny(tmp_path / "tiny.pth", seed=2)


def made(tmp_path: Path) -> dict[str, str]:
    paths = sorted((tmp_path / "out").glob("[a-z]*.json"))
    return {path.stem: read_masks(path, SHAPE).digest for path in paths}


def test_regions_need_no_weights(run: Run, folders: list[object], tmp_path: Path) -> None:
    code, out, _ = run(*folders, "--model", "regions")
    assert (code, out) == (0, "3 samples: 3 saved\n")
    expected = {s: RegionMasks().make(blobs(SHAPE, i)).digest for i, s in enumerate("abc")}
    assert made(tmp_path) == expected
    code, out, _ = run(*folders, "--model", "regions")
    assert (code, out) == (0, "3 samples: 3 skipped (already done)\n")
    (tmp_path / "list.txt").write_text("b\n")
    code, out, _ = run(
        "--images", tmp_path / "images", "--masks", tmp_path / "other", "--model", "regions",
        "--pseudo", tmp_path / "pseudo", "--list", tmp_path / "list.txt",
    )  # fmt: skip
    assert (code, out) == (0, "1 sample: 1 saved\n")


def test_the_bar_moves_within_an_image(
    run: Run, folders: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[float] = []
    plain = Progress.update

    def update(bar: Progress, task: TaskID, **options: Any) -> None:
        shown.append(options["completed"])
        plain(bar, task, **options)

    monkeypatch.setattr(Progress, "update", update)
    run(*folders, "--model", "regions")
    assert shown == [0.5, 1.0, 1, 1.5, 2.0, 2, 2.5, 3.0, 3]  # two scales of each image, and it


def test_without_sam_it_is_said_what_to_install(
    run: Run, folders: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _name: None)
    code, out, err = run(*folders)
    assert (code, out) == (1, "")
    assert err.startswith("napari-sepl: SAM ViT-H needs torch, torchvision, segment_anything, not")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_sam_with_and_without_pseudo_labels(
    run: Run, folders: list[object], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    sam = ("--model", "tiny", "--checkpoint", checkpoint.path, "--device", "cpu", *EASY)
    code, out, err = run(*folders, *sam)
    assert (code, out) == (0, "3 samples: 3 saved\n"), err
    assert "the tiny SAM on cpu (" in err
    full = made(tmp_path)
    guided = ("--pseudo", tmp_path / "pseudo")
    code, out, err = run(*folders, *sam, *guided)
    assert (code, out) == (1, "")
    assert "points full grid (now near pseudo-labels, margin 0.025)" in err
    code, out, err = run(*folders, *sam, *guided, "--full-grid", "--points-per-batch", 2)
    assert (code, out) == (0, "2 samples: 2 skipped (already done)\n")
    assert "1 sample: no pseudo-labels, so not used: c" in err
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    code, out, err = run(*folders, *sam, *guided)
    assert (code, out) == (0, "2 samples: 2 saved\n")
    assert made(tmp_path)["a"] != full["a"]
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    run(*folders, *sam, *guided, "--margin", 1)
    assert made(tmp_path) == {stem: full[stem] for stem in ("a", "b")}


def test_two_processes_load_sam_each_and_make_the_same(
    run: Run, folders: list[object], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    sam = ("--model", "tiny", "--checkpoint", checkpoint.path, "--device", "cpu", *EASY)
    assert run(*folders, *sam)[0] == 0
    whole = made(tmp_path)
    for path in (tmp_path / "out").glob("*.json"):
        path.unlink()
    code, out, err = run(*folders, *sam, "--workers", 2)
    assert (code, out) == (0, "3 samples: 3 saved\n"), err
    assert "the tiny SAM, loaded by each worker" in err
    assert made(tmp_path) == whole


def test_a_model_that_no_worker_can_load_is_one_line(
    run: Run, folders: list[object], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    wrong = ("--checkpoint", tmp_path / "images" / "a.png", "--device", "cpu", "--workers", 2)
    code, _, err = run(*folders, "--model", "tiny", *wrong)
    assert code == 1
    assert "found a file that torch does not read as weights" in " ".join(err.split())
    assert made(tmp_path) == {}


def test_regions_are_made_by_two_processes_as_by_one(
    run: Run, folders: list[object], tmp_path: Path
) -> None:
    assert run(*folders, "--model", "regions")[:2] == (0, "3 samples: 3 saved\n")
    whole = made(tmp_path)
    for path in (tmp_path / "out").glob("*.json"):
        path.unlink()
    (tmp_path / "images" / "b.png").write_bytes(b"no image")
    code, out, err = run(*folders, "--model", "regions", "--workers", 2)
    assert (code, out) == (1, "3 samples: 2 saved, 1 failed\n")
    assert says(err, tmp_path / "images" / "b.png", "found")
    del whole["b"]
    assert made(tmp_path) == whole


def test_a_file_without_weights_is_one_line(
    run: Run, folders: list[object], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    wrong = tmp_path / "images" / "a.png"
    code, _, err = run(*folders, "--model", "tiny", "--checkpoint", wrong, "--device", "cpu")
    assert code == 1
    assert err.count("found a file that torch does not read as weights") == 1
    assert str(wrong) in err
    assert made(tmp_path) == {}


def test_a_folder_of_other_files_is_refused_before_a_model_is_fetched(
    run: Run, folders: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = tmp_path / "out"
    truth.mkdir()
    save_image(truth / "b.png", labels_in_a_corner(SHAPE))
    monkeypatch.setattr("napari_sepl.cli.masks._follow", None)
    code, out, err = run(*folders, "--model", "regions")
    assert (code, out) == (1, "")
    assert says(err, f"holds files that are no masks: {truth} (such as b.png)")
    assert [path.name for path in truth.iterdir()] == ["b.png"]


def test_weights_are_fetched_once(
    run: Run,
    folders: list[object],
    checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = checkpoint.path.read_bytes()
    with serving(content) as server:
        model = replace(TINY, url=server.url, size=len(content), sha256=checkpoint.sha256)
        monkeypatch.setitem(MODELS, "tiny", model)
        for expected in ("3 samples: 3 saved\n", "3 samples: 3 skipped (already done)\n"):
            code, out, _ = run(*folders, "--model", "tiny", *EASY)
            assert (code, out) == (0, expected)
        assert len(server.asked) == 1
    assert (tmp_path / "cache" / "checkpoints" / "weights.pth").read_bytes() == content


def test_every_setting_arrives(
    run: Run,
    folders: list[object],
    checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def stop(*arguments: Any) -> None:
        asked.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "Remote", stop)
    values = {
        "points_per_side": 5, "points_per_batch": 6, "pred_iou_thresh": 0.1,
        "stability_score_thresh": 0.2, "stability_score_offset": 0.3, "box_nms_thresh": 0.4,
        "crop_n_layers": 2, "crop_nms_thresh": 0.5, "crop_overlap_ratio": 0.6,
        "crop_n_points_downscale_factor": 3, "min_mask_region_area": 7,
    }  # fmt: skip
    assert set(values) == set(SamSettings.model_fields)
    options = [
        word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    sam = ("--model", "tiny", "--checkpoint", checkpoint.path)
    run(*folders, *sam, *options)
    run(*folders, *sam, "--preset", "fine", "--points-per-side", 5)
    assert asked[0][3] == SamSettings.model_validate(values)
    assert (asked[1][3].crop_n_layers, asked[1][3].points_per_side) == (1, 5)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--model", "vit_x"], 2, "--model: found 'vit_x'; expected one of vit_h"),
        (["--preset", "best"], 2, "--preset: found 'best'; expected one of paper"),
        (["--model", "regions", "--points-per-side", "3"], 2, "--points-per-side is for SAM"),
        (["--model", "regions", "--checkpoint", "x"], 2, "--checkpoint is for SAM"),
        (["--model", "regions", "--preset", "paper"], 2, "--preset is for SAM"),
        (["--model", "regions", "--margin", "0"], 2, "--margin is for SAM"),
        (["--model", "regions", "--full-grid"], 2, "--full-grid is for SAM"),
        (["--model", "regions", "--device", "cpu"], 2, "--device is for SAM"),
        (["--model", "rregions"], 2, "mobile_sam, regions"),
        (["--points-per-side", "0"], 2, "--points-per-side"),
        (["--points-per-side", "0"], 2, "--points-per-side: found 0; expected a number from 1"),
        (["--checkpoint", "gone"], 2, "--checkpoint: no such file or folder: gone"),
        (["--pred-iou-thresh", "nan"], 2, "--pred-iou-thresh"),
        (["--margin", "2"], 2, "--margin"),
        (
            ["--images", "nowhere", "--model", "regions"],
            2,
            "--images: no such file or folder: nowhere",
        ),
    ],
)
def test_wrong_use_is_told_before_anything_is_made(
    run: Run, folders: list[object], tmp_path: Path, options: list[str], code: int, told: str
) -> None:
    found, _, err = run(*folders, *options)
    assert found == code
    assert told in plain(err)
    assert not (tmp_path / "out").exists()


def test_ctrl_c_leaves_whole_files(
    run: Run, folders: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = RegionMasks.make

    def stopped_at_second(self: RegionMasks, *values: Any) -> Any:
        if (tmp_path / "out" / "a.json").exists():
            raise KeyboardInterrupt
        return plain(self, *values)

    monkeypatch.setattr(RegionMasks, "make", stopped_at_second)
    code, out, err = run(*folders, "--model", "regions")
    assert (code, out) == (130, "3 samples: 1 saved\n")
    assert "the same command resumes" in err
    assert list(made(tmp_path)) == ["a"]
