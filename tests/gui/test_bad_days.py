"""Bad days in the real window: one clear message each, nothing lost, the window alive."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.files import image_formats
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.gui.queue import navigator
from napari_sepl.workflow.review.queue import Filter
from tests.gui.conftest import (
    Walk,
    Window,
    agree_in_bulk,
    choose_in_bulk,
    has_message,
    messages,
    paint,
)
from tests.workflow.test_one_sample import WORDS, Unforeseen


def break_images(pets: DatasetSpec, *names: str) -> None:
    for name in names:
        (pets.folder("images") / f"{name}.png").write_bytes(b"no image")


@pytest.fixture
def open_dataset(window: Window, pets: DatasetSpec) -> Callable[[], Walk]:
    return lambda: Walk(window, pets)


@pytest.mark.long
def test_a_first_sample_that_cannot_be_read_is_left_out(
    open_dataset: Callable[[], Walk], pets: DatasetSpec
) -> None:
    break_images(pets, "s1", "s2")
    walk = open_dataset()
    assert walk.sample_id == "s3"
    warnings = [text for text in messages() if "cannot be read" in text or "s1.png" in text]
    assert len(warnings) == 2
    assert "s1.png" in warnings[0]
    assert "2 samples in a row cannot be read" in warnings[1]
    walk.dock.close_dataset()


def test_an_unexpected_error_costs_one_sample(
    open_dataset: Callable[[], Walk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_formats, "checked_png", Unforeseen("s1"))
    walk = open_dataset()
    assert walk.sample_id == "s2"
    assert has_message(f"unexpected error: s1: {WORDS}")
    walk.dock.close_dataset()


@pytest.mark.long
def test_the_window_survives_a_dataset_without_readable_samples(
    open_dataset: Callable[[], Walk], pets: DatasetSpec
) -> None:
    pictures = {path: path.read_bytes() for path in pets.folder("images").iterdir()}
    break_images(pets, *(path.stem for path in pictures))
    walk = open_dataset()
    assert walk.dock.navigator.row is None
    assert has_message("6 samples in a row cannot be read")
    assert "6 unreadable" in walk.dock.panel.counts.text()
    for path, content in pictures.items():  # the folder is back
        path.write_bytes(content)
    walk.press(Qt.Key.Key_J)
    assert walk.sample_id == "s1"
    walk.dock.close_dataset()


@pytest.mark.long
def test_a_walk_stops_where_many_in_a_row_cannot_be_read(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(navigator, "_MOST", 2)
    break_images(dataset.spec, "s2", "s3", "s4", "s5")
    dataset.dock.navigator.others_changed()
    dataset.settle()
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s1"
    assert has_message("2 samples in a row cannot be read: see their tooltips in the queue. None")
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s1"
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s6"


@pytest.mark.long
def test_next_pending_leaves_out_unreadable_samples(dataset: Walk) -> None:
    dataset.dock.navigator.go(2)
    dataset.settle()
    for expected in ("s5", "s6", "s1"):  # not s4
        dataset.press(Qt.Key.Key_N)
        assert dataset.sample_id == expected
    assert sum("s4.png" in text for text in messages()) == 1


@pytest.mark.long
def test_the_end_of_the_list_is_reported(dataset: Walk) -> None:
    dataset.press(Qt.Key.Key_K)
    assert "No sample is listed before this one." in messages()
    dataset.dock.navigator.go(5)
    dataset.settle()
    dataset.press(Qt.Key.Key_A)
    assert "No sample is listed after this one." in messages()
    assert dataset.statuses() == {"s1": Status.PENDING, "s6": Status.ACCEPTED}


def test_files_deleted_or_of_another_size_while_queued(dataset: Walk) -> None:
    (dataset.spec.folder("masks") / "s3.json").unlink()
    Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(dataset.spec.folder("images") / "s5.png")
    dataset.dock.navigator.others_changed()  # what was read ahead was read before
    dataset.settle()
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s2"
    dataset.press(Qt.Key.Key_J)
    assert dataset.sample_id == "s6"
    assert has_message("s3.json")
    why = dataset.dock.panel.model.queue.failures
    assert sorted(why) == [2, 3, 4]
    assert "10" in why[4]
    assert "40" in why[4]


@pytest.mark.long
def test_a_record_of_a_later_version_is_reported_and_left_alone(
    window: Window, pets: DatasetSpec
) -> None:
    with Store.open(store_file(pets.output), who="test") as store:
        store.put_status("s1", Status.FLAGGED)
    with closing(sqlite3.connect(store_file(pets.output))) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = store_file(pets.output).read_bytes()
    window.widget.open_dataset(pets)
    for _ in range(3):
        window.settle()
    assert window.widget.controller.context.document is None
    assert has_message("made by a later napari-sepl")
    assert len(messages()) == 1
    assert store_file(pets.output).read_bytes() == before


@pytest.mark.long
def test_an_output_folder_that_vanished_costs_nothing_once_it_is_back(dataset: Walk) -> None:
    out = dataset.spec.output
    out.rename(out.with_name("away"))
    painted = paint(dataset, 15)
    dataset.wait_until(lambda: any("the store is gone" in text for text in messages()))
    dataset.press(Qt.Key.Key_A)
    assert "could not be saved" in " ".join(messages())
    assert not out.exists()
    assert dataset.sample_id == "s1"
    out.with_name("away").rename(out)
    dataset.wait_until(lambda: any("is written again" in text for text in messages()))
    dataset.press(Qt.Key.Key_A)
    assert dataset.sample_id == "s2"
    assert dataset.statuses() == {"s1": Status.ACCEPTED}
    np.testing.assert_array_equal(read_labels(out / "s1.png") == 15, painted)
    assert dataset.log("s1") == ["stroke", "saved", "saved", "status", "look"]


@pytest.mark.long
def test_a_note_is_not_lost_by_walking_on_nor_given_to_another(dataset: Walk) -> None:
    panel = dataset.dock.panel
    QTest.keyClicks(panel.note, "ear")
    dataset.dock.navigator.next()  # as by a button that does not take the focus
    dataset.settle()
    assert panel.model.queue.notes == {0: "ear"}
    assert panel.note.text() == ""
    dataset.dock.navigator.previous()
    dataset.settle()
    panel.text.setText("s6")  # s1, which is open, is not listed
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    assert panel.note.text() == "ear"
    panel.show_filter(Filter(text="s1"))
    dataset.dock.navigator.go(4)  # not listed either
    dataset.settle()
    assert panel.note.text() == ""
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    assert panel.model.queue.notes == {0: "ear"}


@pytest.mark.long
def test_the_id_that_was_typed_is_opened_rather_than_one_that_holds_it(
    window: Window, pets: DatasetSpec
) -> None:
    for folder in map(pets.folder, ("images", "pseudo", "masks")):
        for path in list(folder.glob("s6.*")):
            shutil.copy(path, path.with_stem("1"))
    walk = Walk(window, pets)
    for typed, opened in (("1", "1"), ("S1", "s1")):
        walk.dock.panel.text.setText(typed)
        QTest.keyClick(walk.dock.panel.text, Qt.Key.Key_Return)
        walk.settle()
        assert walk.sample_id == opened
    walk.dock.close_dataset()


def test_samples_that_lack_files_are_all_listed(window: Window, pets: DatasetSpec) -> None:
    for number in (1, 2, 3):
        (pets.folder("images") / f"s{number}.png").unlink()
    (pets.folder("pseudo") / "s6.png").unlink()
    walk = Walk(window, pets)
    assert walk.sample_id == "s5"  # s4 is broken
    assert "Incomplete: 3 samples: s1: no image; s2: no image; s3: no image." in messages()
    button = walk.dock.missing
    assert button.isVisible()
    assert button.text() == "4 incomplete…"
    button.click()
    listed = button.listed()
    assert listed.splitlines() == [
        "s1: no image", "s2: no image", "s3: no image", "s6: no pseudo-labels",
    ]  # fmt: skip
    walk.dock.close_dataset()


@pytest.mark.long
def test_undoing_a_bulk_action_spares_later_edits(dataset: Walk) -> None:
    dataset.window.widget.controller.set_params(Params(t1=0.9))
    choose_in_bulk(dataset.dock, "apply_params")
    agree_in_bulk(dataset.dock)
    dataset.settle()
    dataset.press(Qt.Key.Key_J)
    dataset.window.drag_slider("t1", 0.3)  # on s2
    chosen = dataset.window.document.params
    dataset.press(Qt.Key.Key_J)  # s3 as it was set
    assert dataset.window.document.params == Params(t1=0.9)
    dataset.dock.undo_bulk()
    dataset.settle()
    assert has_message("1 edited since stay")
    assert dataset.window.document.params == Params()
    dataset.press(Qt.Key.Key_K)
    assert dataset.window.document.params == chosen
    dataset.press(Qt.Key.Key_K)
    assert dataset.window.document.params == Params(t1=0.9)  # s1 was open, and not among them


@pytest.mark.long
def test_a_sample_that_cannot_be_saved_is_not_unreadable(dataset: Walk) -> None:
    Image.fromarray(np.full((40, 60), 7, np.uint8)).save(dataset.spec.output / "s2.png")
    choose_in_bulk(dataset.dock, "accept_unchanged")
    agree_in_bulk(dataset.dock, 100)
    dataset.wait_until(lambda: has_message("Done: accept 4"))
    assert has_message("1 were not saved.")
    assert has_message("other labels are there")
    assert sorted(dataset.dock.panel.model.queue.failures) == [3]
    assert (read_labels(dataset.spec.output / "s2.png") == 7).all()
    dataset.press(Qt.Key.Key_G)  # s1
    dataset.dock.navigator.go(2)
    dataset.settle()
    dataset.press(Qt.Key.Key_W)  # s3 was accepted, and is skipped now
    dataset.dock.undo_bulk()
    dataset.settle()
    assert has_message("2 edited since stay")
    assert dataset.statuses()["s3"] == Status.SKIPPED
    assert dataset.statuses()["s5"] == Status.PENDING


@pytest.mark.long
def test_a_dataset_may_be_closed_while_many_are_accepted(dataset: Walk) -> None:
    choose_in_bulk(dataset.dock, "accept_unchanged")
    agree_in_bulk(dataset.dock, 100)
    dataset.dock.close_dataset()
    dataset.settle()
    again = Walk(dataset.window, dataset.spec)
    assert again.sample_id == "s1"


def test_a_full_disk_leaves_the_sample_pending(
    dataset: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted = paint(dataset, 15)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        dataset.press(Qt.Key.Key_A)
        dataset.wait_until(lambda: any("No space left on device" in text for text in messages()))
    assert dataset.sample_id == "s1"
    assert list(dataset.spec.output.glob("*.png")) == []
    assert dataset.statuses()["s1"] == Status.PENDING
    dataset.press(Qt.Key.Key_A)
    assert dataset.statuses()["s1"] == Status.ACCEPTED
    np.testing.assert_array_equal(read_labels(dataset.spec.output / "s1.png") == 15, painted)
