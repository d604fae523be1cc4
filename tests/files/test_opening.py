"""Every reader on what is no file, may not be read, or would fill the memory."""

import os
import resource
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.class_lists import read_class_list, read_class_map
from napari_sepl.files.dataset.listing import list_files
from napari_sepl.files.dataset.lists import read_image_labels, read_list
from napari_sepl.files.dataset.specification import looks_like_dataset, read_dataset
from napari_sepl.files.digests import digest_file
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import image_size, read_image
from napari_sepl.files.label_png import encode_label_png, read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import looks_like_masks, read_masks
from napari_sepl.files.pickles import holds_objects, read_pickled
from napari_sepl.files.pseudo import read_pseudo
from tests.files.making import (
    SHAPE,
    answer_of,
    provenance,
    random_labels,
    random_masks,
    save_amg_folder,
)
from tests.messages import raises_input_error

Read = Callable[[Path], object]
READERS: list[tuple[str, Read]] = [
    ("a.png", read_image), ("a.tif", read_image), ("a.jpg", image_size), ("a.png", read_labels),
    ("a.npy", read_labels), ("a.npz", read_labels), ("a.tif", read_labels),
    ("a.png", read_provenance), ("a.json", read_masks), ("a.npz", read_masks),
    ("a.npy", read_masks), ("a.npy", read_pseudo), ("a.pkl", read_pseudo), ("a.png", read_pseudo),
    ("a.npy", holds_objects), ("a.pkl", read_pickled), ("a.toml", read_class_list),
    ("a.toml", lambda path: read_class_map(path, VOC)), ("a.toml", read_dataset),
    ("a.txt", lambda path: read_list(path, ())), ("a", digest_file),
    ("a.txt", lambda path: read_image_labels(path, VOC, ())),
]  # fmt: skip
readers = pytest.mark.parametrize(
    ("name", "read"), READERS, ids=lambda given: getattr(given, "__name__", given)
)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.bind(path.name)
    finally:
        os.chdir(here)


ODD: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a named pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": make_socket,
    "a link that leads back to itself": make_loop,
    "a link to no such file": lambda path: path.symlink_to("gone"),
    "no such file": lambda _: None,
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these")
@pytest.mark.parametrize("what", ODD)
@readers
def test_what_is_no_file_is_reported_at_once(
    tmp_path: Path, name: str, read: Read, what: str
) -> None:
    path = tmp_path / name
    ODD[what](path)
    if what == "a folder" and read is read_masks:
        what = "no mask"  # a folder is one of its formats
    with raises_input_error(path, found=what):
        read(path)


@readers
def test_a_name_with_nul_is_reported(tmp_path: Path, name: str, read: Read) -> None:
    path = tmp_path / f"a\0{name}"
    with pytest.raises(InputError) as caught:
        read(path)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_file_looks_like_nothing(tmp_path: Path, what: str) -> None:
    ODD[what](tmp_path / "a.json")
    assert not looks_like_masks(tmp_path / "a.json")
    ODD[what](tmp_path / "a.toml")
    assert not looks_like_dataset(tmp_path / "a.toml")


def test_an_odd_entry_in_a_folder_of_masks_is_reported(tmp_path: Path) -> None:
    folder = save_amg_folder(tmp_path / "a", random_masks())
    (folder / "2.png").unlink()
    os.mkfifo(folder / "2.png")
    with raises_input_error("2.png", found="a named pipe"):
        read_masks(folder)


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from napari_sepl.core.errors import InputError
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks
from napari_sepl.files.dataset.listing import list_files
os.setgid(65534); os.setuid(65534)
root = Path(sys.argv[1])
for read, path in (
    (read_labels, root / "shut.png"), (read_labels, root / "000" / "a.png"),
    (read_labels, root / "644" / "a.png"), (read_masks, root / "000"), (read_masks, root / "644"),
    (read_masks, root / "000" / "a"), (lambda path: list_files(path, {".png"}), root / "000"),
):
    try:
        read(path)
    except InputError as error:
        assert str(error.source).startswith(str(root)), error
        assert "without the right to read it" in str(error), error
    else:
        raise AssertionError(path)
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may step down")
def test_what_may_not_be_read_is_not_called_absent(tmp_path: Path) -> None:
    labels = encode_label_png(random_labels(), VOC, provenance())
    (tmp_path / "shut.png").write_bytes(labels)
    (tmp_path / "shut.png").chmod(0)
    for mode in (0o000, 0o644):
        folder = save_amg_folder(tmp_path / f"{mode:03o}", random_masks())
        (folder / "a.png").write_bytes(labels)
        folder.chmod(mode)
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o755)
    subprocess.run([sys.executable, "-c", WITHOUT_RIGHTS, tmp_path], check=True, timeout=120)


def test_one_entry_that_leads_back_to_itself_does_not_hide_the_others(tmp_path: Path) -> None:
    make_loop(tmp_path / "b.png")
    (tmp_path / "a.png").touch()
    (tmp_path / "c").symlink_to("b.png")
    found = list_files(tmp_path, frozenset((".png",)))
    assert found.names == {"a": "a.png", "b": "b.png"}
    Guard((tmp_path / "a.png",)).check_place(tmp_path / "b.png")
    with pytest.raises(InputError, match="found a link that leads back to itself"):
        list_files(tmp_path / "b.png", frozenset((".png",)))


# --- sizes are compared before anything is unpacked


