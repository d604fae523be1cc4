import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from napari_sepl import Params
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import SaveError
from napari_sepl.core.labels.classes import VOC, ClassList, voc_palette
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.label_png import KEY, encode_label_png, read_provenance, write_label_png
from napari_sepl.files.labels import read_labels
from tests.files.making import provenance, random_labels, refused, save_image

LABELS = random_labels(top=256)

label_maps = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=70))
all_params = st.builds(
    Params, t1=st.floats(0, 1), t2=st.floats(0, 1), strategy=st.sampled_from(Strategy),
    conflict=st.sampled_from(Conflict),
)  # fmt: skip
provenances = st.builds(
    provenance, sample_id=st.text(), params=all_params, edited=st.booleans(),
    digests=st.dictionaries(st.text(), st.text(), max_size=3),
)  # fmt: skip


@given(labels=label_maps, told=provenances)
def test_labels_and_their_making_come_back(
    tmp_path_factory: pytest.TempPathFactory, labels: NDArray[np.uint8], told: Any
) -> None:
    path = tmp_path_factory.mktemp("p") / "a.png"
    write_label_png(path, labels, VOC, told)
    np.testing.assert_array_equal(read_labels(path), labels)
    assert read_provenance(path) == told.model_copy(update={"labels": digest_labels(labels)})
    assert encode_label_png(labels, VOC, told) == path.read_bytes()


def test_other_programs_see_a_palette_png_in_voc_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_label_png(path, LABELS, VOC, provenance())
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), LABELS)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), voc_palette()[LABELS])
    assert path.read_bytes()[24] == 8  # bits a pixel, though the labels may be few
    assert voc_palette()[255].tolist() == [224, 224, 192]


def test_the_colours_are_those_of_the_class_list(tmp_path: Path) -> None:
    classes = ClassList("two", ("background", "road"), ((1, 2, 3), (250, 0, 9)))
    labels = np.array([[0, 1, 2, 255]], np.uint8)
    write_label_png(tmp_path / "a.png", labels, classes, provenance())
    with Image.open(tmp_path / "a.png") as image:
        seen = np.asarray(image.convert("RGB"))[0].tolist()
    assert seen == [[1, 2, 3], [250, 0, 9], [0, 128, 0], [224, 224, 192]]


def test_the_record_stands_before_the_pixels_as_json(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_label_png(path, LABELS, VOC, provenance(sample_id="Кот", edited=True))
    with Image.open(path) as image:
        told = json.loads(image.info[KEY])  # not decoded yet
    assert told == {
        "version": "0.1.0",
        "sample_id": "Кот",
        "params": {"t1": 0.5, "t2": 0.85, "strategy": "paper", "conflict": "highest-id"},
        "classes": "voc",
        "digests": {"image": "1f" * 32},
        "edited": True,
        "sources": {},
        "labels": digest_labels(LABELS),
    }


def test_the_order_of_digests_does_not_change_the_bytes() -> None:
    first = encode_label_png(LABELS, VOC, provenance(digests={"image": "a", "masks": "b"}))
    second = encode_label_png(LABELS, VOC, provenance(digests={"masks": "b", "image": "a"}))
    assert first == second


@pytest.mark.parametrize("labels", [LABELS.T, LABELS[::2, ::-1], LABELS.astype(np.int64)])
def test_no_layout_of_valid_labels_is_refused(tmp_path: Path, labels: NDArray[Any]) -> None:
    labels.flags.writeable = False
    write_label_png(tmp_path / "a.png", labels, VOC, provenance())
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), labels)


def test_what_is_no_label_map_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_label_png(path, LABELS, VOC, provenance())
    before = path.read_bytes()
    with refused("labels to save", "float64"):
        write_label_png(path, np.zeros((3, 3)), VOC, provenance())  # type: ignore[arg-type]
    assert path.read_bytes() == before


def test_a_failure_to_write_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "a.png"
    with pytest.raises(SaveError) as caught:
        write_label_png(path, LABELS, VOC, provenance())
    assert str(caught.value).startswith(f"could not be saved: {path} (Not a directory)")


def test_another_programs_image_has_no_provenance(tmp_path: Path) -> None:
    assert read_provenance(save_image(tmp_path / "a.png", LABELS)) is None
    assert read_provenance(save_image(tmp_path / "a.jpg", LABELS)) is None


def test_a_file_without_a_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    with refused(tmp_path / "a.png", "no image in a known format"):
        read_provenance(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", ["(no valid JSON)", "a newer one"]),
        ("{}", ["(no version, no sample_id, no params"]),
        (
            provenance().model_dump_json().replace('"paper"', '"oak"'),
            ['(params.strategy = "oak")', "a newer one"],
        ),
        (provenance().model_dump_json().replace("0.85", "85"), ["(params.t2 = 85"]),
    ],
)
def test_a_record_that_is_not_understood_is_reported(
    tmp_path: Path, text: str, message: list[str]
) -> None:
    path = save_with_text(tmp_path / "a.png", text)
    with refused(path, "provenance that is not valid", *message):
        read_provenance(path)


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    text = json.dumps(json.loads(provenance().model_dump_json()) | {"reviewer": "Ada"})
    assert read_provenance(save_with_text(tmp_path / "a.png", text)) == provenance()


def save_with_text(path: Path, text: str) -> Path:
    chunk = PngImagePlugin.PngInfo()
    chunk.add_text(KEY, text)
    return save_image(path, LABELS, pnginfo=chunk)
