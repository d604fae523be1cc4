"""Whatever is written asks one guard: every writer on inputs, derived names and foreign files."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import MaskSet, Params
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.atomic import clear_abandoned
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import write_dataset
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import ExportSettings, ImageFiles
from napari_sepl.files.exports.folder import JOURNAL, MANIFEST
from napari_sepl.files.guard import Guard
from napari_sepl.files.store import Status
from napari_sepl.proposals.maker import OnProgress, ignore
from napari_sepl.workflow.convert import convert_masks
from napari_sepl.workflow.diagnose import DiagnosisRun, write_diagnoses
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import ReviewSource
from napari_sepl.workflow.masks import RECORD, propose_folder
from napari_sepl.workflow.measure.evaluate import EvaluationRun, write_evaluation
from napari_sepl.workflow.measure.sweep import SweepRun, write_sweep
from napari_sepl.workflow.report.page import check_page, write_page
from napari_sepl.workflow.report.report import ReportRun
from napari_sepl.workflow.results import Outcome, SampleResult
from napari_sepl.workflow.review.selection import AS_ENHANCED, Selection
from tests.files.dataset.opening import open_images, open_masks
from tests.files.making import random_masks
from tests.messages import raises_input_error
from tests.workflow.checkpointing import T1, T2, begin_evaluation
from tests.workflow.reviewed import STEMS, Session

Write = Callable[[Session, Path, bool], list[SampleResult[object]]]
"""Writes to a file, or into a folder, and may be told to overwrite; returns what became of it."""


class Maker:
    """Makes the same masks of every image."""

    def make(
        self,
        image: object,  # noqa: ARG002
        pseudo: object = None,  # noqa: ARG002
        on_progress: OnProgress = ignore,  # noqa: ARG002
    ) -> MaskSet:
        return MaskSet.from_dense(random_masks())


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Return a dataset whose truth is its pseudo-labels, one of three samples reviewed."""
    made = Session(tmp_path)
    (tmp_path / "list.txt").write_text("\n".join(STEMS))
    told = {"ground_truth": tmp_path / "pseudo", "list_file": tmp_path / "list.txt"}
    made.spec = made.spec.model_copy(update=told)
    made.index = SampleIndex.open(made.spec)
    (tmp_path / "arrays").mkdir()
    for stem in STEMS:
        np.save(tmp_path / "arrays" / f"{stem}.npy", random_masks())
    made.review("a2", Params(t1=0.3), slice(3, 9))
    yield made
    made.store.close()


# --- writers of files


def sweep(session: Session, table: Path, overwrite: bool) -> list[SampleResult[object]]:
    run = SweepRun(session.index, Params(), T1, T2)
    kept = run.keep_beside(table, overwrite=overwrite)
    list(run)
    write_sweep(table, run.sweep, run.guard)
    kept.end()
    return []


def evaluate(session: Session, table: Path, overwrite: bool) -> list[SampleResult[object]]:
    run = begin_evaluation(session.spec)
    kept = run.keep_beside(table, overwrite=overwrite)
    list(run)
    write_evaluation(table, run.evaluation, run.guard, running=True)
    kept.end()
    return []


def diagnose(session: Session, table: Path, overwrite: bool) -> list[SampleResult[object]]:
    run = DiagnosisRun(session.index, Params())
    run.check_table(table, overwrite=overwrite)
    list(run)
    write_diagnoses(table, run.found, session.index.classes, run.guard)
    return []


def report(session: Session, page: Path, overwrite: bool) -> list[SampleResult[object]]:
    guard = Guard(session.spec.inputs, overwrite=overwrite)
    check_page(page, guard)
    write_page(page, '<meta name="generator" content="napari-sepl">', guard)
    return []


def dataset(session: Session, path: Path, _: bool) -> list[SampleResult[object]]:
    write_dataset(path, session.spec)
    return []


TABLES: dict[str, Write] = {"t.csv": sweep, "e.csv": evaluate, "d.csv": diagnose}
RESULTS: dict[str, Write] = TABLES | {"r.html": report}
FILES: dict[str, Write] = RESULTS | {"d.toml": dataset}
BY_FILE = pytest.mark.parametrize(("name", "write"), FILES.items())


# --- writers into folders


def enhance(session: Session, out: Path, overwrite: bool) -> list[SampleResult[object]]:
    index = SampleIndex.open(session.spec.model_copy(update={"out": out}))
    return list(enhance_folder(index, Params(), overwrite=overwrite))


def remake(session: Session, out: Path, overwrite: bool) -> list[SampleResult[object]]:
    return session.export(str(out), overwrite=overwrite)


def propose(session: Session, out: Path, overwrite: bool) -> list[SampleResult[object]]:
    index = open_images(session.root / "images", Role.PSEUDO, pseudo=session.root / "pseudo")
    return list(propose_folder(index, out, Maker(), {"model": "x"}, overwrite=overwrite))


