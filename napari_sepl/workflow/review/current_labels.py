"""The labels of a dataset's samples as they stand: reviewed, or else as SEPL makes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.samples import Enhanceable, Sample, load_enhanceable
from napari_sepl.files.store import Review, Status, Store
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.review.rebuild import rebuild_labels
from napari_sepl.workflow.review.session import Session


@dataclass(frozen=True, eq=False)
class Reviewable:
    """A sample and its annotations; small enough to be sent to another process.

    Parameters
    ----------
    sample : Sample
        Its files.
    review : Review or None
        Its annotations, if any.
    status : Status
        How far its review is.
    start : Params
        The settings if nobody chose any.
    record : Path or None
        Where the review comes from, for errors; None where there is none.
    """

    sample: Sample
    review: Review | None
    status: Status
    start: Params
    record: Path | None

    @property
    def is_reviewed(self) -> bool:
        """Whether anybody saw the sample: then its files are known by their digests."""
        review = self.review
        return (
            review is not None
            and review.params is not None
            and set(MADE_FROM) <= set(review.digests)
        )


class CurrentLabels:
    """The samples of a dataset, each with its annotations.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    store : Store or None
        Their annotations; None if there are none.
    start : Params, optional
        The settings of samples that nobody chose any for; those of the review's session if left
        out.

    Attributes
    ----------
    start : Params
        The settings of samples that nobody chose any for.
    statuses : dict of str to Status
        How far the reviews are that were begun, also of samples that the dataset has no more.

    Raises
    ------
    InputError
        If the store cannot be read.
    """

    def __init__(
        self, index: SampleIndex, store: Store | None, start: Params | None = None
    ) -> None:
        self._index, self._store = index, store
        statuses = {} if store is None else store.statuses()
        noted = {} if store is None else store.session()
        self.start = start or Session(noted, lambda _: None).start
        self.statuses = {sample_id: row.status for sample_id, row in statuses.items()}

    @cached_property
    def without_masks(self) -> list[str]:
        """Samples that have neither masks nor a review, and so no labels."""
        bare = self._index.without(Role.MASKS)
        return [sample_id for sample_id in bare if not self.item(sample_id).is_reviewed]

    @cached_property
    def ids(self) -> list[str]:
        """The samples that have labels, in the dataset's order."""
        left_out = set(self.without_masks)
        return [sample_id for sample_id in self._index.ids if sample_id not in left_out]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Reviewable]:
        return map(self.item, self.ids)

    def status(self, sample_id: str) -> Status:
        """Return how far a sample's review is."""
        return self.statuses.get(sample_id, Status.PENDING)

    def item(self, sample_id: str) -> Reviewable:
        """Return a sample with its annotations.

        Raises
        ------
        SeplError
            If the dataset has no such sample or cannot use it, or the store cannot be read.
        """
        return Reviewable(
            self._index.sample(sample_id),
            None if self._store is None else self._store.review(sample_id),
            self.status(sample_id),
            self.start,
            None if self._store is None else self._store.path,
        )


def resolve_sample(item: Reviewable, classes: ClassList) -> tuple[Enhanceable, Resolved]:
    """Read a sample and return it with its labels as they stand.

    Raises
    ------
    InputError
        If a file cannot be read, or the files of a sample that was reviewed are not those that
        were reviewed.
    """
    params = (item.review.params if item.review is not None else None) or item.start
    given = load_enhanceable(item.sample, classes).cut_at(params.background)
    if item.review is not None and (item.status is Status.ACCEPTED or item.is_reviewed):
        return given, rebuild_labels(item.review, given, item.record)
    return given, resolve(given.overlap, Annotations(params))
