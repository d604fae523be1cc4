import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_sepl.cli.app import make_app
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import read_dataset, write_dataset
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status, Store, StoreCorruptError, store_file
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.results import Outcome
from tests.files.making import SHAPE, random_labels, save_image
from tests.messages import assert_says, raises_input_error, says
from tests.workflow.reviewed import Session


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A dataset of three samples, of which one is accepted and one flagged."""
    session = Session(tmp_path)
    session.review("a2", Params(), slice(3, 9))
    session.review("b", Params(), status=Status.FLAGGED)
    session.store.close()
    write_dataset(tmp_path / "set.toml", session.spec)
    return tmp_path / "set.toml"


def write_untouched(toml: Path) -> None:
    """Write the label file that enhance makes of the sample that nobody touched."""
    index = SampleIndex.open(read_dataset(toml))
    outcomes = {step.sample_id: step.outcome for step in enhance_folder(index, Params())}
    assert outcomes == {"a2": Outcome.REVIEWED, "a10": Outcome.SAVED, "b": Outcome.REVIEWED}


ALL = ("--all", "--status", "accepted", "--status", "flagged")


def run(*words: object) -> tuple[int, str]:
    found = CliRunner().invoke(make_app(), ["export", *map(str, words)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output


def test_only_accepted_samples_are_exported_unless_told(toml: Path) -> None:
    to = toml.parent / "voc"
    code, out = run(toml, "--to", to, "--format", "voc", "--folder", "SegmentationClassAug")
    assert code == 0
    assert "1 sample: 1 saved" in out.splitlines()
    assert says(out, "Files are in ", to / "ImageSets/SegmentationAug", to / "SegmentationClassAug")
    assert_says(out, "accepted 1 of 3; left out: 1 flagged, 1 without labels")
    assert (to / "ImageSets" / "SegmentationAug" / "train.txt").read_text() == "a2\n"
    with Image.open(to / "SegmentationClassAug" / "a2.png") as picture:
        assert picture.mode == "P"
    write_untouched(toml)
    code, out = run(toml, "--to", toml.parent / "all", "--format", "voc", "--all")
    assert "2 samples: 2 saved" in out
    assert_says(out, "accepted 1, unreviewed 1 of 3; left out: 1 flagged")
    code, out = run(toml, "--to", toml.parent / "some", "--format", "npy", "--status", "flagged")
    assert "1 sample: 1 saved" in out
    assert_says(out, "flagged 1 of 3; left out: 1 accepted, 1 unreviewed")


def test_where_no_sample_has_the_class_that_is_said_and_is_no_success(toml: Path) -> None:
    write_untouched(toml)
    code, out = run(toml, "--to", toml.parent / "v", "--format", "voc", *ALL, "--class", "boat")
    assert code == 1
    assert_says(out, "3 left out (other classes)", "nothing to do: no sample has one of these")


def test_without_a_format_labels_are_made_as_the_window_saved_them(toml: Path) -> None:
    code, out = run(toml, "--to", toml.parent / "anew")
    assert code == 0
    assert f"Files are in {toml.parent / 'anew'}." in out
    saved = (toml.parent / "out" / "a2.png").read_bytes()
    assert (toml.parent / "anew" / "a2.png").read_bytes() == saved


@pytest.mark.parametrize(
    "words",
    [
        ("--class", "car"), ("--class-map", "map.toml"), ("--val", "0.1"),
        ("--ignore", "flagged"), ("--image-files", "copy"), ("--trust", "0.5"),
    ],
)  # fmt: skip
def test_what_needs_a_format_is_refused_without_one(toml: Path, words: tuple[str, str]) -> None:
    code, out = run(toml, "--to", toml.parent / "anew", *words)
    assert code == 2
    assert f"{words[0]} needs a --format" in out
    assert not (toml.parent / "anew").exists()


@pytest.mark.parametrize(
    ("format_name", "option", "value", "formats"),
    [
        ("coco", "--folder", "X", "for voc"), ("png", "--holes", "fill", "for coco-polygons"),
        ("voc", "--trust", "0.5", "for soft"), ("soft", "--instances", "class", "for coco"),
        ("coco", "--tolerance", "1", "coco-polygons, yolo, labelme"),
    ],
)  # fmt: skip
def test_what_a_format_has_no_use_for_is_refused(
    toml: Path, format_name: str, option: str, value: str, formats: str
) -> None:
    code, out = run(toml, "--to", toml.parent / "x", "--format", format_name, option, value)
    assert code == 2
    assert_says(out, f"{option} cannot be used with --format {format_name}", formats)
    assert not (toml.parent / "x").exists()


def test_what_a_folder_of_labels_has_no_use_for_is_refused_in_plain_words(toml: Path) -> None:
    words = ("--labels", toml.parent / "out", "--to", toml.parent / "x")
    code, out = run(*words)
    assert code == 2
    assert_says(out, "--format is missing: --labels is a folder of label PNGs already")


def test_classes_are_mapped_and_samples_chosen_by_class(toml: Path) -> None:
    (toml.parent / "map.toml").write_text('[merge]\nthing = ["aeroplane", 2, "car"]')
    to = toml.parent / "to"
    write_untouched(toml)
    code, out = run(
        toml, "--to", to, "--format", "coco", *ALL, "--class", "car", "--class-map",
        toml.parent / "map.toml",
    )  # fmt: skip
    assert code == 0
    assert "3 samples: 1 saved, 2 left out" in out
    told = json.loads((to / "annotations" / "instances_train.json").read_text())
    assert told["categories"][0] == {"id": 1, "name": "thing", "supercategory": ""}
    code, out = run(toml, "--to", to, "--format", "coco", "--class", "lion")
    assert code == 2
    assert_says(out, "--class: found the class 'lion'")


def test_the_loss_of_polygons_is_printed(toml: Path) -> None:
    words = ("--format", "yolo", "--holes", "fill", "--tolerance", 1)
    _, out = run(toml, "--to", toml.parent / "to", *words)
    assert "IoU of the polygons, as they are read, with the labels: 0." in out


def test_ignore_and_soft_labels_of_a_plain_folder(tmp_path: Path) -> None:
    for role in ("labels", "pseudo"):
        (tmp_path / role).mkdir()
    save_image(tmp_path / "labels" / "x.png", random_labels(top=3))
    save_image(tmp_path / "pseudo" / "x.png", np.zeros(SHAPE, np.uint8))
    folders = ("--labels", tmp_path / "labels", "--pseudo", tmp_path / "pseudo")
    assert run(*folders, "--to", tmp_path / "a", "--format", "png", "--ignore", "unsure")[0] == 0
    labels, expected = read_labels(tmp_path / "a" / "labels" / "x.png"), random_labels(top=3)
    assert np.array_equal(labels, np.where(expected, np.uint8(255), expected))
    assert run(*folders, "--to", tmp_path / "b", "--format", "soft", "--trust", 0.5)[0] == 0
    with np.load(tmp_path / "b" / "labels" / "x.npz") as archive:
        assert set(np.unique(archive["probabilities"]).tolist()) == {0, 0.5, 1}


@pytest.mark.parametrize("words", [("--val", 1), ("--trust", 0.2), ("--folder", "a/b")])
def test_settings_out_of_bounds_are_refused(toml: Path, words: tuple[object, ...]) -> None:
    code, out = run(toml, "--to", toml.parent / "to", "--format", "voc", *words)
    assert code == 2
    assert str(words[0]) in out
    assert not (toml.parent / "to").exists()


def test_samples_of_earlier_runs_are_named(toml: Path) -> None:
    folder = toml.parent / "labels"
    folder.mkdir()
    for stem in ("x", "y"):
        save_image(folder / f"{stem}.png", random_labels())
    words = ("--labels", folder, "--to", toml.parent / "to", "--format", "png")
    assert run(*words)[0] == 0
    (folder / "y.png").unlink()
    _, out = run(*words)
    assert "in no list, of earlier runs: y; " in out


def test_nothing_reviewed_yet_is_no_hindrance_for_all(toml: Path) -> None:
    for path in (toml.parent / "out").iterdir():
        path.unlink()
    list(enhance_folder(SampleIndex.open(read_dataset(toml)), Params()))
    for number, words in enumerate([(), ("--all",), ("--status", "flagged")]):
        for form in ((), ("--format", "png")):
            code, out = run(toml, "--to", toml.parent / f"to{number}{len(form)}", *form, *words)
            assert code == 0
            assert "3 samples: 3 saved" in out


@pytest.mark.parametrize("words", [(), ("--status", "flagged"), ("--format", "png")])
def test_where_there_are_no_labels_nothing_is_exported(toml: Path, words: tuple[str, ...]) -> None:
    for path in (toml.parent / "out").iterdir():
        path.unlink()
    with raises_input_error(
        toml.parent / "out", found="unreviewed 0 of 3; left out: 3 without", expected="--all"
    ):
        run(toml, "--to", toml.parent / "to", *words)
    assert not (toml.parent / "to").exists()


@pytest.mark.parametrize("words", [(), ("--format", "coco")])
def test_where_no_sample_has_the_status_nothing_is_exported(
    toml: Path, words: tuple[str, ...]
) -> None:
    with Store.open(store_file(toml.parent / "out"), who="test") as store:
        store.put_many_statuses(dict.fromkeys(store.statuses(), Status.PENDING))
    with raises_input_error(
        toml.parent / "out",
        found="accepted 0 of 3; left out: 2 pending, 1 without labels",
        expected="--all or --status",
    ):
        run(toml, "--to", toml.parent / "to", *words)


def test_that_images_stay_is_said_with_the_way_to_have_them(toml: Path) -> None:
    told = "images are not exported; --image-files copy"
    assert told in run(toml, "--to", toml.parent / "voc", "--format", "voc")[1]
    words = ("--format", "voc", "--image-files", "copy")
    assert told not in run(toml, "--to", toml.parent / "copied", *words)[1]


def test_a_folder_of_labels_with_a_record_gives_the_accepted_ones(toml: Path) -> None:
    write_untouched(toml)
    words = ("--labels", toml.parent / "out", "--format", "png", "--to")
    code, out = run(*words, toml.parent / "accepted")
    assert code == 0
    assert_says(out, "accepted 1 of 3; left out: 1 flagged, 1 unreviewed", "1 sample: 1 saved")
    code, out = run(*words, toml.parent / "all", "--all")
    assert_says(out, "accepted 1, unreviewed 1 of 3", "2 samples: 2 saved")
    code, out = run(*words, toml.parent / "flagged", "--status", "flagged")
    assert code == 1
    assert_says(out, "sample b", "found no label file", "the accepted labels, or the images")
    inputs = ("--images", toml.parent / "images", "--pseudo", toml.parent / "pseudo")
    masks = ("--masks", toml.parent / "masks")
    code, out = run(*words, toml.parent / "rebuilt", "--status", "flagged", *inputs, *masks)
    assert code == 0
    assert_says(out, "1 sample: 1 saved")


def test_a_damaged_record_ends_the_export_with_one_sentence(toml: Path) -> None:
    (toml.parent / "out" / "napari-sepl.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(StoreCorruptError):
        run("--labels", toml.parent / "out", "--format", "png", "--to", toml.parent / "to")


def test_a_file_where_the_folder_goes_is_said_to_be_one(toml: Path) -> None:
    file = toml.parent / "file"
    file.write_bytes(b"theirs")
    for to in (file, file / "deeper"):
        for words in (("--format", "voc"), ()):
            with pytest.raises(
                SaveError, match=f"^a file has that name: {file}; expected a folder"
            ):
                run(toml, "--to", to, *words)
    (toml.parent / "link").symlink_to(toml.parent / "nowhere")
    with pytest.raises(SaveError, match=f"^a link to nothing has that name: {toml.parent}"):
        run(toml, "--to", toml.parent / "link")
    assert file.read_bytes() == b"theirs"


def test_the_output_folder_is_called_so(toml: Path) -> None:
    to = toml.parent / "out"
    with raises_input_error(to, found="the output folder (--out)", expected="outside it"):
        run(toml, "--to", to, "--format", "voc")
