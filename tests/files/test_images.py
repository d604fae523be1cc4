import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.files.images import SUFFIXES, image_size, read_image
from tests.files.making import SHAPE, refused, save_image

RNG = np.random.default_rng(2)
GREY = RNG.integers(0, 256, SHAPE).astype(np.uint8)
RGB = RNG.integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
RGBA = RNG.integers(0, 256, (*SHAPE, 4)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, SHAPE).astype(np.uint16)
DEEP_RGB = RNG.integers(0, 65536, (*SHAPE, 3)).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("grey.png", GREY), ("rgb.png", RGB), ("rgba.png", RGBA), ("deep.png", DEEP),
        ("rgb.bmp", RGB), ("grey.pgm", GREY), ("rgb.ppm", RGB), ("rgb.tga", RGB),
    ],
)  # fmt: skip
def test_pillow_formats_come_as_they_were_saved(
    tmp_path: Path, name: str, pixels: NDArray[Any]
) -> None:
    path = save_image(tmp_path / name, pixels)
    image = read_image(path)
    assert image.dtype == pixels.dtype
    np.testing.assert_array_equal(image, pixels)
    assert image_size(path) == SHAPE


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"tile": (16, 16)}])
@pytest.mark.parametrize("pixels", [GREY, RGB, RGBA, DEEP, DEEP_RGB])
def test_tiffs_come_as_they_were_saved(
    tmp_path: Path, pixels: NDArray[Any], options: dict[str, Any]
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else None, **options)
    image = read_image(path)
    assert image.dtype == pixels.dtype
    np.testing.assert_array_equal(image, pixels)
    assert image_size(path) == SHAPE


def test_a_tiff_with_separate_planes(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    planes = np.moveaxis(DEEP_RGB, -1, 0)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(path), DEEP_RGB)
    assert image_size(path) == SHAPE


def test_a_tiff_in_which_zero_is_white(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(path), 255 - GREY)


def test_a_tiff_with_a_palette(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    palette = RNG.integers(0, 256, (256, 3)).astype(np.uint8)
    tifffile.imwrite(path, GREY, photometric="palette", colormap=palette.T.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(path), palette[GREY])


def test_a_black_and_white_tiff(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.tif", GREY > 127, compression="group4")
    np.testing.assert_array_equal(read_image(path), np.where(GREY > 127, 255, 0))


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).quantize(16)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_a_palette_with_a_transparent_colour_gives_rgba(tmp_path: Path) -> None:
    saved = Image.fromarray(RGB).quantize(16)
    saved.save(tmp_path / "a.png", transparency=3)
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image[..., 3] == 0, np.asarray(saved) == 3)
    np.testing.assert_array_equal(image[..., :3], np.asarray(saved.convert("RGB")))


@pytest.mark.parametrize(
    ("mode", "gives"), [("1", "L"), ("LA", "RGBA"), ("CMYK", "RGB"), ("YCbCr", "RGB")]
)
def test_other_modes_are_turned_into_grey_or_rgb(tmp_path: Path, mode: str, gives: str) -> None:
    name = "a.jpg" if mode in ("CMYK", "YCbCr") else "a.png"
    Image.fromarray(RGB).convert("L" if mode == "LA" else "RGB").convert(mode).save(tmp_path / name)
    expected = np.asarray(Image.open(tmp_path / name).convert(gives))
    np.testing.assert_array_equal(read_image(tmp_path / name), expected)


def test_twenty_thousand_pixels_square_open_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 89_478_485)
    path = tmp_path / "large.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert image_size(path) == (20_000, 20_000)
    assert Image.MAX_IMAGE_PIXELS == 89_478_485  # others in this process keep Pillow's guard


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    content = bytearray(save_image(path, GREY).read_bytes())
    content[16:24] = (60_000).to_bytes(4) * 2
    content[29:33] = _crc(content[12:29])
    path.write_bytes(content)
    for read in (read_image, image_size):
        with refused(path, "60000 × 60000 pixels", "at most"):
            read(path)


