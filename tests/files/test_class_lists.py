from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.core.labels.classes import COCO, VOC, ClassList
from napari_sepl.files.class_lists import encode_class_list, read_class_list, read_class_map
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
    with refused("class list", "'vocc'", "voc, coco, coco-official, cityscapes"):
        read_class_list("vocc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes = [}", ["not valid TOML (line 1, column 12: Invalid value)"]),
        ("", ["the keys none", "classes = ["]),
        ('names = ["a", "b"]', ["the keys names", "classes = ["]),
        ('classes = "a"', ["the keys classes", "classes = ["]),
        ('classes = [{ name = "a" }]\ntitle = "b"', ["the keys classes, title"]),
        ('classes = [{ name = "a" }, "b"]', ["class 1", "'b'", "name and optional colour and id"]),
        ('classes = [{ name = "a", color = "#000000" }]', ["class 0", "the keys name, color:"]),
        ('classes = [{ colour = "#000000" }]', ["class 0", "the keys colour:"]),
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
    ("text", "message"),
    [
        ("[rename", ["not valid TOML"]),
        ("\udcff", ["not valid TOML"]),
        ("[renames]", ["the unknown key renames (did you mean rename?):", "expected a TOML file"]),
        ("rename = 3", ["found rename = 3:", "expected a table of names, as in"]),
        ("[rename]\ncat = 3", ["found rename.cat = 3:", "expected a table of names, as in"]),
        ("[merge]\npet = 8", ["found merge.pet = 8:", "a table of lists of names or labels"]),
        ("[merge]\npet = [1.5]", ["found merge.pet with 1.5:", "expected a table of lists"]),
        (
            "[drop]\nto_ignored = [3]",
            ["key drop.to_ignored (did you mean to_ignore?):", "expected lists"],
        ),
        ('[drop]\nto_ignore = ["lion"]', ["the class 'lion'"]),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, text: str, message: list[str]) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with refused(path, *message):
        read_class_map(path, VOC)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with refused(tmp_path / "map.toml", "no such file"):
        read_class_map(tmp_path / "map.toml", VOC)


def test_ids_may_have_gaps_and_the_background_may_be_left_out(tmp_path: Path) -> None:
    text = 'classes = [{ name = "car", id = 26 }, { name = "road", id = 7, colour = "#804080" }]'
    classes = read_class_list(write(tmp_path, text))
    assert (classes.ids, classes.names) == ((0, 7, 26), ("background", "road", "car"))
    assert (classes.name(7), classes.name(8), classes.name(26)) == ("road", "class 8", "car")
    assert classes.palette()[7].tolist() == [128, 64, 128]
    assert (len(classes), classes.size, classes.has_gaps) == (3, 27, True)
    with refused("a.png", "label 8", "0 to 26 (with gaps)"):
        classes.check_ids([0, 7, 8], "a.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{ name = "a", id = 0 }, { name = "b" }', ["no id of 'b'"]),
        ('{ name = "a", id = 0 }, { name = "b", id = 255 }', ["the id 255", "255 is ignore"]),
        ('{ name = "a", id = 0 }, { name = "b", id = -1 }', ["the id -1"]),
        ('{ name = "a", id = 0 }, { name = "b", id = true }', ["the id true"]),
        ('{ name = "a", id = 4 }, { name = "b", id = 4 }', ["the id 4 twice"]),
    ],
)
def test_ids_that_make_no_sense_are_reported(tmp_path: Path, text: str, message: list[str]) -> None:
    path = write(tmp_path, f"classes = [{text}]")
    with refused(path, *message):
        read_class_list(path)


def test_a_class_as_label_0_is_asked_about(tmp_path: Path) -> None:
    text = 'classes = [{ name = "road" }, { name = "sidewalk" }]'
    path = write(tmp_path, text)
    with refused(path, "'road' as label 0", 'zero = "class"', 'zero = "background"'):
        read_class_list(path)
    classes = read_class_list(write(tmp_path, f'zero = "class"\n{text}'))
    assert classes.names == ("background", "road", "sidewalk")
    labels = np.array([[0, 1, 255]], np.uint8)
    assert classes.renumbered(labels, "a.png").tolist() == [[1, 2, 255]]
    classes = read_class_list(write(tmp_path, f'zero = "background"\n{text}'))
    assert (classes.names, classes.from_0) == (("road", "sidewalk"), False)
    with refused(path, "zero = 'none'"):
        read_class_list(write(tmp_path, f'zero = "none"\n{text}'))


def text_file(folder: Path, text: str) -> Path:
    path = folder / "labels.txt"
    path.write_text(text)
    return path


def test_the_labels_of_labelme(tmp_path: Path) -> None:
    path = text_file(tmp_path, "__ignore__\n_background_\ncar\n\npotted plant\n")
    classes = read_class_list(path)
    assert classes.names == ("_background_", "car", "potted plant")
    assert classes.ids == (0, 1, 2)
    assert classes.colours == VOC.colours[:3]


def test_the_label_map_of_cvat(tmp_path: Path) -> None:
    path = text_file(
        tmp_path,
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:64,128,129:wheel:drive\n"
        "ignored:224,224,191::\nroad sign:1,2,3::\nbus:::\n",
    )
    classes = read_class_list(path)
    assert classes.names == ("background", "car", "road sign", "bus")
    assert classes.ids == (0, 1, 3, 4)  # the line of ignore keeps its place
    assert classes.colours == ((0, 0, 0), (64, 128, 129), (1, 2, 3), VOC.colours[4])
    assert classes.palette()[255].tolist() == [224, 224, 191]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ["no class"]),
        ("car\nbus\n", ["'car' first", "the line _background_"]),
        ("car:1,2,3::\n", ["'car' first", "background:0,0,0::"]),
        ("background:0,0,0::\ncar:1,2::\n", ["the line 'car:1,2::'"]),
        ("background:0,0,0::\n:1,2,3::\n", ["the line ':1,2,3::'"]),
        ("background:0,0,0::\ncar:1,2,300::\n", ["the colour 1,2,300"]),
        ("background\ncar\ncar\n", ["the name 'car' twice"]),
        ("background\n" + "".join(f"c{i}\n" for i in range(300)), ["301 names"]),
    ],
)
def test_other_text_is_reported(tmp_path: Path, text: str, message: list[str]) -> None:
    path = text_file(tmp_path, text)
    with refused(path, *message):
        read_class_list(path)


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000 + "]" * 50_000, "x = " + "9" * 5000, "a = 1\n" * 2, "a." * 2000 + "b = 1", "\0"],
)
def test_toml_without_end_costs_one_line(tmp_path: Path, text: str) -> None:
    with refused(write(tmp_path, text)):
        read_class_list(tmp_path / "streets.toml")


@given(
    st.lists(st.integers(1, 254), min_size=1, max_size=20, unique=True).map(sorted),
    st.data(),
)
def test_a_list_that_is_written_reads_back_equal(ids: list[int], data: st.DataObject) -> None:
    colour = st.tuples(*[st.integers(0, 255)] * 3)
    count = len(ids) + 1
    text = st.text(min_size=1, max_size=8).filter(lambda name: bool(name.strip()) and _is_utf(name))
    names = data.draw(st.lists(text, min_size=count, max_size=count, unique=True))
    colours = data.draw(st.lists(colour, min_size=count, max_size=count))
    classes = ClassList(
        "a.toml", tuple(names), tuple(colours), (0, *ids), ignore_colour=data.draw(colour)
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.toml"
        path.write_bytes(encode_class_list(classes))
        assert read_class_list(path) == classes


def _is_utf(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
