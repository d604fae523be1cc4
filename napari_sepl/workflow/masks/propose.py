"""Making the masks of many images: one JSON file each, as segment-anything's amg.py writes it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import OF_ONE_SAMPLE, InputError, tell_failure
from napari_sepl.core.masks import MaskSet
from napari_sepl.files import images as image_files
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import read_image
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import write_masks
from napari_sepl.files.pairing import natural_order, read_list
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.pseudo_folders import list_pseudo
from napari_sepl.files.score_formats import AUTO
from napari_sepl.proposals.errors import OpeningError, ProposalError, StoppedError
from napari_sepl.proposals.progress import Told, ignore
from napari_sepl.workflow.masks.record import claim
from napari_sepl.workflow.outcome import Outcome, Step
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread


class Maker(Protocol):
    """What makes masks."""

    def make(
        self, image: NDArray[Any], pseudo: NDArray[np.uint8] | None = None, told: Told = ignore
    ) -> MaskSet:
        """Return the masks of an image, (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16."""


@dataclass(frozen=True)
class Task:
    """An image to make masks for.

    Parameters
    ----------
    sample_id : str
        The stem of its files.
    image : Path, optional
        The picture; None if there is none.
    pseudo : Path, optional
        Its pseudo-labels, to guide the points.
    missing : str
        What there is no file for; empty if all is there.
    pseudo_format : str
        What the pseudo-labels are, by the name of a format.
    """

    sample_id: str
    image: Path | None
    pseudo: Path | None = None
    missing: str = ""
    pseudo_format: str = AUTO


@dataclass(frozen=True)
class Tasks:
    """What the folders hold.

    Parameters
    ----------
    tasks : tuple of Task
        What is to be done, in natural order or in that of the list.
    without_pseudo : tuple of str
        Stems of images without pseudo-labels, so that SEPL needs no masks of them.
    """

    tasks: tuple[Task, ...]
    without_pseudo: tuple[str, ...] = ()


def list_tasks(
    images: Path,
    pseudo: Path | None = None,
    list_file: Path | None = None,
    pseudo_format: str = AUTO,
) -> Tasks:
    """Find the images to make masks for.

    Parameters
    ----------
    images : Path
        Folder of pictures.
    pseudo : Path, optional
        Folder of pseudo-labels; with it only images that have some are done.
    list_file : Path, optional
        Text with one sample a line: only these, in its order.
    pseudo_format : str
        What the pseudo-labels are, by the name of a format; "auto" to see it from the files.

    Raises
    ------
    InputError
        If a folder or the list cannot be read, or there is nothing to do.
    """
    pictures = list_stems(images, image_files.SUFFIXES)
    labels = None if pseudo is None else list_pseudo(pseudo, pseudo_format, pictures)
    without: list[str] = []
    if list_file is not None:
        names = read_list(list_file)
    elif labels is not None:
        names = natural_order(labels)
        without = natural_order(set(pictures) - set(labels))
    else:
        names = natural_order(pictures)
    if not names:
        folder, what = (images, "picture") if pseudo is None else (pseudo, "pseudo-labels")
        raise InputError(folder, found=f"no {what}", expected=f"files of {what}")
    tasks = []
    for name in names:
        image = images / pictures[name] if name in pictures else None
        guide = pseudo / labels[name] if pseudo and labels and name in labels else None
        missing = ["image"] * (image is None) + ["pseudo"] * (labels is not None and guide is None)
        tasks.append(Task(name, image, guide, ", ".join(missing), pseudo_format))
    return Tasks(tuple(tasks), tuple(without))


def mask_file(out: Path, sample_id: str) -> Path:
    """Return the file in folder `out` that holds the masks of a sample."""
    return out / f"{sample_id}.json"


def propose_folder(  # noqa: PLR0913  a setting each
    tasks: Iterable[Task],
    out: Path,
    maker: Maker,
    made_with: dict[str, Any],
    *,
    guided: bool = True,
    told: Told = ignore,
    mixed: bool = False,
    overwrite: bool = False,
    spread: Spread = HERE,
) -> Iterator[Step]:
    """Make masks of image after image, passing over what is done and going on after failures.

    A run that was stopped leaves only whole files behind; the same call goes on where it was.

    Parameters
    ----------
    tasks : iterable of Task
        The images. Those of which a file is missing count as failed.
    out : Path
        The folder for the masks; it is made if need be.
    maker : Maker
        What makes masks.
    made_with : dict
        What the masks are made with, in words and numbers of JSON. It is kept in the folder, for
        one folder holds masks of one making.
    guided : bool
        Hand the pseudo-labels, where there are some, to the maker.
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
        One for each task, as soon as it is dealt with.

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
    tasks = list(tasks)
    given = (place for task in tasks for place in (task.image, task.pseudo))
    Guard(tuple({place.parent for place in given if place is not None})).check_place(out)
    with sole_run(out, "masks"):
        claim(out, made_with, mixed=mixed)
        tell = told if spread == HERE else ignore
        attempt = partial(_attempt, out, maker, tell, guided, overwrite)
        yield from spread.run(attempt, tasks, _lost)


def _lost(task: Task, why: str) -> Step:
    return Step(task.sample_id, Outcome.FAILED, f"{task.image}: {why}")


def _attempt(
    out: Path, maker: Maker, told: Told, guided: bool, overwrite: bool, task: Task
) -> Step:
    path = mask_file(out, task.sample_id)
    if path.exists() and not overwrite and not task.missing:
        return Step(task.sample_id, Outcome.PRESENT)
    if task.image is None or task.missing:
        message = f"{task.sample_id}: no file for {task.missing}"
        return Step(task.sample_id, Outcome.FAILED, message)
    try:
        image = read_image(task.image)
        pseudo = _guide(task, (image.shape[0], image.shape[1])) if guided else None
        write_masks(path, _made(maker, image, pseudo, told, task))
    except (OpeningError, StoppedError):
        raise
    except OF_ONE_SAMPLE as error:
        return Step(task.sample_id, Outcome.FAILED, tell_failure(error, task.image))
    return Step(task.sample_id, Outcome.SAVED)


def _guide(task: Task, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    if task.pseudo is None:
        return None
    return read_pseudo_labels(
        task.pseudo, task.pseudo_format, sample_id=task.sample_id, shape=shape
    )


def _made(
    maker: Maker, image: NDArray[Any], pseudo: NDArray[np.uint8] | None, told: Told, task: Task
) -> MaskSet:
    if pseudo is not None and pseudo.shape != image.shape[:2]:
        raise InputError(
            task.pseudo,
            found=f"labels of {pseudo.shape[0]} × {pseudo.shape[1]} (height × width)",
            expected=f"{image.shape[0]} × {image.shape[1]} as {task.image}",
        )
    try:
        return maker.make(image, pseudo, told)
    except (OpeningError, StoppedError):
        raise
    except ProposalError as error:  # which does not know whose masks it was to make
        raise ProposalError(f"{task.image}: {error}") from error
