"""A scripted annotator, who corrects one image by the single best action, again and again.

The best action is the one after which most pixels have their true label. It is a decision on one
region, or the rejection of a mask with all its parts (`Document.decide`), or else, where that gains
more, one stroke (`Document.absorb`): a disc of radius 3, 6 or 10 pixels, dragged with one class
along a straight line of at most 100 pixels. Decisions are searched exactly; bounds on their gains
leave out only what cannot be best. Strokes are searched along lines in 16 directions through the
discs that gain most, and the best lines' ends are moved as long as that gains; there may be a
slightly better stroke somewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.algorithm.overlap import count_shared
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.runs import runs_of_mask
from napari_sepl.document.document import Document
from napari_sepl.document.regions import regions_within
from napari_sepl.document.resolve import Resolved, resolve

LENGTH = 100  # pixels a stroke is dragged at most
GRID = 4  # pixels between the discs that are tried
SEEDS, APART = 8, 12  # discs through which lines are tried, and pixels between two of them
CLIMBS = 3  # lines whose ends are moved
REACHES = np.arange(0, LENGTH + 1, 20)
ANGLES = np.arange(16) * np.pi / 16


class Kind(StrEnum):
    """What an action is."""

    SELECT = "select a mask"
    REJECT = "reject a mask"
    PARTS = "reject a mask with its parts"
    RESET = "reset a mask"
    PSEUDO = "pseudo-labels"
    STROKE = "stroke"
    BACKGROUND = "mask for background"


KINDS = {None: Kind.RESET, REJECT: Kind.REJECT, 0: Kind.BACKGROUND}


class Action(NamedTuple):
    """A decision on regions, as in `Document.decide`, or else (H, W) uint8 labels as painted."""

    kind: Kind
    gain: int
    regions: tuple[int, ...] = ()
    class_id: int | None = None
    shown: NDArray[np.uint8] | None = None


class Candidate(NamedTuple):
    """A decision on one region, and what its gain cannot exceed."""

    bound: int
    region: int
    verdict: int | None


class Annotator:
    """Corrects one document by its ground truth.

    Parameters
    ----------
    document : Document
        The image, with its truth; pixels whose truth is 255 are left out of everything.
    """

    radii: tuple[int, ...] = (10, 6, 3)

    def __init__(self, document: Document) -> None:
        assert document.inputs.truth is not None
        self.document, self.truth = document, document.inputs.truth
        self.counted = self.truth != IGNORE
        self.class_ids = [int(k) for k in np.unique(self.truth[self.counted])]
        whole = map(document.inputs.masks.decode, range(len(document.inputs.masks)))
        self._groups = [tuple(regions_within(document.inputs, mask)) for mask in whole]

    @property
    def accuracy(self) -> float:
        """Share of correct pixels."""
        return self.count_right(self.document.resolved) / np.count_nonzero(self.counted)

    def count_right(self, resolved: Resolved) -> int:
        """Return how many pixels have their true label."""
        return int(np.count_nonzero((resolved.labels == self.truth) & self.counted))

    def best(self) -> Action | None:
        """Return the action that gains most, of equal ones a decision; None if none gains."""
        decision = self.best_decision()
        return self.best_painting(decision.gain if decision else 0) or decision

    def do(self, action: Action) -> None:
        """Do it as the window does, and make sure that it gains what it promised."""
        before = self.count_right(self.document.resolved)
        if action.shown is None:
            self.document.decide(action.regions, action.class_id)
        else:
            self.document.absorb(action.shown)
        assert self.count_right(self.document.resolved) - before == action.gain, action

    def best_decision(self) -> Action | None:
        """Return the decision that gains most; None if none does."""
        since = self.document.resolved
        best, right = None, self.count_right(since)
        for bound, region, verdict in sorted(self.candidates(since), key=lambda c: -c.bound):
            if bound <= (best.gain if best else 0):
                break
            regions = self.bundle(since, region, verdict)
            gain = self.count_right(self.foresee(regions, verdict)) - right
            if gain > (best.gain if best else 0):
                kind = KINDS.get(verdict, Kind.SELECT) if region >= 0 else Kind.PSEUDO
                best = Action(kind, gain, regions, verdict)
        return self.best_group(best)

    def best_group(self, best: Action | None) -> Action | None:
        """Return the rejection of a mask with its parts, if it gains more than the best so far."""
        right = self.count_right(self.document.resolved)
        for regions in self._groups:
            if len(regions) > 1:
                gain = self.count_right(self.foresee(regions, REJECT)) - right
                if gain > (best.gain if best else 0):
                    best = Action(Kind.PARTS, gain, regions, REJECT)
        return best

    def bundle(self, since: Resolved, region: int, verdict: int | None) -> tuple[int, ...]:  # noqa: ARG002
        """Return all regions that are decided on when one is."""
        return (region,)

    def foresee(self, regions: Sequence[int], verdict: int | None) -> Resolved:
        """Return what would follow from a decision."""
        annotations = self.document.annotations
        decided = {**annotations.decisions, **dict.fromkeys(regions, verdict)}
        decisions = {region: k for region, k in decided.items() if k is not None}
        return resolve(self.document.inputs.overlap, replace(annotations, decisions=decisions))

    def candidates(self, since: Resolved) -> list[Candidate]:
        """Return all decisions that may gain."""
        overlap, overlay = self.document.inputs.overlap, since.annotations.overlay
        wrong = self.counted & (since.labels != self.truth)
        if overlay is not None:
            wrong &= overlay < 0  # what is painted stays
        in_masks = {
            k: count_shared(overlap.masks.runs, *runs_of_mask(wrong & (self.truth == k)))
            for k in self.class_ids
        }
        in_seeds = count_shared(overlap.seeds, *runs_of_mask(wrong)).tolist()
        seeds = dict(zip(map(int, overlap.class_ids), in_seeds, strict=True))
        verdicts = dict.fromkeys((*self.class_ids, REJECT, None))
        found = [Candidate(bound, -k, v) for k, bound in seeds.items() for v in verdicts]
        found.extend(_on_masks(since, in_masks, seeds))
        return [
            c for c in found if c.bound and since.annotations.decisions.get(c.region) != c.verdict
        ]

    def best_painting(self, least: int) -> Action | None:
        """Return a stroke that gains more than `least`, the best that was found."""
        lines = [line for line in self._lines(least) if line[0] > least]
        if not lines:
            return None
        gain, class_id, radius, line = max(lines, key=lambda one: one[0])
        shown = self.document.resolved.labels.copy()
        paint_line(shown, line, radius, class_id)
        return Action(Kind.STROKE, gain, (), class_id, shown)

    def gains(self, class_id: int) -> NDArray[np.int32]:
        """Return (H, W) int32: 1 where painting the class mends a pixel, -1 where it spoils one."""
        final = self.document.resolved.labels
        gains: NDArray[np.int32] = ((self.truth == class_id) & (final != class_id)).astype(np.int32)
        gains[(self.truth != class_id) & (final == self.truth) & self.counted] = -1
        return gains

    def _lines(self, least: int) -> Iterator[tuple[int, int, int, NDArray[np.int64]]]:
        """Yield gain, class, radius and ends of the best strokes, their ends moved."""
        found = []
        for class_id in self.class_ids:
            gains = self.gains(class_id)
            sums = np.pad(np.cumsum(gains, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
            for radius in self.radii:
                if min((gains > 0).sum(), (2 * radius + 1) * (LENGTH + 2 * radius + 1)) <= least:
                    continue
                lines = _through(_seeds(sums, radius), gains.shape)
                scores = _score(sums, lines, radius)
                if len(scores):
                    at, least = int(scores.argmax()), max(least, int(scores.max()))
                    found.append((int(scores[at]), class_id, radius, lines[at], sums))
        for _, class_id, radius, start, sums in sorted(found, key=lambda f: -f[0])[:CLIMBS]:
            line, gain = _climb(sums, start, radius)
            yield gain, class_id, radius, line


def kept_by_strategy(since: Resolved) -> set[int]:
    """Return the classes whose pseudo-labels are kept, and by no person."""
    kept = since.assignment.kept
    return set(map(int, kept.class_ids[~kept.by_person]))


def _on_masks(
    since: Resolved, in_masks: dict[int, NDArray[np.int64]], seeds: dict[int, int]
) -> Iterator[Candidate]:
    """Yield decisions on masks, given the wrong pixels of each class in each mask.

    Pseudo-labels change outside it too, where their class gets a first mask or loses the last.
    """
    assignment, selected = since.assignment, since.assignment.selected
    counts = np.bincount(assignment.class_ids[selected], minlength=IGNORE)
    loose = kept_by_strategy(since).union(np.flatnonzero(counts == 1).tolist())
    slack = sum(bound for k, bound in seeds.items() if k in loose)
    wrong = sum(in_masks.values(), np.zeros(len(selected), np.int64)).tolist()
    shares = [(k, share.tolist()) for k, share in in_masks.items()]
    for mask in np.flatnonzero(assignment.rules != Rule.EMPTY).tolist():
        for k, share in shares:
            yield Candidate(share[mask] + slack, mask, k)
        if selected[mask]:
            yield Candidate(wrong[mask] + slack, mask, REJECT)
        if mask in since.annotations.decisions:
            yield Candidate(wrong[mask] + sum(seeds.values()), mask, None)


def _seeds(sums: NDArray[np.int32], radius: int) -> NDArray[np.int64]:
    """Return (S, 2) centres of the discs that gain most, some way from each other."""
    height, width = sums.shape[0], sums.shape[1] - 1
    grid = np.mgrid[0:height:GRID, 0:width:GRID].reshape(2, -1).T
    scores = _score(sums, np.hstack([grid, grid]), radius)
    grid = grid[np.argsort(-scores, kind="stable")][: np.count_nonzero(scores > 0)]
    chosen: list[NDArray[np.int64]] = []
    while len(grid) and len(chosen) < SEEDS:
        chosen.append(grid[0])
        grid = grid[np.abs(grid - grid[0]).max(axis=1) >= APART]
    return np.array(chosen, np.int64).reshape(-1, 2)


def _through(seeds: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return (L, 4) row and column of both ends of lines through the seeds, none too long."""
    back, on = (reach.ravel() for reach in np.meshgrid(REACHES, REACHES))
    fits = back + on <= LENGTH
    way = np.stack([np.sin(ANGLES), np.cos(ANGLES)], 1)[:, np.newaxis]
    ends = np.concatenate([-way * back[fits, np.newaxis], way * on[fits, np.newaxis]], axis=2)
    lines = np.rint(np.tile(seeds, 2)[:, np.newaxis] + ends.reshape(1, -1, 4)).astype(np.int64)
    return _allowed(lines.reshape(-1, 4), shape)


