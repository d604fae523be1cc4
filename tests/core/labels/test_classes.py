"""Class lists: names, colours and what they say of a label that is not theirs."""

from typing import Any

import numpy as np
import pytest

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import (
    BUILT_IN,
    COCO,
    VOC,
    ClassList,
    ClassMap,
    find_class,
    voc_palette,
)
from tests.core.drawing import labels
from tests.messages import raises_input_error


def test_the_built_in_lists() -> None:
    assert (BUILT_IN["voc"], BUILT_IN["coco"]) == (VOC, COCO)
    assert (len(VOC), VOC.name(1), VOC.name(20)) == (21, "aeroplane", "tv monitor")
    assert (len(COCO), COCO.name(1), COCO.name(80)) == (81, "person", "toothbrush")


@pytest.mark.parametrize("classes", BUILT_IN.values(), ids=BUILT_IN.keys())
def test_names_are_unique_and_have_colours(classes: ClassList) -> None:
    assert len(set(classes.names)) == len(classes) == len(classes.colours)


def test_voc_colours_are_those_of_the_development_kit() -> None:
    palette = voc_palette()
    assert palette.shape == (256, 3)
    assert palette.dtype == np.uint8
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 4: (0, 0, 128), 15: (192, 128, 128),
             20: (0, 64, 128), 255: (224, 224, 192)}  # fmt: skip
    assert {label: tuple(palette[label].tolist()) for label in known} == known
    assert len(np.unique(palette, axis=0)) == 256


def test_labels_beyond_a_list_have_a_name_and_a_colour() -> None:
    own = ClassList("own", ("background", "cell"), ((0, 0, 0), (9, 8, 7)))
    assert [own.name(label) for label in (0, 1, 2, 255)] == [
        "background", "cell", "class 2", "ignore",
    ]  # fmt: skip
    assert own.palette()[1].tolist() == [9, 8, 7]
    np.testing.assert_array_equal(own.palette()[2:], voc_palette()[2:])


def test_labels_of_the_list_and_ignore_pass() -> None:
    VOC.check(np.append(np.arange(21, dtype=np.uint8), np.uint8(255))[None], "cat.png")
    COCO.check(np.arange(81, dtype=np.uint8)[None], "cat.png")


def test_one_label_outside_is_named() -> None:
    own = ClassList("own", ("background", "cell"), ((0, 0, 0), (9, 8, 7)))
    message = (
        r"^cat\.png: found label 3; "
        r"expected 0 to 1 of the class list own, or 255 for ignore; "
        r"name another list by --classes\.$"
    )
    with pytest.raises(InputError, match=message):
        own.check(labels("0.13?".replace("0", ".")), "cat.png")


def test_at_most_eight_labels_outside_are_named() -> None:
    image = np.arange(254, dtype=np.uint8)[None]
    with raises_input_error(found="labels 21, 22, 23, 24, 25, 26, 27, 28"):
        VOC.check(image, "cat.png")


@pytest.mark.parametrize("count", [0, 1, 256])
def test_a_list_has_2_to_255_names(count: int) -> None:
    with raises_input_error("class list own", found=f"{count} names", expected="2 to 255"):
        ClassList("own", ("name",) * count, ((0, 0, 0),) * count)


def test_a_list_of_255_names_leaves_only_ignore() -> None:
    full = ClassList("own", tuple(map(str, range(255))), ((1, 2, 3),) * 255)
    full.check(np.arange(256).astype(np.uint8)[None], "cat.png")
    assert full.palette()[255].tolist() == [224, 224, 192]


FIVE = ClassList(
    "five", ("background", "cat", "dog", "car", "bus"), tuple((i, i, i) for i in range(5))
)


def mapped(**options: Any) -> tuple[tuple[str, ...], list[int]]:
    made = ClassMap.of(FIVE, "map.toml", **options)
    return made.classes.names, made.apply(np.arange(5, dtype=np.uint8)).tolist()


def test_no_option_changes_nothing() -> None:
    assert mapped() == (FIVE.names, [0, 1, 2, 3, 4])
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(ClassMap.identity(VOC).apply(every), every)
    assert ClassMap.of(FIVE, "m").apply(np.array([[255]], np.uint8)).tolist() == [[255]]


def test_classes_are_renamed_merged_and_dropped() -> None:
    names = ("background", "feline", "vehicle")
    options = {"rename": {"cat": "feline"}, "merge": {"vehicle": ["car", 4]}}
    assert mapped(**options, to_background=["dog"]) == (names, [0, 1, 0, 2, 2])
    assert mapped(**options, to_ignore=["dog"]) == (names, [0, 1, 255, 2, 2])


def test_a_class_may_join_another_one() -> None:
    assert mapped(merge={"dog": ["cat"]}) == (
        ("background", "dog", "car", "bus"), [0, 1, 1, 2, 3],
    )  # fmt: skip


