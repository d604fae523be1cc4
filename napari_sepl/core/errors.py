"""The exceptions of this package.

SeplError
├── InputError      a file or an array has the wrong contents
├── SaveError       a file could not be written; an older one is untouched
│   └── InputsMovedError   the inputs changed since they were read, so nothing was written
└── RunEndedError   a run over many samples ends at any sample
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, TypeVar

from napari_sepl.core.stopping import raise_if_stopped

Value = TypeVar("Value")
Failure = TypeVar("Failure")

_LONGEST = 200
"""Characters of an unexpected exception in a message."""


class SeplError(Exception):
    """Base of the errors that this package raises; the text is for the user."""


class InputError(SeplError, ValueError):
    """A file or an array has the wrong contents.

    The message begins with the reason if the source is a path, which may be long.

    Parameters
    ----------
    source : object
        The file, or the name of the array.
    found : str
        Its contents.
    expected : str
        The right contents.
    """

    def __init__(self, source: object, *, found: str, expected: str) -> None:
        what = f"found {found}: {source}" if _is_long(source) else f"{source}: found {found}"
        super().__init__(f"{what}; expected {expected}.")
        self.source = source
        self.found = found
        self.expected = expected

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the parts, the source as a path or as text."""
        source = self.source if isinstance(self.source, PurePath) else str(self.source)
        return _input_error, (source, self.found, self.expected)


def _is_long(source: object) -> bool:
    """Return whether a source is a path or a place in one, not an option, a field or a layer."""
    return isinstance(source, PurePath) or any(sign in str(source) for sign in "/\\")


def _input_error(source: object, found: str, expected: str) -> InputError:
    return InputError(source, found=found, expected=expected)


def check_size(source: object, found: Sequence[int], expected: Sequence[int], role: str) -> None:
    """Raise InputError naming `source` if its height and width are not those of `role`."""
    if tuple(found) != tuple(expected):
        sizes = [" × ".join(map(str, size)) for size in (found, expected)]
        raise InputError(
            source,
            found=f"{sizes[0]} pixels",
            expected=f"{sizes[1]} as {role} (height × width)",
        )


class SaveError(SeplError, OSError):
    """A file could not be written; an older file of that name is untouched."""


class InputsMovedError(SaveError):
    """The inputs of a sample changed since they were read; nothing was written."""


class RunEndedError(SeplError):
    """A run over many samples ends here, at any sample."""


@contextmanager
def of_one_sample(name: object) -> Iterator[None]:
    """Turn any exception in the block into a SeplError of one line.

    Parameters
    ----------
    name : object
        The file or the id of the sample, for the message.

    Raises
    ------
    SeplError
        As the block raises it, or in place of any other exception but KeyboardInterrupt and
        SystemExit.
    """
    try:
        yield
    except SeplError:
        raise
    except Exception as error:  # the run must continue with its other samples
        raise SeplError(_describe_unexpected(error, name)) from error


def attempt(
    work: Callable[[], Value], failed: Callable[[str], Failure], name: object
) -> Value | Failure:
    """Return the result of work on one sample of many, or the result of `failed`.

    Parameters
    ----------
    work : callable
        Reads, computes, writes.
    failed : callable
        Takes the reason, one printable line, and returns a result.
    name : object
        The file or the id of the sample, for the reason.

    Raises
    ------
    RunEndedError
        As `work` raises it.
    KeyboardInterrupt
        After a signal, whatever the work raised; before the work if a signal was swallowed.
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


NAMED = 5
"""Samples that are named, and failures that are described, one by one."""


def name_first(names: Sequence[str], between: str = ", ") -> str:
    """Return the first names, and how many more there are: "a, b, c, d, e and 7 more"."""
    more = len(names) - NAMED
    return between.join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def counted(number: int, noun: str) -> str:
    """Return how many there are in words: "1 sample", "1,200 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def on_one_line(text: str) -> str:
    """Return a text with spaces for line ends, and question marks for unprintable characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))


def _describe_unexpected(error: Exception, name: object) -> str:
    if isinstance(error, MemoryError):
        return f"too large for the memory of this computer: {name}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {name}"
    text = on_one_line(f"{type(error).__name__}: {error}")
    return f"unexpected error: {name}: {text[:_LONGEST].removesuffix(':')}"
