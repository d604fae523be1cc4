"""What happens if the record is damaged: a warning, and an offer to recover it."""

from collections.abc import Callable
from pathlib import Path

from napari_sepl.core.errors import SeplError
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Recovery, StoreCorruptError, recover, store_file
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.preferences import preferred_annotator
from napari_sepl.gui.recording import Recording
from napari_sepl.workflow.review.reviewing import Reviewing


class Damage:
    """Handles errors of a dataset's record, when it is opened and while it is open.

    Parameters
    ----------
    context : ReviewContext
        Its view shows errors and asks whether to recover.
    recording : Recording
        Shows errors that are no damage.
    found : callable
        Called on the window's thread with damage found while the dataset is open.
    """

    def __init__(
        self, context: ReviewContext, recording: Recording, found: Callable[[SeplError], None]
    ) -> None:
        self._context = context
        self._recording = recording
        self._found = found
        self._recovering = False

    def forget(self) -> None:
        """Start with another dataset."""
        self._recovering = False

    def on_error(self, error: SeplError) -> None:
        """Report why something is not written yet; called from the writing thread."""
        if isinstance(error, StoreCorruptError):
            self._context.background.post(lambda: self._found(error))
        else:
            self._recording.on_error(error)

    def meet_trouble(self, error: SeplError) -> None:
        """Report an error of reading the open record, and handle damage."""
        if isinstance(error, StoreCorruptError):
            self._found(error)
        else:
            self._context.view.show_error(str(error))

    def meet_closed(self, error: SeplError, spec: DatasetSpec, reopen: Callable[[], None]) -> None:
        """Report why a dataset cannot be opened, and offer to recover a damaged record."""
        self._context.show_failure(error)
        if isinstance(error, StoreCorruptError):
            path, who = store_file(spec.output), preferred_annotator()
            self._offer(path, lambda: recover(path, who=who), reopen)

    def meet_open(
        self, error: SeplError, reviewing: Reviewing | None, go_on: Callable[[], None]
    ) -> None:
        """Report damage found while the dataset is open, and offer to recover the record."""
        self._context.view.show_error(str(error))
        if reviewing is not None and not reviewing.refusal and not self._recovering:
            self._recovering = True

            def recovered() -> None:
                self._recovering = False
                go_on()

            self._offer(store_file(reviewing.folder), reviewing.on_disk.recover, recovered)

    def _offer(self, path: Path, work: Callable[[], Recovery], go_on: Callable[[], None]) -> None:
        """Ask whether to recover a damaged record, and do so."""
        if not self._context.view.confirm(
            f"The record is damaged: {path}. Keep a copy under another name, and recover what can "
            "be read?"
        ):
            return

        def done(recovery: Recovery) -> None:
            self._context.view.show_busy("")
            self._context.view.show_info(f"{recovery} Record: {path}")
            go_on()

        def failed(error: SeplError) -> None:
            self._context.show_failure(error)
            self._offer(path, work, go_on)

        self._context.view.show_busy("recovering the record…")
        self._context.background.run("recovery", work, done, failed)
