"""Reading image-level labels: which classes an image is known to hold."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.files._texts import read_text
from napari_sepl.files.dataset.lists import SampleFinder

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
        if sample_id is not None:
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
