"""What a person said about a sample, as the store keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.masks import MaskSet
from napari_sepl.core.params import Params


class Status(StrEnum):
    """How far the review of a sample is."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    FLAGGED = "flagged"


@dataclass(frozen=True, eq=False)
class Review:
    """All that a person said about one sample.

    Parameters
    ----------
    sample_id : str
        The sample.
    status : Status
        How far it is.
    params : Params or None
        The settings; None if nobody chose any for this sample.
    overlay : (H, W) int16 or None
        Painted labels, -1 for no opinion. It is copied, for the window goes on painting while
        the review waits to be written.
    overrides : mapping of int to int
        Mask index, or -k for the pseudo-labels of class k, to the class a person gave it, 0 for
        background, -1 for refused; true of the masks with the digest ``digests["masks"]`` only.
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
    protected : frozenset of int
        Protected classes.
    pins : (H, W) int16 or None
        The labels of protected classes as they were then, -1 elsewhere; copied as well.
    prompted : mapping of int to MaskSet
        Masks that a person made by prompts, by the index that follows on the reviewed masks'.
    """

    sample_id: str
    status: Status = Status.PENDING
    params: Params | None = None
    overlay: NDArray[np.int16] | None = None
    overrides: Mapping[int, int] = field(default_factory=dict)
    note: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    changed: float | None = None
    labels: str = ""
    protected: frozenset[int] = frozenset()
    pins: NDArray[np.int16] | None = None
    prompted: Mapping[int, MaskSet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("overlay", "pins"):
            given = getattr(self, name)
            if given is not None and given.flags.writeable:
                kept = given.astype(np.int16)
                kept.flags.writeable = False
                object.__setattr__(self, name, kept)
        if self.overrides and "masks" not in self.digests:
            raise ValueError(f"{self.sample_id}: overrides of masks whose digest is not told")

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
    """A sample as the queue shows it.

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
