import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFile

from napari_sepl import MaskSet
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import Sample, load, load_enhanceable
from tests.files.making import SHAPE, random_labels, random_masks, refused, save_image

IMAGE = np.random.default_rng(3).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    made = Sample(
        "cat",
        tmp_path / "cat.png",
        tmp_path / "pseudo.png",
        tmp_path / "cat.json",
        tmp_path / "truth.png",
    )
    assert made.truth is not None
    assert made.masks is not None
    save_image(made.image, IMAGE)
    save_image(made.pseudo, random_labels())
    save_image(made.truth, random_labels(top=2))
    write_masks(made.masks, MaskSet.from_dense(random_masks()))
    return made


def test_everything_is_read_and_has_its_digest(sample: Sample) -> None:
    inputs = load(sample, VOC)
    assert inputs.sample_id == "cat"
    assert inputs.classes is VOC
    np.testing.assert_array_equal(inputs.image, IMAGE)
    np.testing.assert_array_equal(inputs.pseudo, random_labels())
    assert inputs.truth is not None
    np.testing.assert_array_equal(inputs.truth, random_labels(top=2))
    assert inputs.digests == {
        "image": hashlib.sha256(sample.image.read_bytes()).hexdigest(),
        "pseudo": digest_labels(random_labels()),
        "masks": MaskSet.from_dense(random_masks()).digest,
        "truth": digest_labels(random_labels(top=2)),
    }


def test_truth_may_be_missing(sample: Sample) -> None:
    inputs = load(Sample("cat", sample.image, sample.pseudo, sample.masks), VOC)
    assert inputs.truth is None
    assert set(inputs.digests) == {"image", "pseudo", "masks"}


def test_a_run_over_many_reads_the_same_without_decoding_the_image(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = load(sample, VOC)
    decoded = []
    plain = ImageFile.ImageFile.load

    def noted(image: ImageFile.ImageFile) -> object:
        decoded.append((image.format, image.mode))
        return plain(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", noted)
    given = load_enhanceable(sample, VOC)
    assert set(decoded) == {("PNG", "L")}  # the image is in colours
    np.testing.assert_array_equal(given.pseudo, inputs.pseudo)
    assert given.masks.digest == inputs.masks.digest
    assert given.digests == {role: d for role, d in inputs.digests.items() if role != "truth"}
    assert (given.sample_id, given.classes) == (inputs.sample_id, inputs.classes)


@pytest.mark.parametrize("role", ["pseudo", "truth"])
def test_labels_of_another_size_name_both_files(sample: Sample, role: str) -> None:
    path = getattr(sample, role)
    save_image(path, random_labels((30, 41)))
    with refused(path, "30 × 41 pixels", f"30 × 40 pixels (height × width) as {sample.image}."):
        load(sample, VOC)


def test_labels_of_the_unturned_image_are_reported_why(sample: Sample) -> None:
    save_image(sample.pseudo, random_labels(SHAPE[::-1]))
    with refused(sample.pseudo, "40 × 30 pixels", "30 × 40", "EXIF orientation"):
        load_enhanceable(sample, VOC)


@pytest.mark.parametrize("role", ["pseudo", "truth"])
def test_a_class_outside_the_list_names_the_file(sample: Sample, role: str) -> None:
    labels = random_labels()
    labels[3, 4] = 21
    labels[3, 5] = 255
    path = save_image(getattr(sample, role), labels)
    with refused(path, "found label 21:", "0 to 20 of the class list voc"):
        load(sample, VOC)


def test_the_masks_of_another_image_are_named(sample: Sample) -> None:
    assert sample.masks is not None
    write_masks(sample.masks, MaskSet.from_dense(random_masks(shape=(29, 40))))
    for read in (load, load_enhanceable):
        with refused(sample.masks, "29 × 40", "30 × 40", "another image?"):
            read(sample, VOC)


@pytest.mark.parametrize("role", ["image", "pseudo", "masks", "truth"])
def test_whichever_file_is_missing_or_damaged_is_named(sample: Sample, role: str) -> None:
    path: Path = getattr(sample, role)
    path.write_bytes(path.read_bytes()[:50])
    with refused(path):
        load(sample, VOC)
    path.unlink()
    with refused(path, "no such file"):
        load(sample, VOC)


def test_all_voc_samples_load(shared_data: Path) -> None:
    voc = shared_data / "voc"
    spec = DatasetSpec(
        images=voc / "JPEGImages",
        pseudo=voc / "pseudo_transcam",
        masks=voc / "masks_simulated",
        ground_truth=voc / "SegmentationClass",
        list_file=voc / "train120.txt",
    )
    index = SampleIndex.open(spec)
    assert len(index) == 120
    assert not index.problems
    for sample in map(index.sample, index.ids):
        inputs = load(sample, VOC)
        assert inputs.truth is not None
        assert inputs.image.shape == (*inputs.pseudo.shape, 3)
        assert len(inputs.masks) > 10
        assert load_enhanceable(sample, VOC).digests.items() <= inputs.digests.items()


def test_the_truck_loads(shared_data: Path) -> None:
    truck = shared_data / "truck"
    sample = Sample(
        "truck", truck / "truck.jpg", truck / "pseudo" / "truck.png", truck / "masks_amg"
    )
    inputs = load(sample, VOC)
    assert inputs.shape == (1200, 1800)
    assert set(np.unique(inputs.pseudo)) == {0, 7}


def test_a_sample_may_have_no_masks_yet(sample: Sample) -> None:
    bare = replace(sample, masks=None)
    for read in (load, load_enhanceable):
        given = read(bare, VOC)
        assert len(given.masks) == 0
        assert given.masks.shape == given.pseudo.shape
        assert given.digests["masks"] == given.masks.digest
