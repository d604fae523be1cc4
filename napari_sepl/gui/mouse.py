"""The mouse on the canvas: hover, click, wheel, lasso, brushes, and the text under the canvas."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.components._viewer_mouse_bindings import double_click_to_zoom
from napari.layers import Labels

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.layers.layers import line_width
from napari_sepl.gui.strokes import box_between, draw_box, is_straight, line_positions

_STILL = 4
"""Canvas pixels that the mouse may move between press and release of a click."""

_BETWEEN = "\u2003"
"""Separates napari's status text from ours; napari itself never uses this space."""


class Mouse:
    """Turns the events of one viewer's canvas into calls of the controller.

    Masks are pointed at while the enhanced layer is active and no tool of napari's is in hand.

    Parameters
    ----------
    viewer : ViewerModel
        Whose canvas it is.
    controller : Controller
        What the events call.
    """

    def __init__(self, viewer: Any, controller: Controller) -> None:
        self._viewer = viewer
        self._controller = controller
        self._context = controller.context
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.mouse_drag_callbacks.append(self._on_drag)
        viewer.mouse_wheel_callbacks.append(self._on_wheel)
        if double_click_to_zoom in viewer.mouse_double_click_callbacks:
            # Two clicks select two masks, and the zoom would move the image under the second.
            viewer.mouse_double_click_callbacks.remove(double_click_to_zoom)
        viewer.events.status.connect(self._show_mask)
        controller.pointing.text_changed.connect(self._show_mask)

    @property
    def pointing(self) -> bool:
        """Whether the mouse points at masks rather than paints."""
        enhanced = self._context.layers.enhanced
        active = self._viewer.layers.selection.active
        return bool(active is enhanced and enhanced.mode == "pan_zoom")

    @property
    def prompting(self) -> bool:
        """Whether the mouse gives prompts to SAM."""
        active = self._viewer.layers.selection.active
        return self._controller.prompting.on and active is self._context.layers.prompts.layer

    def step(self, step: int) -> None:
        """Point at a larger mask (1) or a smaller one (-1); while painting, size the brush."""
        layer = self._viewer.layers.selection.active
        if self.pointing:
            self._controller.pointing.walk(step)
        elif isinstance(layer, Labels):
            layer.brush_size = max(1, layer.brush_size + step)

    def _show_mask(self) -> None:
        """Add the mask under the cursor to napari's status text of the pixel."""
        status, text = self._viewer.status, self._controller.pointing.text
        if isinstance(status, dict):
            pixel = status["coordinates"].partition(_BETWEEN)[0]
            shown = f"{pixel}{_BETWEEN}{text}" if text else pixel
            if shown != status["coordinates"]:
                self._viewer.status = {**status, "coordinates": shown}

    def _pixel(self, event: Any) -> tuple[float, float]:
        row, col = self._context.layers.enhanced.world_to_data(event.position)[-2:]
        return float(row), float(col)

    @contextmanager
    def _camera_held(self) -> Iterator[None]:
        """Let the mouse not move the image, until a drag ends."""
        camera = self._viewer.scene.camera
        camera.mouse_pan = False
        try:
            yield
        finally:
            camera.mouse_pan = True

    def _on_move(self, viewer: Any, event: Any) -> None:  # noqa: ARG002  # napari's signature
        if not self.prompting:  # prompts should be seen alone
            row, col = self._pixel(event)
            self._controller.pointing.hover(round(row), round(col))

    def _on_wheel(self, viewer: Any, event: Any) -> None:  # noqa: ARG002
        if "Shift" in event.modifiers and self.pointing:
            turned = np.sum(event.delta)  # Shift makes some systems turn it sideways
            self._controller.pointing.walk(1 if turned > 0 else -1)
            event.handled = True

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:  # noqa: ARG002
        if event.button == 1 and self.prompting:
            yield from self._prompt(event)
            return
        if event.button == 1 and self.pointing and self._context.document is not None:
            if "Shift" in event.modifiers:
                yield from self._lasso(event)
                return
            if self._controller.superpixels.on:
                yield from self._paint_superpixels(event)
                return
            yield from self._click(event)
            return
        yield
        while event.type == "mouse_move":
            yield
        self._controller.stroke_ended()

    def _click(self, event: Any) -> Iterator[None]:
        """Select or reject the mask, unless the mouse moves: that moves the image."""
        reject = "Alt" in event.modifiers
        row, col = self._pixel(event)
        if (yield from _stays(event)):
            pointing = self._controller.pointing
            pointing.hover(round(row), round(col))
            pointing.decide(REJECT if reject else self._context.class_id)

    def _prompt(self, event: Any) -> Iterator[None]:
        """Give SAM a point or, with Shift, a box."""
        prompting, on = self._controller.prompting, "Alt" not in event.modifiers
        row, col = self._pixel(event)
        if "Shift" not in event.modifiers:
            if (yield from _stays(event)):
                prompting.point(row, col, on=on)
            return
        with self._camera_held():
            yield
            while event.type == "mouse_move":
                yield
        rows, cols = zip((row, col), self._pixel(event), strict=True)
        prompting.box(min(rows), min(cols), max(rows), max(cols))

    def _lasso(self, event: Any) -> Iterator[None]:
        """Draw a lasso, or a box where the line is straight, and decide on the masks inside."""
        document, highlight = self._context.document, self._context.layers.highlight
        if document is None:
            return
        class_id = REJECT if "Control" in event.modifiers else self._context.class_id
        shape, line = document.inputs.shape, 2 * line_width(document.inputs.shape)
        box, straight = np.zeros((0, 2)), False
        vertices, lasso = np.array([self._pixel(event)]), np.zeros(0, np.int32)
        with self._camera_held():
            highlight.show(lasso)
            try:
                yield
                while event.type == "mouse_move":
                    vertices = np.append(vertices, [self._pixel(event)], axis=0)
                    last, here = vertices[-2:].tolist()
                    lasso = np.append(lasso, line_positions(last, here, shape, line))
                    box = box_between(vertices[0], vertices[-1])
                    straight = is_straight(vertices)
                    highlight.show(draw_box(box, shape, line) if straight else lasso)
                    yield
            finally:
                highlight.show(np.zeros(0, np.int32))
        self._controller.pointing.decide_inside(box if straight else vertices, class_id)

    def _paint_superpixels(self, event: Any) -> Iterator[None]:
        """Paint the regions that the mouse is dragged over; with Alt, erase them."""
        document, superpixels = self._context.settled(), self._controller.superpixels
        if document is None:
            return
        class_id = 0 if "Alt" in event.modifiers else self._context.class_id
        with self._camera_held():
            last = self._pixel(event)
            superpixels.paint(document, round(last[0]), round(last[1]), class_id)
            yield
            while event.type == "mouse_move":
                here = self._pixel(event)
                steps = int(max(abs(here[0] - last[0]), abs(here[1] - last[1]))) + 1
                for row, col in np.linspace(last, here, steps + 1):
                    superpixels.paint(document, round(row), round(col), class_id)
                last = here
                yield
        self._controller.stroke_ended()


def _stays(event: Any) -> Generator[None, None, bool]:
    """Wait for the release of a button; return whether the mouse stayed where it was."""
    start, moved = np.array(event.pos), 0.0
    yield
    while event.type == "mouse_move":
        moved = max(moved, float(np.abs(np.array(event.pos) - start).max()))
        yield
    return moved <= _STILL
