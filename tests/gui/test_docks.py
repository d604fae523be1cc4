"""The docks around the widget: what is in sight, closed, opened again, told and left behind."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialogButtonBox

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.review_panels import ShortcutsBox
from tests.gui.conftest import Walk, Window, has_message, messages, press_button, wait_until
from tests.workflow.sweeping import IDS

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def walk(window: Window, spec: DatasetSpec) -> Iterator[Walk]:
    walk = Walk(window, spec)
    yield walk
    walk.dock.close_dataset()


def test_the_legend_is_in_sight_beside_the_queue(walk: Walk) -> None:
    walk.window.viewer.window.resize(1400, 900)
    legend = walk.window.widget.classes.table
    rows = legend.verticalHeader().length()
    wait_until(lambda: legend.visibleRegion().boundingRect().height() > rows)
    assert rows > 0


@pytest.mark.long
def test_a_queue_that_was_closed_is_docked_again(walk: Walk) -> None:
    walk.window.viewer.window.remove_dock_widget(walk.dock)
    assert not walk.dock.isVisible()
    QTest.mouseClick(walk.window.widget.queue, LEFT)
    wait_until(walk.dock.isVisible)
    assert walk.dock.panel.model.rowCount() == len(IDS)


@pytest.mark.long
def test_without_a_dataset_a_message_names_where_to_open_one(window: Window) -> None:
    QTest.mouseClick(window.widget.queue, LEFT)
    assert has_message("Open a dataset first")


@pytest.mark.long
def test_a_dataset_that_does_not_open_leaves_the_widget_free(
    walk: Walk, spec: DatasetSpec, tmp_path: Path
) -> None:
    viewer = walk.window.viewer
    viewer.window.remove_dock_widget(walk.window.widget)
    again = walk.window.widget = widget_of(viewer)
    again.open_dataset(spec.model_copy(update={"images": tmp_path / "gone"}))
    assert again.busy.text()
    walk.settle()
    assert has_message("gone")
    assert not again.busy.text()
    assert again.buttons["save_copy"].isEnabled()


def test_labels_that_another_class_list_fits_open_nothing(
    window: Window, spec: DatasetSpec
) -> None:
    for path in sorted(spec.folder("pseudo").glob("*.png"))[:2]:
        Image.fromarray(np.where(read_labels(path) > 0, 90, 0).astype(np.uint8)).save(path)
    window.widget.open_dataset(spec.model_copy(update={"classes": "coco"}))
    window.settle()
    assert has_message("--classes ade20k has them all")  # 12 is a gap of COCO
    assert window.widget.controller.context.document is None
    assert not window.widget.busy.text()


@pytest.mark.long
def test_a_dataset_may_be_opened_twice_in_a_row(window: Window, spec: DatasetSpec) -> None:
    window.widget.open_dataset(spec)
    walk = Walk(window, spec)  # as a second click on Open, while the first is under way
    walk.settle()
    assert not messages()
    assert walk.dock.reviewing is not None
    assert not walk.dock.reviewing.refusal
    walk.dock.close_dataset()


@pytest.mark.long
def test_all_classes_are_ticked_and_drawn_on_the_next_image(walk: Walk) -> None:
    model = walk.window.widget.classes.model
    class_id = model.rows[1].class_id
    ticked = Qt.ItemDataRole.CheckStateRole
    assert model.setData(model.index(1, 0), Qt.CheckState.Unchecked, ticked)
    layers = walk.window.layers
    assert class_id not in layers.enhanced.colormap.color_dict
    walk.press(Qt.Key.Key_J)
    for row in range(model.rowCount()):
        assert Qt.CheckState(model.data(model.index(row, 0), ticked)) == Qt.CheckState.Checked
    assert class_id in layers.enhanced.colormap.color_dict


@pytest.mark.long
def test_accepting_shows_no_message(walk: Walk) -> None:
    walk.press(Qt.Key.Key_A)
    assert walk.statuses()[IDS[0]] == Status.ACCEPTED
    assert not messages()


def test_the_keys_fit_on_the_screen_and_are_shown_once(walk: Walk) -> None:
    for _ in range(2):
        press_button(walk.dock, "shortcuts")
    (box,) = walk.window.widget.findChildren(ShortcutsBox)
    screen = box.screen()
    assert screen is not None
    assert box.height() <= screen.availableGeometry().height()
    close = box.findChild(QDialogButtonBox)
    assert close is not None
    QTest.mouseClick(close.button(QDialogButtonBox.StandardButton.Close), LEFT)
    wait_until(lambda: not walk.window.widget.findChildren(ShortcutsBox))
