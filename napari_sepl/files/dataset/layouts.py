"""Datasets in a layout of folders that is known by name."""

from collections.abc import Collection
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import unopened
from napari_sepl.files.dataset.specification import DatasetSpec

LAYOUTS = ("voc", "coco")
"""The layouts that are known."""

_COCO_SPLITS = ("train", "val")
_COCO_YEARS = ("", "2017", "2014")
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
    """Return where a dataset in a known layout has its files.

    ``voc``: images in JPEGImages, ground truth in SegmentationClass if that is there; `split`
    names a list in ImageSets/Segmentation, without one all samples that have pseudo-labels count.
    ``coco``: images in the folder `split` ("train" if left out) with or without the year 2017
    or 2014, in `root` or its images folder. COCO's own ground truth is no folder of label maps, so
    it is taken only if given.

    Both look for pseudo-labels in the one folder of `root` whose name begins with "pseudo", and
    for masks in the one that begins with "masks" or "sam"; for ``coco`` in its subfolder of the
    images' name, if it has one.

    Parameters
    ----------
    name : str
        "voc" or "coco".
    root : Path
        The folder that holds it all, such as VOCdevkit/VOC2012.
    out : Path, optional
        The folder for labels and for the record of the review.
    split : str, optional
        Which part of the dataset, such as "train".
    look_for, needs : collection of str
        Which of "pseudo" and "masks" to look for, and which of them must be found. Masks that are
        neither found nor given are those of `out`.
    **given : Path, str or None
        Fields of `DatasetSpec` that are told and not looked for; None counts as not told.

    Raises
    ------
    InputError
        If the layout is unknown, or a folder that is looked for is not there or not the only one.
    """
    told = {field: value for field, value in given.items() if value is not None}
    if name == "voc":
        found = voc_folders(root, split)
    elif name == "coco":
        found = _coco(root, split or "train")
    else:
        raise InputError("layout", found=f"the name {name!r}", expected=" or ".join(LAYOUTS))
    part = found["images"].name if name == "coco" else ""
    for role, prefixes in _PREFIXES.items():
        if role not in look_for or role in told:
            continue
        folder = _only(root, role, prefixes, needed=role in needs and role != "masks")
        if folder is not None:
            found[role] = folder / part if (folder / part).is_dir() else folder
    return DatasetSpec.model_validate({"classes": name, "out": out} | found | told)


def voc_folders(root: Path, split: str | None) -> dict[str, Path]:
    """Return where a VOC folder has images, perhaps ground truth, and the list of a split.

    Raises
    ------
    InputError
        If there is no such list.
    """
    found = {"images": root / "JPEGImages"}
    if (root / "SegmentationClass").is_dir():
        found["ground_truth"] = root / "SegmentationClass"
    if split is not None:
        lists = root / "ImageSets" / "Segmentation"
        found["list_file"] = lists / f"{split}.txt"
        if not found["list_file"].is_file():
            names = sorted(file.stem for file in lists.glob("*.txt"))
            expected = f"one of {', '.join(names)}" if names else f"{split}.txt; there is no list"
            raise InputError(lists, found=f"no list {split!r}", expected=expected)
    return found


def find_layout(root: Path) -> str | None:
    """Return the name of the layout that a folder looks like; None if of none that is known."""
    if (root / "JPEGImages").is_dir():
        return "voc"
    is_coco = any(place.is_dir() for split in _COCO_SPLITS for place in _coco_places(root, split))
    return "coco" if is_coco else None


def _coco_places(root: Path, split: str) -> list[Path]:
    names = [f"{split}{year}" for year in _COCO_YEARS]
    return [folder / name for folder in (root, root / "images") for name in names]


def _coco(root: Path, split: str) -> dict[str, Path]:
    places = _coco_places(root, split)
    images = next((place for place in places if place.is_dir()), None)
    if images is None:
        told = ", ".join(place.relative_to(root).as_posix() for place in places)
        raise InputError(root, found=f"none of the folders {told}", expected="COCO's images")
    return {"images": images}


def _only(root: Path, role: str, prefixes: tuple[str, ...], *, needed: bool) -> Path | None:
    try:
        folders = [entry for entry in sorted(root.iterdir()) if entry.is_dir()]
    except OSError as error:
        raise unopened(root, error, "the folder of a dataset") from error
    found = [folder for folder in folders if folder.name.lower().startswith(prefixes)]
    if not found and not needed:
        return None
    if len(found) != 1:
        names = " and ".join(prefixes)
        told = ", ".join(folder.name for folder in found) or "no folder"
        raise InputError(
            root,
            found=f"{told} for names that begin with {names}",
            expected=f"exactly one; otherwise say where the {role} folder is",
        )
    return found[0]
