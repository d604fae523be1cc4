"""Everything that the record keeps of a sample."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.edits import Status
from napari_sepl.files._opening import brief
from napari_sepl.files.store.encoding import (
    OtherSizeError,
    Shape,
    check_overlay,
    decode_many_prompted,
    decode_overlay,
    decode_params,
    encode_class_ids,
    encode_decisions,
    encode_many_prompted,
    encode_object,
    encode_overlay,
    encode_params,
    parse_class_ids,
    parse_decisions,
)
from napari_sepl.files.store.values import (
    parse_count,
    parse_object,
    parse_seconds,
    parse_share,
    parse_text,
    parse_texts,
)

SAVED = "saved"
"""Kind of the entry that holds the `digest_labels` of saved labels."""

STATUS = "status"
"""Kind of the entry of another status."""

UNREAD = "unread"
"""In place of the digest of an image that may be another than was reviewed."""

WHOLE_DATASET = ""
"""The sample id of log entries that concern no single sample."""

Value = str | float | bytes | None
"""A value of SQLite."""


@dataclass(frozen=True)
class Stored:
    """How a record keeps one fact of a sample; the tables and their recovery follow from this.

    Parameters
    ----------
    sql : str
        Type and constraints of its column.
    write, read : callable
        To what SQLite holds, and back; `read` raises ValueError or TypeError if it makes no sense.
    long : bool
        Whether it is kept in a table of its own, which has a row only where there is something to
        keep: the queue reads all rows of the samples' table, and short ones make that fast.
    check : callable, optional
        Raises as `read` does, with less memory.
    sized : bool
        Whether it has the size of the image, which `read` takes as a second argument: it raises
        OtherSizeError for another one.
    """

    sql: str
    write: Callable[[Any], Value]
    read: Callable[..., Any]
    long: bool = False
    check: Callable[[Any], object] | None = None
    sized: bool = False


_STATUSES = ", ".join(f"'{status}'" for status in Status)
_STATUS = Stored(f"TEXT NOT NULL CHECK (status IN ({_STATUSES}))", str, Status)
_MAP = Stored(
    "BLOB NOT NULL", encode_overlay, decode_overlay, long=True, check=check_overlay, sized=True
)


class ImageNow(NamedTuple):
    """The image of a sample as it is now.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    digest : str
        SHA-256 of its file; empty if it is that of the review, `UNREAD` if it may be another.
    """

    shape: Shape
    digest: str = ""


@dataclass(frozen=True, eq=False)
class Review:
    """Everything that a person decided about one sample. Declare a new fact here.

    Parameters
    ----------
    sample_id : str
        The sample.
    status : Status
        How far it is.
    params : Params or None
        The settings; None if nobody chose any for this sample.
    overlay : (H, W) int16 or None
        Painted labels, -1 for no opinion. It is copied, for the window continues painting while
        the review waits to be written.
    decisions : mapping of int to int
        Mask index, or -k for the pseudo-labels of class k, to the class a person gave it, 0 for
        background, -1 for rejected; valid for the masks of ``digests["masks"]`` only.
    note : str
        A remark.
    digests : mapping of str to str
        SHA-256 of what was reviewed: "image", "pseudo" and "masks".
    seconds : float
        How long the sample was looked at, in all.
    changed : float or None
        Share in 0..1 of pixels whose label is not the pseudo-label; None if not known.
    labels : str
        `digest_labels` of the label file that was saved from exactly this state; empty if none
        was, or something changed since.
    locked : frozenset of int
        Protected classes.
    locked_pixels : (H, W) int16 or None
        The labels of protected classes as they were then, -1 elsewhere; copied as well.
    prompted : mapping of int to MaskSet
        Masks that a person made by prompts, by the index that follows on the reviewed masks'.
    stamps : mapping of str to str
        `stamp` of each file of `digests` as it was read: while it is the same, so is the file,
        which need not be read again.
    """

    sample_id: str
    status: Annotated[Status, _STATUS] = Status.PENDING
    params: Annotated[Params | None, Stored("TEXT", encode_params, decode_params)] = None
    overlay: Annotated[NDArray[np.int16] | None, _MAP] = None
    decisions: Annotated[
        Mapping[int, int], Stored("TEXT NOT NULL", encode_decisions, parse_decisions, long=True)
    ] = field(default_factory=dict)
    note: Annotated[str, Stored("TEXT NOT NULL", str, parse_text)] = ""
    digests: Annotated[Mapping[str, str], Stored("TEXT NOT NULL", encode_object, parse_texts)] = (
        field(default_factory=dict)
    )
    seconds: Annotated[float, Stored("REAL NOT NULL", float, parse_seconds)] = 0.0
    changed: Annotated[float | None, Stored("REAL", lambda share: share, parse_share)] = None
    labels: Annotated[str, Stored("TEXT NOT NULL", str, parse_text)] = ""
    locked: Annotated[
        frozenset[int], Stored("TEXT NOT NULL", encode_class_ids, parse_class_ids)
    ] = frozenset()
    locked_pixels: Annotated[NDArray[np.int16] | None, _MAP] = None
    prompted: Annotated[
        Mapping[int, MaskSet],
        Stored("TEXT NOT NULL", encode_many_prompted, decode_many_prompted, long=True, sized=True),
    ] = field(default_factory=dict)
    stamps: Annotated[Mapping[str, str], Stored("TEXT NOT NULL", encode_object, parse_texts)] = (
        field(default_factory=dict)
    )

    def __post_init__(self) -> None:
        for name in ("overlay", "locked_pixels"):
            given = getattr(self, name)
            if given is not None and given.flags.writeable:
                kept = given.astype(np.int16)
                kept.flags.writeable = False
                object.__setattr__(self, name, kept)
        if self.decisions and "masks" not in self.digests:
            raise ValueError(f"{self.sample_id}: decisions of masks whose digest is not told")

    @classmethod
    def of_row(
        cls, sample_id: str, row: Mapping[str, Any], image: ImageNow | None = None
    ) -> "Review":
        """Return the review that a row of the record holds.

        Parameters
        ----------
        sample_id : str
            The sample.
        row : mapping
            SQLite's values by fact; facts without one are as in a new review.
        image : ImageNow, optional
            The image, whose size maps and masks must have. If it is not the one that was reviewed,
            those of another size are left out. If it is not given, they may have any size.

        Raises
        ------
        ValueError, TypeError
            If a value makes no sense.
        """
        facts = {name: FACTS[name].read(row[name]) for name in row if not FACTS[name].sized}
        digest = "" if image is None else image.digest
        other = bool(digest) and facts["digests"].get("image", digest) != digest
        for name in row:
            if FACTS[name].sized:
                try:
                    facts[name] = FACTS[name].read(row[name], None if image is None else image[0])
                except OtherSizeError as error:
                    if not other:
                        raise ValueError(f"{name}: {error}") from error
        return cls(sample_id, **facts)

    def changed_inputs(self, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return the roles whose files are not those that were reviewed.

        Parameters
        ----------
        digests : mapping of str to str
            SHA-256 of the files as they are now, by role.
        """
        return tuple(
            role for role, digest in self.digests.items() if digests.get(role, digest) != digest
        )


