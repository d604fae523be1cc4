"""What the navigator asks of the queue's panel; a test's mock is another one."""

from typing import Protocol

from napari_sepl.core.classes import ClassList
from napari_sepl.workflow.review.queue import Queue


class QueueView(Protocol):
    """What the navigator asks of the queue's panel."""

    def list_samples(self, queue: Queue, classes: ClassList) -> None:
        """List what passes the filter."""

    def show_current(self, row: int) -> None:
        """Mark the sample that is open."""

    def refresh_row(self, row: int, queue: Queue) -> None:
        """Draw a sample's line and the counts anew."""

    def neighbour(self, row: int, step: int) -> int | None:
        """Return the row that is listed `step` lines from another; None beyond the ends."""

    def next_pending(self, row: int) -> int | None:
        """Return the next row listed after another that is pending and can be read.

        At the end of the list it starts over.
        """

    def finish_note(self) -> None:
        """Tell of a note that is still being typed."""

    def worst_pending(self, row: int) -> int | None:
        """Return the listed pending row, but for this one, that is suspected most."""
