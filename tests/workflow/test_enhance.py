import errno
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from napari_sepl import Params, __version__
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.provenance import count_sources
from napari_sepl.core.errors import SaveError
from napari_sepl.core.labels.classes import COCO, VOC
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files import atomic
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.label_png import KEY, Provenance, encode_label_png, read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import load, load_enhanceable
from napari_sepl.workflow import enhance
from napari_sepl.workflow.enhance import (
    enhance_folder,
    enhance_sample,
    label_file,
    save_enhanced,
    save_resolved,
)
from napari_sepl.workflow.parallel.processes import DIED, Processes
from napari_sepl.workflow.results import Outcome
from tests.core.naive import naive_enhance
from tests.files.making import random_labels, random_masks, refused, save_amg_folder, save_image
from tests.messages import says
from tests.waiting import wait_until
from tests.workflow.dataset import STEMS, WHOLE, Dataset
from tests.workflow.deadly import end_at


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path)


def test_a_folder_is_enhanced_in_order_and_says_how(dataset: Dataset) -> None:
    params = Params(t1=0.4, strategy=Strategy.RELEASED, conflict=Conflict.PSEUDO)
    assert list(dataset.run(params).items()) == [(stem, Outcome.SAVED) for stem in STEMS]
    assert list(dataset.saved()) == ["a10.png", "a2.png", "b.png"]
    expected = naive_enhance(random_labels(top=3), random_masks(), params)
    inputs = load(dataset.sample("a2"), VOC)
    for stem in STEMS:
        path = label_file(dataset.out, stem)
        np.testing.assert_array_equal(read_labels(path), expected)
        assert read_provenance(path) == Provenance(
            version=__version__,
            sample_id=stem,
            params=params,
            classes="voc",
            digests={role: inputs.digests[role] for role in ("image", "pseudo", "masks")},
            edited=False,
            sources=count_by_name(resolve(inputs.overlap, Annotations(params))),
            labels=digest_labels(expected),
        )


def count_by_name(resolved: Resolved) -> dict[str, int]:
    counts = count_sources(resolved.find_sources())
    assert sum(counts.values()) == resolved.labels.size
    return {source.name.lower(): count for source, count in counts.items()}


@settings(deadline=None, max_examples=30)
@given(
    params=st.builds(
        Params, t1=st.floats(0, 1), t2=st.floats(0, 1), strategy=st.sampled_from(Strategy),
        conflict=st.sampled_from(Conflict),
    ),
)  # fmt: skip
def test_window_and_folder_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, params: Params
) -> None:
    dataset = Dataset(tmp_path_factory.mktemp("d"))
    sample = dataset.sample("b")
    dataset.out.mkdir()
    first = enhance_sample(sample, dataset.out, VOC, params)[0].read_bytes()
    inputs = load(sample, VOC)  # as the window does: the picture and the truth are read too
    assert inputs.truth is not None
    resolved = resolve(inputs.overlap, Annotations(params))
    assert save_resolved(dataset.out, resolved, inputs).read_bytes() == first
    given_only = load_enhanceable(sample, VOC)
    assert save_resolved(dataset.out, resolved, given_only).read_bytes() == first
    labels = resolved.labels
    assert save_enhanced(dataset.out, labels, inputs, params, edited=True).read_bytes() != first


def test_masks_as_json_and_as_a_folder_give_the_same_bytes(dataset: Dataset) -> None:
    dataset.run()
    before = dataset.saved()
    for stem in STEMS:
        (dataset.root / "masks" / f"{stem}.json").unlink()
        save_amg_folder(dataset.root / "masks" / stem, random_masks())
    assert set(dataset.run(overwrite=True).values()) == {Outcome.SAVED}
    assert dataset.saved() == before


def test_what_is_done_is_passed_over(dataset: Dataset) -> None:
    dataset.run()
    before = {path: path.stat().st_ino for path in dataset.out.iterdir()}
    (dataset.out / "a10.png").unlink()
    assert dataset.run() == {
        "a2": Outcome.PRESENT,
        "a10": Outcome.SAVED,
        "b": Outcome.PRESENT,
    }
    assert (dataset.out / "b.png").stat().st_ino == before[dataset.out / "b.png"]
    assert set(dataset.run(overwrite=True).values()) == {Outcome.SAVED}


