"""The masks of ``SamAutomaticMaskGenerator``, with less work.

Masks with a low rating are dropped before they are enlarged to the image's size, and the others
are enlarged a few at a time.
"""

import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import SeplError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.runs import runs_of_mask
from napari_sepl.files.images import as_rgb
from napari_sepl.proposals.device import float_type, free_memory, is_out_of_memory
from napari_sepl.proposals.maker import (
    MaskProgress,
    OnProgress,
    OpeningError,
    ProposalError,
    ignore,
)
from napari_sepl.proposals.mask_records import MaskRecords
from napari_sepl.proposals.models import SamSettings
from napari_sepl.proposals.points import MARGIN, Crop, plan_crops
from napari_sepl.proposals.weights import Checkpoint, LoadedSam, load_sam

_ENLARGED = 1 << 28  # bytes of masks enlarged at once, as float32


class SamMasks:
    """Generates the masks of images with one model; a `Maker`.

    Parameters
    ----------
    sam : LoadedSam
        The model.
    settings : SamSettings
        The generator's settings.
    margin : float
        The largest distance of points from pseudo-labels, as a share of the longer side.
    """

    def __init__(self, sam: LoadedSam, settings: SamSettings, margin: float = MARGIN) -> None:
        from segment_anything import SamPredictor

        self._sam, self._settings, self._margin = sam, settings, margin
        self._predictor = SamPredictor(sam.network)
        self._batch = settings.points_per_batch

    @property
    def about(self) -> str:
        """The model and its device, for people."""
        return self._sam.about

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Make the masks of one image.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
            Grey, RGB or RGBA.
        pseudo : (H, W) uint8, optional
            Pseudo-labels; with them only points in and near them prompt SAM.
        on_progress : callable
            Called after each batch of points, and when memory runs short.

        Returns
        -------
        MaskSet
            Without pseudo-labels the masks, order and scores of ``SamAutomaticMaskGenerator``.

        Raises
        ------
        InputError
            If the array is not an image, or the pseudo-labels have another size.
        ProposalError
            If the device's memory does not hold the image or a single point's masks.
        """
        import torch

        image = as_rgb(image)
        shape = (image.shape[0], image.shape[1])
        crops = plan_crops(shape, self._settings, pseudo, self._margin)
        total = sum(len(crop.points) for crop in crops)
        done = 0
        found = []
        with torch.inference_mode():
            for crop in crops:
                if len(crop.points):
                    found.append(self._mask_crop(image, crop, done, total, on_progress))
                    done += len(crop.points)
        return self._without_duplicates(found, len(crops), shape).as_masks(shape)

    def _without_duplicates(
        self, found: list[MaskRecords], crops: int, shape: tuple[int, int]
    ) -> MaskRecords:
        masks, settings = MaskRecords.join(found), self._settings
        if crops > 1:
            x0, y0, x1, y1 = masks.crop_boxes.T
            smaller_first = 1 / ((x1 - x0) * (y1 - y0)).astype(np.float32)
            masks = masks.unique(smaller_first, settings.crop_nms_thresh)
        if settings.min_mask_region_area:
            threshold = max(settings.box_nms_thresh, settings.crop_nms_thresh)
            masks = masks.tidied(shape, settings.min_mask_region_area, threshold)
        return masks

    def _mask_crop(
        self, image: NDArray[np.uint8], crop: Crop, done: int, total: int, on_progress: OnProgress
    ) -> MaskRecords:
        """Return the masks of one crop."""
        x0, y0, x1, y1 = crop.box
        self._sam.embed(self._predictor, image[y0:y1, x0:x1])
        shape = (image.shape[0], image.shape[1])
        found, start = [], 0
        while start < len(crop.points):
            points = crop.points[start : start + self._batch]
            try:
                found.append(self._ask(points, crop, shape))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                on_progress(MaskProgress(done + start, total, self._smaller_batches(error)))
                continue
            start += len(points)
            on_progress(MaskProgress(done + start, total))
        self._predictor.reset_image()
        masks = MaskRecords.join(found)
        return masks.unique(masks.predicted_iou, self._settings.box_nms_thresh)

    def _smaller_batches(self, error: BaseException) -> str:
        """Halve the batches, for this image and later ones; return a message."""
        if self._batch == 1:
            raise ProposalError(
                f"The memory of {self._sam.device} does not hold the masks of a single point: "
                "choose a smaller model or the device cpu."
            ) from error
        self._batch = max(1, self._batch // 2)
        free_memory(self._sam.device)
        return f"The memory of {self._sam.device} is full: using batches of {self._batch} points."

    def _ask(self, points: NDArray[np.float64], crop: Crop, shape: tuple[int, int]) -> MaskRecords:
        """Return SAM's masks for points (P, 2) of a crop, without those of low rating."""
        small, ratings = self._decode(points)
        each = small.shape[1]
        small, ratings = small.flatten(0, 1), ratings.flatten(0, 1)
        places = np.repeat(points, each, axis=0)
        if self._settings.pred_iou_thresh > 0:
            good = ratings > self._settings.pred_iou_thresh
            small, ratings = small[good], ratings[good]
            places = places[good.cpu().numpy()]
        parts, start = [], 0
        for logits in self._enlarged(small):
            stop = start + len(logits)
            parts.append(self._cut(logits, ratings[start:stop], places[start:stop], crop, shape))
            start = stop
        return MaskRecords.join(parts)

    def _decode(self, points: NDArray[np.float64]) -> tuple[Any, Any]:
        """Return SAM's logits (P, 3, 256, 256) and ratings (P, 3) for points of the crop."""
        import torch

        predictor = self._predictor
        placed = predictor.transform.apply_coords(points, predictor.original_size)
        dtype = float_type(self._sam.device)
        coords = torch.as_tensor(placed).to(dtype).to(self._sam.device)[:, None, :]
        labels = torch.ones((len(points), 1), dtype=torch.int, device=self._sam.device)
        return self._sam.decode(predictor, points=(coords, labels))

    def _enlarged(self, small: Any) -> Iterator[Any]:
        """Yield logits (N, h, w) of the crop's size, as many at once as `_ENLARGED` allows."""
        predictor, network = self._predictor, self._sam.network
        height, width = predictor.original_size
        pixels = max(height * width, network.image_encoder.img_size**2)
        count = max(1, _ENLARGED // (4 * pixels))
        for start in range(0, len(small), count):
            planes = small[start : start + count, None]
            yield network.postprocess_masks(
                planes, predictor.input_size, predictor.original_size
            ).squeeze(1)

    def _cut(
        self,
        logits: Any,
        ratings: Any,
        places: NDArray[np.float64],
        crop: Crop,
        shape: tuple[int, int],
    ) -> MaskRecords:
        """Return the masks of logits, without unstable ones and those cut off by the crop."""
        from segment_anything.utils import amg

        settings, cutoff = self._settings, self._sam.network.mask_threshold
        stability = amg.calculate_stability_score(logits, cutoff, settings.stability_score_offset)
        masks = logits > cutoff
        boxes = amg.batched_mask_to_box(masks)
        whole = [0, 0, shape[1], shape[0]]
        kept = ~amg.is_box_near_crop_edge(boxes, list(crop.box), whole)
        if settings.stability_score_thresh > 0:
            kept &= stability >= settings.stability_score_thresh
        x0, y0 = crop.box[:2]
        chosen = kept.cpu().numpy()
        return MaskRecords(
            runs=[_runs_in(mask, crop, shape) for mask in masks[kept].cpu().numpy()],
            boxes=boxes[kept].cpu().numpy().astype(np.float32)
            + np.array([x0, y0, x0, y0], np.float32),
            predicted_iou=ratings[kept].cpu().numpy(),
            stability_score=stability[kept].cpu().numpy(),
            points=places[chosen] + np.array([x0, y0]),
            crop_boxes=np.tile(np.array(crop.box, np.int64), (int(chosen.sum()), 1)),
        )


def _runs_in(
    mask: NDArray[np.bool_], crop: Crop, shape: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the runs in the image of a crop's mask."""
    if mask.shape == shape:
        return runs_of_mask(mask)
    x0, y0, x1, y1 = crop.box
    placed = np.zeros(shape, np.bool_)
    placed[y0:y1, x0:x1] = mask
    return runs_of_mask(placed)


def open_sam(
    checkpoint: Checkpoint, device: str, settings: SamSettings, margin: float = MARGIN
) -> SamMasks:
    """Return a mask generator with a loaded model; raises as `load_sam` does."""
    return SamMasks(load_sam(checkpoint, device), settings, margin)


_LOADING = threading.Lock()  # of a worker's threads, one loads the model


@dataclass(frozen=True)
class RemoteSam:
    """A `Maker` that can be sent to other processes, which load the model once each.

    Parameters
    ----------
    weights : Checkpoint
        The model's weights; the file must have the same path in the other process.
    device : str
        As `choose_device` takes it, there.
    settings : SamSettings
        The generator's settings.
    margin : float
        As for `SamMasks`.
    """

    weights: Checkpoint
    device: str
    settings: SamSettings
    margin: float = MARGIN

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Make the masks of one image, as `SamMasks.make`.

        Raises
        ------
        OpeningError
            If the model cannot be loaded.
        """
        with _LOADING:
            sam = _loaded(self)
        return sam.make(image, pseudo, on_progress)


@functools.lru_cache(maxsize=1)
def _loaded(remote: RemoteSam) -> SamMasks:
    try:
        return open_sam(remote.weights, remote.device, remote.settings, remote.margin)
    except SeplError as error:
        raise OpeningError(str(error)) from error
