"""The layers of one image: made once, then written in place."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_sepl.core.algorithm.assignment import Assignment
from napari_sepl.core.labels.pixels import Box, copy_changes
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.outlines import MaskOutlines
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.layers.drawing import (
    REJECTED,
    displayable,
    label_colours,
    label_layer,
    outline_colours,
    redraw,
    set_if_new,
    show_labels,
)
from napari_sepl.gui.layers.overlays import HeatLayer, Highlight, PromptLayer
from napari_sepl.gui.layers.per_pixel import PixelLayers

if TYPE_CHECKING:
    from napari.components import ViewerModel

_DASH = 4
"""Length of the dashes of an outline, in line widths."""

_PIXELS_PER_LINE = 500
"""One pixel of outline width for so many pixels of image, so that lines stay visible."""


def line_width(shape: tuple[int, int]) -> int:
    """Return the width of mask outlines for an image of this size, in pixels."""
    return max(1, round(max(shape) / _PIXELS_PER_LINE))


class ReviewLayers:
    """Image, pseudo-labels, masks, ground truth and enhanced labels as napari layers.

    Layers are identified by object, never by name, and stay from image to image. A layer that the
    user removed returns with the next change. Overlays are in the list only while they are shown.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers go.
    """

    def __init__(self, viewer: "ViewerModel") -> None:
        self._viewer = viewer
        self._own_image: Image | None = None
        self._own_pseudo = label_layer("pseudo (CAM)", opacity=0.9)
        self.image: Image | None = None
        self.pseudo = self._own_pseudo
        self.truth = label_layer("ground truth", opacity=0.6)
        self.enhanced = label_layer("enhanced", opacity=0.55)
        self.masks = label_layer("masks", opacity=0.8)
        self.per_pixel = PixelLayers()
        self._filled = False
        self.heat = HeatLayer()
        self.highlight = Highlight()
        self.prompts = PromptLayer()
        self._prompting = False
        self._stale = False  # whether the thumbnail of the pseudo-labels is
        self._outlines = MaskOutlines(np.zeros(0, np.int32), np.zeros(1, np.int64))
        self._outlined = np.zeros(0, np.int16)
        self._line = 1
        self._traced: MaskSet | None = None
        self.given: tuple[Layer, ...] = ()
        self._coloured: object = None
        self.in_use: list[Layer] = []
        self._overlays: list[Layer] = []

    def open(
        self,
        inputs: Inputs,
        resolved: Resolved,
        outlines: MaskOutlines,
        given: Collection[Layer] = (),
    ) -> None:
        """Show another image.

        Parameters
        ----------
        inputs, resolved : Inputs, Resolved
            What to show.
        outlines : MaskOutlines
            Traced from the same masks.
        given : collection of Layer
            The user's own layers of the image and the pseudo-labels, which are shown in place of
            ours.
        """
        image = next((layer for layer in given if isinstance(layer, Image)), None)
        pseudo = next((layer for layer in given if isinstance(layer, Labels)), None)
        self.pseudo = pseudo or self._own_pseudo
        if pseudo is None:
            show_labels(self.pseudo, inputs.pseudo)
            self.fill_pseudo(filled=self._filled)
        show_labels(self.enhanced, resolved.labels)
        self._outlines, self._line = outlines, line_width(inputs.shape)
        self._traced = inputs.masks
        self._outlined = _outline_values(resolved.assignment)
        drawn = np.zeros(inputs.shape, np.uint8)
        self._draw_outlines(drawn, np.arange(len(inputs.masks)), self._outlined)
        show_labels(self.masks, drawn)
        self.highlight.open(inputs.shape)
        per_pixel = self.per_pixel.open(inputs)
        on_top = [self.pseudo, self.masks, *per_pixel, self.highlight.layer]
        if self._prompting:
            on_top.append(self.prompts.layer)
        self.prompts.open(inputs.shape)
        self.image = image or self._show_image(inputs)  # last: the axes follow it
        in_use = [self.image, self.enhanced, *on_top]
        if inputs.truth is not None:
            show_labels(self.truth, inputs.truth)
            set_if_new(self.truth, "visible", self.truth.visible and self.truth in self.in_use)
            in_use.insert(1, self.truth)
        self.heat.open(inputs.scores, int(self.enhanced.selected_label))
        if inputs.scores is not None:
            in_use.insert(1, self.heat.layer)
        self._overlays = [*per_pixel, self.heat.layer]
        self._use(in_use)
        self.given = tuple(given)
        for layer in (self.pseudo, self.truth, self.masks):
            set_if_new(layer, "editable", False)
        self.show_colours(inputs)
        active = self._viewer.layers.selection.active
        self._viewer.layers.selection.active = (
            active if self._prompting and active is self.prompts.layer else self.enhanced
        )

    def fit_view(self) -> None:
        """Fit the image to the canvas.

        Only visible layers are fitted, as a hidden one has the extent of its last image until it is
        shown. Fitting one layer takes a sixth of the time of all.
        """
        layers = [layer for layer in self._viewer.layers if layer.visible]
        flat = self._viewer.dims.ndim == 2 and self.image is not None
        self._viewer.fit_to_view(layers=[self.image] if flat else layers)

    def fill_pseudo(self, *, filled: bool) -> None:
        """Draw the pseudo-labels filled or as lines."""
        self._filled = filled
        width = 0 if filled else 2 * line_width(self.pseudo.data.shape)
        set_if_new(self.pseudo, "contour", width)

    def show_prompts(self) -> None:
        """Put the layer of prompts on top and make it active."""
        self._prompting = True
        self.prompts.open(self.shown.shape)
        if self.prompts.layer not in self.in_use:
            self.in_use.append(self.prompts.layer)
        self.restore()
        self._viewer.layers.selection.active = self.prompts.layer

    def hide_prompts(self) -> None:
        """Remove the layer of prompts."""
        self._prompting = False
        if self.prompts.layer in self.in_use:
            self.in_use.remove(self.prompts.layer)
        if self.prompts.layer in self._viewer.layers:
            self._viewer.layers.remove(self.prompts.layer)
            self._viewer.layers.selection.active = self.enhanced

    def toggle_overlay(self, name: str) -> None:
        """Show one overlay with a value for each pixel in place of the others, or hide it."""
        self.per_pixel.toggle(name)
        self.restore()

    def show(self, resolved: Resolved) -> None:
        """Update the enhanced layer where labels differ."""
        self.restore()
        box = copy_changes(resolved.labels, self.enhanced.data)
        if box is not None:
            redraw(self.enhanced, box)

    def show_pseudo(self, inputs: Inputs) -> None:
        """Update the pseudo-labels after a change of the background's value."""
        box = copy_changes(inputs.pseudo, self.pseudo.data) if inputs.scores is not None else None
        if box is not None:
            redraw(self.pseudo, box)
            self._stale = True

    def show_outlines(self, inputs: Inputs, assignment: Assignment) -> None:
        """Colour the outlines of masks by their class, or grey where rejected.

        Outlines of masks with a decision are dashed. Other masks than before are traced again.
        """
        values = _outline_values(assignment)
        if inputs.masks is not self._traced:
            self._traced = inputs.masks
            self._outlines = MaskOutlines.of(inputs.masks, self._line)
            self._outlined = np.zeros(len(inputs.masks), np.int16)  # nothing is drawn
            self.masks.data[...] = 0
        changed = np.flatnonzero(values != self._outlined)
        if len(changed):
            self._draw_outlines(self.masks.data, changed, values[changed])
            self._outlined = values
            redraw(self.masks, Box(0, 0, *self.masks.data.shape))

    def _draw_outlines(
        self, target: NDArray[np.uint8], masks: NDArray[np.intp], values: NDArray[np.int16]
    ) -> None:
        colours = np.abs(values)
        self._outlines.paint(target, masks, colours)
        decided = np.flatnonzero(values < 0)
        if len(decided):
            self._outlines.dash(target, masks[decided], colours[decided], _DASH * self._line)

    @property
    def label_layers(self) -> tuple[Labels, ...]:
        """Our own label layers, the same for all images."""
        return (
            self._own_pseudo, self.truth, self.enhanced, self.masks,
            *self.per_pixel, self.highlight.layer, self.prompts.layer,
        )  # fmt: skip

    @property
    def shown(self) -> NDArray[np.uint8]:
        """(H, W) uint8: the labels on screen, with strokes not yet absorbed."""
        return np.asarray(self.enhanced.data)

    def show_colours(self, inputs: Inputs, hidden: Collection[int] = ()) -> None:
        """Colour all label layers by class, hidden classes clear."""
        wanted = (inputs.classes, frozenset(hidden), self.pseudo)
        if wanted == self._coloured:
            return  # new colours cost 30 ms an image
        self._coloured = wanted
        colours = label_colours(inputs.classes, hidden)
        for layer in (self.pseudo, self.truth, self.enhanced):
            layer.colormap = colours
        self.masks.colormap = outline_colours(inputs.classes, hidden)

    def restore(self) -> None:
        """Add layers that are not in the list, each over the one below it; overlays while shown."""
        layers, active, place = self._viewer.layers, self._viewer.layers.selection.active, None
        for layer in self.in_use:
            if layer in self._overlays and not layer.visible:
                if layer in layers:
                    layers.remove(layer)
            elif layer not in layers:
                layers.insert(len(layers) if place is None else place, layer)
            if layer in layers:
                place = layers.index(layer) + 1
        if layers.selection.active is not active and active in layers:
            layers.selection.active = active

    def refresh_thumbnails(self) -> None:
        """Redraw the thumbnails, which live updates leave out."""
        changed = (self.enhanced, self.masks, self.pseudo)
        for layer in changed if self._stale else changed[:2]:
            layer.refresh(data_displayed=False, highlight=False, extent=False)

    def _show_image(self, inputs: Inputs) -> Image:
        pixels, layer = displayable(inputs.image), self._own_image
        if layer is None or layer.rgb != (pixels.ndim == 3):
            layer = self._own_image = Image(pixels, name="image", rgb=pixels.ndim == 3)
        else:
            layer.data = pixels
            layer.reset_contrast_limits()
        return layer

    def _use(self, layers: list[Layer]) -> None:
        """Remove layers that this image does not use; hide the user's own."""
        for layer in self.in_use:
            if layer in layers or layer not in self._viewer.layers:
                continue
            if layer in self.given:
                layer.visible = False
            else:
                self._viewer.layers.remove(layer)
        self.in_use = layers
        self.restore()


def _outline_values(assignment: Assignment) -> NDArray[np.int16]:
    """Return the value of each mask's outline; negative for masks with a decision."""
    coloured = assignment.selected & (assignment.class_ids > 0)  # background has no colour
    values = np.where(coloured, assignment.class_ids, np.int16(REJECTED))
    return np.where(assignment.decided, -values, values)