def test_colours_stay_with_their_classes() -> None:
    made = ClassMap.of(FIVE, "m", to_background=["cat"], merge={"vehicle": ["car", "bus"]})
    assert made.classes.colours == ((0, 0, 0), (2, 2, 2), (3, 3, 3))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"to_ignore": ["lion"]}, "the class 'lion'"),
        ({"to_ignore": [5]}, "the class 5"),
        ({"to_ignore": [True]}, "the class True"),
        ({"to_ignore": [0]}, "the background"),
        ({"merge": {"x": ["background"]}}, "the background"),
        ({"to_ignore": ["cat"], "to_background": [1]}, "'cat' twice"),
        ({"merge": {"x": ["cat"], "y": ["cat"]}}, "'cat' twice"),
        ({"rename": {"cat": "dog"}}, "'cat' renamed to 'dog'"),
        ({"rename": {"cat": "pet", "dog": "pet"}}, "two classes of one new name"),
        ({"rename": {"bus": "pet"}, "merge": {"pet": ["cat"]}}, "'bus' renamed to 'pet'"),
        ({"to_ignore": [1, 2, 3, 4]}, "1 names"),
    ],
)
def test_contradictions_are_errors(options: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError, match=found):
        ClassMap.of(FIVE, "map.toml", **options)


def test_a_class_is_found_by_name_or_label() -> None:
    assert find_class(VOC, "cat", "") == find_class(VOC, 8, "") == 8
    with raises_input_error("--class", found="the class 'lion'"):
        find_class(VOC, "lion", "--class")


GAPS = ClassList("gaps", ("background", "cat", "bus"), ((0, 0, 0), (1, 1, 1), (2, 2, 2)), (0, 3, 9))


def test_labels_with_gaps_have_names_colours_and_places() -> None:
    assert [GAPS.name(label) for label in (0, 3, 9, 255)] == ["background", "cat", "bus", "ignore"]
    assert GAPS.name(1) == "class 1"
    assert GAPS.palette()[[0, 3, 9]].tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert np.array_equal(GAPS.palette()[1], voc_palette()[1])
    assert find_class(GAPS, "bus", "") == find_class(GAPS, 9, "") == 9
    for key in (1, 2, 10):
        with raises_input_error("x", found=f"the class {key}"):
            find_class(GAPS, key, "x")


@pytest.mark.parametrize("ids", [(1, 2, 3), (0, 2, 2), (0, 3, 2), (0, 1), (0, 1, 255)])
def test_ids_start_at_0_and_ascend(ids: tuple[int, ...]) -> None:
    with raises_input_error("class list x", found="the ids"):
        ClassList("x", GAPS.names, GAPS.colours, ids)


def test_a_map_of_classes_closes_gaps_and_no_map_keeps_them() -> None:
    made = ClassMap.of(GAPS, "m", rename={"cat": "pet"})
    assert made.classes.ids == (0, 1, 2)
    assert made.apply(np.array([0, 3, 9, 255, 4], np.uint8)).tolist() == [0, 1, 2, 255, 255]
    assert ClassMap.identity(GAPS).classes.ids == (0, 3, 9)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(3, (0, 3, 9)), (2, (3, 9)), (10, tuple(range(10))), (9, tuple(range(1, 10))), (4, None)],
)
def test_things_in_the_order_of_the_classes(count: int, expected: tuple[int, ...] | None) -> None:
    assert GAPS.labels_of(count) == expected
    assert ClassList("x", GAPS.names, GAPS.colours, (0, 1, 3)).labels_of(3) is None  # two ways


def test_of_a_built_in_list_one_that_fits_is_named() -> None:
    coco = BUILT_IN["coco"]
    for present, best in (([1, 90], "coco-official"), ([81], "coco-official"), ([150], "ade20k")):
        with raises_input_error("a.png", found="label", expected=f"--classes {best} has them"):
            coco.check_ids(present, "a.png")
    with raises_input_error("a.png", found="label 200", expected="name another list by --classes"):
        coco.check_ids([200], "a.png")
    with raises_input_error("a.png", found="label 30", expected="--classes coco has them"):
        VOC.check_ids([30], "a.png")


def test_the_numbers_of_public_datasets() -> None:
    names = {
        ("coco-official", 90): "toothbrush", ("coco-official", 13): "stop sign",
        ("cityscapes", 7): "road", ("cityscapes", 33): "bicycle", ("ade20k", 1): "wall",
        ("ade20k", 150): "flag", ("cityscapes-trainids", 14): "car",
    }  # fmt: skip
    for (title, label), name in names.items():
        assert BUILT_IN[title].name(label) == name
    assert len(BUILT_IN["ade20k"]) == 151
    assert BUILT_IN["cityscapes"].palette()[26].tolist() == [0, 0, 142]
