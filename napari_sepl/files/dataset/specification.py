"""The places of a dataset's files, from DATASET.toml or a known layout."""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.labels.classes import BUILT_IN
from napari_sepl.files._opening import expanded, read_toml, real_place
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.class_lists import check_class_list
from napari_sepl.files.guard import Guard
from napari_sepl.files.scores import AUTO, check_format
from napari_sepl.files.validation import misread

_EXPECTED = (
    "the keys images, pseudo, masks, out, ground_truth, image_labels, list, classes, "
    "pseudo_format, image_suffix, pseudo_suffix, mask_suffix and ground_truth_suffix, each with "
    'text, as in images = "JPEGImages"; mask_classes = true'
)
_MADE = "masks"

SUFFIX_OF = {
    "images": "image_suffix",
    "pseudo": "pseudo_suffix",
    "masks": "mask_suffix",
    "ground_truth": "ground_truth_suffix",
}
"""The fields of folders, and those of what the names in them end in."""


class DatasetSpec(BaseModel):
    """The places of a dataset's files and of its labels.

    The fields are the keys of DATASET.toml and, with hyphens, the options of the commands, which
    need some of them each; `list_file` is called "list" there.

    Parameters
    ----------
    images, pseudo : Path, optional
        Folders of images and of pseudo-labels.
    masks : Path, optional
        A folder of masks, a file or folder for each image, or a JSON file of many images;
        "masks" in `out` if left out, which may be missing until masks are generated.
    out : Path, optional
        The folder for labels and for the record of the review.
    ground_truth : Path, optional
        A folder of ground truth.
    image_labels : Path, optional
        A file or folder of image-level labels.
    list_file : Path, optional
        A text file of the samples, in order.
    classes : str
        The name of a built-in class list, or a file of classes.
    pseudo_format : str
        The format of the pseudo-labels by its name; "auto" to detect it.
    mask_classes : bool, optional
        Whether masks that bring a class of the class list, by its name in upper or lower case, are
        selected for it; those classes then are the image-level labels where none are given.
    image_suffix, pseudo_suffix, mask_suffix, ground_truth_suffix : str, optional
        What the names of the files end in beside the sample's name, such as ``_leftImg8bit``.
        Without it they are the sample's name, or pair by a tail that is found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    images: Path | None = Field(None, description="Folder of images.")
    pseudo: Path | None = Field(None, description="Folder of pseudo-labels or CAM scores.")
    masks: Path | None = Field(
        None, description="Folder of masks, a file or folder per image, or one JSON."
    )
    out: Path | None = Field(
        None,
        description="Folder that holds a label PNG per sample, the record of the review, and in "
        "masks/ the masks that are generated.",
    )
    ground_truth: Path | None = Field(None, description="Folder of ground truth.")
    image_labels: Path | None = Field(
        None,
        description="Image-level labels: a text file with a sample and its classes on each line, "
        "cls_labels.npy, COCO's JSON, a CSV, or a folder of VOC's lists or of a folder per class.",
    )
    list_file: Path | None = Field(
        None,
        alias="list",
        description="Text file of samples: an id or a path on each line; of several columns "
        "the first counts.",
    )
    classes: str = Field(
        "voc", description=f"{', '.join(BUILT_IN)}, or a file (.toml, labels.txt)."
    )
    pseudo_format: str = Field(
        AUTO, description="Format of the pseudo-labels; auto detects it from the file."
    )
    mask_classes: bool | None = Field(
        None,
        description="Select masks for the classes that they bring, by name in the class list, "
        "whatever the thresholds.",
    )
    image_suffix: str | None = Field(
        None,
        description="What names of images end in beside the sample's name, as _leftImg8bit; "
        "without it, common ones are found.",
    )
    pseudo_suffix: str | None = Field(None, description="The same of pseudo-labels.")
    mask_suffix: str | None = Field(None, description="The same of masks.")
    ground_truth_suffix: str | None = Field(None, description="The same of ground truth.")

    @field_validator("*", mode="before")
    @classmethod
    def _not_empty(cls, value: object) -> object:
        if value == "":  # as a path it would be the working directory
            raise ValueError("empty")
        return value

    @field_validator("classes")
    @classmethod
    def _known_classes(cls, name: str) -> str:
        return check_class_list(name)

    @field_validator("pseudo_format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        return check_format(name)

    @model_validator(mode="before")
    @classmethod
    def _place_masks(cls, fields: Any) -> Any:
        out = fields.get("out") if isinstance(fields, dict) else None
        if isinstance(out, str | Path) and fields.get("masks") is None:
            return fields | {"masks": Path(out) / _MADE}
        return fields

    @property
    def output(self) -> Path:
        """The folder for labels and the record; InputError if the dataset names none."""
        return self.folder("out")

    def folder(self, field: str) -> Path:
        """Return the folder of a field, such as "images"; InputError if the dataset names none."""
        place: Path | None = getattr(self, field)
        if place is None:
            text = type(self).model_fields[field].description or ""
            expected = f"a {text[:1].lower()}{text[1:].partition(',')[0].removesuffix('.')}"
            raise InputError("dataset", found=f"no {field}", expected=expected)
        return place

    @property
    def masks_to_come(self) -> bool:
        """Whether the folder of masks may be missing until masks are generated."""
        return self.out is not None and self.masks == self.out / _MADE

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders that the dataset names."""
        named = (self.images, self.pseudo, self.masks, self.ground_truth, self.out)
        return tuple(folder for folder in named if folder is not None)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files and folders that the dataset reads, which must not be written to."""
        named = [self.images, self.pseudo, self.ground_truth, self.image_labels, self.list_file]
        if not self.masks_to_come:
            named.append(self.masks)
        if self.classes not in BUILT_IN:
            named.append(Path(self.classes))
        return tuple(place for place in named if place is not None)


def looks_like_dataset(path: Path) -> bool:
    """Return whether a file is TOML with a key of a dataset's folder."""
    if path.suffix.lower() != ".toml":
        return False
    try:
        keys = read_toml(path, "a dataset").keys()
    except InputError:
        return False
    return not keys.isdisjoint(("images", "pseudo", "masks", "out", "ground_truth"))


