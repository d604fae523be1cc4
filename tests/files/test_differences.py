"""In what settings differ, in words."""

import re

import pytest

from napari_sepl.files.differences import describe_differences


@pytest.mark.parametrize(
    ("known", "asked", "message"),
    [
        ({"a": 1, "b": 2.0}, {"a": 1, "b": 0.5}, "b 2 (asked for now: 0.5)"),
        ({"a": None}, {"a": True}, "a not set (asked for now: yes)"),
        ({"a": []}, {"a": ["x", 1.5]}, "a none (asked for now: x and 1.5)"),
        ({"a": {"b": False}}, {"a": {}}, "a b no (asked for now: none)"),
        (
            {"model": "vit_b", "side": 4},
            {"model": "regions"},
            "model vit_b (asked for now: regions)",
        ),
        ({"a": 1}, {"a": 1, "b": 2}, "b no such setting (asked for now: 2)"),
        ({"a": 1}, {"a": 1}, ""),
    ],
)
def test_differences_are_reported_without_words_of_python(
    known: dict[str, object], asked: dict[str, object], message: str
) -> None:
    assert describe_differences(known, asked) == message
    assert not re.search("None|True|False|[\\[{']", describe_differences(known, asked))
