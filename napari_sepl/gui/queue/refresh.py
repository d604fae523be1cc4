"""Files of the open dataset that appear, vanish or change while a person works."""

from collections.abc import Callable

from qtpy.QtCore import QFileSystemWatcher
from qtpy.QtWidgets import QLabel, QWidget

from napari_sepl.core.errors import SeplError, counted
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.gui.context import ReviewContext

REST = 1000
"""Milliseconds for which files must stay the same: a file may be half written."""


class RefreshLine(QLabel):
    """Says which samples joined or left the folders; hidden for none.

    Parameters
    ----------
    context : ReviewContext
        Its background lists the folders, its view shows messages.
    reopen : callable
        Reads the dataset again.
    check : callable
        Checks its samples for changed inputs.
    """

    def __init__(
        self,
        context: ReviewContext,
        reopen: Callable[[], None],
        check: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._context, self._reopen, self._check = context, reopen, check
        self._index: SampleIndex | None = None
        self._states: dict[str, dict[str, str]] = {}
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(lambda _: self._look_later())
        self.setWordWrap(True)
        self.hide()

    def open(self, index: SampleIndex) -> None:
        """Watch the folders of a dataset."""
        self.leave()
        self._index = index
        watched = [str(path) for role, path in index.folders.items() if role is not Role.LABELS]
        self._watcher.addPaths(watched)

    def leave(self) -> None:
        """Stop: the dataset closes."""
        if self._watcher.directories():
            self._watcher.removePaths(self._watcher.directories())
        self._index, self._states = None, {}
        self.hide()

    def refresh(self) -> None:
        """List the folders now: read the dataset again if samples joined or left."""
        self._list(lambda now, text: self._reopen() if text else self._check_all(now))

    def _check_all(self, now: SampleIndex) -> None:
        self._check()
        self._context.view.show_info(f"Nothing joined or left: {counted(len(now), 'sample')}.")

    def _look_later(self) -> None:
        self._context.background.later("look at folders", REST, self._look)

    def _look(self) -> None:
        self._list(self._note)

    def _list(self, found: Callable[[SampleIndex, str], None]) -> None:
        index = self._index
        if index is None:
            return

        def listed(now: SampleIndex) -> None:
            if index is self._index:
                found(now, _difference(index, now))

        self._context.background.run(
            "list folders",
            lambda: SampleIndex.open(index.spec),
            listed,
            self._fail,
        )

    def _note(self, now: SampleIndex, text: str) -> None:
        """Show what joined or left, once the files of new samples stay the same."""
        self._check()
        index = self._index
        new = [] if index is None else [one for one in now.ids if one not in index.positions]

        def read_states() -> dict[str, dict[str, str]]:
            return {one: now.sample(one).states() for one in new}

        def compare(states: dict[str, dict[str, str]]) -> None:
            if index is not self._index:
                return
            before, self._states = self._states, states
            if states != before:
                self._look_later()
                return
            self.setText(text)
            self.setVisible(bool(text))

        self._context.background.run("new files", read_states, compare, self._fail)

    def _fail(self, error: SeplError) -> None:
        self._context.view.show_error(str(error))


def _difference(before: SampleIndex, now: SampleIndex) -> str:
    new, gone = set(now.ids) - set(before.ids), set(before.ids) - set(now.ids)
    parts = [f"{len(new):,} new"] * bool(new) + [f"{len(gone):,} gone"] * bool(gone)
    return f"Samples on disk: {', '.join(parts)}. Refresh lists them." if parts else ""
