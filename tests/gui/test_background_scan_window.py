"""The scan for classes in the window: in the background, and as the queue shows it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Status, Store, StoreCorruptError, store_file
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.queue import background_scan
from napari_sepl.workflow.review import sample_facts
from napari_sepl.workflow.review.queue import Column, Filter, Queue
from tests.gui.conftest import Window, answer_questions, wait_until
from tests.gui.many_classes import BIRD, IDS, PERSON, make_dataset


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return make_dataset(tmp_path)


@pytest.fixture
def two_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_scan, "_ROWS", 2)
    monkeypatch.setattr(background_scan, "_BATCH", 60.0)


# --- the panel


@pytest.fixture
def panel(qtbot: Any) -> QueuePanel:
    panel = QueuePanel()
    qtbot.addWidget(panel)
    panel.resize(400, 500)
    panel.show_class_choices(range(1, len(VOC)), VOC)
    panel.show()
    return panel


@pytest.fixture
def queue() -> Queue:
    queue = Queue([f"q{number:04}" for number in range(1000)])
    for row in range(600):
        queue.set_classes(row, [BIRD])
    return queue


def test_new_classes_are_listed_without_moving_list_or_note(
    panel: QueuePanel, queue: Queue
) -> None:
    panel.show_filter(Filter(class_id=BIRD))
    panel.list_samples(queue, VOC)
    panel.show_current(5)
    panel.note.setText("being typ")
    scrolled = panel.table.verticalScrollBar()
    scrolled.setValue(300)
    top = panel.model.rows[panel.table.rowAt(5)]
    for row in range(700, 900):
        queue.set_classes(row, [BIRD, PERSON])
    panel.refresh_all(queue, VOC)
    QTest.qWait(50)
    assert panel.model.rows.tolist() == [*range(600), *range(700, 900)]
    assert scrolled.value() == 300
    assert panel.model.rows[panel.table.rowAt(5)] == top == 300
    assert panel.note.text() == "being typ"
    assert [i.row() for i in panel.table.selectionModel().selectedRows()] == [5]
    assert "800 listed" in panel.counts.text()


@pytest.mark.long
def test_a_list_sorted_by_classes_is_sorted_again(panel: QueuePanel, queue: Queue) -> None:
    panel.show_sorting(Column.CLASSES, True)
    panel.list_samples(queue, VOC)
    queue.set_classes(999, [PERSON])
    panel.refresh_all(queue, VOC)
    assert panel.model.rows[0] == 999


@pytest.mark.long
def test_another_list_is_only_drawn_again(panel: QueuePanel, queue: Queue) -> None:
    panel.list_samples(queue, VOC)
    resets: list[None] = []
    panel.model.modelReset.connect(lambda: resets.append(None))
    queue.set_classes(3, [PERSON])
    queue.failures[4] = "broken"
    panel.refresh_all(queue, VOC)
    assert resets == []
    classes = panel.model.index(3, list(Column).index(Column.CLASSES))
    assert panel.model.data(classes) == "person"
    assert "1 unreadable" in panel.counts.text()


# --- the window


class Prepared:
    """The window with a dataset open, whose first scan is running."""

    def __init__(self, window: Window, spec: DatasetSpec) -> None:
        self.window, self.spec = window, spec
        window.widget.open_dataset(spec)
        for _ in range(3):
            window.settle()
        assert window.widget.docks.queue is not None
        self.dock = window.widget.docks.queue

    @property
    def queue(self) -> Queue:
        assert self.dock.reviewing is not None
        return self.dock.reviewing.queue

    def let_scan(self) -> None:
        wait_until(lambda: bool(self.queue.classes_known.all()))
        wait_until(lambda: not np.isnan(self.queue.suspicion).any())
        wait_until(self.dock.scan.isHidden)

    def listed(self) -> list[str]:
        return [self.queue.ids[row] for row in self.dock.panel.model.rows]

    def choose_class(self, class_id: int) -> None:
        choice = self.dock.panel.class_choice
        choice.setCurrentIndex(choice.findData(class_id))


@pytest.fixture
def open_window(
    window: Window, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Prepared]]:
    monkeypatch.setattr(background_scan, "FIRST", 1)
    opened: list[Prepared] = []

    def open_it() -> Prepared:
        opened.append(Prepared(window, spec))
        return opened[-1]

    yield open_it
    for one in opened:
        one.dock.close_dataset()


@pytest.mark.long
def test_a_class_of_samples_never_opened_can_be_filtered_by(
    open_window: Callable[[], Prepared],
) -> None:
    opened = open_window()
    opened.choose_class(PERSON)
    opened.let_scan()
    assert opened.listed() == ["s6"]  # chosen before it was known
    opened.choose_class(BIRD)
    assert opened.listed() == ["s6", "s7"]
    assert opened.dock.navigator.row == 0
    opened.dock.close_dataset()
    with Store.open(store_file(opened.spec.output), who="test", write=False) as store:
        assert store.facts(["s6"])["s6"].facts["class_ids"] == [BIRD, PERSON]
        assert not any(one.is_touched for one in store.summaries().values())


@pytest.mark.long
def test_the_next_session_knows_what_this_one_read(
    open_window: Callable[[], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_window().let_scan()
    monkeypatch.setattr(sample_facts, "read_pseudo_labels", None)  # a TypeError if called
    again = open_window()
    again.let_scan()
    again.choose_class(BIRD)
    assert again.listed() == ["s6", "s7"]


def test_suspicion_and_change_are_there_at_the_next_opening(
    open_window: Callable[[], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_window()
    first.let_scan()
    row = first.queue.rows["s2"]
    first.dock.navigator.go(row)
    wait_until(lambda: first.dock.navigator.row == row)
    first.window.drag_slider("t1", 0.9)
    diagnosing = first.window.widget.controller.diagnosing
    wait_until(lambda: diagnosing.current is not None)
    first.window.press(Qt.Key.Key_J)
    wait_until(lambda: first.dock.navigator.row == row + 1)
    suspicion, change = first.queue.suspicion.copy(), first.queue.change.copy()
    first.dock.close_dataset()
    monkeypatch.setattr(background_scan, "FIRST", 60_000)  # so that no file is read
    again = open_window()
    wait_until(lambda: not np.isnan(again.queue.suspicion).any())
    np.testing.assert_array_equal(again.queue.suspicion, suspicion)
    np.testing.assert_array_equal(again.queue.change, change)
    texts = [again.dock.panel.model.index(place, 2).data() for place in range(7)]
    assert all(text.endswith(" %") for text in texts)


def test_it_can_be_stopped_and_resumed(
    open_window: Callable[[], Prepared], monkeypatch: pytest.MonkeyPatch, two_a_batch: None
) -> None:
    monkeypatch.setattr(background_scan, "_PAUSE", 60_000)  # so it stays at its first batch
    opened = open_window()
    row = opened.dock.scan
    wait_until(lambda: int(opened.queue.classes_known.sum()) >= 2)
    assert row.isVisible()
    assert row.text.text() == "reading classes: 0 of 7"
    assert row.button.text() == "Stop"
    row.button.click()
    assert row.text.text() == "reading classes: 2 of 7"
    assert row.button.text() == "Resume"
    monkeypatch.setattr(background_scan, "_PAUSE", 1)
    row.button.click()
    opened.let_scan()


@pytest.mark.long
def test_closing_the_dataset_stops_it(
    open_window: Callable[[], Prepared], monkeypatch: pytest.MonkeyPatch, two_a_batch: None
) -> None:
    monkeypatch.setattr(background_scan, "_PAUSE", 60_000)  # so it stays at its first batch
    opened = open_window()
    queue, run = opened.queue, opened.dock.scan._run
    assert run is not None
    wait_until(lambda: int(queue.classes_known.sum()) >= 2)
    opened.dock.close_dataset()
    known = int(queue.classes_known.sum())
    assert opened.dock.scan.isHidden()
    run._run_batch()  # as after the pause
    opened.window.settle()
    assert int(queue.classes_known.sum()) == known < 7


@pytest.mark.long
def test_unreadable_samples_are_reported_once_and_marked(
    open_window: Callable[[], Prepared], spec: DatasetSpec
) -> None:
    for name in ("s5", "s7"):
        (spec.folder("pseudo") / f"{name}.png").write_bytes(b"GIF89a")
    before = len(notification_manager.records)
    opened = open_window()
    wait_until(lambda: bool(opened.dock.scan.isHidden()) and len(opened.queue.failures) > 1)
    warnings = [record.message for record in notification_manager.records[before:]]
    assert len(warnings) == 1
    assert warnings[0].startswith("Pseudo-labels of 2 samples cannot be read")
    assert "2 unreadable" in opened.dock.panel.counts.text()
    assert opened.dock.panel.model.data(opened.dock.panel.model.index(4, 1)) == "unreadable"


@pytest.mark.long
def test_a_read_only_record_is_scanned_too(
    open_window: Callable[[], Prepared], spec: DatasetSpec
) -> None:
    with Store.open(store_file(spec.output), who="first") as first:
        opened = open_window()
        opened.let_scan()
        opened.choose_class(BIRD)
        assert opened.listed() == ["s6", "s7"]
        opened.dock.close_dataset()
        assert first.facts(IDS) == {}


@pytest.mark.long
def test_damage_it_meets_is_recovered_on_request_and_all_is_read_anew(
    open_window: Callable[[], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_window()
    opened.let_scan()
    opened.dock.navigator.skip()
    opened.window.settle()
    opened.dock.close_dataset()
    asked = answer_questions(monkeypatch, opened.window.widget, True)
    facts, times = Store.facts, iter(range(100))

    def damaged_once(store: Store, sample_ids: Any = None) -> Any:
        if next(times) == 0:
            raise StoreCorruptError(store.path, found="a damaged store", expected="a store")
        return facts(store, sample_ids)

    monkeypatch.setattr(Store, "facts", damaged_once)
    again = open_window()
    again.let_scan()
    assert len(asked) == 1
    assert "is damaged" in asked[0]
    assert again.queue.status_of(0) is Status.SKIPPED
    again.dock.close_dataset()
    with Store.open(store_file(again.spec.output), who="test", write=False) as store:
        assert len(facts(store, IDS)) == 7
