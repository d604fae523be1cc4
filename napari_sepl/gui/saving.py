"""From the labels on screen to a file, without losing one that is there."""

from collections.abc import Callable, Collection
from pathlib import Path

from psygnal import Signal

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.document.document import Document
from napari_sepl.files.guard import Guard
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.enhance import label_file, save_resolved


class Saving:
    """Saves documents in the background and remembers what became of them.

    Parameters
    ----------
    view : View
        Asks for the folder, tells outcomes.
    background : Background
        Where files are written.

    Attributes
    ----------
    folder : Path or None
        Where labels go; asked for at the first save if None.
    inputs : collection of Path
        Files that are never written over.
    refusal : str
        Why nothing may be written at all; empty if it may.
    recorded : bool
        Whether a record keeps what is done, so that nothing waits to be saved.
    before : str
        What is said of a document that nobody has touched yet.
    wrote : callable
        Tells whether a file is one that an earlier window saved of the image.
    saved : Signal
        Emitted with the document, and whether it was accepted, when its file is there.
    """

    saved = Signal(Document, bool)

    def __init__(self, view: View, background: Background) -> None:
        self.view = view
        self.folder: Path | None = None
        self.inputs: Collection[Path] = ()
        self.refusal = ""
        self.recorded = False
        self.before = "pending"
        self.wrote: Callable[[Path], bool] = _nobody_knows
        self._background = background
        self._accepted: tuple[Document, int] | None = None
        self._written: set[Path] = set()

    def state_of(self, document: Document) -> str:
        """Say in a word or two how far a document is."""
        if self._accepted == (document, document.history.mark):
            return "accepted"
        if document.unsaved:
            return "edited" if self.recorded else "not saved"
        return "saved" if document.saved else self.before

    def save(self, document: Document, *, accept: bool) -> None:
        """Write the labels of a document as it is now; later edits do not reach the file."""
        if self.refusal:
            self.view.warn(self.refusal)
            return
        folder = self._choose(document.inputs.sample_id)
        if folder is None:
            return
        mark = document.history.mark
        inputs, resolved = document.inputs, document.resolved.snapshot()

        def done(path: Path) -> None:
            self.view.show_busy("")
            self._written.add(path)
            if accept:
                self._accepted = (document, mark)
            document.mark_saved(mark)
            if not (accept and self.recorded):  # the queue shows it: a popup each would pile up
                self.view.tell(f"{'Accepted' if accept else 'Saved'}: {path}")
            self.saved.emit(document, accept)

        def failed(error: SeplError) -> None:
            self.view.show_busy("")
            self.view.warn(str(error))

        self.view.show_busy("saving…")
        self._background.run(
            f"save {id(document)} {mark}",  # each save is waited for: none makes another stale
            lambda: save_resolved(folder, resolved, inputs),
            done,
            failed,
        )

    def _choose(self, sample_id: str) -> Path | None:
        """Return the folder to save into, or None where nothing may be written."""
        folder = self.folder or self.view.ask_folder(sample_id)
        if folder is None:
            return None
        path = label_file(folder, sample_id)
        try:
            Guard(tuple(self.inputs)).check_place(path)
        except InputError as error:
            self.view.warn(str(error))
            return None
        if path.exists() and not self._is_ours(path) and not self.view.confirm_replace(path):
            return None
        self.folder = folder
        return folder

    def _is_ours(self, path: Path) -> bool:
        """Tell whether this window wrote a file, or an earlier one did and its record tells."""
        if path in self._written:
            return True
        try:
            return self.wrote(path)
        except InputError:  # not to be read, so not ours: the user is asked
            return False


def _nobody_knows(path: Path) -> bool:  # noqa: ARG001
    return False
