"""The command `init`: folders or a layout in, a dataset's TOML file out."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import Failures, listing, note, note_unused, samples, say, say_saved
from napari_sepl.cli._dataset import DatasetOptions, takes_dataset
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.scores import Scores
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec, check_dataset_file, write_dataset
from napari_sepl.files.images import image_size
from napari_sepl.files.pseudo import read_pseudo

_LOOKED_AT = 5  # images whose sizes are told


@command("napari-sepl init VOCdevkit/VOC2012 --split train --out labels --to voc.toml")
@takes_dataset(*DatasetSpec.model_fields, needs=("images",))
def init_command(
    dataset: DatasetOptions,
    *,
    to: Annotated[Path, typer.Option(help="The TOML file; it is never replaced.")] = Path(
        "dataset.toml"
    ),
) -> int:
    """Write a dataset's TOML file from its folders or a layout, and say what is in them."""
    if to.suffix.lower() != ".toml":
        raise typer.BadParameter(f"--to: {to} does not end in .toml")
    if to.exists():
        raise SaveError(f"{to}: exists; remove it, or choose another name by --to.")
    spec = dataset.find().spec
    check_dataset_file(to, spec)
    index = _index(spec)
    for line in _found(index):
        say(line)
    for lacking in _lacking(index):
        note(lacking)
    problems = Failures([(one.sample_id, str(one)) for one in index.problems])
    problems.complain()
    note_unused(index.unused, NAMED[_lead(spec)])
    make_folder(to.parent)
    write_dataset(to, spec)
    say_saved([to])
    if spec.out is None:
        note(f'no folder for labels is named: add --out FOLDER, or the line out = "labels" to {to}')
    return 0


def _lead(spec: DatasetSpec) -> Role:
    return Role.IMAGE if spec.pseudo is None else Role.PSEUDO


def _index(spec: DatasetSpec) -> SampleIndex:
    """List all that the dataset names; masks may be generated later."""
    required = [Role.IMAGE]
    if spec.pseudo is not None:
        required.append(Role.PSEUDO)
    if spec.masks is not None and not spec.masks_to_come:
        required.append(Role.MASKS)
    return SampleIndex.open(spec, required, (Role.MASKS, Role.TRUTH), lead=_lead(spec))


def _found(index: SampleIndex) -> Iterator[str]:
    """Yield a line for all samples, and one for each role; what cannot be read has its own."""
    whole = set(index.ids).difference(*(index.without(role) for role in _told(index)))
    yield f"{samples(len(whole))} with all files that are named"
    for role, folder in index.folders.items():
        line = f"{NAMED[role]:<14}{_count(index, role):>7,}  {folder}"
        try:
            kinds = _kinds(index, role)
        except InputError as error:
            yield line
            yield f"only the first {NAMED[role]} was looked at, and cannot be used: {error}"
        else:
            yield f"{line}{f' ({kinds})' if kinds else ''}"


def _lacking(index: SampleIndex) -> Iterator[str]:
    """Yield a line for each role that samples may lack and some do."""
    for role in _told(index):
        without = index.without(role)
        if without:
            yield f"{samples(len(without))}: no {NAMED[role]}: {listing(without)}"


def _told(index: SampleIndex) -> list[Role]:
    """Return the roles whose folders are there."""
    return [role for role, folder in index.folders.items() if folder.exists()]


def _count(index: SampleIndex, role: Role) -> int:
    """Return how many samples have a file of a role; of a list, where one is named."""
    names = index.names[role]
    if index.spec.list_file is None:
        return len(names)
    listed = (*index.ids, *(problem.sample_id for problem in index.problems))
    return sum(sample_id in names for sample_id in listed)


def _kinds(index: SampleIndex, role: Role) -> str:
    if role is Role.IMAGE:
        return _sizes(index)
    if role is Role.PSEUDO:
        return _pseudo_kind(index)
    endings = Counter(Path(name).suffix.lower() for name in index.names[role].values())
    words = {"": "folders of PNGs"} if role is Role.MASKS else {}
    return ", ".join(words.get(ending, ending) for ending, _ in endings.most_common())


def _sizes(index: SampleIndex) -> str:
    """Return the sizes of a few images."""
    sizes = []
    for sample_id in index.ids[:_LOOKED_AT]:
        height, width = image_size(index.path_of(Role.IMAGE, sample_id))
        sizes.append(f"{height} × {width}")
    more = ", …" if len(index) > _LOOKED_AT else ""
    return f"height × width {', '.join(dict.fromkeys(sizes))}{more}"


def _pseudo_kind(index: SampleIndex) -> str:
    """Return what the pseudo-labels of the first sample are taken for."""
    first = index.sample(index.ids[0])
    read = read_pseudo(first.pseudo, first.pseudo_format, sample_id=first.sample_id)
    if isinstance(read, Scores):
        return f"the first: {read.origin}"
    return f"label maps, the first {read.shape[0]} × {read.shape[1]}"
