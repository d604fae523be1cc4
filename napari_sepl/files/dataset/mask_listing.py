"""The masks of a folder, each file or folder of PNGs for a sample, or one JSON for many."""

import os
from collections.abc import Collection
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files import masks as mask_files
from napari_sepl.files._opening import real_place
from napari_sepl.files.dataset.listing import Listing, Walk, grouped, last_part, slashes
from napari_sepl.files.dataset.names import Folded

_EXPORT = "napari-sepl-export"  # the stem of the manifest of an export, which holds no masks
_MOST_MANY = 8  # JSON files of no sample that are looked into for the masks of many images


def list_masks(
    folder: Path, known: Collection[str], skip: Collection[Path] = (), tail: str = ""
) -> Listing:
    """List the masks of a folder: a file, or a folder of PNGs, for each sample.

    A JSON file of many images, in place of the folder or in it, has those of the samples it names.

    Parameters
    ----------
    folder : Path
        The folder, or a JSON file of many images.
    known : collection of str
        Samples by their images, to distinguish a sub-folder of samples from the masks of one
        sample; without, the content of the sub-folder decides.
    skip, tail : collection of Path, str
        As for `list_files`.

    Raises
    ------
    InputError
        If it cannot be read, or holds the masks of one image.
    """
    if folder.is_file():
        return _list_many(folder, known)
    parents = {sample_id[:end] for sample_id in known for end in slashes(sample_id)}
    samples, lasts, above = Folded(known), Folded(map(last_part, known)), Folded(parents)
    if mask_files.looks_like_masks(folder) and "0" not in lasts:
        raise InputError(
            folder, found="the masks of one image", expected="a folder with an entry for each image"
        )

    def is_sample(sample_id: str, name: str) -> bool:
        if sample_id in samples or name in above:
            return sample_id in samples
        if last_part(sample_id) in lasts:
            return True
        return real_place(folder / name) not in skip and not _holds_samples(folder / name, lasts)

    walk = Walk(folder, mask_files.SUFFIXES, skip, "masks", tail, is_sample, {*known, *parents})
    listing = grouped(walk, weak=mask_files.PICTURES)
    for overview in _unnamed(listing, tuple(mask_files.PICTURES), lasts) if known else ():
        del listing.names[overview]
    listing.names.pop(_EXPORT, None)  # an export of ours as masks
    _add_many(listing, folder, known)
    return listing


def _list_many(file: Path, known: Collection[str]) -> Listing:
    """Return the samples whose masks are in one JSON file."""
    if (samples := mask_files.samples_in(file, known)) is None:
        expected = "a folder of masks, or COCO's instances in one .json"
        raise InputError(file, found="no masks of many images", expected=expected)
    return Listing(dict.fromkeys(samples, ""))


def _add_many(listing: Listing, folder: Path, known: Collection[str]) -> None:
    """Add the samples of JSON files of many images, which are named for none of them."""
    others = _unnamed(listing, (".json",), Folded(map(last_part, known)))
    for other, name in others.items() if len(others) <= _MOST_MANY else ():
        samples = mask_files.samples_in(folder / name, known) or []
        if len(samples) < 2 - bool(known):
            continue
        del listing.names[other]
        for one in samples:
            first = listing.names.setdefault(one, name)
            if first != name:
                listing.faults[one] = f"both {folder / first} and {folder / name} have masks"
    for one in listing.faults:
        listing.names.pop(one, None)


def _unnamed(listing: Listing, ends: tuple[str, ...], lasts: Collection[str]) -> dict[str, str]:
    """Return the files with these endings that are named for no sample."""
    return {
        one: name for one, name in listing.names.items()
        if name.lower().endswith(ends) and last_part(one) not in lasts
    }  # fmt: skip


def _holds_samples(folder: Path, lasts: Collection[str]) -> bool:
    """Return whether a folder has what no image's masks have, or pictures named as samples.

    Those are sub-folders, JSON files, pickles and arrays.
    """
    endings = tuple(mask_files.SUFFIXES - mask_files.PICTURES)
    try:
        with os.scandir(folder) as entries:
            return any(
                one.name.lower().endswith(endings) or one.is_dir() or Path(one.name).stem in lasts
                for one in entries
            )
    except OSError:
        return False
