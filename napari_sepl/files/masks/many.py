"""The masks of many images in one JSON file, as COCO's instances: read once, found by image.

The file is walked through once, an annotation at a time, of which only the place is kept, in 16
bytes. Then reading an image's masks reads their bytes alone.
"""

import json
import re
import threading
import unicodedata
from array import array
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files._opening import DAMAGE, brief, damaged, read_bytes, reading
from napari_sepl.files.digests import stamp_file
from napari_sepl.files.masks.records import categories_of, of_list, several, size_of

_EXPECTED = "COCO's instances as JSON"
_KEY = b'"image_id"'
_ONE = re.compile(rb'"image"\s*:\s*\{')
_SPACE = re.compile(r"[ \t\n\r]*")
_LISTED = ("images", "annotations")
_NUMBER = re.compile(r"([0-9]{1,18})$")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, eq=False)
class ManyImages:
    """Where a JSON file holds the masks of each of its images.

    Parameters
    ----------
    path : Path
        The file.
    images : tuple of mapping
        The records of the images, each with "id"; those that only masks name have nothing else.
    offsets : (N + 1,) int64
        Image n has the spans ``offsets[n]:offsets[n + 1]``.
    spans : (M, 2) int64
        First byte and end of each mask's record, in the order of the file for each image.
    categories : mapping of int to str
        The names of the classes by their numbers.
    content : bytes, optional
        The content, if it is not the file's, being in another coding.
    """

    path: Path
    images: tuple[Mapping[str, Any], ...]
    offsets: NDArray[np.int64]
    spans: NDArray[np.int64]
    categories: Mapping[int, str] = field(default_factory=dict)
    content: bytes | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def names(self) -> list[str]:
        """What the images are called: their files without ending, or their ids."""
        return ["/".join(_parts(one)) for one in self.images]

    @cached_property
    def _by_last(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, image in enumerate(self.images):
            for last in {_parts(image)[-1], _numbered(image)} - {""}:
                found.setdefault(last, []).append(index)
        return found

    def find(self, sample_id: str) -> int | None:
        """Return the index of the image of a sample; None if there is none.

        The sample's name is the image's file name without ending, or the image's id: where no file
        is named, or as the last number in its name.

        Raises
        ------
        InputError
            If it may be one of several images.
        """
        folders = _normal(sample_id).split("/")
        last = folders.pop()
        found = self._by_last.get(last) or self._by_last.get(_plain_number(last)) or []
        if len(found) < 2:
            return found[0] if found else None
        shared = [_common_end(_parts(self.images[one])[:-1], folders) for one in found]
        if shared.count(max(shared)) > 1:
            names = " and ".join("/".join(_parts(self.images[one])) for one in found[:3])
            raise InputError(
                self.path, found=f"{len(found)} images for {sample_id} ({names})", expected="one"
            )
        return found[shared.index(max(shared))]

    def read(self, index: int, shape: tuple[int, int] | None) -> MaskSet:
        """Return the masks of an image, with the classes that they bring.

        Raises
        ------
        InputError
            If the file cannot be read, or an image has other masks or another size.
        """
        spans = self.spans[self.offsets[index] : self.offsets[index + 1]].tolist()
        if self.content is not None:
            parts = [self.content[first:end] for first, end in spans]
        else:
            with reading(self.path, _EXPECTED) as file:
                parts = []
                for first, end in spans:
                    file.seek(first)
                    parts.append(file.read(end - first))
        image = self.images[index]
        try:
            records = json.loads(b"[" + b",".join(parts) + b"]")
        except (ValueError, RecursionError) as error:
            raise damaged(self.path, error, _EXPECTED) from error
        return of_list(records, self.path, shape, size_of(image), self.categories)


def may_hold_many(content: bytes) -> bool:
    """Return whether JSON in UTF-8 may tell the image of each mask, and is not of one (SA-1B)."""
    return _KEY in content and _ONE.search(content) is None


def find_many(path: Path) -> ManyImages | None:
    """Return the masks of a JSON file by image; None if it does not tell the images.

    A file of several images is kept in mind until another one is read or it changes.

    Raises
    ------
    InputError
        If the file cannot be read or is damaged.
    """
    stamp = stamp_file(path)
    kept = held(path, stamp)
    if kept is not None:
        return kept
    content = read_bytes(path, _EXPECTED)
    plain = as_utf8(content, path)
    return index_of(plain, path, stamp, same=plain is content) if may_hold_many(plain) else None


def samples_in(path: Path, known: Collection[str]) -> list[str] | None:
    """Return the samples whose masks a JSON file of images holds; None if it tells no images.

    Parameters
    ----------
    path : Path
        The file.
    known : collection of str
        The samples there are; without, the images' names are those of the samples.

    Raises
    ------
    InputError
        If the file cannot be read or is damaged, or a sample may be one of several images.
    """
    many = find_many(path) if path.suffix.lower() == ".json" else None
    if many is None:
        return None
    return [one for one in known or many.names if many.find(one) is not None]


def held(path: Path, stamp: str) -> ManyImages | None:
    """Return what is in mind of a file of many images, if it is in the state of the stamp."""
    with _LOCK:
        kept = _HELD.get(path)
    return kept[1] if kept is not None and stamp and kept[0] == stamp else None


_LOCK = threading.Lock()
_HELD: dict[Path, tuple[str, ManyImages]] = {}
_MOST_HELD = 4


def index_of(content: bytes, path: Path, stamp: str, *, same: bool) -> ManyImages:
    """Return the masks by image of JSON in UTF-8, and keep them in mind if they are many.

    Parameters
    ----------
    content : bytes
        The JSON.
    path, stamp : Path, str
        The file, and its state before it was read.
    same : bool
        Whether the content is the file's, byte for byte.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        found = _walk(content, path, same=same)
    except InputError:
        raise
    except DAMAGE as error:
        raise damaged(path, error, _EXPECTED) from error
    if len(found) > 1 and stamp:
        with _LOCK:
            while len(_HELD) >= _MOST_HELD:
                del _HELD[next(iter(_HELD))]
            _HELD[path] = stamp, found
    return found


def as_utf8(content: bytes, path: Path) -> bytes:
    """Return JSON in UTF-8 without a byte order mark, itself if it is."""
    coding = json.detect_encoding(content[:4])
    if coding == "utf-8":
        return content
    try:
        return content.decode(coding).encode()
    except UnicodeDecodeError as error:
        raise damaged(path, error, "JSON") from error


def _walk(content: bytes, path: Path, *, same: bool) -> ManyImages:
    """Return the places of all annotations."""
    text = content.decode("latin-1")  # a sign a byte; JSON's own signs are ASCII
    images: dict[int | str, Mapping[str, Any]] = {}
    of, starts, stops = array("q"), array("q"), array("q")
    numbers: dict[int | str, int] = {}
    categories: dict[int, str] = {}
    for key, start, stop, value in _entries(text):
        if key == "images":
            image = json.loads(content[start:stop])
            number = _id_of(image, "id", path)
            if number in images:
                raise InputError(path, found=f"the image {number} again", expected="one of each id")
            images[number] = {"id": number, **_facts(image)}
            numbers.setdefault(number, len(numbers))
        elif key == "annotations":
            number = _id_of(value, "image_id", path)
            of.append(numbers.setdefault(number, len(numbers)))
            starts.append(start)
            stops.append(stop)
        elif key == "categories":
            categories = categories_of({"categories": json.loads(content[start:stop])})
    known = np.frombuffer(of, np.int64) if len(of) else np.zeros(0, np.int64)
    order = np.argsort(known, kind="stable")
    spans = np.stack([np.array(starts, np.int64), np.array(stops, np.int64)], axis=1)[order]
    offsets = np.searchsorted(known[order], np.arange(len(numbers) + 1))
    told = tuple(images.get(number, {"id": number}) for number in numbers)
    return ManyImages(
        path, told, offsets.astype(np.int64), spans, categories, None if same else content
    )


def _facts(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of an image's record."""
    return {key: image[key] for key in ("file_name", "height", "width") if key in image}


def _id_of(record: Any, key: str, path: Path) -> int | str:
    number = record.get(key) if isinstance(record, Mapping) else None
    if type(number) is not int and not isinstance(number, str):
        raise InputError(path, found=f"{key} {brief(number)}", expected="a number of an image")
    return number


def _entries(text: str) -> Iterator[tuple[str, int, int, Any]]:
    """Yield the values of a JSON object, of its lists in `_LISTED` and of a list each element.

    Yields
    ------
    key : str
        The key; "annotations" for a list in place of an object.
    start, stop : int
        Where the value is.
    value
        The value, with UTF-8 in its texts not yet decoded.
    """
    at = _skip(text, 0)
    if text[at] == "[":
        at = yield from _elements(text, at, "annotations")
    elif text[at] == "{":
        at = _skip(text, at + 1)
        while text[at] != "}":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, at)
            if not isinstance(key, str) or text[at] != ":":
                raise ValueError("no key")
            at = _skip(text, at + 1)
            if key in _LISTED and text[at] == "[":
                at = yield from _elements(text, at, key)
            else:
                start = at
                value, at = _DECODER.raw_decode(text, at)
                yield key, start, at, value
            at = _next(text, at, "}")
        at += 1
    else:
        raise ValueError("neither a list nor an object")
    if _skip(text, at) != len(text):
        raise ValueError("something after its end")


