"""Readers of lists of samples and of image-level labels."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files import images as image_files
from napari_sepl.files import masks as mask_files
from napari_sepl.files import scores as score_files
from napari_sepl.files._opening import lines_of, read_text
from napari_sepl.files.dataset.listing import by_last_part
from napari_sepl.files.dataset.names import fold, names_in, without_tail
from napari_sepl.files.formats import FileFormat

_NUMBER = re.compile(r"0*([0-9]+)")
_COMMENT = re.compile(r"#(\s|$)")
_REMARK = re.compile(r"(^|\s+)#.*")
"""A comment after a line, or a line that was made one; names may hold such signs too."""

_MARKED = re.compile(r"\S+\s+(-1|0|1)")
"""A line of VOC's ImageSets/Main/car_train.txt: a sample, and whether it has the class."""

_ENDINGS = image_files.SUFFIXES | score_files.SUFFIXES | mask_files.SUFFIXES


LIST_FORMATS = tuple(
    FileFormat("list of samples", name, origin, recognised, "`--list`, `list =`")
    for name, origin, recognised in (
        (
            "a sample a line",
            "people, `ls`, training scripts",
            "an id, or the path of one of its files, or a name in quotes; `# …` is a comment",
        ),
        (
            "files in columns",
            "SEAM, IRNet, Cityscapes' lists",
            "paths of the same sample beside each other, by spaces, tabs or commas",
        ),
        (
            "VOC's list of a class",
            "ImageSets/Main/car_train.txt",
            "each line ends in 1, 0 or -1; the samples with a 1 count",
        ),
    )
)
"""The formats of lists of samples."""


def natural_order(names: Iterable[str]) -> list[str]:
    """Return names sorted with the numbers within them as numbers: a2 before a10."""

    def key(name: str) -> str:
        # a number as its length and its digits, after NUL, which no name holds and which sorts
        # first; strings sort in a third of the time of lists
        numbered = _NUMBER.sub(lambda number: f"\0{chr(len(number[1]))}{number[1]}", name)
        return f"{numbered}\0\0{name}"

    return sorted(names, key=key)


def read_list(path: Path, known: Collection[str], tails: Collection[str] = ()) -> dict[str, str]:
    """Return the samples that a text file names, one per line, each once.

    A line holds the id of a sample or a path of one of its files; of several columns the first
    counts, and the others must not name another sample. Empty lines and comments (``# …``) do not
    count. Where each line ends in -1, 0 or 1, as VOC's lists of a class do, only the samples with a
    1 count, which hold the class; 0 marks difficult ones. A line in quotes is one name.

    Parameters
    ----------
    path : Path
        The file.
    known : collection of str
        The samples of the dataset. An id must be one of them; a path, which has an ending or
        begins with a slash, stands for the one that its end names: both ``JPEGImages/a.jpg`` and
        ``/data/a`` for ``a``. Without folders ``a`` stands for ``train/a`` too, if no other sample
        ends in ``a``.
    tails : collection of str
        What names of files end in beside the sample's, as in ``a_leftImg8bit.png``.

    Returns
    -------
    dict of str to str
        The samples in order, with the faults of their lines, empty for none. A line that names no
        sample is a key as a whole.

    Raises
    ------
    InputError
        If the file cannot be read, is no text, or names no sample.
    """
    expected = "a text file with one sample a line"
    lines = [line for line in map(str.strip, lines_of(read_text(path, expected))) if line]
    lines = [line for line in lines if not _COMMENT.match(line)]
    find = SampleFinder(known, tails)
    lines = [kept for line in lines if (kept := find.without_remark(line))]
    if not lines:
        raise InputError(path, found="no sample", expected=expected)
    if all(map(_MARKED.fullmatch, lines)) and not any(line in known for line in lines):
        lines = [line.split()[0] for line in lines if line.endswith(" 1") or line[-2:] == "\t1"]
        if not lines:
            raise InputError(
                path, found="no sample with the mark 1", expected="a sample that holds the class"
            )
    named: dict[str, str] = {}
    faults: dict[str, str] = {}
    for line in lines:
        sample_id, fault = find.named_by(line)
        first = named.setdefault(sample_id, line)
        if not _same_place(first, line):
            fault = f"the list names it as {first} and as {line}"
        faults[sample_id] = faults.get(sample_id) or fault
    return faults


