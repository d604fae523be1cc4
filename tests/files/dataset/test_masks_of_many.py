"""The masks of many images in one JSON file: found by name or id, read once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import MaskSet
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.polygons import find_segments
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.mask_listing import list_masks
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import ExportSettings, Labelled, Listing
from napari_sepl.files.masks import many as many_files
from napari_sepl.files.masks import read_masks, write_masks
from napari_sepl.files.masks.many import find_many
from tests.files.dataset.filling import spec_of
from tests.files.dataset.opening import open_masks
from tests.files.making import (
    SHAPE,
    equal,
    random_labels,
    random_masks,
    refused,
    save_image,
    save_json,
)
from tests.files.mask_writers import compressed, instances

DENSE = random_masks(3)


def coco(*images: dict[str, Any], of: list[object]) -> dict[str, Any]:
    """Return instances with DENSE[n] for image of[n]."""
    return {
        "images": list(images),
        "annotations": [
            {"id": at, "image_id": one, "segmentation": compressed(DENSE[at])}
            for at, one in enumerate(of)
        ],
    }


def found(path: Path, sample_id: str) -> list[int]:
    """Return which of DENSE the image of a sample has."""
    masks = read_masks(path, SHAPE, sample_id)
    return [
        at for index in range(len(masks)) for at, mask in enumerate(DENSE)
        if np.array_equal(mask, masks.decode(index))
    ]  # fmt: skip


def test_an_image_is_found_by_its_file_with_folders_where_needed(tmp_path: Path) -> None:
    content = coco(
        {"id": 1, "file_name": "train/a.jpg"}, {"id": 2, "file_name": "val\\a.jpg"},
        {"id": 3, "file_name": "x/b c.d.png"}, {"id": 4, "file_name": "none.png"}, of=[1, 2, 3],
    )  # fmt: skip
    path = save_json(tmp_path / "all.json", content)
    assert found(path, "train/a") == [0]
    assert found(path, "deep/val/a") == [1]
    assert found(path, "b c.d") == [2]
    assert found(path, "none") == []
    with refused(path, "2 images for a (train/a and val/a)"):
        read_masks(path, SHAPE, "a")
    with refused(path, "4 images, none of them gone"):
        read_masks(path, SHAPE, "gone")
    with refused(path, "masks of 4 images"):
        read_masks(path, SHAPE)


def test_an_image_is_found_by_its_id_where_its_name_does_not_tell_another(tmp_path: Path) -> None:
    content = coco(
        {"id": 139, "file_name": "COCO_val2014_000000000139.jpg"}, {"id": 7, "file_name": "b.jpg"},
        {"id": 8}, of=[139, 7, 8],
    )  # fmt: skip
    path = save_json(tmp_path / "all.json", content)
    assert found(path, "000000000139") == found(path, "139") == [0]
    assert found(path, "8") == found(path, "008") == [2]
    with refused(path, "none of them 7"):  # which is b
        read_masks(path, SHAPE, "7")


def test_names_in_either_unicode_form_and_any_coding(tmp_path: Path) -> None:
    content = coco(
        {"id": 1, "file_name": "caf\u00e9.png"}, {"id": 2, "file_name": "b.png"}, of=[1, 2]
    )
    path = tmp_path / "all.json"
    for coding, escaped in (
        ("utf-8", False),
        ("utf-8", True),
        ("utf-16", False),
        ("utf-8-sig", False),
    ):
        path.write_text(json.dumps(content, ensure_ascii=escaped), coding)
        assert found(path, "cafe\u0301") == [0]
        assert found(path, "b") == [1]


def test_a_file_is_walked_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks = []
    walk = many_files._walk

    def counted(*given: Any, **options: Any) -> Any:
        walks.append(given)
        return walk(*given, **options)

    monkeypatch.setattr(many_files, "_walk", counted)
    path = save_json(tmp_path / "all.json", instances(DENSE, compressed, "a"))
    for _ in range(3):
        assert found(path, "train/a") == [0, 1, 2]
        read_masks(path, SHAPE, "other")
    assert len(walks) == 1
    save_json(path, coco({"id": 1, "file_name": "a.png"}, {"id": 2}, of=[2, 1, 1]))
    assert found(path, "a") == [1, 2]
    assert len(walks) == 2


def test_the_size_of_the_image_is_compared(tmp_path: Path) -> None:
    path = save_json(tmp_path / "all.json", instances(DENSE, compressed, "a"))
    with refused(path, "30 × 40", "40 × 30", "EXIF"):
        read_masks(path, (40, 30), "a")


def test_a_sample_s_own_file_need_not_name_it(tmp_path: Path) -> None:
    path = save_json(tmp_path / "a.json", coco({"id": 1, "file_name": "before.png"}, of=[1, 1]))
    assert found(path, "t/a") == [0, 1]
    with refused(path, "1 images, none of them b"):
        read_masks(path, SHAPE, "b")


# --- in datasets


def fill(root: Path) -> None:
    for name in ("a", "b", "c"):
        for role in ("images", "pseudo"):
            (root / role).mkdir(exist_ok=True, parents=True)
            save_image(root / role / f"{name}.png", random_labels())


def masks_by_sample(index: SampleIndex) -> dict[str, int]:
    read = {one: index.path(Role.MASKS, one) for one in index.ids}
    return {one: len(read_masks(path, SHAPE, one)) for one, path in read.items() if path}


CONTENT = coco({"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}, of=[1, 2, 2])


@pytest.mark.parametrize("place", ["masks.json", "masks/instances_train.json"])
def test_one_file_for_a_dataset(tmp_path: Path, place: str) -> None:
    fill(tmp_path)
    (tmp_path / "masks").mkdir()
    save_json(tmp_path / place, CONTENT)
    masks = tmp_path / place.split("/", maxsplit=1)[0]
    index = SampleIndex.open(spec_of(tmp_path, masks=masks))
    assert masks_by_sample(index) == {"a": 1, "b": 2}
    assert index.without(Role.MASKS) == ["c"]
    assert set(open_masks(masks).ids) == {"a", "b"}


def test_several_files_and_files_of_single_samples(tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    save_json(folder / "train.json", CONTENT)
    save_json(folder / "val.json", coco({"id": 1, "file_name": "b.jpg"}, {"id": 2}, of=[1]))
    write_masks(folder / "c.json", MaskSet.from_dense(DENSE))
    listing = list_masks(folder, {"a", "b", "c"})
    assert listing.names == {"a": "train.json", "c": "c.json"}
    assert list(listing.faults) == ["b"]
    assert "train.json" in listing.faults["b"]
    assert "val.json" in listing.faults["b"]


def test_a_file_without_images_is_not_one_for_a_dataset(tmp_path: Path) -> None:
    write_masks(tmp_path / "a.json", MaskSet.from_dense(DENSE))
    with refused(tmp_path / "a.json", "no masks of many images"):
        list_masks(tmp_path / "a.json", {"a"})
    (tmp_path / "a.npy").write_bytes(b"")
    with refused(tmp_path / "a.npy", "no masks of many images"):
        list_masks(tmp_path / "a.npy", {"a"})


def test_numbered_pictures_are_masks_of_samples_and_give_way_to_others(tmp_path: Path) -> None:
    for name in ("0.png", "1.tif", "a.png", "a.json", "b.png", "b.tif", "overview.png", "t/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    listing = list_masks(tmp_path, {"0", "1", "a", "b", "t/c"})
    assert listing.names == {"0": "0.png", "1": "1.tif", "a": "a.json", "t/c": "t/c.png"}
    assert list(listing.faults) == ["b"]


@pytest.mark.parametrize("name", ["coco", "coco-polygons", "labelme", "labelme-masks"])
def test_our_own_exports_are_read_back(tmp_path: Path, name: str) -> None:
    settings = ExportSettings(format=name)
    classes = VOC
    listing_entries = []
    labels = {one: random_labels(SHAPE, top) for one, top in (("a", 3), ("b", 5))}
    for one, drawn in labels.items():
        sample = Labelled(one, drawn, classes, image=Path(f"/x/{one}.jpg"), image_path=f"{one}.jpg")
        encoded = EXPORT_FORMATS[name].encode(sample, settings)
        listing_entries.append((one, encoded.entry))
        for file, content in encoded.files.items():
            (tmp_path / file).write_bytes(b"".join(content()) if callable(content) else content)
    listing = Listing(classes, {"train": list(labels)}, lambda _ids: iter(listing_entries))
    for file, whole in EXPORT_FORMATS[name].whole(listing, settings).items():
        (tmp_path / file).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / file).write_bytes(b"".join(whole()) if callable(whole) else whole)
    for one, drawn in labels.items():
        own = tmp_path / f"{one}.json"
        path = own if own.exists() else tmp_path / "annotations" / "instances_train.json"
        masks = read_masks(path, SHAPE, one)
        segments = sorted(find_segments(drawn, settings.instances), key=lambda seg: -seg.area)
        dense = np.zeros((len(segments), *SHAPE), np.bool_)
        for at, segment in enumerate(segments):
            dense[at][segment.box.slices] = segment.region
        assert equal(masks, dense)
        assert masks.brought is not None
        assert masks.brought.names == tuple(VOC.name(segment.class_id) for segment in segments)


def test_categories_name_the_classes_of_masks(tmp_path: Path) -> None:
    path = save_json(tmp_path / "all.json", instances(DENSE, compressed, "a"))
    many = find_many(path)
    assert many is not None
    assert many.names == ["other", "train/a"]
    masks = read_masks(path, SHAPE, "a")
    assert masks.brought is not None
    assert masks.brought.names == ("cat",) * 3
