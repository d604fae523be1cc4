"""The controller without a window: a mock for the view, napari's viewer model for the layers."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample
from napari_sepl.files.store import Store, store_file
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.saving import SaveTarget
from napari_sepl.gui.view import View
from napari_sepl.workflow.review.one_image import OneImage
from tests.document.drawing import cat_and_dog
from tests.gui.immediate import Immediate


@pytest.fixture
def view() -> MagicMock:
    mock = MagicMock(spec=View)
    mock.confirm_replace.return_value = False
    return mock


@pytest.fixture
def controller(view: MagicMock) -> Iterator[Controller]:
    controller = Controller(ViewerModel(), view, Immediate())
    controller.open(cat_and_dog)
    yield controller
    controller.recording.close()


def paint(controller: Controller, label: int, rows: slice, cols: slice) -> None:
    controller.context.layers.enhanced.data[rows, cols] = label


def document_of(controller: Controller) -> Document:
    assert controller.context.document is not None
    return controller.context.document


def assert_shown_is_final(controller: Controller) -> None:
    np.testing.assert_array_equal(
        controller.context.layers.shown, document_of(controller).resolved.labels
    )


def test_opening_shows_layers_classes_and_title(controller: Controller, view: MagicMock) -> None:
    names = [layer.name for layer in controller.context.layers._viewer.layers]
    assert names == ["image", "enhanced", "pseudo (CAM)", "masks", "under the cursor"]
    assert (
        controller.context.layers._viewer.layers.selection.active
        is controller.context.layers.enhanced
    )
    assert [row.class_id for row in view.classes.show_classes.call_args.args[0]] == [0, 8, 12]
    view.show_title.assert_called_with("pets — pending")
    assert_shown_is_final(controller)


def test_unreadable_input_is_reported_and_the_open_image_stays(
    controller: Controller, view: MagicMock
) -> None:
    document = controller.context.document

    def read() -> Inputs:
        raise InputError("a.png", found="nothing", expected="an image")

    controller.open(read)
    view.show_error.assert_called_once_with("a.png: found nothing; expected an image.")
    assert controller.context.document is document


def test_a_slider_move_writes_the_layer_in_place(controller: Controller) -> None:
    pixels = controller.context.layers.enhanced.data
    controller.set_params(Params(t1=0.9, t2=1))
    assert controller.context.layers.enhanced.data is pixels
    assert_shown_is_final(controller)


def test_only_changed_pixels_are_sent_to_the_screen(controller: Controller) -> None:
    sent: list[tuple[object, tuple[int, ...]]] = []
    controller.context.layers.enhanced.events.labels_update.connect(
        lambda event: sent.append((event.offset, event.data.shape))
    )
    controller.set_params(Params(t2=1))  # the dog falls back to its pseudo-label
    assert sent == [([10, 40], (20, 10))]
    controller.set_params(Params(t2=0.999))  # and back
    controller.set_params(Params(t2=0.998))  # nothing flips
    assert len(sent) == 2


def test_a_stroke_before_a_slider_move_is_kept(controller: Controller) -> None:
    paint(controller, 15, slice(0, 4), slice(0, 4))
    controller.set_params(Params(t1=0.9))
    assert (controller.context.layers.shown[:4, :4] == 15).all()
    controller.undo()
    assert (controller.context.layers.shown[:4, :4] == 15).all()
    controller.undo()
    assert not controller.context.layers.shown[:4, :4].any()
    assert_shown_is_final(controller)


def test_a_stroke_outside_the_class_list_is_undone(controller: Controller, view: MagicMock) -> None:
    paint(controller, 77, slice(0, 4), slice(0, 4))
    controller.stroke_ended()
    assert "found label 77" in view.show_error.call_args.args[0]
    assert_shown_is_final(controller)


def test_undo_shows_the_settings_it_returns_to(controller: Controller, view: MagicMock) -> None:
    controller.set_params(Params(strategy=Strategy.RELEASED))
    view.params.show_params.reset_mock()
    controller.undo()
    view.params.show_params.assert_called_once_with(Params())
    controller.redo()
    view.params.show_params.assert_called_with(Params(strategy=Strategy.RELEASED))


def test_moves_of_one_drag_are_one_step(controller: Controller) -> None:
    for t1 in (0.6, 0.7):
        controller.set_params(Params(t1=t1), dragging=True)
    controller.end_drag()
    controller.set_params(Params(t1=0.8), dragging=True)
    assert len(document_of(controller).history.done) == 2


def test_what_is_shown_is_what_is_saved(
    controller: Controller, view: MagicMock, tmp_path: Path
) -> None:
    controller.saving.target = SaveTarget(tmp_path)
    paint(controller, 15, slice(30, 34), slice(0, 4))
    controller.accept()
    saved = read_labels(tmp_path / "pets.png")
    np.testing.assert_array_equal(saved, controller.context.layers.shown)
    assert (saved[30:34, :4] == 15).all()
    provenance = read_provenance(tmp_path / "pets.png")
    assert provenance is not None
    assert provenance.edited
    view.show_title.assert_called_with("pets — accepted")
    controller.undo()
    view.show_title.assert_called_with("pets — not saved")


def test_replacing_another_program_s_file_is_asked_about(
    controller: Controller, view: MagicMock, tmp_path: Path
) -> None:
    (tmp_path / "pets.png").write_bytes(b"precious")
    controller.saving.target = SaveTarget(tmp_path)
    controller.accept()
    view.confirm_replace.assert_called_once_with(tmp_path / "pets.png")
    assert (tmp_path / "pets.png").read_bytes() == b"precious"
    view.confirm_replace.return_value = True
    controller.accept()
    controller.accept()  # our own file by now: not asked about again
    assert view.confirm_replace.call_count == 2


def test_a_file_that_an_earlier_window_saved_is_not_asked_about(
    controller: Controller, view: MagicMock, tmp_path: Path
) -> None:
    (tmp_path / "pets.png").write_bytes(b"ours")
    ours = lambda path: path.read_bytes() == b"ours"  # noqa: E731
    controller.saving.target = SaveTarget(tmp_path, ours=ours)
    controller.accept()
    view.confirm_replace.assert_not_called()
    assert read_labels(tmp_path / "pets.png").shape == (40, 60)


@pytest.mark.parametrize("way", ["itself", "hard link", "link"])
@pytest.mark.parametrize("accept", [True, False])
def test_an_input_is_never_written_over(
    controller: Controller, view: MagicMock, tmp_path: Path, way: str, accept: bool
) -> None:
    given = target = tmp_path / "pets.png"
    if way != "itself":
        given = tmp_path / "pseudo.png"
    given.write_bytes(b"pseudo-labels")
    if way == "hard link":
        target.hardlink_to(given)
    elif way == "link":
        target.symlink_to(given)
    view.confirm_replace.return_value = True
    controller.open(cat_and_dog, folder=tmp_path, sample=Sample("pets", given, given))
    view.ask_copy_file.return_value = target
    controller.accept() if accept else controller.save_copy()
    assert "one of the inputs" in view.show_error.call_args.args[0]
    assert (given.read_bytes(), target.read_bytes()) == (b"pseudo-labels",) * 2
    assert target.is_symlink() == (way == "link")


def test_a_failed_save_leaves_the_work_unsaved(
    controller: Controller, view: MagicMock, tmp_path: Path
) -> None:
    controller.saving.target = SaveTarget(tmp_path / "gone")
    controller.set_params(Params(t1=0.9))
    controller.accept()
    assert str(tmp_path / "gone") in view.show_error.call_args.args[0]
    assert document_of(controller).unsaved


def test_a_record_that_does_not_fit_the_image_is_closed(
    controller: Controller, view: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.recording.close()
    with monkeypatch.context() as patched:
        error = InputError("record", found="label 200", expected="0 to 20")
        patched.setattr(OneImage, "read", MagicMock(side_effect=error))
        controller.open(cat_and_dog)
    assert "nothing is recorded" in view.show_error.call_args.args[0]
    assert not controller.recording.is_recorded
    controller.open(cat_and_dog)
    assert controller.recording.is_recorded


def test_the_open_image_is_opened_once_more_with_what_was_done(controller: Controller) -> None:
    paint(controller, 15, slice(0, 4), slice(0, 4))
    controller.stroke_ended()
    before = controller.context.layers.shown.copy()
    controller.open(cat_and_dog)
    np.testing.assert_array_equal(controller.context.layers.shown, before)
    assert controller.recording.is_recorded
    assert not document_of(controller).refusal


def test_an_image_that_another_window_has_open_is_read_only(
    controller: Controller, view: MagicMock, tmp_path: Path
) -> None:
    with Store.open(store_file(tmp_path), who="Ann"):
        controller.open(cat_and_dog, folder=tmp_path)
        assert "Ann on " in view.show_error.call_args.args[0]
        assert view.show_title.call_args.args[0].endswith(" — pending, read-only")
        view.show_read_only.assert_called_with(on=True)
        before = controller.context.layers.shown.copy()
        paint(controller, 15, slice(0, 4), slice(0, 4))
        controller.stroke_ended()
        np.testing.assert_array_equal(controller.context.layers.shown, before)
        assert not document_of(controller).history.done


def test_no_folder_chosen_saves_nothing(controller: Controller, view: MagicMock) -> None:
    view.ask_folder.return_value = None
    controller.accept()
    view.show_info.assert_not_called()


def test_hovering_describes_the_smallest_mask(controller: Controller, view: MagicMock) -> None:
    controller.pointing.hover(7, 7)
    text = view.show_mask.call_args.args[0]
    assert text.startswith("mask 1 (75 px) · cat")
    assert text.endswith("level 1 of 3 (part to whole) · part of mask 0")
    for row, col in ((-1, 7), (7, 60), (0, 59)):
        controller.pointing.hover(row, col)
        view.show_mask.assert_called_with("")


def test_a_removed_layer_comes_back_with_its_strokes(controller: Controller) -> None:
    paint(controller, 15, slice(0, 4), slice(0, 4))
    controller.stroke_ended()
    controller.context.layers._viewer.layers.remove(controller.context.layers.enhanced)
    controller.set_params(Params(t1=0.9))
    assert controller.context.layers.enhanced in controller.context.layers._viewer.layers
    assert (controller.context.layers.shown[:4, :4] == 15).all()


def test_the_next_image_keeps_the_layers_and_its_own_history(controller: Controller) -> None:
    layers = list(controller.context.layers._viewer.layers)
    controller.set_params(Params(t1=0.9))
    paint(controller, 15, slice(0, 4), slice(0, 4))
    controller.stroke_ended()
    controller.open(lambda: cat_and_dog(sample_id="other"))
    assert list(controller.context.layers._viewer.layers) == layers
    controller.undo()
    assert document_of(controller).inputs.sample_id == "other"
    assert not controller.context.layers.shown[:4, :4].any()
    assert_shown_is_final(controller)


def test_ground_truth_comes_and_goes_with_the_image(controller: Controller) -> None:
    controller.open(lambda: cat_and_dog(truth=True))
    assert controller.context.layers.truth in controller.context.layers._viewer.layers
    controller.open(cat_and_dog)
    assert controller.context.layers.truth not in controller.context.layers._viewer.layers


def test_outlines_distinguish_selected_and_rejected(controller: Controller) -> None:
    outlines = controller.context.layers.masks.data
    assert outlines[24, 15] == 8  # the cat's lower edge: selected
    assert outlines[36, 9] == 255  # the mask on background: rejected
    controller.set_params(Params(t1=1, t2=1))
    assert outlines[24, 15] == 255
    controller.undo()
    assert outlines[24, 15] == 8


def test_hidden_classes_are_clear_and_keep_their_pixels(controller: Controller) -> None:
    before = controller.context.layers.shown.copy()
    controller.hide_classes(frozenset({8}))
    assert controller.context.layers.enhanced.get_color(8)[3] == 0
    assert controller.context.layers.enhanced.get_color(12)[3] > 0
    np.testing.assert_array_equal(controller.context.layers.shown, before)


def test_an_image_of_another_shape_is_fitted_though_a_hidden_layer_lags(
    controller: Controller,
) -> None:
    controller.open(lambda: cat_and_dog(truth=True))  # the truth is hidden, 40 × 60
    before = cat_and_dog()
    masks = MaskSet.from_dense(np.zeros((1, 60, 20), bool))
    tall = Inputs(
        "tall", np.zeros((60, 20), np.uint8), np.zeros((60, 20), np.uint8), masks, before.classes,
        np.zeros((60, 20), np.uint8),
    )  # fmt: skip
    controller.open(lambda: tall)
    center = controller.context.layers._viewer.scene.camera.center
    np.testing.assert_allclose(center[-2:], (29.5, 9.5), atol=0.6)
