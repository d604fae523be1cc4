"""Swap, swipe, differences and errors without a window."""

from collections.abc import Iterator
from unittest.mock import MagicMock

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.differences import Difference, Error
from napari_sepl.core.analysis.provenance import Source
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.view import View
from tests.document.drawing import cat_and_dog
from tests.gui.immediate import Immediate


@pytest.fixture
def view() -> MagicMock:
    return MagicMock(spec=View)


@pytest.fixture
def controller(view: MagicMock) -> Iterator[Controller]:
    controller = Controller(ViewerModel(), view, Immediate())
    controller.open(lambda: cat_and_dog(truth=True))
    yield controller
    controller.recording.close()


def legend(view: MagicMock, name: str) -> dict[str, float]:
    rows = view.compare.show_legends.call_args.args[0][name]
    return {row.name: row.share * 2400 for row in rows}


# --- swipe


def test_the_swipe_fills_the_pseudo_labels_and_restores_their_lines(
    controller: Controller, view: MagicMock
) -> None:
    layers, comparing = controller.context.layers, controller.comparing
    before = (layers.pseudo.contour, layers.pseudo.opacity, layers.pseudo.visible)
    comparing.swipe()
    view.compare.show_swipe.assert_called_with(on=True)
    assert (layers.pseudo.contour, layers.pseudo.visible) == (0, True)
    assert layers.pseudo.opacity == layers.enhanced.opacity
    comparing.swipe()
    view.compare.show_swipe.assert_called_with(on=False)
    assert (layers.pseudo.contour, layers.pseudo.opacity, layers.pseudo.visible) == before


def test_the_divider_keeps_to_the_image_and_writes_nothing(controller: Controller) -> None:
    comparing, layers = controller.comparing, controller.context.layers
    pixels = layers.shown.copy(), layers.pseudo.data.copy()
    comparing.swipe()
    assert comparing.divider == 30
    for col, expected in ((12.4, 12), (-5, 0), (99, 60), (41, 41)):
        comparing.move_divider(col)
        assert comparing.divider == expected
    np.testing.assert_array_equal(layers.shown, pixels[0])
    np.testing.assert_array_equal(layers.pseudo.data, pixels[1])
    controller.set_params(Params(t1=0.9, t2=1))
    assert controller.context.document is not None
    np.testing.assert_array_equal(layers.shown, controller.context.document.resolved.labels)
    assert not controller.context.document.edited


def test_each_move_is_emitted_once(controller: Controller) -> None:
    told: list[int] = []
    controller.comparing.changed.connect(lambda: told.append(controller.comparing.divider))
    controller.comparing.swipe()
    controller.comparing.move_divider(12)
    controller.comparing.move_divider(12.2)  # the same border
    assert told == [30, 12]


def test_the_swipe_continues_on_the_next_image(controller: Controller) -> None:
    comparing, layers = controller.comparing, controller.context.layers
    lines = layers.pseudo.contour
    comparing.swipe()
    comparing.move_divider(15)
    controller.open(lambda: cat_and_dog(sample_id="other"))
    assert comparing.swiping
    assert comparing.divider == 15
    assert layers.pseudo.contour == 0
    comparing.stop_swipe()
    assert (layers.pseudo.contour, layers.pseudo.opacity) == (lines, 0.9)


def test_the_user_s_own_layer_gets_its_look_back(controller: Controller) -> None:
    inputs = cat_and_dog()
    image, pseudo = Image(inputs.image), Labels(inputs.pseudo.astype(np.int32), opacity=0.3)
    pseudo.contour = 5
    controller.context.layers._viewer.add_layer(image)
    controller.context.layers._viewer.add_layer(pseudo)
    controller.open(cat_and_dog, given=[image, pseudo])
    controller.comparing.swipe()
    assert (pseudo.contour, pseudo.opacity) == (0, controller.context.layers.enhanced.opacity)
    controller.comparing.swipe()
    assert (pseudo.contour, pseudo.opacity) == (5, 0.3)
    controller.comparing.swipe()
    controller.open(cat_and_dog)
    assert (pseudo.contour, pseudo.opacity, pseudo.visible) == (5, 0.3, False)
    assert controller.context.layers.pseudo.contour == 0


def test_swap_ends_the_swipe_and_the_swipe_ends_the_swap(controller: Controller) -> None:
    comparing, layers = controller.comparing, controller.context.layers
    comparing.swap()
    assert (layers.enhanced.visible, layers.pseudo.visible) == (False, True)
    comparing.swipe()
    assert layers.enhanced.visible
    assert layers.pseudo.contour == 0
    comparing.swap()
    assert not comparing.swiping
    assert not layers.enhanced.visible
    assert layers.pseudo.contour == 0
    comparing.swap()
    assert layers.enhanced.visible
    assert layers.pseudo.contour > 0


