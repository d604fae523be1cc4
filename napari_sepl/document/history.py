"""Undo and redo of one image, and the replay of its history from the log of the record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from napari_sepl.document.annotations import Annotations
from napari_sepl.document.edits import Edit, InputsEdit, Status, StatusEdit, status_after

BUDGET = 256 * 2**20
"""Bytes of steps to keep for one image; the oldest are dropped beyond it."""


@dataclass
class History:
    """The done and the undone steps of one image.

    Parameters
    ----------
    budget : int
        Bytes of steps to keep.
    first : Status
        The status of the sample before the oldest step that is kept.
    roles : tuple of str
        The inputs that changed since the annotations before the oldest step were made. If there
        are any, that step is an `InputsEdit`.
    """

    budget: int = BUDGET
    first: Status = Status.PENDING
    roles: tuple[str, ...] = ()
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
        roles: tuple[str, ...] = (),
    ) -> "History":
        """Return a history of steps in the order they were done or undone."""
        last, total = len(done), len(done) + len(undone)
        history = cls(
            first=first,
            roles=roles,
            done=list(done),
            undone=list(undone),
            _marks=list(range(last + 1)),
            _redo_marks=list(range(total, last, -1)),
            _last_mark=total,
        )
        history._drop_oldest()
        return history

    @property
    def status(self) -> Status:
        """The status of the sample, which follows from the steps."""
        return status_after(self.first, self.done)

    @property
    def outdated(self) -> tuple[str, ...]:
        """The inputs that changed since the annotations were made, until a step decides on them."""
        return () if self.done else self.roles

    @property
    def mark(self) -> int:
        """Number of the present state: equal numbers are equal states."""
        return self._marks[-1]

    def push(self, edit: Edit) -> None:
        """Add a step, joined with the last one if both belong to one gesture."""
        joined = self.done[-1].merged(edit) if self.done and not self.undone else None
        if joined is not None:
            self.done.pop()
            self._marks.pop()
        self._last_mark += 1
        self.done.append(joined or edit)
        self._marks.append(self._last_mark)
        self.undone.clear()
        self._redo_marks.clear()
        self._drop_oldest()

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
        """Return the direction to `position` done steps; None if there is no step that way."""
        if len(self.done) > position:
            return "undo"
        return "redo" if len(self.done) < position and self.undone else None

    def _drop_oldest(self) -> None:
        held = sum(edit.nbytes for edit in self.done)
        while len(self.done) > 1 and held > self.budget:
            oldest = self.done.pop(0)
            held -= oldest.nbytes
            self.first = status_after(self.first, [oldest])
            self.roles = ()
            self._marks.pop(0)


def replay(
    steps: Iterable[tuple[str, Edit]],
    annotations: Annotations,
    shape: tuple[int, int],
    status: Status = Status.PENDING,
) -> History:
    """Return the history that leads to the present annotations.

    Each step is checked: of a log with gaps, or from before the files changed, only the steps since
    then are used. A step that decided on changed inputs is the first: those of before are gone.

    Parameters
    ----------
    steps : iterable of (str, Edit)
        "do", "undo" or "redo" and the step, oldest first.
    annotations : Annotations
        The present annotations; they are not changed.
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
            # The moves of one slider drag are logged one by one, and are one step of the history.
            joined = done[-1].merged(edit) if done and not undone else None
            done[len(done) - (joined is not None) :] = [joined or edit]
            undone.clear()
    on_these_inputs = [at for at, edit in enumerate(done) if isinstance(edit, InputsEdit)]
    done = done[on_these_inputs[-1] if on_these_inputs else 0 :]
    if any(isinstance(edit, InputsEdit) for edit in undone):
        undone = []
    count = _count_applicable([edit.inverse() for edit in reversed(done)], annotations, shape)
    again = _count_applicable(reversed(undone), annotations, shape)
    done, undone = done[len(done) - count :], undone[len(undone) - again :]
    if done and isinstance(done[0], InputsEdit) and status_after(done[0].before, done) is status:
        return History.of(done, undone, done[0].before, done[0].roles)
    for first in (Status.PENDING, status):
        if status_after(first, done) is status:
            return History.of(done, undone, first)
    return History.of([], first=status)  # steps that do not lead to this status


def _count_applicable(
    steps: Iterable[Edit], annotations: Annotations, shape: tuple[int, int]
) -> int:
    """Return how many steps can be applied, one after the other."""
    current, count = annotations.copy(), 0
    for step in steps:
        if not step.follows(current, shape):
            break
        current = step.apply(current, shape)
        count += 1
    return count
