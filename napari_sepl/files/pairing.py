"""Finding the samples in folders: files that share a stem belong together."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from napari_sepl.core.errors import InputError
from napari_sepl.files import images as image_files
from napari_sepl.files import labels as label_files
from napari_sepl.files import masks as mask_files
from napari_sepl.files._texts import read_text
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.pseudo_folders import list_pseudo
from napari_sepl.files.samples import Sample
from napari_sepl.files.score_formats import AUTO, suffixes_of

_NUMBER = re.compile(r"0*([0-9]+)")


@dataclass(frozen=True)
class Unmatched:
    """A sample of which files are missing.

    Parameters
    ----------
    sample_id : str
        The stem.
    missing : tuple of str
        Of "image", "pseudo", "masks" and "truth" those that are not there.
    """

    sample_id: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Pairing:
    """What the folders hold.

    Parameters
    ----------
    samples : tuple of Sample
        Those with an image, pseudo-labels and masks.
    unmatched : tuple of Unmatched
        Those asked for of which something is missing: by the list of samples or, without one, by
        a file of pseudo-labels. One that lacks only its truth is among `samples` too.
    without_pseudo : tuple of str
        Stems of other files that have no pseudo-labels, so that nothing is to be done for them.
    """

    samples: tuple[Sample, ...]
    unmatched: tuple[Unmatched, ...]
    without_pseudo: tuple[str, ...]


def pair_by_stem(
    images: Path,
    pseudo: Path,
    masks: Path,
    truth: Path | None = None,
    list_file: Path | None = None,
    *,
    pseudo_format: str = AUTO,
) -> Pairing:
    """Pair the files of folders by their names without ending, never by their position.

    Hidden files and files with endings that are not read are passed over.

    Parameters
    ----------
    images, pseudo : Path
        Folders of pictures and of pseudo-labels.
    masks : Path
        A folder with a file (.json, .npz, .npy) or a folder of masks for each image.
    truth : Path, optional
        A folder of true labels.
    list_file : Path, optional
        Text with one sample a line, as in PASCAL VOC's ImageSets: the first word counts, of a
        path its stem. Only these are paired, in the file's order, each once.
    pseudo_format : str
        What the pseudo-labels are, by the name of a format; "auto" to see it from the files.

    Returns
    -------
    Pairing
        Samples in natural order (2 before 10), or in that of the list.

    Raises
    ------
    InputError
        If a folder or the list cannot be read, a folder holds two files of one stem, `masks` is
        the folder of a single image, or there is nothing to do.
    """
    if mask_files.looks_like_masks(masks):
        raise InputError(
            masks, found="the masks of one image", expected="a folder with an entry for each image"
        )
    pictures = _by_stem(images, image_files.SUFFIXES)
    labels = list_pseudo(pseudo, pseudo_format, pictures)
    found = {
        "image": pictures,
        "pseudo": {stem: pseudo / name for stem, name in labels.items()},
        "masks": _by_stem(masks, mask_files.SUFFIXES, folders=True),
    }
    if truth is not None:
        found["truth"] = _by_stem(truth, label_files.SUFFIXES)
    if list_file is not None:
        return _pair(read_list(list_file), found, pseudo_format, without_pseudo=())
    if not found["pseudo"]:
        expected = f"label files ending in {', '.join(sorted(suffixes_of(pseudo_format)))}"
        raise InputError(pseudo, found="no pseudo-labels", expected=expected)
    others = set(found["image"]) | set(found["masks"])
    return _pair(
        natural_order(found["pseudo"]),
        found,
        pseudo_format,
        without_pseudo=tuple(natural_order(others - set(found["pseudo"]))),
    )


def natural_order(names: Iterable[str]) -> list[str]:
    """Sort names so that numbers within them count as numbers: a2 before a10."""

    def key(name: str) -> str:
        # a number as its length and its digits, after NUL, which no name holds and which sorts
        # before all else; one string a name sorts in a third of the time that lists take
        numbered = _NUMBER.sub(lambda number: f"\0{chr(len(number[1]))}{number[1]}", name)
        return f"{numbered}\0\0{name}"

    return sorted(names, key=key)


def _pair(
    sample_ids: Iterable[str],
    found: Mapping[str, Mapping[str, Path]],
    pseudo_format: str,
    without_pseudo: tuple[str, ...],
) -> Pairing:
    ids, unmatched = match_stems(sample_ids, found, optional={"truth"})
    samples = [
        Sample(
            name,
            **{role: paths[name] for role, paths in found.items() if name in paths},
            pseudo_format=pseudo_format,
        )
        for name in ids
    ]
    return Pairing(tuple(samples), tuple(unmatched), without_pseudo)


def match_stems(
    sample_ids: Iterable[str],
    found: Mapping[str, Collection[str]],
    optional: Collection[str] = (),
) -> tuple[list[str], list[Unmatched]]:
    """Tell the samples that are whole enough, and those of which anything is missing.

    Parameters
    ----------
    sample_ids : iterable of str
        The samples that are wanted.
    found : mapping of str to collection of str
        Role to the stems there are.
    optional : collection of str
        Roles that a sample may lack and still be whole enough.
    """
    ids, unmatched = [], []
    for sample_id in sample_ids:
        missing = tuple(role for role, stems in found.items() if sample_id not in stems)
        if missing:
            unmatched.append(Unmatched(sample_id, missing))
        if all(role in optional for role in missing):
            ids.append(sample_id)
    return ids, unmatched


def _by_stem(folder: Path, suffixes: frozenset[str], *, folders: bool = False) -> dict[str, Path]:
    names = list_stems(folder, suffixes, folders=folders)
    return {stem: folder / name for stem, name in names.items()}


def read_list(path: Path) -> list[str]:
    """Return the samples a text file names, one a line, each once; InputError if it has none."""
    expected = "a text file with one sample a line"
    text = read_text(path, expected)
    names = [stem_of(line.split()[0]) for line in text.splitlines() if line.strip()]
    if not names:
        raise InputError(path, found="no sample", expected=expected)
    return list(dict.fromkeys(names))


def stem_of(word: str) -> str:
    """Return the stem that a word of a list stands for: itself, or that of a path in it."""
    path = PurePosixPath(word)
    return path.stem if path.suffix.lower() in image_files.SUFFIXES else path.name
