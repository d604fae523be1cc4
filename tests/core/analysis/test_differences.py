"""Differences from the pseudo-labels and errors against the truth: drawn, and against numpy."""

import numpy as np
import pytest
from hypothesis import given

from napari_sepl.core.analysis.differences import (
    DIFFERENCE_NAMES,
    ERROR_NAMES,
    Difference,
    Error,
    find_differences,
    find_errors,
)
from tests.core.cases import Labels, Masks, pairs, quick
from tests.core.drawing import labels
from tests.messages import raises_input_error


def is_class(image: Labels) -> Masks:
    return np.asarray((image != 0) & (image != 255))


def test_differences_as_drawn() -> None:
    found = find_differences(labels(".1?.1?.1?"), labels("...111???"))
    same, gained, lost, ignored = (
        Difference.SAME, Difference.GAINED, Difference.LOST, Difference.IGNORED,
    )  # fmt: skip
    assert found.tolist() == [
        [same, lost, ignored, gained, same, gained, ignored, lost, same],
    ]
    assert find_differences(labels("1"), labels("2")).tolist() == [[Difference.CHANGED]]


def test_errors_as_drawn() -> None:
    found = find_errors(labels(".1?.1?.1?"), labels("...111???"))
    right, false, missed = Error.RIGHT, Error.FALSE, Error.MISSED
    assert found.tolist() == [[right, missed, right, false, right, right, missed, missed, right]]
    assert find_errors(labels("1"), labels("2")).tolist() == [[Error.WRONG]]


@quick
@given(pairs)
def test_differences_as_numpy(pair: tuple[Labels, Labels]) -> None:
    pseudo, final = pair
    found = find_differences(pseudo, final)
    np.testing.assert_array_equal(found == Difference.SAME, pseudo == final)
    np.testing.assert_array_equal(found == Difference.GAINED, ~is_class(pseudo) & is_class(final))
    np.testing.assert_array_equal(found == Difference.LOST, is_class(pseudo) & ~is_class(final))
    both = is_class(pseudo) & is_class(final)
    np.testing.assert_array_equal(found == Difference.CHANGED, both & (pseudo != final))


@quick
@given(pairs)
def test_errors_as_numpy(pair: tuple[Labels, Labels]) -> None:
    truth, final = pair
    found = find_errors(truth, final)
    judged = truth != 255
    np.testing.assert_array_equal(found != Error.RIGHT, judged & (truth != final))
    np.testing.assert_array_equal(found == Error.FALSE, (truth == 0) & is_class(final))
    both = is_class(truth) & is_class(final)
    np.testing.assert_array_equal(found == Error.WRONG, both & (truth != final))


@pytest.mark.parametrize("find", [find_differences, find_errors])
def test_other_sizes_are_refused(find: object) -> None:
    with raises_input_error(found="1 × 2 pixels", expected="1 × 3"):
        find(labels("..."), labels(".."))  # type: ignore[operator]


def test_all_have_names() -> None:
    assert set(DIFFERENCE_NAMES) == set(Difference)
    assert set(ERROR_NAMES) == set(Error)
