"""CAM scores: upsample them to their image, and make pseudo-labels of them by a rule."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE


class BackgroundRule(StrEnum):
    """How the background scores, against which the classes compete.

    `plane`: the value itself, everywhere. `exponent`: (1 - the highest score) to the power of
    the value. `own`: the background's own scores, times the value.
    """

    PLANE = "plane"
    EXPONENT = "exponent"
    OWN = "own"


@dataclass(frozen=True, eq=False)
class Scores:
    """CAM scores of each class at each pixel of one image.

    Parameters
    ----------
    class_ids : (K,) uint8
        Labels of the classes, ascending, 1..254.
    maps : (K, H, W) float32
        The scores of each class.
    default : float
        The background value of the method that wrote them.
    own : (H, W) float32, optional
        The scores of the background, if the method writes them.
    origin : str
        The format of the file, in words.

    Raises
    ------
    InputError
        If shapes or class ids do not fit, or a score is not finite.
    """

    class_ids: NDArray[np.uint8]
    maps: NDArray[np.float32]
    default: float
    own: NDArray[np.float32] | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        ids = self.class_ids.tolist()
        empty = bool(ids) and not self.maps.size
        if self.maps.ndim != 3 or len(self.maps) != len(ids) or empty:
            raise InputError(
                "scores",
                found=f"maps of shape {self.maps.shape} for {len(ids)} classes",
                expected="shape (K, H, W) with K classes",
            )
        if ids != sorted(set(ids)) or not all(0 < class_id < IGNORE for class_id in ids):
            raise InputError(
                "scores", found=f"the class ids {ids[:12]}", expected="1 to 254, ascending"
            )
        if self.own is not None and self.own.shape != self.shape:
            raise InputError(
                "scores",
                found=f"background scores of shape {self.own.shape}",
                expected=f"{self.shape} as those of the classes",
            )
        own = () if self.own is None else (self.own,)
        if not all(np.isfinite(one).all() for one in (*self.maps, *own)):
            raise InputError(
                "scores", found="scores that are no numbers", expected="finite numbers"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.maps.shape[1], self.maps.shape[2]

    @property
    def nbytes(self) -> int:
        """Memory in bytes, with the peak."""
        own = 0 if self.own is None else self.own.nbytes
        return self.maps.nbytes + own + 5 * self.shape[0] * self.shape[1]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of scores, classes and default."""
        digest = hashlib.sha256(np.asarray(self.maps.shape, "<i8").tobytes())
        digest.update(self.class_ids.tobytes() + np.float64(self.default).astype("<f8").tobytes())
        for one in (self.maps, self.own):
            if one is not None:
                digest.update(np.ascontiguousarray(one, "<f4").data)
        return digest.hexdigest()

    @cached_property
    def peak(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """(H, W) uint8 and float32: the lowest class with the highest score, and that score.

        Without classes 0 and minus infinity.
        """
        labels = np.zeros(self.shape, np.uint8)
        highest = np.full(self.shape, -np.inf, np.float32)
        for class_id, one in zip(self.class_ids, self.maps, strict=True):
            _raise_peak(highest, labels, np.ascontiguousarray(one), class_id)
        return labels, highest

    def rule(self, background: float | None = None) -> BackgroundRule:
        """Return the rule for a background value; for None, that of the method."""
        if self.own is not None:
            return BackgroundRule.OWN
        value = self.default if background is None else background
        return BackgroundRule.PLANE if value < 1 else BackgroundRule.EXPONENT


def cut_scores(scores: Scores, background: float | None = None) -> NDArray[np.uint8]:
    """Return pseudo-labels: at each pixel the class with the highest score.

    Parameters
    ----------
    scores : Scores
        The scores.
    background : float, optional
        The value of the background rule, at least 0; by default that of the method. For scores
        with a background map, its factor. Else, as in CLIP-ES, a value below 1 is the
        background's score everywhere, and one from 1 on the exponent of (1 - highest score).

    Returns
    -------
    (H, W) uint8
        Pseudo-labels. Of equal scores the background's wins, then the lowest class id's.
    """
    value = np.float32(scores.default if background is None else background)
    labels, highest = scores.peak
    rule = scores.rule(background)
    if rule is BackgroundRule.PLANE:
        return _where_above(labels, highest, np.full((1, 1), value))
    if scores.own is not None:
        return _where_above(labels, highest, scores.own * value)
    # a score above 1 gives the background 0, not a root of a negative number
    sure = np.clip(highest, 0, 1, dtype=np.float32)
    return _where_above(labels, highest, np.power(np.float32(1) - sure, value))


def vanished_classes(scores: Scores | None, class_ids: NDArray[np.uint8]) -> frozenset[int]:
    """Return the classes with scores that are not among `class_ids`, those of the pseudo-labels.

    Decisions on their pseudo-labels wait until they have pixels again.
    """
    if scores is None:
        return frozenset()
    return frozenset(scores.class_ids.tolist()) - frozenset(class_ids.tolist())


@jit
def _raise_peak(
    highest: NDArray[np.float32],
    labels: NDArray[np.uint8],
    scores: NDArray[np.float32],
    class_id: np.uint8,
) -> None:
    """Write a class where its score is above the highest so far."""
    for row in range(scores.shape[0]):
        for col in range(scores.shape[1]):
            if scores[row, col] > highest[row, col]:
                highest[row, col] = scores[row, col]
                labels[row, col] = class_id


@jit
def _where_above(
    labels: NDArray[np.uint8], highest: NDArray[np.float32], background: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return the labels that score above the background, an (H, W) or (1, 1) map."""
    everywhere = background.size == 1
    cut = np.zeros(labels.shape, np.uint8)
    for row in range(labels.shape[0]):
        for col in range(labels.shape[1]):
            level = background[0, 0] if everywhere else background[row, col]
            if highest[row, col] > level:
                cut[row, col] = labels[row, col]
    return cut


_COARSEST = 32
"""The largest stride of networks."""


def enlarge(maps: NDArray[np.float32], factor: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Upsample maps bilinearly by a whole factor and crop them to the size of an image.

    A coarse pixel covers `factor` × `factor` pixels, from the upper left corner on; the last ones
    reach beyond the image. Values are those of
    torch's ``interpolate(mode="bilinear", align_corners=False)``.

    Parameters
    ----------
    maps : (K, h, w) float32
        The coarse maps, h = ceil(H / factor) and w = ceil(W / factor).
    factor : int
        Stride of the coarse maps in pixels.
    shape : tuple of int
        H and W.

    Returns
    -------
    (K, H, W) float32
    """
    return _interpolated(maps, (factor, factor), shape)


def resize(maps: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize maps, (K, h, w) float32, bilinearly to (K, H, W), each axis by its own factor.

    Values are those of torch's ``interpolate(mode="bilinear", align_corners=False)``.
    """
    factors = shape[0] / maps.shape[1], shape[1] / maps.shape[2]
    return _interpolated(maps, factors, shape)


def _interpolated(
    maps: NDArray[np.float32], factors: tuple[float, float], shape: tuple[int, int]
) -> NDArray[np.float32]:
    low, high, share = _interpolation(maps.shape[1], factors[0], shape[0])
    share = share[:, np.newaxis]
    rows = maps[:, low] * (1 - share) + maps[:, high] * share
    low, high, share = _interpolation(maps.shape[2], factors[1], shape[1])
    fine = rows[:, :, low] * (1 - share) + rows[:, :, high] * share
    return fine.astype(np.float32, copy=False)


def _interpolation(
    coarse: int, factor: float, fine: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the two coarse positions around each fine one, and the share of the second."""
    place = np.maximum((np.arange(fine) + 0.5) / factor - 0.5, 0)
    low = np.minimum(place.astype(np.intp), coarse - 1)
    return low, np.minimum(low + 1, coarse - 1), (place - low).astype(np.float32)


def find_factor(coarse: tuple[int, int], shape: tuple[int, int]) -> int | None:
    """Return the stride, 2 to 32, that turns an image's size into a coarse one; None without.

    Of several, powers of two come first, then the smaller one.
    """
    factors = range(2, min(*shape, _COARSEST) + 1)
    for factor in sorted(factors, key=lambda factor: factor.bit_count() > 1):
        if all(-(-fine // factor) == small for fine, small in zip(shape, coarse, strict=True)):
            return factor
    return None
