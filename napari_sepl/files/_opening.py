"""Opening files so that whatever is wrong with one becomes an InputError that names it."""

from pathlib import Path

from napari_sepl.core.errors import InputError

MAX_PIXELS = 2**30
"""Pictures with more pixels than this, 32768 × 32768, are refused before they are decoded."""


def read_bytes(path: Path, expected: str) -> bytes:
    """Return a file's content, or raise InputError saying that `expected` was to be there."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unopened(path, error, expected) from error


def unopened(path: Path, error: OSError, expected: str) -> InputError:
    """Return the InputError for a file or folder that the system would not open."""
    if isinstance(error, FileNotFoundError):
        found = "no such file or folder"
    else:
        found = f"something that cannot be opened ({error.strerror or error})"
    return InputError(path, found=found, expected=expected)


def damaged(path: Path, error: BaseException, expected: str) -> InputError:
    """Return the InputError for content that a reading library gave up on."""
    if isinstance(error, MemoryError):
        return InputError(path, found="more than fits into the memory", expected=expected)
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return InputError(path, found=f"damaged or cut-off content ({reason})", expected=expected)


def pixels(shape: tuple[int, ...]) -> str:
    """Return a size as messages tell it."""
    return f"{shape[0]} × {shape[1]} pixels (height × width)"


def check_pixel_count(path: Path, shape: tuple[int, ...]) -> None:
    """Raise InputError if a picture is larger than `MAX_PIXELS`."""
    if shape[0] * shape[1] > MAX_PIXELS:
        raise InputError(path, found=pixels(shape), expected=f"at most {MAX_PIXELS} pixels in all")
