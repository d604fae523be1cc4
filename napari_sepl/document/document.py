"""The one mutable thing: one image under review."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_sepl.core.params import Params
from napari_sepl.core.pixels import NO_OPINION, find_strokes, overlay_change, write_runs
from napari_sepl.document.edits import Edit, ParamsEdit, StrokeEdit
from napari_sepl.document.history import History
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved, resolve


class Document:
    """One image, what a person said about it, and what follows.

    All changes go through its methods, each of which is one step of the history and ends with
    one emission of `changed`. A new image is a new document, so no step can cross images.

    Parameters
    ----------
    inputs : Inputs
        What is given.
    params : Params, optional
        The settings to start from; the paper's if left out.
    overlay : (H, W) int16, optional
        What was painted before, -1 for no opinion.

    Attributes
    ----------
    changed : Signal
        Emitted with the new `Resolved` after every change of the labels.
    stepped : Signal
        Emitted with "do", "undo" or "redo" and the `Edit`, after `changed`.
    marked : Signal
        Emitted when the history or the saved state changed; carries nothing.
    """

    changed = Signal(Resolved)
    stepped = Signal(str, object)
    marked = Signal()

    def __init__(
        self,
        inputs: Inputs,
        params: Params | None = None,
        overlay: NDArray[np.int16] | None = None,
    ) -> None:
        self.inputs = inputs
        self.history = History()
        self._overlay = None if overlay is None else overlay.copy()
        self._saved_mark: int | None = None
        self.resolved = resolve(inputs, params or Params(), self._overlay)

    @property
    def params(self) -> Params:
        """The present settings."""
        return self.resolved.params

    @property
    def overlay(self) -> NDArray[np.int16]:
        """(H, W) int16: painted labels, -1 for no opinion. A copy-free view: do not write."""
        if self._overlay is None:
            self._overlay = np.full(self.inputs.shape, NO_OPINION, np.int16)
        return self._overlay

    @property
    def edited(self) -> bool:
        """Whether any pixel carries a person's opinion."""
        return self._overlay is not None and bool((self._overlay != NO_OPINION).any())

    @property
    def unsaved(self) -> bool:
        """Whether a person did something that is not on disk."""
        return self.history.mark != (self._saved_mark or 0)

    @property
    def saved(self) -> bool:
        """Whether the labels as they are now were saved."""
        return self.history.mark == self._saved_mark

    def set_params(self, params: Params, *, gesture: Hashable = None) -> None:
        """Change the settings; steps of one `gesture` count as one."""
        if params != self.params:
            self._do(ParamsEdit(self.params, params, gesture))

    def absorb(self, shown: NDArray[np.uint8]) -> bool:
        """Take what a person painted on the shown labels into the overlay.

        Parameters
        ----------
        shown : (H, W) uint8
            The labels on screen, which were equal to ``resolved.final`` before the stroke.

        Returns
        -------
        bool
            Whether there was a stroke.

        Raises
        ------
        InputError
            If the stroke's label is outside the class list; nothing is absorbed then.
        """
        if np.array_equal(shown, self.resolved.final):
            return False
        change = find_strokes(shown, self.resolved.final, self.overlay)
        self.inputs.classes.check_ids(np.unique(change.after), "the stroke")
        self._do(StrokeEdit(change))
        return True

    def repaint(self, overlay: NDArray[np.int16]) -> None:
        """Paint an overlay of another day, as one stroke; -1 leaves a pixel as it is."""
        change = overlay_change(self.overlay, overlay)
        if change.pixels:
            self._do(StrokeEdit(change))

    def undo(self) -> Edit | None:
        """Take back the last step and return it; None if there is none."""
        edit = self.history.undo()
        if edit is not None:
            self._apply(edit.inverse())
            self._tell("undo", edit)
        return edit

    def redo(self) -> Edit | None:
        """Do the last undone step again and return it; None if there is none."""
        edit = self.history.redo()
        if edit is not None:
            self._apply(edit)
            self._tell("redo", edit)
        return edit

    def mark_saved(self, mark: int) -> None:
        """Remember that the state with this history mark is on disk."""
        self._saved_mark = mark
        self.marked.emit()

    def _do(self, edit: Edit) -> None:
        self.history.push(edit)
        self._apply(edit)
        self._tell("do", edit)

    def _tell(self, kind: str, edit: Edit) -> None:
        self.stepped.emit(kind, edit)
        self.marked.emit()

    def _apply(self, edit: Edit) -> None:
        params = self.params
        if isinstance(edit, ParamsEdit):
            params = edit.after
        else:
            write_runs(self.overlay, edit.change)
        self.resolved = resolve(self.inputs, params, self._overlay)
        self.changed.emit(self.resolved)