class SampleFinder:
    """Finds the sample that a word or a line of a list names.

    Parameters
    ----------
    known : collection of str
        The samples there are; a name in another letter case or form of letters stands for them
        too.
    tails : collection of str
        What names of files end in beside the sample's.
    """

    def __init__(self, known: Collection[str], tails: Collection[str] = ()) -> None:
        self._known, self._tails = known, tails
        self._by_last = by_last_part(known)

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {fold(one): one for one in sorted(self._known, reverse=True)}

    def _sample(self, name: str) -> str | None:
        """Return the sample of a name, in any letter case and form; None if there is none."""
        return name if name in self._known else self._folded.get(fold(name))

    def named_by(self, line: str) -> tuple[str, str]:
        """Return the sample that a line names, and a fault; without a sample, the whole line."""
        quoted = next(filter(None, map(self, names_in(line))), None)
        if quoted is not None:
            return quoted, ""
        first, *others = self._columns(line)
        sample_id = self(first)
        if sample_id is None:
            return line, self._places(first)
        others_named = {self(other) for other in others} - {sample_id, None}
        if others_named:
            return line, f"names {sample_id} and {', '.join(sorted(map(str, others_named)))}"
        return sample_id, ""

    def without_remark(self, line: str) -> str:
        """Return a line without a comment in it, unless a sample's name holds the sign."""
        if "#" not in line or line.startswith('"') or self.named_by(line)[0] != line:
            return line
        return line if line in self._known else _REMARK.sub("", line)

    def __call__(self, word: str) -> str | None:
        """Return the sample that an id or a path names; None if there is none."""
        if word in self._known:
            return word
        parts = _parts(word)
        if not parts:
            return None
        stem = _without_ending(parts[-1])
        cut = [without_tail(stem, tail) for tail in self._tails]
        for last in (parts[-1], stem, *filter(None, cut)):
            spelled = [*parts[:-1], last]
            for start in range(len(spelled) if _is_path(word) else 1):
                sample_id = self._sample("/".join(spelled[start:]))
                if sample_id is not None:
                    return sample_id
        alike = self._by_last.get(stem, ()) if len(parts) == 1 else ()
        return alike[0] if len(alike) == 1 else None

    def _columns(self, line: str) -> list[str]:
        """Return the columns of a line; one, if a sample's name holds the separator."""
        columns = _columns_of(line)
        whole = self(line) if len(columns) > 1 else None
        return columns if whole is None or any(whole in one for one in columns) else [line]

    def _places(self, word: str) -> str:
        """Return the folders of the samples that a word may name; empty for less than two."""
        last = _without_ending(word)
        places = sorted(self._by_last.get(last, ()))
        if len(places) < 2:
            return ""
        folders = " and ".join(place.removesuffix(last) or "." for place in places)
        return f"in {folders}; write {places[0]}"


def _columns_of(line: str) -> list[str]:
    for separator in "\t,":
        if separator in line:
            return [one for one in map(str.strip, line.split(separator)) if one] or [line]
    words = line.split()
    return words if all(map(_is_path, words)) else [line]


def _is_path(word: str) -> bool:
    """Return whether a word is a path, not an id: it has an ending or is absolute."""
    return _without_ending(word) != word or word.startswith(("/", "\\"))


def _parts(word: str) -> list[str]:
    return [part for part in word.replace("\\", "/").split("/") if part not in ("", ".")]


def _same_place(one: str, other: str) -> bool:
    """Return whether two lines may name the same file: one's folders end as the other's."""
    first, second = (_parts(_columns_of(line)[0])[:-1][::-1] for line in (one, other))
    return all(map(str.__eq__, first, second))


def _without_ending(word: str) -> str:
    ending = PurePosixPath(word).suffix
    return word.removesuffix(ending) if ending.lower() in _ENDINGS else word


_EXPECTED = "a text file with a sample and its classes on each line"


def read_image_labels(
    path: Path, classes: ClassList, known: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """Read the classes of each image.

    Parameters
    ----------
    path : Path
        Text with one sample a line: its id or the path of its image, then its classes as names or
        as labels, separated by spaces. Case, spaces, hyphens and underscores in names do not
        count: "dining table" is written ``dining_table`` or ``diningtable``.
    classes : ClassList
        Names the labels.
    known : collection of str
        The samples of the dataset; others are left out.

    Returns
    -------
    dict of str to tuple of int
        The labels of each known sample, ascending; empty for a sample without classes.

    Raises
    ------
    InputError
        Naming the line, if the file is no text, a class is unknown, or a sample comes twice.
    """
    lines = lines_of(read_text(path, _EXPECTED))
    labels_of = labels_by_word(classes)
    find = SampleFinder(known)
    found: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        sample_id, place = find(words[0]), f"{path}, line {number}"
        if sample_id in found:
            raise InputError(place, found=f"{sample_id} again", expected="each sample once")
        labels = _labels(words[1:], labels_of, place, classes)
        if sample_id is not None:
            found[sample_id] = labels
    if known and not found and any(map(str.strip, lines)):
        first = next(line for line in lines if line.strip()).split()[0]
        raise InputError(
            path, found=f"no sample of the dataset (the first: {first})", expected=_EXPECTED
        )
    return found


def labels_by_word(classes: ClassList) -> dict[str, int]:
    """Return the label of each word that stands for one label."""
    plain = [plain_name(name) for name in classes.names]
    counts = Counter(plain)
    both = zip(classes.ids, plain, strict=True)
    named = {name: label for label, name in both if label and counts[name] == 1}
    return named | {str(label): label for label in classes.ids[1:]}


def _labels(
    words: list[str], known: dict[str, int], source: str, classes: ClassList
) -> tuple[int, ...]:
    found = {word: known.get(plain_name(word)) for word in words}
    unknown = ", ".join(word for word, label in found.items() if label is None)
    if unknown:
        raise InputError(
            source,
            found=f"the class {unknown}",
            expected=f"names or labels 1 to {classes.ids[-1]} of the class list {classes.title}",
        )
    return tuple(sorted({label for label in found.values() if label is not None}))


def plain_name(name: str) -> str:
    """Return the common form of all spellings of a name; numbers stay as they are."""
    if name.lstrip("-").isdecimal():
        return name
    return name.casefold().replace(" ", "").replace("_", "").replace("-", "")
