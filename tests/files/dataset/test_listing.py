"""Listing folders: sub-folders, links, what does not count, and what cannot be told apart."""

import os
import sys
from pathlib import Path

import pytest

from napari_sepl.files.dataset.listing import Listing, aligned, list_files, list_pseudo
from napari_sepl.files.dataset.mask_listing import list_masks
from tests.files.dataset.filling import fill
from tests.files.making import refused

PNG = frozenset({".png", ".jpg"})


def names(folder: Path) -> dict[str, str]:
    listing = list_files(folder, PNG)
    assert not listing.faults
    return listing.names


def alike(folder: Path, *names: str) -> str:
    """Return the fault of files that share an id."""
    files = " and ".join(str(folder / name) for name in names)
    return f"{files} have the same name up to the ending"


def test_an_id_is_the_path_without_ending(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b.c.JPG", "train/a.png", "train/deep/x y.jpg")
    assert names(tmp_path) == {
        "a": "a.png",
        "b.c": "b.c.JPG",
        "train/a": "train/a.png",
        "train/deep/x y": "train/deep/x y.jpg",
    }


def test_hidden_and_other_files_do_not_count(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a.txt", ".b.png", "Thumbs.db", ".cache/c.png", "t/.d.png", ".png", "x")
    assert names(tmp_path) == {"a": "a.png"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes")
def test_what_is_named_as_a_file_and_is_none_is_a_fault_of_that_sample(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b.png/inside.png", "both.jpg")
    os.mkfifo(tmp_path / "c.png")
    os.mkfifo(tmp_path / "both.png")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "d.png").symlink_to("/dev/null")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")  # which reading names
    listing = list_files(tmp_path, PNG)
    assert listing.names == {"a": "a.png", "gone": "gone.png"}
    assert listing.faults == {
        "b": "b.png is a folder, not a file",
        "c": "c.png is a named pipe, not a file",
        "both": alike(tmp_path, "both.jpg", "both.png"),
        "t/d": "t/d.png is a device, not a file",
    }


def test_folders_that_are_meant_may_be_named_as_files(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "cam.png/b.png", "m/v.json/c.json", "m/w.npy/0.png", "m/x.json/")
    assert list_files(tmp_path, PNG, {tmp_path / "cam.png", tmp_path / "m"}).names == {"a": "a.png"}
    masks = list_masks(tmp_path / "m", {"v.json/c", "w.npy", "x"})
    assert masks.names == {"v.json/c": "v.json/c.json", "w.npy": "w.npy"}
    assert masks.faults == {"x": "x.json is a folder, not a file"}


def test_several_files_of_one_id_are_a_fault_of_that_sample(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a.jpg", "a.JPG", "b.png", "t/a.png")
    listing = list_files(tmp_path, PNG)
    assert listing.names == {"b": "b.png", "t/a": "t/a.png"}
    assert listing.faults == {"a": alike(tmp_path, "a.JPG", "a.jpg", "a.png")}
    assert listing.ids == {"a", "b", "t/a"}


def test_folders_of_other_roles_do_not_count(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "pseudo/a.png", "t/b.png", "t/out/c.png")
    skip = {tmp_path / "pseudo", tmp_path / "t" / "out"}
    assert set(list_files(tmp_path, PNG, skip).names) == {"a", "t/b"}


def test_links_are_followed_once_and_named_last(tmp_path: Path) -> None:
    root, outside = fill(tmp_path / "d", "z/a.png"), fill(tmp_path / "outside", "b.png")
    for name, target in [
        ("a link", root / "z"),
        ("up", root),
        ("z/up", root),
        ("self", root / "self"),
        ("z/out", outside),
        ("z/out again", outside),
        ("c.png", outside / "b.png"),
        ("loop.png", root / "loop.png"),
    ]:
        (root / name).symlink_to(target)
    (outside / "back").symlink_to(root)
    assert set(names(root)) == {"z/a", "z/out/b", "c", "loop"}


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others there")
def test_a_sub_folder_that_cannot_be_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a.png", "t/b.png", "t/u/c.png")
    real = os.scandir

    def scandir(path: str) -> object:  # root reads what has no rights, too
        if str(path).rstrip("/").endswith("/t"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = list_files(tmp_path, PNG)
    assert listing.names == {"a": "a.png"}
    assert listing.closed == {"t": "the folder t/ cannot be read (Permission denied)"}
    assert listing.fault_of("t/b") == listing.fault_of("t/u/c") == listing.closed["t"]
    assert listing.fault_of("a") == listing.fault_of("tt/b") == ""


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with refused(tmp_path / "gone", "no such file or folder"):
        list_files(tmp_path / "gone", PNG)
    with refused(tmp_path / "gone", "no such file or folder"):
        list_masks(tmp_path / "gone", ())


# --- masks


def test_masks_are_files_or_folders(tmp_path: Path) -> None:
    fill(tmp_path, "a.json", "b/0.png", "b/metadata.csv", "c.npz", "d.npy", "e.png", "f/", ".g/")
    assert list_masks(tmp_path, {"a", "b"}).names == {
        "a": "a.json", "b": "b", "c": "c.npz", "d": "d.npy", "f": "f",
    }  # fmt: skip


@pytest.mark.parametrize("known", [{"t/a", "t/b", "v/w/c"}, set[str]()])
def test_sub_folders_of_samples_are_not_the_masks_of_one(tmp_path: Path, known: set[str]) -> None:
    fill(tmp_path, "t/a.json", "t/b/0.png", "v/w/c/0.png", "v/w/d/0.png")
    listing = list_masks(tmp_path, known)
    assert listing.names == {"t/a": "t/a.json", "t/b": "t/b", "v/w/c": "v/w/c", "v/w/d": "v/w/d"}


@pytest.mark.parametrize("known", [{"t/a"}, set[str]()])
def test_a_folder_of_arrays_is_one_of_samples(tmp_path: Path, known: set[str]) -> None:
    fill(tmp_path, "t/a.npy", "t/b.NPZ")
    assert set(list_masks(tmp_path, known).names) == {"t/a", "t/b"}


def test_flat_folders_of_masks_of_samples_in_sub_folders(tmp_path: Path) -> None:
    fill(tmp_path, "a/0.png", "t/0.png", "b.json")
    known = {"t/a", "t/b", "u/t"}
    assert set(list_masks(tmp_path, known).names) == {"a", "b"}  # t is a sub-folder of samples
    assert set(list_masks(tmp_path, {"x/a", "x/t", "x/b"}).names) == {"a", "b", "t"}


def test_masks_twice_are_a_fault(tmp_path: Path) -> None:
    fill(tmp_path, "a.json", "a/0.png", "b.npy", "b.npz", "c.json")
    listing = list_masks(tmp_path, {"a", "b", "c"})
    assert listing.names == {"c": "c.json"}
    assert listing.faults == {
        "a": alike(tmp_path, "a", "a.json"), "b": alike(tmp_path, "b.npy", "b.npz"),
    }  # fmt: skip


def test_the_masks_of_one_image_are_no_folder_of_masks(tmp_path: Path) -> None:
    fill(tmp_path, "0.png", "metadata.csv")
    with refused(tmp_path, "the masks of one image", "an entry for each image"):
        list_masks(tmp_path, ())


def test_folders_of_other_roles_are_no_masks(tmp_path: Path) -> None:
    fill(tmp_path, "images/a.jpg", "a.json")
    assert list_masks(tmp_path, {"a"}, {tmp_path / "images"}).names == {"a": "a.json"}


# --- pseudo-labels


def test_files_of_classes_are_one_sample(tmp_path: Path) -> None:
    fill(tmp_path, "a_14.png", "a_3.png", "b.png", "c_1.png", "2007_000032.png")
    known = {"a", "b", "2007_000032", "2007"}
    assert list_pseudo(tmp_path, "auto", known).names == {
        "a": "a_3.png", "b": "b.png", "c_1": "c_1.png", "2007_000032": "2007_000032.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "known"), [("", {"a", "b"}), ("", {"t/a", "t/b"}), ("t/", {"t/a", "t/b"})]
)
def test_files_of_classes_in_sub_folders(tmp_path: Path, folder: str, known: set[str]) -> None:
    fill(tmp_path, f"{folder}a_14.png", f"{folder}a_3.png", f"{folder}b.png")
    found = aligned(list_pseudo(tmp_path, "auto", known), known, "pseudo-labels")
    first, second = sorted(known)
    assert found.names == {first: f"{folder}a_3.png", second: f"{folder}b.png"}


def test_two_kinds_of_pseudo_labels_are_a_fault_that_the_format_settles(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a_3.png", "b.png", "b.npy", "c.png")
    listing = list_pseudo(tmp_path, "auto", {"a", "b", "c"})
    assert listing.names == {"c": "c.png"}
    assert listing.faults["a"].startswith(
        f"both {tmp_path}/a.png and {tmp_path}/a_3.png are its pseudo-labels; choose"
    )
    assert listing.faults["b"].startswith(
        f"{alike(tmp_path, 'b.npy', 'b.png')}; choose one with --"
    )
    assert list_pseudo(tmp_path, "l2g", {"a", "b", "c"}).names == {"a": "a_3.png"}
    assert not list_pseudo(tmp_path, "irn", {"a", "b", "c"}).faults
    with refused("pseudo-format", "sean"):
        list_pseudo(tmp_path, "sean", ())


# --- flat and nested


def test_a_flat_role_pairs_by_the_last_part(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b.png", "c.png", "extra.png")
    known = {"t/a", "t/b", "v/b", "v/w/c", "v/w/d"}
    found = aligned(list_files(tmp_path, PNG), known, "ground truth")
    assert found.names == {"t/a": "a.png", "v/w/c": "c.png", "extra": "extra.png"}
    assert found.faults == dict.fromkeys(("t/b", "v/b"), "ground truth b.png may be of t/b or v/b")


@pytest.mark.parametrize("known", [{"a", "b", "c"}, {"a", "b", "x/c"}])
def test_a_file_in_a_sub_folder_is_no_other_sample(tmp_path: Path, known: set[str]) -> None:
    fill(tmp_path, "backup/a.png", "backup/b.jpg", "backup/b.png", "c.png")
    listing = list_files(tmp_path, PNG)
    assert aligned(listing, known, "pseudo-labels") == listing


def test_flat_files_pair_exactly_where_only_some_samples_lie_in_sub_folders() -> None:
    listing = Listing({"a": "a.png", "b": "b.png"})
    assert aligned(listing, {"a", "old/a", "old/b"}, "ground truth") == listing


def test_a_fault_of_a_flat_file_is_one_of_the_sample(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a.jpg")
    found = aligned(list_files(tmp_path, PNG), {"t/a"}, "masks")
    assert found.faults == {"t/a": alike(tmp_path, "a.jpg", "a.png")}


def test_mirrored_sub_folders_pair_by_the_whole_id() -> None:
    listing = Listing({"t/a": "t/a.png", "v/b": "v/b.png"})
    assert aligned(listing, {"t/a", "u/b"}, "masks") == listing


def test_a_folder_that_is_not_there_is_named_with_its_role(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with refused(gone, "no such file", "a folder of images"):
        list_files(gone, PNG, what="images")
    with refused(gone, "no such file", "a folder of masks"):
        list_masks(gone, set())
    with refused(gone, "no such file", "a folder of pseudo-labels"):
        list_pseudo(gone, "auto", set())


def test_a_file_in_the_place_of_a_folder_is_named_as_one(tmp_path: Path) -> None:
    fill(tmp_path, "voc.toml")
    with refused(tmp_path / "voc.toml", "found a file:", "a folder of images"):
        list_files(tmp_path / "voc.toml", PNG, what="images")
    with refused(tmp_path / "voc.toml" / "deep", "no such file", "a folder of images"):
        list_files(tmp_path / "voc.toml" / "deep", PNG, what="images")
