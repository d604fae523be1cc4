"""The samples of a dataset: the one way to list and pair files and to find what is missing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from napari_sepl.core.errors import InputError, SeplError, counted
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset.image_labels import open_image_labels
from napari_sepl.files.dataset.listing import Listing
from napari_sepl.files.dataset.lists import natural_order, read_list
from napari_sepl.files.dataset.roles import FIELDS, NAMED, Role, all_tails, list_roles, no_file
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.guard import Guard
from napari_sepl.files.masks import mask_file
from napari_sepl.files.samples import Sample

__all__ = ["FIELDS", "FOR_REVIEW", "NAMED", "Role", "SampleIndex", "SampleProblem"]

FOR_REVIEW = (Role.IMAGE, Role.PSEUDO)
"""The roles that review, enhancement and diagnosis need; masks may come later."""


@dataclass(frozen=True)
class SampleProblem:
    """The reason why a requested sample cannot be used.

    Parameters
    ----------
    sample_id : str
        The sample.
    reason : str
        A missing or ambiguous file, in words.
    """

    sample_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.sample_id}: {self.reason}"


@dataclass(frozen=True, eq=False)
class SampleIndex:
    """The samples of a dataset by their ids: paths without ending, such as ``train/a``.

    Listing the folders takes about a second for 100,000 samples, so no index is kept on the disk,
    which could be outdated.

    Parameters
    ----------
    spec : DatasetSpec
        The places of its files.
    classes : ClassList
        Names and colours of the labels.
    ids : tuple of str
        Samples with a file of each required role, in natural order or in that of the list.
    problems : tuple of SampleProblem
        Requested samples that cannot be used; requested by the list or, without one, by a file of
        the leading role.
    unused : tuple of str
        Samples without a file of the leading role, which are left out. Empty with a list.
    image_labels : mapping of str to tuple of int
        Image-level classes of the samples that have some.
    names : mapping of Role to mapping of str to str
        For each role the names of the files by sample, within the role's folder.
    folders : mapping of Role to Path
        The folders of the roles.
    tails : mapping of Role to str
        What was found that the names of a role's files end in beside the sample's name.
    """

    spec: DatasetSpec
    classes: ClassList
    ids: tuple[str, ...]
    problems: tuple[SampleProblem, ...] = ()
    unused: tuple[str, ...] = ()
    image_labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: Mapping[Role, Mapping[str, str]] = field(default_factory=dict)
    folders: Mapping[Role, Path] = field(default_factory=dict)
    tails: Mapping[Role, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        spec: DatasetSpec,
        required: Collection[Role] = FOR_REVIEW,
        optional: Collection[Role] = (Role.MASKS, Role.TRUTH),
        *,
        lead: Role = Role.PSEUDO,
        labels: Path | None = None,
        may_be_empty: bool = False,
    ) -> "SampleIndex":
        """List the folders of a dataset and pair their files by name, never by position.

        Parameters
        ----------
        spec : DatasetSpec
            The places of the files.
        required : collection of Role
            The roles that a sample needs; their folders must be named and readable.
        optional : collection of Role
            Further roles, where the dataset names their folders.
        lead : Role
            The required role whose files define the samples where there is no list.
        labels : Path, optional
            The folder of labels, if it is not the dataset's output folder.
        may_be_empty : bool
            Whether there may be no sample.

        Raises
        ------
        InputError
            If the dataset does not name a folder that is required; a folder, the list, the
            image-level labels or the class list cannot be read; or no sample can be used.
        """
        classes = read_class_list(spec.classes)
        folders = _folders(spec, required, optional, labels)
        listings, tails = list_roles(spec, folders)
        known = set[str]().union(*(listing.ids for listing in listings.values()))
        unused: list[str] = []
        if spec.list_file is not None:
            listed = read_list(spec.list_file, known, all_tails(spec, tails))
            ids, problems = _usable(listed, listings, required, listed)
        else:
            ids, problems = _usable(natural_order(listings[lead].ids), listings, required)
            closed = listings[lead].closed.items()
            problems += [SampleProblem(_shown(name), _shown(reason)) for name, reason in closed]
            unused = [_shown(name) for name in natural_order(known - listings[lead].ids)]
        if not ids and not may_be_empty:
            for role in (lead, *required):
                if not (listings[role].ids or listings[role].closed):
                    raise no_file(role, spec, folders[role])
            number = counted(len(problems), "sample")
            found = f"{number}, none that can be used (the first: {problems[0]})"
            place = spec.list_file or folders[lead]
            expected = "a sample whose files are all there, once each"
            raise InputError(place, found=found, expected=expected)
        labelled = spec.image_labels
        image_labels = {} if labelled is None else open_image_labels(labelled, classes, known)
        names = {role: listing.names for role, listing in listings.items()}
        return cls(
            spec, classes, tuple(ids), tuple(problems), tuple(unused), image_labels, names, folders,
            tails,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def suffixes(self) -> str:
        """A sentence about the suffixes by which files were found to pair; empty for none."""
        found = ", ".join(f"{NAMED[role]} {tail}" for role, tail in self.tails.items())
        return f"Paired by what names end in: {found}; --image-suffix and others settle it." * bool(
            found
        )

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position of each sample in `ids`."""
        return {sample_id: position for position, sample_id in enumerate(self.ids)}

    def path(self, role: Role, sample_id: str) -> Path | None:
        """Return the file of a role, which may be gone meanwhile; None if the sample has none.

        Masks that were generated since the dataset was listed are found.
        """
        name = self.names.get(role, {}).get(sample_id)
        if name is not None:
            return self.folders[role] / name
        if role is Role.MASKS and role in self.folders:
            made = mask_file(self.folders[role], sample_id)
            return made if made.exists() else None
        return None

    def count(self, role: Role) -> int:
        """Return how many samples, or samples of the list, have a file of a role."""
        names = self.names.get(role, {})
        if self.spec.list_file is None:
            return len(names)
        return sum(sample_id in names for sample_id in self.asked)

    @property
    def asked(self) -> list[str]:
        """All requested samples, whether they can be used or not."""
        return [*self.ids, *(problem.sample_id for problem in self.problems)]

    def guard(self, *more: Path, writes: Role | None = Role.LABELS) -> Guard:
        """Return the guard of a run: it may not write to its inputs, but to the role it writes."""
        spec, own = self.spec, None if writes is None else getattr(self.spec, FIELDS[writes])
        if writes is Role.MASKS:
            spec = spec.model_copy(update={"masks": None})
        others = [
            folder for role, folder in self.folders.items() if (role, folder) != (writes, own)
        ]
        output = self.spec.out if writes is None else None
        return Guard((*spec.inputs, *others, *more), output=output)

    def without(self, role: Role, among: Iterable[str] | None = None) -> list[str]:
        """Return those samples, of all or of some, that have no file of a role."""
        named, among = self.names.get(role, {}), self.ids if among is None else among
        lacking = [one for one in among if one not in named]
        return [one for one in lacking if self.path(role, one) is None]

    def sample(self, sample_id: str) -> Sample:
        """Return the files of a sample, which may be gone meanwhile.

        Raises
        ------
        InputError
            If the dataset has no such sample, or it lacks image or pseudo-labels.
        SeplError
            If the sample is one of `problems`.
        """
        image, pseudo = self.path_of(Role.IMAGE, sample_id), self.path_of(Role.PSEUDO, sample_id)
        masks, truth = self.path(Role.MASKS, sample_id), self.path(Role.TRUTH, sample_id)
        return Sample(
            sample_id, image, pseudo, masks, truth, self.spec.pseudo_format, self.classes,
            mask_classes=bool(self.spec.mask_classes),
        )  # fmt: skip

    @cached_property
    def _reasons(self) -> Mapping[str, SampleProblem]:
        return {problem.sample_id: problem for problem in self.problems}

    def path_of(self, role: Role, sample_id: str) -> Path:
        """Return the file of a required role of a sample, or raise as `sample` does."""
        if sample_id in self._reasons:
            raise SeplError(str(self._reasons[sample_id]))
        place = self.folders.get(role, "dataset")
        if sample_id not in self.positions:
            expected = f"one of {len(self):,} samples from {self.ids[0]} to {self.ids[-1]}"
            raise InputError(place, found=f"no sample {sample_id!r}", expected=expected)
        return self.file_of(role, sample_id)

    def file_of(self, role: Role, sample_id: str) -> Path:
        """Return the file of a role, also of a sample that lacks others; InputError if none."""
        path = self.path(role, sample_id)
        if path is None:
            place = self.folders.get(role, "dataset")
            raise InputError(place, found=f"no {NAMED[role]} of {sample_id}", expected="its file")
        return path


