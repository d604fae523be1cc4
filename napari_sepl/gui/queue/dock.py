"""The dock with the queue of a dataset."""

from collections.abc import Callable
from functools import partial

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QMenu, QPushButton, QWidget

from napari_sepl.core.errors import SeplError
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.numbers import check_numbers
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Status, refusal_of
from napari_sepl.gui.actions import ACTIONS, ActionButton, connect_buttons, press
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.masks.making_dataset import DatasetMaking
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.panels.widgets import line_up, stack
from napari_sepl.gui.preferences import preferred_annotator, preferred_params
from napari_sepl.gui.queue.background_scan import ScanRow
from napari_sepl.gui.queue.bulk import Bulk
from napari_sepl.gui.queue.damage import Damage
from napari_sepl.gui.queue.export import ExportDialog
from napari_sepl.gui.queue.incomplete import IncompleteButton
from napari_sepl.gui.queue.navigator import Navigator
from napari_sepl.gui.queue.outdated import OutdatedRow
from napari_sepl.gui.queue.preview import BulkPreview, Plan
from napari_sepl.gui.queue.read_only import ReadOnlyBanner
from napari_sepl.gui.queue.refresh import RefreshLine
from napari_sepl.workflow.review.reviewing import Reviewing

TITLE = "Queue (SEPL)"

_STEPS = ("previous", "next", "next_pending", "skip", "flag", "reopen")
_CHANGES = ("skip", "flag", "reopen")
_BULK = ("accept_unchanged", "apply_params", "skip_many", "flag_many", "reopen_many")
_AFTER_BULK = ("undo_bulk", "stop_bulk")


