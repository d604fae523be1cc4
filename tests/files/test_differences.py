"""In what settings differ, in words."""

import re

import pytest

from napari_sepl.files.differences import describe_differences


@pytest.mark.parametrize(
    ("known", "asked", "message"),
    [
        ({"a": 1, "b": 2.0}, {"a": 1, "b": 0.5}, "b 2 (now 0.5)"),
        ({"a": None}, {"a": True}, "a not set (now yes)"),
        ({"a": []}, {"a": ["x", 1.5]}, "a none (now x and 1.5)"),
        ({"a": {"b": False}}, {"a": {}}, "a b no (now no such setting)"),
        (
            {"model": "vit_b", "side": 4},
            {"model": "regions"},
            "model vit_b (now regions)",
        ),
        ({"a": 1}, {"a": 1, "b": 2}, "b no such setting (now 2)"),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, "a c 2 (now 3)"),
        ({"a": [*range(9)]}, {"a": [0, 1]}, "a, position 2: 2 (now not set)"),
        ({"a": 1}, {"a": 1}, ""),
    ],
)
def test_differences_are_reported_without_words_of_python(
    known: dict[str, object], asked: dict[str, object], message: str
) -> None:
    assert describe_differences(known, asked) == message
    assert not re.search("None|True|False|[\\[{']", describe_differences(known, asked))
