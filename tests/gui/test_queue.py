"""A dataset in the real window: walk, paint, decide, close, open again."""

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from typer.testing import CliRunner

from napari_sepl.cli.app import make_app
from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Review, Status, Store, StoreWriter, store_file
from napari_sepl.gui.commands import widget_of
from napari_sepl.workflow.review.queue import Column, Filter
from napari_sepl.workflow.review.reviewing import Reviewing
from tests.gui.conftest import (
    CTRL,
    Walk,
    Window,
    agree_in_bulk,
    answer_questions,
    choose_in_bulk,
    has_message,
    paint,
)


def test_next_and_previous_walk_the_list(dataset: Walk) -> None:
    assert dataset.sample_id == "s1"
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s2"
    dataset.press(Qt.Key.Key_K)
    dataset.press(Qt.Key.Key_K)
    assert dataset.sample_id == "s1"
    assert dataset.window.widget.title.text() == "s1 — pending"


def test_an_unreadable_sample_is_marked_and_left_out(dataset: Walk) -> None:
    dataset.dock.navigator.go(2)
    dataset.settle()
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s5"
    assert has_message("s4.png")
    assert "1 unreadable" in dataset.dock.panel.counts.text()
    dataset.press(Qt.Key.Key_K)
    assert dataset.sample_id == "s3"
    dataset.dock.navigator.go(3)
    dataset.settle()
    assert dataset.sample_id == "s3"  # asked for by name: a warning, and nothing else opens


def test_accept_saves_and_opens_the_next(dataset: Walk) -> None:
    shown = dataset.window.shown.copy()
    dataset.press(Qt.Key.Key_A)
    assert dataset.sample_id == "s2"
    np.testing.assert_array_equal(read_labels(dataset.spec.output / "s1.png"), shown)
    assert dataset.statuses() == {"s1": Status.ACCEPTED}
    dataset.press(Qt.Key.Key_K)
    assert dataset.window.widget.title.text() == "s1 — accepted"


def test_skip_flag_and_reopen(dataset: Walk) -> None:
    dataset.press(Qt.Key.Key_W)
    dataset.press(Qt.Key.Key_G)
    assert dataset.sample_id == "s3"
    assert dataset.statuses() == {"s1": Status.SKIPPED, "s2": Status.FLAGGED}
    dataset.press(Qt.Key.Key_N)
    assert dataset.sample_id == "s3" or dataset.sample_id > "s3"
    dataset.dock.navigator.go(0)
    dataset.settle()
    dataset.press(Qt.Key.Key_R)
    assert dataset.statuses()["s1"] == Status.PENDING
    assert dataset.sample_id == "s1"


def test_strokes_and_sliders_are_there_after_closing(dataset: Walk) -> None:
    painted = paint(dataset, 15)
    dataset.window.drag_slider("t1", 0.8)
    params = dataset.window.document.params
    dataset.press(Qt.Key.Key_J)
    QTest.keyClicks(dataset.dock.panel.note, "ear")
    dataset.dock.close_dataset()
    again = Walk(dataset.window, dataset.spec)
    assert again.sample_id == "s2"
    assert again.dock.reviewing is not None
    assert again.dock.reviewing.queue.notes == {1: "ear"}
    again.press(Qt.Key.Key_K)
    np.testing.assert_array_equal(again.window.shown == 15, painted)
    assert again.window.document.params == params
    assert again.window.widget.params.params == params


def test_an_edit_after_accepting_makes_it_pending_again(dataset: Walk) -> None:
    dataset.press(Qt.Key.Key_A)
    dataset.press(Qt.Key.Key_K)
    paint(dataset, 15)
    dataset.settle()
    assert dataset.statuses()["s1"] == Status.PENDING
    dataset.press(Qt.Key.Key_A)
    assert dataset.statuses()["s1"] == Status.ACCEPTED
    assert (read_labels(dataset.spec.output / "s1.png") == 15).any()
    provenance = read_provenance(dataset.spec.output / "s1.png")
    assert provenance is not None
    assert provenance.edited


