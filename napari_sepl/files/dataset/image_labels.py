"""Readers of image-level labels in the files and folders that people have."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.class_names import BACKGROUND_NAMES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files import images as image_files
from napari_sepl.files import pickles
from napari_sepl.files._opening import brief, parse_json, read_bytes, read_text, unopened
from napari_sepl.files.dataset.lists import (
    SampleFinder,
    labels_by_word,
    plain_name,
    read_image_labels,
)
from napari_sepl.files.formats import FileFormat

_ROLE = "image-level labels"
_OPTION = "`image_labels`, `--image-labels`"
TAG_FORMATS = (
    FileFormat(_ROLE, "text", "napari-sepl", "a sample and its classes on each line", _OPTION),
    FileFormat(
        _ROLE, "cls_labels.npy", "IRNet, SEAM, MCTformer",
        "`.npy` or `.pkl`: a dictionary of a row of 0 and 1 for each sample, one for each class, "
        "with or without background", _OPTION,
    ),
    FileFormat(
        _ROLE, "lists of classes", "PASCAL VOC devkit (ImageSets/Main)",
        "a folder of `CLASS_train.txt`, ...: a sample and 1, 0 or -1 on each line; only 1 counts",
        _OPTION,
    ),
    FileFormat(
        _ROLE, "folders of classes", "ImageNet, torchvision's ImageFolder",
        "a folder with a folder of images for each class", _OPTION,
    ),
    FileFormat(
        _ROLE, "COCO instances", "COCO", "`.json`: images, annotations and categories, whose names "
        "are those of the class list", _OPTION,
    ),
    FileFormat(
        _ROLE, "CSV", "spreadsheets, Kaggle",
        "`.csv` or `.tsv`: a sample and classes in each row, or a column of 0 and 1 for each class",
        _OPTION,
    ),
)  # fmt: skip

Found = dict[str, tuple[int, ...]]

_EXPECTED = "image-level labels"
_DICTIONARY = "a dictionary of a row of 0 and 1 for each sample, as cls_labels.npy"
_COCO = "the JSON of COCO's instances: images, annotations and categories"
_CSV = "a table with a sample and its classes in each row"
_MOST_STEPS = 20_000_000
"""Instructions in the pickle of image-level labels: COCO's 123,000 images take 3 million."""


