"""Saving labels to files, without losing an existing one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from psygnal import Signal

from napari_sepl.core.errors import InputError
from napari_sepl.document.document import Document
from napari_sepl.document.resolve import Resolved
from napari_sepl.files.guard import Guard
from napari_sepl.gui.context import ReviewContext
from napari_sepl.workflow.enhance import label_file, save_resolved


@dataclass(frozen=True)
class SaveTarget:
    """Where the labels of the open image go, and what may not be written over.

    Parameters
    ----------
    folder : Path or None
        Where labels go; asked for at the first save if None.
    inputs : collection of Path
        Files that are never written over.
    refusal : str
        Why the folder is read-only; empty if it is not.
    recorded : bool
        Whether a record keeps all annotations, so that nothing is unsaved.
    before : str
        The status of a document without edits.
    ours : callable
        Returns whether an earlier session saved a file for this image. It may read the disk, so
        it is called off the window's thread; InputError counts as no.
    """

    folder: Path | None = None
    inputs: Collection[Path] = ()
    refusal: str = ""
    recorded: bool = False
    before: str = "pending"
    ours: Callable[[Path], bool] = lambda _: False


@dataclass(frozen=True, eq=False)
class _Save:
    """A document as it was when its save began; later edits do not reach the file."""

    document: Document
    mark: int
    resolved: Resolved
    accept: bool
    target: SaveTarget
    folder: Path

    @property
    def path(self) -> Path:
        """The file to write."""
        return label_file(self.folder, self.document.inputs.sample_id)


class Saving:
    """Saves documents in the background and remembers which are accepted.

    Parameters
    ----------
    context : ReviewContext
        Has the view and the background.

    Attributes
    ----------
    target : SaveTarget
        Where the labels of the image that is open go.
    saved : Signal
        Emitted with the document, and whether it was accepted, when its file is there.
    """

    saved = Signal(Document, bool)

    def __init__(self, context: ReviewContext) -> None:
        self.target = SaveTarget()
        self._context = context
        self._accepted: tuple[Document, int] | None = None
        self._written: set[Path] = set()

    def state_of(self, document: Document) -> str:
        """Return the status of a document in a word or two."""
        if self._accepted == (document, document.history.mark):
            return "accepted"
        if document.unsaved:
            return "edited" if self.target.recorded else "not saved"
        return "saved" if document.saved else self.target.before

    def save(self, document: Document, *, accept: bool) -> None:
        """Save the labels of a document as they are now."""
        target, view = self.target, self._context.view
        if target.refusal:
            view.show_error(target.refusal)
            return
        folder = target.folder or view.ask_folder(document.inputs.sample_id)
        if folder is None:
            return
        mark, resolved = document.history.mark, document.resolved.snapshot()
        self._run(_Save(document, mark, resolved, accept, target, folder))

    def _run(self, save: _Save, *, asked: bool = False) -> None:
        """Write a file; `asked` if a person agreed to replace an existing one."""
        ours = asked or save.path in self._written

        def done(written: bool) -> None:
            self._context.view.show_busy("")
            if written:
                self._note(save)
            elif self._context.view.confirm_replace(save.path):
                self._run(save, asked=True)

        self._context.view.show_busy("saving…")
        self._context.background.run(
            f"save {id(save.document)} {save.mark}",  # so that no save cancels another one
            lambda: _write(save, ours=ours),
            done,
            self._context.show_failure,
        )

    def _note(self, save: _Save) -> None:
        """Update the status after a file was written."""
        self._written.add(save.path)
        if self.target is save.target:
            self.target = replace(save.target, folder=save.folder)
        if save.accept:
            self._accepted = (save.document, save.mark)
        save.document.mark_saved(save.mark)
        if not (save.accept and save.target.recorded):  # the queue shows it: no popup for each
            self._context.view.show_info(f"{'Accepted' if save.accept else 'Saved'}: {save.path}")
        self.saved.emit(save.document, save.accept)


def _write(save: _Save, *, ours: bool) -> bool:
    """Write a document's labels, off the window's thread; False if a person must be asked.

    Parameters
    ----------
    save : _Save
        What to write.
    ours : bool
        Whether an existing file may be replaced; else the record decides.
    """
    Guard(tuple(save.target.inputs)).check_place(save.path)
    if save.path.exists() and not ours:
        try:
            ours = save.target.ours(save.path)
        except InputError:  # an unreadable file is not ours
            ours = False
        if not ours:
            return False
    save_resolved(save.folder, save.resolved, save.document.inputs)
    return True
