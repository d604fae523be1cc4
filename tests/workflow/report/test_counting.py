"""A report against enhancing, comparing and counting each sample by hand."""

from collections import Counter

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.document.document import Document
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.samples import load
from napari_sepl.files.store import Review, Status, Store, store_file
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.measure.sweep import SweepRun
from napari_sepl.workflow.parallel.processes import Processes
from napari_sepl.workflow.report.report import Report, ReportRun
from napari_sepl.workflow.review.selection import AS_ENHANCED, Selection
from tests.workflow.sweeping import IDS, SHAPE

PIXELS = SHAPE[0] * SHAPE[1]


def report_on(
    spec: DatasetSpec, store: Store | None = None, start: Params | None = None, workers: int = 1
) -> Report:
    run = ReportRun(
        Selection(SampleIndex.open(spec), store, AS_ENHANCED, start), executor=Processes(workers)
    )
    steps = list(run)
    assert [step.sample_id for step in steps] == run.ids
    return run.report


def documents(spec: DatasetSpec, params: Params) -> dict[str, Document]:
    """Open each sample as the window does."""
    dataset = SampleIndex.open(spec)
    opened = {i: Document(load(dataset.sample(i), dataset.classes)) for i in dataset.ids}
    for document in opened.values():
        document.set_params(params)
    return opened


def review(document: Document, status: Status) -> Review:
    """Return what the window records of a document."""
    inputs, annotations = document.inputs, document.annotations
    return Review(
        inputs.sample_id, status, annotations.params, annotations.overlay, annotations.decisions,
        locked=annotations.locked, locked_pixels=annotations.locked_pixels,
        prompted=annotations.prompted,
        digests={role: inputs.digests[role] for role in MADE_FROM},
        labels=digest_labels(document.resolved.labels),
    )  # fmt: skip


@pytest.mark.parametrize("params", [Params(), Params(t1=0.2, t2=0.5, strategy="released")])
def test_it_counts_what_sepl_makes_of_each_sample(spec: DatasetSpec, params: Params) -> None:
    report = report_on(spec, start=params)
    opened = documents(spec, params)
    after = before = Confusion.nothing()
    for image in report.images:
        document = opened[image.sample_id]
        final, pseudo, truth = (
            document.resolved.labels,
            document.inputs.pseudo,
            document.inputs.truth,
        )
        assert truth is not None
        own = Confusion.of(final, truth)
        assert image.change == np.mean(final != pseudo)
        assert image.iou_after == pytest.approx(np.nanmean(own.iou[own.wanted > 0]))
        after, before = after + own, before + Confusion.of(pseudo, truth)
    assert report.agreement_after is not None
    assert report.agreement_before is not None
    np.testing.assert_array_equal(report.agreement_after.regions.counts, after.counts)
    np.testing.assert_array_equal(report.agreement_before.regions.counts, before.counts)
    assert sum(report.sources.values()) == report.after.sum() == len(IDS) * PIXELS
    assert report.statuses == {Status.PENDING: len(IDS)}
    assert report.before[8] == sum((d.inputs.pseudo == 8).sum() for d in opened.values())
    assert report.holding[12] == sum((d.resolved.labels == 12).any() for d in opened.values())


def test_its_surface_is_that_of_a_sweep(spec: DatasetSpec) -> None:
    report, run = report_on(spec), SweepRun(SampleIndex.open(spec), Params())
    list(run)
    assert report.sweep is not None
    np.testing.assert_array_equal(report.sweep.matches.mean_iou, run.sweep.matches.mean_iou)
    assert report.sweep.best == run.sweep.best


def test_the_worst_lost_most_and_the_best_gained_most(spec: DatasetSpec) -> None:
    report = report_on(spec)
    gains = {image.sample_id: image.gain for image in report.images}
    assert len(set(gains.values())) > 1
    assert report.worst(1)[0].gain == min(gains.values())
    assert report.best(1)[0].gain == max(gains.values())
    assert [image.gain for image in report.worst(9)] == sorted(gains.values())


def test_without_truth_the_most_suspicious_come_first(spec: DatasetSpec) -> None:
    report = report_on(spec.model_copy(update={"ground_truth": None}))
    assert not report.against_truth
    assert report.sweep is not None
    assert not report.sweep.against_truth
    found = [image.suspicion for image in report.worst(9)]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) > 1
    assert Counter(report.causes) == Counter(image.cause for image in report.images if image.cause)


def test_reviewed_samples_count_as_they_were_reviewed(spec: DatasetSpec) -> None:
    painted = documents(spec, Params(t1=0.3))["b"]
    shown = painted.resolved.labels.copy()
    shown[:10] = 15
    painted.absorb(shown)
    with Store.open(store_file(spec.output), who="ana") as store:
        store.put_review(review(painted, Status.ACCEPTED))
        report = report_on(spec, store)
    image = next(image for image in report.images if image.sample_id == "b")
    assert (image.status, image.edited) == (Status.ACCEPTED, True)
    assert image.change == np.mean(painted.resolved.labels != painted.inputs.pseudo)
    others = documents(spec, Params())
    final = [painted if i == "b" else others[i] for i in IDS]
    assert report.after[15] == sum((d.resolved.labels == 15).sum() for d in final)


def test_a_sample_whose_inputs_changed_since_its_review_is_left_out(spec: DatasetSpec) -> None:
    reviewed = documents(spec, Params())["c"]
    with Store.open(store_file(spec.output), who="ana") as store:
        store.put_review(review(reviewed, Status.ACCEPTED))
        path = spec.folder("pseudo") / "c.png"
        path.write_bytes((spec.folder("pseudo") / "b.png").read_bytes())
        report = report_on(spec, store)
    assert [image.sample_id for image in report.images] == ["a2", "a10", "b"]
    assert report.failures == []


def test_a_broken_file_is_told_and_the_rest_counted(spec: DatasetSpec) -> None:
    (spec.folder("masks") / "a10.json").write_text("{")
    report = report_on(spec)
    assert len(report.images) == len(IDS) - 1
    assert "a10.json" in report.failures[0]


def test_samples_without_masks_are_named(spec: DatasetSpec) -> None:
    (spec.folder("masks") / "a10.json").unlink()
    report = report_on(spec)
    assert report.without_masks == ["a10"]
    assert [image.sample_id for image in report.images] == ["a2", "b", "c"]


def test_several_processes_say_the_same(spec: DatasetSpec) -> None:
    one, two = report_on(spec), report_on(spec, workers=2)
    assert one.images == two.images
    np.testing.assert_array_equal(one.after, two.after)
    assert one.sources == two.sources