def open_image_labels(path: Path, classes: ClassList, known: Collection[str]) -> Found:
    """Read the classes of each image, in any of `TAG_FORMATS`.

    Parameters
    ----------
    path : Path
        A file or folder.
    classes : ClassList
        The classes.
    known : collection of str
        The samples of the dataset; others are left out.

    Returns
    -------
    dict of str to tuple of int
        The labels of each known sample that the file names, ascending.

    Raises
    ------
    InputError
        If it cannot be read, is in no known format, names an unknown class, or no sample.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        found = _read_folder(path, classes, known)
    elif suffix in pickles.SUFFIXES | {".npy"}:
        found = _read_dictionary(path, classes, known)
    elif suffix == ".json":
        found = _read_coco(path, classes, known)
    elif suffix in (".csv", ".tsv"):
        found = _read_csv(path, classes, known)
    else:
        return read_image_labels(path, classes, known)
    if known and not found:
        expected = f"samples such as {min(known)}"
        raise InputError(path, found="no sample of the dataset", expected=expected)
    return found


def _sorted(found: Mapping[str, Collection[int]]) -> Found:
    return {sample_id: tuple(sorted(labels)) for sample_id, labels in found.items()}


# --- cls_labels.npy


def _read_dictionary(path: Path, classes: ClassList, known: Collection[str]) -> Found:
    value = pickles.read_pickled(path, most_steps=_MOST_STEPS)
    if not isinstance(value, Mapping):
        raise InputError(path, found=f"a {type(value).__name__}", expected=_DICTIONARY)
    find, by_number = SampleFinder(known), _by_number(known)
    found: Found = {}
    labels_of: dict[int, tuple[int, ...]] = {}  # by the length of a row
    for key, row in value.items():
        marks = _marks(path, key, row)
        if len(marks) not in labels_of:
            labels_of[len(marks)] = _in_order(path, key, len(marks), classes)
        labels = labels_of[len(marks)]
        sample_id = by_number.get(key) if isinstance(key, int) else find(str(key))
        if sample_id is not None:
            marked = (labels[place] for place in np.flatnonzero(marks).tolist())
            found[sample_id] = tuple(label for label in marked if label)
    classes.check_ids({label for labels in found.values() for label in labels}, path)
    return found


_VOC_ID = re.compile(r"([0-9]{4})_([0-9]{6})")
_NUMBERED = re.compile(r"(?:COCO_\w+_)?([0-9]{1,15})")


def _by_number(known: Collection[str]) -> dict[int, str]:
    """Return the samples by number: IRNet's of 2007_000032 is 2007000032, COCO's that at the end.

    Numbers of several samples are left out.
    """
    numbers: dict[int, list[str]] = defaultdict(list)
    for sample_id in known:
        name = PurePosixPath(sample_id).name
        match = _VOC_ID.fullmatch(name) or _NUMBERED.fullmatch(name)
        if match is not None:
            numbers[int("".join(match.groups()))].append(sample_id)
    return {number: ids[0] for number, ids in numbers.items() if len(ids) == 1}


def _marks(path: Path, key: object, row: Any) -> NDArray[Any]:
    """Return a row of 0 and 1."""
    try:
        numbers = np.asarray(row).reshape(-1)
    except ValueError:  # lists of different lengths
        numbers = np.array(["no numbers"])
    if numbers.dtype.kind not in "iufb" or ((numbers != 0) & (numbers != 1)).any():
        found = f"something else than 0 and 1 for {brief(key)}"
        raise InputError(path, found=found, expected=_DICTIONARY)
    return numbers


def _in_order(path: Path, key: object, count: int, classes: ClassList) -> tuple[int, ...]:
    """Return the label of each number of a row."""
    labels = classes.labels_of(count)
    if labels is None:
        raise InputError(
            path,
            found=f"{count} numbers for {brief(key)}",
            expected=f"{len(classes) - 1}, one for each class of {classes.title}, or with the "
            "background in front; name another list by --classes",
        )
    return labels


# --- folders


def _read_folder(path: Path, classes: ClassList, known: Collection[str]) -> Found:
    labels_of = _by_name(classes)
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise unopened(path, error, _EXPECTED) from error
    lists = [
        (file, labels_of[plain_name(file.stem.rpartition("_")[0])])
        for file in entries
        if file.suffix.lower() == ".txt" and plain_name(file.stem.rpartition("_")[0]) in labels_of
    ]
    if lists:
        return _read_class_lists(lists, known)
    folders = [one for one in entries if one.is_dir() and not one.name.startswith(".")]
    unknown = [
        one.name
        for one in folders
        if plain_name(one.name) not in labels_of and one.name.lower() not in BACKGROUND_NAMES
    ]
    if unknown or not folders:
        raise InputError(
            path,
            found=f"the folder {unknown[0]}, which is no class" if unknown else "no folder",
            expected=f"a folder of images for each class of {classes.title}, or lists such as "
            f"{classes.names[1].replace(' ', '')}_train.txt",
        )
    return _read_class_folders(path, folders, labels_of, known)


def _read_class_lists(lists: Sequence[tuple[Path, int]], known: Collection[str]) -> Found:
    """Read VOC's lists: 1 is in the image, -1 is not, and 0 is difficult and does not count."""
    find, found = SampleFinder(known), defaultdict[str, set[int]](set)
    for file, label in lists:
        for number, line in enumerate(read_text(file, _EXPECTED).splitlines(), 1):
            words = line.rsplit(None, 1)
            if not words:
                continue
            if len(words) != 2 or words[1] not in ("1", "0", "-1"):
                expected = "a sample and 1, 0 or -1"
                raise InputError(f"{file}, line {number}", found=repr(line[:60]), expected=expected)
            sample_id = find(words[0])
            if sample_id is not None:
                found[sample_id] |= {label} if words[1] == "1" else set()
    return _sorted(found)


def _read_class_folders(
    path: Path, folders: Sequence[Path], labels_of: Mapping[str, int], known: Collection[str]
) -> Found:
    find, found = SampleFinder(known), defaultdict[str, set[int]](set)
    for folder in folders:
        label = labels_of.get(plain_name(folder.name))
        for file in folder.rglob("*"):
            if file.suffix.lower() not in image_files.SUFFIXES:
                continue
            inside = file.relative_to(folder).with_suffix("").as_posix()
            whole = file.relative_to(path).with_suffix("").as_posix()
            sample_id = whole if whole in known else find(inside) or find(file.stem)
            if sample_id is not None:
                found[sample_id] |= set() if label is None else {label}
    return _sorted(found)


# --- COCO


def _read_coco(path: Path, classes: ClassList, known: Collection[str]) -> Found:
    content = parse_json(read_bytes(path, _COCO), path, _COCO)
    if not isinstance(content, dict):
        raise InputError(path, found=f"a {type(content).__name__}", expected=_COCO)
    find, found = SampleFinder(known), dict[str, set[int]]()
    sample_of: dict[object, str] = {}
    for number, name in _pairs(path, content, "images", "id", "file_name"):
        sample_id = find(str(name))
        if sample_id is not None:
            sample_of[number] = sample_id
            found.setdefault(sample_id, set())
    label_of = _categories(path, content, classes)
    for number, category in _pairs(path, content, "annotations", "image_id", "category_id"):
        if number not in sample_of:
            continue
        label = label_of.get(category)
        if not isinstance(label, int):
            raise InputError(
                path,
                found=f"the category {brief(label or category)}, which is no class",
                expected=f"names of the class list {classes.title}; name another by --classes",
            )
        found[sample_of[number]].add(label)
    return _sorted(found)


