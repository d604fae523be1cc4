"""The classes that masks bring: where records hold them, and what becomes of them."""

import numpy as np
import pytest

from napari_sepl import MaskSet
from napari_sepl.core.masks.brought import BroughtClasses

RLE = {"size": [2, 2], "counts": [1, 3]}


def brought(*records: object, **options: object) -> BroughtClasses:
    found = BroughtClasses.from_records(list(records), **options)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"class_name": "cat", "score": 0.5}, "cat 0.50"),
        ({"class": " dining   table "}, "dining table"),
        ({"label": "dog", "logit": 0.25}, "dog 0.25"),
        ({"class_name": ["cat"], "score": [0.75]}, "cat 0.75"),
        ({"class_name": "cat", "score": np.array([[0.5]], np.float32)}, "cat 0.50"),
        ({"class_name": "cat", "class_proposals": ["a", "b"], "score": "high"}, "cat"),
        ({"class_name": "cat", "score": float("nan")}, "cat"),
        ({"class_name": "cat", "score": 10**400}, "cat"),
        ({"class": 3, "category": "car"}, "car"),
        ({"category_id": 7, "score": 1}, "a truck 1.00"),
        ({"label": "", "category_id": 7}, "a truck"),
    ],
)
def test_a_class_is_read_from_wherever_programs_write_it(
    record: dict[str, object], text: str
) -> None:
    assert brought(record, categories={7: "a truck"}).text(0) == text


@pytest.mark.parametrize(
    "record", [RLE, {"class": 3}, {"category_id": "5"}, {"label": None}, {"class_name": " "}, "cat"]
)
def test_records_without_a_name_bring_none(record: object) -> None:
    assert BroughtClasses.from_records([record, record]) is None
    assert brought(record, {"label": "dog"}).names == ("", "dog")


def test_names_without_a_label_are_told_once() -> None:
    found, unknown = brought(
        {"label": "CAT"}, {"label": "unicorn"}, {"label": "Dog"}, {"label": "unicorn"}, {}
    ).labelled(lambda name: {"background": 0, "cat": 8, "dog": 12}.get(name.lower()))
    assert found.labels is not None
    assert found.labels.tolist() == [8, 0, 12, 0, 0]
    assert unknown == ["unicorn"]


def test_sets_keep_classes_together_and_out_of_their_digest() -> None:
    named = MaskSet.from_rle([{"segmentation": RLE, "class_name": "cat", "score": 0.5}])
    plain = MaskSet.from_rle([RLE])
    assert named.digest == plain.digest
    both = plain.followed_by(named).followed_by(plain)
    assert both.brought is not None
    assert both.brought.names == ("", "cat", "")
    np.testing.assert_array_equal(both.brought.scores, np.array([np.nan, 0.5, np.nan], np.float32))
    assert both.brought_labels.tolist() == [0, 0, 0]
    assert plain.followed_by(plain).brought is None


def test_a_number_without_a_name_stands_for_the_label() -> None:
    found = BroughtClasses.from_records([{"category_id": 5}, {"category_id": 7}], {7: "a truck"})
    assert found is not None
    assert found.names == ("5", "a truck")
