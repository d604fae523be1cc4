"""The record of what people decided about a dataset, in one SQLite file."""

from napari_sepl.document.edits import Status
from napari_sepl.files.lock import Holder
from napari_sepl.files.store.access import refusal_of
from napari_sepl.files.store.connections import (
    StoreCorruptError,
    StoreNewerError,
    StoreReadOnlyError,
)
from napari_sepl.files.store.entries import INPUTS, ReviewStep, edit_of, entry_of, steps_of
from napari_sepl.files.store.recovery import Recovery, recover
from napari_sepl.files.store.review import (
    SAVED,
    UNREAD,
    ImageNow,
    LogEntry,
    Logged,
    Review,
    ReviewSummary,
    StampedFacts,
    StatusRow,
)
from napari_sepl.files.store.store import FILE_NAME, Store, store_file
from napari_sepl.files.store.writer import StoreWriter

__all__ = [
    "FILE_NAME",
    "INPUTS",
    "SAVED",
    "UNREAD",
    "Holder",
    "ImageNow",
    "LogEntry",
    "Logged",
    "Recovery",
    "Review",
    "ReviewStep",
    "ReviewSummary",
    "StampedFacts",
    "Status",
    "StatusRow",
    "Store",
    "StoreCorruptError",
    "StoreNewerError",
    "StoreReadOnlyError",
    "StoreWriter",
    "edit_of",
    "entry_of",
    "recover",
    "refusal_of",
    "steps_of",
    "store_file",
]
