"""The one way readers open a file; errors of the system and of libraries become an InputError.

Only regular files are opened, so nothing waits for a pipe or a device. The size in a header is
compared with the expected size, or bounded, before anything is unpacked.
"""

import codecs
import errno
import json
import lzma
import os
import pickle
import re
import reprlib
import stat
import struct
import tokenize
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, on_one_line

MAX_PIXELS = 2**30
"""Images with more pixels than this, 32768 × 32768, are refused before they are decoded."""

MAX_BYTES = 2**32
"""Larger files are not read whole."""

_FREE = 2**28
"""Bytes that any image may take: 16384 × 16384 pixels of labels, 8192 × 8192 of colours."""

_PIXELS_A_BYTE = 100
"""Pixels per byte of the file in larger images, at most. A JPEG has up to 64; an image with more is
blank."""

DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, lzma.LZMAError, pickle.UnpicklingError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading libraries raise for damaged content."""

_UNOPENED = {
    errno.EACCES: "a file or folder without the right to read it",
    errno.EISDIR: "a folder",
    errno.ELOOP: "a link that leads back to itself",
    errno.ENAMETOOLONG: "a name that is too long",
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "no such file or folder",
    errno.EPERM: "a file or folder without the right to read it",
}
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
)  # fmt: skip
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 60, 90


@contextmanager
def reading(path: Path, expected: str) -> Iterator[BufferedReader]:
    """Open a regular file; errors within the block are reported as errors of the file.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        What it should have been, for errors.

    Raises
    ------
    InputError
        If it is no regular file, cannot be opened, or decoding it in the block fails.
    """
    with _opened(path, expected) as file:
        try:
            yield file
        except InputError:
            raise
        except DAMAGE as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise unopened(path, error, expected) from error
            raise damaged(path, error, expected) from error


def _opened(path: Path, expected: str) -> BufferedReader:
    try:
        state = path.stat()  # before opening, which alone can set off a device
        kind = odd_kind(state.st_mode)
        if kind:
            raise InputError(path, found=kind, expected=expected)
        return open(path, "rb", opener=_open_at_once)
    except OSError as error:
        raise unopened(path, error, expected) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(repr(str(path)), found="a name with NUL", expected=expected) from error


def _open_at_once(path: str, flags: int) -> int:
    """Open even what has become a pipe meanwhile without waiting for its other end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def odd_kind(mode: int) -> str:
    """Return the kind of a file system entry in words; empty for a regular file."""
    if stat.S_ISREG(mode):
        return ""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a device")


def is_there(path: Path, expected: str) -> bool:
    """Return whether a file or folder exists; raise InputError if the system does not say."""
    try:
        return path.exists()
    except OSError as error:
        raise unopened(path, error, expected) from error


def real_place(path: Path) -> Path:
    """Return a path without links; links that lead back to themselves stay."""
    return Path(os.path.realpath(path))  # Path.resolve raises RuntimeError there


