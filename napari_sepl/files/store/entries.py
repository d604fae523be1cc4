"""Steps of a document as entries of the log, and back."""

from napari_sepl.core.params import Params
from napari_sepl.document.edits import Edit, ParamsEdit, StrokeEdit
from napari_sepl.files.store.overlays import decode_runs, encode_runs
from napari_sepl.files.store.review import LogEntry

PARAMS, STROKE = "params", "stroke"


def entry_of(edit: Edit) -> LogEntry:
    """Return the log entry that tells of a step."""
    if isinstance(edit, ParamsEdit):
        before, after = edit.before.model_dump(mode="json"), edit.after.model_dump(mode="json")
        return LogEntry(PARAMS, {"before": before, "after": after})
    if isinstance(edit, StrokeEdit):
        return LogEntry(STROKE, {"pixels": edit.change.pixels}, encode_runs(edit.change))
    raise TypeError(f"a {type(edit).__name__} has no place in the log")


def edit_of(entry: LogEntry) -> Edit | None:
    """Return the step a log entry tells of; None for entries of other kinds.

    Raises
    ------
    ValueError
        If the entry is damaged.
    """
    if entry.kind == PARAMS:
        before, after = entry.payload.get("before"), entry.payload.get("after")
        return ParamsEdit(Params.model_validate(before), Params.model_validate(after))
    if entry.kind == STROKE:
        return StrokeEdit(decode_runs(entry.blob or b""))
    return None
