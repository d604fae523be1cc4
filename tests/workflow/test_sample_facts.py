"""What is read off the files of samples that nobody opened."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.samples import load
from napari_sepl.files.store import StampedFacts, Store, store_file
from napari_sepl.workflow.review import sample_facts
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import (
    SampleFacts,
    rows_to_scan,
    scan_rows,
    scan_sample,
    stamp_of,
)
from tests.files.making import refused
from tests.messages import says
from tests.workflow.dataset import Dataset as Files

CLASSES = {"a2": (8, 12), "a10": (), "b": (20,)}


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    files = Files(tmp_path)
    for sample_id, class_ids in CLASSES.items():
        save_labels(tmp_path / "pseudo" / f"{sample_id}.png", *class_ids)
    return files.spec()


@pytest.fixture
def index(spec: DatasetSpec) -> SampleIndex:
    return SampleIndex.open(spec)


def save_labels(path: Path, *class_ids: int) -> None:
    """Write labels with some background, some ignore and one pixel of each class."""
    labels = np.zeros((30, 40), np.uint8)
    labels[5:8] = 255
    labels[20, : len(class_ids)] = class_ids
    Image.fromarray(labels).save(path)


def nothing(_: Sequence[str]) -> dict[str, StampedFacts]:
    return {}


def test_the_classes_are_those_that_opening_finds(index: SampleIndex) -> None:
    for sample_id, class_ids in CLASSES.items():
        sample = index.sample(sample_id)
        assert scan_sample(sample, VOC) == SampleFacts(class_ids)
        opened = load(sample, VOC).overlap.class_ids
        assert tuple(opened.tolist()) == class_ids


def test_no_other_file_is_read(index: SampleIndex) -> None:
    sample = index.sample("a2")
    for path in (sample.image, sample.masks, sample.truth):
        assert path is not None
        path.unlink()
    assert scan_sample(sample, VOC) == SampleFacts((8, 12))


def test_what_was_kept_is_not_read_again(
    index: SampleIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_to_scan(index)
    with Store.open(store_file(index.spec.output), who="ana") as store:
        first = scan_rows(index, rows, store.facts)
        assert first.facts == {row: SampleFacts(CLASSES[index.ids[row]]) for row in rows}
        assert (first.count, first.failures, set(first.fresh)) == (3, {}, set(CLASSES))
        store.put_many_facts(first.fresh)
        monkeypatch.setattr(sample_facts, "read_pseudo_labels", None)  # a TypeError if called
        again = scan_rows(index, rows, store.facts)
    assert again.facts == first.facts
    assert again.fresh == {}


@pytest.mark.parametrize("change", ["content", "time", "size", "version"])
def test_what_changed_is_read_again(
    index: SampleIndex, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    row = index.ids.index("a2")
    path = index.sample("a2").pseudo
    kept = scan_rows(index, [row], nothing).fresh
    status = path.stat()
    if change == "content":
        save_labels(path, 3)
    elif change == "time":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1000))
    elif change == "size":
        path.write_bytes(path.read_bytes() + b"\0")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        monkeypatch.setattr(sample_facts, "VERSION", sample_facts.VERSION + 1)
    anew = scan_rows(index, [row], lambda _: kept)
    assert anew.facts == {row: SampleFacts((3,) if change == "content" else (8, 12))}
    assert anew.fresh["a2"].stamp != kept["a2"].stamp


@pytest.mark.parametrize(
    "facts",
    [{}, {"class_ids": None}, {"class_ids": ["8"]}, {"class_ids": [True]}, {"class_ids": [0, 8]},
     {"class_ids": [21]}, {"class_ids": 8}],
)  # fmt: skip
def test_kept_facts_that_make_no_sense_are_read_anew(
    index: SampleIndex, facts: dict[str, object]
) -> None:
    kept = {"a2": StampedFacts(stamp_of(index.sample("a2")), facts)}
    anew = scan_rows(index, [index.ids.index("a2")], lambda _: kept)
    assert anew.fresh["a2"].facts == {"class_ids": [8, 12]}


def test_samples_that_cannot_be_read_do_not_stop_the_others(index: SampleIndex) -> None:
    broken, gone = index.sample("a2").pseudo, index.sample("b").pseudo
    broken.write_bytes(broken.read_bytes()[:60])
    gone.unlink()
    scanned = scan_rows(index, [0, 1, 2], nothing)
    assert scanned.count == 3
    assert scanned.facts == {index.ids.index("a10"): SampleFacts(())}
    assert set(scanned.fresh) == {"a10"}
    with pytest.raises(InputError) as caught:
        load(index.sample("a2"), VOC)
    assert scanned.failures[index.ids.index("a2")] == str(caught.value)
    told = scanned.failures[index.ids.index("b")]
    assert says(told, gone, "found no such file")


def test_a_label_outside_the_class_list_is_a_failure_also_after_the_list_changed(
    index: SampleIndex,
) -> None:
    save_labels(index.sample("b").pseudo, 80)
    with refused(index.sample("b").pseudo, "found label 80", "class list voc"):
        scan_sample(index.sample("b"), VOC)
    row = index.ids.index("b")
    coco = SampleIndex.open(index.spec.model_copy(update={"classes": "coco"}))
    kept = scan_rows(coco, [row], nothing).fresh
    assert kept["b"].facts == {"class_ids": [80]}
    assert "found label 80" in scan_rows(index, [row], lambda _: kept).failures[row]


def test_after_its_time_it_begins_no_further_sample(index: SampleIndex) -> None:
    scanned = scan_rows(index, [2, 0, 1], nothing, seconds=-1)
    assert (scanned.count, set(scanned.facts)) == (1, {2})


def test_a_record_that_cannot_be_read_is_told(index: SampleIndex) -> None:
    store = Store.open(store_file(index.spec.output), who="ana")
    store.close()
    with pytest.raises(InputError, match="a store that was closed"):
        scan_rows(index, [0], store.facts)


def test_samples_with_image_labels_are_passed_over(spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "image_labels.txt").write_text("a10 cat\n")
    tagged = SampleIndex.open(
        spec.model_copy(update={"image_labels": tmp_path / "image_labels.txt"})
    )
    assert [tagged.ids[row] for row in rows_to_scan(tagged)] == ["a2", "b"]


@pytest.fixture
def reviewing(index: SampleIndex) -> Iterator[Reviewing]:
    errors: list[SeplError] = []
    opened = Reviewing.open(index, errors.append)
    yield opened
    opened.close()
    assert errors == []


def test_a_review_keeps_facts_behind_what_a_person_did(reviewing: Reviewing) -> None:
    scanned = scan_rows(reviewing.index, [0, 1, 2], reviewing.on_disk.store.facts)
    with reviewing.on_disk.held():
        reviewing.set_note(0, "dark")
        assert not reviewing.on_disk.put_facts(scanned.fresh)
        assert reviewing.on_disk.pending == 1
        assert reviewing.on_disk.put_facts({"b": scanned.fresh["b"]}, last=True)
        assert reviewing.on_disk.pending == 2
    assert reviewing.on_disk.flush(10)
    assert set(reviewing.on_disk.store.facts(reviewing.queue.ids)) == {"b"}
    assert reviewing.on_disk.put_facts(scanned.fresh)
    assert reviewing.on_disk.flush(10)
    again = scan_rows(reviewing.index, [0, 1, 2], reviewing.on_disk.store.facts)
    assert (again.facts, again.fresh) == (scanned.facts, {})


def test_a_review_that_can_only_be_read_keeps_nothing_and_needs_no_second_asking(
    index: SampleIndex,
) -> None:
    with Store.open(store_file(index.spec.output), who="ana") as first:
        second = Reviewing.open(index, lambda _: None)
        assert second.refusal
        scanned = scan_rows(index, [0, 1, 2], second.on_disk.store.facts)
        assert len(scanned.facts) == 3
        assert second.on_disk.put_facts(scanned.fresh)
        assert first.facts(index.ids) == {}
        second.close()
