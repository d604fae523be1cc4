"""Files altered at random, read in a process of its own with little memory and an alarm.

Run as ``python -m tests.files.mutating FOLDER SEED COUNT``: it prints a line for each fault.
"""

import faulthandler
import pickle
import resource
import signal
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from napari_sepl import MaskSet
from napari_sepl.core.errors import SeplError
from napari_sepl.core.labels.classes import BUILT_IN, VOC
from napari_sepl.core.labels.scores import Scores
from napari_sepl.files.class_lists import encode_class_list, read_class_list, read_class_map
from napari_sepl.files.dataset.image_labels import open_image_labels
from napari_sepl.files.dataset.lists import read_image_labels, read_list
from napari_sepl.files.dataset.specification import (
    looks_like_dataset,
    read_dataset,
)
from napari_sepl.files.images import image_size, read_image
from napari_sepl.files.label_png import encode_label_png, read_provenance
from napari_sepl.files.labels import read_given_labels, read_labels
from napari_sepl.files.masks import find_many, looks_like_masks, read_masks, write_masks
from napari_sepl.files.masks.many import ManyImages
from napari_sepl.files.pickles import holds_objects
from napari_sepl.files.pseudo import read_pseudo
from napari_sepl.workflow.measure.checkpoint import RunCheckpoint, read_checkpoint
from tests.files import cam_files
from tests.files.making import provenance, random_labels, random_masks, save_amg_folder
from tests.files.mask_writers import NUMBERED, WRITERS

SHAPE = (60, 80)
MEMORY = 2_000
"""MB that reading may take."""

_ROOM = 3 * 2**30
_PATIENCE = 20
_PNG = b"\x89PNG\r\n\x1a\n"
_RGB = np.random.default_rng(4).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
_SMOOTH = np.add.outer(np.arange(SHAPE[0]), np.arange(SHAPE[1])).astype(np.uint8)
_LABELS = random_labels(SHAPE)
_MASKS = random_masks(3, SHAPE)


@dataclass(frozen=True)
class Case:
    """A kind of file.

    Parameters
    ----------
    name : str
        The file, or the one in a folder that is altered.
    write : callable
        Makes it, given its path.
    reads : tuple of callable
        All that are read from it, or from the folder.
    exact : bool
        Whether it has checksums, so that what is read at all is as it was.
    """

    name: str
    write: Callable[[Path], object]
    reads: tuple[Callable[[Path], Any], ...]
    exact: bool = False

    def target(self, path: Path) -> Path:
        """Return what is read: the file, or the folder it is in."""
        return path.parent if "/" in self.name else path


def _labels(path: Path) -> Any:
    return read_labels(path, SHAPE)


def _masks(path: Path) -> Any:
    return read_masks(path, SHAPE)


def _many(path: Path) -> Any:
    return read_masks(path, SHAPE, "a")


def _scores(path: Path) -> Any:
    return read_pseudo(path, sample_id="a", shape=SHAPE)


def _named(path: Path) -> Any:
    return read_pseudo(path, sample_id="a", shape=SHAPE, classes=VOC)


def _given(path: Path) -> Any:
    return read_given_labels(path, VOC, SHAPE)


def _tags(path: Path) -> Any:
    return open_image_labels(path, VOC, {"2007_000032"})


def _keyed() -> dict[str, Any]:
    return {"keys": np.array([3, 14]), "cam": cam_files.cams(2, SHAPE)}


def _write_folder(path: Path) -> None:
    if not path.parent.exists():
        save_amg_folder(path.parent, _MASKS)


def _save_cam(path: Path) -> None:
    cam_files.save_cam_dict(path, cam_files.cams(2, SHAPE), [3, 14])


def _save_tensors(path: Path) -> None:
    maps = cam_files.cams(2, SHAPE)
    value = {"keys": cam_files.tensor(np.array([3, 14])), "cam": cam_files.tensor(maps)}
    cam_files.save_pickle(path, value)