def read_dataset(path: Path) -> DatasetSpec:
    """Read a TOML file with the fields of `DatasetSpec`; its paths start from its own folder.

    Raises
    ------
    InputError
        If the file cannot be read, is no TOML, or has an unknown key or a wrong value.
    """
    content = read_toml(path, "a TOML file of a dataset")
    try:
        spec = DatasetSpec.model_validate(content)
    except ValidationError as error:
        known = [field.alias or name for name, field in DatasetSpec.model_fields.items()]
        found = misread(error, known)
        raise InputError(path, found=found, expected=_wanted(error)) from error

    def place(text: Path | str) -> Path:
        return _without_dots(path.parent / expanded(text, path, _EXPECTED))

    places: dict[str, Any] = {name: place(value) for name, value in spec if isinstance(value, Path)}
    if spec.classes not in BUILT_IN:
        places["classes"] = str(place(spec.classes))
    return spec.model_copy(update=places)


def _wanted(error: ValidationError) -> str:
    """Return the expectation: for a single fault, the possible values."""
    first, *others = error.errors()
    reason = first.get("ctx", {}).get("error")
    return _EXPECTED if others or not isinstance(reason, InputError) else reason.expected


def check_dataset_file(path: Path, spec: DatasetSpec, *, asked: bool = False) -> None:
    """Raise unless a dataset's TOML file may be written; it may lie in the output folder.

    Raises
    ------
    InputError
        If the file is one that the dataset reads or its output folder, or lies in a folder that it
        reads.
    SaveError
        If the file exists, is no dataset's, and no person `asked` to replace it.
    """
    places = (one for one in spec.folders if one == path or one.is_file())
    guard = Guard((*spec.inputs, *places), frozenset([path] * asked), output=spec.out)
    guard.check(path, looks_like_dataset, "--to")


def write_dataset(path: Path, spec: DatasetSpec, *, asked: bool = False) -> None:
    """Write a TOML file that `read_dataset` reads back as `spec`.

    Paths that share a parent folder with the file, other than the disk's root, are relative to
    the file, so that both can be moved together; others are absolute. Masks in their default
    place are left out.

    Raises
    ------
    InputError, SaveError
        As `check_dataset_file`; or if a name is not valid UTF-8, or the disk fails.
    """
    check_dataset_file(path, spec, asked=asked)
    lines = []
    for name, value in spec:
        key = "list" if name == "list_file" else name
        implied = spec.masks_to_come if key == "masks" else (key, value) == ("pseudo_format", AUTO)
        if value is not None and not implied:
            if isinstance(value, bool):
                lines.append(f"{key} = {str(value).lower()}\n")
                continue
            is_word = key in ("pseudo_format", *SUFFIX_OF.values())
            named = is_word or (key == "classes" and value in BUILT_IN)
            text = value if named else _place_from(path.parent, Path(value))
            # TOML's strings are JSON's, but for one control character
            quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
            lines.append(f"{key} = {quoted}\n")
    try:
        content = "".join(lines).encode("utf-8")
    except UnicodeEncodeError as error:
        raise SaveError(
            f"could not be saved: {path}: {error.object!r} is not valid UTF-8."
        ) from error
    write_whole(path, content)


def _place_from(folder: Path, place: Path) -> str:
    """Return the path by which a file in `folder` names a place."""
    if place.is_relative_to(folder):
        relative = place.relative_to(folder)
    else:
        here, place = real_place(folder), _without_dots(place.absolute())
        shared = here.anchor == place.anchor and os.path.commonpath((here, place)) != here.anchor
        if not shared:
            return place.as_posix()
        relative = Path(os.path.relpath(place, here))
    if relative.as_posix().startswith("~"):  # it would be read as a home folder
        return place.absolute().as_posix()
    return relative.as_posix()


def _without_dots(place: Path) -> Path:
    """Return a path without "..", where a link does not make that another place."""
    if ".." not in place.parts:
        return place
    plain = Path(os.path.normpath(place))
    return plain if real_place(plain) == real_place(place) else place
