"""Which class gets a pixel that several claim."""

import pytest

from tests.core.drawing import enhance_row

BOTH = ("1122....", "###.....", ".#######")
ROWS = [
    ("highest-id", "highest_class", BOTH, "12222222"),
    ("highest-id", "ids_not_positions", ("2211", "###.", ".###"), "2221"),
    ("pseudo", "class_of_the_pseudo_label", BOTH, "11222222"),
    ("pseudo", "highest_class_of_others", ("11.22", "###..", "..###"), "11222"),
    # Class 3 claims only its mask; classes 1 and 2 alone claim its other pixel.
    (
        "pseudo",
        "class_without_claim",
        ("113223333", "###......", "..###....", "......###"),
        "11222.333",
    ),
    ("smallest", "smallest_mask", BOTH, "11122222"),
    ("smallest", "highest_class_of_equal_ones", ("1122", "###.", ".###"), "1222"),
    # Class 1's masks are larger together than class 2's, but the one that overlaps it is smaller.
    (
        "smallest",
        "each_mask_alone",
        ("111111222.", "####......", "....###...", "......####"),
        "1111111222",
    ),
    # Class 3 has four pixels, class 1's mask five.
    ("smallest", "kept_pseudo_labels_are_one_region", ("11133.33", "#####..."), "11133.33"),
    ("smallest", "small_mask_of_a_lower_class", ("112.2222", "###....."), "111.2222"),
]


@pytest.mark.parametrize(
    ("conflict", "drawn", "expected"),
    [(row[0], *row[2:]) for row in ROWS],
    ids=[f"{row[0]}-{row[1]}" for row in ROWS],
)
def test_one_row(conflict: str, drawn: tuple[str, ...], expected: str) -> None:
    assert enhance_row(*drawn, conflict=conflict) == expected
    if drawn is BOTH:
        assert enhance_row(*drawn, conflict=conflict, strategy="released") == expected
