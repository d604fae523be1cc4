"""Undo and redo of one image, and its history computed again from the log of the record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from napari_sepl.document.annotations import Annotations
from napari_sepl.document.edits import Edit, Status, StatusEdit, status_after

BUDGET = 256 * 2**20
"""Bytes of steps to keep for one image; the oldest are forgotten beyond it."""


@dataclass
class History:
    """The steps done to one image, and those taken back.

    Parameters
    ----------
    budget : int
        Bytes of steps to keep.
    first : Status
        The status of the sample before the oldest step that is kept.
    """

    budget: int = BUDGET
    first: Status = Status.PENDING
    done: list[Edit] = field(default_factory=list)
    undone: list[Edit] = field(default_factory=list)
    _marks: list[int] = field(default_factory=lambda: [0])
    _redo_marks: list[int] = field(default_factory=list)
    _last_mark: int = 0

    @classmethod
    def of(
        cls,
        done: Sequence[Edit],
        undone: Sequence[Edit] = (),
        first: Status = Status.PENDING,
    ) -> "History":
        """Return a history with these steps, each list in the order they were done or undone."""
        last, total = len(done), len(done) + len(undone)
        history = cls(
            first=first,
            done=list(done),
            undone=list(undone),
            _marks=list(range(last + 1)),
            _redo_marks=list(range(total, last, -1)),
            _last_mark=total,
        )
        history._forget_oldest()
        return history

    @property
    def status(self) -> Status:
        """The status of the sample, which follows from the steps."""
        return status_after(self.first, self.done)

    @property
    def mark(self) -> int:
        """A number for the present state: equal numbers are equal states."""
        return self._marks[-1]

    def push(self, edit: Edit) -> None:
        """Add a step just done, joined to the last one if both are of one gesture."""
        joined = self.done[-1].merged(edit) if self.done and not self.undone else None
        if joined is not None:
            self.done.pop()
            self._marks.pop()
        self._last_mark += 1
        self.done.append(joined or edit)
        self._marks.append(self._last_mark)
        self.undone.clear()
        self._redo_marks.clear()
        self._forget_oldest()

    def undo(self) -> Edit | None:
        """Move the last step to the undone ones and return it."""
        if not self.done:
            return None
        edit = self.done.pop()
        self.undone.append(edit)
        self._redo_marks.append(self._marks.pop())
        return edit

    def redo(self) -> Edit | None:
        """Move the last undone step back and return it."""
        if not self.undone:
            return None
        edit = self.undone.pop()
        self.done.append(edit)
        self._marks.append(self._redo_marks.pop())
        return edit

    def towards(self, position: int) -> Literal["undo", "redo"] | None:
        """Return what comes closer to so many steps being done; None if nothing does."""
        if len(self.done) > position:
            return "undo"
        return "redo" if len(self.done) < position and self.undone else None

    def _forget_oldest(self) -> None:
        held = sum(edit.nbytes for edit in self.done)
        while len(self.done) > 1 and held > self.budget:
            oldest = self.done.pop(0)
            held -= oldest.nbytes
            self.first = status_after(self.first, [oldest])
            self._marks.pop(0)


def replay(
    steps: Iterable[tuple[str, Edit]],
    annotations: Annotations,
    shape: tuple[int, int],
    status: Status = Status.PENDING,
) -> History:
    """Return the history that ends in what is said now.

    Each step is checked against what is said: a log with gaps, or from before the files changed,
    gives the steps since then and no others.

    Parameters
    ----------
    steps : iterable of (str, Edit)
        What was done, "do", "undo" or "redo", oldest first.
    annotations : Said
        What is said now; it is not changed.
    shape : tuple of int
        Height and width of the image.
    status : Status
        The status of the sample now.
    """
    done: list[Edit] = []
    undone: list[Edit] = []
    for kind, edit in steps:
        if kind == "undo":
            del done[-1:]
            undone.append(edit)
        elif isinstance(edit, StatusEdit) and edit.after == status_after(Status.PENDING, done):
            continue  # it followed from the step before
        elif kind == "redo" and undone:
            undone.pop()
            done.append(edit)
        else:
            # The stops of one slider drag are logged one by one, and are one step of the history.
            joined = done[-1].merged(edit) if done and not undone else None
            done[len(done) - (joined is not None) :] = [joined or edit]
            undone.clear()
    done = _leading_to(done, annotations, shape)
    undone = _leading_from(undone, annotations, shape)
    for first in (Status.PENDING, status):
        if status_after(first, done) is status:
            return History.of(done, undone, first)
    return History.of([], first=status)  # steps that do not lead to this status


def _leading_to(done: list[Edit], annotations: Annotations, shape: tuple[int, int]) -> list[Edit]:
    """Return the last steps that, one after the other, could have led to what is said."""
    earlier = annotations.copy()
    count = 0
    for edit in reversed(done):
        back = edit.inverse()
        if not back.follows(earlier, shape):
            break
        earlier = back.apply(earlier, shape)
        count += 1
    return done[len(done) - count :]


def _leading_from(
    undone: list[Edit], annotations: Annotations, shape: tuple[int, int]
) -> list[Edit]:
    """Return the steps that can be done again, one after the other, the next one last."""
    later = annotations.copy()
    count = 0
    for edit in reversed(undone):
        if not edit.follows(later, shape):
            break
        later = edit.apply(later, shape)
        count += 1
    return undone[len(undone) - count :]
