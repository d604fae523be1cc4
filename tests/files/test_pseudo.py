"""Each method's files are read for what they are, named or not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.core.labels.scores import BackgroundRule, Scores, cut_scores
from napari_sepl.files.class_pngs import group_class_pngs
from napari_sepl.files.pseudo import read_pseudo
from napari_sepl.files.scores import PSEUDO_FORMATS
from tests.files import cam_files
from tests.files.cam_files import (
    COARSE,
    SHAPE,
    cams,
    save_cam_dict,
    save_class_pngs,
    save_crf_dict,
    save_dict,
)
from tests.files.making import random_labels, refused, save_image

WRITTEN = Path(__file__).parent / "torch_written"
TENSOR_FINE = np.arange(1260, dtype=np.float32).reshape(2, *SHAPE) / 2048
DICTIONARIES = ("psa", "seam", "eps", "transcam", "ppc", "mctformer")


def scores_of(path: Path, name: str = "auto", **options: Any) -> Scores:
    read = read_pseudo(path, name, **options)
    assert isinstance(read, Scores)
    return read


def labels_of(path: Path, name: str = "auto", **options: Any) -> NDArray[np.uint8]:
    read = read_pseudo(path, name, **options)
    assert not isinstance(read, Scores)
    return read


@pytest.mark.parametrize(
    ("name", "background"),
    [("psa", 0.2), ("seam", 0.26), ("eps", 0.2), ("transcam", 0.42), ("ppc", 0.26),
     ("mctformer", 0.39)],
)  # fmt: skip
def test_cam_dictionaries_count_from_0(tmp_path: Path, name: str, background: float) -> None:
    path = save_cam_dict(tmp_path / "a.npy", cams(), [14, 0])
    read = scores_of(path, name, shape=SHAPE)
    assert read.class_ids.tolist() == [1, 15]
    assert np.array_equal(read.maps, cams()[::-1])
    assert read.own is None
    assert read.default == background
    assert read.origin.startswith(f"{name}: ")
    plane = np.full((1, *SHAPE), background, np.float32)
    expected = np.array([0, 1, 15])[np.argmax(np.concatenate([plane, cams()[::-1]]), 0)]
    assert np.array_equal(cut_scores(read), expected)


def test_crf_dictionaries_count_from_1_and_have_a_background(tmp_path: Path) -> None:
    path = save_crf_dict(tmp_path / "a.npy", cams(), [0, 14])
    read = scores_of(path, "crf")
    both = cam_files.probabilities(cams())
    assert read.class_ids.tolist() == [1, 15]
    assert np.array_equal(read.maps, both[1:])
    assert read.own is not None
    assert np.array_equal(read.own, both[0])
    assert read.rule() is BackgroundRule.OWN
    assert np.array_equal(cut_scores(read), np.array([0, 1, 15])[both.argmax(0)])


@pytest.mark.parametrize("name", ["irn", "clims"])
def test_irn_dictionaries_have_tensors_and_count_from_0(name: str) -> None:
    read = scores_of(WRITTEN / "irn.npy", name, shape=SHAPE)
    assert read.class_ids.tolist() == [4, 15]
    assert np.array_equal(read.maps, TENSOR_FINE)
    assert read.default == 0.15


def test_coarse_maps_are_enlarged_and_the_origin_names_it() -> None:
    read = scores_of(WRITTEN / "coarse.npy", "irn", shape=(21, 30))
    assert read.maps.shape == (2, *SHAPE)
    assert "enlarged 4 times" in read.origin
    assert scores_of(WRITTEN / "coarse.npy", "irn").maps.shape == (2, *COARSE)
    with refused(WRITTEN / "coarse.npy", "6 × 8 pixels", "30 × 21 pixels"):
        read_pseudo(WRITTEN / "coarse.npy", "irn", shape=(30, 21))


def test_puzzlecam_counts_from_1_behind_a_0(tmp_path: Path) -> None:
    read = scores_of(WRITTEN / "puzzlecam.npy", "puzzlecam", shape=SHAPE)
    assert read.class_ids.tolist() == [4, 15]
    assert np.array_equal(read.maps, TENSOR_FINE)
    walked = {"keys": np.array([0, 4]), "rw": cams(1)}
    save_dict(tmp_path / "a.npy", walked)
    assert scores_of(tmp_path / "a.npy", "puzzlecam").class_ids.tolist() == [4]
    assert "puzzlecam" in scores_of(tmp_path / "a.npy").origin


def test_recurseed_is_a_pickle_with_an_exponent(tmp_path: Path) -> None:
    path = save_dict(tmp_path / "a.pkl", {"keys": np.array([0, 4, 15]), "seed": cams()})
    read = scores_of(path, "recurseed", shape=SHAPE)
    assert read.class_ids.tolist() == [4, 15]
    assert read.rule() is BackgroundRule.EXPONENT
    background = np.power(1 - cams().max(0, keepdims=True), 2.0)
    expected = np.array([0, 4, 15])[np.argmax(np.concatenate([background, cams()]), 0)]
    assert np.array_equal(cut_scores(read), expected)


def test_clip_es_has_halves(tmp_path: Path) -> None:
    halves = cams().astype(np.float16)
    save_dict(tmp_path / "a.npy", {"keys": np.array([3, 14]), "attn_highres": halves})
    read = scores_of(tmp_path / "a.npy", "clip-es", shape=SHAPE)
    assert read.class_ids.tolist() == [4, 15]
    assert np.array_equal(read.maps, halves.astype(np.float32))
    assert read.rule() is BackgroundRule.EXPONENT


def test_sipe_has_the_background_in_front(tmp_path: Path) -> None:
    maps = cams(3)
    save_dict(tmp_path / "a.npy", {"keys": np.array([0, 4, 15]), "IS_CAM": maps})
    read = scores_of(tmp_path / "a.npy", "sipe", shape=SHAPE)
    assert read.class_ids.tolist() == [4, 15]
    assert read.rule() is BackgroundRule.OWN
    assert np.array_equal(cut_scores(read), np.array([0, 4, 15])[maps.argmax(0)])


@pytest.mark.parametrize("name", ["l2g", "rca"])
def test_class_pngs_are_read_together(tmp_path: Path, name: str) -> None:
    path = save_class_pngs(tmp_path, "2007_000032", cams(), [0, 14])
    save_class_pngs(tmp_path, "2007_00003", cams(1), [7])
    read = scores_of(path, name, sample_id="2007_000032", shape=SHAPE)
    assert read.class_ids.tolist() == [1, 15]
    grey = (cams()[1] / cams()[1].max() * 255).astype(np.uint8)
    assert np.array_equal(read.maps[1], grey.astype(np.float32) / np.float32(255))


def test_a_stack_has_a_map_for_every_class(tmp_path: Path) -> None:
    stack = np.zeros((21, *SHAPE), np.float32)
    stack[[0, 4, 15]] = cams(3)
    np.save(tmp_path / "a.npy", stack)
    for name in ("stack", "auto"):
        read = scores_of(tmp_path / "a.npy", name, shape=SHAPE)
        assert read.class_ids.tolist() == [4, 15]
        assert np.array_equal(cut_scores(read), stack.argmax(0))


def test_images_without_a_class_are_background(tmp_path: Path) -> None:
    for name in DICTIONARIES:
        save_dict(tmp_path / "a.npy", {})
        assert not cut_scores(scores_of(tmp_path / "a.npy", name, shape=SHAPE)).any()
    read = scores_of(WRITTEN / "classless.npy", shape=SHAPE)
    assert read.maps.shape == (0, *SHAPE)
    assert not cut_scores(read).any()
    save_dict(tmp_path / "b.npy", {"keys": np.array([0]), "seed": np.zeros((0,), np.float32)})
    assert cut_scores(scores_of(tmp_path / "b.npy", shape=SHAPE)).shape == SHAPE


@pytest.mark.parametrize(
    ("name", "layout"),
    [("irn.npy", "irn"), ("coarse.npy", "irn"), ("puzzlecam.npy", "puzzlecam")],
)
def test_auto_says_what_it_took_a_file_for(name: str, layout: str) -> None:
    assert scores_of(WRITTEN / name, shape=SHAPE).origin.startswith(f"taken for {layout}: ")


def test_auto_distinguishes_cam_and_crf_by_the_map_of_0(tmp_path: Path) -> None:
    path = save_cam_dict(tmp_path / "a.npy", cams(), [0, 14])
    assert scores_of(path).class_ids.tolist() == [1, 15]
    save_crf_dict(path, cams(), [4, 14])
    assert scores_of(path).class_ids.tolist() == [5, 15]
    assert scores_of(path).own is not None
    save_cam_dict(path, np.ones((1, *SHAPE), np.float32), [0])  # a CRF of an image without classes
    assert scores_of(path).own is not None
    between = cam_files.probabilities(cams())
    between[1, :7] = 0.5  # a third of the pixels do not sum to 1
    save_cam_dict(path, between, [0, 4, 14])
    with refused(path, "67%", "--pseudo-format crf"):
        read_pseudo(path)
    assert scores_of(path, "crf").class_ids.tolist() == [4, 14]
    assert scores_of(path, "psa").class_ids.tolist() == [1, 5, 15]


def test_a_crf_named_a_cam_is_refused(tmp_path: Path) -> None:
    path = save_crf_dict(tmp_path / "a.npy", cams(), [0, 14])
    with refused(path, "sum to 1", "--pseudo-format crf"):
        read_pseudo(path, "psa")
    save_cam_dict(path, cams(), [3, 14])
    with refused(path, "3, 14", "background"):
        read_pseudo(path, "crf")


def test_auto_reads_label_maps_as_before(tmp_path: Path) -> None:
    labels = random_labels()
    np.save(tmp_path / "a.npy", labels)
    save_image(tmp_path / "cat_7.png", labels)
    for name in ("a.npy", "cat_7.png"):
        assert np.array_equal(labels_of(tmp_path / name), labels)
        assert np.array_equal(labels_of(tmp_path / name, "labels"), labels)
    np.save(tmp_path / "a.npy", cams()[0])
    with refused(tmp_path / "a.npy", "fractions"):
        read_pseudo(tmp_path / "a.npy")


def test_auto_asks_what_a_png_with_a_number_is_unless_its_greys_tell(tmp_path: Path) -> None:
    path = save_class_pngs(tmp_path, "cat", cams(1), [7])
    assert scores_of(path, sample_id="cat").class_ids.tolist() == [8]
    save_image(path, random_labels())
    with refused(path, "label map", "--pseudo-format labels, l2g or rca"):
        read_pseudo(path, sample_id="cat")
    assert np.array_equal(labels_of(path, "labels", sample_id="cat"), random_labels())


def test_class_pngs_pair_by_the_images_stem() -> None:
    names = {stem: f"{stem}.png" for stem in ("a_1", "a_12", "2007_000032", "b", "c_300", "d_01")}
    images = {"a", "2007_000032", "2007", "b"}
    assert group_class_pngs(names, images) == ({
        "a": "a_1.png", "2007_000032": "2007_000032.png", "b": "b.png", "c_300": "c_300.png",
        "d_01": "d_01.png",
    }, {})  # fmt: skip
    assert group_class_pngs(names, images, only=True) == ({"a": "a_1.png"}, {})
    both = {"b": "b.png", "b_3": "b_3.png", "a": "a.png"}
    assert group_class_pngs(both, images) == ({"a": "a.png"}, {"b": ("b.png", "b_3.png")})


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("psa", {"a": cams()[0]}, "a dictionary of a"),
        ("psa", [cams()[0]], "no dictionary, but a list"),
        ("psa", {0: cams()}, "shape (2, 21, 30)"),
        ("psa", {0: "text"}, "str"),
        ("psa", {254: cams()[0]}, "[255]"),
        ("psa", {-1: cams()[0]}, "[0]"),
        ("psa", {0: cams()[0], 1: cams()[0, :9]}, "9 × 30 pixels (height × width) and 21 × 30"),
        ("psa", {0: np.full(SHAPE, np.nan, np.float32)}, "no numbers"),
        ("irn", {"keys": np.array([1]), "hr": cams()}, "a dictionary of keys, hr"),
        ("irn", {"keys": np.array([1]), "high_res": cams()}, "the keys [1] for 2 maps"),
        ("irn", {"keys": np.array([1, 1]), "high_res": cams()}, "the keys [1, 1]"),
        ("irn", {"keys": np.array([-1, 1]), "high_res": cams()}, "keys of shape (2,)"),
        ("irn", {"keys": np.array([[1, 2]]), "high_res": cams()}, "keys of shape (1, 2)"),
        ("irn", {"keys": np.array([1.5, 2]), "high_res": cams()}, "keys of shape (2,)"),
        ("irn", {"keys": np.array([np.nan, 2]), "high_res": cams()}, "keys of shape (2,)"),
        ("irn", {"keys": [[1], [1, 2]], "high_res": cams()}, "a list of keys"),
        ("irn", {"keys": np.array([1]), "high_res": np.array(5.0)}, "no maps as high_res"),
        ("auto", {"keys": np.array([1]), "cam": np.array(5.0)}, "a dictionary of keys, cam"),
        ("puzzlecam", {"keys": np.array([3, 4]), "rw": cams()}, "2 keys from 3 on for 2 maps"),
        ("recurseed", {"keys": np.array([1, 3, 4]), "seed": cams()}, "3 keys from 1 on"),
        ("sipe", {"keys": np.array([3, 4]), "IS_CAM": cams()}, "the keys [3, 4]"),
        ("auto", {"keys": np.array([3, 4]), "maps": cams()}, "a dictionary of keys, maps"),
        ("auto", ["text"], "a list"),
    ],
)
def test_what_a_method_does_not_write_is_refused(
    tmp_path: Path, name: str, value: Any, found: str
) -> None:
    path = save_dict(tmp_path / "a.pkl", value)
    with refused(path, found):
        read_pseudo(path, name, shape=SHAPE)


def test_one_map_for_many_classes_is_refused(tmp_path: Path) -> None:
    path = save_dict(tmp_path / "a.pkl", dict.fromkeys(range(20), cams()[0]))
    with refused(path, "one map for several classes"):
        read_pseudo(path, "psa", shape=SHAPE)


def test_a_small_file_of_one_map_under_many_keys_takes_little_memory(tmp_path: Path) -> None:
    zeros = np.zeros((1000, 1000))
    path = save_dict(tmp_path / "a.npy", dict.fromkeys(range(50_000), zeros))
    with refused(path, "the classes [1, 2"):  # stacked they would take 400 GB
        read_pseudo(path)


def test_wrong_endings_images_and_names_are_reported(tmp_path: Path) -> None:
    path = save_image(tmp_path / "cat_7.png", random_labels())
    with refused(path, "the ending .png", ".npy or .npz or .pickle or .pkl or .pt"):
        read_pseudo(path, "psa")
    with refused("pseudo-format", "'pza'", "auto, labels, colours, psa"):
        read_pseudo(path, "pza")
    colours = save_image(tmp_path / "dog_7.png", np.zeros((4, 5, 3), np.uint8))
    with refused(colours, "mode RGB"):
        read_pseudo(colours, "l2g")
    with refused(save_image(tmp_path / "dog.png", random_labels()), "without a class"):
        read_pseudo(tmp_path / "dog.png", "l2g")


def test_a_grey_truck_as_l2g_stores_it_gives_its_pseudo_labels(shared_data: Path) -> None:
    truck = shared_data / "truck"
    for name in ("l2g", "auto"):
        read = scores_of(truck / "cam" / "truck_6.png", name, sample_id="truck")
        expected = labels_of(truck / "pseudo" / "truck.png", "labels")
        assert np.array_equal(cut_scores(read, 0.25), expected)
        assert read.default == 0.25


def test_all_formats_are_tried() -> None:
    files = (Path(__file__).with_name(f"test_{name}.py") for name in ("pseudo", "score_files"))
    text = "".join(file.read_text() for file in files)
    tried = [*PSEUDO_FORMATS]
    tried.remove("colours")  # in test_label_colours.py
    assert [name for name in tried if f'"{name}"' not in text] == []
