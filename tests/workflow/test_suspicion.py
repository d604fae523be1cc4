"""The suspicion of samples that nobody opened: the same as opening them gives, kept and renewed."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.core.errors import SeplError
from napari_sepl.document.edits import ParamsEdit
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from napari_sepl.files.store import ReviewStep, StampedFacts
from napari_sepl.workflow import diagnose
from napari_sepl.workflow.diagnose import recall, suspect_rows, suspicion_of, suspicion_scan
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import ScanBatch, Suspicion
from tests.files.making import random_masks


@pytest.fixture
def reviewing(spec: DatasetSpec) -> Iterator[Reviewing]:
    errors: list[SeplError] = []
    opened = Reviewing.open(SampleIndex.open(spec), errors.append)
    yield opened
    opened.close()
    assert errors == []


def scan(reviewing: Reviewing) -> ScanBatch:
    return suspect_rows(reviewing, range(len(reviewing.queue)))


def keep(reviewing: Reviewing, scanned: ScanBatch) -> None:
    assert reviewing.on_disk.put_facts(scanned.fresh, last=True)
    assert reviewing.on_disk.flush(10)


def opened(reviewing: Reviewing, row: int) -> Suspicion:
    """Return what opening a sample shows."""
    document = reviewing.read(row)
    image_labels = reviewing.index.image_labels.get(document.inputs.sample_id, ())
    return suspicion_of(document.resolved, document.resolved.diagnose(image_labels))


def expected(reviewing: Reviewing) -> dict[int, Suspicion]:
    return {row: opened(reviewing, row) for row in range(len(reviewing.queue))}


def found(scanned: ScanBatch) -> dict[int, Suspicion | None]:
    return {row: facts.suspicion for row, facts in scanned.facts.items()}


def test_it_is_what_opening_shows(reviewing: Reviewing) -> None:
    scanned = scan(reviewing)
    assert found(scanned) == expected(reviewing)
    assert {one.cause for one in expected(reviewing).values()} - {None}
    classes = {row: facts.class_ids for row, facts in scanned.facts.items()}
    for row, class_ids in classes.items():
        assert class_ids == tuple(reviewing.read(row).inputs.overlap.class_ids.tolist())
    assert set(scanned.fresh) == set(reviewing.queue.ids)


def test_what_was_kept_is_not_read_again(
    reviewing: Reviewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = scan(reviewing)
    keep(reviewing, first)
    monkeypatch.setattr(diagnose, "load_enhanceable", None)  # calling it would raise TypeError
    again = scan(reviewing)
    assert (again.facts, again.fresh, again.failures) == (first.facts, {}, {})


@pytest.mark.parametrize("change", ["masks", "pseudo", "params", "version"])
def test_what_changed_is_read_again(
    reviewing: Reviewing, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    keep(reviewing, scan(reviewing))
    sample = reviewing.sample(0)
    assert sample.masks is not None
    if change == "masks":
        write_masks(sample.masks, MaskSet.from_dense(random_masks(3)))
    elif change == "pseudo":
        status = sample.pseudo.stat()
        os.utime(sample.pseudo, ns=(status.st_atime_ns, status.st_mtime_ns + 1000))
    elif change == "params":
        reviewing.put_params([0], {0: Params(t1=0.1, strategy=Strategy.RELEASED)})
    else:
        monkeypatch.setattr(diagnose, "SUSPICION_VERSION", diagnose.SUSPICION_VERSION + 1)
    again = scan(reviewing)
    names = reviewing.queue.ids if change == "version" else reviewing.queue.ids[:1]
    assert set(again.fresh) == set(names)
    assert found(again) == expected(reviewing)


def test_other_settings_make_the_queue_forget(reviewing: Reviewing) -> None:
    for row, one in found(scan(reviewing)).items():
        assert one is not None
        reviewing.queue.find_suspicion(row, *one)
    reviewing.put_params([1, 2], dict.fromkeys([1, 2], Params(t1=0.9)))
    assert suspicion_scan(reviewing).rows == [1, 2]


def test_strokes_count(reviewing: Reviewing) -> None:
    before = found(scan(reviewing))
    document = reviewing.read(0)
    params = Params(t1=0.2)
    edit = ParamsEdit(document.params, params, None)
    document.set_params(params)
    painted = document.resolved.labels.copy()
    class_id = int(document.inputs.overlap.class_ids[0])
    painted[painted == class_id] = 0
    document.absorb(painted)
    reviewing.record(0, document, [ReviewStep("do", edit)])
    scanned = scan(reviewing)
    change = float(np.mean(painted != document.inputs.pseudo))
    assert found(scanned)[0] == Suspicion(1.0, Cause.SHRUNK, change) != before[0]
    keep(reviewing, scanned)
    assert scan(reviewing).fresh == {}
    reviewing.queue.edits[0] += 1
    assert set(scan(reviewing).fresh) == {reviewing.queue.ids[0]}


def test_image_labels_count(spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "image_labels.txt").write_text(
        "".join(f"{name} sheep\n" for name in list_ids(spec))
    )
    tagged = spec.model_copy(update={"image_labels": tmp_path / "image_labels.txt"})
    reviewing = Reviewing.open(SampleIndex.open(tagged), lambda _: None)
    suspicions = [one for one in found(scan(reviewing)).values() if one is not None]
    assert {(one.share, one.cause) for one in suspicions} == {(1.0, Cause.MISSING)}
    reviewing.close()


def list_ids(spec: DatasetSpec) -> Sequence[str]:
    return SampleIndex.open(spec).ids


@pytest.mark.parametrize(
    "told",
    [None, 3, {}, {"share": "1", "cause": None}, {"share": 2.0, "cause": None},
     {"share": 0.5, "cause": "bad luck", "change": 0.5}, {"share": 0.5, "cause": None},
     {"share": 0.5, "cause": ["shrunk"], "change": 0.5},
     {"share": 0.5, "cause": None, "change": -0.5}],
)  # fmt: skip
def test_kept_facts_that_make_no_sense_are_read_anew(reviewing: Reviewing, told: object) -> None:
    fresh = scan(reviewing).fresh
    sample_id = reviewing.queue.ids[0]
    stamp, facts = fresh[sample_id]
    right = facts["suspicion"]["stamp"]
    odd = {**told, "stamp": right} if isinstance(told, dict) else told
    stored = StampedFacts(stamp, {**facts, "suspicion": odd})
    keep(reviewing, ScanBatch(1, fresh={sample_id: stored}))
    assert scan(reviewing).fresh[sample_id].facts == facts


def test_a_sample_without_masks_is_not_suspected(spec: DatasetSpec) -> None:
    (spec.folder("masks") / f"{list_ids(spec)[1]}.json").unlink()
    reviewing = Reviewing.open(SampleIndex.open(spec), lambda _: None)
    assert 1 not in suspicion_scan(reviewing).rows
    assert set(scan(reviewing).facts) == {0, 2, 3}
    reviewing.close()


def test_what_cannot_be_read_is_a_failure_and_left_out_next_time(reviewing: Reviewing) -> None:
    sample = reviewing.sample(2)
    assert sample.masks is not None
    sample.masks.write_text("[")
    scanned = scan(reviewing)
    assert set(scanned.failures) == {2}
    assert str(sample.masks) in scanned.failures[2]
    reviewing.queue.failures.update(scanned.failures)
    assert suspicion_scan(reviewing).rows == [0, 1, 3]


def test_after_its_time_it_begins_no_further_sample(reviewing: Reviewing) -> None:
    scanned = suspicion_scan(reviewing).read([2, 0, 1], -1)
    assert (scanned.count, list(scanned.facts)) == (1, [2])


def test_what_was_kept_is_recalled_at_once_and_checked_later(reviewing: Reviewing) -> None:
    scanned = scan(reviewing)
    keep(reviewing, scanned)
    reviewing.queue.edits[1] += 1
    recalled = recall(reviewing)
    assert recalled == {row: one for row, one in found(scanned).items() if row != 1}
    queue = reviewing.queue
    queue.remember(list(recalled), list(recalled.values()))
    assert not np.isnan(queue.change[[0, 2, 3]]).any()
    assert queue.unsuspected().tolist() == [0, 1, 2, 3]  # the scan looks at the files
    queue.find_suspicion(0, 0.125, None, 0.25)
    assert (queue.suspicion[0], queue.change[0], queue.cause_of(0)) == (0.125, 0.25, None)
    assert queue.unsuspected().tolist() == [1, 2, 3]
    queue.set_suspicion(2, 0.5, Cause.SHRUNK)  # from the window, which knows better
    queue.find_suspicion(2, 0.125, None, 0.25)
    assert queue.suspicion[2] == 0.5
