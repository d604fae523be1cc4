import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl.core.labels.pixels import PixelRuns
from napari_sepl.files.store.encoding import (
    decode_overlay,
    decode_runs,
    encode_overlay,
    encode_runs,
)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 2, 257]), st.integers(0, 2**32))
def test_an_overlay_comes_back_exactly(height: int, width: int, values: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    overlay = chance.integers(-1, values - 1, (height, width)).astype(np.int16)
    packed = encode_overlay(overlay)
    assert (packed is None) == bool((overlay == -1).all())
    if packed is not None:
        assert same(decode_overlay(packed), overlay)


def same(found: NDArray[np.int16] | None, expected: NDArray[np.int16]) -> bool:
    return found is not None and found.dtype == np.int16 and np.array_equal(found, expected)


def test_nothing_painted_is_nothing_stored() -> None:
    assert encode_overlay(None) is None
    assert encode_overlay(np.full((3, 4), -1, np.int16)) is None
    assert encode_overlay(np.empty((0, 4), np.int16)) is None
    assert decode_overlay(None) is None


def test_the_order_of_the_array_does_not_matter() -> None:
    overlay = np.arange(12, dtype=np.int16).reshape(3, 4)
    for view in (overlay, np.asfortranarray(overlay), overlay[::-1], overlay[:, ::2]):
        assert same(decode_overlay(encode_overlay(view)), view)


def test_a_brush_takes_few_bytes() -> None:
    rows, cols = np.ogrid[:4096, :4096]
    overlay = np.full((4096, 4096), -1, np.int16)
    overlay[(rows - 2000) ** 2 + (cols - 1000) ** 2 < 500**2] = 15
    packed = encode_overlay(overlay)
    assert packed is not None
    assert len(packed) < 4000
    assert same(decode_overlay(packed), overlay)


@settings(deadline=None)
@given(st.data())
def test_a_change_comes_back_exactly(data: st.DataObject) -> None:
    edges = data.draw(st.lists(st.integers(0, 2**30), unique=True, min_size=2, max_size=20))
    edges = sorted(edges)[: len(edges) // 2 * 2]
    label = st.lists(st.integers(-1, 255), min_size=len(edges) // 2, max_size=len(edges) // 2)
    change = PixelRuns(
        np.array(edges[::2], np.int32),
        np.array(edges[1::2], np.int32),
        np.array(data.draw(label), np.int16),
        np.array(data.draw(label), np.int16),
    )
    again = decode_runs(encode_runs(change))
    for name in PixelRuns._fields:
        mine, theirs = getattr(again, name), getattr(change, name)
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype


def test_any_damage_is_found() -> None:
    overlay = np.full((30, 40), -1, np.int16)
    overlay[3:9, 5:20] = 7
    packed = encode_overlay(overlay)
    assert packed is not None
    for place in range(len(packed)):
        with pytest.raises(ValueError, match="damaged runs"):
            decode_overlay(packed[:place])
        damaged = bytearray(packed)
        damaged[place] ^= 1
        try:
            assert same(decode_overlay(bytes(damaged)), overlay)  # a bit that fills up a byte
        except ValueError as error:
            assert "runs" in str(error)  # noqa: PT017  either is right


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02" + bytes(12),  # another format
        b"\x01" + bytes(12) + b"\x00",  # more than the runs
        b"\x01" + (2).to_bytes(4, "little") * 2 + (1).to_bytes(4, "little")
        + (3).to_bytes(4, "little") + (2).to_bytes(4, "little") + b"\x07\x00",  # beyond 2 × 2
        b"\x01" + (2**20).to_bytes(4, "little") * 2 + bytes(4),  # an enormous size
    ],
)  # fmt: skip
def test_whole_bytes_that_make_no_sense_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"runs"):
        decode_overlay(zlib.compress(content))
