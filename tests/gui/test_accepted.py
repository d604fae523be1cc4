"""Accepted means one thing: title, queue, record and folder agree, whatever is done and undone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status
from napari_sepl.workflow.enhance import enhance_folder
from tests.document.drawing import cat_and_dog, save_pets
from tests.gui.conftest import Walk, Window, agree_in_bulk, choose_in_bulk, has_message

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Three samples s1 to s3."""
    pseudo = cat_and_dog().pseudo
    return save_pets(tmp_path, {f"s{number}": np.roll(pseudo, number, 1) for number in (1, 2, 3)})


@pytest.fixture
def dataset(window: Window, spec: DatasetSpec) -> Iterator["Walk"]:
    walk = Walk(window, spec)
    yield walk
    walk.dock.close_dataset()


def file_of(spec: DatasetSpec, sample_id: str = "s1") -> Path:
    return spec.output / f"{sample_id}.png"


def agree(dataset: Walk, status: Status, sample_id: str = "s1") -> bool:
    """Return whether title, queue, record and folder tell this status of the open sample."""
    assert dataset.dock.reviewing is not None
    queue = dataset.dock.reviewing.queue
    return (
        dataset.window.widget.title.text() == f"{sample_id} — {status}"
        and queue.status_of(queue.rows[sample_id]) is status
        and dataset.statuses().get(sample_id, Status.PENDING) is status
        and file_of(dataset.spec, sample_id).exists() == (status is Status.ACCEPTED)
    )


def accept_first(dataset: Walk) -> np.ndarray:
    """Accept s1 and come back to it; return its labels."""
    dataset.press(Qt.Key.Key_A)
    dataset.wait_until(lambda: dataset.sample_id == "s2")
    dataset.press(Qt.Key.Key_K)
    dataset.wait_until(lambda: dataset.sample_id == "s1")
    assert agree(dataset, Status.ACCEPTED)
    return read_labels(file_of(dataset.spec))


