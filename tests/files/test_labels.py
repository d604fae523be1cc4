import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.labels.classes import VOC, voc_palette
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_given_labels, read_labels
from tests.files.making import SHAPE, random_labels, refused, save_image, save_palette_png

LABELS = random_labels(top=256)
FEW = random_labels(top=3)


@given(palette=st.binary(min_size=768, max_size=768))
def test_a_palette_never_counts(tmp_path_factory: pytest.TempPathFactory, palette: bytes) -> None:
    path = tmp_path_factory.mktemp("p") / "a.png"
    np.testing.assert_array_equal(read_labels(save_palette_png(path, LABELS, palette)), LABELS)


@pytest.mark.parametrize("colours", [2, 4, 16])
def test_a_short_palette_packs_several_pixels_into_a_byte(tmp_path: Path, colours: int) -> None:
    labels = random_labels(top=colours)
    path = save_palette_png(tmp_path / "a.png", labels, bytes(range(255, 255 - 3 * colours, -1)))
    assert path.read_bytes()[24] < 8  # bits a pixel
    np.testing.assert_array_equal(read_labels(path), labels)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.pgm", "a.tif"])
def test_grey_values_are_labels(tmp_path: Path, name: str) -> None:
    labels = read_labels(save_image(tmp_path / name, LABELS))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, LABELS)


def test_sixteen_bits_are_labels_where_they_fit(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", LABELS.astype(np.uint16))
    np.testing.assert_array_equal(read_labels(path), LABELS)
    save_image(path, LABELS.astype(np.uint16) + 100)
    with refused(path, f"labels from 100 to {int(LABELS.max()) + 100}", "0 to 255"):
        read_labels(path)


def test_one_bit_is_label_one(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", FEW > 0)
    np.testing.assert_array_equal(read_labels(path), FEW > 0)


def test_the_indices_of_a_palette_tiff_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    colormap = np.random.default_rng(0).integers(0, 65536, (3, 256)).astype(np.uint16)
    tifffile.imwrite(path, LABELS, photometric="palette", colormap=colormap)
    np.testing.assert_array_equal(read_labels(path), LABELS)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_arrays_of_whole_numbers(tmp_path: Path, dtype: type[Any]) -> None:
    stored = LABELS.astype(dtype)
    np.save(tmp_path / "a.npy", stored)
    np.savez(tmp_path / "b.npz", anything=stored)
    np.savez_compressed(tmp_path / "c.npz", scores=np.zeros(3), labels=stored)
    for name in ("a.npy", "b.npz", "c.npz"):
        labels = read_labels(tmp_path / name)
        assert labels.dtype == np.uint8
        np.testing.assert_array_equal(labels, LABELS)


def test_true_is_label_one(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", FEW > 0)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy"), FEW > 0)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.float32])
def test_minus_one_is_ignore(tmp_path: Path, dtype: type[Any]) -> None:
    stored = FEW.astype(dtype)
    stored[3:5] = -1
    expected = FEW.copy()
    expected[3:5] = 255
    np.save(tmp_path / "a.npy", stored)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy"), expected)
    if stored.dtype.kind == "i":
        tifffile.imwrite(tmp_path / "a.tif", stored)
        np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("shape", [(1, *SHAPE), (*SHAPE, 1), (1, 1, *SHAPE), (1, *SHAPE, 1)])
def test_axes_of_length_one_do_not_count(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", LABELS.reshape(shape))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy", SHAPE), LABELS)
    with refused(tmp_path / "a.npy", "30 × 40 pixels"):
        read_labels(tmp_path / "a.npy", (31, 40))


def test_whole_numbers_stored_as_floats_are_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", LABELS.astype(np.float64))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy"), LABELS)


def test_a_digest_is_the_same_for_every_format(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(LABELS.astype(np.int64)))
    save_image(tmp_path / "a.png", LABELS)
    save_palette_png(tmp_path / "b.png", LABELS, bytes(768))
    digests = {digest_labels(read_labels(tmp_path / n)) for n in ("a.npy", "a.png", "b.png")}
    assert len(digests) == 1
    assert digest_labels(LABELS.reshape(SHAPE[::-1])) not in digests
    changed = LABELS.copy()
    changed[-1, -1] ^= 1
    assert digest_labels(changed) not in digests


def test_a_digest_takes_no_other_array() -> None:
    with refused("labels to digest", "float64"):
        digest_labels(np.zeros(SHAPE))  # type: ignore[arg-type]


