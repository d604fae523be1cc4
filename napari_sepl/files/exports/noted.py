"""Reading what an export noted of its files."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_sepl.files._opening import unopened


def read_lines(path: Path, expected: str) -> Iterator[tuple[int, bytes]]:
    """Yield the place of each line and the line; InputError if the file cannot be read."""
    place = 0
    try:
        with path.open("rb") as file:
            for line in file:
                yield place, line
                place += len(line)
    except OSError as error:
        raise unopened(path, error, expected) from error


def tell_differences(before: object, settings: Mapping[str, Any]) -> str:
    """Return in what settings differ from those that a manifest has."""
    noted = before if isinstance(before, dict) else {}
    return ", ".join(
        f"{key} {noted.get(key)!r}, now {value!r}"
        for key, value in settings.items()
        if noted.get(key) != value
    )


def digest_of(path: Path) -> str | None:
    """Return the digest of a file; None if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unopened(path, error, "a file of the export") from error
