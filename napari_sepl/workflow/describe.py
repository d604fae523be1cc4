"""What a file or folder is taken for: role, format, shape and classes, as its reader sees it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, name_first
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.labels.scores import Scores
from napari_sepl.files import arrays, images, labels, masks, pickles
from napari_sepl.files._opening import lines_of, read_text, unopened
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset.index import FIELDS, NAMED, Role, SampleIndex
from napari_sepl.files.dataset.layouts import find_layout
from napari_sepl.files.dataset.listing import Listing, list_files
from napari_sepl.files.dataset.names import shared_tails
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
    looks_like_dataset,
    read_dataset,
)
from napari_sepl.files.exports.folder import MANIFEST
from napari_sepl.files.image_formats import name_format
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.pseudo import read_pseudo
from napari_sepl.files.store import FILE_NAME
from napari_sepl.workflow.measure.tables import is_a_table

Facts = list[tuple[str, str]]
_EXPECTED = (
    "an image, labels, scores, masks, a class list, a list or a dataset's TOML file; see "
    "docs/reference/formats.md"
)


@dataclass(frozen=True)
class Description:
    """What a file or folder is taken for.

    Parameters
    ----------
    taken_for : str
        Its roles and format, in words.
    facts : list of (str, str)
        What the readers find in it, each by its name.
    own : object or None
        `Provenance` of a label PNG of ours.
    """

    taken_for: str
    facts: Facts = field(default_factory=list)
    own: Any = None


def describe(path: Path) -> Description:
    """Say what a file or folder is taken for, by reading it.

    Raises
    ------
    InputError
        With the reason, if it cannot be read, or is in no format that is read.
    """
    return _folder(path) if path.is_dir() else _file(path)


def _file(path: Path) -> Description:
    suffix = path.suffix.lower()
    if path.name in _OWN:
        return Description(_OWN[path.name])
    if suffix in images.SUFFIXES:
        return _picture(path)
    if suffix == ".toml":
        return _toml(path)
    if suffix in (".txt", ".lst", ".list"):
        return _list(path)
    if suffix == ".csv" and is_a_table(path):
        return Description("a table of napari-sepl")
    if suffix in (*arrays.SUFFIXES, *pickles.SUFFIXES, *masks.SUFFIXES, *labels.SUFFIXES):
        return _values(path)
    raise InputError(path, found=f"a file ending in {suffix or 'nothing'}", expected=_EXPECTED)


_OWN = {
    FILE_NAME: "the record of a review, of napari-sepl",
    MANIFEST: "the settings and the result of an export of napari-sepl",
}


# --- files


def _picture(path: Path) -> Description:
    """Describe what may be an image, a label map or scores of a class."""
    found = images.read_image(path)
    provenance = read_provenance(path) if path.suffix.lower() == ".png" else None
    kind = name_format(path)
    facts = [("size", _size(found.shape)), ("pixels", _pixels(found))]
    index: NDArray[np.uint8] | None = None
    if path.suffix.lower() in labels.SUFFIXES:
        with suppress(InputError):
            index = labels.read_labels(path)
    if index is None:
        return Description(f"an image ({kind})", facts)
    facts += _label_facts(index)
    if provenance is not None:
        return Description(f"labels of napari-sepl ({kind})", facts, provenance)
    is_mask = len(np.unique(index)) <= 2 and not index.min()
    other = "one mask, " if is_mask else ""
    return Description(f"labels ({kind}, one class a pixel), {other}or a grey image", facts)


def _values(path: Path) -> Description:
    """Describe an array, a pickle or JSON by all readers that read it."""
    readers: dict[str, Callable[[Path], Facts]] = {"": _pseudo, "masks": _masks}
    names, facts, reasons = [], list[tuple[str, str]](), []
    for role, read in readers.items():
        try:
            found = read(path)
        except InputError as error:
            reasons.append(error)
            continue
        names.append(role or found.pop(0)[1])
        facts += [fact for fact in found if fact not in facts]
    if not names:
        raise _nearest(path, reasons)
    return Description(" or ".join(names) + f" ({path.suffix.lower()})", facts)


def _nearest(path: Path, reasons: list[InputError]) -> InputError:
    """Return the reason of the reader that the ending belongs to first."""
    is_json = path.suffix.lower() == ".json"
    return reasons[-1 if is_json else 0]


def _pseudo(path: Path) -> Facts:
    found = read_pseudo(path, sample_id=path.stem)
    if isinstance(found, Scores):
        ids = found.class_ids.tolist()
        size = _size(found.maps.shape[1:]) if found.maps.size else "no class"
        return [
            ("", "CAM scores"), ("format", found.origin), ("size", size),
            ("classes", _ids(ids)),
        ]  # fmt: skip
    return [("", "labels"), ("size", _size(found.shape)), *_label_facts(found)]


def _masks(path: Path) -> Facts:
    found = masks.read_masks(path)
    return [("masks", f"{len(found):,}"), ("size", _size(found.shape))]


def _toml(path: Path) -> Description:
    if looks_like_dataset(path):
        spec = read_dataset(path)
        places = [(key, str(value)) for key, value in spec if value is not None]
        return Description("a dataset", [*places, *_samples(spec)])
    classes = read_class_list(path)
    names = name_first(classes.names[1:])
    return Description("a class list", [("classes", f"{len(classes) - 1:,} ({names})")])


def _samples(spec: DatasetSpec) -> Facts:
    """Return how many samples of a dataset would be read, and why others are not."""
    required = [one for one in (Role.IMAGE, Role.PSEUDO) if getattr(spec, FIELDS[one]) is not None]
    if not required:
        return []
    try:
        index = SampleIndex.open(spec, required, lead=required[-1])
    except InputError as error:
        return [("problem", str(error))]
    tails = [("suffix", f"{NAMED[role]}: {tail}") for role, tail in index.tails.items()]
    counts = [(f"with {NAMED[role]}", f"{index.count(role):,}") for role in index.folders]
    problems = [("problem", str(one)) for one in index.problems[:3]]
    return [("samples", f"{len(index):,}"), *counts, *tails, *problems]


def _list(path: Path) -> Description:
    lines = [one for one in map(str.strip, lines_of(read_text(path, "a list"))) if one]
    lines = [one for one in lines if not one.startswith("#")]
    if not lines:
        raise InputError(path, found="no line", expected="a list of samples or of classes")
    columns = Counter(len(one.split()) for one in lines).most_common(1)[0][0]
    told = {1: "a list of samples or of classes", 2: "a list of samples, or of files in pairs"}
    role = told.get(columns, "a list of samples, or image-level labels")
    return Description(role, [("lines", f"{len(lines):,}"), ("first", lines[0])])


# --- folders


def _folder(path: Path) -> Description:
    if masks.looks_like_masks(path):
        return Description("masks of one image (a folder of PNGs)", _masks(path))
    facts: Facts = []
    if (path / FILE_NAME).is_file():
        facts.append(("record", f"a review of napari-sepl, in {FILE_NAME}"))
    if (path / MANIFEST).is_file():
        facts.append(("export", _export(path / MANIFEST)))
    tomls = filter(looks_like_dataset, sorted(path.glob("*.toml")))
    facts += [("dataset", str(one)) for one in tomls]
    layout = find_layout(path)
    if layout is not None:
        facts.append(("layout", layout))
    facts += _content(path)
    if not facts:
        raise InputError(path, found="no file that is read", expected=_EXPECTED)
    kinds = {"record": "a folder of labels", "export": "an export", "dataset": "a dataset"}
    return Description(next((kinds[k] for k, _ in facts if k in kinds), "a folder"), facts)


def _export(path: Path) -> str:
    with suppress(InputError, ValueError, LookupError, TypeError):
        settings = json.loads(read_text(path, "an export's settings"))["settings"]
        return f"of napari-sepl, format {settings['format']}"
    return "of napari-sepl"


def _content(path: Path) -> Iterator[tuple[str, str]]:
    """Yield how many samples a folder has, of what formats, by which suffix, and the first."""
    endings = images.SUFFIXES | labels.SUFFIXES | masks.SUFFIXES | pickles.SUFFIXES
    try:
        listing = list_files(path, endings)
    except OSError as error:
        raise unopened(path, error, "a folder") from error
    if not listing.ids:
        return
    counts = Counter(Path(name).suffix.lower() for name in listing.names.values())
    yield "samples", f"{len(listing.ids):,}"
    yield "formats", ", ".join(f"{n:,} {end}" for end, n in counts.most_common())
    for tail, count in shared_tails(listing.ids):
        yield "suffix", f"{tail} ({count:,} of {len(listing.ids):,})"
    inside = Counter(name.partition("/")[0] for name in listing.names.values() if "/" in name)
    yield from (("sub-folder", f"{name}/ ({n:,})") for name, n in sorted(inside.items())[:9])
    yield from (("problem", reason) for reason in list(listing.faults.values())[:3])
    yield from _first(path, listing)


def _first(path: Path, listing: Listing) -> Iterator[tuple[str, str]]:
    """Yield what the first file is taken for, as an example of all."""
    if not listing.names:
        return
    first = min(listing.names.values())
    try:
        found = _file(path / first)
    except InputError as error:
        yield "first", f"{first}: not read: found {error.found}; expected {error.expected}"
        return
    yield "first", f"{first}: {found.taken_for}"
    yield from found.facts


# --- words


def _label_facts(found: NDArray[np.uint8]) -> Facts:
    ids = np.unique(found).tolist()
    ignored = ", 255 is ignore" if IGNORE in ids else ""
    return [("labels", _ids(ids) + ignored)]


def _ids(ids: list[int]) -> str:
    shown = ", ".join(map(str, ids[:20]))
    return f"{shown} and {len(ids) - 20:,} more" if len(ids) > 20 else shown or "none"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} × {shape[1]} (height × width)"


def _pixels(found: NDArray[Any]) -> str:
    kinds = {2: "grey", 3: "RGB" if found.shape[-1] == 3 else "RGBA"}
    return f"{kinds[found.ndim]}, {8 * found.dtype.itemsize} bits"
