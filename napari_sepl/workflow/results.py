"""How one sample of any run ended, and the loop over the samples of a run."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

from napari_sepl.core.errors import NAMED, SaveError, attempt, on_one_line
from napari_sepl.files.dataset.index import SampleProblem
from napari_sepl.files.notes import taking_notes
from napari_sepl.workflow.parallel.processes import HERE, Executor

Given = TypeVar("Given")
Value = TypeVar("Value")
Value_co = TypeVar("Value_co", covariant=True)


class Outcome(StrEnum):
    """How one sample of a run ended."""

    SAVED = "saved"
    PRESENT = "present"
    """Its file exists, with the same settings."""
    NO_CLASS = "no class"
    """Saved, but no pixel has a class: all are background or ignore."""
    MADE_AGAIN = "made again"
    """Its file was there, made from inputs that changed since, and nobody touched it."""
    REVIEWED = "reviewed"
    """The record says that a person touched it: no run touches its labels."""
    KEPT = "kept"
    """A person edited its labels: no run replaces them, not even with overwrite."""
    LEFT_OUT = "left out"
    """It has none of the requested classes."""
    COUNTED = "counted"
    OTHER = "other settings"
    """Its labels have other settings, and are not replaced."""
    FAILED = "failed"


class OtherSettingsError(SaveError):
    """An existing file has other settings, and is not replaced."""


@dataclass(frozen=True)
class SampleResult(Generic[Value_co]):
    """How one sample of a run ended.

    Parameters
    ----------
    sample_id : str
        The sample.
    outcome : Outcome
        How it ended.
    message : str
        Why it failed, or the other settings of its file; empty otherwise.
    value : object
        Its result, if that is more than a file; None if it failed.
    notes : tuple of str
        What is to be said of its files, though they were read.
    """

    sample_id: str
    outcome: Outcome
    message: str = ""
    value: Value_co | None = None
    notes: tuple[str, ...] = ()


class Task(NamedTuple, Generic[Given]):
    """One sample to work on.

    Parameters
    ----------
    sample_id : str
        The sample.
    file : object
        The file or id to name in errors that name none.
    given : object
        The argument of the work.
    """

    sample_id: str
    file: object
    given: Given


Work = Callable[[Given], tuple[Outcome, Value]]
"""Computes one sample; returns its outcome and its result."""


def run_samples(
    work: Work[Given, Value],
    tasks: Iterable[Task[Given]],
    problems: Iterable[SampleProblem] = (),
    executor: Executor = HERE,
) -> Generator[SampleResult[Value], None, None]:
    """Run work on the samples, and continue after failures.

    Parameters
    ----------
    work : callable
        Must be picklable for other processes.
    tasks : iterable of Task
        The samples, iterated lazily.
    problems : iterable of SampleProblem
        Samples that cannot be used.
    executor : Executor
        Where samples are computed.

    Yields
    ------
    SampleResult
        One for each problem, then one for each task, in order.

    Raises
    ------
    SeplError
        If the run ends, whichever sample it is at.
    """
    yield from failed_results(problems)
    yield from executor.run(partial(_attempt, work), tasks, _lost)


def failed_results(problems: Iterable[SampleProblem]) -> Iterator[SampleResult[Any]]:
    """Yield the result of each sample that cannot be used."""
    for problem in problems:
        yield SampleResult(problem.sample_id, Outcome.FAILED, str(problem))


def _attempt(work: Work[Given, Value], task: Task[Given]) -> SampleResult[Value]:
    """Work on one sample of a run; RunEndedError alone passes."""

    def done() -> SampleResult[Value]:
        try:
            with taking_notes() as notes:
                outcome, value = work(task.given)
        except OtherSettingsError as error:
            return SampleResult(task.sample_id, Outcome.OTHER, on_one_line(str(error)))
        return SampleResult(task.sample_id, outcome, value=value, notes=tuple(notes))

    return attempt(done, partial(SampleResult, task.sample_id, Outcome.FAILED), task.file)


def _lost(task: Task[Any], why: str) -> SampleResult[Any]:
    return SampleResult(task.sample_id, Outcome.FAILED, f"{why}: {task.file}")


class Batch(NamedTuple, Generic[Value]):
    """Results that came in a short time, and whether the run has ended."""

    results: list[SampleResult[Value]]
    ended: bool


def take_batch(
    results: Iterable[SampleResult[Value]],
    seconds: float,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Batch[Value]:
    """Take results of a run for so many seconds, and while they are wanted; at least one.

    Parameters
    ----------
    results : iterable of SampleResult
        An iterator, from which a later call takes the next ones.
    seconds : float
        After them no further sample is begun.
    is_wanted : callable
        Whether a further sample is wanted.
    """
    until, taken = monotonic() + seconds, []
    for result in results:
        taken.append(result)
        if monotonic() > until or not is_wanted():
            return Batch(taken, ended=False)
    return Batch(taken, ended=True)


def first_failures(sentences: Sequence[str]) -> list[str]:
    """Return the first sentences on failures, and one on how many more there are."""
    more = len(sentences) - NAMED
    return [*sentences[:NAMED], *([f"And {more:,} more failed."] if more > 0 else [])]


class Worked(NamedTuple):
    """What came of rows that were worked on one by one, until some time was over.

    Parameters
    ----------
    number : int
        How many of the given rows were worked on, from the first on.
    results : dict of int to object
        What the work returned, by row.
    failures : dict of int to str
        Why it failed, by row.
    """

    number: int
    results: dict[int, Any]
    failures: dict[int, str]


def work_on_each(
    work: Callable[[int], object], rows: Sequence[int], seconds: float, names: Sequence[str]
) -> Worked:
    """Call `work` on each row, in order; begin no further row after so many seconds."""
    until, worked = monotonic() + seconds, Worked(0, {}, {})
    for place, row in enumerate(rows):
        if place and monotonic() > until:
            break
        failed = partial(worked.failures.__setitem__, row)
        result = attempt(partial(work, row), failed, names[row])
        worked = worked._replace(number=place + 1)
        if row not in worked.failures:
            worked.results[row] = result
    return worked
