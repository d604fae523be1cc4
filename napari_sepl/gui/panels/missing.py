"""Which samples of a dataset lack files, all of them by name."""

from collections.abc import Sequence

from qtpy.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_sepl.files.pairing import Unmatched

_FEW = 5
_SIZE = 480, 420


class MissingButton(QPushButton):
    """Tells how many samples lack files; pressed, it lists them. Hidden where none does."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[str] = []
        self.setVisible(False)
        self.clicked.connect(self._list)

    def show_missing(self, unmatched: Sequence[Unmatched], without_pseudo: Sequence[str]) -> str:
        """Take the samples of a dataset, and return what there is to tell of them at once.

        Parameters
        ----------
        unmatched : sequence of Unmatched
            Samples of which files are missing.
        without_pseudo : sequence of str
            Stems of pictures and masks without pseudo-labels. They are listed only: a folder of
            pictures often holds more than there are pseudo-labels.

        Returns
        -------
        str
            How many of `unmatched` there are and the first few by name; empty for none.
        """
        lacking = [f"{one.sample_id}: {', '.join(one.missing)}" for one in unmatched]
        self._lines = lacking + [f"{stem}: pseudo" for stem in without_pseudo]
        self.setText(f"{len(self._lines):,} lack files…")
        self.setVisible(bool(self._lines))
        if not lacking:
            return ""
        first = "; ".join(lacking[:_FEW])
        more = f" and {len(lacking) - _FEW:,} more" if len(lacking) > _FEW else ""
        return f"{len(lacking):,} samples lack files: {first}{more}."

    def listed(self) -> str:
        """Return the list: a line for each sample, with what it lacks."""
        return "\n".join(self._lines)

    def _list(self) -> None:
        dialog = QDialog(self)
        dialog.setWindowTitle("Samples that lack files")
        dialog.resize(*_SIZE)
        text = QPlainTextEdit(self.listed())
        text.setReadOnly(True)
        QVBoxLayout(dialog).addWidget(text)
        dialog.show()
