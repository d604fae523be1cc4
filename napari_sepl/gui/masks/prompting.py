"""SAM prompts on the canvas: points, boxes and labels become masks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.document.document import Document
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.layers.layers import line_width
from napari_sepl.gui.layers.overlays import Prompts
from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.gui.masks.making import DOWNLOAD_CANCELLED
from napari_sepl.gui.pointing import Pointing
from napari_sepl.proposals.maker import StoppedError
from napari_sepl.proposals.models import REGIONS, SamSettings
from napari_sepl.proposals.process import Remote
from napari_sepl.proposals.prompts import EmbeddingCache, open_prompter
from napari_sepl.proposals.weights import cache_folder

_READY = "Click on the object, Alt+click beside it, Shift+drag a box; Enter adds, Esc drops."

Preview = tuple[NDArray[np.bool_], float]


class Prompting:
    """Sends prompts on the open image to SAM, in another process.

    While it is on, the model embeds each image as it opens; earlier prompts wait for that.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the layers, the view and the background.
    pointing : Pointing
        Highlights no mask while prompts are given.
    show_model : callable
        Called with the model that was loaded, from any thread.

    Attributes
    ----------
    on : bool
        Whether the mouse gives prompts while the layer of prompts is active.
    prompts : Prompts
        The prompts given so far.
    """

    def __init__(
        self, context: ReviewContext, pointing: Pointing, show_model: Callable[[str], None]
    ) -> None:
        self._context = context
        self._pointing = pointing
        self._show_model = show_model
        self._remote: Remote | None = None
        self._choice: MaskChoice | None = None
        self._ready: Document | None = None
        self._asking = False
        self._answer: Preview | None = None
        self.on = False
        self.prompts = Prompts()

    # --- on and off

    def toggle(self) -> None:
        """Turn prompts on, with the chosen model, or off."""
        if self.on:
            self.switch_off()
        elif self._context.settled() is not None:
            self._switch_on(self._context.view.masks.choice)
        else:
            self._show("")

    def _switch_on(self, choice: MaskChoice) -> None:
        if choice.model == REGIONS:
            self._context.view.show_error(
                "Prompts need a SAM model: choose one of SAM's models under Masks."
            )
            self._show("")
            return
        self.on = True
        if self._choice is not None and _of_process(choice) != _of_process(self._choice):
            self._close()
        self._choice = choice
        self._context.layers.show_prompts()
        self._pointing.hover(-1, -1)
        self.image_opened()

    def switch_off(self) -> None:
        """Turn prompts off; the model stays loaded."""
        self.on = False
        self._forget()
        self._context.layers.hide_prompts()
        self._show("")

    def close(self) -> None:
        """Turn prompts off and end the process, if there is one."""
        self.on = False
        self._close()

    def image_opened(self) -> None:
        """Let the model embed the open image, and start with no prompts."""
        document, choice = self._context.document, self._choice
        if not self.on or document is None or choice is None:
            return
        self._forget()
        self._show(f"Computing image embedding ({choice.model})…")
        image = document.inputs.image
        self._context.background.run(
            "embed image", lambda: self._read(choice, image),
            lambda remark: self._use(remark, document), self._fail,
        )  # fmt: skip

    # --- prompts

    def point(self, row: float, col: float, *, on: bool) -> None:
        """Add a point on the object, or beside it."""
        now = self.prompts
        self._give(replace(now, points=(*now.points, (row, col)), labels=(*now.labels, on)))

    def box(self, top: float, left: float, bottom: float, right: float) -> None:
        """Put a box around the object."""
        self._give(replace(self.prompts, box=(top, left, bottom, right)))

    def refine(self) -> None:
        """Refine the outline of the current class with SAM."""
        document = self._context.settled()
        if document is None or not self.on:
            return
        region = document.resolved.labels == self._context.class_id
        if not region.any():
            self._context.view.show_info("The current class has no pixel to refine.")
            return
        rows, cols = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        box = (float(rows[0]), float(cols[0]), float(rows[-1]), float(cols[-1]))
        self._give(Prompts(box=box, region=region))

    def remove_last(self) -> bool:
        """Remove the last prompt; False if there was none."""
        now = self.prompts
        if not self.on or not now.given:
            return False
        if now.points:
            self._give(replace(now, points=now.points[:-1], labels=now.labels[:-1]))
        else:
            self._give(Prompts())
        return True

    def remove_prompts(self) -> None:
        """Remove all prompts."""
        if self.on:
            self._give(Prompts())
            self._show(_READY)

    def add_mask(self) -> None:
        """Add SAM's mask to the image's masks, selected for the current class."""
        document, answer = self._context.settled(), self._answer
        if document is None or not self.on:
            return
        if answer is None:
            self._context.view.show_info("There is no mask from SAM to add yet.")
            return
        if self._context.class_id == IGNORE:
            self._context.view.show_error(
                "Masks cannot be selected for ignore: choose another class."
            )
            return
        mask, rating = answer
        scores = MaskScores.from_records([{"predicted_iou": rating}])
        one = MaskSet.from_dense(mask[np.newaxis], scores=scores)
        try:
            document.add_prompted(one, self._context.class_id)
        except InputError as error:
            self._context.view.show_error(str(error))
            return
        self.remove_prompts()

    def _give(self, prompts: Prompts) -> None:
        """Draw prompts at once, and send them as soon as SAM is free."""
        self.prompts = prompts
        if not prompts.given:
            self._answer = None
        self._draw()
        self._ask()

    def _ask(self) -> None:
        document, prompts, remote = self._ready, self.prompts, self._remote
        if document is None or remote is None or self._asking or not prompts.given:
            return
        self._asking = True

        def done(answer: Preview) -> None:
            self._asking = False
            if self.prompts is prompts:
                self._answer = answer
                self._draw()
                self._show(f"SAM predicts an IoU of {answer[1]:.2f} for this mask. {_READY}")
            else:
                self._ask()

        def failed(error: SeplError) -> None:
            self._asking = False
            self._fail(error)

        work = _question(remote, prompts)
        self._context.background.run("ask SAM", work, done, failed)

    def _draw(self) -> None:
        document = self._context.document
        if document is not None:
            preview = None if self._answer is None else self._answer[0]
            line = line_width(document.inputs.shape)
            self._context.layers.prompts.show(self.prompts, preview, line)

    # --- off the window's thread

    def _read(self, choice: MaskChoice, image: NDArray[Any]) -> str:
        """Load the model if needed, and embed an image; return a remark, if any."""
        if self._remote is None:
            found = find_prompter(choice, self._show_download)
            self._remote = Remote(*found, opened=self._show_model)
        return str(self._remote.call("prepare", image))

    def _show_download(self, done: int, total: int) -> None:
        if not self.on:
            raise StoppedError(DOWNLOAD_CANCELLED)
        text = f"Downloading weights: {done >> 20:,} of {total >> 20:,} MB"
        self._context.background.post(lambda: self._show(text))

    # --- back on it

    def _use(self, remark: str, document: Document) -> None:
        if not self.on or self._context.document is not document:
            return
        self._ready = document
        if remark:
            self._context.view.show_error(remark)
        self._show(_READY)
        self._ask()

    def _fail(self, error: SeplError) -> None:
        self._close()
        if self.on:
            self.switch_off()
        self._context.show_failure(error)

    def _forget(self) -> None:
        self.prompts, self._answer, self._ready, self._asking = Prompts(), None, None, False
        self._draw()

    def _close(self) -> None:
        remote, self._remote = self._remote, None
        if remote is not None:
            remote.stop()

    def _show(self, text: str) -> None:
        self._context.view.prompts.show_prompting(on=self.on, text=text)
        self._context.view.show_mask(text)


def _question(remote: Remote, prompts: Prompts) -> Callable[[], Preview]:
    """Return a function that sends prompts to SAM, for another thread."""
    points = np.array(prompts.points).reshape(-1, 2)
    labels, box = np.array(prompts.labels, np.int64), prompts.box

    def ask() -> Preview:
        where = None if box is None else np.array(box)
        mask, rating = remote.call("predict", points, labels, where, prompts.region)
        return mask, rating

    return ask


def _of_process(choice: MaskChoice) -> MaskChoice:
    """Return a choice without what a loaded model does not depend on."""
    return replace(choice, guided=True, settings=SamSettings())


def find_prompter(
    choice: MaskChoice, progress: Callable[[int, int], None]
) -> tuple[Callable[..., Any], Any, str, EmbeddingCache]:
    """Return a function that opens a model for prompts, and its arguments.

    The weights are downloaded where needed; errors as of `MaskChoice.find_weights`.
    """
    cache = EmbeddingCache(cache_folder() / "embeddings")
    return open_prompter, choice.find_weights(progress), choice.device, cache
