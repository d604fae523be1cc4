"""The button of the queue that lists incomplete samples."""

from qtpy.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from napari_sepl.core.errors import counted, name_first
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.gui.panels.widgets import stack

_SIZE = 480, 420


class IncompleteButton(QPushButton):
    """Shows how many samples are incomplete, and lists them when pressed; hidden for none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[str] = []
        self.setVisible(False)
        self.setToolTip("List the samples with missing or ambiguous files")
        self.clicked.connect(self._list)

    def show_missing(self, index: SampleIndex) -> str:
        """Show the incomplete samples of a dataset, and return a warning about them.

        The warning leaves out images without pseudo-labels, for folders often have more images,
        and samples without ground truth, which is optional.

        Returns
        -------
        str
            How many samples cannot be opened, and the first few by name; empty for none.
        """
        lacking = [str(problem) for problem in index.problems]
        bare = index.without(Role.TRUTH) if Role.TRUTH in index.folders else []
        self._lines = [
            *lacking,
            *(f"{one}: no {NAMED[Role.TRUTH]}" for one in bare),
            *(f"{one}: no {NAMED[Role.PSEUDO]}" for one in index.unused),
        ]
        self.setText(f"{len(self._lines):,} incomplete…")
        self.setVisible(bool(self._lines))
        if not lacking:
            return ""
        return f"Incomplete: {counted(len(lacking), 'sample')}: {name_first(lacking, '; ')}."

    def listed(self) -> str:
        """Return a line for each incomplete sample."""
        return "\n".join(self._lines)

    def _list(self) -> None:
        dialog = QDialog(self)
        dialog.setWindowTitle("Incomplete samples")
        dialog.resize(*_SIZE)
        text = QPlainTextEdit(self.listed())
        text.setReadOnly(True)
        stack(text, parent=dialog)
        dialog.show()
