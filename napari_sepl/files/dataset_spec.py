"""Where the files of a dataset are: what DATASET.toml holds, or a known layout tells."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from napari_sepl.core.classes import BUILT_IN
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import real_place, tell, unopened
from napari_sepl.files._texts import expanded, read_toml
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.score_formats import AUTO, check_format

_EXPECTED = (
    'text for images, pseudo, masks and out, as in images = "JPEGImages"; '
    "if wanted also for truth, tags, list_file, classes and pseudo_format; without masks, they are "
    "in out"
)
_MADE = "masks"
_COCO_YEARS = ("", "2017", "2014")


class DatasetSpec(BaseModel):
    """Where the files of a dataset are, and where its labels go.

    Parameters
    ----------
    images, pseudo : Path
        Folders of pictures and of pseudo-labels.
    masks : Path
        A folder of masks, a file or folder for each picture; "masks" in `out` if left out, which
        need not be there before masks are made.
    out : Path
        The folder for labels and for the record of the review.
    truth : Path, optional
        A folder of true labels.
    tags : Path, optional
        A text file of image-level classes.
    list_file : Path, optional
        A text file that says which samples there are and in what order.
    classes : str
        "voc", "coco", or a TOML file of classes.
    pseudo_format : str
        What the pseudo-labels are, by the name of a format; "auto" to see it from the files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Path = Field(description="Folder of pictures.")
    pseudo: Path = Field(description="Folder of pseudo-labels.")
    masks: Path = Field(description="Folder of masks, a file or folder per picture.")
    out: Path = Field(description="Folder for labels and for the record of the review.")
    truth: Path | None = Field(None, description="Folder of true labels.")
    tags: Path | None = Field(
        None, description="Text file with a sample and its classes on each line."
    )
    list_file: Path | None = Field(
        None, description="Text file with the samples to open, one a line."
    )
    classes: str = Field("voc", description="voc, coco or a TOML file.")
    pseudo_format: str = Field(
        AUTO, description="Which method's files the pseudo-labels are; auto: see from the file."
    )

    @field_validator("pseudo_format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        return check_format(name)

    @model_validator(mode="before")
    @classmethod
    def _place_masks(cls, told: Any) -> Any:
        if isinstance(told, dict) and told.get("masks") is None:
            out = told.get("out")
            if isinstance(out, str | Path):
                return told | {"masks": Path(out) / _MADE}
        return told

    @property
    def masks_to_come(self) -> bool:
        """Whether the folder of masks need not be there before masks are made."""
        return self.masks == self.out / _MADE


def looks_like_dataset(path: Path) -> bool:
    """Tell, without judging it, whether a file may be a dataset's: TOML that names pictures."""
    if path.suffix.lower() != ".toml":
        return False
    try:
        return {"images", "pseudo"} <= read_toml(path, "a dataset").keys()
    except InputError:
        return False


def read_dataset(path: Path) -> DatasetSpec:
    """Read a TOML file with the fields of `DatasetSpec`; its paths start from its own folder.

    Raises
    ------
    InputError
        If the file cannot be read, is no TOML, lacks a key, or has one that is not known.
    """
    content = read_toml(path, "a TOML file of a dataset")
    try:
        spec = DatasetSpec.model_validate(content)
    except ValidationError as error:
        raise InputError(path, found=_misread(error), expected=_EXPECTED) from error
    return _placed(spec, path)


def _misread(error: ValidationError) -> str:
    told = []
    for wrong in error.errors():
        key = ".".join(map(str, wrong["loc"]))
        if wrong["type"] == "missing":
            told.append(f"no {key}")
        elif wrong["type"] == "extra_forbidden":
            told.append(f"the unknown key {key}")
        else:
            told.append(f"{key} = {tell(wrong['input'])}")
    return ", ".join(told)


def _placed(spec: DatasetSpec, path: Path) -> DatasetSpec:
    def place(text: Path | str) -> Path:
        return path.parent / expanded(text, path, _EXPECTED)

    places: dict[str, Any] = {name: place(value) for name, value in spec if isinstance(value, Path)}
    if spec.classes not in BUILT_IN:
        places["classes"] = str(place(spec.classes))
    return spec.model_copy(update=places)


def write_dataset(path: Path, spec: DatasetSpec) -> None:
    """Write a TOML file that `read_dataset` reads back as `spec`.

    What lies in the file's own folder is named from there, so that both can be moved together;
    all else by its whole path.

    Raises
    ------
    SaveError
        If the file is one that the dataset reads, a name is no text in UTF-8, or the disk fails.
    """
    inputs = [value for _, value in spec if isinstance(value, Path)]
    if spec.classes not in BUILT_IN:
        inputs.append(Path(spec.classes))
    if real_place(path) in map(real_place, inputs):
        raise SaveError(f"{path}: it is part of the dataset, and stays; choose another name.")
    lines = []
    for key, value in spec:
        if value is not None and (key, value) != ("pseudo_format", AUTO):
            named = key == "pseudo_format" or (key == "classes" and value in BUILT_IN)
            text = value if named else _place_from(path.parent, Path(value))
            lines.append(f"{key} = {_quoted(text)}\n")
    try:
        content = "".join(lines).encode("utf-8")
    except UnicodeEncodeError as error:
        raise SaveError(
            f"{path}: could not be saved: {error.object!r} is no text in UTF-8."
        ) from error
    write_whole(path, content)


def _place_from(folder: Path, place: Path) -> str:
    """Return a path as a file in `folder` names it."""
    if place.is_relative_to(folder):
        relative = place.relative_to(folder)
        if not relative.as_posix().startswith("~"):  # which would be read as somebody's home
            return relative.as_posix()
    return place.absolute().as_posix()


def _quoted(text: str) -> str:
    """Return a TOML string: JSON's, but that TOML forbids the one control sign JSON lets be."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def layout(
    name: str, root: Path, out: Path, *, split: str | None = None, **given: Path | str | None
) -> DatasetSpec:
    """Return where a dataset in a known layout has its files.

    ``voc``: pictures in JPEGImages, truth in SegmentationClass if that is there; `split` names a
    list in ImageSets/Segmentation, without one all samples that have pseudo-labels count.
    ``coco``: pictures in the folder `split` ("train" if left out) with or without the year 2017
    or 2014, in `root` or its images folder. COCO's own truth is no folder of label maps, so it is
    taken only if given.

    Both look for pseudo-labels in the one folder of `root` whose name begins with "pseudo", and
    for masks in the one that begins with "masks" or "sam"; for ``coco`` in its subfolder of the
    pictures' name, if it has one. If no folder begins so, the masks are those of `out`.

    Parameters
    ----------
    name : str
        "voc" or "coco".
    root : Path
        The folder that holds it all, such as VOCdevkit/VOC2012.
    out : Path
        The folder for labels and for the record of the review.
    split : str, optional
        Which part of the dataset, such as "train".
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
        raise InputError("layout", found=f"the name {name!r}", expected="voc or coco")
    part = found["images"].name if name == "coco" else ""
    for role, prefixes in (("pseudo", ("pseudo",)), ("masks", ("masks", "sam"))):
        folder = None if role in told else _only(root, role, prefixes)
        if folder is not None:
            found[role] = folder / part if (folder / part).is_dir() else folder
    return DatasetSpec.model_validate({"classes": name, "out": out} | found | told)


def voc_folders(root: Path, split: str | None) -> dict[str, Path]:
    """Return where a VOC folder has images, perhaps truth, and the list_file of a split, by role.

    Raises
    ------
    InputError
        If there is no such list.
    """
    found = {"images": root / "JPEGImages"}
    if (root / "SegmentationClass").is_dir():
        found["truth"] = root / "SegmentationClass"
    if split is not None:
        lists = root / "ImageSets" / "Segmentation"
        found["list_file"] = lists / f"{split}.txt"
        if not found["list_file"].is_file():
            names = ", ".join(sorted(file.stem for file in lists.glob("*.txt"))) or "no list"
            raise InputError(lists, found=names, expected=f"{split}.txt among the lists")
    return found


def _coco(root: Path, split: str) -> dict[str, Path]:
    names = [f"{split}{year}" for year in _COCO_YEARS]
    places = [folder / name for folder in (root, root / "images") for name in names]
    images = next((place for place in places if place.is_dir()), None)
    if images is None:
        told = ", ".join(place.relative_to(root).as_posix() for place in places)
        raise InputError(root, found=f"none of the folders {told}", expected="COCO's pictures")
    return {"images": images}


def _only(root: Path, role: str, prefixes: tuple[str, ...]) -> Path | None:
    try:
        folders = [entry for entry in sorted(root.iterdir()) if entry.is_dir()]
    except OSError as error:
        raise unopened(root, error, "the folder of a dataset") from error
    found = [folder for folder in folders if folder.name.lower().startswith(prefixes)]
    if not found and role == "masks":
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
