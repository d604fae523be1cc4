"""Masks by prompts: SAM's best mask for points, a box or a rough mask."""

import contextlib
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.images import as_rgb
from napari_sepl.proposals.weights import Checkpoint, LoadedSam, load_sam

LIMIT = 2 << 30
"""Bytes of the cache: 500 embeddings of SAM's three models, 4 MB each."""

_ENDING = ".embedding"
_DIGEST = 32  # bytes of SHA-256 before the array


def digest_image(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of an image's size and pixels, (H, W, 3) uint8."""
    digest = hashlib.sha256(np.asarray(image.shape, "<i8").tobytes())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class EmbeddingCache:
    """Embeddings in a folder, of which the least recently used are removed first.

    Several programs may share the folder.

    Parameters
    ----------
    folder : Path
        The folder; made with the first embedding.
    limit : int
        Bytes of all embeddings together.
    """

    folder: Path
    limit: int = LIMIT

    def find(self, image_digest: str, model_digest: str) -> NDArray[np.float32] | None:
        """Return the embedding of an image by a model; None if it is missing or damaged.

        A damaged one is removed.
        """
        path = self._path(image_digest, model_digest)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, rest = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(rest).digest() != digest:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):  # another program may have removed it
            os.utime(path)
        embedding: NDArray[np.float32] = np.load(io.BytesIO(rest), allow_pickle=False)
        return embedding

    def keep(self, image_digest: str, model_digest: str, embedding: NDArray[np.float32]) -> None:
        """Store an embedding, and remove others if all together are too large.

        Raises
        ------
        SaveError
            If it cannot be written.
        """
        make_folder(self.folder)
        buffer = io.BytesIO()
        np.save(buffer, embedding, allow_pickle=False)
        content = buffer.getvalue()
        digest = hashlib.sha256(content).digest()
        write_whole(self._path(image_digest, model_digest), digest + content)
        self._shrink()

    def _path(self, image_digest: str, model_digest: str) -> Path:
        both = hashlib.sha256(f"{image_digest} {model_digest}".encode()).hexdigest()
        return self.folder / f"{both}{_ENDING}"

    def _shrink(self) -> None:
        held: list[tuple[int, int, Path]] = []
        for path in self.folder.glob(f"*{_ENDING}"):
            with contextlib.suppress(OSError):
                state: Any = path.stat()
                held.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in held)
        for _, size, path in sorted(held):
            if total <= self.limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


_SURE = 6.9  # log odds of 0.999, the probability of a rough mask's pixels


