"""What can go wrong, as one tree.

SeplError
├── InputError      a file or an array is not what it should be
├── SaveError       something could not be written; what was there before still is
└── RunEndedError   a run over many samples ends, whichever sample it is at
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from napari_sepl.core.stopping import raise_if_stopped

Value = TypeVar("Value")
Lost = TypeVar("Lost")

_LONGEST = 200
"""Characters that are told of an exception which nobody foresaw."""


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


class RunEndedError(SeplError):
    """A run over many samples ends here, whichever sample it is at."""


@contextmanager
def of_one_sample(name: object) -> Iterator[None]:
    """Turn whatever the files of a sample cause within the block into a SeplError of one line.

    Parameters
    ----------
    name : object
        The file or the id of the sample, for the message.

    Raises
    ------
    SeplError
        As the block raises it, or in place of any other exception. Signals that end a program
        (KeyboardInterrupt, SystemExit) pass through.
    """
    try:
        yield
    except SeplError:
        raise
    except Exception as error:  # whatever it is, it must not cost the run its other samples
        raise SeplError(_tell_unforeseen(error, name)) from error


def attempt(work: Callable[[], Value], failed: Callable[[str], Lost], name: object) -> Value | Lost:
    """Return what work on one sample of many returns, or what its failure comes to.

    Parameters
    ----------
    work : callable
        Reads, computes, writes.
    failed : callable
        Takes the reason, one line without control characters, and returns the answer instead.
    name : object
        The file or the id of the sample, for the reason.

    Raises
    ------
    RunEndedError
        As `work` raises it.
    KeyboardInterrupt
        In place of whatever a signal made of the work, and before it where one was swallowed.
    """
    raise_if_stopped()
    try:
        with of_one_sample(name):
            return work()
    except RunEndedError:
        raise
    except SeplError as error:
        raise_if_stopped()
        return failed(on_one_line(str(error)))


def on_one_line(text: str) -> str:
    """Return a text with spaces for line ends, and question marks for what cannot be printed."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))


def _tell_unforeseen(error: Exception, name: object) -> str:
    if isinstance(error, MemoryError):
        return f"{name}: too large for the memory of this computer"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    text = on_one_line(f"{type(error).__name__}: {error}")
    return f"unexpected error: {name}: {text[:_LONGEST].removesuffix(':')}"