def test_colours_in_the_place_of_labels_are_reported(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", voc_palette()[random_labels()])
    with refused(
        path, "a colour image with 21 colours, all of them class colours of PASCAL VOC", "index"
    ):
        read_labels(path)
    save_image(path, voc_palette()[random_labels()] // 2 + 1)
    with refused(path, "21 colours: "):
        read_labels(path)
    save_image(path, np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8))
    with refused(path, "more than 256 colours"):
        read_labels(path)


def test_a_colour_tiff_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voc_palette()[LABELS], photometric="rgb")
    with refused(path, "colours, all of them class colours of PASCAL VOC"):
        read_labels(path)


def test_a_jpeg_has_lost_its_labels(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.jpg", LABELS)
    with refused(path, "a JPEG file, whose compression alters labels"):
        read_labels(path)


@pytest.mark.parametrize("bits", [2, 4])
def test_packed_grey_is_refused_for_readers_do_not_agree_on_it(tmp_path: Path, bits: int) -> None:
    path = save_image(tmp_path / "a.png", FEW, bits=bits)
    with refused(path, f"grey of {bits} bits a pixel", "8 bits"):
        read_labels(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (FEW / 7, "fractions of type float64"),
        (FEW.astype(np.int64) - 2, "labels from -2 to 0"),
        (FEW.astype(np.float32) + 1e12, "labels above"),
        (np.stack([FEW, FEW]), "shape (2, 30, 40)"),
        (FEW[:0], "shape (0, 40)"),
        (np.array(3), "shape ()"),
        (FEW.astype(np.complex128), "complex128"),
        (FEW.astype(str), "<U"),
    ],
)
def test_other_arrays_are_refused_and_reported(
    tmp_path: Path, array: NDArray[Any], message: str
) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)
    with refused(path, message):
        read_labels(path)


def test_an_archive_of_several_arrays_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, cam=FEW, keys=FEW)
    with refused(path, "2 arrays (cam, keys)", "one named labels or arr_0"):
        read_labels(path)
    np.savez(path)
    with refused(path, "0 arrays (none)"):
        read_labels(path)


class Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_what_is_pickled_is_refused_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    trap = Trap(mark)
    objects = np.array([trap], dtype=object)
    np.save(tmp_path / "a.npy", objects)
    np.savez(tmp_path / "a.npz", objects)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(trap))
    for name in ("a.npy", "a.npz", "b.npy"):
        with refused(tmp_path / name, "pickled objects are refused, for they run code"):
            read_labels(tmp_path / name)
    assert not mark.exists()
    pickle.loads((tmp_path / "b.npy").read_bytes())  # noqa: S301  the trap does work
    assert mark.exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("a.png", "a.npy", "a.tif"):
        with refused(tmp_path / name, "no such file"):
            read_labels(tmp_path / name)


def test_labels_can_be_written_to_and_do_not_hold_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", LABELS)
    save_image(tmp_path / "a.png", LABELS)
    for name in ("a.npy", "a.png"):
        labels = read_labels(tmp_path / name)
        assert labels.flags.writeable
        assert type(labels) is np.ndarray


def test_a_image_read_by_name_only(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(LABELS).save(path, "BMP")  # the content counts, not the ending
    np.testing.assert_array_equal(read_labels(path), LABELS)


def test_a_palette_with_the_colours_of_classes_in_another_order_is_asked_about(
    tmp_path: Path,
) -> None:
    labels = random_labels() % 3
    order = np.array([2, 0, 1], np.uint8)  # the index of each label's colour
    image = Image.fromarray(order[labels])
    image.putpalette(voc_palette()[np.argsort(order)].tobytes())
    path = tmp_path / "a.png"
    image.save(path)
    with refused(path, "at other indices", "--pseudo-format colours"):
        read_given_labels(path, VOC)
    assert (read_given_labels(path, VOC, by_colour=True) == labels).all()
    assert (read_given_labels(path, VOC, by_colour=False) == order[labels]).all()


def test_grey_with_opaque_alpha_is_labels(tmp_path: Path) -> None:
    labels = random_labels()
    grey, alpha = Image.fromarray(labels), np.full_like(labels, 255)
    path = tmp_path / "a.png"
    Image.merge("LA", (grey, Image.fromarray(alpha))).save(path)
    assert (read_labels(path) == labels).all()
    alpha[0, 0] = 0
    Image.merge("LA", (grey, Image.fromarray(alpha))).save(path)
    with refused(path, "mode LA"):
        read_labels(path)


def test_one_of_several_arrays_without_names_is_not_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, random_labels(), random_labels())
    with refused(path, "2 arrays", "labels"):
        read_labels(path)
