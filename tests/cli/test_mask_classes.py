"""Masks that bring a class, from the file to labels and words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.core.labels.classes import VOC
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.explain import explain_region, list_masks
from napari_sepl.document.resolve import resolve
from napari_sepl.files.dataset.specification import DatasetSpec, read_dataset, write_dataset
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample, load, read_digests
from tests.files.making import SHAPE, random_labels, refused, save_image, save_json
from tests.files.mask_writers import compressed
from tests.messages import assert_says, says
from tests.program import Run


def square(top: int) -> Any:
    mask = np.zeros(SHAPE, np.bool_)
    mask[top : top + 5, :10] = True
    return compressed(mask)


RECORDS = [
    {"segmentation": square(0), "class_name": "CAT", "score": 0.875},
    {"segmentation": square(10), "class_name": "unicorn"},
    {"segmentation": square(20)},
]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    for role in ("images", "pseudo", "masks"):
        (tmp_path / role).mkdir()
    for name in ("a", "b"):
        save_image(tmp_path / "images" / f"{name}.png", random_labels())
        save_image(tmp_path / "pseudo" / f"{name}.png", np.zeros(SHAPE, np.uint8))
        save_json(tmp_path / "masks" / f"{name}.json", RECORDS)
    image, pseudo = tmp_path / "images" / "a.png", tmp_path / "pseudo" / "a.png"
    return Sample("a", image, pseudo, tmp_path / "masks" / "a.json", mask_classes=True)


def options(root: Path, *more: object) -> list[object]:
    return [w for role in ("images", "pseudo", "masks") for w in (f"--{role}", root / role)] + [
        *more
    ]


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("workers", [1, 2])
def test_enhance_selects_masks_for_their_classes_and_names_others_once(
    run: Run, tmp_path: Path, workers: int
) -> None:
    words = options(tmp_path, "--out", tmp_path / "out")
    code, _, err = run("enhance", *words)
    assert (code, says(err, "unicorn")) == (1, False)  # no sample has any class
    assert not read_labels(tmp_path / "out" / "a.png").any()
    code, out, err = run("enhance", *words, "--mask-classes", "--workers", workers)
    assert code == 0
    assert_says(out, "2 made again (inputs changed)")
    assert_says(err, "no class of masks: 'unicorn' is not in the class list voc")
    assert err.count("unicorn") == 1
    labels = read_labels(tmp_path / "out" / "b.png")
    assert (labels[:5, :10] == 8).all()
    assert np.count_nonzero(labels) == 50
    code, out, _ = run("enhance", *words, "--mask-classes")
    assert_says(out, "2 skipped (already done)")


@pytest.mark.usefixtures("sample")
def test_classes_of_masks_are_the_image_level_labels_where_none_are_given(
    run: Run, tmp_path: Path
) -> None:
    for name in ("a", "b"):  # the mask of the cat is empty, so that it comes out in no label
        content = [{**RECORDS[0], "segmentation": {"size": SHAPE, "counts": [1200]}}]
        save_json(tmp_path / "masks" / f"{name}.json", content)
    assert "missing" not in run("diagnose", *options(tmp_path))[1]
    _, out, _ = run("diagnose", *options(tmp_path, "--mask-classes"))
    told = [line for line in out.splitlines() if "cat" in line]
    assert len(told) == 2
    (tmp_path / "tags.txt").write_text("a dog\nb dog\n")
    given = options(tmp_path, "--mask-classes", "--image-labels", tmp_path / "tags.txt")
    _, out, _ = run("diagnose", *given)
    assert "dog" in out
    assert "cat" not in out


def test_hover_and_table_tell_the_class_whether_it_is_used_or_not(sample: Sample) -> None:
    shown = load(Sample("a", sample.image, sample.pseudo, sample.masks), VOC)
    used = load(sample, VOC)
    for inputs, rule in ((shown, "rejected: overlaps no class"), (used, "class it brings")):
        resolved = resolve(inputs.overlap, Annotations(Params()))
        text = explain_region(inputs, resolved, 0)
        assert text.endswith(f"{rule} · brings CAT 0.88")
        assert "brings" not in explain_region(inputs, resolved, 2)
        assert list_masks(inputs, resolved).brought == ("CAT 0.88", "unicorn", "")
    assert "cat" in text


def test_the_digest_of_masks_has_their_classes_only_where_labels_depend_on_them(
    sample: Sample,
) -> None:
    plain = Sample("a", sample.image, sample.pseudo, sample.masks)
    before, used = load(plain, VOC).digests, load(sample, VOC).digests
    assert before["masks"] == load(plain, VOC).masks.digest != used["masks"]
    assert read_digests(sample, ["masks"]) == {"masks": used["masks"]}
    assert sample.states() != plain.states()
    assert sample.masks is not None
    save_json(sample.masks, [{**RECORDS[0], "class_name": "dog"}, *RECORDS[1:]])
    assert load(plain, VOC).digests["masks"] == before["masks"]
    assert load(sample, VOC).digests["masks"] not in (before["masks"], used["masks"])


@pytest.mark.parametrize("name", ["dining table", "DiningTable", "dining_table", "11"])
def test_names_are_spelled_as_in_image_level_labels(sample: Sample, name: str) -> None:
    assert sample.masks is not None
    save_json(
        sample.masks, [{**RECORDS[0], "class_name": name}, {**RECORDS[1], "label": "Background"}]
    )
    assert load(sample, VOC).masks.brought_labels.tolist() == [11, 0]


def test_a_dataset_keeps_the_choice(tmp_path: Path) -> None:
    for chosen in (True, False, None):
        spec = DatasetSpec(images=tmp_path / "images", mask_classes=chosen)
        write_dataset(tmp_path / "d.toml", spec, asked=True)
        assert read_dataset(tmp_path / "d.toml") == spec
    (tmp_path / "e.toml").write_text('images = "a"\nmask_classes = "maybe"\n')
    with refused(tmp_path / "e.toml", "mask_classes"):
        read_dataset(tmp_path / "e.toml")


@pytest.mark.usefixtures("sample")
def test_conversion_keeps_classes_and_scores(run: Run, tmp_path: Path) -> None:
    content = {
        "images": [
            {"id": at, "file_name": f"{name}.png", "height": SHAPE[0], "width": SHAPE[1]}
            for at, name in enumerate("ab", 1)
        ],
        "annotations": [{**one, "image_id": 1} for one in RECORDS],
    }
    save_json(tmp_path / "all.json", content)
    code, *_ = run("convert-masks", "--masks", tmp_path / "all.json", "--to", tmp_path / "to")
    assert code == 0
    made = json.loads((tmp_path / "to" / "a.json").read_text())
    assert [(one.get("class_name"), one.get("score")) for one in made] == [
        ("CAT", 0.875), ("unicorn", None), (None, None),
    ]  # fmt: skip
    assert json.loads((tmp_path / "to" / "b.json").read_text()) == []
