"""One image under review: the only mutable object of this package."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_sepl.core.algorithm.assignment import REJECT, check_decisions
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import NO_OPINION, find_strokes, map_change
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.annotations import Annotations, or_blank
from napari_sepl.document.edits import (
    DecisionEdit,
    Edit,
    InputsChoice,
    InputsEdit,
    LockEdit,
    ParamsEdit,
    PromptEdit,
    Status,
    StatusEdit,
    StrokeEdit,
)
from napari_sepl.document.history import History
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.regions import describe_decision
from napari_sepl.document.resolve import Resolved, resolve


class Document:
    """One image, its annotations, and the labels that follow.

    All changes go through its methods, each of which is one step of the history and emits `changed`
    once. A new image is a new document, so no step can cross images.

    Parameters
    ----------
    inputs : Inputs
        The inputs.
    annotations : Annotations, optional
        The annotations so far; by default the paper's parameters alone.
    history : History, optional
        The steps that led to them.

    Attributes
    ----------
    changed : Signal
        Emitted with the new `Resolved` after every change of the labels.
    stepped : Signal
        Emitted with "do", "undo" or "redo" and the `Edit`, after `changed`.
    marked : Signal
        Emitted without arguments when the history or the saved state changed.
    refused : Signal
        Emitted with `refusal` in place of each change while there is one.
    refusal : str
        Why nothing may be changed; empty if all may.

    Raises
    ------
    InputError
        If a decision is on a mask or pseudo-label that the image does not have.
    """

    changed = Signal(Resolved)
    stepped = Signal(str, object)
    marked = Signal()
    refused = Signal(str)

    def __init__(
        self, inputs: Inputs, annotations: Annotations | None = None, history: History | None = None
    ) -> None:
        self.history = history or History()
        self._opened_mark = self.history.mark
        self._saved_mark: int | None = None
        self.refusal = ""
        self.inputs = inputs  # with prompted masks
        self._prompted: Mapping[int, MaskSet] = {}
        self._resolve((annotations or Annotations()).copy(), None)

    @property
    def annotations(self) -> Annotations:
        """The present annotations. Their maps belong to the document: do not write to them."""
        return self.resolved.annotations

    @property
    def params(self) -> Params:
        """The present parameters."""
        return self.annotations.params

    @property
    def status(self) -> Status:
        """How far the review of the sample is."""
        return self.history.status

    @property
    def outdated(self) -> tuple[str, ...]:
        """The inputs that changed since the annotations were made; the next step answers that."""
        return self.history.outdated

    @property
    def edited(self) -> bool:
        """Whether a person did more than set parameters."""
        return self.annotations.edited

    @property
    def unsaved(self) -> bool:
        """Whether there are changes that are not on disk."""
        mark = self._opened_mark if self._saved_mark is None else self._saved_mark
        return self.history.mark != mark

    @property
    def saved(self) -> bool:
        """Whether the present labels are saved."""
        return self.history.mark == self._saved_mark

    # --- changes

    def set_params(self, params: Params, *, gesture: str | None = None) -> None:
        """Change the parameters; steps of one `gesture` count as one."""
        if params != self.params:
            self._do(ParamsEdit(self.params, params, gesture))

    def set_status(self, status: Status) -> None:
        """Give the sample a status: one step, which undo takes back.

        If the sample is outdated, its annotations are applied to the new inputs in the same step.
        """
        if self.outdated:
            self.choose_inputs(InputsChoice.APPLY, self.annotations, status)
        elif status is not self.status:
            self._do(StatusEdit(self.status, status))

    def choose_inputs(self, choice: InputsChoice, annotations: Annotations, status: Status) -> None:
        """Choose what becomes of annotations whose inputs changed, in one step.

        Parameters
        ----------
        choice : InputsChoice
            The choice.
        annotations : Annotations
            The annotations from now on; they are copied.
        status : Status
            The status from now on.
        """
        was, now = self.annotations.copy(), annotations.copy()
        self._do(InputsEdit(self.outdated, choice, was, now, self.status, status))

    def decide(self, regions: Iterable[int], class_id: int | None) -> None:
        """Decide on regions, in one step.

        Parameters
        ----------
        regions : iterable of int
            Mask indices, or ``-k`` for the pseudo-labels of class k.
        class_id : int or None
            The class to select them for, 0 for background, `REJECT` to reject them, None to reset
            them to automatic.

        Raises
        ------
        InputError
            If a region does not exist, or the class is outside the class list.
        """
        decisions = self.annotations.decisions
        changed = [r for r in sorted(set(regions)) if decisions.get(r) != class_id]
        if not changed:
            return
        check_decisions(self.inputs.overlap, changed, self.inputs.vanished)
        if class_id is not None and class_id != REJECT:
            self.inputs.classes.check_ids(np.array([class_id]), "the decision")
        before = {region: decisions.get(region) for region in changed}
        text = describe_decision(self.inputs, self.resolved.assignment, changed, class_id)
        self._do(DecisionEdit(before, dict.fromkeys(changed, class_id), text))

    def lock(self, class_id: int, *, lock: bool = True) -> None:
        """Lock or unlock a class for the algorithm and for strokes of other classes.

        Raises
        ------
        InputError
            If the class is outside the class list.
        """
        if (class_id in self.annotations.locked) == lock:
            return
        self.inputs.classes.check_ids(np.array([class_id]), "the locked class")
        locked_pixels = or_blank(self.annotations.locked_pixels, self.inputs.shape)
        if lock:
            after = np.where(self.resolved.labels == class_id, np.int16(class_id), locked_pixels)
        else:
            after = np.where(locked_pixels == class_id, np.int16(NO_OPINION), locked_pixels)
        self._do(LockEdit(class_id, lock, map_change(locked_pixels, after)))

    def absorb(self, shown: NDArray[np.uint8], text: str = "") -> int:
        """Add what a person painted on the labels on screen to the overlay.

        Parameters
        ----------
        shown : (H, W) uint8
            The labels on screen, which were equal to ``resolved.labels`` before the stroke.
        text : str
            Description for the history if it is not a plain stroke.

        Returns
        -------
        int
            Number of painted pixels in locked classes, which do not change.

        Raises
        ------
        InputError
            If the stroke's label is outside the class list; nothing changes then.
        """
        labels = self.resolved.labels
        if np.array_equal(shown, labels):
            return 0
        blocked = 0
        if self.annotations.locked:
            locked = np.isin(labels, list(self.annotations.locked)) & (shown != labels)
            blocked = int(np.count_nonzero(locked))
            shown = np.where(locked, labels, shown) if blocked else shown
        overlay = or_blank(self.annotations.overlay, self.inputs.shape)
        change = find_strokes(shown, labels, overlay)
        self.inputs.classes.check_ids(np.unique(change.after), "the stroke")
        if len(change.starts):
            self._do(StrokeEdit(change, text))
        return blocked

    def add_prompted(self, mask: MaskSet, class_id: int) -> None:
        """Add a prompted mask, selected for a class.

        Parameters
        ----------
        mask : MaskSet
            The one mask.
        class_id : int
            The class, 0 for background.

        Raises
        ------
        InputError
            If it is not one non-empty mask of the size of the image, or the class is outside the
            class list.
        """
        if len(mask) != 1 or not mask.areas[0] or mask.shape != self.inputs.shape:
            raise InputError(
                "mask made by prompts",
                found=f"{len(mask)} of {int(mask.areas.sum())} pixels on {mask.shape}",
                expected=f"one with pixels on {self.inputs.shape}",
            )
        self.inputs.classes.check_ids(np.array([class_id]), "the class of the mask")
        self._do(PromptEdit(len(self.inputs.masks), mask, class_id))

    def restore(self, annotations: Annotations) -> None:
        """Apply earlier annotations in a few steps; present strokes stay."""
        self.set_params(annotations.params)
        for index, mask in annotations.prompted.items():
            class_id = annotations.decisions.get(index, REJECT)
            self.add_prompted(mask, max(class_id, 0))
            if class_id == REJECT:
                self.decide([len(self.inputs.masks) - 1], REJECT)
        decided = {r: k for r, k in annotations.decisions.items() if r not in annotations.prompted}
        for class_id in sorted({*decided.values()}):
            self.decide([r for r, k in decided.items() if k == class_id], class_id)
        overlay = or_blank(self.annotations.overlay, self.inputs.shape)
        for opinions in (annotations.locked_pixels, annotations.overlay):
            if opinions is not None:
                after = np.where(opinions == NO_OPINION, overlay, opinions)
                change = map_change(overlay, after)
                if change.pixels:
                    self._do(StrokeEdit(change))
        for class_id in sorted(annotations.locked):
            self.lock(class_id)

    # --- undo and redo

    def undo(self) -> Edit | None:
        """Undo the last step and return it; None if there is none."""
        return self.go_to(len(self.history.done) - 1)

    def redo(self) -> Edit | None:
        """Redo the last undone step and return it; None if there is none."""
        return self.go_to(len(self.history.done) + 1)

    def go_to(self, position: int) -> Edit | None:
        """Undo or redo until `position` steps are done; return the last one, None without any."""
        if self._is_refused():
            return None
        moves: list[tuple[str, Edit]] = []
        annotations = self.annotations
        while (kind := self.history.towards(max(0, position))) is not None:
            edit = self.history.undo() if kind == "undo" else self.history.redo()
            if edit is None:
                break
            annotations = (edit.inverse() if kind == "undo" else edit).apply(
                annotations, self.inputs.shape
            )
            moves.append((kind, edit))
        if not moves:
            return None
        self._update(annotations)
        for move in moves:
            self.stepped.emit(*move)
        self.marked.emit()
        return moves[-1][1]

    def mark_saved(self, mark: int) -> None:
        """Record that the state with this history mark is on disk."""
        self._saved_mark = mark
        self.marked.emit()

    def _is_refused(self) -> bool:
        if self.refusal:
            self.refused.emit(self.refusal)
        return bool(self.refusal)

    def _do(self, edit: Edit) -> None:
        if self._is_refused():
            return
        if self.outdated and not isinstance(edit, InputsEdit):
            self.choose_inputs(InputsChoice.APPLY, self.annotations, Status.PENDING)
        self.history.push(edit)
        if not isinstance(edit, StatusEdit):  # which changes no label
            self._update(edit.apply(self.annotations, self.inputs.shape))
        self.stepped.emit("do", edit)
        self.marked.emit()

    def _resolve(self, annotations: Annotations, before: Resolved | None) -> None:
        self.inputs = self.inputs.cut_at(annotations.params.background)
        if annotations.prompted is not self._prompted:
            self.inputs = self.inputs.with_prompted(annotations.prompted)
            self._prompted = annotations.prompted
        self.resolved = resolve(self.inputs.overlap, annotations, self.inputs.vanished, before)

    def _update(self, annotations: Annotations) -> None:
        self._resolve(annotations, self.resolved)
        self.changed.emit(self.resolved)
