"""What messages say, whatever their wording around it: the one place that knows their form.

A test names what a person must learn: the file at fault, what was found there, what was expected.
How a message strings them together is known here alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from napari_sepl.core.errors import InputError

FRAME = str.maketrans(dict.fromkeys("│╭╮╰╯─", " "))


@contextmanager
def raises_input_error(
    source: object = "", *, found: object = "", expected: object = ""
) -> Iterator[pytest.ExceptionInfo[InputError]]:
    """Expect an InputError whose parts hold these texts; a part that is left out may be anything.

    Yields
    ------
    pytest.ExceptionInfo
        As from `pytest.raises`, for what else is asked of the error.
    """
    with pytest.raises(InputError) as caught:
        yield caught
    error = caught.value
    for part, held in {"source": source, "found": found, "expected": expected}.items():
        whole = str(getattr(error, part))
        assert str(held) in whole, f"{part}: {whole!r} does not hold {str(held)!r}"


def says(text: str, *fragments: object) -> bool:
    """Tell whether one line of a text, as a command writes it, holds all fragments in any order."""
    return any(all(str(part) in line for part in fragments) for line in text.splitlines())


def plain(text: str) -> str:
    """Return a text as one line, as it would stand without a frame around it."""
    return " ".join(text.translate(FRAME).split())


def assert_says(text: str, *parts: str) -> None:
    """Fail unless a text, frame or not, has all of these parts."""
    found = plain(text)
    for part in parts:
        assert plain(part) in found, f"{part!r} is not in {found!r}"