def convert(session: Session, out: Path, _: bool) -> list[SampleResult[object]]:
    return list(convert_masks(open_masks(session.root / "arrays"), out))


def export(name: str, session: Session, to: Path, overwrite: bool) -> list[SampleResult[object]]:
    source = ReviewSource(session.index, session.store, tuple(Status))
    pictures = ImageFiles.NO if name in ("npy", "coco") else ImageFiles.COPY
    settings = ExportSettings(format=name, pictures=pictures)
    return list(Export(source, to, settings, overwrite=overwrite).run())


FORMATS: dict[str, Write] = {name: partial(export, name) for name in EXPORT_FORMATS}
FOLDERS: dict[str, Write] = {
    "enhance": enhance,
    "remake": remake,
    "propose": propose,
    "convert": convert,
    **FORMATS,
}
BY_FOLDER = pytest.mark.parametrize("write", FOLDERS.values(), ids=FOLDERS)


def inputs_for(write: Write) -> list[str]:
    return ["arrays"] if write is convert else ["images", "pseudo"]


def state_of(root: Path) -> dict[Path, object]:
    """Return what lies where, but for the marks that readers of the record leave."""
    return {
        path: path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.suffix != ".sqlite-shm"
    }


def as_it_lies(path: Path) -> tuple[object, ...]:
    state = path.lstat()
    content = path.read_bytes() if path.exists() else path.readlink()
    return state.st_ino, state.st_mtime_ns, content


def refused_or_failed(write: Write, session: Session, target: Path, overwrite: bool) -> str:
    """Return why something was not written."""
    try:
        steps = write(session, target, overwrite)
    except (InputError, SaveError) as error:
        return str(error)
    return " ".join(step.message for step in steps)


# --- files


@BY_FILE
@pytest.mark.parametrize("overwrite", [False, True])
def test_no_file_is_written_onto_an_input(
    session: Session, name: str, write: Write, overwrite: bool
) -> None:
    picture, link, twin = (session.root / place for place in ("images/b.jpg", "link", "twin"))
    link.symlink_to(picture)
    os.link(picture, twin)
    targets = [picture, link, twin, session.root / "list.txt"]
    targets += [session.root / role / "new" / name for role in ("images", "pseudo", "masks")]
    before = state_of(session.root)
    for target in targets:
        with pytest.raises(InputError, match="input"):
            write(session, target, overwrite)
    assert state_of(session.root) == before


@BY_FILE
def test_no_file_of_another_program_is_replaced(session: Session, name: str, write: Write) -> None:
    target = session.root / "new" / "folder" / name
    target.parent.mkdir(parents=True)
    contents = (b"", b"theirs\n", b"t1,t2\n", b"\x00\xff" * 5000)
    for theirs, overwrite in product(contents, (False, True)):
        target.write_bytes(theirs)
        with pytest.raises(SaveError, match=r"^exists and was not written by napari-sepl: "):
            write(session, target, overwrite)
        assert {path: path.read_bytes() for path in target.parent.iterdir()} == {target: theirs}
    target.unlink()
    write(session, target, False)
    others = [path for path in target.parent.iterdir() if path != target]
    for other in others:  # derived names
        target.unlink()
        ours, _ = other.read_bytes(), other.write_bytes(b"theirs")
        with pytest.raises(SaveError, match=f"napari-sepl: {other}; move it"):
            write(session, target, True)
        assert not target.exists()
        other.write_bytes(ours)
        write(session, target, True)
    assert len(others) == {"t.csv": 1, "e.csv": 3}.get(name, 0)


@pytest.mark.parametrize(("name", "write"), RESULTS.items())
def test_our_own_result_is_replaced_where_that_is_asked_for(
    session: Session, monkeypatch: pytest.MonkeyPatch, name: str, write: Write
) -> None:
    target = session.root / "new" / name
    write(session, target, False)
    whole = state_of(target.parent)
    for file in sorted(target.parent.iterdir()):
        file.write_bytes(file.read_bytes() + b"a person's row\n")
        edited = state_of(target.parent)
        with monkeypatch.context() as patched:  # told before any work
            for run in (SweepRun, EvaluationRun, DiagnosisRun):
                patched.setattr(run, "__iter__", None)
            with pytest.raises(SaveError, match=f"^exists: {target}; --overwrite replaces it"):
                write(session, target, False)
        assert state_of(target.parent) == edited
        write(session, target, True)
        assert state_of(target.parent) == whole


