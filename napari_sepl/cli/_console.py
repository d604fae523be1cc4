"""What the commands print: progress, summaries, results, errors.

Results and summaries go to standard output, all else to standard error. With ``--json`` standard
output holds only the JSON; with ``--quiet`` only errors (and the JSON) are printed.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_sepl.core.errors import SaveError, counted, name_first
from napari_sepl.core.stopping import STOPPED, stopped
from napari_sepl.workflow.measure.tables import encode_json

if TYPE_CHECKING:  # importing them takes a second, which would slow `--version`
    from napari_sepl.workflow.measure.checkpoint import RunCheckpoint
    from napari_sepl.workflow.measure.counting import CountingRun
    from napari_sepl.workflow.results import SampleResult

FAILED = 1
TIME = TimeRemainingColumn(elapsed_when_finished=True)
OUTCOMES = {
    "saved": "saved",
    "no class": "saved without any class",
    "present": "skipped (already done)",
    "made again": "made again (inputs changed)",
    "reviewed": "left (reviewed)",
    "kept": "kept (edited by a person)",
    "left out": "left out (other classes)",
    "counted": "counted",
    "other settings": "not replaced (other settings)",
    "failed": "failed",
}
"""How the summary names the values of `Outcome`."""


@dataclass
class _Output:
    """What the current command prints."""

    quiet: bool = False
    json: bool = False


_output = _Output()


def choose_output(*, quiet: bool, json: bool) -> None:
    """Choose what is printed from now on."""
    _output.quiet, _output.json = quiet, json


def say(text: str) -> None:
    """Print a summary or a result, unless JSON replaces it."""
    if not (_output.quiet or _output.json):
        typer.echo(_CONTROL.sub(_escaped, text))


_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Signs that move a terminal's cursor, change its colours or turn the text around."""


def _escaped(sign: re.Match[str]) -> str:
    return sign[0].encode("unicode_escape").decode("ascii")


def say_saved(files: Sequence[Path]) -> None:
    """Print which files were saved, if any."""
    if files:
        say(f"saved {', '.join(map(str, files))}")


def note(message: str) -> None:
    """Print a note as one line on standard error."""
    if not _output.quiet:
        complain(message)


def complain(message: str) -> None:
    """Print an error, as one line on standard error."""
    typer.echo(_CONTROL.sub(_escaped, message.replace("\n", " ")), err=True)


def give_json(content: object) -> None:
    """Print JSON on standard output if `--json` was given."""
    if _output.json:
        typer.echo(encode_json(content))


class StandardOutput:
    """Standard output that never stops a run.

    A closed pipe is ignored; another error, such as a full disk, is reported once.

    Parameters
    ----------
    stream : TextIO
        The output itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = False
        self.failed = False

    def write(self, text: str) -> int:
        """Write a text and return its length, even if that fails."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream."""
        return getattr(self._stream, name)

    def _try(self, action: Callable[[], object]) -> None:
        if self._lost:
            return
        try:
            action()
        except OSError as error:
            self._lost = True
            self._discard()
            if not isinstance(error, BrokenPipeError):
                self.failed = True
                complain(f"standard output cannot be written: {error.strerror or error}")

    def _discard(self) -> None:
        """Discard buffered text: flushing it at exit would fail."""
        with suppress(OSError):  # a stream without a file has no descriptor
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


def progress(*columns: object, **options: object) -> Progress:
    """Return a progress bar on standard error, hidden with `--quiet`."""
    console = Console(stderr=True, quiet=_output.quiet)
    return _Bars(*columns, console=console, **options)


class _Bars(Progress):
    """Bars that disappear if an error ends them before any has moved."""

    def __init__(self, *columns: Any, **options: Any) -> None:
        super().__init__(*columns, **options)
        self._moved = False

    def update(self, *args: Any, **options: Any) -> None:
        """Move or change a bar."""
        before = [task.completed for task in self.tasks]
        super().update(*args, **options)
        self._moved = self._moved or before != [task.completed for task in self.tasks]

    def stop(self) -> None:
        """Stop without the empty line that rich prints after a bar that disappeared."""
        if self.live.transient:
            self.live.stop()
        else:
            super().stop()

    def __exit__(self, kind: type[BaseException] | None, *args: Any) -> None:
        """Stop, and remove a bar that has not moved before the error."""
        if kind is not None and not self._moved:
            self.live.transient = True
        super().__exit__(kind, *args)


@dataclass
class Part:
    """Progress within the current sample: `show` takes a share from 0 to 1."""

    show: Callable[[float], None] = field(default=lambda _share: None)


@dataclass
class Failures:
    """The samples of a run that failed, and why."""

    messages: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, result: "SampleResult[object]") -> None:
        """Add a sample if it failed."""
        if result.message:
            self.messages.append((result.sample_id, result.message))

    def lines(self) -> list[str]:
        """Return one line for each failure, or for all with the same reason."""
        alike: dict[str, list[tuple[str, str]]] = {}
        for sample_id, message in self.messages:
            alike.setdefault(_reason(sample_id, message), []).append((sample_id, message))
        return [
            f"{len(group)} samples: {reason.rstrip('.')}: {name_first([one for one, _ in group])}"
            if len(group) > 1
            else group[0][1]
            for reason, group in alike.items()
        ]

    def complain(self) -> None:
        """Print the lines."""
        for line in self.lines():
            complain(line)

    def content(self) -> list[dict[str, str]]:
        """Return the failures for JSON."""
        return [{"sample_id": one, "message": message} for one, message in self.messages]


