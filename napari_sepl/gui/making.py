"""Making masks for the image that is open, in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sepl.core.errors import SeplError
from napari_sepl.core.masks import MaskSet
from napari_sepl.document.document import Document
from napari_sepl.files.masks import write_masks
from napari_sepl.gui.opened import Opened
from napari_sepl.proposals.checkpoints import fetch_checkpoint, own_checkpoint
from napari_sepl.proposals.device import AUTO
from napari_sepl.proposals.errors import StoppedError
from napari_sepl.proposals.models import REGIONS, find_model
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.progress import Progress
from napari_sepl.proposals.regions import RegionMasks
from napari_sepl.proposals.sam import open_sam
from napari_sepl.proposals.settings import find_preset

if TYPE_CHECKING:
    from napari_sepl.gui.controller import Controller


@dataclass(frozen=True)
class MaskChoice:
    """What to make masks with.

    Parameters
    ----------
    model : str
        A model's name, or "regions".
    checkpoint : Path, optional
        The user's own weights; the published ones are fetched if left out.
    preset : str
        Names the generator's settings.
    device : str
        "auto", "cuda", "cuda:N", "mps" or "cpu".
    guided : bool
        Ask only about points in and near the pseudo-labels.
    """

    model: str = REGIONS
    checkpoint: Path | None = None
    preset: str = "paper"
    device: str = AUTO
    guided: bool = True


class Making:
    """Makes masks of one image at a time; the model stays loaded for the next one.

    Parameters
    ----------
    controller : Controller
        Has the document, the view and the background.
    """

    def __init__(self, controller: "Controller") -> None:
        self._controller = controller
        self._remote: Remote | None = None
        self._ready: MaskChoice | None = None
        self._under_way = False
        self._cancelled = False

    def start(self, choice: MaskChoice) -> None:
        """Make masks for the image that is open, and use them in place of those it has."""
        controller = self._controller
        document = controller.settled()
        if document is None or self._under_way:
            return
        if controller.in_dataset:
            controller.view.warn(
                "The masks of a dataset are files: make them with the command napari-sepl masks, "
                "then open the dataset again."
            )
            return
        self._under_way, self._cancelled = True, False
        mark = document.history.mark
        controller.view.show_making(0, 1, f"masks by {choice.model}")
        controller.background.run(
            "make masks",
            lambda: self._make(choice, document),
            lambda opened: self._use(opened, document, mark),
            self._fail,
        )

    def cancel(self) -> None:
        """Stop at once; the image keeps the masks it has."""
        self._cancelled = True
        if self._remote is not None:
            self._remote.stop()

    def save(self, path: Path) -> None:
        """Write the masks of the image that is open as segment-anything's amg.py does."""
        document, view = self._controller.document, self._controller.view
        if document is not None:
            masks = document.inputs.masks
            self._controller.background.run(
                "save masks",
                lambda: write_masks(path, masks),
                lambda _: view.tell(f"Saved: {path}"),
                lambda error: view.warn(str(error)),
            )

    def close(self) -> None:
        """End the process that makes masks, if there is one."""
        self.cancel()

    # --- off the window's thread

    def _make(self, choice: MaskChoice, document: Document) -> Opened:
        remote = self._open(choice)
        if self._cancelled:
            raise StoppedError("The making of masks was stopped.")
        inputs = document.inputs
        pseudo = inputs.pseudo if choice.guided else None
        masks = RemoteMasks(remote).make(inputs.image, pseudo, self._tell)
        return Opened.around(with_masks(document, masks))

    def _open(self, choice: MaskChoice) -> Remote:
        """Return the process for a choice: the one that is there, or a new one."""
        same = self._ready is not None and replace(self._ready, guided=choice.guided) == choice
        if self._remote is not None and same:
            return self._remote
        if self._remote is not None:
            self._remote.stop()
        factory: Callable[..., Any] = RegionMasks
        arguments: tuple[object, ...] = ()
        if choice.model != REGIONS:
            model = find_model(choice.model)
            model.require()
            checkpoint = (
                own_checkpoint(model, choice.checkpoint)
                if choice.checkpoint is not None
                else fetch_checkpoint(model, told=self._tell_bytes)
            )
            settings = find_preset(choice.preset).settings
            factory, arguments = open_sam, (checkpoint, choice.device, settings)
        self._remote, self._ready = Remote(factory, *arguments), choice
        return self._remote

    def _tell(self, progress: Progress) -> None:
        if self._cancelled:  # just before the process was asked
            raise StoppedError("The making of masks was stopped.")
        view = self._controller.view
        if progress.message:
            self._controller.background.post(lambda: view.tell(progress.message))
        self._show(progress.done, progress.total, "making masks")

    def _tell_bytes(self, there: int, total: int) -> None:
        if self._cancelled:
            raise StoppedError("The fetching of weights was stopped; it goes on from here.")
        self._show(there // 2**20, total // 2**20, "fetching weights (MB)")

    def _show(self, done: int, total: int, what: str) -> None:
        view = self._controller.view
        self._controller.background.post(lambda: view.show_making(done, total, what))

    # --- back on it

    def _use(self, opened: Opened, document: Document, mark: int) -> None:
        self._end()
        controller = self._controller
        if controller.settled() is not document or document.history.mark != mark:
            controller.view.warn(
                "The image was changed or left meanwhile, and keeps the masks it had."
            )
            return
        count = len(opened.document.inputs.masks)
        controller.replace_document(opened)
        controller.view.tell(f"{count:,} masks were made. Save them under Masks to use them again.")

    def _fail(self, error: SeplError) -> None:
        self._end()
        tell = self._controller.view.tell if isinstance(error, StoppedError) else None
        (tell or self._controller.view.warn)(str(error))

    def _end(self) -> None:
        self._under_way = False
        self._controller.view.show_making(0, 0, "")


def with_masks(document: Document, masks: MaskSet) -> Document:
    """Return a new document of the same image with other masks.

    Settings, strokes and protected classes stay; decisions on the masks that are gone do not.
    """
    inputs = document.inputs
    digests = {**inputs.digests, "masks": masks.digest}
    said = document.said.having(overrides={})
    return Document(replace(inputs, masks=masks, digests=digests), said)
