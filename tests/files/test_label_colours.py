"""Labels in colours: those of the class list, of PASCAL VOC, and three equal channels."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.labels.classes import BUILT_IN, COCO, VOC, ClassList, voc_palette
from napari_sepl.core.labels.scores import Scores
from napari_sepl.files.labels import labels_of_colours, read_given_labels
from napari_sepl.files.pseudo import read_pseudo
from tests.files.making import SHAPE, random_labels, refused, save_image

OWN = ClassList(
    "own",
    ("background", "cat", "dog"),
    ((0, 0, 0), (250, 50, 83), (255, 255, 255)),
    ignore_colour=(9, 9, 9),
)


def labels_of(path: Path, name: str = "auto", *, classes: ClassList) -> NDArray[np.uint8]:
    read = read_pseudo(path, name, classes=classes)
    assert not isinstance(read, Scores)
    return read


def few(top: int = 3) -> NDArray[np.uint8]:
    labels = random_labels(top=top)
    labels[:2] = 255
    return labels


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.npy"])
def test_colours_of_the_class_list(tmp_path: Path, name: str) -> None:
    pixels = OWN.palette()[few()]
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb")
    elif name == "a.npy":
        np.save(tmp_path / name, pixels)
    else:
        save_image(tmp_path / name, pixels)
    assert np.array_equal(read_given_labels(tmp_path / name, OWN, SHAPE), few())
    with refused(tmp_path / name, "30 × 40 pixels"):
        read_given_labels(tmp_path / name, OWN, (40, 30))


def test_voc_colours_where_those_of_the_list_do_not_fit(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", voc_palette()[few()])
    assert np.array_equal(read_given_labels(path, OWN), few())
    path = save_image(tmp_path / "b.png", voc_palette()[few(21)])
    assert np.array_equal(read_given_labels(path, VOC), few(21))


def test_opaque_colours_may_have_an_alpha_channel(tmp_path: Path) -> None:
    alpha = np.full((*SHAPE, 1), 255, np.uint8)
    pixels = np.concatenate([voc_palette()[few(21)], alpha], -1)
    path = save_image(tmp_path / "a.png", pixels)
    assert np.array_equal(read_given_labels(path, VOC), few(21))
    pixels[0, 0, 3] = 7
    with refused(save_image(path, pixels), "transparency"):
        read_given_labels(path, VOC)


def test_a_colour_of_no_class_is_named(tmp_path: Path) -> None:
    pixels = OWN.palette()[few()].copy()
    pixels[0, 0] = (1, 2, 3)
    path = save_image(tmp_path / "a.png", pixels)
    with refused(path, "1 of no class: #010203", "class list own"):
        read_given_labels(path, OWN)


def test_three_equal_channels_are_labels_where_those_are_of_the_list(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", np.stack([few(21)] * 3, -1))
    assert np.array_equal(read_given_labels(path, VOC), few(21))
    assert np.array_equal(labels_of(path, "labels", classes=VOC), few(21))


def test_a_grey_class_alone_is_no_label_128(tmp_path: Path) -> None:
    cars = np.where(few() == 1, 7, 0).astype(np.uint8)
    path = save_image(tmp_path / "a.png", VOC.palette()[cars])  # car is (128, 128, 128)
    assert np.array_equal(read_given_labels(path, VOC), cars)


def test_grey_that_may_be_both_is_asked_about(tmp_path: Path) -> None:
    whites = np.where(few() == 1, 255, 0).astype(np.uint8)  # ignore, or a dog
    path = save_image(tmp_path / "a.png", np.stack([whites] * 3, -1))
    with refused(path, "--pseudo-format labels or colours"):
        read_given_labels(path, OWN)
    assert np.array_equal(labels_of(path, "labels", classes=OWN), whites)
    dogs = np.where(whites, 2, 0)
    assert np.array_equal(labels_of(path, "colours", classes=OWN), dogs)


def test_a_mask_of_0_and_255_is_a_class_where_colours_count(tmp_path: Path) -> None:
    whites = np.where(few() == 1, 255, 0).astype(np.uint8)
    path = save_image(tmp_path / "a.png", whites)
    assert np.array_equal(read_given_labels(path, OWN), whites)
    assert np.array_equal(labels_of(path, "colours", classes=OWN), np.where(whites, 2, 0))


def test_the_colours_of_a_palette_count_where_that_is_said(tmp_path: Path) -> None:
    indices = few() % 3
    image = Image.fromarray(indices)
    image.putpalette(OWN.palette()[[2, 0, 1]].tobytes())
    image.save(tmp_path / "a.png")
    expected = np.array([2, 0, 1])[indices]
    assert np.array_equal(labels_of(tmp_path / "a.png", "colours", classes=OWN), expected)
    assert np.array_equal(labels_of(tmp_path / "a.png", "labels", classes=OWN), indices)
    with refused(tmp_path / "a.png", "at other indices", "--pseudo-format colours"):
        labels_of(tmp_path / "a.png", classes=OWN)


@given(st.data())
def test_colours_read_back_as_their_labels(data: st.DataObject) -> None:
    classes = data.draw(st.sampled_from([VOC, COCO, BUILT_IN["coco-official"]]))
    labels = st.sampled_from((*classes.ids, 255))
    drawn = np.array(data.draw(st.lists(st.lists(labels, min_size=3, max_size=3), min_size=1)))
    read = labels_of_colours(classes.palette()[drawn], classes)
    assert read is not None
    assert np.array_equal(read, drawn)


TRAINED = BUILT_IN["cityscapes-trainids"]


def test_train_ids_are_asked_about(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", few(19))
    with refused(path, "in which 0 is road", "--classes cityscapes-trainids"):
        read_given_labels(path, BUILT_IN["cityscapes"])
    read = read_given_labels(path, BUILT_IN["cityscapes-labelids"])
    assert np.array_equal(read, few(19))
    read = read_given_labels(path, TRAINED)
    assert np.array_equal(read, np.where(few(19) == 255, 255, few(19) + 1))
    assert (TRAINED.name(1), TRAINED.name(19)) == ("road", "bicycle")


def test_label_ids_of_cityscapes_are_not_asked_about(tmp_path: Path) -> None:
    labels = random_labels(top=34)
    path = save_image(tmp_path / "a.png", labels)
    assert np.array_equal(read_given_labels(path, BUILT_IN["cityscapes"]), labels)
    with refused(path, "the label 33", "0 to 18"):
        read_given_labels(path, TRAINED)
