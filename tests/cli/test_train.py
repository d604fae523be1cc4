"""The command `train`, with a tiny network."""

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.training import networks
from napari_sepl.training.learner import Learner
from tests.files.making import save_image
from tests.messages import assert_says, plain, says
from tests.program import Run
from tests.training.tiny import need_torch, picture, register, same_weights, save_samples

THREE = 'classes = [{ name = "background" }, { name = "red" }, { name = "blue" }]'


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "train")


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Options of a training on five samples, evaluated on two others."""
    register(monkeypatch)
    images, labels = save_samples(tmp_path, count=5)
    held_out, truth = save_samples(tmp_path / "held out", count=2, first=20)
    (tmp_path / "three.toml").write_text(THREE)
    return [
        "--images", images, "--labels", labels, "--val-images", held_out,
        "--val-ground-truth", truth,
        "--classes", tmp_path / "three.toml", "--network", "tiny", "--backbone-weights", "none",
        "--device", "cpu", "--workers", 0, "--to", tmp_path / "out",
    ]  # fmt: skip


def test_without_torch_it_is_said_what_to_install(
    run: Run, options: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "find_spec", lambda _name: None)
    code, out, err = run(*options)
    assert (code, out) == (1, "")
    assert err == (
        "napari-sepl: Training needs torch and torchvision, not installed here: "
        "pip install 'napari-sepl[train]'.\n"
    )
    assert not (tmp_path / "out").exists()


def test_it_trains_evaluates_and_is_done(run: Run, options: list[object], tmp_path: Path) -> None:
    need_torch()
    code, out, err = run(*options, "--scales", "1,1.5", "--mirror", "--save-predictions")
    assert code == 0, err
    assert "training samples: 5, 3 of 3 classes, 2.5 % of pixels ignored" in out
    assert "red             IoU " in out
    assert "iteration 12: mIoU " in out
    assert out.endswith(f"12 iterations done; weights and log are in {tmp_path / 'out'}\n")
    assert "the tiny network on cpu (" in err
    assert sorted(path.name for path in (tmp_path / "out" / "predictions").iterdir()) == [
        "s20.png", "s21.png",
    ]  # fmt: skip
    record = json.loads((tmp_path / "out" / "training.json").read_text())["settings"]
    assert (record["precision"], record["classes"]) == ("float32", ["background", "red", "blue"])
    again = run(*options, "--scales", "1,1.5", "--mirror", "--save-predictions")
    assert again[0] == 0
    assert "resumes at iteration 12 of 12" in again[1]
    assert out.splitlines()[-5:] == again[1].splitlines()[-5:]
    code, _, err = run(*options, "--lr", 0.5)
    assert code == 1
    assert "lr 0.05 (now 0.5); name another folder" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--split", "train"), "--split: there is no --root"),
        (("--val-split", "val"), "--val-split needs a layout; use --val-list"),
        (("--val-split", "a", "--val-list", "."), "--val-split and --val-list: use one of them"),
    ],
)
def test_options_that_have_no_use_are_refused(
    run: Run, options: list[object], words: tuple[str, ...], told: str
) -> None:
    need_torch()
    code, _, err = run(*options, *words)
    assert code == 2
    assert told in plain(err)


def test_held_out_pictures_need_labels(run: Run, options: list[object]) -> None:
    need_torch()
    place = options.index("--val-ground-truth")
    code, _, err = run(*options[:place], *options[place + 2 :])
    assert code == 2
    assert_says(err, "--val-ground-truth is missing")


def test_every_setting_arrives(run: Run, options: list[object], tmp_path: Path) -> None:
    need_torch()
    asked = {
        "iterations": 2, "batch": 2, "crop": 24, "scale_min": 0.75, "scale_max": 1.25, "lr": 0.01,
        "head_factor": 3.0, "momentum": 0.5, "weight_decay": 0.001, "power": 1.5, "seed": 9,
        "precision": "float32",
    }  # fmt: skip
    words = [
        word for name, value in asked.items() for word in (f"--{name}".replace("_", "-"), value)
    ]
    code, _, err = run(*options, *words, "--no-flip", "--freeze-bn")
    assert code == 0, err
    record = json.loads((tmp_path / "out" / "training.json").read_text())["settings"]
    assert asked.items() <= record.items()
    assert "random weights with frozen batch normalisation hardly learn" in err
    assert (record["flip"], record["freeze_bn"]) == (False, True)


def test_ctrl_c_writes_a_checkpoint_and_the_same_command_goes_on(
    run: Run, options: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_torch()
    plain = Learner.step

    def interrupted(self: Learner, images: Any, labels: Any, iteration: int) -> float:
        if iteration == 4:
            signal.raise_signal(signal.SIGINT)
        return plain(self, images, labels, iteration)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", interrupted)
        code, _, err = run(*options)
    assert code == 130
    assert "Stopping after this batch" in err
    assert "Stopped at iteration 5; the checkpoint is saved" in err
    assert signal.getsignal(signal.SIGINT) is before
    code, out, _ = run(*options)
    assert code == 0
    assert "resumes at iteration 5 of 12" in out
    other = tmp_path / "other"
    assert run(*options[:-1], other)[0] == 0
    assert same_weights(tmp_path / "out", other)


def test_a_voc_folder_is_enough(run: Run, options: list[object], tmp_path: Path) -> None:
    need_torch()
    root = tmp_path / "VOC2012"
    for name in ("JPEGImages", "SegmentationClass", "SegmentationClassAug"):
        (root / name).mkdir(parents=True)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for seed in range(4):
        image, labels = picture(seed)
        save_image(root / "JPEGImages" / f"s{seed}.png", image)
        save_image(root / "SegmentationClassAug" / f"s{seed}.png", labels)
        if seed == 3:
            save_image(root / "SegmentationClass" / f"s{seed}.png", labels)
    (lists / "train.txt").write_text("s0\ns1\ns2\n")
    (lists / "val.txt").write_text("s3\n")
    (tmp_path / "three.toml").write_text(THREE)
    augmented = ("--labels", root / "SegmentationClassAug")
    voc = [root, *augmented, "--split", "train", "--val-split", "val", *options[8:]]
    code, out, err = run(*voc)
    assert code == 0, err
    assert "training samples: 3" in out
    assert "held-out samples: 1" in out
    assert "too high" not in err
    code, _, err = run(*voc[:-1], tmp_path / "second", "--split", "trainaug")
    assert code == 2
    assert says(err, "found no list 'trainaug'", "expected one of train, val")
    held_out = ("--val-split", "train", "--val-ground-truth", root / "SegmentationClassAug")
    third = ("--root", root, *augmented, "--split", "train", *held_out)
    code, _, err = run(*third, *options[8:-1], tmp_path / "third")
    assert code == 0
    assert "3 samples in training and evaluation, so the mIoU is too high: s0, s1, s2" in err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--network", "deeplabv9"], 2, "--network: found 'deeplabv9'; expected one of deeplabv2_"),
        (["--batch", 1], 2, "--batch: found 1; expected a number of at least 2"),
        (["--scale-min", 3], 2, "scale_min 3 is above scale_max 2"),
        (["--scales", "1,big"], 2, "--scales: '1,big' is not a list of scales"),
        (["--list", "nowhere.txt"], 2, "--list: no such file or folder: nowhere.txt"),
        (["--backbone-weights", "no.pth"], 1, "found no such file or folder: no.pth"),
        (["--device", "tpu"], 2, "--device: found 'tpu'"),
        (["--precision", "float16"], 1, "precision: found float16 on cpu"),
        (["--classes", "many"], 2, "--classes: found the name 'many'"),
    ],
)
def test_wrong_use_is_told_before_anything_is_made(
    run: Run, options: list[object], tmp_path: Path, words: list[object], code: int, told: str
) -> None:
    need_torch()
    found, _, err = run(*options, *words)
    assert found == code
    assert told in plain(err)
    assert not (tmp_path / "out").exists()


def test_a_sample_without_an_image_is_named_and_the_others_are_learnt_from(
    run: Run, options: list[object], tmp_path: Path
) -> None:
    need_torch()
    save_image(tmp_path / "labels" / "x.png", picture(1)[1])
    code, out, err = run(*options)
    assert code == 1
    assert "x: no image" in err.splitlines()
    assert "training samples: 5, " in out
    assert "12 iterations done" in out


def test_bad_labels_are_told_before_anything_is_made(
    run: Run, options: list[object], tmp_path: Path
) -> None:
    need_torch()
    save_image(tmp_path / "labels" / "s1.png", picture(1)[1][:, 1:])
    code, _, err = run(*options)
    assert code == 1
    told = ("found labels of 40 × 55 pixels (height × width)", "expected 40 × 56 pixels")
    assert says(err, "s1.png", *told)
    save_image(tmp_path / "labels" / "s1.png", picture(1)[1] + (picture(1)[1] == 1) * np.uint8(6))
    code, _, err = run(*options)
    assert code == 1
    assert says(err, "found label 7", "expected 0 to 2 of the class list three.toml")
    code, _, err = run("--images", tmp_path, "--to", tmp_path / "out")
    assert code == 2
    assert "--out is missing" in plain(err)
    assert not (tmp_path / "out").exists()


def test_images_without_labels_are_counted(run: Run, options: list[object], tmp_path: Path) -> None:
    need_torch()
    (tmp_path / "labels" / "s1.png").unlink()
    _, _, err = run(*options)
    assert says(err, "1 sample: no labels, so not used: s1")