def test_labels_a_person_edited_are_never_replaced(dataset: Dataset) -> None:
    dataset.run()
    sample = dataset.sample("b")
    save_enhanced(dataset.out, random_labels(), load(sample, VOC), Params(t1=0.9), edited=True)
    before = label_file(dataset.out, "b").read_bytes()
    for overwrite in (False, True):
        assert dataset.run(overwrite=overwrite)["b"] is Outcome.KEPT
        assert label_file(dataset.out, "b").read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "replaced"),
    [
        ("another program's", False), ("other settings", True), ("other classes", True),
        ("cut off", True), ("cut off and edited", False), ("cut off early", False),
        ("of a newer version", False),
    ],
)  # fmt: skip
def test_another_file_in_the_way_is_a_failure_and_ours_alone_is_made_again(
    dataset: Dataset, kind: str, replaced: bool
) -> None:
    dataset.out.mkdir()
    path = label_file(dataset.out, "b")
    inputs = load(dataset.sample("b"), VOC)
    told = {
        "another program's": "exists and was not written by napari-sepl: ",
        "other settings": "made with other settings (t1 0.25; now 0.5): ",
        "other classes": "made with other settings (classes coco; now voc)",
        "cut off": "whole labels of napari-sepl; --overwrite makes it again",
        "cut off and edited": "; remove it",
        "cut off early": "; remove it",
        "of a newer version": "provenance that is not valid",
    }[kind]
    if kind == "another program's":
        save_image(path, inputs.pseudo)
    elif kind == "other settings":
        save_enhanced(dataset.out, inputs.pseudo, inputs, Params(t1=0.25))
    elif kind == "other classes":
        save_enhanced(dataset.out, inputs.pseudo, load(dataset.sample("b"), COCO), Params())
    else:
        save_enhanced(dataset.out, inputs.pseudo, inputs, Params(), edited="edited" in kind)
        whole = path.read_bytes()
        cut = {"cut off early": 100, "of a newer version": len(whole)}.get(kind, len(whole) - 100)
        path.write_bytes(whole[:cut])
    if kind == "of a newer version":
        text = PngImagePlugin.PngInfo()
        text.add_text(KEY, '{"version": "99"}')
        with Image.open(path) as picture:
            picture.save(path, pnginfo=text)
    before = path.read_bytes()
    steps = dataset.steps()
    outcome = Outcome.OTHER if kind in ("other settings", "other classes") else Outcome.FAILED
    assert [one for _, one, _ in steps] == [Outcome.SAVED, Outcome.SAVED, outcome]
    assert told in steps[2][2]
    assert str(path) in steps[2][2]
    assert path.read_bytes() == before
    again = dataset.steps(overwrite=True)[2]
    assert again[1] is (Outcome.SAVED if replaced else Outcome.FAILED)
    assert (path.read_bytes() != before) is replaced
    assert replaced or str(path) in again[2]


def test_a_background_counts_for_scores_alone(dataset: Dataset) -> None:
    dataset.run()
    before = dataset.saved()
    told = [outcome for _, outcome, _ in dataset.steps(Params(background=0.3))]
    assert set(told) == {Outcome.PRESENT}
    dataset.run(overwrite=True)
    again = dataset.steps(Params(background=0.3), overwrite=True)
    assert {outcome for _, outcome, _ in again} == {Outcome.SAVED}
    assert dataset.saved() == before
    assert set(dataset.run().values()) == {Outcome.PRESENT}


def test_a_failure_names_the_file_and_the_run_goes_on(dataset: Dataset) -> None:
    broken = dataset.root / "masks" / "a10.json"
    broken.write_text("[")
    first, second, third = dataset.steps()
    assert (first[1], second[1], third[1]) == (Outcome.SAVED, Outcome.FAILED, Outcome.SAVED)
    assert says(second[2], broken, "found damaged or cut-off content")
    assert list(dataset.saved()) == ["a2.png", "b.png"]


def test_incomplete_samples_are_failures_unless_only_truth_is_missing(dataset: Dataset) -> None:
    (dataset.root / "masks" / "a2.json").unlink()
    (dataset.root / "ground_truth" / "a2.png").unlink()
    (dataset.root / "ground_truth" / "b.png").unlink()
    save_image(dataset.root / "images" / "extra.png", random_labels())
    assert dataset.steps() == [
        ("a2", Outcome.FAILED, "a2: no masks"),
        ("a10", Outcome.SAVED, ""),
        ("b", Outcome.SAVED, ""),
    ]
    assert dataset.index().without(Role.TRUTH) == ["b"]
    assert dataset.index().unused == ("extra",)


@pytest.mark.parametrize("overwrite", [False, True])
def test_labels_are_never_saved_over_their_own_inputs(dataset: Dataset, overwrite: bool) -> None:
    sample = dataset.sample("b")
    before = sample.pseudo.read_bytes()
    dataset.out = dataset.root / "pseudo"
    with refused(dataset.out, "one of the input folders"):
        dataset.run(overwrite=overwrite)
    assert sample.pseudo.read_bytes() == before
    with refused(sample.pseudo, "one of the inputs"):
        enhance_sample(sample, dataset.out, VOC, Params())
    assert sample.truth is not None
    with refused(sample.truth, "one of the inputs"):
        enhance_sample(sample, dataset.root / "ground_truth", VOC, Params())


