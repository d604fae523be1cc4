"""The same masks as segment-anything's own generator, and fewer questions with pseudo-labels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl import Params, enhance
from napari_sepl.proposals.device import float_type
from napari_sepl.proposals.maker import MaskProgress, ProposalError
from napari_sepl.proposals.models import SamSettings
from napari_sepl.proposals.points import plan_crops
from napari_sepl.proposals.sam import SamMasks
from napari_sepl.proposals.weights import LoadedSam
from tests.messages import raises_input_error
from tests.proposals.conftest import ALL_MASKS, blobs, dense, labels_in_a_corner
from tests.proposals.tiny_sam import need_sam

need_sam()


def changed(**settings: Any) -> SamSettings:
    return SamSettings.model_validate(ALL_MASKS.model_dump() | settings)


def upstream(sam: LoadedSam, settings: SamSettings, image: NDArray[Any]) -> list[dict[str, Any]]:
    from segment_anything import SamAutomaticMaskGenerator

    generator = SamAutomaticMaskGenerator(sam.network, **settings.model_dump())
    records: list[dict[str, Any]] = generator.generate(image)
    return records


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        (ALL_MASKS, 10),
        (changed(box_nms_thresh=1), 100),
        (changed(pred_iou_thresh=0.9, stability_score_thresh=0.3), 3),
        (changed(points_per_batch=7, stability_score_offset=4.0), 10),
        (changed(crop_n_layers=1, crop_nms_thresh=0.95), 15),
        (changed(crop_n_layers=2, crop_n_points_downscale_factor=2, crop_nms_thresh=1), 20),
        (changed(crop_n_layers=1, crop_overlap_ratio=0.1, box_nms_thresh=0.7), 3),
    ],
)
@pytest.mark.parametrize("shape", [(90, 120), (150, 70)])
def test_the_masks_are_upstreams(
    sam: LoadedSam, settings: SamSettings, least: int, shape: tuple[int, int]
) -> None:
    image = blobs(shape)
    expected = upstream(sam, settings, image)
    masks = SamMasks(sam, settings).make(image)
    assert len(expected) >= least
    assert len(masks) == len(expected)
    np.testing.assert_array_equal(dense(masks), [record["segmentation"] for record in expected])
    assert masks.areas.tolist() == [record["area"] for record in expected]
    scores = masks.scores
    for ours, name in (
        (scores.predicted_iou, "predicted_iou"),
        (scores.stability_score, "stability_score"),
        (scores.point[:, None], "point_coords"),
        (scores.crop_box, "crop_box"),
    ):
        np.testing.assert_array_equal(
            ours, np.array([record[name] for record in expected], np.float32)
        )


def test_tidied_masks_are_upstreams(sam: LoadedSam, image: NDArray[np.uint8]) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed: no upstream to compare with")
    settings = changed(min_mask_region_area=60, crop_n_layers=1, crop_nms_thresh=0.9)
    expected = upstream(sam, settings, image)
    masks = SamMasks(sam, settings).make(image)
    assert len(expected) > 5
    np.testing.assert_array_equal(dense(masks), [record["segmentation"] for record in expected])
    untidied = SamMasks(sam, changed(crop_n_layers=1, crop_nms_thresh=0.9)).make(image)
    assert masks.digest != untidied.digest


def test_enlarging_a_few_at_a_time_changes_nothing(
    sam: LoadedSam, image: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SamMasks(sam, ALL_MASKS).make(image)
    monkeypatch.setattr("napari_sepl.proposals.sam._ENLARGED", 1)
    assert SamMasks(sam, ALL_MASKS).make(image).digest == whole.digest


def test_with_labels_everywhere_guided_is_the_full_grid(
    sam: LoadedSam, image: NDArray[np.uint8]
) -> None:
    settings = changed(crop_n_layers=1)
    maker = SamMasks(sam, settings)
    everywhere = np.ones(image.shape[:2], np.uint8)
    assert maker.make(image, everywhere).digest == maker.make(image).digest


def test_guided_masks_are_those_of_the_points_that_stay(
    sam: LoadedSam, image: NDArray[np.uint8]
) -> None:
    """Without the removal of duplicates, in which far points may have a say, exactly those."""
    settings = changed(box_nms_thresh=1)
    pseudo = labels_in_a_corner(image.shape[:2])
    near = plan_crops(image.shape[:2], settings, pseudo)[0].points
    full, guided = (
        SamMasks(sam, settings).make(image),
        SamMasks(sam, settings).make(image, pseudo),
    )
    points = near.astype(np.float32).tolist()
    kept = [index for index, point in enumerate(full.scores.point.tolist()) if point in points]
    assert 0 < len(kept) < len(full)
    np.testing.assert_array_equal(dense(guided), dense(full)[kept])


def test_sepl_makes_almost_the_same_of_guided_masks(sam: LoadedSam) -> None:
    agreed = []
    for seed in range(6):
        image = blobs((90, 120), seed)
        pseudo = labels_in_a_corner((90, 120))
        maker = SamMasks(sam, changed(points_per_side=16))
        full = enhance(pseudo, maker.make(image), Params())
        agreed.append(float((enhance(pseudo, maker.make(image, pseudo), Params()) == full).mean()))
    assert np.mean(agreed) > 0.9


def test_labels_without_a_class_need_no_look_at_the_image(
    sam: LoadedSam, image: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = SamMasks(sam, ALL_MASKS)
    monkeypatch.setattr(maker._predictor, "set_image", None)
    masks = maker.make(image, np.full(image.shape[:2], 255, np.uint8))
    assert (len(masks), masks.shape) == (0, image.shape[:2])


def test_no_mask_is_good_enough(sam: LoadedSam, image: NDArray[np.uint8]) -> None:
    never = changed(stability_score_offset=1e9, stability_score_thresh=0.5)
    crops = {"crop_n_layers": 1, "min_mask_region_area": 5}
    for settings in (never, never.model_copy(update=crops)):
        assert len(SamMasks(sam, settings).make(image)) == 0


def test_a_image_of_one_row_has_masks_too(sam: LoadedSam) -> None:
    assert len(SamMasks(sam, changed(crop_n_layers=2)).make(blobs((1, 40)))) > 0


def test_grey_transparent_and_deep_images_are_as_their_colours(
    sam: LoadedSam, image: NDArray[np.uint8]
) -> None:
    maker = SamMasks(sam, ALL_MASKS)
    alpha = np.dstack([image, np.zeros(image.shape[:2], np.uint8)])
    assert maker.make(alpha).digest == maker.make(image).digest
    deep = image.astype(np.uint16) * 256 + 255
    assert maker.make(deep).digest == maker.make(image).digest
    grey = image[..., 0]
    assert maker.make(grey).digest == maker.make(np.dstack([grey] * 3)).digest
    with raises_input_error("image", found="an array of shape (4, 5, 2)"):
        maker.make(np.zeros((4, 5, 2), np.uint8))


def test_progress_counts_all_points(sam: LoadedSam, image: NDArray[np.uint8]) -> None:
    heard: list[MaskProgress] = []
    settings = changed(points_per_batch=10, crop_n_layers=1, crop_n_points_downscale_factor=3)
    SamMasks(sam, settings).make(image, on_progress=heard.append)
    total = 36 + 4 * 4
    assert [progress.done for progress in heard] == [10, 20, 30, 36, 40, 44, 48, 52]
    assert {(progress.total, progress.message) for progress in heard} == {(total, "")}


class Narrow:
    """A mask decoder whose memory holds only so many points at once."""

    def __init__(self, network: Any, room: int, error: Exception | None = None) -> None:
        self._decode, self.room, self.asked = network.mask_decoder, room, list[int]()
        self._error = error or RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def __call__(self, **tensors: Any) -> Any:
        points = len(tensors["sparse_prompt_embeddings"])
        self.asked.append(points)
        if points > self.room:
            raise self._error
        return self._decode(**tensors)


class Network:
    """A network of which one part is another; torch lets no part be replaced by what is none."""

    def __init__(self, network: Any, **parts: Any) -> None:
        self._network, self._parts = network, parts

    def __getattr__(self, name: str) -> Any:
        return self._parts[name] if name in self._parts else getattr(self._network, name)


def with_part(sam: LoadedSam, **parts: Callable[..., Any]) -> LoadedSam:
    return replace(sam, network=Network(sam.network, **parts))


@pytest.mark.parametrize("error", [None, MemoryError()])
def test_full_memory_makes_batches_smaller_and_says_so(
    sam: LoadedSam, image: NDArray[np.uint8], error: Exception | None
) -> None:
    narrow = Narrow(sam.network, 9, error)
    heard: list[MaskProgress] = []
    maker = SamMasks(with_part(sam, mask_decoder=narrow), changed(points_per_batch=32))
    masks = maker.make(image, on_progress=heard.append)
    assert narrow.asked == [32, 16, 8, 8, 8, 8, 4]
    assert [progress.message for progress in heard if progress.message] == [
        "The memory of cpu is full: using batches of 16 points.",
        "The memory of cpu is full: using batches of 8 points.",
    ]
    assert heard[-1].done == 36
    assert masks.digest == SamMasks(sam, changed(points_per_batch=8)).make(image).digest
    narrow.asked.clear()
    maker.make(image)
    assert narrow.asked == [8, 8, 8, 8, 4], "the next image must not try again in vain"


def test_memory_that_holds_not_even_one_is_an_error(
    sam: LoadedSam, image: NDArray[np.uint8]
) -> None:
    maker = SamMasks(with_part(sam, mask_decoder=Narrow(sam.network, room=0)), ALL_MASKS)
    with pytest.raises(ProposalError, match="does not hold the masks of a single point"):
        maker.make(image)

    def full(_image: Any) -> Any:
        raise RuntimeError("MPS backend out of memory")

    full.img_size = 128  # type: ignore[attr-defined]
    maker = SamMasks(with_part(sam, image_encoder=full), ALL_MASKS)
    with pytest.raises(ProposalError, match="does not hold an image in the tiny SAM"):
        maker.make(image)


def test_other_errors_are_not_reported_as_full_memory(
    sam: LoadedSam, image: NDArray[np.uint8]
) -> None:
    def broken(**_tensors: Any) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        SamMasks(with_part(sam, mask_decoder=broken), ALL_MASKS).make(image)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_points_are_handed_over_as_exact_as_the_device_allows(
    sam: LoadedSam, image: NDArray[np.uint8], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[Any] = []
    encode = sam.network.prompt_encoder.forward

    def heard(points: Any, boxes: Any, masks: Any) -> Any:
        kinds.append(points[0].dtype)
        return encode(points, boxes, masks)

    expected = float_type(device)
    monkeypatch.setattr(sam.network.prompt_encoder, "forward", heard)
    monkeypatch.setattr("napari_sepl.proposals.sam.float_type", lambda _device: expected)
    SamMasks(sam, ALL_MASKS).make(image)
    assert set(kinds) == {expected}
