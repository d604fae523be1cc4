"""All samples of a dataset as columns, to be sorted and filtered at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.core.errors import counted, name_first
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.transpose import to_columns
from napari_sepl.document.resolve import Resolved
from napari_sepl.files.dataset.index import NAMED, Role
from napari_sepl.files.store import Status, StatusRow

STATUSES = tuple(Status)
OUTDATED = "outdated"
"""What the queue shows in place of the status of a sample whose inputs changed since."""
CAUSES: tuple[Cause | None, ...] = (None, *Cause)
_WORDS = 4  # 256 classes as bits of four 64-bit words


class Column(StrEnum):
    """A column of the queue; `COLUMNS` formats it."""

    SAMPLE = "sample"
    STATUS = "status"
    SUSPICION = "suspicion"
    CAUSE = "cause"
    CLASSES = "classes"
    CHANGE = "change"
    EDITS = "edits"
    ANNOTATOR = "annotator"
    NOTE = "note"


@dataclass(frozen=True)
class Filter:
    """Which samples to list.

    Parameters
    ----------
    status : Status, optional
        Only these.
    class_id : int, optional
        Only samples that are known to hold this class.
    text : str
        Only samples with this in their id or note, in upper or lower case.
    cause : Cause, optional
        Only samples of which this is known to be the main cause of suspicion.
    annotator : str, optional
        Only samples that this person changed last.
    outdated : bool
        Only samples whose inputs changed since; with a status, only samples whose inputs did not.
    """

    status: Status | None = None
    class_id: int | None = None
    text: str = ""
    cause: Cause | None = None
    annotator: str | None = None
    outdated: bool = False


class Queue:
    """The state of each sample of a dataset; a sample is known by its row.

    Parameters
    ----------
    ids : sequence of str
        All samples, in the dataset's order.

    Attributes
    ----------
    status : (N,) uint8
        Position in `STATUSES`.
    change : (N,) float32
        Share of pixels, 0..1, that differ from the pseudo-labels; NaN until known.
    edits : (N,) int32
        Steps a person did.
    classes_known : (N,) bool
        Whether it is known which classes a sample holds, be it none.
    classes_given : (N,) bool
        Whether image-level labels name them, which replace the classes in the files.
    suspicion : (N,) float32
        How much a sample deserves to be looked at, 0..1; NaN until known.
    cause : (N,) uint8
        Why, as a position in `CAUSES`; 0 for no cause, or until known.
    annotator : (N,) int32
        Who changed a sample last, as a position in `annotators`; 0 for nobody.
    annotators : list of str
        All annotators of the samples, after an empty name for nobody.
    unchecked : (N,) bool
        Whether suspicion, cause and change come from the record, which may be older than the files.
    without_masks : (N,) bool
        Whether there are no masks of a sample yet.
    outdated : (N,) bool
        Whether the inputs of a sample changed since it was accepted or edited.
    changed_inputs : dict of int to tuple of str
        Which inputs changed, of outdated samples by row.
    foreign : set of int
        Rows of accepted samples whose label file another program changed.
    notes, failures : dict of int to str
        What a person wrote, and why a sample could not be opened, by row.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        self.rows = {sample_id: row for row, sample_id in enumerate(self.ids)}
        self.status = np.zeros(len(self.ids), np.uint8)
        self.change = np.full(len(self.ids), np.nan, np.float32)
        self.edits = np.zeros(len(self.ids), np.int32)
        self.suspicion = np.full(len(self.ids), np.nan, np.float32)
        self.cause = np.zeros(len(self.ids), np.uint8)
        self.classes_known = np.zeros(len(self.ids), np.bool_)
        self.classes_given = np.zeros(len(self.ids), np.bool_)
        self.annotator = np.zeros(len(self.ids), np.int32)
        self.annotators = [""]
        self.unchecked = np.zeros(len(self.ids), np.bool_)
        self.without_masks = np.zeros(len(self.ids), np.bool_)
        self.outdated = np.zeros(len(self.ids), np.bool_)
        self.changed_inputs: dict[int, tuple[str, ...]] = {}
        self.foreign: set[int] = set()
        self.notes: dict[int, str] = {}
        self.failures: dict[int, str] = {}
        self._classes = np.zeros((len(self.ids), _WORDS), np.uint64)
        self._folded = [sample_id.casefold() for sample_id in self.ids]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, row: int, told: StatusRow) -> None:
        """Apply the record of a sample."""
        self.set_status(row, told.status)
        self.edits[row] = told.edits
        self.change[row] = np.nan if told.changed is None else told.changed
        if told.note:
            self.notes[row] = told.note
        self.set_annotator([row], told.who)

    def set_annotator(self, rows: Sequence[int], name: str) -> None:
        """Remember who changed samples."""
        if name not in self.annotators:
            self.annotators.append(name)
        self.annotator[list(rows)] = self.annotators.index(name)

    def find_classes(self, row: int, class_ids: Iterable[int]) -> None:
        """Set the classes in the files of a sample, unless image-level labels name them."""
        if not self.classes_given[row]:
            self.set_classes(row, class_ids)

    def set_classes(self, row: int, class_ids: Iterable[int]) -> None:
        """Remember which classes a sample holds; background and ignore do not count."""
        self.classes_known[row] = True
        self._classes[row] = 0
        for class_id in class_ids:
            if class_id not in (0, IGNORE):
                self._classes[row, class_id // 64] |= np.uint64(1 << class_id % 64)

    def set_suspicion(self, row: int, share: float, cause: Cause | None) -> None:
        """Remember how much a sample deserves to be looked at, and why."""
        self.suspicion[row] = share
        self.cause[row] = CAUSES.index(cause)
        self.unchecked[row] = False

    def remember(
        self, rows: Sequence[int], found: Sequence[tuple[float, Cause | None, float]]
    ) -> None:
        """Take suspicion, cause and change of rows from the record, where they are not known."""
        at = np.array(rows, np.intp)
        share, change = (np.array([one[of] for one in found], np.float32) for of in (0, 2))
        cause = np.array([CAUSES.index(one[1]) for one in found], np.uint8)
        unknown = np.isnan(self.suspicion[at])
        self.suspicion[at[unknown]], self.cause[at[unknown]] = share[unknown], cause[unknown]
        self.unchecked[at[unknown]] = True
        unknown &= np.isnan(self.change[at])
        self.change[at[unknown]] = change[unknown]

    def find_suspicion(self, row: int, share: float, cause: Cause | None, change: float) -> None:
        """Take what a scan found of a sample, unless it is known from the window."""
        if np.isnan(self.suspicion[row]) or self.unchecked[row]:
            if np.isnan(self.change[row]) or self.unchecked[row]:
                self.change[row] = change
            self.set_suspicion(row, share, cause)

    def forget_suspicion(self, rows: Sequence[int]) -> None:
        """Clear the suspicion of samples that have changed."""
        self.suspicion[list(rows)] = np.nan
        self.cause[list(rows)] = 0
        self.unchecked[list(rows)] = False

    def unsuspected(self) -> NDArray[np.intp]:
        """Return the rows that have masks and no suspicion that is known to hold, in order."""
        return np.flatnonzero((np.isnan(self.suspicion) | self.unchecked) & ~self.without_masks)

    def cause_of(self, row: int) -> Cause | None:
        """Return the main cause of suspicion; None if there is none, or it is not known."""
        return CAUSES[int(self.cause[row])]

    def set_image_labels(self, image_labels: Mapping[str, Iterable[int]]) -> None:
        """Take image-level labels as the classes of samples."""
        for sample_id, class_ids in image_labels.items():
            if sample_id in self.rows:
                self.set_classes(self.rows[sample_id], class_ids)
                self.classes_given[self.rows[sample_id]] = True

    def classes_of(self, row: int) -> list[int]:
        """Return the classes a sample is known to hold."""
        bits = np.unpackbits(self._classes[row].view(np.uint8), bitorder="little")
        return [int(class_id) for class_id in np.flatnonzero(bits)]

    def classes(self) -> list[int]:
        """Return the classes that any sample is known to hold."""
        together = np.bitwise_or.reduce(self._classes, axis=0)
        bits = np.unpackbits(together.view(np.uint8), bitorder="little")
        return [int(class_id) for class_id in np.flatnonzero(bits)]

    def set_outdated(self, row: int, roles: tuple[str, ...]) -> None:
        """Note which inputs of a sample changed since it was accepted or edited; none of most."""
        self.outdated[row] = bool(roles)
        if roles:
            self.changed_inputs[row] = roles
        else:
            self.changed_inputs.pop(row, None)

    def describe(self, rows: Sequence[int] | NDArray[np.intp]) -> str:
        """Return how many samples these are, and the first by name: "2 samples (a, b)"."""
        names = [self.ids[row] for row in rows]
        return f"{counted(len(names), 'sample')} ({name_first(names)})"

    def counts(self) -> dict[Status, int]:
        """Return how many samples have each status, without outdated ones."""
        found = np.bincount(self.status[~self.outdated], minlength=len(STATUSES))
        return {status: int(found[code]) for code, status in enumerate(STATUSES)}

    def status_of(self, row: int) -> Status:
        """Return the status of a sample."""
        return STATUSES[int(self.status[row])]

    def have(self, rows: NDArray[np.intp], status: Status) -> NDArray[np.bool_]:
        """Return which of some rows have a status."""
        these: NDArray[np.bool_] = self.status[rows] == STATUSES.index(status)
        return these

    def set_status(self, row: int, status: Status) -> None:
        """Give a sample a status."""
        self.status[row] = STATUSES.index(status)

    def pending(self) -> NDArray[np.intp]:
        """Return the rows that are still pending and not outdated, in order."""
        return np.flatnonzero((self.status == STATUSES.index(Status.PENDING)) & ~self.outdated)

    def lacking_masks(self) -> NDArray[np.intp]:
        """Return the rows that are still pending and have no masks, in order."""
        return np.flatnonzero(self.without_masks & (self.status == STATUSES.index(Status.PENDING)))

    def select(self, wanted: Filter) -> NDArray[np.intp]:
        """Return the rows that pass a filter, in the dataset's order."""
        kept = np.ones(len(self), np.bool_)
        if wanted.status is not None:
            kept &= (self.status == STATUSES.index(wanted.status)) & ~self.outdated
        if wanted.outdated:
            kept &= self.outdated
        if wanted.class_id is not None:
            bit = np.uint64(1 << wanted.class_id % 64)
            kept &= (self._classes[:, wanted.class_id // 64] & bit) != 0
        if wanted.cause is not None:
            kept &= self.cause == CAUSES.index(wanted.cause)
        if wanted.annotator is not None:
            known = wanted.annotator in self.annotators
            code = self.annotators.index(wanted.annotator) if known else -1
            kept &= self.annotator == code
        rows = np.flatnonzero(kept)
        text = wanted.text.strip().casefold()
        if not text:
            return rows
        found = [
            row
            for row in rows.tolist()
            if text in self._folded[row] or text in self.notes.get(row, "").casefold()
        ]
        return np.array(found, np.intp)

    def find(self, text: str, rows: NDArray[np.intp]) -> int | None:
        """Return which of some rows a text means; None if there are none.

        The id that it is comes first, then one that begins with it, then the first row.
        """
        text, listed = text.strip().casefold(), rows.tolist()
        begins = [row for row in listed if self._folded[row].startswith(text)]
        whole = (row for row in begins if self._folded[row] == text)
        return next(whole, next(iter(begins or listed), None))

    def sort(
        self, rows: NDArray[np.intp], column: Column, *, descending: bool = False
    ) -> NDArray[np.intp]:
        """Return rows sorted by a column; of equal ones, and unknown ones last, in order."""
        keys = np.asarray(COLUMNS[column].keys(self, rows), np.float64)
        unknown = np.isnan(keys)
        order = np.lexsort((-keys if descending else keys, unknown))
        return rows[order]

    def rank_annotators(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the places of annotators in the alphabet; NaN for nobody."""
        ranks = np.argsort(np.argsort(self.annotators)).astype(np.float64)
        ranks[0] = np.nan
        ranked: NDArray[np.float64] = ranks[self.annotator[rows]]
        return ranked

    def rank_notes(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the places of notes in the alphabet; NaN for none."""
        texts = [self.notes.get(row, "") for row in rows.tolist()]
        ranked = {text: rank for rank, text in enumerate(sorted(set(texts) - {""}))}
        return np.array([ranked.get(text, np.nan) for text in texts], np.float64)

    def rank_classes(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return equal numbers for equal classes; np.unique takes four times as long."""
        words = self._classes[rows]
        order = np.lexsort(words.T)
        differs = (words[order][1:] != words[order][:-1]).any(axis=1)
        ranks = np.empty(len(rows))
        ranks[order[:1]] = 0
        ranks[order[1:]] = np.cumsum(differs)
        ranks[~self.classes_known[rows]] = np.nan
        return ranks


class Shown(NamedTuple):
    """How a column is shown and sorted.

    Parameters
    ----------
    tip : str
        What the column shows, as the tooltip of its title.
    text : callable
        Returns the text of a sample's cell; empty for nothing, or while it is not known.
    keys : callable
        Returns what rows are sorted by, as numbers; NaN while it is not known.
    found : bool
        Whether it becomes known of samples that nobody opened, while a person works.
    worst_first : bool
        Whether the first click on its head sorts it descending.
    """

    tip: str
    text: Callable[[Queue, int, ClassList], str]
    keys: Callable[[Queue, NDArray[np.intp]], NDArray[np.generic]]
    found: bool = False
    worst_first: bool = False


def _percent(share: np.float32, digits: int) -> str:
    return "" if np.isnan(share) else f"{100 * share:.{digits}f} %"


def _status_text(queue: Queue, row: int, _: ClassList) -> str:
    if row in queue.failures:
        return "unreadable"
    if queue.outdated[row]:
        return OUTDATED
    status = queue.status_of(row)
    is_foreign = row in queue.foreign and status is Status.ACCEPTED
    return f"{status}, file changed" if is_foreign else str(status)


def name_roles(roles: Iterable[str]) -> str:
    """Return inputs in words: "pseudo-labels, masks"."""
    return ", ".join(NAMED[Role(role)] for role in roles)


def _cause_text(queue: Queue, row: int, _: ClassList) -> str:
    cause = queue.cause_of(row)
    return "" if cause is None else cause.label


def _classes_text(queue: Queue, row: int, classes: ClassList) -> str:
    return ", ".join(map(classes.name, queue.classes_of(row)))


COLUMNS: Mapping[Column, Shown] = {
    Column.SAMPLE: Shown(
        "ID of the sample: its file name without extension",
        lambda queue, row, _: queue.ids[row],
        lambda _, rows: rows,
    ),
    Column.STATUS: Shown(
        "pending, accepted, skipped or flagged; outdated if its inputs changed since then; "
        "unreadable if its files cannot be read",
        _status_text,
        lambda queue, rows: np.where(queue.outdated[rows], len(STATUSES), queue.status[rows]),
    ),
    Column.SUSPICION: Shown(
        "How likely the labels are wrong",
        lambda queue, row, _: _percent(queue.suspicion[row], 0),
        lambda queue, rows: queue.suspicion[rows],
        found=True,
        worst_first=True,
    ),
    Column.CAUSE: Shown(
        "Main cause of the suspicion",
        _cause_text,
        lambda queue, rows: np.where(queue.cause[rows] > 0, queue.cause[rows], np.nan),
        found=True,
    ),
    Column.CLASSES: Shown(
        "Classes of the pseudo-labels, or the image-level labels",
        _classes_text,
        Queue.rank_classes,
        found=True,
    ),
    Column.CHANGE: Shown(
        "Share of pixels whose label differs from the pseudo-label",
        lambda queue, row, _: _percent(queue.change[row], 1),
        lambda queue, rows: queue.change[rows],
        found=True,
    ),
    Column.EDITS: Shown(
        "Number of steps in the history of the sample",
        lambda queue, row, _: str(queue.edits[row] or ""),
        lambda queue, rows: queue.edits[rows],
    ),
    Column.ANNOTATOR: Shown(
        "Annotator who changed the sample last",
        lambda queue, row, _: queue.annotators[queue.annotator[row]],
        Queue.rank_annotators,
    ),
    Column.NOTE: Shown(
        "Note of the annotator", lambda queue, row, _: queue.notes.get(row, ""), Queue.rank_notes
    ),
}
"""All columns, from left to right. A new one is a name in `Column`, and a line here."""


def change_of(resolved: Resolved) -> float:
    """Return the share of pixels whose label is not the pseudo-label."""
    changed = to_columns(resolved.labels) != resolved.overlap.pseudo_columns
    return float(np.count_nonzero(changed) / changed.size)