class StatusRow(NamedTuple):
    """A sample as the queue shows it: columns of the samples' table, `status` first.

    Parameters
    ----------
    status : Status
        How far it is.
    edits : int
        How many steps were logged for it.
    changed : float or None
        Share in 0..1 of pixels whose label is not the pseudo-label; None if not known.
    note : str
        A remark.
    who : str
        Who changed it last; empty for nobody.
    """

    status: Status
    edits: int
    changed: float | None
    note: str
    who: str

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "StatusRow":
        """Return what a row holds; ValueError or TypeError if it makes no sense."""
        return cls._make(read(value) for read, value in zip(_ROW_READERS, row, strict=True))

    @classmethod
    def of(cls, review: Review, edits: int, who: str) -> "StatusRow":
        """Return what the queue shows of a review after so many steps, the last by `who`."""
        return cls(review.status, edits, review.changed, review.note, who)


_HINTS = get_type_hints(Review, include_extras=True)
FACTS: dict[str, Stored] = {
    name: get_args(_HINTS[name])[1]
    for name in sorted(_HINTS, key=lambda name: name not in StatusRow._fields)
    if get_origin(_HINTS[name]) is Annotated
}
"""How the record keeps each field of a review. Those that the queue shows come first: SQLite reads
a row from its beginning."""


