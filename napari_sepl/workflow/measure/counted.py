"""Samples that are counted one after the other, going on after those that cannot be."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from napari_sepl.files.dataset.index import SampleProblem

Counts = TypeVar("Counts")


@dataclass(frozen=True)
class CountStep:
    """One sample is counted, or cannot be.

    Parameters
    ----------
    sample_id : str
        The sample.
    message : str
        Why it cannot be counted; empty otherwise.
    """

    sample_id: str
    message: str = ""


def failed_counts(problems: Iterable[SampleProblem]) -> Iterator[CountStep]:
    """Yield a step for each sample that cannot be used."""
    for problem in problems:
        yield CountStep(problem.sample_id, str(problem))


def count_each(
    ids: Iterable[str], answers: Iterable[Counts | str], add: Callable[[str, Counts], None]
) -> Iterator[CountStep]:
    """Add up what samples come to, in their order.

    Parameters
    ----------
    ids : iterable of str
        The samples.
    answers : iterable
        The counts of each, or why there are none.
    add : callable
        Takes a sample and its counts.

    Yields
    ------
    CountStep
        One for each sample.
    """
    for sample_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, str):
            yield CountStep(sample_id, answer)
        else:
            add(sample_id, answer)
            yield CountStep(sample_id)
