"""What napari's own menus, dialogs and drag-and-drop reach."""

from pathlib import Path

import numpy as np
import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from PIL import Image
from qtpy.QtWidgets import QFileDialog

from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.files.labels import read_labels
from napari_sepl.gui.commands import get_mask_reader, save_selected_labels
from napari_sepl.gui.panels.sources import MASKS_KEY, LayerChoice
from napari_sepl.gui.preferences import PLUGIN, PREFERRED, preferred_params
from napari_sepl.gui.samples import sample_folder
from tests.gui.conftest import Window, has_message

MASKS = sample_folder() / "masks" / "chelsea.json"


def test_the_manifest_names_things_that_exist() -> None:
    manifest = PluginManifest.from_distribution("napari-sepl")
    manifest.validate_imports()


def test_defaults_in_preferences_are_those_of_params() -> None:
    """The manifest cannot compute: it repeats the defaults, bounds and choices of Params."""
    assert preferred_params() == Params()
    fields = PluginManifest.from_distribution("napari-sepl").contributions.configurations
    assert fields is not None
    properties = fields["defaults"].properties
    assert set(properties) == {*PREFERRED, "annotator"}
    for name in PREFERRED:
        field = Params.model_fields[name]
        assert properties[name].title == field.title
    assert properties["strategy"].enum == list(Strategy)
    assert properties["conflict"].enum == list(Conflict)


def test_preferences_change_where_the_widget_starts(window: Window) -> None:
    defaults = get_plugin_settings(PLUGIN).defaults
    old = defaults.t1
    try:
        defaults.t1 = 0.25
        assert preferred_params().t1 == 0.25
    finally:
        defaults.t1 = old


def test_the_plugin_menu_docks_the_widget(window: Window) -> None:
    window.viewer.window.remove_dock_widget(window.widget)
    dock, widget = window.viewer.window.add_plugin_dock_widget(PLUGIN)
    window.settle()
    assert type(widget) is type(window.widget)
    assert dock.widget() is not None


def test_file_open_sample(window: Window) -> None:
    (image,) = window.viewer.open_sample(PLUGIN, "astronaut")
    window.settle()
    window.settle()
    assert window.document.inputs.sample_id == "astronaut"
    assert window.layers.image is image
    window.open_sample("coffee")
    assert image in window.viewer.layers  # the user's own: hidden, not removed
    assert image is not None
    assert not image.visible


def test_dropped_mask_file_becomes_a_layer_that_the_widget_takes(window: Window) -> None:
    viewer = window.viewer
    (masks,) = viewer.open(MASKS, plugin=PLUGIN)
    assert len(masks.metadata[MASKS_KEY]) == 62
    image = viewer.add_image(np.asarray(Image.open(sample_folder() / "images" / "chelsea.jpg")))
    pseudo = viewer.add_labels(read_labels(sample_folder() / "pseudo" / "chelsea.png"))
    window.widget.sources.layers_chosen.emit(LayerChoice(image, pseudo, masks, "coco"))
    window.settle()
    expected = read_labels(sample_folder() / "expected" / "chelsea.png")
    np.testing.assert_array_equal(window.shown, expected)
    assert [layer.name for layer in viewer.layers].count("image") <= 1
    assert window.layers.pseudo is pseudo


def test_a_stack_of_masks_in_the_viewer_is_taken(window: Window) -> None:
    viewer = window.viewer
    image = viewer.add_image(np.zeros((40, 60), np.uint8), name="dark")
    labels = np.zeros((40, 60), np.int64)
    labels[10:20, 10:20] = 3
    stack = np.zeros((2, 40, 60), bool)
    stack[0, 10:22, 10:22] = True
    pseudo, masks = viewer.add_labels(labels), viewer.add_labels(stack.astype(np.uint8))
    window.widget.sources.layers_chosen.emit(LayerChoice(image, pseudo, masks, "voc"))
    window.settle()
    assert (window.document.resolved.labels == 3).sum() == 144


@pytest.mark.long
@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ((None, None, None), "found no image layer"),
        (("image", None, None), "found no labels layer"),
        (("image", "labels", None), "found nothing chosen"),
        (("image", "labels", "image"), "one slice for each mask"),
    ],
)
def test_layers_that_do_not_fit_are_named(
    window: Window, choice: tuple[str | None, ...], message: str
) -> None:
    layers = {
        "image": window.viewer.add_image(np.zeros((40, 60), np.uint8)),
        "labels": window.viewer.add_labels(np.ones((40, 60), np.uint8)),
        None: None,
    }
    image, pseudo, masks = (layers[name] for name in choice)
    window.widget.sources.layers_chosen.emit(LayerChoice(image, pseudo, masks, "voc"))
    window.settle()
    assert has_message(message)
    assert window.widget.controller.context.document is None


def test_other_json_is_not_ours(tmp_path: Path) -> None:
    other = tmp_path / "notes.json"
    other.write_text('{"a": 1}')
    assert get_mask_reader(str(other)) is None
    assert get_mask_reader(str(MASKS)) is not None


def test_naparis_save_dialog_writes_a_voc_palette(window: Window, tmp_path: Path) -> None:
    labels = np.arange(21, dtype=np.int32).repeat(20).reshape(20, 21)
    layer = window.viewer.add_labels(labels)
    layer.save(str(tmp_path / "labels.png"), plugin=PLUGIN)
    with Image.open(tmp_path / "labels.png") as picture:
        assert picture.mode == "P"
        palette = picture.getpalette()
        assert palette is not None
        assert palette[3 * 15 : 3 * 15 + 3] == [192, 128, 128]  # person, in VOC's colours
        np.testing.assert_array_equal(np.asarray(picture), labels)


def test_the_file_menu_entry_saves_the_selected_layer(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.viewer.add_labels(np.full((4, 5), 7, np.uint8))
    target = tmp_path / "seven.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(target), ""))
    save_selected_labels(window.viewer)
    assert (read_labels(target) == 7).all()
