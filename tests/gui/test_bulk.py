"""Bulk actions in the real window: on what is selected or listed, shown before, undone in turn."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialogButtonBox

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.queue.preview import BulkPreview, Plan
from napari_sepl.workflow.review.queue import Queue
from tests.document.drawing import cat_and_dog, save_pets
from tests.gui.conftest import (
    CTRL,
    Walk,
    Window,
    agree_in_bulk,
    choose_in_bulk,
    has_message,
    paint,
)

SHIFT = Qt.KeyboardModifier.ShiftModifier
IDS = ["s1", "s2", "s3", "s4", "s5"]


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Five samples s1 to s5."""
    pseudo = cat_and_dog().pseudo
    return save_pets(tmp_path, {one: np.roll(pseudo, number, 1) for number, one in enumerate(IDS)})


@pytest.fixture
def walk(window: Window, spec: DatasetSpec) -> Iterator[Walk]:
    walk = Walk(window, spec)
    yield walk
    walk.dock.close_dataset()


def click(walk: Walk, sample_id: str, modifier: Qt.KeyboardModifier | None = None) -> None:
    """Click a sample in the queue, maybe with a key held down."""
    panel = walk.dock.panel
    place = panel.model.place_of(panel.model.queue.rows[sample_id])
    assert place is not None
    table = panel.table
    table.scrollTo(panel.model.index(place, 0))
    at = table.visualRect(panel.model.index(place, 0)).center()
    none = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier or none, at)
    walk.settle()


def files(spec: DatasetSpec) -> list[str]:
    return sorted(path.stem for path in spec.output.glob("*.png"))


@pytest.mark.long
def test_a_click_opens_and_clicks_with_ctrl_and_shift_select(walk: Walk) -> None:
    button = walk.dock.bulk_button
    assert button.text() == "5 listed"
    click(walk, "s2")
    assert walk.sample_id == "s2"
    click(walk, "s4", SHIFT)
    assert button.text() == "3 selected"
    click(walk, "s3", CTRL)
    assert button.text() == "2 selected"
    assert walk.sample_id == "s2"
    click(walk, "s4", CTRL)
    assert button.text() == "5 listed"
    assert walk.sample_id == "s2"
    click(walk, "s5")
    assert walk.sample_id == "s5"


def test_only_the_selected_samples_are_flagged_and_stay_selected(walk: Walk) -> None:
    click(walk, "s2", CTRL)
    click(walk, "s4", CTRL)  # beside s1, which is open
    choose_in_bulk(walk.dock, "flag_many")
    assert agree_in_bulk(walk.dock) == ["s1", "s2", "s4"]
    flagged = dict.fromkeys(("s1", "s2", "s4"), Status.FLAGGED)
    walk.wait_until(lambda: walk.statuses() == flagged)
    assert walk.dock.bulk_button.text() == "3 selected"
    assert walk.window.widget.title.text() == "s1 — flagged"
    walk.window.press(Qt.Key.Key_Z, CTRL)  # a step of the open sample's own history
    walk.wait_until(lambda: walk.statuses()["s1"] is Status.PENDING)


@pytest.mark.long
def test_only_what_the_filter_lists_is_skipped(walk: Walk) -> None:
    walk.press(Qt.Key.Key_G)  # s1
    panel = walk.dock.panel
    panel.status.setCurrentIndex(panel.status.findData(Status.PENDING))
    QTest.keyClicks(panel.text, "s")
    assert walk.dock.bulk_button.text() == "4 listed"
    choose_in_bulk(walk.dock, "skip_many")
    assert agree_in_bulk(walk.dock) == ["s2", "s3", "s4", "s5"]
    walk.settle()
    assert walk.statuses() == {"s1": Status.FLAGGED} | dict.fromkeys(IDS[1:], Status.SKIPPED)


@pytest.mark.long
def test_the_preview_leaves_out_edited_samples_unless_ticked(walk: Walk) -> None:
    paint(walk, 15)  # s1
    walk.press(Qt.Key.Key_J)
    choose_in_bulk(walk.dock, "skip_many")
    preview = walk.dock.preview
    assert preview is not None
    assert preview.text.text() == "Skip 4 samples, of 5 listed:"
    assert "1 that a person edited" in preview.edited.text()
    cancel = preview.buttons.button(QDialogButtonBox.StandardButton.Cancel)
    QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    walk.settle()
    assert walk.dock.preview is None
    assert Status.SKIPPED not in walk.statuses().values()
    choose_in_bulk(walk.dock, "skip_many")
    assert agree_in_bulk(walk.dock, edited=True) == IDS
    walk.wait_until(lambda: walk.statuses() == dict.fromkeys(IDS, Status.SKIPPED))


def test_the_largest_change_decides_which_are_accepted(walk: Walk) -> None:
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(walk.spec.folder("pseudo") / "s3.png")
    choose_in_bulk(walk.dock, "accept_unchanged")
    walk.wait_until(lambda: walk.dock.preview is not None)
    preview, queue = walk.dock.preview, walk.dock.panel.model.queue
    assert preview is not None
    assert queue.change[2] == 0  # no class, no change
    least = 100 * float(np.delete(queue.change, 2).min())
    assert least > 0.2
    assert agree_in_bulk(walk.dock, least - 0.1) == ["s3"]
    walk.wait_until(lambda: walk.statuses().get("s3") is Status.ACCEPTED)
    assert files(walk.spec) == ["s3"]