def test_a_blank_palette_image_is_refused_before_its_colours_fill_the_memory(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.png"
    Image.new("P", (9000, 9000)).save(path)
    with refused(path, "9000 × 9000 pixels", " bytes"):
        read_image(path)


@pytest.mark.parametrize("colours", [2, 7, 256])
def test_palettes_of_any_length_are_looked_up_as_pillow_does(tmp_path: Path, colours: int) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RGB).quantize(colours).save(path, transparency=bytes([0, 128]))
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_image(path), np.asarray(image.convert("RGBA")))


def _crc(content: bytearray) -> bytes:
    return zlib.crc32(content).to_bytes(4)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint32])
def test_values_that_would_need_scaling_are_refused(tmp_path: Path, dtype: type[Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY.astype(dtype))
    with refused(path, f"pixel values of type {np.dtype(dtype)}", "8 or 16 bits"):
        read_image(path)


def test_several_images_in_one_file_are_refused(tmp_path: Path) -> None:
    tiff = tmp_path / "a.tif"
    tifffile.imwrite(tiff, np.stack([GREY, GREY]))
    gif = tmp_path / "a.gif"
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(gif, save_all=True, append_images=frames[1:])
    for path in (tiff, gif):
        with refused(path, "2 images in one file", "one image"):
            read_image(path)


def test_overviews_thumbnails_and_masks_are_no_further_images(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(RGB[::4, ::4], photometric="rgb", subfiletype=1)  # the thumbnail comes first
        file.write(RGB, photometric="rgb", tile=(16, 16), subifds=1)
        file.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
        file.write(np.ones(SHAPE, np.bool_), photometric="minisblack", subfiletype=4)
    np.testing.assert_array_equal(read_image(path), RGB)
    assert image_size(path) == SHAPE


def test_a_full_image_below_its_thumbnail_is_the_image(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(RGB[::4, ::4], photometric="rgb", subfiletype=1, subifds=1)
        file.write(RGB, photometric="rgb")
    np.testing.assert_array_equal(read_image(path), RGB)


@pytest.mark.parametrize("order", [(1, 2, 4), (4, 1, 2)])
def test_of_a_pyramid_without_tags_the_finest_level_is_read(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for step in order:
            file.write(RGB[::step, ::step], photometric="rgb")
    np.testing.assert_array_equal(read_image(path), RGB)
    assert image_size(path) == SHAPE


def test_several_planes_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack([GREY] * 3), photometric="minisblack")
    with refused(path, "3 images in one file", "30 × 40 pixels", "a file of its own"):
        read_image(path)
    with tifffile.TiffWriter(path) as file:
        for size in (30, 20):
            file.write(GREY[:size], photometric="minisblack")
    with refused(path, "2 images in one file"):
        image_size(path)


@pytest.mark.parametrize("ending", sorted(SUFFIXES))
def test_each_ending_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending.upper()}"
    mode = GREY if ending in (".pgm", ".gif") else RGB
    Image.fromarray(mode).save(path)
    assert read_image(path).shape[:2] == image_size(path) == SHAPE


def test_a_cameras_jpeg_with_a_preview_is_one_image(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    image = Image.fromarray(RGB)
    image.save(path, "MPO", save_all=True, append_images=[image.resize((8, 6))])
    assert read_image(path).shape == RGB.shape


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    text = tmp_path / "a.jpg"
    text.write_text("not an image")
    with refused(text, "no image in a known format"):
        read_image(text)
    with refused(tmp_path / "gone.png", "no such file"):
        read_image(tmp_path / "gone.png")
    with refused(tmp_path, "found a folder"):
        read_image(tmp_path)


def test_an_eps_file_never_reaches_ghostscript(tmp_path: Path) -> None:
    path = tmp_path / "a.eps"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\n%%EndComments\n%%EOF\n")
    with refused(path, "no image in a known format"):
        read_image(path)
