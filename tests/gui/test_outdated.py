"""Outdated samples in the window: found, shown, decided on in one place, and undone."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.document.edits import InputsChoice
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status
from napari_sepl.gui.queue.outdated import OutdatedDialog
from napari_sepl.workflow.review.queue import Column, Queue
from tests.document.drawing import cat_and_dog, save_pets
from tests.gui.conftest import Walk, Window, answer_questions, has_message, press_button

CTRL = Qt.KeyboardModifier.ControlModifier
KEEP, APPLY, START_OVER = InputsChoice


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Three samples s1 to s3."""
    pseudo = cat_and_dog().pseudo
    return save_pets(tmp_path, {f"s{number}": np.roll(pseudo, number, 1) for number in (1, 2, 3)})


@pytest.fixture
def dataset(window: Window, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """Three samples whose pseudo-labels changed: s1 and s2 accepted before, s3 edited."""
    asked = answer_questions(monkeypatch, window.widget, False)
    walk = Walk(window, spec)
    walk.press(Qt.Key.Key_A)
    walk.wait_until(lambda: walk.sample_id == "s2")
    walk.press(Qt.Key.Key_A)
    walk.wait_until(lambda: walk.sample_id == "s3")
    walk.window.drag_slider("t1", 0.9)
    walk.wait_until(lambda: walk.statuses().get("s3") is Status.PENDING)
    walk.dock.navigator.go(0)
    walk.settle()
    walk.dock.close_dataset()
    for number in (1, 2, 3):
        change_pseudo(spec, number)
    again = Walk(window, spec)
    again.wait_until(lambda: bool(queue_of(again).outdated.all()))
    yield again
    again.dock.close_dataset()
    assert not asked


def change_pseudo(spec: DatasetSpec, number: int) -> None:
    pseudo = np.zeros((40, 60), np.uint8)
    pseudo[5 : 9 + number, 5:9] = 12
    Image.fromarray(pseudo).save(spec.folder("pseudo") / f"s{number}.png")


def queue_of(dataset: Walk) -> Queue:
    assert dataset.dock.reviewing is not None
    return dataset.dock.reviewing.queue


def file_of(dataset: Walk, sample_id: str = "s1") -> Path:
    return dataset.spec.output / f"{sample_id}.png"


def shown_status(dataset: Walk, row: int) -> str:
    model = dataset.dock.panel.model
    place = model.place_of(row)
    assert place is not None
    return str(model.data(model.index(place, list(Column).index(Column.STATUS))))


def agree(dataset: Walk, status: str, recorded: Status, sample_id: str = "s1") -> bool:
    """Return whether title, queue, record and folder tell the same of the open sample."""
    return (
        dataset.window.widget.title.text() == f"{sample_id} — {status}"
        and shown_status(dataset, queue_of(dataset).rows[sample_id]) == status
        and dataset.statuses()[sample_id] is recorded
        and file_of(dataset, sample_id).exists() == (recorded is Status.ACCEPTED)
        and (not dataset.window.widget.outdated.isHidden()) == (status == "outdated")
    )


def decide(dataset: Walk, choice: InputsChoice) -> OutdatedDialog:
    """Open the dialog, wait for its preview, and press a button."""
    QTest.mouseClick(dataset.dock.outdated.button, Qt.MouseButton.LeftButton)
    dialog = dataset.dock.outdated.dialog
    assert dialog is not None
    dataset.wait_until(lambda: len(dialog.model.previews) == len(dialog.model.rows))
    dataset.wait_until(lambda: "so far" not in dialog.summary.text())
    QTest.mouseClick(dialog.buttons[choice], Qt.MouseButton.LeftButton)
    dataset.wait_until(lambda: dialog.progress.text().startswith("Decided"))
    return dialog


def test_outdated_samples_are_shown_counted_and_filtered(dataset: Walk) -> None:
    panel = dataset.dock.panel
    dataset.wait_until(lambda: dataset.dock.outdated.text.text() == "3 outdated (pseudo-labels 3)")
    assert not dataset.dock.outdated.isHidden()
    assert agree(dataset, "outdated", Status.ACCEPTED)
    assert [shown_status(dataset, row) for row in range(3)] == ["outdated"] * 3
    column = list(Column).index(Column.STATUS)
    tips = [
        panel.model.data(panel.model.index(row, column), Qt.ItemDataRole.ToolTipRole)
        for row in (0, 2)
    ]
    assert tips == [
        "pseudo-labels changed since it was accepted",
        "pseudo-labels changed since it was edited",
    ]
    assert panel.counts.text() == "3 outdated"
    panel.status.setCurrentIndex(panel.status.findData(Status.ACCEPTED))
    assert panel.model.rows.tolist() == []
    panel.status.setCurrentIndex(panel.status.findData("outdated"))
    assert panel.model.rows.tolist() == [0, 1, 2]
    dataset.dock.close_dataset()
    again = Walk(dataset.window, dataset.spec)
    assert again.dock.panel.filter.outdated


def test_keeping_keeps_accepted_labels_to_the_pixel_in_one_place(dataset: Walk) -> None:
    labels = [read_labels(file_of(dataset, name)) for name in ("s1", "s2")]
    assert (dataset.window.shown != labels[0]).any()
    dialog = decide(dataset, KEEP)
    assert "” would change " in dialog.summary.text()
    assert agree(dataset, "accepted", Status.ACCEPTED)
    np.testing.assert_array_equal(dataset.window.shown, labels[0])
    assert queue_of(dataset).outdated.tolist() == [False, False, True]
    assert dialog.model.rows == [2]
    assert not dialog.buttons[KEEP].isEnabled()  # s3 was not accepted
    dialog.close()
    for name, before in zip(("s1", "s2"), labels, strict=True):
        np.testing.assert_array_equal(read_labels(file_of(dataset, name)), before)
    dataset.press(Qt.Key.Key_J)
    dataset.wait_until(lambda: dataset.sample_id == "s2")
    assert agree(dataset, "accepted", Status.ACCEPTED, "s2")
    np.testing.assert_array_equal(dataset.window.shown, labels[1])


@pytest.mark.long
def test_starting_over_is_undone_in_each_history(dataset: Walk) -> None:
    before = {name: file_of(dataset, name).read_bytes() for name in ("s1", "s2")}
    decide(dataset, START_OVER)
    dataset.wait_until(lambda: not queue_of(dataset).outdated.any())
    assert agree(dataset, "pending", Status.PENDING)
    assert not any(file_of(dataset, name).exists() for name in before)
    for name, content in before.items():
        if name == "s2":
            dataset.press(Qt.Key.Key_J)
            dataset.wait_until(lambda: dataset.sample_id == "s2")
        dataset.window.press(Qt.Key.Key_Z, CTRL)
        dataset.wait_until(partial(agree, dataset, "outdated", Status.ACCEPTED, name))
        assert file_of(dataset, name).read_bytes() == content
        dataset.window.press(Qt.Key.Key_Z, CTRL)  # the inputs of before are gone
        assert agree(dataset, "outdated", Status.ACCEPTED, name)


@pytest.mark.long
def test_an_opened_sample_can_be_decided_alone(dataset: Walk) -> None:
    panel = dataset.window.widget.outdated
    assert panel.text.text() == "Outdated: pseudo-labels changed since the review."
    labels = read_labels(file_of(dataset))
    press_button(panel, "keep_accepted")
    dataset.wait_until(lambda: agree(dataset, "accepted", Status.ACCEPTED))
    np.testing.assert_array_equal(dataset.window.shown, labels)
    dataset.window.press(Qt.Key.Key_Z, CTRL)
    dataset.wait_until(lambda: agree(dataset, "outdated", Status.ACCEPTED))
    press_button(panel, "apply_annotations")
    dataset.wait_until(lambda: agree(dataset, "pending", Status.PENDING))


def test_accept_applies_and_accepts_without_a_question(dataset: Walk) -> None:
    shown = dataset.window.shown.copy()
    dataset.press(Qt.Key.Key_A)
    dataset.wait_until(lambda: dataset.sample_id == "s2")
    dataset.wait_until(lambda: shown_status(dataset, 0) == "accepted")
    np.testing.assert_array_equal(read_labels(file_of(dataset)), shown)
    assert dataset.statuses()["s1"] is Status.ACCEPTED
    dataset.dock.close_dataset()
    again = Walk(dataset.window, dataset.spec)
    assert not queue_of(again).outdated[0]


@pytest.mark.long
def test_looking_saves_nothing(dataset: Walk) -> None:
    content = file_of(dataset).read_bytes()
    logged = [kind for kind in dataset.log("s1") if kind != "look"]
    dataset.press(Qt.Key.Key_J)
    dataset.press(Qt.Key.Key_K)
    dataset.wait_until(lambda: dataset.sample_id == "s1")
    assert agree(dataset, "outdated", Status.ACCEPTED)
    assert file_of(dataset).read_bytes() == content
    assert [kind for kind in dataset.log("s1") if kind != "look"] == logged


@pytest.mark.long
def test_of_another_size_only_starting_over_is_offered(dataset: Walk) -> None:
    dataset.dock.close_dataset()
    for role, size in (("images", (50, 30)), ("pseudo", (50, 30))):
        mode = "RGB" if role == "images" else "L"
        Image.new(mode, size).save(dataset.spec.folder(role) / "s1.png")
    (dataset.spec.folder("masks") / "s1.json").unlink()
    again = Walk(dataset.window, dataset.spec)
    panel = again.window.widget.outdated
    assert "another size" in panel.text.text()
    assert [button.isEnabled() for button in panel.buttons.values()] == [False, False, True]
    dialog = decide(again, APPLY)
    assert dialog.model.rows == [0]
    assert "another size" in dialog.summary.text()
    dialog.close()
    press_button(panel, "start_over")
    again.wait_until(lambda: agree(again, "pending", Status.PENDING))
    again.dock.close_dataset()


def test_a_file_that_changes_under_an_open_sample_refuses_acceptance(
    window: Window, spec: DatasetSpec
) -> None:
    walk = Walk(window, spec)
    change_pseudo(spec, 1)
    walk.press(Qt.Key.Key_A)
    walk.wait_until(lambda: has_message("inputs changed while open: s1 (pseudo-labels)"))
    walk.wait_until(lambda: (walk.window.document.inputs.pseudo == 12).sum() == 20)
    assert walk.sample_id == "s1"
    assert not file_of(walk).exists()
    walk.press(Qt.Key.Key_A)
    walk.wait_until(lambda: walk.statuses().get("s1") is Status.ACCEPTED)
    walk.dock.close_dataset()


@pytest.mark.long
def test_a_sample_that_was_read_ahead_is_checked_when_it_is_shown(
    window: Window, spec: DatasetSpec
) -> None:
    walk = Walk(window, spec)
    walk.wait_until(lambda: 1 in walk.dock.navigator._prefetch.rows)  # type: ignore[union-attr]
    change_pseudo(spec, 2)
    walk.press(Qt.Key.Key_J)
    walk.wait_until(lambda: (walk.window.document.inputs.pseudo == 12).sum() == 24)
    assert walk.sample_id == "s2"
    assert has_message("pseudo-labels of s2 changed on disk")
    walk.dock.close_dataset()


@pytest.mark.long
def test_a_touched_but_equal_file_is_not_outdated(window: Window, spec: DatasetSpec) -> None:
    walk = Walk(window, spec)
    walk.press(Qt.Key.Key_A)
    walk.wait_until(lambda: walk.statuses().get("s1") is Status.ACCEPTED)
    walk.dock.close_dataset()
    path = spec.folder("pseudo") / "s1.png"
    shutil.copy(path, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)
    again = Walk(window, spec)
    assert not queue_of(again).outdated.any()
    assert again.dock.outdated.isHidden()
    again.dock.close_dataset()


@pytest.mark.long
def test_new_and_vanished_files_are_noticed_and_listed_on_refresh(
    window: Window, spec: DatasetSpec
) -> None:
    walk = Walk(window, spec)
    walk.press(Qt.Key.Key_A)
    walk.wait_until(lambda: walk.sample_id == "s2")
    for role in ("images", "pseudo", "masks"):
        (old,) = spec.folder(role).glob("s3.*")
        shutil.copy(old, old.with_name(f"s4{old.suffix}"))
        old.unlink()
    walk.wait_until(
        lambda: walk.dock.refreshing.text().startswith("Samples on disk: 1 new, 1 gone")
    )
    assert queue_of(walk).ids == ("s1", "s2", "s3")
    press_button(walk.dock, "refresh")
    walk.wait_until(lambda: walk.dock.refreshing.isHidden() and walk.dock.reviewing is not None)
    assert queue_of(walk).ids == ("s1", "s2", "s4")
    walk.settle()
    assert walk.sample_id == "s2"
    assert walk.statuses()["s1"] is Status.ACCEPTED
    walk.dock.close_dataset()


@pytest.mark.long
def test_an_image_opened_alone_is_outdated_too(
    window: Window, spec: DatasetSpec, tmp_path: Path
) -> None:
    sample, folder = SampleIndex.open(spec).sample("s1"), tmp_path / "alone"
    window.widget.open_sample(sample, "voc", folder)
    window.settle()
    title = window.widget.title
    window.press(Qt.Key.Key_A)
    window.wait_until(lambda: title.text() == "s1 — accepted")
    labels = read_labels(folder / "s1.png")
    change_pseudo(spec, 1)
    window.press(Qt.Key.Key_A)
    window.wait_until(lambda: has_message("inputs changed while open: s1 (pseudo-labels)"))
    window.wait_until(lambda: title.text() == "s1 — outdated")
    assert (window.document.inputs.pseudo == 12).sum() == 20
    assert not window.widget.outdated.isHidden()
    np.testing.assert_array_equal(read_labels(folder / "s1.png"), labels)
    press_button(window.widget.outdated, "keep_accepted")
    window.wait_until(lambda: title.text() == "s1 — accepted")
    np.testing.assert_array_equal(window.shown, labels)
    assert window.widget.may_close()
