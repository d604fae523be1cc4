"""The authors' figures of an image, against a plain reading of what their program does."""

import numpy as np
import pytest
from hypothesis import given

from napari_sepl.core.analysis.metrics import Confusion, ReleasedMetrics
from tests.core.cases import Labels, pairs, quick
from tests.core.drawing import labels


def naive_figures(found: Labels, truth: Labels) -> ReleasedMetrics:
    told = truth != 255
    right = painted = wanted = 0
    columns: tuple[list[float], list[float], list[float]] = ([], [], [])
    for k in range(1, 255):
        here = int(((truth == k) & told).sum())
        if not here:
            continue
        wanted += here
        painted += int(((found == k) & told).sum())
        right += int(((found == k) & (truth == k)).sum())
        wholes = (wanted + painted - right, painted, wanted)
        for column, whole in zip(columns, wholes, strict=True):
            column.append(right / (whole + 1e-10))
    if not columns[0]:
        return ReleasedMetrics(np.nan, np.nan, np.nan)
    return ReleasedMetrics(*(float(round(np.mean(column), 3)) for column in columns))


@quick
@given(pairs)
def test_as_the_loop(pair: tuple[Labels, Labels]) -> None:
    figures = ReleasedMetrics.of(Confusion.of(*pair))
    np.testing.assert_equal(vars(figures), vars(naive_figures(*pair)))


def test_a_class_is_averaged_with_those_before_it() -> None:
    figures = ReleasedMetrics.of(Confusion.of(labels("11222222"), labels("11112222")))
    # class 1: 2 of 4; both together: 6 right of 8 wanted, 8 found, 10 in either
    assert figures.iou == pytest.approx((2 / 4 + 6 / 10) / 2)
    assert figures.precision == pytest.approx((2 / 2 + 6 / 8) / 2)
    assert figures.recall == pytest.approx((2 / 4 + 6 / 8) / 2)


def test_background_and_classes_of_the_labels_alone_do_not_count() -> None:
    assert ReleasedMetrics.of(Confusion.of(labels("1133"), labels("11.."))).iou == 1
    assert np.isnan(ReleasedMetrics.of(Confusion.of(labels("11"), labels(".."))).iou)
