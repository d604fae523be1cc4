"""The docks of one viewer, and its key bindings."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QMenu, QWidget

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.gui.actions import ACTIONS, Action, When
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.layers.divider import Divider
from napari_sepl.gui.mouse import Mouse
from napari_sepl.gui.queue.dock import TITLE, QueueDock
from napari_sepl.gui.sweep_dock import TITLE as SWEEP_TITLE
from napari_sepl.gui.sweep_dock import SweepDock
from napari_sepl.gui.thresholds_dock import TITLE as THRESHOLDS_TITLE
from napari_sepl.gui.thresholds_dock import ThresholdsDock
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background

if TYPE_CHECKING:
    from napari.viewer import Viewer


_QUEUE_SHARE = 0.4
"""How much of the window's height the queue gets when it is docked."""


class Docks:
    """The docks of one viewer, for as long as the viewer lives.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer; its callback lists keep this object alive.
    controller : Controller
        What the docks show, and what mouse and keys call.
    """

    def __init__(self, viewer: "Viewer", controller: Controller) -> None:
        self.viewer = viewer
        self.controller = controller
        self.queue: QueueDock | None = None
        self.thresholds_dock: ThresholdsDock | None = None
        self.sweep_dock: SweepDock | None = None
        self.mouse = Mouse(viewer, controller)
        self.divider = Divider(viewer, controller.context.layers, controller.comparing)
        controller.context.layers.enhanced.events.paint.connect(controller.stroke_ended)
        self._bind_keys(dataset=False)
        self._window_keys: list[QShortcut] = []
        controller.showing.followed.connect(self._take_window_keys)

    def _take_window_keys(self) -> None:
        """Take the keys that napari's menus have for something else, once an image is open."""
        if self._window_keys:
            return
        window = self.viewer.window._qt_window  # noqa: SLF001  # napari has no other way to it
        of_napari = [one for menu in window.findChildren(QMenu) for one in menu.actions()]
        for action in ACTIONS.values():
            if action.window_key:
                key = QKeySequence(action.window_key)
                for other in of_napari:
                    if other.shortcut() == key:
                        other.setShortcut(QKeySequence())
                shortcut = QShortcut(key, window)
                shortcut.activated.connect(partial(self.do, action.id))
                self._window_keys.append(shortcut)

    def _bind_keys(self, *, dataset: bool) -> None:
        """Bind the keys of actions on a dataset, or all others.

        They are bound on our layers too, because a layer's keys take precedence: a labels layer's
        own Ctrl+Z would write pixels of its last image back.
        """
        layers = self.controller.context.layers
        everywhere: tuple[Any, ...] = (self.viewer, *layers.label_layers)
        narrow = {When.ON_LABELS: layers.label_layers, When.ON_PROMPTS: (layers.prompts.layer,)}
        for action in ACTIONS.values():
            if action.key and (action.when is When.DATASET) == dataset:
                shortcut = action.key.replace("Ctrl", "Control").replace("+", "-")
                for target in narrow.get(action.when, everywhere):
                    target.bind_key(shortcut, self._doing(action), overwrite=True)

    def _doing(self, action: Action) -> Callable[[Any], None]:
        def call(_: Any) -> None:
            self.do(action.id)

        call.__doc__ = action.tooltip
        return call

    def do(self, name: str) -> None:
        """Do an action, by name."""
        call = ACTIONS[name].call
        if call is None:
            raise LookupError(
                f"{name} needs a position or a class, which only the mouse or a panel gives"
            )
        call(self)

    @property
    def dataset(self) -> QueueDock:
        """The dock of the queue; LookupError before a dataset was opened."""
        if self.queue is None:
            raise LookupError("no dataset was opened in this viewer")
        return self.queue

    def open_dataset(self, spec: DatasetSpec) -> None:
        """Open a dataset in the queue, and dock the queue if needed."""
        if self.queue is None:
            self.queue = QueueDock(self.controller, self.do)
            self._bind_keys(dataset=True)
        self._dock(self.queue)
        self.queue.open(spec)

    def _dock(self, queue: QueueDock) -> None:
        window = self.viewer.window
        if queue not in window.dock_widgets.values():
            dock = window.add_dock_widget(queue, name=TITLE, area="right")
            height = round(_QUEUE_SHARE * queue.window().height())
            queue.window().resizeDocks([dock], [height], Qt.Orientation.Vertical)

    def show_queue(self) -> None:
        """Dock the queue of the open dataset again, if it was closed."""
        if self.queue is None or self.queue.reviewing is None:
            self.controller.context.view.show_info("Open a dataset first, under Sources > Dataset.")
        else:
            self._dock(self.queue)

    def show_masks_and_thresholds(self) -> None:
        """Show the threshold plane and the table of masks, or hide them."""
        if self.thresholds_dock is None:
            self.thresholds_dock = ThresholdsDock(self.controller)
        self._toggle(self.thresholds_dock, THRESHOLDS_TITLE)

    def show_sweep(self) -> None:
        """Show the sweep over the dataset's thresholds, or hide it."""
        if self.sweep_dock is None:
            self.sweep_dock = SweepDock(self.controller)
            if self.queue is not None:
                reviewing = self.queue.reviewing
                self.sweep_dock.open(None if reviewing is None else reviewing.index)
                self.queue.dataset_changed.connect(self.sweep_dock.open)
        self._toggle(self.sweep_dock, SWEEP_TITLE)

    def _toggle(self, dock: QWidget, title: str) -> None:
        window = self.viewer.window
        if dock in window.dock_widgets.values():
            window.remove_dock_widget(dock)
        else:
            window.add_dock_widget(dock, name=title, area="bottom")
            # below the canvas alone: the sliders and the queue beside it keep their height
            dock.window().setCorner(
                Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea
            )


_docks: WeakValueDictionary[int, Docks] = WeakValueDictionary()


def docks_of(viewer: "Viewer", view: View, make_background: Callable[[], Background]) -> Docks:
    """Return the viewer's docks, and show their controller in `view` from now on.

    So a dock widget that was closed and opened again shows the same image and history.
    """
    docks = _docks.get(id(viewer))
    if docks is None or docks.viewer is not viewer:
        docks = Docks(viewer, Controller(viewer, view, make_background()))
        _docks[id(viewer)] = docks
    docks.controller.attach(view)
    return docks
