import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_sepl.cli.app import make_app
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SaveError
from napari_sepl.files.dataset.specification import write_dataset
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status, Store, store_file
from tests.files.making import SHAPE, random_labels, save_image
from tests.messages import assert_says, plain, raises_input_error, says
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
    assert (to / "ImageSets" / "SegmentationAug" / "train.txt").read_text() == "a2\n"
    with Image.open(to / "SegmentationClassAug" / "a2.png") as picture:
        assert picture.mode == "P"
    code, out = run(toml, "--to", toml.parent / "all", "--format", "voc", "--all")
    assert "3 samples: 3 saved" in out
    code, out = run(toml, "--to", toml.parent / "some", "--format", "npy", "--status", "flagged")
    assert "1 sample: 1 saved" in out


def test_where_no_sample_has_the_class_that_is_said_and_is_no_success(toml: Path) -> None:
    code, out = run(toml, "--to", toml.parent / "v", "--format", "voc", "--all", "--class", "boat")
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
    for chosen in (("--all",), ("--status", "flagged")):
        code, out = run(*words, "--format", "png", *chosen)
        assert code == 2
        assert_says(out, f"leave {chosen[0]} out")


def test_classes_are_mapped_and_samples_chosen_by_class(toml: Path) -> None:
    (toml.parent / "map.toml").write_text('[merge]\nthing = ["aeroplane", 2, "car"]')
    to = toml.parent / "to"
    code, out = run(
        toml, "--to", to, "--format", "coco", "--all", "--class", "car", "--class-map",
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
    words = ("--format", "yolo", "--holes", "fill", "--all", "--tolerance", 1)
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
    assert "y: of earlier runs" in out


def test_nothing_reviewed_yet_is_no_hindrance_for_all(toml: Path) -> None:
    for path in (toml.parent / "out").iterdir():
        path.unlink()
    code, out = run(toml, "--to", toml.parent / "to", "--format", "png", "--all")
    assert code == 0
    assert "3 samples: 3 saved" in out


def test_all_and_a_status_contradict_each_other(toml: Path) -> None:
    words = ("--to", toml.parent / "to", "--format", "png", "--all", "--status", "accepted")
    code, out = run(toml, *words)
    assert code == 2
    assert_says(out, "--status: --all selects every status")
    assert not (toml.parent / "to").exists()


@pytest.mark.parametrize("words", [(), ("--status", "flagged"), ("--format", "png")])
def test_where_nothing_was_reviewed_the_ways_out_are_named(
    toml: Path, words: tuple[str, ...]
) -> None:
    for path in (toml.parent / "out").iterdir():
        path.unlink()
    code, out = run(toml, "--to", toml.parent / "to", *words)
    assert code == 1
    assert_says(out, f"nothing was reviewed in {toml.parent / 'out'}", "--all", "--labels")
    assert ("without --format only reviewed" in plain(out)) == ("--format" not in words)
    assert not (toml.parent / "to").exists()


@pytest.mark.parametrize("words", [(), ("--format", "coco")])
def test_where_no_sample_has_the_status_the_ways_out_are_named(
    toml: Path, words: tuple[str, ...]
) -> None:
    with Store.open(store_file(toml.parent / "out"), who="test") as store:
        store.put_many_statuses(dict.fromkeys(store.statuses(), Status.PENDING))
    code, out = run(toml, "--to", toml.parent / "to", *words)
    assert code == 1
    assert_says(out, "nothing to export: no sample has that status", "--all", "--labels")


def test_that_images_stay_is_said_with_the_way_to_have_them(toml: Path) -> None:
    told = "images are not exported; --image-files copy"
    assert told in run(toml, "--to", toml.parent / "voc", "--format", "voc")[1]
    words = ("--format", "voc", "--image-files", "copy")
    assert told not in run(toml, "--to", toml.parent / "copied", *words)[1]


def test_samples_left_out_by_their_status_are_counted(toml: Path) -> None:
    for form in ((), ("--format", "voc")):
        _, out = run(toml, "--to", toml.parent / f"to{len(form)}", *form)
        assert_says(out, "left out by status: 1 pending, 1 flagged")
    _, out = run(toml, "--to", toml.parent / "all", "--format", "voc", "--all")
    assert "left out by" not in out


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
