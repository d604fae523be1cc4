"""The diagnosis of a dataset: the same with one process and several, and as a table."""

import csv
from pathlib import Path

import pytest

from napari_sepl import Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.masks import diagnose
from napari_sepl.core.analysis.diagnosis.types import Diagnosis
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.samples import load
from napari_sepl.workflow.diagnose import DiagnosisRun, write_diagnoses
from napari_sepl.workflow.parallel.processes import Processes
from tests.messages import says


def diagnosis_of(dataset: SampleIndex, sample_id: str, params: Params) -> Diagnosis:
    overlap = load(dataset.sample(sample_id), dataset.classes).overlap
    assignment = assign(overlap, params)
    image_labels = dataset.image_labels.get(sample_id, ())
    return diagnose(overlap, assignment, paint(overlap, assignment, params), image_labels)


@pytest.mark.parametrize("strategy", Strategy)
def test_each_sample_is_diagnosed_with_these_settings(
    spec: DatasetSpec, strategy: Strategy
) -> None:
    dataset, params = SampleIndex.open(spec), Params(t1=0.3, strategy=strategy)
    run = DiagnosisRun(dataset, params)
    steps = list(run)
    assert [step.sample_id for step in steps] == list(dataset.ids)
    assert len(run) == len(steps)
    for sample_id, diagnosis in run.found:
        assert diagnosis == diagnosis_of(dataset, sample_id, params)
    worst = run.worst_first()
    assert sorted(worst, key=lambda one: dataset.ids.index(one[0])) == run.found
    suspicions = [diagnosis.suspicion for _, diagnosis in worst]
    assert suspicions == sorted(suspicions, reverse=True)
    assert suspicions[0] > suspicions[-1]


def test_several_processes_find_the_same(spec: DatasetSpec) -> None:
    dataset = SampleIndex.open(spec)
    alone, shared = (
        DiagnosisRun(dataset, Params()),
        DiagnosisRun(dataset, Params(), executor=Processes(2)),
    )
    assert list(alone) == list(shared)
    assert alone.found == shared.found


def test_image_labels_are_asked_for(spec: DatasetSpec, tmp_path: Path) -> None:
    first = SampleIndex.open(spec).ids[0]
    (tmp_path / "image_labels.txt").write_text(f"{first} sheep\n")
    dataset = SampleIndex.open(
        spec.model_copy(update={"image_labels": tmp_path / "image_labels.txt"})
    )
    run = DiagnosisRun(dataset, Params())
    list(run)
    sample_id, diagnosis = run.worst_first()[0]
    assert sample_id == first
    assert diagnosis.main is not None
    assert (diagnosis.main.cause, diagnosis.main.class_id) == ("missing", 17)


def test_it_goes_on_after_failures(spec: DatasetSpec) -> None:
    ids = SampleIndex.open(spec).ids
    (spec.folder("masks") / f"{ids[0]}.json").write_text("[")
    (spec.folder("images") / f"{ids[1]}.png").unlink()
    run = DiagnosisRun(SampleIndex.open(spec), Params())
    messages = {step.sample_id: step.message for step in run}
    assert messages[ids[1]] == f"{ids[1]}: no image"
    assert says(messages[ids[0]], spec.folder("masks") / f"{ids[0]}.json", "found")
    assert [sample_id for sample_id, _ in run.found] == list(ids[2:])


def test_samples_without_masks_are_left_out(spec: DatasetSpec) -> None:
    dataset = SampleIndex.open(spec)
    (spec.folder("masks") / f"{dataset.ids[1]}.json").unlink()
    run = DiagnosisRun(SampleIndex.open(spec), Params())
    assert [step.sample_id for step in run] == [*dataset.ids[:1], *dataset.ids[2:]]
    assert run.without_masks == [dataset.ids[1]]
    assert len(run) == 3


def test_the_table_has_a_row_for_each_finding(spec: DatasetSpec, tmp_path: Path) -> None:
    run = DiagnosisRun(SampleIndex.open(spec), Params())
    list(run)
    found = [*run.worst_first(), ("fine", Diagnosis(()))]
    write_diagnoses(tmp_path / "d.csv", found, run.index.classes)
    with (tmp_path / "d.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 + sum(len(one.findings) for _, one in run.found)
    assert rows[-1] | {"told": "", "cause": ""} == rows[-1]
    assert (rows[-1]["id"], rows[-1]["suspicion"], rows[-1]["rank"]) == ("fine", "0.0", "5")
    first, main = rows[0], found[0][1].main
    assert main is not None
    assert (first["rank"], first["id"], first["cause"]) == ("1", found[0][0], main.cause.label)
    assert float(first["suspicion"]) == found[0][1].suspicion
    assert float(first["strength"]) == main.strength
    assert first["told"].startswith(f"{first['class']}: ")