def test_a_full_disk_fails_each_sample_and_keeps_what_was_there(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.run()
    before = dataset.saved()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    steps = dataset.steps(Params(t1=0.1), overwrite=True)
    assert {outcome for _, outcome, _ in steps} == {Outcome.FAILED}
    assert all("(No space left on device)" in message for *_, message in steps)
    assert dataset.saved() == before


def test_a_folder_that_vanishes_in_the_middle_is_told_and_not_made_again(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled, put = [], atomic._settled

    def settle(*given: Any) -> list[Any]:
        settled.append(put(*given))
        return settled[-1]

    monkeypatch.setattr(atomic, "GROUP", 1)
    monkeypatch.setattr(atomic, "_settled", settle)
    events = enhance_folder(dataset.index(), Params())
    assert next(events).outcome is Outcome.SAVED
    wait_until(lambda: len(settled) == 2)
    shutil.rmtree(dataset.out)
    assert next(events).outcome is Outcome.SAVED  # it was there already
    for event in events:
        assert event.outcome is Outcome.FAILED
        assert event.message.startswith("could not be saved: ")
    assert not dataset.out.exists()


def test_a_folder_that_cannot_be_made_ends_the_run(dataset: Dataset) -> None:
    (dataset.root / "file").touch()
    dataset.out = dataset.root / "file" / "out"
    with pytest.raises(SaveError, match=r"^a file has that name: "):
        dataset.run()


def test_an_interrupt_leaves_whole_files_and_the_same_call_goes_on(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "GROUP", 1)
    dataset.run()
    whole = dataset.saved()
    for path in dataset.out.iterdir():
        path.unlink()
    events = enhance_folder(dataset.index(), Params())
    next(events)
    with monkeypatch.context() as patch:
        patch.setattr(enhance, "load_enhanceable", interrupt)
        assert next(events).outcome is Outcome.SAVED  # it was read before
        with pytest.raises(KeyboardInterrupt):
            next(events)
    assert sorted(dataset.saved()) == ["a10.png", "a2.png"]
    assert dataset.run()["a2"] is Outcome.PRESENT
    assert dataset.saved() == whole


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_processes_write_the_same_files(dataset: Dataset) -> None:
    steps = dataset.steps()
    saved = dataset.saved()
    for path in dataset.out.iterdir():
        path.unlink()
    (dataset.root / "masks" / "a10.json").write_text("[")
    again = dataset.steps(executor=Processes(2))
    assert [step for step in again if step[0] != "a10"] == [steps[0], steps[2]]
    assert again[1][1] is Outcome.FAILED
    del saved["a10.png"]
    assert dataset.saved() == saved


def test_a_sample_that_ends_every_process_is_a_failure_and_leaves_no_part(
    dataset: Dataset,
) -> None:
    steps = dataset.steps(executor=Dying())
    assert [outcome for _, outcome, _ in steps] == [
        Outcome.SAVED, Outcome.FAILED, Outcome.SAVED,
    ]  # fmt: skip
    assert steps[1][2] == f"{DIED}: {dataset.root / 'images' / 'a10.jpg'}"
    assert list(dataset.saved()) == ["a2.png", "b.png"]


class Dying:
    """Two processes, as `Processes`, that end where they meet a10."""

    local = True

    def run(self, function: Any, items: Any, lost: Any) -> Any:
        yield from Processes(2).run(partial(end_at, "a10", function), items, lost)


def test_a_picture_too_large_for_the_memory_does_not_end_the_run(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: object) -> Iterator[None]:
        raise MemoryError

    monkeypatch.setattr("napari_sepl.workflow.enhance.resolve", too_large)
    steps = dataset.steps()
    assert [outcome for _, outcome, _ in steps] == [Outcome.FAILED] * 3
    assert (
        steps[0][2]
        == f"too large for the memory of this computer: {dataset.root / 'images' / 'a2.jpg'}"
    )


def test_saving_replaces_another_programs_file_only_by_call(dataset: Dataset) -> None:
    """The window asks before it replaces; what it calls then does as it is told."""
    dataset.out.mkdir()
    inputs = load(dataset.sample("b"), VOC)
    path = save_image(label_file(dataset.out, "b"), inputs.pseudo)
    save_enhanced(dataset.out, inputs.pseudo, inputs, Params(), edited=True)
    provenance = read_provenance(path)
    assert provenance is not None
    assert provenance.edited
    assert path.read_bytes() == encode_label_png(inputs.pseudo, VOC, provenance)


@pytest.mark.long
def test_the_voc_images_from_disk_to_disk(shared_data: Path, tmp_path: Path) -> None:
    voc = shared_data / "voc"
    spec = DatasetSpec(
        images=voc / "JPEGImages",
        pseudo=voc / "pseudo_transcam",
        masks=voc / "masks_simulated",
        list_file=voc / "train120.txt",
    )
    for strategy in Strategy:
        params = Params(strategy=strategy)
        index = SampleIndex.open(spec.model_copy(update={"out": tmp_path / strategy}), WHOLE)
        events = list(enhance_folder(index, params))
        assert [event.outcome for event in events] == [Outcome.SAVED] * 120
    for sample in map(index.sample, index.ids[::12]):
        inputs = load_enhanceable(sample, VOC)
        dense = np.stack([inputs.masks.decode(i) for i in range(len(inputs.masks))])
        for strategy in Strategy:
            np.testing.assert_array_equal(
                read_labels(label_file(tmp_path / strategy, sample.sample_id)),
                naive_enhance(inputs.pseudo, dense, Params(strategy=strategy)),
            )
