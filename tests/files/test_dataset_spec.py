from pathlib import Path
from typing import Any

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset_spec import DatasetSpec, layout, read_dataset, write_dataset
from tests.files.making import refused

NEEDED = 'images = "i"\npseudo = "p"\nmasks = "m"\nout = "o"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "DATASET.toml"
    path.write_text(text, encoding="utf-8")
    return path


def make(root: Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)


def test_paths_start_from_the_files_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.setenv("USERPROFILE", "/home/ana")
    path = write(
        tmp_path,
        NEEDED
        + 'truth = "/abs/t"\ntags = "../tags.txt"\nlist_file = "~/l.txt"\nclasses = "c.toml"',
    )
    assert read_dataset(path) == DatasetSpec(
        images=tmp_path / "i",
        pseudo=tmp_path / "p",
        masks=tmp_path / "m",
        out=tmp_path / "o",
        truth=Path("/abs/t"),
        tags=tmp_path / "../tags.txt",
        list_file=Path("/home/ana/l.txt"),
        classes=str(tmp_path / "c.toml"),
    )


def test_what_is_left_out_is_none_and_classes_are_vocs(tmp_path: Path) -> None:
    spec = read_dataset(write(tmp_path, NEEDED))
    assert (spec.truth, spec.tags, spec.list_file, spec.classes) == (None, None, None, "voc")
    assert read_dataset(write(tmp_path, NEEDED + 'classes = "coco"')).classes == "coco"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NEEDED + "lst = 'x'\nworkers = 2", "the unknown key lst, the unknown key workers"),
        ('images = "i"\nmasks = "m"', "no pseudo, no out"),
        (NEEDED.replace('"i"', "3"), "images = 3"),
        (NEEDED + "[truth]\nx = 1", "truth = "),
    ],
)
def test_a_wrong_file_is_named_with_all_that_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path, text)
    with refused(path, told, "text for images, pseudo, masks and out"):
        read_dataset(path)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with refused(tmp_path / "gone.toml", "no such file"):
        read_dataset(tmp_path / "gone.toml")
    path = tmp_path / "a.toml"
    for content in (b"images = '\xff'", b"images = "):
        path.write_bytes(content)
        with refused(path, "no TOML", "a TOML file of a dataset"):
            read_dataset(path)


