"""Images a second of `napari-sepl enhance`: from files with run lengths to label PNGs.

Run with ``python -m benchmarks.throughput``. One process and two take turns over the same samples;
beside them the floor: reading the same files' bytes and writing as many label files as large, with
the same forcing to the disk, and nothing else. With ``TMPDIR=/dev/shm`` in front the files are in
memory. Every run starts with an empty folder. The pace is that of running processes; they take some
two seconds to start, which count in the processor time.
Where other programs keep the processors busy, the processor time of an image is more
reliable than the pace: two processes double the pace on two free processors if it stays the same.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.enhance import Dataset, index_of
from benchmarks.examples import voc_size_examples
from benchmarks.timing import duration, machine, print_table
from napari_sepl import Params
from napari_sepl.files.atomic import GROUP, Unwritten, saved_in_groups
from napari_sepl.files.samples import Sample
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.parallel.processes import Processes
from napari_sepl.workflow.results import Outcome

SAMPLES = 1600
ROUNDS = 5
TARGET = 300.0  # images a second, with two processes
LINEAR = 0.8  # of twice the pace of one process


def repeated(samples: list[Sample], count: int) -> list[Sample]:
    """Return many samples of few files, each with a name of its own."""
    return [
        replace(samples[number % len(samples)], sample_id=f"{number:06d}")
        for number in range(count)
    ]


def enhance(samples: list[Sample], out: Path, workers: int) -> float:
    """Enhance samples into a folder that does not exist yet; return the seconds of an image.

    They count from the first group of files, when all processes run.
    """
    steps = enhance_folder(index_of(samples, out), Params(), executor=Processes(workers))
    assert next(steps).outcome is Outcome.SAVED
    start, left = time.perf_counter(), len(samples) - GROUP
    for step in steps:
        assert step.outcome is Outcome.SAVED, step.message
    return (time.perf_counter() - start) / left


def touch_files(samples: list[Sample], out: Path, labels: dict[str, bytes]) -> float:
    """Read all that is read of samples, and write what is written; the floor of any program."""
    out.mkdir()

    def files() -> Iterator[tuple[None, Unwritten]]:
        for sample in samples:
            for path in (sample.image, sample.pseudo, sample.masks):
                assert path is not None
                path.read_bytes()
            path = out / f"{sample.sample_id}.png"
            yield None, Unwritten(path, labels[sample.image.stem])

    start = time.perf_counter()
    list(saved_in_groups(files(), lambda _, why: print(why)))
    return (time.perf_counter() - start) / len(samples)


@dataclass(frozen=True)
class Taken:
    """What one run took, in seconds: an image by the clock, and all of the processors.

    The processors' seconds are those of the workers too, from their start.
    """

    clock: float
    processors: float


def timed(side: Callable[[], float], out: Path) -> Taken:
    """Time a way of doing it; emptying the folder does not count."""
    shutil.rmtree(out, ignore_errors=True)
    before = processor_seconds()
    clock = side()
    return Taken(clock, processor_seconds() - before)


def processor_seconds() -> float:
    """Return what this process and those that it waited for took of processors."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def table(
    sides: dict[str, Callable[[], float]], out: Path, count: int
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each way of doing it, timed in turns."""
    for side in sides.values():
        timed(side, out)  # the files are in the cache, and the kernels on the disk
    rounds = [{name: timed(side, out) for name, side in sides.items()} for _ in range(ROUNDS)]
    for name in sides:
        paces = sorted(1 / times[name].clock for times in rounds)
        pace = f"{paces[len(paces) // 2]:.0f}", f"{paces[0]:.0f} to {paces[-1]:.0f}"
        yield name, *pace, duration(min(times[name].processors for times in rounds) / count)
    gains = sorted(times["one process"].clock / times["two processes"].clock for times in rounds)
    middle = gains[len(gains) // 2]
    yield "two over one", f"{middle:.2f}×", f"{gains[0]:.2f} to {gains[-1]:.2f}", ""
    print(f"two processes: {'met' if middle >= 2 * LINEAR else 'MISSED'} (≥ {2 * LINEAR:g}×)")


def main() -> None:
    """Print the table."""
    print(machine())
    description, examples = voc_size_examples(40)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        few = Dataset.write(examples, root).with_json
        samples, out = repeated(few, SAMPLES), root / "out"
        enhance(few, out, 1)
        labels = {path.stem: path.read_bytes() for path in out.iterdir()}
        sides: dict[str, Callable[[], float]] = {
            "one process": partial(enhance, samples, out, 1),
            "two processes": partial(enhance, samples, out, 2),
            "files alone, one process": partial(touch_files, samples, out, labels),
        }
        rows = list(table(sides, out, len(samples)))
    title = f"{SAMPLES} samples of {description}, images a second (target for two: {TARGET:g})"
    print_table(title, ("", "median", "slowest to fastest", "processor time an image, least"), rows)


if __name__ == "__main__":
    main()
