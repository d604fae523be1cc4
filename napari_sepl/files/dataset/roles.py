"""The roles of files in a dataset, and the listing of each, paired with the others by name."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files import images as image_files
from napari_sepl.files import labels as label_files
from napari_sepl.files import masks as mask_files
from napari_sepl.files._opening import real_place
from napari_sepl.files.dataset.listing import (
    Listing,
    aligned,
    endings_in,
    last_part,
    list_files,
    list_pseudo,
)
from napari_sepl.files.dataset.mask_listing import list_masks
from napari_sepl.files.dataset.names import find_tails
from napari_sepl.files.dataset.specification import SUFFIX_OF, DatasetSpec
from napari_sepl.files.scores import AUTO, suffixes_of


class Role(StrEnum):
    """The role of a file in its sample."""

    IMAGE = "image"
    PSEUDO = "pseudo"
    MASKS = "masks"
    TRUTH = "truth"
    LABELS = "labels"


NAMED = {
    Role.IMAGE: "image",
    Role.PSEUDO: "pseudo-labels",
    Role.MASKS: "masks",
    Role.TRUTH: "ground truth",
    Role.LABELS: "labels",
}
"""The roles in words."""

FIELDS = {
    Role.IMAGE: "images",
    Role.PSEUDO: "pseudo",
    Role.MASKS: "masks",
    Role.TRUTH: "ground_truth",
    Role.LABELS: "out",
}
"""The fields of `DatasetSpec` that hold the roles' folders."""


def list_roles(
    spec: DatasetSpec, folders: Mapping[Role, Path]
) -> tuple[dict[Role, Listing], dict[Role, str]]:
    """Return the listing of each role, by the ids of the images or, without, of the labels.

    Where no name of a role pairs, its files are listed again without the tails that make them
    pair, which are returned too.
    """
    given = {role: tail for role in folders if (tail := _given_tail(spec, role))}
    listings = _listed(spec, folders, given)
    flat = len({listing.is_flat for listing in listings.values()}) == 2
    ids = {
        role: set(map(last_part, listing.ids)) if flat else listing.ids
        for role, listing in listings.items()
    }
    tails, doubtful = find_tails(ids, given)
    for role, several in doubtful.items():
        field = SUFFIX_OF.get(FIELDS[role])
        raise InputError(
            folders[role],
            found=f"files for the same samples that end in {' and in '.join(several)}",
            expected=f"--{field.replace('_', '-')} with one of them" if field else "one of them",
        )
    return (_listed(spec, folders, given | tails), tails) if tails else (listings, {})


def _given_tail(spec: DatasetSpec, role: Role) -> str | None:
    """Return what the dataset says that the names of a role's files end in."""
    tail: str | None = getattr(spec, SUFFIX_OF.get(FIELDS[role], ""), None)
    return tail


def all_tails(spec: DatasetSpec, tails: Mapping[Role, str]) -> list[str]:
    """Return all tails of a dataset's names, those that it gives and those that were found."""
    given = (_given_tail(spec, role) for role in Role)
    return [*filter(None, given), *tails.values()]


def _listed(
    spec: DatasetSpec, folders: Mapping[Role, Path], tails: Mapping[Role, str]
) -> dict[Role, Listing]:
    others = {real_place(folder) for folder in (*spec.folders, *folders.values())}
    listings: dict[Role, Listing] = {}
    known: set[str] = set()
    for role in (Role.IMAGE, Role.LABELS, Role.TRUTH, Role.PSEUDO, Role.MASKS):
        if role not in folders:
            continue
        skip = others - {real_place(folders[role])}
        listing = _list_role(role, spec, folders[role], known, skip, tails.get(role, ""))
        if listings:
            listing = aligned(listing, known, NAMED[role])
        else:
            known = listing.ids
        listings[role] = listing
    return listings


def _list_role(
    role: Role,
    spec: DatasetSpec,
    folder: Path,
    known: Collection[str],
    skip: Collection[Path],
    tail: str,
) -> Listing:
    if role is Role.IMAGE:
        return list_files(folder, image_files.SUFFIXES, skip, "images", tail=tail)
    if role is Role.PSEUDO:
        return list_pseudo(folder, spec.pseudo_format, known, skip, tail)
    if role is Role.MASKS:
        missing = spec.masks_to_come and not folder.exists()
        return Listing() if missing else list_masks(folder, known, skip, tail)
    return list_files(folder, label_files.SUFFIXES, skip, NAMED[role], tail=tail)


def no_file(role: Role, spec: DatasetSpec, folder: Path) -> InputError:
    """Return the error of a folder without a file of its role, with the endings in it."""
    there = [f"{count:,} {ending}" for ending, count in endings_in(folder).most_common(3)]
    suffixes = {
        Role.IMAGE: image_files.SUFFIXES,
        Role.PSEUDO: suffixes_of(spec.pseudo_format),
        Role.MASKS: mask_files.SUFFIXES,
    }.get(role, label_files.SUFFIXES)
    reader = ""
    if role is Role.PSEUDO and spec.pseudo_format != AUTO:
        reader = f", which are those of {spec.pseudo_format}"
    if any(one.rpartition(" ")[2] in suffixes for one in there):
        reader += ", named as their images"
        reader += ", or a folder of PNGs for each image" if role is Role.MASKS else ""
    return InputError(
        folder,
        found=f"no {NAMED[role]}{', but ' * bool(there)}{', '.join(there)}",
        expected=f"files ending in {', '.join(sorted(suffixes))}{reader}",
    )
