"""The docs' table of formats is what the readers say."""

from pathlib import Path

import pytest

from napari_sepl.files.formats import FileFormat
from napari_sepl.files.images import SUFFIXES
from napari_sepl.files.known_formats import KNOWN_FORMATS, tell_formats

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"


def test_the_page_is_what_the_script_makes() -> None:
    assert PAGE.read_text("utf-8") == tell_formats(), "run python scripts/formats.py"


@pytest.mark.parametrize("one", KNOWN_FORMATS, ids=lambda one: f"{one.role}: {one.name}")
def test_each_format_is_told_whole(one: FileFormat) -> None:
    row = next(line for line in tell_formats().splitlines() if line.startswith(f"| {one.name} |"))
    assert row.replace("\\|", "").count("|") == 5
    assert all((one.role, one.name, one.origin, one.recognised))


def test_each_ending_of_images_is_told() -> None:
    told = " ".join(one.recognised for one in KNOWN_FORMATS if one.role == "image")
    assert [ending for ending in SUFFIXES if f"`{ending}`" not in told] == []