_OTHER_READERS: Mapping[str, Callable[[Any], Any]] = {"edits": parse_count, "who": parse_text}
_ROW_READERS = [_OTHER_READERS.get(name) or FACTS[name].read for name in StatusRow._fields]


class ReviewSummary(NamedTuple):
    """What the record holds of a sample, without maps, decisions and masks.

    Parameters
    ----------
    review : Review
        The review, as far as it is short; the status alone if the row is damaged.
    edits : int
        How many steps were logged for it.
    who : str
        Who wrote last.
    problem : str
        Why the row cannot be read; empty if it can.
    """

    review: Review
    edits: int
    who: str
    problem: str = ""

    @property
    def is_touched(self) -> bool:
        """Whether a person did anything to the labels or the status; a note alone is nothing."""
        review = self.review
        is_open = review.status is Status.PENDING and review.params is None and not self.edits
        return bool(self.problem) or not is_open

    @classmethod
    def of_row(
        cls, row: Sequence[Any], damaged: Callable[[str, Exception], Exception]
    ) -> "ReviewSummary":
        """Return what a row holds: id, edits, who, and the short facts, of which status is first.

        `damaged` returns the error for a row that makes no sense.
        """
        sample_id, edits, who, *values = row
        names = (name for name, fact in FACTS.items() if not fact.long)
        try:
            review = Review.of_row(sample_id, dict(zip(names, values, strict=True)))
            return cls(review, parse_count(edits), parse_text(who))
        except (ValueError, TypeError) as error:
            known = [status for status in Status if status == values[0]]
            review = Review(sample_id, known[0] if known else Status.PENDING)
            return cls(review, 0, "", str(damaged(sample_id, error)))


@dataclass(frozen=True)
class LogEntry:
    """One thing that was done, for the log.

    Parameters
    ----------
    kind : str
        What: "params", "stroke", "undo", "status", ...
    payload : mapping
        The rest, as JSON can hold it.
    blob : bytes or None
        What JSON cannot hold, such as the runs of a stroke.
    """

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    blob: bytes | None = None

    @property
    def of_status(self) -> bool:
        """Whether it is a change of the status, done, undone or redone."""
        return self.kind.rpartition(" ")[2] == STATUS


@dataclass(frozen=True)
class Logged:
    """An entry of the log.

    Parameters
    ----------
    seq : int
        Its place: later entries have higher numbers.
    sample_id : str
        The sample; empty for what concerns the whole dataset.
    at : str
        When, in UTC (ISO 8601).
    who : str
        The reviewer.
    entry : LogEntry
        What was done.
    """

    seq: int
    sample_id: str
    at: str
    who: str
    entry: LogEntry

    @classmethod
    def of_row(cls, row: Sequence[Any], sample_id: str) -> "Logged":
        """Return what a row holds; ValueError or TypeError if it makes no sense."""
        seq, at, who, kind, payload, blob = row
        if not isinstance(blob, bytes | None):
            raise TypeError(f"{brief(blob)} in the place of bytes")
        entry = LogEntry(parse_text(kind), parse_object(payload), blob)
        return cls(seq, sample_id, parse_text(at), parse_text(who), entry)


class StampedFacts(NamedTuple):
    """What was read off the files of a sample, and off which state of them.

    Parameters
    ----------
    stamp : str
        Tells this state of the files, and this kind of facts, from all others.
    facts : mapping
        The facts, as JSON can hold them.
    """

    stamp: str
    facts: Mapping[str, Any]
