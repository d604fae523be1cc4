"""Generating the masks of the open image, in another process."""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from psygnal import Signal

from napari_sepl.core.errors import SeplError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.document import Document
from napari_sepl.files.guard import Guard
from napari_sepl.files.masks import write_masks
from napari_sepl.gui.context import Prepared, ReviewContext
from napari_sepl.gui.masks.choice import MaskChoice, Recipe
from napari_sepl.proposals.maker import MaskProgress, OnProgress, StoppedError
from napari_sepl.proposals.models import REGIONS
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.regions import RegionMasks
from napari_sepl.proposals.sam import open_sam

DOWNLOAD_CANCELLED = "Download of weights cancelled; the next try resumes it."


class MakesOfDataset(Protocol):
    """Generates the masks of a dataset's samples."""

    def make_open(self, choice: MaskChoice) -> None:
        """Generate the masks of the open sample."""

    def make_pending(self, choice: MaskChoice) -> None:
        """Generate the masks of all pending samples without masks."""


class Making:
    """Generates masks, one request at a time; the model stays loaded for the next one.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the view and the background.
    use : callable
        Shows the open image with the new masks.

    Attributes
    ----------
    dataset : MakesOfDataset or None
        Generates the masks of the open dataset, if there is one.
    pending_shown : str
        Text that lists the pending samples without masks; empty without a dataset.
    pending_changed : Signal
        Emitted with `pending_shown`.
    ended : Signal
        Emitted when mask generation ended.
    shown : tuple of int, int and str
        The progress: done, total and text; 0 of 0 while none are generated.
    cancelled : bool
        Whether the last request was cancelled.
    """

    pending_changed = Signal(str)
    ended = Signal()

    def __init__(self, context: ReviewContext, use: Callable[[Prepared], None]) -> None:
        self._context = context
        self._use_masks = use
        self._remote: Remote | None = None
        self._recipe: Recipe | None = None
        self._serving: Recipe | None = None
        self._under_way = False
        self.cancelled = False
        self.dataset: MakesOfDataset | None = None
        self.pending_shown = ""
        self.shown = (0, 0, "")

    def start(self, choice: MaskChoice) -> None:
        """Generate masks for the open image, and use them in place of its present ones."""
        document = self._context.settled()
        if self.dataset is not None:
            self.dataset.make_open(choice)
        elif document is not None and self.begin(choice):
            mark = document.history.mark
            self._context.background.run(
                "make masks",
                lambda: self._make(choice, document),
                lambda prepared: self._use(prepared, document, mark),
                self._fail,
            )

    def start_pending(self, choice: MaskChoice) -> None:
        """Generate the masks of all pending samples of the dataset without masks."""
        if self.dataset is not None:
            self.dataset.make_pending(choice)

    def cancel(self) -> None:
        """Stop at once; the image keeps its present masks."""
        self.cancelled = True
        if self._remote is not None:
            self._remote.stop()

    def save(self, path: Path, given: Collection[Path]) -> None:
        """Write the masks of the open image in the format of segment-anything's amg.py.

        Parameters
        ----------
        path : Path
            The file; a dialog has asked before it replaces one.
        given : collection of Path
            The files of the image, which are never written over.
        """
        document, view = self._context.document, self._context.view
        if document is not None:
            masks, inputs = document.inputs.masks, tuple(given)

            def write() -> None:
                Guard(inputs).check_place(path)  # the dialog asked about the rest
                write_masks(path, masks)

            self._context.background.run(
                "save masks",
                write,
                lambda _: view.show_info(f"Saved: {path}"),
                self._context.show_failure,
            )

    def close(self) -> None:
        """End the process that generates masks, if there is one, and drop its result."""
        self.cancel()
        self._under_way, self.shown = False, (0, 0, "")

    def show_pending(self, text: str) -> None:
        """Show which pending samples have no masks; empty without a dataset."""
        if text != self.pending_shown:
            self.pending_shown = text
            self.pending_changed.emit(text)

    # --- from the first step to the last, on the window's thread

    def begin(self, choice: MaskChoice) -> bool:
        """Show that masks are generated; False if that is in progress already."""
        if self._under_way:
            return False
        self._under_way, self.cancelled = True, False
        self._show(0, 1, f"generating masks ({choice.model})")
        return True

    def end(self) -> None:
        """Show that mask generation ended."""
        self._under_way = False
        self._show(0, 0, "")
        self.ended.emit()

    def _show(self, done: int, total: int, what: str) -> None:
        if self._under_way or not total:  # else it is out of date
            self.shown = done, total, what
            self._context.view.masks.show_making(done, total, what)

    # --- off the window's thread

    def prepare(self, choice: MaskChoice) -> Recipe:
        """Return the recipe of a choice, downloading weights where needed.

        Raises
        ------
        SeplError
            If a package or the weights are not available, or it was cancelled.
        """
        recipe = self._recipe
        if recipe is not None and replace(recipe.choice, guided=choice.guided) == choice:
            self._recipe = replace(recipe, choice=choice)
        elif choice.model == REGIONS:
            self._recipe = Recipe(choice, RegionMasks)
        else:
            weights = choice.find_weights(self._show_download)
            self._recipe = Recipe(choice, open_sam, (weights, choice.device, choice.settings))
        self.raise_if_cancelled()
        return self._recipe

    def process_for(self, recipe: Recipe) -> Remote:
        """Return the process for a recipe: the running one if it fits, else a new one."""
        serving, self._serving = self._serving, recipe
        same = serving is not None and (
            (serving.factory, serving.arguments) == (recipe.factory, recipe.arguments)
        )
        if self._remote is None or not same:
            if self._remote is not None:
                self._remote.stop()
            self._remote = Remote(recipe.factory, *recipe.arguments, opened=self.show_model)
        return self._remote

    def listen(self, show: Callable[[int, int], None]) -> OnProgress:
        """Return a callback that shows messages and calls `show` with done and total."""

        def on_progress(progress: MaskProgress) -> None:
            self.raise_if_cancelled()  # in case that the process has not begun
            view = self._context.view
            if progress.message:
                self._context.background.post(lambda: view.show_info(progress.message))
            show(progress.done, progress.total)

        return on_progress

    def show(self, done: int, total: int, what: str) -> None:
        """Show the progress, from any thread."""
        self._context.background.post(lambda: self._show(done, total, what))

    def show_model(self, about: str) -> None:
        """Show which model was loaded, and on which device."""
        self._context.background.post(lambda: self._context.view.masks.show_model(about))

    def raise_if_cancelled(self) -> None:
        """Raise StoppedError if mask generation was cancelled."""
        if self.cancelled:
            raise StoppedError("Mask generation cancelled.")

    def _make(self, choice: MaskChoice, document: Document) -> Prepared:
        remote = self.process_for(self.prepare(choice))
        inputs = document.inputs
        pseudo = inputs.pseudo if choice.guided else None
        listener = self.listen(lambda done, total: self.show(done, total, "generating masks"))
        masks = RemoteMasks(remote).make(inputs.image, pseudo, listener)
        return Prepared.around(with_masks(document, masks))

    def _show_download(self, done: int, total: int) -> None:
        if self.cancelled:
            raise StoppedError(DOWNLOAD_CANCELLED)
        self.show(done // 2**20, total // 2**20, "downloading weights (MB)")

    # --- back on it

    def _use(self, prepared: Prepared, document: Document, mark: int) -> None:
        self.end()
        context = self._context
        if context.settled() is not document or document.history.mark != mark:
            context.view.show_error("The image changed meanwhile, and keeps its previous masks.")
            return
        count = len(prepared.document.inputs.masks)
        self._use_masks(prepared)
        context.view.show_info(
            f"{count:,} masks generated. Save them under Masks to use them again."
        )

    def _fail(self, error: SeplError) -> None:
        self.end()
        self._context.show_failure(error)


def with_masks(document: Document, masks: MaskSet) -> Document:
    """Return a new document of the same image with other masks.

    Settings, strokes, locked classes and masks made by prompts stay; decisions on the old masks
    do not.
    """
    given = document.inputs.given or document.inputs
    digests, stamps = {**given.digests, "masks": masks.digest}, {**given.stamps, "masks": ""}
    annotations = document.annotations.on_other_masks(len(masks))
    return Document(replace(given, masks=masks, digests=digests, stamps=stamps), annotations)
