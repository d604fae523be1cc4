"""Lists of the files of one role of a dataset, fast enough for 100,000 samples.

They hold names, not paths, and ask for the state of no file: 100,000 names in each of three
folders take 0.3 s; a path and a state of each take 7 s.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_sepl.files._opening import odd_kind, real_place, unopened
from napari_sepl.files.class_pngs import group_class_pngs
from napari_sepl.files.dataset.names import Folded, alike, fold, without_tail
from napari_sepl.files.scores import AUTO, PSEUDO_FORMATS, Layout, check_format, suffixes_of


@dataclass
class Listing:
    """The files of one role by sample.

    Parameters
    ----------
    names : dict of str to str
        Sample id, such as ``train/a``, to the file's name within the role's folder.
    faults : dict of str to str
        Sample id to the reason why it has no single file: two files share the id, one file fits
        several samples, or it is a folder, a pipe or a device.
    closed : dict of str to str
        Sub-folder to the reason why it cannot be read.
    """

    names: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """All samples, those with faults included."""
        return self.names.keys() | self.faults.keys()

    @property
    def is_flat(self) -> bool:
        """Whether no file lies in a sub-folder."""
        return _is_flat(self.names) and _is_flat(self.faults)

    def fault_of(self, sample_id: str) -> str:
        """Return why a sample has no single file; empty if it has one, or none at all."""
        if sample_id in self.faults or not self.closed:
            return self.faults.get(sample_id, "")
        folders = [sample_id[:end] for end in slashes(sample_id)]
        return next((self.closed[one] for one in folders if one in self.closed), "")


def list_files(
    folder: Path,
    suffixes: frozenset[str],
    skip: Collection[Path] = (),
    what: str = "files",
    remedy: str = "",
    tail: str = "",
) -> Listing:
    """List the files of a folder and its sub-folders.

    Hidden entries and files with other endings do not count.

    Parameters
    ----------
    folder : Path
        The folder.
    suffixes : frozenset of str
        Endings of the files that count, in lower case and with the dot.
    skip : collection of Path
        Resolved sub-folders of other roles, which do not count.
    what : str
        The expected content of the folder, for the error.
    remedy : str
        Advice for files that share an id.
    tail : str
        What the stems end in beside the sample's name, such as ``_leftImg8bit``, in any letter
        case; an ending may follow. Files with other stems do not count.

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    return grouped(Walk(folder, suffixes, skip, what, tail), remedy)


def list_pseudo(
    folder: Path,
    format_name: str,
    known: Collection[str],
    skip: Collection[Path] = (),
    tail: str = "",
) -> Listing:
    """List the pseudo-labels of a folder.

    If each class has a file, the lowest class's stands for all.

    Parameters
    ----------
    folder : Path
        The folder.
    format_name : str
        The format's name, or "auto".
    known : collection of str
        Samples by their images, to distinguish ``a_7.png`` of the image ``a`` from a label map.
    skip, tail : collection of Path, str
        As for `list_files`.

    Raises
    ------
    InputError
        If the folder cannot be read, or there is no such format.
    """
    suffixes = suffixes_of(check_format(format_name))
    remedy = "; choose one with --pseudo-format"
    listing = list_files(folder, suffixes, skip, "pseudo-labels", remedy, tail)
    is_auto = format_name == AUTO
    if not is_auto and PSEUDO_FORMATS[format_name].layout is not Layout.CLASS_PNGS:
        return listing
    samples = Folded(map(last_part, known) if _pair_by_last_part(listing, known) else known)
    listing.names, both = group_class_pngs(listing.names, samples, only=not is_auto)
    for sample_id, (one, other) in both.items():
        listing.faults[sample_id] = (
            f"both {folder / one} and {folder / other} are its pseudo-labels; "
            "choose one with --pseudo-format"
        )
    return listing


def endings_in(folder: Path) -> Counter[str]:
    """Return the number of entries in a folder by ending; hidden ones do not count."""
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208
    except OSError:
        return Counter()
    endings = (Path(name).suffix.lower() for name in names)
    return Counter(ending for ending in endings if ending)


def last_part(sample_id: str) -> str:
    """Return a sample's id without its folders."""
    return sample_id.rpartition("/")[2]


def aligned(listing: Listing, samples: Collection[str], what: str) -> Listing:
    """Return a listing by the ids of samples, which may lie in sub-folders when its files do not.

    Files and samples pair by whole ids, whatever the letter case and the form of letters. If all
    samples lie in sub-folders and no file does, they pair by the last part of the ids, if it is
    unique.

    Parameters
    ----------
    listing : Listing
        The files of a role.
    samples : collection of str
        Samples by their images.
    what : str
        The role of the files, for reasons.
    """
    flat = _pair_by_last_part(listing, samples)
    if not flat and (not samples or all(one in samples for one in listing.ids)):
        return listing
    samples_of = _by_fold(samples, last_part if flat else str)
    found = Listing(closed=listing.closed)
    for file_id, reason in listing.faults.items():
        found.faults |= dict.fromkeys(_candidates(file_id, samples_of, samples), reason)
    for file_id, name in listing.names.items():
        candidates = _candidates(file_id, samples_of, samples)
        if len(candidates) == 1:
            found.names[candidates[0]] = name
        else:
            reason = f"{what} {name} may be of {' or '.join(sorted(candidates))}"
            found.faults |= dict.fromkeys(candidates, reason)
    return found