def _elements(text: str, at: int, key: str) -> Generator[tuple[str, int, int, Any], None, int]:
    """Yield the elements of a list and return where it ends."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        start = at
        value, at = _DECODER.raw_decode(text, at)
        yield key, start, at, value
        at = _next(text, at, "]")
    return at + 1


def _next(text: str, at: int, end: str) -> int:
    """Return where the next element begins, or the end is."""
    at = _skip(text, at)
    if text[at] == end:
        return at
    if text[at] != ",":
        raise ValueError("no comma between two values")
    at = _skip(text, at + 1)
    if text[at] == end:
        raise ValueError("a comma before the end")
    return at


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _parts(image: Mapping[str, Any]) -> list[str]:
    """Return the folders and the stem of an image's file, or its id."""
    name = image.get("file_name")
    if not isinstance(name, str) or not name.strip("/\\ "):
        return [str(image["id"])]
    parts = [one for one in _normal(name).replace("\\", "/").split("/") if one not in ("", ".")]
    return [*parts[:-1], PurePosixPath(parts[-1]).stem] if parts else [str(image["id"])]


def _numbered(image: Mapping[str, Any]) -> str:
    """Return an image's id as text, where its name is that number or it has none."""
    number = str(image["id"])
    last = _NUMBER.search(_parts(image)[-1])
    return number if last is not None and _plain_number(last[1]) == number else ""


def _plain_number(text: str) -> str:
    """Return a text of digits without leading zeros; others as they are."""
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def _common_end(one: list[str], other: list[str]) -> int:
    """Return how many folders are the same, from the last on."""
    count = 0
    for first, second in zip(reversed(one), reversed(other), strict=False):
        if first != second:
            break
        count += 1
    return count


def read_many(many: ManyImages, shape: tuple[int, int] | None, sample_id: str | None) -> MaskSet:
    """Return the masks of the image of a sample.

    Raises
    ------
    InputError
        If there is no such image, or no sample is asked for and there are several.
    """
    if len(many) == 0 and not (sample_id and many.path.stem != sample_id.rpartition("/")[2]):
        return of_list([], many.path, shape)
    if sample_id is None:
        if len(many) > 1:
            raise several(many.path, len(many))
        return many.read(0, shape)
    index = many.find(sample_id)
    if index is None and len(many) == 1 and many.path.stem == sample_id.rpartition("/")[2]:
        index = 0  # the file of this sample, whatever the image was called there
    if index is None:
        raise InputError(
            many.path,
            found=f"{len(many):,} images, none of them {sample_id}",
            expected="its file_name or id",
        )
    return many.read(index, shape)
