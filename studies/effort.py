"""How many actions a person needs to put an image right: masks first, strokes where none fits.

Run with ``python -m studies.effort``. A scripted annotator (see `studies.annotator`) corrects
the images of ../shared/data/voc until 95 % or 99 % of the pixels are right, or for 30 actions. Its
masks are simulated from the truth: the figures compare one way of working with another, and do
not apply to SAM.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.examples import VOC as FOLDER
from benchmarks.examples import read_voc
from benchmarks.timing import machine, print_table
from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.overlap import count_shared
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.runs import Runs, paint_runs, runs_of_mask
from napari_sepl.core.masks.transpose import to_rows
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from studies.annotator import Action, Annotator, Kind, kept_by_strategy

TARGETS = (0.95, 0.99)
LIMIT = 30
FITS = 0.5  # a mask fits the class that more than this share of it has
RELEASED = Annotations(Params(strategy=Strategy.RELEASED))


class StrokesOnly(Annotator):
    """Decides on no region."""

    def best_decision(self) -> None:
        """Return no decision."""
        return


class WideBrush(Annotator):
    """Has a brush of twice the size as well."""

    radii = (20, *Annotator.radii)


class KeepsPseudo(Annotator):
    """Selects pseudo-labels along with the first mask of a class that kept them without one."""

    def bundle(self, since: Resolved, region: int, verdict: int | None) -> tuple[int, ...]:
        """Return the mask, and the pseudo-labels that would give way to it."""
        if region >= 0 and verdict and verdict in kept_by_strategy(since):
            return region, -verdict
        return (region,)


class Effort(NamedTuple):
    """What one image took: the share of right pixels before and after each action."""

    shares: tuple[float, ...]
    actions: tuple[Action, ...]

    def needed(self, target: float) -> float:
        """Return the number of actions until the target is passed; infinite if it is not."""
        return next((n for n, share in enumerate(self.shares) if share > target), np.inf)

    def spent(self, target: float) -> tuple[Action, ...]:
        """Return the actions until the target is passed, or all that are allowed."""
        return self.actions[: int(min(self.needed(target), LIMIT))]


def correct(
    annotator: Annotator, target: float, watch: Callable[[Action], None] = lambda _: None
) -> Effort:
    """Act until enough pixels are right; `watch` is called before each action."""
    shares, actions = [annotator.accuracy], list[Action]()
    while shares[-1] <= target and len(actions) < LIMIT and (action := annotator.best()):
        watch(action)
        annotator.do(action)
        actions.append(action._replace(shown=None))
        shares.append(annotator.accuracy)
    return Effort(tuple(shares), tuple(actions))


CAUSES = (
    "right",
    "objects where no mask fits their class",
    "objects in masks that fit their class",
    "background in masks that fit what they were taken for",
    "background in masks that do not fit what they were taken for",
    "background in pseudo-labels or strokes",
)


class Blame:
    """Counts wrong pixels by cause, before and after, and for each stroke."""

    def __init__(self, annotator: Annotator) -> None:
        self.annotator, self.runs = annotator, annotator.document.inputs.masks.runs
        truth, areas = annotator.truth, count_shared(self.runs, *runs_of_mask(annotator.counted))
        self.fits = {
            k: count_shared(self.runs, *runs_of_mask(truth == k)) > FITS * areas
            for k in range(1, len(VOC))
        }
        self.strokes = np.zeros(len(CAUSES) - 1, np.int64)

    def causes(self) -> NDArray[np.intp]:
        """Return (H, W): a position in CAUSES for each pixel."""
        now, truth = self.annotator.document.resolved, self.annotator.truth
        assignment, final = now.assignment, now.labels
        found = np.full(truth.shape, len(CAUSES) - 1)
        for k in self.fits:
            selected = assignment.selected & (assignment.class_ids == k)
            for number, chosen in ((4, selected & ~self.fits[k]), (3, selected & self.fits[k])):
                found[(final == k) & _covered(self.runs, chosen)] = number
        for k in self.fits:
            found[truth == k] = np.where(_covered(self.runs, self.fits[k]), 2, 1)[truth == k]
        found[(final == truth) | (truth == IGNORE)] = 0
        return found

    def count(self) -> NDArray[np.int64]:
        """Return how many pixels are wrong for each cause."""
        return np.bincount(self.causes().ravel(), minlength=len(CAUSES))[1:]

    def watch(self, action: Action) -> None:
        """Count a stroke for the cause of most pixels that it mends."""
        if action.shown is not None:
            mended = self.causes()[action.shown == self.annotator.truth]
            self.strokes[np.bincount(mended, minlength=len(CAUSES))[1:].argmax()] += 1


def _covered(runs: Runs, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (H, W) bool: the pixels of the chosen regions."""
    flat = np.zeros(runs.shape[0] * runs.shape[1], np.uint8)
    order = np.flatnonzero(chosen)
    paint_runs(flat, runs.starts, runs.stops, runs.offsets, order, np.ones_like(order))
    return to_rows(flat, runs.shape).astype(np.bool_)


def read_all() -> list[Inputs]:
    """Return the images with their masks and truth; the images themselves are not needed."""
    found = []
    for image_id in (FOLDER / "train120.txt").read_text().split():
        example = read_voc(image_id)
        truth = np.array(Image.open(FOLDER / "SegmentationClass" / f"{image_id}.png"))
        found.append(Inputs(image_id, truth, example.pseudo, example.masks, VOC, truth))
    return found


