"""Overlaps of each mask with each class's pseudo-labels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.nests import Nests, find_nests
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.errors import check_size
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.runs import Runs, label_runs, paint_runs, runs_of_labels
from napari_sepl.core.masks.superpixels import component_areas
from napari_sepl.core.masks.transpose import to_columns
from napari_sepl.core.masks.tree import MaskTree, build_tree


def count_shared(
    regions: Runs, starts: NDArray[np.int32], stops: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return (N,) int64: the pixels that each of N regions shares with another region.

    Parameters
    ----------
    regions : Runs
        The N regions.
    starts, stops : (R,) int32
        The runs of the other region, column-major and ascending.
    """
    shared = np.zeros(len(regions), np.int64)
    _intersect(*regions.arrays, starts, stops, shared)
    return shared


@jit
def _intersect(
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    class_starts: NDArray[np.int32],
    class_stops: NDArray[np.int32],
    shared: NDArray[np.int64],
) -> None:
    """Add to `shared` the pixels that each region shares with one class's runs."""
    for region in range(shared.size):
        first, last = offsets[region], offsets[region + 1]
        if first == last:
            continue
        seed = np.searchsorted(class_stops, starts[first], side="right")
        for run in range(first, last):
            while seed < class_stops.size and class_stops[seed] <= starts[run]:
                seed += 1
            at = seed
            while at < class_starts.size and class_starts[at] < stops[run]:
                shared[region] += min(stops[run], class_stops[at]) - max(
                    starts[run], class_starts[at]
                )
                at += 1