def test_undo_goes_back_with_its_image_and_never_crosses(dataset: Walk) -> None:
    painted = paint(dataset, 15)
    assert dataset.window.widget.title.text() == "s1 — pending"
    dataset.press(Qt.Key.Key_J)
    dataset.window.press(Qt.Key.Key_Z, CTRL)
    assert dataset.sample_id == "s2"
    assert not dataset.window.document.edited
    dataset.press(Qt.Key.Key_K)
    np.testing.assert_array_equal(dataset.window.shown == 15, painted)
    dataset.window.press(Qt.Key.Key_Z, CTRL)
    assert not dataset.window.document.edited


def test_filter_sort_and_jump(dataset: Walk) -> None:
    panel = dataset.dock.panel
    dataset.press(Qt.Key.Key_W)
    panel.status.setCurrentIndex(panel.status.findData(Status.PENDING))
    assert len(panel.model.rows) == 5
    panel.text.setText("S5")
    QTest.keyClick(panel.text, Qt.Key.Key_Return)
    dataset.settle()
    assert dataset.sample_id == "s5"
    assert panel.text.text() == ""
    assert len(panel.model.rows) == 5
    assert panel.table.selectionModel().currentIndex().row() == panel.model.place_of(4)
    panel.show_filter(Filter())
    panel._sort(list(Column).index(Column.STATUS))
    assert panel.model.rows.tolist() == [1, 2, 3, 4, 5, 0]
    panel._sort(list(Column).index(Column.STATUS))
    assert panel.model.rows.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.long
def test_filters_are_there_after_closing(dataset: Walk) -> None:
    panel = dataset.dock.panel
    panel.status.setCurrentIndex(panel.status.findData(Status.FLAGGED))
    panel._sort(list(Column).index(Column.CHANGE))
    dataset.dock.close_dataset()
    panel.show_filter(Filter())
    panel.show_sorting(Column.SAMPLE, True)
    again = Walk(dataset.window, dataset.spec)
    assert again.dock.panel.filter == Filter(status=Status.FLAGGED)
    assert (again.dock.panel.sorted_by, again.dock.panel.descending) == (Column.CHANGE, False)


@pytest.mark.long
def test_a_second_window_opens_read_only_and_warns(dataset: Walk) -> None:
    with Store.open(store_file(dataset.spec.output), who="second") as second:
        assert second.read_only
    dataset.dock.close_dataset()
    with Store.open(store_file(dataset.spec.output), who="first") as first:
        assert not first.read_only
        again = Walk(dataset.window, dataset.spec)
        assert has_message("Read-only, nothing is saved")
        again.press(Qt.Key.Key_A)
        assert not (dataset.spec.output / "s1.png").exists()
        assert again.sample_id == "s1"
        again.dock.close_dataset()


