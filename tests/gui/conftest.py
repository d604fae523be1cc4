"""A real napari window with the widget docked, driven as a person would."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QScrollArea, QWidget

from napari_sepl.document.document import Document
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.layers.layers import ReviewLayers
from napari_sepl.gui.queue.dock import QueueDock
from napari_sepl.gui.samples import sample_of
from napari_sepl.gui.widget import SeplWidget
from tests import waiting
from tests.document.drawing import cat_and_dog, save_pets
from tests.gui.leaving import Running

CTRL = Qt.KeyboardModifier.ControlModifier


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that open a window where there is no display for one."""
    no_display = sys.platform.startswith("linux") and not os.environ.get("DISPLAY")
    for item in items:
        if no_display and "window" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="no display: run under xvfb-run"))


@pytest.fixture(autouse=True, scope="session")
def _frozen_modules() -> None:
    """Leave all that was imported out of garbage collection: napari collects for each window."""
    gc.collect()
    gc.freeze()


def move(
    canvas: Any,
    at: QPoint,
    modifier: Any = Qt.KeyboardModifier.NoModifier,
    buttons: Any = Qt.MouseButton.LeftButton,
) -> None:
    """Move the mouse with buttons and a key held down, which QTest cannot."""
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(at), QPointF(canvas.mapToGlobal(at)),
        Qt.MouseButton.NoButton, buttons, modifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def wait_until(is_so: Callable[[], object]) -> None:
    """Let the window work until something is so, or fail."""
    waiting.wait_until(is_so, QTest.qWait, 20)


