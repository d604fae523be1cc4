"""Comparing labels with pseudo-labels and ground truth on the canvas."""

from dataclasses import dataclass

from napari.layers import Labels
from psygnal import Signal

from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.layers.drawing import set_if_new


@dataclass(frozen=True)
class _Look:
    """How a layer looked before the swipe.

    The contour is None for our own layer, whose lines follow the size of the image.
    """

    layer: Labels
    contour: int | None
    opacity: float
    visible: bool


class Comparing:
    """Swap, swipe, and the layers with a value for each pixel.

    The swipe shows the pseudo-labels left of a divider and the enhanced labels right of it. No
    layer is written: two layers are clipped at the divider when they are drawn.

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

    def swap(self) -> None:
        """Show the pseudo-labels in place of the enhanced labels, or back."""
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
            self._show_swipe()
            return
        if not self._context.layers.enhanced.visible:
            self.swap()
        self.swiping = True
        self._fill_pseudo()
        self._show_swipe()

    def stop_swipe(self) -> None:
        """Turn the swipe off, and restore the look of the pseudo-labels."""
        if self.swiping:
            self.swiping = False
            self._restore_pseudo()
            self._show_swipe()

    def move_divider(self, col: float) -> None:
        """Move the divider to the border before a column, or as near as the image reaches."""
        width = self._context.layers.shown.shape[1]
        before = self.divider
        self._share = min(max(col / width, 0.0), 1.0)
        if self.divider != before:
            self.changed.emit()

    def image_opened(self) -> None:
        """Swipe another image; the divider stays at its share of the width."""
        if self.swiping:
            if self._look is not None and self._look.layer is not self._context.layers.pseudo:
                self._restore_pseudo()
            self._fill_pseudo()
            self.changed.emit()

    def _fill_pseudo(self) -> None:
        """Draw the pseudo-labels as the enhanced labels are drawn."""
        layers = self._context.layers
        pseudo = layers.pseudo
        if self._look is None:
            contour = pseudo.contour if pseudo in layers.given else None
            self._look = _Look(pseudo, contour, pseudo.opacity, pseudo.visible)
        layers.fill_pseudo(filled=True)
        set_if_new(pseudo, "opacity", layers.enhanced.opacity)
        set_if_new(pseudo, "visible", True)

    def _restore_pseudo(self) -> None:
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

    def _show_swipe(self) -> None:
        self._context.view.compare.show_swipe(on=self.swiping)
        self.changed.emit()

    # --- layers with a value for each pixel

    def label_source(self) -> None:
        """Show or hide the label source of each pixel."""
        self._context.layers.toggle_overlay("label_source")

    def difference(self) -> None:
        """Show or hide how labels differ from the pseudo-labels."""
        self._context.layers.toggle_overlay("difference")

    def errors(self) -> None:
        """Show or hide how labels differ from the ground truth."""
        document = self._context.document
        if document is not None and document.inputs.truth is None:
            self._context.view.show_info(
                f"There is no ground truth for {document.inputs.sample_id}."
            )
            return
        self._context.layers.toggle_overlay("errors")