def test_the_voc_layout(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages", "pseudo_transcam", "masks_simulated", "ImageSets/Segmentation")
    out = tmp_path / "out"
    plain = layout("voc", tmp_path, out)
    assert plain == DatasetSpec(
        images=tmp_path / "JPEGImages",
        pseudo=tmp_path / "pseudo_transcam",
        masks=tmp_path / "masks_simulated",
        out=out,
    )
    make(tmp_path, "SegmentationClass")
    lists = tmp_path / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("a")
    full = layout("voc", tmp_path, out, split="train")
    assert (full.truth, full.list_file) == (tmp_path / "SegmentationClass", lists / "train.txt")
    with refused(lists, "found train;", "train_aug.txt among the lists"):
        layout("voc", tmp_path, out, split="train_aug")


def test_what_is_told_is_not_looked_for(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages", "SegmentationClass")
    told: dict[str, Any] = {
        name: tmp_path / "elsewhere" / name
        for name in ("pseudo", "masks", "truth", "tags", "list_file")
    }
    spec = layout("voc", tmp_path, tmp_path / "out", classes="my.toml", **told)
    assert {name: getattr(spec, name) for name in told} == told
    assert spec.classes == "my.toml"
    assert layout("voc", tmp_path, tmp_path, **(told | {"truth": None})).truth is not None


def test_no_folder_or_several_for_the_pseudo_labels_are_told(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages", "masks")
    with refused(tmp_path, "no folder for names that begin with pseudo", "the pseudo folder"):
        layout("voc", tmp_path, tmp_path / "out")
    make(tmp_path, "pseudo_a", "Pseudo_b")
    with refused(tmp_path, "Pseudo_b, pseudo_a for names that begin with pseudo"):
        layout("voc", tmp_path, tmp_path / "out")
    make(tmp_path, "SAM")
    with refused(tmp_path, "SAM, masks for names that begin with masks and sam"):
        layout("voc", tmp_path, tmp_path / "out", pseudo=tmp_path / "pseudo_a")
    with refused(tmp_path / "gone", "no such file or folder"):
        layout("voc", tmp_path / "gone", tmp_path / "out")


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train2017", None), ("images/val2014", "val"), ("train2014", "train2014")],
)
def test_the_coco_layout(tmp_path: Path, folder: str, split: str | None) -> None:
    make(tmp_path, folder, f"pseudo/{Path(folder).name}", "masks")
    assert layout("coco", tmp_path, tmp_path / "out", split=split) == DatasetSpec(
        images=tmp_path / folder,
        pseudo=tmp_path / "pseudo" / Path(folder).name,
        masks=tmp_path / "masks",
        out=tmp_path / "out",
        classes="coco",
    )


def test_coco_without_pictures_is_told(tmp_path: Path) -> None:
    make(tmp_path, "train2017")
    with refused(tmp_path, "none of the folders val, val2017, val2014, images/val"):
        layout("coco", tmp_path, tmp_path / "out", split="val")


def test_a_layout_of_another_name_is_refused(tmp_path: Path) -> None:
    with refused("layout", "the name 'ade'", "voc or coco"):
        layout("ade", tmp_path, tmp_path)


def spec_in(folder: Path, **others: Any) -> DatasetSpec:
    places = {role: folder / role for role in ("images", "pseudo", "masks", "out")}
    return DatasetSpec(**(places | others))


ODD = 'Zoë\'s "größte" \\ 図 = #1 \t\x7f\x01'


@pytest.mark.parametrize("others", [
    {},
    {"classes": "coco"},
    {"truth": "t", "tags": "tags.txt", "list_file": "lists/train.txt"},
    {"images": ODD, "classes": f"{ODD}.toml"},
    {"images": "~ana/images", "truth": "~", "out": "~out"},
    {"images": ".", "pseudo": "../pseudo", "masks": "voc"},
    {"images": "/elsewhere/図", "classes": "/elsewhere/c.toml"},
])  # fmt: skip
def test_a_dataset_that_is_written_is_read_back(tmp_path: Path, others: dict[str, str]) -> None:
    folder = tmp_path / "jeu de données"
    folder.mkdir()
    placed: dict[str, Any] = {name: folder / place for name, place in others.items()}
    if "classes" in others:
        placed["classes"] = "coco" if others["classes"] == "coco" else str(placed["classes"])
    spec = spec_in(folder, **placed)
    write_dataset(folder / "DATASET.toml", spec)
    assert read_dataset(folder / "DATASET.toml") == spec


def test_the_folder_of_a_written_dataset_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    outside = tmp_path / "masks"
    before = spec_in(tmp_path / "before", masks=outside)
    write_dataset(tmp_path / "before" / "d.toml", before)
    (tmp_path / "before").rename(tmp_path / "after")
    after = read_dataset(tmp_path / "after" / "d.toml")
    assert after == spec_in(tmp_path / "after", masks=outside)


def test_relative_paths_are_those_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sets").mkdir()
    spec = spec_in(Path("sets"), images=Path("images"), classes="c.toml")
    write_dataset(Path("sets/d.toml"), spec)
    read = read_dataset(Path("sets/d.toml"))
    assert read == spec_in(Path("sets"), images=tmp_path / "images", classes=f"{tmp_path}/c.toml")
    write_dataset(Path("d.toml"), spec)
    assert read_dataset(Path("d.toml")) == spec


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED)
    for name in ("classes", "tags", "list_file"):
        spec = spec_in(tmp_path, **{name: str(path)})
        with pytest.raises(SaveError, match="part of the dataset"):
            write_dataset(path, spec)
    with pytest.raises(SaveError, match="no text in UTF-8"):
        write_dataset(path, spec_in(tmp_path, images=tmp_path / "caf\udce9"))
    with pytest.raises(SaveError, match="No such file or directory"):
        write_dataset(tmp_path / "gone" / "d.toml", spec_in(tmp_path))
    assert path.read_text("utf-8") == NEEDED
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces_an_old_file(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED)
    write_dataset(path, spec_in(tmp_path))
    assert read_dataset(path) == spec_in(tmp_path)
