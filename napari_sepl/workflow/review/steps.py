"""What a person did to a document, on its way to the log."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from napari_sepl.document.edits import Edit
from napari_sepl.files.store import LogEntry, Logged
from napari_sepl.files.store.entries import edit_of, entry_of


@dataclass(frozen=True, eq=False)
class ReviewStep:
    """One thing a person did to a document.

    Parameters
    ----------
    kind : str
        "do", "undo" or "redo".
    edit : Edit
        What was done, taken back, or done again.
    """

    kind: str
    edit: Edit

    def merged(self, later: "ReviewStep") -> "ReviewStep | None":
        """Return this and a later step as one, if both are of one drag of a slider; else None."""
        if not self.kind == later.kind == "do":
            return None
        edit = self.edit.merged(later.edit)
        return None if edit is None else ReviewStep("do", edit)

    def entry(self) -> LogEntry:
        """Return the line of the log that tells of it."""
        entry = entry_of(self.edit)
        return entry if self.kind == "do" else replace(entry, kind=f"{self.kind} {entry.kind}")


def steps_of(log: Iterable[Logged]) -> list[tuple[str, Edit]]:
    """Return what was done, undone and redone, as a log tells it, oldest first.

    A damaged entry is a gap: what came before it is left out, for it no longer leads here.
    """
    steps: list[tuple[str, Edit]] = []
    for logged in log:
        entry = logged.entry
        first, _, rest = entry.kind.partition(" ")
        kind, bare = (first, rest) if first in ("undo", "redo") else ("do", entry.kind)
        try:
            edit = edit_of(replace(entry, kind=bare))
        except ValueError:
            steps.clear()
            continue
        if edit is not None:
            steps.append((kind, edit))
    return steps
