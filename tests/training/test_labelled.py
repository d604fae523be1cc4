"""Finding and looking at what a network is to learn from. No torch is needed."""

from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.labels.pixels import count_labels
from napari_sepl.files.dataset.index import Role
from napari_sepl.training.labelled import LabelledImage, Survey, find_labelled, survey
from tests.files.dataset.opening import open_labels
from tests.files.making import refused, save_image
from tests.training.tiny import CLASSES, picture, save_samples


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return save_samples(tmp_path, count=3)


def look(samples: list[LabelledImage]) -> Survey:
    return survey(samples, CLASSES, lambda _done, _total: None)


def find(folders: tuple[Path, Path], **places: Path) -> list[LabelledImage]:
    images, labels = folders
    return find_labelled(open_labels(labels, Role.IMAGE, images=images, **places))


def test_samples_are_paired_by_name(folders: tuple[Path, Path], tmp_path: Path) -> None:
    images, labels = folders
    (labels / "s1.png").rename(labels / "s10.png")
    (images / "s1.png").rename(images / "s10.png")
    save_image(images / "alone.png", picture(9)[0])
    assert [one.sample_id for one in find(folders)] == ["s0", "s2", "s10"]
    names = tmp_path / "list.txt"
    names.write_text("/JPEGImages/s10.jpg /SegmentationClassAug/s10.png\ns0\n")
    found = find(folders, list_file=names)
    assert found[0] == LabelledImage("s10", images / "s10.png", labels / "s10.png")
    assert len(found) == 2


def test_incomplete_samples_are_left_out(folders: tuple[Path, Path], tmp_path: Path) -> None:
    images = folders[0]
    names = tmp_path / "list.txt"
    names.write_text("s0\nno\n")
    assert [one.sample_id for one in find(folders, list_file=names)] == ["s0"]
    (images / "s2.png").unlink()
    assert [one.sample_id for one in find(folders)] == ["s0", "s1"]
    with refused(tmp_path / "list.txt" / "x"):
        find((images, tmp_path / "list.txt" / "x"))
    (tmp_path / "empty").mkdir()
    with refused(tmp_path / "empty", "no labels"):
        find((images, tmp_path / "empty"))


def test_a_survey_counts_labels_and_its_digest_tells_every_change(
    folders: tuple[Path, Path],
) -> None:
    samples = find(folders)
    told: list[tuple[int, int]] = []
    seen = survey(samples, CLASSES, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    expected = sum((count_labels(picture(seed)[1]) for seed in range(3)), np.zeros(256, np.int64))
    np.testing.assert_array_equal(seen.counts, expected)
    assert look(samples).digest == seen.digest
    assert look(samples[::-1]).digest != seen.digest
    changed = picture(1)[1]
    changed[5, 5] ^= 1
    save_image(samples[1].labels, changed)
    assert look(samples).digest != seen.digest


def test_bad_labels_are_named_before_anything_is_learnt(folders: tuple[Path, Path]) -> None:
    images, labels = folders
    samples = find(folders)
    save_image(labels / "s1.png", picture(1)[1] + (picture(1)[1] == 2) * np.uint8(3))
    with refused(labels / "s1.png", "label 5", "0 to 2 of the class list three"):
        look(samples)
    save_image(labels / "s1.png", picture(1)[1][1:])
    with refused(
        labels / "s1.png",
        "labels of 39 × 56",
        f"40 × 56 pixels (height × width) as {images / 's1.png'}",
    ):
        look(samples)
    content = (images / "s0.png").read_bytes()
    (images / "s0.png").write_bytes(b"no image" + content)
    with refused(images / "s0.png", "no image in a known format"):
        look(samples)


def test_labels_of_only_ignore_are_refused(folders: tuple[Path, Path]) -> None:
    _, labels = folders
    samples = find(folders)
    for sample in samples:
        save_image(sample.labels, np.full_like(picture(0)[1], 255))
    with refused(labels, "only pixels of 255 (ignore)", "0 to 2 of the class list three"):
        look(samples)
