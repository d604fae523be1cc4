from napari_sepl.document.class_rows import count_classes
from napari_sepl.document.resolve import resolve
from napari_sepl.document.said import Said
from tests.document.drawing import cat_and_dog


def test_rows_tell_pixels_before_and_after() -> None:
    inputs = cat_and_dog()
    rows = {r.class_id: r for r in count_classes(inputs, resolve(inputs.overlap, Said()))}
    assert list(rows) == [0, 8, 12]
    assert (rows[8].name, rows[8].before, rows[8].after) == ("cat", 225, 400)
    assert (rows[12].before, rows[12].after, rows[12].iou_after) == (80, 200, None)
    assert sum(row.after for row in rows.values()) == inputs.pseudo.size


def test_rows_tell_iou_against_the_truth() -> None:
    inputs = cat_and_dog(truth=True)
    rows = {r.class_id: r for r in count_classes(inputs, resolve(inputs.overlap, Said()))}
    assert rows[8].iou_before == 225 / 400
    assert rows[8].iou_after == 1


def test_a_class_only_in_the_truth_has_a_row() -> None:
    inputs = cat_and_dog(truth=True)
    assert inputs.truth is not None
    inputs.truth[0, :3] = 15
    rows = {r.class_id: r for r in count_classes(inputs, resolve(inputs.overlap, Said()))}
    assert (rows[15].before, rows[15].after, rows[15].iou_after) == (0, 0, 0.0)


def test_the_current_class_and_protected_ones_have_a_row() -> None:
    inputs = cat_and_dog()
    resolved = resolve(inputs.overlap, Said(protected=frozenset({3})))
    rows = {r.class_id: r for r in count_classes(inputs, resolved, 5)}
    assert sorted(rows) == [0, 3, 5, 8, 12]
    assert [class_id for class_id, row in rows.items() if row.protected] == [3]
