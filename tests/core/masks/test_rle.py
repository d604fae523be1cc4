"""COCO run lengths, read and written as pycocotools does, and safely when damaged."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.rle import read_all_runs, read_runs, read_size, write_rle
from napari_sepl.core.masks.runs import join, runs_of_mask
from tests.core.cases import label_maps, quick, rectangles, shapes
from tests.core.drawing import mask
from tests.core.masks.reference import coco_decode, coco_encode, counts_of
from tests.messages import raises_input_error

masks = shapes.flatmap(label_maps).map(lambda labels: labels > 100) | shapes.flatmap(rectangles)


def decode(segmentation: dict[str, Any]) -> NDArray[np.bool_]:
    height, width = segmentation["size"]
    return join((height, width), [read_runs(segmentation)]).decode(0)


@quick
@given(masks)
def test_writes_what_pycocotools_writes(pixels: NDArray[np.bool_]) -> None:
    shape = (pixels.shape[0], pixels.shape[1])
    assert write_rle(*runs_of_mask(pixels), shape) == coco_encode(pixels)


@quick
@given(masks)
def test_pycocotools_reads_what_is_written(pixels: NDArray[np.bool_]) -> None:
    shape = (pixels.shape[0], pixels.shape[1])
    np.testing.assert_array_equal(coco_decode([write_rle(*runs_of_mask(pixels), shape)])[0], pixels)


@pytest.mark.parametrize("kind", [str, str.encode])
@quick
@given(pixels=masks)
def test_reads_compressed_text(pixels: NDArray[np.bool_], kind: Any) -> None:
    written = coco_encode(pixels)
    np.testing.assert_array_equal(decode(written | {"counts": kind(written["counts"])}), pixels)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
@quick
@given(pixels=masks)
def test_reads_lists_of_counts(pixels: NDArray[np.bool_], kind: Any) -> None:
    plain = {"size": list(pixels.shape), "counts": kind(counts_of(pixels))}
    np.testing.assert_array_equal(decode(plain), pixels)


@quick
@given(shapes.flatmap(lambda shape: st.lists(label_maps(shape), min_size=1, max_size=4)))
def test_all_at_once_as_one_by_one(drawn: list[NDArray[np.uint8]]) -> None:
    written = [coco_encode(labels > 100) for labels in drawn]
    height, width = drawn[0].shape
    runs = read_all_runs([one["counts"] for one in written], (height, width))
    expected = join((height, width), [read_runs(one) for one in written])
    assert runs is not None
    expectations = (expected.starts, expected.stops, expected.offsets)
    assert [found.dtype for found in runs] == [plain.dtype for plain in expectations]
    for place, plain in enumerate(expectations):
        np.testing.assert_array_equal(runs[place], plain)


texts = st.text("0123456789:;<=>?@ABCOPQXYZ_`abcnop~ é", max_size=12)


@quick
@given(st.lists(texts, min_size=1, max_size=3), st.sampled_from([(1, 1), (2, 3), (40, 50)]))
def test_all_at_once_refuses_what_one_by_one_refuses(
    drawn: list[str], shape: tuple[int, int]
) -> None:
    runs = read_all_runs(drawn, shape)
    try:
        parts = [read_runs({"size": list(shape), "counts": text}) for text in drawn]
    except InputError:
        assert runs is None
        return
    expected = join(shape, parts)
    assert runs is not None
    np.testing.assert_array_equal(runs[0], expected.starts)
    np.testing.assert_array_equal(runs[1], expected.stops)
    np.testing.assert_array_equal(runs[2], expected.offsets)


@quick
@given(masks, st.data())
def test_zero_counts_in_between_change_nothing(
    pixels: NDArray[np.bool_], chosen: st.DataObject
) -> None:
    counts = counts_of(pixels)
    for _ in range(3):
        at = chosen.draw(st.integers(0, len(counts) - 1))
        part = chosen.draw(st.integers(0, counts[at]))
        counts[at : at + 1] = [part, 0, counts[at] - part]
    starts, stops = read_runs({"size": list(pixels.shape), "counts": counts})
    for found, expected in zip((starts, stops), runs_of_mask(pixels), strict=True):
        np.testing.assert_array_equal(found, expected)


@quick
@given(masks)
def test_trailing_zeros_change_nothing(pixels: NDArray[np.bool_]) -> None:
    for zeros in ([0], [0, 0], [0, 0, 0]):
        longer = {"size": list(pixels.shape), "counts": counts_of(pixels) + zeros}
        np.testing.assert_array_equal(decode(longer), pixels)


def test_long_runs_need_many_characters() -> None:
    pixels = np.zeros((3000, 3000), np.bool_)
    pixels[10, 20] = pixels[2999, 2999] = True
    np.testing.assert_array_equal(decode(coco_encode(pixels)), pixels)


SMALL = [
    mask("#"), mask("."), mask("##.#"), mask(".#", "#.", "##"), mask("####", "####"),
    np.indices((7, 9)).sum(axis=0) % 3 == 0, np.arange(200).reshape(2, 100) % 99 > 60,
]  # fmt: skip
CHARACTERS = bytes(range(128)) + b"\x80\xff"


def damaged(text: bytes) -> Iterator[bytes]:
    """Yield `text` with any one character changed, left out, doubled or put in, or cut off."""
    for at in range(len(text)):
        yield text[:at]
        yield text[:at] + text[at + 1 :]
        for char in CHARACTERS:
            yield text[:at] + bytes([char]) + text[at + 1 :]
            yield text[:at] + bytes([char]) + text[at:]
    yield text * 2
    yield text + b"oooo0"


def assert_sound(starts: NDArray[np.int32], stops: NDArray[np.int32], total: int) -> None:
    """Runs ascend, do not touch and lie inside the image: painting them stays in memory."""
    edges = np.column_stack([starts, stops]).ravel().astype(np.int64)
    assert (np.diff(edges) > 0).all()
    assert edges.size == 0 or (edges[0] >= 0 and edges[-1] <= total)


def check_refused_or_sound(segmentation: dict[str, Any]) -> bool:
    height, width = segmentation["size"]
    try:
        starts, stops = read_runs(segmentation)
    except InputError:
        return False
    assert_sound(starts, stops, height * width)
    return True


@pytest.mark.parametrize("pixels", SMALL, ids=lambda pixels: str(pixels.shape))
def test_damaged_text_is_refused_or_still_a_mask_of_the_image(pixels: NDArray[np.bool_]) -> None:
    whole = coco_encode(pixels)
    sound = [
        check_refused_or_sound({"size": whole["size"], "counts": text})
        for text in damaged(whole["counts"].encode())
    ]
    assert sound.count(False) > sound.count(True)


@pytest.mark.parametrize("counts", ["p4", "04P"])
def test_text_that_is_a_mask_but_for_one_character_is_refused(counts: str) -> None:
    """Beyond the alphabet "p" would read as zero; "P" begins a count and does not end it."""
    assert read_runs({"size": [2, 2], "counts": "04"})[1].tolist() == [4]
    with pytest.raises(InputError, match="damaged or cut-off RLE text"):
        read_runs({"size": [2, 2], "counts": counts})


@quick
@given(st.binary(max_size=60), st.sampled_from([1, 4, 30, 10_000]))
def test_random_bytes_are_refused_or_a_mask(text: bytes, side: int) -> None:
    check_refused_or_sound({"size": [side, side], "counts": text})


@quick
@given(st.lists(st.integers(-3, 9) | st.integers(-(2**64), 2**64), max_size=9))
def test_random_counts_are_refused_or_a_mask(counts: list[int]) -> None:
    check_refused_or_sound({"size": [3, 4], "counts": counts})


@pytest.mark.parametrize("pixels", SMALL[2:], ids=lambda pixels: str(pixels.shape))
def test_a_size_that_does_not_fit_is_refused(pixels: NDArray[np.bool_]) -> None:
    whole = coco_encode(pixels)
    height, width = whole["size"]
    with pytest.raises(InputError, match=rf"add up to {height * width} pixels; expected "):
        read_runs({"size": [height, width + 1], "counts": whole["counts"]})


@pytest.mark.parametrize(
    "counts",
    [[3], [5], [], [-1, 5], [2, -1, 3], [4.0], [2.5, 1.5], "", b"", "~~~", "é", None, 4, {"a": 1},
     [2**63, 2**63], [2**70], [[4]], [True], ["4"]],
)  # fmt: skip
def test_counts_that_are_none_are_refused_by_name(counts: Any) -> None:
    with pytest.raises(InputError, match=r"cat\.json, mask 3: found .*; expected "):
        read_runs({"size": [2, 2], "counts": counts}, "cat.json, mask 3")


@pytest.mark.parametrize(
    "segmentation",
    [None, [], "text", 3, {}, {"size": 4}, {"size": [2]}, {"size": [2, 2, 2]}, {"size": [0, 2]},
     {"size": [-1, 2]}, {"size": [2.0, 2]}, {"size": ["2", "2"]}, {"size": [True, 2]},
     {"size": None}, [[1.0, 2.0, 3.0, 4.0]]],
)  # fmt: skip
def test_sizes_that_are_none_are_refused(segmentation: Any) -> None:
    with raises_input_error(expected="a COCO RLE dict with size"):
        read_size(segmentation, "cat.json")


def test_an_image_too_large_for_32_bits_is_refused() -> None:
    with pytest.raises(InputError, match="fewer than"):
        read_runs({"size": [2**16, 2**16], "counts": [2**32]})
