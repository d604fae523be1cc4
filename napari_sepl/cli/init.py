"""The command `init`: folders or a layout in, a dataset's TOML file out."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import Failures, note_unused, samples, say
from napari_sepl.cli._dataset import DatasetOptions, takes_dataset
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.scores import Scores
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec, write_dataset
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
    index = _index(spec)
    for line in _found(index):
        say(line)
    problems = Failures([(one.sample_id, str(one)) for one in index.problems])
    problems.complain()
    note_unused(index.unused, NAMED[_lead(spec)])
    write_dataset(to, spec)
    say(f"saved {to}")
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
    """Yield a line for all samples, and one for each role."""
    yield f"{samples(len(index))} with all files that are named"
    for role, folder in index.folders.items():
        names = index.names[role]
        kinds = _kinds(index, role)
        yield f"{NAMED[role]:<14}{len(names):>7,}  {folder}{f' ({kinds})' if kinds else ''}"


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
        try:
            height, width = image_size(index.path_of(Role.IMAGE, sample_id))
        except InputError as error:
            return str(error)
        sizes.append(f"{height} × {width}")
    more = ", …" if len(index) > _LOOKED_AT else ""
    return f"height × width {', '.join(dict.fromkeys(sizes))}{more}"


def _pseudo_kind(index: SampleIndex) -> str:
    """Return what the pseudo-labels of the first sample are taken for."""
    first = index.sample(index.ids[0])
    try:
        read = read_pseudo(first.pseudo, first.pseudo_format, sample_id=first.sample_id)
    except InputError as error:
        return str(error)
    shape = read.shape if not isinstance(read, Scores) else None
    if shape is None:
        return read.origin  # type: ignore[union-attr]
    return f"label maps, the first {shape[0]} × {shape[1]}"