def _allowed(lines: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return those lines that are not too long, ends moved into the image."""
    lines = np.clip(lines, 0, np.tile(np.array(shape) - 1, 2))
    short = np.hypot(*(lines[:, :2] - lines[:, 2:]).T) <= LENGTH
    return np.asarray(lines[short], np.int64)


def _climb(
    sums: NDArray[np.int32], line: NDArray[np.int64], radius: int
) -> tuple[NDArray[np.int64], int]:
    """Move one end of a line, or both, as long as that gains; return the line and its gain."""
    shape = sums.shape[0], sums.shape[1] - 1
    steps = np.array([(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c])
    moves = np.concatenate([np.hstack([steps * a, steps * b]) for a, b in ((1, 0), (0, 1), (1, 1))])
    gain = int(_score(sums, line[np.newaxis], radius)[0])
    for size in (8, 4, 2, 1):
        while True:
            lines = _allowed(line + size * moves, shape)
            scores = _score(sums, lines, radius)
            if not len(scores) or scores.max() <= gain:
                break
            gain, line = int(scores.max()), lines[scores.argmax()]
    return line, gain


@jit
def _span(line: NDArray[np.int64], radius: int, row: int, width: int) -> tuple[int, int]:
    """Return the first column that a disc covers along a line, and the one behind the last."""
    top, left, bottom, right = line
    first, last = np.inf, -np.inf
    for end_row, end_col in ((top, left), (bottom, right)):
        if abs(row - end_row) <= radius:
            half = np.sqrt(radius**2 - (row - end_row) ** 2)
            first, last = min(first, end_col - half), max(last, end_col + half)
    if top != bottom:  # the long sides of the straight part, where they are in this row
        rows, cols = bottom - top, right - left
        half = radius * np.hypot(rows, cols) / rows
        for side in (-half, half):
            col = left + (row - top) * cols / rows + side
            if 0 <= (row - top) * rows + (col - left) * cols <= rows**2 + cols**2:
                first, last = min(first, col), max(last, col)
    if first > last:
        return 0, 0
    return max(0, int(np.ceil(first))), min(width, int(np.floor(last)) + 1)


@jit
def _score(sums: NDArray[np.int32], lines: NDArray[np.int64], radius: int) -> NDArray[np.int64]:
    """Return (L,) int64: what each line gains, from sums along the rows of a map of gains."""
    scores = np.zeros(len(lines), np.int64)
    for i in range(len(lines)):
        top, bottom = min(lines[i, 0], lines[i, 2]), max(lines[i, 0], lines[i, 2])
        for row in range(max(0, top - radius), min(sums.shape[0], bottom + radius + 1)):
            left, right = _span(lines[i], radius, row, sums.shape[1] - 1)
            scores[i] += sums[row, right] - sums[row, left]
    return scores


@jit
def paint_line(labels: NDArray[np.uint8], line: NDArray[np.int64], radius: int, value: int) -> None:
    """Paint a line, in place."""
    for row in range(labels.shape[0]):
        left, right = _span(line, radius, row, labels.shape[1])
        labels[row, left:right] = value
