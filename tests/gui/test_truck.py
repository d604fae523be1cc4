"""A real photograph with 47 masks that SAM itself made, from opening to the file read back."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample
from tests.gui.conftest import Window

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def truck(shared_data: Path) -> Sample:
    folder = shared_data / "truck"
    return Sample(
        "truck", folder / "truck.jpg", folder / "pseudo" / "truck.png", folder / "masks_amg"
    )


def test_drag_paint_two_masks_save_and_read_back(
    window: Window, truck: Sample, tmp_path: Path
) -> None:
    window.widget.open_sample(truck, "voc", tmp_path)
    window.settle()
    document, layers = window.document, window.layers
    assert len(document.inputs.masks) == 47
    window.drag_slider("t1", 0.2)
    window.drag_slider("t2", 0.6)
    rejected = np.flatnonzero(~document.resolved.assignment.selected)
    largest = rejected[np.argsort(-document.inputs.masks.areas[rejected])][:2]
    for index, label in zip(largest, (15, 0), strict=True):
        top, left, height, width = document.inputs.masks.boxes[index]
        middle, quarter = top + height // 2, width // 4
        window.brush(label, (middle, left + quarter), (middle, left + 3 * quarter), size=60)
    window.press(Qt.Key.Key_A)
    window.settle()
    saved = read_labels(tmp_path / "truck.png")
    np.testing.assert_array_equal(saved, layers.shown)
    assert (saved == 15).sum() > 10_000
    provenance = read_provenance(tmp_path / "truck.png")
    assert provenance is not None
    assert provenance.edited
    assert provenance.params == document.params
    for _ in range(4):
        window.press(Qt.Key.Key_Z, CTRL)
    assert document.params == Params()
    assert not document.edited


@pytest.mark.long
def test_the_false_mask_at_the_right_border_goes_with_one_click(
    window: Window, truck: Sample, tmp_path: Path
) -> None:
    window.widget.open_sample(truck, "voc", tmp_path)
    window.settle()
    document = window.document
    window.viewer.layers.selection.active = window.layers.enhanced
    kerb = document.inputs.masks.decode(29)
    assert (document.resolved.labels[kerb] == 7).all()
    window.click(585, 1760, Qt.KeyboardModifier.AltModifier)
    assert not document.resolved.labels[kerb].any()
    assert [step.describe(document.inputs.classes) for step in document.history.done] == [
        "reject mask 29 (car)"
    ]
    window.press(Qt.Key.Key_A)
    window.settle()
    np.testing.assert_array_equal(read_labels(tmp_path / "truck.png"), document.resolved.labels)
    for _ in ("the acceptance", "the rejected mask"):
        window.press(Qt.Key.Key_Z, CTRL)
    assert (document.resolved.labels[kerb] == 7).all()
