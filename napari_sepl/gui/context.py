"""The context that each feature of the window gets."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.masks.outlines import MaskOutlines
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.gui.layers.layers import ReviewLayers, line_width
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background
from napari_sepl.proposals.maker import StoppedError

if TYPE_CHECKING:
    from napari.components import ViewerModel


@dataclass(frozen=True, eq=False)
class Prepared:
    """A document and the outlines of its masks, ready to be shown.

    Made off the window's thread.
    """

    document: Document
    outlines: MaskOutlines

    @classmethod
    def of(cls, inputs: Inputs, params: Params) -> "Prepared":
        """Return a new document of an image, prepared."""
        return cls.around(Document(inputs, Annotations(params)))

    @classmethod
    def around(cls, document: Document) -> "Prepared":
        """Return a document, prepared."""
        inputs = document.inputs
        _ = inputs.overlap.nests  # takes 0.2 s at 4096², which the strategy `tree` needs
        _ = inputs.overlap.input_shares  # needed by the diagnosis
        return cls(document, MaskOutlines.of(inputs.masks, line_width(inputs.shape)))

    @property
    def nbytes(self) -> int:
        """Estimated memory use in bytes."""
        inputs = self.document.inputs
        maps = 6 * inputs.pseudo.nbytes  # pseudo twice, enhanced, final, overlay
        if inputs.scores is not None:
            maps += inputs.scores.nbytes
        return inputs.image.nbytes + maps + inputs.masks.nbytes + self.outlines.positions.nbytes


class ReviewContext:
    """What a feature of the window gets.

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
    view : View
        The current panels; others after the widget was closed and opened again.
    layers : ReviewLayers
        The layers.
    document : Document or None
        The image that is open.
    """

    def __init__(self, viewer: "ViewerModel", view: View, background: Background) -> None:
        self.view = view
        self.background = background
        self.layers = ReviewLayers(viewer)
        self.document: Document | None = None

    def show_failure(self, error: SeplError) -> None:
        """Show why the work in progress failed; a cancelled one is no error."""
        self.view.show_busy("")
        show = self.view.show_info if isinstance(error, StoppedError) else self.view.show_error
        show(str(error))

    def settled(self) -> Document | None:
        """Absorb any stroke on screen and return the document; None if none is open."""
        document = self.document
        if document is None:
            return None
        try:
            blocked = document.absorb(self.layers.shown)
        except InputError as error:
            self.view.show_error(f"{error} The stroke was undone.")
            self.layers.show(document.resolved)
            return document
        if blocked:
            self.layers.show(document.resolved)
            self.view.show_info(f"{blocked:,} pixels of locked classes stay as they are.")
        return document

    @property
    def class_id(self) -> int:
        """The current class: the one to paint and select with."""
        return int(self.layers.enhanced.selected_label)

    def choose_class(self, class_id: int) -> None:
        """Make this the current class."""
        self.layers.enhanced.selected_label = class_id
