"""Making masks for the image that is open, in a process of its own."""

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
from napari_sepl.proposals.models import REGIONS, find_model
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.regions import RegionMasks
from napari_sepl.proposals.sam import open_sam
from napari_sepl.proposals.weights import find_checkpoint


class MakesOfDataset(Protocol):
    """Makes the masks of a dataset's samples."""

    def make_open(self, choice: MaskChoice) -> None:
        """Make masks for the sample that is open."""

    def make_pending(self, choice: MaskChoice) -> None:
        """Make masks for all pending samples that have none."""


class Making:
    """Makes masks, for one press of a button at a time; the model stays loaded for the next one.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the view and the background.
    use : callable
        Shows the image that is open with the masks that were made.

    Attributes
    ----------
    dataset : MakesOfDataset or None
        Makes the masks of the dataset that is open, if one is.
    pending_shown : str
        Which samples of the dataset wait for masks, in words; empty without a dataset.
    pending_changed : Signal
        Emitted with `pending_shown`.
    ended : Signal
        Emitted when no masks are being made any more.
    shown : tuple of int, int and str
        How far it is: done, total and what; 0 of 0 while nothing is being made.
    cancelled : bool
        Whether somebody stopped what was started last.
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
        """Make masks for the image that is open, and use them in place of those it has."""
        document = self._context.settled()
        if self.dataset is not None:
            self.dataset.make_open(choice)
        elif document is not None and self.begin(choice):
            mark = document.history.mark
            self._context.background.run(
                "make masks",
                lambda: self._make(choice, document),
                lambda opened: self._use(opened, document, mark),
                self._fail,
            )

    def start_pending(self, choice: MaskChoice) -> None:
        """Make masks for all pending samples of the dataset that have none."""
        if self.dataset is not None:
            self.dataset.make_pending(choice)

    def cancel(self) -> None:
        """Stop at once; the image keeps the masks it has."""
        self.cancelled = True
        if self._remote is not None:
            self._remote.stop()

    def save(self, path: Path, given: Collection[Path]) -> None:
        """Write the masks of the image that is open as segment-anything's amg.py does.

        Parameters
        ----------
        path : Path
            Where to; a dialog has asked about a file that is there.
        given : collection of Path
            The files of the image, which are never written over.
        """
        document, view = self._context.document, self._context.view
        if document is not None:
            masks, inputs = document.inputs.masks, tuple(given)

            def write() -> None:
                Guard(inputs).check_place(path)  # all else the dialog has asked about
                write_masks(path, masks)

            self._context.background.run(
                "save masks",
                write,
                lambda _: view.tell(f"Saved: {path}"),
                lambda error: view.warn(str(error)),
            )

    def close(self) -> None:
        """End the process that makes masks, if there is one; no answer of it will come."""
        self.cancel()
        self._under_way, self.shown = False, (0, 0, "")

    def show_pending(self, text: str) -> None:
        """Tell which samples of the dataset wait for masks; empty without a dataset."""
        if text != self.pending_shown:
            self.pending_shown = text
            self.pending_changed.emit(text)

    # --- from the first step to the last, on the window's thread

    def begin(self, choice: MaskChoice) -> bool:
        """Show that masks are being made; False if some are already."""
        if self._under_way:
            return False
        self._under_way, self.cancelled = True, False
        self._show(0, 1, f"masks by {choice.model}")
        return True

    def end(self) -> None:
        """Show that no masks are being made any more."""
        self._under_way = False
        self._show(0, 0, "")
        self.ended.emit()

    def _show(self, done: int, total: int, what: str) -> None:
        if self._under_way or not total:  # else it comes too late
            self.shown = done, total, what
            self._context.view.masks.show_making(done, total, what)

    # --- off the window's thread

    def prepare(self, choice: MaskChoice) -> Recipe:
        """Return what a choice comes to, fetching weights that are not there.

        Raises
        ------
        SeplError
            If a package or the weights are not to be had, or somebody stopped it.
        """
        known = self._recipe
        if known is not None and replace(known.choice, guided=choice.guided) == choice:
            self._recipe = replace(known, choice=choice)
        elif choice.model == REGIONS:
            self._recipe = Recipe(choice, RegionMasks)
        else:
            model = find_model(choice.model)
            model.require()
            checkpoint = find_checkpoint(model, choice.checkpoint, self._tell_bytes)
            arguments = (checkpoint, choice.device, choice.settings)
            self._recipe = Recipe(choice, open_sam, arguments)
        self.raise_if_cancelled()
        return self._recipe

    def process_for(self, recipe: Recipe) -> Remote:
        """Return the process for a recipe: the one that is there, or one that will be started."""
        serving, self._serving = self._serving, recipe
        same = serving is not None and (
            (serving.factory, serving.arguments) == (recipe.factory, recipe.arguments)
        )
        if self._remote is None or not same:
            if self._remote is not None:
                self._remote.stop()
            self._remote = Remote(recipe.factory, *recipe.arguments, opened=self.tell_model)
        return self._remote

    def listen(self, show: Callable[[int, int], None]) -> OnProgress:
        """Return what hears of progress: it passes on messages, and `show` done and total."""

        def told(progress: MaskProgress) -> None:
            self.raise_if_cancelled()  # just before the process was asked
            view = self._context.view
            if progress.message:
                self._context.background.post(lambda: view.tell(progress.message))
            show(progress.done, progress.total)

        return told

    def show(self, done: int, total: int, what: str) -> None:
        """Show how far it is."""
        self._context.background.post(lambda: self._show(done, total, what))

    def tell_model(self, about: str) -> None:
        """Show which model was loaded, and where it computes."""
        self._context.background.post(lambda: self._context.view.masks.show_model(about))

    def raise_if_cancelled(self) -> None:
        """Raise StoppedError if somebody stopped it."""
        if self.cancelled:
            raise StoppedError("Mask generation cancelled.")

    def _make(self, choice: MaskChoice, document: Document) -> Prepared:
        remote = self.process_for(self.prepare(choice))
        inputs = document.inputs
        pseudo = inputs.pseudo if choice.guided else None
        told = self.listen(lambda done, total: self.show(done, total, "making masks"))
        masks = RemoteMasks(remote).make(inputs.image, pseudo, told)
        return Prepared.around(with_masks(document, masks))

    def _tell_bytes(self, there: int, total: int) -> None:
        if self.cancelled:
            raise StoppedError("The fetching of weights was stopped; it goes on from here.")
        self.show(there // 2**20, total // 2**20, "fetching weights")

    # --- back on it

    def _use(self, opened: Prepared, document: Document, mark: int) -> None:
        self.end()
        context = self._context
        if context.settled() is not document or document.history.mark != mark:
            context.view.warn(
                "The image was changed or left meanwhile, and keeps the masks it had."
            )
            return
        count = len(opened.document.inputs.masks)
        self._use_masks(opened)
        context.view.tell(f"{count:,} masks were made. Save them under Masks to use them again.")

    def _fail(self, error: SeplError) -> None:
        self.end()
        tell = self._context.view.tell if isinstance(error, StoppedError) else None
        (tell or self._context.view.warn)(str(error))


def with_masks(document: Document, masks: MaskSet) -> Document:
    """Return a new document of the same image with other masks.

    Settings, strokes, protected classes and masks made by prompts stay; decisions on the masks
    that are gone do not.
    """
    given = document.inputs.given or document.inputs
    digests = {**given.digests, "masks": masks.digest}
    annotations = document.annotations.on_other_masks(len(masks))
    return Document(replace(given, masks=masks, digests=digests), annotations)
