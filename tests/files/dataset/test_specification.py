import sys
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
    looks_like_dataset,
    read_dataset,
    write_dataset,
)
from tests.files.making import refused

TOML = 'images = "images"\npseudo = "pseudo"\nout = "out"\n'
NEEDED = 'images = "i"\npseudo = "p"\nmasks = "m"\nout = "o"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "DATASET.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_start_from_the_files_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.setenv("USERPROFILE", "/home/ana")
    path = write(
        tmp_path,
        NEEDED
        + 'ground_truth = "/abs/t"\nimage_labels = "../tags.txt"\nlist = "~/l.txt"\n'
        + 'classes = "c.toml"',
    )
    assert read_dataset(path) == DatasetSpec(
        images=tmp_path / "i",
        pseudo=tmp_path / "p",
        masks=tmp_path / "m",
        out=tmp_path / "o",
        ground_truth=Path("/abs/t"),
        image_labels=tmp_path.parent / "tags.txt",
        list_file=Path("/home/ana/l.txt"),
        classes=str(tmp_path / "c.toml"),
    )


def test_what_is_left_out_is_none_and_classes_are_vocs(tmp_path: Path) -> None:
    spec = read_dataset(write(tmp_path, NEEDED))
    assert (spec.ground_truth, spec.image_labels, spec.list_file) == (None, None, None)
    assert spec.classes == "voc"
    assert read_dataset(write(tmp_path, NEEDED + 'classes = "coco"')).classes == "coco"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            NEEDED + "lst = 'x'\nworkers = 2",
            "the unknown key lst (did you mean list?), the unknown key workers",
        ),
        (
            NEEDED + 'truth = "t"\ntags = "t"',
            "the unknown key truth (did you mean ground_truth?), the unknown key tags",
        ),
        (NEEDED + 'pseudolabels = "t"', "pseudolabels (did you mean pseudo?)"),
        ("images = true", "images = true"),
        ('images = ["a"]', "images = a list"),
        ("list = {a = 1}", "list = a table"),
        ("images = 1979-05-27", "images = 1979-05-27"),
        (NEEDED + 'psuedo = "p"', "psuedo (did you mean pseudo?)"),
        (NEEDED + 'ground-truth = "t"', "ground-truth (did you mean ground_truth?)"),
        (NEEDED.replace('"i"', "3"), "images = 3"),
        (NEEDED + "[ground_truth]\nx = 1", "ground_truth = "),
    ],
)
def test_a_wrong_file_is_named_with_all_that_is_wrong(
    tmp_path: Path, text: str, message: str
) -> None:
    path = write(tmp_path, text)
    with refused(path, message, "the keys images, pseudo, masks, out, ground_truth"):
        read_dataset(path)


def test_of_a_wrong_format_the_formats_are_expected(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED + 'pseudo_format = "puzzelcam"')
    with refused(path, 'pseudo_format = "puzzelcam"', "auto, labels", "(did you mean puzzlecam?)"):
        read_dataset(path)


def test_of_a_wrong_class_list_the_lists_are_expected(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED + 'classes = "vocc"')
    with refused(path, 'classes = "vocc"', "voc, coco, coco-official", "(did you mean voc?)"):
        read_dataset(path)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with refused(tmp_path / "gone.toml", "no such file"):
        read_dataset(tmp_path / "gone.toml")
    path = tmp_path / "a.toml"
    for content in (b"images = '\xff'", b"images = "):
        path.write_bytes(content)
        with refused(path, "not valid TOML", "a TOML file of a dataset"):
            read_dataset(path)


def spec_in(folder: Path, **others: Any) -> DatasetSpec:
    places = {role: folder / role for role in ("images", "pseudo", "masks", "out")}
    return DatasetSpec(**(places | others))


ODD = 'Zoë\'s "größte" \\ 図 = #1 \t\x7f\x01'


