"""A walk over samples that nobody opened, and what it finds out about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import NamedTuple

from napari_sepl.core.causes import Cause
from napari_sepl.core.errors import attempt
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.store import StampedFacts

Known = Callable[[Sequence[str]], Mapping[str, StampedFacts]]
"""Returns what was kept of the samples with these ids."""


class Suspicion(NamedTuple):
    """How much a sample deserves to be looked at, and why.

    Parameters
    ----------
    share : float
        The suspicion of its diagnosis, 0..1.
    cause : Cause or None
        The main cause; None if nothing was found.
    """

    share: float
    cause: Cause | None


@dataclass(frozen=True)
class SampleFacts:
    """What the files of a sample tell before anybody opens it.

    Parameters
    ----------
    class_ids : tuple of int
        Classes of the pseudo-labels, ascending, without background and ignore.
    suspicion : Suspicion, optional
        What `workflow.review.suspicion` found, which reads the masks too.
    """

    class_ids: tuple[int, ...]
    suspicion: Suspicion | None = None


@dataclass(frozen=True)
class Scanned:
    """What was found out about some rows.

    Parameters
    ----------
    count : int
        How many of the rows that were given were looked at, from the first on.
    facts : dict of int to SampleFacts
        By row.
    failures : dict of int to str
        Why a sample cannot be read, by row.
    fresh : dict of str to StampedFacts
        What had to be read, to be kept, by the sample's id.
    """

    count: int
    facts: dict[int, SampleFacts] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    fresh: dict[str, StampedFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """One walk over samples that nobody opened, as the window runs it in batches.

    Parameters
    ----------
    told : str
        What it does.
    rows : sequence of int
        The samples to look at.
    look : callable
        Finds out about some of the rows, beginning none after so many seconds.
    """

    told: str
    rows: Sequence[int]
    look: Callable[[Sequence[int], float], Scanned]


def scan_each(
    index: SampleIndex,
    rows: Sequence[int],
    known: Known,
    look: Callable[[int, Mapping[str, StampedFacts], Scanned], None],
    seconds: float,
) -> Scanned:
    """Call `look` on rows, with what was kept and what to add to, until the time is over."""
    until = monotonic() + seconds
    scanned = Scanned(len(rows))
    kept = known([index.ids[row] for row in rows])
    for place, row in enumerate(rows):
        if place and monotonic() > until:
            return Scanned(place, scanned.facts, scanned.failures, scanned.fresh)
        attempt(
            partial(look, row, kept, scanned),
            partial(scanned.failures.__setitem__, row),
            index.ids[row],
        )
    return scanned
