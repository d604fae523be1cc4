"""What the controller asks of the window; the widget is one, a test's mock another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from napari_sepl.core.classes import ClassList
from napari_sepl.core.params import Params
from napari_sepl.document.class_rows import ClassRow


class View(Protocol):
    """The parts of the window that show state. Setters show, and never answer back."""

    def show_title(self, text: str) -> None:
        """Show which image is open and whether it is saved."""

    def show_params(self, params: Params) -> None:
        """Show settings that did not come from this window's own sliders."""

    def show_classes(self, rows: Sequence[ClassRow], classes: ClassList) -> None:
        """Show what became of each class."""

    def show_steps(self, undo: str | None, redo: str | None) -> None:
        """Show what undo and redo would do; None where they would do nothing."""

    def show_mask(self, text: str) -> None:
        """Show the mask under the cursor; empty for none."""

    def show_busy(self, text: str) -> None:
        """Show that something is under way; empty for nothing."""

    def tell(self, text: str) -> None:
        """Tell the user that something was done."""

    def warn(self, text: str) -> None:
        """Tell the user that something went wrong."""

    def ask_folder(self, sample_id: str) -> Path | None:
        """Ask for the folder that the labels go to; None if the user changed their mind."""

    def confirm(self, question: str) -> bool:
        """Ask a question that is answered by yes or no."""

    def confirm_replace(self, path: Path) -> bool:
        """Ask whether a file that this window did not write may be replaced."""