class Way(NamedTuple):
    """One way of working: who corrects, and from where."""

    name: str
    annotator: type[Annotator] = Annotator
    annotations: Annotations = Annotations()
    masks: bool = True

    def documents(self, images: list[Inputs]) -> Iterator[Document]:
        """Yield the images as they are at the start, without masks for pseudo-labels alone."""
        for one in images:
            bare = MaskSet.from_rle([], shape=one.shape)
            yield Document(one if self.masks else replace(one, masks=bare), self.annotations)

    def measure(self, images: list[Inputs]) -> list[Effort]:
        """Correct all images."""
        return [correct(self.annotator(one), TARGETS[-1]) for one in self.documents(images)]

    def row(self, efforts: list[Effort], target: float) -> tuple[str, ...]:
        """Return a table row: how many actions it took."""
        counts = np.array([effort.needed(target) for effort in efforts])
        total = int(np.minimum(counts, LIMIT).sum())
        parts = product((counts, counts[counts > 0]), (50, 90))
        shown = [np.percentile(some, share, method="higher") for some, share in parts]
        cells = [f"{n:.0f}" if np.isfinite(n) else f"> {LIMIT}" for n in shown]
        shares = [f"{np.mean(counts <= most):.0%}" for most in (0, LIMIT)]
        return self.name, *shares, *cells, str(total)

    def kinds(self, efforts: list[Effort]) -> tuple[str, ...]:
        """Return a table row: how often each kind of action was used until the first target."""
        used = Counter(action.kind for effort in efforts for action in effort.spent(TARGETS[0]))
        return self.name, *(str(used[kind]) for kind in Kind)


SEPL = Way("SEPL, masks and strokes")
KEEPING = Way("SEPL, P_k kept beside a person's mask", KeepsPseudo)
STARTS = (
    SEPL,
    Way("SEPL, strokes only", StrokesOnly),
    Way("pseudo-labels, strokes only", StrokesOnly, masks=False),
    Way("SEPL as released, masks and strokes", annotations=RELEASED),
    KEEPING,
)
IDEAS = (Way("a brush of twice the radius", WideBrush),)


def print_causes(images: list[Inputs]) -> None:
    """Print why pixels are wrong where images start below the target, and what strokes mend."""
    before, strokes, after = np.zeros((3, len(CAUSES) - 1), np.int64)
    for document in SEPL.documents(images):
        annotator = SEPL.annotator(document)
        if annotator.accuracy <= TARGETS[0]:
            blame = Blame(annotator)
            before += blame.count()
            correct(annotator, TARGETS[0], blame.watch)
            strokes += blame.strokes
            after += blame.count()
    columns = [[f"{n / max(1, sum(c)):.0%}" for n in c] for c in (before, strokes, after)]
    title = f"Wrong pixels and strokes by cause, in images that start below {TARGETS[0]:.0%}"
    header = ("", f"of {before.sum():,} wrong pixels", f"of {strokes.sum()} strokes")
    rows = zip(CAUSES[1:], *columns, strict=True)
    print_table(title, (*header, f"of {after.sum():,} pixels left"), rows)


def print_ideas(found: dict[Way, list[Effort]]) -> None:
    """Print what would save most actions, and whether P_k should stay beside a person's mask."""
    spent = {w: sum(len(one.spent(TARGETS[0])) for one in found[w]) for w in (SEPL, *IDEAS)}
    print(f"\nOf {spent[SEPL]} actions until {TARGETS[0]:.0%} would save:")
    for way in sorted(IDEAS, key=lambda way: spent[way]):
        print(f"- {way.name}: {spent[SEPL] - spent[way]}")
    seeds = [a for one in found[SEPL] for a in one.actions if a.kind is Kind.PSEUDO]
    kept = sum(-action.regions[0] == action.class_id for action in seeds)
    print(f"\nOf {len(seeds)} decisions on P_k until {TARGETS[-1]:.0%}, {kept} keep it as it is.")
    along = sum(len(action.regions) > 1 for one in found[KEEPING] for action in one.actions)
    print(f"P_k kept beside a person's mask: in {along} actions until {TARGETS[-1]:.0%}.")
    for target in TARGETS:
        pairs = zip(found[SEPL], found[KEEPING], strict=True)
        signs = Counter(np.sign(ours.needed(target) - then.needed(target)) for ours, then in pairs)
        print(f"- until {target:.0%}: fewer actions in {signs[1]} images, more in {signs[-1]}")


def main() -> None:
    """Print all tables."""
    if not FOLDER.is_dir():
        print("There is no ../shared/data/voc: nothing to measure.")
        return
    print(machine())
    images = read_all()
    found = {way: way.measure(images) for way in (*STARTS, *IDEAS)}
    columns = "median", "90th percentile", "median of others", "90th percentile of others"
    header = ("", "at the start", f"within {LIMIT}", *columns, "all actions")
    cells = f"{len(images)} PASCAL VOC images with simulated masks; others: below at the start"
    for target in TARGETS:
        title = f"Actions until over {target:.0%} of the pixels are right, {cells}"
        print_table(title, header, [way.row(efforts, target) for way, efforts in found.items()])
    title = f"Kinds of actions until {TARGETS[0]:.0%}"
    print_table(title, ("", *Kind), [way.kinds(efforts) for way, efforts in found.items()])
    print_causes(images)
    print_ideas(found)


if __name__ == "__main__":
    main()