class QueueDock(QWidget):
    """The panel of the queue with its buttons; opens and closes the dataset.

    Parameters
    ----------
    controller : Controller
        Shows one sample; its view shows messages and questions.
    do : callable
        Does an action, by name.

    Attributes
    ----------
    dataset_changed : Signal(object)
        The index of the open dataset; None when it closes.
    """

    dataset_changed = Signal(object)

    def __init__(self, controller: Controller, do: Callable[[str], None]) -> None:
        super().__init__()
        background = controller.context.background
        self._controller = controller
        self._context = controller.context
        self.panel = QueuePanel()
        self.navigator = Navigator(controller, self.panel, background)
        self._damage = Damage(controller.context, controller.recording, self._meet_damage)
        self.scan = ScanRow(controller.context, self.panel, self._damage.meet_trouble)
        self.outdated = OutdatedRow(
            controller, self.navigator, self._others_changed, self._draw_found
        )
        self.refreshing = RefreshLine(controller.context, self._reopen, self._check_again)
        self.missing, self.banner = IncompleteButton(), ReadOnlyBanner()
        self.reviewing: Reviewing | None = None
        self._making: DatasetMaking | None = None
        self._bulk: Bulk | None = None
        self.preview: BulkPreview | None = None
        self._opening = False
        self._then: DatasetSpec | None = None  # to open after the one that is being opened
        self.exports = ExportDialog(background, self)
        self._lay_out(do)
        self._connect()

    def _lay_out(self, do: Callable[[str], None]) -> None:
        self.bulk_menu = QMenu(self)
        for name in (*_BULK, *_AFTER_BULK):
            entry = self.bulk_menu.addAction(ACTIONS[name].title)
            entry.setObjectName(name)
            entry.setToolTip(ACTIONS[name].tooltip)
            entry.triggered.connect(partial(press, do, name))
        self.bulk_menu.setToolTipsVisible(True)
        self.bulk_button = QPushButton()
        self.bulk_button.setToolTip("Actions on the selected samples, or on all that are listed")
        self.bulk_button.setMenu(self.bulk_menu)
        others = map(ActionButton, ("sweep", "export_dataset", "refresh", "shortcuts"))
        below = line_up(ActionButton("worst_pending"), self.bulk_button, *others, self.missing)
        steps = line_up(*map(ActionButton, _STEPS))
        column = stack(
            self.banner, self.panel, self.refreshing, self.outdated, self.scan, steps, below,
            parent=self,
        )  # fmt: skip
        column.setContentsMargins(9, 9, 9, 9)
        connect_buttons(self, do)

    def _connect(self) -> None:
        self.panel.sample_chosen.connect(self.navigator.go)
        self.panel.note_changed.connect(self.navigator.set_note)
        self.panel.listing_changed.connect(self._list)
        self.banner.again.clicked.connect(self.try_again)
        self.panel.scope_changed.connect(self._name_scope)
        self.bulk_menu.aboutToShow.connect(self._name_scope)
        self._controller.panels_toggled.connect(self._note_panels)
        self._controller.making.ended.connect(self.scan.rescan)
        self._controller.making.ended.connect(self.outdated.check)
        for changed in (self.panel.model.dataChanged, self.panel.model.modelReset):
            changed.connect(self._show_pending)
            changed.connect(self.outdated.refresh)

    # --- a dataset

    def open(self, spec: DatasetSpec) -> None:
        """List a dataset in the background, then open its record and its last sample.

        If another dataset is being opened, wait for it and close it: it holds its lock.
        """
        if self._opening:
            self._then = spec
            return
        self._open(spec, self._leave())

    def _open(self, spec: DatasetSpec, left: Reviewing | None) -> None:
        self._context.view.show_busy("listing the dataset…")
        damage, recording = self._damage, self._controller.recording

        def opened(reviewing: Reviewing) -> None:
            then = self._opened()
            if then is None:
                self._start(reviewing)
            else:
                self._open(then, reviewing)

        def failed(error: SeplError) -> None:
            then = self._opened()
            if then is None:
                damage.meet_closed(error, spec, lambda: self.open(spec))
            else:
                self.open(then)

        def find() -> Reviewing:
            if left is not None:
                left.close()  # else its lock would stop the same dataset
            index = SampleIndex.open(spec)
            check_numbers(index)
            return Reviewing.open(
                index,
                damage.on_error,
                recording.on_saved,
                recording.on_kept,
                who=who,
            )

        self._opening, who = True, preferred_annotator()
        self._context.background.run("dataset", find, opened, failed)

    def _opened(self) -> DatasetSpec | None:
        """End the opening of a dataset, and return the one to open next; None if there is none."""
        self._opening = False
        then, self._then = self._then, None
        return then

    def _meet_damage(self, error: SeplError) -> None:
        """Warn of damage found while the dataset is open, and offer to recover."""
        self.scan.pause()
        self.outdated.pause()
        self._damage.meet_open(error, self.reviewing, self._recovered)

    def _recovered(self) -> None:
        self.navigator.others_changed()
        if self.reviewing is not None:
            self.scan.open(self.reviewing)  # the new record has no facts
            self.outdated.check()

    def _start(self, reviewing: Reviewing) -> None:
        self._context.view.show_busy("")
        self.reviewing = reviewing
        self._bulk = Bulk(reviewing, self._controller, self._others_changed, self._preview)
        making = self._controller.making
        self._making = making.dataset = DatasetMaking(
            self._context, making, reviewing, self.navigator
        )
        classes = reviewing.index.classes
        self.panel.show_class_choices(classes.ids[1:], classes)
        self._damage.forget()
        session = reviewing.session
        session.start_with(preferred_params())
        self.panel.show_annotators(reviewing.queue)
        self.panel.show_filter(session.filtering)
        self.panel.show_sorting(*session.sorting)
        self._context.view.show_panels(session.panels)
        self.navigator.start(reviewing)
        self._show_right(reviewing)
        self.scan.open(reviewing)
        self.outdated.open(reviewing)
        self.refreshing.open(reviewing.index)
        self.dataset_changed.emit(reviewing.index)
        self._context.background.run(
            "check", reviewing.on_disk.store.check, lambda _: None, self._meet_damage
        )
        self._match_files(reviewing)
        bare = np.flatnonzero(reviewing.queue.without_masks)
        if len(bare):
            self._context.view.show_info(
                f"No masks yet: {reviewing.queue.describe(bare)}. Generate them in the panel Masks."
            )
        self._name_scope()
        if reviewing.index.suffixes:
            self._context.view.show_info(reviewing.index.suffixes)
        missing = self.missing.show_missing(reviewing.index)
        if missing:
            self._context.view.show_error(missing)

    def _show_right(self, reviewing: Reviewing) -> None:
        """Show whether the dataset is read-only here, and have the controls follow."""
        self.banner.show_right(reviewing.on_disk.store)
        writable = not reviewing.refusal
        for button in self.findChildren(ActionButton):
            if button.action.id in _CHANGES:
                button.setEnabled(writable)
        for entry in self.bulk_menu.actions():
            entry.setEnabled(writable)
        self.panel.note.setReadOnly(not writable)
        if not writable:
            self._context.view.show_error(reviewing.refusal)
        elif reviewing.disk:
            self._context.view.show_info(reviewing.disk)

    def try_again(self) -> None:
        """Open the read-only dataset for writing, if the other window has closed it."""
        reviewing, view = self.reviewing, self._context.view
        if reviewing is None:
            return
        path, who = reviewing.on_disk.store.path, reviewing.annotator

        def done(reason: str) -> None:
            if reason:
                view.show_info(f"Still read-only: {reason}.")
            elif reviewing is self.reviewing:
                self.open(reviewing.index.spec)

        self._context.background.run(
            "try again", lambda: refusal_of(path, who), done, self._context.show_failure
        )

    def _draw_found(self) -> None:
        if self.reviewing is not None:
            self.panel.refresh_all(self.reviewing.queue, self.reviewing.index.classes)

    def _others_changed(self) -> None:
        self.navigator.others_changed()
        self.scan.rescan()

    def close_dataset(self) -> None:
        """Record the open sample, and close the record when all is written."""
        left = self._leave()
        if left is not None:
            left.close()

    def _leave(self) -> Reviewing | None:
        """Record the open sample, and return the dataset to close; None if none is open."""
        if self._bulk is not None:
            self._bulk.close()
        if self.preview is not None:
            self.preview.close()
        if self._making is not None:
            self._making.close()
            self._making = self._controller.making.dataset = None
        self.banner.hide()
        self.scan.leave()
        self.outdated.leave()
        self.refreshing.leave()
        self.exports.leave_dataset()
        self.navigator.stop()
        left, self.reviewing, self._bulk = self.reviewing, None, None
        self.dataset_changed.emit(None)
        return left

    def refresh(self) -> None:
        """Look for files that appeared, vanished or changed; what could not be read is new."""
        if self.reviewing is not None:
            self.reviewing.queue.failures.clear()
        self.refreshing.refresh()

    def _check_again(self) -> None:
        """Check inputs and label files of the same samples again."""
        self.outdated.check()
        if self.reviewing is not None:
            self._match_files(self.reviewing)

    def _match_files(self, reviewing: Reviewing) -> None:
        self._context.background.run(
            "label files", reviewing.match_files, lambda _: None, self._damage.meet_trouble
        )

    def _reopen(self) -> None:
        """Read the dataset again, at the same sample."""
        if self.reviewing is not None:
            self.open(self.reviewing.index.spec)

    def export(self) -> None:
        """Show the dialog that exports the dataset."""
        if self.reviewing is not None:
            self.exports.open_for(self.reviewing)

    def _show_pending(self) -> None:
        if self._making is not None:
            self._making.show_pending()

    # --- bulk actions

    def _name_scope(self) -> None:
        """Name what bulk actions are for on their button and in its menu."""
        scope = self.panel.scope[1]
        self.bulk_button.setText(scope)
        for name in _BULK:
            entry = self.bulk_menu.findChild(QAction, name)
            entry.setText(f"{ACTIONS[name].title} ({scope})")
        last = "" if self._bulk is None else self._bulk.last
        undo = self.bulk_menu.findChild(QAction, "undo_bulk")
        undo.setText(f"{ACTIONS['undo_bulk'].title}{f' ({last})' if last else ''}")

    def _preview(self, plan: Plan) -> None:
        if self.reviewing is not None:
            queue, classes = self.reviewing.queue, self.reviewing.index.classes
            self.preview = BulkPreview(plan, self.panel.scope[1], queue, classes, self)
            self.preview.finished.connect(self._forget_preview)
            self.preview.open()

    def _forget_preview(self) -> None:
        self.preview = None

    def apply_params(self) -> None:
        """Set the current parameters of the selected or listed samples."""
        document = self._context.document
        if self._bulk is not None and document is not None:
            self._bulk.set_params(self.panel.scope[0], document.params)

    def accept_unchanged(self) -> None:
        """Accept the selected or listed samples that change little."""
        if self._bulk is not None:
            self._bulk.accept(self.panel.scope[0])

    def set_statuses(self, status: Status) -> None:
        """Give the selected or listed samples a status."""
        if self._bulk is not None:
            self._bulk.set_status(self.panel.scope[0], status)

    def undo_bulk(self) -> None:
        """Undo the last bulk action."""
        if self._bulk is not None:
            self._bulk.undo()

    def stop_bulk(self) -> None:
        """Stop the running bulk action."""
        if self._bulk is not None:
            self._bulk.stop()

    # --- what the session keeps

    def _list(self) -> None:
        if self.reviewing is None:
            return
        self.panel.list_samples(self.reviewing.queue, self.reviewing.index.classes)
        self.reviewing.session.filtering = self.panel.filter
        self.reviewing.session.sorting = self.panel.sorted_by, self.panel.descending

    def _note_panels(self, opened: dict[str, bool]) -> None:
        if self.reviewing is not None:
            self.reviewing.session.panels = opened