def _categories(path: Path, content: Mapping[str, Any], classes: ClassList) -> dict[Any, Any]:
    """Return the label of each category, or its name where it is no class."""
    labels_of = _by_name(classes)
    named = _pairs(path, content, "categories", "id", "name")
    return {number: labels_of.get(plain_name(str(name)), str(name)) for number, name in named}


def _pairs(
    path: Path, content: Mapping[str, Any], name: str, *fields: str
) -> Iterator[tuple[Any, Any]]:
    """Yield two fields of each entry of a list."""
    entries = content.get(name)
    if not isinstance(entries, list):
        raise InputError(path, found=f"no list of {name}", expected=_COCO)
    for entry in entries:
        values = [entry.get(field) for field in fields] if isinstance(entry, dict) else []
        if not values or not all(isinstance(value, str | int) for value in values):
            expected = f"{' and '.join(fields)} in each of {name}"
            raise InputError(path, found=brief(entry), expected=expected)
        yield values[0], values[1]


# --- CSV

_OF_SAMPLES = (
    "filename", "imagename", "imagepath", "image", "file", "path", "img", "imageid", "sample", "id",
)  # fmt: skip
_OF_CLASSES = frozenset((
    "label", "labels", "class", "classes", "classname", "category", "categories", "tag", "tags",
))  # fmt: skip
_ONE = ("1", "1.0")
_MARKS = frozenset((*_ONE, "0", "0.0", "-1", ""))
"""What the columns of classes hold; only 1 counts, as in VOC's lists."""


def _read_csv(path: Path, classes: ClassList, known: Collection[str]) -> Found:
    rows = list(_rows(path))
    if not rows:
        raise InputError(path, found="no row", expected=_CSV)
    find, labels_of = SampleFinder(known), labels_by_word(classes)
    found = defaultdict[str, set[int]](set)
    first = [plain_name(cell) for cell in rows[0][1]]
    has_head = find(rows[0][1][0]) is None
    column = next((first.index(name) for name in _OF_SAMPLES if name in first), 0) * has_head
    read = _reader_of(first if has_head else [], column, rows, labels_of)
    for number, cells in rows[has_head:]:
        if len(cells) <= column:
            continue
        place = f"{path}, line {number}"
        labels, unknown = read(cells)
        if unknown:
            expected = f"names or labels 1 to {classes.ids[-1]} of the class list {classes.title}"
            raise InputError(place, found=f"the class {unknown}", expected=expected)
        sample_id = find(cells[column])
        if sample_id is not None:
            found[sample_id] |= labels
    return _sorted(found)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row that is not empty."""
    text = read_text(path, _CSV)
    head = text.partition("\n")[0]
    separators = Counter({sign: head.count(sign) for sign in ",;\t"})
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separators.most_common(1)[0][0], strict=True
    )
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}",
            found=f"text that is no table ({error})",
            expected=_CSV,
        ) from error


_Read = Callable[[Sequence[str]], tuple[set[int], str]]


def _reader_of(
    head: Sequence[str],
    column: int,
    rows: Sequence[tuple[int, Sequence[str]]],
    labels_of: Mapping[str, int],
) -> _Read:
    """Return what reads the labels of a row, and the first word of it that is no class."""
    marks = {at: labels_of[name] for at, name in enumerate(head) if name in labels_of}
    others = [at for at in range(len(head)) if at != column]
    held = {cells[at] for _, cells in rows[1:] for at in others if at < len(cells)}
    if others and all(at in marks for at in others) and held <= _MARKS:
        return lambda cells: (
            {label for at, label in marks.items() if at < len(cells) and cells[at] in _ONE},
            "",
        )
    named = [at for at, name in enumerate(head) if name in _OF_CLASSES and at != column] or None

    def read(cells: Sequence[str]) -> tuple[set[int], str]:
        chosen = (
            [cells[at] for at in named if at < len(cells)]
            if named is not None
            else [cell for at, cell in enumerate(cells) if at != column]
        )
        words = [word for cell in chosen for word in _words(cell, labels_of)]
        unknown = [word for word in words if plain_name(word) not in labels_of]
        return {labels_of[plain_name(word)] for word in words if not unknown}, "".join(unknown[:1])

    return read


def _words(cell: str, labels_of: Mapping[str, int]) -> list[str]:
    """Return the classes in a cell: one, or several with signs or spaces between them."""
    if plain_name(cell) in labels_of:
        return [cell]
    parts = [part for part in map(str.strip, re.split(r"[;|,]", cell)) if part]
    return [
        word
        for part in parts
        for word in ([part] if plain_name(part) in labels_of else part.split())
    ]


def _by_name(classes: ClassList) -> dict[str, int]:
    """Return the label of each name that stands for one class."""
    names = {plain_name(name) for name in classes.names[1:]}
    return {word: label for word, label in labels_by_word(classes).items() if word in names}
