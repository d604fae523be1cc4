"""Folders of public datasets by their usual names."""

from collections.abc import Collection
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import unopened
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
)

LAYOUTS = ("voc", "coco")
"""The names of known layouts."""

_PREFIXES = {"pseudo": ("pseudo",), "masks": ("masks", "sam")}


def layout(
    name: str,
    root: Path,
    out: Path | None = None,
    *,
    split: str | None = None,
    look_for: Collection[str] = tuple(_PREFIXES),
    needs: Collection[str] = ("pseudo",),
    **given: Path | str | None,
) -> DatasetSpec:
    """Return the specification of a dataset in a known layout.

    ``voc``: images in JPEGImages, ground truth in SegmentationClass if it exists; `split` names a
    list in ImageSets/Segmentation, without one all samples with pseudo-labels count.
    ``coco``: images in the folder `split` ("train" if left out) with or without the year 2017
    or 2014, in `root` or its images folder. COCO's own ground truth is no folder of label maps, so
    ground truth must be given.

    Both look for pseudo-labels in the one folder of `root` whose name begins with "pseudo", and
    for masks in the one that begins with "masks" or "sam"; for ``coco`` in its subfolder of the
    images' name, if it has one.

    Parameters
    ----------
    name : str
        "voc" or "coco".
    root : Path
        The folder of the dataset, such as VOCdevkit/VOC2012.
    out : Path, optional
        The folder for labels and for the record of the review.
    split : str, optional
        A part of the dataset, such as "train".
    look_for, needs : collection of str
        Which of "pseudo" and "masks" to look for, and which of them must be found. Masks that are
        neither found nor given are those of `out`.
    **given : Path, str or None
        Fields of `DatasetSpec` that are not looked for; None counts as not given.

    Raises
    ------
    InputError
        If the layout is unknown, or a needed folder is missing or not the only one.
    """
    fields = {field: value for field, value in given.items() if value is not None}
    if name == "voc":
        found = voc_folders(root, split)
    elif name == "coco":
        found = _coco(root, split or "train")
    else:
        raise InputError("layout", found=f"the name {name!r}", expected=" or ".join(LAYOUTS))
    part = found["images"].name if name == "coco" else ""
    for role, prefixes in _PREFIXES.items():
        if role not in look_for or role in fields:
            continue
        folder = _only(root, role, prefixes, needed=role in needs and role != "masks")
        if folder is not None:
            found[role] = folder / part if (folder / part).is_dir() else folder
    return DatasetSpec.model_validate({"classes": name, "out": out} | found | fields)


def voc_folders(root: Path, split: str | None) -> dict[str, Path]:
    """Return the images, the ground truth if it exists, and the list of a split in a VOC folder.

    Raises
    ------
    InputError
        If there is no such list.
    """
    found, truth = {"images": root / "JPEGImages"}, root / "SegmentationClass"
    if truth.is_dir():
        found["ground_truth"] = truth
    if split is not None:
        lists = root / "ImageSets" / "Segmentation"
        found["list_file"] = lists / f"{split}.txt"
        if not found["list_file"].is_file():
            names = sorted(file.stem for file in lists.glob("*.txt"))
            expected = f"one of {', '.join(names)}" if names else f"{split}.txt; there is no list"
            raise InputError(lists, found=f"no list {split!r}", expected=expected)
    return found


def find_layout(root: Path) -> str | None:
    """Return the name of a folder's layout; None if it is unknown."""
    if (root / "JPEGImages").is_dir():
        return "voc"
    places = (place for split in ("train", "val") for place in _coco_places(root, split))
    return "coco" if any(map(Path.is_dir, places)) else None


def _coco_places(root: Path, split: str) -> list[Path]:
    names = [f"{split}{year}" for year in ("", "2017", "2014")]
    return [folder / name for folder in (root, root / "images") for name in names]


def _coco(root: Path, split: str) -> dict[str, Path]:
    places = _coco_places(root, split)
    for place in places:
        if place.is_dir():
            return {"images": place}
    names = ", ".join(place.relative_to(root).as_posix() for place in places)
    raise InputError(root, found=f"none of the folders {names}", expected="COCO's images")


def _only(root: Path, role: str, prefixes: tuple[str, ...], *, needed: bool) -> Path | None:
    try:
        folders = [entry for entry in sorted(root.iterdir()) if entry.is_dir()]
    except OSError as error:
        raise unopened(root, error, "the folder of a dataset") from error
    found = [folder for folder in folders if folder.name.lower().startswith(prefixes)]
    if len(found) == 1 or not (found or needed):
        return found[0] if found else None
    names = ", ".join(folder.name for folder in found) or "no folder"
    raise InputError(
        root,
        found=f"{names} for names that begin with {' and '.join(prefixes)}",
        expected=f"exactly one; otherwise name the {role} folder",
    )