@pytest.fixture(autouse=True)
def _no_old_messages() -> None:
    notification_manager.records.clear()


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a window, a timer or a thread behind.

    It is set up first, so that it looks when all other fixtures have closed what they opened.
    """
    there = Running.now()
    yield
    patience = monotonic() + waiting.PATIENCE  # a thread that was told to end gets its turn
    while left := Running.now().since(there):
        if monotonic() > patience:
            pytest.fail(f"left behind: {left}")
        QTest.qWait(20)


def messages() -> list[str]:
    """Return the messages that the window showed in this test."""
    return [str(record.message) for record in notification_manager.records]


def has_message(text: object) -> bool:
    """Return whether a message of this test contains a text."""
    return any(str(text) in message for message in messages())


def press_button(panel: QWidget, name: str, area: Any = None) -> None:
    """Click the button of an action, by name, scrolled to in its area if one is given."""
    (button,) = (one for one in panel.findChildren(ActionButton) if one.action.id == name)
    if area is not None:
        area.ensureWidgetVisible(button)
        QTest.qWait(20)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


class Window:
    """The window, and a person's hands."""

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.widget: SeplWidget = widget_of(viewer)

    @property
    def document(self) -> Document:
        document = self.widget.controller.context.document
        assert document is not None
        return document

    @property
    def layers(self) -> ReviewLayers:
        return self.widget.controller.context.layers

    @property
    def shown(self) -> NDArray[np.uint8]:
        return self.layers.shown

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def open_sample(self, name: str = "chelsea", folder: Path | None = None) -> None:
        self.widget.open_sample(sample_of(name), "coco", folder)
        self.settle()

    def settle(self) -> None:
        self.widget.controller.context.background.wait()
        QTest.qWait(50)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Let the window work until something is so, or fail."""
        wait_until(is_so)

    def at(self, row: float, col: float) -> QPoint:
        """Return where on the canvas a pixel of the image is."""
        view = self.viewer.window._qt_viewer.canvas.view
        x, y = view.scene.transform.map([col, row, 0, 1])[:2]
        return QPoint(round(x), round(y))

    def move_to(self, row: float, col: float) -> None:
        QTest.mouseMove(self.canvas, self.at(row, col) + QPoint(2, 2))  # or it may be there already
        QTest.qWait(10)
        QTest.mouseMove(self.canvas, self.at(row, col))
        QTest.qWait(30)

    def stroke(self, start: tuple[int, int], stop: tuple[int, int]) -> None:
        """Press, drag in ten moves and let go."""
        self.move_to(*start)
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mousePress(self.canvas, left, none, self.at(*start))
        for row, col in np.linspace(start, stop, 10):
            QTest.mouseMove(self.canvas, self.at(row, col))
            QTest.qWait(5)
        QTest.mouseRelease(self.canvas, left, none, self.at(*stop))
        QTest.qWait(50)

    def press_in(self, box: str, name: str) -> None:
        """Expand a panel, and click the button of an action in it."""
        self.widget.panels[box].expand(animate=False)
        QTest.qWait(50)
        press_button(self.widget.panels[box], name, self.widget.findChild(QScrollArea))
        self.settle()

    def brush(
        self,
        label: int,
        start: tuple[int, int],
        stop: tuple[int, int],
        size: int = 3,
        mode: str = "paint",
    ) -> None:
        """Paint a stroke of a label, and put the brush away."""
        layer = self.layers.enhanced
        layer.selected_label, layer.brush_size, layer.mode = label, size, mode
        self.stroke(start, stop)
        layer.mode = "pan_zoom"

    def click(self, row: int, col: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        self.move_to(row, col)
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, modifier, self.at(row, col))
        QTest.qWait(50)

    def drag(self, path: Sequence[tuple[float, float]], modifier: Any) -> None:
        """Press, move from corner to corner and let go, with a key held down."""
        left = Qt.MouseButton.LeftButton
        self.move_to(*path[0])
        QTest.mousePress(self.canvas, left, modifier, self.at(*path[0]))
        for start, stop in pairwise(path):
            for row, col in np.linspace(start, stop, 6):
                move(self.canvas, self.at(row, col), modifier)
                QTest.qWait(5)
        QTest.mouseRelease(self.canvas, left, modifier, self.at(*path[-1]))
        QTest.qWait(50)

    def wheel(self, row: int, col: int, notches: int, modifier: Any) -> None:
        """Turn the wheel over a pixel, up for positive numbers."""
        self.move_to(row, col)
        at = self.at(row, col)
        turn = QWheelEvent(
            QPointF(at), QPointF(self.canvas.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.canvas, turn)
        QTest.qWait(50)

    def press(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        QTest.qWait(50)

    def drag_slider(self, name: str, to: float) -> None:
        """Take a slider's handle and move it, as far as the mouse can aim, to a value."""
        slider = self.widget.params.controls[name]._slider
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier

        def place(value: float) -> QPoint:
            share = (value - slider.minimum()) / (slider.maximum() - slider.minimum())
            handle = 12  # as the style draws it; any offset cancels out over the drag
            x = handle / 2 + share * (slider.width() - handle)
            return QPoint(round(x), slider.height() // 2)

        start = slider.value()
        QTest.mousePress(slider, left, none, place(start))
        for value in np.linspace(start, to, 8):
            QTest.mouseMove(slider, place(value))
            QTest.qWait(10)
        QTest.mouseRelease(slider, left, none, place(to))
        QTest.qWait(50)


@pytest.fixture
def window(make_napari_viewer: Callable[..., Any]) -> Iterator[Window]:
    viewer = make_napari_viewer(show=False)  # with True it fails where that takes five seconds
    viewer.show()
    wait_until(viewer.window._qt_window.windowHandle().isExposed)
    viewer.window.resize(1300, 850)
    window = Window(viewer)
    QTest.qWait(50)
    yield window
    if window.widget.controller.context.document is not None:  # so that closing does not ask
        window.document.mark_saved(window.document.history.mark)


def answer_questions(
    monkeypatch: pytest.MonkeyPatch, widget: SeplWidget, answer: bool
) -> list[str]:
    """Let the window answer all questions alike, and return the list that they are added to."""
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(widget, "confirm", confirm)
    return asked


class Walk:
    """The window with a dataset open."""

    def __init__(self, window: Window, spec: DatasetSpec) -> None:
        self.window = window
        self.spec = spec
        window.widget.open_dataset(spec)
        self.settle()
        assert window.widget.docks.queue is not None
        self.dock: QueueDock = window.widget.docks.queue

    def settle(self) -> None:
        for _ in range(3):
            self.window.settle()

    def press(self, key: Qt.Key) -> None:
        self.window.press(key)
        self.settle()

    @property
    def sample_id(self) -> str:
        return self.window.document.inputs.sample_id

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Let the window work until something is so."""
        wait_until(happened)
        self.settle()

    def has_logged(self, sample_id: str, count: int) -> bool:
        """Tell whether so many steps of a sample are in the store."""
        return len(self.log(sample_id)) == count

    def _flush(self) -> None:
        """Wait for the thread that writes, which may be slow where the disk is."""
        reviewing = self.dock.reviewing
        assert reviewing is None or reviewing.on_disk.flush(60)

    def log(self, sample_id: str) -> list[str]:
        """Return the kinds of what the store's log tells of a sample."""
        self._flush()
        with Store.open(store_file(self.spec.output), who="test", write=False) as store:
            return [logged.entry.kind for logged in store.log(sample_id)]

    def statuses(self) -> dict[str, Status]:
        """Return what the store says, as another program reads it."""
        self._flush()
        with Store.open(store_file(self.spec.output), who="test", write=False) as store:
            return {sample_id: row.status for sample_id, row in store.statuses().items()}


def choose_in_bulk(dock: QueueDock, name: str) -> None:
    """Open the menu of bulk actions, and click an entry, by the action's name."""
    entry = next(one for one in dock.bulk_menu.actions() if one.objectName() == name)
    dock.bulk_menu.popup(dock.bulk_button.mapToGlobal(QPoint(0, 0)))
    wait_until(dock.bulk_menu.isVisible)
    at = dock.bulk_menu.actionGeometry(entry).center()
    QTest.mouseClick(dock.bulk_menu, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def agree_in_bulk(dock: QueueDock, most: float | None = None, *, edited: bool = False) -> list[str]:
    """Agree to the bulk action that is shown, and return the ids that it listed."""
    wait_until(lambda: dock.preview is not None)
    preview = dock.preview
    assert preview is not None
    if most is not None:
        preview.most.setValue(most)
    if edited:
        QTest.mouseClick(preview.edited, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    names = [preview.model.queue.ids[row] for row in preview.model.rows]
    button = preview.buttons.button(QDialogButtonBox.StandardButton.Ok)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    return names


def paint(walk: Walk, label: int) -> np.ndarray:
    layers = walk.window.widget.controller.context.layers
    layers.enhanced.mode = "paint"
    layers.enhanced.brush_size = 4
    layers.enhanced.selected_label = label
    walk.window.stroke((33, 20), (33, 50))
    painted: np.ndarray = layers.shown == label
    assert painted.sum() > 50
    return painted


@pytest.fixture
def pets(tmp_path: Path) -> DatasetSpec:
    """Six samples s1 to s6, each its own cat and dog; s4 has a broken image."""
    inputs = cat_and_dog(truth=True)
    assert inputs.truth is not None
    rolled = {f"s{number}": np.roll(inputs.pseudo, number, 1) for number in range(1, 7)}
    spec = save_pets(tmp_path, dict(rolled))
    (tmp_path / "ground_truth").mkdir()
    for name in rolled:
        Image.fromarray(inputs.truth).save(tmp_path / "ground_truth" / f"{name}.png")
    broken = spec.folder("images") / "s4.png"
    broken.write_bytes(broken.read_bytes()[:200])
    return spec.model_copy(update={"ground_truth": tmp_path / "ground_truth"})


@pytest.fixture
def dataset(window: Window, pets: DatasetSpec) -> Iterator[Walk]:
    walk = Walk(window, pets)
    yield walk
    walk.dock.close_dataset()