def test_without_an_image_nothing_is_swiped(view: MagicMock) -> None:
    controller = Controller(ViewerModel(), view, Immediate())
    controller.comparing.swipe()
    assert not controller.comparing.swiping
    view.compare.show_swipe.assert_called_once_with(on=False)


# --- layers with a value for each pixel


def test_differences_are_coloured_and_follow(controller: Controller, view: MagicMock) -> None:
    controller.comparing.difference()
    layer = controller.context.layers.per_pixel["difference"]
    assert layer.visible
    assert (layer.data[20:25, 5:20] == Difference.GAINED).all()
    assert layer.data[6, 6] == Difference.SAME
    gained = {"unchanged": 2400 - 295, "gained": 295}
    assert legend(view, "difference") == pytest.approx(gained)
    controller.context.layers.enhanced.data[5:7, 5:7] = 0
    controller.context.layers.enhanced.data[8, 8] = 12
    controller.stroke_ended()
    assert (layer.data[5:7, 5:7] == Difference.LOST).all()
    assert layer.data[8, 8] == Difference.CHANGED
    assert legend(view, "difference")["another class"] == pytest.approx(1)
    controller.undo()
    assert legend(view, "difference") == pytest.approx(gained)


def test_errors_are_coloured_without_ignore(controller: Controller, view: MagicMock) -> None:
    inputs = cat_and_dog(truth=True)
    assert inputs.truth is not None
    inputs.truth[24] = 255  # the lowest row of the cat, which was found
    inputs.truth[35, 5:10] = 15  # nobody found this one
    controller.open(lambda: inputs)
    controller.comparing.errors()
    controller.context.layers.enhanced.data[0, :3] = 8
    controller.context.layers.enhanced.data[10, 40] = 8
    controller.stroke_ended()
    layer = controller.context.layers.per_pixel["errors"]
    assert not layer.data[24].any()
    assert (layer.data[0, :3] == Error.FALSE).all()
    assert legend(view, "errors") == pytest.approx(
        {"correct, or ignored": 2391, "false positive": 3, "false negative": 5, "wrong class": 1}
    )


def test_one_of_them_is_shown_at_a_time(controller: Controller, view: MagicMock) -> None:
    per_pixel, comparing = controller.context.layers.per_pixel, controller.comparing
    for name in ("label_source", "difference", "errors"):
        getattr(comparing, name)()
        assert [layer.visible for layer in per_pixel].count(True) == 1
        assert per_pixel[name].visible
        assert [n for n, rows in view.compare.show_legends.call_args.args[0].items() if rows] == [
            name
        ]
    comparing.errors()
    assert not any(layer.visible for layer in per_pixel)


def test_hidden_ones_are_left_alone_and_catch_up(controller: Controller) -> None:
    layer = controller.context.layers.per_pixel["label_source"]
    controller.set_params(Params(t2=1))
    assert not layer.data.any()
    layer.visible = True  # by the eye in napari's list
    assert layer.data[15, 45] == Source.KEPT
    layer.visible = False
    controller.set_params(Params())
    assert layer.data[15, 45] == Source.KEPT
    controller.comparing.label_source()
    assert layer.data[15, 45] == Source.BY_O_P


def test_only_what_changed_is_sent(controller: Controller) -> None:
    controller.comparing.difference()
    layer, sent = controller.context.layers.per_pixel["difference"], []
    layer.events.labels_update.connect(lambda event: sent.append((event.offset, event.data.shape)))
    controller.set_params(Params(t2=1))  # the dog falls back to its pseudo-label
    assert sent == [([10, 40], (20, 10))]
    controller.set_params(Params(t2=0.999))  # and back
    controller.set_params(Params(t2=0.998))  # nothing flips
    assert len(sent) == 2


def test_without_ground_truth_there_are_no_errors(controller: Controller, view: MagicMock) -> None:
    controller.comparing.errors()
    controller.open(cat_and_dog)
    errors = controller.context.layers.per_pixel["errors"]
    assert errors not in controller.context.layers._viewer.layers
    assert "errors" not in view.compare.show_legends.call_args.args[0]
    controller.comparing.errors()
    view.show_info.assert_called_once_with("There is no ground truth for pets.")
    controller.open(lambda: cat_and_dog(truth=True))
    assert errors in controller.context.layers._viewer.layers
