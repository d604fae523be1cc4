"""The dock with the queue of a dataset: opens with the dataset, closes with it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QGridLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_sepl.core.errors import SeplError
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.store import StoreCorruptError, store_file
from napari_sepl.files.store.recovery import Recovery, recover
from napari_sepl.gui.bulk import Bulk
from napari_sepl.gui.keys import QUEUE_KEYS, bind_keys, describe_keys
from napari_sepl.gui.navigator import Navigator
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.workflow.review import Reviewing, reviewer

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_sepl.gui.controller import Controller
    from napari_sepl.gui.view import View
    from napari_sepl.gui.worker import Background

TITLE = "Queue (SEPL)"

_BUTTONS = {
    "previous": "◀ Previous",
    "next": "Next ▶",
    "next_pending": "Next pending",
    "skip": "Skip",
    "flag": "Flag",
    "reopen": "Reopen",
}


class QueueDock(QWidget):
    """The queue's panel with its buttons, around one navigator.

    Parameters
    ----------
    viewer : Viewer
        The viewer it is docked in.
    controller : Controller
        Shows one sample.
    view : View
        Where messages and questions go.
    background : Background
        Where the dataset is listed and samples are read.
    """

    def __init__(
        self, viewer: "Viewer", controller: "Controller", view: "View", background: "Background"
    ) -> None:
        super().__init__()
        self._view = view
        self._background = background
        self._controller = controller
        self.panel = QueuePanel()
        self.navigator = Navigator(controller, view, self.panel, background)
        self.reviewing: Reviewing | None = None
        self._bulk: Bulk | None = None
        self._lay_out()
        self._connect()
        bind_keys(viewer, self.navigator, QUEUE_KEYS)
        for layer in controller.layers.label_layers:
            bind_keys(layer, self.navigator, QUEUE_KEYS)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(self.panel)
        grid = QGridLayout()
        for number, (name, text) in enumerate(_BUTTONS.items()):
            button = QPushButton(text)
            button.setToolTip(QUEUE_KEYS[name])
            button.clicked.connect(partial(_press, getattr(self.navigator, name)))
            grid.addWidget(button, number // 3, number % 3)
        column.addLayout(grid)
        self.pending_menu = QMenu(self)
        for text, act in (
            ("Apply these thresholds to all pending…", self._apply_params),
            ("Accept all pending that change little…", self._accept_unchanged),
            ("Take the last of these back", self._undo_last),
            ("Stop", self._stop),
        ):
            self.pending_menu.addAction(text).triggered.connect(partial(_press, act))
        pending = QPushButton("All pending")
        pending.setMenu(self.pending_menu)
        self.keys = QLabel(describe_keys())
        keys = QCollapsible("Keys")
        keys.addWidget(self.keys)
        keys.collapse(animate=False)
        column.addWidget(pending)
        column.addWidget(keys)

    def _connect(self) -> None:
        self.panel.sample_chosen.connect(self.navigator.go)
        self.panel.note_changed.connect(self.navigator.set_note)
        self.panel.listing_changed.connect(self._list)

    # --- a dataset

    def open(self, spec: DatasetSpec) -> None:
        """List a dataset in the background, then open its store and its sample of last time."""
        self.close_dataset()  # else the same one would meet its own lock
        self._view.show_busy("listing the dataset…")

        def failed(error: SeplError) -> None:
            self._view.show_busy("")
            self._view.warn(str(error))
            if isinstance(error, StoreCorruptError):
                self._offer_recovery(spec)

        self._background.run(
            "dataset",
            lambda: Reviewing.open(Dataset.open(spec), self._on_store_error),
            self._start,
            failed,
        )

    def _offer_recovery(self, spec: DatasetSpec) -> None:
        """Ask whether to go on with what can be read of a damaged record."""
        path = store_file(spec.out)
        if not self._view.confirm(
            f"{path} is damaged. Keep it under another name and go on with what can be read of it?"
        ):
            return

        def done(recovery: Recovery) -> None:
            self._view.show_busy("")
            self._view.tell(f"{path}: {recovery}")
            self.open(spec)

        def failed(error: SeplError) -> None:
            self._view.show_busy("")
            self._view.warn(str(error))

        self._view.show_busy("recovering…")
        self._background.run("dataset", lambda: recover(path, who=reviewer()), done, failed)

    def _on_store_error(self, error: SeplError) -> None:
        """Tell why something is not written yet; called from the thread that writes."""
        more = "" if isinstance(error, StoreCorruptError) else " It will be tried again."
        self._background.post(lambda: self._view.warn(f"{error}{more}"))

    def _start(self, reviewing: Reviewing) -> None:
        self._view.show_busy("")
        self.reviewing = reviewing
        self._bulk = Bulk(reviewing, self._view, self._background, self.navigator.others_changed)
        classes = reviewing.dataset.classes
        self.panel.show_class_choices(range(1, len(classes)), classes)
        self.panel.show_filter(reviewing.resume_filter())
        self.panel.show_sorting(*reviewing.resume_sorting())
        self.navigator.start(reviewing)
        if reviewing.refusal:
            self._view.warn(reviewing.refusal)
        self._background.run(
            "check", reviewing.check, lambda _: None, lambda error: self._view.warn(str(error))
        )
        missing = reviewing.dataset.unmatched
        if missing:
            first = ", ".join(f"{u.sample_id} ({', '.join(u.missing)})" for u in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            self._view.warn(f"{len(missing)} samples lack files: {first}{more}.")

    def close_dataset(self) -> None:
        """Record what is open and close the store."""
        if self._bulk is not None:
            self._bulk.stop()
        self.navigator.stop()
        self.reviewing = self._bulk = None

    def _apply_params(self) -> None:
        document = self._controller.document
        if self._bulk is not None and document is not None:
            self._bulk.apply_params(document.params, self.navigator.row)

    def _undo_last(self) -> None:
        if self._bulk is not None:
            self._bulk.undo()

    def _stop(self) -> None:
        if self._bulk is not None:
            self._bulk.stop()

    def _accept_unchanged(self) -> None:
        if self._bulk is None:
            return
        most, chosen = QInputDialog.getDouble(
            self, "Accept all pending", "that change by at most (percent of pixels)", 2, 0, 100, 1
        )
        if chosen:
            self._bulk.accept_unchanged(most / 100, self.navigator.row)

    def _list(self) -> None:
        if self.reviewing is None:
            return
        self.panel.list_samples(self.reviewing.queue, self.reviewing.dataset.classes)
        told = self.panel.filter
        self.reviewing.remember(
            filter={"status": told.status, "class_id": told.class_id, "text": told.text},
            sort=[self.panel.sorted_by, self.panel.descending],
        )


def _press(act: Callable[[], object], _: Any = None) -> None:
    act()
