"""A dataset of 100,000 samples: listing it, opening its store, writing to that.

Run with ``python -m benchmarks.store``; it makes and removes 300,000 empty files.
"""

import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import Timings, duration, machine, print_table
from napari_sepl import Params
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import LogEntry, Review, Status, Store, StoreWriter, store_file
from napari_sepl.files.store.encoding import decode_overlay, encode_overlay
from napari_sepl.files.store.writes import Stamp, write_review

SAMPLES = 100_000
ROUNDS = 5
WRITES = 300
SHAPES = ((375, 500), (4096, 4096))
REOPEN_TARGET = 2.0
STATUSES_TARGET = 0.3
WRITE_TARGET = 0.5
DIGESTS = {"image": "1f" * 32, "pseudo": "2e" * 32, "masks": "3d" * 32}
HEADER = ("", "median", "95th percentile", "target", "")


def row(name: str, timings: Timings, target: float | None = None) -> tuple[str, ...]:
    """Return a table row; a target is met if the median is below it."""
    cells = duration(timings.median), duration(timings.slowest)
    if target is None:
        return name, *cells, "", ""
    return name, *cells, f"< {target:g} s", "met" if timings.median < target else "MISSED"


def timed(action: Callable[[], object], rounds: int = ROUNDS) -> Timings:
    """Time the same action again and again."""
    return Timings.of([action] * rounds)


def make_files(root: Path) -> DatasetSpec:
    """Make empty files for all samples, each stem in each of three folders."""
    for folder, ending in (("images", "jpg"), ("pseudo", "png"), ("masks", "json")):
        (root / folder).mkdir()
        for number in range(SAMPLES):
            (root / folder / f"{name_of(number)}.{ending}").touch()
    return DatasetSpec(
        images=root / "images", pseudo=root / "pseudo", masks=root / "masks", out=root / "out"
    )


def name_of(number: int) -> str:
    """Return a name as COCO's, with gaps between the numbers."""
    return f"COCO_train2014_{number * 7:012}"


def brushed(height: int, width: int) -> NDArray[np.int16]:
    """Return an overlay on which a person painted three discs."""
    rows, cols = np.ogrid[:height, :width]
    overlay = np.full((height, width), -1, np.int16)
    for number in range(1, 4):
        distance = (rows - height * number / 4) ** 2 + (cols - width * number / 5) ** 2
        overlay[distance < (height / 10) ** 2] = number
    return overlay


def review_of(number: int, overlay: NDArray[np.int16] | None) -> Review:
    """Return a review as a person leaves it."""
    return Review(
        name_of(number),
        Status.ACCEPTED,
        Params(t1=0.4),
        overlay,
        {3: 0, 5: 12},
        "left hand",
        DIGESTS,
        12.5,
        0.125,
        "4c" * 32,
    )


@contextmanager
def full_store(out: Path) -> Iterator[Store]:
    """Open a store in which every sample was reviewed and every third painted on."""
    overlay = brushed(375, 500)
    with Store.open(store_file(out), who="benchmark") as store:
        with store._transaction() as connection:  # noqa: SLF001  100,000 of them would take long
            stamp = Stamp("benchmark", "2025-01-01T00:00:00.000Z")
            entries = [LogEntry("stroke", {"pixels": 999}, bytes(100))]
            for number in range(SAMPLES):
                painted = None if number % 3 else overlay
                write_review(connection, review_of(number, painted), entries, stamp)
        yield store


def measure_listing(root: Path) -> DatasetSpec:
    """Print what listing the folders costs."""
    spec = make_files(root)
    start = perf_counter()
    dataset = SampleIndex.open(spec)
    first = Timings(np.array([perf_counter() - start]))
    (root / "list.txt").write_text("\n".join(dataset.ids))
    listed = spec.model_copy(update={"list_file": root / "list.txt"})
    print_table(
        f"{len(dataset):,} samples in 3 folders of {SAMPLES:,} files each",
        HEADER,
        [
            row("listed for the first time", first),
            row("listed again", timed(lambda: SampleIndex.open(spec)), REOPEN_TARGET),
            row(
                "in the order of a list file",
                timed(lambda: SampleIndex.open(listed)),
                REOPEN_TARGET,
            ),
        ],
    )
    return spec


