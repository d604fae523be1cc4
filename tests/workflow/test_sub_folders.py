"""Samples in sub-folders: every run goes by their ids, and what it writes mirrors them."""

import csv
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import MaskSet, Params
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import ExportSettings, ImageFiles
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks, write_masks
from napari_sepl.files.store import Status
from napari_sepl.training.labelled import find_labelled
from napari_sepl.workflow.convert import convert_masks
from napari_sepl.workflow.diagnose import DiagnosisRun
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource, ReviewSource
from napari_sepl.workflow.export.unchanged import export_unchanged
from napari_sepl.workflow.masks import propose_folder
from napari_sepl.workflow.measure.evaluate import EvaluationRun, write_evaluation
from napari_sepl.workflow.measure.sweep import SweepRun
from napari_sepl.workflow.parallel.processes import HERE, Processes
from napari_sepl.workflow.report.report import ReportRun
from napari_sepl.workflow.results import Outcome
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.selection import AS_ENHANCED, Selection
from tests.files.cam_files import cams, save_class_pngs
from tests.files.dataset.opening import open_images, open_masks
from tests.files.making import random_labels, random_masks, save_amg_folder, save_image
from tests.workflow.test_propose import MADE_WITH, Fake

IDS = ("train/a", "train/b", "val/a")
STEP = list[tuple[str, str, str]]


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Three samples with ground truth in two sub-folders."""
    for sample_id in IDS:
        for role, ending in (("images", "jpg"), ("pseudo", "png"), ("ground_truth", "png")):
            path = tmp_path / role / f"{sample_id}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_image(path, random_labels(top=3))
        masks = tmp_path / "masks" / f"{sample_id}.json"
        masks.parent.mkdir(parents=True, exist_ok=True)
        write_masks(masks, MaskSet.from_dense(random_masks()))
    roles = ("images", "pseudo", "masks", "ground_truth", "out")
    return DatasetSpec(**{role: tmp_path / role for role in roles})


def told(steps: Any) -> STEP:
    return [(step.sample_id, step.outcome, step.message) for step in steps]


def labelled(spec: DatasetSpec, *roles: Role) -> SampleIndex:
    return SampleIndex.open(spec, (Role.LABELS, *roles), (Role.PSEUDO,), lead=Role.LABELS)


@pytest.mark.parametrize("executor", [HERE, Processes(2)])
def test_labels_mirror_the_sub_folders(spec: DatasetSpec, executor: Any) -> None:
    index = SampleIndex.open(spec)
    assert told(enhance_folder(index, Params(), executor=executor)) == [
        (sample_id, Outcome.SAVED, "") for sample_id in IDS
    ]
    for sample_id in IDS:
        provenance = read_provenance(spec.output / f"{sample_id}.png")
        assert provenance is not None
        assert provenance.sample_id == sample_id
    (spec.output / "val" / "a.png").unlink()
    assert [outcome for _, outcome, _ in told(enhance_folder(index, Params()))] == [
        Outcome.PRESENT, Outcome.PRESENT, Outcome.SAVED,
    ]  # fmt: skip


def test_a_double_costs_its_sample_and_no_other(spec: DatasetSpec) -> None:
    assert spec.images is not None
    save_image(spec.images / "train" / "a.png", random_labels())
    steps = told(enhance_folder(SampleIndex.open(spec), Params()))
    both = [f"{spec.images}/train/a.{ending}" for ending in ("jpg", "png")]
    assert steps == [
        ("train/a", Outcome.FAILED,
         f"train/a: {' and '.join(both)} have the same name up to the ending"),
        ("train/b", Outcome.SAVED, ""),
        ("val/a", Outcome.SAVED, ""),
    ]  # fmt: skip


def test_scores_of_classes_pair_by_the_last_part(spec: DatasetSpec) -> None:
    assert spec.pseudo is not None
    shutil.rmtree(spec.pseudo)
    for sample_id in IDS:
        folder = (spec.pseudo / sample_id).parent
        folder.mkdir(parents=True, exist_ok=True)
        save_class_pngs(folder, sample_id[-1], cams(shape=(30, 40)), [3, 14])
    steps = told(enhance_folder(SampleIndex.open(spec), Params()))
    assert steps == [(sample_id, Outcome.SAVED, "") for sample_id in IDS]
    assert set(np.unique(read_labels(spec.output / "train" / "b.png"))) <= {0, 4, 15}


def test_generated_masks_mirror_the_sub_folders_and_are_resumed(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    assert spec.images is not None
    index, out = open_images(spec.images), tmp_path / "made"
    assert told(propose_folder(index, out, Fake(), MADE_WITH)) == [
        (sample_id, Outcome.SAVED, "") for sample_id in IDS
    ]
    (out / "train" / "b.json").unlink()
    steps = told(propose_folder(index, out, Fake(), MADE_WITH))
    assert [outcome for _, outcome, _ in steps] == [
        Outcome.PRESENT, Outcome.SAVED, Outcome.PRESENT,
    ]  # fmt: skip
    again = SampleIndex.open(spec.model_copy(update={"masks": out}))
    assert again.sample("train/b").masks == out / "train" / "b.json"
    assert again.without(Role.MASKS) == []


def test_masks_made_since_the_listing_are_found(spec: DatasetSpec) -> None:
    index = SampleIndex.open(spec.model_copy(update={"masks": spec.output / "masks"}))
    assert index.without(Role.MASKS) == list(IDS)
    list(propose_folder(index, index.folders[Role.MASKS], Fake(), MADE_WITH))
    assert index.without(Role.MASKS) == []


def test_converted_masks_mirror_the_sub_folders(tmp_path: Path) -> None:
    for sample_id in IDS:
        folder = tmp_path / "masks" / sample_id
        folder.parent.mkdir(parents=True, exist_ok=True)
        save_amg_folder(folder, random_masks())
    steps = told(convert_masks(open_masks(tmp_path / "masks"), tmp_path / "json"))
    assert steps == [(sample_id, Outcome.SAVED, "") for sample_id in IDS]
    expected = MaskSet.from_dense(random_masks()).digest
    assert read_masks(tmp_path / "json" / "val" / "a.json", (30, 40)).digest == expected


def test_tables_name_the_samples_by_their_ids(spec: DatasetSpec, tmp_path: Path) -> None:
    list(enhance_folder(SampleIndex.open(spec), Params()))
    run = EvaluationRun(labelled(spec, Role.TRUTH))
    assert [step.message for step in run] == ["", "", ""]
    files = write_evaluation(tmp_path / "e.csv", run.evaluation)
    rows = csv.DictReader(files[0].read_text("utf-8").splitlines())
    assert tuple(row["sample_id"] for row in rows) == IDS
    swept, diagnosed = (
        SweepRun(SampleIndex.open(spec), Params()),
        DiagnosisRun(SampleIndex.open(spec), Params(), executor=Processes(2)),
    )
    assert [step.sample_id for step in swept if not step.message] == list(IDS)
    assert [step.sample_id for step in diagnosed if not step.message] == list(IDS)
    report = ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED))
    assert [step.sample_id for step in report if not step.message] == list(IDS)
    assert tuple(image.sample_id for image in report.report.images) == IDS


def test_problems_are_failed_samples_of_every_run(spec: DatasetSpec) -> None:
    list(enhance_folder(SampleIndex.open(spec), Params()))
    assert spec.images is not None
    (spec.images / "val" / "a.jpg").unlink()
    save_image(spec.output / "lone.png", random_labels(top=3))
    index = SampleIndex.open(spec)
    runs: list[Any] = [
        SweepRun(index, Params()), DiagnosisRun(index, Params()),
        ReportRun(Selection(index, None, AS_ENHANCED)),
    ]  # fmt: skip
    for run in runs:
        assert len(run) == len(IDS)
        assert [step.message for step in run] == ["val/a: no image", "", ""]
    evaluation = EvaluationRun(labelled(spec, Role.TRUTH))
    assert len(evaluation) == 4
    assert [step.message for step in evaluation] == ["lone: no ground truth", "", "", ""]
    assert [one.sample_id for one in find_labelled(labelled(spec, Role.IMAGE))] == list(IDS[:2])


def test_a_review_is_kept_and_made_anew_by_the_ids(spec: DatasetSpec, tmp_path: Path) -> None:
    reviewing = Reviewing.open(SampleIndex.open(spec), on_error=print)
    for row in range(len(IDS)):
        reviewing.accept_unseen(row)
    reviewing.put_statuses(range(len(IDS)), Status.ACCEPTED)
    assert (spec.output / "train" / "b.png").is_file()
    reviewing.close()
    again = Reviewing.open(SampleIndex.open(spec), on_error=print)
    assert [again.queue.status_of(row) for row in range(len(IDS))] == [Status.ACCEPTED] * 3
    store = again.on_disk.written()
    assert again.wrote(0, spec.output / "train" / "a.png")
    steps = told(export_unchanged(Selection(again.index, store), tmp_path / "anew"))
    assert steps == [(sample_id, Outcome.SAVED, "") for sample_id in IDS]
    source = ReviewSource(again.index, store)
    assert list(source.ids) == list(IDS)
    assert np.array_equal(
        source.read("val/a", with_pseudo=False).labels,
        read_labels(tmp_path / "anew" / "val" / "a.png"),
    )
    again.close()


@pytest.mark.parametrize("name", [one for one in EXPORT_FORMATS if one != "soft"])
def test_exports_are_flat(spec: DatasetSpec, tmp_path: Path, name: str) -> None:
    list(enhance_folder(SampleIndex.open(spec), Params()))
    settings = ExportSettings(format=name, pictures=ImageFiles.COPY)
    source, to = FolderSource(labelled(spec, Role.IMAGE)), tmp_path / "to"
    assert told(Export(source, to, settings).run()) == [
        (sample_id, Outcome.SAVED, "") for sample_id in IDS
    ]
    files = {path.name for path in to.rglob("*") if path.is_file()}
    assert {"train__a.jpg", "train__b.jpg", "val__a.jpg"} <= files
    for path in to.rglob("train*.txt"):
        assert path.read_text().split()[0] in ("train__a", "0") or path.parent.name == "train"
    for path in to.rglob("instances_*.json"):
        assert '"file_name": "train__a.jpg"' in path.read_text()
    assert {outcome for _, outcome, _ in told(Export(source, to, settings).run())} == {
        Outcome.PRESENT
    }


@pytest.mark.skipif(sys.platform != "linux", reason="names differ there in more than case")
def test_names_that_clash_in_an_export_are_refused(tmp_path: Path) -> None:
    for name in ("train/a", "train__a", "val/a", "VAL__A", "b"):
        path = tmp_path / "labels" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_image(path, random_labels(top=3))

    def export() -> STEP:
        spec = DatasetSpec(out=tmp_path / "labels", list_file=tmp_path / "list.txt")
        index = SampleIndex.open(spec, (Role.LABELS,), (), lead=Role.LABELS)
        settings = ExportSettings(format="png")
        return told(Export(FolderSource(index), tmp_path / "to", settings).run())

    (tmp_path / "list.txt").write_text("train/a\ntrain__a\nval/a\nVAL__A\nb\n")
    assert export() == [
        ("train/a", Outcome.SAVED, ""),
        ("train__a", Outcome.FAILED,
         "its files would have the names of those of train/a: train__a."),
        ("val/a", Outcome.SAVED, ""),
        ("VAL__A", Outcome.FAILED, "its files would have the names of those of val/a: VAL__A."),
        ("b", Outcome.SAVED, ""),
    ]  # fmt: skip
    before = (tmp_path / "to" / "labels" / "train__a.png").read_bytes()
    (tmp_path / "list.txt").write_text("train__a\nb\n")  # after which the earlier one still counts
    assert [outcome for _, outcome, _ in export()] == [Outcome.FAILED, Outcome.PRESENT]
    assert (tmp_path / "to" / "labels" / "train__a.png").read_bytes() == before