def _folders(
    spec: DatasetSpec,
    required: Collection[Role],
    optional: Collection[Role],
    labels: Path | None,
) -> dict[Role, Path]:
    found = {} if labels is None else {Role.LABELS: labels}
    found |= {role: spec.folder(FIELDS[role]) for role in required if role not in found}
    others = {role: getattr(spec, FIELDS[role]) for role in optional if role not in found}
    return found | {role: folder for role, folder in others.items() if folder is not None}


def _usable(
    wanted: Iterable[str],
    listings: Mapping[Role, Listing],
    required: Collection[Role],
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list[str], list[SampleProblem]]:
    """Return the samples that can be used, and the others with their reasons.

    A fault of a line of the list (`reasons`) is reported before missing files.
    """
    ids, problems = [], []
    for sample_id in wanted:
        missing, faults = [], []
        for role, listing in listings.items():
            if sample_id not in listing.names:
                fault = listing.fault_of(sample_id)
                if fault:
                    faults.append(fault)
                elif role in required:
                    missing.append(NAMED[role])
        if not _is_text(sample_id):
            problems.append(SampleProblem(_shown(sample_id), "its name is not valid UTF-8"))
        elif reasons.get(sample_id):
            problems.append(SampleProblem(_shown(sample_id), _shown(reasons[sample_id])))
        elif faults or missing:
            lacking = [f"no {' and no '.join(missing)}"] if missing else []
            problems.append(SampleProblem(sample_id, _shown("; ".join(faults + lacking))))
        else:
            ids.append(sample_id)
    return ids, problems


def _shown(text: str) -> str:
    """Return a text in printable form."""
    return text if _is_text(text) else text.encode(errors="backslashreplace").decode()


def _is_text(name: str) -> bool:
    """Return whether a name can be stored; bytes that are no UTF-8 are lone surrogates in it."""
    return name.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in name)
