"""A small SAM of random weights in the real window: masks near the pseudo-labels, and prompts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.proposals.models import MODELS, SamSettings
from napari_sepl.proposals.prompts import Prompter
from napari_sepl.proposals.sam import SamMasks
from napari_sepl.proposals.weights import CACHE, Checkpoint, load_sam
from tests.gui.conftest import Walk, Window
from tests.gui.test_correct import spec  # noqa: F401  a fixture
from tests.proposals.tiny_sam import TINY, need_sam, save_tiny

need_sam()

EASY = {"points_per_side": 6, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}
PERSON = 15


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    monkeypatch.setitem(MODELS, "vit_b", replace(TINY, name="vit_b"))
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return save_tiny(tmp_path / "tiny.pth", seed=2)


@pytest.fixture
def walk(
    window: Window,
    spec: DatasetSpec,  # noqa: F811
    checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Walk]:
    monkeypatch.setattr(window.widget, "confirm", lambda _: True)
    made = Walk(window, spec)
    panel = window.widget.masks
    panel.model.value, panel.device.value = "vit_b", "cpu"
    panel.checkpoint.value = checkpoint.path
    for name, value in EASY.items():
        panel.settings.fields[name].setValue(value)
    yield made
    window.widget.controller.making.close()
    window.widget.controller.prompting.close()
    made.dock.close_dataset()


def test_masks_near_the_pseudo_labels_are_made_and_the_device_is_shown(
    walk: Walk, checkpoint: Checkpoint
) -> None:
    panel = walk.window.widget.masks
    assert panel.choice.settings == SamSettings.model_validate(EASY)
    inputs = walk.window.document.inputs
    panel.make.click()
    for _ in range(6000):
        if panel.make.isEnabled():
            break
        QTest.qWait(50)
    walk.settle()
    expected = SamMasks(load_sam(checkpoint, "cpu"), panel.choice.settings).make(
        inputs.image, inputs.pseudo
    )
    assert len(expected) > 0
    assert walk.window.document.inputs.masks.digest == expected.digest
    assert panel.note.text().startswith("the tiny SAM on cpu (")
    panel.device.value = "auto"
    assert "tiny" not in panel.note.text()


def test_prompts_are_answered_added_and_the_image_is_read_once(
    walk: Walk, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    controller = walk.window.widget.controller
    controller.prompting.toggle()
    walk.settle()
    assert walk.window.widget.masks.note.text().startswith("the tiny SAM on cpu (")
    controller.context.choose_class(PERSON)
    controller.prompting.point(20.0, 33.0, on=True)
    walk.settle()
    here = Prompter(load_sam(checkpoint, "cpu"))
    here.set_image(walk.window.document.inputs.image)
    mask, _ = here.predict(np.array([[20, 33]]), np.array([1]))
    preview = np.asarray(controller.context.layers.prompts.layer.data)
    assert mask.any()
    drawn = preview != 2  # but where the point's disc is drawn
    np.testing.assert_array_equal((preview == 1)[drawn], mask[drawn])
    walk.window.press(Qt.Key.Key_Return)
    walk.settle()
    (added,) = walk.window.document.annotations.prompted.values()
    np.testing.assert_array_equal(added.decode(0), mask)
    kept = list((tmp_path / "cache" / "embeddings").iterdir())
    assert len(kept) == 1
    written = kept[0].stat().st_ino
    controller.prompting.switch_off()
    controller.prompting.close()
    controller.prompting.toggle()
    walk.settle()
    controller.prompting.point(20.0, 33.0, on=True)
    walk.settle()
    again = np.asarray(controller.context.layers.prompts.layer.data)
    np.testing.assert_array_equal(again, preview)
    assert kept[0].stat().st_ino == written  # found there, and not written anew