def measure_store(spec: DatasetSpec) -> None:
    """Print what a store costs in which every sample has a row."""
    path = store_file(spec.output)
    with full_store(spec.output) as store:
        everything = {name_of(number): Status.SKIPPED for number in range(SAMPLES)}
        rows = [
            row("all statuses", timed(store.statuses), STATUSES_TARGET),
            row("one review", timed(partial(store.review, name_of(54321)), 100)),
            row("the status of all, in one transaction", timed(switch(store, everything), 4)),
        ]

    def reopen() -> None:
        dataset = SampleIndex.open(spec)
        with Store.open(path, who="benchmark") as opened:
            assert len(opened.statuses()) == len(dataset)

    def reopen_cold() -> None:
        forget(path)
        reopen()

    with Store.open(path, who="benchmark") as store:
        rows.append(row("SQLite's quick_check, in the background", timed(store.check)))
    rows += [
        row("opened", timed(lambda: Store.open(path, who="benchmark").close())),
        row("dataset, store and all statuses", timed(reopen), REOPEN_TARGET),
        row("... with the store on the disk alone", timed(reopen_cold), REOPEN_TARGET),
    ]
    size = path.stat().st_size / 1e6
    print_table(f"A store of {SAMPLES:,} reviews, {size:.0f} MB", HEADER, rows)


def forget(path: Path) -> None:
    """Have the system drop what it keeps of a file in memory, where it can."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def switch(store: Store, changes: dict[str, Status]) -> Callable[[], object]:
    """Return an action that sets many statuses, and at the next call undoes it."""
    cells = [changes]

    def act() -> None:
        cells[0] = store.put_many_statuses(cells[0])

    return act


def measure_writes(out: Path) -> None:
    """Print how long a stroke takes from the window to the disk."""
    rows = []
    entries = [LogEntry("stroke", {"pixels": 999}, bytes(100))]

    def write(writer: StoreWriter, review: Review) -> None:
        writer.put_review(review, entries)
        assert writer.flush(10)

    with Store.open(store_file(out), who="benchmark") as store:
        writer = StoreWriter(store, print)
        for shape in SHAPES:
            cells = f"{shape[0]} × {shape[1]}"
            review = review_of(0, brushed(*shape))
            direct = timed(partial(store.put_review, review, entries), WRITES)
            rows.append(row(f"a review written, {cells}", direct, WRITE_TARGET))
            handed = timed(partial(write, writer, review), WRITES)
            rows.append(row(f"... handed to the writer's thread, {cells}", handed, WRITE_TARGET))
        writer.close(10)
    print_table("A stroke, until it is forced to the disk", HEADER, rows)


def measure_overlays() -> None:
    """Print what packing painted pixels costs, beside zlib over the pixels."""
    rows = []
    for shape in SHAPES:
        cells = f"{shape[0]} × {shape[1]}"
        overlay = brushed(*shape)
        packed, pixels = encode_overlay(overlay), overlay.tobytes()
        again = decode_overlay(packed)
        assert packed is not None
        assert again is not None
        assert np.array_equal(again, overlay)
        size, plain_size = len(packed) / 1000, len(zlib.compress(pixels, 1)) / 1000
        rows += [
            row(f"{cells} packed as runs, {size:.1f} kB", timed(partial(encode_overlay, overlay))),
            row(f"{cells} unpacked", timed(partial(decode_overlay, packed))),
            row(f"{cells} by zlib, {plain_size:.1f} kB", timed(partial(zlib.compress, pixels, 1))),
        ]
    print_table("Painted pixels as bytes", HEADER, rows)


def main() -> None:
    """Print all tables."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        spec = measure_listing(Path(folder))
        measure_store(spec)
        measure_writes(Path(folder) / "small")
    measure_overlays()


if __name__ == "__main__":
    main()