def save_bomb(path: Path, mode: str = "1", side: int = 32_000) -> Path:
    """Write a blank PNG of so many pixels across, its rows as one stream of zeros."""
    bits = {"1": 1, "L": 8}[mode]
    row = -(-side * bits // 8) + 1
    packer = zlib.compressobj(9)
    body = b"".join(
        [*(packer.compress(bytes(row * 100)) for _ in range(side // 100)), packer.flush()]
    )
    head = side.to_bytes(4) * 2 + bytes([bits, 0, 0, 0, 0])
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
        for kind, data in chunks
    ))  # fmt: skip
    return path


@contextmanager
def room(size: int) -> Iterator[None]:
    """Leave this process so many bytes more than it has."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")


@on_linux
def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    bomb = save_bomb(tmp_path / "bomb.png")
    assert bomb.stat().st_size < 200_000
    folder = save_amg_folder(tmp_path / "masks", random_masks())
    (folder / "0.png").write_bytes(bomb.read_bytes())
    np.savez_compressed(tmp_path / "labels.npz", np.zeros((30_000, 10_000), np.uint8))
    np.savez_compressed(tmp_path / "masks.npz", np.zeros((3, 10_000, 10_000), np.uint8))
    for read, name in (
        (lambda path: read_labels(path, SHAPE), "bomb.png"), (read_labels, "bomb.png"),
        (read_image, "bomb.png"), (read_provenance, "bomb.png"), (read_masks, "masks"),
        (lambda path: read_masks(path, SHAPE), "masks"),
        (lambda path: read_labels(path, SHAPE), "labels.npz"), (read_labels, "labels.npz"),
        (lambda path: read_masks(path, SHAPE), "masks.npz"),
    ):  # fmt: skip
        with room(60_000_000), pytest.raises(InputError, match=r"found .*× \d+ pixels"):
            read(tmp_path / name)


@on_linux
def test_many_masks_are_unpacked_one_by_one(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", np.ones((1500, 500, 500), np.uint8))
    assert (tmp_path / "a.npz").stat().st_size < 1_000_000
    read_masks(save_amg_folder(tmp_path / "a", random_masks()))  # the kernels are there then
    with room(60_000_000):
        assert len(read_masks(tmp_path / "a.npz", (500, 500))) == 1500
    np.savez_compressed(tmp_path / "b.npz", np.zeros((70_000, 2, 2), np.uint8))
    with pytest.raises(InputError, match="N up to 65536"):
        read_masks(tmp_path / "b.npz")


# --- the checksums of PNG


@pytest.mark.parametrize("read", [read_image, read_labels, read_provenance, read_pseudo])
def test_no_flipped_bit_of_a_png_comes_as_other_pixels(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "a.png"
    content = encode_label_png(random_labels(), VOC, provenance())
    rng = np.random.default_rng(0)
    for place in rng.integers(8, len(content), 60).tolist():
        altered = bytearray(content)
        altered[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(altered)
        with pytest.raises(InputError, match=r"found (damaged content \(a checksum|a cut-off PNG)"):
            read(path)


def test_a_png_without_its_end_is_reported_and_what_follows_the_end_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(random_labels()).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-12])
    with pytest.raises(InputError, match="found a cut-off PNG, without its end"):
        read_labels(path)
    path.write_bytes(content + b"more")
    assert np.array_equal(read_labels(path), random_labels())


# --- texts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"x = {'1' * 5000}", "thousands of digits"),
        (f"classes = {'[' * 5000}{']' * 5000}", "nested too deeply"),
        ("a." * 100_000 + "a = 1", "a line of over 1,000 dots"),
        ("x = 1\n" * 200_000, "bytes"),
        ("\udcff", "not valid TOML"),
    ],
    ids=["digits", "deep", "dots", "long", "no text"],
)
@pytest.mark.parametrize(
    "read", [read_class_list, read_dataset, lambda path: read_class_map(path, VOC)],
    ids=["classes", "dataset", "class map"],
)  # fmt: skip
def test_toml_beyond_reason_is_reported(
    tmp_path: Path, read: Read, content: str, message: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(content, "utf-8", errors="surrogateescape")
    with raises_input_error(path, found=message):
        read(path)


@pytest.mark.parametrize("key", ["images", "classes"])
@pytest.mark.parametrize(
    ("place", "message"),
    [("~nosuchuser/a.toml", "no home of ~nosuchuser"), ("a\\u0000b.toml", r"a\x00b")],
)
def test_paths_that_lead_nowhere_are_reported(
    tmp_path: Path, key: str, place: str, message: str
) -> None:
    path = tmp_path / "a.toml"
    keys = {"images": "i", "pseudo": "p", "out": "o", key: place}
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in keys.items()))
    with raises_input_error(path, found=message):
        read_dataset(path)


def test_a_key_of_thousands_of_digits_is_reported(tmp_path: Path) -> None:
    one = np.zeros(SHAPE, np.float32)
    for value in ({10**6000: one, 1: one}, {1: 10**6000}, {"keys": 10**6000, "cam": one}):
        np.save(tmp_path / "a.npy", value, allow_pickle=True)  # type: ignore[arg-type]
        with raises_input_error(tmp_path / "a.npy"):
            read_pseudo(tmp_path / "a.npy")


def test_a_damaged_header_of_numpy_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, {1: np.zeros(SHAPE, np.float32)}, allow_pickle=True)  # type: ignore[arg-type]
    content = path.read_bytes()
    for place in range(10, 70):
        path.write_bytes(content[:place] + b"(" + content[place + 1 :])
        for read in (read_pseudo, read_labels, read_masks, holds_objects):
            answer_of(read, path)
