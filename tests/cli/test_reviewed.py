"""Commands that use labels, on a dataset with a record: all choose the same samples."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec, write_dataset
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.training.networks import find_network
from napari_sepl.training.run import Plan
from napari_sepl.workflow.enhance import enhance_folder
from tests.files.making import random_labels, save_image
from tests.messages import assert_says, says
from tests.program import Run
from tests.workflow.reviewed import STEMS, Session

LINE = "accepted 1 of 3; left out: 1 flagged, 1 unreviewed"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A window has a dataset open: one sample is accepted, one flagged, one as enhance wrote it."""
    made = Session(tmp_path)
    made.review("a2", Params(t1=0.3), slice(3, 9), seconds=75.0)
    made.review("b", Params(), slice(0, 2), status=Status.FLAGGED, note="what is this?")
    list(enhance_folder(made.index, Params()))
    (made.spec.output / "b.png").unlink()
    (tmp_path / "ground_truth").mkdir()
    for stem in STEMS:
        save_image(tmp_path / "ground_truth" / f"{stem}.png", random_labels(top=3))
    made.spec = made.spec.model_copy(update={"ground_truth": tmp_path / "ground_truth"})
    write_dataset(tmp_path / "set.toml", made.spec)
    yield made
    made.store.close()


@pytest.fixture
def toml(session: Session) -> Path:
    return session.root / "set.toml"


def evaluated(run: Run, *words: object) -> tuple[int, Any, str]:
    code, out, err = run("evaluate", *words, "--json")
    return code, json.loads(out) if out else None, err


def test_evaluate_counts_what_is_accepted(run: Run, toml: Path, session: Session) -> None:
    code, found, err = evaluated(run, toml)
    assert code == 0
    assert says(err, LINE)
    assert [image["sample_id"] for image in found["images"]] == ["a2"]
    assert found["review"] == {
        "samples": 3, "used": {"accepted": 1}, "left_out": {"flagged": 1, "unreviewed": 1},
    }  # fmt: skip
    _, found, err = evaluated(run, toml, "--all")
    assert says(err, "accepted 1, unreviewed 1 of 3; left out: 1 flagged")
    assert [image["sample_id"] for image in found["images"]] == ["a2", "a10"]
    code, found, err = evaluated(run, toml, "--status", "flagged")
    assert code == 0, err
    assert [image["sample_id"] for image in found["images"]] == ["b"]


def test_evaluate_on_folders_alone_reads_the_record_too(run: Run, session: Session) -> None:
    truth = ("--ground-truth", session.spec.ground_truth)
    for name in ("--out", "--labels"):
        code, found, err = evaluated(run, name, session.spec.output, *truth)
        assert code == 0, err
        assert says(err, LINE)
        assert found["counted"] == 1
    code, found, err = evaluated(run, "--out", session.spec.output, *truth, "--status", "flagged")
    assert code == 1
    assert says(err, ", sample b", "found no label file")
    assert found["counted"] == 0


def test_a_review_that_changed_is_counted_again(run: Run, toml: Path, session: Session) -> None:
    table = session.root / "t.csv"
    assert run("evaluate", toml, "--status", "flagged", "--table", table)[0] == 0
    first = table.read_text()
    session.review("b", Params(), slice(0, 20), status=Status.FLAGGED)
    words = ("--status", "flagged", "--table", table, "--overwrite")
    assert run("evaluate", toml, *words)[0] == 0
    assert table.read_text() != first


