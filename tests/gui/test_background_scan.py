"""The scan for classes without a window: in batches, stopped and resumed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.store import StampedFacts
from napari_sepl.gui.queue import background_scan
from napari_sepl.gui.queue.background_scan import BackgroundScan
from napari_sepl.workflow.review import sample_facts
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.sample_facts import class_scan
from tests.gui.immediate import Immediate
from tests.gui.many_classes import BIRD, CLASSES, IDS, make_dataset
from tests.messages import says


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return make_dataset(tmp_path)


@pytest.fixture
def two_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_scan, "_ROWS", 2)
    monkeypatch.setattr(background_scan, "_BATCH", 60.0)


class Stepwise(Immediate):
    """Does one thing at a time, on request; only the newest run of a task counts."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], object]] = {}
        self.runs = 0

    def run(self, task: str, work: Any, done: Any, failed: Any) -> None:
        self.runs += 1
        self.waiting[f"run {task}"] = lambda: super(Stepwise, self).run(task, work, done, failed)

    def later(self, task: str, delay: int, work: Callable[[], object]) -> None:  # noqa: ARG002
        self.waiting[task] = work

    def step(self) -> bool:
        """Do what has waited longest; False if nothing waits."""
        if not self.waiting:
            return False
        self.waiting.pop(next(iter(self.waiting)))()
        return True


class Shown:
    """Notes what is shown."""

    def __init__(self) -> None:
        self.progress: list[str] = []
        self.found = 0
        self.ends: list[int] = []
        self.troubles: list[SeplError] = []

    def show_progress(self, text: str) -> None:
        self.progress.append(text)

    def show_found(self) -> None:
        self.found += 1

    def show_end(self, failures: int) -> None:
        self.ends.append(failures)

    def show_trouble(self, error: SeplError) -> None:
        self.troubles.append(error)


class Keeping:
    """A dataset under review whose record is a dict."""

    def __init__(self, index: SampleIndex) -> None:
        self.index = index
        self.queue = Queue(index.ids)
        self.saved: dict[str, StampedFacts] = {}
        self.busy = False
        self.error: SeplError | None = None

    def known_facts(self, sample_ids: Sequence[str]) -> dict[str, StampedFacts]:
        if self.error is not None:
            raise self.error
        return {name: self.saved[name] for name in sample_ids if name in self.saved}

    def put_facts(self, facts: Any, *, last: bool = False) -> bool:
        if self.busy and not last:
            return False
        self.saved |= facts
        return True

    def found(self) -> list[tuple[int, ...]]:
        return [tuple(self.queue.classes_of(row)) for row in range(len(self.queue))]


class Bench:
    """A scan, all that it touches, and hands to run it."""

    def __init__(self, spec: DatasetSpec) -> None:
        self.background, self.view = Stepwise(), Shown()
        self.reviewing = Keeping(SampleIndex.open(spec))
        scan = class_scan(self.reviewing.index, self.reviewing.known_facts)
        self.run = BackgroundScan(
            scan,
            self.reviewing.queue,
            self.reviewing.put_facts,
            self.background,
            self.view,  # type: ignore[arg-type]
        )

    def finish(self) -> None:
        while self.background.step():
            pass

    def read_some(self, count: int) -> None:
        """Run until some classes are known."""
        while self.reviewing.queue.classes_known.sum() < count:
            assert self.background.step()


@pytest.fixture
def bench(spec: DatasetSpec, two_a_batch: None) -> Bench:
    return Bench(spec)


def test_all_samples_are_read_in_batches_one_after_the_other(bench: Bench) -> None:
    bench.run.start()
    while bench.background.step():
        assert list(bench.background.waiting).count("run scan") <= 1
    assert bench.background.runs == 4
    assert bench.reviewing.found() == CLASSES
    assert set(bench.reviewing.saved) == set(IDS)
    assert bench.view.progress == [f"reading classes: {n} of 7" for n in (0, 2, 4, 6)]
    assert (bench.view.ends, bench.run.running) == ([0], False)


