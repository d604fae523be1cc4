from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.labels.classes import COCO, VOC
from napari_sepl.files.class_lists import read_class_list, read_class_map
from tests.files.making import refused


def write(folder: Path, text: str) -> Path:
    path = folder / "streets.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_built_in_lists_go_by_name() -> None:
    assert read_class_list("voc") is VOC
    assert read_class_list("coco") is COCO


def test_names_and_colours_from_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        classes = [
            { name = "background", colour = "#010203" },
            { name = "Straße", colour = "#80fF00" },
            { name = "car" },
        ]
        """,
    )
    classes = read_class_list(path)
    assert classes.names == ("background", "Straße", "car")
    assert classes.colours == ((1, 2, 3), (128, 255, 0), VOC.colours[2])
    assert classes.title == "streets.toml"  # not the folder: labels made elsewhere are the same
    assert read_class_list(str(path)) == classes


def test_the_same_in_the_long_notation_of_toml(tmp_path: Path) -> None:
    short = write(tmp_path, 'classes = [{ name = "background" }, { name = "car" }]')
    first = read_class_list(short)
    long = write(tmp_path, '[[classes]]\nname = "background"\n[[classes]]\nname = "car"\n')
    assert read_class_list(long) == first


def test_an_unknown_name_is_answered_by_all_names() -> None:
    with refused("class list", "'vocc'", "voc, coco or a file ending in .toml"):
        read_class_list("vocc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes = [}", ["not valid TOML (line 1, column 12: Invalid value)"]),
        ("", ["the keys none", "classes = ["]),
        ('names = ["a", "b"]', ["the keys names", "classes = ["]),
        ('classes = "a"', ["the keys classes", "classes = ["]),
        ('classes = [{ name = "a" }]\ntitle = "b"', ["the keys classes, title"]),
        ('classes = [{ name = "a" }, "b"]', ["class 1", "'b'", "name and optional colour"]),
        ('classes = [{ name = "a", color = "#000000" }]', ["class 0", "name, color;"]),
        ('classes = [{ colour = "#000000" }]', ["class 0", "colour;"]),
        ("classes = [{ name = 3 }]", ["class 0", "the name 3"]),
        ('classes = [{ name = " " }]', ["class 0", "the name ' '"]),
        ('classes = [{ name = "a", colour = "red" }]', ["class 0", "'red'", "#804080"]),
        ('classes = [{ name = "a", colour = "#1234567" }]', ["class 0", "'#1234567'"]),
        ('classes = [{ name = "a", colour = [1, 2, 3] }]', ["class 0", "[1, 2, 3]"]),
        ('classes = [{ name = "a" }, { name = "a" }]', ["the name 'a' twice"]),
        ('classes = [{ name = "a" }]', ["1 names", "2 to 255"]),
        ("classes = []", ["0 names", "2 to 255"]),
        ("classes = [" + ", ".join(f'{{ name = "{i}" }}' for i in range(300)) + "]", ["300 names"]),
    ],
)
def test_a_list_laid_out_otherwise_is_reported(
    tmp_path: Path, text: str, message: list[str]
) -> None:
    path = write(tmp_path, text)
    with refused(path, *message):
        read_class_list(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with refused(tmp_path / "gone.toml", "no such file"):
        read_class_list(tmp_path / "gone.toml")
    (tmp_path / "a.toml").write_bytes(b'classes = [{ name = "\xff" }]')
    with refused(tmp_path / "a.toml", "not UTF-8"):
        read_class_list(tmp_path / "a.toml")


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        '[rename]\n"tv monitor" = "screen"\n[merge]\nvehicle = ["car", "bus", 19]\n'
        '[drop]\nto_background = ["potted plant"]\nto_ignore = ["sofa"]\n'
    )
    made = read_class_map(path, VOC)
    names = made.classes.names
    assert names[6] == "vehicle"
    assert names[-1] == "screen"
    assert len(names) == 17
    labels = np.array([6, 7, 19, 16, 18, 20, 255], np.uint8)
    assert made.apply(labels).tolist() == [6, 6, 6, 0, 255, 16, 255]
    assert made.classes.title == "voc by map.toml"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[rename", "not valid TOML"),
        ("\udcff", "not valid TOML"),
        ("[renames]", "found the unknown key renames (did you mean rename?); expected a TOML file"),
        ("rename = 3", "found rename = 3; expected a table of names, as in"),
        ("[rename]\ncat = 3", "found rename.cat = 3; expected a table of names, as in"),
        ("[merge]\npet = 8", "found merge.pet = 8; expected a table of lists of names or labels"),
        ("[merge]\npet = [1.5]", "found merge.pet with 1.5; expected a table of lists"),
        (
            "[drop]\nto_ignored = [3]",
            "key drop.to_ignored (did you mean to_ignore?); expec",
        ),
        ('[drop]\nto_ignore = ["lion"]', "the class 'lion'"),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with refused(path, found):
        read_class_map(path, VOC)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with refused(tmp_path / "map.toml", "no such file"):
        read_class_map(tmp_path / "map.toml", VOC)