@pytest.mark.parametrize("command", ["evaluate", "export", "report", "train"])
def test_nothing_that_is_wanted_is_said_with_the_ways_out(
    run: Run, toml: Path, session: Session, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_sepl.cli.train.require_torch", lambda: None)
    monkeypatch.setattr("napari_sepl.cli.train.settle_precision", lambda precision, _: precision)
    monkeypatch.setattr("napari_sepl.cli.train.choose_device", lambda device: device)
    name = "to.html" if command == "report" else "to"
    to = () if command == "evaluate" else ("--to", session.root / name)
    code, _, err = run(command, toml, *to, "--status", "skipped")
    assert code == 1
    assert says(err, session.spec.output, "skipped 0 of 3", "--all or --status")


def test_report_shows_what_is_accepted(run: Run, toml: Path, session: Session) -> None:
    page = session.root / "r.html"
    code, out, err = run("report", toml, "--to", page, "--no-sweep")
    assert code == 0, err
    assert says(err, LINE)
    assert "1 sample: 1 counted" in out
    code, out, err = run("report", toml, "--to", page, "--no-sweep", "--all", "--overwrite")
    assert says(err, "accepted 1, unreviewed 1 of 3; left out: 1 flagged")
    assert "2 samples: 2 counted" in out


def learnt(run: Run, monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[Plan, str]:
    """Return the plan of a training that does not begin."""
    plans: list[Plan] = []

    def stop(plan: Plan) -> None:
        plans.append(plan)
        raise KeyboardInterrupt

    for name, value in {
        "require_torch": lambda: None,
        "describe_device": str,
        "settle_precision": lambda precision, _: precision,
        "choose_device": lambda device: device,
        "TrainingRun": stop,
    }.items():
        monkeypatch.setattr(f"napari_sepl.cli.train.{name}", value)
    _, _, err = run("train", *words)
    return plans[0], err


def test_train_learns_from_what_is_accepted(
    run: Run, toml: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_network("deeplabv2_resnet101")
    to = ("--to", session.root / "to")
    plan, err = learnt(run, monkeypatch, toml, *to)
    assert says(err, LINE)
    assert [sample.sample_id for sample in plan.training.samples] == ["a2"]
    plan, _ = learnt(run, monkeypatch, toml, *to, "--all")
    assert [sample.sample_id for sample in plan.training.samples] == ["a2", "a10"]
    plan, _ = learnt(run, monkeypatch, toml, *to, "--status", "flagged")
    (sample,) = plan.training.samples
    assert sample.read is not None
    assert (sample.read(random_labels().shape, "")[:2] == 7).all()
    folders = ("--images", session.spec.images, "--labels", session.spec.output)
    plan, err = learnt(run, monkeypatch, *folders, *to)
    assert says(err, LINE)
    assert [sample.sample_id for sample in plan.training.samples] == ["a2"]


def test_outdated_samples_are_left_out_of_all_and_kept_if_asked(
    run: Run, toml: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.spec.pseudo is not None
    before = read_labels(session.spec.output / "a2.png")
    save_image(session.spec.pseudo / "a2.png", random_labels(top=2))
    line = "accepted 0 of 3; left out: 1 flagged, 1 outdated, 1 unreviewed"
    code, _, err = run("evaluate", toml)
    assert code == 1
    assert says(err, line)
    code, found, err = evaluated(run, toml, "--outdated", "keep")
    assert code == 0, err
    assert says(err, "outdated 1 of 3; left out: 1 flagged, 1 unreviewed")
    assert [image["sample_id"] for image in found["images"]] == ["a2"]
    keep = ("--outdated", "keep")
    assert run("report", toml, "--to", session.root / "r.html", "--no-sweep", *keep)[0] == 0
    assert run("export", toml, "--to", session.root / "to", "--format", "png", *keep)[0] == 0
    exported = read_labels(session.root / "to" / "labels" / "a2.png")
    assert np.array_equal(exported, before)
    plan, _ = learnt(run, monkeypatch, toml, "--to", session.root / "run", *keep)
    assert [sample.sample_id for sample in plan.training.samples] == ["a2"]


@pytest.mark.parametrize("command", ["evaluate", "export", "report", "enhance", "status"])
def test_a_damaged_record_is_one_sentence_and_no_missing_one(
    run: Run, toml: Path, session: Session, command: str
) -> None:
    session.store.path.write_bytes(b"x" * 5000)
    name = {"export": "to", "report": "to.html"}.get(command)
    to = ("--to", session.root / name) if name else ()
    code, out, err = run(command, toml, *to)
    assert (code, out) == (1, "")
    assert_says(err, str(session.store.path))
    assert len(err.splitlines()) == 1


def test_an_older_record_is_refused_and_left_as_it_is(
    run: Run, toml: Path, session: Session
) -> None:
    session.store.close()
    with Store.open(store_file(session.spec.output), who="") as store:
        assert store._access.writer is not None
        store._access.writer.execute("DROP TABLE sample_facts")
        store._access.writer.execute("PRAGMA user_version = 4")
    code, _, err = run("evaluate", toml)
    assert code == 1
    assert says(err, "schema version 4, made by an earlier napari-sepl", "move it away")


def test_enhance_says_what_it_left_and_made_again(run: Run, toml: Path, session: Session) -> None:
    assert session.spec.pseudo is not None
    code, out, _ = run("enhance", toml)
    assert (code, out) == (0, "3 samples: 1 skipped (already done), 2 left (reviewed)\n")
    save_image(session.spec.pseudo / "a10.png", random_labels(top=2))
    code, out, _ = run("enhance", toml)
    assert (code, out) == (0, "3 samples: 1 made again (inputs changed), 2 left (reviewed)\n")


# --- info


@pytest.mark.parametrize(
    ("form", "place"), [("voc", "SegmentationClass/a2.png"), ("png", "labels/a2.png")]
)
@pytest.mark.parametrize("words", [(), ("--ignore", "unsure")])
def test_info_shows_how_an_exported_file_was_made(
    run: Run, toml: Path, session: Session, form: str, place: str, words: tuple[str, ...]
) -> None:
    assert run("export", toml, "--format", form, "--to", session.root / "to", *words)[0] == 0
    path = session.root / "to" / place
    code, out, _ = run("info", path, "--json")
    assert code == 0
    found, saved = (
        json.loads(out),
        json.loads(run("info", session.spec.output / "a2.png", "--json")[1]),
    )
    assert (found["exported"], saved["exported"]) == (form, None)
    for key in ("sample_id", "params", "classes", "edited", "digests"):
        assert found[key] == saved[key]
    assert found["sources"] == ({} if words else saved["sources"])
    assert says(run("info", path)[1], "exported as", form)


def test_enhance_takes_an_exported_file_for_a_foreign_one(
    run: Run, toml: Path, session: Session
) -> None:
    assert run("export", toml, "--format", "png", "--to", session.root / "to")[0] == 0
    (session.root / "new").mkdir()
    exported = (session.root / "to" / "labels" / "a2.png").read_bytes()
    (session.root / "new" / "a2.png").write_bytes(exported)
    code, _, err = run("enhance", toml, "--out", session.root / "new", "--overwrite")
    assert code == 1
    assert says(err, "exists and was not written by napari-sepl", "a2.png")
    assert (session.root / "new" / "a2.png").read_bytes() == exported


# --- status


def test_status_counts_a_review(run: Run, toml: Path, session: Session) -> None:
    code, out, err = run("status", toml)
    assert code == 0, err
    assert says(out, "3 in the dataset: 1 accepted, 1 flagged, 1 unreviewed")
    assert says(out, "ana", "1:15")
    assert says(out, "note: b: what is this?")
    table = session.root / "s.csv"
    code, out, _ = run("status", toml, "--json", "--table", table)
    found = json.loads(out)
    assert found["statuses"] == {
        "accepted": 1, "pending": 0, "flagged": 1, "skipped": 0, "outdated": 0, "unreviewed": 1,
    }  # fmt: skip
    assert found["annotators"] == [
        {"annotator": "ana", "samples": 2, "accepted": 1, "seconds": 75.0}
    ]
    assert (found["seconds"], found["notes"]) == (75.0, {"b": "what is this?"})
    labels = read_labels(session.spec.output / "a2.png")
    assert {one["class_id"]: one["pixels"] for one in found["classes"]} == {
        int(label): int((labels == label).sum()) for label in np.unique(labels)
    }
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["sample_id"], row["status"]) for row in rows] == [
        ("a2", "accepted"), ("a10", "unreviewed"), ("b", "flagged"),
    ]  # fmt: skip


def test_status_reads_a_record_without_any_label_file(run: Run, session: Session) -> None:
    for one in ("a2", "b"):
        session.review(one, Params(), slice(0, 20), status=Status.FLAGGED)
    for path in session.spec.output.glob("*.png"):
        path.unlink()
    code, out, err = run("status", "--out", session.spec.output)
    assert code == 0, out + err
    assert "2 flagged" in out
    assert "inputs not checked" in err


def test_status_names_what_is_outdated(run: Run, toml: Path, session: Session) -> None:
    assert session.spec.pseudo is not None
    save_image(session.spec.pseudo / "a2.png", random_labels(top=2))
    _, out, _ = run("status", toml)
    assert says(out, "3 in the dataset: 1 flagged, 1 outdated, 1 unreviewed")
    assert says(out, "outdated: a2 (pseudo changed)")
    _, out, _ = run("status", toml, "--json")
    assert json.loads(out)["outdated"] == {"a2": ["pseudo"]}


def test_status_of_a_dataset_that_nobody_opened(run: Run, session: Session, tmp_path: Path) -> None:
    spec = DatasetSpec.model_validate(dict(session.spec) | {"out": tmp_path / "new"})
    write_dataset(tmp_path / "new.toml", spec)
    code, out, err = run("status", tmp_path / "new.toml")
    assert code == 0, err
    assert says(err, f"no record yet: {tmp_path / 'new'}")
    assert says(out, "3 in the dataset: 3 pending")
    assert not (tmp_path / "new").exists()
    list(enhance_folder(SampleIndex.open(spec), Params()))
    assert says(run("status", tmp_path / "new.toml")[1], "3 in the dataset: 3 unreviewed")