@pytest.mark.long
def test_a_record_on_a_network_drive_is_reported_and_written(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.dock.close_dataset()
    monkeypatch.setattr("napari_sepl.files.store.access.network_disk", lambda _: "nfs4")
    again = Walk(dataset.window, dataset.spec)
    assert has_message(f"is on a network drive: {store_file(dataset.spec.output)} (nfs4)")
    again.press(Qt.Key.Key_A)
    assert (dataset.spec.output / "s1.png").exists()


@pytest.mark.long
def test_a_damaged_record_is_reported_and_left_alone(
    window: Window, pets: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window.widget, "confirm", lambda _: False)
    pets.output.mkdir()
    store_file(pets.output).write_bytes(b"not a store" * 100)
    before = store_file(pets.output).read_bytes()
    window.widget.open_dataset(pets)
    window.settle()
    window.settle()
    assert has_message(str(store_file(pets.output)))
    assert store_file(pets.output).read_bytes() == before
    assert window.widget.controller.context.document is None


def test_a_damaged_record_is_recovered_on_request(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.press(Qt.Key.Key_W)
    dataset.dock.close_dataset()
    path = store_file(dataset.spec.output)
    damaged = b"\0" * 100 + path.read_bytes()[100:]
    path.write_bytes(damaged)
    monkeypatch.setattr(dataset.window.widget, "confirm", lambda _: True)
    again = Walk(dataset.window, dataset.spec)
    for _ in range(3):
        again.settle()
    assert again.statuses()["s1"] == Status.SKIPPED
    kept = [p for p in dataset.spec.output.iterdir() if p.read_bytes() == damaged]
    assert len(kept) == 1
    assert kept[0] != path


@pytest.mark.long
def test_thresholds_of_a_sample_are_its_own(dataset: Walk) -> None:
    dataset.window.drag_slider("t1", 0.8)
    dataset.press(Qt.Key.Key_J)
    assert dataset.window.document.params == Params()
    assert dataset.window.widget.params.params == Params()


@pytest.mark.long
def test_a_drag_that_pauses_is_one_step_also_after_reopening(dataset: Walk) -> None:
    controller = dataset.window.widget.controller
    for t1 in (0.6, 0.7, 0.8):
        logged = len(dataset.log("s1"))
        controller.set_params(Params(t1=t1), dragging=True)
        dataset.wait_until(partial(dataset.has_logged, "s1", logged + 1))  # at each stop
    controller.end_drag()
    assert len(dataset.window.document.history.done) == 1
    dataset.dock.close_dataset()
    again = Walk(dataset.window, dataset.spec)
    assert again.window.document.params == Params(t1=0.8)
    assert len(again.window.document.history.done) == 1
    again.window.press(Qt.Key.Key_Z, CTRL)
    assert again.window.document.params == Params()


@pytest.mark.long
def test_the_owner_of_a_file_is_asked_off_the_window_thread(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = dataset.window.widget
    asked: list[object] = []

    def wrote_aside(self: Reviewing, row: int, path: Path) -> bool:
        assert threading.current_thread() is not threading.main_thread()
        asked.append(path)
        return wrote(self, row, path)

    wrote = Reviewing.wrote
    monkeypatch.setattr(Reviewing, "wrote", wrote_aside)
    monkeypatch.setattr(widget, "confirm_replace", lambda path: asked.append(path.name))
    dataset.press(Qt.Key.Key_A)
    file = dataset.spec.output / "s1.png"
    for expected in ([file], [file, file, "s1.png"]):
        widget.controller.saving._written.clear()  # as if an earlier window had saved it
        dataset.dock.navigator.go(0)
        dataset.settle()
        dataset.press(Qt.Key.Key_A)
        dataset.wait_until(partial(asked.__eq__, expected))
        before = file.read_bytes()
        file.write_bytes(b"precious")
    assert before == b"precious"


def test_thresholds_for_all_listed_and_back(dataset: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset.press(Qt.Key.Key_W)
    dataset.window.widget.controller.set_params(Params(t1=0.9))

    def read_aside(self: StoreWriter, sample_id: str) -> Review | None:
        assert threading.current_thread() is not threading.main_thread()
        return short_review(self, sample_id)

    short_review = StoreWriter.short_review
    monkeypatch.setattr(StoreWriter, "short_review", read_aside)
    choose_in_bulk(dataset.dock, "apply_params")
    assert agree_in_bulk(dataset.dock) == ["s3", "s4", "s5", "s6"]
    dataset.settle()
    dataset.press(Qt.Key.Key_J)
    assert dataset.window.document.params == Params(t1=0.9)
    assert dataset.dock._bulk is not None
    dataset.dock.undo_bulk()
    dataset.dock.navigator.go(4)
    dataset.settle()
    assert dataset.window.document.params == Params()
    dataset.dock.navigator.go(0)
    dataset.settle()
    assert dataset.window.document.params == Params()  # skipped: never touched


@pytest.mark.long
def test_accepting_all_that_change_little(dataset: Walk) -> None:
    choose_in_bulk(dataset.dock, "accept_unchanged")
    agree_in_bulk(dataset.dock, 100)
    dataset.wait_until(lambda: has_message("Done: accept 5 samples"))
    saved = sorted(path.name for path in dataset.spec.output.glob("*.png"))
    assert saved == ["s1.png", "s2.png", "s3.png", "s5.png", "s6.png"]  # s4 is broken
    assert dataset.window.widget.title.text() == "s1 — accepted"
    assert set(dataset.statuses().values()) == {Status.ACCEPTED}
    dataset.dock.undo_bulk()
    dataset.settle()
    assert dataset.dock.reviewing is not None
    assert len(dataset.dock.reviewing.queue.pending()) == 6


def test_export_writes_the_same_bytes_again(dataset: Walk, tmp_path: Path) -> None:
    paint(dataset, 15)
    dataset.press(Qt.Key.Key_A)  # s1, painted
    dataset.press(Qt.Key.Key_A)  # s2, untouched
    dataset.dock.close_dataset()
    folders = [f"--{name}={getattr(dataset.spec, name)}" for name in ("images", "pseudo", "masks")]
    command = ["export", *folders, f"--out={dataset.spec.out}", f"--to={tmp_path / 'exported'}"]
    answer = CliRunner().invoke(make_app(), command)
    assert answer.exit_code == 0, answer.output
    for name in ("s1.png", "s2.png"):
        exported, saved = tmp_path / "exported" / name, dataset.spec.output / name
        assert exported.read_bytes() == saved.read_bytes()
    assert not (tmp_path / "exported" / "s3.png").exists()


def test_a_dropped_toml_opens_the_dataset(window: Window, pets: DatasetSpec) -> None:
    toml = pets.output.parent / "pets.toml"
    toml.write_text('images = "images"\npseudo = "pseudo"\nmasks = "masks"\nout = "out"\n')
    assert window.viewer.open(toml, plugin="napari-sepl") == []
    for _ in range(3):
        window.settle()
    assert window.document.inputs.sample_id == "s1"
    assert window.widget.docks.queue is not None
    window.widget.docks.queue.close_dataset()


@pytest.mark.long
def test_walking_on_before_the_file_is_there_still_accepts(dataset: Walk) -> None:
    dataset.window.widget.controller.accept()  # the file is being written…
    dataset.dock.navigator.next()  # …and the user is on to the next
    dataset.settle()
    assert dataset.statuses() == {"s1": Status.ACCEPTED}
    assert (dataset.spec.output / "s1.png").exists()
    assert dataset.sample_id == "s2"


@pytest.mark.long
def test_the_widget_may_be_closed_while_a_dataset_is_open(dataset: Walk) -> None:
    viewer = dataset.window.viewer
    viewer.window.remove_dock_widget(dataset.window.widget)
    dataset.press(Qt.Key.Key_J)
    assert dataset.dock.navigator.row == 1
    again = widget_of(viewer)
    assert again is not dataset.window.widget
    assert again.title.text() == "s2 — pending"
    dataset.press(Qt.Key.Key_J)
    assert again.title.text() == "s3 — pending"


@pytest.mark.long
def test_panels_and_starting_thresholds_are_there_after_closing(dataset: Walk) -> None:
    widget = dataset.window.widget
    assert not widget.sources_box.isExpanded()
    assert dataset.dock.reviewing is not None
    dataset.dock.reviewing.session.start = Params(t1=0.7)
    widget.sources_box.expand(animate=False)
    dataset.dock.close_dataset()
    widget.sources_box.collapse(animate=False)
    again = Walk(dataset.window, dataset.spec)
    assert widget.sources_box.isExpanded()
    again.press(Qt.Key.Key_J)
    assert widget.sources_box.isExpanded()
    assert again.window.document.params == Params(t1=0.7)


@pytest.mark.long
def test_damage_found_while_writing_is_recovered(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.press(Qt.Key.Key_W)
    asked = answer_questions(monkeypatch, dataset.window.widget, True)
    path = store_file(dataset.spec.output)
    damaged = path.with_name("damaged")
    damaged.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    damaged.replace(path)  # as a program that synchronises folders would
    painted = paint(dataset, 15)
    dataset.wait_until(
        lambda: "Recovered" in " ".join(r.message for r in notification_manager.records)
    )
    assert len(asked) == 1, notification_manager.records
    assert "damaged" in asked[0]
    dataset.press(Qt.Key.Key_W)
    assert dataset.statuses()["s2"] == Status.SKIPPED
    dataset.dock.close_dataset()
    again = Walk(dataset.window, dataset.spec)
    again.dock.navigator.go(1)
    again.settle()
    np.testing.assert_array_equal(again.window.shown == 15, painted)


@pytest.mark.long
def test_another_dataset_is_opened_without_waiting_for_the_last_one(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its store is closed beside the window's thread, and then free to be opened again."""
    close, closed_in = Reviewing.close, list[threading.Thread]()

    def close_noted(self: Reviewing) -> None:
        closed_in.append(threading.current_thread())
        close(self)

    monkeypatch.setattr(Reviewing, "close", close_noted)
    dataset.press(Qt.Key.Key_W)
    again = Walk(dataset.window, dataset.spec)
    assert len(closed_in) == 1
    assert threading.main_thread() not in closed_in
    assert again.dock.reviewing is not None
    assert again.dock.reviewing.refusal == ""
    assert again.dock.reviewing.queue.status_of(0) is Status.SKIPPED
