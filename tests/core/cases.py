"""Random pseudo-labels, masks and settings for hypothesis, aimed at their overlaps."""

from dataclasses import dataclass
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy

Labels = NDArray[np.uint8]
Masks = NDArray[np.bool_]
Shape = tuple[int, int]

# No time limits: the first example waits for numba, and a busy machine is no bug.
quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
thorough = settings(quick, max_examples=600)

sides = st.integers(1, 9) | st.integers(14, 18)  # 16: the transpose has another branch
shapes: st.SearchStrategy[Shape] = st.tuples(sides, sides) | st.tuples(st.just(1), sides)


@dataclass(frozen=True)
class Case:
    pseudo: Labels
    masks: Masks
    params: Params


def measure(case: Case) -> Overlap:
    """Return the overlap table of a case."""
    shape: Any = case.pseudo.shape
    return measure_overlap(case.pseudo, MaskSet.from_dense(case.masks, shape=shape))


def label_maps(shape: Shape) -> st.SearchStrategy[Labels]:
    """Few labels or many, 255 among them or not."""
    palettes = st.lists(st.integers(0, 254) | st.sampled_from([0, 1, 2, 254, 255]), min_size=1)
    return palettes.flatmap(
        lambda palette: hnp.arrays(np.uint8, shape, elements=st.sampled_from(palette))
    )


@st.composite
def crowded_maps(draw: st.DrawFn) -> Labels:
    """All 254 classes at once, with 0 and 255 between them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.sampled_from([(16, 17), (1, 300), (300, 1), (17, 31)]))
    values = np.arange(height * width) % 256
    return rng.permutation(values).astype(np.uint8).reshape(height, width)


@st.composite
def rectangles(draw: st.DrawFn, shape: Shape) -> NDArray[np.bool_]:
    """One pixel at least, the whole image at most."""
    mask = np.zeros(shape, np.bool_)
    top, left = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    bottom, right = draw(st.integers(top + 1, shape[0])), draw(st.integers(left + 1, shape[1]))
    mask[top:bottom, left:right] = True
    return mask


@st.composite
def mask_stacks(draw: st.DrawFn, pseudo: Labels) -> Masks:
    """Empty, full, of one pixel or scattered; nested in, touching or equal to earlier ones."""
    shape: Any = pseudo.shape
    stack: list[NDArray[np.bool_]] = []
    for _ in range(draw(st.integers(0, 8))):
        fresh = draw(rectangles(shape))
        earlier = draw(st.sampled_from([fresh, *stack]))
        kinds = {
            "rectangle": fresh,
            "empty": np.zeros(shape, np.bool_),
            "full": np.ones(shape, np.bool_),
            "nested": earlier & fresh,
            "around": earlier | fresh,
            "touching": ~earlier & fresh,
            "duplicate": earlier,
            "pixels of a label": pseudo == draw(st.sampled_from(np.unique(pseudo).tolist())),
        }
        stack.append(kinds[draw(st.sampled_from(sorted(kinds)))])
    scattered = draw(hnp.arrays(np.bool_, (draw(st.integers(0, 2)), *shape)))
    return np.concatenate([np.array(stack, np.bool_).reshape(-1, *shape), scattered])


stacks = shapes.flatmap(label_maps).flatmap(mask_stacks)
pairs = shapes.flatmap(lambda shape: st.tuples(label_maps(shape), label_maps(shape)))


def shares() -> st.SearchStrategy[float]:
    """Thresholds, most of them fractions that are exact shares of small masks."""
    fractions = st.integers(1, 12).flatmap(
        lambda whole: st.integers(0, whole).map(lambda part: part / whole)
    )
    return fractions | st.sampled_from([0.0, 0.25, 0.5, 0.85, 1.0]) | st.floats(0, 1)


def settings_of_sepl() -> st.SearchStrategy[Params]:
    return st.builds(
        Params,
        t1=shares(),
        t2=shares(),
        strategy=st.sampled_from(Strategy),
        conflict=st.sampled_from(Conflict),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    pseudo = draw(shapes.flatmap(label_maps))
    return Case(pseudo, draw(mask_stacks(pseudo)), draw(settings_of_sepl()))


@st.composite
def crowded_cases(draw: st.DrawFn) -> Case:
    pseudo = draw(crowded_maps())
    return Case(pseudo, draw(mask_stacks(pseudo)), draw(settings_of_sepl()))
