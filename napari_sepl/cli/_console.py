"""What the commands print: progress, summaries, complaints."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_sepl.workflow.enhance import Outcome, Step

STOPPED = 130  # what shells expect of a program that Ctrl+C stopped
LISTED = 10  # names shown of a long list
TOLD = {
    Outcome.SAVED: "saved",
    Outcome.PRESENT: "already there",
    Outcome.KEPT: "kept, edited by a person",
    Outcome.LEFT_OUT: "left out, of other classes",
    Outcome.FAILED: "failed",
}


def follow(events: Iterable[Step], total: int, told: str) -> int:
    """Show a bar while the run goes on, then its summary; return the exit code."""
    counts: Counter[Outcome] = Counter()
    failures: list[str] = []
    stopped = False
    with _bar(told, total) as advance:
        try:
            for event in events:
                counts[event.outcome] += 1
                if event.message:
                    failures.append(event.message)
                advance()
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


def count(run: Iterable[Counted], total: int, told: str, counted: Callable[[], int]) -> int:
    """Show a bar while a run counts, then how many it counted and why not the others.

    Return the exit code.
    """
    failures: list[str] = []
    stopped = False
    with _bar(told, total) as advance:
        try:
            for step in run:
                failures += [step.message] * bool(step.message)
                advance()
        except KeyboardInterrupt:
            stopped = True
    failed = f", {len(failures)} failed" if failures else ""
    typer.echo(f"{total} sample{'s' * (total != 1)}: {counted()} counted{failed}")
    for message in failures:
        complain(message)
    if stopped:
        return STOPPED
    return 1 if failures else 0


@contextmanager
def _bar(told: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar inside the block; give what moves it on by one."""
    columns = (TextColumn(told), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(told, total=total)
        yield lambda: bar.advance(task)


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