@pytest.mark.parametrize(("name", "write"), TABLES.items())
def test_a_derived_table_alone_is_not_replaced_either(
    session: Session, name: str, write: Write
) -> None:
    target = session.root / "new" / name
    write(session, target, False)
    for file in sorted(target.parent.iterdir()):
        kept = {path: path.read_bytes() for path in target.parent.iterdir() if path != file}
        for path in kept:
            path.unlink()
        with pytest.raises(SaveError, match=f"^exists: {file}; --overwrite"):
            write(session, target, False)
        assert list(target.parent.iterdir()) == [file]
        for path, content in kept.items():
            path.write_bytes(content)


def test_a_table_that_came_during_the_run_stays(session: Session) -> None:
    table, run = session.root / "t.csv", SweepRun(session.index, Params(), T1, T2)
    run.keep_beside(table)
    list(run)
    sweep(session, table, False)
    before = table.read_bytes()
    with pytest.raises(SaveError, match=f"^exists: {table}; "):
        write_sweep(table, run.sweep, run.guard)
    assert table.read_bytes() == before


@pytest.mark.parametrize(("name", "write"), TABLES.items())
def test_no_derived_name_is_an_input(session: Session, name: str, write: Write) -> None:
    target = session.root / "new" / name
    write(session, target, False)
    others = [path for path in target.parent.iterdir() if path != target]
    others.append(target.with_name(f".{name}.sepl-checkpoint.npz"))
    for other in others if write is not diagnose else []:
        kept = other.read_bytes() if other.exists() else None
        other.unlink(missing_ok=True)
        os.link(session.root / "pseudo" / "b.png", other)
        before = state_of(session.root)
        with raises_input_error(other, found="one of the inputs"):
            write(session, target, True)
        assert state_of(session.root) == before
        other.unlink()
        if kept is not None:
            other.write_bytes(kept)


def test_a_file_that_a_dialog_asked_about_is_replaced(session: Session) -> None:
    target = session.root / "d.toml"
    target.write_bytes(b"theirs")
    write_dataset(target, session.spec, asked=True)
    assert target.read_bytes() != b"theirs"


@pytest.mark.parametrize("other", TABLES)
@BY_FILE
def test_a_table_of_another_command_is_called_one(
    session: Session, name: str, write: Write, other: str
) -> None:
    if write in (TABLES[other], dataset):
        pytest.skip("a command's own table is replaced; a dataset's file is no table")
    target = session.root / "new" / "t.csv"
    TABLES[other](session, target, False)
    before = target.read_bytes()
    with pytest.raises(SaveError, match=f"^holds a table of another command: {target}; move it"):
        write(session, target, False)
    assert target.read_bytes() == before


COUNTED = pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("t.csv", lambda session: SweepRun(session.index, Params(), T1, T2)),
        ("e.csv", lambda session: begin_evaluation(session.spec)),
        ("d.csv", lambda session: DiagnosisRun(session.index, Params())),
    ],
)


def name_table(run: Any, table: Path) -> None:
    (run.check_table if isinstance(run, DiagnosisRun) else run.keep_beside)(table)


@COUNTED
def test_a_second_run_into_one_table_is_refused(session: Session, name: str, begin: Any) -> None:
    table, first, second = session.root / "new" / name, begin(session), begin(session)
    for run in (first, second):
        name_table(run, table)
    steps = iter(first)
    next(steps)
    with pytest.raises(SaveError, match=f"^another run writes here: {table} "):
        list(second)
    assert len([*steps]) == len(first) - 1
    assert len(list(second)) == len(first)
    assert not list(table.parent.glob(".*lock"))


