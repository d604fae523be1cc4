"""What the commands print: progress, summaries, complaints."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_sepl.workflow.measure.kept import Kept
from napari_sepl.workflow.outcome import Outcome, Step

STOPPED = 130  # what shells expect of a program that Ctrl+C stopped
LISTED = 10  # names shown of a long list
TOLD = {
    Outcome.SAVED: "saved",
    Outcome.PRESENT: "already there",
    Outcome.KEPT: "kept, edited by a person",
    Outcome.LEFT_OUT: "left out, of other classes",
    Outcome.FAILED: "failed",
}


@dataclass
class Part:
    """Tells how far the sample under way is: `show` takes its share from 0 to 1."""

    show: Callable[[float], None] = field(default=lambda _share: None)


def follow(events: Iterable[Step], total: int, told: str, part: Part | None = None) -> int:
    """Show a bar while the run goes on, then its summary; return the exit code.

    The bar also moves by what `part` is told while a sample is under way.
    """
    counts: Counter[Outcome] = Counter()
    failures: list[str] = []
    stopped = False
    with _bar(told, total) as move:
        if part is not None:
            part.show = lambda share: move(counts.total() + share)
        try:
            for event in events:
                counts[event.outcome] += 1
                if event.message:
                    failures.append(event.message)
                move(counts.total())
        except KeyboardInterrupt:
            stopped = True
    _summarise(counts, failures, total)
    if stopped:
        complain("Stopped. What is saved is whole; the same command goes on from here.")
        return STOPPED
    return 1 if failures else 0


class Counted(Protocol):
    """One sample of a run that counts is dealt with."""

    @property
    def message(self) -> str:
        """Why it could not be counted; empty otherwise."""


def count(
    run: Iterable[Counted],
    total: int,
    told: str,
    counted: Callable[[], int],
    kept: Kept | None = None,
) -> int:
    """Show a bar while a run counts, then how many it counted and why not the others.

    Where it keeps what it has counted, that is written however it ends. Return the exit code.
    """
    failures: list[str] = []
    stopped = False
    done = 0 if kept is None else len(kept.stamps)
    if kept is not None and kept.told:
        complain(kept.told)
    with _bar(told, total, done) as move:
        try:
            for number, step in enumerate(run, done + 1):
                failures += [step.message] * bool(step.message)
                move(number)
        except KeyboardInterrupt:
            stopped = True
        finally:
            if kept is not None:
                kept.save()
    failed = f", {len(failures)} failed" if failures else ""
    typer.echo(f"{total} sample{'s' * (total != 1)}: {counted()} counted{failed}")
    for message in failures:
        complain(message)
    if stopped:
        return STOPPED
    return 1 if failures else 0


@contextmanager
def _bar(told: str, total: int, done: int = 0) -> Iterator[Callable[[float], None]]:
    """Show a bar inside the block; give what moves it to a number of samples."""
    columns = (TextColumn(told), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(told, total=total, completed=done)
        yield lambda done: bar.update(task, completed=done)


def _summarise(counts: Counter[Outcome], failures: Sequence[str], total: int) -> None:
    told = [f"{counts[outcome]} {TOLD[outcome]}" for outcome in Outcome if counts[outcome]]
    typer.echo(f"{total} sample{'s' * (total != 1)}: {', '.join(told) or 'nothing done'}")
    for message in failures:
        complain(message)


def listing(names: Sequence[str]) -> str:
    shown = ", ".join(names[:LISTED])
    more = len(names) - LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def complain(message: str) -> None:
    typer.echo(message.replace("\n", " "), err=True)


def complain_of_stop(kept: Kept | None = None) -> None:
    """Say what became of a run that was stopped, and counts for all samples or not at all."""
    if kept is not None and kept.holds:
        complain("Stopped. What is counted is kept; the same command goes on from here.")
    else:
        complain("Stopped: a part of the samples does not tell of all, so nothing is saved.")