def test_bulk_actions_are_undone_one_by_one(walk: Walk) -> None:
    walk.window.drag_slider("t1", 0.9)
    params = walk.window.document.params
    choose_in_bulk(walk.dock, "apply_params")
    assert agree_in_bulk(walk.dock) == IDS[1:]
    walk.wait_until(lambda: has_message("Done: set"))
    choose_in_bulk(walk.dock, "accept_unchanged")
    agree_in_bulk(walk.dock, 100)
    walk.wait_until(lambda: has_message("Done: accept 4"))  # s1 was edited
    assert files(walk.spec) == IDS[1:]
    labels = {one: read_labels(walk.spec.output / f"{one}.png") for one in IDS[1:]}
    choose_in_bulk(walk.dock, "reopen_many")
    assert agree_in_bulk(walk.dock) == IDS[1:]
    walk.wait_until(lambda: not files(walk.spec))
    choose_in_bulk(walk.dock, "undo_bulk")  # pending
    walk.wait_until(lambda: files(walk.spec) == IDS[1:])
    for one, expected in labels.items():
        np.testing.assert_array_equal(read_labels(walk.spec.output / f"{one}.png"), expected)
        assert walk.statuses()[one] is Status.ACCEPTED
    choose_in_bulk(walk.dock, "undo_bulk")  # accepted
    walk.wait_until(lambda: not files(walk.spec))
    walk.press(Qt.Key.Key_J)
    assert walk.window.document.params == params
    choose_in_bulk(walk.dock, "undo_bulk")  # thresholds
    walk.settle()
    assert walk.window.document.params == Params()
    choose_in_bulk(walk.dock, "undo_bulk")
    walk.wait_until(lambda: has_message("no bulk action to undo"))
    walk.press(Qt.Key.Key_K)
    assert walk.window.document.params == params


def test_undo_of_a_bulk_action_is_no_step_of_the_open_sample(walk: Walk) -> None:
    walk.window.drag_slider("t1", 0.9)
    choose_in_bulk(walk.dock, "flag_many")
    agree_in_bulk(walk.dock, edited=True)
    walk.wait_until(lambda: walk.window.document.status is Status.FLAGGED)
    choose_in_bulk(walk.dock, "undo_bulk")
    walk.wait_until(lambda: walk.window.document.status is Status.PENDING)
    walk.window.press(Qt.Key.Key_Z, CTRL)
    walk.settle()
    assert walk.window.document.status is Status.PENDING
    assert walk.window.document.params == Params()
    assert walk.statuses()[walk.sample_id] is Status.PENDING


@pytest.mark.long
def test_undo_leaves_samples_edited_since_and_tells_their_number(walk: Walk) -> None:
    choose_in_bulk(walk.dock, "skip_many")
    agree_in_bulk(walk.dock)
    walk.settle()
    click(walk, "s2")
    painted = paint(walk, 15)
    click(walk, "s4")
    walk.press(Qt.Key.Key_G)
    choose_in_bulk(walk.dock, "undo_bulk")
    walk.wait_until(lambda: has_message("2 edited since stay unchanged"))
    left = {"s2": Status.SKIPPED, "s4": Status.FLAGGED}
    assert walk.statuses() == dict.fromkeys(IDS, Status.PENDING) | left
    click(walk, "s2")
    np.testing.assert_array_equal(walk.window.shown == 15, painted)


@pytest.mark.long
def test_thresholds_on_accepted_samples_make_them_pending_and_undo_brings_them_back(
    walk: Walk,
) -> None:
    walk.press(Qt.Key.Key_A)  # s1
    walk.wait_until(lambda: walk.sample_id == "s2")
    before = read_labels(walk.spec.output / "s1.png")
    walk.window.drag_slider("t1", 0.9)
    choose_in_bulk(walk.dock, "apply_params")
    assert agree_in_bulk(walk.dock, edited=True) == ["s1", "s3", "s4", "s5"]
    walk.wait_until(lambda: not files(walk.spec))
    assert walk.statuses()["s1"] is Status.PENDING
    choose_in_bulk(walk.dock, "undo_bulk")
    walk.wait_until(lambda: walk.statuses()["s1"] is Status.ACCEPTED)
    np.testing.assert_array_equal(read_labels(walk.spec.output / "s1.png"), before)


@pytest.mark.long
def test_what_changed_on_disk_since_its_review_is_not_accepted_unseen(walk: Walk) -> None:
    paint(walk, 15)
    walk.press(Qt.Key.Key_J)
    Image.fromarray(np.full((40, 60), 12, np.uint8)).save(walk.spec.folder("pseudo") / "s1.png")
    choose_in_bulk(walk.dock, "accept_unchanged")
    agree_in_bulk(walk.dock, 100, edited=True)
    walk.wait_until(lambda: has_message("is outdated: s1"))
    assert files(walk.spec) == IDS[1:]
    assert walk.statuses()["s1"] is Status.PENDING


def test_a_hundred_thousand_samples_are_listed(qtbot: object) -> None:
    queue = Queue([f"q{number:06}" for number in range(100_000)])
    panel = QueuePanel()
    panel.list_samples(queue, VOC)
    panel.table.selectAll()
    rows, name = panel.scope
    assert name == "100,000 selected"
    panel.list_samples(queue, VOC)
    assert panel.scope[1] == name
    agreed: list[int] = []
    preview = BulkPreview(
        Plan("Skip", rows, np.zeros(len(rows), np.bool_), agreed.extend), name, queue, VOC, panel
    )
    preview.show()
    assert preview.model.rowCount() == 100_000
    preview.table.scrollToBottom()
    assert preview.table.rowAt(preview.table.viewport().height() - 2) == 99_999
    at = preview.buttons.button(QDialogButtonBox.StandardButton.Ok)
    QTest.mouseClick(at, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert len(agreed) == 100_000
    panel.close()
