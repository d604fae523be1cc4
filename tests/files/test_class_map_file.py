from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.class_lists import read_class_map
from tests.files.making import refused


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
def test_what_is_wrong_is_told(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with refused(path, found):
        read_class_map(path, VOC)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with refused(tmp_path / "map.toml", "no such file"):
        read_class_map(tmp_path / "map.toml", VOC)
