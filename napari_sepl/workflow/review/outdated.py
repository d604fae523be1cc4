"""Samples whose inputs changed since they were annotated, and what becomes of their annotations."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import find_strokes, write_runs
from napari_sepl.document.annotations import Annotations, or_blank
from napari_sepl.document.document import Document
from napari_sepl.document.edits import InputsChoice, InputsEdit, Status
from napari_sepl.document.history import History
from napari_sepl.document.inputs import Inputs
from napari_sepl.files._opening import reading
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import INPUTS, LogEntry, Logged, Review, ReviewStep
from napari_sepl.files.store.entries import pack_facts, unpack_facts
from napari_sepl.files.store.review import FACTS
from napari_sepl.workflow.enhance import label_file

_DECIDED_ON = {"masks", "pseudo"}
"""The inputs that decisions hold for."""


@dataclass(frozen=True, eq=False)
class Outdated:
    """What was recorded of a sample whose inputs changed since.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed: "image", "pseudo", "masks".
    review : Review
        The record of the old inputs.
    file : bytes
        The label file as it was accepted; empty if there is none.
    labels : (H, W) uint8, optional
        The labels in it.
    sizes : frozenset of (int, int)
        Heights and widths of what was recorded and accepted.
    """

    roles: tuple[str, ...]
    review: Review
    file: bytes = b""
    labels: NDArray[np.uint8] | None = None
    sizes: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    @classmethod
    def of(cls, roles: tuple[str, ...], review: Review, folder: Path | None) -> "Outdated":
        """Return what was recorded, with the accepted labels if their file holds them still."""
        file, labels = _accepted(review, folder)
        maps = [one for one in (review.overlay, review.locked_pixels, labels) if one is not None]
        masks = review.prompted.values()
        sizes = [(one.shape[0], one.shape[1]) for one in (*maps, *masks)]
        return cls(roles, review, file, labels, frozenset(sizes))

    def with_file(self, folder: Path | None) -> "Outdated":
        """Return the same with the accepted labels, if their file is there now."""
        now = Outdated.of(self.roles, self.review, folder)
        return self if now.labels is None else now

    def fits(self, inputs: Inputs) -> bool:
        """Return whether the image has the size of what was recorded."""
        return self.sizes <= {inputs.shape}

    @property
    def lost_decisions(self) -> int:
        """How many decisions cannot be applied: their masks or pseudo-labels changed."""
        if not _DECIDED_ON & set(self.roles):
            return 0
        return sum(region not in self.review.prompted for region in self.review.decisions)

    def refusals(self, inputs: Inputs) -> dict[InputsChoice, str]:
        """Return why some choices cannot be made, by choice."""
        if not self.fits(inputs):
            (height, width) = next(iter(self.sizes - {inputs.shape}))
            now = f"{inputs.shape[0]} × {inputs.shape[1]}"
            reason = f"the image has another size: {now}, not {height} × {width} pixels"
            return dict.fromkeys((InputsChoice.KEEP, InputsChoice.APPLY), reason)
        if self.review.status is not Status.ACCEPTED:
            return {InputsChoice.KEEP: "no labels of the sample are accepted"}
        if self.labels is None:
            return {InputsChoice.KEEP: "the file of the accepted labels is gone or changed"}
        return {}


def _accepted(review: Review, folder: Path | None) -> tuple[bytes, NDArray[np.uint8] | None]:
    """Return the file and the labels as accepted; nothing if the file is gone or holds others."""
    if review.status is not Status.ACCEPTED or not review.labels or folder is None:
        return b"", None
    path = label_file(folder, review.sample_id)
    try:
        labels = read_labels(path)
        with reading(path, "a label file") as file:
            content = file.read()
    except InputError:
        return b"", None
    return (content, labels) if digest_labels(labels) == review.labels else (b"", None)


def open_outdated(
    inputs: Inputs, annotations: Annotations, start: Params, old: Outdated
) -> Document:
    """Return an outdated document: earlier annotations, applied to new inputs.

    Parameters
    ----------
    inputs : Inputs
        The new inputs.
    annotations : Annotations
        The annotations. Decisions on masks stay if neither masks nor pseudo-labels changed;
        nothing stays if the image has another size.
    start : Params
        The settings to start from.
    old : Outdated
        What was recorded.
    """
    document = Document(inputs, Annotations(start))
    if old.fits(inputs):
        if _DECIDED_ON & set(old.roles):
            annotations = annotations.on_other_masks(len(inputs.masks))
        document.restore(annotations)
    history = History(first=old.review.status, roles=old.roles)
    return Document(inputs, document.annotations, history)


def choose(document: Document, old: Outdated, choice: InputsChoice, start: Params) -> None:
    """Do what a person chose for an outdated document, in one step.

    Raises
    ------
    InputError
        If it cannot be done.
    """
    reason = old.refusals(document.inputs).get(choice)
    if reason:
        found = f"the choice {choice}, but {reason}"
        raise InputError(document.inputs.sample_id, found=found, expected="another choice")
    match choice:
        case InputsChoice.KEEP:
            document.choose_inputs(choice, _painted(document, old.labels), Status.ACCEPTED)
        case InputsChoice.APPLY:
            document.choose_inputs(choice, document.annotations, Status.PENDING)
        case InputsChoice.START_OVER:
            document.choose_inputs(choice, Annotations(start), Status.PENDING)


def _painted(document: Document, labels: NDArray[np.uint8] | None) -> Annotations:
    """Return the annotations with strokes that make the labels those given."""
    if labels is None:
        raise ValueError("no labels to keep")
    document.inputs.classes.check(labels, document.inputs.sample_id)
    annotations = document.annotations.copy()
    overlay = or_blank(annotations.overlay, document.inputs.shape)
    write_runs(overlay, find_strokes(labels, document.resolved.labels, overlay))
    return replace(annotations, overlay=overlay)


def pixels_changed(document: Document, old: Outdated) -> int | None:
    """Return how many pixels of the accepted labels the new inputs change; None without those."""
    if old.labels is None or not old.fits(document.inputs):
        return None
    return int(np.count_nonzero(old.labels != document.resolved.labels))


# --- in the log

_KEPT = tuple(FACTS)


def log_entries(steps: Iterable[ReviewStep], old: Outdated | None) -> list[LogEntry]:
    """Return the entries of steps; with a choice on changed inputs, what was recorded before it."""
    entries = []
    for step in steps:
        entry = step.entry()
        if isinstance(step.edit, InputsEdit) and step.kind == "do" and old is not None:
            kept = pack_facts(old.review, _KEPT)
            entry = replace(entry, payload={**entry.payload, "kept": kept}, blob=old.file)
        entries.append(entry)
    return entries


def outdated_in_log(sample_id: str, log: Iterable[Logged]) -> Outdated | None:
    """Return what was recorded of a sample before the last choice; None if it is not there.

    So undo of that choice brings back its record and its label file.
    """
    entries = [one.entry for one in log if one.entry.kind == INPUTS]
    if not entries or "kept" not in entries[-1].payload:
        return None
    last = entries[-1]
    try:
        review = Review(sample_id, **unpack_facts(last.payload["kept"]))
        roles = tuple(map(str, last.payload.get("roles", ())))
    except (ValueError, TypeError):
        return None
    return Outdated(roles, review, last.blob or b"")
