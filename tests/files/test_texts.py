"""Texts as Windows programs and people write them, and faults of TOML with the way out."""

import csv
import io
import math
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.files._opening import decoded, lines_of, read_toml
from napari_sepl.files.dataset.specification import read_dataset
from napari_sepl.workflow.measure.tables import encode_csv
from tests.files.making import refused

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_toml_is_read_in_the_encodings_of_windows(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "set.toml"
    path.write_bytes('images = "Café"\r\nout = "o"\r\n'.encode(encoding))
    assert read_dataset(path).images == tmp_path / "Café"


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32), min_size=2))
def test_text_is_decoded_whatever_its_encoding(text: str) -> None:
    assert [decoded(text.encode(one)) for one in ENCODINGS] == [text] * len(ENCODINGS)


@given(st.binary())
def test_bytes_are_text_or_none(content: bytes) -> None:
    with suppress(UnicodeDecodeError):
        assert isinstance(decoded(content), str)


def test_only_line_ends_end_a_line() -> None:
    assert lines_of("a\u2028b\r\nc\x0cd\re\n") == ["a\u2028b", "c\x0cd", "e", ""]


@pytest.mark.parametrize("value", [r"D:\sets\images", r"C:\Users\ana"])
def test_backslashes_in_double_quotes_get_a_hint(tmp_path: Path, value: str) -> None:
    path = tmp_path / "set.toml"
    path.write_text(f'out = "o"\nimages = "{value}"\n')
    with refused(path, "line 2", "single quotes", "forward slashes"):
        read_toml(path, "a TOML file")
    path.write_text(f"images = '{value}'\n")
    assert read_toml(path, "a TOML file") == {"images": value}


def test_backslashes_that_became_other_signs_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_text('images = "C:\\new\\tables"\n')
    with refused(path, r"C:\new", "single quotes"):
        read_dataset(path)


def test_other_faults_of_toml_have_their_line_and_no_such_hint(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_text('out = "o"\n\nimages = images\n')
    with refused(path, "line 3"):
        read_toml(path, "a TOML file")
    path.write_text('out = "o\n')
    with refused(path, "line 1"):
        read_toml(path, "a TOML file")


# --- tables


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def test_what_a_spreadsheet_takes_for_a_formula_is_text(tmp_path: Path) -> None:
    cells: list[object] = ["=1+1", "+a", "-b", "@c", "\tx", "a=b", "'d"]
    assert read_csv(encode_csv([cells])) == [
        ["'=1+1", "'+a", "'-b", "'@c", "'\tx", "a=b", "'d"],
    ]
    numbers: list[object] = [-1.5, -3, math.nan, None, 0.1, True]
    assert encode_csv([numbers]) == b"-1.5,-3,,,0.1,True\n"


SAFE = st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(
    lambda text: not text.startswith(("=", "+", "-", "@", "\t", "\r"))
)


@given(st.lists(st.lists(SAFE, min_size=2, max_size=3), max_size=4))
def test_rows_of_any_text_read_back(rows: list[list[str]]) -> None:
    assert read_csv(encode_csv([list(row) for row in rows])) == rows
