"""SAM's prompts in the real window: points, a box, a label; added, undone, saved, read back."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sepl.core.analysis.provenance import Source
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.gui.masks import prompting
from napari_sepl.proposals.models import MODELS, REGIONS
from tests.gui import fake_prompts
from tests.gui.conftest import CTRL, Walk, Window, has_message, wait_until
from tests.gui.test_correct import ALT, CAT, SHIFT, shown, spec  # noqa: F401  fixtures

PERSON = 15


@pytest.fixture
def walk(
    window: Window,
    spec: DatasetSpec,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Walk]:
    served(monkeypatch, fake_prompts.Discs)
    made = Walk(window, spec)
    made.window.widget.masks.model.value = "vit_b"
    yield made
    window.widget.controller.prompting.close()
    made.dock.close_dataset()


def served(monkeypatch: pytest.MonkeyPatch, factory: Callable[..., Any], *arguments: Any) -> None:
    monkeypatch.setattr(prompting, "find_prompter", lambda *_: (factory, *arguments))


def press(walk: Walk, name: str) -> None:
    walk.window.press_in("masks", name)
    walk.settle()


def start(walk: Walk) -> None:
    press(walk, "prompt")
    assert walk.window.widget.controller.prompting.on
    assert "Click on the object" in walk.window.widget.prompts.text.text()
    walk.window.widget.controller.context.choose_class(PERSON)


def preview(walk: Walk) -> Any:
    return np.asarray(walk.window.layers.prompts.layer.data) == 1


def test_points_become_a_mask_that_is_added_undone_saved_and_there_again(walk: Walk) -> None:
    before = shown(walk)
    start(walk)
    walk.window.click(20, 33)
    walk.settle()
    assert preview(walk)[25, 36]
    assert not preview(walk)[30, 42]
    assert walk.window.widget.mask_text.text().startswith("SAM predicts an IoU of 0.87")
    walk.window.click(20, 24, ALT)
    walk.settle()
    assert not preview(walk)[20, 26]
    np.testing.assert_array_equal(shown(walk), before)  # a preview is no label
    walk.window.press(Qt.Key.Key_Return)
    walk.settle()
    assert not preview(walk).any()
    document = walk.window.document
    assert document.annotations.decisions == {5: PERSON}
    mask = document.inputs.masks.decode(5)
    assert (shown(walk)[mask] == PERSON).all()
    assert (document.resolved.find_sources()[mask] == Source.PROMPTED).all()
    after = shown(walk)
    walk.window.press(Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(shown(walk), before)
    walk.window.press(Qt.Key.Key_Z, CTRL | SHIFT)
    np.testing.assert_array_equal(shown(walk), after)
    walk.window.drag_slider("t1", 0.62)
    assert (shown(walk)[mask] == PERSON).all()
    final = shown(walk)
    walk.press(Qt.Key.Key_A)
    path = walk.spec.output / "s1.png"
    np.testing.assert_array_equal(read_labels(path), final)
    provenance = read_provenance(path)
    assert provenance is not None
    assert provenance.sources["prompted"] == mask.sum()
    walk.dock.close_dataset()
    again = Walk(walk.window, walk.spec)
    again.dock.navigator.go(0)
    again.settle()
    np.testing.assert_array_equal(shown(again), final)
    for _ in ("the acceptance", "the slider", "the mask"):
        again.window.press(Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(shown(again), before)


@pytest.mark.long
def test_a_box_and_escape(walk: Walk) -> None:
    start(walk)
    walk.window.drag([(28, 28), (37, 38)], SHIFT)
    walk.settle()
    assert preview(walk)[33, 33]
    assert not preview(walk)[33, 45]
    walk.window.press(Qt.Key.Key_Escape)
    walk.settle()
    assert not preview(walk).any()
    walk.window.press(Qt.Key.Key_Return)
    assert has_message("no mask")
    assert not walk.window.document.history.done


@pytest.mark.long
def test_ctrl_z_removes_the_last_prompt_first(walk: Walk) -> None:
    start(walk)
    walk.window.drag([(28, 28), (37, 38)], SHIFT)
    walk.window.click(8, 33)
    walk.settle()
    assert preview(walk)[8, 42]
    walk.window.press(Qt.Key.Key_Z, CTRL)
    walk.settle()
    assert preview(walk)[33, 33]
    assert not preview(walk)[8, 42]
    walk.window.press(Qt.Key.Key_Backspace)
    assert not preview(walk).any()


@pytest.mark.long
def test_a_class_is_refined(walk: Walk) -> None:
    start(walk)
    walk.window.widget.controller.context.choose_class(CAT)
    cat = shown(walk) == CAT
    press(walk, "refine")
    assert (preview(walk)[cat] | (cat[cat])).all()
    assert preview(walk)[15, 15]
    press(walk, "add_mask")
    assert walk.window.document.annotations.decisions == {5: CAT}
    walk.window.widget.controller.context.choose_class(3)
    press(walk, "refine")
    assert has_message("no pixel")


@pytest.mark.long
def test_the_next_image_is_read_as_it_opens_and_prompts_wait_for_it(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, fake_prompts.Discs, 0.5)
    press(walk, "prompt")
    walk.dock.navigator.go(1)
    wait_until(lambda: walk.sample_id == "s2")
    walk.window.click(20, 33)
    assert not (preview(walk)[:, 10:20]).any()
    walk.settle()
    walk.settle()
    assert preview(walk)[25, 36]
    assert walk.window.viewer.layers.selection.active.name == "prompts"


@pytest.mark.long
def test_off_again_the_layer_goes_and_clicks_take_masks(walk: Walk) -> None:
    start(walk)
    walk.window.press(Qt.Key.Key_P, SHIFT)
    layers = walk.window.layers
    assert layers.prompts.layer not in walk.window.viewer.layers
    assert walk.window.viewer.layers.selection.active is layers.enhanced
    walk.window.click(37, 2)
    assert walk.window.document.annotations.decisions == {3: PERSON}


@pytest.mark.long
def test_a_crash_is_one_message_and_costs_nothing(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, fake_prompts.Dying)
    start(walk)
    walk.window.click(20, 33)
    walk.settle()
    assert has_message("crashed (SIGABRT)")
    assert not walk.window.widget.controller.prompting.on
    served(monkeypatch, fake_prompts.Discs)
    start(walk)
    walk.window.click(20, 33)
    walk.settle()
    assert preview(walk)[25, 36]


@pytest.mark.long
@pytest.mark.parametrize(
    ("factory", "told"),
    [
        (fake_prompts.Failing, "does not hold an image"),
        (partial(fake_prompts.Discs, 0.0, "No room for it."), "No room for it."),
    ],
)
def test_failures_of_the_model_are_shown(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, factory: Callable[..., Any], told: str
) -> None:
    served(monkeypatch, factory)
    press(walk, "prompt")
    assert has_message(told)
    assert walk.window.widget.prompts.buttons["prompt"].isChecked() == ("room" in told)


@pytest.mark.long
def test_without_sam_the_button_names_what_is_needed(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("NAPARI_SEPL_CACHE", str(tmp_path))
    panel = walk.window.widget.masks
    panel.model.value = REGIONS
    press(walk, "prompt")
    assert has_message("choose one of SAM's models")
    assert not walk.window.widget.prompts.buttons["prompt"].isChecked()
    if MODELS["mobile_sam"].is_installed:
        pytest.skip("MobileSAM is installed here")
    panel.model.value = "mobile_sam"
    press(walk, "prompt")
    assert has_message("pip install")
    assert not walk.window.widget.prompts.buttons["prompt"].isChecked()


@pytest.mark.long
def test_no_mask_is_selected_for_ignore(walk: Walk) -> None:
    start(walk)
    walk.window.click(20, 33)
    walk.settle()
    walk.window.widget.controller.context.choose_class(255)
    walk.window.press(Qt.Key.Key_Return)
    assert has_message("cannot be selected for ignore")
    assert not walk.window.document.history.done
