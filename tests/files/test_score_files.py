"""Score files of later methods, of torch and safetensors, and arrays with or without background."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl.core.labels.classes import BUILT_IN, VOC, ClassList
from napari_sepl.core.labels.scores import BackgroundRule, Scores, cut_scores, resize
from napari_sepl.files import arrays
from napari_sepl.files.pickles import read_torch_file
from napari_sepl.files.pseudo import read_pseudo
from tests.files.cam_files import (
    SHAPE,
    cams,
    save_cam_dict,
    save_dict,
    save_pickle,
    save_safetensors,
    save_torch,
)
from tests.files.making import random_labels, refused

OFFICIAL = BUILT_IN["coco-official"]
ONE = ClassList("one", ("background", "cell"), ((0, 0, 0), (9, 8, 7)))


def scores_of(path: Path, name: str = "auto", classes: ClassList = VOC, **more: Any) -> Scores:
    read = read_pseudo(path, name, classes=classes, shape=more.pop("shape", SHAPE), **more)
    assert isinstance(read, Scores)
    return read


def with_background(maps: NDArray[np.float32], level: float = 0.4) -> NDArray[np.float32]:
    return np.concatenate([np.full((1, *maps.shape[1:]), level, np.float32), maps])


# --- methods


def test_excel_has_the_background_in_front_of_its_keys(tmp_path: Path) -> None:
    maps = with_background(cams())
    save_dict(tmp_path / "a.npy", {"valid_lam": maps, "keys_gt": np.array([3, 14])})
    for name in ("auto", "excel"):
        read = scores_of(tmp_path / "a.npy", name)
        assert read.class_ids.tolist() == [4, 15]
        assert read.rule() is BackgroundRule.OWN
        assert np.array_equal(cut_scores(read), np.array([0, 4, 15])[maps.argmax(0)])


@pytest.mark.parametrize("field", ["valid_cam", "valid_lam"])
def test_more_has_a_map_for_each_key(tmp_path: Path, field: str) -> None:
    value = {field: cams(), "keys": np.array([3, 14]), "keys_gt": np.array([3])}
    save_dict(tmp_path / "a.npy", value)
    for name in ("auto", "more"):
        read = scores_of(tmp_path / "a.npy", name)
        assert (read.class_ids.tolist(), read.default, read.own) == ([4, 15], 0.5, None)
    save_dict(tmp_path / "a.npy", value | {"keys": np.array([3, 14, 15])})
    with refused(tmp_path / "a.npy", "the keys [4, 15, 16] for 2 maps"):
        scores_of(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("name", "field"), [("dupl", "msc_seg"), ("weclip", "msc_segs"), ("weclip", "segs")]
)
def test_logits_are_cut_as_their_argmax(tmp_path: Path, name: str, field: str) -> None:
    logits = np.random.default_rng(5).normal(size=(1, 21, *SHAPE)).astype(np.float32) * 8
    save_dict(tmp_path / "a.npy", {field: logits})
    for fmt in (name, "auto"):
        read = scores_of(tmp_path / "a.npy", fmt)
        assert np.array_equal(cut_scores(read), logits[0].argmax(0))
        assert read.own is not None
        assert np.allclose(read.own + read.maps.sum(0), 1, atol=1e-5)


def test_logits_of_another_number_of_classes_are_refused(tmp_path: Path) -> None:
    save_dict(tmp_path / "a.npy", {"msc_seg": cams(21)[np.newaxis]})
    with refused(tmp_path / "a.npy", "21 maps for the 80 classes of coco", "--classes"):
        scores_of(tmp_path / "a.npy", classes=BUILT_IN["coco"])


def test_fma_is_an_archive_whose_maps_are_scaled(tmp_path: Path) -> None:
    maps, keys, logits = (cams() - 0.1) * 40, np.array([3, 14]), np.ones(20)
    np.savez(tmp_path / "a.npz", cam=maps, fg_cls=keys, all_logit=logits, att=np.ones((2, 2)))
    for name in ("auto", "fma-wsss"):
        read = scores_of(tmp_path / "a.npz", name)
        assert read.class_ids.tolist() == [4, 15]
        assert (read.maps.min(), read.maps.max()) == (0, 1)
        assert np.allclose(read.maps[0], np.maximum(maps[0], 0) / maps[0].max())


# --- arrays with and without background


def test_the_class_list_tells_whether_the_background_is_in_front(tmp_path: Path) -> None:
    bare = np.zeros((20, *SHAPE), np.float32)
    bare[[3, 14]] = cams()
    path = tmp_path / "a.npy"
    np.save(path, bare)
    for name in ("auto", "stack-no-background"):
        read = scores_of(path, name)
        assert (read.class_ids.tolist(), read.own) == ([4, 15], None)
    np.save(path, with_background(bare)[np.newaxis])
    read = scores_of(path)
    assert read.class_ids.tolist() == [4, 15]
    assert read.own is not None


@pytest.mark.parametrize("count", [2, 19, 22, 81])
def test_another_number_of_maps_is_asked_about(tmp_path: Path, count: int) -> None:
    np.save(tmp_path / "a.npy", cams(count))
    told = (f"{count} maps for the 20 classes of voc", "--pseudo-format stack or stack-no-backgr")
    with refused(tmp_path / "a.npy", *told):
        scores_of(tmp_path / "a.npy")


def test_the_only_class_has_one_map(tmp_path: Path) -> None:
    for array in (cams(1), cams(1)[0]):
        np.save(tmp_path / "a.npy", array)
        read = scores_of(tmp_path / "a.npy", classes=ONE)
        assert read.class_ids.tolist() == [1]
        assert np.array_equal(read.maps, cams(1))


@pytest.mark.parametrize("count", [80, 81, 90, 91])
def test_arrays_of_coco_may_have_a_map_for_each_number_or_each_class(
    tmp_path: Path, count: int
) -> None:
    maps = np.zeros((count, *SHAPE), np.float32)
    has_gaps, has_own = count > 81, count % 10 == 1
    place = (OFFICIAL.ids.index(88) if not has_gaps else 88) - (not has_own)
    maps[place] = cams(1)
    np.save(tmp_path / "a.npy", maps)
    read = scores_of(tmp_path / "a.npy", classes=OFFICIAL)
    assert read.class_ids.tolist() == [88]
    assert (read.own is not None) == has_own


def test_keys_are_places_in_a_class_list_with_gaps(tmp_path: Path) -> None:
    path = save_cam_dict(tmp_path / "a.npy", cams(), [0, 79])
    assert scores_of(path, classes=OFFICIAL).class_ids.tolist() == [1, 90]
    save_cam_dict(path, cams(), [0, 85])
    with refused(path, "place 86", "1 to 80"):
        scores_of(path, classes=OFFICIAL)


# --- sizes


def test_maps_of_another_size_are_resized(tmp_path: Path) -> None:
    path = save_cam_dict(tmp_path / "a.npy", cams(2, (64, 64)), [3, 14])
    read = scores_of(path, shape=(21, 30))
    assert np.array_equal(read.maps, resize(cams(2, (64, 64)), (21, 30)))
    assert "resized from 64 × 64 pixels (bilinear)" in read.origin


def test_maps_of_a_turned_or_of_a_much_smaller_image_are_refused(tmp_path: Path) -> None:
    path = save_cam_dict(tmp_path / "a.npy", cams(2, (30, 21)), [3, 14])
    with refused(path, "30 × 21", "EXIF"):
        scores_of(path, shape=(21, 30))
    path = save_dict(path, {3: np.zeros((3000, 3000), np.uint8)})
    with refused(path, "3000 × 3000", "at most 4 times"):
        scores_of(path, shape=(21, 30))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40))
def test_resizing_stays_within_the_values_and_keeps_a_plane(h: int, w: int, H: int, W: int) -> None:  # noqa: N803
    maps = cams(1, (h, w))
    fine = resize(maps, (H, W))
    assert fine.shape == (1, H, W)
    assert maps.min() - 1e-6 <= fine.min() <= fine.max() <= maps.max() + 1e-6
    assert np.allclose(resize(np.full((1, h, w), 0.3, np.float32), (H, W)), 0.3)
    assert np.array_equal(resize(maps, (h, w)), maps)


# --- containers


def irn() -> dict[str, NDArray[Any]]:
    return {"keys": np.array([3, 14]), "cam": cams(2, (6, 8)), "high_res": cams()}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", ["zip", "old"])
def test_files_of_torch_are_read_without_torch(tmp_path: Path, layout: str, order: str) -> None:
    path = save_torch(tmp_path / "a.pt", irn(), layout=layout, order=order)
    read = scores_of(path)
    assert read.class_ids.tolist() == [4, 15]
    assert np.array_equal(read.maps, cams())
    turned = save_torch(tmp_path / "b.pth", cams().T, layout=layout, order=order)
    assert np.array_equal(read_torch_file(turned), cams().T)


def test_safetensors_npz_and_numbers_as_names(tmp_path: Path) -> None:
    path = save_safetensors(tmp_path / "a.safetensors", irn())
    assert np.array_equal(scores_of(path).maps, cams())
    numbered = {"3": cams()[0], "14": cams()[1]}
    path = save_safetensors(tmp_path / "b.safetensors", numbered)
    np.savez_compressed(tmp_path / "b.npz", **numbered)
    for one in (path, tmp_path / "b.npz"):
        assert scores_of(one).class_ids.tolist() == [4, 15]
    only = save_safetensors(tmp_path / "c.safetensors", {"logits": cams(21)[np.newaxis]})
    assert len(scores_of(only).class_ids) == 20


def test_a_label_map_may_be_a_tensor(tmp_path: Path) -> None:
    labels = random_labels()
    for path in (
        save_torch(tmp_path / "a.pt", labels.astype(np.int64)[np.newaxis]),
        save_safetensors(tmp_path / "a.safetensors", {"labels": labels}),
    ):
        read = read_pseudo(path, classes=VOC)
        assert not isinstance(read, Scores)
        assert np.array_equal(read, labels)


# --- damage


@pytest.mark.parametrize(
    "header",
    [
        b"[1]",
        b"{",
        b"[" * 9999,
        b'{"a": {"dtype": "F32", "shape": [1000000000], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 40]}}',
        b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}',
        b'{"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4]}}',
        b'{"a": 3}',
    ],
)
def test_crafted_safetensors_cost_one_line(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    with refused(path):
        scores_of(path)
    path.write_bytes((2**62).to_bytes(8, "little") + header)
    with refused(path, "a header of 4,611,686,018,427,387,904 bytes"):
        scores_of(path)


def test_crafted_files_of_torch_cost_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    value: Any = {"keys": [0]}
    for _ in range(50):
        value = {"a": value}
    with refused(save_pickle(path, value)):
        scores_of(path)
    with refused(save_torch(path, value), "containers 8 deep"):
        scores_of(path)
    content = bytearray(save_torch(path, irn()).read_bytes())
    content[content.index(cams().tobytes()) + 99] ^= 1
    path.write_bytes(content)
    with refused(path, "damaged", "CRC"):
        scores_of(path)
    path.write_bytes(b"PK\3\4")
    with refused(path, "damaged"):
        scores_of(path)


def test_an_archive_far_larger_than_its_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "_FREE", 2**20)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, keys=np.arange(40), cam=np.zeros((40, 1000, 1000), np.float32))
    with refused(path, "far larger than their file"):
        scores_of(path)


def test_names_of_safetensors_may_be_any_text(tmp_path: Path) -> None:
    path = save_safetensors(tmp_path / "a.safetensors", {"x": cams(), "y": cams()})
    with refused(path, "a dictionary of x, y"):
        scores_of(path)
    assert json.loads(path.read_bytes()[8:][: int.from_bytes(path.read_bytes()[:8], "little")])
