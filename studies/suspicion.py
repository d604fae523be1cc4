"""How well the suspicion finds images whose labels became worse.

Run with ``python -m studies.suspicion``. The masks of ../shared/data/voc are simulated from the
truth: the figures compare causes with one another, and do not apply to SAM.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import VOC
from benchmarks.timing import machine, print_table
from napari_sepl import Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.masks import diagnose
from napari_sepl.core.analysis.diagnosis.types import HINT, Cause, Diagnosis
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.pixels import IGNORE
from studies.strategies import Labels, pseudo_of, read_images

FALLS = (0.0, 0.02, 0.05)  # mean IoU of an image that must be lost for it to count as fallen
HINTS = (0.0, 0.1, 0.25, 0.5, 1.0)
DRAWS = 2000  # of the bootstrap
SPLITS = 200
FIFTH = 0.2

Scores = NDArray[np.float64]
Fell = NDArray[np.bool_]


def diagnosed(overlap: Overlap, truth: Labels, params: Params) -> tuple[Diagnosis, float]:
    """Return the diagnosis of an image, and by how much its mean IoU rose."""
    assignment = assign(overlap, params)
    enhanced, pseudo = paint(overlap, assignment, params), pseudo_of(overlap)
    held = np.unique(np.concatenate([truth.ravel(), pseudo.ravel()]))
    held = held[held != IGNORE]
    after, before = (ious(labels, truth)[held] for labels in (enhanced, pseudo))
    rise = float(np.nanmean(after) - np.nanmean(before))
    return diagnose(overlap, assignment, enhanced), rise


def ious(labels: Labels, truth: Labels) -> Scores:
    """Return the IoU of each label; 255 in labels counts as background."""
    return Confusion.of(np.where(labels == IGNORE, 0, labels).astype(np.uint8), truth).iou


def strengths_of(diagnoses: Sequence[Diagnosis]) -> Scores:
    """Return (images, causes): the strongest finding of each cause."""
    found = np.zeros((len(diagnoses), len(Cause)))
    for row, diagnosis in enumerate(diagnoses):
        for column, cause in enumerate(Cause):
            strengths = [one.strength for one in diagnosis.findings if one.cause is cause]
            found[row, column] = max(strengths, default=0)
    return found


def suspicions_with(strengths: Scores, hint: float) -> Scores:
    """Return the suspicion of each image if hints weighed so much."""
    weights = [1.0 if cause.weight > HINT else hint for cause in Cause]
    return np.asarray((strengths * weights).max(axis=1))


def area_under(scores: Scores, fell: Fell) -> float:
    """Return the chance that an image that fell scores above one that did not; ties count half."""
    if not fell.any() or fell.all():
        return float("nan")
    ours, others = scores[fell][:, np.newaxis], scores[~fell]
    return float((ours > others).mean() + (ours == others).mean() / 2)


def interval(scores: Scores, fell: Fell) -> str:
    """Return the 95 % interval of the area, images drawn with return."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(fell), size=(DRAWS, len(fell)))
    areas = [area_under(scores[draw], fell[draw]) for draw in draws]
    low, high = np.nanpercentile(areas, [2.5, 97.5])
    return f"{low:.2f} to {high:.2f}"


def in_worst_fifth(scores: Scores, fell: Fell) -> str:
    """Return how many of the fallen images are among the first fifth of the queue."""
    first = np.argsort(-scores, kind="stable")[: round(FIFTH * len(scores))]
    return f"{np.count_nonzero(fell[first])} of {np.count_nonzero(fell)}"


def held_out(strengths: Scores, fell: Fell) -> str:
    """Return the area on halves for which the weight of hints was chosen on the other half."""
    rng = np.random.default_rng(0)
    tried = np.array([suspicions_with(strengths, hint) for hint in HINTS])
    areas = []
    for _ in range(SPLITS):
        order = rng.permutation(len(fell))
        seen, unseen = order[: len(order) // 2], order[len(order) // 2 :]
        if not fell[seen].any() or not fell[unseen].any():
            continue
        chosen = np.argmax([area_under(scores[seen], fell[seen]) for scores in tried])
        areas.append(area_under(tried[chosen][unseen], fell[unseen]))
    return f"{np.mean(areas):.2f} ± {np.std(areas):.2f}"


def area_rows(strengths: Scores, suspicions: Scores, rises: Scores) -> Iterator[tuple[str, ...]]:
    """Yield a row for the suspicion, one for each weight of hints, one for each single cause."""
    falls = [rises < -fall for fall in FALLS]
    areas = [f"{area_under(suspicions, fell):.2f} ({interval(suspicions, fell)})" for fell in falls]
    yield "suspicion", *areas, ""
    yield "… in the first fifth", *[in_worst_fifth(suspicions, fell) for fell in falls], ""
    yield "… weight chosen on the other half", *[held_out(strengths, fell) for fell in falls], ""
    for hint in HINTS:
        scores = suspicions_with(strengths, hint)
        yield f"… hints weigh {hint:g}", *[f"{area_under(scores, f):.2f}" for f in falls], ""
    for column, cause in enumerate(Cause):
        scores = strengths[:, column]
        areas = [f"{area_under(scores, fell):.2f}" for fell in falls]
        yield str(cause), *areas, str(np.count_nonzero(scores))


def find_failures() -> None:
    """Print how well suspicion and single causes find the images that became worse."""
    images = read_images((VOC / "train120.txt").read_text().split())
    for strategy in Strategy:
        params = Params(strategy=strategy)
        found = [diagnosed(overlap, truth, params) for overlap, truth in images]
        diagnoses, rises = [one for one, _ in found], np.array([rise for _, rise in found])
        suspicions = np.array([one.suspicion for one in diagnoses])
        fell = [
            f"mean IoU fell by over {100 * fall:g} ({np.count_nonzero(rises < -fall)} images)"
            for fall in FALLS
        ]
        print_table(
            f"`{strategy}`, {len(images)} PASCAL VOC images, simulated masks: area under the "
            "curve, 95 % of bootstrap draws",
            ("", *fell, "images with it"),
            area_rows(strengths_of(diagnoses), suspicions, rises),
        )


def main() -> None:
    """Print all tables."""
    if not VOC.is_dir():
        print("There is no ../shared/data/voc: no failures to find.")
        return
    print(machine())
    find_failures()


if __name__ == "__main__":
    main()