@pytest.mark.parametrize("others", [
    {},
    {"classes": "coco"},
    {"ground_truth": "t", "image_labels": "tags.txt", "list_file": "lists/train.txt"},
    {"images": ODD, "classes": f"{ODD}.toml"},
    {"images": "~ana/images", "ground_truth": "~", "out": "~out"},
    {"out": ".", "pseudo": "p", "masks": "voc"},
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


def test_a_file_among_the_images_is_read_and_not_written(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED.replace('"i"', '"."'))
    spec, before = read_dataset(path), path.read_bytes()
    assert spec.images == tmp_path
    for asked in (False, True):
        with refused(path, "a place in an input folder", f"a place outside {tmp_path} to"):
            write_dataset(path, spec, asked=asked)
    assert path.read_bytes() == before


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
    assert read == spec
    assert 'images = "../images"' in Path("sets/d.toml").read_text()
    write_dataset(Path("d.toml"), spec)
    assert read_dataset(Path("d.toml")) == spec


def test_a_tree_that_holds_file_and_folders_can_be_moved(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "sets").mkdir(parents=True)
    spec = spec_in(before, images=before / "sets" / ".." / "i", ground_truth=Path("/other/t"))
    write_dataset(before / "sets" / "d.toml", spec)
    text = (before / "sets" / "d.toml").read_text()
    assert 'out = "../out"' in text
    assert 'ground_truth = "/other/t"' in text
    before.rename(after)
    moved = spec_in(after, images=after / "i", ground_truth=Path("/other/t"))
    assert read_dataset(after / "sets" / "d.toml") == moved


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_the_folder_of_a_file_changes_no_place(tmp_path: Path) -> None:
    (tmp_path / "a" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "real")
    spec = spec_in(tmp_path)
    write_dataset(tmp_path / "link" / "d.toml", spec)
    assert 'images = "../../images"' in (tmp_path / "a" / "real" / "d.toml").read_text()
    for folder in (tmp_path / "link", tmp_path / "a" / "real"):
        read = read_dataset(folder / "d.toml").images
        assert read is not None
        assert read.resolve() == spec.images


def test_masks_that_are_left_to_out_are_not_written(tmp_path: Path) -> None:
    for masks in (None, tmp_path / "o" / "masks"):
        spec = DatasetSpec(images=tmp_path / "i", out=tmp_path / "o", masks=masks)
        write_dataset(tmp_path / "d.toml", spec)
        assert "masks" not in (tmp_path / "d.toml").read_text()
        assert read_dataset(tmp_path / "d.toml") == spec


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED)
    for name in ("classes", "image_labels", "list_file", "images", "out"):
        spec = spec_in(tmp_path, **{name: str(path)})
        told = "the output folder (--out)" if name == "out" else "one of the inputs"
        with refused(path, told):
            write_dataset(path, spec, asked=True)
    with pytest.raises(SaveError, match="not valid UTF-8"):
        write_dataset(path, spec_in(tmp_path, images=tmp_path / "caf\udce9"))
    with pytest.raises(SaveError, match="No such file or directory"):
        write_dataset(tmp_path / "gone" / "d.toml", spec_in(tmp_path))
    assert path.read_text("utf-8") == NEEDED
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces_an_old_file(tmp_path: Path) -> None:
    path = write(tmp_path, NEEDED)
    write_dataset(path, spec_in(tmp_path))
    assert read_dataset(path) == spec_in(tmp_path)


@pytest.mark.parametrize("key", ["images", "out", "list", "classes", "pseudo_format"])
def test_an_empty_path_is_named_with_its_key(tmp_path: Path, key: str) -> None:
    path = write(tmp_path, f'{key} = ""\n')
    with refused(path, f'found {key} = ""'):
        read_dataset(path)


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff" + NEEDED)
    assert read_dataset(path) == read_dataset(write(tmp_path, NEEDED))
    assert looks_like_dataset(path)


def test_a_toml_without_masks_looks_for_them_in_out(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(TOML)
    spec = read_dataset(path)
    assert spec.masks == tmp_path / "out" / "masks"
    assert spec.masks_to_come
    write_dataset(path, spec)
    assert read_dataset(path) == spec
    path.write_text(f'{TOML}masks = "masks"\n')
    assert not read_dataset(path).masks_to_come
    path.write_text(f"{TOML}masks = 3\n")
    with refused(path, "masks = 3"):
        read_dataset(path)


def test_each_command_says_what_it_needs_and_the_rest_may_be_missing(tmp_path: Path) -> None:
    assert DatasetSpec().folders == ()
    spec = read_dataset(write(tmp_path, 'ground_truth = "t"\n'))
    assert spec.folders == (tmp_path / "t",)
    with refused("dataset", "no out", "a folder that holds a label PNG per sample"):
        _ = spec.output
    assert DatasetSpec(out=tmp_path).output == tmp_path


def test_inputs_are_what_is_read(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, classes=str(tmp_path / "c.toml"), list_file=tmp_path / "l.txt")
    read = {"images", "pseudo", "masks", "c.toml", "l.txt"}
    assert set(spec.inputs) == {tmp_path / name for name in read}
    to_come = DatasetSpec(images=tmp_path / "i", out=tmp_path / "o")
    assert to_come.inputs == (tmp_path / "i",)
    assert to_come.folders == (tmp_path / "i", tmp_path / "o" / "masks", tmp_path / "o")


def test_a_toml_file_that_names_images_looks_like_a_dataset(tmp_path: Path) -> None:
    assert looks_like_dataset(write(tmp_path, NEEDED))
    assert looks_like_dataset(write(tmp_path, 'out = "o"\nground_truth = "g"'))
    assert not looks_like_dataset(write(tmp_path, 'classes = ["cat"]'))
    assert not looks_like_dataset(write(tmp_path, "images = "))
    assert not looks_like_dataset(tmp_path / "gone.toml")
