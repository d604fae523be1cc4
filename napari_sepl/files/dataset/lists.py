"""Lists of samples, and image-level labels."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.files import images as image_files
from napari_sepl.files._opening import read_text
from napari_sepl.files.dataset.listing import last_part

_NUMBER = re.compile(r"0*([0-9]+)")


def natural_order(names: Iterable[str]) -> list[str]:
    """Sort names so that numbers within them count as numbers: a2 before a10."""

    def key(name: str) -> str:
        # a number as its length and its digits, after NUL, which no name holds and which sorts
        # before all else; one string a name sorts in a third of the time that lists take
        numbered = _NUMBER.sub(lambda number: f"\0{chr(len(number[1]))}{number[1]}", name)
        return f"{numbered}\0\0{name}"

    return sorted(names, key=key)


def read_list(path: Path, known: Collection[str]) -> list[str]:
    """Return the samples that a text file names, one a line, each once.

    A line holds the id of a sample, a path of one of its files, or two such columns, of which the
    first counts.

    Parameters
    ----------
    path : Path
        The file.
    known : collection of str
        The samples there are. A path stands for the one that its end names: both
        ``JPEGImages/a.jpg`` and ``a`` for ``a``; and ``a`` for ``train/a`` where no other sample
        ends so.

    Raises
    ------
    InputError
        If the file cannot be read, is no text, or names no sample.
    """
    expected = "a text file with one sample a line"
    text = read_text(path, expected)
    find = SampleFinder(known)
    names = [find(line) for line in map(str.strip, text.splitlines()) if line]
    if not names:
        raise InputError(path, found="no sample", expected=expected)
    return list(dict.fromkeys(names))


class SampleFinder:
    """Finds the sample that a line of a list names.

    Parameters
    ----------
    known : collection of str
        The samples there are.
    """

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._has_spaces = any(" " in sample_id for sample_id in known)
        self._by_last: dict[str, str | None] = {}
        for sample_id in known:
            last = last_part(sample_id)
            self._by_last[last] = None if last in self._by_last else sample_id

    def __call__(self, line: str) -> str:
        """Return the sample's id; the last part of the path where there is no such sample."""
        if line in self._known:
            return line
        first = line.split(maxsplit=1)[0]
        whole = self._find(line) if self._has_spaces else None
        if whole is not None and " " in whole:
            return whole
        return self._find(first) or stem_of(first)

    def _find(self, word: str) -> str | None:
        parts = [part for part in word.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts:
            return None
        stems = [*parts[:-1], stem_of(parts[-1])]
        for spelled in (parts, stems):
            for start in range(len(spelled)):
                sample_id = "/".join(spelled[start:])
                if sample_id in self._known:
                    return sample_id
        return self._by_last.get(stems[-1]) if len(stems) == 1 else None


def stem_of(word: str) -> str:
    """Return the last part of a path, without the ending of an image."""
    return PurePosixPath(_without_ending(word)).name


def _without_ending(word: str) -> str:
    ending = PurePosixPath(word).suffix
    return word.removesuffix(ending) if ending.lower() in image_files.SUFFIXES else word


_EXPECTED = "a text file with a sample and its classes on each line"


def read_image_labels(
    path: Path, classes: ClassList, known: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """Read the classes of each image.

    Parameters
    ----------
    path : Path
        Text with one sample a line: its id or the path of its image, then its classes as names or
        as labels, all with spaces between. Names are told apart without case, spaces, hyphens and
        underscores: "dining table" is written ``dining_table`` or ``diningtable``.
    classes : ClassList
        Names the labels.
    known : collection of str
        The samples there are, which paths in the file stand for; all others are left out.

    Returns
    -------
    dict of str to tuple of int
        The labels of each known sample, ascending; empty for a sample without classes.

    Raises
    ------
    InputError
        Naming the line, if the file is no text, a class is not known, or a sample comes twice.
    """
    lines = read_text(path, _EXPECTED).splitlines()
    labels_of = _labels_by_word(classes)
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
        if sample_id in known:
            found[sample_id] = labels
    return found


def _labels_by_word(classes: ClassList) -> dict[str, int]:
    """Return the label of each word that stands for just one."""
    plain = [_plain_name(name) for name in classes.names]
    counts = Counter(plain)
    named = {name: label for label, name in enumerate(plain) if label and counts[name] == 1}
    return named | {str(label): label for label in range(1, len(classes))}


def _labels(
    words: list[str], known: dict[str, int], source: str, classes: ClassList
) -> tuple[int, ...]:
    found = {word: known.get(_plain_name(word)) for word in words}
    unknown = ", ".join(word for word, label in found.items() if label is None)
    if unknown:
        raise InputError(
            source,
            found=f"the class {unknown}",
            expected=f"names or labels 1 to {len(classes) - 1} of the class list {classes.title}",
        )
    return tuple(sorted({label for label in found.values() if label is not None}))


def _plain_name(name: str) -> str:
    """Return what all spellings of a name share; numbers stay as they are."""
    if name.lstrip("-").isdecimal():
        return name
    return name.casefold().replace(" ", "").replace("_", "").replace("-", "")
