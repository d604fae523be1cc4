"""What a format is: bytes for each sample, and files that tell of all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.classes import ClassList
from napari_sepl.core.provenance import SoftLabels
from napari_sepl.files.atomic import Content
from napari_sepl.files.exports.settings import ExportSettings

SPLITS = ("train", "val")


@dataclass(frozen=True, eq=False)
class Labelled:
    """One sample on its way out.

    Parameters
    ----------
    name : str
        The name of its files, without ending; `flat_name` of its id.
    labels : (H, W) uint8
        Its labels, mapped to `classes`.
    classes : ClassList
        The classes after the class map.
    split : str
        "train" or "val".
    picture : Path or None
        Its picture.
    picture_from : str
        The picture as seen from the export's folder.
    soft : SoftLabels or None
        For formats that ask for them.
    """

    name: str
    labels: NDArray[np.uint8]
    classes: ClassList
    split: str = "train"
    picture: Path | None = None
    picture_from: str = ""
    soft: SoftLabels | None = None

    @property
    def picture_name(self) -> str:
        """The picture's name; where there is none, as PASCAL VOC and COCO would call it."""
        return self.name + (".jpg" if self.picture is None else self.picture.suffix)


def flat_name(sample_id: str) -> str:
    """Return the name of a sample's files in a folder without sub-folders: train__a of train/a."""
    return sample_id.replace("/", "__")


@dataclass(frozen=True, eq=False)
class Encoded:
    """A sample in a format.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by path within the export's folder, with "/".
    picture : str
        Where in the folder the picture goes, if it goes there.
    entry : object
        What the files that tell of all samples need of this one, as JSON holds it.
    drawn : (H, W) uint8 or None
        The labels as the format's readers get them; None where it holds them exactly.
    """

    files: Mapping[str, bytes]
    picture: str
    entry: Any = None
    drawn: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """The samples that were exported.

    Parameters
    ----------
    classes : ClassList
        The classes after the class map.
    splits : mapping of str to list of str
        The names of the samples of each split that has any, in order.
    entries : callable
        Reads the entries of samples by name, as (name, entry), one by one.
    """

    classes: ClassList
    splits: Mapping[str, list[str]]
    entries: Callable[[Iterable[str]], Iterator[tuple[str, Any]]] = field(
        default=lambda ids: ((one, None) for one in ids)
    )


class Format(Protocol):
    """One format; it touches no disk."""

    needs_picture: bool
    """Whether a sample without a picture cannot be written."""
    needs_pseudo: bool
    """Whether it asks for soft labels."""

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the files of one sample; the same sample gives the same bytes."""

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:
        """Return the files that tell of all samples, by path within the export's folder."""


def text_file(text: str) -> Content:
    """Return the content of a text file; names of files that are no UTF-8 as the disk has them."""
    return lambda: [text.encode("utf-8", "surrogateescape")]


def encode_json(text: str) -> bytes:
    """Return JSON as bytes; what of a file's name is no UTF-8 becomes JSON's own escapes."""
    return text.encode("utf-8", "backslashreplace")


def split_lists(listing: Listing, folder: str = "") -> dict[str, Content]:
    """Return a text file for each split, one sample a line."""
    return {
        f"{folder}{split}.txt": text_file("".join(f"{one}\n" for one in ids))
        for split, ids in listing.splits.items()
    }
