"""The samples that a walk along the queue passed because they cannot be read."""

from collections.abc import Callable

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.view import View

_MOST = 20
"""Unreadable samples in a row after which a walk stops, for their folder may be gone."""

Onwards = Callable[[int], int | None]
"""From a row to the one to try next."""


class Passed:
    """What was passed by the walk that is under way, or that stopped there.

    Parameters
    ----------
    context : ReviewContext
        Its view is where it is told.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._rows: list[int] = []

    @property
    def _view(self) -> View:
        return self._context.view

    @property
    def last(self) -> int | None:
        """The row that was passed last; None if none was."""
        return self._rows[-1] if self._rows else None

    @property
    def _are_too_many(self) -> bool:
        return len(self._rows) >= _MOST

    def pass_by(self, row: int, onwards: Onwards) -> int | None:
        """Pass a sample; return the one to try next, None if none is to be tried."""
        self._rows.append(row)
        return None if self._are_too_many else onwards(row)

    def forget(self) -> None:
        """Begin another walk."""
        self._rows = []

    def arrive(self) -> None:
        """Tell how many were passed on the way to the sample that is there."""
        self._tell()
        self.forget()

    def end(self) -> None:
        """Tell that nothing was opened; a walk that stopped goes on from there the next time."""
        self._tell(" Nothing else was opened.")
        if not self._are_too_many:
            self.forget()

    def tell_first(self, error: SeplError) -> None:
        """Tell why a sample cannot be read; of those that follow it only their number is told."""
        if not self._rows:
            self._view.warn(str(error))

    def _tell(self, then: str = "") -> None:
        """Tell how many were passed, if more than the one that was told of."""
        if len(self._rows) > 1:
            self._view.warn(
                f"{len(self._rows):,} samples in a row cannot be read; the queue says why.{then}"
            )
