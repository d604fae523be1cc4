"""What is exported reads back equal by our own readers, whatever the names of the samples."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.exports.base import ExportSettings, ImageFiles
from napari_sepl.files.labels import read_labels
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource
from tests.files.making import random_labels, save_image

NAMES = ("a", "my dog (2)", " b", "é", "=1+1", "#c", '"d"', "t/e", "f\u2028g", "h,i j", "k 1")
CONTROL = ("line\nend", "tab\there", "esc\x1b[31m")
FOLDER = {"png": "labels", "npy": "labels", "voc": "SegmentationClass", "folders": "masks"}
LISTS = {"png": "train.txt", "npy": "train.txt", "voc": "ImageSets/Segmentation/train.txt"}


def given(root: Path, names: tuple[str, ...]) -> FolderSource:
    for seed, name in enumerate(names):
        for role in ("images", "labels"):
            (root / role / name).parent.mkdir(parents=True, exist_ok=True)
        labels = np.roll(random_labels(top=5), seed)
        labels[0, 0] = 255
        save_image(root / "labels" / f"{name}.png", labels)
        save_image(root / "images" / f"{name}.jpg", labels)
    spec = DatasetSpec(images=root / "images", out=root / "labels")
    index = SampleIndex.open(spec, (Role.LABELS,), (Role.IMAGE,), lead=Role.LABELS)
    assert not index.problems
    return FolderSource(index)


def export(source: FolderSource, to: Path, name: str, **choices: object) -> None:
    settings = ExportSettings.model_validate({"format": name, **choices})
    assert [one.message for one in Export(source, to, settings).run()] == [""] * len(source.ids)


@pytest.mark.parametrize("name", FOLDER)
def test_labels_read_back_equal(tmp_path: Path, name: str) -> None:
    names = (*NAMES, *CONTROL)
    source = given(tmp_path, names)
    to = tmp_path / "to"
    export(source, to, name, pictures=ImageFiles.COPY)
    spec = DatasetSpec(out=to / FOLDER[name], list_file=to / LISTS[name] if name in LISTS else None)
    index = SampleIndex.open(spec, (Role.LABELS,), (), lead=Role.LABELS)
    assert not index.problems
    split = "train/" * (name == "folders")
    assert set(index.ids) == {split + one.replace("/", "__") for one in names}
    for one in names:
        path = index.path_of(Role.LABELS, split + one.replace("/", "__"))
        found = read_labels(path)
        assert np.array_equal(found, read_labels(tmp_path / "labels" / f"{one}.png"))
    assert read_class_list(to / "classes.toml").names == VOC.names


def test_folders_pair_for_every_program_that_reads_them(tmp_path: Path) -> None:
    source = given(tmp_path, NAMES)
    to = tmp_path / "to"
    export(source, to, "folders", pictures=ImageFiles.COPY, val=0.4)
    rows = [json.loads(line) for line in (to / "metadata.jsonl").read_text().splitlines()]
    assert {row["split"] for row in rows} == {"train", "val"}
    assert len(rows) == len(NAMES)
    for row in rows:
        image, mask = Path(row["file_name"]), Path(row["mask_file_name"])
        assert (to / image).is_file()
        assert (to / mask).is_file()
        # ultralytics puts masks_dir in place of images, LightlyTrain the folder and .png
        assert Path(str(image).replace("images", "masks")).with_suffix(".png") == mask


def test_a_changed_picture_of_the_same_size_is_exported_again(tmp_path: Path) -> None:
    source = given(tmp_path, ("a", "b"))
    export(source, tmp_path / "to", "png", pictures=ImageFiles.COPY)
    picture = tmp_path / "images" / "a.jpg"
    content = bytearray(picture.read_bytes())
    content[-3] ^= 1
    picture.write_bytes(content)
    settings = ExportSettings(format="png", pictures=ImageFiles.COPY)
    results = {
        one.sample_id: str(one.outcome) for one in Export(source, tmp_path / "to", settings).run()
    }
    assert results == {"a": "saved", "b": "present"}
    assert (tmp_path / "to" / "images" / "a.jpg").read_bytes() == bytes(content)


def test_parts_of_killed_exports_are_cleared(tmp_path: Path) -> None:
    source = given(tmp_path, ("a",))
    export(source, tmp_path / "to", "folders")
    for place in ("", "masks/train/"):
        (tmp_path / "to" / f"{place}.sepl-0123456789abcdef.part").write_bytes(b"half")
    export(source, tmp_path / "to", "folders")
    assert not list((tmp_path / "to").rglob("*.part"))
