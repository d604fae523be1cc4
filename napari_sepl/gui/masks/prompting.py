"""SAM's prompts on the canvas: points, boxes and labels become masks."""

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
from napari_sepl.gui.pointing import Pointing
from napari_sepl.proposals.maker import StoppedError
from napari_sepl.proposals.models import REGIONS, SamSettings, find_model
from napari_sepl.proposals.process import Remote
from napari_sepl.proposals.prompts import EmbeddingCache, open_prompter
from napari_sepl.proposals.weights import cache_folder, find_checkpoint

_READY = "Click on the object, Alt+click beside it, Shift+drag a box; Enter adds, Esc drops."

Preview = tuple[NDArray[np.bool_], float]


class Prompting:
    """Asks SAM about the image that is open, in a process of its own.

    While it is on, each image is read by the model as soon as it opens; prompts given before that
    are answered then.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the layers, the view and the background.
    pointing : Pointing
        Points at nothing while prompts are given.
    tell_model : callable
        Told which model was loaded, from any thread.

    Attributes
    ----------
    on : bool
        Whether the mouse gives prompts while the layer of prompts is active.
    prompts : Prompts
        What was given so far.
    """

    def __init__(
        self, context: ReviewContext, pointing: Pointing, tell_model: Callable[[str], None]
    ) -> None:
        self._context = context
        self._pointing = pointing
        self._tell_model = tell_model
        self._remote: Remote | None = None
        self._choice: MaskChoice | None = None
        self._ready: Document | None = None
        self._asking = False
        self._answer: Preview | None = None
        self.on = False
        self.prompts = Prompts()

    # --- on and off

    def prompt(self) -> None:
        """Take prompts from now on, with the model that is chosen, or no longer."""
        if self.on:
            self.switch_off()
        elif self._context.settled() is not None:
            self._switch_on(self._context.view.masks.choice)
        else:
            self._show("")

    def _switch_on(self, choice: MaskChoice) -> None:
        if choice.model == REGIONS:
            self._context.view.warn(
                "Regions know no prompts: choose one of SAM's models under Masks."
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
        """Take no prompts any more; the model stays loaded for the next time."""
        self.on = False
        self._forget()
        self._context.layers.hide_prompts()
        self._show("")

    def close(self) -> None:
        """End the process, if there is one."""
        self.on = False
        self._close()

    def image_opened(self) -> None:
        """Let the model read the image that is open; its prompts are new ones."""
        document, choice = self._context.document, self._choice
        if not self.on or document is None or choice is None:
            return
        self._forget()
        self._show(f"{choice.model} reads the image…")
        image = document.inputs.image
        self._context.background.run(
            "read image", lambda: self._read(choice, image),
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

    def snap(self) -> None:
        """Start from the region of the current class: SAM redraws its outline."""
        document = self._context.settled()
        if document is None or not self.on:
            return
        region = document.resolved.labels == self._context.class_id
        if not region.any():
            self._context.view.tell("The current class has no pixel here to start from.")
            return
        rows, cols = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        box = (float(rows[0]), float(cols[0]), float(rows[-1]), float(cols[-1]))
        self._give(Prompts(box=box, region=region))

    def back(self) -> bool:
        """Take back the last prompt; False if there was none."""
        now = self.prompts
        if not self.on or not now.given:
            return False
        if now.points:
            self._give(replace(now, points=now.points[:-1], labels=now.labels[:-1]))
        else:
            self._give(Prompts())
        return True

    def drop(self) -> None:
        """Take back all prompts."""
        if self.on:
            self._give(Prompts())
            self._show(_READY)

    def add(self) -> None:
        """Add the mask to the image's masks, taken for the current class."""
        document, answer = self._context.settled(), self._answer
        if document is None or not self.on:
            return
        if answer is None:
            self._context.view.tell("There is no mask of SAM's to add yet.")
            return
        if self._context.class_id == IGNORE:
            self._context.view.warn("Masks cannot be selected for ignore: choose another class.")
            return
        mask, rating = answer
        scores = MaskScores.from_records([{"predicted_iou": rating}])
        one = MaskSet.from_dense(mask[np.newaxis], scores=scores)
        try:
            document.add_prompted(one, self._context.class_id)
        except InputError as error:
            self._context.view.warn(str(error))
            return
        self.drop()

    def _give(self, prompts: Prompts) -> None:
        """Draw prompts at once, and ask about them as soon as SAM is free."""
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
                self._show(f"{answer[1]:.2f} is the IoU that SAM expects of this mask. {_READY}")
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
        """Load the model where it is not, and let it read an image; return a remark, if any."""
        if self._remote is None:
            found = find_prompter(choice, self._tell_bytes)
            self._remote = Remote(*found, opened=self._tell_model)
        return str(self._remote.call("prepare", image))

    def _tell_bytes(self, there: int, total: int) -> None:
        if not self.on:
            raise StoppedError("The fetching of weights was stopped; it goes on from here.")
        text = f"fetching weights: {there >> 20:,} of {total >> 20:,} MB"
        self._context.background.post(lambda: self._show(text))

    # --- back on it

    def _use(self, remark: str, document: Document) -> None:
        if not self.on or self._context.document is not document:
            return
        self._ready = document
        if remark:
            self._context.view.warn(remark)
        self._show(_READY)
        self._ask()

    def _fail(self, error: SeplError) -> None:
        self._close()
        if self.on:
            self.switch_off()
        tell = self._context.view.tell if isinstance(error, StoppedError) else None
        (tell or self._context.view.warn)(str(error))

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
    """Return what asks about prompts; for a thread beside the window's."""
    points = np.array(prompts.points).reshape(-1, 2)
    labels, box = np.array(prompts.labels, np.int64), prompts.box

    def ask() -> Preview:
        where = None if box is None else np.array(box)
        mask, rating = remote.call("predict", points, labels, where, prompts.region)
        return mask, rating

    return ask


def _of_process(choice: MaskChoice) -> MaskChoice:
    """Return what of a choice a loaded model depends on."""
    return replace(choice, guided=True, settings=SamSettings())


def find_prompter(
    choice: MaskChoice, told: Callable[[int, int], None]
) -> tuple[Callable[..., Any], Any, str, EmbeddingCache]:
    """Return what opens a model for prompts and with what, fetching its weights.

    Raises
    ------
    MissingPackageError, DownloadError, InputError, SaveError
        If a package or the weights are not to be had.
    """
    model = find_model(choice.model)
    model.require()
    checkpoint = find_checkpoint(model, choice.checkpoint, told)
    cache = EmbeddingCache(cache_folder() / "embeddings")
    return open_prompter, checkpoint, choice.device, cache
