"""Comparing the enhanced labels with the pseudo-labels and the truth, on the canvas."""

from dataclasses import dataclass

from napari.layers import Labels
from psygnal import Signal

from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.layers.drawing import set_if_new


@dataclass(frozen=True)
class _Look:
    """How a layer looked before the swipe.

    Its contour is None for our own layer, whose lines follow the size of the image.
    """

    layer: Labels
    contour: int | None
    opacity: float
    visible: bool


class Comparing:
    """Swap, swipe, and the layers that tell something of each pixel.

    The swipe shows the pseudo-labels left of a divider and the enhanced labels right of it. It
    writes into no layer: two layers are cut at the divider as they are drawn.

    Parameters
    ----------
    context : ReviewContext
        Has the layers and the view.

    Attributes
    ----------
    swiping : bool
        Whether the swipe is on.
    changed : Signal
        Emitted when the swipe was turned on or off, its divider moved, or the image changed.
    """

    changed = Signal()

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._share = 0.5
        self._look: _Look | None = None
        self.swiping = False

    # --- swap

    def compare(self) -> None:
        """Show the pseudo-labels in place of the enhanced ones, or the other way round."""
        self.stop_swipe()
        layers = self._context.layers
        layers.enhanced.visible = not layers.enhanced.visible
        layers.fill_pseudo(filled=not layers.enhanced.visible)
        layers.pseudo.visible = True

    # --- swipe

    @property
    def divider(self) -> int:
        """The first column of the enhanced labels: 0 up to the width of the image."""
        width: int = self._context.layers.shown.shape[1]
        return round(self._share * width)

    def swipe(self) -> None:
        """Turn the swipe on or off."""
        if self.swiping:
            self.stop_swipe()
            return
        if self._context.document is None:
            self._tell()
            return
        if not self._context.layers.enhanced.visible:
            self.compare()
        self.swiping = True
        self._dress()
        self._tell()

    def stop_swipe(self) -> None:
        """Turn the swipe off; the pseudo-labels look as they did before."""
        if self.swiping:
            self.swiping = False
            self._undress()
            self._tell()

    def move_divider(self, col: float) -> None:
        """Move the divider to the border before a column, or as near as the image reaches."""
        width = self._context.layers.shown.shape[1]
        before = self.divider
        self._share = min(max(col / width, 0.0), 1.0)
        if self.divider != before:
            self.changed.emit()

    def image_opened(self) -> None:
        """Go on with another image; the divider stays at its share of the width."""
        if self.swiping:
            if self._look is not None and self._look.layer is not self._context.layers.pseudo:
                self._undress()
            self._dress()
            self.changed.emit()

    def _dress(self) -> None:
        """Draw the pseudo-labels as the enhanced ones are drawn."""
        layers = self._context.layers
        pseudo = layers.pseudo
        if self._look is None:
            contour = pseudo.contour if pseudo in layers.given else None
            self._look = _Look(pseudo, contour, pseudo.opacity, pseudo.visible)
        layers.fill_pseudo(filled=True)
        set_if_new(pseudo, "opacity", layers.enhanced.opacity)
        set_if_new(pseudo, "visible", True)

    def _undress(self) -> None:
        look, self._look = self._look, None
        layers = self._context.layers
        layers.fill_pseudo(filled=False)
        if look is None:
            return
        if look.contour is not None:
            set_if_new(look.layer, "contour", look.contour)
        set_if_new(look.layer, "opacity", look.opacity)
        if look.layer is layers.pseudo:  # else it is hidden, for another image is shown
            set_if_new(look.layer, "visible", look.visible)

    def _tell(self) -> None:
        self._context.view.compare.show_swipe(on=self.swiping)
        self.changed.emit()

    # --- what is told of each pixel

    def where_from(self) -> None:
        """Show or hide where each pixel's label came from."""
        self._context.layers.per_pixel.toggle("where_from")

    def difference(self) -> None:
        """Show or hide how labels differ from the pseudo-labels."""
        self._context.layers.per_pixel.toggle("difference")

    def errors(self) -> None:
        """Show or hide how labels differ from the truth."""
        document = self._context.document
        if document is not None and document.inputs.truth is None:
            self._context.view.tell(f"{document.inputs.sample_id} has no truth to compare with.")
            return
        self._context.layers.per_pixel.toggle("errors")