def test_a_second_run_into_one_page_is_refused(session: Session) -> None:
    page = session.root / "r.html"
    first, second = (
        ReportRun(Selection(session.index, None, AS_ENHANCED), page=page) for _ in range(2)
    )
    steps = iter(first)
    next(steps)
    with pytest.raises(SaveError, match=f"^another run writes here: {page} "):
        list(second)
    assert len([*steps]) == len(first) - 1


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
@BY_FILE
def test_a_target_that_takes_no_file_is_told_before_the_work(
    session: Session, monkeypatch: pytest.MonkeyPatch, name: str, write: Write, reason: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr("napari_sepl.files.atomic._write_through", full)
    monkeypatch.setattr(SweepRun, "__iter__", None)
    monkeypatch.setattr(EvaluationRun, "__iter__", None)
    monkeypatch.setattr(DiagnosisRun, "__iter__", None)
    with pytest.raises(SaveError, match=os.strerror(reason)):
        write(session, session.root / name, False)
    assert not (session.root / name).exists()
    assert not list(session.root.glob("*.part"))


@BY_FILE
def test_parts_of_a_killed_run_are_cleared(session: Session, name: str, write: Write) -> None:
    target = session.root / "new" / name
    target.parent.mkdir()
    (target.parent / ".sepl-00.part").touch()
    if write is dataset:  # of which no run leaves any behind for long: a person saves it
        clear_abandoned(target.parent)
    write(session, target, False)
    assert not list(target.parent.glob(".sepl-*.part"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@BY_FILE
def test_a_pipe_in_the_way_is_told_at_once(session: Session, name: str, write: Write) -> None:
    os.mkfifo(session.root / name)
    with pytest.raises(SaveError, match="was not written by napari-sepl"):
        write(session, session.root / name, False)


def test_an_input_by_another_case_of_its_name(session: Session) -> None:
    other = session.root / "IMAGES" / "t.csv"
    if not other.parent.exists():
        pytest.skip("the disk tells capital letters from small ones")
    with raises_input_error(other, found="a place in an input folder"):
        sweep(session, other, False)


# --- folders


@BY_FOLDER
@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_written_into_an_input_folder(
    session: Session, write: Write, overwrite: bool
) -> None:
    (session.root / "link").symlink_to(session.root / inputs_for(write)[0])
    before = state_of(session.root)
    for role in [*inputs_for(write), "link"]:
        for place in (role, f"{role}/deep/er"):
            with pytest.raises(InputError, match="input"):
                write(session, session.root / place, overwrite)
    assert state_of(session.root) == before


@BY_FOLDER
def test_files_of_others_and_links_to_inputs_stay(session: Session, write: Write) -> None:
    clean, to = session.root / "clean", session.root / "to"
    write(session, clean, False)
    source = session.root / inputs_for(write)[0]
    picture = next(path for path in source.iterdir() if path.stem == "a2")
    told = {MANIFEST, JOURNAL, RECORD}
    names = [p.relative_to(clean) for p in clean.rglob("*") if p.is_file() and p.name not in told]
    ways: list[Callable[[Path], object]] = [
        lambda path: path.write_bytes(b"theirs"),
        lambda path: path.symlink_to(picture),
        lambda path: path.symlink_to(session.root / "nowhere"),
        lambda path: os.link(picture, path),
    ]
    for name in [one for one in names if one.stem in ("a2", "train", "instances_train", "data")]:
        for put, overwrite in product(ways, (False, True)):
            (to / name).parent.mkdir(parents=True)
            put(to / name)
            before = as_it_lies(to / name), picture.read_bytes()
            assert refused_or_failed(write, session, to, overwrite)
            assert (as_it_lies(to / name), picture.read_bytes()) == before
            shutil.rmtree(to)


MASKS: dict[str, Write] = {"propose": propose, "convert": convert}


@pytest.mark.parametrize("write", MASKS.values(), ids=MASKS)
def test_masks_go_to_no_folder_that_holds_files_of_others(session: Session, write: Write) -> None:
    to = session.root / "to"
    for name in ("a2.png", "readme.txt", "instances.xml"):
        to.mkdir()
        (to / name).write_bytes(b"theirs")
        for overwrite in (False, True):
            with pytest.raises(SaveError, match=rf"^holds files that are no masks: {to} .*{name}"):
                write(session, to, overwrite)
        assert [path.name for path in to.iterdir()] == [name]
        shutil.rmtree(to)


@pytest.mark.parametrize("write", MASKS.values(), ids=MASKS)
def test_what_a_desktop_leaves_in_a_folder_of_masks_does_not_count(
    session: Session, write: Write
) -> None:
    to = session.root / "to"
    to.mkdir()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden"):
        (to / name).touch()
    assert {step.outcome for step in write(session, to, False)} == {Outcome.SAVED}
    (to / "notes.txt").touch()  # beside masks of ours, which the record tells
    assert {step.outcome for step in write(session, to, False)} == {Outcome.PRESENT}


@pytest.mark.parametrize(
    "write",
    [write for name, write in FOLDERS.items() if name not in MASKS],
    ids=[name for name in FOLDERS if name not in MASKS],
)
def test_a_folder_that_holds_other_things_is_written_into(session: Session, write: Write) -> None:
    to = session.root / "to"
    to.mkdir()
    (to / "readme.txt").write_bytes(b"theirs")
    assert {step.outcome for step in write(session, to, False)} == {Outcome.SAVED}
    assert {step.outcome for step in write(session, to, False)} == {Outcome.PRESENT}
    assert (to / "readme.txt").read_bytes() == b"theirs"


@BY_FOLDER
def test_a_second_run_is_refused_and_parts_are_cleared(session: Session, write: Write) -> None:
    to = session.root / "to"
    write(session, to, False)
    folders = {path.parent for path in to.rglob("*") if path.is_file()}
    for folder in folders:
        (folder / ".sepl-00.part").touch()
    refused: list[str] = []

    def again(*_: object) -> None:
        refused.append(refused_or_failed(write, session, to, False))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("napari_sepl.files.lock.clear_abandoned", again)
        write(session, to, True)
    assert len(refused) == 1
    assert refused[0].startswith(f"another run writes here: {to} (")
    write(session, to, False)
    assert not [path for path in to.rglob("*") if path.suffix == ".part" or "-lock" in path.name]
