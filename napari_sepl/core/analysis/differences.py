"""Differences between two label maps, pixel by pixel."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import check_size
from napari_sepl.core.labels.pixels import IGNORE


class Difference(IntEnum):
    """How a label differs from the pseudo-label."""

    SAME = 0
    GAINED = 1
    """A class where the pseudo-labels have background or ignore."""
    LOST = 2
    """Background or ignore where the pseudo-labels have a class."""
    CHANGED = 3
    """Another class."""
    IGNORED = 4
    """Ignore in place of background, or background in place of ignore."""


class Error(IntEnum):
    """How a label differs from the ground truth."""

    RIGHT = 0
    """The label of the ground truth, or ignore there."""
    FALSE = 1
    """A class on the background."""
    MISSED = 2
    """Background where there is a class, or ignore anywhere."""
    WRONG = 3
    """Another class."""


DIFFERENCE_NAMES: dict[Difference, str] = {
    Difference.SAME: "unchanged",
    Difference.GAINED: "gained",
    Difference.LOST: "lost",
    Difference.CHANGED: "another class",
    Difference.IGNORED: "ignore or background",
}
"""Names of the differences."""

ERROR_NAMES: dict[Error, str] = {
    Error.RIGHT: "correct, or ignored",
    Error.FALSE: "false positive",
    Error.MISSED: "false negative",
    Error.WRONG: "wrong class",
}
"""Names of the errors."""

ERROR_COLOURS: dict[int, tuple[float, float, float]] = {
    Error.FALSE: (0.95, 0.25, 0.15),
    Error.MISSED: (0.15, 0.55, 0.95),
    Error.WRONG: (0.95, 0.75, 0.10),
}
"""Red, green and blue of each, 0..1, in the window and in reports."""

# Row: background, class or ignore in the first map; column: the same in the second.
_DIFFERENCES = np.array(
    [
        (Difference.SAME, Difference.GAINED, Difference.IGNORED),
        (Difference.LOST, Difference.CHANGED, Difference.LOST),
        (Difference.IGNORED, Difference.GAINED, Difference.SAME),
    ],
    np.uint8,
)
_ERRORS = np.array(
    [
        (Error.RIGHT, Error.FALSE, Error.MISSED),
        (Error.MISSED, Error.WRONG, Error.MISSED),
        (Error.RIGHT, Error.RIGHT, Error.RIGHT),
    ],
    np.uint8,
)


def find_differences(pseudo: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how each label differs from the pseudo-label.

    Parameters
    ----------
    pseudo, labels : (H, W) uint8
        The pseudo-labels, and the labels made from them.

    Returns
    -------
    (H, W) uint8
        A `Difference` for each pixel.

    Raises
    ------
    InputError
        If their sizes differ.
    """
    return _compare(pseudo, labels, _DIFFERENCES, "pseudo-labels")


def find_errors(truth: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how each label differs from the ground truth; where that is ignore, it is right.

    Parameters
    ----------
    truth, labels : (H, W) uint8
        The ground truth, 255 ignore, and the labels to compare.

    Returns
    -------
    (H, W) uint8
        An `Error` for each pixel.

    Raises
    ------
    InputError
        If their sizes differ.
    """
    return _compare(truth, labels, _ERRORS, "ground truth")


def _compare(
    first: NDArray[np.uint8], second: NDArray[np.uint8], table: NDArray[np.uint8], role: str
) -> NDArray[np.uint8]:
    check_size("labels", second.shape, first.shape, f"the {role}")
    found_codes = np.empty(first.shape, np.uint8)
    _fill_codes(first.ravel(), second.ravel(), table, found_codes.reshape(-1))
    return found_codes


@jit
def _fill_codes(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    table: NDArray[np.uint8],
    codes: NDArray[np.uint8],
) -> None:
    for i in range(first.size):
        one, other = first[i], second[i]
        codes[i] = 0 if one == other else table[_kind(one), _kind(other)]


@jit
def _kind(label: int) -> int:
    """Return 0 for background, 1 for a class, 2 for ignore."""
    if label == 0:
        return 0
    return 2 if label == IGNORE else 1
