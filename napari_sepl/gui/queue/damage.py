"""A record that is damaged: it is told, and what can be read of it is offered to go on with."""

from collections.abc import Callable
from pathlib import Path

from napari_sepl.core.errors import SeplError
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Recovery, StoreCorruptError, recover, store_file
from napari_sepl.gui.context import ReviewContext
from napari_sepl.workflow.review.reviewing import Reviewing, reviewer


class Damage:
    """Meets what goes wrong with the record of the dataset, open or about to be.

    Parameters
    ----------
    context : ReviewContext
        Its view is where it is told, and where it is asked whether to recover.
    found : callable
        Called, on the window's thread, with damage found while the dataset is open.
    """

    def __init__(self, context: ReviewContext, found: Callable[[SeplError], None]) -> None:
        self._context = context
        self._found = found
        self._recovering = False

    def forget(self) -> None:
        """Begin with another dataset."""
        self._recovering = False

    def on_error(self, error: SeplError) -> None:
        """Tell why something is not written yet; called from the thread that writes."""
        if isinstance(error, StoreCorruptError):
            self._context.background.post(lambda: self._found(error))
        else:
            self._context.background.post(
                lambda: self._context.view.show_error(f"{error} It will be tried again.")
            )

    def on_saved(self) -> None:
        """Tell that an error is over; called from the thread that writes."""
        told = "What could not be written before is written now."
        self._context.background.post(lambda: self._context.view.show_info(told))

    def meet_trouble(self, error: SeplError) -> None:
        """Tell of an error that reading the open record gave, be it damage or not."""
        if isinstance(error, StoreCorruptError):
            self._found(error)
        else:
            self._context.view.show_error(str(error))

    def meet_closed(self, error: SeplError, spec: DatasetSpec, reopen: Callable[[], None]) -> None:
        """Tell why a dataset cannot be opened, and offer to recover."""
        self._context.show_failure(error)
        if isinstance(error, StoreCorruptError):
            path, who = store_file(spec.output), reviewer()
            self._offer(path, lambda: recover(path, who=who), reopen)

    def meet_open(
        self, error: SeplError, reviewing: Reviewing | None, go_on: Callable[[], None]
    ) -> None:
        """Tell of damage found while the dataset is open, and offer to recover on the spot."""
        self._context.view.show_error(str(error))
        if reviewing is not None and not reviewing.refusal and not self._recovering:
            self._recovering = True

            def recovered() -> None:
                self._recovering = False
                go_on()

            self._offer(store_file(reviewing.folder), reviewing.on_disk.recover, recovered)

    def _offer(self, path: Path, work: Callable[[], Recovery], go_on: Callable[[], None]) -> None:
        """Ask whether to go on with what can be read of a damaged record."""
        if not self._context.view.confirm(
            f"{path} is damaged. Keep it under another name and go on with what can be read of it?"
        ):
            return

        def done(recovery: Recovery) -> None:
            self._context.view.show_busy("")
            self._context.view.show_info(f"{path}: {recovery}")
            go_on()

        def failed(error: SeplError) -> None:
            self._context.show_failure(error)
            self._offer(path, work, go_on)

        self._context.view.show_busy("recovering…")
        self._context.background.run("recovery", work, done, failed)
