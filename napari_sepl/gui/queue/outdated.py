"""What was said of a sample whose files have changed since."""

from napari_sepl.document.document import Document
from napari_sepl.gui.view import View
from napari_sepl.workflow.review.state import Outdated


def say_again(view: View, document: Document, old: Outdated, *, ask: bool) -> None:
    """Say again what was said of a sample before its files changed.

    It is asked first, unless masks alone changed, and somebody had them made: then not `ask`.
    """
    question = (
        f"{document.inputs.sample_id}: {', '.join(old.roles)} changed on disk since the review. "
        f"Apply what was set, decided and painted then?"
    )
    maps = [one for one in (old.said.pins, old.said.overlay) if one is not None]
    if any(one.shape != document.inputs.shape for one in maps):
        view.warn(f"{question[:-1]} cannot be: its size is another.")
    elif (not ask and old.roles == ("masks",)) or view.confirm(question):
        document.restore(old.said)