def _save_checkpoint(path: Path) -> None:
    checkpoint = RunCheckpoint(path, {"a": 1}, lambda _: (), lambda: {"c": np.arange(9)})
    checkpoint.stamps, checkpoint.path = {"b": "2"}, path
    checkpoint.save()


def _tif(**options: Any) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, _RGB, photometric="rgb", **options)


_LABEL_READS = (read_labels, _labels, read_provenance)
CASES = (
    Case("rgb.png", lambda p: Image.fromarray(_RGB).save(p), (read_image, image_size), exact=True),
    Case("sum.png", lambda p: Image.fromarray(_RGB).save(p), (read_image, image_size)),
    Case("rgb.jpg", lambda p: Image.fromarray(_RGB).save(p), (read_image, image_size)),
    Case("fine.jpg", lambda p: Image.fromarray(_RGB).save(p, progressive=True), (read_image,)),
    Case("rgb.webp", lambda p: Image.fromarray(_RGB).save(p), (read_image, image_size)),
    Case("rgb.gif", lambda p: Image.fromarray(_SMOOTH).save(p), (read_image, read_labels)),
    Case("rgb.bmp", lambda p: Image.fromarray(_RGB).save(p), (read_image, read_labels)),
    Case("rgb.jp2", lambda p: Image.fromarray(_RGB).save(p), (read_image, image_size)),
    Case("rgb.tga", lambda p: Image.fromarray(_RGB).save(p, rle=True), (read_image,)),
    Case("rgb.ppm", lambda p: Image.fromarray(_RGB).save(p), (read_image,)),
    Case("plain.tif", _tif(), (read_image, image_size)),
    Case("lzw.tif", _tif(compression="lzw", tile=(16, 16)), (read_image, image_size)),
    Case("zip.tif", _tif(compression="zlib", predictor=True), (read_image, image_size)),
    Case("jpeg.tif", _tif(compression="jpeg"), (read_image, image_size)),
    Case("big.tif", lambda p: tifffile.imwrite(p, _LABELS, bigtiff=True), (read_labels, _labels)),
    Case("own.png", lambda p: p.write_bytes(encode_label_png(_LABELS, VOC, provenance())),
         _LABEL_READS, exact=True),
    Case("grey.png", lambda p: Image.fromarray(_LABELS).save(p), _LABEL_READS, exact=True),
    Case("sums.png", lambda p: p.write_bytes(encode_label_png(_LABELS, VOC, provenance())),
         (*_LABEL_READS, _scores)),
    Case("labels.npy", lambda p: np.save(p, _LABELS), (read_labels, _labels, _scores)),
    Case("labels.npz", lambda p: np.savez_compressed(p, _LABELS), (read_labels, _labels, _scores)),
    Case("masks.npy", lambda p: np.save(p, _MASKS), (read_masks, _masks)),
    Case("masks.npz", lambda p: np.savez_compressed(p, _MASKS), (read_masks, _masks)),
    Case("masks.json", lambda p: write_masks(p, MaskSet.from_dense(_MASKS)),
         (read_masks, _masks, looks_like_masks)),
    Case("records.pkl", lambda p: WRITERS["generate, pickled"](p, _MASKS), (read_masks, _masks)),
    Case("records.npy", lambda p: WRITERS["generate, np.save"](p, _MASKS), (read_masks, _masks)),
    Case("many.json", lambda p: WRITERS["COCO, counts"](p, _MASKS), (_many, _masks, find_many)),
    Case("polygons.json", lambda p: WRITERS["polygons"](p, _MASKS[:, :9, :9]), (_masks,)),
    Case("labelme.json", lambda p: WRITERS["labelme"](p, _MASKS), (read_masks, _masks)),
    Case("isat.json", lambda p: WRITERS["ISAT"](p, _MASKS[:, :9, :9]), (read_masks, _masks)),
    Case("packed.npy", lambda p: WRITERS["packed rows"](p, _MASKS), (read_masks, _masks)),
    Case("numbers.png", lambda p: NUMBERED["numbers, grey PNG"](p, _MASKS), (read_masks, _masks),
         exact=True),
    Case("summed.png", lambda p: NUMBERED["numbers, grey PNG"](p, _MASKS), (read_masks, _masks)),
    Case("numbers.tif", lambda p: NUMBERED["numbers, TIFF"](p, _MASKS), (read_masks, _masks)),
    Case("folder/1.png", _write_folder, (read_masks, _masks), exact=True),
    Case("table/metadata.csv", _write_folder, (read_masks, _masks)),
    Case("cam.npy", _save_cam, (read_pseudo, _scores, holds_objects, read_labels)),
    Case("cam.pkl", _save_cam, (read_pseudo, _scores)),
    Case("old.pickle", lambda p: p.write_bytes(pickle.dumps(
        dict(zip((3, 14), cam_files.cams(2, SHAPE), strict=True)), 2)), (read_pseudo, _scores)),
    Case("crf.npy", lambda p: cam_files.save_crf_dict(p, cam_files.cams(2, SHAPE), [3, 14]),
         (read_pseudo, _scores)),
    Case("stack.npy", lambda p: np.save(p, cam_files.cams(4, SHAPE)), (read_pseudo, _scores)),
    Case("tensors.pkl", _save_tensors, (read_pseudo, _scores)),
    Case("zip.pt", lambda p: cam_files.save_torch(p, _keyed()), (_named,), exact=True),
    Case("old.pth", lambda p: cam_files.save_torch(p, _keyed(), layout="old"), (_named,)),
    Case("a.safetensors", lambda p: cam_files.save_safetensors(p, _keyed()), (_named,)),
    Case("cam.npz", lambda p: np.savez_compressed(p, **_keyed()), (_named,), exact=True),
    Case("colours.png", lambda p: Image.fromarray(VOC.palette()[_LABELS]).save(p),
         (_given, _named), exact=True),
    Case("colours.tif", lambda p: tifffile.imwrite(p, VOC.palette()[_LABELS], photometric="rgb"),
         (_given,)),
    Case("labels.txt", lambda p: p.write_text("__ignore__\n_background_\ncar\n"),
         (read_class_list,)),
    Case("labelmap.txt", lambda p: p.write_text("background:0,0,0::\ncar:64,128,128::\n"),
         (read_class_list,)),
    Case("gaps.toml", lambda p: p.write_bytes(encode_class_list(BUILT_IN["coco-official"])),
         (read_class_list,)),
    Case("cls_labels.npy", lambda p: cam_files.save_dict(p, {"2007_000032": np.zeros(20)}),
         (_tags,)),
    Case("tags.json", lambda p: p.write_text(
        '{"images": [{"id": 7, "file_name": "2007_000032.jpg"}], "annotations": [{"image_id": 7, '
        '"category_id": 62}], "categories": [{"id": 62, "name": "chair"}]}'), (_tags,)),
    Case("tags.csv", lambda p: p.write_text("image,label\n2007_000032.jpg,cat\n"), (_tags,)),
    Case("a_7.png", lambda p: Image.fromarray(_SMOOTH).save(p), (_scores,), exact=True),
    Case("classes.toml", lambda p: p.write_bytes(encode_class_list(VOC)), (read_class_list,)),
    Case("map.toml", lambda p: p.write_text(
        '[rename]\n"tv monitor" = "screen"\n[merge]\nvehicle = ["car", "bus", 19]\n'
        '[drop]\nto_background = ["potted plant"]\n'), (lambda p: read_class_map(p, VOC),)),
    Case("dataset.toml", lambda p: p.write_text(
        'images = "~/a"\npseudo = "b"\nmasks = "c"\nout = "d"\nclasses = "voc"\n'
        'ground_truth = "e"\n'),
        (read_dataset, looks_like_dataset)),
    Case("list.txt", lambda p: p.write_text("2007_000032\nJPEGImages/2007_000039.jpg x\n"),
         (lambda p: read_list(p, ()),)),
    Case("tags.txt", lambda p: p.write_text("2007_000032 cat dog\n2007_000039 15\n"),
         (lambda p: read_image_labels(p, VOC, ()),)),
    Case("checkpoint.npz", _save_checkpoint, (read_checkpoint,)),
)  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a content with one to three alterations: bits, bytes, parts cut, put in, exchanged."""
    altered = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        size = max(1, len(altered))
        within = size if rng.random() < 0.5 else min(size, 200)  # headers are where sizes are
        start = int(rng.integers(within))
        length = int(rng.integers(1, 1 + min(64, size)))
        match int(rng.integers(7)):
            case 0:
                altered[start : start + 1] = bytes(
                    [(altered[start] if altered else 0) ^ 1 << int(rng.integers(8))]
                )
            case 1:
                altered[start : start + 4] = rng.choice(
                    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80"]
                )
            case 2:
                del altered[start:]
            case 3:
                altered[start:start] = rng.bytes(length)
            case 4:
                del altered[start : start + length]
            case 5:
                altered[start:start] = bytes(altered[start : start + length]) * int(
                    rng.integers(1, 50)
                )
            case 6:
                other = int(rng.integers(size))
                one, two = altered[start : start + length], altered[other : other + length]
                altered[start : start + length], altered[other : other + length] = two, one
    return bytes(altered)


def with_sums(content: bytes) -> bytes:
    """Return a PNG whose checksums are made right, so that what decodes the chunks is met."""
    parts, start = [_PNG], len(_PNG)
    while start + 12 <= len(content):
        end = start + 8 + int.from_bytes(content[start : start + 4])
        if end + 4 > len(content):
            break
        parts += [content[start:end], zlib.crc32(content[start + 4 : end]).to_bytes(4)]
        start = end + 4
    return b"".join([*parts, b"\0\0\0\0IEND\xaeB`\x82"])


def told(value: Any) -> Any:
    """Return what can be compared."""
    if isinstance(value, ManyImages):
        return value.images
    if isinstance(value, MaskSet | Scores):
        return value.digest
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, tuple):
        return str(value)
    return value


def answer_of(read: Callable[[Path], Any], path: Path) -> Any:
    """Return what is read of a sound file; None where it is refused, being of another kind."""
    try:
        return told(read(path))
    except SeplError:
        return None


def _ring(*_: object) -> None:
    raise TimeoutError(f"more than {_PATIENCE} s")


def _fault(case: Case, path: Path, whole: list[Any]) -> str:
    """Read an altered file in all ways; return what should not have happened."""
    for read, before in zip(case.reads, whole, strict=True):
        signal.alarm(_PATIENCE)
        try:
            after = told(read(case.target(path)))
        except SeplError as error:
            text = str(error)
            if "\n" in text or not text or len(text) > 1500:
                return f"{read}: the message {text!r}"
        except BaseException as error:  # noqa: BLE001  just these are looked for
            return f"{read}: {type(error).__name__}: {error}"
        else:
            if case.exact and after != before:
                return f"{read}: other content"
        finally:
            signal.alarm(0)
    return ""


def main(folder: Path, seed: int, count: int) -> None:
    """Alter and read files, and print the faults."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _ring)
    wholes: dict[str, list[Any]] = {}
    for case in CASES:
        path = folder / case.name
        case.write(path)
        wholes[case.name] = [answer_of(read, case.target(path)) for read in case.reads]
    resource.setrlimit(resource.RLIMIT_AS, (_ROOM, _ROOM))
    allowed = MEMORY
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        case = CASES[number % len(CASES)]
        path = folder / case.name
        content = path.read_bytes()
        altered = mutated(content, rng)
        path.write_bytes(with_sums(altered) if path.stem.startswith("sum") else altered)
        (folder / "now").write_text(f"{seed} {number} {case.name}")
        since = time.monotonic()
        fault = _fault(case, path, wholes[case.name])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if fault or peak > allowed:
            allowed = max(allowed, peak)  # it never sinks
            kept = folder / f"fault {seed} {number} {path.name}"
            kept.write_bytes(path.read_bytes())
            print(f"{kept}: {fault} ({peak} MB, {time.monotonic() - since:.1f} s)", flush=True)
        path.write_bytes(content)
    print("done", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
