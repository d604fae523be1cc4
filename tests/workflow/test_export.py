import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_sepl import MaskSet, Params
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.labels.classes import VOC, ClassMap
from napari_sepl.core.labels.polygons import Holes
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.resolve import resolve
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.digests import digest_file
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports import folder as export_folder
from napari_sepl.files.exports.base import ExportSettings, Ignore, ImageFiles
from napari_sepl.files.exports.folder import JOURNAL, MANIFEST, link_to
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import load_enhanceable
from napari_sepl.files.store import Status
from napari_sepl.workflow.export.export import Export, split_of
from napari_sepl.workflow.export.sources import FolderSource, ReviewSource
from napari_sepl.workflow.results import Outcome
from tests.files.dataset.opening import open_labels
from tests.files.making import SHAPE, random_labels, random_masks, refused, save_image
from tests.messages import raises_input_error, says
from tests.workflow.reviewed import STEMS, Session

Outcomes = dict[str, str]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Of three samples one is accepted with a stroke, one flagged, one untouched."""
    made = Session(tmp_path)
    made.review("a2", Params(t1=0.3), slice(3, 9))
    made.review("b", Params(), status=Status.FLAGGED)
    yield made
    made.store.close()


def export(
    session: Session, name: str = "png", *, which: Any = tuple(Status), **told: Any
) -> Export:
    options = {key: told.pop(key) for key in ("class_map", "with_classes") if key in told}
    overwrite, to = told.pop("overwrite", False), session.root / told.pop("to", "to")
    settings = ExportSettings(format=name, **told)
    source = ReviewSource(session.index, session.store, which)
    return Export(source, to, settings, overwrite=overwrite, **options)


def run(session: Session, name: str = "png", **told: Any) -> Outcomes:
    return {step.sample_id: step.outcome for step in export(session, name, **told).run()}


def labels_of(session: Session, stem: str) -> Any:
    return read_labels(session.root / "to" / "labels" / f"{stem}.png")


def manifest(session: Session) -> Any:
    return json.loads((session.root / "to" / MANIFEST).read_text())


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".sqlite-shm"  # where readers leave marks
    }


def test_accepted_samples_are_as_they_were_saved(session: Session) -> None:
    assert run(session, which=[Status.ACCEPTED]) == {"a2": "saved"}
    saved = read_labels(session.spec.output / "a2.png")
    assert np.array_equal(labels_of(session, "a2"), saved)
    assert (saved[3:9] == 7).all()
    assert (session.root / "to" / "train.txt").read_text() == "a2\n"


def test_untouched_samples_are_enhanced_on_the_fly(session: Session) -> None:
    start = Params(t1=0.1)
    session.store.put_session({"start": start.model_dump(mode="json")})
    assert run(session) == dict.fromkeys(STEMS, "saved")
    given = load_enhanceable(session.index.sample("a10"), VOC)
    expected = resolve(given.overlap, Annotations(start)).labels
    assert np.array_equal(labels_of(session, "a10"), expected)


def test_a_sample_without_masks_is_not_passed_off_as_enhanced(session: Session) -> None:
    dataset = session.index
    names = {**dataset.names, Role.MASKS: {"a2": "a2.json", "b": "b.json"}}
    object.__setattr__(dataset, "names", names)
    (session.root / "masks" / "a10.json").unlink()
    steps = list(export(session).run())
    assert [step.outcome for step in steps] == ["saved", "failed", "saved"]
    assert "no masks of a10" in steps[1].message
    assert manifest(session)["samples"] == {"saved": 2, "failed": 1}


def test_other_settings_than_were_reviewed_are_never_guessed(session: Session) -> None:
    save_image(session.root / "pseudo" / "a2.png", random_labels(top=2))
    session.store.put_status("a10", Status.ACCEPTED)  # by nobody who saw it
    steps = {step.sample_id: step for step in export(session).run()}
    assert "a2" not in steps  # it is outdated
    assert "a status without settings and digests" in steps["a10"].message
    assert steps["b"].outcome is Outcome.SAVED


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_an_export_goes_on_where_it_was_stopped(session: Session, name: str) -> None:
    told = {"pictures": ImageFiles.COPY, "val": 0.5}
    assert run(session, name, to="whole", **told) == dict.fromkeys(STEMS, "saved")
    stopped = export(session, name, **told).run()
    assert next(stopped).sample_id == "a2"
    stopped.close()
    assert not manifest(session)["complete"]
    with (session.root / "to" / JOURNAL).open("ab") as journal:
        journal.write(b'{"id": "a10", "key"')  # as a crash leaves it
    assert run(session, name, **told) == {"a2": "present", "a10": "saved", "b": "saved"}
    assert run(session, name, **told) == dict.fromkeys(STEMS, "present")
    (whole, again) = (content(session.root / to) for to in ("whole", "to"))
    for files in (whole, again):
        del files[JOURNAL], files[MANIFEST]
    assert whole == again
    assert manifest(session)["complete"]


def test_what_was_damaged_or_lost_is_made_anew(session: Session) -> None:
    run(session, "voc", pictures=ImageFiles.COPY)
    good = content(session.root / "to")
    (session.root / "to" / "JPEGImages" / "a2.jpg").unlink()
    (session.root / "to" / "SegmentationClass" / "b.png").unlink()
    assert run(session, "voc", pictures=ImageFiles.COPY) == {
        "a2": "saved", "a10": "present", "b": "saved",
    }  # fmt: skip
    again = content(session.root / "to")
    for files in (good, again):
        del files[JOURNAL], files[MANIFEST]
    assert again == good


def test_labels_that_changed_since_are_written_over_our_own_file(session: Session) -> None:
    run(session)
    session.review("a2", Params(t1=0.3), slice(0, 20))
    assert run(session) == {"a2": "saved", "a10": "present", "b": "present"}
    assert (labels_of(session, "a2")[:20] == 7).all()


@pytest.mark.parametrize("place", ["labels/a2.png", "train.txt", "images/a2.jpg"])
def test_files_of_others_stay(session: Session, place: str) -> None:
    theirs = session.root / "to" / place
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    told = {"pictures": ImageFiles.COPY}
    if place == "train.txt":
        with pytest.raises(SaveError, match="was not written by napari-sepl"):
            run(session, **told)
        assert not (session.root / "to" / "labels").exists()  # it is told before the work
    else:
        (step, *_) = export(session, **told).run()
        assert step.message.startswith(
            f"exists and was not written by napari-sepl: {theirs}; move it, or choose another --to"
        )
    with suppress(SaveError):
        assert run(session, overwrite=True, **told)["a2"] == "failed"
    assert theirs.read_bytes() == b"theirs"


def test_our_file_that_somebody_changed_stays(session: Session) -> None:
    run(session)
    path = session.root / "to" / "labels" / "b.png"
    path.write_bytes(b"edited")
    for told in ({}, {"overwrite": True}, {"val": 0.5, "overwrite": True}):
        assert run(session, **told)["b"] == "failed"
        assert path.read_bytes() == b"edited"


def test_other_settings_need_another_folder(session: Session) -> None:
    run(session)
    with pytest.raises(SaveError, match=r"other settings: .*to: val 0 \(now 0.5\); --overwrite"):
        run(session, val=0.5)
    assert run(session, val=0.5, overwrite=True) == dict.fromkeys(STEMS, "saved")
    assert run(session, val=0.5, overwrite=True) == dict.fromkeys(STEMS, "present")


@pytest.mark.parametrize("pictures", [ImageFiles.COPY, ImageFiles.LINK])
def test_nothing_of_an_export_that_is_replaced_stays_in_another_split(
    session: Session, pictures: ImageFiles
) -> None:
    run(session, "yolo", pictures=pictures)
    edited = session.root / "to" / "labels" / "train" / "b.txt"
    edited.write_text("edited")
    replacing = export(session, "yolo", pictures=pictures, val=0.5, overwrite=True)
    steps = replacing.run()
    next(steps)
    steps.close()  # stopped, and gone on with
    assert replacing.outcome() == ["Removed 6 files of the export that this one replaces."]
    replacing = export(session, "yolo", pictures=pictures, val=0.5)
    assert {step.outcome for step in replacing.run()} == {"present", "saved"}
    splits = {
        kind: [
            {path.stem for path in (session.root / "to" / kind / split).iterdir()}
            for split in ("train", "val")
        ]
        for kind in ("labels", "images")
    }
    assert splits["images"] == [{"a10"}, {"a2", "b"}]
    assert splits["labels"] == [{"a10", "b"}, {"a2", "b"}]  # what somebody changed stays
    assert edited.read_text() == "edited"


def test_a_record_that_names_files_elsewhere_has_none_removed(session: Session) -> None:
    run(session)
    theirs = [session.root / "theirs.txt", session.root / "link"]
    theirs[0].write_bytes(b"theirs")
    theirs[1].symlink_to(theirs[0])
    digest = digest_file(theirs[0])
    link = link_to(theirs[0])
    files = {"../theirs.txt": digest, str(theirs[0]): digest, "../link": link, str(theirs[1]): link}
    with (session.root / "to" / JOURNAL).open("a") as journal:
        journal.write(json.dumps({"files": files}) + "\n")
    assert run(session, "npy", overwrite=True) == dict.fromkeys(STEMS, "saved")
    assert all(path.exists() for path in theirs)


def test_inputs_stay_even_if_an_export_that_is_replaced_wrote_them(tmp_path: Path) -> None:
    to = tmp_path / "to"
    first = Export(
        FolderSource(open_labels(folder_of_labels(tmp_path))),
        to,
        ExportSettings(format="png"),
    )
    assert len(list(first.run())) == 2
    second = Export(
        FolderSource(open_labels(to / "labels")),
        to,
        ExportSettings(format="voc"),
        overwrite=True,
    )
    assert [step.outcome for step in second.run()] == ["saved", "saved"]
    assert len(list((to / "labels").iterdir())) == 2
    assert not (to / "train.txt").exists()


@pytest.mark.parametrize("before", range(3))
def test_replacing_can_be_stopped_at_any_moment(
    session: Session, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    run(session)
    written: list[Path] = []

    def stop(path: Path, content: Any) -> None:
        if len(written) == before:
            raise KeyboardInterrupt
        write_whole(path, content)
        written.append(path)

    with monkeypatch.context() as patched:
        patched.setattr(export_folder, "write_whole", stop)
        with pytest.raises(KeyboardInterrupt):
            run(session, "npy", overwrite=True)
    assert run(session, "npy", overwrite=True) == dict.fromkeys(STEMS, "saved")
    assert all((session.root / "to" / "labels" / f"{stem}.npy").exists() for stem in STEMS)


@pytest.mark.parametrize(("to", "found", "outside"), [
    ("images", "one of the input folders", "the inputs"),
    ("pseudo/deeper", "a place in an input folder", "{root}/pseudo"),
    ("masks", "one of the input folders", "the inputs"),
    ("out", "the output folder (--out)", "it"),
    ("out/deeper", "a place in the output folder", "{root}/out"),
])  # fmt: skip
def test_nothing_is_written_among_the_inputs(
    session: Session, to: str, found: str, outside: str
) -> None:
    before = content(session.root)
    expected = f"a place outside {outside.format(root=session.root)} to write to"
    with raises_input_error(session.root / to, found=found, expected=expected):
        run(session, to=to, overwrite=True)
    assert content(session.root) == before


def test_an_export_beside_the_inputs_never_reaches_into_them(session: Session) -> None:
    (session.root / "to").mkdir()
    for theirs, role in (("images", "images"), ("labels", "pseudo")):
        (session.root / "to" / theirs).symlink_to(session.root / role)
    before = content(session.root / "images"), content(session.root / "pseudo")
    steps = list(export(session, pictures=ImageFiles.COPY, overwrite=True).run())
    assert all("one of the input folders" in step.message for step in steps)
    assert (content(session.root / "images"), content(session.root / "pseudo")) == before


def test_pictures_are_linked_or_copied(session: Session) -> None:
    run(session, "voc", pictures=ImageFiles.LINK, to="link")
    run(session, "voc", pictures=ImageFiles.COPY, to="copy")
    run(session, "voc", to="no")
    original = session.root / "images" / "b.jpg"
    link, copy = (session.root / to / "JPEGImages" / "b.jpg" for to in ("link", "copy"))
    assert link.is_symlink()
    assert link.resolve() == original.resolve()
    assert not copy.is_symlink()
    assert copy.read_bytes() == original.read_bytes()
    assert not (session.root / "no" / "JPEGImages").exists()


def test_flagged_samples_and_unsure_pixels_can_be_ignore(session: Session) -> None:
    run(session, ignore=(Ignore.FLAGGED, Ignore.UNSURE))
    assert (labels_of(session, "b") == 255).all()
    final = read_labels(session.spec.output / "a2.png")
    pseudo = read_labels(session.root / "pseudo" / "a2.png")
    expected = np.where(final != pseudo, np.uint8(255), final)
    expected[3:9] = 7  # a stroke is a person's word
    assert np.array_equal(labels_of(session, "a2"), expected)


def test_classes_are_mapped_before_labels_are_compared(session: Session) -> None:
    merged = ClassMap.of(VOC, "m", merge={"thing": list(range(1, 21))})
    run(session, class_map=merged, ignore=(Ignore.UNSURE,))
    final = merged.apply(read_labels(session.spec.output / "a2.png"))
    pseudo = merged.apply(read_labels(session.root / "pseudo" / "a2.png"))
    expected = np.where(final != pseudo, np.uint8(255), final)
    expected[3:9] = 1
    assert np.array_equal(labels_of(session, "a2"), expected)
    assert manifest(session)["settings"]["classes"] == ["background", "thing"]


def test_only_samples_of_a_class(session: Session) -> None:
    found = run(session, with_classes=[7])
    assert found == {"a2": "saved", "a10": "left out", "b": "left out"}
    assert (session.root / "to" / "train.txt").read_text() == "a2\n"


def test_soft_labels_are_softer_where_nobody_decided(session: Session) -> None:
    run(session, "soft", trust=0.6)
    final = read_labels(session.spec.output / "a2.png")
    pseudo = read_labels(session.root / "pseudo" / "a2.png")
    with np.load(session.root / "to" / "labels" / "a2.npz") as archive:
        assert np.array_equal(archive["labels"], final)
        top = archive["probabilities"].max(axis=0)
    decided = np.zeros(SHAPE, np.bool_)
    decided[3:9] = True
    assert np.array_equal(top == 1, (final == pseudo) | decided)
    assert np.allclose(top[top < 1], 0.6, atol=1e-3)


def test_the_loss_of_polygons_is_told(session: Session) -> None:
    exact = export(session, "coco-polygons", to="cut")
    list(exact.run())
    assert exact.loss is not None
    assert exact.loss.mean == 1
    assert exact.outcome()[0] == "IoU of the polygons, as they are read, with the labels: 1.0000."
    filled = export(session, "coco-polygons", holes=Holes.FILL)
    list(filled.run())
    again = export(session, "coco-polygons", holes=Holes.FILL)
    assert {step.outcome for step in again.run()} == {"present"}
    assert filled.loss is not None
    assert again.loss is not None
    assert filled.loss.iou == again.loss.iou  # of all that is there
    assert 0 < filled.loss.mean < 1
    assert "lowest" in filled.outcome()[0]
    told = manifest(session)["iou_of_polygons"]
    assert {VOC.names.index(name): iou for name, iou in told.items()} == {
        class_id: round(iou, 6) for class_id, iou in filled.loss.iou.items()
    }
    pixels = export(session, "coco", to="rle")
    list(pixels.run())
    assert pixels.loss is None
    assert pixels.outcome() == [f"Files are in {session.root / 'rle' / 'annotations'}."]


def test_samples_of_earlier_runs_are_named_and_in_no_list(session: Session) -> None:
    run(session)
    with session.store._transaction() as connection:
        connection.execute("DELETE FROM sample WHERE id = 'b'")
    object.__setattr__(session.index, "ids", ("a2", "a10"))
    later = export(session)
    list(later.run())
    assert later.others == ["b"]
    assert (session.root / "to" / "train.txt").read_text() == "a2\na10\n"
    assert (session.root / "to" / "labels" / "b.png").exists()


@pytest.mark.parametrize("damage", [b"{", b"[1]\n", b'{"files": 3}\n', b"\xff\n", b"7\n"])
def test_a_damaged_record_is_told(session: Session, damage: bytes) -> None:
    run(session)
    journal = session.root / "to" / JOURNAL
    good = journal.read_bytes()
    damaged = damage + (b"\n" if damage == b"{" else b"")
    journal.write_bytes(good + damaged)
    with refused(journal, f"a damaged line at byte {len(good)}", "repeat the command with --over"):
        run(session)
    assert run(session, overwrite=True) == dict.fromkeys(STEMS, "saved")
    journal.write_bytes(damaged + journal.read_bytes())  # so that no file is known as ours
    with pytest.raises(SaveError, match="not written by napari-sepl"):
        run(session, overwrite=True)
    (session.root / "to" / MANIFEST).write_text("{")
    for overwrite in (False, True):
        with refused(session.root / "to" / MANIFEST, "damaged or cut-off content"):
            run(session, overwrite=overwrite)
    (session.root / "to" / MANIFEST).write_text("[]")
    with pytest.raises(SaveError, match="not written by napari-sepl"):
        run(session, overwrite=True)


def test_a_folder_that_cannot_be_written_to_fails_sample_by_sample(session: Session) -> None:
    run(session, which=[Status.ACCEPTED], to="x")
    to = session.root / "to"
    to.mkdir()
    (to / "labels").write_text("a file")
    steps = list(export(session).run())
    assert all("a file has that name: " in step.message for step in steps)


def test_the_split_depends_on_names_alone() -> None:
    names = [f"2007_{number:06}" for number in range(2000)]
    chosen = [name for name in names if split_of(name, 0.2) == "val"]
    assert 300 < len(chosen) < 500
    assert all(split_of(name, 0) == "train" for name in names)
    assert set(chosen) <= {name for name in names if split_of(name, 0.3) == "val"}


# --- a folder of labels


def folder_of_labels(root: Path) -> Path:
    (root / "labels").mkdir()
    for stem in ("p10", "p9"):
        save_image(root / "labels" / f"{stem}.png", random_labels(top=3))
    return root / "labels"


def test_any_folder_of_labels_can_be_exported(tmp_path: Path) -> None:
    labels = folder_of_labels(tmp_path)
    source = FolderSource(open_labels(labels))
    run = Export(source, tmp_path / "to", ExportSettings(format="voc"))
    assert [(step.sample_id, step.outcome) for step in run.run()] == [
        ("p9", "saved"), ("p10", "saved"),
    ]  # fmt: skip
    for stem in ("p9", "p10"):
        again = read_labels(tmp_path / "to" / "SegmentationClass" / f"{stem}.png")
        assert np.array_equal(again, read_labels(labels / f"{stem}.png"))


@pytest.mark.skipif(sys.platform != "linux", reason="only there names can be any bytes")
@pytest.mark.parametrize("name", [one for one in EXPORT_FORMATS if one != "soft"])
def test_names_that_are_no_text_are_named_and_the_others_go_through(
    tmp_path: Path, name: str
) -> None:
    for folder in ("labels", os.fsdecode(b"im\xe9ges")):
        (tmp_path / folder).mkdir()
        for stem in ("café", os.fsdecode(b"caf\xe9")):
            save_image(tmp_path / folder / f"{stem}.png", random_labels(top=3))
    index = open_labels(tmp_path / "labels", images=tmp_path / os.fsdecode(b"im\xe9ges"))
    run = Export(FolderSource(index), tmp_path / "to", ExportSettings(format=name))
    first, second = run.run()
    assert (second.sample_id, second.outcome, second.message) == ("café", "saved", "")
    assert (first.sample_id, first.outcome) == ("caf\\udce9", "failed")
    assert first.message == "caf\\udce9: its name is not valid UTF-8"
    for path in (tmp_path / "to").rglob("*.json"):
        assert "caf" not in path.name or json.loads(path.read_bytes())["imagePath"].endswith(
            "/café.png"
        )
    for path in (tmp_path / "to").rglob("train.txt"):
        assert path.read_text("utf-8") == "café\n"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"format": "labelme"}, "no image"),
        ({"pictures": ImageFiles.LINK}, "no image"),
    ],
)
def test_pictures_that_are_needed_are_asked_for(
    tmp_path: Path, told: dict[str, Any], message: str
) -> None:
    source = FolderSource(open_labels(folder_of_labels(tmp_path)))
    steps = list(Export(source, tmp_path / "to", ExportSettings(**told)).run())
    assert all(message in step.message for step in steps)


def test_pseudo_labels_that_are_needed_are_asked_for(tmp_path: Path) -> None:
    source = FolderSource(open_labels(folder_of_labels(tmp_path)))
    for told in ({"format": "soft"}, {"ignore": (Ignore.UNSURE,)}):
        with pytest.raises(InputError, match="no pseudo-labels"):
            Export(source, tmp_path / "to", ExportSettings.model_validate(told))


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    labels = folder_of_labels(tmp_path)
    (tmp_path / "images").mkdir()
    save_image(tmp_path / "images" / "p9.jpg", random_labels((5, 6)))
    save_image(labels / "p11.png", np.full(SHAPE, 99, np.uint8))
    (labels / "p12.png").write_bytes(b"no image")
    (tmp_path / "list").write_text("p9\np10\np11\np12\np13")
    source = FolderSource(
        open_labels(labels, images=tmp_path / "images", list_file=tmp_path / "list")
    )
    told = [step.message for step in Export(source, tmp_path / "to", ExportSettings()).run()]
    assert "p13: no labels" in told[0]
    assert says(told[1], "p9.png", "found labels of 30 × 40")
    assert "no image of p10" in told[2]
    assert "label" in told[3]
    assert "99" in told[3]
    assert "no image in a known format" in told[4]
    with refused(tmp_path / "images", "no labels"):
        (tmp_path / "images" / "p9.jpg").unlink()
        open_labels(tmp_path / "images")


def test_labelme_finds_the_picture_from_where_it_lies(session: Session) -> None:
    run(session, "labelme", to="deep/er")
    folder = session.root / "deep" / "er"
    told = json.loads((folder / "b.json").read_text())["imagePath"]
    assert (folder / told).samefile(session.root / "images" / "b.jpg")


def test_torchvision_reads_the_voc_folder(session: Session) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    root = session.root / "to" / "VOCdevkit" / "VOC2012"
    assert set(run(session, "voc", to=root, pictures=ImageFiles.COPY).values()) == {"saved"}
    read = datasets.VOCSegmentation(session.root / "to", year="2012", image_set="train")
    assert len(read) == 3
    for stem, (picture, mask) in zip(STEMS, read, strict=True):
        original = read_labels(root / "SegmentationClass" / f"{stem}.png")
        assert np.array_equal(np.asarray(mask), original)
        with Image.open(session.root / "images" / f"{stem}.jpg") as image:
            assert np.array_equal(np.asarray(picture), np.asarray(image.convert("RGB")))


def test_masks_made_since_the_listing_count(session: Session) -> None:
    dataset = session.index
    object.__setattr__(dataset, "names", {**dataset.names, "masks": {}})
    write_masks(session.root / "masks" / "a10.json", MaskSet.from_dense(random_masks()))
    assert run(session)["a10"] == "saved"


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("voc", "ImageSets/Segmentation/val.txt"), ("npy", "val.txt"),
        ("coco", "annotations/instances_val.json"), ("yolo", ""), ("folders", ""),
    ],
)  # fmt: skip
def test_a_list_of_an_earlier_split_is_told(session: Session, name: str, listed: str) -> None:
    first = export(session, name, val=0.999)
    list(first.run())
    if listed:
        (session.root / "to" / listed).write_text("edited")  # else it would be removed
    assert not any("no such split" in sentence for sentence in first.outcome())
    again = export(session, name, overwrite=True)
    list(again.run())
    told = [sentence for sentence in again.outcome() if "no such split" in sentence]
    assert [sentence.partition(": ")[2] for sentence in told] == (
        [f"{session.root / 'to' / listed}."] if listed else []
    )


@pytest.mark.parametrize("pictures", [ImageFiles.COPY, ImageFiles.LINK])
def test_a_picture_that_changed_is_exported_anew(session: Session, pictures: ImageFiles) -> None:
    run(session, which=[Status.PENDING], pictures=pictures)  # a10, which no review binds to a file
    picture, copied = (session.root / where / "images" / "a10.jpg" for where in (".", "to"))
    content = bytearray(picture.read_bytes())
    content[-3] ^= 1  # of the same size
    picture.write_bytes(content)
    again = run(session, which=[Status.PENDING], pictures=pictures)
    assert again == {"a10": "saved"}  # a link shows the change, and the provenance names it
    assert copied.read_bytes() == bytes(content)


def test_pictures_become_links_and_copies_again(session: Session) -> None:
    run(session, pictures=ImageFiles.LINK)
    for pictures in (ImageFiles.COPY, ImageFiles.LINK, ImageFiles.NO):
        assert set(run(session, pictures=pictures, overwrite=True).values()) == {"saved"}
        links = [path.is_symlink() for path in (session.root / "to" / "images").iterdir()]
        assert links == {"copy": [False] * 3, "link": [True] * 3, "no": []}[pictures]
    assert len(list((session.root / "images").iterdir())) == 3


def test_an_export_into_the_dataset_itself(session: Session) -> None:
    """As PASCAL VOC lies: the pictures are where the format wants them, and stay."""
    (session.root / "images").rename(session.root / "JPEGImages")
    spec = session.spec.model_copy(update={"images": session.root / "JPEGImages"})
    session.index = SampleIndex.open(spec)
    before = content(session.root / "JPEGImages")
    for _ in range(2):
        told = run(session, "voc", to=".", pictures=ImageFiles.LINK, folder="SegmentationClassAug")
    assert told == dict.fromkeys(STEMS, "present")
    assert len(list((session.root / "SegmentationClassAug").iterdir())) == 3
    assert run(session, "png", to=".", overwrite=True) == dict.fromkeys(STEMS, "saved")
    assert not list((session.root / "SegmentationClassAug").iterdir())
    assert content(session.root / "JPEGImages") == before


def test_an_export_stands_beside_the_labels_and_lists_of_voc(session: Session) -> None:
    root = session.root
    (root / "images").rename(root / "JPEGImages")
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for name in ("train", "trainval"):
        (lists / f"{name}.txt").write_text("a2\n")
    places = {"images": root / "JPEGImages", "list_file": lists / "train.txt"}
    session.index = SampleIndex.open(session.spec.model_copy(update=places))
    before = content(root)
    with raises_input_error(lists / "train.txt", found="one of the inputs", expected="--folder"):
        run(session, "voc", to=".")
    (lists / "train.txt").rename(root / "list.txt")
    places["list_file"] = root / "list.txt"
    session.index = SampleIndex.open(session.spec.model_copy(update=places))
    with pytest.raises(SaveError, match=r"trainval.txt; move it, or choose another --folder"):
        run(session, "voc", to=".")
    (root / "list.txt").rename(lists / "train.txt")
    assert content(root) == before
    choices: Any = {"folder": "SegmentationClassSepl", "pictures": ImageFiles.LINK}
    made = export(session, "voc", to=".", which=[Status.ACCEPTED], **choices)
    assert [step.outcome for step in made.run()] == ["saved"]
    assert made.outcome()[0].endswith(": 1; they are unchanged.")
    assert (root / "ImageSets" / "SegmentationSepl" / "trainval.txt").read_text() == "a2\n"
    assert content(root).items() >= before.items()


def test_what_others_put_there_is_theirs_even_if_it_is_the_same(session: Session) -> None:
    theirs = session.root / "to" / "images" / "b.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes((session.root / "images" / "b.jpg").read_bytes())
    for _ in range(2):
        run(session, pictures=ImageFiles.COPY)
    run(session, overwrite=True)  # without pictures: those of the first export go
    assert list(theirs.parent.iterdir()) == [theirs]


@pytest.mark.parametrize("name", ["voc", "yolo", "coco", "npy"])
@pytest.mark.parametrize("made", [False, True])
def test_nothing_is_left_where_no_sample_was_exported(
    session: Session, name: str, made: bool
) -> None:
    to = session.root / "new" / "to"
    if made:
        to.mkdir(parents=True)
        (to / "readme.txt").write_bytes(b"theirs")
    for path in (session.root / "pseudo").iterdir():
        path.write_bytes(b"damaged")
    before = content(session.root), sorted(session.root.rglob("*"))
    assert run(session, name, to="new/to") == dict.fromkeys(STEMS, "failed")
    assert (content(session.root), sorted(session.root.rglob("*"))) == before


def test_a_folder_of_others_labels_stays_as_it_was(session: Session) -> None:
    for stem in STEMS:
        path = session.root / "to" / "SegmentationClass" / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"theirs")
    before = sorted((session.root / "to").rglob("*"))
    assert run(session, "voc", folder="SegmentationClass") == dict.fromkeys(STEMS, "failed")
    assert sorted((session.root / "to").rglob("*")) == before
    (session.root / "to" / "ImageSets").mkdir()
    (session.root / "to" / "ImageSets" / "new").write_bytes(b"a file")
    before = sorted((session.root / "to").rglob("*"))
    with pytest.raises(SaveError):
        run(session, "voc", folder="new")
    assert sorted((session.root / "to").rglob("*")) == before


def test_an_earlier_export_stays_where_no_sample_can_be_exported_again(session: Session) -> None:
    run(session)
    before = content(session.root / "to")
    for path in (session.root / "pseudo").iterdir():
        path.write_bytes(b"damaged")
    again = export(session)
    assert {step.outcome for step in again.run()} == {"failed"}
    assert again.others == []
    assert content(session.root / "to") == before


def test_a_sample_that_failed_is_of_this_run(session: Session) -> None:
    run(session)
    path = session.root / "to" / "labels" / "b.png"
    path.write_bytes(b"edited")
    again = export(session)
    (message,) = (step.message for step in again.run() if step.outcome is Outcome.FAILED)
    assert message.startswith(f"exists and was not written by napari-sepl: {path}; move it")
    assert again.others == []
    assert (session.root / "to" / "train.txt").read_text() == "a2\na10\n"


@pytest.mark.parametrize(
    ("told", "outcome"),
    [({}, "saved"), ({"ignore": (Ignore.UNSURE,)}, "failed")],
)
def test_pseudo_labels_are_read_where_they_are_needed(
    tmp_path: Path, told: dict[str, Any], outcome: str
) -> None:
    labels = folder_of_labels(tmp_path)
    pseudo = tmp_path / "pseudo"
    pseudo.mkdir()
    for path in labels.iterdir():
        (pseudo / path.name).write_bytes(b"damaged")
    index = open_labels(labels, Role.PSEUDO, pseudo=pseudo)
    settings = ExportSettings(format="coco", **told)
    steps = list(Export(FolderSource(index), tmp_path / "to", settings).run())
    assert {step.outcome for step in steps} == {outcome}