def _reason(sample_id: str, message: str) -> str:
    """Return a message with * for the sample's name in paths, to group equal reasons."""
    written = (sample_id.replace("/", between) for between in ("/", "\\", "__"))
    for name in (*written, PurePath(sample_id).name):
        place = rf"(^|[/\\]|: |\bsample ){re.escape(name)}(?=[./\\:;,]|$)"
        starred = re.sub(place, r"\1*", message)
        if starred != message:
            return starred.removeprefix("sample *: ").removeprefix("*: ")
    return message


def follow(
    results: "Iterable[SampleResult[object]]", total: int, title: str, part: Part | None = None
) -> int:
    """Show a bar while a run writes files, then its summary; return the exit code.

    `part` moves the bar within a sample.
    """
    counts: Counter[str] = Counter()
    code, _ = _follow(results, total, title, counts, part)
    if code == STOPPED:
        resumes = 0 < counts.total() < total
        complain(f"Stopped.{' All saved files are complete; the same command resumes.' * resumes}")
    if code == 0 and counts.keys() == {"left out"}:
        complain("nothing to do: no sample has one of these classes")
        return FAILED
    if counts["no class"] and counts.keys() <= {"no class", "failed"}:
        complain(
            "no sample has a class: the pseudo-labels hold only 0 (background) and 255 (ignore), "
            "or no score is above the background's; in a mask of one class its label must be 1, or "
            "its colour that of a class and --pseudo-format colours"
        )
        return FAILED
    return code


def count(run: "CountingRun[Any, Any]") -> tuple[int, Failures]:
    """Show a bar while a run counts, then its summary; return the exit code and what failed.

    Its checkpoint, if it has one, is written however the run ends.
    """
    checkpoint = run.checkpoint
    if checkpoint is None:
        return _follow(run, len(run), run.command, Counter(counted=0), noun=run.noun)
    if checkpoint.note:
        note(checkpoint.note)
    try:
        return _follow(run, len(run), run.command, Counter(counted=len(checkpoint.stamps)))
    finally:
        checkpoint.save()


def _follow(
    results: "Iterable[SampleResult[object]]",
    total: int,
    title: str,
    counts: Counter[str],
    part: Part | None = None,
    noun: str = "sample",
) -> tuple[int, Failures]:
    """Show a bar while a run continues after `counts`, then print its summary."""
    failures = Failures()
    notes: dict[str, None] = {}
    was_stopped = False
    with _bar(title, total, counts.total()) as move:
        if part is not None:
            part.show = lambda share: move(counts.total() + share)
        try:
            for result in results:
                counts[result.outcome] += 1
                failures.add(result)
                notes |= dict.fromkeys(result.notes)
                move(counts.total())
        except KeyboardInterrupt:
            was_stopped = True
    outcomes = [
        f"{counts[outcome]} {words}" for outcome, words in OUTCOMES.items() if outcome in counts
    ]
    say(f"{counted(total, noun)}: {', '.join(outcomes) or 'nothing done'}")
    for text in notes:
        note(text)
    failures.complain()
    if was_stopped or stopped():
        return STOPPED, failures
    return FAILED if failures else 0, failures


@contextmanager
def _bar(title: str, total: int, done: int = 0) -> Iterator[Callable[[float], None]]:
    """Show a bar inside the block; yield a function that moves it to a number of samples."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TIME)
    with progress(*columns) as bar:
        task = bar.add_task(title, total=total, completed=done)
        yield lambda done: bar.update(task, completed=done)


def size(number: int) -> str:
    """Return a number of bytes in MB, or in kB below 1 MB."""
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.1f} kB"


def note_unused(unused: Sequence[str], lacking: str, so: str = "not used") -> None:
    """Print which samples were not used because they lack a file."""
    if unused:
        note(f"{counted(len(unused), 'sample')}: no {lacking}, so {so}: {name_first(unused)}")


def save_result(
    code: int,
    table: Path | None,
    write: Callable[[Path], list[Path]],
    checkpoint: "RunCheckpoint | None" = None,
) -> tuple[int, list[Path]]:
    """Save the files of a result, if a table is named, and remove its checkpoint.

    If that fails, the reason is printed, and the result is still shown. Returns exit code and
    files.
    """
    if table is None:
        return code, []
    try:
        files = write(table)
    except SaveError as error:
        complain(f"napari-sepl: {error}")
        say("not saved, shown here only:")
        return FAILED, []
    if checkpoint is not None:
        checkpoint.end()
    return code, files


def complain_of_stop(checkpoint: "RunCheckpoint | None" = None) -> None:
    """Print what is kept of a stopped run whose result needs all samples."""
    if checkpoint is not None and checkpoint.holds:
        complain("Stopped. The counts so far are kept; the same command resumes.")
    elif checkpoint is not None and checkpoint.problem:
        complain(f"Stopped. The counts so far are lost: {checkpoint.problem}")
    else:
        complain("Stopped: the result needs all samples, so nothing is saved.")