def _by_fold(samples: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for sample_id in samples:
        found[fold(key(sample_id))].append(sample_id)
    return found


def _candidates(
    file_id: str, samples_of: Mapping[str, list[str]], samples: Collection[str]
) -> list[str]:
    """Return the samples that a file may be of; its own id where there are none."""
    return [file_id] if file_id in samples else samples_of.get(fold(file_id), [file_id])


def _pair_by_last_part(listing: Listing, samples: Collection[str]) -> bool:
    return listing.is_flat and all("/" in sample_id for sample_id in samples)


def _is_flat(ids: Iterable[str]) -> bool:
    return not any("/" in sample_id for sample_id in ids)


def by_last_part(ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids by their last part."""
    found: dict[str, list[str]] = defaultdict(list)
    for sample_id in ids:
        found[last_part(sample_id)].append(sample_id)
    return found


def slashes(sample_id: str) -> Iterator[int]:
    """Return the places of the slashes in an id."""
    return (place for place, sign in enumerate(sample_id) if sign == "/")


def grouped(walk: "Walk", remedy: str = "", weak: Collection[str] = ()) -> Listing:
    """Return the listing of a folder; several files of one id and non-files are faults.

    So are files whose ids differ only in letter case or form, which are one file elsewhere.
    Files with `weak` endings, such as pictures beside masks, give way to others.
    """
    listing = Listing(closed=walk.closed)
    doubled: dict[str, list[str]] = {}
    for sample_id, name in walk.entries():
        if sample_id in doubled:
            doubled[sample_id].append(name)
        elif sample_id in listing.names:
            doubled[sample_id] = [listing.names.pop(sample_id), name]
        else:
            listing.names[sample_id] = name
    for sample_id, same in doubled.items():
        names = [one for one in same if Path(one).suffix.lower() not in weak] or same
        if len(names) == 1:
            listing.names[sample_id] = names[0]
            continue
        files = " and ".join(str(walk.root / name) for name in sorted(names))
        listing.faults[sample_id] = f"{files} have the same name up to the ending{remedy}"
    for group in alike(listing.ids):
        files = " and ".join(str(walk.root / listing.names.pop(one, one)) for one in group)
        reason = f"{files} differ only in letter case, or in the form of a letter"
        listing.faults |= dict.fromkeys(group, reason)
    for name, (sample_id, kind) in walk.odd.items():
        if listing.names.get(sample_id) == name:
            del listing.names[sample_id]
            listing.faults[sample_id] = f"{name} is {kind}, not a file"
    return listing


class Walk:
    """A walk through a folder and its sub-folders, each once, links included."""

    def __init__(
        self,
        root: Path,
        suffixes: frozenset[str],
        skip: Collection[Path],
        what: str,
        tail: str = "",
        is_sample: Callable[[str, str], bool] | None = None,
        folders: Collection[str] = (),
    ) -> None:
        stem, dot, ending = tail.rpartition(".")
        if (dot + ending).lower() in suffixes:  # such as _seg.png
            tail, suffixes = stem, frozenset([(dot + ending).lower()])
        self.root, self._suffixes, self._skip, self._tail = root, suffixes, skip, tail
        self._what, self._is_sample, self._folders = what, is_sample, folders
        self._seen: set[Path] = set()
        self.closed: dict[str, str] = {}
        self.odd: dict[str, tuple[str, str]] = {}

    def entries(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the name of each entry that counts; fill `closed` and `odd`.

        Links come last, so that entries have the names that they have without links. Entries named
        as a file that are none are yielded too, and stand in `odd` with their id and kind.
        """
        folders: list[str] = [""]
        links: list[str] = []
        while folders or links:
            inside = folders.pop() if folders else links.pop(0)
            if not self._is_new(inside):
                continue
            try:
                for entry in self._scan(inside):
                    name = inside + entry.name
                    stem, dot, ending = entry.name.rpartition(".")
                    counts = bool(stem) and (dot + ending).lower() in self._suffixes
                    if self._tail and counts:
                        shorter = without_tail(stem, self._tail)
                        counts, stem = shorter is not None, shorter or stem
                    if counts and entry.is_file(follow_symlinks=False):  # nearly all: keep it short
                        yield inside + stem, name
                        continue
                    kind = self._odd_kind(entry, name) if counts else ""
                    if kind:
                        self.odd[name] = inside + stem, kind
                    if _is_folder(entry) and not kind:
                        sample_id = without_tail(name, self._tail) or name
                        if self._is_sample is not None and self._is_sample(sample_id, name):
                            yield sample_id, name
                        else:
                            (links if entry.is_symlink() else folders).append(f"{name}/")
                    elif counts:
                        yield inside + stem, name
            except OSError as error:
                if not inside:
                    raise unopened(self.root, error, f"a folder of {self._what}") from error
                reason = f"the folder {inside} cannot be read ({error.strerror or error})"
                self.closed[inside[:-1]] = reason

    def _odd_kind(self, entry: os.DirEntry[str], name: str) -> str:
        """Return the kind of an entry named as a file that is none; empty if that is intended."""
        try:
            kind = "" if entry.is_file() else odd_kind(entry.stat().st_mode)
        except OSError:  # a link to itself or to nothing, which the reader reports
            return ""
        intended = _is_folder(entry) and (
            name in self._folders or real_place(self.root / name) in self._skip
        )
        return "" if intended else kind

    def _scan(self, inside: str) -> Iterator[os.DirEntry[str]]:
        with os.scandir(os.path.join(self.root, inside)) as entries:  # noqa: PTH118  see above
            for entry in entries:
                if not entry.name.startswith("."):
                    yield entry

    def _is_new(self, inside: str) -> bool:
        """Return whether a folder counts and was not visited yet, under any name."""
        real = real_place(self.root / inside)
        new = real not in self._seen and (not inside or real not in self._skip)
        self._seen.add(real)
        return new


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, which the reader reports
        return False
