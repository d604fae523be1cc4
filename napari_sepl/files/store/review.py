"""Everything that the record keeps of a sample."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.edits import Status
from napari_sepl.files.store.encoding import (
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
    parse_number,
    parse_object,
    parse_share,
    parse_text,
)

SAVED = "saved"
"""Kind of the entry that holds the `digest_labels` of saved labels."""

STATUS = "status"
"""Kind of the entry of another status."""

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
    """

    sql: str
    write: Callable[[Any], Value]
    read: Callable[[Any], Any]
    long: bool = False


_STATUSES = ", ".join(f"'{status}'" for status in Status)
_STATUS = Stored(f"TEXT NOT NULL CHECK (status IN ({_STATUSES}))", str, Status)
_MAP = Stored("BLOB NOT NULL", encode_overlay, decode_overlay, long=True)


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
    digests: Annotated[Mapping[str, str], Stored("TEXT NOT NULL", encode_object, parse_object)] = (
        field(default_factory=dict)
    )
    seconds: Annotated[float, Stored("REAL NOT NULL", float, parse_number)] = 0.0
    changed: Annotated[float | None, Stored("REAL", lambda share: share, parse_share)] = None
    labels: Annotated[str, Stored("TEXT NOT NULL", str, parse_text)] = ""
    locked: Annotated[
        frozenset[int], Stored("TEXT NOT NULL", encode_class_ids, parse_class_ids)
    ] = frozenset()
    locked_pixels: Annotated[NDArray[np.int16] | None, _MAP] = None
    prompted: Annotated[
        Mapping[int, MaskSet],
        Stored("TEXT NOT NULL", encode_many_prompted, decode_many_prompted, long=True),
    ] = field(default_factory=dict)
    stamps: Annotated[Mapping[str, str], Stored("TEXT NOT NULL", encode_object, parse_object)] = (
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
    """

    status: Status
    edits: int
    changed: float | None
    note: str

    @classmethod
    def of(cls, review: Review, edits: int) -> "StatusRow":
        """Return what the queue shows of a review, after so many steps."""
        named = {name: getattr(review, name) for name in cls._fields if name != "edits"}
        return cls(edits=edits, **named)


_HINTS = get_type_hints(Review, include_extras=True)
FACTS: dict[str, Stored] = {
    name: get_args(_HINTS[name])[1]
    for name in sorted(_HINTS, key=lambda name: name not in StatusRow._fields)
    if get_origin(_HINTS[name]) is Annotated
}
"""How the record keeps each field of a review. Those that the queue shows come first: SQLite reads
a row from its beginning."""


def pack_facts(of: object, names: Iterable[str]) -> dict[str, Any]:
    """Return facts of a review, or of annotations, as JSON holds them.

    Parameters
    ----------
    of : object
        Has the facts as attributes.
    names : iterable of str
        Names of fields of `Review`.
    """
    written = {name: FACTS[name].write(getattr(of, name)) for name in names}
    return {
        name: b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in written.items()
    }


def unpack_facts(packed: object) -> dict[str, Any]:
    """Return the facts that `pack_facts` packed; ValueError if they are damaged."""
    if not isinstance(packed, dict) or not packed.keys() <= FACTS.keys():
        raise ValueError(f"{packed!r:.60} in the place of facts")
    facts = {}
    for name, value in packed.items():
        fact = FACTS[name]
        packs = fact.sql.startswith("BLOB") and value is not None
        try:
            facts[name] = fact.read(b64decode(value) if packs else value)
        except TypeError as error:
            raise ValueError(str(error)) from error
    return facts


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
            facts = {name: FACTS[name].read(one) for name, one in zip(names, values, strict=True)}
            return cls(Review(sample_id, **facts), edits, who)
        except (ValueError, TypeError) as error:
            known = [status for status in Status if status == values[0]]
            review = Review(sample_id, known[0] if known else Status.PENDING)
            return cls(review, edits, who, str(damaged(sample_id, error)))


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
