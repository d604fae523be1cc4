import pytest

from napari_sepl.document.annotations import Annotations
from napari_sepl.document.class_rows import Change, count_classes, mean_iou
from napari_sepl.document.resolve import resolve
from tests.document.drawing import cat_and_dog


def test_rows_tell_pixels_before_and_after() -> None:
    inputs = cat_and_dog()
    rows = {r.class_id: r for r in count_classes(inputs, resolve(inputs.overlap, Annotations()))}
    assert list(rows) == [0, 8, 12]
    assert (rows[8].name, rows[8].before, rows[8].after) == ("cat", 225, 400)
    assert (rows[12].before, rows[12].after, rows[12].iou.after) == (80, 200, None)
    assert sum(row.after for row in rows.values()) == inputs.pseudo.size


def test_rows_tell_iou_against_the_truth() -> None:
    inputs = cat_and_dog(truth=True)
    rows = {r.class_id: r for r in count_classes(inputs, resolve(inputs.overlap, Annotations()))}
    assert rows[8].iou == Change(225 / 400, 1)
    assert rows[8].precision == Change(1, 1)
    assert rows[8].recall == Change(225 / 400, 1)
    assert rows[8].recall.gain == 175 / 400
    right = 2400 - 600
    assert rows[0].precision == Change(right / (2400 - 225 - 80), 1)
    assert rows[0].recall == Change(1, 1)


def test_mean_iou_is_over_the_classes_of_the_truth() -> None:
    inputs = cat_and_dog(truth=True)
    inputs.pseudo[39, 59] = 15  # which no mask and no truth holds
    rows = count_classes(inputs, resolve(inputs.overlap, Annotations(decisions={-15: -1})), 3)
    by_class = {row.class_id: row for row in rows}
    assert by_class[15].iou == Change(0, None)
    assert by_class[15].recall == Change(None, None)
    assert by_class[3].iou == Change(None, None)
    mean = mean_iou(rows)
    assert mean.before == pytest.approx((1799 / 2095 + 225 / 400 + 80 / 200) / 3)
    assert mean.after == 1
    assert mean_iou([]).gain is None


def test_a_class_only_in_the_truth_has_a_row() -> None:
    inputs = cat_and_dog(truth=True)
    assert inputs.truth is not None
    inputs.truth[0, :3] = 15
    rows = {r.class_id: r for r in count_classes(inputs, resolve(inputs.overlap, Annotations()))}
    assert (rows[15].before, rows[15].after, rows[15].iou.after) == (0, 0, 0.0)


def test_the_current_class_and_locked_ones_have_a_row() -> None:
    inputs = cat_and_dog()
    resolved = resolve(inputs.overlap, Annotations(locked=frozenset({3})))
    rows = {r.class_id: r for r in count_classes(inputs, resolved, 5)}
    assert sorted(rows) == [0, 3, 5, 8, 12]
    assert [class_id for class_id, row in rows.items() if row.locked] == [3]