def test_many_batches_are_drawn_once(bench: Bench) -> None:
    bench.run.start()
    bench.read_some(2)
    assert "draw scan" in bench.background.waiting
    drawing = bench.background.waiting.pop("draw scan")
    while bench.reviewing.queue.classes_known.sum() < 6:
        bench.background.step()
    assert "draw scan" not in bench.background.waiting  # it is under way still
    assert bench.view.found == 0
    drawing()
    assert bench.view.found == 1
    bench.finish()
    assert bench.view.found == 3  # after the last batch, and at the end


def test_saved_facts_are_shown_and_not_read_again(
    bench: Bench, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run.start()
    bench.read_some(4)
    bench.run.stop()
    assert len(bench.reviewing.saved) == 4
    again = Bench(spec)
    again.reviewing.saved = dict(bench.reviewing.saved)
    read: list[str] = []

    def noting(path: Path, *args: Any, **kwargs: Any) -> Any:
        read.append(path.stem)
        return read_pseudo_labels(path, *args, **kwargs)

    monkeypatch.setattr(sample_facts, "read_pseudo_labels", noting)
    again.run.start()
    again.finish()
    assert read == ["s5", "s6", "s7"]
    assert again.reviewing.found() == CLASSES


def test_a_stopped_scan_ignores_its_batch_and_resumes(bench: Bench) -> None:
    bench.run.start()
    bench.read_some(2)
    while "run scan" not in bench.background.waiting:
        bench.background.step()
    bench.run.stop()
    bench.finish()  # the batch that was under way comes back
    assert bench.reviewing.queue.classes_known.sum() == 2
    assert bench.view.ends == []
    bench.run.start()
    bench.finish()
    assert bench.reviewing.found() == CLASSES
    assert bench.view.ends == [0]
    bench.run.start()  # nothing is left
    assert not bench.background.step()


def test_a_scan_stopped_before_its_start_does_not_start(bench: Bench) -> None:
    bench.run.start(1000)
    bench.run.stop()
    bench.finish()
    assert bench.background.runs == 0


def test_unreadable_samples_are_failures_counted_once(bench: Bench, spec: DatasetSpec) -> None:
    for name in ("s2", "s6"):
        (spec.folder("pseudo") / f"{name}.png").write_bytes(b"GIF89a")
    bench.reviewing.queue.failures[0] = "the image is broken"
    bench.run.start()
    bench.finish()
    assert bench.view.ends == [2]
    failures = bench.reviewing.queue.failures
    assert set(failures) == {0, 1, 5}
    assert says(failures[1], spec.folder("pseudo") / "s2.png", "found")
    assert bench.reviewing.found()[6] == (BIRD,)
    assert set(bench.reviewing.saved) == set(IDS) - {"s2", "s6"}


def test_edits_are_written_before_facts(bench: Bench) -> None:
    bench.reviewing.busy = True
    bench.run.start()
    bench.read_some(4)
    assert bench.reviewing.saved == {}
    bench.reviewing.busy = False
    bench.read_some(6)
    assert len(bench.reviewing.saved) == 6
    bench.reviewing.busy = True
    bench.finish()
    assert len(bench.reviewing.saved) == 7  # the last facts wait in line


def test_an_unreadable_record_stops_the_scan(bench: Bench) -> None:
    bench.run.start()
    bench.read_some(2)
    bench.reviewing.error = InputError("store", found="nothing", expected="a store")
    bench.finish()
    assert bench.view.troubles == [bench.reviewing.error]
    assert (bench.run.running, bench.view.ends) == (False, [])


def test_samples_with_image_labels_are_not_read(
    spec: DatasetSpec, tmp_path: Path, two_a_batch: None
) -> None:
    (tmp_path / "image_labels.txt").write_text("".join(f"{name} bird\n" for name in IDS[:5]))
    bench = Bench(spec.model_copy(update={"image_labels": tmp_path / "image_labels.txt"}))
    bench.run.start()
    bench.finish()
    assert bench.background.runs == 1
    assert bench.view.progress == ["reading classes: 0 of 2"]
    assert set(bench.reviewing.saved) == {"s6", "s7"}
