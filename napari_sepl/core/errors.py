"""What can go wrong, as one tree.

SeplError
├── InputError      a file or an array is not what it should be
└── SaveError       something could not be written; what was there before still is
"""

from typing import Any


class SeplError(Exception):
    """Base of all errors this package raises on purpose; its text is for the user."""


class InputError(SeplError, ValueError):
    """A file or an array is not what it should be.

    Parameters
    ----------
    source : object
        The file, or the name of the array, that is at fault.
    found : str
        What is there.
    expected : str
        What should be there.
    """

    def __init__(self, source: object, *, found: str, expected: str) -> None:
        super().__init__(f"{source}: found {found}; expected {expected}.")
        self.source = source
        self.found = found
        self.expected = expected

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process with all it tells; the source as its text."""
        return _input_error, (str(self.source), self.found, self.expected)


def _input_error(source: str, found: str, expected: str) -> InputError:
    return InputError(source, found=found, expected=expected)


class SaveError(SeplError, OSError):
    """A file could not be written; an older file of that name is untouched."""


OF_ONE_SAMPLE = (SeplError, MemoryError)
"""What a sample may end in, so that a run goes on with the others."""


def tell_failure(error: Exception, name: object) -> str:
    """Return in a sentence what became of the sample with this file or id."""
    if isinstance(error, MemoryError):
        return f"{name}: too large for the memory of this computer"
    return str(error)
