"""Outdated samples of a dataset: how they are found, and the one place to decide on them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QDialog, QLabel, QPushButton, QTableView, QWidget

from napari_sepl.core.errors import SeplError, counted
from napari_sepl.document.edits import InputsChoice, Status
from napari_sepl.files.dataset.index import Role
from napari_sepl.files.store import Review
from napari_sepl.gui.actions import ACTIONS
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.panels.outdated import CHOICES
from napari_sepl.gui.panels.widgets import TableModel, line_up, stack, style_table
from napari_sepl.gui.queue.navigator import Navigator
from napari_sepl.gui.queue.row_work import RowWork
from napari_sepl.workflow.results import Worked, work_on_each
from napari_sepl.workflow.review.queue import Queue, name_roles
from napari_sepl.workflow.review.reviewing import Preview, Reviewing

_REDRAW = 500
"""Milliseconds between two redraws of the queue while samples are checked."""

_SIZE = 620, 480


class OutdatedRow(QWidget):
    """The line of the queue about outdated samples; finds them in the background.

    Parameters
    ----------
    controller : Controller
        Shows one sample; its view shows messages.
    navigator : Navigator
        Walks the dataset.
    changed : callable
        Called when samples that are not open were changed.
    found : callable
        Called when outdated samples were found.
    """

    def __init__(
        self,
        controller: Controller,
        navigator: Navigator,
        changed: Callable[[], None],
        found: Callable[[], None],
    ) -> None:
        super().__init__()
        self._controller, self._navigator = controller, navigator
        self._changed, self._found = changed, found
        self._reviewing: Reviewing | None = None
        self._work: RowWork | None = None
        self._drawing = False
        self.dialog: OutdatedDialog | None = None
        self.text, self.button = QLabel(), QPushButton("Decide…")
        self.text.setWordWrap(True)
        self.button.setToolTip("Decide what becomes of samples whose inputs changed")
        self.button.clicked.connect(lambda _: self.decide())
        line_up(self.text, self.button, parent=self).setStretch(0, 1)
        self.hide()

    def open(self, reviewing: Reviewing) -> None:
        """Check all samples in the record of a dataset."""
        self._reviewing = reviewing
        self.check()

    def check(self) -> None:
        """Check all samples in the record for changed inputs and label files."""
        reviewing, background = self._reviewing, self._controller.context.background
        if reviewing is None:
            return

        def start(recorded: Mapping[int, Review]) -> None:
            if reviewing is self._reviewing:
                self.pause()
                check = partial(reviewing.check_rows, recorded)
                self._work = RowWork("outdated", background, check, self._take, self._end)
                self._work.start(list(recorded))

        def fail(error: SeplError) -> None:
            if reviewing is self._reviewing:  # else the record was closed meanwhile
                self._end(error)

        background.run("recorded", reviewing.recorded, start, fail)

    def pause(self) -> None:
        """Stop until `check` is called again."""
        if self._work is not None:
            self._work.stop()

    def leave(self) -> None:
        """Stop: the dataset closes."""
        self.pause()
        if self.dialog is not None:
            self.dialog.close()
        self._reviewing = self._work = None
        self.hide()

    def refresh(self) -> None:
        """Show how many samples are outdated, and by which input."""
        if self._reviewing is not None:
            queue = self._reviewing.queue
            outdated, foreign = describe_outdated(queue), describe_foreign(queue)
            self.text.setText("\n".join(filter(None, (outdated, foreign))))
            self.button.setVisible(bool(outdated))
            self.setVisible(bool(outdated or foreign))

    def decide(self) -> None:
        """Show the dialog that decides on outdated samples."""
        if self._reviewing is not None:
            if self.dialog is not None:
                self.dialog.close()
            self.dialog = OutdatedDialog(
                self._reviewing, self._controller, self._navigator, self._changed, self
            )
            self.dialog.show()

    def _take(self, checked: Worked) -> None:
        if self._reviewing is None:
            return
        queue = self._reviewing.queue
        for row, roles in checked.results.items():
            if roles == (Role.LABELS,):
                queue.foreign.add(row)
                continue
            queue.foreign.discard(row)
            if row != self._navigator.row:  # it is checked when it is shown
                queue.set_outdated(row, roles)
        queue.failures.update(checked.failures)
        if not self._drawing:
            self._drawing = True
            self._controller.context.background.later("draw outdated", _REDRAW, self._draw)

    def _draw(self) -> None:
        self._drawing = False
        if self._reviewing is not None:
            self.refresh()
            self._found()

    def _end(self, error: SeplError | None) -> None:
        self._draw()
        if error is not None:
            self._controller.context.view.show_error(str(error))


def describe_outdated(queue: Queue) -> str:
    """Return how many samples are outdated: "12 outdated (pseudo-labels 10, masks 2)"."""
    roles = Counter(role for changed in queue.changed_inputs.values() for role in changed)
    if not queue.changed_inputs:
        return ""
    by_role = ", ".join(f"{name_roles([role])} {count:,}" for role, count in roles.most_common())
    return f"{len(queue.changed_inputs):,} outdated ({by_role})"


def describe_foreign(queue: Queue) -> str:
    """Return which label files another program changed; empty for none."""
    rows = sorted(row for row in queue.foreign if queue.status_of(row) is Status.ACCEPTED)
    if not rows:
        return ""
    return (
        f"Label files changed by another program: {queue.describe(rows)}. "
        "Accept again to replace them."
    )


class OutdatedModel(TableModel):
    """The outdated samples."""

    def __init__(self, queue: Queue, parent: QWidget | None = None) -> None:
        columns = {
            "sample": "ID of the sample",
            "status": "Status before the inputs changed",
            "changed": "The inputs that changed",
            "pixels": "Pixels of the accepted labels that differ with the new inputs",
        }
        super().__init__(columns, parent)
        self.queue = queue
        self.rows: list[int] = []
        self.previews: dict[int, Preview] = {}
        self.failures: dict[int, str] = {}

    def list_rows(self) -> None:
        """List the samples that are outdated now."""
        self.beginResetModel()
        self.rows = sorted(self.queue.changed_inputs)
        self.endResetModel()

    def count(self) -> int:
        """Return the number of samples."""
        return len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text or the tooltip of a cell."""
        row = self.rows[index.row()]
        preview = self.previews.get(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            reasons = () if preview is None else dict.fromkeys(preview.refusals.values())
            return self.failures.get(row) or "; ".join(reasons) or None
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        pixels = "…" if preview is None else _pixels(preview)
        return (
            self.queue.ids[row],
            str(self.queue.status_of(row)),
            name_roles(self.queue.changed_inputs.get(row, ())),
            "unreadable" if row in self.failures else pixels,
        )[index.column()]

    def may_be(self, row: int, choice: InputsChoice) -> bool:
        """Return whether a choice can be made for a sample, as far as is known."""
        preview = self.previews.get(row)
        if preview is not None:
            return choice not in preview.refusals
        is_accepted = self.queue.status_of(row) is Status.ACCEPTED
        return row not in self.failures and (choice is not InputsChoice.KEEP or is_accepted)


def _pixels(preview: Preview) -> str:
    if InputsChoice.APPLY in preview.refusals:
        return "another size"
    return "" if preview.pixels is None else f"{preview.pixels:,}"


class OutdatedDialog(QDialog):
    """Lists outdated samples with a preview, and does one choice for all that are selected.

    Attributes
    ----------
    selected : list of int
        The rows of the samples that are selected.

    Parameters
    ----------
    reviewing : Reviewing
        The dataset.
    controller : Controller
        Decides on the open sample; its view shows messages.
    navigator : Navigator
        Knows which sample is open.
    changed : callable
        Called when samples that are not open were changed.
    """

    def __init__(
        self,
        reviewing: Reviewing,
        controller: Controller,
        navigator: Navigator,
        changed: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._reviewing, self._controller = reviewing, controller
        self._navigator, self._changed = navigator, changed
        self.model = OutdatedModel(reviewing.queue, self)
        self._preview = self._row_work("preview outdated", reviewing.preview, self._show_preview)
        self._choosing: RowWork | None = None
        self._chosen: list[int] = []
        self._drawing = False
        self._failures: dict[int, str] = {}
        self.selected: list[int] = []
        self._lay_out()
        self.model.list_rows()
        self.table.selectAll()
        self._preview.start(self.model.rows)

    def _row_work(
        self, task: str, work: Callable[[int], object], take: Callable[[Worked], None]
    ) -> RowWork:
        def work_on(rows: Sequence[int], seconds: float) -> Worked:
            return work_on_each(work, rows, seconds, self._reviewing.queue.ids)

        return RowWork(task, self._controller.context.background, work_on, take, self._end)

    def _lay_out(self) -> None:
        self.setWindowTitle("Outdated samples (SEPL)")
        self.resize(*_SIZE)
        self.table, self.summary, self.progress = QTableView(), QLabel(), QLabel()
        self.summary.setWordWrap(True)
        self.table.setModel(self.model)
        style_table(self.table, 20)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._select())
        self.buttons = {choice: QPushButton() for choice in InputsChoice}
        for choice, button in self.buttons.items():
            button.setToolTip(ACTIONS[CHOICES[choice]].tooltip)
            button.clicked.connect(partial(self._press, choice))
        self.cancel, close = QPushButton("Stop"), QPushButton("Close")
        self.cancel.setToolTip("Stop after the current samples; what was decided stays")
        self.cancel.setEnabled(False)
        self.cancel.clicked.connect(lambda _: self.stop())
        close.clicked.connect(lambda _: self.close())
        below = line_up(self.progress, self.cancel, close)
        below.setStretch(0, 1)
        parts = (self.summary, self.table, *self.buttons.values(), below)
        stack(*parts, parent=self).setContentsMargins(9, 9, 9, 9)

    def _select(self) -> None:
        lines = self.table.selectionModel().selectedRows()
        self.selected = sorted(self.model.rows[line.row()] for line in lines)
        self._show_choices()

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Stop what runs; what was decided stays."""
        self._preview.stop()
        self.stop()
        super().closeEvent(event)

    # --- the preview

    def _show_preview(self, worked: Worked) -> None:
        self.model.previews |= worked.results
        self.model.failures |= worked.failures
        if not self._drawing:
            self._drawing = True
            self._controller.context.background.later("draw preview", _REDRAW, self._draw)

    def _draw(self) -> None:
        self._drawing = False
        if self.model.rows:
            self.model.redraw(0, len(self.model.rows) - 1)
        self._show_choices()

    def _show_choices(self) -> None:
        """Show for how many of the selected samples each choice can be made."""
        selected, known = self.selected, self.model.previews
        for choice, button in self.buttons.items():
            count = sum(self.model.may_be(row, choice) for row in selected)
            button.setText(f"{ACTIONS[CHOICES[choice]].title} ({count:,} of {len(selected):,})")
            refusal = self._reviewing.refusal
            button.setEnabled(count > 0 and self._choosing is None and not refusal)
        pixels = [known[row].pixels or 0 for row in selected if row in known]
        sizes = sum(InputsChoice.APPLY in known[row].refusals for row in selected if row in known)
        text = describe_outdated(self._reviewing.queue)
        over = ACTIONS[CHOICES[InputsChoice.START_OVER]].title
        apply = ACTIONS[CHOICES[InputsChoice.APPLY]].title
        text += f". “{apply}” would change {counted(sum(pixels), 'pixel')} of accepted labels"
        if len(known) + len(self.model.failures) < len(self.model.rows):
            text += f" (so far: {len(known):,} of {len(self.model.rows):,} compared)"
        if sizes:
            text += f". The image of {sizes:,} has another size: only “{over}” is possible"
        self.summary.setText(" ".join([f"{text}.", self._reviewing.refusal]).strip())

    # --- the choice

    def _press(self, choice: InputsChoice, _: bool = False) -> None:
        self.choose(choice)

    def choose(self, choice: InputsChoice) -> None:
        """Do a choice for the selected samples for which it can be made."""
        if self._reviewing.refusal:
            self._controller.context.view.show_error(self._reviewing.refusal)
            return
        rows = [row for row in self.selected if self.model.may_be(row, choice)]
        self._preview.stop()
        self._chosen, self._failures = [], {}
        if self._navigator.row in rows:
            self._controller.choose_inputs(choice)
            rows.remove(self._navigator.row)
            self._chosen.append(self._navigator.row)
        work = partial(self._choose_unless_open, choice=choice)
        self._choosing = self._row_work("choose outdated", work, self._take)
        self.cancel.setEnabled(True)
        self._show_choices()
        self._choosing.start(rows)

    def _choose_unless_open(self, row: int, choice: InputsChoice) -> bool:
        return row != self._navigator.row and self._reviewing.choose_unseen(row, choice)

    def _take(self, worked: Worked) -> None:
        self._chosen += [row for row, was_outdated in worked.results.items() if was_outdated]
        self._failures |= worked.failures
        if self._choosing is not None:
            done, total = self._choosing.done, len(self._choosing.rows)
            self.progress.setText(f"{done:,} of {total:,}")

    def stop(self) -> None:
        """Stop after the current samples; what was decided stays."""
        if self._choosing is not None:
            self._choosing.stop()
            self._end(None)

    def _end(self, error: SeplError | None) -> None:
        if self._choosing is None:  # the preview ended
            self._draw()
            return
        self._choosing = None
        self.cancel.setEnabled(False)
        self.progress.setText(f"Decided on {counted(len(self._chosen), 'sample')}.")
        self._changed()
        self.model.list_rows()
        self.table.selectAll()
        view = self._controller.context.view
        if self._failures:
            first = next(iter(self._failures.values()))
            count = counted(len(self._failures), "sample")
            view.show_error(f"Still outdated: {count}. {first}")
        if error is not None:
            view.show_error(str(error))
        if not self.model.rows:
            self.close()
        else:
            self._preview.start([row for row in self.model.rows if row not in self.model.previews])
