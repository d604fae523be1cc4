from typing import Any

import numpy as np
import pytest

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import VOC, ClassList, ClassMap, find_class
from tests.messages import raises_input_error

FIVE = ClassList(
    "five", ("background", "cat", "dog", "car", "bus"), tuple((i, i, i) for i in range(5))
)


def mapped(**told: Any) -> tuple[tuple[str, ...], list[int]]:
    made = ClassMap.of(FIVE, "map.toml", **told)
    return made.classes.names, made.apply(np.arange(5, dtype=np.uint8)).tolist()


def test_nothing_told_changes_nothing() -> None:
    assert mapped() == (FIVE.names, [0, 1, 2, 3, 4])
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(ClassMap.identity(VOC).apply(every), every)
    assert ClassMap.of(FIVE, "m").apply(np.array([[255]], np.uint8)).tolist() == [[255]]


def test_classes_are_renamed_merged_and_dropped() -> None:
    names = ("background", "feline", "vehicle")
    told = {"rename": {"cat": "feline"}, "merge": {"vehicle": ["car", 4]}}
    assert mapped(**told, to_background=["dog"]) == (names, [0, 1, 0, 2, 2])
    assert mapped(**told, to_ignore=["dog"]) == (names, [0, 1, 255, 2, 2])


def test_a_class_may_join_another_one() -> None:
    assert mapped(merge={"dog": ["cat"]}) == (
        ("background", "dog", "car", "bus"), [0, 1, 1, 2, 3],
    )  # fmt: skip


def test_colours_stay_with_their_classes() -> None:
    made = ClassMap.of(FIVE, "m", to_background=["cat"], merge={"vehicle": ["car", "bus"]})
    assert made.classes.colours == ((0, 0, 0), (2, 2, 2), (3, 3, 3))


@pytest.mark.parametrize(
    ("told", "found"),
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
def test_what_cannot_be_meant_is_told(told: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError, match=found):
        ClassMap.of(FIVE, "map.toml", **told)


def test_a_class_is_found_by_name_or_label() -> None:
    assert find_class(VOC, "cat", "") == find_class(VOC, 8, "") == 8
    with raises_input_error("--class", found="the class 'lion'"):
        find_class(VOC, "lion", "--class")