@dataclass(frozen=True, eq=False)
class InputShares:
    """Shares of the pseudo-labels of K classes, whatever the parameters.

    Parameters
    ----------
    uncovered, unmet, scattered : (K,) float64
        The shares that `Cause` defines.
    """

    uncovered: NDArray[np.float64]
    unmet: NDArray[np.float64]
    scattered: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Overlap:
    """The overlap table of one image; a slider move only reads it.

    Parameters
    ----------
    masks : MaskSet
        The N masks.
    pseudo_columns : (H * W,) uint8
        The pseudo-labels in column-major order.
    class_ids : (K,) uint8
        The classes of the pseudo-labels, ascending, without 0 and 255.
    seeds : Runs
        P_k, the pixels of each class.
    intersections : (N, K) int64
        Pixels that mask n and class k share.
    """

    masks: MaskSet
    pseudo_columns: NDArray[np.uint8]
    class_ids: NDArray[np.uint8]
    seeds: Runs
    intersections: NDArray[np.int64]

    @cached_property
    def o_s(self) -> NDArray[np.float64]:
        """(N, K) float64: share of the mask inside the class; 0 for an empty mask."""
        return self.intersections / np.maximum(self.masks.areas, 1)[:, np.newaxis]

    @cached_property
    def o_p(self) -> NDArray[np.float64]:
        """(N, K) float64: share of the class inside the mask."""
        return self.intersections / self.seeds.areas[np.newaxis, :]

    @cached_property
    def column_of(self) -> NDArray[np.intp]:
        """(256,) intp: the column of each label, -1 for none."""
        columns = np.full(256, -1, np.intp)
        columns[self.class_ids] = np.arange(len(self.class_ids))
        return columns

    @cached_property
    def best(self) -> NDArray[np.intp]:
        """(N,) intp: first column of the class each mask overlaps most, -1 for none."""
        if not len(self.class_ids):
            return np.full(len(self.masks), -1, np.intp)
        best = self.intersections.argmax(axis=1)
        met = np.take_along_axis(self.intersections, best[:, np.newaxis], axis=1)[:, 0] > 0
        return np.where(met, best, -1)

    @cached_property
    def best_shared(self) -> NDArray[np.int64]:
        """(N,) int64: pixels that each mask shares with its best class, 0 for none."""
        return np.asarray(self.intersections.max(axis=1, initial=0))

    @cached_property
    def best_o_s(self) -> NDArray[np.float64]:
        """(N,) float64: o_s with the best class, 0 for none."""
        return self.pick(self.o_s, self.best)

    @cached_property
    def best_o_p(self) -> NDArray[np.float64]:
        """(N,) float64: o_p with the best class, 0 for none."""
        return self.pick(self.o_p, self.best)

    @cached_property
    def best_class(self) -> NDArray[np.uint8]:
        """(N,) uint8: class id of the best class, 0 for none."""
        return np.append(self.class_ids, np.uint8(0))[self.best]

    @cached_property
    def ignored(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(R,) int32 twice: starts and stops of the runs of 255 in the pseudo-labels."""
        if not (self.pseudo_columns == IGNORE).any():  # ten times as fast as `label_runs`
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        values, starts, stops = label_runs(self.pseudo_columns)
        return starts[values == IGNORE], stops[values == IGNORE]

    @cached_property
    def rejections(self) -> NDArray[np.uint8]:
        """(N,) uint8: the `Rule` of each mask unless a strategy selects it."""
        rules = np.where(self.best < 0, np.uint8(Rule.NO_CLASS), np.uint8(Rule.BELOW))
        rules[self.masks.areas == 0] = Rule.EMPTY
        return rules

    @cached_property
    def tree(self) -> MaskTree:
        """The parent of each mask, found at first use."""
        return build_tree(self.masks)

    @cached_property
    def nests(self) -> Nests:
        """Nests and pieces, for the strategy `tree` only."""
        parents = self.tree.parents
        return find_nests(self.masks, parents, self.seeds, self.o_s, self.best, self.best_shared)

    @cached_property
    def input_shares(self) -> InputShares:
        """Shares of each class's pseudo-labels that no mask covers or meets, or that lie apart."""
        covered = np.zeros(len(self.pseudo_columns), np.uint8)
        every = np.arange(len(self.masks))
        paint_runs(covered, *self.masks.runs.arrays, every, np.ones(len(every), np.uint8))
        bare = count_labels(self.pseudo_columns * (covered == 0))[self.class_ids]
        columns = range(len(self.class_ids))
        largest = [component_areas(*self.seeds.of(k), self.shape[0]).max() for k in columns]
        met = np.isin(columns, self.best)
        return InputShares(
            np.where(met, bare / self.seeds.areas, 0),
            (~met).astype(np.float64),
            1 - np.array(largest) / self.seeds.areas,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.masks.shape

    @staticmethod
    def pick(shares: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return (N,) float64: the share of each mask in its column, 0 for column -1."""
        padded = np.column_stack([shares, np.zeros(len(shares))])
        return np.asarray(padded[np.arange(len(shares)), columns])


def measure_overlap(pseudo: NDArray[np.uint8], masks: MaskSet) -> Overlap:
    """Return the overlap table of pseudo-labels and masks.

    Parameters
    ----------
    pseudo : (H, W) uint8
        Pseudo-labels: 0 background, 1..254 classes, 255 ignore.
    masks : MaskSet
        Masks of the same size.

    Raises
    ------
    InputError
        If the sizes differ.
    """
    check_size("masks", masks.shape, pseudo.shape, "the pseudo-labels")
    columns = to_columns(pseudo)
    class_ids, seeds = runs_of_labels(columns, masks.shape)
    return Overlap(masks, columns, class_ids, seeds, _intersections(masks.runs, seeds))


def _intersections(masks: Runs, seeds: Runs) -> NDArray[np.int64]:
    """Return (N, K) int64: the pixels that each mask and each class share."""
    shared = np.zeros((len(masks), len(seeds)), np.int64)
    for column in range(len(seeds)):
        shared[:, column] = count_shared(masks, *seeds.of(column))
    return shared


def remeasure_overlap(overlap: Overlap, pseudo: NDArray[np.uint8]) -> Overlap:
    """Return the table for other pseudo-labels, with the same masks and tree.

    Parameters
    ----------
    overlap : Overlap
        The present table.
    pseudo : (H, W) uint8
        The other pseudo-labels.
    """
    other = measure_overlap(pseudo, overlap.masks)
    if "tree" in overlap.__dict__:
        other.__dict__["tree"] = overlap.tree
    return other


def extend_overlap(overlap: Overlap, masks: MaskSet) -> Overlap:
    """Return the table with rows for more masks of the same image.

    Parameters
    ----------
    overlap : Overlap
        The present table.
    masks : MaskSet
        All masks, those of the table first.
    """
    added = np.arange(len(overlap.masks), len(masks))
    shared = _intersections(masks.runs.choose(added), overlap.seeds)
    table = np.concatenate([overlap.intersections, shared])
    return Overlap(masks, overlap.pseudo_columns, overlap.class_ids, overlap.seeds, table)
