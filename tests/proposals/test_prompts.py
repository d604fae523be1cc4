"""Prompts give SAM's best mask, and embeddings are made once."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.proposals.process import Remote
from napari_sepl.proposals.prompts import EmbeddingCache, Prompter, digest_image, open_prompter
from napari_sepl.proposals.weights import Checkpoint, LoadedSam
from tests.messages import raises_input_error
from tests.proposals.conftest import blobs
from tests.proposals.tiny_sam import need_sam

ARRAY = np.arange(1000, dtype=np.float32).reshape(1, 10, 100)
ENTRY = ARRAY.nbytes + 128 + 32  # with numpy's header and the digest


def filled(cache: EmbeddingCache, *names: str) -> EmbeddingCache:
    for age, name in enumerate(names):
        cache.keep(name, "model", ARRAY)
        newest = max(cache.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1_000_000 + age, 1_000_000 + age))
    return cache


def test_what_is_kept_is_found_by_image_and_model(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "deep" / "cache")
    assert cache.find("image", "model") is None
    cache.keep("image", "model", ARRAY)
    found = EmbeddingCache(cache.folder).find("image", "model")
    assert found is not None
    np.testing.assert_array_equal(found, ARRAY)
    assert found.dtype == np.float32
    assert cache.find("image", "other") is None
    assert cache.find("other", "model") is None
    assert [path.stat().st_size for path in cache.folder.iterdir()] == [ENTRY]


def test_those_not_used_for_longest_go(tmp_path: Path) -> None:
    cache = filled(EmbeddingCache(tmp_path, limit=3 * ENTRY), "a", "b", "c")
    assert cache.find("a", "model") is not None  # and so it is the newest
    cache.keep("d", "model", ARRAY)
    there = [name for name in "abcd" if cache.find(name, "model") is not None]
    assert there == ["a", "c", "d"]
    EmbeddingCache(tmp_path, limit=0).keep("e", "model", ARRAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut off", "flipped", "empty"])
def test_a_damaged_one_is_refused_and_removed(tmp_path: Path, damage: str) -> None:
    cache = filled(EmbeddingCache(tmp_path), "a")
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= damage == "flipped"
    path.write_bytes(content[: {"cut off": -4, "flipped": len(content), "empty": 0}[damage]])
    assert cache.find("a", "model") is None
    assert list(tmp_path.iterdir()) == []


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    EmbeddingCache(tmp_path, limit=0).keep("a", "model", ARRAY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_digests_differ_by_size_and_pixels() -> None:
    image = blobs((6, 8))
    assert digest_image(image) == digest_image(image.copy())
    assert digest_image(image) != digest_image(image.reshape(8, 6, 3))
    assert digest_image(image) != digest_image(255 - image)


def best_of_upstream(
    sam: LoadedSam, image: NDArray[np.uint8], **prompts: Any
) -> tuple[NDArray[np.bool_], float]:
    from segment_anything import SamPredictor

    predictor = SamPredictor(sam.network)
    predictor.set_image(image)
    masks, ratings, _ = predictor.predict(**prompts)
    return masks[ratings.argmax()], float(ratings.max())


def test_prompts_are_upstreams_with_rows_first(sam: LoadedSam, image: NDArray[np.uint8]) -> None:
    prompter = Prompter(sam)
    assert not prompter.set_image(image)
    assert prompter.set_image(image), "the same image need not be looked at again"
    points, labels = np.array([[10, 70], [80.5, 20]]), np.array([1, 0])
    xy = points[:, ::-1]
    box = np.array([5, 10, 60, 100])
    for ours, theirs in (
        ({"points": points[:1]}, {"point_coords": xy[:1], "point_labels": labels[:1]}),
        ({"points": points, "labels": labels}, {"point_coords": xy, "point_labels": labels}),
        ({"box": box}, {"box": np.array([10, 5, 100, 60])}),
        (
            {"points": points, "labels": labels == 1, "box": box},
            {"point_coords": xy, "point_labels": labels, "box": np.array([10, 5, 100, 60])},
        ),
    ):
        mask, rating = prompter.predict(**ours)
        expected, best = best_of_upstream(sam, image, **theirs)
        assert (str(mask.dtype), mask.shape, rating) == ("bool", image.shape[:2], best)
        np.testing.assert_array_equal(mask, expected)


def test_a_rough_mask_is_scaled_and_padded(sam: LoadedSam, image: NDArray[np.uint8]) -> None:
    prompter = Prompter(sam)
    prompter.set_image(image)  # 90 × 120; SAM takes 24 × 32 of its 32 × 32
    rough = np.zeros(image.shape[:2], np.bool_)
    rough[15:45, 30:90] = True
    logits = np.full((1, 32, 32), -6.9, np.float32)
    logits[0, 4:12, 8:24] = 6.9
    np.testing.assert_array_equal(prompter._logits(rough), logits)
    mask, rating = prompter.predict(mask_input=rough)
    expected, best = best_of_upstream(sam, image, mask_input=logits)
    np.testing.assert_array_equal(mask, expected)
    assert rating == best
    with_point = prompter.predict(np.array([[80, 10]]), mask_input=rough)
    assert with_point[1] != best


def test_kept_embeddings_give_the_same_masks(
    sam: LoadedSam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, images = EmbeddingCache(tmp_path), [blobs((90, 120), 0), blobs((70, 64), 1)]
    first, point = Prompter(sam, cache), np.array([[30, 40]])
    answers = []
    for image in images:
        assert not first.set_image(image)
        answers.append(first.predict(point))
    again = Prompter(sam, cache)
    monkeypatch.setattr(again._predictor, "set_image", None)
    for image, (mask, rating) in zip(images, answers, strict=True):
        assert again.set_image(image)
        found, rated = again.predict(point)
        assert rated == rating
        np.testing.assert_array_equal(found, mask)
    assert again.image_digest == digest_image(images[1])


def test_what_is_no_prompt_is_refused(sam: LoadedSam, image: NDArray[np.uint8]) -> None:
    prompter = Prompter(sam)
    with raises_input_error("image", found="none"):
        prompter.predict(np.array([[1, 2]]))
    prompter.set_image(image)
    for prompts, told in (
        ({}, "prompts: found none; expected points, a box or a mask"),
        ({"points": np.zeros((0, 2))}, "prompts: found none"),
        ({"points": np.zeros((2, 3))}, r"points: found shape \(2, 3\)"),
        ({"points": np.zeros((2, 2)), "labels": np.array([1])}, r"labels of points: found \[1\]"),
        ({"points": np.zeros((1, 2)), "labels": np.array([2])}, r"labels of points: found \[2\]"),
        ({"box": np.array([9, 0, 1, 5])}, r"box: found \[9.0, 0.0, 1.0, 5.0\]"),
        ({"mask_input": np.zeros((3, 4), np.bool_)}, r"mask to start from: found shape \(3, 4\)"),
    ):
        with pytest.raises(InputError, match=told):
            prompter.predict(**prompts)


def test_prompts_from_another_process(
    checkpoint: Checkpoint, sam: LoadedSam, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    need_sam()
    with Remote(open_prompter, checkpoint, "cpu", EmbeddingCache(tmp_path)) as remote:
        assert remote.call("set_image", image) is False
        mask, _ = remote.call("predict", np.array([[10, 70]]))
    here = Prompter(sam, EmbeddingCache(tmp_path))
    assert here.set_image(image), "what the other process kept is found"
    np.testing.assert_array_equal(mask, here.predict(np.array([[10, 70]]))[0])
