"""Making the masks of many images: one JSON file each, as segment-anything's amg.py writes it."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import RunEndedError, attempt
from napari_sepl.core.masks import MaskSet
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import read_image
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import mask_file, write_masks
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.proposals.maker import Maker, OnProgress, ProposalError, ignore
from napari_sepl.workflow.masks.record import claim
from napari_sepl.workflow.outcome import Outcome, Step, failed_steps
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread


class _Item(NamedTuple):
    """An image to make masks for, with the pseudo-labels that guide the points."""

    sample_id: str
    image: Path
    pseudo: Path | None
    pseudo_format: str


def propose_folder(  # noqa: PLR0913  a setting each
    index: SampleIndex,
    out: Path,
    maker: Maker,
    made_with: dict[str, Any],
    *,
    guided: bool = True,
    sample_ids: Iterable[str] | None = None,
    told: OnProgress = ignore,
    mixed: bool = False,
    overwrite: bool = False,
    spread: Spread = HERE,
) -> Iterator[Step]:
    """Make masks of image after image, skipping what is done and going on after failures.

    A run that was stopped leaves only whole files behind; the same call resumes it.

    Parameters
    ----------
    index : SampleIndex
        The images, with pseudo-labels where they guide. Each of its problems counts as failed.
    out : Path
        The folder for the masks; it is made if need be.
    maker : Maker
        What makes masks.
    made_with : dict
        What the masks are made with, in words and numbers of JSON. It is kept in the folder, for
        one folder holds masks of one making.
    guided : bool
        Hand the pseudo-labels, where there are some, to the maker.
    sample_ids : iterable of str, optional
        Only these samples of the index; its problems are left out then.
    told : callable
        Hears how far each image has come.
    mixed : bool
        Let the folder hold masks of several makings, which its record then lists.
    overwrite : bool
        Make anew what is done.
    spread : Spread
        Where the masks are made; elsewhere than in this process the maker is sent there, and
        nothing is told of a single image.

    Yields
    ------
    Step
        One for each sample, as soon as it is dealt with.

    Raises
    ------
    InputError
        If the folder is one of the inputs, or lies in one.
    SaveError
        If the folder cannot be made or written to, holds masks that were made otherwise, or
        another run is at work there.
    OpeningError
        If the model cannot be made ready, as for any other image.
    StoppedError
        If someone stopped the maker.
    """
    given = [folder for role, folder in index.folders.items() if role is not Role.MASKS]
    Guard(tuple(given)).check_place(out)
    with sole_run(out, "masks"):
        claim(out, made_with, mixed=mixed)
        tell = told if spread == HERE else ignore
        propose = partial(_attempt, out, maker, tell, guided, overwrite)
        if sample_ids is None:
            yield from failed_steps(index.problems)
        items = map(partial(_item, index), index.ids if sample_ids is None else sample_ids)
        yield from spread.run(propose, items, _lost)


def _item(index: SampleIndex, sample_id: str) -> _Item:
    pseudo = index.path(Role.PSEUDO, sample_id)
    return _Item(sample_id, index.path_of(Role.IMAGE, sample_id), pseudo, index.spec.pseudo_format)


def _lost(item: _Item, why: str) -> Step:
    return Step(item.sample_id, Outcome.FAILED, f"{item.image}: {why}")


def _attempt(
    out: Path, maker: Maker, told: OnProgress, guided: bool, overwrite: bool, item: _Item
) -> Step:
    path = mask_file(out, item.sample_id)
    if path.exists() and not overwrite:
        return Step(item.sample_id, Outcome.PRESENT)

    def work() -> Step:
        image = read_image(item.image)
        pseudo = _guide(item, (image.shape[0], image.shape[1])) if guided else None
        masks = _made(maker, image, pseudo, told, item)
        make_folder(path.parent)
        write_masks(path, masks)
        return Step(item.sample_id, Outcome.SAVED)

    return attempt(work, partial(Step, item.sample_id, Outcome.FAILED), item.image)


def _guide(item: _Item, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    if item.pseudo is None:
        return None
    return read_pseudo_labels(
        item.pseudo, item.pseudo_format, sample_id=item.sample_id, shape=shape, of=item.image
    )


def _made(
    maker: Maker,
    image: NDArray[Any],
    pseudo: NDArray[np.uint8] | None,
    told: OnProgress,
    item: _Item,
) -> MaskSet:
    try:
        return maker.make(image, pseudo, told)
    except RunEndedError:
        raise
    except ProposalError as error:  # which does not know whose masks it was to make
        raise ProposalError(f"{item.image}: {error}") from error
