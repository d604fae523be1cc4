"""Whatever the files of a sample cause costs that sample and one line, in every run over many."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_sepl import Params
from napari_sepl.core.errors import SeplError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files import image_formats, png_chunks
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.exports.base import ExportSettings
from napari_sepl.files.samples import load
from napari_sepl.training.batches import Crops, Draw
from napari_sepl.training.labelled import find_labelled, survey
from napari_sepl.workflow.convert import convert_masks
from napari_sepl.workflow.diagnose import DiagnosisRun, suspect_rows
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource
from napari_sepl.workflow.export.unchanged import export_unchanged
from napari_sepl.workflow.masks import propose_folder
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from napari_sepl.workflow.measure.sweep import SweepRun
from napari_sepl.workflow.report.page import picture
from napari_sepl.workflow.report.report import ReportRun
from napari_sepl.workflow.results import Outcome
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import scan_rows
from napari_sepl.workflow.review.selection import AS_ENHANCED, Selection
from tests.files.making import random_masks, save_amg_folder
from tests.training.tiny import RECIPE
from tests.workflow.reviewed import Session
from tests.workflow.sweeping import IDS
from tests.workflow.test_propose import MADE_WITH, Fake

WORDS = "ThunderError: in the middle of ? a line"


class ThunderError(Exception):
    """What nobody foresaw."""


class Unforeseen:
    """Makes the reader of pictures fail at the files of one sample as nobody foresaw."""

    def __init__(self, sample_id: str) -> None:
        self.sample_id = sample_id
        self.usual = png_chunks.checked_png

    def __call__(self, file: Any, path: Path, expected: str) -> Any:
        if self.sample_id in (path.stem, path.parent.name):
            raise ThunderError("in the middle\nof \x1b a line")
        return self.usual(file, path, expected)


@pytest.fixture
def break_sample(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda sample_id: monkeypatch.setattr(
        image_formats, "checked_png", Unforeseen(sample_id)
    )


def enhance(spec: DatasetSpec) -> Any:
    return enhance_folder(SampleIndex.open(spec), Params())


def evaluate(spec: DatasetSpec) -> Any:
    needed = (Role.LABELS, Role.TRUTH)
    return EvaluationRun(SampleIndex.open(spec, needed, (), lead=Role.LABELS, labels=spec.pseudo))


def export(spec: DatasetSpec) -> Any:
    index = SampleIndex.open(spec, (Role.LABELS,), (), lead=Role.LABELS, labels=spec.pseudo)
    source = FolderSource(index)
    return Export(source, spec.output, ExportSettings(format="png")).run()


def propose(spec: DatasetSpec) -> Any:
    index = SampleIndex.open(spec, (Role.IMAGE,), (), lead=Role.IMAGE)
    return propose_folder(index, spec.output, Fake(), MADE_WITH)


def convert(spec: DatasetSpec) -> Any:
    folder = spec.output / "folders"
    folder.mkdir(parents=True)
    for sample_id in IDS:
        save_amg_folder(folder / sample_id, random_masks())
    masks = DatasetSpec(masks=folder).model_copy(update={"list_file": spec.list_file})
    index = SampleIndex.open(masks, (Role.MASKS,), (), lead=Role.MASKS)
    return convert_masks(index, spec.output / "json")


RUNS: dict[str, Callable[[DatasetSpec], Any]] = {
    "enhance": enhance, "evaluate": evaluate, "export": export, "masks": propose,
    "convert-masks": convert,
    "sweep": lambda spec: SweepRun(SampleIndex.open(spec), Params()),
    "diagnose": lambda spec: DiagnosisRun(SampleIndex.open(spec), Params()),
    "report": lambda spec: ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED)),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_in_runs_of_the_command_line(
    name: str, spec: DatasetSpec, break_sample: Callable[[str], None]
) -> None:
    break_sample("b")
    told = {step.sample_id: step.message for step in RUNS[name](spec)}
    assert set(told) == set(IDS)
    assert [sample_id for sample_id, message in told.items() if message] == ["b"]
    assert told["b"].startswith("unexpected error: ")
    assert told["b"].endswith(WORDS)
    assert "b" in told["b"].removesuffix(WORDS)


@pytest.mark.parametrize("name", RUNS)
def test_samples_that_cannot_be_used_come_first(name: str, spec: DatasetSpec) -> None:
    file = spec.output.with_name("list.txt")
    file.write_text("\n".join((*IDS, "gone")))
    results = list(RUNS[name](spec.model_copy(update={"list_file": file})))
    assert [result.sample_id for result in results] == ["gone", *IDS]
    assert [result.outcome for result in results].count(Outcome.FAILED) == 1
    assert results[0].message.startswith("gone: no ")


def test_in_a_reports_pictures(spec: DatasetSpec, break_sample: Callable[[str], None]) -> None:
    run = ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED))
    list(run)
    break_sample("b")
    drawn = [
        picture(image, item, run.index.classes)
        for image, item in zip(run.report.images, map(run.selection.labels, run.ids), strict=True)
    ]
    assert [bool(one.problem) for one in drawn] == [one.image.sample_id == "b" for one in drawn]


def test_in_labels_that_are_made_anew(tmp_path: Path, break_sample: Callable[[str], None]) -> None:
    session = Session(tmp_path)
    for sample_id in session.index.ids:
        session.review(sample_id, Params())
    break_sample("b")
    steps = list(export_unchanged(Selection(session.index, session.store), tmp_path / "anew"))
    session.store.close()
    assert [bool(step.message) for step in steps] == [False, False, True]


def test_in_what_the_window_reads_in_the_background(
    spec: DatasetSpec, break_sample: Callable[[str], None]
) -> None:
    dataset = SampleIndex.open(spec)
    rows, bad = range(len(dataset)), dataset.positions["b"]
    break_sample("b")
    assert set(scan_rows(dataset, rows, lambda _: {}).failures) == {bad}
    reviewing = Reviewing.open(dataset, on_error=print)
    suspected = suspect_rows(reviewing, rows)
    reviewing.close()
    assert set(suspected.failures) == {bad}
    assert len(suspected.facts) == len(IDS) - 1


def test_in_training(spec: DatasetSpec, break_sample: Callable[[str], None]) -> None:
    index = SampleIndex.open(
        spec, (Role.IMAGE, Role.LABELS), (), lead=Role.LABELS, labels=spec.pseudo
    )
    samples = find_labelled(index)
    names = [sample.sample_id for sample in samples]
    break_sample("b")
    crops = Crops(samples, VOC, RECIPE)
    told = [crops[Draw(0, 0, place)] for place in range(len(samples))]
    assert [isinstance(one, str) for one in told] == [name == "b" for name in names]
    with pytest.raises(SeplError, match=f"^unexpected error: .*b.png: {WORDS[:20]}"):
        survey(samples, VOC, lambda *_: None)


def test_reading_a_sample_says_what_happened(
    spec: DatasetSpec, break_sample: Callable[[str], None]
) -> None:
    break_sample("b")
    with pytest.raises(ThunderError):  # no reader hides what it did not foresee
        load(SampleIndex.open(spec).sample("b"), VOC)
