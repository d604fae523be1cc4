"""Which samples of a dataset lack files or cannot be used, all of them by name."""

from qtpy.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex

_FEW = 5
_SIZE = 480, 420


class MissingButton(QPushButton):
    """Tells how many samples have problems; pressed, it lists them. Hidden where none has."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[str] = []
        self.setVisible(False)
        self.clicked.connect(self._list)

    def show_missing(self, index: SampleIndex) -> str:
        """Take the samples of a dataset, and return what there is to tell of them at once.

        Images and masks without pseudo-labels are listed only: a folder of images often holds
        more than there are pseudo-labels.

        Returns
        -------
        str
            How many samples cannot be used or lack ground truth, and the first few by name; empty
            for none.
        """
        lacking = [str(problem) for problem in index.problems]
        if Role.TRUTH in index.folders:
            lacking += [f"{one}: no {NAMED[Role.TRUTH]}" for one in index.without(Role.TRUTH)]
        self._lines = lacking + [f"{one}: no {NAMED[Role.PSEUDO]}" for one in index.unused]
        self.setText(f"{len(self._lines):,} incomplete…")
        self.setVisible(bool(self._lines))
        if not lacking:
            return ""
        first = "; ".join(lacking[:_FEW])
        more = f" and {len(lacking) - _FEW:,} more" if len(lacking) > _FEW else ""
        return f"{len(lacking):,} samples are incomplete: {first}{more}."

    def listed(self) -> str:
        """Return the list: a line for each sample, with what is wrong."""
        return "\n".join(self._lines)

    def _list(self) -> None:
        dialog = QDialog(self)
        dialog.setWindowTitle("Incomplete samples")
        dialog.resize(*_SIZE)
        text = QPlainTextEdit(self.listed())
        text.setReadOnly(True)
        QVBoxLayout(dialog).addWidget(text)
        dialog.show()
