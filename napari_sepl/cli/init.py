"""The command `init`: a dataset's TOML file from folders or a layout."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import (
    FAILED,
    Failures,
    note,
    say,
    say_saved,
)
from napari_sepl.cli._dataset import DatasetOptions, note_index, option_of, takes_dataset
from napari_sepl.cli._options import check_ending
from napari_sepl.core.errors import InputError, SaveError, counted, name_first
from napari_sepl.core.labels.scores import Scores
from napari_sepl.files._opening import is_open_pipe
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
    check_dataset_file,
    write_dataset,
)
from napari_sepl.files.heads import check_head
from napari_sepl.files.images import SUFFIXES, image_size
from napari_sepl.files.pseudo import read_pseudo

_SIZES = 5  # images whose sizes are shown
_CHECKED = 2_000  # samples whose headers are read, which takes about two seconds


@command("napari-sepl init VOCdevkit/VOC2012 --split train --out labels --to voc.toml")
@takes_dataset(*DatasetSpec.model_fields, needs=("images",))
def init_command(
    dataset: DatasetOptions,
    *,
    to: Annotated[Path, typer.Option(help="The TOML file; it is never replaced.")] = Path(
        "dataset.toml"
    ),
) -> int:
    """Write a dataset's TOML file from its folders or a layout, and check the files."""
    check_ending("--to", to, "a TOML file", ".toml")
    if to.exists():
        raise SaveError(f"exists: {to}; remove it, or choose another name by --to.")
    spec = dataset.find().spec
    for key in ("list_file", "image_labels"):
        place = getattr(spec, key)
        if place is not None and is_open_pipe(place):
            expected = "a file, which the TOML file can name"
            raise typer.BadParameter(f"{option_of(key)}: found a pipe; expected {expected}")
    check_dataset_file(to, spec)
    index = _index(spec)
    unreadable: dict[str, str] = {}
    for line in _found(index, unreadable):
        say(line)
    Failures(list(unreadable.items())).complain()
    for lacking in _lacking(index):
        note(lacking)
    Failures([(one.sample_id, str(one)) for one in index.problems]).complain()
    note_index(index, NAMED[_lead(spec)])
    hidden = _hidden(index.folders[Role.IMAGE])
    if hidden:
        note(f"names that begin with a dot, so not used: {name_first(hidden)}")
    make_folder(to.parent)
    write_dataset(to, spec)
    say_saved([to])
    if spec.out is None:
        note(f'no folder for labels is named: add --out FOLDER, or the line out = "labels" to {to}')
    if spec.pseudo is None:
        note(f"no pseudo-labels are named: enhance needs --pseudo FOLDER, or a line in {to}")
    return FAILED if unreadable else 0


def _hidden(folder: Path) -> list[str]:
    """Return the names of image files that are not listed because they are hidden."""
    return sorted(one.name for one in folder.rglob(".*") if one.suffix.lower() in SUFFIXES)


def _lead(spec: DatasetSpec) -> Role:
    return Role.IMAGE if spec.pseudo is None else Role.PSEUDO


def _index(spec: DatasetSpec) -> SampleIndex:
    """List the files of the dataset; masks may be generated later."""
    required = [Role.IMAGE]
    if spec.pseudo is not None:
        required.append(Role.PSEUDO)
    if spec.masks is not None and not spec.masks_to_come:
        required.append(Role.MASKS)
    return SampleIndex.open(spec, required, (Role.MASKS, Role.TRUTH), lead=_lead(spec))


def _found(index: SampleIndex, unreadable: dict[str, str]) -> Iterator[str]:
    """Yield lines on all samples, and one for each role.

    The first pseudo-labels are read completely to detect their format; if that fails, their
    sample counts as unreadable.
    """
    checked = _checked(index)
    unreadable |= _unreadable(index, checked)
    good = [sample_id for sample_id in checked if sample_id not in unreadable]
    kinds = {role: _kinds(index, role, good, unreadable) for role in index.folders}
    lacking = (index.without(role) for role in _present(index))
    whole = set(index.ids).difference(*lacking, unreadable)
    bad = f", {len(unreadable):,} with a file that cannot be read" if unreadable else ""
    yield f"{counted(len(whole), 'sample')} with all files that are named{bad}"
    number = "all" if len(checked) == len(index) else f"{len(checked):,} of {len(index):,}"
    headers = f"the headers of those of {number} samples"
    yield f"checked: the names of all files and {headers}; not their contents"
    for role, folder in index.folders.items():
        kind = f" ({kinds[role]})" if kinds[role] else ""
        yield f"{NAMED[role]:<14}{index.count(role):>7,}  {folder}{kind}"


def _checked(index: SampleIndex) -> Sequence[str]:
    """Return the samples whose headers are read: all, or `_CHECKED` at equal steps."""
    return index.ids[:: -(-len(index) // _CHECKED)]


def _unreadable(index: SampleIndex, sample_ids: Iterable[str]) -> dict[str, str]:
    """Return the samples with an unreadable header, and why."""
    found, roles = {}, _present(index)
    for sample_id in sample_ids:
        paths = [index.path(role, sample_id) for role in roles]
        try:
            for path in paths:
                if path is not None:
                    check_head(path)
        except InputError as error:
            found[sample_id] = str(error)
    return found


def _lacking(index: SampleIndex) -> Iterator[str]:
    """Yield a line for each optional role that some samples lack."""
    for role in _present(index):
        without = index.without(role)
        if without:
            yield f"{counted(len(without), 'sample')}: no {NAMED[role]}: {name_first(without)}"


def _present(index: SampleIndex) -> list[Role]:
    """Return the roles whose folders exist."""
    return [role for role, folder in index.folders.items() if folder.exists()]


def _kinds(index: SampleIndex, role: Role, good: Sequence[str], unreadable: dict[str, str]) -> str:
    if role is Role.IMAGE:
        return _sizes(index, good)
    if role is Role.PSEUDO and good:
        try:
            return _pseudo_kind(index, good[0])
        except InputError as error:
            unreadable[good[0]] = str(error)
            return ""
    endings = Counter(Path(name).suffix.lower() for name in index.names[role].values())
    words = {"": "folders of PNGs"} if role is Role.MASKS else {}
    return ", ".join(words.get(ending, ending) for ending, _ in endings.most_common())


def _sizes(index: SampleIndex, good: Sequence[str]) -> str:
    """Return the sizes of a few images."""
    sizes = []
    for sample_id in good[:_SIZES]:
        height, width = image_size(index.path_of(Role.IMAGE, sample_id))
        sizes.append(f"{height} × {width}")
    more = ", …" if len(index) > _SIZES else ""
    return f"height × width {', '.join(dict.fromkeys(sizes))}{more}" if sizes else ""


def _pseudo_kind(index: SampleIndex, sample_id: str) -> str:
    """Return the format that is detected for a sample's pseudo-labels."""
    first = index.sample(sample_id)
    read = read_pseudo(
        first.pseudo, first.pseudo_format, sample_id=first.sample_id, classes=first.classes
    )
    if isinstance(read, Scores):
        return f"the first: {read.origin}"
    return f"label maps, the first {read.shape[0]} × {read.shape[1]}"
