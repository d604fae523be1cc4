"""The history of an image, made anew from the log of what was done to it."""

from collections.abc import Iterable

from napari_sepl.document.edits import Edit
from napari_sepl.document.history import History
from napari_sepl.document.said import Said


def replay(steps: Iterable[tuple[str, Edit]], said: Said, shape: tuple[int, int]) -> History:
    """Return the history that ends in what is said now.

    Each step is checked against what is said: a log with gaps, or from before the files changed,
    gives the steps since then and no others.

    Parameters
    ----------
    steps : iterable of (str, Edit)
        What was done, "do", "undo" or "redo", oldest first.
    said : Said
        What is said now; it is not changed.
    shape : tuple of int
        Height and width of the image.
    """
    done: list[Edit] = []
    undone: list[Edit] = []
    for kind, edit in steps:
        if kind == "undo":
            del done[-1:]
            undone.append(edit)
        elif kind == "redo" and undone:
            undone.pop()
            done.append(edit)
        else:
            # The stops of one slider drag are logged one by one, and are one step of the history.
            joined = done[-1].merged(edit) if done and not undone else None
            done[len(done) - (joined is not None) :] = [joined or edit]
            undone.clear()
    return History.of(_leading_to(done, said, shape), _leading_from(undone, said, shape))


def _leading_to(done: list[Edit], said: Said, shape: tuple[int, int]) -> list[Edit]:
    """Return the last steps that, one after the other, could have led to what is said."""
    earlier = said.copy()
    count = 0
    for edit in reversed(done):
        back = edit.inverse()
        if not back.follows(earlier, shape):
            break
        earlier = back.apply(earlier, shape)
        count += 1
    return done[len(done) - count :]


def _leading_from(undone: list[Edit], said: Said, shape: tuple[int, int]) -> list[Edit]:
    """Return the steps that can be done again, one after the other, the next one last."""
    later = said.copy()
    count = 0
    for edit in reversed(undone):
        if not edit.follows(later, shape):
            break
        later = edit.apply(later, shape)
        count += 1
    return undone[len(undone) - count :]