class Prompter:
    """Predicts masks for prompts on one image at a time; points are (row, col) in pixels.

    Parameters
    ----------
    sam : LoadedSam
        The model.
    cache : EmbeddingCache, optional
        The embeddings of earlier sessions.
    """

    def __init__(self, sam: LoadedSam, cache: EmbeddingCache | None = None) -> None:
        from segment_anything import SamPredictor

        self._sam, self._cache = sam, cache
        self._predictor = SamPredictor(sam.network)
        self._digest = ""

    @property
    def about(self) -> str:
        """The model and its device, for people."""
        return self._sam.about

    @property
    def image_digest(self) -> str:
        """The `digest_image` of the current image; empty at first."""
        return self._digest

    def set_image(self, image: NDArray[Any]) -> bool:
        """Set the image; this is slow, unless the cache has its embedding.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
            Grey, RGB or RGBA.

        Returns
        -------
        bool
            Whether the embedding was there already.

        Raises
        ------
        InputError
            If the array is not an image.
        ProposalError
            If the device's memory does not hold it.
        SaveError
            If its embedding cannot be stored; prompts work anyway.
        """
        import torch

        image = as_rgb(image)
        digest = digest_image(image)
        if digest == self._digest:
            return True
        self._digest = ""
        kept = None if self._cache is None else self._cache.find(digest, self._sam.sha256)
        if kept is not None:
            self._restore(kept, (image.shape[0], image.shape[1]))
        else:
            with torch.no_grad():
                self._sam.embed(self._predictor, image)
        self._digest = digest
        if kept is None and self._cache is not None:
            embedding = self._predictor.features.cpu().numpy()
            self._cache.keep(digest, self._sam.sha256, embedding)
        return kept is not None

    def prepare(self, image: NDArray[Any]) -> str:
        """Set the image; return why its embedding could not be stored, empty if it was."""
        try:
            self.set_image(image)
        except SaveError as error:
            return f"{error} Prompts work anyway."
        return ""

    def predict(
        self,
        points: NDArray[Any] | None = None,
        labels: NDArray[Any] | None = None,
        box: NDArray[Any] | None = None,
        mask_input: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.bool_], float]:
        """Return SAM's best mask for prompts on the image; at least one must be given.

        Parameters
        ----------
        points : (P, 2) float, optional
            (row, col) of pixels.
        labels : (P,) int or bool, optional
            1 for points on the object, 0 for points beside it; all 1 if left out.
        box : (4,) float, optional
            First row, first column, last row and last column of a box around the object.
        mask_input : (H, W) bool, optional
            A rough mask to start from.

        Returns
        -------
        (H, W) bool
            The best-rated of SAM's three masks.
        float
            SAM's rating: the predicted IoU with the object.

        Raises
        ------
        InputError
            If there is no image or no prompt, or one has another shape.
        """
        coords, kinds = self._points(points, labels)
        where = None if box is None else _as_xyxy(box)
        rough = None if mask_input is None else self._logits(mask_input)
        if coords is None and where is None and rough is None:
            raise InputError("prompts", found="none", expected="points, a box or a mask")
        if not self._digest:
            raise InputError("image", found="none", expected="one set before it is prompted on")
        return self._decode(coords, kinds, where, rough)

    def _decode(
        self,
        coords: NDArray[np.float64] | None,
        kinds: NDArray[np.int64] | None,
        box: NDArray[np.float64] | None,
        rough: NDArray[np.float32] | None,
    ) -> tuple[NDArray[np.bool_], float]:
        """Return the mask of ``SamPredictor.predict``, enlarging only the best of three masks.

        At 4096² the other two would take half of the time.
        """
        import torch

        network, predictor = self._sam.network, self._predictor
        size, place = predictor.original_size, predictor.transform

        def tensor(values: NDArray[Any], kind: Any = torch.float32) -> Any:
            return torch.as_tensor(values, dtype=kind, device=self._sam.device)[None]

        points = boxes = masks = None
        if coords is not None and kinds is not None:
            points = tensor(place.apply_coords(coords, size)), tensor(kinds, torch.int)
        if box is not None:
            boxes = tensor(place.apply_boxes(box, size)[0])
        if rough is not None:
            masks = tensor(rough)
        with torch.no_grad():
            small, ratings = self._sam.decode(predictor, points, boxes, masks)
            best = int(ratings[0].argmax())
            chosen = small[:, best : best + 1]
            whole = network.postprocess_masks(chosen, predictor.input_size, size)
        inside = (whole[0, 0] > network.mask_threshold).cpu().numpy()
        return inside, float(ratings[0, best])

    def _restore(self, embedding: NDArray[np.float32], shape: tuple[int, int]) -> None:
        """Set the predictor's state as `set_image` does."""
        import torch

        predictor = self._predictor
        predictor.reset_image()
        side = self._sam.network.image_encoder.img_size
        predictor.original_size = shape
        predictor.input_size = predictor.transform.get_preprocess_shape(*shape, side)
        predictor.features = torch.as_tensor(embedding, device=self._sam.device)
        predictor.is_image_set = True

    def _points(
        self, points: NDArray[Any] | None, labels: NDArray[Any] | None
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
        if points is None or len(points) == 0:
            return None, None
        placed = np.asarray(points, np.float64)
        if placed.ndim != 2 or placed.shape[1] != 2:
            raise InputError("points", found=f"shape {placed.shape}", expected="shape (P, 2)")
        kinds = np.ones(len(placed), np.int64) if labels is None else np.asarray(labels, np.int64)
        if kinds.shape != (len(placed),) or not np.isin(kinds, (0, 1)).all():
            raise InputError(
                "labels of points", found=f"{kinds.tolist()}",
                expected=f"{len(placed)} of 1 (on the object) or 0 (beside it)",
            )  # fmt: skip
        return placed[:, ::-1].copy(), kinds

    def _logits(self, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return a rough mask in SAM's format: (1, h, w) log odds, at a quarter of its size."""
        import torch
        from torch.nn.functional import interpolate

        predictor = self._predictor
        if self._digest and mask.shape != tuple(predictor.original_size):
            raise InputError(
                "mask to start from", found=f"shape {mask.shape}",
                expected=f"shape {tuple(predictor.original_size)} as the image",
            )  # fmt: skip
        height, width = self._sam.network.prompt_encoder.mask_input_size
        small = predictor.transform.get_preprocess_shape(*mask.shape, max(height, width))
        shares = torch.as_tensor(mask, dtype=torch.float32)[None, None]
        inside = interpolate(shares, small, mode="bilinear", antialias=True)[0].numpy() >= 0.5
        placed = np.full((1, height, width), -_SURE, np.float32)
        placed[:, : small[0], : small[1]][inside] = _SURE
        return placed


def open_prompter(
    checkpoint: Checkpoint, device: str, cache: EmbeddingCache | None = None
) -> Prompter:
    """Return a prompter with a loaded model; raises as `load_sam` does."""
    return Prompter(load_sam(checkpoint, device), cache)


def _as_xyxy(box: NDArray[Any]) -> NDArray[np.float64]:
    corners = np.asarray(box, np.float64)
    if corners.shape != (4,) or corners[0] > corners[2] or corners[1] > corners[3]:
        raise InputError(
            "box", found=f"{corners.tolist()}", expected="first row and column, last row and column"
        )
    return corners[[1, 0, 3, 2]]
