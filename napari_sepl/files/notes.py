"""What readers have to say of files that they read all the same, once for each run."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NOTES: ContextVar[dict[str, None] | None] = ContextVar("notes", default=None)


def take_note(text: str) -> None:
    """Leave a line for the person, if somebody listens; the same line counts once."""
    notes = _NOTES.get()
    if notes is not None:
        notes[text] = None


@contextmanager
def taking_notes() -> Iterator[dict[str, None]]:
    """Collect what `take_note` is called with inside the block, as keys."""
    notes: dict[str, None] = {}
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)