def test_an_edit_makes_it_pending_and_undo_accepted_again(dataset: Walk) -> None:
    labels = accept_first(dataset)
    dataset.window.drag_slider("t1", 0.9)
    dataset.wait_until(lambda: agree(dataset, Status.PENDING))
    dataset.window.press(Qt.Key.Key_Z, CTRL)
    dataset.wait_until(lambda: agree(dataset, Status.ACCEPTED))
    np.testing.assert_array_equal(read_labels(file_of(dataset.spec)), labels)
    np.testing.assert_array_equal(dataset.window.shown, labels)


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (Qt.Key.Key_W, Status.SKIPPED),
        (Qt.Key.Key_G, Status.FLAGGED),
        (Qt.Key.Key_R, Status.PENDING),
    ],
)
def test_each_other_status_removes_the_file_and_undo_brings_it_back(
    dataset: Walk, key: Qt.Key, status: Status
) -> None:
    labels = accept_first(dataset)
    dataset.press(key)
    if status is not Status.PENDING:  # then the next sample is opened
        dataset.wait_until(lambda: dataset.sample_id == "s2")
        dataset.press(Qt.Key.Key_K)
    dataset.wait_until(lambda: agree(dataset, status))
    dataset.window.press(Qt.Key.Key_Z, CTRL)
    dataset.wait_until(lambda: agree(dataset, Status.ACCEPTED))
    np.testing.assert_array_equal(read_labels(file_of(dataset.spec)), labels)
    dataset.window.press(Qt.Key.Key_Z, CTRL)
    dataset.wait_until(lambda: agree(dataset, Status.PENDING))
    dataset.window.press(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    dataset.wait_until(lambda: agree(dataset, Status.ACCEPTED))


@pytest.mark.long
def test_undo_of_a_status_is_there_after_closing(window: Window, spec: DatasetSpec) -> None:
    dataset = Walk(window, spec)
    labels = accept_first(dataset)
    dataset.window.drag_slider("t1", 0.9)
    dataset.wait_until(lambda: agree(dataset, Status.PENDING))
    dataset.dock.close_dataset()
    again = Walk(window, spec)
    assert agree(again, Status.PENDING)
    again.window.press(Qt.Key.Key_Z, CTRL)
    again.wait_until(lambda: agree(again, Status.ACCEPTED))
    np.testing.assert_array_equal(read_labels(file_of(spec)), labels)
    again.dock.close_dataset()


@pytest.mark.long
def test_a_file_that_another_program_changed_stays_and_is_named(dataset: Walk) -> None:
    accept_first(dataset)
    Image.fromarray(np.full_like(read_labels(file_of(dataset.spec)), 2)).save(file_of(dataset.spec))
    dataset.press(Qt.Key.Key_G)
    dataset.wait_until(lambda: has_message(file_of(dataset.spec)))
    assert (read_labels(file_of(dataset.spec)) == 2).all()
    assert dataset.statuses()["s1"] is Status.FLAGGED


def test_files_that_changed_or_went_meanwhile_are_named_or_written_again(
    window: Window, spec: DatasetSpec
) -> None:
    dataset = Walk(window, spec)
    accept_first(dataset)
    dataset.press(Qt.Key.Key_J)
    dataset.press(Qt.Key.Key_A)
    dataset.wait_until(lambda: file_of(spec, "s2").exists())
    dataset.dock.close_dataset()
    accepted = read_labels(file_of(spec, "s2"))
    Image.fromarray(np.full_like(accepted, 2)).save(file_of(spec))
    file_of(spec, "s2").unlink()
    dataset = Walk(window, spec)
    dataset.wait_until(
        lambda: "changed by another program: 1 sample (s1)" in dataset.dock.outdated.text.text()
    )
    dataset.wait_until(lambda: file_of(spec, "s2").exists())
    np.testing.assert_array_equal(read_labels(file_of(spec, "s2")), accepted)
    assert (read_labels(file_of(spec)) == 2).all()
    dataset.dock.close_dataset()


@pytest.mark.long
def test_an_unreviewed_file_goes_once_its_sample_is_edited(
    window: Window, spec: DatasetSpec
) -> None:
    assert len(list(enhance_folder(SampleIndex.open(spec), Params()))) == 3
    dataset = Walk(window, spec)
    assert file_of(spec).exists()
    dataset.window.drag_slider("t1", 0.9)
    dataset.wait_until(lambda: agree(dataset, Status.PENDING))
    assert file_of(spec, "s2").exists()
    dataset.dock.close_dataset()


def test_a_file_that_enhance_wrote_is_replaced_without_a_question(
    window: Window, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(list(enhance_folder(SampleIndex.open(spec), Params()))) == 3
    monkeypatch.setattr(window.widget, "confirm_replace", lambda path: pytest.fail(str(path)))
    dataset = Walk(window, spec)
    accept_first(dataset)
    dataset.dock.close_dataset()


def test_what_a_crash_left_between_record_and_folder_is_put_right(
    window: Window, spec: DatasetSpec
) -> None:
    dataset = Walk(window, spec)
    labels = accept_first(dataset)
    content = file_of(spec).read_bytes()
    dataset.press(Qt.Key.Key_J)
    dataset.press(Qt.Key.Key_A)
    dataset.wait_until(lambda: dataset.statuses().get("s2") is Status.ACCEPTED)
    dataset.dock.navigator.go(0)
    dataset.press(Qt.Key.Key_R)
    dataset.wait_until(lambda: agree(dataset, Status.PENDING))
    dataset.dock.close_dataset()
    file_of(spec).write_bytes(content)  # as if it had not been removed
    file_of(spec, "s2").unlink()  # as if it had not been written again
    again = Walk(window, spec)
    again.wait_until(lambda: not file_of(spec).exists() and file_of(spec, "s2").exists())
    assert again.statuses()["s2"] is Status.ACCEPTED
    assert read_labels(file_of(spec, "s2")).shape == labels.shape
    again.dock.close_dataset()


@pytest.mark.long
def test_taking_back_a_bulk_step_removes_its_files(dataset: Walk) -> None:
    choose_in_bulk(dataset.dock, "accept_unchanged")
    agree_in_bulk(dataset.dock, 100)
    dataset.wait_until(lambda: file_of(dataset.spec, "s3").exists())
    dataset.wait_until(lambda: dataset.statuses().get("s3") is Status.ACCEPTED)
    dataset.dock.undo_bulk()
    dataset.wait_until(lambda: not file_of(dataset.spec, "s3").exists())
    assert dataset.statuses()["s3"] is Status.PENDING


@pytest.mark.long
def test_a_copy_changes_nothing_else(
    dataset: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tmp_path / "copy.png"
    monkeypatch.setattr(dataset.window.widget, "ask_copy_file", lambda _: wanted)
    window = dataset.window.viewer.window._qt_window
    window.activateWindow()
    dataset.wait_until(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_S, CTRL)  # napari's own would ask for layers
    dataset.wait_until(wanted.exists)
    np.testing.assert_array_equal(read_labels(wanted), dataset.window.shown)
    provenance = read_provenance(wanted)
    assert provenance is not None
    assert provenance.sample_id == "s1"
    assert agree(dataset, Status.PENDING)
    wanted = file_of(dataset.spec)
    dataset.press(Qt.Key.Key_S)
    dataset.wait_until(lambda: has_message("belongs to the record"))
    wanted = dataset.spec.folder("images") / "s1.png"
    before = wanted.read_bytes()
    dataset.press(Qt.Key.Key_S)
    dataset.wait_until(lambda: has_message(wanted))
    assert wanted.read_bytes() == before
    assert agree(dataset, Status.PENDING)
