"""The pass that finds classes, without a window: in batches, to be stopped and resumed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.store import StampedFacts
from napari_sepl.gui.queue import passes
from napari_sepl.gui.queue.passes import PassRun
from napari_sepl.workflow.review import scan as reading
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.scan import class_pass
from tests.gui.immediate import Immediate
from tests.gui.many_classes import BIRD, CLASSES, IDS, make_dataset


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return make_dataset(tmp_path)


@pytest.fixture
def two_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_ROWS", 2)
    monkeypatch.setattr(passes, "_BATCH", 60.0)


class Stepwise(Immediate):
    """Does one thing at a time, when it is told to; of one task only the newest counts."""

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
        self.kept: dict[str, StampedFacts] = {}
        self.busy = False
        self.error: SeplError | None = None

    def known_facts(self, sample_ids: Sequence[str]) -> dict[str, StampedFacts]:
        if self.error is not None:
            raise self.error
        return {name: self.kept[name] for name in sample_ids if name in self.kept}

    def put_facts(self, facts: Any, *, last: bool = False) -> bool:
        if self.busy and not last:
            return False
        self.kept |= facts
        return True

    def found(self) -> list[tuple[int, ...]]:
        return [tuple(self.queue.classes_of(row)) for row in range(len(self.queue))]


class Bench:
    """A pass, all that it touches, and hands to move it on."""

    def __init__(self, spec: DatasetSpec) -> None:
        self.background, self.view = Stepwise(), Shown()
        self.reviewing = Keeping(SampleIndex.open(spec))
        wanted = class_pass(self.reviewing.index, self.reviewing.known_facts)
        self.run = PassRun(
            wanted, self.reviewing.queue, self.reviewing.put_facts, self.background, self.view
        )

    def finish(self) -> None:
        while self.background.step():
            pass

    def read_some(self, count: int) -> None:
        """Go on until some classes are known."""
        while self.reviewing.queue.classes_known.sum() < count:
            assert self.background.step()


@pytest.fixture
def bench(spec: DatasetSpec, two_a_batch: None) -> Bench:
    return Bench(spec)


def test_all_samples_are_read_in_batches_one_after_the_other(bench: Bench) -> None:
    bench.run.start()
    while bench.background.step():
        assert list(bench.background.waiting).count("run pass") <= 1
    assert bench.background.runs == 4
    assert bench.reviewing.found() == CLASSES
    assert set(bench.reviewing.kept) == set(IDS)
    assert bench.view.progress == [f"reading classes: {n} of 7" for n in (0, 2, 4, 6)]
    assert (bench.view.ends, bench.run.running) == ([0], False)


def test_it_is_drawn_once_for_many_batches(bench: Bench) -> None:
    bench.run.start()
    bench.read_some(2)
    assert "draw pass" in bench.background.waiting
    drawing = bench.background.waiting.pop("draw pass")
    while bench.reviewing.queue.classes_known.sum() < 6:
        bench.background.step()
    assert "draw pass" not in bench.background.waiting  # it is under way still
    assert bench.view.found == 0
    drawing()
    assert bench.view.found == 1
    bench.finish()
    assert bench.view.found == 3  # after the last batch, and at the end


def test_what_was_kept_is_shown_and_not_read(
    bench: Bench, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run.start()
    bench.read_some(4)
    bench.run.stop()
    assert len(bench.reviewing.kept) == 4
    again = Bench(spec)
    again.reviewing.kept = dict(bench.reviewing.kept)
    read: list[str] = []

    def noting(path: Path, *told: Any, **also: Any) -> Any:
        read.append(path.stem)
        return read_pseudo_labels(path, *told, **also)

    monkeypatch.setattr(reading, "read_pseudo_labels", noting)
    again.run.start()
    again.finish()
    assert read == ["s5", "s6", "s7"]
    assert again.reviewing.found() == CLASSES


def test_a_stopped_scan_takes_no_answer_and_goes_on_where_it_was(bench: Bench) -> None:
    bench.run.start()
    bench.read_some(2)
    while "run pass" not in bench.background.waiting:
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


def test_a_scan_that_is_stopped_before_it_began_does_not_begin(bench: Bench) -> None:
    bench.run.start(1000)
    bench.run.stop()
    bench.finish()
    assert bench.background.runs == 0


def test_what_cannot_be_read_is_a_failure_and_counted_once(bench: Bench, spec: DatasetSpec) -> None:
    for name in ("s2", "s6"):
        (spec.folder("pseudo") / f"{name}.png").write_bytes(b"GIF89a")
    bench.reviewing.queue.failures[0] = "the picture is broken"
    bench.run.start()
    bench.finish()
    assert bench.view.ends == [2]
    failures = bench.reviewing.queue.failures
    assert set(failures) == {0, 1, 5}
    assert failures[1].startswith(f"{spec.folder('pseudo') / 's2.png'}: found")
    assert bench.reviewing.found()[6] == (BIRD,)
    assert set(bench.reviewing.kept) == set(IDS) - {"s2", "s6"}


def test_what_a_person_did_is_written_first(bench: Bench) -> None:
    bench.reviewing.busy = True
    bench.run.start()
    bench.read_some(4)
    assert bench.reviewing.kept == {}
    bench.reviewing.busy = False
    bench.read_some(6)
    assert len(bench.reviewing.kept) == 6
    bench.reviewing.busy = True
    bench.finish()
    assert len(bench.reviewing.kept) == 7  # the last are put in line


def test_a_record_that_cannot_be_read_stops_it(bench: Bench) -> None:
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
    assert set(bench.reviewing.kept) == {"s6", "s7"}
