"""Reading image-level tags: which classes a picture is known to hold."""

from collections import Counter
from pathlib import Path

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.files._texts import read_text
from napari_sepl.files.pairing import stem_of

_EXPECTED = "a text file with a sample and its classes on each line"


def read_tags(path: Path, classes: ClassList) -> dict[str, tuple[int, ...]]:
    """Read the classes of each picture.

    Parameters
    ----------
    path : Path
        Text with one sample a line: its stem, or a path with it, then its classes as names or as
        labels, all with spaces between. Names are told apart without case, spaces, hyphens and
        underscores: "dining table" is written ``dining_table`` or ``diningtable``.
    classes : ClassList
        Names the labels.

    Returns
    -------
    dict of str to tuple of int
        The labels of each sample, ascending; empty for a sample without classes.

    Raises
    ------
    InputError
        Naming the line, if the file is no text, a class is not known, or a sample comes twice.
    """
    lines = read_text(path, _EXPECTED).splitlines()
    known = _labels_by_word(classes)
    tags: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        sample_id = stem_of(words[0])
        if sample_id in tags:
            raise InputError(
                f"{path}, line {number}", found=f"{sample_id} again", expected="each sample once"
            )
        tags[sample_id] = _labels(words[1:], known, f"{path}, line {number}", classes)
    return tags


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
