"""Saving labels to files, without losing an existing one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_sepl.core.errors import InputError, InputsMovedError, SaveError, SeplError
from napari_sepl.document.document import Document
from napari_sepl.document.edits import Status
from napari_sepl.document.resolve import Resolved
from napari_sepl.files.guard import Guard
from napari_sepl.gui.context import ReviewContext
from napari_sepl.workflow.enhance import label_file, save_resolved


def _nothing(folder: Path, labels: NDArray[np.uint8]) -> None:
    """Announce nothing: there is no record."""


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
    ours : callable
        Returns whether an earlier session saved a file for this image. It may read the disk, so
        it is called off the window's thread; InputError counts as no.
    check : callable
        Raises InputsMovedError, off the window's thread too, if inputs of a document changed since
        they were read.
    announce : callable
        Writes to the record, off the window's thread too, which labels are about to be saved in
        which folder.
    """

    folder: Path | None = None
    inputs: Collection[Path] = ()
    refusal: str = ""
    recorded: bool = False
    ours: Callable[[Path], bool] = lambda _: False
    check: Callable[[Document], None] = lambda _: None
    announce: Callable[[Path, NDArray[np.uint8]], None] = _nothing


@dataclass(frozen=True, eq=False)
class _Save:
    """A document as it was when its save began; later edits do not reach the file."""

    document: Document
    mark: int
    resolved: Resolved
    target: SaveTarget
    folder: Path

    @property
    def path(self) -> Path:
        """The file to write."""
        return label_file(self.folder, self.document.inputs.sample_id)


class Saving:
    """Writes labels in the background: of accepted samples, and copies of any.

    Parameters
    ----------
    context : ReviewContext
        Has the view and the background.

    Attributes
    ----------
    target : SaveTarget
        Where the labels of the image that is open go.
    accepted : Signal
        Emitted with a document when its file is there. It is accepted then, unless it was changed
        while its file was written.
    refused : Signal
        Emitted with a document that was not accepted because its inputs changed.
    """

    accepted = Signal(Document)
    refused = Signal(Document)

    def __init__(self, context: ReviewContext) -> None:
        self.target = SaveTarget()
        self._context = context
        self._written: set[Path] = set()

    def accept(self, document: Document) -> None:
        """Write the labels of a document as it is now; then it is accepted."""
        target, view = self.target, self._context.view
        if target.refusal:
            view.show_error(target.refusal)
            return
        folder = target.folder or view.ask_folder(document.inputs.sample_id)
        if folder is None:
            return
        mark, resolved = document.history.mark, document.resolved.snapshot()
        self._run(_Save(document, mark, resolved, target, folder))

    def save_copy(self, document: Document) -> None:
        """Write the labels as they are now to a file of the user's choice; nothing else changes."""
        view, target = self._context.view, self.target
        path = view.ask_copy_file(document.inputs.sample_id)
        if path is None:
            return
        inputs, resolved = document.inputs, document.resolved.snapshot()
        mark = document.history.mark

        def done(_: None) -> None:
            if not target.recorded:  # else the record is where it is saved
                document.mark_saved(mark)
            view.show_info(f"Saved a copy: {path}")

        def write() -> None:
            Guard(tuple(target.inputs)).check_place(path)
            folder = target.folder
            if (
                target.recorded
                and folder is not None
                and path.absolute().is_relative_to(folder.absolute())
            ):
                raise SaveError(f"belongs to the record in {folder}: {path}; choose another place.")
            save_resolved(path.parent, resolved, inputs, path=path)

        self._context.background.run(f"copy {path}", write, done, self._context.show_failure)

    def _run(self, save: _Save, *, asked: bool = False) -> None:
        """Write a file; `asked` if a person agreed to replace an existing one."""
        ours = asked or save.path in self._written

        def done(written: bool) -> None:
            self._context.view.show_busy("")
            if written:
                self._note(save)
            elif self._context.view.confirm_replace(save.path):
                self._run(save, asked=True)

        def failed(error: SeplError) -> None:
            self._context.show_failure(error)
            if isinstance(error, InputsMovedError):
                self.refused.emit(save.document)

        self._context.view.show_busy("saving…")
        self._context.background.run(
            f"save {id(save.document)} {save.mark}",  # so that no save cancels another one
            lambda: _write(save, ours=ours),
            done,
            failed,
        )

    def _note(self, save: _Save) -> None:
        """Update the status after a file was written."""
        self._written.add(save.path)
        if self.target is save.target:
            self.target = replace(save.target, folder=save.folder)
        document = save.document
        if document.history.mark == save.mark:
            document.set_status(Status.ACCEPTED)
            document.mark_saved(document.history.mark)
            if not save.target.recorded:  # else the queue shows it: no popup for each
                self._context.view.show_info(f"Accepted: {save.path}")
        else:
            self._context.view.show_error(
                f"{document.inputs.sample_id} was changed while it was saved: accept it again."
            )
        self.accepted.emit(document)


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
    save.target.check(save.document)
    if save.path.exists() and not ours:
        try:
            ours = save.target.ours(save.path)
        except InputError:  # an unreadable file is not ours
            ours = False
        if not ours:
            return False
    save.target.announce(save.folder, save.resolved.labels)
    save_resolved(save.folder, save.resolved, save.document.inputs)
    return True
