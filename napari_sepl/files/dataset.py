"""A dataset: which samples there are, and the files of each when asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.files import images as image_files
from napari_sepl.files import labels as label_files
from napari_sepl.files import masks as mask_files
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.dataset_tags import read_tags
from napari_sepl.files.guard import Guard, inputs_of
from napari_sepl.files.pairing import Unmatched, natural_order, read_list
from napari_sepl.files.pseudo_folders import list_pseudo
from napari_sepl.files.samples import Sample

Names = Mapping[str, Mapping[str, str]]
"""Role, then stem, to the name of the file or folder."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """The samples of a dataset, known by their stems.

    Listing the folders anew takes about a second for 100,000 samples, so no index is kept on the
    disk that could be out of date.

    Parameters
    ----------
    spec : DatasetSpec
        Where its files are.
    classes : ClassList
        Names and colours of the labels.
    ids : tuple of str
        Samples with an image, pseudo-labels and masks, in natural order or in that of the list.
    unmatched : tuple of Unmatched
        Samples of which something is missing: asked for by the list or, without one, by a file of
        pseudo-labels. One that lacks only its truth is among `ids` too. One whose name is no
        text in UTF-8 misses its "name".
    without_pseudo : tuple of str
        Stems of other files that have no pseudo-labels.
    tags : mapping of str to tuple of int
        Image-level classes of the samples, as far as they are known.
    names : mapping
        Role, then stem, to the name of the file or folder.
    """

    spec: DatasetSpec
    classes: ClassList
    ids: tuple[str, ...]
    unmatched: tuple[Unmatched, ...] = ()
    without_pseudo: tuple[str, ...] = ()
    tags: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: Names = field(default_factory=dict)

    @classmethod
    def open(cls, spec: DatasetSpec) -> "Dataset":
        """List the folders of a dataset and pair their files by stem, never by position.

        Raises
        ------
        InputError
            If a folder, the list, the tags or the class list cannot be read, a folder holds two
            files of one stem, labels would be saved among the inputs, or there is no sample.
        """
        _check_folders(spec)
        classes = read_class_list(spec.classes)
        names = _list_folders(spec)
        pseudo, others = names["pseudo"].keys(), names["image"].keys() | names["masks"].keys()
        if spec.list_file is not None:
            wanted, without_pseudo = read_list(spec.list_file), []
        else:
            wanted, without_pseudo = natural_order(pseudo), natural_order(others - pseudo)
        ids, unmatched = _paired(wanted, names)
        if not ids:
            raise _no_sample(spec, unmatched)
        tags = {} if spec.tags is None else read_tags(spec.tags, classes)
        return cls(spec, classes, tuple(ids), tuple(unmatched), tuple(without_pseudo), tags, names)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where each sample stands in `ids`."""
        return {sample_id: position for position, sample_id in enumerate(self.ids)}

    def sample(self, sample_id: str) -> Sample:
        """Return the files of a sample; whether they are still there shows when they are read.

        Raises
        ------
        InputError
            If the dataset has no such sample.
        """
        if sample_id not in self.positions:
            raise InputError(
                self.spec.images,
                found=f"no sample {sample_id!r} with all its files",
                expected=f"one of {len(self):,} samples from {self.ids[0]} to {self.ids[-1]}",
            )
        files = {
            role: _folder_of(self.spec, role) / names[sample_id]
            for role, names in self.names.items()
            if sample_id in names
        }
        return Sample(sample_id, **files, pseudo_format=self.spec.pseudo_format)


def _folder_of(spec: DatasetSpec, role: str) -> Path:
    folders = {"image": spec.images, "pseudo": spec.pseudo, "masks": spec.masks}
    if spec.truth is not None:
        folders["truth"] = spec.truth
    return folders[role]


def _list_folders(spec: DatasetSpec) -> dict[str, dict[str, str]]:
    images = list_stems(spec.images, image_files.SUFFIXES)
    names = {
        "image": images,
        "pseudo": list_pseudo(spec.pseudo, spec.pseudo_format, images),
        "masks": list_stems(spec.masks, mask_files.SUFFIXES, folders=True),
    }
    if spec.truth is not None:
        names["truth"] = list_stems(spec.truth, label_files.SUFFIXES)
    return names


def _paired(wanted: Iterable[str], names: Names) -> tuple[list[str], list[Unmatched]]:
    """Return the samples that are whole enough, and those of which anything is missing."""
    wanted = list(wanted)
    needed = names["image"].keys() & names["pseudo"].keys() & names["masks"].keys()
    whole = needed & names["truth"].keys() if "truth" in names else needed
    unmatched = [
        Unmatched(sample_id, tuple(role for role in names if sample_id not in names[role]))
        for sample_id in wanted
        if sample_id not in whole
    ]
    ids = [sample_id for sample_id in wanted if sample_id in needed]
    if not _is_text("".join(ids)):
        unmatched += [Unmatched(_shown(name), ("name",)) for name in ids if not _is_text(name)]
        ids = [sample_id for sample_id in ids if _is_text(sample_id)]
    return ids, unmatched


def _is_text(name: str) -> bool:
    """Tell whether a name can be stored and printed; bytes that are no UTF-8 come as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _check_folders(spec: DatasetSpec) -> None:
    if mask_files.looks_like_masks(spec.masks):
        raise InputError(
            spec.masks,
            found="the masks of one image",
            expected="a folder with an entry for each image",
        )
    check_out(spec, spec.out)


def check_out(spec: DatasetSpec, out: Path) -> None:
    """Raise InputError if labels in folder `out` would be saved among a dataset's inputs."""
    Guard(inputs_of(spec)).check_place(out)


def _no_sample(spec: DatasetSpec, unmatched: list[Unmatched]) -> InputError:
    if unmatched:
        first = unmatched[0]
        found = f"{len(unmatched):,} samples, none of them whole ({first.sample_id} has no file for"
        found = f"{found} {', '.join(first.missing)})"
    else:
        found = "no pseudo-labels"
    return InputError(
        spec.pseudo,
        found=found,
        expected="pseudo-labels that share their stems with pictures and masks",
    )
