"""The controller: opens images, and passes on what a person does."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer
from psygnal import Signal

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import of_one_sample
from napari_sepl.document.document import Document
from napari_sepl.document.edits import Edit, InputsChoice
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.samples import Sample
from napari_sepl.gui.comparing import Comparing
from napari_sepl.gui.context import Prepared, ReviewContext
from napari_sepl.gui.correcting import Cleaning, Superpixels
from napari_sepl.gui.diagnosing import Diagnosing
from napari_sepl.gui.masks.making import Making
from napari_sepl.gui.masks.prompting import Prompting
from napari_sepl.gui.pointing import Pointing
from napari_sepl.gui.recording import Recording
from napari_sepl.gui.saving import SaveTarget, Saving
from napari_sepl.gui.showing import Showing
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.review.one_image import OneImage

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Controller:
    """Connects one viewer, one view and the document that is open.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers go.
    view : View
        The panels.
    background : Background
        Where slow work runs.

    Attributes
    ----------
    context : ReviewContext
        What each feature of the window gets.
    stepped : Signal
        Emitted with the document, "do", "undo" or "redo", and the edit.
    panels_toggled : Signal
        Emitted with all collapsible panels by name, and whether each is open, when one was
        opened or closed.
    """

    stepped = Signal(Document, str, object)
    panels_toggled = Signal(dict)

    def __init__(self, viewer: "ViewerModel", view: View, background: Background) -> None:
        context = self.context = ReviewContext(viewer, view, background)
        self._gesture = token_hex(8)
        self._dragging = False
        self.saving = Saving(context)
        self.recording = Recording(context, self.saving)
        self.pointing = Pointing(context)
        self.superpixels = Superpixels(context)
        self.cleaning = Cleaning(context)
        self.making = Making(context, self.replace_document)
        self.prompting = Prompting(context, self.pointing, self.making.show_model)
        self.comparing = Comparing(context)
        self.showing = Showing(context, self.saving)
        self.diagnosing = Diagnosing(context, self.pointing)
        self._open_again: Callable[[], None] = lambda: None
        self.saving.refused.connect(self._read_again)
        self.stepped.connect(self.recording.take_step)
        self.showing.followed.connect(self.pointing.follow)
        self.showing.followed.connect(self.diagnosing.follow)

    def attach(self, view: View) -> None:
        """Show everything in another view from now on."""
        self.context.view = view
        self.showing.show_all()
        view.compare.show_swipe(on=self.comparing.swiping)

    def window_closed(self, view: View) -> None:
        """Stop all work for a view that was closed, unless another view replaced it."""
        if self.context.view is view:
            self.making.close()
            self.prompting.close()
            self.context.background.stop()

    # --- opening

    def open(
        self,
        read: Callable[[], Inputs],
        *,
        params: Params | None = None,
        folder: Path | None = None,
        sample: Sample | None = None,
        given: Collection[Layer] = (),
    ) -> None:
        """Read an image in the background and show it.

        Parameters
        ----------
        read : callable
            Returns the Inputs; may raise SeplError, which is shown to the user.
        params : Params, optional
            Settings to start from.
        folder : Path, optional
            Where accepted labels go; asked for at the first save if left out.
        sample : Sample, optional
            The files that are read, which saving must not write over; none for layers.
        given : collection of Layer
            Layers of the user's own that hold the image and the pseudo-labels.
        """
        recording, files = self.recording, [] if sample is None else sample.files
        open_record = recording.opener(sample, folder, params or Params())
        self._open_again = partial(
            self.open, read, params=params, folder=folder, sample=sample, given=given
        )

        def show(opened: tuple[OneImage | None, Prepared]) -> None:
            self.context.view.show_busy("")
            one, prepared = opened
            if one is not None and recording.holds(one):  # the image that is open, once more
                one.close()
                recording.close()
                self._open_again()
                return
            if one is None:
                self.show(prepared, SaveTarget(folder, files), given=given)
                return
            recording.start(one)
            recording.open(0, prepared.document)
            prepared.document.refusal = one.refusal
            self.show(prepared, recording.target_of(0), given=given)
            one.arrive(0, prepared.document)
            if one.refusal:
                self.context.view.show_error(one.refusal)
            elif one.disk:
                self.context.view.show_info(one.disk)

        def prepare() -> tuple[OneImage | None, Prepared]:
            with of_one_sample(next(iter(files), "image")):
                one, document = open_record(read())
                return one, Prepared.around(document)

        self.context.view.show_busy("reading…")
        self.context.background.run("open", prepare, show, self.context.show_failure)

    def _read_again(self, document: Document) -> None:
        """Read the image that is open alone again: its files changed."""
        if document is self.context.document and self.recording.is_alone:
            self.recording.close()
            self._open_again()

    def show(
        self, prepared: Prepared, target: SaveTarget, *, given: Collection[Layer] = ()
    ) -> None:
        """Show an image that was prepared.

        Parameters
        ----------
        prepared : Prepared
            The image.
        target : SaveTarget
            Where its labels go.
        given : collection of Layer
            As for `open`.
        """
        self.context.settled()
        self.saving.target = target
        if self.context.document is not None:
            self.context.document.stepped.disconnect(self._on_stepped)
        document = self.context.document = prepared.document
        self.pointing.forget()
        fits = self.context.layers.shown.shape == document.inputs.shape
        self.context.layers.open(document.inputs, document.resolved, prepared.outlines, given)
        if not fits:
            self.context.layers.fit_view()
        self._select_label(document)
        self.comparing.image_opened()
        self.showing.watch(document)
        document.stepped.connect(self._on_stepped)
        self.recording.show_outdated()
        self.superpixels.prepare()
        self.prompting.image_opened()

    def replace_document(self, prepared: Prepared) -> None:
        """Show the image that is open with other masks; where it is saved stays the same."""
        if self.recording.row is not None:
            self.recording.open(self.recording.row, prepared.document)
        self.show(prepared, self.saving.target, given=self.context.layers.given)

    def _select_label(self, document: Document) -> None:
        """Make the largest class the current class."""
        areas = document.inputs.overlap.seeds.areas
        if len(areas):
            self.context.choose_class(int(document.inputs.overlap.class_ids[np.argmax(areas)]))

    # --- what a person does

    def set_params(self, params: Params, *, dragging: bool = False) -> None:
        """Change the settings; all moves of one drag become one step of the history."""
        # While a slider is dragged the mouse cannot paint: only its first move looks for strokes.
        document = self.context.document if self._dragging else self.context.settled()
        if document is None:
            return
        self._dragging = dragging
        document.set_params(params, gesture=self._gesture if dragging else None)

    def set_thresholds(self, *, dragging: bool = False, **thresholds: float) -> None:
        """Change thresholds, by name, from outside the sliders, which follow."""
        if self.context.document is not None:
            params = self.context.document.params.model_copy(update=thresholds)
            self.set_params(params, dragging=dragging)
            self.context.view.params.show_params(params)

    def end_drag(self) -> None:
        """End a drag: the next move is a new step of the history."""
        self._gesture = token_hex(8)
        self._dragging = False

    def stroke_ended(self) -> None:
        """Absorb a stroke as soon as napari has written it."""
        self.context.background.later("stroke", 0, self.context.settled)

    def undo(self) -> None:
        """Remove the last prompt, or else undo the last step."""
        if not self.prompting.remove_last():
            self._walk_history(Document.undo)

    def redo(self) -> None:
        """Redo the last undone step."""
        self._walk_history(Document.redo)

    def go_to(self, position: int) -> None:
        """Undo or redo until `position` steps are done."""
        self._walk_history(lambda document: document.go_to(position))

    def _walk_history(self, walk: Callable[[Document], object]) -> None:
        document = self.context.settled()
        if document is not None and walk(document) is not None:
            self.context.view.params.show_params(document.params)

    def lock(self, class_id: int, lock: bool) -> None:
        """Lock the pixels of a class, or unlock them."""
        document = self.context.settled()
        if document is not None:
            document.lock(class_id, lock=lock)

    def choose_inputs(self, choice: InputsChoice) -> None:
        """Do what a person chose for the open sample, whose inputs changed since its review."""
        self.recording.choose_inputs(choice)
        if self.context.document is not None:
            self.context.view.params.show_params(self.context.document.params)

    def save_copy(self) -> None:
        """Write the labels as shown to a file of the user's choice."""
        document = self.context.settled()
        if document is not None:
            self.saving.save_copy(document)

    def accept(self) -> None:
        """Write the labels as shown; then the sample is accepted."""
        document = self.context.settled()
        if document is not None:
            self.saving.accept(document)

    def save_masks(self) -> None:
        """Ask for a JSON file, and write the masks of the open image to it."""
        document = self.context.document
        if document is not None:
            path = self.context.view.ask_masks_file(document.inputs.sample_id)
            if path is not None:
                self.making.save(path, self.saving.target.inputs)

    def toggle_outlines(self) -> None:
        """Show or hide the mask outlines."""
        self.context.layers.masks.visible = not self.context.layers.masks.visible

    def ask_class(self) -> None:
        """Ask for the class to paint and select with."""
        document = self.context.document
        if document is not None:
            class_id = self.context.view.ask_class(document.inputs.classes, self.context.class_id)
            if class_id is not None:
                self.context.choose_class(class_id)

    def hide_classes(self, hidden: frozenset[int]) -> None:
        """Show all classes but these."""
        if self.context.document is not None:
            self.context.layers.show_colours(self.context.document.inputs, hidden)

    def _on_stepped(self, kind: str, edit: Edit) -> None:
        if self.context.document is not None:
            self.stepped.emit(self.context.document, kind, edit)