def read_bytes(path: Path, expected: str, most: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file of at most `most` bytes, or raise InputError."""
    with reading(path, expected) as file:
        return read_whole(file, path, expected, most)


def read_whole(file: BufferedReader, path: Path, expected: str, most: int = MAX_BYTES) -> bytes:
    """Return the rest of an open file, as `read_bytes` does."""
    size = os.fstat(file.fileno()).st_size
    if size > most:
        raise InputError(path, found=f"{size:,} bytes", expected=f"{expected}, at most {most:,}")
    return file.read()


def unopened(path: Path, error: OSError, expected: str) -> InputError:
    """Return the InputError for a file or folder that the system would not open."""
    found = _UNOPENED.get(error.errno or 0)
    if found is None:
        found = f"something that cannot be opened ({error.strerror or error})"
    elif error.errno == errno.ENOENT and path.is_symlink():
        found = "a link to no such file or folder"
    elif error.errno == errno.ENOTDIR and os.path.lexists(path):
        found = "a file"
    return InputError(path, found=found, expected=expected)


def damaged(path: Path, error: BaseException, expected: str) -> InputError:
    """Return the InputError for content that a library cannot decode."""
    if isinstance(error, MemoryError):
        return InputError(path, found="more than fits into the memory", expected=expected)
    return InputError(path, found=f"damaged or cut-off content{_reason(error)}", expected=expected)


_TORN = (KeyError, SyntaxError, tokenize.TokenError)
"""Errors whose texts say nothing of the file: a key alone, or what Python misses in a header."""


def _reason(error: BaseException) -> str:
    """Return a library's own reason in brackets, if it is short."""
    if isinstance(error, RecursionError):
        return " (nested too deeply)"
    if isinstance(error, _TORN):
        return ""
    first = error.args[0] if error.args else ""
    text = on_one_line(first if isinstance(first, str) else str(error)).rstrip(".")
    if "set_int_max_str_digits" in text:
        return " (a number of thousands of digits)"
    return f" ({text})" if 0 < len(text) <= 90 and " object at 0x" not in text else ""


def brief(value: object) -> str:
    """Return a short text for any value, deep lists and long numbers included."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    try:
        return _SHORT.repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return f"a {type(value).__name__}"


def pixels(shape: tuple[int, ...]) -> str:
    """Return a size for messages."""
    return f"{shape[0]} × {shape[1]} pixels (height × width)"


def check_pixel_count(path: Path, shape: tuple[int, ...]) -> None:
    """Raise InputError if an image is larger than `MAX_PIXELS`."""
    if shape[0] * shape[1] > MAX_PIXELS:
        raise InputError(path, found=pixels(shape), expected=f"at most {MAX_PIXELS} pixels in all")


def check_size(
    path: Path,
    found: tuple[int, ...],
    wanted: tuple[int, ...] | None,
    of: object = "the image",
    *,
    what: str = "labels",
) -> None:
    """Raise InputError if a size, (height, width), is not the expected one.

    Parameters
    ----------
    path : Path
        The file.
    found : tuple of int
        The size in the file.
    wanted : tuple of int, optional
        The expected size; any if left out.
    of : object
        The thing that has the expected size.
    what : str
        The content of the file, in words.
    """
    if wanted is not None and tuple(found) != tuple(wanted):
        turned = tuple(found) == tuple(wanted)[::-1]
        hint = " (was the image's EXIF orientation ignored when they were made?)" * turned
        size = ""
        if "mask" in what and _is_sam_size(found, wanted):
            size, of, hint = ", SAM's input size", "the image", ": scale them back to it"
        raise InputError(
            path,
            found=f"{what} of {pixels(found)}{size}",
            expected=f"{pixels(wanted)} as {of}{hint}",
        )


_SAM_SIDES = (1024, 256, 1008, 288)
"""Sides of SAM's and SAM 2's input and of their unscaled masks, and of SAM 3's."""


def _is_sam_size(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether a size is the one to which SAM scales an image, padded to a square or not."""
    for side in _SAM_SIDES:
        scale = side / max(wanted)
        if tuple(found) in ((side, side), tuple(int(one * scale + 0.5) for one in wanted)):
            return True
    return False


def check_density(path: Path, shape: tuple[int, ...], depth: int) -> None:
    """Raise InputError if an image is large and its file so small that it can only be blank.

    For files without an expected size.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Height and width in the file.
    depth : int
        Bytes that a pixel takes in memory.
    """
    count, size = shape[0] * shape[1], path.stat().st_size
    if count * depth > _FREE and count > _PIXELS_A_BYTE * size:
        raise InputError(
            path,
            found=f"{pixels(shape)} in {size:,} bytes",
            expected=f"at most {max(_FREE // depth, _PIXELS_A_BYTE * size):,} pixels in a file so "
            "small",
        )


_MAX_TEXT = 2**28
"""Bytes of a list: two million samples with long names."""

_MAX_TOML = 2**20
_OPEN_FILES = ("/dev/fd", "/proc/self/fd")
_MAX_DOTS = 1000
"""Dots in a line of TOML: a key of as many parts takes 10 ms to read, one of 100,000 minutes."""


def read_text(path: Path, expected: str) -> str:
    """Return a text in UTF-8 or, as some Windows programs write, UTF-16; without its mark.

    A pipe that the shell opened for this program is read to its end, which can be done once.

    Raises
    ------
    InputError
        If the file cannot be read or is no such text.
    """
    read = _read_pipe if is_open_pipe(path) else read_bytes
    try:
        text = decoded(read(path, expected, _MAX_TEXT))
    except UnicodeDecodeError as error:
        found = f"something that is not text in UTF-8 (byte {error.start:,})"
        raise InputError(path, found=found, expected=f"{expected}, in UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(path, found=f"a NUL character in line {line:,}", expected=expected)
    return text


def decoded(content: bytes) -> str:
    """Return the text of bytes in UTF-8, or in UTF-16 with or without a byte order mark.

    Raises
    ------
    UnicodeDecodeError
        If they are neither.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    for first, order in ((0, "be"), (1, "le")):  # plain letters beside NULs
        if len(content) % 2 == 0 and len(content) > 3 and not any(content[first:64:2]):
            return content.decode(f"utf-16-{order}")
    return content.decode("utf-8-sig")


def lines_of(text: str) -> list[str]:
    """Return the lines of a text; only line ends part them, not the other signs of splitlines."""
    return re.split(r"\r\n|\n|\r", text)


def is_open_pipe(path: Path) -> bool:
    """Return whether a path names a pipe that is open already, as a shell's ``<(...)`` does.

    A pipe with a name of its own is none: reading would wait for another program to open it.
    """
    if str(path) != "/dev/stdin" and str(path.parent) not in _OPEN_FILES:
        return False
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def _read_pipe(path: Path, expected: str, most: int) -> bytes:
    try:
        with path.open("rb") as pipe:
            content = pipe.read(most + 1)
    except OSError as error:
        raise unopened(path, error, expected) from error
    if len(content) > most:
        raise InputError(path, found=f"over {most:,} bytes", expected=expected)
    return content


def read_toml(path: Path, expected: str) -> dict[str, Any]:
    """Return the content of a TOML file, in UTF-8 or UTF-16, with or without a byte order mark.

    Raises
    ------
    InputError
        If the file cannot be read, is no TOML, or is nested too deeply.
    """
    try:
        text = decoded(read_bytes(path, expected, _MAX_TOML))
    except UnicodeDecodeError as error:
        found = f"text that is not valid TOML (byte {error.start:,} is not UTF-8)"
        raise InputError(path, found=found, expected=expected) from error
    if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
        raise InputError(path, found=f"a line of over {_MAX_DOTS:,} dots", expected=expected)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # the place comes first: line 1, column 25: fault
        fault = on_one_line(re.sub(r"(.*) \(at (.*)\)", r"\2: \1", str(error)))
        found = f"text that is not valid TOML ({fault})"
        raise InputError(path, found=found, expected=expected + _hint(text, fault)) from error
    except (RecursionError, ValueError) as error:  # lists in lists, numbers without end
        raise damaged(path, error, expected) from error


def _hint(text: str, fault: str) -> str:
    """Return what to do about a fault of TOML, where its line has a backslash in double quotes."""
    place = re.match(r"line (\d+)", fault)
    lines = text.splitlines()
    line = lines[min(int(place[1]), len(lines)) - 1] if place and lines else ""
    if "\\" not in line or '"' not in line:
        return ""
    return "; write a path with backslashes in single quotes, or with forward slashes"


def parse_json(content: bytes, path: Path, expected: str) -> Any:
    """Return the content of JSON, or raise InputError that names its file."""
    try:
        return json.loads(content)
    except (RecursionError, ValueError) as error:
        raise damaged(path, error, expected) from error


_EATEN = re.compile("[A-Za-z]:.*[\b\t\n\f\r\x1b]", re.DOTALL)
"""A Windows path whose backslash and next letter became one sign."""


def expanded(text: str | Path, source: Path, expected: str) -> Path:
    """Return a path that a file names, with a home folder for ``~``.

    Raises
    ------
    InputError
        Naming `source`, if there is no such home or the path holds NUL.
    """
    if "\0" in str(text):
        raise InputError(source, found=f"the path {str(text)!r}", expected=expected)
    if _EATEN.match(str(text)):
        hint = "single quotes around a path with backslashes, or forward slashes"
        raise InputError(source, found=f"the path {str(text)!r}", expected=hint)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        home = str(text).partition("/")[0]
        raise InputError(source, found=f"no home of {home}", expected=expected) from error
